"""One record of a document as it was sent and as scripts left it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from crawler.page import parse_page
from crawler.rendered import rendered_reading, union, worth_rendering
from crawler.urls import canonical_url
from storage.records import OutcomeState, PageRecord, Reading

URL = canonical_url("https://example.com/page")


def page(body: str, *, header: str | None = None) -> PageRecord:
    headers = () if header is None else (("X-Robots-Tag", header),)
    return parse_page(body.encode(), url=URL, charset="utf-8", headers=headers)


def shown(record: PageRecord) -> list[tuple[int, str, str, str]]:
    """(ordinal, last part of the target, words, seen) of every link."""
    return [(link.ordinal, link.target.url[-1], link.anchor.text, link.seen) for link in record.links]


A, B, C = '<a href="/a">one</a>', '<a href="/b">two</a>', '<a href="/c">three</a>'
OTHER = '<a href="/a">other</a>'
MAIL = '<a href="mailto:x@example.com">mail</a>'

PAIRS = [  # id, as sent, as left, links of the union
    ("nothing_done", A + B, A + B, [(0, "a", "one", "both"), (1, "b", "two", "both")]),
    ("made_by_scripts", A, B + A, [(0, "a", "one", "both"), (1, "b", "two", "rendered")]),
    ("taken_away", A + B, B, [(0, "a", "one", "raw"), (1, "b", "two", "both")]),
    ("order_of_what_was_sent", A + B, B + A, [(0, "a", "one", "both"), (1, "b", "two", "both")]),
    ("words_of_what_was_sent", A, OTHER, [(0, "a", "one", "both")]),
    ("equal_words_first", A, OTHER + A, [(0, "a", "one", "both"), (1, "a", "other", "rendered")]),
    ("twice_made_twice", A, A + A, [(0, "a", "one", "both"), (1, "a", "one", "rendered")]),
    ("ordinals_after_skipped_ones", MAIL + A, A + C, [(1, "a", "one", "both"), (2, "c", "three", "rendered")]),
    ("skipped_in_between", A, A + MAIL + C, [(0, "a", "one", "both"), (2, "c", "three", "rendered")]),
    ("nothing_sent", "", A + B, [(0, "a", "one", "rendered"), (1, "b", "two", "rendered")]),
    ("nothing_left", A, "", [(0, "a", "one", "raw")]),
]


@pytest.mark.parametrize(("sent", "left", "links"), [pytest.param(*row[1:], id=row[0]) for row in PAIRS])
def test_links(sent: str, left: str, links: list[tuple[int, str, str, str]]) -> None:
    assert shown(union(page(sent), page(left))) == links


def test_facts_are_those_of_the_page_as_scripts_left_it() -> None:
    sent = page('<title>Sent</title><html lang="en"><h1>Sent</h1>')
    left = page('<title>Left</title><html lang="de"><h1>Left</h1><h2>Two</h2><link rel=canonical href="/other">Words')
    both = union(sent, left)
    assert (both.title, both.h1, both.h2, both.lang) == ("Left", ("Left",), ("Two",), "de")
    assert (both.canonical, both.not_indexable) == ("https://example.com/other", ("canonical",))
    assert both.text == left.text
    assert union(left, sent).not_indexable == ()


ROBOTS = '<meta name=robots content="{}">'
NOFOLLOW = [  # id, as sent, as left
    ("sent", ROBOTS.format("nofollow"), ""),
    ("made", "", ROBOTS.format("nofollow")),
    ("both", ROBOTS.format("nofollow"), ROBOTS.format("nofollow")),
]


@pytest.mark.parametrize(("sent", "left"), [pytest.param(*row[1:], id=row[0]) for row in NOFOLLOW])
def test_a_directive_of_either_document_reaches_every_link(sent: str, left: str) -> None:
    both = union(page(sent + A), page(left + A + '<a href="/b" rel=nofollow>two</a>', header="noindex"))
    assert both.nofollow == ("meta_robots",)
    assert [link.follow_cause for link in both.links] == [("meta_robots",), ("rel", "meta_robots")]
    assert both.not_indexable == ("x_robots_tag",)
    assert len(both.robots) == 2


LINKS = st.lists(st.sampled_from([A, B, C, OTHER, MAIL, '<a href="/b" rel=nofollow><img alt=x></a>']), max_size=8)


@given(LINKS, LINKS)
@settings(max_examples=examples(200), deadline=None)
def test_nothing_is_lost_and_nothing_doubled(sent: list[str], left: list[str]) -> None:
    raw, rendered = page("".join(sent)), page("".join(left))
    both = union(raw, rendered)
    assert [link._replace(seen="raw") for link in both.links[: len(raw.links)]] == list(raw.links)
    ordinals = sorted([link.ordinal for link in both.links] + [one.ordinal for one in both.skipped])
    assert ordinals == list(range(len(ordinals)))
    for name, of_union in (("raw", ("raw", "both")), ("rendered", ("rendered", "both"))):
        document = raw if name == "raw" else rendered
        found = Counter(link.target.url for link in both.links if link.seen in of_union)
        assert found == Counter(link.target.url for link in document.links)
    reasons = [Counter((one.raw_href, one.reason) for one in record.skipped) for record in (raw, rendered, both)]
    assert reasons[2] == reasons[0] | reasons[1]


@given(LINKS)
@settings(max_examples=examples(50), deadline=None)
def test_a_page_without_scripts_is_the_page_that_was_sent(sent: list[str]) -> None:
    raw = page("".join(sent))
    assert union(raw, raw) == raw._replace(links=tuple(link._replace(seen="both") for link in raw.links))


def reading(record: PageRecord | None, outcome: OutcomeState = "fetched", reason: str | None = None) -> Reading:
    return Reading(requested=URL, outcome=outcome, at=0, reason=reason, status=200, final=URL, page=record)


SHELL = ("suspect", "empty_shell react")
WORTH = [  # id, outcome, reason, worth it
    ("read_whole", "fetched", None, True),
    ("shell", *SHELL, True),
    ("challenge", "suspect", "challenge cloudflare", False),
    ("cut", "partial", "size", False),
]


@pytest.mark.parametrize(("outcome", "reason", "worth"), [pytest.param(*row[1:], id=row[0]) for row in WORTH])
def test_which_pages_are_rendered(outcome: OutcomeState, reason: str | None, worth: bool) -> None:
    assert worth_rendering(reading(page(A), outcome, reason)) is worth


READINGS = [  # id, outcome as sent, outcome as left, what comes of them
    ("page", ("fetched", None), ("fetched", None), ("fetched", None)),
    ("shell_filled", SHELL, ("fetched", None), ("fetched", None)),
    ("shell_still", SHELL, SHELL, SHELL),
    ("page_emptied", ("fetched", None), SHELL, ("fetched", None)),
    ("not_read_whole", ("fetched", None), ("partial", "parse_time"), "parse_time"),
    ("not_read", ("fetched", None), ("failed", "parse:time"), "parse:time"),
]


@pytest.mark.parametrize(("sent", "left", "comes"), [pytest.param(*row[1:], id=row[0]) for row in READINGS])
def test_outcomes(
    sent: tuple[OutcomeState, str | None],
    left: tuple[OutcomeState, str | None],
    comes: tuple[OutcomeState, str | None] | str,
) -> None:
    found = rendered_reading(reading(page(A), *sent), reading(page(A + B), *left), max_links=10)
    if isinstance(comes, str):
        assert found == comes
    else:
        assert isinstance(found, Reading)
        assert (found.outcome, found.reason, found.method) == (*comes, "rendered")


def test_more_links_than_are_read() -> None:
    assert rendered_reading(reading(page(A)), reading(page(B)), max_links=1) == "links"
