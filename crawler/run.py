"""`run_crawl`: the one way to start a crawl, for the command line and for tests.

Scrapy's event loop can be run once in a process, so a process runs one crawl; ``python -m crawler.run`` takes a
plan as JSON on standard input and writes the summary as JSON, for callers that run several.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from crawler.begin import Begun, Loaded, begin, end_crawl, resume
from crawler.crew import Crew
from crawler.guard import guard_of
from crawler.patience import LONGEST_WAIT, Patience
from crawler.plan import BadPlan, CrawlPlan, plan_from_arguments, plan_from_json
from crawler.proxies import unused
from crawler.session import NOT_RENDERED, Task
from crawler.worker import Tell, work
from storage.crawls import crawl_summary
from storage.engine import open_ledger
from storage.errors import LedgerError
from storage.frontier import VISITED
from storage.holders import this_process

if TYPE_CHECKING:
    from crawler.progress import Progress

__all__ = [
    "BadPlan", "Begun", "CrawlPlan", "CrawlStopped", "CrawlSummary", "Loaded", "plan_from_arguments", "plan_from_json",
    "resume_crawl", "run_crawl",
]  # fmt: skip


class CrawlStopped(LedgerError):
    """A crawl that was ended from inside before everything was asked."""


@dataclass(frozen=True, slots=True)
class CrawlSummary:
    """What a crawl did, counted in the ledger after its end.

    ``facts`` is what `storage.crawls.crawl_summary` says: rows read = accepted + duplicates +
    rejected, asked = the sum of the outcomes.
    """

    facts: dict[str, Any]
    loaded: Loaded
    rendered: int | None = None
    """Pages of this run that were read as their scripts left them too; None where that was not asked for ..."""
    not_rendered: tuple[tuple[str, int], ...] = ()
    """... and those that could not be, by cause."""

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped by a signal; the rest is still pending."""
        return bool(self.facts["state"] == "interrupted")

    @property
    def fetched_percent(self) -> float:
        """How many of the asked URLs were read whole, in percent; 100 where none was asked.

        Those left out because they were read lately count neither way.
        """
        lately = sum(one["urls"] for one in self.facts["problems"] if one["reason"] == VISITED)
        asked = self.facts["asked"] - lately
        return 100.0 * self.facts["fetched"] / asked if asked else 100.0


def run_crawl(
    plan: CrawlPlan,
    *,
    progress: Callable[[Progress], None] | None = None,
    loaded: Callable[[Loaded], None] | None = None,
    say: Callable[[str], None] | None = None,
    log_level: str = "ERROR",
) -> CrawlSummary:
    """Fetch the pages of a plan and store them; returns when every URL has its outcome or after Ctrl-C.

    Args:
        plan: what to do.
        progress: called about every second.
        loaded: called once, when the list is in the frontier and nothing has been fetched yet.
        say: told a line when the ledger does not answer, or a worker has died; standard error without it.
        log_level: least level of Scrapy's log lines on standard error.
    Raises:
        LedgerError: the list, the ledger or the plan cannot be used; storing failed on the way.
    """
    guard_of(plan)  # a proxy that cannot be used is told before there is a crawl
    begun = begin(plan)
    if loaded is not None:
        loaded(begun.loaded)
    return _run(begun, progress, say or _say, log_level)


def resume_crawl(
    database: str,
    name: str | None = None,
    *,
    workers: int | None = None,
    proxy: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    begun: Callable[[Begun], None] | None = None,
    say: Callable[[str], None] | None = None,
    log_level: str = "ERROR",
) -> CrawlSummary:
    """Go on with a crawl that was stopped, failed or died; the rest as `run_crawl`.

    Args:
        name: its number, ``last`` or ``previous``; None: the latest that is unfinished.
        workers: how many processes, in place of the plan's.
        proxy: as in a plan; a crawl that uses one is told it again, as its credentials are not kept.
        begun: called once, before anything is fetched.
    Raises:
        NothingToResume, CrawlIsHeld: see `crawler.begin.resume`.
    """
    taken = resume(database, name, workers=workers, proxy=proxy)
    if begun is not None:
        begun(taken)
    return _run(taken, progress, say or _say, log_level)


def _run(
    begun: Begun, progress: Callable[[Progress], None] | None, say: Callable[[str], None], log_level: str
) -> CrawlSummary:
    plan = begun.plan
    if line := unused(plan.proxy):
        say(line)
    task = Task(
        plan,
        begun.crawl_id,
        workers=plan.workers,
        begun_by=this_process(),
        pause=plan.delay if begun.resumed else 0.0,
    )
    tell = None if progress is None else _telling(progress)
    failed = False
    try:
        if plan.workers == 1:
            counts = work(task, asked=begun.asked, done=begun.done, tell=tell, say=say, log_level=log_level)
        else:
            counts = Crew(task, asked=begun.asked, done=begun.done, tell=tell, say=say).run()
        if counts.error is not None:
            raise counts.error
    except LedgerError:
        failed = True
        raise
    finally:
        _end(task, failed, say)
    if counts.reason not in ("finished", "shutdown", None):
        raise CrawlStopped(
            f"the crawl stopped early: {counts.reason}; what was read is stored, the rest is pending: "
            f"`linkledger crawl --resume {begun.crawl_id}` goes on with it"
        )

    def summary() -> CrawlSummary:
        with open_ledger(plan.db) as conn:
            return CrawlSummary(
                crawl_summary(conn, begun.crawl_id),
                begun.loaded,
                rendered=counts.tally.rendered if plan.render else None,
                not_rendered=tuple(
                    (kind.removeprefix(NOT_RENDERED), number)
                    for kind, number in counts.tally.problems.most_common()
                    if kind.startswith(NOT_RENDERED)
                ),
            )

    return Patience(say, Event())(summary)


def _end(task: Task, failed: bool, say: Callable[[str], None]) -> None:
    """Close the crawl in the ledger; where that fails too, it is left as one that died, which can be resumed."""
    patience = Patience(say, Event(), longest=0.0 if failed else LONGEST_WAIT)
    try:
        patience(lambda: end_crawl(task, failed=failed))
    except LedgerError:
        if not failed:
            raise


def _telling(progress: Callable[[Progress], None]) -> Tell:
    from crawler.progress import Meter

    meter = Meter()
    return lambda tally, last: progress(meter.report(tally, last=last))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Run the plan on standard input; exit status 1 with one line on standard error where it cannot be."""
    try:
        summary = run_crawl(plan_from_json(sys.stdin.read()))
    except LedgerError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    json.dump(summary.facts, sys.stdout)
    print()


if __name__ == "__main__":
    main()
