"""``new``, ``lost``, ``changes``, ``history`` and ``timeline`` over three crawls of real readings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_json
from readings import RULES, failed, link, reading, url
from sample import DAY, T0, new_ledger
from sqlalchemy import insert

from storage.engine import Ledger
from storage.records import Hop, Reading
from storage.schema import crawl
from storage.times import to_iso
from storage.writer import write_readings

HOME, SHOP = "https://acme.com/", "https://shop.acme.com/x"
ADDED, EDIT, REL, GONE, DEAD = (f"https://{name}.org/1" for name in ("added", "edit", "rel", "gone", "dead"))
INDEX, FLAKY, LATE = (f"https://{name}.org/1" for name in ("index", "flaky", "late"))
OLD, NEW, FROM, TO, OWN = (
    "https://moved.org/old", "https://moved.org/new", "https://redir.org/old", "https://redir.org/", HOME + "about",
)  # fmt: skip
SAME = [link(HOME, "Acme")]
FIRST, SECOND, THIRD = T0, T0 + 7 * DAY, T0 + 14 * DAY


def redirected(source: str, to: str, links: list[Any], at: int) -> Reading:
    return reading(to, links, at, requested=source, chain=(Hop(url(source), 301),))


def without_index(one: Reading) -> Reading:
    assert one.page is not None
    return Reading(**{name: getattr(one, name) for name in Reading.__slots__} | {
        "page": one.page._replace(not_indexable=("meta_robots",))
    })  # fmt: skip


def crawls() -> list[list[Reading]]:
    first = [reading(one, SAME, FIRST) for one in (EDIT, REL, GONE, DEAD, INDEX, FLAKY, OLD, FROM)]
    first += [reading(ADDED, [link("https://other.com/", "x")], FIRST), reading(OWN, [(SHOP, "shop")], FIRST)]
    second = [
        reading(ADDED, [link("https://other.com/", "x"), link(SHOP, "Acme shears", placement="footer")], SECOND),
        reading(EDIT, [link(HOME, "Acme garden tools")], SECOND),
        reading(REL, [link(HOME, "Acme", rel=("sponsored",), follow_cause=("rel",))], SECOND),
        reading(GONE, [], SECOND),
        failed(DEAD, SECOND, 404),
        without_index(reading(INDEX, SAME, SECOND)),
        failed(FLAKY, SECOND, 503),
        redirected(OLD, NEW, SAME, SECOND),
        redirected(FROM, TO, [], SECOND),
        reading(LATE, [link(HOME, "late")], SECOND),
        reading(OWN, [(SHOP, "shop"), (HOME, "home")], SECOND),
    ]
    third = [reading(GONE, [link(HOME, "Back")], THIRD), failed(FLAKY, THIRD, 503), reading(LATE, [], THIRD)]
    return [first, second, third]


@pytest.fixture
def ledger(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    fill(database)
    monkeypatch.setenv("LINKLEDGER_DB", database)
    return database


def fill(database: str) -> None:
    with Ledger(new_ledger(database)) as store:
        for number, (readings, at) in enumerate(zip(crawls(), (FIRST, SECOND, THIRD), strict=True), 1):
            with store.begin() as conn:
                row = {"id": number, "plan": "{}", "state": "finished", "started_at": at - 1, "ended_at": at + 1}
                conn.execute(insert(crawl), row)
            write_readings(store, number, readings, rules_version=RULES)


NOTHING = {"internal": 0, "page_first_seen": 0, "moved": 0}
NEW_LINKS = [  # at, cause, source, target
    (THIRD, "restored", GONE, HOME),
    (SECOND, "link_added", ADDED, SHOP),
]
LOST_LINKS = [
    (THIRD, "removed", LATE, HOME),
    (SECOND, "page_not_found", DEAD, HOME),
    (SECOND, "removed", GONE, HOME),
    (SECOND, "page_redirected", FROM, HOME),
]
CHANGES = [  # at, change, cause, source, old, new
    (THIRD, "link_restored", "restored", GONE, None, None),
    (THIRD, "link_lost", "removed", LATE, None, None),
    (SECOND, "link_added", "link_added", ADDED, None, None),
    (SECOND, "link_lost", "page_not_found", DEAD, None, None),
    (SECOND, "anchor_changed", None, EDIT, "Acme", "Acme garden tools"),
    (SECOND, "link_lost", "removed", GONE, None, None),
    (SECOND, "devalued", None, INDEX, "indexable", "meta_robots"),
    (SECOND, "link_lost", "page_redirected", FROM, None, None),
    (SECOND, "rel_changed", None, REL, "", "sponsored"),
    (SECOND, "followed_changed", None, REL, "followed", "not followed"),
]


def test_new_links_have_a_reason(ledger: str) -> None:
    answer = ask_json("links", "new", "acme.com")
    assert [(row["at"], row["cause"], row["source"], row["target"]) for row in answer["links"]] == [
        (to_iso(at), *rest) for at, *rest in NEW_LINKS
    ]
    assert (answer["total"], answer["left_out"]) == (2, {"internal": 2, "page_first_seen": 9, "moved": 1})
    assert answer["links"][1] == {
        "at": "2026-09-28T14:13:20.000Z",
        "cause": "link_added",
        "source": ADDED,
        "target": SHOP,
        "link_no": 0,
        "rel": [],
        "followed": True,
        "follow_cause": [],
        "placement": "footer",
        "element": "a",
        "hidden": False,
        "first_seen": "2026-09-28T14:13:20.000Z",
    }
    every = ask_json("links", "new", "acme.com", "--with-first-seen", "--with-moved", "--kind", "any")
    assert every["left_out"] == NOTHING
    assert every["total"] == 2 + 9 + 1 + 2
    moved = [row for row in every["links"] if row["cause"] == "moved"]
    assert [(row["source"], row["first_seen"]) for row in moved] == [(NEW, to_iso(FIRST))]


def test_lost_links_have_a_cause_and_a_failure_loses_none(ledger: str) -> None:
    answer = ask_json("links", "lost", "acme.com")
    assert [(row["at"], row["cause"], row["source"], row["target"]) for row in answer["links"]] == [
        (to_iso(at), *rest) for at, *rest in LOST_LINKS
    ]
    assert answer["left_out"] == NOTHING | {"moved": 1}
    assert answer["links"][0]["first_seen"] == answer["links"][0]["last_seen"] == to_iso(SECOND)
    moved = ask_json("links", "lost", "acme.com", "--with-moved", "--source", "moved.org")["links"]
    assert [(row["source"], row["cause"]) for row in moved] == [(OLD, "moved")]


def test_changes_tell_it_all(ledger: str) -> None:
    answer = ask_json("links", "changes", "acme.com")
    assert [
        tuple(row[key] for key in ("at", "change", "cause", "source", "old", "new")) for row in answer["changes"]
    ] == [(to_iso(at), *rest) for at, *rest in CHANGES]
    assert list(answer["changes"][0]) == ["at", "change", "cause", "source", "target", "link_no", "old", "new"]
    assert list(answer)[:5] == ["target", "scope", "total", "since", "until"]


def test_the_view_says_the_same(ledger: str) -> None:
    answer = ask_json("links", "changes", "--kind", "any", "--with-first-seen", "--with-moved")
    with Ledger(ledger) as store, store.connect() as conn:
        rows = conn.exec_driver_sql("SELECT at, change, cause, source, target, link_no, old, new FROM v_changes")
        assert sorted(map(repr, rows)) == sorted(repr(tuple(row.values())) for row in answer["changes"])
    assert answer["total"] == 24


def test_words_that_came_and_went(ledger: str) -> None:
    new = ask_json("anchors", "new", "acme.com")
    assert [(row["at"], row["cause"], row["anchor"], row["source"], row["replaced"]) for row in new["anchors"]] == [
        (to_iso(THIRD), "restored", "Back", GONE, None),
        (to_iso(SECOND), "link_added", "Acme shears", ADDED, None),
        (to_iso(SECOND), "anchor_changed", "Acme garden tools", EDIT, "Acme"),
    ]
    assert new["left_out"] == {"internal": 2, "page_first_seen": 9, "moved": 1}
    lost = ask_json("anchors", "lost", "acme.com", "--anchor-contains", "ACME")
    assert lost["left_out"] == NOTHING | {"moved": 1}
    assert [(row["cause"], row["anchor"], row["source"], row["replaced_by"]) for row in lost["anchors"]] == [
        ("page_not_found", "Acme", DEAD, None),
        ("anchor_changed", "Acme", EDIT, "Acme garden tools"),
        ("removed", "Acme", GONE, None),
        ("page_redirected", "Acme", FROM, None),
    ]
    assert lost["filter"] == {"kind": "external", "anchor_contains": "ACME"}
    edited = ask_json("anchors", "changes", "acme.com")["changes"]
    assert [(row["change"], row["source"], row["old"], row["new"]) for row in edited] == [
        ("anchor_changed", EDIT, "Acme", "Acme garden tools")
    ]
    assert ask_json("anchors", "changes", "acme.com", "--anchor-contains", "garden")["total"] == 1
    assert ask_json("anchors", "changes", "acme.com", "--anchor-contains", "shears")["total"] == 0


TIMES = [  # id, options, how many changes
    ("all", (), 10),
    ("since_a_date", ("--since", "2026-09-29"), 2),
    ("since_is_included", ("--since", "2026-09-28T14:13:20Z"), 10),
    ("until_is_not", ("--until", "2026-10-05T14:13:20Z"), 8),
    ("between", ("--since", "2026-09-28", "--until", "2026-09-29"), 8),
    ("long_ago", ("--until", "2000-01-01"), 0),
    ("last_crawl_against_the_one_before", ("--crawl", "previous..last"), 2),
    ("by_number", ("--crawl", "1..2"), 8),
    ("both", ("--crawl", "1..3"), 10),
    ("one_crawl", ("--crawl", "2"), 8),
    ("the_wrong_way_round", ("--crawl", "3..1"), 0),
]


@pytest.mark.parametrize(("options", "number"), [pytest.param(*row[1:], id=row[0]) for row in TIMES])
def test_when(ledger: str, options: tuple[str, ...], number: int) -> None:
    answer = ask_json("links", "changes", "acme.com", *options)
    assert (answer["total"], len(answer["changes"])) == (number, number)


FILTERS = [  # id, options, sources of the changes
    ("placement_then", ("--placement", "footer"), [ADDED]),
    ("not_followed_from_then_on", ("--not-followed",), [REL, REL]),
    ("source", ("--source", "gone.org"), [GONE, GONE]),
    ("host", ("--scope", "host"), [GONE, LATE, DEAD, EDIT, GONE, INDEX, FROM, REL, REL]),
    ("internal", ("--kind", "internal"), [OWN]),
]


@pytest.mark.parametrize(("options", "sources"), [pytest.param(*row[1:], id=row[0]) for row in FILTERS])
def test_filters_ask_of_the_link_as_it_was_then(ledger: str, options: tuple[str, ...], sources: list[str]) -> None:
    found = ask_json("links", "changes", "acme.com", *options)["changes"]
    assert sorted(row["source"] for row in found if row["cause"] != "page_first_seen") == sorted(sources)


ZERO = [  # id, arguments, what stderr says
    ("never_seen", ("links", "lost", "acne.com"), "acne.com was never seen as the target of a link"),
    ("time", ("links", "lost", "acme.com", "--until", "2020-01-01"), "acme.com: 0 lost links in this time"),
    ("crawls", ("links", "new", "acme.com", "--crawl", "3..1"), "read after the second"),
    ("left_out", ("links", "new", "acme.com", "--source", "late.org"), "0 new links but those left out"),
    (
        "left_out_says_how_many",
        ("links", "new", "acme.com", "--source", "moved.org"),
        "left out: 1 first seen with their page (--with-first-seen), 1 moved (--with-moved)",
    ),
    ("read_once", ("links", "new", "acme.com", "--source", "dead.org"), "it takes two readings to tell"),
    ("read_once_timeline", ("links", "timeline", "acme.com", "--source", "dead.org"), "read twice yet"),
]


@pytest.mark.parametrize(("arguments", "said"), [pytest.param(*row[1:], id=row[0]) for row in ZERO])
def test_zero_says_why(ledger: str, arguments: tuple[str, ...], said: str) -> None:
    result = ask(*arguments, "--format", "json")
    assert result.exit_code == 0
    assert said in result.stderr


USAGE = [  # id, arguments, part of the message
    ("crawl_and_since", ("changes", "acme.com", "--crawl", "last", "--since", "7d"), "leave out --since"),
    ("no_crawl", ("changes", "acme.com", "--crawl", "1..x"), "previous..last"),
    ("backwards", ("new", "acme.com", "--since", "7d", "--until", "30d"), "is not after"),
    ("no_moment", ("lost", "acme.com", "--since", "soon"), "neither a date"),
    ("no_period", ("timeline", "acme.com", "--by", "year"), "year"),
    ("state_is_not_asked", ("changes", "acme.com", "--state", "lost"), "--state"),
    ("no_source", ("history", "ftp://x/", "acme.com"), "SOURCE"),
    ("field", ("timeline", "acme.com", "--fields", "anchors"), "no field named"),
]


@pytest.mark.parametrize(("arguments", "said"), [pytest.param(*row[1:], id=row[0]) for row in USAGE])
def test_usage_errors_come_before_anything_opens(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    there = tmp_path / "none.db"
    result = ask("links", *arguments, "--db", f"sqlite:///{there}")
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert not there.exists()


def test_a_table_reads_well_in_80_columns(ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = ask("links", "changes", HOME, "--format", "table").stdout.splitlines()
    assert lines[0] == "page https://acme.com/: 9 changes"
    assert max(map(len, lines)) <= 80
    assert [line.split(None, 2) for line in lines[3:12]] == [
        ["2026-10-05", "https://gone.org/1", "restored"],
        ["2026-10-05", "https://late.org/1", "lost: removed"],
        ["2026-09-28", "https://dead.org/1", "lost: page_not_found"],
        ["2026-09-28", "https://edit.org/1", "words: Acme -> Acme garden tools"],
        ["2026-09-28", "https://gone.org/1", "lost: removed"],
        ["2026-09-28", "https://index.org/1", "devalued: meta_robots"],
        ["2026-09-28", "https://redir.org/old", "lost: page_redirected"],
        ["2026-09-28", "https://rel.org/1", "rel: (none) -> sponsored"],
        ["2026-09-28", "https://rel.org/1", "now not followed"],
    ]
    assert lines[12] == "target of each: https://acme.com/"
    cut = ask("links", "changes", HOME, "--format", "table", "--limit", "2").stdout.splitlines()
    assert "2 of 9 rows; --limit none shows all" in cut


def test_history_tells_every_version_with_the_readings_around_it(ledger: str) -> None:
    answer = ask_json("links", "history", GONE, "acme.com")
    assert answer["links"] == 1
    told = answer["history"]
    assert [(row["at"], row["change"], row["cause"], row["anchor"], row["previous_visit"]) for row in told] == [
        (to_iso(FIRST), ["link_added"], "page_first_seen", "Acme", None),
        (to_iso(SECOND), ["link_lost"], "removed", "Acme", to_iso(FIRST)),
        (to_iso(THIRD), ["link_restored"], "restored", "Back", to_iso(SECOND)),
    ]
    [_, edited] = ask_json("links", "history", REL, "acme.com")["history"]
    assert edited["change"] == ["rel_changed", "followed_changed"]
    assert (edited["rel"], edited["followed"], edited["follow_cause"]) == (["sponsored"], False, ["rel"])
    assert [row["change"] for row in ask_json("links", "history", INDEX, HOME)["history"]] == [
        ["link_added"],
        ["devalued"],
    ]
    both = ask_json("links", "history", OWN, "acme.com")["history"]
    assert [(row["target"], row["cause"]) for row in both] == [(HOME, "link_added"), (SHOP, "page_first_seen")]


HISTORY = [  # id, source, target, what is said
    ("unconfirmed", FLAKY, "acme.com", "page read whole once, 2026-09-21; latest attempt 2026-10-05: failed"),
    ("redirected", OLD, "acme.com", "latest attempt 2026-09-28: redirected"),
    ("no_such_link", EDIT, "rival.com", "no link from this page to rival.com was ever seen"),
    ("never_read", "https://edit.org/2", "acme.com", "https://edit.org/2 was never read"),
]


@pytest.mark.parametrize(("source", "target", "said"), [pytest.param(*row[1:], id=row[0]) for row in HISTORY])
def test_history_says_how_the_page_was_read(ledger: str, source: str, target: str, said: str) -> None:
    result = ask("links", "history", source, target, "--format", "tsv")
    assert result.exit_code == 0
    assert said in " ".join(result.stderr.split())


def test_timelines_reconcile_with_each_other_and_with_counts(ledger: str) -> None:
    links = ask_json("links", "timeline", "acme.com", "--until", "2026-10-12")
    assert [
        tuple(row[key] for key in ("period", "gained", "found", "moved", "lost", "live", "unconfirmed"))
        for row in links["timeline"]
    ] == [
        ("2026-W39", 0, 8, 0, 0, 8, 0),
        ("2026-W40", 1, 1, 0, 3, 7, 1),
        ("2026-W41", 1, 0, 0, 1, 7, 1),
    ]  # fmt: skip
    assert links["timeline"][1]["since"] == "2026-09-28T00:00:00.000Z"
    anchors = ask_json("anchors", "timeline", "acme.com", "--until", "2026-10-12")["timeline"]
    assert [(row["new"], row["lost"], row["anchors"], row["live"]) for row in anchors] == [
        (1, 0, 1, 8),
        (3, 0, 4, 7),
        (1, 1, 4, 7),
    ]
    now = ask_json("links", "count", "acme.com")
    assert (now["backlinks"], now["unconfirmed"]) == (7, 1)
    days = ask_json("links", "timeline", "acme.com", "--by", "day", "--since", "2026-09-25", "--until", "2026-09-30")
    assert [(row["period"][8:], row["live"]) for row in days["timeline"]] == [
        ("25", 8), ("26", 8), ("27", 8), ("28", 7), ("29", 7),
    ]  # fmt: skip
    table = ask("links", "timeline", "acme.com", "--by", "day", "--format", "table", "--until", "2026-10-20").stdout
    assert "20 of 29 rows; --limit none shows all" in table
    assert table.splitlines()[-3].startswith("2026-10-19")
    assert table.splitlines()[-1] == "left out: 2 internal (--kind any)"
    assert links["left_out"] == {"internal": 2}


def test_both_databases_say_the_same_to_the_byte(tmp_path: Path, postgres_url: str) -> None:
    said = []
    for database in (f"sqlite:///{tmp_path}/a.db", postgres_url):
        fill(database)
        said.append([
            ask(*command, "--format", form, "--db", database).stdout
            for command in (
                ("links", "new"),
                ("links", "lost", "acme.com"),
                ("links", "changes", "--kind", "any", "--with-first-seen", "--with-moved"),
                ("links", "changes", "--crawl", "previous..last"),
                ("links", "history", OWN, "acme.com"),
                ("links", "timeline", "--until", "2026-11-01"),
                ("anchors", "new"),
                ("anchors", "lost", "acme.com"),
                ("anchors", "changes"),
                ("anchors", "timeline", "acme.com", "--until", "2026-11-01"),
            )
            for form in ("table", "json", "jsonl", "csv", "tsv")
        ])  # fmt: skip
    assert said[0] == said[1]
    assert all(text.strip() for text in said[0])


def test_links_new_lost_and_timeline_read_no_anchor(ledger: str) -> None:
    commands = [("new", "acme.com"), ("lost", "acme.com"), ("timeline", "acme.com", "--until", "2026-11-01")]
    before = [ask("links", *command, "--format", "json").stdout for command in commands]
    with Ledger(ledger) as store, store.begin() as conn:
        for view in ("v_anchors", "v_changes"):
            conn.exec_driver_sql(f"DROP VIEW {view}")
        conn.exec_driver_sql("DROP TABLE anchor")
        conn.exec_driver_sql("DROP TABLE anchor_text")
    assert [ask("links", *command, "--format", "json").stdout for command in commands] == before
    assert all(json.loads(text) for text in before)
