"""The plan of one crawl: a value that the command line, tests and ``scrapy crawl`` share.

It is kept with the crawl as JSON, so that a crawl can say later how it was made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from typing import Any, Literal, get_args

from crawler.addresses import read_opening
from crawler.proxy_url import ENVIRONMENT, read_proxy, shown
from crawler.urls import hide_in_source
from storage.errors import LedgerError

Follow = Literal["none", "host", "domain", "list", "any"]
FOLLOWS: tuple[Follow, ...] = get_args(Follow)

PRODUCT = "linkledger"
"""The product token that robots.txt groups are matched by."""
LONGEST_URL = 2083
"""Longer URLs are stored as targets but not fetched; the limit browsers and Scrapy have used."""
DEFAULT_DELAY = 1.0
DEFAULT_MAX_PAGES = 10_000
DEFAULT_MAX_PAGES_PER_HOST = 1_000
DEFAULT_MAX_BYTES = 10 * 1024 * 1024
DEFAULT_CONCURRENCY = 128
LONGEST_CRAWL_DELAY = 30.0
LONGEST_RETRY_AFTER = 120.0
"""Seconds that robots.txt and servers may ask for; what asks for more is asked after so many."""
FAST_DELAY = 0.5
"""A shorter delay is more than the owner of a small site will take for a visit."""
LONGEST_LIST_NAME = 200
"""Characters of a list's name: an index of PostgreSQL holds some 2,700 bytes."""
DEFAULT_URL_TIMEOUT = 120.0
DEFAULT_MAX_LINKS = 20_000
DEFAULT_MAX_QUERIES = 500
MOST_WORKERS = 64
"""Shards of a crawl, each worker holds at least one."""


class BadPlan(LedgerError):
    """A crawl that cannot be meant as it was asked for."""


@dataclass(frozen=True)
class CrawlPlan:
    """What to fetch, how deep to go, how politely, and where to keep it."""

    db: str = "sqlite:///linkledger.db"
    seeds: tuple[str, ...] = ()
    """Pages and files of pages as the user named them; ``-`` is standard input."""
    list_name: str | None = None
    """Keeps the seeds under this name; without seeds, the pages kept under it are crawled."""
    backlinks_of: str | None = None
    """The target whose referring pages the list holds."""
    column: str | None = None
    """Which column of a table holds the pages; None: recognised by its header."""
    retry_of: int | None = None
    """Crawl whose failed and partial pages are asked again, instead of seeds."""
    depth: int = 0
    """0: exactly the list; N: pages up to N links away from it."""
    follow: Follow = "none"
    include: tuple[str, ...] = ()
    """Regular expressions; where given, a URL found on a page must match one of them to be followed."""
    exclude: tuple[str, ...] = ()
    """Regular expressions; a URL found on a page that matches one is not followed."""
    max_pages: int | None = None
    """Most URLs asked in the whole crawl; None: no limit at depth 0, `DEFAULT_MAX_PAGES` deeper."""
    max_pages_per_host: int | None = None
    """The same for each host; None: no limit at depth 0, `DEFAULT_MAX_PAGES_PER_HOST` deeper."""
    delay: float = DEFAULT_DELAY
    """Least seconds between the starts of two requests to one operator."""
    concurrency: int = DEFAULT_CONCURRENCY
    """Most operators asked at the same time; one request each."""
    workers: int = 1
    """Processes that crawl; each operator is asked by one of them."""
    timeout: float = 30.0
    """Seconds one attempt may take in all."""
    url_timeout: float = DEFAULT_URL_TIMEOUT
    """Seconds that all attempts and redirects of one URL may take together; waiting for its turn does not count."""
    retries: int = 2
    """Further attempts after a connection problem, 408, 429 or 5xx."""
    contact: str | None = None
    """A URL or e-mail address, put into the user agent."""
    user_agent: str | None = None
    """Replaces the whole User-Agent header; robots.txt is still read for its first word."""
    judge_as: str = "googlebot"
    max_bytes: int = DEFAULT_MAX_BYTES
    """Most bytes of a document, unpacked; a longer one is read up to there and marked partial."""
    max_links: int = DEFAULT_MAX_LINKS
    """Most links of a page that are read; a page with more is marked partial."""
    max_queries: int | None = None
    """Most URLs followed that differ in their query only; None: no limit at depth 0, `DEFAULT_MAX_QUERIES` deeper."""
    allow_net: tuple[str, ...] = ()
    """Networks that may be connected to although they are not public: ``CIDR`` or ``CIDR:port``."""
    proxy: str | None = field(default=None, repr=False)
    """A proxy's URL, or ``environment`` for those of ``http_proxy`` and ``https_proxy``; None: none is used."""
    render: bool = False
    """Read pages after their scripts ran too, in a browser."""
    chromium: str | None = None
    """Path of the browser that renders; None: looked for."""
    keep_text: bool = True
    conditional: bool = True
    """Ask pages that are known whether they have changed (ETag, Last-Modified) instead of fetching them anew."""
    refresh_after_ms: int | None = None
    """Seeds whose page was read whole within so many milliseconds are not asked; None: all are."""
    verify_tls: bool = False
    """Refuse servers whose certificate does not hold; by default reach goes first."""

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise BadPlan(problem)

    @property
    def page_limit(self) -> int | None:
        """The limit on URLs in force."""
        return self.max_pages if self.max_pages is not None or self.depth == 0 else DEFAULT_MAX_PAGES

    @property
    def host_limit(self) -> int | None:
        """The limit on URLs of one host in force."""
        if self.max_pages_per_host is not None or self.depth == 0:
            return self.max_pages_per_host
        return DEFAULT_MAX_PAGES_PER_HOST

    @property
    def query_limit(self) -> int | None:
        """The limit on URLs that differ in their query only, in force."""
        return self.max_queries if self.max_queries is not None or self.depth == 0 else DEFAULT_MAX_QUERIES

    @property
    def follows(self) -> bool:
        """Whether any page beyond the list will be asked."""
        return self.depth > 0 and self.follow != "none"

    @property
    def agent_header(self) -> str:
        """The User-Agent header: name, version and where to complain."""
        if self.user_agent:
            return self.user_agent
        name = f"{PRODUCT}/{version(PRODUCT)}"
        return f"{name} (+{self.contact})" if self.contact else name

    @property
    def agent_token(self) -> str:
        """The name robots.txt knows this crawler by: the first word of the User-Agent header."""
        found = re.match(r"[A-Za-z_-]+", self.agent_header)
        return found[0] if found else PRODUCT

    def to_json(self) -> str:
        """The plan as it is handed to another process; `plan_from_json` reads it."""
        return json.dumps(asdict(self), sort_keys=True)

    def kept_json(self) -> str:
        """The plan as it is kept with its crawl: with what is in force, and without secrets.

        The ledger's URL and a proxy's credentials may be passwords, which all who read the ledger would see.
        """
        kept = asdict(self) | {
            "proxy": shown(self.proxy),
            "seeds": [hide_in_source(seed) for seed in self.seeds],
            "page_limit": self.page_limit, "host_limit": self.host_limit, "query_limit": self.query_limit,
            "agent_header": self.agent_header, "agent_token": self.agent_token,
            "longest_crawl_delay": LONGEST_CRAWL_DELAY, "longest_retry_after": LONGEST_RETRY_AFTER,
        }  # fmt: skip
        del kept["db"]
        return json.dumps(kept, sort_keys=True)


def plan_from_json(text: str) -> CrawlPlan:
    """Read a kept plan; settings a later release knows and this one does not are left out."""
    known = {one.name for one in fields(CrawlPlan)}
    values: dict[str, Any] = {name: value for name, value in json.loads(text).items() if name in known}
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return CrawlPlan(**values)


def plan_from_arguments(arguments: Mapping[str, str]) -> CrawlPlan:
    """The plan of ``scrapy crawl pages -a name=value ...``: texts to typed values.

    Several seeds or patterns are separated by white space. ``list`` may stand for ``list_name``.

    Raises:
        BadPlan: an unknown name, or a value of another type.
    """
    types = {one.name: str(one.type) for one in fields(CrawlPlan)}
    values: dict[str, Any] = {}
    for given, text in arguments.items():
        name = "list_name" if given == "list" else given
        if name not in types:
            raise BadPlan(f"unknown spider argument {given!r}; known: {', '.join(sorted(types))}")
        try:
            values[name] = _typed(types[name], text)
        except ValueError:
            raise BadPlan(f"spider argument {given}={text!r} is no {types[name]}") from None
    return CrawlPlan(**values)


def _typed(kind: str, text: str) -> Any:
    if kind.startswith("tuple"):
        return tuple(text.split())
    if kind == "bool":
        if text.lower() not in {"true", "false", "1", "0", "yes", "no"}:
            raise ValueError(text)
        return text.lower() in {"true", "1", "yes"}
    if kind.startswith("int"):
        return int(text)
    if kind.startswith("float"):
        return float(text)
    return text


def _problem(plan: CrawlPlan) -> str | None:
    """The first reason why a plan cannot be carried out, or None."""
    if plan.follow not in FOLLOWS:
        return f"--follow {plan.follow!r} is none of {', '.join(FOLLOWS)}"
    for name in ("depth", "retries"):
        if getattr(plan, name) < 0:
            return f"--{name} must be 0 or more"
    for name in ("max_pages", "max_pages_per_host", "max_bytes", "max_links", "max_queries", "concurrency", "workers"):
        value = getattr(plan, name)
        if value is not None and value < 1:
            return f"--{name.replace('_', '-')} must be 1 or more"
    if not 0 <= plan.delay < float("inf"):
        return "--delay must be 0 or more seconds"
    for name in ("timeout", "url_timeout"):
        if not 0 < getattr(plan, name) < float("inf"):
            return f"--{name.replace('_', '-')} must be more than 0 seconds"
    if plan.refresh_after_ms is not None and plan.refresh_after_ms < 1:
        return "--refresh-after must be a span of time such as 6d"
    if plan.refresh_after_ms is not None and plan.retry_of is not None:
        return "--retry-failed asks pages that were not read; --refresh-after does not go with it"
    if plan.depth == 0 and plan.follow != "none":
        return f"--follow {plan.follow} needs --depth 1 or more; at depth 0 exactly the list is fetched"
    for pattern in (*plan.include, *plan.exclude):
        try:
            re.compile(pattern)
        except re.error as error:
            return f"{pattern!r} is no regular expression: {error}"
    try:
        for text in plan.allow_net:
            read_opening(text)
        if plan.proxy not in (None, ENVIRONMENT):
            read_proxy(str(plan.proxy))
    except ValueError as error:
        return str(error)
    if plan.workers > MOST_WORKERS:
        return f"--workers must be {MOST_WORKERS} or fewer: a crawl is divided into so many shares"
    for name in ("contact", "user_agent"):
        value = getattr(plan, name)
        if value is not None and not (value.isprintable() and value.isascii() and value.strip()):
            return f"--{name.replace('_', '-')} must be plain ASCII text on one line"
    if plan.list_name is not None and not plan.list_name.strip():
        return "--list needs a name"
    if plan.list_name is not None and len(plan.list_name) > LONGEST_LIST_NAME:
        return f"--list takes a name of up to {LONGEST_LIST_NAME} characters; this one has {len(plan.list_name):,}"
    if plan.backlinks_of is not None and (plan.list_name is None or plan.retry_of is not None):
        return "--backlinks-of says whose backlinks a list holds: it needs --list NAME"
    if plan.backlinks_of is not None and not plan.backlinks_of.strip():
        return "--backlinks-of needs a target"
    if not plan.seeds and plan.list_name is None and plan.retry_of is None:
        return "nothing to crawl: name pages, a file of pages, - for standard input, or --list NAME"
    if plan.retry_of is not None and plan.seeds:
        return "--retry-failed asks the pages of an earlier crawl again; it takes no further SEEDS"
    return None
