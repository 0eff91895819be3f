"""Positions keep document order and give back every ordinal, whatever is put in, taken out or moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage import layout
from storage.layout import MOST_PIECES, PLAIN, STEP

EDITS = st.lists(st.tuples(st.sampled_from(["in", "out", "swap", "skip"]), st.integers(0, 30), st.integers(0, 30)))


def numbered(names: list[int], skipped: set[int]) -> list[int]:
    """Ordinals of the links of a document in which some places are hrefs that are no links."""
    free = (place for place in range(len(names) + len(skipped) + 1) if place not in skipped)
    return [next(free) for _ in names]


@given(st.integers(0, 12), EDITS)
def test_ordinals_come_back_after_any_edits(count: int, edits: list[tuple[str, int, int]]) -> None:
    names = list(range(count))
    skipped: set[int] = set()
    place = {name: STEP * name for name in names}
    for number, (kind, one, other) in enumerate(edits):
        if kind == "in":
            names.insert(one % (len(names) + 1), 1000 + number)
        elif kind == "out" and names:
            names.pop(one % len(names))
        elif kind == "swap" and names:
            left, right = one % len(names), other % len(names)
            names[left], names[right] = names[right], names[left]
        elif kind == "skip":
            skipped ^= {one}
        ordinals = numbered(names, skipped)
        positions, found = layout.place(ordinals, [place.get(name) for name in names])
        assert positions == sorted(set(positions))
        assert len(found) <= MOST_PIECES
        kept = layout.read(layout.write(found))
        assert [layout.ordinal(position, kept) for position in positions] == ordinals
        place = dict(zip(names, positions, strict=True))


def test_one_put_in_on_top_moves_no_other() -> None:
    before = [STEP * place for place in range(50)]
    positions, found = layout.place(list(range(51)), [None, *before])
    assert positions[1:] == before
    assert [layout.ordinal(position, found) for position in positions] == list(range(51))


def test_one_put_in_between_moves_no_other() -> None:
    before = [STEP * place for place in range(50)]
    positions, found = layout.place(list(range(51)), [*before[:20], None, *before[20:]])
    assert [*positions[:20], *positions[21:]] == before
    assert found != PLAIN
    assert layout.write(PLAIN) is None


def test_many_put_in_at_one_place_number_the_page_anew() -> None:
    kept: list[int | None] = [0, STEP]
    for _ in range(7):  # one more than there is room for
        kept = [kept[0], None, *kept[1:]]
        positions, found = layout.place(list(range(len(kept))), kept)
        kept = list(positions)
    assert (positions, found) == ([STEP * place for place in range(9)], PLAIN)
