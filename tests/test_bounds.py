"""Bounds on fetching: what sends too much, too long or too slowly ends by itself, and the pages beside it are whole."""

from __future__ import annotations

import ast
import gzip
import json
import socket
import sys
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import brotli
import pytest
from local_site import Page, Site, crawl, html, outcomes, serve
from scrapy.settings import Settings
from test_bodies import bomb

from crawler import settings
from crawler.handler import LONGEST_HEADER_LINE, MOST_HEADER_BYTES, MOST_HEADER_LINES
from crawler.plan import CrawlPlan
from storage.engine import open_ledger

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
Outcome = tuple[str, str | None]
Raw = Callable[[socket.socket, Site], None]

# -- answers no server library would give -------------------------------------------------------


def says(*pieces: bytes, wait: float = 0.0) -> Raw:
    """Send these, with a pause before each but the first, then close the connection."""

    def answer(connection: socket.socket, site: Site) -> None:
        for number, piece in enumerate(pieces):
            if number:
                site.sleep(wait)
            connection.sendall(piece)

    return answer


def endlessly(start: bytes, piece: bytes, wait: float = 0.0) -> Raw:
    """Send the start, then the piece again and again until the other side has enough."""

    def answer(connection: socket.socket, site: Site) -> None:
        connection.sendall(start)
        while not site.stopping:
            if wait:
                site.sleep(wait)
            connection.sendall(piece)

    return answer


def silence(start: bytes = b"") -> Raw:
    """Send the start and nothing more, until the other side has enough."""

    def answer(connection: socket.socket, site: Site) -> None:
        connection.sendall(start)
        connection.settimeout(0.1)
        while not site.stopping:
            with suppress(TimeoutError):
                if not connection.recv(1):
                    return

    return answer


def head(*lines: str, status: str = "HTTP/1.1 200 OK", content_type: str = "text/html") -> bytes:
    return "\r\n".join([status, f"Content-Type: {content_type}", *lines, "", ""]).encode()


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def packed(body: bytes, encoding: str) -> Page:
    return Page(body, headers=(("Content-Encoding", encoding),))


@cache
def page_bomb(name: str) -> bytes:
    """A page of 24 MiB and its three links at the beginning, packed."""
    text = HTML + b" " * (24 * MIB)
    if name == "br":
        return bytes(brotli.compress(text, quality=3))
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "zstd": zstd.compress,
    }
    return packers[name](text)


HTML = html("/x", "/y", "/z").encode()
_packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
FLUSHED = _packer.compress(HTML) + _packer.flush(zlib.Z_SYNC_FLUSH)
EMPTY_BLOCK = b"\0\0\0\xff\xff"
"""Of a gzip stream, so that it goes on and on."""
CHUNKED = "Transfer-Encoding: chunked"
LONG = "x" * (LONGEST_HEADER_LINE - 100)


class Case(NamedTuple):
    """One host, whose ``/`` answers so."""

    name: str
    answer: Page | Raw
    outcome: Outcome
    requests: int = 1
    """How often it is asked, attempts that are repeated included."""
    more: Mapping[str, Page] = MappingProxyType({})
    """Further paths of the host."""


SIZE, HEADERS, CUT = ("partial", "size"), ("failed", "headers"), ("failed", "cut")
WHOLE = ("fetched", None)

SIZES = [
    *(Case(f"{name}_bomb_{number}", packed(page_bomb(name), name), SIZE)
      for number in range(3) for name in ("gzip", "deflate", "br", "zstd")),
    Case("raw_deflate_bomb", packed(zlib.compress(HTML + b" " * (24 * MIB), wbits=-15), "deflate"), SIZE),
    Case("br_of_gzip", packed(brotli.compress(page_bomb("gzip")), "gzip, br"), SIZE),
    Case("three_layers", packed(zstd.compress(brotli.compress(page_bomb("gzip"))), "gzip, br, zstd"), SIZE),
    Case("gzip_members", packed(page_bomb("gzip") * 20, "gzip"), SIZE),
    Case("body_without_end", endlessly(head() + HTML, b" " * 65_536), SIZE),
    Case("chunks_without_end", endlessly(head(CHUNKED) + chunk(HTML), chunk(b" " * 65_536)), SIZE),
    Case("chunks_of_one_byte", endlessly(head(CHUNKED) + chunk(HTML), chunk(b" ") * 10_000), SIZE),
    Case("huge_announced_length", endlessly(head(f"Content-Length: {10**15}") + HTML, b" " * 65_536), SIZE),
    Case("length_that_is_a_lie", says(head(f"Content-Length: {10**15}") + HTML), CUT, requests=3),
    Case("bomb_in_robots_txt", Page(HTML), WHOLE, more={"/robots.txt": packed(bomb("gzip"), "gzip")}),
    Case("robots_txt_without_end", Page(HTML), WHOLE,
         more={"/robots.txt": Page(raw=endlessly(head(content_type="text/plain"), b"# more\n" * 9_000))}),

    Case("headers_without_end", endlessly(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 1_000), HEADERS),
    Case("20000_headers", says(head(*(f"X-{n}: 1" for n in range(20_000))) + HTML), HEADERS),
    Case("one_header_too_many", says(head(*["X: 1"] * (MOST_HEADER_LINES - 2)) + HTML), HEADERS),
    Case("as_many_headers_as_may_be", says(head("Connection: close", *["X: 1"] * (MOST_HEADER_LINES - 4)) + HTML),
         WHOLE),
    Case("long_header_line", says(head(f"X-Long: {LONG}", "Connection: close") + HTML), WHOLE),
    Case("header_line_over_the_bound", says(head(f"X-Long: {LONG * 2}") + HTML), HEADERS),
    Case("header_line_without_end", endlessly(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65_536), HEADERS),
    Case("folded_header_without_end", endlessly(b"HTTP/1.1 200 OK\r\nX: y\r\n", b" y\r\n" * 1_000), HEADERS),
    Case("headers_too_large_together", says(head(*[f"X: {LONG}"] * (MOST_HEADER_BYTES // len(LONG) + 1))), HEADERS),
    Case("status_line_without_end", endlessly(b"HTTP/1.1 200 ", b"x" * 65_536), HEADERS),
    Case("interim_answers_without_end", endlessly(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100), HEADERS),
    Case("interim_answers", says(b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\n" * 3 + head("Connection: close") + HTML), WHOLE),
    Case("trailers_without_end", endlessly(head(CHUNKED) + chunk(HTML) + b"0\r\n", b"X: 1\r\n" * 1_000), CUT,
         requests=3),
    Case("chunk_extension_without_end", endlessly(head(CHUNKED) + b"5", b";x=" + b"y" * 4_096), CUT, requests=3),

    Case("bad_chunks", says(head(CHUNKED) + chunk(HTML) + b"zz\r\n"), CUT, requests=3),
    Case("short_body", says(head("Content-Length: 5000") + HTML), CUT, requests=3),
    Case("reset", Page(reset=True), ("failed", "connect"), requests=3),
    Case("no_http", says(b"SSH-2.0-OpenSSH_9.2\r\n"), ("failed", "protocol"), requests=3),
    Case("old_http_without_length", says(head(status="HTTP/1.0 200 OK") + HTML), WHOLE),
    Case("old_http_without_end", says(head(status="HTTP/1.0 200 OK") + HTML[:-30]), ("partial", "no_length")),
    *(Case(f"charset_{name}", Page(HTML, content_type=f"text/html; charset={name}"), WHOLE)
      for name in ("rot13", "idna", "zlib", "undefined", "unicode_escape", "x" * 5_000)),
    Case("binary_said_to_be_html", Page(b"\x89PNG\r\n\x1a\n" + b"\0" * 5_000), ("skipped", "content_type binary")),
    Case("error_page_with_links", Page(HTML, status=403), ("failed", "http:403")),
    *(Case(f"status_{status}_is_asked_once", Page(HTML, status=status), ("failed", f"http:{status}"))
      for status in (400, 404, 410, 451, 501)),
    *(Case(f"status_{status}_is_asked_again", Page(HTML, status=status), ("failed", f"http:{status}"), requests=3)
      for status in (408, 429, 500, 502, 504)),
]  # fmt: skip

DRIP = ("partial", "time")
TIMEOUT, URL_TIMEOUT = ("failed", "timeout"), ("failed", "url_timeout")

TIMES = [
    Case("drip", endlessly(head() + HTML, b" ", 0.1), DRIP),
    Case("drip_of_chunks", endlessly(head(CHUNKED) + chunk(HTML), chunk(b" "), 0.1), DRIP),
    Case("drip_of_announced_length", endlessly(head("Content-Length: 100000") + HTML, b" ", 0.1), DRIP),
    Case("drip_of_gzip", endlessly(head("Content-Encoding: gzip") + FLUSHED, EMPTY_BLOCK, 0.1), DRIP),
    Case("slow_headers", endlessly(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n", 0.1), TIMEOUT, requests=3),
    *(Case(f"silence_{number}", silence(), TIMEOUT, requests=3) for number in range(3)),
    Case("silence_after_half_of_the_page", silence(head() + HTML), TIMEOUT, requests=3),
    Case("slow_redirects", Page(wait=1.2, status=302, headers=(("Location", "/1"),)), URL_TIMEOUT,
         more={f"/{n}": Page(wait=1.2, status=302, headers=(("Location", f"/{n + 1}"),)) for n in range(1, 10)}),
    Case("slow_redirect_to_silence", Page(wait=1.2, status=302, headers=(("Location", "/1"),)), URL_TIMEOUT,
         more={"/1": Page(raw=silence())}),
    Case("robots_txt_drip", Page(HTML), ("blocked", "robots:unreachable"), requests=0,
         more={"/robots.txt": Page(raw=endlessly(head(content_type="text/plain"), b"#", 0.1))}),
    *(Case(f"good_{number}", Page(HTML), WHOLE) for number in range(5)),
]  # fmt: skip


def put(site: Site, cases: list[Case]) -> dict[str, Case]:
    """Each case on a host of its own; by URL."""
    found = {}
    for number, case in enumerate(cases):
        host = f"127.1.{number // 250}.{number % 250 + 1}"
        answer = case.answer if isinstance(case.answer, Page) else Page(raw=case.answer)
        site.routes |= {(host, path): page for path, page in {**case.more, "/": answer}.items()}
        found[site.url("/", host)] = case
    return found


WATCH = """
import atexit, json, pathlib, socket
listening = []
listen = socket.socket.listen
socket.socket.listen = lambda self, *values: listening.append(str(self.getsockname())) or listen(self, *values)
def report():
    # Of this process alone: what getrusage says begins at the peak of its parent.
    [peak] = [line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    with open({path!r}, "w") as file:
        json.dump([int(peak.split()[1]) // 1024, listening, max(held)], file)
atexit.register(report)
import crawler.limits
crawler.limits.MOST_PIECES = 20_000
crawler.limits.BIG_BODIES = 8 * 1024 * 1024
held = [0]
hold = crawler.limits.BodyLimit._hold
crawler.limits.BodyLimit._hold = lambda self, attempt: held.append(self._total) or hold(self, attempt)
"""


class Run(NamedTuple):
    """One crawl of some cases."""

    site: Site
    hosts: dict[str, str]
    """By name of the case."""
    links: dict[str, int]
    """Of the pages read, by name of the case."""
    memory: int
    """Megabytes of the crawler's process at its peak."""
    listening: list[str]
    """Addresses on which it waited for connections."""
    held: int
    """Bytes of big bodies at the most."""


def run(cases: list[Case], folder: Path, *, secure: bool = False, **more: Any) -> Run:
    """Crawl cases all at once, and see that each has its outcome after as many requests as it should."""
    with serve(secure=secure) as site:
        by_url = {"https" * secure + url.removeprefix("http" * secure): case for url, case in put(site, cases).items()}
        database = f"sqlite:///{folder / 'ledger.db'}"
        before = WATCH.format(path=str(folder / "watch"))
        facts = crawl(CrawlPlan(db=database, seeds=tuple(by_url), delay=0, **more), before=before)
        found = outcomes(database)
    hosts = {case.name: url.split("/")[2].split(":")[0] for url, case in by_url.items()}
    assert {case.name: found[url] for url, case in by_url.items()} == {case.name: case.outcome for case in cases}
    assert facts["state"] == "finished"
    asked = {case.name: site.paths(hosts[case.name]).count("/") for case in cases}
    assert asked == {case.name: case.requests for case in cases}
    with open_ledger(database) as conn:
        rows = conn.exec_driver_sql("SELECT u.url, v.links FROM visit v JOIN url u ON u.id = v.page_id")
        links = {by_url[url].name: count for url, count in rows if url in by_url}
    return Run(site, hosts, links, *json.loads((folder / "watch").read_text()))


def test_sizes_and_headers_are_bounded(tmp_path: Path) -> None:
    """Sixteen bombs at once and all that sends without end: each has its outcome, memory stays small."""
    done = run(SIZES, tmp_path)
    assert done.memory < 400
    assert 8 * MIB < done.held < 20 * MIB  # one body is read on beyond the bound, others by what is under way
    assert done.listening == []  # no telnet, no remote control
    read = {case.name for case in SIZES if case.outcome in (SIZE, WHOLE)}
    assert {name: done.links.get(name) for name in read} == dict.fromkeys(read, 3)
    assert "error_page_with_links" not in done.links


def test_times_are_bounded(tmp_path: Path) -> None:
    """What comes too slowly is kept as far as it came; hosts that say nothing hold their own slot only."""
    done = run(TIMES, tmp_path, timeout=1.5, url_timeout=5.0)
    drips = {case.name for case in TIMES if case.outcome == DRIP}
    assert {name: done.links.get(name) for name in drips} == dict.fromkeys(drips, 3)
    starts = {name: done.site.starts(host) for name, host in done.hosts.items()}
    ends = {name: [one.ended for one in done.site.log if one.host == host] for name, host in done.hosts.items()}
    good = max(max(times) for name, times in ends.items() if name.startswith("good"))
    given_up = min(one.ended for one in done.site.log if one.path == "/" and one.host == done.hosts["silence_0"])
    assert good < given_up, "the pages of other hosts are read before the first attempt at a silent one is over"
    # A URL's time is over after five seconds, whatever its attempts and redirects.
    for name in ("slow_redirects", "slow_redirect_to_silence"):
        assert max(starts[name]) - min(starts[name]) < 6.5, name
    assert 4 <= len(starts["slow_redirects"]) <= 6


ENCRYPTED = [
    Case("headers_without_end", endlessly(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 1_000), HEADERS),
    Case("body_without_end", endlessly(head() + HTML, b" " * 65_536), SIZE),
    Case("no_http_without_end", endlessly(b"", b"hello\r\n" * 1_000), ("failed", "protocol"), requests=3),
    Case("drip", endlessly(head() + HTML, b" ", 0.1), DRIP),
    Case("silence", silence(), TIMEOUT, requests=3),
    Case("good", Page(HTML), WHOLE),
]


def test_bounds_hold_on_encrypted_connections(tmp_path: Path) -> None:
    """A connection is ended at once, without the farewell of TLS, for which the other side could be waited for."""
    run(ENCRYPTED, tmp_path, secure=True, timeout=1.5, max_bytes=MIB)


# -- doors ----------------------------------------------------------------------------------------

SECRETS = ("Cookie", "Referer", "Authorization", "Proxy-Authorization", "Origin")
QUOTED = [
    "'; DROP TABLE link; --",
    '" OR 1=1 --',
    "100 %s %(x)s :x ? $1",
    "\\'; SELECT pg_sleep(9); --",
    "${x} {0} `x`",
]


@pytest.mark.proof
def test_nothing_is_told_that_was_not_asked(one_database: str) -> None:
    """No cookie comes back, nobody learns who links to them, and a password in a URL is not sent anywhere."""
    links = "".join(f"<p><a href='/q?{n}'>{escape(text)}</a>" for n, text in enumerate(QUOTED))
    cookie = (("Set-Cookie", "session=1; Path=/"), ("Set-Cookie", "all=1; Domain=127.0.0.3"))
    with serve() as site:
        there = f"http://user:secret@127.0.0.3:{site.port}/landed"
        site.routes |= {
            ("127.0.0.2", "/"): Page(html(there, "/again", "/to-there", "/asks") + links, headers=cookie),
            ("127.0.0.2", "/again"): Page(html(), headers=cookie),
            ("127.0.0.2", "/to-there"): Page(status=302, headers=(("Location", there + "?2"), *cookie)),
            ("127.0.0.2", "/asks"): Page(status=401, headers=(("WWW-Authenticate", 'Basic realm="x"'),)),
            ("127.0.0.3", "/landed"): Page(html("/x")),
            ("127.0.0.3", "/landed?2"): Page(html("/x")),
        }
        crawl(CrawlPlan(db=one_database, seeds=(site.url("/", "127.0.0.2"),), depth=1, follow="any", delay=0))
    assert {"/", "/again", "/to-there", "/asks"} <= set(site.paths("127.0.0.2"))
    assert "/landed?2" in site.paths("127.0.0.3")
    sent = {name.title() for request in site.log for name in request.headers}
    assert sent.isdisjoint(SECRETS)
    assert {"User-Agent", "Accept", "Accept-Encoding"} <= sent
    assert not any("secret" in request.url or "@" in request.url for request in site.log)
    # What a page says is a value, never a part of a statement.
    with open_ledger(one_database) as conn:
        texts = {text for (text,) in conn.exec_driver_sql("SELECT text FROM anchor_text")}
        assert conn.exec_driver_sql("SELECT count(*) FROM link").scalar_one() > len(QUOTED)
    assert set(QUOTED) <= texts


NOT_IMPORTED = {"pickle", "marshal", "shelve", "dbm", "dill", "cloudpickle", "joblib", "telnetlib"}
NOT_CALLED = {"eval", "exec", "__import__", "system", "popen", "spawnv", "execv"}


def test_no_door_for_code_is_open() -> None:
    """Nothing stored is run: no pickles, no evaluation, no shell; SQL is written in the storage package only."""
    found = []
    files = [path for package in ("crawler", "storage", "audit", "cli") for path in (ROOT / package).rglob("*.py")]
    assert len(files) > 100
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                found += [where for alias in node.names if alias.name.split(".")[0] in NOT_IMPORTED]
            elif isinstance(node, ast.ImportFrom):
                found += [where] * ((node.module or "").split(".")[0] in NOT_IMPORTED)
            elif isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                found += [where] * (called in NOT_CALLED)
                found += [where] * any(keyword.arg == "shell" for keyword in node.keywords)
                foreign = "storage" not in path.relative_to(ROOT).parts
                found += [where] * (foreign and called in {"exec_driver_sql", "executescript"})
    assert found == []


def test_only_http_has_a_handler() -> None:
    handlers = Settings({"DOWNLOAD_HANDLERS": settings.DOWNLOAD_HANDLERS}).getwithbase("DOWNLOAD_HANDLERS")
    assert {scheme for scheme, handler in handlers.items() if handler is not None} == {"http", "https"}
