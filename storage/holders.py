"""Names of processes that hold a share of a crawl, and whether such a process is gone for sure."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """The name of this process: machine, process number, and when it started, so that a number used again differs."""
    pid = os.getpid()
    return f"{_machine()} {pid} {_started(pid)}"


def is_gone(holder: str) -> bool:
    """Whether the process of this name has ended; False where that cannot be known, on another machine."""
    machine, _, rest = holder.partition(" ")
    pid, _, started = rest.partition(" ")
    if machine != _machine() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return started != _started(os.getpid())
    return not _runs(int(pid)) or _started(int(pid)) != started


def shown(holder: str) -> str:
    """A holder in words: ``process 4711 on shire``."""
    machine, _, rest = holder.partition(" ")
    return f"process {rest.partition(' ')[0]} on {machine.partition('/')[0]}"


@cache
def _machine() -> str:
    """The host's name; with the run it is in, as numbers of processes begin anew after a restart.

    And in a container: two of one host's name may not see each other's processes.
    """
    name = socket.gethostname().replace(" ", "-") or "localhost"
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
        numbers = "".join(filter(str.isdigit, str((_PROC / "self/ns/pid").readlink())))
    except OSError:
        return f"{name}/"
    return f"{name}/{boot}-{numbers}"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty where that cannot be read, ``ended`` for a dead child."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    # The second field is the program's name in brackets, which may hold anything.
    values = stat.rpartition(")")[2].split()
    return "ended" if values[0] in "ZX" else values[19]
