"""Who may ask which shard of a crawl. A shard has one holder at a time, by the clock of the database.

A lease is a promise to ask, never the result: what was asked and not stored stays pending, so a holder that
dies or is slow to come back loses nothing, and whoever takes over goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, func, literal_column, select, update

from storage import pace
from storage.codes import OUTCOMES
from storage.dialect import dialect_of
from storage.dictionaries import ensure_urls
from storage.errors import LedgerError
from storage.outcomes import HandedOn, hand_on
from storage.records import CanonicalUrl, Hop
from storage.schema import lease, outcome
from storage.shards import SHARDS
from storage.visits import chain_json

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

LASTS_MS = 60_000
"""A lease that is not renewed for so long is anybody's."""
_PENDING = outcome.c.state == literal_column(str(OUTCOMES.index("pending")))
_FREE = ""


class CrawlIsHeld(LedgerError):
    """A crawl that a living process is working on."""


class HandOn(NamedTuple):
    """A requested URL that goes on to the worker that asks the operator its redirect leads to."""

    requested: CanonicalUrl
    current: CanonicalUrl
    """What is to be asked next."""
    operator: str
    """Of ``current``."""
    chain: tuple[Hop, ...]
    """The redirects followed so far."""


class Holder(NamedTuple):
    """One holder of shards of a crawl."""

    name: str
    shards: int
    seconds: float
    """Until its latest lease runs out; negative where it has."""


class Claimed(NamedTuple):
    """Shards that were taken."""

    shards: frozenset[int]
    orphans: frozenset[int]
    """Those among them whose last holder did not give them back: it may have asked a moment ago."""


def holders(conn: Connection, crawl_id: int) -> list[Holder]:
    """Who holds a crawl, by name; those whose leases have run out too."""
    rows = conn.execute(
        select(lease.c.holder, func.count(), func.max(lease.c.until) - _now(conn))
        .where(lease.c.crawl_id == crawl_id, lease.c.holder != _FREE)
        .group_by(lease.c.holder)
        .order_by(lease.c.holder)
    )
    return [Holder(name, int(shards), int(left) / 1000) for name, shards, left in rows]


def take_all(conn: Connection, crawl_id: int, holder: str) -> None:
    """Hold every shard, whoever held them: for the process that begins a crawl or goes on with it."""
    conn.execute(delete(lease).where(lease.c.crawl_id == crawl_id))
    dialect = dialect_of(conn)
    until = int(conn.execute(select(_now(conn))).scalar_one()) + LASTS_MS
    dialect.insert(
        conn, "lease", ("crawl_id", "shard", "holder", "until"),
        [(crawl_id, shard, holder, until) for shard in range(SHARDS)],
    )  # fmt: skip


def claim(
    conn: Connection,
    crawl_id: int,
    holder: str,
    *,
    most: int,
    share: tuple[int, int] = (0, 1),
    of: str = _FREE,
    gone: Callable[[str], bool] = lambda _: False,
    busy_only: bool = False,
) -> Claimed:
    """Take up to ``most`` shards that nobody holds.

    Args:
        share: number of this worker and how many there are: those that begin at one time choose different shards.
        of: another holder whose shards are meant to be taken: the process that began the crawl.
        gone: tells whether a holder's process has ended for sure.
        busy_only: only shards that have something pending.
    """
    rows = conn.execute(
        select(lease.c.shard, lease.c.holder, lease.c.until < _now(conn))
        .where(lease.c.crawl_id == crawl_id)
        .order_by(lease.c.shard)
        .with_for_update()
    ).all()
    ended = {name for name in {row[1] for row in rows} - {_FREE, of, holder} if gone(name)}
    orphans = {shard for shard, name, late in rows if name not in (_FREE, of, holder) and (late or name in ended)}
    free = orphans | {shard for shard, name, _ in rows if name in (_FREE, of)}
    if not free or most <= 0:
        return Claimed(frozenset(), frozenset())
    sizes = Counter(pending_by_shard(conn, crawl_id))
    number, workers = share
    # Full ones in turn, then empty ones in turn; every worker sees the same ranking when a crawl begins.
    ranking = sorted(range(SHARDS), key=lambda shard: (-sizes[shard], shard))
    ranked = sorted(enumerate(ranking), key=lambda place: (place[0] % workers != number, place[0]))
    chosen = [shard for _, shard in ranked if shard in free and (sizes[shard] or not busy_only)][:most]
    _set(conn, crawl_id, chosen, holder, literal_column(str(LASTS_MS)) + _now(conn))
    return Claimed(frozenset(chosen), frozenset(chosen) & orphans)


def renew(conn: Connection, crawl_id: int, holder: str) -> frozenset[int]:
    """Hold on for another minute; returns the shards that are still held."""
    held = (
        select(lease.c.shard)
        .where(lease.c.crawl_id == crawl_id, lease.c.holder == holder)
        .order_by(lease.c.shard)
        .with_for_update()
    )
    shards = list(conn.execute(held).scalars())
    _set(conn, crawl_id, shards, holder, literal_column(str(LASTS_MS)) + _now(conn))
    return frozenset(shards)


def give_back(conn: Connection, crawl_id: int, holder: str) -> None:
    """Let go of all shards; the next worker may take them at once."""
    conn.execute(
        update(lease).where(lease.c.crawl_id == crawl_id, lease.c.holder == holder).values(holder=_FREE, until=0)
    )


def end(conn: Connection, crawl_id: int) -> None:
    """Nobody works on the crawl any more."""
    conn.execute(delete(lease).where(lease.c.crawl_id == crawl_id))
    pace.forget(conn)


def hand_over(conn: Connection, crawl_id: int, urls: Sequence[HandOn]) -> None:
    """Leave URLs to whoever holds the shard of the operator to be asked next; they stay pending."""
    ids = ensure_urls(conn, [end for one in urls for end in (one.requested, one.current)])
    rows = [
        HandedOn(ids[one.requested.url], ids[one.current.url], chain_json(one.chain) or "[]", one.operator)
        for one in urls
    ]
    hand_on(dialect_of(conn), conn, crawl_id, rows)


def pending_by_shard(conn: Connection, crawl_id: int) -> dict[int, int]:
    """How many URLs of each shard are pending; shards without any are left out."""
    rows = conn.execute(
        select(outcome.c.shard, func.count()).where(outcome.c.crawl_id == crawl_id, _PENDING).group_by(outcome.c.shard)
    )
    return {int(shard): int(number) for shard, number in rows}


def _set(conn: Connection, crawl_id: int, shards: Collection[int], holder: str, until: ColumnElement[int]) -> None:
    if shards:
        conn.execute(
            update(lease)
            .where(lease.c.crawl_id == crawl_id, lease.c.shard.in_(list(shards)))
            .values(holder=holder, until=until)
        )


def _now(conn: Connection) -> ColumnElement[int]:
    return literal_column(dialect_of(conn).now())
