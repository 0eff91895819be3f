"""The picture of docs/data-model.md: its seven weeks are read, and every mark in it is looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from readings import RULES, failed, link, reading, url

from storage.codes import BEGAN, LOST_CAUSES
from storage.engine import Ledger, create_ledger
from storage.records import Hop, Reading
from storage.writer import write_readings

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "data-model.md").read_text("utf-8")
FIRST, APART = 19, 7
"""Columns of the picture: where week 1 stands, and how far the next one."""
PAGE, NEW, ONE, TWO, THREE = (f"https://blog.example/{name}" for name in ("old", "new", "1", "2", "3"))


def picture() -> dict[str, list[str]]:
    """The picture's lines by the words at their beginning; lines of the same words in their order."""
    after = TEXT.index("This is one page over seven weeks")
    start = TEXT.index("```text\n", after)
    found: dict[str, list[str]] = {}
    for line in TEXT[start : TEXT.index("\n```", start)].splitlines()[1:]:
        found.setdefault(line[: FIRST - 1].strip(), []).append(line[: FIRST + 6 * APART + 3])
    return found


def weeks(line: str, marks: str) -> list[int]:
    return [(place - FIRST) // APART + 1 for place, mark in enumerate(line) if mark in marks and place >= FIRST]


def cell(line: str, week: int) -> str:
    """What stands at a week, centred on its column."""
    middle = FIRST + (week - 1) * APART
    return line[middle - 1 : middle + 2].strip(" -") or "-"


ONE_EDITED = link(ONE, "one, edited")
ONE_NOFOLLOW = ONE_EDITED._replace(rel=("nofollow",), follow_cause=("rel",))
A = [link(ONE, "one"), link(TWO, "two")]
B = [link(THREE, "Checking your browser")]
C = [ONE_EDITED, link(THREE, "three")]
D = [ONE_NOFOLLOW, link(TWO, "two"), link(THREE, "three")]
WEEKS: list[Reading] = [
    reading(PAGE, A, 1),
    reading(PAGE, A, 2),
    failed(PAGE, 3, 503),
    reading(PAGE, B, 4, outcome="suspect", reason="challenge"),
    reading(PAGE, C, 5),
    reading(PAGE, D, 6),
    reading(NEW, D, 7, requested=PAGE, chain=(Hop(url(PAGE), 301),)),
]


@pytest.fixture
def told(database: str) -> Iterator[tuple[Ledger, list[dict[str, Any]]]]:
    """The ledger after seven weeks, and the row of the page after each."""
    create_ledger(database, psl="test")
    pages: list[dict[str, Any]] = []
    with Ledger(database) as ledger:
        for one in WEEKS:
            write_readings(ledger, None, [one], rules_version=RULES)
            with ledger.connect() as conn:
                row = conn.exec_driver_sql(
                    "SELECT p.first_ok, p.last_ok, p.confirmed, p.links, v.at AS suspect FROM page p"
                    f" JOIN url u ON u.id = p.id LEFT JOIN visit v ON v.id = p.suspect_id WHERE u.url = '{PAGE}'"
                ).one()
                pages.append(dict(row._mapping))
        yield ledger, pages


def rows(ledger: Ledger, question: str) -> list[tuple[Any, ...]]:
    with ledger.connect() as conn:
        return [tuple(row) for row in conn.exec_driver_sql(question)]


OF_PAGE = f"JOIN url s ON s.id = f.source_id AND s.url = '{PAGE}' JOIN url t ON t.id = f.target_id"


def test_the_picture(told: tuple[Ledger, list[dict[str, Any]]]) -> None:
    ledger, pages = told
    drawn = picture()
    visits = rows(ledger, f"SELECT v.at, v.complete, v.record_id FROM visit v JOIN url u ON u.id = v.page_id"
                          f" WHERE u.url = '{PAGE}' ORDER BY v.at")  # fmt: skip
    assert weeks(drawn["visit"][0], "o") == [at for at, complete, _ in visits if complete]
    assert weeks(drawn["visit"][0], "?") == [at for at, complete, _ in visits if not complete]
    names = [cell(drawn["record"][0], at) for at, _, _ in visits]
    assert len(set(zip(names, [record for _, _, record in visits], strict=True))) == len(set(names)) == 4
    misses = rows(ledger, f"SELECT m.at, m.cause FROM miss m JOIN url u ON u.id = m.page_id WHERE u.url = '{PAGE}'"
                          " ORDER BY m.at")  # fmt: skip
    assert weeks(drawn["miss"][0], "x") == [at for at, _ in misses]
    assert [LOST_CAUSES[cause] for _, cause in misses] == ["", "page_redirected"]
    for week, page in enumerate(pages, start=1):
        shown = [cell(drawn[f"page.{name}"][0], week) for name in ("first_ok", "last_ok", "links")]
        assert shown == [str(page["first_ok"]), str(page["last_ok"]), str(page["links"])], week
        assert cell(drawn["page.suspect_id"][0], week) == str(page["suspect"] or "-"), week
        assert cell(drawn["page.confirmed"][0], week) == ("yes" if page["confirmed"] else "no"), week
    for number, target in enumerate((ONE, TWO, THREE)):
        for table, line in (("link", drawn[f"link {number + 1}"][0]), ("anchor", drawn["its anchor"][number])):
            versions = rows(ledger, f"SELECT f.valid_from, f.gone_at FROM {table} f {OF_PAGE} WHERE t.url = '{target}'"
                                    " ORDER BY f.valid_from")  # fmt: skip
            assert weeks(line, "[") == [begun for begun, _ in versions], (table, number)
            assert weeks(line, "#") == [gone for _, gone in versions if gone], (table, number)


def test_the_rows_below_it(told: tuple[Ledger, list[dict[str, Any]]]) -> None:
    ledger, _ = told
    after = TEXT.index("The rows that are there in the end")
    lines = TEXT[after:].split("\n\n")[1].splitlines()
    names = [cell.strip(" `") for cell in lines[0].strip("|").split("|")]
    shown = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[2:]]
    kept = rows(ledger, f"SELECT t.url, {', '.join(f'f.{name}' for name in names[1:])} FROM link f {OF_PAGE}"
                        " ORDER BY t.url, f.valid_from")  # fmt: skip
    said = [
        [target[-1], *("" if one is None else str(one) for one in row), LOST_CAUSES[cause], BEGAN[began]]
        for target, *row, cause, began in kept
    ]
    assert said == shown
    (dates,) = re.findall(r"as `moved`, with the first dates (\d), (\d) and (\d)", TEXT)
    moved = rows(ledger, "SELECT f.first_seen, f.began FROM link f JOIN url s ON s.id = f.source_id"
                         f" JOIN url t ON t.id = f.target_id WHERE s.url = '{NEW}' ORDER BY t.url")  # fmt: skip
    assert moved == [(int(date), BEGAN.index("moved")) for date in dates]
