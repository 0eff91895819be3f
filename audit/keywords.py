"""The keywords of a target, prepared: is a text one of them, and how much of one does it hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from audit.brands import forms_with_and
from audit.languages import Language, languages
from audit.words import PREFIXING, Word, one_typo, pairs, same_stem, split

ENOUGH = 0.6
"""Share of a keyword's content words that makes a text speak of it: 2 of 2, 2 of 3, 3 of 4, 3 of 5."""

_MOST_JOINED = 5
"""Words of a keyword that are looked for run together."""


class Cover(NamedTuple):
    """How much of one keyword a text holds."""

    share: float
    keyword: str
    phrase: bool
    """The whole keyword, its words side by side in their order."""
    close: bool
    """Found by an inflected form, a typing error or in another order only."""
    found: tuple[str, ...]
    """The keyword's words that were found."""


@dataclass(frozen=True, slots=True)
class _Keyword:
    text: str
    words: tuple[Word, ...]
    content: tuple[int, ...]
    """Indexes of the words that count."""
    keys: frozenset[str]
    """Folded spellings with spaces."""
    joined: str
    unspaced: bool
    pairs: frozenset[str]


class Match(NamedTuple):
    """What one word of a text is in the keywords: (keyword, word) indexes."""

    same: frozenset[tuple[int, int]]
    near: frozenset[tuple[int, int]]
    """By stem or with a typing error."""


NOTHING = Match(frozenset(), frozenset())


class Keywords:
    """The keywords of one section of a profile."""

    def __init__(
        self,
        texts: Iterable[str],
        languages_: tuple[Language, ...],
        hint: tuple[Language, ...],
        codes: Iterable[str] = (),
    ) -> None:
        """Prepare keywords.

        Args:
            languages_: of the profile; their stop words do not count.
            hint: tried where none of those has a stop word of the keyword.
            codes: ISO 639-1, of the profile's languages, with lists or without.
        """
        self._exact: dict[str, str] = {}
        self._joined: dict[str, str] = {}
        self._keywords: list[_Keyword] = []
        self.words: frozenset[str] = frozenset()
        articles = frozenset(article for language in (*languages_, *hint) for article in language.articles)
        found_languages: dict[str, Language] = {language.code: language for language in languages_}
        lists = languages()
        for text in dict.fromkeys(texts):
            words = split(text)
            if not words:
                continue
            stop = {word.lower for word in words for language in languages_ if word.lower in language.stop}
            # A stop word of some language may be a content word of this one: only inside a keyword it tells anything.
            guessed = lists.named(lists.guessed(words[1:-1])) if not languages_ and len(words) > 2 else ()
            if not stop:
                for language in (*hint, *guessed):
                    known = {word.lower for word in words if word.lower in language.stop}
                    if known:
                        stop = known
                        found_languages.setdefault(language.code, language)
                        break
            if not found_languages:
                scripts = lists.named(lists.guessed(words)) if not words[0].lower.isascii() else guessed
                found_languages.update((language.code, language) for language in scripts)
            content = tuple(at for at, word in enumerate(words) if word.lower not in stop and word.lower != "&")
            keys = set()
            unmarked = split(text.replace("'", "").replace("’", ""))  # "mens shoes" for "men's shoes"
            for form in (
                [word.fold for word in words],
                [word.other for word in words],
                [word.fold for word in unmarked],
            ):
                for written in forms_with_and(form, (*languages_, *found_languages.values())):
                    for bare in (written, written[1:] if len(written) > 1 and written[0] in articles else written):
                        keys.add(" ".join(bare))
            for key in keys:
                self._exact.setdefault(key, text)
                joined = "".join(part for part in key.split() if part != "&")
                if len(joined) >= 4 or any(word.unspaced for word in words):
                    self._joined.setdefault(joined, text)
            joined = "".join(word.fold for word in words if word.fold != "&")
            unspaced = any(word.unspaced for word in words)
            self._keywords.append(
                _Keyword(
                    text=text,
                    words=words,
                    content=content or tuple(range(len(words))),
                    keys=frozenset(keys),
                    joined=joined,
                    unspaced=unspaced,
                    pairs=pairs(joined) if unspaced else frozenset(),
                )
            )
        self.codes = tuple(dict.fromkeys((*codes, *found_languages)))
        """The languages whose stems the keywords are compared in."""
        self._by_form: dict[str, set[tuple[int, int]]] = {}
        forms: dict[tuple[str, str], set[tuple[int, int]]] = {}
        """(small letters, fold) of each word, and of neighbours run together ("notebook" for "note book")."""
        for index, keyword in enumerate(self._keywords):
            for at, word in enumerate(keyword.words):
                for spelling in {word.fold, word.other}:
                    self._by_form.setdefault(spelling, set()).add((index, at))
                if not word.unspaced:
                    forms.setdefault((word.lower, word.fold), set()).add((index, at))
                for end in range(at + 2, min(len(keyword.words), at + _MOST_JOINED) + 1):
                    run = [one for one in keyword.words[at:end] if one.fold != "&"]
                    fold = "".join(one.fold for one in run)
                    places = {(index, place) for place in range(at, end)}
                    if len(fold) < 6 or word.fold == "&" or keyword.words[end - 1].fold == "&":
                        continue
                    for spelling in {fold, "".join(one.other for one in run)}:
                        self._by_form.setdefault(spelling, set()).update(places)
                    if not any(one.unspaced for one in run):
                        forms.setdefault(("".join(one.lower for one in run), fold), set()).update(places)
        self._all = [(frozenset(places), lower, fold) for (lower, fold), places in forms.items()]
        self._by_first: dict[str, list[tuple[frozenset[tuple[int, int]], str, str]]] = {}
        self._by_start: dict[str, list[tuple[frozenset[tuple[int, int]], str, str]]] = {}
        for row in self._all:
            self._by_first.setdefault(row[2][0], []).append(row)
            self._by_start.setdefault(row[2][:2], []).append(row)
        self.words = frozenset(self._by_form)
        joined_forms = {*self._by_form, *self._joined}
        self._beginnings = frozenset(form[:end] for form in joined_forms for end in range(1, len(form) + 1))
        self.keys = frozenset(self._exact) | frozenset(self._joined)
        self.any_unspaced = any(keyword.unspaced for keyword in self._keywords)

    def __bool__(self) -> bool:
        return bool(self._keywords)

    def exact(self, words: Sequence[Word], articles: frozenset[str]) -> str | None:
        """The keyword that a text is, word by word or run together, apart from a leading article."""
        for lead in (0, 1) if len(words) > 1 and words[0].fold in articles else (0,):
            folds = [word.fold for word in words[lead:]]
            for form in (folds, [word.other for word in words[lead:]]):
                found = self._exact.get(" ".join(form)) or self._joined.get("".join(form))
                if found is not None:
                    return found
        first = words[0].lower
        if first.startswith("ال") and len(first) > 4:  # the Arabic article is written as one with its word
            folds = [words[0].fold[2:], *(word.fold for word in words[1:])]
            return self._exact.get(" ".join(folds))
        return None

    def may_begin(self, fold: str) -> bool:
        """Whether a keyword, or a word of one, begins so when it is run together."""
        return fold in self._beginnings

    def match(self, word: Word, codes: tuple[str, ...]) -> Match:
        """Which words of keywords a word of a text stands for; `NOTHING` mostly."""
        same = frozenset(self._by_form.get(word.fold, ())) | frozenset(self._by_form.get(word.other, ()))
        if word.unspaced:
            return Match(same, frozenset())
        prefixing = any(code in PREFIXING for code in codes)
        near: set[tuple[int, int]] = set()
        for places, _, fold in self._by_first.get(word.fold[0], ()):
            if abs(len(fold) - len(word.fold)) <= 1 and one_typo(word.fold, fold):
                near |= places
        for places, lower, _ in self._all if prefixing else self._by_start.get(word.fold[:2], ()):
            if any(same_stem(word.lower, lower, code) for code in codes):
                near |= places
        return Match(same, frozenset(near) - same) if same or near else NOTHING

    def joined_pair(self, one: Word, other: Word) -> set[tuple[int, int]] | None:
        """The words of keywords that two neighbouring words are when run together."""
        return self._by_form.get(one.fold + other.fold)

    def cover(self, words: Sequence[Word], matches: Sequence[Match]) -> Cover | None:
        """The keyword of which the words hold most; None where none reaches `ENOUGH`."""
        same: dict[int, set[int]] = {}
        near: dict[int, set[int]] = {}
        order: dict[int, list[int]] = {}
        for place, match in enumerate(matches):
            for index, at in match.same:
                same.setdefault(index, set()).add(at)
                order.setdefault(index, []).append(at)
            for index, at in match.near:
                near.setdefault(index, set()).add(at)
                order.setdefault(index, []).append(at)
            if place + 1 < len(words):
                for index, at in sorted(self.joined_pair(words[place], words[place + 1]) or ()):
                    same.setdefault(index, set()).add(at)
                    order.setdefault(index, []).append(at)
        best: Cover | None = None
        joined = ""
        if self.any_unspaced and any(word.unspaced for word in words):
            joined = "".join(word.fold for word in words)
        elif not order:
            return None
        for index, keyword in enumerate(self._keywords):
            if keyword.unspaced:
                cover = _unspaced_cover(keyword, joined, same.get(index, set())) if joined else None
            elif index in order:
                cover = _spaced_cover(keyword, words, same.get(index, set()), near.get(index, set()), order[index])
            else:
                continue
            if cover is not None and (best is None or (cover.share, cover.phrase) > (best.share, best.phrase)):
                best = cover
        return best


def _spaced_cover(
    keyword: _Keyword, words: Sequence[Word], same: set[int], near: set[int], order: Sequence[int]
) -> Cover | None:
    held = [at for at in keyword.content if at in same or at in near]
    share = len(held) / len(keyword.content)
    if share < ENOUGH:
        return None
    text = f" {' '.join(word.fold for word in words)} "
    phrase = any(f" {key} " in text for key in keyword.keys)
    firsts = [at for at in dict.fromkeys(order) if at in keyword.content]
    close = not phrase and (firsts != sorted(firsts) or any(at not in same for at in held))
    return Cover(share, keyword.text, phrase, close, tuple(keyword.words[at].lower for at in held))


def _unspaced_cover(keyword: _Keyword, joined: str, same: set[int]) -> Cover | None:
    if keyword.joined in joined:
        return Cover(1.0, keyword.text, True, False, (keyword.text,))
    share = sum(pair in joined for pair in keyword.pairs) / len(keyword.pairs)
    if len(keyword.words) > 1:
        held = [
            at
            for at in keyword.content
            if at in same or (keyword.words[at].unspaced and keyword.words[at].fold in joined)
        ]
        share = max(share, len(held) / len(keyword.content))
    if share < ENOUGH:
        return None
    return Cover(share, keyword.text, False, share >= 1.0, (keyword.text,))
