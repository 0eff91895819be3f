"""Files of figures: the ranks of a web graph, and other tools' exports."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from audit.common_crawl import BadRanks, is_ranks_file, read_ranks
from audit.figures_file import NoColumn, number, read_figures
from storage.authority import Value
from storage.errors import BadList

HEADER = "#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts\n"
RANKS = HEADER + (
    "1\t3.1E7\t2\t0.012\tcom.example\t40\n2\t2.9E7\t1\t0.015\torg.other\t9\n3\t2.5E7\t9\t1.5E-6\tuk.co.shop\t7\n"
)
KNOWN = {"example.com": 7, "shop.co.uk": 3, "absent.net": 5}
FOUND = (Value(3, 2.5e7, 3, 1.5e-6), Value(7, 3.1e7, 1, 0.012))


def file(folder: Path, text: str | bytes, name: str = "ranks.txt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(RANKS.encode(), id="plain"),
        pytest.param(gzip.compress(RANKS.encode()), id="gzip"),
        pytest.param(
            gzip.compress(HEADER.encode()) + gzip.compress(RANKS[len(HEADER) :].encode()), id="two_gzip_members"
        ),
        pytest.param(RANKS.replace("\n", "\r\n").encode(), id="crlf"),
        pytest.param(RANKS.removesuffix("\n").encode(), id="no_end_of_line"),
        pytest.param(RANKS[len(HEADER) :].encode(), id="no_header"),
    ],
)
def test_known_domains_are_kept_by_their_reversed_names(tmp_path: Path, text: bytes) -> None:
    read = read_ranks(file(tmp_path, text), KNOWN)
    assert (read.values, read.lines, read.bad, read.repeated, read.hosts) == (FOUND, 3, 0, 0, False)


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    text = "#host_rev\t#pr_val\t#pr_pos\t#harmonicc_val\t#harmonicc_pos\ncom.example\t0.012\t2\t3.1E7\t1\n"
    read = read_ranks(file(tmp_path, text), KNOWN)
    assert (read.values, read.hosts) == (FOUND[1:], True)


def test_bad_lines_are_counted_and_named(tmp_path: Path) -> None:
    bad = "4\tx\t2\t0.1\tnet.absent\t1\n\n# a comment\nnot\ta line\n9\tnan\t2\t0.1\tnet.absent\t1\n"
    read = read_ranks(file(tmp_path, RANKS + bad + "8\t1.0\t2\t0.1\tcom.example\t1\n"), KNOWN)
    assert (read.values, read.lines, read.bad, read.repeated) == (FOUND, 7, 3, 1), "the first line of a domain counts"
    assert read.examples == (
        "line 5: net.absent has no ranks in 'x', '4', '0.1'",
        "line 8: 2 columns, not 6",
        "line 9: net.absent has no ranks in 'nan', '9', '0.1'",
    )


NO_RANKS = [  # id, bytes, what is said
    ("another_table", b"domain,rank\nexample.com,1\n", "is no ranks file"),
    ("column_missing", b"#harmonicc_pos\t#harmonicc_val\t#host_rev\n", "has no column #pr_pos"),
    ("header_alone", HEADER.encode(), "holds no ranks"),
    ("empty", b"", "is no ranks file"),
    ("damaged", gzip.compress(RANKS.encode() * 50)[:-20], "damaged gzip file"),
    ("no_lines", b"x" * 3_000_000, "a line of more than"),
]


@pytest.mark.parametrize(("data", "said"), [pytest.param(*row[1:], id=row[0]) for row in NO_RANKS])
def test_what_is_no_ranks_file_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(BadRanks, match=said):
        read_ranks(file(tmp_path, data), KNOWN)


def test_a_file_is_known_by_its_header(tmp_path: Path) -> None:
    assert is_ranks_file(file(tmp_path, gzip.compress(RANKS.encode())))
    assert not is_ranks_file(file(tmp_path, "Domain,DR\n"))
    assert not is_ranks_file(tmp_path / "absent")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    lines = "".join(f"{place}\t2.5E7\t9\t1.5E-6\torg.site{place}\t7\n" for place in range(1, 60_001))
    path = file(tmp_path, gzip.compress((HEADER + lines).encode(), 1))
    told: list[tuple[int, int]] = []
    tracemalloc.start()
    read = read_ranks(path, {"site5.org": 1}, tell=lambda *seen: told.append(seen))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (read.lines, len(read.values)) == (60_000, 1)
    assert peak < 8_000_000, "a megabyte at a time"


# -- tables --------------------------------------------------------------------------------------------------------

AHREFS = (
    "Domain\tDR\tLinks to target\tLast seen\n"
    '"example.com"\t"72"\t"3"\t"2026-09-01 10:00:00"\n'
    '"rival.org"\t""\t"1"\t"2026-09-01 10:00:00"\n'
    '"blog.shop.co.uk"\t"41.5"\t"1"\t"2026-09-01 10:00:00"\n'
)
BACKLINKS = (
    "Referring page URL,Domain rating,Target URL,Last seen\n"
    "https://a.example.com/1,70,https://mine.net/,2026-08-01\n"
    "https://example.com/2,72,https://mine.net/,2026-09-01\n"
    "https://example.com/3,71,https://mine.net/,2026-09-01\n"
    "https://www.example.com/4,99,https://mine.net/,2026-01-01\n"
    "https://rival.org/,20,https://mine.net/,2026-09-01\n"
)


def test_an_export_of_another_tool(tmp_path: Path) -> None:
    """UTF-16 with tabs, as one tool writes it; a blank is unknown, and a subdomain counts for its domain."""
    read = read_figures(str(file(tmp_path, b"\xff\xfe" + AHREFS.encode("utf-16-le"), "refdomains.csv")), " dr ")
    assert (read.column, read.domain_column) == ("DR", "Domain")
    assert read.values == {"example.com": 72, "shop.co.uk": 41.5}
    assert (read.rows, read.blank, read.bad, read.disagreed) == (3, 1, 0, 0)


def test_of_several_rows_the_highest_of_the_latest_counts(tmp_path: Path) -> None:
    read = read_figures(str(file(tmp_path, BACKLINKS, "backlinks.csv")), "domain rating")
    assert read.values == {"example.com": 72, "rival.org": 20}, "99 is of January"
    assert (read.disagreed, read.latest_by) == (1, "Last seen")
    undated = BACKLINKS.replace("Last seen", "Seen by")
    assert read_figures(str(file(tmp_path, undated, "b.csv")), "Domain rating").values["example.com"] == 99


def test_lines_above_the_header_and_cells_that_are_no_numbers(tmp_path: Path) -> None:
    text = (
        "Report of 2026-09-01\n\nDomain;Score\nexample.com;1,5\nrival.org;high\nnot a domain;3\nshop.co.uk;n/a\n"
        "b.net;1 234\n"
    )
    read = read_figures(str(file(tmp_path, text, "score.csv")), "2", domains="Domain")
    assert read.values == {"example.com": 1.5, "b.net": 1234}
    assert (read.rows, read.blank, read.bad) == (5, 1, 2)
    assert read.examples[0] == "line 5: 'high' is no number"
    assert read.examples[1].startswith("line 6: 'not a domain' is")


def test_a_column_that_is_not_there_is_an_error_with_suggestions(tmp_path: Path) -> None:
    path = str(file(tmp_path, BACKLINKS, "backlinks.csv"))
    with pytest.raises(NoColumn, match=r"no column 'Domain ratng' \(did you mean 'Domain rating'"):
        read_figures(path, "Domain ratng")
    with pytest.raises(BadList, match="a plain list"):
        read_figures(str(file(tmp_path, "example.com\nrival.org\n", "list.txt")), "DR")
    with pytest.raises(BadList, match="2 columns named 'DR'; give the number: --column 2 or --column 3"):
        read_figures(str(file(tmp_path, "Domain,DR,DR\nexample.com,1,2\n", "twice.csv")), "DR")
    with pytest.raises(BadList, match="name one with --domains"):
        read_figures(str(file(tmp_path, "a,b,DR\nhttps://x.com/,https://y.com/,2\n", "two.csv")), "DR")


NUMBERS = [  # id, cell, commas stand between columns, number
    ("whole", "72", True, 72.0),
    ("decimal", "72.5", True, 72.5),
    ("below_zero", "-3", True, -3.0),
    ("thousands", "12,345", True, 12345.0),
    ("thousands_and_decimal", "1,234.5", True, 1234.5),
    ("decimal_comma", "72,5", False, 72.5),
    ("comma_in_a_comma_table", "72,5", True, None),
    ("no_break_space", "1\u00a0234", True, 1234.0),
    ("words", "high", True, None),
    ("infinite", "inf", True, None),
    ("exponent", "1e5", True, None),
    ("other_digits", "７２", True, None),
    ("percent", "72%", True, None),
]


@pytest.mark.parametrize(("cell", "comma", "value"), [pytest.param(*row[1:], id=row[0]) for row in NUMBERS])
def test_number(cell: str, comma: bool, value: float | None) -> None:
    assert number(cell, comma_splits=comma) == value
