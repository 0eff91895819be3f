"""What one worker does: the function that a crawl in one process calls, that each of several processes runs, and
that a cluster would run.

``python -m crawler.worker`` is such a process: it reads its task as one line of JSON on standard input and tells how
far it is as JSON lines on standard output. A line ``stop`` on its input ends it after the pages in flight; the
end of its input, which is that of its parent, ends it at once.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from crawler.allocator import give_back_large_blocks
from crawler.guard import guard_of, guarded
from crawler.session import Session, Tally, Task, task_from_json

if TYPE_CHECKING:
    from storage.errors import LedgerError

Tell = Callable[[Tally, bool], None]
"""Told the running sums about every second, and whether they are the last."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a worker has done, and why it ended."""

    tally: Tally
    reason: str | None
    """``finished``: nothing is left in the whole crawl; ``shutdown``: it was told to stop; None: it was cut short."""
    error: LedgerError | None
    """The ledger failed."""


def work(
    task: Task,
    *,
    asked: int = 0,
    done: int = 0,
    tell: Tell | None = None,
    say: Callable[[str], None] | None = None,
    opened: Callable[[Session], None] = lambda _: None,
    log_level: str = "ERROR",
) -> Counts:
    """Ask the URLs of a crawl, as many as are this worker's, until the whole crawl is done.

    Meanwhile every connection of this process is held to the plan's `Guard`.

    Args:
        asked, done: where the tally begins.
        tell: called in the thread of the event loop.
        say: told a line about trouble with the ledger.
        opened: given the session before anything is asked.
        log_level: least level of Scrapy's log lines on standard error.
    Raises:
        LedgerError: the ledger cannot be opened, or the plan's proxy not be found.
    """
    give_back_large_blocks()
    with guarded(guard_of(task.plan)):
        session = Session(task, asked=asked, done=done, say=say)
        try:
            opened(session)
            _crawl(session, tell, log_level)
        finally:
            # After a second Ctrl-C nobody else has done it.
            session.finish()
    return Counts(session.tally, session.reason, session.error)


def _crawl(session: Session, tell: Tell | None, log_level: str) -> None:
    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.settings import Settings

    from crawler.logs import escape_handlers
    from crawler.progress import Reporter
    from crawler.spiders.pages import PagesSpider

    settings = Settings()
    settings.setmodule("crawler.settings", priority="project")
    settings.set("LOG_LEVEL", log_level, priority="cmdline")
    process = AsyncCrawlerProcess(settings)
    escape_handlers()
    crawler = process.create_crawler(PagesSpider)
    if tell is not None:
        Reporter(crawler.signals, session, tell)
    crawl = process.crawl(crawler, session=session)
    with _rare_collections():
        process.start()
    if crawl.done() and not crawl.cancelled():
        crawl.result()


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python look for reference cycles less often while a crawl runs.

    Records of pages are many small tuples and hold no cycles; looking them through by the default
    thresholds took 13 % of a crawl.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def main() -> None:
    """One worker process; exit status 1 where the ledger failed, with its words in the last line of output."""
    task = task_from_json(sys.stdin.readline())

    def send(**values: Any) -> None:
        print(json.dumps(values), flush=True)

    def watch(session: Session) -> None:
        for line in sys.stdin:
            if line.strip() == "stop":
                session.stop_soon()
        os._exit(1)  # the parent is gone; what is not stored is still pending

    try:
        counts = work(
            task,
            tell=lambda tally, last: send(tally=tally.values()),
            say=lambda line: send(say=line),
            opened=lambda session: Thread(target=watch, args=(session,), daemon=True).start(),
        )
        send(
            tally=counts.tally.values(), reason=counts.reason, error=None if counts.error is None else str(counts.error)
        )
    except Exception as error:  # noqa: BLE001 - the parent names it
        send(reason=None, error=f"{type(error).__name__}: {error}" if not _is_ours(error) else str(error))
        raise SystemExit(1) from None
    raise SystemExit(0 if counts.error is None else 1)


def _is_ours(error: BaseException) -> bool:
    from storage.errors import LedgerError

    return isinstance(error, LedgerError)


if __name__ == "__main__":
    main()
