"""What reading a page again writes: rows as the database itself counts them, on both databases."""

from __future__ import annotations

import random

import pytest

from benchmarks.recrawl import CHANGED, KINDS, ROWS_BOUND, WEEK, changed, changes_so_far, store, twice, two_weeks
from benchmarks.write import pages
from storage.engine import Ledger, create_ledger
from storage.records import Reading

PAGES = 100
UNCHANGED = 5
"""The crawl itself, the outcome when it is wanted and when it is known, the visit, the page."""
SMALL_CHANGE = 20
"""Besides: the record, the address and the words of a new link, a link and an anchor version ended and begun, sums."""


def test_a_recrawl_writes_few_rows(database: str) -> None:
    *weeks, mix = two_weeks(PAGES)
    first, again = twice(database, *weeks)
    assert set(mix) == set(KINDS)
    assert again.done["unchanged"] == PAGES - PAGES // CHANGED
    assert first.rows > PAGES * 100
    assert again.rows < ROWS_BOUND * first.rows, (again.rows, first.rows)
    # What the writer says of itself is true: the rest are dictionaries and sums.
    assert again.done["rows_written"] <= again.rows
    assert again.rows - again.done["rows_written"] < first.rows - first.done["rows_written"]


@pytest.mark.parametrize("kind", ["nothing", *KINDS])
def test_a_small_change_costs_little_however_many_links_there_are(database: str, kind: str) -> None:
    create_ledger(database, psl="test")
    (before,) = pages(1)
    page = before.page
    assert page is not None
    wide = page._replace(
        links=tuple(
            link._replace(ordinal=turn * len(page.links) + link.ordinal) for turn in range(6) for link in page.links
        )
    )
    rows = []
    with Ledger(database) as ledger:
        dice = random.Random(4)
        for week in range(4):
            at = before.at + week * WEEK
            read = Reading(
                before.requested, "fetched", at, status=200, final=page.url, response=before.response, page=wide
            )
            rows.append(store(ledger, [read], at).rows)
            if kind != "nothing":
                wide = changed(wide, kind, dice)
        assert changes_so_far(ledger) >= sum(rows)
    assert rows[0] > 2 * len(page.links)
    assert max(rows[1:]) <= UNCHANGED + (0 if kind == "nothing" else SMALL_CHANGE), rows
