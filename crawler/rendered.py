"""From two readings of a page, as it was sent and as scripts left it, to the one that the store gets.   (pure)"""

from __future__ import annotations

from dataclasses import replace

from crawler.union import union
from storage.records import Reading


def worth_rendering(reading: Reading) -> bool:
    """Whether scripts may add to a page: one that was read whole, and is no challenge, wall or parked domain."""
    return reading.page is not None and (
        reading.outcome == "fetched"
        or (reading.outcome == "suspect" and (reading.reason or "").startswith("empty_shell"))
    )


def rendered_reading(raw: Reading, rendered: Reading, *, max_links: int) -> Reading | str:
    """One reading of both documents of a page, or why there is none: the document as it was sent stands alone then.

    A partial reading of both would open no links, not even those that were sent.

    Args:
        raw: of the document as it was sent; its response facts stay.
        rendered: of the document as scripts left it.
    """
    if raw.page is None or rendered.page is None or rendered.outcome not in ("fetched", "suspect"):
        return rendered.reason or rendered.outcome
    page = union(raw.page, rendered.page)
    if len(page.links) > max_links:
        return "links"
    # A shell is judged anew; any other page was judged as it was sent.
    judged = rendered if raw.outcome == "suspect" else raw
    return replace(raw, outcome=judged.outcome, reason=judged.reason, page=page, method="rendered")
