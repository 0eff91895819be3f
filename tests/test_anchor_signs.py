"""Velocity and signs of the anchor audit: windows, days, thresholds with their bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sample import DAY, T0

from audit.anchor_audit import ClassShare, Repeated, Velocity
from audit.anchor_shares import CLASS_PLACE, distribution
from audit.profile import Thresholds
from audit.signs import EVIDENCE, signs
from audit.velocity import shortest, velocity


def speed(days: Sequence[int], watched: int = 400) -> Velocity:
    """Money domains that came so many days before the last visit."""
    now = T0 + 1_000 * DAY
    money = sorted(now - day * DAY for day in days)
    return velocity(money, arrived=2 * len(days), money_arrived=len(days), seen_from=now - watched * DAY, seen_to=now)


@pytest.mark.parametrize(
    ("days", "watched", "last", "usual", "alarm"),
    [
        pytest.param([1, 2, 3], 100, 3, None, False, id="not_watched_before"),
        pytest.param([100, 40, 29, 3], 210, 2, 2 / 6, False, id="as_usual"),
        pytest.param([*range(31, 199, 7), *range(20)], 400, 20, 4.0, True, id="a_burst"),
        pytest.param([1, 2], 400, 2, 1 / 6, False, id="two_after_nothing_are_no_alarm"),
        pytest.param([1, 2, 3, 4], 400, 4, 1 / 6, True, id="four_after_nothing_are"),
        pytest.param([30, 210, 211], 400, 0, 1 / 6, False, id="windows_are_half_open"),
    ],
)
def test_velocity(days: list[int], watched: int, last: int, usual: float | None, alarm: bool) -> None:
    found = speed(days, watched)
    assert (found.last_30, found.before_180_per_30) == (last, pytest.approx(usual) if usual else None)
    assert (found.p is not None and found.p < 0.001) == alarm
    assert sum(number for _, number in found.per_day) == found.money_domains == len(days)
    assert found.money_part == 0.5


@pytest.mark.parametrize(
    ("days", "wanted", "found"),
    [
        pytest.param([], 0, None, id="nothing"),
        pytest.param([5], 1, 1, id="one_day"),
        pytest.param([1, 10, 11, 12, 12], 4, 3, id="the_densest_stretch"),
        pytest.param([1, 1, 1, 1, 9], 4, 1, id="all_on_a_day"),
    ],
)
def test_days_that_hold_most(days: list[int], wanted: int, found: int | None) -> None:
    assert shortest(days, wanted) == found


def named(exact: int, partial: int, of: int) -> dict[str, ClassShare]:
    """Shares of that many domains, each with one link."""
    place = np.arange(of, dtype=np.int64)
    said = ["exact"] * exact + ["partial"] * partial + ["other"] * (of - exact - partial)
    found, views = distribution(place, place, np.array([CLASS_PLACE[name] for name in said]))  # type: ignore[index]
    return {one.name: one for one in (*views, *found)}


SIGNS = [  # id, exact, partial, of 100 domains, repeated, median, expected
    ("quiet", 10, 25, 0.15, None, {}),
    ("exact_notice", 11, 0, 0.0, None, {"exact_share": "notice"}),
    ("exact_warns", 31, 0, 0.0, None, {"exact_share": "warn"}),
    ("at_the_bound_is_not_above", 30, 5, 0.30, None, {"exact_share": "notice", "repeated_anchor": "notice"}),
    ("money_notice", 0, 36, 0.0, None, {"money_share": "notice"}),
    ("money_warns", 0, 51, 0.0, None, {"money_share": "warn"}),
    ("repeated_warns", 0, 0, 0.31, None, {"repeated_anchor": "warn"}),
    ("twice_the_competitors_is_not_above", 10, 0, 0.0, 0.05, {}),
    ("above_the_competitors", 9, 0, 0.0, 0.03, {"exact_above_competitors": "notice"}),
    ("far_above_but_few_domains", 9, 0, 0.0, 0.01, {"exact_above_competitors": "notice"}),
    ("far_above", 10, 0, 0.0, 0.02, {"exact_above_competitors": "warn"}),
    ("competitors_have_none", 10, 0, 0.0, 0.0, {}),
]


@pytest.mark.parametrize(
    ("exact", "partial", "share", "median", "expected"), [pytest.param(*row[1:], id=row[0]) for row in SIGNS]
)
def test_signs(exact: int, partial: int, share: float, median: float | None, expected: dict[str, str]) -> None:
    repeated = [Repeated("running shoes", "exact", 1, 9, 9, share)]
    medians = {} if median is None else {"exact": median}
    found = signs(named(exact, partial, 100), repeated, None, medians, Thresholds())
    assert {one.name: one.level for one in found} == expected
    assert all(one.evidence == EVIDENCE[one.name] for one in found)
    assert not any("penalt" in (one.said + one.evidence).lower() for one in found)


def test_a_burst_is_a_sign_and_warnings_come_first() -> None:
    found = signs(named(11, 0, 100), [], speed([*range(31, 199, 7), *range(20)]), {}, Thresholds())
    assert [(one.name, one.level) for one in found] == [("money_velocity", "warn"), ("exact_share", "notice")]
