"""Hands every `Reading` to the crawl's session, which stores them in batches off the event loop's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawler.session import Session
    from storage.leases import HandOn
    from storage.records import Reading


class LedgerPipeline:
    """Adds what the spider yields to the batch being gathered, and waits for the last one at the end."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> LedgerPipeline:
        return cls(crawler)

    @property
    def _session(self) -> Session:
        session: Session = self.crawler.spider.session  # type: ignore[union-attr]
        return session

    def process_item(self, item: Reading | HandOn) -> Reading | HandOn:
        """Take a reading, or a URL that is another worker's."""
        self._session.add(item)
        return item

    async def close_spider(self) -> None:
        """Store what is left."""
        await self._session.flush()
