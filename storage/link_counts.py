"""Named questions on the links alone: no statement here reads an anchor table.

Sums over whole domains come from ``edge`` where the filter allows it (see `storage.edges`), else from
``link``, or from what stood in it at the instant asked for (`storage.as_of`).
Times are milliseconds since 1970, UTC. Every list has a total order by text, never by ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Label,
    Select,
    Subquery,
    and_,
    case,
    distinct,
    func,
    select,
)

from storage.as_of import PLAIN
from storage.codes import ANY_PAGE, REL_NOFOLLOW, REL_SPONSORED, REL_UGC
from storage.filters import Chosen
from storage.schema import domain, edge, host, url
from storage.targets import STREAMING

By = Literal["page", "host", "domain"]
Side = Literal["source", "target"]


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """How many links, from how many places. followed + not_followed = backlinks = confirmed + unconfirmed."""

    backlinks: int
    followed: int
    not_followed: int
    rel_nofollow: int
    """Links whose rel has the token; a link may be in several of these four."""
    rel_ugc: int
    rel_sponsored: int
    page_nofollow: int
    """Links not followed because their page says so (meta robots, X-Robots-Tag)."""
    referring_pages: int
    referring_hosts: int
    referring_domains: int
    confirmed: int
    """Links whose source's latest attempt was a complete visit."""
    unconfirmed: int
    oldest_confirmation: int | None
    """The earliest last-seen time among the links."""
    first_seen: int | None
    last_seen: int | None


@dataclass(frozen=True, slots=True)
class Cells:
    """All links of a target that pass a filter's other conditions, by kind and state; each in one cell."""

    external_live: int
    internal_live: int
    external_lost: int
    internal_lost: int


@dataclass(frozen=True, slots=True)
class Group:
    """One referring or linked page, host or domain. Pages, hosts and domains are those of the sources."""

    name: str
    links: int
    followed: int
    pages: int
    hosts: int
    domains: int
    first_seen: int | None
    last_seen: int | None


def counts(conn: Connection, chosen: Chosen) -> LinkCounts:
    """Count the selected links; 0 and None everywhere if there are none."""
    origin, of, page = with_page(chosen, by_page(chosen, None))
    total = func.coalesce
    lasts = seen_between(of, page)
    row = conn.execute(
        select(
            total(func.sum(of.c.links), 0).label("backlinks"),
            *(total(func.sum(of.c[name]), 0).label(name) for name in _FLAGS),
            func.count().label("referring_pages"),
            func.count(distinct(of.c.source_host)).label("referring_hosts"),
            func.count(distinct(of.c.source_domain)).label("referring_domains"),
            total(func.sum(case((page.c.confirmed.is_(True), of.c.links), else_=0)), 0).label("confirmed"),
            func.min(lasts[0]).label("oldest_confirmation"),
            func.min(of.c.first_seen).label("first_seen"),
            func.max(lasts[1]).label("last_seen"),
        ).select_from(origin)
    ).one()
    values = {name: None if value is None else int(value) for name, value in row._mapping.items()}
    backlinks, followed, confirmed = (values[name] or 0 for name in ("backlinks", "followed", "confirmed"))
    return LinkCounts(**values, not_followed=backlinks - followed, unconfirmed=backlinks - confirmed)  # type: ignore[arg-type]


def referring(conn: Connection, chosen: Chosen) -> tuple[int, int]:
    """(referring pages, referring domains) of the selected links."""
    if edges_serve(chosen) and chosen.filter.state == "live":
        of = _edges_by_page(chosen, None)
    else:
        rows = chosen.tables.link
        columns = rows.c.source_domain, rows.c.source_id
        of = select(*columns).where(chosen.links()).group_by(*columns).subquery("by_page")
    row = conn.execute(select(func.count(), func.count(distinct(of.c.source_domain))).select_from(of)).one()
    return int(row[0]), int(row[1])


def cells(conn: Connection, chosen: Chosen) -> Cells:
    """Count the links that the filter would select under each kind and state; those never lost (`REREAD`) in none."""
    free = replace(chosen, filter=chosen.filter.without_defaults())
    if edges_serve(chosen):
        table: FromClause = edge
        condition = and_(chosen.covered.of(edge), *chosen.on_sources(edge))
        live: ColumnElement[Any] = edge.c.links
        lost: ColumnElement[Any] = edge.c.lost
    else:
        table, condition = chosen.tables.link, free.links()
        live = case((table.c.gone_at.is_(None), 1), else_=0)
        lost = case((table.c.gone_at.is_(None), 0), else_=1)
    internal = table.c.source_domain == table.c.target_domain
    sums = [
        func.coalesce(func.sum(case((which, value), else_=0)), 0)
        for which, value in ((~internal, live), (internal, live), (~internal, lost), (internal, lost))
    ]
    found = [int(value) for value in conn.execute(select(*sums).select_from(table).where(condition)).one()]
    return Cells(*found)


def group_count(conn: Connection, chosen: Chosen, side: Side, by: By) -> int:
    """How many rows `groups` has in all."""
    of = by_page(chosen, by if side == "target" else None)
    keys = select(of.c.key if side == "target" else _key(side, by, of)).distinct()
    return int(conn.execute(select(func.count()).select_from(keys.subquery())).scalar_one())


def groups(conn: Connection, chosen: Chosen, side: Side, by: By, limit: int | None = None) -> Iterator[Group]:
    """The sources or targets of the selected links; most links first, then by name."""
    origin, of, page = with_page(chosen, by_page(chosen, by if side == "target" else None))
    key = of.c.key if side == "target" else _key(side, by, of)
    lasts = seen_between(of, page)
    sums = (
        select(
            key.label("key"),
            func.sum(of.c.links).label("links"),
            func.sum(of.c.followed).label("followed"),
            func.count().label("pages"),
            func.count(distinct(of.c.source_host)).label("hosts"),
            func.count(distinct(of.c.source_domain)).label("domains"),
            func.min(of.c.first_seen).label("first_seen"),
            func.max(lasts[1]).label("last_seen"),
        )
        .select_from(origin)
        .group_by(key)
        .subquery()
    )
    named, name = {"page": (url, url.c.url), "host": (host, host.c.name), "domain": (domain, domain.c.name)}[by]
    question = (
        select(name.label("name"), *(column for column in sums.c if column.name != "key"))
        .select_from(sums.join(named, named.c.id == sums.c.key))
        .order_by(sums.c.links.desc(), name)
        .limit(limit)
    )
    for row in conn.execute(question, execution_options=STREAMING):
        yield Group(row[0], *(None if value is None else int(value) for value in row[1:]))  # type: ignore[arg-type]


def last_seen(table: FromClause, page: FromClause) -> ColumnElement[Any]:
    """When a link or its words were last seen: the date they carry, else that of their page's latest full visit.

    Args:
        page: what stands for the page table; it must be joined in.
    """
    other = case((table.c.gone_at.is_(None), page.c.last_ok), else_=table.c.first_seen)
    return func.coalesce(table.c.last_seen, other)


_FLAGS = ("followed", "rel_nofollow", "rel_ugc", "rel_sponsored", "page_nofollow")


def edges_serve(chosen: Chosen) -> bool:
    return chosen.filter.now and chosen.covered.whole_domains and chosen.filter.by_source_page_only


def _key(side: Side, by: By, table: FromClause) -> ColumnElement[Any]:
    names = {"page": f"{side}_id", "host": f"{side}_host", "domain": f"{side}_domain"}
    column: ColumnElement[Any] = table.c[names[by]]
    return column


def by_page(chosen: Chosen, target_by: By | None) -> Subquery:
    """The selected links summed by source page (and by target page, host or domain, as ``key``).

    Grouped in the order of the key columns, so that a page's or host's rows stream without a sort.
    """
    if edges_serve(chosen) and chosen.filter.state == "live" and target_by in (None, "domain"):
        return _edges_by_page(chosen, target_by)

    def tally(condition: ColumnElement[bool], name: str) -> Label[int]:
        return func.sum(case((condition, 1), else_=0)).label(name)

    rows = chosen.tables.link
    cause, live = rows.c.follow_cause, rows.c.gone_at.is_(None)
    own: ColumnElement[Any] = rows.c.last_seen
    if chosen.filter.state != "live":
        own = case((live, own), else_=func.coalesce(own, rows.c.first_seen))
    question: Select[Any] = select(
        rows.c.source_domain,
        rows.c.source_id,
        func.min(rows.c.source_host).label("source_host"),
        func.count().label("links"),
        tally(cause == 0, "followed"),
        tally(cause.op("&")(REL_NOFOLLOW) != 0, "rel_nofollow"),
        tally(cause.op("&")(REL_UGC) != 0, "rel_ugc"),
        tally(cause.op("&")(REL_SPONSORED) != 0, "rel_sponsored"),
        tally(cause.op("&")(ANY_PAGE) != 0, "page_nofollow"),
        func.min(rows.c.first_seen).label("first_seen"),
        (func.count() - func.count(own)).label("with_page"),
        func.min(own).label("own_oldest"),
        func.max(own).label("own_newest"),
    ).where(chosen.links())
    key = [] if target_by is None else [_key("target", target_by, rows)]
    if key:
        question = question.add_columns(key[0].label("key"))
    return question.group_by(*key, rows.c.source_domain, rows.c.source_id).subquery("by_page")


def _edges_by_page(chosen: Chosen, target_by: By | None) -> Subquery:
    kind = chosen.filter.kind
    conditions = [chosen.covered.of(edge), edge.c.links > 0, *chosen.on_sources(edge)]
    if kind == "external":
        conditions.append(edge.c.source_domain != edge.c.target_domain)
    elif kind == "internal":
        conditions.append(edge.c.source_domain == edge.c.target_domain)
    plain = [edge.c.source_domain, edge.c.source_id]
    with_page = edge.c.links - edge.c.own_seen
    if chosen.covered.everything and target_by is None:  # a page's links to several domains are one referring page
        sums: list[ColumnElement[Any]] = [func.sum(edge.c[name]).label(name) for name in ("links", *_FLAGS)]
        sums += [
            func.min(edge.c.source_host).label("source_host"),
            func.min(edge.c.first_seen).label("first_seen"),
            func.sum(with_page).label("with_page"),
            func.min(edge.c.own_oldest).label("own_oldest"),
            func.max(edge.c.own_newest).label("own_newest"),
        ]
    else:
        names = ("links", *_FLAGS, "source_host", "first_seen", "own_oldest", "own_newest")
        sums = [*(edge.c[name] for name in names), with_page.label("with_page")]
        if target_by is not None:
            sums.append(edge.c.target_domain.label("key"))
    question = select(*plain, *sums).where(*conditions)
    if chosen.covered.everything and target_by is None:
        question = question.group_by(*plain)
    return question.subquery("by_page")


def with_page(
    chosen: Chosen, of: Subquery, facts: tuple[str, ...] = ("last_ok", "confirmed")
) -> tuple[FromClause, FromClause, FromClause]:
    """`by_page` joined with the facts of the page: (what to select from, where its sums are, where the page's are)."""
    page = chosen.tables.page
    origin = of.join(page, page.c.id == of.c.source_id)
    if page is PLAIN.page:
        return origin, of, page
    # What visits say of a page is found once for each, not wherever it is named: OFFSET keeps both databases to that.
    once = select(*of.c, *(page.c[name] for name in facts)).select_from(origin).offset(0).subquery("once")
    return once, once, once


def seen_between(of: FromClause, page: FromClause) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Earliest and latest last-seen time among the links of one row of `by_page`.

    Those with a date of their own (`own_oldest`, `own_newest`), and those last seen with their page (`with_page`).

    Args:
        page: what stands for the page table; it must be joined in.
    """
    shared = case((of.c.with_page > 0, page.c.last_ok))
    return (
        case((of.c.own_oldest < shared, of.c.own_oldest), else_=func.coalesce(shared, of.c.own_oldest)),
        case((of.c.own_newest > shared, of.c.own_newest), else_=func.coalesce(shared, of.c.own_newest)),
    )
