"""Rows -> a table in fixed columns that fits the terminal (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cli.cells import shorten, shown, width

GAP = 2
_SCHEME = re.compile(r"\Ahttps?://")
ADDRESSES = frozenset({"source", "target", "name", "url", "requested", "final", "found_on", "page"})
"""Columns of URLs, which may be shown without their scheme; words are never, they may be an address themselves."""
LEAST = 8
"""A column of texts is not made narrower than this while another can give way."""


def table(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, room: int = 80, ellipsis: str = "…"
) -> list[str]:
    """Lines of a table: a heading, a rule, the rows; numbers to the right, wide texts cut in the middle.

    Columns that cannot fit even so are shown in further blocks below, each beginning with the first column.
    """
    lines: list[str] = []
    for number, block in enumerate(_blocks(columns, rows, room)):
        if number:
            lines.append("")
        lines += _one(block, rows, room, ellipsis)
    return lines


def _blocks(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], room: int) -> list[list[str]]:
    """Split the columns so that each block's narrowest form fits."""
    least = {name: min(_natural(name, rows), _floor(name, rows)) for name in columns}
    blocks: list[list[str]] = [[]]
    used = 0
    for name in columns:
        need = least[name] + (GAP if blocks[-1] else 0)
        if blocks[-1] and used + need > room:
            blocks.append([columns[0]])
            used = least[columns[0]]
            need = least[name] + GAP
        blocks[-1].append(name)
        used += need
    return blocks


def _is_number(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    values = [row.get(name) for row in rows]
    return any(value is not None for value in values) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    )


def _heading(name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The name of a column on two lines: split behind an underscore where its cells are narrower than it is."""
    cells = max([width(shown(name, row.get(name))) for row in rows], default=0)
    splits = [place + 1 for place, char in enumerate(name) if char == "_" and 0 < place < len(name) - 1]
    if cells >= width(name) or not splits:
        return "", name
    best = min(splits, key=lambda place: max(place, len(name) - place))
    return name[:best], name[best:]


def _natural(name: str, rows: Sequence[Mapping[str, Any]]) -> int:
    return max(*map(width, _heading(name, rows)), *(width(shown(name, row.get(name))) for row in rows))


def _floor(name: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Numbers and dates are never cut: half a number is a wrong number."""
    if _is_number(name, rows) or name.endswith(("_seen", "_at", "_confirmation")):
        return _natural(name, rows)
    return max(LEAST, *map(width, _heading(name, rows)))


def _one(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], room: int, ellipsis: str) -> list[str]:
    numbers = {name for name in columns if _is_number(name, rows)}
    spare = room - GAP * (len(columns) - 1)
    if sum(_natural(name, rows) for name in columns) > spare:
        rows = [_without_schemes(row) for row in rows]
    sizes = {name: _natural(name, rows) for name in columns}
    floors = {name: min(sizes[name], _floor(name, rows)) for name in columns}
    while sum(sizes.values()) > spare:
        soft = [name for name in columns if sizes[name] > floors[name]]
        if not soft:  # a single column wider than the terminal
            widest = max(columns, key=lambda name: sizes[name])
            sizes[widest] = max(1, sizes[widest] - (sum(sizes.values()) - spare))
            break
        sizes[max(soft, key=lambda name: sizes[name])] -= 1
    lines = []
    for names in zip(*(_heading(name, rows) for name in columns), strict=True):
        heading = [
            _fit(part, sizes[name], name in numbers, ellipsis) for name, part in zip(columns, names, strict=True)
        ]
        if any(names):
            lines.append((" " * GAP).join(heading).rstrip())
    lines.append((" " * GAP).join("-" * sizes[name] for name in columns))
    for row in rows:
        cells = [_fit(shown(name, row.get(name)), sizes[name], name in numbers, ellipsis) for name in columns]
        lines.append((" " * GAP).join(cells).rstrip())
    return lines


def _without_schemes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Where there is no room for whole addresses, all give up what tells least."""
    return {
        name: _SCHEME.sub("", value) if name in ADDRESSES and isinstance(value, str) else value
        for name, value in row.items()
    }


def _fit(text: str, size: int, right: bool, ellipsis: str) -> str:
    text = shorten(text, size, ellipsis=ellipsis)
    blank = " " * (size - width(text))
    return blank + text if right else text + blank


def pairs(rows: Sequence[Mapping[str, Any]], names: Sequence[str], *, room: int = 80, ellipsis: str = "…") -> list[str]:
    """Lines of one or several records upright: a name on the left, one column a record.

    Records that do not fit side by side are shown below each other.
    """
    left = max([width(name) for name in names], default=0)
    texts = [[shown(name, row.get(name)) for name in names] for row in rows]
    sizes = [min(max([width(text) for text in column], default=0), max(1, room - left - GAP)) for column in texts]
    lines: list[str] = []
    start = 0
    while start < len(rows):
        stop, used = start, left
        while stop < len(rows) and (stop == start or used + GAP + sizes[stop] <= room):
            used += GAP + sizes[stop]
            stop += 1
        if start:
            lines.append("")
        for place, name in enumerate(names):
            line = name.ljust(left)
            for record in range(start, stop):
                right = stop - start > 1 or isinstance(rows[record].get(name), (int, float))
                size = sizes[record]
                line += " " * GAP + _fit(texts[record][place], size, right, ellipsis)
            lines.append(line.rstrip())
        start = stop
    return lines
