"""Rows -> a table in fixed columns that fits the terminal (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.cells import is_time, shorten, shown, width

GAP = 2
LEAST = 8
"""A column of texts is not made narrower than this while another can give way."""
ADDRESSES = frozenset({"source", "target", "name", "url", "requested", "final", "found_on", "page"})
"""Columns of URLs, which may be shown without their scheme; words are never, they may be an address themselves."""
_SCHEME = re.compile(r"\Ahttps?://")


@dataclass(frozen=True, slots=True)
class _Column:
    """One column, its cells as they are shown."""

    name: str
    heading: tuple[str, str]
    cells: list[str]
    number: bool
    size: int
    """Columns of the terminal it takes uncut."""
    floor: int
    """It is not made narrower than this."""


def table(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, room: int = 80, ellipsis: str = "…"
) -> list[str]:
    """Lines of a table: a heading, a rule, the rows; numbers to the right, wide texts cut in the middle.

    Columns that cannot fit even so are shown in further blocks below, each beginning with the first column.
    """
    lines: list[str] = []
    laid_out = [_column(name, rows) for name in columns]
    # One space less between columns is better than a second block.
    gap = 1 if sum(column.floor + GAP for column in laid_out) - GAP > room else GAP
    if gap < GAP and sum(column.floor + gap for column in laid_out) - gap > room:
        gap = GAP
    for number, block in enumerate(_blocks(laid_out, room, gap)):
        if number:
            lines.append("")
        lines += _one(block, room, ellipsis, gap)
    return lines


def _column(name: str, rows: Iterable[Mapping[str, Any]]) -> _Column:
    values = [row.get(name) for row in rows]
    cells = [shown(name, value) for value in values]
    present = [value for value in values if value is not None]
    number = bool(present) and all(type(value) in (int, float) for value in present)
    time = bool(present) and all(isinstance(value, str) and is_time(value) for value in present)
    return _sized(name, cells, number, whole=number or time)


def _sized(name: str, cells: list[str], number: bool, whole: bool) -> _Column:
    widest = max(map(width, cells), default=0)
    heading = _heading(name, widest)
    title = max(map(width, heading))
    size = max(title, widest)
    # Numbers and times are never cut: half a number is a wrong number.
    floor = size if whole else min(size, max(LEAST, title))
    return _Column(name, heading, cells, number, size, floor)


def _heading(name: str, widest: int) -> tuple[str, str]:
    """The name of a column on two lines: split behind an underscore where its cells are narrower than it is."""
    splits = [place + 1 for place, char in enumerate(name) if char == "_" and 0 < place < len(name) - 1]
    if widest >= width(name) or not splits:
        return "", name
    best = min(splits, key=lambda place: max(place, len(name) - place))
    return name[:best], name[best:]


def _blocks(columns: Sequence[_Column], room: int, gap: int) -> list[list[_Column]]:
    """Split the columns so that each block's narrowest form fits."""
    blocks: list[list[_Column]] = [[]]
    used = 0
    for column in columns:
        need = column.floor + (gap if blocks[-1] else 0)
        if blocks[-1] and used + need > room:
            blocks.append([columns[0]])
            used = columns[0].floor
            need = column.floor + gap
        blocks[-1].append(column)
        used += need
    return blocks


def _one(columns: Sequence[_Column], room: int, ellipsis: str, gap: int) -> list[str]:
    spare = room - gap * (len(columns) - 1)
    if sum(column.size for column in columns) > spare:
        columns = [_without_schemes(column) for column in columns]
    sizes = [column.size for column in columns]
    floors = [column.floor for column in columns]
    while sum(sizes) > spare:
        soft = [place for place, size in enumerate(sizes) if size > floors[place]]
        if soft:
            sizes[max(soft, key=sizes.__getitem__)] -= 1
        else:  # a single column wider than the terminal
            widest = max(range(len(sizes)), key=sizes.__getitem__)
            sizes[widest] = max(1, sizes[widest] - (sum(sizes) - spare))
            break

    def line(texts: Iterable[str]) -> str:
        cells = zip(columns, sizes, texts, strict=True)
        return (" " * gap).join(_fit(text, size, column.number, ellipsis) for column, size, text in cells).rstrip()

    lines = [line(column.heading[level] for column in columns) for level in (0, 1)]
    if not lines[0]:
        del lines[0]
    lines.append((" " * gap).join("-" * size for size in sizes))
    lines += [line(texts) for texts in zip(*(column.cells for column in columns), strict=True)]
    return lines


def _without_schemes(column: _Column) -> _Column:
    """Where there is no room for whole addresses, all give up what tells least."""
    if column.name not in ADDRESSES or column.number:
        return column
    return _sized(column.name, [_SCHEME.sub("", cell) for cell in column.cells], number=False, whole=False)


def _fit(text: str, size: int, right: bool, ellipsis: str) -> str:
    text = shorten(text, size, ellipsis=ellipsis)
    blank = " " * (size - width(text))
    return blank + text if right else text + blank


def pairs(rows: Sequence[Mapping[str, Any]], names: Sequence[str], *, room: int = 80, ellipsis: str = "…") -> list[str]:
    """Lines of one or several records upright: a name on the left, one column a record.

    Records that do not fit side by side are shown below each other.
    """
    left = max(map(width, names), default=0)
    texts = [[shown(name, row.get(name)) for name in names] for row in rows]
    sizes = [min(max(map(width, column), default=0), max(1, room - left - GAP)) for column in texts]
    lines: list[str] = []
    start = 0
    while start < len(rows):
        stop, used = start, left
        while stop < len(rows) and (stop == start or used + GAP + sizes[stop] <= room):
            used += GAP + sizes[stop]
            stop += 1
        if start:
            lines.append("")
        if stop - start == 1:
            lines += _upright(rows[start], texts[start], names, left, sizes[start], ellipsis)
        else:
            for place, name in enumerate(names):
                cells = (_fit(texts[record][place], sizes[record], True, ellipsis) for record in range(start, stop))
                lines.append((" " * GAP).join((name.ljust(left), *cells)).rstrip())
        start = stop
    return lines


def _upright(
    row: Mapping[str, Any], texts: Sequence[str], names: Sequence[str], left: int, size: int, ellipsis: str
) -> list[str]:
    """One record; its numbers stand under each other, its texts begin where the numbers do."""
    numbers = [type(row.get(name)) in (int, float) for name in names]
    right = max((width(text) for text, number in zip(texts, numbers, strict=True) if number), default=0)
    return [
        f"{name.ljust(left)}{' ' * GAP}{_fit(text, right if number else size, number, ellipsis)}".rstrip()
        for name, text, number in zip(names, texts, numbers, strict=True)
    ]
