"""One walk over the tree of a page: its text, its links where they stand, and what is said about the page.

Everything is gathered in one pass in document order, without recursion, so the time grows with the page and not
with its depth. Why the tree is walked this way: docs/decisions/0007-one-walk.md.
"""

from __future__ import annotations

from typing import NamedTuple

from selectolax.lexbor import LexborNode

from crawler.flow import BORDER, END_EVENT, HIDE_EVENT, MARK, POINT_EVENT, SHOW_EVENT
from crawler.placement import NAMELESS, NOWHERE, Place, named_place, nearer
from crawler.rendering import (
    AREA,
    ATOMIC,
    BLOCK,
    BREAK,
    DETAILS,
    HEADING,
    IMAGE,
    LINK,
    META,
    NO_TEXT,
    NOTABLE,
    SUMMARY,
    SVG,
    SVG_KINDS,
    SVG_TITLE,
)
from crawler.spots import (
    END_BORDER,
    END_DETAILS,
    END_HEADING,
    END_LINK,
    END_SPACE,
    END_STATE,
    END_TITLE,
    Attributes,
    Spot,
)
from storage.records import Element

MAX_OPEN_LINKS = 8
"""Links in links (possible around `object`, table cells and SVG) up to this depth are read to their end; beyond it the
outermost one's text ends here, so that the sum of all anchors grows with the page only."""
MAX_HEADINGS = 20
"""Headings of one level that are kept."""


class Images(NamedTuple):
    """What stands inside one link beside its text."""

    alts: list[str]
    svg_titles: list[str]


Found = tuple[Element, str, Attributes, Spot, Place, int]
"""One ``<a href>``: (element, raw href, attributes, its spot, its place, event at its begin); see `Outline.ends`."""


class Outline(NamedTuple):
    """What one walk gathers."""

    parts: list[str]
    events: bytearray
    links: list[Found]
    ends: list[int]
    """For each link the event at its end."""
    images: dict[int, Images]
    """By the number of the link; only links with an image inside."""
    headings: list[tuple[str, int, int, bool]]
    """(tag, first event, last event, hidden) of each h1 and h2."""
    base_href: str | None
    title: LexborNode | None
    canonical_href: str | None
    metas: list[tuple[str, str]]
    lang: str | None


TEXT_ID = 2
"""What lexbor calls a text node. (Every other node is told by its tag's name; a comment's is ``-comment``.)"""

_Frame = tuple[LexborNode, int, Attributes, Spot]
"""An open element: (node, what is left to do at its end, attributes, its spot)."""


def walk(root: LexborNode) -> Outline:
    """Gather in one pass what `crawler.page` makes its record of.

    Args:
        root: the ``html`` element of a parsed document.
    """
    return _Walk().run(root)


class _Walk:
    def __init__(self) -> None:
        self.parts: list[str] = [BORDER]
        self.events = bytearray()
        self.links: list[Found] = []
        self.ends: list[int] = []
        self.images: dict[int, Images] = {}
        self.headings: list[tuple[str, int, int, bool]] = []
        self.base_href: str | None = None
        self.title: LexborNode | None = None
        self.canonical_href: str | None = None
        self.metas: list[tuple[str, str]] = []
        self._stack: list[_Frame] = []
        self._named: list[tuple[_Frame, Place]] = []
        """Place by names of open elements from the root on, as far as a link asked for it."""
        self._known_names: dict[tuple[str | None, str | None], Place | None] = {}
        self._open_links: list[int] = []
        self._open_headings: list[tuple[str, int, bool]] = []
        self._in_title = False

    def run(self, root: LexborNode) -> Outline:
        """The walk itself: a loop over the nodes in document order that does the usual cases in place."""
        parts, stack = self.parts, self._stack
        add, push, pop = parts.append, stack.append, stack.pop
        plain = NOTABLE.isdisjoint
        spot = Spot.document()
        inside = spot.inside
        attributes: Attributes
        node = root
        while True:
            tag_id = node.tag_id
            if tag_id == TEXT_ID:
                if node.is_empty_text_node:
                    if parts[-1] is not BORDER:
                        add(" ")
                else:
                    add(node.text_content or "")
            else:
                inner = inside.get(tag_id)
                if inner is None:
                    inner = spot.enter(tag_id, node.tag or "")
                kind = inner.kind
                if kind == NO_TEXT:
                    child, ending = None, 0
                elif kind == BREAK:
                    add(" ")
                    child, ending = None, 0
                else:
                    attributes = node.attributes
                    if kind > NO_TEXT or (attributes and not plain(attributes)):
                        inner, ending, enter = self._begin(node, attributes, spot, inner)
                        child = node.first_child if enter else None
                    elif kind == BLOCK:
                        ending = END_BORDER
                        if parts[-1] is not BORDER:
                            add(BORDER)
                        child = node.first_child
                    elif kind == LINK:
                        ending = self._begin_link(attributes, inner)
                        child = node.first_child
                    elif kind == IMAGE:
                        if self._open_links:
                            self._image(attributes.get("alt"))
                        child, ending = None, 0
                    else:
                        ending = 0
                        child = node.first_child
                    if child is not None:
                        if child.tag_id == TEXT_ID and kind <= LINK and child.next is None:
                            # The usual leaf, an element with one text: not worth opening and closing.
                            if not child.is_empty_text_node:
                                add(child.text_content or "")
                            elif parts[-1] is not BORDER:
                                add(" ")
                        else:
                            push((node, ending, attributes, inner))
                            spot = inner
                            inside = inner.inside
                            node = child
                            continue
                    if ending:
                        if ending == END_BORDER:
                            if parts[-1] is not BORDER:
                                add(BORDER)
                        elif ending == END_LINK:
                            self._end_link()
                        else:
                            self._end(ending, inner)
            following = node.next
            while following is None:
                node, ending, attributes, inner = pop()
                if ending:
                    if ending == END_BORDER:
                        if parts[-1] is not BORDER:
                            add(BORDER)
                    elif ending == END_LINK:
                        self._end_link()
                    else:
                        self._end(ending, inner)
                if not stack:
                    return self._outline(root)
                spot = stack[-1][3]
                inside = spot.inside
                following = node.next
            node = following

    def _outline(self, root: LexborNode) -> Outline:
        return Outline(
            self.parts,
            self.events,
            self.links,
            self.ends,
            self.images,
            self.headings,
            self.base_href,
            self.title,
            self.canonical_href,
            self.metas,
            root.attributes.get("lang"),
        )

    def _border(self) -> None:
        """Leave the sign of a block's border, unless the text stands at one."""
        if self.parts[-1] is not BORDER:
            self.parts.append(BORDER)

    def _point(self) -> int:
        """Leave a mark; returns its number."""
        self.parts.append(MARK)
        self.events.append(POINT_EVENT)
        return len(self.events) - 1

    def _change(self, hidden: bool) -> None:
        """Leave a mark where the shown text ends and hidden text begins, or the other way round."""
        self.parts.append(MARK)
        self.events.append(HIDE_EVENT if hidden else SHOW_EVENT)

    def _begin(self, node: LexborNode, attributes: Attributes, outer: Spot, inner: Spot) -> tuple[Spot, int, bool]:
        """Begin an element that is more than a plain block, link or part of a line.

        Returns:
            (its spot, what is left to do at its end, whether to go into its content).
        """
        kind, tag = inner.kind, inner.tag
        if kind == META:
            self._meta(node, tag, attributes)
            return inner, 0, False
        if kind in (SUMMARY, DETAILS) or not NOTABLE.isdisjoint(attributes):
            inner = outer.enter_with(inner, attributes)
        ending = inner.ending
        if ending & END_DETAILS:
            self._border()
        if inner.state.hidden is not outer.state.hidden:
            self._change(inner.state.hidden)
        if ending & END_BORDER:
            self._border()
        if kind in (LINK, AREA):
            ending |= self._begin_link(attributes, inner)
        elif kind == HEADING and len(self.headings) + len(self._open_headings) < 4 * MAX_HEADINGS:
            self._open_headings.append((tag, self._point(), inner.state.hidden))
            ending |= END_HEADING
        elif kind == BREAK:
            self.parts.append(" ")
        elif kind == IMAGE:
            self._image(attributes.get("alt"))
        elif kind in (ATOMIC, SVG):
            self.parts.append(" ")
            ending |= END_SPACE
            if kind == SVG:
                self._image(None)
        elif kind == SVG_TITLE:
            ending |= self._svg_title(node)
        return inner, ending, kind != IMAGE

    def _end(self, ending: int, inner: Spot) -> None:
        if ending & END_LINK:
            self._end_link()
        if ending & END_HEADING:
            tag, first, hidden = self._open_headings.pop()
            self.headings.append((tag, first, self._point(), hidden))
        if ending & END_SPACE:
            self.parts.append(" ")
        if ending & END_BORDER:
            self._border()
        if ending & END_STATE:
            self._change(not inner.state.hidden)
        if ending & END_DETAILS:
            self._border()
        if ending & END_TITLE:
            self._in_title = False

    def _begin_link(self, attributes: Attributes, inner: Spot) -> int:
        """Note a link where it has an href; returns what is left to do at its end."""
        href = attributes.get("href")
        if href is None:
            if "href" in attributes:
                href = ""
            elif inner.state.kinds is SVG_KINDS and "xlink:href" in attributes:
                href = attributes["xlink:href"] or ""
            else:
                return 0
        events = self.events
        start = len(events)
        self.parts.append(MARK)
        events.append(POINT_EVENT)
        state = inner.state
        element: Element = "svg_a" if state.kinds is SVG_KINDS else "area" if inner.kind == AREA else "a"
        links = self.links
        number = len(links)
        links.append((element, href, attributes, inner, state.landmark or self._place_by_names(), start))
        self.ends.append(start)
        if element == "area":
            return 0
        open_links = self._open_links
        open_links.append(number)
        if number - open_links[0] > MAX_OPEN_LINKS and len(open_links) > MAX_OPEN_LINKS:
            self.ends[open_links.pop(0)] = start
        return END_LINK

    def _end_link(self) -> None:
        if self._open_links:
            self.ends[self._open_links.pop()] = len(self.events)
            self.parts.append(MARK)
            self.events.append(END_EVENT)

    def _place_by_names(self) -> Place:
        """What the ids and classes of the open elements say.

        Worked out only where no landmark decides, and once for each element: what is known of those still open is kept.
        """
        stack, named = self._stack, self._named
        deepest = len(stack) - 1
        depth = min(deepest, len(named) - 1)
        while depth >= 0 and named[depth][0] is not stack[depth]:
            depth -= 1
        if depth == deepest:
            return named[depth][1] if depth >= 0 else NOWHERE
        del named[depth + 1 :]
        place = named[depth][1] if depth >= 0 else NOWHERE
        known = self._known_names
        while depth < deepest:
            depth += 1
            frame = stack[depth]
            attributes = frame[2]
            if attributes and frame[3].tag not in NAMELESS:
                names = (attributes.get("id"), attributes.get("class"))
                own = known.get(names, NOWHERE)
                if own is NOWHERE:
                    own = known[names] = named_place(*names)
                if own is not None:
                    place = nearer(place, own)
            named.append((frame, place))
        return place

    def _image(self, alt: str | None) -> None:
        for number in self._open_links:
            images = self.images.get(number)
            if images is None:
                images = self.images[number] = Images([], [])
            if alt is not None:
                images.alts.append(alt)

    def _svg_title(self, node: LexborNode) -> int:
        # HTML in a title may hold another SVG with a title: the outer one has its words, so all are read once.
        if not self._open_links or self._in_title:
            return 0
        title = node.text()
        for number in self._open_links:
            self.images.setdefault(number, Images([], [])).svg_titles.append(title)
        self._in_title = True
        return END_TITLE

    def _meta(self, node: LexborNode, tag: str, attributes: Attributes) -> None:
        """Read a base, link, meta or title element, wherever it stands; the first that says something counts."""
        if tag == "title":
            if self.title is None:
                self.title = node
        elif tag == "base":
            if self.base_href is None and "href" in attributes:
                self.base_href = attributes["href"] or ""
        elif tag == "meta":
            name, content = attributes.get("name"), attributes.get("content")
            if name and content:
                self.metas.append((name, content))
        elif self.canonical_href is None:
            href, rel = attributes.get("href"), attributes.get("rel")
            if href and rel and "canonical" in rel.lower().split():
                self.canonical_href = href
