"""A page that answered 304: the kept record, judged by the headers it is served with now (pure).

The document is the one whose validators were sent. Its headers are those kept with it, each replaced where the
304 answer carries one of the same name: a robots directive in them may have come or gone.
Source: https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5 and https://www.rfc-editor.org/rfc/rfc9111#section-3.2
"""

from __future__ import annotations

from crawler.directives import ALL_AGENTS, crawlers, judge, page_directives
from crawler.page import Headers, canonical_of
from crawler.urls import Base
from storage.records import FollowCause, Indexability, Link, PageRecord

KEPT_HEADERS = ("X-Robots-Tag", "Link", "Content-Language", "Content-Type")
"""What a visit keeps of an answer's headers, in the order it keeps them."""
_ORDER = {name.lower(): place for place, name in enumerate(KEPT_HEADERS)}


def knows(judge_as: str) -> bool:
    """Whether a kept record holds every directive that counts for this crawler.

    Metas for a crawler nobody has heard of are recorded only where the page was read for that crawler, so such a
    page must be read again.
    """
    return judge_as.strip().lower() in ALL_AGENTS | crawlers()


def still(record: PageRecord, kept_headers: Headers, carried_headers: Headers, judge_as: str) -> PageRecord:
    """The page as `crawler.page.parse_page` would read it from the same document and the headers of today.

    Args:
        record: the page as it was recorded.
        kept_headers: (name, value) pairs kept with that visit.
        carried_headers: those of the 304 answer; only the names that a visit keeps.
        judge_as: the crawler whose robots directives count beside those for all; see `knows`.
    """
    headers = merged(kept_headers, carried_headers)
    metas = tuple(directive for directive in record.robots if directive.cause == "meta_robots")
    directives = (*metas, *page_directives((), headers, agents=(judge_as,)))
    blocked, nofollow = judge(directives, judge_as)
    canonical, source = record.canonical, record.canonical_source
    if source != "element":
        canonical, source = canonical_of(None, headers, Base(record.base))
    not_indexable: tuple[Indexability, ...] = blocked
    if canonical is not None and canonical != record.url.url:
        not_indexable = (*blocked, "canonical")
    return record._replace(
        robots=directives,
        not_indexable=not_indexable,
        nofollow=nofollow,
        canonical=canonical,
        canonical_source=source,
        links=tuple(_judged(link, nofollow) for link in record.links),
    )


def merged(kept: Headers, carried: Headers) -> tuple[tuple[str, str], ...]:
    """Kept headers with those that are carried in place of the kept ones of the same name, in a visit's order."""
    names = {name.lower() for name, _ in carried}
    pairs = [*(pair for pair in kept if pair[0].lower() not in names), *carried]
    return tuple(sorted(pairs, key=lambda pair: _ORDER.get(pair[0].lower(), len(_ORDER))))


def _judged(link: Link, nofollow: tuple[FollowCause, ...]) -> Link:
    own: tuple[FollowCause, ...] = ("rel",) if "rel" in link.follow_cause else ()
    causes = own + nofollow
    return link if causes == link.follow_cause else link._replace(follow_cause=causes)
