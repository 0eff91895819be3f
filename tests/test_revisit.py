"""A 304 answer: the kept page, judged by the headers it is served with now."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from crawler.page import parse_page
from crawler.revisit import KEPT_HEADERS, knows, merged, still
from crawler.urls import canonical_url
from storage.records import PageRecord

PAGE = canonical_url("https://acme.example/page")
HTML = (
    "<html><head><title>T</title>{head}</head><body><p>Words <a href=/a>one</a> <a rel=nofollow href=/b>two</a></body>"
)
TYPE = ("Content-Type", "text/html; charset=utf-8")

Headers = tuple[tuple[str, str], ...]


def read(head: str, headers: Headers, judge_as: str = "googlebot") -> PageRecord:
    return parse_page(HTML.format(head=head).encode(), url=PAGE, charset="utf-8", headers=headers, judge_as=judge_as)


def tag(value: str) -> tuple[str, str]:
    return "X-Robots-Tag", value


def link(value: str) -> tuple[str, str]:
    return "Link", value


META = '<meta name="robots" content="{}">'
CANONICAL = '<link rel="canonical" href="{}">'

# id, head of the document, headers kept with it, headers of the 304 answer,
# then of the page now: why not indexed, why its links are not followed, canonical
CASES: list[tuple[str, str, Headers, Headers, tuple[str, ...], tuple[str, ...], str | None]] = [
    ("nothing_carried", "", (TYPE,), (), (), (), None),
    ("directive_came", "", (TYPE,), (tag("noindex, nofollow"),), ("x_robots_tag",), ("x_robots_tag",), None),
    ("directive_stays_unless_named", "", (tag("noindex"), TYPE), (TYPE,), ("x_robots_tag",), (), None),
    ("directive_went", "", (tag("noindex"), TYPE), (tag("all"),), (), (), None),
    ("empty_value_takes_it_away", "", (tag("nofollow"),), (tag(""),), (), (), None),
    ("several_replaced_by_one", "", (tag("noindex"), tag("nofollow")), (tag("nofollow"),), (), ("x_robots_tag",), None),
    ("name_in_another_case", "", (tag("noindex"),), (("x-robots-tag", "nofollow"),), (), ("x_robots_tag",), None),
    ("for_another_crawler", "", (), (tag("bingbot: noindex"),), (), (), None),
    ("meta_stays", META.format("nofollow"), (tag("nofollow"),), (tag("all"),), (), ("meta_robots",), None),
    ("both_causes", META.format("noindex"), (), (tag("noindex"),), ("meta_robots", "x_robots_tag"), (), None),
    ("canonical_came", "", (), (link("</main>; rel=canonical"),), ("canonical",), (), "https://acme.example/main"),
    ("canonical_went", "", (link("</main>; rel=canonical"),), (link("</style.css>; rel=preload"),), (), (), None),
    ("canonical_stays_unless_named", "", (link("</m>; rel=canonical"),), (TYPE,), ("canonical",), (),
     "https://acme.example/m"),
    ("canonical_to_itself", "", (), (link("</page>; rel=canonical"),), (), (), "https://acme.example/page"),
    ("element_beats_header", CANONICAL.format("/x"), (), (link("</y>; rel=canonical"),), ("canonical",), (),
     "https://acme.example/x"),
    ("broken_element_leaves_it_to_the_header", CANONICAL.format("http://["), (), (link("</y>; rel=canonical"),),
     ("canonical",), (), "https://acme.example/y"),
    ("base_of_the_document_counts", '<base href="https://other.example/d/">', (), (link("<y>; rel=canonical"),),
     ("canonical",), (), "https://other.example/d/y"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("head", "kept", "carried", "not_indexable", "nofollow", "canonical"),
    [pytest.param(*row[1:], id=row[0]) for row in CASES],
)
def test_headers_of_today(
    head: str,
    kept: Headers,
    carried: Headers,
    not_indexable: tuple[str, ...],
    nofollow: tuple[str, ...],
    canonical: str | None,
) -> None:
    now = still(read(head, kept), kept, carried, "googlebot")
    assert (now.not_indexable, now.nofollow, now.canonical) == (not_indexable, nofollow, canonical)
    assert [one.follow_cause for one in now.links] == [nofollow, ("rel", *nofollow)]


def test_another_judge_than_when_it_was_read() -> None:
    """The record holds the directives for every known crawler, whoever judged."""
    kept = (tag("bingbot: nofollow"),)
    page = read('<meta name="bingbot" content="noindex">', kept)
    assert page.indexable
    assert not page.nofollow
    now = still(page, kept, (), "bingbot")
    assert (now.not_indexable, now.nofollow) == (("meta_robots",), ("x_robots_tag",))
    assert still(now, kept, (), "googlebot") == page


KNOWN = [
    ("google", "googlebot", True),
    ("in_capitals", "Bingbot", True),
    ("everybody", "robots", True),
    ("our_own", "acmebot", False),
]


@pytest.mark.parametrize(("judge_as", "known"), [pytest.param(*row[1:], id=row[0]) for row in KNOWN])
def test_whose_metas_are_surely_recorded(judge_as: str, known: bool) -> None:
    assert knows(judge_as) is known
    seen = read(f'<meta name="{judge_as}" content="noindex">', (), judge_as="googlebot")
    assert bool(seen.robots) is known


def test_a_page_that_did_not_change_keeps_its_links_as_they_are() -> None:
    """Nothing is made anew: the store finds the record of the kept visit again."""
    page = read("", (tag("noindex"),))
    now = still(page, (tag("noindex"),), (), "googlebot")
    assert now == page
    assert all(before is after for before, after in zip(page.links, now.links, strict=True))


# -- laws ------------------------------------------------------------------------------------------

_VALUES = st.sampled_from(
    ["noindex", "nofollow", "none", "all", "", "bingbot: noindex", "googlebot: nofollow, max-snippet:3",
     "</c>; rel=canonical", "<http://o.example/>; rel=\"canonical\"", "</s.css>; rel=preload", "de", "text/html"]
)  # fmt: skip
_NAMES = st.sampled_from([*KEPT_HEADERS, "x-robots-tag", "LINK"])
_HEADERS = st.lists(st.tuples(_NAMES, _VALUES), max_size=5).map(tuple)
_HEADS = st.lists(
    st.sampled_from(
        [META.format("noindex"), META.format("none"), '<meta name="bingbot" content="nofollow">',
         CANONICAL.format("/c"), CANONICAL.format("http://["), '<base href="https://o.example/x/">']
    ),
    max_size=3,
).map("".join)  # fmt: skip


@settings(max_examples=examples(200), deadline=None)
@given(_HEADS, _HEADERS, _HEADERS, st.sampled_from(["googlebot", "bingbot", "robots"]))
def test_as_if_the_document_had_been_sent_again(head: str, kept: Headers, carried: Headers, judge_as: str) -> None:
    again = still(read(head, kept), kept, carried, judge_as)
    assert again == read(head, merged(kept, carried), judge_as)


@settings(max_examples=examples(100), deadline=None)
@given(_HEADERS, _HEADERS)
def test_merged_headers(kept: Headers, carried: Headers) -> None:
    """Each name has the values of one side, all of them, in their order; once more changes nothing."""
    both = merged(kept, carried)
    for name in {name.lower() for name, _ in (*kept, *carried)}:
        of = [[value for one, value in side if one.lower() == name] for side in (both, carried, kept)]
        assert of[0] == (of[1] or of[2])
    assert merged(both, carried) == both
