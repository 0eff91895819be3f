"""Which domain links to which: what the own score of authority is computed from.

Read by the sums that are kept beside the links, one row for each page and target domain, and grouped by the database:
a row of its own for each of ten million pairs would take longer than the ranking. No anchor is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from storage.codes import INDEXABILITY, OUTCOMES
from storage.dialect import dialect_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CANONICAL = 1 << INDEXABILITY.index("canonical")
_IDS = 5_000


class Reading(NamedTuple):
    """How much of what it knows a ledger has read."""

    known: int
    """Registrable domains, linked to or read."""
    crawled: int
    """Those of which at least one page was read to its end."""
    pages: int
    """Pages read to their end, at any time."""


class MovedLinks(NamedTuple):
    """Followed links of one domain's indexable pages to one URL."""

    target_domain: int
    target_id: int
    source_domain: int
    links: int


def reading(conn: Connection) -> Reading:
    """Count known domains, those crawled, and their pages."""
    known = conn.exec_driver_sql("SELECT count(*) FROM domain").scalar_one()
    row = conn.exec_driver_sql(
        "SELECT count(*) AS domains, coalesce(sum(pages), 0) AS pages FROM"
        " (SELECT count(*) AS pages FROM page WHERE first_ok IS NOT NULL GROUP BY domain_id) AS one"
    ).one()
    return Reading(int(known), int(row.domains), int(row.pages))


def domain_ids(conn: Connection) -> Iterator[int]:
    """The id of every registrable domain; streams."""
    return (id_ for (id_,) in _stream(conn, "SELECT id FROM domain"))


def followed_pairs(conn: Connection) -> Iterator[str]:
    """Every pair of domains with a live followed link from an indexable page to the other.

    By the URLs as they are written: see `moved_links` for those that lead elsewhere.

    Yields:
        Numbers with commas between them: the id of a target domain, negative, then those of the domains that link to
        it, one several times where several of its pages do. ``-7,3,3,12,-9,3``: 3 and 12 link to 7, 3 links to 9.
    """
    dialect = dialect_of(conn)
    question = (
        f"SELECT '-' || e.target_domain || ',' || {dialect.joined('e.source_domain')} FROM edge e"
        " WHERE e.followed > 0 AND e.source_domain <> e.target_domain"
        # The pages that are not, rather than millions of look-ups of one that is: a third of the time.
        " AND e.source_id NOT IN (SELECT p.id FROM page p WHERE p.indexable IS NOT TRUE)"
        " GROUP BY e.target_domain"
    )
    for rows in dialect.stream(conn, question):
        yield ",".join([text for (text,) in rows])


def redirects(conn: Connection) -> dict[int, int]:
    """URL -> the URL that answered for it when it was last asked for, where that is another one.

    From the outcomes of crawls that read a document, and from the permanent redirects that have closed a page. A URL
    that was read as itself since then is left out.
    """
    latest: dict[int, tuple[int, int]] = {}
    read = f"{OUTCOMES.index('fetched')}, {OUTCOMES.index('partial')}"
    for question in (
        "SELECT url_id, coalesce(at, 0), final_id FROM outcome WHERE final_id IS NOT NULL AND final_id <> url_id"
        f" AND state IN ({read})",
        "SELECT page_id, at, moved_to FROM miss WHERE moved_to IS NOT NULL AND moved_to <> page_id",
    ):
        for url, at, end in _stream(conn, question):
            if at >= latest.get(url, (-1, 0))[0]:
                latest[url] = (at, end)
    for some in _parts(latest):
        question = "SELECT id, last_ok FROM page WHERE last_ok IS NOT NULL AND id {ids}"
        for row in dialect_of(conn).fetch_keyed(conn, question, some):
            if row.last_ok > latest[row.id][0]:
                del latest[row.id]
    return {url: end for url, (_, end) in latest.items()}


def canonicals(conn: Connection) -> Iterator[tuple[int, str]]:
    """(URL id, canonical URL) of each page that names another one as the page to index, as last read; streams."""
    question = (
        "SELECT p.id, v.canonical FROM page p JOIN visit v ON v.id = p.last_visit_id"
        f" WHERE v.canonical IS NOT NULL AND (v.not_indexable & {_CANONICAL}) <> 0"
    )
    return _stream(conn, question)


def domains_of(conn: Connection, urls: Collection[int]) -> dict[int, int]:
    """The domain id of each URL id."""
    found: dict[int, int] = {}
    question = "SELECT u.id, h.domain_id FROM url u JOIN host h ON h.id = u.host_id WHERE u.id {ids}"
    for some in _parts(urls):
        found.update((row.id, row.domain_id) for row in dialect_of(conn).fetch_keyed(conn, question, some))
    return found


def moved_links(conn: Connection, urls: Collection[int]) -> Iterator[MovedLinks]:
    """The live followed links of indexable pages to these URLs, from the targets' own domains too."""
    question = (
        "SELECT l.target_domain, l.target_id, l.source_domain, count(*) AS links FROM url u"
        " JOIN host h ON h.id = u.host_id JOIN link l ON l.target_domain = h.domain_id AND l.target_host = h.id"
        " AND l.target_id = u.id JOIN page p ON p.id = l.source_id"
        " WHERE l.valid_to IS NULL AND l.gone_at IS NULL AND l.follow_cause = 0 AND p.indexable AND u.id {ids}"
        " GROUP BY l.target_domain, l.target_id, l.source_domain"
    )
    for some in _parts(urls):
        for row in dialect_of(conn).fetch_keyed(conn, question, some):
            yield MovedLinks(row.target_domain, row.target_id, row.source_domain, row.links)


def followed_links(conn: Connection, targets: Collection[int]) -> Iterator[tuple[int, int, int]]:
    """(target domain, source domain, live followed links from indexable pages) of each pair with these targets."""
    question = (
        "SELECT e.target_domain, e.source_domain, sum(e.followed) AS links FROM edge e"
        " JOIN page p ON p.id = e.source_id WHERE p.indexable AND e.followed > 0 AND e.target_domain {ids}"
        " GROUP BY e.target_domain, e.source_domain"
    )
    for some in _parts(targets):
        for row in dialect_of(conn).fetch_keyed(conn, question, some):
            yield row.target_domain, row.source_domain, int(row.links)


def _stream(conn: Connection, question: str) -> Iterator[Any]:
    return iter(conn.exec_driver_sql(question, execution_options={"yield_per": 10_000}))


def _parts(ids: Iterable[int]) -> Iterator[list[int]]:
    left = iter(sorted(ids))
    while some := list(islice(left, _IDS)):
        yield some
