"""Several targets side by side: both audits of each, and how far the first is from the others.   (pure)

Shares can be compared whatever pages were crawled, as far as those pages are a fair choice. Counts cannot: how many
links a ledger knows of a target depends on whose backlinks were put into it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from audit.anchor_audit import AnchorAudit
from audit.link_audit import LinkAudit
from audit.measures import Interval, divergence, wilson

Part = Literal["anchors", "views", "links", "figures", "counts"]
BY_KEYWORDS = frozenset(("exact", "partial", "brand_keyword", "money", "compound"))
"""Classes and views that are nothing, rather than 0, of a target whose anchors were held against no keywords."""
Basis = Literal["domains", "links", "pages", "judged domains", ""]


@dataclass(frozen=True, slots=True)
class Side:
    """One target of a comparison."""

    target: str
    anchors: AnchorAudit
    links: LinkAudit
    lists: tuple[str, ...] = ()
    """Lists that hold its backlinks."""
    keywords_of: str | None = None
    """Whose keywords its anchors were held against; None: nobody's."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of every target."""

    part: Part
    name: str
    basis: Basis
    """What a share is a share of."""
    values: tuple[float | None, ...]
    """Of each target, in their order; None where there is nothing to measure."""
    intervals: tuple[Interval | None, ...]
    """95 % Wilson intervals of shares by domains."""
    others: float | None
    """The median of all targets but the first that have a value."""
    enough: bool = True
    """Whether each target with a value has enough referring domains for a verdict."""
    least: float = 0.0
    """What one referring domain of the first target makes."""

    @property
    def delta(self) -> float | None:
        """The first target's value less the others' median."""
        first = self.values[0]
        return None if first is None or self.others is None else first - self.others

    @property
    def apart(self) -> bool | None:
        """Whether the others' median lies outside the first target's interval, and more than one referring domain away;
        None without one, or with too little data."""
        first = self.intervals[0]
        return (
            None
            if first is None or self.others is None or not self.enough
            else not first.low <= self.others <= first.high and abs(self.delta or 0.0) > self.least
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is said of several targets."""

    targets: tuple[str, ...]
    measures: tuple[Measure, ...]
    divergence_domains: Mapping[str, float | None]
    """Jensen-Shannon divergence of the class mix by domains between the first target and each other one: 0 alike, 1
    nothing in common; None where one of them has no links."""
    divergence_links: Mapping[str, float | None]
    without_list: tuple[str, ...]
    """Targets without a list of their backlinks: while there is one, no counts are compared."""
    too_few: Mapping[str, int]
    """Referring domains of targets that have too few for a verdict."""
    scales: tuple[str, ...] = ()
    """Scales of authority that the audits go by; with more than one, no figures are compared."""

    @property
    def counts_compared(self) -> bool:
        """Whether measures of the part ``counts`` are there."""
        return not self.without_list

    def measure(self, part: Part, name: str, basis: Basis = "") -> Measure:
        """One measure by its name; of several bases the one named, else the first."""
        return next(
            one for one in self.measures if (one.part, one.name) == (part, name) and basis in ("", one.basis)
        )  # fmt: skip


def compare(sides: Sequence[Side]) -> Comparison:
    """Put the audits of several targets side by side; the first is held against all others.

    Every audit must have been made with the same filter.
    """
    without = tuple(side.target for side in sides if not side.lists)
    scales = tuple(dict.fromkeys(name for side in sides for name in _leading(side.links)))
    measures = [*_classes(sides), *_links(sides)]
    if len(scales) == 1:
        measures += _figures(sides)
    if not without:
        measures += _counts(sides)
    first = sides[0]
    return Comparison(
        targets=tuple(side.target for side in sides),
        measures=tuple(measures),
        divergence_domains={side.target: _apart(first, side, "share_domains_split") for side in sides[1:]},
        divergence_links={side.target: _apart(first, side, "share_links") for side in sides[1:]},
        without_list=without,
        too_few={side.target: side.links.referring_domains for side in sides if not side.anchors.enough},
        scales=scales,
    )


def _classes(sides: Sequence[Side]) -> list[Measure]:
    found = []
    parts: tuple[Part, Part] = ("anchors", "views")
    for part in parts:
        several = [side.anchors.classes if part == "anchors" else side.anchors.views for side in sides]
        for shares in zip(*several, strict=True):
            asked = shares[0].name in BY_KEYWORDS
            known = [
                one if side.anchors.links and (side.keywords_of or not asked) else None
                for one, side in zip(shares, sides, strict=True)
            ]
            by_domains = [None if one is None else one.share_domains_split for one in known]
            by_links = [None if one is None else one.share_links for one in known]
            name = shares[0].name
            between = [None if one is None else one.interval for one in known]
            found.append(_measure(sides, part, name, "domains", by_domains, between))
            found.append(_measure(sides, part, name, "links", by_links))
    return found


def _links(sides: Sequence[Side]) -> list[Measure]:
    def share(name: str, basis: Basis, of: Callable[[LinkAudit], tuple[int, int]]) -> Measure:
        pairs = [of(side.links) for side in sides]
        intervals = [wilson(*pair) if "domains" in basis else None for pair in pairs]
        return _measure(
            sides, "links", name, basis, [part / whole if whole else None for part, whole in pairs], intervals
        )

    found = [
        share("followed", "domains", lambda one: (one.followed_domains, one.referring_domains)),
        share("followed", "links", lambda one: (one.followed, one.links)),
        share("sitewide", "domains", lambda one: (one.sitewide_domains, one.referring_domains)),
        share("sitewide", "links", lambda one: (one.sitewide_links, one.links)),
        share("indexable", "pages", lambda one: (one.indexable_pages, one.referring_pages)),
    ]
    for place in dict.fromkeys(name for side in sides for name in side.links.placements):
        found.append(share(f"in_{place}", "links", lambda one, name=place: (one.placements.get(name, 0), one.links)))  # type: ignore[misc]
    for band in ("high", "some", "low"):
        found.append(share(f"relevance_{band}", "judged domains", lambda one, name=band: _band(one, name)))  # type: ignore[misc]
    found.append(share("lost", "links", lambda one: (one.lost, one.lost + one.links)))
    return found


def _band(one: LinkAudit, name: str) -> tuple[int, int]:
    """(domains in a band, domains whose relevance is known)."""
    known = {band: number for band, number in one.bands.items() if band != "unknown"}
    return known.get(name, 0), sum(known.values())


def _leading(one: LinkAudit) -> list[str]:
    """The scale that an audit goes by, with its date; empty where there is none."""
    return [f"{scale['name']} of {scale['dated']}" for scale in one.scales if scale.get("leads") and one.links]


def _figures(sides: Sequence[Side]) -> list[Measure]:
    """Quantiles of authority over the referring domains that have a figure; all sides go by one scale."""
    quantiles = [side.links.authority_quantiles for side in sides]
    names = [name for name in ("p25", "p40", "p50", "p75") if any(one.get(name) is not None for one in quantiles)]
    return [_measure(sides, "figures", f"authority_{name}", "", [one.get(name) for one in quantiles]) for name in names]


def _counts(sides: Sequence[Side]) -> list[Measure]:
    names = ("links", "followed", "referring_pages", "referring_hosts", "referring_domains", "followed_domains")
    found = [_measure(sides, "counts", name, "", [getattr(side.links, name) for side in sides]) for name in names]
    found.append(_measure(sides, "counts", "distinct_anchors", "", [side.anchors.distinct_anchors for side in sides]))
    return found


def _measure(
    sides: Sequence[Side],
    part: Part,
    name: str,
    basis: Basis,
    values: Sequence[float | None],
    intervals: Sequence[Interval | None] | None = None,
) -> Measure:
    known = [value for value in values[1:] if value is not None]
    return Measure(
        part,
        name,
        basis,
        tuple(values),
        tuple(intervals) if intervals is not None else (None,) * len(values),
        median(known) if known else None,
        all(side.anchors.enough for side, value in zip(sides, values, strict=True) if value is not None),
        1 / (sides[0].links.referring_domains or 1),
    )


def _apart(first: Side, other: Side, share: str) -> float | None:
    if not first.anchors.links or not other.anchors.links:
        return None
    mixes = [[getattr(one, share) for one in side.anchors.classes] for side in (first, other)]
    return divergence(*mixes)
