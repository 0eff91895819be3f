"""Tests of what a page's own style sheets hide."""

from __future__ import annotations

import time

import pytest

from crawler.page import parse_page
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
    ("broken_selector_beside", "a[{display:none} .x{display:none}", True),
    ("never_the_whole_page", "html{display:none} body{display:none}", False),
]


def link(sheet: str) -> Link:
    body = f"<style>{sheet}</style><p>before <a class=x id=i href=/t>words</a>"
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
    ("one_ancestor_often", "".join(f"q{n} div{{display:none}}" for n in range(300)), "<div>" * 2_000),
]


@pytest.mark.parametrize(("sheet", "page"), [pytest.param(*row[1:], id=row[0]) for row in HOSTILE])
def test_hostile_sheets_take_little_time(sheet: str, page: str) -> None:
    started = time.process_time()
    parse_page(f"<style>/*none*/{sheet} .x{{display:none}}</style>{page}<a href=/t>a</a>".encode(), url=PAGE)
    assert time.process_time() - started < 5
