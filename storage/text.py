"""The one place where text is cleaned before it is stored, and folded for grouping."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_UNSTORABLE = re.compile(f"[\x00\ud800-\udfff{_NONCHARACTERS}]")
_SPACE = re.compile(r"[\s\u200b\u2060\ufeff]+")
# Invisible characters that a reader does not see: soft hyphen, joiners, direction marks.
_INVISIBLE = re.compile("[\u00ad\u200c-\u200f\u202a-\u202e\u2066-\u2069]")
STEERING = (
    "\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
)
"""For the inside of ``[]`` in a pattern: what a terminal obeys or a reader does not see or is misled by. C0, DEL, C1,
separators of lines, marks and overrides of direction, invisible tags, what is no character. Joiners are none of them:
emoji and several scripts are written with them."""


LONGEST_TEXT = 1 << 20
"""Characters of one text that are stored; a longer one ends with a mark that says so."""
_KEPT = LONGEST_TEXT - 100


def clean(text: str) -> str:
    """The text as both databases hold it, whatever it is; every text goes through here before it is stored.

    NUL (which PostgreSQL refuses), lone surrogates (which both refuse) and the 66 noncharacters of Unicode (which are
    no text: XML and many readers refuse them) become U+FFFD. What is longer than `LONGEST_TEXT` is cut, and ends with a
    mark that holds its length and a hash of the whole, so that two long texts stay two. All else is kept as it is.
    Idempotent. The record of a visit keeps the texts of its page uncleaned and uncut.
    Source: https://www.unicode.org/faq/private_use.html#noncharacters
    """
    if text.isascii():
        if "\x00" in text:
            text = text.replace("\x00", "\ufffd")
    elif not text.isprintable():  # none of them is printable, and most texts are
        text = _UNSTORABLE.sub("\ufffd", text)
    return text if len(text) <= LONGEST_TEXT else _cut(text)


def _cut(text: str) -> str:
    mark = blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text[:_KEPT]}\u2026 [cut: {len(text)} characters, {mark}]"


def fold(text: str) -> str:
    """Return the key under which spellings of one anchor are counted together.

    Unicode compatibility form, case folded, white space collapsed, invisible marks dropped.
    Idempotent: ``fold(fold(text)) == fold(text)``.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = text
    for _ in range(4):  # NFKC and case folding may each undo the other once; a fixed point is reached quickly
        before = folded
        folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", folded).casefold())
        folded = _SPACE.sub(" ", folded).strip()
        if folded == before:
            break
    return folded


LONGEST_NAME = 512
"""Characters of a host, domain or operator that an index holds; PostgreSQL refuses entries above some 2,700 bytes."""


def short_name(name: str) -> str:
    """A host-like name as the tables keep it: cleaned, and bounded however long the URL makes it.

    URL parsers do not check the length of a host, so one of 1 MB does occur. Its beginning is kept,
    then ``~``, which no host contains, and a hash that tells it from others.
    """
    cleaned = clean(name)
    if len(cleaned) <= LONGEST_NAME:
        return cleaned
    return f"{cleaned[:400]}~{blake2b(cleaned.encode(), digest_size=16).hexdigest()}"
