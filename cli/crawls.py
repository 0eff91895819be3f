"""``linkledger crawls``: what was crawled, and what became of each URL."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import typer

from cli.config import database
from cli.manners import politeness, politeness_lines
from cli.options import DatabaseOption, FieldsOption, FormatOption, LimitOption, RawCellsOption
from cli.render import Answer, write_answer
from storage import crawls
from storage.codes import OUTCOMES
from storage.engine import open_ledger
from storage.records import OutcomeState

app = typer.Typer(
    help="Show the crawls made, their outcomes, and what can be done about problems.", no_args_is_help=True
)

CrawlArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A crawl: its number, `last` or `previous`.", show_default=False)
]
_IN_LISTS = ("crawl", "list", "state", "started_at", "asked", "fetched", "partial", "blocked", "failed", "links")
_URL_COLUMNS = (*crawls.OUTCOME_ROW[:4], "remedy", *crawls.OUTCOME_ROW[4:])


@app.command("list", epilog="Example: linkledger crawls list")
def list_(
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show every crawl, the newest first."""
    with open_ledger(database(db)) as conn:
        found = list(crawls.all_crawls(conn))
        notes = tuple(_unfinished(found)) if found else ("No crawl yet; `linkledger crawl FILE` makes one.",)
        answer = Answer(
            key="crawls",
            rows=found,
            columns=crawls.SUMMARY,
            head={"total": len(found)},
            notes=notes,
            total=len(found),
            table_columns=_IN_LISTS,
        )
        write_answer(answer, output=output, limit=limit, fields=fields, raw_cells=raw_cells)


@app.command("show", epilog="Example: linkledger crawls show last")
def show(
    crawl: CrawlArgument = "last",
    rejected: Annotated[
        bool, typer.Option("--rejected", help="The rows of its list that could not be fetched, each with its reason.")
    ] = False,
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show one crawl: the rows of its list, its outcomes and problems, what is left of it, and how it asked."""
    with open_ledger(database(db)) as conn:
        crawl_id = crawls.find_crawl(conn, crawl)
        facts = crawls.crawl_summary(conn, crawl_id)
        if rejected:
            answer = Answer(
                key="rejected",
                rows=(row._asdict() for row in crawls.rejected_rows(conn, crawl_id)),
                columns=("file", "line", "given", "reason"),
                head={"crawl": crawl_id, "total": facts["rows_rejected"]},
                heading=f"crawl {crawl_id}: {facts['rows_rejected']:,} of {facts['rows_read']:,} rows rejected",
                total=facts["rows_rejected"],
            )
        else:
            left = crawls.left(conn, crawl_id)
            plan = crawls.plan_of(conn, crawl_id)
            manners = politeness(plan)
            head = {"plan": plan, "politeness": manners, "left": left}
            answer = summary_answer(facts, head=head, more=(*_left_lines(facts, left), *politeness_lines(manners)))
        write_answer(answer, output=output, limit=limit, fields=fields, raw_cells=raw_cells)


@app.command("urls", epilog="Example: linkledger crawls urls last --outcome failed,blocked")
def urls(
    crawl: CrawlArgument = "last",
    outcome: Annotated[
        str | None,
        typer.Option("--outcome", metavar="A,B", help=f"Only these outcomes, of: {', '.join(crawls.STATES)}."),
    ] = None,
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show what became of each URL a crawl asked, with a remedy for each problem."""
    states = _states(outcome)
    with open_ledger(database(db)) as conn:
        crawl_id = crawls.find_crawl(conn, crawl)
        total = crawls.count_outcomes(conn, crawl_id, states)
        chosen = "outcomes" if states is None else " or ".join(states)
        answer = Answer(
            key="urls",
            rows=_with_remedies(crawls.outcome_rows(conn, crawl_id, states)),
            columns=_URL_COLUMNS,
            head={"crawl": crawl_id, "total": total},
            heading=f"crawl {crawl_id}: {total:,} URLs ({chosen})",
            total=total,
            table_columns=_URL_COLUMNS[:5],
        )
        write_answer(answer, output=output, limit=limit, fields=fields, raw_cells=raw_cells)


def _states(given: str | None) -> tuple[OutcomeState, ...] | None:
    if given is None:
        return None
    names = [name.strip() for name in given.split(",") if name.strip()]
    known: dict[str, OutcomeState] = {state: state for state in OUTCOMES}
    for name in names:
        if name not in known:
            raise typer.BadParameter(
                f"no outcome named {name!r}; known: {', '.join(crawls.STATES)}", param_hint="--outcome"
            )
    if not names:
        raise typer.BadParameter("no outcome named", param_hint="--outcome")
    return tuple(known[name] for name in names)


def _unfinished(found: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each crawl that is not at its end, the latest few."""
    for facts in [facts for facts in found if facts["state"] != "finished" and facts["pending"]][:5]:
        yield f"crawl {facts['crawl']} {_STANDS[facts['state']]}: {facts['pending']:,} URLs pending; {_goes_on(facts)}"


_STANDS = {
    "running": "is running",
    "interrupted": "was stopped",
    "failed": "ended with an error",
    "died": "died: its process is gone",
}


def _goes_on(facts: Mapping[str, Any]) -> str:
    if facts["state"] == "running":
        return "its process is at work"
    return f"`linkledger crawl --resume {facts['crawl']}` goes on with it"


def _left_lines(facts: Mapping[str, Any], left: Mapping[str, Any]) -> Iterator[str]:
    """What a crawl has still to ask and why, and how to go on."""
    if not left["urls"]:
        return
    most = ", ".join(f"{one['operator']} {one['urls']:,}" for one in left["by_operator"][:5])
    more = f" and {left['operators'] - 5:,} more" if left["operators"] > 5 else ""
    yield f"{left['urls']:,} URLs are pending, of {left['operators']:,} operators: {most}{more}"
    if left["redirected"]:
        yield f"{left['redirected']:,} of them are in the middle of their redirects, the others were not asked yet"
    yield f"the crawl {_STANDS.get(facts['state'], facts['state'])}; {_goes_on(facts)}"


def summary_answer(
    facts: Mapping[str, Any], *, head: Mapping[str, Any] | None = None, more: tuple[str, ...] = ()
) -> Answer:
    """One crawl as an answer; a table shows the outcomes that occurred, and the problems by kind below."""
    name = f" of list {facts['list']}" if facts["list"] else ""
    quiet = {state for state in crawls.STATES if not facts[state]} - {"fetched"}
    shown = tuple(
        key
        for key in crawls.SUMMARY
        if key not in {"crawl", "list", "state", "started_at", "ended_at", "seconds", "problems"} and key not in quiet
    )
    return Answer(
        key="crawl",
        rows=[facts],
        columns=crawls.SUMMARY_OF_ONE,
        head=head or {},
        heading=f"crawl {facts['crawl']}{name}: {facts['state']}",
        notes=(*problem_lines(facts), *limit_lines(facts), *_unseen_lines(facts), *more),
        single=True,
        table_columns=shown,
    )


def problem_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """The problems of a crawl, the most frequent first, each with what can be done."""
    for problem in facts["problems"][:10]:
        yield f"{problem['urls']:,} {problem['outcome']} {problem['reason']}: {remedy(**_kind(problem))}"
    if len(facts["problems"]) > 10:
        yield f"and {len(facts['problems']) - 10} further kinds; crawls urls {facts['crawl']} shows every URL"


def limit_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """What the limits of a crawl kept out of it, the most first, each with what it means."""
    for kept_out in facts["not_followed"]:
        limit, value = kept_out["limit"], kept_out["value"]
        name = limit if value is None else f"{limit} {value}"
        links = "1 link was" if kept_out["urls"] == 1 else f"{kept_out['urls']:,} links were"
        yield f"{links} not followed: {name}: {remedy('not_followed', limit)}"


def _unseen_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """That the address guard could not see which addresses were connected."""
    if facts["proxy"] is not None:
        yield "a proxy was used: the addresses it connected to cannot be seen from here and were not checked"


def _kind(problem: Mapping[str, Any]) -> dict[str, str]:
    return {"outcome": problem["outcome"], "reason": problem["reason"]}


def _with_remedies(rows: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        found = None if row["outcome"] == "fetched" else remedy(row["outcome"], row["reason"])
        yield {name: found if name == "remedy" else row[name] for name in _URL_COLUMNS}


@cache
def _remedies() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("cli").joinpath("data/remedies.toml").read_text("utf-8"))


def remedy(outcome: str, reason: str | None) -> str:
    """What to do about an outcome: by the kind of its reason, else by the outcome alone."""
    of_outcome = _remedies().get(outcome, {})
    kind = (reason or "").partition(" ")[0]
    for name in (kind, kind.partition(":")[0], ""):
        if name in of_outcome:
            return of_outcome[name]
    return ""
