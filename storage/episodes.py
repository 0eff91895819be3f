"""One page and one target: every version of every link between them, and the readings around each change."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, case, literal, select, union_all

from storage.codes import ANCHOR_SOURCES, BEGAN, ELEMENTS, LOST_CAUSES, OUTCOMES, PLACEMENTS, follow_causes
from storage.events import (
    ADDED,
    CHANGED,
    CHANGES,
    DEVALUED,
    ELEMENT_CHANGED,
    FOLLOWED_CHANGED,
    FORM_CHANGED,
    GONE_REREAD,
    HIDDEN_CHANGED,
    LOST,
    PLACEMENT_CHANGED,
    REL_CHANGED,
    REREAD,
    RESTORED,
    REVALUED,
    TAKEN_UP,
    WORDS_CHANGED,
)
from storage.schema import anchor, anchor_text, link, miss, page, url, visit
from storage.targets import Covered


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one reading changed of one link, and how the link stood after it (of a lost one: before)."""

    at: int
    target: str
    link_no: int
    change: tuple[str, ...]
    """Names of `storage.events.CHANGES`."""
    cause: str | None
    anchor: str
    anchor_source: str
    has_image: bool
    rel: str
    follow_cause: tuple[str, ...]
    placement: str
    element: str
    hidden: bool
    previous_visit: int | None
    """The complete visit before: it happened after that one. None for the page's first."""
    attempts_between: int
    """Attempts in between that did not bring a complete document."""


@dataclass(frozen=True, slots=True)
class PageRead:
    """How a page was read."""

    visits: int
    """Complete ones."""
    first: int | None
    last: int | None
    attempted_at: int
    outcome: str
    """Of the latest attempt, ``fetched`` if it was a complete visit."""


def page_read(conn: Connection, source: str) -> tuple[int, PageRead] | None:
    """The id of a page by its URL, and how it was read; None if it never was attempted."""
    found = conn.execute(
        select(page.c.id, page.c.attempted_at).join(url, url.c.id == page.c.id).where(url.c.url == source)
    ).one_or_none()
    if found is None:
        return None
    tries = _attempts(conn, found.id)
    whole = [at for at, state in tries if state == "fetched"]
    latest = tries[-1] if tries else (found.attempted_at, "fetched")
    return found.id, PageRead(
        len(whole), whole[0] if whole else None, whole[-1] if whole else None, latest[0], latest[1]
    )


def chapters(conn: Connection, source_id: int, covered: Covered) -> Iterator[Chapter]:
    """The story of each link in turn: by target, number of the link, date."""
    stories: dict[tuple[str, int], tuple[list[Any], list[Any]]] = {}
    to = url.alias("to")
    forms = (
        select(link, to.c.url.label("target"))
        .join(to, to.c.id == link.c.target_id)
        .where(link.c.source_id == source_id, covered.of(link))
        .order_by(link.c.valid_from)
    )
    for row in conn.execute(forms):
        stories.setdefault((row.target, row.link_no), ([], []))[0].append(row)
    words = (
        select(anchor, to.c.url.label("target"), anchor_text.c.text)
        .join(to, to.c.id == anchor.c.target_id)
        .join(anchor_text, anchor_text.c.id == anchor.c.text_id)
        .where(anchor.c.source_id == source_id, covered.of(anchor))
        .order_by(anchor.c.valid_from)
    )
    for row in conn.execute(words):
        if (row.target, row.link_no) in stories:
            stories[row.target, row.link_no][1].append(row)
    tries = _attempts(conn, source_id)
    turns = _turns(conn, source_id)
    for key in sorted(stories):
        yield from _chapters(*key, *stories[key], tries, turns)


def _chapters(
    target: str,
    link_no: int,
    forms: Sequence[Any],
    words: Sequence[Any],
    tries: Sequence[tuple[int, str]],
    turns: dict[int, int],
) -> Iterator[Chapter]:
    dates = {row.valid_from for row in (*forms, *words)} | {row.gone_at for row in forms if row.gone_at is not None}
    whole = [at for at, state in tries if state == "fetched"]
    for at in sorted(dates | turns.keys()):
        form, shown = _in_force(forms, at), _in_force(words, at)
        if form is None or shown is None:
            continue
        kinds, cause = _kinds(forms, words, form, shown, at)
        if at in turns and _stood(forms, at):
            kinds.append(turns[at])
        if not kinds:
            continue
        earlier = bisect_left(whole, at)
        before = whole[earlier - 1] if earlier else None
        between = sum(state != "fetched" and (before is None or when > before) and when < at for when, state in tries)
        yield Chapter(
            at=at,
            target=target,
            link_no=link_no,
            change=tuple(CHANGES[kind] for kind in kinds),
            cause=cause,
            anchor=shown.text,
            anchor_source=ANCHOR_SOURCES[shown.source],
            has_image=bool(shown.has_image),
            rel=form.rel,
            follow_cause=follow_causes(form.follow_cause),
            placement=PLACEMENTS[form.placement],
            element=ELEMENTS[form.element],
            hidden=bool(form.hidden),
            previous_visit=before,
            attempts_between=between,
        )


def _in_force(rows: Sequence[Any], at: int) -> Any:
    return next((row for row in rows if row.valid_from <= at and (row.valid_to is None or row.valid_to > at)), None)


def _stood(forms: Sequence[Any], at: int) -> bool:
    """Whether the link was live before a moment and after it."""
    form = _in_force(forms, at)
    live = form.gone_at is None or form.gone_at > at
    return bool(live and (form.valid_from < at or form.began == CHANGED))


def _kinds(forms: Sequence[Any], words: Sequence[Any], form: Any, shown: Any, at: int) -> tuple[list[int], str | None]:
    """What happened to a link at a moment, and why it came or went."""
    if form.gone_at == at:
        return ([], None) if form.lost_cause == GONE_REREAD else ([LOST], LOST_CAUSES[form.lost_cause])
    if form.valid_from == at and form.began != CHANGED:
        kind = RESTORED if form.began == TAKEN_UP else ADDED
        return ([], None) if form.began == REREAD else ([kind], BEGAN[form.began])
    kinds: list[int] = []
    old = next((row for row in words if row.valid_to == at), None)
    if shown.valid_from == at and shown.began == CHANGED and old is not None:
        if old.text != shown.text:
            kinds.append(WORDS_CHANGED)
        elif (old.source, old.has_image) != (shown.source, shown.has_image):
            kinds.append(FORM_CHANGED)
    old = next((row for row in forms if row.valid_to == at), None)
    if form.valid_from == at and old is not None:
        differs = {
            REL_CHANGED: old.rel != form.rel,
            FOLLOWED_CHANGED: (old.follow_cause == 0) != (form.follow_cause == 0),
            PLACEMENT_CHANGED: old.placement != form.placement,
            ELEMENT_CHANGED: old.element != form.element,
            HIDDEN_CHANGED: old.hidden != form.hidden,
        }
        kinds += [kind for kind, does in differs.items() if does]
    return kinds, None


def _attempts(conn: Connection, page_id: int) -> list[tuple[int, str]]:
    """Date and outcome of every attempt at a page, in order; a visit of the date of a miss comes before it."""
    state = case(
        (visit.c.complete.is_(True), OUTCOMES.index("fetched")),
        (visit.c.whole.is_(True), OUTCOMES.index("suspect")),
        else_=OUTCOMES.index("partial"),
    )
    each = union_all(
        select(visit.c.at, state.label("state"), literal(0).label("turn")).where(visit.c.page_id == page_id),
        select(miss.c.at, miss.c.state, literal(1).label("turn")).where(miss.c.page_id == page_id),
    ).subquery("attempts")
    return [
        # A fetched miss led elsewhere: this page brought no document.
        (row.at, "redirected" if row.turn and OUTCOMES[row.state] == "fetched" else OUTCOMES[row.state])
        for row in conn.execute(select(each).order_by(each.c.at, each.c.turn))
    ]


def _turns(conn: Connection, page_id: int) -> dict[int, int]:
    """Complete visits that found the page out of an index, or back in it."""
    rows = conn.execute(
        select(visit.c.at, visit.c.not_indexable)
        .where(visit.c.page_id == page_id, visit.c.complete.is_(True))
        .order_by(visit.c.at)
    ).all()
    return {
        after.at: DEVALUED if after.not_indexable else REVALUED
        for before, after in pairwise(rows)
        if bool(before.not_indexable) != bool(after.not_indexable)
    }
