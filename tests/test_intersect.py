"""``links intersect``: against plain loops, on both databases; and what it says of what it does not know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_json
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from sample import DAY, T0, Sample, SampleLink, SamplePage, fill, new_ledger

from storage.engine import open_ledger
from storage.intersections import Common, Linked, common, most_used

A, B, MINE = "https://a.com/", "https://b.com/", "https://mine.com/"
BOTH, ONE, TWO, OURS, SITE = "https://both.org/1", "https://one.org/1", "https://two.org/1", "https://ours.org/1", MINE
SAMPLE = Sample(
    links=[
        SampleLink(BOTH, A, "Acme", first_seen=T0 + DAY),
        SampleLink(BOTH, A, "acme", link_no=1, placement="footer"),
        SampleLink("https://both.org/2", A, "saws"),
        SampleLink("https://both.org/2", B, "", anchor_source="none"),
        SampleLink(ONE, A, "A"),
        SampleLink("https://one.org/2", B, "B", gone_at=T0 + 2 * DAY, last_seen=T0 + DAY),
        SampleLink(TWO, A, "hand saws", placement="nav"),
        SampleLink(TWO, B, "saws", placement="nav", rel=("nofollow",)),
        SampleLink(OURS, A, "x"),
        SampleLink(OURS, B, "y"),
        SampleLink("https://ours.org/9", MINE, "z", placement="footer", rel=("nofollow",)),
        SampleLink(SITE, A, "a"),
        SampleLink(SITE, B, "b"),
        SampleLink(A, B, "the other"),
    ],
    pages={"https://both.org/3": SamplePage(), "https://both.org/4": SamplePage(last_ok=None)},
)


def filled(database: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
    monkeypatch.setenv("LINKLEDGER_DB", database)
    monkeypatch.setenv("LINKLEDGER_PROFILES", str(folder))
    monkeypatch.chdir(folder)
    return database


@pytest.fixture
def ledger(one_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    return filled(one_database, monkeypatch, tmp_path)


def test_the_answer_has_exactly_its_keys(ledger: str) -> None:
    found = ask_json("links", "intersect", "a.com", "b.com", "--not", "mine.com")
    rows = found.pop("sources")
    assert found == {
        "targets": ["a.com", "b.com"], "not": ["mine.com"], "min": 2, "by": "domain", "total": 2, "profiles": [],
        "filter": {"kind": "external", "state": "live"},
        "coverage": dict.fromkeys(
            ("asked", "fetched", "partial", "suspect", "blocked", "refused", "failed", "skipped", "pending"), 0
        ),
    }  # fmt: skip
    assert rows[0] == {
        "name": "both.org",
        "targets": ["a.com", "b.com"],
        "links": {"a.com": 3, "b.com": 1},
        "words": {"a.com": ["Acme", "saws"], "b.com": [""]},
        "pages_read": 3,
        "no_link_found": ["mine.com"],
        "first_seen": "2026-09-21T14:13:20.000Z",
    }
    assert rows[1]["name"] == "two.org"


ASKED = [  # id, options, (name, links) in order
    ("all", (), [("both.org", [3, 1]), ("mine.com", [1, 1]), ("ours.org", [1, 1]), ("two.org", [1, 1])]),
    ("at_least_one", ("--min", "1", "--not", "mine.com"),
     [("both.org", [3, 1]), ("two.org", [1, 1]), ("a.com", [0, 1]), ("one.org", [1, 0])]),
    ("placement", ("--placement", "main", "--not", "mine.com"), [("both.org", [2, 1])]),
    ("followed", ("--followed", "--not", "mine.com"), [("both.org", [3, 1])]),
    ("lost_too", ("--state", "any", "--not", "mine.com"),
     [("both.org", [3, 1]), ("one.org", [1, 1]), ("two.org", [1, 1])]),
    ("pages", ("--by", "page", "--not", "mine.com"),
     [("https://both.org/2", [1, 1]), ("https://ours.org/1", [1, 1]), ("https://two.org/1", [1, 1])]),
    ("as_of", ("--as-of", "2026-09-21T20:00", "--not", "mine.com"),
     [("both.org", [2, 1]), ("one.org", [1, 1]), ("two.org", [1, 1])]),
    ("limit", ("--limit", "1"), [("both.org", [3, 1])]),
]  # fmt: skip


@pytest.mark.parametrize(("options", "wanted"), [pytest.param(*row[1:], id=row[0]) for row in ASKED])
def test_who_links_to_both(ledger: str, options: tuple[str, ...], wanted: list[tuple[str, list[int]]]) -> None:
    rows = ask_json("links", "intersect", "a.com", "b.com", *options)["sources"]
    found = [(row["name"], [row["links"].get(name, 0) for name in ("a.com", "b.com")]) for row in rows]
    assert found == wanted
    assert all(list(row["links"]) == row["targets"] == list(row["words"]) for row in rows)


def test_no_link_found_is_of_any_live_link(ledger: str) -> None:
    """What a filter hides was found all the same; what was lost is not found now."""
    asked = ("links", "intersect", "a.com", "b.com", "--not", "mine.com", "--min", "1")
    rows = {row["name"]: row for row in ask_json(*asked, "--placement", "main", "--state", "any")["sources"]}
    assert "two.org" not in rows
    assert (rows["both.org"]["no_link_found"], rows["one.org"]["no_link_found"]) == (
        ["mine.com"],
        ["b.com", "mine.com"],
    )
    hidden = ask_json("links", "intersect", "a.com", "--placement", "footer")["sources"]
    assert [(row["name"], row["no_link_found"], row["words"]) for row in hidden] == [
        ("both.org", [], {"a.com": ["acme"]})
    ]


def test_a_page_answers_for_itself(ledger: str) -> None:
    rows = ask_json("links", "intersect", "a.com", "b.com", "--by", "page", "--min", "1")["sources"]
    by_name = {row["name"]: row for row in rows}
    assert by_name[BOTH]["no_link_found"] == ["b.com"]
    assert {row["pages_read"] for row in rows} == {1}
    assert by_name["https://both.org/2"]["words"] == {"a.com": ["saws"], "b.com": [""]}


def test_both_databases(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    filled(database, monkeypatch, tmp_path)
    for _, options, wanted in ASKED:
        rows = ask_json("links", "intersect", "a.com", "b.com", *options)["sources"]
        assert [(row["name"], [row["links"].get(name, 0) for name in ("a.com", "b.com")]) for row in rows] == wanted
    other = ask_json("links", "intersect", "a.com", "--anchor-class", "other", "--by", "page")["sources"]
    assert {row["name"]: row["words"]["a.com"] for row in other if "both" in row["name"]} == {
        BOTH: ["Acme"],
        "https://both.org/2": ["saws"],
    }
    pages = ask_json("links", "intersect", "a.com", "--not", "mine.com", "--by", "page")["sources"]
    assert (pages[0]["name"], pages[0]["words"], pages[0]["no_link_found"]) == (BOTH, {"a.com": ["Acme"]}, ["mine.com"])


PROFILE = 'profile = 1\ntarget = "{}"\nbrands = ["Acme"]\nkeywords = ["saws"]\n'


def test_by_class_of_the_words(ledger: str, tmp_path: Path) -> None:
    for name in ("a.com", "b.com"):
        (tmp_path / f"{name}.toml").write_text(PROFILE.format(name))
    found = ask_json("links", "intersect", "a.com", "b.com", "--min", "1", "--anchor-class", "exact")
    assert found["filter"]["anchor_class"] == ["exact"]
    assert {row["name"]: (row["links"], row["words"]) for row in found["sources"]} == {
        "both.org": ({"a.com": 1}, {"a.com": ["saws"]}),
        "two.org": ({"b.com": 1}, {"b.com": ["saws"]}),
    }
    assert [row["no_link_found"] for row in found["sources"]] == [[], []]
    brand = ask_json("links", "intersect", "a.com", "--anchor-class", "branded", "--by", "page")["sources"]
    assert [(row["name"], row["links"], row["words"]) for row in brand] == [(BOTH, {"a.com": 2}, {"a.com": ["Acme"]})]


def test_a_rival_without_a_profile_is_held_against_ones_own_keywords(ledger: str, tmp_path: Path) -> None:
    asked = ("links", "intersect", "a.com", "--min", "1", "--anchor-class", "exact")
    bare = ask(*asked, "--format", "json")
    assert json.loads(bare.stdout)["sources"] == []
    assert "a.com: profile" in bare.stderr
    assert "no keywords, so nothing is exact or partial" in bare.stderr
    (tmp_path / "mine.com.toml").write_text(PROFILE.format("mine.com"))
    found = ask_json(*asked, "--not", "mine.com")
    assert [row["name"] for row in found["sources"]] == ["both.org"]
    assert [(one["target"], one["drafted"], one["keywords_of"]) for one in found["profiles"]] == [
        ("a.com", True, "mine.com")
    ]


def test_the_table_fits_and_is_cautious(ledger: str) -> None:
    done = ask("links", "intersect", "a.com", "b.com", "--not", "mine.com", "--format", "table")
    lines = done.stdout.split("\n")
    assert lines[0] == "2 domains link to all of a.com, b.com, and not to mine.com"
    assert max(map(len, lines)) <= 80
    assert "other pages may link there" in done.stdout
    assert "does not link" not in done.stdout
    assert "(no anchor text)" in done.stdout


def test_a_target_that_was_never_seen_is_named(ledger: str) -> None:
    done = ask("links", "intersect", "a.com", "b.co", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["sources"]) == (0, [])
    assert "b.co was never seen as the target of a link; nearest: b.com" in done.stderr


USAGE = [  # id, words, part of what is said
    ("no_target", (), "name the targets"),
    ("too_many", ("a.com", "--min", "2"), "2 is more than the 1 targets"),
    ("itself", ("a.com", "--not", "www.a.com"), "a.com is a TARGET itself"),
    ("class", ("a.com", "--anchor-class", "money"), "money"),
    ("fields", ("a.com", "--fields", "colour"), "no field named 'colour'"),
]


@pytest.mark.parametrize(("arguments", "message"), [pytest.param(*row[1:], id=row[0]) for row in USAGE])
def test_usage(arguments: tuple[str, ...], message: str) -> None:
    done = ask("links", "intersect", *arguments)
    assert (done.exit_code, message in done.stderr) == (2, True)


sources = st.dictionaries(st.integers(-4, 4), st.tuples(st.integers(1, 9), st.none() | st.integers(0, 9)), max_size=6)


def stream(of: dict[int, tuple[int, int | None]]) -> Iterator[Linked]:
    return (Linked(key, *of[key]) for key in sorted(of))


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(sources, min_size=1, max_size=4), st.lists(sources, max_size=2), st.integers(1, 4))
def test_merged_streams_are_sets(targets: list[Any], without: list[Any], least: int) -> None:
    found = list(common([stream(one) for one in targets], [stream(one) for one in without], least=least))
    wanted = []
    for key in sorted({key for one in targets for key in one} - {key for one in without for key in one}):
        links = tuple(one.get(key, (0, None))[0] for one in targets)
        seen = [one[key][1] for one in targets if key in one and one[key][1] is not None]
        if sum(map(bool, links)) >= least:
            wanted.append(Common(key, links, min(seen, default=None)))
    assert found == wanted


def test_spellings_count_together() -> None:
    used = Counter({(1, 10): 2, (1, 11): 2, (2, 20): 3, (3, 30): 3})
    texts = {10: "ACME", 11: "Acme", 20: "saws", 30: "drills"}
    assert most_used(used, texts.__getitem__, 3) == ["ACME", "drills", "saws"]
    assert most_used(used, texts.__getitem__, 1) == ["ACME"]
