"""Histories of a few pages, written by hand or drawn at random, and what a ledger or the model holds of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import oracle
from oracle import Delivery, Model
from oracle_page import Form, Version, Visit, Words
from readings import link, page, url
from sqlalchemy import Connection

from storage import layout
from storage.codes import ANCHOR_SOURCES, BEGAN, ELEMENTS, LOST_CAUSES, METHODS, OUTCOMES, PLACEMENTS, SEEN_BY
from storage.engine import Ledger
from storage.frontier import add_seeds, start_crawl
from storage.records import (
    Anchor,
    AnchorParts,
    Hop,
    Link,
    LinkSeen,
    OutcomeState,
    PageRecord,
    Reading,
    Response,
    SeedRow,
    VisitMethod,
)
from storage.writer import write_readings

SITE = "https://{}.{}.example/"
"""A page of a history: its letter, and the name that keeps the histories of one ledger apart."""


@dataclass(frozen=True)
class Step:
    """One reading of a page.

    ``doc`` is the document, links in order: ``"a.red b/2.blue+nf"`` is a link to https://a.example/ with the words
    *red* and one to https://b.example/2 with *blue*, flags as in `FLAGS`; ``""`` has no links, None is no document.
    In a rendered document ``=a.red`` stands in the document as it was sent too, ``-a.red`` in that alone.
    ``via`` are the pages asked before, with what they answered: ``"Q301 R302"``.
    """

    page: str
    at: int
    doc: str | None = None
    outcome: OutcomeState = "fetched"
    status: int = 200
    method: VisitMethod = "raw"
    rules: int = 1
    body: str | None = None
    """What the content hash stands for; the document where None."""
    only: str = ""
    """Letters of the domains the visit is filtered by; "" for no filter."""
    via: str = ""
    facts: str = ""
    """``m``: page-level nofollow in a meta element, ``x``: in a header, ``i``: noindex."""
    crawl: int | None = None

    def __repr__(self) -> str:
        usual = Step("", 0)
        named = [
            f"{name}={value!r}" for name, value in vars(self).items()
            if name not in ("page", "at", "doc") and value != getattr(usual, name)
        ]  # fmt: skip
        return f"Step({', '.join([repr(self.page), str(self.at), repr(self.doc), *named])})"


FLAGS: Mapping[str, dict[str, Any]] = {
    "f": {"placement": "footer"},
    "e": {"element": "area"},
    "h": {"hidden": True},
    "i": {"parts": AnchorParts(has_image=True)},
}
RELS = {"n": "nofollow", "u": "ugc", "s": "sponsored", "r": "noreferrer"}


SEEN: Mapping[str, LinkSeen] = {"=": "both", "-": "raw"}


def link_of(token: str, facts: str = "", method: VisitMethod = "raw") -> Link:
    words, _, flags = token.lstrip("=-").partition("+")
    where, _, text = words.partition(".")
    letter, _, path = where.partition("/")
    changed: dict[str, Any] = {}
    for flag in flags:
        changed |= FLAGS.get(flag, {})
    rel = tuple(RELS[flag] for flag in flags if flag in RELS)
    causes = ["rel"] if set(flags) & set("nus") else []
    causes += [cause for flag, cause in (("m", "meta_robots"), ("x", "x_robots_tag")) if flag in facts]
    if "i" in flags:
        changed["anchor"] = Anchor(text, "img_alt" if text else "none")
    changed["seen"] = SEEN.get(token[0], "rendered") if method == "rendered" else "raw"
    return link(f"https://{letter}.example/{path}", text, rel=rel, follow_cause=tuple(causes), **changed)


def reading_of(step: Step, site: str) -> Reading:
    """The reading a step stands for, in the history named ``site``."""
    source = SITE.format(step.page.lower(), site)
    chain = tuple(Hop(url(SITE.format(one[0].lower(), site)), int(one[1:])) for one in step.via.split())
    record: PageRecord | None = None
    response: Response | None = None
    if step.doc is not None:
        record = page(
            source,
            [link_of(token, step.facts, step.method) for token in step.doc.split()],
            not_indexable=("meta_robots",) if "i" in step.facts else (),
        )
        body = step.doc + step.facts if step.body is None else step.body
        content_hash = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
        response = Response(step.status, "text/html", 1000, content_hash)
    return Reading(
        requested=chain[0].url if chain else url(source),
        outcome=step.outcome,
        at=step.at,
        reason=None if step.outcome == "fetched" else f"http:{step.status}",
        status=step.status,
        chain=chain,
        final=url(source),
        response=response,
        page=record,
        method=step.method,
        targets=tuple(f"{letter}.example" for letter in step.only) or None,
    )


def modelled(steps: Iterable[Step], site: str = "model") -> Model:
    return oracle.model(Delivery(reading_of(step, site), step.rules, step.crawl) for step in steps)


def deliver(ledger: Ledger, arrivals: Sequence[Sequence[Step]], site: str) -> None:
    """Store batches of readings, each in a transaction of its own; each batch is of one crawl and one rules version."""
    crawls: dict[int, int] = {}
    with ledger.begin() as conn:
        for number in sorted({step.crawl for batch in arrivals for step in batch if step.crawl is not None}):
            crawls[number] = start_crawl(conn, plan=f'{{"of":"{site}"}}', list_id=None, now=number)
            asked = {reading_of(step, site).requested for batch in arrivals for step in batch if step.crawl == number}
            rows = [SeedRow(one, one.domain, "argument", 1, one.url, {}) for one in sorted(asked)]
            add_seeds(conn, crawls[number], rows)
    for batch in arrivals:
        crawl = batch[0].crawl
        readings = [reading_of(step, site) for step in batch]
        write_readings(ledger, None if crawl is None else crawls[crawl], readings, rules_version=batch[0].rules)


# -- what there is of them ------------------------------------------------------------------


class LinkRow(NamedTuple):
    source: str
    target: str
    number: int
    valid_from: int
    valid_to: int | None
    first_seen: int
    last_seen: int | None
    gone_at: int | None
    cause: str
    began: str
    seen_by: str
    """Of the latest version; "" otherwise."""
    form: Form


class AnchorRow(NamedTuple):
    source: str
    target: str
    number: int
    valid_from: int
    valid_to: int | None
    first_seen: int
    last_seen: int | None
    gone_at: int | None
    began: str
    words: Words


class PageRow(NamedTuple):
    page: str
    first_ok: int | None
    last_ok: int | None
    attempted_at: int
    confirmed: bool
    indexable: bool | None
    links: int
    suspect: int | None
    """The date of the suspect that the next whole visit may confirm."""
    plain: bool
    """Every whole visit was raw or archive, and not filtered."""


class VisitRow(NamedTuple):
    page: str
    at: int
    method: str
    rules: int
    whole: bool
    complete: bool


class MissRow(NamedTuple):
    page: str
    at: int
    cause: str
    moved_to: str | None


class OutcomeRow(NamedTuple):
    requested: str
    at: int
    state: str


class Facts(NamedTuple):
    """All that is compared of a history, by natural keys, sorted."""

    links: list[LinkRow]
    anchors: list[AnchorRow]
    pages: list[PageRow]
    visits: list[VisitRow]
    misses: list[MissRow]
    outcomes: list[OutcomeRow]
    """Of URLs that were asked in a crawl and led to a visit of their own, or to none."""
    ordinals: list[tuple[str, str, int, int]]
    """(source, target, number, ordinal) of the links that the latest complete visit shows, where it is a full one."""


def short(text: str | None) -> str:
    """``https://p.name.example/`` is P, ``https://a.example/2`` is a/2."""
    if text is None:
        return ""
    host, _, path = text.removeprefix("https://").partition("/")
    labels = host.split(".")
    return labels[0].upper() if len(labels) == 3 else labels[0] + (f"/{path}" if path else "")


def model_facts(made: Model) -> Facts:
    found = Facts([], [], [], [], [], [], [])
    for source, one in made.pages.items():
        name = short(source)
        last = one.done[-1] if one.done else None
        standing = one.standing()
        events = one.events()
        for life in one.lives:
            key = (name, short(life.target), life.number)
            for form in life.forms:
                found.links.append(_link_row(key, form, latest=form.valid_to is None))
            for words in life.words:
                found.anchors.append(_anchor_row(key, words))
            if life.live and last is not None and last.full and life.seen == last.at:
                found.ordinals.append((*key, life.ordinal))
        found.pages.append(
            PageRow(
                name,
                one.done[0].at if one.done else None,
                standing.at if standing else None,
                events[-1].at,
                isinstance(events[-1], Visit) and events[-1].complete,
                last.reading.page.indexable if last and last.reading.page else None,
                len(one.live()),
                next((visit.at for visit in one.visits.values() if visit.pending), None),
                all(visit.full and visit.reading.method != "rendered" for visit in one.visits.values() if visit.whole),
            )
        )
        for visit in one.visits.values():
            method = visit.reading.method
            found.visits.append(VisitRow(name, visit.at, method, visit.rules, visit.whole, visit.complete))
        for miss in one.misses.values():
            found.misses.append(MissRow(name, miss.at, miss.cause, short(miss.moved_to) or None))
    for reading, seen in made.outcomes:
        state: str = reading.outcome
        if seen is not None and seen.whole:
            state = "fetched" if seen.complete else "suspect"
        if seen is None or seen.at == reading.at:
            found.outcomes.append(OutcomeRow(short(reading.requested.url), reading.at, state))
    return _sorted(found)


def model_as_of(made: Model, date: int) -> tuple[list[LinkRow], list[AnchorRow]]:
    """The snapshot after the latest event up to a date."""
    latest = max((at for at in made.snapshots if at <= date), default=None)
    links, anchors = [], []
    for source, life, form, words, live in made.snapshots[latest] if latest is not None else []:
        key = (short(source), short(life.target), life.number)
        links.append(as_it_stood(_link_row(key, form, latest=False), live))
        anchors.append(as_it_stood(_anchor_row(key, words), live))
    return sorted(links, key=str), sorted(anchors, key=str)


def as_it_stood(row: Any, live: bool) -> Any:
    """A version without what could not be known at the date: how it ends, and where it was seen later."""
    row = row._replace(valid_to=None)
    if isinstance(row, LinkRow):
        row = row._replace(seen_by="", cause="" if live else row.cause)
    return row._replace(gone_at=None, last_seen=None) if live else row


def _link_row(key: tuple[str, str, int], one: Version[Form], *, latest: bool) -> LinkRow:
    seen_by = one.seen_by if latest else ""
    return LinkRow(
        *key, one.valid_from, one.valid_to, one.first_seen, one.seen, one.gone_at, one.cause, one.began, seen_by,
        one.value,
    )  # fmt: skip


def _anchor_row(key: tuple[str, str, int], one: Version[Words]) -> AnchorRow:
    return AnchorRow(
        *key, one.valid_from, one.valid_to, one.first_seen, one.seen, one.gone_at, one.began, one.value
    )  # fmt: skip


def _sorted(found: Facts) -> Facts:
    for rows in found:
        rows.sort(key=str)
    return found


_LINKS = """
    SELECT s.url AS source, t.url AS target, l.link_no, l.valid_from, l.valid_to, l.first_seen,
           coalesce(l.last_seen, p.last_ok) AS last_seen, l.gone_at, l.lost_cause, l.began, l.seen_by,
           l.rel, l.follow_cause, l.placement, l.element, l.hidden, l.position, p.layout, p.last_ok
    FROM link l JOIN url s ON s.id = l.source_id JOIN url t ON t.id = l.target_id
    JOIN page p ON p.id = l.source_id JOIN host h ON h.id = p.host_id JOIN domain d ON d.id = h.domain_id
    WHERE d.name = '{site}.example'{when}"""
_ANCHORS = """
    SELECT s.url AS source, t.url AS target, a.link_no, a.valid_from, a.valid_to, a.first_seen,
           coalesce(a.last_seen, p.last_ok) AS last_seen, a.gone_at, a.began, x.text, a.source AS kind, a.has_image
    FROM anchor a JOIN url s ON s.id = a.source_id JOIN url t ON t.id = a.target_id
    JOIN page p ON p.id = a.source_id JOIN host h ON h.id = p.host_id JOIN domain d ON d.id = h.domain_id
    JOIN anchor_text x ON x.id = a.text_id
    WHERE d.name = '{site}.example'{when}"""
_PAGES = """
    SELECT u.url, p.first_ok, p.last_ok, p.attempted_at, p.confirmed, p.indexable, p.links, v.at AS suspect, p.plain
    FROM page p JOIN url u ON u.id = p.id JOIN domain d ON d.id = p.domain_id
    LEFT JOIN visit v ON v.id = p.suspect_id
    WHERE d.name = '{site}.example'"""
_VISITS = """
    SELECT u.url, v.at, v.method, v.rules_version, v.whole, v.complete
    FROM visit v JOIN page p ON p.id = v.page_id JOIN url u ON u.id = p.id JOIN domain d ON d.id = p.domain_id
    WHERE d.name = '{site}.example'"""
_MISSES = """
    SELECT u.url, m.at, m.cause, w.url AS moved_to
    FROM miss m JOIN page p ON p.id = m.page_id JOIN url u ON u.id = p.id JOIN domain d ON d.id = p.domain_id
    LEFT JOIN url w ON w.id = m.moved_to
    WHERE d.name = '{site}.example'"""
_OUTCOMES = """
    SELECT u.url, o.at, o.state
    FROM outcome o JOIN url u ON u.id = o.url_id JOIN host h ON h.id = u.host_id JOIN domain d ON d.id = h.domain_id
    LEFT JOIN visit v ON v.id = o.visit_id
    WHERE d.name = '{site}.example' AND o.state <> 0 AND coalesce(v.at, o.at) = o.at"""


def _ask(conn: Connection, question: str, site: str, when: str = "") -> list[Any]:
    return list(conn.exec_driver_sql(question.format(site=site, when=when)))


def ledger_facts(conn: Connection, site: str) -> Facts:
    links = _ask(conn, _LINKS, site)
    visits = _ask(conn, _VISITS, site)
    latest: dict[str, int] = {}
    for one in visits:
        if one.complete:
            latest[one.url] = max(one.at, latest.get(one.url, one.at))
    ordinals = [
        (short(row.source), short(row.target), row.link_no, layout.ordinal(row.position, layout.read(row.layout)))
        for row in links
        if row.valid_to is None and row.gone_at is None
        and row.last_seen == row.last_ok == latest[row.source]
    ]  # fmt: skip
    return _sorted(
        Facts(
            [_stored_link(row) for row in links],
            [_stored_anchor(row) for row in _ask(conn, _ANCHORS, site)],
            [
                PageRow(
                    short(row.url), row.first_ok, row.last_ok, row.attempted_at, bool(row.confirmed),
                    None if row.indexable is None else bool(row.indexable), row.links, row.suspect,
                    bool(row.plain),
                )
                for row in _ask(conn, _PAGES, site)
            ],
            [
                VisitRow(
                    short(row.url), row.at, METHODS[row.method], row.rules_version, bool(row.whole), bool(row.complete)
                )
                for row in visits
            ],
            [
                MissRow(short(row.url), row.at, LOST_CAUSES[row.cause], short(row.moved_to) or None)
                for row in _ask(conn, _MISSES, site)
            ],
            [OutcomeRow(short(row.url), row.at, OUTCOMES[row.state]) for row in _ask(conn, _OUTCOMES, site)],
            ordinals,
        )
    )  # fmt: skip


def ledger_as_of(conn: Connection, site: str, date: int) -> tuple[list[LinkRow], list[AnchorRow]]:
    """The rows that the one predicate of the tables selects for a date."""
    found: list[list[Any]] = []
    for question, name, made in ((_LINKS, "l", _stored_link), (_ANCHORS, "a", _stored_anchor)):
        when = f" AND {name}.valid_from <= {date} AND ({name}.valid_to IS NULL OR {name}.valid_to > {date})"
        rows = [made(row) for row in _ask(conn, question, site, when)]
        found.append(sorted((as_it_stood(row, row.gone_at is None or row.gone_at > date) for row in rows), key=str))
    return found[0], found[1]


def _stored_link(row: Any) -> LinkRow:
    form = Form(row.rel, row.follow_cause, PLACEMENTS[row.placement], ELEMENTS[row.element], bool(row.hidden))
    return LinkRow(
        short(row.source), short(row.target), row.link_no, row.valid_from, row.valid_to, row.first_seen, row.last_seen,
        row.gone_at, LOST_CAUSES[row.lost_cause], BEGAN[row.began],
        SEEN_BY[row.seen_by] if row.valid_to is None else "", form,
    )  # fmt: skip


def _stored_anchor(row: Any) -> AnchorRow:
    words = Words(row.text, ANCHOR_SOURCES[row.kind], bool(row.has_image))
    return AnchorRow(
        short(row.source), short(row.target), row.link_no, row.valid_from, row.valid_to, row.first_seen, row.last_seen,
        row.gone_at, BEGAN[row.began], words,
    )  # fmt: skip
