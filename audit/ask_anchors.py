"""The anchor audit of one target, asked of a ledger: what is judged, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from audit import anchor_sums as sums
from audit.anchor_audit import (
    AnchorAudit,
    Breakdown,
    JudgedAnchor,
    Repeated,
    Sitewide,
    Velocity,
)
from audit.anchor_class import CLASSES, MONEY
from audit.anchor_shares import CLASS_PLACE, distribution, medians_of
from audit.anchor_sums import Ints, Mask
from audit.judged_anchors import FLAGS, Judged, Judges, classify, gather
from audit.measures import concentration as concentrated
from audit.measures import divergence, entropy, evenness
from audit.profile import Profile
from audit.repeated import MOST_JOINED, NO_BRAND, joined, stems_in
from audit.signs import signs
from audit.velocity import velocity
from storage import by_id
from storage.anchor_rows import AnchorFilter
from storage.anchor_uses import Part
from storage.codes import ANY_PAGE, PLACEMENTS, REL_BITS
from storage.filters import Chosen
from storage.known_pages import known_pages

_MONEY = [CLASS_PLACE[name] for name in CLASSES if name in MONEY]
_NO_BRAND = [CLASS_PLACE[name] for name in CLASSES if name in NO_BRAND]


def anchor_audit_of(
    conn: Connection,
    chosen: Chosen,
    profile: Profile,
    *,
    limit: int | None = 100,
    by: Part | None = None,
    words: AnchorFilter | None = None,
    target: str | None = None,
    rivals: Mapping[str, AnchorAudit] | None = None,
) -> AnchorAudit:
    """Judge the anchors of the selected links, one each, and count them.

    Args:
        limit: most anchors, sitewide groups, repeated wordings and parts that are listed; None for all. It changes no
            count.
        by: break the distribution down by this.
        target: how the answer names it.
        rivals: audits of the competitors under the same filter; those without enough data are only named.
    """
    judged = classify(gather(conn, chosen, profile, by=by, words=words), profile)
    return audit_of_judged(conn, chosen, profile, judged, limit=limit, by=by, target=target, rivals=rivals)


def audit_of_judged(
    conn: Connection,
    chosen: Chosen,
    profile: Profile,
    judged: Judged,
    *,
    limit: int | None = 100,
    by: Part | None = None,
    target: str | None = None,
    rivals: Mapping[str, AnchorAudit] | None = None,
) -> AnchorAudit:
    """Count what is judged: all of `anchor_audit_of` but reading and judging."""
    rows, bounds = judged.of.rows, profile.thresholds
    classes, wordings = judged.classes, judged.of.wordings
    found, views = distribution(rows.page, rows.domain, classes)
    enough = len(rows.domains) >= bounds.least_domains
    groups = _Groups(judged, classes, wordings)
    repeated = _repeated(judged, groups, profile)
    speed, why_none = _velocity(judged, classes)
    known = {name: one for name, one in (rivals or {}).items() if one.enough}
    medians = medians_of([one.classes for one in known.values()])
    by_links = [one.share_links for one in found]
    by_domains = [one.share_domains_split for one in found]
    named = {one.name: one for one in (*views, *found)}  # `other` is a class first
    return AnchorAudit(
        target=target,
        scope=chosen.covered.scope,
        about=profile.shown(),
        links=len(rows),
        referring_pages=len(rows.pages),
        referring_domains=len(rows.domains),
        distinct_anchors=len(judged.of.folds),
        enough=enough,
        classes=found,
        views=views,
        flags=_flags(judged),
        entropy_links=entropy(by_links),
        entropy_domains=entropy(by_domains),
        evenness_links=evenness(by_links),
        evenness_domains=evenness(by_domains),
        concentration_links=concentrated(by_links),
        concentration_domains=concentrated(by_domains),
        anchor_concentration_links=sums.concentration(wordings),
        anchor_concentration_domains=sums.split_concentration(wordings, rows.domain),
        anchors=tuple(groups.shown(conn, profile, limit)),
        sitewide=_sitewide(conn, chosen, profile, judged, classes, limit),
        repeated=repeated[:limit],
        velocity=speed,
        no_velocity=why_none,
        signs=signs(named, repeated, speed, medians, bounds) if enough else (),
        by=_parts(conn, judged, classes, by, limit) if by is not None else (),
        medians=medians,
        view_medians=medians_of([one.views for one in known.values()]),
        divergences={
            name: divergence(by_domains, [rival.share(one.name).share_domains_split for one in found])
            for name, rival in known.items()
            if rows.domains.size
        },
        thin={name: one.referring_domains for name, one in (rivals or {}).items() if not one.enough},
    )


def _flags(judged: Judged) -> dict[str, int]:
    links = np.bincount(judged.of.unit, minlength=len(judged.of.units))
    return {name: int(links[(judged.unit_flags >> place) & 1 == 1].sum()) for place, name in enumerate(FLAGS)}


class _Groups:
    """Anchors as they are listed: spellings that fold alike and were judged alike are one."""

    def __init__(self, judged: Judged, classes: Ints, wordings: Ints) -> None:
        rows = judged.of.rows
        self.judged, self.gathered = judged, judged.of
        self.of, first = sums.packed(wordings, classes)
        self.wording, self.classes = wordings[first], classes[first]
        self.links = np.bincount(self.of, minlength=len(first))
        self.pages = sums.tally(self.of, len(first), rows.page)
        self.domains = sums.tally(self.of, len(first), rows.domain)

    def best(self, places: Ints, limit: int | None) -> list[int]:
        """The most used of some groups first: by domains, links, then text and class."""
        folds = self.gathered.folds
        if limit is not None and len(places) > limit:
            ranks = np.lexsort((-self.links[places], -self.domains[places]))
            if not limit:
                return []
            last = places[ranks[limit - 1]]
            as_many = (self.domains[places] == self.domains[last]) & (self.links[places] >= self.links[last])
            places = places[(self.domains[places] > self.domains[last]) | as_many]

        def key(place: int) -> tuple[int, int, str, int]:
            return -int(self.domains[place]), -int(self.links[place]), folds[self.wording[place]], self.classes[place]

        return sorted(places.tolist(), key=key)[:limit]

    def shown(self, conn: Connection, profile: Profile, limit: int | None) -> list[JudgedAnchor]:
        gathered, rows = self.gathered, self.gathered.rows
        order = self.best(np.arange(len(self.links)), limit)
        units = self.commonest(order)
        wanted = np.full(len(self.links), -1, np.int64)
        wanted[order] = np.arange(len(order))
        first = np.full(len(order), np.iinfo(np.int64).max)
        at = wanted[self.of]
        np.minimum.at(first, at[at >= 0], rows.first_seen[at >= 0])
        judges = Judges(profile)
        found = []
        for place, group in enumerate(order):
            _, text, source, _, _ = gathered.asked(units[group])
            verdict = judges.judge(gathered, units[group])
            found.append(
                JudgedAnchor(
                    anchor=text,
                    anchor_class=verdict.anchor_class,
                    source=source,
                    rule=verdict.rule,
                    because=verdict.because,
                    flags=tuple(name for name in FLAGS if name in verdict.flags),
                    links=int(self.links[group]),
                    pages=int(self.pages[group]),
                    domains=int(self.domains[group]),
                    first_seen=int(first[place]),
                )
            )
        return found

    def commonest(self, groups: Sequence[int]) -> dict[int, int]:
        """Of each group the unit with most links; of equally common ones the first by text and origin."""
        gathered = self.gathered
        of_unit = self.of[gathered.units]
        links = np.bincount(gathered.unit, minlength=len(gathered.units))
        wanted = np.zeros(len(self.links), np.bool_)
        wanted[list(groups)] = True
        best: dict[int, tuple[Any, ...]] = {}
        for unit in np.flatnonzero(wanted[of_unit]).tolist():
            group = int(of_unit[unit])
            section, text, source, has_image, language = gathered.asked(unit)
            mine = (-int(links[unit]), text, source, has_image, section, language or "", unit)
            best[group] = min(best.get(group, mine), mine)
        return {group: one[-1] for group, one in best.items()}


def _repeated(judged: Judged, groups: _Groups, profile: Profile) -> tuple[Repeated, ...]:
    """Wordings of several referring domains that are no brand, most used first."""
    some = groups.best(np.flatnonzero(np.isin(groups.classes, _NO_BRAND)), MOST_JOINED)
    stems = stems_in((*profile.languages, "en")[0])
    numbers = joined([judged.of.folds[groups.wording[group]] for group in some], stems)
    number_of = np.full(len(groups.links), -1, np.int64)
    number_of[some] = numbers
    of = number_of[groups.of]
    rows = judged.of.rows
    domains = sums.tally(of[of >= 0], len(some), rows.domain[of >= 0])
    links = np.bincount(of[of >= 0], minlength=len(some))
    spellings = np.bincount(np.asarray(numbers, np.int64), minlength=len(some))
    kept = [number for number in sorted(set(numbers)) if domains[number] > 1]
    kept.sort(key=lambda number: (-int(domains[number]), -int(links[number]), number))
    units = groups.commonest([some[number] for number in kept])
    return tuple(
        Repeated(
            anchor=judged.of.asked(units[some[number]])[1],
            anchor_class=CLASSES[groups.classes[some[number]]],
            spellings=int(spellings[number]),
            links=int(links[number]),
            domains=int(domains[number]),
            share_domains=int(domains[number]) / len(rows.domains),
        )
        for number in kept
    )


def _sitewide(
    conn: Connection, chosen: Chosen, profile: Profile, judged: Judged, classes: Ints, limit: int | None
) -> tuple[Sitewide, ...]:
    rows, bounds = judged.of.rows, profile.thresholds
    some = sums.widespread(rows, judged.of.wordings, bounds.sitewide_pages)
    ids = {int(rows.domains[one.domain]) for one in some}
    known = known_pages(conn, ids, chosen.filter.as_of)
    kept = [
        one
        for one in some
        if one.pages >= bounds.sitewide_share * known.get(int(rows.domains[one.domain]), 0)
    ]  # fmt: skip
    names = by_id.domains(conn, {int(rows.domains[one.domain]) for one in kept})
    urls = by_id.urls(conn, {int(rows.targets[one.target]) for one in kept})
    found = [
        Sitewide(
            domain=names[int(rows.domains[one.domain])],
            anchor=judged.of.folds[one.wording],
            anchor_class=CLASSES[classes[one.row]],
            target=urls[int(rows.targets[one.target])],
            pages=one.pages,
            known_pages=max(known.get(int(rows.domains[one.domain]), 0), one.pages),
            links=one.links,
        )
        for one in kept
    ]
    return tuple(sorted(found, key=lambda one: (-one.pages, one.domain, one.target, one.anchor))[:limit])


def _velocity(judged: Judged, classes: Ints) -> tuple[Velocity | None, str | None]:
    if judged.of.watched is None:
        return None, "no linking page was read twice, so nothing could be seen to arrive"
    rows = judged.of.rows
    money: Mask = np.isin(classes, _MONEY)
    arrived: Mask = (rows.kind & 1) == 1
    seen_from, seen_to = judged.of.watched
    return (
        velocity(
            sums.first_arrivals(rows, money).tolist(),
            arrived=int(arrived.sum()),
            money_arrived=int((arrived & money).sum()),
            seen_from=seen_from,
            seen_to=seen_to,
        ),
        None,
    )


# --- parts -------------------------------------------------------------------------------------------


def _parts(conn: Connection, judged: Judged, classes: Ints, by: Part, limit: int | None) -> tuple[Breakdown, ...]:
    rows = judged.of.rows
    found = []
    for name, of in _masks(conn, judged, by, limit):
        page, domain = rows.page[of], rows.domain[of]
        if not len(page):
            continue
        part, _ = distribution(page, domain, classes[of])
        found.append(Breakdown(name, len(page), len(sums.distinct(domain)), part))
    return tuple(found)


def _masks(conn: Connection, judged: Judged, by: Part, limit: int | None) -> list[tuple[str, Mask]]:
    """Parts by name and their rows, largest first (months in their order); links of several rel tokens are in
    several."""
    rows = judged.of.rows
    names: dict[int, str]
    if by == "rel":
        bits = {"followed": None, **REL_BITS, "page_nofollow": ANY_PAGE}
        found = [(name, rows.part == 0 if bit is None else (rows.part & bit) != 0) for name, bit in bits.items()]
        return [one for one in found if one[1].any()]
    if by == "placement":
        number, names = rows.part, {place: str(name) for place, name in enumerate(PLACEMENTS)}
    elif by == "language":
        number, names = judged.of.language[rows.page], dict(enumerate(judged.of.languages))
    elif by == "first-seen":
        months = rows.first_seen.astype("datetime64[ms]").astype("datetime64[M]")
        distinct, number = np.unique(months, return_inverse=True)
        return [(str(month), number == place) for place, month in enumerate(distinct)]
    else:
        number = rows.target
        names = {}
    counts = np.bincount(number)
    used = np.flatnonzero(counts)
    if by == "target":
        if limit is not None and len(used) > limit:
            least = np.sort(counts[used])[-limit] if limit else np.iinfo(np.int64).max
            used = used[counts[used] >= least]
        urls = by_id.urls(conn, {int(rows.targets[place]) for place in used})
        names = {int(place): urls[int(rows.targets[place])] for place in used}
    order = sorted(used.tolist(), key=lambda place: (-int(counts[place]), names[place]))[:limit]
    return [(names[place], number == place) for place in order]
