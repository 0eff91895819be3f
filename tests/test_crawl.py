"""Whole crawls over real HTTP into both databases: one outcome a URL, whatever the server does."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from local_site import (
    LOOPBACK,
    Page,
    Site,
    crawl,
    environment,
    html,
    outcomes,
    redirect,
    run_plan,
    serve,
    start_plan,
    zipped,
)

from crawler.plan import CrawlPlan
from storage import crawls
from storage.engine import open_ledger

ROOT = Path(__file__).resolve().parent.parent
LONG = html("/1", "/2", "/3") + " " * 400_000


def plan(database: str, *seeds: str, **more: object) -> CrawlPlan:
    """A crawl without delay; what fails is not asked again."""
    given: dict[str, object] = {"delay": 0, "timeout": 3, "retries": 0} | more
    return CrawlPlan(db=database, seeds=seeds, **given)  # type: ignore[arg-type]


def visits(database: str) -> list[tuple[str, bool, int]]:
    """Page, whether it was read whole, and its number of links, of every visit."""
    with open_ledger(database) as conn:
        rows = conn.exec_driver_sql(
            "SELECT u.url, v.complete, v.links FROM visit v JOIN url u ON u.id = v.page_id ORDER BY u.url"
        )
        return [(row[0], bool(row[1]), row[2]) for row in rows]


ANSWERS: list[tuple[str, dict[str, Page], tuple[str, str | None]]] = [  # id, routes (the first is asked), outcome
    ("page", {"/page": Page(html("/x"))}, ("fetched", None)),
    ("page_without_links", {"/empty": Page("")}, ("fetched", None)),
    ("xhtml", {"/xhtml": Page(html(), content_type="application/xhtml+xml")}, ("fetched", None)),
    ("no_type_but_html", {"/untyped": Page(html("/x"), content_type=None)}, ("fetched", None)),
    ("no_type_and_no_html", {"/text": Page("hello", content_type=None)}, ("skipped", "content_type unknown")),
    ("gzip", {"/gzip": zipped(html("/x"))}, ("fetched", None)),
    ("redirect", {"/moved": redirect("/page", 302)}, ("fetched", None)),
    ("pdf", {"/pdf": Page(b"%PDF-1.7", content_type="application/pdf")}, ("skipped", "content_type application/pdf")),
    ("pdf_said_to_be_html", {"/liar": Page(b"%PDF-1.7")}, ("skipped", "content_type binary")),
    ("json", {"/json": Page("{}", content_type="application/json")}, ("skipped", "content_type application/json")),
    ("cut_gzip", {"/cut-gzip": zipped(html(*"abc") * 500, keep=200)}, ("partial", "cut")),
    ("unknown_packing", {"/packed": Page("x", headers=(("Content-Encoding", "sdch"),))},
     ("failed", "content_encoding sdch")),
    ("cut_body", {"/cut": Page(html("/x"), cut=40)}, ("failed", "cut")),
    ("over_the_limit", {"/long": Page(LONG)}, ("partial", "size")),
    ("over_the_limit_unpacked", {"/bomb": zipped(LONG)}, ("partial", "size")),
    ("no_length_but_an_end", {"/old": Page(html("/x"), length=False)}, ("fetched", None)),
    ("no_length_and_no_end", {"/older": Page("<p><a href=/x>x</a>", length=False)}, ("partial", "no_length")),
    ("reset", {"/reset": Page(reset=True)}, ("failed", "connect")),
    ("slow", {"/slow": Page(html(), wait=20)}, ("failed", "timeout")),
    ("drip", {"/drip": Page(html("/x"), wait=1, pieces=30)}, ("partial", "time")),
    ("not_found", {"/404": Page(html("/x"), status=404)}, ("failed", "http:404")),
    ("gone", {"/410": Page(html("/x"), status=410)}, ("failed", "http:410")),
    ("forbidden", {"/403": Page("", status=403)}, ("failed", "http:403")),
    ("server_fault", {"/500": Page("", status=500)}, ("failed", "http:500")),
    ("no_content", {"/204": Page("", status=204)}, ("failed", "http:204")),
    ("redirect_without_target", {"/nowhere": Page("", status=302)}, ("failed", "http:302")),
    ("redirect_in_a_circle", {"/circle": redirect("/circle2"), "/circle2": redirect("/circle")},
     ("failed", "redirect_loop")),
    ("redirect_without_end", {"/r0": redirect("/r1")} | {f"/r{n}": redirect(f"/r{n + 1}") for n in range(1, 12)},
     ("failed", "redirect_limit")),
    ("redirect_to_ftp", {"/ftp": redirect("ftp://127.0.0.1/x")}, ("refused", "scheme")),
    ("redirect_to_file", {"/file": redirect("file:///etc/passwd")}, ("refused", "scheme")),
    ("redirect_to_javascript", {"/js": redirect("javascript:alert(1)")}, ("refused", "scheme")),
    ("redirect_to_nonsense", {"/bad": redirect("http://[::1")}, ("failed", "redirect_invalid")),
    ("redirect_to_an_endless_address", {"/endless": redirect("/" + "a" * 3_000)}, ("skipped", "url_too_long")),
    ("robots_hold_on_each_hop", {"/hop": redirect("/private/x"), "/private/x": Page(html())},
     ("blocked", "robots:disallow /private/ (line 2)")),
    ("absurd_charset", {"/rot13": Page(html("/x"), content_type="text/html; charset=rot13")}, ("fetched", None)),
]  # fmt: skip


def test_every_kind_of_answer_has_its_outcome(site: Site, database: str) -> None:
    site.robots = b"User-agent: linkledger\nDisallow: /private/\n"
    expected: dict[str, tuple[str, str | None]] = {}
    for name, routes, outcome in ANSWERS:
        site.routes.update(routes)
        expected[site.url(next(iter(routes)))] = outcome
        assert name
    dead = {
        "http://127.0.0.9:1/": ("failed", "connect"),
        "http://no-such-host.invalid/": ("failed", "dns"),
        f"{site.url('/' + 'b' * 2_100)}": ("skipped", "url_too_long"),
    }
    facts = crawl(plan(database, *expected, *dead, max_bytes=300_000))
    assert outcomes(database) == expected | dead
    states = [state for state, _ in (expected | dead).values()]
    assert facts["state"] == "finished"
    assert facts["rows_read"] == facts["asked"] == len(states)
    assert {state: facts[state] for state in crawls.STATES} == {state: states.count(state) for state in crawls.STATES}
    assert sum(problem["urls"] for problem in facts["problems"]) == facts["asked"] - facts["fetched"]
    read = visits(database)
    assert facts["pages"] == len(read)
    assert facts["links"] == sum(links for _, _, links in read)
    # Short of the end, links were read, and the page says that it was not read whole.
    assert (site.url("/long"), False, 3) in read
    assert (site.url("/bomb"), False, 3) in read
    assert (site.url("/older"), False, 1) in read
    assert (site.url("/gzip"), True, 1) in read


@pytest.mark.proof
def test_redirects_are_recorded_and_lead_to_one_visit(site: Site, one_database: str) -> None:
    site.routes |= {"/old": redirect("/older", 301), "/older": redirect("/now", 302), "/now": Page(html("/x", "/y"))}
    facts = crawl(plan(one_database, site.url("/old"), site.url("/older"), site.url("/now")))
    assert (facts["fetched"], facts["pages"], facts["links"]) == (3, 1, 2)
    with open_ledger(one_database) as conn:
        rows = {row["url"]: row for row in crawls.outcome_rows(conn, 1)}
    assert rows[site.url("/old")]["redirects"] == [[site.url("/old"), 301], [site.url("/older"), 302]]
    assert rows[site.url("/older")]["redirects"] == [[site.url("/older"), 302]]
    assert {row["final"] for row in rows.values()} == {site.url("/now")}
    assert visits(one_database) == [(site.url("/now"), True, 2)]


def test_certificates_hold_only_where_asked(tmp_path: Path) -> None:
    """Reach goes first: many small sites have a certificate that is old or for another name."""
    with serve(secure=True) as secure:
        secure.routes["/"] = Page(html("/x"))
        address = f"https://127.0.0.1:{secure.port}/"
        database = f"sqlite:///{tmp_path / 'l.db'}"
        assert crawl(plan(database, address))["fetched"] == 1
        crawl(plan(database, address, verify_tls=True))
        assert outcomes(database)[address] == ("failed", "tls")


# -- robots.txt (its answers: test_robots_answers.py) ------------------------------------------------


def test_robots_txt_is_asked_once_for_each_origin(site: Site, tmp_path: Path) -> None:
    site.routes |= {f"/{n}": Page(html()) for n in range(6)}
    seeds = [site.url(f"/{n}", host) for n in range(6) for host in ("127.0.0.2", "127.0.0.3")]
    crawl(plan(f"sqlite:///{tmp_path / 'l.db'}", *seeds))
    for host in ("127.0.0.2", "127.0.0.3"):
        assert site.paths(host).count("/robots.txt") == 1
        assert site.paths(host)[0] == "/robots.txt"


def test_the_crawler_says_who_it_is(site: Site, tmp_path: Path) -> None:
    site.routes["/"] = Page(html())
    database = f"sqlite:///{tmp_path / 'l.db'}"
    crawl(plan(database, site.url(), contact="https://us.example/bot"))
    agents = {request.headers["User-Agent"] for request in site.log}
    (agent,) = agents
    assert agent.startswith("linkledger/")
    assert agent.endswith(" (+https://us.example/bot)")
    assert not {"Referer", "Cookie", "Authorization"} & {name for request in site.log for name in request.headers}
    site.robots = b"User-agent: ourbot\nDisallow: /"
    crawl(plan(database, site.url(), user_agent="OurBot/2.0 (testing)"))
    assert outcomes(database)[site.url()] == ("blocked", "robots:disallow / (line 2)")


# -- politeness ---------------------------------------------------------------------------------


def gaps(starts: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(starts)]


def overlapping(site: Site, *hosts: str) -> list[tuple[str, str]]:
    spans = sorted((one.started, one.ended, one.path) for one in site.log if one.host in hosts)
    return [(before[2], after[2]) for before, after in pairwise(spans) if after[0] < before[1] - 0.01]


LATE = 0.1
"""Seconds by which the site's threads may note a request later than it came, on a machine with other work."""


def test_one_request_at_a_time_and_a_delay_for_each_operator(site: Site, tmp_path: Path) -> None:
    """Also for robots.txt, for redirects that lead to another operator, and for what is asked again."""
    a, b = "127.0.0.2", "127.0.0.3"
    delay = 0.3
    tries: list[int] = []

    def flaky(_: object) -> Page:
        tries.append(1)
        return Page("", status=503) if len(tries) == 1 else Page(html())

    site.routes |= {
        (a, "/1"): Page(html(), wait=0.1), (a, "/2"): redirect(site.url("/from-a", b)), (a, "/3"): flaky,
        (b, "/1"): Page(html(), wait=0.4), (b, "/2"): Page(html()), (b, "/from-a"): Page(html()),
    }  # fmt: skip
    seeds = [site.url(path, a) for path in ("/1", "/2", "/3")] + [site.url(path, b) for path in ("/1", "/2")]
    database = f"sqlite:///{tmp_path / 'l.db'}"
    facts = crawl(plan(database, *seeds, delay=delay, retries=1))
    assert facts["fetched"] == 5
    assert sorted(site.paths(a)) == ["/1", "/2", "/3", "/3", "/robots.txt"]
    assert sorted(site.paths(b)) == ["/1", "/2", "/from-a", "/robots.txt"]
    for host in (a, b):
        assert min(gaps(site.starts(host))) > delay - LATE
        assert overlapping(site, host) == []
    both = sorted(site.starts(a) + site.starts(b))
    assert min(gaps(both)) < delay / 2, "the two are asked side by side"


def test_hosts_of_one_operator_share_its_turn(site: Site, tmp_path: Path) -> None:
    """Sub-domains, and blogs on a platform that the suffix list's private section keeps apart."""
    blogs = ["one.blogspot.com", "two.blogspot.com", "three.blogspot.com"]
    shops = ["www.shop.co.uk", "shop.co.uk"]
    site.routes["/"] = Page(html())
    facts = crawl(
        plan(f"sqlite:///{tmp_path / 'l.db'}", *(f"http://{host}/" for host in blogs + shops), delay=0.25),
        proxy=site.url(""),
    )
    assert facts["fetched"] == 5
    for group in (blogs, shops):
        assert len(site.starts(*group)) == 2 * len(group)
        assert min(gaps(site.starts(*group))) > 0.25 - LATE
        assert overlapping(site, *group) == []


def test_retry_after_and_crawl_delay_are_honoured(site: Site, tmp_path: Path) -> None:
    tries: list[int] = []

    def busy(_: object) -> Page:
        tries.append(1)
        return Page("", status=429, headers=(("Retry-After", "1"),)) if len(tries) == 1 else Page(html())

    a, b = "127.0.0.2", "127.0.0.3"
    site.routes |= {
        (a, "/"): busy,
        (b, "/robots.txt"): Page("User-agent: *\nCrawl-delay: 0.6"),
        (b, "/1"): Page(html()),
        (b, "/2"): Page(html()),
    }
    seeds = [site.url("/", a), site.url("/1", b), site.url("/2", b)]
    facts = crawl(plan(f"sqlite:///{tmp_path / 'l.db'}", *seeds, delay=0.05, retries=1))
    assert facts["fetched"] == 3
    assert gaps(site.starts(a))[-1] > 0.95
    assert gaps(site.starts(b))[-1] > 0.58


# -- following links ------------------------------------------------------------------------------

FOLLOWS: list[tuple[str, dict[str, object], set[str]]] = [  # id, plan, URLs asked beside the two seeds
    ("host", {"depth": 1, "follow": "host"}, {"http://www.a.com/in"}),
    ("domain", {"depth": 1, "follow": "domain"}, {"http://www.a.com/in", "http://blog.a.com/"}),
    ("list", {"depth": 1, "follow": "list"}, {"http://www.a.com/in", "http://blog.a.com/", "http://b.org/other"}),
    ("any", {"depth": 1, "follow": "any"},
     {"http://www.a.com/in", "http://blog.a.com/", "http://b.org/other", "http://c.net/"}),
    ("depth_2", {"depth": 2, "follow": "host"}, {"http://www.a.com/in", "http://www.a.com/deep"}),
    ("include", {"depth": 1, "follow": "any", "include": ("/other$", "^http://c")},
     {"http://b.org/other", "http://c.net/"}),
    ("exclude", {"depth": 1, "follow": "any", "exclude": ("blog", r"/in\b")},
     {"http://b.org/other", "http://c.net/"}),
    ("max_pages", {"depth": 1, "follow": "any", "max_pages": 3}, {"http://www.a.com/in"}),
]  # fmt: skip


@pytest.mark.parametrize(("more", "found"), [pytest.param(*row[1:], id=row[0]) for row in FOLLOWS])
def test_follow(site: Site, tmp_path: Path, more: dict[str, object], found: set[str]) -> None:
    links = ["/in", "/in#part", "http://blog.a.com/", "http://b.org/other", "http://c.net/", "/", "mailto:x@a.com"]
    hidden = '<a rel="nofollow" href="/calendar">next</a>'
    site.routes |= {
        ("www.a.com", "/"): Page(html(*links) + hidden),
        ("www.a.com", "/in"): Page(html("/deep", "/")),
        ("b.org", "/"): Page(f"<meta name=robots content=nofollow>{html('/never')}"),
    }
    for path in ("/deep", "/other", "/"):
        site.routes.setdefault(path, Page(html()))
    database = f"sqlite:///{tmp_path / 'l.db'}"
    seeds = {"http://www.a.com/", "http://b.org/"}
    facts = crawl(plan(database, *sorted(seeds, reverse=True), **more), proxy=site.url(""))
    assert set(outcomes(database)) == seeds | found
    assert (facts["asked"], facts["fetched"], facts["rows_read"]) == (2 + len(found), 2 + len(found), 2)


def test_a_trap_ends_at_the_limit(site: Site, tmp_path: Path) -> None:
    """Every page of the calendar leads to 500 further ones."""
    site.routes["/"] = Page(html(*(f"/day/{n}" for n in range(500))))

    class Days(dict):  # type: ignore[type-arg]
        def get(self, key: object, default: object = None) -> object:
            path = key[1] if isinstance(key, tuple) else key
            if str(path).startswith("/day/"):
                return Page(html(*(f"{path}/{n}" for n in range(500))))
            return dict.get(self, key, default)

    site.routes = Days(site.routes)
    facts = crawl(plan(f"sqlite:///{tmp_path / 'l.db'}", site.url(), depth=20, follow="host", max_pages=60))
    assert (facts["asked"], facts["fetched"], facts["pending"]) == (60, 60, 0)


# -- when things break ------------------------------------------------------------------------------


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


def slow_pages(site: Site, number: int, *, wait: float = 0.05) -> list[str]:
    site.routes |= {f"/{n}": Page(html(f"/x{n}", f"/y{n}"), wait=wait) for n in range(number)}
    return [site.url(f"/{n}", f"127.0.0.{2 + n % 4}") for n in range(number)]


def consistent(database: str) -> dict[str, int]:
    """Check that outcomes, visits and links tell one story; the outcomes by state."""
    with open_ledger(database) as conn:
        facts = crawls.crawl_summary(conn, crawls.find_crawl(conn, "last"))
        stored = conn.exec_driver_sql("SELECT count(*) FROM link WHERE gone_at IS NULL").scalar_one()
        halves = conn.exec_driver_sql(
            "SELECT count(*) FROM outcome o WHERE (o.state = 1) <> (o.visit_id IS NOT NULL)"
        ).scalar_one()
    assert facts["pages"] == facts["fetched"]
    assert facts["links"] == stored == 2 * facts["fetched"]
    assert halves == 0
    return {state: facts[state] for state in crawls.STATES} | {"asked": facts["asked"]}


def test_a_killed_crawl_leaves_the_ledger_whole(site: Site, database: str) -> None:
    seeds = slow_pages(site, 200)
    child = start_plan(plan(database, *seeds))
    wait_for(lambda: len(site.log) > 90)
    child.kill()
    child.communicate(timeout=10)
    counts = consistent(database)
    assert counts["asked"] == 200
    assert counts["pending"] > 0
    assert counts["fetched"] + counts["pending"] == 200
    # The same list again: nothing is doubled, nothing is missing.
    facts = crawl(plan(database, *seeds))
    assert (facts["fetched"], facts["pending"]) == (200, 0)
    with open_ledger(database) as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM link WHERE gone_at IS NULL").scalar_one() == 400
        assert conn.exec_driver_sql("SELECT count(*) FROM link").scalar_one() == 400


@pytest.mark.proof
def test_ctrl_c_ends_after_the_pages_in_flight(site: Site, one_database: str) -> None:
    child = start_plan(plan(one_database, *slow_pages(site, 300)))
    wait_for(lambda: len(site.log) > 30)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
    assert '"state": "interrupted"' in out
    asked = sum(request.path != "/robots.txt" for request in site.log)
    counts = consistent(one_database)
    assert counts["fetched"] == asked, "what was asked is stored"
    assert counts["pending"] == 300 - asked > 0


BREAK = """
import crawler.session as s
real, calls = s.write_readings, []
def failing(where, crawl_id, readings, **more):
    calls.append(1)
    if len(calls) > 1:
        with where.begin() as conn:
            conn.exec_driver_sql("DROP TABLE skipped_by_the_test")
    return real(where, crawl_id, readings, **more)
s.write_readings = failing
"""


def test_a_store_that_fails_ends_the_crawl_with_its_reason(site: Site, database: str) -> None:
    done = run_plan(plan(database, *slow_pages(site, 300)), before=BREAK)
    assert done.returncode == 1
    assert "skipped_by_the_test" in done.stderr
    assert "Traceback" not in done.stderr
    counts = consistent(database)
    assert counts["fetched"] + counts["pending"] == 300
    assert counts["pending"] > 0, "what could not be stored is not taken for done"
    with open_ledger(database) as conn:
        assert crawls.crawl_summary(conn, 1)["state"] == "failed"


@pytest.mark.proof
def test_a_page_that_cannot_be_taken_apart_is_named(site: Site, one_database: str) -> None:
    site.routes |= {"/good": Page(html("/x", "/y")), "/bad": Page(html(title="BAD"))}
    before = """
import crawler.taking_apart as t
real = t.parse_page
def failing(body, **more):
    if b"BAD" in body:
        raise KeyError("a fault")
    return real(body, **more)
t.parse_page = failing
"""
    facts = crawl(plan(one_database, site.url("/bad"), site.url("/good")), before=before)
    assert outcomes(one_database) == {
        site.url("/good"): ("fetched", None),
        site.url("/bad"): ("failed", "parse:KeyError"),
    }
    assert facts["fetched"] == 1


@pytest.mark.proof
def test_pages_not_found_any_more_close_their_links(site: Site, one_database: str) -> None:
    site.routes |= {"/stays": Page(html("/x")), "/goes": Page(html("/x"))}
    seeds = (site.url("/stays"), site.url("/goes"))
    crawl(plan(one_database, *seeds))
    site.routes |= {"/goes": Page("", status=410), "/stays": Page("", status=503)}
    crawl(plan(one_database, *seeds))
    with open_ledger(one_database) as conn:
        rows = conn.exec_driver_sql(
            "SELECT u.url, l.gone_at IS NULL FROM link l JOIN url u ON u.id = l.source_id WHERE l.valid_to IS NULL"
        )
        live = {row[0]: bool(row[1]) for row in rows}
    assert live == {site.url("/stays"): True, site.url("/goes"): False}


# -- other ways to start one -------------------------------------------------------------------------


def test_scrapy_crawl_runs_the_same_spider(site: Site, tmp_path: Path) -> None:
    site.routes |= {"/a": Page(html("/b")), "/b": Page(html())}
    database = f"sqlite:///{tmp_path / 'l.db'}"
    arguments = {
        "db": database, "seeds": site.url("/a"), "delay": "0", "depth": "1", "follow": "host", "allow_net": LOOPBACK[0],
    }  # fmt: skip
    command = [sys.executable, "-m", "scrapy", "crawl", "pages"]
    for name, value in arguments.items():
        command += ["-a", f"{name}={value}"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert outcomes(database) == {site.url("/a"): ("fetched", None), site.url("/b"): ("fetched", None)}
    with open_ledger(database) as conn:
        assert crawls.crawl_summary(conn, 1)["state"] == "finished"


@pytest.mark.proof
def test_one_crawl_reads_its_list_again(site: Site, one_database: str, tmp_path: Path) -> None:
    site.routes |= {f"/{n}": Page(html("/x")) for n in range(3)}
    pages = tmp_path / "pages.txt"
    pages.write_text("".join(site.url(f"/{n % 3}") + "\n" for n in range(5)))
    first = crawl(plan(one_database, str(pages), list_name="spring"))
    assert [first[key] for key in ("list", "rows_read", "rows_accepted", "rows_duplicate")] == ["spring", 5, 3, 2]
    again = crawl(plan(one_database, list_name="spring"))
    assert [again[key] for key in ("list", "rows_read", "rows_accepted", "rows_duplicate")] == ["spring", 5, 3, 2]
    assert again["fetched"] == 3
