"""Small ledgers for tests of questions, given as values, and the same questions answered by plain loops.

The rows are written by the schema, not by the writer, so that a test can set any state of a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, insert, select

from crawler.urls import canonical_url, operator_domain, suffix_list_version
from storage import edges
from storage.codes import ANCHOR_SOURCES, ELEMENTS, LOST_CAUSES, OUTCOMES, PLACEMENTS, follow_bits
from storage.dictionaries import anchor_rows, texts_of, url_rows
from storage.engine import create_ledger
from storage.filters import LinkFilter
from storage.layout import STEP
from storage.records import AnchorSource, FollowCause, OutcomeState, Placement
from storage.schema import (
    anchor,
    anchor_text,
    crawl,
    domain,
    edge,
    host,
    link,
    list_row,
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
    """One link at its latest version; ``before`` adds an older version of it that no question may count."""

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
    """Of a lost link."""
    before: str | None = None
    """Words of an older version, which began at first_seen and ended a day later."""

    @property
    def follow_bits(self) -> int:
        return follow_bits(self.rel, self.page_nofollow)

    @property
    def followed(self) -> bool:
        return self.follow_bits == 0

    @property
    def valid_from(self) -> int:
        return self.first_seen + DAY if self.before is not None else self.first_seen


@dataclass(frozen=True)
class SamplePage:
    """A source page as its visits left it."""

    last_ok: int = T0 + 10 * DAY
    confirmed: bool = True
    indexable: bool = True


@dataclass(frozen=True)
class SampleOutcome:
    state: OutcomeState = "fetched"
    at: int = T0 + 10 * DAY
    final: str | None = None
    """Where it led to; itself unless given. Outcomes with a visit: fetched, partial, suspect."""


@dataclass(frozen=True)
class Sample:
    """A whole ledger. Pages not named are `SamplePage()`."""

    links: Sequence[SampleLink] = ()
    pages: dict[str, SamplePage] = field(default_factory=dict)
    lists: dict[str, Sequence[str]] = field(default_factory=dict)
    crawls: Sequence[dict[str, SampleOutcome]] = ()

    def page(self, source: str) -> SamplePage:
        return self.pages.get(source, SamplePage())


TABLES = (edge, anchor, link, outcome, visit, record, page, crawl, list_row, page_list, anchor_text, url, host, domain)


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
    said = {one.anchor for one in sample.links} | {one.before for one in sample.links if one.before is not None}
    words = anchor_rows(texts, conn, said)
    if names:
        conn.execute(
            insert(page),
            [
                {
                    "id": rows[name].id,
                    "host_id": rows[name].host_id,
                    "domain_id": rows[name].domain_id,
                    "first_ok": T0,
                    "last_ok": sample.page(name).last_ok,
                    "attempted_at": sample.page(name).last_ok,
                    "confirmed": sample.page(name).confirmed,
                    "indexable": sample.page(name).indexable,
                    "links": sum(one.source == name and one.gone_at is None for one in sample.links),
                }
                for name in sorted(names)
            ],
        )
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
        latest = {
            **key,
            "valid_from": one.valid_from,
            "source_host": source.host_id,
            "first_seen": one.first_seen,
            "last_seen": one.last_seen,
            "gone_at": one.gone_at,
            "lost_cause": 0 if one.gone_at is None else LOST_CAUSES.index("removed"),
            "follow_cause": one.follow_bits,
            "rel": " ".join(one.rel),
            "placement": PLACEMENTS.index(one.placement),
            "element": ELEMENTS.index("a"),
            "hidden": one.hidden,
            "position": one.ordinal * STEP,
        }
        words_of = {
            **key,
            "valid_from": one.valid_from,
            "fold_id": words[one.anchor].fold_id,
            "text_id": words[one.anchor].text_id,
            "source": ANCHOR_SOURCES.index(one.anchor_source),
            "has_image": one.anchor_source == "img_alt",
            "first_seen": one.valid_from,
            "last_seen": one.last_seen,
            "gone_at": one.gone_at,
        }
        conn.execute(insert(link), latest)
        conn.execute(insert(anchor), words_of)
        if one.before is not None:
            old = {
                "valid_from": one.first_seen,
                "valid_to": one.valid_from,
                "gone_at": None,
                "last_seen": one.first_seen,
            }
            other = words[one.before]
            flipped = {"follow_cause": 0 if one.follow_bits else 1, "rel": "", "placement": PLACEMENTS.index("nav")}
            conn.execute(insert(link), {**latest, **old, **flipped, "lost_cause": 0})
            conn.execute(
                insert(anchor), {**words_of, **old, "fold_id": other.fold_id, "text_id": other.text_id, "source": 1}
            )
    for number, (name, listed) in enumerate(sample.lists.items(), 1):
        conn.execute(insert(page_list), {"id": number, "name": name, "created_at": T0})
        for line, one_url in enumerate(listed, 1):
            row = {"list_id": number, "file": "list.txt", "line": line, "url_id": rows[one_url].id, "given": one_url}
            row |= {"operator": operator_domain(canonical_url(one_url).host), "columns": "{}", "added_at": T0}
            conn.execute(insert(list_row), row)
    for number, asked in enumerate(sample.crawls, 1):
        conn.execute(insert(crawl), {"id": number, "plan": "{}", "state": "finished", "started_at": T0 + number})
        for turn, (name, of) in enumerate(asked.items()):
            final = of.final or name
            read = of.state in ("fetched", "partial", "suspect")
            visit_id = _visit(conn, number, rows[name].id, rows[final].id, of) if read else None
            row = {"crawl_id": number, "url_id": rows[name].id, "state": OUTCOMES.index(of.state), "turn": turn}
            row |= {"operator": "x", "depth": 0, "final_id": rows[final].id if read else None, "visit_id": visit_id}
            conn.execute(insert(outcome), {**row, "at": None if of.state == "pending" else of.at})
    edges.rebuild(conn)


def _visit(conn: Connection, crawl_id: int, asked: int, final: int, of: SampleOutcome) -> int:
    there = conn.execute(select(visit.c.id).where(visit.c.crawl_id == crawl_id, visit.c.page_id == final)).scalar()
    if there is not None:
        return there
    number = 1 + (conn.execute(select(func.max(visit.c.id))).scalar() or 0)
    conn.execute(insert(record), {"id": number, "data": b""})
    row = {"id": number, "page_id": final, "at": of.at, "crawl_id": crawl_id, "requested_id": asked, "status": 200}
    row |= {"method": 0, "complete": of.state == "fetched", "rules_version": 1, "charset": "utf-8"}
    row |= {"charset_source": "header", "bytes": 1, "content_hash": "", "headers": "[]", "headings": "{}"}
    row |= {"robots": "[]", "not_indexable": 0, "links": 0, "skipped": 0, "record_id": number}
    conn.execute(insert(visit), row)
    return number


# -- the same by plain loops -----------------------------------------------------------------------------------


def internal(one: SampleLink) -> bool:
    return canonical_url(one.source).domain == canonical_url(one.target).domain


def last_seen(sample: Sample, one: SampleLink) -> int:
    if one.gone_at is not None:
        return one.last_seen if one.last_seen is not None else one.first_seen
    return max(sample.page(one.source).last_ok, one.first_seen)


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
    return (sample.page(one.source).last_ok if one.gone_at is None else one.last_seen or 0) >= since


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
    visits: dict[str, SampleOutcome] = {}  # a page is visited once a crawl, whatever led to it
    for asked, of in sample.crawls[number - 1].items():
        if of.state in ("fetched", "partial", "suspect"):
            visits.setdefault(of.final or asked, of)
    if (visit_ := visits.get(one.source)) is not None:
        then = one.first_seen <= visit_.at and (one.gone_at is None or one.gone_at > visit_.at)
        return then and (visit_.state == "fetched" or visit_.at in (one.first_seen, one.valid_from))
    return False
