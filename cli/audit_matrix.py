"""``linkledger audit matrix``: authority, relevance and words of a target's links, intersected."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from audit.ask_matrix import JUDGED, matrix_of
from audit.link_audit import BANDS
from audit.matrix import GROUPS, Matrix, MatrixRow
from audit.profile import Profile
from cli.asking import About, Asked, question
from cli.clock import now_ms
from cli.profiles import ProfileOption, profile_of, said_of_profile
from cli.render import Answer

COLUMNS = (
    "domain", "group", "authority", "band", "relevance", "anchor_class", "alignment", "anchor", "links", "pages",
    "followed", "upgrade", "product", "source", "target",
)  # fmt: skip
_TABLE = ("domain", "group", "authority", "band", "anchor_class", "anchor", "links")
_UPGRADES = ("domain", "source", "anchor_class", "anchor", "authority")
_ASCENDING = frozenset(("domain", "group", "anchor_class", "anchor", "band", "source", "target"))


def matrix(
    asked: Asked,
    profile: ProfileOption = None,
    judge: Annotated[
        int, typer.Option("--judge", metavar="N", min=1, help="Referring domains that are looked at, best first.")
    ] = JUDGED,
    figure: Annotated[
        str | None,
        typer.Option("--figure", metavar="NAME", help="Authority goes by this figure; else the one most domains have."),
    ] = None,
    min_authority: Annotated[
        float | None,
        typer.Option("--min-authority", metavar="X", help="Authority counts from here; else from the median."),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="NAME,NAME", help="Only these groups; several with commas.")
    ] = None,
    upgrades: Annotated[
        bool, typer.Option("--upgrades", help="Only links worth asking for other words: relevant page, no words.")
    ] = False,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="COLUMN,COLUMN", help="Order by these columns, numbers from the top."),
    ] = None,
) -> None:
    """Intersect both audits of each TARGET: authority, relevance and words as groups, never as one number.

    Groups: complete; brand_in_context; missed_relevance (relevant page, words that say nothing of the subject);
    relevant_but_small; weaker_than_it_looks (the words, but a page about something else); authority_only; weak;
    unknown. One row for each class of words of each referring domain; the product of the three axes is there to sort
    by, and for nothing else.

    Keys: domain, group, authority, band and relevance of the linking page, anchor_class and its alignment (exact 1,
    partial and brand_keyword 0.8, branded 0.4, others 0.1), anchor (the commonest words), links, pages, followed,
    upgrade, product, source, target.

    Example: linkledger audit matrix example.com --sort relevance,authority
    """
    wanted = _names(group, GROUPS, "--group")
    order = _names(sort, COLUMNS, "--sort")
    if len([one for one in asked.targets if one is not None]) != len(asked.targets):
        raise typer.BadParameter("name a TARGET: both audits go by its profile")

    def ask(about: About) -> Answer:
        assert about.target is not None
        goes_by = profile_of(about.target, asked.db, profile, conn=about.conn)
        found = matrix_of(
            about.conn,
            about.chosen,
            goes_by,
            now=now_ms(),
            judge=judge,
            target=about.name,
            figure=figure,
            line=min_authority,
        )
        if figure is not None and found.figure is None:
            said = f"no referring domain has a figure named {figure!r}; `linkledger authority scales` names them"
            raise typer.BadParameter(said, param_hint="--figure")
        rows = [row for row in found.rows if (not wanted or row.group in wanted) and (row.upgrade or not upgrades)]
        if order:
            rows = _sorted(rows, order)
        return Answer(
            "rows",
            [asdict(row) for row in rows],
            COLUMNS,
            head=_head(about, found),
            notes=_notes(found, goes_by, about.target.text, listed=upgrades),
            total=len(rows),
            table_columns=_TABLE if not upgrades else _UPGRADES,
            below=() if upgrades or wanted else (_groups(found),),
        )

    asked.answer(COLUMNS, ask)


def _names(given: str | None, known: Any, option: str) -> list[str]:
    names = [one.strip() for one in given.split(",")] if given else []
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(known)}", param_hint=option)
    return names


def _sorted(rows: list[MatrixRow], order: list[str]) -> list[MatrixRow]:
    """By columns one after the other: texts upwards, numbers downwards, what is not known last."""
    for name in reversed(order):
        rows = sorted(rows, key=lambda row: _key(name, getattr(row, name)))
    return rows


def _key(name: str, value: Any) -> tuple[bool, Any]:
    if value is None:
        return True, 0
    if name in ("group", "band"):
        places = list(GROUPS) if name == "group" else list(BANDS)
        return False, places.index(value)
    return False, value if name in _ASCENDING else -value


def _head(about: About, found: Matrix) -> dict[str, Any]:
    return {
        "target": about.name,
        "scope": about.scope,
        "audit": dict(found.about),
        "figure": found.figure,
        "authority_line": found.line,
        "line_from": found.line_from,
        "domains": found.domains,
        "of_domains": found.of_domains,
        "groups": _tally(found),
        "upgrades": len(found.upgrades),
    }


def _tally(found: Matrix) -> list[dict[str, Any]]:
    return [
        {"group": name, "domains": domains, "links": links, "means": GROUPS[name]}
        for name, (domains, links) in found.groups.items()
    ]


def _groups(found: Matrix) -> Answer:
    columns = ("group", "domains", "links", "means")
    # What a group means is too long for a narrow table, and stands in the help.
    return Answer("groups", _tally(found), columns, heading="Groups", table_columns=columns[:3])


def _notes(found: Matrix, goes_by: Profile, target: str, *, listed: bool) -> tuple[str, ...]:
    if found.figure is None:
        authority = "authority is not known: relevance and words speak alone (`linkledger authority` gives figures)"
    else:
        line = "not known" if found.line is None else f"{found.line:g}"
        authority = f"authority: {found.figure}, from {line} ({found.line_from})"
    notes = [authority]
    if found.domains < found.of_domains:
        notes.append(f"{found.domains:,} of {found.of_domains:,} referring domains looked at; --judge N for more")
    if found.unjudged:
        notes.append(
            f"relevance is not known of {found.unjudged:,} of these domains: it takes keywords in the profile (or the "
            "target's page, read), the linking page's text, and a language in common"
        )
    if found.upgrades and not listed:
        notes.append(f"{len(found.upgrades):,} worth asking for other words; --upgrades lists them")
    return (*notes, said_of_profile(goes_by, target))


def register_audit(app: typer.Typer) -> None:
    """Add the command to its group."""
    app.command("matrix")(question(matrix))
