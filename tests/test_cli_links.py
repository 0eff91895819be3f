"""``linkledger links``: keys, totals, scopes, formats, what zero says, and that no anchor is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_json
from sample import DAY, T0, Sample, SampleLink, SampleOutcome, SamplePage, fill, new_ledger

from storage.engine import open_ledger

A1, A2, B1 = "https://alpha.org/1", "https://alpha.org/2", "https://news.beta.org/1"
HOME, WWW, SHOP = "https://acme.com/", "http://www.acme.com/", "https://shop.acme.com/x"

SAMPLE = Sample(
    links=[
        SampleLink(A1, HOME, "Acme", ordinal=3),
        SampleLink(A1, HOME, "acme", rel=("nofollow", "ugc"), link_no=1, ordinal=1, placement="footer"),
        SampleLink(A2, WWW, "Acme tools", page_nofollow=("meta_robots",), first_seen=T0 + DAY),
        SampleLink(B1, SHOP, "", anchor_source="none", rel=("sponsored",)),
        SampleLink(B1, HOME, "Old", gone_at=T0 + 5 * DAY, last_seen=T0 + 4 * DAY),
        SampleLink(HOME, SHOP, "Shop", placement="nav"),
        SampleLink(A1, "https://only-inside.org/a", "x", gone_at=T0 + DAY, last_seen=T0),
    ],
    pages={A2: SamplePage(last_ok=T0 + 2 * DAY, confirmed=False)},
    lists={"spring": [A1, A2]},
    crawls=[
        {
            A1: SampleOutcome(),
            A2: SampleOutcome("failed"),
            B1: SampleOutcome(),
            "https://alpha.org/new": SampleOutcome("blocked"),
        }
    ],
)
LEFT_OUT = {"internal": 1, "lost": 1, "internal_lost": 0}
COVERAGE = {
    "asked": 4, "fetched": 2, "partial": 0, "suspect": 0, "blocked": 1, "refused": 0, "failed": 1, "skipped": 0,
    "pending": 0,
}  # fmt: skip


@pytest.fixture
def ledger(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
    monkeypatch.setenv("LINKLEDGER_DB", database)
    return database


def test_count_has_exactly_its_keys(ledger: str) -> None:
    assert ask_json("links", "count", "acme.com") == {
        "target": "acme.com",
        "scope": "domain",
        "backlinks": 4,
        "followed": 1,
        "not_followed": 3,
        "rel_nofollow": 1,
        "rel_ugc": 1,
        "rel_sponsored": 1,
        "page_nofollow": 1,
        "referring_pages": 3,
        "referring_hosts": 2,
        "referring_domains": 2,
        "confirmed": 3,
        "unconfirmed": 1,
        "oldest_confirmation": "2026-09-23T14:13:20.000Z",
        "first_seen": "2026-09-21T14:13:20.000Z",
        "last_seen": "2026-10-01T14:13:20.000Z",
        "filter": {"kind": "external", "state": "live"},
        "left_out": LEFT_OUT,
        "coverage": COVERAGE,
    }


def test_list_has_exactly_its_keys_in_order_of_source_and_place(ledger: str) -> None:
    answer = ask_json("links", "list", "acme.com")
    assert {key: value for key, value in answer.items() if key != "links"} == {
        "target": "acme.com",
        "scope": "domain",
        "total": 4,
        "filter": {"kind": "external", "state": "live"},
        "left_out": LEFT_OUT,
        "coverage": COVERAGE,
    }
    assert [(row["source"], row["ordinal"]) for row in answer["links"]] == [(A1, 1), (A1, 3), (A2, 0), (B1, 0)]
    assert answer["links"][0] == {
        "source": A1,
        "target": HOME,
        "rel": ["nofollow", "ugc"],
        "followed": False,
        "follow_cause": ["rel"],
        "placement": "footer",
        "element": "a",
        "ordinal": 1,
        "state": "live",
        "lost_cause": None,
        "first_seen": "2026-09-21T14:13:20.000Z",
        "last_seen": "2026-10-01T14:13:20.000Z",
        "found_lost_at": None,
        "seen": "raw",
    }
    assert answer["links"][2]["follow_cause"] == ["meta_robots"]


def test_lost_links_say_when_and_why(ledger: str) -> None:
    [row] = ask_json("links", "list", "acme.com", "--state", "lost")["links"]
    assert (row["state"], row["lost_cause"], row["last_seen"], row["found_lost_at"]) == (
        "lost",
        "removed",
        "2026-09-25T14:13:20.000Z",
        "2026-09-26T14:13:20.000Z",
    )


def test_with_anchor_is_the_one_join(ledger: str) -> None:
    rows = ask_json("links", "list", "acme.com", "--with-anchor")["links"]
    assert [(row["anchor"], row["anchor_source"]) for row in rows] == [
        ("acme", "text"),
        ("Acme", "text"),
        ("Acme tools", "text"),
        ("", "none"),
    ]


def test_one_per_prefers_followed_then_main_then_first(ledger: str) -> None:
    rows = ask_json("links", "list", "acme.com", "--one-per", "domain")
    assert rows["total"] == 2
    assert [(row["source"], row["ordinal"]) for row in rows["links"]] == [(A1, 3), (B1, 0)]


GROUPS = [  # id, arguments, name and counts of each row
    ("sources_by_domain", ("sources", "acme.com"), [("alpha.org", 3, 1, 2, 1, 1), ("beta.org", 1, 0, 1, 1, 1)]),
    (
        "sources_by_host",
        ("sources", "acme.com", "--by", "host"),
        [("alpha.org", 3, 1, 2, 1, 1), ("news.beta.org", 1, 0, 1, 1, 1)],
    ),
    (
        "sources_by_page",
        ("sources", "acme.com", "--by", "page"),
        [(A1, 2, 1, 1, 1, 1), (A2, 1, 0, 1, 1, 1), (B1, 1, 0, 1, 1, 1)],
    ),
    ("targets_by_domain", ("targets",), [("acme.com", 4, 1, 3, 2, 2)]),
    (
        "targets_by_page_in_a_domain",
        ("targets", "acme.com", "--by", "page"),
        [(HOME, 2, 1, 1, 1, 1), (WWW, 1, 0, 1, 1, 1), (SHOP, 1, 0, 1, 1, 1)],
    ),
    (
        "targets_of_a_list",
        ("targets", "--list", "spring", "--by", "host"),
        [("acme.com", 2, 1, 1, 1, 1), ("www.acme.com", 1, 0, 1, 1, 1)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), [pytest.param(*row[1:], id=row[0]) for row in GROUPS])
def test_groups(ledger: str, arguments: tuple[str, ...], expected: list[tuple[Any, ...]]) -> None:
    answer = ask_json("links", *arguments)
    rows = answer[arguments[0]]
    assert [tuple(row[key] for key in ("name", "links", "followed", "pages", "hosts", "domains")) for row in rows] == (
        expected
    )
    assert list(rows[0]) == ["name", "links", "followed", "pages", "hosts", "domains", "first_seen", "last_seen"]


SCOPES = [  # id, arguments, scope, backlinks
    ("domain", ("acme.com",), "domain", 4),
    ("www_before_the_domain", ("www.acme.com",), "domain", 4),
    ("host", ("shop.acme.com",), "host", 1),
    ("home_page_folds_scheme_and_www", ("https://acme.com/",), "page", 3),
    ("literal", ("https://acme.com/", "--literal"), "page", 2),
    ("host_forced", ("acme.com", "--scope", "host"), "host", 2),
    ("prefix", ("https://acme.com/", "--scope", "prefix"), "prefix", 3),
    ("page_of_a_host", ("shop.acme.com/x?utm_source=n",), "page", 1),
    ("query_kept", ("shop.acme.com/x?utm_source=n", "--fold-query", "none"), "page", 0),
    ("domain_of_a_page", ("https://shop.acme.com/x", "--scope", "domain"), "domain", 4),
    ("whole_ledger", (), "ledger", 4),
]


@pytest.mark.parametrize(("arguments", "scope", "number"), [pytest.param(*row[1:], id=row[0]) for row in SCOPES])
def test_scopes(ledger: str, arguments: tuple[str, ...], scope: str, number: int) -> None:
    answer = ask_json("links", "count", *arguments)
    assert (answer["scope"], answer["backlinks"]) == (scope, number)


ZERO = [  # id, arguments, what stderr says
    (
        "never_seen_names_the_nearest",
        ("acne.com",),
        "acne.com was never seen as the target of a link; nearest: acme.com",
    ),
    (
        "page_never_seen",
        ("https://acme.com/x/y",),
        "was never seen as the target of a link; nearest: https://acme.com/",
    ),
    ("hidden_by_kind", ("acme.com", "--source", "acme.com"), "acme.com: 0 external; 1 internal, use --kind any"),
    ("hidden_by_state", ("only-inside.org",), "only-inside.org: 0 external; 1 lost external, use --state any"),
    (
        "hidden_by_a_filter",
        ("acme.com", "--placement", "aside"),
        "acme.com: 0 links pass the filters; 6 links of every",
    ),
]


@pytest.mark.parametrize(("arguments", "said"), [pytest.param(*row[1:], id=row[0]) for row in ZERO])
def test_zero_says_why(ledger: str, arguments: tuple[str, ...], said: str) -> None:
    result = ask("links", "count", *arguments, "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["backlinks"] == 0
    assert said in result.stderr


USAGE = [  # id, arguments, part of the message
    ("public_suffix", ("count", "co.uk"), "public suffix"),
    ("no_url", ("count", "ftp://acme.com/"), "http"),
    ("port", ("count", "acme.com:8080"), "port"),
    ("rel", ("count", "acme.com", "--rel", "a b"), "one token"),
    ("crawl", ("count", "acme.com", "--crawl", "first"), "last or previous"),
    ("range", ("count", "acme.com", "--first-seen", "2026-02-01..2026-01-01"), "ends before it begins"),
    ("span", ("count", "acme.com", "--confirmed-within", "soon"), "span"),
    ("source", ("count", "acme.com", "--source", "news.beta.org"), "beta.org"),
    ("field", ("count", "acme.com", "--fields", "anchor"), "no field named"),
    ("limit", ("list", "acme.com", "--limit", "few"), "whole number"),
    ("scope_without_target", ("count", "--scope", "host"), "need a TARGET"),
    ("targets_file", ("count", "--targets-from", "/nowhere/x"), "cannot read"),
]


@pytest.mark.parametrize(("arguments", "said"), [pytest.param(*row[1:], id=row[0]) for row in USAGE])
def test_usage_errors_come_before_anything_opens(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    there = tmp_path / "none.db"
    result = ask("links", *arguments, "--db", f"sqlite:///{there}")
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert not there.exists()


def test_errors_are_one_line_and_make_no_ledger(ledger: str, tmp_path: Path) -> None:
    there = tmp_path / "none.db"
    missing = ask("links", "count", "acme.com", "--db", f"sqlite:///{there}")
    assert (missing.exit_code, missing.stdout, missing.stderr.count("\n")) == (1, "", 1)
    assert not there.exists()
    unknown = ask("links", "count", "acme.com", "--list", "autumn")
    assert (unknown.exit_code, unknown.stderr) == (1, "linkledger: no list named 'autumn'; known: spring\n")


def test_several_targets_are_an_array_and_rows_that_name_theirs(ledger: str, tmp_path: Path) -> None:
    (tmp_path / "targets.txt").write_text("# ours\nacme.com\n\nhttps://shop.acme.com/x\n", encoding="utf-8")
    arguments = ("links", "sources", "--targets-from", str(tmp_path / "targets.txt"))
    assert [(one["target"], one["total"]) for one in ask_json(*arguments)] == [
        ("acme.com", 2),
        ("https://shop.acme.com/x", 1),
    ]
    lines = ask(*arguments, "--format", "tsv", "--fields", "target,name,links").stdout.splitlines()
    assert lines == [
        "target\tname\tlinks",
        "acme.com\talpha.org\t3",
        "acme.com\tbeta.org\t1",
        "https://shop.acme.com/x\tbeta.org\t1",
    ]


def test_a_table_says_scope_and_the_wider_one_first(ledger: str) -> None:
    lines = ask("links", "list", "https://acme.com/", "--format", "table").stdout.splitlines()
    assert lines[0] == "page https://acme.com/: 3 links (domain acme.com: 4; --scope domain)"
    assert "left out: 1 lost (--state any)" in lines
    assert "read 2 of 4 pages asked for; 1 blocked, 1 failed" in lines


def test_a_table_says_what_unconfirmed_means(ledger: str) -> None:
    def shown(*arguments: str) -> str:
        return " ".join(ask("links", "count", *arguments, "--format", "table").stdout.split())

    said = "unconfirmed: 1 link on pages that the latest attempt did not read whole; every link was seen on 2026-09-23 "
    assert said in shown("acme.com")
    assert "unconfirmed:" not in shown("shop.acme.com")


def test_the_limit_is_said(ledger: str) -> None:
    lines = ask("links", "list", "acme.com", "--format", "table", "--limit", "1").stdout.splitlines()
    assert "1 of 4 rows; --limit none shows all" in lines


COVERED = [  # id, options, asked, fetched
    ("all", (), 4, 2),
    ("list", ("--list", "spring"), 2, 1),
    ("source", ("--source", "alpha.org"), 3, 1),
    ("crawl_and_source", ("--crawl", "1", "--source", "beta.org"), 1, 1),
]


@pytest.mark.parametrize(("options", "asked", "fetched"), [pytest.param(*row[1:], id=row[0]) for row in COVERED])
def test_coverage(ledger: str, options: tuple[str, ...], asked: int, fetched: int) -> None:
    found = ask_json("links", "count", "nowhere.org", *options)["coverage"]
    assert (found["asked"], found["fetched"]) == (asked, fetched)
    assert sum(value for key, value in found.items() if key != "asked") == asked


def test_links_are_answered_without_any_anchor_table(ledger: str) -> None:
    commands = [
        ("count", "acme.com"),
        ("count", "acme.com", "--placement", "main"),
        ("list", "acme.com"),
        ("list", "https://acme.com/", "--one-per", "page"),
        ("sources", "acme.com", "--by", "page"),
        ("targets", "--list", "spring"),
        ("count", "nobody.org"),
    ]
    before = [ask("links", *command, "--format", "json").stdout for command in commands]
    with open_ledger(ledger, write=True) as conn:
        for view in ("v_anchors", "v_changes"):
            conn.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")
        conn.exec_driver_sql("DROP TABLE anchor")
        conn.exec_driver_sql("DROP TABLE anchor_text")
    assert [ask("links", *command, "--format", "json").stdout for command in commands] == before
    assert ask("links", "list", "acme.com", "--with-anchor").exit_code == 1
