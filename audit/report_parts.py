"""What the sections of a report are built of: cards, tables, bars, numbers as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from audit.report_html import Html, Part, join, tag

Row = Any
_SORTED_BY = 120
"""Characters of a text that rows are sorted by."""


class Column(NamedTuple):
    """One column of a table."""

    title: str
    cell: Callable[[Row], Part]
    value: Callable[[Row], float | str | None] | None = None
    """What to sort by, unrounded; None: the text of the cell."""
    number: bool = False
    """To be right-aligned, and sorted from the largest."""
    class_: str | None = None


def number(value: float | None) -> str:
    """``1,234``; of what is no whole number four digits that count."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def points(value: float) -> str:
    """A difference of two shares, in percentage points."""
    return f"{value * 100:+.1f}" if round(value * 100, 1) else "0.0"


def interval(value: Mapping[str, float] | None) -> str:
    return "–" if value is None else f"{value['low'] * 100:.1f}–{value['high'] * 100:.1f}%"


def day(value: str | None) -> str:
    return "–" if value is None else value[:10]


_SPOKEN = {
    "naked_url": "naked URL",
    "brand_keyword": "brand + keyword",
    "brand_and_url": "brand and URL",
    "p10": "10% have less than",
    "p25": "25% have less than",
    "p40": "40% have less than",
    "p50": "half have less than",
    "p75": "75% have less than",
    "p90": "90% have less than",
    "under_30_days": "under 30 days",
    "img_alt": "image alt",
    "lang_mismatch": "other language",
    "rel_nofollow": "rel=nofollow",
    "rel_ugc": "rel=ugc",
    "rel_sponsored": "rel=sponsored",
    "page_nofollow": "nofollow of the page",
}


def spoken(name: str) -> str:
    """A name of the code as words."""
    return _SPOKEN.get(name) or name.replace("_", " ")


def counted(value: int, one: str, many: str | None = None) -> str:
    """``1 link``, ``2 links``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def bar(share: float, colour: str = "one") -> Html:
    """A share as a bar, for the eye only: the figure stands beside it."""
    width = f"{max(0.0, min(1.0, share)) * 100:.2f}"
    return tag(
        "svg",
        tag("rect", class_="back", width=100, height=8),
        tag("rect", class_=colour, width=width, height=8),
        class_="bar",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
        focusable="false",
    )


def share_cell(share: float | None, colour: str = "one") -> Html:
    return join(bar(share, colour) if share is not None else None, tag("span", percent(share), class_="figure"))


def table(
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    caption: str,
    titled: bool = False,
    sort: bool = False,
    search: str | None = None,
    choose: tuple[str, int] | None = None,
    unit: str = "rows",
    first: int | None = None,
) -> Html:
    """A table in a frame that scrolls sideways by itself; its first column heads the rows.

    Args:
        titled: a heading above says what the caption does: it is there for those who listen only.
        sort: its heads become buttons that sort.
        search: label of a field that looks for words in the first column.
        choose: label of a choice among the values of a column, and which one.
        first: rows to show before the reader asks for all. Without scripts all are there.
    """
    heads = [tag("th", one.title, scope="col", class_="n" if one.number else None) for one in columns]
    body = [tag("tr", *(_cell(place, one, row, sort) for place, one in enumerate(columns))) for row in rows]
    made = tag(
        "table",
        tag("caption", tag("span", caption), class_="offscreen" if titled else None),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
        data_sort=sort,
        data_search=search,
        data_choose=choose[0] if choose else None,
        data_choose_column=choose[1] if choose else None,
        data_unit=unit if sort or search else None,
        data_first=first,
    )
    return tag("div", made, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _cell(place: int, column: Column, row: Row, sort: bool) -> Html:
    value = None
    if sort and column.value is not None:
        found = column.value(row)
        value = "" if found is None else repr(found) if isinstance(found, float) else str(found)[:_SORTED_BY]
    name = " ".join(one for one in ("n" if column.number else None, column.class_) if one) or None
    inside = column.cell(row)
    if place == 0:
        return tag("th", inside, scope="row", class_=name, data_v=value)
    return tag("td", inside, class_=name, data_v=value)


def card(title: str, *inside: Part, note: Part = None, level: int = 3) -> Html:
    return tag("div", tag(f"h{level}", title), tag("p", note, class_="note") if note else None, *inside, class_="card")


def pair(*cards: Part) -> Html:
    return tag("div", *cards, class_="pair")


def chart(name: str, label: str, caption: str, *, tall: bool = False) -> Html:
    """Where a chart is drawn. The same figures stand in a table beside it, and the label says so."""
    place = tag("div", class_="chart tall" if tall else "chart", data_chart=name, role="img", aria_label=label)
    return tag("figure", tag("figcaption", caption), place)


def tally(counts: Mapping[str, int], *, caption: str, of: int, head: str, unit: str = "Links") -> Html:
    """Counts by name with their part of a whole."""
    rows = [(name, count) for name, count in counts.items()]
    columns = [
        Column(head, lambda row: spoken(row[0])),
        Column(unit, lambda row: number(row[1]), number=True),
        Column("Share", lambda row: share_cell(row[1] / of if of else None), number=True),
    ]
    return table(rows, columns, caption=caption)


def facts(pairs: Iterable[tuple[str, Part]]) -> Html:
    """Names and what they stand for."""
    return tag("dl", *(join(tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def not_all(shown: int, of: int, unit: str, option: str) -> Html | None:
    """A line on rows that are not in the report."""
    if of <= shown:
        return None
    said = f"The first {shown:,} of {of:,} {unit}; "
    return join(said, tag("code", option, class_="nowrap"), " sets how many a report holds.")
