"""Where the links of one target come from: named questions on the links, for the source audit.

No statement here reads an anchor table. Sums over whole domains come from ``edge`` where the filter allows it; what
only ``link`` knows (placement, age) costs one pass over the target's rows, grouped in the order they lie in.
Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, select

from storage.as_of import DOMAIN_GONE
from storage.codes import LOST_CAUSES, PLACEMENTS
from storage.filters import Chosen
from storage.link_counts import by_page, seen_between, with_page
from storage.records import Placement
from storage.schema import domain, page, url
from storage.targets import STREAMING, among

_MAIN = PLACEMENTS.index("main")
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


class Standing(NamedTuple):
    """Where on their pages the links of one domain stand, and how long they have been known."""

    placements: tuple[int, ...]
    """Links by `storage.codes.PLACEMENTS`."""
    ages: tuple[int, ...]
    """Links by the spans asked for, youngest first; one more for those older than all."""

    @property
    def in_main(self) -> int:
        return self.placements[_MAIN]


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


def referring_domains(conn: Connection, chosen: Chosen) -> list[ReferringDomain]:
    """Every referring domain of the selected links, by name."""
    facts = ("last_ok", "confirmed", "indexable")
    origin, of, read = with_page(chosen, by_page(chosen, None), facts)
    indexable = read.c.indexable.is_(True)
    sums = (
        select(
            of.c.source_domain.label("id"),
            *(func.sum(of.c[name]).label(name) for name in _SUMS),
            func.count().label("pages"),
            func.count(distinct(of.c.source_host)).label("hosts"),
            func.sum(case((indexable, 1), else_=0)).label("indexable_pages"),
            func.sum(case((indexable, of.c.links), else_=0)).label("indexable_links"),
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
    # PostgreSQL adds integers up to a Decimal.
    found = [
        ReferringDomain(row[0], row[1], *(None if value is None else int(value) for value in row[2:]))  # type: ignore[arg-type]
        for row in conn.execute(question, execution_options=STREAMING)
    ]
    found.sort(key=lambda one: one.name)
    return found


def standings(conn: Connection, chosen: Chosen, younger_than: Sequence[int]) -> dict[int, Standing]:
    """Placement and age of the selected links, by id of the source domain.

    Args:
        younger_than: moments, latest first: a link belongs to the first one that it was first seen at or after.
    """
    rows = chosen.tables.link

    def tally(condition: ColumnElement[bool], name: str) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0)).label(name)

    names = [f"p{code}" for code in range(len(PLACEMENTS))]
    columns = [tally(rows.c.placement == code, name) for code, name in enumerate(names)]
    before: int | None = None
    for number, moment in enumerate(younger_than):
        inside = rows.c.first_seen >= moment
        condition = inside if before is None else and_(inside, rows.c.first_seen < before)
        columns.append(tally(condition, f"a{number}"))
        names.append(f"a{number}")
        before = moment
    # First in the order in which the rows lie, which needs no sort; what is left is few enough to be sorted.
    keys = [rows.c[name] for name in ("target_domain", "target_host", "target_id", "source_domain")]
    each = select(rows.c.source_domain, *columns).where(chosen.links()).group_by(*keys).subquery("each")
    question = select(each.c.source_domain, *(func.sum(each.c[name]) for name in names)).group_by(each.c.source_domain)
    found = {}
    for row in conn.execute(question, execution_options=STREAMING):
        values = [int(value) for value in row[1:]]
        placed, ages = values[: len(PLACEMENTS)], values[len(PLACEMENTS) :]
        found[row[0]] = Standing(tuple(placed), (*ages, sum(placed) - sum(ages)))
    return found


def known_pages(conn: Connection, domains: Collection[int], as_of: int | None = None) -> dict[int, int]:
    """Pages of these domains that were ever read whole (by ``as_of``), by id of the domain; 0 is left out."""
    read = page.c.first_ok.is_not(None) if as_of is None else page.c.first_ok <= as_of
    question = select(page.c.domain_id, func.count()).where(among(page.c.domain_id, domains), read)
    return {row[0]: int(row[1]) for row in conn.execute(question.group_by(page.c.domain_id))}


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
    """Of each of these domains one referring page: the best by what can be told without reading it.

    A followed link before others, then one in the main part, then an indexable page, then the one read last, then the
    first by URL.
    """
    rows, read = chosen.tables.link, chosen.tables.page
    worse = case((rows.c.follow_cause == 0, 0), else_=4) + case((rows.c.placement == _MAIN, 0), else_=2)
    linking = (
        select(rows.c.source_domain, rows.c.source_id, func.min(worse).label("worse"))
        .where(chosen.links(), among(rows.c.source_domain, domains))
        .group_by(rows.c.source_domain, rows.c.source_id)
        .subquery("linking")
    )
    ranked: dict[int, tuple[tuple[int, int], list[int]]] = {}
    question = select(linking, read.c.indexable, read.c.last_ok).select_from(
        linking.join(read, read.c.id == linking.c.source_id)
    )
    for from_domain, source, rank, indexable, last in conn.execute(question, execution_options=STREAMING):
        key = (rank + (0 if indexable else 1), -(last or 0))
        known = ranked.get(from_domain)
        if known is None or key < known[0]:
            ranked[from_domain] = (key, [source])
        elif key == known[0]:
            known[1].append(source)
    alike = [source for _, sources in ranked.values() for source in sources]
    names = {row.id: row.url for row in conn.execute(select(url.c.id, url.c.url).where(among(url.c.id, alike)))}
    return {
        id_: BestPage(*min(((source, names[source]) for source in sources), key=lambda one: one[1]))
        for id_, (_, sources) in ranked.items()
    }


def links_of_pages(
    conn: Connection, chosen: Chosen, sources: Collection[int]
) -> dict[int, list[tuple[str, bool, Placement]]]:
    """(target URL, followed, placement) of the selected links on some pages, by page id; best first, then by URL."""
    rows = chosen.tables.link
    question = (
        select(rows.c.source_id, url.c.url, rows.c.follow_cause, rows.c.placement)
        .select_from(rows.join(url, url.c.id == rows.c.target_id))
        .where(chosen.links(), among(rows.c.source_id, sources))
    )
    found: dict[int, list[tuple[str, bool, Placement]]] = {}
    for source, target, cause, placement in conn.execute(question):
        found.setdefault(source, []).append((target, cause == 0, PLACEMENTS[placement]))
    for some in found.values():
        some.sort(key=lambda one: (not one[1], one[2] != "main", one[0]))
    return found
