"""Which part of a profile holds for links to one URL."""

from __future__ import annotations

from functools import lru_cache

from audit.profile import Profile, Section
from crawler.urls import canonical_url, fold_page


def section_of(profile: Profile, url: str) -> Section:
    """The first page of the profile that a canonical URL is a spelling of, else the whole.

    Pages are told apart as questions do it: http and https, ``www.``, one final slash and tracking parameters make no
    difference.
    """
    wanted = _folded(url)
    return next((one for one in profile.pages if one.url is not None and _folded(one.url) == wanted), profile.whole)


@lru_cache(maxsize=10_000)
def _folded(url: str) -> str:
    return fold_page(canonical_url(url), query="tracking")
