"""What a crawl still has to fetch, and what became of what it has fetched.

The rows of table ``outcome`` that are pending *are* the queue; there is no second one in memory
or on disk, so a crawl that is killed has lost nothing. The fair order is by ``turn``: the
running number of a URL within its operator. All operators' first pages come before any second
page, so ten thousand pages of one operator never stand before the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import case, delete, exists, func, insert, literal, literal_column, select, update

from storage import outcomes
from storage.codes import OUTCOMES
from storage.dialect import dialect_of
from storage.dictionaries import texts_of, url_rows
from storage.kept import Kept, last_read, validators
from storage.outcomes import Wanted
from storage.records import OutcomeState, RejectedRow, SeedRow
from storage.schema import alike, crawl, list_row, outcome, url
from storage.shards import ALL, shard_sql
from storage.text import clean

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, FromClause

T = TypeVar("T")

PENDING, SKIPPED = OUTCOMES.index("pending"), OUTCOMES.index("skipped")
_IS_PENDING = outcome.c.state == literal_column(str(PENDING))
"""Written out: an index on part of a table is used only where the statement itself shows that it holds."""
VISITED = "visited_lately"
"""Kind of reason of seeds that are not asked because their page was read not long ago."""
_CHUNK = 2_000


class Added(NamedTuple):
    """What became of the rows of a list."""

    accepted: int
    duplicates: int


class Pending(NamedTuple):
    """One URL that is to be fetched."""

    url_id: int
    url: str
    operator: str
    turn: int
    depth: int
    kept: Kept | None = None
    """Validators of the page it led to last time, where that page may be asked whether it has changed."""
    shard: int = 0
    chain: str | None = None
    """Redirects followed already, as JSON, where another worker has handed it on ..."""
    next_url: str | None = None
    """... and the URL that is to be asked now in place of its own."""


def start_crawl(conn: Connection, *, plan: str, list_id: int | None, now: int) -> int:
    """Register a crawl in state ``running``; ``plan`` is its plan as JSON. Returns its id."""
    statement = insert(crawl).values(plan=plan, list_id=list_id, state="running", started_at=now)
    return int(conn.execute(statement.returning(crawl.c.id)).scalar_one())


def finish_crawl(conn: Connection, crawl_id: int, *, state: str, now: int) -> None:
    """Close a crawl as ``finished``, ``interrupted`` or ``failed``; its pending URLs stay pending."""
    conn.execute(update(crawl).where(crawl.c.id == crawl_id).values(state=state, ended_at=now))
    if state == "finished":  # nothing joins it any more: of what its limits counted by, only the sums are kept
        conn.execute(delete(alike).where(alike.c.crawl_id == crawl_id))


# -- filling it -------------------------------------------------------------------------------


def add_seeds(conn: Connection, crawl_id: int, rows: Iterable[SeedRow]) -> Added:
    """Add the rows of a list in their order; a URL that is there already is a duplicate.

    Streams: holds a few thousand rows at a time.
    """
    accepted = duplicates = 0
    dialect = dialect_of(conn)
    for chunk in _chunks(rows):
        ids = url_rows(texts_of(conn), conn, (seed.url for seed in chunk))
        there = outcomes.stored(dialect, conn, crawl_id, {row.id for row in ids.values()})
        new: dict[int, Wanted] = {}
        for seed in chunk:
            url_id = ids[seed.url.url].id
            if url_id not in there:
                new.setdefault(url_id, Wanted(url_id, seed.operator, 0, None))
        outcomes.add(dialect, conn, crawl_id, new.values())
        accepted += len(new)
        duplicates += len(chunk) - len(new)
    return Added(accepted, duplicates)


def add_list(conn: Connection, crawl_id: int, list_id: int, added_at: int | None = None) -> Added:
    """Add the pages of a kept list, in the database; with ``added_at``, only the rows kept at that time."""
    rows = list_row.c
    of_list = rows.list_id == list_id
    if added_at is not None:
        of_list &= rows.added_at == added_at
    copy = func.row_number().over(partition_by=rows.url_id, order_by=(rows.file, rows.line))
    copies = select(rows.url_id, rows.operator, rows.file, rows.line, copy.label("copy")).where(of_list).subquery()
    turn = func.row_number().over(partition_by=copies.c.operator, order_by=(copies.c.file, copies.c.line)) - 1
    pages = select(
        literal(crawl_id),
        copies.c.url_id,
        literal(PENDING),
        copies.c.operator,
        turn.label("turn"),
        literal(0),
        shard_sql(conn, copies.c.operator),
    ).where(copies.c.copy == 1)
    columns = ["crawl_id", "url_id", "state", "operator", "turn", "depth", "shard"]
    conn.execute(insert(outcome).from_select(columns, pages))
    accepted = _count(conn, crawl_id)
    total = conn.execute(select(func.count()).select_from(list_row).where(of_list)).scalar_one()
    return Added(accepted, total - accepted)


def add_retry(conn: Connection, crawl_id: int, of_crawl: int) -> Added:
    """Add the URLs of an earlier crawl that may answer now.

    These are failed, partial and suspect ones, those whose robots.txt could not be read, and those still pending
    because the crawl was stopped.
    """
    before = outcome.alias("before")
    turn = func.row_number().over(partition_by=before.c.operator, order_by=(before.c.turn, before.c.url_id)) - 1
    pages = select(
        literal(crawl_id),
        before.c.url_id,
        literal(PENDING),
        before.c.operator,
        turn.label("turn"),
        literal(0),
        shard_sql(conn, before.c.operator),
    ).where(worth_a_retry(before, of_crawl))
    columns = ["crawl_id", "url_id", "state", "operator", "turn", "depth", "shard"]
    conn.execute(insert(outcome).from_select(columns, pages))
    return Added(_count(conn, crawl_id), 0)


def worth_a_retry(rows: FromClause, crawl_id: int) -> ColumnElement[bool]:
    """Which of the outcomes of a crawl `add_retry` asks again; ``rows`` is table ``outcome`` or an alias of it."""
    again = [OUTCOMES.index(state) for state in ("pending", "failed", "partial", "suspect")]
    unread = (rows.c.state == OUTCOMES.index("blocked")) & rows.c.reason.not_like("robots:disallow%")
    return (rows.c.crawl_id == crawl_id) & (rows.c.state.in_(again) | unread)


def add_rejected(conn: Connection, crawl_id: int, rows: Iterable[RejectedRow]) -> int:
    """Keep the rows of a list that cannot be fetched, each with its reason."""
    total = 0
    columns = ("crawl_id", "file", "line", "given", "reason")
    for chunk in _chunks(rows):
        values = [(crawl_id, clean(row.file), row.line, clean(row.given), clean(row.reason)) for row in chunk]
        dialect_of(conn).insert(conn, "rejected_row", columns, values)
        total += len(chunk)
    return total


def set_row_counts(conn: Connection, crawl_id: int, *, read: int, added: Added, rejected: int) -> None:
    """Keep how many rows a crawl's list had: read = accepted + duplicates + rejected."""
    counts = {
        "rows_read": read,
        "rows_accepted": added.accepted,
        "rows_duplicate": added.duplicates,
        "rows_rejected": rejected,
    }
    conn.execute(update(crawl).where(crawl.c.id == crawl_id).values(counts))


def skip_visited(conn: Connection, crawl_id: int, *, since: int, now: int) -> int:
    """Skip the seeds whose page, or the page they led to last, was read whole since a time; returns how many."""
    dialect = dialect_of(conn)
    return conn.exec_driver_sql(
        dialect.sql(
            f"UPDATE outcome SET state = {SKIPPED}, at = ?, reason = '{VISITED} ' || {dialect.iso('lately.at')}"
            f" FROM (SELECT o.url_id, {last_read('o.url_id')} AS at FROM outcome o"
            f" WHERE o.crawl_id = ? AND o.state = {PENDING} AND o.depth = 0) lately"
            " WHERE outcome.crawl_id = ? AND outcome.url_id = lately.url_id AND lately.at >= ?"
        ),
        (now, crawl_id, crawl_id, since),
    ).rowcount


def limit_seeds(conn: Connection, crawl_id: int, *, pages: int | None, per_host: int | None, now: int) -> int:
    """Skip what lies beyond the limits of a crawl, the last in fair order first; returns how many."""
    skipped = 0
    if per_host is not None:
        place = func.row_number().over(partition_by=url.c.host_id, order_by=(outcome.c.turn, outcome.c.url_id))
        joined = outcome.join(url, url.c.id == outcome.c.url_id)
        skipped += _skip(conn, crawl_id, select(outcome.c.url_id, place.label("place")).select_from(joined), per_host,
                         "max_pages_per_host", now)  # fmt: skip
    if pages is not None:
        place = func.row_number().over(order_by=(outcome.c.turn, outcome.c.url_id))
        skipped += _skip(conn, crawl_id, select(outcome.c.url_id, place.label("place")), pages, "max_pages", now)
    return skipped


def _skip(conn: Connection, crawl_id: int, places: Any, most: int, reason: str, now: int) -> int:
    ranked = places.where(outcome.c.crawl_id == crawl_id, outcome.c.state == PENDING).subquery()
    beyond = select(ranked.c.url_id).where(ranked.c.place > most)
    return conn.execute(
        update(outcome)
        .where(outcome.c.crawl_id == crawl_id, outcome.c.url_id.in_(beyond))
        .values(state=SKIPPED, reason=reason, at=now)
    ).rowcount


# -- emptying it --------------------------------------------------------------------------------


def next_operators(
    conn: Connection, crawl_id: int, *, besides: Collection[str], limit: int, shards: frozenset[int] = ALL
) -> list[str]:
    """Up to ``limit`` operators with pending URLs in these shards, in fair order, other than those in hand."""
    pending = (
        select(outcome.c.operator)
        .where(outcome.c.crawl_id == crawl_id, _IS_PENDING)
        .order_by(outcome.c.turn, outcome.c.url_id)
        .limit(limit)
    )
    if besides:
        pending = pending.where(outcome.c.operator.not_in(list(besides)))
    if shards != ALL:
        pending = pending.where(outcome.c.shard.in_(sorted(shards)))
    return list(dict.fromkeys(conn.execute(pending).scalars()))


def next_rows(
    conn: Connection,
    crawl_id: int,
    operator: str,
    *,
    after: int,
    limit: int,
    rules_version: int | None = None,
    shards: frozenset[int] = ALL,
) -> list[Pending]:
    """The next pending URLs of one operator in these shards, those with a turn above ``after``.

    Args:
        rules_version: of the rules that pages are taken apart by now, to hand out validators of documents that
            were taken apart by the same; None: hand out none.
    """
    final = url.alias("final")
    statement = (
        select(
            outcome.c.url_id,
            url.c.url,
            outcome.c.operator,
            outcome.c.turn,
            outcome.c.depth,
            outcome.c.shard,
            outcome.c.chain,
            final.c.url.label("next_url"),
        )
        .join(url, url.c.id == outcome.c.url_id)
        .join(final, final.c.id == outcome.c.final_id, isouter=True)
        .where(
            outcome.c.crawl_id == crawl_id,
            outcome.c.operator == operator,
            outcome.c.turn > after,
            # As a sum, so that the index of pending rows is no candidate: SQLite would take it, and read past
            # the pending rows of all operators.
            outcome.c.state + 0 == PENDING,
        )
        .order_by(outcome.c.turn, outcome.c.url_id)
        .limit(limit)
    )
    if shards != ALL:
        statement = statement.where(outcome.c.shard.in_(sorted(shards)))
    rows = [Pending(**row) for row in conn.execute(statement).mappings()]
    if rules_version is None:
        return rows
    known = validators(conn, [row.url_id for row in rows], rules_version=rules_version)
    return [row._replace(kept=known.get(row.url_id)) for row in rows]


def any_pending(conn: Connection, crawl_id: int) -> bool:
    """Whether any URL of a crawl has no outcome yet, whoever is asking it."""
    pending = select(literal(1)).select_from(outcome).where(outcome.c.crawl_id == crawl_id, _IS_PENDING)
    return bool(conn.execute(select(exists(pending))).scalar_one())


def set_shards(conn: Connection, crawl_id: int) -> None:
    """Put pending URLs of a crawl that an older release began into the shards of their operators."""
    shard = shard_sql(conn, outcome.c.operator)
    conn.execute(
        update(outcome)
        .where(outcome.c.crawl_id == crawl_id, _IS_PENDING, outcome.c.final_id.is_(None), outcome.c.shard != shard)
        .values(shard=shard)
    )


def reopen_crawl(conn: Connection, crawl_id: int) -> None:
    """A crawl that goes on is running again."""
    conn.execute(update(crawl).where(crawl.c.id == crawl_id).values(state="running", ended_at=None))


# -- what has become of it ----------------------------------------------------------------------


def counts(conn: Connection, crawl_id: int) -> dict[OutcomeState, int]:
    """How many URLs of a crawl are in each state; every state is named, the sum is what was asked."""
    rows = conn.execute(
        select(outcome.c.state, func.count()).where(outcome.c.crawl_id == crawl_id).group_by(outcome.c.state)
    )
    found: dict[int, int] = dict(rows.all())
    return {state: int(found.get(code, 0)) for code, state in enumerate(OUTCOMES)}


def reasons(conn: Connection, crawl_id: int) -> dict[tuple[OutcomeState, str], int]:
    """How many URLs of a crawl have each kind of reason; the detail behind the kind's first space is left out."""
    cut = func.instr(outcome.c.reason, " ") if conn.dialect.name == "sqlite" else func.strpos(outcome.c.reason, " ")
    kind = case((cut > 0, func.substr(outcome.c.reason, 1, cut - 1)), else_=outcome.c.reason).label("kind")
    rows = conn.execute(
        select(outcome.c.state, kind, func.count())
        .where(outcome.c.crawl_id == crawl_id, outcome.c.reason.is_not(None))
        .group_by(outcome.c.state, kind)
    )
    found = {(OUTCOMES[state], str(name)): int(number) for state, name, number in rows}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def asked_by_operator(conn: Connection, crawl_id: int) -> Iterator[tuple[str, int]]:
    """How many pending URLs each operator has, the most first."""
    number = func.count().label("number")
    rows = conn.execute(
        select(outcome.c.operator, number)
        .where(outcome.c.crawl_id == crawl_id, outcome.c.state == PENDING)
        .group_by(outcome.c.operator)
        .order_by(number.desc(), outcome.c.operator)
    )
    for operator, pending in rows:
        yield operator, int(pending)


def taken(conn: Connection, crawl_id: int) -> int:
    """URLs that count for the limit on pages: all but those a limit or an earlier visit has kept from being asked."""
    reason = func.coalesce(outcome.c.reason, "")
    rows = select(func.count()).select_from(outcome).where(outcome.c.crawl_id == crawl_id)
    rows = rows.where(reason.not_like("max_pages%"), reason.not_like(f"{VISITED}%"))
    return int(conn.execute(rows).scalar_one())


def _count(conn: Connection, crawl_id: int) -> int:
    return int(
        conn.execute(select(func.count()).select_from(outcome).where(outcome.c.crawl_id == crawl_id)).scalar_one()
    )


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
