"""Links told as stories, one stage after the other, written as the versions they come to; for tests of history.

The rows are written by the schema, not by the writer, so that a test can tell any story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sample import DAY, T0, Sample, SamplePage, fill
from sqlalchemy import Connection, func, insert, select, update

from crawler.urls import canonical_url
from storage import edges
from storage.codes import ANCHOR_SOURCES, BEGAN, ELEMENTS, LOST_CAUSES, OUTCOMES, PLACEMENTS, follow_bits
from storage.dictionaries import anchor_rows, texts_of, url_rows
from storage.records import AnchorSource, Element, OutcomeState, Placement
from storage.schema import anchor, crawl, link, miss, page, record, visit

__all__ = ["DAY", "T0", "Gone", "Read", "Stands", "Story", "tell"]


@dataclass(frozen=True)
class Stands:
    """A visit that showed the link like this."""

    at: int
    began: str = "changed"
    """Why, where a version begins with it."""
    words: str = "Acme"
    words_from: AnchorSource = "text"
    image: bool = False
    rel: tuple[str, ...] = ()
    placement: Placement = "main"
    element: Element = "a"
    hidden: bool = False

    @property
    def form(self) -> tuple[Any, ...]:
        return self.rel, self.placement, self.element, self.hidden

    @property
    def shown(self) -> tuple[Any, ...]:
        return self.words, self.words_from, self.image


@dataclass(frozen=True)
class Gone:
    at: int
    cause: str = "removed"


@dataclass(frozen=True)
class Story:
    """One link, in the order of dates."""

    source: str
    target: str
    stages: Sequence[Stands | Gone]
    no: int = 0


@dataclass(frozen=True)
class Read:
    """One attempt at a page: fetched is a complete visit, partial and suspect are visits, the rest are misses."""

    page: str
    at: int
    state: OutcomeState = "fetched"
    not_indexable: int = 0
    crawl: int | None = None


def tell(
    conn: Connection,
    stories: Sequence[Story],
    reads: Sequence[Read] = (),
    *,
    lists: dict[str, Sequence[str]] | None = None,
    crawls: Sequence[tuple[int, int | None]] = (),
) -> None:
    """Write the stories into a ledger in place of what it holds; the caller commits.

    Args:
        crawls: start and end of each, numbered from 1.
    """
    pages = {one.source for one in stories} | {one.page for one in reads}
    fill(conn, Sample(pages={name: SamplePage() for name in pages}, lists=lists or {}))
    for number, (start, end) in enumerate(crawls, 1):
        row = {"id": number, "plan": "{}", "state": "finished", "started_at": start, "ended_at": end}
        conn.execute(insert(crawl), row)
    texts = texts_of(conn)
    names = {*pages, *(one.target for one in stories)}
    urls = url_rows(texts, conn, [canonical_url(name) for name in sorted(names)])
    words = anchor_rows(texts, conn, {at.words for one in stories for at in one.stages if isinstance(at, Stands)})
    links: list[dict[str, Any]] = []
    anchors: list[dict[str, Any]] = []
    for story in stories:
        source, target = urls[story.source], urls[story.target]
        key = {
            "target_domain": target.domain_id,
            "target_host": target.host_id,
            "target_id": target.id,
            "source_domain": source.domain_id,
            "source_id": source.id,
            "link_no": story.no,
        }
        first = words_first = None
        before: Stands | None = None
        form: dict[str, Any] = {}
        shown: dict[str, Any] = {}
        gone = True
        for stage in story.stages:
            if isinstance(stage, Gone):
                for row in (form, shown):
                    row |= {"gone_at": stage.at, "last_seen": stage.at - 1}
                form["lost_cause"] = LOST_CAUSES.index(stage.cause)
                gone = True
                continue
            first = stage.at if first is None else first
            began = BEGAN.index(stage.began)
            if gone or before is None or before.form != stage.form:
                if form:
                    form["valid_to"] = stage.at
                bits = follow_bits(stage.rel, ())
                form = {
                    **key, "valid_from": stage.at, "valid_to": None, "source_host": source.host_id,
                    "first_seen": first, "last_seen": None, "gone_at": None, "lost_cause": 0, "follow_cause": bits,
                    "rel": " ".join(stage.rel), "placement": PLACEMENTS.index(stage.placement),
                    "element": ELEMENTS.index(stage.element), "hidden": stage.hidden, "position": 64 * story.no,
                    "began": began,
                }  # fmt: skip
                links.append(form)
            if gone or before is None or before.shown != stage.shown:
                if shown:
                    shown["valid_to"] = stage.at
                if gone or before is None or before.words != stage.words:
                    words_first = stage.at
                ids = words[stage.words]
                shown = {
                    **key, "valid_from": stage.at, "valid_to": None, "fold_id": ids.fold_id, "text_id": ids.text_id,
                    "source": ANCHOR_SOURCES.index(stage.words_from), "has_image": stage.image,
                    "first_seen": words_first, "last_seen": None, "gone_at": None, "began": began,
                }  # fmt: skip
                anchors.append(shown)
            before, gone = stage, False
    if links:
        conn.execute(insert(link), links)
        conn.execute(insert(anchor), anchors)
    for read in sorted(reads, key=lambda one: one.at):
        _read(conn, read, urls[read.page].id)
    edges.rebuild(conn)


def _read(conn: Connection, read: Read, page_id: int) -> None:
    if read.state not in ("fetched", "partial", "suspect"):
        row: dict[str, Any] = {"page_id": page_id, "at": read.at, "state": OUTCOMES.index(read.state), "cause": 0}
        conn.execute(insert(miss), row | {"crawl_id": read.crawl})
    else:
        number = 1 + (conn.execute(select(func.max(visit.c.id))).scalar() or 0)
        conn.execute(insert(record), {"id": 1_000_000 + number, "data": b""})
        row = {"id": number, "page_id": page_id, "at": read.at, "crawl_id": read.crawl, "requested_id": page_id}
        row |= {"status": 200, "method": 0, "complete": read.state == "fetched", "rules_version": 1, "bytes": 1}
        row |= {"charset": "utf-8", "charset_source": "header", "content_hash": "", "headers": "[]", "headings": "{}"}
        row |= {"robots": "[]", "not_indexable": read.not_indexable, "links": 0, "skipped": 0}
        conn.execute(insert(visit), row | {"record_id": 1_000_000 + number})
    done = read.state == "fetched"
    now: dict[str, Any] = {"attempted_at": read.at, "confirmed": done}
    if done:
        now |= {"last_ok": read.at, "indexable": not read.not_indexable}
    conn.execute(update(page).where(page.c.id == page_id).values(**now))
