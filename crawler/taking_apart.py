"""Documents are taken apart here if that surely costs little, and else in a child process that can be stopped.

The parser cannot be interrupted, and its memory is that of its process. So what `crawler.hazards` does not vouch for
goes to ``python -m crawler.taking_apart``: one child for each process that crawls, started when it is first needed,
kept, limited in memory and in CPU time by the system. It reads documents on its standard input and answers
with the record as the ledger keeps it (`storage.evidence`), and ends with its input.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from selectolax.lexbor import SelectolaxError

from crawler.children import command, environment
from crawler.first_part import LEAST, beginning, first_links, without_late_links
from crawler.hazards import is_safe
from crawler.page import parse_page
from storage.evidence import Packer, decode, encode
from storage.records import CanonicalUrl

if TYPE_CHECKING:
    from storage.records import PageRecord

SECONDS = 5.0
"""CPU time the child may take for one document; a page of 300,000 elements takes one or two."""
_STARVED = 6
"""Times as much on the clock: then it is given up too, for want of a processor."""
MEMORY = 192 * 1024 * 1024
"""Bytes of data the child may hold, its own 40 MB included."""
_START_SECONDS = 60.0
_KEEP = 96 * 1024 * 1024
"""A child that has grown larger is not kept."""
_SIZE = struct.Struct(">I")

Flaw = Literal["links", "parse_time", "parse_memory"]


class Document(NamedTuple):
    """What `parse_page` is given, and how many links of it are kept."""

    body: bytes
    url: CanonicalUrl
    charset: str | None
    headers: tuple[tuple[str, str], ...]
    judge_as: str
    max_links: int


class Apart(NamedTuple):
    """A document taken apart, and why only its first part was, or None."""

    page: PageRecord
    flaw: Flaw | None


class CannotParse(Exception):
    """Not even the first part of a document could be taken apart.

    ``cause`` is ``time``, ``memory`` or the name of the exception that came of it, which is a fault of linkledger.
    """

    def __init__(self, cause: str, trace: str = "") -> None:
        self.cause, self.trace = cause, trace
        super().__init__(cause)


def take_apart_here(document: Document) -> Apart:
    """Take a document apart in this process, whatever it costs."""
    body, url, charset, headers, judge_as, most = document
    page = parse_page(body, url=url, charset=charset, headers=headers, judge_as=judge_as)
    kept = first_links(page, most)
    return Apart(kept, None if kept is page else "links")


class Lane:
    """Takes documents apart within bounds; for one thread at a time.

    Args:
        seconds, memory: the bounds of the child.
    """

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds, self._memory = seconds, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def take_apart(self, document: Document) -> Apart:
        """Take a document apart, here or in the child; of one that is too much, the first part.

        Raises:
            CannotParse: not even that.
        """
        if is_safe(document.body):
            return take_apart_here(document)
        body = without_late_links(document.body, document.max_links)
        flaw: Flaw | None = "links" if len(body) < len(document.body) else None
        try:
            apart = self._ask(document._replace(body=body))
        except CannotParse as error:
            if error.cause not in ("time", "memory") or len(body) <= LEAST:
                raise
            flaw = "parse_time" if error.cause == "time" else "parse_memory"
            apart = self._ask(document._replace(body=beginning(body)))
        return Apart(apart.page, flaw or apart.flaw)

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child; whoever waits for it gets `CannotParse`."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what was left to write
                    pipe.close()  # type: ignore[union-attr]

    def _ask(self, document: Document) -> Apart:
        """One document to the child, and its answer."""
        if self._closed:
            raise CannotParse("stopped")
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        head = json.dumps([len(document.body), self._seconds, *document[1:]]).encode()
        pipe = process.stdout.fileno()
        try:
            process.stdin.write(_SIZE.pack(len(head)) + head)
            process.stdin.write(document.body)
            process.stdin.flush()
            deadline = monotonic() + self._seconds * _STARVED
            size = _SIZE.unpack(_receive(pipe, _SIZE.size, deadline))[0]
            answer = json.loads(_receive(pipe, size, deadline))
            if "error" in answer:
                self._keep_or_end(answer)
                raise CannotParse(answer["error"], answer.get("trace", ""))
            record, text = (_receive(pipe, answer[part], deadline) for part in ("record", "text"))
        except TimeoutError:
            self._end()
            raise CannotParse("time") from None
        except (OSError, EOFError, ValueError):
            process.kill()
            stopped = process.wait() == -signal.SIGPROF
            self._end()
            # What else it dies of is the parser, which may not survive getting no more memory.
            raise CannotParse("time" if stopped else "memory") from None
        self._keep_or_end(answer)
        return Apart(decode(record, text), answer["flaw"])

    def _keep_or_end(self, answer: dict[str, Any]) -> None:
        if answer["held"] > _KEEP:
            self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        """A child that hears no Ctrl-C of its own; waits until it has loaded what it needs."""
        process = subprocess.Popen(
            command("crawler.taking_apart", str(self._memory)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment(),
        )
        self._process = process
        assert process.stdout is not None
        try:
            _receive(process.stdout.fileno(), 1, monotonic() + _START_SECONDS)
        except (OSError, EOFError) as error:
            self._end()
            raise CannotParse(f"child {type(error).__name__}", "the child did not start") from None
        return process


def _receive(pipe: int, size: int, deadline: float) -> bytes:
    """So many bytes of a pipe.

    Raises:
        TimeoutError: they are not there at the deadline.
        EOFError: they never will be.
    """
    found = bytearray()
    while len(found) < size:
        left = deadline - monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(pipe, min(size - len(found), 1 << 20))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)


# -- the child ------------------------------------------------------------------------------------


def main() -> None:
    """Answer documents until there are no more."""
    _limit(int(sys.argv[1]))
    given, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may get between the answers
    packer = Packer()
    answers.write(b"!")
    answers.flush()
    while head := given.read(_SIZE.size):
        length, seconds, url, charset, headers, judge_as, max_links = json.loads(given.read(_SIZE.unpack(head)[0]))
        body = given.read(length)
        # The system ends the process when its CPU time is over, whatever it is doing and whether its parent lives.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        pairs = tuple((name, value) for name, value in headers)
        _answer(answers, packer, Document(body, CanonicalUrl(*url), charset, pairs, judge_as, max_links))
        signal.setitimer(signal.ITIMER_PROF, 0)
        del body


def _answer(answers: BinaryIO, packer: Packer, document: Document) -> None:
    parts: tuple[bytes, ...] = ()
    try:
        apart = take_apart_here(document)
        parts = packer.pack(encode(apart.page)), packer.pack(apart.page.text.encode("utf-8", "surrogatepass"))
        head: dict[str, Any] = {"flaw": apart.flaw, "record": len(parts[0]), "text": len(parts[1])}
    except (MemoryError, SelectolaxError):  # the parser refuses no document; it fails when it gets no memory
        head = {"error": "memory"}
    except Exception as error:  # noqa: BLE001 - its parent names it
        head = {"error": type(error).__name__, "trace": traceback.format_exc()}
    encoded = json.dumps(head | {"held": _held()}).encode()
    answers.write(_SIZE.pack(len(encoded)) + encoded)
    for part in parts:
        answers.write(part)
    answers.flush()


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for kind, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # a lower limit is in force
            resource.setrlimit(kind, (most, most))


def _held() -> int:
    """Bytes in memory now, as far as the system tells."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    main()
