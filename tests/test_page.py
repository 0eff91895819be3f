"""Whole pages: exact records of stored pages, page-level facts, which elements are links, laws and hostile sizes."""

from __future__ import annotations

import gc
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from selectolax.lexbor import LexborHTMLParser

from crawler.page import MAX_HEADING, parse_page
from crawler.spots import MAX_PATH_STEPS
from crawler.urls import canonical_url
from crawler.walk import MAX_HEADINGS
from storage.records import PageRecord

PAGES = Path(__file__).parent / "pages"
URL = canonical_url("https://site.example/dir/page")


def read(markup: str, **arguments: object) -> PageRecord:
    return parse_page(markup.encode(), url=URL, **({"charset": "utf-8"} | arguments))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(path.stem for path in PAGES.glob("*.html")))
def test_stored_page(name: str) -> None:
    spec = importlib.util.spec_from_file_location(f"stored_{name}", PAGES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    stored = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stored)
    page = parse_page((PAGES / f"{name}.html").read_bytes(), url=stored.URL)
    for found, wanted in zip(page.links, stored.PAGE.links, strict=True):
        assert found == wanted
    assert page == stored.PAGE


LINKS = [  # id, markup, (element, raw href, target or reason) of each
    ("a", "<a href=/x>x</a>", [("a", "/x", "https://site.example/x")]),
    ("without_href_is_no_link", "<a name=x>x</a><area>", []),
    ("empty_href_is_the_page", "<a href=''>x</a>", [("a", "", "https://site.example/dir/page")]),
    ("href_without_a_value", "<a href>x</a>", [("a", "", "https://site.example/dir/page")]),
    ("fragment", "<a href='#a'>x</a>", [("a", "#a", "https://site.example/dir/page")]),
    ("blank_around_the_href", "<a href=' /x\n'>x</a>", [("a", " /x\n", "https://site.example/x")]),
    ("area", "<map><area href=x></map>", [("area", "x", "https://site.example/dir/x")]),
    ("svg", "<svg><a href=x>x</a></svg>", [("svg_a", "x", "https://site.example/dir/x")]),
    ("svg_xlink", "<svg><a xlink:href=x>x</a></svg>", [("svg_a", "x", "https://site.example/dir/x")]),
    ("svg_href_before_xlink", "<svg><a xlink:href=x href=y>x</a></svg>", [("svg_a", "y", "https://site.example/dir/y")]),
    ("html_has_no_xlink", "<a xlink:href=x>x</a>", []),
    ("html_again_in_foreign_object", "<svg><foreignObject><a href=x>x</a></foreignObject></svg>",
     [("a", "x", "https://site.example/dir/x")]),
    ("mathml_has_no_links", "<math><a href=x>x</a></math>", []),
    ("html_again_in_math_text", "<math><mi><a href=x>x</a></mi></math>", [("a", "x", "https://site.example/dir/x")]),
    ("template_is_not_in_the_document", "<template><a href=x>x</a></template>", []),
    ("comment", "<!-- <a href=x>x</a> -->", []),
    ("script_and_iframe_text", "<script>'<a href=x>'</script><iframe><a href=x></iframe>", []),
    ("noscript", "<noscript><a href=x>x</a></noscript>", [("a", "x", "https://site.example/dir/x")]),
    ("unclosed", "<a href=x>x<a href=y>y", [("a", "x", "https://site.example/dir/x"),
                                            ("a", "y", "https://site.example/dir/y")]),
    ("scheme", "<a href='mailto:a@b.example'>x</a>", [("a", "mailto:a@b.example", "not_http")]),
    ("script_scheme", "<a href='JavaScript:void(0)'>x</a>", [("a", "JavaScript:void(0)", "not_http")]),
    ("no_url", "<a href='http://'>x</a>", [("a", "http://", "invalid_url")]),
    ("space_in_the_host", "<a href='http://a b/'>x</a>", [("a", "http://a b/", "invalid_url")]),
    ("base", "<base href=/b/><a href=x>x</a>", [("a", "x", "https://site.example/b/x")]),
    ("base_behind_the_link", "<a href=x>x</a><div><base href=/b/></div>", [("a", "x", "https://site.example/b/x")]),
    ("first_base_with_href", "<base target=_top><base href=/b/><base href=/c/><a href=x>x</a>",
     [("a", "x", "https://site.example/b/x")]),
    ("base_of_another_site", "<base href=//cdn.example><a href=''>x</a>", [("a", "", "https://cdn.example/")]),
    ("script_base_is_ignored", "<base href='javascript:0'><a href=x>x</a>", [("a", "x", "https://site.example/dir/x")]),
    ("data_base_is_ignored", "<base href='data:,x'><a href=x>x</a>", [("a", "x", "https://site.example/dir/x")]),
    ("ftp_base", "<base href='ftp://f.example/'><a href=x>x</a>", [("a", "x", "not_http")]),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "wanted"), [pytest.param(*row[1:], id=row[0]) for row in LINKS])
def test_what_is_a_link(markup: str, wanted: list[tuple[str, str, str]]) -> None:
    page = read(markup)
    kept = {link.ordinal: (link.element, link.raw_href, link.target.url) for link in page.links}
    kept |= {skip.ordinal: ("a", skip.raw_href, skip.reason) for skip in page.skipped}
    assert [kept[ordinal] for ordinal in sorted(kept)] == wanted
    assert sorted(kept) == list(range(len(wanted)))


HIDDEN = [  # id, markup, hidden
    ("shown", "<p><a href=x>x</a>", False),
    ("hidden_attribute", "<p hidden><b><a href=x>x</a>", True),
    ("on_the_link", "<a hidden href=x>x</a>", True),
    ("until_found", "<p hidden=until-found><a href=x>x</a>", True),
    ("style_overrides_the_attribute", "<p hidden style='display:block'><a href=x>x</a>", False),
    ("display_none", "<p style='color:red;display:none'><a href=x>x</a>", True),
    ("last_declaration_holds", "<p style='display:none;display:block'><a href=x>x</a>", False),
    ("important_holds", "<p style='display:none !important;display:block'><a href=x>x</a>", True),
    ("in_a_comment", "<p style='/*display:none;*/color:red'><a href=x>x</a>", False),
    ("visibility", "<p style='visibility:hidden'><a href=x>x</a>", True),
    ("visible_again", "<p style='visibility:hidden'><b style='visibility:visible'><a href=x>x</a>", False),
    ("none_cannot_be_undone_inside", "<p style='display:none'><b style='display:block'><a href=x>x</a>", True),
    ("content_visibility", "<div style='content-visibility:hidden'><a href=x>x</a></div>", True),
    ("closed_details", "<details><summary>s</summary><a href=x>x</a></details>", True),
    ("open_details", "<details open><summary>s</summary><a href=x>x</a></details>", False),
    ("summary_of_closed_details", "<details><summary><a href=x>x</a></summary>y</details>", False),
    ("second_summary", "<details><summary>s</summary><summary><a href=x>x</a></summary></details>", True),
    ("closed_dialog", "<dialog><a href=x>x</a></dialog>", True),
    ("open_dialog", "<dialog open><a href=x>x</a></dialog>", False),
    ("popover", "<div popover><a href=x>x</a></div>", True),
    ("fallback_of_video", "<video><a href=x>x</a></video>", True),
    ("fallback_of_object", "<object><a href=x>x</a></object>", False),
    ("in_svg_defs", "<svg><defs><a href=x>x</a></defs></svg>", True),
]


@pytest.mark.parametrize(("markup", "hidden"), [pytest.param(*row[1:], id=row[0]) for row in HIDDEN])
def test_hidden(markup: str, hidden: bool) -> None:
    page = read(f"{markup}")
    assert [link.hidden for link in page.links] == [hidden]
    assert [link.parts.text for link in page.links] == ["x"]


CONTEXTS = [  # id, markup, before, after
    ("in_a_sentence", "<p>Read the <a href=x>guide</a> of Acme.", "Read the", "of Acme."),
    ("own_block_first", "<p>One<p>two <a href=x>x</a> three<p>four", "One ¶ two", "three ¶ four"),
    ("link_is_the_block", "<ul><li>One<li><a href=x>x</a><li>three</ul>", "One ¶", "¶ three"),
    ("empty_blocks_make_one_border", "<p>One<div><p></p></div><a href=x>x</a>", "One ¶", ""),
    ("image_links_between", "<p>a <a href=y><img></a> <a href=x>x</a> b", "a", "b"),
    ("in_a_word", "<p>foo<a href=x>bar</a>baz", "foo", "baz"),
    ("other_links_are_words", "<p><a href=y>y</a>, <a href=x>x</a>, <a href=z>z</a>", "y,", ", z"),
    ("hidden_words_are_left_out", "<p>a <b hidden>no</b> <a href=x>x</a><i style='display:none'>no</i> b", "a", "b"),
    ("hidden_link_sees_its_own_part", "<p>a<div hidden>in <a href=x>x</a> here</div>b", "in", "here"),
    ("pilcrow_of_the_page", "<p>a ¶ <a href=x>x</a> b", "a ¶", "b"),
]


@pytest.mark.parametrize(("markup", "before", "after"), [pytest.param(*row[1:], id=row[0]) for row in CONTEXTS])
def test_context(markup: str, before: str, after: str) -> None:
    links = [link for link in read(markup).links if link.raw_href == "x"]
    assert [(link.before, link.after) for link in links] == [(before, after)]


def test_a_context_has_fifty_words_at_most() -> None:
    words = [f"w{number}" for number in range(120)]
    page = read(f"<p>{' '.join(words)} <a href=x>x</a> <i>{'</i> <i>'.join(words)}</i>")
    assert page.links[0].before == " ".join(words[-50:])
    assert page.links[0].after == " ".join(words[:50])


def test_borders_are_not_counted_as_words() -> None:
    page = read("".join(f"<p>w{number}" for number in range(60)) + "<a href=x>x</a>")
    assert page.links[0].before == " ¶ ".join(f"w{number}" for number in range(10, 60))


def test_a_context_without_spaces_is_bounded() -> None:
    page = read(f"<p>{'字' * 5000}<a href=x>x</a>{'字' * 5000}")
    assert page.links[0].before == page.links[0].after == "字" * 600


FACTS = [  # id, markup, field, value
    ("title", "<title> A \n B </title>", "title", "A B"),
    ("no_title", "<p>x", "title", None),
    ("first_title", "<title>A</title><title>B</title>", "title", "A"),
    ("title_in_the_body", "<p>x<title>A &amp; B</title>", "title", "A & B"),
    ("svg_title_is_not_the_page's", "<svg><title>A</title></svg>", "title", None),
    ("lang", "<html lang=de>", "lang", "de"),
    ("no_lang", "<html><div lang=de>", "lang", None),
    ("canonical", "<link rel=canonical href=/c>", "canonical", "https://site.example/c"),
    ("canonical_among_tokens", "<link rel='x CANONICAL' href=/c#f>", "canonical", "https://site.example/c"),
    ("first_canonical", "<link rel=canonical href=/c><link rel=canonical href=/d>", "canonical", "https://site.example/c"),
    ("canonical_in_the_body", "<p><link rel=canonical href=/c>", "canonical", "https://site.example/c"),
    ("canonical_against_the_base", "<base href=/b/><link rel=canonical href=c>", "canonical", "https://site.example/b/c"),
    ("canonical_of_no_page", "<link rel=canonical href='mailto:x'>", "canonical", None),
    ("not_every_rel", "<link rel=canonical-x href=/c>", "canonical", None),
    ("h1_and_links_in_it", "<h1>A <a href=x>b</a></h1><h1></h1><h1>C<br>d</h1>", "h1", ("A b", "C d")),
    ("hidden_headings_too", "<div hidden><h2>A</h2></div><h2>B</h2>", "h2", ("A", "B")),
    ("text", "<p>a<p hidden>no<p>b<script>c</script>", "text", "a b"),
    ("option_text", "<select><option>a<option>b</select>", "text", "a b"),
    ("text_of_nothing", "", "text", ""),
    ("indexable", "<link rel=canonical href=page>", "not_indexable", ()),
    ("canonical_elsewhere", "<link rel=canonical href=/c>", "not_indexable", ("canonical",)),
    ("noindex", "<meta name=robots content=noindex>", "not_indexable", ("meta_robots",)),
    ("googlebot", "<meta name=GoogleBot content=nofollow>", "nofollow", ("meta_robots",)),
    ("other_robots", "<meta name=bingbot content=none>", "nofollow", ()),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "field", "value"), [pytest.param(*row[1:], id=row[0]) for row in FACTS])
def test_page_fact(markup: str, field: str, value: object) -> None:
    assert getattr(read(markup), field) == value


HEADERS = [  # id, header, field, value
    ("canonical", ("Link", '</c>; rel="canonical"'), "canonical", "https://site.example/c"),
    ("canonical_source", ("link", "<https://o.example>; rel=canonical"), "canonical_source", "header"),
    ("second_value", ("Link", '</a,b>; rel=next, </c>; title="x, y"; rel="prev canonical"'), "canonical",
     "https://site.example/c"),
    ("another_rel", ("Link", "</c>; rel=preload"), "canonical", None),
    ("no_link_value", ("Link", "<<<;;;,,,\""), "canonical", None),
    ("nofollow", ("X-Robots-Tag", "nofollow"), "nofollow", ("x_robots_tag",)),
    ("noindex", ("x-robots-tag", "googlebot: noindex"), "not_indexable", ("x_robots_tag",)),
]  # fmt: skip


@pytest.mark.parametrize(("header", "field", "value"), [pytest.param(*row[1:], id=row[0]) for row in HEADERS])
def test_header(header: tuple[str, str], field: str, value: object) -> None:
    assert getattr(read("<a href=x>x</a>", headers=[header]), field) == value


def test_the_element_names_the_canonical_before_the_header() -> None:
    page = read("<link rel=canonical href=/e>", headers=[("Link", "</h>; rel=canonical")])
    assert (page.canonical, page.canonical_source) == ("https://site.example/e", "element")


def test_every_cause_of_not_following_is_named() -> None:
    page = read(
        "<meta name=robots content=nofollow><a rel='NoFollow,ugc x' href=x>x</a><a href=y>y</a>",
        headers=[("X-Robots-Tag", "none")],
    )
    assert [link.follow_cause for link in page.links] == [
        ("rel", "meta_robots", "x_robots_tag"),
        ("meta_robots", "x_robots_tag"),
    ]
    assert page.links[0].rel == ("nofollow", "ugc", "x")


def test_a_judge_of_ones_own() -> None:
    markup = "<meta name=bingbot content=nofollow><a href=x>x</a>"
    assert read(markup).links[0].followed
    assert not read(markup, judge_as="bingbot").links[0].followed


def test_query_is_written_in_the_page_s_encoding() -> None:
    page = parse_page("<a href='?q=ä'>ä</a>".encode("cp1252"), url=URL, charset="iso-8859-1")
    assert page.links[0].target.url == "https://site.example/dir/page?q=%E4"
    assert page.links[0].anchor.text == "ä"


def test_headings_are_bounded() -> None:
    page = read("".join(f"<h1>{'x' * 1000}</h1><h2>{number}</h2>" for number in range(100)))
    assert [len(heading) for heading in page.h1] == [MAX_HEADING] * MAX_HEADINGS
    assert page.h2 == tuple(str(number) for number in range(MAX_HEADINGS))


def test_paths_are_bounded() -> None:
    page = read("<b>" * 500 + "<a href=x>x</a>")
    steps = page.links[0].path.split("/")
    assert steps[:3] == ["html", "body", "b"]
    assert steps[-1] == "a"
    assert "…" in steps
    assert len(steps) == MAX_PATH_STEPS + 1


def test_the_collector_is_left_as_it_was() -> None:
    gc.disable()
    try:
        read("<a href=x>x</a>")
        assert not gc.isenabled()
    finally:
        gc.enable()
    read("<a href=x>x</a>")
    assert gc.isenabled()


def test_a_page_leaves_no_cycles_behind() -> None:
    """In a process of its own, where nothing else leaves any."""
    script = """
import gc
from crawler.page import parse_page
from crawler.urls import canonical_url
markup = b"<details><p style='display:none'><a href=x>x</a></details><svg><a href=y>y</a></svg>"
url = canonical_url("https://site.example/")
parse_page(markup, url=url)
gc.disable()
gc.collect()
page = parse_page(markup, url=url)
assert len(page.links) == 2
print(gc.collect())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


# Laws

TAGS = (
    *("a", "a", "a", "area", "b", "base", "br", "button", "details", "div", "font", "footer", "foreignObject", "form"),
    *("h1", "img", "li", "math", "mi", "nav", "noscript", "object", "option", "p", "script", "select", "style"),
    *("summary", "svg", "table", "td", "template", "textarea", "title", "ul", "xmp"),
)
ATTRIBUTES = (
    *("", " href=x", " href", ' href="http://o.example/?ä"', " xlink:href=y", " hidden", " alt=A", " title='T&amp;'"),
    *(" style='display:none'", " style=visibility:visible", " class=footer", " role=main", " open", " rel=ugc"),
)
ODDITIES = ("<!--", "-->", "&nbsp;", "&#0;", "&#1;", "\x00", " ", "\n", "word", "ü", "<", "<!doctype html>", "\x0b")
pieces = st.one_of(
    st.builds(lambda tag, attributes: f"<{tag}{''.join(attributes)}>", st.sampled_from(TAGS),
              st.lists(st.sampled_from(ATTRIBUTES), max_size=3)),
    st.builds(lambda tag: f"</{tag}>", st.sampled_from(TAGS)),
    st.sampled_from(ODDITIES),
)  # fmt: skip
bodies = st.one_of(st.binary(max_size=300), st.lists(pieces, max_size=40).map(lambda found: "".join(found).encode()))


@given(bodies, st.none() | st.sampled_from(["utf-8", "utf-16le", "shift_jis", "rot13", "no such"]))
@pytest.mark.proof
@settings(max_examples=examples(300), deadline=None)
def test_nothing_raises_and_nothing_is_lost(body: bytes, charset: str | None) -> None:
    page = parse_page(body, url=URL, charset=charset)
    ordinals = sorted([link.ordinal for link in page.links] + [skip.ordinal for skip in page.skipped])
    assert ordinals == list(range(len(page.links) + len(page.skipped)))
    assert [link.ordinal for link in page.links] == sorted(link.ordinal for link in page.links)
    for link in page.links:
        assert link.target.url.startswith(("http://", "https://"))
        assert link.path.startswith("html/")
        assert "\x00" not in link.before + link.after + link.parts.text + page.text
    assert "\x01" not in page.text
    assert parse_page(body, url=URL, charset=charset) == page


@given(st.lists(pieces, max_size=40).map("".join))
@pytest.mark.proof
@settings(max_examples=examples(300), deadline=None)
def test_the_links_are_those_of_the_tree(markup: str) -> None:
    """Counted a second way: the parser's own selector, less what is MathML, or SVG without a link.

    The parser opens an unclosed link again inside a textarea, which holds text only in the standard and in browsers.
    """
    page = read(markup)
    tree = LexborHTMLParser(markup.encode())
    found = [
        (node.attributes.get("href") if "href" in node.attributes else node.attributes.get("xlink:href")) or ""
        for node in tree.css("a, area")
        if "href" in node.attributes or ("xlink:href" in node.attributes and _namespace(node) == "svg")
        if _namespace(node) != "math" and (node.tag == "a" or _namespace(node) == "html")
        if not _in_textarea(node)
    ]
    raws = {link.ordinal: link.raw_href for link in page.links} | {skip.ordinal: skip.raw_href for skip in page.skipped}
    assert [raws[ordinal] for ordinal in sorted(raws)] == found


def _in_textarea(node: object) -> bool:
    while (node := node.parent) is not None:  # type: ignore[attr-defined]
        if node.tag == "textarea" and _namespace(node) == "html":
            return True
    return False


def _namespace(node: object) -> str:
    """In which namespace a node stands, worked out from the names of what is around it."""
    around = []
    while (node := node.parent) is not None:  # type: ignore[attr-defined]
        around.append(node.tag)
    namespace = "html"
    for tag in reversed(around):
        if namespace == "html":
            namespace = tag if tag in ("svg", "math") else "html"
        elif tag in (("foreignObject", "desc", "title") if namespace == "svg" else ("mi", "mo", "mn", "ms", "mtext")):
            namespace = "html"
    return namespace


# Hostile sizes: time grows with the page, not faster.

HOSTILE: list[tuple[str, Callable[[int], str]]] = [
    ("links", lambda n: "<a href=/x>x</a>" * n),
    ("nested_links_in_objects", lambda n: "<a href=/x>x<object>" * (n // 50)),
    ("nested_bold_with_links", lambda n: "<b>" * (n // 4) + "<a href=/x>x</a>" * 10),
    ("open_tags", lambda n: "<a" * (8 * n)),
    ("images_in_one_link", lambda n: "<a href=/x>" + "<img alt=y>" * n),
    ("styles", lambda n: "".join(f"<p style='display:none;x:{k}'><a href=x>x</a>" for k in range(n // 10))),
    ("one_word", lambda n: "<p>" + "x" * (10 * n) + "<a href=/x>x</a>" * 10),
    ("blocks", lambda n: "<p>x" * n + "<a href=/x>y</a>"),
    ("classes", lambda n: f"<div class='{'nav-x ' * n}'>" + "<a href=/x>x</a>"),
]


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in HOSTILE])
def test_time_grows_with_the_page(make: Callable[[int], str]) -> None:
    def seconds(size: int) -> tuple[float, float]:
        body = make(size).encode()
        started = time.process_time()
        LexborHTMLParser(body)
        parsed = time.process_time()
        parse_page(body, url=URL, charset="utf-8")
        return parsed - started, time.process_time() - parsed

    _, small = seconds(10_000)
    parse, large = seconds(80_000)
    assert large - 3 * parse < 24 * max(small, 0.02)
