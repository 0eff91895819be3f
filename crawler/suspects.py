"""Answers with status 200 that are not the page: challenges, parked domains, walls, empty shells (pure).

The rules are data: crawler/data/suspects.toml says what each of them looks for. All of them speak of small pages only,
and most need two signals that ordinary pages do not show together, for a page that is taken for a suspect wrongly
waits a visit longer, and one about such pages is a page like any other.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, NamedTuple

from storage.records import PageRecord

PREFIX = 65_536
"""Bytes of a document that are looked at."""
_SHOWN = 4_000
"""Characters of visible text that are looked at."""
_OWN = "ownpagesowndomain"
"""Stands for ``{domain}`` in patterns, so that they are compiled once and not for every domain."""
_PLAIN = {ord("\u2019"): "'", ord("\u00a0"): " ", ord("\u2026"): "..."}
_TAG = re.compile(r"<[a-z][^>]*", re.IGNORECASE)
_SCRIPT = re.compile(r"<script\b.*?(?:</script|\Z)", re.IGNORECASE | re.DOTALL)
_QUOTES = str.maketrans({'"': " ", "'": " ", "/": "/"})
_EQUALS = re.compile(r" ?= ?")
_ACTION = re.compile(r"<form\b[^<>]*\saction\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_META = re.compile(r"<meta\b[^<>]*>", re.IGNORECASE)
_CONTENT = re.compile(r"\scontent\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_IS_GENERATOR = re.compile(r"\sname\s*=\s*[\"']?generator\b", re.IGNORECASE)

# Cheap ones first: the text of a page is searched only where it can still decide.
_SIGNALS = ("header", "url", "title", "script", "tag", "form", "generator", "text")
_PATTERNS = frozenset({"title", "text", "generator", "form", "url"})


class Rule(NamedTuple):
    """One table of the data file."""

    reason: str
    words: int
    links: int
    needs: int
    sure: frozenset[str]
    must: frozenset[str]
    never: re.Pattern[str] | None
    signals: tuple[tuple[str, tuple[str, ...]], ...]
    """(signal, what it looks for), in the order they are tried."""


def _rule(table: dict[str, Any]) -> Rule:
    never = table.get("never")
    return Rule(
        reason=f"{table['reason']} {table['name']}",
        words=table["words"],
        links=table["links"],
        needs=table.get("needs", 2),
        sure=frozenset(table.get("sure", ())),
        must=frozenset(table.get("must", ())),
        never=None if never is None else re.compile(never, re.IGNORECASE),
        signals=tuple((name, tuple(table[name])) for name in _SIGNALS if name in table),
    )


RULES = tuple(
    _rule(table) for table in tomllib.loads(files("crawler").joinpath("data/suspects.toml").read_text("utf-8"))["rule"]
)
_MOST_LINKS = max(rule.links for rule in RULES)
_MOST_WORDS = max(rule.words for rule in RULES)


def suspicion(page: PageRecord, *, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> str | None:
    """Why an answer with status 2xx is not the page that was asked for; None for nearly every page.

    Args:
        page: the document as it was taken apart.
        headers: (name, value) pairs of the answer.
        body: its unpacked bytes, of which the first `PREFIX` are looked at.
    Returns:
        A reason such as ``challenge cloudflare``: the kind, and the rule that holds.
    """
    if len(page.links) > _MOST_LINKS:
        return None
    words = _words(page.text)
    if words > _MOST_WORDS:
        return None
    seen = _Seen(page, headers, body)
    for rule in RULES:
        if words <= rule.words and len(page.links) <= rule.links and _holds(rule, seen):
            return rule.reason
    return None


def _words(text: str) -> int:
    """About how many words a text has; scripts without spaces are counted by length."""
    return max(text.count(" ") + 1, len(text) // 10) if text else 0


def _holds(rule: Rule, seen: _Seen) -> bool:
    found = 0
    left = len(rule.signals)
    if rule.never is not None and rule.never.search(seen.path):
        return False
    for name, wanted in rule.signals:
        if found + left < rule.needs and not any(later in rule.sure for later, _ in rule.signals[-left:]):
            return False
        left -= 1
        if seen.shows(name, wanted):
            if name in rule.sure:
                return True
            found += 1
        elif name in rule.must:
            return False
    return found >= rule.needs


class _Seen:
    """What one page shows of each signal, found when it is first asked for."""

    def __init__(self, page: PageRecord, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self._page, self._headers, self._body = page, headers, body

    def shows(self, signal: str, wanted: tuple[str, ...]) -> bool:
        """Whether one of the texts or patterns of a signal is there."""
        if signal in _PATTERNS:
            found = getattr(self, f"_{signal}")
            return bool(found) and any(pattern.search(text) for pattern in _compiled(wanted) for text in found)
        if signal == "header":
            return any(self._has_header(one) for one in wanted)
        text: str = getattr(self, f"_{signal}")
        return any(one in text for one in wanted)

    @cached_property
    def path(self) -> str:
        """The path of the page's URL, with its query."""
        return "/" + self._page.url.url.partition("://")[2].partition("/")[2]

    def _has_header(self, wanted: str) -> bool:
        name, _, value = wanted.partition(": ")
        return any(name == given.lower() and value in text.lower() for given, text in self._headers)

    @cached_property
    def _url(self) -> list[str]:
        return [self._page.url.url]

    @cached_property
    def _title(self) -> list[str]:
        return [one for text in (self._page.title, *self._page.h1[:1]) if text for one in self._named(text[:_SHOWN])]

    @cached_property
    def _text(self) -> list[str]:
        return self._named(self._page.text[:_SHOWN])

    def _named(self, text: str) -> list[str]:
        """A text, and once more with the page's own domain marked where it names that."""
        text = _plain(text)
        marked = re.sub(re.escape(self._page.url.domain.removeprefix("www.")), _OWN, text, flags=re.IGNORECASE)
        return [text] if marked == text else [text, marked]

    @cached_property
    def _source(self) -> str:
        # Letters that matter here are ASCII, whatever the encoding of the page.
        return self._body[:PREFIX].replace(b"\0", b"").decode("latin-1")

    @cached_property
    def _script(self) -> str:
        return "\n".join(_SCRIPT.findall(self._source)).lower()

    @cached_property
    def _tag(self) -> str:
        markup = _SCRIPT.sub(lambda found: found[0][: found[0].find(">") + 1], self._source)
        return "\n".join(_normal(tag) for tag in _TAG.findall(markup))

    @cached_property
    def _form(self) -> list[str]:
        return _ACTION.findall(self._source)

    @cached_property
    def _generator(self) -> list[str]:
        metas = (tag for tag in _META.findall(self._source) if _IS_GENERATOR.search(tag))
        return [next(filter(None, found.groups()), "") for tag in metas if (found := _CONTENT.search(tag))]


def _plain(text: str) -> str:
    return text.translate(_PLAIN).strip()


def _normal(tag: str) -> str:
    """``<DIV ID = "app"`` -> ``<div id=app ``."""
    plain = _EQUALS.sub("=", " ".join(tag.lower().split())).replace('="', "=").replace("='", "=").translate(_QUOTES)
    return " ".join(plain.split()) + " "


@cache
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one.replace("{domain}", _OWN), re.IGNORECASE) for one in patterns)
