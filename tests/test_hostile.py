"""Whole crawls by the real command over the hostile server: what each URL comes to, and what it costs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hostile_addresses import ADDRESSES
from hostile_faults import (
    BESIDE,
    BESIDE_NUMBER,
    MAX_LINKS,
    TRAPS,
    Place,
    good_hosts,
    hosts_with_a_good_page,
    places,
    quick,
    usual,
)
from hostile_good import PAGES, good_url, known_links
from hostile_site import CANARY, Hostile, serving
from local_site import environment
from long_crawl import children, same, wait_for
from proof import FACTOR

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-c", "from cli.main import main; main()"]

SECONDS = 180
"""A crawl over everything ends by itself within this time, on a machine that does other things too; alone it takes a
fifth of it."""
MOST_MEMORY = 380 * 1024
"""KiB that all processes of a crawl may hold at the same moment; 283 to 306 MiB were seen."""
TIMEOUT, URL_TIMEOUT = 5, 17
PAGES_OF_A_HOST, QUERIES = 40, 8
OPTIONS = [
    "--delay", "0", "--timeout", str(TIMEOUT), "--url-timeout", str(URL_TIMEOUT), "--depth", "3", "--follow", "host",
    "--max-pages-per-host", str(PAGES_OF_A_HOST), "--max-queries", str(QUERIES), "--max-links", str(MAX_LINKS),
]  # fmt: skip


# -- the list: every fault, good pages between them, and rows that are none ------------------------------------------

BROKEN: list[bytes] = [
    b"file:///etc/passwd", b"data:text/html,<a href=x>x</a>", b"javascript:alert(1)", b"ftp://127.0.1.1/x", b"nonsense",
    b"%s%n%s%n", b"=cmd|' /C calc'!A0", b"\x1b]52;c;aGk=\x07", b"http://", b"http://[::1", b"http://127.0.1.1:99999/",
    b"http://user:hunter2@127.0.1.1/", b"http://a b/", b"\x00http://\x00", b"http://\xed\xa0\x80.example/x",
    b"\xff\xfe\x00\x00", b"http://" + b"a" * 300 + b".example/", b"'); DROP TABLE url; --",
]  # fmt: skip
"""Rows that have to be rejected, each by itself."""
NOT_AS_A_ROW = {"with_password", "named_before_the_at", "tabs_inside"}
"""Spellings of addresses that a row may not have at all."""


class Expected(NamedTuple):
    """What becomes of one row."""

    outcome: str
    reason: str | None


class World(NamedTuple):
    """A running server and the faults of it that are on the list."""

    hostile: Hostile
    chosen: Sequence[Place]

    def url(self, place: Place) -> str:
        return f"{place.fault.scheme}://{place.host}:{self.hostile.port}{place.path}"


def rows_of(world: World) -> tuple[list[bytes], dict[str, Expected]]:
    """The rows of the list, and what becomes of the URLs it names."""
    hostile = world.hostile
    rows: list[str] = []
    expected: dict[str, Expected] = {}
    for place in world.chosen:
        url = world.url(place)
        reason = place.fault.reason.replace("{host}", place.host) if place.fault.reason else None
        expected[url] = Expected(place.fault.outcome, reason)
        rows.append(url)
    good = [hostile.url(host, BESIDE) for host in hosts_with_a_good_page(world.chosen)]
    good += [hostile.url(host, "/good/0") for host in good_hosts()]
    expected |= dict.fromkeys(good, Expected("fetched", None))
    long = [hostile.url("127.0.1.1", "/" + "x" * 3000), "http://x/" * 9000]
    expected |= dict.fromkeys(long, Expected("skipped", "url_too_long"))
    rows += long
    spelled = [
        re.sub(r"[/\\][^/\\]*$", f"/seed-{name}", _ports(location, hostile, "127.0.1.1"))
        for name, location, _ in ADDRESSES
    ]
    mixed = [row.encode() for row in rows]
    for place_in_list, row in enumerate([*BROKEN, *(row.encode() for row in spelled), *(row.encode() for row in good)]):
        mixed.insert(place_in_list * 2 + 1, row)
    return mixed, expected


def _ports(text: str, hostile: Hostile, host: str) -> str:
    for name, value in (("{port}", hostile.port), ("{other}", hostile.other_port), ("{host}", host)):
        text = text.replace(name, str(value))
    return text


# -- running and measuring ---------------------------------------------------------------------------------------


class Ran(NamedTuple):
    """A command that came to its end."""

    status: int
    seconds: float
    out: str
    err: str
    memory: int
    """KiB held by all its processes at the moment when it was most, shared pages counted once."""
    highest: dict[int, int]
    """The largest resident set of each process, in KiB, as the kernel has counted it."""


class Crawl:
    """One running command, watched."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.began = time.monotonic()
        self.folder = folder
        self.name = "_".join(words[:2]).replace("/", "")[:20] + str(time.monotonic_ns())
        with (folder / f"{self.name}.out").open("wb") as out, (folder / f"{self.name}.err").open("wb") as err:
            self.process = subprocess.Popen([*COMMAND, *words], cwd=folder, env=_clean(), stdout=out, stderr=err)
        self.memory, self.highest = 0, dict[int, int]()
        self.ended = 0.0
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def _watch(self) -> None:
        while self.process.poll() is None:
            held = 0
            for pid in _family(self.process.pid):
                held += _kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
                self.highest[pid] = max(self.highest.get(pid, 0), _kib(Path(f"/proc/{pid}/status"), "VmHWM:"))
            self.memory = max(self.memory, held)
            time.sleep(0.15)
        self.ended = time.monotonic()

    def end(self, *, within: float = SECONDS) -> Ran:
        """Wait for its own end; a crawl that does not end has failed."""
        try:
            self.process.wait(max(0.1, within - (time.monotonic() - self.began)))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} s: {self._said('err')[-3000:]}") from None
        finally:
            self.process.kill()
            self.watcher.join(10)
        return Ran(
            self.process.returncode, self.ended - self.began, self._said("out"), self._said("err"), self.memory,
            self.highest,
        )  # fmt: skip

    def _said(self, kind: str) -> str:
        return (self.folder / f"{self.name}.{kind}").read_bytes().decode("utf-8", "surrogateescape")


def _clean() -> dict[str, str]:
    """The environment with nothing opened: only what the command line says is."""
    return {name: value for name, value in environment().items() if not name.startswith("LINKLEDGER_")} | {
        "PYTHONPATH": str(ROOT)
    }


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in children(pid):
        yield from _family(child)


def _kib(file: Path, name: str) -> int:
    try:
        found = re.search(rf"^{name}\s+(\d+) kB", file.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def ask(folder: Path, *words: str) -> dict[str, Any]:
    """The answer of a command, as JSON."""
    ran = Crawl(folder, *words, "--format", "json").end()
    assert ran.status == 0, ran.err
    quiet(ran)
    answer: dict[str, Any] = json.loads(ran.out)
    return answer


# -- what has to hold --------------------------------------------------------------------------------------------

_RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def quiet(ran: Ran) -> None:
    """Nothing of a page or a list reaches the terminal raw, and no password, and no fault of the program's own."""
    for said in (ran.out, ran.err):
        found = _RAW.search(said)
        assert found is None, repr(said[max(0, found.start() - 200) : found.end() + 50])
        assert "hunter2" not in said, re.findall(".*hunter2.*", said)[:3]
        assert "Traceback" not in said, said[:4000]


def check_measures(ran: Ran) -> None:
    assert ran.status == 0, ran.err[-3000:]
    assert ran.seconds < SECONDS
    assert ran.memory < MOST_MEMORY, ran.highest


def check_outcomes(rows: dict[str, dict[str, Any]], expected: dict[str, Expected]) -> None:
    """Every URL of the list has come to what the table says, and every spelling of a closed address to the same."""
    wrong = []
    for url, (outcome, reason) in expected.items():
        row = rows.get(url, {"outcome": None, "reason": None})
        if row["outcome"] != outcome or row["reason"] not in (reason.split("|") if reason else [None]):
            wrong.append(f"{url}: {row['outcome']} {row['reason']}, not {outcome} {reason}")
    spelled = {url.rpartition("/seed-")[2]: row for url, row in rows.items() if "/seed-" in url}
    for name, _, address in ADDRESSES:
        if name in NOT_AS_A_ROW:
            assert name not in spelled
            continue
        row = spelled[name]
        wanted = [f"address {kind}" for kind in address.replace("{host}", "127.0.1.1").split("|address ")]
        if row["outcome"] != "refused" or row["reason"] not in wanted:
            wrong.append(f"seed {row['url']}: {row['outcome']} {row['reason']}, not refused {wanted}")
    assert wrong == [], "\n" + "\n".join(wrong)


def check_good_pages(world: World, dumped: list[dict[str, Any]]) -> None:
    """Each link and anchor of each good page is there, in its order, and no other."""
    links: dict[str, dict[tuple[str, int], dict[str, Any]]] = {}
    for row in dumped:
        if row["kind"] in ("link", "anchor") and row["state"] == "live":
            links.setdefault(row["source"], {}).setdefault((row["target"], row["link_no"]), {}).update(row)
    for host in good_hosts():
        origin = world.hostile.url(host, "")
        for number in range(PAGES):
            check_page(good_url(origin, number), origin, number, links)
    for host in hosts_with_a_good_page(world.chosen):
        origin = world.hostile.url(host, "")
        check_page(origin + BESIDE, origin, BESIDE_NUMBER, links)


def check_page(url: str, origin: str, number: int, links: dict[str, dict[tuple[str, int], dict[str, Any]]]) -> None:
    found = sorted(links.get(url, {}).values(), key=lambda row: row["ordinal"])
    told = [(row["target"], row["anchor"], row["anchor_source"], tuple(sorted(row["rel"]))) for row in found]
    known = [(*link[:3], tuple(sorted(link.rel))) for link in known_links(origin, number)]
    assert told == known, url


def check_partial(world: World, rows: list[dict[str, Any]]) -> None:
    """What was read of a page, whole or not, has the links that were there; what is no page has none."""
    visits = {row["url"]: row for row in rows if row["kind"] == "visit"}
    for place in world.chosen:
        url = world.url(place)
        if place.fault.links is None:
            assert url not in visits or visits[url]["links"] == 0, url
        elif place.fault.group != "hops":
            assert visits[url]["links"] == place.fault.links, (url, visits[url]["links"])
            if place.fault.outcome != "suspect":
                assert visits[url]["complete"] is (place.fault.outcome == "fetched"), url


def check_traps(world: World, rows: dict[str, dict[str, Any]]) -> None:
    """No trap holds more than its share, and nothing is left to ask."""
    asked = Counter(url.split("/")[2].partition(":")[0] for url in rows)
    traps = [place.host for place in world.chosen if place.fault in TRAPS]
    assert all(1 < asked[host] <= PAGES_OF_A_HOST for host in traps), {host: asked[host] for host in traps}
    facets = [url for url in rows if "/facets?" in url]
    assert 0 < len(facets) <= QUERIES
    assert not [url for url in rows if "/loop/a/b/" in url], "a path that repeats itself"


def check_strangers(seen: dict[str, Any]) -> None:
    """Nobody called the canary, and no request told more than it had to."""
    assert seen["canary"] == []
    told = {name for _, _, names in seen["requests"] for name in names}
    assert not told & {"cookie", "authorization", "proxy-authorization", "referer", "origin"}, told
    asked = {path for _, path, _ in seen["requests"]}
    assert not {path for path in asked if "spied" in path or "trap" in path}
    assert len(asked) > 100, "the server has seen the crawl"


def check_canary(hostile: Hostile) -> None:
    """The canary would have told."""
    for address in ((CANARY, hostile.port), ("127.0.0.1", hostile.port), ("127.0.1.1", hostile.other_port)):
        with socket.create_connection(address, 5) as called:
            assert called.recv(1) == b""
    assert len(hostile.seen()["canary"]) == 3


def varying() -> set[str]:
    return {place.fault.id for place in places() if place.fault.varies}


@contextmanager
def prepared(folder: Path, chosen: Sequence[Place]) -> Iterator[tuple[World, dict[str, Expected]]]:
    """The server, and the list in a file."""
    with serving() as hostile:
        world = World(hostile, chosen)
        rows, expected = rows_of(world)
        (folder / "list.txt").write_bytes(b"\n".join(rows) + b"\n")
        yield world, expected


def words(world: World, database: str) -> list[str]:
    return ["crawl", "list.txt", "--db", database, "--allow-net", world.hostile.open_net, *OPTIONS]


def exported(folder: Path, database: str) -> list[dict[str, Any]]:
    ran = Crawl(folder, "db", "export", "--canonical", "--db", database).end()
    assert ran.status == 0, ran.err
    return [json.loads(line) for line in ran.out.split("\n") if line]


def outcomes(folder: Path, database: str) -> dict[str, dict[str, Any]]:
    return {row["url"]: row for row in ask(folder, "crawls", "urls", "last", "--db", database)["urls"]}


def check_all(folder: Path, world: World, database: str, expected: dict[str, Expected]) -> list[dict[str, Any]]:
    """All that has to hold of a ledger after a crawl; what it holds."""
    rows = outcomes(folder, database)
    check_outcomes(rows, expected)
    assert not [row for row in rows.values() if row["outcome"] == "pending"]
    check_traps(world, rows)
    dumped = exported(folder, database)
    assert not [row for row in dumped if "hunter2" in json.dumps(row)], "no password of a URL is kept"
    check_good_pages(world, dumped)
    check_partial(world, dumped)
    rejected = ask(folder, "crawls", "show", "last", "--rejected", "--db", database)["rejected"]
    assert len(rejected) == len(BROKEN) + len(NOT_AS_A_ROW), [row["given"] for row in rejected]
    assert all(row["reason"] for row in rejected)
    checked = Crawl(folder, "db", "check", "--db", database).end()
    assert checked.status == 0, checked.out + checked.err
    return dumped


def test_one_crawl_over_everything(tmp_path: Path, postgres_url: str) -> None:
    """Two crawls of one list side by side, one into each kind of database."""
    databases = [f"sqlite:///{tmp_path / 'ledger.db'}", postgres_url]
    with prepared(tmp_path, places() if FACTOR > 1 else usual()) as (world, expected):
        crawls = [Crawl(tmp_path, *words(world, database)) for database in databases]
        ran = [crawl.end() for crawl in crawls]
        for one in ran:
            print(f"{one.seconds:.1f} s, {one.memory / 1024:.0f} MiB, {one.highest}")
        check_strangers(world.hostile.seen())
        check_canary(world.hostile)
        for one in ran:
            check_measures(one)
            quiet(one)
        told = [check_all(tmp_path, world, database, expected) for database in databases]
        same(steady(told[0]), steady(told[1]))


def steady(rows: list[dict[str, Any]]) -> list[str]:
    """What a ledger holds, without what depends on the moment."""
    varying = {place.fault.id for place in places() if place.fault.varies}
    return [
        json.dumps(row, sort_keys=True)
        for row in rows
        if str(row.get("url", row.get("source", ""))).rpartition("/")[2] not in varying
    ]


def believed(expected: dict[str, Expected]) -> dict[str, Expected]:
    """What a second crawl finds: a suspect that says the same again is the page."""
    return {url: Expected("fetched", None) if told.outcome == "suspect" else told for url, told in expected.items()}


def links_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Versions of links and anchors, those of suspects left out."""
    suspects = {place.fault.id for place in places() if place.fault.outcome == "suspect"}
    found = [row for row in rows if row["kind"] in ("link", "anchor")]
    return [row for row in found if row["source"].rpartition("/")[2] not in suspects]


@pytest.mark.proof
def test_killed_half_way_resumed_and_crawled_again(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The outcomes are those of a crawl that was left alone, and another one of the same list changes no link.

    The short form leaves out what takes time, one database, and the other crawl.
    """
    databases = [f"sqlite:///{tmp_path / 'ledger.db'}"]
    if FACTOR > 1:
        databases.append(request.getfixturevalue("postgres_url"))
    for database in databases:
        with prepared(tmp_path, places() if FACTOR > 1 else quick()) as (world, expected):
            crawl = Crawl(tmp_path, *words(world, database))
            wait_for(lambda: len(world.hostile.seen()["requests"]) > 150)
            for pid in list(_family(crawl.process.pid)):
                os.kill(pid, signal.SIGKILL)
            crawl.process.wait(20)
            left = ask(tmp_path, "crawls", "show", "last", "--db", database)
            assert left["pending"] > 0
            resumed = Crawl(tmp_path, "crawl", "--resume", "--db", database).end()
            check_measures(resumed)
            quiet(resumed)
            check_strangers(world.hostile.seen())
            before = check_all(tmp_path, world, database, expected)
            if FACTOR == 1:
                continue
            again = Crawl(tmp_path, *words(world, database)).end()
            check_measures(again)
            after = check_all(tmp_path, world, database, believed(expected))
            assert links_of(after) == links_of(before)
