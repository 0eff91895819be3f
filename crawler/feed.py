"""Hands out the URLs of a crawl's frontier, as many as can be in flight and no more.

Each operator in hand has a short line of URLs read ahead; one of them is being asked at a time. A line
that has used up what was read is given back when its outcomes are stored, and taken up again
in its turn: operators with many pages let the others pass.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from storage import frontier
from storage.shards import ALL

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from storage.engine import Ledger
    from storage.frontier import Pending

AHEAD = 8
"""URLs read ahead for one operator."""

Found: TypeAlias = "tuple[dict[str, list[Pending]], list[str]]"
"""What is pending by operator, and which of the operators were not in hand."""


@dataclass(slots=True)
class _Line:
    """One operator in hand."""

    ready: deque[Pending] = field(default_factory=deque)
    last_turn: int = -1
    asking: int = 0
    unstored: int = 0
    """URLs handed out whose outcome is not in the store yet: there they still look pending."""
    drained: bool = False
    """The store had no further URL of this operator when it was last looked up."""


class Feed:
    """The frontier of one crawl as one process sees it. Used in the event loop's thread only."""

    def __init__(
        self,
        ledger: Ledger,
        crawl_id: int,
        *,
        operators: int,
        reader: Executor,
        rules_version: int | None = None,
        patience: Callable[[Callable[[], Found]], Found] = lambda read: read(),
        shards: frozenset[int] = ALL,
    ) -> None:
        self._ledger = ledger
        self._crawl_id = crawl_id
        self._rules_version = rules_version
        """With it, URLs come with the validators of documents that were taken apart by the same rules."""
        self._patience = patience
        """Reads again while the database may come back."""
        self._shards = shards
        """Only their operators are handed out."""
        self._most = operators
        self._reader = reader
        self._lines: dict[str, _Line] = {}
        self._out: dict[str, str] = {}
        """Operator of each URL that was taken and is not stored yet."""
        self._more = True
        """Operators other than those in hand may have something pending."""
        self._discoveries = 0
        self._changed = asyncio.Event()
        self._refill: asyncio.Task[None] | None = None

    @property
    def exhausted(self) -> bool:
        """Nothing is pending but what is in hand, and nothing is in hand."""
        return not self._lines and not self._more and self._refill is None

    def take(self) -> list[Pending]:
        """The URLs that can be asked now: the next one of each operator that is not being asked."""
        taken = []
        for operator, line in self._lines.items():
            if line.ready and not line.asking:
                line.asking += 1
                line.unstored += 1
                pending = line.ready.popleft()
                self._out[pending.url] = operator
                taken.append(pending)
        self._start_refill()
        return taken

    async def changed(self) -> None:
        """Wait until there may be more to take.

        Raises:
            storage.errors.LedgerError: the frontier cannot be read.
        """
        await self._changed.wait()
        self._changed.clear()
        if self._refill is not None and self._refill.done():
            refill, self._refill = self._refill, None
            refill.result()

    def answered(self, url: str) -> None:
        """A URL that was taken has its answer: the operator's next one may be asked."""
        line = self._lines.get(self._out.get(url, ""))
        if line is not None and line.asking:
            line.asking -= 1
        self._changed.set()

    def stored(self, urls: Iterable[str], *, discovered: bool) -> None:
        """The outcomes of these URLs are in the store; ``discovered``: new URLs came in with them."""
        for url in urls:
            line = self._lines.get(self._out.pop(url, ""))
            if line is not None:
                line.unstored -= 1
        if discovered:
            self.look_again()
        self._changed.set()

    def hold(self, shards: frozenset[int]) -> None:
        """Hand out the operators of these shards from now on, and of no others."""
        self._shards = shards
        for line in self._lines.values():
            line.ready = deque(pending for pending in line.ready if pending.shard in shards)
        self.look_again()

    def look_again(self) -> None:
        """Look for everything anew: there may be more of any operator."""
        self._discoveries += 1
        self._more = True
        for line in self._lines.values():
            line.drained = False
        self._changed.set()

    def peek(self) -> None:
        """Look for operators that are not in hand: others may have put some into the frontier."""
        self._more = True
        self._changed.set()

    async def close(self) -> None:
        """Stop reading ahead."""
        if self._refill is not None:
            self._refill.cancel()
            await asyncio.wait([self._refill])

    def _start_refill(self) -> None:
        if self._refill is not None:
            return
        low: dict[str, int] = {}
        for operator, line in list(self._lines.items()):
            if line.ready:
                continue
            if not line.unstored and (line.drained or self._more):
                # Given back. What it still has pending, if anything, is found again in fair order.
                self._more = self._more or not line.drained
                del self._lines[operator]
            elif not line.drained and not self._more:
                low[operator] = line.last_turn  # nobody else is waiting: it may go on at once
        in_use = sum(1 for line in self._lines.values() if line.ready or line.asking)
        new = max(0, self._most - in_use) if self._more else 0
        if new or low:
            self._refill = asyncio.ensure_future(self._fill(low, new))
            self._refill.add_done_callback(lambda _: self._changed.set())

    async def _fill(self, low: dict[str, int], new: int) -> None:
        loop = asyncio.get_running_loop()
        before = self._discoveries
        shards, in_hand = self._shards, frozenset(self._lines)
        read = lambda: self._read(low, new, in_hand, shards)  # noqa: E731
        found, fresh = await loop.run_in_executor(self._reader, lambda: self._patience(read))
        # What was discovered while the store was read may not have been in it yet.
        unchanged = before == self._discoveries
        if new and not fresh and unchanged:
            self._more = False
        for operator, rows in found.items():
            line = self._lines.setdefault(operator, _Line())
            line.ready.extend(pending for pending in rows if pending.shard in self._shards)
            line.drained = len(rows) < AHEAD and unchanged
            if rows:
                line.last_turn = rows[-1].turn
            elif not line.unstored and line.drained:
                del self._lines[operator]

    def _read(self, low: dict[str, int], new: int, in_hand: frozenset[str], shards: frozenset[int]) -> Found:
        """In the reader's thread: look up what the operators have pending, and operators not in hand."""
        with self._ledger.connect() as conn:
            fresh = (
                frontier.next_operators(conn, self._crawl_id, besides=in_hand, limit=new, shards=shards) if new else []
            )
            wanted = low | dict.fromkeys(fresh, -1)
            found = {
                operator: frontier.next_rows(
                    conn,
                    self._crawl_id,
                    operator,
                    after=turn,
                    limit=AHEAD,
                    rules_version=self._rules_version,
                    shards=shards,
                )
                for operator, turn in wanted.items()
            }
        return found, fresh
