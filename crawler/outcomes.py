"""From a Scrapy response or failure to the one `Reading` that the store gets for a requested URL.

A reason is a kind, then optionally a space and a detail: ``http:404``, ``robots:disallow /private (line 3)``.
docs/crawling.md lists the kinds.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from hashlib import blake2b
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from OpenSSL import SSL
from scrapy.core.downloader.handlers.http11 import TunnelError
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError, TCPTimedOutError
from twisted.web._newclient import ParseError

from crawler.bodies import HTML_TYPES, UnknownEncoding, charset_of, is_binary, mime_type, sniff_html, unpack
from crawler.limits import TIME_OVER
from crawler.revisit import KEPT_HEADERS, merged, still
from crawler.suspects import suspicion
from crawler.taking_apart import CannotParse, Document
from crawler.urls import hide_inside
from storage.kept import Kept
from storage.records import CanonicalUrl, Hop, OutcomeState, PageRecord, Reading, Response

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response as ScrapyResponse
    from twisted.python.failure import Failure

    from crawler.taking_apart import Apart

logger = logging.getLogger(__name__)

ASK = "linkledger"
"""Key of `Ask` in ``Request.meta``."""
_KEPT_HEADERS = tuple((name, name.encode()) for name in KEPT_HEADERS)


class Ask(NamedTuple):
    """One requested URL on its way through redirects; travels in ``Request.meta``."""

    requested: CanonicalUrl
    current: CanonicalUrl
    """The URL being asked now."""
    depth: int = 0
    chain: tuple[Hop, ...] = ()
    max_hops: int = 10
    kept: Kept | None = None
    """What is kept of the page it led to last time, if that may be asked whether it has changed."""

    @property
    def conditional(self) -> Kept | None:
        """The validators to send now: only ever to the URL they came from."""
        return self.kept if self.kept is not None and self.kept.url == self.current.url else None


class Decided(IgnoreRequest):
    """A layer on the way to the network has decided the outcome of a requested URL."""

    def __init__(
        self, outcome: OutcomeState, reason: str, ask: Ask | None = None, *, status: int | None = None
    ) -> None:
        self.outcome, self.reason, self.ask, self.status = outcome, reason, ask, status
        super().__init__(f"{outcome}: {reason}")


def now_ms() -> int:
    """Milliseconds since 1970, UTC; the clock of a crawl."""
    return int(time() * 1000)


def ask_of(request: Request) -> Ask:
    """What a request is for."""
    ask: Ask = request.meta[ASK]
    return ask


def decided(ask: Ask, outcome: OutcomeState, reason: str, *, status: int | None = None) -> Reading:
    """The reading of a URL of which there is no page."""
    return Reading(
        requested=ask.requested,
        outcome=outcome,
        at=now_ms(),
        reason=reason,
        status=status,
        chain=ask.chain,
        final=ask.current,
    )


def unpacked(response: ScrapyResponse, most: int) -> tuple[bytes, str | None]:
    """The body of an answer without its Content-Encoding, up to so many bytes, and what is wrong with it; see `unpack`.

    Raises:
        UnknownEncoding: it cannot be unpacked.
    """
    encodings = [value.decode("latin-1") for value in response.headers.getlist(b"Content-Encoding")]
    return unpack(response.body, encodings, most)


class Opened(NamedTuple):
    """The document of an answer, unpacked, before it is taken apart."""

    document: Document
    flaw: str | None
    """What the packing says of its being whole."""
    at: int


def open_response(
    response: ScrapyResponse, ask: Ask, *, max_bytes: int, max_links: int, judge_as: str
) -> Opened | Reading:
    """Unpack one final response, redirects followed; a reading where there is no document to take apart."""
    at = now_ms()
    status = response.status
    if not 200 <= status < 300 or status in {204, 205}:
        return decided(ask, "failed", f"http:{status}", status=status)
    try:
        body, flaw = unpacked(response, max_bytes)
    except UnknownEncoding as error:
        return decided(ask, "failed", f"content_encoding {error}", status=status)
    content_type = header(response, b"Content-Type")
    mime = mime_type(content_type)
    skipped = _not_html(mime, body)
    if skipped:
        return decided(ask, "skipped", skipped, status=status)
    headers = headers_to_keep(response)
    return Opened(Document(body, ask.current, charset_of(content_type), headers, judge_as, max_links), flaw, at)


def read_document(response: ScrapyResponse, ask: Ask, opened: Opened, apart: Apart) -> Reading:
    """The reading of a response whose document was taken apart."""
    body, headers, page = opened.document.body, opened.document.headers, apart.page
    packed = b"Content-Encoding" in response.headers
    reason: str | None = opened.flaw
    if "download_stopped" in response.flags:
        reason = "size"
    elif TIME_OVER in response.flags:
        reason = "time"
    elif response.status == 206:
        reason = "http:206"
    elif reason is None and "partial" in response.flags and not packed and not _has_end(body):
        reason = "no_length"
    # The first part of a document was taken apart: that says more than why it came short.
    reason = apart.flaw or reason
    outcome: OutcomeState = "partial" if reason else "fetched"
    if reason is None:
        reason = suspicion(page, headers=_all_headers(response), body=body)
        if reason is not None:
            outcome = "suspect"
    return Reading(
        requested=ask.requested,
        outcome=outcome,
        at=opened.at,
        reason=reason,
        status=response.status,
        chain=ask.chain,
        final=ask.current,
        response=Response(
            status=response.status,
            content_type=header(response, b"Content-Type"),
            bytes=len(body),
            content_hash=blake2b(body, digest_size=16).hexdigest(),
            etag=header(response, b"ETag"),
            last_modified=header(response, b"Last-Modified"),
            headers=headers,
        ),
        page=page,
    )


def not_parsed(ask: Ask, error: CannotParse, *, status: int) -> Reading:
    """The reading of a URL whose document could not be taken apart; a fault of ours goes to the log with its trace."""
    if error.trace:
        logger.error("cannot take %s apart\n%s", ask.current.url, error.trace)
    return decided(ask, "failed", f"parse:{error.cause}", status=status)


def read_unchanged(response: ScrapyResponse, ask: Ask, kept: tuple[PageRecord, Response], *, judge_as: str) -> Reading:
    """Read a 304 answer to the validators of a kept document: that document, with the headers of today."""
    at = now_ms()
    page, before = kept
    carried = headers_to_keep(response)
    return Reading(
        requested=ask.requested,
        outcome="fetched",
        at=at,
        status=response.status,
        chain=ask.chain,
        final=ask.current,
        response=before._replace(
            status=response.status,
            etag=header(response, b"ETag") or before.etag,
            last_modified=header(response, b"Last-Modified") or before.last_modified,
            headers=merged(before.headers, carried),
        ),
        page=still(page, before.headers, carried, judge_as),
    )


def headers_to_keep(response: ScrapyResponse) -> tuple[tuple[str, str], ...]:
    """The headers of an answer that a visit keeps, as (name, value)."""
    return tuple(
        (name, hide_inside(value.decode("latin-1")))
        for name, key in _KEPT_HEADERS
        for value in response.headers.getlist(key)
    )


def _all_headers(response: ScrapyResponse) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    )


def header(response: ScrapyResponse, name: bytes) -> str | None:
    """The last value of a response header, as text of one byte a character; None where it is absent."""
    value = response.headers.get(name)
    return None if value is None else value.decode("latin-1")


def _not_html(mime: str | None, body: bytes) -> str | None:
    """Why a body is no page, or None.

    The type decides; a missing or meaningless one is looked up in the bytes, and bytes that begin
    as a PDF or an image are no page whatever is said of them.
    """
    if mime is None:
        return None if sniff_html(body) or not body else "content_type unknown"
    if mime not in HTML_TYPES:
        return f"content_type {mime[:60]}"
    return "content_type binary" if is_binary(body) else None


_END = re.compile(rb"</html\s*>", re.IGNORECASE)


def _has_end(body: bytes) -> bool:
    """Whether a document of unknown length shows its own end."""
    return _END.search(body, max(0, len(body) - 4096)) is not None


def read_failure(failure: Failure, ask: Ask) -> Reading:
    """Read what kept a URL from answering: the typed cause, never an exception's text."""
    error = failure.value
    if isinstance(error, Decided):
        return decided(error.ask or ask, error.outcome, error.reason, status=error.status)
    if isinstance(error, UnsupportedURLSchemeError):
        return decided(ask, "refused", "scheme")
    return decided(ask, "failed", cause_of(error, failure.request))  # type: ignore[attr-defined]


def cause_of(error: BaseException | None, request: Request | None = None) -> str:
    """The typed cause of a download that failed. Where a proxy is asked, it is the proxy that does not connect."""
    cause = _cause(error)
    proxied = request is not None and bool(request.meta.get("proxy"))
    return "proxy" if proxied and cause in ("connect", "dns") else cause


def _cause(error: BaseException | None) -> str:
    if isinstance(error, (CannotResolveHostError, DNSLookupError)):
        return "dns"
    if isinstance(error, ResponseDataLossError):
        return "cut"
    if isinstance(error, (DownloadTimeoutError, TCPTimedOutError)):
        return "timeout"
    parts = list(_parts(error))
    if any(isinstance(part, SSL.Error) for part in parts):
        return "tls"
    # Twisted raises ValueError for a Content-Length that is none, and for two that differ.
    unreadable = (ParseError, ValueError) if isinstance(error, DownloadFailedError) else ParseError
    if any(isinstance(part, unreadable) for part in parts):
        return "protocol"
    if isinstance(error, (DownloadConnectionRefusedError, ConnectError, ConnectionClosed, OSError)):
        return "connect"
    if isinstance(error, TunnelError):
        return "proxy"
    if isinstance(error, (DownloadFailedError, DownloadCancelledError)):
        return "connect"
    if isinstance(error, (UnicodeError, ValueError)):
        return "invalid_host"
    return f"error {type(error).__name__}"


def _parts(error: BaseException | None) -> Iterable[BaseException]:
    """An error, its causes, and the reasons Twisted keeps inside it."""
    seen = error
    while seen is not None:
        yield seen
        for reason in getattr(seen, "reasons", ()):
            yield getattr(reason, "value", reason)
        seen = seen.__cause__


class ParseErrorMiddleware:
    """Turns an exception of the spider's callback into the outcome ``failed``: no page is lost by it."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ParseErrorMiddleware:
        return cls(crawler)

    def process_spider_exception(self, response: ScrapyResponse, exception: Exception) -> Iterable[Any] | None:
        """Name the exception in the log with its trace, and the page in the ledger."""
        if response.request is None or ASK not in response.request.meta:
            return None
        ask = ask_of(response.request)
        logger.error("cannot take %s apart", ask.current.url, exc_info=exception)
        return [decided(ask, "failed", f"parse:{type(exception).__name__}", status=response.status)]
