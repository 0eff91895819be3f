"""Random hostile input through parsing, answers, lists, the store and output: seconds of it in every run.

What is drawn and what must hold: tests/fuzzing.py. For as long as wanted, and guided by coverage: tests/fuzz_long.py.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from random import Random

import fuzzing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof import examples

from crawler.seeds import read_seeds
from storage.records import RejectedRow, SeedRow

SEEDS = st.integers(0, 2**63)
SHORT = {"page": 1_000, "answer": 2_500, "list": 600, "output": 750}


@pytest.mark.proof
@pytest.mark.parametrize("target", fuzzing.CASES)
def test_no_exception_escapes_and_nothing_good_is_lost(target: str) -> None:
    @settings(max_examples=examples(SHORT[target]), deadline=None, suppress_health_check=list(HealthCheck))
    @given(SEEDS)
    def cases(seed: int) -> None:
        fuzzing.CASES[target](Random(seed))

    cases()


@pytest.mark.proof
def test_both_databases_bear_the_same(tmp_path: Path, postgres_url: str) -> None:
    """Hostile readings between good ones: nothing is refused, and both ledgers say the same to the byte."""
    with fuzzing.stores([f"sqlite:///{tmp_path / 'a.db'}", postgres_url]) as both:

        @settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
        @given(SEEDS)
        def cases(seed: int) -> None:
            both.tell(*fuzzing.batch(Random(seed)))

        cases()
        assert both.good


LISTS = [  # id, bytes, rows accepted, (line, part of the reason) of those rejected
    (
        "nul_and_controls",
        b"url,n\nhttps://a.example.com/\0,1\nht\x01tp://b\nhttps://c.example.com/,2\n",
        ["https://a.example.com/", "https://c.example.com/"],
        [(3, "")],
    ),
    (
        "ragged",
        b"url,n\n,,,,\nhttps://a.example.com/,1,2,3,4\nhttps://b.example.com/\n,x\n",
        ["https://a.example.com/", "https://b.example.com/"],
        [(5, "no address")],
    ),
    (
        "an_open_quote",
        b'url,n\nhttps://a.example.com/,"x\nhttps://b.example.com/,y\n"https://c.example.com/,z\nhttps://d.example.com/,w\n',
        [f"https://{name}.example.com/" for name in "abd"],
        [(4, "host")],
    ),
    (
        "a_giant_cell",
        b"url,n\n" + b"x" * 9_000_000 + b",1\nhttps://a.example.com/,2\n",
        ["https://a.example.com/"],
        [(2, "longer than")],
    ),
    (
        "utf16_with_a_lone_surrogate",
        "url\thttps\nhttps://a.example.com/\t\ud800\nhttps://b.example.com/\t1\n".encode("utf-16", "surrogatepass"),
        ["https://a.example.com/", "https://b.example.com/"],
        [],
    ),
    (
        "a_line_of_other_bytes_in_gzip",
        gzip.compress(b"url,n\nhttps://a.example.com/,\xff\xfe\x80\n\xc3\x28\nhttps://b.example.com/,1\n"),
        ["https://a.example.com/", "https://b.example.com/"],
        [(3, "")],
    ),
    (
        "passwords",
        b"url,target\nhttps://u:secret@a.example.com/,x\nhttps://b.example.com/,see https://u:secret@t.example/\n",
        ["https://b.example.com/"],
        [(2, "password")],
    ),
]


@pytest.mark.parametrize(("data", "accepted", "rejected"), [pytest.param(*row[1:], id=row[0]) for row in LISTS])
def test_good_rows_beside_bad_ones(data: bytes, accepted: list[str], rejected: list[tuple[int, str]]) -> None:
    rows = list(read_seeds(["-"], column="url", stdin=io.BytesIO(data)))
    assert [row.url.url for row in rows if isinstance(row, SeedRow)] == accepted
    bad = [row for row in rows if isinstance(row, RejectedRow)]
    assert [row.line for row in bad] == [line for line, _ in rejected]
    assert all(part in row.reason and row.reason for row, (_, part) in zip(bad, rejected, strict=True))
    assert "secret" not in repr(rows)
    assert all(len(row.given) <= 1001 for row in bad)
