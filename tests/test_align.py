"""Which link of one visit is which of the next: the words first, then document order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import align as module
from storage.align import align, common_subsequence

ALIGNED = [  # id, words before, words now, pairs
    ("nothing_before", "", "ab", []),
    ("nothing_now", "ab", "", []),
    ("unchanged", "abc", "abc", [(0, 0), (1, 1), (2, 2)]),
    ("one_link_edited", "a", "b", [(0, 0)]),
    ("words_edited_in_the_middle", "abc", "axc", [(0, 0), (1, 1), (2, 2)]),
    ("new_link_on_top", "ab", "xab", [(0, 1), (1, 2)]),
    ("new_link_at_the_end", "ab", "abx", [(0, 0), (1, 1)]),
    ("first_link_removed", "abc", "bc", [(1, 0), (2, 1)]),
    ("two_swapped", "ab", "ba", [(1, 0), (0, 1)]),
    ("equal_words_stay_in_order", "aab", "ab", [(0, 0), (2, 1)]),
    ("equal_words_one_more", "aa", "aaa", [(0, 0), (1, 1)]),
    ("edit_and_removal", "abc", "xc", [(0, 0), (2, 1)]),
    ("everything_replaced_in_order", "abc", "xyz", [(0, 0), (1, 1), (2, 2)]),
    ("moved_link_pairs_with_the_rest", "abcd", "bcda", [(1, 0), (2, 1), (3, 2), (0, 3)]),
]


@pytest.mark.parametrize(("old", "new", "pairs"), [pytest.param(*row[1:], id=row[0]) for row in ALIGNED])
def test_align(old: str, new: str, pairs: list[tuple[int, int]]) -> None:
    assert align([ord(one) for one in old], [ord(one) for one in new]) == pairs


WORDS = st.lists(st.integers(0, 4), max_size=12)


@given(WORDS, WORDS)
def test_every_link_of_the_shorter_side_has_one_partner(old: list[int], new: list[int]) -> None:
    pairs = align(old, new)
    assert len(pairs) == min(len(old), len(new))
    assert len({left for left, _ in pairs}) == len(pairs) == len({right for _, right in pairs})


@given(WORDS, WORDS)
def test_the_common_subsequence_is_longest_and_in_order(old: list[int], new: list[int]) -> None:
    pairs = common_subsequence(old, new)
    assert len(pairs) == _length(old, new)
    assert all(old[left] == new[right] for left, right in pairs)
    assert all(one[0] < two[0] and one[1] < two[1] for one, two in pairwise(pairs))


def _length(old: list[int], new: list[int]) -> int:
    """The textbook's table."""
    row = [0] * (len(new) + 1)
    for left in old:
        before = row
        row = [0]
        for place, right in enumerate(new):
            row.append(before[place] + 1 if left == right else max(before[place + 1], row[place]))
    return row[-1]


def test_tens_of_thousands_of_links_to_one_target_are_aligned_in_bounded_memory() -> None:
    old = [place % 977 for place in range(30_000)]
    new = [place % 983 for place in range(30_000)]
    assert len(old) * len(new) > module.LARGEST_TABLE
    pairs = align(old, new)
    assert len(pairs) == 30_000
    assert sum(old[left] == new[right] for left, right in pairs) > 29_000
