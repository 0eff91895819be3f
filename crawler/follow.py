"""Which links of a page a deep crawl goes on to: decided from values alone, before any request is made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from crawler.plan import LONGEST_URL
from crawler.traps import trap, without_query, without_session
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


class Followed(NamedTuple):
    """What one page leads to."""

    wanted: tuple[Discovered, ...]
    """The URLs to fetch next, each once, in document order."""
    kept_out: tuple[tuple[str, int], ...]
    """URLs that would be wanted but for a rule: its name, how many; in the order of the names."""


class Follower:
    """The follow rules of one plan.

    Links that ask robots not to follow them (rel=nofollow, or the page's robots directives) are not
    followed: calendars and filters, the traps of a crawl, are marked so. Those that are not are known by
    `crawler.traps`. Whether a URL is wanted depends on the page, the link and the plan, never on what came before.
    """

    def __init__(self, plan: CrawlPlan) -> None:
        self._near = _NEAR[plan.follow]
        self._own_only = plan.follow == "list"
        """Whether another domain than the page's own is wanted is not known here."""
        self._depth = plan.depth
        self._include = [re.compile(pattern) for pattern in plan.include]
        self._exclude = [re.compile(pattern) for pattern in plan.exclude]

    def followed(self, reading: Reading, depth: int) -> Reading:
        """The reading of a page at this depth, with the URLs to fetch next."""
        if reading.page is None or reading.outcome == "suspect" or depth >= self._depth:
            return reading
        found = self.led_to(reading.page)
        return replace(reading, discovered=found.wanted, not_followed=found.kept_out)

    def led_to(self, page: PageRecord) -> Followed:
        """The URLs to fetch next, and what the rules against traps keep out of them."""
        if page.nofollow:
            return Followed((), ())
        found: dict[str, Discovered | None] = {}
        kept_out: Counter[str] = Counter()
        for link in page.links:
            target = link.target
            if target.url in found or target.url == page.url.url or "nofollow" in link.rel:
                continue
            if not self._near(page.url, target) or not self._matches(target.url):
                continue
            rule = "url_too_long" if len(target.url) > LONGEST_URL else trap(target.url)
            if rule is None:
                found[target.url] = _discovered(target)
            else:
                found[target.url] = None
                if not self._own_only or target.domain == page.url.domain:
                    kept_out[rule] += 1
        return Followed(tuple(one for one in found.values() if one is not None), tuple(sorted(kept_out.items())))

    def _matches(self, url: str) -> bool:
        if any(pattern.search(url) for pattern in self._exclude):
            return False
        return not self._include or any(pattern.search(url) for pattern in self._include)


def _discovered(target: CanonicalUrl) -> Discovered:
    bare = without_session(target.url)
    return Discovered(target, operator_domain(target.host), bare, without_query(bare or target.url))
