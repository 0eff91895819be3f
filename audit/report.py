"""The report on one target: both audits, what they say together, and how they came to be, in one value.

`report_of` asks for it, `plain` makes numbers and words of it that JSON can carry. The page (`audit.report_page`) is
written from those alone, so that both always say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.anchor_audit import AnchorAudit, ClassShare
from audit.compare import Comparison, Measure, Side, compare
from audit.link_audit import LinkAudit, Referrer
from audit.measures import Interval
from audit.rivals import keywords_of
from storage.times import to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from audit.matrix import Matrix
    from audit.profile import Profile
    from storage.filters import Chosen

FORMAT = 1
"""Number of the form of the JSON; another one where a field was renamed or left out."""
ANCHORS, DOMAINS, JUDGED, MATRIX_ROWS = 500, 500, 300, 200
RIVALS_JUDGED = 100
"""Referring domains of each competitor of which a page is judged."""
NO_KEYWORDS = (
    "The profile names no keywords, so no anchor can be exact, partial or brand with keyword: their 0% says nothing."
)
_TIMES = frozenset(("first_seen", "last_seen", "seen_from", "seen_to"))


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report says."""

    target: str | None
    scope: str
    made_at: int
    """Milliseconds since 1970, UTC: passed in, no clock is read."""
    version: str
    """Of linkledger."""
    about: Mapping[str, object]
    """`Profile.shown`."""
    filter: Mapping[str, Any]
    coverage: Mapping[str, int]
    """Pages asked for by what became of them: `storage.coverage`."""
    links: LinkAudit
    anchors: AnchorAudit
    matrix: Matrix | None = None
    no_matrix: str | None = None
    """Why there is none."""
    competitors: Comparison | None = None
    """The target beside its competitors."""
    no_competitors: str | None = None
    notes: tuple[str, ...] = ()
    """What a reader should know first, such as why there is nothing."""


def plain(report: Report) -> dict[str, Any]:
    """The report as JSON has it: what it is about first, then the two audits, then what they say together."""
    made = {
        "format": FORMAT,
        "target": report.target,
        "scope": report.scope,
        "made_at": to_iso(report.made_at),
        "linkledger": report.version,
        "about": dict(report.about),
        "filter": dict(report.filter),
        "coverage": dict(report.coverage),
        "notes": list(report.notes),
    }
    audits = {"links": _plain(report.links), "anchors": _plain(report.anchors)}
    for audit in audits.values():
        for known in ("target", "scope", "about"):  # said once, above
            del audit[known]
    matrix = _plain(report.matrix)
    if matrix is not None:
        matrix["upgrades"] = sum(row["upgrade"] for row in matrix["rows"])
        matrix["rows_in_all"] = len(matrix["rows"])
        matrix["rows"] = matrix["rows"][:MATRIX_ROWS]
    together = {
        "matrix": matrix,
        "no_matrix": report.no_matrix,
        "competitors": _plain(report.competitors),
        "no_competitors": report.no_competitors,
    }
    return made | audits | together


def _plain(value: Any, name: str = "") -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        found = {one.name: _plain(getattr(value, one.name), one.name) for one in fields(value)}
        if isinstance(value, ClassShare):
            found["gap"] = value.gap
        if isinstance(value, Measure):
            found |= {"delta": value.delta, "apart": value.apart}
        if isinstance(value, Comparison):
            found["counts_compared"] = value.counts_compared
        if isinstance(value, Referrer):
            figure = value.shown_figure
            found["figure"] = None if figure is None else _plain(figure)
        return found
    if isinstance(value, Interval):
        return {"low": value.low, "high": value.high}
    if isinstance(value, Mapping):
        return {str(key): _plain(one, str(key)) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(one) for one in value)
    if name in _TIMES and isinstance(value, int):
        return to_iso(value)
    return value


class Rival(NamedTuple):
    """A competitor to be asked about."""

    name: str
    chosen: Chosen
    profile: Profile
    keywords_of: str | None
    """Whose keywords are in the profile; None: nobody's."""
    lists: tuple[str, ...]
    """Names of the lists that hold its backlinks."""


def report_of(
    conn: Connection,
    chosen: Chosen,
    profile: Profile,
    *,
    target: str,
    coverage: Mapping[str, int],
    now: int,
    version: str,
    anchors: int = ANCHORS,
    domains: int = DOMAINS,
    judge: int = JUDGED,
    rivals: Sequence[Rival] = (),
    lists: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Report:
    """Ask both audits, then what they say together.

    Args:
        target: as the user named it.
        coverage: of the same filter; see `storage.coverage`.
        now: when it is made, milliseconds UTC.
        anchors, domains: most rows of the two long tables.
        judge: how many referring domains get a page judged for relevance.
        rivals: competitors, under the same filter.
        lists: names of the lists that hold the target's backlinks.
        notes: what a reader should know first.
    """
    from audit.ask_anchors import anchor_audit_of
    from audit.ask_links import link_audit_of
    from audit.ask_matrix import matrix_of

    links = link_audit_of(conn, chosen, profile, limit=domains, judge=judge, now=now, target=target)
    asked = target if keywords_of(profile) else None
    sides = [
        Side(
            one.name,
            anchor_audit_of(conn, one.chosen, one.profile, limit=0, target=one.name),
            link_audit_of(conn, one.chosen, one.profile, limit=0, judge=RIVALS_JUDGED, now=now, target=one.name),
            one.lists,
            one.keywords_of,
        )
        for one in rivals
    ]
    others = {side.target: side.anchors for side in sides}
    words = anchor_audit_of(conn, chosen, profile, limit=anchors, target=target, rivals=others)
    both = matrix_of(conn, chosen, profile, now=now, judge=domains, target=target, links=links)
    return Report(
        target=target,
        scope=chosen.covered.scope,
        made_at=now,
        version=version,
        about=profile.shown(),
        filter=chosen.filter.shown(),
        coverage=coverage,
        links=links,
        anchors=words,
        matrix=both,
        competitors=compare([Side(target, words, links, lists, asked), *sides]) if sides else None,
        no_competitors=None if sides else "the profile names no competitors",
        notes=(*notes, *(() if asked else (NO_KEYWORDS,))),
    )
