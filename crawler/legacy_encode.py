"""Encode the query of a URL in its page's encoding, as forms and links of such pages have always done.

Source: https://encoding.spec.whatwg.org/ (the encoders), https://url.spec.whatwg.org/#string-percent-encode-after-encoding
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from crawler.legacy import REPLACEMENT, decode_bytes, is_single_byte, single_byte_table

_YEN, _OVERLINE, _MINUS, _WIDE_MINUS = "\xa5", "\u203e", "\u2212", "\uff0d"
_GB18030_FORMER = (
    "\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864"
)
"""https://encoding.spec.whatwg.org/#gb18030-encoder"""
_BIG5_LAST = frozenset("\u2550\u255e\u2561\u256a\u5341\u5345")
"""Characters that Big5 holds twice and whose last place is written."""


def query_bytes(text: str, encoding: str) -> bytes:
    """Return the bytes of a query's text in an encoding (the standard's name, lower-case).

    A character that the encoding lacks becomes its escaped decimal reference, ``%26%23NNNN%3B``.
    """
    if encoding == "iso-2022-jp":
        return b"".join(_iso_2022_jp(text))
    table = _table(encoding)
    return b"".join(_one(char, table, encoding) for char in text)


def _one(char: str, table: dict[str, bytes], encoding: str) -> bytes:
    if char < "\x80":
        return char.encode("ascii")
    found = table.get(char)
    if found is None and encoding == "gb18030" and char != "\ue5e5":
        found = char.encode("gb18030")
    return found if found is not None else _reference(char)


def _reference(char: str) -> bytes:
    return b"%%26%%23%d%%3B" % ord(char)


@cache
def _table(encoding: str) -> dict[str, bytes]:
    """Every non-ASCII character an encoding can write, and its bytes; the first place where it has several."""
    if is_single_byte(encoding):
        chars = single_byte_table(encoding)
        return {chars[byte]: bytes([byte]) for byte in range(255, 0x7F, -1) if chars[byte] != REPLACEMENT}
    if encoding == "x-user-defined":
        return {chr(0xF700 + byte): bytes([byte]) for byte in range(0x80, 0x100)}
    table: dict[str, bytes] = {}
    for pair in _pairs(encoding):
        char = decode_bytes(pair, encoding)
        if (
            len(char) == 1
            and char != REPLACEMENT
            and (char not in table or (encoding == "big5" and char in _BIG5_LAST))
        ):
            table[char] = pair
    if encoding in ("shift_jis", "euc-jp"):
        table |= {_YEN: b"\x5c", _OVERLINE: b"\x7e", _MINUS: table[_WIDE_MINUS]}
        kana = b"" if encoding == "shift_jis" else b"\x8e"
        table |= {chr(0xFF61 - 0xA1 + byte): kana + bytes([byte]) for byte in range(0xA1, 0xE0)}
    if encoding == "shift_jis":
        table["\x80"] = b"\x80"
    if encoding in ("gbk", "gb18030"):
        # Private-use characters that stood there before GB 18030 gave those places new ones are still written so.
        table |= {char: char.encode("gb18030") for char in _GB18030_FORMER}
    if encoding == "gbk":
        table["\u20ac"] = b"\x80"
    return table


def _pairs(encoding: str) -> Iterator[bytes]:
    """The two-byte sequences that an encoder may write, in the order of the standard's index."""
    leads: Iterable[int] = range(0x81, 0xFF)
    trails: Iterable[int] = [*range(0x40, 0x7F), *range(0x80, 0xFF)]
    if encoding == "shift_jis":
        # The index without NEC's copies of IBM's characters, which are read but not written, and without private use.
        leads = [*range(0x81, 0xA0), *range(0xE0, 0xED), *range(0xEF, 0xF0), *range(0xFA, 0xFD)]
        trails = [*range(0x40, 0x7F), *range(0x80, 0xFD)]
    elif encoding == "euc-jp":
        leads = trails = range(0xA1, 0xFF)
    elif encoding == "euc-kr":
        trails = range(0x41, 0xFF)
    elif encoding == "big5":
        leads = range(0xA1, 0xFF)
    return (bytes([lead, trail]) for lead in leads for trail in trails)


_HALF_WIDTH = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソ" + (
    "タチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜"
)
"""What ISO-2022-JP writes for the half-width forms U+FF61 to U+FF9F, in their order."""


def _iso_2022_jp(text: str) -> Iterator[bytes]:
    """https://encoding.spec.whatwg.org/#iso-2022-jp-encoder"""
    table, state = _table("euc-jp"), "ascii"
    for char in text:
        if "\uff61" <= char <= "\uff9f":
            char = _HALF_WIDTH[ord(char) - 0xFF61]
        pair = table.get(char, b"")
        if char < "\x80" and char not in "\x0e\x0f\x1b":
            if state == "double" or (state == "roman" and char in "\\~"):
                yield b"\x1b(B"
                state = "ascii"
            yield char.encode("ascii")
        elif char in (_YEN, _OVERLINE):
            if state != "roman":
                yield b"\x1b(J"
                state = "roman"
            yield b"\x5c" if char == _YEN else b"\x7e"
        elif len(pair) == 2 and pair[0] >= 0xA1:
            if state != "double":
                yield b"\x1b$B"
                state = "double"
            yield bytes(byte & 0x7F for byte in pair)
        else:
            if state == "double":
                yield b"\x1b(B"
                state = "ascii"
            yield _reference("\ufffd" if char in "\x0e\x0f\x1b" else char)
    if state != "ascii":
        yield b"\x1b(B"
