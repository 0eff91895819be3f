"""Store what became of requested URLs: whole pages, in one transaction.

A complete document is compared with what the ledger holds of its page; everything else is only
written down. docs/data-model.md says which rows come of which reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage import evidence, frontier, outcomes
from storage.dictionaries import UrlRow, anchor_rows, texts_of, url_rows
from storage.engine import Ledger
from storage.errors import HashCollision, UnreadableLedger
from storage.facts import Facts, Place, load
from storage.records import CanonicalUrl, PageRecord, Reading
from storage.visits import COLUMNS, chain_json, status_code, visit_row

TRIES = 5
"""Attempts at a transaction that PostgreSQL ends for another writer's sake."""
_TURNED_AWAY = ("40P01", "40001")  # deadlock_detected, serialization_failure
_NOT_FOUND = (404, 410)


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
    """Complete visits dated before the latest one: recorded, not merged; among ``pages``."""
    redelivered: int = 0
    """Readings of a page that the ledger had already."""
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
                return _Batch(conn, crawl_id, keep_text, rules_version).write(readings)
        except UnreadableLedger as error:
            cause = error.__cause__
            state = getattr(cause.orig, "sqlstate", None) if isinstance(cause, DBAPIError) else None
            if state not in _TURNED_AWAY or attempt == TRIES:
                raise
    raise AssertionError("unreachable")


class _Page(NamedTuple):
    """A page as the ledger knows it before a round."""

    id: int
    host_id: int
    domain_id: int
    first_ok: int | None
    last_ok: int | None
    last_visit_id: int | None
    attempted_at: int
    confirmed: bool
    indexable: bool | None
    links: int
    record_id: int | None
    """Record of the latest complete visit."""
    read_links: int | None
    """Links in the latest complete visit: what ``links`` is too, unless the page has gone since."""

    @property
    def place(self) -> Place:
        return Place(self.id, self.host_id, self.domain_id)


class _Visit(NamedTuple):
    """A visit about to be stored."""

    id: int
    reading: Reading
    page: PageRecord
    before: _Page
    record: evidence.Record


class _Batch:
    """One call of `write_readings` on an open transaction."""

    def __init__(self, conn: Connection, crawl_id: int | None, keep_text: bool, rules_version: int) -> None:
        self.conn, self.crawl_id, self.keep_text, self.rules_version = conn, crawl_id, keep_text, rules_version
        self.texts = texts_of(conn)
        self.dialect = self.texts.dialect
        self.urls: dict[str, UrlRow] = {}
        self.count: dict[str, int] = dict.fromkeys(WriteSummary.__slots__, 0)

    def write(self, readings: Sequence[Reading]) -> WriteSummary:
        self.count["readings"] = len(readings)
        in_order = sorted(readings, key=lambda one: one.at)
        self.urls = url_rows(self.texts, self.conn, _own_urls(in_order))
        visit_of: dict[int, int] = {}
        for batch in self._rounds(in_order):
            visit_of.update(self._store(batch, in_order))
        if self.crawl_id is not None:
            self._settle(self.crawl_id, in_order, visit_of)
        return WriteSummary(**self.count)

    def _page_id(self, reading: Reading) -> int:
        """The page a reading speaks of."""
        return self.urls[(reading.page.url if reading.page else reading.final or reading.requested).url].id

    def _rounds(self, readings: Sequence[Reading]) -> Iterator[dict[int, int]]:
        """Places of readings by page, each page once a round, earlier readings in earlier rounds."""
        rounds: list[dict[int, int]] = []
        met: dict[int, int] = {}
        for place, reading in enumerate(readings):
            page = self._page_id(reading)
            depth = met[page] = met.get(page, -1) + 1
            if depth == len(rounds):
                rounds.append({})
            rounds[depth][page] = place
        return iter(rounds)

    def _store(self, batch: Mapping[int, int], readings: Sequence[Reading]) -> dict[int, int]:
        """Store a round; return the visit id of each reading that has one, by the reading's place."""
        pages, new = self._pages(batch, readings)
        there = self._stored_visits([page for page in pages if page not in new], readings)
        visits: list[_Visit] = []
        found: dict[int, int] = {}
        fresh: list[tuple[int, int, PageRecord]] = []
        for page_id, place in batch.items():
            reading = readings[place]
            if reading.page is None:
                continue
            known = self._same_visit(there.get(page_id, ()), reading)
            if known is not None:
                found[place] = known
                self.count["redelivered"] += 1
            else:
                fresh.append((page_id, place, reading.page))
        if fresh:
            ids = self.dialect.next_ids(self.conn, "visit", len(fresh))
            for visit_id, (page_id, place, page) in zip(ids, fresh, strict=True):
                record = evidence.make(self.texts.key, page_id, page)
                visits.append(_Visit(visit_id, readings[place], page, pages[page_id], record))
                found[place] = visit_id
        written = {visit.id for visit in visits}
        # In the order of keys, as every set that is written.
        visits.sort(key=lambda visit: visit.before.id)
        self._records(visits, new)
        self._write_visits(visits)
        gone = [
            (pages[page_id], readings[place].at)
            for page_id, place in batch.items()
            if page_id in pages and _not_found(readings[place])
        ]
        live = self._links(visits, gone)
        attempts = [readings[place] for place in batch.values() if found.get(place) in written or place not in found]
        self._update_pages(pages, attempts, visits, live)
        return found

    def _pages(self, batch: Mapping[int, int], readings: Sequence[Reading]) -> tuple[dict[int, _Page], set[int]]:
        """The pages of a round, held until the end of the transaction; and which of them are new.

        A page comes to be with the first document read of it. A failed attempt concerns pages that are known.
        """
        wanted = {page_id for page_id, place in batch.items() if readings[place].page is not None}
        attempted = {self.urls[readings[place].requested.url].id for place in batch.values()} | set(batch)
        known = self._load_pages(wanted | attempted)
        new = wanted - known.keys()
        if new:
            rows: list[tuple[Any, ...]] = []
            for page_id in sorted(new):
                reading = readings[batch[page_id]]
                assert reading.page is not None
                url = self.urls[reading.page.url.url]
                rows.append((page_id, url.host_id, url.domain_id, reading.at, False))
            columns = ("id", "host_id", "domain_id", "attempted_at", "confirmed")
            self.dialect.insert(self.conn, "page", columns, rows, conflict="nothing")
            self.count["rows_written"] += len(rows)
        if new or known:
            self.dialect.lock_pages(self.conn, new | known.keys())
            # Another writer may have been at them before the lock was ours.
            known = self._load_pages(new | known.keys())
        # Where others write too, one of them may have made the page: it is treated as known.
        return known, new if self.dialect.one_writer else set()

    def _load_pages(self, ids: Iterable[int]) -> dict[int, _Page]:
        rows = self.dialect.fetch_keyed(
            self.conn,
            "SELECT p.id, p.host_id, p.domain_id, p.first_ok, p.last_ok, p.last_visit_id, p.attempted_at, p.confirmed,"
            " p.indexable, p.links, v.record_id, v.links AS read_links"
            " FROM page p LEFT JOIN visit v ON v.id = p.last_visit_id WHERE p.id {ids}",
            set(ids),
        )
        return {row.id: _Page(**row._mapping) for row in rows}

    def _stored_visits(
        self, pages: Sequence[int], readings: Sequence[Reading]
    ) -> dict[int, list[tuple[int, int, int | None, bool]]]:
        """Visits (id, at, crawl, complete) of known pages that a reading at hand could be a redelivery of."""
        found: dict[int, list[tuple[int, int, int | None, bool]]] = {}
        question = "SELECT id, page_id, at, crawl_id, complete FROM visit WHERE {} AND page_id {{ids}}"
        rows = list(self.dialect.fetch_keyed(self.conn, question.format("at >= ?"), pages, readings[0].at))
        if self.crawl_id is not None:
            rows += self.dialect.fetch_keyed(self.conn, question.format("crawl_id = ?"), pages, self.crawl_id)
        for row in rows:
            found.setdefault(row.page_id, []).append((row.id, row.at, row.crawl_id, bool(row.complete)))
        return found

    def _same_visit(self, stored: Iterable[tuple[int, int, int | None, bool]], reading: Reading) -> int | None:
        for visit_id, at, crawl_id, complete in stored:
            if at == reading.at:
                return visit_id
            # A crawl visits a page once; only a whole document after a broken one is another visit.
            if self.crawl_id is not None and crawl_id == self.crawl_id and (complete or not reading.complete):
                return visit_id
        return None

    def _records(self, visits: Sequence[_Visit], new: set[int]) -> None:
        """Store each record that is not there; an unchanged page shares the one of its earlier visit."""
        candidates = [visit for visit in visits if visit.record.id != visit.before.record_id]
        asked = {visit.record.id for visit in candidates if visit.before.id not in new}
        there = {row.id for row in self.dialect.fetch_keyed(self.conn, "SELECT id FROM record WHERE id {ids}", asked)}
        packer = evidence.Packer()
        rows = [
            (
                visit.record.id,
                packer.pack(visit.record.data),
                packer.pack_text(visit.page.text) if self.keep_text else None,
            )
            for visit in candidates
            if visit.record.id not in there
        ]
        rows.sort(key=lambda row: row[0])
        try:
            self.dialect.insert(self.conn, "record", ("id", "data", "text"), rows)
        except IntegrityError as error:
            raise HashCollision("record", "a record of another page") from error
        self.count["rows_written"] += len(rows)

    def _write_visits(self, visits: Sequence[_Visit]) -> None:
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

    def _links(self, visits: Sequence[_Visit], gone: Sequence[tuple[_Page, int]]) -> dict[int, int]:
        """Open, keep and close links; return the number of live links of each page this spoke for."""
        live: dict[int, int] = {}
        first: list[_Visit] = []
        later: list[_Visit] = []
        for visit in visits:
            before = visit.before
            if not visit.reading.complete:
                self.count["incomplete"] += 1
                continue
            self.count["pages"] += 1
            if before.last_ok is None:
                first.append(visit)
            elif visit.reading.at <= before.last_ok:
                self.count["late"] += 1
            elif visit.record.id == before.record_id and before.links == before.read_links:
                self.count["unchanged"] += 1
                live[before.id] = before.links
            else:
                later.append(visit)
        closing = [(page, at) for page, at in gone if page.last_ok is not None and page.last_ok < at and page.links]
        if first or later or closing:
            self._write_links(first, later, closing, live)
        return live

    def _write_links(
        self,
        first: Sequence[_Visit],
        later: Sequence[_Visit],
        closing: Sequence[tuple[_Page, int]],
        live: dict[int, int],
    ) -> None:
        links = [link for visit in (*first, *later) for link in visit.page.links]
        self.urls.update(url_rows(self.texts, self.conn, [link.target for link in links]))
        words = anchor_rows(self.texts, self.conn, [link.anchor.text for link in links])
        stored = load(
            self.dialect,
            self.conn,
            {visit.before.id for visit in later} | {page.id for page, _ in closing},
        )
        facts = Facts()
        for visit in first:
            facts.open_page(visit.before.place, visit.reading.at, visit.page.links, self.urls, words)
            live[visit.before.id] = len(visit.page.links)
        for visit in later:
            before, at = visit.before, visit.reading.at
            old = stored.get(before.id, [])
            if any(one.gone_at is not None and one.gone_at > at for one in old):
                self.count["late"] += 1
                continue
            facts.compare(before.place, at, before.last_ok, visit.page.links, self.urls, words, old)
            live[before.id] = len(visit.page.links)
        for page, at in closing:
            for one in stored.get(page.id, ()):
                if one.gone_at is None:
                    facts.lose(one, at, page.last_ok, "page_not_found")
            live[page.id] = 0
        facts.flush(self.dialect, self.conn)
        for name, number in facts.counts().items():
            self.count[name] += number

    def _update_pages(
        self,
        pages: Mapping[int, _Page],
        attempts: Sequence[Reading],
        visits: Sequence[_Visit],
        live: Mapping[int, int],
    ) -> None:
        """Bring the page rows up to date with the visits and attempts of a round."""
        now = dict(pages)
        for visit in visits:
            before, at = visit.before, visit.reading.at
            if visit.reading.complete and before.id in live:
                now[before.id] = before._replace(
                    first_ok=at if before.first_ok is None else before.first_ok,
                    last_ok=at,
                    last_visit_id=visit.id,
                    indexable=visit.page.indexable,
                )
        for page_id, links in live.items():
            now[page_id] = now[page_id]._replace(links=links)
        for reading in attempts:
            page_id = self._page_id(reading)
            for attempted in {page_id, self.urls[reading.requested.url].id}:
                page = now.get(attempted)
                # A page that only redirected to another was attempted, and not read.
                complete = reading.complete and attempted == page_id
                if page is None:
                    continue
                if reading.at > page.attempted_at or (reading.at == page.attempted_at and complete):
                    now[attempted] = page._replace(attempted_at=reading.at, confirmed=complete)
        rows = [
            (page.first_ok, page.last_ok, page.last_visit_id, page.attempted_at, page.confirmed, page.indexable,
             page.links, page.id)
            for page in sorted(now.values())
            if page != pages[page.id]
        ]  # fmt: skip
        self.dialect.run_many(
            self.conn,
            "UPDATE page SET first_ok = ?, last_ok = ?, last_visit_id = ?, attempted_at = ?, confirmed = ?,"
            " indexable = ?, links = ? WHERE id = ?",
            rows,
        )
        self.count["rows_written"] += len(rows)

    def _settle(self, crawl_id: int, readings: Sequence[Reading], visit_of: Mapping[int, int]) -> None:
        """Outcomes of the requested URLs; URLs found on their pages join the crawl."""
        ids = {self.urls[reading.requested.url].id for reading in readings}
        ids |= {self.urls[one.url.url].id for reading in readings for one in reading.discovered}
        stored = outcomes.stored(self.dialect, self.conn, crawl_id, ids)
        wanted: list[outcomes.Wanted] = []
        found: list[tuple[outcomes.Wanted, UrlRow]] = []
        settled: dict[int, outcomes.Settled] = {}
        for reading in readings:
            url_id = self.urls[reading.requested.url].id
            if url_id not in stored:
                wanted.append(outcomes.Wanted(url_id, reading.requested.domain, 0, None))
        asked = len({one.url_id for one in wanted})
        for place, reading in enumerate(readings):
            url_id = self.urls[reading.requested.url].id
            depth = stored[url_id][1] if url_id in stored else 0
            settled.setdefault(
                url_id,
                outcomes.Settled(
                    url_id=url_id,
                    state=reading.outcome,
                    reason=reading.reason,
                    status=status_code(reading.status or (reading.response.status if reading.response else None)),
                    chain=chain_json(reading.chain),
                    final_id=self.urls[reading.final.url].id if reading.final else None,
                    visit_id=visit_of.get(place),
                    at=reading.at,
                ),
            )
            for one in reading.discovered:
                row = self.urls[one.url.url]
                if row.id not in stored:
                    found.append((outcomes.Wanted(row.id, one.operator, depth + 1, self._page_id(reading)), row))
        wanted += frontier.limited(self.conn, crawl_id, found)
        added = outcomes.add(self.dialect, self.conn, crawl_id, wanted) if wanted else 0
        open_ones = [one for one in settled.values() if stored.get(one.url_id, (0, 0))[0] == 0]
        outcomes.settle(self.dialect, self.conn, crawl_id, open_ones)
        self.count["discovered"] += added - asked
        self.count["rows_written"] += added + len(open_ones)


def _not_found(reading: Reading) -> bool:
    """Whether the server said that the page itself is not there (any more)."""
    return reading.outcome == "failed" and reading.status in _NOT_FOUND


def _own_urls(readings: Iterable[Reading]) -> Iterator[CanonicalUrl]:
    """Every URL a reading speaks of but the targets of its links."""
    for reading in readings:
        yield reading.requested
        if reading.final is not None:
            yield reading.final
        if reading.page is not None:
            yield reading.page.url
        for found in reading.discovered:
            yield found.url
