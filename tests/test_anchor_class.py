"""Classes of anchors: each rule, the order of the rules, the flags, and the laws that hold for any text."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.anchor_class import CLASSES, AnchorClass, Classifier, Verdict
from audit.profile import Profile, Section
from storage.records import AnchorSource
from tests.proof import examples

PROFILES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "mill": ("https://oldmillbikes.com", ("Old Mill", "Old Mill Bikes"), ("cargo bikes", "bike rack 2 hooks"), ("en",)),
    "dot": ("https://wednesday.io/", ("wednesday.io",), ("team calendar", "node.js calendar"), ("en",)),
    "net": ("https://dotkit.dev/", (".NET Kit", "Kit#"), ("c# lessons",), ("en",)),
    "same": ("https://cheapferries.com/", ("Cheap Ferries",), ("cheap ferries", "ferries to crete"), ("en",)),
    "stem": ("https://lampenwelt.de/", ("LW Licht",), ("lampenwelt", "Lampen kaufen"), ("de",)),
    "here": ("https://here.example.com/", ("HERE",), ("maps",), ("en",)),
    "and": ("https://www.bk.example.org/", ("B&K",), ("salt & pepper",), ("en",)),
    "de": ("https://www.gartenkiste.de/", ("Gartenkiste",), ("Hochbeet bauen", "Blumensträuße"), ("de",)),
    "pl": ("https://wisla-buty.pl/", ("Wiślanka",), ("buty zimowe",), ("pl",)),
    "ru": ("https://svetoch.ru/", ("Светоч", "Белая лавка"), ("зелёные лампы",), ("ru",)),
    "tr": ("https://ciftci.com.tr/", ("Çiftçi",), ("kuru kayısı",), ("tr",)),
    "ja": ("https://aoiya.jp/", ("青い屋", "Aoiya"), ("和傘 通販",), ("ja",)),
    "zh": ("https://lanhe.cn/", ("蓝河",), ("绿茶",), ("zh",)),
    "ar": ("https://nakheel.ae/", ("نخيل",), ("تمور فاخرة",), ("ar",)),
    "he": ("https://oren.co.il/", ("אורן",), ("ספרי בישול",), ("he",)),
    "ko": ("https://www.dallimu.kr/", ("24달림", "나무길"), ("등산 양말",), ("ko",)),
    "mixed": ("https://k9cha.jp/", ("K9茶房", "5色堂", "山B川"), ("番茶",), ("ja",)),
    "fr": ("https://www.les-sabots.fr/", ("Sabotine",), ("sabots cuir",), ("fr",)),
    "hu": ("https://kapufa.hu/", ("Kapufa",), ("kerti pad",), ("hu",)),
    "nl": ("https://rok.pen/", ("Rokpen",), ("leren tas",), ("nl",)),
    "short": ("https://ros.es/", ("Rosaleda",), ("rosas rojas",), ("es",)),
    "two": ("https://a.example.net/", ("Quorl",), ("fromage en ligne",), ()),
}  # fmt: skip


@cache
def classifier(name: str) -> Classifier:
    target, brands, keywords, languages = PROFILES[name]
    return Classifier(Profile(target=target, brands=brands, whole=Section(None, keywords), languages=languages))


def judge(name: str, text: str, source: AnchorSource = "text", has_image: bool = False) -> Verdict:
    languages = PROFILES[name][3]
    return classifier(name).judge(
        text, source=source, has_image=has_image, language=languages[0] if languages else None
    )


BY_SOURCE: list[tuple[str, str, AnchorSource, bool, AnchorClass, str]] = [
    # id, text, source, has_image, class, rule
    ("nothing", "", "none", False, "empty", "no_letter"),
    ("nothing_with_image", "", "none", True, "image", "image_without_words"),
    ("blank_alt", " ", "img_alt", False, "image", "image_without_words"),
    ("arrow_and_image", "→", "text", True, "image", "image_without_words"),
    ("arrow_alone", "→", "text", False, "empty", "no_letter"),
    ("emoji", "❤️ 👍🏽", "text", False, "empty", "no_letter"),
    ("entity", "&amp;nbsp;", "text", False, "empty", "no_letter"),
    ("trade_mark_alone", "™", "text", False, "empty", "no_letter"),
    ("file_name", "hero-1200x600.webp", "img_alt", True, "image", "image_file_name"),
    ("file_name_with_spaces", "my photo (2).JPG", "img_alt", True, "image", "image_file_name"),
    ("path_of_an_image", "/img/old-mill.png?v=2", "img_alt", True, "image", "image_file_name"),
    ("url_of_an_image", "https://cdn.example.org/a.svg", "img_alt", True, "image", "image_file_name"),
    ("two_file_names", "a.png b.png", "img_alt", True, "image", "image_file_name"),
    ("file_name_as_title", "DSC_001.jpg", "title", True, "image", "image_file_name"),
    ("placeholder", "Logo", "img_alt", True, "image", "image_placeholder"),
    ("numbered_placeholder", "image 3", "img_alt", True, "image", "image_placeholder"),
    ("camera_name", "IMG-20240102-WA0001", "img_alt", True, "image", "image_file_name"),
    ("placeholder_of_another_language", "Bild 12", "img_alt", True, "image", "image_placeholder"),
    ("placeholder_and_name", "Old Mill logo", "img_alt", True, "branded", "brand_mentioned"),
    ("alt_with_keyword", "cargo bikes", "img_alt", True, "exact", "keyword_alone"),
    ("alt_with_address", "oldmillbikes.com", "img_alt", True, "naked_url", "url_alone"),
    ("alt_with_words", "a red barn at dawn", "img_alt", True, "other", "nothing_matched"),
    ("text_beside_an_image", "cargo bikes", "text", True, "exact", "keyword_alone"),
    ("visible_file_name_is_text", "hero.png", "text", False, "other", "nothing_matched"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "source", "has_image", "expected", "rule"), [pytest.param(*row[1:], id=row[0]) for row in BY_SOURCE]
)
def test_by_source(text: str, source: AnchorSource, has_image: bool, expected: AnchorClass, rule: str) -> None:
    found = judge("mill", text, source, has_image)
    assert (found.anchor_class, found.rule) == (expected, rule)


RULES: list[tuple[str, str, str, AnchorClass, str]] = [
    # id, profile, text, class, rule
    ("dotted_name", "dot", "Wednesday.IO »", "branded", "dotted_name"),
    ("dotted_name_with_scheme", "dot", "https://wednesday.io", "naked_url", "url_alone"),
    ("dotted_name_with_www", "dot", "www.wednesday.io", "naked_url", "url_alone"),
    ("dotted_name_with_path", "dot", "wednesday.io/pricing", "naked_url", "url_alone"),
    ("dotted_name_inside", "dot", "why teams left for wednesday.io", "branded", "brand_mentioned"),
    ("dotted_name_and_generic_words", "dot", "wednesday.io pricing", "branded", "brand_mentioned"),
    ("dotted_name_with_article", "dot", "the wednesday.io", "branded", "brand_alone"),
    ("name_and_version", "mill", "OldMill2", "branded", "brand_alone"),
    ("dotted_name_and_keyword", "dot", "team calendar by wednesday.io", "brand_keyword", "brand_with_keyword"),
    ("dotted_name_without_dot", "dot", "Wednesday IO", "branded", "brand_alone"),
    ("dotted_keyword", "dot", "Node.js calendar", "exact", "dotted_keyword"),
    ("leading_dot", "net", ".NET Kit", "branded", "dotted_name"),
    ("sharp_in_a_name", "net", "Kit#", "branded", "brand_alone"),
    ("sharp_in_a_keyword", "net", "C# lessons", "exact", "keyword_alone"),
    ("other_letter", "net", "C lessons", "other", "nothing_matched"),
    ("host", "mill", "OldMillBikes.com", "naked_url", "url_alone"),
    ("url_with_port_query_fragment", "mill", "http://oldmillbikes.com:8080/a?b=1#c", "naked_url", "url_alone"),
    ("without_scheme", "mill", "//oldmillbikes.com/a", "naked_url", "url_alone"),
    ("other_domain", "mill", "nytimes.com", "naked_url", "url_alone"),
    ("cut_path", "mill", "oldmillbikes.com/car…", "naked_url", "url_alone"),
    ("cut_host", "mill", "https://www.oldmil...", "naked_url", "url_alone"),
    ("cut_own_host", "mill", "oldmillbikes.c…", "naked_url", "url_alone"),
    ("cut_in_front", "mill", "...bikes.com/cargo", "naked_url", "url_alone"),
    ("www_without_suffix", "mill", "www.oldmillbikes", "naked_url", "url_alone"),
    ("unicode_host", "mill", "münchen.de", "naked_url", "url_alone"),
    ("punycode", "mill", "xn--mnchen-3ya.de", "naked_url", "url_alone"),
    ("cyrillic_host", "ru", "пример.рф", "naked_url", "url_alone"),
    ("ip_address", "mill", "192.168.0.1", "naked_url", "url_alone"),
    ("in_brackets", "mill", "<https://oldmillbikes.com>", "naked_url", "url_alone"),
    ("with_generic_words", "mill", "visit www.oldmillbikes.com", "naked_url", "url_with_generic"),
    ("with_label", "mill", "Website: oldmillbikes.com", "naked_url", "url_with_generic"),
    ("glued_to_japanese", "ja", "公式サイトはaoiya.jpです", "naked_url", "url_with_generic"),
    ("breadcrumb", "mill", "oldmillbikes.com › cargo", "naked_url", "url_alone"),
    ("with_other_words", "mill", "nytimes.com on barns", "other", "nothing_matched"),
    ("with_keyword", "mill", "cargo bikes at oldmillbikes.com", "brand_keyword", "brand_with_keyword"),
    ("words_of_the_path_do_not_count", "mill", "barns: https://nytimes.com/cargo-bikes", "other", "nothing_matched"),
    ("own_mail", "mill", "info@oldmillbikes.com", "branded", "brand_mentioned"),
    ("mail", "mill", "someone@example.org", "other", "mail_address"),
    ("no_host", "mill", "e.g. this", "generic", "generic_words"),
    ("file", "mill", "setup.py", "other", "nothing_matched"),
    ("file_with_scheme", "mill", "https://example.org/setup.py", "naked_url", "url_alone"),
    ("name", "mill", "Old Mill", "branded", "brand_alone"),
    ("name_joined", "mill", "OldMill", "branded", "brand_alone"),
    ("name_hyphenated", "mill", "old-mill", "branded", "brand_alone"),
    ("name_as_tag", "mill", "#OldMillBikes", "branded", "brand_alone"),
    ("name_with_article", "mill", "the Old Mill", "branded", "brand_alone"),
    ("name_with_legal_form", "mill", "Old Mill Bikes Ltd.", "branded", "brand_alone"),
    ("legal_form_in_front", "ja", "株式会社青い屋", "branded", "brand_alone"),
    ("name_with_possessive", "mill", "Old Mill’s", "branded", "brand_alone"),
    ("name_with_typo", "mill", "Old Mlil Bikes", "branded", "brand_alone"),
    ("domain_stem", "mill", "Oldmillbikes", "branded", "brand_alone"),
    ("trade_mark", "mill", "Old Mill®", "branded", "brand_alone"),
    ("ampersand", "and", "B & K", "branded", "brand_alone"),
    ("ampersand_in_words", "and", "B and K", "branded", "brand_alone"),
    ("ampersand_left_out", "and", "BK", "branded", "brand_alone"),
    ("name_that_is_a_keyword", "same", "Cheap Ferries", "branded", "brand_alone"),
    ("keyword_inside_longer_text", "same", "cheap ferries to Italy", "partial", "keyword_covered"),
    ("stem_that_is_a_keyword_joined", "stem", "Lampenwelt", "branded", "brand_alone"),
    ("everyday_name_alone", "here", "here", "branded", "brand_alone"),
    ("everyday_name_inside_small", "here", "click here", "generic", "generic_phrase"),
    ("everyday_name_inside_as_written", "here", "traffic by HERE", "branded", "brand_mentioned"),
    ("keyword", "mill", "Cargo Bikes »", "exact", "keyword_alone"),
    ("keyword_with_article", "mill", "the cargo bikes", "exact", "keyword_alone"),
    ("keyword_joined", "mill", "#cargobikes", "exact", "keyword_alone"),
    ("keyword_without_ampersand", "and", "salt and pepper", "exact", "keyword_alone"),
    ("umlauts_written_out", "de", "Blumenstraeusse", "exact", "keyword_alone"),
    ("umlauts_left_out", "de", "Blumenstrausse", "exact", "keyword_alone"),
    ("dotless_i", "tr", "KURU KAYISI", "exact", "keyword_alone"),
    ("vowel_signs_left_out", "ar", "تُمور فاخره", "exact", "keyword_alone"),
    ("japanese_without_the_space", "ja", "和傘通販", "exact", "keyword_alone"),
    ("name_and_keyword", "mill", "cargo bikes from Old Mill", "brand_keyword", "brand_with_keyword"),
    ("words_of_the_name_are_no_keyword", "mill", "Old Mill Bikes cargo", "branded", "brand_mentioned"),
    ("name_and_more", "mill", "Old Mill opening hours", "branded", "brand_mentioned"),
    ("generic_words_around_a_name", "mill", "shop at Old Mill", "branded", "brand_mentioned"),
    ("name_with_typo_inside", "mill", "bread from Old Mlll", "branded", "brand_mentioned"),
    ("case_ending", "pl", "w Wiślance", "branded", "brand_mentioned"),
    ("two_words_with_endings", "ru", "в Белой лавке", "branded", "brand_mentioned"),
    ("apostrophe_ending", "tr", "Çiftçi'nin kuru kayısısı", "brand_keyword", "brand_with_keyword"),
    ("name_in_a_run", "ja", "青い屋の和傘通販", "brand_keyword", "brand_with_keyword"),
    ("latin_name_in_a_run", "ja", "Aoiyaの傘", "branded", "brand_mentioned"),
    ("inflected", "mill", "cargo bike", "partial", "keyword_covered"),
    ("order", "mill", "bikes for cargo", "partial", "keyword_covered"),
    ("typo_in_a_keyword", "mill", "cargo bieks", "partial", "keyword_covered"),
    ("two_of_three", "mill", "bike rack", "other", "nothing_matched"),
    ("three_of_four", "mill", "rack with 2 bike hooks", "partial", "keyword_covered"),
    ("one_of_two", "mill", "cargo", "other", "nothing_matched"),
    ("generic_words_around_a_keyword", "mill", "click here for cargo bikes", "partial", "keyword_covered"),
    ("stop_word_lost", "two", "fromage ligne", "partial", "keyword_covered"),
    ("russian_case", "ru", "зеленых ламп", "partial", "keyword_covered"),
    ("chinese_inside", "zh", "买绿茶", "partial", "keyword_covered"),
    ("arabic_articles", "ar", "التمور الفاخرة", "partial", "keyword_covered"),
    ("competitor_with_keyword", "mill", "Yuba cargo bikes", "partial", "keyword_covered"),
    ("call_to_action", "mill", "Click here!", "generic", "generic_phrase"),
    ("another_language", "mill", "hier klicken", "generic", "generic_phrase"),
    ("pointing_words", "mill", "here is the link", "generic", "generic_words"),
    ("kind_of_page", "mill", "Documentation", "generic", "generic_phrase"),
    ("two_kinds_of_pages_are_a_topic", "mill", "blog forum", "other", "nothing_matched"),
    ("a_kind_of_page_joined_by_and", "mill", "blog and forum", "generic", "generic_words"),
    ("lists_are_not_mixed", "mill", "kaufen acheter", "other", "nothing_matched"),
    ("words_of_the_web_in_another_language", "mill", "xml kaufen", "other", "nothing_matched"),
    ("footnote", "mill", "[7]", "generic", "number_alone"),
    ("footnote_letter", "mill", "[a]", "generic", "footnote_mark"),
    ("superscript", "mill", "¹", "generic", "number_alone"),
    ("number_sign", "mill", "#1", "generic", "number_alone"),
    ("date", "mill", "2024-05-12", "generic", "number_alone"),
    ("date_with_month", "mill", "May 12, 2024", "generic", "generic_words"),
    ("price", "mill", "$1,299.00", "generic", "number_alone"),
    ("price_with_code", "mill", "89,90 EUR", "generic", "generic_words"),
    ("price_with_letters_before_the_sign", "mill", "R$ 99", "generic", "number_alone"),
    ("price_by_month", "mill", "$5/month", "generic", "generic_words"),
    ("price_in_yen", "ja", "1,980円", "generic", "generic_words"),
    ("size", "mill", "PDF (2 MB)", "generic", "generic_words"),
    ("japanese_path", "ja", "https://blog.example.org/傘/和傘?q=通販", "naked_url", "url_alone"),
    ("japanese_path_of_the_own_host", "ja", "https://aoiya.jp/和傘", "naked_url", "url_alone"),
    ("chinese_path_in_brackets", "zh", "(https://example.cn/茶_(绿茶)/1)", "naked_url", "url_alone"),
    ("chinese_query", "zh", "www.example.cn?q=绿茶#顶", "naked_url", "url_alone"),
    ("korean_path", "ko", "https://example.kr/양말/등산", "naked_url", "url_alone"),
    ("thai_path", "mill", "https://example.co.th/จักรยาน", "naked_url", "url_alone"),
    ("a_path_ends_at_a_blank", "ja", "https://example.org/傘 和傘 通販", "partial", "keyword_covered"),
    ("a_path_ends_at_a_mark", "ja", "https://example.org/傘。和傘通販", "partial", "keyword_covered"),
    ("a_path_ends_at_a_bracket", "ja", "「https://example.org/傘」和傘通販", "partial", "keyword_covered"),
    ("a_host_alone_ends_at_the_sign", "ja", "https://aoiya.jpの和傘通販", "brand_keyword", "brand_with_keyword"),
    ("name_that_begins_latin", "mixed", "K9茶房の番茶", "brand_keyword", "brand_with_keyword"),
    ("name_that_begins_latin_alone", "mixed", "K9茶房", "branded", "brand_alone"),
    ("name_that_begins_with_a_digit", "mixed", "昨日の5色堂さん", "branded", "brand_mentioned"),
    ("name_with_latin_inside", "mixed", "私の山B川で", "branded", "brand_mentioned"),
    ("more_digits_are_another_name", "mixed", "15色堂さん", "other", "nothing_matched"),
    ("more_letters_are_another_name", "mixed", "OK9茶房さん", "other", "nothing_matched"),
    ("another_letter_inside", "mixed", "私の山C川で", "other", "nothing_matched"),
    ("korean_name_with_digits", "ko", "24달림에서 등산 양말", "brand_keyword", "brand_with_keyword"),
    ("single_word_of_another_language", "fr", "siehe", "other", "nothing_matched"),
    ("single_word_of_another_language_and_an_article", "fr", "la side", "other", "nothing_matched"),
    ("phrase_of_another_language", "fr", "lees meer", "generic", "generic_phrase"),
    ("phrase_of_another_language_with_a_stop_word", "hu", "el sitio web oficial", "generic", "generic_words"),
    ("english_single_word", "fr", "download", "generic", "generic_phrase"),
    ("english_word_with_an_accent", "hu", "réad", "other", "nothing_matched"),
    ("accents_of_another_language_left_out", "mill", "dowiedz sie wiecej", "other", "nothing_matched"),
    ("accents_of_the_own_language_left_out", "fr", "telecharger", "generic", "generic_phrase"),
    ("another_script_tells_the_language", "mill", "здесь", "generic", "generic_phrase"),
    ("window_alone", "nl", "het venster", "other", "nothing_matched"),
    ("window_beside_others", "nl", "openen in venster", "generic", "generic_words"),
    ("book_is_no_call", "nl", "boek", "other", "nothing_matched"),
    ("book_now", "nl", "boek nu", "generic", "generic_phrase"),
    ("short_word_with_another_accent", "tr", "su", "other", "nothing_matched"),
    ("verb_that_is_also_a_noun", "tr", "et", "other", "nothing_matched"),
    ("verb_beside_its_noun", "tr", "takip et", "generic", "generic_phrase"),
    ("month_sign_alone", "ja", "月", "other", "nothing_matched"),
    ("month_sign_counted", "ja", "4月", "generic", "generic_words"),
    ("print_in_so_many_dimensions", "zh", "2D打印", "other", "nothing_matched"),
    ("price_in_dong", "mill", "990.000đ", "generic", "number_alone"),
    ("korean_street", "ko", "7번가", "other", "nothing_matched"),
    ("korean_counter_with_a_particle", "ko", "7번에서", "generic", "generic_words"),
    ("korean_page", "ko", "3페이지", "generic", "generic_words"),
    ("own_host_run_together", "short", "roses", "other", "nothing_matched"),
    ("own_host_with_its_dot", "short", "las flores de ros.es", "branded", "brand_mentioned"),
    ("own_host_with_a_typing_error", "mill", "oldmillbikescon", "other", "nothing_matched"),
    ("keyword_and_a_foreign_url", "mill", "cargo bikes https://nytimes.com/a", "partial", "keyword_covered"),
    ("keyword_and_a_foreign_host", "mill", "cargo bikes nytimes.com", "partial", "keyword_covered"),
    ("name_and_a_foreign_url", "mill", "Old Mill https://nytimes.com/a", "branded", "brand_mentioned"),
    ("here_in_katakana", "ja", "ココ", "generic", "generic_phrase"),
    ("here_in_katakana_with_a_particle", "ja", "詳細はココから", "generic", "generic_words"),
    ("person", "mill", "Lena Ortiz", "other", "nothing_matched"),
    ("related_topic", "mill", "barn roofs", "other", "nothing_matched"),
    ("model_number_is_no_number", "mill", "XR-200", "other", "nothing_matched"),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "text", "expected", "rule"), [pytest.param(*row[1:], id=row[0]) for row in RULES])
def test_rules(profile: str, text: str, expected: AnchorClass, rule: str) -> None:
    found = judge(profile, text)
    assert (found.anchor_class, found.rule) == (expected, rule), found.because
    assert found.because
    assert "\n" not in found.because


FLAGS = [  # id, text, flags
    ("phrase", "best cargo bikes", {"phrase"}),
    ("no_phrase_when_other_words_stand_between", "cargo and e bikes", set()),
    ("inflection", "cargo bike", {"close_variant"}),
    ("order", "bikes, cargo", {"close_variant"}),
    ("typo", "cargo bieks", {"close_variant"}),
    ("phrase_with_name", "Old Mill cargo bikes", {"phrase"}),
    ("exact_says_it_all", "cargo bikes", set()),
    ("person", "Lena van Ortiz", {"person"}),
    ("initials", "J. R. Ortiz", {"person"}),
    ("one_word_is_no_person", "Lena", set()),
    ("small_letters_are_no_person", "lena ortiz", set()),
    ("page_title", "Bikes that carry — Old Mill", {"page_title"}),
    ("h1", "bikes that CARRY", {"page_title"}),
    ("sentence", "one two three four five six seven barn nine ten eleven", {"sentence"}),
]


@pytest.mark.parametrize(("text", "flags"), [pytest.param(*row[1:], id=row[0]) for row in FLAGS])
def test_flags(text: str, flags: set[str]) -> None:
    target, brands, keywords, languages = PROFILES["mill"]
    section = Section(None, keywords, title="Bikes that carry – Old Mill", h1="Bikes that carry")
    profile = Profile(target=target, brands=brands, whole=section, languages=languages)
    assert Classifier(profile).judge(text, language="en").flags == flags


def test_language_other_than_the_targets() -> None:
    mill = classifier("mill")
    assert mill.judge("hier klicken", language="de-AT").flags == {"lang_mismatch"}
    assert mill.judge("hier klicken", language="en").flags == frozenset()
    assert mill.judge("hier klicken", language="xx").flags == frozenset()
    assert classifier("two").judge("hier klicken", language="de").flags == frozenset()


def test_a_page_has_its_own_keywords() -> None:
    """A section without keywords takes those of the whole target."""
    target, brands, keywords, languages = PROFILES["mill"]
    page = Section("https://www.oldmillbikes.com/bread", ("rye bread",))
    profile = Profile(target=target, brands=brands, whole=Section(None, keywords), pages=(page,), languages=languages)
    assert Classifier(profile, page).judge("rye bread").anchor_class == "exact"
    assert Classifier(profile, page).judge("cargo bikes").anchor_class == "other"
    empty = Section("https://www.oldmillbikes.com/oven", ())
    assert Classifier(profile, empty).judge("cargo bikes").anchor_class == "exact"


def test_phrases_of_the_profile() -> None:
    target, brands, keywords, languages = PROFILES["mill"]
    profile = Profile(target, brands, Section(None, keywords), languages=languages, generic=("Nach oben, bitte",))
    assert Classifier(profile).judge("nach OBEN bitte!").rule == "generic_phrase"


def test_a_profile_with_nothing_in_it() -> None:
    bare = Classifier(Profile("", (), Section(None, ())))
    assert bare.judge("cargo bikes").anchor_class == "other"
    assert bare.judge("example.com").anchor_class == "naked_url"


def test_numbers_of_hosts_are_no_names() -> None:
    profile = Profile("192.0.2.7", ("Quorl",), Section(None, ()), hosts=("bücher.example",))
    assert Classifier(profile).judge("192").anchor_class == "generic"
    assert Classifier(profile).judge("Bücher").anchor_class == "branded"


PIECES = ("Old Mill", "cargo", "bikes", "oldmillbikes.com", "http://", "click", "here", "…", "&", "™", "'s", "3", "€",
          "青い屋", "の", "通販", "Ö", "[1]", "@", "#",
          "\u200b", "ﬁ", "g.", "/", ".", "xn--", "\ud800", "ا", "ก")  # fmt: skip
ANY = st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=8).flatmap(
    lambda pieces: st.sampled_from(["".join(pieces), " ".join(pieces)])
)
SOURCES = st.sampled_from(["text", "img_alt", "aria_label", "title", "svg_title", "none"])


@settings(max_examples=examples(250), deadline=None)
@given(st.sampled_from(["mill", "ja", "dot"]), ANY, SOURCES, st.booleans(), st.sampled_from([None, "en", "ja", "zz"]))
def test_any_text_is_judged(name: str, text: str, source: AnchorSource, has_image: bool, language: str | None) -> None:
    """Nothing raises; a verdict is one of the classes, and the same for the same text, in whatever order they come."""
    found = classifier(name).judge(text, source=source, has_image=has_image, language=language)
    assert found.anchor_class in CLASSES
    again = classifier(name).judge(text, source=source, has_image=has_image, language=language)
    assert again == found


@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(
        st.sampled_from(["old", "mill", "bikes", "cargo", "rack", "here", "click", "the", "7", "barn", "oldmill"]),
        max_size=7,
    )
)
def test_case_and_white_space_do_not_matter(words: list[str]) -> None:
    """The flags may differ: a person's name is told by its capitals."""
    text = " ".join(words)
    first = judge("mill", text)
    for other in (text.upper(), text.title(), f" \n{text.replace(' ', '  ')}\u00a0", text.replace(" ", "\u2003")):
        found = judge("mill", other)
        assert (found.anchor_class, found.rule) == (first.anchor_class, first.rule)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.sampled_from(["barn", "roof", "click", "here", "the"]), max_size=3))
def test_a_name_added_names_the_target(words: list[str]) -> None:
    assert judge("mill", " ".join([*words, "Old Mill"])).anchor_class == "branded"
