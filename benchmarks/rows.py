"""What one benchmark says: a ratio within one run, and what it has to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table `python -m benchmarks` prints.

    A benchmark module has ``def run(quick: bool) -> list[Row]``; ``quick`` asks for a short run
    (seconds, not minutes) whose figures only show that the benchmark works.
    """

    what: str
    """What was measured, such as ``write links, SQLite``."""
    baseline: str
    """What it is compared with, measured in the same run."""
    reached: float | str
    """The ratio or figure reached; a text where there is no figure (``not run: no corpus``)."""
    needed: str
    """What has to be reached, such as ``>= 0.10`` or ``< 200 ms``; empty when there is no bound."""
    ok: bool | None = None
    """Whether it was reached; None when it was not measured or has no bound."""
    aim: str = ""
    """What would be better still, such as ``7``."""
    detail: str = ""
    """The figures behind the ratio: seconds of CPU, pages, links."""
