"""Find the encoding a page declares in its own first bytes.

Sources: https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
and, for declarations behind the first 1,024 bytes, #changing-the-encoding-while-parsing of the same page.
"""

from __future__ import annotations

import re

from crawler.labels import encoding_for_label

PRESCAN_BYTES = 1024

_SPACE = rb"\t\n\x0c\r "
_TAG = re.compile(rb"<(?:(!--)|(/?)([A-Za-z][^\t\n\x0c\r />]*)|[!/?])")
_META = re.compile(rb"<meta[\t\n\x0c\r /]", re.IGNORECASE)
_ELEMENT_END = re.compile(rb"[\t\n\x0c\r >]")
_ATTRIBUTE = re.compile(
    rb"[\t\n\x0c\r /]*+(?:(>)|([^\t\n\x0c\r />][^\t\n\x0c\r />=]*+)"
    rb"(?:[\t\n\x0c\r ]*+=[\t\n\x0c\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|(?![\"'])([^\t\n\x0c\r >]*+)|(.)))?)",
    re.DOTALL,
)
_XML_ENCODING = re.compile(rb"<\?xml[^>]*?encoding[\x00-\x20]*=[\x00-\x20]*(?:\"([^\"> ]*)\"|'([^'> ]*)')[^>]*>")
_CHARSET = re.compile(
    r"charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|(?![\"'])([^\t\n\f\r ;]*))", re.IGNORECASE
)

_HEAD = frozenset({b"html", b"head", b"title", b"base", b"link", b"meta", b"style", b"script", b"noscript", b"object"})
"""Elements among which browsers still look for a declaration; the first other tag ends the head."""
_RAW_TEXT = frozenset({b"title", b"style", b"script"})


class _RanOut(Exception):
    """The bytes ended inside a tag or comment."""


def declared_encoding(body: bytes) -> str | None:
    """Return the encoding that a page's own bytes declare, or None.

    The standard's prescan of the first 1,024 bytes; then, as the parser itself would when it meets a later
    ``meta``, on to the end of the head; then an XML declaration. Names are those of the Encoding Standard,
    lower-case. A declared UTF-16 is UTF-8 (its bytes were just read as ASCII), x-user-defined is windows-1252.
    """
    if body.startswith(b"<\x00?\x00x\x00"):
        return "utf-16le"
    if body.startswith(b"\x00<\x00?\x00x"):
        return "utf-16be"
    return prescan(body[:PRESCAN_BYTES]) or (_late_meta(body) if len(body) > PRESCAN_BYTES else None) or _xml(body)


def prescan(head: bytes) -> str | None:
    """The standard's algorithm over the bytes given."""
    position = 0
    try:
        while (position := head.find(b"<", position)) >= 0:
            if head.startswith(b"<!--", position):
                position = _after(head, b"-->", position + 2)
            elif _META.match(head, position):
                encoding, position = _meta(head, position + 5)
                if encoding:
                    return encoding
            elif (tag := _TAG.match(head, position)) is None:
                position += 1
            elif tag[3] is None:
                position = _after(head, b">", position + 1)
            else:
                end = _ELEMENT_END.search(head, position)
                if end is None:
                    return None
                _, position = _attributes(head, end.start())
    except _RanOut:
        pass
    return None


def _late_meta(body: bytes) -> str | None:
    """A ``meta`` behind the first 1,024 bytes but still in the head; scripts, styles and titles are passed over."""
    position, in_head = 0, True
    try:
        while (tag := _TAG.search(body, position)) is not None and (in_head or tag.start() < PRESCAN_BYTES):
            if tag[1]:
                position = _after(body, b"-->", tag.start() + 2)
                continue
            if tag[3] is None:
                position = _after(body, b">", tag.end())
                continue
            name = tag[3].lower()
            if name == b"meta" and not tag[2]:
                encoding, position = _meta(body, tag.end())
                if encoding:
                    return encoding
            else:
                if name not in _HEAD or (tag[2] and name in (b"html", b"head")):
                    in_head = False
                _, position = _attributes(body, tag.end())
                if name in _RAW_TEXT and not tag[2]:
                    close = re.compile(rb"</" + name + rb"(?=[\t\n\x0c\r />])", re.IGNORECASE).search(body, position)
                    if close is None:
                        return None
                    position = close.start()
    except _RanOut:
        pass
    return None


def _after(head: bytes, what: bytes, position: int) -> int:
    found = head.find(what, position)
    if found < 0:
        raise _RanOut
    return found + len(what)


def _attributes(head: bytes, position: int) -> tuple[dict[bytes, bytes], int]:
    """The attributes of a tag, the first of each name, ASCII lower-case; and where the tag ends."""
    found: dict[bytes, bytes] = {}
    while True:
        match = _ATTRIBUTE.match(head, position)
        if match is None or (match.end() == len(head) and match[1] is None) or match[6]:
            raise _RanOut
        position = match.end()
        if match[1]:
            return found, position - 1
        found.setdefault(match[2].lower(), (match[3] or match[4] or match[5] or b"").lower())


def _meta(head: bytes, position: int) -> tuple[str | None, int]:
    attributes, position = _attributes(head, position)
    if b"charset" in attributes:
        return _usable(encoding_for_label(attributes[b"charset"].decode("latin-1"))), position
    if attributes.get(b"http-equiv") == b"content-type" and b"content" in attributes:
        label = charset_parameter(attributes[b"content"].decode("latin-1"))
        return _usable(encoding_for_label(label)) if label else None, position
    return None, position


def charset_parameter(content: str) -> str | None:
    """The charset named in a ``content`` attribute or a lenient Content-Type; None where there is none.

    Source: https://html.spec.whatwg.org/multipage/urls-and-fetching.html#extracting-character-encodings-from-meta-elements
    """
    match = _CHARSET.search(content)
    return (match[1] or match[2] or match[3] or None) if match else None


def _xml(body: bytes) -> str | None:
    """The encoding of an XML declaration at the very start."""
    match = _XML_ENCODING.match(body, 0, PRESCAN_BYTES)
    return _usable(encoding_for_label((match[1] or match[2] or b"").decode("latin-1"))) if match else None


def _usable(encoding: str | None) -> str | None:
    if encoding in ("utf-16le", "utf-16be"):
        return "utf-8"
    return "windows-1252" if encoding == "x-user-defined" else encoding
