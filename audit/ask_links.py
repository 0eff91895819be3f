"""The source audit of one target, asked of a ledger: sums of its links, figures of authority, one page a domain read.

No anchor table is read, on any way: what the words of the links say is the other audit's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection

from audit.authority import crawl_share, is_blank, named, own_scale, standing
from audit.languages import language_of
from audit.link_audit import (
    AGES,
    BANDS,
    DAY,
    Confidence,
    Figure,
    LinkAudit,
    Referrer,
    Relevance,
    is_sitewide,
    months,
    quantiles,
    rank,
    spread,
)
from audit.profile import Profile, Thresholds
from audit.relevance import Collection, Document, PageText, Query, Reader, query_of, relevance
from audit.sections import section_of
from audit.topics import topics_of
from storage.authority import Scale, StoredFigure, figures, newest, scales
from storage.codes import PLACEMENTS
from storage.errors import UnknownName
from storage.evidence import OutLink
from storage.filters import Chosen
from storage.known_pages import known_pages
from storage.page_facts import PageFacts, facts_of_urls, page_facts
from storage.referrers import (
    ReferringDomain,
    best_pages,
    in_main,
    losses,
    referring_domains,
    spans,
)

JUDGED = 300
"""Referring domains of which a page is read, unless the user asks for more."""
_AT_ONCE = 200


def link_audit_of(
    conn: Connection,
    chosen: Chosen,
    profile: Profile,
    *,
    limit: int | None = 100,
    judge: int | None = JUDGED,
    now: int,
    target: str | None = None,
    figure: str | None = None,
    first_only: bool = False,
) -> LinkAudit:
    """Audit where the selected links come from.

    Args:
        limit: referring domains that are listed; None: all. Every sum is over all of them.
        judge: referring domains of which one page is read for relevance, topics and outlinks; None: all.
        now: what ages and recent losses are counted from, milliseconds UTC; an ``as_of`` of the filter comes first.
        target: as the answer names it.
        figure: name of the figure that authority goes by; None: the one that most referring domains have.
        first_only: the domains judged are the first ones alone, not a choice that speaks for all.
    Raises:
        UnknownName: the ledger has no figures of that name.
    """
    now = now if chosen.filter.as_of is None else chosen.filter.as_of
    limits = profile.thresholds
    found = referring_domains(conn, chosen)
    told = _Authority(conn, [one.id for one in found], limits, figure)
    found.sort(key=lambda one: rank(told.leading_figure(one.id), one.links, one.name))
    listed = found[:limit]
    large = [one.id for one in found if one.pages >= limits.sitewide_pages]
    known = known_pages(conn, {*large, *(one.id for one in listed)}, chosen.filter.as_of)
    sitewide = [one for one in found if is_sitewide(one.pages, known.get(one.id, 0), limits)]
    in_main_of = in_main(conn, chosen, [one.id for one in listed] if len(listed) < len(found) else None)
    stand = spans(conn, chosen, [now - days * DAY + 1 for _, days in AGES if days is not None])
    lost = losses(conn, chosen, now - 30 * DAY)
    order = [one.id for one in found]
    read = _Pages(conn, chosen, profile, order[:judge] if first_only else spread(order, judge)).read()
    bands = Counter(page.relevance.band for page in read.values())
    values = [of.value for one in found if (of := told.leading_figure(one.id)) and not of.lowest_first]
    causes = ("rel_nofollow", "rel_ugc", "rel_sponsored", "page_nofollow")
    return LinkAudit(
        target=target,
        scope=chosen.covered.scope,
        about=profile.shown(),
        links=sum(one.links for one in found),
        followed=sum(one.followed for one in found),
        causes={name: sum(getattr(one, name) for one in found) for name in causes},
        referring_pages=sum(one.pages for one in found),
        referring_hosts=sum(one.hosts for one in found),
        referring_domains=len(found),
        followed_domains=sum(one.followed > 0 for one in found),
        enough=len(found) >= limits.least_domains,
        placements=dict(zip(PLACEMENTS, stand.placements, strict=True)),
        indexable_pages=sum(one.indexable_pages for one in found),
        indexable_links=sum(one.indexable_links for one in found),
        sitewide_domains=len(sitewide),
        sitewide_links=sum(one.links for one in sitewide),
        ages={name: number for (name, _), number in zip(AGES, stand.ages, strict=True)},
        lost=lost.lost,
        lost_by_cause=lost.by_cause,
        lost_30=lost.recent,
        bands={band: bands[band] for band in BANDS},
        judged=len(read),
        scales=told.shown([one.id for one in found]),
        authority_quantiles=quantiles(values),
        domains=tuple(
            _referrer(one, in_main_of.get(one.id, 0), known.get(one.id, 0), told, limits, read.get(one.id))
            for one in listed
        ),
        by_month=months(one.first_seen for one in found),
        topics=dict(sorted(Counter(name for page in read.values() for name in page.topics).items())),
        why_unknown=dict(sorted(Counter(why for page in read.values() if (why := page.relevance.why_unknown)).items())),
        no_page=sum(page.external_links is None for page in read.values()),
        judged_spread=len(read) < len(found),
    )


def _referrer(
    one: ReferringDomain, main: int, known: int, told: _Authority, limits: Thresholds, page: _Judged | None
) -> Referrer:
    known_of = told.of(one.id)
    topics = page.topics if page else Counter()
    return Referrer(
        domain=one.name,
        links=one.links,
        followed=one.followed,
        pages=one.pages,
        known_pages=known,
        in_main=main,
        indexable=one.indexable_pages,
        sitewide=is_sitewide(one.pages, known, limits),
        first_seen=one.first_seen,
        last_seen=one.last_seen,
        figures=known_of.figures,
        referring_domains=known_of.referring_domains,
        relevance=page.relevance if page else None,
        external_links=page.external_links if page else None,
        topics=tuple(sorted(topics, key=lambda name: (-topics[name], name))),
        language=page.language if page else None,
        hosts=one.hosts,
        target=page.target if page else None,
        topic_links=dict(sorted(topics.items())),
        confidence=known_of.confidence,
        harmonic=known_of.harmonic,
        trust=known_of.trust,
    )


class _Standing(NamedTuple):
    """What is known of one domain's authority; fields as in `Referrer`."""

    figures: tuple[Figure, ...]
    """The leading one first."""
    referring_domains: int | None
    confidence: Confidence | None
    harmonic: float | None
    trust: float | None


class _Authority:
    """The figures of the referring domains, and which scale leads."""

    def __init__(self, conn: Connection, ids: Sequence[int], limits: Thresholds, wanted: str | None) -> None:
        self.scales = newest(scales(conn))
        self.own = own_scale(self.scales)
        self._stored = figures(conn, ids, of=self.scales) if self.scales else {}
        self._limits = limits
        self.covered = Counter(one.scale.id for some in self._stored.values() for one in some)
        usable = [one for one in self.scales if self.covered[one.id] and not self.blank(one)]
        if wanted is not None:
            if wanted not in [name for one in self.scales for name in (named(one), one.name)]:
                raise UnknownName("figure", wanted, tuple(map(named, self.scales)))
            usable = [one for one in usable if wanted in (named(one), one.name)]
        # A figure of 0 to 100 serves before a position in a ranking, which cannot be measured against a line.
        usable.sort(key=lambda one: (_lowest_first(one), -self.covered[one.id]))
        self.leading = usable[0].id if usable else None

    def blank(self, scale: Scale) -> bool:
        """Whether too little of the web around was crawled for the own score to say anything."""
        return is_blank(scale, self._limits.crawl_share)

    def leading_figure(self, id_: int) -> Figure | None:
        """By the scale that is sorted by."""
        if self.leading is None:
            return None
        return next((self._figure(one) for one in self._stored.get(id_, ()) if one.scale.id == self.leading), None)

    def of(self, id_: int) -> _Standing:
        """The figures of one domain, and what the own graph knows of it."""
        stored = self._stored.get(id_, ())
        shown = [self._figure(one) for one in stored if not self.blank(one.scale)]
        shown.sort(key=lambda one: not one.leads)
        known = standing(stored, self.own, least=self._limits.crawl_share)
        return _Standing(tuple(shown), known.referring_domains, known.confidence, known.harmonic, known.trust)

    def _figure(self, one: StoredFigure) -> Figure:
        return Figure(
            named(one.scale),
            one.value,
            one.dated[:10],
            one.kind == "own",
            one.scale.id == self.leading,
            _lowest_first(one.scale),
        )

    def shown(self, ids: Iterable[int]) -> tuple[Mapping[str, Any], ...]:
        """The scales, newest of each name; ``confidence``: referring domains by confidence in their own score."""
        sure: Counter[str] = Counter(one for id_ in ids if self.own and (one := self.of(id_).confidence) is not None)
        return tuple(
            {
                "name": named(one),
                "kind": one.kind,
                "dated": one.dated[:10],
                "domains": self.covered[one.id],
                "leads": one.id == self.leading,
                "lowest_first": _lowest_first(one),
                "blank": self.blank(one),
                "crawl_share": crawl_share(one) if one.kind == "own" else None,
                "confidence": dict(sorted(sure.items())) if one.kind == "own" else None,
            }
            for one in self.scales
        )


def _lowest_first(scale: Scale) -> bool:
    return bool(scale.about.get("lowest_first"))


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one page told."""

    relevance: Relevance
    external_links: int | None
    topics: Counter[str]
    language: str | None
    target: str


class _Pages:
    """Reads one page of each chosen domain, some at a time, and judges them when all are read."""

    def __init__(self, conn: Connection, chosen: Chosen, profile: Profile, domains: Sequence[int]) -> None:
        self.conn, self.chosen, self.profile = conn, chosen, profile
        self.as_of = chosen.filter.as_of
        self.best = best_pages(conn, chosen, domains)
        self.linked = {one.source_id: frozenset(one.targets) for one in self.best.values()}

    def read(self) -> dict[int, _Judged]:
        """By id of the domain, in the order they were chosen."""
        queries, own_texts = self._queries()
        reader = Reader(queries.values())
        own = {name: reader.document(text) for name, text in own_texts.items()}
        documents: dict[int, Document] = {}
        told: dict[int, tuple[int | None, Counter[str]]] = {}
        languages: dict[int, str | None] = {}
        pages = [one.source_id for one in self.best.values()]
        for start in range(0, len(pages), _AT_ONCE):
            some = pages[start : start + _AT_ONCE]
            facts = page_facts(self.conn, some, self.as_of)
            for source in some:
                page = facts.get(source)
                documents[source] = reader.document(self._text(source, page))
                languages[source] = documents[source].language
                told[source] = _outlinks(page)
        among = Collection([*documents.values(), *own.values()])
        found = {}
        for id_, best in self.best.items():
            name = best.targets[0]
            judged = relevance(
                queries[name],
                documents[best.source_id],
                own.get(name),
                among,
                self.profile.thresholds,
                source=best.url,
            )
            found[id_] = _Judged(judged, *told[best.source_id], languages[best.source_id], name)
        return found

    def _queries(self) -> tuple[dict[str, Query], dict[str, PageText]]:
        """By URL linked to: what tells what it is about, and its own page where it was read."""
        urls = sorted({one.targets[0] for one in self.best.values()})
        spelled = {name: _spellings(name) for name in urls}
        facts = facts_of_urls(self.conn, {one for some in spelled.values() for one in some}, self.as_of)
        queries, texts = {}, {}
        for name in urls:
            section = section_of(self.profile, name)
            page = next((facts[one] for one in spelled[name] if one in facts), None)
            title = page.title if page is not None else section.title
            h1: tuple[str, ...] = page.h1[:1] if page is not None else (section.h1,) if section.h1 else ()
            codes = section.languages or self.profile.languages
            spoken = language_of(page.lang) if page is not None else None
            if not codes and spoken is not None:
                codes = (spoken,)
            queries[name] = query_of((*section.keywords, *((title,) if title else ()), *h1), codes)
            if page is not None:
                texts[name] = PageText(
                    name, page.title or "", "\n".join((*page.h1, *page.h2)), page.text or "", language=spoken
                )
        return queries, texts

    def _text(self, source: int, page: PageFacts | None) -> PageText:
        if page is None:
            return PageText("")
        here = [one for one in page.links or () if one.target in self.linked[source]]
        shown = [one for one in here if one.source == "text"]
        best = min(here, key=_order, default=None)
        return PageText(
            page.url,
            page.title or "",
            "\n".join((*page.h1, *page.h2)),
            page.text or "",
            "" if best is None else f"{best.before}\n{best.after}",
            language_of(page.lang),
            tuple(one.words for one in shown),
            tuple(one.words for one in shown if _in_heading(one)),
        )


def _spellings(url: str) -> tuple[str, ...]:
    """URLs under which the page may have been read: as linked, else with the other scheme, host or final slash."""
    _, _, rest = url.partition("://")
    bare = rest.removeprefix("www.")
    path, mark, query = bare.partition("?")
    other = path[:-1] if path.endswith("/") and path.count("/") > 1 else path + "/" if not path.endswith("/") else path
    ways = [f"{scheme}://{host}{end}" for end in dict.fromkeys((bare, f"{other}{mark}{query}"))
            for scheme in ("https", "http") for host in ("", "www.")]  # fmt: skip
    return tuple(dict.fromkeys((url, *ways)))


def _order(link: OutLink) -> tuple[bool, bool]:
    return not link.followed, link.placement != "main"  # of equal ones the first in the document


def _in_heading(link: OutLink) -> bool:
    return any(step.partition("[")[0].partition(".")[0] in ("h1", "h2") for step in link.path.split("/"))


def _outlinks(page: PageFacts | None) -> tuple[int | None, Counter[str]]:
    """External links of a page, and how many of them speak of which commercial topic."""
    if page is None or page.links is None:
        return None, Counter()
    external = [one for one in page.links if not one.internal]
    return len(external), topics_of(f"{one.words} {one.host}" for one in external)
