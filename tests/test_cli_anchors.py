"""``linkledger anchors``: keys, shares, spellings, search; and the same bytes from both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from asking import ask, ask_json
from sample import DAY, T0, Sample, SampleLink, SamplePage, fill, new_ledger

from cli.matching import Match, PatternTooSlow, matcher, time_limit
from storage.engine import open_ledger

A1, A2, B1, C1 = "https://alpha.org/1", "https://alpha.org/2", "https://beta.org/1", "https://gamma.org/1"
HOME, SHOP = "https://acme.com/", "https://shop.acme.com/x"

SAMPLE = Sample(
    links=[
        SampleLink(A1, HOME, "Acme Tools"),
        SampleLink(A1, HOME, "acme  tools", link_no=1, rel=("nofollow",), placement="footer"),
        SampleLink(A2, SHOP, "Acme Tools", anchor_source="img_alt", first_seen=T0 + DAY),
        SampleLink(B1, HOME, "running shoes", before="shoes"),
        SampleLink(B1, SHOP, "", anchor_source="none"),
        SampleLink(C1, HOME, "best running shoes 2026", rel=("ugc",)),
        SampleLink(C1, HOME, "Running Shoes", link_no=1, gone_at=T0 + 2 * DAY, last_seen=T0 + DAY),
        SampleLink(HOME, SHOP, "Shop"),
        SampleLink(C1, "https://rival.com/", "靴を買う"),
    ],
    pages={A2: SamplePage(last_ok=T0 + 3 * DAY)},
)


@pytest.fixture
def ledger(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
    monkeypatch.setenv("LINKLEDGER_DB", database)
    return database


def test_top_has_exactly_its_keys(ledger: str) -> None:
    answer = ask_json("anchors", "top", "acme.com", "--by", "links")
    rows = answer.pop("anchors")
    assert answer == {
        "target": "acme.com",
        "scope": "domain",
        "links": 6,
        "referring_pages": 4,
        "referring_domains": 3,
        "distinct_anchors": 4,
        "filter": {"kind": "external", "state": "live"},
        "left_out": {"internal": 1, "lost": 1, "internal_lost": 0},
        "coverage": dict.fromkeys(
            ("asked", "fetched", "partial", "suspect", "blocked", "refused", "failed", "skipped", "pending"), 0
        ),
    }
    assert rows[0] == {
        "anchor": "Acme Tools",
        "variants": 2,
        "links": 3,
        "referring_pages": 2,
        "referring_domains": 1,
        "targets": 2,
        "followed": 2,
        "share_links": 0.5,
        "share_domains": 1 / 3,
        "by_source": {"text": 2, "img_alt": 1},
        "first_seen": "2026-09-21T14:13:20.000Z",
        "last_seen": "2026-10-01T14:13:20.000Z",
    }
    assert [row["anchor"] for row in rows] == ["Acme Tools", "", "best running shoes 2026", "running shoes"]
    assert sum(row["share_links"] for row in rows) == pytest.approx(1)


TOPS = [  # id, options, (anchor, links) in order
    ("group_exact", ("--group", "exact", "--by", "links"), [
        ("Acme Tools", 2), ("", 1), ("acme  tools", 1), ("best running shoes 2026", 1), ("running shoes", 1)]),
    ("followed", ("--followed", "--by", "links"), [("Acme Tools", 2), ("", 1), ("running shoes", 1)]),
    ("limit", ("--by", "links", "--limit", "1"), [("Acme Tools", 3)]),
    ("by_pages", ("--by", "pages", "--limit", "2"), [("Acme Tools", 3), ("", 1)]),
    ("lost_shows_the_words_at_its_close", ("--state", "lost"), [("Running Shoes", 1)]),
    ("commonest_spelling_over_both_states", ("--state", "any", "--anchor-contains", "running shoes"), [
        ("Running Shoes", 2), ("best running shoes 2026", 1)]),
    ("anchor_source", ("--anchor-source", "img_alt", "--anchor-source", "none"), [("", 1), ("Acme Tools", 1)]),
    ("contains_folds", ("--anchor-contains", "ACME\u00a0T"), [("Acme Tools", 3)]),
    ("older_words_do_not_count", ("--anchor-contains", "shoes", "--source", "beta.org"), [("running shoes", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("options", "expected"), [pytest.param(*row[1:], id=row[0]) for row in TOPS])
def test_top(ledger: str, options: tuple[str, ...], expected: list[tuple[str, int]]) -> None:
    rows = ask_json("anchors", "top", "acme.com", *options)["anchors"]
    assert [(row["anchor"], row["links"]) for row in rows] == expected


def test_top_sums_to_the_links_counted(ledger: str) -> None:
    for target in ("acme.com", "https://acme.com/", "shop.acme.com"):
        for options in ((), ("--kind", "any", "--state", "any"), ("--placement", "main", "--followed")):
            rows = ask_json("anchors", "top", target, *options, "--limit", "none")["anchors"]
            assert sum(row["links"] for row in rows) == ask_json("links", "count", target, *options)["backlinks"]


def test_list_has_exactly_its_keys(ledger: str) -> None:
    answer = ask_json("anchors", "list", "acme.com", "--state", "any")
    assert answer["total"] == len(answer["anchors"]) == 7
    assert answer["anchors"][-1] == {
        "source": C1,
        "target": HOME,
        "anchor": "Running Shoes",
        "anchor_source": "text",
        "has_image": False,
        "state": "lost",
        "first_seen": "2026-09-21T14:13:20.000Z",
        "last_seen": "2026-09-22T14:13:20.000Z",
        "found_lost_at": "2026-09-23T14:13:20.000Z",
    }


def test_variants_are_the_spellings_of_one_fold(ledger: str) -> None:
    answer = ask_json("anchors", "variants", "ACME tools", "acme.com")
    assert [(row["anchor"], row["links"], row["targets"]) for row in answer["variants"]] == [
        ("Acme Tools", 2, 2),
        ("acme  tools", 1, 1),
    ]
    assert list(answer["variants"][0]) == [
        "anchor", "links", "referring_pages", "referring_domains", "targets", "first_seen", "last_seen",
    ]  # fmt: skip


SEARCHES = [  # id, text, options, (anchor, target, links) in order
    ("phrase", "Running  SHOES", (), [("best running shoes 2026", HOME, 1), ("running shoes", HOME, 1)]),
    ("phrase_is_whole_words", "run", (), []),
    ("word_in_any_order", "shoes best", ("--match", "word"), [("best running shoes 2026", HOME, 1)]),
    ("prefix", "runn", ("--match", "prefix"), [("running shoes", HOME, 1)]),
    ("equal", "running shoes", ("--match", "equal"), [("running shoes", HOME, 1)]),
    ("equal_nothing_finds_links_without_words", "", ("--match", "equal"), [("", SHOP, 1)]),
    ("regex", r"\d{4}$", ("--match", "regex"), [("best running shoes 2026", HOME, 1)]),
    ("no_wildcards", "100%", (), []),
    ("one_row_for_each_target", "acme", (), [("Acme Tools", HOME, 2), ("Acme Tools", SHOP, 1)]),
    ("script_without_spaces", "買う", (), [("靴を買う", "https://rival.com/", 1)]),
]


@pytest.mark.parametrize(("text", "options", "expected"), [pytest.param(*row[1:], id=row[0]) for row in SEARCHES])
def test_search(ledger: str, text: str, options: tuple[str, ...], expected: list[tuple[str, str, int]]) -> None:
    for target in ((), ("acme.com",)):
        answer = ask_json("anchors", "search", text, *target, *options)
        wanted = [row for row in expected if not target or "acme" in row[1]]
        assert [(row["anchor"], row["target"], row["links"]) for row in answer["anchors"]] == wanted
        assert answer["total"] == len(wanted)


MATCHES = [  # id, text, how, folded anchor, whether it matches
    ("phrase_beside_punctuation", "shoes", "phrase", "(shoes)", True),
    ("phrase_inside_a_word", "shoe", "phrase", "shoes", False),
    ("phrase_of_punctuation", "-->", "phrase", "go-->there", True),
    ("phrase_edge_in_unspaced_script", "買", "phrase", "靴を買う", True),
    ("phrase_mixed_edges", "a靴", "phrase", "ba靴", False),
    ("word_needs_all", "red shoes", "word", "shoes, red", True),
    ("word_one_missing", "red shoes", "word", "shoes", False),
    ("prefix_goes_on", "run", "prefix", "running", True),
    ("equal_folds", "STRASSE", "equal", "strasse", True),
    ("regex_ignores_case", "^RUN", "regex", "running", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "how", "anchor", "expected"), [pytest.param(*row[1:], id=row[0]) for row in MATCHES])
def test_matching(text: str, how: Match, anchor: str, expected: bool) -> None:
    found = matcher(text, how)
    assert found.matches(anchor) is expected
    if expected and found.holding is not None:
        assert found.holding in anchor


def test_a_pattern_that_backtracks_without_end_is_stopped() -> None:
    slow = matcher("(a+)+$", "regex")
    with pytest.raises(PatternTooSlow, match="repeat"), time_limit("(a+)+$", seconds=0.2):
        slow.matches("a" * 60 + "b")


@pytest.mark.parametrize("pattern", ["(", "a" * 501, ""], ids=["unclosed", "too_long", "empty"])
def test_bad_patterns_are_usage_errors(pattern: str, tmp_path: Path) -> None:
    there = tmp_path / "none.db"
    result = ask("anchors", "search", pattern, "--match", "regex", "--db", f"sqlite:///{there}")
    assert result.exit_code == 2
    assert not there.exists()


def test_a_table_shows_links_without_words(ledger: str) -> None:
    lines = ask("anchors", "top", "acme.com", "--format", "table").stdout.splitlines()
    assert lines[0] == "domain acme.com: 6 links"
    assert any(line.startswith("(no anchor text)") for line in lines)


def test_words_that_no_link_has(ledger: str) -> None:
    result = ask("anchors", "variants", "nowhere", "acme.com", "--format", "json")
    assert json.loads(result.stdout)["variants"] == []
    assert "no selected link has the anchor 'nowhere'" in result.stderr


def test_both_databases_answer_with_the_same_bytes(tmp_path: Path, postgres_url: str) -> None:
    databases = [f"sqlite:///{tmp_path / 'ledger.db'}", postgres_url]
    for database in databases:
        with open_ledger(new_ledger(database), write=True) as conn:
            fill(conn, SAMPLE)
    questions = [
        (*command, *target, *options)
        for command in (
            ("links", "count"), ("links", "list"), ("links", "list", "--with-anchor"), ("links", "sources"),
            ("links", "list", "--one-per", "domain"), ("links", "targets", "--by", "page"), ("anchors", "top"),
            ("anchors", "top", "--group", "exact", "--by", "pages", "--limit", "2"), ("anchors", "list"),
            ("anchors", "search", "shoes"), ("anchors", "variants", "acme tools"),
        )
        for target in ((), ("acme.com",), ("https://acme.com/",), ("acme.com", "rival.com"))
        for options in ((), ("--state", "any", "--kind", "any"), ("--followed", "--placement", "main"))
    ]  # fmt: skip
    for question in questions:
        answers = [ask(*question, "--format", "json", "--db", database) for database in databases]
        assert answers[0].exit_code == 0, answers[0].stderr
        assert answers[0].stdout == answers[1].stdout
