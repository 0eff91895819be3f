"""Dates written on a page, and the newest of them that may be true (pure)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

EARLIEST = date(1995, 1, 1)
"""What is older is no date of a page."""
BUDDHIST = 543
"""Years that the Thai calendar is ahead."""
Origin = Literal["text", "url", "last_modified"]

_YEAR = r"((?:19|20)\d\d)"
_YEAR_FIRST = re.compile(rf"(?<![\d.,/-]){_YEAR}([-/.])[ ]?(\d{{1,2}})\2[ ]?(\d{{1,2}})(?![\d/-]|\.\d)")
_YEAR_LAST = re.compile(rf"(?<![\d.,/-])(\d{{1,2}})([-/.])[ ]?(\d{{1,2}})\2[ ]?{_YEAR}(?![\d/-]|\.\d)")
_CJK = re.compile(rf"(?<!\d){_YEAR}\s?[年년]\s?(\d{{1,2}})\s?[月월]\s?(\d{{1,2}})\s?[日일号號]")
_VIETNAMESE = re.compile(rf"(?<!\d)(\d{{1,2}})\s+tháng\s+(\d{{1,2}})\s*,?\s*(?:năm\s+)?{_YEAR}(?!\d)", re.IGNORECASE)
_IN_PATH = re.compile(rf"/{_YEAR}[/-](\d{{1,2}})[/-](\d{{1,2}})(?=[/_-]|$)")
_TOKEN = re.compile(r"\d+|[^\s\d.,:;()|/·•–—-]+")
# What may stand between the parts of a written date, folded: ordinal endings and prepositions.
_BETWEEN = frozenset({"st", "nd", "rd", "th", "er", "re", "e", "o", "a", "de", "del", "di", "of", "den", "dnia"})


class Dated(NamedTuple):
    """A date, and where it was read."""

    day: date
    origin: Origin


def newest(text: str, *, path: str, at: int, last_modified: str | None, lang: str | None = None) -> Dated | None:
    """The newest plausible date of a page: not before 1995, not after the day it was read.

    What the page itself says comes first. The header speaks only where the page says nothing: servers that make a page
    for each request state the present.

    Args:
        text: visible text, as far as it was kept.
        path: of the page's URL.
        at: when it was read, milliseconds since 1970, UTC.
        last_modified: that header, as sent.
        lang: as the page states it; decides what 3/4/2024 means, where it can.
    """
    last = datetime.fromtimestamp(at / 1000, UTC).date()
    written = [Dated(day, "text") for day in dates_in(text, lang) if EARLIEST <= day <= last]
    written += [
        Dated(day, "url")
        for found in _IN_PATH.finditer(path)
        if (day := _day(*map(int, found.groups()))) is not None and EARLIEST <= day <= last
    ]
    if written:
        return max(written, key=lambda one: (one.day, one.origin == "text"))
    sent = _header(last_modified)
    return Dated(sent, "last_modified") if sent is not None and EARLIEST <= sent <= last else None


def dates_in(text: str, lang: str | None = None) -> Iterator[date]:
    """Every whole date (day, month and year) written in the text, in no order; some more than once."""
    text = unicodedata.normalize("NFKC", text)
    for found in _YEAR_FIRST.finditer(text):
        year, _, month, day = found.groups()
        yield from _known(int(year), int(month), int(day))
    for found in _CJK.finditer(text):
        yield from _known(*map(int, found.groups()))
    for found in _VIETNAMESE.finditer(text):
        day, month, year = found.groups()
        yield from _known(int(year), int(month), int(day))
    for found in _YEAR_LAST.finditer(text):
        first, mark, second, year = found.groups()
        yield from _in_either_order(int(first), int(second), int(year), mark, (lang or "").lower())
    yield from _written(text)


def _in_either_order(first: int, second: int, year: int, mark: str, lang: str) -> Iterator[date]:
    """3/4/2024: by day first, but where the page's language says otherwise, or leaves it open."""
    by_day, by_month = _day(year, second, first), _day(year, first, second)
    american = lang.startswith("en-us")
    open_ = mark == "/" and (lang == "en" or not lang)
    if by_day is None or by_month is None:
        yield from (one for one in (by_day, by_month) if one is not None)
    elif open_:
        # The earlier of the two, so that no page looks fresher than it is.
        yield min(by_day, by_month)
    else:
        yield by_month if american and mark != "." else by_day


def _written(text: str) -> Iterator[date]:
    """Dates with the name of the month: 12 May 2024, May 12th, 2024, 2024. május 12."""
    names = _months()
    tokens = [token for token in _TOKEN.findall(_fold(text)) if token not in _BETWEEN]
    for place, token in enumerate(tokens):
        month = names.get(token)
        if month is None:
            continue
        before, after, then = (_number(tokens, place + step) for step in (-1, 1, 2))
        if before is not None and after is not None and after > 31:
            yield from _known(after, month, before)
            yield from _known(before, month, after)
        elif after is not None and then is not None and then > 31:
            yield from _known(then, month, after)
        elif before is not None and before > 31 and after is not None:
            yield from _known(before, month, after)


def _number(tokens: list[str], place: int) -> int | None:
    if not 0 <= place < len(tokens) or not tokens[place].isdecimal() or len(tokens[place]) > 4:
        return None
    return int(tokens[place])


def _known(year: int, month: int, day: int) -> Iterator[date]:
    found = _day(year, month, day)
    if found is not None:
        yield found


def _day(year: int, month: int, day: int) -> date | None:
    if 2400 <= year < 2700:
        year -= BUDDHIST
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _header(value: str | None) -> date | None:
    if not value:
        return None
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC).date()


@cache
def _months() -> dict[str, int]:
    """Folded name -> number of the month."""
    lists = tomllib.loads(files("audit").joinpath("data/months.toml").read_text("utf-8"))
    return {
        _fold(name): number for months in lists.values() for number, names in enumerate(months, 1) for name in names
    }


def _fold(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
