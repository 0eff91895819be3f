"""What of a page is shown, as far as the page's own markup decides it: the rules of data/rendering.toml, ready to ask.

Style sheets are not loaded, as a crawler does not load them: tag names, the ``hidden`` attribute and the ``style``
attribute decide. The rules and their sources stand in the data file; docs/extraction.md explains them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

_DATA = tomllib.loads(files("crawler").joinpath("data/rendering.toml").read_text("utf-8"))


# What the walk over the tree has to do for an element. Plain integers, as they are compared for every element:
# up to NO_TEXT they are told apart in the walk's own loop, the others where there is time.
INLINE, BLOCK, LINK, BREAK, IMAGE, NO_TEXT = 0, 1, 2, 3, 4, 5
META, HEADING, LANDMARK, AREA, SUMMARY, ATOMIC, NOT_SHOWN = range(6, 13)
DETAILS, DIALOG, SVG, MATH, HTML_INSIDE, SVG_TITLE = range(13, 19)

Kinds = dict[str, int]


def _kinds(tags: Iterable[str], kind: int) -> Kinds:
    return dict.fromkeys(tags, kind)


HTML_KINDS: Kinds = {
    **_kinds(_DATA["html"]["block"], BLOCK),
    **_kinds(_DATA["html"]["no_text"], NO_TEXT),
    **_kinds(_DATA["html"]["not_shown"], NOT_SHOWN),
    **_kinds(_DATA["html"]["atomic"], ATOMIC),
    **_kinds(("base", "link", "meta", "title"), META),
    **_kinds(("article", "aside", "footer", "header", "main", "nav", "section"), LANDMARK),
    **_kinds(("h1", "h2"), HEADING),
    **{"a": LINK, "area": AREA, "br": BREAK, "img": IMAGE, "details": DETAILS, "summary": SUMMARY},
    **{"dialog": DIALOG, "svg": SVG, "math": MATH},
}
SVG_KINDS: Kinds = {
    **_kinds(_DATA["svg"]["block"], BLOCK),
    **_kinds(_DATA["svg"]["not_shown"], NOT_SHOWN),
    **_kinds(_DATA["svg"]["html_inside"], HTML_INSIDE),
    **{"a": LINK, "title": SVG_TITLE},
}
MATH_KINDS: Kinds = {
    **_kinds(_DATA["math"]["not_shown"], NOT_SHOWN),
    **_kinds(_DATA["math"]["html_inside"], HTML_INSIDE),
}
HTML_BLOCKS: frozenset[str] = frozenset(_DATA["html"]["block"])
SVG_BLOCKS: frozenset[str] = frozenset(_DATA["svg"]["block"])
NOT_SHOWN_TAGS: frozenset[str] = frozenset(tag for part in ("html", "svg", "math") for tag in _DATA[part]["not_shown"])


NOTABLE = frozenset({"style", "hidden", "popover", "role", "open"})
"""Attributes that may make an element's box or meaning other than its tag's."""


class Style(NamedTuple):
    """What a ``style`` attribute says about an element's box; None where it says nothing."""

    display: str | None
    """``none``, ``block`` or ``inline``."""
    visible: bool | None
    content_hidden: bool


NO_STYLE = Style(None, None, False)
_HIDDEN_DISPLAY = frozenset(_DATA["style"]["hidden_display"])
_HIDDEN_VISIBILITY = frozenset(_DATA["style"]["hidden_visibility"])
_HIDDEN_CONTENT = frozenset(_DATA["style"]["hidden_content_visibility"])
_BLOCK_DISPLAY = frozenset(_DATA["style"]["block_display"])
_INLINE_DISPLAY = frozenset(_DATA["style"]["inline_display"])
_BLOCK_FLOAT = frozenset(_DATA["style"]["block_float"])
_BLOCK_POSITION = frozenset(_DATA["style"]["block_position"])
_RELEVANT = re.compile(r"display|visibility|float|position", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_LONGEST_STYLE = 2000
"""Characters of a style attribute that are read: hand-written ones are far below, data URLs in it may be megabytes."""


def style_of(text: str) -> Style:
    """Read a ``style`` attribute: the last valid declaration of a property wins, an ``!important`` one before all.

    Source: https://drafts.csswg.org/css-style-attr/, https://drafts.csswg.org/css-cascade-5/#importance
    """
    return _style_of(text[:_LONGEST_STYLE])


@lru_cache(maxsize=4096)
def _style_of(text: str) -> Style:
    if not _RELEVANT.search(text):
        return NO_STYLE
    values: dict[str, tuple[bool, str]] = {}
    for declaration in _COMMENT.sub(" ", text).lower().split(";"):
        name, colon, value = declaration.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not value:
            continue
        important = value.endswith("important") and "!" in value
        if important:
            value = value[: value.rindex("!")].strip()
        if name not in values or important or not values[name][0]:
            values[name] = (important, value)
    display = values.get("display", (False, ""))[1]
    visibility = values.get("visibility", (False, ""))[1]
    box: str | None = None
    if display in _HIDDEN_DISPLAY:
        box = "none"
    elif (
        display in _BLOCK_DISPLAY
        or values.get("float", (False, ""))[1] in _BLOCK_FLOAT
        or values.get("position", (False, ""))[1] in _BLOCK_POSITION
    ):
        box = "block"
    elif display in _INLINE_DISPLAY:
        box = "inline"
    if box is None and not visibility and "content-visibility" not in values:
        return NO_STYLE
    visible = False if visibility in _HIDDEN_VISIBILITY else True if visibility == "visible" else None
    return Style(box, visible, values.get("content-visibility", (False, ""))[1] in _HIDDEN_CONTENT)
