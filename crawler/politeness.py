"""One request at a time and a delay for each operator, whatever host, redirect or robots.txt it is for.

An operator is a registrable domain without the suffix list's private section: ten thousand blogs on one
platform are one. All use of Scrapy's download slots is in this module.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from scrapy import Request, signals

from crawler.limits import TIME_LEFT
from crawler.outcomes import ASK, Ask
from crawler.plan import LONGEST_CRAWL_DELAY, LONGEST_RETRY_AFTER

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.session import Session

SLOWEST_DELAY = 30.0
"""Most seconds between two requests to an operator that is slow but asks for nothing."""
SCRIPT_DELAY = 0.1
"""Least seconds between two scripts that rendered pages ask of one operator; its Crawl-delay, if it asks for one."""
_SCRIPTS = " (scripts)"
_REMEMBERED_SLOTS = 10_000
_KEPT = ("robots_exempt", "max_bytes", "download_timeout", TIME_LEFT, "dont_retry", "subresource")


def ask_request(ask: Ask, *, slot: str, like: Request, priority: int = 0) -> Request:
    """The request for ``ask.current``, with the headers and callbacks of another, in an operator's slot.

    Built anew, so that nothing a layer noted about the other request (proxy, tries, times) goes with it.
    """
    meta: dict[str, Any] = {key: like.meta[key] for key in _KEPT if key in like.meta}
    return page_request(ask, slot=slot, like=like, priority=priority, meta=meta)


def page_request(
    ask: Ask,
    *,
    slot: str,
    like: Request | None = None,
    priority: int = 0,
    meta: dict[str, Any] | None = None,
    **more: Any,
) -> Request:
    """A request in an operator's slot; the URL goes out as it is, in canonical form already."""
    if like is not None:
        more = {"callback": like.callback, "errback": like.errback, "headers": like.headers}
    meta = (meta or {}) | {ASK: ask, "download_slot": slot, "verbatim_url": True}
    request = Request(ask.current.url, meta=meta, priority=priority, dont_filter=True, **more)
    _set_conditions(request, ask)
    return request


_IF_NONE_MATCH, _IF_MODIFIED_SINCE = b"If-None-Match", b"If-Modified-Since"
_FIELD = re.compile(r"[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?")
"""What a header's value may be; https://www.rfc-editor.org/rfc/rfc9110#section-5.5."""


def _set_conditions(request: Request, ask: Ask) -> None:
    """Send the validators of the page that is asked, as they were received, and none of the page that led here."""
    request.headers.pop(_IF_NONE_MATCH, None)
    request.headers.pop(_IF_MODIFIED_SINCE, None)
    kept = ask.conditional
    if kept is None:
        return
    for name, value in ((_IF_NONE_MATCH, kept.etag), (_IF_MODIFIED_SINCE, kept.last_modified)):
        if value is not None and _FIELD.fullmatch(value):
            request.headers[name] = value.encode("latin-1")


def asks_for_changes(request: Request) -> bool:
    """Whether a request carries validators, so that 304 is an answer to it."""
    return _IF_NONE_MATCH in request.headers or _IF_MODIFIED_SINCE in request.headers


class Politeness:
    """Raises the delay of operators that are slow, say ``Retry-After`` or ask for a ``Crawl-delay``."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.least = crawler.settings.getfloat("DOWNLOAD_DELAY")
        crawler.signals.connect(self.answered, signal=signals.response_downloaded)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Politeness:
        return cls(crawler)

    def answered(self, response: Response, request: Request) -> None:
        """Adapt the operator's delay to how long it took to answer, and leave it alone as long as it asks."""
        operator = request.meta.get("download_slot", "")
        downloader = self.crawler.engine.downloader
        slot = downloader.slots.get(operator)
        if slot is None:
            return
        latency = request.meta.get("download_latency")
        if self.least > 0 and latency is not None:
            # As Scrapy's AutoThrottle does, which would also lower the delay below a Crawl-delay.
            floor = downloader.per_slot_settings.get(operator, {}).get("delay", self.least)
            wanted = max(latency, (slot.delay + latency) / 2)
            wanted = max(floor, min(wanted, SLOWEST_DELAY))
            if response.status == 200 or wanted > slot.delay:  # error pages are quick and prove nothing
                slot.delay = wanted
        if response.status in (429, 503):
            seconds = retry_after(response.headers.get(b"Retry-After"))
            if seconds > 0:
                until = monotonic() + min(seconds, LONGEST_RETRY_AFTER)
                pages = operator.removesuffix(_SCRIPTS)
                for one in (downloader.slots.get(pages), downloader.slots.get(pages + _SCRIPTS)):
                    if one is not None:  # a slot sends its next request at lastseen + delay
                        one.lastseen = max(one.lastseen, until - one.delay)


def honour_crawl_delay(crawler: Crawler, operator: str, seconds: float | None) -> None:
    """Use a longer delay for one operator because its robots.txt asks for it, half a minute at most."""
    if seconds is None or seconds <= crawler.settings.getfloat("DOWNLOAD_DELAY"):
        return
    operator = operator.removesuffix(_SCRIPTS)
    for slot in (operator, operator + _SCRIPTS):
        # Of the scripts only where some are asked: their slot is made with the delay of the operator's.
        if slot == operator or slot in crawler.engine.downloader.per_slot_settings:
            _slow_down(crawler, slot, seconds)


def _slow_down(crawler: Crawler, operator: str, seconds: float) -> None:
    downloader = crawler.engine.downloader
    # Slots idle for a minute are dropped; these settings are what a new one is made from.
    kept = downloader.per_slot_settings
    delay = max(min(seconds, LONGEST_CRAWL_DELAY), kept.get(operator, {}).get("delay", 0.0))
    if operator not in kept and len(kept) >= _REMEMBERED_SLOTS:
        kept.pop(next(iter(kept)))
    kept[operator] = {"concurrency": 1, "delay": delay}
    if operator in downloader.slots:
        downloader.slots[operator].delay = max(downloader.slots[operator].delay, delay)


def script_slot(crawler: Crawler, operator: str) -> str:
    """The slot for what scripts of rendered pages ask of an operator: one at a time, without the delay of pages."""
    downloader = crawler.engine.downloader
    kept, slot = downloader.per_slot_settings, operator + _SCRIPTS
    if slot not in kept:
        if len(kept) >= _REMEMBERED_SLOTS:
            kept.pop(next(iter(kept)))
        least = min(SCRIPT_DELAY, crawler.settings.getfloat("DOWNLOAD_DELAY"))
        kept[slot] = {"concurrency": 1, "delay": kept.get(operator, {}).get("delay", least)}
    return slot


async def keep_pace(crawler: Crawler, request: Request) -> None:
    """With another crawl of the ledger at work, wait for this request's turn at its operator; alone, at once.

    Turns are taken in the ledger (`storage.pace`). The delay between two of them is that of the operator's slot, a
    Crawl-delay included.

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


_NUMBER = re.compile(r"\d+(?:\.\d*)?", re.ASCII)


def retry_after(value: bytes | None) -> float:
    """Seconds asked for by a Retry-After header, a number or a date; 0 where there is none to read.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    text = (value or b"").decode("latin-1").strip()
    if not text:
        return 0.0
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):  # the second from numbers no clock has
        return 0.0
