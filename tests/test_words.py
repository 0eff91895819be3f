"""How words of anchors are cleaned, folded, split, stemmed and told from typing errors; the lists of languages."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.languages import Languages, code_of, language_from, language_of, languages, legal_forms, of_domain
from audit.words import (
    LONGEST,
    MOST_WORDS,
    cleaned,
    folded,
    has_letter,
    lowers,
    one_typo,
    pairs,
    same_stem,
    split,
    stem,
)
from tests.proof import examples

CLEANED = [  # id, text, cleaned
    ("entities_twice", "A &amp;amp; B", "A & B"),
    ("no_break_space", "A&nbsp;B", "A B"),
    ("no_break_space_encoded_twice", "&amp;nbsp;", ""),
    ("trade_mark_before_nfkc", "Lume™", "Lume"),
    ("registered", "Lume® ©", "Lume"),
    ("full_width", "Ｎｏｔｅ　１", "Note 1"),
    ("ligature", "oﬃce", "office"),
    ("soft_hyphen", "back\u00adpack", "backpack"),
    ("zero_width", "back\u200bpack\ufeff", "backpack"),
    ("direction_marks", "\u200fספרים\u200e", "ספרים"),
    ("hangul_filler", "\u3164", ""),
    ("icon_of_a_font", "\ue900", ""),
    ("lone_surrogate", "a\ud800b", "ab"),
    ("information_sign_is_no_letter", "ℹ️", ""),
    ("drawn_in_colour", "❤\ufe0f", "❤"),
    ("ellipsis_as_dots", "…", "..."),
    ("quotes", "‘a’ “b”", "'a' \"b\""),
    ("spaces", " a \n\t b ", "a b"),
]


@pytest.mark.parametrize(("text", "clean"), [pytest.param(*row[1:], id=row[0]) for row in CLEANED])
def test_cleaned(text: str, clean: str) -> None:
    assert cleaned(text) == clean


FOLDS = [  # id, two texts that are one
    ("case", "Rosen", "ROSEN"),
    ("accents", "ollas a presión", "ollas a presion"),
    ("stacked_accents", "Cà phê Việt", "ca phe viet"),
    ("decomposed", "cafe\u0301", "café"),
    ("dotless_i", "BAHARATÇI", "baharatçı"),
    ("dotted_capital_i", "İstanbul", "istanbul"),
    ("l_with_stroke", "Łódź", "lodz"),
    ("o_with_stroke", "Købmand", "kobmand"),
    ("d_with_stroke", "đồng", "dong"),
    ("sharp_s", "Straße", "strasse"),
    ("capital_sharp_s", "STRAẞE", "strasse"),
    ("final_sigma", "Ελαιώνας", "ΕΛΑΙΩΝΑΣ"),
    ("yo", "зелёный", "зеленый"),
    ("ukrainian_apostrophes", "м'ята", "м’ята"),
    ("no_apostrophe", "м'ята", "мята"),
    ("romanian_cedilla", "ştiri", "știri"),
    ("tatweel_and_vowels", "عُطـــور", "عطور"),
    ("forms_of_alef", "أحذية", "احذيه"),
    ("persian_letters", "کتاب", "كتاب"),
    ("hebrew_points", "סְפָרִים", "ספרים"),
    ("arabic_digits", "١٢٣", "123"),
    ("nuqta", "ज़रा", "जरा"),
    ("possessive", "Acme's", "acme"),
    ("typographic_possessive", "Acme’s", "acme"),
    ("punctuation", "note-taking, app!", "note taking app"),
    ("underscore", "note_taking", "note taking"),
    ("hashtag", "#notes", "notes"),
    ("half_width_katakana", "ﾛｺﾞ", "ロゴ"),
]


@pytest.mark.parametrize(("one", "other"), [pytest.param(*row[1:], id=row[0]) for row in FOLDS])
def test_folds_are_equal(one: str, other: str) -> None:
    assert folded(one) == folded(other) != ""


APART = [  # id, two texts that stay two
    ("short_i_is_a_letter", "мой", "мои"),
    ("yi_is_a_letter", "їх", "іх"),
    ("vowel_signs_stay", "घी", "घा"),
    ("thai_vowels_stay", "ผ้า", "ผา"),
    ("kana_voicing_stays", "が", "か"),
    ("c_sharp_is_not_c", "C#", "C"),
    ("c_plus_plus_is_not_c", "C++", "C"),
]


@pytest.mark.parametrize(("one", "other"), [pytest.param(*row[1:], id=row[0]) for row in APART])
def test_folds_differ(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_umlauts_have_two_forms() -> None:
    (word,) = split("Größenübersicht")
    assert (word.fold, word.other) == ("grossenubersicht", "groessenuebersicht")


SPLITS = [  # id, text, words
    ("ampersand_is_a_word", "H&M", ["h", "&", "m"]),
    ("letters_and_digits", "backpack 40L", ["backpack", "40l"]),
    ("elision", "l'article", ["l", "article"]),
    ("latin_inside_japanese", "Kumaの革靴", ["kuma", "の革靴"]),
    ("indic_signs_are_inside_words", "गरम मसाला", ["गरम", "मसाला"]),
    ("sharp_only_behind_one_letter", "F# 12# a#b", ["f#", "12", "a", "b"]),
    ("symbols_part", "a→b", ["a", "b"]),
]


@pytest.mark.parametrize(("text", "words"), [pytest.param(*row[1:], id=row[0]) for row in SPLITS])
def test_split(text: str, words: list[str]) -> None:
    assert lowers(cleaned(text)) == words


STEMS = [  # id, language, two forms, whether of one word
    ("english_plural", "en", "backpacks", "backpack", True),
    ("french_plural_that_snowball_leaves", "fr", "vélos", "vélo", True),
    ("french_plural_in_x", "fr", "bureaux", "bureau", True),
    ("german_umlaut_plural", "de", "bücher", "buch", True),
    ("accents_matter_to_the_stemmer", "es", "presión", "presiones", True),
    ("russian_genitive", "ru", "настольных", "настольные", True),
    ("polish_by_its_beginning", "pl", "wędrowca", "wędrowiec", True),
    ("ukrainian_has_no_stemmer", "uk", "гречаного", "гречаний", True),
    ("finnish_gradation", "fi", "sähkökiukaat", "sähkökiuas", True),
    ("arabic_article", "ar", "العطور", "عطور", True),
    ("hebrew_prefix_and_plural", "he", "לילדים", "ילדים", True),
    ("persian_plural", "fa", "کتابها", "کتاب", True),
    ("other_word", "en", "tables", "chairs", False),
    ("like_beginnings_are_not_enough_in_english", "en", "organic", "organza", False),
    ("another_word_in_a_language_of_endings", "ru", "столица", "столовая", False),
]


@pytest.mark.parametrize(("language", "one", "other", "same"), [pytest.param(*row[1:], id=row[0]) for row in STEMS])
def test_stems(language: str, one: str, other: str, same: bool) -> None:
    assert same_stem(one, other, language) is same
    assert same_stem(other, one, language) is same


TYPOS = [  # id, two words, whether one edit parts them
    ("letter_dropped", "nothpeak", "northpeak", True),
    ("letter_added", "northhpeak", "northpeak", True),
    ("letter_changed", "northpeek", "northpeak", True),
    ("swap_counts_once", "norhtpeak", "northpeak", True),
    ("equal", "northpeak", "northpeak", False),
    ("two_edits", "nothpeek", "northpeak", False),
    ("first_letter_is_kept", "morthpeak", "northpeak", False),
    ("too_short", "nke", "nike", False),
    ("five_letters_are_enough", "blom", "bloom", True),
    ("another_number", "40liter", "50liter", False),
]


@pytest.mark.parametrize(("one", "other", "typo"), [pytest.param(*row[1:], id=row[0]) for row in TYPOS])
def test_typos(one: str, other: str, typo: bool) -> None:
    assert one_typo(one, other) is typo


def test_pairs() -> None:
    assert pairs("革靴通販") == {"革靴", "靴通", "通販"}
    assert pairs("革") == {"革"}
    assert pairs("") == frozenset()


ANY = st.text(max_size=60) | st.text(alphabet="aß&;#'’İı™\u200b …ا‌の漢ก़", max_size=30)


@settings(max_examples=examples(150), deadline=None)
@given(ANY)
def test_any_text_is_read(text: str) -> None:
    """Nothing raises; cleaning is done once; words hold no blanks; case does not matter to what is left."""
    clean = cleaned(text)
    assert clean.split() == (clean.split(" ") if clean else [])
    words = split(text)
    assert all(word.fold.split() == [word.fold] for word in words)
    assert bool([word for word in words if word.fold != "&"]) is has_letter(clean)


def test_long_texts_are_cut() -> None:
    assert len(cleaned("a" * (LONGEST + 10))) == LONGEST
    assert len(split("a " * LONGEST)) == MOST_WORDS
    assert stem("a" * 500, "de") == "a" * 500


LIST = """
language = "de"
name = "German"
sources = ["made up for this test"]
articles = ["der", "die"]
stop = ["der", "die", "für", "mit"]
generic = ["hier klicken", "zurück zum Shop"]
words = ["hier", "klicken"]
pages = ["Startseite"]
placeholders = ["Bild", "Bild von"]
endings = ["s", "es"]
"""


def test_a_list_is_read_by_its_folds() -> None:
    german = language_from(tomllib.loads(LIST), 0)
    assert {"hier klicken", "hierklicken", "zuruck zum shop", "zurueck zum shop", "startseite"} <= german.phrases
    assert german.stop == {"der", "die", "für", "mit"}
    assert {"fur", "fuer"} <= german.stop_written
    assert german.endings == ("es", "s")
    assert german.longest == 3
    assert "bild von" in german.placeholders


BROKEN = [  # id, data, part of the message
    ("no_language", {"name": "X"}, "needs language and name"),
    ("no_list", {"language": "xx", "name": "X", "stop": "der"}, "xx: stop is no list"),
    ("no_texts", {"language": "xx", "name": "X", "words": [1]}, "xx: words is no list"),
]


@pytest.mark.parametrize(("data", "message"), [pytest.param(*row[1:], id=row[0]) for row in BROKEN])
def test_a_broken_list_is_named(data: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        language_from(data, 0)


CODES = [  # id, tag, code
    ("plain", "de", "de"),
    ("region", "de-AT", "de"),
    ("underscore", "PT_br", "pt"),
    ("bokmal", "nb", "no"),
    ("old_hebrew", "iw", "he"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("tag", "code"), [pytest.param(*row[1:], id=row[0]) for row in CODES])
def test_codes(tag: str, code: str) -> None:
    assert code_of(tag) == code


def test_named_languages_come_once_and_in_order() -> None:
    lists = Languages([language_from(tomllib.loads(LIST), 0)])
    assert [one.code for one in lists.named(["de-CH", None, "xx", "de"])] == ["de"]


GUESSES = [  # id, text, first code
    ("kana", "革靴の通販", "ja"),
    ("hangul", "등산화", "ko"),
    ("ukrainian_letters", "свічки з воску", "uk"),
    ("russian_letters", "зелёный чай", "ru"),
    ("stop_words", "fromage en ligne pour vous", "fr"),
]


@pytest.mark.parametrize(("text", "code"), [pytest.param(*row[1:], id=row[0]) for row in GUESSES])
def test_guessed_languages(text: str, code: str) -> None:
    assert languages().guessed(split(text))[:1] == (code,)


def test_nothing_is_guessed_from_nothing() -> None:
    assert languages().guessed(split("Lampovo 365")) == ()


def test_countries() -> None:
    assert [of_domain(host) for host in ("a.de", "a.com.br", "a.jp", "a.com", "xn--80a.xn--p1ai")][:4] == [
        "de",
        "pt",
        "ja",
        None,
    ]


def test_legal_forms_are_words() -> None:
    forms, longest = legal_forms()
    assert ("gmbh",) in forms
    assert longest >= 2


STATED = [
    ("de-AT", "de"), ("pt_BR", "pt"), (" EN ", "en"), ("nb-NO", "no"), ("nn", "no"), ("iw", "he"), ("hr", "hr"),
    ("fil-PH", "fil"), ("english", None), ("x", None), ("", None), (None, None), ("e1", None), ("\u0440\u0443", None),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "code"), STATED)
def test_the_language_a_page_states(stated: str | None, code: str | None) -> None:
    assert language_of(stated) == code
