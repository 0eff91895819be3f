"""One HTML page in, one PageRecord out: every link taken apart, nothing dropped without a reason.

The reference is a browser with scripts off. What each rule is and where it is written: docs/extraction.md.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from selectolax.lexbor import LexborHTMLParser

from crawler.anchors import anchor_of, collapse_space, is_blank
from crawler.directives import judge, page_directives, rel_tokens
from crawler.encoding import decode
from crawler.flow import Flow, collapse
from crawler.spots import Attributes
from crawler.stylesheets import mark_hidden
from crawler.urls import Base, document_base, hide_in_href
from crawler.walk import MAX_HEADINGS, Images, Outline, walk
from storage.records import (
    Anchor,
    AnchorParts,
    CanonicalUrl,
    FollowCause,
    Indexability,
    Link,
    PageRecord,
    SkippedHref,
    SkipReason,
)

RULES_VERSION = 2
"""Raised with every change of a rule that can change a record, so that stored pages can be read again."""

_NOT_FOLLOWED = frozenset({"nofollow", "ugc", "sponsored"})
MAX_HEADING = 500
"""Characters of one heading that are kept."""
LONGEST_BASE = 8_192
"""Characters of a base that is heeded: each relative link repeats it."""

_LINK_VALUE = re.compile(r"<([^<>]*)>((?:[^,\"]|\"(?:[^\"\\]|\\.)*\"?)*)")
_LINK_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)

Headers = Sequence[tuple[str, str]]
_Resolved = tuple[CanonicalUrl, str | None, bool] | SkipReason


def parse_page(
    body: bytes, *, url: CanonicalUrl, charset: str | None = None, headers: Headers = (), judge_as: str = "googlebot"
) -> PageRecord:
    """Take apart every ``<a href>`` of one HTML page.

    Args:
        body: the response as received, undecoded, any length including 0 bytes.
        url: the page's own URL, after redirects.
        charset: from the Content-Type header; None means look inside the body.
        headers: (name, value) pairs; X-Robots-Tag and Link are read.
        judge_as: the crawler whose robots directives count beside those for all.
    Returns:
        PageRecord. ``links`` keeps document order and repeats; ``skipped`` holds each unusable href with
        its reason: ``len(links) + len(skipped)`` is the number of ``<a href>``. The same arguments give an
        equal record: no clock, no network, no state.
    Malformed HTML and unknown charsets do not raise: they are read as a browser would read them.
    Source: https://html.spec.whatwg.org/#links-created-by-a-and-area-elements
    """
    with _collector_paused():
        return _parse_page(body, url, charset, headers, judge_as)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python's cycle collector from running while one page's values are made.

    They hold no cycles, and a page makes thousands: looking through them again and again took a fifth of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _parse_page(body: bytes, url: CanonicalUrl, charset: str | None, headers: Headers, judge_as: str) -> PageRecord:
    text, encoding, charset_source = decode(body, charset, url.host)
    # Bytes that are UTF-8 need no second encoding; lexbor reads wrong ones as the decoder does, U+FFFD for each.
    parser = LexborHTMLParser(body if encoding == "utf-8" and charset_source != "bom" else text)
    mark_hidden(parser)
    root = parser.root
    if root is None:
        raise AssertionError("the parser always makes an html element")
    outline = walk(root)
    base_href = outline.base_href
    if base_href is not None and len(base_href) > LONGEST_BASE:
        base_href = None
    base = Base(document_base(base_href, url.url, encoding))
    directives = page_directives(outline.metas, headers, agents=(judge_as,))
    blocked, nofollow = judge(directives, judge_as)
    canonical, canonical_source = canonical_of(outline.canonical_href, headers, base)
    not_indexable: tuple[Indexability, ...] = blocked
    if canonical is not None and canonical != url.url:
        not_indexable = (*blocked, "canonical")
    shown, hidden, places = collapse(outline.parts, outline.events)
    links, skipped = _links(outline, (shown, hidden), places, url, base, encoding, nofollow)
    title = None if outline.title is None else collapse_space(outline.title.text())
    h1, h2 = (_headings(outline, tag, (shown, hidden), places) for tag in ("h1", "h2"))
    return PageRecord(
        url=url,
        base=base.url,
        title=title,
        h1=h1,
        h2=h2,
        canonical=canonical,
        canonical_source=canonical_source,
        robots=directives,
        not_indexable=not_indexable,
        nofollow=nofollow,
        lang=outline.lang,
        charset=encoding,
        charset_source=charset_source,
        links=links,
        skipped=skipped,
        text=shown.text,
    )


def _links(
    outline: Outline,
    flows: tuple[Flow, Flow],
    places: list[int],
    url: CanonicalUrl,
    base: Base,
    encoding: str,
    page_nofollow: tuple[FollowCause, ...],
) -> tuple[tuple[Link, ...], tuple[SkippedHref, ...]]:
    """Make a link or a skipped href of everything found, in document order."""
    links: list[Link] = []
    skipped: list[SkippedHref] = []
    resolved: dict[str, _Resolved] = {}
    rels: dict[str | None, tuple[tuple[str, ...], tuple[FollowCause, ...]]] = {None: ((), page_nofollow)}
    images = outline.images
    texts, before, after = _words(outline, flows, places)
    new = tuple.__new__  # what the constructors of the named tuples call, without their argument parsing
    for ordinal, ((element, raw, attributes, spot, place, _), text, left, right) in enumerate(
        zip(outline.links, texts, before, after, strict=True)
    ):
        target = resolved.get(raw)
        if target is None:
            target = resolved[raw] = _resolve(raw, base, encoding, url.domain)
        if "@" in raw:
            raw = hide_in_href(raw)
        if isinstance(target, str):
            skipped.append(SkippedHref(ordinal, raw, target))
            continue
        attribute = attributes.get
        rel_value = attribute("rel")
        rel = rels.get(rel_value)
        if rel is None:
            tokens = rel_tokens(rel_value)
            own: tuple[FollowCause, ...] = ("rel",) if not _NOT_FOLLOWED.isdisjoint(tokens) else ()
            rel = rels[rel_value] = (tokens, own + page_nofollow)
        if ordinal in images or element == "area":
            parts = _parts_with_image(text, attributes, images.get(ordinal))
        else:
            parts = new(AnchorParts, (text, (), attribute("aria-label"), attribute("title"), None, False))
        anchor = new(Anchor, (text, "text")) if text and "!" <= text[0] <= "~" else anchor_of(parts)
        url_of_target, fragment, internal = target
        tokens, causes = rel
        placement, rule = place
        links.append(
            new(
                Link,
                (
                    ordinal,
                    element,
                    raw,
                    url_of_target,
                    fragment,
                    anchor,
                    parts,
                    tokens,
                    causes,
                    placement,
                    rule,
                    spot.path,
                    left,
                    right,
                    spot.state.hidden,
                    internal,
                    "raw",
                ),
            )
        )
    return tuple(links), tuple(skipped)


def _parts_with_image(text: str, attributes: Attributes, inside: Images | None) -> AnchorParts:
    """The parts of a link with an image in it, and of an area, which is a piece of an image with an alt of its own."""
    if inside is None:
        alt = attributes.get("alt")
        inside = Images([] if alt is None else [alt], [])
    svg_title = next((title for title in inside.svg_titles if not is_blank(title)), None)
    label, title = attributes.get("aria-label"), attributes.get("title")
    return AnchorParts(text, tuple(inside.alts), label, title, svg_title, True)


def _words(outline: Outline, flows: tuple[Flow, Flow], places: list[int]) -> tuple[list[str], list[str], list[str]]:
    """(text, words before, words after) of each link, from the flow it stands in."""
    begins = [places[link[5]] for link in outline.links]
    ends = [places[end] for end in outline.ends]
    shown, hidden = flows
    if not any(link[3].state.hidden for link in outline.links):
        return shown.pieces(begins, ends), shown.before(begins), shown.after(ends)
    words = [("", "", "")] * len(begins)
    for flow, is_hidden in ((shown, False), (hidden, True)):
        mine = [number for number, link in enumerate(outline.links) if link[3].state.hidden is is_hidden]
        first, last = [begins[number] for number in mine], [ends[number] for number in mine]
        for number, *found in zip(mine, flow.pieces(first, last), flow.before(first), flow.after(last), strict=True):
            words[number] = (found[0], found[1], found[2])
    return [text for text, _, _ in words], [left for _, left, _ in words], [right for _, _, right in words]


def _resolve(raw: str, base: Base, encoding: str, domain: str) -> _Resolved:
    found = base.resolve(raw, encoding)
    if isinstance(found, str):
        return found
    return found[0], found[1], found[0].domain == domain


def _headings(outline: Outline, tag: str, flows: tuple[Flow, Flow], places: list[int]) -> tuple[str, ...]:
    """The first shown headings of one level that have words, each bounded."""
    texts = (
        flows[hidden].piece(places[first], places[last])[:MAX_HEADING]
        for name, first, last, hidden in sorted(outline.headings, key=lambda heading: heading[1])
        if name == tag
    )
    return tuple(text for text in texts if not is_blank(text))[:MAX_HEADINGS]


def canonical_of(
    element_href: str | None, headers: Headers, base: Base
) -> tuple[str | None, Literal["element", "header"] | None]:
    """The page's canonical URL and who names it: the first link element that does, else a Link header.

    Sources: https://www.rfc-editor.org/rfc/rfc6596, https://www.rfc-editor.org/rfc/rfc8288#section-3 (header);
    https://developers.google.com/search/docs/crawling-indexing/consolidate-duplicate-urls
    """
    if element_href is not None:
        found = base.resolve(element_href.strip())
        if not isinstance(found, str):
            return found[0].url, "element"
    for name, value in headers:
        if name.lower() != "link":
            continue
        for match in _LINK_VALUE.finditer(value):
            rel = _LINK_REL.search(match[2])
            if rel is not None and "canonical" in (rel[1] or rel[2] or "").lower().split():
                found = base.resolve(match[1].strip())
                if not isinstance(found, str):
                    return found[0].url, "header"
    return None, None
