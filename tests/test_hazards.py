"""What documents may cost: which are taken apart in the crawl's process, and that all others are bounded."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_site import Page, crawl, html, outcomes, serve
from proof import examples
from selectolax.lexbor import LexborHTMLParser

from crawler.first_part import beginning, first_links, without_late_links
from crawler.hazards import LONGEST, MAX_TAGS, formatting_tags, is_safe
from crawler.page import parse_page
from crawler.plan import CrawlPlan
from crawler.session import _weight
from crawler.taking_apart import MEMORY, CannotParse, Document, Lane, take_apart_here
from crawler.urls import canonical_url
from storage.engine import open_ledger
from storage.evidence import read_record
from storage.records import PageRecord

URL = canonical_url("https://example.com/")
PAGES = Path(__file__).parent / "pages"
FIRST = b"<a href=/t>words</a>"
MIB = 1024 * 1024


def many(piece: str, count: int) -> bytes:
    """A piece so many times, ``{n}`` its number."""
    return "".join(piece.replace("{n}", str(number)) for number in range(count)).encode()


def document(body: bytes, charset: str | None = "utf-8", headers: tuple[tuple[str, str], ...] = ()) -> Document:
    return Document(body, URL, charset, headers, "googlebot", 20_000)


# -- which documents are surely cheap -----------------------------------------------------------

SAFE = [  # id, bytes
    ("empty", b""),
    ("small_whatever_it_holds", many("<b a{n}>", 500)),
    ("an_ordinary_page", many('<li class="entry"><a href="/a/{n}" title="{n}">Entry <b>{n}</b></a></li>\n', 1_000)),
    ("formatting_without_attributes", many("<p><b>bold</b>, <font>font</font></p>", 1_500)),
    ("some_icons", many('<i class="icon"></i>', 50) + many("<p>text</p>", 1_500)),
    ("a_script_that_compares", b"<script>" + many("for(i=0;i<list.length;i++){f(i)}", 800) + b"</script>"),
    ("a_long_value", b'<a href="' + b"x" * 500_000 + b'">'),
]
UNSAFE = [  # id, bytes
    ("depth", b"<div>" * (MAX_TAGS + 1)),
    ("depth_with_end_tags_in_a_comment", b"<div>" * (MAX_TAGS + 1) + b"<!--" + b"</div>" * MAX_TAGS + b"-->"),
    ("length", b"x" * (LONGEST + 1)),
    ("attributes", b"<p" + many(" a{n}", 2_000) + b">"),
    ("attributes_with_values", b"<p" + many(' a{n}="{n}"', 2_000) + b">"),
    ("attributes_parted_by_slashes", b"<p" + many("/a{n}", 2_000) + b">"),
    ("attributes_parted_by_quotes", b"<p " + many("a{n}='{n}'", 2_000) + b">"),
    ("attributes_behind_a_quoted_sign", b'<p a="x>y"' + many(" a{n}", 2_000) + b">"),
    ("attributes_behind_a_quoted_tag", b'<p a="<b>"' + many(" a{n}", 2_000) + b">"),
    ("attributes_in_what_looks_like_a_value", b'<!-- <a x="-->' + b"<p" + many(" a{n}", 2_000) + b'>">'),
    ("attributes_behind_a_comment", b"<!-- <a " + b"--><p" + many(" a{n}", 2_000) + b">"),
    ("attributes_behind_an_equals_sign", b'<p ="="x>y"' + many(" a{n}", 2_000) + b">"),
    ("attributes_behind_a_quote_in_a_name", b"<p=\"x y=\">z\"" + many(" a{n}", 2_000) + b">"),
    ("attributes_of_bodies", many("<body a{n}>", 6_000)),
    ("attributes_of_a_link", b"<a" + many(" a{n}", 40) + b"><p>" + many("x", 5_000)),
    ("formatting", many("<font a={n}>", 2_000) + b"<p>x" * 2_000),
    ("formatting_of_many_attributes", (b"<tt" + many(" a{n}", 100) + b">") * 60),
    ("formatting_in_capitals", many("<NoBr a={n}>", 2_000) + b"<p>x" * 2_000),
    ("utf_16", ("<p " + "".join(f"a{n} " for n in range(3_000)) + ">").encode("utf-16-le")),
    ("iso_2022_jp", b"\x1b$B" + b"ab" * 5_000),
]  # fmt: skip


@pytest.mark.parametrize("body", [pytest.param(row[1], id=row[0]) for row in SAFE])
def test_ordinary_documents_are_safe(body: bytes) -> None:
    assert is_safe(body)


@pytest.mark.parametrize("body", [pytest.param(row[1], id=row[0]) for row in UNSAFE])
def test_hazards_are_told(body: bytes) -> None:
    assert not is_safe(body)
    assert not is_safe(b"<!doctype html><title>A page</title><p>words " + body)


_PIECES = st.sampled_from(
    ["<b a={n}>", "<i>", "<font a{n} b>", "<a href={n}>", "<p>", "x", "</p>", "</b>", "<div>", "</div>", "<span>",
     "</x>", "<table>", "<td>", "<svg>", "<title>", "<style>*{display:none}", "</style>", "<body a{n}>", "<select>",
     "<template>", "<p a='{n}>", "'", '"', "<p ", "a{n} ", "a{n}=1", ">", "=", "/", "<!--", "-->",
     "<object>", "<applet>", "</br>", "&amp;", "\0", "<base href=/{n}>",
     "<meta name=robots content='a, unavailable_after: b, c d'>"]
)  # fmt: skip


@given(st.lists(st.tuples(st.lists(_PIECES, min_size=1, max_size=4), st.integers(1, 4_000)), min_size=1, max_size=4))
@pytest.mark.proof
@settings(max_examples=examples(25), deadline=None)
def test_what_is_called_safe_is_taken_apart_in_little_time(parts: list[tuple[list[str], int]]) -> None:
    body = b"".join(many("".join(pieces), count) for pieces, count in parts)[:LONGEST]
    if not is_safe(body):
        return
    started = time.process_time()
    parse_page(body, url=URL, charset="utf-8")
    assert time.process_time() - started < 1 + 3 * len(body) / MIB


_TRICKS = st.sampled_from(
    ["<b x={n}>", "<font x={n} y>", "<!--", "-->", "<script>", "</script>", "<a y='", '<a y="', "'", '"', ">", "<",
     "</", "=", " ", "/", "<textarea>", "</textarea>", "<p ", "<![CDATA[", "]]>", "<svg>", "<?", "<a<b x={n}>", "<x<",
     "z", "<!"]
)  # fmt: skip


@given(st.lists(_TRICKS, max_size=40))
@pytest.mark.proof
@settings(max_examples=examples(500), deadline=None)
def test_no_trick_hides_a_tag(pieces: list[str]) -> None:
    """Formatting elements that the parser finds are never more than those counted on the bytes."""
    body = "".join(piece.replace("{n}", str(number)) for number, piece in enumerate(pieces)).encode()
    found = LexborHTMLParser(body).css("b[x], font[x]")
    distinct = {(node.tag, tuple(node.attributes.items())) for node in found}
    counted = formatting_tags(body)
    assert counted is not None
    assert sum(1 + len(attributes) for _, attributes in distinct) <= counted


HARD = [  # id, bytes: what took longest, or most, of all that was tried and is called safe
    ("as_deep_as_may_be", b"<div>" * MAX_TAGS),
    ("titles_in_titles", b"<a href=x>" + b"<svg><title>" * 2_400 + b"x" * MIB),
    ("sheets_in_sheets", b"<svg>" + b"<style><g>" * 2_400 + b"none" + b"x" * MIB),
    ("links_in_links", b"<a href=x><object>" * 2_400 + b"x " * 500_000),
    ("a_long_base", b"<base href='http://x.com/" + b"x" * 900_000 + b"/'>" + many("<a href=x{n}>", 5_000)),
    ("selectors_of_a_deep_page",
     b"<style>" + many("#x{n}>*>*>* *{display:none}", 100) + b"</style>" + b"<div>" * 4_900),
    ("selectors_of_a_wide_page", b"<style>" + many("#x{n} ~ *{display:none}", 100) + b"</style>" + b"<p>" * 4_900),
    ("selectors_of_many_steps",
     b"<style>" + many("#x{n}" + ">*" * 200 + "{display:none}", 100) + b"</style>" + b"<div>" * 4_900),
    ("robots_directives", b"<meta name=robots content='unavailable_after: x" + b",a b" * 250_000 + b"'>"),
    ("formatting_left_open", b"<p>" + many("<b a={n}>", 40) + b"<p>x" * 4_800),
]  # fmt: skip


@pytest.mark.parametrize("body", [pytest.param(row[1][:LONGEST], id=row[0]) for row in HARD])
def test_the_hardest_safe_documents_take_little_time(body: bytes) -> None:
    assert is_safe(body)
    started = time.process_time()
    parse_page(body, url=URL, charset="utf-8")
    assert time.process_time() - started < 3


# -- the first part ----------------------------------------------------------------------------


def test_links_beyond_the_limit_are_cut() -> None:
    page = parse_page(b"<a href=/1>1</a><a href=mailto:x>2</a><a href=/3>3</a><a href=tel:4>4</a>", url=URL)
    assert first_links(page, 4) is page
    kept = first_links(page, 2)
    assert [link.raw_href for link in kept.links] == ["/1"]
    assert [skip.raw_href for skip in kept.skipped] == ["mailto:x"]


def test_links_whose_targets_are_too_long_together_are_cut() -> None:
    """Each of them repeats the base."""
    links = many("<a href={n}>", 4_000)
    base = b"<base href=/" + b"x" * 8_000 + b"/>"
    page = parse_page(base + b"<a href=mailto:x>" + links, url=URL)
    kept = first_links(page, 20_000)
    assert [link.raw_href for link in kept.links] == [f"{n}" for n in range(len(kept.links))]
    assert 5.9 * MIB < sum(len(link.target.url) for link in kept.links) <= 6 * MIB
    assert len(kept.skipped) == 1
    page = parse_page(links, url=URL)
    assert first_links(page, 4_000) is page


def test_very_long_links_fill_a_batch_sooner() -> None:
    usual = parse_page(many("<a href=/some/page/{n}>", 100), url=URL).links
    long = parse_page(b"<base href=/" + b"x" * 8_000 + b"/>" + many("<a href={n}>", 100), url=URL).links
    deep = parse_page((b"<x" + b"y" * 60 + b">") * 60 + many("<a href={n}>", 100), url=URL).links
    assert _weight(()) == 0
    assert _weight(usual) == 100
    assert _weight(long) > 2_000
    assert _weight(deep) > 1_000


def test_a_document_of_far_too_many_links_is_cut_before_it_is_parsed() -> None:
    body = b"<p>" + many("<A\nhref={n}>", 30)
    assert without_late_links(body, 15) == body
    assert without_late_links(body, 10) == body[: body.index(b"<A\nhref=20>")]
    assert without_late_links(b"<p>" * 1_000, 10) == b"<p>" * 1_000


def test_the_beginning_of_a_document() -> None:
    assert len(beginning(b"x" * 160_000)) == 10_000
    assert len(beginning(b"x" * 10_000)) == 4_096


# -- the child --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    """One with time enough for a busy machine."""
    with Lane(seconds=30) as one:
        yield one


@pytest.fixture(scope="module")
def hurried() -> Iterator[Lane]:
    with Lane(seconds=0.5) as one:
        yield one


_ATTRIBUTES_99 = many(" a{n}", 99).decode()
ENDLESS = [  # id, bytes: these would take from 6 seconds to minutes
    ("nested_60000", b"<div>" * 60_000),
    ("nested_100000", b"<div>" * 100_000),
    ("attributes_100000", b"<p" + many(" a{n}", 100_000) + b">"),
    ("bodies_40000", many("<body a{n}=1>", 40_000)),
    ("end_tags_in_the_deep", b"<span>" * 4_900 + b"</x>" * 500_000),
    ("formatting_compared", many("<font" + _ATTRIBUTES_99 + " b{n}>", 900)),
]


@pytest.mark.parametrize("body", [pytest.param(row[1], id=row[0]) for row in ENDLESS])
def test_a_document_that_takes_too_long_is_read_in_part(hurried: Lane, body: bytes) -> None:
    started = time.monotonic()
    page, flaw = hurried.take_apart(document(FIRST + body))
    assert time.monotonic() - started < 20  # on a busy machine
    assert flaw == "parse_time"
    assert [link.raw_href for link in page.links] == ["/t"]


HUGE = [  # id, bytes, what keeps it from being read whole, links
    ("a_million_links", (b"<a href=/t>x</a>" * 700_000)[: 10 * MIB], "links", 20_000),
    ("unclosed_links", b"<a href>" * 700_000, "links", 20_000),
    ("elements", FIRST + b"<p>" * 3_000_000, "parse_memory", 1),
    ("formatting_bomb", FIRST + many("<font a={n}>", 4_999) + b"<p>x" * 300_000, "parse_memory", 1),
    (
        "attributes_copied",
        FIRST + b"<p>" + many("<tt" + _ATTRIBUTES_99 + " b{n}>", 160) + b"<p>x" * 100_000,
        "parse_memory",
        1,
    ),
    ("fonts_nested", FIRST + b"<font>" * 10_000, None, 1),
    ("open_tags", FIRST + b"<a" * 2_500_000, None, 1),
    ("signs", FIRST + b"<" * 2_000_000, None, 1),
    ("ampersands", FIRST + b"&" * 5_000_000, None, 1),
    ("dashes", FIRST + b"<!" + b"-" * 5_000_000, None, 1),
    ("comment_without_end", FIRST + b"<!--" + b"x" * 5_000_000, None, 1),
    ("long_attribute", FIRST + b"<a href='" + b"x" * 10_000_000, None, 1),
    ("long_name", FIRST + b"<" + b"a" * 5_000_000 + b">", None, 1),
    ("nested_b", FIRST + b"<b>" * 100_000, None, 1),
    ("nested_svg", FIRST + b"<svg>" * 100_000, None, 1),
    ("nested_table", FIRST + b"<table>" * 100_000, None, 1),
    ("nested_select", FIRST + b"<select>" * 100_000, None, 1),
    ("nested_template", FIRST + b"<template>" * 100_000, None, 1),
]


@pytest.mark.parametrize(("body", "flaw", "links"), [pytest.param(*row[1:], id=row[0]) for row in HUGE])
def test_a_document_that_is_too_much_is_read_in_part(lane: Lane, body: bytes, flaw: str | None, links: int) -> None:
    apart = lane.take_apart(document(body))
    assert apart.flaw == flaw
    assert len(apart.page.links) == links
    assert apart.page.links[0].raw_href in {"/t", ""}


def test_the_memory_of_both_processes_stays_bounded() -> None:
    """Of the crawl's process what it holds of a million links; of its child what it may hold at all."""
    script = (
        "import resource, sys; from crawler.taking_apart import *; from crawler.urls import canonical_url\n"
        "body = (b'<a href=/t>x</a>' * 700_000)[:10 * 2 ** 20]\n"
        "one = Document(body, canonical_url('https://e.com/'), None, (), 'googlebot', 20_000)\n"
        "with Lane(seconds=30) as lane:\n"
        "    lane.take_apart(one)\n"
        "    lane.take_apart(one._replace(body=b'<p>' * 3_000_000))\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    own, child = (int(line) * 1024 for line in done.stdout.split())
    assert own < 190 * MIB
    assert child < MEMORY + 40 * MIB


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.html")), ids=lambda path: path.stem)
def test_the_child_reads_a_page_as_this_process_does(lane: Lane, path: Path) -> None:
    body = path.read_bytes() + b"\0"
    assert not is_safe(body + b" " * 5_000)
    assert lane.take_apart(document(body + b" " * 5_000)) == take_apart_here(document(body + b" " * 5_000))


ODD = (
    "<a href='/x?\x1f\x1e\x01\x0b\x85\u2028' title='\u202e\ufeff' aria-label='\ud83d'>\x1e \x1f \x1b[31m \uffff</a>"
    "<h1>\x1e\x1f</h1><title>\x00\x1f\U0010ffff</title><a href=''></a><a href='mailto:\x1f'></a>"
)


def test_odd_characters_come_back_as_they_were(lane: Lane) -> None:
    body = ODD.encode("utf-8", "surrogatepass") + b"\0" + b" " * 5_000
    headers = (("x-robots-tag", "nofollow, \xff"), ("link", "</c>; rel=canonical"))
    odd = document(body, charset=None, headers=headers)
    found = lane.take_apart(odd)
    assert found == take_apart_here(odd)
    assert found.page.canonical == "https://example.com/c"
    assert len(found.page.links) == 2


def test_what_cannot_be_read_even_in_part_fails() -> None:
    with Lane(seconds=30, memory=48 * MIB) as lane, pytest.raises(CannotParse) as raised:
        lane.take_apart(document(b"<p a" + b"<p>" * 3_000_000))
    assert raised.value.cause == "memory"


def test_a_lane_goes_on_after_its_child_was_killed(lane: Lane) -> None:
    body = FIRST + b"\0" + b" " * 5_000
    before = lane.take_apart(document(body))
    assert lane._process is not None
    os.kill(lane._process.pid, signal.SIGKILL)
    lane._process.wait()
    with suppress(CannotParse):  # whether the pipe is known to be broken yet is the system's affair
        lane.take_apart(document(body))
    assert lane.take_apart(document(body)) == before


def test_modules_of_the_users_folder_are_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("crawler", "storage"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    with Lane() as lane:
        found = lane.take_apart(document(FIRST + b"\0" + b" " * 5_000))
    assert found.page.links


def test_the_child_ends_with_its_parent() -> None:
    script = (
        "import sys; from crawler.taking_apart import *; from crawler.urls import canonical_url\n"
        "lane = Lane(); one = Document(b'\\0' * 5000, canonical_url('https://e.com/'), None, (), 'googlebot', 9)\n"
        "lane.take_apart(one); print(lane._process.pid, flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    until = time.monotonic() + 20
    while _runs(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# -- in a crawl ---------------------------------------------------------------------------------


def test_the_crawl_goes_on_while_documents_are_taken_apart(tmp_path: Path) -> None:
    """Two pages that hold the parser for half a minute each, fifty good ones beside them."""
    deep = gzip.compress(FIRST + b"<div>" * 100_000, mtime=0)
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    with serve() as site:
        site.routes["/deep"] = Page(deep, headers=(("Content-Encoding", "gzip"),))
        site.routes["/links"] = Page(html(*(f"/l{n}" for n in range(120))))
        site.routes["/million"] = Page((b"<a href=/t>x</a>" * 350_000)[: 5 * MIB])
        good = [site.url(f"/good{number % 2}", f"127.0.1.{number // 2 + 1}") for number in range(50)]
        for path in ("/good0", "/good1"):
            site.routes[path] = Page(html("/a", "/b"))
        hostile = [site.url("/deep", f"127.0.2.{number}") for number in (1, 2)]
        cut = [site.url("/links", "127.0.2.4"), site.url("/million", "127.0.2.5")]
        plan = CrawlPlan(db=database, seeds=(*hostile, *cut, *good), delay=0.0, timeout=2.0, max_links=100)
        facts = crawl(replace(plan, retries=0))
        begun = min(request.ended for request in site.log if request.path == "/deep")
        last = max(request.ended for request in site.log if request.path.startswith("/good"))
    assert last - begun < 3.8  # the two take the child two seconds each, at least
    found = outcomes(database)
    assert {found[url] for url in good} == {("fetched", None)}
    assert {found[url] for url in hostile} == {("partial", "parse_time")}
    assert {found[url] for url in cut} == {("partial", "links")}
    assert facts["asked"] == 54
    pages = _pages(database)
    assert [len(pages[url].links) for url in (*hostile, *cut)] == [1, 1, 100, 100]
    assert pages[cut[0]].links == parse_page(html(*(f"/l{n}" for n in range(120))).encode(),
                                             url=canonical_url(cut[0]), charset="utf-8").links[:100]  # fmt: skip


def _pages(database: str) -> dict[str, PageRecord]:
    with open_ledger(database) as conn:
        visits = [row[0] for row in conn.exec_driver_sql("SELECT id FROM visit")]
        records = [read_record(conn, visit) for visit in visits]
    return {record.url.url: record for record in records if record is not None}
