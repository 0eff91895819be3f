"""The logical dump: the same for ledgers that were told the same, another for any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asking import ask
from readings import RULES, failed, link, reading

from storage.dump import dump
from storage.engine import Ledger, create_ledger
from storage.lists import save_rows
from storage.records import Reading, SeedRow
from storage.writer import write_readings

PAGE, GONE = "https://www.blog.example/post", "https://gone.example/"
SHOP, OTHER = "https://shop.example/", "https://other.example/ü?q=%20"
KINDS = ("list", "list_row", "crawl", "rejected_row", "outcome", "page", "visit", "miss", "link", "anchor")

FIRST = [
    reading(PAGE, [(SHOP, "a"), (SHOP, "b"), (OTHER, "“o”\x00")], 1000),
    reading(GONE, [(SHOP, "a")], 1100),
    failed("https://down.example/", 1200, 500),
    failed("https://never.example/", 1300, 404),
]
LATER = [
    reading(PAGE, [link(SHOP, "c", rel=("ugc",), follow_cause=("rel",)), (SHOP, "b")], 2000),
    reading("https://half.example/", [(SHOP, "a")], 2050, outcome="partial"),
    failed(GONE, 2100, 404),
]


def filled(database: str, first: list[Reading], *, shift: int = 0, crawls: bool = True) -> None:
    create_ledger(database, psl="test")
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            rows = [
                SeedRow(one.requested, one.requested.domain, "a.csv", place, one.requested.url, {"Ort": "Köln"})
                for place, one in enumerate(FIRST)
            ]
            save_rows(conn, "spring", rows, 5)
            conn.exec_driver_sql(
                "INSERT INTO crawl (id, list_id, plan, state, started_at) VALUES (3, 1, '{}', 'running', 0),"
                " (7, NULL, '{}', 'running', 0)"
            )
            conn.exec_driver_sql(
                "INSERT INTO rejected_row (crawl_id, file, line, given, reason) VALUES (7, 'a', 1, 'x', 'not_http')"
            )
        for one in first:
            write_readings(ledger, 3, [one], rules_version=RULES)
        moved = [one.__class__(**{name: getattr(one, name) for name in one.__slots__} | {"at": one.at + shift})
                 for one in LATER]  # fmt: skip
        write_readings(ledger, 7, moved, rules_version=RULES)
        with ledger.begin() as conn:
            conn.exec_driver_sql(
                f"INSERT INTO miss (page_id, at, state, cause, crawl_id) SELECT id, {2100 + shift}, 6, 2, 7 FROM url"
                f" WHERE url = '{GONE}' ON CONFLICT DO NOTHING"
            )


def told(database: str, *, times: bool = False) -> list[dict[str, Any]]:
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return [json.loads(line) for line in dump(conn, times=times)]


def lines(database: str, *, times: bool = False) -> list[str]:
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return list(dump(conn, times=times))


@pytest.mark.parametrize("times", [False, True], ids=["without_times", "with_times"])
def test_both_databases_say_the_same_to_the_byte(tmp_path: Path, postgres_url: str, times: bool) -> None:
    said = []
    for database in (str(tmp_path / "a.db"), postgres_url):
        filled(database, FIRST)
        said.append(lines(database, times=times))
    assert said[0] == said[1]
    kinds = [json.loads(line)["kind"] for line in said[0]]
    assert list(dict.fromkeys(kinds)) == list(KINDS)


def test_the_order_of_arrival_makes_no_difference(database: str, tmp_path: Path) -> None:
    filled(database, FIRST)
    filled(str(tmp_path / "b.db"), FIRST[::-1])
    assert lines(database, times=True) == lines(str(tmp_path / "b.db"), times=True)


def test_dates_are_told_only_when_asked_for(tmp_path: Path) -> None:
    one, other = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    filled(one, FIRST)
    filled(other, FIRST, shift=7)
    assert lines(one) == lines(other)
    assert lines(one, times=True) != lines(other, times=True)


def test_what_is_said_of_links_and_anchors(database: str) -> None:
    filled(database, FIRST)
    rows = told(database, times=True)
    links = [row for row in rows if row["kind"] == "link" and row["source"] == PAGE]
    assert [(row["target"], row["link_no"], row["version"], row["state"], row["rel"]) for row in links] == [
        (OTHER, 0, 1, "lost", []),
        (SHOP, 0, 1, "replaced", []),
        (SHOP, 0, 2, "live", ["ugc"]),
        (SHOP, 1, 1, "live", []),
    ]
    assert links[0]["cause"] == "removed"
    assert (links[0]["gone_at"], links[0]["last_seen"]) == ("1970-01-01T00:00:02.000Z", "1970-01-01T00:00:01.000Z")
    assert links[3]["ordinal"] == 1
    assert links[3]["last_seen"] == "1970-01-01T00:00:02.000Z"
    anchors = [row for row in rows if row["kind"] == "anchor" and row["source"] == PAGE]
    assert [(row["target"], row["link_no"], row["anchor"], row["state"]) for row in anchors] == [
        (OTHER, 0, "“o”\ufffd", "lost"),
        (SHOP, 0, "a", "replaced"),
        (SHOP, 0, "c", "live"),
        (SHOP, 1, "b", "live"),
    ]


def test_attempts_are_left_out_and_what_closes_links_is_not(database: str) -> None:
    filled(database, FIRST)
    rows = told(database)
    assert "https://down.example/" not in {row["url"] for row in rows if row["kind"] in {"page", "miss"}}
    outcomes = {(row["crawl"], row["url"]): row["outcome"] for row in rows if row["kind"] == "outcome"}
    assert outcomes[1, "https://down.example/"] == "failed"
    assert outcomes[2, "https://half.example/"] == "partial"


CHANGES = [  # id, a change that a comparison must show
    ("version_missing", "DELETE FROM link WHERE valid_to IS NOT NULL"),
    ("rel", "UPDATE link SET rel = 'x' WHERE valid_to IS NULL"),
    ("began", "UPDATE anchor SET began = 4"),
    ("cause", "UPDATE link SET lost_cause = 3 WHERE gone_at IS NOT NULL"),
    ("place", "UPDATE link SET position = position + 64"),
    ("words_of_another_link", "UPDATE anchor SET text_id = (SELECT max(text_id) FROM anchor)"),
    ("visit_not_complete", "UPDATE visit SET complete = (1 = 0)"),
    ("title", "UPDATE visit SET title = 'x'"),
    ("record_pruned", "UPDATE record SET data = substr(data, 1, 0)"),
    ("outcome", "UPDATE outcome SET state = 7, reason = 'x' WHERE state = 6"),
    ("outcome_without_its_visit", "UPDATE outcome SET visit_id = NULL"),
    ("closing_miss", "DELETE FROM miss WHERE cause <> 0"),
    ("list_row", "DELETE FROM list_row WHERE line = 1"),
    ("pending_suspect", "UPDATE page SET suspect_id = last_visit_id"),
]  # fmt: skip


@pytest.mark.parametrize("change", [pytest.param(row[1], id=row[0]) for row in CHANGES])
def test_a_difference_is_seen(database: str, change: str) -> None:
    filled(database, FIRST)
    before = lines(database)
    with Ledger(database) as ledger, ledger.begin() as conn:
        conn.exec_driver_sql(change)
    assert lines(database) != before


def test_ids_and_clocks_make_none(database: str) -> None:
    filled(database, FIRST)
    before = lines(database)
    with Ledger(database) as ledger, ledger.begin() as conn:
        conn.exec_driver_sql("UPDATE outcome SET at = at + 1, turn = turn + 5, depth = 3, found_on = url_id")
        conn.exec_driver_sql("UPDATE page SET attempted_at = attempted_at + 1, confirmed = (1 = 0)")
        conn.exec_driver_sql("UPDATE crawl SET started_at = 9, ended_at = 10")
        conn.exec_driver_sql("UPDATE list_row SET added_at = 77")
    assert lines(database) == before


def test_the_command_writes_it_to_a_file_or_to_standard_output(database: str, tmp_path: Path) -> None:
    filled(database, FIRST)
    out = tmp_path / "out.jsonl"
    done = ask("db", "export", "--canonical", "--db", database, "-o", str(out))
    assert (done.exit_code, done.stdout) == (0, "")
    assert out.read_bytes().decode() == "".join(line + "\n" for line in lines(database))
    assert [path.name for path in tmp_path.glob("*.part")] == []
    shown = ask("db", "export", "--canonical", "--times", "--db", database)
    assert shown.stdout == "".join(line + "\n" for line in lines(database, times=True))
    assert ask("db", "export", "--db", database).exit_code == 2
