"""docs/site-owners.md: its figures are those of the program, and its robots.txt does what it says."""

from __future__ import annotations

import re
from pathlib import Path

from crawler.plan import (
    DEFAULT_DELAY,
    DEFAULT_MAX_BYTES,
    DEFAULT_MAX_PAGES_PER_HOST,
    FAST_DELAY,
    LONGEST_CRAWL_DELAY,
    LONGEST_RETRY_AFTER,
    PRODUCT,
    CrawlPlan,
)
from crawler.politeness import SCRIPT_DELAY
from crawler.robots_rules import read_robots
from crawler.subresources import MOST_REQUESTS

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "site-owners.md").read_text("utf-8")
WORDS = " ".join(TEXT.split())


def test_its_figures_are_those_of_the_program() -> None:
    assert (DEFAULT_DELAY, FAST_DELAY, LONGEST_RETRY_AFTER, CrawlPlan(seeds=("x",)).retries) == (1, 0.5, 120, 2)
    assert f"waits N seconds between requests, to {LONGEST_CRAWL_DELAY:g} at most" in WORDS
    assert f"{DEFAULT_MAX_PAGES_PER_HOST:,} pages of a host at most" in WORDS
    assert f"{DEFAULT_MAX_BYTES // 2**20} MiB at most" in WORDS
    assert (SCRIPT_DELAY, f"{MOST_REQUESTS} requests a page at most" in WORDS) == (0.1, True)
    assert f"product token `{PRODUCT}`" in WORDS


def test_the_user_agents_it_shows_are_those_that_are_sent() -> None:
    shown = re.findall(r"^linkledger/.* \(\+(.*)\)$", TEXT, re.MULTILINE)
    assert len(shown) == 2
    for contact in shown:
        plan = CrawlPlan(seeds=("x",), contact=contact)
        assert re.sub(r"/[\d.]+ ", "/0.1.0 ", plan.agent_header) in TEXT
        assert plan.agent_token == PRODUCT


def test_its_robots_txt_does_what_it_says() -> None:
    (block,) = re.findall(r"^```text\n(# nothing at all.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    nothing, part = block.split("# or ")
    closed = read_robots(nothing.encode(), PRODUCT)
    assert [closed.judge(path).allowed for path in ("/", "/any?thing")] == [False, False]
    rest = read_robots(part.encode(), PRODUCT)
    assert [rest.judge(path).allowed for path in ("/", "/search?q=1", "/calendar/2026")] == [True, False, False]
    assert rest.crawl_delay == 10
