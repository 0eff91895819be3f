"""Obeys robots.txt: RFC 9309 for what each answer means, one file for each scheme, host and port.

| answer | the page |
|---|---|
| 2xx | as its rules say |
| 3xx after five hops, in a loop or without a target; 4xx but 429 | allowed: there is no robots.txt |
| 429, 5xx, timeout, broken, cut off, led to what is refused or does not answer | not fetched now: blocked, \
  `robots:429`, `robots:5xx`, `robots:unreachable` |
| no such host, no connection, no encryption | the page's own outcome: failed, ``dns``, ``connect`` or ``tls`` |

Source: https://www.rfc-editor.org/rfc/rfc9309#section-2.3.1
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

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

from crawler.bodies import UnknownEncoding
from crawler.outcomes import ASK, Ask, Decided, ask_of, cause_of, unpacked
from crawler.politeness import honour_crawl_delay, keep_pace, page_request
from crawler.robots_known import FRESH_SECONDS, UNREACHABLE_SECONDS, Policies, Policy
from crawler.robots_rules import ALLOW_ALL, MAX_BYTES, RobotsRules, read_robots, split_url
from crawler.urls import canonical_url

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_MAX_HOPS = 5
_LONGEST_RULE = 200
_EXEMPT = "robots_exempt"
"""Key in ``Request.meta`` of the requests for robots.txt files: the URLs asked so far, its own first."""

_NO_CONNECTION = (CannotResolveHostError, DownloadConnectionRefusedError, ConnectError)
_UNREACHABLE = (
    DownloadTimeoutError, DownloadFailedError, DownloadCancelledError, ResponseDataLossError,
    ConnectionClosed, UnsupportedURLSchemeError, OSError,
)  # fmt: skip


class RobotsMiddleware:
    """Asks robots.txt before the first page of an origin, in the slot of its operator."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.agent = str(crawler.settings["ROBOTSTXT_USER_AGENT"] or crawler.settings["BOT_NAME"])
        self._known = Policies()
        self._asked: dict[str, asyncio.Future[Policy]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let an allowed request pass, in its operator's turn where other crawls ask it too.

        Raises:
            Decided: blocked by a rule, which the reason names with its line, or not to be fetched now.
        """
        await self._judge(request)
        await keep_pace(self.crawler, request)

    async def _judge(self, request: Request) -> None:
        if ASK not in request.meta:
            return
        if _EXEMPT in request.meta:
            request.meta[_EXEMPT].append(ask_of(request).current.url)
            return
        ask = ask_of(request)
        origin, path = split_url(ask.current.url)
        policy = await self._policy(origin, request)
        if policy.outcome is not None:
            raise Decided(policy.outcome, policy.reason, ask)
        verdict = policy.rules.judge(path)
        if not verdict.allowed and verdict.rule is not None:
            raise Decided("blocked", f"robots:disallow {_short(verdict.rule.given)} (line {verdict.rule.line})", ask)

    async def _policy(self, origin: str, request: Request) -> Policy:
        known = self._known.get(origin, monotonic())
        if known is not None:
            return known
        if origin in self._asked:
            return await asyncio.shield(self._asked[origin])
        answer: asyncio.Future[Policy] = asyncio.get_running_loop().create_future()
        self._asked[origin] = answer
        try:
            policy = await self._fetch(origin, request)
            self._known.put(origin, policy)
            answer.set_result(policy)
        except Exception as error:
            answer.set_exception(error)
            answer.exception()  # nobody else may be waiting for it
            raise
        finally:
            del self._asked[origin]
            if not answer.done():
                answer.cancel()
        return policy

    async def _fetch(self, origin: str, request: Request) -> Policy:
        url = canonical_url(f"{origin}/robots.txt")
        operator = request.meta["download_slot"]
        asked = [url.url]
        robots = page_request(
            Ask(url, url, max_hops=_MAX_HOPS),
            slot=operator,
            meta={_EXEMPT: asked, "max_bytes": MAX_BYTES, "download_timeout": request.meta["download_timeout"]},
            headers=request.headers,
            callback=NO_CALLBACK,
        )
        try:
            response = await self.crawler.engine.download_async(robots)
        except Decided as error:
            self._count("robots/unavailable")
            return _led_astray(error)
        except (*_NO_CONNECTION, *_UNREACHABLE) as error:
            self._count("robots/unavailable")
            cause = cause_of(error, robots)
            # Nothing can be asked of the origin itself: that is the outcome of its pages.
            if set(asked) == {url.url} and (cause == "tls" or isinstance(error, _NO_CONNECTION)):
                return Policy(ALLOW_ALL, monotonic() + UNREACHABLE_SECONDS, "failed", cause)
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
            return _as_said(ALLOW_ALL)
        stopped = "download_stopped" in response.flags
        try:
            # One more than is read, so that the reader knows that the last line may be half of one.
            body, flaw = unpacked(response, MAX_BYTES + 1)
        except UnknownEncoding:
            return _not_now("unreachable")
        if response.status == 206 or (flaw in ("cut", "corrupt") and not stopped):
            return _not_now("unreachable")
        return _as_said(read_robots(body, self.agent, whole=not stopped))

    def _count(self, name: str) -> None:
        self.crawler.stats.inc_value(name)


def _led_astray(error: Decided) -> Policy:
    """What a robots.txt means that was decided on its way: a redirect led to nothing, or to where nothing is asked."""
    redirected = error.ask is not None and error.ask.chain
    if error.outcome == "refused" and not redirected:  # the guard: no page of this origin may be asked
        return Policy(ALLOW_ALL, monotonic() + UNREACHABLE_SECONDS, "refused", error.reason)
    if error.reason.startswith(("redirect", "url_too_long")):
        return _as_said(ALLOW_ALL)
    return _not_now("unreachable")


def _as_said(rules: RobotsRules) -> Policy:
    return Policy(rules, monotonic() + FRESH_SECONDS)


def _not_now(why: str) -> Policy:
    return Policy(ALLOW_ALL, monotonic() + UNREACHABLE_SECONDS, "blocked", f"robots:{why}")


def _short(pattern: str) -> str:
    return pattern if len(pattern) <= _LONGEST_RULE else pattern[:_LONGEST_RULE] + "..."
