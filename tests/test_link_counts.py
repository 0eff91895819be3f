"""Named questions on links: what each count means, and that kept sums and single links give the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample import DAY, T0, Sample, SampleLink, SamplePage, fill, new_ledger
from sqlalchemy import Connection, update

from cli.targets import parse_target
from storage import edges
from storage.engine import open_ledger
from storage.filters import Chosen, LinkFilter, choose
from storage.link_counts import Cells, LinkCounts, cells, counts, groups, referring
from storage.schema import edge, link
from storage.targets import WHOLE_LEDGER, resolve

A, B = "https://alpha.org/1", "https://blog.beta.org/1"
HOME = "https://acme.com/"

COUNTS = [  # id, links, what differs from nothing counted
    ("nothing", [], {}),
    (
        "one_followed_link",
        [SampleLink(A, HOME)],
        {"backlinks": 1, "followed": 1, "referring_pages": 1, "referring_hosts": 1, "referring_domains": 1},
    ),
    (
        "two_on_one_page_are_one_page",
        [SampleLink(A, HOME), SampleLink(A, HOME, link_no=1)],
        {"backlinks": 2, "followed": 2, "referring_pages": 1, "referring_hosts": 1, "referring_domains": 1},
    ),
    (
        "a_link_counts_under_each_of_its_causes",
        [SampleLink(B, HOME, rel=("nofollow", "ugc", "sponsored"), page_nofollow=("x_robots_tag",))],
        {
            "backlinks": 1, "not_followed": 1, "rel_nofollow": 1, "rel_ugc": 1, "rel_sponsored": 1, "page_nofollow": 1,
            "referring_pages": 1, "referring_hosts": 1, "referring_domains": 1,
        },
    ),
    ("internal_is_left_out", [SampleLink(HOME, HOME + "x")], {}),
    ("lost_is_left_out", [SampleLink(A, HOME, gone_at=T0 + DAY, last_seen=T0)], {}),
    (
        "only_the_latest_version_counts",
        [SampleLink(A, HOME, before="older")],
        {"backlinks": 1, "followed": 1, "referring_pages": 1, "referring_hosts": 1, "referring_domains": 1},
    ),
]  # fmt: skip
NOTHING = dict.fromkeys(LinkCounts.__slots__, 0)


def about(conn: Connection, text: str | None, **given: object) -> Chosen:
    target = None if text is None else parse_target(text)
    return choose(conn, LinkFilter(**given), resolve(conn, target))  # type: ignore[arg-type]


def test_counts(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        for name, links, differs in COUNTS:
            fill(conn, Sample(links=links))
            found = counts(conn, about(conn, "acme.com"))
            expected = {**NOTHING, **differs, "confirmed": differs.get("backlinks", 0)}
            times = ("oldest_confirmation", "first_seen", "last_seen")
            assert {key: getattr(found, key) for key in expected if key not in times} == {
                key: value for key, value in expected.items() if key not in times
            }, name
            assert found.first_seen == (T0 if differs else None), name
            assert found.last_seen == found.oldest_confirmation == (T0 + 10 * DAY if differs else None), name


SAMPLE = Sample(
    links=[
        SampleLink(A, HOME),
        SampleLink(A, HOME + "x", rel=("nofollow",)),
        SampleLink(B, HOME, first_seen=T0 + DAY),
        SampleLink(B, "https://rival.com/"),
        SampleLink(B, HOME, link_no=1, gone_at=T0 + 2 * DAY, last_seen=T0 + DAY),
        SampleLink(HOME, HOME + "x"),
        SampleLink(HOME, HOME + "y", gone_at=T0 + 2 * DAY, last_seen=T0 + DAY),
    ],
    pages={B: SamplePage(last_ok=T0 + 3 * DAY, confirmed=False)},
)


def test_every_link_is_in_one_cell(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
        assert cells(conn, about(conn, "acme.com")) == Cells(3, 1, 1, 1)
        assert cells(conn, about(conn, "acme.com", followed=False)) == Cells(1, 0, 0, 0)
        assert cells(conn, about(conn, None)) == Cells(4, 1, 1, 1)


def test_sums_and_single_links_agree(database: str) -> None:
    """A condition that changes nothing but must be asked of each link takes the other way to the same answer."""
    always = {"first_seen_from": 0}
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
        for text in (None, "acme.com", "rival.com", "unseen.com"):
            for kind in ("external", "internal", "any"):
                kept, single = about(conn, text, kind=kind), about(conn, text, kind=kind, **always)
                assert counts(conn, kept) == counts(conn, single)
                assert cells(conn, kept) == cells(conn, single)
                assert referring(conn, kept) == referring(conn, single)
                for by in ("page", "host", "domain"):
                    for side in ("source", "target"):
                        assert list(groups(conn, kept, side, by)) == list(groups(conn, single, side, by))  # type: ignore[arg-type]


def test_counts_over_whole_domains_read_no_link(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
        before = counts(conn, about(conn, "acme.com")), cells(conn, about(conn, "acme.com"))
        conn.execute(update(link).values(valid_to=0))
        assert (counts(conn, about(conn, "acme.com")), cells(conn, about(conn, "acme.com"))) == before


def test_sums_are_refreshed_page_by_page(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
        changed = conn.execute(
            update(link).where(link.c.rel == "nofollow").values(gone_at=T0 + DAY).returning(link.c.source_id)
        )
        sources = set(changed.scalars())
        assert edges.differences(conn) == 1
        edges.refresh(conn, sources)
        assert edges.differences(conn) == 0
        conn.execute(edge.delete())
        edges.rebuild(conn)
        assert edges.differences(conn) == 0


@pytest.mark.parametrize(("limit", "expected"), [(1, ["alpha.org"]), (None, ["alpha.org", "beta.org"])])
def test_groups_are_cut_after_the_order(database: str, limit: int | None, expected: list[str]) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
        rows = groups(conn, about(conn, "acme.com"), "source", "domain", limit)
        assert [row.name for row in rows] == expected


def test_a_chosen_filter_can_be_moved_to_another_target(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
        chosen = about(conn, "rival.com")
        assert counts(conn, replace(chosen, covered=WHOLE_LEDGER)).backlinks == 4
