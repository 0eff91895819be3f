"""The bundled prospect pages, served on loopback as a forward proxy for http://*.example.

A proxy and not a plain site, so that several hosts with stable names can be crawled over real HTTP
without DNS: the addresses in the ledger are the same at every run. The sites change from week to week:
what differs from the week before lies in data/demo/weeks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any
from urllib.parse import urlsplit

LIST_NAME = "prospects.csv"
WEEKS = 3
"""How many weeks the sites are known for."""


def prospects() -> str:
    """The list of pages to crawl, as a user would have it: CSV with columns of their own."""
    return (_data() / LIST_NAME).read_text("utf-8")


def pages(week: int = 1) -> dict[str, tuple[str, bytes]]:
    """Every page of a week by its URL: content type and body."""
    found: dict[str, tuple[str, bytes]] = {}
    root = _data()

    def walk(folder: Traversable, url: str) -> None:
        for item in folder.iterdir():
            if item.is_dir():
                walk(item, f"{url}/{item.name}")
            elif item.name.endswith(".html"):
                found[f"{url}/{item.name.removesuffix('.html')}"] = ("text/html", item.read_bytes())
            elif item.name == "robots.txt":
                found[f"{url}/{item.name}"] = ("text/plain; charset=utf-8", item.read_bytes())

    for number in range(1, week + 1):
        for host in (root if number == 1 else root / "weeks" / str(number)).iterdir():
            if host.is_dir() and "." in host.name:
                walk(host, f"http://{host.name}")
        for url in (*_changes(number)["gone"], *_changes(number)["redirects"]):
            del found[url]
    return found


def redirects(week: int = 1) -> dict[str, str]:
    """Where a page of a week has moved to, by its URL."""
    found: dict[str, str] = json.loads((_data() / "redirects.json").read_text("utf-8"))
    for number in range(1, week + 1):
        found |= _changes(number)["redirects"]
    return found


def _data() -> Traversable:
    return files("cli") / "data" / "demo"


def _changes(week: int) -> dict[str, Any]:
    """The pages that are gone since the week before, and those that have moved."""
    nothing: dict[str, Any] = {"gone": [], "redirects": {}}
    found: dict[str, Any] = json.loads((_data() / "weeks" / "weeks.json").read_text("utf-8")).get(str(week), nothing)
    return found


class _Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: dict[str, tuple[str, bytes]]
    redirects: dict[str, str]

    def do_GET(self) -> None:
        # A proxy is asked for the whole URL, a server for its path; both work.
        url = self.path if self.path.startswith("http://") else f"http://{self.headers.get('Host', '')}{self.path}"
        parts = urlsplit(url)
        page = f"http://{parts.hostname or ''}{parts.path}"
        if page in self.redirects:
            self._answer(HTTPStatus.MOVED_PERMANENTLY, "text/plain", b"", Location=self.redirects[page])
        elif page in self.pages:
            content_type, body = self.pages[page]
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if self.headers.get("If-None-Match") == tag:
                self._answer(HTTPStatus.NOT_MODIFIED, None, b"", ETag=tag)
            else:
                self._answer(HTTPStatus.OK, content_type, body, ETag=tag)
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", b"<title>Not found</title>\n")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: HTTPStatus, content_type: str | None, body: bytes, **headers: str) -> None:
        self.send_response(status)
        if content_type is not None:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the crawl reports on itself."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that the crawler closes early is no news."""


@contextlib.contextmanager
def serving(port: int = 0, week: int = 1) -> Iterator[str]:
    """Serve the pages of a week on 127.0.0.1; gives the proxy's URL. Port 0 takes any free one.

    Raises:
        OSError: the port is taken.
    """
    handler = type("Site", (_Site,), {"pages": pages(week), "redirects": redirects(week)})
    with _Server(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
