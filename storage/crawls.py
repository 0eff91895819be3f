"""Questions about crawls: which there were, what they asked, and what became of each URL."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select, update

from storage import frontier
from storage.codes import OUTCOMES
from storage.errors import UnknownName
from storage.filters import crawl_id_of
from storage.records import OutcomeState, RejectedRow
from storage.schema import crawl, outcome, page_list, rejected_row, url, visit
from storage.times import to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ROWS = 1_000


def set_list(conn: Connection, crawl_id: int, list_id: int) -> None:
    """Note which kept list a crawl is of."""
    conn.execute(update(crawl).where(crawl.c.id == crawl_id).values(list_id=list_id))


def list_of(conn: Connection, crawl_id: int) -> int | None:
    """The kept list a crawl was of, None without one.

    Raises:
        UnknownName: no such crawl.
    """
    row = conn.execute(select(crawl.c.list_id).where(crawl.c.id == crawl_id)).one_or_none()
    if row is None:
        raise _unknown(conn, str(crawl_id))
    return None if row.list_id is None else int(row.list_id)


def find_crawl(conn: Connection, name: str) -> int:
    """The id of a crawl named by its number, ``last`` or ``previous``.

    Raises:
        UnknownName: there is none.
    """
    if name == "last":
        return crawl_id_of(conn, "last")
    if name == "previous":
        return crawl_id_of(conn, "previous")
    if name.isascii() and name.isdigit() and len(name) < 10:
        return crawl_id_of(conn, int(name))
    raise _unknown(conn, name)


def _unknown(conn: Connection, name: str) -> UnknownName:
    known = conn.execute(select(crawl.c.id).order_by(crawl.c.id.desc()).limit(5)).scalars()
    return UnknownName("crawl", name, tuple(str(one) for one in known))


def crawl_summary(conn: Connection, crawl_id: int) -> dict[str, Any]:
    """One crawl and its sums: read = accepted + duplicates + rejected, asked = the sum of the outcomes.

    ``pages`` are complete and partial readings kept, each page once; ``links`` and ``skipped_hrefs`` stand on them.
    """
    row = conn.execute(
        select(crawl, page_list.c.name.label("list_name"))
        .join(page_list, page_list.c.id == crawl.c.list_id, isouter=True)
        .where(crawl.c.id == crawl_id)
    ).one_or_none()
    if row is None:
        raise _unknown(conn, str(crawl_id))
    return _summary(conn, row)


def all_crawls(conn: Connection) -> Iterator[dict[str, Any]]:
    """Every crawl with its sums, the newest first."""
    rows = conn.execute(
        select(crawl, page_list.c.name.label("list_name"))
        .join(page_list, page_list.c.id == crawl.c.list_id, isouter=True)
        .order_by(crawl.c.id.desc())
    ).all()
    for row in rows:
        yield _summary(conn, row)


def _summary(conn: Connection, row: Any) -> dict[str, Any]:
    outcomes = frontier.counts(conn, row.id)
    kept = conn.execute(
        select(
            func.count().label("pages"),
            func.coalesce(func.sum(visit.c.links), 0).label("links"),
            func.coalesce(func.sum(visit.c.skipped), 0).label("skipped"),
        ).where(visit.c.crawl_id == row.id)
    ).one()
    ended = row.ended_at
    return {
        "crawl": row.id,
        "list": row.list_name,
        "state": row.state,
        "started": to_iso(row.started_at),
        "ended": to_iso(ended),
        "seconds": None if ended is None else round((ended - row.started_at) / 1000, 3),
        "rows": {
            "read": row.rows_read,
            "accepted": row.rows_accepted,
            "duplicates": row.rows_duplicate,
            "rejected": row.rows_rejected,
        },
        "asked": sum(outcomes.values()),
        "outcomes": dict(outcomes),
        "pages": int(kept.pages),
        "links": int(kept.links),
        "skipped_hrefs": int(kept.skipped),
        "problems": [
            {"outcome": state, "reason": reason, "urls": number}
            for (state, reason), number in frontier.reasons(conn, row.id).items()
        ],
    }


def plan_of(conn: Connection, crawl_id: int) -> dict[str, Any]:
    """The plan a crawl was made by."""
    plan: dict[str, Any] = json.loads(conn.execute(select(crawl.c.plan).where(crawl.c.id == crawl_id)).scalar_one())
    return plan


def rejected_rows(conn: Connection, crawl_id: int, limit: int | None = None) -> Iterator[RejectedRow]:
    """The rows of a crawl's list that could not be fetched, in file and line order."""
    columns = rejected_row.c
    rows = conn.execution_options(yield_per=_ROWS).execute(
        select(columns.file, columns.line, columns.given, columns.reason)
        .where(columns.crawl_id == crawl_id)
        .order_by(columns.file, columns.line, columns.given)
        .limit(limit)
    )
    for row in rows:
        yield RejectedRow(*row)


def outcome_rows(
    conn: Connection, crawl_id: int, states: Collection[OutcomeState] | None = None
) -> Iterator[Mapping[str, Any]]:
    """What became of each requested URL, in the order of the URLs; ``states`` None: of all."""
    final, finder = url.alias("final"), url.alias("finder")
    statement = (
        select(
            url.c.url,
            outcome.c.state,
            outcome.c.reason,
            outcome.c.status,
            outcome.c.chain,
            final.c.url.label("final"),
            outcome.c.depth,
            finder.c.url.label("found_on"),
            outcome.c.at,
        )
        .select_from(
            outcome.join(url, url.c.id == outcome.c.url_id)
            .join(final, final.c.id == outcome.c.final_id, isouter=True)
            .join(finder, finder.c.id == outcome.c.found_on, isouter=True)
        )
        .where(outcome.c.crawl_id == crawl_id)
        .order_by(url.c.url)
    )
    if states is not None:
        statement = statement.where(outcome.c.state.in_([OUTCOMES.index(state) for state in states]))
    for row in conn.execution_options(yield_per=_ROWS).execute(statement):
        yield {
            "url": row.url,
            "outcome": OUTCOMES[row.state],
            "reason": row.reason,
            "status": row.status,
            "redirects": json.loads(row.chain) if row.chain else [],
            "final": row.final,
            "depth": row.depth,
            "found_on": row.found_on,
            "at": to_iso(row.at),
        }


def count_outcomes(conn: Connection, crawl_id: int, states: Collection[OutcomeState] | None = None) -> int:
    """How many rows `outcome_rows` gives."""
    found = frontier.counts(conn, crawl_id)
    return sum(number for state, number in found.items() if states is None or state in states)


def has_crawls(conn: Connection) -> bool:
    """Whether the ledger has any crawl."""
    return conn.execute(select(literal(1)).select_from(crawl).limit(1)).first() is not None
