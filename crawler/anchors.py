"""The words of a link: which of its parts speak for it, and how they are written.

Order: visible text, the alts of the images inside, aria-label, title, SVG title. Sources: alt and title as anchor text,
https://developers.google.com/search/docs/crawling-indexing/links-crawlable#anchor-text; aria-label before title,
https://www.w3.org/TR/accname-1.2/#computation-steps. docs/extraction.md explains each rule.
"""

from __future__ import annotations

import re

from storage.records import Anchor, AnchorParts

_ASCII_SPACE = re.compile(r"[\t\n\f\r ]+")

BLANKS = (
    "\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"  # White_Space, https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3164\ufeff\uffa0"  # Default_Ignorable_Code_Point
)
"""Characters that nobody sees: a text of nothing else is no text."""


def collapse_space(text: str) -> str:
    """Write ASCII white space as single spaces, none at the ends; no-break and other spaces stay.

    Source: https://infra.spec.whatwg.org/#strip-and-collapse-ascii-whitespace
    """
    return _ASCII_SPACE.sub(" ", text).strip(" ")


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: empty, or only white space, no-break and zero-width characters."""
    return not text.strip(BLANKS)


def anchor_of(parts: AnchorParts) -> Anchor:
    """Choose the words of a link from its parts: the first that is not blank, and its name."""
    text = parts.text
    if text and not is_blank(text):
        return Anchor(text, "text")
    if parts.alts:
        alts = " ".join(collapse_space(alt) for alt in parts.alts if not is_blank(alt))
        if alts:
            return Anchor(alts, "img_alt")
    if parts.aria_label and not is_blank(parts.aria_label):
        return Anchor(collapse_space(parts.aria_label), "aria_label")
    if parts.title and not is_blank(parts.title):
        return Anchor(collapse_space(parts.title), "title")
    if parts.svg_title and not is_blank(parts.svg_title):
        return Anchor(collapse_space(parts.svg_title), "svg_title")
    return NO_ANCHOR


NO_ANCHOR = Anchor("", "none")
