"""Pages told anew, from all of their kept visits and misses.

A ledger is a function of the set of its visits. What arrives in the order of its dates is compared with the latest
rows; everything else (a late visit, the second of two suspects, a page that moved, visits that do not see
everything) leads here: the page's whole history is told again, and what differs from the rows is written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from storage import evidence, horizon, layout
from storage.arrivals import KnownPage
from storage.codes import METHODS
from storage.dictionaries import Texts, anchor_rows, url_rows
from storage.facts import Facts, load_rows, occurrence
from storage.lives import PAGE_REDIRECTED, RAW, SEEN_BY, Document, Held, Life, Occurrence, move
from storage.text import clean, short_name

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import Row

_METHOD = [SEEN_BY[name] for name in METHODS]


class Retold(NamedTuple):
    """A page after all of its visits and misses."""

    page: KnownPage
    turned: dict[int, bool]
    """Visits whose standing is not the one stored: whether each speaks for its page."""
    confirmed_at: dict[int, int | None]
    """Suspects of which the visit that confirmed them is not the one stored: its date."""


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


class _Story:
    """What is kept of one page: its visits and misses, and where its history begins to be told."""

    def __init__(self, page: KnownPage) -> None:
        self.page = page
        self.visits: list[Row[tuple[object, ...]]] = []
        self.misses: list[Row[tuple[object, ...]]] = []
        self.rows: tuple[list[tuple[object, ...]], list[tuple[object, ...]]] = [], []
        self.documents: dict[int, Document] = {}
        self.confirmed: dict[int, int] = {}
        """Date of the visit that confirmed each suspect."""
        self.since = -1
        """Date of the latest visit whose record was pruned: what came up to then is told by the rows."""

    def life(self) -> Life:
        """The page before anything is told."""
        plain = all(row.targets is None and _METHOD[row.method] == RAW for row in self.visits if row.whole)
        life = Life(self.page.place, plain=plain)
        if self.since >= 0:
            known = [self.documents[row.id] for row in self.visits if row.complete and row.at <= self.since]
            horizon.begin(life, self.since, self.rows, known, layout.read(self.page.layout), self.page.first_ok)
        return life

    def whole(self) -> list[Document]:
        """The documents to be told."""
        return [self.documents[row.id] for row in self.visits if row.whole and row.at > self.since]

    def closings(self) -> list[Row[tuple[object, ...]]]:
        """The misses that close links, of those to be told."""
        return [row for row in self.misses if row.cause and row.at > self.since]

    def retold(self, life: Life) -> Retold:
        """The page after all was told."""
        standing = {row.id: life.complete.get(row.id, bool(row.complete)) for row in self.visits}
        attempts = [(row.at, 0, standing[row.id]) for row in self.visits]
        attempts += [(row.at, 1, False) for row in self.misses]
        attempted_at, _, confirmed = max(attempts)
        page = self.page._replace(
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
        )
        return Retold(
            page=page,
            confirmed_at={
                row.id: self.confirmed.get(row.id)
                for row in self.visits
                if row.at > self.since and row.confirmed_at != self.confirmed.get(row.id)
            },
            turned={row.id: standing[row.id] for row in self.visits if standing[row.id] != bool(row.complete)},
        )


def retell(texts: Texts, conn: Connection, pages: Collection[KnownPage], facts: Facts) -> list[Retold]:
    """Tell the lives of pages from their beginning; ``facts`` takes what is to be written of links and anchors.

    Args:
        pages: closed under `moved_together`, and held by the caller.
    """
    stories = _stories(texts, conn, pages)
    sure: set[int] = set()
    for story in stories.values():
        agreed = _confirmed(story)
        sure |= {visit_id for pair in agreed for visit_id in pair}
        story.confirmed = {first: story.documents[second].at for first, second in agreed}
    lives = {page: story.life() for page, story in stories.items()}
    _tell(stories, lives, sure)
    for page, life in lives.items():
        facts.take(life, stories[page].rows)
    return [stories[page].retold(life) for page, life in lives.items()]


def _stories(texts: Texts, conn: Connection, pages: Collection[KnownPage]) -> dict[int, _Story]:
    stories = {page.id: _Story(page) for page in pages}

    def fetch(question: str) -> Sequence[Row[tuple[object, ...]]]:
        return texts.dialect.fetch_keyed(conn, question, stories)

    visits = fetch(
        "SELECT id, page_id, at, method, complete, whole, reason, rules_version, content_hash, not_indexable, targets,"
        " record_id, confirmed_at FROM visit WHERE page_id {ids}"
    )
    for row in visits:
        stories[row.page_id].visits.append(row)
    for row in fetch("SELECT page_id, at, cause, moved_to FROM miss WHERE page_id {ids}"):
        stories[row.page_id].misses.append(row)
    for page, rows in load_rows(texts.dialect, conn, stories).items():
        stories[page].rows = rows
    whole = [row for row in visits if row.whole]
    links = _occurrences(texts, conn, {row.record_id for row in whole})
    targets = _targets(texts, conn, whole)
    for row in whole:
        story = stories[row.page_id]
        occurrences = links.get(row.record_id)
        if occurrences is None:
            story.since = max(story.since, row.at)
        story.documents[row.id] = Document(
            visit_id=row.id,
            at=row.at,
            seen_by=_METHOD[row.method],
            targets=targets.get(row.id),
            suspect=row.reason is not None,
            rules=row.rules_version,
            content_hash=row.content_hash,
            indexable=row.not_indexable == 0,
            occurrences=occurrences or (),
        )
    return stories


def _occurrences(texts: Texts, conn: Connection, records: Collection[int]) -> dict[int, tuple[Occurrence, ...]]:
    """The links of each record that was not pruned; visits that share one share what was made of it."""
    found: dict[int, tuple[Occurrence, ...]] = {}
    for record_id in sorted(records):
        row = texts.dialect.fetch(conn, "SELECT data FROM record WHERE id = ?", record_id)[0]
        if not row.data:
            continue
        read = evidence.decode(bytes(row.data)).links
        urls = url_rows(texts, conn, [link.target for link in read])
        words = anchor_rows(texts, conn, [link.anchor.text for link in read])
        found[record_id] = tuple(occurrence(link, urls, words) for link in read)
    return found


def _targets(texts: Texts, conn: Connection, visits: Sequence[Row[tuple[object, ...]]]) -> dict[int, frozenset[int]]:
    """Ids of the domains that filtered visits were filtered by.

    Asked when their links are in the dictionaries: a name that is not there has none.
    """
    filters = {
        row.id: [short_name(clean(name)) for name in json.loads(row.targets)]
        for row in visits
        if row.targets is not None
    }
    question = "SELECT id, name FROM domain WHERE name {names}"
    names = {name for some in filters.values() for name in some}
    ids = {row.name: int(row.id) for row in texts.dialect.fetch_named(conn, question, names)}
    return {visit: frozenset(ids[name] for name in some if name in ids) for visit, some in filters.items()}


def _confirmed(story: _Story) -> list[tuple[int, int]]:
    """The suspects of a page that another one confirms, each with that one: ids of visits."""
    pairs: list[tuple[int, int]] = []
    sure: set[int] = set()
    events: list[tuple[int, Document | None]] = [(one.at, one) for one in story.whole()]
    events += [(row.at, None) for row in story.closings()]
    events.sort(key=_when)
    while True:
        life = story.life()
        for at, what in events:
            if what is None:
                life.close(at, PAGE_REDIRECTED)
                continue
            life.visit(what, sure)
            if life.agreed is None:
                continue
            if not life.plain:
                break
            # Nothing was told between the two, so the first can still speak in its turn.
            pairs.append(life.agreed)
            first = story.documents[life.agreed[0]]
            sure |= set(life.agreed)
            life.agreed = None
            life.visit(first, sure)
            life.visit(what, sure)
        if life.agreed is None:
            return pairs
        # Told again: the first of the two counts from its own date, before what was told since.
        pairs.append(life.agreed)
        sure |= set(life.agreed)


def _when(event: tuple[int, Document | None]) -> tuple[int, bool]:
    return event[0], event[1] is None


def _tell(stories: Mapping[int, _Story], lives: Mapping[int, Life], sure: Collection[int]) -> None:
    """All pages together, date by date: visits, then closings, then what moved."""
    events: list[tuple[int, int, int, Document | int | None]] = []
    for page, story in stories.items():
        events += [(one.at, 0, page, one) for one in story.whole()]
        events += [(row.at, row.cause, page, row.moved_to) for row in story.closings()]
    events.sort(key=lambda event: event[:3])
    moving: list[tuple[list[Held], int]] = []
    for place, (at, cause, page, what) in enumerate(events):
        if isinstance(what, Document):
            lives[page].visit(what, sure)
        else:
            gone = lives[page].close(at, cause)
            if what is not None and what in lives:
                moving.append((gone, what))
        if moving and (place + 1 == len(events) or events[place + 1][0] != at):
            for gone, to in moving:
                move(gone, lives[to])
            moving.clear()
