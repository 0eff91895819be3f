"""Places in a document that cost nothing to keep when something is put in above them.   (pure)

A link put in at the top of a page moves every other one by one. So a row keeps a *position*, sparse and in document
order (`STEP` times the ordinal it was first read at), and the page keeps a short *layout* that turns the positions of
its live links into ordinals: pieces ``[position, ordinal]``, each good from its position on. Without a layout, and for
every row that is lost or replaced, the ordinal is ``position // STEP``.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

STEP = 64
"""Room between neighbours: six links can come in between two before a page is numbered anew."""
MOST_PIECES = 12
"""A layout of more pieces is given up and the page numbered anew."""

Layout = tuple[tuple[int, int], ...]
PLAIN: Layout = ()


def read(text: str | None) -> Layout:
    """A stored layout; NULL is `PLAIN`."""
    return PLAIN if text is None else tuple((int(one[0]), int(one[1])) for one in json.loads(text))


def write(layout: Layout) -> str | None:
    """A layout as it is stored."""
    return json.dumps(layout, separators=(",", ":")) if layout else None


def ordinal(position: int, layout: Layout = PLAIN) -> int:
    """The ordinal of a live link of a page with this layout."""
    if not layout:
        return position // STEP
    start, first = layout[bisect_right(layout, position, key=lambda piece: piece[0]) - 1]
    return first + (position - start) // STEP


def place(ordinals: Sequence[int], kept: Sequence[int | None]) -> tuple[list[int], Layout]:
    """Find positions for the links of a document, leaving as many as possible where they are.

    Args:
        ordinals: of every link, ascending.
        kept: the position each has so far; None for one that comes in.
    Returns:
        A position for each, ascending, and the page's layout.
    """
    stay = _ascending(kept)
    positions: list[int] = []
    index = 0
    while index < len(kept):
        here = kept[index]
        if here is not None and index in stay:
            positions.append(here)
            index += 1
            continue
        end = index
        while end < len(kept) and end not in stay:
            end += 1
        count, last = end - index, positions[-1] if positions else None
        after = kept[end] if end < len(kept) else None
        if last is None and after is None:
            fresh = [STEP * one for one in ordinals]
        elif after is None:  # behind all others, as far apart as they stand in the document
            base = (last or 0) // STEP * STEP + STEP
            fresh = [base + STEP * (one - ordinals[index]) for one in ordinals[index:end]]
        elif last is None:  # above all others: there is room below zero
            fresh = [after - STEP * (count - one) for one in range(count)]
        else:
            room = after - last
            if room <= count:
                return _anew(ordinals)
            fresh = [last + room * (one + 1) // (count + 1) for one in range(count)]
        positions.extend(fresh)
        index = end
    layout = _pieces(ordinals, positions)
    return _anew(ordinals) if len(layout) > MOST_PIECES else (positions, layout)


def _anew(ordinals: Sequence[int]) -> tuple[list[int], Layout]:
    return [STEP * one for one in ordinals], PLAIN


def _pieces(ordinals: Sequence[int], positions: Sequence[int]) -> Layout:
    pieces: list[tuple[int, int]] = []
    start, first = 0, 0
    for place, (number, position) in enumerate(zip(ordinals, positions, strict=True)):
        if position < start or first + (position - start) // STEP != number:
            if place and not pieces:
                pieces.append((0, 0))
            start, first = position, number
            pieces.append((start, first))
    return tuple(pieces)


def _ascending(kept: Sequence[int | None]) -> set[int]:
    """Places of a longest ascending run among the positions that are there."""
    known = [(place, position) for place, position in enumerate(kept) if position is not None]
    if all(left[1] < right[1] for left, right in pairwise(known)):
        return {place for place, _ in known}
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = [-1] * len(known)
    for one, (_, position) in enumerate(known):
        at = bisect_right(tails, position - 1)
        before[one] = ends[at - 1] if at else -1
        if at == len(tails):
            tails.append(position)
            ends.append(one)
        else:
            tails[at], ends[at] = position, one
    found: set[int] = set()
    step = ends[-1] if ends else -1
    while step >= 0:
        found.add(known[step][0])
        step = before[step]
    return found
