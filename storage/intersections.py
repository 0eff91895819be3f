"""Who links to several targets: sources of each as streams in one order, merged; and what is said of those in common.

Sources are domains or pages, by their ids. How often and since when a source links is read from links alone; its words
are the one deliberate join, asked for the sources that are shown.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from storage.anchor_rows import Anchors
from storage.anchor_uses import texts as anchor_texts
from storage.by_id import domains, portions, urls
from storage.filters import Chosen
from storage.known_pages import known_pages
from storage.link_counts import by_page
from storage.schema import host, page, url
from storage.targets import STREAMING, among

SourceBy = Literal["page", "domain"]


class Linked(NamedTuple):
    """One source of a target."""

    key: int
    """Id of its domain or URL."""
    links: int
    first_seen: int | None
    """Milliseconds UTC."""


class Common(NamedTuple):
    """One source of several targets."""

    key: int
    links: tuple[int, ...]
    """To each target, in their order; 0 where none was found."""
    first_seen: int | None
    """The earliest of these links."""

    @property
    def linked(self) -> int:
        """How many of the targets it links to."""
        return sum(number > 0 for number in self.links)


def linked(conn: Connection, chosen: Chosen, by: SourceBy) -> Iterator[Linked]:
    """The sources of the selected links by their ids, ascending; read as they are taken."""
    of = by_page(chosen, None)
    key = of.c.source_domain if by == "domain" else of.c.source_id
    question = select(key, func.sum(of.c.links), func.min(of.c.first_seen)).group_by(key).order_by(key)
    for id_, links, first_seen in conn.execute(question, execution_options=STREAMING):
        yield Linked(id_, int(links), first_seen)


def common(
    targets: Sequence[Iterable[Linked]], without: Sequence[Iterable[Linked]] = (), *, least: int
) -> Iterator[Common]:
    """The sources that link to at least so many of the targets and to none of the others, by their ids.

    Args:
        targets, without: sources of each, ascending by id, each once; held no longer than they are compared.
    """
    numbered = [_numbered(place, stream) for place, stream in enumerate((*targets, *without))]
    for key, found in groupby(heapq.merge(*numbered), key=lambda one: one[0]):
        links = [0] * len(targets)
        first: int | None = None
        excluded = False
        for _, place, one in found:
            if place >= len(targets):
                excluded = True
                continue
            links[place] = one.links
            if one.first_seen is not None:
                first = one.first_seen if first is None else min(first, one.first_seen)
        if not excluded and sum(number > 0 for number in links) >= least:
            yield Common(key, tuple(links), first)


def names(conn: Connection, by: SourceBy, keys: Collection[int]) -> dict[int, str]:
    """Names of domains or URLs by their ids."""
    return domains(conn, keys) if by == "domain" else urls(conn, keys)


def pages_of(conn: Connection, domains: Collection[int], keys: Collection[int]) -> set[int]:
    """Those of some pages that are of these domains."""
    found: set[int] = set()
    origin = url.join(host, host.c.id == url.c.host_id)
    for some in portions(keys):
        question = select(url.c.id).select_from(origin)
        found.update(conn.execute(question.where(among(url.c.id, some), among(host.c.domain_id, domains))).scalars())
    return found


def standing(conn: Connection, chosen: Chosen, by: SourceBy, keys: Collection[int]) -> set[int]:
    """Those of some sources that have a selected link at all."""
    found: set[int] = set()
    of = by_page(chosen, None)
    key = of.c.source_domain if by == "domain" else of.c.source_id
    for some in portions(keys):
        found.update(conn.execute(select(key).where(among(key, some)).distinct()).scalars())
    return found


def pages_read(conn: Connection, by: SourceBy, keys: Collection[int], as_of: int | None = None) -> dict[int, int]:
    """How many pages of each source were ever read whole (by then); of a page 0 or 1."""
    if by == "domain":
        return known_pages(conn, keys, as_of)
    read: ColumnElement[bool] = page.c.first_ok.is_not(None) if as_of is None else page.c.first_ok <= as_of
    found: dict[int, int] = {}
    for some in portions(keys):
        found.update(dict.fromkeys(conn.execute(select(page.c.id).where(among(page.c.id, some), read)).scalars(), 1))
    return found


def words(conn: Connection, chosen: Chosen, by: SourceBy, keys: Collection[int], most: int) -> dict[int, list[str]]:
    """The commonest anchors of each source's selected links: by links, then by text; each in its commonest spelling."""
    anchors = Anchors(conn, chosen)
    of: FromClause = anchors.anchor
    key = of.c.source_domain if by == "domain" else of.c.source_id
    used: dict[int, Counter[tuple[int, int]]] = {}
    for some in portions(keys):
        question = (
            anchors.rows(key, of.c.fold_id, of.c.text_id, func.count())
            .where(among(key, some))
            .group_by(key, of.c.fold_id, of.c.text_id)
        )
        for id_, fold_id, text_id, number in conn.execute(question, execution_options=STREAMING):
            used.setdefault(id_, Counter())[fold_id, text_id] += int(number)
    texts = anchor_texts(conn, {text_id for counted in used.values() for _, text_id in counted})
    return {id_: most_used(counted, lambda text_id: texts[text_id].text, most) for id_, counted in used.items()}


def most_used(used: Counter[tuple[int, int]], text_of: Callable[[int], str], most: int) -> list[str]:
    """Of spellings counted by (fold, text): the commonest folds, each in its commonest spelling."""
    by_fold: dict[int, list[tuple[int, str]]] = {}
    for (fold_id, text_id), number in used.items():
        by_fold.setdefault(fold_id, []).append((-number, text_of(text_id)))
    ranked = sorted((sum(number for number, _ in some), min(some)[1]) for some in by_fold.values())
    return [text for _, text in ranked[:most]]


def _numbered(place: int, stream: Iterable[Linked]) -> Iterator[tuple[int, int, Linked]]:
    for one in stream:
        yield one.key, place, one
