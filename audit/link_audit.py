"""The backlink source audit: where a target's links come from and what those places are worth. Reads no anchor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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

    @property
    def authority(self) -> float | None:
        """The figure to sort by: the first one there is."""
        return self.figures[0].value if self.figures else None


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
