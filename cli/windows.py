"""What the questions on change share: when, which of the events, and one answer a target.

The filter is that of all questions but for what is asked of the latest state of a link (state, last seen, crawl):
an event is asked about the link as it was then.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar, get_type_hints

import typer
from sqlalchemy import Connection

from cli.asking import About, Asked, asked_options, why_nothing
from cli.clock import now_ms
from cli.filters import CrawlName, crawl_name, joined, link_filter
from cli.moments import parse_moment
from cli.render import Answer, write_answers
from storage.coverage import coverage
from storage.events import Tally, Wanted, Window
from storage.filters import choose, crawl_id_of
from storage.history import crawl_window, read_once
from storage.link_counts import cells
from storage.targets import resolve
from storage.times import to_iso

R = TypeVar("R")
_PANEL = "When"
_LATEST = ("state", "crawl", "confirmed_within", "as_of", "lost_after")
"""Options that ask of the latest state of a link."""

SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DATE|SPAN",
        help="From this date or time (UTC) on, or from so long before now: 7d, 12h, 4w.",
        rich_help_panel=_PANEL,
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="DATE|SPAN", help="Before this date or time, which is not included.", rich_help_panel=_PANEL
    ),
]
CrawlOption = Annotated[
    str | None,
    typer.Option(
        "--crawl",
        metavar="A..B|B",
        help="What the readings of crawl B found since those of crawl A (previous..last); B alone: while it read.",
        rich_help_panel=_PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class When:
    """The time asked for, as given: two moments, or one or two crawls."""

    since: int | None = None
    before: int | None = None
    crawls: tuple[CrawlName | None, CrawlName] | None = None

    def window(self, conn: Connection) -> Window:
        """Raises UnknownName: no such crawl."""
        if self.crawls is None:
            return Window(self.since, self.before)
        after, crawl = self.crawls
        return crawl_window(conn, crawl_id_of(conn, crawl), None if after is None else crawl_id_of(conn, after))


@dataclass(frozen=True, slots=True)
class Events:
    """One target, and the events asked for."""

    about: About
    wanted: Wanted

    @property
    def conn(self) -> Connection:
        return self.about.conn


@dataclass(frozen=True, slots=True)
class Asking:
    """What the options of a question on change say."""

    asked: Asked
    when: When
    first_seen: bool
    moved: bool

    @property
    def bound(self) -> int | None:
        return self.asked.bound

    @property
    def for_reading(self) -> bool:
        """A table of the usual columns."""
        return self.asked.as_table and not self.asked.fields

    def answer(
        self,
        columns: Sequence[str],
        ask: Callable[[Events], tuple[Tally, Answer]],
        *,
        what: str,
        words: dict[str, Any] | None = None,
    ) -> None:
        """Open the ledger, ask about each target, write the answers.

        Args:
            ask: counts the events, and gives the answer without heading, filter, left_out, coverage and notes.
            what: what one event is about, such as ``lost link``.
            words: what else the filter says, of anchors.
        Raises:
            LedgerError: no ledger, or a list or crawl it does not know.
        """
        self.asked.check_fields(columns)

        def one(about: About, read: dict[str, int]) -> Answer:
            of = Events(about, Wanted(self.when.window(about.conn), self.first_seen, self.moved))
            found, answer = ask(of)
            hidden = {"internal": found.internal, "page_first_seen": found.first_seen, "moved": found.moved}
            notes = _why_none(of, found, what) if not found.shown else []
            if self.asked.as_table or not found.shown:
                notes += _left_out(about.name if len(self.asked.targets) > 1 else None, hidden)
            return replace(
                answer,
                head={
                    "target": about.name,
                    "scope": about.scope,
                    "total": found.shown,
                    **window_shown(of.wanted.window),
                    "filter": {**_shown(about), **(words or {})},
                    "left_out": hidden,
                    "coverage": read,
                },
                heading=_heading(about, of.wanted.window, found.shown, what) if self.asked.as_table else None,
                notes=(*answer.notes, *notes),
                total=found.shown,
            )

        write(self.asked, one)


def write(asked: Asked, ask: Callable[[About, dict[str, int]], Answer]) -> None:
    """Ask about each target in an open ledger, with the coverage of all; write the answers."""
    from crawler.urls import suffix_list_version
    from storage.engine import open_ledger

    with open_ledger(asked.db, psl=suffix_list_version()) as conn:
        read: dict[str, int] | None = None
        answers = []
        for target in asked.targets:
            chosen = choose(conn, asked.wanted, resolve(conn, target))
            read = coverage(conn, chosen) if read is None else read  # whatever the target
            answers.append(ask(About(conn, target, chosen, cells(conn, chosen)), read))
        write_answers(answers, output=asked.output, limit=asked.limit, fields=asked.fields, raw_cells=asked.raw_cells)


def window_shown(window: Window) -> dict[str, Any]:
    """When, as answers name it: half open."""
    return {"since": to_iso(window.since), "until": to_iso(window.before)}


def without(maker: Callable[..., R], names: Sequence[str]) -> Callable[..., R]:
    """The same maker of a value, some of its options being what they are by default."""
    hints = get_type_hints(maker, include_extras=True)
    parameters = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(maker).parameters.values()
    ]
    fixed = {parameter.name: parameter.default for parameter in parameters if parameter.name in names}

    @functools.wraps(maker)
    def wrapper(**values: Any) -> R:
        return maker(**values, **fixed)

    kept = [parameter for parameter in parameters if parameter.name not in names]
    wrapper.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in kept}
    del wrapper.__wrapped__
    return wrapper


def moment(option: str, text: str | None) -> int | None:
    """A moment as the user wrote it; milliseconds UTC."""
    if text is None:
        return None
    try:
        return parse_moment(text, now_ms())
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option) from None


def when_of(since: str | None, until: str | None, crawl: str | None = None) -> When:
    """The time that the options name.

    Raises:
        typer.BadParameter: values that cannot be meant, alone or together.
    """
    if crawl is not None and (since is not None or until is not None):
        raise typer.BadParameter("names a time itself; leave out --since and --until", param_hint="--crawl")
    begin, end = moment("--since", since), moment("--until", until)
    if begin is not None and end is not None and end <= begin:
        raise typer.BadParameter(f"{until!r} is not after --since {since!r}", param_hint="--until")
    return When(begin, end, None if crawl is None else _crawls(crawl))


def _options(
    *,
    asked: Asked,
    since: SinceOption = None,
    until: UntilOption = None,
    crawl: CrawlOption = None,
    with_first_seen: Annotated[
        bool,
        typer.Option(
            "--with-first-seen",
            help="Also links found when their page was first read (page_first_seen), which may be older.",
            rich_help_panel=_PANEL,
        ),
    ] = False,
    with_moved: Annotated[
        bool,
        typer.Option(
            "--with-moved",
            help="Also links whose page moved and that were found again there: else neither lost nor new.",
            rich_help_panel=_PANEL,
        ),
    ] = False,
) -> Asking:
    return Asking(asked, when_of(since, until, crawl), with_first_seen, with_moved)


filtered = joined(asked_options, "wanted", without(link_filter, _LATEST))
"""Makes `Asked` of the shared options, with the filters that can be asked of an event."""
_asking = joined(_options, "asked", filtered)


def question(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command with a parameter ``asking: Asking`` the shared arguments and options."""
    return joined(command, "asking", _asking)


def _crawls(text: str) -> tuple[CrawlName | None, CrawlName]:
    first, dots, last = text.partition("..")
    return (_crawl(first, text), _crawl(last, text)) if dots else (None, _crawl(first, text))


def _crawl(name: str, text: str) -> CrawlName:
    found = crawl_name(name)
    if found is not None:
        return found
    raise typer.BadParameter(
        f"{text!r} is neither a crawl nor two of them; write last, 3 or previous..last", param_hint="--crawl"
    )


def _shown(about: About) -> dict[str, Any]:
    shown = about.chosen.filter.shown()
    shown.pop("state", None)
    return shown


def _heading(about: About, window: Window, number: int, what: str) -> str:
    name = "The whole ledger" if about.target is None else f"{about.target.scope} {about.target.text}"
    said = f"{name}: {number:,} {what}{'' if number == 1 else 's'}"
    if window.since is not None:
        said += f", since {_minute(window.since)}"
    if window.before is not None:
        said += f", before {_minute(window.before)}"
    return said


def _minute(at: int) -> str:
    text = to_iso(at) or ""
    return text[:10] if text[10:] == "T00:00:00.000Z" else f"{text[:10]} {text[11:16]}"


def _left_out(name: str | None, hidden: dict[str, int]) -> list[str]:
    use = {
        "internal": ("internal", "--kind any"),
        "page_first_seen": ("first seen with their page", "--with-first-seen"),
        "moved": ("moved", "--with-moved"),
    }
    parts = [f"{number:,} {use[key][0]} ({use[key][1]})" for key, number in hidden.items() if number]
    if not parts:
        return []
    return [f"{name}: left out {', '.join(parts)}" if name else f"left out: {', '.join(parts)}"]


def _why_none(of: Events, found: Tally, what: str) -> list[str]:
    """Why there is no event: no link at all, left out, outside the time, or nothing read twice yet."""
    about, window = of.about, of.wanted.window
    name = about.name or "the ledger"
    every = about.cells
    if not sum((every.external_live, every.internal_live, every.external_lost, every.internal_lost)):
        return why_nothing(about)
    if window.since is not None and window.before is not None and window.since >= window.before:
        return [f"{name}: 0 {what}s; the first of the two crawls read after the second, so no time lies between them"]
    if read_once(of.conn, about.chosen):
        return [f"{name}: 0 {what}s; no page that links there was read twice yet, and it takes two readings to tell"]
    if found.internal or found.first_seen or found.moved:
        return [f"{name}: 0 {what}s but those left out"]
    bounded = window.since is not None or window.before is not None
    return [f"{name}: 0 {what}s{' in this time' if bounded else ''}"]
