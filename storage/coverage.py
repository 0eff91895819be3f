"""How much of what was asked has been read: the outcomes behind every answer."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from storage.codes import OUTCOMES
from storage.filters import Chosen
from storage.schema import host, list_row, outcome, url
from storage.targets import among

IN_ORDER = (*OUTCOMES[1:], OUTCOMES[0])
"""As answers list them: pending last."""


def coverage(conn: Connection, chosen: Chosen) -> dict[str, int]:
    """Requested URLs by their latest outcome, whatever the target.

    Looks at the pages that the filter's list, crawl and source domains select, together; at every URL ever
    requested where it names none of them. Of a crawl, the outcomes are those of that crawl.

    Returns:
        ``asked``, then one key for each outcome; ``asked`` is their sum.
    """
    parts: list[ColumnElement[bool]] = []
    if chosen.list_id is not None:
        listed = select(list_row.c.url_id).where(list_row.c.list_id == chosen.list_id)
        parts.append(outcome.c.url_id.in_(listed))
    if chosen.sources is not None:
        parts.append(outcome.c.url_id.in_(_urls_of(chosen.sources)))
    if chosen.crawl_id is not None:
        parts.append(outcome.c.crawl_id == chosen.crawl_id)
    else:
        newer = outcome.alias("newer")
        parts.append(~exists().where(newer.c.url_id == outcome.c.url_id, newer.c.crawl_id > outcome.c.crawl_id))
    rows = conn.execute(select(outcome.c.state, func.count()).where(and_(*parts)).group_by(outcome.c.state))
    found = {OUTCOMES[state]: int(number) for state, number in rows}
    return {"asked": sum(found.values())} | {state: found.get(state, 0) for state in IN_ORDER}


def _urls_of(domains: Collection[int]) -> ColumnElement[int]:
    hosts = select(host.c.id).where(among(host.c.domain_id, domains))
    return select(url.c.id).where(url.c.host_id.in_(hosts))  # type: ignore[return-value]
