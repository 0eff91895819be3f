"""The lever of a position: every boundary, and samples that cannot carry a choice."""

from __future__ import annotations

import pytest

from audit.lever import BadPosition, Lever, Position, Standing, choose_lever, parse_position


def standing(name: str, domains: int = 100, money: float = 0.1, *, counted: bool = True) -> Standing:
    return Standing(name, domains, money, counted, "" if counted else "its pages are no list of its backlinks")


MINE = standing("mine.example", domains=40)
RIVALS = (standing("a.example", money=0.3), standing("b.example", domains=120, money=0.2))

LADDER: list[tuple[str, Lever]] = [  # position, lever: 40 domains of 110, money 10 % of 25 %
    ("1", "maintain"),
    ("4", "maintain"),
    ("4.4", "maintain"),
    ("4.5", "anchors"),
    ("5", "anchors"),
    ("20", "anchors"),
    ("20,4", "anchors"),
    ("20.5", "backlinks"),
    ("21", "backlinks"),
    ("50", "backlinks"),
    ("50.4", "backlinks"),
    ("51", "backlinks"),
    ("100", "backlinks"),
    ("250", "backlinks"),
    (">100", "backlinks"),
    ("> 50", "backlinks"),
    ("not ranked", "backlinks"),
    ("unknown", "measure_position_first"),
    ("", "measure_position_first"),
]


@pytest.mark.parametrize(("given", "lever"), LADDER, ids=[row[0] or "blank" for row in LADDER])
def test_position(given: str, lever: Lever) -> None:
    choice = choose_lever(parse_position(given), MINE, RIVALS)
    assert choice.lever == lever
    assert choice.reasons


CASES: list[tuple[str, str, Standing, tuple[Standing, ...], tuple[str, ...], Lever]] = [
    # id, position, target, competitors, warnings, lever
    ("just_half_the_median_is_enough", "30", standing("m", 55), RIVALS, (), "anchors"),
    ("below_half_the_median", "30", standing("m", 54), RIVALS, (), "backlinks"),
    ("no_competitors_both", "21", MINE, (), (), "both"),
    ("no_competitors_both_at_50", "50", MINE, (), (), "both"),
    ("own_sample_biased", "30", standing("m", 40, counted=False), RIVALS, (), "unknown"),
    ("one_rival_biased", "30", MINE, (RIVALS[0], standing("c", counted=False)), (), "unknown"),
    ("bias_is_no_matter_for_words", "12", standing("m", 40, counted=False), RIVALS, (), "anchors"),
    ("bias_is_no_matter_beyond_50", "60", standing("m", 40, counted=False), RIVALS, (), "backlinks"),
    ("money_at_the_median", "12", standing("m", 40, 0.25), RIVALS, (), "rebalance"),
    ("money_below_the_median", "12", standing("m", 40, 0.249), RIVALS, (), "anchors"),
    ("a_warning", "12", MINE, RIVALS, ("exact 40 %",), "rebalance"),
    ("a_warning_without_competitors", "12", MINE, (), ("exact 40 %",), "rebalance"),
    ("brand_only", "12", standing("m", 300, 0.0), RIVALS, (), "anchors"),
    ("brand_only_like_the_competitors", "12", standing("m", 300, 0.0), (standing("a", money=0.0),), (), "anchors"),
    ("no_competitors_near", "12", MINE, (), (), "anchors"),
    ("too_few_domains_near", "12", standing("m", 19), RIVALS, (), "unknown"),
    ("enough_domains_near", "12", standing("m", 20), RIVALS, (), "anchors"),
    ("small_competitors_do_not_count", "12", standing("m", 40, 0.2), (standing("a", 5, 0.1),), (), "anchors"),
    ("too_few_domains_beyond_50", "51", standing("m", 0), (), (), "backlinks"),
]


@pytest.mark.parametrize(
    ("position", "target", "competitors", "warnings", "lever"),
    [pytest.param(*row[1:], id=row[0]) for row in CASES],
)
def test_case(
    position: str, target: Standing, competitors: tuple[Standing, ...], warnings: tuple[str, ...], lever: Lever
) -> None:
    choice = choose_lever(parse_position(position), target, competitors, warnings=warnings)
    assert choice.lever == lever
    if lever == "unknown":
        assert choice.missing


def test_an_unknown_choice_says_whose_sample_is_short() -> None:
    choice = choose_lever(parse_position("30"), MINE, (RIVALS[0], standing("c.example", counted=False)))
    assert choice.missing == ("c.example: its pages are no list of its backlinks",)


@pytest.mark.parametrize("text", ["0", "-3", "first", "nan", "inf", ">10", "1;2", "0.5"])
def test_no_position(text: str) -> None:
    with pytest.raises(BadPosition, match="no position"):
        parse_position(text)


def test_beyond_the_hundred_is_no_number() -> None:
    assert parse_position(">100") == Position(None, given=">100")
