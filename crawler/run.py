"""`run_crawl`: the one way to start a crawl, for the command line and for tests.

Scrapy's event loop can be run once in a process, so a process runs one crawl; ``python -m crawler.run`` takes a
plan as JSON on standard input and writes the summary as JSON, for callers that run several.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler import session
from crawler.plan import BadPlan, CrawlPlan, plan_from_arguments, plan_from_json
from crawler.session import Loaded
from storage.crawls import crawl_summary
from storage.errors import LedgerError
from storage.frontier import VISITED

if TYPE_CHECKING:
    from crawler.progress import Progress

__all__ = [
    "BadPlan", "CrawlPlan", "CrawlStopped", "CrawlSummary", "Loaded", "plan_from_arguments", "plan_from_json",
    "run_crawl",
]  # fmt: skip


class CrawlStopped(LedgerError):
    """A crawl that was ended from inside before everything was asked."""


@dataclass(frozen=True, slots=True)
class CrawlSummary:
    """What a crawl did, counted in the ledger after its end.

    ``facts`` is what `storage.crawls.crawl_summary` says: rows read = accepted + duplicates +
    rejected, asked = the sum of the outcomes.
    """

    facts: dict[str, Any]
    loaded: Loaded

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped by a signal; the rest is still pending."""
        return bool(self.facts["state"] == "interrupted")

    @property
    def fetched_percent(self) -> float:
        """How many of the asked URLs were read whole, in percent; 100 where none was asked.

        Those left out because they were read lately count neither way.
        """
        lately = sum(one["urls"] for one in self.facts["problems"] if one["reason"] == VISITED)
        asked = self.facts["asked"] - lately
        return 100.0 * self.facts["fetched"] / asked if asked else 100.0


def run_crawl(
    plan: CrawlPlan,
    *,
    progress: Callable[[Progress], None] | None = None,
    loaded: Callable[[Loaded], None] | None = None,
    log_level: str = "ERROR",
) -> CrawlSummary:
    """Fetch the pages of a plan and store them; returns when every URL has its outcome or after Ctrl-C.

    Args:
        plan: what to do.
        progress: called about every second, in the thread of the event loop.
        loaded: called once, when the list is in the frontier and nothing has been fetched yet.
        log_level: least level of Scrapy's log lines on standard error.
    Raises:
        LedgerError: the list, the ledger or the plan cannot be used; storing failed on the way.
    """
    begun = session.begin(plan)
    try:
        if loaded is not None:
            loaded(begun.loaded)
        _run(begun, progress, log_level)
        # After a second Ctrl-C nobody else has closed it.
        begun.finish("interrupted")
        if begun.error is not None:
            raise begun.error
        if begun.reason not in ("finished", "shutdown", None):
            raise CrawlStopped(
                f"the crawl stopped early: {begun.reason}; what was read is stored, the rest is pending in crawl "
                f"{begun.crawl_id}"
            )
        with begun.ledger.connect() as conn:
            return CrawlSummary(crawl_summary(conn, begun.crawl_id), begun.loaded)
    finally:
        begun.ledger.close()


def _run(begun: session.Session, progress: Callable[[Progress], None] | None, log_level: str) -> None:
    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.settings import Settings

    from crawler.logs import escape_handlers
    from crawler.progress import Reporter
    from crawler.spiders.pages import PagesSpider

    settings = Settings()
    settings.setmodule("crawler.settings", priority="project")
    settings.set("LOG_LEVEL", log_level, priority="cmdline")
    process = AsyncCrawlerProcess(settings)
    escape_handlers()
    crawler = process.create_crawler(PagesSpider)
    if progress is not None:
        Reporter(crawler.signals, begun, progress)
    crawl = process.crawl(crawler, session=begun)
    with _rare_collections():
        process.start()
    if crawl.done() and not crawl.cancelled():
        crawl.result()


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python look for reference cycles less often while a crawl runs.

    Records of pages are many small tuples and hold no cycles; looking them through by the default
    thresholds took 13 % of a crawl.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def main() -> None:
    """Run the plan on standard input; exit status 1 with one line on standard error where it cannot be."""
    try:
        summary = run_crawl(plan_from_json(sys.stdin.read()))
    except LedgerError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    json.dump(summary.facts, sys.stdout)
    print()


if __name__ == "__main__":
    main()
