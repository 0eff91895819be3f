"""Questions about crawls: which there were, what they asked, and what became of each URL."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, func, literal_column, select, update

from storage import frontier, holders, leases, limits
from storage.codes import OUTCOMES
from storage.errors import UnknownName
from storage.filters import crawl_id_of
from storage.kept import last_read
from storage.records import OutcomeState, RejectedRow
from storage.schema import crawl, host, list_row, outcome, page_list, rejected_row, url, visit
from storage.times import to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Subquery

_ROWS = 1_000
SHOWN_OPERATORS = 20
STATES: tuple[OutcomeState, ...] = (*OUTCOMES[1:], OUTCOMES[0])
"""Outcomes in the order they are shown: pending last."""
SUMMARY = (
    "crawl", "list", "state", "started_at", "ended_at", "seconds", "rows_read", "rows_accepted", "rows_duplicate",
    "rows_rejected", "asked", *STATES, "pages", "links", "skipped_hrefs", "problems",
)  # fmt: skip
"""The keys of a crawl among others, in order."""
SUMMARY_OF_ONE = (*SUMMARY, "not_followed", "proxy")
"""The keys of `crawl_summary`, in order."""
OUTCOME_ROW = ("url", "outcome", "reason", "status", "redirects", "final", "depth", "found_on", "at")
"""The keys of `outcome_rows`, in order."""


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


def latest_unfinished(conn: Connection) -> int | None:
    """The latest crawl that was not brought to its end, None without one."""
    found = conn.execute(select(func.max(crawl.c.id)).where(crawl.c.state != "finished")).scalar_one()
    return None if found is None else int(found)


def registered(conn: Connection, crawl_id: int, *, lock: bool = False) -> Row[Any]:
    """The row of a crawl as it was registered; with ``lock``, no other process takes it up before we are done.

    Raises:
        UnknownName: no such crawl.
    """
    statement = select(crawl).where(crawl.c.id == crawl_id)
    row = conn.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise _unknown(conn, str(crawl_id))
    return row


def _unknown(conn: Connection, name: str) -> UnknownName:
    known = conn.execute(select(crawl.c.id).order_by(crawl.c.id.desc()).limit(5)).scalars()
    return UnknownName("crawl", name, tuple(str(one) for one in known))


def crawl_summary(conn: Connection, crawl_id: int) -> dict[str, Any]:
    """One crawl and its sums: read = accepted + duplicates + rejected, asked = the sum of the outcomes.

    ``pages`` are complete and partial readings kept, each page once; ``links`` and ``skipped_hrefs`` stand on them.
    ``not_followed`` has the URLs that limits kept out, each once for every page it was found on. ``proxy`` is the proxy
    it went through, without credentials, or ``environment``; None without one.
    """
    row = conn.execute(
        select(crawl, page_list.c.name.label("list_name"))
        .join(page_list, page_list.c.id == crawl.c.list_id, isouter=True)
        .where(crawl.c.id == crawl_id)
    ).one_or_none()
    if row is None:
        raise _unknown(conn, str(crawl_id))
    proxy = json.loads(row.plan).get("proxy")
    return _summary(conn, row) | {"not_followed": limits.kept_out(conn, crawl_id), "proxy": proxy}


def all_crawls(conn: Connection) -> Iterator[dict[str, Any]]:
    """Every crawl with its sums, the newest first."""
    rows = conn.execute(
        select(crawl, page_list.c.name.label("list_name"))
        .join(page_list, page_list.c.id == crawl.c.list_id, isouter=True)
        .order_by(crawl.c.id.desc())
    ).all()
    for row in rows:
        yield _summary(conn, row)


def state_of(conn: Connection, row: Any) -> str:
    """``finished``, ``interrupted``, ``failed``, ``running``; ``died`` where no process is there any more that ran it.

    On another machine, a process counts as running until its lease has run out.
    """
    if row.state != "running":
        return str(row.state)
    alive = any(holder.seconds > 0 and not holders.is_gone(holder.name) for holder in leases.holders(conn, row.id))
    return "running" if alive else "died"


def left(conn: Connection, crawl_id: int) -> dict[str, Any]:
    """What a crawl has still to ask: URLs by why they are pending, and by operator, the most first."""
    waiting = outcome.c.chain.is_not(None)
    reasons: dict[bool, int] = {
        bool(handed): int(number)
        for handed, number in conn.execute(
            select(waiting, func.count())
            .where(outcome.c.crawl_id == crawl_id, outcome.c.state == frontier.PENDING)
            .group_by(waiting)
        )
    }
    operators = list(frontier.asked_by_operator(conn, crawl_id))
    return {
        "urls": sum(reasons.values()),
        "operators": len(operators),
        "not_asked_yet": reasons.get(False, 0),
        "redirected": reasons.get(True, 0),
        "by_operator": [{"operator": name, "urls": number} for name, number in operators[:SHOWN_OPERATORS]],
    }


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
        "state": state_of(conn, row),
        "started_at": to_iso(row.started_at),
        "ended_at": to_iso(ended),
        "seconds": None if ended is None else round((ended - row.started_at) / 1000, 3),
        "rows_read": row.rows_read,
        "rows_accepted": row.rows_accepted,
        "rows_duplicate": row.rows_duplicate,
        "rows_rejected": row.rows_rejected,
        "asked": sum(outcomes.values()),
        **{state: outcomes[state] for state in STATES},
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


@dataclass(frozen=True, slots=True)
class Load:
    """How much work a set of URLs would be."""

    rows: int
    pages: int
    bare_domains: int | None
    """Rows that name a host only; None where the rows as given are not kept."""
    domains: int
    operators: int
    largest_operator: str | None
    largest_operator_pages: int


def list_load(conn: Connection, list_id: int, *, not_since: int | None = None) -> Load:
    """What crawling a kept list would ask; with ``not_since``, only its pages not read whole since then."""
    of_list = list_row.c.list_id == list_id
    if not_since is not None:
        of_list &= func.coalesce(literal_column(last_read("list_row.url_id"), BigInteger), -1) < not_since
    rows = select(list_row.c.url_id, list_row.c.operator).where(of_list).subquery()
    given = list_row.c.given
    slashes = func.length(given) - func.length(func.replace(given, "/", ""))
    host_only = (slashes == 0) | ((slashes == 2) & given.like("%://%"))
    bare = select(func.count()).select_from(list_row).where(of_list, host_only)
    return _load(conn, rows, bare_domains=conn.execute(bare).scalar_one())


def retry_load(conn: Connection, crawl_id: int) -> Load:
    """What asking the problems of a crawl again would ask."""
    rows = select(outcome.c.url_id, outcome.c.operator).where(frontier.worth_a_retry(outcome, crawl_id)).subquery()
    return _load(conn, rows)


def _load(conn: Connection, rows: Subquery, *, bare_domains: int | None = None) -> Load:
    pages = select(rows.c.url_id, func.min(rows.c.operator).label("operator")).group_by(rows.c.url_id).subquery()
    sizes = conn.execute(
        select(
            func.count().label("pages"),
            func.count(host.c.domain_id.distinct()).label("domains"),
            func.count(pages.c.operator.distinct()).label("operators"),
        ).select_from(pages.join(url, url.c.id == pages.c.url_id).join(host, host.c.id == url.c.host_id))
    ).one()
    number = func.count().label("number")
    largest = conn.execute(
        select(pages.c.operator, number).group_by(pages.c.operator).order_by(number.desc(), pages.c.operator).limit(1)
    ).one_or_none()
    return Load(
        rows=conn.execute(select(func.count()).select_from(rows)).scalar_one(),
        pages=sizes.pages,
        bare_domains=bare_domains,
        domains=sizes.domains,
        operators=sizes.operators,
        largest_operator=largest.operator if largest else None,
        largest_operator_pages=int(largest.number) if largest else 0,
    )
