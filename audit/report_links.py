"""The report's first half: where the links come from. Nothing here knows a word of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.report_html import Html, join, link, tag, words
from audit.report_parts import (
    Column,
    card,
    chart,
    counted,
    day,
    facts,
    not_all,
    number,
    pair,
    percent,
    spoken,
    table,
    tally,
)

Data = Mapping[str, Any]


def months_between(given: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Every month from the first to the last, also those in which nothing came."""
    counts = dict(given)
    if not counts:
        return []
    year, month = map(int, min(counts).split("-"))
    last = max(counts)
    filled: list[tuple[str, int]] = []
    while len(filled) < 1200:  # a hundred years: whatever the clocks of a ledger said, this ends
        name = f"{year:04d}-{month:02d}"
        filled.append((name, counts.get(name, 0)))
        if name >= last:
            break
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return filled


def links_section(audit: Data) -> Html:
    return join(
        _over_time(audit),
        pair(_followed(audit), _placed(audit)),
        pair(_relevance(audit), _authority(audit)),
        pair(_age(audit), _kept(audit)),
        _topics(audit),
        _domains(audit),
    )


def _over_time(audit: Data) -> Html:
    months = months_between(audit["by_month"])
    if not months:
        return card("Referring domains over time", tag("p", "No referring domain is known."))
    if len(months) == 1:
        name, count = months[0]
        return card(
            "Referring domains over time",
            tag("p", f"All {count:,} were first seen in {name}, so there is no course to draw yet."),
        )
    rows, so_far = [], 0
    for month, count in months:
        so_far += count
        rows.append((month, count, so_far))
    columns = [
        Column("Month", lambda row: row[0], class_="nowrap"),
        Column("New", lambda row: number(row[1]), number=True),
        Column("Known since then", lambda row: number(row[2]), number=True),
    ]
    busiest = max(rows, key=lambda row: row[1])
    return card(
        "Referring domains over time",
        chart(
            "months",
            f"Chart of referring domains by the month in which they were first seen, {rows[0][0]} to {rows[-1][0]}: "
            f"{so_far:,} in all, most of them ({busiest[1]:,}) in {busiest[0]}. The table below has the figures.",
            "Above: all referring domains so far. Below: those first seen in each month.",
        ),
        tag(
            "details",
            tag("summary", "The figures of this chart"),
            table(rows, columns, caption="Referring domains by the month in which a crawl first saw them"),
        ),
        note="By when a crawl first saw a link from the domain, which may be long after the link was set.",
    )


def _followed(audit: Data) -> Html:
    links = audit["links"]
    counts = {"followed": audit["followed"], **audit["causes"]}
    return card(
        "Followed, and why not",
        tally(counts, caption=f"Of {counted(links, 'link')}; several causes may hold for one", of=links, head="Link"),
    )


def _placed(audit: Data) -> Html:
    links = audit["links"]
    return card(
        "Part of the page",
        tally(audit["placements"], caption=f"Where {counted(links, 'link')} stand", of=links, head="Part"),
    )


def _relevance(audit: Data) -> Html:
    judged = audit["judged"]
    if not judged:
        return card("Relevance of the linking pages", tag("p", "No linking page was judged."))
    return card(
        "Relevance of the linking pages",
        tally(audit["bands"], caption="Referring domains by their best page", of=judged, head="Band", unit="Domains"),
        note=f"{counted(judged, 'referring domain')} of {audit['referring_domains']:,} had a page judged against what "
        "the target page is about. Unknown: no shared language, or too little is known of one of the two.",
    )


def _topics(audit: Data) -> Html:
    """Only where there are some: on what kind of pages the links stand."""
    if not audit["topics"]:
        return Html("")
    return card(
        "Commercial topics on the linking pages",
        tally(
            audit["topics"],
            caption="Judged referring domains whose page links out to a topic",
            of=audit["judged"],
            head="Topic",
            unit="Domains",
        ),
    )


def _authority(audit: Data) -> Html:
    rows = [(name, value) for name, value in audit["authority_quantiles"].items() if value is not None]
    columns = [
        Column("Referring domains", lambda row: spoken(row[0])),
        Column("Figure", lambda row: number(row[1]), number=True),
    ]
    scales = [tag("li", _scale(one)) for one in audit["scales"]]
    return card(
        "Authority of the referring domains",
        table(rows, columns, caption="Of the domains that have a figure")
        if rows
        else tag("p", "No referring domain has a figure of authority: the number of referring domains speaks."),
        tag("p", "What stands behind the figures:", class_="note") if scales else None,
        tag("ul", *scales, class_="note") if scales else None,
    )


def _scale(scale: Data) -> str:
    """What stands behind one figure, in one line; what is unremarkable is left out."""
    said = []
    for key, value in scale.items():
        if key in ("name", "leads") or value is None or value is False:
            continue
        if isinstance(value, Mapping):
            value = ", ".join(f"{name} {number(count)}" for name, count in value.items())
        elif key.endswith("share"):
            value = percent(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            value = number(value)
        said.append(spoken(key) if value is True else f"{spoken(key)} {value}")
    return f"{scale.get('name')}: {'; '.join(said)}"


def _age(audit: Data) -> Html:
    return card(
        "Age of the links",
        tally(audit["ages"], caption="By how long they have been known", of=audit["links"], head="Known for"),
    )


def _kept(audit: Data) -> Html:
    lost = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in audit["lost_by_cause"].items())
    links = audit["links"]
    return card(
        "Loss, index and repetition",
        facts(
            [
                ("Links lost, ever", join(number(audit["lost"]), f" ({lost})" if lost else None)),
                ("Lost in the last 30 days", number(audit["lost_30"])),
                (
                    "On pages that let themselves be indexed",
                    f"{counted(audit['indexable_links'], 'link')} ({_part(audit['indexable_links'], links)}), "
                    f"{counted(audit['indexable_pages'], 'page')}",
                ),
                (
                    "Sitewide",
                    f"{counted(audit['sitewide_domains'], 'domain')} with {counted(audit['sitewide_links'], 'link')} "
                    f"({_part(audit['sitewide_links'], links)})",
                ),
                ("Referring hosts", number(audit["referring_hosts"])),
            ]
        ),
    )


def _part(count: int, of: int) -> str:
    return percent(count / of if of else None)


def _band(row: Data) -> Html:
    relevance = row["relevance"]
    if relevance is None:
        return tag("span", "not judged", class_="muted")
    score = "" if relevance["score"] is None else f" {relevance['score']:.2f}"
    page = link(relevance["source"], "page") if relevance["source"] else None
    return join(tag("span", relevance["band"], class_=f"badge {relevance['band']}"), score, " " if page else None, page)


def _score(row: Data) -> float | None:
    relevance = row["relevance"]
    return None if relevance is None else relevance["score"]


def _name(row: Data) -> Html:
    badge = tag("span", "sitewide", class_="badge low") if row["sitewide"] else None
    return join(words(row["domain"]), " " if badge else None, badge)


def _figure(row: Data) -> str:
    figure = row["figure"]
    if figure is None:
        return "–"
    return f"{'no. ' if figure['lowest_first'] else ''}{number(figure['value'])}"


def _standing(row: Data) -> float | None:
    """To sort by: the higher the better, also of a position in a ranking."""
    figure = row["figure"]
    if figure is None:
        return None
    value: float = figure["value"]
    return -value if figure["lowest_first"] else value


def _domains(audit: Data) -> Html:
    rows = audit["domains"]
    named = next((one["figure"]["name"] for one in rows if one["figure"]), None)
    columns = [
        Column("Domain", _name, lambda row: row["domain"], class_="name"),
        Column("Authority", _figure, _standing, number=True),
        Column("Relevance", _band, _score, class_="nowrap"),
        Column("Links", lambda row: number(row["links"]), lambda row: row["links"], number=True),
        Column("Followed", lambda row: number(row["followed"]), lambda row: row["followed"], number=True),
        Column("Main", lambda row: number(row["in_main"]), lambda row: row["in_main"], number=True),
        Column("Pages", lambda row: number(row["pages"]), lambda row: row["pages"], number=True),
        Column("Out", lambda row: number(row["external_links"]), lambda row: row["external_links"], number=True),
        Column("First seen", lambda row: day(row["first_seen"]), lambda row: row["first_seen"], class_="nowrap"),
        Column("Topics", lambda row: words(", ".join(row["topics"]), 60), class_="nowrap"),
    ]
    notes = [
        f"Authority: {named}, where the domain has it. " if named else "",
        "Main: links in the main part of a page. Out: links of the judged page to other domains, with the commercial "
        "topics among them. ",
        not_all(len(rows), audit["referring_domains"], "referring domains", "--domains"),
    ]
    return card(
        "Referring domains",
        table(
            rows,
            columns,
            caption="Referring domains",
            titled=True,
            sort=True,
            search="Find a domain",
            unit="domains",
            first=25,
        )
        if rows
        else tag("p", "None."),
        note=join(*notes),
    )
