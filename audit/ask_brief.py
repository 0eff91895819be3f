"""A brief, asked of a ledger: the target's page and site, its competitors, and what to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from audit.anchor_audit import AnchorAudit
from audit.ask_anchors import anchor_audit_of
from audit.ask_links import link_audit_of
from audit.ask_matrix import matrix_of
from audit.brief import Brief, Criteria, Rival, Upgrade, requests, warnings_of
from audit.lever import Position, Standing, choose_lever
from audit.link_audit import Band, LinkAudit
from audit.matrix import Matrix, figure_name, figure_of
from audit.measures import quantile
from audit.profile import Profile, Section
from audit.rivals import as_rival, with_keywords
from audit.sections import section_of
from storage.coverage import coverage
from storage.filters import Chosen, list_id_of
from storage.lists import backlinks_of
from storage.targets import Target

AUTHORITY_PART = 0.40
"""The minimum asked for is what 60 % of the competitors' referring domains reach."""
LEAST_READ = 0.5
"""A list of backlinks stands for them once so many of its pages were read."""
_WORDINGS_FROM = 3_000
"""Of a competitor's anchors, so many are looked through for wordings."""
_UPGRADES = 10


@dataclass(frozen=True, slots=True)
class Site:
    """One target with what it is judged by."""

    target: Target
    chosen: Chosen
    profile: Profile

    @property
    def name(self) -> str:
        return self.target.text

    @property
    def whole(self) -> bool:
        """A site, and not one of its pages."""
        return self.target.scope in ("domain", "host")


class Asker:
    """Briefs over one ledger; what several of them share is asked once.

    Args:
        now: milliseconds since 1970, UTC.
    """

    def __init__(self, conn: Connection, *, now: int) -> None:
        self._conn, self._now = conn, now
        self._links: dict[str, LinkAudit] = {}
        self._words: dict[tuple[str, Profile], AnchorAudit] = {}
        self._matrices: dict[tuple[str, Profile, str | None], Matrix] = {}
        self._page: str | None = None

    def brief(
        self,
        page: Site,
        site: Site,
        rivals: Sequence[Site],
        query: str,
        position: Position,
        *,
        links: int = 10,
        queries: Sequence[str] = (),
        min_authority: float | None = None,
        min_relevance: Band = "some",
        figure: str | None = None,
    ) -> Brief:
        """One brief, both halves.

        Args:
            page: what the brief is for; its anchors are what the requested ones are added to.
            site: the site it belongs to, which is compared where the competitors are sites.
            rivals: competitors, by the same filter as the target.
            queries: further queries of the same page: its anchors are judged by all of them alike.
            links: how many links are ordered.
        Raises:
            IncompleteBrief: no words can be asked for.
        """
        if page.name != self._page:  # each page is judged by queries of its own: what was judged for another is no use
            self._page = page.name
            self._words.clear()
            self._matrices.clear()
        wanted = tuple(sorted({one for one in (query, *queries) if one}))
        section = section_of(page.profile, page.name) if page.target.scope == "page" else page.profile.whole
        if page.whole and section.page_type == "other":
            section = replace(section, page_type="home")  # what is ordered for a site is ordered for its home page
        profile = with_keywords(page.profile, wanted)
        own = self._audit(page, profile)
        like_for_like = site if rivals and all(one.whole for one in rivals) else page
        compared = self._audit(like_for_like, with_keywords(like_for_like.profile, wanted))
        judged = [
            Rival(one.name, one.profile.brands, self._audit(one, as_rival(profile, one.profile))) for one in rivals
        ]
        standing = self._standing(like_for_like, compared, like_for_like)
        others = [self._standing(one, rival.audit, like_for_like) for one, rival in zip(rivals, judged, strict=True)]
        warnings = [sign.said for sign in compared.signs if sign.level == "warn"]
        choice = choose_lever(
            position, standing, others, warnings=warnings, least_domains=profile.thresholds.least_domains
        )
        words, shares = requests(own, judged, profile, section, query, choice.lever, links=links)
        return Brief(
            target=page.name,
            query=query,
            position=position,
            page_type=section.page_type,
            about=page.profile.shown(),
            made_at=self._now,
            choice=choice,
            criteria=self._criteria(page, rivals, own, links, min_authority, min_relevance, figure, wanted, section),
            words=words,
            shares=shares,
            referring_domains=own.referring_domains,
            warnings=warnings_of(own, words, shares),
        )

    def _audit(self, of: Site, profile: Profile) -> AnchorAudit:
        key = (of.name, profile)
        if key not in self._words:
            self._words[key] = anchor_audit_of(self._conn, of.chosen, profile, limit=_WORDINGS_FROM, target=of.name)
        return self._words[key]

    def _referrers(self, of: Site) -> LinkAudit:
        if of.name not in self._links:
            self._links[of.name] = link_audit_of(
                self._conn, of.chosen, of.profile, limit=None, judge=0, now=self._now, target=of.name
            )
        return self._links[of.name]

    def _standing(self, of: Site, words: AnchorAudit, beside: Site) -> Standing:
        why_not = _why_not_counted(self._conn, of)
        if of.whole != beside.whole:
            why_not = f"it is a {of.target.scope}, compared with a {beside.target.scope}"
        return Standing(
            name=of.name,
            referring_domains=words.referring_domains,
            money_share=words.share("money").share_domains_split,
            counted=not why_not,
            why_not=why_not,
        )

    def _criteria(
        self,
        page: Site,
        rivals: Sequence[Site],
        own: AnchorAudit,
        links: int,
        min_authority: float | None,
        min_relevance: Band,
        figure: str | None,
        wanted: tuple[str, ...],
        section: Section,
    ) -> Criteria:
        least, name, authority_from = min_authority, figure, "given"
        if least is None:
            least, name, authority_from = self._usual_authority(rivals, figure)
        found = self._matrix(page, with_keywords(page.profile, wanted), name)
        upgrades = [
            Upgrade(row.domain, row.source, row.anchor, row.anchor_class)
            for row in sorted(
                found.upgrades, key=lambda row: (-(row.authority or 0), -(row.relevance or 0), row.domain)
            )
        ]
        return Criteria(
            figure=name,
            minimum_authority=least,
            authority_from=authority_from,
            minimum_relevance=min_relevance,
            relevance_from="the page is judged by its own words around the link, title, headings and text",
            followed=True,
            new_domains=links,
            already_linking=own.referring_domains,
            upgrades=tuple(upgrades[:_UPGRADES]),
            languages=section.languages or page.profile.languages,
        )

    def _matrix(self, of: Site, profile: Profile, figure: str | None) -> Matrix:
        key = (of.name, profile, figure)
        if key not in self._matrices:
            self._matrices[key] = matrix_of(
                self._conn, of.chosen, profile, now=self._now, target=of.name, figure=figure
            )
        return self._matrices[key]

    def _usual_authority(self, rivals: Sequence[Site], wanted: str | None) -> tuple[float | None, str | None, str]:
        """(minimum, figure, where from): the competitors' 40th percentile."""
        if not rivals:
            return None, wanted, "no competitors are named; --min-authority sets one"
        referrers = {one.name: self._referrers(one).domains for one in rivals}
        name = figure_name((each for some in referrers.values() for each in some), wanted)
        if name is None:
            return (
                None,
                wanted,
                "no referring domain of the competitors has a figure; linkledger authority gives some",
            )
        lowest: dict[str, float] = {}
        for rival, some in referrers.items():
            values = [value for one in some if (value := figure_of(one, name)) is not None]
            if (part := quantile(values, AUTHORITY_PART)) is not None:
                lowest[rival] = part
        least = quantile(lowest.values(), 0.5)
        return least, name, f"40th percentile of the referring domains of {', '.join(lowest)}"


def _why_not_counted(conn: Connection, of: Site) -> str:
    """Why the links known of a target may not be counted against another's; "" where they may."""
    names = backlinks_of(conn, of.target.domain if of.target.scope != "host" else of.name)
    if not names:
        return "no list holds its backlinks (crawl LIST --backlinks-of gives one)"
    asked = read = 0
    for name in names:
        listed = replace(
            of.chosen, filter=replace(of.chosen.filter, list_name=name), list_id=list_id_of(conn, name), sources=None
        )
        found = coverage(conn, listed)
        asked += found["asked"]
        read += found["fetched"] + found["partial"]
    if read < LEAST_READ * asked or not asked:
        return f"{read:,} of {asked:,} pages of its list of backlinks were read"
    return ""
