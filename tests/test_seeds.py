"""A user's list: every line is a seed or a rejected row with its reason, whatever the file is made of."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import itertools
import os
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from proof import examples

from cli.cells import guard
from crawler.list_rows import loose_cells, strict_cells
from crawler.list_text import LINE_BYTES
from crawler.seeds import SeedReader, describe, read_seeds
from storage.errors import BadList
from storage.records import RejectedRow, SeedRow


def read(data: bytes | str, *, column: str | None = None) -> tuple[list[SeedRow], list[RejectedRow], SeedReader]:
    """Read one list from standard input."""
    body = data.encode() if isinstance(data, str) else data
    reader = read_seeds(["-"], column=column, stdin=io.BytesIO(body))
    rows = list(reader)
    accepted = [row for row in rows if isinstance(row, SeedRow)]
    rejected = [row for row in rows if isinstance(row, RejectedRow)]
    assert reader.rows_read == len(rows) == reader.accepted + reader.rejected
    assert (reader.accepted, reader.rejected) == (len(accepted), len(rejected))
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines)), "every row has a line of its own"
    return accepted, rejected, reader


def urls(data: bytes | str, *, column: str | None = None) -> list[str]:
    accepted, rejected, _ = read(data, column=column)
    assert rejected == []
    return [row.url.url for row in accepted]


# -- exports of other tools: one sample each, headers as the tools write them, data made up ----

AHREFS_LINE = (
    "Referring page title,Referring page URL,Language,Platform,Referring page HTTP code,Domain rating,UR,"
    "Domain traffic,Referring domains,Linked domains,External links,Page traffic,Keywords,Target URL,Left context,"
    "Anchor,Right context,Redirect Chain URLs,Redirect Chain status codes,Type,Is spam,Content,Nofollow,UGC,"
    "Sponsored,Rendered,Raw,Lost status,Drop reason,Discovered status,First seen,Last seen,Lost,Author,Page type,"
    "Page category,Links in group"
)
MAJESTIC_LINE = (
    "Target URL,Source URL,Anchor Text,Source Crawl Date,Source First Found Date,FlagNoFollow,FlagImageLink,"
    "FlagRedirect,FlagFrame,FlagOldCrawl,FlagAltText,FlagMention,SourceCitationFlow,SourceTrustFlow,"
    "TargetCitationFlow,TargetTrustFlow,SourceTopicalTrustFlow_Topic_0,SourceTopicalTrustFlow_Value_0,"
    "RefDomainTopicalTrustFlow_Topic_0,RefDomainTopicalTrustFlow_Value_0"
)
MAJESTIC_API_LINE = "SourceURL,ACRank,AnchorText,Date,FlagRedirect,FlagFrame,FlagNoFollow,TargetURL,DomainID"
MOZ_LINE = (
    "URL,Title,Anchor Text,Spam Score,Page Authority,Domain Authority,Number of Domains Linking to this Page,"
    "Number of Domains Linking to Domain,Origin,Target URL,Link Equity"
)
SEMRUSH_LINE = (
    "Page ascore,Source title,Source url,Target url,Anchor,External links,Internal links,Nofollow,Sponsored,Ugc,"
    "Text,Frame,Form,Image,Sitewide,First seen,Last seen,New link,Lost link"
)
FROG_LINE = (
    "Type,Source,Destination,Size (Bytes),Alt Text,Anchor,Status Code,Status,Crawlability,Follow,Target,Rel,"
    "Path Type,Link Path,Link Position,Link Origin"
)
AHREFS, MAJESTIC, MAJESTIC_API, MOZ, SEMRUSH, FROG = (
    line.split(",") for line in (AHREFS_LINE, MAJESTIC_LINE, MAJESTIC_API_LINE, MOZ_LINE, SEMRUSH_LINE, FROG_LINE)
)
PAGES = ["https://one.example.com/a?x=1&y=2", "https://two.example.org/b/", "https://three.example.net/c"]


def table(header: list[str], *filled: dict[str, str], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(filled)
    return out.getvalue()


def backlinks(header: list[str], source: str, target: str, *, bare: bool = False, **kwargs: object) -> str:
    """A table of backlinks: page titles with quotes, delimiters and a line break; one target for all."""
    titles = ['A "quoted" title, with; all\tof it', "Über uns", "Two\nlines"]
    rows = [
        {header[0]: title, source: page.removeprefix("https://") if bare else page, target: "https://shop.example.com/"}
        for title, page in zip(titles, PAGES, strict=True)
    ]
    return table(header, *rows, **kwargs)  # type: ignore[arg-type]


MOZ_PREAMBLE = (
    "Inbound Links\r\nReport for,http://shop.example.com/\r\nDate:,2026-05-04\r\n"
    '"Filters: all, external"\r\n\r\n"1,234 links"\r\n'
)
EXPORTS = [  # id, file, encoding, delimiter, column
    (
        "ahrefs_utf16_tab_quoted",
        backlinks(AHREFS, "Referring page URL", "Target URL", delimiter="\t", quoting=csv.QUOTE_ALL).encode("utf-16"),
        "utf-16-le with BOM",
        "tab",
        "Referring page URL",
    ),
    (
        "ahrefs_utf8_comma",
        b"\xef\xbb\xbf" + backlinks(AHREFS, "Referring page URL", "Target URL").encode(),
        "utf-8 with BOM",
        "comma",
        "Referring page URL",
    ),
    (
        "ahrefs_older_names",
        backlinks(
            ["Domain Rating", "Referring Page URL", "Link URL", "URL To"], "Referring Page URL", "Link URL"
        ).encode("utf-16-be"),
        "utf-16-be",
        "comma",
        "Referring Page URL",
    ),
    (
        "majestic_download",
        backlinks(MAJESTIC[2:] + MAJESTIC[:2], "Source URL", "Target URL").encode(),
        "utf-8",
        "comma",
        "Source URL",
    ),
    (
        "majestic_packed",
        gzip.compress(backlinks(["Anchor Text", *MAJESTIC[:2]], "Source URL", "Target URL").encode()),
        "utf-8, gzip",
        "comma",
        "Source URL",
    ),
    (
        "majestic_api",
        backlinks(MAJESTIC_API[2:] + MAJESTIC_API[:2], "SourceURL", "TargetURL").encode(),
        "utf-8",
        "comma",
        "SourceURL",
    ),
    (
        "moz_preamble_no_scheme",
        (MOZ_PREAMBLE + backlinks(MOZ[1:] + MOZ[:1], "URL", "Target URL", bare=True)).encode(),
        "utf-8",
        "comma",
        "URL",
    ),
    (
        "semrush_with_nul",
        backlinks(SEMRUSH[1:] + SEMRUSH[:1], "Source url", "Target url").replace("Über", "\0Ü\0ber").encode(),
        "utf-8",
        "comma",
        "Source url",
    ),
    (
        "semrush_api_semicolon",
        backlinks(["source_title", "source_url", "target_url"], "source_url", "target_url", delimiter=";").encode(),
        "utf-8",
        "semicolon",
        "source_url",
    ),
    (
        "screaming_frog",
        b"\xef\xbb\xbf" + backlinks(FROG, "Source", "Destination", quoting=csv.QUOTE_ALL).encode(),
        "utf-8 with BOM",
        "comma",
        "Source",
    ),
    (
        "screaming_frog_title_line",
        b"All Inlinks\r\n" + backlinks(["Type", "Source", "Destination", "Anchor"], "Source", "Destination").encode(),
        "utf-8",
        "comma",
        "Source",
    ),
    (
        "screaming_frog_window",
        backlinks(["Link Type", "From", "To", "Anchor Text"], "From", "To").encode(),
        "utf-8",
        "comma",
        "From",
    ),
    (
        "neutral_csv",
        backlinks(["anchor_text", "source_url", "target_url", "rel"], "source_url", "target_url").encode(),
        "utf-8",
        "comma",
        "source_url",
    ),
    (
        "dataforseo_fields_as_csv",
        backlinks(["type", "domain_from", "url_from", "url_to"], "url_from", "url_to").encode(),
        "utf-8",
        "comma",
        "url_from",
    ),
    ("no_header_at_all", "".join(f'note,"{page}",7\n' for page in PAGES).encode(), "utf-8", "comma", "column 2"),
    (
        "no_header_windows_1252",
        "".join(f"Käse;{page};7\n" for page in PAGES).encode("cp1252"),
        "utf-8",
        "semicolon",
        "column 2",
    ),
    (
        "excel_hint",
        ("sep=;\r\n" + "".join(f"x,y;{page}\r\n" for page in PAGES)).encode(),
        "utf-8",
        "semicolon",
        "column 2",
    ),
    ("address_header", ("Address\n" + "\n".join(PAGES)).encode(), "utf-8", None, "Address"),
]


@pytest.mark.parametrize(("data", "encoding", "delimiter", "column"), [pytest.param(*r[1:], id=r[0]) for r in EXPORTS])
def test_export_serves_as_list(data: bytes, encoding: str, delimiter: str | None, column: str) -> None:
    accepted, rejected, reader = read(data)
    assert rejected == []
    assert [row.url.url for row in accepted] == PAGES
    (report,) = reader.files
    assert (report.encoding, report.delimiter, report.column) == (encoding, delimiter, column)
    assert reader.column == {"-": column}


def test_search_console_latest_links_with_references() -> None:
    """Cells of Search Console hold HTML references; ``&copy=`` in a query is none."""
    data = (
        "Linking page,Last crawled\nhttps://one.example.com/?a=1&amp;copy=2&copy=3,2026-09-28\n"
        "https://two.example.org/it&#39;s,2026-09-27\n"
    )
    assert urls(data) == ["https://one.example.com/?a=1&copy=2&copy=3", "https://two.example.org/it's"]


def test_search_console_in_another_language() -> None:
    accepted, rejected, reader = read(
        f"Página de enlace,Último rastreo\n{PAGES[0]},2026-09-28\n{PAGES[1]},28/09/2026\n"
    )
    assert ([row.url.url for row in accepted], rejected) == (PAGES[:2], [])
    assert reader.column == {"-": "Página de enlace"}
    assert accepted[0].columns == {"Último rastreo": "2026-09-28"}


def test_referring_domains_are_bare_domains() -> None:
    data = 'Domain,DR,Dofollow ref. domains,Traffic \none.example.com,33,"1,204",7\nTWO.example.org,3,1,\n'
    accepted, rejected, reader = read(data)
    assert [row.url.url for row in accepted] == ["https://one.example.com/", "https://two.example.org/"]
    assert (rejected, reader.bare_domains) == ([], 2)
    assert accepted[0].columns == {"DR": "33", "Dofollow ref. domains": "1,204", "Traffic": "7"}


def test_a_home_page_is_no_bare_domain() -> None:
    assert read("https://example.com\nexample.com/\nexample.com\nexample.com/a\n")[2].bare_domains == 1


def test_disavow_file_serves_as_list() -> None:
    assert urls("# bought\ndomain:spam.example.com\nhttps://one.example.com/x\n") == [
        "https://spam.example.com/",
        "https://one.example.com/x",
    ]


def test_ahrefs_link_intersect_has_hosts_for_headers() -> None:
    header = ["Referring page title", "Referring page URL", "Intersect", "shop.example.com/", "rival.example.org/"]
    assert urls(table(header, {"Referring page URL": PAGES[0], "shop.example.com/": "1"})) == PAGES[:1]


# -- which column -------------------------------------------------------------------------------

COLUMNS = [  # id, file, --column, column that is read
    ("source_beats_target", "Target URL,Source URL\nhttps://t.example/,https://s.example/\n", None, "Source URL"),
    ("source_beats_plain_url", "url,source\nhttps://t.example/,https://s.example/\n", None, "source"),
    ("source_that_is_no_address", "url,source\nhttps://t.example/,google\nhttps://u.example/,bing\n", None, "url"),
    ("url_beats_domain", "domain,url\nexample.com,https://example.com/a\n", None, "url"),
    ("header_in_capitals_with_blanks", " PAGE  URL ,x\nhttps://s.example/,1\n", None, "PAGE  URL"),
    ("only_target", "keyword,Target URL\nshoes,https://t.example/\n", None, "Target URL"),
    ("unknown_header_one_web_column", "Brand,Where\nNode.js,https://s.example/\n", None, "Where"),
    ("option_by_header", "a,b\nhttps://t.example/,https://s.example/\n", "B", "b"),
    ("option_by_number", "a,b\nhttps://t.example/,https://s.example/\n", "2", "b"),
    ("option_number_beside_rank_cells", "rank,b\n1,https://s.example/\n2,https://s.example/\n", "2", "b"),
    ("option_without_header", "1,https://t.example/,https://s.example/\n", "3", "column 3"),
    ("option_1_on_plain_list", "https://t.example/\n", "1", None),
    ("option_names_single_column", "my pages\nhttps://t.example/\n", "My Pages", "my pages"),
    ("broken_rows_under_known_header", "id,url\n1,-\n2,?\n", None, "url"),
]
REFUSED = [  # id, file, --column, part of the message
    ("two_unknown", "a,b\nhttps://t.example/,https://s.example/\n", None, "'a', 'b'"),
    ("two_unknown_no_header", "https://t.example/;https://s.example/\n", None, "'column 1', 'column 2'"),
    ("two_known_of_one_rank", "url;page\nhttps://t.example/;https://s.example/\n", None, "'url', 'page'"),
    ("option_unknown", "a,b\nhttps://t.example/,https://s.example/\n", "c", "no column 'c'"),
    ("option_too_high", "a,b\nhttps://t.example/,https://s.example/\n", "3", "no column '3'"),
    ("option_twice_there", "a,a\nhttps://t.example/,https://s.example/\n", "a", "--column 1 or --column 2"),
    ("option_on_plain_list", "https://t.example/\n", "url", "plain list"),
    ("no_address_column", "Anchor text,Ref. domains\nshoes,4\nboots,5\n", None, "no column of page addresses"),
]


@pytest.mark.parametrize(("data", "option", "expected"), [pytest.param(*row[1:], id=row[0]) for row in COLUMNS])
def test_column(data: str, option: str | None, expected: str | None) -> None:
    assert read(data, column=option)[2].column == {"-": expected}


@pytest.mark.parametrize(("data", "option", "message"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_refused_column(data: str, option: str | None, message: str) -> None:
    with pytest.raises(BadList) as error:
        read(data, column=option)
    assert message in str(error.value)


def test_a_header_word_among_rows_is_a_row() -> None:
    """A line ``url`` below addresses does not turn the lines above it into a preamble."""
    accepted, rejected, _ = read("https://one.example.com/\nbroken one\nurl\nhttps://two.example.org/\n")
    assert [row.line for row in accepted] == [1, 4]
    assert [row.line for row in rejected] == [2, 3]


def test_other_columns_are_kept_by_header() -> None:
    data = "url,,note,note,when\nhttps://one.example.com/,x,a,b,\nhttps://two.example.org/,,,,,more\n"
    first, second = read(data)[0]
    assert first.columns == {"column 2": "x", "note": "a", "note (4)": "b"}
    assert second.columns == {"column 6": "more"}


# -- plain lists --------------------------------------------------------------------------------

PLAIN = [  # id, file, URLs
    (
        "comments_and_blank_lines",
        "# mine\n\nexample.com\n  # more\n \t\nhttps://b.example.com/x\n",
        ["https://example.com/", "https://b.example.com/x"],
    ),
    (
        "commas_belong_to_urls",
        "https://news.example.com/0,1518.html\nhttps://news.example.com/0,1519.html\n",
        ["https://news.example.com/0,1518.html", "https://news.example.com/0,1519.html"],
    ),
    (
        "semicolons_belong_to_urls",
        "https://a.example.com/x;id=1\nhttps://a.example.com/y;id=2\n",
        ["https://a.example.com/x;id=1", "https://a.example.com/y;id=2"],
    ),
    (
        "idn",
        "bücher.example.com\nhttps://пример.рф/путь\n",
        ["https://xn--bcher-kva.example.com/", "https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C"],
    ),
    (
        "quotes_around",
        "\"https://a.example.com/x,y\"\n'https://b.example.com/'\n",
        ["https://a.example.com/x,y", "https://b.example.com/"],
    ),
    (
        "lone_cr",
        "https://a.example.com/\rhttps://b.example.com/\r",
        ["https://a.example.com/", "https://b.example.com/"],
    ),
    (
        "all_line_ends",
        "https://a.example.com/\r\nhttps://b.example.com/\nhttps://c.example.com/\rhttps://d.example.com/",
        [f"https://{c}.example.com/" for c in "abcd"],
    ),
    (
        "marks_of_joined_files",
        "\ufeffhttps://a.example.com/\n\ufeffhttps://b.example.com/\n",
        ["https://a.example.com/", "https://b.example.com/"],
    ),
    (
        "header_and_unquoted_notes",
        "url\nhttps://a.example.com/,my note\nhttps://b.example.com/,other note\n",
        ["https://a.example.com/", "https://b.example.com/"],
    ),
    (
        "trailing_commas",
        "https://a.example.com/,\nhttps://b.example.com/,\n",
        ["https://a.example.com/", "https://b.example.com/"],
    ),
    (
        "intranet_with_scheme",
        "http://wiki/\nhttp://10.0.0.1/\n127.0.0.1:8080/x\nlocalhost:8000\n",
        ["http://wiki/", "http://10.0.0.1/", "https://127.0.0.1:8080/x", "https://localhost:8000/"],
    ),
]


@pytest.mark.parametrize(("data", "expected"), [pytest.param(*row[1:], id=row[0]) for row in PLAIN])
def test_plain_list(data: str, expected: list[str]) -> None:
    assert urls(data) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_and_line_ends(encoding: str, end: str) -> None:
    lines = ["https://пример.рф/日本", "# пример", "", "https://b.example.com/\u2028x"]
    accepted, rejected, _ = read(end.join(lines).encode(encoding))
    assert [row.url.url for row in accepted] == ["https://xn--e1afmkfd.xn--p1ai/%E6%97%A5%E6%9C%AC"]
    assert [(row.line, row.given) for row in rejected] == [(4, lines[3])]


def test_ends_of_lines_across_reads() -> None:
    """CR LF counts once wherever the file is cut into pieces for reading."""
    lines = [f"https://a.example.com/{'x' * (number % 61)}{number}" for number in range(30_000)]
    accepted, _, _ = read("\r\n".join(lines))
    assert [row.line for row in accepted] == list(range(1, 30_001))


# -- broken rows --------------------------------------------------------------------------------

REJECTED = [  # id, row of a plain list, part of the reason
    ("no_url", "not a url", "white space"),
    ("two_urls", "https://a.example.com/ https://b.example.com/", "white space"),
    ("mail", "info@a.example.com", "user name"),
    ("ftp", "ftp://a.example.com/", "ftp"),
    ("script", "javascript:void(0)", "javascript"),
    ("path_only", "/about/us", "without a host"),
    ("word", "header", "no dot"),
    ("no_such_suffix", "node.js", "top-level domain"),
    ("number", "3.14", "a number"),
    ("bad_port", "https://a.example.com:99999/", "65535"),
    ("no_host", "https://", "without a host"),
    ("bad_host", "https://exa<mple.com/", "no valid host name"),
    ("twice_the_scheme", "https://https://a.example.com/", "twice"),
    ("password", "https://me:secret@a.example.com/", "password"),
]


@pytest.mark.parametrize(("row", "reason"), [pytest.param(*row[1:], id=row[0]) for row in REJECTED])
def test_rejected_row(row: str, reason: str) -> None:
    accepted, rejected, _ = read(f"https://a.example.com/\n{row}\nhttps://b.example.com/\n")
    assert [seed.line for seed in accepted] == [1, 3]
    assert [(bad.file, bad.line) for bad in rejected] == [("-", 2)]
    assert reason in rejected[0].reason
    assert "secret" not in rejected[0].given + rejected[0].reason


def test_rejected_cell_says_when_the_row_is_damaged() -> None:
    _, rejected, _ = read("title,url\nfine,https://a.example.com/\nunquoted, comma,https://b.example.com/\nshort\n")
    assert [(bad.line, bad.given) for bad in rejected] == [(3, "comma"), (4, "short")]
    assert rejected[0].reason.endswith("(the row has 3 cells, not 2)")
    assert rejected[1].reason == "no address in column 'url' (the row has 1 cells, not 2)"


DAMAGE = [  # id, data rows (the third column is the page), expected lines of accepted rows, of rejected ones
    (
        "stray_quote_at_start_of_cell",
        '1,"broken title,https://b.example.com/\n2,fine,https://c.example.com/\n',
        [3, 4],
        [],
    ),
    (
        "stray_quote_before_quoted_rows",
        '1,"broken title,https://b.example.com/\n"2","fine","https://c.example.com/"\n',
        [3, 4],
        [],
    ),
    (
        "stray_quote_and_empty_quotes",
        '1,"broken title,https://b.example.com/\n2,"",https://c.example.com/\n',
        [3, 4],
        [],
    ),
    ("two_stray_quotes_make_no_row", '1,"broken,https://b.example.com/\n9,12",https://c.example.com/\n', [3, 4], []),
    ("quote_at_the_very_end", '1,x,https://b.example.com/\n2,x,"https://c.example.com/\n', [3], [4]),
    ("stray_quote_in_cell", '1,5" pipe,https://b.example.com/\n2,6" pipe,https://c.example.com/\n', [3, 4], []),
    ("quotes_not_doubled", '1,"He said "hi" to me",https://b.example.com/\n', [3], []),
    ("quote_ends_the_line", '1,https://b.example.com/,"Issue "Witho"\n1,x,https://c.example.com/\n', [4], [3]),
    ("blank_behind_quote", '1,"x" ,https://b.example.com/\n', [3], []),
    ("cell_of_two_lines", '1,"two\nlines",https://b.example.com/\n2,x,https://c.example.com/\n', [3, 5], []),
    ("cell_of_four_lines_with_addresses", '1,"a\nhttps://x.example.com/\n\nb, c",https://b.example.com/\n', [3], []),
    (
        "cells_of_two_lines_each",
        '"1\n1","two\nlines","https://b.example.com/"\n2,x,https://c.example.com/\n',
        [3, 6],
        [],
    ),
    ("blank_rows", "\n,,\n1,x,https://b.example.com/\n , \n", [5], []),
    ("short_and_long_rows", "1\n1,x,https://b.example.com/,more,and more\n", [4], [3]),
    ("tail", "1,x,https://b.example.com/\nTotal: 1\n", [3], [4]),
]


@pytest.mark.parametrize(("rows", "good", "bad"), [pytest.param(*row[1:], id=row[0]) for row in DAMAGE])
def test_damaged_table(rows: str, good: list[int], bad: list[int]) -> None:
    accepted, rejected, _ = read(f"id,title,url\n0,x,https://a.example.com/\n{rows}")
    assert ([row.line for row in accepted[1:]], [row.line for row in rejected]) == (good, bad)


def test_words_of_a_cell_of_several_lines_are_kept() -> None:
    accepted, _, _ = read('url,note\nhttps://a.example.com/,"one\r\ntwo ""x"", \u2028three"\n')
    assert accepted[0].columns == {"note": 'one\ntwo "x", \u2028three'}


def test_a_quote_never_closed_costs_no_other_row() -> None:
    lines = ["id,title,url"] + [f"{n},title,https://a{n}.example.com/" for n in range(5000)]
    lines[2500] = '2499,"title,https://a2499.example.com/'
    assert [row.line for row in read("\n".join(lines))[0]] == list(range(2, 5002))


def test_every_row_with_an_open_quote_is_read_in_time() -> None:
    """Such a file is not looked through to its end for each row."""
    accepted, rejected, _ = read("id,url\n1,https://a.example.com/\n" + '"x\n' * 20_000)
    assert (len(accepted), len(rejected)) == (1, 20_000)


def test_a_line_in_another_encoding_costs_no_other_row() -> None:
    data = "url;title\n" + "".join(f"https://a{n}.example.com/;tïtle\n" for n in range(20))
    body = data.encode().replace(b"/;t\xc3\xaf", b"/;t\xef", 1)
    accepted, rejected, _ = read(body)
    assert ({row.columns["title"] for row in accepted}, len(accepted), rejected) == ({"tïtle"}, 20, [])


def test_file_of_another_code_page() -> None:
    titles = ["Обувь для бега", "Кроссовки и ботинки", "Статьи о спорте"]
    data = "url;title\n" + "".join(f"https://a.example.com/{n};{title}\n" for n, title in enumerate(titles))
    assert [row.columns["title"] for row in read(data.encode("cp1251"))[0]] == titles


def test_huge_cell_and_huge_line() -> None:
    """A cell of 1 MB is kept; a line too long for that is named, and its neighbours are read."""
    data = (
        f'url,text\nhttps://a.example.com/,"{"x, " * 350_000}"\n'
        f"https://b.example.com/,{'y' * (LINE_BYTES + 1)}\nhttps://c.example.com/,z\n"
        f"https://d.example.com/,{'y' * (3 * LINE_BYTES)}\r\nhttps://e.example.com/,z\n"
    )
    accepted, rejected, _ = read(data)
    assert [(row.line, row.url.host[0]) for row in accepted] == [(2, "a"), (4, "c"), (6, "e")]
    assert len(accepted[0].columns["text"]) == 1_050_000
    assert [row.line for row in rejected] == [3, 5]
    assert rejected[0].given.startswith("https://b.example.com/,yyy")
    assert (len(rejected[0].given), rejected[0].reason) == (1000, "the line is longer than 8 MiB")


def broken_rows() -> list[bytes]:
    """Fifty rows that cannot be fetched, each broken in another way or place."""
    kinds = [row[1].encode() for row in REJECTED] + [
        b"\xff\xfe\xfa",
        b"caf\xe9",
        b"\x01\x02",
        b'"',
        b'""',
        b'"open',
        b"https://[::1",
        b"https://a b/",
        b"//",
        b"?q=1",
        b"#",
        b"\\\\",
        b"http:///",
        b"https://%zz/",
        b"tel:+1",
        b"data:text/html,x",
        b"C:/x",
        b"https://exa mple.com/",
        "https://a.example.com/\u2028b".encode(),
        b"https://a_/\xc2\xa0x",
    ]
    kinds.remove(b"#")  # that is a comment
    return [kinds[number % len(kinds)] for number in range(50)]


def test_a_thousand_rows_with_fifty_broken_ones(tmp_path: Path) -> None:
    good = [f"https://site{number}.example.com/page".encode() for number in range(950)]
    path = tmp_path / "list.txt"
    path.write_bytes(b"\n".join(good[:475] + broken_rows() + good[475:]))
    reader = read_seeds([str(path)])
    rows = list(reader)
    assert (reader.rows_read, reader.accepted, reader.rejected) == (1000, 950, 50)
    rejected = [row for row in rows if isinstance(row, RejectedRow)]
    assert [row.line for row in rejected] == list(range(476, 526))
    assert all(row.reason and row.file == str(path) for row in rejected)


def test_a_table_with_fifty_broken_rows(tmp_path: Path) -> None:
    rows = [b'%d,"t, %d",https://site%d.example.com/' % (n, n, n) for n in range(950)]
    broken = [b"%d,t,%s" % (n, cell) for n, cell in enumerate(broken_rows())]
    path = tmp_path / "list.csv"
    path.write_bytes(b"\r\n".join([b"id,title,url", *rows[:475], *broken, *rows[475:]]))
    reader = read_seeds([str(path)])
    rejected = [row for row in reader if isinstance(row, RejectedRow)]
    assert (reader.rows_read, reader.accepted, reader.rejected) == (1000, 950, 50)
    assert [row.line for row in rejected] == list(range(477, 527))


# -- sources ------------------------------------------------------------------------------------


def test_arguments_files_and_stdin_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("a.example.com\n")
    Path("b.csv").write_text("n,url\n1,b.example.com/x\n")
    reader = read_seeds(
        ["c.example.com", "a.txt", "-", "d.example.com/x", "b.csv", "a.txt", "c.example.com", "ftp://x.example.com/"],
        stdin=io.BytesIO(b"# from a pipe\ne.example.com\n"),
    )
    rows = [(row.file, row.line, row.given, isinstance(row, SeedRow)) for row in reader]
    assert rows == [
        ("argument", 1, "c.example.com", True),
        ("a.txt", 1, "a.example.com", True),
        ("-", 2, "e.example.com", True),
        ("argument", 2, "d.example.com/x", True),
        ("b.csv", 2, "b.example.com/x", True),
        ("argument", 3, "c.example.com", True),
        ("argument", 4, "ftp://x.example.com/", False),
    ]
    assert [(report.file, report.rows, report.bare_domains) for report in reader.files] == [
        ("argument", 4, 2),
        ("a.txt", 1, 1),
        ("-", 1, 1),
        ("b.csv", 1, 0),
    ]
    with pytest.raises(RuntimeError):
        iter(reader)


def test_a_file_named_like_a_host_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("example.com").write_text("a.example.com\n")
    Path("example.org").mkdir()
    assert [row.url.url for row in read_seeds(["example.com", "https://example.com", "example.org"])] == [  # type: ignore[union-attr]
        "https://a.example.com/",
        "https://example.com/",
        "https://example.org/",
    ]


def test_named_pipe(tmp_path: Path) -> None:
    """What can be opened once only, such as ``<(zcat list.gz)`` of a shell, is read like a file."""
    first, second = os.pipe()
    with os.fdopen(second, "wb") as out:
        out.write(b"a.example.com\nb.example.com\n")
    name = f"/dev/fd/{first}"
    assert [row.line for row in read_seeds([name])] == [1, 2]
    os.close(first)


def test_standard_input_of_a_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_text("a.example.com\n")
    with path.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert [row.file for row in read_seeds(["-"])] == ["-"]


BAD_FILES = [  # id, name, content (None: no such file), part of the message
    ("missing", "prospects.csv", None, "no file prospects.csv"),
    ("missing_in_folder", "lists/spring.txt", None, "no file lists/spring.txt"),
    ("missing_without_ending", "prospects", None, "no file prospects"),
    ("empty", "a.csv", b"", "a.csv is empty"),
    ("only_a_mark", "a.csv", b"\xef\xbb\xbf", "holds no rows"),
    ("only_blank_lines", "a.txt", b"\n \n\r\n", "holds no rows"),
    ("only_comments", "a.txt", b"# one\n#two\n", "holds no rows"),
    ("only_a_header", "a.csv", b"id,url\n", "nothing below its header in line 1"),
    ("spreadsheet", "a.xlsx", b"PK\x03\x04rest", "save it as CSV"),
    ("old_spreadsheet", "a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as CSV"),
    ("other_packing", "a.csv.xz", b"\xfd7zXZ\0\0\0", "unpack it"),
    ("no_text", "a.csv", bytes(range(1, 9)) * 30, "not text"),
    ("json", "a.json", b'{"tasks": [{"result": [{"items": []}]}]}', "is JSON, not a list"),
    ("json_array", "a.txt", b'\n[\n {"url_from": 1}]', "is JSON, not a list"),
    ("web_page", "a.html", b"<!DOCTYPE html><title>x</title>", "is HTML or XML"),
    ("cut_gzip", "a.gz", gzip.compress(b"a.example.com\n" * 9)[:-6], "damaged gzip"),
    ("damaged_gzip", "a.gz", gzip.compress(os.urandom(99))[:30] + b"\0" * 30, "damaged gzip"),
    ("packed_nothing", "a.gz", gzip.compress(b""), "is empty"),
]


@pytest.mark.parametrize(("name", "content", "message"), [pytest.param(*row[1:], id=row[0]) for row in BAD_FILES])
def test_bad_file(
    name: str, content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is no list ends in one clear line, before any row is handed out."""
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(BadList) as error:
        read_seeds(["https://a.example.com/", name])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(BadList, match="is a directory"):
        read_seeds([str(tmp_path)])


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(BadList, match=r"cannot read .*File name too long"):
        read_seeds([f"{tmp_path}/{'x' * 300}.csv"])


def test_gzip_damaged_behind_its_first_rows(tmp_path: Path) -> None:
    """What cannot be read on ends in an error, not in a shorter list."""
    path = tmp_path / "list.gz"
    packed = gzip.compress("".join(f"https://a{n * 7919}.example.com/\n" for n in range(60_000)).encode())
    path.write_bytes(packed[: len(packed) // 2])
    reader = read_seeds([str(path)])
    with pytest.raises(BadList, match="damaged gzip"):
        list(reader)
    assert reader.accepted > 1000


def test_gzip_of_several_members(tmp_path: Path) -> None:
    path = tmp_path / "list.gz"
    path.write_bytes(gzip.compress(b"a.example.com\nb.exa") + gzip.compress(b"mple.com\n"))
    assert [row.given for row in read_seeds([str(path)])] == ["a.example.com", "b.example.com"]


# -- what a dry run says ------------------------------------------------------------------------


def test_describe() -> None:
    data = (
        "page,who\nhttps://a.shop.example.com/1,x\nhttps://b.shop.example.com/1,x\nhttps://a.shop.example.com/1#top,y\n"
        "one.github.io,x\ntwo.github.io,x\nbroken,x\nHTTPS://EXAMPLE.org/a,x\n"
    )
    rejected: list[RejectedRow] = []
    found = describe(read_seeds(["-"], stdin=io.BytesIO(data.encode())), on_rejected=rejected.append)
    assert (found.rows_read, found.accepted, found.duplicates, found.rejected) == (7, 6, 1, 1)
    assert (found.pages, found.hosts, found.domains, found.operators) == (5, 5, 4, 3)
    assert (found.bare_domains, [row.line for row in rejected]) == (2, [7])
    assert (found.largest_operator, found.largest_operator_pages) == ("example.com", 2)
    assert found.least_seconds(1.5) == 1.5
    (report,) = found.files
    assert (report.file, report.encoding, report.delimiter) == ("-", "utf-8", "comma")
    assert (report.column, report.columns, report.header_line) == ("page", ("page", "who"), 1)


def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    """Three hundred thousand rows are read in the memory of a few hundred."""
    path = tmp_path / "big.csv"
    with path.open("w") as out:
        out.write("title,url,note\n")
        for number in range(300_000):
            out.write(f'"Title, no {number} of many pages",https://site{number % 1000}.example.com/p/{number},x\n')

    tracemalloc.start()
    first = list(itertools.islice(read_seeds([str(path)]), 5000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(first) == 5000
    assert peak < 8_000_000 < path.stat().st_size, "the file is not read whole"
    del first

    blocks = []
    count = 0
    for count, _ in enumerate(read_seeds([str(path)]), 1):
        if count % 50_000 == 0:
            blocks.append(sys.getallocatedblocks())
    assert count == 300_000
    assert max(blocks) - blocks[0] < 5000, "no row is kept"


# -- laws ---------------------------------------------------------------------------------------

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\ufeff\r"), max_size=30)


@pytest.mark.proof
@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cc"]), max_size=40), min_size=1, max_size=40))
def test_every_line_of_a_plain_list_is_counted(lines: list[str]) -> None:
    one_line = [line.replace("\r", "").replace("\n", "").replace("\0", "").replace("\ufeff", "") for line in lines]
    # The first line is an address without delimiters, so that the rest is a plain list.
    text = "\n".join(["https://a.example.com/", *(line.translate({9: 32, 44: 32, 59: 32}) for line in one_line)])
    body = text.encode("utf-8", "replace")
    accepted, rejected, reader = read(body)
    expected = [
        number
        for number, line in enumerate(body.decode().split("\n"), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    assert sorted(row.line for row in [*accepted, *rejected]) == expected
    assert reader.rows_read == len(expected)


@pytest.mark.proof
@settings(deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20),
    st.sampled_from(",;\t"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_table_round_trip(
    rows: list[tuple[str, str]], delimiter: str, quoting: int, encoding: str, guarded: bool
) -> None:
    """What a CSV writer writes comes back cell by cell, formula guards undone."""
    safe = delimiter != "\t"
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(["left", "source url", "right"])
    for number, (left, right) in enumerate(rows):
        cells = [guard(left), guard(right)] if safe else [left, right]
        writer.writerow([cells[0], f"https://a.example.com/{number}", cells[1]])
    accepted, rejected, _ = read(out.getvalue().encode(encoding))
    assert rejected == []
    assert [row.url.path_key for row in accepted] == [f"/{number}" for number in range(len(rows))]
    assert [(row.columns.get("left", ""), row.columns.get("right", "")) for row in accepted] == rows


@pytest.mark.proof
@settings(deadline=None, max_examples=examples(300))
@given(st.binary(max_size=400))
@example(b"url\n")
@example(b'\xff\xfe"')
@example(b"\x1f\x8b\x08")
@example(b"sep=,\n")
def test_random_bytes_end_in_rows_or_one_clear_error(data: bytes) -> None:
    with contextlib.suppress(BadList):
        read(data)


@pytest.mark.proof
@settings(deadline=None, max_examples=examples(300))
@given(
    st.lists(st.sampled_from(['"', ",", "\n", "x", "https://a.example.com/", '""', "url", "#", ";", "\t", "\r", " "]))
)
def test_any_quoting_ends_in_rows_or_one_clear_error(parts: list[str]) -> None:
    with contextlib.suppress(BadList):
        read("".join(parts))


@pytest.mark.proof
@settings(deadline=None)
@given(st.text('",;x ', max_size=30), st.sampled_from(",;"))
def test_splitting_agrees_with_the_csv_module(text: str, delimiter: str) -> None:
    """What the strict reader of the standard library takes is read the same way here."""
    try:
        expected = next(csv.reader([text], delimiter=delimiter, strict=True), [""])
    except csv.Error:
        assert strict_cells(text, delimiter)[1] in ("open", "broken", "closed")
        assert loose_cells(text, delimiter)
        return
    assert strict_cells(text, delimiter) == (expected or [""], "closed")


GOOD_ROWS = [
    "{n},t,{url}",
    '"{n}","t","{url}"',
    '{n},"t, ""t""",{url}',
    '{n},"",{url}',
    '"",t,"{url}"',
    '{n},5" x,{url}',
]


@pytest.mark.proof
@settings(deadline=None, max_examples=examples(400))
@given(
    st.lists(
        st.one_of(
            st.sampled_from(GOOD_ROWS),
            st.lists(st.sampled_from(['"', '""', ",", "x", " ", '",', ',"', "y z"]), max_size=8).map("".join),
        ),
        max_size=25,
    ),
    st.sampled_from(",;\t"),
)
def test_no_damage_loses_a_good_row(lines: list[str], delimiter: str) -> None:
    """Whatever quotes stand around it, a row that is whole is read, from its own line."""
    good = {number: f"https://a{number}.example.com/" for number, line in enumerate(lines, 3) if line in GOOD_ROWS}
    text = [line.format(n=number, url=good.get(number)) for number, line in enumerate(lines, 3)]
    rows = ["id,title,url", "0,x,https://a.example.com/", *text]
    accepted, _, _ = read("\n".join(rows).replace(",", delimiter))
    assert {row.line: row.url.url for row in accepted[1:] if row.line in good} == good
