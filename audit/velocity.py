"""How fast words arrived: days in which most came, and whether the last month stands out.   (pure)"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from audit.anchor_audit import Velocity
from audit.measures import poisson_tail

DAY = 86_400_000
RECENT, BEFORE = 30, 180
"""Days: the window that is judged, and the one before it that says what is usual."""
MOST = 0.8


def velocity(money: Sequence[int], *, arrived: int, money_arrived: int, seen_from: int, seen_to: int) -> Velocity:
    """What the dates say.

    Args:
        money: when each referring domain that is new with a money anchor got it, milliseconds UTC, ascending.
        arrived, money_arrived: anchors that arrived, and money anchors among them.
        seen_from, seen_to: from when to when pages were watched.
    """
    days = [one // DAY for one in money]
    last = sum(one > seen_to - RECENT * DAY for one in money)
    watched = seen_from <= seen_to - (RECENT + BEFORE) * DAY
    before = sum(seen_to - (RECENT + BEFORE) * DAY < one <= seen_to - RECENT * DAY for one in money)
    # Nothing in half a year does not make one new domain an alarm: at least one is taken for usual.
    usual = max(before, 1) * RECENT / BEFORE if watched else None
    return Velocity(
        seen_from=seen_from,
        seen_to=seen_to,
        arrived=arrived,
        money_domains=len(money),
        money_part=money_arrived / arrived if arrived else None,
        days_of_80_percent=shortest(days, math.ceil(MOST * len(days))),
        per_day=tuple((_date(day), number) for day, number in sorted(Counter(days).items())),
        last_30=last,
        before_180_per_30=usual,
        p=None if usual is None else poisson_tail(last, usual),
    )


def shortest(days: Sequence[int], wanted: int) -> int | None:
    """Fewest consecutive days that hold so many of the days given (ascending, with repeats); None of nothing."""
    if not days or wanted <= 0:
        return None
    return min(days[place + wanted - 1] - days[place] + 1 for place in range(len(days) - wanted + 1))


def _date(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()
