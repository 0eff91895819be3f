"""Link and anchor rows: what one complete document of a page opens, keeps, changes and closes.

Decided in memory from the page's latest rows, written as sets, sorted by key. The rules are those
of docs/data-model.md, "Versions".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from storage import edges
from storage.align import align
from storage.codes import (
    ANCHOR_SOURCES,
    ANY_PAGE,
    ELEMENTS,
    LOST_CAUSES,
    PLACEMENTS,
    REL_NOFOLLOW,
    REL_SPONSORED,
    REL_UGC,
    follow_bits,
)
from storage.dictionaries import AnchorRow, UrlRow
from storage.errors import UnreadableLedger
from storage.layout import STEP
from storage.records import Link
from storage.schema import edge
from storage.text import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.dialect import Dialect

_ELEMENT = {name: code for code, name in enumerate(ELEMENTS)}
_PLACEMENT = {name: code for code, name in enumerate(PLACEMENTS)}
_SOURCE = {name: code for code, name in enumerate(ANCHOR_SOURCES)}

LINK_KEY = ("target_domain", "target_host", "target_id", "source_domain", "source_id", "link_no", "valid_from")
ANCHOR_KEY = ("target_domain", "fold_id", "source_domain", "target_id", "source_id", "link_no", "valid_from")
LINK_ROW = (*LINK_KEY, "source_host", "first_seen", "follow_cause", "rel", "placement", "element", "hidden", "position")
ANCHOR_ROW = (*ANCHOR_KEY, "target_host", "text_id", "source", "has_image", "first_seen")
_NO_CAUSES = [0] * 5
EDGE_ROW = tuple(column.name for column in edge.columns if not column.name.startswith("own_"))


class Place(NamedTuple):
    """A page as the source of links."""

    id: int
    host: int
    domain: int


class Occurrence(NamedTuple):
    """One link of the document at hand, in stored form."""

    target: UrlRow
    words: AnchorRow
    form: tuple[int, str, int, int, bool]
    """What a link version consists of: follow_cause, rel, placement, element, hidden."""
    ordinal: int
    shown: tuple[int, int, bool]
    """What an anchor version consists of: text_id, source, has_image."""


class Stored(NamedTuple):
    """The latest version of one link, and of its anchor."""

    key: tuple[Any, ...]
    link_no: int
    first_seen: int
    gone_at: int | None
    form: tuple[int, str, int, int, bool]
    ordinal: int
    anchor_key: tuple[Any, ...]
    words_seen: int
    shown: tuple[int, int, bool]


class Facts:
    """The rows that one batch writes to ``link`` and ``anchor``; gathered page by page, then flushed once."""

    def __init__(self) -> None:
        self.links: list[tuple[Any, ...]] = []
        self.anchors: list[tuple[Any, ...]] = []
        self.links_replaced: list[tuple[Any, ...]] = []
        self.anchors_replaced: list[tuple[Any, ...]] = []
        self.links_lost: list[tuple[Any, ...]] = []
        self.anchors_lost: list[tuple[Any, ...]] = []
        self.links_moved: list[tuple[Any, ...]] = []
        self.sources: set[int] = set()
        """Known pages with a link row inserted or updated: their sums are computed anew."""
        self.sums: list[tuple[int, ...]] = []
        """Rows of ``edge`` for pages read for the first time."""
        self.opened = self.restored = self.changed = 0

    def counts(self) -> dict[str, int]:
        """What was done, by the names of `storage.writer.WriteSummary`."""
        return {
            "links_opened": self.opened,
            "links_restored": self.restored,
            "links_changed": self.changed,
            "links_closed": len(self.links_lost),
            "anchors_opened": len(self.anchors),
            "anchors_closed": len(self.anchors_lost) + len(self.anchors_replaced) - self.restored,
            "rows_written": len(self.links)
            + len(self.anchors)
            + len(self.links_replaced)
            + len(self.anchors_replaced)
            + len(self.links_lost)
            + len(self.anchors_lost)
            + len(self.links_moved),
        }

    def open_page(
        self, page: Place, at: int, links: Iterable[Link], urls: Mapping[str, UrlRow], words: Mapping[str, AnchorRow]
    ) -> None:
        """The first document of a page: every link is new, numbered by target in document order.

        The same as `compare` with nothing stored, without its detours: most pages of a crawl come this way.
        """
        source_id, source_host, source_domain = page
        numbers: dict[int, int] = {}
        followed: dict[int, int] = {}
        others: list[tuple[int, int]] = []
        add_link, add_anchor = self.links.append, self.anchors.append
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
                _PLACEMENT[link.placement], _ELEMENT[link.element], link.hidden, link.ordinal * STEP,
            ))  # fmt: skip
            add_anchor((
                target_domain, fold_id, source_domain, target_id, source_id, number, at, target_host, text_id,
                _SOURCE[link.anchor.source], link.parts.has_image, at,
            ))  # fmt: skip
            self.opened += 1
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

    def compare(
        self,
        page: Place,
        at: int,
        last_ok: int | None,
        links: Iterable[Link],
        urls: Mapping[str, UrlRow],
        words: Mapping[str, AnchorRow],
        stored: Collection[Stored],
    ) -> None:
        """A later document of a page: align its links with the stored ones, target by target."""
        self.sources.add(page.id)
        now: dict[int, list[Occurrence]] = {}
        for link in links:
            one = occurrence(link, urls, words)
            now.setdefault(one.target.id, []).append(one)
        live: dict[int, list[Stored]] = {}
        lost: dict[int, list[Stored]] = {}
        for old in sorted(stored, key=attrgetter("ordinal", "link_no")):
            (live if old.gone_at is None else lost).setdefault(old.key[2], []).append(old)
        for target, found in now.items():
            before = live.pop(target, [])
            away = lost.pop(target, [])
            pairs = align([old.shown[0] for old in before], [one.shown[0] for one in found])
            for left, right in pairs:
                self._keep(before[left], found[right], at, last_ok, page)
            kept = {left for left, _ in pairs}
            for place, old in enumerate(before):
                if place not in kept:
                    self.lose(old, at, last_ok, "removed")
            met = {right for _, right in pairs}
            surplus = [one for place, one in enumerate(found) if place not in met]
            if surplus:
                self._open(surplus, away, 1 + max((old.link_no for old in (*before, *away)), default=-1), at, page)
        for gone in live.values():
            for old in gone:
                self.lose(old, at, last_ok, "removed")

    def lose(self, old: Stored, at: int, last_ok: int | None, cause: str) -> None:
        """A live link that the page no longer has."""
        self.sources.add(old.key[4])
        self.links_lost.append((at, last_ok, LOST_CAUSES.index(cause), *old.key))
        self.anchors_lost.append((at, last_ok, *old.anchor_key))

    def _keep(self, old: Stored, new: Occurrence, at: int, last_ok: int | None, page: Place) -> None:
        if old.form != new.form:
            self.links_replaced.append((at, last_ok, *old.key))
            self._link(old.link_no, old.first_seen, new, at, page)
            self.changed += 1
        elif old.ordinal != new.ordinal:
            self.links_moved.append((new.ordinal, *old.key))
        if old.shown != new.shown:
            self.anchors_replaced.append((at, last_ok, *old.anchor_key))
            self._anchor(old, old.link_no, new, at, page)

    def _open(self, surplus: list[Occurrence], away: list[Stored], free: int, at: int, page: Place) -> None:
        """Links without a partner: a lost one of the same target takes its number up again, others get a new one."""
        same: dict[int, list[Stored]] = {}
        for old in sorted(away, key=attrgetter("link_no"), reverse=True):
            same.setdefault(old.shown[0], []).append(old)
        back = [stack.pop() if (stack := same.get(one.shown[0])) else None for one in surplus]
        rest = sorted((old for stack in same.values() for old in stack), key=attrgetter("link_no"), reverse=True)
        for one, returned in zip(surplus, back, strict=True):
            old_or_none = returned or (rest.pop() if rest else None)
            if old_or_none is None:
                self._link(free, at, one, at, page)
                self._anchor(None, free, one, at, page)
                self.opened += 1
                free += 1
                continue
            # The lost version ends here; it keeps the date on which it was last seen.
            old = old_or_none
            self.links_replaced.append((at, None, *old.key))
            self.anchors_replaced.append((at, None, *old.anchor_key))
            self._link(old.link_no, old.first_seen, one, at, page)
            self._anchor(old, old.link_no, one, at, page)
            self.restored += 1

    def _link(self, number: int, first_seen: int, new: Occurrence, at: int, page: Place) -> None:
        target_id, target_host, target_domain = new.target
        self.links.append(
            (target_domain, target_host, target_id, page.domain, page.id, number, at, page.host, first_seen,
             *new.form, new.ordinal)
        )  # fmt: skip

    def _anchor(self, old: Stored | None, number: int, new: Occurrence, at: int, page: Place) -> None:
        target_id, target_host, target_domain = new.target
        # Its first_seen is that of these words on this link: the same words in another form keep it.
        first_seen = old.words_seen if old is not None and old.shown[0] == new.shown[0] else at
        self.anchors.append(
            (target_domain, new.words.fold_id, page.domain, target_id, page.id, number, at, target_host, *new.shown,
             first_seen)
        )  # fmt: skip

    def flush(self, dialect: Dialect, conn: Connection) -> None:
        """Write everything: old versions first, since a new one may take their place in a key."""
        for table, key, replaced, lost in (
            ("link", LINK_KEY, self.links_replaced, self.links_lost),
            ("anchor", ANCHOR_KEY, self.anchors_replaced, self.anchors_lost),
        ):
            where = " AND ".join(f"{column} = ?" for column in key)
            cause = ", lost_cause = ?" if table == "link" else ""
            replaced.sort(key=lambda row: row[2:])
            lost.sort(key=lambda row: row[3 if cause else 2 :])
            dialect.run_many(
                conn, f"UPDATE {table} SET valid_to = ?, last_seen = coalesce(last_seen, ?) WHERE {where}", replaced
            )
            dialect.run_many(conn, f"UPDATE {table} SET gone_at = ?, last_seen = ?{cause} WHERE {where}", lost)
        self.links_moved.sort(key=lambda row: row[1:])
        where = " AND ".join(f"{column} = ?" for column in LINK_KEY)
        dialect.run_many(conn, f"UPDATE link SET position = ? WHERE {where}", self.links_moved)
        self.links.sort()
        self.anchors.sort()
        dialect.insert(conn, "link", LINK_ROW, self.links)
        dialect.insert(conn, "anchor", ANCHOR_ROW, self.anchors)
        self.sums.sort()
        dialect.insert(conn, "edge", EDGE_ROW, self.sums)
        edges.refresh(conn, self.sources)


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
        ordinal=link.ordinal * STEP,
        shown=(ids.text_id, _SOURCE[link.anchor.source], link.parts.has_image),
    )


def load(dialect: Dialect, conn: Connection, pages: Collection[int]) -> dict[int, list[Stored]]:
    """The latest version of every link, live or lost, of some pages: two keyed questions for them all.

    Raises:
        UnreadableLedger: a link without an anchor.
    """
    anchors: dict[tuple[int, int, int], tuple[tuple[Any, ...], int, tuple[int, int, bool]]] = {}
    for row in dialect.fetch_keyed(
        conn,
        f"SELECT {', '.join(ANCHOR_KEY)}, text_id, source, has_image, first_seen FROM anchor "
        "WHERE source_id {ids} AND valid_to IS NULL",
        pages,
    ):
        shown = (row.text_id, row.source, bool(row.has_image))
        anchors[row.source_id, row.target_id, row.link_no] = (tuple(row)[:7], row.first_seen, shown)
    found: dict[int, list[Stored]] = {}
    for row in dialect.fetch_keyed(
        conn,
        f"SELECT {', '.join(LINK_KEY)}, first_seen, gone_at, follow_cause, rel, placement, element, hidden, position "
        "FROM link WHERE source_id {ids} AND valid_to IS NULL",
        pages,
    ):
        anchor = anchors.get((row.source_id, row.target_id, row.link_no))
        if anchor is None:
            raise UnreadableLedger(str(conn.engine.url), "a link has no anchor; see `linkledger db check`")
        anchor_key, words_seen, shown = anchor
        found.setdefault(row.source_id, []).append(
            Stored(
                key=tuple(row)[:7],
                link_no=row.link_no,
                first_seen=row.first_seen,
                gone_at=row.gone_at,
                form=(row.follow_cause, row.rel, row.placement, row.element, bool(row.hidden)),
                ordinal=row.position,
                anchor_key=anchor_key,
                words_seen=words_seen,
                shown=shown,
            )
        )
    return found
