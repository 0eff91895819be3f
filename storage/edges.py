"""The sums of ``link`` by source page and target domain, kept beside it for counts over whole domains.

A page's sums change only when its links change, so an unchanged page costs nothing here either.
Nothing is in ``edge`` that cannot be computed from ``link``: `rebuild` does, `differences` compares.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, text

from storage.codes import ANY_PAGE, LOST_CAUSES, REL_NOFOLLOW, REL_SPONSORED, REL_UGC

_BATCH = 500
_COLUMNS = (
    "target_domain, source_domain, source_id, source_host, links, followed, rel_nofollow, rel_ugc, rel_sponsored, "
    "page_nofollow, lost, first_seen, newest, own_seen, own_oldest, own_newest"
)
_UPDATED = _COLUMNS.split(", ")[3:]


def _sum(condition: str) -> str:
    return f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END)"


_SUMS = f"""
SELECT target_domain, source_domain, source_id, min(source_host), {_sum("gone_at IS NULL")},
  {_sum("gone_at IS NULL AND follow_cause = 0")},
  {_sum(f"gone_at IS NULL AND (follow_cause & {REL_NOFOLLOW}) <> 0")},
  {_sum(f"gone_at IS NULL AND (follow_cause & {REL_UGC}) <> 0")},
  {_sum(f"gone_at IS NULL AND (follow_cause & {REL_SPONSORED}) <> 0")},
  {_sum(f"gone_at IS NULL AND (follow_cause & {ANY_PAGE}) <> 0")},
  {_sum(f"gone_at IS NOT NULL AND lost_cause <> {LOST_CAUSES.index('reread')}")},
  min(CASE WHEN gone_at IS NULL THEN first_seen END), max(CASE WHEN gone_at IS NULL THEN first_seen END),
  {_sum("gone_at IS NULL AND last_seen IS NOT NULL")},
  min(CASE WHEN gone_at IS NULL THEN last_seen END), max(CASE WHEN gone_at IS NULL THEN last_seen END)
FROM link
"""
_GROUP = " GROUP BY target_domain, source_domain, source_id"


def refresh(conn: Connection, sources: Collection[int]) -> None:
    """Bring sums up to date, in the caller's transaction; those that stay as they were are not written.

    Args:
        sources: ids of the pages of which rows of ``link`` were inserted, updated or deleted since the last call.
            A sum of which no row is left is the caller's to delete.
    """
    ids = sorted(set(sources))
    for start in range(0, len(ids), _BATCH):
        listed = ", ".join(str(int(one)) for one in ids[start : start + _BATCH])
        conn.exec_driver_sql(
            f"INSERT INTO edge ({_COLUMNS}) {_SUMS} WHERE valid_to IS NULL AND source_id IN ({listed}){_GROUP} "
            "ON CONFLICT (target_domain, source_domain, source_id) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in _UPDATED)
            + " WHERE "
            + " OR ".join(f"coalesce(edge.{name}, -1) <> coalesce(excluded.{name}, -1)" for name in _UPDATED)
        )


def rebuild(conn: Connection) -> None:
    """Compute every sum anew, in the caller's transaction."""
    conn.execute(text("DELETE FROM edge"))
    conn.exec_driver_sql(f"INSERT INTO edge ({_COLUMNS}) {_SUMS} WHERE valid_to IS NULL{_GROUP}")


def differences(conn: Connection) -> int:
    """How many sums are not what ``link`` says, missing and superfluous ones included; 0 is right."""
    true = f"{_SUMS} WHERE valid_to IS NULL{_GROUP}"
    kept = f"SELECT {_COLUMNS} FROM edge"
    wrong = conn.exec_driver_sql(
        f"SELECT count(*) FROM (SELECT target_domain, source_domain, source_id FROM ({true} EXCEPT {kept}) AS a "
        f"UNION SELECT target_domain, source_domain, source_id FROM ({kept} EXCEPT {true}) AS b) AS c"
    )
    return int(wrong.scalar_one())
