"""Link and anchor rows: read as the lives of pages, and written back as what changed.

Decided in memory from the page's latest rows (`storage.lives`), written as sets, sorted by key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storage import edges
from storage.codes import (
    ANCHOR_SOURCES,
    ANY_PAGE,
    ELEMENTS,
    PLACEMENTS,
    REL_NOFOLLOW,
    REL_SPONSORED,
    REL_UGC,
    SEEN_BY,
    follow_bits,
)
from storage.dictionaries import AnchorRow, UrlRow
from storage.errors import UnreadableLedger
from storage.layout import STEP
from storage.lives import PAGE_FIRST_SEEN, AnchorVersion, Held, Life, LinkVersion, Occurrence, Place
from storage.records import Link
from storage.schema import edge
from storage.text import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.dialect import Dialect

_ELEMENT = {name: code for code, name in enumerate(ELEMENTS)}
_PLACEMENT = {name: code for code, name in enumerate(PLACEMENTS)}
_SEEN = {name: code for code, name in enumerate(SEEN_BY)}
_SOURCE = {name: code for code, name in enumerate(ANCHOR_SOURCES)}

LINK_KEY = ("target_domain", "target_host", "target_id", "source_domain", "source_id", "link_no", "valid_from")
ANCHOR_KEY = ("target_domain", "fold_id", "source_domain", "target_id", "source_id", "link_no", "valid_from")
_KEY = 7
_LINK_VALUES = (
    "source_host", "first_seen", "follow_cause", "rel", "placement", "element", "hidden", "position", "began",
    "seen_by", "valid_to", "last_seen", "gone_at", "lost_cause",
)  # fmt: skip
_ANCHOR_VALUES = (
    "target_host", "text_id", "source", "has_image", "first_seen", "began", "valid_to", "last_seen", "gone_at",
)  # fmt: skip
LINK_ROW, ANCHOR_ROW = LINK_KEY + _LINK_VALUES, ANCHOR_KEY + _ANCHOR_VALUES
# What a link has that was just opened; the rest of the row are its defaults.
_OPENED_LINK, _OPENED_ANCHOR = LINK_ROW[: _KEY + 9], ANCHOR_ROW[: _KEY + 6]
_NO_CAUSES = [0] * 5
EDGE_ROW = tuple(column.name for column in edge.columns if not column.name.startswith("own_"))

Row = tuple[Any, ...]


class Facts:
    """The rows that one batch writes to ``link`` and ``anchor``; gathered page by page, then flushed once."""

    def __init__(self) -> None:
        self.opened_links: list[Row] = []
        self.opened_anchors: list[Row] = []
        """Of pages read for the first time."""
        self.sums: list[tuple[int, ...]] = []
        """Rows of ``edge`` for these."""
        self._inserted: tuple[list[Row], list[Row]] = [], []
        self._updated: tuple[list[Row], list[Row]] = [], []
        self._deleted: tuple[list[Row], list[Row]] = [], []
        self._touched: set[int] = set()
        """Known pages with a link row inserted, updated or deleted."""
        self._emptied: list[tuple[int, int, int]] = []
        """Keys of ``edge`` of which no link row is left."""
        self.rows_written = 0

    def open_page(
        self, page: Place, at: int, links: Iterable[Link], urls: Mapping[str, UrlRow], words: Mapping[str, AnchorRow]
    ) -> None:
        """The first document of a page: every link is new, numbered by target in document order.

        The same as a `Life` that hears of one visit, without its detours: most pages of a crawl come this way.
        """
        source_id, source_host, source_domain = page
        numbers: dict[int, int] = {}
        followed: dict[int, int] = {}
        others: list[tuple[int, int]] = []
        add_link, add_anchor = self.opened_links.append, self.opened_anchors.append
        for link in links:
            target_id, target_host, target_domain = urls[link.target.url]
            text_id, fold_id = words[link.anchor.text]
            number = numbers.get(target_id, 0)
            numbers[target_id] = number + 1
            rel, cause = link.rel, link.follow_cause
            bits = follow_bits(rel, cause) if rel or cause else 0
            if bits:
                others.append((target_domain, bits))
            else:
                followed[target_domain] = followed.get(target_domain, 0) + 1
            add_link((
                target_domain, target_host, target_id, source_domain, source_id, number, at, source_host, at, bits,
                clean(" ".join(rel)) if rel else "",
                _PLACEMENT[link.placement], _ELEMENT[link.element], link.hidden, link.ordinal * STEP, PAGE_FIRST_SEEN,
            ))  # fmt: skip
            add_anchor((
                target_domain, fold_id, source_domain, target_id, source_id, number, at, target_host, text_id,
                _SOURCE[link.anchor.source], link.parts.has_image, at, PAGE_FIRST_SEEN,
            ))  # fmt: skip
        self._sum(page, at, followed, others)

    def _sum(self, page: Place, at: int, followed: Mapping[int, int], others: Iterable[tuple[int, int]]) -> None:
        """Rows of ``edge`` for a new page: followed links by target domain, and each other one by its follow bits."""
        sums: dict[int, list[int]] = {}
        for target_domain, bits in others:
            row = sums.setdefault(target_domain, [0] * 5)
            row[0] += 1
            for place, mask in enumerate((REL_NOFOLLOW, REL_UGC, REL_SPONSORED, ANY_PAGE), start=1):
                row[place] += bits & mask != 0
        for target_domain in followed.keys() | sums.keys():
            number, causes = followed.get(target_domain, 0), sums.get(target_domain, _NO_CAUSES)
            self.sums.append(
                (target_domain, page.domain, page.id, page.host, number + causes[0], number, *causes[1:], 0, at, at)
            )

    def take(self, life: Life, there: tuple[Sequence[Row], Sequence[Row]] | None = None) -> None:
        """What a life's versions are beyond the rows in the ledger.

        Args:
            there: every row of the page in ``link`` and ``anchor``, where the life was told from its beginning; rows
                that are not in it are deleted. None: the versions know the rows they come from.
        """
        page = life.place
        links = [(one.stored, _link_row(page, one)) for one in life.links]
        anchors = [(one.stored, _anchor_row(page, one)) for one in life.anchors]
        changed = self._differences(0, links, () if there is None else there[0])
        self._differences(1, anchors, () if there is None else there[1])
        if changed:
            self._touched.add(page.id)
        if there is not None:
            left = {row[0] for _, row in links}
            self._emptied.extend((row, page.domain, page.id) for row in {one[0] for one in there[0]} - left)

    def _differences(self, table: int, versions: Iterable[tuple[Row | None, Row]], there: Sequence[Row]) -> bool:
        known = {row[:_KEY]: row for row in there}
        inserted, updated, deleted = self._inserted[table], self._updated[table], self._deleted[table]
        changed = False
        for stored, new in versions:
            old = stored or known.pop(new[:_KEY], None)
            if old == new:
                continue
            changed = True
            if old is None:
                inserted.append(new)
            elif old[:_KEY] == new[:_KEY]:
                updated.append((*new[_KEY:], *new[:_KEY]))
            else:  # other words in the place of the old ones
                deleted.append(old[:_KEY])
                inserted.append(new)
        deleted.extend(known)
        return changed or bool(known)

    def flush(self, dialect: Dialect, conn: Connection) -> None:
        """Write everything; what gives up its key goes before what takes it."""
        for number, (table, row, opened, fresh) in enumerate((
            ("link", LINK_ROW, _OPENED_LINK, self.opened_links),
            ("anchor", ANCHOR_ROW, _OPENED_ANCHOR, self.opened_anchors),
        )):  # fmt: skip
            inserted, updated, deleted = self._inserted[number], self._updated[number], self._deleted[number]
            where = " AND ".join(f"{column} = ?" for column in row[:_KEY])
            values = ", ".join(f"{column} = ?" for column in row[_KEY:])
            dialect.run_many(conn, f"DELETE FROM {table} WHERE {where}", sorted(deleted))
            dialect.run_many(conn, f"UPDATE {table} SET {values} WHERE {where}", sorted(updated, key=_key_behind))
            dialect.insert(conn, table, row, sorted(inserted, key=_key_before))
            fresh.sort()
            dialect.insert(conn, table, opened, fresh)
            self.rows_written += len(inserted) + len(updated) + len(deleted) + len(fresh)
        self.sums.sort()
        dialect.insert(conn, "edge", EDGE_ROW, self.sums)
        key = "DELETE FROM edge WHERE target_domain = ? AND source_domain = ? AND source_id = ?"
        dialect.run_many(conn, key, sorted(self._emptied))
        edges.refresh(conn, self._touched)


def _key_before(row: Row) -> Row:
    return row[:_KEY]


def _key_behind(row: Row) -> Row:
    return row[-_KEY:]


def _link_row(page: Place, one: LinkVersion) -> Row:
    target = one.target
    return (
        target.domain_id, target.host_id, target.id, page.domain, page.id, one.link_no, one.valid_from, page.host,
        one.first_seen, *one.form, one.position, one.began, one.seen_by, one.valid_to, one.last_seen, one.gone_at,
        one.lost_cause,
    )  # fmt: skip


def _anchor_row(page: Place, one: AnchorVersion) -> Row:
    target = one.target
    return (
        target.domain_id, one.words.fold_id, page.domain, target.id, page.id, one.link_no, one.valid_from,
        target.host_id, *one.shown, one.first_seen, one.began, one.valid_to, one.last_seen, one.gone_at,
    )  # fmt: skip


def occurrence(link: Link, urls: Mapping[str, UrlRow], words: Mapping[str, AnchorRow]) -> Occurrence:
    """A link in stored form."""
    ids = words[link.anchor.text]
    return Occurrence(
        target=urls[link.target.url],
        words=ids,
        form=(
            follow_bits(link.rel, link.follow_cause),
            clean(" ".join(link.rel)),
            _PLACEMENT[link.placement],
            _ELEMENT[link.element],
            link.hidden,
        ),
        ordinal=link.ordinal,
        shown=(ids.text_id, _SOURCE[link.anchor.source], link.parts.has_image),
        seen_by=_SEEN[link.seen],
    )


def load_latest(dialect: Dialect, conn: Connection, pages: Collection[int]) -> dict[int, list[Held]]:
    """The latest version of every link, live or lost, of some pages: two keyed questions for them all.

    Raises:
        UnreadableLedger: a link without an anchor.
    """
    anchors = {(row[4], row[3], row[5]): row for row in _rows(dialect, conn, "anchor", ANCHOR_ROW, pages, latest=True)}
    found: dict[int, list[Held]] = {}
    for row in _rows(dialect, conn, "link", LINK_ROW, pages, latest=True):
        anchor = anchors.get((row[4], row[2], row[5]))
        if anchor is None:
            raise UnreadableLedger(str(conn.engine.url), "a link has no anchor; see `linkledger db check`")
        found.setdefault(row[4], []).append(Held(link_version(row), anchor_version(anchor)))
    return found


def load_rows(dialect: Dialect, conn: Connection, pages: Collection[int]) -> dict[int, tuple[list[Row], list[Row]]]:
    """Every row of ``link`` and of ``anchor`` of some pages."""
    found: dict[int, tuple[list[Row], list[Row]]] = {page: ([], []) for page in pages}
    for row in _rows(dialect, conn, "link", LINK_ROW, pages, latest=False):
        found[row[4]][0].append(row)
    for row in _rows(dialect, conn, "anchor", ANCHOR_ROW, pages, latest=False):
        found[row[4]][1].append(row)
    return found


def _rows(
    dialect: Dialect, conn: Connection, table: str, columns: Sequence[str], pages: Collection[int], *, latest: bool
) -> Iterable[Row]:
    which = "valid_to IS NULL AND source_id" if latest else "source_id"
    question = f"SELECT {', '.join(columns)} FROM {table} WHERE {which} {{ids}}"
    return (tuple(row) for row in dialect.fetch_keyed(conn, question, pages))


def link_version(row: Row) -> LinkVersion:
    """A row of `LINK_ROW` as a version."""
    (domain, host, target, _, _, number, valid_from, _, first_seen, follow_cause, rel, placement, element, hidden,
     position, began, seen_by, valid_to, last_seen, gone_at, lost_cause) = row  # fmt: skip
    form = (follow_cause, rel, placement, element, bool(hidden))
    one = LinkVersion(UrlRow(target, host, domain), number, valid_from, first_seen, form, position, began, seen_by)
    one.valid_to, one.last_seen, one.gone_at, one.lost_cause, one.stored = valid_to, last_seen, gone_at, lost_cause, row
    return one


def anchor_version(row: Row) -> AnchorVersion:
    """A row of `ANCHOR_ROW` as a version."""
    (domain, fold_id, _, target, _, number, valid_from, host, text_id, source, has_image, first_seen, began, valid_to,
     last_seen, gone_at) = row  # fmt: skip
    shown = (text_id, source, bool(has_image))
    one = AnchorVersion(
        UrlRow(target, host, domain), number, valid_from, first_seen, AnchorRow(text_id, fold_id), shown, began
    )
    one.valid_to, one.last_seen, one.gone_at, one.stored = valid_to, last_seen, gone_at, row
    return one
