"""``linkledger authority import``: figures that somebody else has found, kept under their own name."""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.authority import COMMON_CRAWL, KIND_NAMES, OWN_NAME
from cli.clock import now_ms
from cli.config import database
from cli.options import DatabaseOption, FormatOption
from cli.render import Answer, write_answer
from storage.authority import Value, known_domains, save_scale
from storage.engine import open_ledger
from storage.errors import LedgerError

IMPORTED = (
    "name", "measure", "kind", "date", "rows", "read", "kept", "not_in_ledger", "blank", "bad", "disagreed",
)  # fmt: skip


class NoFigures(LedgerError):
    """A file from which nothing could be read."""


def _date(text: str) -> str:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            day = datetime.date.fromisoformat(text)
        except ValueError:
            pass
        else:
            latest = datetime.datetime.fromtimestamp(now_ms() / 1000, datetime.UTC).date() + datetime.timedelta(1)
            if day > latest:  # it would be the newest until then, whatever is imported after it
                raise typer.BadParameter(f"{text} is in the future", param_hint="--date")
            return day.isoformat()
    raise typer.BadParameter(f"{text!r} is no day such as 2026-11-01", param_hint="--date")


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table with a figure for each domain, or a ranks file.")
    ],
    date: Annotated[
        str,
        typer.Option(
            "--date", metavar="DAY", help="The day the figures stand for, such as 2026-11-01.", callback=_date
        ),
    ],
    column: Annotated[
        str | None,
        typer.Option("--column", metavar="NAME", help='Header of the column with the figure, such as "Domain rating".'),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Whose figure it is; it is shown under this name."),
    ] = None,
    domains: Annotated[
        str | None,
        typer.Option(
            "--domains",
            metavar="NAME",
            help="Header of the column with the domains or URLs, where several may be meant.",
        ),
    ] = None,
    lowest_first: Annotated[
        bool,
        typer.Option("--lowest-first", help="The figure is a position in a ranking: 1 is the best."),
    ] = False,
    common_crawl: Annotated[
        bool,
        typer.Option(
            "--common-crawl",
            help="FILE holds the domain ranks of a Common Crawl web graph, gzip or unpacked; seen by its header, too.",
        ),
    ] = False,
    db: DatabaseOption = None,
    output: FormatOption = None,
) -> None:
    """Keep figures that somebody else has found, for the domains this ledger knows.

    A table is read as lists are: any encoding and delimiter, lines above the header, a column by its name. Of several
    rows of one domain the highest value of the latest counts (with --lowest-first the lowest). A blank cell is unknown,
    not 0. Figures of domains that the ledger does not know are left out; import the file again when a crawl has found
    more. The same name, column and date replaces what was there.
    """
    from audit.common_crawl import is_ranks_file

    if source is not None and source.strip().casefold() in ("", OWN_NAME):
        raise typer.BadParameter(f"{source!r} is no name for another's figure", param_hint="--from")
    if common_crawl or (column is None and is_ranks_file(file)):
        if column is not None or domains is not None or lowest_first:
            raise typer.BadParameter(
                "a ranks file has columns of its own; leave --column, --domains and --lowest-first out",
                param_hint="--column",
            )
        row, notes = _import_ranks(file, source or COMMON_CRAWL, date, database(db))
    else:
        if column is None:
            raise typer.BadParameter("which column holds the figure?", param_hint="--column")
        if source is None:
            raise typer.BadParameter(
                "whose figure is it? It is shown under this name, such as --from Ahrefs", param_hint="--from"
            )
        row, notes = _import_table(file, column, source, domains, date, database(db), lowest_first=lowest_first)
    write_answer(Answer(key="imported", rows=[row], columns=IMPORTED, single=True, notes=tuple(notes)), output=output)


def _import_table(
    file: Path, column: str, source: str, domains: str | None, date: str, db: str, *, lowest_first: bool
) -> tuple[dict[str, Any], list[str]]:
    from audit.figures_file import read_figures

    read = read_figures(str(file), column, domains=domains, lowest_first=lowest_first)
    if not read.values:
        why = f": {'; '.join(read.examples)}" if read.examples else ""
        raise NoFigures(f"{file} has no figure in column {read.column!r} of {read.rows:,} rows{why}; nothing was kept")
    about = {
        "file": file.name,
        "column": read.column,
        "domain_column": read.domain_column,
        "rows": read.rows,
        "bad": read.bad,
        "disagreed": read.disagreed,
        **({"lowest_first": True} if lowest_first else {}),
    }
    with open_ledger(db, write=True) as conn:
        ids = known_domains(conn, read.values)
        _some_known(ids, len(read.values), file)
        values = sorted(Value(id_, read.values[name]) for name, id_ in ids.items())
        scale = save_scale(
            conn, kind="import", name=source, measure=read.column, dated=date, about=about, values=values, now=now_ms()
        )
    notes = _left_out(len(read.values) - len(ids))
    if read.disagreed:
        by = f"the latest by {read.latest_by!r}" if read.latest_by else "all"
        best = "lowest" if lowest_first else "highest"
        notes.append(f"{read.disagreed:,} domains had several values; of {by}, the {best} was taken")
    if read.bad:
        notes.append(f"{read.bad:,} rows could not be read: {'; '.join(read.examples)}")
    return {
        "name": scale.name,
        "measure": scale.measure,
        "kind": KIND_NAMES[scale.kind],
        "date": scale.dated[:10],
        "rows": read.rows,
        "read": len(read.values),
        "kept": len(ids),
        "not_in_ledger": len(read.values) - len(ids),
        "blank": read.blank,
        "bad": read.bad,
        "disagreed": read.disagreed,
    }, notes


def _import_ranks(file: Path, source: str, date: str, db: str) -> tuple[dict[str, Any], list[str]]:
    from audit.common_crawl import MEASURE, read_ranks
    from storage.authority import domain_names

    def tell(lines: int, kept: int) -> None:
        print(f"authority: {lines:,} lines read, {kept:,} domains kept", file=sys.stderr, flush=True)

    with open_ledger(db) as conn:
        known = {name: id_ for id_, name in domain_names(conn)}
    # No transaction is held while the file is read, which may take minutes.
    read = read_ranks(file, known, tell=tell)
    del known
    about = {"file": file.name, "lines": read.lines, "bad": read.bad, "hosts": read.hosts}
    with open_ledger(db, write=True) as conn:
        _some_known(read.values, read.lines, file)
        scale = save_scale(
            conn, kind="prior", name=source, measure=MEASURE, dated=date, about=about, values=read.values, now=now_ms()
        )
    notes = [
        "`linkledger authority build` starts from these ranks; that graph counts scripts, fonts and images as links"
    ]
    if read.hosts:
        notes.append("these are ranks of hosts: a domain has those of the host of its own name")
    if read.repeated:
        notes.append(f"{read.repeated:,} domains came again; the first line counts")
    if read.bad:
        notes.append(f"{read.bad:,} lines could not be read: {'; '.join(read.examples)}")
    return {
        "name": scale.name,
        "measure": scale.measure,
        "kind": KIND_NAMES[scale.kind],
        "date": scale.dated[:10],
        "rows": read.lines,
        "read": read.lines - read.bad,
        "kept": len(read.values),
        "not_in_ledger": None,
        "blank": None,
        "bad": read.bad,
        "disagreed": None,
    }, notes


def _some_known(kept: Iterable[object], of: int, file: Path) -> None:
    if not any(True for _ in kept):
        raise NoFigures(
            f"none of the {of:,} domains of {file} is in this ledger; crawl pages first, then import the file"
        )


def _left_out(number: int) -> list[str]:
    if not number:
        return []
    return [f"{number:,} domains are not in this ledger and were left out; import the file again after a crawl"]
