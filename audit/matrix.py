"""Both audits intersected: authority, relevance and alignment of each referring domain's links, as groups.

Three axes, never one number: a group says what is there and what is missing. The product of the three is a key to
sort by, nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from audit.anchor_class import ALIGNMENT, AnchorClass
from audit.link_audit import Band, Referrer
from audit.measures import quantile

Group = Literal[
    "complete", "brand_in_context", "missed_relevance", "relevant_but_small", "weaker_than_it_looks",
    "authority_only", "weak", "unknown",
]  # fmt: skip
GROUPS: Mapping[Group, str] = {
    "complete": "authority, relevance and the words all there",
    "brand_in_context": "authority and relevance, the words are the brand's",
    "missed_relevance": "a relevant page, but its words say nothing of the subject",
    "relevant_but_small": "relevance and words, authority below the line",
    "weaker_than_it_looks": "the words are there, but the page is about something else",
    "authority_only": "authority, but neither relevance nor words",
    "weak": "below the line on every axis that is known",
    "unknown": "relevance or authority is not known: no judgement",
}
"""What each group means, in the order in which they are shown."""
UPGRADABLE: frozenset[AnchorClass] = frozenset(("generic", "naked_url", "image", "empty"))
"""Words that a relevant page could be asked to better."""
ALIGNED, OTHERWISE = 0.8, 0.1


@dataclass(frozen=True, slots=True)
class Worded:
    """The links of one class from one referring domain: what the anchor audit adds."""

    domain: str
    anchor_class: AnchorClass
    anchor: str
    """The commonest words among them."""
    links: int
    pages: int
    source: str
    """URL of a page with such a link."""
    target: str
    """URL it leads to."""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One class of words from one referring domain, with where it stands on the three axes."""

    domain: str
    group: Group
    authority: float | None
    relevance: float | None
    band: Band
    alignment: float
    anchor_class: AnchorClass
    anchor: str
    links: int
    pages: int
    followed: int
    """Followed links of the domain, whatever their words."""
    source: str
    target: str
    upgrade: bool
    """Worth asking for other words: a relevant page whose link says nothing."""
    product: float | None
    """To sort by: authority (as part of the highest here) x relevance x alignment."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The intersection of both audits of one target."""

    target: str | None
    about: Mapping[str, object]
    figure: str | None
    """Name of the figure that stands for authority; None: no domain has one."""
    line: float | None
    """Least authority that counts as such."""
    line_from: str
    """Where the line comes from."""
    groups: Mapping[Group, tuple[int, int]]
    """(referring domains, links) by group; a domain with several classes may be in several."""
    rows: tuple[MatrixRow, ...]
    domains: int
    """Referring domains looked at."""
    of_domains: int
    """Referring domains in all."""

    @property
    def unjudged(self) -> int:
        """Referring domains of whose page the relevance is not known."""
        return len({row.domain for row in self.rows if row.band == "unknown"})

    @property
    def upgrades(self) -> tuple[MatrixRow, ...]:
        return tuple(row for row in self.rows if row.upgrade)


def figure_name(referrers: Iterable[Referrer], wanted: str | None = None) -> str | None:
    """The one figure by which domains are compared: the one asked for, else the one that most of them have.

    Of equally common ones the imported before the own, then by name. Figures of two scales are never mixed; a
    position in a ranking is no amount, and stands for nothing here.
    """
    have: Counter[str] = Counter()
    own: set[str] = set()
    for one in referrers:
        for figure in one.figures:
            if figure.lowest_first:
                continue
            have[figure.name] += 1
            if figure.own:
                own.add(figure.name)
    if wanted is not None:
        return wanted if wanted in have else None
    return min(have, key=lambda name: (-have[name], name in own, name), default=None)


def figure_of(referrer: Referrer, name: str | None) -> float | None:
    """The value of one figure of a domain, None where it has none."""
    return next((figure.value for figure in referrer.figures if figure.name == name), None)


def matrix(
    referrers: Sequence[Referrer],
    words: Iterable[Worded],
    *,
    target: str | None,
    about: Mapping[str, object],
    of_domains: int,
    figure: str | None = None,
    line: float | None = None,
) -> Matrix:
    """Put each class of words of each referring domain into its group.

    Args:
        referrers: from the source audit; those that were not judged have no relevance, and stay ``unknown``.
        words: from the anchors of the same links.
        figure: name of the figure to go by; None: the one that most domains have.
        line: least authority; None: the median over these domains.
    """
    name = figure_name(referrers, figure)
    known = {one.domain: figure_of(one, name) for one in referrers}
    values = [value for value in known.values() if value is not None]
    line_from = "given"
    if line is None:
        line, line_from = quantile(values, 0.5), "median of these domains"
    highest = max(values, default=0.0)
    by_domain = {one.domain: one for one in referrers}
    rows = []
    for one in words:
        referrer = by_domain.get(one.domain)
        if referrer is None:
            continue
        authority = known[one.domain]
        relevance = referrer.relevance.score if referrer.relevance else None
        band: Band = referrer.relevance.band if referrer.relevance else "unknown"
        aligned = ALIGNMENT.get(one.anchor_class, OTHERWISE)
        # Without any figure in the ledger authority is no axis; where only some domains lack one, theirs is unknown.
        strong = None if authority is None or line is None else authority >= line
        group = group_of(strong, band, one.anchor_class, has_authority=name is not None)
        product = None
        if relevance is not None and (authority is not None or name is None):
            part = authority / highest if authority is not None and highest else 1.0
            product = part * relevance * aligned
        rows.append(
            MatrixRow(
                domain=one.domain,
                group=group,
                authority=authority,
                relevance=relevance,
                band=band,
                alignment=aligned,
                anchor_class=one.anchor_class,
                anchor=one.anchor,
                links=one.links,
                pages=one.pages,
                followed=referrer.followed,
                source=one.source,
                target=one.target,
                upgrade=band in ("high", "some") and one.anchor_class in UPGRADABLE,
                product=product,
            )
        )
    order = list(GROUPS)
    rows.sort(key=lambda row: (order.index(row.group), -(row.product or 0.0), -row.links, row.domain, row.anchor_class))
    tally = {
        group: (
            len({row.domain for row in rows if row.group == group}),
            sum(row.links for row in rows if row.group == group),
        )
        for group in GROUPS
    }
    return Matrix(
        target=target,
        about=about,
        figure=name,
        line=line,
        line_from=line_from,
        groups=tally,
        rows=tuple(rows),
        domains=len(referrers),
        of_domains=of_domains,
    )


def group_of(strong: bool | None, band: Band, anchor_class: AnchorClass, *, has_authority: bool = True) -> Group:
    """The group of one class of words on one domain.

    Args:
        strong: authority at or above the line; None: this domain has no figure.
        has_authority: whether any domain has one. Without, the other two axes speak alone.
    """
    aligned = ALIGNMENT.get(anchor_class, OTHERWISE)
    if band == "unknown":
        return "unknown"
    relevant = band in ("high", "some")
    if not relevant and aligned >= ALIGNED:
        return "weaker_than_it_looks"  # whatever its authority
    if relevant and aligned < ALIGNMENT["branded"]:
        return "missed_relevance"  # worth asking for, whatever its authority
    if strong is None and has_authority:
        return "unknown"
    if not relevant:
        return "authority_only" if strong else "weak"
    if strong is False:
        return "relevant_but_small"
    return "complete" if aligned >= ALIGNED else "brand_in_context"
