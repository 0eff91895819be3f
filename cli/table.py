"""Rows -> a table in fixed columns that fits the terminal (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cli.cells import shorten, shown, width

GAP = 2
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


def _natural(name: str, rows: Sequence[Mapping[str, Any]]) -> int:
    return max([width(name), *(width(shown(name, row.get(name))) for row in rows)])


def _floor(name: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Numbers and dates are never cut: half a number is a wrong number."""
    if _is_number(name, rows) or name.endswith(("_seen", "_at", "_confirmation")):
        return _natural(name, rows)
    return max(LEAST, width(name))


def _one(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], room: int, ellipsis: str) -> list[str]:
    numbers = {name for name in columns if _is_number(name, rows)}
    sizes = {name: _natural(name, rows) for name in columns}
    floors = {name: min(sizes[name], _floor(name, rows)) for name in columns}
    spare = room - GAP * (len(columns) - 1)
    while sum(sizes.values()) > spare:
        soft = [name for name in columns if sizes[name] > floors[name]]
        if not soft:  # a single column wider than the terminal
            widest = max(columns, key=lambda name: sizes[name])
            sizes[widest] = max(1, sizes[widest] - (sum(sizes.values()) - spare))
            break
        sizes[max(soft, key=lambda name: sizes[name])] -= 1
    heading = [_fit(name, sizes[name], name in numbers, ellipsis) for name in columns]
    lines = [(" " * GAP).join(heading).rstrip(), (" " * GAP).join("-" * sizes[name] for name in columns)]
    for row in rows:
        cells = [_fit(shown(name, row.get(name)), sizes[name], name in numbers, ellipsis) for name in columns]
        lines.append((" " * GAP).join(cells).rstrip())
    return lines


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
