"""Named questions on what became of links: one row an event, derived from versions.

Nothing is kept for these answers beside the versions themselves: a version begins for a reason (``link.began``), ends
where the next one begins, or is lost (``gone_at``, ``lost_cause``). What only came of reading under other rules
(``reread``) is no event. The events of pages that left the index or came back are found in their complete visits.
Times are milliseconds since 1970, UTC. Order: the latest event first, then by source, target, number of the link, kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from storage.anchor_rows import AnchorFilter
from storage.codes import ANCHOR_SOURCES, BEGAN, ELEMENTS, INDEXABILITY, LOST_CAUSES, PLACEMENTS
from storage.events import (
    ALL,
    ANY_WORDS,
    CHANGES,
    ELEMENT_CHANGED,
    FOLLOWED_CHANGED,
    FORM_CHANGED,
    HIDDEN_CHANGED,
    LOST,
    PLACEMENT_CHANGED,
    REL_CHANGED,
    WORDS_CHANGED,
    Tally,
    Wanted,
    Window,
    began,
    events,
    in_order,
    of_any_kind,
    shown,
    tallied,
)
from storage.events import (
    lost as lost_links,
)
from storage.filters import Chosen
from storage.schema import crawl, link, miss, page, visit
from storage.targets import STREAMING

_SHOWN = ("rel", "follow_cause", "placement", "element", "hidden", "first_seen", "last_seen")


@dataclass(frozen=True, slots=True)
class Change:
    """One event of one link or of its words."""

    at: int
    change: str
    """One of `CHANGES`."""
    cause: str | None
    """Why a link was added (`storage.codes.BEGAN`) or lost (`storage.codes.LOST_CAUSES`)."""
    source: str
    target: str
    link_no: int
    old: str | None
    """What it was before and after, where something changed; rel as tokens joined by a space."""
    new: str | None


@dataclass(frozen=True, slots=True)
class ChangedLink:
    """One link that came or went, as it was then; codes as in `storage.codes`."""

    at: int
    cause: str
    source: str
    target: str
    link_no: int
    rel: str
    follow_cause: int
    placement: int
    element: int
    hidden: bool
    first_seen: int
    last_seen: int | None
    """Before it was lost."""


def changes(
    conn: Connection,
    chosen: Chosen,
    wanted: Wanted,
    *,
    kinds: Collection[int] = ALL,
    words: AnchorFilter = ANY_WORDS,
    limit: int | None = None,
) -> Iterator[Change]:
    """Every event of the chosen links, streaming.

    Args:
        words: asked of the words before or after an edit; only edits know of words.
    """
    found = shown(events(chosen, wanted.window, kinds, words), wanted)
    for row in conn.execute(in_order(conn, found, limit), execution_options=STREAMING):
        yield Change(
            row.at, CHANGES[row.kind], _cause(row.kind, row.cause), row.source, row.target, row.link_no, *_values(row)
        )


def changed_links(
    conn: Connection, chosen: Chosen, wanted: Wanted, *, lost: bool, limit: int | None = None
) -> Iterator[ChangedLink]:
    """The links that came (added, restored) or were lost, streaming; no anchor is read."""
    of = link.alias("of")
    extra = tuple(of.c[name] for name in _SHOWN)
    found = shown((lost_links if lost else began)(chosen, wanted.window, of, extra), wanted)
    for row in conn.execute(in_order(conn, found, limit), execution_options=STREAMING):
        cause = LOST_CAUSES[row.cause] if lost else BEGAN[row.cause]
        yield ChangedLink(
            row.at, cause, row.source, row.target, row.link_no, row.rel, row.follow_cause, row.placement, row.element,
            bool(row.hidden), row.first_seen, row.last_seen if lost else None,
        )  # fmt: skip


def tally(
    conn: Connection,
    chosen: Chosen,
    wanted: Wanted,
    *,
    kinds: Collection[int] = ALL,
    words: AnchorFilter = ANY_WORDS,
) -> Tally:
    """Count the events, and those that are left out unless asked for."""
    return tallied(conn, chosen, wanted, events(of_any_kind(chosen), wanted.window, kinds, words))


def read_once(conn: Connection, chosen: Chosen) -> bool:
    """Whether no page with a chosen link has been read twice: then nothing can be new or lost yet."""
    twice = (
        select(link.c.link_no)
        .join(page, page.c.id == link.c.source_id)
        .where(chosen.versions(link), page.c.first_ok < page.c.last_ok)
        .limit(1)
    )
    return conn.execute(twice).first() is None


def crawl_window(conn: Connection, crawl_id: int, after: int | None) -> Window:
    """The time of a crawl's readings; with ``after``, another crawl, from behind its last one on.

    A crawl that read nothing counts from its start to its end.
    """
    begin, end = _readings(conn, crawl_id)
    return Window(begin if after is None else _readings(conn, after)[1] + 1, end + 1)


def _readings(conn: Connection, crawl_id: int) -> tuple[int, int]:
    first: list[int] = []
    last: list[int] = []
    for table in (visit, miss):
        row = conn.execute(select(func.min(table.c.at), func.max(table.c.at)).where(table.c.crawl_id == crawl_id)).one()
        if row[0] is not None:
            first.append(row[0])
            last.append(row[1])
    if not first:
        row = conn.execute(select(crawl.c.started_at, crawl.c.ended_at).where(crawl.c.id == crawl_id)).one()
        return row[0], row[0] if row[1] is None else row[1]
    return min(first), max(last)


# -- stored values in words ------------------------------------------------------------------------------------


def _cause(kind: int, code: int | None) -> str | None:
    if code is None:
        return None
    return LOST_CAUSES[code] if kind == LOST else BEGAN[code]


def _values(row: Any) -> tuple[str | None, str | None]:
    if row.kind in (REL_CHANGED, WORDS_CHANGED):
        return row.old_text, row.new_text
    if row.old_number is None:
        return None, None
    return _named_value(row.kind, int(row.old_number)), _named_value(row.kind, int(row.new_number))


def _named_value(kind: int, value: int) -> str:
    if kind == FOLLOWED_CHANGED:
        return "followed" if value else "not followed"
    if kind == HIDDEN_CHANGED:
        return "hidden" if value else "visible"
    if kind == PLACEMENT_CHANGED:
        return PLACEMENTS[value]
    if kind == ELEMENT_CHANGED:
        return ELEMENTS[value]
    if kind == FORM_CHANGED:
        return form_name(value // 2, bool(value % 2))
    return indexability(value)


def form_name(source: int, has_image: bool) -> str:
    """``text``, or ``text with image``."""
    return ANCHOR_SOURCES[source] + (" with image" if has_image else "")


def indexability(bits: int) -> str:
    """``indexable``, or every cause why not, such as ``meta_robots canonical``."""
    causes = [name for bit, name in enumerate(INDEXABILITY) if bits & (1 << bit)]
    return " ".join(causes) or "indexable"
