"""``linkledger db export``: what a ledger holds, as text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from cli.config import database
from cli.options import DatabaseOption
from storage.engine import Ledger


def export(
    canonical: Annotated[
        bool,
        typer.Option(
            "--canonical",
            help="JSON lines with natural keys only (URLs, words, names), sorted: to compare two ledgers with diff.",
        ),
    ] = False,
    times: Annotated[
        bool, typer.Option("--times", help="With the dates of visits and versions, not only their order.")
    ] = False,
    to: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; - is standard output.")
    ] = "-",
    db: DatabaseOption = None,
) -> None:
    """Write what the ledger knows as text that two ledgers can be compared by.

    Lists, crawls, outcomes, pages, visits, and every version of every link and anchor; no ids, no times unless asked
    for, no attempts that found nothing out. The same on SQLite and PostgreSQL, whatever the order things arrived in.

    Example: linkledger db export --canonical -o spring.jsonl
    """
    from storage.dump import dump

    if not canonical:
        raise typer.BadParameter("say --canonical: it is the only form there is", param_hint="--canonical")
    with Ledger(database(db), read_only=True) as ledger, ledger.connect() as conn, _written(to) as out:
        for line in dump(conn, times=times):
            out.write(line)
            out.write("\n")


@contextmanager
def _written(to: str) -> Iterator[TextIO]:
    """A file that is there whole or not at all; ``-`` is standard output."""
    if to == "-":
        yield sys.stdout
        return
    path = Path(to)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
