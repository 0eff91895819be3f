"""Which rows a question is about: from a parsed target to ids of domains, hosts and URLs.

Parsing is not done here. A `Target` comes from ``cli.targets`` and carries, for pages and prefixes, the
function that says whether it covers a stored URL; only targets are folded, never sources.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Connection, FromClause, and_, bindparam, false, func, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from storage.dictionaries import hash_id, texts_of
from storage.schema import domain, host, link, url
from storage.text import clean

Scope = Literal["page", "prefix", "host", "domain", "ledger"]


@dataclass(frozen=True, slots=True)
class Target:
    """What the user asked about; the whole ledger is no target at all."""

    text: str
    """As answers name it: a URL for page and prefix, else a name."""
    scope: Scope
    domain: str
    """Registrable domain: one step wider than a host."""
    hosts: tuple[str, ...]
    """The hosts its URLs can be on: one, or with the ``www.`` twin. Empty for a domain."""
    path: str = ""
    """Path without query and without one trailing slash: every URL of a page has it, of a prefix contains it."""
    covers: Callable[[str], bool] | None = None
    """Whether a stored URL belongs to it; given for page and prefix."""


@dataclass(frozen=True, slots=True)
class Covered:
    """The ids behind a target; empty ids mean that no link was ever seen to lead there."""

    scope: Scope
    domains: tuple[int, ...] = ()
    hosts: tuple[int, ...] = ()
    urls: tuple[int, ...] = ()

    @property
    def everything(self) -> bool:
        return self.scope == "ledger"

    @property
    def whole_domains(self) -> bool:
        """Whether sums kept by target domain can answer."""
        return self.scope in ("ledger", "domain")

    def of(self, table: FromClause) -> ColumnElement[bool]:
        """The rows of ``link`` or ``anchor`` (or of an alias) whose target it is, by the leading key columns."""
        columns = table.c
        if self.scope == "ledger":
            return true()
        if not self.domains or (self.scope != "domain" and not self.hosts):
            return false()
        parts = [among(columns.target_domain, self.domains)]
        if self.scope != "domain":
            parts.append(among(columns.target_host, self.hosts))
        if self.scope in ("page", "prefix"):
            if not self.urls:
                return false()
            parts.append(among(columns.target_id, self.urls))
        return and_(*parts)


STREAMING: dict[str, Any] = {"stream_results": True, "yield_per": 1000}
"""Of one statement whose answer may be long: its rows are read as they are taken."""

WHOLE_LEDGER = Covered("ledger")


class _IdSet(FunctionElement[int]):
    """Any number of ids as one parameter: a JSON array, unpacked by the database."""

    inherit_cache = True
    type = BigInteger()


@compiles(_IdSet, "sqlite")
def _sqlite_ids(element: _IdSet, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **kw)}))"


@compiles(_IdSet, "postgresql")
def _postgres_ids(element: _IdSet, compiler: SQLCompiler, **kw: Any) -> str:
    inner = compiler.process(element.clauses, **kw)
    return f"(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST({inner} AS json)) AS ids (value))"


def among(column: ColumnElement[Any], ids: Collection[int]) -> ColumnElement[bool]:
    """``column`` is one of the ids, however many; false without any."""
    if not ids:
        return false()
    if len(ids) <= 8:
        return column == next(iter(ids)) if len(ids) == 1 else column.in_(sorted(ids))
    return column.op("IN", is_comparison=True)(_IdSet(bindparam(None, json.dumps(sorted(ids)))))


def resolve(conn: Connection, target: Target | None) -> Covered:
    """Find the ids a target stands for. A name or URL never stored gives empty ids, no error."""
    if target is None:
        return WHOLE_LEDGER
    if target.scope == "domain":
        found = conn.execute(select(domain.c.id).where(domain.c.name == clean(target.domain))).scalars()
        return Covered("domain", domains=tuple(found))
    hosts = conn.execute(
        select(host.c.id, host.c.domain_id).where(host.c.name.in_([clean(name) for name in target.hosts]))
    ).all()
    if target.scope == "host" or not hosts:
        return Covered(target.scope, tuple({row.domain_id: None for row in hosts}), tuple(row.id for row in hosts))
    domain_of = {row.id: row.domain_id for row in hosts}
    urls = list(_candidates(conn, target, tuple(domain_of)))
    on = sorted({host_id for _, host_id in urls})
    return Covered(
        target.scope,
        domains=tuple(sorted({domain_of[host_id] for host_id in on})),
        hosts=tuple(on),
        urls=tuple(sorted(id_ for id_, _ in urls)),
    )


def _candidates(conn: Connection, target: Target, hosts: tuple[int, ...]) -> Iterable[tuple[int, int]]:
    """(url id, host id) of the stored URLs that the target covers."""
    question = select(url.c.id, url.c.url, url.c.host_id).where(url.c.host_id.in_(hosts))
    if target.scope == "page":
        question = question.where(url.c.path_key == hash_id(texts_of(conn).key, clean(target.path)))
    elif target.path:
        # Only narrows what has to be compared: LIKE folds ASCII case on one of the two databases.
        question = question.where(url.c.url.contains(clean(target.path), autoescape=True))
    covers = target.covers
    for row in conn.execute(question, execution_options=STREAMING):
        if covers is None or covers(row.url):
            yield row.id, row.host_id


def seen(conn: Connection, covered: Covered) -> bool:
    """Whether any link, of whatever kind and state, ever led there."""
    if covered.everything:
        return conn.execute(select(link.c.link_no).limit(1)).first() is not None
    return conn.execute(select(link.c.link_no).where(covered.of(link)).limit(1)).first() is not None


def first_known(conn: Connection, covered: Covered) -> int | None:
    """When the first of all links that ever led there was first seen; milliseconds UTC, None without any."""
    found = conn.execute(select(func.min(link.c.valid_from)).where(covered.of(link))).scalar()
    return None if found is None else int(found)


def seen_up_to(conn: Connection, covered: Covered, most: int) -> int:
    """How many link rows lead there, counted no further than ``most``: tells a small target from a large one."""
    some = select(link.c.link_no).where(covered.of(link)).limit(most).subquery()
    return int(conn.execute(select(func.count()).select_from(some)).scalar_one())
