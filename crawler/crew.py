"""Several worker processes on one machine: starts them, adds up what they tell, replaces those that die.

Nothing passes between them but the ledger: it says what is left and who may ask which operators.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from threading import Thread, current_thread, main_thread
from typing import Any

from crawler.children import command, environment
from crawler.session import Tally, Task
from crawler.worker import Counts, Tell
from storage.errors import LedgerError

RESTARTS = 3
"""How often each worker is started anew; after that the others take over its share."""
_LOOK_SECONDS = 0.5


class WorkersFailed(LedgerError):
    """The ledger failed a worker, or every worker died."""


@dataclass
class _Worker:
    """One process and what it last told."""

    task: Task
    process: subprocess.Popen[str]
    told: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] | None = None
    starts: int = 1


class Crew:
    """The workers of one crawl.

    Args:
        task: what all of them do; each gets a number of its own.
        asked, done: where the tally begins.
    """

    def __init__(self, task: Task, *, asked: int, done: int, tell: Tell | None, say: Callable[[str], None]) -> None:
        self._task, self._tell, self._say = task, tell, say
        self._asked, self._done = asked, done
        self._messages: SimpleQueue[tuple[_Worker, str] | None] = SimpleQueue()
        self._workers: list[_Worker] = []
        self._earlier: list[dict[str, Any]] = []
        """What workers told that have died since."""
        self._said: set[str] = set()
        self._signals = 0
        self._error: LedgerError | None = None
        self._tally = Tally(asked=asked, done=done)

    def run(self) -> Counts:
        """Let them work until all have ended."""
        with self._listening():
            try:
                self._workers = [
                    self._start(replace(self._task, number=number)) for number in range(self._task.workers)
                ]
                while any(worker.process.poll() is None or worker.end is None for worker in self._workers):
                    self._take_message()
            finally:
                for worker in self._workers:
                    worker.process.kill()
                    worker.process.wait()
        self._add_up(last=True)
        left_early = [worker for worker in self._workers if (worker.end or {}).get("reason") != "finished"]
        if self._error is None and not self._signals and len(left_early) == len(self._workers):
            self._error = WorkersFailed(
                f"every worker process died; what they stored is whole, the rest is pending in crawl "
                f"{self._task.crawl_id}: `linkledger crawl --resume {self._task.crawl_id}` goes on with it"
            )
        return Counts(self._tally, "shutdown" if self._signals else "finished", self._error)

    # -- processes --------------------------------------------------------------------------------

    def _start(self, task: Task) -> _Worker:
        worker = _Worker(task, _process(task))
        Thread(target=self._listen, args=(worker, worker.process), daemon=True).start()
        return worker

    def _listen(self, worker: _Worker, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._messages.put((worker, line))
        self._messages.put((worker, ""))

    def _take_message(self) -> None:
        try:
            message = self._messages.get(timeout=_LOOK_SECONDS)
        except Empty:
            message = None
        if message is None:
            self._add_up()
            return
        worker, line = message
        if not line:
            self._ended(worker)
            return
        values = json.loads(line)
        if "say" in values:
            if values["say"] not in self._said:  # each of them meets the same trouble
                self._said.add(values["say"])
                self._say(values["say"])
            return
        worker.told = values.get("tally", worker.told)
        if "reason" in values:
            worker.end = values
        self._add_up()

    def _ended(self, worker: _Worker) -> None:
        worker.process.wait()
        end = worker.end or {}
        if end.get("error"):
            if self._error is None:
                self._error = WorkersFailed(end["error"])
            self._stop()
        elif end.get("reason") != "finished" and not self._signals and self._error is None:
            if worker.starts <= RESTARTS:
                self._say(f"worker {worker.task.number + 1} died ({worker.process.returncode}) and is started again")
                self._earlier.append(worker.told)
                worker.told, worker.end = {}, None
                worker.starts += 1
                worker.process = _process(worker.task)
                Thread(target=self._listen, args=(worker, worker.process), daemon=True).start()
                return
            self._say(f"worker {worker.task.number + 1} died again; the others take over its share")
        worker.end = end

    def _stop(self) -> None:
        for worker in self._workers:
            assert worker.process.stdin is not None
            try:
                worker.process.stdin.write("stop\n")
                worker.process.stdin.flush()
            except (OSError, ValueError):
                continue  # it has ended

    # -- what the user sees -------------------------------------------------------------------------

    def _add_up(self, *, last: bool = False) -> None:
        sums = Counter[str]()
        problems = Counter[str]()
        for told in [*self._earlier, *(worker.told for worker in self._workers)]:
            sums.update({name: told.get(name, 0) for name in ("asked", "done", "pages", "links", "rendered")})
            problems.update(told.get("problems", {}))
        tally = self._tally
        tally.asked, tally.done = self._asked + sums["asked"], self._done + sums["done"]
        tally.pages, tally.links, tally.problems = sums["pages"], sums["links"], problems
        tally.rendered = sums["rendered"]
        if self._tell is not None:
            self._tell(tally, last)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """The first signal ends the workers after the pages in flight, the second at once."""

        def heard(number: int, _: object) -> None:
            self._signals += 1
            if self._signals == 1:
                self._stop()
            else:
                for worker in self._workers:
                    worker.process.kill()

        if current_thread() is not main_thread():
            yield
            return
        before: Mapping[int, Any] = {one: signal.signal(one, heard) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _process(task: Task) -> subprocess.Popen[str]:
    """A worker that hears no Ctrl-C of its own: a terminal sends it to all processes at once."""
    process = subprocess.Popen(
        command("crawler.worker"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment(),
    )
    assert process.stdin is not None
    process.stdin.write(task.to_json() + "\n")
    process.stdin.flush()
    return process
