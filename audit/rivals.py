"""How a competitor's anchors are judged beside one's own: by its names, and by one's own keywords.

A share of exact anchors says something about two sites only where both are held against the same keywords.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from audit.profile import Profile, Section


def keywords_of(profile: Profile, *more: str) -> tuple[str, ...]:
    """Every keyword of a profile, of all its pages, and some more; each once, in this order."""
    every = (word for section in profile.sections for word in section.keywords)
    return tuple(dict.fromkeys((*more, *every)))


def with_keywords(profile: Profile, words: Iterable[str]) -> Profile:
    """The same profile, with further keywords in every section: a query is one for the page it is asked of."""
    words = tuple(words)

    def grown(section: Section) -> Section:
        return replace(section, keywords=tuple(dict.fromkeys((*words, *section.keywords))))

    return replace(profile, whole=grown(profile.whole), pages=tuple(grown(page) for page in profile.pages))


def as_rival(own: Profile, rival: Profile) -> Profile:
    """A competitor's profile for a comparison with ``own``: its names and hosts, one's own keywords and thresholds.

    Its own keywords are left out: what it wants to be found for beyond the comparison is not the question.
    """
    whole = replace(rival.whole, keywords=keywords_of(own))
    return replace(
        rival,
        whole=whole,
        pages=(),
        languages=rival.languages or own.languages,
        generic=(*rival.generic, *own.generic),
        thresholds=own.thresholds,
    )
