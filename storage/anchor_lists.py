"""Named questions on single anchors: each link's own, the spellings of one, and those that hold some words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import (
    Connection,
    distinct,
    func,
    select,
)

from storage.anchor_rows import Anchors, commonest
from storage.dictionaries import hash_id, texts_of
from storage.link_counts import last_seen
from storage.link_lists import first_domains
from storage.schema import anchor_text, domain, url
from storage.targets import among
from storage.text import clean, fold


@dataclass(frozen=True, slots=True)
class ListedAnchor:
    """The words of one link at the version that counts; codes as in `storage.codes`."""

    source: str
    target: str
    anchor: str
    anchor_source: int
    has_image: bool
    gone_at: int | None
    first_seen: int
    """Of these words on this link."""
    last_seen: int | None


@dataclass(frozen=True, slots=True)
class Variant:
    """One spelling of an anchor."""

    anchor: str
    links: int
    referring_pages: int
    referring_domains: int
    targets: int
    first_seen: int | None
    last_seen: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """One anchor that leads to one target."""

    anchor: str
    target: str
    links: int
    referring_pages: int
    referring_domains: int


def listed(anchors: Anchors, *, limit: int | None = None) -> Iterator[ListedAnchor]:
    """The words of each selected link, streaming: by source domain, source, target, number of the link."""
    source, to = url.alias("source_url"), url.alias("target_url")
    picked = anchors.rows(*anchors.anchor.c).subquery("picked")
    question = (
        select(
            source.c.url,
            to.c.url,
            anchor_text.c.text,
            picked.c.source,
            picked.c.has_image,
            picked.c.gone_at,
            picked.c.first_seen,
            last_seen(picked, anchors.page),
        )
        .select_from(
            picked.join(source, source.c.id == picked.c.source_id)
            .join(to, to.c.id == picked.c.target_id)
            .join(domain, domain.c.id == picked.c.source_domain)
            .join(anchors.page, anchors.page.c.id == picked.c.source_id)
            .join(anchor_text, anchor_text.c.id == picked.c.text_id)
        )
        .order_by(domain.c.name, source.c.url, to.c.url, picked.c.link_no)
        .limit(limit)
    )
    if limit is not None:
        each = anchors.rows(anchors.anchor.c.source_domain, func.count().label("rows")).group_by(
            anchors.anchor.c.source_domain
        )
        question = question.where(picked.c.source_domain.in_(first_domains(anchors.conn, each, limit)))
    for row in anchors.stream(question):
        yield ListedAnchor(*row)


def link_total(anchors: Anchors) -> int:
    """How many links the selected anchors belong to: one each."""
    return int(anchors.conn.execute(anchors.rows(func.count())).scalar_one())


def variants(anchors: Anchors, text: str, limit: int | None = None) -> list[Variant]:
    """The spellings of one anchor, commonest first, then by text; [] if no selected link uses it."""
    folded = select(anchor_text.c.fold_id).where(anchor_text.c.fold_id == _fold_id(anchors.conn, text)).limit(1)
    picked = anchors.rows(*anchors.anchor.c).where(anchors.words("fold") == folded.scalar_subquery()).subquery("picked")
    sums = (
        select(
            picked.c.text_id,
            func.count().label("links"),
            func.count(distinct(picked.c.source_id)),
            func.count(distinct(picked.c.source_domain)),
            func.count(distinct(picked.c.target_id)),
            func.min(picked.c.first_seen),
            func.max(last_seen(picked, anchors.page)),
        )
        .select_from(picked.join(anchors.page, anchors.page.c.id == picked.c.source_id))
        .group_by(picked.c.text_id)
        .subquery()
    )
    rows = anchors.conn.execute(
        select(anchor_text.c.text, *list(sums.c)[1:])
        .select_from(sums.join(anchor_text, anchor_text.c.id == sums.c.text_id))
        .order_by(sums.c.links.desc(), anchor_text.c.text)
        .limit(limit)
    )
    return [Variant(*row) for row in rows]


def variant_count(anchors: Anchors, text: str) -> int:
    """How many rows `variants` has in all."""
    spelled = (
        anchors.rows(anchors.anchor.c.text_id).where(anchors.words("fold") == _fold_id(anchors.conn, text)).distinct()
    )
    return int(anchors.conn.execute(select(func.count()).select_from(spelled.subquery())).scalar_one())


def search(
    anchors: Anchors, matches: Callable[[str], bool], *, holding: str | None = None, limit: int | None = None
) -> tuple[int, Iterator[Found]]:
    """Anchors whose folded text matches, with each target they lead to; most domains first, then links, then text.

    Args:
        matches: decides about one folded text.
        holding: a folded text that every match contains: narrows what ``matches`` is asked about.
    Returns:
        (rows in all, rows).
    """
    words = _folds(anchors, holding)
    ids = sorted({id_ for id_, text in words if matches(text)})
    picked = anchors.rows(*anchors.anchor.c).where(among(anchors.words("fold"), ids)).subquery("picked")
    sums = (
        select(
            picked.c.fold_id,
            picked.c.target_id,
            func.count().label("links"),
            func.count(distinct(picked.c.source_id)).label("pages"),
            func.count(distinct(picked.c.source_domain)).label("domains"),
        )
        .group_by(picked.c.fold_id, picked.c.target_id)
        .subquery("sums")
    )
    total = int(anchors.conn.execute(select(func.count()).select_from(sums)).scalar_one())
    shown = commonest(anchors, "fold", ids)
    rows = anchors.stream(
        select(shown.c.text, url.c.url, sums.c.links, sums.c.pages, sums.c.domains)
        .select_from(sums.join(shown, shown.c.id == sums.c.fold_id).join(url, url.c.id == sums.c.target_id))
        .order_by(sums.c.domains.desc(), sums.c.links.desc(), shown.c.text, url.c.url)
        .limit(limit)
    )
    return total, (Found(*row) for row in rows)


def _fold_id(conn: Connection, text: str) -> int:
    return hash_id(texts_of(conn).key, fold(clean(text)))


def _folds(anchors: Anchors, holding: str | None) -> Iterator[tuple[int, str]]:
    """Folds to look at, with their ids: all that hold a text, or all that the target's links use."""
    question = select(anchor_text.c.fold_id, anchor_text.c.fold).distinct()
    if holding:
        question = question.where(anchor_text.c.fold.contains(holding, autoescape=True))
    elif not anchors.chosen.covered.everything:
        used = anchors.rows(anchors.anchor.c.text_id.label("id")).distinct().subquery()
        question = question.where(anchor_text.c.id.in_(select(used.c.id)))
    for row in anchors.stream(question):
        yield row[0], row[1]
