"""Words that only point: calls to action, kinds of pages, numbers, prices, footnotes; and alts that say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from audit.languages import EVERYWHERE, Language, amounts, languages, month_names, written
from audit.words import Word, split

_NUMBER = re.compile(
    r"\d+(?:st|nd|rd|th|e|er|re|eme|ere|o|a|x|k|m|h|min|kb|mb|gb|kib|mib|gib|ko|mo|go|px|pt)?|\d+x\d+|\d+h\d+|v\d+|p\d+|q[1-4]"
)
_DOLLARS = re.compile(r"(?<!\w)(?:[A-Z]{1,3}|[a-z])\$(?=\s?\d)", re.IGNORECASE)
"""R$, US$, A$: the letters before the sign are no word."""
_COUNTED_HANGUL = re.compile("[0-9]([\uac00-\ud7a3]+)")
_TOPICS = frozenset((
    "free shipping", "free software", "image search", "open data", "open source", "photo gallery", "price index",
    "video game", "video games", "web design", "website design",
))  # fmt: skip
"""Subjects of their own whose words alone only point."""
_ROMAN = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})\.?")
_MARK = re.compile(
    r"[\[(\u3010\u300c\uff3b]?\s*(?:[a-z]|[ivxlc]{1,6}|(?:note|ref|fn|n|nb|notes?|anm|cit)\.?\s*\d*)\s*[\])\u3011\u300d]",
    re.IGNORECASE,
)


class Generic:
    """The generic words of all languages, and those of one profile."""

    def __init__(self, further: Iterable[str] = ()) -> None:
        self._lists = languages()
        self.further = frozenset(" ".join(word.fold for word in split(text)) for text in further) - {""}

    def verdict(
        self, words: Sequence[Word], clean: str, known: tuple[Language, ...], *, own: int = 0, sure: bool = False
    ) -> tuple[str, str] | None:
        """(rule, why) where a text says nothing of what it leads to.

        Args:
            clean: the whole text, cleaned.
            known: the languages at hand; all others are tried too, for phrases of several words.
            own: bits of the page's own languages: their words count without their accents too.
            sure: the language of the page is among them; else single words of all others count too.
        """
        if "$" in clean and (found := _DOLLARS.sub("$", clean)) != clean:
            words = split(found)
        if all(_is_number(word.fold) for word in words):
            return "number_alone", "numbers alone"
        if _MARK.fullmatch(clean) is not None or _ROMAN.fullmatch(clean) is not None:
            return "footnote_mark", "a footnote mark"
        key = " ".join(word.fold for word in words)
        if key in self.further:
            return "generic_phrase", "a phrase that the profile calls generic"
        language = self._language(words, clean, known, own, sure=sure)
        if language is None:
            return None
        if key in language.phrases:
            return "generic_phrase", f"a phrase that only points ({language.name})"
        return "generic_words", f"only words that point, stop words and numbers ({language.name})"

    def _language(
        self, words: Sequence[Word], clean: str, known: tuple[Language, ...], own: int, *, sure: bool
    ) -> Language | None:
        if any(word.unspaced for word in words):
            for language in known:
                if _covers_unspaced(words, clean, language):
                    return language
            joined = "".join(word.fold for word in words)
            return next((one for one in self._lists.by_code.values() if joined in one.phrases), None)
        bits = self._lists.all_bits
        for word in words:
            bits &= self.bits(word)
            if not bits:
                return None
        accents = any(word.lower != word.fold and word.fold.isascii() for word in words)
        for language in known:
            if bits & language.bit:
                near = not accents or language.bit & own
                if _covers(words, language, as_written=not near) is not None:
                    return language
        sure = sure and not self._of_other_script(words, known)
        for language in self._lists.by_code.values():
            if not bits & language.bit or language in known:
                continue
            if _covers(words, language, as_written=True, foreign=True, single=not sure):
                if sure and " ".join(map(written, words)) in language.pages:
                    continue  # a topic elsewhere
                return language
        return None

    def _of_other_script(self, words: Sequence[Word], known: tuple[Language, ...]) -> bool:
        """Whether the script tells that the words are of no language at hand."""
        if words[0].fold.isascii():
            return False
        codes = self._lists.guessed(tuple(words))
        return not any(language.code in codes for language in known)

    def bits(self, word: Word) -> int:
        """Bits of the languages that may read the word as generic; a run without spaces is looked at later."""
        if word.unspaced:
            return self._lists.all_bits
        if word.fold in EVERYWHERE or word.fold == "&" or _is_number(word.fold) or _beside_amount(word.fold):
            return self._lists.all_bits
        found = self._lists.vocabulary.get(word.fold, 0)
        return found if word.lower == word.fold else found | self._lists.vocabulary.get(word.lower, 0)

    def placeholder(self, words: Sequence[Word], known: tuple[Language, ...]) -> bool:
        """Whether an alt only says that there is an image."""
        if any(_is_placeholder(words, language) for language in known):
            return True
        others = (one for one in self._lists.by_code.values() if one not in known)
        return any(_is_placeholder(words, language, alone=True) for language in others)


def _is_number(fold: str) -> bool:
    if fold.isdigit():
        return True
    if not any(map(str.isdigit, fold)):
        return False
    if _NUMBER.fullmatch(fold) is not None:
        return True
    unit = fold.strip("0123456789")
    return unit in amounts().currency and (unit != "d" or len(fold) > 3)  # "3D" is no price in dong


def _beside_amount(fold: str) -> bool:
    """Whether a word only says what a number counts: money, size, time, or the month of a date."""
    return fold in amounts().beside or fold in amounts().currency or fold in month_names()


def _is_empty_word(word: Word, language: Language, *, as_written: bool = False) -> bool:
    stop = language.stop if as_written else language.stop_written
    return word.lower in stop or _is_number(word.fold) or word.fold == "&"


def _covers(
    words: Sequence[Word],
    language: Language,
    *,
    as_written: bool = False,
    foreign: bool = False,
    single: bool = True,
) -> bool | None:
    """None where words are left over; else whether more than stop words was found.

    Two kinds of pages side by side and nothing else ("team calendar") are a topic, not a pointer.

    Args:
        as_written: words are compared with their accents.
        foreign: not of a language at hand: words of the web do not count.
        single: one word that points is enough; else a phrase of several has to be there.
    """
    folds = [word.fold for word in words]
    forms, phrases = ([written(word) for word in words], language.written) if as_written else (folds, language.phrases)
    counts = any(map(_is_number, folds))
    at, strong, helped, kinds, units = 0, False, False, 0, 0
    while at < len(folds):
        units += 1
        for count in range(min(language.longest, len(folds) - at), 0, -1):
            key = " ".join(forms[at : at + count])
            if key in phrases:
                at += count
                strong = strong or single or count > 1
                kinds += key in language.pages
                break
        else:
            fold = folds[at]
            if fold in amounts().currency or (counts and _beside_amount(fold)) or (fold in EVERYWHERE and not foreign):
                strong = True
            elif fold in language.beside and not foreign:
                helped = True
            elif not _is_empty_word(words[at], language, as_written=as_written):
                return None
            at += 1
    if (kinds == units > 1) or (helped and not strong) or " ".join(folds) in _TOPICS:
        return None
    return strong


def _is_counter(run: str, language: Language) -> bool:
    """Whether a Korean word written as one with a number only counts: "페이지", "번에서" but not "번가", a street."""
    if run in language.phrases:
        return True
    counters = [end for end in range(1, len(run) + 1) if run[:end] in amounts().counted | amounts().currency]
    return any(not run[end:] or (run[end:] in language.stop_written and run[end:] != "가") for end in counters)


def _covers_unspaced(words: Sequence[Word], clean: str, language: Language) -> bool:
    """Whether runs without spaces are made of generic phrases and function words, the rest of numbers and the like."""
    if not all(_is_counter(run, language) for run in _COUNTED_HANGUL.findall(clean)):
        return False
    strong = False
    run = ""
    counts = any(_is_number(word.fold) for word in words)
    for word in (*words, None):
        if word is not None and word.unspaced:
            if counts and (word.fold in amounts().counted or word.fold in month_names()):
                strong = True
            else:
                run += word.fold
            continue
        if run:
            covered = _covers_run(run, language)
            if covered is None:
                return False
            strong = strong or covered
            run = ""
        if word is not None:
            fold = word.fold
            if (
                fold in language.phrases
                or fold in EVERYWHERE
                or fold in amounts().currency
                or (counts and _beside_amount(fold))
            ):
                strong = True
            elif not _is_empty_word(word, language):
                return False
    return strong


def _covers_run(run: str, language: Language) -> bool | None:
    """None where characters are left over; else whether a phrase was found."""
    reached: list[bool | None] = [None] * (len(run) + 1)
    reached[0] = False
    for start in range(len(run)):
        strong = reached[start]
        if strong is None:
            continue
        for end in range(start + 1, min(len(run), start + language.longest_joined) + 1):
            part = run[start:end]
            if part in language.phrases or part in amounts().currency:
                reached[end] = True
            elif (part in language.stop_written or part in language.beside) and reached[end] is None:
                reached[end] = strong
    return reached[-1]


def _is_placeholder(words: Sequence[Word], language: Language, *, alone: bool = False) -> bool:
    """Whether there are placeholder words, and beside them only numbers and (not ``alone``) words that say nothing."""
    folds = [word.fold.rstrip("0123456789") or word.fold for word in words]
    at, found = 0, False
    while at < len(folds):
        for count in range(min(4, len(folds) - at), 0, -1):
            key = " ".join(folds[at : at + count])
            if key in language.placeholders or (not alone and key in language.phrases):
                at += count
                found = found or key in language.placeholders
                break
        else:
            if alone and not _is_number(words[at].fold):
                return False
            if not _is_empty_word(words[at], language):
                return False
            at += 1
    return found
