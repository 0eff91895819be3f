"""Distributions over the classes, and over views that sum several; what competitors usually have."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from audit import anchor_sums as sums
from audit.anchor_audit import VIEWS, ClassShare
from audit.anchor_class import CLASSES
from audit.anchor_sums import Ints, Sums
from audit.measures import wilson

CLASS_PLACE = {name: place for place, name in enumerate(CLASSES)}


def distribution(page: Ints, domain: Ints, classes: Ints) -> tuple[tuple[ClassShare, ...], tuple[ClassShare, ...]]:
    """Classes and views of the links given."""
    counted = sums.sums(classes, len(CLASSES), page, domain)
    pages, domains = len(sums.distinct(page)), len(sums.distinct(domain))
    found = tuple(_share(name, one, len(classes), pages, domains) for name, one in zip(CLASSES, counted, strict=True))
    views = []
    for name, members in VIEWS.items():
        places = [CLASS_PLACE[member] for member in members]
        several = [counted[place] for place in places]
        whole = Sums(
            sum(one.links for one in several),
            several[0].pages if len(several) == 1 else sums.in_any(classes, places, page),
            several[0].domains if len(several) == 1 else sums.in_any(classes, places, domain),
            sum(one.pages_split for one in several),
            sum(one.domains_split for one in several),
        )
        views.append(_share(name, whole, len(classes), pages, domains))
    return found, tuple(views)


def _share(name: str, one: Sums, links: int, pages: int, domains: int) -> ClassShare:
    return ClassShare(
        name=name,
        links=one.links,
        pages=one.pages,
        domains=one.domains,
        share_links=one.links / links if links else 0.0,
        share_pages_split=one.pages_split / pages if pages else 0.0,
        share_domains_split=one.domains_split / domains if domains else 0.0,
        interval=wilson(one.domains_split, domains),
    )


def medians_of(rivals: Sequence[Sequence[ClassShare]]) -> dict[str, float]:
    """Of each class (or view) the median share by referring domains."""
    return {
        several[0].name: median(one.share_domains_split for one in several) for several in zip(*rivals, strict=True)
    }
