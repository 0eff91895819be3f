"""Dates as pages write them, and the newest that may be true."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from audit.page_dates import EARLIEST, _fold, dates_in, newest

AT = int(datetime(2024, 6, 1, 12, tzinfo=UTC).timestamp() * 1000)
MAY = date(2024, 5, 12)
MONTHS = Path(__file__).parents[1] / "audit" / "data" / "months.toml"

WRITTEN = [
    ("iso", "Updated 2024-05-12T10:00", MAY),
    ("year_first_slashes", "2024/05/12", MAY),
    ("year_first_dots", "2024. 5. 12.", MAY),
    ("day_first_dots", "Stand: 12.5.2024.", MAY),
    ("german_short", "12.05.2024 von Eva", MAY),
    ("english", "12 May 2024", MAY),
    ("english_by_month", "May 12, 2024", MAY),
    ("english_ordinal", "the 12th of May, 2024", MAY),
    ("english_short", "Posted Sep. 3rd 2023 by Jo", date(2023, 9, 3)),
    ("german", "12. Mai 2024", MAY),
    ("german_umlaut", "3. März 2024", date(2024, 3, 3)),
    ("french", "le 1er août 2023", date(2023, 8, 1)),
    ("spanish", "12 de mayo de 2024", MAY),
    ("italian", "12 maggio 2024", MAY),
    ("portuguese", "12 de maio de 2024", MAY),
    ("dutch", "12 mei 2024", MAY),
    ("swedish", "12 maj 2024", MAY),
    ("danish", "d. 12. maj 2024", MAY),
    ("finnish", "12. toukokuuta 2024", MAY),
    ("polish", "12 maja 2024 r.", MAY),
    ("czech", "12. května 2024", MAY),
    ("hungarian", "2024. május 12.", MAY),
    ("romanian", "12 mai 2024", MAY),
    ("russian", "12 мая 2024 г.", MAY),
    ("ukrainian", "12 травня 2024 року", MAY),
    ("turkish", "12 Mayıs 2024", MAY),
    ("turkish_capitals", "2 KASIM 2023", date(2023, 11, 2)),
    ("greek", "12 Μαΐου 2024", MAY),
    ("arabic", "12 مايو 2024", MAY),
    ("hebrew", "12 במאי 2024", MAY),
    ("hindi", "12 मई 2024", MAY),
    ("indonesian", "12 Mei 2024", MAY),
    ("thai_calendar", "12 พฤษภาคม 2567", MAY),
    ("japanese", "2024年5月12日", MAY),
    ("korean", "2024년 5월 12일", MAY),
    ("vietnamese", "ngày 12 tháng 5 năm 2024", MAY),
    ("full_width", "２０２４年５月１２日", MAY),
]


@pytest.mark.parametrize(("text", "day"), [pytest.param(*row[1:], id=row[0]) for row in WRITTEN])
def test_a_written_date_is_found(text: str, day: date) -> None:
    assert set(dates_in(text)) == {day}


@pytest.mark.parametrize(
    "text",
    [
        "May 2024",
        "© 2024",
        "version 1.2.2024.5",
        "31 February 2024",
        "2024-13-40",
        "call 555-12-2024-1",
        "in may 12 of us",
    ],
)
def test_what_is_no_whole_date_is_none(text: str) -> None:
    assert list(dates_in(text)) == []


@pytest.mark.parametrize(
    ("lang", "text", "day"),
    [
        pytest.param("en-US", "3/4/2024", date(2024, 3, 4), id="american_by_month"),
        pytest.param("en-GB", "3/4/2024", date(2024, 4, 3), id="british_by_day"),
        pytest.param("fr", "3/4/2024", date(2024, 4, 3), id="french_by_day"),
        pytest.param("en", "3/4/2024", date(2024, 3, 4), id="open_takes_the_earlier"),
        pytest.param(None, "4/3/2024", date(2024, 3, 4), id="unknown_takes_the_earlier"),
        pytest.param("en-US", "25/4/2024", date(2024, 4, 25), id="no_month_25"),
        pytest.param("en-GB", "4/25/2024", date(2024, 4, 25), id="no_month_25_either_way"),
        pytest.param("en-US", "3.4.2024", date(2024, 4, 3), id="dots_are_by_day"),
    ],
)
def test_numbers_in_either_order(lang: str | None, text: str, day: date) -> None:
    assert list(dates_in(text, lang)) == [day]


def test_the_newest_is_never_after_the_reading() -> None:
    found = newest("12 May 2024, next meeting 3 June 2024", path="/", at=AT, last_modified=None)
    assert found == (MAY, "text")


def test_what_is_too_old_is_no_date_of_a_page() -> None:
    assert newest("founded 1 May 1901", path="/", at=AT, last_modified=None) is None


def test_the_path_may_say_it() -> None:
    assert newest("", path="/2024/05/12/a-post", at=AT, last_modified=None) == (MAY, "url")
    assert newest("5 May 2024", path="/2024/05/12", at=AT, last_modified=None) == (MAY, "url")


def test_the_header_speaks_only_where_the_page_says_nothing() -> None:
    header = "Fri, 31 May 2024 10:00:00 GMT"
    assert newest("no date", path="/", at=AT, last_modified=header) == (date(2024, 5, 31), "last_modified")
    assert newest("12 May 2024", path="/", at=AT, last_modified=header) == (MAY, "text")
    assert newest("", path="/", at=AT, last_modified="yesterday") is None
    assert newest("", path="/", at=AT, last_modified="Sat, 01 Jun 2030 10:00:00 GMT") is None


def test_no_name_means_two_months() -> None:
    meant: dict[str, set[int]] = defaultdict(set)
    lists = tomllib.loads(MONTHS.read_text("utf-8"))
    for months in lists.values():
        assert len(months) == 12
        for number, names in enumerate(months, 1):
            for name in names:
                meant[_fold(name)].add(number)
    assert not {name: numbers for name, numbers in meant.items() if len(numbers) > 1}


@given(
    st.text(max_size=80),
    st.text(alphabet="0123456789-/. Maymai年月日", max_size=40),
    st.sampled_from(["en-US", "de", None]),
)
@settings(max_examples=examples(60))
def test_whatever_stands_there_the_newest_is_plausible(words: str, dates: str, lang: str | None) -> None:
    found = newest(f"{words} {dates}", path=f"/{dates}", at=AT, last_modified=words, lang=lang)
    assert found is None or EARLIEST <= found.day <= date(2024, 6, 1)
