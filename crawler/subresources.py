"""What a page asks for while its scripts run, fetched by the crawler itself: same guard, robots.txt, limits, identity.

Scripts and what they ask for by GET are fetched, without cookies or a referrer. Everything else is refused.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from scrapy.http.request import NO_CALLBACK

from crawler.bodies import ACCEPTED, UnknownEncoding
from crawler.outcomes import Ask, Decided, ask_of, cause_of, unpacked
from crawler.plan import LONGEST_URL
from crawler.politeness import page_request, script_slot
from crawler.robots_rules import split_url
from crawler.urls import canonical_url, operator_domain
from storage.errors import InvalidUrl

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.plan import CrawlPlan

MOST_REQUESTS = 60
"""Requests of one page."""
MOST_BYTES = 10 * 1024 * 1024
"""Bytes that they bring together, unpacked."""
LARGEST = 5 * 1024 * 1024
"""Bytes of one answer."""
SECONDS = 15.0
"""All of them together, waiting for their turns included."""
_MOST_HOPS = 5
_CACHED_BYTES = 16 * 1024 * 1024
_LARGEST_CACHED = 2 * 1024 * 1024

KINDS = frozenset({"script", "xhr", "fetch"})
"""Resource types, in the words of Chromium, that are fetched."""
_HEADERS = (
    "content-type", "access-control-allow-origin", "access-control-expose-headers", "cross-origin-resource-policy",
    "x-content-type-options",
)  # fmt: skip
"""Headers of an answer that the browser gets to see. None of them sets or keeps anything."""
_LOST = frozenset({"timeout", "cut", "url_timeout"})
"""Causes that may be gone next time."""


class Answer(NamedTuple):
    """What the browser is given."""

    status: int
    headers: dict[str, str]
    body: bytes


class Allowance:
    """What one page may still ask for, and whether it went without something that it might get next time."""

    def __init__(self) -> None:
        self.requests = MOST_REQUESTS
        self.bytes = MOST_BYTES
        self.until = monotonic() + SECONDS
        self.lacking = False
        """A limit was met, or a server was in trouble: the page may show less than it could."""


class Subresources:
    """Fetches for all pages of a crawl; scripts that many of them share are asked for once."""

    def __init__(self, crawler: Crawler, plan: CrawlPlan) -> None:
        self._crawler, self._timeout = crawler, plan.timeout
        self._headers = {
            "User-Agent": plan.agent_header,
            "Accept": "*/*",
            "Accept-Language": "en,*;q=0.5",
            "Accept-Encoding": ACCEPTED,
        }
        self._scripts: OrderedDict[str, Answer] = OrderedDict()
        self._kept = 0
        self._asked: dict[str, asyncio.Task[Response]] = {}

    async def get(self, given: str, kind: str, allowance: Allowance) -> Answer | None:
        """Fetch one URL for a page; None where it is not to be had.

        Args:
            given: as the browser names it.
            kind: one of `KINDS`.
        """
        allowance.requests -= 1
        if allowance.requests < 0:
            allowance.lacking = True
            return None
        try:
            url = canonical_url(given)
        except InvalidUrl:
            return None
        if len(url.url) > LONGEST_URL:
            return None
        answer = self._scripts.get(url.url) if kind == "script" else None
        if answer is None:
            left = allowance.until - monotonic()
            most = min(LARGEST, allowance.bytes)
            if left <= 0 or most <= 0:
                allowance.lacking = True
                return None
            task = self._asked.get(url.url)
            if task is None:
                request = page_request(
                    Ask(url, url, max_hops=_MOST_HOPS),
                    slot=script_slot(self._crawler, operator_domain(url.host)),
                    meta={
                        "download_timeout": min(self._timeout, SECONDS), "max_bytes": LARGEST, "dont_retry": True,
                        "subresource": True,
                    },
                    headers=self._headers,
                    callback=NO_CALLBACK,
                )  # fmt: skip
                task = asyncio.ensure_future(self._crawler.engine.download_async(request))
                self._asked[url.url] = task
                task.add_done_callback(lambda done: self._over(url.url, done))
            # It is not cancelled where this page cannot wait: another one may be waiting too.
            await asyncio.wait({task}, timeout=left)
            if not task.done():
                allowance.lacking = True
                return None
            answer = self._answer(task, kind, allowance)
            if answer is None:
                return None
            if kind == "script":
                self._keep(url.url, answer)
        else:
            self._scripts.move_to_end(url.url)
        allowance.bytes -= len(answer.body)
        if allowance.bytes < 0:
            allowance.lacking = True
            return None
        return answer

    def _over(self, url: str, task: asyncio.Task[Response]) -> None:
        del self._asked[url]
        if not task.cancelled():
            task.exception()  # looked at, so that it is not reported where no page waits any more

    def _answer(self, task: asyncio.Task[Response], kind: str, allowance: Allowance) -> Answer | None:
        error = task.exception()
        if error is not None:
            cause = error.reason if isinstance(error, Decided) else cause_of(error)
            allowance.lacking = allowance.lacking or cause in _LOST
            return None
        response = task.result()
        if response.status == 429 or response.status >= 500:
            allowance.lacking = True
        try:
            body, flaw = unpacked(response, LARGEST)
        except UnknownEncoding:
            return None
        if flaw is not None or "download_stopped" in response.flags or "partial" in response.flags:
            allowance.lacking = True
            return None
        headers = {
            name: value.decode("latin-1") for name in _HEADERS if (value := response.headers.get(name)) is not None
        }
        # The browser is told nothing of redirects: what another origin said must not be read as the page's own.
        if kind != "script" and _left_origin(response) and headers.get("access-control-allow-origin") != "*":
            return None
        return Answer(response.status, headers, body)

    def _keep(self, url: str, answer: Answer) -> None:
        if answer.status != 200 or len(answer.body) > _LARGEST_CACHED or url in self._scripts:
            return
        self._scripts[url] = answer
        self._kept += len(answer.body)
        while self._kept > _CACHED_BYTES:
            _, oldest = self._scripts.popitem(last=False)
            self._kept -= len(oldest.body)


def _left_origin(response: Response) -> bool:
    assert response.request is not None
    ask = ask_of(response.request)
    urls = (ask.requested.url, *(hop.url.url for hop in ask.chain), ask.current.url)
    return len({split_url(url)[0] for url in urls}) > 1
