"""Wordings that are used again and again: near-duplicates joined, so that a plural or another order hides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audit.anchor_class import AnchorClass
from audit.words import cleaned, lowers, stem

NO_BRAND: frozenset[AnchorClass] = frozenset(("exact", "partial", "generic", "other"))
"""Classes of words that hold neither a brand nor an address."""
MOST_JOINED = 2_000
"""So many of the most used wordings are compared; rarer ones cannot be the largest."""


def joined(folds: Sequence[str], words: Callable[[str], Sequence[str]]) -> list[int]:
    """Number each wording; near-duplicates (the same stems in any order) get the number of the first of them.

    Args:
        folds: folded texts, most used first.
        words: the stems of a text.
    """
    first: dict[tuple[str, ...], int] = {}
    return [first.setdefault(_key(fold, words), number) for number, fold in enumerate(folds)]


def _key(fold: str, words: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted(words(fold))) or (fold,)


def stems_in(language: str) -> Callable[[str], Sequence[str]]:
    """What takes the stems of a text's words in one language."""
    return lambda text: [stem(word, language) for word in lowers(cleaned(text))]
