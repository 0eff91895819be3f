"""Tests of what a page's own style sheets hide."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawler.page import parse_page
from crawler.stylesheets import _select
from crawler.urls import canonical_url
from storage.records import Link

PAGE = canonical_url("https://example.com/")

SHEETS = [  # id, sheet, whether <a class=x id=i> is hidden
    ("class", ".x{display:none}", True),
    ("type_and_id", "a#i { color: red; display: none }", True),
    ("in_a_group", "h1, .x, h2{display:none}", True),
    ("important", ".x{display:none !important}", True),
    ("any_case", ".x{DISPLAY : None}", True),
    ("descendant", "body p > .x{display:none}", True),
    ("other_class", ".y{display:none}", False),
    ("state", ".x:hover{display:none}", False),
    ("pseudo_element", ".x::before{display:none}", False),
    ("only_in_print", "@media print{.x{display:none}}", False),
    ("shown_by_another_rule", ".x{display:none} a.x{display:block}", False),
    ("shown_on_some_screen", ".x{display:none} @media (min-width:9px){.x{display:inline}}", False),
    ("last_declaration_counts", ".x{display:none;display:block}", False),
    ("after_a_block", "@media print{.y{color:red}} .x{display:none}", True),
    ("after_an_import", "@import 'a.css'; .x{display:none}", True),
    ("comments_are_no_rules", "/* .x{display:none} */", False),
    ("comments_between", "/* } */ .x /* { */ {display:none}", True),
    ("child_next_and_later", "body>p>b+i~.x{display:none}", True),
    ("value_with_a_blank", "p [id='i'][title='a > b'] {display:none}", True),
    ("combinator_at_an_end", ".x > {display:none}", False),
    ("combinator_at_the_beginning", "> .x{display:none}", False),
    ("broken_selector_beside", "a[{display:none} .x{display:none}", True),
    ("never_the_whole_page", "html{display:none} body{display:none}", False),
]


def link(sheet: str) -> Link:
    body = f"<style>{sheet}</style><p>before <b></b><i></i><a class=x id=i title='a > b' href=/t>words</a>"
    (found,) = parse_page(body.encode(), url=PAGE).links
    return found


@pytest.mark.parametrize(("sheet", "hidden"), [pytest.param(*row[1:], id=row[0]) for row in SHEETS])
def test_hidden_by_a_sheet(sheet: str, hidden: bool) -> None:
    assert (link(sheet).hidden, link(sheet).anchor.text) == (hidden, "words")


def test_sheets_for_pages_without_scripts_are_read() -> None:
    sheet = "<noscript><style>.lazy{display:none}</style></noscript>"
    (found,) = parse_page(f"{sheet}<a href=/t>a <b class=lazy>b</b></a>".encode(), url=PAGE).links
    assert (found.hidden, found.anchor.text) == (False, "a")


def test_an_inline_style_beats_the_sheet() -> None:
    body = b"<style>.x{display:none}</style><a class=x style='display:block' href=/t>words</a>"
    assert not parse_page(body, url=PAGE).links[0].hidden


HOSTILE = [  # id, sheet, page
    ("no_braces", "a" * 1_000_000, ""),
    ("opening_braces", "{" * 1_000_000, ""),
    ("open_comments", "/*" * 500_000, ""),
    ("at_signs", "@" * 1_000_000, ""),
    ("many_rules", "".join(f".c{n}{{display:none}}" for n in range(20_000)), "<p class=c1><b>" * 5_000),
    ("many_ancestors", "q * * * * div{display:none}", "<div>" * 1_000),
    ("many_siblings", "q ~ * ~ * ~ * ~ b{display:none}", "<b></b>" * 2_000),
    (
        "ancestors_of_long_names",
        "".join(f".q{n} p{{display:none}}" for n in range(20)),
        f"<div class='{'a ' * 5_000}'>" * 80 + "<p>" * 9_000,
    ),
    (
        "a_parent_of_a_long_name",
        "".join(f".q{n}>p{{display:none}}" for n in range(100)),
        f"<div class='{'a ' * 450_000}'>" + "<p>" * 9_000,
    ),
    (
        "a_sibling_of_a_long_name",
        "".join(f".q{n}+p{{display:none}}" for n in range(100)),
        f"<p class='{'a ' * 1_000}'>" * 400,
    ),
    (
        "parts_of_a_long_value",
        "".join(f"[t*='{'a' * 400}{n}' i]{{display:none}}" for n in range(100)),
        f"<p t={'a' * 900_000}>",
    ),
    (
        "all_chains_match",
        "".join(f"div.x{n}>*>*>*>*>p{{display:none}}" for n in range(100)),
        f"<div class='{' '.join(f'x{n}' for n in range(100))}'>" + "<div>" * 90 + "<p><i><b></b></i></p>" * 1_600,
    ),
    ("one_ancestor_often", "".join(f"q{n} div{{display:none}}" for n in range(300)), "<div>" * 2_000),
]


@pytest.mark.parametrize(("sheet", "page"), [pytest.param(*row[1:], id=row[0]) for row in HOSTILE])
def test_hostile_sheets_take_little_time(sheet: str, page: str) -> None:
    started = time.process_time()
    parse_page(f"<style>/*none*/{sheet} .x{{display:none}}</style>{page}<a href=/t>a</a>".encode(), url=PAGE)
    assert time.process_time() - started < 3


_SIMPLE = st.sampled_from(["*", "a", "b", "p", "div", ".x", ".y", "#i", "[t]", "[t~='x']", "a.x", "b[t='x y']"])
_CHAINS = st.tuples(_SIMPLE, st.lists(st.tuples(st.sampled_from([" ", ">", " > ", "+", " ~ "]), _SIMPLE), max_size=3))
_TAGS = st.sampled_from(
    [
        "<a class=x>",
        "<b t='x y'>",
        "<p id=i>",
        "<div class='x y'>",
        "<div t>",
        "</div>",
        "</a>",
        "</b>",
        "text",
        "<!-- -->",
    ]
)


@given(st.lists(_TAGS, max_size=20), _CHAINS)
def test_chains_of_selectors_are_found_as_the_parser_finds_them(tags: list[str], chain: tuple[str, list[Any]]) -> None:
    parser = LexborHTMLParser("".join(tags))
    selector = chain[0] + "".join(combinator + simple for combinator, simple in chain[1])
    found = [node.mem_id for node in _select(parser, [selector])]
    assert sorted(found) == sorted({node.mem_id for node in parser.css(selector)})
