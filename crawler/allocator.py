"""What a process that crawls asks of the C library's memory allocator."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_ARENAS, _MMAP_THRESHOLD = -8, -3
"""Of ``mallopt``; https://sourceware.org/glibc/manual/latest/html_node/Malloc-Tunable-Parameters.html"""
_LARGE = 64 * 1024


def give_back_large_blocks() -> None:
    """Let bodies and parse trees go back to the system when they are freed; without effect where there is no glibc.

    By default glibc takes every large block that was freed for a reason to keep larger ones next time (up to 32 MiB),
    and gives each thread an arena of its own: a crawl over bombs then held 100 MB that nobody used.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_ARENAS, 1)
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
