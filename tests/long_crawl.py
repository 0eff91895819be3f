"""A crawl of 500 pages by the real command, to be killed at any moment: the site, the processes, the comparison."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local_site import Page, Site, environment, html, redirect

from storage.crawls import registered
from storage.dump import dump
from storage.engine import open_ledger
from storage.errors import LedgerError

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-c", "from cli.main import main; main()"]
HOSTS = 8
PAGES = 500
SEEDS = 200


def fill(site: Site, *, wait: float, more: int = 0) -> None:
    """500 URLs on eight hosts: 200 of them on the list, the others found by following links.

    ``more``: so many further links on each page. Among the URLs are redirects to other hosts, two that end on one
    page, pages that are gone or forbidden.
    """
    site.robots = b"User-agent: *\nDisallow: /private/\n"
    dice = random.Random(7)
    urls = [url(site, number) for number in range(PAGES)]
    for number in range(PAGES):
        key = (host(number), path(number))
        if number % 50 == 7:
            site.routes[key] = redirect(urls[(number + 3) % PAGES], status=302)
        elif number % 50 == 11:
            site.routes[key] = Page(html(title="gone"), status=410, wait=wait)
        else:
            # Two pages of the list, side by side, lead to each of the others; not both of them are gone.
            found = [urls[SEEDS + (number * 3 + n) % (PAGES - SEEDS)] for n in range(6)] if number < SEEDS else []
            shown = [*found, *dice.sample(urls, 3), f"https://site{number % 30}.example/{number}"]
            shown += [f"https://site{n}.example/{number}/{'long-' * 20}{n}" for n in range(more)]
            site.routes[key] = Page(html(*shown, title=f"Page {number}"), wait=wait)


def host(number: int) -> str:
    return f"127.0.0.{2 + number % HOSTS}"


def path(number: int) -> str:
    return f"/private/{number}" if number % 50 == 23 else f"/p/{number}"


def url(site: Site, number: int) -> str:
    return site.url(path(number), host(number))


def words(site: Site, database: str, *more: str) -> list[str]:
    """The command that begins the crawl."""
    follow = ["--depth", "20", "--follow", "any", "--include", rf"^http://127\.0\.0\.\d+:{site.port}/"]
    seeds = [url(site, number) for number in range(SEEDS)]
    return ["crawl", *seeds, "--delay", "0", "--db", database, *follow, *more]


def start(*arguments: str) -> subprocess.Popen[str]:
    """The command, running."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment() | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child: subprocess.Popen[str], *, status: int = 0, seconds: float = 120) -> str:
    """Wait for its end, which must be as expected; what it said on standard error."""
    try:
        _, said = child.communicate(timeout=seconds)
    finally:
        child.kill()
    assert "Traceback" not in said, said
    assert child.returncode == status, (child.returncode, said)
    return said


def run(*arguments: str, status: int = 0) -> str:
    return finish(start(*arguments), status=status)


def kill(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=20)


def begun(database: str) -> bool:
    """Whether the crawl stands in the ledger."""
    try:
        with open_ledger(database) as conn:
            return registered(conn, 1) is not None
    except LedgerError:
        return False


def state(database: str) -> str:
    with open_ledger(database) as conn:
        return str(registered(conn, 1).state)


def content(database: str) -> list[str]:
    """The logical dump of a ledger."""
    with open_ledger(database) as conn:
        return list(dump(conn))


def check_whole(database: str) -> None:
    """Each URL has its one final outcome, each page was stored once."""
    with open_ledger(database) as conn:
        states = dict(conn.exec_driver_sql("SELECT state, count(*) FROM outcome GROUP BY state").all())
        twice = conn.exec_driver_sql("SELECT page_id FROM visit GROUP BY page_id HAVING count(*) > 1").all()
        leases = conn.exec_driver_sql("SELECT count(*) FROM lease").scalar_one()
    assert 0 not in states
    assert sum(states.values()) == PAGES
    assert twice == []
    assert leases == 0
    assert state(database) == "finished"


def same(found: list[str], expected: list[str]) -> None:
    """Compare two dumps; a failure shows the first lines that differ."""
    lost, added = sorted(set(expected) - set(found))[:5], sorted(set(found) - set(expected))[:5]
    assert (lost, added) == ([], []), "\n".join(["lost:", *lost, "added:", *added])
    assert found == expected


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


@contextmanager
def stopped_at_the_end(child: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Leave no process behind where a test fails."""
    try:
        yield child
    finally:
        child.kill()
        child.wait(20)


def children(pid: int) -> list[int]:
    """Process numbers of a process's children."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                values = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(values[1]) == pid and values[0] != "Z":
                found.append(int(folder.name))
    return sorted(found)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
