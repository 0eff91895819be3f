"""Which link of the last visit is which link of this one, among those of one page to one target.   (pure)

The words decide first: a longest common subsequence of the anchor texts. What is left over is
paired in document order (an editor changed the words); what then has no partner is lost or new.
"""

from __future__ import annotations

from collections.abc import Sequence

LARGEST_TABLE = 100_000_000
"""Old times new occurrences, beyond which equal words are paired in order instead: bounds the
memory a page with tens of thousands of links to one target can take (some 12 MB)."""


def align(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int]]:
    """Pair the occurrences of two visits, each given by the ids of its words in document order.

    Returns:
        (place in ``old``, place in ``new``), by the second. All of the shorter side are paired.
    """
    if len(old) == 1 and len(new) == 1:
        return [(0, 0)]
    pairs = common_subsequence(old, new)
    left = {place for place, _ in pairs}
    right = {place for _, place in pairs}
    pairs.extend(
        zip(
            (place for place in range(len(old)) if place not in left),
            (place for place in range(len(new)) if place not in right),
            strict=False,
        )
    )
    pairs.sort(key=lambda pair: pair[1])
    return pairs


def common_subsequence(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int]]:
    """A longest common subsequence as pairs of places, always the same one for the same input.

    Source: bit-parallel rows after Hyyrö, "Bit-parallel LCS-length computation revisited" (2004),
    kept for the way back; one whole-number operation does a row.
    """
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    pairs = [(place, place) for place in range(start)]
    inner_old, inner_new = old[start : len(old) - end], new[start : len(new) - end]
    if inner_old and inner_new:
        find = _by_table if len(inner_old) * len(inner_new) <= LARGEST_TABLE else _in_order
        pairs.extend((start + left, start + right) for left, right in find(inner_old, inner_new))
    pairs.extend((len(old) - place, len(new) - place) for place in range(end, 0, -1))
    return pairs


def _by_table(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int]]:
    places: dict[int, int] = {}
    for place, words in enumerate(old):
        places[words] = places.get(words, 0) | (1 << place)
    full = (1 << len(old)) - 1
    # A cleared bit i says: row and old[: i + 1] have one more in common than row and old[:i].
    row = full
    rows = []
    for words in new:
        rows.append(row)
        matches = row & places.get(words, 0)
        row = ((row + matches) | (row - matches)) & full
    pairs: list[tuple[int, int]] = []
    left = len(old)
    for right in range(len(new) - 1, -1, -1):
        before = rows[right]
        # Without new[right] as many are in common as with it: it has no partner.
        if _common(before, left) == _common(row, left):
            row = before
            continue
        while old[left - 1] != new[right] or _common(row, left - 1) == _common(row, left):
            left -= 1
        left -= 1
        pairs.append((left, right))
        row = before
    pairs.reverse()
    return pairs


def _common(row: int, length: int) -> int:
    """How many the row's prefix of ``new`` has in common with ``old[:length]``."""
    return length - (row & ((1 << length) - 1)).bit_count()


def _in_order(old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int]]:
    """Equal words in document order, for pages too large for the table."""
    waiting: dict[int, list[int]] = {}
    for place in range(len(old) - 1, -1, -1):
        waiting.setdefault(old[place], []).append(place)
    pairs = []
    for right, words in enumerate(new):
        if places := waiting.get(words):
            pairs.append((places.pop(), right))
    return pairs
