"""Store what became of requested URLs: whole pages, in one transaction.

A document that goes on from where its page stands is compared with the latest rows; where that is not enough,
the page's history is told again (`storage.replay`). docs/history.md has the rules, docs/data-model.md the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage import evidence, limits, outcomes
from storage.arrivals import (
    KnownPage,
    NewMiss,
    NewVisit,
    answered,
    in_order,
    misses_of,
    own_pages,
    own_urls,
    settled_at,
)
from storage.dictionaries import UrlRow, texts_of, url_rows
from storage.engine import Ledger
from storage.errors import HashCollision, UnreadableLedger
from storage.facts import Facts
from storage.going_on import Events, GoingOn
from storage.records import PageRecord, Reading
from storage.replay import moved_together, retell
from storage.visits import COLUMNS, chain_json, status_code, visit_row

TRIES = 5
"""Attempts at a transaction that PostgreSQL ends for another writer's sake."""
_TURNED_AWAY = ("40P01", "40001")  # deadlock_detected, serialization_failure


@dataclass(frozen=True, slots=True)
class WriteSummary:
    """What one call of `write_readings` did."""

    readings: int = 0
    pages: int = 0
    """Complete visits stored."""
    incomplete: int = 0
    """Partial and suspect visits stored."""
    unchanged: int = 0
    """Complete visits that found every link as it was; among ``pages``."""
    late: int = 0
    """Complete visits dated before the latest one; among ``pages``."""
    retold: int = 0
    """Pages whose history was told again from their kept visits; what it changed is in ``rows_written`` alone."""
    redelivered: int = 0
    """Readings of a page that the ledger had already."""
    links_redelivered: int = 0
    """Links on those pages."""
    links_opened: int = 0
    links_restored: int = 0
    links_changed: int = 0
    links_closed: int = 0
    anchors_opened: int = 0
    """Anchor versions begun: with a new or restored link, or by an edit."""
    anchors_closed: int = 0
    """Anchor versions ended: with a lost link, or by an edit."""
    discovered: int = 0
    """URLs handed over to join the crawl."""
    rows_written: int = 0
    """Rows inserted or updated, dictionaries and sums aside."""


def write_readings(
    where: Ledger | Connection,
    crawl_id: int | None,
    readings: Sequence[Reading],
    *,
    keep_text: bool = True,
    rules_version: int,
) -> WriteSummary:
    """Store a batch of readings: all of it or nothing.

    Args:
        where: a ledger, for a transaction of its own; or a connection inside one the caller ends.
        crawl_id: the crawl whose outcomes they are; None for readings outside any crawl.
        keep_text: whether page text is kept beside the record, bounded.
        rules_version: of the rules that took the pages apart.
    Returns:
        WriteSummary. A reading stored before changes nothing: the same page at the same time, or
        the same page again in the same crawl.
    Raises:
        HashCollision: nothing was stored.
        UnreadableLedger: the database refused (disk full, connection lost); nothing was stored.
    """
    if isinstance(where, Connection):
        return _Batch(where, crawl_id, keep_text, rules_version).write(readings)
    for attempt in range(1, TRIES + 1):
        try:
            with where.begin() as conn:
                # Whom the server has turned away for another's sake goes alone: nobody is left to lose to.
                where.dialect.join_writers(conn, alone=attempt > 1)
                return _Batch(conn, crawl_id, keep_text, rules_version).write(readings)
        except UnreadableLedger as error:
            cause = error.__cause__
            state = getattr(cause.orig, "sqlstate", None) if isinstance(cause, DBAPIError) else None
            if state not in _TURNED_AWAY or attempt == TRIES:
                raise
    raise AssertionError("unreachable")


class _Batch:
    """One call of `write_readings` on an open transaction."""

    def __init__(self, conn: Connection, crawl_id: int | None, keep_text: bool, rules_version: int) -> None:
        self.conn, self.crawl_id, self.keep_text, self.rules_version = conn, crawl_id, keep_text, rules_version
        self.texts = texts_of(conn)
        self.dialect = self.texts.dialect
        self.urls: dict[str, UrlRow] = {}
        self.count: dict[str, int] = dict.fromkeys(WriteSummary.__slots__, 0)
        self.standing: dict[int, bool] = {}
        """Whether each visit that the readings are speaks for its page."""

    def write(self, readings: Sequence[Reading]) -> WriteSummary:
        if not readings:
            return WriteSummary()
        self.count["readings"] = len(readings)
        readings = sorted(readings, key=lambda one: one.at)
        self.urls = url_rows(self.texts, self.conn, own_urls(readings))
        misses = list(misses_of(readings, self.urls))
        pages, new = self._pages(readings)
        visits, visit_of = self._visits(readings, pages, new)
        misses = self._new_misses(misses, pages)
        self._records(visits, new)
        self._write_visits(visits)
        columns = ("page_id", "at", "state", "cause", "moved_to", "crawl_id")
        rows = sorted((*one, self.crawl_id) for one in misses)
        self.dialect.insert(self.conn, "miss", columns, rows, conflict="nothing")
        self.count["rows_written"] += len(rows)
        self._bring_up_to_date(pages, visits, misses)
        if self.crawl_id is not None:
            self._settle(self.crawl_id, readings, visit_of)
        return WriteSummary(**self.count)

    def _page_id(self, reading: Reading) -> int:
        """The page a reading speaks of."""
        return self.urls[answered(reading).url].id

    # -- what comes in ------------------------------------------------------------------------------

    def _pages(self, readings: Sequence[Reading]) -> tuple[dict[int, KnownPage], set[int]]:
        """The pages concerned, held until the end of the transaction; and which of them are surely new.

        A page comes to be with the first attempt at it, whatever it brought.
        """
        wanted: dict[int, UrlRow] = {}
        for url in own_pages(readings):
            row = self.urls[url.url]
            wanted[row.id] = row
        known = self._load_pages(wanted)
        new = wanted.keys() - known.keys()
        if new:
            rows = [(page, wanted[page].host_id, wanted[page].domain_id, 0, False) for page in sorted(new)]
            columns = ("id", "host_id", "domain_id", "attempted_at", "confirmed")
            self.dialect.insert(self.conn, "page", columns, rows, conflict="nothing")
            self.count["rows_written"] += len(rows)
        if not self.dialect.one_writer:
            # Another writer may have been at them before the lock was ours.
            self.dialect.lock_pages(self.conn, wanted.keys())
            return self._load_pages(wanted), set()
        return known | self._load_pages(new), new

    def _load_pages(self, ids: Collection[int]) -> dict[int, KnownPage]:
        rows = self.dialect.fetch_keyed(
            self.conn,
            "SELECT p.id, p.host_id, p.domain_id, p.first_ok, p.last_ok, p.last_visit_id, p.attempted_at, p.confirmed,"
            " p.indexable, p.links, p.suspect_id, p.plain, p.layout, v.record_id, v.links AS read_links,"
            " v.rules_version, v.content_hash"
            " FROM page p LEFT JOIN visit v ON v.id = p.last_visit_id WHERE p.id {ids}",
            ids,
        )
        return {row.id: KnownPage(**row._mapping) for row in rows}

    def _visits(
        self, readings: Sequence[Reading], pages: Mapping[int, KnownPage], new: set[int]
    ) -> tuple[list[NewVisit], dict[int, int]]:
        """The visits that are not stored yet, by page; and the visit of each reading, by the reading's place."""
        there = self._stored_visits({self._page_id(one) for one in readings if one.page is not None} - new, readings)
        fresh: list[tuple[int, int, PageRecord]] = []
        visit_of: dict[int, int] = {}
        again: list[tuple[int, int]] = []
        for place, reading in enumerate(readings):
            if reading.page is None:
                continue
            page_id = self._page_id(reading)
            known = self._same_visit(there.get(page_id, ()), reading)
            if known is None:
                # Its number is not known yet: a reading of the same visit in this batch names its place instead.
                there.setdefault(page_id, []).append((-1 - place, reading.at, self.crawl_id, reading.whole))
                fresh.append((page_id, place, reading.page))
                continue
            self.count["redelivered"] += 1
            self.count["links_redelivered"] += len(reading.page.links)
            if known < 0:
                again.append((place, -1 - known))
            else:
                visit_of[place] = known
        visits: list[NewVisit] = []
        ids = self.dialect.next_ids(self.conn, "visit", len(fresh)) if fresh else []
        for visit_id, (page_id, place, page) in zip(ids, fresh, strict=True):
            record = evidence.make(self.texts.key, page_id, page)
            visits.append(NewVisit(visit_id, readings[place], page, pages[page_id], record))
            visit_of[place] = visit_id
            self.standing[visit_id] = readings[place].outcome == "fetched"
        for place, first in again:
            visit_of[place] = visit_of[first]
        # In the order of keys, as every set that is written.
        visits.sort(key=lambda visit: (visit.before.id, visit.reading.at))
        return visits, visit_of

    def _stored_visits(
        self, pages: Collection[int], readings: Sequence[Reading]
    ) -> dict[int, list[tuple[int, int, int | None, bool]]]:
        """Visits (id, at, crawl, whole) of known pages that a reading at hand could be a redelivery of."""
        found: dict[int, list[tuple[int, int, int | None, bool]]] = {}
        question = "SELECT id, page_id, at, crawl_id, complete, whole FROM visit WHERE {} AND page_id {{ids}}"
        rows = list(self.dialect.fetch_keyed(self.conn, question.format("at >= ?"), pages, readings[0].at))
        if self.crawl_id is not None:
            rows += self.dialect.fetch_keyed(self.conn, question.format("crawl_id = ?"), pages, self.crawl_id)
        for row in rows:
            found.setdefault(row.page_id, []).append((row.id, row.at, row.crawl_id, bool(row.whole)))
            self.standing[row.id] = bool(row.complete)
        return found

    def _same_visit(self, stored: Iterable[tuple[int, int, int | None, bool]], reading: Reading) -> int | None:
        for visit_id, at, crawl_id, whole in stored:
            if at == reading.at:
                return visit_id
            # A crawl visits a page once; only a whole document after a broken one is another visit.
            if self.crawl_id is not None and crawl_id == self.crawl_id and (whole or not reading.whole):
                return visit_id
        return None

    def _new_misses(self, misses: Sequence[NewMiss], pages: Mapping[int, KnownPage]) -> list[NewMiss]:
        """Those that are not stored yet; only one that is not newer than all else can be."""
        old = {one.page_id for one in misses if one.at <= pages[one.page_id].attempted_at}
        rows = self.dialect.fetch_keyed(self.conn, "SELECT page_id, at FROM miss WHERE page_id {ids}", old)
        there = {(row.page_id, row.at) for row in rows}
        return [one for one in misses if one[:2] not in there]

    def _records(self, visits: Sequence[NewVisit], new: set[int]) -> None:
        """Store each record that is not there; an unchanged page shares the one of its earlier visit."""
        candidates = [visit for visit in visits if visit.record.id != visit.before.record_id]
        asked = {visit.record.id for visit in candidates if visit.before.id not in new}
        question = "SELECT id, length(data) AS bytes FROM record WHERE id {ids}"
        there = {row.id: row.bytes for row in self.dialect.fetch_keyed(self.conn, question, asked)}
        packer = evidence.Packer()
        wanted = {visit.record.id: visit for visit in candidates if not there.get(visit.record.id)}
        packed = [
            (
                record_id,
                packer.pack(visit.record.data),
                packer.pack_text(visit.page.text) if self.keep_text else None,
            )
            for record_id, visit in sorted(wanted.items())
        ]
        rows = [row for row in packed if row[0] not in there]
        # Evidence that was pruned and is seen again.
        again = [(data, text, record_id) for record_id, data, text in packed if record_id in there]
        self.dialect.run_many(self.conn, "UPDATE record SET data = ?, text = ? WHERE id = ?", again)
        try:
            self.dialect.insert(self.conn, "record", ("id", "data", "text"), rows)
        except IntegrityError as error:
            raise HashCollision("record", "a record of another page") from error
        self.count["rows_written"] += len(packed)

    def _write_visits(self, visits: Sequence[NewVisit]) -> None:
        rows = [
            visit_row(
                visit.id,
                visit.before.id,
                visit.reading,
                visit.page,
                crawl_id=self.crawl_id,
                requested_id=self.urls[visit.reading.requested.url].id,
                record_id=visit.record.id,
                rules_version=self.rules_version,
            )
            for visit in visits
        ]
        self.dialect.insert(self.conn, "visit", COLUMNS, rows)
        self.count["rows_written"] += len(rows)

    # -- what comes of it ---------------------------------------------------------------------------

    def _bring_up_to_date(
        self, pages: Mapping[int, KnownPage], visits: Sequence[NewVisit], misses: Sequence[NewMiss]
    ) -> None:
        """Links, anchors and pages after new visits and misses."""
        of_page: dict[int, Events] = {}
        for visit in visits:
            of_page.setdefault(visit.before.id, ([], []))[0].append(visit)
            self._tally(visit)
        for miss in misses:
            of_page.setdefault(miss.page_id, ([], []))[1].append(miss)
        facts = Facts()
        going_on = GoingOn(self.texts, self.conn, facts, self.rules_version)
        again = self._out_of_order(of_page, pages, going_on)
        if again:
            again = self._held_together(again)
            pages = {**self._load_pages(again - pages.keys()), **pages}
        now = going_on.hear({page: events for page, events in of_page.items() if page not in again}, pages)
        turned = dict.fromkeys(going_on.suspected, False)
        confirmed: dict[int, int | None] = {}
        if again:
            for retold in retell(self.texts, self.conn, [pages[page] for page in again], facts):
                now[retold.page.id] = retold.page
                turned |= retold.turned
                confirmed |= retold.confirmed_at
            self.count["retold"] += len(again)
        facts.flush(self.dialect, self.conn)
        self.count["rows_written"] += facts.rows_written
        for name, number in going_on.count.items():
            self.count[name] += number
        self._write_pages(pages, now)
        self._turn(turned)
        rows = [(at, visit_id) for visit_id, at in sorted(confirmed.items())]
        self.dialect.run_many(self.conn, "UPDATE visit SET confirmed_at = ? WHERE id = ?", rows)

    def _held_together(self, pages: set[int]) -> set[int]:
        """The pages with all that redirects tie to them, held.

        A redirect that ties another page to these needs one of them to itself, so what is tied when all are held
        stays so.
        """
        tied = pages
        while True:
            found = moved_together(self.texts, self.conn, tied)
            self.dialect.lock_pages(self.conn, found)
            if found == tied or self.dialect.one_writer:
                return found
            tied = found

    def _out_of_order(
        self, of_page: Mapping[int, Events], pages: Mapping[int, KnownPage], going_on: GoingOn
    ) -> set[int]:
        """Pages whose history has to be told again to take in what is new."""
        again = {page for page, (visited, missed) in of_page.items() if not in_order(pages[page], visited, missed)}
        doubted = [
            visit
            for page, (visited, _) in of_page.items()
            if pages[page].suspect_id is not None and page not in again
            for visit in visited
            if visit.reading.outcome == "fetched"
        ]
        if doubted:
            again |= going_on.confirming(doubted)
        for page, (_, missed) in of_page.items():
            for miss in missed:
                if miss.moved_to is not None and pages[page].links and page not in again:
                    to = pages[miss.moved_to]
                    visited, others = of_page.get(to.id, ((), ()))
                    dates = [settled_at(to), *(one.reading.at for one in visited if one.reading.whole)]
                    dates += [one.at for one in others if one.cause]
                    if not to.plain or max(dates) > miss.at:
                        again.add(page)
        return again

    def _tally(self, visit: NewVisit) -> None:
        if visit.reading.outcome != "fetched":
            self.count["incomplete"] += 1
            return
        self.count["pages"] += 1
        if visit.before.last_ok is not None and visit.reading.at <= visit.before.last_ok:
            self.count["late"] += 1

    def _write_pages(self, before: Mapping[int, KnownPage], now: Mapping[int, KnownPage]) -> None:
        rows = [
            (page.first_ok, page.last_ok, page.last_visit_id, page.attempted_at, page.confirmed, page.indexable,
             page.links, page.suspect_id, page.plain, page.layout, page.id)
            for _, page in sorted(now.items())
            if page != before[page.id]
        ]  # fmt: skip
        self.dialect.run_many(
            self.conn,
            "UPDATE page SET first_ok = ?, last_ok = ?, last_visit_id = ?, attempted_at = ?, confirmed = ?,"
            " indexable = ?, links = ?, suspect_id = ?, plain = ?, layout = ? WHERE id = ?",
            rows,
        )
        self.count["rows_written"] += len(rows)

    def _turn(self, turned: Mapping[int, bool]) -> None:
        """Visits whose standing is another than it was when they were written, and the outcomes that name them."""
        self.standing |= turned
        rows = [(complete, visit_id) for visit_id, complete in sorted(turned.items())]
        self.dialect.run_many(self.conn, "UPDATE visit SET complete = ? WHERE id = ?", rows)
        outcomes.turn(self.dialect, self.conn, turned)
        self.count["rows_written"] += len(rows)

    def _settle(self, crawl_id: int, readings: Sequence[Reading], visit_of: Mapping[int, int]) -> None:
        """Outcomes of the requested URLs; URLs found on their pages join the crawl."""
        ids = {self.urls[reading.requested.url].id for reading in readings}
        ids |= {self.urls[one.url.url].id for reading in readings for one in reading.discovered}
        stored = outcomes.stored(self.dialect, self.conn, crawl_id, ids)
        wanted: list[outcomes.Wanted] = []
        found: list[limits.Found] = []
        kept_out: Counter[str] = Counter()
        settled: dict[int, outcomes.Settled] = {}
        for reading in readings:
            url_id = self.urls[reading.requested.url].id
            if url_id not in stored:
                wanted.append(outcomes.Wanted(url_id, reading.requested.domain, 0, None))
        asked = len({one.url_id for one in wanted})
        for place, reading in enumerate(readings):
            url_id = self.urls[reading.requested.url].id
            state_before, depth = stored.get(url_id, (0, 0))
            decided = url_id not in settled and state_before == 0
            if decided:
                kept_out.update(dict(reading.not_followed))
            visit_id = visit_of.get(place)
            state, reason = reading.outcome, reading.reason
            if reading.whole and visit_id is not None:
                complete = self.standing[visit_id]
                state, reason = ("fetched", None) if complete else ("suspect", reason or outcomes.LINKS_VANISHED)
            settled.setdefault(
                url_id,
                outcomes.Settled(
                    url_id=url_id,
                    state=state,
                    reason=reason,
                    status=status_code(reading.status or (reading.response.status if reading.response else None)),
                    chain=chain_json(reading.chain),
                    final_id=self.urls[reading.final.url].id if reading.final else None,
                    visit_id=visit_id,
                    at=reading.at,
                ),
            )
            for one in reading.discovered:
                row = self.urls[one.url.url]
                if row.id not in stored:
                    joining = outcomes.Wanted(row.id, one.operator, depth + 1, self._page_id(reading))
                    found.append(limits.Found(joining, row, one, decided))
        taken = limits.take_up(self.texts, self.conn, crawl_id, found)
        wanted += taken.wanted
        added = outcomes.add(self.dialect, self.conn, crawl_id, wanted) if wanted else 0
        open_ones = [one for one in settled.values() if stored.get(one.url_id, (0, 0))[0] == 0]
        outcomes.settle(self.dialect, self.conn, crawl_id, open_ones)
        limits.add(self.texts, self.conn, crawl_id, kept_out=kept_out + taken.kept_out, alike=taken.alike)
        self.count["discovered"] += added - asked
        self.count["rows_written"] += added + len(open_ones)
