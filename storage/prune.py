"""Give up old evidence: the records of visits that nothing rests on any more.

The facts stay: visits with everything their row says, links, anchors and every version. What goes is what a page said
word by word at that time (`storage.evidence`), and with it the chance to build its history anew from before then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.dialect import dialect_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.engine import Ledger

_PAGES = 200


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was given up, or would be."""

    records: int = 0
    bytes: int = 0
    """Of records and page texts, as they are stored."""
    visits: int = 0
    """Visits whose record it was; their rows stay."""
    pages: int = 0
    left: int = 0
    """Pages with old visits whose records are kept, because their history rests on every visit."""

    def __add__(self, other: Pruned) -> Pruned:
        return Pruned(
            self.records + other.records,
            self.bytes + other.bytes,
            self.visits + other.visits,
            self.pages + other.pages,
            self.left + other.left,
        )


def prune(
    ledger: Ledger,
    before: int,
    *,
    dry_run: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Pruned:
    """Empty the records that only visits before a date use, some pages a transaction.

    Kept in any case are the record of a page's latest complete visit, those of a suspect and of every visit after it,
    and all records of pages that were also read filtered, rendered or from archive metadata, and of pages between which
    links moved: what one visit of such a page says is understood from all others.

    Args:
        before: milliseconds since 1970, UTC; a visit of this date is not old yet.
        progress: told ("pages", done, of how many) after each transaction.
    """
    with ledger.connect() as conn:
        pages = [int(row.page_id) for row in _pages_with_old_visits(conn, before)]
    total = Pruned()
    for start in range(0, len(pages), _PAGES):
        some = pages[start : start + _PAGES]
        with ledger.connect() if dry_run else ledger.begin() as conn:
            if not dry_run:
                dialect_of(conn).lock_pages(conn, some)
            total += _prune_pages(conn, some, before, dry_run=dry_run)
        if progress is not None:
            progress("pages", start + len(some), len(pages))
    return total


def _pages_with_old_visits(conn: Connection, before: int) -> Iterator[Any]:
    question = (
        "SELECT v.page_id FROM visit v JOIN page p ON p.id = v.page_id JOIN record r ON r.id = v.record_id"
        " WHERE v.at < ? AND v.id <> coalesce(p.last_visit_id, -1) AND length(r.data) > 0"
        " GROUP BY v.page_id ORDER BY v.page_id"
    )
    return iter(dialect_of(conn).fetch(conn, question, before))


def _prune_pages(conn: Connection, pages: Collection[int], before: int, *, dry_run: bool) -> Pruned:
    dialect = dialect_of(conn)
    standing = {
        row.id: row
        for row in dialect.fetch_keyed(
            conn, "SELECT id, last_visit_id, suspect_id, plain FROM page WHERE id {ids}", pages
        )
    }
    rests = {page for page, row in standing.items() if not row.plain} | _moved(conn, pages)
    old: dict[int, int] = {}
    needed: set[int] = set()
    page_of: dict[int, int] = {}
    suspected: set[int] = set()
    for row in dialect.fetch_keyed(
        conn,
        "SELECT id, page_id, at, record_id, whole, complete, reason FROM visit WHERE page_id {ids}"
        " ORDER BY page_id, at",
        pages,
    ):
        page = standing[row.page_id]
        if row.whole and (not row.complete or row.reason is not None):
            suspected.add(row.page_id)
        page_of[row.record_id] = row.page_id
        kept = row.at >= before or row.id in (page.last_visit_id, page.suspect_id) or row.page_id in suspected
        if kept or row.page_id in rests:
            needed.add(row.record_id)
        else:
            old[row.record_id] = old.get(row.record_id, 0) + 1
    gone = dialect.fetch_keyed(
        conn,
        "SELECT id, length(data) AS data, coalesce(length(text), 0) AS text FROM record"
        " WHERE length(data) > 0 AND id {ids}",
        old.keys() - needed,
    )
    if not dry_run:
        empty = [(b"", row.id) for row in sorted(gone, key=lambda row: int(row.id))]
        dialect.run_many(conn, "UPDATE record SET data = ?, text = NULL WHERE id = ?", empty)
    return Pruned(
        records=len(gone),
        bytes=sum(row.data + row.text for row in gone),
        visits=sum(old[row.id] for row in gone),
        pages=len({page_of[row.id] for row in gone}),
        left=len(rests),
    )


def _moved(conn: Connection, pages: Collection[int]) -> set[int]:
    """Those of the pages that a permanent redirect ties to another, after the one redirected had been read itself."""
    found: set[int] = set()
    for end in ("page_id", "moved_to"):
        question = (
            f"SELECT DISTINCT m.{end} AS page FROM miss m WHERE m.moved_to IS NOT NULL"
            f" AND EXISTS (SELECT 1 FROM visit v WHERE v.page_id = m.page_id) AND m.{end} {{ids}}"
        )
        found |= {row.page for row in dialect_of(conn).fetch_keyed(conn, question, pages)}
    return found
