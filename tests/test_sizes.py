"""Texts of any size and numbers of any height: both databases store them, alike, beside their neighbours."""

from __future__ import annotations

from random import Random

from fuzzing import long_text
from readings import RULES, link, reading, url

from storage.check import check
from storage.dictionaries import ensure_urls
from storage.dump import dump
from storage.engine import Ledger, create_ledger
from storage.records import Anchor, Hop, Reading, Response
from storage.text import LONGEST_TEXT
from storage.writer import write_readings

MEGABYTE = 1_000_000


def readings() -> list[Reading]:
    random = Random(4)
    noise = long_text(random, 5 * MEGABYTE)  # what no index compresses away
    anchors = [noise[:MEGABYTE], noise, noise[:-1] + "!", "words"]
    links = [
        link("https://shop.example/", rel=(noise[:70_000],), ordinal=place)._replace(
            anchor=Anchor(words, "text"), target=url(f"https://t{place}.example/{noise[:MEGABYTE]}{place}")
        )
        for place, words in enumerate(anchors)
    ]
    high = reading(
        "https://high.example/",
        links[3:],
        2,
        status=2**63,
        chain=(Hop(url("https://x.example/"), 2**40),),
        response=Response(2**31, "text/html", 2**40, "c0ffee", noise, noise, (("Link", noise[: 2 * MEGABYTE]),)),
    )
    return [
        reading("https://before.example/", [("https://shop.example/", "good")], 1),
        reading("https://www.blog.example/" + noise[:MEGABYTE], links, 1),
        high,
        reading("https://" + "h" * MEGABYTE + ".example/", [("https://shop.example/", "good")], 3),
        reading("https://after.example/", [("https://shop.example/", "good")], 4),
    ]


def test_megabytes_and_numbers_no_column_holds(database: str) -> None:
    given = readings()
    create_ledger(database, psl="test")
    with Ledger(database) as ledger:
        done = write_readings(ledger, None, given, rules_version=RULES)
        assert (done.readings, done.pages) == (5, 5)
        with ledger.connect() as conn:
            assert [one for one in check(conn) if one.wrong] == []
            texts = [row[0] for row in conn.exec_driver_sql("SELECT text FROM anchor_text ORDER BY length(text), text")]
            urls = [row[0] for row in conn.exec_driver_sql("SELECT url FROM url")]
            lines = list(dump(conn))
        again = write_readings(ledger, None, given, rules_version=RULES)
        assert again.redelivered == 5
        assert again.rows_written == 0
    whole, *cut = texts[2:]
    assert texts[:2] == ["good", "words"]
    assert len(whole) == MEGABYTE
    assert len(cut) == 2, "two texts that differ behind the limit stay two"
    for text in cut:
        assert len(text) <= LONGEST_TEXT
        assert "… [cut: 5000000 characters, " in text
    assert sum(len(one) > MEGABYTE for one in urls) == 6
    assert sum('"words":"good"' in line or '"anchor":"good"' in line for line in lines) == 3


def test_more_rows_than_a_statement_has_room_for(database: str) -> None:
    """PostgreSQL takes 65,535 parameters in a statement; 20,000 URLs have 80,000."""
    create_ledger(database, psl="test")
    with Ledger(database) as ledger, ledger.begin() as conn:
        ids = ensure_urls(conn, (url(f"https://shop.example/{number}") for number in range(20_000)))
        assert len(set(ids.values())) == 20_000
        assert conn.exec_driver_sql("SELECT count(*) FROM url").scalar_one() == 20_000
