"""``crawl --resume``: who may go on with a crawl, with what, and what a ledger in trouble does to one."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local_site import Page, Site, html, outcomes, redirect
from long_crawl import COMMAND, ROOT, environment, finish, kill, run, start, wait_for
from sqlalchemy.exc import OperationalError

from crawler.patience import Patience, StoreFailed
from crawler.plan import CrawlPlan
from crawler.urls import canonical_url, operator_domain
from storage import frontier, holders, leases, pace
from storage.engine import Ledger, create_ledger
from storage.errors import UnreadableLedger
from storage.records import Hop, SeedRow
from storage.shards import ALL, SHARDS, shard_of, shard_sql
from storage.trouble import trouble_of


@pytest.fixture
def own_file(tmp_path: Path) -> str:
    """A ledger of SQLite, where the kind of database makes no difference."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


def ask(*words: str) -> dict[str, Any]:
    """The answer of a question as JSON."""
    done = subprocess.run(
        [*COMMAND, *words, "--format", "json"], env=environment() | {"PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def slow(site: Site, number: int, wait: float = 0.05) -> list[str]:
    site.routes |= {f"/{n}": Page(html(f"/x{n}"), wait=wait) for n in range(number)}
    return [site.url(f"/{n}", f"127.0.0.{2 + n % 4}") for n in range(number)]


# -- going on ---------------------------------------------------------------------------------------------


@pytest.mark.proof
def test_a_killed_crawl_is_shown_as_died_and_goes_on_as_it_was_begun(site: Site, one_database: str) -> None:
    """With its own delay, depth, agent; not those of the command line that resumes it."""
    seeds = slow(site, 120)
    site.routes["/0"] = Page(html("/deep"))
    site.routes["/deep"] = Page(html())
    child = start("crawl", *seeds, "--delay", "0.01", "--depth", "1", "--user-agent", "mine/1", "--db", one_database)
    wait_for(lambda: len(site.log) > 50)
    running = ask("crawls", "show", "--db", one_database)
    assert running["state"] == "running"
    kill(child)
    listed = ask("crawls", "list", "--db", one_database)["crawls"]
    assert [crawl["state"] for crawl in listed] == ["died"]
    shown = ask("crawls", "show", "--db", one_database)
    left = shown["left"]
    assert left["urls"] == shown["pending"] == left["not_asked_yet"] > 0
    assert sum(one["urls"] for one in left["by_operator"]) == left["urls"]
    assert "--resume 1" in run("crawls", "list", "--db", one_database)
    said = run("crawl", "--resume", "--db", one_database)
    assert f"crawl 1 goes on: {left['urls']} of" in said
    facts = ask("crawls", "show", "--db", one_database)
    assert (facts["crawl"], facts["state"], facts["pending"], facts["left"]["urls"]) == (1, "finished", 0, 0)
    assert (facts["rows_read"], facts["rows_accepted"]) == (120, 120)
    assert outcomes(one_database)[site.url("/deep", "127.0.0.2")] == ("fetched", None)
    assert {request.headers["User-Agent"] for request in site.log} == {"mine/1"}


def test_a_living_crawl_is_not_taken_from_its_process(site: Site, own_file: str) -> None:
    go_on = threading.Event()
    seeds = slow(site, 40, wait=0)
    site.routes["/39"] = lambda _: Page(html() if go_on.wait(25) else "")
    child = start("crawl", *seeds, "--delay", "0", "--db", own_file)
    wait_for(lambda: len(site.log) > 10)
    said = run("crawl", "--resume", "--db", own_file, status=1)
    go_on.set()
    assert f"process {child.pid} on" in said
    finish(child)
    assert len(site.paths()) == 44
    assert set(outcomes(own_file).values()) == {("fetched", None)}


def test_what_cannot_be_resumed(site: Site, own_file: str, tmp_path: Path) -> None:
    assert "no ledger" in run("crawl", "--resume", "--db", f"sqlite:///{tmp_path / 'none.db'}", status=1)
    run("crawl", *slow(site, 2, wait=0), "--delay", "0", "--db", own_file)
    assert "no crawl is unfinished" in run("crawl", "--resume", "--db", own_file, status=1)
    assert "crawl 1 is finished" in run("crawl", "--resume", "1", "--db", own_file, status=1)
    assert "no crawl named '7'" in run("crawl", "--resume", "7", "--db", own_file, status=1)
    assert "--depth" in run("crawl", "--resume", "--depth", "1", "--db", own_file, status=2)
    assert "one crawl" in run("crawl", "--resume", "1", "2", "--db", own_file, status=2)
    assert "--workers" in run("crawl", "a.example", "--workers", "0", "--db", own_file, status=2)


def test_the_first_ctrl_c_ends_after_the_pages_in_flight_the_second_at_once(site: Site, own_file: str) -> None:
    child = start("crawl", *slow(site, 60, wait=0.3), "--delay", "0", "--db", own_file)
    wait_for(lambda: len(site.log) > 12)
    child.send_signal(signal.SIGINT)
    said = finish(child, status=130)
    assert "`linkledger crawl --resume 1` asks them" in said
    asked = sum(request.path != "/robots.txt" for request in site.log)
    assert sum(one == ("fetched", None) for one in outcomes(own_file).values()) == asked
    site.routes |= {f"/{n}": Page(html(), wait=20) for n in range(60)}
    before = len(site.log)
    child = start("crawl", "--resume", "--db", own_file)
    wait_for(lambda: len(site.log) >= before + 4)  # the robots.txt of each host
    child.send_signal(signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    finish(child, status=130)
    assert time.monotonic() - began < 5, "pages in flight would take twenty seconds"
    assert len(site.log) - before < 60
    site.routes |= {f"/{n}": Page(html()) for n in range(60)}
    run("crawl", "--resume", "--db", own_file)
    assert set(outcomes(own_file).values()) == {("fetched", None)}


# -- a ledger in trouble --------------------------------------------------------------------------------------


def test_a_locked_file_is_waited_for(site: Site, tmp_path: Path) -> None:
    """Longer than a writer waits by itself."""
    path = tmp_path / "ledger.db"
    database = f"sqlite:///{path}"
    before = "import storage.database_url as d, storage.engine as e\nd.WAIT_SECONDS = e.WAIT_SECONDS = 0.2\n"
    command = [COMMAND[0], "-c", before + "from cli.main import main; main()"]
    words = ["crawl", *slow(site, 60), "--delay", "0", "--db", database]
    child = subprocess.Popen(
        [*command, *words], env=environment() | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: len(site.log) > 5)
    lock = sqlite3.connect(path, isolation_level=None, timeout=20)
    lock.execute("BEGIN IMMEDIATE")
    time.sleep(3)
    lock.execute("ROLLBACK")
    lock.close()
    said = finish(child)
    assert "waiting for the ledger" in said
    assert "answers again" in said
    assert set(outcomes(database).values()) == {("fetched", None)}


BUSY = sqlite3.OperationalError("database is locked")
BUSY.sqlite_errorcode = 5  # type: ignore[misc]
FULL = sqlite3.OperationalError("database or disk is full")
FULL.sqlite_errorcode = 13  # type: ignore[misc]


def refused(cause: sqlite3.Error) -> UnreadableLedger:
    """As the ledger raises what SQLite says."""
    error = UnreadableLedger("sqlite:///x", "refused")
    error.__cause__ = OperationalError("COMMIT", None, cause)
    return error


def failing(error: Exception, times: int) -> Callable[[], int]:
    left = [error] * times
    lock = threading.Lock()

    def action() -> int:
        with lock:
            if left:
                raise left.pop()
        return 7

    return action


def test_patience_waits_for_what_passes_and_for_nothing_else() -> None:
    said: list[str] = []
    hurry = threading.Event()
    patient = Patience(said.append, hurry)
    assert patient(failing(refused(BUSY), 2)) == 7
    assert len(said) == 2
    for lasting in (refused(FULL), ValueError("ours")):
        began = time.monotonic()
        with pytest.raises(StoreFailed) as failed:
            patient(failing(lasting, 1))
        assert time.monotonic() - began < 0.2
        assert ("make room" in str(failed.value)) is (trouble_of(lasting) == "full")
    with pytest.raises(StoreFailed):
        Patience(said.append, hurry, longest=0.5)(failing(refused(BUSY), 1_000))
    threading.Timer(0.5, hurry.set).start()
    began = time.monotonic()
    with pytest.raises(StoreFailed):
        patient(failing(refused(BUSY), 1_000))
    assert time.monotonic() - began < 5, "nobody wants to wait any more"


LOST = """
import crawler.session as s
real, calls = s.write_readings, []
def answer_lost(*given, **more):
    summary = real(*given, **more)
    calls.append(1)
    if len(calls) % 2:
        import sqlite3
        from storage.errors import UnreadableLedger
        from sqlalchemy.exc import OperationalError
        cause = sqlite3.OperationalError("database is locked")
        cause.sqlite_errorcode = 5
        error = UnreadableLedger("the ledger", "connection lost")
        error.__cause__ = OperationalError("COMMIT", None, cause)
        raise error
    return summary
s.write_readings = answer_lost
from cli.main import main; main()
"""


def test_a_commit_whose_answer_is_lost_stores_nothing_twice(site: Site, database: str) -> None:
    """Every second answer; the links found on the pages are followed all the same."""
    site.routes |= {"/": Page(html(*(f"/{n}" for n in range(30)))), **{f"/{n}": Page(html("/x")) for n in range(30)}}
    words = ["crawl", site.url("/"), "--depth", "1", "--exclude", "/x$", "--delay", "0", "--db", database]
    done = subprocess.run(
        [COMMAND[0], "-c", LOST, *words], env=environment() | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(outcomes(database)) == 31
    assert {one[0] for one in outcomes(database).values()} == {"fetched"}
    with Ledger(database) as ledger, ledger.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM visit").scalar_one() == 31


# -- leases -----------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    create_ledger(database, psl="test")
    with Ledger(database) as opened:
        yield opened


def crawl_of(ledger: Ledger, *urls: str) -> int:
    with ledger.begin() as conn:
        crawl_id = frontier.start_crawl(conn, plan=CrawlPlan(seeds=("x",)).kept_json(), list_id=None, now=1)
        rows = [canonical_url(url) for url in urls]
        frontier.add_seeds(
            conn, crawl_id, [SeedRow(url, operator_domain(url.host), "f", 1, url.url, {}) for url in rows]
        )
    return crawl_id


def test_shards_are_the_same_in_python_and_in_both_databases(ledger: Ledger) -> None:
    from sqlalchemy import literal, select

    names = ["example.com", "127.0.0.1", "xn--bcher-kva.example", "bücher.example", "a" * 253]
    with ledger.connect() as conn:
        found = [conn.execute(select(shard_sql(conn, literal(name)))).scalar_one() for name in names]
    assert found == [shard_of(name) for name in names]
    assert {shard_of(f"site{n}.example") for n in range(2_000)} == ALL


def test_leases_are_taken_renewed_and_given_back(ledger: Ledger) -> None:
    crawl_id = crawl_of(ledger, *(f"http://site{n}.example/" for n in range(40)))
    with ledger.begin() as conn:
        leases.take_all(conn, crawl_id, "parent")
        first = leases.claim(conn, crawl_id, "one", most=32, share=(0, 2), of="parent")
        second = leases.claim(conn, crawl_id, "two", most=32, share=(1, 2), of="parent")
        assert first.shards | second.shards == ALL
        assert not first.shards & second.shards
        assert not first.orphans | second.orphans
        sizes = leases.pending_by_shard(conn, crawl_id)
        assert abs(len(first.shards & sizes.keys()) - len(second.shards & sizes.keys())) <= 1, "shared out evenly"
        assert leases.claim(conn, crawl_id, "three", most=64).shards == frozenset()
        assert leases.renew(conn, crawl_id, "one") == first.shards
        leases.give_back(conn, crawl_id, "one")
        assert leases.claim(conn, crawl_id, "two", most=64, busy_only=True).shards == first.shards & sizes.keys()


def test_a_lease_runs_out_or_its_holder_is_gone(ledger: Ledger) -> None:
    crawl_id = crawl_of(ledger, "http://a.example/")
    with ledger.begin() as conn:
        leases.take_all(conn, crawl_id, "dead")
        assert leases.claim(conn, crawl_id, "new", most=64).shards == frozenset()
        taken = leases.claim(conn, crawl_id, "new", most=64, gone=lambda name: name == "dead")
        assert (taken.shards, taken.orphans) == (ALL, ALL)
        conn.exec_driver_sql("UPDATE lease SET until = until - 61000 WHERE shard < 10")
        late = leases.claim(conn, crawl_id, "third", most=64)
        assert late.shards == late.orphans == frozenset(range(10))
        assert leases.renew(conn, crawl_id, "new") == ALL - late.shards, "who comes too late learns it"
        assert [holder.name for holder in leases.holders(conn, crawl_id)] == ["new", "third"]
        assert all(50 < holder.seconds <= 60 for holder in leases.holders(conn, crawl_id))


def test_turns_at_an_operator_are_a_delay_apart(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        waits = [pace.take_turn(conn, "slow.example", 60_000) for _ in range(3)]
        assert pace.take_turn(conn, "other.example", 60_000, ready_ms=5_000) == 5_000
        assert pace.take_turn(conn, "other.example", 10_000) > 60_000, "after the one that was not ready yet"
    assert waits[0] == 0
    assert [0 <= number * 60_000 - wait < 5_000 for number, wait in enumerate(waits)] == [True] * 3


def test_another_crawl_is_seen_while_its_lease_lasts(ledger: Ledger) -> None:
    first, second = crawl_of(ledger, "https://a.example/"), crawl_of(ledger, "https://b.example/")
    with ledger.begin() as conn:
        assert not pace.others_run(conn, first)
        leases.take_all(conn, second, "somebody")
        assert pace.others_run(conn, first)
        assert not pace.others_run(conn, second)
        leases.end(conn, second)
        assert not pace.others_run(conn, first)


def test_a_process_is_known_by_its_number_and_start() -> None:
    ours = holders.this_process()
    assert not holders.is_gone(ours)
    assert holders.is_gone(ours + "0"), "the same number, another start"
    child = subprocess.Popen(["sleep", "60"])
    name = ours.replace(f" {ours.split(' ')[1]} ", f" {child.pid} ").rpartition(" ")[0]
    started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
    assert not holders.is_gone(f"{name} {started}")
    child.kill()
    wait_for(lambda: holders.is_gone(f"{name} {started}"))  # not waited for yet: a zombie is dead enough
    child.wait()
    assert holders.is_gone(f"{name} {started}")
    assert not holders.is_gone("elsewhere/12345678 1 1"), "on another machine nobody can know"
    machine, _, process = name.partition(" ")
    numbers = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    assert machine.endswith(f"-{numbers}")
    assert not holders.is_gone(f"{machine}1 {process} {started}"), "in another container of this machine neither"
    assert holders.shown("shire/12345678 4711 99") == "process 4711 on shire"


def test_a_url_handed_on_is_found_by_the_holder_of_its_next_operator(ledger: Ledger) -> None:
    requested, target = canonical_url("http://a.example/"), canonical_url("http://b.example/x")
    crawl_id = crawl_of(ledger, requested.url)
    shards = {name: frozenset({shard_of(name)}) for name in ("a.example", "b.example")}
    assert shards["a.example"] != shards["b.example"]
    with ledger.begin() as conn:
        leases.hand_over(conn, crawl_id, [leases.HandOn(requested, target, "b.example", (Hop(requested, 301),))])
        for name, expected in (("a.example", []), ("b.example", ["a.example"])):
            found = frontier.next_operators(conn, crawl_id, besides=(), limit=9, shards=shards[name])
            assert found == expected
        (row,) = frontier.next_rows(conn, crawl_id, "a.example", after=-1, limit=9, shards=shards["b.example"])
        assert (row.url, row.next_url) == (requested.url, target.url)
        assert json.loads(row.chain or "") == [[requested.url, 301]]
        assert frontier.any_pending(conn, crawl_id)
        frontier.set_shards(conn, crawl_id)
        (row,) = frontier.next_rows(conn, crawl_id, "a.example", after=-1, limit=9)
        assert row.shard == shard_of("b.example"), "its place is kept when the crawl is resumed"


def test_a_crawl_of_an_older_release_is_divided_when_it_is_resumed(site: Site, own_file: str) -> None:
    """Its URLs are all in one shard, and nobody holds a lease."""
    child = start("crawl", *slow(site, 60), "--delay", "0", "--db", own_file)
    wait_for(lambda: len(site.log) > 30)
    child.send_signal(signal.SIGINT)
    finish(child, status=130)
    with Ledger(own_file) as ledger, ledger.begin() as conn:
        conn.exec_driver_sql("UPDATE outcome SET shard = 0")
    site.routes["/59"] = redirect("/1")
    run("crawl", "--resume", "--workers", "2", "--db", own_file)
    assert {one[0] for one in outcomes(own_file).values()} == {"fetched"}
    assert SHARDS == 64


def test_opening_a_ledger_twice_keeps_its_log_from_others(own_file: str) -> None:
    """One process has it open twice; another one comes and goes, and must not take the log away with it."""
    create_ledger(own_file, psl="test")
    path = Path(own_file.removeprefix("sqlite:///"))
    change = "INSERT INTO list (name, created_at) VALUES (?, 1)"
    with Ledger(own_file) as first:
        with first.begin() as conn:
            conn.exec_driver_sql(change, ("one",))
        with Ledger(own_file, read_only=True) as second, second.connect() as conn:
            assert conn.exec_driver_sql("SELECT count(*) FROM list").scalar_one() == 1
        code = "import sys; from storage.engine import Ledger\n"
        code += f"with Ledger(sys.argv[1]) as l, l.begin() as c: c.exec_driver_sql({change!r}, ('two',))"
        subprocess.run([COMMAND[0], "-c", code, own_file], cwd=ROOT, check=True, timeout=60)
        assert path.with_name(path.name + "-wal").exists()
        with first.begin() as conn:
            conn.exec_driver_sql(change, ("three",))
    with sqlite3.connect(path) as driver:
        assert driver.execute("SELECT count(*) FROM list").fetchone() == (3,)
        assert driver.execute("PRAGMA integrity_check").fetchone() == ("ok",)
