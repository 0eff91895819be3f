"""Pages after their scripts ran, in the user's own Chromium, which gets all it sees from the crawler.

The document is handed in as it was fetched, what its scripts ask for is fetched by `crawler.subresources`, and what
else the browser might want leads nowhere (`crawler.chromium`). scrapy-playwright starts and ends browser and pages.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.async_api import BrowserContext, Page, Route
from playwright.async_api import Error as PlaywrightError
from scrapy import Request, signals
from scrapy.http import Headers, Response
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler
from scrapy_playwright.page import PageMethod

from crawler.bodies import UnknownEncoding
from crawler.chromium import end_large_pages, find_chromium, launch_options
from crawler.outcomes import unpacked
from crawler.subresources import KINDS, Allowance, Subresources
from crawler.urls import canonical_url
from storage.errors import InvalidUrl

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Request as PlaywrightRequest
    from scrapy.crawler import Crawler

    from crawler.plan import CrawlPlan
    from storage.records import CanonicalUrl

AT_ONCE = 2
"""Pages in the browser at the same time."""
PAGE_SECONDS = 20.0
"""All that a page may take in the browser, from its beginning to its text being read."""
START_SECONDS = 60.0
"""What the browser may take to start, or to open a page: that is no fault of the page."""
SETTLE_SECONDS = 5.0
"""How long after a page was loaded its scripts may still ask for more ..."""
QUIET_SECONDS = 0.5
"""... and how long they must have asked for nothing to be taken as done."""
_LOOK_SECONDS = 0.5
"""How often the memory of pages is looked at."""
READ_SECONDS = 5.0
"""For the reading alone, of what `PAGE_SECONDS` leaves."""

_READ = """
((most) => {
  // Getters of the prototypes: names of elements of the page can stand in front of a document's own properties.
  const getter = (type, name) => {
    const get = Object.getOwnPropertyDescriptor(type.prototype, name).get;
    return (object) => get.call(object);
  };
  const value = getter(Node, 'nodeValue'), name = getter(Node, 'nodeName'), attributes = getter(Element, 'attributes');
  const root = getter(Document, 'documentElement')(document);
  if (!root) return null;
  const without = Document.prototype.querySelectorAll.call(document, 'noscript');
  for (const one of [...without]) Element.prototype.remove.call(one);
  const walk = Document.prototype.createTreeWalker.call(document, root, NodeFilter.SHOW_ALL);
  let size = 0, cut = false;
  while (walk.nextNode()) {
    const node = walk.currentNode, text = value(node);
    size += text === null ? 5 + 2 * name(node).length : text.length;
    if (node instanceof Element) for (const one of attributes(node)) size += one.name.length + one.value.length + 4;
    if (size > most) {
      cut = true;
      break;
    }
  }
  return {html: cut ? '' : getter(Element, 'outerHTML')(root), cut, url: location.href,
          quirks: getter(Document, 'compatMode')(document) !== 'CSS1Compat'};
})
"""
"""The document as text, if it is no longer than so many characters; without what is there for want of scripts."""


class Rendering(NamedTuple):
    """A page as its scripts left it."""

    response: Response
    """The answer of the server with this document in place of its own."""
    url: CanonicalUrl
    """Of the document: scripts can change all of it but the origin."""


class Browser:
    """Renders the pages of one crawl in one process.

    Made before the engine starts, which is when Playwright's own process is started; the browser is with the first
    page. Both end with this process, however it ends.

    Args:
        stopping: told True, pages that wait for their turn are let go.
    Raises:
        NoBrowser: see `find_chromium`.
    """

    def __init__(self, crawler: Crawler, plan: CrawlPlan, *, stopping: Callable[[], bool]) -> None:
        self._plan, self._stopping = plan, stopping
        settings = {
            "PLAYWRIGHT_LAUNCH_OPTIONS": launch_options(find_chromium(plan)),
            "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": PAGE_SECONDS * 1000,
        }
        for name, value in settings.items():
            crawler.settings.set(name, value, priority="spider")
        self._crawler = crawler
        crawler.signals.connect(self._opened, signals.spider_opened)
        self._subresources = Subresources(crawler, plan)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._number = 0

    def _opened(self) -> None:
        # Called here and not through DOWNLOAD_HANDLERS, where it would take the place of the one that has the bounds
        # of every other request, and where two of it, for http and https, would start two browsers. It starts
        # Playwright with the engine, which comes next.
        self._handler = ScrapyPlaywrightDownloadHandler.from_crawler(self._crawler)
        self._handler.config.target_closed_max_retries = 0

    async def render(self, response: Response, url: CanonicalUrl, charset: str) -> Rendering | str | None:
        """Let the scripts of a page run.

        Args:
            response: the page as it was fetched.
            url: its own.
            charset: what its bytes were read as.
        Returns:
            Why it was not rendered, or not whole, in a word: ``time``, ``size`` (longer than a page may be),
            ``scripts`` (something they asked for was not to be had this time), ``crash``, ``browser``. None where the
            crawl ends before its turn.
        """
        try:
            body, _ = unpacked(response, self._plan.max_bytes)
        except UnknownEncoding:
            return "encoding"
        async with self._turns:
            if self._stopping():
                return None
            self._number += 1
            visit = _Visit(self._subresources, url, self._plan.max_bytes)
            visit.document = {"status": 200, "body": body, "headers": _headers(response, charset)}
            request = Request(
                url.url,
                meta={
                    "playwright": True,
                    # A new one for each page: nothing that one stores is there for another.
                    "playwright_context": f"page {self._number}",
                    "playwright_context_kwargs": {
                        "user_agent": self._plan.agent_header,
                        "service_workers": "block",
                        "accept_downloads": False,
                        "viewport": {"width": 1280, "height": 2000},
                    },
                    "playwright_page_init_callback": visit.prepare,
                    "playwright_page_goto_kwargs": {"wait_until": "commit"},
                    "playwright_page_methods": [PageMethod(visit.read)],
                    "verbatim_url": True,
                },
            )
            work = asyncio.ensure_future(self._handler.download_request(request))
            while not work.done() and monotonic() < visit.until:
                await asyncio.wait({work}, timeout=_LOOK_SECONDS)
                end_large_pages()
            error = await _ended(work, visit)
        if visit.found is None:
            return visit.problem or ("time" if error is None or "Timeout" in type(error).__name__ else "browser")
        return _rendering(visit, response, charset, self._plan.max_bytes)

    async def close(self) -> None:
        """End the browser."""
        await self._handler.close()


async def _ended(work: asyncio.Future[Any], visit: _Visit) -> BaseException | None:
    """Close the page, wait until the handler has noticed, and hand back its error where it was in time."""
    in_time = work.done()
    if visit.context is not None:
        with suppress(PlaywrightError, TimeoutError):
            async with asyncio.timeout(READ_SECONDS):
                await visit.context.close()
    if not in_time:
        await asyncio.wait({work}, timeout=READ_SECONDS)
    if not work.done():
        work.cancel()
        await asyncio.wait({work})
    error = None if work.cancelled() else work.exception()
    return error if in_time else None


class _Visit:
    """One page in the browser."""

    def __init__(self, subresources: Subresources, url: CanonicalUrl, most: int) -> None:
        self._subresources, self._url, self._most = subresources, url, most
        self.document: dict[str, Any] | None = None
        """What the browser gets when it asks for the page, once."""
        self.context: BrowserContext | None = None
        self.found: dict[str, Any] | None = None
        """What `_READ` says."""
        self.problem: str | None = None
        self.allowance = Allowance()
        self.until = monotonic() + START_SECONDS
        """When it is given up, of `monotonic`."""
        self._waiting = 0
        self._last_asked = 0.0

    async def prepare(self, page: Page, _: Request) -> None:
        """Stand between a new page and the network; called by the handler."""
        self.context = page.context
        self.until = monotonic() + PAGE_SECONDS
        await self.context.route("**/*", _refuse)  # of windows that it may open
        await page.route("**/*", self._answer)
        page.on("popup", _shut)
        page.on("crash", self._crashed)

    def _crashed(self, _: Page) -> None:
        self.problem = "crash"

    async def _answer(self, route: Route) -> None:
        """Answer one request of the page."""
        asked = route.request
        with suppress(PlaywrightError):  # it may have been closed meanwhile
            if asked.is_navigation_request():
                document, self.document = self.document, None
                # Nothing else is gone to, in frames neither: with 204 the page stays as it is.
                await route.fulfill(**(document or {"status": 204}))
            elif asked.resource_type == "stylesheet":
                # Some scripts wait for theirs; what it says shows in no link.
                await route.fulfill(status=200, content_type="text/css", headers={"access-control-allow-origin": "*"})
            elif asked.resource_type in KINDS and asked.method == "GET":
                await self._fetch(route, asked)
            else:
                await route.abort()

    async def _fetch(self, route: Route, asked: PlaywrightRequest) -> None:
        self._waiting += 1
        try:
            found = await self._subresources.get(asked.url, asked.resource_type, self.allowance)
        finally:
            self._waiting -= 1
            self._last_asked = monotonic()
        if found is None:
            await route.abort()
        else:
            await route.fulfill(status=found.status, headers=found.headers, body=found.body)

    async def read(self, page: Page) -> None:
        """Wait until the page is done, and take its text; called by the handler when the page has begun.

        The page is closed then: the handler would read it next, without a bound on its length.
        """
        await self._settle(page)
        async with asyncio.timeout(max(1.0, min(READ_SECONDS, self.until - 1 - monotonic()))):
            session = await page.context.new_cdp_session(page)
            frame = (await session.send("Page.getFrameTree"))["frameTree"]["frame"]
            # A world of its own: no script of the page has changed what the functions there do.
            world = await session.send("Page.createIsolatedWorld", {"frameId": frame["id"]})
            answer = await session.send(
                "Runtime.evaluate",
                {
                    "contextId": world["executionContextId"],
                    "expression": f"{_READ}({json.dumps(self._most)})",
                    "returnByValue": True,
                    "timeout": READ_SECONDS * 1000,
                },
            )
        found = answer["result"].get("value")
        if not found or not str(found["url"]).startswith("http"):
            self.problem = "browser"
        else:
            self.found = found
            self.allowance.lacking = self.allowance.lacking or self._waiting > 0
        await page.context.close()

    async def _settle(self, page: Page) -> None:
        """Wait for the load event, then until nothing has been asked for a while."""
        with suppress(PlaywrightError):  # in time or not: the page is read as it is
            await page.wait_for_load_state(
                "load", timeout=max(1.0, 1000 * (self.until - 1 - READ_SECONDS - monotonic()))
            )
        self._last_asked = monotonic()
        until = min(self.until - 1 - READ_SECONDS, self._last_asked + SETTLE_SECONDS)
        while monotonic() < until and (self._waiting or monotonic() - self._last_asked < QUIET_SECONDS):
            await asyncio.sleep(0.05)


def _rendering(visit: _Visit, response: Response, charset: str, most: int) -> Rendering | str:
    found = visit.found
    assert found is not None
    if found["cut"]:
        return "size"
    if visit.allowance.lacking:
        return "scripts"
    try:
        url = canonical_url(found["url"])
    except InvalidUrl:
        return "browser"
    text = ("" if found["quirks"] else "<!DOCTYPE html>") + found["html"]
    # In the page's own encoding, as queries of its links are written in that.
    try:
        body = text.encode(charset, "xmlcharrefreplace")
    except (LookupError, UnicodeError):
        charset, body = "utf-8", text.encode("utf-8", "replace")
    headers = response.headers.copy()
    headers.pop(b"Content-Encoding", None)
    headers[b"Content-Type"] = f"text/html; charset={charset}"
    if len(body) > most:
        return "size"
    return Rendering(Response(response.url, headers=headers, body=body, request=response.request), url)


def _headers(response: Response, charset: str) -> dict[str, str]:
    """What the browser is told with a document: how to read it, and what its scripts may do."""
    told: Headers = response.headers
    policy = ", ".join(value.decode("latin-1") for value in told.getlist(b"Content-Security-Policy"))
    headers = {"content-type": f"text/html; charset={charset}"}
    return headers | ({"content-security-policy": policy} if policy else {})


async def _refuse(route: Route) -> None:
    with suppress(PlaywrightError):
        await route.abort()


async def _shut(window: Page) -> None:
    with suppress(PlaywrightError):
        await window.close()
