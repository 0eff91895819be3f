"""One crawl and its ledger: how it begins, what it hands out, how its readings are stored, how it ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING

from crawler.feed import Feed
from crawler.outcomes import now_ms
from crawler.page import RULES_VERSION
from crawler.revisit import knows
from crawler.seeds import SeedReader, read_seeds
from crawler.urls import suffix_list_version
from storage import crawls, frontier, lists
from storage.engine import Ledger, create_ledger
from storage.errors import BadList, LedgerError
from storage.kept import read_kept
from storage.records import PageRecord, Reading, RejectedRow, Response, SeedRow
from storage.writer import write_readings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from crawler.plan import CrawlPlan
    from storage.frontier import Added

BATCH_PAGES = 200
BATCH_LINKS = 30_000
BATCH_SECONDS = 1.0
AHEAD_PAGES = 40
AHEAD_LINKS = 10_000
"""What may wait beside a batch that is being written."""
SHOWN_REJECTED = 20


@dataclass(slots=True)
class Tally:
    """Running sums for the progress display; the summary is counted in the ledger."""

    asked: int = 0
    done: int = 0
    pages: int = 0
    links: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=monotonic)

    def add(self, reading: Reading) -> None:
        """Count one outcome; a problem is any but a page read whole, by outcome and kind of reason."""
        self.done += 1
        if reading.page is not None:
            self.pages += 1
            self.links += len(reading.page.links)
        if reading.outcome != "fetched":
            self.problems[problem(reading.outcome, reading.reason)] += 1


def problem(outcome: str, reason: str | None) -> str:
    """An outcome and the kind of its reason as one name, such as ``failed http:404``."""
    return f"{outcome} {reason.split(' ', 1)[0]}" if reason else outcome


class Session:
    """A crawl that has been begun in the ledger. All storing is done in one thread of its own."""

    def __init__(self, plan: CrawlPlan, ledger: Ledger, loaded: Loaded) -> None:
        self.plan = plan
        self.ledger = ledger
        self.loaded = loaded
        self.crawl_id = loaded.crawl_id
        self.tally = Tally(asked=loaded.accepted, done=loaded.skipped + loaded.visited_lately)
        self.error: LedgerError | None = None
        self.finished = False
        self.reason: str | None = None
        """Why Scrapy closed the spider; None while it runs, or if it was killed."""
        self.on_error: Callable[[], None] = lambda: None
        self.reporter: object = None
        self._threads = ThreadPoolExecutor(1, "store"), ThreadPoolExecutor(1, "frontier")
        # A reader of its own: it needs little of the database in memory, the writer's share would double.
        self._reading = Ledger(ledger.database, read_only=True)
        self.feed = Feed(
            self._reading,
            self.crawl_id,
            operators=plan.concurrency,
            reader=self._threads[1],
            rules_version=_conditions(plan),
        )
        self._batch: list[Reading] = []
        self._batch_links = 0
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    # -- storing ------------------------------------------------------------------------------

    @property
    def behind(self) -> bool:
        """A batch is being written and enough has come in meanwhile: nothing more is to be asked now.

        Held back here, at most the requests in flight come in on top. Waiting later, in the pipeline,
        would hold hundreds of pages taken apart: Scrapy counts only the bytes of their bodies.
        """
        return self._writing is not None and (len(self._batch) >= AHEAD_PAGES or self._batch_links >= AHEAD_LINKS)

    @property
    def _full(self) -> bool:
        return len(self._batch) >= BATCH_PAGES or self._batch_links >= BATCH_LINKS

    def add(self, reading: Reading) -> None:
        """Take one reading to store.

        After the store has failed, readings are dropped: their outcomes stay pending in it.
        """
        self.feed.answered(reading.requested.url)
        if self.error is not None:
            return
        self.tally.add(reading)
        self._batch.append(reading)
        self._batch_links += len(reading.page.links) if reading.page else 0
        if self._full:
            self._write_now()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._write_now)

    async def flush(self) -> None:
        """Wait until everything taken is stored, or the store has failed."""
        while self._writing is not None or (self._batch and self.error is None):
            self._write_now()
            if self._writing is not None:
                await asyncio.wait([self._writing])

    def _write_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is not None or not self._batch:
            return
        batch, self._batch, self._batch_links = self._batch, [], 0
        self._writing = asyncio.ensure_future(self._write(batch))

    async def _write(self, batch: list[Reading]) -> None:
        try:
            loop = asyncio.get_running_loop()
            discovered = await loop.run_in_executor(self._threads[0], self._store, batch)
            self.tally.asked += discovered
            self.feed.stored((reading.requested.url for reading in batch), discovered=discovered > 0)
        except LedgerError as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001  a fault of ours must end the crawl too, not hang it
            self.fail(StoreFailed(error))
        finally:
            self._writing = None
        if self._full:
            self._write_now()
        elif self._batch and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._write_now)

    def _store(self, batch: list[Reading]) -> int:
        """In the writer's thread: one transaction."""
        summary = write_readings(
            self.ledger, self.crawl_id, batch, keep_text=self.plan.keep_text, rules_version=RULES_VERSION
        )
        return summary.discovered

    def fail(self, error: LedgerError) -> None:
        """The ledger cannot be used any more: end the crawl, keep the first cause."""
        if self.error is None:
            self.error = error
            self.on_error()

    # -- reading ------------------------------------------------------------------------------

    async def kept(self, visit_id: int) -> tuple[PageRecord, Response] | None:
        """The document of an earlier visit, read beside the event loop; None where its record is gone.

        Raises:
            storage.errors.LedgerError: the ledger cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads[1], self._read_kept, visit_id)

    def _read_kept(self, visit_id: int) -> tuple[PageRecord, Response] | None:
        with self._reading.connect() as conn:
            return read_kept(conn, visit_id)

    # -- ending -------------------------------------------------------------------------------

    def finish(self, state: str) -> None:
        """Close the crawl in the ledger, once: ``finished``, ``interrupted`` or ``failed``."""
        if self.finished:
            return
        self.finished = True
        for thread in self._threads:
            thread.shutdown(wait=True, cancel_futures=True)
        self._reading.close()
        try:
            with self.ledger.begin() as conn:
                frontier.finish_crawl(conn, self.crawl_id, state=state, now=now_ms())
        except LedgerError as error:
            self.fail(error)


def _conditions(plan: CrawlPlan) -> int | None:
    """The rules version of documents whose validators are sent; None: none are."""
    return RULES_VERSION if plan.conditional and knows(plan.judge_as) else None


class StoreFailed(LedgerError):
    """An unexpected error while storing."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(
            f"storing failed with {type(cause).__name__}: {str(cause)[:300]}; what was stored before is whole, "
            "the rest is still pending"
        )
        self.__cause__ = cause
