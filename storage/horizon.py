"""Where the history of a page begins to be told when the records before it were pruned: from the rows themselves.

The versions in force at the date of the latest pruned visit are the beginning. What those rows no longer say (where
each link stood in the document at that date, changes of dates that later visits made in place) is taken as it is
now. A visit or miss of that time that comes later is kept and not merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storage import layout
from storage.facts import Row, anchor_version, link_version
from storage.lives import RENDERED, AnchorVersion, Document, Held, Life, LinkVersion


def begin(
    life: Life,
    at: int,
    rows: tuple[Sequence[Row], Sequence[Row]],
    visits: Iterable[Document],
    now: layout.Layout,
    first_ok: int | None,
) -> None:
    """Let a life begin after a date.

    Args:
        at: of the latest visit whose record was pruned.
        rows: every row of the page in ``link`` and ``anchor``.
        visits: its complete visits up to that date.
        now: the page's stored layout.
    """
    links: list[LinkVersion] = []
    for row in rows[0]:
        link = link_version(row)
        link.stored = None
        if link.valid_from <= at:
            if link.valid_to is None and link.gone_at is None:
                link.position = layout.ordinal(link.position, now) * layout.STEP
            _as_of(link, at)
            if link.gone_at is None:
                link.lost_cause = 0
            links.append(link)
    anchors: list[AnchorVersion] = []
    for row in rows[1]:
        anchor = anchor_version(row)
        anchor.stored = None
        if anchor.valid_from <= at:
            _as_of(anchor, at)
            anchors.append(anchor)
    life.first_ok = first_ok
    for visit in sorted(visits, key=lambda one: one.at):
        life.latest, life.indexable = visit.at, visit.indexable
        life.saw(True, visit.targets, rendered=visit.seen_by == RENDERED)
        if visit.full:
            life.last_ok, life.last_visit_id = visit.at, visit.visit_id
            life.rules, life.content_hash = visit.rules, visit.content_hash
    versions: list[LinkVersion | AnchorVersion] = [*links, *anchors]
    for one in versions:
        _last_seen(one, at, life.last_ok)
    words = {(anchor.target.id, anchor.link_no): anchor for anchor in anchors if anchor.valid_to is None}
    life.links.extend(link for link in links if link.valid_to is not None)
    life.anchors.extend(anchor for anchor in anchors if anchor.valid_to is not None)
    life.hold(Held(link, words[link.target.id, link.link_no]) for link in links if link.valid_to is None)


def _as_of(version: LinkVersion | AnchorVersion, at: int) -> None:
    """Take back what came after a date."""
    if version.valid_to is not None and version.valid_to > at:
        version.valid_to = None
    if version.gone_at is not None and version.gone_at > at:
        version.gone_at = None


def _last_seen(version: LinkVersion | AnchorVersion, at: int, last_ok: int | None) -> None:
    """When a live version had been seen last at a date; its page's own date is not written twice."""
    if version.valid_to is None and version.gone_at is None:
        seen = version.last_seen
        if seen is None or seen > at:
            seen = at if last_ok is None else last_ok
        version.last_seen = None if seen == last_ok else seen
