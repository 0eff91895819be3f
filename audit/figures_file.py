"""A table with a figure for each domain, such as another tool's export: the column by its name, the highest a domain.

Encodings, delimiters and lines above the header are read as in lists of pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain

from crawler.list_layout import Layout, detect_layout, header_key, rows_of, sample_of
from crawler.list_rows import Row
from crawler.list_text import Line, TextFile
from crawler.urls import hide_inside, seed_url
from storage.errors import BadList, InvalidUrl, LedgerError

_EXAMPLES = 5
_UNKNOWN = frozenset({"", "-", "–", "—", "n/a", "na", "#n/a", "null", "none", "unknown"})
"""Cells that say that there is no figure: unknown, not 0."""
_PLAIN = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,15})?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"-?\d{1,15},\d{1,2}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATES = ("last seen", "last crawled", "source crawl date", "last checked")
"""Columns that say how recent a row is, in the order in which they are looked for."""


class NoColumn(LedgerError):
    """A table without the column that was asked for."""

    def __init__(self, title: str, wanted: str, columns: tuple[str, ...]) -> None:
        by_key = {header_key(name): name for name in columns}
        meant = [by_key[key] for key in get_close_matches(header_key(wanted), by_key, 3, 0.5)]
        hint = f" (did you mean {' or '.join(repr(name) for name in meant)}?)" if meant else ""
        shown = ", ".join(repr(name) for name in columns[:40])
        super().__init__(f"{title} has no column {wanted!r}{hint}; its columns are {shown}")


@dataclass(frozen=True, slots=True)
class FiguresRead:
    """What a table said of domains."""

    column: str
    """Header of the column that was read."""
    domain_column: str
    rows: int
    values: dict[str, float]
    """Registrable domain -> its figure: the highest of its latest rows."""
    blank: int
    """Rows whose cell is empty or says that nothing is known."""
    bad: int
    """Rows that could not be read."""
    examples: tuple[str, ...]
    """Some of them, each with its line, its value and what is wrong."""
    disagreed: int
    """Domains of which rows said different things."""
    latest_by: str | None
    """The column that says which rows are the latest; None: all of them count."""


def read_figures(name: str, column: str, *, domains: str | None = None, lowest_first: bool = False) -> FiguresRead:
    """Read one column of figures.

    Args:
        name: the file.
        column: its header, in any case, or its number from 1.
        domains: header or number of the column with the domains or URLs the figures belong to; None decides by the
            headers and cells.
        lowest_first: of several rows of one domain the lowest counts: 1 is the best.
    Raises:
        BadList: the file cannot be read, or does not say which column holds the domains.
        NoColumn: it has no such column.
    """
    text = TextFile(name)
    try:
        lines = text.lines()
        sample = sample_of(lines)
        try:
            layout = detect_layout(sample, name=name, title=text.title, column=domains)
        except BadList as error:
            # There, --column is the one with the addresses.
            raise BadList(str(error).replace("--column", "--domains")) from error
        if layout.delimiter is None:
            raise BadList(f"{text.title} is a plain list, one address a line: it has no column {column!r}")
        place = _place(layout, column, text.title)
        return _read(layout, place, chain(sample, lines), lowest_first=lowest_first)
    finally:
        text.close()


def _place(layout: Layout, column: str, title: str) -> int:
    keys = [header_key(name) for name in layout.header]
    wanted = header_key(column)
    # A name that stands there again has its number behind it.
    places = [place for place, key in enumerate(keys) if key in (wanted, f"{wanted} ({place + 1})")]
    if len(places) > 1:
        numbers = " or ".join(f"--column {place + 1}" for place in places)
        raise BadList(f"{title} has {len(places)} columns named {column!r}; give the number: {numbers}")
    if places:
        return places[0]
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:6]) <= len(keys):
        return int(wanted) - 1
    raise NoColumn(title, column, layout.header)


def _read(layout: Layout, place: int, lines: Iterator[Line], *, lowest_first: bool) -> FiguresRead:
    keys = [header_key(name) for name in layout.header]
    dated = next((keys.index(name) for name in _DATES if name in keys), None)
    best: dict[str, tuple[str, float]] = {}
    disagreed: set[str] = set()
    examples: list[str] = []
    rows = blank = bad = 0
    for row in rows_of(layout, lines):
        rows += 1
        cell = _cell(row, place)
        if cell.casefold() in _UNKNOWN and not row.too_long:
            blank += 1
            continue
        value = None if row.too_long else number(cell, comma_splits=layout.delimiter == ",")
        domain, why = _domain(_cell(row, layout.column))
        if value is None or domain is None:
            bad += 1
            if len(examples) < _EXAMPLES:
                wrong = f"{hide_inside(cell)[:60]!r} is no number" if value is None else why
                examples.append(f"line {row.line}: {wrong}")
            continue
        met = _DATE.match(_cell(row, dated)) if dated is not None else None
        day = met[0] if met else ""
        before = best.get(domain)
        if before is None:
            best[domain] = (day, value)
            continue
        if before[1] != value:
            disagreed.add(domain)
        best[domain] = max(before, (day, value), key=lambda one: (one[0], -one[1] if lowest_first else one[1]))
    return FiguresRead(
        column=layout.header[place],
        domain_column=layout.header[layout.column],
        rows=rows,
        values={domain: value for domain, (_, value) in best.items()},
        blank=blank,
        bad=bad,
        examples=tuple(examples),
        disagreed=len(disagreed),
        latest_by=None if dated is None else layout.header[dated],
    )


def _cell(row: Row, place: int) -> str:
    return row.cells[place].strip() if place < len(row.cells) else ""


def number(cell: str, *, comma_splits: bool = False) -> float | None:
    """The number a cell says: ``72``, ``72.5``, ``1,234``, ``72,5``; None where it says none.

    Args:
        comma_splits: commas stand between the columns, so that one inside a number is one of thousands.
    """
    text = re.sub(r"[\s\u00a0\u202f']", "", cell)
    if _PLAIN.fullmatch(text):
        return float(text)
    if _THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    if _DECIMAL_COMMA.fullmatch(text) and not comma_splits:
        return float(text.replace(",", "."))
    return None


def _domain(cell: str) -> tuple[str | None, str]:
    """(registrable domain, "") of a domain or URL, else (None, why not)."""
    try:
        return seed_url(cell).domain, ""
    except InvalidUrl as error:
        return None, str(error)
