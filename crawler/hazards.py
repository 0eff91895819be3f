"""Whether a document can be taken apart in the crawl's own process: a bound on its cost, from its bytes alone (pure).

A page of half a megabyte can hold the HTML parser for half a minute, and a few kilobytes can make it fill a gigabyte;
once it has begun it cannot be stopped. What makes it so is known: depth, attributes of one tag, and formatting
elements (``b``, ``font`` ...) that the standard opens again and again. Each is counted here from above, in a way that
no comment, script or quote in the document can lower: every ``<`` counts, and tags are read from every place where one
may begin. docs/decisions/0012-parsing-bounds.md has the measurements behind the numbers.
"""

from __future__ import annotations

import re

SURELY = 4_096
"""Bytes of a document that is safe whatever it holds."""
LONGEST = 1024 * 1024
"""Bytes: longer documents cost memory by their length alone."""
MAX_TAGS = 10_000
"""Signs ``<``: more than elements can be nested. 10,000 nested ones take 0.1 s, time grows with the square and more."""
MAX_ATTRIBUTES = 1_000
"""Attributes of one tag: they are compared with each other. 10,000 of them take 0.1 s, 100,000 of them 42 s."""
MAX_LINK_ATTRIBUTES = 30
"""Attributes of an ``a``: one that is left open is copied again and again."""
MAX_FORMATTING = 5_000
"""Formatting elements with attributes, and those attributes: each is compared with all before it."""
MAX_COPIES = 800_000
"""Elements and attributes that formatting elements left open can be copied into, at some 200 bytes each."""
_PLAIN_FORMATTING = 39
"""13 kinds without attributes, three of each are kept."""

_NAMES = (b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike", b"strong", b"tt", b"u",
          b"body", b"html")  # fmt: skip
"""Formatting elements, and the two elements that gather the attributes of all their tags."""


def _either_case(name: bytes) -> bytes:
    return b"".join(b"[%c%c]" % (letter, letter - 32) for letter in name)


# https://html.spec.whatwg.org/multipage/parsing.html#before-attribute-name-state and those after it; no going back.
_SPACE = rb"\t\n\f\r "
_ATTRIBUTE = (
    rb"(?:[%(s)b/]*+[^%(s)b/>][^%(s)b/>=]*+"
    rb"(?:[%(s)b]*+=[%(s)b]*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^%(s)b>]*+))?+)" % {b"s": _SPACE}
)
_FORMATTING = rb"(?:%b)[%b/]" % (b"|".join(map(_either_case, _NAMES)), _SPACE)
_TOO_MANY = rb"[aA][%(s)b/]%(attribute)b{%(link)d}|(?![aA][%(s)b/])[a-zA-Z][^%(s)b/>]*+%(attribute)b{%(most)d}" % {
    b"s": _SPACE,
    b"attribute": _ATTRIBUTE,
    b"link": MAX_LINK_ATTRIBUTES,
    b"most": MAX_ATTRIBUTES,
}
# Most tags look so, and are passed over at once: fewer attributes than matter, and no ``>`` in their values.
_USUAL = rb"[a-zA-Z][a-zA-Z0-9]*+(?: [a-zA-Z][a-zA-Z0-9_:-]*+=\"[^\">]*+\"){0,%d}+(?: ?/)?+>" % (
    MAX_LINK_ATTRIBUTES - 1
)
_NEXT_RISKY = re.compile(
    rb"[^<]*+(?:<(?:/|(?!%(formatting)b)(?:%(usual)b|(?!%(too_many)b)(?:[a-zA-Z][^>]*+)?+))[^<]*+)*+<(%(formatting)b)?+"
    % {b"formatting": _FORMATTING, b"usual": _USUAL, b"too_many": _TOO_MANY}
)
"""From one place to the next tag that counts: a formatting tag with attributes, or any with too many of them.

Between a ``<`` with a letter and the next ``>`` no other tag can begin: if the first is none, then because it stands
in a comment, a script or a quoted value, out of which nothing leads but a ``>``. So one look at a document is enough.
"""
_ATTRIBUTES = re.compile(_ATTRIBUTE + rb"*+")
_SEPARATOR = re.compile(rb"[\t\n\f\r /\"']+")


def is_safe(body: bytes) -> bool:
    """Whether taking a document apart surely costs little: under a second, some 200 MB at most, usually far less.

    Args:
        body: the document as received. Its encoding does not matter: in each that the web knows a byte ``<`` stands
            for every ``<``; documents in which other marks could hide (UTF-16, ISO-2022-JP) are never called safe.
    """
    if len(body) <= SURELY:
        return True
    if len(body) > LONGEST or b"\0" in body or b"\x1b" in body:
        return False
    tags = body.count(b"<")
    if tags > MAX_TAGS:
        return False
    formatting = formatting_tags(body)
    if formatting is None:
        return False
    kept = _PLAIN_FORMATTING + MAX_LINK_ATTRIBUTES + formatting
    return kept * tags <= MAX_COPIES or kept * (tags - body.count(b"</")) <= MAX_COPIES


def formatting_tags(body: bytes) -> int | None:
    """Formatting tags with attributes and those attributes together, at most.

    Returns:
        None: they are over `MAX_FORMATTING`, or some tag has too many attributes.
    """
    formatting = at = 0
    while (found := _NEXT_RISKY.match(body, at)) is not None:
        if found[1] is None:
            return None
        inside = _ATTRIBUTES.match(body, found.end(1) - 1)  # with the separator behind the name
        assert inside is not None  # it matches nothing too
        formatting += 1 + len(_SEPARATOR.findall(inside[0]))
        if formatting > MAX_FORMATTING:
            return None
        at = body.find(b">", found.end(1))
        if at < 0:
            break
    return formatting
