"""Several worker processes on one crawl: every operator is asked by one of them, and nobody's share is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import long_crawl as crawls
import pytest
from local_site import Page, Site, html, outcomes, redirect
from long_crawl import children, finish, is_there, run, start, wait_for

from storage.engine import open_ledger
from storage.shards import shard_of

LATE = 0.06
"""Seconds by which the site's threads may note a request later than it came, on a machine with other work."""


@pytest.fixture
def own_file(tmp_path: Path) -> str:
    """A ledger of SQLite, where the kind of database makes no difference."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


def workers(child: subprocess.Popen[str], number: int) -> list[int]:
    """The process numbers of a crawl's workers, once they are there."""
    wait_for(lambda: len(children(child.pid)) == number)
    return children(child.pid)


def halves(number: int) -> tuple[list[str], list[str]]:
    """So many hosts for each of two workers, where a crawl has as many seeds of each host: full shards in turn."""
    by_shard = {shard_of(host): host for host in (f"127.0.0.{n}" for n in range(40, 2, -1))}
    hosts = [by_shard[shard] for shard in sorted(by_shard)[: 2 * number]]
    return hosts[::2], hosts[1::2]


@pytest.mark.proof
def test_no_operator_sees_two_requests_within_the_delay(site: Site, one_database: str) -> None:
    """Over all workers; also where a redirect leads from one worker's operator to another's."""
    delay = 0.5
    first, second = halves(4)
    hosts = [*first, *second]
    for host in hosts:
        site.routes |= {(host, f"/{n}"): Page(html(f"/{n + 10}")) for n in range(4)}
    site.routes[(first[0], "/1")] = redirect(site.url("/there", second[0]))
    site.routes[(second[1], "/1")] = redirect(site.url("/there", first[1]), status=302)
    site.routes |= {(host, "/there"): Page(html("/x"), wait=0.2) for host in (second[0], first[1])}
    seeds = [site.url(f"/{n}", host) for n in range(4) for host in hosts]
    said = run("crawl", *seeds, "--delay", str(delay), "--workers", "2", "--db", one_database)
    assert f"{len(seeds)} of {len(seeds)} URLs" in said
    assert set(outcomes(one_database).values()) == {("fetched", None)}
    for host in hosts:
        starts = site.starts(host)
        assert len(starts) == (6 if host in (second[0], first[1]) else 5)
        assert min(later - earlier for earlier, later in pairwise(starts)) > delay - LATE
    with open_ledger(one_database) as conn:
        rows = conn.exec_driver_sql(
            "SELECT u.url, o.chain, f.url FROM outcome o JOIN url u ON u.id = o.url_id JOIN url f ON f.id = o.final_id "
            "WHERE o.chain IS NOT NULL ORDER BY u.url"
        ).all()
    assert sorted((row[0], row[2]) for row in rows) == sorted(
        [
            (site.url("/1", first[0]), site.url("/there", second[0])),
            (site.url("/1", second[1]), site.url("/there", first[1])),
        ]
    )


def test_redirects_over_several_operators_end_as_with_one_worker(site: Site, own_file: str) -> None:
    """Chains that wander between two workers, in a circle, too long, and to a page that another URL led to."""
    first, second = halves(3)
    for hop in range(14):
        here, there = (first, second) if hop % 2 == 0 else (second, first)
        site.routes[(here[hop % 3], f"/long{hop}")] = redirect(site.url(f"/long{hop + 1}", there[(hop + 1) % 3]))
    site.routes |= {
        (first[0], "/circle"): redirect(site.url("/back", second[0])),
        (second[0], "/back"): redirect(site.url("/circle", first[0])),
        (first[1], "/a"): redirect(site.url("/end", second[1])),
        (second[1], "/end"): Page(html("/x")),
        (second[1], "/b"): redirect("/end"),
        (first[2], "/ftp"): redirect("ftp://files.example/"),
        (first[2], "/forbidden"): redirect(site.url("/private/x", second[2])),
        (second[2], "/plain"): Page(html()),
        (second[2], "/more"): Page(html()),
        (second[2], "/robots.txt"): Page("User-agent: *\nDisallow: /private/"),
    }
    seeds = [
        site.url("/long0", first[0]), site.url("/long9", second[0]), site.url("/circle", first[0]),
        site.url("/a", first[1]), site.url("/b", second[1]), site.url("/ftp", first[2]),
        site.url("/forbidden", first[2]), site.url("/plain", second[2]), site.url("/more", second[2]),
    ]  # fmt: skip
    site.routes[(second[14 % 3], "/long14")] = site.routes[(first[14 % 3], "/long14")] = Page(html())
    found = []
    for number in ("1", "2"):
        run("crawl", *seeds, "--delay", "0", "--workers", number, "--db", own_file)
        found.append(outcomes(own_file))
    assert found[0] == found[1]
    assert found[0][site.url("/circle", first[0])] == ("failed", "redirect_loop")
    assert found[0][site.url("/long0", first[0])] == ("failed", "redirect_limit")
    assert found[0][site.url("/forbidden", first[2])][0] == "blocked"


def test_links_are_followed_by_whoever_holds_their_operator(site: Site, own_file: str) -> None:
    """One page leads to hosts of both workers; the idle one notices."""
    first, second = halves(3)
    there = [site.url(f"/{n}", host) for host in (*first, *second) for n in range(5)]
    site.routes["/"] = Page(html(*there))
    site.routes |= {f"/{n}": Page(html("/x"), wait=0.1) for n in range(5)}
    run("crawl", site.url("/", first[0]), "--depth", "1", "--follow", "any", "--include", f":{site.port}/",
        "--delay", "0.1", "--workers", "2", "--db", own_file)  # fmt: skip
    found = outcomes(own_file)
    assert {url for url, outcome in found.items() if outcome == ("fetched", None)} == {site.url("/", first[0]), *there}
    spans = {host: (min(site.starts(host)), max(site.starts(host))) for host in (first[1], second[1])}
    assert spans[first[1]][0] < spans[second[1]][1]
    assert spans[second[1]][0] < spans[first[1]][1], "both at the same time"


def test_a_killed_worker_is_replaced_and_nothing_is_lost(site: Site, database: str) -> None:
    site.routes |= {f"/{n}": Page(html(f"/x{n}"), wait=0.05) for n in range(160)}
    seeds = [site.url(f"/{n}", f"127.0.0.{2 + n % 8}") for n in range(160)]
    with crawls.stopped_at_the_end(start("crawl", *seeds, "--delay", "0", "--workers", "2", "--db", database)) as child:
        one, _ = workers(child, 2)
        wait_for(lambda: len(site.log) > 60)
        os.kill(one, signal.SIGKILL)
        said = finish(child)
    assert "died (-9) and is started again" in said
    assert set(outcomes(database).values()) == {("fetched", None)}
    assert len(outcomes(database)) == 160


def test_the_others_take_over_a_share_that_nobody_comes_back_for(site: Site, own_file: str) -> None:
    site.routes |= {f"/{n}": Page(html(f"/x{n}"), wait=0.1) for n in range(200)}
    seeds = [site.url(f"/{n}", f"127.0.0.{2 + n % 8}") for n in range(200)]
    with crawls.stopped_at_the_end(start("crawl", *seeds, "--delay", "0", "--workers", "2", "--db", own_file)) as child:
        _, kept = workers(child, 2)
        wait_for(lambda: len(site.log) > 20)
        for _ in range(4):  # it is started three times more
            wait_for(lambda: len(children(child.pid)) == 2)
            (victim,) = [pid for pid in children(child.pid) if pid != kept]
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda victim=victim: victim not in children(child.pid))
        said = finish(child)
    assert "the others take over its share" in said
    assert len([one for one in outcomes(own_file).values() if one == ("fetched", None)]) == 200


def test_workers_die_with_their_parent(site: Site, own_file: str) -> None:
    site.routes |= {f"/{n}": Page(html(), wait=0.2) for n in range(60)}
    seeds = [site.url(f"/{n}", f"127.0.0.{2 + n % 8}") for n in range(60)]
    child = start("crawl", *seeds, "--delay", "0", "--workers", "2", "--db", own_file)
    pids = workers(child, 2)
    wait_for(lambda: len(site.log) > 5)
    crawls.kill(child)
    wait_for(lambda: not any(is_there(pid) for pid in pids), seconds=5)
    said = run("crawl", "--resume", "--db", own_file)
    assert "goes on" in said
    assert {one[0] for one in outcomes(own_file).values()} == {"fetched"}


@pytest.mark.proof
def test_ctrl_c_ends_all_workers_after_the_pages_in_flight(site: Site, one_database: str) -> None:
    site.routes |= {f"/{n}": Page(html(f"/x{n}"), wait=0.1) for n in range(300)}
    seeds = [site.url(f"/{n}", f"127.0.0.{2 + n % 8}") for n in range(300)]
    child = start("crawl", *seeds, "--delay", "0", "--workers", "2", "--db", one_database)
    workers(child, 2)
    wait_for(lambda: len(site.log) > 60)
    child.send_signal(signal.SIGINT)
    said = finish(child, status=130, seconds=20)
    asked = sum(request.path != "/robots.txt" for request in site.log)
    fetched = sum(one == ("fetched", None) for one in outcomes(one_database).values())
    assert fetched == asked < 300, "what was asked is stored"
    assert "crawl --resume 1" in said
    run("crawl", "--resume", "--workers", "2", "--db", one_database)
    assert set(outcomes(one_database).values()) == {("fetched", None)}
    assert sum(request.path != "/robots.txt" for request in site.log) == 300, "nothing was asked twice"


def test_a_second_ctrl_c_ends_all_workers_at_once(site: Site, own_file: str) -> None:
    site.routes |= {f"/{n}": Page(html(), wait=5) for n in range(20)}
    seeds = [site.url(f"/{n}", f"127.0.0.{2 + n}") for n in range(20)]
    child = start("crawl", *seeds, "--delay", "0", "--workers", "2", "--db", own_file)
    pids = workers(child, 2)
    wait_for(lambda: len(site.paths()) >= 8)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    began = time.monotonic()
    finish(child, status=130, seconds=20)
    assert time.monotonic() - began < 3
    assert not any(is_there(pid) for pid in pids)
    assert {one[0] for one in outcomes(own_file).values()} == {"pending"}


@pytest.mark.proof
def test_two_crawls_of_one_ledger_at_once(site: Site, one_database: str) -> None:
    """Over the same pages, one of them with two workers."""
    site.routes |= {f"/{n}": Page(html(f"/x{n}", "/same"), wait=0.02) for n in range(150)}
    seeds = [site.url(f"/{n}", f"127.0.0.{2 + n % 5}") for n in range(150)]
    both = [start("crawl", *seeds, "--delay", "0", "--workers", number, "--db", one_database) for number in ("1", "2")]
    for child in both:
        finish(child)
    for crawl_id in (1, 2):
        assert set(outcomes(one_database, crawl_id).values()) == {("fetched", None)}
        assert len(outcomes(one_database, crawl_id)) == 150
    with open_ledger(one_database) as conn:
        live = conn.exec_driver_sql("SELECT count(*) FROM link WHERE valid_to IS NULL AND gone_at IS NULL").scalar_one()
        visits = conn.exec_driver_sql("SELECT crawl_id, count(*) FROM visit GROUP BY crawl_id ORDER BY crawl_id").all()
    assert live == 300
    # A page has one visit a moment: two readings within one millisecond are one.
    assert [row[0] for row in visits] == [1, 2]
    assert all(147 <= row[1] <= 150 for row in visits)
    run("db", "check", "--db", one_database)


@pytest.mark.proof
def test_two_crawls_of_one_ledger_keep_one_delay_between_them(site: Site, one_database: str) -> None:
    """One has begun, a second asks the same operator beside it: robots.txt, pages and redirects all in turn."""
    host, delay = "127.0.0.3", 0.4
    site.routes |= {f"/{n}": Page(html(f"/x{n}")) for n in range(20)}
    site.routes |= {"/away": redirect(site.url("/0", host))}
    children = []
    for pages in (range(12), range(12, 18)):
        seeds = [site.url(f"/{n}", host) for n in pages]
        children.append(start("crawl", *seeds, site.url("/away", host), "--delay", str(delay), "--db", one_database))
        wait_for(lambda: len(site.log) > 2)
    for child in children:
        finish(child)
    both = site.starts(host)
    assert len(both) == 24
    # Two that know nothing of each other would ask twice within half a delay, wherever they stand, and be done in two
    # thirds of the time. A busy machine may note a request late, and the next one in time.
    assert min(b - a for a, b in pairwise(both)) > 0.5 * delay
    assert both[-1] - both[0] > 0.95 * 23 * delay
