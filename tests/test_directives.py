"""Robots directives and rel tokens: how they are written, and what they amount to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.directives import crawlers, judge, page_directives, rel_tokens

RELS = [  # id, attribute, tokens
    ("none", None, ()),
    ("empty", "", ()),
    ("blank", " \n", ()),
    ("one", "nofollow", ("nofollow",)),
    ("capitals", "NoFollow", ("nofollow",)),
    ("several", "noopener nofollow", ("noopener", "nofollow")),
    ("any_white_space", "\tugc\nnofollow\f\rsponsored", ("ugc", "nofollow", "sponsored")),
    ("commas", "nofollow,ugc, sponsored", ("nofollow", "ugc", "sponsored")),
    ("no_break_space", "noopener\xa0nofollow", ("noopener", "nofollow")),
    ("each_once", "nofollow NOFOLLOW ugc nofollow", ("nofollow", "ugc")),
    ("token_not_substring", "nofollower x-nofollow", ("nofollower", "x-nofollow")),
    ("other_marks_do_not_separate", "nofollow;ugc nofollow|x", ("nofollow;ugc", "nofollow|x")),
]


@pytest.mark.parametrize(("value", "tokens"), [pytest.param(*row[1:], id=row[0]) for row in RELS])
def test_rel_tokens(value: str | None, tokens: tuple[str, ...]) -> None:
    assert rel_tokens(value) == tokens


METAS = [  # id, name, content, (agent, value) pairs
    ("one", "robots", "noindex", [("robots", "noindex")]),
    ("several", "robots", "noindex, nofollow", [("robots", "noindex"), ("robots", "nofollow")]),
    ("no_blank_after_the_comma", "robots", "index,follow", [("robots", "index"), ("robots", "follow")]),
    ("blanks_for_commas", "robots", "noindex nofollow", [("robots", "noindex"), ("robots", "nofollow")]),
    ("capitals", " ROBOTS ", "NOINDEX", [("robots", "noindex")]),
    ("one_crawler", "googlebot", "nofollow", [("googlebot", "nofollow")]),
    ("another_crawler", "BingBot", "noarchive", [("bingbot", "noarchive")]),
    ("value_after_a_colon", "robots", "max-snippet: -1", [("robots", "max-snippet:-1")]),
    ("each_once", "robots", "noindex,noindex", [("robots", "noindex")]),
    ("unknown_words_are_kept", "robots", "follow, made up", [("robots", "follow"), ("robots", "made up")]),
    ("no_names_in_a_meta", "robots", "googlebot: noindex", [("robots", "googlebot: noindex")]),
    ("empty", "robots", " , ,", []),
    ("other_meta", "description", "noindex", []),
    ("no_name", "", "noindex", []),
]


@pytest.mark.parametrize(("name", "content", "pairs"), [pytest.param(*row[1:], id=row[0]) for row in METAS])
def test_meta(name: str, content: str, pairs: list[tuple[str, str]]) -> None:
    found = page_directives([(name, content)], [])
    assert [(directive.agent, directive.value) for directive in found] == pairs
    assert {directive.cause for directive in found} <= {"meta_robots"}


HEADERS = [  # id, value of X-Robots-Tag, (agent, value) pairs
    ("for_all", "noindex", [("*", "noindex")]),
    ("several", "noindex, nofollow", [("*", "noindex"), ("*", "nofollow")]),
    ("one_crawler", "googlebot: noindex, nofollow", [("googlebot", "noindex"), ("googlebot", "nofollow")]),
    ("star", "*: noindex", [("*", "noindex")]),
    (
        "a_name_holds_until_the_next",
        "BadBot: noindex, nofollow, googlebot: nofollow",
        [("badbot", "noindex"), ("badbot", "nofollow"), ("googlebot", "nofollow")],
    ),
    ("value_is_no_name", "max-snippet:20, noindex", [("*", "max-snippet:20"), ("*", "noindex")]),
    (
        "date_with_colons",
        "unavailable_after: 25 Jun 2010 15:00:00 PST",
        [("*", "unavailable_after:25 jun 2010 15:00:00 pst")],
    ),
    (
        "date_with_commas",
        "unavailable_after: Wed, 25 Jun 2010 15:00:00 PST, noindex",
        [("*", "unavailable_after:wed, 25 jun 2010 15:00:00 pst"), ("*", "noindex")],
    ),
    (
        "date_for_one_crawler",
        "googlebot: unavailable_after: 2030-01-01T00:00:00Z",
        [("googlebot", "unavailable_after:2030-01-01t00:00:00z")],
    ),
    (
        "name_after_a_date",
        "unavailable_after: 25-Jun-10 15:00:00 PST, googlebot: noindex",
        [("*", "unavailable_after:25-jun-10 15:00:00 pst"), ("googlebot", "noindex")],
    ),
    ("name_alone", "googlebot:", []),
    ("empty", "", []),
    ("no_sense", ":,:", [("*", ":")]),
]


@pytest.mark.parametrize(("value", "pairs"), [pytest.param(*row[1:], id=row[0]) for row in HEADERS])
def test_header(value: str, pairs: list[tuple[str, str]]) -> None:
    found = page_directives([], [("X-Robots-Tag", value)])
    assert [(directive.agent, directive.value) for directive in found] == pairs
    assert {directive.cause for directive in found} <= {"x_robots_tag"}


def test_several_headers_each_begin_anew() -> None:
    headers = [("x-robots-tag", "otherbot: noindex"), ("Server", "noindex"), ("X-ROBOTS-TAG", "nofollow")]
    assert [(d.agent, d.value) for d in page_directives([], headers)] == [("otherbot", "noindex"), ("*", "nofollow")]


def test_metas_come_before_headers_and_a_judged_crawler_is_known() -> None:
    found = page_directives([("MyBot", "noindex")], [("X-Robots-Tag", "nofollow")], agents=["mybot"])
    assert [(d.cause, d.agent, d.value) for d in found] == [
        ("meta_robots", "mybot", "noindex"),
        ("x_robots_tag", "*", "nofollow"),
    ]
    assert page_directives([("MyBot", "noindex")], []) == ()


BOTH = ("meta_robots", "x_robots_tag")
JUDGED = [  # id, metas, X-Robots-Tag, agent, why not indexable, why not followed
    ("nothing", [], None, "googlebot", (), ()),
    ("meta_noindex", [("robots", "noindex")], None, "googlebot", ("meta_robots",), ()),
    ("meta_nofollow", [("robots", "nofollow")], None, "googlebot", (), ("meta_robots",)),
    ("none_is_both", [("robots", "none")], None, "googlebot", ("meta_robots",), ("meta_robots",)),
    ("all_is_neither", [("robots", "all")], None, "googlebot", (), ()),
    ("own_name", [("googlebot", "nofollow")], None, "googlebot", (), ("meta_robots",)),
    ("another_name", [("bingbot", "none")], None, "googlebot", (), ()),
    ("judged_as_another", [("bingbot", "none")], None, "BingBot", ("meta_robots",), ("meta_robots",)),
    ("header", [], "noindex", "googlebot", ("x_robots_tag",), ()),
    ("header_for_another", [], "bingbot: noindex", "googlebot", (), ()),
    ("header_for_the_judged", [], "googlebot: nofollow", "googlebot", (), ("x_robots_tag",)),
    ("both_are_named", [("robots", "none")], "none", "googlebot", BOTH, BOTH),
    ("the_strictest_holds", [("robots", "nofollow"), ("googlebot", "follow")], None, "googlebot", (), ("meta_robots",)),
    ("a_date_is_no_cause", [("robots", "unavailable_after: 2001-01-01")], None, "googlebot", (), ()),
    ("word_not_substring", [("robots", "nofollower")], None, "googlebot", (), ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("metas", "header", "agent", "not_indexable", "not_followed"), [pytest.param(*row[1:], id=row[0]) for row in JUDGED]
)
def test_judge(
    metas: list[tuple[str, str]],
    header: str | None,
    agent: str,
    not_indexable: tuple[str, ...],
    not_followed: tuple[str, ...],
) -> None:
    headers = [("X-Robots-Tag", header)] if header is not None else []
    assert judge(page_directives(metas, headers), agent) == (not_indexable, not_followed)


def test_names_of_crawlers_are_lower_case_words() -> None:
    assert {"googlebot", "bingbot"} <= crawlers()
    assert all(name == name.lower().strip() and " " not in name for name in crawlers())


@given(st.text(alphabet=st.sampled_from("noindexfw ,:\t\xa0gl*-_;")) | st.text())
def test_no_text_raises_and_every_value_is_lower_case(text: str) -> None:
    found = page_directives([("robots", text)], [("X-Robots-Tag", text)])
    assert all(directive.value == directive.value.lower() and directive.value.strip() for directive in found)
    assert len(set(found)) == len(found)
    judge(found)
    tokens = rel_tokens(text)
    assert rel_tokens(" ".join(tokens)) == tokens
