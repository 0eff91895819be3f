"""The backlink source audit: where a target's links come from and what those places are worth. Reads no anchor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from audit.measures import quantile
from audit.profile import Thresholds

Band = Literal["high", "some", "low", "unknown"]
Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Authority of one domain by one scale, under the name its owner gave it."""

    name: str
    """``Ahrefs Domain rating``, ``Common Crawl harmonic rank``, ``linkledger authority`` ..."""
    value: float
    dated: str
    own: bool = False
    leads: bool = False
    """Of the scale that the audit sorts by."""
    lowest_first: bool = False
    """A position in a ranking: 1 is the best."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """How much one page is about what the target page is about."""

    score: float | None
    """BM25F against the target page's own, capped at 1; None: no shared language, or nothing of it is known."""
    band: Band
    matched: tuple[str, ...]
    """Query words found, most telling first."""
    source: str
    """URL of the page that was judged."""
    why_unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Referrer:
    """One referring domain of the target."""

    domain: str
    links: int
    followed: int
    pages: int
    """Referring pages."""
    known_pages: int
    """Pages of the domain that were ever read whole."""
    in_main: int
    """Links in the main part of a page."""
    indexable: int
    """Referring pages that let themselves be indexed."""
    sitewide: bool
    first_seen: int | None
    last_seen: int | None
    figures: tuple[Figure, ...]
    """Imported ones first, newest first; the own score last."""
    referring_domains: int | None
    """Of this domain itself, as far as the ledger knows; the own graph's in-degree."""
    relevance: Relevance | None
    """Of its best judged page; None: not judged (see `LinkAudit.judged`)."""
    external_links: int | None
    """Of the judged page, links to other domains."""
    topics: tuple[str, ...]
    """Commercial topics among these."""
    language: str | None
    """Of the judged page."""
    hosts: int = 1
    """Referring hosts."""
    target: str | None = None
    """URL that the judged page links to."""
    topic_links: Mapping[str, int] = field(default_factory=dict)
    """Its external links by commercial topic."""
    confidence: Confidence | None = None
    """In its own score; None without an own scale."""
    harmonic: float | None = None
    """Harmonic centrality of the domain in the own graph."""
    trust: float | None = None
    """0 to 100, from the seeds that the user named; None without seeds."""

    @property
    def authority(self) -> float | None:
        """The figure by the scale that the audit sorts by; None where it has none, or where that is a ranking.

        Figures of other scales do not stand in for it: they are not to be compared.
        """
        return next((one.value for one in self.figures if one.leads and not one.lowest_first), None)

    @property
    def shown_figure(self) -> Figure | None:
        """The figure by the scale that the audit sorts by, a position too."""
        return next((one for one in self.figures if one.leads), None)


@dataclass(frozen=True, slots=True)
class LinkAudit:
    """Everything the source audit of one target says."""

    target: str | None
    scope: str
    about: Mapping[str, object]
    links: int
    followed: int
    causes: Mapping[str, int]
    """Links not followed by cause: rel_nofollow, rel_ugc, rel_sponsored, page_nofollow; several may hold."""
    referring_pages: int
    referring_hosts: int
    referring_domains: int
    followed_domains: int
    """Referring domains with a followed link."""
    enough: bool
    placements: Mapping[str, int]
    """Links by part of the page."""
    indexable_pages: int
    indexable_links: int
    sitewide_domains: int
    sitewide_links: int
    ages: Mapping[str, int]
    """Links by how long they have been known, from youngest to oldest."""
    lost: int
    """Links lost, of all ever known to this filter."""
    lost_by_cause: Mapping[str, int]
    lost_30: int
    """Lost in the last 30 days."""
    bands: Mapping[str, int]
    """Judged referring domains by relevance."""
    judged: int
    """Referring domains of which a page was judged for relevance, topics and outlinks."""
    scales: tuple[Mapping[str, object], ...]
    """What stands behind the figures: name, kind, date; of the own score crawl share, confidence and whether it is
    blank."""
    authority_quantiles: Mapping[str, float | None]
    """Of the figure sorted by, over referring domains that have one: p10, p25, p40, p50, p75, p90."""
    domains: tuple[Referrer, ...]
    """Authority, then links, then name; bounded by what was asked."""
    by_month: tuple[tuple[str, int], ...]
    """(YYYY-MM, referring domains first seen in it), for the chart."""
    topics: Mapping[str, int] = field(default_factory=dict)
    """Judged referring domains by commercial topic among the external links of their judged page."""
    why_unknown: Mapping[str, int] = field(default_factory=dict)
    """Judged referring domains whose relevance is not known, by reason."""
    no_page: int = 0
    """Of the judged, those of whose page nothing is kept: no topics and no outlinks are known."""
    judged_spread: bool = False
    """Whether the judged are a choice (the first by authority and links, and others spread over the rest), or all."""


AGES: tuple[tuple[str, int | None], ...] = (
    ("under_30_days", 30), ("30_to_90_days", 90), ("90_to_365_days", 365), ("1_to_2_years", 730),
    ("over_2_years", None),
)  # fmt: skip
"""Names of `LinkAudit.ages`, and the days that each reaches up to."""
BANDS: tuple[Band, ...] = ("high", "some", "low", "unknown")
QUANTILES = (0.10, 0.25, 0.40, 0.50, 0.75, 0.90)
DAY = 86_400_000


def is_sitewide(pages: int, known: int, limits: Thresholds) -> bool:
    """Whether so many linking pages are most of the known pages of their domain."""
    return pages >= limits.sitewide_pages and pages >= limits.sitewide_share * known


def spread(order: Sequence[int], most: int | None) -> tuple[int, ...]:
    """Which of the domains, given best first, have a page judged: all, or the first half of what is allowed and as many
    others in equal steps over the rest, so that the bands speak for the whole and not for its top alone.
    """
    if most is None or most >= len(order):
        return tuple(order)
    first = most - most // 2
    rest = order[first:]
    return (*order[:first], *(rest[place * len(rest) // (most // 2)] for place in range(most // 2)))


def months(moments: Iterable[int | None]) -> tuple[tuple[str, int], ...]:
    """Moments (milliseconds UTC) by month; months without any are left out."""
    days = Counter(moment // DAY for moment in moments if moment is not None)
    found: Counter[str] = Counter()
    for day, number in days.items():
        found[datetime.fromtimestamp(day * DAY / 1000, UTC).strftime("%Y-%m")] += number
    return tuple(sorted(found.items()))


def quantiles(values: Collection[float]) -> dict[str, float | None]:
    """The quantiles that `LinkAudit.authority_quantiles` names; None of nothing."""
    return {f"p{round(100 * part)}": quantile(values, part) for part in QUANTILES}


def rank(figure: Figure | None, links: int, domain: str) -> tuple[bool, float, int, str]:
    """What referring domains are sorted by: the leading figure (those without one last), then links, then name."""
    value = 0.0 if figure is None else figure.value if figure.lowest_first else -figure.value
    return figure is None, value, -links, domain
