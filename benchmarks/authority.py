"""``authority build`` on an invented ledger: reading the edges, ranking, writing the figures; seconds of CPU.

``python -m benchmarks.authority --help`` runs other sizes. The ledger holds what the build reads (domains, pages, sums
by page and domain); no link has words.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection

from benchmarks.rows import Row
from storage.dialect import dialect_of
from storage.engine import create_ledger, open_ledger

T0 = 1_790_000_000_000
_CHUNK = 100_000
_PAGES_A_DOMAIN = 5
_CRAWLED = 0.2
_NOT_INDEXABLE = 0.1


def build(conn: Connection, domains: int, edges: int) -> int:
    """Write an invented ledger into an empty one: a fifth of the domains read, five pages each, ten in-links a domain.

    Returns:
        Distinct pairs of domains, some more than ``edges``; a tenth of the pages is not indexable, their pairs too.
    """
    dice = np.random.default_rng(7)
    pages = max(1, int(domains * _CRAWLED)) * _PAGES_A_DOMAIN
    ids = np.unique(dice.integers(-(2**62), 2**62, pages, dtype=np.int64))
    pages = len(ids)
    of_page = np.arange(pages, dtype=np.int64) * max(1, int(domains * _CRAWLED)) // pages + 1
    drawn = int(edges * 1.2)
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
            (
                "target_domain", "source_domain", "source_id", "source_host", "links", "followed", "rel_nofollow",
                "rel_ugc", "rel_sponsored", "page_nofollow", "lost", "first_seen", "newest",
            ),  # fmt: skip
            ((to, of, id_, of, 1, 1, 0, 0, 0, 0, 0, T0, T0) for to, of, id_ in _pairs(target, source, ids[page])),
        ),
    ):
        _insert(conn, table, columns, rows)
    return int(len(np.unique(target * (domains + 1) + source)))


def _pairs(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of arrays as plain numbers, a part at a time."""
    for start in range(0, len(arrays[0]), _CHUNK):
        yield from zip(*(one[start : start + _CHUNK].tolist() for one in arrays), strict=True)


def _insert(conn: Connection, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    dialect = dialect_of(conn)
    while some := list(islice(rows, _CHUNK)):
        dialect.insert(conn, table, columns, some)
