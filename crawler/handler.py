"""The download handler: Scrapy's own for HTTP/1.1, with bounds on the headers of an answer and on its time.

Twisted bounds the length of one header line only, by closing the connection without a word, and Scrapy gives an
attempt a time but a URL none. `PageHandler` adds both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, cast

from scrapy.core.downloader.handlers import http11
from scrapy.exceptions import DownloadTimeoutError, ResponseDataLossError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.web.client import HTTPConnectionPool
from zope.interface import implementer  # type: ignore[import-untyped]

from crawler.limits import ATTEMPT, CURRENT, TIME_LEFT, Attempt
from crawler.outcomes import Decided
from crawler.plan import DEFAULT_URL_TIMEOUT

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.internet.defer import Deferred
    from twisted.internet.interfaces import IAddress, IProtocolFactory
    from twisted.web._newclient import Request as SentRequest
    from twisted.web.iweb import IResponse

MOST_HEADER_BYTES = 256 * 1024
"""Bytes of all header lines of an answer together, those of 1xx answers before it included: what Chrome reads."""
LONGEST_HEADER_LINE = 64 * 1024
"""Bytes of one line; Python's http.client takes as many, Twisted a quarter, and some sites send more than that."""
MOST_HEADER_LINES = 500
"""Lines; Python's http.client and hyper take 100, browsers as many as fit."""


class HeadersTooLarge(Exception):
    """An answer's headers are too long or too many."""


class _Parser(http11._LenientHTTPClientParser):
    """Reads the headers of one answer up to the bounds. Has no ``__init__``: it takes the place of another parser."""

    MAX_LENGTH = LONGEST_HEADER_LINE
    attempt: Attempt | None = None
    _lines = 0
    _bytes = 0

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's names
        self._lines += 1
        self._bytes += len(line)
        if self._lines > MOST_HEADER_LINES or self._bytes > MOST_HEADER_BYTES:
            self._give_up()
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        self._give_up()

    def _give_up(self) -> None:
        if self.attempt is not None:
            self.attempt.headers_over = True
        raise HeadersTooLarge


class _Connection(http11._LenientHTTP11ClientProtocol):
    """A connection that knows for which attempt it is used."""

    attempt: Attempt | None = None
    """Set where it was opened for one; a connection that is used again is given out while the attempt is `CURRENT`."""

    def request(self, request: SentRequest) -> Deferred[IResponse]:
        attempt, self.attempt = self.attempt or CURRENT.get(), None
        if attempt is not None:
            attempt.connection = self.transport
        answer = super().request(request)
        if self._parser is not None:  # None: it could not be sent
            # As Scrapy puts its own class there: Twisted names the class of its parser in its code. None of them has
            # a state of its own at the beginning.
            self._parser.__class__ = _Parser
            cast("_Parser", self._parser).attempt = attempt
        return answer


class _Factory(http11._LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: IAddress | None) -> _Connection:  # noqa: N802
        return _Connection(self._quiescentCallback)  # type: ignore[no-untyped-call]


@implementer(IStreamClientEndpoint)
class _For:
    """An endpoint whose connection is for one attempt."""

    def __init__(self, endpoint: IStreamClientEndpoint, attempt: Attempt | None) -> None:
        self._endpoint, self._attempt = endpoint, attempt

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        opened: Deferred[Any] = self._endpoint.connect(factory)  # type: ignore[call-arg,misc]  # zope, unknown to mypy
        return opened.addCallback(self._note)

    def _note(self, connection: _Connection) -> _Connection:
        connection.attempt = self._attempt
        return connection


class _Pool(HTTPConnectionPool):
    _factory = _Factory
    retryAutomatically = False  # noqa: N815 - a request that is repeated waits for its operator's turn

    def getConnection(self, key: Hashable, endpoint: IStreamClientEndpoint) -> Deferred[Any]:  # noqa: N802
        return super().getConnection(key, cast("IStreamClientEndpoint", _For(endpoint, CURRENT.get())))


class PageHandler(http11.HTTP11DownloadHandler):
    """Bounds the headers of answers, the time of an attempt and that of a URL.

    Named before another handler that is built on Scrapy's, ``class Both(PageHandler, Other)``, it bounds that one too.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        from twisted.internet import reactor

        settings = crawler.settings
        self._pool = _Pool(reactor, persistent=True)  # type: ignore[no-untyped-call]
        self._pool.maxPersistentPerHost = settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
        self._seconds = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._url_seconds = settings.getfloat("LINKLEDGER_URL_TIMEOUT", DEFAULT_URL_TIMEOUT)

    async def download_request(self, request: Request) -> Response:
        """Send a request and await its answer, for as long as the attempt and its URL may take.

        What it takes is counted from here, after the wait for the operator's turn, and kept in the meta of the
        request, so that further attempts and redirects have what is left. robots.txt is a URL of its own.

        Raises:
            Decided: the URL has no time left (``url_timeout``), or the headers are too large (``headers``).
        """
        meta = request.meta
        left: float = meta.get(TIME_LEFT, self._url_seconds)
        if left <= self._url_seconds / 20:
            raise Decided("failed", "url_timeout")
        asked: float = meta.get("download_timeout") or self._seconds
        attempt = Attempt(min(asked, left))
        # With a lost rest as a flag, a body that is cut off here can be kept; any other is an error again below.
        meta |= {ATTEMPT: attempt, "download_timeout": attempt.seconds, "download_fail_on_dataloss": False}
        CURRENT.set(attempt)
        loop = asyncio.get_running_loop()
        # Half of a robots.txt must not stand for the whole.
        timer = None if meta.get("robots_exempt") else loop.call_later(attempt.enough, attempt.time_over)
        try:
            response = await super().download_request(request)
        except BaseException as error:
            attempt.abort()
            attempt.end()
            if attempt.headers_over:
                raise Decided("failed", "headers") from None
            if isinstance(error, DownloadTimeoutError) and attempt.seconds < asked:
                raise Decided("failed", "url_timeout") from None
            raise
        finally:
            if timer is not None:
                timer.cancel()
            meta[TIME_LEFT] = left - attempt.taken
            meta["download_timeout"] = asked
        attempt.end(response)
        flags = response.flags
        if flags and attempt.cut is not None and ("dataloss" in flags or "partial" in flags):
            flags.append(attempt.cut)
        elif "dataloss" in flags:
            raise ResponseDataLossError
        return response
