"""Recompute what a ledger claims, and say where it is not so.

Each check reads everything it speaks of; none changes anything.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage import check_history, edges, evidence, layout
from storage.authority import KINDS
from storage.codes import ANCHOR_SOURCES, ELEMENTS, PLACEMENTS, follow_bits
from storage.dictionaries import hash_id, texts_of
from storage.shards import shard_of
from storage.text import clean, fold

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.dialect import Dialect
    from storage.records import Link, PageRecord

EXAMPLES = 5
_PAGES = 200
_MANY = 5_000


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found."""

    name: str
    examined: int
    wrong: int
    examples: tuple[str, ...] = ()
    """Some of the wrong ones, named as a user can find them."""
    pruned: int = 0
    """What could not be examined because its record was pruned."""


def check(conn: Connection) -> Iterator[Check]:
    """Run every check, each yielded when it is done. All right means ``wrong`` is 0 everywhere."""
    dialect = texts_of(conn).dialect
    if dialect.name == "sqlite":
        yield _sqlite_file(conn)
    yield _hashes(conn, "url", "url", "id = hash of url", _url_right)
    yield _hashes(conn, "anchor_text", "text, fold, fold_id", "id and fold of anchor text", _anchor_right)
    for name, table, wrong in (*_QUESTIONS, *check_history.QUESTIONS):
        yield _question(dialect, conn, name, table, wrong)
    yield Check("sums by page and domain = links", _count(conn, "edge"), edges.differences(conn))
    yield _shards(conn)
    yield _scales(conn)
    yield _live_links(dialect, conn)
    yield _records(dialect, conn)


_LATEST = "valid_to IS NULL"
_SAME = "b.source_id = a.source_id AND b.target_id = a.target_id AND b.link_no = a.link_no AND b.valid_to IS NULL"

# name, table whose rows are examined, question for (page, ...) of each wrong row
_QUESTIONS = (
    (
        "each link has one current anchor, live or lost with it",
        "link",
        f"SELECT a.source_id AS page FROM link a WHERE a.{_LATEST} AND (SELECT count(*) FROM anchor b WHERE {_SAME}"
        " AND coalesce(b.gone_at, -1) = coalesce(a.gone_at, -1) AND b.target_domain = a.target_domain"
        " AND b.target_host = a.target_host AND b.source_domain = a.source_domain) <> 1",
    ),
    (
        "each anchor has one current link",
        "anchor",
        # Links summed up once: an index leads to those of a page, and a page may have tens of thousands.
        f"SELECT a.source_id AS page FROM (SELECT source_id, target_id, link_no FROM anchor WHERE {_LATEST}) a"
        " LEFT JOIN (SELECT source_id, target_id, link_no, count(*) AS number FROM link"
        f" WHERE {_LATEST} GROUP BY source_id, target_id, link_no) b"
        " ON b.source_id = a.source_id AND b.target_id = a.target_id AND b.link_no = a.link_no"
        " WHERE b.number IS NULL OR b.number <> 1",
    ),
    (
        "links stand in the domain and host of their URLs",
        "link",
        "SELECT l.source_id AS page FROM link l LEFT JOIN url u ON u.id = l.target_id"
        " LEFT JOIN host h ON h.id = u.host_id LEFT JOIN page p ON p.id = l.source_id"
        " WHERE u.id IS NULL OR p.id IS NULL OR l.target_host <> h.id OR l.target_domain <> h.domain_id"
        " OR l.source_host <> p.host_id OR l.source_domain <> p.domain_id",
    ),
    (
        "anchors have their text, with its fold",
        "anchor",
        "SELECT a.source_id AS page FROM anchor a LEFT JOIN anchor_text t ON t.id = a.text_id"
        " WHERE t.id IS NULL OR t.fold_id <> a.fold_id",
    ),
    (
        "pages stand in the domain and host of their URL",
        "page",
        "SELECT p.id AS page FROM page p JOIN url u ON u.id = p.id JOIN host h ON h.id = u.host_id"
        " WHERE p.host_id <> h.id OR p.domain_id <> h.domain_id",
    ),
    (
        "pages count their live links",
        "page",
        "SELECT p.id AS page FROM page p WHERE p.links <> (SELECT count(*) FROM link l WHERE l.source_id = p.id"
        " AND l.valid_to IS NULL AND l.gone_at IS NULL)",
    ),
    (
        "outcomes agree with their visits",
        "outcome",
        "SELECT o.url_id AS page FROM outcome o LEFT JOIN visit v ON v.id = o.visit_id"
        " WHERE (o.state = 0) <> (o.at IS NULL) OR (o.state = 1 AND (v.id IS NULL OR NOT v.complete))"
        " OR (v.id IS NOT NULL AND (v.crawl_id <> o.crawl_id OR v.page_id <> o.final_id))",
    ),
)  # fmt: skip


def _question(dialect: Dialect, conn: Connection, name: str, table: str, wrong: str) -> Check:
    found = conn.exec_driver_sql(f"SELECT count(*) FROM ({wrong}) AS w").scalar_one()
    examples: tuple[str, ...] = ()
    if found:
        pages = [row[0] for row in conn.exec_driver_sql(f"SELECT DISTINCT page FROM ({wrong}) AS w LIMIT {EXAMPLES}")]
        examples = _names(dialect, conn, pages)
    return Check(name, _count(conn, table), int(found), examples)


def _names(dialect: Dialect, conn: Connection, urls: Collection[int]) -> tuple[str, ...]:
    rows = dialect.fetch_keyed(conn, "SELECT id, url FROM url WHERE id {ids}", set(urls))
    known = {row.id: str(row.url) for row in rows}
    return tuple(sorted(known.get(one, f"id {one}") for one in urls))


def _count(conn: Connection, table: str) -> int:
    return int(conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def _sqlite_file(conn: Connection) -> Check:
    """SQLite's own checks of its file and of the foreign keys."""
    said = [str(row[0]) for row in conn.exec_driver_sql("PRAGMA quick_check(20)")]
    wrong = [] if said == ["ok"] else said
    wrong += [
        f"{row[0]} row {row[1]} refers to no {row[2]}" for row in conn.exec_driver_sql("PRAGMA foreign_key_check")
    ]
    pages = int(conn.exec_driver_sql("PRAGMA page_count").scalar_one())
    return Check("the file is whole, every reference holds", pages, len(wrong), tuple(wrong[:EXAMPLES]))


def _url_right(key: bytes, row: Any) -> bool:
    return bool(row.id == hash_id(key, row.url))


def _anchor_right(key: bytes, row: Any) -> bool:
    return bool(
        row.id == hash_id(key, row.text) and row.fold == fold(row.text) and row.fold_id == hash_id(key, row.fold)
    )


def _hashes(conn: Connection, table: str, columns: str, name: str, right: Callable[[bytes, Any], bool]) -> Check:
    key = texts_of(conn).key
    examined = wrong = 0
    examples: list[str] = []
    found = conn.execution_options(stream_results=True).exec_driver_sql(f"SELECT id, {columns} FROM {table}")
    for batch in found.partitions(_MANY):
        examined += len(batch)
        for row in batch:
            if not right(key, row):
                wrong += 1
                if len(examples) < EXAMPLES:
                    examples.append(f"{table} {row.id}: {row[1]!r}")
    conn.execution_options(stream_results=False)
    return Check(name, examined, wrong, tuple(examples))


def _shards(conn: Connection) -> Check:
    """An operator's URLs lie in the shard of its name: else two workers would ask it at once.

    A URL that redirects may have been handed on to the shard of another operator.
    """
    examined = 0
    wrong: list[str] = []
    question = "SELECT DISTINCT operator, shard FROM outcome WHERE chain IS NULL ORDER BY operator, shard"
    for row in conn.exec_driver_sql(question, execution_options={"yield_per": _MANY}):
        examined += 1
        if row.shard != shard_of(row.operator):
            wrong.append(str(row.operator))
    return Check("operators are in the shard of their name", examined, len(wrong), tuple(wrong[:EXAMPLES]))


def _live_links(dialect: Dialect, conn: Connection) -> Check:
    """Live links are those of the latest complete record, words, form and place; a page that has gone has none.

    Of a page that was also read in other ways (filtered, rendered, from archive metadata) only this holds: what its
    latest full visit saw last stands in that visit's record.
    """
    examined = pruned = 0
    wrong: list[int] = []
    pages = [row[0] for row in conn.exec_driver_sql("SELECT id FROM page WHERE last_visit_id IS NOT NULL ORDER BY id")]
    for start in range(0, len(pages), _PAGES):
        some = pages[start : start + _PAGES]
        gone = _gone(dialect, conn, some)
        rows = dialect.fetch_keyed(
            conn,
            "SELECT p.id, p.plain, p.layout, r.data FROM page p JOIN visit v ON v.id = p.last_visit_id"
            " JOIN record r ON r.id = v.record_id WHERE p.id {ids}",
            some,
        )
        live = _stored(dialect, conn, {row.id: layout.read(row.layout) for row in rows})
        for row in rows:
            if not row.data:
                pruned += 1
                continue
            examined += 1
            page = _decoded(row.data)
            recorded = Counter(map(_recorded, page.links if page else ()))
            stored = live.get(row.id, Counter())
            if row.id in gone:
                right = not stored
            elif row.plain:
                right = stored == recorded
            else:
                right = not stored - recorded
            if not right:
                wrong.append(row.id)
    return Check(
        "live links = the latest complete record of each page",
        examined,
        len(wrong),
        _names(dialect, conn, wrong[:EXAMPLES]),
        pruned,
    )


def _recorded(link: Link) -> tuple[Any, ...]:
    return (
        clean(link.target.url),
        clean(link.anchor.text),
        ANCHOR_SOURCES.index(link.anchor.source),
        link.parts.has_image,
        follow_bits(link.rel, link.follow_cause),
        clean(" ".join(link.rel)),
        PLACEMENTS.index(link.placement),
        ELEMENTS.index(link.element),
        link.hidden,
        link.ordinal,
    )


def _stored(
    dialect: Dialect, conn: Connection, layouts: Mapping[int, layout.Layout]
) -> dict[int, Counter[tuple[Any, ...]]]:
    """Live links of pages that were last seen when their page was."""
    found: dict[int, Counter[tuple[Any, ...]]] = {}
    for row in dialect.fetch_keyed(
        conn,
        "SELECT l.source_id, u.url, t.text, a.source, a.has_image, l.follow_cause, l.rel, l.placement, l.element,"
        # SQLite keeps the order of a CROSS JOIN; from anchor to link it would read all links of a page for each.
        " l.hidden, l.position FROM link l CROSS JOIN anchor a JOIN url u ON u.id = l.target_id"
        " JOIN anchor_text t ON t.id = a.text_id WHERE a.source_id = l.source_id AND a.target_id = l.target_id"
        " AND a.link_no = l.link_no AND a.valid_to IS NULL"
        " AND l.valid_to IS NULL AND l.gone_at IS NULL AND l.last_seen IS NULL AND l.source_id {ids}",
        layouts,
    ):
        place = layout.ordinal(row.position, layouts[row.source_id])
        found.setdefault(row.source_id, Counter())[(*row[1:-1], place)] += 1
    return found


def _gone(dialect: Dialect, conn: Connection, pages: Collection[int]) -> set[int]:
    """Those of the pages that were closed after their latest full complete visit."""
    rows = dialect.fetch_keyed(
        conn,
        "SELECT DISTINCT p.id FROM page p JOIN miss m ON m.page_id = p.id AND m.cause <> 0 AND m.at >= p.last_ok"
        " WHERE p.id {ids}",
        pages,
    )
    return {row[0] for row in rows}


def _records(dialect: Dialect, conn: Connection) -> Check:
    """Each record can be read and holds as many links as its visits say."""
    examined = pruned = 0
    wrong: list[int] = []
    question = (
        "SELECT record_id, min(page_id) AS page_id, min(links) AS fewest, max(links) AS most, min(skipped) AS least,"
        " max(skipped) AS highest FROM visit GROUP BY record_id"
    )
    for some in conn.exec_driver_sql(question, execution_options={"yield_per": _PAGES}).partitions():
        told = {row.record_id: row for row in some}
        for row in dialect.fetch_keyed(conn, "SELECT id, data FROM record WHERE id {ids}", told):
            if not row.data:
                pruned += 1
                continue
            examined += 1
            page, of = _decoded(row.data), told[row.id]
            if page is None or (of.fewest, of.most, of.least, of.highest) != (
                *(len(page.links),) * 2,
                *(len(page.skipped),) * 2,
            ):
                wrong.append(of.page_id)
    return Check(
        "records can be read and hold what their visits count",
        examined,
        len(wrong),
        _names(dialect, conn, wrong[:EXAMPLES]),
        pruned,
    )


def _scales(conn: Connection) -> Check:
    """Each scale of authority says how it was made, and has no more figures than were kept, each within its bounds."""
    examined = 0
    wrong: list[str] = []
    for row in conn.exec_driver_sql(
        "SELECT id, kind, name, measure, dated, about FROM authority_scale ORDER BY id"
    ).all():
        # Fewer there may be: a domain that is none by another suffix list has lost its figures.
        outside = (
            " OR value > 100 OR value < 0 OR coalesce(trust, 0) NOT BETWEEN 0 AND 100" if row.kind == "own" else ""
        )
        counted = conn.exec_driver_sql(
            "SELECT count(*) AS figures, coalesce(sum(CASE WHEN coalesce(place, 1) < 1 OR coalesce(referring, 0) < 0"
            f"{outside} THEN 1 ELSE 0 END), 0) AS outside FROM authority WHERE scale_id = {int(row.id)}"
        ).one()
        examined += int(counted.figures)
        try:
            kept = json.loads(row.about)["domains"]
        except (ValueError, TypeError, KeyError):
            kept = -1
        if row.kind not in KINDS or not isinstance(kept, int) or counted.figures > kept or counted.outside:
            wrong.append(f"{row.name} {row.measure} of {row.dated}")
    return Check("scales of authority are whole", examined, len(wrong), tuple(wrong[:EXAMPLES]))


def _decoded(data: bytes) -> PageRecord | None:
    """A record's page, None where it cannot be read."""
    try:
        return evidence.decode(bytes(data))
    except (ValueError, TypeError, LookupError, zstd.ZstdError):
        return None
