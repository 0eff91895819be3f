"""What a page asks of search engines: rel tokens, robots metas and X-Robots-Tag headers, and what they amount to.

Sources: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag (metas, header, `none`, agents),
https://developers.google.com/search/docs/crawling-indexing/qualify-outbound-links (rel),
https://www.bing.com/webmasters/help/which-robots-metatags-does-bing-support-5198d240,
https://html.spec.whatwg.org/multipage/common-microsyntaxes.html#set-of-space-separated-tokens
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from storage.records import FollowCause, Indexability, RobotsDirective

# The standard separates rel tokens at ASCII white space, Google's documentation at spaces or commas; nobody documents
# the no-break space that editors paste in between. It is read as the space its author saw: a link counted as followed
# that is meant not to be misleads more than the reverse.
_REL_SEPARATORS = re.compile(r"[\s,]+")
_META_SPACE = re.compile(r"\s+")
_AGENT_PREFIX = re.compile(r"([a-z*][a-z0-9_.*\-]*)\s*:\s*(.*)", re.DOTALL)

ALL_AGENTS = frozenset({"robots", "*"})
"""How a directive for every crawler is addressed: the name of the meta element, and of a header without a name."""

MAX_CHARACTERS = 4_000
"""Characters of one meta element or header that are read."""
MAX_DIRECTIVES = 1_000
"""Directives of one page that are kept."""

VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
"""Directives with a value after a colon: in a header their names are no crawler's."""

PLAIN = frozenset(
    {"all", "index", "follow", "none", "noindex", "nofollow", "noarchive", "nocache", "nosnippet", "noimageindex"}
    | {"notranslate", "nositelinkssearchbox", "indexifembedded", "noodp", "noydir", "noai", "noimageai"}
)
"""Directives of one word; in a list, what is neither one of these nor named goes on with the date before it."""


@cache
def crawlers() -> frozenset[str]:
    """The names in robots metas that address one crawler, lower-case; data/crawlers.tsv."""
    table = files("crawler").joinpath("data/crawlers.tsv").read_text(encoding="utf-8")
    return frozenset(line.split("\t")[0] for line in table.split("\n") if line and not line.startswith("#"))


def rel_tokens(value: str | None) -> tuple[str, ...]:
    """Return the tokens of a ``rel`` attribute: lower-case, in the order found, each once.

    Split at white space of any kind and at commas (``rel="nofollow,ugc"``, as Google documents).
    """
    if not value:
        return ()
    return tuple(dict.fromkeys(token for token in _REL_SEPARATORS.split(value.lower()) if token))


def page_directives(
    metas: Iterable[tuple[str, str]], headers: Iterable[tuple[str, str]], *, agents: Iterable[str] = ()
) -> tuple[RobotsDirective, ...]:
    """Return every robots directive of a page, in order: metas first, then headers.

    Args:
        metas: (name, content) of the page's ``meta`` elements in document order; other names are passed over.
        headers: (name, value) of the response, several of one name as they came.
        agents: crawlers to know beside `crawlers`, such as the one the page is judged as.
    Returns:
        One value per directive, lower-case; ``none`` is kept as written, `judge` knows what it means.
    """
    known = ALL_AGENTS | crawlers() | {agent.strip().lower() for agent in agents}
    found: list[RobotsDirective] = []
    for name, content in metas:
        agent = name.strip().lower()
        if agent in known:
            found += (RobotsDirective("meta_robots", agent, value) for _, value in _values(content, agent, named=False))
    for name, content in headers:
        if name.strip().lower() == "x-robots-tag":
            found += (
                RobotsDirective("x_robots_tag", agent, value) for agent, value in _values(content, "*", named=True)
            )
    return tuple(dict.fromkeys(found))[:MAX_DIRECTIVES]


def _values(content: str, agent: str, *, named: bool) -> list[tuple[str, str]]:
    """(agent, directive) of one content or header value; ``named`` allows ``googlebot: noindex``.

    A name holds for what follows it until the next one. The date of ``unavailable_after`` may hold commas.
    """
    found: list[tuple[str, str]] = []
    in_date = False
    for piece in content[:MAX_CHARACTERS].lower().split(","):
        piece = _META_SPACE.sub(" ", piece).strip()
        while named and (match := _AGENT_PREFIX.match(piece)) and match[1] not in VALUED:
            agent, piece, in_date = match[1], match[2].strip(), False
        if not piece:
            continue
        name, colon, rest = (part.strip() for part in piece.partition(":"))
        if colon and name in VALUED:
            found.append((agent, f"{name}:{rest}"))
            in_date = name == "unavailable_after"
            continue
        words = piece.split(" ")
        if in_date and not PLAIN.issuperset(words):
            found[-1] = (agent, f"{found[-1][1]}, {piece}")
            continue
        in_date = False
        # Pages also write "noindex nofollow" without a comma.
        if len(words) > 1 and PLAIN.issuperset(words):
            found += ((agent, word) for word in words)
        else:
            found.append((agent, piece))
    return found


def judge(
    directives: Iterable[RobotsDirective], agent: str = "googlebot"
) -> tuple[tuple[Indexability, ...], tuple[FollowCause, ...]]:
    """Return (why the page is not indexable, why its links are not followed) for one crawler.

    Directives for all crawlers and those for ``agent`` are taken together and the strictest holds, as Google
    documents. Causes are named once each, ``meta_robots`` before ``x_robots_tag``. ``unavailable_after`` is a fact of
    the page, not a cause: whether its date has come depends on the day of asking.
    """
    agent = agent.strip().lower()
    not_indexed: set[Indexability] = set()
    not_followed: set[FollowCause] = set()
    for cause, addressed, value in directives:
        if addressed != agent and addressed not in ALL_AGENTS:
            continue
        if value in ("noindex", "none"):
            not_indexed.add(cause)
        if value in ("nofollow", "none"):
            not_followed.add(cause)
    return tuple(sorted(not_indexed)), tuple(sorted(not_followed))
