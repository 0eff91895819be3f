"""``linkledger compare``: both audits of several targets, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from audit.ask_anchors import anchor_audit_of
from audit.ask_links import link_audit_of
from audit.compare import Basis, Comparison, Measure, Side
from audit.compare import compare as compared
from audit.profile import Profile
from audit.rivals import keywords_of
from cli import link_screen
from cli.anchor_screen import class_row, shown_audit
from cli.asking import About, Asked, question, why_nothing
from cli.clock import now_ms
from cli.options import OutputFormat
from cli.profiles import ProfileOption, judged_by, profile_beside, profile_of
from cli.render import Answer, write_answer
from cli.targets import parse_target, wider
from storage.coverage import coverage
from storage.filters import LinkFilter, choose
from storage.link_counts import cells
from storage.lists import backlinks_of, lists
from storage.targets import WHOLE_LEDGER, Target, resolve

COLUMNS = ("part", "measure", "basis", "target", "value", "low", "high", "median_of_others", "delta", "apart")
_LISTED = 100
_JUDGED = 100
_SHOWN_LINKS: tuple[tuple[str, Basis], ...] = (
    ("followed", "domains"), ("followed", "links"), ("sitewide", "domains"), ("indexable", "pages"),
    ("in_main", "links"), ("in_footer", "links"), ("relevance_high", "judged domains"),
    ("relevance_low", "judged domains"), ("lost", "links"),
)  # fmt: skip


@question
def compare(
    asked: Asked,
    profile: ProfileOption = None,
    same_keywords: Annotated[
        bool,
        typer.Option(
            "--same-keywords",
            help="Hold every target's anchors against the first one's keywords, whatever its own profile says.",
        ),
    ] = False,
    judge: Annotated[
        int,
        typer.Option("--judge", metavar="N", min=0, help="Referring domains of each whose page is read for relevance."),
    ] = _JUDGED,
    figure: Annotated[
        str | None,
        typer.Option(
            "--figure",
            metavar="NAME",
            help="Authority goes by this figure; else by the one that most referring domains of the first TARGET have.",
        ),
    ] = None,
) -> None:
    """Put both audits of several targets side by side, the first TARGET against the median of the others.

    With one TARGET, the competitors of its profile are the others. Keys, one row for each measure and target: part
    (anchors, views, links, figures, counts), measure, basis (what a share is a share of), target, value, low and high
    (95 % Wilson interval), median_of_others, delta and apart (of the first: its value less that median, and whether
    the median lies outside its interval). json has both audits of each target whole, and the Jensen-Shannon
    divergences. Counts are compared only if every target has a list with `crawl --backlinks-of`.

    --profile is the first target's; the others go by those that are kept, those without keywords by the first one's.

    Example: linkledger compare example.com rival.com other.org
    """
    asked.check_fields(COLUMNS)
    first = asked.targets[0]
    if first is None:
        raise typer.BadParameter("name the targets to compare", param_hint="TARGET")
    from crawler.urls import suffix_list_version
    from storage.engine import open_ledger

    with open_ledger(asked.db, psl=suffix_list_version()) as conn:
        own = profile_of(first, asked.db, profile, conn=conn)
        targets = _targets(asked, first, own)
        sides = [_side(conn, asked, first, own, own.target if keywords_of(own) else None, judge, figure)]
        figure = next((str(one["name"]) for one in sides[0].links.scales if one["leads"]), figure)
        for target in targets[1:]:
            rival, of = profile_beside(own, target, asked.db, conn=conn, same_keywords=same_keywords)
            sides.append(_side(conn, asked, target, rival, of, judge, figure))
        found = compared(sides)
        held = {side.target: [_read(conn, name) for name in side.lists] for side in sides}
        head = _head(found, sides, held, asked)
        head["coverage"] = coverage(conn, choose(conn, asked.wanted, resolve(conn, first)))
        notes = (
            *_nothing(conn, asked, targets),
            *_caution(found, held),
            *_figured(found, sides),
            *(judged_by(side.target, side.anchors.about, side.keywords_of) for side in sides),
        )
        write_answer(
            _table(found, head, notes) if asked.as_table and not asked.fields else _long(found, head, notes),
            output=asked.output,
            limit=None if asked.limit == "default" else asked.limit,
            fields=asked.fields,
            raw_cells=asked.raw_cells,
        )


def _targets(asked: Asked, first: Target, own: Profile) -> list[Target]:
    given = [target for target in asked.targets if target is not None]
    if len(given) == 1:
        given += [parse_target(name) for name in own.competitors]
    if len(given) == 1:
        raise typer.BadParameter(
            f"{first.text} is to be compared with what? Name more targets, or competitors in its profile",
            param_hint="TARGET",
        )
    return list({(target.scope, target.text): target for target in given}.values())


def _side(
    conn: Connection,
    asked: Asked,
    target: Target,
    profile: Profile,
    keywords: str | None,
    judge: int,
    figure: str | None,
) -> Side:
    chosen = choose(conn, asked.wanted, resolve(conn, target))
    limit = _LISTED if isinstance(asked.limit, str) else asked.limit
    return Side(
        target.text,
        anchor_audit_of(conn, chosen, profile, limit=limit, target=target.text),
        link_audit_of(
            conn,
            chosen,
            profile,
            limit=limit,
            judge=judge,
            now=now_ms(),
            target=target.text,
            figure=figure,
        ),
        _lists_of(conn, target),
        keywords,
    )


def _lists_of(conn: Connection, target: Target) -> tuple[str, ...]:
    """Lists of the target's backlinks: its own, or those of the host or domain it belongs to."""
    looked: Target | None = target
    while looked is not None:
        if found := backlinks_of(conn, looked.text):
            return found
        looked = wider(looked)
    return ()


def _read(conn: Connection, name: str) -> dict[str, Any]:
    """How much of a list was read."""
    of = coverage(conn, choose(conn, LinkFilter(list_name=name), WHOLE_LEDGER))
    (kept,) = lists(conn, name)
    return {"list": name, "pages": kept.pages, "fetched": of["fetched"]}


def _head(
    found: Comparison, sides: Sequence[Side], held: Mapping[str, Sequence[Mapping[str, Any]]], asked: Asked
) -> dict[str, Any]:
    json = asked.output is OutputFormat.json
    return {
        "targets": [
            {**side.anchors.about, "target": side.target, "keywords_of": side.keywords_of, "lists": held[side.target]}
            for side in sides
        ],
        "counts_compared": found.counts_compared,
        "without_list": list(found.without_list),
        "too_few": dict(found.too_few),
        "scales": list(found.scales),
        "divergence_domains": dict(found.divergence_domains),
        "divergence_links": dict(found.divergence_links),
        "filter": asked.wanted.shown(),
        "audits": {side.target: _audits(side) for side in sides} if json else {},
    }


def _audits(side: Side) -> dict[str, Any]:
    """Both audits as `audit anchors` and `audit links` write them."""
    links = {**link_screen.shown_audit(side.links), "domains": [link_screen.row_of(one) for one in side.links.domains]}
    classes = [class_row(one, side.anchors.medians) for one in side.anchors.classes]
    return {"anchors": {**shown_audit(side.anchors), "classes": classes}, "links": links}


# --- for programs ------------------------------------------------------------------------------------


def _long(found: Comparison, head: Mapping[str, Any], notes: tuple[str, ...]) -> Answer:
    return Answer("measures", _rows(found), COLUMNS, head=head, notes=notes)


def _rows(found: Comparison) -> Iterator[dict[str, Any]]:
    for one in found.measures:
        for place, target in enumerate(found.targets):
            between = one.intervals[place]
            yield {
                "part": one.part,
                "measure": one.name,
                "basis": one.basis,
                "target": target,
                "value": one.values[place],
                "low": None if between is None else between.low,
                "high": None if between is None else between.high,
                "median_of_others": one.others if place == 0 else None,
                "delta": one.delta if place == 0 else None,
                "apart": one.apart if place == 0 else None,
            }


# --- for people --------------------------------------------------------------------------------------


def _table(found: Comparison, head: Mapping[str, Any], notes: tuple[str, ...]) -> Answer:
    several = len(found.targets) > 2
    columns = ("measure", *found.targets, *(("median",) if several else ()), "delta")
    classes = [one for one in found.measures if one.part == "anchors" and one.basis == "domains"]
    classes += [one for one in found.measures if (one.part, one.name, one.basis) == ("views", "money", "domains")]
    links = [found.measure("links", *which) for which in _SHOWN_LINKS]
    links = [one for one in links if any(value is not None for value in one.values)]
    figures = [one for one in found.measures if one.part == "figures"]
    counts = [one for one in found.measures if one.part == "counts"]
    apart = {"measure": "divergence", **{name: _number(value) for name, value in found.divergence_domains.items()}}
    parts = [
        Answer("links", [_shares(found, one, several) for one in links], columns, heading="Links: shares"),
        Answer(
            "figures",
            [_plain(found, one, several) for one in figures],
            columns,
            heading=f"Links: authority of referring domains, {', '.join(found.scales)}",
        ),
        Answer("counts", [_plain(found, one, several) for one in counts], columns, heading="Counts"),
    ]
    return Answer(
        "classes",
        [*(_shares(found, one, several) for one in classes), apart],
        columns,
        head=head,
        heading="Anchors: classes by referring domains, with 95 % intervals",
        notes=(
            f"delta: {found.targets[0]} less {'the median of the others' if several else found.targets[1]}, shares in "
            "percentage points, * where it lies outside the interval; relevance: of the referring domains of which a "
            "page was read; divergence: of the class mix, 0 alike, 1 nothing in common",
            *notes,
        ),
        below=tuple(part for part in parts if part.rows),
    )


def _shares(found: Comparison, one: Measure, several: bool) -> dict[str, Any]:
    values = zip(found.targets, one.values, one.intervals, strict=True)
    by = "" if one.basis == "judged domains" else f" ({one.basis})"
    return {
        "measure": one.name if one.part in ("anchors", "views") else one.name.replace("_", " ") + by,
        **{target: _share(value, between) for target, value, between in values},
        **({"median": _share(one.others, None)} if several else {}),
        "delta": "" if one.delta is None else f"{one.delta * 100:+.1f}{'*' if one.apart else ''}",
    }


def _plain(found: Comparison, one: Measure, several: bool) -> dict[str, Any]:
    return {
        "measure": one.name.replace("_", " "),
        **dict(zip(found.targets, map(_number, one.values), strict=True)),
        **({"median": _number(one.others)} if several else {}),
        "delta": "" if one.delta is None else f"{one.delta:+,.6g}",
    }


def _share(value: float | None, between: Any) -> str:
    if value is None:
        return ""
    return f"{value:.1%}" + ("" if between is None else f" ({between.low * 100:.0f}-{between.high * 100:.0f})")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


# --- what has to be said -----------------------------------------------------------------------------


def _nothing(conn: Connection, asked: Asked, targets: Sequence[Target]) -> list[str]:
    notes = []
    for target in targets:
        chosen = choose(conn, asked.wanted, resolve(conn, target))
        about = About(conn, target, chosen, cells(conn, chosen))
        if not about.selected:
            notes += why_nothing(about)
    return notes


def _figured(found: Comparison, sides: Sequence[Side]) -> list[str]:
    """Of how many referring domains the quantiles of authority are."""
    if not any(one.part == "figures" for one in found.measures):
        return []
    of = [
        f"{scale['domains']:,} of {side.links.referring_domains:,} of {side.target}"
        for side in sides
        for scale in side.links.scales
        if scale["leads"]
    ]
    return [f"referring domains that have a figure of authority: {', '.join(of)}"]


def _caution(found: Comparison, held: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    notes = []
    if found.without_list:
        names = ", ".join(found.without_list)
        notes.append(
            f"shares only: how many links are known of a target depends on what was crawled. Counts are compared when "
            f"each target has a list of its backlinks; {names} {'has' if len(found.without_list) == 1 else 'have'} "
            f"none: linkledger crawl FILE --list NAME --backlinks-of {found.without_list[0]}"
        )
    else:
        read = [
            f"{name}: {one['fetched']:,} of {one['pages']:,} pages of list {one['list']} read"
            for name, several in held.items()
            for one in several
        ]
        notes.append(f"counts are as good as the lists behind them; {'; '.join(read)}")
    if len(found.scales) > 1:
        notes.append(f"authority is not compared: {' and '.join(found.scales)} are figures of different scales")
    if found.too_few:
        few = ", ".join(f"{name} ({number:,})" for name, number in found.too_few.items())
        notes.append(f"too little data for a verdict, by referring domains: {few}")
    return notes
