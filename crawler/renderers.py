"""Ends the processes of pages that take too much memory. On Linux, where a process's own can be looked up."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 1024 * 1024 * 1024
"""Memory of one page's process, what it shares with others included (some 150 MB)."""
_PROC = Path("/proc")


def end_large_ones() -> None:
    """End every page below this process whose memory is over `MOST_BYTES`; the browser goes on without it."""
    for pid in _below(os.getpid()):
        with suppress(OSError, ValueError, IndexError):  # it may be gone by now
            pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
            if pages * os.sysconf("SC_PAGE_SIZE") > MOST_BYTES and _is_page(pid):
                os.kill(pid, signal.SIGKILL)


def _is_page(pid: int) -> bool:
    return b"--type=renderer" in (_PROC / str(pid) / "cmdline").read_bytes()


def _below(pid: int) -> Iterator[int]:
    """A process's children, theirs, and so on."""
    for listing in (_PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            for child in listing.read_text().split():
                yield int(child)
                yield from _below(int(child))
