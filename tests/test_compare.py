"""``compare``: both audits side by side, with golden numbers; counts only where every target has its list."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_json
from sample import Sample, SampleLink, SamplePage, fill, new_ledger

from audit.anchor_class import CLASSES
from audit.ask_anchors import anchor_audit_of
from audit.ask_links import link_audit_of
from audit.compare import Side, compare
from audit.measures import wilson
from audit.profile import Profile, Section
from cli.targets import parse_target
from storage.engine import Ledger, open_ledger
from storage.filters import LinkFilter, choose
from storage.lists import mark
from storage.targets import resolve

PROFILE = 'profile = 1\ntarget = "{0}"\nbrands = ["{1}"]\nkeywords = ["hand saws"]\n'


def links(target: str, mix: dict[str, int], first: int = 0, **more: Any) -> list[SampleLink]:
    """One link from each of so many domains with each of some words."""
    words = [text for text, number in mix.items() for _ in range(number)]
    return [
        SampleLink(f"https://d{first + place}.org/", f"https://{target}/", text, **more)
        for place, text in enumerate(words)
    ]


SAMPLE = Sample(
    links=[
        *links("acme.com", {"Acme": 20, "hand saws": 4, "click here": 1}),
        *links("rival.com", {"Rival": 50, "hand saws": 20, "click here": 30}, 100, rel=("nofollow",)),
        *links("other.com", {"Other": 10, "hand saws": 10}, 300, placement="footer"),
        *links("tiny.com", {"Tiny": 2}, 400),
    ],
    lists={
        "mine": [f"https://d{n}.org/" for n in range(25)],
        "rivals": [f"https://d{n}.org/" for n in range(100, 200)],
    },
    pages={"https://d0.org/": SamplePage(indexable=False)},
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINKLEDGER_PROFILES", str(tmp_path))
    for target, brand in (("acme.com", "Acme"), ("rival.com", "Rival")):
        (tmp_path / f"{target}.toml").write_text(PROFILE.format(target, brand))
    return tmp_path


def filled(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
    monkeypatch.setenv("LINKLEDGER_DB", database)
    return database


@pytest.fixture
def ledger(one_database: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return filled(one_database, monkeypatch)


def measures(answer: dict[str, Any]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    return {(one["part"], one["measure"], one["basis"], one["target"]): one for one in answer["measures"]}


def test_golden_numbers(database: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares of .80, .16, .04 against .50, .20, .30 are 0.1080 apart."""
    filled(database, monkeypatch)
    answer = ask_json("compare", "acme.com", "rival.com")
    assert answer["divergence_domains"] == {"rival.com": pytest.approx(0.1080, abs=5e-5)}
    assert answer["divergence_links"] == {"rival.com": pytest.approx(0.1080, abs=5e-5)}
    found = measures(answer)
    exact = found["anchors", "exact", "domains", "acme.com"]
    low, high = wilson(4, 25) or (None, None)
    assert (exact["value"], exact["low"], exact["high"]) == pytest.approx((0.16, low, high))
    assert (exact["median_of_others"], exact["delta"], exact["apart"]) == (0.2, pytest.approx(-0.04), False)
    generic = found["anchors", "generic", "domains", "acme.com"]
    assert (generic["delta"], generic["apart"]) == (pytest.approx(-0.26), True)
    rival = found["anchors", "exact", "domains", "rival.com"]
    assert (rival["value"], rival["delta"], rival["median_of_others"], rival["apart"]) == (0.2, None, None, None)
    assert found["views", "money", "domains", "acme.com"]["value"] == pytest.approx(0.16)
    assert found["links", "followed", "domains", "acme.com"]["delta"] == 1.0
    assert found["links", "indexable", "pages", "acme.com"]["value"] == 24 / 25


def test_the_median_of_several(ledger: str) -> None:
    found = measures(ask_json("compare", "acme.com", "rival.com", "other.com", "--same-keywords"))
    exact = found["anchors", "exact", "domains", "acme.com"]
    assert (exact["median_of_others"], exact["delta"]) == (pytest.approx(0.35), pytest.approx(-0.19))
    footer = found["links", "in_footer", "links", "acme.com"]
    assert (footer["median_of_others"], footer["low"]) == (0.5, None)


def test_the_answer_has_exactly_its_keys(ledger: str) -> None:
    answer = ask_json("compare", "acme.com", "other.com", "--placement", "main")
    assert set(answer) == {
        "targets", "counts_compared", "without_list", "too_few", "divergence_domains", "divergence_links", "filter",
        "scales", "coverage", "audits", "measures",
    }  # fmt: skip
    assert answer["filter"] == {"kind": "external", "state": "live", "placement": ["main"]}
    assert answer["divergence_domains"] == {"other.com": None}
    assert [set(one) for one in answer["targets"]] == [
        {"target", "profile", "drafted", "rules_version", "keywords_of", "lists"}
    ] * 2
    assert set(answer["audits"]) == {"acme.com", "other.com"}
    for of in answer["audits"].values():
        assert set(of) == {"anchors", "links"}
        assert [one["class"] for one in of["anchors"]["classes"]] == list(CLASSES)
        assert of["anchors"]["referring_domains"] == of["links"]["referring_domains"]
    values = measures(answer)
    assert values["anchors", "exact", "domains", "other.com"]["value"] is None
    assert values["anchors", "exact", "domains", "acme.com"]["delta"] is None


def test_whose_keywords(ledger: str, folder: Path) -> None:
    """A kept profile's own; of a guessed one the first target's, since it has none."""
    (folder / "rival.com.toml").write_text(PROFILE.format("rival.com", "Rival").replace("hand saws", "axes"))
    answer = ask_json("compare", "acme.com", "rival.com", "other.com")
    assert [one["keywords_of"] for one in answer["targets"]] == ["acme.com", "rival.com", "acme.com"]
    assert [one["drafted"] for one in answer["targets"]] == [False, False, True]
    found = measures(answer)
    assert found["anchors", "exact", "domains", "rival.com"]["value"] == 0
    assert found["anchors", "exact", "domains", "other.com"]["value"] == 0.5
    same = measures(ask_json("compare", "acme.com", "rival.com", "--same-keywords"))
    assert same["anchors", "exact", "domains", "rival.com"]["value"] == 0.2
    done = ask("compare", "acme.com", "rival.com", "other.com")
    assert "other.com: profile" in done.stderr
    assert "keywords of acme.com" in done.stderr


def test_without_keywords_nothing_is_exact_and_that_is_no_zero(ledger: str, folder: Path) -> None:
    (folder / "acme.com.toml").write_text('profile = 1\ntarget = "acme.com"\nbrands = ["Acme"]\n')
    found = measures(ask_json("compare", "acme.com", "rival.com"))
    for part, name in (("anchors", "exact"), ("anchors", "partial"), ("views", "money")):
        mine = found[part, name, "domains", "acme.com"]
        assert (mine["value"], mine["low"], mine["delta"]) == (None, None, None)
        assert found[part, name, "domains", "rival.com"]["value"] is not None
    assert found["anchors", "branded", "domains", "acme.com"]["value"] == 0.8


def counted(*targets: str) -> tuple[bool, list[str], list[str], str]:
    done = ask("compare", *targets, "--format", "json")
    answer = json.loads(done.stdout)
    names = [one["measure"] for one in answer["measures"] if one["part"] == "counts" and one["target"] == targets[0]]
    return answer["counts_compared"], answer["without_list"], names, done.stderr


def test_counts_only_where_each_target_has_its_list(ledger: str) -> None:
    compared, without, names, said = counted("acme.com", "rival.com")
    assert (compared, without, names) == (False, ["acme.com", "rival.com"], [])
    assert "shares only" in said
    assert "crawl FILE --list NAME --backlinks-of acme.com" in said
    with Ledger(ledger) as opened, opened.begin() as conn:
        mark(conn, "mine", "acme.com")
    assert counted("acme.com", "rival.com")[:3] == (False, ["rival.com"], [])
    with Ledger(ledger) as opened, opened.begin() as conn:
        mark(conn, "rivals", "rival.com")
    compared, without, names, said = counted("acme.com", "rival.com")
    assert (compared, without, names[:2]) == (True, [], ["links", "followed"])
    assert "rival.com: 0 of 100 pages of list rivals read" in said
    found = measures(ask_json("compare", "acme.com", "rival.com"))
    domains = found["counts", "referring_domains", "", "acme.com"]
    assert (domains["value"], domains["median_of_others"], domains["delta"]) == (25, 100, -75)
    assert counted("acme.com", "rival.com", "tiny.com")[:3] == (False, ["tiny.com"], [])
    assert counted("https://acme.com/", "rival.com")[0]  # a domain's list holds its pages' backlinks too


def test_too_little_data_gives_no_verdict(ledger: str) -> None:
    done = ask("compare", "acme.com", "tiny.com", "--format", "json")
    answer = json.loads(done.stdout)
    assert answer["too_few"] == {"tiny.com": 2}
    assert "too little data for a verdict, by referring domains: tiny.com (2)" in done.stderr
    assert {one["apart"] for one in answer["measures"]} == {None}
    assert measures(answer)["anchors", "branded", "domains", "acme.com"]["delta"] == pytest.approx(-0.2)


def test_authority_is_compared_on_one_scale(ledger: str, folder: Path) -> None:
    rows = [f"d{n}.org,{n}" for n in range(25)] + [f"d{n}.org,{n}" for n in range(100, 200)]
    (folder / "tool.csv").write_text("Domain,Rating\n" + "\n".join(rows) + "\n")
    imported = ask("authority", "import", "tool.csv", "--column", "Rating", "--from", "Tool", "--date", "2026-11-01")
    assert imported.exit_code == 0, imported.stderr
    answer = ask_json("compare", "acme.com", "rival.com")
    assert answer["scales"] == ["Tool Rating of 2026-11-01"]
    middle = measures(answer)["figures", "authority_p50", "", "acme.com"]
    assert (middle["value"], middle["median_of_others"], middle["delta"]) == (12, 149.5, -137.5)
    assert "authority p50" in ask("compare", "acme.com", "rival.com", "--format", "table").stdout


def test_figures_of_two_scales_are_not_compared(ledger: str) -> None:
    profile = Profile("acme.com", ("Acme",), Section(None, ()))
    with open_ledger(ledger) as conn:
        chosen = choose(conn, LinkFilter(), resolve(conn, parse_target("acme.com")))
        words = anchor_audit_of(conn, chosen, profile)
        links = link_audit_of(conn, chosen, profile, now=0, judge=0)

    def side(scale: str) -> Side:
        scales = ({"name": scale, "dated": "2026-11-01", "leads": True},)
        return Side(scale, words, replace(links, scales=scales, authority_quantiles={"p50": 5.0}))

    apart = compare([side("a"), side("b")])
    assert apart.scales == ("a of 2026-11-01", "b of 2026-11-01")
    assert not [one for one in apart.measures if one.part == "figures"]
    alike = compare([side("a"), side("a")])
    assert [one.name for one in alike.measures if one.part == "figures"] == ["authority_p50"]


def test_the_competitors_of_a_profile(ledger: str, folder: Path) -> None:
    alone = ask("compare", "acme.com")
    assert (alone.exit_code, "competitors in its profile" in alone.stderr) == (2, True)
    (folder / "acme.com.toml").write_text(PROFILE.format("acme.com", "Acme") + 'competitors = ["rival.com"]\n')
    assert [one["target"] for one in ask_json("compare", "acme.com")["targets"]] == ["acme.com", "rival.com"]
    assert ask("compare").exit_code == 2


def test_the_table_fits(ledger: str) -> None:
    done = ask("compare", "acme.com", "rival.com", "other.com", "--format", "table")
    lines = done.stdout.split("\n")
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == ["measure", "acme.com", "rival.com", "other.com", "median", "delta"]
    assert [line.split()[0] for line in lines[3:12]] == list(CLASSES)
    exact = next(line for line in lines if line.startswith("exact"))
    assert "16.0% (6-35)" in exact
    assert "\nCounts\n" not in done.stdout
    assert "rules version 1" in done.stdout


def test_a_target_never_seen_is_named(ledger: str) -> None:
    done = ask("compare", "acme.com", "nobody.example", "--format", "json")
    assert done.exit_code == 0
    assert "nobody.example was never seen as the target of a link" in done.stderr
