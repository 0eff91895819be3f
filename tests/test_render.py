"""The five formats: what each keeps, shortens, escapes and streams."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from cli.cells import guard, json_text, json_visible, shorten, shown, tsv_escape, tsv_unescape, unguard, visible, width
from cli.options import OutputFormat, parse_fields, parse_limit
from cli.render import Answer, Look, render
from cli.table import pairs, table

LINES = ("anchor", "links")
anything = st.text(alphabet=st.characters(codec=None, categories=None))
storable = st.text()


def answer(rows: Any, **more: Any) -> Answer:
    return Answer(**{"key": "anchors", "rows": rows, "columns": LINES, **more})


def text(output: str, *answers: Answer, **more: Any) -> str:
    return "".join(render(answers, OutputFormat(output), **more))


GUARDED = [  # id, cell, guarded
    ("formula", "=HYPERLINK(1)", "'=HYPERLINK(1)"),
    ("plus", "+1", "'+1"),
    ("minus", "-1", "'-1"),
    ("at", "@SUM(1)", "'@SUM(1)"),
    ("tab", "\t=1", "'\t=1"),
    ("carriage_return", "\r=1", "'\r=1"),
    ("line_feed", "\n=1", "'\n=1"),
    ("fullwidth_equals", "＝1", "'＝1"),
    ("fullwidth_plus", "＋1", "'＋1"),
    ("fullwidth_minus", "－1", "'－1"),
    ("fullwidth_at", "＠1", "'＠1"),
    ("already_looks_guarded", "'=1", "''=1"),
    ("plain", "running shoes", "running shoes"),
    ("apostrophe_alone", "'til", "'til"),
    ("formula_later", "a=1", "a=1"),
    ("empty", "", ""),
]


@pytest.mark.parametrize(("cell", "guarded"), [pytest.param(*row[1:], id=row[0]) for row in GUARDED])
def test_guard(cell: str, guarded: str) -> None:
    assert guard(cell) == guarded
    assert unguard(guarded) == cell


@given(anything)
def test_guard_can_be_undone(cell: str) -> None:
    assert unguard(guard(cell)) == cell
    assert guard(cell)[:1] not in tuple("=+-@\t\r\n＝＋－＠")


@given(anything)
def test_tsv_can_be_undone(cell: str) -> None:
    escaped = tsv_escape(cell)
    assert tsv_unescape(escaped) == cell
    assert not set(escaped) & set("\t\n\r\x1b\x9b\u202e\u2028")


@given(anything)
def test_json_says_what_was_written(value: str) -> None:
    for ascii_only in (False, True):
        line = json_text({"anchor": value}, ascii_only=ascii_only)
        assert json.loads(line) == json.loads(json.dumps({"anchor": value}))
        assert not set(line) & set("\n\x7f\x9b\u202e\u2028")
        line.encode("ascii" if ascii_only else "utf-8")


def test_json_on_several_lines_stays_json() -> None:
    value = {"anchor": "caf\u00e9 \u202e\n", "links": [1]}
    text = json_visible(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(text) == value
    assert "\u202e" not in text
    assert text.count("\n") == 5


@given(anything)
def test_nothing_steers_a_terminal(value: str) -> None:
    rows = [{"anchor": value, "links": 1}]
    for output, terminal in itertools.product(OutputFormat, (True, False)):
        if output is OutputFormat.csv and not terminal:
            continue  # for spreadsheets: the cells as they are, but for formulas
        written = text(output.value, answer(rows, heading=value, notes=(value,)), look=Look(terminal=terminal))
        controls = {char for char in written if ord(char) < 32 or 0x7F <= ord(char) <= 0x9F}
        assert controls <= ({"\n", "\t"} if output is OutputFormat.tsv else {"\n"})
        assert not set(written) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028\u2029")


@given(anything)
def test_tables_escape_off_a_terminal_too(value: str) -> None:
    assert "\x1b" not in text("table", answer([{"anchor": value, "links": 1}], heading=value))


VISIBLE = [  # id, text, shown
    ("escape", "\x1b[31mred", "\\u001b[31mred"),
    ("clipboard", "\x1b]52;c;aGk=\x07", "\\u001b]52;c;aGk=\\u0007"),
    ("c1", "\x9b31m", "\\u009b31m"),
    ("bidi", "a\u202eb", "a\\u202eb"),
    ("isolate", "a\u2066b", "a\\u2066b"),
    ("line_separator", "a\u2028b", "a\\u2028b"),
    ("surrogate", "a\ud800b", "a\\ud800b"),
    ("tag", "a\U000e0041b", "a\\U000e0041b"),
    ("markup_is_text", "[link=https://x.example]y[/]", "[link=https://x.example]y[/]"),
    ("arabic_is_text", "أحذية", "أحذية"),
    ("joiner_is_text", "می‌خواهم", "می‌خواهم"),
]


@pytest.mark.parametrize(("given_text", "seen"), [pytest.param(*row[1:], id=row[0]) for row in VISIBLE])
def test_visible(given_text: str, seen: str) -> None:
    assert visible(given_text) == seen


@given(anything, st.integers(1, 60))
def test_shortened_fits(value: str, columns: int) -> None:
    value = visible(value)
    for ellipsis in ("…", "..."):
        assert width(shorten(value, columns, ellipsis=ellipsis)) <= columns
    if width(value) <= columns:
        assert shorten(value, columns) == value


def test_shortened_in_the_middle() -> None:
    assert shorten("https://acmetools.example/guides/sharpening", 21) == "https://ac…sharpening"
    assert shorten("日本語のアンカーテキスト", 11) == "日本…キスト"


def test_addresses_give_up_their_scheme_first_and_words_never() -> None:
    row = {"source": "http://a.example/" + "x" * 12, "anchor": "https://b.example/" + "y" * 11}
    cut, whole = (table(("source", "anchor"), [row], room=room)[2] for room in (52, 60))
    assert cut == "a.example/xxxxxxxxxxxx  https://b.exam…e/yyyyyyyyyyy"
    assert whole == "http://a.example/xxxxxxxxxxxx  https://b.example/yyyyyyyyyyy"


SHOWN = [  # id, field, value, cell
    ("none", "rel", None, ""),
    ("yes", "followed", True, "yes"),
    ("thousands", "links", 1234567, "1,234,567"),
    ("negative", "ordinal", -1200, "-1,200"),
    ("share", "share_links", 0.123456, "12.3%"),
    ("list", "rel", ["nofollow", "ugc"], "nofollow, ugc"),
    ("counts", "by_source", {"text": 5, "img_alt": 1200}, "text 5, img_alt 1,200"),
    ("date", "first_seen", "2026-11-22T14:40:03.120Z", "2026-11-22"),
    ("minute", "started", "2026-11-22T14:40:03.120Z", "2026-11-22 14:40"),
    ("no_words", "anchor", "", "(no anchor text)"),
    ("escape_in_list", "rel", ["a\x1b"], "a\\u001b"),
]


@pytest.mark.parametrize(("name", "value", "cell"), [pytest.param(*row[1:], id=row[0]) for row in SHOWN])
def test_shown(name: str, value: Any, cell: str) -> None:
    assert shown(name, value) == cell


def test_table() -> None:
    rows = [{"anchor": "Acme [b]Tools[/]", "links": 1200}, {"anchor": "", "links": 3}]
    assert table(LINES, rows) == [
        "anchor            links",
        "----------------  -----",
        "Acme [b]Tools[/]  1,200",
        "(no anchor text)      3",
    ]


cell_values = st.one_of(storable, st.integers(), st.none(), st.lists(storable, max_size=3))


def test_long_names_of_narrow_columns_take_two_lines() -> None:
    rows = [{"anchor": "Acme Tools", "referring_domains": 4, "links": 5}]
    assert table(("anchor", "referring_domains", "links"), rows) == [
        "            referring_",
        "anchor         domains  links",
        "----------  ----------  -----",
        "Acme Tools           4      5",
    ]


@given(st.lists(st.fixed_dictionaries(dict.fromkeys("abcdefg", cell_values)), min_size=1, max_size=4))
def test_tables_fit_80_columns(rows: list[dict[str, Any]]) -> None:
    for line in table("abcdefg", rows, room=80):
        assert width(line) <= 80


@given(st.lists(st.fixed_dictionaries(dict.fromkeys("abc", cell_values)), min_size=1, max_size=6))
def test_upright_tables_fit_80_columns(rows: list[dict[str, Any]]) -> None:
    for line in pairs(rows, "abc", room=80):
        assert width(line) <= 80


def test_numbers_are_never_cut() -> None:
    row = {f"count_{place}": 10**12 + place for place in range(8)} | {"source": "https://x.example/" + "y" * 200}
    written = "\n".join(table(("source", *(f"count_{place}" for place in range(8))), [row], room=80))
    for place in range(8):
        assert f"{10**12 + place:,}" in written


def test_times_are_never_cut() -> None:
    row = {"source": "x" * 100, "at": "2026-11-22T14:40:03.120Z", "anchor": "y" * 100}
    assert " 2026-11-22 " in table(("source", "at", "anchor"), [row], room=40)[2]


def test_one_block_rather_than_two() -> None:
    row = {f"column_{place}": 10**6 for place in range(8)}
    assert table(tuple(row), [row], room=79)[-1] == " ".join(["1,000,000"] * 8)
    assert "" in table(tuple(row), [row], room=78)


def test_a_table_says_what_it_does_not_show() -> None:
    rows = ({"anchor": f"a{number}", "links": 1} for number in range(1234))
    assert text("table", answer(rows, total=1234)).endswith("20 of 1,234 rows; --limit none shows all\n")
    rows = ({"anchor": f"a{number}", "links": 1} for number in range(21))
    assert text("table", answer(rows)).endswith("20 rows, and there are more; --limit none shows all\n")
    rows = ({"anchor": f"a{number}", "links": 1} for number in range(20))
    assert "--limit" not in text("table", answer(rows, total=20))
    rows = ({"anchor": f"a{number}", "links": 1} for number in range(1234))
    assert text("table", answer(rows, total=1234), limit=None).count("\n") == 1236
    assert text("table", answer([])) == "(no rows)\n"


@pytest.mark.parametrize("output", ["jsonl", "csv", "tsv", "json"])
def test_other_formats_are_complete(output: str) -> None:
    rows = [{"anchor": f"a{number}", "links": 1} for number in range(1234)]
    assert text(output, answer(rows)).count("a1") == sum("a1" in row["anchor"] for row in rows)
    few = text(output, answer(rows), limit=2)
    assert "a1" in few
    assert "a2" not in few


@pytest.mark.parametrize("output", ["jsonl", "csv", "tsv", "json"])
def test_long_lists_stream(output: str) -> None:
    """The first rows are written before the last are read."""
    read = 0

    def rows() -> Iterator[Mapping[str, Any]]:
        nonlocal read
        while True:
            read += 1
            yield {"anchor": "x", "links": read}

    pieces = render([answer(rows())], OutputFormat(output))
    for _ in range(50):
        next(pieces)
    assert read <= 51


def test_json_has_the_head_before_the_rows() -> None:
    written = text("json", answer([{"anchor": "é", "links": 1}], head={"target": "a.example", "links": 1}))
    assert written == (
        '{\n  "target": "a.example",\n  "links": 1,\n  "anchors": [\n    {"anchor": "é", "links": 1}\n  ]\n}\n'
    )
    assert json.loads(text("json", answer([], head={"links": 0}))) == {"links": 0, "anchors": []}


def test_json_of_several_questions_is_an_array() -> None:
    one, two = (answer([{"anchor": "a", "links": 1}], head={"target": name}) for name in ("a.example", "b.example"))
    assert [item["target"] for item in json.loads(text("json", one, two))] == ["a.example", "b.example"]


def test_rows_of_several_questions_carry_their_target() -> None:
    one, two = (answer([{"anchor": "a", "links": 1}], head={"target": name}) for name in ("a.example", "b.example"))
    assert text("csv", one, two) == "target,anchor,links\na.example,a,1\nb.example,a,1\n"
    assert [json.loads(line) for line in text("jsonl", one, two).splitlines()] == [
        {"target": "a.example", "anchor": "a", "links": 1},
        {"target": "b.example", "anchor": "a", "links": 1},
    ]


def test_a_single_row_is_the_answer() -> None:
    count = answer(
        [{"target": "a.example", "links": 2}],
        single=True,
        columns=("target", "links"),
        head={"target": "a.example", "filter": {"kind": "external"}},
    )
    assert json.loads(text("json", count)) == {"target": "a.example", "links": 2, "filter": {"kind": "external"}}
    assert text("tsv", count) == "target\tlinks\na.example\t2\n"
    assert text("table", count) == "target  a.example\nlinks   2\n"


def test_counts_of_several_targets_stand_side_by_side() -> None:
    counts = [
        answer([{"target": f"{name}.example", "links": number}], single=True, columns=("target", "links"))
        for name, number in (("acme", 1200), ("rival", 7))
    ]
    assert text("table", *counts) == "target  acme.example  rival.example\nlinks          1,200              7\n"


def test_csv_is_safe_and_numbers_stay_numbers() -> None:
    rows = [{"anchor": '=1+1,"x"', "links": -5}, {"anchor": "-5", "links": 1.5}, {"anchor": None, "links": True}]
    written = text("csv", answer(rows))
    assert written == 'anchor,links\n"\'=1+1,""x""",-5\n\'-5,1.5\n,true\n'
    assert list(csv.reader(io.StringIO(text("csv", answer(rows), raw_cells=True))))[1] == ['=1+1,"x"', "-5"]


@given(st.lists(storable, max_size=5))
def test_csv_reads_back(anchors: list[str]) -> None:
    written = text("csv", answer([{"anchor": anchor, "links": 1} for anchor in anchors]))
    read = list(csv.reader(io.StringIO(written, newline="")))[1:]
    assert [unguard(cell) for cell, _ in read] == anchors


@given(st.lists(storable, max_size=5))
def test_tsv_reads_back(anchors: list[str]) -> None:
    written = text("tsv", answer([{"anchor": anchor, "links": 1} for anchor in anchors]))
    read = [line.split("\t") for line in written.split("\n")[1:-1]]
    assert [tsv_unescape(cell) for cell, _ in read] == anchors


def test_nested_values_are_json_in_cells() -> None:
    row = {"anchor": "a", "links": {"text": 1}}
    assert text("tsv", answer([row])).splitlines()[1] == 'a\t{"text": 1}'


def test_fields_are_chosen_and_ordered() -> None:
    rows = [{"anchor": "a", "links": 1}]
    for output, first in [("csv", "links,anchor"), ("tsv", "links\tanchor"), ("jsonl", '{"links": 1, "anchor": "a"}')]:
        assert text(output, answer(rows), fields=["links", "anchor"]).splitlines()[0] == first
    assert text("table", answer(rows), fields=["links"]).splitlines()[0] == "links"
    assert json.loads(text("json", answer(rows), fields=["links"])) == {"anchors": [{"links": 1}]}


def test_notes_are_wrapped() -> None:
    note = "1 failed http:404: there is no such page any more; correct the row or drop it from the list of pages"
    assert text("table", answer([{"anchor": "a", "links": 1}], notes=(note,))).splitlines()[3:] == [
        "1 failed http:404: there is no such page any more; correct the row or drop it",
        "  from the list of pages",
    ]


def test_an_unknown_field_is_a_usage_error() -> None:
    with pytest.raises(typer.BadParameter, match="no field named 'ancor'; known: anchor, links"):
        text("csv", answer([]), fields=["ancor"])


def test_a_table_may_show_fewer_fields() -> None:
    assert text("table", answer([{"anchor": "a", "links": 1}], table_columns=("links",))).startswith("links\n")


def test_limits_and_fields_are_parsed() -> None:
    assert [parse_limit(value) for value in ("none", "0", "25", "default", None)] == [None, 0, 25, "default", "default"]
    for bad in ("-1", "x", "", "1.5", "²"):
        with pytest.raises(typer.BadParameter):
            parse_limit(bad)
    assert parse_fields(" a, b ,") == ["a", "b"]
    assert parse_fields(None) is None
    with pytest.raises(typer.BadParameter):
        parse_fields(" , ")
