"""``linkledger demo``: the real commands on the bundled pages, without the network."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli.options import DatabaseOption
from storage.errors import LedgerError

PORT = 8808
COMMANDS = (
    "linkledger crawl prospects.csv --list spring --delay 0.1 --fields asked,fetched,blocked,failed,pages,links",
    "linkledger links count acmetools.example rivaltools.example --fields backlinks,followed,referring_domains",
    "linkledger links list acmetools.example --followed --one-per domain --fields source,target",
    "linkledger anchors top acmetools.example --limit 6",
)
_AGAIN = "linkledger crawl --list spring --delay 0.1 --fields asked,fetched,suspect,blocked,failed"
_CHANGES = "linkledger links changes acmetools.example rivaltools.example --crawl previous..last"
LATER = {
    2: (
        "A week later. Some of the pages have changed, one is gone, and one hides behind a challenge.",
        (
            _AGAIN,
            f"{_CHANGES} --fields change,cause,source,target",
            "linkledger links count acmetools.example --fields backlinks,followed,confirmed,unconfirmed",
            "linkledger anchors changes acmetools.example --crawl previous..last --fields source,old,new",
        ),
    ),
    3: (
        "Another week later. The challenge is gone, a page has moved, and a link is back.",
        (
            _AGAIN,
            f"{_CHANGES} --fields change,cause,source,target",
            "linkledger links lost acmetools.example rivaltools.example --crawl 1..last --fields source,target,cause",
            "linkledger links history http://gardennotes.example/best-pruning-shears rivaltools.example",
            "linkledger links count acmetools.example --fields backlinks,followed,confirmed,unconfirmed",
        ),
    ),
}
"""By week: what has happened on the sites, and what is asked then."""


class DemoFailed(LedgerError):
    """One of the commands of the demonstration did not work."""


def demo(
    db: DatabaseOption = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Only serve the pages, until Ctrl-C, so that you can crawl them yourself.")
    ] = False,
    weeks: Annotated[
        int,
        typer.Option(
            min=1,
            max=3,
            help="Crawl so many times, the pages changing from week to week, and ask what has changed; "
            "with --serve, serve the pages as they are in that week.",
        ),
    ] = 1,
    port: Annotated[int, typer.Option(metavar="PORT", help="Where --serve listens on 127.0.0.1; 0 for any.")] = PORT,
) -> None:
    """Crawl a few bundled pages and ask about them, without the network.

    Example: linkledger demo --db sqlite:///demo.db
    """
    from cli.demo_site import serving

    if serve:
        try:
            with serving(port, weeks) as proxy:
                _explain(proxy)
        except OSError as error:
            raise DemoFailed(f"cannot listen on port {port}: {error.strerror}; choose another with --port") from error
        return
    with tempfile.TemporaryDirectory(prefix="linkledger-demo-") as folder:
        _show(Path(folder), None if db is None else _absolute(db), weeks)


def _show(folder: Path, db: str | None, weeks: int) -> None:
    """Run the commands as processes of their own, in a folder with nothing but the list."""
    from cli.demo_site import LIST_NAME, prospects, serving

    (folder / LIST_NAME).write_text(prospects(), encoding="utf-8")
    database = db or f"sqlite:///{folder / 'linkledger.db'}"
    print("A few pages of made-up sites are served on this computer, crawled and asked about.", flush=True)
    with serving() as proxy:
        for command in COMMANDS:
            _run(command, folder, proxy, database)
    for week in range(2, weeks + 1):
        happened, commands = LATER[week]
        print(f"\n{happened}", flush=True)
        with serving(week=week) as proxy:
            for command in commands:
                _run(command, folder, proxy, database)
    if db is None:
        print("\nThis ledger was temporary; `linkledger demo --db sqlite:///demo.db` keeps it.")
    else:
        print(f"\nThe ledger is kept: {db}")


def _run(command: str, folder: Path, proxy: str, database: str) -> None:
    """Show a command and what it says.

    Raises:
        DemoFailed: it did not work.
    """
    ours = {name: value for name, value in os.environ.items() if not _interferes(name)}
    print(f"\n$ {command}", flush=True)
    # What a terminal gets, also when this runs in a pipe.
    words = [*shlex.split(command)[1:], "--format", "table"]
    done = subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", *words],
        cwd=folder,
        env={**ours, "LINKLEDGER_PROXY": proxy, "LINKLEDGER_DB": database, "COLUMNS": "80"},
        check=False,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="backslashreplace",
    )
    if done.returncode:
        raise DemoFailed(f"`{command}` ended with status {done.returncode}: {done.stderr.strip()}")


def _interferes(name: str) -> bool:
    return name.startswith("LINKLEDGER_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def _absolute(db: str) -> str:
    """The commands run in another folder, so a relative file would land there."""
    prefix = "sqlite:///"
    name = db.removeprefix(prefix)
    return prefix + str(Path(name).absolute()) if db.startswith(prefix) and name else db


def _explain(proxy: str) -> None:
    try:
        print(f"The demo pages are served by a proxy at {proxy} until Ctrl-C. In another terminal:\n")
        print(f"  export LINKLEDGER_PROXY={proxy}")
        print("  linkledger crawl http://gardennotes.example/tool-care http://weekendplots.example/roundup-2026")
        print("  linkledger links targets --by domain", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        print(file=sys.stderr)
