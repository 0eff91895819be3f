"""Ledgers that earlier releases wrote, kept in tests/ledgers, and what an upgrade makes of them on both databases."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_json
from readings import failed, reading, url
from sqlalchemy import Boolean, Connection, MetaData, create_engine, event, inspect
from test_migrations import _described

from storage import migrate
from storage.backup import BackupFailed
from storage.check import check
from storage.dump import dump
from storage.engine import Ledger, create_ledger, parse_database, upgrade_ledger
from storage.errors import SchemaOutOfDate
from storage.records import Hop
from storage.schema import REVISION
from storage.writer import write_readings

KEPT = Path(__file__).parent / "ledgers"
OLD = sorted(path.stem for path in KEPT.glob("*.db") if path.stem < REVISION)
ALL = sorted(path.stem for path in KEPT.glob("*.db"))


@contextmanager
def plain(database: str) -> Iterator[Connection]:
    """A connection that asks for no schema revision."""
    engine = create_engine(parse_database(database))
    with engine.begin() as conn:
        yield conn
    engine.dispose()


def put(revision: str, database: str) -> None:
    """A kept ledger as the database ``database``: its file, or its rows in a PostgreSQL schema of its revision."""
    source = KEPT / f"{revision}.db"
    url = parse_database(database)
    if url.get_backend_name() == "sqlite":
        shutil.copy(source, str(url.database))
        return
    with plain(database) as conn, sqlite3.connect(source) as old:
        migrate.upgrade(conn, to=revision)
        tables = MetaData()
        tables.reflect(conn)
        old.row_factory = sqlite3.Row
        for table in tables.sorted_tables:
            if table.name == "alembic_version":
                continue
            rows = [dict(row) for row in old.execute(f"SELECT * FROM {table.name}")]
            for row in rows:
                for column in table.columns:
                    if isinstance(column.type, Boolean) and row[column.name] is not None:
                        row[column.name] = bool(row[column.name])
            if rows:
                conn.execute(table.insert(), rows)
            if "id" in table.c and table.c.id.autoincrement is True:
                sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
                conn.exec_driver_sql(f"SELECT setval({sequence}, coalesce(max(id), 1)) FROM {table.name}")


def content(database: str) -> dict[str, Any]:
    """Every table with its columns and rows."""
    with plain(database) as conn:
        found = {}
        for table in inspect(conn).get_table_names():
            rows = conn.exec_driver_sql(f"SELECT * FROM {table}")
            found[table] = (tuple(rows.keys()), sorted(map(repr, rows)))
    return found


def dumped(database: str) -> list[str]:
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return list(dump(conn, times=True))


def wrong(database: str) -> list[Any]:
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return [one for one in check(conn) if one.wrong]


def test_a_ledger_is_kept_of_every_revision() -> None:
    versions = (migrate.SCRIPTS / "versions").glob("0*.py")
    assert sorted(path.stem.split("_")[0] for path in versions) == ALL


@pytest.mark.parametrize("revision", ALL)
def test_a_kept_ledger_is_whole_after_the_upgrade(database: str, revision: str, tmp_path: Path) -> None:
    put(revision, database)
    assert upgrade_ledger(database) == (revision, REVISION)
    assert wrong(database) == []
    same = str(tmp_path / "same.db")
    put(revision, same)
    upgrade_ledger(same)
    assert dumped(database) == dumped(same)


@pytest.mark.parametrize("revision", OLD)
def test_its_tables_and_views_are_those_of_a_new_one(database: str, revision: str, tmp_path: Path) -> None:
    put(revision, database)
    upgrade_ledger(database)
    with plain(database) as conn:
        described = _described(conn)
    fresh = str(tmp_path / "fresh.db")
    if parse_database(database).get_backend_name() == "sqlite":
        create_ledger(fresh, psl="x")
        question = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
        with sqlite3.connect(str(parse_database(database).database)) as one, sqlite3.connect(fresh) as other:
            assert one.execute(question).fetchall() == other.execute(question).fetchall()
    else:
        with plain(database) as conn:
            conn.exec_driver_sql("DROP SCHEMA public CASCADE")
            conn.exec_driver_sql("CREATE SCHEMA public")
        create_ledger(database, psl="x")
        with plain(database) as conn:
            assert _described(conn) == described


def test_what_the_first_revision_knew_is_answered_as_before(database: str) -> None:
    put("0001", database)
    upgrade_ledger(database)
    counted = ask_json("links", "count", "target.example", "--db", database)
    expected = {
        "backlinks": 10, "followed": 10, "not_followed": 0, "referring_pages": 7, "referring_domains": 6,
        "confirmed": 6, "unconfirmed": 4, "first_seen": "2026-09-21T14:13:20.001Z",
    }  # fmt: skip
    assert {name: counted[name] for name in expected} == expected
    top = ask_json("anchors", "top", "target.example", "--db", database)
    assert [(row["anchor"], row["links"]) for row in top["anchors"]] == [
        ("shop", 2), ("délicieux", 2), ("", 1), ("Buy", 1), ("click here", 1), ("shoes", 1),
        ("Target", 1), ("whole", 1),
    ]  # fmt: skip
    kept = ask_json("lists", "show", "spring", "--db", database)
    assert (kept["rows"], kept["domains"], kept["crawls"]) == (6, 6, [1, 2, 3])
    assert {name: kept["coverage"][name] for name in ("asked", "fetched", "pending")} == {
        "asked": 6, "fetched": 1, "pending": 5,
    }  # fmt: skip


def test_what_the_first_revision_had_seen_has_its_reasons_and_its_misses(database: str) -> None:
    put("0001", database)
    upgrade_ledger(database)
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        began = conn.exec_driver_sql("SELECT began, count(*) FROM link GROUP BY began ORDER BY began").all()
        words = conn.exec_driver_sql("SELECT began, count(*) FROM anchor GROUP BY began ORDER BY began").all()
        misses = conn.exec_driver_sql(
            "SELECT u.url, m.crawl_id, m.state, m.cause FROM miss m JOIN url u ON u.id = m.page_id ORDER BY 1, 2"
        ).all()
        visits = conn.exec_driver_sql("SELECT count(*) FROM visit WHERE NOT whole").scalar_one()
        shards = dict(map(tuple, conn.exec_driver_sql("SELECT operator, min(shard) FROM outcome GROUP BY operator")))
    assert [tuple(row) for row in began] == [(0, 1), (1, 14), (2, 3)]
    assert [tuple(row) for row in words] == [(0, 1), (1, 14), (2, 3), (3, 2)]
    assert [(row[0].split("/")[2], *row[1:]) for row in misses] == [
        ("beta.example", 3, 6, 0),
        ("delta.example", 2, 1, 0),
        ("delta.example", 3, 1, 0),
        ("epsilon.example", 1, 6, 0),
        ("epsilon.example", 3, 6, 0),
        ("gamma.example", 2, 6, 2),
        ("zeta.example", 2, 6, 0),
    ]
    assert visits == 1
    from storage.shards import shard_of

    assert shards == {operator: shard_of(operator) for operator in shards}


def test_what_the_second_revision_knew_is_answered_as_before(database: str) -> None:
    put("0002", database)
    upgrade_ledger(database)
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        states = conn.exec_driver_sql(
            "SELECT lost_cause, count(*) FROM link WHERE valid_to IS NULL GROUP BY 1 ORDER BY 1"
        )
        assert [tuple(row) for row in states] == [(0, 21), (1, 6), (4, 2)]
        began = conn.exec_driver_sql("SELECT began, count(*) FROM link GROUP BY began ORDER BY began")
        assert [tuple(row) for row in began] == [(0, 1), (1, 26), (2, 2), (3, 1), (4, 2)]
        assert conn.exec_driver_sql("SELECT count(*) FROM page WHERE suspect_id IS NOT NULL").scalar_one() == 1
        assert conn.exec_driver_sql("SELECT count(*) FROM record WHERE length(data) = 0").scalar_one() == 1
    counted = ask_json("links", "count", "target.example", "--db", database)
    assert (counted["backlinks"], counted["not_followed"], counted["referring_pages"]) == (19, 1, 9)
    shown = ask_json("crawls", "show", "1", "--db", database)
    assert (shown["not_followed"], shown["politeness"]["user_agent"]) == ([], None), "not counted, not noted then"
    assert ask_json("links", "count", "target.example", "--state", "lost", "--db", database)["backlinks"] == 8


def test_a_ledger_of_the_third_revision_has_lists_of_any_pages_and_no_figures(one_database: str) -> None:
    put("0003", one_database)
    upgrade_ledger(one_database)
    with Ledger(one_database, read_only=True) as ledger, ledger.connect() as conn:
        lists = conn.exec_driver_sql("SELECT name, backlinks_of FROM list").all()
    assert [tuple(row) for row in lists] == [("spring", None)]
    assert ask_json("authority", "show", "--db", one_database)["domains"] == []


def test_what_the_fourth_revision_knew_is_answered_as_before(database: str) -> None:
    put("0004", database)
    upgrade_ledger(database)
    shown = ask_json("authority", "show", "target.example", "--db", database)["domains"]
    assert shown == [
        {
            "domain": "target.example", "authority": 100.0, "confidence": "high", "referring_domains": 9,
            "harmonic": 9.0, "trust": 100.0, "place": 1, "ratio": 9.73,
            "figures": {"Tool Domain rating": 71.5, "Common Crawl harmonic centrality": 1.5e7},
        }
    ]  # fmt: skip
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        lists = conn.exec_driver_sql("SELECT name, backlinks_of FROM list").all()
    assert [tuple(row) for row in lists] == [("spring", "target.example")]


@pytest.mark.parametrize("revision", ALL)
def test_an_upgraded_ledger_goes_on(database: str, revision: str, tmp_path: Path) -> None:
    """Pages that are told again from what the old release kept, and pages that only hear what comes next."""
    week, now = 604_800_000, 1_790_000_000_000 + 6 * 604_800_000
    pages = ("alpha", "beta", "gamma", "delta") if revision == "0001" else ("edits", "wall", "gone", "script")
    late, edited, moved, closed = (f"https://{name}.example/page" for name in pages)
    shop, to = "https://target.example/shop", "https://moved.example/"
    news = [
        reading(late, [(shop, "between")], now - 5 * week - week // 2),
        reading(edited, [(shop, "edited"), ("https://target.example/", "click here")], now),
        reading(
            to,
            [(shop, "Buy"), ("https://target.example/", "Target")],
            now,
            requested=moved,
            chain=(Hop(url(moved), 308),),
        ),
        failed(closed, now, 410),
    ]
    said = []
    for one in (database, str(tmp_path / "same.db")):
        put(revision, one)
        upgrade_ledger(one)
        with Ledger(one) as ledger:
            for reread in news:
                write_readings(ledger, None, [reread], rules_version=1)
        assert wrong(one) == []
        said.append(dumped(one))
    assert said[0] == said[1]
    assert any('"cause":"moved"' in line and moved in line for line in said[0])


def test_an_upgraded_sqlite_ledger_was_copied_before(tmp_path: Path) -> None:
    database = str(tmp_path / "a.db")
    put("0001", database)
    done = ask("db", "upgrade", "--db", database)
    assert (done.exit_code, done.stdout) == (0, f"schema 0001 -> {REVISION}\n")
    copy = tmp_path / "a.db.0001.bak"
    assert f"copied to {copy}\napplied 0002: " in done.stderr
    assert content(str(copy)) == content(str(KEPT / "0001.db"))
    with pytest.raises(SchemaOutOfDate):
        Ledger(str(copy))
    put("0001", database)  # a copy that is there is never written over
    upgrade_ledger(database)
    assert (tmp_path / "a.db.0001-2.bak").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "a.db.0001-2.bak", "a.db.0001.bak"]


def test_nothing_changes_where_the_copy_cannot_be_made(tmp_path: Path) -> None:
    database = str(tmp_path / "a.db")
    put("0001", database)
    (tmp_path / "a.db.0001.bak.part").mkdir()
    before = content(database)
    with pytest.raises(BackupFailed):
        upgrade_ledger(database)
    assert content(database) == before


def test_a_postgres_ledger_is_said_to_be_ours_to_back_up(postgres_url: str) -> None:
    put("0001", postgres_url)
    assert "pg_dump" in ask("db", "upgrade", "--db", postgres_url).stderr


_DIE = """
import os, signal, sys
from sqlalchemy import Engine, event
left = [int(sys.argv[2])]
def die(*_):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(Engine, "before_cursor_execute", die)
event.listen(Engine, "commit", die)
from storage.engine import upgrade_ledger
upgrade_ledger(sys.argv[1])
"""


def test_killed_anywhere_in_an_upgrade_it_is_old_or_new(database: str, tmp_path: Path) -> None:
    """Killed before a statement or before the commit, from the first one to the last."""
    counted = str(tmp_path / "counted.db")
    put("0001", counted)
    steps = [0]

    def count(*_: Any) -> None:
        steps[0] += 1

    from sqlalchemy import Engine

    event.listen(Engine, "before_cursor_execute", count)
    try:
        upgrade_ledger(counted)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    expected = dumped(counted)
    put("0001", database)
    before = content(database)
    killed = 0
    for step in (3, steps[0] // 3, steps[0] // 2, steps[0] - 6, steps[0] - 1, steps[0], steps[0] + 1):
        done = subprocess.run(
            [sys.executable, "-c", _DIE, database, str(step)], capture_output=True, check=False, timeout=60
        )
        if done.returncode == -signal.SIGKILL:
            killed += 1
            found = content(database)
            assert found == before or found["alembic_version"][1] == [f"('{REVISION}',)"]
        else:
            break
    assert killed >= 5
    upgrade_ledger(database)
    assert dumped(database) == expected
    assert wrong(database) == []
