"""What each referring domain says, class by class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from audit import anchor_sums as sums
from audit.anchor_class import CLASSES, AnchorClass
from audit.judged_anchors import classify, gather
from audit.profile import Profile
from storage import by_id
from storage.filters import Chosen


class Said(NamedTuple):
    """The words of one class from one referring domain."""

    domain: int
    """Its id."""
    anchor_class: AnchorClass
    anchor: str
    """The commonest of them; of equally common ones the first."""
    links: int
    pages: int
    source: str
    """URL of a page with such a link, of several the first; so is ``target``."""
    target: str


def said_by_domain(conn: Connection, chosen: Chosen, profile: Profile) -> list[Said]:
    """Which classes of words each referring domain of the selected links uses; in no order."""
    judged = classify(gather(conn, chosen, profile), profile)
    rows, classes = judged.of.rows, judged.classes
    if not len(rows):
        return []
    of, first = sums.packed(rows.domain, classes)
    links = np.bincount(of, minlength=len(first))
    pages = sums.tally(of, len(first), rows.page)
    commonest: dict[int, tuple[int, str]] = {}
    used, one = sums.packed(of, rows.text)
    for group, text, number in zip(of[one].tolist(), rows.text[one].tolist(), np.bincount(used).tolist(), strict=True):
        mine = (-number, judged.of.texts[int(rows.texts[text])].text)
        commonest[group] = min(commonest.get(group, mine), mine)
    pages_by_id, targets_by_id = by_id.urls(conn, rows.pages.tolist()), by_id.urls(conn, rows.targets.tolist())
    shown: dict[int, tuple[str, str, int]] = {}
    for row, group in enumerate(of.tolist()):
        where = pages_by_id[int(rows.pages[rows.page[row]])], targets_by_id[int(rows.targets[rows.target[row]])]
        if group not in shown or where < shown[group][:2]:
            shown[group] = (*where, row)
    return [
        Said(
            domain=int(rows.domains[rows.domain[row]]),
            anchor_class=CLASSES[classes[row]],
            anchor=commonest[group][1],
            links=int(links[group]),
            pages=int(pages[group]),
            source=source,
            target=target,
        )
        for group, (source, target, row) in shown.items()
    ]
