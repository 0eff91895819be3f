"""Named questions over time: what was gained and lost in each period, and what was live at its end.

Every version of a link stands from ``valid_from`` until it is replaced or lost. Those that a filter selects begin and
end on some day for some reason; summed up, the days give every period, and what began less what ended is live:
``live(t) = live(t - 1) + gained + found + moved + changed + reread - lost``. Periods are whole days of UTC, the first
and the last of them cut where the time asked for begins and ends. Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, groupby
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union,
    union_all,
)

from storage.anchor_rows import AnchorFilter
from storage.codes import BEGAN, LOST_CAUSES
from storage.events import ANY_WORDS, CHANGED, FIRST_SEEN, GONE_MOVED, GONE_REREAD, MOVED, REREAD, on_words
from storage.filters import Chosen, same_link
from storage.schema import anchor, link, miss, visit
from storage.targets import STREAMING

By = Literal["day", "week", "month"]
DAY = 86_400_000
_LONG_AGO = -1
"""The day of everything before the time asked for."""
_REPLACED = -1
"""Why a version ended that was not lost."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``since`` on, before ``before``."""

    name: str
    """2026-11-16; 2026-W47, which begins on a Monday; 2026-11."""
    since: int
    before: int


@dataclass(frozen=True, slots=True)
class LinkPeriod:
    """What became of the chosen links in one period. ``moved``, ``changed`` and ``reread``: came less went."""

    period: Period
    gained: int
    """Added or restored."""
    found: int
    """Seen by the first reading that could see them; whether they were new then, nobody knows."""
    moved: int
    """Of pages that redirect, and found again there."""
    changed: int
    """Edited so that the filter selects them, less those it selects no more."""
    reread: int
    """Which other rules found in the same document, or found never to have stood."""
    lost: int
    live: int
    """At the end of the period."""
    unconfirmed: int
    """Live at the end, while the latest attempt to read their page had not brought a complete document."""


@dataclass(frozen=True, slots=True)
class AnchorPeriod:
    """The words in use among the chosen links in one period."""

    period: Period
    new: int
    """Distinct anchors in use at its end that were not at its beginning."""
    lost: int
    """Those that were at its beginning, and are not at its end."""
    anchors: int
    """Distinct anchors in use at its end; spellings that fold together are one."""
    live: int
    """Links live at its end."""


def periods(since: int, before: int, by: By) -> list[Period]:
    """The periods that the time from ``since`` to ``before`` touches, in order; the outer two are cut there."""
    found: list[Period] = []
    begin = _start(_date(since), by)
    while _ms(begin) < before:
        end = _next(begin, by)
        found.append(Period(_name(begin, by), max(_ms(begin), since), min(_ms(end), before)))
        begin = end
    return found


def span(conn: Connection, chosen: Chosen) -> tuple[int, int] | None:
    """The first and the last date at which a chosen link came, changed or went; None without any."""
    row = conn.execute(
        select(func.min(link.c.valid_from), func.max(link.c.valid_from), func.max(link.c.gone_at)).where(
            chosen.versions(link)
        )
    ).one()
    return None if row[0] is None else (int(row[0]), max(int(one) for one in row[1:] if one is not None))


def link_timeline(conn: Connection, chosen: Chosen, of: Sequence[Period]) -> list[LinkPeriod]:
    """One row a period of those that `periods` gave; no anchor is read."""
    if not of:
        return []
    begun = _daily(_links(chosen), "start", "began", of)
    ended = _daily(_links(chosen), "stop", "cause", of)
    count: dict[str, list[int]] = {
        name: [0] * (len(of) + 1) for name in ("gained", "found", "moved", "changed", "reread", "lost")
    }
    places = _places(of)
    for day, cause, number in conn.execute(begun):
        count[_BEGUN[cause]][places(day)] += int(number)
    for day, cause, number in conn.execute(ended):
        name = _ENDED[cause]
        count[name][places(day)] += int(number) if name == "lost" else -int(number)
    signs = {"lost": -1}
    steps = [sum(signs.get(name, 1) * series[place] for name, series in count.items()) for place in range(len(of) + 1)]
    live = list(accumulate(steps))
    away = _unconfirmed(conn, chosen, of)
    return [
        LinkPeriod(
            period=period,
            live=live[place],
            unconfirmed=away[place - 1],
            **{name: series[place] for name, series in count.items()},
        )
        for place, period in enumerate(of, 1)
    ]


def anchor_timeline(
    conn: Connection, chosen: Chosen, of: Sequence[Period], words: AnchorFilter = ANY_WORDS
) -> list[AnchorPeriod]:
    """One row a period of those that `periods` gave."""
    if not of:
        return []
    rows = _anchors(chosen, words)
    start, stop = (_daily(rows, at, "fold_id", of).subquery(at) for at in ("start", "stop"))
    each = union_all(
        select(start.c.day, start.c.key, start.c.number), select(stop.c.day, stop.c.key, -stop.c.number)
    ).subquery("each")
    question = select(each.c.key, each.c.day, each.c.number).order_by(each.c.key)
    places = _places(of)
    change = [0] * (len(of) + 1)
    new, lost, used = change[:], change[:], change[:]
    stream = conn.execute(question, execution_options=STREAMING)
    for _, parts in groupby(stream, key=lambda row: row[0]):
        own: dict[int, int] = {}
        for _, day, number in parts:
            own[places(day)] = own.get(places(day), 0) + int(number)
        links = 0
        for place in sorted(own):
            change[place] += own[place]
            was, links = links, links + own[place]
            if links and not was:
                new[place] += 1
            elif was and not links:
                lost[place] += 1
    for place in range(len(of) + 1):
        used[place] = new[place] - lost[place]
    live, used = list(accumulate(change)), list(accumulate(used))
    return [
        AnchorPeriod(period, new[place], lost[place], used[place], live[place]) for place, period in enumerate(of, 1)
    ]


_BEGUN = dict.fromkeys(range(len(BEGAN)), "gained") | {
    FIRST_SEEN: "found",
    CHANGED: "changed",
    MOVED: "moved",
    REREAD: "reread",
}
_ENDED = dict.fromkeys(range(len(LOST_CAUSES)), "lost") | {
    _REPLACED: "changed",
    GONE_MOVED: "moved",
    GONE_REREAD: "reread",
}


# -- versions as spans of time ---------------------------------------------------------------------------------


def _links(chosen: Chosen) -> Select[Any]:
    """(source_id, start, began, stop, cause) of every version that the filter selects."""
    of = link.alias("of")
    return select(
        of.c.source_id,
        of.c.valid_from.label("start"),
        of.c.began,
        func.coalesce(of.c.gone_at, of.c.valid_to).label("stop"),
        case((of.c.gone_at.is_not(None), of.c.lost_cause), else_=_REPLACED).label("cause"),
    ).where(chosen.versions(of))


def _anchors(chosen: Chosen, words: AnchorFilter) -> Select[Any]:
    """(fold_id, start, began, stop, cause) of every version of an anchor, as long as the filter selects its link."""
    of, its = anchor.alias("of"), link.alias("its")
    end = func.coalesce(of.c.gone_at, of.c.valid_to)
    nothing = literal(_REPLACED).label("cause")
    if not chosen.filter.by_link:
        return select(of.c.fold_id, of.c.valid_from.label("start"), of.c.began, end.label("stop"), nothing).where(
            chosen.versions(of), on_words(words, of)
        )
    its_end = func.coalesce(its.c.gone_at, its.c.valid_to)
    start = case((of.c.valid_from > its.c.valid_from, of.c.valid_from), else_=its.c.valid_from)
    stop = case((end.is_(None), its_end), (its_end.is_(None), end), (end < its_end, end), else_=its_end)
    return (
        select(of.c.fold_id, start.label("start"), of.c.began, stop.label("stop"), nothing)
        .select_from(its.join(of, same_link(of, its)))
        .where(chosen.versions(its), on_words(words, of), or_(stop.is_(None), start < stop))
    )


def _daily(rows: Select[Any], at: str, key: str, of: Sequence[Period]) -> Select[Any]:
    """(day, key, number) of the versions that began or ended, before the end of the last period."""
    each = rows.subquery(f"by_{at}")
    moment: ColumnElement[int] = each.c[at]
    day = case((moment < of[0].since, literal(_LONG_AGO)), else_=moment // DAY)
    days = select(day.label("day"), each.c[key].label("key")).where(moment < of[-1].before).subquery(f"days_of_{at}")
    return select(days.c.day, days.c.key, func.count().label("number")).group_by(days.c.day, days.c.key)


def _places(of: Sequence[Period]) -> Callable[[int], int]:
    """The number of the period of a day, from 1; 0 is before all of them."""
    begin = [period.since // DAY for period in of]
    return lambda day: 0 if day == _LONG_AGO else bisect_right(begin, day)


def _unconfirmed(conn: Connection, chosen: Chosen, of: Sequence[Period]) -> list[int]:
    """How many links were live at the end of each period on a page whose latest attempt by then failed."""
    ends = [period.before - 1 for period in of]
    steps = [0] * (len(of) + 1)
    away = _away(conn, chosen)
    if away:
        each = _links(chosen).subquery("each")
        rows = select(each.c.source_id, each.c.start, each.c.stop).where(each.c.source_id.in_(_troubled(chosen)))
        for page_id, start, stop in conn.execute(rows, execution_options=STREAMING):
            for since, until in away.get(page_id, ()):
                first = bisect_left(ends, max(start, since))
                close = min(one for one in (stop, until, ends[-1] + 1) if one is not None)
                last = bisect_left(ends, close)
                if first < last:
                    steps[first] += 1
                    steps[last] -= 1
    return list(accumulate(steps))[:-1]


def _away(conn: Connection, chosen: Chosen) -> dict[int, list[tuple[int, int | None]]]:
    """Of every page that was ever attempted without success: from when until when the latest attempt was such a one."""
    read = select(
        visit.c.page_id,
        visit.c.at,
        case((visit.c.complete.is_(True), 1), else_=0).label("good"),
        literal(0).label("turn"),
    ).where(visit.c.page_id.in_(_troubled(chosen)))
    # A visit of the date of a miss comes before it.
    missed = select(miss.c.page_id, miss.c.at, literal(0).label("good"), literal(1).label("turn")).where(
        miss.c.page_id.in_(_troubled(chosen))
    )
    each = union_all(read, missed).subquery("attempts")
    before = func.lag(each.c.good).over(partition_by=each.c.page_id, order_by=[each.c.at, each.c.turn])
    seen = select(each, before.label("before")).subquery("seen")
    fell = and_(seen.c.good == 0, or_(seen.c.before.is_(None), seen.c.before == 1))
    rose = and_(seen.c.good == 1, seen.c.before == 0)
    found: dict[int, list[tuple[int, int | None]]] = {}
    question = select(seen.c.page_id, seen.c.at, seen.c.good).where(or_(fell, rose))
    question = question.order_by(seen.c.page_id, seen.c.at, seen.c.turn)
    for page_id, at, back in conn.execute(question, execution_options=STREAMING):
        spans = found.setdefault(page_id, [])
        if back:
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((at, None))
    return found


def _troubled(chosen: Chosen) -> Select[Any]:
    """Ids of the pages that some attempt did not bring whole."""
    both = union(select(miss.c.page_id), select(visit.c.page_id).where(visit.c.complete.is_(False))).subquery(
        "troubled"
    )
    question = select(both.c.page_id)
    if not chosen.covered.everything:
        pages = link.alias("on_pages")
        question = question.where(both.c.page_id.in_(select(pages.c.source_id).where(chosen.versions(pages))))
    return question


# -- the calendar ----------------------------------------------------------------------------------------------


def _date(ms: int) -> date:
    return datetime.fromtimestamp(ms // 1000, UTC).date()


def _ms(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY


def _start(day: date, by: By) -> date:
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day


def _next(begin: date, by: By) -> date:
    if by == "month":
        return (begin + timedelta(days=31)).replace(day=1)
    return begin + timedelta(days=7 if by == "week" else 1)


def _name(begin: date, by: By) -> str:
    if by == "week":
        year, week, _ = begin.isocalendar()
        return f"{year}-W{week:02d}"
    return begin.isoformat() if by == "day" else begin.isoformat()[:7]
