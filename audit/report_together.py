"""The report's third part: what links and words say together, and beside competitors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audit.matrix import GROUPS
from audit.report_anchors import anchor
from audit.report_html import Html, join, link, tag, words
from audit.report_parts import Column, Row, card, chart, counted, number, percent, spoken, table

Data = Mapping[str, Any]


def together_section(data: Data) -> Html:
    return join(_matrix(data["matrix"], data["no_matrix"]), _rivals(data["rivals"], data["no_rivals"]))


def _matrix(matrix: Data | None, why: str | None) -> Html:
    title = "Authority, relevance and words"
    if matrix is None:
        return card(title, tag("p", f"Not made: {why}."))
    groups = [(name, *counts) for name, counts in matrix["groups"].items()]
    columns = [
        Column("Group", lambda row: spoken(row[0]), class_="nowrap"),
        Column("What it means", lambda row: GROUPS.get(row[0], ""), class_="words"),
        Column("Domains", lambda row: number(row[1]), number=True),
        Column("Links", lambda row: number(row[2]), number=True),
    ]
    figure = matrix["figure"]
    note = (
        "No referring domain has a figure of authority: the other two speak alone. "
        if figure is None
        else f"Authority: {figure}, from {number(matrix['line'])} on ({matrix['line_from']}). "
    )
    note += f"Of {counted(matrix['domains'], 'referring domain')} among {matrix['of_domains']:,}."
    return join(
        card(title, table(groups, columns, caption="Groups; a domain may be in several"), note=note),
        _rows(matrix),
    )


def _rows(matrix: Data) -> Html:
    rows = matrix["rows"]
    columns = [
        Column("Domain", _linked, lambda row: row["domain"], class_="short"),
        Column("Group", lambda row: spoken(row["group"]), class_="nowrap"),
        Column("Anchor", lambda row: anchor(row["anchor"]), lambda row: row["anchor"], class_="words"),
        Column("Class", _class, lambda row: row["anchor_class"], class_="nowrap"),
        Column("Authority", lambda row: number(row["authority"]), lambda row: row["authority"], number=True),
        Column("Relevance", _relevance, lambda row: row["relevance"], number=True),
        Column("Links", lambda row: number(row["links"]), lambda row: row["links"], number=True),
    ]
    note = (
        f"{counted(matrix['upgrades'], 'row')} of {matrix['rows_in_all']:,} would gain by other words (marked “ask”): "
        "a relevant page whose link says nothing."
    )
    if matrix["rows_in_all"] > len(rows):
        note += f" The first {len(rows):,} are shown."
    return card(
        "Domain by domain",
        table(
            rows,
            columns,
            caption="Each class of words of each domain",
            titled=True,
            sort=True,
            search="Find a domain",
            choose=("Group", 1),
            unit="rows",
            first=25,
        )
        if rows
        else tag("p", "None."),
        note=note,
    )


def _linked(row: Row) -> Html:
    return join(words(row["domain"]), " ", link(row["source"], "page"))


def _class(row: Row) -> Html:
    ask = tag("span", "ask", class_="badge high") if row["upgrade"] else None
    return join(spoken(row["anchor_class"]), " " if ask else None, ask)


def _relevance(row: Row) -> str:
    return "unknown" if row["relevance"] is None else f"{row['relevance']:.2f}"


def _rivals(rivals: Data | None, why: str | None) -> Html:
    title = "Beside competitors"
    if rivals is None:
        return card(title, tag("p", f"Not compared: {why}."))
    targets = rivals["targets"]
    rows = [(spoken(name), rivals["shares"][name], rivals["median"].get(name)) for name in rivals["names"]]
    columns = [Column("Class", lambda row: row[0], class_="nowrap")]
    columns += [Column(name, _share_at(place), number=True) for place, name in enumerate(targets)]
    columns.append(Column("Median of competitors", lambda row: percent(row[2]), number=True))
    spread = [(name, rivals["domains"][at], rivals["divergence"][at]) for at, name in enumerate(targets)]
    about = [
        Column("Target", lambda row: row[0], class_="words"),
        Column("Referring domains known", lambda row: number(row[1]), number=True),
        Column("Distance from the target's mix", lambda row: number(row[2]), number=True),
    ]
    counts = (
        "The numbers of domains may be compared: each has a list of its own backlinks."
        if rivals["counts_comparable"]
        else "The numbers of domains may not be compared, only shares: not each has a list of its own backlinks."
    )
    return card(
        title,
        chart(
            "rivals",
            f"Chart of the share of each class of anchors for {', '.join(targets)}. The table below has every figure.",
            "Share of each class by referring domains.",
            tall=True,
        ),
        table(rows, columns, caption="Share of each class by referring domains"),
        table(spread, about, caption="Distance: Jensen-Shannon divergence, 0 alike, 1 nothing in common"),
        *(tag("p", note, class_="note") for note in (counts, *rivals["notes"])),
    )


def _share_at(place: int) -> Callable[[Row], str]:
    return lambda row: percent(row[1][place])
