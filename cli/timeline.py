"""``links timeline``, ``anchors timeline`` and ``links history``: change told period by period, or link by link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from cli.asking import About, Asked, left_out, why_nothing
from cli.changes import in_a_word
from cli.clock import now_ms
from cli.config import database
from cli.filters import joined
from cli.options import (
    DatabaseOption,
    FieldsOption,
    FormatOption,
    LimitOption,
    RawCellsOption,
    parse_fields,
    parse_limit,
)
from cli.render import Answer, write_answer
from cli.targets import FoldQueryOption, LiteralOption, ScopeOption, parse_target
from cli.windows import SinceOption, UntilOption, When, filtered, when_of, write
from storage.anchor_rows import AnchorFilter
from storage.episodes import Chapter, PageRead, chapters, page_read
from storage.history import read_once
from storage.targets import resolve
from storage.timeline import AnchorPeriod, By, LinkPeriod, Period, anchor_timeline, link_timeline, periods, span
from storage.times import to_iso

LINKS = (
    "period", "since", "until", "gained", "found", "moved", "changed", "reread", "lost", "live", "unconfirmed",
)  # fmt: skip
ANCHORS = ("period", "since", "until", "new", "lost", "anchors", "live")
HISTORY = (
    "at", "target", "link_no", "change", "cause", "anchor", "anchor_source", "has_image", "rel", "followed",
    "follow_cause", "placement", "element", "hidden", "previous_visit", "attempts_between",
)  # fmt: skip
ByOption = Annotated[By, typer.Option("--by", help="The length of a period; weeks begin on Monday.")]


def links(asked: Asked, by: ByOption = "week", since: SinceOption = None, until: UntilOption = None) -> None:
    """Show how the links to each TARGET came and went, one row a day, week or month, empty ones too.

    Without --since from the first link on; a table shows the last 20 periods. What a filter asks, it asks of the
    links as they were then.

    Keys: period, since, until (half open, UTC); gained (added or restored), found (seen when their page was first
    read), lost; moved (with their page, came less went), changed (edited so that the filter selects them, less those
    it selects no more), reread (found by newer rules in the same document, less those not found any more); live, at
    the end: the live of the period before + gained + found + moved + changed + reread - lost; unconfirmed: live, while
    the latest attempt at their page was not complete.

    Example: linkledger links timeline example.com --by month --since 2026-01-01
    """

    def row(one: LinkPeriod) -> dict[str, Any]:
        return {name: getattr(one, name) for name in LINKS[3:]}

    def ask(about: About, of: Sequence[Period]) -> list[dict[str, Any]]:
        return [_period(one.period) | row(one) for one in link_timeline(about.conn, about.chosen, of)]

    _timeline(asked, LINKS, by, when_of(since, until), ask, ("moved", "changed", "reread"), {})


def anchors(
    asked: Asked, words: AnchorFilter, by: ByOption = "week", since: SinceOption = None, until: UntilOption = None
) -> None:
    """Show how the words of the links to each TARGET came and went, one row a day, week or month, empty ones too.

    Keys: period, since, until (half open, UTC); new, lost: distinct anchors that came into use or went out of it from
    the beginning of the period to its end; anchors: those in use at the end, which is those of the period before + new
    - lost; live: the links that use them, as many as links timeline says.

    Example: linkledger anchors timeline example.com --by month
    """
    from cli.anchors import words_shown

    def row(one: AnchorPeriod) -> dict[str, Any]:
        return {name: getattr(one, name) for name in ANCHORS[3:]}

    def ask(about: About, of: Sequence[Period]) -> list[dict[str, Any]]:
        return [_period(one.period) | row(one) for one in anchor_timeline(about.conn, about.chosen, of, words)]

    _timeline(asked, ANCHORS, by, when_of(since, until), ask, (), words_shown(words))


def _timeline(
    asked: Asked,
    columns: tuple[str, ...],
    by: By,
    when: When,
    ask: Callable[[About, Sequence[Period]], list[dict[str, Any]]],
    seldom: Sequence[str],
    words: dict[str, Any],
) -> None:
    """Ask for the periods of each target; columns that are ``seldom`` anything are shown in tables only then."""
    asked.check_fields(columns)
    now = now_ms()

    def one(about: About, read: dict[str, int]) -> Answer:
        known = span(about.conn, about.chosen)
        first, last = known or (now, now)
        begin = max(first if when.since is None else when.since, 0)
        end = max(now, last) + 1
        end = end if when.before is None else min(end, when.before)
        of = periods(begin, end, by) if known or when.since is not None else []
        rows = ask(about, of)
        kept = rows if asked.bound is None else rows[max(0, len(rows) - asked.bound) :]
        quiet = {name for name in seldom if not any(row[name] for row in kept)}
        quiet |= {"until"} if by == "week" else {"since", "until"}
        if asked.as_table and not asked.fields:
            kept = [row | {"since": row["since"][:10]} for row in kept]
        name = "The whole ledger" if about.target is None else f"{about.target.scope} {about.target.text}"
        notes = []
        if known is None:
            notes = why_nothing(about)
        elif read_once(about.conn, about.chosen):
            notes = ["no page that links there was read twice yet: it takes two readings to tell what is new or lost"]
        given = about.chosen.filter.shown()
        given.pop("state", None)
        hidden = left_out(about.chosen.filter, about.cells)
        internal = hidden["internal"] + hidden["internal_lost"]
        if internal and asked.as_table:
            notes.append(f"left out: {internal:,} internal (--kind any)")
        return Answer(
            "timeline",
            kept,
            columns,
            head={
                "target": about.name,
                "scope": about.scope,
                "by": by,
                "total": len(rows),
                "filter": {**given, **words},
                "left_out": {"internal": internal},
                "coverage": read,
            },
            heading=f"{name}: by {by}" if asked.as_table else None,
            notes=tuple(notes),
            total=len(rows),
            table_columns=tuple(name for name in columns if name not in quiet),
        )

    write(asked, one)


def history(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The URL of a page, as it answered.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A domain, host, IP address or URL it links to.")],
    scope: ScopeOption = None,
    literal: LiteralOption = False,
    fold_query: FoldQueryOption = "tracking",
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Tell the story of every link from the page SOURCE to TARGET, internal and lost ones too.

    Keys: at, target, link_no, change (all that this reading changed, as in links changes), cause (of what came or
    went); anchor, anchor_source, has_image, rel, followed, follow_cause, placement, element, hidden: as they were then
    (of a lost link: last); previous_visit: the complete reading before, after which it must have happened;
    attempts_between: attempts in between that brought no whole document.

    Example: linkledger links history https://blog.example.org/post example.com
    """
    try:
        url = parse_target(source, scope="page", literal=True).text
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint="SOURCE") from None
    try:
        wanted = parse_target(target, scope=scope, literal=literal, fold_query=fold_query)
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint="TARGET") from None
    asked = Asked(
        targets=[wanted], wanted=None, db=database(db), output=output, limit=parse_limit(limit),  # type: ignore[arg-type]
        fields=parse_fields(fields), raw_cells=raw_cells,
    )  # fmt: skip
    asked.check_fields(HISTORY)
    from crawler.urls import suffix_list_version
    from storage.engine import open_ledger

    with open_ledger(asked.db, psl=suffix_list_version()) as conn:
        covered = resolve(conn, wanted)
        known = page_read(conn, url)
        told = [] if known is None else list(chapters(conn, known[0], covered))
        as_words = asked.as_table and not asked.fields
        targets = {one.target for one in told}
        hidden = {"target"} if len(targets) == 1 else set()
        hidden |= set() if any(one.link_no for one in told) else {"link_no"}
        shown = ("at", "target", "link_no", "change", "anchor", "rel", "previous_visit")
        of = len({(one.target, one.link_no) for one in told})
        answer = Answer(
            "history",
            [_chapter(one, as_words) for one in told],
            HISTORY,
            head={"source": url, "target": wanted.text, "scope": wanted.scope, "total": len(told), "links": of},
            heading=f"{url} to {wanted.scope} {wanted.text}: {of:,} link{'' if of == 1 else 's'}",
            notes=tuple(_page_notes(url, known, wanted.text, told)),
            total=len(told),
            table_columns=tuple(name for name in shown if name not in hidden),
        )
        write_answer(answer, output=output, limit=asked.limit, fields=asked.fields, raw_cells=raw_cells)


def register_links(app: typer.Typer) -> None:
    """Add the commands on links to their group."""
    app.command("history")(history)
    app.command("timeline")(joined(links, "asked", filtered))


def register_anchors(app: typer.Typer) -> None:
    """Add the command on anchors to its group."""
    from cli.anchors import anchor_filter

    app.command("timeline")(joined(joined(anchors, "words", anchor_filter), "asked", filtered))


def _period(one: Period) -> dict[str, Any]:
    return {"period": one.name, "since": to_iso(one.since), "until": to_iso(one.before)}


def _chapter(one: Chapter, as_words: bool) -> dict[str, Any]:
    row = {
        "at": to_iso(one.at),
        "target": one.target,
        "link_no": one.link_no,
        "change": list(one.change),
        "cause": one.cause,
        "anchor": one.anchor,
        "anchor_source": one.anchor_source,
        "has_image": one.has_image,
        "rel": one.rel.split(" ") if one.rel else [],
        "followed": not one.follow_cause,
        "follow_cause": list(one.follow_cause),
        "placement": one.placement,
        "element": one.element,
        "hidden": one.hidden,
        "previous_visit": to_iso(one.previous_visit),
        "attempts_between": one.attempts_between,
    }
    if as_words:
        row["at"] = str(row["at"])[:10]
        row["previous_visit"] = (to_iso(one.previous_visit) or "")[:10]
        row["change"] = ", ".join(in_a_word(name, one.cause) for name in one.change)
    return row


def _page_notes(url: str, known: tuple[int, PageRead] | None, target: str, told: Sequence[Chapter]) -> list[str]:
    if known is None:
        return [f"{url} was never read: SOURCE is the URL that answered, after redirects, written in full"]
    read = known[1]
    if not read.visits:
        return [f"{url} was never read whole; latest attempt {_day(read.attempted_at)}: {read.outcome}"]
    times = "once" if read.visits == 1 else f"{read.visits:,} times"
    said = f"page read whole {times}, {_day(read.first)}"
    if read.visits > 1:
        said += f" to {_day(read.last)}"
    if read.outcome != "fetched":
        said += f"; latest attempt {_day(read.attempted_at)}: {read.outcome}, so nobody knows what stands on it now"
    return [said] if told else [f"no link from this page to {target} was ever seen; {said}"]


def _day(at: int | None) -> str:
    return (to_iso(at) or "")[:10]
