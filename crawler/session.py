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


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a crawl begins with: read = accepted + duplicates + rejected."""

    crawl_id: int
    read: int
    accepted: int
    duplicates: int
    rejected: int
    skipped: int
    """Accepted rows beyond --max-pages or --max-pages-per-host."""
    first_rejected: tuple[RejectedRow, ...] = ()
    columns: tuple[str, ...] = ()
    """How each file was read, in words."""


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
        self.tally = Tally(asked=loaded.accepted, done=loaded.skipped)
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


def begin(plan: CrawlPlan) -> Session:
    """Open or make the ledger, register the crawl and put its pages into the frontier.

    All of it is one transaction: a crawl is there with all its pages, or not at all.

    Raises:
        BadList: the list cannot be read, or no row of it can be fetched. No ledger is made then.
        UnknownName: no such list or crawl.
        LedgerError: the ledger cannot be opened or written.
    """
    reader, rows = _rows(plan)
    if rows is not None or plan.list_name is None:
        create_ledger(plan.db, psl=suffix_list_version(), now=now_ms())
    ledger = Ledger(plan.db)
    try:
        with ledger.begin() as conn:
            loaded = _load(conn, plan, reader, rows)
        return Session(plan, ledger, loaded)
    except BaseException:
        ledger.close()
        raise


def _rows(plan: CrawlPlan) -> tuple[SeedReader | None, Iterator[SeedRow | RejectedRow] | None]:
    """The rows of the seeds, once it is sure that one of them can be fetched."""
    if not plan.seeds:
        return None, None
    reader = read_seeds(plan.seeds, column=plan.column)
    iterator = iter(reader)
    first: list[SeedRow | RejectedRow] = []
    for row in iterator:
        first.append(row)
        if isinstance(row, SeedRow):
            return reader, chain(first, iterator)
    examples = "".join(
        f"\n  {row.file}:{row.line}: {row.given!r}: {row.reason}" for row in first[:3] if isinstance(row, RejectedRow)
    )
    given = ", ".join(plan.seeds[:5])
    if first:
        raise BadList(f"none of the {len(first)} rows of {given} can be fetched; the first are:{examples}")
    raise BadList(f"{given} holds no rows: give one page a line, or a table with a column of pages")


def _load(
    conn: Connection, plan: CrawlPlan, reader: SeedReader | None, rows: Iterator[SeedRow | RejectedRow] | None
) -> Loaded:
    now = now_ms()
    first_rejected: list[RejectedRow] = []
    rejected = 0
    added: Added
    read: int
    if rows is not None and reader is not None:
        crawl_id = frontier.start_crawl(conn, plan=plan.kept_json(), list_id=None, now=now)
        keep = _Rejected(conn, crawl_id, first_rejected)
        accepted_rows = keep.without(rows)
        if plan.list_name is not None:
            files = [report.file for report in reader.files]
            lists.save_rows(conn, plan.list_name, accepted_rows, now, files=files)
            list_id = lists.list_id(conn, plan.list_name)
            crawls.set_list(conn, crawl_id, list_id)
            added = frontier.add_list(conn, crawl_id, list_id, now)
        else:
            added = frontier.add_seeds(conn, crawl_id, accepted_rows)
        rejected = keep.finish()
        read = reader.rows_read
    elif plan.retry_of is not None:
        list_id_of = crawls.list_of(conn, plan.retry_of)
        crawl_id = frontier.start_crawl(conn, plan=plan.kept_json(), list_id=list_id_of, now=now)
        added = frontier.add_retry(conn, crawl_id, plan.retry_of)
        read = added.accepted
        if not read:
            raise BadList(f"crawl {plan.retry_of} has no failed, partial or pending page to ask again")
    else:
        assert plan.list_name is not None
        list_id = lists.list_id(conn, plan.list_name)
        crawl_id = frontier.start_crawl(conn, plan=plan.kept_json(), list_id=list_id, now=now)
        added = frontier.add_list(conn, crawl_id, list_id)
        read = added.accepted + added.duplicates
        if not read:
            raise BadList(f"list {plan.list_name!r} holds no pages; give some: linkledger crawl FILE --list NAME")
    frontier.set_row_counts(conn, crawl_id, read=read, added=added, rejected=rejected)
    skipped = frontier.limit_seeds(conn, crawl_id, pages=plan.max_pages, per_host=plan.max_pages_per_host, now=now)
    return Loaded(
        crawl_id=crawl_id,
        read=read,
        accepted=added.accepted,
        duplicates=added.duplicates,
        rejected=rejected,
        skipped=skipped,
        first_rejected=tuple(first_rejected),
        columns=tuple(reader_columns(reader)) if reader is not None else (),
    )


def reader_columns(reader: SeedReader) -> Iterator[str]:
    """How each file of a list is read: ``prospects.csv: column 'url' (line 1, comma, utf-8)``."""
    for report in reader.files:
        if report.column is not None:
            line = f"line {report.header_line}" if report.header_line else None
            how = ", ".join(part for part in (line, report.delimiter, report.encoding) if part)
            yield f"{report.file}: column {report.column!r} ({how})"


class _Rejected:
    """Takes the rejected rows out of a stream and keeps them with the crawl, a few at a time."""

    def __init__(self, conn: Connection, crawl_id: int, first: list[RejectedRow]) -> None:
        self._conn, self._crawl_id, self._first = conn, crawl_id, first
        self._waiting: list[RejectedRow] = []
        self._total = 0

    def without(self, rows: Iterable[SeedRow | RejectedRow]) -> Iterator[SeedRow]:
        for row in rows:
            if isinstance(row, SeedRow):
                yield row
                continue
            self._waiting.append(row)
            if len(self._first) < SHOWN_REJECTED:
                self._first.append(row)
            if len(self._waiting) >= 2_000:
                self._keep()

    def _keep(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._total += frontier.add_rejected(self._conn, self._crawl_id, waiting)

    def finish(self) -> int:
        self._keep()
        return self._total
