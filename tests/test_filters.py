"""LinkFilter: each condition alone, on a ledger small enough to read."""

from __future__ import annotations

import pytest
from sample import DAY, T0, Sample, SampleLink, SampleOutcome, SamplePage, fill, new_ledger, selected
from sqlalchemy import Connection

from storage.engine import open_ledger
from storage.errors import UnknownName
from storage.filters import LinkFilter, choose
from storage.link_lists import listed
from storage.targets import WHOLE_LEDGER

A, B, C = "https://alpha.org/1", "https://alpha.org/2", "https://beta.org/1"
HOME, SHOP = "https://acme.com/", "https://shop.acme.com/x"

SAMPLE = Sample(
    links=[
        SampleLink(A, HOME, "one"),
        SampleLink(A, HOME, "two", rel=("nofollow", "noopener"), link_no=1, ordinal=1),
        SampleLink(B, HOME, "three", rel=("ugc", "sponsored"), placement="footer", hidden=True),
        SampleLink(B, SHOP, "four", page_nofollow=("meta_robots",), first_seen=T0 + 5 * DAY),
        SampleLink(C, SHOP, "five", gone_at=T0 + 8 * DAY, last_seen=T0 + 3 * DAY),
        SampleLink(C, HOME, "six", before="6"),
        SampleLink(HOME, SHOP, "seven", placement="nav"),
        SampleLink(HOME, HOME, "eight", placement="nav", gone_at=T0 + 9 * DAY, last_seen=T0 + 9 * DAY),
    ],
    pages={A: SamplePage(indexable=False), C: SamplePage(last_ok=T0 + 2 * DAY, confirmed=False)},
    lists={"spring": [A, "https://moved.org/"], "empty": []},
    crawls=[
        {A: SampleOutcome(at=T0 + DAY), C: SampleOutcome(at=T0 + DAY)},
        {
            B: SampleOutcome(at=T0 + 10 * DAY),
            C: SampleOutcome("partial", at=T0 + 9 * DAY),
            "https://moved.org/": SampleOutcome(at=T0 + 10 * DAY, final=B),
        },
    ],
)

FILTERS = [  # id, filter, anchors of the links it selects
    ("default_is_external_and_live", {}, "one two three four six"),
    ("internal", {"kind": "internal"}, "seven"),
    ("any_kind", {"kind": "any"}, "one two three four six seven"),
    ("lost", {"state": "lost"}, "five"),
    ("any_state", {"state": "any"}, "one two three four five six"),
    ("any_kind_and_state", {"kind": "any", "state": "any"}, "one two three four five six seven eight"),
    ("followed", {"followed": True}, "one six"),
    ("not_followed_counts_page_level_too", {"followed": False}, "two three four"),
    ("rel_token", {"rel": ("nofollow",)}, "two"),
    ("rel_token_that_decides_nothing", {"rel": ("noopener",)}, "two"),
    ("rel_tokens_must_all_be_there", {"rel": ("ugc", "sponsored")}, "three"),
    ("rel_tokens_not_together", {"rel": ("ugc", "nofollow")}, ""),
    ("rel_is_no_substring", {"rel": ("open",)}, ""),
    ("rel_percent_is_no_wildcard", {"rel": ("%",)}, ""),
    ("placement_of_the_latest_version", {"placement": ("nav",), "kind": "any"}, "seven"),
    ("placements_one_of", {"placement": ("footer", "main")}, "one two three four six"),
    ("hidden", {"hidden": True}, "three"),
    ("visible", {"hidden": False}, "one two four six"),
    ("indexable", {"indexable": True}, "three four six"),
    ("not_indexable", {"indexable": False}, "one two"),
    ("source_domain", {"source": ("beta.org",)}, "six"),
    ("source_domains_one_of", {"source": ("alpha.org", "beta.org")}, "one two three four six"),
    ("source_never_seen", {"source": ("nowhere.org",)}, ""),
    ("list_and_where_it_redirected", {"list_name": "spring"}, "one two three four"),
    ("empty_list", {"list_name": "empty"}, ""),
    ("crawl_shows_what_stood_then", {"crawl": 1, "state": "any"}, "one two five six"),
    ("crawl_by_latest_state", {"crawl": 1}, "one two six"),
    ("last_crawl_incomplete_visit_speaks_for_nothing_else", {"crawl": "last", "state": "any"}, "three four"),
    ("previous_crawl", {"crawl": "previous", "state": "lost"}, "five"),
    ("first_seen_from_is_included", {"first_seen_from": T0 + 5 * DAY}, "four"),
    ("first_seen_before_is_excluded", {"first_seen_before": T0 + 5 * DAY}, "one two three six"),
    ("confirmed_since_live", {"confirmed_since": T0 + 2 * DAY + 1}, "one two three four"),
    ("confirmed_since_lost", {"state": "lost", "confirmed_since": T0 + 3 * DAY}, "five"),
    ("confirmed_since_lost_earlier", {"state": "lost", "confirmed_since": T0 + 3 * DAY + 1}, ""),
    ("together", {"placement": ("main",), "followed": True, "source": ("beta.org",)}, "six"),
]


@pytest.fixture
def ledger(database: str) -> str:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
    return database


def anchors(conn: Connection, wanted: LinkFilter) -> set[str | None]:
    return {one.anchor for one in listed(conn, choose(conn, wanted, WHOLE_LEDGER), with_anchor=True)}


def test_each_filter(ledger: str) -> None:
    with open_ledger(ledger) as conn:
        for name, given, expected in FILTERS:
            wanted = LinkFilter(**given)  # type: ignore[arg-type]
            assert anchors(conn, wanted) == set(expected.split()), name


@pytest.mark.parametrize(("given", "expected"), [pytest.param(*row[1:], id=row[0]) for row in FILTERS])
def test_the_loops_other_tests_compare_with(given: dict[str, object], expected: str) -> None:
    wanted = LinkFilter(**given)  # type: ignore[arg-type]
    assert {one.anchor for one in selected(SAMPLE, wanted)} == set(expected.split())


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        pytest.param(LinkFilter(list_name="autumn"), "no list named 'autumn'; known: empty, spring", id="list"),
        pytest.param(LinkFilter(crawl=9), "no crawl named '9'; known: last, 2, 1", id="crawl"),
    ],
)
def test_unknown_names_are_errors(ledger: str, wanted: LinkFilter, message: str) -> None:
    with open_ledger(ledger) as conn, pytest.raises(UnknownName, match=message):
        choose(conn, wanted, WHOLE_LEDGER)


def test_shown_names_what_narrows() -> None:
    wanted = LinkFilter(followed=False, rel=("ugc",), list_name="spring", first_seen_from=T0)
    assert wanted.shown() == {
        "kind": "external",
        "state": "live",
        "followed": False,
        "rel": ["ugc"],
        "list": "spring",
        "first_seen_from": "2026-09-21T14:13:20.000Z",
    }
