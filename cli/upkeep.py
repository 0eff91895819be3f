"""``linkledger db backup|export|prune|reclassify``: copies of a ledger, and what makes it smaller or corrects it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from cli.cells import json_visible, visible
from cli.clock import now_ms
from cli.config import database
from cli.files import whole_file
from cli.moments import parse_moment
from cli.options import DatabaseOption, FormatOption, LimitOption
from cli.render import Answer, write_answer
from storage.engine import Ledger, shown
from storage.times import to_iso


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to make, a SQLite ledger.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there, once the copy is complete.")
    ] = False,
    db: DatabaseOption = None,
) -> None:
    """Copy the ledger as it stands to one file; crawls may go on meanwhile.

    The copy of a PostgreSQL ledger is a SQLite ledger that gives the same answers. Restoring is naming
    the copy with --db, or putting it in the place of the lost file.

    Example: linkledger db backup spring-2026-11-22.db
    """
    from storage.backup import backup as copy

    progress = Progress("backup")
    with Ledger(database(db), read_only=True) as ledger:
        size = copy(ledger, file, force=force, progress=progress.tell)
        progress.end()
        typer.echo(visible(f"copied {shown(ledger.url)} to {file}, {size:,} bytes"))


def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="SPAN", help="How old a visit must be: 180d, 26w, or a date.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much it would be.")] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="SQLite: make the file smaller afterwards; needs its size in free space.")
    ] = False,
    db: DatabaseOption = None,
    output: FormatOption = None,
) -> None:
    """Give up the evidence of old visits: what each link looked like word by word on its page at that time.

    Links, anchors, their versions and dates stay, and the latest complete visit of every page stays whole. A reading
    dated before what was given up is recorded from then on, and not merged into the history of its page.

    Example: linkledger db prune --older-than 180d --dry-run
    """
    from storage.prune import prune as give_up

    now = now_ms()
    before = parse_moment(older_than, now)
    progress = Progress("prune")
    with Ledger(database(db), read_only=dry_run) as ledger:
        found = give_up(ledger, before, dry_run=dry_run, progress=progress.tell)
        progress.end()
        where, kind = ledger.url, ledger.dialect.name
    freed = 0
    if vacuum and not dry_run and kind == "sqlite":
        from storage.backup import vacuum as shrink

        freed = shrink(Path(where.database or ""))
    elif found.records and not dry_run and kind == "sqlite":
        print("the file keeps its size and fills up again; --vacuum makes it smaller", file=sys.stderr)
    row = {
        "older_than": to_iso(before),
        "dry_run": dry_run,
        "records": found.records,
        "bytes": found.bytes,
        "visits": found.visits,
        "pages": found.pages,
        "pages_left": found.left,
        "file_smaller_by": freed,
    }
    write_answer(Answer(key="pruned", rows=[row], columns=tuple(row), single=True), output=output)


def reclassify(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which hosts belong elsewhere.")] = False,
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
) -> None:
    """Put every host into its registrable domain by the suffix list of this installation.

    A host keeps the domain it was first stored with, and a ledger made with another list says so. This rewrites
    hosts, pages, links, anchors and their sums in one transaction; no crawl may run meanwhile.

    Example: linkledger db reclassify --dry-run
    """
    from crawler.urls import operator_domain, registrable_domain, suffix_list_version
    from storage.reclassify import reclassify as rewrite

    psl = suffix_list_version()
    progress = Progress("reclassify")
    with Ledger(database(db), read_only=dry_run) as ledger:
        found = rewrite(ledger, registrable_domain, operator_domain, psl=psl, dry_run=dry_run, progress=progress.tell)
        progress.end()
    write_answer(
        Answer(
            key="changes",
            rows=[one._asdict() for one in found.changes],
            columns=("host", "domain", "new_domain"),
            head={
                "suffix_list": found.psl,
                "new_suffix_list": psl,
                "dry_run": dry_run,
                "hosts": found.hosts,
                "changed": len(found.changes),
                "list_rows_changed": found.list_rows,
            },
            heading=f"{len(found.changes):,} of {found.hosts:,} hosts {'would belong' if dry_run else 'now belong'} "
            f"to another domain by {psl}",
        ),
        output=output,
        limit=limit,
    )


class Progress:
    """How far a long step is, on standard error: a line a second at most, none for what takes less."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._next = time.monotonic() + 1.0
        self._said = False

    def tell(self, of: str, done: int, total: int) -> None:
        """Say how many ``of`` are done of how many; a total of 0 is not known."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + 1.0
            self._said = True
            print(f"{self._what}: {done:,}{f' of {total:,}' if total else ''} {of}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Say that it is done, if anything was said."""
        if self._said:
            print(f"{self._what}: done", file=sys.stderr, flush=True)


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
            out.write(json_visible(line))
            out.write("\n")


@contextmanager
def _written(to: str) -> Iterator[TextIO]:
    """A file that is there whole or not at all; ``-`` is standard output."""
    if to == "-":
        yield sys.stdout
        return
    with whole_file(Path(to)) as file:
        yield file
