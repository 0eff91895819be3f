"""Named questions on the anchors: the words of the selected links, how often and from how many places.

Each selected link contributes exactly one anchor, so the links of a distribution sum to the links counted.
Spellings with one fold (see `storage.text.fold`) are one row unless asked otherwise; shares are computed here,
not in SQL, so that both databases give the same digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, Subquery, case, distinct, func, select

from storage.codes import ANCHOR_SOURCES
from storage.dictionaries import hash_id, texts_of
from storage.filters import Chosen, same_link
from storage.link_counts import first_domains, last_seen, referring
from storage.records import AnchorSource
from storage.schema import anchor, anchor_text, domain, link, page, url
from storage.targets import among, seen_up_to
from storage.text import clean, fold

Grouping = Literal["fold", "exact"]
Rank = Literal["domains", "pages", "links"]

SMALL_TARGET = 20_000
"""Up to this many link rows, a page's or host's anchors are found link by link instead of by reading its domain's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorFilter:
    """What is asked of the words themselves; exists for anchors only."""

    sources: tuple[AnchorSource, ...] = ()
    """One of these; () does not narrow."""
    contains: str | None = None
    """The folded text contains the fold of this."""


@dataclass(frozen=True, slots=True)
class AnchorTotals:
    """What a whole distribution covers."""

    links: int
    referring_pages: int
    referring_domains: int
    distinct_anchors: int


@dataclass(frozen=True, slots=True)
class AnchorShare:
    """One anchor of a distribution."""

    anchor: str
    """Its commonest spelling; of equally common ones the first by text."""
    variants: int
    """Spellings among the selected links."""
    links: int
    referring_pages: int
    referring_domains: int
    targets: int
    """Distinct URLs it leads to."""
    followed: int
    share_links: float
    """links / links of the distribution, not rounded: all shares together are 1."""
    share_domains: float
    """referring_domains / referring domains of the distribution; a domain may use several anchors."""
    by_source: Mapping[str, int]
    """Links by where the words came from."""
    first_seen: int | None
    last_seen: int | None


@dataclass(frozen=True, slots=True)
class ListedAnchor:
    """The words of one link at their latest version; codes as in `storage.codes`."""

    source: str
    target: str
    anchor: str
    anchor_source: int
    has_image: bool
    gone_at: int | None
    first_seen: int
    """Of these words on this link."""
    last_seen: int


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


class Anchors:
    """The anchors of one filter over one target, with the cheaper of two ways to them already chosen.

    A domain's anchors lie together, grouped by fold and then source domain. A page or host of a popular domain
    is spread over them: if few links lead to it, they are read first and lead to their anchors one by one.
    """

    def __init__(self, conn: Connection, chosen: Chosen, wanted: AnchorFilter | None = None) -> None:
        self.conn, self.chosen, self.wanted = conn, chosen, wanted or AnchorFilter()
        covered = chosen.covered
        self.by_link = not covered.whole_domains and seen_up_to(conn, covered, SMALL_TARGET) < SMALL_TARGET

    def rows(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select from the chosen rows of ``anchor``."""
        if self.by_link:
            origin: FromClause = link.join(anchor, same_link(link, anchor))
            condition = self.chosen.anchors_of_links(anchor, link)
        else:
            origin, condition = anchor, self.chosen.anchors()
        return select(*columns).select_from(origin).where(condition, *self._words())

    def _words(self) -> list[ColumnElement[bool]]:
        parts: list[ColumnElement[bool]] = []
        if self.wanted.sources:
            parts.append(anchor.c.source.in_(sorted(ANCHOR_SOURCES.index(name) for name in self.wanted.sources)))
        if self.wanted.contains is not None:
            text = fold(clean(self.wanted.contains))
            holding = select(anchor_text.c.fold_id).where(anchor_text.c.fold.contains(text, autoescape=True))
            parts.append(anchor.c.fold_id.in_(holding))
        return parts


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a distribution covers, and its rows; the rows are read from the database as they are taken."""

    totals: AnchorTotals
    rows: Iterator[AnchorShare]


def distribution(
    anchors: Anchors, *, group: Grouping = "fold", rank: Rank = "domains", limit: int | None = None
) -> Distribution:
    """The anchors used, most used first: by ``rank``, then by links, then by folded text and text.

    Args:
        group: ``exact`` counts each spelling by itself.
        limit: only so many rows; None for all, whose links then sum to the total.
    """
    used = _used(anchors, group, rank).subquery("used")
    links, kinds = func.coalesce(func.sum(used.c.links), 0), func.count()
    chosen: list[int] | None = None
    if limit is None:
        row = anchors.conn.execute(select(links, kinds)).one()
        covered = int(row[0]), int(row[1])
    else:
        covered, chosen = _first(anchors, used, group, rank, limit)
    pages, domains = _referring(anchors)
    of = AnchorTotals(covered[0], pages, domains, covered[1])
    return Distribution(of, _shares(anchors, of, group, rank, chosen))


def listed(anchors: Anchors, *, limit: int | None = None) -> Iterator[ListedAnchor]:
    """The words of each selected link, streaming: by source domain, source, target, number of the link."""
    source, to = url.alias("source_url"), url.alias("target_url")
    picked = anchors.rows(*anchor.c).subquery("picked")
    question = (
        select(
            source.c.url,
            to.c.url,
            anchor_text.c.text,
            picked.c.source,
            picked.c.has_image,
            picked.c.gone_at,
            picked.c.first_seen,
            last_seen(picked),
        )
        .select_from(
            picked.join(source, source.c.id == picked.c.source_id)
            .join(to, to.c.id == picked.c.target_id)
            .join(domain, domain.c.id == picked.c.source_domain)
            .join(page, page.c.id == picked.c.source_id)
            .join(anchor_text, anchor_text.c.id == picked.c.text_id)
        )
        .order_by(domain.c.name, source.c.url, to.c.url, picked.c.link_no)
        .limit(limit)
    )
    if limit is not None:
        each = anchors.rows(anchor.c.source_domain, func.count().label("rows")).group_by(anchor.c.source_domain)
        question = question.where(picked.c.source_domain.in_(first_domains(anchors.conn, each, limit)))
    for row in anchors.conn.execution_options(stream_results=True, yield_per=1000).execute(question):
        yield ListedAnchor(*row)


def link_total(anchors: Anchors) -> int:
    """How many links the selected anchors belong to: one each."""
    return int(anchors.conn.execute(anchors.rows(func.count())).scalar_one())


def variants(anchors: Anchors, text: str, limit: int | None = None) -> list[Variant]:
    """The spellings of one anchor, commonest first, then by text; [] if no selected link uses it."""
    folded = select(anchor_text.c.fold_id).where(anchor_text.c.fold_id == _fold_id(anchors.conn, text)).limit(1)
    picked = anchors.rows(*anchor.c).where(anchor.c.fold_id == folded.scalar_subquery()).subquery("picked")
    sums = (
        select(
            picked.c.text_id,
            func.count().label("links"),
            func.count(distinct(picked.c.source_id)),
            func.count(distinct(picked.c.source_domain)),
            func.count(distinct(picked.c.target_id)),
            func.min(picked.c.first_seen),
            func.max(last_seen(picked)),
        )
        .select_from(picked.join(page, page.c.id == picked.c.source_id))
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
    spelled = anchors.rows(anchor.c.text_id).where(anchor.c.fold_id == _fold_id(anchors.conn, text)).distinct()
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
    picked = anchors.rows(*anchor.c).where(among(anchor.c.fold_id, ids)).subquery("picked")
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
    shown = _commonest(anchors, "fold", ids)
    rows = anchors.conn.execution_options(stream_results=True, yield_per=1000).execute(
        select(shown.c.text, url.c.url, sums.c.links, sums.c.pages, sums.c.domains)
        .select_from(sums.join(shown, shown.c.id == sums.c.fold_id).join(url, url.c.id == sums.c.target_id))
        .order_by(sums.c.domains.desc(), sums.c.links.desc(), shown.c.text, url.c.url)
        .limit(limit)
    )
    return total, (Found(*row) for row in rows)


def _words_id(group: Grouping) -> ColumnElement[int]:
    column: ColumnElement[int] = anchor.c.fold_id if group == "fold" else anchor.c.text_id
    return column


def _fold_id(conn: Connection, text: str) -> int:
    return hash_id(texts_of(conn).key, fold(clean(text)))


def _folds(anchors: Anchors, holding: str | None) -> Iterator[tuple[int, str]]:
    """Folds to look at, with their ids: all that hold a text, or all that the target's links use."""
    question = select(anchor_text.c.fold_id, anchor_text.c.fold).distinct()
    if holding:
        question = question.where(anchor_text.c.fold.contains(holding, autoescape=True))
    elif not anchors.chosen.covered.everything:
        used = anchors.rows(anchor.c.text_id.label("id")).distinct().subquery()
        question = question.where(anchor_text.c.id.in_(select(used.c.id)))
    for row in anchors.conn.execution_options(stream_results=True, yield_per=1000).execute(question):
        yield row[0], row[1]


def _used(anchors: Anchors, group: Grouping, rank: Rank) -> Select[Any]:
    """Each anchor with links and places, in the order of the key: streams over one domain without a sort."""
    id_ = _words_id(group)
    pages = func.count(distinct(anchor.c.source_id)) if rank == "pages" else func.count()
    keys = [id_, anchor.c.source_domain]
    if anchors.chosen.covered.everything and rank != "pages":  # the key's order first, so that less has to be sorted
        keys.insert(0, anchor.c.target_domain)
    each = (
        anchors.rows(
            id_.label("id"),
            anchor.c.source_domain.label("of"),
            func.count().label("links"),
            pages.label("pages"),
            func.min(anchor.c.text_id).label("text_id"),
        )
        .group_by(*keys)
        .subquery("each")
    )
    domains: ColumnElement[int] = func.count() if len(keys) == 2 else func.count(distinct(each.c.of))
    return select(
        each.c.id,
        func.sum(each.c.links).label("links"),
        func.sum(each.c.pages).label("pages"),
        domains.label("domains"),
        func.min(each.c.text_id).label("text_id"),
    ).group_by(each.c.id)


def _first(
    anchors: Anchors, used: Subquery, group: Grouping, rank: Rank, limit: int
) -> tuple[tuple[int, int], list[int]]:
    """(links, anchors) of the distribution, and the ids of its first rows.

    Texts are looked up only where they decide: among those equal in both counts.
    """
    first = used.c[rank]
    rows = anchors.conn.execution_options(stream_results=True, yield_per=100).execute(
        select(
            used.c.id,
            used.c.text_id,
            first.label("most"),
            used.c.links,
            func.sum(used.c.links).over().label("all_links"),
            func.count().over().label("all_anchors"),
        ).order_by(first.desc(), used.c.links.desc())
    )
    taken: list[Row[Any]] = []
    for row in rows:
        if len(taken) >= limit and (not taken or (row.most, row.links) != (taken[-1].most, taken[-1].links)):
            if not taken:
                taken.append(row)
            break
        taken.append(row)
    rows.close()
    if not taken:
        return (0, 0), []
    all_of_it = (int(taken[0].all_links), int(taken[0].all_anchors))
    edge = taken[limit - 1 : limit]  # those equal to the last row wanted compete by text
    sure = [row for row in taken[:limit] if not edge or (row.most, row.links) != (edge[0].most, edge[0].links)]
    rivals = [row for row in taken if edge and (row.most, row.links) == (edge[0].most, edge[0].links)]
    if len(sure) + len(rivals) > limit:
        texts = _texts(anchors.conn, group, [row.text_id for row in rivals])
        rivals.sort(key=lambda row: texts[row.text_id])
    return all_of_it, [row.id for row in (sure + rivals)[:limit]]


def _texts(conn: Connection, group: Grouping, ids: Sequence[int]) -> dict[int, str]:
    column = anchor_text.c.fold if group == "fold" else anchor_text.c.text
    return {
        row[0]: row[1] for row in conn.execute(select(anchor_text.c.id, column).where(among(anchor_text.c.id, ids)))
    }


def _referring(anchors: Anchors) -> tuple[int, int]:
    """Referring pages and domains of the distribution."""
    if anchors.wanted == AnchorFilter():  # the same links, and cheaper to count as such
        return referring(anchors.conn, anchors.chosen)
    by_page = (
        anchors.rows(anchor.c.source_domain, anchor.c.source_id)
        .group_by(anchor.c.source_domain, anchor.c.source_id)
        .subquery()
    )
    row = anchors.conn.execute(select(func.count(), func.count(distinct(by_page.c.source_domain)))).one()
    return int(row[0]), int(row[1])


def _commonest(anchors: Anchors, group: Grouping, ids: Sequence[int] | None) -> Subquery:
    """(id, text, fold, variants): the commonest spelling of each anchor, of equally common ones the first by text."""
    spelled = anchors.rows(
        _words_id(group).label("id"), anchor.c.text_id.label("text_id"), func.count().label("links")
    ).group_by(_words_id(group), anchor.c.text_id)
    if ids is not None:
        spelled = spelled.where(among(_words_id(group), ids))
    each = spelled.subquery("spelled")
    place = func.row_number().over(partition_by=each.c.id, order_by=[each.c.links.desc(), anchor_text.c.text])
    ranked = (
        select(
            each.c.id,
            anchor_text.c.text,
            anchor_text.c.fold,
            func.count().over(partition_by=each.c.id).label("variants"),
            place.label("place"),
        )
        .select_from(each.join(anchor_text, anchor_text.c.id == each.c.text_id))
        .subquery("ranked")
    )
    return select(ranked).where(ranked.c.place == 1).subquery("commonest")


def _shares(
    anchors: Anchors, of: AnchorTotals, group: Grouping, rank: Rank, ids: Sequence[int] | None
) -> Iterator[AnchorShare]:
    if ids is not None and not ids:
        return
    followed = (
        select(link.c.follow_cause)
        .where(same_link(link, anchor), link.c.valid_to.is_(None))
        .correlate(anchor)
        .scalar_subquery()
    )
    cause = link.c.follow_cause if anchors.by_link else followed
    picked = anchors.rows(*anchor.c, _words_id(group).label("words"), cause.label("cause"))
    if ids is not None:
        picked = picked.where(among(_words_id(group), ids))
    rows = picked.subquery("picked")

    def tally(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    sums = (
        select(
            rows.c.words,
            func.count().label("links"),
            func.count(distinct(rows.c.source_id)).label("pages"),
            func.count(distinct(rows.c.source_domain)).label("domains"),
            func.count(distinct(rows.c.target_id)).label("targets"),
            tally(rows.c.cause == 0).label("followed"),
            *(tally(rows.c.source == code).label(name) for code, name in enumerate(ANCHOR_SOURCES)),
            func.min(rows.c.first_seen).label("first_seen"),
            func.max(last_seen(rows)).label("last_seen"),
        )
        .select_from(rows.join(page, page.c.id == rows.c.source_id))
        .group_by(rows.c.words)
        .subquery("sums")
    )
    shown = _commonest(anchors, group, ids)
    found = anchors.conn.execution_options(stream_results=True, yield_per=1000).execute(
        select(shown.c.text.label("anchor"), shown.c.variants, sums)
        .select_from(sums.join(shown, shown.c.id == sums.c.words))
        .order_by(sums.c[rank].desc(), sums.c.links.desc(), shown.c.fold, shown.c.text)
    )
    for row in found:
        yield AnchorShare(
            anchor=row.anchor,
            variants=row.variants,
            links=row.links,
            referring_pages=row.pages,
            referring_domains=row.domains,
            targets=row.targets,
            followed=int(row.followed),
            share_links=share(row.links, of.links),
            share_domains=share(row.domains, of.referring_domains),
            by_source={name: int(getattr(row, name)) for name in ANCHOR_SOURCES if getattr(row, name)},
            first_seen=row.first_seen,
            last_seen=row.last_seen,
        )


def share(part: int, whole: int) -> float:
    """part / whole; 0.0 of nothing. Not rounded: a long tail of small shares would not add up to 1 any more."""
    return part / whole if whole else 0.0
