"""The complete record of a visit, compressed: what every fact can be rebuilt from.

Format 1: zstd over compact JSON in UTF-8, ``[1, PageRecord without its text]``, every value an
array in the order of its fields in storage/records.py. The text is kept apart and bounded.
Old formats stay readable; a change of those fields is a new number here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from storage.dictionaries import hash_bytes, texts_of
from storage.records import (
    Anchor,
    AnchorParts,
    CanonicalUrl,
    Link,
    PageRecord,
    RobotsDirective,
    SkippedHref,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from sqlalchemy import Connection

FORMAT = 1
TEXT_BYTES = 4096
"""Compressed bytes of page text that are kept."""
_LEVEL = 1
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Record(NamedTuple):
    """A row of table ``record``."""

    id: int
    data: bytes
    """Not yet compressed: an unchanged page is never compressed again."""


def encode(page: PageRecord) -> bytes:
    """The record of a page, uncompressed. The same page gives the same bytes, whatever its text."""
    # Lone surrogates cannot come from HTML, but a record must take what it is given.
    return _encode((FORMAT, page._replace(text=""))).encode("utf-8", "surrogatepass")


def make(key: bytes, page_id: int, page: PageRecord) -> Record:
    """The record with its id: a keyed hash of the page's id and the bytes, so equal visits share one."""
    data = encode(page)
    return Record(hash_bytes(key, page_id.to_bytes(8, "little", signed=True) + data), data)


def compress(data: bytes) -> bytes:
    return zstd.compress(data, _LEVEL)


def compress_text(text: str) -> bytes:
    """As much of the beginning of a page's text as fits into `TEXT_BYTES` when compressed."""
    cut = text[: TEXT_BYTES * 16]
    while True:
        packed = zstd.compress(cut.encode("utf-8", "surrogatepass"), _LEVEL)
        if len(packed) <= TEXT_BYTES:
            return packed
        cut = cut[: min(len(cut) - 1, len(cut) * TEXT_BYTES // len(packed))]


def decode(data: bytes, text: bytes | None = None) -> PageRecord:
    """A page as it was recorded; its text as far as it was kept, empty where it was not.

    Raises:
        ValueError: a format this release does not know.
    """
    version, page = json.loads(zstd.decompress(data).decode("utf-8", "surrogatepass"))
    if version != FORMAT:
        raise ValueError(f"a record of format {version}; this release reads {FORMAT}")
    return _page(page, read_text(text) if text is not None else "")


def read_text(text: bytes) -> str:
    """Kept page text."""
    return zstd.decompress(text).decode("utf-8", "surrogatepass")


def read_record(conn: Connection, visit_id: int) -> PageRecord | None:
    """The page as one visit recorded it; None for a visit that is not there."""
    rows = texts_of(conn).dialect.fetch(
        conn, "SELECT r.data, r.text FROM visit v JOIN record r ON r.id = v.record_id WHERE v.id = ?", visit_id
    )
    if not rows:
        return None
    row = rows[0]
    return decode(bytes(row.data), None if row.text is None else bytes(row.text))


def _page(values: Sequence[Any], text: str) -> PageRecord:
    (url, base, title, h1, h2, canonical, canonical_source, robots, not_indexable, nofollow, lang, charset,
     charset_source, links, skipped, _) = values  # fmt: skip
    return PageRecord(
        url=CanonicalUrl(*url),
        base=base,
        title=title,
        h1=tuple(h1),
        h2=tuple(h2),
        canonical=canonical,
        canonical_source=canonical_source,
        robots=tuple(RobotsDirective(*one) for one in robots),
        not_indexable=tuple(not_indexable),
        nofollow=tuple(nofollow),
        lang=lang,
        charset=charset,
        charset_source=charset_source,
        links=tuple(_link(one) for one in links),
        skipped=tuple(SkippedHref(*one) for one in skipped),
        text=text,
    )


def _link(values: Sequence[Any]) -> Link:
    (ordinal, element, raw_href, target, fragment, anchor, parts, rel, follow_cause, placement, rule, path, before,
     after, hidden, internal) = values  # fmt: skip
    words, alts, aria_label, title, svg_title, has_image = parts
    return Link(
        ordinal=ordinal,
        element=element,
        raw_href=raw_href,
        target=CanonicalUrl(*target),
        fragment=fragment,
        anchor=Anchor(*anchor),
        parts=AnchorParts(words, tuple(alts), aria_label, title, svg_title, has_image),
        rel=tuple(rel),
        follow_cause=tuple(follow_cause),
        placement=placement,
        placement_rule=rule,
        path=path,
        before=before,
        after=after,
        hidden=hidden,
        internal=internal,
    )
