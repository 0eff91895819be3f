"""How much of what was asked has been read: the outcomes behind every answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, exists, func, or_, select

from storage.codes import OUTCOMES
from storage.filters import Chosen
from storage.schema import crawl, host, list_row, outcome, url
from storage.targets import among

IN_ORDER = (*OUTCOMES[1:], OUTCOMES[0])
"""As answers list them: pending last."""


def coverage(conn: Connection, chosen: Chosen) -> dict[str, int]:
    """Requested URLs by their latest outcome, whatever the target.

    Looks at the pages that the filter's list, crawl and source domains select, together; at every URL ever
    requested where it names none of them. Of a crawl, the outcomes are those of that crawl. A URL that was skipped
    because it had been visited lately counts by what came of it before.

    As of an instant: the outcomes decided by then; what crawls started by then had not decided is pending. (URLs that
    they found only later are among these: when a URL joined a crawl is not kept.)

    Returns:
        ``asked``, then one key for each outcome; ``asked`` is their sum.
    """
    parts = list(_started(outcome, chosen.filter.as_of))
    if chosen.list_id is not None:
        listed = select(list_row.c.url_id).where(list_row.c.list_id == chosen.list_id)
        parts.append(outcome.c.url_id.in_(listed))
    if chosen.sources is not None:
        parts.append(outcome.c.url_id.in_(_urls_of(chosen.sources)))
    if chosen.crawl_id is not None:
        parts.append(outcome.c.crawl_id == chosen.crawl_id)
    else:
        parts.append(~_later(chosen.filter.as_of))
    state = _state(outcome, chosen.filter.as_of)
    rows = conn.execute(select(state, func.count()).where(and_(*parts)).group_by(state))
    found = {OUTCOMES[code]: int(number) for code, number in rows}
    return {"asked": sum(found.values())} | {state: found.get(state, 0) for state in IN_ORDER}


def _later(as_of: int | None) -> ColumnElement[bool]:
    """An outcome of the same URL that counts instead of ``outcome``."""
    newer = outcome.alias("newer")
    left_alone, newer_left_alone = _visited_lately(outcome, as_of), _visited_lately(newer, as_of)
    return exists().where(
        newer.c.url_id == outcome.c.url_id,
        newer.c.crawl_id != outcome.c.crawl_id,
        or_(
            and_(newer.c.crawl_id > outcome.c.crawl_id, or_(~newer_left_alone, left_alone)),
            and_(left_alone, ~newer_left_alone),
        ),
        *_started(newer, as_of),
    )


def _visited_lately(table: FromClause, as_of: int | None) -> ColumnElement[bool]:
    skipped = _state(table, as_of) == OUTCOMES.index("skipped")
    return and_(skipped, func.coalesce(table.c.reason, "").startswith("visited_lately", autoescape=True))


def _state(table: FromClause, as_of: int | None) -> ColumnElement[int]:
    column: ColumnElement[int] = table.c.state
    return column if as_of is None else case((table.c.at <= as_of, column), else_=0)


def _started(table: FromClause, as_of: int | None) -> Iterator[ColumnElement[bool]]:
    if as_of is not None:
        yield table.c.crawl_id.in_(select(crawl.c.id).where(crawl.c.started_at <= as_of))


def _urls_of(domains: Collection[int]) -> ColumnElement[int]:
    hosts = select(host.c.id).where(among(host.c.domain_id, domains))
    return select(url.c.id).where(url.c.host_id.in_(hosts))  # type: ignore[return-value]
