"""robots.txt rules: RFC 9309's own examples, the lines that decide, and bounds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from crawler.robots_rules import MAX_BYTES, comparable, matches, read_robots

AGENT = "linkledger"

VERDICTS = [  # id, robots.txt, path, allowed
    ("nothing_said_is_allowed", "", "/a", True),
    ("disallow_all", "User-agent: *\nDisallow: /", "/a", False),
    ("empty_disallow_allows", "User-agent: *\nDisallow:", "/a", True),
    ("own_group_beats_general", "User-agent: *\nDisallow: /\n\nUser-agent: linkledger\nDisallow: /x", "/a", True),
    ("own_group_without_rules_allows", "User-agent: *\nDisallow: /\nUser-agent: LinkLedger", "/a", True),
    ("agent_without_regard_to_case", "user-AGENT: LINKLEDGER\ndisallow: /", "/a", False),
    ("agent_is_not_a_prefix", "User-agent: link\nDisallow: /", "/a", True),
    ("agent_name_ends_at_a_space", "User-agent: linkledger Images\nDisallow: /", "/a", False),
    ("agent_name_ends_at_a_slash", "User-agent: linkledger/1.0\nDisallow: /", "/a", False),
    ("groups_of_one_agent_are_one", "User-agent: linkledger\nDisallow: /a\n\nUser-agent: linkledger\nDisallow: /b",
     "/b", False),
    ("agents_share_a_group", "User-agent: other\nUser-agent: linkledger\nDisallow: /", "/a", False),
    ("unknown_line_between_agents", "User-agent: linkledger\nSitemap: /s\nUser-agent: other\nDisallow: /", "/a", False),
    ("rules_before_any_agent_are_nobodys", "Disallow: /\nUser-agent: *\nDisallow: /b", "/a", True),
    ("longest_match_wins", "User-agent: *\nAllow: /a/b\nDisallow: /a", "/a/b/c", True),
    ("longest_match_wins_in_any_order", "User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/c", False),
    ("equal_length_allows", "User-agent: *\nDisallow: /page\nAllow: /page", "/page", True),
    ("star_anywhere", "User-agent: *\nDisallow: /*.gif$", "/a/b.gif", False),
    ("dollar_is_the_end", "User-agent: *\nDisallow: /*.gif$", "/a/b.gif?x", True),
    ("without_dollar_a_prefix", "User-agent: *\nDisallow: /fish", "/fishheads/yummy.html", False),
    ("pattern_is_case_sensitive", "User-agent: *\nDisallow: /Fish", "/fish", True),
    ("query_is_part_of_the_path", "User-agent: *\nDisallow: /*?", "/a?b", False),
    ("root_only", "User-agent: *\nDisallow: /$", "/a", True),
    ("rfc_utf8_example", "User-agent: *\nDisallow: /foo/bar/ツ", "/foo/bar/%E3%83%84", False),
    ("rfc_escaped_letter_example", "User-agent: *\nDisallow: /foo/bar/%62%61%7A", "/foo/bar/baz", False),
    ("escape_in_the_address", "User-agent: *\nDisallow: /foo/bar/baz", "/foo/bar/%62%61%7A", False),
    ("escaped_slash_is_no_slash", "User-agent: *\nDisallow: /a%2Fb", "/a/b", True),
    ("escapes_in_any_case", "User-agent: *\nDisallow: /a%2fb", "/a%2Fb", False),
    ("comment_after_a_rule", "User-agent: * # all\nDisallow: /a # secret", "/a", False),
    ("byte_order_mark", "\ufeffUser-agent: *\nDisallow: /", "/a", False),
    ("old_mac_line_ends", "User-agent: *\rDisallow: /", "/a", False),
    ("pattern_without_slash_matches_nothing", "User-agent: *\nDisallow: a", "/a", True),
]  # fmt: skip


@pytest.mark.parametrize(("robots", "path", "allowed"), [pytest.param(*row[1:], id=row[0]) for row in VERDICTS])
def test_verdict(robots: str, path: str, allowed: bool) -> None:
    assert read_robots(robots.encode(), AGENT).judge(path).allowed is allowed


def test_verdict_names_the_line() -> None:
    rules = read_robots(b"# ours\nUser-agent: *\n\nDisallow: /a  # no\nAllow: /a/b\n", AGENT)
    verdict = rules.judge("/a/c")
    assert verdict.rule is not None
    assert (verdict.rule.line, verdict.rule.given) == (4, "/a")


def test_crawl_delay_is_that_of_the_group() -> None:
    robots = b"User-agent: *\nCrawl-delay: 7\nDisallow: /x\nUser-agent: linkledger\nCrawl-delay: 2.5\nDisallow: /y"
    assert read_robots(robots, AGENT).crawl_delay == 2.5
    assert read_robots(robots, "other").crawl_delay == 7
    assert read_robots(b"User-agent: *\nCrawl-delay: soon", AGENT).crawl_delay is None


def test_nothing_is_read_past_the_limit() -> None:
    head = b"User-agent: *\nDisallow: /early\n"
    robots = head + b"#" * (MAX_BYTES - len(head) - 5) + b"\nDisallow: /cut-in-the-middle\nDisallow: /late\n"
    rules = read_robots(robots, AGENT)
    assert not rules.judge("/early").allowed
    assert rules.judge("/late").allowed
    assert rules.judge("/cut").allowed, "half a line is no rule"


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        pytest.param("/" + "*a" * 200 + "$", "/" + "a" * 2_000 + "b", id="many_stars"),
        pytest.param("/*" * 500 + "b", "/" + "a" * 2_000, id="stars_and_slashes"),
        pytest.param("/" + "a" * 1_000 + "*b", "/" + "a" * 2_000, id="long_prefix"),
    ],
)
def test_hostile_patterns_take_no_time(pattern: str, path: str) -> None:
    started = time.process_time()
    assert not matches(pattern, path)
    assert time.process_time() - started < 0.2


def test_a_file_full_of_rules_is_judged_in_time() -> None:
    robots = b"User-agent: *\n" + b"".join(b"Disallow: /*%d*x$\n" % n for n in range(24_000))
    rules = read_robots(robots, AGENT)
    assert len(rules.rules) > 20_000
    started = time.process_time()
    assert rules.judge("/" + "a" * 200).allowed
    assert time.process_time() - started < 1


@given(st.text(max_size=60))
def test_comparable_is_idempotent(path: str) -> None:
    once = comparable(path)
    assert comparable(once) == once or "%25" in once or "%" in path


@given(st.binary(max_size=300))
def test_any_bytes_are_read(body: bytes) -> None:
    read_robots(body, AGENT).judge("/a")


_PATHS = st.text(alphabet="/ab*$.", max_size=8).map("/".__add__)


@given(st.lists(st.tuples(st.booleans(), _PATHS), max_size=6), st.text(alphabet="/ab.", max_size=10).map("/".__add__))
def test_agrees_with_scrapys_parser(rules: list[tuple[bool, str]], path: str) -> None:
    """On files without the corners in which it differs from the RFC."""
    rules = [(allow, pattern) for allow, pattern in rules if "$" not in pattern[:-1]]
    robots = "User-agent: *\n" + "".join(f"{'Allow' if allow else 'Disallow'}: {pattern}\n" for allow, pattern in rules)
    theirs = Protego.parse(robots).can_fetch(f"http://a.example{path}", AGENT)
    assert read_robots(robots.encode(), AGENT).judge(path).allowed is theirs
