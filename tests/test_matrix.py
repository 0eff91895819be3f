"""The matrix: each group, what is not known, one figure at a time."""

from __future__ import annotations

from typing import Any

import pytest

from audit.anchor_class import AnchorClass
from audit.link_audit import Band, Figure, Referrer, Relevance
from audit.matrix import GROUPS, Group, Worded, figure_name, group_of, matrix

TABLE: list[tuple[bool | None, Band, AnchorClass, Group]] = [
    (True, "high", "exact", "complete"),
    (True, "some", "partial", "complete"),
    (True, "high", "brand_keyword", "complete"),
    (True, "high", "branded", "brand_in_context"),
    (True, "high", "generic", "missed_relevance"),
    (False, "some", "image", "missed_relevance"),
    (None, "some", "naked_url", "missed_relevance"),
    (False, "high", "exact", "relevant_but_small"),
    (False, "high", "branded", "relevant_but_small"),
    (True, "low", "exact", "weaker_than_it_looks"),
    (False, "low", "partial", "weaker_than_it_looks"),
    (None, "low", "partial", "weaker_than_it_looks"),
    (True, "low", "branded", "authority_only"),
    (True, "low", "other", "authority_only"),
    (False, "low", "generic", "weak"),
    (None, "low", "generic", "unknown"),
    (None, "high", "exact", "unknown"),
    (True, "unknown", "exact", "unknown"),
    (None, "unknown", "generic", "unknown"),
]


@pytest.mark.parametrize(("strong", "band", "kind", "group"), TABLE, ids=[f"{a}-{b}-{c}" for a, b, c, _ in TABLE])
def test_group(strong: bool | None, band: Band, kind: AnchorClass, group: Group) -> None:
    assert group_of(strong, band, kind) == group


def test_without_any_figure_authority_is_no_axis() -> None:
    assert group_of(None, "high", "exact", has_authority=False) == "complete"
    assert group_of(None, "low", "other", has_authority=False) == "weak"


def referrer(domain: str, score: float | None, *figures: Figure, **changed: Any) -> Referrer:
    band: Band = "unknown" if score is None else "high" if score >= 0.3 else "some" if score >= 0.1 else "low"
    values: dict[str, Any] = {
        "domain": domain, "links": 1, "followed": 1, "pages": 1, "known_pages": 1, "in_main": 1, "indexable": 1,
        "sitewide": False, "first_seen": 1, "last_seen": 2, "figures": figures, "referring_domains": None,
        "relevance": Relevance(score, band, (), f"https://{domain}/"), "external_links": 3, "topics": (),
        "language": "en",
    }  # fmt: skip
    return Referrer(**values | changed)


def rating(value: float) -> Figure:
    return Figure("Vendor rating", value, "2026-01-01")


def own(value: float) -> Figure:
    return Figure("linkledger authority", value, "2026-01-02", own=True)


def worded(domain: str, kind: AnchorClass = "exact") -> Worded:
    return Worded(domain, kind, "words", 2, 1, f"https://{domain}/", "https://t.example/")


def ask(referrers: list[Referrer], words: list[Worded], **more: Any) -> Any:
    return matrix(referrers, words, target="t.example", about={}, of_domains=len(referrers), **more)


def test_only_figures_of_one_scale_are_compared() -> None:
    some = [referrer("a.example", 0.5, rating(10), own(99)), referrer("b.example", 0.5, rating(90)),
            referrer("c.example", 0.5, own(50))]  # fmt: skip
    assert figure_name(some) == "Vendor rating"
    found = ask(some, [worded(one.domain) for one in some])
    groups = {row.domain: (row.authority, row.group) for row in found.rows}
    assert (found.figure, found.line) == ("Vendor rating", 50.0)
    assert groups == {
        "a.example": (10, "relevant_but_small"),
        "b.example": (90, "complete"),
        "c.example": (None, "unknown"),
    }
    by_own = ask(some, [worded("b.example")], figure="linkledger authority")
    assert by_own.rows[0].group == "unknown"


def test_the_line_may_be_given() -> None:
    some = [referrer("a.example", 0.5, rating(10))]
    assert ask(some, [worded("a.example")], line=11).rows[0].group == "relevant_but_small"
    assert ask(some, [worded("a.example")], line=10).rows[0].group == "complete"


def test_the_product_sorts_and_nothing_else() -> None:
    some = [referrer("a.example", 0.5, rating(100)), referrer("b.example", 1.0, rating(100))]
    found = ask(some, [worded("a.example"), worded("b.example", "branded"), worded("b.example", "generic")])
    assert [(row.domain, row.anchor_class, row.product) for row in found.rows] == [
        ("a.example", "exact", 0.5),
        ("b.example", "branded", 0.4),
        ("b.example", "generic", 0.1),
    ]
    assert [(row.domain, row.anchor_class) for row in found.upgrades] == [("b.example", "generic")]


def test_groups_count_domains_and_links() -> None:
    some = [referrer("a.example", 0.5, rating(10)), referrer("b.example", None, rating(10))]
    found = ask(some, [worded("a.example"), worded("a.example", "generic"), worded("b.example"), worded("x.example")])
    assert list(found.groups) == list(GROUPS)
    assert {name: pair for name, pair in found.groups.items() if pair != (0, 0)} == {
        "complete": (1, 2),
        "missed_relevance": (1, 2),
        "unknown": (1, 2),
    }
    assert all(row.product is None for row in found.rows if row.domain == "b.example")
