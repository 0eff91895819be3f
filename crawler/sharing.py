"""Several workers, one operator: a redirect that leads to another worker's operator is handed on to that worker.

Used only where a crawl has more than one worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import IgnoreRequest

from crawler.outcomes import ASK, ask_of
from crawler.urls import operator_domain
from storage.leases import HandOn

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.session import Session


class Elsewhere(IgnoreRequest):
    """The URL to be asked now belongs to another worker."""

    def __init__(self, hand_on: HandOn) -> None:
        self.hand_on = hand_on
        super().__init__(hand_on.current.url)


class SharingMiddleware:
    """Lets pass what this worker may ask; robots.txt files are asked for pages that have passed."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> SharingMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Check whose operator it is.

        Raises:
            Elsewhere: another worker may be asking it.
        """
        if request.meta.get("robots_exempt") or request.meta.get("subresource") or ASK not in request.meta:
            return  # scripts of rendered pages come from anywhere, and each worker asks for those of its own pages
        session: Session = self.crawler.spider.session  # type: ignore[union-attr]
        ask = ask_of(request)
        operator = operator_domain(ask.current.host)
        if not session.may_ask(operator):
            raise Elsewhere(HandOn(ask.requested, ask.current, operator, ask.chain))
