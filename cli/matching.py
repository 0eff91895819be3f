"""How ``anchors search`` compares TEXT with folded anchor texts (pure, but for the time limit on patterns)."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Literal

import typer

from storage.errors import LedgerError
from storage.text import clean, fold

LONGEST_PATTERN = 500
LONGEST_TEXT = 5_000
MATCHED = 2_000
"""Characters of an anchor that a pattern sees."""
PATTERN_SECONDS = 20.0


Match = Literal["phrase", "word", "prefix", "regex", "equal"]


class PatternTooSlow(LedgerError):
    """A regular expression that takes too long on the ledger's anchors."""

    def __init__(self, pattern: str) -> None:
        super().__init__(
            f"the pattern {pattern!r} took more than {PATTERN_SECONDS:g} seconds; "
            "avoid a repeat within a repeat such as (a+)+, or use --match phrase"
        )


@dataclass(frozen=True, slots=True)
class Matcher:
    """Decides about one folded text."""

    matches: Callable[[str], bool]
    holding: str | None
    """A text that every match contains, for the database to narrow by."""


# Scripts written without spaces: a phrase may stand anywhere in their text.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_NO_EDGE = re.compile(rf"[{_UNSPACED}\W_]")
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def matcher(text: str, how: Match) -> Matcher:
    """What TEXT means under ``--match``. TEXT is folded as anchors are: case, white space and width do not count.

    - phrase: its words stand in the anchor in this order, side by side, as whole words;
    - word: every one of its words stands in the anchor as a whole word;
    - prefix: the anchor begins with it;
    - equal: the whole anchor is it (``""`` finds links without words);
    - regex: Python's regular expression is found in the folded anchor (not folded itself; case does not count).

    Raises:
        typer.BadParameter: nothing to look for, or no regular expression.
    """
    if how == "regex":
        return _pattern(text)
    if len(text) > LONGEST_TEXT:  # SQLite refuses patterns of 50,000 bytes
        raise typer.BadParameter(f"a text of more than {LONGEST_TEXT:,} characters", param_hint="TEXT")
    wanted = fold(clean(text))
    if how == "equal":
        return Matcher(lambda anchor: anchor == wanted, wanted or None)
    if not wanted:
        raise typer.BadParameter("nothing to look for; --match equal finds links without words", param_hint="TEXT")
    if how == "prefix":
        return Matcher(lambda anchor: anchor.startswith(wanted), wanted)
    if how == "phrase":
        found = _whole(wanted)
        return Matcher(lambda anchor: found.search(anchor) is not None, wanted)
    words = list(dict.fromkeys(_WORD.findall(wanted))) or [wanted]
    each = [_whole(word) for word in words]
    return Matcher(lambda anchor: all(one.search(anchor) for one in each), max(words, key=len))


def _whole(text: str) -> re.Pattern[str]:
    """The text with no letter or digit going on at its ends, where its script puts spaces between words."""
    left = "" if _NO_EDGE.match(text[0]) else rf"(?<![^\W_{_UNSPACED}])"
    right = "" if _NO_EDGE.match(text[-1]) else rf"(?![^\W_{_UNSPACED}])"
    return re.compile(left + re.escape(text) + right)


def _pattern(text: str) -> Matcher:
    if not text:
        raise typer.BadParameter("nothing to look for", param_hint="TEXT")
    if len(text) > LONGEST_PATTERN:
        raise typer.BadParameter(f"a pattern of more than {LONGEST_PATTERN} characters", param_hint="TEXT")
    try:
        compiled = re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no regular expression: {error}", param_hint="TEXT") from None
    return Matcher(lambda anchor: compiled.search(anchor[:MATCHED]) is not None, None)


@contextmanager
def time_limit(pattern: str, seconds: float = PATTERN_SECONDS) -> Iterator[None]:
    """Stop a pattern that backtracks without end: the matcher of `re` looks at signals while it works.

    Where there are no such signals (Windows, another thread) nothing is limited but by Ctrl-C.

    Raises:
        PatternTooSlow: the block took longer.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise PatternTooSlow(pattern)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
