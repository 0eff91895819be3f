"""The pages of a kept list as places to be linked from: what became of each, and its record when last read whole.

No statement here reads an anchor table: the words of links come from the record of the visit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from storage.codes import OUTCOMES
from storage.dialect import dialect_of
from storage.evidence import decode
from storage.filters import list_id_of
from storage.kept import LED_TO
from storage.records import OutcomeState, PageRecord

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CHUNK = 50
"""Records read at once: one may be large."""


class Prospect(NamedTuple):
    """One page of a list; on several rows it is one prospect, in the place of the first."""

    url: str
    given: tuple[str, ...]
    """The cells as the user wrote them, one of each row."""
    outcome: OutcomeState | None
    """Of the latest crawl that asked for it; None: none has."""
    reason: str | None
    page: str | None
    """The page it led to when it was last read whole, redirects followed; None: never read whole."""
    domain: str
    """Registrable domain of ``page``, else of ``url``."""
    visit_id: int | None
    """Of that reading; None too where its record was pruned."""
    read_at: int | None
    """When that was, milliseconds since 1970, UTC; it may be long before the latest outcome."""
    last_modified: str | None
    """The header of that reading, as it was sent."""
    text_kept: bool
    """Whether the page's text was kept."""


def prospects(conn: Connection, list_name: str) -> list[Prospect]:
    """Every page of a list, in its order: by file and line of its first row.

    Raises:
        UnknownName: no list has the name.
    """
    rows = dialect_of(conn).fetch(
        conn,
        "SELECT r.url_id, r.given, u.url, ud.name AS domain, o.state, o.reason, pu.url AS page, pd.name AS page_domain,"
        " v.id AS visit_id, v.at, v.last_modified, length(k.data) AS size, k.text IS NOT NULL AS text_kept"
        " FROM list_row r JOIN url u ON u.id = r.url_id JOIN host uh ON uh.id = u.host_id"
        " JOIN domain ud ON ud.id = uh.domain_id"
        " LEFT JOIN outcome o ON o.url_id = r.url_id"
        " AND o.crawl_id = (SELECT max(n.crawl_id) FROM outcome n WHERE n.url_id = r.url_id)"
        f" LEFT JOIN page p ON p.id = coalesce({LED_TO.format(url='r.url_id')}, r.url_id)"
        " LEFT JOIN visit v ON v.id = p.last_visit_id LEFT JOIN record k ON k.id = v.record_id"
        " LEFT JOIN url pu ON pu.id = v.page_id LEFT JOIN host ph ON ph.id = pu.host_id"
        " LEFT JOIN domain pd ON pd.id = ph.domain_id"
        " WHERE r.list_id = ? ORDER BY r.file, r.line",
        list_id_of(conn, list_name),
    )
    found: dict[int, Prospect] = {}
    for row in rows:
        again = found.get(row.url_id)
        if again is not None:
            found[row.url_id] = again._replace(given=(*again.given, row.given))
            continue
        found[row.url_id] = Prospect(
            url=row.url,
            given=(row.given,),
            outcome=None if row.state is None else OUTCOMES[row.state],
            reason=row.reason,
            page=row.page,
            domain=row.page_domain or row.domain,
            visit_id=row.visit_id if row.size else None,
            read_at=row.at,
            last_modified=row.last_modified,
            text_kept=bool(row.text_kept),
        )
    return list(found.values())


def records(conn: Connection, visit_ids: Sequence[int]) -> Iterator[tuple[int, PageRecord]]:
    """The record of each of these visits, in their order, a few read at a time; pruned ones are left out."""
    for start in range(0, len(visit_ids), _CHUNK):
        some = visit_ids[start : start + _CHUNK]
        rows = dialect_of(conn).fetch_keyed(
            conn,
            "SELECT v.id, r.data, r.text FROM visit v JOIN record r ON r.id = v.record_id"
            " WHERE length(r.data) > 0 AND v.id {ids}",
            some,
        )
        by_visit = {row.id: row for row in rows}
        for visit_id in some:
            if (row := by_visit.get(visit_id)) is not None:
                yield visit_id, decode(bytes(row.data), None if row.text is None else bytes(row.text))
