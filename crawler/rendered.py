"""From two readings of a page, as it was sent and as scripts left it, to the one that the store gets.   (pure)"""

from __future__ import annotations

from dataclasses import replace

from crawler.union import union
from storage.records import OutcomeState, Reading


def worth_rendering(reading: Reading) -> bool:
    """Whether scripts may add to a page: one that was read whole, and is no challenge, wall or parked domain."""
    return reading.page is not None and (
        reading.outcome == "fetched"
        or (reading.outcome == "suspect" and (reading.reason or "").startswith("empty_shell"))
    )


def rendered_reading(raw: Reading, rendered: Reading, *, cut: bool, lacking: bool, max_links: int) -> Reading:
    """One reading of both documents of a page.

    Args:
        raw: of the document as it was sent; its response facts stay.
        rendered: of the document as scripts left it; one without a page changes nothing.
        cut: it was longer than a page may be.
        lacking: scripts went without something that they might get next time.
    """
    if raw.page is None or rendered.page is None:
        return raw
    page = union(raw.page, rendered.page)
    reason: str | None = "size" if cut else rendered.reason if rendered.outcome == "partial" else None
    if len(page.links) > max_links:
        page = page._replace(links=page.links[:max_links])
        reason = reason or "links"
    reason = reason or ("scripts" if lacking else None)
    outcome: OutcomeState = "partial" if reason else "fetched"
    if reason is None and raw.outcome == "suspect" and rendered.outcome == "suspect":
        outcome, reason = rendered.outcome, rendered.reason
    return replace(raw, outcome=outcome, reason=reason, page=page, method="rendered")
