"""Traps end: by the address alone, by what a crawl counts, and on a server that is made of them."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from asking import ask, ask_json
from hypothesis import given, settings
from hypothesis import strategies as st
from local_site import Page, Request, crawl, html, outcomes, serve
from proof import examples
from readings import RULES, link, page, reading

from crawler.follow import Follower
from crawler.plan import CrawlPlan
from crawler.traps import trap, without_query, without_session
from crawler.urls import canonical_url, operator_domain
from storage import crawls, frontier
from storage.engine import Ledger, create_ledger
from storage.records import Discovered, Reading, SeedRow
from storage.writer import write_readings

AT = "https://a.example"
ID = "0afbfce373071aa13bc8678aa0b290b6"

ADDRESSES = [  # id, path and query, the rule that keeps it out
    ("front_page", "/", None),
    ("usual", "/2026/11/22/a-title/?page=2", None),
    ("twenty_parts", "/" + "/".join(map(str, range(20))), None),
    ("twenty_parts_and_a_slash", "/" + "/".join(map(str, range(20))) + "/", None),
    ("twenty_one_parts", "/" + "/".join(map(str, range(21))), "path_depth"),
    ("empty_parts_count_for_depth", "//" * 12, "path_depth"),
    ("empty_parts_do_not_repeat", "/a//b//c//d//e", None),
    ("same_day_and_month", "/2011/11/11/11", None),
    ("split_number", "/0/0/0/1", None),
    ("three_times", "/a/a/a", None),
    ("four_times", "/a/a/a/a", "path_repeats"),
    ("four_times_apart", "/a/1/a/2/a/3/a", "path_repeats"),
    ("three_times_apart", "/en/shop/en/blog/en/", None),
    ("row_twice", "/a/b/a/b/", None),
    ("row_three_times", "/a/b/a/b/a/b", "path_repeats"),
    ("row_three_times_in_the_middle", "/x/a/b/c/a/b/c/a/b/c/y", "path_repeats"),
    ("row_interrupted", "/a/b/a/b/x/a/b", None),
    ("case_matters", "/a/A/a/A/a/b", None),
    ("query_is_no_path", "/?x=/a/a/a/a/a/a", None),
    ("eight_parameters", "/?" + "&".join(f"p{n}={n}" for n in range(8)), None),
    ("nine_parameters", "/?" + "&".join(f"p{n}={n}" for n in range(9)), "parameters"),
    ("three_of_a_name", "/?t[]=a&t[]=b&t[]=c&x=1", None),
    ("four_of_a_name", "/?t[]=a&t[]=b&t[]=c&t[]=d", "parameters"),
    ("ampersands_are_no_parameters", "/?a=1&&&&&&&&&&b=2", None),
]


@pytest.mark.parametrize(("address", "rule"), [pytest.param(*row[1:], id=row[0]) for row in ADDRESSES])
def test_trap(address: str, rule: str | None) -> None:
    assert trap(AT + address) == rule


SESSIONS = [  # id, path and query, the same without its session id
    ("none", "/a?b=1", None),
    ("servlet", f"/a;jsessionid={ID.upper()}.app2t2?b=1", "/a?b=1"),
    ("servlet_in_the_middle", f"/a;jsessionid={ID}/b", "/a/b"),
    ("php", "/a?PHPSESSID=x1&b=1", "/a?b=1"),
    ("php_alone", "/a?PHPSESSID=x1", "/a"),
    ("php_last", "/a?b=1&phpsessid=x1", "/a?b=1"),
    ("asp", "/a.asp?ASPSESSIONIDQQABCDEF=GHIJ", "/a.asp"),
    ("asp_net_in_the_path", "/(S(lit3py55t21z5v55vlm25s55))/a.aspx", "/a.aspx"),
    ("coldfusion", "/a.cfm?CFID=1&CFTOKEN=2&b=1", "/a.cfm?b=1"),
    ("forum", f"/a?s={ID}", "/a"),
    ("search_word", "/?s=pruning-shears", None),
    ("sid_of_an_id", "/a?sid=7avi5kekk4lplei99qg5682ur4", "/a"),
    ("sid_of_a_story", "/a?sid=12", None),
    ("session_of_a_conference", "/a?session=monday-morning-plenary-talks", None),
    ("name_within_another", "/a?outsid=7avi5kekk4lplei99qg5682ur4", None),
    ("empty", "/a?jsessionid=", None),
    ("parentheses", "/Acme_(company)/a", None),
]


@pytest.mark.parametrize(("address", "bare"), [pytest.param(*row[1:], id=row[0]) for row in SESSIONS])
def test_session_ids(address: str, bare: str | None) -> None:
    assert without_session(AT + address) == (None if bare is None else AT + bare)


def test_a_query_is_cut_off_for_counting() -> None:
    assert [without_query(AT + one) for one in ("/a", "/a?", "/a?b=1?c", "/a;v=1?b")] == [
        None, f"{AT}/a", f"{AT}/a", f"{AT}/a;v=1",
    ]  # fmt: skip


_PARTS = st.lists(st.sampled_from(["a", "b", "", "1", f"x;jsessionid={ID}", "(S(x))"]), max_size=24).map("/".join)
_QUERIES = st.lists(st.sampled_from(["a=1", "b=2", f"sid={ID}", "sid=3", "PHPSESSID=1", "s", ""]), max_size=11).map(
    "&".join
)
_ADDRESSES = st.builds(lambda path, query: f"{AT}/{path}" + (f"?{query}" if query else ""), _PARTS, _QUERIES)


@given(_ADDRESSES)
def test_without_a_session_id_nothing_is_left_to_take_out(address: str) -> None:
    bare = without_session(address)
    if bare is not None:
        assert without_session(bare) is None
        assert len(bare) < len(address)
        assert not bare.endswith("?"), "what queries are counted by ends so"


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(_ADDRESSES, max_size=12), st.randoms(use_true_random=False))
def test_what_a_page_leads_to_does_not_depend_on_the_order_of_its_links(
    addresses: list[str], dice: random.Random
) -> None:
    follower = Follower(CrawlPlan(seeds=("x",), depth=1, follow="host"))
    links = [link(one) for one in addresses]
    told = follower.led_to(page(f"{AT}/", links))
    dice.shuffle(links)
    again = follower.led_to(page(f"{AT}/", links))
    assert set(told.wanted) == set(again.wanted)
    assert told.kept_out == again.kept_out
    alone = Counter(rule for one in set(addresses) - {f"{AT}/"} for rule in [trap(one)] if rule)
    assert dict(told.kept_out) == dict(alone)


def test_only_links_that_would_be_followed_are_kept_out() -> None:
    loop = "/a/b/a/b/a/b"
    links = [link(f"{AT}{loop}"), link(f"https://b.example{loop}"), link(f"{AT}{loop}?no"), link(f"{AT}/" + "x" * 3000)]
    near = Follower(CrawlPlan(seeds=("x",), depth=1, follow="host", exclude=("no$",)))
    assert near.led_to(page(f"{AT}/", links)) == ((), (("path_repeats", 1), ("url_too_long", 1)))
    whole = reading(f"{AT}/", links, 5)
    assert near.followed(whole, depth=1).not_followed == (), "the depth is what was asked for, no limit"
    listed = Follower(CrawlPlan(seeds=("x",), depth=1, follow="list"))
    assert dict(listed.led_to(page(f"{AT}/", links)).kept_out)["path_repeats"] == 2, "nobody asked for the other site"


# -- what a crawl counts --------------------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    create_ledger(database, psl="test")
    with Ledger(database) as opened:
        yield opened


def begun(ledger: Ledger, *seeds: str, **plan: Any) -> int:
    kept = CrawlPlan(seeds=("list.txt",), depth=3, follow="any", **plan).kept_json()
    rows = [SeedRow(one, operator_domain(one.host), "list.txt", 1, one.url, {}) for one in map(canonical_url, seeds)]
    with ledger.begin() as conn:
        crawl_id = frontier.start_crawl(conn, plan=kept, list_id=None, now=1)
        frontier.add_seeds(conn, crawl_id, rows)
    return crawl_id


def led_to(source: str, *found: str, at: int = 5, kept_out: tuple[tuple[str, int], ...] = ()) -> Reading:
    """A page that was read, and the URLs found on it."""
    discovered = []
    for one in map(canonical_url, found):
        bare = without_session(one.url)
        discovered.append(Discovered(one, operator_domain(one.host), bare, without_query(bare or one.url)))
    return reading(source, [], at, discovered=tuple(discovered), not_followed=kept_out)


def counted(ledger: Ledger, crawl_id: int) -> dict[str, int]:
    with ledger.connect() as conn:
        return {one["limit"]: one["urls"] for one in crawls.crawl_summary(conn, crawl_id)["not_followed"]}


def pending(ledger: Ledger, crawl_id: int) -> list[str]:
    with ledger.connect() as conn:
        rows = crawls.outcome_rows(conn, crawl_id, {"pending"})
        return [str(row["url"]) for row in rows]


def test_queries_of_a_path_are_counted_over_the_whole_crawl(ledger: Ledger) -> None:
    seeds = [f"{AT}/1", f"{AT}/2", f"{AT}/list?seed=1"]
    crawl_id = begun(ledger, *seeds, max_queries=3)
    first = led_to(seeds[0], *(f"{AT}/list?a={n}" for n in range(2)), f"{AT}/other?a=1", f"{AT}/list")
    second = led_to(seeds[1], *(f"{AT}/list?b={n}" for n in range(4)))
    write_readings(ledger, crawl_id, [first], rules_version=RULES)
    write_readings(ledger, crawl_id, [second], rules_version=RULES)
    assert pending(ledger, crawl_id) == [
        f"{AT}/list", f"{AT}/list?a=0", f"{AT}/list?a=1", f"{AT}/list?b=0", f"{AT}/list?seed=1", f"{AT}/other?a=1",
    ]  # fmt: skip
    assert counted(ledger, crawl_id) == {"max_queries": 3}


def test_of_urls_that_differ_in_a_session_id_one_is_followed(ledger: Ledger) -> None:
    seeds = [f"{AT}/", f"{AT}/known"]
    crawl_id = begun(ledger, *seeds)
    found = [f"{AT}/known?PHPSESSID=1", f"{AT}/a;jsessionid=1", f"{AT}/a;jsessionid=2", f"{AT}/b?x=1&PHPSESSID=1"]
    write_readings(ledger, crawl_id, [led_to(seeds[0], *found)], rules_version=RULES)
    later = led_to(
        seeds[1], f"{AT}/b?PHPSESSID=2&x=1", f"{AT}/b?PHPSESSID=2&x=2", f"{AT}/plain", f"{AT}/plain?PHPSESSID=3"
    )
    write_readings(ledger, crawl_id, [later], rules_version=RULES)
    assert pending(ledger, crawl_id) == [
        f"{AT}/a;jsessionid=1", f"{AT}/b?PHPSESSID=2&x=2", f"{AT}/b?x=1&PHPSESSID=1", f"{AT}/plain",
    ]  # fmt: skip
    assert counted(ledger, crawl_id) == {"session_id": 4}


def test_what_is_kept_out_is_counted_once_a_page_and_never_again(ledger: Ledger) -> None:
    """However the readings are cut into batches, and however often one is stored."""
    pages = [f"https://p{n}.example/" for n in range(4)]
    told = [
        led_to(one, *(f"{AT}/{n}" for n in range(5)), at=10 + place, kept_out=(("parameters", 2),))
        for place, one in enumerate(pages)
    ]
    for cut in (1, 2, 4):
        crawl_id = begun(ledger, *pages, max_pages_per_host=3, max_pages=100)
        moved = [replace(one, at=one.at + cut) for one in told]
        for start in range(0, 4, cut):
            for _ in range(2):
                write_readings(ledger, crawl_id, moved[start : start + cut], rules_version=RULES)
        assert counted(ledger, crawl_id) == {"max_pages_per_host": 8, "parameters": 8}, f"{cut} pages a batch"
        with ledger.connect() as conn:
            values = {one["limit"]: one["value"] for one in crawls.crawl_summary(conn, crawl_id)["not_followed"]}
        assert values == {"max_pages_per_host": 3, "parameters": None}


def test_a_finished_crawl_keeps_the_sums_alone(ledger: Ledger) -> None:
    crawl_id = begun(ledger, f"{AT}/", max_queries=1)
    write_readings(ledger, crawl_id, [led_to(f"{AT}/", f"{AT}/a?1", f"{AT}/a?2")], rules_version=RULES)
    for state, left in (("interrupted", 1), ("finished", 0)):
        with ledger.begin() as conn:
            frontier.finish_crawl(conn, crawl_id, state=state, now=9)
            assert conn.exec_driver_sql("SELECT count(*) FROM alike").scalar_one() == left
    assert counted(ledger, crawl_id) == {"max_queries": 1}


# -- a server made of traps -----------------------------------------------------------------------

CALENDAR, SESSION, FACETS, LOOP, MANY, DEEP, GROWING, HONEST = (f"127.0.0.{n}" for n in range(2, 10))
HONEST_PAGES = {f"/{n}" for n in range(1, 9)}
_SERIAL = itertools.count()


def trapped(request: Request) -> Page:
    """Each host leads on for ever, but for one."""
    host, path = request.host, request.path
    if path == "/robots.txt":
        return Page("User-agent: *\nDisallow:\n", content_type="text/plain")
    if host == CALENDAR:
        _, _, year, month = path.rstrip("/").split("/")
        after = [divmod(int(year) * 12 + int(month) + n - 1, 12) for n in range(1, 5)]
        return Page(html(*(f"/cal/{y}/{m + 1:02}/" for y, m in after)))
    if host == SESSION:
        return Page(html(*(f"/shop/{n}?PHPSESSID={next(_SERIAL):026}" for n in range(4))))
    if host == FACETS:
        chosen = re.findall(r"\w+=\w+", path)
        return Page(html(*(f"/list?{'&'.join(sorted({*chosen, f'{name}={n}'}))}" for name in "abc" for n in range(5))))
    if host == LOOP:
        return Page(html("a/b/"))
    if host == MANY:
        return Page(html(*(f"/many/{next(_SERIAL)}" for _ in range(5_000 if path == "/" else 500))))
    if host == DEEP:
        return Page(html(f"{next(_SERIAL)}/"))
    if host == GROWING:
        return Page(html(f"{path}{'&' if '?' in path else '?'}seen=1"))
    return Page(html(*HONEST_PAGES)) if path in {"/", *HONEST_PAGES} else Page(status=404)


@pytest.mark.proof
def test_a_crawl_of_traps_ends_and_says_what_ended_it(one_database: str) -> None:
    starts = {
        CALENDAR: "/cal/2026/11/", SESSION: "/shop/0", FACETS: "/list", LOOP: "/a/b/", MANY: "/", HONEST: "/",
        DEEP: "/" + "/".join(f"s{n}" for n in range(18)) + "/", GROWING: "/p",
    }  # fmt: skip
    with serve() as site:
        setattr(site, "answer", trapped)  # noqa: B010  mypy knows it as a method
        seeds = tuple(site.url(path, host) for host, path in starts.items())
        plan = CrawlPlan(
            db=one_database, seeds=seeds, depth=30, follow="host", delay=0, max_pages_per_host=10, max_queries=8
        )
        facts = crawl(plan, before="import crawler.session; crawler.session.BATCH_SECONDS = 0.1")
        asked = Counter(request.host for request in site.log if request.path != "/robots.txt")
    assert facts["state"] == "finished"
    assert facts["pending"] == 0
    assert facts["fetched"] == facts["asked"]
    kept_out = {one["limit"]: one["urls"] for one in facts["not_followed"]}
    assert kept_out.keys() == {
        "max_pages_per_host", "max_queries", "session_id", "path_repeats", "path_depth", "parameters",
    }  # fmt: skip
    assert (kept_out["path_repeats"], kept_out["path_depth"], kept_out["parameters"]) == (1, 1, 1)
    assert asked == {CALENDAR: 10, SESSION: 4, FACETS: 9, LOOP: 2, MANY: 10, DEEP: 3, GROWING: 4, HONEST: 9}
    read = outcomes(one_database)
    assert {site.url(path, HONEST) for path in HONEST_PAGES} <= {one for one in read if read[one] == ("fetched", None)}
    shown = ask("crawls", "show", "--db", one_database, "--format", "table").stdout
    assert "1 link was not followed: path_repeats: " in shown
    assert f"{kept_out['max_pages_per_host']:,} links were not followed: max_pages_per_host 10: " in " ".join(
        shown.split()
    )
    assert max(map(len, shown.splitlines())) <= 80
    told = ask_json("crawls", "show", "--db", one_database)
    assert told["not_followed"] == facts["not_followed"]
    manners = told["politeness"]
    assert (manners["max_pages"], manners["max_pages_per_host"], manners["max_queries"]) == (10_000, 10, 8)
    assert (manners["longest_crawl_delay"], manners["longest_retry_after"]) == (30, 120)
    assert manners["robots_token"] == "linkledger"
    assert re.fullmatch(r"linkledger/[\w.]+", manners["user_agent"])
    assert "one request at a time to an operator" in " ".join(shown.split())
