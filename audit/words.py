"""How words are compared: cleaning, folding, splitting, stems, typing errors. Nothing here knows a profile.

A text is cleaned once (`cleaned`), split into `Word` values (`split`), and from then on only words are compared. Words
repeat, so what is known of one (its folds, its stems, the lists it stands in) is worked out once and kept.

Sources: NFKC, https://www.unicode.org/reports/tr15/; case folding, Unicode 5.18; stems, https://snowballstem.org/;
optimal string alignment, https://rapidfuzz.github.io/RapidFuzz/Usage/distance/OSA.html. docs/anchor-classes.md has
every step with its reason.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

from crawler.anchors import BLANKS

LONGEST = 2_000
"""Characters of an anchor that are read: no rule needs more, and no page can make one judgement slow."""
MOST_WORDS = 300
SHORTEST_TYPO = 5
"""Letters of a name or keyword below which a differing letter makes another word."""

_SIGNS = dict.fromkeys(map(ord, "™℠®©℗ⓇⒸℹ"))
"""Dropped before NFKC, which would spell them out: a name would end in "TM", an information sign be a letter."""
_QUOTES = dict.fromkeys("’‘‛ʼ`´ʹ′", "'") | dict.fromkeys("“”„‟″״", '"')
_INVISIBLE = frozenset(ord(char) for char in BLANKS if not char.isspace()) | {*range(0xFE00, 0xFE10), 0x20E3}
"""With the signs that only choose how the character before them is drawn."""
_POSSESSIVE = re.compile(r"(?<=\w)'[sS](?!\w)")
_INNER_MARK = re.compile(r"(?<=[\u0400-\u04ff\u05d0-\u05ea])['\"׳](?=[\u0400-\u04ff\u05d0-\u05ea])")
"""The Ukrainian apostrophe and the mark in Hebrew abbreviations part no words."""
_SHARP = re.compile(r"(?<![\w#+])([A-Za-z])(#|\+\+)(?![\w#+])")

# Scripts that write no spaces between words; Hangul too, as its particles cling to the word before.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
UNSPACED = re.compile(f"[{_UNSPACED}]")
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_SEPARATE = {"й", "ї", "ў", "ѓ", "ќ"}
"""Letters of their own, which only look like another one with a mark."""
_PLAIN = {
    "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ħ": "h", "ŧ": "t",
    "ŋ": "n", "ə": "e", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "ґ": "г", "ё": "е",
}  # fmt: skip
_WRITTEN_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_UMLAUT = re.compile("[äöüøå]")


class _Table(dict[int, str]):
    """A translation that works each character out when it first occurs."""

    def __init__(self, of: Callable[[str], str]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, code: int) -> str:
        found = self[code] = self._of(chr(code))
        return found


def _is_mark(char: str) -> bool:
    """A sign above or below that may be left out in writing; the vowel signs of Indic scripts and Thai may not."""
    code = ord(char)
    return (
        0x300 <= code <= 0x36F
        or 0x591 <= code <= 0x5C7
        or 0x610 <= code <= 0x61A
        or 0x64B <= code <= 0x65F
        or code in (0x640, 0x670, 0x93C, 0x9BC, 0xA3C)  # tatweel, dagger alef, nuqta
        or 0x6D6 <= code <= 0x6ED
        or 0x1AB0 <= code <= 0x1AFF
        or 0x1DC0 <= code <= 0x1DFF
    ) and not 0x6DD <= code <= 0x6DE


def _lower(char: str) -> str:
    """One cleaned character as it stands in a word, or a space where it stands between words."""
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    if category[0] in "LNM":
        return "i" if char in "İ" else char.lower()
    return {"&": " & ", "#": " ", "\ue000": "#", "\ue001": "++"}.get(char, " ")


def _bare(char: str) -> str:
    if char in _PLAIN:
        return _PLAIN[char]
    if char in _SEPARATE:
        return char
    folded = "".join(part for part in unicodedata.normalize("NFD", char.casefold()) if not _is_mark(part))
    return "".join(_PLAIN.get(part, part) for part in unicodedata.normalize("NFC", folded))


def _shown(char: str) -> str:
    """One character of a text after NFKC, in its usual form; nothing for what nobody sees."""
    if ord(char) in _INVISIBLE or unicodedata.category(char) in ("Cf", "Cs", "Co"):
        return ""
    return _QUOTES.get(char, char)


_LOWER, _FOLD, _SHOWN = _Table(_lower), _Table(_bare), _Table(_shown)


class Word(NamedTuple):
    """One word of a text."""

    lower: str
    """In small letters, with its accents: stop words and stems are looked up so."""
    fold: str
    """Without accents."""
    other: str
    """The fold with umlauts written out (``ae``); mostly equal to ``fold``."""
    unspaced: bool
    """Of a script without spaces between words: it may hold several words."""


@lru_cache(maxsize=200_000)
def word_of(lower: str) -> Word:
    """What is known of one word, written in small letters."""
    fold = lower if lower.isascii() else lower.translate(_FOLD)
    other = fold
    if not lower.isascii() and _UMLAUT.search(lower):
        other = "".join(_WRITTEN_OUT.get(char, char) for char in lower).translate(_FOLD)
    return Word(lower, fold or lower, other or lower, not lower.isascii() and UNSPACED.search(lower) is not None)


def cleaned(text: str) -> str:
    """A text as a reader sees it: entities decoded twice, no trade mark signs, NFKC, one kind of quotes.

    Never raises; of a longer text the first `LONGEST` characters are read. Cleaning a cleaned text changes nothing
    but entities that were encoded more than twice.
    """
    if len(text) > LONGEST:
        text = text[:LONGEST]
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SHOWN)
    elif "`" in text:
        text = text.replace("`", "'")
    return " ".join(text.split())


def lowers(clean: str) -> list[str]:
    """The words of a cleaned text in small letters; ``&`` is a word."""
    if "'" in clean or '"' in clean:
        clean = _POSSESSIVE.sub("", clean)
        if not clean.isascii():
            clean = _INNER_MARK.sub("", clean)
    if "#" in clean or "++" in clean:
        clean = _SHARP.sub(lambda found: found[1] + ("\ue000" if found[2] == "#" else "\ue001"), clean)
    found = clean.translate(_LOWER).split()
    if not clean.isascii() and UNSPACED.search(clean) is not None:
        found = [run for word in found for run in (_RUNS.findall(word) if UNSPACED.search(word) else (word,))]
    if not clean.isascii():  # a mark that stands alone is no word
        found = [word for word in found if word[0].isalnum() or word == "&" or any(map(str.isalnum, word))]
    return found[:MOST_WORDS]


def split(text: str) -> tuple[Word, ...]:
    """The words of any text, cleaned first: for lists, names and keywords."""
    return tuple(map(word_of, lowers(cleaned(text))))


def folded(text: str) -> str:
    """The fold of a text: its words without accents, a space between two."""
    return " ".join(word.fold for word in split(text))


def has_letter(text: str) -> bool:
    """Whether a letter or a digit is left."""
    return any(map(str.isalnum, text))


# --- stems -----------------------------------------------------------------------------------------------------------

_ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hr": "serbian", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sk": "czech",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""Snowball's stemmers by language. Slovak takes the Czech one: their endings are much the same."""
MANY_ENDINGS = frozenset(
    (
        "bg",
        "cs",
        "da",
        "el",
        "et",
        "fi",
        "hi",
        "hr",
        "hu",
        "lt",
        "lv",
        "no",
        "pl",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "tr",
        "uk",
    )
)
"""Languages of many endings, where two long words that part only near their ends are taken for forms of one."""
PREFIXING = frozenset(("ar", "fa", "he", "id"))
"""Languages in which a form may begin with another letter than the word."""
_ENDINGS_ALONE = {
    "bg": re.compile("(?<=.{3})(?:овете|ове|ите|ият|ия|ата|ята|ето|ото|ът|ят|та|то|те|а|я|и|о|е|ь)$"),
    "fa": re.compile("(?<=.{2})(?:هايي|هاي|ها|ان|ات|ي)$"),
    "he": re.compile("(?<=.{2})(?:יים|ים|ות|ית|ה|ת|י)$"),
    "uk": re.compile(
        "(?<=.{3})(?:ього|ьому|ого|ому|ими|іми|ами|ями|ові|еві|ий|ій|им|ім|их|іх|ої|ою|єю|ею|ів|їв|ам|ям|ах|ях|ом|ем|"
        "а|я|у|ю|и|і|ї|е|є|о|ь)$"
    ),
}
"""The endings of nouns and adjectives of languages without a stemmer, or whose stemmer leaves most of them."""
_HEBREW_PREFIX = re.compile("^[ושכבלמה]{1,2}(?=.{2})")
_ARABIC_PREFIX = re.compile("^(?:[وف]?(?:بال|كال|لل|ال)|و(?=.{4}))(?=.{2})")
_PLURALS = {
    "de": (("", "e"), ("", "en"), ("", "er"), ("", "n"), ("", "s")),
    "en": (("", "s"), ("", "es"), ("f", "ves"), ("fe", "ves")),
    "es": (("", "s"), ("", "es"), ("z", "ces")),
    "fr": (("", "s"), ("", "x"), ("al", "aux")),
    "it": (("o", "i"), ("a", "e"), ("e", "i"), ("co", "chi"), ("ca", "che"), ("go", "ghi"), ("ga", "ghe"), ("io", "i")),
    "nl": (("", "en"), ("", "s"), ("s", "zen"), ("f", "ven")),
    "pt": (("", "s"), ("", "es"), ("l", "is"), ("m", "ns"), ("ao", "oes"), ("ao", "aes")),
}
"""(ending of the singular, of the plural), folded."""


@cache
def _stemmer(algorithm: str) -> Callable[[str], str]:
    import snowballstemmer

    found: Callable[[str], str] = snowballstemmer.stemmer(algorithm).stemWord
    return found


@lru_cache(maxsize=100_000)
def stem(lower: str, language: str) -> str:
    """The stem of a word in a language, folded; the folded word where the language has no stemmer."""
    if len(lower) > 60 or any(map(str.isdigit, lower)):
        return word_of(lower).fold
    if language in _ENDINGS_ALONE:
        return _ENDINGS_ALONE[language].sub("", word_of(lower).fold)
    name = _ALGORITHMS.get(language)
    if name is None:
        return word_of(lower).fold
    if language == "ar":  # with its article a noun is taken for no verb, whose prefix would go
        lower = "ال" + _ARABIC_PREFIX.sub("", lower)
    found = word_of(_stemmer(name)(lower)).fold
    if language == "fr" and len(found) > 3 and found[-1] in "sx" and found[-2] in "oau":
        found = found[:-1]  # Snowball leaves the plural of "vélos" and "bureaux" as it is
    return found


def same_stem(one: str, other: str, language: str) -> bool:
    """Whether two words in small letters are forms of one word in a language."""
    if stem(one, language) == stem(other, language):
        return True
    if language == "he":
        return not _hebrew(one).isdisjoint(_hebrew(other))
    left, right = word_of(one).fold, word_of(other).fold
    if language in _PLURALS and (_is_plural(left, right, language) or _is_plural(right, left, language)):
        return True
    return language in MANY_ENDINGS and _part_late(left, right)


def _hebrew(lower: str) -> set[str]:
    """A Hebrew word without its ending, with and without what may be a preposition, article or conjunction."""
    fold = word_of(lower).fold
    return {_ENDINGS_ALONE["he"].sub("", form) for form in (fold, _HEBREW_PREFIX.sub("", fold))}


def _is_plural(plural: str, word: str, language: str) -> bool:
    """The plain plural, for the words whose two forms Snowball gives two stems."""
    return len(word) >= 3 and any(
        word.endswith(end) and plural == word[: len(word) - len(end)] + new for end, new in _PLURALS[language]
    )


def _part_late(one: str, other: str) -> bool:
    """Whether two words begin alike and differ in short endings only."""
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    rests = sorted((len(one) - shared, len(other) - shared))
    if shared < 4 or rests[0] > (2 if shared == 4 else 3) or rests[1] > (3 if shared < 6 else 4):
        return False
    return not any(map(str.isdigit, one + other))


def one_typo(one: str, other: str) -> bool:
    """Whether one edit (a letter more, less, other, or two swapped) parts two folded words of the same first letter.

    Both have at least `SHORTEST_TYPO` letters less the one that may be missing.
    """
    if one[:1] != other[:1] or abs(len(one) - len(other)) > 1 or max(len(one), len(other)) < SHORTEST_TYPO:
        return False
    if any(map(str.isdigit, one)) or any(map(str.isdigit, other)):
        return False  # "40l" is no misspelt "50l"
    return _distance()(one, other, score_cutoff=1) == 1


@cache
def _distance() -> Callable[..., int]:
    from rapidfuzz.distance import OSA

    return OSA.distance


def pairs(joined: str) -> frozenset[str]:
    """The pairs of neighbouring characters; of a single character, itself."""
    if len(joined) < 2:
        return frozenset((joined,)) if joined else frozenset()
    return frozenset(joined[at : at + 2] for at in range(len(joined) - 1))
