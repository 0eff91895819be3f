"""The bundled prospect pages, served on loopback as a forward proxy for http://*.example.

A proxy and not a plain site, so that several hosts with stable names can be crawled over real HTTP
without DNS: the addresses in the ledger are the same at every run.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from importlib.resources.abc import Traversable
from urllib.parse import urlsplit

LIST_NAME = "prospects.csv"


def prospects() -> str:
    """The list of pages to crawl, as a user would have it: CSV with columns of their own."""
    return (files("cli") / "data" / "demo" / LIST_NAME).read_text("utf-8")


def pages() -> dict[str, tuple[str, bytes]]:
    """Every page by its URL: content type and body."""
    found: dict[str, tuple[str, bytes]] = {}
    root = files("cli") / "data" / "demo"

    def walk(folder: Traversable, url: str) -> None:
        for item in folder.iterdir():
            if item.is_dir():
                walk(item, f"{url}/{item.name}")
            elif item.name.endswith(".html"):
                found[f"{url}/{item.name.removesuffix('.html')}"] = ("text/html", item.read_bytes())
            elif item.name == "robots.txt":
                found[f"{url}/{item.name}"] = ("text/plain; charset=utf-8", item.read_bytes())

    for host in root.iterdir():
        if host.is_dir():
            walk(host, f"http://{host.name}")
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
            self._answer(HTTPStatus.MOVED_PERMANENTLY, "text/plain", b"", location=self.redirects[page])
        elif page in self.pages:
            self._answer(HTTPStatus.OK, *self.pages[page])
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", b"<title>Not found</title>\n")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes, location: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if location is not None:
            self.send_header("Location", location)
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
def serving(port: int = 0) -> Iterator[str]:
    """Serve the pages on 127.0.0.1; gives the proxy's URL. Port 0 takes any free one.

    Raises:
        OSError: the port is taken.
    """
    redirects = json.loads((files("cli") / "data" / "demo" / "redirects.json").read_text("utf-8"))
    handler = type("Site", (_Site,), {"pages": pages(), "redirects": redirects})
    with _Server(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
