"""The first part of a document or of its links, where all of it would be too much (pure)."""

from __future__ import annotations

import re

from storage.records import PageRecord

SHARE = 16
"""One part in so many is left of a document that could not be taken apart: a 256th of the time, where that grows with
the square."""
LEAST = 4_096
"""Bytes that are left of it at least."""
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
    """A page with its first ``<a href>`` only, links and skipped ones together; the same page if it has no more."""
    if len(page.links) + len(page.skipped) <= most:
        return page
    return page._replace(
        links=tuple(link for link in page.links if link.ordinal < most),
        skipped=tuple(skip for skip in page.skipped if skip.ordinal < most),
    )
