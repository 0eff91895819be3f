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
from collections.abc import Callable, Iterator

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
MAX_LOOKS = 1_000_000
"""Elements that are looked at for what stands around them: selectors with combinators beyond that hide nothing."""
MAX_SUBSTRINGS = 2_000
"""Characters of the selectors of a page that look for a part of a value (``*=``): each may be compared with every one
of the page."""
MAX_CHARACTERS = 1_000_000
"""Characters of a page's sheets that are read."""

_BRACES = re.compile(r"([{}])")
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([a-z-]+)", re.IGNORECASE)
_PLAIN_SELECTOR = re.compile(r"[A-Za-z0-9_#.*\s>+~\-\[\]='\"]{1,500}", re.ASCII)
_CHAIN = re.compile(r"(?:\[[^\]]*\]|[^\s>+~\[])+|\s*[>+~]\s*|\s+|\[")
"""Parts a selector into simple ones and the combinators between them."""
_STEP = re.compile(r"\s*[>+]\s*")
_SEARCH = re.compile(r"\s*~\s*|\s+")
_Relation = Callable[[list[LexborNode], set[int]], list[LexborNode]]
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
    searching = substrings = 0
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
        if "*=" in one:
            substrings += len(one)
            if substrings > MAX_SUBSTRINGS:
                continue
        found[one] = None
    return list(found)


def _select(parser: LexborHTMLParser, selectors: list[str]) -> list[LexborNode]:
    chains = [_CHAIN.findall(one) for one in selectors]
    found = _nodes(parser, [parts[0] for parts in chains if len(parts) == 1])
    looks = _Looks(parser)
    for parts in chains:
        if len(parts) > 1:
            found += looks.chain(parts)
    return found


class _Looks:
    """Looks chains of selectors up, one simple selector after the other, each once.

    lexbor looks at the parent or the ancestors of an element once for each element: with one ancestor whose class is
    half a megabyte long, ten thousand times half a megabyte for one selector.
    """

    def __init__(self, parser: LexborHTMLParser) -> None:
        self._parser = parser
        self._known: dict[str, list[LexborNode]] = {}
        self._left = MAX_LOOKS

    def chain(self, parts: list[str]) -> list[LexborNode]:
        """The elements of ``A > B C``; ``parts`` are the simple selectors and what stands between them, in turn."""
        if len(parts) % 2 == 0:  # a combinator at one end
            return []
        found = self._simple(parts[0])
        for combinator, simple in zip(parts[1::2], parts[2::2], strict=True):
            if not found:
                return []
            outer = {node.mem_id for node in found}
            inner = self._simple(simple)
            self._left -= len(outer) + len(inner)
            if self._left < 0:
                return []
            found = _RELATED[combinator.strip()](inner, outer)
        return found

    def _simple(self, selector: str) -> list[LexborNode]:
        found = self._known.get(selector)
        if found is None:
            found = self._known[selector] = _nodes(self._parser, [selector])
        return found


def _children(nodes: list[LexborNode], of: set[int]) -> list[LexborNode]:
    return [node for node in nodes if (parent := node.parent) is not None and parent.mem_id in of]


def _next_siblings(nodes: list[LexborNode], of: set[int]) -> list[LexborNode]:
    return [node for node in nodes if (before := _element_before(node)) is not None and before.mem_id in of]


def _element_before(node: LexborNode) -> LexborNode | None:
    before = node.prev
    while before is not None and not before.is_element_node:
        before = before.prev
    return before


def _reached(step: Callable[[LexborNode], LexborNode | None]) -> _Relation:
    def related(nodes: list[LexborNode], of: set[int]) -> list[LexborNode]:
        known: dict[int, bool] = {}
        found = []
        for node in nodes:
            passed = []
            reached, at = False, step(node)
            while at is not None:
                number = at.mem_id
                if number in known or number in of:
                    reached = known.get(number, True)
                    break
                passed.append(number)
                at = step(at)
            known.update(dict.fromkeys(passed, reached))
            if reached:
                found.append(node)
        return found

    return related


_RELATED: dict[str, _Relation] = {
    ">": _children,
    "+": _next_siblings,
    "~": _reached(_element_before),
    "": _reached(lambda node: node.parent),
}


def _nodes(parser: LexborHTMLParser, selectors: list[str]) -> list[LexborNode]:
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
