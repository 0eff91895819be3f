"""LinkFilter: the one value that link counts and anchor distributions share.

A filter selects links first, each at most once, by its latest version (``valid_to IS NULL``), or by the one in
force at ``as_of``. Each selected link contributes exactly one anchor: that of the same key in force then. Kind,
state, source and confirmation are answered from either row alone; what only ``link`` knows (rel, placement, ...)
reaches anchors by a semi-join on the key. So the links covered by a distribution equal the links counted.

What another reading of the same document showed never to have stood (lost by cause ``reread``) is no lost link.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Tuple,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
    union,
)

from storage.as_of import REREAD, Tables, tables
from storage.codes import PLACEMENTS, REL_BITS
from storage.errors import UnknownName
from storage.records import Placement
from storage.schema import crawl, domain, link, list_row, outcome, page_list, visit
from storage.targets import Covered, among
from storage.text import clean
from storage.times import to_iso

Kind = Literal["external", "internal", "any"]
State = Literal["live", "lost", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFilter:
    """Which links are meant. The fields narrow together; None and () do not narrow."""

    kind: Kind = "external"
    """``internal``: same registrable domain at both ends."""
    state: State = "live"
    followed: bool | None = None
    rel: tuple[str, ...] = ()
    """Tokens, lower-case; a link must carry each."""
    placement: tuple[Placement, ...] = ()
    """One of these."""
    hidden: bool | None = None
    indexable: bool | None = None
    """Of the source page, as its latest complete visit found it."""
    source: tuple[str, ...] = ()
    """Registrable domains of sources; one of these."""
    list_name: str | None = None
    """Sources that are pages of this list, or that its URLs redirected to when last read."""
    crawl: int | Literal["last", "previous"] | None = None
    """Links that stood in that crawl's visits (whatever became of them since)."""
    first_seen_from: int | None = None
    first_seen_before: int | None = None
    """Milliseconds UTC, half open."""
    confirmed_since: int | None = None
    """Last seen at this moment or later, milliseconds UTC."""
    as_of: int | None = None
    """The ledger as it stood at this instant, which is included; milliseconds UTC. None: as it is."""
    lost_after: int | None = None
    """Live links of a page whose latest so many attempts or more all failed, over a week or longer, count as lost."""

    def shown(self) -> dict[str, Any]:
        """The filter as answers name it: kind, state and whatever else narrows; times in ISO 8601."""
        names = {"list_name": "list"}
        times = {"first_seen_from", "first_seen_before", "confirmed_since", "as_of"}
        given: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or value == ():
                continue
            if isinstance(value, tuple):
                value = list(value)
            given[names.get(field.name, field.name)] = to_iso(value) if field.name in times else value
        return given

    @property
    def by_source_page_only(self) -> bool:
        """Whether all it asks, beside kind and state, is a matter of the source page as a whole."""
        return not (self.by_link or self.confirmed_since is not None)

    @property
    def now(self) -> bool:
        """Whether it asks the ledger as it is: the tables themselves and the sums kept of them."""
        return self.as_of is None and self.lost_after is None

    @property
    def by_link(self) -> bool:
        """Whether it asks something that only ``link`` knows."""
        return bool(
            self.followed is not None
            or self.rel
            or self.placement
            or self.hidden is not None
            or self.crawl is not None
            or self.first_seen_from is not None
            or self.first_seen_before is not None
        )

    def without_defaults(self) -> LinkFilter:
        """The same, with nothing hidden by kind or state."""
        return replace(self, kind="any", state="any")

    def unnarrowed(self) -> LinkFilter:
        """Nothing but how the ledger is looked at: when, and what counts as lost."""
        return LinkFilter(as_of=self.as_of, lost_after=self.lost_after)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter whose names are resolved, over the rows of a target: ready to be put into statements."""

    filter: LinkFilter
    covered: Covered
    sources: tuple[int, ...] | None
    """Ids of the source domains; None does not narrow, () selects nothing."""
    list_id: int | None
    crawl_id: int | None

    @property
    def tables(self) -> Tables:
        """The tables, or what stood in them at the instant asked for."""
        return tables(self.filter.as_of, self.filter.lost_after)

    def links(self, table: FromClause | None = None) -> ColumnElement[bool]:
        """Condition on ``tables.link`` (or an alias): its selected rows, each link once."""
        of = self.tables.link if table is None else table
        return and_(self.covered.of(of), self.tables.in_force(of), *self._either(of), *self._link_only(of))

    def anchors(self, table: FromClause | None = None) -> ColumnElement[bool]:
        """Condition on ``tables.anchor`` (or an alias): the one anchor of each selected link."""
        words = self.tables.anchor if table is None else table
        parts = [self.covered.of(words), self.tables.in_force(words), *self._either(words)]
        of = self.tables.link.alias("of")
        if self.filter.by_link:
            if self.covered.everything:  # a set of all links of a ledger would not fit into memory
                parts.append(exists().where(same_link(of, words), self.tables.in_force(of), *self._link_only(of)))
            else:
                parts.append(key_of(words).in_(self.keys(of)))
        elif self.filter.state != "live":  # few of the lost ones, and no live one, need to be looked up
            never = exists().where(same_link(of, words), self.tables.in_force(of), of.c.lost_cause == REREAD)
            parts.append(or_(words.c.gone_at.is_(None), ~never))
        return and_(*parts)

    def versions(self, table: FromClause) -> ColumnElement[bool]:
        """Condition on any version, of a link that was lost since too: what the filter asks, it asks of that version.

        State, confirmation and crawl are matters of the latest version, and not asked. On ``anchor`` it holds as long
        as nothing is asked that only ``link`` knows.
        """
        latest = replace(self.filter, state="live", crawl=None, confirmed_since=None, as_of=None, lost_after=None)
        free = replace(self, filter=latest, crawl_id=None)
        either = replace(free, filter=replace(latest, state="any"))
        return and_(self.covered.of(table), *either._either(table), *free._link_only(table))

    def keys(self, of: FromClause, *more: ColumnElement[bool]) -> Select[Any]:
        """The keys of the selected links (an alias): put into one set, which costs less than a search each."""
        return select(of.c.target_id, of.c.source_id, of.c.link_no).where(self.links(of), *more)

    def anchors_of_links(self) -> ColumnElement[bool]:
        """The same set, as condition on ``tables.link`` joined with ``tables.anchor``: for small targets."""
        return and_(self.links(), self.tables.in_force(self.tables.anchor))

    def on_sources(self, table: FromClause) -> list[ColumnElement[bool]]:
        """What is asked of the source page, by its columns source_domain and source_id."""
        wanted, columns = self.filter, table.c
        parts: list[ColumnElement[bool]] = []
        if self.sources is not None:
            parts.append(among(columns.source_domain, self.sources))
        if self.list_id is not None:
            parts.append(columns.source_id.in_(list_pages(self.list_id, wanted.as_of)))
        if wanted.indexable is not None:
            known = self.tables.page.alias("known")
            parts.append(exists().where(known.c.id == columns.source_id, known.c.indexable.is_(wanted.indexable)))
        return parts

    def _either(self, table: FromClause) -> list[ColumnElement[bool]]:
        wanted, columns = self.filter, table.c
        parts = self.on_sources(table)
        if wanted.kind == "external":
            parts.append(columns.source_domain != columns.target_domain)
        elif wanted.kind == "internal":
            parts.append(columns.source_domain == columns.target_domain)
        if wanted.state == "live":
            parts.append(columns.gone_at.is_(None))
        elif wanted.state == "lost":
            parts.append(columns.gone_at.is_not(None))
        if wanted.confirmed_since is not None:
            read = self.tables.page.alias("read")
            recently = exists().where(read.c.id == columns.source_id, read.c.last_ok >= wanted.confirmed_since)
            live = and_(columns.gone_at.is_(None), columns.last_seen.is_(None), recently)
            parts.append(or_(columns.last_seen >= wanted.confirmed_since, live))
        return parts

    def _link_only(self, table: FromClause) -> list[ColumnElement[bool]]:
        wanted, columns = self.filter, table.c
        parts: list[ColumnElement[bool]] = []
        if wanted.state != "live":
            parts.append(columns.lost_cause != REREAD)
        if wanted.followed is not None:
            parts.append(columns.follow_cause == 0 if wanted.followed else columns.follow_cause != 0)
        for token in wanted.rel:
            if token in REL_BITS:
                parts.append(columns.follow_cause.op("&")(REL_BITS[token]) != 0)
            else:
                parts.append((" " + columns.rel + " ").contains(f" {clean(token)} ", autoescape=True))
        if wanted.placement:
            parts.append(columns.placement.in_(sorted(PLACEMENTS.index(name) for name in wanted.placement)))
        if wanted.hidden is not None:
            parts.append(columns.hidden.is_(wanted.hidden))
        if wanted.first_seen_from is not None:
            parts.append(columns.first_seen >= wanted.first_seen_from)
        if wanted.first_seen_before is not None:
            parts.append(columns.first_seen < wanted.first_seen_before)
        if self.crawl_id is not None:
            parts.append(self._stood_in_crawl(table, self.crawl_id))
        return parts

    def _stood_in_crawl(self, table: FromClause, crawl_id: int) -> ColumnElement[bool]:
        """Some version of the link stood when the crawl read its page; an incomplete visit speaks for what it found."""
        then, read = link.alias("then"), visit.alias("read_then")
        as_of = self.filter.as_of
        stood = exists().where(
            read.c.crawl_id == crawl_id,
            *(() if as_of is None else (read.c.at <= as_of,)),
            read.c.page_id == table.c.source_id,
            same_link(then, table),
            then.c.valid_from <= read.c.at,
            or_(then.c.valid_to.is_(None), then.c.valid_to > read.c.at),
            or_(then.c.gone_at.is_(None), then.c.gone_at > read.c.at),
            or_(read.c.complete.is_(True), then.c.valid_from == read.c.at),
        )
        if self.covered.everything:  # lets a small crawl lead into the whole ledger
            return and_(table.c.source_id.in_(select(visit.c.page_id).where(visit.c.crawl_id == crawl_id)), stood)
        return stood


def key_of(table: FromClause) -> Tuple:
    """What tells links apart: a target's id implies its host and domain."""
    return tuple_(table.c.target_id, table.c.source_id, table.c.link_no)


def same_link(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Two rows (versions, or a link and its anchor) belong to one link; every key column, so that any index serves."""
    names = ("target_domain", "target_host", "target_id", "source_domain", "source_id", "link_no")
    return and_(*(one.c[name] == other.c[name] for name in names))


def list_pages(list_id: int, as_of: int | None = None) -> Select[tuple[int]]:
    """Ids of a list's pages: its URLs, and where those that were read last (by ``as_of``) led to.

    The list itself is the user's, and has no history: it is taken as it is now.
    """
    newer = outcome.alias("newer")
    led_to = (
        select(outcome.c.final_id)
        .join(list_row, list_row.c.url_id == outcome.c.url_id)
        .where(
            list_row.c.list_id == list_id,
            outcome.c.visit_id.is_not(None),
            outcome.c.final_id != outcome.c.url_id,
            *([] if as_of is None else [outcome.c.at <= as_of]),
            ~exists().where(
                newer.c.url_id == outcome.c.url_id,
                newer.c.crawl_id > outcome.c.crawl_id,
                newer.c.visit_id.is_not(None),
                *([] if as_of is None else [newer.c.at <= as_of]),
            ),
        )
    )
    both = union(select(list_row.c.url_id.label("id")).where(list_row.c.list_id == list_id), led_to).subquery()
    return select(both.c.id)


def choose(conn: Connection, wanted: LinkFilter, covered: Covered) -> Chosen:
    """Resolve the names of a filter.

    Raises:
        UnknownName: the ledger knows no such list or crawl. (A source domain never seen selects nothing.)
    """
    sources = None
    if wanted.source:
        names = [clean(name) for name in wanted.source]
        sources = tuple(conn.execute(select(domain.c.id).where(domain.c.name.in_(names))).scalars())
    return Chosen(
        filter=wanted,
        covered=covered,
        sources=sources,
        list_id=None if wanted.list_name is None else list_id_of(conn, wanted.list_name),
        crawl_id=None if wanted.crawl is None else crawl_id_of(conn, wanted.crawl, wanted.as_of),
    )


def list_id_of(conn: Connection, name: str) -> int:
    """The id of a list; raises UnknownName with the names there are."""
    found = conn.execute(select(page_list.c.id).where(page_list.c.name == clean(name))).scalar()
    if found is None:
        known = conn.execute(select(page_list.c.name).order_by(page_list.c.name).limit(20)).scalars()
        raise UnknownName("list", name, tuple(known))
    return int(found)


def crawl_id_of(conn: Connection, wanted: int | Literal["last", "previous"], as_of: int | None = None) -> int:
    """The id of a crawl; ``last`` and ``previous`` are the two started last (by ``as_of``). Raises UnknownName."""
    started = select(crawl.c.id).order_by(crawl.c.id.desc()).limit(2)
    if as_of is not None:
        started = started.where(crawl.c.started_at <= as_of)
    newest = list(conn.execute(started).scalars())
    if isinstance(wanted, int):
        if conn.execute(select(func.count()).where(crawl.c.id == wanted)).scalar_one():
            return wanted
    elif wanted == "last" and newest:
        return int(newest[0])
    elif wanted == "previous" and len(newest) > 1:
        return int(newest[1])
    raise UnknownName("crawl", str(wanted), ("last", *(str(one) for one in newest)) if newest else ())
