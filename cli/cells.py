"""One value -> the text of one cell, safe where it is shown; and the rules that undo it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from storage.text import STEERING

NO_ANCHOR_TEXT = "(no anchor text)"

_VISIBLE = re.compile(f"[{STEERING}]")
# Cells a spreadsheet takes for a formula, and cells that look as if they had been guarded already.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_TSV = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_TSV_ESCAPE = re.compile(r"[\\\t\n\r]")
_TSV_UNESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(.))")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""Control and direction characters as ``\u001b``; everything else as it is."""
    return _VISIBLE.sub(_escape, text)


def guard(text: str) -> str:
    """Put ``'`` before a text that a spreadsheet would run; `unguard` takes it off again.

    A text that begins with apostrophes and then such a character gets one more, so that
    ``unguard(guard(text)) == text`` for every text.
    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    return "'" + text if _FORMULA.match(text) else text


def unguard(cell: str) -> str:
    """The text a guarded CSV cell stands for."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def tsv_escape(text: str) -> str:
    r"""Tab, newline, carriage return and backslash as ``\t \n \r \\``; other controls as ``\u001b``, on a pipe too."""
    return visible(_TSV_ESCAPE.sub(lambda found: _TSV[found.group()], text))


def tsv_unescape(cell: str) -> str:
    """The text a TSV cell stands for: ``tsv_unescape(tsv_escape(text)) == text``."""

    def undo(found: re.Match[str]) -> str:
        code = found.group(1) or found.group(2)
        if code:
            return chr(int(code, 16))
        letter = found.group(3)
        return {"t": "\t", "n": "\n", "r": "\r"}.get(letter, letter)

    return _TSV_UNESCAPE.sub(undo, cell)


def json_text(value: Any, *, ascii_only: bool = False) -> str:
    r"""One line of JSON in UTF-8; control characters, marks of direction and lone surrogates as ``\uXXXX``.

    The escapes are JSON's own: a reader gets exactly the value that was written.
    """
    return json_visible(json.dumps(value, ensure_ascii=ascii_only, separators=(", ", ": "), default=_plain))


def json_visible(text: str) -> str:
    r"""JSON with every character that would steer a terminal as ``\uXXXX``: another spelling of the same value.

    Line ends stay: within strings JSON has none, they only part its lines.
    """
    if text.isascii():
        return text.replace("\x7f", "\\u007f") if "\x7f" in text else text
    return _VISIBLE.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    if match.group() == "\n":
        return "\n"
    code = ord(match.group())
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def flat(value: Any) -> str | int | float:
    """A value as one CSV or TSV cell: None is empty, true and false are words, lists are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return value
    return json_text(value)


def shown(name: str, value: Any) -> str:
    """A value as a table shows it: for reading, not for parsing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.1%}" if name.startswith("share_") else f"{value:,.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{visible(str(key))} {shown(str(key), item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(shown("", item) for item in value)
    text = str(value)
    if name == "anchor" and not text:
        return NO_ANCHOR_TEXT
    if is_time(text):
        # Dates are what link questions are about; the run of a crawl is read to the minute.
        return text[:10] if name.endswith(("_seen", "_confirmation", "_at")) else f"{text[:10]} {text[11:16]}"
    return visible(text)


def is_time(text: str) -> bool:
    """Whether a text is a time as answers write it."""
    return _ISO_TIME.fullmatch(text) is not None


def width(text: str) -> int:
    """Columns a terminal takes for a text: two for wide East Asian characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: str, columns: int, *, ellipsis: str = "…") -> str:
    """Cut the middle out of a text that is wider than ``columns``: its start and its end tell most."""
    if width(text) <= columns:
        return text
    room = columns - len(ellipsis)
    if room <= 0:
        return ellipsis[:columns]
    left = _cut(text, room - room // 2)
    right = _cut(text[::-1], room - width(left))[::-1]
    return left + ellipsis + right


def _cut(text: str, columns: int) -> str:
    used = 0
    for place, char in enumerate(text):
        used += _char_width(char)
        if used > columns:
            return text[:place]
    return text
