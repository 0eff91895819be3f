"""The own score of authority, from the ledger: reads which domain links to which, ranks, and keeps a new scale."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audit.authority import OWN_NAME
from audit.graph_rank import Floats, Graph, Harmonic, Ranks, graph_of, harmonic, rank, trust
from crawler.urls import canonical_url
from storage import domain_graph
from storage.authority import (
    Scale,
    Value,
    domain_values,
    known_domains,
    save_scale,
    scales,
)
from storage.errors import InvalidUrl, LedgerError
from storage.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

MEASURE = "authority"
_HOPS = 10
"""Redirects of one URL into another that are followed."""
_ROWS = 50_000


class NothingToRank(LedgerError):
    """A ledger without any domain."""

    def __init__(self) -> None:
        super().__init__("this ledger knows no domain yet; `linkledger crawl` reads pages and their links")


class UnknownSeeds(LedgerError):
    """Seeds of trust that the ledger does not know."""

    def __init__(self, names: Sequence[str]) -> None:
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        super().__init__(
            f"the ledger knows no domain {shown}; seeds are registrable domains that links lead to, such as example.com"
        )


@dataclass(frozen=True, slots=True)
class DomainGraph:
    """Which domain links to which, nodes numbered in the order of their ids."""

    ids: NDArray[np.int32]
    """Domain id of each node, ascending."""
    graph: Graph
    moved: int
    """URLs whose links were counted for another domain, as they lead there."""

    def nodes_of(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """The nodes of domain ids that are all in the graph."""
        if len(self.ids) and self.ids[-1] - self.ids[0] == len(self.ids) - 1:
            return np.asarray(ids - self.ids[0], dtype=np.int32)
        return np.searchsorted(self.ids, ids).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Computed:
    """An own score of every domain that is not kept yet."""

    about: dict[str, Any]
    web: DomainGraph
    ranks: Ranks
    near: Harmonic
    trusted: Floats | None


def compute(
    conn: Connection,
    *,
    prior: Scale | None = None,
    seeds: Collection[str] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> Computed:
    """Compute the own score of every domain; reads only, so that others may write meanwhile.

    Its questions must see one state of the ledger, as those of one transaction for reading do.

    Args:
        prior: ranks of a web graph to start from; a domain they do not know starts with the mean of their lowest tenth.
        seeds: registrable domains that trust starts from; none: no trust.
        tell: told what is being done, for a person who waits.
    Raises:
        NothingToRank, UnknownSeeds.
    """
    read = domain_graph.reading(conn)
    if not read.known:
        raise NothingToRank
    found = known_domains(conn, seeds)
    if missing := sorted(set(seeds) - set(found)):
        raise UnknownSeeds(missing)
    tell("reading which domain links to which")
    web = graph_from(conn)
    tell(f"ranking {web.graph.nodes:,} domains by {web.graph.edges:,} edges")
    weights = None if prior is None else _prior(conn, prior, web)
    ranks = rank(web.graph, weights)
    near = harmonic(web.graph)
    trusted = None
    if found:
        trusted = trust(web.graph, web.nodes_of(np.array(sorted(found.values()), dtype=np.int32)))
    about: dict[str, Any] = {
        "nodes": web.graph.nodes,
        "edges": web.graph.edges,
        "known_domains": read.known,
        "crawled_domains": read.crawled,
        "crawl_share": read.crawled / read.known,
        "pages": read.pages,
        "pages_per_domain": read.pages / read.crawled if read.crawled else 0.0,
        "moved_urls": web.moved,
        "largest_ratio": ranks.largest,
        "base": ranks.base,
        "rounds": ranks.rounds,
        "prior": None if prior is None else _named(prior, weights),
        "seeds": sorted(found),
        "harmonic_followed": near.followed,
        "harmonic_of": near.of,
    }
    return Computed(about, web, ranks, near, trusted)


def keep(conn: Connection, computed: Computed, *, now: int) -> Scale:
    """Keep what was computed as a new scale, in the caller's writing transaction.

    Args:
        now: milliseconds UTC; the scale is known by it.
    """
    return save_scale(
        conn,
        kind="own",
        name=OWN_NAME,
        measure=MEASURE,
        dated=str(to_iso(now)),
        about=computed.about | {"version": 1 + sum(one.kind == "own" for one in scales(conn))},
        values=_values(computed.web, computed.ranks, computed.near, computed.trusted),
        now=now,
    )


def _named(prior: Scale, weights: Floats | None) -> dict[str, Any]:
    known = 0 if weights is None else int((~np.isnan(weights)).sum())
    return {"name": prior.name, "measure": prior.measure, "dated": prior.dated, "domains": known}


def _prior(conn: Connection, prior: Scale, web: DomainGraph) -> Floats:
    """A weight a node, NaN where the prior knows nothing."""
    weights = np.full(web.graph.nodes, np.nan)
    for rows in domain_values(conn, prior, "ratio"):
        ids, values = zip(*rows, strict=True)
        weights[web.nodes_of(np.array(ids, dtype=np.int32))] = values
    weights[weights <= 0] = np.nan
    return weights


def _values(web: DomainGraph, ranks: Ranks, near: Harmonic, trusted: Floats | None) -> Iterator[Value]:
    """The rows of the nodes that have a score, by domain id, some thousand at a time."""
    scored = np.flatnonzero(~np.isnan(ranks.score))
    falling = np.sort(-ranks.ratio[scored])
    degree = web.graph.in_degree
    for start in range(0, len(scored), _ROWS):
        nodes = scored[start : start + _ROWS]
        columns = (
            web.ids[nodes],
            ranks.score[nodes],
            1 + np.searchsorted(falling, -ranks.ratio[nodes]),
            ranks.ratio[nodes],
            degree[nodes],
            near.value[nodes],
        )
        trust_of = [None] * len(nodes) if trusted is None else trusted[nodes].tolist()
        yield from map(Value._make, zip(*(column.tolist() for column in columns), trust_of, strict=True))


def graph_from(conn: Connection) -> DomainGraph:
    """The graph of the ledger as it is: nodes are its registrable domains, an edge stands for at least one live
    followed link from an indexable page of one to another, counted for where it leads as far as the ledger knows."""
    ids = np.sort(np.fromiter(domain_graph.domain_ids(conn), dtype=np.int32))
    web = DomainGraph(ids, graph_of(len(ids), np.empty(0, np.int32), np.empty(0, np.int32)), 0)
    sources: list[NDArray[np.int32]] = []
    targets: list[NDArray[np.int32]] = []
    for text in domain_graph.followed_pairs(conn):
        numbers = np.fromstring(text, dtype=np.int32, sep=",")
        heads = np.flatnonzero(numbers < 0)
        counts = np.diff(heads, append=len(numbers)) - 1
        targets.append(np.repeat(web.nodes_of(-numbers[heads]), counts))
        sources.append(web.nodes_of(numbers[numbers > 0]))
    source = np.concatenate(sources) if sources else np.empty(0, np.int32)
    target = np.concatenate(targets) if targets else np.empty(0, np.int32)
    del sources, targets
    leads = leading_elsewhere(conn)
    if leads:
        source, target = _moved(conn, web, source, target, leads)
    return DomainGraph(ids, graph_of(len(ids), source, target), len(leads))


def _moved(
    conn: Connection, web: DomainGraph, source: NDArray[np.int32], target: NDArray[np.int32], leads: dict[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The pairs with links to ``leads`` (URL -> domain) counted for that domain."""
    links: dict[tuple[int, int], int] = {}
    new: list[tuple[int, int]] = []
    for row in domain_graph.moved_links(conn, leads):
        pair = (row.target_domain, row.source_domain)
        links[pair] = links.get(pair, 0) + row.links
        new.append((leads[row.target_id], row.source_domain))
    if not new:
        return source, target
    # A pair stays where one of its links leads where it is written.
    gone = [
        (to, of)
        for to, of, number in domain_graph.followed_links(conn, {to for to, _ in links})
        if links.get((to, of), 0) >= number
    ]
    if gone:
        lost = web.nodes_of(np.array(gone, dtype=np.int32)).astype(np.int64)
        size = web.graph.nodes
        stay = ~np.isin(target.astype(np.int64) * size + source, lost[:, 0] * size + lost[:, 1])
        source, target = source[stay], target[stay]
    more = web.nodes_of(np.array(new, dtype=np.int32))
    return np.concatenate((source, more[:, 1])), np.concatenate((target, more[:, 0]))


def leading_elsewhere(conn: Connection) -> dict[int, int]:
    """URL id -> domain id, for each URL known to lead to a page of another domain.

    By the redirect it answered with last, of one URL into the next, then by the canonical URL that the page at the end
    names. A canonical URL of a domain that the ledger does not know counts for nothing.
    """
    following = domain_graph.redirects(conn)
    ends: dict[int, int] = {}
    for url in following:
        end, met = url, {url}
        while (next_ := following.get(end)) is not None and next_ not in met and len(met) <= _HOPS:
            met.add(next_)
            end = next_
        ends[url] = end
    named = {page: domain for page, text in domain_graph.canonicals(conn) if (domain := _domain(text)) is not None}
    known = known_domains(conn, set(named.values()))
    canonical = {page: known[domain] for page, domain in named.items() if domain in known}
    asked = {*ends, *ends.values(), *canonical}
    domains = domain_graph.domains_of(conn, asked)
    leads: dict[int, int] = {}
    for url in {*ends, *canonical}:
        end = ends.get(url, url)
        to = canonical.get(end, domains.get(end))
        if to is not None and to != domains.get(url):
            leads[url] = to
    return leads


def _domain(url: str) -> str | None:
    try:
        return canonical_url(url).domain
    except InvalidUrl:
        return None
