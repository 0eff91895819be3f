"""The one spider: asks what the frontier hands out and yields what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.utils.defer import deferred_from_coro

from crawler import bodies, session
from crawler.follow import Follower
from crawler.outcomes import Ask, ask_of, decided, read_failure, read_response, read_unchanged
from crawler.plan import LONGEST_URL, plan_from_arguments
from crawler.politeness import ask_request, asks_for_changes, page_request
from crawler.urls import canonical_url, operator_domain
from storage.errors import LedgerError
from storage.records import Reading

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

    from storage.frontier import Pending


class PagesSpider(Spider):
    """Fetches the pages of one plan.

    ``crawler.run.run_crawl`` starts it with a session; ``scrapy crawl pages -a db=... -a seeds=...`` makes
    the session from the spider arguments, which are the fields of `CrawlPlan`.
    """

    name = "pages"

    def __init__(self, session: session.Session, **more: Any) -> None:
        super().__init__(**more)
        self.session = session
        plan = session.plan
        self._follower = Follower(plan)
        self._headers = {
            "User-Agent": plan.agent_header,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en,*;q=0.5",
            "Accept-Encoding": bodies.ACCEPTED,
        }

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **arguments: Any) -> PagesSpider:
        """Make the spider, and the settings that follow from its plan."""
        begun = arguments.pop("session", None) or session.begin(plan_from_arguments(arguments))
        plan = begun.plan
        for name, value in {
            "USER_AGENT": plan.agent_header,
            "ROBOTSTXT_USER_AGENT": plan.agent_token,
            "DOWNLOAD_DELAY": plan.delay,
            "DOWNLOAD_TIMEOUT": plan.timeout,
            "DOWNLOAD_VERIFY_CERTIFICATES": plan.verify_tls,
            "RETRY_TIMES": plan.retries,
            "CONCURRENT_REQUESTS": plan.concurrency,
            "LINKLEDGER_MAX_BYTES": plan.max_bytes,
        }.items():
            crawler.settings.set(name, value, priority="spider")
        return super().from_crawler(crawler, begun)

    async def start(self) -> AsyncIterator[Any]:
        """Ask what the frontier hands out, until nothing is pending.

        Nothing is read ahead of what can be in flight, so a list of a million pages stays in the store.
        """
        self.session.on_error = self._stop
        feed = self.session.feed
        try:
            while self.session.error is None:
                taken = [] if self.session.behind else feed.take()
                for pending in taken:
                    yield self._first_step(pending)
                if not taken:
                    if feed.exhausted:
                        return
                    await feed.changed()
        except LedgerError as error:
            self.session.fail(error)

    def _first_step(self, pending: Pending) -> Request | Reading:
        url = canonical_url(pending.url)
        ask = Ask(url, url, pending.depth, kept=pending.kept)
        if len(url.url) > LONGEST_URL:
            return decided(ask, "skipped", "url_too_long")
        return page_request(
            ask,
            slot=operator_domain(url.host),
            meta={"download_timeout": self.session.plan.timeout},
            headers=self._headers,
            callback=self.parse,
            errback=self.failed,
        )

    def parse(self, response: Response, **_: Any) -> list[Reading] | Awaitable[list[Any]]:
        """Read one response; what it raises is named by `crawler.outcomes.ParseErrorMiddleware`."""
        assert response.request is not None
        ask = ask_of(response.request)
        plan = self.session.plan
        if response.status == 304 and ask.conditional is not None and asks_for_changes(response.request):
            return self._unchanged(response, ask, ask.conditional.visit_id)
        reading = read_response(response, ask, max_bytes=plan.max_bytes, judge_as=plan.judge_as)
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

    def failed(self, failure: Failure) -> list[Reading]:
        """Read what kept a URL from answering."""
        return [read_failure(failure, ask_of(failure.request))]  # type: ignore[attr-defined]

    def closed(self, reason: str) -> Any:
        """Close the crawl in the ledger; Scrapy calls it at the end, after the pipeline."""
        state = "finished" if reason == "finished" else "interrupted"
        if self.session.error is not None:
            state = "failed"
        self.session.reason = reason
        return deferred_from_coro(self._close(state))

    async def _close(self, state: str) -> None:
        await self.session.feed.close()
        self.session.finish(state)

    def _stop(self) -> None:
        deferred_from_coro(self.crawler.engine.close_spider_async(reason="store_error"))
