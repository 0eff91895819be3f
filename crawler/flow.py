"""The text of a page as one string, with the places of links and block borders in it.

The walk over the tree (crawler.walk) leaves a list of text parts in document order, a `BORDER` wherever a block begins
or ends, and a `MARK` for each event. White space is collapsed once for the whole page, not per link; anchors and
contexts are slices.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, repeat

MARK = "\0"
"""Stands for one event. The HTML parser never leaves U+0000 in text: it is dropped or becomes U+FFFD.
Source: https://html.spec.whatwg.org/multipage/parsing.html#parsing-main-inbody"""

_EDGE = "\x01"
BORDER = f" {_EDGE} "
"""Where a block begins or ends: white space, and a sign that contexts show as ``¶``."""

POINT_EVENT, END_EVENT, HIDE_EVENT, SHOW_EVENT = 0, 1, 2, 3
"""Kinds of events: a place in the text, the end of a link, and where hidden text begins and ends."""

CONTEXT_WORDS = 50
CONTEXT_CHARACTERS = 600
"""Bound of a context in scripts that write no spaces between words."""

BORDER_SIGN = "¶"


class Flow:
    """One string of collapsed text with the borders in it. A page has two: what is shown and what is hidden."""

    __slots__ = ("_bordered", "_marked", "_starts", "_walls")

    def __init__(self, bordered: str, walls: list[int]) -> None:
        """
        Args:
            bordered: words with single spaces between them, `_EDGE` standing for a word where a block begins or ends.
            walls: places, in order, that no context reaches across.
        """
        self._bordered = bordered
        self._marked = bordered.rstrip(_TRIMMED).ljust(len(bordered)).replace(_EDGE, BORDER_SIGN)
        self._walls = walls
        self._starts: list[int] = []

    @property
    def text(self) -> str:
        """The text alone."""
        return self.piece(0, len(self._bordered))

    def piece(self, begin: int, end: int) -> str:
        """The text between two places, without borders and without spaces at its ends."""
        text = self._bordered[begin:end].strip(_TRIMMED)
        return text.replace(BORDER, " ") if _EDGE in text else text

    def pieces(self, begins: list[int], ends: list[int]) -> list[str]:
        """`piece` for many places."""
        bordered = self._bordered
        texts = [bordered[begin:end].strip(_TRIMMED) for begin, end in zip(begins, ends, strict=True)]
        return [text.replace(BORDER, " ") if _EDGE in text else text for text in texts]

    def before(self, places: list[int]) -> list[str]:
        """For each place up to 50 words that end there, each block's border between them marked ``¶``."""
        text, starts = self._marked, self._word_starts()
        begin_of = ([0] * CONTEXT_WORDS + starts).__getitem__
        begins = list(map(begin_of, map(bisect_left, repeat(starts), places)))
        if self._walls:
            walls = [0, *self._walls]
            begins = [max(at, walls[bisect_left(walls, end + 1) - 1]) for at, end in zip(begins, places, strict=True)]
        most = CONTEXT_CHARACTERS
        return [
            text[at if end - at <= most else end - most : end].strip(" ")
            for at, end in zip(begins, places, strict=True)
        ]

    def after(self, places: list[int]) -> list[str]:
        """For each place up to 50 words that begin there; see `before`."""
        text, starts = self._marked, self._word_starts()
        length = len(text)
        end_of = [*starts[CONTEXT_WORDS:], *[length] * (CONTEXT_WORDS + 1)].__getitem__
        ends = list(map(end_of, map(bisect_left, repeat(starts), places)))
        if self._walls:
            walls = [*self._walls, length]
            ends = [min(end, walls[bisect_left(walls, at)]) for at, end in zip(places, ends, strict=True)]
        most = CONTEXT_CHARACTERS
        return [
            text[at : end if end - at <= most else at + most].strip(" ") for at, end in zip(places, ends, strict=True)
        ]

    def _word_starts(self) -> list[int]:
        """Where each word begins; made when first asked for. A border sign is counted with the word before it."""
        if not self._starts:
            words = self._bordered.replace(_SPACED_EDGE, _GLUED_EDGE).replace(" ", _CUT_AFTER_SPACE).split(MARK)
            self._starts = [0, *accumulate(map(len, words))]
        return self._starts


_TRIMMED = f" {_EDGE}"
_SPACED_EDGE = f" {_EDGE}"
_GLUED_EDGE = 2 * _EDGE
_BORDER_END = f"{_EDGE} "
_DOUBLE_EDGE = f"{_EDGE} {_EDGE}"
_CUT_AFTER_SPACE = f" {MARK}"


def collapse(parts: list[str], events: bytes | bytearray) -> tuple[Flow, Flow, list[int]]:
    """Join the parts of a page's text and collapse its ASCII white space.

    Args:
        parts: texts, `MARK` and `BORDER` in document order; as many marks as there are events.
        events: the kind of each event.
    Returns:
        (shown, hidden, places): for each event its place in the text it stands in.
    Source: https://html.spec.whatwg.org/multipage/dom.html#dom-innertext, https://infra.spec.whatwg.org/#ascii-whitespace
    """
    raw = "".join(parts)
    if "\v" in raw:  # white space to bytes.split, not to HTML
        raw = raw.replace("\v", "\ufffd")
    if raw.count(_EDGE) != parts.count(BORDER):
        clean = (part if part is BORDER else part.replace(_EDGE, "\ufffd").replace("\v", "\ufffd") for part in parts)
        raw = "".join(clean)
    words = b" ".join(raw.encode("utf-8", "replace").split()).decode("utf-8")
    while _DOUBLE_EDGE in words:  # borders with nothing but white space between them
        words = words.replace(_DOUBLE_EDGE, _EDGE)
    chunks = words.split(MARK)
    places: list[int] = []
    place = places.append
    text: list[str] = []
    at, spaced, bordered = 0, True, True
    other: tuple[list[str], int, bool, bool] = ([], 0, True, True)
    walls: list[int] = []
    ended: list[int] = []
    for chunk, event in zip(chunks, [*events, POINT_EVENT], strict=True):
        if chunk:
            if spaced:
                if chunk[0] == " ":
                    chunk = chunk[1:]
                if bordered and chunk[:1] == _EDGE:
                    chunk = chunk[2:]
                    for number in ended:  # links without text, right behind a border: theirs, too, is before this one
                        places[number] = at - 2
            if chunk:
                ended.clear()
                text.append(chunk)
                at += len(chunk)
                spaced = chunk[-1] == " "
                bordered = spaced and chunk[-2:] == _BORDER_END
        if event == END_EVENT:
            if bordered and at:
                ended.append(len(places))
        elif event != POINT_EVENT:
            ended.clear()
            if event == SHOW_EVENT:
                walls.append(at)
            here = (text, at, spaced, bordered)
            text, at, spaced, bordered = other
            other = here
            if event == HIDE_EVENT:
                walls.append(at)
        place(at)
    return Flow("".join(text), []), Flow("".join(other[0]), walls), places
