"""Pages that go on from where they stand: the first document, an unchanged one, a changed one, a page not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from storage import layout
from storage.arrivals import KnownPage, NewMiss, NewVisit, attempted, read
from storage.dictionaries import Texts, anchor_rows, url_rows
from storage.facts import Facts, load_latest, occurrence
from storage.lives import SEEN_BY, Document, Held, Life, move
from storage.visits import content_hash

if TYPE_CHECKING:
    from sqlalchemy import Connection


Events = tuple[list[NewVisit], list[NewMiss]]


class GoingOn:
    """The pages of one batch of which everything new is newer than all that is known of them.

    Args:
        facts: takes what is to be written of links and anchors.
        rules_version: of the rules that took the documents apart.
    """

    def __init__(self, texts: Texts, conn: Connection, facts: Facts, rules_version: int) -> None:
        self.texts, self.conn, self.facts, self.rules_version = texts, conn, facts, rules_version
        self.suspected: list[int] = []
        """Visits that are suspects because links vanished."""
        self.count: Counter[str] = Counter()
        """What was done, by the names of `storage.writer.WriteSummary`."""

    def confirming(self, visits: Sequence[NewVisit]) -> set[int]:
        """Pages with a suspect that the visit given of each confirms: it lacks what the suspect lacked."""
        held = load_latest(self.texts.dialect, self.conn, {visit.before.id for visit in visits})
        documents = self._documents(visits)
        return {visit.before.id for visit in visits if self._life(visit.before, held).vanishes(documents[visit.id])}

    def hear(self, of_page: Mapping[int, Events], pages: Mapping[int, KnownPage]) -> dict[int, KnownPage]:
        """Tell the pages what is new of each; returns them as they are then."""
        now: dict[int, KnownPage] = {}
        first: list[NewVisit] = []
        later: list[NewVisit] = []
        closing: list[NewMiss] = []
        for page_id, (_, missed) in of_page.items():
            page = pages[page_id]
            for miss in missed:
                if miss.cause:
                    page = page._replace(suspect_id=None)
                    if page.links:
                        closing.append(miss)
                page = attempted(page, miss.at, False)
            now[page_id] = page
        # A page that others moved to is told link by link, whatever came of it.
        partners = {miss.moved_to for miss in closing if miss.moved_to is not None}
        for page_id, (visits, _) in of_page.items():
            before, page = pages[page_id], now[page_id]
            for visit in visits:
                outcome = visit.reading.outcome
                page = attempted(page, visit.reading.at, outcome == "fetched")
                if outcome == "suspect":
                    page = page._replace(suspect_id=visit.id)
                elif outcome != "fetched":
                    continue
                elif page_id in partners:
                    later.append(visit)
                elif before.first_ok is None:
                    first.append(visit)
                elif visit.record.id == before.record_id and before.links == before.read_links:
                    self.count["unchanged"] += 1
                    page = read(page, visit)
                else:
                    later.append(visit)
            now[page_id] = page
        self._open(first)
        for visit in first:
            now[visit.before.id] = read(now[visit.before.id], visit)._replace(links=len(visit.page.links))
        told = {visit.before.id for visit in later} | {miss.page_id for miss in closing} | partners
        held = load_latest(self.texts.dialect, self.conn, told)
        lives = {page: self._life(pages[page], held) for page in sorted(told)}
        documents = self._documents(later)
        for visit in later:
            life, page_id = lives[visit.before.id], visit.before.id
            life.visit(documents[visit.id])
            if life.suspect is None:
                now[page_id] = read(now[page_id], visit)
            else:
                self.suspected.append(visit.id)
                now[page_id] = now[page_id]._replace(suspect_id=visit.id, confirmed=False)
        close(lives, closing)
        for page_id, life in lives.items():
            self.facts.take(life)
            self._count_changes(life)
            now[page_id] = now.get(page_id, pages[page_id])._replace(
                links=sum(1 for _ in life.live()), layout=layout.write(life.layout)
            )
        return now

    def _open(self, visits: Sequence[NewVisit]) -> None:
        """The first documents of pages."""
        links = [link for visit in visits for link in visit.page.links]
        urls = url_rows(self.texts, self.conn, [link.target for link in links])
        words = anchor_rows(self.texts, self.conn, [link.anchor.text for link in links])
        for visit in visits:
            self.facts.open_page(visit.before.place, visit.reading.at, visit.page.links, urls, words)
        self.count["links_opened"] += len(links)
        self.count["anchors_opened"] += len(links)

    def _life(self, page: KnownPage, held: Mapping[int, list[Held]]) -> Life:
        return Life.going_on(
            page.place,
            held.get(page.id, ()),
            first_ok=page.first_ok,
            last_ok=page.last_ok,
            rules=page.rules_version,
            content_hash=page.content_hash,
            layout_=layout.read(page.layout),
        )

    def _documents(self, visits: Sequence[NewVisit]) -> dict[int, Document]:
        links = [link for visit in visits for link in visit.page.links]
        urls = url_rows(self.texts, self.conn, [link.target for link in links])
        words = anchor_rows(self.texts, self.conn, [link.anchor.text for link in links])
        return {
            visit.id: Document(
                visit_id=visit.id,
                at=visit.reading.at,
                seen_by=SEEN_BY[visit.reading.method],
                targets=None,
                suspect=False,
                rules=self.rules_version,
                content_hash=content_hash(visit.reading),
                indexable=visit.page.indexable,
                occurrences=[occurrence(link, urls, words) for link in visit.page.links],
            )
            for visit in visits
        }

    def _count_changes(self, life: Life) -> None:
        for name in ("opened", "restored", "changed", "closed"):
            self.count[f"links_{name}"] += getattr(life, name)
        self.count["anchors_opened"] += sum(1 for one in life.anchors if one.stored is None)
        self.count["anchors_closed"] += life.closed + life.reworded


def close(lives: Mapping[int, Life], closing: Iterable[NewMiss]) -> None:
    """Close pages, date by date; what a page had is looked for where it moved, when all of a date is told."""
    moving: list[tuple[int, list[Held], int]] = []
    for miss in sorted(closing, key=lambda one: (one.at, one.page_id)):
        _move(lives, moving, miss.at)
        gone = lives[miss.page_id].close(miss.at, miss.cause)
        if miss.moved_to is not None:
            moving.append((miss.at, gone, miss.moved_to))
    _move(lives, moving, None)


def _move(lives: Mapping[int, Life], moving: list[tuple[int, list[Held], int]], date: int | None) -> None:
    if moving and moving[0][0] != date:
        for _, gone, to in moving:
            move(gone, lives[to])
        moving.clear()
