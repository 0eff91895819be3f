"""The logical content of a ledger as lines of text, to compare one ledger with another.

Natural keys only, in the order of their texts: no ids, no attempts that found nothing out, and no clock unless asked
for. Two ledgers that were told the same say the same, whichever database they are in, in whatever order they were
told, and however often a crawl was interrupted on the way. What two runs of one crawl may do differently is left
out: which page a URL was first found on, at what depth, which of several URLs brought a page's visit, and how many
links the limits of a crawl kept out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from storage import authority, evidence, layout
from storage.codes import (
    ANCHOR_SOURCES,
    BEGAN,
    ELEMENTS,
    INDEXABILITY,
    LOST_CAUSES,
    METHODS,
    OUTCOMES,
    PLACEMENTS,
    SEEN_BY,
    follow_causes,
)
from storage.dialect import dialect_of
from storage.scratch import in_files
from storage.times import to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import Row

    from storage.dialect import Dialect

_PAGES = 100
_ROWS = 1_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def dump(conn: Connection, *, times: bool = False) -> Iterator[str]:
    """Every list, imported figure, crawl, outcome, page, visit, closing miss, link version and anchor version, in this
    order. Scores that the ledger computed of itself are left out: they follow from the rest.

    Args:
        conn: a connection for reading, which sees one state; held until the last line was taken.
        times: dates of visits, misses and versions too; their order and causes are always told.
    Returns:
        JSON objects, one a line, without the line's end. Memory is bounded by some pages' links.
    """
    dialect = dialect_of(conn)
    in_files(conn)  # a long list of URLs is sorted outside of memory
    for told in (_lists, _figures, _crawls, _outcomes):
        yield from map(_encode, told(conn))
    for kind in (_pages, _visits, _misses, _links, _anchors):
        for pages in _page_batches(conn):
            yield from map(_encode, kind(dialect, conn, pages, times))


def _stream(conn: Connection, question: str) -> Iterator[Row[Any]]:
    return iter(conn.exec_driver_sql(question, execution_options={"yield_per": _ROWS}))


def _lists(conn: Connection) -> Iterator[dict[str, Any]]:
    for row in _stream(conn, "SELECT name, backlinks_of FROM list ORDER BY name"):
        yield {"kind": "list", "name": row.name, "backlinks_of": row.backlinks_of}
    for row in _stream(
        conn,
        "SELECT l.name, r.file, r.line, u.url, r.operator, r.given, r.columns FROM list_row r"
        " JOIN list l ON l.id = r.list_id JOIN url u ON u.id = r.url_id ORDER BY l.name, r.file, r.line",
    ):
        yield {
            "kind": "list_row",
            "list": row.name,
            "file": row.file,
            "line": row.line,
            "url": row.url,
            "operator": row.operator,
            "given": row.given,
            "columns": json.loads(row.columns),
        }


def _figures(conn: Connection) -> Iterator[dict[str, Any]]:
    """Figures of authority that were imported, scale by scale, by domain."""
    imported = [one for one in authority.scales(conn) if one.kind != "own"]
    for scale in sorted(imported, key=lambda one: (one.kind, one.name, one.measure, one.dated)):
        named = {"scale": scale.name, "measure": scale.measure, "dated": scale.dated}
        yield {"kind": "scale", "of": scale.kind, **named, "about": dict(sorted(scale.about.items()))}
        for row in _stream(
            conn,
            "SELECT d.name, a.value, a.place, a.ratio FROM authority a JOIN domain d ON d.id = a.domain_id"
            f" WHERE a.scale_id = {int(scale.id)} ORDER BY d.name",
        ):
            yield {
                "kind": "figure", **named, "domain": row.name, "value": row.value, "place": row.place,
                "ratio": row.ratio,
            }  # fmt: skip


def _crawls(conn: Connection) -> Iterator[dict[str, Any]]:
    """Numbered from 1 in the order they were begun."""
    rows = "rows_read, rows_accepted, rows_duplicate, rows_rejected"
    for number, row in enumerate(
        _stream(
            conn,
            f"SELECT l.name, c.state, {rows} FROM crawl c LEFT JOIN list l ON l.id = c.list_id ORDER BY c.id",
        ),
        start=1,
    ):
        counted = {name: getattr(row, name) for name in rows.split(", ")}
        yield {"kind": "crawl", "crawl": number, "list": row.name, "state": row.state, **counted}
    for row in _stream(
        conn,
        "SELECT (SELECT count(*) FROM crawl c WHERE c.id <= r.crawl_id) AS number, file, line, given, reason"
        " FROM rejected_row r ORDER BY number, file, line, given, reason",
    ):
        yield {
            "kind": "rejected_row",
            "crawl": row.number,
            "file": row.file,
            "line": row.line,
            "given": row.given,
            "reason": row.reason,
        }


def _outcomes(conn: Connection) -> Iterator[dict[str, Any]]:
    crawls = [row.id for row in conn.exec_driver_sql("SELECT id FROM crawl ORDER BY id")]
    for number, crawl in enumerate(crawls, start=1):
        for row in _stream(
            conn,
            "SELECT u.url, o.state, o.reason, o.status, o.chain, f.url AS final, o.visit_id FROM outcome o"
            f" JOIN url u ON u.id = o.url_id LEFT JOIN url f ON f.id = o.final_id WHERE o.crawl_id = {int(crawl)}"
            " ORDER BY u.url",
        ):
            yield {
                "kind": "outcome",
                "crawl": number,
                "url": row.url,
                "outcome": OUTCOMES[row.state],
                "reason": row.reason,
                "status": row.status,
                "final": row.final,
                "chain": json.loads(row.chain) if row.chain else [],
                "read": row.visit_id is not None,
            }


Pages = dict[int, Any]
"""Some rows of ``page`` by id, in the order of their URLs."""


def _page_batches(conn: Connection) -> Iterator[Pages]:
    """Every page that was read, or at least found gone, in the order of the URLs."""
    batch: Pages = {}
    for row in _stream(
        conn,
        "SELECT p.id, u.url, p.first_ok, p.last_ok, p.indexable, p.links, p.suspect_id, p.plain, p.layout"
        " FROM page p JOIN url u ON u.id = p.id"
        " WHERE EXISTS (SELECT 1 FROM visit v WHERE v.page_id = p.id)"
        " OR EXISTS (SELECT 1 FROM miss m WHERE m.page_id = p.id AND m.cause <> 0) ORDER BY u.url",
    ):
        batch[row.id] = row
        if len(batch) == _PAGES:
            yield batch
            batch = {}
    if batch:
        yield batch


def _pages(dialect: Dialect, conn: Connection, pages: Pages, times: bool) -> Iterator[dict[str, Any]]:
    for row in pages.values():
        told = {
            "kind": "page",
            "url": row.url,
            "links": row.links,
            "indexable": None if row.indexable is None else bool(row.indexable),
            "plain": bool(row.plain),
            "suspect": row.suspect_id is not None,
        }
        yield told | _dates(times, first_seen=row.first_ok, last_seen=row.last_ok)


def _visits(dialect: Dialect, conn: Connection, pages: Pages, times: bool) -> Iterator[dict[str, Any]]:
    found = _by_page(
        dialect,
        conn,
        "SELECT page_id, at, status, method, whole, complete, reason, rules_version, targets, content_type, charset,"
        " charset_source, bytes, content_hash, etag, last_modified, headers, title, headings, canonical,"
        " canonical_source, robots, not_indexable, lang, links, skipped, record_id, confirmed_at"
        " FROM visit WHERE page_id {ids} ORDER BY page_id, at",
        pages,
    )
    for page in pages.values():
        digests: dict[int, str | None] = {}
        for number, row in enumerate(found.get(page.id, ()), start=1):
            if row.record_id not in digests:
                digests[row.record_id] = _digest(dialect, conn, row.record_id)
            told = {
                "kind": "visit",
                "url": page.url,
                "visit": number,
                "status": row.status,
                "method": METHODS[row.method],
                "whole": bool(row.whole),
                "complete": bool(row.complete),
                "reason": row.reason,
                "rules": row.rules_version,
                "targets": None if row.targets is None else json.loads(row.targets),
                "content_type": row.content_type,
                "charset": row.charset,
                "charset_source": row.charset_source,
                "bytes": row.bytes,
                "content_hash": row.content_hash,
                "etag": row.etag,
                "last_modified": row.last_modified,
                "headers": json.loads(row.headers),
                "title": row.title,
                "headings": json.loads(row.headings),
                "canonical": row.canonical,
                "canonical_source": row.canonical_source,
                "robots": json.loads(row.robots),
                "not_indexable": [name for bit, name in enumerate(INDEXABILITY) if row.not_indexable & (1 << bit)],
                "lang": row.lang,
                "links": row.links,
                "skipped": row.skipped,
                "record": digests[row.record_id],
            }
            yield told | _dates(times, at=row.at, confirmed_at=row.confirmed_at)


def _digest(dialect: Dialect, conn: Connection, record: int) -> str | None:
    """A hash of what a record says, in whatever format it is kept; None once it was pruned.

    Not of the page's text: visits that share a record share the text of whichever came first.
    """
    data = bytes(dialect.fetch(conn, "SELECT data FROM record WHERE id = ?", record)[0].data)
    if not data:
        return None
    said = _encode(evidence.decode(data)).encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=16).hexdigest()


def _misses(dialect: Dialect, conn: Connection, pages: Pages, times: bool) -> Iterator[dict[str, Any]]:
    """Misses that close links; without dates, those in a row that say the same are one."""
    found = _by_page(
        dialect,
        conn,
        "SELECT m.page_id, m.at, m.state, m.cause, u.url AS moved_to,"
        " (SELECT count(*) FROM visit v WHERE v.page_id = m.page_id AND v.at <= m.at) AS after"
        " FROM miss m LEFT JOIN url u ON u.id = m.moved_to WHERE m.cause <> 0 AND m.page_id {ids}"
        " ORDER BY m.page_id, m.at",
        pages,
    )
    for page in pages.values():
        before: dict[str, Any] | None = None
        for row in found.get(page.id, ()):
            told = {
                "kind": "miss",
                "url": page.url,
                "after_visit": row.after,
                "outcome": OUTCOMES[row.state],
                "cause": LOST_CAUSES[row.cause],
                "moved_to": row.moved_to,
            }
            told |= _dates(times, at=row.at)
            if told != before:
                yield told
            before = told


def _links(dialect: Dialect, conn: Connection, pages: Pages, times: bool) -> Iterator[dict[str, Any]]:
    layouts = {page.id: layout.read(page.layout) for page in pages.values()}

    def told(row: Any) -> dict[str, Any]:
        live = row.valid_to is None and row.gone_at is None
        # Of a replaced version the place is not kept, of a lost one the last it had.
        place = layout.ordinal(row.position, layouts[row.source_id] if live else layout.PLAIN)
        return {
            "seen_by": SEEN_BY[row.seen_by],
            "cause": LOST_CAUSES[row.lost_cause] or None,
            "rel": row.rel.split(" ") if row.rel else [],
            "follow_cause": list(follow_causes(row.follow_cause)),
            "placement": PLACEMENTS[row.placement],
            "element": ELEMENTS[row.element],
            "hidden": bool(row.hidden),
            "ordinal": place if row.valid_to is None else None,
        }

    question = (
        "SELECT l.source_id, t.url AS target, l.link_no, l.valid_from, l.valid_to, l.first_seen, l.last_seen,"
        " l.gone_at, l.began, l.seen_by, l.lost_cause, l.rel, l.follow_cause, l.placement, l.element, l.hidden,"
        " l.position FROM link l JOIN url t ON t.id = l.target_id WHERE l.source_id {ids}"
    )
    return _versions("link", dialect, conn, question, pages, times, told)


def _anchors(dialect: Dialect, conn: Connection, pages: Pages, times: bool) -> Iterator[dict[str, Any]]:
    def told(row: Any) -> dict[str, Any]:
        return {"anchor": row.text, "anchor_source": ANCHOR_SOURCES[row.source], "has_image": bool(row.has_image)}

    question = (
        "SELECT a.source_id, t.url AS target, a.link_no, a.valid_from, a.valid_to, a.first_seen, a.last_seen,"
        " a.gone_at, a.began, w.text, a.source, a.has_image FROM anchor a JOIN url t ON t.id = a.target_id"
        " JOIN anchor_text w ON w.id = a.text_id WHERE a.source_id {ids}"
    )
    return _versions("anchor", dialect, conn, question, pages, times, told)


def _versions(
    kind: str,
    dialect: Dialect,
    conn: Connection,
    question: str,
    pages: Pages,
    times: bool,
    told: Callable[[Any], dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    found = _by_page(dialect, conn, question, pages)
    for page in pages.values():
        before: tuple[str, int] | None = None
        number = 0
        for row in sorted(found.get(page.id, ()), key=lambda row: (row.target, row.link_no, row.valid_from)):
            number = number + 1 if before == (row.target, row.link_no) else 1
            before = (row.target, row.link_no)
            state = "lost" if row.gone_at is not None else "live" if row.valid_to is None else "replaced"
            yield {
                "kind": kind,
                "source": page.url,
                "target": row.target,
                "link_no": row.link_no,
                "version": number,
                "state": state,
                "began": BEGAN[row.began],
                **told(row),
                **_dates(
                    times,
                    valid_from=row.valid_from,
                    valid_to=row.valid_to,
                    first_seen=row.first_seen,
                    last_seen=page.last_ok if row.last_seen is None else row.last_seen,
                    gone_at=row.gone_at,
                ),
            }


def _dates(times: bool, **moments: int | None) -> dict[str, str | None]:
    return {name: to_iso(at) for name, at in moments.items()} if times else {}


def _by_page(
    dialect: Dialect, conn: Connection, question: str, pages: Collection[int]
) -> dict[int, Sequence[Row[Any]]]:
    """Rows of a question over pages, by the page that stands in their first column."""
    found: dict[int, list[Row[Any]]] = {}
    for row in dialect.fetch_keyed(conn, question, pages):
        found.setdefault(row[0], []).append(row)
    return dict(found)
