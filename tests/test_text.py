"""Cleaning and folding of stored text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.text import LONGEST_NAME, LONGEST_TEXT, clean, fold, short_name

CLEANED = [  # id, text, stored
    ("plain", "Acme", "Acme"),
    ("nul", "a\x00b", "a\ufffdb"),
    ("nul_beside_other_scripts", "ä\x00", "ä\ufffd"),
    ("lone_high_surrogate", "a\ud800b", "a\ufffdb"),
    ("lone_low_surrogate", "\udfff", "\ufffd"),
    ("astral_characters_stay", "\U0001f600", "\U0001f600"),
    ("noncharacters", "a\ufdd0\ufdef\ufffe\uffffb", "a\ufffd\ufffd\ufffd\ufffdb"),
    ("noncharacters_of_other_planes", "\U0001fffe\U0010ffff", "\ufffd\ufffd"),
    (
        "neighbours_of_noncharacters_stay",
        "\ufdcf\ufdf0\ufffd\U0001fffd\U00020000",
        "\ufdcf\ufdf0\ufffd\U0001fffd\U00020000",
    ),
    ("unassigned_and_private_characters_stay", "\u0378\ue000\U000f0000", "\u0378\ue000\U000f0000"),
    ("controls_stay", "a\x1b[0m\x85", "a\x1b[0m\x85"),
]


@pytest.mark.parametrize(("text", "stored"), [pytest.param(*row[1:], id=row[0]) for row in CLEANED])
def test_clean(text: str, stored: str) -> None:
    assert clean(text) == stored


FOLDED = [  # id, text, fold
    ("case", "Acme TOOLS", "acme tools"),
    ("white_space", " Acme\t\n Tools ", "acme tools"),
    ("no_break_space", "Acme\u00a0Tools", "acme tools"),
    ("zero_width_space", "Acme\u200bTools", "acme tools"),
    ("full_width_letters", "\uff21\uff43\uff4d\uff45", "acme"),
    ("sharp_s", "Straße", "strasse"),
    ("soft_hyphen", "Ac\u00adme", "acme"),
    ("direction_marks", "\u200eAcme\u202c", "acme"),
    ("decomposed_accent", "cafe\u0301", "caf\u00e9"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("text", "key"), [pytest.param(*row[1:], id=row[0]) for row in FOLDED])
def test_fold(text: str, key: str) -> None:
    assert fold(text) == key


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_cleaned_text_can_be_stored_and_stays(text: str) -> None:
    stored = clean(text)
    assert clean(stored) == stored
    assert "\x00" not in stored
    assert stored.encode().decode() == stored
    assert len(stored) == len(text)


def test_a_text_over_the_limit_is_cut_with_a_mark_and_stays_itself() -> None:
    whole, long, other = "x" * LONGEST_TEXT, "ä" * (LONGEST_TEXT + 1), "ä" * LONGEST_TEXT + "b"
    assert clean(whole) is whole
    cut = clean(long)
    assert re.fullmatch(rf"ä{{1048476}}… \[cut: {LONGEST_TEXT + 1} characters, [0-9a-f]{{32}}\]", cut)
    assert clean(cut) == cut
    assert clean(other) != cut


def test_a_name_of_any_length_fits_an_index_and_differs_from_others() -> None:
    assert short_name("www.example.com") == "www.example.com"
    long, other = "a" * 1_000_000, "a" * 999_999 + "b"
    assert len(short_name(long).encode()) <= LONGEST_NAME
    assert short_name(long) != short_name(other)
