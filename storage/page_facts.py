"""What single pages said when they were last read whole: their own facts, kept text and links, from the evidence.

No statement here reads an anchor table: the words of links come from the record of the visit.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from storage.dictionaries import hash_id, texts_of
from storage.evidence import OutLink, out_links, read_text
from storage.schema import record, url, visit
from storage.targets import among
from storage.text import clean

_CHUNK = 200
"""Pages read at once: a record may be large."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """One page as its latest complete visit found it."""

    id: int
    url: str
    at: int
    """Of the visit; milliseconds since 1970, UTC."""
    title: str | None
    h1: tuple[str, ...]
    h2: tuple[str, ...]
    lang: str | None
    """As the page states it, such as ``de-AT``."""
    indexable: bool
    text: str | None
    """Kept text, bounded; None where none was kept."""
    links: tuple[OutLink, ...] | None
    """In document order; None where the evidence was pruned."""


def page_facts(conn: Connection, pages: Collection[int], as_of: int | None = None) -> dict[int, PageFacts]:
    """The facts of pages by id; pages without a complete visit (by ``as_of``) are left out."""
    found: dict[int, PageFacts] = {}
    ids = sorted(pages)
    for start in range(0, len(ids), _CHUNK):
        found |= _some(conn, ids[start : start + _CHUNK], as_of)
    return found


def facts_of_urls(conn: Connection, urls: Collection[str], as_of: int | None = None) -> dict[str, PageFacts]:
    """The facts of pages by URL, exactly as given."""
    key = texts_of(conn).key
    wanted = {hash_id(key, clean(one)): one for one in urls}
    return {wanted[id_]: facts for id_, facts in page_facts(conn, wanted, as_of).items()}


def _some(conn: Connection, ids: Collection[int], as_of: int | None) -> dict[int, PageFacts]:
    by_then = () if as_of is None else (visit.c.at <= as_of,)
    latest = (
        select(visit.c.page_id, func.max(visit.c.at).label("at"))
        .where(among(visit.c.page_id, ids), visit.c.complete.is_(True), *by_then)
        .group_by(visit.c.page_id)
        .subquery("latest")
    )
    question = (
        select(
            visit.c.page_id, url.c.url, visit.c.at, visit.c.title, visit.c.headings, visit.c.lang,
            visit.c.not_indexable, record.c.data, record.c.text,
        )
        .select_from(latest.join(visit, (visit.c.page_id == latest.c.page_id) & (visit.c.at == latest.c.at)))
        .join(record, record.c.id == visit.c.record_id)
        .join(url, url.c.id == visit.c.page_id)
    )  # fmt: skip
    found = {}
    for row in conn.execute(question):
        headings = json.loads(row.headings)
        found[row.page_id] = PageFacts(
            row.page_id,
            row.url,
            row.at,
            row.title,
            tuple(headings.get("h1") or ()),
            tuple(headings.get("h2") or ()),
            row.lang,
            row.not_indexable == 0,
            None if row.text is None else read_text(bytes(row.text)),
            tuple(out_links(bytes(row.data))) if row.data else None,
        )
    return found
