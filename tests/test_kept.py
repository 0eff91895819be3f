"""Which validators a URL is asked with, what is kept of a document, and which seeds were read lately."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from readings import RULES, failed, page, reading, url

from crawler.plan import CrawlPlan
from storage import crawls, frontier, lists
from storage.dictionaries import ensure_urls
from storage.engine import Ledger, create_ledger
from storage.kept import Kept, read_kept, read_since, validators
from storage.records import Hop, Reading, Response, SeedRow
from storage.times import to_iso
from storage.writer import write_readings

A, B = "https://acme.example/a", "https://acme.example/b"
LINKS = [(f"https://t{number}.example/", f"words {number}") for number in range(6)]
TAG = 'W/"ü-1"'
DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
PRUNE = "UPDATE record SET data = {empty}"
DAY = 86_400_000


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    create_ledger(database, psl="test")
    with Ledger(database) as opened:
        yield opened


def answer(etag: str | None = TAG, last_modified: str | None = DATE) -> Response:
    return Response(200, "text/html", 1000, "c0ffee", etag, last_modified, (("Content-Type", "text/html"),))


def read(source: str = A, at: int = 1000, *, etag: str | None = TAG, date: str | None = DATE, **more: Any) -> Reading:
    return reading(source, LINKS, at, **({"response": answer(etag, date)} | more))


def store(ledger: Ledger, *steps: Reading | str | int) -> None:
    """A crawl for each reading; a text is run as SQL, a number is the rules version from there on."""
    rules = RULES
    for step in steps:
        if isinstance(step, int):
            rules = step
        elif isinstance(step, str):
            with ledger.begin() as conn:
                conn.exec_driver_sql(step.format(empty="''" if conn.dialect.name == "postgresql" else "x''"))
        else:
            with ledger.begin() as conn:
                plan = CrawlPlan(seeds=("x",)).kept_json()
                crawl_id = frontier.start_crawl(conn, plan=plan, list_id=None, now=step.at)
                frontier.add_seeds(conn, crawl_id, [SeedRow(step.requested, "acme.example", "f", 1, "x", {})])
            write_readings(ledger, crawl_id, [step], rules_version=rules)


def known(ledger: Ledger, *urls: str) -> list[Kept | None]:
    with ledger.begin() as conn:
        ids = ensure_urls(conn, [url(one) for one in urls])
        found = validators(conn, list(ids.values()), rules_version=RULES)
    return [found.get(ids[one]) for one in urls]


def led(source: str, to: str, at: int, status: int = 301, **more: Any) -> Reading:
    return read(to, at, requested=source, chain=(Hop(url(source), status),), **more)


CASES: list[tuple[str, list[Reading | str | int], tuple[str | None, str | None] | None]] = [
    # id, what happened to page a, (ETag, Last-Modified) it is asked with
    ("never_read", [], None),
    ("read", [read()], (TAG, DATE)),
    ("only_a_date", [read(etag=None)], (None, DATE)),
    ("only_a_tag", [read(date=None)], (TAG, None)),
    ("neither", [read(etag=None, date=None)], None),
    ("the_latest_ones", [read(etag='"1"'), read(at=2000, etag='"2"')], ('"2"', DATE)),
    ("in_any_order_of_arrival", [read(at=2000, etag='"2"'), read(etag='"1"')], ('"2"', DATE)),
    ("latest_has_none", [read(), read(at=2000, etag=None, date=None)], None),
    ("other_rules", [RULES + 1, read()], None),
    ("failed_since", [read(), failed(A, 2000, 500)], (TAG, DATE)),
    ("not_there_since", [read(), failed(A, 2000, 404)], (TAG, DATE)),
    ("partial_since", [read(), read(at=2000, etag='"2"', outcome="partial", reason="cut")], (TAG, DATE)),
    ("filtered_since", [read(), read(at=2000, etag='"2"', targets=("t1.example",))], (TAG, DATE)),
    ("from_an_archive", [read(method="archive")], None),
    ("rendered", [read(method="rendered")], None),
    ("suspect_since", [read(), read(at=2000, outcome="suspect", reason="parked sedo")], None),
    ("suspect_confirmed",
     [read(), *(read(at=at, etag='"p"', outcome="suspect", reason="parked sedo") for at in (2000, 3000))],
     ('"p"', DATE)),
    ("suspect_refuted",
     [read(), read(at=2000, outcome="suspect", reason="parked sedo"), read(at=3000, etag='"3"')], ('"3"', DATE)),
    ("record_pruned", [read(), PRUNE], None),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "sent"), [pytest.param(*row[1:], id=row[0]) for row in CASES])
def test_validators(
    ledger: Ledger, steps: list[Reading | str | int], sent: tuple[str | None, str | None] | None
) -> None:
    store(ledger, *steps)
    (found,) = known(ledger, A)
    assert (None if found is None else (found.url, found.etag, found.last_modified)) == (sent and (A, *sent))


def test_validators_of_where_a_url_led_last(ledger: Ledger) -> None:
    store(ledger, led(A, B, 1000, etag='"b"'))
    assert [one and (one.url, one.etag) for one in known(ledger, A, B)] == [(B, '"b"'), (B, '"b"')]
    store(ledger, read(A, 2000, etag='"a"'))
    assert [one and (one.url, one.etag) for one in known(ledger, A, B)] == [(A, '"a"'), (B, '"b"')]
    store(ledger, failed(A, 3000), led(A, B, 4000, 302, etag='"b2"'), failed(A, 5000))
    assert [one and (one.url, one.etag) for one in known(ledger, A, B)] == [(B, '"b2"'), (B, '"b2"')]


def test_the_frontier_hands_them_out(ledger: Ledger) -> None:
    store(ledger, read())
    with ledger.begin() as conn:
        crawl_id = frontier.start_crawl(conn, plan="{}", list_id=None, now=2000)
        seeds = [SeedRow(url(one), "acme.example", "f", line, one, {}) for line, one in enumerate((A, B))]
        frontier.add_seeds(conn, crawl_id, seeds)
        plain = frontier.next_rows(conn, crawl_id, "acme.example", after=-1, limit=9)
        rows = frontier.next_rows(conn, crawl_id, "acme.example", after=-1, limit=9, rules_version=RULES)
    assert [row.kept for row in plain] == [None, None]
    assert [(row.url, row.kept and row.kept.etag) for row in rows] == [(A, TAG), (B, None)]
    assert [row._replace(kept=None) for row in rows] == plain


def test_what_is_kept_of_a_document(ledger: Ledger) -> None:
    store(ledger, read())
    (found,) = known(ledger, A)
    assert found is not None
    with ledger.connect() as conn:
        assert read_kept(conn, found.visit_id) == (page(A, LINKS), answer())
        assert read_kept(conn, found.visit_id + 7) is None
    store(ledger, PRUNE)
    with ledger.connect() as conn:
        assert read_kept(conn, found.visit_id) is None


# -- read lately --------------------------------------------------------------------------------------


def lately(ledger: Ledger, since: int, now: int, *urls: str) -> tuple[int, dict[str, tuple[str, str | None]]]:
    """How many seeds of a new crawl are skipped, and the outcome of each."""
    with ledger.begin() as conn:
        crawl_id = frontier.start_crawl(conn, plan="{}", list_id=None, now=now)
        seeds = [SeedRow(url(one), "acme.example", "f", line, one, {}) for line, one in enumerate(urls)]
        frontier.add_seeds(conn, crawl_id, seeds)
        skipped = frontier.skip_visited(conn, crawl_id, since=since, now=now)
        rows = list(crawls.outcome_rows(conn, crawl_id))
        assert {row["at"] for row in rows if row["outcome"] == "skipped"} <= {to_iso(now)}
        assert read_since(conn, urls, since) == {row["url"] for row in rows if row["outcome"] == "skipped"}
        assert len(frontier.next_rows(conn, crawl_id, "acme.example", after=-1, limit=99)) == len(urls) - skipped
    return skipped, {row["url"]: (row["outcome"], row["reason"]) for row in rows}


PENDING = ("pending", None)
NOW = 1_795_000_000_000
AGO = NOW - 3 * DAY
READ = ("skipped", f"visited_lately {to_iso(AGO)}")

LATELY: list[tuple[str, list[Reading | str | int], tuple[str, str | None]]] = [  # id, what happened, outcome of a
    ("never_read", [], PENDING),
    ("read_lately", [read(at=AGO)], READ),
    ("read_long_ago", [read(at=NOW - 9 * DAY)], PENDING),
    ("read_exactly_then", [read(at=NOW - 6 * DAY)], ("skipped", f"visited_lately {to_iso(NOW - 6 * DAY)}")),
    ("failed_since", [read(at=AGO), failed(A, AGO + 5)], READ),
    ("only_failed_lately", [read(at=NOW - 9 * DAY), failed(A, AGO)], PENDING),
    ("only_read_in_part", [read(at=AGO, outcome="partial", reason="size")], PENDING),
    ("a_suspect", [read(at=NOW - 9 * DAY), read(at=AGO, outcome="suspect", reason="parked sedo")], PENDING),
    ("where_it_led", [led(A, B, AGO)], READ),
    ("where_it_led_was_read_since", [led(A, B, NOW - 9 * DAY), read(B, AGO)], READ),
    ("where_it_led_long_ago", [led(A, B, NOW - 9 * DAY), read(A, AGO)], READ),
    ("record_pruned", [read(at=AGO), PRUNE], READ),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "outcome"), [pytest.param(*row[1:], id=row[0]) for row in LATELY])
def test_seeds_read_lately(ledger: Ledger, steps: list[Reading | str | int], outcome: tuple[str, str | None]) -> None:
    store(ledger, *steps)
    skipped, found = lately(ledger, NOW - 6 * DAY, NOW, A, "https://acme.example/new")
    assert found == {A: outcome, "https://acme.example/new": PENDING}
    assert skipped == (outcome != PENDING)


def test_skipped_seeds_take_no_place_below_a_limit(ledger: Ledger) -> None:
    store(ledger, read(at=AGO))
    with ledger.begin() as conn:
        plan = CrawlPlan(seeds=("x",), depth=1, follow="host", max_pages=2).kept_json()
        crawl_id = frontier.start_crawl(conn, plan=plan, list_id=None, now=NOW)
        seeds = [SeedRow(url(f"https://acme.example/{name}"), "acme.example", "f", n, "x", {}) for n, name in
                 enumerate("abcd")]  # fmt: skip
        frontier.add_seeds(conn, crawl_id, seeds)
        frontier.skip_visited(conn, crawl_id, since=NOW - 6 * DAY, now=NOW)
        assert frontier.limit_seeds(conn, crawl_id, pages=2, per_host=None, now=NOW) == 1
        found = {row["url"][-1]: row["outcome"] for row in crawls.outcome_rows(conn, crawl_id)}
    assert found == {"a": "skipped", "b": "pending", "c": "pending", "d": "skipped"}


def test_what_crawling_a_list_would_ask(ledger: Ledger) -> None:
    store(ledger, read(at=AGO), led(A, B, AGO + 1))
    rows = [SeedRow(url(one), "acme.example", "f", n, one, {}) for n, one in enumerate((A, B, A, f"{A}/2"))]
    with ledger.begin() as conn:
        lists.save_rows(conn, "spring", iter(rows), NOW, files=["f"])
        list_id = lists.list_id(conn, "spring")
        assert crawls.list_load(conn, list_id).pages == 3
        assert crawls.list_load(conn, list_id, not_since=NOW - 6 * DAY).pages == 1
        assert crawls.list_load(conn, list_id, not_since=NOW).pages == 3
