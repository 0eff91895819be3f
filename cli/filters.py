"""The filters that every question on links and anchors takes, declared once.

`link_filter` declares the options and makes the filter of them; `joined` puts its parameters into the signature
of a command, which is what Typer reads.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import typer

from cli.clock import now_ms
from cli.moments import parse_moment, parse_range, parse_span
from cli.targets import parse_target
from storage.codes import PLACEMENTS
from storage.filters import Kind, LinkFilter, State

R = TypeVar("R")
CrawlName = int | Literal["last", "previous"]
_PANEL = "Filters"
_DAY_MS = 86_400_000


class PlacementName(StrEnum):
    """`storage.records.Placement`; Typer takes lists of enums, but no lists of literals."""

    main = "main"
    nav = "nav"
    header = "header"
    footer = "footer"
    aside = "aside"
    body = "body"


def link_filter(
    *,
    kind: Annotated[
        Kind, typer.Option("--kind", help="External: the two ends have different domains.", rich_help_panel=_PANEL)
    ] = "external",
    state: Annotated[
        State,
        typer.Option(
            "--state", help="Live: on the page when it was last read whole. Lost: gone since.", rich_help_panel=_PANEL
        ),
    ] = "live",
    followed: Annotated[
        bool | None,
        typer.Option(
            "--followed/--not-followed",
            help="Followed: no nofollow, ugc or sponsored, on the link or for its page.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    rel: Annotated[
        list[str] | None,
        typer.Option("--rel", metavar="TOKEN", help="With this rel token; several: with all.", rich_help_panel=_PANEL),
    ] = None,
    placement: Annotated[
        list[PlacementName] | None,
        typer.Option("--placement", help="In this part of the page; several: in one of them.", rich_help_panel=_PANEL),
    ] = None,
    visible: Annotated[
        bool | None,
        typer.Option("--visible/--hidden", help="Hidden: by markup or style on the page.", rich_help_panel=_PANEL),
    ] = None,
    indexable: Annotated[
        bool | None,
        typer.Option(
            "--indexable/--not-indexable",
            help="The source page keeps itself in or out of an index.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source", metavar="DOMAIN", help="From this domain; several: from one of them.", rich_help_panel=_PANEL
        ),
    ] = None,
    list_name: Annotated[
        str | None,
        typer.Option("--list", metavar="NAME", help="From the pages of this list.", rich_help_panel=_PANEL),
    ] = None,
    crawl: Annotated[
        str | None,
        typer.Option(
            "--crawl",
            metavar="ID|last|previous",
            help="That stood when this crawl read their page.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    first_seen: Annotated[
        str | None,
        typer.Option(
            "--first-seen",
            metavar="A..B",
            help="First seen from A up to, not including, B: dates, times (UTC) or 30d before now (or before --as-of); "
            "A.. and ..B too.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    confirmed_within: Annotated[
        str | None,
        typer.Option(
            "--confirmed-within",
            metavar="SPAN",
            help="Last seen in this span before now (or before --as-of): 30d.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="The ledger as it stood: at the end of a day (2026-11-22, UTC), at a time (2026-11-22T14:00) or "
            "30d before now. Lists are taken as they are now.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    lost_after: Annotated[
        int | None,
        typer.Option(
            "--lost-after",
            metavar="N",
            min=1,
            help="Links of a page count as lost (domain_gone) when its latest N or more attempts, over at least 7 "
            "days, all failed. Only shown so: nothing is written.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
) -> LinkFilter:
    """The filter that the options describe.

    Raises:
        typer.BadParameter: a value that cannot be meant.
    """
    now = now_ms()
    until = _of("--as-of", parse_instant, as_of, now) if as_of is not None else None
    now = now if until is None else until
    begin, end = _of("--first-seen", parse_range, first_seen, now) if first_seen is not None else (None, None)
    span = _of("--confirmed-within", parse_span, confirmed_within) if confirmed_within is not None else None
    return LinkFilter(
        kind=kind,
        state=state,
        followed=followed,
        rel=tuple(dict.fromkeys(_token(token) for token in rel or ())),
        placement=tuple(PLACEMENTS[PLACEMENTS.index(one.value)] for one in dict.fromkeys(placement or ())),
        hidden=None if visible is None else not visible,
        indexable=indexable,
        source=tuple(dict.fromkeys(_source(name) for name in source or ())),
        list_name=list_name,
        crawl=None if crawl is None else _crawl(crawl),
        first_seen_from=begin,
        first_seen_before=end,
        confirmed_since=None if span is None else now - span,
        as_of=until,
        lost_after=lost_after,
    )


def parse_instant(text: str, now: int) -> int:
    """The instant as of which a question is asked: of a date its last millisecond, else as `parse_moment`.

    Raises:
        typer.BadParameter: neither a date, a time nor a span before now.
    """
    moment = parse_moment(text, now)
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return moment
    return moment + _DAY_MS - 1


def joined(command: Callable[..., R], name: str, maker: Callable[..., Any]) -> Callable[..., R]:
    """A command whose parameter ``name`` is made by ``maker`` from options of its own.

    The result's signature has the command's other parameters, then those of ``maker``; all by keyword,
    as Typer calls.
    """
    own, made = _parameters(command), _parameters(maker)
    given = [parameter for parameter in own if parameter.name != name]
    makers = {parameter.name for parameter in made}

    @functools.wraps(command)
    def wrapper(**values: Any) -> R:
        value = maker(**{key: values.pop(key) for key in makers})
        return command(**values, **{name: value})

    parameters = [*given, *made]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del wrapper.__wrapped__
    return wrapper


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(function, include_extras=True)
    return [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(function).parameters.values()
    ]


def _of(option: str, parse: Callable[..., Any], *values: Any) -> Any:
    try:
        return parse(*values)
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option) from None


def _token(text: str) -> str:
    token = text.strip().lower()
    if not token or any(char.isspace() or char == "," for char in token):
        raise typer.BadParameter(f"{text!r} is not one token; repeat --rel for several", param_hint="--rel")
    return token


def _source(text: str) -> str:
    try:
        target = parse_target(text)
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint="--source") from None
    if target.scope == "domain" or target.domain == target.text:
        return target.domain
    raise typer.BadParameter(f"{text!r} is no domain; its domain is {target.domain}", param_hint="--source")


def crawl_name(text: str) -> CrawlName | None:
    """How the user names a crawl: its number, ``last`` or ``previous``; None for anything else."""
    match text.strip():
        case "last":
            return "last"
        case "previous":
            return "previous"
        case number if number.isascii() and number.isdigit() and len(number) <= 9:
            return int(number)
    return None


def _crawl(text: str) -> CrawlName:
    found = crawl_name(text)
    if found is not None:
        return found
    raise typer.BadParameter(f"{text!r} is neither a crawl's number nor last or previous", param_hint="--crawl")
