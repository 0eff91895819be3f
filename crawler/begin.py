"""How a crawl comes into the ledger, and how one that was left unfinished is taken up again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from time import monotonic, sleep, time
from typing import TYPE_CHECKING

from crawler.chromium import find_chromium
from crawler.plan import CrawlPlan, plan_from_json
from crawler.seeds import SeedReader, read_seeds
from crawler.urls import hide_in_source, suffix_list_version
from storage import crawls, frontier, holders, leases, lists
from storage.engine import Ledger, create_ledger
from storage.errors import BadList, LedgerError
from storage.records import RejectedRow, SeedRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from crawler.session import Task
    from storage.frontier import Added

SHOWN_REJECTED = 20
_DYING_SECONDS = 3.0
"""How long a process that still holds a crawl may take to be gone: it may have been killed just now."""


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
    visited_lately: int = 0
    """Accepted rows whose page was read within --refresh-after."""
    first_rejected: tuple[RejectedRow, ...] = ()
    columns: tuple[str, ...] = ()
    """How each file was read, in words."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A crawl that stands in the ledger with what it has to fetch; this process holds all of it."""

    plan: CrawlPlan
    loaded: Loaded
    asked: int
    """URLs known when the work begins ..."""
    done: int
    """... and those among them that have their outcome."""
    resumed: bool = False

    @property
    def crawl_id(self) -> int:
        """Of the crawl."""
        return self.loaded.crawl_id


class NothingToResume(LedgerError):
    """No crawl is left unfinished, or not the one that was named."""


class ProxyWanted(LedgerError):
    """A crawl that goes through a proxy is to go on, and its proxy was not named again."""


def begin(plan: CrawlPlan) -> Begun:
    """Open or make the ledger, register the crawl and put its pages into the frontier.

    All of it is one transaction: a crawl is there with all its pages, or not at all.

    Raises:
        BadList: the list cannot be read, or no row of it can be fetched. No ledger is made then.
        UnknownName: no such list or crawl.
        NoBrowser: pages are to be rendered, and what that needs is missing.
        LedgerError: the ledger cannot be opened or written.
    """
    if plan.render:
        find_chromium(plan)
    reader, rows = _rows(plan)
    if rows is not None or plan.list_name is None:
        create_ledger(plan.db, psl=suffix_list_version(), now=now_ms())
    with Ledger(plan.db) as ledger, ledger.begin() as conn:
        loaded = _load(conn, plan, reader, rows)
        leases.take_all(conn, loaded.crawl_id, holders.this_process())
    return Begun(plan, loaded, asked=loaded.accepted, done=loaded.skipped + loaded.visited_lately)


def resume(database: str, name: str | None = None, *, workers: int | None = None, proxy: str | None = None) -> Begun:
    """Take up a crawl that was stopped, failed or died, as its kept plan says.

    Args:
        name: its number, ``last`` or ``previous``; None: the latest that is unfinished.
        workers: how many processes, in place of the plan's.
        proxy: the proxy of a crawl that uses one. Any other goes on without, as it was begun.
    Raises:
        NothingToResume: it is finished, or none is unfinished.
        ProxyWanted: it uses a proxy, and none was given.
        CrawlIsHeld: a living process is working on it.
        LedgerError: the ledger cannot be opened or written.
    """
    until = monotonic() + _DYING_SECONDS
    with Ledger(database) as ledger:
        while True:
            try:
                with ledger.begin() as conn:
                    return _take_up(conn, database, name, workers, proxy)
            except leases.CrawlIsHeld:
                if monotonic() >= until:
                    raise
            sleep(0.2)


def end_crawl(task: Task, *, failed: bool) -> str:
    """Close a crawl in the ledger: ``failed``, ``interrupted`` while URLs are pending, else ``finished``.

    Raises:
        LedgerError: the ledger refuses; the crawl can be taken up all the same.
    """
    with Ledger(task.plan.db) as ledger, ledger.begin() as conn:
        pending = frontier.any_pending(conn, task.crawl_id)
        state = "failed" if failed else "interrupted" if pending else "finished"
        frontier.finish_crawl(conn, task.crawl_id, state=state, now=now_ms())
        leases.end(conn, task.crawl_id)
    return state


def _take_up(conn: Connection, database: str, name: str | None, workers: int | None, proxy: str | None) -> Begun:
    crawl_id = crawls.latest_unfinished(conn) if name is None else crawls.find_crawl(conn, name)
    if crawl_id is None:
        raise NothingToResume("no crawl is unfinished: there is nothing to go on with")
    row = crawls.registered(conn, crawl_id, lock=True)
    counts = frontier.counts(conn, crawl_id)
    if row.state == "finished" and not counts["pending"]:
        raise NothingToResume(f"crawl {crawl_id} is finished: every URL has its outcome; `crawl` begins a new one")
    for holder in leases.holders(conn, crawl_id):
        if holder.seconds > 0 and not holders.is_gone(holder.name):
            raise leases.CrawlIsHeld(
                f"crawl {crawl_id} is running: {holders.shown(holder.name)} is working on it; if that process is "
                f"gone for sure, the crawl is free in {holder.seconds:.0f} seconds"
            )
    plan = replace(plan_from_json(row.plan), db=database)
    if plan.render:
        find_chromium(plan)
    if plan.proxy is not None:
        if proxy is None:
            raise ProxyWanted(
                f"crawl {crawl_id} goes through a proxy ({plan.proxy}), whose credentials are not kept: name it again "
                f"with --proxy, LINKLEDGER_PROXY or in linkledger.toml"
            )
        plan = replace(plan, proxy=proxy)
    frontier.set_shards(conn, crawl_id)
    leases.take_all(conn, crawl_id, holders.this_process())
    frontier.reopen_crawl(conn, crawl_id)
    if workers is not None:
        plan = replace(plan, workers=workers)
    asked = sum(counts.values())
    loaded = Loaded(
        crawl_id=crawl_id,
        read=row.rows_read,
        accepted=row.rows_accepted,
        duplicates=row.rows_duplicate,
        rejected=row.rows_rejected,
        skipped=0,
    )
    return Begun(plan, loaded, asked=asked, done=asked - counts["pending"], resumed=True)


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
    given = ", ".join(map(hide_in_source, plan.seeds[:5]))
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
            if plan.backlinks_of is not None:
                lists.mark(conn, plan.list_name, plan.backlinks_of)
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
            raise BadList(f"crawl {plan.retry_of} has no failed, partial, suspect or pending page to ask again")
    else:
        assert plan.list_name is not None
        list_id = lists.list_id(conn, plan.list_name)
        if plan.backlinks_of is not None:
            lists.mark(conn, plan.list_name, plan.backlinks_of)
        crawl_id = frontier.start_crawl(conn, plan=plan.kept_json(), list_id=list_id, now=now)
        added = frontier.add_list(conn, crawl_id, list_id)
        read = added.accepted + added.duplicates
        if not read:
            raise BadList(f"list {plan.list_name!r} holds no pages; give some: linkledger crawl FILE --list NAME")
    frontier.set_row_counts(conn, crawl_id, read=read, added=added, rejected=rejected)
    visited = 0
    if plan.refresh_after_ms is not None:
        visited = frontier.skip_visited(conn, crawl_id, since=now - plan.refresh_after_ms, now=now)
    skipped = frontier.limit_seeds(conn, crawl_id, pages=plan.max_pages, per_host=plan.max_pages_per_host, now=now)
    return Loaded(
        crawl_id=crawl_id,
        read=read,
        accepted=added.accepted,
        duplicates=added.duplicates,
        rejected=rejected,
        skipped=skipped,
        visited_lately=visited,
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


def now_ms() -> int:
    """Milliseconds since 1970, UTC. Here too, as a process that begins a crawl for others needs no Scrapy."""
    return int(time() * 1000)
