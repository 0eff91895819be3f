"""The report's third part: what links and words say together, and beside competitors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audit.matrix import GROUPS
from audit.report_anchors import anchor
from audit.report_html import Html, join, link, tag, words
from audit.report_parts import Column, Row, card, chart, counted, number, percent, points, spoken, table

Data = Mapping[str, Any]


def together_section(data: Data) -> Html:
    return join(_matrix(data["matrix"], data["no_matrix"]), _competitors(data["competitors"], data["no_competitors"]))


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
    note += f"Looked at: {matrix['domains']:,} of {counted(matrix['of_domains'], 'referring domain')}."
    return join(
        card(title, table(groups, columns, caption="Groups; a domain may be in several"), note=note),
        _rows(matrix),
    )


def _rows(matrix: Data) -> Html:
    rows = matrix["rows"]
    columns = [
        Column("Domain", _linked, lambda row: row["domain"], class_="name"),
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


def _competitors(found: Data | None, why: str | None) -> Html:
    title = "Beside competitors"
    if found is None:
        return card(title, tag("p", f"Not compared: {why}."))
    targets = found["targets"]
    notes = [
        f"Too few referring domains for a verdict: {name} ({domains:,})." for name, domains in found["too_few"].items()
    ]
    if not found["counts_compared"]:
        notes.append(
            "Only shares are compared, no counts: no list is marked as the backlinks of "
            f"{', '.join(found['without_list'])} (crawl --backlinks-of)."
        )
    scales = found.get("scales", [])
    if scales:
        said = "Authority" if len(scales) == 1 else "Authority is not compared, its figures are of several scales"
        notes.append(f"{said}: {', '.join(scales)}.")
    distances = [(name, found["divergence_domains"][name], found["divergence_links"][name]) for name in targets[1:]]
    columns = [
        Column("Competitor", lambda row: words(row[0]), class_="short"),
        Column("By domains", lambda row: number(row[1]), number=True),
        Column("By links", lambda row: number(row[2]), number=True),
    ]
    return join(
        card(
            title,
            chart(
                "competitors",
                f"Chart of the share of each class of anchors for {', '.join(targets)}. The table below has every "
                "figure.",
                "Share of each class of anchors by referring domains.",
                tall=True,
            ),
            _measures(found, ("anchors", "views"), "Anchors by class, and summed up; shares by referring domains"),
            *(tag("p", note, class_="note") for note in notes),
            note="Difference: the target less the median of the others, in percentage points; marked where that median "
            "lies outside the target's 95% interval.",
        ),
        card("Their links beside yours", _measures(found, ("links", "figures", "counts"), "Links and authority")),
        card(
            "How far the mixes of classes are apart",
            table(distances, columns, caption="Jensen-Shannon divergence: 0 alike, 1 nothing in common"),
        ),
    )


def _measures(found: Data, parts: tuple[str, ...], caption: str) -> Html:
    """Measures of every target, side by side; of those of anchors only the ones by domains."""
    rows = [
        one
        for one in found["measures"]
        if one["part"] in parts and not (one["part"] in ("anchors", "views") and one["basis"] != "domains")
    ]
    columns = [Column("Measure", _measure_name, class_="nowrap")]
    columns += [Column(name, _value_at(place), number=True) for place, name in enumerate(found["targets"])]
    columns += [
        Column("Median of others", lambda row: _value(row, row["others"]), number=True),
        Column("Difference", _difference, number=True),
    ]
    return table(rows, columns, caption=caption)


_SUMMED = {"money": "money (sum)", "compound": "compound (sum)", "brand_and_url": "brand and URL (sum)"}


def _measure_name(row: Row) -> str:
    name = _SUMMED.get(row["name"], spoken(row["name"]))
    if row["part"] == "views" and row["name"] == "other":
        name = "all others (sum)"
    if row["part"] == "figures":
        return f"authority: {spoken(row['name'].removeprefix('authority_'))}"
    return f"{name}, of {row['basis']}" if row["part"] == "links" else name


def _value(row: Row, value: float | None) -> str:
    return number(value) if row["part"] in ("figures", "counts") else percent(value)


def _value_at(place: int) -> Callable[[Row], str]:
    return lambda row: _value(row, row["values"][place])


def _difference(row: Row) -> Html | str:
    if row["delta"] is None:
        return "–"
    said = number(row["delta"]) if row["part"] in ("figures", "counts") else points(row["delta"])
    return join(tag("span", "apart", class_="badge some"), " ", said) if row["apart"] else said
