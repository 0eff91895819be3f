"""Pages told anew, from all of their kept visits and misses.

A ledger is a function of the set of its visits. What arrives in the order of its dates is compared with the latest
rows; everything else (a late visit, the second of two suspects, a page that moved, visits that do not see
everything) leads here: the page's whole history is told again, and what differs from the rows is written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from storage import evidence, layout
from storage.codes import METHODS
from storage.dictionaries import Texts, anchor_rows, url_rows
from storage.facts import Facts, load_rows, occurrence
from storage.lives import PAGE_REDIRECTED, RAW, RENDERED, WAT, Document, Held, Life, Occurrence, Place, move
from storage.text import clean, short_name

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import Row

SEEN_BY = {"raw": RAW, "archive": RAW, "rendered": RENDERED, "wat": WAT}
_METHOD = [SEEN_BY[name] for name in METHODS]


class Retold(NamedTuple):
    """A page after all of its visits and misses."""

    place: Place
    first_ok: int | None
    last_ok: int | None
    last_visit_id: int | None
    attempted_at: int
    confirmed: bool
    indexable: bool | None
    links: int
    suspect_id: int | None
    plain: bool
    layout: str | None
    turned: dict[int, bool]
    """Visits whose standing is not the one stored: whether each speaks for its page."""


def moved_together(texts: Texts, conn: Connection, pages: Collection[int]) -> set[int]:
    """The pages and all that a permanent redirect ties to them, directly or by way of others."""
    found = set(pages)
    fresh = found
    question = "SELECT page_id, moved_to FROM miss WHERE cause = ? AND moved_to IS NOT NULL AND {} {{ids}}"
    while fresh:
        rows = [
            row
            for end in ("page_id", "moved_to")
            for row in texts.dialect.fetch_keyed(conn, question.format(end), fresh, PAGE_REDIRECTED)
        ]
        fresh = {page for row in rows for page in row} - found
        found |= fresh
    return found


def retell(texts: Texts, conn: Connection, pages: Collection[int], facts: Facts) -> dict[int, Retold]:
    """Tell the lives of pages from their beginning; ``facts`` takes what is to be written of links and anchors.

    Args:
        pages: ids; closed under `moved_together`, and held by the caller.
    """
    fetch = texts.dialect.fetch_keyed
    visits: dict[int, list[Row[tuple[object, ...]]]] = {page: [] for page in pages}
    misses: dict[int, list[Row[tuple[object, ...]]]] = {page: [] for page in pages}
    for row in fetch(
        conn,
        "SELECT id, page_id, at, method, complete, whole, reason, rules_version, content_hash, not_indexable, targets,"
        " record_id FROM visit WHERE page_id {ids}",
        pages,
    ):
        visits[row.page_id].append(row)
    for row in fetch(conn, "SELECT page_id, at, cause, moved_to FROM miss WHERE page_id {ids}", pages):
        misses[row.page_id].append(row)
    places = {
        row.id: Place(row.id, row.host_id, row.domain_id)
        for row in fetch(conn, "SELECT id, host_id, domain_id FROM page WHERE id {ids}", pages)
    }
    documents = _documents(texts, conn, [row for some in visits.values() for row in some if row.whole])
    plain = {page: all(_is_plain(row) for row in some if row.whole) for page, some in visits.items()}
    sure: set[int] = set()
    for page, place in places.items():
        own = sorted((documents[row.id] for row in visits[page] if row.whole), key=attrgetter("at"))
        closings = sorted(row.at for row in misses[page] if row.cause)
        sure |= _confirmed(place, plain[page], own, closings)
    lives = {page: Life(place, plain=plain[page]) for page, place in places.items()}
    _tell(lives, documents, visits, misses, sure)
    stored = load_rows(texts.dialect, conn, pages)
    found: dict[int, Retold] = {}
    for page, life in lives.items():
        facts.take(life, stored[page])
        found[page] = _retold(life, visits[page], misses[page])
    return found


def _documents(texts: Texts, conn: Connection, visits: Sequence[Row[tuple[object, ...]]]) -> dict[int, Document]:
    """Whole visits in stored form; visits that share a record share what was made of it."""
    links: dict[int, tuple[Occurrence, ...]] = {}
    for row in visits:
        if row.record_id not in links:
            kept = texts.dialect.fetch(conn, "SELECT data FROM record WHERE id = ?", row.record_id)
            read = evidence.decode(bytes(kept[0].data)).links
            urls = url_rows(texts, conn, [link.target for link in read])
            words = anchor_rows(texts, conn, [link.anchor.text for link in read])
            links[row.record_id] = tuple(occurrence(link, urls, words) for link in read)
    # Looked up when the links are in the dictionaries: a name that is not there has none.
    filters = {row.id: [short_name(clean(name)) for name in json.loads(row.targets)] for row in visits if row.targets}
    names = {name for some in filters.values() for name in some}
    question = "SELECT id, name FROM domain WHERE name {names}"
    domains = {row.name: int(row.id) for row in texts.dialect.fetch_named(conn, question, names)}
    return {
        row.id: Document(
            visit_id=row.id,
            at=row.at,
            seen_by=_METHOD[row.method],
            targets=None
            if row.targets is None
            else frozenset(domains[name] for name in filters[row.id] if name in domains),
            suspect=row.reason is not None,
            rules=row.rules_version,
            content_hash=row.content_hash,
            indexable=row.not_indexable == 0,
            occurrences=links[row.record_id],
        )
        for row in visits
    }


def _is_plain(visit: Row[tuple[object, ...]]) -> bool:
    return visit.targets is None and _METHOD[visit.method] == RAW


def _confirmed(place: Place, plain: bool, documents: Collection[Document], closings: Collection[int]) -> set[int]:
    """Ids of the suspects of a page that another one confirms, and of those that do."""
    sure: set[int] = set()
    while True:
        life = Life(place, plain=plain)
        events = [*((one.at, one) for one in documents), *((at, None) for at in closings)]
        for at, what in sorted(events, key=_when):
            if what is None:
                life.close(at, PAGE_REDIRECTED)
            else:
                life.visit(what, sure)
            if life.agreed:
                break
        if life.agreed is None:
            return sure
        # Told again: the first of the two counts from its own date, before what was told since.
        sure |= set(life.agreed)


def _when(event: tuple[int, Document | None]) -> tuple[int, bool]:
    return event[0], event[1] is None


def _tell(
    lives: Mapping[int, Life],
    documents: Mapping[int, Document],
    visits: Mapping[int, list[Row[tuple[object, ...]]]],
    misses: Mapping[int, list[Row[tuple[object, ...]]]],
    sure: Collection[int],
) -> None:
    """All pages together, date by date: visits, then closings, then what moved."""
    events = sorted(
        [(row.at, 0, page, row.id) for page, some in visits.items() if page in lives for row in some if row.whole]
        + [(row.at, row.cause, page, row.moved_to) for page, some in misses.items() if page in lives
           for row in some if row.cause],
        key=lambda event: event[:3],
    )  # fmt: skip
    moving: list[tuple[list[Held], int]] = []
    for place, (at, cause, page, what) in enumerate(events):
        if cause:
            gone = lives[page].close(at, cause)
            if what is not None and what in lives:
                moving.append((gone, what))
        else:
            lives[page].visit(documents[what], sure)
        if moving and (place + 1 == len(events) or events[place + 1][0] != at):
            for gone, to in moving:
                move(gone, lives[to])
            moving.clear()


def _retold(
    life: Life, visits: Collection[Row[tuple[object, ...]]], misses: Collection[Row[tuple[object, ...]]]
) -> Retold:
    turned = {
        row.id: life.complete[row.id] for row in visits if row.whole and life.complete[row.id] != bool(row.complete)
    }
    attempts = [(row.at, 0, life.complete.get(row.id, False)) for row in visits]
    attempts += [(row.at, 1, False) for row in misses]
    attempted_at, _, confirmed = max(attempts)
    return Retold(
        place=life.place,
        first_ok=life.first_ok,
        last_ok=life.last_ok,
        last_visit_id=life.last_visit_id,
        attempted_at=attempted_at,
        confirmed=confirmed,
        indexable=life.indexable,
        links=sum(1 for _ in life.live()),
        suspect_id=None if life.suspect is None else life.suspect.visit_id,
        plain=life.plain,
        layout=layout.write(life.layout),
        turned=turned,
    )
