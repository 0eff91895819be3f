"""Lines of a table -> rows of cells: CSV as RFC 4180 has it, and as damaged exports have it.

A quoted cell may run over several lines. A quote that is only opened must not swallow the rows
behind it, so lines are joined into one row only where the result is a well-formed row and none of
the lines is a row of its own; otherwise the quote is a plain character of its line.
Source: https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from crawler.list_text import Line
from crawler.urls import is_public_suffix

JOIN_LINES = 2000
"""Most lines one row may have."""
JOIN_CHARACTERS = 4_000_000
FEWEST_LINES = 16

# Longer lines would meet the csv module's field limit, which is one for the whole process.
_CSV_LIMIT = 100_000
_WEB_ADDRESS = re.compile(r"https?:/*[^\s/]", re.IGNORECASE)
_HOST_ADDRESS = re.compile(r"(?:[^\s/:@?#,;\"'.]+\.)+([^\s/:@?#.,;\"']+)\.?(?::\d+)?(?:[/?#]\S*)?")
_BLANKS_AND_QUOTES = " \t\"'"

_State = Literal["closed", "open", "broken"]


class Row(NamedTuple):
    """One row of a table, or one line of a plain list (then with one cell)."""

    line: int
    """The physical line it begins on."""
    cells: list[str]
    too_long: bool = False


def is_web_address(cell: str) -> bool:
    """Whether a cell is written as an http(s) URL, with its scheme."""
    return _WEB_ADDRESS.match(cell.strip(_BLANKS_AND_QUOTES)) is not None


def is_host_address(cell: str) -> bool:
    """Whether a cell is written as ``host`` or ``host/path`` without a scheme, the host under a known suffix."""
    found = _HOST_ADDRESS.fullmatch(cell.strip(_BLANKS_AND_QUOTES))
    return found is not None and known_suffix(found[1])


def is_address(cell: str) -> bool:
    """Whether a cell looks like an address of either form; no promise that it is one."""
    return is_web_address(cell) or is_host_address(cell)


@lru_cache(maxsize=4096)
def known_suffix(label: str) -> bool:
    """Whether the last label of a host is on the suffix list; numbers are not."""
    return not label.isdigit() and is_public_suffix(label.lower())


def strict_cells(text: str, delimiter: str, *, inside: bool = False) -> tuple[list[str], _State]:
    """The cells of a text that should be one row.

    Args:
        inside: the text begins within a quoted cell of an earlier line.
    Returns:
        The cells and ``closed``; ``open`` where the last cell's quote is not closed; ``broken`` (with
        the cells before the damage) where something other than a delimiter follows a closing quote.
    """
    cells: list[str] = []
    place = 0
    while True:
        if inside or text.startswith('"', place):
            start = place if inside else place + 1
            inside = False
            quote = text.find('"', start)
            while quote >= 0 and text.startswith('"', quote + 1):
                quote = text.find('"', quote + 2)
            if quote < 0:
                cells.append(text[start:].replace('""', '"'))
                return cells, "open"
            stop = _behind_blanks(text, quote + 1)
            if stop < len(text) and not text.startswith(delimiter, stop):
                return cells, "broken"
            cells.append(text[start:quote].replace('""', '"'))
        else:
            stop = text.find(delimiter, place)
            stop = len(text) if stop < 0 else stop
            cells.append(text[place:stop])
        if stop >= len(text):
            return cells, "closed"
        place = stop + 1


def loose_cells(text: str, delimiter: str) -> list[str]:
    """The cells of one line, whatever its quotes.

    A quote that stands first in a cell opens it if some later quote stands before a delimiter or the end
    of the line: that one closes it. Every other quote is a plain character.
    """
    cells: list[str] = []
    place = 0
    while True:
        stop = -1
        if text.startswith('"', place):
            quote = text.find('"', place + 1)
            while quote >= 0:
                if text.startswith('"', quote + 1):
                    quote = text.find('"', quote + 2)
                    continue
                stop = _behind_blanks(text, quote + 1)
                if stop == len(text) or text.startswith(delimiter, stop):
                    cells.append(text[place + 1 : quote].replace('""', '"'))
                    break
                quote, stop = text.find('"', quote + 1), -1
        if stop < 0:
            stop = text.find(delimiter, place)
            stop = len(text) if stop < 0 else stop
            cells.append(text[place:stop])
        if stop >= len(text):
            return cells
        place = stop + 1


def _behind_blanks(text: str, place: int) -> int:
    while text.startswith(" ", place):
        place += 1
    return place


def _cells(text: str, delimiter: str) -> tuple[list[str], _State]:
    """`strict_cells` by the fast way where there is one."""
    if '"' not in text:
        return text.split(delimiter), "closed"
    if len(text) < _CSV_LIMIT:
        try:
            return next(csv.reader([text], delimiter=delimiter, strict=True)), "closed"
        except csv.Error:
            pass
    return strict_cells(text, delimiter)


class TableRows:
    """Every row of a table in order, blank lines left out; each other line is part of exactly one row.

    Args:
        lines: from `TextFile.lines`, from the first line of data on.
        width: how many cells a row has.
        column: which of them holds the address; None where that is not known yet.
    """

    def __init__(self, lines: Iterator[Line], delimiter: str, *, width: int, column: int | None = None) -> None:
        self._lines, self._delimiter, self._width, self._column = lines, delimiter, width, column
        self._waiting: deque[Line] = deque()
        self._reach = JOIN_LINES

    def __iter__(self) -> Iterator[Row]:
        while (line := self._waiting.popleft() if self._waiting else next(self._lines, None)) is not None:
            if line.too_long:
                yield Row(line.number, [line.text], too_long=True)
            elif line.text and not line.text.isspace():
                cells, state = _cells(line.text, self._delimiter)
                joined = self._join(line, cells) if state == "open" else None
                if joined is not None:
                    cells = joined
                elif state != "closed":
                    cells = loose_cells(line.text, self._delimiter)
                yield Row(line.number, cells)

    def _join(self, first: Line, cells: list[str]) -> list[str] | None:
        """The row that begins with ``cells``, its last one open; None if no such row ends within reach.

        The lines looked at stay in ``_waiting`` unless they are part of the row.
        """
        open_cell = [cells[-1]]
        size = taken = 0
        while taken < self._reach and size < JOIN_CHARACTERS:
            if taken == len(self._waiting):
                following = next(self._lines, None)
                if following is None:
                    return None
                self._waiting.append(following)
            line = self._waiting[taken]
            taken += 1
            size += len(line.text)
            more, state = strict_cells(line.text, self._delimiter, inside=True)
            if line.too_long or state == "broken":
                return None
            open_cell.append(more[0])
            if len(more) > 1:
                cells[-1] = "\n".join(open_cell)
                cells += more[1:]
                open_cell = [cells[-1]]
            if state == "open":
                if self._is_row(line.text):
                    return None
            else:
                cells[-1] = "\n".join(open_cell)
                if not self._fits(cells) or (
                    self._is_row(first.text, loose=True) and self._is_row(line.text, loose=True)
                ):
                    return None
                for _ in range(taken):
                    self._waiting.popleft()
                return cells
        # A file full of opened quotes must not be looked through to the limit for each of them.
        self._reach = max(FEWEST_LINES, self._reach // 2)
        return None

    def _is_row(self, text: str, *, loose: bool = False) -> bool:
        """Whether a line is a complete row for itself."""
        if loose:
            cells = loose_cells(text, self._delimiter)
        else:
            cells, state = strict_cells(text, self._delimiter)
            if state != "closed":
                return False
        return len(cells) == self._width and self._has_address(cells)

    def _fits(self, cells: Sequence[str]) -> bool:
        return len(cells) == self._width or (self._column is not None and self._has_address(cells))

    def _has_address(self, cells: Sequence[str]) -> bool:
        if self._column is None:
            return any(map(is_web_address, cells))
        return self._column < len(cells) and is_address(cells[self._column])
