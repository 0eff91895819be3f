"""On which line of a TOML text a key or value stands: the parser of the standard library does not tell."""

from __future__ import annotations

import json
import re
from typing import Any

_KEY = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"([^"]*)"|'([^']*)')\s*(\.|=)""")
_TABLE = re.compile(r"""\s*(\[\[?)\s*["']?([A-Za-z0-9_-]+)["']?\s*\]""")


class Lines:
    """Finds keys such as ``brands``, ``thresholds.exact_warn`` and ``page[2].url`` in a text that is good TOML.

    Reads line by line: a key is what stands before ``=`` at the beginning of a line. In a form it does not follow
    (inline tables), the line of the table is given.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._at: dict[str, int] = {}
        table = ""
        rows: dict[str, int] = {}
        for number, line in enumerate(self._lines, 1):
            if found := _TABLE.match(line):
                name = found[2]
                if found[1] == "[[":
                    rows[name] = rows.get(name, 0) + 1
                    table = f"{name}[{rows[name]}]"
                    self._at.setdefault(name, number)
                else:
                    table = name
                self._at.setdefault(table, number)
            elif found := _KEY.match(line):
                name = next(group for group in found.groups()[:3] if group is not None)
                key = f"{table}.{name}" if table else name
                self._at.setdefault(key, number)

    def of(self, key: str, value: Any = None, nth: int = 1) -> int:
        """The line of a key; of a text in its list, the line of the ``nth`` such text behind it."""
        at = next((self._at[name] for name in _wider(key) if name in self._at), 1)
        if isinstance(value, str) and value:
            written = (json.dumps(value, ensure_ascii=False), f"'{value}'")
            met = 0
            for number in range(at, len(self._lines) + 1):
                line = self._lines[number - 1]
                if number > at and (_TABLE.match(line) or _KEY.match(line)):
                    break
                met += sum(line.count(one) for one in written)
                if met >= nth:
                    return number
        return at


def _wider(key: str) -> list[str]:
    """The key, then the tables it stands in."""
    names = [key]
    while "." in names[-1]:
        names.append(names[-1].rpartition(".")[0])
    names.append(re.sub(r"\[\d+\]$", "", names[-1]))
    return names
