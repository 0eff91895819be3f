"""Times as users write them: dates, times and spans before now -> milliseconds since 1970, UTC (pure)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import typer

from storage.times import to_ms

_SPAN = re.compile(r"([0-9]{1,6})\s*(h|d|w|m|y)", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}
_HOUR_MS = 3_600_000


def parse_span(text: str) -> int:
    """``30d`` -> milliseconds; h, d, w, m (30 days) and y (365 days).

    Raises:
        typer.BadParameter: anything else.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no span of time such as 30d, 12h or 4w")
    return int(match[1]) * _HOURS[match[2]] * _HOUR_MS


def parse_moment(text: str, now: int) -> int:
    """A date (its first instant), a time, or a span before ``now``; without a zone UTC.

    Raises:
        typer.BadParameter: none of them.
    """
    given = text.strip()
    if _SPAN.fullmatch(given):
        return now - parse_span(given)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a date (2026-11-22), a time (2026-11-22T14:00) nor a span before now (30d)"
        ) from None
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def parse_range(text: str, now: int) -> tuple[int | None, int | None]:
    """``A..B``: from A, up to and without B; either may be left out. A date alone is that day.

    Raises:
        typer.BadParameter: no moments, none at all, or an end before the beginning.
    """
    first, dots, last = text.partition("..")
    if not dots:
        begin = parse_moment(first, now)
        if _SPAN.fullmatch(first.strip()) or "T" in first.strip() or " " in first.strip():
            raise typer.BadParameter(f"{text!r} has one end; write {text}.. for everything since, or A..B")
        return begin, begin + 24 * _HOUR_MS
    if not first.strip() and not last.strip():
        raise typer.BadParameter(f"{text!r} names no time; write A..B, A.. or ..B")
    begin_at = parse_moment(first, now) if first.strip() else None
    end_at = parse_moment(last, now) if last.strip() else None
    if begin_at is not None and end_at is not None and end_at <= begin_at:
        raise typer.BadParameter(f"{text!r} ends before it begins")
    return begin_at, end_at
