"""Where on its page a link sits, and the rule that says so."""

from __future__ import annotations

import pytest

from crawler.page import parse_page
from crawler.urls import canonical_url

PAGE = canonical_url("https://site.example/page")
L = "<a href=/t>x</a>"

PLACES = [  # id, markup around {L}, placement, rule
    ("nothing_said", "<div>{L}</div>", "body", "default"),
    ("nav", "<nav><ul><li>{L}</ul></nav>", "nav", "element:nav"),
    ("main", "<main><p>{L}</main>", "main", "element:main"),
    ("aside", "<aside>{L}</aside>", "aside", "element:aside"),
    ("header_of_the_page", "<header>{L}</header>", "header", "element:header"),
    ("footer_of_the_page", "<footer>{L}</footer>", "footer", "element:footer"),
    ("article_without_main", "<article>{L}</article>", "main", "element:article"),
    ("nearest_landmark_decides", "<footer><nav>{L}</nav></footer>", "nav", "element:nav"),
    ("footer_of_an_article", "<article><footer>{L}</footer></article>", "main", "element:article"),
    ("header_of_a_section", "<main><section><header>{L}</header></section></main>", "main", "element:main"),
    ("header_of_a_section_alone", "<section><header>{L}</header></section>", "body", "default"),
    ("footer_in_an_aside", "<aside><footer>{L}</footer></aside>", "aside", "element:aside"),
    ("after_the_landmark", "<nav>m</nav><p>{L}", "body", "default"),
    ("role_navigation", "<div role=navigation>{L}</div>", "nav", "role:navigation"),
    ("role_banner", "<div role=banner>{L}</div>", "header", "role:banner"),
    ("role_contentinfo", "<div role=contentinfo>{L}</div>", "footer", "role:contentinfo"),
    ("role_complementary", "<div role=complementary>{L}</div>", "aside", "role:complementary"),
    ("role_main", "<div role=MAIN>{L}</div>", "main", "role:main"),
    ("first_known_role", "<div role='doc-toc navigation'>{L}</div>", "nav", "role:navigation"),
    ("unknown_role_leaves_the_element", "<nav role=tablist>{L}</nav>", "nav", "element:nav"),
    ("role_beats_element", "<nav role=main>{L}</nav>", "main", "role:main"),
    ("presentation_takes_the_meaning_away", "<nav role=presentation>{L}</nav>", "body", "default"),
    ("header_in_role_main", "<div role=main><header>{L}</header></div>", "main", "role:main"),
    ("class", "<div class=footer>{L}</div>", "footer", "class:footer"),
    ("class_among_others", "<div class='row site-footer dark'>{L}</div>", "footer", "class:site-footer"),
    ("id", "<div id=sidebar>{L}</div>", "aside", "id:sidebar"),
    ("id_before_class", "<div id=main-nav class=header>{L}</div>", "nav", "id:main-nav"),
    ("camel_case", "<div class=mainNavigation>{L}</div>", "nav", "class:mainNavigation"),
    ("underscore", "<div class=footer_inner>{L}</div>", "footer", "class:footer_inner"),
    ("last_word_names_the_place", "<div class=footer-nav>{L}</div>", "nav", "class:footer-nav"),
    ("two_words_for_one", "<div id=right-column>{L}</div>", "aside", "id:right-column"),
    ("a_word_more_is_another_thing", "<div class=card-header>{L}</div>", "body", "default"),
    ("a_negation_is_another_thing", "<div class='no-sidebar has-footer'>{L}</div>", "body", "default"),
    ("part_of_a_word_is_none", "<div class=navigator>{L}</div>", "body", "default"),
    ("names_of_body_do_not_count", "<body class=sidebar>{L}", "body", "default"),
    ("names_of_the_link_do_not_count", "<a class=nav href=/t>x</a>", "body", "default"),
    ("nearest_name_decides", "<div class=header><div class=menu>{L}</div></div>", "nav", "class:menu"),
    ("content_is_a_weak_name", "<div id=footer><div class=content>{L}</div></div>", "footer", "id:footer"),
    ("content_alone", "<div id=content>{L}</div>", "main", "id:content"),
    ("sidebar_in_content", "<div id=content><div class=sidebar>{L}</div></div>", "aside", "class:sidebar"),
    ("landmark_beats_names", "<main><div class=sidebar>{L}</div></main>", "main", "element:main"),
    ("sibling_names_do_not_count", "<div class=nav>m</div><div>{L}</div>", "body", "default"),
    ("list_entries_have_no_say", "<ul><li class=menu>{L}</ul>", "body", "default"),
]


@pytest.mark.parametrize(("markup", "placement", "rule"), [pytest.param(*row[1:], id=row[0]) for row in PLACES])
def test_placement(markup: str, placement: str, rule: str) -> None:
    page = parse_page(markup.replace("{L}", L).encode(), url=PAGE, charset="utf-8")
    assert [(link.placement, link.placement_rule) for link in page.links] == [(placement, rule)]


def test_places_are_kept_apart_along_the_page() -> None:
    markup = f"<div id=menu>{L}<p>{L}</div>{L}<div><ul class=sidebar><li>{L}<li>{L}</ul>{L}</div>{L}"
    page = parse_page(markup.encode(), url=PAGE, charset="utf-8")
    assert [link.placement for link in page.links] == ["nav", "nav", "body", "aside", "aside", "body", "body"]
