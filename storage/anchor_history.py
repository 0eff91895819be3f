"""Named questions on words that came into use or went out of it: one row an event of the anchor of one link.

Words come with a link (added, restored) or by an edit, and go with it or by an edit. Order and times as in
`storage.history`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TEXT, ColumnElement, CompoundSelect, Connection, and_, case, cast, null, union_all

from storage.anchor_rows import AnchorFilter
from storage.codes import ANCHOR_SOURCES, BEGAN, LOST_CAUSES
from storage.events import (
    ADDED,
    CHANGED,
    GONE_REREAD,
    LOST,
    REREAD,
    RESTORED,
    TAKEN_UP,
    WORDS_CHANGED,
    Tally,
    Wanted,
    edited_words,
    event,
    in_order,
    of_any_kind,
    on_words,
    shown,
    tallied,
    words_in_force,
)
from storage.filters import Chosen, same_link
from storage.schema import anchor, anchor_text, link
from storage.targets import STREAMING

EDITED = "anchor_changed"
"""The cause of words that came or went by an edit of the page."""


@dataclass(frozen=True, slots=True)
class ChangedAnchor:
    """Words that one link took on or gave up."""

    at: int
    cause: str
    """As of the link, or ``anchor_changed``."""
    anchor: str
    anchor_source: str
    source: str
    target: str
    link_no: int
    other: str | None
    """The words that stood there before, or that followed; None where the whole link came or went."""
    first_seen: int
    """Of these words on this link."""


def changed_anchors(
    conn: Connection, chosen: Chosen, words: AnchorFilter, wanted: Wanted, *, lost: bool, limit: int | None = None
) -> Iterator[ChangedAnchor]:
    """The words that came into use, or went out of it, streaming."""
    found = shown((_gone if lost else _came)(chosen, words, wanted), wanted)
    for row in conn.execute(in_order(conn, found, limit), execution_options=STREAMING):
        whole = LOST_CAUSES if lost else BEGAN
        cause = EDITED if row.kind == WORDS_CHANGED else whole[row.cause]
        yield ChangedAnchor(
            row.at, cause, row.text, ANCHOR_SOURCES[row.words_from], row.source, row.target, row.link_no, row.other,
            row.first_seen,
        )  # fmt: skip


def anchor_tally(conn: Connection, chosen: Chosen, words: AnchorFilter, wanted: Wanted, *, lost: bool) -> Tally:
    """Count these events, and those that are left out unless asked for."""
    return tallied(conn, chosen, wanted, (_gone if lost else _came)(of_any_kind(chosen), words, wanted))


def _came(chosen: Chosen, words: AnchorFilter, wanted: Wanted) -> CompoundSelect[Any]:
    of, text = anchor.alias("came"), anchor_text.alias("text_of")
    kind = case((of.c.began == TAKEN_UP, RESTORED), else_=ADDED)
    begin = (
        event(of, of.c.valid_from, kind, of.c.began, _shown_of(of, text, cast(null(), TEXT)))
        .select_from(of.join(text, text.c.id == of.c.text_id))
        .where(
            words_in_force(chosen, of, of.c.valid_from),
            on_words(words, of),
            of.c.began.not_in([CHANGED, REREAD]),
            *wanted.window.holds(of.c.valid_from, of.c.source_id),
        )
    )
    return union_all(begin, _edited(chosen, words, wanted, lost=False))


def _gone(chosen: Chosen, words: AnchorFilter, wanted: Wanted) -> CompoundSelect[Any]:
    of, text, lost = anchor.alias("gone"), anchor_text.alias("text_of"), link.alias("lost_of")
    ended = (
        event(of, of.c.gone_at, LOST, lost.c.lost_cause, _shown_of(of, text, cast(null(), TEXT)))
        .select_from(
            of.join(lost, and_(same_link(lost, of), lost.c.gone_at == of.c.gone_at)).join(
                text, text.c.id == of.c.text_id
            )
        )
        .where(
            chosen.versions(lost),
            on_words(words, of),
            lost.c.lost_cause != GONE_REREAD,
            *wanted.window.holds(of.c.gone_at, of.c.source_id),
        )
    )
    return union_all(ended, _edited(chosen, words, wanted, lost=True))


def _edited(chosen: Chosen, words: AnchorFilter, wanted: Wanted, *, lost: bool) -> Any:
    now, then, origin = edited_words()
    text, other = anchor_text.alias("text_of"), anchor_text.alias("other_of")
    of, its = (then, now) if lost else (now, then)
    return (
        event(of, now.c.valid_from, WORDS_CHANGED, None, _shown_of(of, text, other.c.text))
        .select_from(origin.join(text, text.c.id == of.c.text_id).join(other, other.c.id == its.c.text_id))
        .where(
            words_in_force(chosen, now, now.c.valid_from),
            on_words(words, of),
            now.c.began == CHANGED,
            now.c.text_id != then.c.text_id,
            *wanted.window.holds(now.c.valid_from, now.c.source_id),
        )
    )


def _shown_of(of: Any, text: Any, other: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    return (
        text.c.text.label("text"),
        of.c.source.label("words_from"),
        other.label("other"),
        of.c.first_seen.label("first_seen"),
    )
