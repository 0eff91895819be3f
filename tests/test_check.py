"""`db check` finds each kind of damage, and names the page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from readings import RULES, failed, link, reading

from storage.check import check
from storage.engine import Ledger, create_ledger
from storage.writer import write_readings

PAGE = "https://www.blog.example/post"
SHOP, OTHER = "https://shop.example/", "https://other.example/x"


def filled(database: str) -> None:
    """A ledger with edits, losses, a page that has gone and a crawl."""
    create_ledger(database, psl="test")
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            conn.exec_driver_sql("INSERT INTO crawl (id, plan, state, started_at) VALUES (1, '{}', 'running', 0)")
        visits = [
            reading(PAGE, [(SHOP, "a"), (SHOP, "b"), (OTHER, "o")], 1000),
            reading("https://gone.example/", [(SHOP, "a")], 1000),
        ]
        write_readings(ledger, 1, visits, rules_version=RULES)
        later = [
            reading(PAGE, [link(SHOP, "c", rel=("ugc",), follow_cause=("rel",)), (SHOP, "b")], 2000),
            failed("https://gone.example/", 2000, 404),
        ]
        write_readings(ledger, None, later, rules_version=RULES)


DAMAGE = [  # id, what is done, the check that finds it
    ("anchor_missing", "DELETE FROM anchor WHERE link_no = 1",
     "each link has one current anchor, live or lost with it"),
    ("link_missing", "DELETE FROM link WHERE link_no = 1", "each anchor has one current link"),
    ("anchor_lost_alone", "UPDATE anchor SET gone_at = 3000, last_seen = 2000 WHERE link_no = 1",
     "each link has one current anchor, live or lost with it"),
    ("version_overlaps", "UPDATE link SET valid_to = 2500 WHERE valid_to = 2000",
     "versions of a link follow one another"),
    ("anchor_version_overlaps", "UPDATE anchor SET valid_to = 2500 WHERE valid_to = 2000",
     "versions of an anchor follow one another"),
    ("lost_before_it_was_seen", "UPDATE link SET gone_at = 500 WHERE gone_at IS NOT NULL",
     "versions of a link follow one another"),
    ("words_under_another_id", "UPDATE anchor_text SET text = 'zz' WHERE text = 'b'", "id and fold of anchor text"),
    ("fold_not_that_of_the_words", "UPDATE anchor_text SET fold = 'zz' WHERE text = 'b'", "id and fold of anchor text"),
    ("url_under_another_id", f"UPDATE url SET url = '{SHOP}zz' WHERE url = '{SHOP}'", "id = hash of url"),
    ("anchor_without_its_fold", "UPDATE anchor SET fold_id = 7 WHERE link_no = 1",
     "anchors have their text, with its fold"),
    ("host_of_another_domain", "UPDATE host SET domain_id = (SELECT min(id) FROM domain)",
     "links stand in the domain and host of their URLs"),
    ("links_not_counted", "UPDATE page SET links = links + 1", "pages count their live links"),
    ("visit_not_the_latest", "UPDATE page SET last_ok = last_ok - 1", "pages name their latest complete visit"),
    ("outcome_without_visit", "UPDATE outcome SET visit_id = NULL", "outcomes agree with their visits"),
    ("sums_wrong", "UPDATE edge SET links = links + 1", "sums by page and domain = links"),
    ("facts_not_as_recorded", "UPDATE link SET placement = 3 WHERE gone_at IS NULL",
     "live links = the latest complete record of each page"),
]  # fmt: skip


def test_nothing_is_wrong_with_a_ledger_as_it_was_written(database: str) -> None:
    filled(database)
    with Ledger(database) as ledger, ledger.connect() as conn:
        found = list(check(conn))
    assert [one for one in found if one.wrong] == []
    assert all(one.examined for one in found)


@pytest.mark.parametrize(("damage", "name"), [pytest.param(*row[1:], id=row[0]) for row in DAMAGE])
def test_damage_is_found(database: str, damage: str, name: str) -> None:
    filled(database)
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            conn.exec_driver_sql(damage)
        with ledger.connect() as conn:
            found = {one.name: one for one in check(conn)}
    assert found[name].wrong > 0


def test_a_reference_to_nothing_is_found_in_a_file(tmp_path: Path) -> None:
    filled(str(tmp_path / "a.db"))
    with Ledger(str(tmp_path / "a.db")) as ledger:
        with ledger.connect() as conn:
            conn.exec_driver_sql("COMMIT")
            conn.exec_driver_sql("PRAGMA foreign_keys = OFF")
            conn.exec_driver_sql("BEGIN")
            conn.exec_driver_sql("DELETE FROM crawl")
            conn.commit()
        with ledger.connect() as conn:
            assert next(iter(check(conn))).wrong == 4


def linkledger(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_prints_each_check_and_fails_with_findings(database: str) -> None:
    filled(database)
    done = linkledger("db", "check", "--db", database, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["wrong"] == 0
    with Ledger(database) as ledger, ledger.begin() as conn:
        conn.exec_driver_sql("UPDATE page SET links = 99 WHERE links = 2")
    done = linkledger("db", "check", "--db", database, "--format", "json")
    assert done.returncode == 1
    wrong = [row for row in json.loads(done.stdout)["checks"] if row["wrong"]]
    assert [(row["check"], row["examples"]) for row in wrong] == [("pages count their live links", [PAGE])]


def test_init_info_and_upgrade(database: str) -> None:
    assert linkledger("db", "info", "--db", database).returncode == 1
    assert linkledger("db", "init", "--db", database).stdout.startswith("made ")
    assert linkledger("db", "init", "--db", database).stdout.startswith("there already: ")
    filled(database)
    info = json.loads(linkledger("db", "info", "--db", database, "--format", "json").stdout)
    counted = {name: info[name] for name in ("pages", "visits", "links_live", "links_lost", "crawls", "schema")}
    assert counted == {"pages": 2, "visits": 3, "links_live": 2, "links_lost": 2, "crawls": 1, "schema": "0001"}
    assert info["suffix_list"]
    assert info["bytes"] > 0
    upgraded = linkledger("db", "upgrade", "--db", database)
    assert (upgraded.returncode, upgraded.stdout) == (0, "schema 0001, nothing to do\n")
