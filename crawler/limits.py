"""Bounds of one attempt to fetch a URL: how long it may take, how much may come, how much is held by all of them.

`crawler.handler` makes an `Attempt` for each request it sends; what comes of the body is counted here. A body
that passes a bound is read up to there and marked partial, never thrown away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from scrapy import signals
from scrapy.exceptions import StopDownload

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

ATTEMPT = "linkledger_attempt"
"""Key of the latest `Attempt` in ``Request.meta``."""
TIME_LEFT = "linkledger_time_left"
"""Key in ``Request.meta``: seconds left for all attempts and redirects of one requested URL."""
TIME_OVER = "time"
"""Flag of a response whose body was still coming when its time was nearly over."""

MOST_PIECES = 100_000
"""Chunks of one body. Each costs some 15 microseconds whatever its size; 10 MiB in chunks of one byte would hold the
event loop for minutes."""
BIG_BODY = 1024 * 1024
BIG_BODIES_BYTES = 96 * 1024 * 1024
"""Bodies grow beyond `BIG_BODY` only so many at a time that they stay below this together; the others wait for a place.

128 operators that all send without end would fill 1.3 GB otherwise."""


class Connection(Protocol):
    """What an attempt does to the connection it uses."""

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Read nothing more for now."""

    def resumeProducing(self) -> None:  # noqa: N802
        """Read on."""

    def abortConnection(self) -> None:  # noqa: N802
        """End it at once."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt, from the moment its request is sent."""

    seconds: float
    """What it may take in all."""
    began: float = field(default_factory=monotonic)
    """Of `monotonic`, as ``last``."""
    connection: Connection | None = None
    received: int = 0
    """Bytes of the body so far, still packed."""
    pieces: int = 0
    last: float | None = None
    """When bytes of the body came last."""
    time_over: bool = False
    """It was ended while its body was still coming."""
    headers_over: bool = False
    """It was ended because of its headers."""
    at_end: Callable[[], None] | None = None

    @property
    def taken(self) -> float:
        """Seconds since it began."""
        return monotonic() - self.began

    @property
    def enough(self) -> float:
        """Seconds after which a body that still comes is cut off: a little less than all, to keep what came."""
        return self.seconds - min(1.5, self.seconds / 10)

    def cut_off(self) -> None:
        """Its time is nearly over: keep what came, unless nothing has come for half of it."""
        if self.last is None or self.connection is None or monotonic() - self.last > self.seconds / 2:
            return
        self.time_over = True
        self.connection.abortConnection()

    def abort(self) -> None:
        """End its connection, so that nothing more of what it sends is read."""
        if self.connection is not None:
            self.connection.abortConnection()

    def end(self) -> None:
        """It is over: let go of its connection and its place."""
        self.connection = None
        if self.at_end is not None:
            self.at_end()
            self.at_end = None


CURRENT: ContextVar[Attempt | None] = ContextVar("attempt", default=None)
"""The attempt for which a connection is being asked."""


class BodyLimit:
    """Counts each body as it comes; ``Request.meta["max_bytes"]`` beats the setting."""

    def __init__(self, crawler: Crawler) -> None:
        self.most = crawler.settings.getint("LINKLEDGER_MAX_BYTES", 10 * 1024 * 1024)
        self._places = max(1, BIG_BODIES_BYTES // max(self.most, 1))
        self._waiting: deque[Attempt] = deque()
        crawler.signals.connect(self.received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BodyLimit:
        return cls(crawler)

    def received(self, data: bytes, request: Request) -> None:
        """Stop when a limit is passed.

        Raises:
            StopDownload: the response goes on as it is, flagged ``download_stopped``.
        """
        meta = request.meta
        attempt: Attempt = meta[ATTEMPT]
        attempt.last = monotonic()
        attempt.pieces += 1
        attempt.received += len(data)
        if attempt.received > meta.get("max_bytes", self.most) or attempt.pieces > MOST_PIECES:
            raise StopDownload(fail=False)
        if attempt.received > BIG_BODY and attempt.at_end is None:
            self._take_place(attempt)

    def _take_place(self, attempt: Attempt) -> None:
        if self._places > 0:
            self._places -= 1
            attempt.at_end = self._free_place
        elif attempt.connection is not None:
            attempt.at_end = lambda: self._waiting.remove(attempt)
            self._waiting.append(attempt)
            attempt.connection.pauseProducing()

    def _free_place(self) -> None:
        if not self._waiting:
            self._places += 1
            return
        attempt = self._waiting.popleft()
        attempt.at_end = self._free_place
        if attempt.connection is not None:
            attempt.connection.resumeProducing()
