"""HTML out of values: whatever is no `Html` is escaped, so that forgetting to escape is not possible.

The same place makes visible what a reader could not see or would be misled by.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any
from urllib.parse import urlsplit

from storage.text import STEERING

MOST_WORDS = 180
"""Characters of one text that a cell shows."""
_VOID = frozenset(("meta", "br", "hr", "rect", "line"))
_HIDDEN = re.compile(f"(?![\t\n])[{STEERING}]")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Part = Html | str | int | None


def tag(name: str, /, *inside: Part, **attributes: str | int | bool | None) -> Html:
    """One element. Strings inside are escaped, `Html` is not; None is left out.

    Attributes: ``class_`` and ``for_`` lose their underscore, others have a hyphen for it; True is an attribute
    without a value, None and False none.
    """
    head = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_escaped(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{head}>" if name in ("meta", "br", "hr") else f"<{name}{head}></{name}>")
    return Html(f"<{name}{head}>{join(*inside)}</{name}>")


def join(*inside: Part) -> Html:
    """Parts one behind the other."""
    return Html("".join(one if isinstance(one, Html) else _escaped(one) for one in inside if one is not None))


def _escaped(value: object) -> str:
    return escape(shown(str(value)), quote=True)


def shown(text: str) -> str:
    r"""A text of a page: what cannot be seen, or would turn the line round, as ``\u202e``."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def words(text: str, most: int = MOST_WORDS) -> Html:
    """A text of a page, with a direction of its own; a long one is cut and says how long it is."""
    if len(text) <= most:
        return tag("bdi", text)
    return join(tag("bdi", text[:most], "…"), " ", tag("span", f"({len(text):,} characters)", class_="muted"))


def link(url: str, text: str | None = None) -> Html:
    """A URL to click on if it is http or https, else only its text."""
    label = words(text if text is not None else url, 120)
    try:
        parts = urlsplit(url)
    except ValueError:
        return label
    if parts.scheme not in ("http", "https") or not parts.netloc or _HIDDEN.search(url) or not url.isascii():
        return label
    return tag("a", label, href=url, rel="noreferrer noopener nofollow")


def script_json(value: Any) -> Html:
    """JSON that ends no script element and begins no comment, whatever it holds."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Html(text)
