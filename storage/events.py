"""The statements behind `storage.history`: events of links and their words, as rows made of versions.

Every statement has the columns at, kind (place in `CHANGES`), cause (code of why a version began or a link was lost;
NULL for changes), source_id, target_id, link_no and internal, then values of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    CTE,
    TEXT,
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from storage.anchor_rows import AnchorFilter
from storage.codes import ANCHOR_SOURCES, BEGAN, LOST_CAUSES
from storage.filters import Chosen, same_link
from storage.schema import anchor, anchor_text, link, url, visit
from storage.text import clean, fold

CHANGES = (
    "link_added", "link_restored", "link_lost", "anchor_changed", "anchor_form_changed", "rel_changed",
    "followed_changed", "placement_changed", "element_changed", "hidden_changed", "devalued", "revalued",
)  # fmt: skip
"""Kinds of events, in the order in which those of one link at one date are given."""
(
    ADDED, RESTORED, LOST, WORDS_CHANGED, FORM_CHANGED, REL_CHANGED, FOLLOWED_CHANGED, PLACEMENT_CHANGED,
    ELEMENT_CHANGED, HIDDEN_CHANGED, DEVALUED, REVALUED,
) = range(len(CHANGES))  # fmt: skip
ALL = frozenset(range(len(CHANGES)))
EDITS_OF_WORDS = frozenset({WORDS_CHANGED, FORM_CHANGED})
ARRIVALS = frozenset({ADDED, RESTORED})

FIRST_SEEN, CHANGED, MOVED = (BEGAN.index(name) for name in ("page_first_seen", "changed", "moved"))
TAKEN_UP, REREAD = BEGAN.index("restored"), BEGAN.index("reread")
GONE_MOVED, GONE_REREAD = LOST_CAUSES.index("moved"), LOST_CAUSES.index("reread")
ANY_WORDS = AnchorFilter()


@dataclass(frozen=True, slots=True)
class Window:
    """When the events are that are asked for: from ``since`` on, before ``before``; None does not bound.

    What a suspect visit showed has that visit's date, and is known since another one confirmed it. It is in a window
    by either date: who asks every week would not hear of it else.
    """

    since: int | None = None
    before: int | None = None

    def holds(self, at: ColumnElement[Any], page_id: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """Condition on the date and the source page of an event."""
        dated = self._bounds(at)
        if self.since is None:
            return dated
        confirmed = select(visit.c.page_id, visit.c.at).where(
            visit.c.confirmed_at.is_not(None), *self._bounds(visit.c.confirmed_at)
        )
        return [or_(and_(*dated), tuple_(page_id, at).in_(confirmed))]

    def _bounds(self, at: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        parts: list[ColumnElement[bool]] = []
        if self.since is not None:
            parts.append(at >= self.since)
        if self.before is not None:
            parts.append(at < self.before)
        return parts


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events."""

    window: Window = Window()
    first_seen: bool = False
    """Links found on the first reading that could have seen them; whether they are new, nobody knows."""
    moved: bool = False
    """Links of a page that now redirects, found again where it leads to: neither new nor lost."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events there are, shown and not."""

    shown: int
    internal: int
    """Not shown for their kind alone."""
    first_seen: int
    """Not shown because they were found with their page; of the kind that is asked for, as the next."""
    moved: int


_NO_NUMBER, _NO_TEXT = cast(null(), Integer), cast(null(), TEXT)


def events(
    chosen: Chosen, window: Window, kinds: Collection[int], words: AnchorFilter = ANY_WORDS
) -> CompoundSelect[Any]:
    """All events of some kinds: at, kind, cause, source_id, target_id, link_no, internal, old and new values.

    Args:
        words: asked of the words before or after an edit.
    """
    parts: list[Select[Any]] = []
    values = (_NO_NUMBER, _NO_NUMBER, _NO_TEXT, _NO_TEXT)
    if arrivals := ARRIVALS.intersection(kinds):
        of = link.alias("began_of")
        again = of.c.began == TAKEN_UP
        one = () if len(arrivals) > 1 else (again if RESTORED in arrivals else ~again,)
        parts.append(began(chosen, window, of, _named(values)).where(*one))
    if LOST in kinds:
        parts.append(lost(chosen, window, link.alias("lost_of"), _named(values)))
    edited = [kind for kind in sorted(kinds) if REL_CHANGED <= kind <= HIDDEN_CHANGED]
    if edited:
        pairs = _pairs(chosen, window)
        parts += [_edited(pairs, kind) for kind in edited]
    parts += [_words_edited(chosen, window, kind, words) for kind in (WORDS_CHANGED, FORM_CHANGED) if kind in kinds]
    if DEVALUED in kinds or REVALUED in kinds:
        parts.append(_valued(chosen, window, kinds))
    return union_all(*parts)


def event(
    of: FromClause,
    at: ColumnElement[Any],
    kind: ColumnElement[Any] | int,
    cause: ColumnElement[Any] | None,
    extra: Collection[ColumnElement[Any]],
) -> Select[Any]:
    """One event a row of a version."""
    return select(
        at.label("at"),
        (cast(kind, Integer) if isinstance(kind, int) else kind).label("kind"),
        (_NO_NUMBER if cause is None else cause).label("cause"),
        of.c.source_id.label("source_id"),
        of.c.target_id.label("target_id"),
        of.c.link_no.label("link_no"),
        (of.c.source_domain == of.c.target_domain).label("internal"),
        *extra,
    )


def _named(values: tuple[ColumnElement[Any], ...]) -> tuple[ColumnElement[Any], ...]:
    names = ("old_number", "new_number", "old_text", "new_text")
    return tuple(value.label(name) for name, value in zip(names, values, strict=True))


def began(chosen: Chosen, window: Window, of: FromClause, extra: Collection[ColumnElement[Any]]) -> Select[Any]:
    """Versions that made a link live."""
    kind = case((of.c.began == TAKEN_UP, RESTORED), else_=ADDED)
    return event(of, of.c.valid_from, kind, of.c.began, extra).where(
        chosen.versions(of), of.c.began.not_in([CHANGED, REREAD]), *window.holds(of.c.valid_from, of.c.source_id)
    )


def lost(chosen: Chosen, window: Window, of: FromClause, extra: Collection[ColumnElement[Any]]) -> Select[Any]:
    """Versions that a link was lost with."""
    return event(of, of.c.gone_at, LOST, of.c.lost_cause, extra).where(
        chosen.versions(of),
        of.c.gone_at.is_not(None),
        of.c.lost_cause != GONE_REREAD,
        *window.holds(of.c.gone_at, of.c.source_id),
    )


def _pairs(chosen: Chosen, window: Window) -> CTE:
    """Versions that an edit began, beside those it ended."""
    now, then = link.alias("now_of"), link.alias("before_of")
    names = ("rel", "follow_cause", "placement", "element", "hidden")
    return (
        select(now, *(then.c[name].label(f"old_{name}") for name in names))
        .select_from(now.join(then, and_(same_link(then, now), then.c.valid_to == now.c.valid_from)))
        .where(chosen.versions(now), now.c.began == CHANGED, *window.holds(now.c.valid_from, now.c.source_id))
        .cte("pairs")
    )


def _edited(pairs: CTE, kind: int) -> Select[Any]:
    old: ColumnElement[Any]
    new: ColumnElement[Any]
    values: tuple[ColumnElement[Any], ...]
    name = {REL_CHANGED: "rel", PLACEMENT_CHANGED: "placement", ELEMENT_CHANGED: "element"}.get(kind)
    columns = pairs.c
    if kind == FOLLOWED_CHANGED:
        old, new = (case((columns[one] == 0, 1), else_=0) for one in ("old_follow_cause", "follow_cause"))
        values = (old, new, _NO_TEXT, _NO_TEXT)
    elif kind == HIDDEN_CHANGED:
        old, new = (case((columns[one].is_(True), 1), else_=0) for one in ("old_hidden", "hidden"))
        values = (old, new, _NO_TEXT, _NO_TEXT)
    else:
        old, new = columns[f"old_{name}"], columns[str(name)]
        values = (_NO_NUMBER, _NO_NUMBER, old, new) if kind == REL_CHANGED else (old, new, _NO_TEXT, _NO_TEXT)
    return event(pairs, columns.valid_from, kind, None, _named(values)).where(old != new)


def words_in_force(chosen: Chosen, table: FromClause, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Condition on a version of an anchor: its link was chosen at some moment."""
    if not chosen.filter.by_link:
        return chosen.versions(table)
    of = link.alias("of_words")
    then = (of.c.valid_from <= at, or_(of.c.valid_to.is_(None), of.c.valid_to > at))
    return and_(chosen.covered.of(table), exists().where(same_link(of, table), *then, chosen.versions(of)))


def on_words(words: AnchorFilter, of: FromClause) -> ColumnElement[bool]:
    """What is asked of the words, of some version of an anchor."""
    parts: list[ColumnElement[bool]] = [true()]
    if words.sources:
        parts.append(of.c.source.in_(sorted(ANCHOR_SOURCES.index(name) for name in words.sources)))
    if words.contains is not None:
        text = fold(clean(words.contains))
        holding = select(anchor_text.c.fold_id).where(anchor_text.c.fold.contains(text, autoescape=True))
        parts.append(of.c.fold_id.in_(holding))
    return and_(*parts)


def edited_words() -> tuple[FromClause, FromClause, FromClause]:
    """Every version of an anchor and the one it followed: the two tables, and their join."""
    now, then = anchor.alias("now_of"), anchor.alias("before_of")
    names = ("source_id", "target_id", "link_no")  # the index that leads from a link to its anchor, no other
    same = and_(*(then.c[name] == now.c[name] for name in names))
    return now, then, now.join(then, and_(same, then.c.valid_to == now.c.valid_from))


def _words_edited(chosen: Chosen, window: Window, kind: int, words: AnchorFilter) -> Select[Any]:
    now, then, origin = edited_words()
    old, new = anchor_text.alias("old"), anchor_text.alias("new")
    if kind == WORDS_CHANGED:
        origin = origin.join(old, old.c.id == then.c.text_id).join(new, new.c.id == now.c.text_id)
        values: tuple[ColumnElement[Any], ...] = (_NO_NUMBER, _NO_NUMBER, old.c.text, new.c.text)
        differs: ColumnElement[bool] = then.c.text_id != now.c.text_id
    else:
        values = (_form(then), _form(now), _NO_TEXT, _NO_TEXT)
        differs = and_(then.c.text_id == now.c.text_id, _form(then) != _form(now))
    return (
        event(now, now.c.valid_from, kind, None, _named(values))
        .select_from(origin)
        .where(
            words_in_force(chosen, now, now.c.valid_from),
            now.c.began == CHANGED,
            differs,
            or_(on_words(words, now), on_words(words, then)),
            *window.holds(now.c.valid_from, now.c.source_id),
        )
    )


def _form(of: FromClause) -> ColumnElement[int]:
    """Where the words come from, and whether an image stands in the link, as one number."""
    source: ColumnElement[int] = of.c.source
    return source * 2 + case((of.c.has_image.is_(True), 1), else_=0)


def _valued(chosen: Chosen, window: Window, kinds: Collection[int]) -> Select[Any]:
    """Links that stood on both sides of a visit that found their page out of the index, or back in it."""
    of, pages = link.alias("valued_of"), link.alias("on_pages")
    before = func.lag(visit.c.not_indexable).over(partition_by=visit.c.page_id, order_by=visit.c.at)
    spoke = [visit.c.complete.is_(True)]
    if not chosen.covered.everything:
        spoke.append(visit.c.page_id.in_(select(pages.c.source_id).where(chosen.versions(pages))))
    read = select(visit.c.page_id, visit.c.at, visit.c.not_indexable, before.label("before")).where(*spoke)
    turn = read.subquery("turn")
    stood = [
        of.c.valid_from <= turn.c.at,
        or_(of.c.valid_to.is_(None), of.c.valid_to > turn.c.at),
        or_(of.c.gone_at.is_(None), of.c.gone_at > turn.c.at),
        or_(of.c.valid_from < turn.c.at, of.c.began == CHANGED),
    ]
    kind = case((turn.c.not_indexable != 0, DEVALUED), else_=REVALUED)
    values = (turn.c.before, turn.c.not_indexable, _NO_TEXT, _NO_TEXT)
    asked = [
        turn.c.not_indexable != 0 if one == DEVALUED else turn.c.not_indexable == 0
        for one in (DEVALUED, REVALUED)
        if one in kinds
    ]
    return (
        event(of, turn.c.at, kind, None, _named(values))
        .select_from(turn.join(of, of.c.source_id == turn.c.page_id))
        .where(
            turn.c.before.is_not(None),
            (turn.c.before == 0) != (turn.c.not_indexable == 0),
            or_(*asked),
            chosen.versions(of),
            *stood,
            *window.holds(turn.c.at, turn.c.page_id),
        )
    )


def _is_move(kind: int, cause: int | None) -> bool:
    return (kind in ARRIVALS and cause == MOVED) or (kind == LOST and cause == GONE_MOVED)


def shown(found: Select[Any] | CompoundSelect[Any], wanted: Wanted) -> Select[Any]:
    """The events, without those that are left out unless asked for."""
    each = found.subquery("each")
    hidden: list[ColumnElement[bool]] = []
    if not wanted.first_seen:
        hidden.append(and_(each.c.kind.in_(sorted(ARRIVALS)), each.c.cause == FIRST_SEEN))
    if not wanted.moved:
        hidden.append(and_(each.c.kind.in_(sorted(ARRIVALS)), each.c.cause == MOVED))
        hidden.append(and_(each.c.kind == LOST, each.c.cause == GONE_MOVED))
    # cause is NULL for changes, and NOT of NULL hides a row
    return select(each).where(*(func.coalesce(case((one, 1), else_=0), 0) == 0 for one in hidden))


def in_order(conn: Connection, found: Select[Any], limit: int | None) -> Select[Any]:
    """The events with source and target in full, in the order of answers: the latest first."""
    each = found.subquery("found")
    source, to = url.alias("source_url"), url.alias("target_url")
    question = (
        select(each, source.c.url.label("source"), to.c.url.label("target"))
        .select_from(each.join(source, source.c.id == each.c.source_id).join(to, to.c.id == each.c.target_id))
        .order_by(each.c.at.desc(), source.c.url, to.c.url, each.c.link_no, each.c.kind)
    )
    if limit is None:
        return question
    if limit:  # the date of the last row wanted bounds what has to be named and sorted
        last = select(each.c.at).order_by(each.c.at.desc()).limit(1).offset(min(limit, 10**9) - 1)
        bound = conn.execute(last).scalar()
        if bound is not None:
            question = question.where(each.c.at >= bound)
    return question.limit(limit)


def of_any_kind(chosen: Chosen) -> Chosen:
    """The same filter, of internal and external links alike."""
    return replace(chosen, filter=replace(chosen.filter, kind="any"))


def tallied(conn: Connection, chosen: Chosen, wanted: Wanted, found: Select[Any] | CompoundSelect[Any]) -> Tally:
    """Count the events of a statement made `of_any_kind`, and those that are left out unless asked for."""
    each = found.subquery("each")
    rows = conn.execute(
        select(each.c.kind, each.c.cause, each.c.internal, func.count()).group_by(
            each.c.kind, each.c.cause, each.c.internal
        )
    )
    count = {"shown": 0, "internal": 0, "first_seen": 0, "moved": 0}
    for kind, cause, internal, number in rows:
        if chosen.filter.kind not in ("any", "internal" if internal else "external"):
            group = "internal" if internal else "other"
        elif kind in ARRIVALS and cause == FIRST_SEEN and not wanted.first_seen:
            group = "first_seen"
        elif _is_move(kind, cause) and not wanted.moved:
            group = "moved"
        else:
            group = "shown"
        count[group] = count.get(group, 0) + int(number)
    count.pop("other", None)
    return Tally(**count)
