"""Briefs: both halves, the mix they ask for, real wordings, what they look like when they are sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from audit.anchor_audit import AnchorAudit, ClassShare, JudgedAnchor, Sign
from audit.anchor_class import CLASSES, AnchorClass
from audit.brief import (
    REBALANCING,
    REQUESTABLE,
    Brief,
    Criteria,
    IncompleteBrief,
    Rival,
    Upgrade,
    Words,
    requests,
    warnings_of,
)
from audit.brief_text import as_json, as_markdown, plain
from audit.lever import Choice, Lever, Standing, choose_lever, parse_position
from audit.measures import wilson
from audit.profile import PageType, Profile, Section

MINE = Profile("acme.example", ("Acme Tools", "Acme"), Section(None, ("pruning shears",), "product"), languages=("en",))


def audit(target: str, anchors: Mapping[str, tuple[AnchorClass, int]], **more: Any) -> AnchorAudit:
    """An audit in which every domain uses one anchor once: text -> (class, domains)."""
    domains = sum(number for _, number in anchors.values())
    classes = []
    for name in CLASSES:
        number = sum(count for kind, count in anchors.values() if kind == name)
        share = number / domains if domains else 0.0
        classes.append(ClassShare(name, number, number, number, share, share, share, wilson(number, domains)))
    values: dict[str, Any] = {
        "target": target,
        "scope": "domain",
        "about": MINE.shown(),
        "links": domains,
        "referring_pages": domains,
        "referring_domains": domains,
        "distinct_anchors": len(anchors),
        "enough": domains >= 20,
        "classes": tuple(classes),
        "views": (),
        "flags": {},
        **dict.fromkeys(
            (
                "entropy_links", "entropy_domains", "evenness_links", "evenness_domains", "concentration_links",
                "concentration_domains", "anchor_concentration_links", "anchor_concentration_domains",
            ),
            0.0,
        ),
        "anchors": tuple(
            JudgedAnchor(text, kind, "text", "rule", "because", (), number, number, number, None)
            for text, (kind, number) in anchors.items()
        ),
        "sitewide": (),
        "repeated": (),
        "velocity": None,
        "no_velocity": "one visit",
        "signs": (),
    }  # fmt: skip
    return AnchorAudit(**values | more)


RIVAL = Rival(
    "rival.example",
    ("Rival",),
    audit(
        "rival.example",
        {
            "Rival": ("branded", 40),
            "best pruning shears for roses": ("partial", 20),
            "shears for pruning": ("partial", 10),
            "Rival pruning shears": ("brand_keyword", 15),
            "pruning shears": ("exact", 5),
            "click here": ("generic", 10),
        },
    ),
)
BRAND_ONLY = audit("acme.example", {"Acme Tools": ("branded", 300)})


def ask(
    own: AnchorAudit = BRAND_ONLY,
    rivals: tuple[Rival, ...] = (RIVAL,),
    lever: Lever = "anchors",
    *,
    page_type: PageType = "category",
    links: int = 10,
    profile: Profile = MINE,
    query: str = "pruning shears",
) -> tuple[Words, dict[str, tuple[float, float]]]:
    section = replace(profile.whole, page_type=page_type)
    words, shares = requests(own, rivals, profile, section, query, lever, links=links)
    return words, {one.anchor_class: (one.before, one.after) for one in shares}


def test_only_brand_anchors_call_for_words_and_get_them() -> None:
    """300 links that all say the brand: the lever at position 5 to 20 is anchors, and no more brand is asked for."""
    money = BRAND_ONLY.share("exact").share_domains_split + BRAND_ONLY.share("partial").share_domains_split
    rival_money = RIVAL.audit.share("exact").share_domains_split + RIVAL.audit.share("partial").share_domains_split
    choice = choose_lever(
        parse_position("12"),
        Standing("acme.example", 300, money, False, "no list"),
        [Standing("rival.example", 100, rival_money, False, "no list")],
    )
    assert choice.lever == "anchors"
    words, shares = ask(lever=choice.lever)
    assert words.requests[0].anchor_class == "partial"
    assert "branded" not in {one.anchor_class for one in words.requests}
    assert sum(one.links for one in words.requests) == 10
    assert shares["exact"][0] == 0.0
    assert shares["branded"] == (1.0, 300 / 310)


def test_wordings_are_real_ones_of_that_class_then_slots() -> None:
    words, _ = ask()
    partial = next(one for one in words.requests if one.anchor_class == "partial")
    assert [(one.text, one.origin, one.domains) for one in partial.wordings] == [
        ("best pruning shears for roses", "competitor", 20),
        ("shears for pruning", "competitor", 10),
        ("[a word of your sentence] pruning shears", "slot", 0),
    ]


def test_a_competitors_name_becomes_ones_own() -> None:
    words, _ = ask(page_type="product", own=audit("acme.example", {"x": ("other", 30)}), links=40)
    both = next(one for one in words.requests if one.anchor_class == "brand_keyword")
    assert both.wordings[0].text == "Acme Tools pruning shears"
    assert both.wordings[0].origin == "competitor"
    assert "rival" not in json.dumps([word.text.casefold() for one in words.requests for word in one.wordings])


def test_exact_stays_below_the_notice() -> None:
    own = audit("acme.example", {"Acme": ("branded", 90), "pruning shears": ("exact", 9)})
    greedy = Rival("r", ("R",), audit("r", {"pruning shears": ("exact", 90), "R": ("branded", 10)}))
    words, shares = ask(own, (greedy,), links=10)
    assert next(one.links for one in words.requests if one.anchor_class == "exact") == 1
    assert shares["exact"][1] == pytest.approx(10 / 109)
    assert shares["exact"][1] <= MINE.thresholds.exact_notice


def test_rebalancing_asks_for_brand_partial_and_addresses() -> None:
    own = audit("acme.example", {"pruning shears": ("exact", 60), "Acme": ("branded", 40)})
    words, shares = ask(own, lever="rebalance")
    assert {one.anchor_class for one in words.requests} <= set(REBALANCING)
    assert shares["exact"][1] < shares["exact"][0]


def test_with_every_goal_met_no_more_keywords_are_asked_for() -> None:
    bare = Rival("bare.example", ("Bare",), audit("bare.example", {"cut shears": ("partial", 1), "x": ("other", 30)}))
    own = audit("acme.example", {"some shears": ("partial", 2), "x": ("other", 30)})
    words, _ = ask(own, (bare,), "rebalance")
    assert {one.anchor_class for one in words.requests} == {"branded", "naked_url"}


def test_the_kind_of_page_weighs() -> None:
    own = audit("acme.example", {"x": ("other", 100)})
    rival = Rival(
        "r", ("R",), audit("r", {"R": ("branded", 30), "the pruning shears": ("partial", 30), "y": ("other", 40)})
    )
    product, _ = ask(own, (rival,), page_type="product", links=1)
    category, _ = ask(own, (rival,), page_type="category", links=1)
    assert [one.anchor_class for one in product.requests] == ["branded"]
    assert [one.anchor_class for one in category.requests] == ["partial"]


def test_without_competitors_a_usual_mix_is_aimed_at_and_said() -> None:
    words, _ = ask(rivals=())
    assert "no competitor has enough data" in words.mix_from
    small = Rival("s.example", ("S",), audit("s.example", {"S": ("branded", 19)}))
    assert ask(rivals=(small,))[0].mix_from == words.mix_from


@pytest.mark.parametrize("half", ["criteria", "words", "no_requests"])
def test_half_a_brief_is_an_error(half: str) -> None:
    whole = brief()
    empty: dict[str, Any] = {"criteria": None} if half == "criteria" else {"words": None}
    if half == "no_requests":
        empty = {"words": Words((), "nothing")}
    with pytest.raises(IncompleteBrief, match="needs both halves"):
        replace(whole, **empty)


def test_no_brand_and_no_keyword_still_leaves_the_address() -> None:
    bare = Profile("acme.example", (), Section(None, ()))
    words, _ = ask(profile=bare, query="", own=audit("acme.example", {}), rivals=())
    assert {one.anchor_class for one in words.requests} == {"naked_url"}


counts = st.dictionaries(st.sampled_from(CLASSES), st.integers(0, 200), max_size=9)


@settings(max_examples=examples(60), deadline=None)
@given(
    own=counts,
    rivals=st.lists(counts, max_size=3),
    lever=st.sampled_from(["anchors", "backlinks", "rebalance"]),
    links=st.integers(1, 40),
    page_type=st.sampled_from(["home", "product", "category", "article", "other"]),
)
def test_what_is_asked_for_adds_up(
    own: dict[AnchorClass, int], rivals: list[dict[AnchorClass, int]], lever: Lever, links: int, page_type: PageType
) -> None:
    def of(name: str, numbers: dict[AnchorClass, int]) -> AnchorAudit:
        return audit(name, {f"{name} {kind}": (kind, number) for kind, number in numbers.items()})

    mine = of("acme.example", own)
    words, shares = ask(
        mine, tuple(Rival(f"r{n}", ("R",), of(f"r{n}", one)) for n, one in enumerate(rivals)), lever,
        links=links, page_type=page_type,
    )  # fmt: skip
    assert sum(one.links for one in words.requests) == links
    assert all(1 <= len(one.wordings) <= 3 and one.at_most >= 1 for one in words.requests)
    after = mine.referring_domains + links
    for name in REQUESTABLE:
        asked = next((one.links for one in words.requests if one.anchor_class == name), 0)
        assert shares[name][1] == pytest.approx((own.get(name, 0) + asked) / after)
    if "exact" in {one.anchor_class for one in words.requests}:
        assert shares["exact"][1] <= MINE.thresholds.exact_notice + 1e-9


HOSTILE = "[a](javascript:1) <script>alert(1)</script> | # `x`\n\u202edlrow\u2028*b*"


def brief(**more: Any) -> Brief:
    words, shares = requests(BRAND_ONLY, (RIVAL,), MINE, MINE.whole, "pruning shears", "anchors", links=10)
    values: dict[str, Any] = {
        "target": "https://acme.example/shears",
        "query": "pruning shears",
        "position": parse_position("7.4"),
        "page_type": "product",
        "about": MINE.shown(),
        "made_at": 1_760_000_000_000,
        "choice": Choice("anchors", ("position 7.4: 5 to 20",)),
        "criteria": Criteria(
            figure="Ahrefs Domain rating",
            minimum_authority=31.5,
            authority_from="40th percentile of rival.example",
            minimum_relevance="some",
            relevance_from="usual",
            followed=True,
            new_domains=10,
            already_linking=300,
            upgrades=(Upgrade("blog.example", "https://blog.example/a|b", HOSTILE, "generic"),),
            languages=("en",),
        ),
        "words": words,
        "shares": shares,
        "referring_domains": 300,
        "warnings": (),
    }
    return Brief(**values | more)


def test_markdown_carries_both_halves_and_the_policy() -> None:
    text = as_markdown(brief())
    for part in ("## 1. The domains", "## 2. The words", "Ahrefs Domain rating 31.5 or more", "link spam", "7.4"):
        assert part in text
    assert "penalty" not in text.casefold()


def test_words_of_other_pages_are_no_markup() -> None:
    text = as_markdown(brief())
    row = next(line for line in text.split("\n") if line.startswith("| blog.example"))
    assert "\u202e" not in text
    assert "<script" not in text.replace("\\<script", "")
    assert row.replace("\\|", "").count("|") == 4
    assert plain("a\nb\tc\x00d\ud800") == "a b c d"


def test_json_keeps_what_markdown_says() -> None:
    kept = as_json(brief())
    assert json.loads(json.dumps(kept)) == kept
    assert (kept["brief"], kept["lever"], kept["profile"], kept["rules_version"]) == (1, "anchors", "", 1)
    assert kept["criteria"]["upgrades"][0]["anchor"] == HOSTILE
    assert {one["class"] for one in kept["requests"]} <= set(REQUESTABLE)


def test_warnings_repeat_the_signs_and_judge_the_request() -> None:
    sign = Sign("exact_share", "warn", 0.4, 0.3, "exact 40 %", "weak")
    own = audit("acme.example", {"pruning shears": ("exact", 5)}, signs=(sign,))
    words, shares = ask(own)
    said = warnings_of(own, words, [])
    assert said[0] == "exact 40 %"
    assert any("too little data" in line for line in said)
    only = Words((replace(words.requests[0], anchor_class="exact"),), "x")
    assert any("every requested anchor is exact" in line for line in warnings_of(own, only, []))
    assert shares
