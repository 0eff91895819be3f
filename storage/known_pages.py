"""Which pages the ledger knows: how many of a domain, which are linked to most, and what one says of itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from storage.dictionaries import hash_id, texts_of
from storage.filters import Chosen
from storage.schema import page, url, visit
from storage.targets import among
from storage.text import clean


class PageWords(NamedTuple):
    """What a page says of itself; None where it says nothing."""

    title: str | None
    h1: str | None
    lang: str | None


def page_words(conn: Connection, urls: Sequence[str]) -> dict[str, PageWords]:
    """Of each of these URLs that was ever read whole: its words, by its latest such visit."""
    key = texts_of(conn).key
    ids = {hash_id(key, clean(one)): one for one in urls}
    rows = conn.execute(
        select(page.c.id, visit.c.title, visit.c.headings, visit.c.lang)
        .select_from(page.join(visit, visit.c.id == page.c.last_visit_id))
        .where(among(page.c.id, tuple(ids)))
    )
    return {ids[row.id]: PageWords(row.title, _first(row.headings), row.lang) for row in rows}


def known_pages(conn: Connection, domains: Collection[int], as_of: int | None = None) -> dict[int, int]:
    """Pages of these domains that were ever read whole (by ``as_of``), by id of the domain; 0 is left out."""
    read = page.c.first_ok.is_not(None) if as_of is None else page.c.first_ok <= as_of
    question = select(page.c.domain_id, func.count()).where(among(page.c.domain_id, domains), read)
    return {row[0]: int(row[1]) for row in conn.execute(question.group_by(page.c.domain_id))}


def most_linked(conn: Connection, chosen: Chosen, limit: int) -> list[tuple[str, int]]:
    """(URL, referring domains) of the pages within a target, most referring domains first, then by URL."""
    of = chosen.tables.link
    number = func.count(of.c.source_domain.distinct()).label("domains")
    each = select(of.c.target_id, number).where(chosen.links()).group_by(of.c.target_id).subquery("each")
    rows = conn.execute(
        select(url.c.url, each.c.domains)
        .select_from(each.join(url, url.c.id == each.c.target_id))
        .order_by(each.c.domains.desc(), url.c.url)
        .limit(limit)
    )
    return [(row.url, int(row.domains)) for row in rows]


def _first(headings: str) -> str | None:
    found = json.loads(headings).get("h1") or []
    return found[0] if found else None
