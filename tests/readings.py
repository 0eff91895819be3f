"""Short ways to say what a page was read to be, for tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from storage.records import (
    Anchor,
    AnchorParts,
    CanonicalUrl,
    Link,
    OutcomeState,
    PageRecord,
    Reading,
    Response,
    SkippedHref,
)

RULES = 1


def url(text: str) -> CanonicalUrl:
    """A canonical URL of a plain one; its domain is the last two labels."""
    parts = urlsplit(text)
    host = parts.hostname or ""
    return CanonicalUrl(text, host, ".".join(host.split(".")[-2:]), parts.path.rstrip("/"))


def link(target: str, words: str = "words", ordinal: int = 0, **changed: Any) -> Link:
    """A link in a paragraph; ``changed`` overrides fields of `Link`."""
    values: dict[str, Any] = {
        "ordinal": ordinal,
        "element": "a",
        "raw_href": target,
        "target": url(target),
        "fragment": None,
        "anchor": Anchor(words, "text" if words else "none"),
        "parts": AnchorParts(text=words),
        "rel": (),
        "follow_cause": (),
        "placement": "main",
        "placement_rule": "element:main",
        "path": "html/body/main/p/a",
        "before": "to the left",
        "after": "to the right",
        "hidden": False,
        "internal": False,
    }
    return Link(**(values | changed))


def page(source: str, links: Sequence[Link | tuple[str, str]], **changed: Any) -> PageRecord:
    """A page whose links are given in document order, as `Link` or as (target, words)."""
    made = [one if isinstance(one, Link) else link(*one) for one in links]
    values: dict[str, Any] = {
        "url": url(source),
        "base": source,
        "title": "A title",
        "h1": ("First",),
        "h2": (),
        "canonical": None,
        "canonical_source": None,
        "robots": (),
        "not_indexable": (),
        "nofollow": (),
        "lang": "en",
        "charset": "utf-8",
        "charset_source": "header",
        "links": tuple(one._replace(ordinal=place) for place, one in enumerate(made)),
        "skipped": (SkippedHref(len(made), "mailto:a@b.example", "not_http"),),
        "text": "The text of the page.",
    }
    return PageRecord(**(values | changed))


def reading(
    source: str,
    links: Sequence[Link | tuple[str, str]] | None,
    at: int,
    *,
    outcome: OutcomeState = "fetched",
    requested: str | None = None,
    status: int | None = 200,
    **changed: Any,
) -> Reading:
    """A reading of a page, or with ``links`` None an attempt that brought none."""
    record = None if links is None else page(source, links)
    values: dict[str, Any] = {
        "requested": url(requested or source),
        "outcome": outcome,
        "at": at,
        "reason": None if outcome == "fetched" else f"http:{status}",
        "status": status,
        "final": url(source),
        "response": None if record is None else Response(status or 200, "text/html", 1000, "c0ffee"),
        "page": record,
    }
    return Reading(**(values | changed))


def failed(source: str, at: int, status: int | None = 500, **changed: Any) -> Reading:
    """An attempt that brought no page."""
    return reading(source, None, at, outcome="failed", status=status, **changed)
