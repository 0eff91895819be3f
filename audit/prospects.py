"""How the pages of a list link out: what somebody looks at before asking for a link there (pure)."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from audit.languages import language_of
from audit.page_dates import Dated, newest
from audit.topics import topics_in
from storage.records import PageRecord

_ADDRESS = re.compile(
    r"(?<![\w.+@-])[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(?![\w@-])",
    re.IGNORECASE,
)
_FILES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif", ".css", ".js", ".mp4", ".pdf", ".html")
"""``icon@2x.png`` is no address."""


class Links(NamedTuple):
    """Numbers of external links; the later ones count among the first."""

    external: int = 0
    in_main: int = 0
    """In the main content, or in the plain body of a page where no link stands in marked main content."""
    followed: int = 0
    sponsored: int = 0
    """Carrying the rel token; so the next two."""
    ugc: int = 0
    nofollow: int = 0
    commercial: int = 0
    """With words or a host of a commercial topic."""
    commercial_followed: int = 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How one page links out."""

    links: Links
    topics: Counter[str]
    """External links by commercial topic; a link may have several."""
    newest: Dated | None
    lang: str | None
    """As the page states it."""
    indexable: bool
    emails: tuple[str, ...]
    """Published on the page, in lower case, by name."""


@dataclass(frozen=True, slots=True)
class Rated:
    """How the read pages of one prospect link out, together. Shares are of their external links; None without any."""

    pages: int
    links: Links
    main_mean: float | None
    """External links in the main content, a page."""
    main_median: float | None
    share_followed: float | None
    share_sponsored: float | None
    share_ugc: float | None
    share_nofollow: float | None
    marks_paid: bool | None
    """Whether any external link is marked ``sponsored``. False does not say that paid links stand there unmarked."""
    share_commercial: float | None
    topics: Counter[str]
    newest: Dated | None
    languages: Counter[str]
    """Pages by the language they state, in lower case, without country."""
    share_indexable: float | None
    emails: tuple[str, ...]


def outgoing(page: PageRecord, *, at: int, last_modified: str | None) -> Outgoing:
    """Judge one page as it was read.

    Args:
        at: when that was, milliseconds since 1970, UTC: no date after it is believed.
        last_modified: the header, as it was sent.
    """
    external = [link for link in page.links if not link.internal]
    # Many pages mark no main content: there it is what no landmark claims.
    main = "main" if any(link.placement == "main" for link in page.links) else "body"
    topics = [topics_in(f"{link.anchor.text} {link.target.host}") for link in external]
    return Outgoing(
        links=Links(
            external=len(external),
            in_main=sum(link.placement == main for link in external),
            followed=sum(link.followed for link in external),
            sponsored=sum("sponsored" in link.rel for link in external),
            ugc=sum("ugc" in link.rel for link in external),
            nofollow=sum("nofollow" in link.rel for link in external),
            commercial=sum(map(bool, topics)),
            commercial_followed=sum(bool(of) and link.followed for link, of in zip(external, topics, strict=True)),
        ),
        topics=Counter(topic for of in topics for topic in of),
        newest=newest(page.text, path=page.url.path_key, at=at, last_modified=last_modified, lang=page.lang),
        lang=page.lang,
        indexable=page.indexable,
        emails=emails(page),
    )


def rated(pages: Sequence[Outgoing]) -> Rated:
    """Put the pages of one prospect together: shares over all their links, so that a page with many weighs more."""
    links = Links(*map(sum, zip(*(page.links for page in pages), strict=True))) if pages else Links()
    in_main = [page.links.in_main for page in pages]
    dates = [page.newest for page in pages if page.newest is not None]

    def share(number: int) -> float | None:
        return number / links.external if links.external else None

    return Rated(
        pages=len(pages),
        links=links,
        main_mean=statistics.fmean(in_main) if pages else None,
        main_median=float(statistics.median(in_main)) if pages else None,
        share_followed=share(links.followed),
        share_sponsored=share(links.sponsored),
        share_ugc=share(links.ugc),
        share_nofollow=share(links.nofollow),
        marks_paid=links.sponsored > 0 if links.external else None,
        share_commercial=share(links.commercial),
        topics=sum((page.topics for page in pages), Counter()),
        newest=max(dates, key=lambda one: (one.day, one.origin)) if dates else None,
        languages=Counter(code for page in pages if (code := language_of(page.lang))),
        share_indexable=sum(page.indexable for page in pages) / len(pages) if pages else None,
        emails=tuple(sorted({one for page in pages for one in page.emails})),
    )


def emails(page: PageRecord) -> tuple[str, ...]:
    """Addresses that stand on the page: in ``mailto:`` links and in its kept text. None is put together or guessed."""
    return tuple(sorted({one.lower() for one in _addresses(page) if not one.lower().endswith(_FILES)}))


def _addresses(page: PageRecord) -> Iterable[str]:
    for one in page.skipped:
        scheme, _, rest = one.raw_href.strip().partition(":")
        if scheme.lower() == "mailto":
            to = unquote(rest.partition("?")[0])
            yield from (name for part in to.split(",") if _ADDRESS.fullmatch(name := part.strip()))
    yield from _ADDRESS.findall(page.text)
