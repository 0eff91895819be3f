"""A backup is the ledger of one moment, made while others write, whole or not at all."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from asking import ask, ask_json
from readings import RULES, link, reading

from storage.backup import BackupFailed, backup
from storage.check import check
from storage.dump import dump
from storage.engine import Ledger, create_ledger
from storage.writer import write_readings

SHOP = "https://shop.example/"


def filled(database: str, pages: int = 30) -> None:
    create_ledger(database, psl="test", now=77)
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            conn.exec_driver_sql("INSERT INTO crawl (plan, state, started_at) VALUES ('{}', 'running', 0)")
        for week in (1, 2):
            visits = [
                reading(
                    f"https://p{number}.example/",
                    [link(SHOP, "“Ω”\x00", hidden=True), (SHOP, f"b{week}"), (f"{SHOP}{number}", "")],
                    week * 1000 + number,
                )
                for number in range(pages)
            ]
            write_readings(ledger, 1 if week == 1 else None, visits, rules_version=RULES)


def lines(database: str) -> list[str]:
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return list(dump(conn, times=True))


def wrong(database: str) -> list[object]:
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return [one for one in check(conn) if one.wrong]


def test_a_backup_gives_equal_answers(database: str, tmp_path: Path) -> None:
    filled(database)
    target = tmp_path / "copy.db"
    told: list[tuple[str, int, int]] = []
    with Ledger(database, read_only=True) as ledger:
        size = backup(ledger, target, progress=lambda *row: told.append(row))
        kept = (ledger.key, ledger.psl, ledger.created_at)
    assert size == target.stat().st_size
    assert told
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    with Ledger(str(target)) as copy:
        assert (copy.key, copy.psl, copy.created_at) == kept
    assert lines(str(target)) == lines(database)
    assert wrong(str(target)) == []
    for question in (("links", "count"), ("links", "list"), ("anchors", "top")):
        assert ask_json(*question, "shop.example", "--db", str(target)) == ask_json(
            *question, "shop.example", "--db", database
        )


def test_every_row_of_every_table_is_in_it(database: str, tmp_path: Path) -> None:
    from storage.schema import metadata

    filled(database)
    with Ledger(database, read_only=True) as ledger:
        backup(ledger, tmp_path / "copy.db")
        with ledger.connect() as conn, sqlite3.connect(tmp_path / "copy.db") as copy:
            for table in metadata.tables:
                rows = sorted(
                    repr(tuple(_plain(v) for v in row)) for row in conn.exec_driver_sql(f"SELECT * FROM {table}")
                )
                assert rows == sorted(repr(row) for row in copy.execute(f"SELECT * FROM {table}")), table


def _plain(value: object) -> object:
    return int(value) if isinstance(value, bool) else value


def test_a_copy_can_be_written_to(database: str, tmp_path: Path) -> None:
    filled(database)
    with Ledger(database, read_only=True) as ledger:
        backup(ledger, tmp_path / "copy.db")
    with Ledger(str(tmp_path / "copy.db")) as copy:
        write_readings(copy, None, [reading("https://new.example/", [(SHOP, "n")], 9000)], rules_version=RULES)
    assert wrong(str(tmp_path / "copy.db")) == []


_WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from readings import RULES, reading
from storage.engine import Ledger
from storage.writer import write_readings
with Ledger(sys.argv[1]) as ledger:
    for number in range(100000):
        page = f"https://w{number}.example/"
        links = [(f"https://shop.example/{number}/{place}", f"words {number}") for place in range(20)]
        write_readings(ledger, None, [reading(page, links, 5000 + number)], rules_version=RULES)
        if number % 20 == 0:
            print(number, flush=True)
"""


def test_a_backup_while_another_process_writes(database: str, tmp_path: Path) -> None:
    filled(database)
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, database, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    try:
        sizes = []
        for copy in range(3):
            written = int(writer.stdout.readline())
            target = tmp_path / f"copy{copy}.db"
            began = time.monotonic()
            done = ask("db", "backup", str(target), "--db", database)
            assert done.exit_code == 0, done.stderr
            assert time.monotonic() - began < 20
            assert wrong(str(target)) == []
            pages = ask_json("db", "info", "--db", str(target))["pages"]
            assert pages >= 30 + written
            sizes.append(pages)
        assert writer.poll() is None
        now = ask_json("db", "info", "--db", database)["pages"]
        assert sizes == sorted(sizes)
        assert now >= sizes[-1]
    finally:
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    assert wrong(database) == []


def test_a_file_that_is_there_stays_unless_forced(database: str, tmp_path: Path) -> None:
    filled(database, pages=2)
    target = tmp_path / "copy.db"
    target.write_text("mine")
    done = ask("db", "backup", str(target), "--db", database)
    assert (done.exit_code, target.read_text()) == (1, "mine")
    assert "--force" in done.stderr
    done = ask("db", "backup", str(target), "--db", database, "--force")
    assert done.exit_code == 0, done.stderr
    assert lines(str(target)) == lines(database)


def test_what_a_killed_backup_left_is_no_hindrance(database: str, tmp_path: Path) -> None:
    filled(database, pages=2)
    target = tmp_path / "copy.db"
    for end in ("", "-wal", "-shm", "-journal"):
        (tmp_path / f"copy.db.part{end}").write_bytes(b"half of a copy")
    with Ledger(database, read_only=True) as ledger:
        backup(ledger, target)
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    assert lines(str(target)) == lines(database)


def test_the_ledger_itself_is_no_target(tmp_path: Path) -> None:
    database = str(tmp_path / "a.db")
    filled(database, pages=2)
    (tmp_path / "other.db").symlink_to(database)
    before = lines(database)
    for name in ("a.db", "other.db"):
        with Ledger(database, read_only=True) as ledger, pytest.raises(BackupFailed, match="itself"):
            backup(ledger, tmp_path / name, force=True)
    assert lines(database) == before


def test_a_log_beside_the_target_is_not_taken_for_its_own(tmp_path: Path) -> None:
    database = str(tmp_path / "a.db")
    filled(database, pages=2)
    (tmp_path / "copy.db-wal").write_bytes(b"of another database")
    with Ledger(database, read_only=True) as ledger, pytest.raises(BackupFailed, match=r"copy\.db-wal"):
        backup(ledger, tmp_path / "copy.db", force=True)


@pytest.mark.parametrize("where", ["missing/copy.db", "."], ids=["no_folder", "a_folder"])
def test_what_cannot_be_written_is_said_in_one_line(tmp_path: Path, where: str) -> None:
    database = str(tmp_path / "a.db")
    filled(database, pages=2)
    done = ask("db", "backup", str(tmp_path / where), "--db", database)
    assert done.exit_code == 1
    assert done.stderr.startswith("linkledger: no backup at ")
    assert done.stderr.count("\n") == 1


def test_nothing_is_left_of_a_copy_that_failed(tmp_path: Path) -> None:
    """The disk is full: a file may not grow beyond some bytes here."""
    database = str(tmp_path / "a.db")
    filled(database)
    folder = tmp_path / "to"
    folder.mkdir()
    (folder / "copy.db").write_text("the one of last week")
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "db", "backup", str(folder / "copy.db"), "--force", "--db", database],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("linkledger: no backup at ")
    assert [path.name for path in folder.iterdir()] == ["copy.db"]
    assert (folder / "copy.db").read_text() == "the one of last week"
