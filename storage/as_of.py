"""The rows that questions read: the tables as they are, or as they stood at an instant.

Without ``as_of`` and ``lost_after`` the answer is the plain tables, and a question costs what it always did. Else
each table is a subquery with the same columns, so that the questions need not know the difference:

- of each link and anchor the version in force then, lost if it was lost by then; its ``last_seen`` as known then;
- of each page what its visits and misses up to then say.

Visits count by their own dates, whenever they were brought in: a suspect that was confirmed later spoke for its page
from its own date on (docs/history.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Label,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)

from storage.codes import LOST_CAUSES, METHODS, OUTCOMES, SEEN_BY
from storage.schema import anchor, domain, link, miss, page, visit

DOMAIN_GONE = -1
"""``lost_cause`` of a link that ``lost_after`` shows as lost. No stored code: nothing is written."""
REREAD = LOST_CAUSES.index("reread")
"""``lost_cause`` of what never really stood: left out of every answer on lost links."""
GONE_SPAN = 7 * 86_400_000
"""From the first to the last of the failed attempts behind ``lost_after``, milliseconds."""

_WAT, _RENDERED = METHODS.index("wat"), METHODS.index("rendered")
_FAILED = OUTCOMES.index("failed")


@dataclass(frozen=True, slots=True)
class Tables:
    """What stands for ``link``, ``anchor`` and ``page`` in the questions of one filter."""

    link: FromClause
    anchor: FromClause
    page: FromClause
    plain: bool
    """They are the tables themselves, whose latest versions have ``valid_to IS NULL``."""

    def in_force(self, table: FromClause) -> ColumnElement[bool]:
        """The versions that count, of `link`, `anchor` or an alias of theirs."""
        return table.c.valid_to.is_(None) if self.plain else true()

    def placed(self, table: FromClause) -> ColumnElement[bool]:
        """Rows of `link` whose position goes by their page's layout: live links at their latest version."""
        return table.c.gone_at.is_(None) if self.plain else table.c.placed.is_(True)


PLAIN = Tables(link, anchor, page, plain=True)


@lru_cache(maxsize=64)
def tables(as_of: int | None, lost_after: int | None) -> Tables:
    """The tables for an instant and a number of failed attempts; None and None: the tables themselves.

    Args:
        as_of: milliseconds UTC; what happened at this instant has happened.
        lost_after: live links of a page count as lost (`DOMAIN_GONE`) when its latest so many attempts or more,
            over at least `GONE_SPAN`, all failed.
    """
    if as_of is None and lost_after is None:
        return PLAIN
    gone = None if lost_after is None else _unreachable(as_of, lost_after)
    return Tables(
        _versions(link, as_of, gone),
        _versions(anchor, as_of, gone),
        page if as_of is None else _pages(as_of),
        plain=False,
    )


def _versions(table: FromClause, as_of: int | None, unreachable: Subquery | None) -> Subquery:
    """The versions in force then, with state, cause and last_seen as they were."""
    columns = table.c
    gone: ColumnElement[Any] = columns.gone_at
    seen: ColumnElement[Any] = columns.last_seen
    lost: ColumnElement[bool] = gone.is_not(None)
    in_force: ColumnElement[bool] = columns.valid_to.is_(None)
    if as_of is not None:
        lost = columns.gone_at <= as_of
        gone = case((lost, columns.gone_at))
        seen = _last_seen(table, as_of)
        in_force = and_(columns.valid_from <= as_of, or_(columns.valid_to.is_(None), columns.valid_to > as_of))
    origin = table
    cause: ColumnElement[Any] | None = case((lost, columns.lost_cause), else_=0) if table is link else None
    if unreachable is not None:
        origin = table.outerjoin(unreachable, unreachable.c.page_id == columns.source_id)
        away = and_(gone.is_(None), unreachable.c.gone_at.is_not(None))
        seen = case((away, func.coalesce(seen, _page_read(columns.source_id, as_of))), else_=seen)
        cause = case((away, DOMAIN_GONE), else_=cause) if cause is not None else None
        gone = func.coalesce(gone, unreachable.c.gone_at)
    changed: dict[str, ColumnElement[Any]] = {"gone_at": gone, "last_seen": seen}
    if cause is not None:
        changed["lost_cause"] = cause
    shown: list[ColumnElement[Any]] = [
        changed[column.name].label(column.name) if column.name in changed else column
        for column in columns
        if column.name != "valid_to"
    ]
    if table is link:
        latest = and_(columns.valid_to.is_(None), columns.gone_at.is_(None))
        shown.append(case((latest, literal(True)), else_=literal(False)).label("placed"))
    return select(*shown).select_from(origin).where(in_force).subquery(f"{table.name}_then")  # type: ignore[attr-defined]


def _last_seen(table: FromClause, as_of: int) -> ColumnElement[Any]:
    """When it was last seen by then, where it is not simply the page's latest visit: that is NULL, as in the table.

    A date up to then stands. A later one says only that the link went on: it was seen whenever its page was, unless
    not every visit of the page could see it. Every version begins with a visit that shows it.
    """
    columns = table.c
    known = page.alias("of_page")
    mixed = columns.source_id.in_(select(known.c.id).where(known.c.plain.is_(False)))
    if table is link:
        rendered_only: ColumnElement[bool] = columns.seen_by == SEEN_BY.index("rendered")
    else:
        of = link.alias("of_link")
        names = ("source_id", "target_id", "link_no")
        rendered_only = (
            exists()
            .where(
                *(of.c[name] == columns[name] for name in names),
                of.c.valid_from <= as_of,
                or_(of.c.valid_to.is_(None), of.c.valid_to > as_of),
                of.c.seen_by == SEEN_BY.index("rendered"),
            )
            .correlate(table)
        )
    to, read = domain.alias("to_domain"), visit.alias("read")
    name = select(func.replace(to.c.name, "_", r"\_")).where(to.c.id == columns.target_domain).correlate(table)
    showed = (
        select(func.max(read.c.at))
        .where(
            read.c.page_id == columns.source_id,
            read.c.complete.is_(True),
            read.c.at <= as_of,
            read.c.at > columns.valid_from,
            read.c.method != _WAT,
            or_(
                read.c.targets.is_(None),
                read.c.targets.like(literal('%"') + name.scalar_subquery() + literal('"%'), escape="\\"),
            ),
            or_(read.c.method == _RENDERED, ~rendered_only),
        )
        .correlate(table)
        .scalar_subquery()
    )
    return case(
        (or_(columns.last_seen <= as_of, columns.gone_at <= as_of), columns.last_seen),
        (mixed, func.coalesce(showed, columns.valid_from)),
    )


def _pages(as_of: int) -> Subquery:
    """What a page's visits and misses up to then say of it, in the columns that questions ask for."""
    last, missed = visit.alias("last_visit"), miss.alias("newer_miss")
    latest = [last.c.page_id == page.c.id, last.c.at <= as_of]
    # A visit of the date of a miss comes before it.
    since = exists().where(missed.c.page_id == last.c.page_id, missed.c.at >= last.c.at, missed.c.at <= as_of)
    indexable = select(last.c.not_indexable == 0).where(*latest, last.c.complete.is_(True))
    confirmed = select(and_(last.c.complete.is_(True), ~since)).where(*latest)

    def of_last(question: Select[Any]) -> Any:
        return question.order_by(last.c.at.desc()).limit(1).correlate(page).scalar_subquery()

    return select(
        page.c.id,
        page.c.layout,
        _labelled(_page_read(page.c.id, as_of), "last_ok"),
        _labelled(of_last(indexable), "indexable"),
        _labelled(of_last(confirmed), "confirmed"),
    ).subquery("page_then")


def _labelled(value: Any, name: str) -> Label[Any]:
    label: Label[Any] = value.label(name)
    return label


def _page_read(page_id: ColumnElement[Any], as_of: int | None) -> Any:
    """Date of the latest complete visit of a page that could see every link, by then."""
    table = page_id.table
    if as_of is None:
        read = page.alias("of_page")
        return select(read.c.last_ok).where(read.c.id == page_id).correlate(table).scalar_subquery()
    full = visit.alias("full_visit")
    return (
        select(func.max(full.c.at))
        .where(
            full.c.page_id == page_id,
            full.c.complete.is_(True),
            full.c.targets.is_(None),
            full.c.method != _WAT,
            full.c.at <= as_of,
        )
        .correlate(table)
        .scalar_subquery()
    )


def _unreachable(as_of: int | None, lost_after: int) -> Subquery:
    """(page_id, gone_at): pages whose latest attempts all failed, and the attempt that was one too many."""
    other, read = miss.alias("other"), visit.alias("read")
    by_then = [] if as_of is None else [miss.c.at <= as_of]
    failing = (
        select(
            miss.c.page_id,
            miss.c.at,
            func.row_number().over(partition_by=miss.c.page_id, order_by=miss.c.at).label("number"),
            func.min(miss.c.at).over(partition_by=miss.c.page_id).label("since"),
        )
        .where(
            miss.c.state == _FAILED,
            *by_then,
            ~exists().where(
                other.c.page_id == miss.c.page_id,
                other.c.at > miss.c.at,
                other.c.state != _FAILED,
                *([] if as_of is None else [other.c.at <= as_of]),
            ),
            ~exists().where(
                read.c.page_id == miss.c.page_id,
                read.c.at > miss.c.at,
                *([] if as_of is None else [read.c.at <= as_of]),
            ),
        )
        .subquery("failing")
    )
    return (
        select(failing.c.page_id, func.min(failing.c.at).label("gone_at"))
        .where(failing.c.number >= literal(lost_after, Integer()), failing.c.at - failing.c.since >= GONE_SPAN)
        .group_by(failing.c.page_id)
        .subquery("unreachable")
    )
