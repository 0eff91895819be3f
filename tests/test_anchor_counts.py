"""Distributions: the ways to the first rows give the rows of the whole, ties included."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sample import Sample, SampleLink, fill, new_ledger
from sqlalchemy import Connection

from cli.targets import parse_target
from storage import anchor_counts
from storage.anchor_counts import MEASURES, Rank, distribution
from storage.anchor_rows import AnchorFilter, Anchors, Grouping
from storage.engine import open_ledger
from storage.filters import LinkFilter, choose
from storage.targets import resolve


def many_links() -> Sample:
    """300 links with 90 anchors of few different counts, so that most of them tie; some in two spellings."""
    dice = random.Random(3)
    links: list[SampleLink] = []
    numbers: dict[tuple[str, str], int] = {}
    for _ in range(300):
        source = f"https://site{dice.randrange(12)}.org/{dice.randrange(3)}"
        target = f"https://acme.com/{dice.randrange(4)}"
        word = f"word {int(90 ** dice.random())}"
        number = numbers[source, target] = numbers.get((source, target), -1) + 1
        rel = ("nofollow",) if dice.random() < 0.3 else ()
        links.append(SampleLink(source, target, dice.choice((word, word.upper())), rel=rel, link_no=number))
    return Sample(links=links)


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, many_links())
        yield conn


def anchors(conn: Connection, text: str | None, wanted: AnchorFilter | None = None, **given: object) -> Anchors:
    target = None if text is None else parse_target(text)
    chosen = choose(conn, LinkFilter(**given), resolve(conn, target))  # type: ignore[arg-type]
    return Anchors(conn, chosen, wanted)


@pytest.mark.parametrize("candidates", [4, 5_000], ids=["flat_distribution_is_counted_whole", "best_first"])
@pytest.mark.parametrize("rank", ["domains", "pages", "links"])
@pytest.mark.parametrize("group", ["fold", "exact"])
def test_the_first_rows_are_those_of_the_whole(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, candidates: int, rank: Rank, group: Grouping
) -> None:
    monkeypatch.setattr(anchor_counts, "_CANDIDATES", candidates)
    for text in (None, "acme.com", "https://acme.com/1"):
        for given in ({}, {"followed": True}):
            asked = anchors(conn, text, **given)
            whole = distribution(asked, group=group, rank=rank)
            rows = list(whole.rows)
            for limit in (0, 1, 7, 50, 1_000, 1_001):
                first = distribution(asked, group=group, rank=rank, limit=limit)
                assert first.totals == whole.totals
                assert list(first.rows) == rows[:limit]


def test_what_is_not_asked_for_is_not_measured(conn: Connection) -> None:
    asked = anchors(conn, "acme.com")
    full = list(distribution(asked, limit=5, measures=MEASURES).rows)
    bare = list(distribution(asked, limit=5, measures=()).rows)
    for one, other in zip(full, bare, strict=True):
        assert (one.anchor, one.variants, one.links, one.referring_domains, one.share_links) == (
            other.anchor, other.variants, other.links, other.referring_domains, other.share_links,
        )  # fmt: skip
        assert (other.referring_pages, other.targets, other.by_source, other.last_seen) == (0, 0, {}, None)
    for measure in MEASURES:
        some = list(distribution(asked, limit=5, measures=[measure]).rows)
        assert [getattr(one, measure) for one in some] == [getattr(one, measure) for one in full]


def test_nothing_selected_is_an_empty_distribution(conn: Connection) -> None:
    for limit in (None, 20):
        found = distribution(anchors(conn, "unseen.com"), limit=limit)
        assert list(found.rows) == []
        assert (found.totals.links, found.totals.referring_pages, found.totals.distinct_anchors) == (0, 0, 0)


def test_few_links_to_a_page_lead_to_their_anchors(conn: Connection) -> None:
    page, domain = anchors(conn, "https://acme.com/1"), anchors(conn, "acme.com")
    assert (page.by_link, domain.by_link) == (True, False)
    by_link = list(distribution(page).rows)
    page.by_link = False
    assert list(distribution(page).rows) == by_link
