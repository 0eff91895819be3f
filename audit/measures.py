"""The measures of a profile: shares, intervals, concentration, distance. Pure numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Z95 = 1.959963984540054
"""Quantile of the normal distribution for a two-sided interval of 95 %."""


class Interval(NamedTuple):
    """Where a share may lie, both ends in [0, 1]."""

    low: float
    high: float


def wilson(count: float, of: float, z: float = Z95) -> Interval | None:
    """The score interval of a share ``count / of``; None of nothing. 80 of 500: 13.0 to 19.5 %.

    ``count`` need not be whole: domains that are split over several classes count by their parts.
    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927).
    """
    if of <= 0:
        return None
    share = count / of
    middle = share + z * z / (2 * of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    low = max(0.0, (middle - reach) / scale) if count else 0.0  # not what rounding leaves of 0
    return Interval(low, min(1.0, (middle + reach) / scale))


def shares(counts: Iterable[float]) -> list[float]:
    """Counts as parts of their sum; all 0 where the sum is."""
    counts = list(counts)
    whole = math.fsum(counts)
    return [one / whole if whole else 0.0 for one in counts]


def entropy(parts: Iterable[float]) -> float:
    """Shannon's entropy of shares, in bits: 0 where all is one."""
    return -math.fsum(part * math.log2(part) for part in parts if part > 0) + 0.0


def evenness(parts: Sequence[float]) -> float:
    """Entropy as part of the most that so many kinds can have; 0 of one kind."""
    return entropy(parts) / math.log2(len(parts)) if len(parts) > 1 else 0.0


def concentration(parts: Iterable[float]) -> float:
    """Herfindahl-Hirschman index: the sum of the squares of shares; 1 where all is one."""
    return math.fsum(part * part for part in parts)


def divergence(one: Sequence[float], other: Sequence[float]) -> float:
    """Jensen-Shannon divergence of two distributions over the same kinds, base 2: 0 alike, 1 nothing in common.

    Source: J. Lin, IEEE Transactions on Information Theory 37 (1991).
    """
    middle = [(a + b) / 2 for a, b in zip(one, other, strict=True)]
    return max(0.0, entropy(middle) - (entropy(one) + entropy(other)) / 2)


def poisson_tail(count: int, expected: float) -> float:
    """How likely ``count`` or more events are where ``expected`` are usual."""
    if count <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    # The smaller side is summed, so that a tiny tail is not what is left of 1.
    if count > expected:
        term = math.exp(count * math.log(expected) - expected - math.lgamma(count + 1))
        total, k = 0.0, count
        while term > total * 1e-17:
            total += term
            k += 1
            term *= expected / k
        return min(1.0, total)
    below = math.fsum(math.exp(k * math.log(expected) - expected - math.lgamma(k + 1)) for k in range(count))
    return max(0.0, 1.0 - below)


def quantile(values: Iterable[float], part: float) -> float | None:
    """The value below which ``part`` of them lie, between neighbours in proportion; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
