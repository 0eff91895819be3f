"""``links new|lost|changes`` and ``anchors new|lost|changes``: what came, went and was edited, when and why."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import typer

from cli.cells import NO_ANCHOR_TEXT
from cli.filters import joined
from cli.render import Answer
from cli.windows import Asking, Events, question
from storage.anchor_history import ChangedAnchor, anchor_tally, changed_anchors
from storage.anchor_rows import AnchorFilter
from storage.codes import ELEMENTS, PLACEMENTS, follow_causes
from storage.events import ADDED, ALL, EDITS_OF_WORDS, LOST, RESTORED, Tally
from storage.history import Change, ChangedLink, changed_links, changes, tally
from storage.times import to_iso

NEW = (
    "at", "cause", "source", "target", "link_no", "rel", "followed", "follow_cause", "placement", "element", "hidden",
    "first_seen",
)  # fmt: skip
LOST_LINKS = (*NEW, "last_seen")
CHANGED = ("at", "change", "cause", "source", "target", "link_no", "old", "new")
NEW_ANCHORS = (
    "at", "cause", "anchor", "anchor_source", "source", "target", "link_no", "replaced", "first_seen",
)  # fmt: skip
LOST_ANCHORS = (*(name for name in NEW_ANCHORS if name != "replaced"), "replaced_by")


def new(asking: Asking) -> None:
    """List the links to each TARGET that came: added to a page that was known without them, or restored.

    Links found when their page was read for the first time are left out (--with-first-seen), and so are those of a
    page that moved (--with-moved). The latest come first.

    Keys: at (the visit that found it), cause (link_added or restored; page_first_seen, moved), source, target,
    link_no; rel, followed, follow_cause, placement, element, hidden: as it was then; first_seen.

    Example: linkledger links new example.com --since 7d
    """
    _links(asking, lost=False)


def lost(asking: Asking) -> None:
    """List the links to each TARGET that went, with the reason. The latest come first.

    A failed attempt loses no link: only a whole document without it does (removed), a page that is not there any more
    (page_not_found: 404 or 410), or one that redirects to another for good (page_redirected; moved, if the link was
    found again there, which is left out unless asked --with-moved).
    A page that all at once lacks most of its links is believed at the second such reading, and dated by the first.

    Keys: at (the visit that found it gone), cause, source, target, link_no; rel, followed, follow_cause, placement,
    element, hidden: as it was last; first_seen, last_seen.

    Example: linkledger links lost example.com --crawl previous..last
    """
    _links(asking, lost=True)


def changed(asking: Asking) -> None:
    """List all that happened to the links to each TARGET: came, went, was edited. The latest comes first.

    Keys: at, change, cause (of what came or went, as in links new and links lost), source, target, link_no, old and
    new (the value before and after). Changes: link_added, link_restored, link_lost, anchor_changed (the words were
    edited), anchor_form_changed (the same words, from elsewhere, or with an image or no more), rel_changed,
    followed_changed, placement_changed, element_changed, hidden_changed, devalued and revalued (the page keeps itself
    out of an index, or no more).

    Example: linkledger links changes example.com --since 7d
    """
    _changes(asking, ALL, AnchorFilter(), "change", {})


def new_anchors(asking: Asking, words: AnchorFilter) -> None:
    """List the words that came into use: with a new or restored link, or by an edit. The latest come first.

    Keys: at, cause (as in links new, or anchor_changed: a link that stood there took on other words), anchor,
    anchor_source, source, target, link_no, replaced (the words before an edit), first_seen (of these words on this
    link).

    Example: linkledger anchors new example.com --since 7d
    """
    _words(asking, words, lost=False)


def lost_anchors(asking: Asking, words: AnchorFilter) -> None:
    """List the words that went out of use: with a lost link, or by an edit. The latest come first.

    Keys: at, cause (as in links lost, or anchor_changed: the link stands, with other words), anchor, anchor_source,
    source, target, link_no, first_seen (of these words on this link), replaced_by (the words after an edit).

    Example: linkledger anchors lost example.com --since 7d
    """
    _words(asking, words, lost=True)


def changed_words(asking: Asking, words: AnchorFilter) -> None:
    """List the anchors that were edited, with the words before and after. The latest come first.

    Keys: at, change (anchor_changed; anchor_form_changed: the same words, from elsewhere, or with an image or no
    more), source, target, link_no, old, new.

    Example: linkledger anchors changes example.com --since 30d
    """
    from cli.anchors import words_shown

    _changes(asking, EDITS_OF_WORDS, words, "edited anchor", words_shown(words))


def register_links(app: typer.Typer) -> None:
    """Add the commands on links to their group."""
    for name, command in (("new", new), ("lost", lost), ("changes", changed)):
        app.command(name)(question(command))


def register_anchors(app: typer.Typer) -> None:
    """Add the commands on anchors to their group."""
    from cli.anchors import anchor_filter

    for name, command in (("new", new_anchors), ("lost", lost_anchors), ("changes", changed_words)):
        app.command(name)(question(joined(command, "words", anchor_filter)))


def _links(asking: Asking, *, lost: bool) -> None:
    columns = LOST_LINKS if lost else NEW

    def ask(of: Events) -> tuple[Tally, Answer]:
        found = tally(of.conn, of.about.chosen, of.wanted, kinds={LOST} if lost else {ADDED, RESTORED})
        rows = changed_links(of.conn, of.about.chosen, of.wanted, lost=lost, limit=asking.bound)
        shown = ("at", "cause", "source", "target", "rel", "first_seen" if lost else "placement")
        return found, readable(asking, Answer("links", (_link_row(one, lost) for one in rows), columns), shown)

    asking.answer(columns, ask, what="lost link" if lost else "new link")


def _changes(asking: Asking, kinds: frozenset[int], words: AnchorFilter, what: str, shown: dict[str, Any]) -> None:
    row = _change_line if asking.for_reading else _change_row

    def ask(of: Events) -> tuple[Tally, Answer]:
        found = tally(of.conn, of.about.chosen, of.wanted, kinds=kinds, words=words)
        rows = changes(of.conn, of.about.chosen, of.wanted, kinds=kinds, words=words, limit=asking.bound)
        answer = Answer("changes", (row(one) for one in rows), CHANGED)
        return found, readable(asking, answer, ("at", "source", "target", "change"))

    asking.answer(CHANGED, ask, what=what, words=shown)


def _words(asking: Asking, words: AnchorFilter, *, lost: bool) -> None:
    from cli.anchors import words_shown

    columns = LOST_ANCHORS if lost else NEW_ANCHORS

    def ask(of: Events) -> tuple[Tally, Answer]:
        found = anchor_tally(of.conn, of.about.chosen, words, of.wanted, lost=lost)
        rows = changed_anchors(of.conn, of.about.chosen, words, of.wanted, lost=lost, limit=asking.bound)
        answer = Answer("anchors", (_words_row(one, lost) for one in rows), columns)
        return found, readable(asking, answer, ("at", "cause", "anchor", "source", "target"))

    asking.answer(columns, ask, what="lost anchor" if lost else "new anchor", words=words_shown(words))


def readable(asking: Asking, answer: Answer, shown: tuple[str, ...]) -> Answer:
    """The same for a table: dates by the day, and one target said once below instead of in every row."""
    if not asking.for_reading:
        return replace(answer, table_columns=shown)
    rows = [{**row, "at": str(row["at"])[:10]} for row in answer.rows]
    targets = {row["target"] for row in rows}
    notes = answer.notes
    if len(targets) == 1 and len(rows) > 1:
        shown = tuple(name for name in shown if name != "target")
        notes = (f"target of each: {targets.pop()}", *notes)
    return replace(answer, rows=rows, table_columns=shown, notes=notes)


def _link_row(one: ChangedLink, lost: bool) -> dict[str, Any]:
    row = {
        "at": to_iso(one.at),
        "cause": one.cause,
        "source": one.source,
        "target": one.target,
        "link_no": one.link_no,
        "rel": one.rel.split(" ") if one.rel else [],
        "followed": one.follow_cause == 0,
        "follow_cause": list(follow_causes(one.follow_cause)),
        "placement": PLACEMENTS[one.placement],
        "element": ELEMENTS[one.element],
        "hidden": one.hidden,
        "first_seen": to_iso(one.first_seen),
    }
    return row | {"last_seen": to_iso(one.last_seen)} if lost else row


def _words_row(one: ChangedAnchor, lost: bool) -> dict[str, Any]:
    row = asdict(one) | {"at": to_iso(one.at), "first_seen": to_iso(one.first_seen)}
    row["replaced_by" if lost else "replaced"] = row.pop("other")
    return row


def _change_row(one: Change) -> dict[str, Any]:
    return asdict(one) | {"at": to_iso(one.at)}


def _change_line(one: Change) -> dict[str, Any]:
    """The event in words, for a table: there is no room for a column of every key."""
    return _change_row(one) | {"change": in_words(one)}


_SAID = {
    "link_added": "new", "link_restored": "restored", "link_lost": "lost", "anchor_changed": "words",
    "anchor_form_changed": "words from",
}  # fmt: skip
_NO_CAUSE = {None, "link_added", "restored"}
"""Causes that say no more than the change itself."""


def in_a_word(change: str, cause: str | None) -> str:
    """Such as ``lost: removed`` or ``rel``."""
    said = _SAID.get(change, change.removesuffix("_changed"))
    return said if cause in _NO_CAUSE else f"{said}: {cause}"


def in_words(one: Change) -> str:
    """Such as ``lost: removed``, ``rel: (none) -> nofollow``, ``words: Acme -> Acme tools``."""
    said = in_a_word(one.change, one.cause)
    if one.change == "devalued":
        return f"{said}: {one.new}"
    if one.change == "revalued":
        return f"{said}: was {one.old}"
    if one.change in ("followed_changed", "hidden_changed"):
        return f"now {one.new}"
    if one.old is None and one.new is None:
        return said
    nothing = NO_ANCHOR_TEXT if one.change == "anchor_changed" else "(none)"
    return f"{said}: {one.old or nothing} -> {one.new or nothing}"
