"""The row of one visit: what a page said of itself and how it was read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from storage.codes import INDEXABILITY, METHODS
from storage.records import Hop, PageRecord, Reading
from storage.text import clean

COLUMNS = (
    "id", "page_id", "at", "crawl_id", "requested_id", "chain", "status", "method", "complete", "reason",
    "rules_version", "content_type", "charset", "charset_source", "bytes", "content_hash", "etag", "last_modified",
    "headers", "title", "headings", "canonical", "canonical_source", "robots", "not_indexable", "lang", "links",
    "skipped", "record_id", "whole", "targets",
)  # fmt: skip

TITLE, HEADING, HEADINGS = 2_000, 500, 50
"""Bounds of what the row shows, in characters and headings of a level; the visit's record is complete."""
_HIGHEST_STATUS = 32_767


def visit_row(
    visit_id: int,
    page_id: int,
    reading: Reading,
    page: PageRecord,
    *,
    crawl_id: int | None,
    requested_id: int,
    record_id: int,
    rules_version: int,
) -> tuple[Any, ...]:
    """Values for `COLUMNS`."""
    response = reading.response
    headings = {"h1": _bounded(page.h1), "h2": _bounded(page.h2)}
    return (
        visit_id,
        page_id,
        reading.at,
        crawl_id,
        requested_id,
        chain_json(reading.chain),
        status_code(response.status if response else reading.status) or 0,
        METHODS.index(reading.method),
        reading.outcome == "fetched",
        None if reading.outcome == "fetched" else _text(reading.reason) or "unknown",
        rules_version,
        _text(response.content_type) if response else None,
        clean(page.charset),
        clean(page.charset_source),
        response.bytes if response else 0,
        content_hash(reading),
        _text(response.etag) if response else None,
        _text(response.last_modified) if response else None,
        to_json(response.headers) if response and response.headers else "[]",
        None if page.title is None else clean(page.title[:TITLE]),
        to_json(headings),
        _text(page.canonical),
        page.canonical_source,
        to_json(page.robots) if page.robots else "[]",
        sum(1 << INDEXABILITY.index(cause) for cause in page.not_indexable),
        _text(page.lang),
        len(page.links),
        len(page.skipped),
        record_id,
        reading.whole,
        None if reading.targets is None else to_json(sorted(set(reading.targets))),
    )


def content_hash(reading: Reading) -> str:
    """The hash of the body as it is stored; empty where none is known."""
    return clean(reading.response.content_hash) if reading.response else ""


def chain_json(chain: Sequence[Hop]) -> str | None:
    """Redirects as they are stored: ``[[url, status], ...]``; None without any."""
    return to_json([(hop.url.url, hop.status) for hop in chain]) if chain else None


def status_code(status: int | None) -> int | None:
    """A status as the column can hold it: servers may send any number."""
    return None if status is None else max(0, min(status, _HIGHEST_STATUS))


def to_json(value: Any) -> str:
    """Compact JSON of arrays, objects and texts, each text cleaned."""
    return json.dumps(_cleaned(value), ensure_ascii=False, separators=(",", ":"))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): _cleaned(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(one) for one in value]
    return value


def _text(value: str | None) -> str | None:
    return None if value is None else clean(value)


def _bounded(headings: Sequence[str]) -> list[str]:
    return [one[:HEADING] for one in headings[:HEADINGS]]
