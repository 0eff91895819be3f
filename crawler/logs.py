"""What a crawl writes to its log: few lines, and nothing raw that came from a page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scrapy.logformatter import LogFormatter

from crawler.urls import hide_inside

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response


def escape_controls(text: str) -> str:
    """Control, direction and line-separating characters as visible escapes; line feeds and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class EscapingFormatter(logging.Formatter):
    """Wraps the formatter of a handler: a URL or an exception's text cannot move the cursor, show a password of a URL
    or begin a line that looks like a record of its own."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return escape_controls(hide_inside(self.inner.format(record))).replace("\n", "\n  ")


def escape_handlers() -> None:
    """Make every handler of the root logger escape what it writes."""
    for handler in logging.getLogger().handlers:
        if not isinstance(handler.formatter, EscapingFormatter):
            handler.setFormatter(EscapingFormatter(handler.formatter or logging.Formatter()))


class QuietLogFormatter(LogFormatter):
    """No line for each page: what became of it is in the ledger."""

    def crawled(self, request: Request, response: Response, spider: Spider) -> Any:
        """No line."""
        return None

    def scraped(self, item: Any, response: Any, spider: Spider) -> Any:
        """No line."""
        return None
