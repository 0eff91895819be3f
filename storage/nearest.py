"""Names near one that was never seen: what a user may have meant."""

from __future__ import annotations

from difflib import get_close_matches

from sqlalchemy import Connection, or_, select

from storage.schema import domain, host, link, url
from storage.targets import Target
from storage.text import clean

_LOOKED_AT = 3_000
_NEAR = 3


def nearest(conn: Connection, target: Target) -> tuple[str, ...]:
    """Up to 3 stored names or URLs like the target's that links do lead to, the nearest first.

    Domains and hosts are compared with those of the same beginning or holding the same word; pages and
    prefixes with URLs of the same host.
    """
    if target.scope == "domain":
        names, wanted = _names_like(conn, target.domain, hosts=False), target.domain
    elif target.scope == "host":
        names, wanted = _names_like(conn, target.text, hosts=True), target.text
    else:
        rows = conn.execute(
            select(url.c.url)
            .join(host, host.c.id == url.c.host_id)
            .where(
                host.c.name.in_([clean(name) for name in target.hosts]),
                url.c.id.in_(
                    select(link.c.target_id).where(
                        link.c.target_domain == host.c.domain_id, link.c.target_host == host.c.id
                    )
                ),
            )
            .order_by(url.c.url)
            .limit(_LOOKED_AT)
        )
        names, wanted = [row.url for row in rows], target.text
    return tuple(get_close_matches(wanted, [name for name in names if name != wanted], n=_NEAR, cutoff=0.6))


def _names_like(conn: Connection, name: str, *, hosts: bool) -> list[str]:
    table = host if hosts else domain
    column = table.c.name
    reached = link.c.target_host if hosts else link.c.target_domain
    word = max(name.split("."), key=len)
    beginnings = {clean(part) for part in (name[:3], name[:1]) if part}
    found: dict[str, None] = {}
    for condition in (
        column.contains(clean(word), autoescape=True),
        or_(*(column.startswith(one, autoescape=True) for one in beginnings if len(one) == 3)),
        or_(*(column.startswith(one, autoescape=True) for one in beginnings)),
    ):
        rows = conn.execute(select(column).where(condition).order_by(column).limit(_LOOKED_AT))
        found |= dict.fromkeys(row[0] for row in rows)
    likely = get_close_matches(name, list(found), n=4 * _NEAR, cutoff=0.6)
    if not likely:
        return []
    seen = conn.execute(
        select(column).where(column.in_(likely), table.c.id.in_(select(reached).where(reached == table.c.id)))
    )
    kept = {row[0] for row in seen}
    return [one for one in likely if one in kept]
