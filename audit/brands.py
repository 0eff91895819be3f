"""The names of a target as people write them: run together, with a typing error, with a case ending, as a domain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

from audit.languages import Language, languages, legal_forms
from audit.web_words import has_public_suffix
from audit.words import MANY_ENDINGS, SHORTEST_TYPO, Word, cleaned, one_typo, same_stem, split, word_of
from crawler.suffixes import is_ip, registrable_domain
from crawler.urls import canonical_url
from storage.errors import InvalidUrl

How = Literal["written", "ending", "typo"]
Canon = tuple[str, How] | None
"""The name, or word of a name, that a word stands for, and how it is written there; None: for none."""
AND = {
    "en": "and", "de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e", "nl": "en", "sv": "och", "da": "og",
    "no": "og", "fi": "ja", "pl": "i", "cs": "a", "sk": "a", "hu": "es", "ro": "si", "bg": "и", "ru": "и", "uk": "та",
    "tr": "ve", "el": "και", "id": "dan", "vi": "va", "fa": "و", "ar": "و", "hi": "और",
}  # fmt: skip
"""What ``&`` stands for, folded."""
_PREFIXES = {
    "ar": re.compile("(?:[وف]?(?:بال|كال|لل|ب|ل|ك)|[وف])(?=.{3})"),
    "he": re.compile("[ושכבלמ]{1,2}(?=.{3})"),
}
"""Prepositions and conjunctions that are written as one with the word behind them."""
_VOWELS = frozenset("aeiouyаеиоуыэюяіїєαεηιουω")


class Mention(NamedTuple):
    """A name found in a text."""

    start: int
    """Index of its first word."""
    end: int
    name: str
    """As the profile writes it."""
    how: How


def host_of(target: str) -> str | None:
    """The host of a domain, host or URL as a profile names it, without ``www.``; None where it has none."""
    text = target.strip()
    try:
        found = canonical_url(text if "://" in text else f"https://{text}")
    except InvalidUrl:
        return None
    return found.host.removeprefix("www.")


def _spelled(host: str) -> str:
    """A host with its ``xn--`` labels in Unicode."""
    labels = []
    for label in host.split("."):
        if label.startswith("xn--"):
            with suppress(ValueError):
                label = label[4:].encode("ascii").decode("punycode")
        labels.append(label)
    return ".".join(labels)


def forms_with_and(folds: Sequence[str], languages_: Iterable[Language]) -> list[list[str]]:
    """The ways to write words with ``&``: as they are, with the word for it, without."""
    found = [list(folds)]
    words = {AND[language.code] for language in languages_ if language.code in AND} | {"and"}
    if "&" in folds:
        found += [[word if fold == "&" else fold for fold in folds] for word in sorted(words)]
        found.append([fold for fold in folds if fold != "&"])
    elif len(folds) > 2:
        found += [["&" if fold == word else fold for fold in folds] for word in sorted(words) if word in folds[1:-1]]
    return found


def without_frame(folds: list[str], articles: frozenset[str]) -> list[str]:
    """Words without a leading article and without forms of companies at either end; never nothing."""
    forms, longest = legal_forms()
    if len(folds) > 1 and folds[0] in articles:
        folds = folds[1:]
    changed = True
    while changed and len(folds) > 1:
        changed = False
        for count in range(min(longest, len(folds) - 1), 0, -1):
            if tuple(folds[-count:]) in forms:
                folds, changed = folds[:-count], True
                break
            if tuple(folds[:count]) in forms:
                folds, changed = folds[count:], True
                break
        if len(folds) > 1 and changed and folds[-1] == "&":
            folds = folds[:-1]
    return folds


def _framed(runs: Sequence[Word], words: Sequence[Word]) -> tuple[str, str] | None:
    """What stands before and behind a name of several scripts that begins in the first word; None where none does.

    Its first and last run are whole words, or the end and the beginning of words written without spaces.
    """
    if len(runs) > len(words) or any(run.fold != word.fold for run, word in zip(runs[1:-1], words[1:], strict=False)):
        return None
    first, last = words[0], words[len(runs) - 1]
    if not (first.unspaced and first.lower.endswith(runs[0].lower)) and first.fold != runs[0].fold:
        return None
    if not (last.unspaced and last.lower.startswith(runs[-1].lower)) and last.fold != runs[-1].fold:
        return None
    before = first.lower[: -len(runs[0].lower)] if runs[0].unspaced and first.unspaced else ""
    behind = last.lower[len(runs[-1].lower) :] if runs[-1].unspaced and last.unspaced else ""
    return before, behind


class Brands:
    """The names of one target, prepared for comparison with many texts."""

    def __init__(
        self,
        names: Iterable[str],
        hosts: Iterable[str],
        languages_: tuple[Language, ...],
        keyword_keys: frozenset[str],
        keyword_words: frozenset[str],
    ) -> None:
        """Prepare names.

        Args:
            names: as the profile lists them.
            hosts: the target's own, canonical, without ``www.``.
            keyword_keys: the keywords, folded, spaced and joined: a name among them is a name only when alone.
            keyword_words: single words of keywords: none of them is a misspelt name.
        """
        self._keys: dict[str, str] = {}
        self._joined: dict[str, str] = {}
        self._alone_only: set[str] = set()
        self._unspaced: list[str] = []
        self._mixed: list[tuple[Word, ...]] = []
        self._cased: dict[str, str] = {}
        """Names that are also everyday words -> how they are written."""
        self.dotted: dict[str, str] = {}
        self._keyword_keys, self._keyword_words = keyword_keys, keyword_words
        self._articles = frozenset(article for language in languages_ for article in language.articles)
        lists = languages()
        self._lowers: dict[str, str] = {}
        """Fold of each longer word of a listed name -> the word with its accents."""
        for name in names:
            clean = cleaned(name)
            words = split(clean)
            least = 4 if len(words) > 1 else 6
            self._lowers.update((word.fold, word.lower) for word in words if len(word.fold) >= least)
            if "." in clean.strip(". ") or clean.startswith("."):
                self.dotted[clean.casefold()] = name
            for written in {clean, clean.replace("'", "")}:
                folds = [word.fold for word in split(written)]
                others = [word.other for word in split(written)]
                for form in (folds, others):
                    if form:
                        self._add(form, name, languages_)
                        self._add(without_frame(form, self._articles), name, languages_)
            if len(words) == 1 and (lists.pointing.get(words[0].fold) or lists.vocabulary.get(words[0].lower)):
                self._cased[words[0].fold] = clean
        self._parts = {word for key in self._keys for word in key.split()}
        at_hand = 0
        for language in (*languages_, *lists.named(["en"])):
            at_hand |= language.bit
        for host in dict.fromkeys(
            (*hosts, *(host for name in self.dotted if (host := host_of(name)) and has_public_suffix(host)))
        ):
            if is_ip(host):
                continue
            domain = _spelled(registrable_domain(host))  # a host needs its dot: "pan.es" is not in "panes"
            stem = [word.fold for word in split(domain.partition(".")[0])]
            joined = "".join(stem)
            if len(joined) < 3 or joined in self._joined or lists.vocabulary.get(joined, 0) & at_hand:
                continue
            if " ".join(stem) in keyword_keys:
                stem = [joined]  # written as the keyword it is the keyword
                if joined in keyword_keys and len(split(domain.partition(".")[0])) == 1:
                    self._alone_only.add(joined)
            if joined in keyword_words:
                self._alone_only.add(joined)
            self._add(stem, host, ())
            self._parts.update(stem)
        self.most_words = max((key.count(" ") + 1 for key in self._keys), default=0) + 1
        self._bases = sorted((set(self._joined) | {part for part in self._parts if len(part) >= 4}) - {"&"})
        self._by_first: dict[str, list[str]] = {}
        for base in self._bases:
            self._by_first.setdefault(base[0], []).append(base)
        self._alone_only |= (set(self._joined) | set(self._keys)) & keyword_keys
        self._beginnings = frozenset(joined[:end] for joined in self._joined for end in range(1, len(joined) + 1))
        for joined in sorted(self._joined, key=len, reverse=True):
            if len(joined) >= 2 and word_of(joined).unspaced:
                runs = split(joined)
                if len(runs) > 1:
                    self._mixed.append(runs)
                else:
                    self._unspaced.append(joined)

    def _add(self, folds: list[str], name: str, languages_: Iterable[Language]) -> None:
        if not folds:
            return
        for form in forms_with_and(folds, languages_):
            joined = "".join(fold for fold in form if fold != "&")
            if joined:
                self._keys.setdefault(" ".join(form), name)
                self._joined.setdefault(joined, name)

    @property
    def cuts(self) -> bool:
        """Whether a name may stand inside a run without spaces."""
        return bool(self._unspaced or self._mixed)

    def may_begin(self, fold: str) -> bool:
        """Whether a name, run together, begins so."""
        return fold in self._beginnings

    def canon(self, word: Word, languages_: tuple[Language, ...], *, asked: bool = False) -> Canon:
        """The name, or the word of a name, that a word stands for; None where it stands for none.

        Args:
            languages_: whose case endings names may take.
            asked: the word stands for one of a keyword, so that it is no misspelt name.
        """
        for form in (word.fold, word.other):
            if form in self._parts or form in self._joined:
                return form, "written"
        bare = word.fold.rstrip("0123456789")  # "Bootstrap5"
        if bare != word.fold and len(bare) >= 4 and bare in self._joined:
            return bare, "written"
        for language in languages_:
            prefixes = _PREFIXES.get(language.code)
            if prefixes is not None and (found := prefixes.match(word.fold)) is not None:
                rest = word.fold[found.end() :]
                if rest in self._parts or rest in self._joined:
                    return rest, "ending"
        if word.unspaced or word.fold[0] not in self._by_first or word.fold in self._keyword_words:
            return None
        for language in languages_:
            if language.endings and (base := self._inflected(word.fold, language)) is not None:
                return base, "ending"
        if (
            asked
            or len(word.fold) < SHORTEST_TYPO - 1
            or any(word.lower in language.stop for language in languages_)
            or languages().pointing.get(word.fold)
        ):
            return None
        for language in languages_:
            if language.code in MANY_ENDINGS:
                for base, lower in self._lowers.items():
                    if base[0] == word.fold[0] and same_stem(word.lower, lower, language.code):
                        return base, "ending"
        for base in self._by_first.get(word.fold[0], ()):
            if len(base) >= SHORTEST_TYPO and abs(len(base) - len(word.fold)) <= 1 and one_typo(word.fold, base):
                return base, "typo"
        return None

    def _inflected(self, fold: str, language: Language) -> str | None:
        for base in self._by_first[fold[0]]:
            if len(base) >= 3 and fold.startswith(base) and fold[len(base) :] in language.endings:
                return base
            if (
                len(base) >= 4
                and base[-1] in _VOWELS
                and len(fold) >= len(base) - 1
                and fold.startswith(base[:-1])
                and ((fold == base[:-1] and len(base) >= 5) or fold[len(base) - 1 :] in language.endings)
            ):
                return base
        return None

    def cut(self, words: Sequence[Word]) -> list[Word]:
        """The words with each name in a script without spaces cut out of its run, as words of its own.

        Where a name begins or ends with a Latin letter or a digit, a word has to begin or end there.
        """
        found: list[Word] = []
        rest = list(words)
        while rest:
            for runs in self._mixed:
                if (inside := _framed(runs, rest)) is not None:
                    before, behind = inside
                    if before:
                        found += self._cut_run(before)
                    found += runs
                    rest[: len(runs)] = [word_of(behind)] if behind else []
                    break
            else:
                word = rest.pop(0)
                found += self._cut_run(word.lower) if word.unspaced else [word]
        return found

    def _cut_run(self, rest: str) -> list[Word]:
        found = []
        while rest:
            hits = [(at, -len(name), name) for name in self._unspaced if (at := rest.find(name)) >= 0]
            if not hits:
                found.append(word_of(rest))
                break
            at, _, name = min(hits)
            if at:
                found.append(word_of(rest[:at]))
            found.append(word_of(name))
            rest = rest[at + len(name) :]
        return found

    def alone(self, words: Sequence[Word], canons: Sequence[Canon], articles: frozenset[str]) -> Mention | None:
        """The name that the words are, apart from a leading article and a legal form."""
        folds = [word.fold for word in words]
        bare = without_frame(folds, articles | self._articles)
        start = 0
        while start + len(bare) <= len(folds) and folds[start : start + len(bare)] != bare:
            start += 1
        for first, last in ((0, len(words)), (start, start + len(bare))):
            how = self._name(words[first:last], canons[first:last])
            if how is not None:
                return Mention(0, len(words), *how)
        return None

    def _name(self, words: Sequence[Word], canons: Sequence[Canon]) -> tuple[str, How] | None:
        folds = [canon[0] if canon else word.fold for word, canon in zip(words, canons, strict=True)]
        hows = [canon[1] for canon in canons if canon]
        how: How = "typo" if "typo" in hows else "ending" if "ending" in hows else "written"
        name = self._keys.get(" ".join(folds))
        if name is not None:
            return name, how
        joined = "".join(fold for fold in folds if fold != "&")
        name = self._joined.get(joined)
        if name is not None:
            return name, how
        if len(words) > 1 and any(canons) and joined not in self._keyword_keys and min(map(len, folds)) > 1:
            for base in self._joined:
                if len(base) >= SHORTEST_TYPO and one_typo(joined, base):
                    return self._joined[base], "typo"
        return None

    def mentions(
        self, words: Sequence[Word], canons: Sequence[Canon], begins: Sequence[bool], clean: str
    ) -> list[Mention]:
        """The names inside longer words, the longest first at each place; none overlap.

        Args:
            begins: whether a name may begin at a word.
            clean: the whole text, for names that are everyday words too.
        """
        found: list[Mention] = []
        at = 0
        while at < len(words):
            mention = self._at(at, words, canons, clean) if begins[at] else None
            if mention is None:
                at += 1
            else:
                found.append(mention)
                at = mention.end
        return found

    def _at(self, at: int, words: Sequence[Word], canons: Sequence[Canon], clean: str) -> Mention | None:
        most = min(self.most_words, len(words) - at)
        if canons[at] is None and (most < 2 or words[at].fold + words[at + 1].fold not in self._beginnings):
            return None
        for count in range(most, 0, -1):
            there, known = words[at : at + count], canons[at : at + count]
            name = self._name(there, known)
            if name is None:
                continue
            folds = [canon[0] if canon else word.fold for word, canon in zip(there, known, strict=True)]
            joined = "".join(folds)
            if " ".join(folds) in self._alone_only or joined in self._alone_only:
                continue
            if count == 1 and joined in self._cased and self._cased[joined] not in clean:
                continue  # "click here" names no HERE
            return Mention(at, at + count, *name)
        return None
