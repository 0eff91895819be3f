"""``linkledger db``: make a ledger, describe it, bring it up to date, and check what it claims.

What copies a ledger or makes it smaller is in `cli.upkeep`.
"""

from __future__ import annotations

import sys
from typing import Any

import typer

from cli.cells import visible
from cli.clock import now_ms
from cli.config import database
from cli.options import DatabaseOption, FormatOption
from cli.render import Answer, write_answer
from cli.upkeep import backup, export, prune, reclassify
from storage.engine import Ledger, create_ledger, parse_database, shown, upgrade_ledger
from storage.ledger_facts import ledger_facts

app = typer.Typer(help="Make a ledger, describe it, back it up, bring it up to date, check it.", no_args_is_help=True)


@app.command("init")
def init(db: DatabaseOption = None) -> None:
    """Make an empty ledger; one that is there is left as it is.

    Example: linkledger db init --db sqlite:///spring.db
    """
    from crawler.urls import suffix_list_version

    where = database(db)
    made = create_ledger(where, psl=suffix_list_version(), now=now_ms())
    typer.echo(visible(f"{'made' if made else 'there already:'} {shown(parse_database(where))}"))


@app.command("info")
def info(db: DatabaseOption = None, output: FormatOption = None) -> None:
    """Where the ledger is, what kind and how large, and how much it holds.

    Example: linkledger db info --format json
    """
    with Ledger(database(db), read_only=True) as ledger, ledger.connect() as conn:
        facts = ledger_facts(ledger, conn)
    write_answer(
        Answer(key="ledger", rows=[facts], columns=tuple(facts), single=True, heading=f"ledger {facts['database']}"),
        output=output,
    )


@app.command("upgrade")
def upgrade(db: DatabaseOption = None) -> None:
    """Bring a ledger of an older release to this release's schema, all or nothing.

    A SQLite ledger is first copied beside itself (FILE.0001.bak); a PostgreSQL ledger is yours to back up.

    Example: linkledger db upgrade --db sqlite:///spring.db
    """
    found, now = upgrade_ledger(database(db), progress=lambda line: print(line, file=sys.stderr))
    typer.echo(f"schema {now}, nothing to do" if found == now else f"schema {found} -> {now}")


@app.command("check")
def check(db: DatabaseOption = None, output: FormatOption = None) -> None:
    """Recompute what the ledger claims; exit status 1 when something is wrong.

    Example: linkledger db check
    """
    from storage.check import check as run

    rows: list[dict[str, Any]] = []
    with Ledger(database(db), read_only=True) as ledger, ledger.connect() as conn:
        for one in run(conn):
            rows.append(
                {
                    "check": one.name,
                    "examined": one.examined,
                    "pruned": one.pruned,
                    "wrong": one.wrong,
                    "examples": list(one.examples),
                }
            )
    wrong = sum(row["wrong"] for row in rows)
    write_answer(
        Answer(
            key="checks",
            rows=rows,
            columns=("check", "examined", "pruned", "wrong", "examples"),
            head={"wrong": wrong},
            heading=f"{len(rows)} checks, {wrong or 'nothing'} wrong",
        ),
        output=output,
        limit="none",
    )
    if wrong:
        raise typer.Exit(1)


app.command("backup")(backup)
app.command("export")(export)
app.command("prune")(prune)
app.command("reclassify")(reclassify)
