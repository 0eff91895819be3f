"""The anchors of the selected links, one plain row of integers each, and what the rows refer to, by ids.

Nothing is grouped here: a row is cheaper to hand out than to sort, and who judges words has to group them anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    select,
)

from storage.anchor_rows import AnchorFilter, Anchors
from storage.by_id import portions
from storage.codes import ANCHOR_SOURCES, BEGAN
from storage.filters import Chosen, same_link
from storage.records import AnchorSource
from storage.schema import anchor_text, page, visit
from storage.targets import among

Part = Literal["placement", "rel", "target", "language", "first-seen"]
"""What a distribution can be broken down by."""
PARTS: tuple[Part, ...] = ("placement", "rel", "target", "language", "first-seen")

COLUMNS = ("text", "target", "domain_kind", "page", "first_seen")
"""Of a row: ids of the words and of the target URL; id of the source's domain with a `Kind` in its lowest `KIND_BITS`;
id of the source page; when these words were first seen on this link. A row for a part has one more: where the link
stands (`storage.codes.PLACEMENTS`) or why it is not followed (bits). Few columns, as each costs a tenth of the answer.
"""
KIND_BITS = 6
BATCH = 5_000
_ARRIVED = (BEGAN.index("link_added"), BEGAN.index("changed"))

Row = Sequence[int]


class Kind(NamedTuple):
    """What is packed into one number of a row."""

    source: AnchorSource
    has_image: bool
    arrived: bool
    """The words came to a page that an earlier visit knows without them."""


def kind_of(number: int) -> Kind:
    """Unpack a kind: bit 0 arrived, bit 1 an image, above them `storage.codes.ANCHOR_SOURCES`."""
    return Kind(ANCHOR_SOURCES[number >> 2], bool(number & 2), bool(number & 1))


class Uses:
    """The anchors of one filter over one target."""

    def __init__(self, conn: Connection, chosen: Chosen, words: AnchorFilter | None = None) -> None:
        self.conn, self.chosen = conn, chosen
        self.anchors = Anchors(conn, chosen, words)

    def batches(self, part: Part | None = None) -> Iterator[Sequence[Row]]:
        """Every selected anchor, one row of `COLUMNS` each, in no order; read as they are taken.

        Args:
            part: ``placement`` and ``rel`` are facts of the link, which costs a search for each row.
        """
        of = self.anchors.anchor
        domain_kind = cast(of.c.source_domain, BigInteger) * (1 << KIND_BITS) + _kind(of)
        columns = [of.c.text_id, of.c.target_id, domain_kind, of.c.source_id, of.c.first_seen]
        if part in ("placement", "rel"):
            columns.append(self._of_link("placement" if part == "placement" else "follow_cause"))
        yield from _plain(self.conn, self.anchors.rows(*columns))

    def _of_link(self, name: str) -> ColumnElement[Any]:
        if self.anchors.by_link:
            return self.anchors.link.c[name]
        of = self.anchors.link.alias("standing")
        joined = and_(same_link(of, self.anchors.anchor), self.chosen.tables.in_force(of))
        return select(of.c[name]).where(joined).correlate(self.anchors.anchor).scalar_subquery()


def _plain(conn: Connection, question: Select[Any]) -> Iterator[Sequence[Any]]:
    """Rows in batches, read as they are taken.

    SQLite's are taken as the driver gives them: a row object for each of a million takes as long as reading them does.
    Its cursor streams by itself; PostgreSQL's needs a buffer in between.
    """
    if conn.dialect.name == "sqlite":
        with conn.execute(question) as found:
            cursor: Any = found.cursor
            while batch := cursor.fetchmany(BATCH):
                yield batch
    else:
        with conn.execute(question, execution_options={"stream_results": True, "yield_per": BATCH}) as found:
            yield from found.partitions(BATCH)


def _kind(of: Any) -> ColumnElement[int]:
    arrived = case((and_(of.c.began.in_(_ARRIVED), of.c.first_seen == of.c.valid_from), 1), else_=0)
    image = case((of.c.has_image.is_(True), 2), else_=0)
    return cast(of.c.source, Integer) * 4 + image + arrived


class Text(NamedTuple):
    """One anchor text."""

    text: str
    fold: str


def texts(conn: Connection, ids: Collection[int]) -> dict[int, Text]:
    """Anchor texts by their ids; others too where that is faster."""
    question = select(anchor_text.c.id, anchor_text.c.text, anchor_text.c.fold)
    found: dict[int, Text] = {}
    for batch in _by_id(conn, question, anchor_text.c.id, ids):
        found.update((id_, Text(text, fold)) for id_, text, fold in batch)
    return found


PAGE_COLUMNS = ("id", "first_ok", "last_ok", "last_visit")
"""Of a page: first and latest complete visit, milliseconds UTC; id of its latest full visit. 0 where there is none."""


def page_facts(conn: Connection, chosen: Chosen, ids: Collection[int]) -> Iterator[Sequence[Row]]:
    """Rows of `PAGE_COLUMNS`, those of other pages too where that is faster: dates as of the instant the question is
    about, the latest visit as it is now."""
    then = chosen.tables.page
    origin: FromClause = page if then is page else page.join(then, then.c.id == page.c.id)
    facts = [func.coalesce(column, 0) for column in (page.c.first_ok, then.c.last_ok, page.c.last_visit_id)]
    yield from _by_id(conn, select(page.c.id, *facts).select_from(origin), page.c.id, ids)


def languages(conn: Connection, visits: Collection[int]) -> Iterator[Sequence[tuple[int, str]]]:
    """(visit, language that its document declares), of those that declare one; of other visits too, as above."""
    question = select(visit.c.id, visit.c.lang).where(visit.c.lang.is_not(None))
    yield from _by_id(conn, question, visit.c.id, visits)


_LOOSE = 2
"""Reading a whole stretch of a table costs less than a search for each row, if no more than so many times the rows
wanted lie in it."""


def _by_id(
    conn: Connection, question: Select[Any], column: ColumnElement[int], ids: Collection[int]
) -> Iterator[Sequence[Any]]:
    dense = True
    for some in portions(ids):
        if dense:
            most = _LOOSE * len(some)
            stretch = question.where(column.between(some[0], some[-1])).limit(most + 1)
            found = list(_plain(conn, stretch))
            if sum(map(len, found)) <= most:
                yield from found
                continue
            dense = False  # hashes lie evenly: the next stretch would be as loose
        yield from _plain(conn, question.where(among(column, some)))
