"""A real HTTP server on loopback for crawls in tests: many hosts, and every fault a page can have.

Hosts are loopback addresses (127.0.0.2, 127.0.0.3 ...) on one port, so that each is an operator of its own
and needs no name look-up. Every request is logged with its time.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

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
    url: str
    """The whole address that was asked for; behind a proxy, that of the page."""


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
    raw: Callable[[socket.socket, Site], None] | None = None
    """Answer with what this writes to the connection, which is closed after it."""

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


def validated(
    page: Page, *, etag: str | None = None, modified: str | None = None, carried: tuple[tuple[str, str], ...] = ()
) -> Callable[[Request], Page]:
    """A page with validators: 304 where the request carries one of them, with the ``carried`` headers beside it."""
    own = tuple((name, value) for name, value in (("ETag", etag), ("Last-Modified", modified)) if value is not None)

    def answer(request: Request) -> Page:
        asked = {(name.lower(), value) for name, value in request.headers.items()}
        if {("if-none-match", etag), ("if-modified-since", modified)} & asked:
            return Page(status=304, content_type=None, length=False, headers=(*own[:1], *carried))
        return replace(page, headers=(*page.headers, *own))

    return answer


Answer = Page | Callable[[Request], Page]


@dataclass
class Site:
    """Routes by (host, path), by path for every host, or by whole URL; what is not there is a 404."""

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
        found = self.routes.get(request.url, found)
        if found is None and request.path == "/robots.txt" and self.robots is not None:
            return Page(self.robots, content_type="text/plain")
        if found is None:
            return Page(html(title="not found"), status=404)
        return found(request) if callable(found) else found

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the end of the site."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.stopping:
            time.sleep(min(0.05, max(0.0, until - time.monotonic())))

    def paths(self, host: str | None = None) -> list[str]:
        """The paths asked so far, in the order they came in."""
        return [request.path for request in self.log if host in (None, request.host)]

    def starts(self, *hosts: str) -> list[float]:
        """When the requests of some hosts began, in order."""
        return sorted(request.started for request in self.log if request.host in hosts)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    secure = False

    def do_CONNECT(self) -> None:
        """Be a proxy for https: answer in place of the site, with a certificate nobody has signed; refuse some."""
        if self.path.startswith("refused."):
            self.send_error(403)
            return
        self.send_response(200)
        self.end_headers()
        self.connection = certificate().wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.secure = True

    def do_GET(self) -> None:
        started = time.monotonic()
        authority, path = self.headers.get("Host") or "", self.path
        if path.startswith("http://"):  # asked as a proxy
            authority, _, path = path.removeprefix("http://").partition("/")
            path = "/" + path
        url = f"{'https' if self.secure else 'http'}://{authority}{path}"
        host = authority.rpartition(":")[0] if authority.rpartition(":")[2].isdigit() else authority
        request = Request(host, path, started, started, dict(self.headers), url)
        page = self.site.answer(request)
        try:
            self._send(page)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True
        self.site.log.append(request._replace(ended=time.monotonic()))

    def _send(self, page: Page) -> None:
        if page.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        if page.raw is not None:
            self.close_connection = True
            page.raw(self.connection, self.site)
            return
        self.site.sleep(page.wait)
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
                self.site.sleep(page.wait)
            self.wfile.write(body[start : start + step])

    def log_message(self, format: str, *args: Any) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests."""


@cache
def certificate() -> ssl.SSLContext:
    """A certificate for another name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody-else.invalid")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


@contextmanager
def serve(*, secure: bool = False) -> Iterator[Site]:
    """A site on all loopback addresses, until the block ends; also a proxy for http and https."""
    site = Site(port=0)
    handler = type("Handler", (_Handler,), {"site": site, "secure": secure})
    server = _Server(("0.0.0.0", 0), handler)
    if secure:
        server.socket = certificate().wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
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


LOOPBACK = ("127.0.0.0/8",)
"""What crawls of the tests may connect to although it is not public."""
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
        command,
        input=_opened(plan, proxy).to_json(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env=environment(proxy),
    )


def start_plan(plan: CrawlPlan) -> subprocess.Popen[str]:
    """The same, running."""
    child = subprocess.Popen(
        LAUNCH, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert child.stdin is not None
    child.stdin.write(_opened(plan).to_json())
    child.stdin.close()
    child.stdin = None
    return child


def _opened(plan: CrawlPlan, proxy: str | None = None) -> CrawlPlan:
    """The plan with the server of the tests within reach."""
    return replace(plan, allow_net=plan.allow_net or LOOPBACK, proxy=plan.proxy or proxy)


def environment(proxy: str | None = None) -> dict[str, str]:
    """Ours without proxies and settings of whoever runs the tests; loopback is open to crawls of the command line."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("LINKLEDGER_")
    }
    ours |= {"LINKLEDGER_ALLOW_NET": " ".join(LOOPBACK)}
    return ours | ({"http_proxy": proxy, "https_proxy": proxy, "LINKLEDGER_PROXY": "environment"} if proxy else {})


def outcomes(database: str, crawl_id: int | None = None) -> dict[str, tuple[str, str | None]]:
    """Outcome and reason of each URL of a crawl, the latest unless named."""
    with open_ledger(database) as conn:
        wanted = crawl_id or find_crawl(conn, "last")
        return {row["url"]: (row["outcome"], row["reason"]) for row in outcome_rows(conn, wanted)}
