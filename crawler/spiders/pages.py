"""The one spider: asks what the frontier hands out and yields what became of it."""

from __future__ import annotations

import json
from asyncio import Semaphore, get_running_loop
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.utils.defer import deferred_from_coro

from crawler import bodies, session
from crawler.begin import begin, end_crawl
from crawler.follow import Follower
from crawler.guard import arm, guard_of
from crawler.hazards import is_safe
from crawler.outcomes import (
    Ask,
    Opened,
    ask_of,
    decided,
    not_parsed,
    open_response,
    read_document,
    read_failure,
    read_unchanged,
)
from crawler.plan import LONGEST_URL, plan_from_arguments
from crawler.politeness import ask_request, asks_for_changes, page_request
from crawler.rendered import rendered_reading, worth_rendering
from crawler.sharing import Elsewhere
from crawler.taking_apart import SECONDS, CannotParse, Lane, take_apart_here
from crawler.urls import canonical_url, operator_domain
from storage import holders
from storage.errors import LedgerError
from storage.records import Hop, Reading

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

    from crawler.browser import Browser
    from crawler.plan import CrawlPlan
    from storage.frontier import Pending
    from storage.leases import HandOn


class PagesSpider(Spider):
    """Fetches the pages of one plan.

    ``crawler.run.run_crawl`` starts it with a session; ``scrapy crawl pages -a db=... -a seeds=...`` makes
    the session from the spider arguments, which are the fields of `CrawlPlan`.
    """

    name = "pages"

    def __init__(self, session: session.Session, *, alone: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self.session = session
        self._alone = alone
        """Nobody else closes the crawl in the ledger."""
        plan = session.plan
        self._follower = Follower(plan)
        self.browser: Browser | None = None
        """Renders pages, where the plan says so."""
        self._lane = Lane(seconds=min(SECONDS, plan.timeout))
        self._lane_thread = ThreadPoolExecutor(1, "parse")
        self._lane_turn = Semaphore(1)
        self._headers = {
            "User-Agent": plan.agent_header,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en,*;q=0.5",
            "Accept-Encoding": bodies.ACCEPTED,
        }

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **arguments: Any) -> PagesSpider:
        """Make the spider, and the settings that follow from its plan."""
        given = arguments.pop("session", None)
        work = given or _own_session(plan_from_arguments(arguments))
        plan = work.plan
        for name, value in {
            "USER_AGENT": plan.agent_header,
            "ROBOTSTXT_USER_AGENT": plan.agent_token,
            "DOWNLOAD_DELAY": plan.delay,
            "DOWNLOAD_TIMEOUT": plan.timeout,
            "LINKLEDGER_URL_TIMEOUT": plan.url_timeout,
            "DOWNLOAD_VERIFY_CERTIFICATES": plan.verify_tls,
            "RETRY_TIMES": plan.retries,
            "CONCURRENT_REQUESTS": plan.concurrency,
            "LINKLEDGER_MAX_BYTES": plan.max_bytes,
            "LINKLEDGER_PROXY": plan.proxy,
        }.items():
            crawler.settings.set(name, value, priority="spider")
        layers = {}
        if work.task.workers > 1:
            layers["crawler.sharing.SharingMiddleware"] = 50
        if plan.proxy is not None:
            layers["crawler.guard_layers.ProxyMiddleware"] = 90
        if layers:
            layers = crawler.settings.getdict("DOWNLOADER_MIDDLEWARES") | layers
            crawler.settings.set("DOWNLOADER_MIDDLEWARES", layers, priority="spider")
        spider = super().from_crawler(crawler, work, alone=given is None)
        if plan.render:
            from crawler.browser import Browser

            spider.browser = Browser(crawler, plan, stopping=spider.ending)
        return spider

    def ending(self) -> bool:
        """Whether the crawl ends before all is asked, by Ctrl-C among others: pages in hand are not waited for."""
        return self.session.stopping or self.session.error is not None or not self.crawler.crawling

    async def start(self) -> AsyncIterator[Any]:
        """Ask what the frontier hands out, until nothing is pending.

        Nothing is read ahead of what can be in flight, so a list of a million pages stays in the store.
        """
        self.session.on_stop = self._stop
        feed = self.session.feed
        try:
            await self.session.start()
            while self.session.error is None and not self.session.stopping:
                taken = [] if self.session.behind else feed.take()
                for pending in taken:
                    yield self._first_step(pending)
                if not taken:
                    if not feed.exhausted:
                        await feed.changed()
                    elif not await self.session.more():
                        return
        except LedgerError as error:
            self.session.fail(error)

    def _first_step(self, pending: Pending) -> Request | Reading:
        url = canonical_url(pending.url)
        ask = Ask(url, url, pending.depth, kept=pending.kept)
        if pending.chain is not None and pending.next_url is not None:  # handed on in the middle of its redirects
            chain = tuple(Hop(canonical_url(hop), status) for hop, status in json.loads(pending.chain))
            ask = ask._replace(current=canonical_url(pending.next_url), chain=chain)
        if len(url.url) > LONGEST_URL:
            return decided(ask, "skipped", "url_too_long")
        return page_request(
            ask,
            slot=operator_domain(ask.current.host),
            meta={"download_timeout": self.session.plan.timeout},
            headers=self._headers,
            callback=self.parse,
            errback=self.failed,
        )

    def parse(self, response: Response, **_: Any) -> list[Reading] | Awaitable[list[Any]]:
        """Read one response; what it raises is named by `crawler.outcomes.ParseErrorMiddleware`."""
        assert response.request is not None
        ask = ask_of(response.request)
        if response.status == 304 and ask.conditional is not None and asks_for_changes(response.request):
            return self._unchanged(response, ask, ask.conditional.visit_id)
        opened = self._open(response, ask)
        if isinstance(opened, Opened) and not is_safe(opened.document.body):
            return self._hazardous(response, ask)
        reading = self._read_here(response, ask, opened)
        if self.browser is not None and worth_rendering(reading):
            return self._rendered(self.browser, response, ask, reading)
        return [self._follower.followed(reading, ask.depth)]

    def _open(self, response: Response, ask: Ask) -> Opened | Reading:
        plan = self.session.plan
        return open_response(response, ask, max_bytes=plan.max_bytes, max_links=plan.max_links, judge_as=plan.judge_as)

    def _read_here(self, response: Response, ask: Ask, opened: Opened | Reading) -> Reading:
        if isinstance(opened, Reading):
            return opened
        return read_document(response, ask, opened, take_apart_here(opened.document))

    async def _hazardous(self, response: Response, ask: Ask) -> list[Any]:
        """Read a response whose document may cost much: the child takes it apart, the crawl goes on meanwhile."""
        reading = await self._read_apart(response, ask)
        if reading is None:
            return []
        if self.browser is not None and worth_rendering(reading):
            return await self._rendered(self.browser, response, ask, reading)
        return [self._follower.followed(reading, ask.depth)]

    async def _read_apart(self, response: Response, ask: Ask) -> Reading | None:
        """Read a response, the child taking its document apart if that may cost much; one at a time.

        Those that wait are kept as they came, packed, and unpacked in their turn. None: the crawl ended before that,
        the page is still pending.
        """
        async with self._lane_turn:
            if self.ending():
                return None
            opened = self._open(response, ask)
            if isinstance(opened, Reading) or is_safe(opened.document.body):
                return self._read_here(response, ask, opened)
            try:
                apart = await get_running_loop().run_in_executor(
                    self._lane_thread, self._lane.take_apart, opened.document
                )
            except CannotParse as error:
                return not_parsed(ask, error, status=response.status)
            return read_document(response, ask, opened, apart)

    async def _rendered(self, browser: Browser, response: Response, ask: Ask, raw: Reading) -> list[Any]:
        """Read a page again after its scripts ran; where that cannot be, what was sent stands alone."""
        assert raw.page is not None
        plan = self.session.plan
        rendering = await browser.render(response, ask.current, raw.page.charset)
        if rendering is None:  # the crawl ends; the page is still pending
            return []
        reading: Reading | str
        if isinstance(rendering, str):
            reading = rendering
        else:
            there = ask._replace(current=rendering.url)
            opened = self._open(rendering.response, there)
            again: Reading | None
            if isinstance(opened, Reading) or is_safe(opened.document.body):
                again = self._read_here(rendering.response, there, opened)
            else:
                again = await self._read_apart(rendering.response, there)
            if again is None:
                return []
            reading = rendered_reading(raw, again, max_links=plan.max_links)
        if isinstance(reading, str):
            self.session.not_rendered(ask.current.url, reading)
            reading = raw
        return [self._follower.followed(reading, ask.depth)]

    async def _unchanged(self, response: Response, ask: Ask, visit_id: int) -> list[Any]:
        """Read a 304 answer, or ask for the whole document where what was kept of it is gone meanwhile."""
        assert response.request is not None
        try:
            kept = await self.session.kept(visit_id)
        except LedgerError as error:
            self.session.fail(error)
            return []
        if kept is None:
            request = response.request
            slot = request.meta["download_slot"]
            return [ask_request(ask._replace(kept=None), slot=slot, like=request, priority=request.priority + 1)]
        reading = read_unchanged(response, ask, kept, judge_as=self.session.plan.judge_as)
        return [self._follower.followed(reading, ask.depth)]

    def failed(self, failure: Failure) -> list[Reading | HandOn]:
        """Read what kept a URL from answering, or hand it on to the worker that may ask it."""
        if isinstance(failure.value, Elsewhere):
            return [failure.value.hand_on]
        return [read_failure(failure, ask_of(failure.request))]  # type: ignore[attr-defined]

    def closed(self, reason: str) -> Any:
        """Give the worker's share back; Scrapy calls it at the end, after the pipeline."""
        self.session.reason = reason
        return deferred_from_coro(self._close())

    async def _close(self) -> None:
        if self.browser is not None:
            await self.browser.close()
        self._lane.close()
        self._lane_thread.shutdown(wait=False)
        await self.session.stop()
        self.session.finish()
        if self._alone:
            end_crawl(self.session.task, failed=self.session.error is not None)

    def _stop(self, reason: str) -> None:
        deferred_from_coro(self.crawler.engine.close_spider_async(reason=reason))


def _own_session(plan: CrawlPlan) -> session.Session:
    arm(guard_of(plan))  # in a process of Scrapy's, which this crawl does not outlive
    begun = begin(plan)
    task = session.Task(plan, begun.crawl_id, begun_by=holders.this_process())
    return session.Session(task, asked=begun.asked, done=begun.done)
