"""Obeys robots.txt: RFC 9309 for what each answer means, one file for each scheme, host and port.

| answer | the page |
|---|---|
| 2xx | as its rules say |
| 3xx after five hops, or in a loop; 4xx but 429 | allowed: there is no robots.txt |
| 429, 5xx, timeout, broken, cut off | not fetched now: blocked, `robots:429`, `robots:5xx`, `robots:unreachable` |
| no such host, no connection, no encryption | the page's own outcome: failed, ``dns``, ``connect`` or ``tls`` |

Source: https://www.rfc-editor.org/rfc/rfc9309#section-2.3.1
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http.request import NO_CALLBACK
from twisted.internet.error import ConnectError, ConnectionClosed

from crawler.bodies import UnknownEncoding, unpack
from crawler.outcomes import ASK, Ask, Decided, ask_of, cause_of
from crawler.politeness import honour_crawl_delay, page_request
from crawler.robots_rules import ALLOW_ALL, MAX_BYTES, RobotsRules, read_robots
from crawler.urls import canonical_url

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from storage.records import OutcomeState

_FRESH_SECONDS = 24 * 3600
"""RFC 9309 section 2.4: a copy is not used for longer than a day."""
_UNREACHABLE_SECONDS = 600
_REMEMBERED = 10_000
"""Hosts whose rules are kept; a list of a million hosts asks each only once anyway."""
_MAX_HOPS = 5
_LONGEST_RULE = 200

_UNREACHABLE = (
    DownloadTimeoutError, DownloadFailedError, DownloadCancelledError, ResponseDataLossError,
    ConnectionClosed, UnsupportedURLSchemeError, OSError,
)  # fmt: skip


class Policy(NamedTuple):
    """What is known of one origin's robots.txt."""

    rules: RobotsRules
    until: float
    """Of `monotonic`: when it is to be asked again."""
    outcome: OutcomeState | None = None
    """Where nothing may be fetched now: the outcome of its pages, with ``reason``."""
    reason: str = ""


class RobotsMiddleware:
    """Asks robots.txt before the first page of an origin, in the slot of its operator."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.agent = str(crawler.settings["ROBOTSTXT_USER_AGENT"] or crawler.settings["BOT_NAME"])
        self._known: OrderedDict[str, Policy] = OrderedDict()
        self._asked: dict[str, asyncio.Future[Policy]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let an allowed request pass.

        Raises:
            Decided: blocked by a rule, which the reason names with its line, or not to be fetched now.
        """
        if request.meta.get("robots_exempt") or ASK not in request.meta:
            return
        ask = ask_of(request)
        scheme, _, rest = ask.current.url.partition("://")
        authority, slash, path = rest.partition("/")
        policy = await self._policy(f"{scheme}://{authority}", request)
        if policy.outcome is not None:
            raise Decided(policy.outcome, policy.reason, ask)
        verdict = policy.rules.judge(slash + path)
        if not verdict.allowed and verdict.rule is not None:
            pattern = verdict.rule.given.partition(":")[2].strip()[:_LONGEST_RULE]
            raise Decided("blocked", f"robots:disallow {pattern} (line {verdict.rule.line})", ask)

    async def _policy(self, origin: str, request: Request) -> Policy:
        known = self._known.get(origin)
        if known is not None and known.until > monotonic():
            self._known.move_to_end(origin)
            return known
        if origin in self._asked:
            return await asyncio.shield(self._asked[origin])
        answer: asyncio.Future[Policy] = asyncio.get_running_loop().create_future()
        self._asked[origin] = answer
        try:
            policy = await self._fetch(origin, request)
            self._known[origin] = policy
            self._known.move_to_end(origin)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            answer.set_result(policy)
        finally:
            del self._asked[origin]
            if not answer.done():
                answer.cancel()
        return policy

    async def _fetch(self, origin: str, request: Request) -> Policy:
        url = canonical_url(f"{origin}/robots.txt")
        operator = request.meta["download_slot"]
        robots = page_request(
            Ask(url, url, max_hops=_MAX_HOPS),
            slot=operator,
            meta={"robots_exempt": True, "max_bytes": MAX_BYTES, "download_timeout": request.meta["download_timeout"]},
            headers=request.headers,
            callback=NO_CALLBACK,
        )
        try:
            response = await self.crawler.engine.download_async(robots)
        except Decided as error:  # redirected: too often, in a circle, or to no http(s) URL
            self._count("robots/unavailable")
            if error.outcome in ("blocked", "failed") and not error.reason.startswith("redirect"):
                return _not_now("unreachable")
            return Policy(ALLOW_ALL, monotonic() + _FRESH_SECONDS)
        except (CannotResolveHostError, DownloadConnectionRefusedError, ConnectError) as error:
            return Policy(ALLOW_ALL, monotonic() + _UNREACHABLE_SECONDS, "failed", cause_of(error))
        except _UNREACHABLE as error:
            if cause_of(error) == "tls":
                return Policy(ALLOW_ALL, monotonic() + _UNREACHABLE_SECONDS, "failed", "tls")
            return _not_now("unreachable")
        policy = self._read(response)
        honour_crawl_delay(self.crawler, operator, policy.rules.crawl_delay)
        return policy

    def _read(self, response: Response) -> Policy:
        self._count(f"robots/{response.status // 100}xx")
        if response.status == 429:
            return _not_now("429")
        if response.status >= 500:
            return _not_now("5xx")
        if not 200 <= response.status < 300:
            return Policy(ALLOW_ALL, monotonic() + _FRESH_SECONDS)
        encodings = [value.decode("latin-1") for value in response.headers.getlist(b"Content-Encoding")]
        try:
            body, flaw = unpack(response.body, encodings, MAX_BYTES)
        except UnknownEncoding:
            return _not_now("unreachable")
        if flaw in ("cut", "corrupt") and "download_stopped" not in response.flags:
            return _not_now("unreachable")
        return Policy(read_robots(body, self.agent), monotonic() + _FRESH_SECONDS)

    def _count(self, name: str) -> None:
        self.crawler.stats.inc_value(name)


def _not_now(why: str) -> Policy:
    return Policy(ALLOW_ALL, monotonic() + _UNREACHABLE_SECONDS, "blocked", f"robots:{why}")
