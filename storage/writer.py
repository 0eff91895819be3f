"""Store what became of requested URLs: whole pages, in one transaction.

A document that goes on from where its page stands is compared with the latest rows; where that is not enough,
the page's history is told again (`storage.replay`). docs/history.md has the rules, docs/data-model.md the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage import evidence, frontier, layout, outcomes
from storage.codes import OUTCOMES
from storage.dictionaries import AnchorRow, UrlRow, anchor_rows, texts_of, url_rows
from storage.engine import Ledger
from storage.errors import HashCollision, UnreadableLedger
from storage.facts import Facts, load_latest, occurrence
from storage.lives import PAGE_NOT_FOUND, PAGE_REDIRECTED, RAW, Document, Held, Life, Place
from storage.records import CanonicalUrl, Hop, PageRecord, Reading
from storage.replay import SEEN_BY, moved_together, retell
from storage.visits import COLUMNS, chain_json, content_hash, status_code, visit_row

TRIES = 5
"""Attempts at a transaction that PostgreSQL ends for another writer's sake."""
_TURNED_AWAY = ("40P01", "40001")  # deadlock_detected, serialization_failure
_NOT_FOUND = (404, 410)
_PERMANENT = (301, 308)
_STATE = {name: code for code, name in enumerate(OUTCOMES)}


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
    """A page as the ledger knows it before a batch."""

    id: int
    host_id: int
    domain_id: int
    first_ok: int | None
    last_ok: int | None
    last_visit_id: int | None
    attempted_at: int
    """0: never."""
    confirmed: bool
    indexable: bool | None
    links: int
    suspect_id: int | None
    plain: bool
    layout: str | None
    record_id: int | None
    """Record of the standing document."""
    read_links: int | None
    """Links in it: what ``links`` is too, unless the page has gone since."""
    rules_version: int | None
    content_hash: str | None

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


class _Miss(NamedTuple):
    """A row of ``miss``: an attempt that brought no document of this page."""

    page_id: int
    at: int
    state: int
    cause: int
    moved_to: int | None


class _Batch:
    """One call of `write_readings` on an open transaction."""

    def __init__(self, conn: Connection, crawl_id: int | None, keep_text: bool, rules_version: int) -> None:
        self.conn, self.crawl_id, self.keep_text, self.rules_version = conn, crawl_id, keep_text, rules_version
        self.texts = texts_of(conn)
        self.dialect = self.texts.dialect
        self.urls: dict[str, UrlRow] = {}
        self.count: dict[str, int] = dict.fromkeys(WriteSummary.__slots__, 0)
        self._suspected: list[int] = []
        self.standing: dict[int, bool] = {}
        """Whether each visit that the readings are speaks for its page."""

    def write(self, readings: Sequence[Reading]) -> WriteSummary:
        if not readings:
            return WriteSummary()
        self.count["readings"] = len(readings)
        in_order = sorted(readings, key=lambda one: one.at)
        self.urls = url_rows(self.texts, self.conn, _own_urls(in_order))
        misses = list(self._misses(in_order))
        pages, new = self._pages(in_order, misses)
        visits, visit_of = self._visits(in_order, pages, new)
        misses = self._new_misses(misses, pages)
        self._records(visits, new)
        self._write_visits(visits)
        columns = ("page_id", "at", "state", "cause", "moved_to", "crawl_id")
        rows = sorted((*one, self.crawl_id) for one in misses)
        self.dialect.insert(self.conn, "miss", columns, rows, conflict="nothing")
        self.count["rows_written"] += len(rows)
        self._bring_up_to_date(pages, visits, misses)
        if self.crawl_id is not None:
            self._settle(self.crawl_id, in_order, visit_of)
        return WriteSummary(**self.count)

    def _page_id(self, reading: Reading) -> int:
        """The page a reading speaks of."""
        return self.urls[_answered(reading).url].id

    # -- what comes in ------------------------------------------------------------------------------

    def _misses(self, readings: Sequence[Reading]) -> Iterator[_Miss]:
        """Attempts without a document: of every URL a redirect led away from, and of the last one if it gave none."""
        met: set[tuple[int, int]] = set()
        for reading in readings:
            final = _answered(reading)
            final_id, state = self.urls[final.url].id, _STATE[reading.outcome]
            found: list[_Miss] = []
            if reading.page is None:
                cause = PAGE_NOT_FOUND if _not_found(reading) else 0
                found.append(_Miss(final_id, reading.at, state, cause, None))
            # Where the last redirect was not followed, the chain did not end: it led nowhere.
            ended = bool(reading.chain) and reading.chain[-1].url.url != final.url
            for hop in reading.chain or (Hop(reading.requested, 0),):
                if hop.url.url == final.url:
                    continue
                away = ended and hop.status in _PERMANENT
                page_id = self.urls[hop.url.url].id
                found.append(
                    _Miss(page_id, reading.at, state, PAGE_REDIRECTED if away else 0, final_id if away else None)
                )
            for one in found:
                if one[:2] not in met:
                    met.add(one[:2])
                    yield one

    def _pages(self, readings: Sequence[Reading], misses: Sequence[_Miss]) -> tuple[dict[int, _Page], set[int]]:
        """The pages concerned, held until the end of the transaction; and which of them are surely new.

        A page comes to be with the first attempt at it, whatever it brought.
        """
        wanted: dict[int, UrlRow] = {}
        for url in _own_pages(readings):
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

    def _load_pages(self, ids: Collection[int]) -> dict[int, _Page]:
        rows = self.dialect.fetch_keyed(
            self.conn,
            "SELECT p.id, p.host_id, p.domain_id, p.first_ok, p.last_ok, p.last_visit_id, p.attempted_at, p.confirmed,"
            " p.indexable, p.links, p.suspect_id, p.plain, p.layout, v.record_id, v.links AS read_links,"
            " v.rules_version, v.content_hash"
            " FROM page p LEFT JOIN visit v ON v.id = p.last_visit_id WHERE p.id {ids}",
            ids,
        )
        return {row.id: _Page(**row._mapping) for row in rows}

    def _visits(
        self, readings: Sequence[Reading], pages: Mapping[int, _Page], new: set[int]
    ) -> tuple[list[_Visit], dict[int, int]]:
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
            elif known < 0:
                again.append((place, -1 - known))
                self.count["redelivered"] += 1
            else:
                visit_of[place] = known
                self.count["redelivered"] += 1
        visits: list[_Visit] = []
        ids = self.dialect.next_ids(self.conn, "visit", len(fresh)) if fresh else []
        for visit_id, (page_id, place, page) in zip(ids, fresh, strict=True):
            record = evidence.make(self.texts.key, page_id, page)
            visits.append(_Visit(visit_id, readings[place], page, pages[page_id], record))
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

    def _new_misses(self, misses: Sequence[_Miss], pages: Mapping[int, _Page]) -> list[_Miss]:
        """Those that are not stored yet; only one that is not newer than all else can be."""
        old = {one.page_id for one in misses if one.at <= pages[one.page_id].attempted_at}
        rows = self.dialect.fetch_keyed(self.conn, "SELECT page_id, at FROM miss WHERE page_id {ids}", old)
        there = {(row.page_id, row.at) for row in rows}
        return [one for one in misses if one[:2] not in there]

    def _records(self, visits: Sequence[_Visit], new: set[int]) -> None:
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

    # -- what comes of it ---------------------------------------------------------------------------

    def _bring_up_to_date(self, pages: Mapping[int, _Page], visits: Sequence[_Visit], misses: Sequence[_Miss]) -> None:
        """Links, anchors and pages after new visits and misses."""
        of_page: dict[int, tuple[list[_Visit], list[_Miss]]] = {}
        for visit in visits:
            of_page.setdefault(visit.before.id, ([], []))[0].append(visit)
            self._tally(visit)
        for miss in misses:
            of_page.setdefault(miss.page_id, ([], []))[1].append(miss)
        again = {page for page, (read, missed) in of_page.items() if not _in_order(pages[page], read, missed)}
        if again:
            again = moved_together(self.texts, self.conn, again)
            self.dialect.lock_pages(self.conn, again)
            pages = {**self._load_pages(again - pages.keys()), **pages}
        facts = Facts()
        now = self._go_on({page: events for page, events in of_page.items() if page not in again}, pages, facts)
        turned = dict.fromkeys(self._suspected, False)
        if again:
            for page, retold in retell(self.texts, self.conn, again, facts).items():
                values = retold._asdict()
                turned |= values.pop("turned")
                now[page] = pages[page]._replace(**values)
            self.count["retold"] += len(again)
        facts.flush(self.dialect, self.conn)
        self.count["rows_written"] += facts.rows_written
        self._write_pages(pages, now)
        self._turn(turned)

    def _tally(self, visit: _Visit) -> None:
        if visit.reading.outcome != "fetched":
            self.count["incomplete"] += 1
            return
        self.count["pages"] += 1
        if visit.before.last_ok is not None and visit.reading.at <= visit.before.last_ok:
            self.count["late"] += 1

    def _go_on(
        self, of_page: Mapping[int, tuple[list[_Visit], list[_Miss]]], pages: Mapping[int, _Page], facts: Facts
    ) -> dict[int, _Page]:
        """Pages that hear what comes next; returns them as they are then."""
        now: dict[int, _Page] = {}
        first: list[_Visit] = []
        later: list[_Visit] = []
        closing: list[tuple[_Page, _Miss]] = []
        for page_id, (read, missed) in of_page.items():
            before = page = pages[page_id]
            for visit in read:
                at, complete = visit.reading.at, visit.reading.outcome == "fetched"
                page = _attempted(page, at, complete)
                if visit.reading.outcome == "suspect":
                    page = page._replace(suspect_id=visit.id)
                elif not complete:
                    continue
                elif before.first_ok is None:
                    first.append(visit)
                elif visit.record.id == before.record_id and before.links == before.read_links:
                    self.count["unchanged"] += 1
                    page = _read(page, visit)
                else:
                    later.append(visit)
            for miss in missed:
                page = _attempted(page, miss.at, False)
                if miss.cause and before.links:
                    closing.append((before, miss))
            now[page_id] = page
        links = [link for visit in (*first, *later) for link in visit.page.links]
        self.urls.update(url_rows(self.texts, self.conn, [link.target for link in links]))
        words = anchor_rows(self.texts, self.conn, [link.anchor.text for link in links])
        for visit in first:
            facts.open_page(visit.before.place, visit.reading.at, visit.page.links, self.urls, words)
            now[visit.before.id] = _read(now[visit.before.id], visit)._replace(links=len(visit.page.links))
            self.count["links_opened"] += len(visit.page.links)
            self.count["anchors_opened"] += len(visit.page.links)
        known = {visit.before.id for visit in later} | {page.id for page, _ in closing}
        held = load_latest(self.dialect, self.conn, known)
        for visit in later:
            before = visit.before
            life = self._life(before, held)
            life.visit(self._document(visit, words))
            if life.suspect is not None:
                self._suspected.append(visit.id)
                now[before.id] = now[before.id]._replace(suspect_id=visit.id, confirmed=False)
                continue
            facts.take(life)
            self._count_changes(life)
            now[before.id] = _read(now[before.id], visit)._replace(
                links=len(visit.page.links), layout=layout.write(life.layout)
            )
        for page, miss in closing:
            life = self._life(page, held)
            life.close(miss.at, miss.cause)
            facts.take(life)
            self._count_changes(life)
            now[page.id] = now[page.id]._replace(links=0)
        return now

    def _life(self, page: _Page, held: Mapping[int, list[Held]]) -> Life:
        return Life.going_on(
            page.place,
            held.get(page.id, ()),
            first_ok=page.first_ok,
            last_ok=page.last_ok,
            rules=page.rules_version,
            content_hash=page.content_hash,
            layout_=layout.read(page.layout),
        )

    def _document(self, visit: _Visit, words: Mapping[str, AnchorRow]) -> Document:
        reading = visit.reading
        return Document(
            visit_id=visit.id,
            at=reading.at,
            seen_by=SEEN_BY[reading.method],
            targets=None,
            suspect=False,
            rules=self.rules_version,
            content_hash=content_hash(reading),
            indexable=visit.page.indexable,
            occurrences=[occurrence(link, self.urls, words) for link in visit.page.links],
        )

    def _count_changes(self, life: Life) -> None:
        for name in ("opened", "restored", "changed", "closed"):
            self.count[f"links_{name}"] += getattr(life, name)
        self.count["anchors_opened"] += sum(1 for one in life.anchors if one.stored is None)
        self.count["anchors_closed"] += life.closed + life.reworded

    def _write_pages(self, before: Mapping[int, _Page], now: Mapping[int, _Page]) -> None:
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
        for hop in reading.chain:
            yield hop.url
        for found in reading.discovered:
            yield found.url


def _own_pages(readings: Iterable[Reading]) -> Iterator[CanonicalUrl]:
    """Every URL that was attempted."""
    for reading in readings:
        yield reading.requested
        yield _answered(reading)
        for hop in reading.chain:
            yield hop.url


def _answered(reading: Reading) -> CanonicalUrl:
    """The page that a reading speaks of: the last URL asked."""
    return reading.page.url if reading.page else reading.final or reading.requested


def _in_order(page: _Page, read: Sequence[_Visit], missed: Sequence[_Miss]) -> bool:
    """Whether what is new of a page only goes on from where it stands; else its history is told again."""
    whole = [visit for visit in read if visit.reading.whole]
    closing = [miss for miss in missed if miss.cause]
    if not whole and not closing:
        return True
    newer = all(visit.reading.at > page.attempted_at for visit in whole) and all(
        miss.at > page.attempted_at for miss in closing
    )
    if not newer or not page.plain or page.suspect_id is not None:
        return False
    if not whole and not page.links:
        return True  # nothing to close
    if len(whole) + len(closing) > 1:
        return False
    if closing:
        return closing[0].cause == PAGE_NOT_FOUND
    reading = whole[0].reading
    return reading.targets is None and SEEN_BY[reading.method] == RAW


def _attempted(page: _Page, at: int, complete: bool) -> _Page:
    if at < page.attempted_at:
        return page
    # Of one date, a miss comes after a visit.
    return page._replace(attempted_at=at, confirmed=complete and (at > page.attempted_at or page.confirmed))


def _read(page: _Page, visit: _Visit) -> _Page:
    """A page whose latest complete visit this is."""
    at = visit.reading.at
    return page._replace(
        first_ok=at if page.first_ok is None else page.first_ok,
        last_ok=at,
        last_visit_id=visit.id,
        indexable=visit.page.indexable,
    )
