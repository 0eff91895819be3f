"""Taking a page apart: the CPU time of `parse_page`, against a bare parse and Scrapy's LinkExtractor in the same run.

The pages are those of the corpus folder (see benchmarks/corpus.py); without one, a page made here is used, which says
less. Every round runs the three on every page one after the other, so that a busy machine slows all three alike.

    python -m benchmarks take_apart
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from scrapy.http import HtmlResponse
from scrapy.linkextractors import LinkExtractor
from selectolax.lexbor import LexborHTMLParser

from benchmarks.corpus import corpus_folder, corpus_pages
from benchmarks.rows import Row
from crawler.page import parse_page
from crawler.urls import canonical_url
from storage.records import CanonicalUrl

Page = tuple[bytes, CanonicalUrl, str | None]


def _made_pages() -> list[Page]:
    """A stand-in for the corpus: navigation, articles and a footer, 300 links."""
    entry = (
        '<li class="entry"><h3><a href="/a/{0}?page={0}" title="Read {0}">Title of entry {0}</a></h3><p>Some words on '
        'entry {0}, <b>with</b> a <a href="https://partner{0}.example/" rel="nofollow">partner {0}</a>.</p>'
        '<a href="#top"><img src="/i/{0}.png" alt="Picture {0}"></a></li>\n'
    )
    body = "".join(entry.format(number) for number in range(100))
    html = f"<html lang=en><title>Made</title><nav><a href=/>Home</a></nav><main><ul>{body}</ul></main></html>"
    return [(html.encode(), canonical_url(f"https://site{number}.example/list"), "utf-8") for number in range(20)]


def _pages() -> tuple[list[Page], str]:
    folder = corpus_folder(None)
    if folder is None:
        return _made_pages(), "made pages, no corpus"
    found = [
        (body, canonical_url(row["url"]), row["declared_charset_header_or_null"])
        for row, body in corpus_pages(folder)
        if row.get("capture") != "transcoded"
    ]
    return found, f"{len(found)} real pages"


def _bare(page: Page) -> None:
    LexborHTMLParser(page[0])


def _ours(page: Page) -> None:
    body, url, charset = page
    parse_page(body, url=url, charset=charset)


def _link_extractor() -> Callable[[Page], None]:
    extractor = LinkExtractor(unique=False)

    def run_one(page: Page) -> None:
        body, url, charset = page
        header = f"text/html; charset={charset}" if charset else "text/html"
        extractor.extract_links(HtmlResponse(url.url, body=body, headers={"Content-Type": header}))

    return run_one


def run(quick: bool) -> list[Row]:
    pages, what = _pages()
    runners: dict[str, Callable[[Page], None]] = {"bare": _bare, "ours": _ours, "scrapy": _link_extractor()}
    if quick:
        pages = pages[:: max(1, len(pages) // 20)]
    rounds = 2 if quick else 7
    spent: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(rounds + 1):
        sums = dict.fromkeys(runners, 0.0)
        for page in pages:
            for name, runner in runners.items():
                if name == "scrapy" and number > 3:  # by far the slowest; three rounds of it are enough
                    continue
                started = time.process_time()
                runner(page)
                sums[name] += time.process_time() - started
        if number:  # the first round warms up
            for name, seconds in sums.items():
                if seconds:
                    spent[name].append(seconds)
    cost = median(ours / bare for ours, bare in zip(spent["ours"], spent["bare"], strict=True))
    gain = median(theirs / ours for theirs, ours in zip(spent["scrapy"], spent["ours"], strict=False))
    times = ", ".join(f"{name} {median(seconds):.3f} s" for name, seconds in spent.items())
    label = f"take apart, {what}: every field"
    return [
        Row(f"{label}: CPU", "bare LexborHTMLParser", round(cost, 2), "<= 5", cost <= 5, aim="4", detail=times),
        Row(f"{label}: speed", "Scrapy LinkExtractor", round(gain, 2), ">= 5", gain >= 5, aim="7", detail=times),
    ]
