"""Links one by one. No statement here reads an anchor table, but that of ``listed(with_anchor=True)``.

A list has a total order by text, never by ids. Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, distinct, func, literal, select

from storage import layout
from storage.codes import PLACEMENTS
from storage.filters import Chosen
from storage.link_counts import last_seen, referring
from storage.schema import anchor_text, domain, url
from storage.targets import STREAMING

OnePer = Literal["page", "domain"]


@dataclass(frozen=True, slots=True)
class ListedLink:
    """One link at the version that counts; codes as in `storage.codes` (and `storage.as_of.DOMAIN_GONE`)."""

    source: str
    target: str
    rel: str
    follow_cause: int
    placement: int
    element: int
    ordinal: int
    """Of a live link where it stands now, of another where it was first read: it has no history."""
    gone_at: int | None
    lost_cause: int
    first_seen: int
    last_seen: int | None
    """None where the ledger holds no visit that showed it."""
    seen_by: int
    """Which documents have shown it: code of `storage.codes.SEEN_BY`."""
    anchor: str | None = None
    anchor_source: int | None = None


def list_total(conn: Connection, chosen: Chosen, one_per: OnePer) -> int:
    """How many rows `listed` has with ``one_per``."""
    pages, domains = referring(conn, chosen)
    return pages if one_per == "page" else domains


def listed(
    conn: Connection,
    chosen: Chosen,
    *,
    one_per: OnePer | None = None,
    with_anchor: bool = False,
    limit: int | None = None,
) -> Iterator[ListedLink]:
    """The selected links, streaming: by source domain, source, place in the document, target.

    Args:
        one_per: keep one link of each source page or domain: a followed one before others, then one in the
            main content, then the first in the document.
        with_anchor: read the anchor rows too; the one question here that does.
    """
    source, to = url.alias("source_url"), url.alias("target_url")
    tables = chosen.tables
    page = tables.page
    picked = _one_per(chosen, one_per) if one_per else tables.link
    condition = literal(True) if one_per else chosen.links()
    if limit is not None:
        near = first_domains(conn, _rows_by_domain(chosen, one_per), limit)
        condition = and_(condition, picked.c.source_domain.in_(near))
    origin = (
        picked.join(source, source.c.id == picked.c.source_id)
        .join(to, to.c.id == picked.c.target_id)
        .join(domain, domain.c.id == picked.c.source_domain)
        .join(page, page.c.id == picked.c.source_id)
    )
    columns: list[ColumnElement[Any]] = [
        source.c.url,
        to.c.url,
        *(
            picked.c[name]
            for name in ("rel", "follow_cause", "placement", "element", "position", "gone_at", "lost_cause")
        ),
        picked.c.first_seen,
        last_seen(picked, page),
        picked.c.seen_by,
        case((tables.placed(picked), page.c.layout)),
    ]
    if with_anchor:
        anchor = tables.anchor
        names = ("source_id", "target_id", "link_no")
        origin = origin.join(
            anchor, and_(*(anchor.c[name] == picked.c[name] for name in names), tables.in_force(anchor))
        ).join(anchor_text, anchor_text.c.id == anchor.c.text_id)
        columns += [anchor_text.c.text, anchor.c.source]
    question = (
        select(*columns)
        .select_from(origin)
        .where(condition)
        .order_by(domain.c.name, source.c.url, picked.c.position, to.c.url, picked.c.link_no)
        .limit(limit)
    )
    for row in conn.execute(question, execution_options=STREAMING):
        values = (*row[:6], layout.ordinal(row[6], _layout(row[12])), *row[7:12], *row[13:])
        yield ListedLink(*values)


_layout = lru_cache(maxsize=16)(layout.read)
"""The rows of a page come one after another."""


def _one_per(chosen: Chosen, one_per: OnePer) -> Subquery:
    rows = chosen.tables.link
    source, to = url.alias("of_source"), url.alias("of_target")
    place = func.row_number().over(
        partition_by=rows.c.source_id if one_per == "page" else rows.c.source_domain,
        order_by=[
            case((rows.c.follow_cause == 0, 0), else_=1),
            case((rows.c.placement == PLACEMENTS.index("main"), 0), else_=1),
            rows.c.position,
            source.c.url,
            to.c.url,
            rows.c.link_no,
        ],
    )
    ranked = (
        select(*rows.c, place.label("place"))
        .join(source, source.c.id == rows.c.source_id)
        .join(to, to.c.id == rows.c.target_id)
        .where(chosen.links())
        .subquery()
    )
    return select(ranked).where(ranked.c.place == 1).subquery("picked")


def _rows_by_domain(chosen: Chosen, one_per: OnePer | None) -> Select[Any]:
    """How many rows of a list each source domain holds."""
    rows = chosen.tables.link
    held: dict[OnePer | None, ColumnElement[int]] = {
        None: func.count(),
        "page": func.count(distinct(rows.c.source_id)),
        "domain": literal(1),
    }
    return (
        select(rows.c.source_domain, held[one_per].label("rows")).where(chosen.links()).group_by(rows.c.source_domain)
    )


def first_domains(conn: Connection, rows: Select[Any], limit: int) -> list[int]:
    """The source domains, first by name, that hold the first ``limit`` rows: the rest need not be sorted.

    Args:
        rows: (source_domain, rows) of every domain.
    """
    each = rows.subquery()
    found: list[int] = []
    for row in conn.execute(
        select(each.c.source_domain, each.c.rows)
        .join(domain, domain.c.id == each.c.source_domain)
        .order_by(domain.c.name)
    ):
        if limit <= 0:
            break
        found.append(row.source_domain)
        limit -= row.rows
    return found
