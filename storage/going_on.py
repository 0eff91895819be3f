"""Pages that go on from where they stand: the first document, an unchanged one, a changed one, a page not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from storage import layout
from storage.arrivals import KnownPage, NewMiss, NewVisit, attempted, read
from storage.dictionaries import AnchorRow, Texts, UrlRow, anchor_rows, url_rows
from storage.facts import Facts, load_latest, occurrence
from storage.lives import SEEN_BY, Document, Held, Life
from storage.visits import content_hash

if TYPE_CHECKING:
    from sqlalchemy import Connection


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

    def hear(
        self, of_page: Mapping[int, tuple[list[NewVisit], list[NewMiss]]], pages: Mapping[int, KnownPage]
    ) -> dict[int, KnownPage]:
        """Tell the pages what is new of each; returns them as they are then."""
        facts = self.facts
        now: dict[int, KnownPage] = {}
        first: list[NewVisit] = []
        later: list[NewVisit] = []
        closing: list[tuple[KnownPage, NewMiss]] = []
        for page_id, (visits, missed) in of_page.items():
            before = page = pages[page_id]
            for visit in visits:
                at, complete = visit.reading.at, visit.reading.outcome == "fetched"
                page = attempted(page, at, complete)
                if visit.reading.outcome == "suspect":
                    page = page._replace(suspect_id=visit.id)
                elif not complete:
                    continue
                elif before.first_ok is None:
                    first.append(visit)
                elif visit.record.id == before.record_id and before.links == before.read_links:
                    self.count["unchanged"] += 1
                    page = read(page, visit)
                else:
                    later.append(visit)
            for miss in missed:
                page = attempted(page, miss.at, False)
                if miss.cause and before.links:
                    closing.append((before, miss))
            now[page_id] = page
        links = [link for visit in (*first, *later) for link in visit.page.links]
        urls = url_rows(self.texts, self.conn, [link.target for link in links])
        words = anchor_rows(self.texts, self.conn, [link.anchor.text for link in links])
        for visit in first:
            facts.open_page(visit.before.place, visit.reading.at, visit.page.links, urls, words)
            now[visit.before.id] = read(now[visit.before.id], visit)._replace(links=len(visit.page.links))
            self.count["links_opened"] += len(visit.page.links)
            self.count["anchors_opened"] += len(visit.page.links)
        known = {visit.before.id for visit in later} | {page.id for page, _ in closing}
        held = load_latest(self.texts.dialect, self.conn, known)
        for visit in later:
            before = visit.before
            life = self._life(before, held)
            life.visit(self._document(visit, urls, words))
            if life.suspect is not None:
                self.suspected.append(visit.id)
                now[before.id] = now[before.id]._replace(suspect_id=visit.id, confirmed=False)
                continue
            facts.take(life)
            self._count_changes(life)
            now[before.id] = read(now[before.id], visit)._replace(
                links=len(visit.page.links), layout=layout.write(life.layout)
            )
        for page, miss in closing:
            life = self._life(page, held)
            life.close(miss.at, miss.cause)
            facts.take(life)
            self._count_changes(life)
            now[page.id] = now[page.id]._replace(links=0)
        return now

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

    def _document(self, visit: NewVisit, urls: Mapping[str, UrlRow], words: Mapping[str, AnchorRow]) -> Document:
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
            occurrences=[occurrence(link, urls, words) for link in visit.page.links],
        )

    def _count_changes(self, life: Life) -> None:
        for name in ("opened", "restored", "changed", "closed"):
            self.count[f"links_{name}"] += getattr(life, name)
        self.count["anchors_opened"] += sum(1 for one in life.anchors if one.stored is None)
        self.count["anchors_closed"] += life.closed + life.reworded
