"""Opening and making ledgers: what is refused, in which words, and what writers do to each other."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from readings import RULES, reading, url
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from storage.check import check
from storage.dictionaries import ensure_urls, find_url_ids, hash_id
from storage.engine import Ledger, LedgerWarning, create_ledger, open_ledger, parse_database, shown, upgrade_ledger
from storage.errors import LedgerError, NoLedger, SchemaOutOfDate, SchemaTooNew, UnreadableLedger
from storage.writer import write_readings


def test_a_ledger_is_made_once(database: str) -> None:
    assert create_ledger(database, psl="snapshot 1", now=5)
    with Ledger(database) as first:
        key = first.key
    assert not create_ledger(database, psl="snapshot 2", now=9)
    with Ledger(database) as again:
        assert (again.key, again.psl, again.created_at) == (key, "snapshot 1", 5)


def test_two_that_make_it_at_once_make_one(database: str) -> None:
    made: list[bool] = []
    threads = [threading.Thread(target=lambda: made.append(create_ledger(database, psl="x"))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(made) == [False, False, False, True]


def test_a_question_never_makes_a_database(tmp_path: Path) -> None:
    with pytest.raises(NoLedger, match="db init"), open_ledger(f"sqlite:///{tmp_path}/none.db"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_question_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    create_ledger(str(tmp_path / "a.db"), psl="x")
    with open_ledger(str(tmp_path / "a.db")) as conn:
        conn.exec_driver_sql("SELECT count(*) FROM link").scalar_one()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_what_a_question_writes_is_not_kept(database: str) -> None:
    create_ledger(database, psl="x")
    with open_ledger(database) as conn:
        conn.exec_driver_sql("INSERT INTO domain (name) VALUES ('a.example')")
    with open_ledger(database) as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM domain").scalar_one() == 0


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("This is a list of pages.\n" * 100)


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE moz_places (id INTEGER)")


def _foreign_with_alembic(path: Path) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE alembic_version (version_num TEXT)")
        conn.execute("INSERT INTO alembic_version VALUES ('ae1027a6acf')")
        conn.execute("CREATE TABLE meta (key TEXT, value TEXT)")


def _older(path: Path) -> None:
    _at_revision(path, "0000")


def _newer(path: Path) -> None:
    _at_revision(path, "0099")


def _at_revision(path: Path, revision: str) -> None:
    create_ledger(str(path), psl="x")
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def _no_format(path: Path) -> None:
    create_ledger(str(path), psl="x")
    with sqlite3.connect(path) as conn:
        conn.execute("DELETE FROM meta WHERE key = 'format'")


def _folder(path: Path) -> None:
    path.mkdir()


REFUSED: list[tuple[str, Callable[[Path], None], type[LedgerError], str]] = [
    ("empty_file", _empty, NoLedger, "no ledger at"),
    ("text_file", _text, UnreadableLedger, "no SQLite database"),
    ("database_of_another_program", _foreign, UnreadableLedger, "tables of another program"),
    ("another_program_with_alembic", _foreign_with_alembic, UnreadableLedger, "tables of another program"),
    ("older_schema", _older, SchemaOutOfDate, "linkledger db upgrade"),
    ("newer_schema", _newer, SchemaTooNew, "upgrade linkledger"),
    ("not_marked_as_ledger", _no_format, UnreadableLedger, "no ledger"),
    ("folder", _folder, UnreadableLedger, "it is no file"),
]


@pytest.mark.parametrize(("make", "error", "words"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_what_is_no_ledger(tmp_path: Path, make: Callable[[Path], None], error: type[LedgerError], words: str) -> None:
    path = tmp_path / "some.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(error, match=words) as raised, open_ledger(f"sqlite:///{path}"):
        pass
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value) or error in (SchemaOutOfDate, SchemaTooNew)
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize("make", [_text, _foreign, _folder], ids=["text", "foreign", "folder"])
def test_a_ledger_is_not_made_over_something_else(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "some.db"
    make(path)
    with pytest.raises(UnreadableLedger):
        create_ledger(str(path), psl="x")


def test_no_folder_for_the_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLedger, match="there is no folder"):
        create_ledger(f"sqlite:///{tmp_path}/missing/a.db", psl="x")


ODD_NAMES = ["with space.db", "per%20cent.db", "quest?ion.db", "ha#sh.db", "schlüssel.db", "=?&.db"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_file_names_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    create_ledger(str(tmp_path / name), psl="x")
    with open_ledger(str(tmp_path / name)) as conn:
        conn.exec_driver_sql("SELECT 1")
    assert [path.name for path in tmp_path.iterdir()] == [name]


DATABASES = [  # id, given, words of the error
    ("other_kind", "mysql://u:secret@h/db", "mysql is not known"),
    ("nothing", " ", "no database is named"),
    ("memory", "sqlite://", "needs a file"),
    ("unreadable_port", "postgresql://u:secret@h:port/db", "not a database URL"),
]


@pytest.mark.parametrize(("given", "words"), [pytest.param(*row[1:], id=row[0]) for row in DATABASES])
def test_database_urls_that_cannot_be_used(given: str, words: str) -> None:
    with pytest.raises(UnreadableLedger, match=words) as raised:
        parse_database(given)
    assert "secret" not in str(raised.value)


def test_passwords_are_not_shown() -> None:
    assert "secret" not in shown(parse_database("postgresql://me:secret@host/db?password=secret"))


def test_postgres_without_a_ledger(postgres_url: str) -> None:
    with pytest.raises(NoLedger, match="db init"), open_ledger(postgres_url):
        pass


def test_postgres_database_that_is_not_there(postgres_url: str) -> None:
    missing = make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(UnreadableLedger, match="the server has no database nowhere") as raised, open_ledger(missing):
        pass
    assert "\n" not in str(raised.value)


def test_postgres_that_does_not_answer() -> None:
    with pytest.raises(UnreadableLedger, match=r"no PostgreSQL server answers at 127\.0\.0\.1:1") as raised:
        Ledger("postgresql://me:secret@127.0.0.1:1/db")
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_postgres_with_a_wrong_password(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS stranger")
        admin.execute("CREATE ROLE stranger LOGIN PASSWORD 'right'")
        file = admin.execute("SHOW hba_file").fetchone()
        assert file is not None
        hba = Path(str(file[0]))
        before = hba.read_text()
        hba.write_text("local all stranger scram-sha-256\n" + before)
        admin.execute("SELECT pg_reload_conf()")
        try:
            wrong = make_url(postgres_url).set(username="stranger", password="secret")
            text = wrong.render_as_string(hide_password=False)
            with pytest.raises(UnreadableLedger, match="refuses the password of user stranger") as raised:
                Ledger(text)
            assert "secret" not in str(raised.value)
        finally:
            hba.write_text(before)
            admin.execute("SELECT pg_reload_conf()")


def test_postgres_tables_of_another_program(postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE TABLE orders (id integer)")
    for use in (lambda: Ledger(postgres_url), lambda: create_ledger(postgres_url, psl="x")):
        with pytest.raises(UnreadableLedger, match="tables of another program"):
            use()


def test_another_suffix_list_warns(database: str) -> None:
    create_ledger(database, psl="one")
    told = pytest.warns(LedgerWarning, match="made with suffix list one, this installation has two")
    with told, open_ledger(database, psl="two"):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with open_ledger(database, psl="one"):
            pass


def test_sqlite_is_set_up_for_a_writer_and_many_readers(tmp_path: Path) -> None:
    create_ledger(str(tmp_path / "a.db"), psl="x")
    with Ledger(str(tmp_path / "a.db")) as ledger, ledger.begin() as conn:
        pragmas = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_reader_sees_one_state_while_another_writes(database: str) -> None:
    create_ledger(database, psl="x")
    with Ledger(database) as ledger, open_ledger(database) as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM domain").scalar_one() == 0
        with ledger.begin() as conn:
            conn.exec_driver_sql("INSERT INTO domain (name) VALUES ('a.example')")
        assert reader.exec_driver_sql("SELECT count(*) FROM domain").scalar_one() == 0


WRITER = """
import random, sys
sys.path.insert(0, {tests!r})
from readings import RULES, reading
from storage.engine import Ledger
from storage.writer import write_readings
number, database = int(sys.argv[1]), sys.argv[2]
dice = random.Random(number)
with Ledger(database) as ledger:
    for turn in range(12):
        batch = []
        for place in dice.sample(range(40), 10):
            links = [(f"https://t{{dice.randrange(60)}}.example/{{dice.randrange(9)}}", f"words {{dice.randrange(99)}}")
                     for _ in range(8)]
            batch.append(reading(f"https://s{{place}}.example/", links, 1000 * turn + number + 1))
        write_readings(ledger, None, batch, rules_version=RULES)
print("done")
"""


def test_processes_that_write_the_same_names_and_pages_at_once_all_succeed(database: str) -> None:
    create_ledger(database, psl="x")
    script = WRITER.format(tests=str(Path(__file__).parent))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(number), database], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for number in range(4)
    ]
    for one in running:
        out, err = one.communicate(timeout=120)
        assert out == b"done\n", err.decode()
    with open_ledger(database) as conn:
        assert [one for one in check(conn) if one.wrong] == []
        assert conn.exec_driver_sql("SELECT count(*) FROM page").scalar_one() == 40


def test_a_killed_writer_leaves_whole_batches_and_can_be_run_again(tmp_path: Path) -> None:
    database = str(tmp_path / "a.db")
    create_ledger(database, psl="x")
    script = WRITER.format(tests=str(Path(__file__).parent)).replace("range(12)", "range(10_000)")
    running = subprocess.Popen([sys.executable, "-c", script, "1", database])
    while True:
        with open_ledger(database) as conn:
            if conn.exec_driver_sql("SELECT count(*) FROM visit").scalar_one() >= 30:
                break
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    with open_ledger(database) as conn:
        assert [one for one in check(conn) if one.wrong] == []
        visits = conn.exec_driver_sql("SELECT count(*) FROM visit").scalar_one()
    assert visits % 10 == 0
    again = WRITER.format(tests=str(Path(__file__).parent))
    subprocess.run([sys.executable, "-c", again, "1", database], check=True, capture_output=True)
    with open_ledger(database) as conn:
        assert [one for one in check(conn) if one.wrong] == []


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    database = str(tmp_path / "a.db")
    create_ledger(database, psl="x")
    many = [(f"https://t{number}.example/", "words") for number in range(2_000)]
    with Ledger(database) as ledger:
        with ledger.begin() as conn:  # the pool hands the same connection out again
            conn.exec_driver_sql(f"PRAGMA max_page_count = {conn.exec_driver_sql('PRAGMA page_count').scalar_one()}")
        with pytest.raises(UnreadableLedger, match="full") as raised:
            write_readings(ledger, None, [reading("https://s.example/", many, 1)], rules_version=RULES)
        assert "\n" not in str(raised.value)
        with ledger.connect() as conn:
            assert conn.exec_driver_sql("SELECT count(*) FROM page").scalar_one() == 0


def test_ids_of_a_rolled_back_transaction_are_forgotten(database: str) -> None:
    create_ledger(database, psl="x")
    wanted = [url("https://a.example/"), url("https://b.example/x")]
    with Ledger(database) as ledger:
        with suppress(ZeroDivisionError), ledger.begin() as conn:
            ensure_urls(conn, wanted)
            _ = 1 / 0
        with ledger.begin() as conn, conn.begin_nested() as inner:
            ensure_urls(conn, wanted)
            inner.rollback()
        with ledger.begin() as conn:
            ids = ensure_urls(conn, wanted)
        with ledger.connect() as conn:
            assert find_url_ids(conn, ids) == ids
    assert ids == {one.url: hash_id(ledger.key, one.url) for one in wanted}


def test_ledgers_give_the_same_text_different_ids(tmp_path: Path) -> None:
    keys = set()
    for name in ("a.db", "b.db"):
        create_ledger(str(tmp_path / name), psl="x")
        with Ledger(str(tmp_path / name)) as ledger:
            keys.add(hash_id(ledger.key, "https://a.example/"))
    assert len(keys) == 2


def test_opening_imports_neither_alembic_nor_the_other_driver(tmp_path: Path) -> None:
    database = str(tmp_path / "a.db")
    create_ledger(database, psl="x")
    script = (
        "import sys; from storage.engine import open_ledger\n"
        f"with open_ledger({database!r}) as conn: conn.exec_driver_sql('SELECT 1')\n"
        "print([name for name in ('alembic', 'psycopg', 'mako') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_no_password_in_any_message(postgres_url: str) -> None:
    odd = make_url(postgres_url).set(password="hunter2").render_as_string(hide_password=False)
    with pytest.raises(NoLedger) as raised:
        Ledger(odd)
    assert not re.search("hunter2", str(raised.value))


def test_a_lost_connection_is_replaced_and_an_error_in_bulk_loading_stores_nothing(postgres_url: str) -> None:
    import psycopg

    create_ledger(postgres_url, psl="x")
    with Ledger(postgres_url) as ledger:
        with ledger.begin() as conn:
            driver = conn.connection.driver_connection
            assert driver is not None
            backend = driver.info.backend_pid
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", (backend,))
        # The pool notices before the transaction begins.
        write_readings(
            ledger, None, [reading("https://s.example/", [("https://t.example/", "x")], 1)], rules_version=RULES
        )
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute("ALTER TABLE link ADD CONSTRAINT full_disk CHECK (position < 1)")
        two = [("https://t.example/", "x"), ("https://u.example/", "x")]
        with pytest.raises(IntegrityError, match="full_disk"):
            write_readings(ledger, None, [reading("https://r.example/", two, 1)], rules_version=RULES)
        with ledger.connect() as conn:
            assert conn.exec_driver_sql("SELECT count(*) FROM page").scalar_one() == 1


def test_an_empty_file_is_no_ledger_and_stays_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    for use in (Ledger, upgrade_ledger):
        with pytest.raises(NoLedger):
            use(str(path))
    assert path.stat().st_size == 0
