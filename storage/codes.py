"""How enumerated facts are written as small integers in narrow rows: frozen, only ever extended."""

from __future__ import annotations

from storage.records import AnchorSource, Element, FollowCause, Indexability, OutcomeState, Placement, VisitMethod

PLACEMENTS: tuple[Placement, ...] = ("body", "main", "nav", "header", "footer", "aside")
ELEMENTS: tuple[Element, ...] = ("a", "area", "svg_a")
ANCHOR_SOURCES: tuple[AnchorSource, ...] = ("none", "text", "img_alt", "aria_label", "title", "svg_title")
OUTCOMES: tuple[OutcomeState, ...] = (
    "pending", "fetched", "partial", "suspect", "blocked", "refused", "failed", "skipped",
)  # fmt: skip
METHODS: tuple[VisitMethod, ...] = ("raw", "rendered", "archive", "wat")
LOST_CAUSES = ("", "removed", "page_not_found", "page_redirected", "moved", "reread")
"""Why a link is lost. ``moved``: its page redirects to another, on which it was found again; ``reread``: the same
document taken apart by other rules shows that it never stood."""
BEGAN = ("link_added", "page_first_seen", "restored", "changed", "moved", "reread")
"""Why a version of a link or of its anchor begins. ``page_first_seen``: no earlier visit could have seen it."""
SEEN_BY = ("raw", "rendered", "wat", "both")
"""Which documents have shown a link: as they were sent (raw), as scripts left them (rendered), both; ``wat``: only
archive metadata."""
INDEXABILITY: tuple[Indexability, ...] = ("meta_robots", "x_robots_tag", "canonical")

# Bits of link.follow_cause; 0 means followed. rel is split by token so that a count needs no text.
REL_NOFOLLOW, REL_UGC, REL_SPONSORED, META_NOFOLLOW, HEADER_NOFOLLOW = 1, 2, 4, 8, 16
REL_BITS = {"nofollow": REL_NOFOLLOW, "ugc": REL_UGC, "sponsored": REL_SPONSORED}
ANY_REL = REL_NOFOLLOW | REL_UGC | REL_SPONSORED
ANY_PAGE = META_NOFOLLOW | HEADER_NOFOLLOW


def follow_bits(rel: tuple[str, ...], causes: tuple[FollowCause, ...]) -> int:
    """The stored form of why a link is not followed."""
    bits = 0
    for token in rel:
        bits |= REL_BITS.get(token, 0)
    if "meta_robots" in causes:
        bits |= META_NOFOLLOW
    if "x_robots_tag" in causes:
        bits |= HEADER_NOFOLLOW
    return bits


def follow_causes(bits: int) -> tuple[FollowCause, ...]:
    """The causes a stored value stands for, in fixed order."""
    causes: list[FollowCause] = []
    if bits & ANY_REL:
        causes.append("rel")
    if bits & META_NOFOLLOW:
        causes.append("meta_robots")
    if bits & HEADER_NOFOLLOW:
        causes.append("x_robots_tag")
    return tuple(causes)
