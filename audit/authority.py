"""Authority as it is shown: figures under their owners' names, the own score only where it can carry weight.

Nothing here is any vendor's number or a search engine's PageRank. The bounds are heuristics; their reasons stand in
docs/authority.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.link_audit import Confidence, Figure

if TYPE_CHECKING:
    from storage.authority import Kind, Scale, StoredFigure

OWN_NAME = "linkledger authority"
"""Under which the own score is shown."""
COMMON_CRAWL = "Common Crawl"
KIND_NAMES: Mapping[Kind, str] = {"import": "imported", "prior": "web graph", "own": "own"}
"""How the kinds of scales are called in answers."""
LEAST_SHARE = 0.10
"""Of the known domains, crawled: with less, the own score is blank (`audit.profile.Thresholds.crawl_share`)."""
SHARE_OF_TRUST = 0.40
MANY_REFERRING = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """What the figures of one domain come to."""

    figures: tuple[Figure, ...]
    """To be shown, each under its name: imported ones first, then web graphs, the own score last and only if it is
    not blank."""
    score: float | None
    """The own score, 0 to 100; None: blank, or no in-link of the domain is known and no prior."""
    blank: bool
    """There is an own scale, but too little was crawled for its scores."""
    referring_domains: int | None
    """Known to the own scale; None without one."""
    harmonic: float | None
    """None too where the score is blank; so is ``trust``."""
    trust: float | None
    confidence: Confidence | None
    """In the own score; None without an own scale."""


def named(scale: Scale) -> str:
    """Under which name figures of a scale are shown: ``Ahrefs Domain rating``, ``linkledger authority``."""
    return OWN_NAME if scale.kind == "own" else f"{scale.name} {scale.measure}".strip()


def crawl_share(scale: Scale) -> float:
    """Crawled domains among the known ones when an own scale was made, in [0, 1]."""
    share = scale.about.get("crawl_share")
    return float(share) if isinstance(share, (int, float)) else 0.0


def is_blank(scale: Scale, least: float = LEAST_SHARE) -> bool:
    """Whether scores of this scale are not to be shown, as too little of the graph behind them was read."""
    return scale.kind == "own" and crawl_share(scale) < least


def confidence(share: float, referring: int, *, prior: bool) -> Confidence:
    """How far an own score can be trusted.

    Args:
        share: of the known domains, crawled.
        referring: known referring domains of this one.
        prior: the web graph ranks behind the scale know this domain.
    """
    if prior or share >= SHARE_OF_TRUST:
        return "high"
    return "medium" if share >= LEAST_SHARE or referring >= MANY_REFERRING else "low"


def standing(stored: Sequence[StoredFigure], own: Scale | None, *, least: float = LEAST_SHARE) -> Standing:
    """The figures of one domain, ready to be shown.

    Args:
        stored: of `storage.authority.figures`; () for a domain without any.
        own: the newest own scale there is, whether this domain has a figure in it or not.
        least: the crawl share below which the own score is blank.
    """
    others = tuple(
        Figure(name=named(one.scale), value=one.value, dated=one.dated) for one in stored if one.kind != "own"
    )
    mine = next((one for one in stored if one.kind == "own"), None)
    if own is None:
        return Standing(others, None, False, None, None, None, None)
    referring = mine.referring or 0 if mine else 0
    blank = is_blank(own, least)
    score = None if mine is None or blank else mine.value
    figures = others if score is None else (*others, Figure(OWN_NAME, score, own.dated[:10], own=True))
    return Standing(
        figures=figures,
        score=score,
        blank=blank,
        referring_domains=referring,
        harmonic=mine.harmonic if mine and not blank else None,
        trust=mine.trust if mine and not blank else None,
        confidence=confidence(crawl_share(own), referring, prior=mine.prior if mine else False),
    )


def own_scale(scales: Sequence[Scale]) -> Scale | None:
    """The newest own scale among `storage.authority.scales`."""
    return next((one for one in scales if one.kind == "own"), None)
