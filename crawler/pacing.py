"""Crawls of one ledger that run at the same time ask an operator in turns; see `storage.pace`."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.session import Session


async def keep_pace(crawler: Crawler, request: Request) -> None:
    """With another crawl at work, wait for this request's turn at its operator; alone, at once.

    The delay that lies between two turns is that of the operator's slot, a Crawl-delay included.

    Raises:
        storage.errors.LedgerError: the ledger refuses.
    """
    session: Session | None = getattr(crawler.spider, "session", None)  # a spider of somebody else's has none
    if session is None or not session.together:
        return
    assert crawler.engine is not None
    downloader = crawler.engine.downloader
    operator = request.meta["download_slot"]
    slot = downloader.slots.get(operator)
    delay = downloader.per_slot_settings.get(operator, {}).get("delay", session.plan.delay)
    ready = 0.0
    if slot is not None:
        delay = max(delay, slot.delay)
        ready = max(0.0, slot.lastseen + slot.delay - monotonic())
    await session.take_turn(operator, delay, ready)
