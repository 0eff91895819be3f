"""From two readings of a page, as it was sent and as scripts left it, to the one that the store gets.   (pure)

The document as sent comes first, with its own values, so that a page reads the same with a browser and without one;
what only scripts made follows it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from storage.align import align
from storage.records import FollowCause, Indexability, Link, PageRecord, Reading, SkippedHref

T = TypeVar("T")


def worth_rendering(reading: Reading) -> bool:
    """Whether scripts may add to a page: one that was read whole, and is no challenge, wall or parked domain."""
    return reading.page is not None and (
        reading.outcome == "fetched"
        or (reading.outcome == "suspect" and (reading.reason or "").startswith("empty_shell"))
    )


def rendered_reading(raw: Reading, rendered: Reading, *, max_links: int) -> Reading | str:
    """One reading of both documents of a page, or why there is none: the document as it was sent stands alone then.

    A partial reading of both would open no links, not even those that were sent.

    Args:
        raw: of the document as it was sent; its response facts stay.
        rendered: of the document as scripts left it.
    """
    if raw.page is None or rendered.page is None or rendered.outcome not in ("fetched", "suspect"):
        return rendered.reason or rendered.outcome
    page = union(raw.page, rendered.page)
    if len(page.links) > max_links:
        return "links"
    # A shell is judged anew; any other page was judged as it was sent.
    judged = rendered if raw.outcome == "suspect" else raw
    return replace(raw, outcome=judged.outcome, reason=judged.reason, page=page, method="rendered")


def union(raw: PageRecord, rendered: PageRecord) -> PageRecord:
    """What a page says in either of its two documents.

    Args:
        raw: the document as it was sent.
        rendered: the same page after its scripts ran.
    Returns:
        PageRecord of the same URL. ``links`` are those of ``raw`` in their order and with their values, seen ``both``
        or ``raw``, then those only ``rendered`` has, seen ``rendered``, with the next ordinals; ``skipped`` likewise.
        Links to one target are paired by equal words first, then in order. Title, headings, canonical URL, language
        and text are those of ``rendered``. A robots directive of either counts, for every link.
    """
    nofollow = _either(raw.nofollow, rendered.nofollow)
    partners = _partners(raw.links, rendered.links)
    links = [
        _bound(link._replace(seen="both" if place in partners else "raw"), nofollow)
        for place, link in enumerate(raw.links)
    ]
    paired = set(partners.values())
    known = Counter((one.raw_href, one.reason) for one in raw.skipped)
    skipped = list(raw.skipped)
    made: list[Link | SkippedHref] = [link for place, link in enumerate(rendered.links) if place not in paired]
    for one in rendered.skipped:
        if known[one.raw_href, one.reason]:
            known[one.raw_href, one.reason] -= 1
        else:
            made.append(one)
    taken = [link.ordinal for link in raw.links] + [one.ordinal for one in raw.skipped]
    first = max(taken, default=-1) + 1
    made.sort(key=lambda one: one.ordinal)
    for ordinal, found in enumerate(made, first):
        if isinstance(found, Link):
            links.append(_bound(found._replace(ordinal=ordinal, seen="rendered"), nofollow))
        else:
            skipped.append(found._replace(ordinal=ordinal))
    blocked = _either(raw.not_indexable, rendered.not_indexable)
    not_indexable: tuple[Indexability, ...] = tuple(cause for cause in blocked if cause != "canonical")
    if rendered.canonical is not None and rendered.canonical != raw.url.url:
        not_indexable = (*not_indexable, "canonical")
    return raw._replace(
        title=rendered.title,
        h1=rendered.h1,
        h2=rendered.h2,
        canonical=rendered.canonical,
        canonical_source=rendered.canonical_source,
        robots=_either(raw.robots, rendered.robots),
        not_indexable=not_indexable,
        nofollow=nofollow,
        lang=rendered.lang,
        links=tuple(links),
        skipped=tuple(skipped),
        text=rendered.text,
    )


def _partners(raw: Sequence[Link], rendered: Sequence[Link]) -> dict[int, int]:
    """Place in ``raw`` -> place in ``rendered`` of the links that both documents show."""
    sides: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, links in enumerate((raw, rendered)):
        for place, link in enumerate(links):
            sides[link.target.url][side].append(place)
    words: dict[str, int] = {}
    partners = {}
    for ours, theirs in sides.values():
        if not ours or not theirs:
            continue
        ids = [
            [words.setdefault(links[place].anchor.text, len(words)) for place in places]
            for links, places in ((raw, ours), (rendered, theirs))
        ]
        partners.update({ours[left]: theirs[right] for left, right in align(*ids)})
    return partners


def _bound(link: Link, nofollow: tuple[FollowCause, ...]) -> Link:
    """The link under the page-level causes of both documents."""
    causes = _either(link.follow_cause, nofollow)
    return link if causes == link.follow_cause else link._replace(follow_cause=causes)


def _either(first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    return (*first, *(one for one in second if one not in first))
