"""A source audit as answers show it: rows and keys for programs, a screen for people.   (pure)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.link_audit import BANDS, LinkAudit, Referrer
from audit.profile import Profile
from cli.render import Answer
from storage.times import to_iso

ROW = (
    "domain", "authority", "rank", "confidence", "referring_domains", "trust", "harmonic", "relevance",
    "band", "links", "followed", "pages", "hosts", "known_pages", "indexable", "in_main", "sitewide", "external_links",
    "topics", "language", "matched", "judged_page", "judged_target", "why_unknown", "first_seen", "last_seen",
    "figures",
)  # fmt: skip
_AFTER = ("band", "links", "followed", "in_main", "external_links", "first_seen")
_CAUSES = {
    "rel_nofollow": "rel=nofollow", "rel_ugc": "rel=ugc", "rel_sponsored": "rel=sponsored",
    "page_nofollow": "the page as a whole",
}  # fmt: skip
_AGES = {
    "under_30_days": "under 30 days", "30_to_90_days": "30 to 90 days", "90_to_365_days": "90 days to a year",
    "1_to_2_years": "1 to 2 years", "over_2_years": "over 2 years",
}  # fmt: skip


def row_of(one: Referrer) -> dict[str, Any]:
    """A referring domain as one row."""
    judged, figure = one.relevance, one.shown_figure
    return {
        "domain": one.domain,
        "authority": one.authority,
        "rank": figure.value if figure is not None and figure.lowest_first else None,
        "confidence": one.confidence,
        "referring_domains": one.referring_domains,
        "trust": one.trust,
        "harmonic": one.harmonic,
        "relevance": None if judged is None else judged.score,
        "band": None if judged is None else judged.band,
        "links": one.links,
        "followed": one.followed,
        "pages": one.pages,
        "hosts": one.hosts,
        "known_pages": one.known_pages,
        "indexable": one.indexable,
        "in_main": one.in_main,
        "sitewide": one.sitewide,
        "external_links": one.external_links,
        "topics": dict(one.topic_links),
        "language": one.language,
        "matched": [] if judged is None else list(judged.matched),
        "judged_page": None if judged is None else judged.source,
        "judged_target": one.target,
        "why_unknown": None if judged is None else judged.why_unknown,
        "first_seen": to_iso(one.first_seen),
        "last_seen": to_iso(one.last_seen),
        "figures": [
            {"name": of.name, "value": of.value, "dated": of.dated, "own": of.own, "lowest_first": of.lowest_first}
            for of in one.figures
        ],
    }


def screen_row(one: Referrer) -> dict[str, Any]:
    """The same for a table."""
    return row_of(one) | {"band": "not judged" if one.relevance is None else one.relevance.band}


def screen_columns(audit: LinkAudit) -> tuple[str, ...]:
    """What a table shows of each referring domain: a figure of authority only where there is one."""
    leading = next((scale for scale in audit.scales if scale["leads"]), None)
    if leading is not None:
        return "domain", "rank" if leading["lowest_first"] else "authority", *_AFTER
    # Where too little was crawled for a score, the number of known referring domains speaks.
    if any(one.referring_domains is not None for one in audit.domains):
        return "domain", "referring_domains", *_AFTER
    return "domain", *_AFTER


def shown_audit(audit: LinkAudit) -> dict[str, Any]:
    """All but the referring domains, for JSON; numbers are not rounded."""
    plain = (
        "target", "scope", "about", "links", "followed", "causes", "referring_pages", "referring_hosts",
        "referring_domains", "followed_domains", "enough", "placements", "indexable_pages", "indexable_links",
        "sitewide_domains", "sitewide_links", "ages", "lost", "lost_by_cause", "lost_30", "judged", "judged_spread",
        "no_page", "bands", "why_unknown", "topics", "scales", "authority_quantiles",
    )  # fmt: skip
    by_month = [{"month": month, "domains": number} for month, number in audit.by_month]
    return {**{name: getattr(audit, name) for name in plain}, "by_month": by_month}


def heading(audit: LinkAudit) -> str:
    """From how many places they come, and how many of them are followed."""
    many = f"{audit.referring_domains:,} referring {_s('domain', audit.referring_domains)}"
    return f"{many}; {audit.followed / audit.links:.1%} followed" if audit.links else many


def below(audit: LinkAudit, profile: Profile) -> tuple[Answer, ...]:
    """What a terminal shows under the referring domains."""
    if not audit.links:
        return ()
    parts = (
        ("Followed", _followed(audit)),
        ("Where on the page", _placed(audit)),
        ("Age and loss (dates are those of our crawls)", _aged(audit)),
        ("Relevance of the linking pages", _relevance(audit, profile)),
        ("Commercial topics among the other links of these pages", _topics(audit)),
        ("Authority", _authority(audit)),
        ("Method", _method(audit, profile)),
    )
    return tuple(Answer("lines", [{}], (), heading=name, notes=lines, single=True) for name, lines in parts if lines)


def _followed(audit: LinkAudit) -> tuple[str, ...]:
    causes = [f"{_CAUSES[name]} {number:,}" for name, number in audit.causes.items() if number]
    why = f"; not followed by {', '.join(causes)}" if causes else ""
    domains = f"{_part(audit.followed_domains, audit.referring_domains)} of referring domains"
    return (f"{_part(audit.followed, audit.links)} of links, {domains}{why}",)


def _placed(audit: LinkAudit) -> tuple[str, ...]:
    most = sorted(audit.placements.items(), key=lambda one: (-one[1], one[0]))
    where = ", ".join(f"{name} {_part(number, audit.links)}" for name, number in most if number)
    limits = (
        f"on pages that may be indexed: {_part(audit.indexable_links, audit.links)} of links, "
        f"{_part(audit.indexable_pages, audit.referring_pages)} of pages"
    )
    if not audit.sitewide_domains:
        return where, limits, "sitewide: none"
    number = audit.sitewide_domains
    return (
        where,
        limits,
        f"sitewide: {number:,} {_s('domain', number)} with {_part(audit.sitewide_links, audit.links)} of links; "
        "count each once",
    )


def _aged(audit: LinkAudit) -> tuple[str, ...]:
    known = ", ".join(f"{_AGES[name]} {_part(number, audit.links)}" for name, number in audit.ages.items() if number)
    if not audit.lost:
        return known, "lost: none so far"
    causes = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in audit.lost_by_cause.items())
    return known, f"lost: {audit.lost:,} so far ({causes}), {audit.lost_30:,} of them in the last 30 days"


def _relevance(audit: LinkAudit, profile: Profile) -> tuple[str, ...]:
    if not audit.judged:
        return ("no page was judged",)
    bands = ", ".join(f"{band} {audit.bands[band]:,}" for band in BANDS if audit.bands.get(band))
    lines = [f"one page of {_judged(audit)}: {bands}"]
    if audit.why_unknown:
        most = sorted(audit.why_unknown.items(), key=lambda one: (-one[1], one[0]))[:3]
        why = "; ".join(f"{reason} ({number:,})" for reason, number in most)
        lines.append(f"unknown is not irrelevant: {why}")
    return tuple(lines)


def _judged(audit: LinkAudit) -> str:
    if not audit.judged_spread:
        return f"each of {audit.judged:,} referring {_s('domain', audit.judged)}"
    return f"{audit.judged:,} of {audit.referring_domains:,} referring domains (--judge all reads one of each)"


def _topics(audit: LinkAudit) -> tuple[str, ...]:
    read = audit.judged - audit.no_page
    if not read:
        return ("not known: no page was read, or nothing of it is kept",) if audit.judged else ()
    if not audit.topics:
        return (f"none on {read:,} {_s('page', read)}",)
    most = sorted(audit.topics.items(), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in most)
    return (f"of {read:,} {_s('page', read)}: {named}",)


def _authority(audit: LinkAudit) -> tuple[str, ...]:
    if not audit.scales:
        return (
            "no figures: `linkledger authority import` takes those you have, `linkledger authority build` makes an "
            "own score",
        )
    return tuple(_scale(scale, audit) for scale in audit.scales)


def _scale(scale: Mapping[str, Any], audit: LinkAudit) -> str:
    known = f"{scale['domains']:,} of {audit.referring_domains:,} referring domains have a figure"
    said = f"{scale['name']} ({scale['dated']}): {known}"
    if scale["crawl_share"] is not None:
        said += f"; {scale['crawl_share']:.1%} of the known domains crawled"
    if scale["confidence"]:
        said += f", confidence {', '.join(f'{name} {number:,}' for name, number in scale['confidence'].items())}"
    if scale["blank"]:
        said += "; too little for a score, which is left blank: go by referring domains"
    elif scale["leads"]:
        said += "; the table is sorted by it"
        middle = audit.authority_quantiles.get("p50")
        if middle is not None:
            low, high = audit.authority_quantiles["p25"], audit.authority_quantiles["p75"]
            said += f"; median {middle:.4g}, half of them {low:.4g} to {high:.4g}"
    if scale["lowest_first"]:
        said += "; a position, 1 is the first"
    return said


def _method(audit: LinkAudit, profile: Profile) -> tuple[str, ...]:
    lines = [
        "band: how much the linking page is about what the target is about, without the words of the link; high from "
        f"{profile.thresholds.relevance_high:g}, some from {profile.thresholds.relevance_some:g} of the target "
        "page's own score (heuristics)",
    ]
    if not audit.enough:
        least = profile.thresholds.least_domains
        lines.append(f"too little data for a verdict: {audit.referring_domains:,} referring domains, it needs {least}")
    return tuple(lines)


def _part(count: int, of: int) -> str:
    return f"{count:,} ({count / of:.1%})" if of else f"{count:,}"


def _s(name: str, number: int) -> str:
    return name if number == 1 else f"{name}s"
