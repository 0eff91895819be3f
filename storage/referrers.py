"""Where the links of one target come from: named questions on the links, for the source audit.

No statement here reads an anchor table. Sums over whole domains come from ``edge`` where the filter allows it; what
only ``link`` knows (placement, age) costs a pass over the target's rows.
Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, distinct, func, select

from storage.as_of import DOMAIN_GONE
from storage.codes import LOST_CAUSES, PLACEMENTS
from storage.filters import Chosen
from storage.link_counts import by_page, seen_between, with_page
from storage.schema import domain, url
from storage.targets import WHOLE_LEDGER, among

_MAIN = PLACEMENTS.index("main")
_CANDIDATES = 10
"""Pages of a domain of which one is chosen by where its links stand."""
_SUMS = ("links", "followed", "rel_nofollow", "rel_ugc", "rel_sponsored", "page_nofollow")


class ReferringDomain(NamedTuple):
    """The selected links from one registrable domain, summed."""

    id: int
    name: str
    links: int
    followed: int
    rel_nofollow: int
    """Links whose rel has the token; a link may be in several of these four."""
    rel_ugc: int
    rel_sponsored: int
    page_nofollow: int
    pages: int
    hosts: int
    indexable_pages: int
    """Of the referring pages, those whose latest complete visit found them indexable."""
    indexable_links: int
    """Links on these."""
    first_seen: int | None
    last_seen: int | None


class Spans(NamedTuple):
    """Where on their pages the links stand, and how long they have been known."""

    placements: tuple[int, ...]
    """Links by `storage.codes.PLACEMENTS`."""
    ages: tuple[int, ...]
    """Links by the spans asked for, youngest first; one more for those older than all."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Links of the target that are lost, whatever state the filter asks for."""

    by_cause: Mapping[str, int]
    """Names of `storage.codes.LOST_CAUSES`, or ``domain_gone``; only causes that occur."""
    recent: int
    """Found lost at the moment asked for or later."""

    @property
    def lost(self) -> int:
        return sum(self.by_cause.values())


class BestPage(NamedTuple):
    """The referring page of one domain that is worth looking at first."""

    source_id: int
    url: str
    targets: tuple[str, ...]
    """URLs that its selected links lead to, that of the best link first."""


def referring_domains(conn: Connection, chosen: Chosen) -> list[ReferringDomain]:
    """Every referring domain of the selected links, in no order."""

    def total(column: ColumnElement[Any]) -> ColumnElement[int]:
        return cast(func.sum(column), BigInteger)  # PostgreSQL adds large integers up to a Decimal

    origin, of, read = with_page(chosen, by_page(chosen, None), ("last_ok", "indexable"))
    indexable = read.c.indexable.is_(True)
    sums = (
        select(
            of.c.source_domain.label("id"),
            *(total(of.c[name]).label(name) for name in _SUMS),
            func.count().label("pages"),
            func.count(distinct(of.c.source_host)).label("hosts"),
            total(case((indexable, 1), else_=0)).label("indexable_pages"),
            total(case((indexable, of.c.links), else_=0)).label("indexable_links"),
            func.min(of.c.first_seen).label("first_seen"),
            func.max(seen_between(of, read)[1]).label("last_seen"),
        )
        .select_from(origin)
        .group_by(of.c.source_domain)
        .subquery("sums")
    )
    question = select(sums.c.id, domain.c.name, *(column for column in sums.c if column.name != "id")).select_from(
        sums.join(domain, domain.c.id == sums.c.id)
    )
    return [ReferringDomain._make(row) for row in conn.execute(question).all()]


def spans(conn: Connection, chosen: Chosen, younger_than: Sequence[int]) -> Spans:
    """The selected links by placement and by age.

    Args:
        younger_than: moments, latest first: a link belongs to the first one that it was first seen at or after.
    """
    rows = chosen.tables.link
    placed = [func.count().filter(rows.c.placement == code) for code in range(len(PLACEMENTS))]
    since = [func.count().filter(rows.c.first_seen >= moment) for moment in younger_than]
    row = [int(value) for value in conn.execute(select(func.count(), *placed, *since).where(chosen.links())).one()]
    upto = [*row[1 + len(PLACEMENTS) :], row[0]]
    ages = (here - before for here, before in zip(upto, [0, *upto], strict=False))
    return Spans(tuple(row[1 : 1 + len(PLACEMENTS)]), tuple(ages))


def in_main(conn: Connection, chosen: Chosen, domains: Collection[int] | None = None) -> dict[int, int]:
    """Selected links in the main part of a page, by id of the source domain; domains without any are left out.

    Args:
        domains: only these referring domains; None: all.
    """
    if domains is not None:
        chosen = replace(chosen, sources=tuple(domains))
    rows = chosen.tables.link
    question = select(rows.c.source_domain, func.count()).where(chosen.links(), rows.c.placement == _MAIN)
    return {row[0]: row[1] for row in conn.execute(question.group_by(rows.c.source_domain)).all()}


def losses(conn: Connection, chosen: Chosen, since: int) -> Losses:
    """What became of the links that are lost; ``since``: from when on a loss is recent."""
    lost = replace(chosen, filter=replace(chosen.filter, state="lost"))
    rows = lost.tables.link
    recent = func.sum(case((rows.c.gone_at >= since, 1), else_=0))
    question = select(rows.c.lost_cause, func.count(), recent).where(lost.links()).group_by(rows.c.lost_cause)
    found = sorted((int(code), int(number), int(late)) for code, number, late in conn.execute(question))
    return Losses(
        {"domain_gone" if code == DOMAIN_GONE else LOST_CAUSES[code]: number for code, number, _ in found},
        sum(late for _, _, late in found),
    )


def best_pages(conn: Connection, chosen: Chosen, domains: Collection[int]) -> dict[int, BestPage]:
    """Of each of these referring domains one page: the best by what can be told without reading it.

    A page with a followed link before others, then one that may be indexed, then the one read last; of the first
    `_CANDIDATES` of these, one whose followed link stands in the main part is taken before the others, at last the
    first by URL.
    """
    some = replace(chosen, sources=tuple(sorted(domains)))
    origin, of, read = with_page(some, by_page(some, None), ("last_ok", "indexable"))
    order = [
        case((of.c.followed > 0, 0), else_=1),
        case((read.c.indexable.is_(True), 0), else_=1),
        func.coalesce(read.c.last_ok, 0).desc(),
    ]
    place = func.rank().over(partition_by=of.c.source_domain, order_by=order).label("place")
    ranked = select(of.c.source_domain, of.c.source_id, place).select_from(origin).subquery("ranked")
    # Which of the pages read at one moment come first must not be a matter of ids; only these are told apart by text.
    turn = func.row_number().over(partition_by=ranked.c.source_domain, order_by=[ranked.c.place, url.c.url])
    first = (
        select(ranked, url.c.url, turn.label("turn"))
        .select_from(ranked.join(url, url.c.id == ranked.c.source_id))
        .where(ranked.c.place <= _CANDIDATES)
        .subquery("first")
    )
    near = conn.execute(
        select(first.c.source_domain, first.c.source_id, first.c.place, first.c.url).where(first.c.turn <= _CANDIDATES)
    ).all()
    links = _links_of_pages(conn, chosen, [row.source_id for row in near])
    found: dict[int, tuple[tuple[int, int, str], int]] = {}
    for from_domain, source, rank, name in near:
        if source in links:
            key = (min(links[source].values()), rank, name)
            if from_domain not in found or key < found[from_domain][0]:
                found[from_domain] = key, source
    targets = {target for _, source in found.values() for target in links[source]}
    urls = {row.id: row.url for row in conn.execute(select(url.c.id, url.c.url).where(among(url.c.id, targets)))}

    def page_of(key: tuple[int, int, str], source: int) -> BestPage:
        ordered = sorted((worse, urls[target]) for target, worse in links[source].items())
        return BestPage(source, key[2], tuple(target for _, target in ordered))

    return {id_: page_of(*found[id_]) for id_ in domains if id_ in found}


def _links_of_pages(conn: Connection, chosen: Chosen, sources: Collection[int]) -> dict[int, dict[int, int]]:
    """Page id -> id of each URL that its selected links lead to -> 0 for a followed link in the main part, 1 for one
    elsewhere, 2 and 3 for those not followed; the best where there are several."""
    # Without the target, so that every database goes by the index on the source; it is looked at here.
    anywhere = replace(chosen, covered=WHOLE_LEDGER)
    rows = chosen.tables.link
    keys = [rows.c[name] for name in ("source_id", "target_domain", "target_host", "target_id")]
    worse = case((rows.c.follow_cause == 0, 0), else_=2) + case((rows.c.placement == _MAIN, 0), else_=1)
    least = func.min(worse).label("least")
    question = select(*keys, least).where(anywhere.links(), among(rows.c.source_id, sources)).group_by(*keys)
    found: dict[int, dict[int, int]] = {}
    covers = _covers(chosen)
    for row in conn.execute(question).all():
        if covers(row.target_domain, row.target_host, row.target_id):
            found.setdefault(row.source_id, {})[row.target_id] = row.least
    return found


def _covers(chosen: Chosen) -> Callable[[int, int, int], bool]:
    covered = chosen.covered
    domains, hosts, urls = set(covered.domains), set(covered.hosts), set(covered.urls)
    if covered.everything:
        return lambda to_domain, to_host, to_url: True
    if covered.scope == "domain":
        return lambda to_domain, to_host, to_url: to_domain in domains
    if covered.scope == "host":
        return lambda to_domain, to_host, to_url: to_host in hosts
    return lambda to_domain, to_host, to_url: to_url in urls
