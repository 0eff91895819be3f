"""The report's second half: what the words of the links say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.report_html import Html, join, link, tag, words
from audit.report_parts import (
    Column,
    card,
    chart,
    counted,
    day,
    facts,
    interval,
    not_all,
    number,
    pair,
    percent,
    points,
    share_cell,
    spoken,
    table,
)

Data = Mapping[str, Any]
NO_WORDS = "(no words)"


def anchors_section(audit: Data) -> Html:
    return join(
        _classes(audit),
        pair(_views(audit), _velocity(audit)),
        _repeated(audit),
        _sitewide(audit),
        _anchors(audit),
        *(_breakdown(one) for one in audit["by"]),
    )


def mix(audit: Data) -> Html:
    """The largest classes, for the summary."""
    rows = sorted((one for one in audit["classes"] if one["domains"]), key=lambda one: -one["share_domains_split"])
    columns = [
        Column("Class", lambda row: spoken(row["name"]), class_="nowrap"),
        Column("By domains", lambda row: share_cell(row["share_domains_split"]), number=True),
        Column("95% interval", lambda row: interval(row["interval"]), number=True),
    ]
    if audit["medians"]:
        columns.append(Column("Competitors", lambda row: percent(audit["medians"].get(row["name"])), number=True))
    return card(
        "What the anchors are",
        table(rows[:5], columns, caption="The largest classes, by referring domains")
        if rows
        else tag("p", "No anchor is known."),
    )


def _classes(audit: Data) -> Html:
    rows = audit["classes"]
    if not audit["links"]:
        return card("Classes of anchors", tag("p", "No anchor is known."))
    columns = [
        Column("Class", lambda row: spoken(row["name"]), class_="nowrap"),
        Column("By domains", lambda row: percent(row["share_domains_split"]), number=True),
        Column("95% interval", lambda row: interval(row["interval"]), number=True),
    ]
    median = audit["medians"]
    if median:
        columns.append(Column("Competitors", lambda row: percent(median.get(row["name"])), number=True))
    columns += [
        Column("By links", lambda row: percent(row["share_links"]), number=True),
        Column("Gap", lambda row: points(row["gap"]), number=True),
        Column("Domains", lambda row: number(row["domains"]), number=True),
        Column("Pages", lambda row: number(row["pages"]), number=True),
        Column("Links", lambda row: number(row["links"]), number=True),
    ]
    said = ", ".join(
        f"{spoken(one['name'])} {percent(one['share_domains_split'])} by domains and {percent(one['share_links'])} by "
        "links"
        for one in sorted(rows, key=lambda row: -row["share_domains_split"])[:4]
    )
    return card(
        "Classes of anchors",
        chart(
            "classes",
            f"Chart of the share of each class of anchors: {said}. The table below has every figure.",
            "Share of each class by referring domains, with its 95% interval, and by links.",
            tall=True,
        ),
        table(rows, columns, caption="Every class, by referring domains and by links"),
        note="A domain that uses several classes counts a part for each, so that the shares add up to 100%. Gap: what "
        "few domains repeat on many pages, in percentage points.",
    )


def _views(audit: Data) -> Html:
    columns = [
        Column("View", lambda row: spoken(row["name"]), class_="nowrap"),
        Column("By domains", lambda row: percent(row["share_domains_split"]), number=True),
        Column("95% interval", lambda row: interval(row["interval"]), number=True),
        Column("By links", lambda row: percent(row["share_links"]), number=True),
    ]
    flags = [f"{spoken(name)} {count:,}" for name, count in audit["flags"].items() if count]
    return card(
        "The same, summed up",
        table(audit["views"], columns, caption="Money: exact and partial. Compound: brand with keyword."),
        tag("p", f"Links by flag: {', '.join(flags)}.", class_="note") if flags else None,
    )


def _velocity(audit: Data) -> Html:
    found = audit["velocity"]
    title = "How fast money anchors came"
    if found is None:
        why = audit["no_velocity"] or "not known"
        return card(title, tag("p", f"{why[:1].upper()}{why[1:].rstrip('.')}."))
    before = found["before_180_per_30"]
    return card(
        title,
        facts(
            [
                ("Watched", f"{day(found['seen_from'])} to {day(found['seen_to'])}"),
                ("Anchors that arrived", number(found["arrived"])),
                ("Money anchors among them", percent(found["money_part"])),
                ("New domains with one", number(found["money_domains"])),
                (
                    "80% of them within",
                    "–" if found["days_of_80_percent"] is None else counted(found["days_of_80_percent"], "day"),
                ),
                ("In the last 30 days", number(found["last_30"])),
                ("Usual in 30 days", "not watched for 180 days before" if before is None else number(before)),
                ("Chance of so many", "–" if found["p"] is None else f"{found['p']:.2g}"),
            ]
        ),
        note="By the day on which a crawl first saw them on a page it had read before.",
    )


def _repeated(audit: Data) -> Html:
    rows = audit["repeated"]
    columns = [
        Column("Wording", lambda row: anchor(row["anchor"]), lambda row: row["anchor"], class_="words"),
        Column("Class", lambda row: spoken(row["anchor_class"]), class_="nowrap"),
        Column("Share of domains", lambda row: percent(row["share_domains"]), number=True),
        Column("Domains", lambda row: number(row["domains"]), number=True),
        Column("Links", lambda row: number(row["links"]), number=True),
        Column("Spellings", lambda row: number(row["spellings"]), number=True),
    ]
    return card(
        "Repeated wordings",
        table(rows[:20], columns, caption="Wordings that are no brand, near-duplicates joined")
        if rows
        else tag("p", "No wording but brands is repeated."),
    )


def _sitewide(audit: Data) -> Html:
    rows = audit["sitewide"]
    columns = [
        Column("Domain", lambda row: words(row["domain"]), lambda row: row["domain"]),
        Column("Anchor", lambda row: anchor(row["anchor"]), lambda row: row["anchor"], class_="words"),
        Column("Class", lambda row: spoken(row["anchor_class"]), class_="nowrap"),
        Column("Leads to", lambda row: link(row["target"]), class_="words"),
        Column("Pages", lambda row: number(row["pages"]), lambda row: row["pages"], number=True),
        Column("Known pages", lambda row: number(row["known_pages"]), lambda row: row["known_pages"], number=True),
    ]
    return card(
        "Sitewide anchors",
        table(rows, columns, caption="One anchor on most known pages of a domain", sort=True, unit="rows", first=10)
        if rows
        else tag("p", "No anchor stands on most pages of a domain."),
        note="Weighed once, whatever the number of pages.",
    )


def _anchors(audit: Data) -> Html:
    rows = audit["anchors"]
    columns = [
        Column("Anchor", _sourced, lambda row: row["anchor"], class_="words"),
        Column("Class", lambda row: spoken(row["anchor_class"]), class_="nowrap"),
        Column("Domains", lambda row: number(row["domains"]), lambda row: row["domains"], number=True),
        Column("Pages", lambda row: number(row["pages"]), lambda row: row["pages"], number=True),
        Column("Links", lambda row: number(row["links"]), lambda row: row["links"], number=True),
        Column("Why", lambda row: words(row["because"], 90), class_="short muted"),
        Column("Flags", lambda row: ", ".join(spoken(one) for one in row["flags"])),
        Column("First seen", lambda row: day(row["first_seen"]), lambda row: row["first_seen"], class_="nowrap"),
    ]
    return card(
        "Anchors",
        table(
            rows,
            columns,
            caption="Anchors",
            titled=True,
            sort=True,
            search="Find words",
            choose=("Class", 1),
            unit="anchors",
            first=25,
        )
        if rows
        else tag("p", "None."),
        note=not_all(len(rows), audit["distinct_anchors"], "anchors", "--anchors"),
    )


def _breakdown(one: Data) -> Html:
    columns = [
        Column("Class", lambda row: spoken(row["name"]), class_="nowrap"),
        Column("By domains", lambda row: share_cell(row["share_domains_split"]), number=True),
        Column("Links", lambda row: number(row["links"]), number=True),
    ]
    about = f"{counted(one['links'], 'link')} from {counted(one['domains'], 'domain')}"
    return card(f"Of {spoken(one['part'])}", table(one["classes"], columns, caption=about))


def anchor(text: str) -> Html:
    """The words of a link, or that there are none."""
    return words(text) if text.strip() else tag("span", NO_WORDS, class_="muted")


def _sourced(row: Data) -> Html:
    """An anchor, and where it came from unless from the text of the link."""
    if row["source"] in ("text", "none"):
        return anchor(row["anchor"])
    return join(anchor(row["anchor"]), " ", tag("span", spoken(row["source"]), class_="badge low"))


def measures(audit: Data) -> list[tuple[str, str, str]]:
    """(name, by links, by domains) of how widely the anchors are spread."""
    return [
        ("Entropy over classes, bits", number(audit["entropy_links"]), number(audit["entropy_domains"])),
        ("The same as part of the most possible", number(audit["evenness_links"]), number(audit["evenness_domains"])),
        (
            "Concentration over classes (HHI)",
            number(audit["concentration_links"]),
            number(audit["concentration_domains"]),
        ),
        (
            "Concentration over anchors (HHI)",
            number(audit["anchor_concentration_links"]),
            number(audit["anchor_concentration_domains"]),
        ),
    ]
