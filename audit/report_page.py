"""The report as one HTML file that needs nothing else: no network, no server, no library beside it.

A policy in its head allows the two scripts and the one style sheet it carries, by their hashes, and nothing else: what
came from a page could not run or load anything even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from audit.report_anchors import anchors_section, measures, mix
from audit.report_html import Html, join, script_json, shown, tag
from audit.report_links import links_section, months_between
from audit.report_parts import Column, card, counted, facts, interval, number, pair, percent, spoken, table, tally
from audit.report_together import together_section

Data = Mapping[str, Any]
ASSETS = Path(__file__).parent / "data" / "report"
LIBRARY = "echarts.common.min.js"
"""As published; see vendored.toml."""
SECTIONS = (
    ("summary", "Summary"),
    ("links", "1. Links: where they come from"),
    ("anchors", "2. Anchors: what they say"),
    ("together", "3. Together"),
    ("method", "Coverage and method"),
)


@cache
def asset(name: str) -> str:
    """A file that every report carries, as it stands beside this module."""
    return (ASSETS / name).read_bytes().decode("utf-8")


def vendored() -> Mapping[str, str]:
    """Name, version, licence, source and hash of the embedded library."""
    found: dict[str, str] = tomllib.loads(asset("vendored.toml"))["echarts"]
    return found


def hash_of(text: str) -> str:
    """The source expression that allows one script or style by its content."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy() -> str:
    """The Content-Security-Policy of every report.

    Trusted Types on top: no script may write markup at all, not even the ones that are allowed.
    """
    scripts = " ".join(hash_of(asset(name)) for name in (LIBRARY, "report.js"))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {hash_of(asset('report.css'))}; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def page(data: Data) -> str:
    """The report as HTML.

    Args:
        data: of `audit.report.plain`.
    """
    title = f"{data['target'] or 'Whole ledger'} – backlink report"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("meta", name="generator", content=f"linkledger {data['linkledger']}"),
        tag("title", title),
        tag("style", Html(asset("report.css"))),
    )
    body = tag(
        "body",
        tag("a", "Skip to the report", class_="skip", href="#main"),
        _top(data),
        tag(
            "div",
            _contents(),
            tag("main", *_sections(data), id="main", tabindex=-1),
            class_="frame columns",
        ),
        _foot(data),
        tag("script", script_json(chart_data(data)), type="application/json", id="figures"),
        licences(),
        tag("script", Html(asset(LIBRARY))),
        tag("script", Html(asset("report.js"))),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def chart_data(data: Data) -> dict[str, Any]:
    """What the charts draw."""
    classes = [
        {
            "name": spoken(one["name"]),
            "links": one["share_links"],
            "domains": one["share_domains_split"],
            "interval": one["interval"] and [one["interval"]["low"], one["interval"]["high"]],
        }
        for one in data["anchors"]["classes"]
    ]
    found = data["competitors"]
    by_domains = [
        one for one in (found or {}).get("measures", ()) if (one["part"], one["basis"]) == ("anchors", "domains")
    ]
    competitors = found and {
        "targets": [shown(name) for name in found["targets"]],
        "names": [spoken(one["name"]) for one in by_domains],
        "shares": [one["values"] for one in by_domains],
    }
    months = months_between(data["links"]["by_month"])
    return {"classes": classes, "months": months, "competitors": competitors}


def licences() -> Html:
    """The notices that go with the embedded library wherever it goes."""
    texts = [asset(name) for name in ("echarts.NOTICE", "d3.LICENSE")]
    return Html("<!--\n" + "\n\n".join(texts).replace("--", "- -") + "\n-->")


def _top(data: Data) -> Html:
    made = [f"Made {data['made_at'][:16].replace('T', ' ')} UTC"]
    if data["target"] is not None:
        made.append(f"Scope: {data['scope']}")
    made.append(f"Links: {_filter_said(data['filter'])}")
    inside = tag(
        "div",
        tag("p", "Backlink report", class_="kind"),
        tag("h1", tag("bdi", data["target"] or "The whole ledger")),
        tag("p", *(tag("span", one) for one in made), class_="made"),
        class_="frame",
    )
    return tag("header", inside, class_="top")


def _filter_said(chosen: Data) -> str:
    kinds = {"external": "external", "internal": "internal", "any": "external and internal"}
    states = {"live": "live", "lost": "lost", "any": "live and lost"}
    said = [states.get(str(chosen.get("state")), ""), kinds.get(str(chosen.get("kind")), "")]
    others = [
        f"{spoken(key)} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in chosen.items()
        if key not in ("kind", "state") and value not in (None, [], ())
    ]
    return "; ".join([", ".join(one for one in said if one), *others])


def _contents() -> Html:
    items = [tag("li", tag("a", title, href=f"#{name}")) for name, title in SECTIONS]
    return tag("nav", tag("ul", *items), aria_label="Sections of the report")


def _sections(data: Data) -> list[Html]:
    leads = {
        "links": "Counted from links alone; no word of them is read here.",
        "anchors": "Judged from the words of the links by the target's profile.",
        "together": "What neither of the two says by itself.",
    }
    inside = {
        "summary": _summary(data),
        "links": links_section(data["links"]),
        "anchors": anchors_section(data["anchors"]),
        "together": together_section(data),
        "method": _method(data),
    }
    return [
        tag(
            "section",
            tag(
                "header",
                tag("h2", title, id=f"{name}-title"),
                tag("p", leads[name], class_="lead") if name in leads else None,
            ),
            inside[name],
            id=name,
            aria_labelledby=f"{name}-title",
        )
        for name, title in SECTIONS
    ]


def _tile(name: str, big: str, small: str) -> Html:
    return tag("div", tag("dt", name), tag("dd", big, class_="big"), tag("dd", small, class_="small"), class_="tile")


def _summary(data: Data) -> Html:
    links, anchors, coverage = data["links"], data["anchors"], data["coverage"]
    money = next((one for one in anchors["views"] if one["name"] == "money"), None)
    followed = percent(links["followed"] / links["links"] if links["links"] else None)
    read, asked = coverage.get("fetched", 0), coverage.get("asked", 0)
    tiles = [
        _tile("Referring domains", number(links["referring_domains"]), f"{links['followed_domains']:,} followed"),
        _tile("Referring pages", number(links["referring_pages"]), f"{links['indexable_pages']:,} may be indexed"),
        _tile("Links", number(links["links"]), f"{followed} followed"),
        _tile("Distinct anchors", number(anchors["distinct_anchors"]), f"on {anchors['links']:,} links"),
    ]
    if money is not None and anchors["links"]:
        tiles.append(
            _tile("Money anchors", percent(money["share_domains_split"]), f"of domains, {interval(money['interval'])}")
        )
    tiles.append(_tile("Pages read", number(read), f"of {asked:,} asked for"))
    return join(_cautions(data), tag("dl", *tiles, class_="tiles"), pair(_signs(anchors), mix(anchors)))


def _cautions(data: Data) -> Html:
    said: list[Html | str] = list(data["notes"])
    if data["about"].get("drafted"):
        said.append(
            join(
                "The profile was drafted by the program and looked at by nobody, and the classes rest on its names and "
                "keywords: ",
                tag("code", f"linkledger profile init {data['target'] or ''}"),
                " writes it to a file to be put right.",
            )
        )
    if not data["anchors"]["enough"]:
        said.append(
            f"Too little data for a verdict: {counted(data['anchors']['referring_domains'], 'referring domain')}. The "
            "intervals show how wide the shares may be off."
        )
    return tag("div", *(tag("p", one) for one in said), class_="banner", role="note") if said else Html("")


def _signs(anchors: Data) -> Html:
    level = {"notice": "Notice", "warn": "Warning"}
    items = [
        tag(
            "li",
            tag("p", tag("span", level[one["level"]], class_="badge"), tag("strong", one["said"])),
            tag("p", f"Evidence: {one['evidence']}", class_="evidence"),
            class_=f"sign {one['level']}",
        )
        for one in sorted(anchors["signs"], key=lambda one: one["level"] != "warn")
    ]
    if items:
        inside: Html = tag("ul", *items, class_="signs")
    elif anchors["enough"]:
        inside = tag("p", "No measure passed its threshold.")
    else:
        inside = tag("p", "Too little data for a verdict.")
    return card(
        "Signs",
        inside,
        note="Thresholds are heuristics from the target's profile, never a statement about rankings.",
    )


def _method(data: Data) -> Html:
    about, coverage = data["about"], data["coverage"]
    read = {name: count for name, count in coverage.items() if name != "asked" and count}
    spread = [
        Column("Measure", lambda row: row[0]),
        Column("By links", lambda row: row[1], number=True),
        Column("By domains", lambda row: row[2], number=True),
    ]
    return join(
        card(
            "Coverage",
            tally(
                read,
                caption=f"{counted(coverage.get('asked', 0), 'page')} asked for, by what became of it",
                of=coverage.get("asked", 0),
                head="Outcome",
                unit="Pages",
            ),
            note="A report knows the pages that were read and no others. What was never crawled may exist.",
        ),
        card(
            "How widely the anchors are spread",
            table(measures(data["anchors"]), spread, caption="Over links and over referring domains"),
        ),
        card(
            "How it was made",
            facts(
                [
                    ("Target", data["target"] or "the whole ledger"),
                    ("Scope", data["scope"]),
                    ("Filter", _filter_said(data["filter"])),
                    ("Profile", f"{about.get('profile')}{' (drafted)' if about.get('drafted') else ''}"),
                    ("Rules", f"version {about.get('rules_version')}"),
                    ("Made at", data["made_at"]),
                    ("Made by", f"linkledger {data['linkledger']}"),
                ]
            ),
        ),
        card("How to read it", *(tag("p", one) for one in METHOD)),
    )


METHOD = (
    "Links and anchors are two data sets on the same pages, and are judged apart before they are put together. A link "
    "is one <a href>; two on one page count twice as links and once as a page.",
    "Every anchor is of one class, the first whose rule fits: image, empty, naked URL, branded, exact, brand with "
    "keyword, partial, generic, other. The column Why names what decided.",
    "Shares by domains give each referring domain one vote, split among the classes it uses. Intervals are Wilson's "
    "for 95%: with few domains they are wide, and that is the point.",
    "Relevance compares the linking page with the target page by their words (BM25F over title, headings, address, "
    "body and the words around the link, never the anchor itself), as a part of what the target page reaches.",
    "Dates of links are those of the crawls that first saw them.",
)


def _foot(data: Data) -> Html:
    library = vendored()
    text = (
        f"Made by linkledger {data['linkledger']}. This file needs no network and sends nothing. Charts: "
        f"{library['name']} {library['version']} ({library['license']}), with parts of d3.js (BSD-3-Clause); their "
        "notices stand in the source of this page."
    )
    return tag("footer", tag("div", text, class_="frame"))
