"""The first part of a document or of its links, where all of it would be too much (pure)."""

from __future__ import annotations

import re

from storage.records import PageRecord

SHARE = 16
"""One part in so many is left of a document that could not be taken apart: a 256th of the time, where that grows with
the square."""
LEAST = 4_096
"""Bytes that are left of it at least."""
MOST_CHARACTERS = 6 * 1024 * 1024
"""Characters of the targets of a page's links together. Each relative one repeats the address of the page or its base:
10,000 links of a page of 150 KB were 80 MB, and 700 MB while their record was made."""
_LINK_START = re.compile(rb"<[aA](?:[rR][eE][aA])?[\t\n\f\r />]")


def beginning(body: bytes) -> bytes:
    """The first part of a document."""
    return body[: max(len(body) // SHARE, LEAST)]


def without_late_links(body: bytes, most: int) -> bytes:
    """A document up to the ``<a`` or ``<area`` that comes after twice as many as may be kept; most are whole then.

    Some of them may stand in comments or scripts, or have no ``href``: `first_links` counts exactly, afterwards.
    """
    if body.count(b"<") <= 2 * most:
        return body
    for number, found in enumerate(_LINK_START.finditer(body)):
        if number == 2 * most:
            return body[: found.start()]
    return body


def first_links(page: PageRecord, most: int) -> PageRecord:
    """A page with its first ``<a href>`` only; the same page if none of its links is too much.

    Args:
        most: how many may stay, links and skipped ones together; fewer where their targets are longer together than
            `MOST_CHARACTERS`.
    """
    end = _end_of_room(page)
    if end is None and len(page.links) + len(page.skipped) <= most:
        return page
    end = most if end is None else min(end, most)
    return page._replace(
        links=tuple(link for link in page.links if link.ordinal < end),
        skipped=tuple(skip for skip in page.skipped if skip.ordinal < end),
    )


def _end_of_room(page: PageRecord) -> int | None:
    """The ordinal of the first link whose target is too much beside those before; None: there is none."""
    if sum([len(link.target.url) for link in page.links]) <= MOST_CHARACTERS:
        return None
    left = MOST_CHARACTERS
    for link in page.links:
        left -= len(link.target.url)
        if left < 0:
            return link.ordinal
    return None
