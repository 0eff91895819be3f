"""The values that cross from the crawler to the store: frozen, standard library only.

One ``<a href>`` becomes a `Link` (the container: it carries authority) and its `Anchor`
(the content: it carries relevance), or a `SkippedHref` with the reason it is neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Element = Literal["a", "area", "svg_a"]
AnchorSource = Literal["text", "img_alt", "aria_label", "title", "svg_title", "none"]
Placement = Literal["main", "nav", "header", "footer", "aside", "body"]
FollowCause = Literal["rel", "meta_robots", "x_robots_tag"]
SkipReason = Literal["not_http", "invalid_url", "no_href_value"]
Indexability = Literal["meta_robots", "x_robots_tag", "canonical"]
OutcomeState = Literal["pending", "fetched", "partial", "suspect", "blocked", "refused", "failed", "skipped"]
VisitMethod = Literal["raw", "rendered", "archive", "wat"]
LinkSeen = Literal["raw", "rendered", "both"]


class CanonicalUrl(NamedTuple):
    """An absolute http(s) URL as the WHATWG URL standard writes it, its fragment cut off.

    Made by ``crawler.urls.canonical_url`` only; the store takes it as it is.
    """

    url: str
    host: str
    """Host as in the URL: lower-case, punycode, IPv6 in brackets; without port."""
    domain: str
    """Registrable domain (suffix list with its private section), or the host where it has none."""
    path_key: str
    """Path without the query and without one trailing slash: what page look-ups are folded by."""


class Anchor(NamedTuple):
    """The words of one link, and which rule chose them."""

    text: str
    source: AnchorSource


class AnchorParts(NamedTuple):
    """Everything inside and on the element that could have been the anchor, as found."""

    text: str = ""
    alts: tuple[str, ...] = ()
    aria_label: str | None = None
    title: str | None = None
    svg_title: str | None = None
    has_image: bool = False


class Link(NamedTuple):
    """One ``<a href>`` that leads to an http(s) URL."""

    ordinal: int
    """Place among all ``<a href>`` of the page in document order, from 0; skipped ones count too."""
    element: Element
    raw_href: str
    target: CanonicalUrl
    fragment: str | None
    """What stood behind ``#``, without it; None where there was no ``#``."""
    anchor: Anchor
    parts: AnchorParts
    rel: tuple[str, ...]
    """Lower-cased tokens in the order found, each once."""
    follow_cause: tuple[FollowCause, ...]
    """Every reason why the link is not followed; empty means followed."""
    placement: Placement
    placement_rule: str
    """The rule that decided the placement, such as ``element:nav`` or ``class:footer``."""
    path: str
    """DOM path from ``html`` down to the link."""
    before: str
    """Up to 50 words to the left, inside the block first; ``¶`` marks the block's border."""
    after: str
    hidden: bool
    internal: bool
    """Same registrable domain at both ends."""
    seen: LinkSeen = "raw"
    """Of a rendered page: in the document as it was sent, as scripts left it, or in both."""

    @property
    def followed(self) -> bool:
        return not self.follow_cause


class SkippedHref(NamedTuple):
    """One ``<a href>`` that is no link, and why."""

    ordinal: int
    raw_href: str
    reason: SkipReason


class RobotsDirective(NamedTuple):
    """One robots directive of a page."""

    cause: Literal["meta_robots", "x_robots_tag"]
    agent: str
    """The crawler it is addressed to, lower-case; ``robots`` or ``*`` for all."""
    value: str
    """Lower-case directive, such as ``noindex`` or ``max-snippet:20``."""


class PageRecord(NamedTuple):
    """What one HTML page says: its own facts, its links and its skipped hrefs."""

    url: CanonicalUrl
    base: str
    title: str | None
    h1: tuple[str, ...]
    h2: tuple[str, ...]
    canonical: str | None
    canonical_source: Literal["element", "header"] | None
    robots: tuple[RobotsDirective, ...]
    not_indexable: tuple[Indexability, ...]
    """Every reason why the page keeps itself out of an index; empty means indexable."""
    nofollow: tuple[FollowCause, ...]
    """Page-level reasons why none of its links is followed."""
    lang: str | None
    charset: str
    charset_source: str
    """Who decided the encoding: ``bom``, ``header``, ``meta``, ``detected`` or ``default``."""
    links: tuple[Link, ...]
    skipped: tuple[SkippedHref, ...]
    text: str
    """Visible text of the page, ASCII white space collapsed; bounded by the store, not here."""

    @property
    def indexable(self) -> bool:
        return not self.not_indexable


class Hop(NamedTuple):
    """One step of a redirect chain: the URL asked and the status it answered with."""

    url: CanonicalUrl
    status: int


class Response(NamedTuple):
    """What the server sent with a page, but for its body."""

    status: int
    content_type: str | None
    bytes: int
    """Length of the unpacked body."""
    content_hash: str
    """BLAKE2b-128 of the unpacked body, hexadecimal."""
    etag: str | None = None
    last_modified: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """The headers that decided something: X-Robots-Tag, Link, Content-Language, Content-Type."""


class Discovered(NamedTuple):
    """A URL found on a page that the crawl's plan wants fetched too."""

    url: CanonicalUrl
    operator: str
    """Registrable domain without the suffix list's private section: whom to be polite to."""
    bare: str | None = None
    """The URL without the session id in it, None where it has none: with another id it is the same page."""
    path: str | None = None
    """The URL without session id and query, None where it has no query: what a limit on queries counts by."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one requested URL of a crawl; handed to the store once."""

    requested: CanonicalUrl
    outcome: OutcomeState
    at: int
    """When the answer was complete: milliseconds since 1970, UTC."""
    reason: str | None = None
    """Typed cause of every outcome but ``fetched``, such as ``robots:5xx`` or ``http:404``."""
    status: int | None = None
    chain: tuple[Hop, ...] = ()
    """Redirects followed before the final answer, in order."""
    final: CanonicalUrl | None = None
    """The URL that answered, where it is known: the source of the page's links."""
    response: Response | None = None
    page: PageRecord | None = None
    """Present for ``fetched``, ``partial`` and ``suspect``."""
    discovered: tuple[Discovered, ...] = ()
    not_followed: tuple[tuple[str, int], ...] = ()
    """Addresses linked on the page that a rule of the crawl keeps out by themselves: name of the rule, number."""
    method: VisitMethod = "raw"
    targets: tuple[str, ...] | None = None
    """Registrable domains that links had to lead to; None: every link of the page was kept."""

    @property
    def whole(self) -> bool:
        """Whether the document arrived to its end. A suspect one did; whether it is the page is another question."""
        return self.page is not None and self.outcome in {"fetched", "suspect"}


class SeedRow(NamedTuple):
    """One accepted row of a user's list."""

    url: CanonicalUrl
    operator: str
    file: str
    """Where it was read: a path as given, ``-`` for standard input, ``argument`` for the command line."""
    line: int
    given: str
    """The cell as the user wrote it."""
    columns: dict[str, Any]
    """The row's other columns, by header."""


class RejectedRow(NamedTuple):
    """One row of a user's list that cannot be fetched, and why."""

    file: str
    line: int
    given: str
    reason: str
