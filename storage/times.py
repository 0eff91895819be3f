"""Times: stored as whole milliseconds since 1970 in UTC, shown in ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime; naive ones are refused."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment!r}")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def to_iso(ms: int | None) -> str | None:
    """``2026-11-22T14:40:03.120Z``; None stays None."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"
