"""Which lever a position calls for: links, words, neither yet. Heuristics, and marked so wherever they are shown.

The rules take figures and give a lever with its reasons. Where a figure they need cannot be had from what was
crawled, the lever is ``unknown`` and the reason says what is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from audit.measures import quantile
from storage.errors import LedgerError

Lever = Literal["backlinks", "anchors", "both", "rebalance", "maintain", "measure_position_first", "unknown"]
LEVERS: dict[Lever, str] = {
    "backlinks": "more referring domains come first",
    "anchors": "better words on new and present links come first",
    "both": "referring domains and words together",
    "rebalance": "words enough: ask for brand, partial phrases and plain addresses",
    "maintain": "keep what is there, watch losses",
    "measure_position_first": "both gaps are shown, and no lever without a position",
    "unknown": "what was crawled does not carry a choice",
}
_BEYOND = re.compile(r"\s*>\s*(\d+)\s*")


class BadPosition(LedgerError):
    """A position that is none."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page stands for a query."""

    rank: int | None
    """1 is first; None: not among those looked at, or not known (see ``known``)."""
    known: bool = True
    given: str = ""

    @property
    def shown(self) -> str:
        return self.given or ("unknown" if not self.known else ">100" if self.rank is None else str(self.rank))


def parse_position(text: str) -> Position:
    """Read a position: 1 to 100 or more, an average such as ``7.4`` (rounded, half up), ``>100``, ``unknown``.

    Raises:
        BadPosition: nothing of that kind.
    """
    given = text.strip()
    if given.casefold() in ("", "unknown", "?"):
        return Position(None, known=False, given="unknown")
    if given.casefold() in ("not ranked", "none", "-") or _BEYOND.fullmatch(given):
        beyond = _BEYOND.fullmatch(given)
        if beyond is None or int(beyond[1]) >= 50:  # everything beyond 50 is one band
            return Position(None, given=given)
    else:
        try:
            value = float(given.replace(",", "."))
        except ValueError:
            value = math.nan
        if math.isfinite(value) and value >= 1:
            return Position(math.floor(value + 0.5), given=str(int(value)) if value.is_integer() else str(value))
    raise BadPosition(f"no position: {text!r}; give 1 to 100, an average such as 7.4, >100, or unknown")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules need to know of the target, or of one competitor."""

    name: str
    referring_domains: int
    money_share: float
    """Exact and partial, by referring domains, in [0, 1]."""
    counted: bool
    """Its links come from a list that stands for its backlinks, read for the better part: counts may be compared."""
    why_not: str = ""
    """Why counts may not be compared."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A lever and what led to it."""

    lever: Lever
    reasons: tuple[str, ...]
    """Each with its figures, one line each."""
    missing: tuple[str, ...] = ()
    """What would have to be known for a choice, or for a firmer one."""


def choose_lever(
    position: Position,
    target: Standing,
    competitors: Sequence[Standing],
    *,
    warnings: Sequence[str] = (),
    least_domains: int = 20,
) -> Choice:
    """The lever for one page and query.

    Args:
        warnings: signs of level ``warn`` that the target's anchors show, as lines for people.
        least_domains: with fewer referring domains shares of classes carry no choice.
    """
    at = f"position {position.shown}"
    gaps = _gaps(target, competitors)
    if not position.known:
        return Choice("measure_position_first", (f"{at}: no lever without it", *gaps))
    rank = position.rank
    if rank is None or rank > 50:
        return Choice("backlinks", (f"{at}: beyond 50, referring domains come first", *gaps))
    if rank <= 4:
        return Choice("maintain", (f"{at}: 1 to 4", *gaps))
    if rank >= 21:
        return _middle(at, target, competitors, gaps)
    return _near(at, target, competitors, gaps, warnings, least_domains)


def _middle(at: str, target: Standing, competitors: Sequence[Standing], gaps: tuple[str, ...]) -> Choice:
    """21 to 50: the larger gap."""
    said = f"{at}: 21 to 50, the larger gap decides"
    if not competitors:
        return Choice("both", (said, "no competitors are named, so no gap can be measured"), ("competitors",))
    biased = [one for one in (target, *competitors) if not one.counted]
    if biased:
        return Choice(
            "unknown",
            (said, "referring domains cannot be compared: the samples were not drawn alike"),
            tuple(f"{one.name}: {one.why_not}" for one in biased),
        )
    median = quantile([one.referring_domains for one in competitors], 0.5) or 0.0
    have = target.referring_domains
    if have < median / 2:
        return Choice("backlinks", (said, f"{have:,} referring domains, less than half the median of {median:,.0f}"))
    return Choice(
        "anchors", (said, f"{have:,} referring domains, at least half the median of {median:,.0f}", *gaps[1:])
    )


def _near(
    at: str,
    target: Standing,
    competitors: Sequence[Standing],
    gaps: tuple[str, ...],
    warnings: Sequence[str],
    least: int,
) -> Choice:
    """5 to 20: words, unless there are enough of them."""
    said = f"{at}: 5 to 20, words come first unless there are enough of them"
    if target.referring_domains < least:
        return Choice("unknown", (said, "too little data to tell whether there are enough"), (_short(target, least),))
    if warnings:
        return Choice("rebalance", (said, *warnings, *gaps))
    usable = [one for one in competitors if one.referring_domains >= least]
    missing = tuple(_short(one, least) for one in competitors if one.referring_domains < least)
    if not usable:
        named = "no competitor has enough data" if competitors else "no competitors are named"
        alone = f"{named}: money share {target.money_share:.0%} was held against the thresholds alone"
        return Choice("anchors", (said, alone), missing or ("competitors",))
    median = quantile([one.money_share for one in usable], 0.5) or 0.0
    compared = f"money share {target.money_share:.1%} of referring domains, competitors' median {median:.1%}"
    # Brand alone here and at the competitors is no oversupply of money words.
    if target.money_share >= median and target.money_share > 0:
        return Choice("rebalance", (said, compared), missing)
    return Choice("anchors", (said, compared), missing)


def _short(of: Standing, least: int) -> str:
    return f"{of.name}: {of.referring_domains:,} referring domains known, {least} needed to judge shares"


def _gaps(target: Standing, competitors: Sequence[Standing]) -> tuple[str, ...]:
    """Both gaps as lines: referring domains (where they may be compared), then money share."""
    if not competitors:
        return ()
    shares = quantile([one.money_share for one in competitors], 0.5) or 0.0
    words = f"money share {target.money_share:.1%}, competitors' median {shares:.1%}"
    if all(one.counted for one in (target, *competitors)):
        median = quantile([one.referring_domains for one in competitors], 0.5) or 0.0
        return (f"{target.referring_domains:,} referring domains, competitors' median {median:,.0f}", words)
    return ("referring domains cannot be compared: the samples were not drawn alike", words)
