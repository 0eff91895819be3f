"""How a running crawl shows itself on standard error: one live line on a terminal, else a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.cells import visible

if TYPE_CHECKING:
    from crawler.progress import Progress

PLAIN_EVERY = 10.0
"""Seconds between two plain lines."""


def progress_line(report: Progress) -> str:
    """One report in words: ``412 of 1,000 URLs, 398 pages, 20,412 links, 14 failed http:404, 9.8/s, 1 min left``."""
    parts = [f"{report.done:,} of {report.asked:,} URLs", f"{report.pages:,} pages", f"{report.links:,} links"]
    parts += [f"{number:,} {name}" for name, number in report.problems[:3]]
    if report.rate > 0:
        parts.append(f"{report.rate:.1f}/s")
    if report.left is not None and report.left > 0 and not report.last:
        parts.append(f"{span(report.left)} left")
    return visible(", ".join(parts))


def span(seconds: float) -> str:
    """A rough time: ``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def display() -> Iterator[Callable[[Progress], None]]:
    """What to hand to `run_crawl` as ``progress``."""
    if not sys.stderr.isatty():
        yield plain()
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False, redirect_stdout=False) as live:
        yield lambda report: live.update(Text(progress_line(report), no_wrap=True, overflow="ellipsis"), refresh=True)


def plain() -> Callable[[Progress], None]:
    """A line at the start of the wait, every ten seconds, and at the end."""
    shown = 0.0

    def show(report: Progress) -> None:
        nonlocal shown
        if report.last or report.elapsed - shown >= PLAIN_EVERY:
            shown = report.elapsed
            print(progress_line(report), file=sys.stderr, flush=True)

    return show
