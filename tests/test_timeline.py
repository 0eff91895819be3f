"""Timelines: what adds up, what reconciles, and the same by plain loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from sample import DAY, T0, new_ledger
from stories import Gone, Read, Stands, Story, tell
from test_history import FILTERS, HOME, PAGES, SETTINGS, WORDS, A, B, about, day, in_force, passes, told, wordy

from cli.targets import parse_target
from storage.anchor_rows import AnchorFilter
from storage.engine import open_ledger
from storage.events import Wanted, Window
from storage.filters import LinkFilter, choose
from storage.history import changed_links
from storage.link_counts import counts
from storage.targets import resolve
from storage.text import fold
from storage.timeline import By, LinkPeriod, anchor_timeline, link_timeline, periods, span


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


PERIODS = [  # id, since, before, by, names
    ("days", "2026-11-30", "2026-12-02", "day", ["2026-11-30", "2026-12-01"]),
    ("a_part_of_a_day_is_one", "2026-11-30T23:00", "2026-12-01T01:00", "day", ["2026-11-30", "2026-12-01"]),
    ("weeks_begin_on_monday", "2026-11-22", "2026-11-24", "week", ["2026-W47", "2026-W48"]),
    ("the_week_of_new_year", "2026-12-31", "2027-01-05", "week", ["2026-W53", "2027-W01"]),
    ("months", "2026-11-30", "2027-02-01", "month", ["2026-11", "2026-12", "2027-01"]),
    ("nothing", "2026-11-30", "2026-11-30", "day", []),
]


@pytest.mark.parametrize(("since", "before", "by", "names"), [pytest.param(*row[1:], id=row[0]) for row in PERIODS])
def test_periods(since: str, before: str, by: By, names: list[str]) -> None:
    found = periods(ms(since), ms(before), by)
    assert [one.name for one in found] == names
    if found:
        assert (found[0].since, found[-1].before) == (ms(since), ms(before))
        assert all(left.before == right.since for left, right in pairwise(found))


def test_a_timeline_tells_a_story(database: str) -> None:
    stories = [
        Story(A, HOME, [Stands(day(0), "page_first_seen"), Gone(day(3)), Stands(day(5), "restored")]),
        Story(A, HOME, [Stands(day(1), "link_added"), Stands(day(2), words="new words")], no=1),
        Story(B, HOME, [Stands(day(1), "moved"), Gone(day(2), "moved")]),
        Story(B, HOME, [Stands(day(2), "reread")], no=1),
    ]
    reads = [Read(A, day(0)), Read(A, day(1)), Read(A, day(4), "failed"), Read(A, day(5)), Read(B, day(1))]
    reads += [Read(B, day(3), "partial"), Read(B, day(4), "blocked")]
    with open_ledger(new_ledger(database), write=True) as conn:
        tell(conn, stories, reads)
        assert span(conn, about(conn)) == (day(0), day(5))
        of = periods(day(0), day(6), "day")
        found = link_timeline(conn, about(conn), of)
        assert [
            (one.gained, one.found, one.moved, one.changed, one.reread, one.lost, one.live, one.unconfirmed)
            for one in found
        ] == [
            (0, 1, 0, 0, 0, 0, 1, 0),
            (1, 0, 1, 0, 0, 0, 3, 0),
            (0, 0, -1, 0, 1, 0, 3, 0),
            (0, 0, 0, 0, 0, 1, 2, 1),
            (0, 0, 0, 0, 0, 0, 2, 2),
            (1, 0, 0, 0, 0, 0, 3, 1),
            (0, 0, 0, 0, 0, 0, 3, 1),
        ]
        assert [(one.new, one.lost, one.anchors, one.live) for one in anchor_timeline(conn, about(conn), of)] == [
            (1, 0, 1, 1), (0, 0, 1, 3), (1, 0, 2, 3), (0, 0, 2, 2), (0, 0, 2, 2), (0, 0, 2, 3), (0, 0, 2, 3),
        ]  # fmt: skip
        everything = [*anchor_timeline(conn, about(conn), periods(day(2), day(6), "month"))]
        assert [(one.new, one.lost, one.anchors, one.live) for one in everything] == [(1, 0, 2, 3)]


SPANS = st.tuples(st.integers(0, 12), st.integers(1, 12))


def added(one: LinkPeriod) -> int:
    return one.gained + one.found + one.moved + one.changed + one.reread - one.lost


def unconfirmed(reads: Sequence[Read], page: str, at: int) -> bool:
    past = [one for one in reads if one.page == page and one.at <= at]
    return bool(past) and past[-1].state != "fetched"


def test_timelines_add_up_and_reconcile(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:

        @settings(SETTINGS, max_examples=examples(25))
        @given(
            told(), FILTERS, WORDS, st.sampled_from(["day", "week", "month"]), st.integers(0, 12), st.integers(1, 12)
        )
        def check(
            story: tuple[list[Story], list[Read]],
            chosen: LinkFilter,
            words: AnchorFilter,
            by: By,
            first: int,
            more: int,
        ) -> None:
            stories = story[0]
            reads = [*(Read(page, T0 - DAY) for page in PAGES), *story[1]]  # no link stands on a page never read
            tell(conn, stories, reads)
            of = choose(conn, chosen, resolve(conn, parse_target("acme.com")))
            window = Window(day(first), day(first + more))
            every = periods(day(first), day(first + more), by)
            found = link_timeline(conn, of, every)
            assert [one.period for one in found] == every

            before = live_at(stories, chosen, day(first) - 1)
            for one in found:
                live = live_at(stories, chosen, one.period.before - 1)
                assert one.live == len(live) == len(before) + added(one)
                assert one.unconfirmed == sum(unconfirmed(reads, of_.source, one.period.before - 1) for of_ in live)
                then = counts(conn, replace(of, filter=replace(chosen, as_of=one.period.before - 1)))
                assert (then.backlinks, then.unconfirmed) == (one.live, one.unconfirmed)
                before = live
            for lost, total in ((False, sum(one.gained for one in found)), (True, sum(one.lost for one in found))):
                assert len(list(changed_links(conn, of, Wanted(window), lost=lost))) == total

            anchors = anchor_timeline(conn, of, every)
            assert [one.live for one in anchors] == [one.live for one in found]
            used = words_at(stories, chosen, words, day(first) - 1)
            for of_words in anchor_timeline(conn, of, every, words):
                now = words_at(stories, chosen, words, of_words.period.before - 1)
                assert of_words.anchors == len(set(now))
                assert of_words.live == len(now)
                assert of_words.new == len(set(now) - set(used))
                assert of_words.lost == len(set(used) - set(now))
                used = now

        check()


def live_at(stories: Sequence[Story], chosen: LinkFilter, at: int) -> list[Story]:
    return [one for one in stories if (state := in_force(one, at)) is not None and passes(one, state, chosen)]


def words_at(stories: Sequence[Story], chosen: LinkFilter, words: AnchorFilter, at: int) -> list[str]:
    states = [in_force(one, at) for one in live_at(stories, chosen, at)]
    return [fold(state.words) for state in states if state is not None and wordy(state, words)]


def test_the_last_period_is_what_is_counted_now(database: str) -> None:
    stories = [
        Story(A, HOME, [Stands(day(0), "page_first_seen"), Gone(day(3))]),
        Story(A, HOME, [Stands(day(1), "link_added", rel=("ugc",))], no=1),
        Story(B, HOME, [Stands(day(2), "page_first_seen")]),
    ]
    reads = [Read(A, day(0)), Read(A, day(3)), Read(B, day(2)), Read(B, day(9), "failed")]
    with open_ledger(new_ledger(database), write=True) as conn:
        tell(conn, stories, reads)
        [last] = link_timeline(conn, about(conn), periods(T0, T0 + 20 * DAY, "month"))[-1:]
        now = counts(conn, about(conn))
        assert (last.live, last.unconfirmed) == (now.backlinks, now.unconfirmed) == (2, 1)
        then = counts(conn, about(conn, as_of=day(2)))
        [first] = link_timeline(conn, about(conn), periods(T0, day(2) + 1, "month"))
        assert (first.live, first.unconfirmed) == (then.backlinks, then.unconfirmed) == (3, 0)
