"""``authority build`` on an invented ledger: reading the edges, ranking, writing the figures; seconds of CPU.

``python -m benchmarks.authority --help`` runs other sizes. The ledger holds what the build reads (domains, pages, sums
by page and domain); no link has words.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection

from benchmarks.memory import peak_mb
from benchmarks.rows import Row
from storage.dialect import dialect_of
from storage.engine import create_ledger, open_ledger

T0 = 1_790_000_000_000
_CHUNK = 100_000
_PAGES_A_DOMAIN = 5
_CRAWLED = 0.2
_NOT_INDEXABLE = 0.1
_EDGE = (
    "target_domain", "source_domain", "source_id", "source_host", "links", "followed", "rel_nofollow", "rel_ugc",
    "rel_sponsored", "page_nofollow", "lost", "first_seen", "newest",
)  # fmt: skip


def fill(conn: Connection, domains: int, edges: int) -> None:
    """Write an invented ledger into an empty one: a fifth of the domains read, five pages each, ten in-links a domain.

    A tenth of the pages is not indexable: their pairs are no edges.

    Args:
        edges: about so many pairs of domains are edges.
    """
    dice = np.random.default_rng(7)
    pages = max(1, int(domains * _CRAWLED)) * _PAGES_A_DOMAIN
    ids = np.unique(dice.integers(-(2**62), 2**62, pages, dtype=np.int64))
    pages = len(ids)
    of_page = np.arange(pages, dtype=np.int64) * max(1, int(domains * _CRAWLED)) // pages + 1
    drawn = int(edges * 1.13)
    # As if by Zipf's law: few are linked to by many.
    target = np.minimum((domains ** dice.random(drawn)).astype(np.int64), domains - 1) + 1
    target[dice.random(drawn) < 0.7] = 0
    rest = int((target == 0).sum())
    target[target == 0] = dice.integers(1, domains + 1, rest)
    page = dice.integers(0, pages, drawn)
    key = np.unique(target * pages + page)
    target, page = key // pages, key % pages
    source = of_page[page]
    other = source != target
    target, page, source = target[other], page[other], source[other]
    order = np.lexsort((ids[page], source, target))
    target, page, source = target[order], page[order], source[order]
    for table, columns, rows in (
        ("domain", ("id", "name"), ((one, f"site{one}.example") for one in range(1, domains + 1))),
        ("host", ("id", "name", "domain_id"), ((one, f"site{one}.example", one) for one in range(1, domains + 1))),
        (
            "url",
            ("id", "url", "host_id", "path_key"),
            ((id_, f"https://site{of}.example/{id_}", of, 0) for id_, of in _pairs(ids, of_page)),
        ),
        (
            "page",
            ("id", "host_id", "domain_id", "first_ok", "last_ok", "attempted_at", "confirmed", "indexable", "links"),
            (
                (id_, of, of, T0, T0, T0, True, number % int(1 / _NOT_INDEXABLE) != 0, 10)
                for number, (id_, of) in enumerate(_pairs(ids, of_page))
            ),
        ),
        (
            "edge",
            _EDGE,
            ((to, of, id_, of, 1, 1, 0, 0, 0, 0, 0, T0, T0) for to, of, id_ in _pairs(target, source, ids[page])),
        ),
    ):
        _insert(conn, table, columns, rows)


def _pairs(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of arrays as plain numbers, a part at a time."""
    for start in range(0, len(arrays[0]), _CHUNK):
        yield from zip(*(one[start : start + _CHUNK].tolist() for one in arrays), strict=True)


def _insert(conn: Connection, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    dialect = dialect_of(conn)
    while some := list(islice(rows, _CHUNK)):
        dialect.insert(conn, table, columns, some)


_ROWS = (
    "SELECT DISTINCT e.target_domain, e.source_domain FROM edge e JOIN page p ON p.id = e.source_id"
    " WHERE e.followed > 0 AND e.source_domain <> e.target_domain AND p.indexable"
)


def measure(database: str, baseline: bool) -> dict[str, float]:
    """Seconds of CPU of each part of a build, or of what it is compared with, and the peak of this process's memory."""
    found: dict[str, float] = {}
    if baseline:
        with open_ledger(database) as conn:
            started = time.process_time()
            rows = [(row[0], row[1]) for row in conn.exec_driver_sql(_ROWS, execution_options={"yield_per": 10_000})]
            found |= {"rows": time.process_time() - started, "pairs": len(rows)}
    else:
        from audit.ask_authority import compute, keep

        marks: list[float] = []
        with open_ledger(database) as conn:
            computed = compute(conn, tell=lambda _: marks.append(time.process_time()))
        marks.append(time.process_time())
        with open_ledger(database, write=True) as conn:
            scale = keep(conn, computed, now=T0)
        marks.append(time.process_time())
        found |= {
            "reading": marks[1] - marks[0],
            "ranking": marks[2] - marks[1],
            "writing": marks[3] - marks[2],
            "all": marks[3],
            "edges": scale.about["edges"],
        }
    return found | {"megabytes": peak_mb()}


def _measured(database: str, *, baseline: bool) -> dict[str, float]:
    """In a process of its own, so that the peak is its own."""
    command = [sys.executable, "-m", "benchmarks.authority", "--measure", "rows" if baseline else "build"]
    done = subprocess.run([*command, "--db", database], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def rows(database: str, domains: int, edges: int, *, bound: bool) -> list[Row]:
    """Fill a ledger, build, and compare with the reading of every pair as a row."""
    create_ledger(database, psl="benchmark")
    with open_ledger(database, write=True) as conn:
        fill(conn, domains, edges)
    found = _measured(database, baseline=False)
    plain = _measured(database, baseline=True)
    size = f"{domains:,} domains, {found['edges']:,.0f} edges"
    parts = ", ".join(f"{name} {found[name]:.1f} s" for name in ("reading", "ranking", "writing"))
    return [
        Row(
            what="authority build, s of CPU",
            baseline="the reading alone, a row for each pair",
            reached=found["all"],
            needed="< 20" if bound else "",
            ok=found["all"] < 20 if bound else None,
            detail=f"{size}; {parts}; rows {plain['rows']:.1f} s, {plain['rows'] / found['reading']:.1f}x the reading",
        ),
        Row(
            what="authority build, peak MB",
            baseline="the rows as a list",
            reached=found["megabytes"],
            needed="< 2000" if bound else "",
            ok=found["megabytes"] < 2000 if bound else None,
            detail=f"rows {plain['megabytes']:.0f} MB",
        ),
    ]


def run(quick: bool) -> list[Row]:
    """1 M domains and 10 M edges; filling the ledger takes longer than all that is measured."""
    domains, edges = (2_000, 20_000) if quick else (1_000_000, 10_000_000)
    with tempfile.TemporaryDirectory() as folder:
        return rows(f"sqlite:///{Path(folder) / 'authority.db'}", domains, edges, bound=not quick)


def main() -> None:
    """Another size, or another database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=1_000_000)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--db", help="an empty database to fill; else a temporary SQLite file")
    parser.add_argument("--measure", choices=("build", "rows"), help="only this, on --db as it is; prints JSON")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.db, given.measure == "rows")))
        return
    with tempfile.TemporaryDirectory() as folder:
        database = given.db or f"sqlite:///{Path(folder) / 'authority.db'}"
        for row in rows(database, given.domains, given.edges, bound=False):
            print(f"{row.what}: {row.reached:.1f}  {row.detail}")


if __name__ == "__main__":
    main()
