"""Stops a download at its byte limit and keeps what came: the page is read up to there and marked partial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.exceptions import StopDownload

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

_RECEIVED = "bytes_received"


class BodyLimit:
    """Counts the bytes of each body as they come, still packed; ``Request.meta["max_bytes"]`` beats the setting."""

    def __init__(self, crawler: Crawler) -> None:
        self.most = crawler.settings.getint("LINKLEDGER_MAX_BYTES", 10 * 1024 * 1024)
        crawler.signals.connect(self.received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BodyLimit:
        return cls(crawler)

    def received(self, data: bytes, request: Request) -> None:
        """Stop when the limit is passed.

        Raises:
            StopDownload: the response goes on as it is, flagged ``download_stopped``.
        """
        meta = request.meta
        attempt = meta.get("retry_times", 0)
        counted, so_far = meta.get(_RECEIVED, (attempt, 0))
        so_far = len(data) + (so_far if counted == attempt else 0)
        meta[_RECEIVED] = (attempt, so_far)
        if so_far > meta.get("max_bytes", self.most):
            raise StopDownload(fail=False)
