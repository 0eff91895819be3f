"""Bounds of one attempt to fetch a URL: how long it may take, how much may come, how much is held by all of them.

`crawler.handler` makes an `Attempt` for each request it sends; what comes of the body is counted here. A body
that passes a bound is read up to there and marked partial, never thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from weakref import finalize

from scrapy import signals

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

ATTEMPT = "linkledger_attempt"
"""Key of the latest `Attempt` in ``Request.meta``."""
TIME_LEFT = "linkledger_time_left"
"""Key in ``Request.meta``: seconds left for all attempts and redirects of one requested URL."""
TIME_OVER = "time"
"""Flag of a response whose body was still coming when its time was nearly over."""
SIZE_OVER = "download_stopped"
"""Flag of a response whose body was longer than it may be; Scrapy's for the same.

Scrapy's way to it, the exception StopDownload, leaves each body in a circle of references that is only found when
Python looks for such: 120 of 10 MiB filled 1.4 GB.
"""

MOST_PIECES = 100_000
"""Chunks of one body. Each costs some 15 microseconds whatever its size; 10 MiB in chunks of one byte would hold the
event loop for minutes."""
BIG_BODY = 512 * 1024
BIG_BODIES = 64 * 1024 * 1024
"""Bytes that bodies over `BIG_BODY` may hold together; beyond that they are not read on until others are taken apart.

128 operators that all send without end would fill 1.3 GB otherwise."""


class Connection(Protocol):
    """What an attempt does to the connection it uses."""

    connected: Any
    """Whether it is there: a bool or, with some of Twisted's, a number."""

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
    cut: str | None = None
    """It was ended while its body was still coming: the flag of its response that says why."""
    headers_over: bool = False
    """It was ended because of its headers."""
    waiting: bool = False
    """Its connection is not read for now: the big bodies hold too much together."""
    release: Callable[[], None] | None = None
    """Takes a big body out of what is held; None: it is small."""

    @property
    def taken(self) -> float:
        """Seconds since it began."""
        return monotonic() - self.began

    @property
    def enough(self) -> float:
        """Seconds after which a body that still comes is cut off: a little less than all, to keep what came."""
        return self.seconds - min(1.5, self.seconds / 10)

    def time_over(self) -> None:
        """Its time is nearly over: keep what came, unless nothing has come for half of it."""
        if self.last is None or self.connection is None:
            return
        if monotonic() - self.last > self.seconds / 2 and not self.waiting:
            return
        self.cut_off(TIME_OVER)

    def cut_off(self, why: str) -> None:
        """Read nothing more of its body and keep what came."""
        self.cut = why
        self.abort()

    def wait(self, on: bool) -> None:
        """Read its connection no more, or on again."""
        if on == self.waiting or self.connection is None:
            return
        self.waiting = on
        if on:
            self.connection.pauseProducing()
        else:
            self.connection.resumeProducing()

    def abort(self) -> None:
        """End its connection, so that nothing more of what it sends is read."""
        # One that is gone already cannot be ended again: Twisted's for TLS raises AttributeError then.
        if self.connection is not None and self.connection.connected:
            self.connection.abortConnection()

    def end(self, response: Response | None = None) -> None:
        """It is over: let go of its connection, and of its body when the response that holds it is gone."""
        self.connection = None
        release, self.release = self.release, None
        if release is None:
            return
        if response is None:
            release()
        else:
            finalize(response, release)


CURRENT: ContextVar[Attempt | None] = ContextVar("attempt", default=None)
"""The attempt for which a connection is being asked."""


class BodyLimit:
    """Counts bodies as they come; ``Request.meta["max_bytes"]`` beats the setting."""

    def __init__(self, crawler: Crawler) -> None:
        self.most = crawler.settings.getint("LINKLEDGER_MAX_BYTES", 10 * 1024 * 1024)
        self._big: dict[Attempt, int] = {}
        """Bytes of the big bodies that are coming or not yet taken apart, oldest first."""
        self._total = 0
        crawler.signals.connect(self.received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BodyLimit:
        return cls(crawler)

    def received(self, data: bytes, request: Request) -> None:
        """Cut a body off where it passes a limit, and hold it back while too much is held."""
        meta = request.meta
        attempt: Attempt = meta[ATTEMPT]
        attempt.last = monotonic()
        attempt.pieces += 1
        attempt.received += len(data)
        if attempt.received > meta.get("max_bytes", self.most) or attempt.pieces > MOST_PIECES:
            if attempt.cut is None:
                attempt.cut_off(SIZE_OVER)
        elif attempt.received > BIG_BODY:
            self._hold(attempt)

    def _hold(self, attempt: Attempt) -> None:
        if attempt.release is None:
            attempt.release = lambda: self._free(attempt)
        self._total += attempt.received - self._big.get(attempt, 0)
        self._big[attempt] = attempt.received
        if self._total > BIG_BODIES and not attempt.waiting and attempt is not self._oldest():
            attempt.wait(True)

    def _free(self, attempt: Attempt) -> None:
        self._total -= self._big.pop(attempt)
        if self._total <= BIG_BODIES:
            for one in self._big:
                one.wait(False)
        elif (oldest := self._oldest()) is not None:
            oldest.wait(False)

    def _oldest(self) -> Attempt | None:
        """The one that is always read on, so that the others need not wait for ever."""
        return next((one for one in self._big if one.connection is not None), None)
