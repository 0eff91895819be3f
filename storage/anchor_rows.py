"""The anchors of the selected links: which rows they are, and the cheaper way to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Subquery,
    and_,
    func,
    literal_column,
    select,
)

from storage.codes import ANCHOR_SOURCES
from storage.filters import Chosen
from storage.records import AnchorSource
from storage.schema import anchor_text
from storage.targets import STREAMING, among, seen_up_to
from storage.text import clean, fold

Grouping = Literal["fold", "exact"]

SMALL_TARGET = 20_000
"""Up to this many link rows, a page's or host's anchors are found link by link instead of by reading its domain's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorFilter:
    """What is asked of the words themselves; exists for anchors only."""

    sources: tuple[AnchorSource, ...] = ()
    """One of these; () does not narrow."""
    contains: str | None = None
    """The folded text contains the fold of this."""


class Anchors:
    """The anchors of one filter over one target, with the cheaper of two ways to them already chosen.

    A domain's anchors lie together, grouped by fold and then source domain. A page or host of a popular domain
    is spread over them: if few links lead to it, they are read first and lead to their anchors one by one.
    """

    def __init__(self, conn: Connection, chosen: Chosen, wanted: AnchorFilter | None = None) -> None:
        self.conn, self.chosen, self.wanted = conn, chosen, wanted or AnchorFilter()
        self.link, self.anchor, self.page = chosen.tables.link, chosen.tables.anchor, chosen.tables.page
        covered = chosen.covered
        self.by_link = not covered.whole_domains and seen_up_to(conn, covered, SMALL_TARGET) < SMALL_TARGET

    def rows(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select from the chosen rows of `anchor`."""
        if self.by_link:
            names = ("source_id", "target_id", "link_no")  # the index that leads from a link to its anchor, no other
            same = and_(*(self.anchor.c[name] == self.link.c[name] for name in names))
            origin: FromClause = self.link.join(self.anchor, same)
            condition = self.chosen.anchors_of_links()
        else:
            origin, condition = self.anchor, self.chosen.anchors()
        return select(*columns).select_from(origin).where(condition, *self._words())

    def words(self, group: Grouping) -> ColumnElement[int]:
        """What anchors are told apart by: the id of the fold or of the text."""
        column: ColumnElement[int] = self.anchor.c.fold_id if group == "fold" else self.anchor.c.text_id
        # Not the bare column where links lead: it would tempt the database to begin with the words of a whole domain.
        return column + literal_column("0") if self.by_link else column

    def stream(self, question: Select[Any]) -> Iterable[Any]:
        """The rows of an answer that may be long, read as they are taken."""
        return self.conn.execute(question, execution_options=STREAMING)

    def _words(self) -> list[ColumnElement[bool]]:
        parts: list[ColumnElement[bool]] = []
        if self.wanted.sources:
            parts.append(self.anchor.c.source.in_(sorted(ANCHOR_SOURCES.index(name) for name in self.wanted.sources)))
        if self.wanted.contains is not None:
            text = fold(clean(self.wanted.contains))
            holding = select(anchor_text.c.fold_id).where(anchor_text.c.fold.contains(text, autoescape=True))
            parts.append(self.anchor.c.fold_id.in_(holding))
        return parts


def commonest(anchors: Anchors, group: Grouping, ids: Sequence[int] | None) -> Subquery:
    """(id, text, fold, variants): the commonest spelling of each anchor, of equally common ones the first by text."""
    spelled = anchors.rows(
        anchors.words(group).label("id"), anchors.anchor.c.text_id.label("text_id"), func.count().label("links")
    ).group_by(anchors.words(group), anchors.anchor.c.text_id)
    if ids is not None:
        spelled = spelled.where(among(anchors.words(group), ids))
    each = spelled.subquery("spelled")
    place = func.row_number().over(partition_by=each.c.id, order_by=[each.c.links.desc(), anchor_text.c.text])
    ranked = (
        select(
            each.c.id,
            anchor_text.c.text,
            anchor_text.c.fold,
            func.count().over(partition_by=each.c.id).label("variants"),
            place.label("place"),
        )
        .select_from(each.join(anchor_text, anchor_text.c.id == each.c.text_id))
        .subquery("ranked")
    )
    return select(ranked).where(ranked.c.place == 1).subquery("commonest")
