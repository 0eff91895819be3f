"""What a page may be asked with instead of being sent again: the validators of its standing document.

And that document as it was kept, for a server that says it has not changed (HTTP 304).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from storage.codes import METHODS, OUTCOMES
from storage.dialect import dialect_of
from storage.dictionaries import hash_id, texts_of
from storage.evidence import decode
from storage.records import PageRecord, Response

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FETCHED, _RAW = OUTCOMES.index("fetched"), METHODS.index("raw")

LED_TO = f"""(SELECT e.final_id FROM outcome e WHERE e.url_id = {{url}} AND e.state = {_FETCHED}
 ORDER BY e.at DESC, e.crawl_id DESC LIMIT 1)"""
"""SQL for the page that a URL led to when it last led to one; ``{url}`` is its id."""


class Kept(NamedTuple):
    """The validators of one kept document."""

    visit_id: int
    url: str
    """The page they belong to; they say nothing of any other URL, redirects to it included."""
    etag: str | None
    last_modified: str | None


def validators(conn: Connection, url_ids: Collection[int], *, rules_version: int) -> dict[int, Kept]:
    """By the ids of URLs that are to be asked: the validators of the page that each led to last time.

    Left out are pages whose latest full complete visit was taken apart under other rules, did not come over the wire as
    it is now, or has no record left, and pages with a suspect that the next document is to be compared with.
    """
    rows = dialect_of(conn).fetch_keyed(
        conn,
        "SELECT w.id AS asked, v.id, u.url, v.etag, v.last_modified"
        f" FROM (SELECT a.id, coalesce({LED_TO.format(url='a.id')}, a.id) AS page_id FROM url a WHERE a.id {{ids}}) w"
        " JOIN page p ON p.id = w.page_id JOIN visit v ON v.id = p.last_visit_id"
        " JOIN record r ON r.id = v.record_id JOIN url u ON u.id = p.id"
        f" WHERE v.method = {_RAW} AND v.complete AND v.targets IS NULL AND p.suspect_id IS NULL"
        f" AND v.rules_version = {int(rules_version)} AND length(r.data) > 0"
        " AND (v.etag IS NOT NULL OR v.last_modified IS NOT NULL)",
        url_ids,
    )
    return {row.asked: Kept(row.id, row.url, row.etag, row.last_modified) for row in rows}


def read_kept(conn: Connection, visit_id: int) -> tuple[PageRecord, Response] | None:
    """The document of one visit and the answer it came with; None where its record is gone."""
    rows = dialect_of(conn).fetch(
        conn,
        "SELECT r.data, r.text, v.status, v.content_type, v.bytes, v.content_hash, v.etag, v.last_modified, v.headers"
        " FROM visit v JOIN record r ON r.id = v.record_id WHERE v.id = ? AND length(r.data) > 0",
        visit_id,
    )
    if not rows:
        return None
    row = rows[0]
    response = Response(
        status=row.status,
        content_type=row.content_type,
        bytes=row.bytes,
        content_hash=row.content_hash,
        etag=row.etag,
        last_modified=row.last_modified,
        headers=tuple((name, value) for name, value in json.loads(row.headers)),
    )
    return decode(bytes(row.data), None if row.text is None else bytes(row.text)), response


def last_read(url: str) -> str:
    """SQL for when the page that a URL leads to was last read whole, NULL for never; ``url`` names a column of ids."""
    return f"(SELECT p.last_ok FROM page p WHERE p.id = coalesce({LED_TO.format(url=url)}, {url}))"


def read_since(conn: Connection, urls: Collection[str], since: int) -> set[str]:
    """Those of the URLs, in canonical form, whose page was read whole at that time or later."""
    texts = texts_of(conn)
    ids = {hash_id(texts.key, url): url for url in urls}
    rows = texts.dialect.fetch_keyed(
        conn, f"SELECT u.id FROM url u WHERE {last_read('u.id')} >= {int(since)} AND u.id {{ids}}", ids
    )
    return {ids[row.id] for row in rows}
