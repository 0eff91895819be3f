"""Readings drawn at random, for laws that hold of any history."""

from __future__ import annotations

from random import Random

from readings import failed, link, reading, url

from storage.records import Hop, Reading

PAGES = ("https://a.example/", "https://b.example/", "https://c.example/")
TARGETS = ("https://shop.example/", "https://shop.example/2", "https://other.example/", "https://third.example/")


def drawn(random: Random, at: int, *, plain: bool, moves: bool) -> Reading:
    """Anything that may be heard of one of three pages.

    Args:
        plain: documents as a server sends them, never filtered, rendered or from archive metadata.
        moves: permanent redirects from one of the pages to another.
    """
    page, kind = random.choice(PAGES), random.random()
    links = [
        link(random.choice(TARGETS), random.choice("abcde"), hidden=random.random() < 0.1)
        for _ in range(random.choice((0, 1, 2, 3, 5, 6, 7, 8)))
    ]
    if kind < 0.1 and not plain:
        return reading(page, links, at, method=random.choice(("rendered", "wat", "archive")))
    if kind < 0.15 and not plain:
        return reading(page, links, at, targets=random.choice((("shop.example",), ("other.example", "third.example"))))
    if kind < 0.3:
        return reading(page, links, at, outcome=random.choice(("partial", "suspect")))
    if kind < 0.4:
        return failed(page, at, random.choice((500, 404, 410)))
    if kind < 0.5:
        asked = random.choice([one for one in PAGES if one != page])
        status = random.choice((301, 302, 308)) if moves else 302
        return reading(page, links, at, requested=asked, chain=(Hop(url(asked), status),))
    return reading(page, links, at)
