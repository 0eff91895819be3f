"""An anchor audit as answers show it: rows and keys for programs, a screen for people.   (pure)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from audit.anchor_audit import AnchorAudit, ClassShare
from audit.anchor_class import CLASSES
from audit.profile import Profile
from cli.render import Answer
from storage.times import to_iso

ROW = (
    "class", "domains", "share_domains_split", "share_low", "share_high", "links", "share_links", "share_gap",
    "share_median", "pages", "share_pages_split",
)  # fmt: skip
OF_EACH_CLASS = 3
"""Anchors that a table shows of each class."""
_ANCHORS = ("class", "anchor", "domains", "links", "rule")
_SITEWIDE = ("domain", "anchor", "class", "pages", "known_pages")
_REPEATED = ("anchor", "class", "spellings", "domains", "share_domains", "links")
SCREEN = ("class", "domains", "share_domains_split", "interval", "links", "share_links", "share_gap")
_VELOCITY_NOTE = "dates are those of our crawls: words are first seen when their page is first read with them"


def class_row(one: ClassShare, medians: Mapping[str, float]) -> dict[str, Any]:
    """A class or view as one row."""
    return {
        "class": one.name,
        "domains": one.domains,
        "share_domains_split": one.share_domains_split,
        "share_low": None if one.interval is None else one.interval.low,
        "share_high": None if one.interval is None else one.interval.high,
        "links": one.links,
        "share_links": one.share_links,
        "share_gap": one.gap,
        "share_median": medians.get(one.name),
        "pages": one.pages,
        "share_pages_split": one.share_pages_split,
    }


def screen_row(one: ClassShare, medians: Mapping[str, float]) -> dict[str, Any]:
    """The same for a table, where the interval is one cell."""
    between = "" if one.interval is None else f"{one.interval.low * 100:.1f}-{one.interval.high:.1%}"
    return {**class_row(one, medians), "interval": between}


def shown_audit(audit: AnchorAudit) -> dict[str, Any]:
    """All but the classes, for JSON; numbers are not rounded."""
    plain = (
        "target", "scope", "about", "links", "referring_pages", "referring_domains", "distinct_anchors", "enough",
        "flags", "entropy_links", "entropy_domains", "evenness_links", "evenness_domains", "concentration_links",
        "concentration_domains", "anchor_concentration_links", "anchor_concentration_domains", "medians",
        "divergences", "thin",
    )  # fmt: skip
    speed = audit.velocity
    return {
        **{name: getattr(audit, name) for name in plain},
        "views": [class_row(one, audit.view_medians) for one in audit.views],
        "signs": [asdict(one) for one in audit.signs],
        "anchors": [_anchor_row(asdict(one)) for one in audit.anchors],
        "sitewide": [_renamed(asdict(one)) for one in audit.sitewide],
        "repeated": [_renamed(asdict(one)) for one in audit.repeated],
        "velocity": None
        if speed is None
        else asdict(speed)
        | {
            "seen_from": to_iso(speed.seen_from),
            "seen_to": to_iso(speed.seen_to),
            "per_day": [{"date": date, "domains": number} for date, number in speed.per_day],
        },
        "no_velocity": audit.no_velocity,
        "by": [
            {
                "part": one.part,
                "links": one.links,
                "domains": one.domains,
                "classes": [class_row(share, {}) for share in one.classes if share.links],
            }
            for one in audit.by
        ],
    }


def below(audit: AnchorAudit, profile: Profile, limit: int | None, *, whole: bool) -> tuple[Answer, ...]:
    """What a terminal shows under the classes.

    Args:
        limit: most rows of a list.
        whole: list the anchors in their order, not the first of each class.
    """
    if not audit.links:
        return ()
    parts = [_text("Signs (heuristics, not verdicts)", _signs(audit, profile))]
    if whole:
        rows = [_anchor_row(asdict(one)) for one in audit.anchors]
        parts.append(_table("Anchors", rows, _ANCHORS, audit.distinct_anchors))
    else:
        heading = "Anchors, the first of each class" + (
            f" ({audit.distinct_anchors:,} in all; --limit N lists N)" if audit.distinct_anchors > 1 else ""
        )
        parts.append(_table(heading, _of_each_class(audit), _ANCHORS))
    parts.append(_table("Views", [screen_row(one, {}) for one in audit.views], SCREEN))
    for one in audit.by:
        heading = f"{one.part or '(unknown)'}: {one.links:,} links, {one.domains:,} referring domains"
        parts.append(_table(heading, [screen_row(share, {}) for share in one.classes if share.links], SCREEN))
    if audit.sitewide:
        found = [_renamed(asdict(one)) for one in audit.sitewide[:limit]]
        parts.append(_table("Sitewide: one use, however many pages", found, _SITEWIDE, len(audit.sitewide)))
    if audit.repeated:
        found = [_renamed(asdict(one)) for one in audit.repeated[:5]]
        parts.append(_table("Most repeated, brands left out, near-duplicates joined", found, _REPEATED))
    parts.append(_text("Velocity of money anchors", _velocity(audit)))
    parts.append(_text("Method", _method(audit)))
    return tuple(parts)


def _table(heading: str, rows: list[dict[str, Any]], columns: tuple[str, ...], total: int | None = None) -> Answer:
    return Answer("rows", rows, columns, heading=heading, total=total if total and total > len(rows) else None)


def _text(heading: str, lines: tuple[str, ...]) -> Answer:
    """A paragraph is a table without columns."""
    return Answer("lines", [{}], (), heading=heading, notes=lines, single=True)


def _signs(audit: AnchorAudit, profile: Profile) -> tuple[str, ...]:
    if not audit.enough:
        least = profile.thresholds.least_domains
        return (f"too little data: {audit.referring_domains:,} referring domains, and a verdict needs {least}",)
    if not audit.signs:
        return ("none: no measure is above its threshold",)
    return tuple(f"{one.level}: {one.said} [{one.evidence}]" for one in audit.signs)


def _of_each_class(audit: AnchorAudit) -> list[dict[str, Any]]:
    rows = []
    for name in CLASSES:
        of_class = (one for one in audit.anchors if one.anchor_class == name)
        rows += [_anchor_row(asdict(one)) for one in islice(of_class, OF_EACH_CLASS)]
    return rows


def _anchor_row(row: dict[str, Any]) -> dict[str, Any]:
    return _renamed(row) | {"first_seen": to_iso(row["first_seen"]), "flags": list(row["flags"])}


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    return {"class" if name == "anchor_class" else name: value for name, value in row.items()}


def _velocity(audit: AnchorAudit) -> tuple[str, ...]:
    speed = audit.velocity
    if speed is None:
        return (audit.no_velocity or "not known",)
    said = (
        f"{speed.arrived:,} anchors arrived on pages read before, between {_day(speed.seen_from)} and "
        f"{_day(speed.seen_to)}; {speed.money_domains:,} referring domains are new with a money anchor"
    )
    if speed.money_part is not None:
        said += f"; {speed.money_part:.1%} of what arrived is money anchors"
    if speed.days_of_80_percent is not None:
        said += f"; 80 % of these domains came within {_days(speed.days_of_80_percent)}"
    last = f"last 30 days: {speed.last_30:,}"
    if speed.before_180_per_30 is None or speed.p is None:
        last += "; what is usual is not known, as the 180 days before were not watched"
    else:
        last += f", usual: {speed.before_180_per_30:.1f} (p = {speed.p:.2g})"
    return said, last, _VELOCITY_NOTE


def _days(number: int) -> str:
    return f"{number:,} day{'' if number == 1 else 's'}"


def _day(at: int) -> str:
    return (to_iso(at) or "")[:10]


def _method(audit: AnchorAudit) -> tuple[str, ...]:
    lines = [
        "share_domains_split: a referring domain that uses k classes gives 1/k to each, so these shares add up to 1; "
        "share_low and share_high: 95 % Wilson interval",
        f"classes by links / by domains: entropy {audit.entropy_links:.4f} / {audit.entropy_domains:.4f} bits "
        f"({audit.evenness_links:.4f} / {audit.evenness_domains:.4f} of the most), concentration (HHI) "
        f"{audit.concentration_links:.4f} / {audit.concentration_domains:.4f}; of {audit.distinct_anchors:,} distinct "
        f"anchors {audit.anchor_concentration_links:.4f} / {audit.anchor_concentration_domains:.4f}",
    ]
    flags = [f"{number:,} {name}" for name, number in audit.flags.items() if number]
    if flags:
        lines.append(f"links by flag: {', '.join(flags)}")
    if audit.divergences:
        far = ", ".join(f"{name} {value:.4f}" for name, value in audit.divergences.items())
        lines.append(f"divergence of the classes from those of competitors (0 alike, 1 nothing in common): {far}")
    if audit.thin:
        few = ", ".join(f"{name} ({number:,})" for name, number in audit.thin.items())
        lines.append(f"not compared with, as they have too few referring domains: {few}")
    return tuple(lines)
