"""A report in the user's own Chromium: opened from a file, with everything it says and tries to fetch written down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from crawler.chromium import SWITCHES, look_for_one

CHROMIUM = look_for_one()  # where there is none, the end of the run says so: see conftest.py
# Set before any script of the page runs, past its policy.
_WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


class Opened:
    """One report in one tab."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.requests: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        page.add_init_script(_WATCH)
        page.goto(path.as_uri())

    def run(self, script: str) -> Any:
        """What an expression in the page comes to."""
        return self.page.evaluate(script)

    def until(self, script: str) -> None:
        """Wait for an expression in the page to hold; not in the page, whose policy forbids to wait by a text."""
        for _ in range(100):
            if self.run(script):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"never came: {script}")

    @property
    def violations(self) -> list[str]:
        """What the page's policy refused."""
        found: list[str] = self.run("window.violations")
        return found

    def first_cells(self, caption: str) -> list[str]:
        """The visible heads of the rows of one table."""
        rows = self.page.get_by_role("table", name=caption, exact=True).locator("tbody tr:visible > :first-child")
        return rows.all_inner_texts()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that can connect to nothing."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES, "--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser,
    path: Path,
    *,
    size: tuple[int, int] = (1280, 900),
    scheme: Literal["light", "dark"] = "light",
    scripts: bool = True,
    bypass: bool = False,
) -> Iterator[Opened]:
    """A report in a window of its own.

    Args:
        bypass: without its policy, for what a test brings along.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        java_script_enabled=scripts,
        bypass_csp=bypass,
    )
    try:
        yield Opened(context.new_page(), path)
    finally:
        context.close()
