"""How one file is laid out: its delimiter, where its rows begin, and which column holds the pages.

Judged from the first lines alone. Known headers (data/list_columns.toml) decide first, whatever stands
above them; then what the cells look like. Where two columns could be meant, the user is asked.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from crawler.list_rows import Row, TableRows, is_address, is_host_address, is_web_address, loose_cells
from crawler.list_text import Line
from storage.errors import BadList

SAMPLE_LINES = 200
SAMPLE_CHARACTERS = 1_000_000
PREAMBLE_LINES = 30
"""A header is looked for among so many lines that are not blank."""

DELIMITERS = ("\t", ",", ";")
_TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".csv.gz", ".tsv.gz")
_DATA = Path(__file__).parent / "data" / "list_columns.toml"
_GROUPS = ("linking", "pages", "hosts")


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read one file."""

    delimiter: str | None
    """None: a plain list, one address a line."""
    first_line: int
    """The first physical line that can be a row."""
    header_line: int | None
    header: tuple[str, ...]
    """One name a column: the header's, or ``column 1`` ... where there is none; empty in a plain list."""
    column: int
    """Index of the column that holds the addresses."""
    entities: bool = False
    """The column's cells hold HTML character references."""

    @property
    def comments(self) -> bool:
        """Whether lines that begin with ``#`` are comments: only where no header says that they are rows."""
        return self.delimiter is None or self.header_line is None


@dataclass(frozen=True, slots=True)
class _Header:
    delimiter: str | None
    line: int
    cells: tuple[str, ...]


@lru_cache(maxsize=1)
def _known_headers() -> dict[str, frozenset[str]]:
    with _DATA.open("rb") as file:
        return {group: frozenset(map(header_key, names)) for group, names in tomllib.load(file).items()}


def header_key(cell: str) -> str:
    """The form in which headers are compared: lower case, `_` and runs of white space as one blank, no quotes."""
    return " ".join(cell.replace("_", " ").replace('"', " ").casefold().split())


def sample_of(lines: Iterator[Line]) -> list[Line]:
    """Take from a file's lines those that its layout is judged by."""
    sample: list[Line] = []
    size = 0
    for line in islice(lines, SAMPLE_LINES):
        sample.append(line)
        size += len(line.text)
        if size > SAMPLE_CHARACTERS:
            break
    return sample


def rows_of(layout: Layout, lines: Iterator[Line]) -> Iterator[Row]:
    """The rows of a file that hold anything, as its layout says they are to be read."""
    data = (line for line in lines if line.number >= layout.first_line)
    if layout.comments:
        data = (line for line in data if not line.text.lstrip().startswith("#"))
    if layout.delimiter is None:
        yield from (Row(line.number, [line.text], line.too_long) for line in data if line.text.strip())
        return
    for row in TableRows(data, layout.delimiter, width=len(layout.header), column=layout.column):
        if any(cell and not cell.isspace() for cell in row.cells):
            yield row


def detect_layout(lines: Sequence[Line], *, name: str, title: str, column: str | None = None) -> Layout:
    """Decide how a file is read.

    Args:
        lines: the first lines of the file, as `sample_of` takes them.
        name: the file's name: only its ending is looked at, and only where the lines leave it open
            whether a comma is part of a URL or stands between two columns.
        column: the header or the number (from 1) of the address column, as the user gave it.
    Raises:
        BadList: no rows at all, no column with addresses, several of them, or no column as given.
    """
    filled = [line for line in lines if line.text.strip()]
    delimiters: tuple[str, ...] = DELIMITERS
    hint = filled[0].text.strip().strip('"').casefold() if filled else ""
    if len(hint) == 5 and hint.startswith("sep=") and hint[4] in "\t,;":  # Excel's own mark
        delimiters = (hint[4],)
        filled = filled[1:]
    if not any(not line.text.lstrip().startswith("#") for line in filled):
        raise BadList(f"{title} holds no rows: every line is blank or a comment")
    wanted = header_key(column) if column is not None else None
    named = wanted if wanted is not None and not _is_number(wanted) else None
    header = _find_header(filled, delimiters, named)
    if header is None and named is not None:
        header = _find_header(filled, delimiters, None) or _unknown_header(filled, delimiters, name)
        raise _no_such_column(title, named, header.cells if header else ())
    if header is None:
        header = _unknown_header(filled, delimiters, name)
    if header is None:
        _refuse_table_without_addresses(filled, delimiters, title)
    return _choose(filled, header, title, wanted)


def _find_header(lines: Sequence[Line], delimiters: Iterable[str], wanted: str | None) -> _Header | None:
    """The line with a known header (or with the wanted one) that fits the lines below it best."""
    known = frozenset().union(*(_known_headers()[group] for group in _GROUPS)) if wanted is None else {wanted}
    best: tuple[bool, int, int] | None = None
    found: _Header | None = None
    for delimiter in delimiters:
        above: list[list[str]] = []
        for place, line in enumerate(lines[:PREAMBLE_LINES]):
            cells = loose_cells(line.text, delimiter)
            above.append(cells)
            if not any(header_key(cell) in known for cell in cells) or any(map(is_web_address, cells)):
                continue
            # Nothing that could be a row is skipped as if it were a preamble.
            rows_above = (other for other in above[:-1] if not other[0].lstrip().startswith("#"))
            if any(
                len(cells) == 1 or (len(other) == len(cells) and any(map(is_address, other))) for other in rows_above
            ):
                continue
            below = [len(loose_cells(other.text, delimiter)) for other in lines[place + 1 :]]
            fits = not below or sum(count == len(cells) for count in below) * 2 >= len(below)
            rank = (fits, len(cells), -place)
            if best is None or rank > best:
                best = rank
                found = _Header(delimiter, line.number, tuple(cells))
    if found is not None and len(found.cells) == 1:
        # One name alone: the rows below say whether there is a delimiter at all.
        rows = [line for line in lines if line.number > found.line]
        return _Header(_delimiter_of(rows, delimiters, ""), found.line, found.cells)
    return found


def _delimiter_of(lines: Sequence[Line], delimiters: Iterable[str], name: str) -> str | None:
    """The delimiter of lines without a known header; None where each line is one address."""
    rows = [line.text for line in lines if not line.text.lstrip().startswith("#")]
    best: tuple[float, int] = (0.0, 0)
    found = None
    for delimiter in delimiters:
        table = [loose_cells(text, delimiter) for text in rows]
        counts = Counter(map(len, table))
        width, often = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        share = often / len(rows) if rows else 0.0
        if width < 2 or share < 0.6 or (share, width) <= best:
            continue
        fitting = [cells for cells in table if len(cells) == width]
        if sum(any(map(is_address, cells)) for cells in fitting) * 2 < len(fitting):
            continue
        if delimiter != "\t" and _may_be_part_of_urls(rows, fitting) and not name.lower().endswith(_TABLE_SUFFIXES):
            continue
        best, found = (share, width), delimiter
    return found


def _refuse_table_without_addresses(lines: Sequence[Line], delimiters: Iterable[str], title: str) -> None:
    """A table none of whose first lines holds an address is a mistake, not a list of rows to reject."""
    rows = [line.text for line in lines if not line.text.lstrip().startswith("#")]
    if len(rows) < 2 or any(map(is_address, rows)):
        return
    for delimiter in delimiters:
        table = [loose_cells(text, delimiter) for text in rows]
        if len(table[0]) > 1 and all(len(cells) == len(table[0]) for cells in table):
            raise _no_addresses(title, table[0])


def _may_be_part_of_urls(rows: Sequence[str], table: Sequence[Sequence[str]]) -> bool:
    """Whether the delimiters could as well stand inside URLs, as in ``https://news.example/0,1518.html``."""
    if any('"' in text or " " in text.strip() or "\t" in text for text in rows):
        return False
    return not any(not cell or is_web_address(cell) for cells in table for cell in cells[1:])


def _unknown_header(lines: Sequence[Line], delimiters: Iterable[str], name: str) -> _Header | None:
    """The header of a table in another language: the line above the first row with an address.

    Returns a header with ``line`` 0 and numbered columns where the first line is a row, None for a plain list.
    """
    rows = [line for line in lines if not line.text.lstrip().startswith("#")]
    delimiter = _delimiter_of(rows, delimiters, name)
    if delimiter is None:
        return None
    table = [loose_cells(line.text, delimiter) for line in rows]
    width = Counter(map(len, table)).most_common(1)[0][0]
    test = is_web_address if any(any(map(is_web_address, cells)) for cells in table) else is_host_address
    first = next((place for place, cells in enumerate(table) if any(map(test, cells))), 0)
    if (
        0 < first <= PREAMBLE_LINES
        and len(table[first - 1]) == width
        and all(cell.strip() for cell in table[first - 1])
    ):
        return _Header(delimiter, rows[first - 1].number, tuple(table[first - 1]))
    return _Header(delimiter, 0, tuple(f"column {number}" for number in range(1, width + 1)))


def _choose(lines: Sequence[Line], header: _Header | None, title: str, wanted: str | None) -> Layout:
    if header is None:
        if wanted is not None and wanted != "1":
            raise _no_such_column(title, wanted, ())
        return Layout(None, lines[0].number, None, (), 0)
    first_line = header.line + 1 if header.line else lines[0].number
    if lines[-1].number < first_line:
        raise BadList(f"{title} holds no rows: there is nothing below its header in line {header.line}")
    header_line = header.line or None
    names = _distinct(header.cells)
    if header.delimiter is None:
        if wanted is not None and wanted not in ("1", header_key(header.cells[0])):
            raise _no_such_column(title, wanted, names)
        return Layout(None, first_line, header_line, names, 0, _entities(header.cells[0]))
    column = _column(lines, header, names, title, wanted)
    return Layout(header.delimiter, first_line, header_line, names, column, _entities(header.cells[column]))


def _column(lines: Sequence[Line], header: _Header, names: Sequence[str], title: str, wanted: str | None) -> int:
    keys = [header_key(cell) for cell in header.cells]
    if wanted is not None:
        if wanted in keys:
            if keys.count(wanted) > 1:
                numbers = [str(place + 1) for place, key in enumerate(keys) if key == wanted]
                raise BadList(
                    f"{title} has {keys.count(wanted)} columns named {wanted!r}; "
                    f"give the number: --column {' or --column '.join(numbers)}"
                )
            return keys.index(wanted)
        if _is_number(wanted) and 1 <= int(wanted) <= len(keys):
            return int(wanted) - 1
        raise _no_such_column(title, wanted, names)
    assert header.delimiter is not None
    data = iter([line for line in lines if line.number > header.line and not line.text.startswith("#")])
    table = [row.cells for row in islice(TableRows(data, header.delimiter, width=len(keys)), SAMPLE_LINES)]
    web = [_share(table, place, is_web_address) for place in range(len(keys))]
    either = [_share(table, place, is_address) for place in range(len(keys))]
    for group in _GROUPS:
        named = [place for place, key in enumerate(keys) if key in _known_headers()[group] and either[place] > 0]
        if len(named) > 1:
            # A column of bare hosts beside one of URLs: the URLs are the pages.
            named = [place for place in named if web[place] >= 0.5] or named
        if named:
            return _only(named, names, title)
    judged = web if any(share >= 0.5 for share in web) else either
    likely = [place for place, share in enumerate(judged) if share >= 0.5]
    if likely:
        return _only(likely, names, title)
    for group in _GROUPS:  # no row of the sample is good: the name is all there is
        named = [place for place, key in enumerate(keys) if key in _known_headers()[group]]
        if named:
            return _only(named, names, title)
    raise _no_addresses(title, names)


def _no_addresses(title: str, names: Sequence[str]) -> BadList:
    return BadList(f"{title} has no column of page addresses; its columns are {_quoted(names)}; name one with --column")


def _share(table: Sequence[Sequence[str]], place: int, test: Callable[[str], bool]) -> float:
    """How many of a column's filled cells pass a test, from 0 to 1."""
    filled = [cells[place] for cells in table if place < len(cells) and cells[place].strip()]
    return sum(map(test, filled)) / len(filled) if filled else 0.0


def _only(places: Sequence[int], names: Sequence[str], title: str) -> int:
    if len(places) > 1:
        meant = _quoted([names[place] for place in places])
        raise BadList(
            f"{title} has {len(places)} columns that may hold the pages: {meant}; "
            f"name one with --column, such as --column {names[places[0]]!r} or --column {places[0] + 1}"
        )
    return places[0]


def _is_number(wanted: str) -> bool:
    return wanted.isascii() and wanted.isdigit()


def _entities(cell: str) -> bool:
    return header_key(cell) in _known_headers()["entities"]


def _distinct(cells: Sequence[str]) -> tuple[str, ...]:
    """Column names as in the header, trimmed; blank and repeated ones get numbers."""
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = cell.strip().strip('"').strip() or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return tuple(names)


def _no_such_column(title: str, wanted: str, names: Sequence[str]) -> BadList:
    has = f"its columns are {_quoted(_distinct(names))}" if names else "it is a plain list, one address a line"
    return BadList(f"{title} has no column {wanted!r}; {has}")


def _quoted(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:40]]
    return ", ".join(shown) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
