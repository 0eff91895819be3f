"""The user's own Chromium: where it is, how it is started so that it connects to nothing by itself, and what ends pages
that take too much memory.

No browser is downloaded. What a page asks for is fetched by the crawler (`crawler.subresources`) and handed in;
the switches below see to it that whatever is not asked for in that way leads nowhere.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import LedgerError

if TYPE_CHECKING:
    from crawler.plan import CrawlPlan

NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)  # fmt: skip
"""What is looked for, in this order."""

SWITCHES = (
    # A proxy whose name resolves to nothing, loopback included: no connection is possible, and no name is looked up.
    "--proxy-server=http://nothing.invalid:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    # UDP passes a proxy by.
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    # The browser's own business.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    # Memory of one page's scripts, in MiB; a page that wants more is ended.
    "--js-flags=--max-old-space-size=256",
)

MOST_BYTES = 1024 * 1024 * 1024
"""Memory of one page's process, what it shares with others included (some 150 MB)."""
_PROC = Path("/proc")


class NoBrowser(LedgerError):
    """--render without what it needs."""


def find_chromium(plan: CrawlPlan) -> str:
    """The program that renders pages, before anything is fetched.

    Raises:
        NoBrowser: the extra is not installed, or there is no such program.
    """
    if find_spec("scrapy_playwright") is None:
        raise NoBrowser("--render needs more packages: pip install 'linkledger[render]'")
    if plan.chromium is not None:
        found = shutil.which(plan.chromium)
        if found is None:
            raise NoBrowser(f"--chromium {plan.chromium!r} is no program that can be run")
        return found
    found = look_for_one()
    if found is None:
        raise NoBrowser(
            "--render needs Chromium or Chrome, and none is on the PATH: install one, or name it with --chromium PATH"
        )
    return found


def look_for_one() -> str | None:
    """The first of `NAMES` that can be run."""
    return next((found for name in NAMES if (found := shutil.which(name)) is not None), None)


def launch_options(program: str) -> dict[str, Any]:
    """How Playwright is to start it. The profile is a new temporary folder each time."""
    return {
        "executable_path": program,
        "args": list(SWITCHES),
        # As root Chromium refuses to start its sandbox; anybody else has it.
        "chromium_sandbox": os.geteuid() != 0 if hasattr(os, "geteuid") else True,
        # Playwright's default lets pages open windows.
        "ignore_default_args": ["--disable-popup-blocking"],
        # Ctrl-C ends the crawl after the pages in flight, which need their browser.
        "handle_sigint": False,
        "handle_sigterm": False,
        "handle_sighup": False,
    }


def end_large_pages() -> None:
    """End every page below this process whose memory is over `MOST_BYTES`; the browser goes on without it.

    On Linux, where a process's own can be looked up.
    """
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


if __name__ == "__main__":  # exit status 1 where there is none
    raise SystemExit(look_for_one() is None)
