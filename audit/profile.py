"""What a user says about one target: its names, its keywords, its rivals. A small TOML file, read here into values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PageType = Literal["home", "product", "category", "article", "other"]
FORMAT = 1
"""Number of the file's format: its first line, ``profile = 1``."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a measure is worth a notice or a warning: heuristics, each with its evidence in docs/audits.md."""

    exact_notice: float = 0.10
    """Share of the class by referring domains, in [0, 1]; so are the next three pairs."""
    exact_warn: float = 0.30
    money_notice: float = 0.35
    money_warn: float = 0.50
    repeated_notice: float = 0.15
    """One anchor that is no brand."""
    repeated_warn: float = 0.30
    rival_notice: float = 2.0
    """Times the competitors' median share of exact anchors."""
    rival_warn: float = 4.0
    rival_warn_domains: int = 10
    """Fewest referring domains with exact anchors for that warning."""
    velocity_p: float = 0.001
    sitewide_pages: int = 10
    """Fewest linking pages of a sitewide link."""
    sitewide_share: float = 0.50
    """Least part of the known pages of its domain."""
    least_domains: int = 20
    """With fewer referring domains there is too little data for a verdict."""
    relevance_high: float = 0.30
    relevance_some: float = 0.10
    crawl_share: float = 0.10
    """With less of the known domains crawled, the score of the own graph is left blank."""


@dataclass(frozen=True, slots=True)
class Section:
    """What holds for links to one page, or (``url`` None) for all others of the target."""

    url: str | None
    keywords: tuple[str, ...]
    page_type: PageType = "other"
    title: str | None = None
    h1: str | None = None
    languages: tuple[str, ...] = ()
    """Of the page, where they are others than those of the profile."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One target's profile."""

    target: str
    """A registrable domain, host or URL, as the user asks for it."""
    brands: tuple[str, ...]
    """Names as they are written, the main one first."""
    whole: Section
    """For links to pages without a section of their own."""
    pages: tuple[Section, ...] = ()
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes, the main one first; () means unknown."""
    competitors: tuple[str, ...] = ()
    """Targets to compare with."""
    hosts: tuple[str, ...] = ()
    """Own hosts beyond the target's."""
    generic: tuple[str, ...] = ()
    """Further phrases to be read as generic."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    drafted: bool = False
    """Guessed by the program, not looked at by a person: every audit says so."""
    digest: str = ""
    """First 12 hexadecimal digits of the SHA-256 of the file's bytes; of a drafted one, of the TOML it would be."""
    path: str | None = None
    """Where it was read."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """Section 0 is the whole target, then each page."""
        return (self.whole, *self.pages)

    def shown(self) -> Mapping[str, object]:
        """What every audit says of it: ``{target, profile, drafted, rules_version}``."""
        from audit import RULES_VERSION

        return {
            "target": self.target,
            "profile": self.digest,
            "drafted": self.drafted,
            "rules_version": RULES_VERSION,
        }
