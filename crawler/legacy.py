"""Decode bytes as the Encoding Standard says, for every encoding it defines.

Python's codecs do the work wherever they agree with the standard; where their tables differ, the difference is
data (data/encoding_differences.tsv); where their idea of an error differs, the error handler applies the standard's.

Source: https://encoding.spec.whatwg.org/ (one section for each encoding)
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

REPLACEMENT = "\ufffd"

_SINGLE_BYTE = {
    "ibm866": "cp866", "koi8-r": "koi8_r", "koi8-u": "koi8_u", "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic", "windows-874": "cp874", "iso-8859-8-i": "iso8859_8",
    **{f"iso-8859-{part}": f"iso8859_{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
}  # fmt: skip
_DOUBLE_BYTE = {
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "euc-jp": "euc_jp",
}


@cache
def _differences() -> dict[str, dict[bytes, str]]:
    """For each encoding, the byte sequences that Python's codec reads otherwise or not at all."""
    found: dict[str, dict[bytes, str]] = {}
    table = files("crawler").joinpath("data/encoding_differences.tsv").read_text(encoding="ascii")
    for line in table.split("\n"):
        if line and not line.startswith("#"):
            encoding, sequence, points = line.split("\t")
            found.setdefault(encoding, {})[bytes.fromhex(sequence)] = "".join(
                chr(int(p, 16)) for p in points.split(" ")
            )
    found["gbk"] = found["gb18030"]
    return found


def decode_bytes(body: bytes, encoding: str) -> str:
    """Return the text of ``body`` in an encoding named as the standard names it, lower-case. Nothing raises."""
    if encoding == "utf-8":
        return body.decode("utf-8", "replace")
    if encoding in _SINGLE_BYTE:
        return codecs.charmap_decode(body, "strict", single_byte_table(encoding))[0]
    if encoding in _DOUBLE_BYTE:
        return _double_byte(body, encoding)
    if encoding in ("utf-16le", "utf-16be"):
        return body.decode(f"utf-16-{encoding[-2:]}", "replace")
    if encoding == "iso-2022-jp":
        return _iso_2022_jp(body)
    if encoding == "x-user-defined":
        return "".join(chr(byte if byte < 0x80 else 0xF700 + byte) for byte in body)
    return REPLACEMENT if body else ""  # "replacement": encodings that were used for attacks are not decoded at all


def is_single_byte(encoding: str) -> bool:
    """Whether each byte of an encoding stands for one character."""
    return encoding in _SINGLE_BYTE


@cache
def single_byte_table(encoding: str) -> str:
    """The 256 characters of a single-byte encoding, U+FFFD where it has none.

    The standard fills the unused places 0x80 to 0x9F with the control characters of the same number.
    """
    codec, differences = _SINGLE_BYTE[encoding], _differences().get(encoding, {})
    table = []
    for byte in range(256):
        char = bytes([byte]).decode(codec, "replace")
        if char == REPLACEMENT and 0x80 <= byte < 0xA0:
            char = chr(byte)
        table.append(differences.get(bytes([byte]), char))
    return "".join(table)


@cache
def _misread(encoding: str) -> tuple[tuple[str, str], ...]:
    """(Python's character, the standard's) for the sequences that both know but read differently."""
    pairs = []
    for sequence, char in _differences().get(encoding, {}).items():
        try:
            pairs.append((sequence.decode(_DOUBLE_BYTE[encoding]), char))
        except UnicodeDecodeError:
            continue
    if encoding == "shift_jis":
        pairs += ((chr(point), REPLACEMENT) for point in range(0xF8F0, 0xF8F4))
    return tuple(pair for pair in pairs if pair not in _NEVER_SWAPPED)


# Python reads these two of Big5 as the characters of two other sequences, and this one of EUC-JP as ASCII: what it
# read cannot be swapped afterwards, so the bytes are handled first.
_NEVER_SWAPPED = (("\uff0f", "\u2215"), ("\uff3c", "\ufe68"), ("~", "\uff5e"))
_BIG5_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xff]|[\x00-\xff]", re.DOTALL)


def _double_byte(body: bytes, encoding: str) -> str:
    if encoding == "euc-jp" and b"\x8f\xa2\xb7" in body:
        body = body.replace(b"\x8f\xa2\xb7", b"\xa1\xc1")
    elif encoding == "big5" and (b"\xa2\x41" in body or b"\xa2\x42" in body):
        return _big5_slashes(body)
    text = body.decode(_DOUBLE_BYTE[encoding], f"linkledger.{encoding}")
    if not text.isascii():
        for python, standard in _misread(encoding):
            if python in text:
                text = text.replace(python, standard)
    return text


def _big5_slashes(body: bytes) -> str:
    slashes = {b"\xa2\x41": "\u2215", b"\xa2\x42": "\ufe68"}
    parts, start = [], 0
    for pair in _BIG5_PAIR.finditer(body):
        if pair[0] in slashes:
            parts += [_double_byte(body[start : pair.start()], "big5"), slashes[pair[0]]]
            start = pair.end()
    rest = body[start:]
    return (
        "".join(parts) + rest.decode("big5hkscs", "linkledger.big5")
        if not parts
        else "".join(parts) + _double_byte(rest, "big5")
    )


# -- errors: how many bytes one U+FFFD stands for -------------------------------------------


def _pair_error(data: bytes, start: int, lead: Callable[[int], bool]) -> int:
    """A lead byte takes an unfit second byte with it, unless that is ASCII."""
    if not lead(data[start]) or start + 1 == len(data):
        return start + 1
    return start + (1 if data[start + 1] < 0x80 else 2)


def _euc_jp_error(data: bytes, start: int) -> int:
    if data[start] == 0x8F and start + 1 < len(data) and 0xA1 <= data[start + 1] <= 0xFE:
        if start + 2 == len(data):
            return start + 2
        return start + (2 if data[start + 2] < 0x80 else 3)
    return _pair_error(data, start, lambda byte: byte in (0x8E, 0x8F) or 0xA1 <= byte <= 0xFE)


def _gb18030_error(data: bytes, start: int) -> int:
    if data[start] in (0x80, 0xFF) or start + 1 == len(data):
        return start + 1
    if not 0x30 <= data[start + 1] <= 0x39:
        return _pair_error(data, start, lambda _: True)
    if start + 2 == len(data):
        return start + 2
    if not 0x81 <= data[start + 2] <= 0xFE:
        return start + 1
    if start + 3 == len(data):
        return start + 3
    return start + (4 if 0x30 <= data[start + 3] <= 0x39 else 1)


_ERRORS: dict[str, Callable[[bytes, int], int]] = {
    "shift_jis": lambda data, start: _pair_error(data, start, lambda b: 0x81 <= b <= 0x9F or 0xE0 <= b <= 0xFC),
    "euc-kr": lambda data, start: _pair_error(data, start, lambda b: 0x81 <= b <= 0xFE),
    "big5": lambda data, start: _pair_error(data, start, lambda b: 0x81 <= b <= 0xFE),
    "gbk": _gb18030_error,
    "gb18030": _gb18030_error,
    "euc-jp": _euc_jp_error,
}


def _handler(encoding: str) -> Callable[[UnicodeError], tuple[str, int]]:
    """A codec error handler that resumes where the standard does."""

    def handle(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        data, start, known = error.object, error.start, _differences().get(encoding, {})
        for sequence in (data[start : start + 2], data[start : start + 1]):
            if sequence in known:
                return known[sequence], start + len(sequence)
        return REPLACEMENT, _ERRORS[encoding](data, start)

    return handle


for _name in _DOUBLE_BYTE:
    codecs.register_error(f"linkledger.{_name}", _handler(_name))


# -- ISO-2022-JP ----------------------------------------------------------------------------

_ESCAPES = {b"(B": "ascii", b"(J": "roman", b"(I": "katakana", b"$@": "double", b"$B": "double"}


def _iso_2022_jp(body: bytes) -> str:
    """https://encoding.spec.whatwg.org/#iso-2022-jp-decoder"""
    out: list[str] = []
    state, position, just_escaped = "ascii", 0, False
    while position < len(body):
        byte = body[position]
        if byte == 0x1B:
            to = _ESCAPES.get(body[position + 1 : position + 3])
            if to is None:
                out.append(REPLACEMENT)
                position, just_escaped = position + 1, False
                continue
            if just_escaped:
                out.append(REPLACEMENT)
            state, position, just_escaped = to, position + 3, True
            continue
        just_escaped = False
        position += 1
        if state == "double" and 0x21 <= byte <= 0x7E:
            if position == len(body):
                out.append(REPLACEMENT)
            elif body[position] == 0x1B:
                out.append(REPLACEMENT)
                just_escaped = False
            else:
                pair = bytes([byte | 0x80, body[position] | 0x80])
                known = 0x21 <= body[position] <= 0x7E
                position += 1
                out.append(decode_bytes(pair, "euc-jp") if known else REPLACEMENT)
        elif state == "katakana" and 0x21 <= byte <= 0x5F:
            out.append(chr(0xFF61 - 0x21 + byte))
        elif state in ("ascii", "roman") and byte < 0x80 and byte not in (0x0E, 0x0F):
            out.append({0x5C: "\xa5", 0x7E: "\u203e"}.get(byte, chr(byte)) if state == "roman" else chr(byte))
        else:
            out.append(REPLACEMENT)
    return "".join(out)
