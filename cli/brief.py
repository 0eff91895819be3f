"""``linkledger brief``: what to order for a page and a query, domains and words, never one without the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cli.cells import json_visible
from cli.clock import now_ms
from cli.config import database
from cli.files import write_whole
from cli.options import DatabaseOption, FieldsOption, FormatOption, LimitOption, RawCellsOption
from cli.profiles import ProfileOption, profile_of
from cli.render import Answer, write_answer
from cli.targets import parse_target

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from audit.ask_brief import Asker, Site
    from audit.brief import Brief
    from audit.positions import Name, Ranked
    from audit.profile import Profile
    from storage.targets import Target

_HELP = ("--help", "-h")


class _MakeUnlessNamed(TyperGroup):
    """``brief example.com ...`` makes one: the word ``make`` may be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in _HELP:
            args = ["make", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="What to order for a page and a query: the domains to ask and the words to ask for, always both. "
    "`brief TARGET` is short for `brief make TARGET`.",
    no_args_is_help=True,
    cls=_MakeUnlessNamed,
)

PLAN = (
    "page", "query", "position", "impressions", "lever", "asked_for", "links", "referring_domains", "exact_before",
    "exact_after", "minimum_authority", "file", "reason",
)  # fmt: skip
_PLAN_TABLE = ("page", "query", "position", "lever", "asked_for", "exact_before", "exact_after")


class Relevance(StrEnum):
    high = "high"
    some = "some"


class Kept(StrEnum):
    markdown = "markdown"
    json = "json"


CompetitorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--competitor", metavar="TARGET", help="Compare with these instead of the profile's competitors; several."
    ),
]
LinksOption = Annotated[int, typer.Option("--links", metavar="N", min=1, max=1000, help="How many links are ordered.")]
MinAuthorityOption = Annotated[
    float | None,
    typer.Option("--min-authority", metavar="X", help="Least authority; else the competitors' 40th percentile."),
]
MinRelevanceOption = Annotated[Relevance, typer.Option("--min-relevance", help="Least relevance of the linking page.")]
FigureOption = Annotated[
    str | None, typer.Option("--figure", metavar="NAME", help="Authority goes by this figure; else the commonest.")
]


@dataclass(frozen=True, slots=True)
class _Order:
    """What the options say of any brief."""

    links: int
    min_authority: float | None
    min_relevance: Relevance
    figure: str | None

    def options(self) -> dict[str, Any]:
        return {
            "links": self.links,
            "min_authority": self.min_authority,
            "min_relevance": self.min_relevance.value,
            "figure": self.figure,
        }


@app.command("make")
def make(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The page (or site) that links are ordered for.")],
    query: Annotated[str, typer.Option("--query", metavar="Q", help="The query it should be found for.")],
    position: Annotated[
        str,
        typer.Option("--position", metavar="N", help="Where it stands: 1 to 100, an average, >100, or unknown."),
    ] = "unknown",
    competitor: CompetitorOption = None,
    links: LinksOption = 10,
    min_authority: MinAuthorityOption = None,
    min_relevance: MinRelevanceOption = Relevance.some,
    figure: FigureOption = None,
    profile: ProfileOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FILE", help="Write FILE.md, to send, and FILE.json, to keep; else to the screen."
        ),
    ] = None,
    kept: Annotated[Kept, typer.Option("--format", help="What is written to the screen.")] = Kept.markdown,
    db: DatabaseOption = None,
) -> None:
    """Write the brief of one page and query: criteria for the domains, words to ask for, both halves always.

    The lever follows from the position: beyond 50 more referring domains; 21 to 50 the larger gap to the
    competitors; 5 to 20 the words, or a rebalancing where there are enough; 1 to 4 keep; unknown: measure it first.
    Where what was crawled cannot carry a choice, the lever is unknown and the brief says what is missing.

    Example: linkledger brief make https://example.com/shoes --query "running shoes" --position 12 -o shoes
    """
    from audit.brief_text import as_markdown
    from audit.lever import parse_position

    rank = parse_position(position)
    wanted = parse_target(target)
    if out is not None and out.is_dir():
        raise typer.BadParameter(f"{str(out)!r} is a folder; name a file in it", param_hint="-o")
    where = database(db)
    order = _Order(links, min_authority, min_relevance, figure)
    with _desk(where, profile, competitor) as desk:
        made = desk.asker.brief(*desk.sites(wanted), " ".join(query.split()), rank, **order.options())
    if out is not None:
        for path in _write(made, out):
            print(path)
    elif kept is Kept.json:
        print(_as_text(made), end="")
    else:
        print(as_markdown(made), end="")


@app.command("plan")
def plan(
    positions: Annotated[
        str,
        typer.Option(
            "--positions", metavar="FILE", help="An export of search performance: queries, pages and positions."
        ),
    ],
    page: Annotated[
        str | None, typer.Option("--page", metavar="URL", help="The page of every row, where the file names none.")
    ] = None,
    lowest: Annotated[int, typer.Option("--from", metavar="N", min=1, help="Best position that is taken.")] = 5,
    highest: Annotated[int, typer.Option("--to", metavar="N", min=1, help="Worst position that is taken.")] = 50,
    query_column: Annotated[str | None, typer.Option("--query-column", metavar="NAME", help="Its header.")] = None,
    page_column: Annotated[str | None, typer.Option("--page-column", metavar="NAME", help="Its header.")] = None,
    position_column: Annotated[
        str | None, typer.Option("--position-column", metavar="NAME", help="Its header.")
    ] = None,
    competitor: CompetitorOption = None,
    links: LinksOption = 10,
    min_authority: MinAuthorityOption = None,
    min_relevance: MinRelevanceOption = Relevance.some,
    figure: FigureOption = None,
    profile: ProfileOption = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FOLDER", help="Write one brief a row there, as Markdown and JSON."),
    ] = None,
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Make a brief of every page and query of an export that stands at 5 to 50: one table, and one file each.

    Rows are taken from the top of each page's impressions. Headers are known in a dozen languages; --query-column,
    --page-column and --position-column name others. Rows that cannot be used are named on standard error.

    Keys: page, query, position, impressions, lever, asked_for (class of most of the words), links,
    referring_domains (of the page), exact_before and exact_after (share of referring domains), minimum_authority,
    file, reason.

    Example: linkledger brief plan --positions performance.csv -o briefs/
    """
    from audit.positions import read_positions

    if lowest > highest:
        raise typer.BadParameter(f"--from {lowest} is beyond --to {highest}")
    columns: dict[Name, str | None] = {"query": query_column, "page": page_column, "position": position_column}
    found = read_positions(
        positions, columns={name: given for name, given in columns.items() if given is not None}, page=page
    )
    for one in found.refused:
        typer.echo(f"{positions}, line {one.line}: {one.reason}", err=True)
    rows = [row for row in found.rows if row.position.rank is not None and lowest <= row.position.rank <= highest]
    pages = _by_page(rows, positions)
    order = _Order(links, min_authority, min_relevance, figure)
    made = list(_planned(pages, database(db), profile, competitor, order, out))
    refused = len(found.refused) + len(rows) - len(made)
    notes = [f"{len(found.rows):,} rows read, {len(made):,} of them at {lowest} to {highest}, {refused:,} refused"]
    if made and out is None:
        notes.append("-o FOLDER writes the briefs themselves")
    write_answer(
        Answer("briefs", made, PLAN, notes=tuple(notes), total=len(made), table_columns=_PLAN_TABLE),
        output=output,
        limit=limit,
        fields=fields,
        raw_cells=raw_cells,
    )
    if found.refused and not found.rows:
        raise typer.Exit(1)


def _by_page(rows: Sequence[Ranked], file: str) -> dict[str, tuple[Target, list[Ranked]]]:
    """Rows by the page they are of, most impressions first."""
    pages: dict[str, tuple[Target, list[Ranked]]] = {}
    for row in rows:
        if row.page is None:
            raise typer.BadParameter(
                f"{file} names no pages (an export of queries alone); say which page with --page URL",
                param_hint="--page",
            )
        try:
            if "." not in row.page and "://" not in row.page:
                raise typer.BadParameter(f"no page: {row.page!r}")
            target = parse_target(row.page)
        except typer.BadParameter as error:
            typer.echo(f"{file}, line {row.line}: {error.message}", err=True)
            continue
        pages.setdefault(target.text, (target, []))[1].append(row)
    for _, some in pages.values():
        some.sort(key=lambda row: (-(row.impressions or 0), row.query))
    return dict(sorted(pages.items(), key=lambda item: (-sum(row.impressions or 0 for row in item[1][1]), item[0])))


def _planned(
    pages: dict[str, tuple[Target, list[Ranked]]],
    db: str,
    profile: Path | None,
    competitor: list[str] | None,
    order: _Order,
    out: Path | None,
) -> Iterator[dict[str, Any]]:
    done, every = 0, sum(len(rows) for _, rows in pages.values())
    names: set[str] = set()
    with _desk(db, profile, competitor) as desk:
        for target, rows in pages.values():
            sites = desk.sites(target)
            queries = [row.query for row in rows]
            for row in rows:
                made = desk.asker.brief(*sites, row.query, row.position, queries=queries, **order.options())
                file = ""
                if out is not None:
                    file = str(_write(made, out / _file_name(target, row.query, names))[0])
                done += 1
                if every > 1:
                    typer.echo(f"brief {done:,} of {every:,}: {target.text} {row.query}", err=True)
                yield _plan_row(row, made, file)


def _plan_row(row: Ranked, made: Brief, file: str) -> dict[str, Any]:
    exact = next(one for one in made.shares if one.anchor_class == "exact")
    return {
        "page": made.target,
        "query": row.query,
        "position": row.position.shown,
        "impressions": row.impressions,
        "lever": made.choice.lever,
        "asked_for": made.words.requests[0].anchor_class,
        "links": sum(one.links for one in made.words.requests),
        "referring_domains": made.referring_domains,
        "exact_before": exact.before,
        "exact_after": exact.after,
        "minimum_authority": made.criteria.minimum_authority,
        "file": file,
        "reason": "; ".join((*made.choice.reasons[1:2], *(f"missing: {one}" for one in made.choice.missing[:1]))),
    }


@dataclass(frozen=True, slots=True)
class _Desk:
    """An open ledger at which briefs are asked for."""

    conn: Connection
    db: str
    profile: Path | None
    competitors: list[str] | None
    asker: Asker

    def sites(self, target: Target) -> tuple[Site, Site, list[Site]]:
        """The target as it is, the site it belongs to, and its competitors."""
        from cli.targets import wider

        page = self._site(target, self.profile)
        whole = target
        while (up := wider(whole)) is not None:
            whole = up
        site = self._site(whole, None, page.profile)
        given = page.profile.competitors if self.competitors is None else self.competitors
        rivals = [parse_target(one) for one in dict.fromkeys(given)]
        return page, site, [self._site(one, None) for one in rivals if one.text not in (target.text, whole.text)]

    def _site(self, of: Target, path: Path | None, profile: Profile | None = None) -> Site:
        from audit.ask_brief import Site
        from storage.filters import LinkFilter, choose
        from storage.targets import resolve

        goes_by = profile or profile_of(of, self.db, path, conn=self.conn)
        return Site(of, choose(self.conn, LinkFilter(), resolve(self.conn, of)), goes_by)


@contextmanager
def _desk(db: str, profile: Path | None, competitors: list[str] | None) -> Iterator[_Desk]:
    from audit.ask_brief import Asker
    from crawler.urls import suffix_list_version
    from storage.engine import open_ledger

    with open_ledger(db, psl=suffix_list_version()) as conn:
        yield _Desk(conn, db, profile, competitors, Asker(conn, now=now_ms()))


def _file_name(target: Target, query: str, names: set[str]) -> str:
    """A name that says page and query and that no other brief of the plan has."""
    plain = re.sub(r"[^\w.-]+", "-", f"{target.text.partition('://')[2] or target.text} {query}".casefold()).strip("-.")
    plain = plain.encode("utf-8", "ignore")[:120].decode("utf-8", "ignore") or "brief"
    name, number = plain, 1
    while name in names:
        number += 1
        name = f"{plain}-{number}"
    names.add(name)
    return name


def _as_text(made: Brief) -> str:
    from audit.brief_text import as_json

    return json_visible(json.dumps(as_json(made), ensure_ascii=False, indent=2)) + "\n"


def _write(made: Brief, path: Path) -> tuple[Path, Path]:
    """Write the brief as Markdown and as JSON."""
    from audit.brief_text import as_markdown

    stem = path.with_suffix("") if path.suffix in (".md", ".json") else path
    files = stem.with_name(stem.name + ".md"), stem.with_name(stem.name + ".json")
    texts = as_markdown(made), _as_text(made)
    stem.parent.mkdir(parents=True, exist_ok=True)
    for file, text in zip(files, texts, strict=True):
        write_whole(file, text)
    return files
