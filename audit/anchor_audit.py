"""The anchor audit: what the words of a target's links say, by links, by pages and by referring domains.

Made from anchors alone; how many links there are, and from where, is the other audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from audit.anchor_class import AnchorClass
from audit.measures import Interval
from storage.records import AnchorSource

Level = Literal["notice", "warn"]

VIEWS: Mapping[str, tuple[AnchorClass, ...]] = {
    "money": ("exact", "partial"),
    "compound": ("brand_keyword",),
    "brand_and_url": ("branded", "naked_url"),
    "other": ("generic", "image", "empty", "other"),
}
"""Another way to sum the classes: some products tell only words that sell from a brand and from the rest."""


@dataclass(frozen=True, slots=True)
class ClassShare:
    """One class of a distribution (or a view that sums several)."""

    name: str
    """An `AnchorClass`, or ``money``, ``compound`` ... of a view."""
    links: int
    pages: int
    """Referring pages that use it, each once."""
    domains: int
    """Referring domains that use it, each once."""
    share_links: float
    share_pages_split: float
    """A page that uses k classes counts 1/k for each: these shares sum to 1."""
    share_domains_split: float
    """The same of referring domains."""
    interval: Interval | None
    """95 % Wilson interval of share_domains_split over the referring domains."""

    @property
    def gap(self) -> float:
        """How much larger the share by links is than that by domains: what few domains repeat."""
        return self.share_links - self.share_domains_split


@dataclass(frozen=True, slots=True)
class JudgedAnchor:
    """One anchor (spellings that fold alike are one), as judged."""

    anchor: str
    """Its commonest spelling."""
    anchor_class: AnchorClass
    source: AnchorSource
    rule: str
    because: str
    flags: tuple[str, ...]
    links: int
    pages: int
    domains: int
    first_seen: int | None
    """Milliseconds since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class Sitewide:
    """One anchor on most known pages of one domain: counted once by anyone who weighs it."""

    domain: str
    anchor: str
    """Folded: its spellings count together."""
    anchor_class: AnchorClass
    target: str
    """The URL."""
    pages: int
    known_pages: int
    links: int = 0


@dataclass(frozen=True, slots=True)
class Repeated:
    """One wording that is no brand, near-duplicates (same stems in any order) joined."""

    anchor: str
    anchor_class: AnchorClass
    spellings: int
    links: int
    domains: int
    share_domains: float
    """Domains that use it / referring domains."""


@dataclass(frozen=True, slots=True)
class Velocity:
    """How fast money anchors came, by the day on which a crawl first saw them on a page it had read before."""

    seen_from: int
    seen_to: int
    """First and last visit that could see one arrive; milliseconds UTC."""
    arrived: int
    """Anchors of any class that arrived."""
    money_domains: int
    """Referring domains new with a money anchor."""
    money_part: float | None
    """Money anchors / all that arrived."""
    days_of_80_percent: int | None
    """Fewest consecutive days in which 80 % of the money domains appeared."""
    per_day: tuple[tuple[str, int], ...]
    """(date, new money domains), only days with some."""
    last_30: int
    before_180_per_30: float | None
    """Expected of 30 days by the rate of the 180 days before; None where they were not watched."""
    p: float | None
    """Poisson probability of so many or more."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A threshold that a measure passed. A heuristic, never a verdict about rankings."""

    name: str
    level: Level
    value: float
    threshold: float
    said: str
    """One line for people, with both figures."""
    evidence: str
    """What is known about the threshold, in one line."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The distribution of one part: a placement, a rel token, a language ..."""

    part: str
    links: int
    domains: int
    classes: tuple[ClassShare, ...]


@dataclass(frozen=True, slots=True)
class AnchorAudit:
    """Everything the anchor audit of one target says."""

    target: str | None
    scope: str
    about: Mapping[str, object]
    """`Profile.shown`."""
    links: int
    referring_pages: int
    referring_domains: int
    distinct_anchors: int
    enough: bool
    """Whether there are enough referring domains for a verdict."""
    classes: tuple[ClassShare, ...]
    """All nine, in the order of `CLASSES`."""
    views: tuple[ClassShare, ...]
    """money, compound, brand_and_url, other: another way to sum the classes."""
    flags: Mapping[str, int]
    """Links by flag."""
    entropy_links: float
    entropy_domains: float
    evenness_links: float
    evenness_domains: float
    concentration_links: float
    concentration_domains: float
    anchor_concentration_links: float
    """Over distinct anchors."""
    anchor_concentration_domains: float
    anchors: tuple[JudgedAnchor, ...]
    """Most used first by domains, then links, then text; bounded by what was asked."""
    sitewide: tuple[Sitewide, ...]
    repeated: tuple[Repeated, ...]
    velocity: Velocity | None
    no_velocity: str | None
    """Why there is none."""
    signs: tuple[Sign, ...]
    by: tuple[Breakdown, ...] = ()
    medians: Mapping[str, float] = field(default_factory=dict)
    """The competitors' median share by referring domains, of each class; {} where none has enough data."""
    view_medians: Mapping[str, float] = field(default_factory=dict)
    """The same of each view."""
    divergences: Mapping[str, float] = field(default_factory=dict)
    """How far the mix of classes by referring domains is from each competitor's: 0 alike, 1 nothing in common."""
    thin: Mapping[str, int] = field(default_factory=dict)
    """Competitors with too little data to compare with, and their referring domains."""

    def share(self, name: str) -> ClassShare:
        """One class or view by its name."""
        return next(one for one in (*self.classes, *self.views) if one.name == name)
