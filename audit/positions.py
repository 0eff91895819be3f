"""Exported search performance: which page stands where for which query."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path
from typing import Literal

from audit.lever import BadPosition, Position, parse_position
from crawler.list_layout import DELIMITERS, PREAMBLE_LINES, header_key
from crawler.list_rows import loose_cells
from crawler.list_text import Line, TextFile
from storage.errors import LedgerError

_DATA = Path(__file__).parent / "data" / "positions.toml"
Name = Literal["query", "page", "position", "impressions", "clicks"]
NAMES: tuple[Name, ...] = ("query", "page", "position", "impressions", "clicks")


class BadPositions(LedgerError):
    """A file of positions that cannot be read as one."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One row: a page, a query, and where it stands."""

    line: int
    page: str | None
    """As written; None where the file has no column of pages."""
    query: str
    position: Position
    impressions: int | None
    clicks: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that cannot be used."""

    line: int
    given: str
    reason: str


@dataclass(frozen=True, slots=True)
class Positions:
    """What a file says."""

    rows: tuple[Ranked, ...]
    refused: tuple[Refused, ...]
    columns: dict[Name, str]
    """The header of each column that was used."""


@cache
def _aliases() -> dict[str, frozenset[str]]:
    with _DATA.open("rb") as file:
        return {name: frozenset(map(header_key, names)) for name, names in tomllib.load(file).items()}


def read_positions(name: str, *, columns: dict[Name, str] | None = None, page: str | None = None) -> Positions:
    """Read an export.

    Args:
        name: the file.
        columns: headers of columns by what they hold, as the user gave them; they beat those that are known.
        page: the page of rows that name none.
    Raises:
        BadPositions: no header with a query and a position; names what was found.
        BadList: not a file of text.
    """
    wanted = {key: header_key(value) for key, value in (columns or {}).items()}
    file = TextFile(name)
    try:
        lines = file.lines()
        first = list(itertools.islice(lines, PREAMBLE_LINES))
        header, delimiter, places = _find_header(first, wanted, file.title)
        rest = itertools.chain((line for line in first if line.number > header), lines)
        rows, refused = _rows(rest, delimiter, places, page)
        used = {key: _cells(first, header, delimiter)[place] for key, place in places.items()}
    finally:
        file.close()
    return Positions(tuple(rows), tuple(refused), used)


def _cells(lines: Sequence[Line], number: int, delimiter: str) -> list[str]:
    return [cell.strip() for cell in loose_cells(next(line.text for line in lines if line.number == number), delimiter)]


def _find_header(lines: Sequence[Line], wanted: dict[Name, str], title: str) -> tuple[int, str, dict[Name, int]]:
    """(line, delimiter, index of each column)."""
    best: tuple[int, str, dict[Name, int]] | None = None
    seen: list[str] = []
    for line in lines:
        for delimiter in DELIMITERS:
            keys = [header_key(cell) for cell in loose_cells(line.text, delimiter)]
            seen = keys if len(keys) > len(seen) else seen
            places: dict[Name, int] = {}
            for name in NAMES:
                if name in wanted:
                    found = [keys.index(wanted[name])] if wanted[name] in keys else []
                else:
                    found = [place for place, key in enumerate(keys) if key in _aliases()[name]]
                if found:
                    places[name] = found[0]
            if "query" in places and "position" in places and (best is None or len(places) > len(best[2])):
                best = (line.number, delimiter, places)
    if best is None:
        there = ", ".join(repr(key) for key in seen[:20]) or "none"
        raise BadPositions(
            f"{title} has no columns of queries and positions; its columns seem to be {there}; "
            "name them with --query-column and --position-column"
        )
    for name, given in wanted.items():
        if name not in best[2]:
            raise BadPositions(f"{title} has no column {given!r}")
    return best


def _rows(
    lines: Iterator[Line], delimiter: str, places: dict[Name, int], default: str | None
) -> tuple[list[Ranked], list[Refused]]:
    rows: list[Ranked] = []
    refused: list[Refused] = []
    for line in lines:
        if not line.text.strip():
            continue
        cells = loose_cells(line.text, delimiter)
        row = {name: unescape(cells[place]).strip() if place < len(cells) else "" for name, place in places.items()}
        try:
            position = parse_position(row["position"])
        except BadPosition as error:
            refused.append(Refused(line.number, line.text[:200], str(error)))
            continue
        page = row.get("page") or default
        reason = "no query" if not row["query"] else "no page" if "page" in row and not page else None
        if reason is None and not position.known:
            reason = "no position"
        if reason is not None:
            refused.append(Refused(line.number, line.text[:200], reason))
            continue
        numbers = (_number(row.get("impressions", "")), _number(row.get("clicks", "")))
        rows.append(Ranked(line.number, page, " ".join(row["query"].split()), position, *numbers))
    return rows, refused


def _number(text: str) -> int | None:
    """A count, with whatever parts its thousands; None where it is blank or none."""
    digits = "".join(char for char in text if char not in ".,' \u00a0\u202f\u2009")
    return int(digits) if digits.isascii() and digits.isdigit() else None
