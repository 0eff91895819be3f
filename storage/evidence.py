"""The complete record of a visit, compressed: what every fact can be rebuilt from.

Format 1, zstd over UTF-8: a line of compact JSON with the page's own facts and the small facts of
its links, a column each; then the long texts of the links, a column each, values parted by U+001F
and columns by U+001E. (Escaping some 25 KB of texts as JSON costs more than everything else here.) Format 2,
for pages whose texts hold one of the two characters: all of it as one JSON array. Formats 3 and 4 are 1 and 2 for
pages that were rendered: each link says, too, in which of the two documents it stands.

The page's text is kept apart and bounded. Formats once written stay readable for ever; when the fields
of storage/records.py change, so does the number.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
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

TEXT_BYTES = 4096
"""Compressed bytes of page text that are kept."""
_COLUMNS, _PLAIN, _COLUMNS_SEEN, _PLAIN_SEEN = 1, 2, 3, 4
_LEVEL = 1
_BETWEEN, _COLUMN = "\x1f", "\x1e"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Record(NamedTuple):
    """A row of table ``record``."""

    id: int
    data: bytes
    """Not yet compressed: an unchanged page is never compressed again."""


class OutLink(NamedTuple):
    """What one link of a record says to those who look at a page's links as a whole; fields as in `Link`."""

    target: str
    """URL."""
    host: str
    words: str
    """The effective anchor text."""
    source: str
    """Where the words came from: one of `AnchorSource`."""
    before: str
    after: str
    path: str
    placement: str
    followed: bool
    internal: bool


def encode(page: PageRecord) -> bytes:
    """The record of a page, uncompressed. The same page gives the same bytes, whatever its text."""
    text = _encode_columns(page) or _encode_plain(page)
    # Lone surrogates cannot come from HTML, but a record must take what it is given.
    return text.encode("utf-8", "surrogatepass")


def _encode_plain(page: PageRecord) -> str:
    """Formats 2 and 4."""
    page = page._replace(text="")
    if any(link.seen != "raw" for link in page.links):
        return _encode((_PLAIN_SEEN, page))
    return _encode((_PLAIN, (*page[:_LINKS], [link[:-1] for link in page.links], *page[_LINKS + 1 :])))


def _encode_columns(page: PageRecord) -> str | None:
    """Formats 1 and 3; None where a text holds a separator."""
    links = page.links
    if not links:
        return None
    (ordinals, elements, hrefs, targets, fragments, anchors, parts, rels, causes, placements, rules, paths, befores,
     afters, hidden, internal, seen) = zip(*links, strict=True)  # fmt: skip
    words, sources = zip(*anchors, strict=True)
    texts, alts, labels, titles, svg_titles, images = zip(*parts, strict=True)
    # The same target often stands on a page several times, and its host nearly always.
    places: dict[CanonicalUrl, int] = {}
    at = [places.setdefault(target, len(places)) for target in targets]
    urls, hosts, domains, keys = zip(*places, strict=True)
    long = (
        hrefs,
        words,
        texts,
        paths,
        befores,
        afters,
        urls,
        hosts,
        domains,
        keys,
        elements,
        sources,
        placements,
        rules,
    )
    columns = [_BETWEEN.join(column) for column in long]
    if any(
        _COLUMN in text or text.count(_BETWEEN) != len(column) - 1 for text, column in zip(columns, long, strict=True)
    ):
        return None
    rendered = any(one != "raw" for one in seen)
    head = (_COLUMNS_SEEN if rendered else _COLUMNS, page._replace(text="", links=()), at, ordinals, fragments, alts,
            labels, titles, svg_titles, images, rels, causes, hidden, internal)  # fmt: skip
    return _encode((*head, seen) if rendered else head) + "\n" + _COLUMN.join(columns)


def make(key: bytes, page_id: int, page: PageRecord) -> Record:
    """The record with its id: a keyed hash of the page's id and the bytes, so equal visits share one."""
    data = encode(page)
    return Record(hash_bytes(key, page_id.to_bytes(8, "little", signed=True) + data), data)


class Packer:
    """Compresses records and texts, each a frame of its own; made once for a batch, for one thread."""

    def __init__(self) -> None:
        self._compressor = zstd.ZstdCompressor(_LEVEL)

    def pack(self, data: bytes) -> bytes:
        """A record's bytes as they are stored."""
        packed: bytes = self._compressor.compress(data, zstd.ZstdCompressor.FLUSH_FRAME)
        return packed

    def pack_text(self, text: str) -> bytes:
        """As much of the beginning of a page's text as fits into `TEXT_BYTES` when compressed."""
        cut = text[: TEXT_BYTES * 16]
        while True:
            packed = self.pack(cut.encode("utf-8", "surrogatepass"))
            if len(packed) <= TEXT_BYTES:
                return packed
            cut = cut[: min(len(cut) - 1, len(cut) * TEXT_BYTES // len(packed))]


def decode(data: bytes, text: bytes | None = None) -> PageRecord:
    """A page as it was recorded; its text as far as it was kept, empty where it was not.

    Raises:
        ValueError: a format this release does not know.
    """
    head, _, rest = zstd.decompress(data).decode("utf-8", "surrogatepass").partition("\n")
    version, page, *small = json.loads(head)
    kept = read_text(text) if text is not None else ""
    if version in (_PLAIN, _PLAIN_SEEN):
        return _page(page, tuple(_link(one) for one in page[_LINKS]), kept)
    if version in (_COLUMNS, _COLUMNS_SEEN):
        return _page(page, tuple(_links(small, rest)), kept)
    raise ValueError(f"a record of format {version}; this release reads 1 to {_PLAIN_SEEN}")


_LINKS = PageRecord._fields.index("links")
_CAUSES, _INTERNAL = 8, 10
"""Among the small facts of the formats with columns, behind the place of the target."""


def _links(small: Sequence[Any], rest: str) -> Iterator[Link]:
    at, ordinals, fragments, alts, labels, titles, svg_titles, images, rels, causes, hidden, internal, *seen = small
    (hrefs, words, texts, paths, befores, afters, urls, hosts, domains, keys, elements, sources, placements,
     rules) = (column.split(_BETWEEN) for column in rest.split(_COLUMN))  # fmt: skip
    targets = [CanonicalUrl(*one) for one in zip(urls, hosts, domains, keys, strict=True)]
    for place, target in enumerate(at):
        yield _link((
            ordinals[place], elements[place], hrefs[place], targets[target], fragments[place],
            (words[place], sources[place]),
            (texts[place], alts[place], labels[place], titles[place], svg_titles[place], images[place]),
            rels[place], causes[place], placements[place], rules[place], paths[place], befores[place], afters[place],
            hidden[place], internal[place], *(column[place] for column in seen),
        ))  # fmt: skip


def out_links(data: bytes) -> list[OutLink]:
    """The links of a record, without what takes most of the time to read.

    Raises:
        ValueError: a format this release does not know.
    """
    head, _, rest = zstd.decompress(data).decode("utf-8", "surrogatepass").partition("\n")
    if rest:
        version, _, at, *small = json.loads(head)
        if version in (_COLUMNS, _COLUMNS_SEEN):
            causes, internal = small[_CAUSES], small[_INTERNAL]
            columns = [column.split(_BETWEEN) for column in rest.split(_COLUMN)]
            _, words, _, paths, befores, afters, urls, hosts, _, _, _, sources, placements, _ = columns
            return [
                OutLink(
                    urls[target], hosts[target], words[place], sources[place], befores[place], afters[place],
                    paths[place], placements[place], not causes[place], internal[place],
                )
                for place, target in enumerate(at)
            ]  # fmt: skip
    return [
        OutLink(
            one.target.url, one.target.host, one.anchor.text, one.anchor.source, one.before, one.after, one.path,
            one.placement, one.followed, one.internal,
        )
        for one in decode(data).links
    ]  # fmt: skip


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


def _page(values: Sequence[Any], links: tuple[Link, ...], text: str) -> PageRecord:
    (url, base, title, h1, h2, canonical, canonical_source, robots, not_indexable, nofollow, lang, charset,
     charset_source, _, skipped, _) = values  # fmt: skip
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
        links=links,
        skipped=tuple(SkippedHref(*one) for one in skipped),
        text=text,
    )


def _link(values: Sequence[Any]) -> Link:
    (ordinal, element, raw_href, target, fragment, anchor, parts, rel, follow_cause, placement, rule, path, before,
     after, hidden, internal, *seen) = values  # fmt: skip
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
        seen=seen[0] if seen else "raw",
    )
