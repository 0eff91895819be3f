"""The report: what it says, that what pages said stays text in it, and that its file is whole or not there."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_json
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, link, reading
from report_sample import HOSTILE, NOW, report
from sample import new_ledger
from selectolax.lexbor import LexborHTMLParser

from audit.report import plain
from audit.report_html import join, script_json, shown, tag, words
from audit.report_html import link as linked
from audit.report_links import months_between
from audit.report_page import ASSETS, asset, hash_of, page, policy
from storage.engine import open_ledger
from storage.writer import write_readings

SAMPLE = plain(report(60))
PAGE = page(SAMPLE)
TREE = LexborHTMLParser(PAGE)


def nodes(selector: str) -> list[Any]:
    return list(TREE.css(selector))


# --- the file as a whole ------------------------------------------------------------------------------------


def test_what_others_made_is_as_they_published_it() -> None:
    of = tomllib.loads((ASSETS / "vendored.toml").read_text("utf-8"))["echarts"]
    data = (ASSETS / of["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == of["sha256"]
    assert f't.version="{of["version"]}"'.encode() in data
    assert b"\r" not in data  # a parser would read it as another text, of another hash
    for name in of["license_files"]:
        assert (ASSETS / name).stat().st_size > 50
    assert "Apache License" in asset("echarts.LICENSE")
    assert "Mike Bostock" in PAGE  # the notices go where the library goes
    assert of["version"] in nodes("footer")[0].text()


def test_nothing_runs_but_what_the_policy_names_by_hash() -> None:
    metas = [node.attributes for node in nodes("meta")]
    place = next(at for at, each in enumerate(metas) if each.get("http-equiv") == "Content-Security-Policy")
    assert place == 1  # behind the charset, before everything it is to hold for
    said = str(metas[place]["content"])
    rules = {rule.split()[0]: rule.split()[1:] for rule in said.split(";")}
    assert rules["default-src"] == ["'none'"]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert rules["require-trusted-types-for"] == ["'script'"]
    assert "unsafe" not in said
    assert "http" not in said
    scripts = [node for node in nodes("script") if node.attributes.get("type") != "application/json"]
    assert rules["script-src"] == [hash_of(node.text()) for node in scripts]
    assert rules["style-src"] == [hash_of(node.text()) for node in nodes("style")]
    assert said == policy()


def test_nothing_is_loaded_and_links_tell_nobody_where_they_were_followed() -> None:
    every = [(node.tag, name, value) for node in nodes("*") for name, value in node.attributes.items()]
    assert not [one for one in every if one[1] in ("src", "srcset", "style", "action", "data", "ping", "background")]
    assert not [one for one in every if one[1].startswith("on")]
    assert Counter(node.tag for node in nodes("link, img, iframe, object, embed, base, form, audio, video")) == {}
    hrefs = [node for node in nodes("a") if not str(node.attributes["href"]).startswith("#")]
    assert len(hrefs) > 10
    assert all(re.match("https?://", str(node.attributes["href"])) for node in hrefs)
    assert {node.attributes["rel"] for node in hrefs} == {"noreferrer noopener nofollow"}


def test_its_parts_are_named_for_those_who_listen() -> None:
    assert nodes("html")[0].attributes["lang"] == "en"
    levels = [int(node.tag[1]) for node in nodes("h1, h2, h3, h4")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for name in ("header.top", "nav[aria-label]", "main", "footer"):
        assert len(nodes(name)) == 1
    assert nodes("body > a")[0].attributes["href"] == "#main"
    ids = [node.attributes["id"] for node in nodes("[id]")]
    assert len(ids) == len(set(ids))
    targets = {str(node.attributes["href"])[1:] for node in nodes("a[href^='#']")}
    assert targets <= set(ids)
    for table in nodes("table"):
        assert table.css_first("caption").text().strip()
        assert all(head.attributes.get("scope") == "col" for head in table.css("thead th"))
        assert all(row.css("th[scope=row]") for row in table.css("tbody tr"))
    for chart in nodes("[data-chart]"):
        assert chart.attributes["role"] == "img"
        assert "table below" in str(chart.attributes["aria-label"])


# --- what it says -------------------------------------------------------------------------------------------


def test_the_page_and_the_json_say_the_same() -> None:
    text = nodes("main")[0].text(separator=" ")
    for one in SAMPLE["anchors"]["classes"]:
        assert f"{one['share_domains_split']:.1%}" in text
        assert f"{one['share_links']:.1%}" in text
        assert f"{one['links']:,}" in text
    for said in (one["said"] for one in SAMPLE["anchors"]["signs"]):
        assert said in text
    assert SAMPLE["about"]["profile"] in text
    assert SAMPLE["made_at"] == "2026-11-23T00:00:00.000Z"
    assert SAMPLE["made_at"] in text
    charts = json.loads(nodes("#figures")[0].text())
    assert [one["domains"] for one in charts["classes"]] == [
        one["share_domains_split"] for one in SAMPLE["anchors"]["classes"]
    ]
    assert sum(count for _, count in charts["months"]) == sum(count for _, count in SAMPLE["links"]["by_month"])
    assert json.loads(json.dumps(SAMPLE, allow_nan=False)) == SAMPLE
    for section in ("1. Links", "2. Anchors", "3. Together", "drafted by the program", "Difference", "ask"):
        assert section in text
    assert "penalty" not in PAGE.replace(asset("echarts.common.min.js"), "").lower()


def test_what_is_not_shown_is_said() -> None:
    text = nodes("main")[0].text()
    assert "The first 60 of 1,874 anchors; --anchors" in text
    assert "The first 40 of 442 referring domains; --domains" in text
    table = next(node for node in nodes("table") if node.css_first("caption").text() == "Anchors")
    assert len(table.css("tbody tr")) == 60
    long = next(row for row in table.css("tbody tr") if "10,000 characters" in row.text())
    assert len(long.html or "") < 2_000


def test_months_without_any_are_months_too() -> None:
    assert months_between([("2025-11", 3), ("2026-02", 1)]) == [
        ("2025-11", 3), ("2025-12", 0), ("2026-01", 0), ("2026-02", 1),
    ]  # fmt: skip
    assert months_between([]) == []
    assert len(months_between([("0001-01", 1), ("9999-12", 1)])) == 1200


# --- hostile texts ------------------------------------------------------------------------------------------


def test_every_hostile_anchor_is_there_as_text() -> None:
    table = next(node for node in nodes("table") if node.css_first("caption").text() == "Anchors")
    cells = [row.css_first("th bdi, th span").text() for row in table.css("tbody tr")]
    for text in HOSTILE:
        cut = shown(text[:180]) + "…" if len(text) > 180 else shown(text)
        assert (cut or "(no words)") in cells
    unseen = "\x00\x1b\x85\u2028\u2029\u202e\u2066\u200f"
    assert not set(unseen) & set(PAGE.replace(asset("echarts.common.min.js"), ""))
    assert len(nodes("main script, main img, main style, main b, main i")) == 0


_ANY = st.text(st.characters(codec=None), max_size=60) | st.sampled_from(HOSTILE[:17])


@settings(max_examples=examples(60), deadline=None)
@given(_ANY, _ANY)
def test_any_text_comes_back_as_it_was(inside: str, attribute: str) -> None:
    made = LexborHTMLParser(f"<body>{tag('p', inside, words(attribute), title=attribute)}</body>")
    (paragraph,) = made.css("body > *")
    assert paragraph.text() == shown(inside).replace("\r", "\n") + shown(attribute)
    assert paragraph.attributes["title"] in (shown(attribute), None if not attribute else shown(attribute))
    assert [node.tag for node in paragraph.css("*")] == ["p", "bdi"]


@settings(max_examples=examples(60), deadline=None)
@given(st.recursive(_ANY, lambda inner: st.lists(inner) | st.dictionaries(_ANY, inner), max_leaves=5))
def test_json_ends_no_script(value: Any) -> None:
    text = script_json(value)
    assert not set(text) & set("<>&\u2028\u2029")
    (script,) = LexborHTMLParser(f"<script type='application/json'>{text}</script>").css("script")
    assert json.loads(script.text()) == value


LINKS = [  # id, URL, whether it can be clicked
    ("https", "https://a.example/?q=1&r=%3C", True),
    ("http", "http://a.example/", True),
    ("script", "javascript:alert(1)", False),
    ("script_in_disguise", "java\tscript:alert(1)", False),
    ("data", "data:text/html,<script>alert(1)</script>", False),
    ("file", "file:///etc/passwd", False),
    ("no_scheme", "//a.example/", False),
    ("no_host", "https:///path", False),
    ("turned_round", "https://a.example/\u202e", False),
    ("not_ascii", "https://ä.example/", False),
    ("no_url", "https://[", False),
]


@pytest.mark.parametrize(("url", "clickable"), [pytest.param(*row[1:], id=row[0]) for row in LINKS])
def test_links(url: str, clickable: bool) -> None:
    found = LexborHTMLParser(linked(url)).css("a")
    assert bool(found) is clickable
    assert not clickable or found[0].attributes["href"] == url


def test_only_html_is_not_escaped() -> None:
    assert join("<b>", tag("i", "&"), 1, None) == "&lt;b&gt;<i>&amp;</i>1"


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> str:
    """Three pages of two domains that link to one target."""
    readings = [
        reading(
            "https://a.example/1", [("https://acme.example/", "Acme"), ("https://acme.example/x", HOSTILE[1])], NOW
        ),
        reading(
            "https://a.example/2",
            [link("https://acme.example/", "click here", rel=("nofollow",), follow_cause=("rel_nofollow",))],
            NOW,
        ),
        reading(
            "https://b.example/", [("https://acme.example/", "x" * 5_000), ("https://rival.example/", "Rival")], NOW
        ),
    ]
    with open_ledger(new_ledger(database), write=True) as conn:
        write_readings(conn, None, readings, rules_version=RULES)
    return database


def test_a_report_of_a_ledger(ledger: str, tmp_path: Path) -> None:
    profile = tmp_path / "acme.toml"
    profile.write_text(
        'profile = 1\ntarget = "acme.example"\nbrands = ["Acme"]\nkeywords = ["running shoes"]\n'
        'competitors = ["rival.example", "gone.example"]\n',
        "utf-8",
    )
    common = ("--db", ledger, "--profile", str(profile))
    out = tmp_path / "report.html"
    result = ask("report", "acme.example", "-o", str(out), "--anchors", "2", *common)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "wrote" in result.stderr
    text = out.read_text("utf-8")
    assert HOSTILE[1] not in text
    assert "The first 2 of 4 anchors" in text
    assert "rival.example" in text
    found = ask_json("report", "acme.example", *common)
    assert (found["links"]["links"], found["links"]["referring_domains"]) == (4, 2)
    assert found["links"]["causes"]["rel_nofollow"] == 1
    counts = ask_json("links", "count", "acme.example", "--db", ledger)
    assert (counts["backlinks"], counts["referring_domains"]) == (4, 2)
    assert found["anchors"]["links"] == 4
    assert {one["anchor"] for one in found["anchors"]["anchors"]} == {"Acme", HOSTILE[1], "click here", "x" * 5_000}
    assert found["competitors"]["targets"] == ["acme.example", "rival.example", "gone.example"]
    assert found["matrix"]["of_domains"] == 2
    assert found["about"]["drafted"] is False
    kept = tmp_path / "report.json"
    assert ask("report", "acme.example", "-o", str(kept), *common).exit_code == 0
    again = json.loads(kept.read_text("utf-8"))
    assert {**again, "made_at": None} == {**found, "made_at": None}
    piped = ask("report", "acme.example", *common).stdout
    assert hash_of(LexborHTMLParser(piped).css_first("style").text()) in policy()
    followed = ask_json("report", "acme.example", "--followed", *common)
    assert followed["links"]["links"] == 3
    assert followed["filter"]["followed"] is True


def test_a_target_nobody_links_to_gets_a_report_that_says_so(ledger: str, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    result = ask("report", "unseen.example", "-o", str(out), "--db", ledger)
    assert result.exit_code == 0
    assert "never seen" in result.stderr
    text = LexborHTMLParser(out.read_text("utf-8")).css_first("main").text()
    assert "unseen.example was never seen as the target of a link" in text
    assert "Too little data" in text
    assert "names no keywords" in text  # a drafted profile guesses none


def test_where_it_is_written_is_checked_first(tmp_path: Path) -> None:
    for place, said in ((tmp_path / "no" / "report.html", "there is no folder"), (tmp_path, "is a folder")):
        result = ask("report", "acme.example", "-o", str(place), "--db", "sqlite:///missing.db")
        assert result.exit_code == 2
        assert said in " ".join(result.stderr.split())
