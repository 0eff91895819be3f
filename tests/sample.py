"""Small ledgers for tests of questions, given as values, and the same questions answered by plain loops.

The rows are written by the schema, not by the writer, so that a test can set any state of a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from crawler.urls import canonical_url, operator_domain, suffix_list_version
from storage import edges
from storage.codes import ANCHOR_SOURCES, ELEMENTS, LOST_CAUSES, METHODS, OUTCOMES, PLACEMENTS, SEEN_BY, follow_bits
from storage.dictionaries import anchor_rows, texts_of, url_rows
from storage.engine import create_ledger
from storage.filters import LinkFilter
from storage.layout import STEP
from storage.records import AnchorSource, FollowCause, OutcomeState, Placement, VisitMethod
from storage.schema import (
    anchor,
    anchor_text,
    crawl,
    domain,
    edge,
    host,
    link,
    list_row,
    miss,
    outcome,
    page,
    page_list,
    record,
    url,
    visit,
)

DAY = 86_400_000
T0 = 1_790_000_000_000
"""2026-09-21T14:13:20Z"""


@dataclass(frozen=True)
class SampleLink:
    """One link at its latest version; ``before`` or ``earlier`` add older ones, which no question of now may count."""

    source: str
    target: str
    anchor: str = "Acme"
    anchor_source: AnchorSource = "text"
    rel: tuple[str, ...] = ()
    page_nofollow: tuple[FollowCause, ...] = ()
    placement: Placement = "main"
    hidden: bool = False
    ordinal: int = 0
    link_no: int = 0
    first_seen: int = T0
    gone_at: int | None = None
    last_seen: int | None = None
    """Of a lost link; of a live one only where it is not its page's."""
    before: str | None = None
    """Words of an older version, which began at first_seen and ended a day later."""
    lost_cause: str = "removed"
    """Of a lost link."""
    start: int | None = None
    """When this version began; else at first_seen, or a day later where there is ``before``."""
    earlier: tuple[SampleLink, ...] = ()
    """Older versions, oldest first, each with its ``start``; each ends where the next begins."""
    seen_by: str = "raw"

    @property
    def follow_bits(self) -> int:
        return follow_bits(self.rel, self.page_nofollow)

    @property
    def followed(self) -> bool:
        return self.follow_bits == 0

    @property
    def valid_from(self) -> int:
        if self.start is not None:
            return self.start
        return self.first_seen + DAY if self.before is not None else self.first_seen

    @property
    def versions(self) -> list[SampleLink]:
        """All of them, oldest first."""
        older = list(self.earlier)
        if self.before is not None:
            cause: tuple[FollowCause, ...] = () if self.follow_bits else ("meta_robots",)
            older.append(
                replace(
                    self, anchor=self.before, anchor_source="text", start=self.first_seen, before=None, gone_at=None,
                    last_seen=self.first_seen, rel=(), page_nofollow=cause, placement="nav",
                )
            )  # fmt: skip
        return [*older, self]


@dataclass(frozen=True)
class SampleVisit:
    """A document read of a page, outside of any crawl."""

    at: int
    complete: bool = True
    indexable: bool = True
    method: VisitMethod = "raw"
    targets: str | None = None
    """JSON array of the domains it was filtered by."""

    @property
    def full(self) -> bool:
        return self.complete and self.method != "wat" and self.targets is None


@dataclass(frozen=True)
class SampleMiss:
    """An attempt that brought no document of a page."""

    at: int
    state: OutcomeState = "failed"


@dataclass(frozen=True)
class SamplePage:
    """A source page as its visits left it."""

    last_ok: int | None = T0 + 10 * DAY
    confirmed: bool = True
    indexable: bool | None = True
    visits: tuple[SampleVisit, ...] = ()
    misses: tuple[SampleMiss, ...] = ()
    plain: bool = True
    layout: str | None = None

    @classmethod
    def of(
        cls, visits: Sequence[SampleVisit], misses: Sequence[SampleMiss] = (), in_crawls: Sequence[SampleVisit] = ()
    ) -> SamplePage:
        """A page as these left it; visits in crawls are written with the crawls."""
        every = [*visits, *in_crawls]
        complete = sorted((one for one in every if one.complete), key=lambda one: one.at)
        attempts = sorted([*((one.at, 0, one.complete) for one in every), *((one.at, 1, False) for one in misses)])
        return cls(
            last_ok=max((one.at for one in complete if one.full), default=None),
            confirmed=bool(attempts) and attempts[-1][2],
            indexable=complete[-1].indexable if complete else None,
            visits=tuple(visits),
            misses=tuple(misses),
            plain=all(one.method in ("raw", "archive") and one.targets is None for one in every),
        )


@dataclass(frozen=True)
class SampleOutcome:
    state: OutcomeState = "fetched"
    at: int = T0 + 10 * DAY
    final: str | None = None
    """Where it led to; itself unless given. Outcomes with a visit: fetched, partial, suspect."""
    reason: str | None = None


@dataclass(frozen=True)
class Sample:
    """A whole ledger. Pages not named are `SamplePage()`."""

    links: Sequence[SampleLink] = ()
    pages: dict[str, SamplePage] = field(default_factory=dict)
    lists: dict[str, Sequence[str]] = field(default_factory=dict)
    crawls: Sequence[dict[str, SampleOutcome]] = ()
    started: Sequence[int] = ()
    """When each crawl began; else a millisecond after the other, from T0 + 1."""

    def start_of(self, number: int) -> int:
        """When a crawl began, by its number from 1."""
        return self.started[number - 1] if self.started else T0 + number

    def page(self, source: str) -> SamplePage:
        return self.pages.get(source, SamplePage())


TABLES = (
    edge,
    anchor,
    link,
    outcome,
    visit,
    miss,
    record,
    page,
    crawl,
    list_row,
    page_list,
    anchor_text,
    url,
    host,
    domain,
)


def new_ledger(database: str) -> str:
    create_ledger(database, psl=suffix_list_version())
    return database


def fill(conn: Connection, sample: Sample) -> None:
    """Write a sample into a ledger in place of what it holds; the caller commits."""
    for table in TABLES:
        conn.execute(delete(table))
    conn.info.pop("fresh", None)
    reached = {final for one in sample.crawls for asked, of in one.items() for final in (of.final or asked,)}
    names = {one.source for one in sample.links} | set(sample.pages) | reached
    texts = texts_of(conn)
    every = {
        *names,
        *(one.target for one in sample.links),
        *(name for listed in sample.lists.values() for name in listed),
        *(asked for one in sample.crawls for asked in one),
    }
    rows = url_rows(texts, conn, [canonical_url(name) for name in sorted(every)])
    for name in every:
        assert name in rows, f"{name} is not canonical"
    said = {version.anchor for one in sample.links for version in one.versions}
    words = anchor_rows(texts, conn, said)
    if names:
        conn.execute(
            insert(page),
            [
                {
                    "id": rows[name].id,
                    "host_id": rows[name].host_id,
                    "domain_id": rows[name].domain_id,
                    "first_ok": None if sample.page(name).last_ok is None else T0,
                    "last_ok": sample.page(name).last_ok,
                    "attempted_at": sample.page(name).last_ok or T0,
                    "confirmed": sample.page(name).confirmed,
                    "indexable": sample.page(name).indexable,
                    "links": sum(one.source == name and one.gone_at is None for one in sample.links),
                    "plain": sample.page(name).plain,
                    "layout": sample.page(name).layout,
                }
                for name in sorted(names)
            ],
        )
    for name in sorted(names):
        for seen in sample.page(name).visits:
            _insert_visit(conn, None, rows[name].id, rows[name].id, seen)
        for missed in sample.page(name).misses:
            code = OUTCOMES.index(missed.state)
            conn.execute(insert(miss), {"page_id": rows[name].id, "at": missed.at, "state": code, "cause": 0})
    for one in sample.links:
        source, target = rows[one.source], rows[one.target]
        key = {
            "target_domain": target.domain_id,
            "target_host": target.host_id,
            "target_id": target.id,
            "source_domain": source.domain_id,
            "source_id": source.id,
            "link_no": one.link_no,
        }
        versions = one.versions
        for version, end in zip(versions, [*(newer.valid_from for newer in versions[1:]), None], strict=True):
            shared = {"valid_from": version.valid_from, "valid_to": end, "last_seen": version.last_seen}
            shared |= {"gone_at": version.gone_at}
            conn.execute(
                insert(link),
                {
                    **key,
                    **shared,
                    "source_host": source.host_id,
                    "first_seen": version.first_seen,
                    "lost_cause": 0 if version.gone_at is None else LOST_CAUSES.index(version.lost_cause),
                    "follow_cause": version.follow_bits,
                    "rel": " ".join(version.rel),
                    "placement": PLACEMENTS.index(version.placement),
                    "element": ELEMENTS.index("a"),
                    "hidden": version.hidden,
                    "position": version.ordinal * STEP,
                    "seen_by": SEEN_BY.index(version.seen_by),
                },
            )
            conn.execute(
                insert(anchor),
                {
                    **key,
                    **shared,
                    "fold_id": words[version.anchor].fold_id,
                    "text_id": words[version.anchor].text_id,
                    "source": ANCHOR_SOURCES.index(version.anchor_source),
                    "has_image": version.anchor_source == "img_alt",
                    "first_seen": version.valid_from,
                },
            )
    for number, (name, listed) in enumerate(sample.lists.items(), 1):
        conn.execute(insert(page_list), {"id": number, "name": name, "created_at": T0})
        for line, one_url in enumerate(listed, 1):
            row = {"list_id": number, "file": "list.txt", "line": line, "url_id": rows[one_url].id, "given": one_url}
            row |= {"operator": operator_domain(canonical_url(one_url).host), "columns": "{}", "added_at": T0}
            conn.execute(insert(list_row), row)
    for number, asked in enumerate(sample.crawls, 1):
        conn.execute(
            insert(crawl), {"id": number, "plan": "{}", "state": "finished", "started_at": sample.start_of(number)}
        )
        for turn, (name, of) in enumerate(asked.items()):
            final = of.final or name
            read = of.state in ("fetched", "partial", "suspect")
            visit_id = _visit(conn, number, rows[name].id, rows[final].id, of) if read else None
            row = {"crawl_id": number, "url_id": rows[name].id, "state": OUTCOMES.index(of.state), "turn": turn}
            row |= {
                "operator": "x",
                "depth": 0,
                "final_id": rows[final].id if read else None,
                "visit_id": visit_id,
                "reason": of.reason,
            }
            conn.execute(insert(outcome), {**row, "at": None if of.state == "pending" else of.at})
    edges.rebuild(conn)


def _visit(conn: Connection, crawl_id: int, asked: int, final: int, of: SampleOutcome) -> int:
    there = conn.execute(select(visit.c.id).where(visit.c.crawl_id == crawl_id, visit.c.page_id == final)).scalar()
    if there is not None:
        return int(there)
    return _insert_visit(conn, crawl_id, asked, final, SampleVisit(of.at, of.state == "fetched"))


def _insert_visit(conn: Connection, crawl_id: int | None, asked: int, final: int, of: SampleVisit) -> int:
    number = 1 + (conn.execute(select(func.max(visit.c.id))).scalar() or 0)
    conn.execute(insert(record), {"id": number, "data": b""})
    row: dict[str, Any] = {
        "id": number,
        "page_id": final,
        "at": of.at,
        "crawl_id": crawl_id,
        "requested_id": asked,
        "status": 200,
    }
    row |= {"method": METHODS.index(of.method), "complete": of.complete, "rules_version": 1, "charset": "utf-8"}
    row |= {"charset_source": "header", "bytes": 1, "content_hash": "", "headers": "[]", "headings": "{}"}
    row |= {"robots": "[]", "not_indexable": 0 if of.indexable else 1, "links": 0, "skipped": 0, "record_id": number}
    conn.execute(insert(visit), {**row, "targets": of.targets})
    return number


# -- the same by plain loops -----------------------------------------------------------------------------------


def internal(one: SampleLink) -> bool:
    return canonical_url(one.source).domain == canonical_url(one.target).domain


def last_seen(sample: Sample, one: SampleLink) -> int | None:
    if one.last_seen is not None:
        return one.last_seen
    return sample.page(one.source).last_ok if one.gone_at is None else one.first_seen


def as_seen(sample: Sample, wanted: LinkFilter) -> Sample:
    """The ledger as a filter looks at it: as of its instant, and with what it counts as lost."""
    if wanted.as_of is not None:
        sample = up_to(sample, wanted.as_of)
    if wanted.lost_after is None:
        return sample
    gone = {name: _unreachable_since(sample, name, wanted.lost_after) for name in {one.source for one in sample.links}}
    return replace(
        sample,
        links=[
            one
            if one.gone_at is not None or (at := gone[one.source]) is None
            else replace(one, gone_at=at, lost_cause="domain_gone", last_seen=last_seen(sample, one))
            for one in sample.links
        ],
    )


def up_to(sample: Sample, until: int) -> Sample:
    """What a ledger holds that has seen nothing after an instant."""
    links = []
    for one in sample.links:
        begun = [version for version in one.versions if version.valid_from <= until]
        if not begun:
            continue
        now = replace(begun[-1], earlier=tuple(begun[:-1]), before=None, start=begun[-1].valid_from)
        if now.last_seen is not None and now.last_seen > until:
            now = replace(now, last_seen=None)
        if now.gone_at is not None and now.gone_at > until:
            now = replace(now, gone_at=None, lost_cause="removed")
        links.append(now)
    crawls = []
    for number, asked in enumerate(sample.crawls, 1):
        if sample.start_of(number) <= until:
            crawls.append(
                {
                    name: of if of.at <= until else SampleOutcome("pending", at=of.at, final=None)
                    for name, of in asked.items()
                }
            )
    pages = {}
    for name, of_page in sample.pages.items():
        visits = [one for one in of_page.visits if one.at <= until]
        misses = [one for one in of_page.misses if one.at <= until]
        pages[name] = SamplePage.of(visits, misses, crawl_visits(crawls).get(name, []))
    return replace(sample, links=links, pages=pages, crawls=crawls)


def crawl_visits(crawls: Sequence[dict[str, SampleOutcome]]) -> dict[str, list[SampleVisit]]:
    """The visits of each page in crawls: a page is visited once a crawl, whatever led to it."""
    found: dict[str, list[SampleVisit]] = {}
    for asked in crawls:
        visits: dict[str, SampleOutcome] = {}
        for name, of in asked.items():
            if of.state in ("fetched", "partial", "suspect"):
                visits.setdefault(of.final or name, of)
        for name, of in visits.items():
            found.setdefault(name, []).append(SampleVisit(of.at, of.state == "fetched"))
    return found


def _unreachable_since(sample: Sample, name: str, number: int) -> int | None:
    """The attempt with which a page's latest attempts, all failed, came to be so many over a week or longer."""
    of_page = sample.page(name)
    read = [*of_page.visits, *crawl_visits(sample.crawls).get(name, [])]
    attempts = sorted([*((one.at, 0, "read") for one in read), *((one.at, 1, one.state) for one in of_page.misses)])
    failed: list[int] = []
    for at, _, state in attempts:
        failed = [*failed, at] if state == "failed" else []
    return next(
        (at for place, at in enumerate(failed, 1) if place >= number and at - failed[0] >= 7 * DAY),
        None,
    )


def selected(sample: Sample, wanted: LinkFilter, target_domain: str | None = None) -> list[SampleLink]:
    """What `LinkFilter` means, link by link."""
    return [
        one
        for one in sample.links
        if (target_domain is None or canonical_url(one.target).domain == target_domain) and _passes(sample, wanted, one)
    ]


def _passes(sample: Sample, wanted: LinkFilter, one: SampleLink) -> bool:
    return all(
        (
            one.gone_at is None or one.lost_cause != "reread",
            wanted.kind == "any" or (wanted.kind == "internal") == internal(one),
            wanted.state == "any" or (wanted.state == "lost") == (one.gone_at is not None),
            wanted.followed is None or wanted.followed == one.followed,
            set(wanted.rel) <= set(one.rel),
            not wanted.placement or one.placement in wanted.placement,
            wanted.hidden is None or wanted.hidden == one.hidden,
            wanted.indexable is None or wanted.indexable == sample.page(one.source).indexable,
            not wanted.source or canonical_url(one.source).domain in wanted.source,
            wanted.list_name is None or one.source in list_pages(sample, wanted.list_name),
            wanted.crawl is None or _stood(sample, one, wanted.crawl),
            wanted.first_seen_from is None or one.first_seen >= wanted.first_seen_from,
            wanted.first_seen_before is None or one.first_seen < wanted.first_seen_before,
            wanted.confirmed_since is None or _confirmed(sample, one, wanted.confirmed_since),
        )
    )


def _confirmed(sample: Sample, one: SampleLink, since: int) -> bool:
    seen = one.last_seen
    if seen is None and one.gone_at is None:
        seen = sample.page(one.source).last_ok
    return seen is not None and seen >= since


def list_pages(sample: Sample, name: str) -> set[str]:
    pages = set(sample.lists[name])
    for asked in sample.lists[name]:
        for one in reversed(sample.crawls):
            if asked in one and one[asked].state in ("fetched", "partial", "suspect"):
                pages.add(one[asked].final or asked)
                break
    return pages


def _stood(sample: Sample, one: SampleLink, crawl_id: int | str) -> bool:
    number = {"last": len(sample.crawls), "previous": len(sample.crawls) - 1}.get(str(crawl_id), crawl_id)
    assert isinstance(number, int)
    if not 1 <= number <= len(sample.crawls):
        return False
    for visit_ in crawl_visits([sample.crawls[number - 1]]).get(one.source, []):
        versions = one.versions
        ends = [*(newer.valid_from for newer in versions[1:]), None]
        for version, end in zip(versions, ends, strict=True):
            begun = version.valid_from <= visit_.at and (end is None or end > visit_.at)
            stood = begun and (version.gone_at is None or version.gone_at > visit_.at)
            if stood and (visit_.complete or version.valid_from == visit_.at):
                return True
    return False
