"""`db check` finds each kind of damage, and names the page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from any_reading import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, failed, link, reading, url

from storage import leases
from storage.authority import Value, save_scale
from storage.check import check
from storage.engine import Ledger, create_ledger
from storage.records import Hop
from storage.schema import REVISION
from storage.writer import write_readings

PAGE = "https://www.blog.example/post"
SHOP, OTHER = "https://shop.example/", "https://other.example/x"


def filled(database: str) -> None:
    """Edits, losses, a page that has gone, one that moved, a suspect, pages read in other ways, a crawl."""
    create_ledger(database, psl="test")
    many = [(f"{SHOP}{number}", "w") for number in range(6)]
    rendered = [link(SHOP, "a", seen="rendered"), link(OTHER, "o", seen="both")]
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            conn.exec_driver_sql("INSERT INTO crawl (id, plan, state, started_at) VALUES (1, '{}', 'running', 0)")
            conn.exec_driver_sql("INSERT INTO lease (crawl_id, shard, holder, until) VALUES (1, 3, 'a', 9)")
        visits = [
            reading(PAGE, [(SHOP, "a"), (SHOP, "b"), (OTHER, "o")], 1000),
            reading("https://gone.example/", [(SHOP, "a")], 1000),
            reading("https://old.example/", [(SHOP, "a")], 1000),
            reading("https://wall.example/", many, 1000),
            reading("https://half.example/", [(SHOP, "a")], 1000, outcome="partial"),
            reading("https://script.example/", rendered, 1000, method="rendered"),
            reading("https://some.example/", [(SHOP, "a")], 1000, targets=("shop.example",)),
        ]
        write_readings(ledger, 1, visits, rules_version=RULES)
        moved = (Hop(url("https://old.example/"), 301),)
        later = [
            reading(PAGE, [link(SHOP, "c", rel=("ugc",), follow_cause=("rel",)), (SHOP, "b"), (SHOP, "n")], 2000),
            failed("https://gone.example/", 2000, 404),
            failed("https://half.example/", 2000),
            reading("https://new.example/", [(SHOP, "a")], 2000, requested="https://old.example/", chain=moved),
            reading("https://wall.example/", [], 2000),
            reading("https://script.example/", [(OTHER, "o")], 2000),
            reading("https://some.example/", [(OTHER, "o"), (SHOP, "a")], 2000),
        ]
        write_readings(ledger, None, later, rules_version=RULES)
        again = [(SHOP, "c"), (SHOP, "b"), (SHOP, "n"), (OTHER, "o")]
        write_readings(ledger, None, [reading(PAGE, again, 3000)], rules_version=RULES)
        with ledger.begin() as conn:
            own = {"kind": "own", "name": "own", "measure": "authority", "dated": "2026-11-01", "about": {}, "now": 1}
            save_scale(conn, **own, values=[Value(1, 100.0, 1, 9.73, 2, 1.5, 50.0)])


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
    ("changed_without_a_version_before", "UPDATE link SET began = 3 WHERE began = 1",
     "links begin for the reason given"),
    ("restored_and_called_new", "UPDATE link SET began = 0 WHERE began = 2", "links begin for the reason given"),
    ("first_date_not_carried_on", "UPDATE link SET first_seen = first_seen - 1 WHERE began = 3",
     "links begin for the reason given"),
    ("edit_called_restored", "UPDATE anchor SET began = 2 WHERE began = 3", "anchors begin for the reason given"),
    ("first_visit_and_called_added", "UPDATE link SET began = 0 WHERE began = 1",
     "links of plain pages are page_first_seen with the first visit, and only then"),
    ("version_that_no_visit_began", "UPDATE link SET valid_from = valid_from + 1 WHERE began = 1 AND valid_to IS NULL",
     "versions begin with a complete visit, and live links were seen by one"),
    ("seen_by_no_visit", "UPDATE link SET last_seen = 1500 WHERE valid_to IS NULL AND gone_at IS NULL",
     "versions begin with a complete visit, and live links were seen by one"),
    ("lost_by_no_miss", "DELETE FROM miss WHERE cause = 2", "links are lost by what happened at that date"),
    ("moved_by_no_redirect", "UPDATE miss SET cause = 2, moved_to = NULL WHERE cause = 3",
     "links are lost by what happened at that date"),
    ("lost_for_no_cause", "UPDATE link SET lost_cause = 0", "links are lost by what happened at that date"),
    ("live_on_a_page_that_has_gone",
     "UPDATE link SET gone_at = NULL, lost_cause = 0, last_seen = NULL WHERE lost_cause = 2",
     "no link is live after its page has gone"),
    ("live_after_a_redirect",
     "UPDATE link SET gone_at = NULL, lost_cause = 0, last_seen = NULL WHERE lost_cause = 4",
     "no link is live after its page has gone"),
    ("complete_visit_forgotten", "UPDATE page SET last_ok = NULL, last_visit_id = NULL, first_ok = NULL WHERE plain",
     "pages name their latest complete visit"),
    ("first_visit_forgotten", "UPDATE page SET first_ok = first_ok - 1", "pages name their latest complete visit"),
    ("confirmed_by_a_failure", "UPDATE page SET confirmed = NOT confirmed", "pages know their latest attempt"),
    ("attempt_forgotten", "UPDATE page SET attempted_at = attempted_at - 1", "pages know their latest attempt"),
    ("suspect_that_speaks", "UPDATE page SET suspect_id = last_visit_id WHERE suspect_id IS NOT NULL",
     "a waiting suspect is the latest whole visit, and speaks for nothing"),
    ("confirmed_by_nothing", "UPDATE visit SET confirmed_at = at + 1 WHERE complete",
     "confirmed suspects speak for their page, and another visit does so since"),
    ("partial_that_speaks", "UPDATE visit SET complete = (1 = 1)", "visits that speak for their page are whole"),
    ("rendered_and_called_plain", "UPDATE page SET plain = (1 = 1)",
     "pages are plain where every visit is raw and not filtered"),
    ("moved_to_nowhere", "UPDATE miss SET moved_to = NULL", "misses close links for a reason that there is"),
    ("needed_and_pruned", "UPDATE record SET data = substr(data, 1, 0)",
     "the record of what is live, and of a waiting suspect, is kept"),
    ("held_though_ended", "UPDATE crawl SET state = 'finished'", "nobody holds a share of a crawl that has ended"),
    ("another_shard", "UPDATE outcome SET shard = 63 - shard", "operators are in the shard of their name"),
    ("record_cut_off", "UPDATE record SET data = substr(data, 1, 20)",
     "records can be read and hold what their visits count"),
    ("record_of_nonsense", "UPDATE record SET data = text", "records can be read and hold what their visits count"),
    ("visit_counts_more", "UPDATE visit SET links = links + 1", "records can be read and hold what their visits count"),
    ("own_sums_wrong", "UPDATE edge SET own_seen = own_seen + 1", "sums by page and domain = links"),
    ("places_shifted", "UPDATE link SET position = position + 64",
     "live links = the latest complete record of each page"),
    ("layout_wrong", "UPDATE page SET layout = '[[0,0],[1,9]]'",
     "live links = the latest complete record of each page"),
    ("rendered_page_not_as_recorded",
     "UPDATE link SET rel = 'x' WHERE source_id IN (SELECT id FROM page WHERE NOT plain)",
     "live links = the latest complete record of each page"),
    ("score_above_100", "UPDATE authority SET value = 101", "scales of authority are whole"),
    ("trust_below_0", "UPDATE authority SET trust = -1", "scales of authority are whole"),
    ("figures_nobody_kept", "UPDATE authority_scale SET about = '{\"domains\": 0}'", "scales of authority are whole"),
    ("scale_says_nothing", "UPDATE authority_scale SET about = 'x'", "scales of authority are whole"),
    ("facts_not_as_recorded", "UPDATE link SET placement = 3 WHERE gone_at IS NULL",
     "live links = the latest complete record of each page"),
]  # fmt: skip


def test_nothing_is_wrong_with_a_ledger_as_it_was_written(database: str) -> None:
    filled(database)
    with Ledger(database) as ledger, ledger.connect() as conn:
        found = list(check(conn))
    assert [one for one in found if one.wrong] == []
    assert all(one.examined for one in found)


def test_nothing_is_wrong_with_a_redirect_that_was_handed_on(database: str) -> None:
    filled(database)
    target, chain = url("https://elsewhere.example/"), (Hop(url(PAGE), 302),)
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            conn.exec_driver_sql("UPDATE outcome SET state = 0, at = NULL, visit_id = NULL, final_id = NULL")
            leases.hand_over(conn, 1, [leases.HandOn(url(PAGE), target, "elsewhere.example", chain)])
            assert [one for one in check(conn) if one.wrong] == []
        one = reading(target.url, [(SHOP, "a")], 9000, requested=PAGE, chain=chain)
        write_readings(ledger, 1, [one], rules_version=RULES)
        with ledger.connect() as conn:
            assert [one for one in check(conn) if one.wrong] == []


@pytest.mark.proof
@settings(max_examples=examples(15), deadline=None)
@given(st.randoms(use_true_random=False))
def test_nothing_is_wrong_with_any_history(random: Random) -> None:
    plain = random.random() < 0.5
    history = [drawn(random, place * 1000, plain=plain, moves=True) for place in range(1, random.randint(3, 14))]
    rules = {one.at: random.choice((1, 1, 1, 2)) for one in history}
    random.shuffle(history)
    with TemporaryDirectory() as folder:
        create_ledger(f"{folder}/a.db", psl="test")
        with Ledger(f"{folder}/a.db") as ledger:
            for one in history:
                write_readings(ledger, None, [one], rules_version=rules[one.at])
            with ledger.connect() as conn:
                assert [one for one in check(conn) if one.wrong] == []


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
            assert next(iter(check(conn))).wrong == 15


def linkledger(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_prints_each_check_and_fails_with_findings(database: str) -> None:
    filled(database)
    done = linkledger("db", "check", "--db", database, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["wrong"] == 0
    with Ledger(database) as ledger, ledger.begin() as conn:
        conn.exec_driver_sql("UPDATE page SET links = 99 WHERE links = 4")
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
    assert counted == {"pages": 8, "visits": 13, "links_live": 15, "links_lost": 2, "crawls": 1, "schema": REVISION}
    assert info["suffix_list"]
    assert info["bytes"] > 0
    upgraded = linkledger("db", "upgrade", "--db", database)
    assert (upgraded.returncode, upgraded.stdout) == (0, f"schema {REVISION}, nothing to do\n")
