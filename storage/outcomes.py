"""What became of the requested URLs of a crawl, and which URLs found on the way join it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from storage.codes import OUTCOMES
from storage.records import OutcomeState
from storage.shards import shard_of
from storage.text import clean, short_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.dialect import Dialect

LINKS_VANISHED = "links_vanished"
"""Reason of a suspect whose document says nothing suspicious by itself."""

_STATE = {name: code for code, name in enumerate(OUTCOMES)}


class Settled(NamedTuple):
    """The end of one requested URL."""

    url_id: int
    state: OutcomeState
    reason: str | None
    status: int | None
    chain: str | None
    final_id: int | None
    visit_id: int | None
    at: int


class HandedOn(NamedTuple):
    """A requested URL whose redirect leads to an operator that another worker may be asking."""

    url_id: int
    next_id: int
    """``url.id`` of the redirect's target: what is to be asked next."""
    chain: str
    """The hops so far, as they are kept for a final outcome."""
    operator: str
    """Of the target."""


class Wanted(NamedTuple):
    """A URL that joins a crawl."""

    url_id: int
    operator: str
    depth: int
    found_on: int | None


def stored(dialect: Dialect, conn: Connection, crawl_id: int, urls: Collection[int]) -> dict[int, tuple[int, int]]:
    """State code and depth of those of the URLs that the crawl has."""
    rows = dialect.fetch_keyed(
        conn, "SELECT url_id, state, depth FROM outcome WHERE crawl_id = ? AND url_id {ids}", urls, crawl_id
    )
    return {row.url_id: (row.state, row.depth) for row in rows}


def add(dialect: Dialect, conn: Connection, crawl_id: int, wanted: Iterable[Wanted]) -> int:
    """Add pending outcomes for URLs the crawl does not have; each takes the next turn of its operator.

    Returns:
        How many were handed over; one that another writer adds at the same moment is kept once.
    """
    rows: list[tuple[Any, ...]] = []
    first: dict[int, Wanted] = {}
    for one in wanted:
        first.setdefault(one.url_id, one)
    last = dialect.fetch_named(
        conn,
        "SELECT operator, max(turn) AS turn FROM outcome WHERE crawl_id = ? AND operator {names} GROUP BY operator",
        {short_name(one.operator) for one in first.values()},
        crawl_id,
    )
    turns: dict[str, int] = {row.operator: row.turn for row in last}
    for one in first.values():
        operator = short_name(one.operator)
        turns[operator] = turn = turns.get(operator, -1) + 1
        rows.append((crawl_id, one.url_id, 0, operator, turn, one.depth, one.found_on, shard_of(operator)))
    rows.sort(key=lambda row: row[1])
    dialect.insert(
        conn,
        "outcome",
        ("crawl_id", "url_id", "state", "operator", "turn", "depth", "found_on", "shard"),
        rows,
        conflict="nothing",
    )
    return len(rows)


def settle(dialect: Dialect, conn: Connection, crawl_id: int, outcomes: Sequence[Settled]) -> None:
    """Write down what became of requested URLs; one that has its outcome already keeps it."""
    dialect.run_many(
        conn,
        "UPDATE outcome SET state = ?, reason = ?, status = ?, chain = ?, final_id = ?, visit_id = ?, at = ? "
        "WHERE crawl_id = ? AND url_id = ? AND state = 0",
        [
            (
                _STATE[one.state],
                None if one.reason is None else clean(one.reason),
                one.status,
                one.chain,
                one.final_id,
                one.visit_id,
                one.at,
                crawl_id,
                one.url_id,
            )
            for one in sorted(outcomes, key=lambda one: one.url_id)
        ],
    )


def hand_on(dialect: Dialect, conn: Connection, crawl_id: int, rows: Sequence[HandedOn]) -> None:
    """Leave pending URLs to the holder of another shard, with the redirects followed so far.

    A row stays what its requested URL makes it (operator, turn); its shard is that of the operator to be asked next.
    """
    dialect.run_many(
        conn,
        "UPDATE outcome SET chain = ?, final_id = ?, shard = ? WHERE crawl_id = ? AND url_id = ? AND state = 0",
        [(one.chain, one.next_id, shard_of(short_name(one.operator)), crawl_id, one.url_id) for one in sorted(rows)],
    )


def turn(dialect: Dialect, conn: Connection, turned: Mapping[int, bool]) -> None:
    """Visits that were suspects and are confirmed, or the other way round: their outcomes say so too.

    Args:
        turned: ids of visits, each with whether it speaks for its page now.
    """
    rows = dialect.fetch_keyed(
        conn,
        "SELECT id, crawl_id, requested_id, page_id, reason FROM visit WHERE crawl_id IS NOT NULL AND id {ids}",
        turned,
    )
    dialect.run_many(
        conn,
        "UPDATE outcome SET state = ?, reason = ? WHERE crawl_id = ? AND url_id = ? AND visit_id = ? AND state <> 0",
        [
            (
                _STATE["fetched" if turned[row.id] else "suspect"],
                None if turned[row.id] else row.reason or LINKS_VANISHED,
                row.crawl_id,
                url_id,
                row.id,
            )
            for row in sorted(rows)
            for url_id in sorted({row.requested_id, row.page_id})
        ],
    )
