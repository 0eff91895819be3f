"""``linkledger report``: both audits of a target, and what they say together, as one page to look at or as JSON."""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import About, why_nothing
from cli.cells import json_visible, visible
from cli.clock import now_ms
from cli.config import database
from cli.files import write_whole
from cli.filters import joined, link_filter
from cli.options import DatabaseOption
from cli.profiles import ProfileOption, profile_beside, profile_of
from cli.targets import FoldQueryOption, LiteralOption, ScopeOption, parse_target
from storage.filters import LinkFilter, choose
from storage.link_counts import cells

_TO_STDOUT = "-"


class ReportFormat(StrEnum):
    """What is written."""

    html = "html"
    json = "json"


def _report(
    *,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A domain, host, IP address or URL.")],
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", metavar="FILE|-", help="Where to write it; - is standard output.", show_default=False
        ),
    ] = None,
    output: Annotated[
        ReportFormat | None,
        typer.Option(
            "--format",
            help="html is a page that needs nothing else, json the same figures. Else by the name of the file.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    anchors: Annotated[
        int, typer.Option("--anchors", metavar="N", min=1, max=20_000, help="Most anchors in it.")
    ] = 500,
    domains: Annotated[
        int, typer.Option("--domains", metavar="N", min=1, max=20_000, help="Most referring domains in it.")
    ] = 500,
    judge: Annotated[
        int,
        typer.Option("--judge", metavar="N", min=0, help="Referring domains of which a page is judged for relevance."),
    ] = 300,
    scope: ScopeOption = None,
    literal: LiteralOption = False,
    fold_query: FoldQueryOption = "tracking",
    wanted: LinkFilter,
    db: DatabaseOption = None,
) -> None:
    """Write a report on TARGET: where its links come from, what their words say, and what both say together.

    The page is one file: it loads nothing, sends nothing, prints well, and can be given to others. What pages said
    stands in it as text.

    Example: linkledger report example.com -o report.html
    """
    form = output or _by_name(out)
    if form is ReportFormat.html and out is None and sys.stdout.isatty():
        raise typer.BadParameter("a page is no reading for a terminal: name a file, -o report.html", param_hint="-o")
    if out is not None and out != _TO_STDOUT:
        _check_place(Path(out))
    meant = parse_target(target, scope=scope, literal=literal, fold_query=fold_query)
    from audit.report import Rival, plain, report_of
    from crawler.urls import suffix_list_version
    from storage.coverage import coverage
    from storage.engine import open_ledger
    from storage.lists import backlinks_of
    from storage.targets import resolve

    where = database(db)
    with open_ledger(where, psl=suffix_list_version()) as conn:
        chosen = choose(conn, wanted, resolve(conn, meant))
        about = About(conn, meant, chosen, cells(conn, chosen))
        notes = tuple(why_nothing(about)) if not about.selected else ()
        mine = profile_of(meant, where, profile, conn=conn)
        rivals = []
        for name in mine.competitors:
            other = parse_target(name)
            judged_by, whose = profile_beside(mine, other, where, conn=conn)
            lists = backlinks_of(conn, other.text)
            rivals.append(Rival(name, choose(conn, wanted, resolve(conn, other)), judged_by, whose, lists))
        made = report_of(
            conn,
            chosen,
            mine,
            target=meant.text,
            coverage=coverage(conn, chosen),
            now=now_ms(),
            version=version("linkledger"),
            anchors=anchors,
            domains=domains,
            judge=judge,
            rivals=rivals,
            lists=backlinks_of(conn, meant.text),
            notes=notes,
        )
    for note in notes:
        print(visible(note), file=sys.stderr)
    figures = plain(made)
    if form is ReportFormat.json:
        import json

        text = json_visible(json.dumps(figures, ensure_ascii=False, indent=1, allow_nan=False)) + "\n"
    else:
        from audit.report_page import page

        text = page(figures)
    if out is None or out == _TO_STDOUT:
        sys.stdout.flush()
        # As bytes: in another encoding or with other line ends, scripts and style were not those of the policy.
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        return
    write_whole(Path(out), text)
    print(f"wrote {visible(out)}", file=sys.stderr)


report = joined(_report, "wanted", link_filter)
report.__name__ = "report"


def _check_place(path: Path) -> None:
    """Before anything is asked: a report of a large ledger takes its time."""
    if path.is_dir():
        raise typer.BadParameter(f"{str(path)!r} is a folder; name a file in it", param_hint="-o")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {str(path.parent)!r}", param_hint="-o")


def _by_name(out: str | None) -> ReportFormat:
    return ReportFormat.json if out is not None and out.lower().endswith(".json") else ReportFormat.html
