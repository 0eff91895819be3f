"""Where in the tree an element stands, and all that follows from its place and tag alone, worked out once.

Elements of the same tags on the way down to them share one `Spot`: the hundred ``li > a`` of a list are two spots.
So the DOM path, the landmark and what is shown cost nothing per link.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from crawler.placement import Place, is_scope, landmark_of
from crawler.rendering import (
    BLOCK,
    DETAILS,
    DIALOG,
    HTML_BLOCKS,
    HTML_INSIDE,
    HTML_KINDS,
    INLINE,
    LANDMARK,
    MATH,
    MATH_KINDS,
    NO_STYLE,
    NO_TEXT,
    NOT_SHOWN,
    NOT_SHOWN_TAGS,
    SUMMARY,
    SVG,
    SVG_BLOCKS,
    SVG_KINDS,
    SVG_TITLE,
    Kinds,
    style_of,
)

Attributes = Mapping[str, str | None]

# What is left to do when an element ends.
END_BORDER, END_LINK, END_HEADING, END_STATE, END_DETAILS, END_SPACE, END_TITLE = 1, 2, 4, 8, 16, 32, 64

MAX_PATH_STEPS = 64
"""A DOM path names so many elements at most: of deeper ones the outer quarter and the inner rest."""
_OUTER_STEPS = MAX_PATH_STEPS // 4
_CUT = "/\u2026/"
_LONGEST_STEP = 60


class State(NamedTuple):
    """What holds for everything inside an element, until another element changes it."""

    kinds: Kinds
    landmark: Place | None
    scoped: bool
    """Whether a header or footer in here is that of an article or section, not the page's."""
    not_shown: bool
    invisible: bool
    hidden: bool
    """Either of the two: what stands in here is not seen."""


class Spot:
    """One place in the tree. Shared by elements, except where attributes make one different from its siblings."""

    __slots__ = ("_seen_summary", "_unusual", "depth", "ending", "inside", "kind", "path", "state", "tag")

    kind: int
    """What the walk has to do here: a constant of crawler.rendering."""
    ending: int
    """What is left to do at the end of the element, as far as its spot decides it: END_ constants."""
    inside: dict[int, Spot]
    """Spots of elements in here by lexbor's number of their tag, of those without telling attributes."""
    path: str
    """Tag names from ``html`` down to here."""

    def __init__(self, tag: str, kind: int, ending: int, depth: int, path: str, state: State) -> None:
        # A spot does not know its parent: the tree of spots must hold no cycle, so that it goes when its page is done.
        self.tag = tag
        self.kind = kind
        self.ending = ending
        self.depth = depth
        self.path = path
        self.state = state
        self.inside = {}

    @classmethod
    def document(cls) -> Spot:
        """The spot that the root element stands in."""
        return cls("", INLINE, 0, 0, "", State(HTML_KINDS, None, False, False, False, False))

    def enter(self, tag_id: int, tag: str) -> Spot:
        """Make the shared spot of the elements of one tag in here."""
        state = self.state
        kind = state.kinds.get(tag, INLINE)
        if kind > NO_TEXT and kind not in (DETAILS, SUMMARY):  # those two are no two alike: see enter_with
            spot = self._spot(tag, kind, {})
        elif tag[:1] == "-":  # lexbor's name for a comment
            spot = Spot(tag, NO_TEXT, 0, 0, "", state)
        else:
            spot = Spot(tag, kind, END_BORDER if kind == BLOCK else 0, self.depth + 1, self._path_of(tag), state)
        self.inside[tag_id] = spot
        return spot

    def enter_with(self, usual: Spot, attributes: Attributes) -> Spot:
        """The spot of an element in here that its attributes may make different from the usual one of its tag."""
        if usual.kind in (DETAILS, SUMMARY):
            return self._spot(usual.tag, usual.kind, attributes)
        key = (
            usual.tag,
            attributes.get("style"),
            attributes.get("role"),
            "hidden" in attributes,
            "popover" in attributes,
            "open" in attributes,
        )
        try:
            return self._unusual[key]
        except AttributeError:
            self._unusual: dict[tuple[str, str | None, str | None, bool, bool, bool], Spot] = {}
        except KeyError:
            pass
        plain = not any(key[2:]) and style_of(key[1] or "") is NO_STYLE
        spot = self._unusual[key] = usual if plain else self._spot(usual.tag, usual.kind, attributes)
        return spot

    def _path_of(self, tag: str) -> str:
        """The DOM path of an element in here; of deep ones without the middle."""
        step = tag if len(tag) <= _LONGEST_STEP else tag[:_LONGEST_STEP]
        if 0 < self.depth < MAX_PATH_STEPS:
            return f"{self.path}/{step}"
        if self.depth == 0:
            return step
        outer, cut, inner = self.path.partition(_CUT)
        if not cut:
            steps = self.path.split("/")
            outer, inner = "/".join(steps[:_OUTER_STEPS]), "/".join(steps[_OUTER_STEPS:])
        return f"{outer}{_CUT}{inner.partition('/')[2]}/{step}"

    def _spot(self, tag: str, kind: int, attributes: Attributes) -> Spot:
        """Make the spot of an element whose kind or attributes change what holds inside it."""
        kinds, landmark, scoped, not_shown, invisible, was_hidden = self.state
        block = tag in (HTML_BLOCKS if kinds is HTML_KINDS else SVG_BLOCKS)
        display: str | None = None
        if kind == SUMMARY and self.ending & END_DETAILS and not hasattr(self, "_seen_summary"):
            self._seen_summary = True
            not_shown = False
        if style := attributes.get("style"):
            display, visible, content_hidden = style_of(style)
            block = block if display is None else display == "block"
            not_shown = not_shown or display == "none" or content_hidden
            invisible = invisible if visible is None else not visible
        if display is None:
            not_shown = (
                not_shown
                or "hidden" in attributes
                or "popover" in attributes
                or (kind >= NOT_SHOWN and tag in NOT_SHOWN_TAGS)
                or (kind == DIALOG and "open" not in attributes)
            )
        role = attributes.get("role")
        if kind == LANDMARK or role:
            landmark = landmark_of(tag, role, scoped=scoped) or landmark
            scoped = scoped or is_scope(tag, role)
        if kind == SVG:
            kinds = SVG_KINDS
        elif kind == MATH:
            kinds = MATH_KINDS
        elif kind in (HTML_INSIDE, SVG_TITLE):
            kinds = HTML_KINDS
        ending = END_BORDER if block else 0
        if kind == DETAILS and "open" not in attributes and not not_shown and not invisible:
            not_shown = True
            ending = END_DETAILS
        hidden = not_shown or invisible
        if hidden is not was_hidden:
            ending |= END_STATE
        state = State(kinds, landmark, scoped, not_shown, invisible, hidden)
        return Spot(tag, kind, ending, self.depth + 1, self._path_of(tag), self.state if state == self.state else state)
