"""Which links of a page a deep crawl goes on to: decided from values alone, before any request is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from crawler.plan import LONGEST_URL
from crawler.urls import operator_domain
from storage.records import Discovered

if TYPE_CHECKING:
    from crawler.plan import CrawlPlan, Follow
    from storage.records import CanonicalUrl, PageRecord, Reading

_NEAR: dict[Follow, Callable[[CanonicalUrl, CanonicalUrl], bool]] = {
    "none": lambda page, target: False,
    "host": lambda page, target: page.host == target.host,
    "domain": lambda page, target: page.domain == target.domain,
    "list": lambda page, target: True,  # the frontier knows the list and drops the rest
    "any": lambda page, target: True,
}


class Follower:
    """The follow rules of one plan.

    Links that ask robots not to follow them (rel=nofollow, or the page's robots directives) are not
    followed: calendars and filters, the traps of a crawl, are marked so.
    """

    def __init__(self, plan: CrawlPlan) -> None:
        self._near = _NEAR[plan.follow]
        self._depth = plan.depth
        self._include = [re.compile(pattern) for pattern in plan.include]
        self._exclude = [re.compile(pattern) for pattern in plan.exclude]

    def followed(self, reading: Reading, depth: int) -> Reading:
        """The reading of a page at this depth, with the URLs to fetch next."""
        if reading.page is None or reading.outcome == "suspect" or depth >= self._depth:
            return reading
        return replace(reading, discovered=self.wanted(reading.page))

    def wanted(self, page: PageRecord) -> tuple[Discovered, ...]:
        """The URLs to fetch next, each once, in document order."""
        if page.nofollow:
            return ()
        found: dict[str, Discovered] = {}
        for link in page.links:
            target = link.target
            if target.url in found or target.url == page.url.url or "nofollow" in link.rel:
                continue
            if self._near(page.url, target) and len(target.url) <= LONGEST_URL and self._matches(target.url):
                found[target.url] = Discovered(target, operator_domain(target.host))
        return tuple(found.values())

    def _matches(self, url: str) -> bool:
        if any(pattern.search(url) for pattern in self._exclude):
            return False
        return not self._include or any(pattern.search(url) for pattern in self._include)
