"""The one place where text is cleaned before it is stored, and folded for grouping."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SPACE = re.compile(r"[\s\u200b\u2060\ufeff]+")
# Invisible characters that a reader does not see: soft hyphen, joiners, direction marks.
_INVISIBLE = re.compile("[\u00ad\u200c-\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Replace what one of the two databases cannot hold by U+FFFD.

    PostgreSQL refuses NUL in text, both refuse lone surrogates; everything else is kept.
    """
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    return _UNSTORABLE.sub("\ufffd", text)


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
