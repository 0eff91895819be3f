"""The frontier: what is pending, in which order it is handed out, and the limits of a crawl."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof import examples

from crawler.feed import AHEAD, Feed
from crawler.plan import CrawlPlan
from crawler.urls import canonical_url, operator_domain
from storage import crawls, frontier, lists
from storage.engine import Ledger, create_ledger
from storage.outcomes import Wanted, add
from storage.records import Discovered, Reading, RejectedRow, SeedRow
from storage.writer import write_readings


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    create_ledger(database, psl="test")
    with Ledger(database) as opened:
        yield opened


def seed(url: str, line: int = 1, file: str = "list.txt") -> SeedRow:
    canonical = canonical_url(url)
    return SeedRow(canonical, operator_domain(canonical.host), file, line, url, {})


def start(ledger: Ledger, urls: list[str], **plan: object) -> int:
    """A crawl with these seeds."""
    kept = CrawlPlan(seeds=("list.txt",), **plan).kept_json()  # type: ignore[arg-type]
    with ledger.begin() as conn:
        crawl_id = frontier.start_crawl(conn, plan=kept, list_id=None, now=1)
        frontier.add_seeds(conn, crawl_id, [seed(url, line) for line, url in enumerate(urls, 1)])
    return crawl_id


def order(ledger: Ledger, crawl_id: int) -> list[str]:
    """Every pending URL in fair order."""
    with ledger.connect() as conn:
        rows = [
            row
            for operator in frontier.next_operators(conn, crawl_id, besides=(), limit=1_000)
            for row in frontier.next_rows(conn, crawl_id, operator, after=-1, limit=1_000)
        ]
    return [row.url for row in sorted(rows, key=lambda row: (row.turn, row.url))]


def pending(ledger: Ledger, crawl_id: int) -> set[str]:
    with ledger.connect() as conn:
        return {row["url"] for row in crawls.outcome_rows(conn, crawl_id, ("pending",))}


def test_rows_read_are_accepted_or_duplicates(ledger: Ledger) -> None:
    urls = ["http://a.example/", "http://b.example/", "http://a.example/", "http://A.example/#x", "http://a.example/1"]
    with ledger.begin() as conn:
        crawl_id = frontier.start_crawl(conn, plan="{}", list_id=None, now=1)
        assert frontier.add_seeds(conn, crawl_id, [seed(url) for url in urls]) == (3, 2)
        assert frontier.add_seeds(conn, crawl_id, [seed("http://a.example/1"), seed("http://c.example/")]) == (1, 1)
        assert sum(frontier.counts(conn, crawl_id).values()) == 4


def test_ten_thousand_pages_of_one_operator_stand_behind_nobody(ledger: Ledger) -> None:
    crawl_id = start(ledger, [f"http://big.example/{n}" for n in range(10_000)] + ["http://small.example/"])
    with ledger.connect() as conn:
        assert set(frontier.next_operators(conn, crawl_id, besides=(), limit=2)) == {"big.example", "small.example"}
        assert frontier.next_operators(conn, crawl_id, besides=["big.example"], limit=5) == ["small.example"]
        rows = frontier.next_rows(conn, crawl_id, "big.example", after=7, limit=3)
    assert [row.turn for row in rows] == [8, 9, 10]
    assert [row.url for row in rows] == [f"http://big.example/{n}" for n in (8, 9, 10)], "in the order of the list"


def test_hosts_of_one_operator_take_turns_together(ledger: Ledger) -> None:
    crawl_id = start(ledger, ["http://a.blogspot.com/", "http://b.blogspot.com/", "http://c.example/"])
    assert order(ledger, crawl_id) == ["http://a.blogspot.com/", "http://c.example/", "http://b.blogspot.com/"]


def test_kept_list_is_added_in_the_database(ledger: Ledger) -> None:
    rows = [seed("http://a.example/1", 2), seed("http://a.example/0", 3), seed("http://a.example/1", 4)]
    other = [seed("http://b.example/", 1, "other.txt"), seed("http://a.example/0", 2, "other.txt")]
    with ledger.begin() as conn:
        lists.save_rows(conn, "spring", other, 4)
        lists.save_rows(conn, "spring", rows, 5)
        list_id = lists.list_id(conn, "spring")
        whole = frontier.start_crawl(conn, plan="{}", list_id=list_id, now=1)
        assert frontier.add_list(conn, whole, list_id) == (3, 2)
        one_file = frontier.start_crawl(conn, plan="{}", list_id=list_id, now=2)
        assert frontier.add_list(conn, one_file, list_id, 5) == (2, 1)
    assert order(ledger, whole) == ["http://a.example/1", "http://b.example/", "http://a.example/0"]
    assert order(ledger, one_file) == ["http://a.example/1", "http://a.example/0"]


def test_rejected_rows_are_kept_in_order(ledger: Ledger) -> None:
    rows = [RejectedRow("b.txt", 2, "x y", "white space"), RejectedRow("a.txt", 10, "\x00", "no address")]
    with ledger.begin() as conn:
        crawl_id = frontier.start_crawl(conn, plan="{}", list_id=None, now=1)
        assert frontier.add_rejected(conn, crawl_id, rows) == 2
    with ledger.connect() as conn:
        kept = list(crawls.rejected_rows(conn, crawl_id))
    assert kept == [RejectedRow("a.txt", 10, "\ufffd", "no address"), rows[0]]


LIMITS = [  # id, max_pages, max_pages_per_host, pending afterwards
    ("no_limit", None, None, ["http://a.example/1", "http://a.example/2", "http://b.example/1", "http://c.example/1"]),
    ("pages_fairly", 3, None, ["http://a.example/1", "http://b.example/1", "http://c.example/1"]),
    ("pages_of_a_host", None, 1, ["http://a.example/1", "http://b.example/1", "http://c.example/1"]),
]


@pytest.mark.parametrize(("pages", "per_host", "left"), [pytest.param(*row[1:], id=row[0]) for row in LIMITS])
def test_seeds_beyond_a_limit_are_skipped_with_its_name(
    ledger: Ledger, pages: int | None, per_host: int | None, left: list[str]
) -> None:
    urls = ["http://a.example/1", "http://a.example/2", "http://b.example/1", "http://c.example/1"]
    crawl_id = start(ledger, urls)
    with ledger.begin() as conn:
        skipped = frontier.limit_seeds(conn, crawl_id, pages=pages, per_host=per_host, now=9)
        reasons = frontier.reasons(conn, crawl_id)
    assert skipped == len(urls) - len(left)
    assert pending(ledger, crawl_id) == set(left)
    assert sum(reasons.values()) == skipped
    assert {reason for _, reason in reasons} <= {"max_pages", "max_pages_per_host"}


def found_on(ledger: Ledger, crawl_id: int, page: str, *urls: str) -> int:
    """Settle ``page`` and let it have led to ``urls``; how many joined the crawl."""
    discovered = tuple(Discovered(one, operator_domain(one.host)) for one in map(canonical_url, urls))
    reading = Reading(canonical_url(page), "skipped", at=100, reason="content_type x", discovered=discovered)
    return write_readings(ledger, crawl_id, [reading], rules_version=1).discovered


def test_discovered_urls_join_once(ledger: Ledger) -> None:
    crawl_id = start(ledger, ["http://a.example/", "http://a.example/known"], depth=1, follow="host")
    new = ["http://a.example/new", "http://a.example/new", "http://a.example/known", "http://a.example/"]
    assert found_on(ledger, crawl_id, "http://a.example/", *new) == 1
    assert pending(ledger, crawl_id) == {"http://a.example/known", "http://a.example/new"}
    with ledger.connect() as conn:
        (row,) = [row for row in crawls.outcome_rows(conn, crawl_id) if row["url"].endswith("/new")]
    assert (row["depth"], row["found_on"]) == (1, "http://a.example/")


def test_discovery_ends_at_max_pages(ledger: Ledger) -> None:
    crawl_id = start(ledger, ["http://a.example/"], depth=1, follow="any", max_pages=3)
    assert found_on(ledger, crawl_id, "http://a.example/", *(f"http://b.example/{n}" for n in range(10))) == 2
    assert len(pending(ledger, crawl_id)) == 2


def test_discovery_ends_at_max_pages_of_a_host(ledger: Ledger) -> None:
    crawl_id = start(ledger, ["http://a.example/"], depth=1, follow="any", max_pages_per_host=2)
    urls = [f"http://{host}.example/{n}" for n in range(4) for host in "ab"]
    assert found_on(ledger, crawl_id, "http://a.example/", *urls) == 3
    hosts = Counter(canonical_url(url).host for url in pending(ledger, crawl_id))
    assert hosts == {"a.example": 1, "b.example": 2}


def test_follow_list_keeps_to_domains_of_the_list(ledger: Ledger) -> None:
    seeds = ["http://a.com/", "http://x.blogspot.com/"]
    crawl_id = start(ledger, seeds, depth=1, follow="list")
    urls = ["http://www.a.com/1", "http://b.com/", "http://x.blogspot.com/2", "http://y.blogspot.com/"]
    assert found_on(ledger, crawl_id, "http://a.com/", *urls) == 2
    assert pending(ledger, crawl_id) == {"http://www.a.com/1", "http://x.blogspot.com/", "http://x.blogspot.com/2"}


def test_retry_takes_what_may_answer_now(ledger: Ledger) -> None:
    endings = {
        "failed": ("failed", "timeout"), "cut": ("partial", "cut"), "later": ("blocked", "robots:5xx"),
        "forbidden": ("blocked", "robots:disallow / (line 2)"), "pdf": ("skipped", "content_type application/pdf"),
    }  # fmt: skip
    crawl_id = start(ledger, [f"http://{name}.example/" for name in endings] + ["http://pending.example/"])
    readings = [
        Reading(canonical_url(f"http://{name}.example/"), state, at=5, reason=reason)  # type: ignore[arg-type]
        for name, (state, reason) in endings.items()
    ]
    write_readings(ledger, crawl_id, readings, rules_version=1)
    with ledger.begin() as conn:
        assert crawls.retry_load(conn, crawl_id).pages == 4
        again = frontier.start_crawl(conn, plan="{}", list_id=None, now=9)
        assert frontier.add_retry(conn, again, crawl_id) == (4, 0)
    assert pending(ledger, again) == {f"http://{name}.example/" for name in ("failed", "cut", "later", "pending")}


def test_reasons_are_counted_by_kind(ledger: Ledger) -> None:
    crawl_id = start(ledger, [f"http://{n}.example/" for n in "abc"])
    for name, reason in (("a", "content_type image/png"), ("b", "content_type text/plain"), ("c", "url_too_long")):
        write_readings(
            ledger, crawl_id, [Reading(canonical_url(f"http://{name}.example/"), "skipped", 5, reason)], rules_version=1
        )
    with ledger.connect() as conn:
        assert frontier.reasons(conn, crawl_id) == {("skipped", "content_type"): 2, ("skipped", "url_too_long"): 1}


# -- the feed: the frontier as a running crawl sees it -----------------------------------------


async def drain(
    ledger: Ledger, crawl_id: int, *, operators: int, dice: random.Random, links: dict[str, list[str]]
) -> list[str]:
    """Play a crawl: answer what is handed out in random order, store it in random batches."""
    asked: list[str] = []
    busy: Counter[str] = Counter()
    answered: list[str] = []
    open_: list[tuple[str, str]] = []
    with ThreadPoolExecutor(1) as reader:
        feed = Feed(ledger, crawl_id, operators=operators, reader=reader)
        while True:
            taken = feed.take()
            for row in taken:
                asked.append(row.url)
                open_.append((row.url, row.operator))
                busy[row.operator] += 1
                assert busy[row.operator] == 1, "one at a time for an operator"
            assert len(busy) - list(busy.values()).count(0) <= operators
            if open_ and (dice.random() < 0.7 or not answered):
                url, operator = open_.pop(dice.randrange(len(open_)))
                busy[operator] -= 1
                answered.append(url)
                feed.answered(url)
            elif answered:
                batch, answered = answered, []
                discovered = sum(found_on(ledger, crawl_id, url, *links.get(url, ())) for url in batch)
                feed.stored(batch, discovered=discovered > 0)
            elif feed.exhausted:
                return asked
            else:
                await asyncio.wait_for(feed.changed(), 10)
                continue
            await asyncio.sleep(0)


@pytest.mark.proof
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 3 * AHEAD), min_size=1, max_size=7),
    operators=st.integers(1, 4),
    chance=st.integers(0, 2**32),
)
def test_every_url_is_handed_out_once(ledger: Ledger, sizes: list[int], operators: int, chance: int) -> None:
    dice = random.Random(chance)
    seeds = [f"http://site{site}.example/{n}" for site, size in enumerate(sizes) for n in range(size)]
    dice.shuffle(seeds)
    found = [f"http://site{dice.randrange(10)}.example/found{n}" for n in range(12)]
    links = {dice.choice(seeds): [url] for url in found[:8]} | {found[0]: found[8:]}
    crawl_id = start(ledger, seeds, depth=3, follow="any")
    asked = asyncio.run(drain(ledger, crawl_id, operators=operators, dice=dice, links=links))
    assert len(asked) == len(set(asked))
    with ledger.connect() as conn:
        everything = {row["url"] for row in crawls.outcome_rows(conn, crawl_id)}
    assert set(asked) == everything
    assert pending(ledger, crawl_id) == set()


def test_feed_lets_small_operators_pass_a_big_one(ledger: Ledger) -> None:
    seeds = [f"http://big.example/{n}" for n in range(200)] + [f"http://small{n}.example/" for n in range(40)]
    crawl_id = start(ledger, seeds)
    asked = asyncio.run(drain(ledger, crawl_id, operators=2, dice=random.Random(1), links={}))
    last_small = max(place for place, url in enumerate(asked) if "small" in url)
    assert last_small < 120, "the big one went on only beside them"
    assert len(asked) == 240


def test_a_turn_is_never_given_twice(ledger: Ledger) -> None:
    crawl_id = start(ledger, ["http://a.example/0"])
    with ledger.begin() as conn:
        from storage.dictionaries import ensure_urls

        ids = ensure_urls(conn, [canonical_url(f"http://a.example/{n}") for n in range(1, 5)])
        for url_id in ids.values():
            add(ledger.dialect, conn, crawl_id, [Wanted(url_id, "a.example", 1, None)])
        rows = frontier.next_rows(conn, crawl_id, "a.example", after=-1, limit=10)
    assert [row.turn for row in rows] == [0, 1, 2, 3, 4]


def test_questions_of_the_frontier_use_their_indexes(ledger: Ledger) -> None:
    """On a list of 20,000 pages of 5,000 operators, handing out takes no longer than on a small one."""
    crawl_id = start(ledger, [f"http://site{n % 5_000}.example/{n}" for n in range(20_000)])
    with ledger.connect() as conn:
        operators = frontier.next_operators(conn, crawl_id, besides=(), limit=100)
        started = time.process_time()
        for operator in operators:
            assert len(frontier.next_rows(conn, crawl_id, operator, after=0, limit=AHEAD)) == 3
            assert frontier.next_operators(conn, crawl_id, besides=operators, limit=1)
        spent = time.process_time() - started
        plans = [
            "\n".join(str(row[-1]) for row in conn.exec_driver_sql(f"EXPLAIN {kind} {question}"))
            for kind in ["QUERY PLAN" if conn.dialect.name == "sqlite" else ""]
            for question in QUESTIONS
        ]
    assert spent < 2, "100 of each; a scan of the queue takes a hundred times as long"
    assert "outcome_pending" in plans[0]
    assert "outcome_by_operator" in plans[1]


QUESTIONS = (
    "SELECT operator FROM outcome WHERE crawl_id = 1 AND state = 0 ORDER BY turn, url_id LIMIT 1",
    "SELECT url_id FROM outcome WHERE crawl_id = 1 AND operator = 'site7.example' AND turn > 0 AND state + 0 = 0 "
    "ORDER BY turn, url_id LIMIT 8",
)
