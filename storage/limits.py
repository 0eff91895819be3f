"""Which URLs found on pages join a crawl, and what its limits kept out.

The sums are kept with the crawl (tables ``crawl_limit`` and ``alike``) and change in the transaction that stores the
pages, so that a crawl that is killed goes on with what it had counted, and all of its workers count together. On
PostgreSQL several of them may take up URLs at the same moment without seeing each other's: then a limit is exceeded
by what they take up in that moment.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import exists, literal, select

from storage import frontier, outcomes
from storage.dialect import dialect_of
from storage.dictionaries import hash_id
from storage.schema import crawl, crawl_limit, host, outcome, url
from storage.text import clean, short_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.dictionaries import Texts, UrlRow
    from storage.outcomes import Wanted
    from storage.records import Discovered

PLAN_LIMITS = {"max_pages": "page_limit", "max_pages_per_host": "host_limit", "max_queries": "query_limit"}
"""Limits with a number of the crawl's own, and where its kept plan has that number."""


class Found(NamedTuple):
    """A URL found on a page, which is not in the crawl yet."""

    wanted: Wanted
    row: UrlRow
    link: Discovered
    counts: bool
    """The page has its outcome by this reading: what is kept out now has not been counted before."""


class TakenUp(NamedTuple):
    """What `take_up` decided."""

    wanted: list[Wanted]
    kept_out: Counter[str]
    """URLs by the limit that kept them out, each once for every page it was found on."""
    alike: Counter[int]
    """URLs that were taken up, by the key of what they are counted together with."""


def take_up(texts: Texts, conn: Connection, crawl_id: int, found: Sequence[Found]) -> TakenUp:
    """Decide which of the URLs found on pages join a crawl, in the order they were found.

    The rules are those of the crawl's kept plan, so that all of its processes see the same ones: ``follow: list``,
    one URL of those that differ in their session id only, ``query_limit``, ``host_limit`` and ``page_limit``.
    Nothing is written.
    """
    if not found:
        return TakenUp([], Counter(), Counter())
    plan = json.loads(conn.execute(select(crawl.c.plan).where(crawl.c.id == crawl_id)).scalar_one())
    first: dict[int, Found] = {}
    pages: Counter[int] = Counter()
    for one in found:
        first.setdefault(one.row.id, one)
        pages[one.row.id] += one.counts
    wanted = list(first.values())
    if plan.get("follow") == "list":
        wanted = _on_list(conn, crawl_id, wanted)
    limits = _Limits(texts, conn, crawl_id, plan, wanted)
    taken: list[Wanted] = []
    kept_out: Counter[str] = Counter()
    for one in wanted:
        limit = limits.keeps_out(one)
        if limit is None:
            taken.append(one.wanted)
        elif pages[one.row.id]:
            kept_out[limit] += pages[one.row.id]
    return TakenUp(taken, kept_out, limits.new)


class _Limits:
    """The limits of one crawl while URLs are taken up one by one."""

    def __init__(
        self, texts: Texts, conn: Connection, crawl_id: int, plan: Mapping[str, Any], found: Sequence[Found]
    ) -> None:
        self._queries, self._of_host = plan.get("query_limit"), plan.get("host_limit")
        room = plan.get("page_limit")
        self._room = None if room is None else room - frontier.taken(conn, crawl_id)
        self._hosts: dict[int, int] = {}
        if self._of_host is not None:
            self._hosts = _taken_by_host(conn, crawl_id, {one.wanted.operator for one in found})
        # The key of a URL without its session id is that URL's own id; no such URL ends with a question mark.
        self._bare = {one.row.id: _key(texts, one.link.bare) for one in found if one.link.bare is not None}
        self._path = {one.row.id: _key(texts, one.link.path + "?") for one in found if one.link.path is not None}
        there = outcomes.stored(texts.dialect, conn, crawl_id, set(self._bare.values())) if self._bare else {}
        rows = texts.dialect.fetch_keyed(
            conn,
            "SELECT key, urls FROM alike WHERE crawl_id = ? AND key {ids}",
            {*self._bare.values(), *self._path.values()},
            crawl_id,
        )
        self._alike: Counter[int] = Counter({row.key: row.urls for row in rows})
        self._pages = {*there, *(key for key in self._bare.values() if self._alike[key])}
        """Keys of pages that are asked already, with a session id or without."""
        self.new: Counter[int] = Counter()

    def keeps_out(self, one: Found) -> str | None:
        """The limit that a URL is beyond; None: it is taken up, and counted from now on."""
        bare, path = self._bare.get(one.row.id), self._path.get(one.row.id)
        if bare is not None and bare in self._pages:
            return "session_id"
        if path is not None and self._queries is not None and self._alike[path] >= self._queries:
            return "max_queries"
        if self._of_host is not None and self._hosts.get(one.row.host_id, 0) >= self._of_host:
            return "max_pages_per_host"
        if self._room is not None and self._room <= 0:
            return "max_pages"
        self._pages.add(one.row.id if bare is None else bare)
        for key in (bare, path):
            if key is not None:
                self._alike[key] += 1
                self.new[key] += 1
        self._hosts[one.row.host_id] = self._hosts.get(one.row.host_id, 0) + 1
        if self._room is not None:
            self._room -= 1
        return None


def _key(texts: Texts, text: str) -> int:
    return hash_id(texts.key, clean(text))


def add(
    texts: Texts, conn: Connection, crawl_id: int, *, kept_out: Mapping[str, int], alike: Mapping[int, int]
) -> None:
    """Add to what a crawl's limits have counted; after all else a transaction writes, and in the order of keys."""
    for table, key, counted in (("alike", "key", alike), ("crawl_limit", "name", kept_out)):
        rows = [(crawl_id, of, urls) for of, urls in sorted(counted.items())]
        add_up = (
            f"INSERT INTO {table} (crawl_id, {key}, urls) VALUES (?, ?, ?)"
            f" ON CONFLICT (crawl_id, {key}) DO UPDATE SET urls = {table}.urls + excluded.urls"
        )
        texts.dialect.run_many(conn, add_up, rows)


def kept_out(conn: Connection, crawl_id: int) -> list[dict[str, Any]]:
    """What the limits of a crawl kept out, the most first: ``limit``, ``value`` where the plan has one, ``urls``."""
    plan = json.loads(conn.execute(select(crawl.c.plan).where(crawl.c.id == crawl_id)).scalar_one())
    rows = conn.execute(select(crawl_limit.c.name, crawl_limit.c.urls).where(crawl_limit.c.crawl_id == crawl_id)).all()
    return [
        {"limit": row.name, "value": plan.get(PLAN_LIMITS.get(row.name, "")), "urls": int(row.urls)}
        for row in sorted(rows, key=lambda row: (-row.urls, row.name))
    ]


def _on_list(conn: Connection, crawl_id: int, found: Sequence[Found]) -> list[Found]:
    """Those whose registrable domain is one of the crawl's list."""
    known: dict[tuple[str, int], bool] = {}
    kept = []
    for one in found:
        pair = (short_name(one.wanted.operator), one.row.domain_id)
        if pair not in known:
            known[pair] = _listed(conn, crawl_id, *pair)
        if known[pair]:
            kept.append(one)
    return kept


def _listed(conn: Connection, crawl_id: int, operator: str, domain_id: int) -> bool:
    seeds = (
        select(literal(1))
        .select_from(outcome.join(url, url.c.id == outcome.c.url_id).join(host, host.c.id == url.c.host_id))
        .where(
            outcome.c.crawl_id == crawl_id,
            outcome.c.operator == operator,
            outcome.c.depth == 0,
            host.c.domain_id == domain_id,
        )
    )
    return bool(conn.execute(select(exists(seeds))).scalar_one())


def _taken_by_host(conn: Connection, crawl_id: int, operators: set[str]) -> dict[int, int]:
    """URLs of each host that this crawl has asked or will ask, for the hosts of some operators."""
    dialect = dialect_of(conn)
    rows = dialect.fetch(
        conn,
        "SELECT u.host_id, count(*) AS taken FROM outcome o JOIN url u ON u.id = o.url_id "
        "WHERE o.crawl_id = ? AND coalesce(o.reason, '') NOT LIKE 'max_pages%' "
        f"AND coalesce(o.reason, '') NOT LIKE '{frontier.VISITED}%' "
        "AND o.operator {names} "
        "GROUP BY u.host_id",
        crawl_id,
        dialect.names_parameter({short_name(operator) for operator in operators}),
    )
    return {row.host_id: int(row.taken) for row in rows}
