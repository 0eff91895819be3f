"""A ledger holds what docs/history.md says: hand-made histories, and random ones against an independent model.

A random history that fails is shortened and printed as rows of tests/history_rows.py are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from histories import Facts, Step, deliver, ledger_as_of, ledger_facts, model_as_of, model_facts, modelled
from history_rows import ROWS, Row, told
from hypothesis import given
from hypothesis import strategies as st
from oracle_page import common
from proof import examples
from random_histories import history, one_by_one, shuffled

from storage.align import common_subsequence
from storage.check import check
from storage.dump import dump
from storage.engine import Ledger, create_ledger
from storage.errors import LedgerError

SHARES = {"sqlite": 20, "postgresql": 6}
"""Random histories of each part on each kind of database, in the short form."""
PARTS = 4


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A new ledger on each kind of database; what it claims is recomputed when the test is over."""
    create_ledger(database, psl="test")
    with Ledger(database) as opened:
        yield opened
        with opened.connect() as conn:
            assert [one for one in check(conn) if one.wrong] == []


# -- hand-made histories --------------------------------------------------------------------


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in ROWS.items()])
def test_the_model_says_what_the_words_say(row: Row) -> None:
    assert told(row, model_facts(modelled(row.steps))) == in_order(row)


def test_a_ledger_holds_what_the_words_say(ledger: Ledger) -> None:
    for number, row in enumerate(ROWS.values()):
        deliver(ledger, one_by_one(row.steps), f"row{number}")
    with ledger.connect() as conn:
        found = {name: told(row, ledger_facts(conn, f"row{number}")) for number, (name, row) in enumerate(ROWS.items())}
    assert found == {name: in_order(row) for name, row in ROWS.items()}


def in_order(row: Row) -> Row:
    return row._replace(links=_sorted(row.links), words=_sorted(row.words), pages=_sorted(row.pages))


def _sorted(lines: list[str] | None) -> list[str] | None:
    return None if lines is None else sorted(lines)


# -- alignment ------------------------------------------------------------------------------

WORDS = st.lists(st.sampled_from("abcde"), max_size=14)


@given(WORDS, WORDS)
def test_of_several_longest_common_subsequences_both_choose_the_same(old: list[str], new: list[str]) -> None:
    assert common(old, new) == common_subsequence([ord(one) for one in old], [ord(one) for one in new])


# -- random histories -----------------------------------------------------------------------


def test_random_histories_reach_every_rule() -> None:
    met: Counter[str] = Counter()
    for seed in range(400):
        steps = history(seed)
        said = {(step.page, step.at): step.outcome for step in steps if step.doc is not None}
        facts = model_facts(modelled(steps))
        met.update(one.cause for one in facts.links)
        met.update(f"began {one.began}" for one in facts.links)
        met.update(f"only {one.seen_by}" for one in facts.links)
        met.update(f"words {one.began}" for one in facts.anchors if one.first_seen < one.valid_from)
        for visit in facts.visits:
            met[f"{said[visit.page, visit.at]}, {'complete' if visit.complete else 'not complete'}"] += 1
        met.update("waits" for one in facts.pages if one.suspect is not None)
    causes = ["removed", "page_not_found", "page_redirected", "moved", "reread"]
    began = [f"began {one}" for one in ("link_added", "page_first_seen", "restored", "changed", "moved", "reread")]
    visits = ["fetched, complete", "fetched, not complete", "suspect, complete", "suspect, not complete"]
    seen = ["only raw", "only rendered", "only wat", "only both"]
    others = ["words restored", "words changed", "words moved", "waits"]
    assert [one for one in (*causes, *began, *visits, *seen, *others) if met[one] < 20] == []


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_random_histories_equal_the_model_in_any_order_of_arrival(ledger: Ledger, part: int) -> None:
    for number in range(examples(SHARES[ledger.dialect.name])):
        seed = number * PARTS + part
        steps = history(seed)
        found = differences(ledger, steps, seed, f"h{seed}")
        if found:
            steps, found = shortened(ledger, steps, seed, found)
            pytest.fail("\n".join([f"seed {seed}", "[", *(f"    {one!r}," for one in steps), "]", *found]))


def differences(ledger: Ledger, steps: list[Step], seed: int, site: str) -> list[str]:
    """Where a ledger is not what the model says, filled by date and in another order, now and as of any date."""
    made = modelled(steps)
    expected = model_facts(made)
    found: list[str] = []
    for way, arrivals in (("by date", one_by_one(steps)), ("shuffled", shuffled(steps, seed))):
        name = f"{site}{way[0]}"
        try:
            deliver(ledger, arrivals, name)
        except LedgerError as error:
            return [f"{way}: {error!r}"]
        with ledger.connect() as conn:
            found += unlike(way, expected, ledger_facts(conn, name))
            dates = {step.at + more for step in steps for more in (-1, 0)} if way == "by date" else set()
            for date in sorted(dates):
                if model_as_of(made, date) != ledger_as_of(conn, name, date):
                    found.append(f"{way}: as of {date}")
        if found:
            if way == "shuffled":
                found += ["arrivals:", *(f"    {batch!r}," for batch in arrivals)]
            break
    return found


@pytest.mark.proof
def test_any_order_of_arrival_gives_the_same_dump_on_both_databases(tmp_path: Path, postgres_url: str) -> None:
    ways: list[tuple[str, Callable[[list[Step], int], list[list[Step]]]]] = [
        (f"sqlite:///{tmp_path / 'by_date.db'}", lambda steps, seed: one_by_one(steps)),
        (f"sqlite:///{tmp_path / 'shuffled.db'}", shuffled),
        (postgres_url, lambda steps, seed: shuffled(steps, seed + 1)),
    ]
    told = []
    for database, arrivals in ways:
        create_ledger(database, psl="test")
        with Ledger(database) as ledger:
            for seed in range(examples(8)):
                deliver(ledger, arrivals(history(1_000_000 + seed), seed), f"d{seed}")
            with ledger.connect() as conn:
                told.append(list(dump(conn, times=True)))
    by_date, *others = told
    assert len(by_date) > examples(8)
    for other in others:
        # The sets first: what is in one and not in the other says more than the first line that differs.
        assert (set(by_date) - set(other), set(other) - set(by_date)) == (set(), set())
        assert other == by_date


def unlike(way: str, expected: Facts, stored: Facts) -> list[str]:
    found: list[str] = []
    tables: Iterable[tuple[str, list[Any], list[Any]]] = zip(Facts._fields, expected, stored, strict=True)
    for name, should, does in tables:
        found += [f"{way}, {name}: the model has  {one}" for one in should if one not in does]
        found += [f"{way}, {name}: the ledger has {one}" for one in does if one not in should]
        if not found and should != does:
            found.append(f"{way}, {name}: {len(does)} rows, not {len(should)}")
    return found


def shortened(ledger: Ledger, steps: list[Step], seed: int, found: list[str]) -> tuple[list[Step], list[str]]:
    """A history that fails too, of as few readings as leaving out one after the other finds."""
    tries, place = 0, 0
    while place < len(steps):
        fewer = steps[:place] + steps[place + 1 :]
        tries += 1
        less = differences(ledger, fewer, seed, f"h{seed}x{tries}x")
        if less:
            steps, found, place = fewer, less, 0
        else:
            place += 1
    return steps, found
