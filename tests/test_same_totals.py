"""Links and anchors are two data sets over one filter: for every filter, their totals are equal, and right."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from proof import examples
from sample import (
    DAY,
    T0,
    Sample,
    SampleLink,
    SampleOutcome,
    SamplePage,
    fill,
    internal,
    last_seen,
    new_ledger,
    selected,
)
from sqlalchemy import Connection

from cli.targets import parse_target
from crawler.urls import canonical_url
from storage import edges
from storage.anchor_counts import Rank, distribution
from storage.anchor_lists import link_total, search
from storage.anchor_lists import listed as listed_anchors
from storage.anchor_rows import AnchorFilter, Anchors, Grouping
from storage.as_of import DOMAIN_GONE
from storage.codes import LOST_CAUSES
from storage.engine import open_ledger
from storage.filters import LinkFilter, choose
from storage.link_counts import By, Side, cells, counts, group_count, groups
from storage.link_lists import OnePer, list_total, listed
from storage.targets import resolve
from storage.text import fold

SOURCES = [f"https://{host}/{name}" for host in ("alpha.org", "beta.org", "blog.beta.org", "acme.com") for name in "12"]
TARGETS = ["https://acme.com/", "http://www.acme.com", "https://shop.acme.com/x", "https://rival.com/a?b=1"]
TARGETS = [canonical_url(one).url for one in TARGETS]
WORDS = ["Acme", "acme ", "ACME", "", "Straße", "strasse", "buy 100%_now", "ﬁne"]
ASKED = [None, "acme.com", "shop.acme.com", "https://acme.com/", "https://acme.com/ prefix", "rival.com", "unseen.com"]

CAUSES = {name: code for code, name in enumerate(LOST_CAUSES)} | {"domain_gone": DOMAIN_GONE}
RELS = ["nofollow", "ugc", "sponsored", "noopener"]
DOMAINS = ["alpha.org", "beta.org", "acme.com", "new.org"]
NAMES: dict[By, Callable[[str], str]] = {
    "page": lambda url: url,
    "host": lambda url: canonical_url(url).host,
    "domain": lambda url: canonical_url(url).domain,
}

times = st.integers(0, 9).map(lambda day: T0 + day * DAY)


@st.composite
def sample_links(draw: st.DrawFn) -> SampleLink:
    first = draw(times)
    gone = draw(st.none() | st.integers(2, 9))
    own = first + (gone - 1) * DAY if gone is not None else draw(st.none() | st.none() | times)
    return SampleLink(
        draw(st.sampled_from(SOURCES)),
        draw(st.sampled_from(TARGETS)),
        draw(st.sampled_from(WORDS)),
        anchor_source=draw(st.sampled_from(["text", "img_alt", "none"])),
        rel=tuple(
            draw(st.lists(st.sampled_from(["nofollow", "ugc", "sponsored", "noopener"]), unique=True, max_size=2))
        ),
        page_nofollow=draw(st.sampled_from([(), (), ("meta_robots",), ("x_robots_tag",)])),
        placement=draw(st.sampled_from(["main", "nav", "footer"])),
        hidden=draw(st.booleans()),
        ordinal=draw(st.integers(0, 3)),
        first_seen=first,
        gone_at=None if gone is None else first + gone * DAY,
        last_seen=own,
        lost_cause=draw(st.sampled_from(["removed", "removed", "moved", "reread"])),
        before=draw(st.none() | st.sampled_from(WORDS)),
    )


def numbered(links: list[SampleLink]) -> list[SampleLink]:
    """Give links of one source and target their numbers."""
    seen: Counter[tuple[str, str]] = Counter()
    result = []
    for one in links:
        result.append(replace(one, link_no=seen[one.source, one.target]))
        seen[one.source, one.target] += 1
    return result


def crawls(hour: int) -> st.SearchStrategy[dict[str, SampleOutcome]]:
    """Crawls of different hours: a page is not read twice in one instant."""
    return st.dictionaries(
        st.sampled_from([*SOURCES, "https://moved.org/"]),
        st.builds(
            SampleOutcome,
            state=st.sampled_from(["fetched", "partial", "failed", "pending"]),
            at=times.map(lambda at: at + hour * DAY // 24),
            final=st.none() | st.sampled_from(SOURCES),
        ),
        max_size=4,
    )


samples = st.builds(
    Sample,
    links=st.lists(sample_links(), max_size=14).map(numbered),
    pages=st.dictionaries(
        st.sampled_from(SOURCES), st.builds(SamplePage, times, st.booleans(), st.booleans()), max_size=6
    ),
    lists=st.fixed_dictionaries({"spring": st.lists(st.sampled_from([*SOURCES, "https://moved.org/"]), unique=True)}),
    crawls=st.tuples(crawls(0), crawls(1)),
)


def sometimes(values: st.SearchStrategy[Any], otherwise: Any = None) -> st.SearchStrategy[Any]:
    return st.just(otherwise) | st.just(otherwise) | values


filters = st.builds(
    LinkFilter,
    kind=st.sampled_from(["external", "internal", "any"]),
    state=st.sampled_from(["live", "lost", "any"]),
    followed=sometimes(st.booleans()),
    rel=sometimes(st.lists(st.sampled_from(["nofollow", "ugc", "noopener"]), max_size=2).map(tuple), ()),
    placement=sometimes(st.lists(st.sampled_from(["main", "nav"]), max_size=2).map(tuple), ()),
    hidden=sometimes(st.booleans()),
    indexable=sometimes(st.booleans()),
    source=sometimes(st.lists(st.sampled_from(DOMAINS), max_size=2).map(tuple), ()),
    list_name=sometimes(st.just("spring")),
    crawl=sometimes(st.sampled_from([1, 2, "last", "previous"])),
    first_seen_from=sometimes(times),
    first_seen_before=sometimes(times),
    confirmed_since=sometimes(times),
)


def covers(asked: str | None, url: str) -> bool:
    page = canonical_url(url)
    match asked:
        case None:
            return True
        case "https://acme.com/":
            return page.host in ("acme.com", "www.acme.com") and page.path_key == ""
        case "https://acme.com/ prefix":
            return page.host in ("acme.com", "www.acme.com")
        case "shop.acme.com":
            return page.host == asked
    return page.domain == asked


def seen_at(sample: Sample, links: list[SampleLink]) -> list[int]:
    return [at for one in links if (at := last_seen(sample, one)) is not None]


def check(conn: Connection, sample: Sample, wanted: LinkFilter, asked: str | None) -> None:
    """Ask every question on links and anchors, and answer it by plain loops over a sample as the filter sees it."""
    text, _, scope = (asked or "").partition(" ")
    target = None if asked is None else parse_target(text, scope="prefix" if scope else None)
    chosen = choose(conn, wanted, resolve(conn, target))
    links = [one for one in selected(sample, wanted) if covers(asked, one.target)]

    found = counts(conn, chosen)
    seen = seen_at(sample, links)
    assert found.backlinks == len(links)
    assert found.followed == sum(one.followed for one in links)
    assert found.followed + found.not_followed == found.backlinks
    assert found.confirmed == sum(sample.page(one.source).confirmed for one in links)
    assert found.confirmed + found.unconfirmed == found.backlinks
    assert found.rel_nofollow == sum("nofollow" in one.rel for one in links)
    assert found.rel_ugc == sum("ugc" in one.rel for one in links)
    assert found.rel_sponsored == sum("sponsored" in one.rel for one in links)
    assert found.page_nofollow == sum(one.page_nofollow != () for one in links)
    assert found.referring_pages == len({one.source for one in links})
    assert found.referring_hosts == len({canonical_url(one.source).host for one in links})
    assert found.referring_domains == len({canonical_url(one.source).domain for one in links})
    assert found.first_seen == min((one.first_seen for one in links), default=None)
    assert found.oldest_confirmation == min(seen, default=None)
    assert found.last_seen == max(seen, default=None)

    free = [one for one in selected(sample, wanted.without_defaults()) if covers(asked, one.target)]
    cell = cells(conn, chosen)
    assert (cell.external_live, cell.internal_live, cell.external_lost, cell.internal_lost) == tuple(
        sum(internal(one) == inside and (one.gone_at is not None) == lost for one in free)
        for lost, inside in ((False, False), (False, True), (True, False), (True, True))
    )

    rows = list(listed(conn, chosen, with_anchor=True))
    assert sorted(
        (one.source, one.target, one.anchor or "", one.rel, one.first_seen, one.gone_at or 0, one.last_seen or 0)
        for one in rows
    ) == sorted(
        (o.source, o.target, o.anchor, " ".join(o.rel), o.first_seen, o.gone_at or 0, last_seen(sample, o) or 0)
        for o in links
    )
    assert Counter(one.lost_cause for one in rows) == Counter(
        0 if one.gone_at is None else CAUSES[one.lost_cause] for one in links
    )
    order = [(canonical_url(one.source).domain, one.source, one.ordinal, one.target) for one in rows]
    assert order == sorted(order)
    assert list(listed(conn, chosen, with_anchor=True, limit=3)) == rows[:3]
    pers: tuple[OnePer, ...] = ("page", "domain")
    for per in pers:
        place = NAMES[per]
        best = list(listed(conn, chosen, one_per=per))
        assert len(best) == list_total(conn, chosen, per) == len({place(one.source) for one in links})
        assert {place(one.source): (one.follow_cause != 0, one.placement != 1, one.ordinal) for one in best} == {
            key: min((not o.followed, o.placement != "main", o.ordinal) for o in links if place(o.source) == key)
            for key in {place(one.source) for one in links}
        }
        assert list(listed(conn, chosen, one_per=per, limit=1)) == best[:1]

    sides: tuple[Side, ...] = ("source", "target")
    for side, (by, name) in itertools.product(sides, NAMES.items()):
        each = list(groups(conn, chosen, side, by))
        assert {one.name for one in each} == {name(getattr(one, side)) for one in links}
        for one in each:
            of = [o for o in links if name(getattr(o, side)) == one.name]
            assert (one.links, one.followed) == (len(of), sum(o.followed for o in of))
            assert one.pages == len({o.source for o in of})
            assert one.hosts == len({canonical_url(o.source).host for o in of})
            assert one.domains == len({canonical_url(o.source).domain for o in of})
            assert one.first_seen == min(o.first_seen for o in of)
            assert one.last_seen == max(seen_at(sample, of), default=None)
        assert group_count(conn, chosen, side, by) == len(each)
        assert each == sorted(each, key=lambda one: (-one.links, one.name))

    for by_link in (False, True):
        anchors = Anchors(conn, chosen)
        if by_link and chosen.covered.whole_domains:
            continue
        anchors.by_link = by_link
        check_anchors(anchors, sample, links)


def check_anchors(anchors: Anchors, sample: Sample, links: list[SampleLink]) -> None:
    assert link_total(anchors) == len(links)
    shown = list(listed_anchors(anchors))
    assert sorted((one.source, one.target, one.anchor, one.gone_at or 0, one.last_seen or 0) for one in shown) == (
        sorted((o.source, o.target, o.anchor, o.gone_at or 0, last_seen(sample, o) or 0) for o in links)
    )
    assert list(listed_anchors(anchors, limit=2)) == shown[:2]
    keys: dict[Grouping, Callable[[str], str]] = {"fold": fold, "exact": str}
    for group, key in keys.items():
        whole = distribution(anchors, group=group)
        rows = list(whole.rows)
        assert whole.totals.links == len(links) == sum(one.links for one in rows)
        assert whole.totals.distinct_anchors == len(rows) == len({key(one.anchor) for one in links})
        assert whole.totals.referring_pages == len({one.source for one in links})
        assert whole.totals.referring_domains == len({canonical_url(one.source).domain for one in links})
        assert abs(sum(one.share_links for one in rows) - (1 if links else 0)) < 1e-9
        for one in rows:
            of = [o for o in links if key(o.anchor) == key(one.anchor)]
            spelled = Counter(o.anchor for o in of)
            assert one.anchor == min(spelled, key=lambda text: (-spelled[text], text))
            assert one.variants == len(spelled)
            assert one.links == len(of) == sum(one.by_source.values())
            assert one.by_source == Counter(o.anchor_source for o in of)
            assert one.followed == sum(o.followed for o in of)
            assert one.referring_pages == len({o.source for o in of})
            assert one.referring_domains == len({canonical_url(o.source).domain for o in of})
            assert one.targets == len({o.target for o in of})
            assert one.first_seen == min(o.valid_from for o in of)
            assert one.last_seen == max(seen_at(sample, of), default=None)
        ranks: dict[Rank, str] = {"domains": "referring_domains", "pages": "referring_pages", "links": "links"}
        for rank, number in ranks.items():
            ordered = list(distribution(anchors, group=group, rank=rank).rows)
            first = distribution(anchors, group=group, rank=rank, limit=2)
            assert first.totals == whole.totals
            assert list(first.rows) == ordered[:2]
            sizes = [(getattr(one, number), one.links) for one in ordered]
            assert sizes == sorted(sizes, reverse=True)
    alts = Anchors(anchors.conn, anchors.chosen, AnchorFilter(sources=("img_alt",), contains="ACME"))
    alts.by_link = anchors.by_link
    some = [one for one in links if one.anchor_source == "img_alt" and "acme" in fold(one.anchor)]
    totals = distribution(alts).totals
    assert (totals.links, totals.referring_pages) == (len(some), len({one.source for one in some}))
    total, found = search(anchors, lambda text: "acme" in text, holding="acme")
    assert sum(one.links for one in found) == sum("acme" in fold(one.anchor) for one in links)
    assert total == len({one.target for one in links if "acme" in fold(one.anchor)})


@pytest.mark.proof
@settings(
    max_examples=examples(2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.generate],  # shrinking would take minutes; `reproduce_failure` is printed
    print_blob=True,
)
@given(sample=samples, asked=st.lists(st.tuples(filters, st.sampled_from(ASKED)), min_size=5, max_size=5))
def test_links_and_anchors_agree_under_every_filter(
    database: str, sample: Sample, asked: list[tuple[LinkFilter, str | None]]
) -> None:
    new_ledger(database)
    with open_ledger(database, write=True) as conn:
        fill(conn, sample)
        assert edges.differences(conn) == 0
        for target in ("acme.com", None):
            check(conn, sample, LinkFilter(), target)
            check(conn, sample, LinkFilter(kind="any"), target)
        for wanted, target in asked:
            check(conn, sample, wanted, target)
