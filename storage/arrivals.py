"""What comes in with a batch of readings: visits and misses of pages, and what they make of each page.   (pure)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from storage.codes import OUTCOMES
from storage.dictionaries import UrlRow
from storage.evidence import Record
from storage.lives import PAGE_NOT_FOUND, PAGE_REDIRECTED, RAW, SEEN_BY, Place
from storage.records import CanonicalUrl, Hop, PageRecord, Reading

_NOT_FOUND = (404, 410)
_PERMANENT = (301, 308)
_STATE = {name: code for code, name in enumerate(OUTCOMES)}


class KnownPage(NamedTuple):
    """A page as the ledger knows it before a batch."""

    id: int
    host_id: int
    domain_id: int
    first_ok: int | None
    last_ok: int | None
    last_visit_id: int | None
    attempted_at: int
    """0: never."""
    confirmed: bool
    indexable: bool | None
    links: int
    suspect_id: int | None
    plain: bool
    layout: str | None
    record_id: int | None
    """Record of the standing document."""
    read_links: int | None
    """Links in it: what ``links`` is too, unless the page has gone since."""
    rules_version: int | None
    content_hash: str | None

    @property
    def place(self) -> Place:
        return Place(self.id, self.host_id, self.domain_id)


class NewVisit(NamedTuple):
    """A visit about to be stored."""

    id: int
    reading: Reading
    page: PageRecord
    before: KnownPage
    record: Record


class NewMiss(NamedTuple):
    """A row of ``miss``: an attempt that brought no document of this page."""

    page_id: int
    at: int
    state: int
    cause: int
    moved_to: int | None


def misses_of(readings: Sequence[Reading], urls: Mapping[str, UrlRow]) -> Iterator[NewMiss]:
    """Attempts without a document: of every URL a redirect led away from, and of the last one if it gave none."""
    met: set[tuple[int, int]] = set()
    for reading in readings:
        final = answered(reading)
        final_id, state = urls[final.url].id, _STATE[reading.outcome]
        found: list[NewMiss] = []
        if reading.page is None:
            cause = PAGE_NOT_FOUND if _not_found(reading) else 0
            found.append(NewMiss(final_id, reading.at, state, cause, None))
        # Where the last redirect was not followed, the chain did not end: it led nowhere.
        ended = bool(reading.chain) and reading.chain[-1].url.url != final.url
        for hop in reading.chain or (Hop(reading.requested, 0),):
            if hop.url.url == final.url:
                continue
            away = ended and hop.status in _PERMANENT
            page_id = urls[hop.url.url].id
            found.append(
                NewMiss(page_id, reading.at, state, PAGE_REDIRECTED if away else 0, final_id if away else None)
            )
        for one in found:
            if one[:2] not in met:
                met.add(one[:2])
                yield one


def _not_found(reading: Reading) -> bool:
    """Whether the server said that the page itself is not there (any more)."""
    return reading.outcome == "failed" and reading.status in _NOT_FOUND


def own_urls(readings: Iterable[Reading]) -> Iterator[CanonicalUrl]:
    """Every URL a reading speaks of but the targets of its links."""
    for reading in readings:
        yield reading.requested
        if reading.final is not None:
            yield reading.final
        if reading.page is not None:
            yield reading.page.url
        for hop in reading.chain:
            yield hop.url
        for found in reading.discovered:
            yield found.url


def own_pages(readings: Iterable[Reading]) -> Iterator[CanonicalUrl]:
    """Every URL that was attempted."""
    for reading in readings:
        yield reading.requested
        yield answered(reading)
        for hop in reading.chain:
            yield hop.url


def answered(reading: Reading) -> CanonicalUrl:
    """The page that a reading speaks of: the last URL asked."""
    return reading.page.url if reading.page else reading.final or reading.requested


def in_order(page: KnownPage, read: Sequence[NewVisit], missed: Sequence[NewMiss]) -> bool:
    """Whether what is new of a page only goes on from where it stands; else its history is told again."""
    whole = [visit for visit in read if visit.reading.whole]
    closing = [miss for miss in missed if miss.cause]
    if not whole and not closing:
        return True
    newer = all(visit.reading.at > page.attempted_at for visit in whole) and all(
        miss.at > page.attempted_at for miss in closing
    )
    if not newer or not page.plain:
        return False
    if not whole and not page.links and page.suspect_id is None:
        return True  # nothing to close
    if len(whole) + len(closing) > 1:
        return False
    if closing:
        return True
    reading = whole[0].reading
    if page.suspect_id is not None and reading.outcome == "suspect":
        return False  # the two agree
    return reading.targets is None and SEEN_BY[reading.method] == RAW


def settled_at(page: KnownPage) -> int:
    """A date after which nothing has changed the links of a plain page: failures and lone suspects do not."""
    if page.last_ok is None:
        return 0
    return page.last_ok if page.links else page.attempted_at


def attempted(page: KnownPage, at: int, complete: bool) -> KnownPage:
    if at < page.attempted_at:
        return page
    # Of one date, a miss comes after a visit.
    return page._replace(attempted_at=at, confirmed=complete and (at > page.attempted_at or page.confirmed))


def read(page: KnownPage, visit: NewVisit) -> KnownPage:
    """A page whose latest complete visit this is."""
    at = visit.reading.at
    return page._replace(
        first_ok=at if page.first_ok is None else page.first_ok,
        last_ok=at,
        last_visit_id=visit.id,
        indexable=visit.page.indexable,
        suspect_id=None,
    )
