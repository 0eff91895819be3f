"""`linkledger extract`: one page taken apart, as JSON lines, without a ledger."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.cells import json_text
from cli.config import load_config
from storage.errors import LedgerError
from storage.records import Link, PageRecord, SkippedHref


class NotTakenApart(LedgerError):
    """Not even the first part of the page could be taken apart within the bounds."""

    def __init__(self, cause: str) -> None:
        why = {"time": "it takes the parser too long", "memory": "it takes the parser too much memory"}
        super().__init__(
            f"cannot take the page apart: {why.get(cause, f'a fault of linkledger ({cause}): please report it')}"
        )


class UnreadableFile(LedgerError):
    """The page to take apart cannot be read."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"cannot read {name}: {why}")


def extract(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="The page's bytes; - is standard input.")] = "-",
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="The page's own URL, after redirects.", show_default=False)
    ] = ...,  # type: ignore[assignment]
    content_type: Annotated[
        str | None,
        typer.Option("--content-type", metavar="TYPE", help="Its Content-Type header: 'text/html; charset=...'."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="'NAME: VALUE'", help="Another header: X-Robots-Tag, Link. Repeatable."),
    ] = None,
    judge_as: Annotated[
        str | None,
        typer.Option("--judge-as", metavar="ROBOT", help="Whose robots directives count; default googlebot."),
    ] = None,
) -> None:
    """Take one page apart and print what is found: a JSON line for each link, each skipped href, and the page.

    Example: curl -s https://example.com/ | linkledger extract - --url https://example.com/
    """
    from crawler.bodies import charset_of
    from crawler.plan import DEFAULT_MAX_BYTES, DEFAULT_MAX_LINKS
    from crawler.taking_apart import CannotParse, Document, Lane
    from crawler.urls import canonical_url

    headers = [_header(line) for line in header or ()]
    for name, value in headers:
        if content_type is None and name.lower() == "content-type":
            content_type = value
    body = _read(file, DEFAULT_MAX_BYTES + 1)
    document = Document(
        body[:DEFAULT_MAX_BYTES],
        canonical_url(url),
        charset_of(content_type),
        tuple(headers),
        judge_as or load_config().judge_as or "googlebot",
        DEFAULT_MAX_LINKS,
    )
    try:
        with Lane() as lane:
            page, flaw = lane.take_apart(document)
    except CannotParse as error:
        raise NotTakenApart(error.cause) from None
    partial = flaw or ("size" if len(body) > DEFAULT_MAX_BYTES else None)
    if partial is not None:
        print(f"partial ({partial}): only the first part of the page was read", file=sys.stderr)
    out = sys.stdout
    ascii_only = not (out.encoding or "utf-8").lower().startswith("utf")
    for entry in entries(page, partial):
        out.write(json_text(entry, ascii_only=ascii_only) + "\n")


def entries(page: PageRecord, partial: str | None = None) -> Iterator[dict[str, Any]]:
    """What `extract` prints: links and skipped hrefs in document order, then the page."""
    found: list[Link | SkippedHref] = sorted((*page.links, *page.skipped), key=lambda entry: entry.ordinal)
    for entry in found:
        yield _skipped(entry) if isinstance(entry, SkippedHref) else _link(entry)
    yield {
        "kind": "page",
        "url": page.url.url,
        "base": page.base,
        "title": page.title,
        "h1": list(page.h1),
        "h2": list(page.h2),
        "canonical": page.canonical,
        "canonical_source": page.canonical_source,
        "robots": [robots._asdict() for robots in page.robots],
        "indexable": page.indexable,
        "not_indexable": list(page.not_indexable),
        "nofollow": bool(page.nofollow),
        "nofollow_cause": list(page.nofollow),
        "lang": page.lang,
        "charset": page.charset,
        "charset_source": page.charset_source,
        "links": len(page.links),
        "skipped": len(page.skipped),
        "partial": partial,
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "kind": "link",
        "ordinal": link.ordinal,
        "element": link.element,
        "raw_href": link.raw_href,
        "target": link.target.url,
        "fragment": link.fragment,
        "anchor": link.anchor.text,
        "anchor_source": link.anchor.source,
        "text": link.parts.text,
        "alts": list(link.parts.alts),
        "aria_label": link.parts.aria_label,
        "title": link.parts.title,
        "svg_title": link.parts.svg_title,
        "has_image": link.parts.has_image,
        "hidden": link.hidden,
        "rel": list(link.rel),
        "followed": link.followed,
        "follow_cause": list(link.follow_cause),
        "placement": link.placement,
        "placement_rule": link.placement_rule,
        "path": link.path,
        "before": link.before,
        "after": link.after,
        "internal": link.internal,
    }


def _skipped(skip: SkippedHref) -> dict[str, Any]:
    return {"kind": "skipped", "ordinal": skip.ordinal, "raw_href": skip.raw_href, "reason": skip.reason}


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter(f"{line!r} is no header; write it as 'X-Robots-Tag: nofollow'", param_hint="--header")
    return name.strip(), value.strip()


def _read(file: str, most: int) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(most)
    try:
        with Path(file).open("rb") as page:
            return page.read(most)
    except (OSError, ValueError) as error:
        raise UnreadableFile(file, getattr(error, "strerror", None) or str(error)) from None
