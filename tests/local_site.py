"""A real HTTP server on loopback for crawls in tests: many hosts, and every fault a page can have.

Hosts are loopback addresses (127.0.0.2, 127.0.0.3 ...) on one port, so that each is an operator of its own
and needs no name look-up. Every request is logged with its time.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from crawler.plan import CrawlPlan
from storage.crawls import find_crawl, outcome_rows
from storage.engine import open_ledger

ROBOTS_ALL = b"User-agent: *\nDisallow:\n"


class Request(NamedTuple):
    """One request as the server saw it."""

    host: str
    """Without port."""
    path: str
    started: float
    ended: float
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Page:
    """One answer."""

    body: bytes | str = b""
    status: int = 200
    content_type: str | None = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    wait: float = 0.0
    """Seconds before the answer begins."""
    cut: int | None = None
    """Bytes of the body to send before the connection is closed; its length is announced in full."""
    length: bool = True
    """Whether Content-Length is sent; without it, the closing of the connection ends the body."""
    reset: bool = False
    """Answer with a TCP reset instead."""
    pieces: int = 1
    """Send the body in so many pieces, with ``wait`` before each."""

    @property
    def bytes(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


def html(*hrefs: str, title: str = "A page") -> str:
    """A small page with one link for each href, its anchor text the href itself."""
    links = "\n".join(f'<p><a href="{href}">{href}</a></p>' for href in hrefs)
    return f"<!doctype html><html><head><title>{title}</title></head><body><main>\n{links}\n</main></body></html>"


def zipped(body: bytes | str, *, keep: int | None = None) -> Page:
    """A gzip page; ``keep`` cuts the packed body off there, the announced length included."""
    packed = gzip.compress(body.encode() if isinstance(body, str) else body, mtime=0)
    return Page(packed[:keep], headers=(("Content-Encoding", "gzip"),))


def redirect(to: str, status: int = 301) -> Page:
    """A redirect."""
    return Page(status=status, headers=(("Location", to),))


Answer = Page | Callable[[Request], Page]


@dataclass
class Site:
    """Routes by (host, path), or by path for every host; what is not there is a 404."""

    port: int
    routes: dict[str | tuple[str, str], Answer] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)
    robots: bytes | None = ROBOTS_ALL
    """robots.txt of every host that has no route for it; None: 404."""
    stopping: bool = False

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def answer(self, request: Request) -> Page:
        found = self.routes.get((request.host, request.path), self.routes.get(request.path))
        if found is None and request.path == "/robots.txt" and self.robots is not None:
            return Page(self.robots, content_type="text/plain")
        if found is None:
            return Page(html(title="not found"), status=404)
        return found(request) if callable(found) else found

    def paths(self, host: str | None = None) -> list[str]:
        """The paths asked so far, in the order they came in."""
        return [request.path for request in self.log if host in (None, request.host)]

    def starts(self, *hosts: str) -> list[float]:
        """When the requests of some hosts began, in order."""
        return sorted(request.started for request in self.log if request.host in hosts)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        started = time.monotonic()
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        path = self.path
        if path.startswith("http://"):  # asked as a proxy
            host, _, path = path.removeprefix("http://").partition("/")
            host, path = host.partition(":")[0], "/" + path
        request = Request(host, path, started, started, dict(self.headers))
        page = self.site.answer(request)
        try:
            self._send(page)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        self.site.log.append(request._replace(ended=time.monotonic()))

    def _send(self, page: Page) -> None:
        if page.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self._wait(page.wait)
        body = page.bytes
        self.send_response(page.status)
        if page.content_type is not None:
            self.send_header("Content-Type", page.content_type)
        for name, value in page.headers:
            self.send_header(name, value)
        if page.length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if page.cut is not None:
            self.wfile.write(body[: page.cut])
            self.close_connection = True
            return
        step = max(1, -(-len(body) // page.pieces))
        for start in range(0, len(body), step):
            if start:
                self._wait(page.wait)
            self.wfile.write(body[start : start + step])

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.site.stopping:
            time.sleep(min(0.05, max(0.0, until - time.monotonic())))

    def log_message(self, format: str, *args: Any) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@contextmanager
def serve() -> Iterator[Site]:
    """A site on all loopback addresses, until the block ends."""
    site = Site(port=0)
    handler = type("Handler", (_Handler,), {"site": site})
    server = _Server(("127.0.0.0" if sys.platform == "win32" else "0.0.0.0", 0), handler)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.stopping = True
        server.shutdown()
        server.server_close()
        thread.join(5)


# -- crawls in a process of their own: Scrapy's event loop runs once in a process -----------------


LAUNCH = [sys.executable, "-m", "crawler.run"]


def crawl(plan: CrawlPlan, *, proxy: str | None = None, before: str = "") -> dict[str, Any]:
    """Run a plan through `crawler.run.run_crawl` in a child process; the summary's facts."""
    done = run_plan(plan, proxy=proxy, before=before)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def run_plan(plan: CrawlPlan, *, proxy: str | None = None, before: str = "") -> subprocess.CompletedProcess[str]:
    """The same, whatever its end; ``before`` is Python run first in the child."""
    command = [sys.executable, "-c", f"{before}\nfrom crawler.run import main; main()"]
    return subprocess.run(
        command, input=plan.to_json(), capture_output=True, text=True, timeout=90, check=False, env=environment(proxy)
    )


def start_plan(plan: CrawlPlan) -> subprocess.Popen[str]:
    """The same, running."""
    child = subprocess.Popen(
        LAUNCH, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert child.stdin is not None
    child.stdin.write(plan.to_json())
    child.stdin.close()
    child.stdin = None
    return child


def environment(proxy: str | None = None) -> dict[str, str]:
    """Ours without proxies and settings of whoever runs the tests."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("LINKLEDGER_")
    }
    return ours | ({"http_proxy": proxy} if proxy else {})


def outcomes(database: str, crawl_id: int | None = None) -> dict[str, tuple[str, str | None]]:
    """Outcome and reason of each URL of a crawl, the latest unless named."""
    with open_ledger(database) as conn:
        wanted = crawl_id or find_crawl(conn, "last")
        return {row["url"]: (row["outcome"], row["reason"]) for row in outcome_rows(conn, wanted)}
