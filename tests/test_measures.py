"""The measures of a profile: values known from elsewhere, and what must hold of any numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from audit.measures import (
    concentration,
    divergence,
    entropy,
    evenness,
    poisson_tail,
    quantile,
    shares,
    wilson,
)

ONE = (0.80, 0.16, 0.04)
OTHER = (0.50, 0.20, 0.30)
OF_NINE = (*ONE, 0, 0, 0, 0, 0, 0)

counts = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)
pairs_of_counts = st.integers(1, 9).flatmap(
    lambda kinds: st.tuples(
        *[st.lists(st.integers(0, 1000), min_size=kinds, max_size=kinds).filter(any) for _ in range(2)]
    )
)


def test_entropy_of_a_brand_heavy_profile() -> None:
    assert entropy(OF_NINE) == pytest.approx(0.8663, abs=5e-5)
    assert evenness(OF_NINE) == pytest.approx(0.2733, abs=5e-5)


@pytest.mark.parametrize(
    ("parts", "bits"),
    [
        pytest.param((1.0,), 0.0, id="all_one"),
        pytest.param((1.0, 0.0, 0.0), 0.0, id="kinds_without_any_add_nothing"),
        pytest.param((0.5, 0.5), 1.0, id="a_fair_coin"),
        pytest.param((0.5, 0.25, 0.25), 1.5, id="a_half_and_two_quarters"),
        pytest.param((0.125,) * 8, 3.0, id="eight_alike"),
        pytest.param((), 0.0, id="nothing"),
    ],
)
def test_entropy_in_bits(parts: tuple[float, ...], bits: float) -> None:
    assert entropy(parts) == pytest.approx(bits)
    # A minus sign before a zero would stand in every table.
    assert math.copysign(1, entropy(parts)) == 1


def test_evenness_of_one_kind_or_none_is_nothing() -> None:
    assert evenness((1.0,)) == 0
    assert evenness(()) == 0


def test_concentration() -> None:
    assert concentration(OF_NINE) == pytest.approx(0.6672, abs=5e-5)
    assert concentration((1.0,)) == 1
    assert concentration((0.25,) * 4) == pytest.approx(0.25)


def test_divergence_of_two_profiles() -> None:
    assert divergence(ONE, OTHER) == pytest.approx(0.1080, abs=5e-5)
    assert divergence((1, 0), (0, 1)) == pytest.approx(1)
    with pytest.raises(ValueError, match="zip"):
        divergence((1, 0), (1, 0, 0))


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        pytest.param(80, 500, 0.130, 0.195, id="eighty_of_five_hundred"),
        # The next three: table 1 of R. G. Newcombe, Statistics in Medicine 17 (1998), method 3.
        pytest.param(81, 263, 0.2553, 0.3662, id="81_of_263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15_of_148"),
        pytest.param(0, 20, 0.0, 0.1611, id="none_of_twenty"),
        pytest.param(29, 29, 0.8830, 1.0, id="all_of_29"),
    ],
)
def test_interval_of_a_share(count: int, of: int, low: float, high: float) -> None:
    found = wilson(count, of)
    assert found is not None
    digits = 5e-4 if of == 500 else 5e-5
    assert found.low == pytest.approx(low, abs=digits)
    assert found.high == pytest.approx(high, abs=digits)


def test_nothing_has_no_interval() -> None:
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("count", "expected", "tail"),
    [
        pytest.param(0, 3.0, 1.0, id="none_or_more_is_sure"),
        pytest.param(0, 0.0, 1.0, id="none_or_more_even_where_none_are_usual"),
        pytest.param(3, 0.0, 0.0, id="any_where_none_are_usual"),
        pytest.param(1, 1.0, 1 - 1 / math.e, id="one_or_more_of_one"),
        pytest.param(2, 1.0, 1 - 2 / math.e, id="two_or_more_of_one"),
        # One less what printed tables of the cumulative distribution give to four digits.
        pytest.param(3, 0.5, 1 - 0.9856, id="table_at_a_half"),
        pytest.param(5, 2.0, 1 - 0.9473, id="table_at_two"),
        pytest.param(10, 5.0, 1 - 0.9682, id="table_at_five"),
        pytest.param(15, 10.0, 1 - 0.9165, id="table_at_ten"),
        pytest.param(8, 10.0, 1 - 0.2202, id="table_below_the_usual"),
        # The exact 95 % limits of ten events are 4.795 and 18.39.
        pytest.param(10, 4.7954, 0.025, id="lower_limit_of_ten"),
        pytest.param(11, 18.3904, 0.975, id="upper_limit_of_ten"),
    ],
)
def test_tail_of_the_poisson_distribution(count: int, expected: float, tail: float) -> None:
    assert poisson_tail(count, expected) == pytest.approx(tail, abs=6e-5)


def test_a_tiny_tail_keeps_its_digits() -> None:
    # The first term carries it: e**-1 / 30!, then 1/31 of it, and so on.
    assert poisson_tail(30, 1.0) == pytest.approx(math.exp(-1) / math.factorial(30) * (1 + 1 / 31 + 1 / 992), rel=1e-4)
    assert 0 < poisson_tail(400, 40.0) < 1e-200


@pytest.mark.parametrize(
    ("values", "part", "found"),
    [
        pytest.param((), 0.5, None, id="nothing"),
        pytest.param((7,), 0.4, 7, id="one_value"),
        pytest.param((3, 1, 2), 0.5, 2, id="median_of_three"),
        pytest.param((4, 1, 3, 2), 0.5, 2.5, id="median_of_four"),
        pytest.param((1, 2, 3, 4), 0.25, 1.75, id="between_neighbours"),
        pytest.param((1, 2, 3, 4, 5), 0.4, 2.6, id="fortieth_percentile"),
        pytest.param((1, 2, 3), 0.0, 1, id="the_least"),
        pytest.param((1, 2, 3), 1.0, 3, id="the_most"),
    ],
)
def test_quantile(values: tuple[float, ...], part: float, found: float | None) -> None:
    assert quantile(values, part) == (None if found is None else pytest.approx(found))


def test_shares_of_nothing() -> None:
    assert shares(()) == []
    assert shares((0, 0)) == [0, 0]


@given(counts)
@settings(max_examples=examples(50))
def test_shares_add_up_and_equal_ones_are_the_most_even(numbers: list[int]) -> None:
    parts = shares(numbers)
    assert math.fsum(parts) == pytest.approx(1)
    assert 0 <= entropy(parts) <= math.log2(len(parts)) + 1e-9
    assert 0 <= evenness(parts) <= 1 + 1e-9
    assert 1 / len(parts) - 1e-9 <= concentration(parts) <= 1 + 1e-9
    alike = shares([1] * len(numbers))
    assert entropy(parts) <= entropy(alike) + 1e-9
    assert concentration(alike) <= concentration(parts) + 1e-9


@given(pairs_of_counts)
@settings(max_examples=examples(50))
def test_divergence_is_alike_both_ways_and_between_nothing_and_one(pair: tuple[list[int], list[int]]) -> None:
    one, other = map(shares, pair)
    assert divergence(one, other) == pytest.approx(divergence(other, one), abs=1e-12)
    assert 0 <= divergence(one, other) <= 1 + 1e-9
    assert divergence(one, one) == pytest.approx(0, abs=1e-12)


@given(st.integers(1, 10**6).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
@settings(max_examples=examples(50))
def test_the_interval_holds_the_share_and_narrows_with_more(pair: tuple[int, int]) -> None:
    count, of = pair
    found, wider = wilson(count, of), wilson(count * 100, of * 100)
    assert found is not None
    assert wider is not None
    assert 0 <= found.low <= count / of + 1e-12
    assert count / of - 1e-12 <= found.high <= 1
    assert wider.high - wider.low < found.high - found.low


@given(st.integers(0, 60), st.floats(0.01, 60))
@settings(max_examples=examples(50))
def test_more_events_are_never_likelier(count: int, expected: float) -> None:
    here, further = poisson_tail(count, expected), poisson_tail(count + 1, expected)
    assert 0 <= further <= here + 1e-12 <= 1 + 1e-12
    one = math.exp(count * math.log(expected) - expected - math.lgamma(count + 1))
    assert here - further == pytest.approx(one, abs=1e-12)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=examples(50))
def test_quantiles_rise_and_stay_within(values: list[int], part: float, other: float) -> None:
    low, high = (quantile(values, one) for one in sorted((part, other)))
    assert low is not None
    assert high is not None
    assert min(values) - 1e-9 <= low <= high + 1e-9 <= max(values) + 2e-9
