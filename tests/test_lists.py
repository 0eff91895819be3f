"""Kept lists: rows, origins, the user's columns, and what became of each page; on both databases."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from crawler.seeds import read_seeds
from storage.engine import Ledger, create_ledger
from storage.errors import UnknownName
from storage.frontier import add_list, start_crawl
from storage.lists import FileRows, list_id, list_rows, lists, save_rows
from storage.outcomes import Settled, settle
from storage.records import CanonicalUrl, SeedRow

NOW, LATER = 1_790_000_000_000, 1_790_600_000_123


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    create_ledger(database, psl="test")
    with Ledger(database) as opened:
        yield opened


def seeds(text: str, file: str = "a.csv") -> list[SeedRow]:
    """The good rows of a list, as if read from ``file``."""
    rows = read_seeds(["-"], stdin=io.BytesIO(text.encode()))
    return [row._replace(file=file) for row in rows if isinstance(row, SeedRow)]


SPRING = (
    'page,contact,price\nhttps://one.example.com/a,Ann,"1,200"\nhttps://blog.example.com/b,,\nbroken one,x,1\n'
    "HTTPS://one.example.com:443/a#top,Ann again,\nbücher.example.org,Bob ☕,3\n"
)


def test_a_file_of_any_name_is_kept(ledger: Ledger) -> None:
    """Beyond what an index holds, by its beginning and a hash: the same file again is still the same one."""
    dice = random.Random(1)
    long = "".join(chr(dice.randrange(0x4E00, 0x9FFF)) for _ in range(4_000))
    for name in (long, long + "!", long):
        with ledger.begin() as conn:
            saved = save_rows(conn, "spring", seeds("https://one.example.com/a\n", file=name), NOW)
    assert saved.replaced == 1
    with ledger.connect() as conn:
        (found,) = lists(conn)
    assert [(row.rows, row.file.startswith(long[:400] + "~")) for row in found.files] == [(1, True), (1, True)]


def test_rows_come_back_with_columns_and_origin(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        saved = save_rows(conn, "spring", seeds(SPRING), NOW)
        assert (saved.rows, saved.replaced) == (4, 0)
        assert saved.list_id == list_id(conn, "spring")
    with ledger.connect() as conn:
        rows = list(list_rows(conn, "spring"))
        (found,) = lists(conn)
    assert [(row.file, row.line, row.url, row.given, row.columns) for row in rows] == [
        ("a.csv", 2, "https://one.example.com/a", "https://one.example.com/a", {"contact": "Ann", "price": "1,200"}),
        ("a.csv", 3, "https://blog.example.com/b", "https://blog.example.com/b", {}),
        ("a.csv", 5, "https://one.example.com/a", "HTTPS://one.example.com:443/a#top", {"contact": "Ann again"}),
        ("a.csv", 6, "https://xn--bcher-kva.example.org/", "bücher.example.org", {"contact": "Bob ☕", "price": "3"}),
    ]
    assert {(row.outcome, row.crawl, row.at, row.added_at) for row in rows} == {(None, None, None, NOW)}
    assert (found.name, found.rows, found.pages, found.hosts, found.domains) == ("spring", 4, 3, 3, 2)
    assert (found.files, found.created_at, found.crawls) == ((FileRows("a.csv", 4),), NOW, ())


def test_a_file_given_again_replaces_its_rows_only(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        save_rows(conn, "spring", seeds(SPRING), NOW)
        save_rows(conn, "spring", seeds("https://two.example.com/\n", "b.txt"), NOW)
        save_rows(conn, "autumn", seeds(SPRING), NOW)
    with ledger.begin() as conn:
        saved = save_rows(conn, "spring", seeds("https://three.example.com/\n"), LATER)
        assert (saved.rows, saved.replaced) == (1, 4)
    with ledger.connect() as conn:
        rows = [(row.file, row.line, row.url, row.added_at) for row in list_rows(conn, "spring")]
        assert rows == [
            ("a.csv", 1, "https://three.example.com/", LATER),
            ("b.txt", 1, "https://two.example.com/", NOW),
        ]
        assert [(found.name, found.rows, found.created_at) for found in lists(conn)] == [
            ("autumn", 4, NOW),
            ("spring", 2, NOW),
        ]


@pytest.mark.parametrize("origin", ["argument", "-"])
def test_rows_of_no_file_are_added(ledger: Ledger, origin: str) -> None:
    first, again = (
        "https://one.example.com/\nhttps://two.example.com/\n",
        "https://two.example.com/\nhttps://three.example.com/\n",
    )
    with ledger.begin() as conn:
        save_rows(conn, "spring", seeds(first, origin), NOW, files=[origin])
        saved = save_rows(conn, "spring", seeds(again, origin), LATER, files=[origin])
        assert (saved.rows, saved.replaced) == (2, 1)
        assert [(row.line, row.url, row.added_at) for row in list_rows(conn, "spring")] == [
            (1, "https://one.example.com/", NOW),
            (3, "https://two.example.com/", LATER),
            (4, "https://three.example.com/", LATER),
        ]


def test_a_file_without_good_rows_empties_its_part(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        save_rows(conn, "spring", seeds(SPRING), NOW)
        saved = save_rows(conn, "spring", [], LATER, files=["a.csv", "b.csv"])
        assert (saved.rows, saved.replaced) == (0, 4)
        assert list(list_rows(conn, "spring")) == []
        (found,) = lists(conn, "spring")
    assert (found.rows, found.pages, found.domains, found.files) == (0, 0, 0, ())


def test_two_rows_of_one_line_are_the_first(ledger: Ledger) -> None:
    """However far apart: the key of a row is its file and line."""
    (row,) = seeds("https://one.example.com/\n")
    (other,) = seeds("https://two.example.com/\n")
    filling = [row._replace(line=number) for number in range(2, 5000)]
    with ledger.begin() as conn:
        assert save_rows(conn, "spring", [row, *filling, other], NOW).rows == 4999
        assert next(list_rows(conn, "spring")).url == "https://one.example.com/"


def test_texts_of_any_kind_are_kept(ledger: Ledger) -> None:
    """NUL and lone surrogates are replaced, as everywhere in a ledger; length does not matter."""
    (row,) = seeds("https://one.example.com/\n")
    odd = row._replace(given="a\0b\ud800", file="f\0\udc80.csv", columns={"x\0": "y\0", "long": "z" * 1_000_000})
    with ledger.begin() as conn:
        save_rows(conn, "spr\0ing", [odd], NOW)
        save_rows(conn, "spr\0ing", [odd], NOW)
        (back,) = list_rows(conn, "spr\0ing")
    assert (back.file, back.given) == ("f\ufffd\ufffd.csv", "a\ufffdb\ufffd")
    assert back.columns["long"] == "z" * 1_000_000


def test_an_unknown_list_is_named_with_those_there_are(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        with pytest.raises(UnknownName, match="the ledger has no list yet"):
            list_rows(conn, "spring")
        save_rows(conn, "autumn", seeds(SPRING), NOW)
        with pytest.raises(UnknownName, match="no list named 'spring'; known: autumn"):
            lists(conn, "spring")


def outcome(conn: object, ledger: Ledger, crawl: int, url: str, **changed: object) -> None:
    """Settle one URL of a crawl."""
    from storage.dictionaries import find_url_ids

    id_ = find_url_ids(conn, [url])[url]  # type: ignore[arg-type]
    values: dict[str, object] = {
        "url_id": id_, "state": "failed", "reason": "timeout", "status": None, "chain": None, "final_id": None,
        "visit_id": None, "at": LATER,
    }  # fmt: skip
    settle(ledger.dialect, conn, crawl, [Settled(**(values | changed))])  # type: ignore[arg-type]


def crawled(ledger: Ledger) -> None:
    """A list crawled twice: the first page failed, then pending; the second blocked; the third not in the second."""
    with ledger.begin() as conn:
        saved = save_rows(conn, "spring", seeds(SPRING), NOW)
        other = save_rows(conn, "other", seeds("https://one.example.com/a\n", "argument"), NOW)
        first = start_crawl(conn, plan="{}", list_id=saved.list_id, now=NOW)
        add_list(conn, first, saved.list_id)
        outcome(conn, ledger, first, "https://one.example.com/a")
        outcome(conn, ledger, first, "https://blog.example.com/b", state="blocked", reason="robots:disallow /b")
        second = start_crawl(conn, plan="{}", list_id=other.list_id, now=LATER)
        add_list(conn, second, other.list_id)
        assert (first, second) == (1, 2)


def test_rows_show_the_latest_outcome_of_their_page(ledger: Ledger) -> None:
    crawled(ledger)
    with ledger.connect() as conn:
        rows = [(row.line, row.outcome, row.reason, row.crawl, row.at) for row in list_rows(conn, "spring")]
        used = {found.name: found.crawls for found in lists(conn)}
    assert rows == [
        (2, "pending", None, 2, None),
        (3, "blocked", "robots:disallow /b", 1, LATER),
        (5, "pending", None, 2, None),
        (6, "pending", None, 1, None),
    ]
    assert used == {"spring": (1,), "other": (2,)}


@pytest.mark.proof
@settings(deadline=None, max_examples=examples(25))
@given(
    calls=st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.integers(0, 4)), max_size=12), max_size=4
    )
)
def test_keeping_rows_is_replacing_files(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[tuple[str, int, int]]]
) -> None:
    """Against a plain dictionary: the last call that names a file decides all of its rows."""
    database = f"sqlite:///{tmp_path_factory.mktemp('law') / 'ledger.db'}"
    create_ledger(database, psl="test")
    expected: dict[tuple[str, int], str] = {}
    with Ledger(database) as ledger:
        for call in calls:
            new: dict[tuple[str, int], str] = {}
            rows = []
            for file, line, page in call:
                text = f"https://p{page}.example.com/"
                url = CanonicalUrl(text, f"p{page}.example.com", "example.com", "")
                rows.append(SeedRow(url, "example.com", file, line, text, {}))
                new.setdefault((file, line), text)
            expected = {key: text for key, text in expected.items() if key[0] not in {row.file for row in rows}} | new
            with ledger.begin() as conn:
                save_rows(conn, "spring", iter(rows), NOW)
        with ledger.begin() as conn:
            save_rows(conn, "spring", [], NOW)
            found = [((row.file, row.line), row.url) for row in list_rows(conn, "spring")]
    assert found == sorted(expected.items())


def test_a_long_list_streams(ledger: Ledger) -> None:
    """A list three times as long takes no more memory, neither stored nor read."""
    total, early = 120_000, 40_000
    blocks: dict[int, int] = {}

    def sample(number: int) -> None:
        if number % 2_000 == 0:
            blocks[number] = sys.getallocatedblocks()

    def rows() -> Iterator[SeedRow]:
        for number in range(total):
            sample(number)
            host = f"site{number % 500}.example.com"
            url = CanonicalUrl(f"https://{host}/{number}", host, "example.com", f"/{number}")
            yield SeedRow(url, "example.com", "a.csv", number + 1, url.url, {"note": "x"})

    def growth() -> int:
        most_early = max(count for number, count in blocks.items() if number <= early)
        return max(blocks.values()) - most_early

    with ledger.begin() as conn:
        assert save_rows(conn, "long", rows(), NOW).rows == total
        assert growth() < 20_000, "far less than one object a row"
        blocks.clear()
        for number, _ in enumerate(list_rows(conn, "long")):
            sample(number)
        assert growth() < 20_000


# -- the commands -------------------------------------------------------------------------------


def linkledger(*arguments: str, database: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", *arguments],
        env={**os.environ, "LINKLEDGER_DB": database},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def test_lists_list(ledger: Ledger) -> None:
    crawled(ledger)
    done = linkledger("lists", "list", "--format", "json", database=ledger.database)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "total": 2,
        "lists": [
            {
                "name": "other", "rows": 1, "pages": 1, "hosts": 1, "domains": 1, "files": {"argument": 1},
                "created_at": "2026-09-21T14:13:20.000Z", "crawls": [2], "backlinks_of": None,
            },
            {
                "name": "spring", "rows": 4, "pages": 3, "hosts": 3, "domains": 2, "files": {"a.csv": 4},
                "created_at": "2026-09-21T14:13:20.000Z", "crawls": [1], "backlinks_of": None,
            },
        ],
    }  # fmt: skip


def test_lists_show(ledger: Ledger) -> None:
    crawled(ledger)
    done = linkledger("lists", "show", "spring", "--format", "json", database=ledger.database)
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    assert (shown["name"], shown["rows"], shown["files"]) == ("spring", 4, {"a.csv": 4})
    coverage = shown["coverage"]
    assert (coverage["asked"], coverage["pending"], coverage["blocked"], coverage["failed"]) == (3, 2, 1, 0)


def test_lists_show_rows(ledger: Ledger) -> None:
    crawled(ledger)
    done = linkledger(
        "lists", "show", "spring", "--rows", "--fields", "line,url,outcome,reason,columns", database=ledger.database
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "line\turl\toutcome\treason\tcolumns",
        '2\thttps://one.example.com/a\tpending\t\t{"contact": "Ann", "price": "1,200"}',
        "3\thttps://blog.example.com/b\tblocked\trobots:disallow /b\t{}",
        '5\thttps://one.example.com/a\tpending\t\t{"contact": "Ann again"}',
        '6\thttps://xn--bcher-kva.example.org/\tpending\t\t{"contact": "Bob ☕", "price": "3"}',
    ]


def test_rows_of_a_list_are_a_list_again(ledger: Ledger) -> None:
    """What the command writes as CSV is read back as the same pages."""
    crawled(ledger)
    done = linkledger("lists", "show", "spring", "--rows", "--format", "csv", database=ledger.database)
    reader = read_seeds(["-"], stdin=io.BytesIO(done.stdout.encode()))
    again = [row.url.url for row in reader if isinstance(row, SeedRow)]
    assert (reader.column, reader.rejected) == ({"-": "url"}, 0)
    with ledger.connect() as conn:
        assert again == [row.url for row in list_rows(conn, "spring")]


def test_a_table_shows_twenty_rows_and_says_so(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        save_rows(conn, "spring", seeds("".join(f"https://a{n}.example.com/\n" for n in range(30))), NOW)
    done = linkledger("lists", "show", "spring", "--rows", "--format", "table", database=ledger.database)
    lines = done.stdout.splitlines()
    assert lines[0] == "list spring: 30 rows, 30 pages, 1 domains"
    assert lines[-1] == "20 of 30 rows; --limit none shows all"


def test_no_list_yet(ledger: Ledger) -> None:
    done = linkledger("lists", "list", database=ledger.database)
    assert done.returncode == 0
    assert "crawl FILE --list NAME" in done.stderr


def test_unknown_list(ledger: Ledger) -> None:
    crawled(ledger)
    done = linkledger("lists", "show", "winter", database=ledger.database)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "no list named 'winter'; known: other, spring" in done.stderr


def test_no_ledger_is_made_by_a_question(database: str) -> None:
    for arguments in (("list",), ("show", "spring"), ("show", "spring", "--rows")):
        done = linkledger("lists", *arguments, database=database)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "no ledger at" in done.stderr
