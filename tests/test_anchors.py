"""The words of a link: each rule of docs/extraction.md, section "Anchor", as a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.anchors import BLANKS, anchor_of, collapse_space, is_blank
from crawler.page import parse_page
from crawler.urls import canonical_url
from storage.records import Anchor, AnchorParts, AnchorSource

PAGE = canonical_url("https://site.example/page")

ANCHORS = [  # id, the markup, source, text
    ("text", "<a href=/t>Acme</a>", "text", "Acme"),
    ("nested_tags", "<a href=/t>Acme <b>Tools</b></a>", "text", "Acme Tools"),
    ("inline_tags_do_not_part_words", "<a href=/t>H<sub>2</sub>O</a>", "text", "H2O"),
    ("white_space_collapses", "<a href=/t> Acme\n\t Tools </a>", "text", "Acme Tools"),
    ("space_between_inline_elements", "<a href=/t><b>Acme</b> <i>Tools</i></a>", "text", "Acme Tools"),
    ("space_at_the_end_of_an_inline_element", "<a href=/t><b>Acme<i>X</i> </b>Tools</a>", "text", "AcmeX Tools"),
    ("br_is_a_space", "<a href=/t>Acme<br>Tools</a>", "text", "Acme Tools"),
    ("block_edges_are_a_space", "<a href=/t><div>Acme</div><div>Tools</div></a>", "text", "Acme Tools"),
    ("cells_are_parted", "<a href=/t><table><tr><td>Acme<td>Tools</table></a>", "text", "Acme Tools"),
    ("button_parts_words", "<a href=/t>19:45<button>Sport</button>News</a>", "text", "19:45 Sport News"),
    ("svg_parts_words", "<a href=/t>Acme<svg><path></path></svg>Tools</a>", "text", "Acme Tools"),
    ("img_in_a_word_parts_nothing", "<a href=/t>H<img src=e.png>llo</a>", "text", "Hllo"),
    ("inline_style_makes_a_block", "<a href=/t>A<b style='display:block'>B</b></a>", "text", "A B"),
    ("inline_style_makes_a_block_inline", "<a href=/t>A<div style='display: inline'>B</div></a>", "text", "AB"),
    ("float_makes_a_block", "<a href=/t>A<b style='float:left'>B</b></a>", "text", "A B"),
    ("no_break_space_stays", "<a href=/t>Acme&nbsp;&nbsp;Tools</a>", "text", "Acme\xa0\xa0Tools"),
    ("ideographic_space_stays", "<a href=/t>東京　大阪</a>", "text", "東京\u3000大阪"),
    ("script_is_no_text", "<a href=/t>Acme<script>var a = 1</script></a>", "text", "Acme"),
    ("style_is_no_text", "<a href=/t><style>a{b:c}</style>Acme</a>", "text", "Acme"),
    ("template_is_no_text", "<a href=/t><template>No</template>Acme</a>", "text", "Acme"),
    ("textarea_is_no_text", "<a href=/t><textarea>No</textarea>Acme</a>", "text", "Acme"),
    ("noscript_is_markup", "<a href=/t><noscript><b>Acme</b></noscript></a>", "text", "Acme"),
    ("comment_is_no_text", "<a href=/t>Ac<!-- no -->me</a>", "text", "Acme"),
    ("hidden_part_is_no_text", "<a href=/t>Acme<span hidden>No</span></a>", "text", "Acme"),
    ("display_none_is_no_text", "<a href=/t>Acme<span style='Display : NONE'>No</span></a>", "text", "Acme"),
    ("visibility_hidden_is_no_text", "<a href=/t>Acme<b style='visibility:hidden'>No</b></a>", "text", "Acme"),
    ("words_of_a_hidden_link_count", "<p hidden><a href=/t>Acme</a>", "text", "Acme"),
    ("noembed_and_iframe_are_no_text", "<a href=/t><iframe>No</iframe><noembed>No</noembed>A</a>", "text", "A"),
    ("xmp_is_text", "<a href=/t><xmp><b>A</b></xmp></a>", "text", "<b>A</b>"),
    ("control_characters_do_not_break_it", "<a href=/t>A\x01B\x0bC</a>", "text", "A\ufffdB\ufffdC"),
    ("image_speaks_by_alt", '<a href=/t><img src="l.png" alt="Acme logo"></a>', "img_alt", "Acme logo"),
    ("alts_are_joined", "<a href=/t><img alt=Acme><img alt=''><img alt=' Tools '></a>", "img_alt", "Acme Tools"),
    ("image_without_alt", "<a href=/t><img src=l.png></a>", "none", ""),
    ("text_beats_alt", "<a href=/t><img alt=Acme> Tools</a>", "text", "Tools"),
    ("alt_beats_label", "<a href=/t aria-label=Label><img alt=Acme></a>", "img_alt", "Acme"),
    ("blank_alt_does_not", "<a href=/t aria-label=Label><img alt='&nbsp;'></a>", "aria_label", "Label"),
    ("label_beats_title", "<a href=/t title=Title aria-label=Label><i></i></a>", "aria_label", "Label"),
    ("title_of_an_empty_link", "<a href=/t title=' The\n title'><i></i></a>", "title", "The title"),
    ("svg_title", "<a href=/t><svg><title>Cart</title></svg></a>", "svg_title", "Cart"),
    ("title_beats_svg_title", "<a href=/t title=T><svg><title>Cart</title></svg></a>", "title", "T"),
    ("svg_title_is_no_text", "<a href=/t><svg><title>Cart</title></svg> 3</a>", "text", "3"),
    ("svg_text_is_text", "<a href=/t><svg><text>Map</text></svg></a>", "text", "Map"),
    ("svg_defs_are_no_text", "<a href=/t><svg><defs><text>No</text></defs></svg></a>", "none", ""),
    ("alt_of_an_area", "<map><area href=/t alt='Map of Acme'></map>", "img_alt", "Map of Acme"),
    ("title_of_an_area", "<map><area href=/t title=Region></map>", "title", "Region"),
    ("svg_link", "<svg><a xlink:href=/t><text>Node</text></a></svg>", "text", "Node"),
    ("nothing_to_read", "<a href=/t><i class=icon></i></a>", "none", ""),
    ("only_no_break_spaces", "<a href=/t>&nbsp;&#8203;</a>", "none", ""),
    ("only_zero_width_falls_back", "<a href=/t title=T>\u200b\u2060\ufeff</a>", "title", "T"),
]


@pytest.mark.parametrize(("markup", "source", "text"), [pytest.param(*row[1:], id=row[0]) for row in ANCHORS])
def test_anchor(markup: str, source: AnchorSource, text: str) -> None:
    page = parse_page(markup.encode(), url=PAGE, charset="utf-8")
    assert [link.anchor for link in page.links] == [Anchor(text=text, source=source)]


PARTS = [  # id, markup, parts
    ("alts_as_found", "<a href=/t><img alt=' A '><img><img alt=''>x</a>",
     AnchorParts("x", (" A ", ""), has_image=True)),
    ("image_without_words", "<a href=/t><img src=l.png></a>", AnchorParts(has_image=True)),
    ("svg_is_an_image", "<a href=/t><svg></svg></a>", AnchorParts(has_image=True)),
    ("labels_beside_text", "<a href=/t title=T aria-label=L>x</a>", AnchorParts("x", aria_label="L", title="T")),
    ("blank_text_is_kept", "<a href=/t>&nbsp;</a>", AnchorParts("\xa0")),
    ("second_svg_title", "<a href=/t><svg><title> </title></svg><svg><title>B</title></svg></a>",
     AnchorParts(svg_title="B", has_image=True)),
    ("area", "<area href=/t alt=A title=T>", AnchorParts(alts=("A",), title="T", has_image=True)),
    ("image_of_a_nested_link_is_in_both", "<a href=/t><object><a href=/u><img alt=A></a></object></a>",
     AnchorParts(alts=("A",), has_image=True)),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "parts"), [pytest.param(*row[1:], id=row[0]) for row in PARTS])
def test_parts(markup: str, parts: AnchorParts) -> None:
    page = parse_page(markup.encode(), url=PAGE, charset="utf-8")
    assert page.links[0].parts == parts


texts = st.text(alphabet=st.sampled_from("ab \t\n\u00a0\u200b\u3000é中")) | st.text()


@given(texts)
def test_collapsing_is_idempotent_and_loses_only_ascii_white_space(text: str) -> None:
    once = collapse_space(text)
    assert collapse_space(once) == once
    assert [c for c in once if c not in "\t\n\f\r "] == [c for c in text if c not in "\t\n\f\r "]


@given(texts, st.lists(texts, max_size=3), st.none() | texts, st.none() | texts, st.none() | texts)
def test_the_first_that_is_not_blank_speaks(
    text: str, alts: list[str], label: str | None, title: str | None, svg: str | None
) -> None:
    anchor = anchor_of(AnchorParts(collapse_space(text), tuple(alts), label, title, svg))
    candidates = [text, " ".join(alts), label, title, svg]
    order: list[AnchorSource] = ["text", "img_alt", "aria_label", "title", "svg_title"]
    spoken = [source for source, words in zip(order, candidates, strict=True) if words and not is_blank(words)]
    assert anchor.source == (spoken[0] if spoken else "none")
    assert is_blank(anchor.text) == (anchor.source == "none")


@given(st.text(alphabet=BLANKS))
def test_blanks_are_blank(text: str) -> None:
    assert is_blank(text)
