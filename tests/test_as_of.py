"""``as_of`` and ``lost_after``: the ledger as it stood, and what nobody has been able to read for long."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_json
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, reading
from readings import failed as attempt_failed
from sample import (
    DAY,
    T0,
    Sample,
    SampleLink,
    SampleMiss,
    SampleOutcome,
    SamplePage,
    SampleVisit,
    as_seen,
    crawl_visits,
    fill,
    new_ledger,
    up_to,
)
from sqlalchemy import Connection
from test_same_totals import ASKED, SOURCES, TARGETS, WORDS, check, crawls, filters, numbered

from storage.anchor_counts import distribution
from storage.anchor_lists import listed as listed_anchors
from storage.anchor_lists import variants
from storage.anchor_rows import Anchors
from storage.codes import LOST_CAUSES
from storage.coverage import coverage
from storage.engine import open_ledger
from storage.filters import Chosen, LinkFilter, choose
from storage.layout import STEP
from storage.link_counts import cells, counts, groups
from storage.link_lists import listed
from storage.records import Reading
from storage.targets import WHOLE_LEDGER
from storage.times import to_iso
from storage.writer import write_readings

A, B, C = "https://alpha.org/1", "https://alpha.org/2", "https://beta.org/1"
HOME = "https://acme.com/"


def day(number: float) -> int:
    return T0 + round(number * DAY)


# -- one link, one page: what is known when ------------------------------------------------------------------------

EDITED = SampleLink(
    A, HOME, "third", rel=("nofollow",), first_seen=day(0), start=day(8), gone_at=day(12), last_seen=day(10),
    earlier=(
        SampleLink(A, HOME, "first", placement="nav", start=day(0), last_seen=day(2)),
        SampleLink(A, HOME, "second", start=day(4), gone_at=day(6), last_seen=day(4)),
    ),
)  # fmt: skip
"""Read on the even days: seen first on day 0, edited on 4, lost on 6, restored on 8, lost on 12."""
OF_A = SamplePage.of([SampleVisit(day(number), indexable=number < 9) for number in range(0, 13, 2)])

STATES = [  # id, instant, state, words, placement, followed, last seen
    ("before_it_was_seen", day(0) - 1, None, "", "", False, None),
    ("at_the_instant_it_was_seen", day(0), "live", "first", "nav", True, day(0)),
    ("between_two_visits", day(3), "live", "first", "nav", True, day(2)),
    ("edited", day(4), "live", "second", "main", True, day(4)),
    ("an_instant_before_the_visit_that_lost_it", day(6) - 1, "live", "second", "main", True, day(4)),
    ("lost_with_the_words_at_its_close", day(6), "lost", "second", "main", True, day(4)),
    ("still_lost", day(7), "lost", "second", "main", True, day(4)),
    ("restored", day(8), "live", "third", "main", False, day(8)),
    ("seen_again", day(11), "live", "third", "main", False, day(10)),
    ("lost_again", day(12), "lost", "third", "main", False, day(10)),
    ("later_than_everything", day(99), "lost", "third", "main", False, day(10)),
]


@pytest.mark.parametrize("lost_after", [None, 9], ids=["", "with_lost_after"])
def test_a_link_as_it_stood(database: str, lost_after: int | None) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, Sample(links=[EDITED], pages={A: OF_A}))
        for name, at, state, words, placement, followed, seen in STATES:
            chosen = whole(conn, as_of=at, state="any", lost_after=lost_after)
            found = list(listed(conn, chosen, with_anchor=True))
            if state is None:
                assert (found, counts(conn, chosen).backlinks) == ([], 0), name
                continue
            [row] = found
            assert (row.anchor, row.last_seen, row.first_seen) == (words, seen, day(0)), name
            assert (row.placement == 1, row.follow_cause == 0) == (placement == "main", followed), name
            assert (row.gone_at is not None, row.lost_cause != 0) == (state == "lost", state == "lost"), name
            [said] = listed_anchors(Anchors(conn, chosen))
            assert (said.anchor, said.last_seen, said.gone_at) == (words, seen, row.gone_at), name
            assert counts(conn, chosen).last_seen == counts(conn, chosen).oldest_confirmation == seen, name


def whole(conn: Connection, **given: Any) -> Chosen:
    return choose(conn, LinkFilter(**given), WHOLE_LEDGER)


PAGES = [  # id, visits, misses, instant, confirmed, indexable
    ("read", [SampleVisit(day(1))], [], day(1), True, True),
    ("read_later_only", [SampleVisit(day(1))], [], day(0.5), False, None),
    ("failed_since", [SampleVisit(day(1))], [SampleMiss(day(2))], day(2), False, True),
    ("failed_later_only", [SampleVisit(day(1))], [SampleMiss(day(2))], day(1.5), True, True),
    ("a_visit_comes_before_a_miss_of_its_date", [SampleVisit(day(1))], [SampleMiss(day(1))], day(1), False, True),
    ("broken_off_since", [SampleVisit(day(1)), SampleVisit(day(2), complete=False)], [], day(2), False, True),
    ("read_again", [SampleVisit(day(1)), SampleVisit(day(3))], [SampleMiss(day(2))], day(3), True, True),
    ("noindex_since", [SampleVisit(day(1)), SampleVisit(day(2), indexable=False)], [], day(2), True, False),
    ("noindex_later", [SampleVisit(day(1)), SampleVisit(day(2), indexable=False)], [], day(1.9), True, True),
    (
        "a_broken_document_says_nothing_of_indexing",
        [SampleVisit(day(1)), SampleVisit(day(2), complete=False, indexable=False)], [], day(2), False, True,
    ),
]  # fmt: skip


def test_a_page_as_its_visits_and_misses_left_it(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        for name, visits, misses, at, confirmed, indexable in PAGES:
            sample = Sample(links=[SampleLink(A, HOME)], pages={A: SamplePage.of(visits, misses)})
            fill(conn, sample)
            assert counts(conn, whole(conn, as_of=at)).confirmed == confirmed, name
            for wanted in (True, False):
                found = counts(conn, whole(conn, as_of=at, indexable=wanted)).backlinks
                assert found == (indexable is wanted), name


SEEN = [  # id, link, visits beside the one of day 0, instant, last seen then
    ("its_own_date_up_to_then", {"last_seen": day(2)}, [SampleVisit(day(4))], day(5), day(2)),
    (
        "filtered_visit_of_its_target",
        {"last_seen": day(6)},
        [SampleVisit(day(2), targets='["acme.com"]'), SampleVisit(day(6), targets='["acme.com"]')],
        day(4),
        day(2),
    ),
    (
        "filtered_visit_of_another_target",
        {"last_seen": day(6)},
        [SampleVisit(day(2), targets='["other.com"]'), SampleVisit(day(6), targets='["acme.com"]')],
        day(4),
        day(0),
    ),
    (
        "raw_visits_do_not_show_what_scripts_made",
        {"last_seen": day(6), "seen_by": "rendered"},
        [SampleVisit(day(2), method="rendered"), SampleVisit(day(3)), SampleVisit(day(6), method="rendered")],
        day(4),
        day(2),
    ),
    (
        "archive_metadata_may_not_show_it",
        {"last_seen": day(6), "seen_by": "wat"},
        [SampleVisit(day(2), method="wat"), SampleVisit(day(6), method="wat")],
        day(4),
        day(0),
    ),
    ("no_later_visit_up_to_then", {"last_seen": day(6)}, [SampleVisit(day(6), method="wat")], day(4), day(0)),
]  # fmt: skip


def test_last_seen_on_pages_that_not_every_visit_saw_whole(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        for name, given_, visits, at, seen in SEEN:
            one = SampleLink(A, HOME, **given_)  # type: ignore[arg-type]
            fill(conn, Sample(links=[one], pages={A: replace(SamplePage.of([SampleVisit(day(0)), *visits]))}))
            chosen = whole(conn, as_of=at)
            assert [row.last_seen for row in listed(conn, chosen)] == [seen], name
            assert [row.last_seen for row in listed_anchors(Anchors(conn, chosen))] == [seen], name
            assert counts(conn, chosen).last_seen == seen, name


def test_places_by_the_layout_of_the_page_for_live_links_alone(database: str) -> None:
    """Three links were put in above: every live link stands three places further down than it was first read at."""
    links = [
        SampleLink(A, HOME, "live", ordinal=2),
        SampleLink(A, HOME, "lost", ordinal=5, link_no=1, gone_at=day(5), last_seen=day(4)),
    ]
    page = replace(SamplePage.of([SampleVisit(day(0))]), layout=f"[[0,0],[{STEP},4]]")
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, Sample(links=links, pages={A: page}))
        for given_ in ({}, {"as_of": day(9)}):
            rows = listed(conn, whole(conn, state="any", **given_), with_anchor=True)
            assert {row.anchor: row.ordinal for row in rows} == {"live": 5, "lost": 5}
        rows = listed(conn, whole(conn, as_of=day(1)), with_anchor=True, one_per="page")
        assert [(row.anchor, row.ordinal) for row in rows] == [("live", 5)]


# -- lost after failed attempts ------------------------------------------------------------------------------------


def failed(*days: float) -> list[SampleMiss]:
    return [SampleMiss(day(number)) for number in days]


GONE = [  # id, visits after day 0, misses, number, instant, when it counts as lost
    ("often_enough_and_long_enough", [], failed(1, 5, 9), 3, None, day(9)),
    ("too_seldom", [], failed(1, 9), 3, None, None),
    ("too_soon", [], failed(1, 2, 3, 7.9), 3, None, None),
    ("seven_days_to_the_instant", [], failed(1, 2, 8), 3, None, day(8)),
    ("the_attempt_that_was_one_too_many", [], failed(1, 2, 9, 11), 2, None, day(9)),
    ("read_since", [10], failed(1, 5, 9), 3, None, None),
    ("counted_from_the_latest_reading", [6], failed(1, 5, 7, 9, 13), 3, None, None),
    ("a_visit_comes_before_a_miss_of_its_date", [1], failed(1, 5, 9), 3, None, day(9)),
    ("blocked_is_an_answer", [], [*failed(1, 5), SampleMiss(day(6), "blocked"), *failed(9)], 2, None, None),
    ("blocked_before_them_all", [], [SampleMiss(day(0.5), "blocked"), *failed(1, 9)], 2, None, day(9)),
    ("once_is_never_over_a_week", [], failed(9), 1, None, None),
    ("as_of_before_it", [], failed(1, 5, 9), 3, day(9) - 1, None),
    ("as_of_it", [], failed(1, 5, 9), 3, day(9), day(9)),
    ("as_of_before_it_was_read_again", [10], failed(1, 5, 9), 3, day(9.5), day(9)),
]


def test_lost_after_failed_attempts(database: str) -> None:
    removed = SampleLink(A, HOME, "removed", link_no=1, gone_at=day(0), last_seen=day(0))
    with open_ledger(new_ledger(database), write=True) as conn:
        for name, visits, misses, number, at, since in GONE:
            read = [SampleVisit(day(0)), *(SampleVisit(day(one)) for one in visits)]
            elsewhere = SamplePage.of([SampleVisit(day(0))])
            sample = Sample(
                links=[SampleLink(A, HOME), removed, SampleLink(B, HOME)],
                pages={A: SamplePage.of(read, misses), B: elsewhere},
            )
            fill(conn, sample)
            rows = list(listed(conn, whole(conn, as_of=at, lost_after=number, state="lost"), with_anchor=True))
            [was_removed] = [row for row in rows if row.anchor == "removed"]
            assert (was_removed.gone_at, LOST_CAUSES[was_removed.lost_cause]) == (day(0), "removed"), name
            assert [row.gone_at for row in rows if row is not was_removed] == ([] if since is None else [since]), name
            live = counts(conn, whole(conn, as_of=at, lost_after=number))
            assert live.backlinks == (2 if since is None else 1), name
            said = list(listed_anchors(Anchors(conn, whole(conn, as_of=at, lost_after=number, state="lost"))))
            assert len(said) == len(rows), name
            assert counts(conn, whole(conn, as_of=at)).backlinks == 2, name


# -- the law -------------------------------------------------------------------------------------------------------

moments = st.integers(0, 40).map(lambda number: day(number / 2))


@st.composite
def histories(draw: st.DrawFn) -> SampleLink:
    """A link with up to three versions, each perhaps lost before the next restored it."""
    source, target = draw(st.sampled_from(SOURCES)), draw(st.sampled_from(TARGETS))
    at = draw(st.integers(0, 8))
    first = day(at)
    versions: list[SampleLink] = []
    for _ in range(draw(st.integers(1, 3))):
        start = at
        seen = start + draw(st.integers(0, 2))
        gone = draw(st.none() | st.just(seen + 1))
        at = (seen if gone is None else gone) + draw(st.integers(1, 3))
        rel = draw(st.lists(st.sampled_from(["nofollow", "ugc", "noopener"]), unique=True, max_size=2))
        versions.append(
            SampleLink(
                source, target, draw(st.sampled_from(WORDS)),
                anchor_source=draw(st.sampled_from(["text", "img_alt", "none"])),
                rel=tuple(rel), placement=draw(st.sampled_from(["main", "nav"])), hidden=draw(st.booleans()),
                ordinal=draw(st.integers(0, 3)), first_seen=first, start=day(start),
                last_seen=day(seen), gone_at=None if gone is None else day(gone),
                lost_cause=draw(st.sampled_from(["removed", "removed", "moved", "reread"])),
            )
        )  # fmt: skip
    latest = versions[-1]
    if latest.gone_at is None and draw(st.booleans()):
        latest = replace(latest, last_seen=None)
    return replace(latest, earlier=tuple(versions[:-1]))


def with_numbers(links: Sequence[SampleLink]) -> list[SampleLink]:
    return [
        replace(one, earlier=tuple(replace(old, link_no=one.link_no) for old in one.earlier))
        for one in numbered(list(links))
    ]


def begun(of: SampleOutcome, start: int) -> SampleOutcome:
    """No crawl reads a page before it starts."""
    return of if of.at >= start else replace(of, at=start + DAY // 24)


@st.composite
def ledgers(draw: st.DrawFn) -> Sample:
    """Links with histories on pages that were read, missed and crawled; each source at most once in an instant."""
    second = day(draw(st.integers(1, 4)))
    read = [draw(crawls(0)), {name: begun(of, second) for name, of in draw(crawls(1)).items()}]
    pages: dict[str, SamplePage] = {}
    for source in SOURCES:
        days = draw(st.lists(st.integers(0, 19), unique=True, max_size=6))
        visits = [
            SampleVisit(day(number) + DAY // 8, draw(st.sampled_from([True, True, False])), draw(st.booleans()))
            for number in days
        ]
        days = draw(st.lists(st.integers(0, 19), unique=True, max_size=5))
        misses = [
            SampleMiss(day(number) + DAY // 8, draw(st.sampled_from(["failed", "failed", "failed", "blocked"])))
            for number in days
        ]
        pages[source] = SamplePage.of(visits, misses, crawl_visits(read).get(source, []))
    return Sample(
        links=with_numbers(draw(st.lists(histories(), max_size=8))),
        pages=pages,
        lists={"spring": draw(st.lists(st.sampled_from([*SOURCES, "https://moved.org/"]), unique=True))},
        crawls=read,
        started=(T0, second),
    )


def answers(conn: Connection, chosen: Chosen) -> dict[str, Any]:
    """What the ledger answers, to compare with what another one does."""
    anchors = Anchors(conn, chosen)
    whole_ = distribution(anchors)
    return {
        "counts": counts(conn, chosen),
        "cells": cells(conn, chosen),
        "links": list(listed(conn, chosen, with_anchor=True)),
        "best": list(listed(conn, chosen, one_per="domain")),
        "sources": [list(groups(conn, chosen, "source", by)) for by in ("page", "host", "domain")],
        "targets": [list(groups(conn, chosen, "target", by)) for by in ("page", "host", "domain")],
        "anchors": (whole_.totals, list(whole_.rows)),
        "each": list(listed_anchors(anchors)),
        "variants": variants(anchors, "acme"),
        "coverage": coverage(conn, chosen),
    }


PROOF = settings(
    max_examples=examples(2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.generate],  # shrinking would take minutes; `reproduce_failure` is printed
    print_blob=True,
)


@pytest.mark.proof
@PROOF
@given(
    sample=ledgers(),
    asked=st.lists(
        st.tuples(filters, st.sampled_from(ASKED), moments, st.none() | st.integers(1, 3)), min_size=2, max_size=2
    ),
)
def test_as_of_answers_as_plain_loops_do(
    database: str, sample: Sample, asked: list[tuple[LinkFilter, str | None, int, int | None]]
) -> None:
    """Counts equal distributions equal loops over the versions, under every filter, at every instant."""
    new_ledger(database)
    with open_ledger(database, write=True) as conn:
        fill(conn, sample)
        for wanted, target, at, lost_after in asked:
            seen_as = replace(wanted, as_of=at, lost_after=lost_after)
            if isinstance(seen_as.crawl, str) and len(as_seen(sample, seen_as).crawls) < 2:
                seen_as = replace(seen_as, crawl=None)
            check(conn, as_seen(sample, seen_as), seen_as, target)
        at = asked[0][2]
        for every in (LinkFilter(kind="any", state="any", as_of=at), LinkFilter(state="any", lost_after=2)):
            check(conn, as_seen(sample, every), every, None)


@pytest.mark.proof
@PROOF
@given(
    sample=ledgers(),
    at=moments,
    wanted=st.lists(st.tuples(filters, st.none() | st.integers(1, 3)), min_size=3, max_size=3),
)
def test_as_of_is_what_a_ledger_answered_that_had_seen_nothing_later(
    one_database: str, sample: Sample, at: int, wanted: list[tuple[LinkFilter, int | None]]
) -> None:
    new_ledger(one_database)
    then = up_to(sample, at)
    asked = [
        replace(one, lost_after=number)
        for one, number in [*wanted, (LinkFilter(kind="any", state="any"), None), (LinkFilter(), 2)]
        if one.crawl is None or (isinstance(one.crawl, int) and one.crawl <= len(then.crawls)) or len(then.crawls) == 2
    ]
    with open_ledger(one_database, write=True) as conn:
        fill(conn, then)
        expected = [answers(conn, choose(conn, one, WHOLE_LEDGER)) for one in asked]
        fill(conn, sample)
        for one, answer in zip(asked, expected, strict=True):
            found = answers(conn, choose(conn, replace(one, as_of=at), WHOLE_LEDGER))
            assert found == answer


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(examples(2)))
def test_what_was_answered_once_is_answered_as_of_then(one_database: str, seed: int) -> None:
    """Pages read by the writer, edited, broken, failing and gone: each answer is asked for again when all is over."""
    dice = random.Random(seed)
    asked = [LinkFilter(), LinkFilter(kind="any", state="any"), LinkFilter(state="any", lost_after=2)]
    answered: list[tuple[int, list[dict[str, Any]]]] = []
    with open_ledger(new_ledger(one_database), write=True) as conn:
        for number in range(30):
            write_readings(conn, None, [random_reading(dice, day(number))], rules_version=RULES)
            if number % 5 == 4:
                found = [without_places(answers(conn, choose(conn, one, WHOLE_LEDGER))) for one in asked]
                answered.append((day(number), found))
        for at, before in answered:
            found = [without_places(answers(conn, choose(conn, replace(one, as_of=at), WHOLE_LEDGER))) for one in asked]
            assert found == before


def random_reading(dice: random.Random, at: int) -> Reading:
    source = dice.choice(SOURCES[:4])
    kind = dice.random()
    if kind < 0.3:
        return attempt_failed(source, at, dice.choice([500, 500, 500, 404]))
    links = [(dice.choice(TARGETS), dice.choice(WORDS)) for _ in range(dice.randint(0, 4))]
    return reading(source, links, at, outcome="partial" if kind < 0.4 else "fetched")


def without_places(answer: dict[str, Any]) -> dict[str, Any]:
    """Ordinals have no history, nor has the choice of a best link that goes by them."""
    rows = sorted((replace(one, ordinal=0) for one in answer["links"]), key=repr)
    return {**answer, "links": rows, "best": len(answer["best"])}


# -- coverage ------------------------------------------------------------------------------------------------------

LATELY = SampleOutcome("skipped", at=day(6), reason="visited_lately: 2026-09-22")
COVERED: list[
    tuple[str, list[tuple[float, Any, float]], float | None, str | None]
] = [  # id, crawls (day of start, outcome and day of one URL), instant, what counts
    ("the_latest_crawl", [(0, "fetched", 1), (2, "failed", 3)], None, "failed"),
    ("visited_lately_is_no_attempt", [(0, "failed", 1), (2, LATELY, 6)], None, "failed"),
    ("visited_lately_is_no_attempt_twice", [(0, "fetched", 1), (2, LATELY, 6), (5, LATELY, 6)], None, "fetched"),
    ("visited_lately_before_an_attempt", [(0, LATELY, 6), (2, "blocked", 3)], None, "blocked"),
    ("visited_lately_alone", [(0, LATELY, 6)], None, "skipped"),
    ("visited_lately_alone_counts_once", [(0, LATELY, 6), (2, LATELY, 6)], None, "skipped"),
    ("skipped_for_another_reason", [(0, "fetched", 1), (2, "skipped", 3)], None, "skipped"),
    ("pending", [(0, "fetched", 1), (2, "pending", 3)], None, "pending"),
    ("as_of_before_the_second_crawl", [(0, "fetched", 1), (2, "failed", 3)], 1.5, "fetched"),
    ("as_of_before_a_decision_it_is_pending", [(0, "fetched", 1), (2, "failed", 3)], 2.5, "pending"),
    ("as_of_the_decision", [(0, "fetched", 1), (2, "failed", 3)], 3, "failed"),
    ("as_of_before_any_crawl", [(1, "fetched", 2)], 0.5, None),
    ("as_of_before_it_was_left_out", [(0, "fetched", 1), (2, LATELY, 6)], 5, "pending"),
    ("as_of_when_it_was_left_out", [(0, "fetched", 1), (2, LATELY, 6)], 6, "fetched"),
]


def test_coverage(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        for name, given_, at, counted in COVERED:
            crawls_ = [
                {A: state if isinstance(state, SampleOutcome) else SampleOutcome(state, at=day(end))}
                for _, state, end in given_
            ]
            sample = Sample(lists={"spring": [A]}, crawls=crawls_, started=[day(start) for start, *_ in given_])
            fill(conn, sample)
            as_of = None if at is None else day(at)
            for narrowed in ({}, {"list_name": "spring"}, {"source": ("alpha.org",)}):
                found = coverage(conn, whole(conn, as_of=as_of, **narrowed))
                expected = {} if counted is None else {"asked": 1, counted: 1}
                assert {key: value for key, value in found.items() if value} == expected, name


def test_the_outcomes_of_a_crawl_are_its_own(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, Sample(crawls=[{A: SampleOutcome(at=day(1))}, {A: LATELY}], started=[day(0), day(5)]))
        assert coverage(conn, whole(conn, crawl=2))["skipped"] == 1
        assert coverage(conn, whole(conn, crawl=2, as_of=day(5.5)))["pending"] == 1
        assert coverage(conn, whole(conn, crawl=2, as_of=day(4)))["asked"] == 0
        assert coverage(conn, whole(conn, crawl="last", as_of=day(4)))["fetched"] == 1


# -- the commands --------------------------------------------------------------------------------------------------

SAMPLE = Sample(
    links=[
        EDITED,
        SampleLink(B, HOME, "gone site"),
        SampleLink(C, HOME, "kept", first_seen=day(5), start=day(5)),
        SampleLink(C, HOME, "phantom", link_no=1, gone_at=day(7), last_seen=day(5), lost_cause="reread"),
    ],
    pages={
        A: OF_A,
        B: SamplePage.of([SampleVisit(day(0))], failed(1, 5, 9)),
        C: SamplePage.of([SampleVisit(day(5)), SampleVisit(day(7))]),
    },
)


@pytest.fixture
def ledger(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, SAMPLE)
    monkeypatch.setenv("LINKLEDGER_DB", database)
    return database


MOMENTS = [  # id, what is given, the instant, backlinks then (day 3 is 2026-09-24, from 14:13:20)
    ("a_date_is_its_whole_day", "2026-09-26", "2026-09-26T23:59:59.999Z", 4),
    ("a_time_is_that_instant", "2026-09-26T14:13:19Z", "2026-09-26T14:13:19.000Z", 3),
    ("without_zone_utc", "2026-09-26 14:13:20", "2026-09-26T14:13:20.000Z", 4),
    ("with_zone", "2026-09-26T16:13:20+02:00", "2026-09-26T14:13:20.000Z", 4),
]


@pytest.mark.parametrize(("text", "shown", "number"), [pytest.param(*row[1:], id=row[0]) for row in MOMENTS])
def test_a_moment_as_users_write_it(ledger: str, text: str, shown: str, number: int) -> None:
    answer = ask_json("links", "count", "acme.com", "--as-of", text)
    assert answer["filter"] == {"kind": "external", "state": "live", "as_of": shown}
    assert answer["backlinks"] == number


COMMANDS = [
    ("links", "count"), ("links", "list"), ("links", "sources"), ("links", "targets"), ("anchors", "top"),
    ("anchors", "list"), ("anchors", "search", "first"), ("anchors", "variants", "first"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(command[:2]) for command in COMMANDS])
def test_every_question_takes_an_instant(ledger: str, command: tuple[str, ...]) -> None:
    now, then = (ask_json(*command, "acme.com", *options) for options in ((), ("--as-of", "2026-09-24")))
    assert now["filter"] == {"kind": "external", "state": "live"}
    assert then["filter"]["as_of"] == "2026-09-24T23:59:59.999Z"
    assert {**now, "filter": None} != {**then, "filter": None}


def test_lost_after_shows_links_as_lost_and_writes_nothing(ledger: str) -> None:
    before = ask_json("links", "list", "acme.com", "--state", "any")
    answer = ask_json("links", "list", "acme.com", "--lost-after", "3", "--state", "lost")
    assert answer["filter"] == {"kind": "external", "state": "lost", "lost_after": 3}
    assert [(row["source"], row["lost_cause"], row["found_lost_at"], row["last_seen"]) for row in answer["links"]] == [
        (A, "removed", to_iso(day(12)), to_iso(day(10))),
        (B, "domain_gone", to_iso(day(9)), to_iso(day(0))),
    ]
    assert ask_json("links", "count", "acme.com", "--lost-after", "3")["backlinks"] == 1
    assert ask_json("anchors", "top", "acme.com", "--lost-after", "3")["links"] == 1
    assert ask_json("anchors", "list", "acme.com", "--lost-after", "3", "--state", "lost")["total"] == 2
    assert ask_json("links", "list", "acme.com", "--state", "any") == before


def test_what_was_read_away_is_neither_live_nor_lost(ledger: str) -> None:
    for options, number in (((), 1), (("--as-of", "2026-10-10"), 1), (("--placement", "main"), 1)):
        assert (
            ask_json("links", "count", "acme.com", "--source", "beta.org", "--state", "any", *options)["backlinks"]
            == number
        )
        rows = ask_json("anchors", "list", "acme.com", "--source", "beta.org", "--state", "any", *options)["anchors"]
        assert [row["anchor"] for row in rows] == ["kept"]
    assert ask_json("links", "count", "acme.com")["left_out"] == {"internal": 0, "lost": 1, "internal_lost": 0}


def test_spans_end_at_the_instant(ledger: str) -> None:
    then = ("--as-of", "2026-09-26T20:00:00")
    assert ask_json("links", "count", "acme.com", *then, "--confirmed-within", "1d")["backlinks"] == 2
    assert ask_json("links", "count", "acme.com", *then, "--first-seen", "1d..")["backlinks"] == 1


def test_zero_says_when_the_first_was_seen(ledger: str) -> None:
    result = ask("links", "count", "acme.com", "--as-of", "2026-01-01", "--format", "json")
    assert (
        "acme.com: no link was known by 2026-01-01T23:59:59.999Z; the first was seen on 2026-09-21T14:13:20.000Z"
        in result.stderr
    )


def test_a_table_says_of_when_it_is(ledger: str) -> None:
    lines = ask("links", "count", "acme.com", "--as-of", "2026-09-26", "--format", "table").stdout.splitlines()
    assert lines[0] == "domain acme.com: 4 links, as of 2026-09-26T23:59:59.999Z"


BAD = [
    ("no_date", ("--as-of", "yesterday"), "--as-of"),
    ("impossible_date", ("--as-of", "2026-02-30"), "neither a date"),
    ("no_attempt", ("--lost-after", "0"), "--lost-after"),
]


@pytest.mark.parametrize(("options", "said"), [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_what_cannot_be_meant_is_a_usage_error(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    there = tmp_path / "none.db"
    result = ask("links", "count", "acme.com", *options, "--db", f"sqlite:///{there}")
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert not there.exists()


def test_both_databases_answer_with_the_same_bytes(tmp_path: Path, postgres_url: str) -> None:
    databases = [f"sqlite:///{tmp_path / 'ledger.db'}", postgres_url]
    for database in databases:
        with open_ledger(new_ledger(database), write=True) as conn:
            fill(conn, SAMPLE)
    for command, target, options in itertools.product(
        COMMANDS,
        (("acme.com",), (HOME,)),
        (("--as-of", "2026-09-24"), ("--as-of", "2026-10-10", "--lost-after", "2", "--state", "any")),
    ):
        both = [ask(*command, *target, *options, "--format", "json", "--db", one) for one in databases]
        assert both[0].exit_code == 0, both[0].stderr
        assert both[0].stdout == both[1].stdout
