"""Relevance of a page: BM25F over five fields, without the words of the link itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from audit.link_audit import Relevance
from audit.profile import Thresholds
from audit.relevance import Collection, PageText, Query, Reader, band_of, query_of, relevance, words_in

LIMITS = Thresholds()
URL = "https://a.example/"


def judged(
    page: PageText, *others: PageText, query: Query, target: PageText | None = None, limits: Thresholds = LIMITS
) -> Relevance:
    """One page among others; the target's own is one of the collection."""
    reader = Reader([query])
    documents = [reader.document(one) for one in (page, *others)]
    own = reader.document(target) if target is not None else None
    among = Collection([*documents, *([own] if own is not None else [])])
    return relevance(query, documents[0], own, among, limits, source=page.url)


def said(title: str = "", *, query: str = "running shoes", language: str | None = "en", **more: Any) -> Relevance:
    """A page by itself, judged for an English target."""
    page = PageText(URL, title, language=language, **more)
    return judged(page, PageText("https://b.example/", "Tulips"), query=query_of([query], ["en"]))


def test_golden() -> None:
    """Computed by hand. Three documents; "run" and "shoe" stand in two of them each:

    rarity = ln(1 + (3 - 2 + 0.5) / (2 + 0.5)) = ln 1.6 = 0.470004
    average lengths: title (2 + 1 + 2) / 3 = 5/3, body (3 + 4 + 4) / 3 = 11/3, headings 2
    page:   title  3 / (0.25 + 0.75 * 2 / (5/3)) = 3 / 1.15 = 2.608696
            body   1 / (0.25 + 0.75 * 3 / (11/3)) = 1 / 0.863636 = 1.157895
            run    2.608696 / (1.2 + 2.608696) = 0.684932
            shoe   3.766590 / (1.2 + 3.766590) = 0.758385
            score  0.470004 * 1.443317 = 0.678364
    target: title 2.608696, headings 2 / 1 = 2, body 1 / (0.25 + 0.75 * 4 / (11/3)) = 0.936170: 5.544866
            score  0.470004 * 2 * 5.544866 / 6.744866 = 0.772767
    """
    query = query_of(["running shoes"], ["en"])
    reader = Reader([query])
    page = reader.document(PageText(URL, "Running shoes", body="shoes wear out", language="en"))
    other = reader.document(PageText("https://b.example/", "Tulips", body="plant tulips in autumn", language="en"))
    own = reader.document(
        PageText("https://t.example/", "Running shoes", "Running shoes", "all our running shoes", language="en")
    )
    among = Collection([page, other, own])
    assert list(query.terms.items()) == [("run", "running"), ("shoe", "shoes")]
    assert among.score(query, page) == pytest.approx(0.678364, abs=1e-6)
    assert among.score(query, own) == pytest.approx(0.772767, abs=1e-6)
    assert among.score(query, other) == 0
    found = relevance(query, page, own, among, LIMITS, source=URL)
    assert found.score == pytest.approx(0.678364 / 0.772767, abs=1e-5)
    assert (found.band, found.matched) == ("high", ("shoes", "running"))


def test_a_page_that_nobody_read_stands_for_the_target() -> None:
    """Without the target's own page: each term once in title, heading and text of usual length, 6 / 7.2 of its rarity.

    The one page says both words in its title and nothing else, as long as usual: 3 / 4.2 of their rarity.
    """
    found = judged(PageText(URL, "Running shoes", language="en"), query=query_of(["running shoes"], ["en"]))
    assert found.score == pytest.approx((3 / 4.2) / (6 / 7.2))


def test_the_links_own_words_prove_nothing() -> None:
    """Without the link the page is about tulips, wherever its words stand."""
    words = "running shoes"
    about = {"headings": f"Tulips {words}", "body": f"Plant the bulbs {words} in autumn", "near": f"bulbs {words} late"}
    left_out = said("Tulips", **about, anchors=(words,), anchors_in_headings=(words,))
    assert (left_out.score, left_out.matched) == (0.0, ())
    assert said("Tulips", **about).band == "high"


def test_as_often_as_there_are_links() -> None:
    """One link, the words twice: once they are the page's own."""
    body = "running shoes here, and running shoes there"
    once, twice = said("x", body=body, anchors=("running shoes",)), said("x", body=body, anchors=("running shoes",) * 2)
    assert once.score
    assert twice.score == 0.0


def test_capped() -> None:
    """A page that says more of it than the target's own counts as much as that."""
    query = query_of(["running shoes"], ["en"])
    words = "running shoes " * 5
    loud = PageText(URL, words, words, words, words, language="en")
    quiet = PageText("https://t.example/", "Our shop", body="running shoes", language="en")
    assert judged(loud, query=query, target=quiet).score == 1.0


UNKNOWN = [  # id, page, codes of the target, keywords, reason
    ("other_language", PageText(URL, "Laufschuhe", language="de"), ["en"], "shoes", "the page is in de, the target in"),
    ("nothing_kept", PageText(URL, language="en"), ["en"], "shoes", "nothing of the page is kept"),
    ("no_page_at_all", PageText(""), ["en"], "shoes", "nothing of the page is kept"),
    ("nothing_asked", PageText(URL, "Shoes", language="en"), ["en"], "", "nothing tells what the target is about"),
    ("stop_words_only", PageText(URL, "Shoes", language="en"), ["en"], "the and of", "nothing tells what the target"),
    ("no_language_and_no_word", PageText(URL, "Zapatos"), ["en"], "shoes", "nothing tells the language of the page"),
    (
        "target_without",
        PageText(URL, "Zapatos", language="es"),
        [],
        "shoes",
        "nothing tells the language of the target",
    ),
]


@pytest.mark.parametrize(
    ("page", "codes", "keywords", "reason"), [pytest.param(*row[1:], id=row[0]) for row in UNKNOWN]
)
def test_unknown_is_not_irrelevant(page: PageText, codes: list[str], keywords: str, reason: str) -> None:
    found = judged(page, query=query_of([keywords], codes))
    assert (found.band, found.score) == ("unknown", None)
    assert reason in (found.why_unknown or "")


KNOWN = [  # id, title, query, languages of the target, language of the page, words matched
    ("forms_of_a_word", "The runner's shoe", "running shoes", ["en"], "en-GB", {"shoes"}),
    ("german_forms", "Die besten Laufschuhe", "laufschuh", ["de"], "de-AT", {"laufschuh"}),
    ("accents", "Zapatillas de MONTANA", "montaña", ["es"], "es", {"montaña"}),
    ("second_language_of_the_target", "Laufschuhe", "laufschuhe", ["en", "de"], "de", {"laufschuhe"}),
    ("no_language_but_the_words", "Running shoes", "running shoes", ["en"], None, {"running", "shoes"}),
    ("japanese_by_pairs", "最高のランニングシューズ特集", "ランニングシューズ", ["ja"], "ja", None),
    ("arabic_with_its_article", "الأحذية الرياضية", "أحذية رياضية", ["ar"], "ar", {"أحذية", "رياضية"}),
    ("stop_words_do_not_count", "The art of the deal", "the shoes of", ["en"], "en", set()),
]


@pytest.mark.parametrize(
    ("title", "keywords", "codes", "language", "matched"), [pytest.param(*row[1:], id=row[0]) for row in KNOWN]
)
def test_words(title: str, keywords: str, codes: list[str], language: str | None, matched: set[str] | None) -> None:
    query = query_of([keywords], codes)
    found = judged(PageText(URL, title, language=language), query=query)
    assert set(found.matched) == (set(query.terms.values()) if matched is None else matched)


def test_the_words_of_the_address_count() -> None:
    page = PageText("https://blog.example/running-shoes/review?shoes=1", "A review", language="en")
    found = judged(page, PageText(URL, "Tulips"), query=query_of(["running shoes"], ["en"]))
    assert set(found.matched) == {"running", "shoes"}


def test_a_long_text_that_states_no_language_is_guessed() -> None:
    body = "Wir haben die Schuhe getestet und sind mit ihnen durch den Wald gelaufen, aber es war nicht so einfach " * 2
    found = said("", language=None, body=body)
    assert found.why_unknown == "the page is in de, the target in en"


BANDS = [(0.30, "high"), (0.2999, "some"), (0.10, "some"), (0.0999, "low"), (0.0, "low"), (1.0, "high")]


@pytest.mark.parametrize(("score", "band"), BANDS)
def test_bands(score: float, band: str) -> None:
    assert band_of(score, LIMITS) == band


def test_pairs_of_characters() -> None:
    assert words_in("靴の特集 PUMA-2号 a") == ["靴の", "の特", "特集", "puma", "2", "号", "a"]
    assert words_in("हिन्दी café") == ["हिन्दी", "café"]


@given(
    st.lists(st.sampled_from(["running", "shoes", "tulips", "plant", "the", "wald", "trail", "shop"]), max_size=12),
    st.lists(st.sampled_from(["running", "shoes", "tulips", "plant", "trail"]), min_size=1, max_size=4),
)
@settings(max_examples=examples(30), deadline=None)
def test_laws(words: list[str], keywords: list[str]) -> None:
    """Between 0 and 1; more of what is asked for never lowers a score; matched are words that were asked for."""
    query = query_of(keywords, ["en"])
    page = PageText(URL, "Tulips", body=" ".join(words), language="en")
    found = judged(page, query=query)
    assert found.score is not None
    assert 0 <= found.score <= 1
    assert set(found.matched) <= set(query.terms.values())
    nearer = judged(page._replace(near=keywords[0]), query=query)
    assert nearer.score is not None
    assert nearer.score > 0
