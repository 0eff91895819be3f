"""Old evidence is given up, and nothing that an answer rests on."""

from __future__ import annotations

import json
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from any_reading import drawn
from asking import ask, ask_json
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, failed, link, reading, url

from storage.check import check
from storage.dump import dump
from storage.engine import Ledger, create_ledger
from storage.evidence import read_record
from storage.prune import Pruned, prune
from storage.records import Hop, Reading
from storage.writer import write_readings

PAGE, SHOP, OTHER = "https://www.blog.example/post", "https://shop.example/", "https://other.example/x"
SAME, HALF = "https://same.example/", "https://half.example/"
DAY = 86_400_000


def filled(database: str) -> None:
    create_ledger(database, psl="test")
    with Ledger(database) as ledger:
        for week, words in enumerate(("a", "b", "c", "a"), start=1):
            at = week * 7 * DAY
            visits = [
                reading(PAGE, [(SHOP, words), (OTHER, "o")], at),
                reading(SAME, [(SHOP, "s")], at),
                reading(HALF, [(SHOP, "h")], at, outcome="partial" if week == 1 else "fetched"),
            ]
            write_readings(ledger, None, visits, rules_version=RULES)


def write(database: str, *readings: Reading) -> None:
    with Ledger(database) as ledger:
        write_readings(ledger, None, readings, rules_version=RULES)


def pruned(database: str, before: int, *, dry_run: bool = False) -> Pruned:
    with Ledger(database, read_only=dry_run) as ledger:
        return prune(ledger, before, dry_run=dry_run)


def told(database: str) -> list[dict[str, Any]]:
    """The dump, without records."""
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        rows = [json.loads(line) for line in dump(conn, times=True)]
    return [{name: value for name, value in row.items() if name != "record"} for row in rows]


def kept(database: str) -> dict[tuple[str, int], bool]:
    """Whether each visit, by page and week, has its record."""
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        rows = conn.exec_driver_sql(
            "SELECT u.url, v.at, length(r.data) AS bytes, r.text FROM visit v JOIN record r ON r.id = v.record_id"
            " JOIN url u ON u.id = v.page_id"
        ).all()
    assert all((row.text is None) == (row.bytes == 0) for row in rows)
    return {(row.url, row.at // (7 * DAY)): row.bytes > 0 for row in rows}


def wrong(database: str) -> list[Any]:
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return [one for one in check(conn) if one.wrong]


def test_only_records_that_old_visits_alone_use_are_emptied(database: str) -> None:
    filled(database)
    before = told(database)
    planned = pruned(database, 22 * DAY, dry_run=True)
    assert all(kept(database).values())
    done = pruned(database, 22 * DAY)
    assert done == planned
    # The first and the last visit of PAGE read the same, and the partial one of HALF what the others read.
    assert (done.records, done.visits, done.pages, done.left) == (2, 2, 1, 0)
    assert done.bytes > 100
    assert {visit for visit, there in kept(database).items() if not there} == {(PAGE, 2), (PAGE, 3)}
    assert told(database) == before
    assert wrong(database) == []
    assert pruned(database, 22 * DAY) == Pruned()


def test_a_visit_of_the_date_itself_is_not_old(database: str) -> None:
    filled(database)
    assert pruned(database, 14 * DAY, dry_run=True).records == 0
    assert pruned(database, 14 * DAY + 1, dry_run=True).records == 1


def test_the_latest_complete_visit_is_never_pruned(database: str) -> None:
    filled(database)
    write(database, failed(PAGE, 35 * DAY), reading(PAGE, [], 42 * DAY, outcome="partial"))
    pruned(database, 10**15)
    assert kept(database)[PAGE, 4]
    assert not kept(database)[PAGE, 6]
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        last = conn.exec_driver_sql("SELECT last_visit_id FROM page WHERE links = 2").scalar_one()
        page = read_record(conn, last)
    assert page is not None
    assert [one.anchor.text for one in page.links] == ["a", "o"]
    assert wrong(database) == []


def test_a_suspect_and_what_came_after_it_are_kept(database: str) -> None:
    wall = "https://wall.example/"
    create_ledger(database, psl="test")
    many = [(f"{SHOP}{number}", "w") for number in range(6)]
    write(database, reading(wall, many[1:], 7 * DAY))
    write(database, reading(wall, many, 14 * DAY))
    write(database, reading(wall, [], 21 * DAY))
    pruned(database, 10**15)
    assert kept(database) == {(wall, 1): False, (wall, 2): True, (wall, 3): True}
    write(database, reading(wall, [], 28 * DAY))  # the second of two suspects that agree
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        lost = conn.exec_driver_sql("SELECT count(*), min(gone_at), max(gone_at) FROM link WHERE gone_at IS NOT NULL")
        assert tuple(lost.one()) == (6, 21 * DAY, 21 * DAY)
    assert wrong(database) == []


def test_pages_read_in_other_ways_are_left(database: str) -> None:
    create_ledger(database, psl="test")
    for week, words in enumerate(("a", "b", "c"), start=1):
        write(database, reading(PAGE, [(SHOP, words)], week * 7 * DAY, method="rendered" if week == 2 else "raw"))
    assert pruned(database, 10**15) == Pruned(left=1)
    assert all(kept(database).values())


def test_pages_between_which_links_moved_are_left(database: str) -> None:
    filled(database)
    away = (Hop(url(PAGE), 301),)
    write(database, reading(SAME, [(SHOP, "s"), (OTHER, "o")], 35 * DAY, requested=PAGE, chain=away))
    assert pruned(database, 10**15) == Pruned(left=2)
    write(database, reading("https://to.example/", [], 42 * DAY, requested="http://to.example/",
                            chain=(Hop(url("http://to.example/"), 301),)))  # fmt: skip
    write(database, reading("https://to.example/", [(SHOP, "x")], 49 * DAY))
    assert pruned(database, 10**15).records == 1  # nothing moved from a page that was never read


LATER = [  # id, what comes after the pruning, and tells the page's history again
    ("edited", [reading(PAGE, [(SHOP, "z"), (OTHER, "o")], 35 * DAY)]),
    ("gone", [failed(PAGE, 35 * DAY, 404)]),
    ("gone_and_back", [failed(PAGE, 35 * DAY, 404), reading(PAGE, [(SHOP, "z"), (OTHER, "o")], 42 * DAY)]),
    ("moved", [reading("https://new.example/", [(SHOP, "a"), (OTHER, "o")], 35 * DAY, requested=PAGE,
                       chain=(Hop(url(PAGE), 301),))]),
    ("late_but_after_what_was_pruned", [reading(PAGE, [(SHOP, "late"), (OTHER, "o")], 25 * DAY)]),
    ("filtered", [reading(PAGE, [(SHOP, "f")], 35 * DAY, targets=("shop.example",))]),
    ("rendered", [reading(PAGE, [(SHOP, "a"), (OTHER, "o"), (OTHER, "by script")], 35 * DAY, method="rendered")]),
    ("two_at_once", [reading(PAGE, [(SHOP, "y")], 35 * DAY), reading(PAGE, [(SHOP, "z")], 42 * DAY)]),
    ("other_rules", [reading(PAGE, [link(SHOP, "a", rel=("ugc",), follow_cause=("rel",))], 35 * DAY)]),
]  # fmt: skip


@pytest.mark.parametrize("later", [pytest.param(row[1], id=row[0]) for row in LATER])
def test_what_comes_later_is_told_as_if_nothing_had_been_pruned(
    database: str, tmp_path: Any, later: list[Reading]
) -> None:
    whole = str(tmp_path / "whole.db")
    filled(database)
    filled(whole)
    assert pruned(database, 22 * DAY).records == 2
    for one in (database, whole):
        write(one, *later)
    assert told(database) == told(whole)
    assert wrong(database) == []


def test_readings_dated_before_what_was_pruned_are_recorded_and_not_merged(database: str) -> None:
    filled(database)
    pruned(database, 22 * DAY)
    before = [row for row in told(database) if row["kind"] in ("link", "anchor")]
    write(database, reading(PAGE, [(SHOP, "late")], 10 * DAY))
    rows = told(database)
    assert [row for row in rows if row["kind"] in ("link", "anchor")] == before
    assert len([row for row in rows if row["kind"] == "visit" and row["url"] == PAGE]) == 5
    assert wrong(database) == []
    write(database, failed(PAGE, 11 * DAY, 404))
    rows = told(database)
    assert [row for row in rows if row["kind"] in ("link", "anchor")] == before
    assert len([row for row in rows if row["kind"] == "miss" and row["url"] == PAGE]) == 1
    assert wrong(database) == []


@pytest.mark.proof
@settings(max_examples=examples(12), deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_history_goes_on_after_pruning(random: Random) -> None:
    """What is live is the same. Which of several equal links is which may not be, where a late reading makes a page be
    told again: the order they stood in at that time is not kept.
    """
    number = random.randint(2, 10)
    plain = random.random() < 0.8
    history = [drawn(random, place * 1000, plain=plain, moves=True) for place in range(1, number + 1)]
    cut = random.randint(1, number) * 1000 + 500
    old, new = [one for one in history if one.at <= cut], [one for one in history if one.at > cut]
    random.shuffle(old)
    random.shuffle(new)
    known = random.randint(0, len(new))
    with TemporaryDirectory() as folder:
        one, whole = f"{folder}/one.db", f"{folder}/whole.db"
        for database in (one, whole):
            create_ledger(database, psl="test")
            with Ledger(database) as ledger:
                for each in (*old, *new[:known]):
                    write_readings(ledger, None, [each], rules_version=RULES)
                if database == one:
                    prune(ledger, cut)
                for each in new[known:]:
                    write_readings(ledger, None, [each], rules_version=RULES)
            assert wrong(database) == []
        assert live(one) == live(whole)


def live(database: str) -> list[tuple[Any, ...]]:
    rows = [row for row in told(database) if row["kind"] == "anchor" and row["state"] == "live"]
    return sorted((row["source"], row["target"], row["anchor"], row["last_seen"]) for row in rows)


def test_evidence_that_is_seen_again_is_kept_again(database: str) -> None:
    filled(database)
    pruned(database, 22 * DAY)
    write(database, reading(PAGE, [(SHOP, "b"), (OTHER, "o")], 35 * DAY))
    assert kept(database) == {visit: visit != (PAGE, 3) for visit in kept(database)}
    assert wrong(database) == []


def test_the_command(database: str) -> None:
    filled(database)
    asked = ask_json("db", "prune", "--older-than", "1970-01-23", "--dry-run", "--db", database)
    assert (asked["records"], asked["visits"], asked["pages"], asked["dry_run"]) == (2, 2, 1, True)
    assert asked["older_than"] == "1970-01-23T00:00:00.000Z"
    assert all(kept(database).values())
    done = ask("db", "prune", "--older-than", "180d", "--vacuum", "--db", database, "--format", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["records"] == 2
    assert wrong(database) == []
    assert ask("db", "prune", "--older-than", "often", "--db", database).exit_code == 2
    assert ask("db", "prune", "--db", database).exit_code == 2
