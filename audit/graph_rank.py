"""Ranks of a directed graph: PageRank, the score made of it, trust from seeds, harmonic centrality. Pure numbers.

A graph of 1 M nodes and 10 M edges takes a few seconds and, beside its own 120 MB, about 250 MB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indexes = NDArray[np.int32]

DAMPING = 0.85
TOLERANCE = 1e-8
"""Sum of the changes of one round below which the iteration ends."""
_MOST_ROUNDS = 1_000
HARMONIC_WORK = 20_000_000
"""Most edges times packs of 64 nodes whose distances are followed: a few seconds. One pack is followed in any graph."""
_PACK = 64
_DICE = 20_261_123


@dataclass(frozen=True, slots=True)
class Graph:
    """Edges u -> v between nodes 0 .. nodes-1, each once, none from a node to itself, sorted by v."""

    nodes: int
    source: Indexes
    heads: Indexes
    """Nodes with in-links, ascending."""
    starts: NDArray[np.int64]
    """Where the in-links of each of them begin in ``source``."""

    @property
    def edges(self) -> int:
        return len(self.source)

    @property
    def in_degree(self) -> Indexes:
        """In-links of each node."""
        degree = np.zeros(self.nodes, dtype=np.int32)
        degree[self.heads] = np.diff(self.starts, append=self.edges)
        return degree


def graph_of(nodes: int, source: Indexes, target: Indexes) -> Graph:
    """A graph from pairs in any order; repeated pairs count once, those from a node to itself not at all."""
    own = source == target
    if own.any():
        source, target = source[~own], target[~own]
    keys = target.astype(np.int64) * nodes + source
    steps = np.diff(keys)
    if (steps < 0).any():  # as a database hands them over, they are sorted
        keys.sort()
        steps = np.diff(keys)
        target = (keys // nodes).astype(np.int32)
        source = (keys - target.astype(np.int64) * nodes).astype(np.int32)
    if not steps.all():
        new = np.concatenate(([True], steps != 0))
        source, target = source[new], target[new]
    begins = np.flatnonzero(np.diff(target, prepend=-1))
    return Graph(nodes, source=source, heads=target[begins], starts=begins.astype(np.int64))


class Converged(NamedTuple):
    """A stationary distribution."""

    p: Floats
    """One value a node; they sum to 1."""
    dangling: float
    """The part of it on nodes without out-links."""
    rounds: int


def page_rank(graph: Graph, teleport: Floats) -> Converged:
    """``p = 0.85 (M^T p + dangling t) + 0.15 t``, by iteration until one round changes less than `TOLERANCE`.

    Args:
        teleport: ``t``, one value from 0 a node, summing to 1. Nodes without out-links hand on their share by it.
    Source: L. Page, S. Brin, R. Motwani, T. Winograd, 1999.
    """
    out = np.bincount(graph.source, minlength=graph.nodes)
    part = np.divide(1.0, out, out=np.zeros(graph.nodes), where=out > 0)
    silent = np.flatnonzero(out == 0)
    p = teleport.copy()
    carried = np.empty(graph.edges)
    dangling, rounds = 0.0, 0
    for rounds in range(1, _MOST_ROUNDS + 1):  # noqa: B007 - told below
        dangling = float(p[silent].sum())
        new = teleport * (1 - DAMPING + DAMPING * dangling)
        if graph.edges:
            np.take(p * part, graph.source, out=carried, mode="clip")
            new[graph.heads] += DAMPING * np.add.reduceat(carried, graph.starts)
        change = float(np.abs(new - p).sum())
        p = new
        if change < TOLERANCE:
            break
    return Converged(p, float(p[silent].sum()), rounds)


def teleport_of(nodes: int, prior: Floats | None) -> Floats:
    """Where a reader who follows no link goes: anywhere alike, or in proportion to a prior.

    Args:
        prior: a positive value a node, NaN where none is known. Those nodes get the mean of the lowest known tenth.
    """
    if prior is None or bool(np.isnan(prior).all()):
        return np.full(nodes, 1.0 / nodes)
    known = np.sort(prior[~np.isnan(prior)])
    least = float(known[: max(1, math.ceil(len(known) / 10))].mean())
    weights = np.where(np.isnan(prior), least, prior)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Ranks:
    """What the own scale says of each node."""

    p: Floats
    base: float
    """PageRank of a node with the least teleport and no in-links: the unit of ``ratio``."""
    ratio: Floats
    largest: float
    """The largest ratio, R: the score 100."""
    score: Floats
    """0 to 100, whole numbers; NaN for a node without in-link and without prior."""
    rounds: int


def rank(graph: Graph, prior: Floats | None = None) -> Ranks:
    """PageRank as a score from 0 to 100: the logarithm of the ratio to the least there can be.

    Args:
        prior: as in `teleport_of`.
    """
    teleport = teleport_of(graph.nodes, prior)
    found = page_rank(graph, teleport)
    base = float(teleport.min()) * (1 - DAMPING + DAMPING * found.dangling)
    ratio = found.p / base
    largest = float(ratio.max())
    if largest > 1 + 1e-12:
        score = np.clip(np.round(100 * np.log(np.maximum(ratio, 1.0)) / math.log(largest)), 0, 100)
    else:
        score = np.zeros(graph.nodes)
    unknown = np.ones(graph.nodes, dtype=bool) if prior is None else np.isnan(prior)
    unknown[graph.heads] = False
    score[unknown] = np.nan
    return Ranks(found.p, base, ratio, largest, score, found.rounds)


def trust(graph: Graph, seeds: Indexes) -> Floats:
    """0 to 100 a node: what reaches it of the seeds' own share, by the same iteration.

    The logarithm of 1 + the share in units of the average node's, so that the most trusted has 100 and a node that
    no path of links leads to from a seed has 0.

    Args:
        seeds: nodes, each once, at least one.
    Source: Z. Gyöngyi, H. Garcia-Molina, J. Pedersen, Combating Web Spam with TrustRank, VLDB 2004.
    """
    teleport = np.zeros(graph.nodes)
    teleport[seeds] = 1.0 / len(seeds)
    shares = np.log1p(page_rank(graph, teleport).p * graph.nodes)
    return np.asarray(np.round(100 * shares / shares.max()), dtype=np.float64)


class Harmonic(NamedTuple):
    """Harmonic centrality of each node: the sum of 1 / distance over all nodes that lead to it."""

    value: Floats
    followed: int
    """Nodes with out-links whose distances were followed."""
    of: int
    """Nodes with out-links; ``value`` is exact where all were followed, else an estimate from a random part."""


def harmonic(graph: Graph, *, work: int = HARMONIC_WORK) -> Harmonic:
    """Follow the links from 64 nodes at a time, breadth first: one bit a node says who has come by.

    Args:
        work: most edges times packs of 64; where that is too little for all, so many are drawn at random, always the
            same ones of the same graph, and what they say is scaled up.
    Source: P. Boldi, S. Vigna, Axioms for Centrality, Internet Mathematics 10 (2014); many searches at once: M. Then
        et al., The More the Merrier, VLDB 2014.
    """
    begins = np.unique(graph.source)
    of = len(begins)
    sample = _PACK * max(1, work // max(1, graph.edges))
    if of > sample:
        begins = np.sort(np.random.default_rng(_DICE).choice(begins, sample, replace=False))
    value = np.zeros(graph.nodes)
    carried = np.empty(graph.edges, dtype=np.uint64)
    for first in range(0, len(begins), _PACK):
        pack = begins[first : first + _PACK]
        front = np.zeros(graph.nodes, dtype=np.uint64)
        front[pack] = np.uint64(1) << np.arange(len(pack), dtype=np.uint64)
        seen = front.copy()
        distance = 0
        while True:
            distance += 1
            np.take(front, graph.source, out=carried, mode="clip")
            new = np.bitwise_or.reduceat(carried, graph.starts) & ~seen[graph.heads]
            if not new.any():
                break
            value[graph.heads] += np.bitwise_count(new) / distance
            seen[graph.heads] |= new
            front = np.zeros(graph.nodes, dtype=np.uint64)
            front[graph.heads] = new
    return Harmonic(value * (of / len(begins) if len(begins) else 1.0), len(begins), of)
