"""What each reading of a page writes, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, failed, link, page, reading, url

from storage import evidence, layout
from storage.check import check
from storage.dictionaries import _one_text_an_id, ensure_urls, find_url_ids, hash_id
from storage.engine import Ledger, create_ledger
from storage.errors import HashCollision
from storage.lives import Document, Life
from storage.records import Discovered, Hop, Reading
from storage.shards import shard_of
from storage.writer import WriteSummary, write_readings

PAGE = "https://www.blog.example/post"
SHOP = "https://shop.example/"
OTHER = "https://other.example/x"


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A new ledger on each kind of database; what it claims is recomputed when the test is over."""
    create_ledger(database, psl="test")
    with Ledger(database) as opened:
        yield opened
        with opened.connect() as conn:
            assert [one for one in check(conn) if one.wrong] == []


def write(ledger: Ledger, *readings: Reading, crawl: int | None = None) -> WriteSummary:
    return write_readings(ledger, crawl, readings, rules_version=RULES)


def rows(ledger: Ledger, question: str) -> list[tuple[Any, ...]]:
    with ledger.connect() as conn:
        return [tuple(row) for row in conn.exec_driver_sql(question)]


def links(ledger: Ledger) -> list[tuple[Any, ...]]:
    """(target, link_no, words, first_seen, last_seen, gone_at, cause code, ordinal) of the latest versions."""
    found = rows(
        ledger,
        "SELECT u.url, l.link_no, t.text, l.first_seen, l.last_seen, l.gone_at, l.lost_cause, l.position, p.layout"
        " FROM link l JOIN page p ON p.id = l.source_id"
        " JOIN anchor a ON a.source_id = l.source_id AND a.target_id = l.target_id AND a.link_no = l.link_no"
        " AND a.valid_to IS NULL"
        " JOIN url u ON u.id = l.target_id JOIN anchor_text t ON t.id = a.text_id"
        " WHERE l.valid_to IS NULL ORDER BY u.url, l.link_no",
    )
    return [(*row[:7], layout.ordinal(row[7], layout.PLAIN if row[5] else layout.read(row[8]))) for row in found]


def start_crawl(ledger: Ledger, *seeds: str) -> int:
    with ledger.begin() as conn:
        ids = ensure_urls(conn, map(url, seeds))
        conn.exec_driver_sql("INSERT INTO crawl (id, plan, state, started_at) VALUES (1, '{}', 'running', 0)")
        for turn, seed in enumerate(seeds):
            conn.exec_driver_sql(
                "INSERT INTO outcome (crawl_id, url_id, state, operator, turn, depth, shard)"
                f" VALUES (1, {ids[seed]}, 0, '{url(seed).domain}', {turn}, 0, {shard_of(url(seed).domain)})"
            )
    return 1


# -- a page read once -----------------------------------------------------------------------


def test_a_first_visit_opens_every_link_with_its_anchor(ledger: Ledger) -> None:
    done = write(ledger, reading(PAGE, [(SHOP, "Shop"), (OTHER, ""), (SHOP, "Shop")], 1000))
    assert (done.pages, done.links_opened, done.anchors_opened) == (1, 3, 3)
    assert links(ledger) == [
        (OTHER, 0, "", 1000, None, None, 0, 1),
        (SHOP, 0, "Shop", 1000, None, None, 0, 0),
        (SHOP, 1, "Shop", 1000, None, None, 0, 2),
    ]


def test_every_fact_of_a_link_is_stored(ledger: Ledger) -> None:
    one = link(
        SHOP, "", rel=("nofollow", "ugc", "me"), follow_cause=("rel", "x_robots_tag"), placement="footer",
        element="area", hidden=True,
    )  # fmt: skip
    write(ledger, reading(PAGE, [one], 1000))
    assert rows(ledger, "SELECT follow_cause, rel, placement, element, hidden FROM link") == [
        (1 + 2 + 16, "nofollow ugc me", 4, 1, True)
    ]
    found = rows(
        ledger,
        "SELECT source, target, rel, followed, follow_cause, placement, element, ordinal, state, lost_cause,"
        " first_seen, last_seen, found_lost_at FROM v_links",
    )
    seen = "1970-01-01T00:00:01.000Z"
    assert found == [
        (PAGE, SHOP, '["nofollow", "ugc", "me"]', False, '["rel", "x_robots_tag"]', "footer", "area", 0, "live", None,
         seen, seen, None)
    ]  # fmt: skip


def test_the_record_gives_the_page_back(ledger: Ledger) -> None:
    original = page(
        PAGE,
        [
            link(SHOP, "a\x1fb", fragment="", rel=("ugc",), before="links ¶ davor", after="\ud800"),
            link(OTHER, "", hidden=True, internal=True),
        ],
        title=None,
        h2=("A", "B"),
    )
    write(ledger, replace(reading(PAGE, [], 5), page=original))
    with ledger.connect() as conn:
        visit = conn.exec_driver_sql("SELECT id FROM visit").scalar_one()
        assert evidence.read_record(conn, visit) == original


def test_text_can_be_left_out_and_is_bounded(ledger: Ledger) -> None:
    long = " ".join(str(number * 7919) for number in range(200_000))
    write(ledger, replace(reading(PAGE, [], 5), page=page(PAGE, [], text=long)))
    write_readings(ledger, None, [reading(OTHER, [], 5)], keep_text=False, rules_version=RULES)
    kept = dict(rows(ledger, "SELECT v.page_id, r.text FROM visit v JOIN record r ON r.id = v.record_id"))
    with ledger.connect() as conn:
        ids = find_url_ids(conn, [PAGE, OTHER])
    assert kept[ids[OTHER]] is None
    assert len(kept[ids[PAGE]]) <= evidence.TEXT_BYTES
    assert long.startswith(evidence.read_text(bytes(kept[ids[PAGE]])))


def test_texts_of_any_length_and_any_character(ledger: Ledger) -> None:
    dice = "".join(chr(33 + number * number % 90) for number in range(1_000_000))
    long = f"https://long.example/{dice}"
    host = f"https://{'a' * 300_000}.example/"
    write(
        ledger,
        reading(PAGE, [(long, dice), (SHOP, "a\x00b\ud800"), (host, "x"), link(SHOP, rel=("\x00", "x"))], 1000),
    )
    stored = {(row[0], row[2]) for row in links(ledger)}
    assert stored == {(long, dice), (SHOP, "a\ufffdb\ufffd"), (host, "x"), (SHOP, "words")}


# -- a page read again ----------------------------------------------------------------------


def test_an_unchanged_page_costs_two_rows(ledger: Ledger) -> None:
    many = [(f"https://t{number}.example/", "words") for number in range(500)]
    write(ledger, reading(PAGE, many, 1000))
    done = write(ledger, reading(PAGE, many, 2000))
    assert (done.unchanged, done.rows_written) == (1, 2)
    assert rows(ledger, "SELECT count(*) FROM record") == [(1,)]
    assert rows(ledger, "SELECT first_ok, last_ok, attempted_at, links FROM page") == [(1000, 2000, 2000, 500)]


HISTORIES: list[tuple[str, list[list[tuple[str, str]]], list[tuple[Any, ...]]]] = [
    # id, the links of visits at 1000, 2000 ..., the latest versions afterwards
    ("edited_words_keep_the_link", [[(SHOP, "a")], [(SHOP, "b")]], [(SHOP, 0, "b", 1000, None, None, 0, 0)]),
    ("removed", [[(SHOP, "a")], []], [(SHOP, 0, "a", 1000, 1000, 2000, 1, 0)]),
    (
        "new_one_on_top_takes_the_next_number",
        [[(SHOP, "a")], [(SHOP, "b"), (SHOP, "a")]],
        [(SHOP, 0, "a", 1000, None, None, 0, 1), (SHOP, 1, "b", 2000, None, None, 0, 0)],
    ),
    ("restored_keeps_its_first_date", [[(SHOP, "a")], [], [(SHOP, "a")]], [(SHOP, 0, "a", 1000, None, None, 0, 0)]),
    (
        "restored_with_other_words",
        [[(SHOP, "a")], [], [(SHOP, "z")]],
        [(SHOP, 0, "z", 1000, None, None, 0, 0)],
    ),
    (
        "same_words_take_their_own_number_back",
        [[(SHOP, "a"), (SHOP, "b")], [], [(SHOP, "b")]],
        [(SHOP, 0, "a", 1000, 1000, 2000, 1, 0), (SHOP, 1, "b", 1000, None, None, 0, 0)],
    ),
    (
        "other_words_take_the_lowest_number",
        [[(SHOP, "a"), (SHOP, "b")], [], [(SHOP, "z")]],
        [(SHOP, 0, "z", 1000, None, None, 0, 0), (SHOP, 1, "b", 1000, 1000, 2000, 1, 1)],
    ),
    (
        "moving_in_the_document_is_no_change",
        [[(SHOP, "a"), (OTHER, "o")], [(OTHER, "o"), (SHOP, "a")]],
        [(OTHER, 0, "o", 1000, None, None, 0, 0), (SHOP, 0, "a", 1000, None, None, 0, 1)],
    ),
]


@pytest.mark.parametrize(("visits", "expected"), [pytest.param(*row[1:], id=row[0]) for row in HISTORIES])
def test_histories(ledger: Ledger, visits: list[list[tuple[str, str]]], expected: list[tuple[Any, ...]]) -> None:
    for number, found in enumerate(visits, start=1):
        write(ledger, reading(PAGE, found, number * 1000))
    assert links(ledger) == expected


def test_an_edit_closes_the_old_words_and_both_keep_their_dates(ledger: Ledger) -> None:
    for number, words in enumerate(["a", "a", "b", "b"], start=1):
        write(ledger, reading(PAGE, [(SHOP, words)], number * 1000))
    versions = "SELECT t.text, a.valid_from, a.valid_to, a.first_seen, a.last_seen FROM anchor a JOIN anchor_text t"
    assert rows(ledger, versions + " ON t.id = a.text_id ORDER BY a.valid_from") == [
        ("a", 1000, 3000, 1000, 2000),
        ("b", 3000, None, 3000, None),
    ]
    assert rows(ledger, "SELECT valid_from, valid_to FROM link") == [(1000, None)]
    assert rows(ledger, "SELECT at, change, old, new FROM v_changes WHERE change = 'anchor_changed'") == [
        ("1970-01-01T00:00:03.000Z", "anchor_changed", "a", "b")
    ]


def test_a_changed_rel_is_a_new_version_of_the_link_and_none_of_the_anchor(ledger: Ledger) -> None:
    write(ledger, reading(PAGE, [link(SHOP)], 1000))
    write(ledger, reading(PAGE, [link(SHOP, rel=("nofollow",), follow_cause=("rel",))], 2000))
    assert rows(ledger, "SELECT rel, valid_from, valid_to, first_seen, last_seen FROM link ORDER BY valid_from") == [
        ("", 1000, 2000, 1000, 1000),
        ("nofollow", 2000, None, 1000, None),
    ]
    assert rows(ledger, "SELECT valid_from, valid_to FROM anchor") == [(1000, None)]


def test_the_words_of_a_restored_link_are_new_unless_they_are_the_same(ledger: Ledger) -> None:
    visits = [[(SHOP, "a"), (OTHER, "o")], [], [(SHOP, "a"), (OTHER, "new")]]
    for number, found in enumerate(visits, start=1):
        write(ledger, reading(PAGE, found, number * 1000))
    current = (
        "SELECT t.text, a.first_seen FROM anchor a JOIN anchor_text t ON t.id = a.text_id WHERE a.valid_to IS NULL"
    )
    assert rows(ledger, current + " ORDER BY 1") == [("a", 1000), ("new", 3000)]


# -- what closes, and what does not ---------------------------------------------------------

CLOSES = [  # id, status, reason code of the links afterwards (0: live)
    ("not_found", 404, 2),
    ("gone", 410, 2),
    ("forbidden", 403, 0),
    ("too_many_requests", 429, 0),
    ("server_error", 500, 0),
    ("no_answer", None, 0),
]


@pytest.mark.parametrize(("status", "cause"), [pytest.param(*row[1:], id=row[0]) for row in CLOSES])
def test_what_a_failed_attempt_closes(ledger: Ledger, status: int | None, cause: int) -> None:
    write(ledger, reading(PAGE, [(SHOP, "a"), (OTHER, "o")], 1000))
    write(ledger, failed(PAGE, 2000, status))
    assert [row[4:7] for row in links(ledger)] == [(1000, 2000, 2) if cause else (None, None, 0)] * 2
    assert rows(ledger, "SELECT links, last_ok, attempted_at, confirmed FROM page") == [
        (0 if cause else 2, 1000, 2000, False)
    ]
    done = write(ledger, reading(PAGE, [(SHOP, "a"), (OTHER, "o")], 3000))
    assert (done.links_restored, done.unchanged) == ((2, 0) if cause else (0, 1))
    assert [row[3:7] for row in links(ledger)] == [(1000, None, None, 0)] * 2


@pytest.mark.parametrize("outcome", ["partial", "suspect"])
def test_an_incomplete_reading_is_kept_and_neither_opens_nor_closes(ledger: Ledger, outcome: Any) -> None:
    write(ledger, reading(PAGE, [(SHOP, "a")], 1000))
    done = write(ledger, reading(PAGE, [(OTHER, "o")], 2000, outcome=outcome))
    assert (done.incomplete, done.pages) == (1, 0)
    assert links(ledger) == [(SHOP, 0, "a", 1000, None, None, 0, 0)]
    assert rows(ledger, "SELECT last_ok, attempted_at, confirmed FROM page") == [(1000, 2000, False)]
    with ledger.connect() as conn:
        visit = conn.exec_driver_sql("SELECT id FROM visit WHERE at = 2000").scalar_one()
        kept = evidence.read_record(conn, visit)
    assert kept is not None
    assert [one.target.url for one in kept.links] == [OTHER]


def test_a_failed_attempt_at_an_unknown_page_is_a_miss(ledger: Ledger) -> None:
    write(ledger, failed(PAGE, 1000, 404))
    assert rows(ledger, "SELECT first_ok, attempted_at, confirmed, links FROM page") == [(None, 1000, False, 0)]
    assert rows(ledger, "SELECT at, state, cause, moved_to FROM miss") == [(1000, 6, 2, None)]
    assert rows(ledger, "SELECT count(*) FROM v_pages") == [(0,)]


def test_a_page_not_found_closes_what_an_earlier_visit_shows_that_comes_later(ledger: Ledger) -> None:
    write(ledger, failed(PAGE, 2000, 404))
    done = write(ledger, reading(PAGE, [(SHOP, "a")], 1000))
    assert (done.pages, done.retold) == (1, 1)
    assert [row[3:7] for row in links(ledger)] == [(1000, 1000, 2000, 2)]


def test_a_page_that_redirects_away_is_attempted_and_not_confirmed(ledger: Ledger) -> None:
    write(ledger, reading(PAGE, [(SHOP, "a")], 1000))
    write(ledger, reading(OTHER, [(SHOP, "a")], 2000, requested=PAGE, chain=(Hop(url(PAGE), 302),)))
    with ledger.connect() as conn:
        ids = find_url_ids(conn, [PAGE])
    question = f"SELECT last_ok, attempted_at, confirmed, links FROM page WHERE id = {ids[PAGE]}"
    assert rows(ledger, question) == [(1000, 2000, False, 1)]


@pytest.mark.parametrize("home", ["failed", "suspect", "never_read"])
def test_pages_that_redirect_to_one_that_is_not_read_are_told_once(ledger: Ledger, home: str) -> None:
    """Ten thousand pages of a dead site may lead to one parked or failing home page: each costs its own rows only."""
    pages = [f"https://old.example/{number}" for number in range(4)]
    write(ledger, *(reading(page, [(SHOP, "a"), (OTHER, "o")], 1000) for page in pages))
    if home != "never_read":
        write(ledger, reading(PAGE, [(SHOP, "a")], 1000))

    def away(number: int) -> Reading:
        chain = (Hop(url(pages[number]), 301),)
        if home == "suspect":
            return reading(PAGE, [], 2000 + number, requested=pages[number], chain=chain, outcome="suspect")
        return reading(PAGE, None, 2000 + number, requested=pages[number], chain=chain, outcome="failed", status=503)

    crawl = start_crawl(ledger, *pages)
    done = [write(ledger, away(number), away(other), crawl=crawl) for number, other in ((0, 1), (3, 2))]
    assert [one.retold for one in done] == [0, 0]
    assert rows(ledger, "SELECT lost_cause, count(*) FROM link WHERE gone_at >= 2000 GROUP BY lost_cause") == (
        [(3, 8)] if home == "never_read" else [(3, 4), (4, 4)]
    )


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=lambda order: "".join(map(str, order)))
def test_of_three_suspects_in_a_row_the_last_waits(ledger: Ledger, order: tuple[int, ...]) -> None:
    five = [(f"{SHOP}{number}", "a") for number in range(5)]
    write(ledger, reading(PAGE, five, 1000))
    # Each lacks what stood before it.
    parked = [[(f"{OTHER}{place}{number}", "b") for number in range(5)] for place in range(3)]
    for number in order:
        write(ledger, reading(PAGE, parked[number], 2000 + number))
    found = rows(ledger, "SELECT at, complete, confirmed_at FROM visit ORDER BY at")
    assert found == [(1000, True, None), (2000, True, 2001), (2001, True, None), (2002, False, None)]


def test_a_page_that_stays_parked_is_told_in_one_go(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second suspect confirms the one before; each such pair must not make all of the history be told again."""
    told: list[int] = []
    hear = Life.visit

    def visit(life: Life, doc: Document, sure: Collection[int] = ()) -> None:
        told.append(doc.at)
        hear(life, doc, sure)

    monkeypatch.setattr(Life, "visit", visit)
    write(ledger, reading(PAGE, [(SHOP, "a")], 1000))
    parked = [reading(PAGE, [(OTHER, "Buy")], 2000 + number, outcome="suspect") for number in range(40)]
    for one in parked[:-1]:
        write(ledger, one)
    told.clear()
    assert write(ledger, parked[-1]).retold == 1
    assert len(told) <= 4 * len(parked)
    assert rows(ledger, "SELECT count(*) FROM visit WHERE complete") == [(41,)]


# -- delivered twice, late, together --------------------------------------------------------


def test_redelivery_changes_nothing(ledger: Ledger) -> None:
    crawl = start_crawl(ledger, PAGE)
    first = reading(PAGE, [(SHOP, "a")], 1000, discovered=(Discovered(url(OTHER), "other.example"),))
    write(ledger, first, crawl=crawl)
    before = everything(ledger)
    done = write(ledger, first, replace(first, at=1500), crawl=crawl)
    assert (done.redelivered, done.rows_written, done.discovered) == (2, 0, 0)
    assert everything(ledger) == before


def everything(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("page", "visit", "record", "link", "anchor", "edge", "url", "host", "domain", "anchor_text", "outcome")
    return {table: sorted(rows(ledger, f"SELECT * FROM {table}"), key=repr) for table in tables}


def test_a_late_visit_is_merged_where_its_date_belongs(ledger: Ledger) -> None:
    write(ledger, reading(PAGE, [(SHOP, "a")], 2000))
    done = write(ledger, reading(PAGE, [(OTHER, "o")], 1000))
    assert (done.late, done.pages, done.retold) == (1, 1, 1)
    assert sorted(row[0] for row in links(ledger)) == [OTHER, SHOP]
    found = rows(ledger, "SELECT u.url, l.first_seen, l.gone_at, l.began FROM link l JOIN url u ON u.id = l.target_id")
    assert sorted(found) == [(OTHER, 1000, 2000, 1), (SHOP, 2000, None, 0)]


def test_a_page_whose_old_records_were_pruned_goes_on_from_its_rows(ledger: Ledger) -> None:
    write(ledger, reading(PAGE, [(SHOP, "a"), (OTHER, "o")], 1000))
    write(ledger, reading(PAGE, [(SHOP, "b"), (OTHER, "o")], 2000))
    write(ledger, reading(PAGE, [(SHOP, "b")], 4000))
    with ledger.begin() as conn:
        conn.exec_driver_sql(f"UPDATE record SET data = {'x' if ledger.dialect.name == 'sqlite' else ''}''"
                             " WHERE id IN (SELECT record_id FROM visit WHERE at < 4000)")  # fmt: skip
    before = links(ledger)
    assert write(ledger, reading(PAGE, [(f"{SHOP}late", "too late")], 1500)).retold == 1
    assert links(ledger) == before
    assert write(ledger, reading(PAGE, [(SHOP, "c")], 3000)).retold == 1
    found = rows(ledger, "SELECT t.text, a.first_seen, a.valid_to FROM anchor a JOIN anchor_text t ON t.id = a.text_id"
                         " WHERE a.gone_at IS NULL ORDER BY a.valid_from")  # fmt: skip
    assert found == [("a", 1000, 2000), ("b", 2000, 3000), ("c", 3000, 4000), ("b", 4000, None)]
    assert sorted(row[5] for row in links(ledger) if row[5]) == [3000]


def test_two_requested_urls_that_end_on_one_page_are_two_outcomes_and_one_visit(ledger: Ledger) -> None:
    seeds = ("http://blog.example/post", PAGE)
    crawl = start_crawl(ledger, *seeds)
    one = reading(PAGE, [(SHOP, "a")], 1000, requested=seeds[0], chain=(Hop(url(seeds[0]), 301),))
    done = write(ledger, one, reading(PAGE, [(SHOP, "a")], 1001), crawl=crawl)
    assert (done.pages, done.redelivered) == (1, 1)
    assert rows(ledger, "SELECT count(*) FROM visit") == [(1,)]
    outcomes = "SELECT url, outcome, status, final, chain FROM v_outcomes ORDER BY url"
    assert rows(ledger, outcomes) == [
        (seeds[0], "fetched", 200, PAGE, f'[["{seeds[0]}",301]]'),
        (PAGE, "fetched", 200, PAGE, None),
    ]
    assert rows(ledger, "SELECT count(DISTINCT visit_id) FROM outcome") == [(1,)]


def test_a_whole_document_after_a_broken_one_counts_in_the_same_crawl(ledger: Ledger) -> None:
    crawl = start_crawl(ledger, PAGE)
    write(ledger, reading(PAGE, [], 1000, outcome="partial"), crawl=crawl)
    done = write(ledger, reading(PAGE, [(SHOP, "a")], 2000), crawl=crawl)
    assert (done.pages, done.links_opened) == (1, 1)


def test_found_urls_join_the_crawl_once_each_behind_their_operators_others(ledger: Ledger) -> None:
    crawl = start_crawl(ledger, PAGE, "https://www.blog.example/2")
    found = [Discovered(url(f"https://www.blog.example/{number}"), "blog.example") for number in (2, 3, 4, 3)]
    write(ledger, reading(PAGE, [], 1000, discovered=tuple(found)), crawl=crawl)
    write(ledger, reading("https://www.blog.example/2", [], 1001, discovered=tuple(found)), crawl=crawl)
    question = (
        "SELECT u.url, o.state, o.turn, o.depth, f.url FROM outcome o JOIN url u ON u.id = o.url_id"
        " LEFT JOIN url f ON f.id = o.found_on ORDER BY o.turn"
    )
    assert rows(ledger, question) == [
        (PAGE, 1, 0, 0, None),
        ("https://www.blog.example/2", 1, 1, 0, None),
        ("https://www.blog.example/3", 0, 2, 1, PAGE),
        ("https://www.blog.example/4", 0, 3, 1, PAGE),
    ]


def test_one_bad_page_stores_nothing_of_its_batch(ledger: Ledger) -> None:
    broken = reading(OTHER, [link(SHOP, placement="nowhere")], 1000)
    with pytest.raises(KeyError):
        write(ledger, reading(PAGE, [(SHOP, "a")], 1000), broken)
    assert all(found == [] for found in everything(ledger).values())
    # What was remembered of that transaction is not taken for stored.
    write(ledger, reading(PAGE, [(SHOP, "a")], 1000))
    assert len(links(ledger)) == 1


def test_two_texts_under_one_id_are_an_error_and_no_merge(database: str) -> None:
    create_ledger(database, psl="test")
    with Ledger(database) as ledger:
        write(ledger, reading(PAGE, [], 1000))
        with ledger.begin() as conn:
            taken = hash_id(ledger.key, SHOP)
            host = conn.exec_driver_sql("SELECT host_id FROM url").scalar_one()
            conn.exec_driver_sql(f"INSERT INTO url VALUES ({taken}, 'https://elsewhere.example/', {host}, 1)")
            conn.exec_driver_sql(f"INSERT INTO anchor_text VALUES ({hash_id(ledger.key, 'a')}, 'b', 1, 'b')")
        for clash in (reading(OTHER, [(SHOP, "x")], 1000), reading(OTHER, [(PAGE, "a")], 1000)):
            with pytest.raises(HashCollision, match="two different texts share one id"):
                write(ledger, clash)
        assert rows(ledger, "SELECT count(*) FROM page") == [(1,)]


def test_a_host_keeps_the_domain_it_was_first_stored_with(ledger: Ledger) -> None:
    write(ledger, reading(PAGE, [("https://a.shop.example/1", "x")], 1000))
    moved = link("https://a.shop.example/2")
    moved = moved._replace(target=moved.target._replace(domain="a.shop.example"))
    write(ledger, reading(OTHER, [moved], 1000))
    assert rows(ledger, "SELECT DISTINCT target_domain FROM v_links") == [("shop.example",)]


# -- any history ----------------------------------------------------------------------------

_examples = itertools.count()
FOUND = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["", "a", "b", "c"]), st.booleans()), max_size=6)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 1),  # which page
        st.sampled_from(["visit"] * 6 + ["partial", "404", "500", "again"]),
        FOUND,
        st.booleans(),  # whether the batch ends here
    ),
    max_size=12,
)


def _replay(ledger: Ledger, events: Sequence[tuple[int, str, list[tuple[int, str, bool]], bool]]) -> None:
    example = next(_examples)
    sources = [f"https://p{place}.e{example}.example/" for place in range(2)]
    batch: list[Reading] = []
    sent: list[Reading] = []
    for number, (place, kind, found, ends) in enumerate(events):
        at = 1000 * (number + 1)
        made = [
            link(f"https://t{target}.e{example}.test/", words,
                 **({"rel": ("nofollow",), "follow_cause": ("rel",)} if nofollow else {}))
            for target, words, nofollow in found
        ]  # fmt: skip
        if kind == "again":
            batch.extend(sent[-1:])
        elif kind in ("visit", "partial"):
            one = reading(sources[place], made, at, outcome="fetched" if kind == "visit" else "partial")
            batch.append(one)
        else:
            batch.append(failed(sources[place], at, int(kind)))
        if ends:
            write(ledger, *batch)
            sent, batch = batch or sent, []
    write(ledger, *batch)


@pytest.mark.proof
@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
def test_links_and_anchors_are_equally_many_after_any_history(ledger: Ledger, events: list[Any]) -> None:
    _replay(ledger, events)
    counts = [
        rows(ledger, f"SELECT count(*), count(gone_at) FROM {table} WHERE valid_to IS NULL")
        for table in ("link", "anchor")
    ]
    assert counts[0] == counts[1]


def test_texts_that_are_equal_when_cleaned_are_stored_once(ledger: Ledger) -> None:
    write(ledger, reading(PAGE, [(SHOP, "a\x00"), (SHOP, "a\ud800"), (SHOP, "a\ufffd")], 1000))
    assert rows(ledger, "SELECT text FROM anchor_text") == [("a\ufffd",)]
    assert len(links(ledger)) == 3


def test_two_new_texts_under_one_id_are_found_before_they_are_stored() -> None:
    assert _one_text_an_id("url", [(2, "b"), (1, "a"), (2, "b")]) == [(1, "a"), (2, "b")]
    with pytest.raises(HashCollision, match="'a' and 'b'"):
        _one_text_an_id("url", [(1, "b"), (2, "c"), (1, "a")])
