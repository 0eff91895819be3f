"""The word lists of the anchor classes as files: complete, in one form, each in its own script and with its sources."""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from functools import cache
from typing import Any

import pytest

from audit.languages import LEGAL_FORMS, WORDS

LISTS = ("articles", "stop", "generic", "words", "beside", "pages", "placeholders", "endings")
CODES = sorted(path.stem for path in WORDS.glob("*.toml"))
ASKED = {
    "ar",
    "cs",
    "da",
    "de",
    "en",
    "es",
    "fi",
    "fr",
    "he",
    "it",
    "ja",
    "ko",
    "nl",
    "no",
    "pl",
    "pt",
    "ru",
    "sv",
    "tr",
    "zh",
}
UNSPACED = frozenset({"ja", "zh", "th"})
SCRIPTS = {  # a letter's Unicode name begins with one of these
    "ar": ("ARABIC",),
    "bg": ("CYRILLIC",),
    "el": ("GREEK",),
    "fa": ("ARABIC",),
    "he": ("HEBREW",),
    "hi": ("DEVANAGARI",),
    "ja": ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK", "IDEOGRAPHIC"),
    "ko": ("HANGUL",),
    "ru": ("CYRILLIC",),
    "th": ("THAI",),
    "uk": ("CYRILLIC",),
    "zh": ("CJK",),
}
LOAN_WORDS = 0.06
"""The most entries without a letter of the language's script: ``pdf``, ``url``, ``e-mail`` stand in every language."""


@cache
def words_of(code: str) -> dict[str, Any]:
    return tomllib.loads((WORDS / f"{code}.toml").read_text("utf-8"))


def entries(code: str) -> list[tuple[str, str]]:
    return [(key, text) for key in LISTS for text in words_of(code).get(key, [])]


def test_the_languages() -> None:
    assert len(CODES) >= 25
    assert set(CODES) >= ASKED


@pytest.mark.parametrize("code", CODES)
def test_a_list_is_whole(code: str) -> None:
    data = words_of(code)
    assert {"beside", *data} == {"language", "name", "sources", *LISTS}
    assert data["language"] == code
    assert data["name"]
    assert data["sources"]
    assert all(isinstance(text, str) and text == text.strip() and text for text in data["sources"])
    assert all(isinstance(text, str) and text for _, text in entries(code))
    assert len(data["generic"]) + len(data["words"]) >= 60
    assert len(data["stop"]) >= (10 if code in UNSPACED else 80)
    assert len(data["pages"]) >= 20
    assert len(data["placeholders"]) >= 20


@pytest.mark.parametrize("code", CODES)
def test_entries_are_clean(code: str) -> None:
    for key, text in entries(code):
        assert text == " ".join(text.split()), (key, text)
        assert unicodedata.is_normalized("NFC", text), (key, text)
        assert any(char.isalpha() for char in text), (key, text)
    assert [text for text in words_of(code)["words"] if " " in text] == []
    for key in LISTS:
        counts = Counter(text.casefold() for text in words_of(code).get(key, []))
        assert [text for text, count in counts.items() if count > 1] == [], key


@pytest.mark.parametrize("code", CODES)
def test_words_that_point_only_beside_others_stand_in_no_other_list(code: str) -> None:
    data = words_of(code)
    assert set(data.get("beside", [])) & {*data["generic"], *data["words"], *data["pages"]} == set()


@pytest.mark.parametrize("code", CODES)
def test_entries_are_in_the_script_of_the_language(code: str) -> None:
    scripts = SCRIPTS.get(code, ("LATIN",))
    strange, mixed = [], []
    for key, text in entries(code):
        names = [unicodedata.name(char, "?") for char in text if char.isalpha()]
        own = [name.startswith(scripts) for name in names]
        latin = [name.startswith("LATIN") for name in names]
        assert all(mine or foreign for mine, foreign in zip(own, latin, strict=True)), (key, text)
        if not any(own):
            strange.append(text)
        for word in text.replace("-", " ").split():
            letters = [unicodedata.name(char) for char in word if char.isalpha()]
            # a look-alike letter of another alphabet inside a word would never match what people write
            if code in {"bg", "el", "ru", "uk"} and len({name.startswith("LATIN") for name in letters}) == 2:
                mixed.append((key, word))
    assert mixed == []
    assert len(strange) <= LOAN_WORDS * len(entries(code)), strange


def test_legal_forms() -> None:
    data = tomllib.loads(LEGAL_FORMS.read_text("utf-8"))
    assert data["sources"]
    counts = Counter(form.casefold() for form in data["forms"])
    assert [form for form, count in counts.items() if count > 1] == []
    assert all(unicodedata.is_normalized("NFC", form) and form == form.strip() and form for form in counts)
    assert {"gmbh", "ltd", "inc", "llc", "s.r.l.", "s.a.", "b.v.", "oy", "sp. z o.o.", "株式会社", "ооо"} <= set(counts)


SITES = {
    "amazon", "ebay", "etsy", "facebook", "github", "google", "instagram", "linkedin", "netflix", "pinterest", "reddit",
    "spotify", "telegram", "tiktok", "twitter", "whatsapp", "wikipedia", "youtube",
}  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_no_site_is_named(code: str) -> None:
    """Who owns such a name would not find it in anchors any more: a list would have made it an everyday word."""
    assert not [text for _, text in entries(code) if SITES & set(text.casefold().split())]
