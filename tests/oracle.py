"""What a ledger must hold, by docs/history.md: a model over full snapshots, simple and slow.

Every visit and every miss is kept in memory and replayed from the first one, as often as needed: once a page to find
out which suspects are confirmed, then all pages together by date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from oracle_page import Form, Life, Miss, Page, Version, Visit, Words, close, compare, paired, suspect

from storage.records import Reading

PERMANENT = (301, 308)
REDIRECTS = (*PERMANENT, 302, 303, 307)
GONE = (404, 410)
FRESH = ("link_added", "page_first_seen", "moved")


class Delivery(NamedTuple):
    """One reading as it was handed over."""

    reading: Reading
    rules: int = 1
    crawl: int | None = None


@dataclass(eq=False)
class Model:
    """Every page of a ledger after all deliveries, replayed from scratch."""

    pages: dict[str, Page]
    outcomes: list[tuple[Reading, Visit | None]]
    """Of every URL asked in a crawl, with the visit it led to."""
    snapshots: dict[int, list[tuple[str, Life, Version[Form], Version[Words], bool]]]
    """By date: every link there was after it, with its versions of that time, and whether it was live."""


def model(deliveries: Iterable[Delivery]) -> Model:
    made = gather(deliveries)
    for page in made.pages.values():
        judge(page)
    replay(made)
    return made


def gather(deliveries: Iterable[Delivery]) -> Model:
    """The set of visits and misses of each page; what was delivered before is the same visit or miss."""
    pages: dict[str, Page] = {}
    crawled: dict[tuple[str, int], Visit] = {}
    outcomes: dict[tuple[str, int], tuple[Reading, Visit | None]] = {}
    for reading, rules, crawl in deliveries:
        last = reading.final.url if reading.final else reading.requested.url
        ends = reading.page is not None or reading.status not in REDIRECTS
        for hop in reading.chain:
            if hop.url.url == last:
                continue
            closes = hop.status in PERMANENT and ends
            miss = Miss(hop.url.url, reading.at, "page_redirected" if closes else "", last if closes else None)
            pages.setdefault(hop.url.url, Page(hop.url.url)).misses.setdefault(reading.at, miss)
        page = pages.setdefault(last, Page(last))
        if reading.page is None:
            cause = "page_not_found" if reading.outcome == "failed" and reading.status in GONE else ""
            page.misses.setdefault(reading.at, Miss(last, reading.at, cause, None))
            if crawl is not None:
                outcomes.setdefault((reading.requested.url, crawl), (reading, None))
            continue
        visit = page.visits.get(reading.at) or Visit(last, reading.at, reading, rules)
        if crawl is not None:
            outcomes.setdefault((reading.requested.url, crawl), (reading, visit))
        if reading.at in page.visits:
            continue
        if crawl is not None:
            earlier = crawled.get((last, crawl))
            if earlier is not None and (earlier.whole or not visit.whole):
                continue
            crawled[last, crawl] = visit
        page.visits[reading.at] = visit
    return Model(pages, list(outcomes.values()), {})


def judge(page: Page) -> None:
    """Which visits are complete: whole, and no suspects, or suspects that the next whole visit agrees with."""
    confirmed: set[int] = set()
    while agreed := _judged(page, confirmed):
        confirmed |= agreed


def _judged(page: Page, confirmed: set[int]) -> set[int]:
    """Replay one page; the dates of two suspects that agree, to be replayed as complete visits."""
    page.lives, page.done = [], []
    pending: Visit | None = None
    for event in page.events():
        if isinstance(event, Miss):
            if event.cause:
                pending = None
                for one in page.live():
                    close(one, event.at, event.cause)
            continue
        event.complete = event.pending = False
        if not event.whole:
            continue
        if event.at not in confirmed and suspect(page, event):
            if not event.full:
                continue
            if pending is not None:
                return {pending.at, event.at}
            pending = event
            continue
        event.complete = True
        if event.full:
            pending = None
        compare(page, event)
    if pending is not None:
        pending.pending = True
    return set()


def replay(made: Model) -> None:
    """All pages together by date: visits before misses, then what moved from one page to another."""
    pages, events = made.pages, []
    for page in pages.values():
        events += page.events()
        page.lives, page.done = [], []
    for at in sorted({one.at for one in events}):
        for event in events:
            if event.at == at and isinstance(event, Visit) and event.complete:
                compare(pages[event.page], event)
        moves: list[tuple[list[Life], str]] = []
        for event in events:
            if event.at == at and isinstance(event, Miss) and event.cause:
                live = pages[event.page].live()
                for one in live:
                    close(one, at, event.cause)
                if event.moved_to is not None and event.moved_to in pages:
                    moves.append((live, event.moved_to))
        for live, there in moves:
            move(live, pages[there])
        made.snapshots[at] = [
            (url, life, *life.current(), life.live) for url, page in sorted(pages.items()) for life in page.lives
        ]


def move(closed: list[Life], there: Page) -> None:
    """Pair the links that a permanent redirect closed with those that now stand where it leads."""
    latest = there.done[-1].at if there.done else None
    standing = there.live()
    for target in {one.target for one in closed}:
        old = [one for one in closed if one.target == target]
        new = [one for one in standing if one.target == target]
        for left, right in paired([one.text for one in old], [one.text for one in new]):
            for gone in old[left].current():
                gone.cause = "moved"
            form, words = new[right].current()
            if form.valid_from != latest or form.began not in FRESH:
                continue
            form.began = words.began = "moved"
            form.first_seen = min(form.first_seen, old[left].forms[-1].first_seen)
            if words.value.text == old[left].text:
                words.first_seen = min(words.first_seen, old[left].words[-1].first_seen)
