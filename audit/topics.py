"""Commercial topics of a page's outgoing links, told by their words and the hosts they lead to (pure)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

_WORD = re.compile(r"[^\W_]+")
# Scripts that put no space between words, and Korean, which hangs its particles on them.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

_KEPT = 100_000
_LONGEST = 1_000
_LONGEST_PART = 40
"""Characters; of a text that is read, and of a beginning or an end of a word that is looked for."""


@dataclass(slots=True)
class _Finder:
    """The listed words of all topics, laid out so that one text costs some look-ups, not one search a word."""

    whole: dict[str, set[str]] = field(default_factory=dict)
    """Word -> topics."""
    phrases: dict[str, list[tuple[tuple[str, ...], bool, str]]] = field(default_factory=dict)
    """First word -> (all words, whether the last one is a beginning, topic)."""
    starts: dict[str, set[str]] = field(default_factory=dict)
    ends: dict[str, set[str]] = field(default_factory=dict)
    inside: dict[str, set[str]] = field(default_factory=dict)
    exceptions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Topic -> beginnings of words that are something else."""
    told: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, topic: str, listed: str) -> None:
        text = _fold(listed.strip("*"))
        words = tuple(_WORD.findall(text))
        if _UNSPACED.search(text) or (listed.startswith("*") and listed.endswith("*")):
            self.inside.setdefault(text, set()).add(topic)
        elif len(words) > 1:
            self.phrases.setdefault(words[0], []).append((words, listed.endswith("*"), topic))
        elif listed.endswith("*"):
            self.starts.setdefault(text, set()).add(topic)
        elif listed.startswith("*"):
            self.ends.setdefault(text, set()).add(topic)
        else:
            self.whole.setdefault(text, set()).add(topic)

    def of_word(self, word: str) -> frozenset[str]:
        """Topics that one word tells; kept, as words repeat."""
        known = self.told.get(word)
        if known is not None:
            return known
        found = set(self.whole.get(word, ()))
        for length in range(2, min(len(word), _LONGEST_PART) + 1):
            for topic in self.starts.get(word[:length], ()):
                if not word.startswith(self.exceptions.get(topic, ("\0",))):
                    found.add(topic)
            found.update(self.ends.get(word[-length:], ()))
        if len(self.told) < _KEPT:
            self.told[word] = frozenset(found)
        return frozenset(found)

    def of_phrases(self, words: list[str]) -> Iterable[str]:
        for place, first in enumerate(words):
            for phrase, open_end, topic in self.phrases.get(first, ()):
                there = words[place : place + len(phrase)]
                if tuple(there[:-1]) != phrase[:-1] or len(there) < len(phrase):
                    continue
                if there[-1] == phrase[-1] or (open_end and there[-1].startswith(phrase[-1])):
                    yield topic


@cache
def _listed() -> Mapping[str, Mapping[str, list[str]]]:
    found = tomllib.loads(files("audit").joinpath("data/topics.toml").read_text("utf-8"))
    return {name: value for name, value in found.items() if isinstance(value, dict)}


@cache
def _finder() -> tuple[_Finder, re.Pattern[str], re.Pattern[str]]:
    """The finder, what it looks for anywhere in a text, and in a text of ASCII alone."""
    made = _Finder()
    for topic, lists in _listed().items():
        for one in lists["words"]:
            made.add(topic, one)
        if "except" in lists:
            made.exceptions[topic] = tuple(_fold(one.strip("*")) for one in lists["except"])
    # Longest first: an alternation takes the first that fits.
    parts = sorted(made.inside, key=lambda text: (-len(text), text))
    plain = [text for text in parts if text.isascii()]
    return made, re.compile("|".join(map(re.escape, parts))), re.compile("|".join(map(re.escape, plain)))


def topics() -> tuple[str, ...]:
    """The names of all topics, in the order of the data file."""
    return tuple(_listed())


@lru_cache(maxsize=20_000)
def topics_in(text: str) -> frozenset[str]:
    """The commercial topics one text speaks of, such as the words of a link and the host it leads to.

    Of a very long one its beginning and its end are read.
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} {text[-_LONGEST // 2 :]}"
    finder, anywhere, plain = _finder()
    folded = _fold(text)
    inside = plain if folded.isascii() else anywhere
    words = _WORD.findall(folded)
    found = set().union(*map(finder.of_word, words))
    found.update(finder.of_phrases(words))
    for part in set(inside.findall(folded)):
        found.update(finder.inside[part])
    return frozenset(found)


def topics_of(texts: Iterable[str]) -> Counter[str]:
    """How many of the texts speak of each commercial topic; a text may speak of several.

    Args:
        texts: one for each external link of a page: its words, a space and the host it leads to.
    """
    return Counter(topic for text in texts for topic in topics_in(text))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
