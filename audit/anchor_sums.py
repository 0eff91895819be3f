"""Counting anchors that are judged: by links, by pages and by referring domains. Arrays in, whole numbers out.

Ids of texts and pages are hashes that differ from ledger to ledger, so nothing here may depend on their order: sums of
fractions are taken in the order of the fractions, and what is equal is told apart by text, by who asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.anchor_uses import COLUMNS, KIND_BITS

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Sums(NamedTuple):
    """One kind of a distribution."""

    links: int
    pages: int
    domains: int
    pages_split: float
    """Of a page that uses k kinds, 1/k: over all kinds these add up to the pages."""
    domains_split: float


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The anchors of the selected links, one place in each array a link."""

    text: Ints
    """Place among the distinct texts; so are the next three, each among its own."""
    target: Ints
    domain: Ints
    page: Ints
    first_seen: Ints
    kind: Ints
    part: Ints
    texts: Ints
    """Ids of the distinct texts; so are the next three."""
    targets: Ints
    domains: Ints
    pages: Ints

    def __len__(self) -> int:
        return len(self.text)


def gather(batches: Iterable[Sequence[Sequence[int]]]) -> Rows:
    """Put streamed rows (`storage.anchor_uses.COLUMNS`) into arrays, ids replaced by places."""
    held = columns_of(batches, len(COLUMNS))
    text, target, domain_kind, page, first_seen = held[:5]
    kind = domain_kind & ((1 << KIND_BITS) - 1)
    texts, text = _placed(text)
    targets, target = _placed(target)
    domains, domain = _placed(domain_kind >> KIND_BITS)
    pages, page = _placed(page)
    part = held[5] if len(held) > 5 else np.zeros(len(text), np.int64)
    return Rows(text, target, domain, page, first_seen, kind, part, texts, targets, domains, pages)


def columns_of(batches: Iterable[Sequence[Sequence[int]]], least: int) -> list[Ints]:
    """Streamed rows of whole numbers as one array a column; ``least`` empty ones of nothing."""
    chunks: list[Ints] = []
    for batch in batches:
        columns = len(batch[0])
        chunks.append(np.fromiter(chain.from_iterable(batch), np.int64, len(batch) * columns).reshape(-1, columns).T)
    if not chunks:
        return [np.empty(0, np.int64)] * least
    return [np.concatenate([chunk[place] for chunk in chunks]) for place in range(len(chunks[0]))]


def _placed(ids: Ints) -> tuple[Ints, Ints]:
    """The distinct ids, and of each id its place among them."""
    begins = np.ones(len(ids), np.bool_)
    begins[1:] = ids[1:] != ids[:-1]
    heads = np.flatnonzero(begins)  # rows come in runs of the same words, and of the same domain
    if 2 * len(heads) > len(ids):
        known, places = np.unique(ids, return_inverse=True)
        return known, places
    known, places = np.unique(ids[heads], return_inverse=True)
    return known, np.repeat(places, np.diff(np.append(heads, len(ids))))


def sums(kind: NDArray[Any], kinds: int, page: Ints, domain: Ints) -> list[Sums]:
    """Count each kind 0 .. kinds-1 of the links given.

    Args:
        kind: of each link.
        page, domain: where it stands.
    """
    links = np.bincount(kind, minlength=kinds)
    by_page, pages = _split(kind, kinds, page)
    by_domain, domains = _split(kind, kinds, domain)
    return [
        Sums(int(links[one]), pages[one], domains[one], by_page[one], by_domain[one])
        for one in range(kinds)
    ]  # fmt: skip


def _split(kind: NDArray[Any], kinds: int, place: Ints) -> tuple[list[float], list[int]]:
    """Of each kind the sum of 1/k over the places that use it among k kinds, and how many these are."""
    if not len(place):
        return [0.0] * kinds, [0] * kinds
    used = np.zeros((int(place.max()) + 1, kinds), np.bool_)
    used[place, kind] = True
    of_each = used.sum(axis=1)
    split = []
    for one in range(kinds):
        by_k = np.bincount(of_each[used[:, one]], minlength=kinds + 1)
        split.append(math.fsum(int(number) / k for k, number in enumerate(by_k) if number))
    return split, [int(number) for number in used.sum(axis=0)]


def distinct(values: Ints) -> Ints:
    """Each value once, ascending. (`numpy.unique` puts whole numbers into a hash table, which takes 70 times as long
    as a sort that uses the processor's vectors.)"""
    ordered = np.sort(values)
    kept = np.ones(len(ordered), np.bool_)
    kept[1:] = ordered[1:] != ordered[:-1]
    return ordered[kept]


def in_any(kind: NDArray[Any], wanted: Sequence[int], place: Ints) -> int:
    """Distinct places that use one of the kinds."""
    return len(distinct(place[np.isin(kind, wanted)]))


def pairs(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """The distinct pairs of two columns of places."""
    if not len(one):
        return one, other
    size = int(other.max()) + 1
    keys = distinct(one * size + other)
    return keys // size, keys % size


def tally(of: Ints, kinds: int, place: Ints) -> Ints:
    """How many distinct places each kind has."""
    return np.bincount(pairs(of, place)[0], minlength=kinds)


def split_concentration(of: Ints, place: Ints) -> float:
    """Herfindahl-Hirschman index over kinds, each place giving 1/k to each of its k kinds; 0 of nothing."""
    if not len(of):
        return 0.0
    kind, at = pairs(of, place)
    of_each = np.bincount(at)
    parts = 1.0 / of_each[at]
    order = np.lexsort((parts, kind))  # the same sum whatever the kinds are numbered
    split = np.bincount(kind[order], weights=parts[order]) / np.count_nonzero(of_each)
    return math.fsum(np.sort(split * split).tolist())


def concentration(of: Ints) -> float:
    """The same by links."""
    if not len(of):
        return 0.0
    part = np.sort(np.bincount(of)) / len(of)
    return math.fsum((part * part).tolist())


class Group(NamedTuple):
    """A domain, a target and a wording with many pages: all places."""

    domain: int
    target: int
    wording: int
    links: int
    pages: int
    row: int
    """One of its links."""


def widespread(rows: Rows, wording: Ints, least: int) -> list[Group]:
    """What stands on at least so many pages of one domain: the same words to the same target."""
    per_domain = tally(rows.domain, len(rows.domains), rows.page)
    some = np.flatnonzero(per_domain[rows.domain] >= least)
    if not len(some):
        return []
    where, first = packed(rows.domain[some], rows.target[some], wording[some])
    links = np.bincount(where)
    pages = tally(where, len(links), rows.page[some])
    found = []
    for number in np.flatnonzero(pages >= least):
        at = int(some[first[number]])
        found.append(
            Group(
                int(rows.domain[at]), int(rows.target[at]), int(wording[at]), int(links[number]), int(pages[number]), at
            )
        )
    return found


def packed(*columns: Ints) -> tuple[Ints, Ints]:
    """Number the distinct rows of several columns of places: (number of each row, a row of each number)."""
    key = columns[0]
    for column in columns[1:]:
        size = int(column.max()) + 1 if len(column) else 1
        if len(key) and int(key.max()) > (1 << 62) // size:
            key = np.unique(key, return_inverse=True)[1]
        key = key * size + column
    _, first, places = np.unique(key, return_index=True, return_inverse=True)
    return places, first


def first_arrivals(rows: Rows, of: Mask) -> Ints:
    """When each domain first used words of this kind, of those domains whose first such use arrived on a known page."""
    if not of.any():
        return np.empty(0, np.int64)
    never = np.iinfo(np.int64).max
    first = np.full(len(rows.domains), never, np.int64)
    came = first.copy()
    np.minimum.at(first, rows.domain[of], rows.first_seen[of])
    arrived = of & ((rows.kind & 1) == 1)
    np.minimum.at(came, rows.domain[arrived], rows.first_seen[arrived])
    return np.sort(came[(came != never) & (came <= first)])
