"""Named questions on the anchors: the words of the selected links, how often and from how many places.

Each selected link contributes exactly one anchor, so the links of a distribution sum to the links counted.
Spellings with one fold (see `storage.text.fold`) are one row unless asked otherwise; shares are computed here,
not in SQL, so that both databases give the same digits.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    case,
    cast,
    distinct,
    exists,
    func,
    literal,
    select,
)

from storage.anchor_rows import AnchorFilter, Anchors, Grouping, commonest
from storage.codes import ANCHOR_SOURCES
from storage.filters import key_of, same_link
from storage.link_counts import last_seen, referring
from storage.schema import anchor_text
from storage.targets import among

Rank = Literal["domains", "pages", "links"]

Measure = Literal["referring_pages", "targets", "followed", "by_source", "first_seen", "last_seen"]
MEASURES: frozenset[Measure] = frozenset(
    ("referring_pages", "targets", "followed", "by_source", "first_seen", "last_seen")
)
"""What costs a question of its own for each anchor shown; 0, {} and None where it is not asked for."""

LONGEST_FIRST = 1_000
"""Up to this many rows are found by ranking first and measuring only them; more are measured all at once."""
_CANDIDATES = 5_000


@dataclass(frozen=True, slots=True)
class AnchorTotals:
    """What a whole distribution covers."""

    links: int
    referring_pages: int
    referring_domains: int
    distinct_anchors: int


@dataclass(frozen=True, slots=True)
class AnchorShare:
    """One anchor of a distribution."""

    anchor: str
    """Its commonest spelling; of equally common ones the first by text."""
    variants: int
    """Spellings among the selected links."""
    links: int
    referring_pages: int
    referring_domains: int
    targets: int
    """Distinct URLs it leads to."""
    followed: int
    share_links: float
    """links / links of the distribution, not rounded: all shares together are 1."""
    share_domains: float
    """referring_domains / referring domains of the distribution; a domain may use several anchors."""
    by_source: Mapping[str, int]
    """Links by where the words came from."""
    first_seen: int | None
    last_seen: int | None


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a distribution covers, and its rows; the rows are read from the database as they are taken."""

    totals: AnchorTotals
    rows: Iterator[AnchorShare]


def distribution(
    anchors: Anchors,
    *,
    group: Grouping = "fold",
    rank: Rank = "domains",
    limit: int | None = None,
    measures: Collection[Measure] = MEASURES,
) -> Distribution:
    """The anchors used, most used first: by ``rank``, then by links, then by folded text and text.

    Args:
        group: ``exact`` counts each spelling by itself.
        limit: only so many rows; None for all, whose links then sum to the total.
        measures: what is needed of the rows beyond anchor, variants, links, domains and shares; ``limit`` given.
    """
    pages, domains = _referring(anchors)
    if limit is None or limit > LONGEST_FIRST:
        used = _used(anchors, group, rank).subquery("used")
        row = anchors.conn.execute(select(func.coalesce(func.sum(used.c.links), 0), func.count(used.c.id))).one()
        of = AnchorTotals(int(row[0]), pages, domains, int(row[1]))
        return Distribution(of, itertools.islice(_all_shares(anchors, of, group, rank), limit))
    links, kinds, first = _first(anchors, group, rank, limit)
    of = AnchorTotals(links, pages, domains, kinds)
    return Distribution(of, _first_shares(anchors, of, group, first, frozenset(measures)))


def _used(anchors: Anchors, group: Grouping, rank: Rank, ids: Sequence[int] | None = None) -> Select[Any]:
    """Each anchor with links and places, in the order of the key: streams over one domain without a sort."""
    id_ = anchors.words(group)
    # A page may link to several domains or URLs with the same words, and is one page.
    pages = func.count(distinct(anchors.anchor.c.source_id)) if rank == "pages" else func.count()
    keys = [id_, anchors.anchor.c.source_domain]
    if anchors.chosen.covered.everything and rank != "pages":  # the key's order first, so that less has to be sorted
        keys.insert(0, anchors.anchor.c.target_domain)
    rows = anchors.rows(
        id_.label("id"), anchors.anchor.c.source_domain.label("of"), func.count().label("links"), pages.label("pages")
    )
    if ids is not None:
        rows = rows.where(among(id_, ids))
    each = rows.group_by(*keys).subquery("each")
    domains: ColumnElement[int] = func.count() if len(keys) == 2 else func.count(distinct(each.c.of))
    return select(
        each.c.id,
        func.sum(each.c.links).label("links"),
        func.sum(each.c.pages).label("pages"),
        domains.label("domains"),
    ).group_by(each.c.id)


class _Ranked(NamedTuple):
    """One anchor with what it is ranked by."""

    id: int
    links: int
    domains: int
    most: int
    """What ``rank`` says."""


def _first(anchors: Anchors, group: Grouping, rank: Rank, limit: int) -> tuple[int, int, list[_Ranked]]:
    """(links, anchors) of the whole distribution, and its first rows in order.

    No anchor has more domains or pages than links. So the anchors are taken by links, and counted further
    only until the next one has fewer links than the last row wanted has domains (or pages).
    """
    if anchors.chosen.filter.by_link and not anchors.by_link:  # finding the links costs more than counting them
        return _first_of_all(anchors, group, rank, limit)
    links = kinds = 0
    by_links: list[tuple[int, int]] = []
    for id_, number in anchors.stream(_by_links(anchors, group)):
        links += number
        kinds += 1
        if len(by_links) < _CANDIDATES:
            by_links.append((id_, number))
    found: list[_Ranked] = []
    start, size = 0, max(2 * limit, 32)
    while start < len(by_links) and limit:
        some = by_links[start : start + size]
        found += _counted(anchors, group, rank, [id_ for id_, _ in some])
        start, size = start + size, size * 4
        found.sort(key=lambda one: (-one.most, -one.links))
        following = by_links[start][1] if start < len(by_links) else 0
        if len(found) >= limit and following < found[limit - 1].most:
            break
    else:
        if limit and kinds > len(by_links):
            return _first_of_all(anchors, group, rank, limit)
    return links, kinds, _cut(anchors.conn, group, found, limit)


def _first_of_all(anchors: Anchors, group: Grouping, rank: Rank, limit: int) -> tuple[int, int, list[_Ranked]]:
    """The same by counting every anchor."""
    links = kinds = 0
    taken: list[_Ranked] = []
    used = _used(anchors, group, rank).subquery("used")
    most = used.c[rank].label("most")
    question = select(used.c.id, used.c.links, used.c.domains, most).order_by(most.desc(), used.c.links.desc())
    for row in anchors.stream(question):
        links += int(row.links)
        kinds += 1
        if len(taken) < limit or (taken and (row.most, row.links) == (taken[-1].most, taken[-1].links)):
            taken.append(_Ranked(row.id, int(row.links), int(row.domains), int(row.most)))
    return links, kinds, _cut(anchors.conn, group, taken, limit)


def _by_links(anchors: Anchors, group: Grouping) -> Select[Any]:
    """(id, links) of every anchor, most links first."""
    id_ = anchors.words(group)
    each = anchors.rows(id_.label("id"), func.count().label("links"))
    if not anchors.chosen.covered.everything:
        return each.group_by(id_).order_by(func.count().desc())
    # Summed first in the order of the key, so that less has to be sorted.
    parts = each.group_by(anchors.anchor.c.target_domain, id_).subquery("parts")
    links = cast(func.sum(parts.c.links), BigInteger)
    return select(parts.c.id, links.label("links")).group_by(parts.c.id).order_by(links.desc())


def _counted(anchors: Anchors, group: Grouping, rank: Rank, ids: Sequence[int]) -> list[_Ranked]:
    used = _used(anchors, group, rank, ids).subquery("used")
    rows = anchors.conn.execute(select(used.c.id, used.c.links, used.c.domains, used.c[rank].label("most")))
    return [_Ranked(row.id, int(row.links), int(row.domains), int(row.most)) for row in rows]


def _cut(conn: Connection, group: Grouping, found: list[_Ranked], limit: int) -> list[_Ranked]:
    """The first of rows sorted by count; texts are looked up only for those with equal counts."""
    if not limit:
        return []
    last = found[min(limit, len(found)) - 1] if found else None
    kept = [one for one in found if last is not None and (one.most, one.links) >= (last.most, last.links)]
    texts = _texts(conn, group, [one.id for one in kept])
    return sorted(kept, key=lambda one: (-one.most, -one.links, texts[one.id]))[:limit]


def _texts(conn: Connection, group: Grouping, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """What anchors with equal counts are ordered by: folded text, then text."""
    if group == "exact":
        rows = conn.execute(
            select(anchor_text.c.id, anchor_text.c.fold, anchor_text.c.text).where(among(anchor_text.c.id, ids))
        )
    else:
        fold_ = func.min(anchor_text.c.fold)
        rows = conn.execute(
            select(anchor_text.c.fold_id, fold_, fold_)
            .where(among(anchor_text.c.fold_id, ids))
            .group_by(anchor_text.c.fold_id)
        )
    return {row[0]: (row[1], row[2]) for row in rows}


def _referring(anchors: Anchors) -> tuple[int, int]:
    """Referring pages and domains of the distribution."""
    if anchors.wanted == AnchorFilter():  # the same links, and cheaper to count as such
        return referring(anchors.conn, anchors.chosen)
    by_page = (
        anchors.rows(anchors.anchor.c.source_domain, anchors.anchor.c.source_id)
        .group_by(anchors.anchor.c.source_domain, anchors.anchor.c.source_id)
        .subquery()
    )
    row = anchors.conn.execute(select(func.count(), func.count(distinct(by_page.c.source_domain)))).one()
    return int(row[0]), int(row[1])


def _first_shares(
    anchors: Anchors, of: AnchorTotals, group: Grouping, first: Sequence[_Ranked], measures: frozenset[Measure]
) -> Iterator[AnchorShare]:
    """The rows of a few anchors: a few questions over these anchors alone."""
    ids = [one.id for one in first]
    id_ = anchors.words(group)

    def each(*columns: ColumnElement[Any]) -> Select[Any]:
        return anchors.rows(id_.label("id"), *columns).where(among(id_, ids)).group_by(id_)

    spelled = _spelled(anchors, group, ids)
    measured = _measured(anchors, group, ids, measures) if ids and measures - {"targets", "followed"} else {}
    targets: dict[int, int] = {}
    if "targets" in measures and ids:
        targets = _two(anchors.conn, each(func.count(distinct(anchors.anchor.c.target_id))))
    followed = {one.id: one.links for one in first} if anchors.chosen.filter.followed else {}
    if "followed" in measures and anchors.chosen.filter.followed is None and ids:
        to = anchors.link.alias("to")
        if anchors.by_link:
            question = each(_tally(anchors.link.c.follow_cause == 0))
        elif anchors.chosen.covered.everything:
            question = each(func.count()).where(
                exists().where(
                    same_link(to, anchors.anchor), anchors.chosen.tables.in_force(to), to.c.follow_cause == 0
                )
            )
        else:
            question = each(func.count()).where(
                key_of(anchors.anchor).in_(anchors.chosen.keys(to, to.c.follow_cause == 0))
            )
        followed = _two(anchors.conn, question)
    for one in first:
        text, spellings = spelled[one.id]
        row = measured.get(one.id)
        yield AnchorShare(
            anchor=text,
            variants=spellings,
            links=one.links,
            referring_pages=int(row.pages) if row else 0,
            referring_domains=one.domains,
            targets=targets.get(one.id, 0),
            followed=followed.get(one.id, 0),
            share_links=share(one.links, of.links),
            share_domains=share(one.domains, of.referring_domains),
            by_source=_by_source(row) if row and "by_source" in measures else {},
            first_seen=row.first_seen if row else None,
            last_seen=row.last_seen if row else None,
        )


def _two(conn: Connection, question: Select[Any]) -> dict[int, int]:
    return {row[0]: int(row[1]) for row in conn.execute(question)}


def _measured(
    anchors: Anchors, group: Grouping, ids: Sequence[int], measures: frozenset[Measure]
) -> dict[int, Row[Any]]:
    """Pages, sources and dates of some anchors; summed by source domain first, which keeps sets of pages small."""
    id_ = anchors.words(group)
    rows = anchors.rows(*anchors.anchor.c, id_.label("words")).where(among(id_, ids)).subquery("picked")
    origin: FromClause = rows
    nothing = func.max(literal(None, anchors.anchor.c.first_seen.type))
    latest = nothing
    if "last_seen" in measures:
        origin = rows.join(anchors.page, anchors.page.c.id == rows.c.source_id)
        latest = func.max(last_seen(rows, anchors.page))
    sources = ANCHOR_SOURCES if "by_source" in measures else ()
    pages = func.count(distinct(rows.c.source_id)) if "referring_pages" in measures else func.count()
    parts = (
        select(
            rows.c.words.label("id"),
            pages.label("pages"),
            (func.min(rows.c.first_seen) if "first_seen" in measures else nothing).label("first_seen"),
            latest.label("last_seen"),
            *(_tally(rows.c.source == ANCHOR_SOURCES.index(name)).label(name) for name in sources),
        )
        .select_from(origin)
        .group_by(rows.c.words, rows.c.source_domain)
        .subquery("parts")
    )
    question = select(
        parts.c.id,
        (func.sum(parts.c.pages) if "referring_pages" in measures else func.max(0)).label("pages"),
        func.min(parts.c.first_seen).label("first_seen"),
        func.max(parts.c.last_seen).label("last_seen"),
        *(func.sum(parts.c[name]).label(name) for name in sources),
    ).group_by(parts.c.id)
    return {row.id: row for row in anchors.conn.execute(question)}


def _by_source(row: Row[Any]) -> dict[str, int]:
    return {name: int(getattr(row, name)) for name in ANCHOR_SOURCES if getattr(row, name)}


def _spelled(anchors: Anchors, group: Grouping, ids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Commonest spelling and number of spellings of some anchors; counted only where the ledger knows several."""
    if not ids:
        return {}
    id_ = anchor_text.c.fold_id if group == "fold" else anchor_text.c.id
    rows = anchors.conn.execute(
        select(id_, func.min(anchor_text.c.text), func.count()).where(among(id_, ids)).group_by(id_)
    ).all()
    found = {row[0]: (row[1], 1) for row in rows if row[2] == 1}
    several = [row[0] for row in rows if row[2] > 1]
    if several:
        shown = commonest(anchors, group, several)
        found |= {
            row.id: (row.text, row.variants)
            for row in anchors.conn.execute(select(shown.c.id, shown.c.text, shown.c.variants))
        }
    return found


def _tally(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _all_shares(anchors: Anchors, of: AnchorTotals, group: Grouping, rank: Rank) -> Iterator[AnchorShare]:
    """The rows of every anchor in one statement, streaming."""
    to = anchors.link.alias("to")
    followed = (
        select(to.c.follow_cause)
        .where(same_link(to, anchors.anchor), anchors.chosen.tables.in_force(to))
        .correlate(anchors.anchor)
        .scalar_subquery()
    )
    cause = anchors.link.c.follow_cause if anchors.by_link else followed
    rows = anchors.rows(*anchors.anchor.c, anchors.words(group).label("words"), cause.label("cause")).subquery("picked")
    sums = (
        select(
            rows.c.words,
            func.count().label("links"),
            func.count(distinct(rows.c.source_id)).label("pages"),
            func.count(distinct(rows.c.source_domain)).label("domains"),
            func.count(distinct(rows.c.target_id)).label("targets"),
            _tally(rows.c.cause == 0).label("followed"),
            *(_tally(rows.c.source == code).label(name) for code, name in enumerate(ANCHOR_SOURCES)),
            func.min(rows.c.first_seen).label("first_seen"),
            func.max(last_seen(rows, anchors.page)).label("last_seen"),
        )
        .select_from(rows.join(anchors.page, anchors.page.c.id == rows.c.source_id))
        .group_by(rows.c.words)
        .subquery("sums")
    )
    shown = commonest(anchors, group, None)
    question = (
        select(shown.c.text.label("anchor"), shown.c.variants, sums)
        .select_from(sums.join(shown, shown.c.id == sums.c.words))
        .order_by(sums.c[rank].desc(), sums.c.links.desc(), shown.c.fold, shown.c.text)
    )
    for row in anchors.stream(question):
        yield AnchorShare(
            anchor=row.anchor,
            variants=row.variants,
            links=row.links,
            referring_pages=row.pages,
            referring_domains=row.domains,
            targets=row.targets,
            followed=int(row.followed),
            share_links=share(row.links, of.links),
            share_domains=share(row.domains, of.referring_domains),
            by_source=_by_source(row),
            first_seen=row.first_seen,
            last_seen=row.last_seen,
        )


def share(part: int, whole: int) -> float:
    """part / whole; 0.0 of nothing. Not rounded: a long tail of small shares would not add up to 1 any more."""
    return part / whole if whole else 0.0
