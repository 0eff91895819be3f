"""The classes of anchors against rows labelled by hand, in 28 languages, written without a look at the word lists.

The rows of ``data/anchor_rows.jsonl`` are in two halves with the same languages and classes: ``dev``, to look at while
the rules are worked on, and ``test``, which alone is held to the bounds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from audit.anchor_class import Classifier
from audit.profile import Profile, Section

ROWS = Path(__file__).parent / "data" / "anchor_rows.jsonl"
CLASSES = {
    "image",
    "empty",
    "naked_url",
    "branded",
    "exact",
    "brand_keyword",
    "partial",
    "generic",
    "other",
}

Row = dict[str, Any]


def rows(split: str) -> list[Row]:
    lines = ROWS.read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["split"] == split]


@cache
def classifier(target: str, brands: tuple[str, ...], keywords: tuple[str, ...]) -> Classifier:
    whole = Section(url=None, keywords=keywords)
    return Classifier(Profile(target=target, brands=brands, whole=whole), whole)


def judged(row: Row) -> str:
    reader = classifier(row["target_url"], tuple(row["brand_names"]), tuple(row["target_keywords"]))
    source = row["anchor_source"]
    verdict = reader.judge(row["anchor_text"], source=source, has_image=source == "img_alt", language=row["language"])
    return str(verdict.anchor_class)


def right(pairs: Sequence[tuple[Row, str]]) -> float:
    return sum(1 for row, found in pairs if row["expected_class"] == found) / len(pairs)


def recall(pairs: Sequence[tuple[Row, str]], name: str) -> float:
    return right([(row, found) for row, found in pairs if row["expected_class"] == name])


def f1(pairs: Sequence[tuple[Row, str]], name: str) -> float:
    hits = sum(1 for row, found in pairs if row["expected_class"] == name == found)
    labelled = sum(1 for row, _ in pairs if row["expected_class"] == name)
    called = sum(1 for _, found in pairs if found == name)
    return 2 * hits / (labelled + called)


def confusion(pairs: Sequence[tuple[Row, str]]) -> str:
    """Who was taken for what, per class and per language; the rows themselves are not shown."""
    wrong = [(row, found) for row, found in pairs if row["expected_class"] != found]
    kinds = Counter((row["expected_class"], found) for row, found in wrong)
    languages = Counter(row["language"] for row, _ in wrong)
    lines = [f"{right(pairs):.3f} of {len(pairs)} rows right"]
    lines += [f"{name}: recall {recall(pairs, name):.3f}, F1 {f1(pairs, name):.3f}" for name in sorted(CLASSES)]
    lines += [f"{label} taken for {found}: {count}" for (label, found), count in kinds.most_common()]
    lines += [f"{language}: {count} wrong" for language, count in languages.most_common()]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def pairs() -> list[tuple[Row, str]]:
    return [(row, judged(row)) for row in rows("test")]


def test_the_rows_cover_what_they_should() -> None:
    every = rows("dev") + rows("test")
    assert len(every) >= 700
    assert {row["expected_class"] for row in every} == CLASSES
    assert len({row["target_url"] for row in every}) >= 30
    for split in ("dev", "test"):
        half = rows(split)
        assert abs(len(half) - len(every) / 2) <= 10
        assert len({row["language"] for row in half}) >= 20
    told_apart = [(row["target_url"], row["anchor_text"], row["anchor_source"]) for row in every]
    assert len(told_apart) == len(set(told_apart)), "one row stands twice, perhaps in both halves"


def test_nine_of_ten_rows_are_right(pairs: list[tuple[Row, str]]) -> None:
    assert right(pairs) >= 0.90, confusion(pairs)


def test_the_classes_are_told_apart(pairs: list[tuple[Row, str]]) -> None:
    assert sum(f1(pairs, name) for name in CLASSES) / len(CLASSES) >= 0.88, confusion(pairs)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_each_class_is_found(pairs: list[tuple[Row, str]], name: str) -> None:
    assert recall(pairs, name) >= 0.75, confusion(pairs)


def test_other_languages_than_english_are_read_too(pairs: list[tuple[Row, str]]) -> None:
    others = [(row, found) for row, found in pairs if row["language"] != "en"]
    assert right(others) >= 0.85, confusion(others)
