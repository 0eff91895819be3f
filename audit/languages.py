"""The word lists of each language: articles, stop words, phrases that only point, page kinds, placeholders, endings.

One file a language, ``data/words/<ISO 639-1>.toml``, with its sources; a language is added by adding a file. They are
read when first asked for. Words are compared by their fold (see audit/words.py), stop words with their accents first.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from audit.words import Word, split

WORDS = Path(__file__).parent / "data" / "words"
AMOUNTS = Path(__file__).parent / "data" / "amounts.toml"
MONTHS = Path(__file__).parent / "data" / "months.toml"
LEGAL_FORMS = Path(__file__).parent / "data" / "legal_forms.toml"

_ALIASES = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "tl": "fil"}
"""Other codes of a language."""
_SAME = {**_ALIASES, "hr": "sr", "bs": "sr"}
"""The same, and codes of languages whose words are mostly those of another: for comparing, not for showing."""
EVERYWHERE = frozenset(
    (
        "pdf",
        "www",
        "http",
        "https",
        "url",
        "link",
        "html",
        "htm",
        "rss",
        "faq",
        "ok",
        "info",
        "web",
        "online",
        "xml",
        "doi",
        "isbn",
        "issn",
        "pmid",
        "ibid",
    )
)
"""Words of the web that stand in anchors of every language."""
_PLACEHOLDERS = frozenset(
    ("img", "image", "pic", "picture", "photo", "logo", "icon", "banner", "thumb", "thumbnail", "dsc", "dscn", "dscf",
     "pxl", "screenshot", "spacer", "pixel", "placeholder", "untitled", "unnamed", "null", "undefined", "alt", "avatar",
     "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "button", "btn", "arrow", "img1", "whatsapp"),
)  # fmt: skip
"""What cameras, editors and templates write where an image should be described, in any language."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language's lists, ready for comparison."""

    code: str
    """ISO 639-1."""
    name: str
    articles: frozenset[str]
    """Folded single words."""
    stop: frozenset[str]
    """Function words in small letters with their accents."""
    stop_written: frozenset[str]
    """The same, with accents and (three letters or more) without: "su" is not "şu"."""
    phrases: frozenset[str]
    """Phrases, pointing words and kinds of pages: folded words, a space between two; each also as one word."""
    written: frozenset[str]
    """The same with their accents: how phrases of other languages than the page's are compared."""
    beside: frozenset[str]
    """Folded words that point only beside others: "window" opens nothing alone."""
    pages: frozenset[str]
    """Of the phrases, the kinds of pages."""
    longest: int
    """Words of the longest phrase."""
    longest_joined: int
    """Characters of the longest phrase written without spaces."""
    placeholders: frozenset[str]
    endings: tuple[str, ...]
    """Folded case endings a name may take, the longest first."""
    bit: int
    """One bit of its own, to find quickly which languages know all words of a text."""


def written(word: Word) -> str:
    """A word of Latin letters with its accents; the fold of any other."""
    return word.lower if word.fold.isascii() else word.fold


def _written_keys(text: str) -> Iterable[str]:
    words = split(text)
    joined = "".join(map(written, words))
    yield " ".join(map(written, words))
    if len(joined) >= 6 or any(word.unspaced for word in words):
        yield joined


def _phrase_keys(text: str) -> Iterable[str]:
    """How a phrase of a list may stand in a text: folded, with umlauts written out, and run together."""
    words = split(text)
    if not words:
        return
    for key in ([word.fold for word in words], [word.other for word in words]):
        yield " ".join(key)
        joined = "".join(key)
        if len(joined) >= 6 or any(word.unspaced for word in words):
            yield joined


def _keys(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(key for text in texts for key in _phrase_keys(text))


def language_from(data: Mapping[str, object], bit: int) -> Language:
    """A language from the content of its file.

    Raises:
        ValueError: a key is missing or of another type; the message names it.
    """

    def texts(key: str) -> list[str]:
        found = data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise ValueError(f"{data.get('language')}: {key} is no list of texts")
        return found

    code, name = data.get("language"), data.get("name")
    if not isinstance(code, str) or not isinstance(name, str):
        raise ValueError("a word list needs language and name")
    single = [words[0] for text in texts("stop") if len(words := split(text)) == 1]
    compound = [text for text in texts("stop") if len(split(text)) > 1]
    pages = _keys(texts("pages"))
    pointing = [*texts("generic"), *texts("words"), *texts("pages"), *compound]
    phrases = _keys(pointing)
    stop = frozenset(word.lower for word in single)
    return Language(
        code=code,
        name=name,
        articles=frozenset(words[0].fold for text in texts("articles") if (words := split(text))),
        stop=stop,
        stop_written=stop | frozenset(form for word in single for form in (word.fold, word.other) if len(form) > 2),
        phrases=phrases,
        written=frozenset(key for text in pointing for key in _written_keys(text)) - {""},
        beside=_keys(texts("beside")),
        pages=pages,
        longest=max((key.count(" ") + 1 for key in phrases), default=1),
        longest_joined=max((len(key) for key in phrases if " " not in key), default=1),
        placeholders=_keys(texts("placeholders")) | _PLACEHOLDERS,
        endings=tuple(sorted({word.fold for text in texts("endings") for word in split(text)}, key=len, reverse=True)),
        bit=1 << bit,
    )


class Languages:
    """All languages there are lists for."""

    def __init__(self, found: Iterable[Language]) -> None:
        self.by_code = {language.code: language for language in found}
        self.vocabulary: dict[str, int] = {}
        """Word of any list of a language -> bits of the languages; words of unspaced scripts are left out."""
        self.all_bits = 0
        for language in self.by_code.values():
            self.all_bits |= language.bit
            words = {word for phrase in language.phrases for word in phrase.split()} | language.stop_written
            words |= language.beside
            for word in words:
                self.vocabulary[word] = self.vocabulary.get(word, 0) | language.bit
        self.pointing: dict[str, int] = {}
        """The same for single words that are a phrase of their own: nobody misspelt a name in writing them."""
        for language in self.by_code.values():
            for phrase in language.phrases | language.beside:
                if " " not in phrase:
                    self.pointing[phrase] = self.pointing.get(phrase, 0) | language.bit

    def named(self, codes: Iterable[str | None]) -> tuple[Language, ...]:
        """The languages of some codes (``de``, ``de-AT``, ``DE_at``), each once; those without lists are left out."""
        found: dict[str, Language] = {}
        for code in codes:
            language = self.by_code.get(code_of(code)) if code else None
            if language is not None:
                found.setdefault(language.code, language)
        return tuple(found.values())

    def guessed(self, words: tuple[Word, ...]) -> tuple[str, ...]:
        """Codes of languages the words may be of, by script and stop words; () where nothing tells."""
        text = "".join(word.lower for word in words)
        if not text.isascii():
            for pattern, codes in _SCRIPTS:
                if pattern.search(text):
                    return codes
        counts = {code: sum(word.lower in language.stop for word in words) for code, language in self.by_code.items()}
        most = max(counts.values(), default=0)
        if most == 0 or most == len(words):
            return ()
        best = tuple(code for code, count in counts.items() if count == most)
        return best if len(best) <= 6 else ()


_SCRIPTS = tuple(
    (re.compile(pattern), codes)
    for pattern, codes in (
        ("[\u3040-\u30ff]", ("ja",)),
        ("[\uac00-\ud7a3]", ("ko",)),
        ("[\u4e00-\u9fff]", ("zh", "ja")),
        ("[\u0e00-\u0e7f]", ("th",)),
        ("[\u0900-\u097f]", ("hi",)),
        ("[\u0590-\u05ff]", ("he",)),
        ("[پچژگکی]", ("fa", "ar")),
        ("[\u0600-\u06ff]", ("ar", "fa")),
        ("[\u0370-\u03ff]", ("el",)),
        ("[іїєґ]", ("uk", "ru")),
        ("[ыэё]", ("ru", "uk")),
        ("[\u0400-\u04ff]", ("ru", "uk", "bg", "sr")),
    )
)


def code_of(code: str) -> str:
    """ISO 639-1 from a language tag: ``de`` from ``de-AT``, ``no`` from ``nb``."""
    short = re.split("[-_]", code.strip().lower(), maxsplit=1)[0]
    return _SAME.get(short, short)


def language_of(stated: str | None) -> str | None:
    """The language a page states, as it is shown: ``de`` of ``de_AT``, ``no`` of ``nb-NO``; None of what is no tag."""
    short = re.split("[-_]", (stated or "").strip().lower(), maxsplit=1)[0].strip()
    return _ALIASES.get(short, short) if 2 <= len(short) <= 3 and short.isascii() and short.isalpha() else None


_BY_DOMAIN = {
    "at": "de", "br": "pt", "mx": "es", "ar": "es", "cl": "es", "co": "", "ua": "uk", "gr": "el", "jp": "ja",
    "cn": "zh", "tw": "zh", "hk": "zh", "kr": "ko", "il": "he", "ir": "fa", "in": "", "se": "sv", "dk": "da",
    "cz": "cs", "vn": "vi", "рф": "ru", "by": "ru", "be": "nl", "ch": "de", "eg": "ar", "sa": "ar",
}  # fmt: skip
_COUNTRIES = frozenset(
    ("de", "fr", "es", "it", "pt", "nl", "no", "fi", "pl", "sk", "hu", "ro", "bg", "ru", "tr", "id", "th")
)


def of_domain(host: str) -> str | None:
    """The language a country's domain tells, where it is the usual one there."""
    last = host.rstrip(".").rpartition(".")[2]
    return _BY_DOMAIN.get(last) or (last if last in _COUNTRIES else None)


@cache
def languages() -> Languages:
    """The languages of the installed data files, read once.

    Raises:
        ValueError: a file is broken; the message says which.
    """
    found = []
    for bit, path in enumerate(sorted(WORDS.glob("*.toml"))):
        try:
            found.append(language_from(tomllib.loads(path.read_text("utf-8")), bit))
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
    return Languages(found)


class Amounts(NamedTuple):
    """Words beside numbers, folded."""

    currency: frozenset[str]
    beside: frozenset[str]
    counted: frozenset[str]


@cache
def amounts() -> Amounts:
    """What stands beside a number without a topic of its own."""
    data = tomllib.loads(AMOUNTS.read_text("utf-8"))
    return Amounts(
        *(
            frozenset("".join(word.fold for word in split(text)) for text in data[key])
            for key in ("currency", "beside", "counted")
        )
    )


@cache
def month_names() -> frozenset[str]:
    """The names of the months in all languages, folded; a date is as good as a number."""
    if not MONTHS.exists():
        return frozenset()
    rows = tomllib.loads(MONTHS.read_text("utf-8")).values()
    lists = [months for months in rows if isinstance(months, list)]
    return frozenset(word.fold for months in lists for names in months for name in names for word in split(name))


@cache
def legal_forms() -> tuple[frozenset[tuple[str, ...]], int]:
    """(legal forms of companies as folded words, words of the longest)."""
    if not LEGAL_FORMS.exists():
        return frozenset(), 0
    data = tomllib.loads(LEGAL_FORMS.read_text("utf-8"))
    found = frozenset(tuple(word.fold for word in split(form)) for form in data["forms"]) - {()}
    return found, max(map(len, found), default=0)
