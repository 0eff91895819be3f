"""How far a crawl is, told about once a second."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy.signalmanager import SignalManager

    from crawler.session import Session, Tally

INTERVAL = 1.0
_WINDOW = 30
"""Reports the rate is taken over."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One report."""

    asked: int
    """URLs known so far; grows when links are followed."""
    done: int
    pages: int
    links: int
    problems: tuple[tuple[str, int], ...]
    """Outcome and kind of reason, the most frequent first."""
    elapsed: float
    """Seconds since the start."""
    rate: float
    """URLs answered a second, lately."""
    left: float | None
    """Seconds until all known URLs are answered at this rate; None while nothing can be said."""
    last: bool = False
    """The crawl has ended."""


class Meter:
    """Turns running sums into reports: how fast, and how long still."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    def report(self, tally: Tally, *, last: bool = False) -> Progress:
        """How far it is now."""
        now = monotonic()
        self._seen.append((now, tally.done))
        since, before = self._seen[0]
        rate = (tally.done - before) / (now - since) if now > since else 0.0
        waiting = max(0, tally.asked - tally.done)
        return Progress(
            asked=tally.asked,
            done=tally.done,
            pages=tally.pages,
            links=tally.links,
            problems=tuple(tally.problems.most_common(5)),
            elapsed=now - tally.started,
            rate=rate,
            left=waiting / rate if rate > 0 else None,
            last=last,
        )


class Reporter:
    """Tells the running sums every second while the spider is open, and once at its end."""

    def __init__(self, where: SignalManager, session: Session, tell: Callable[[Tally, bool], None]) -> None:
        from scrapy import signals

        self._session, self._tell = session, tell
        self._task: asyncio.Task[None] | None = None
        # The signal manager keeps weak references to its handlers; the session keeps this one.
        session.reporter = self
        where.connect(self._opened, signals.spider_opened)
        where.connect(self._closed, signals.spider_closed)

    def _opened(self) -> None:
        self._task = asyncio.ensure_future(self._repeat())

    async def _repeat(self) -> None:
        while True:
            self._tell(self._session.tally, False)
            await asyncio.sleep(INTERVAL)

    def _closed(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._tell(self._session.tally, True)
