"""One process's part of a crawl: what it may ask, how its readings are stored, when it has nothing left to do."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from crawler.feed import Feed
from crawler.page import RULES_VERSION
from crawler.patience import Patience, StoreFailed
from crawler.plan import plan_from_json
from crawler.revisit import knows
from storage import frontier, holders, leases, pace
from storage.engine import Ledger
from storage.errors import LedgerError
from storage.kept import read_kept
from storage.leases import HandOn
from storage.records import Link, PageRecord, Reading, Response
from storage.shards import ALL, SHARDS, shard_of
from storage.writer import WriteSummary, write_readings

if TYPE_CHECKING:
    from crawler.plan import CrawlPlan

T = TypeVar("T")

BATCH_PAGES = 200
BATCH_LINKS = 30_000
BATCH_SECONDS = 1.0
AHEAD_PAGES = 40
AHEAD_LINKS = 10_000
"""What may wait beside a batch that is being written."""
LINK_CHARACTERS = 300
"""Characters of targets and DOM paths that count as a link, so that a batch of very long ones has fewer. Usual links
have 150."""
AHEAD_OF_OTHERS = 3
"""Times as much with several workers: on SQLite a batch may have to wait for that of another one first."""
LOOK_SECONDS = 1.0
"""How often a worker that has nothing to ask looks for more, and any looks for what the others have found."""
NOT_RENDERED = "not_rendered "
"""Kind of a problem of `Tally`, before the cause: of pages that are stored as they were sent only."""
RENEW_SECONDS = 15.0
"""How often leases are renewed; a quarter of what they last."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is told: one crawl, and which of its workers it is."""

    plan: CrawlPlan
    crawl_id: int
    number: int = 0
    workers: int = 1
    begun_by: str = ""
    """The holder that has begun the crawl, in this process or another: its shards are for the workers to take."""
    pause: float = 0.0
    """Seconds before the first request: whoever asked the same operators before may have done so just now."""

    def to_json(self) -> str:
        """As it is handed to another process, on one line."""
        values = {name: getattr(self, name) for name in ("crawl_id", "number", "workers", "begun_by", "pause")}
        return json.dumps(values | {"plan": self.plan.to_json()})


def task_from_json(text: str) -> Task:
    """Read what `Task.to_json` wrote."""
    values = json.loads(text)
    return Task(**values | {"plan": plan_from_json(values["plan"])})


@dataclass(slots=True)
class Tally:
    """Running sums for the progress display; the summary is counted in the ledger."""

    asked: int = 0
    done: int = 0
    pages: int = 0
    links: int = 0
    rendered: int = 0
    """Pages that were read as their scripts left them too."""
    problems: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=monotonic)

    def values(self) -> dict[str, Any]:
        """As JSON holds them, but for the time of its beginning."""
        return {
            "asked": self.asked,
            "done": self.done,
            "pages": self.pages,
            "links": self.links,
            "rendered": self.rendered,
            "problems": dict(self.problems),
        }

    def add(self, reading: Reading) -> None:
        """Count one outcome; a problem is any but a page read whole, by outcome and kind of reason."""
        self.done += 1
        if reading.page is not None:
            self.pages += 1
            self.links += len(reading.page.links)
            self.rendered += reading.method == "rendered"
        if reading.outcome != "fetched":
            self.problems[problem(reading.outcome, reading.reason)] += 1


def _weight(links: Sequence[Link]) -> int:
    """As how many links those of a page count in a batch."""
    return max(len(links), sum([len(link.target.url) + len(link.path) for link in links]) // LINK_CHARACTERS)


def problem(outcome: str, reason: str | None) -> str:
    """An outcome and the kind of its reason as one name, such as ``failed http:404``."""
    return f"{outcome} {reason.split(' ', 1)[0]}" if reason else outcome


class Session:
    """A worker at work on a crawl. All storing is done in one thread of its own.

    Args:
        task: what it is to do.
        asked, done: URLs of the crawl that are known, and those that have their outcome: for the tally.
        say: tells the user a line about the ledger, such as that it does not answer.
    """

    def __init__(self, task: Task, *, asked: int = 0, done: int = 0, say: Callable[[str], None] | None = None) -> None:
        self.task, self.plan, self.crawl_id = task, task.plan, task.crawl_id
        self.holder = holders.this_process()
        self.tally = Tally(asked=asked, done=done)
        self.error: LedgerError | None = None
        self.finished = False
        self.reason: str | None = None
        """Why Scrapy closed the spider; None while it runs, or if it was killed."""
        self.on_stop: Callable[[str], None] = lambda reason: None
        """Ends the crawl after the pages in flight; told a reason."""
        self.stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.reporter: object = None
        self.shards: frozenset[int] = frozenset()
        """Those it may ask."""
        self.together = False
        """Another crawl of the ledger is running: operators are asked in turns with it."""
        self._hurry = Event()
        self.say = say or _say
        self.patience = Patience(self.say, self._hurry)
        self.ledger = Ledger(task.plan.db)
        self._threads = ThreadPoolExecutor(1, "store"), ThreadPoolExecutor(1, "frontier")
        # A reader of its own: it needs little of the database in memory, the writer's share would double.
        self._reading = Ledger(task.plan.db, read_only=True)
        self.feed = Feed(
            self._reading,
            self.crawl_id,
            operators=task.plan.concurrency,
            reader=self._threads[1],
            rules_version=_conditions(task.plan),
            patience=self.patience,
            shards=self.shards,
        )
        self._batch: list[Reading | HandOn] = []
        self._batch_links = 0
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tending: asyncio.Task[None] | None = None

    # -- its share of the crawl -----------------------------------------------------------------

    async def start(self) -> None:
        """Take a share of the crawl and hold it from now on.

        Raises:
            storage.errors.LedgerError: the ledger refuses.
        """
        self._loop = asyncio.get_running_loop()
        await self._claim(most=-(-SHARDS // self.task.workers), busy_only=False)
        await asyncio.sleep(max(self.task.pause, await self._look_around()))
        self._tending = asyncio.ensure_future(self._tend())

    def may_ask(self, operator: str) -> bool:
        """Whether nobody else may be asking this operator."""
        return self.shards == ALL or shard_of(operator) in self.shards

    async def take_turn(self, operator: str, delay: float, ready: float) -> None:
        """With another crawl at work: wait until the operator may be asked again, by whichever of them.

        Args:
            delay: seconds between the starts of two requests.
            ready: seconds until this crawl would ask it by itself.

        Raises:
            storage.errors.LedgerError: the ledger refuses.
        """
        wait = await self._off_loop(0, lambda: self._take_turn(operator, delay, ready))
        await asyncio.sleep(wait / 1000)

    def _take_turn(self, operator: str, delay: float, ready: float) -> int:
        with self.ledger.begin() as conn:
            return pace.take_turn(conn, operator, int(delay * 1000), ready_ms=int(ready * 1000))

    async def _look_around(self) -> float:
        """See whether other crawls are running; returns after how many seconds they surely know of this one."""
        self.together = self.plan.delay > 0 and await self._off_loop(1, self._others_run)
        return LOOK_SECONDS + max(LOOK_SECONDS, self.plan.delay) if self.together else 0.0

    def _others_run(self) -> bool:
        with self._reading.connect() as conn:
            return pace.others_run(conn, self.crawl_id)

    async def more(self) -> bool:
        """With nothing left in hand: wait a moment, or take over what nobody holds; False when all is done.

        Raises:
            storage.errors.LedgerError: the ledger refuses.
        """
        if not await self._off_loop(1, self._any_pending):
            return False
        if not await self._claim(most=max(1, SHARDS // (2 * self.task.workers)), busy_only=True):
            await asyncio.sleep(LOOK_SECONDS)
        self.feed.look_again()
        return True

    async def _claim(self, *, most: int, busy_only: bool, gone: Callable[[str], bool] = holders.is_gone) -> bool:
        claimed = await self._off_loop(0, lambda: self._take(most, busy_only, gone))
        if claimed.orphans:
            # Their last holder may have asked an operator just before it died.
            await asyncio.sleep(self.plan.delay)
        if claimed.shards:
            self._hold(self.shards | claimed.shards)
        return bool(claimed.shards)

    def _hold(self, shards: frozenset[int]) -> None:
        self.shards = shards
        self.feed.hold(shards)

    async def _tend(self) -> None:
        """Keep the leases, take over those that ran out, and see what other workers have found."""
        renewed = monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if monotonic() - renewed >= RENEW_SECONDS:
                    renewed = monotonic()
                    held = await self._off_loop(0, self._renew)
                    if held != self.shards:  # too late for some: they are another worker's
                        self._hold(held)
                    if self.task.workers > 1:
                        await self._claim(most=SHARDS, busy_only=True, gone=lambda _: False)
                if self.task.workers > 1:
                    self.feed.peek()
                await self._look_around()
            except LedgerError as error:
                self.fail(error)
                return

    def _take(self, most: int, busy_only: bool, gone: Callable[[str], bool]) -> leases.Claimed:
        task = self.task
        with self.ledger.begin() as conn:
            return leases.claim(
                conn, self.crawl_id, self.holder, most=most, share=(task.number, task.workers), of=task.begun_by,
                gone=gone, busy_only=busy_only,
            )  # fmt: skip

    def _renew(self) -> frozenset[int]:
        with self.ledger.begin() as conn:
            return leases.renew(conn, self.crawl_id, self.holder)

    def _any_pending(self) -> bool:
        with self._reading.connect() as conn:
            return frontier.any_pending(conn, self.crawl_id)

    async def _off_loop(self, thread: int, action: Callable[[], T]) -> T:
        """Do something with the ledger beside the event loop, in the store's thread (0) or the reader's (1)."""
        run = lambda: self.patience(action)  # noqa: E731
        return await asyncio.get_running_loop().run_in_executor(self._threads[thread], run)

    # -- storing ------------------------------------------------------------------------------

    @property
    def behind(self) -> bool:
        """A batch is being written and enough has come in meanwhile: nothing more is to be asked now.

        Held back here, at most the requests in flight come in on top. Waiting later, in the pipeline,
        would hold hundreds of pages taken apart: Scrapy counts only the bytes of their bodies.
        """
        more = 1 if self.task.workers == 1 else AHEAD_OF_OTHERS
        return self._writing is not None and (
            len(self._batch) >= more * AHEAD_PAGES or self._batch_links >= more * AHEAD_LINKS
        )

    @property
    def _full(self) -> bool:
        return len(self._batch) >= BATCH_PAGES or self._batch_links >= BATCH_LINKS

    def add(self, reading: Reading | HandOn) -> None:
        """Take one reading to store, or a URL to hand on.

        After the store has failed, readings are dropped: their outcomes stay pending in it.
        """
        self.feed.answered(reading.requested.url)
        if self.error is not None:
            return
        self._batch.append(reading)
        if isinstance(reading, Reading):
            self.tally.add(reading)
            self._batch_links += _weight(reading.page.links) if reading.page else 0
        if self._full:
            self._write_now()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._write_now)

    def not_rendered(self, url: str, why: str) -> None:
        """Count a page that is stored as it was sent only; the user is told of the first of each kind."""
        kind = f"{NOT_RENDERED}{why}"
        if kind not in self.tally.problems:
            self.say(f"not rendered ({why}): {url}; pages that cannot be are stored as they were sent")
        self.tally.problems[kind] += 1

    async def flush(self) -> None:
        """Wait until everything taken is stored, or the store has failed."""
        while self._writing is not None or (self._batch and self.error is None):
            self._write_now()
            if self._writing is not None:
                await asyncio.wait([self._writing])

    def _write_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is not None or not self._batch:
            return
        batch, self._batch, self._batch_links = self._batch, [], 0
        self._writing = asyncio.ensure_future(self._write(batch))

    async def _write(self, batch: list[Reading | HandOn]) -> None:
        try:
            stored = await asyncio.get_running_loop().run_in_executor(self._threads[0], self._store, batch)
            if stored is not None:
                self.tally.asked += stored.discovered
                # A page that two URLs led to is one.
                self.tally.pages -= stored.redelivered
                self.tally.links -= stored.links_redelivered
            # None: it was stored, but the answer was lost. There may be new URLs then.
            self.feed.stored((one.requested.url for one in batch), discovered=stored is None or stored.discovered > 0)
        except LedgerError as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001  a fault of ours must end the crawl too, not hang it
            self.fail(StoreFailed(error))
        finally:
            self._writing = None
        if self._full:
            self._write_now()
        elif self._batch and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._write_now)

    def _store(self, batch: Sequence[Reading | HandOn]) -> WriteSummary | None:
        """In the writer's thread: one transaction, tried again as long as the database may come back.

        Storing again what was stored already changes nothing, so a commit whose answer was lost does no harm.

        Returns:
            What was stored; None where that cannot be said.
        """
        readings = [one for one in batch if isinstance(one, Reading)]
        handed_on = [one for one in batch if isinstance(one, HandOn)]
        tries = 0

        def once() -> WriteSummary:
            nonlocal tries
            tries += 1
            if tries > 1:
                self.ledger.forget()
            stored = WriteSummary()
            if readings:
                stored = write_readings(
                    self.ledger, self.crawl_id, readings, keep_text=self.plan.keep_text, rules_version=RULES_VERSION
                )
            if handed_on:
                with self.ledger.begin() as conn:
                    leases.hand_over(conn, self.crawl_id, handed_on)
            return stored

        stored = self.patience(once)
        return stored if tries == 1 else None

    def fail(self, error: LedgerError) -> None:
        """The ledger cannot be used any more: end the crawl, keep the first cause."""
        if self.error is None:
            self.error = error
            self.on_stop("store_error")

    # -- reading ------------------------------------------------------------------------------

    async def kept(self, visit_id: int) -> tuple[PageRecord, Response] | None:
        """The document of an earlier visit, read beside the event loop; None where its record is gone.

        Raises:
            storage.errors.LedgerError: the ledger cannot be read.
        """
        return await self._off_loop(1, lambda: self._read_kept(visit_id))

    def _read_kept(self, visit_id: int) -> tuple[PageRecord, Response] | None:
        with self._reading.connect() as conn:
            return read_kept(conn, visit_id)

    # -- ending -------------------------------------------------------------------------------

    def stop_soon(self) -> None:
        """From another thread: end after the pages in flight."""
        self.stopping = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.on_stop, "shutdown")

    async def stop(self) -> None:
        """Look for nothing more."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.wait([self._tending])
        await self.feed.close()

    def finish(self) -> None:
        """Give the share back and close the ledger, once; what waits for the database waits no longer."""
        if self.finished:
            return
        self.finished = True
        self._hurry.set()
        for thread in self._threads:
            thread.shutdown(wait=True, cancel_futures=True)
        self._reading.close()
        try:
            if self.task.begun_by != self.holder:  # else it is held until the crawl is closed
                with self.ledger.begin() as conn:
                    leases.give_back(conn, self.crawl_id, self.holder)
        except LedgerError as error:
            self.fail(error)
        finally:
            self.ledger.close()


def _conditions(plan: CrawlPlan) -> int | None:
    """The rules version of documents whose validators are sent; None: none are."""
    # What scripts made of a page cannot be asked for by its validators.
    return RULES_VERSION if plan.conditional and not plan.render and knows(plan.judge_as) else None


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
