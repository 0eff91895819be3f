"""Commercial topics among the links of a page, by the words of the links and the hosts they lead to."""

from __future__ import annotations

from collections import Counter

import pytest

from audit.topics import topics, topics_in, topics_of

TEXTS = [  # id, words of a link and its host, topics
    ("a_whole_word", "best casino bonus example.com", {"gambling"}),
    ("inside_a_host_in_one_piece", "click here bestcasinobonus.example", {"gambling"}),
    ("a_phrase", "payday loans near me example.com", {"loans", "payday"}),
    ("half_a_phrase_is_none", "picture credit: archive example.com", set()),
    ("two_topics_in_one", "cbd and vpn deals example.com", {"cannabis", "vpn"}),
    ("case_and_width_do_not_count", "ＣＡＳＩＮＯ example.com", {"gambling"}),
    ("german_compound", "Kfz-Versicherung example.de", {"insurance"}),
    ("russian_inflection", "лучшие онлайн казино", {"gambling"}),
    ("japanese_without_spaces", "おすすめのオンラインカジノ特集", {"gambling"}),
    ("korean_with_a_particle", "카지노에서", {"gambling"}),
    ("a_science_is_no_coin", "notes on cryptography example.org", set()),
    ("a_word_within_another", "a specialist of Essex updating its specification", set()),
    ("dishes", "Nudeln und Reis example.de", set()),
    ("accredited", "Presse Akkreditierungen example.de", set()),
    ("a_drone_is_no_loan", "ドローン", set()),
    ("an_authority_is_no_insurer", "Om Försäkringskassan", set()),
    ("an_insurer", "Försäkringsbolag", {"insurance"}),
    ("ends_so", "Ratenkredit", {"loans"}),
    ("nothing", "", set()),
]


@pytest.mark.parametrize(("text", "found"), [pytest.param(*row[1:], id=row[0]) for row in TEXTS])
def test_topics(text: str, found: set[str]) -> None:
    assert topics_in(text) == found


def test_links_are_counted_by_topic() -> None:
    assert topics_of(["casino a.example", "poker b.example", "vpn c.example", "news d.example"]) == Counter(
        gambling=2, vpn=1
    )
    assert {"gambling", "loans", "payday", "crypto", "pharmacy", "adult", "essays", "vpn", "seo"} <= set(topics())


def test_no_text_is_too_long() -> None:
    """A page decides how long its links' words are; the host at the end is read all the same."""
    assert topics_in("x" * 1_000_000 + " bestcasino.example") == {"gambling"}
    assert topics_in("casino " * 200_000) == {"gambling"}
