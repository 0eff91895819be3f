"""How much a page is about what the target page is about: BM25F over the stems of five fields (pure).

The query is what the target wants to be found for and what its page says of itself. A page's score is divided by the
score that the target's own page reaches, so that 1 means "as much about it as the page itself". The words of the link
itself are left out, wherever they stand: else every link would prove its own relevance.

Source: S. Robertson, H. Zaragoza, M. Taylor, Simple BM25 extension to multiple weighted fields, CIKM 2004.
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

from audit.languages import WORDS, code_of, language_from, languages
from audit.link_audit import Band, Relevance
from audit.profile import Thresholds
from audit.words import PREFIXING, UNSPACED, stem, word_of

FIELDS = ("near", "title", "headings", "address", "body")
WEIGHTS: Mapping[str, float] = {"near": 3.0, "title": 3.0, "headings": 2.0, "address": 1.0, "body": 1.0}
"""``near``: up to 50 words on each side of the link; ``address``: words of the URL."""
K1, B = 1.2, 0.75
_LONGEST, _MOST = 500, 100
"""Characters of a link's words, and different ones of a page, that are looked for in its text."""
_KEPT = 500_000
"""Words of which it is remembered whether they are a term."""
_IDEAL = ("title", "headings", "body")
"""Where a page that nobody has read would say what it is about."""

# Vowel signs are part of a word, and no letters to `\w`.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0dff\u0e31-\u0e4e"
_WORD = re.compile(f"[^\\W_]+(?:[{_MARKS}]+[^\\W_]*)*")
_RUN = re.compile(f"(?:{UNSPACED.pattern})+")


class PageText(NamedTuple):
    """What of a page is compared; each field a text, a list of them parted by line ends."""

    url: str
    title: str = ""
    headings: str = ""
    body: str = ""
    near: str = ""
    language: str | None = None
    """As the page states it; None: it does not."""
    anchors: tuple[str, ...] = ()
    """Words of its links to the target, one entry a link: left out of ``near`` and ``body``."""
    anchors_in_headings: tuple[str, ...] = ()
    """Those of links that stand in a heading."""


@dataclass(frozen=True, slots=True)
class Query:
    """The words that tell what a target page is about."""

    terms: Mapping[str, str]
    """Stem -> the word as it was first met, in the order of keywords, title, heading."""
    languages: tuple[str, ...]
    """Codes; () where they are not known."""


@dataclass(frozen=True, slots=True)
class Document:
    """A page reduced to what its score needs."""

    counts: Mapping[str, Mapping[str, int]]
    """Field -> term -> how often; terms of any query only."""
    lengths: Mapping[str, int]
    """Field -> words."""
    language: str | None
    """Of the page; guessed from its text where it states none."""
    empty: bool
    """Nothing of it is known but its address."""


def words_in(text: str) -> list[str]:
    """The words of a text in small letters; of scripts without spaces every pair of neighbouring characters."""
    found = _WORD.findall((text if text.isascii() else unicodedata.normalize("NFKC", text)).lower())
    if text.isascii() or UNSPACED.search(text) is None:
        return found
    return [part for word in found for part in _parts(word)]


def _parts(word: str) -> Iterable[str]:
    at = 0
    for run in _RUN.finditer(word):
        if run.start() > at:
            yield word[at : run.start()]
        signs = run.group()
        yield from (signs[place : place + 2] for place in range(max(1, len(signs) - 1)))
        at = run.end()
    if at < len(word):
        yield word[at:]


def query_of(texts: Iterable[str], codes: Sequence[str]) -> Query:
    """A query from keywords, title and heading; words without meaning of their own are left out.

    Args:
        codes: languages of the target page, the main one first; () where they are not known.
    """
    known = tuple(dict.fromkeys(code_of(code) for code in codes))
    main = known[0] if known else None
    stop = {word for code in known for word in _stop_words(code)}
    terms: dict[str, str] = {}
    for text in texts:
        for word in words_in(text):
            if word not in stop and (len(word) > 1 or UNSPACED.match(word)):
                terms.setdefault(term_of(word, main), word)
    return Query(terms, known)


@cache
def _stop_words(code: str) -> frozenset[str]:
    """Function words of one language, whose file alone is read; none where there is no file."""
    file = WORDS / f"{code}.toml"
    if not code.isalpha() or not file.is_file():
        return frozenset()
    return language_from(tomllib.loads(file.read_text("utf-8")), 0).stop_written


def term_of(word: str, language: str | None) -> str:
    """What words are compared by: the folded stem, or the folded word where no language is known."""
    return word_of(word).fold if language is None else stem(word, language)


class Reader:
    """Reduces pages to documents, for the terms of all queries at once; what it learnt of a word it keeps."""

    def __init__(self, queries: Iterable[Query]) -> None:
        queries = list(queries)
        self.terms = frozenset(term for query in queries for term in query.terms)
        self._default = next((query.languages[0] for query in queries if query.languages), None)
        self._heads = {term[:2] for term in self.terms}
        self._known: dict[str | None, dict[str, str | None]] = {}

    def document(self, page: PageText) -> Document:
        """One page; its own links' words are left out here."""
        fields = {"near": words_in(page.near), "title": words_in(page.title), "headings": words_in(page.headings)}
        fields |= {"address": words_in(_address(page.url)), "body": words_in(page.body)}
        said = bool(fields["title"] or fields["headings"] or fields["body"] or fields["near"])
        language = code_of(page.language) if page.language else _guessed(fields)
        known = self._known.setdefault(language or self._default, {})
        for words, number in self._phrases(page.anchors, known, language or self._default):
            _leave_out(fields["near"], words, len(fields["near"]))
            _leave_out(fields["body"], words, number)
        for words, number in self._phrases(page.anchors_in_headings, known, language or self._default):
            _leave_out(fields["headings"], words, number)
        return Document(
            {name: self._counted(words, known, language or self._default) for name, words in fields.items()},
            {name: sum(map(bool, words)) for name, words in fields.items()},
            language,
            not said,
        )

    def _phrases(
        self, anchors: Iterable[str], known: dict[str, str | None], language: str | None
    ) -> list[tuple[list[str], int]]:
        """The words of links that hold a term, each with how many links have them; others change no score."""
        found = []
        for anchor, number in Counter(anchors).items():
            words = words_in(anchor[:_LONGEST])
            if self._counted(words, known, language):
                found.append((words, number))
                if len(found) == _MOST:
                    break
        return found

    def _counted(self, words: Sequence[str], known: dict[str, str | None], language: str | None) -> dict[str, int]:
        counts: dict[str, int] = {}
        if len(known) > _KEPT:
            known.clear()
        for word, number in Counter(words).items():
            if word not in known:
                known[word] = self._term(word, language)
            term = known[word]
            if term is not None:
                counts[term] = counts.get(term, 0) + number
        return counts

    def _term(self, word: str, language: str | None) -> str | None:
        # Stems keep the beginning of a word: most words need no stem to be known as another.
        if not word or (language not in PREFIXING and word_of(word).fold[:2] not in self._heads):
            return None
        term = term_of(word, language)
        return term if term in self.terms else None


def _leave_out(words: list[str], phrase: Sequence[str], most: int) -> None:
    """Blank up to ``most`` places where the phrase stands as it is."""
    if not phrase:
        return
    at = 0
    while most:
        try:
            at = words.index(phrase[0], at)
        except ValueError:
            return
        if words[at : at + len(phrase)] == list(phrase):
            words[at : at + len(phrase)] = [""] * len(phrase)
            most -= 1
        at += 1


def _address(url: str) -> str:
    """The words of a URL's host and path."""
    rest = url.partition("://")[2].partition("?")[0]
    return unquote(rest).removeprefix("www.")


def _guessed(fields: Mapping[str, Sequence[str]]) -> str | None:
    words = [*fields["title"], *fields["headings"], *fields["near"], *fields["body"][:200]]
    if len(words) < 20:
        return None
    found = languages().guessed(tuple(word_of(word) for word in words[:300]))
    return found[0] if len(found) == 1 else None


class Collection:
    """The documents that are compared with each other: how common a term is among them, how long their fields are."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.size = 0
        self._with: Counter[str] = Counter()
        lengths: dict[str, list[int]] = {name: [0, 0] for name in FIELDS}
        for one in documents:
            self.size += 1
            self._with.update({term for counts in one.counts.values() for term in counts})
            for name, length in one.lengths.items():
                if length:
                    lengths[name][0] += length
                    lengths[name][1] += 1
        self._average = {name: total / number if number else 1.0 for name, (total, number) in lengths.items()}

    def rarity(self, term: str) -> float:
        """Inverse document frequency, never below 0."""
        holding = self._with[term]
        return math.log(1 + (self.size - holding + 0.5) / (holding + 0.5))

    def parts(self, query: Query, document: Document) -> dict[str, float]:
        """What each term of the query adds to the document's score; terms it has not are left out."""
        found = {}
        for term in query.terms:
            weight = 0.0
            for name in FIELDS:
                count = document.counts[name].get(term, 0)
                if count:
                    longer = document.lengths[name] / self._average[name]
                    weight += WEIGHTS[name] * count / (1 - B + B * longer)
            if weight:
                found[term] = self.rarity(term) * weight / (K1 + weight)
        return found

    def score(self, query: Query, document: Document) -> float:
        """BM25F of one document."""
        return math.fsum(self.parts(query, document).values())

    def ideal(self, query: Query) -> float:
        """The score of a page of usual length that says every term once in title, heading and text."""
        weight = sum(WEIGHTS[name] for name in _IDEAL)
        return math.fsum(self.rarity(term) for term in query.terms) * weight / (K1 + weight)


def relevance(
    query: Query,
    page: Document,
    target: Document | None,
    among: Collection,
    limits: Thresholds,
    *,
    source: str,
) -> Relevance:
    """Judge one page.

    Args:
        target: the target's own page; None where it was never read (then `Collection.ideal` stands for its score).
        source: URL of the judged page.
    """

    def unknown(why: str) -> Relevance:
        return Relevance(None, "unknown", (), source, why)

    if not query.terms:
        return unknown("nothing tells what the target is about: no keywords, and its page was never read")
    if page.empty:
        return unknown("nothing of the page is kept")
    if page.language and query.languages and page.language not in query.languages:
        return unknown(f"the page is in {page.language}, the target in {', '.join(query.languages)}")
    parts = among.parts(query, page)
    own = among.score(query, target) if target is not None else 0.0
    own = own or among.ideal(query)
    if not parts and not (page.language and query.languages):
        which = "the page" if not page.language else "the target"
        return unknown(f"none of the words, and nothing tells the language of {which}")
    score = min(1.0, math.fsum(parts.values()) / own)
    told = sorted(parts, key=lambda term: (-parts[term], query.terms[term]))
    return Relevance(score, band_of(score, limits), tuple(query.terms[term] for term in told), source)


def band_of(score: float, limits: Thresholds) -> Band:
    """In words: the lower bound belongs to the band."""
    if score >= limits.relevance_high:
        return "high"
    return "some" if score >= limits.relevance_some else "low"
