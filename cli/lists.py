"""``linkledger lists``: the named sets of pages a ledger keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from cli.config import database
from cli.options import DatabaseOption, FieldsOption, FormatOption, LimitOption, RawCellsOption
from cli.render import Answer, write_answer
from cli.targets import parse_target
from storage.coverage import coverage
from storage.engine import Ledger, open_ledger
from storage.filters import LinkFilter, choose
from storage.lists import ListRow, StoredList, list_rows, lists, mark
from storage.targets import Covered
from storage.times import to_iso

app = typer.Typer(
    help="Show the lists of pages that are kept, their rows and what became of them.", no_args_is_help=True
)

LIST_COLUMNS = ("name", "rows", "pages", "hosts", "domains", "files", "created_at", "crawls", "backlinks_of")
_MARKED = tuple(name for name in LIST_COLUMNS if name != "hosts")
ROW_COLUMNS = ("file", "line", "url", "outcome", "reason", "status", "final", "crawl", "at", "given", "columns")
_IN_TABLES = ("file", "line", "url", "outcome", "reason", "at", "columns")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A list, as named by `crawl --list NAME`.")]
RowsOption = Annotated[
    bool, typer.Option("--rows", help="Its rows: file, line, URL, your own columns, and the latest outcome.")
]


@app.command("list", epilog="Example: linkledger lists list")
def list_(
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show every list: rows, pages, domains, where the rows came from, and the crawls of it."""
    with open_ledger(database(db)) as conn:
        found = lists(conn)
        notes = () if found else ("No list is kept yet; `linkledger crawl FILE --list NAME` keeps one.",)
        write_answer(
            Answer(
                key="lists",
                rows=map(_summary, found),
                columns=LIST_COLUMNS,
                head={"total": len(found)},
                notes=notes,
                total=len(found),
                table_columns=_MARKED if any(one.backlinks_of for one in found) else LIST_COLUMNS[:-1],
            ),
            output=output,
            limit=limit,
            fields=fields,
            raw_cells=raw_cells,
        )


@app.command("show", epilog="Example: linkledger lists show spring --rows")
def show(
    name: NameArgument,
    rows: RowsOption = False,
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show one list; with --rows its rows and what became of each page in its latest crawl."""
    with open_ledger(database(db)) as conn:
        (found,) = lists(conn, name)
        head = {"coverage": coverage(conn, choose(conn, LinkFilter(list_name=name), Covered("ledger")))}
        if rows:
            answer = Answer(
                key="rows",
                rows=_rows(list_rows(conn, name)),
                columns=ROW_COLUMNS,
                head=_summary(found) | head,
                heading=_heading(found),
                total=found.rows,
                table_columns=_IN_TABLES,
            )
        else:
            answer = Answer(key="list", rows=[_summary(found)], columns=LIST_COLUMNS, head=head, single=True)
        write_answer(answer, output=output, limit=limit, fields=fields, raw_cells=raw_cells)


@app.command("mark", epilog="Example: linkledger lists mark rival --backlinks-of rival.com")
def mark_(
    name: NameArgument,
    backlinks_of: Annotated[
        str,
        typer.Option("--backlinks-of", metavar="TARGET|none", help="Whose backlinks the pages are; none: nobody's."),
    ],
    db: DatabaseOption = None,
) -> None:
    """Say whose backlinks a list holds: the referring pages that some index of the web knows of that target.

    `compare` compares counts only between targets that have such a list. Nothing else reads it.
    """
    target = None if backlinks_of == "none" else parse_target(backlinks_of).text
    with Ledger(database(db)) as ledger, ledger.begin() as conn:
        mark(conn, name, target, replace=True)


def _summary(found: StoredList) -> dict[str, Any]:
    return {
        "name": found.name,
        "rows": found.rows,
        "pages": found.pages,
        "hosts": found.hosts,
        "domains": found.domains,
        "files": {file.file: file.rows for file in found.files},
        "created_at": to_iso(found.created_at),
        "crawls": list(found.crawls),
        "backlinks_of": found.backlinks_of,
    }


def _rows(found: Iterator[ListRow]) -> Iterator[dict[str, Any]]:
    for row in found:
        yield {
            "file": row.file,
            "line": row.line,
            "url": row.url,
            "outcome": row.outcome,
            "reason": row.reason,
            "status": row.status,
            "final": row.final,
            "crawl": row.crawl,
            "at": to_iso(row.at),
            "given": row.given,
            "columns": row.columns,
        }


def _heading(found: StoredList) -> str:
    of = f", backlinks of {found.backlinks_of}" if found.backlinks_of is not None else ""
    return f"list {found.name}: {found.rows:,} rows, {found.pages:,} pages, {found.domains:,} domains{of}"
