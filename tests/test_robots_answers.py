"""Whole crawls against every answer and fault a robots.txt can have: what becomes of the page behind it."""

from __future__ import annotations

import gzip
import re
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_site import Page, Request, Site, crawl, html, outcomes, redirect, run_plan, serve, zipped

from crawler import politeness
from crawler.plan import CrawlPlan
from crawler.politeness import retry_after
from crawler.robots_known import FRESH_SECONDS, UNREACHABLE_SECONDS, Policies, Policy
from crawler.robots_rules import ALLOW_ALL, MAX_BYTES, read_robots

Outcome = tuple[str, str | None]
FETCHED: Outcome = ("fetched", None)
UNREACHABLE: Outcome = ("blocked", "robots:unreachable")
HIDDEN = "User-agent: *\nDisallow: /page"
"""Hides the page; in an answer that is not to be read, it would show that it was."""


def plan(database: str, *seeds: str, **more: object) -> CrawlPlan:
    """A crawl without delay; what fails is not asked again."""
    given: dict[str, object] = {"delay": 0, "timeout": 3, "retries": 0} | more
    return CrawlPlan(db=database, seeds=seeds, **given)  # type: ignore[arg-type]


def by_line(line: int, pattern: str = "/page") -> Outcome:
    return "blocked", f"robots:disallow {pattern} (line {line})"


def chunks(body: str) -> Page:
    return Page(body, headers=(("Transfer-Encoding", "chunked"),), length=False)


_PAD = "#" * (MAX_BYTES - len(HIDDEN) - 1 - len("\nAllow: /page"))
ANSWERS: list[tuple[str, Page, Outcome]] = [  # id, robots.txt, outcome of /page
    # -- answers with a file
    ("allowed", Page("User-agent: *\nAllow: /"), FETCHED),
    ("forbidden", Page("User-agent: *\n\nDisallow: /pa # no\n"), by_line(3, "/pa")),
    ("forbidden_by_a_long_rule", Page(HIDDEN + "*" * 300), by_line(2, f"/page{'*' * 195}...")),
    ("empty", Page(""), FETCHED),
    ("html_said_to_be_there", Page(html(title="Not found")), FETCHED),
    ("challenge", Page(html(title="Just a moment...")), FETCHED),
    ("challenge_refused", Page(html(title="Just a moment..."), status=403), FETCHED),
    ("any_type", Page(HIDDEN, content_type="image/png"), by_line(2)),
    ("no_length", Page(HIDDEN, length=False), by_line(2)),
    ("chunks", chunks(f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n0\r\n\r\n"), by_line(2)),
    ("gzip", zipped(HIDDEN), by_line(2)),
    # -- statuses
    ("no_content", Page("", status=204), FETCHED),
    ("a_part", Page(HIDDEN, status=206), UNREACHABLE),
    ("redirect_without_a_target", Page(HIDDEN, status=302), FETCHED),
    ("unchanged_though_nobody_asked", Page(status=304, content_type=None, length=False), FETCHED),
    ("bad_request", Page(HIDDEN, status=400), FETCHED),
    ("log_in", Page(HIDDEN, status=401), FETCHED),
    ("not_for_us_to_see", Page(HIDDEN, status=403), FETCHED),
    ("none_there_with_a_body_that_forbids_all", Page("User-agent: *\nDisallow: /", status=404), FETCHED),
    ("gone", Page(HIDDEN, status=410), FETCHED),
    ("for_legal_reasons", Page(HIDDEN, status=451), FETCHED),
    ("too_many_requests", Page("", status=429), ("blocked", "robots:429")),
    ("too_many_requests_for_now", Page("", status=429, headers=(("Retry-After", "1"),)), ("blocked", "robots:429")),
    ("server_fault", Page("User-agent: *\nAllow: /", status=500), ("blocked", "robots:5xx")),
    ("overloaded", Page("User-agent: *\nAllow: /", status=503), ("blocked", "robots:5xx")),
    ("unknown_fault", Page("", status=599), ("blocked", "robots:5xx")),
    # -- faults
    ("reset", Page(reset=True), UNREACHABLE),
    ("slow", Page("", wait=20), UNREACHABLE),
    ("drip", Page("User-agent: *\nAllow: /\n" * 9, wait=0.5, pieces=30), UNREACHABLE),
    ("cut", Page("User-agent: *\nDisallow: /nothing\n" * 9, cut=20), UNREACHABLE),
    ("cut_gzip", zipped("User-agent: *\n" + "Disallow: /nothing\n" * 500, keep=60), UNREACHABLE),
    ("broken_gzip", replace(zipped(""), body=gzip.compress(b"a" * 99)[:-12] + b"x" * 12), UNREACHABLE),
    ("unknown_packing", Page("x", headers=(("Content-Encoding", "sdch"),)), UNREACHABLE),
    ("bad_chunks", chunks("User-agent: *\nAllow: /\r\n"), UNREACHABLE),
    ("cut_chunks", chunks("20\r\nUser-agent: *\n"), UNREACHABLE),
    # -- redirects
    ("elsewhere", redirect("/hidden.txt"), by_line(2)),
    ("five_hops", redirect("/hop1"), by_line(2)),
    ("six_hops", redirect("/hop0"), FETCHED),
    ("in_a_circle", redirect("/robots.txt"), FETCHED),
    ("in_a_wider_circle", redirect("/circle"), FETCHED),
    ("to_nothing", redirect("http://[::1"), FETCHED),
    ("to_none", redirect("/none"), FETCHED),
    ("to_a_fault", redirect("/fault"), ("blocked", "robots:5xx")),
    ("to_a_page", redirect("/home"), FETCHED),
    ("to_ftp", redirect("ftp://127.0.0.1/robots.txt"), UNREACHABLE),
    ("to_a_host_that_is_not_there", redirect("http://127.0.4.1:1/robots.txt"), UNREACHABLE),
    ("to_a_name_that_is_not_there", redirect("http://no-such-host.invalid/robots.txt"), UNREACHABLE),
    ("to_a_closed_address", redirect("http://169.254.169.254/robots.txt"), UNREACHABLE),
    # -- size
    ("rule_behind_the_limit", Page("User-agent: *\n" + "#" * 20_000_000 + "\nDisallow: /page"), FETCHED),
    ("rule_before_the_limit", Page(HIDDEN + "\n" + "#\n" * 600_000 + "Allow: /page"), by_line(2)),
    ("rule_cut_by_the_limit", Page(f"{HIDDEN}\n{_PAD}\nAllow: /page-but-this-is-cut"), by_line(2)),
    ("rule_cut_by_the_limit_unpacked", zipped(f"{HIDDEN}\n{_PAD}\nAllow: /page-but-this-is-cut"), by_line(2)),
    ("rule_at_the_limit", Page(f"{HIDDEN}\n{_PAD}\nAllow: /page"), FETCHED),
    ("bomb", zipped(f"{HIDDEN}\n".encode() + b"#" * 64_000_000), by_line(2)),
    ("million_rules", Page("User-agent: *\n" + "".join(f"Disallow: /*{n}*$\n" for n in range(1_000_000))), FETCHED),
    ("stars", Page("User-agent: *\n" + f"Disallow: /{'*a' * 5_000}$\n" * 50), FETCHED),
]  # fmt: skip
REPORT = """
import atexit, re, sys, time
from pathlib import Path
@atexit.register
def report():
    memory = re.search("VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]
    print("used", int(memory) // 1024, "MB", time.process_time(), "s", file=sys.stderr)
"""
"""The most memory of the crawl's own process: what `resource` tells begins with that of the one that started it."""


@pytest.mark.proof
def test_every_answer_of_robots_txt(site: Site, one_database: str) -> None:
    expected: dict[str, Outcome] = {}
    for number, (_, robots, outcome) in enumerate(ANSWERS):
        host = f"127.0.3.{number + 1}"
        site.routes[host, "/robots.txt"] = robots
        expected[site.url("/page", host)] = outcome
    site.routes |= {
        "/page": Page(html()), "/home": Page(html()), "/hidden.txt": Page(HIDDEN), "/fault": Page(status=502),
        "/circle": redirect("/robots.txt"), "/hop5": Page(HIDDEN),
    }  # fmt: skip
    site.routes |= {f"/hop{n}": redirect(f"/hop{n + 1}") for n in range(5)}
    expected["http://127.0.4.1:1/page"] = ("failed", "connect")
    expected["http://no-such-host.invalid/page"] = ("failed", "dns")
    expected["http://169.254.169.254/page"] = ("refused", "address 169.254.169.254 (link-local)")
    done = run_plan(plan(one_database, *expected), before=REPORT)
    assert done.returncode == 0, done.stderr
    assert outcomes(one_database) == expected
    asked = {request.host for request in site.log if request.path == "/page"}
    assert asked == {url.split("//")[1].split(":")[0] for url, found in expected.items() if found == FETCHED}
    used = re.search(r"used (\d+) MB ([\d.]+) s", done.stderr)
    assert used is not None
    assert int(used[1]) < 200
    assert float(used[2]) < 20
    # What could not be read is asked again in a crawl of its own; what a rule forbids is not.
    site.routes = {"/page": Page(html())}
    crawl(plan(one_database, retry_of=1))
    again = {
        url for url, (_, reason) in expected.items() if reason and not reason.startswith(("robots:disallow", "address"))
    }
    answers = dict.fromkeys(again, FETCHED)
    dead = {url: expected[url] for url in again if expected[url][0] == "failed"}
    assert outcomes(one_database) == answers | dead


def test_a_file_for_each_scheme_host_and_port(site: Site, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'l.db'}"
    with serve() as other, serve(secure=True) as secure:
        for one in (site, other, secure):
            one.routes["/page"] = Page(html())
        other.robots = HIDDEN.encode()
        secure.routes["127.0.0.3", "/robots.txt"] = Page("User-agent: *\n" + HIDDEN)
        tls = f"https://127.0.0.3:{secure.port}/page"
        expected = {
            site.url("/page", "127.0.0.2"): FETCHED,
            site.url("/page", "127.0.0.3"): FETCHED,
            other.url("/page", "127.0.0.2"): by_line(2),
            tls: by_line(3),
        }
        crawl(plan(database, *expected))
        assert outcomes(database) == expected


def test_robots_txt_is_asked_again_in_its_time(site: Site, tmp_path: Path) -> None:
    """After a day, and after ten minutes where it could not be read; here both are a second."""
    a, b = "127.0.0.2", "127.0.0.3"
    tries: list[int] = []

    def mended(_: Request) -> Page:
        tries.append(1)
        return Page("", status=503) if len(tries) == 1 else Page("")

    site.routes |= {
        (a, "/1"): Page(html(site.url("/late", b), site.url("/2", a)), wait=1.5), (a, "/2"): Page(html()),
        (b, "/robots.txt"): mended, "/late": Page(html()), "/early": Page(html()),
    }  # fmt: skip
    database = f"sqlite:///{tmp_path / 'l.db'}"
    shorter = "import crawler.robots as r; r.FRESH_SECONDS = r.UNREACHABLE_SECONDS = 1.0"
    crawl(plan(database, site.url("/1", a), site.url("/early", b), depth=1, follow="any", timeout=5), before=shorter)
    assert outcomes(database) == {
        site.url("/1", a): FETCHED, site.url("/2", a): FETCHED, site.url("/late", b): FETCHED,
        site.url("/early", b): ("blocked", "robots:5xx"),
    }  # fmt: skip
    assert site.paths(a).count("/robots.txt") == 2
    assert (FRESH_SECONDS, UNREACHABLE_SECONDS) == (24 * 3600, 600)


# -- what is remembered -------------------------------------------------------------------------


def test_a_policy_holds_until_its_time() -> None:
    known = Policies()
    policy = Policy(ALLOW_ALL, until=100 + FRESH_SECONDS)
    known.put("http://a.example", policy)
    assert known.get("http://a.example", 100 + FRESH_SECONDS - 1) is policy
    assert known.get("https://a.example", 101) is None
    assert known.get("http://a.example", 100 + FRESH_SECONDS) is None
    assert (len(known), known.bytes) == (0, 0)


def test_what_is_remembered_is_bounded_by_number_and_by_size() -> None:
    rules = read_robots(b"User-agent: *\n" + b"".join(b"Disallow: /%d\n" % n for n in range(1_000)), "linkledger")
    big = Policy(rules, until=1)
    few = Policies(most_origins=3)
    small = Policies(most_bytes=int(2.5 * big.bytes))
    for known in (few, small):
        for name in "abcd":
            known.put(name, big)
            known.get("a", 0)  # used again and again, so it stays
    assert [name for name in "abcd" if few.get(name, 0)] == ["a", "c", "d"]
    assert [name for name in "abcd" if small.get(name, 0)] == ["a", "d"]
    assert small.bytes == 2 * big.bytes
    for _ in range(3):
        small.put("a", big)
    assert small.bytes == 2 * big.bytes
    tiny = Policies(most_bytes=10)
    tiny.put("a", big)
    assert tiny.get("a", 0) is big, "the one in use stays, whatever its size"
    tiny.put("b", big)
    assert len(tiny) == 1


# -- politeness -----------------------------------------------------------------------------------


def gaps(*sites: tuple[Site, str]) -> list[float]:
    starts = sorted(start for site, host in sites for start in site.starts(host))
    return [later - earlier for earlier, later in pairwise(starts)]


def test_delays_a_robots_txt_asks_for(site: Site, tmp_path: Path) -> None:
    """Also where it is not read: the operator is left alone as long as it asks, up to the caps."""
    busy, slow, endless = "127.0.0.2", "127.0.0.3", "127.0.0.4"
    wait = (("Retry-After", "1"),)
    shorter = "import crawler.politeness as p; p.LONGEST_CRAWL_DELAY, p.LONGEST_RETRY_AFTER = 0.7, 1.2"
    with serve() as other:
        tries: list[int] = []

        def once(_: Request) -> Page:
            tries.append(1)
            return Page("", status=503, headers=(("Retry-After", "999999999999"),)) if len(tries) == 1 else Page("")

        site.routes |= {
            (busy, "/robots.txt"): Page("", status=429, headers=wait),
            (slow, "/robots.txt"): Page("User-agent: *\nCrawl-delay: 86400 # a day"),
            (endless, "/robots.txt"): once,
            "/1": Page(html()), "/2": Page(html()),
        }  # fmt: skip
        other.routes |= {"/1": Page(html())}
        seeds = [site.url("/1", busy), other.url("/1", busy), site.url("/1", slow), site.url("/2", slow),
                 site.url("/1", endless)]  # fmt: skip
        database = f"sqlite:///{tmp_path / 'l.db'}"
        began = time.monotonic()
        crawl(plan(database, *seeds, retries=1, delay=0.01), before=shorter)
        assert time.monotonic() - began < 30, "both caps hold"
        found = outcomes(database)
        assert found.pop(seeds[0]) == ("blocked", "robots:429")
        assert set(found.values()) == {FETCHED}
        starts = [start for start in site.starts(busy) if start]
        assert len(starts) == 2
        assert min(gaps((site, busy), (other, busy))[:2]) > 0.9, "another port of the same operator waits too"
        assert 0.6 < min(gaps((site, slow))) < 5
        assert 1.1 < gaps((site, endless))[0] < 5
    assert (politeness.LONGEST_CRAWL_DELAY, politeness.LONGEST_RETRY_AFTER) == (30, 120)


WAITS = [  # id, Retry-After, seconds
    ("number", "7", 7.0),
    ("white_space", "  7 ", 7.0),
    ("fraction", "1.5", 1.5),
    ("none", "", 0.0),
    ("nothing", "0", 0.0),
    ("negative", "-5", 0.0),
    ("huge", "9" * 30, 1e30),
    ("beyond_all_numbers", "9" * 400, float("inf")),
    ("unit", "5 minutes", 0.0),
    ("words", "soon", 0.0),
    ("other_digits", "\u0663", 0.0),
    ("past", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ("no_day_of_any_month", "Wed, 99 Oct 2015 07:28:00 GMT", 0.0),
    ("second_beyond_all_clocks", f"Wed, 21 Oct 2015 07:28:{'9' * 30} GMT", 0.0),
    ("year_out_of_range", "Wed, 21 Oct 99999 07:28:00 GMT", 0.0),
]


@pytest.mark.parametrize(("value", "seconds"), [pytest.param(*row[1:], id=row[0]) for row in WAITS])
def test_retry_after(value: str, seconds: float) -> None:
    assert retry_after(value.encode()) == pytest.approx(seconds)


def test_retry_after_a_date() -> None:
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 90)).encode()
    assert 85 < retry_after(later) <= 90


@given(st.one_of(st.binary(max_size=40), st.from_regex(rb"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ [\d:.]+ [-+A-Z0-9]+")))
def test_any_retry_after_is_a_wait(value: bytes) -> None:
    assert retry_after(value) >= 0
