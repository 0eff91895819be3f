"""What a page's own style sheets keep from being shown: rules with ``display: none``.

A browser with scripts off applies the `style` elements of a page; sheets that are linked are not fetched here.
An element counts as hidden where a rule outside of @-rules (screen sizes, print) hides it, by a selector that asks
nothing of a state (``:hover``), and no rule at all, in or outside of @-rules, gives it another ``display``: it is
then hidden on every screen and under every order of the rules.

Sources: https://html.spec.whatwg.org/multipage/semantics.html#the-style-element,
https://www.w3.org/TR/css-syntax-3/#parsing, https://www.w3.org/TR/css-display-3/#valdef-display-none
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

MAX_SELECTORS = 100
"""Selectors of one page that are looked up: each costs a look at every element."""
MAX_SEARCHING = 20
"""Selectors among these that search the ancestors or siblings of an element (blank, ``~``). Only one such combinator is
allowed: lexbor tries every combination of several, which takes minutes for three in a page 300 elements deep."""
MAX_STEPS = 6
"""Combinators of a selector that is looked up: each is another look around every element."""
MAX_DEPTH, MAX_SIBLINGS = 100, 500
"""In a page deeper than that no ancestors are searched, in one with longer rows of elements no siblings."""
MAX_CHARACTERS = 1_000_000
"""Characters of a page's sheets that are read."""

_BRACES = re.compile(r"([{}])")
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([a-z-]+)", re.IGNORECASE)
_PLAIN_SELECTOR = re.compile(r"[A-Za-z0-9_#.*\s>+~\-\[\]='\"]{1,500}", re.ASCII)
_STEP = re.compile(r"\s*[>+]\s*")
_SEARCH = re.compile(r"\s*~\s*|\s+")
_TOO_DEEP = ">".join("*" * (MAX_DEPTH + 1))
_TOO_WIDE = "+".join("*" * (MAX_SIBLINGS + 1))


def mark_hidden(parser: LexborHTMLParser) -> None:
    """Give every element that the page's own style sheets hide the attribute ``hidden``, for the walk to see."""
    # Of an SVG's style element, which may hold elements, the standard takes its own text only, too.
    sheets = [text for style in parser.css("style") if "none" in (text := style.text(deep=False)).lower()]
    if not sheets:
        return
    rules = list(_display_rules("\n".join(sheets)[:MAX_CHARACTERS]))
    search = _Search(parser)
    hiding = _plain(search, (selectors for in_at_rule, selectors, value in rules if value == "none" and not in_at_rule))
    hidden = _select(parser, hiding)
    if not hidden:
        return
    shown = {
        node.mem_id for node in _select(parser, _plain(search, (one for _, one, value in rules if value != "none")))
    }
    for node in hidden:
        if node.mem_id not in shown and node.tag not in ("html", "body"):
            node.attrs["hidden"] = ""


def _display_rules(sheet: str) -> Iterator[tuple[bool, str, str]]:
    """(whether in an @-rule, selectors, value) of every rule that sets ``display``; linear in the sheet's length."""
    beginning, *others = sheet.split("/*")
    text = beginning + "".join(other.partition("*/")[2] for other in others)
    at_rules = 0
    selectors: str | None = None
    before = ""
    for piece in _BRACES.split(text):
        if piece == "{":
            if before.lstrip().startswith("@"):
                at_rules += 1
            else:
                selectors = before
        elif piece == "}":
            if selectors is None:
                at_rules = max(0, at_rules - 1)
            else:
                values = _DISPLAY.findall(before)
                if values:
                    yield at_rules > 0, selectors, values[-1].lower()
                selectors = None
        before = piece if selectors is not None else piece.rpartition(";")[2]


class _Search:
    """What selectors may search in one page, found when first asked for."""

    def __init__(self, parser: LexborHTMLParser) -> None:
        self._parser = parser
        self._allowed: dict[str, bool] = {}

    def allows(self, combinator: str) -> bool:
        """Whether the page is flat enough for a blank, or its rows of elements short enough for a ``~``."""
        if combinator not in self._allowed:
            limit = _TOO_DEEP if not combinator else _TOO_WIDE
            self._allowed[combinator] = self._parser.css_first(limit) is None
        return self._allowed[combinator]


def _plain(search: _Search, groups: Iterator[str]) -> list[str]:
    """The single selectors of some rules, without those that ask for a state or a pseudo-element, or for too much."""
    found: dict[str, None] = {}
    searching = 0
    for one in (one.strip() for group in groups for one in group.split(",")):
        if one in found or len(found) == MAX_SELECTORS or not _PLAIN_SELECTOR.fullmatch(one):
            continue
        chain = _STEP.sub(">", one)
        searches = _SEARCH.findall(chain)
        if len(searches) + chain.count(">") > MAX_STEPS or len(searches) > 1:
            continue
        if searches:
            if searching == MAX_SEARCHING or not search.allows(searches[0].strip()):
                continue
            searching += 1
        found[one] = None
    return list(found)


def _select(parser: LexborHTMLParser, selectors: list[str]) -> list[LexborNode]:
    if not selectors:
        return []
    try:
        return parser.css(", ".join(selectors))
    except SelectolaxError:  # one that lexbor does not know spoils the list
        found: list[LexborNode] = []
        for one in selectors:
            try:
                found += parser.css(one)
            except SelectolaxError:
                continue
        return found
