"""Answers -> text in one of five formats, row by row; one of them is written to standard output.

Tables are for reading: they shorten, round and escape. The other formats are for programs: they carry
every row and every field as it is. csv guards formulas (`cli.cells.guard`); json and tsv write characters that would
steer a terminal by their own escapes wherever they are written, since a pipe may well end at one; csv has none, and
does so on a terminal only.
"""

from __future__ import annotations

import csv
import io
import itertools
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import typer

from cli.cells import flat, guard, json_text, tsv_escape, visible
from cli.options import Limit, OutputFormat, parse_fields, parse_limit
from cli.table import pairs, table

TABLE_ROWS = 20


@dataclass(frozen=True)
class Answer:
    """What a question command found out, before it is written in some format."""

    key: str
    """Name of the list of rows in JSON, such as ``links``."""
    rows: Iterable[Mapping[str, Any]]
    """May be an iterator: it is read once, and only as far as it is written."""
    columns: tuple[str, ...]
    """Every field of a row, in order; what csv and tsv write."""
    head: Mapping[str, Any] = field(default_factory=dict)
    """Target, scope, totals, filter, left_out, coverage: written in JSON only."""
    heading: str | None = None
    """First line of a table."""
    notes: tuple[str, ...] = ()
    """Shown under a table; on standard error beside the other formats."""
    total: int | None = None
    """Rows in all, where the rows given are only the first of them or will be cut."""
    single: bool = False
    """One row that is the whole answer, such as a count; JSON merges it with the head."""
    table_columns: tuple[str, ...] | None = None
    """The fields a table shows unless --fields names others; None: all."""
    below: tuple[Answer, ...] = ()
    """Further tables under the first one, each with heading, rows and notes; only where tables are written. The same
    figures stand in ``head``, for JSON."""


@dataclass(frozen=True, slots=True)
class Look:
    """Where the text goes."""

    room: int = 80
    """Columns of the terminal."""
    terminal: bool = False
    unicode: bool = True
    """Whether the stream can hold every character."""


def render(
    answers: Sequence[Answer],
    output: OutputFormat,
    *,
    limit: Limit = "default",
    fields: list[str] | None = None,
    raw_cells: bool = False,
    look: Look | None = None,
) -> Iterator[str]:
    """The text of one or several answers, in pieces that end at line ends.

    Raises:
        typer.BadParameter: a field that the answer has not.
    """
    look = look or Look()
    for answer in answers:
        unknown = [name for name in fields or () if name not in _all_columns(answer, answers)]
        if unknown:
            known = ", ".join(_all_columns(answer, answers))
            raise typer.BadParameter(f"no field named {unknown[0]!r}; known: {known}", param_hint="--fields")
    most = TABLE_ROWS if limit == "default" and output is OutputFormat.table else limit
    bound = None if most == "default" else most
    match output:
        case OutputFormat.table:
            return _tables(answers, bound, fields, look)
        case OutputFormat.json:
            return _json(answers, bound, fields, look)
        case OutputFormat.jsonl:
            return _jsonl(answers, bound, fields, look)
        case OutputFormat.csv:
            return _csv(answers, bound, fields, look, raw_cells)
        case OutputFormat.tsv:
            return _tsv(answers, bound, fields, look)


def write_answers(
    answers: Sequence[Answer],
    *,
    output: OutputFormat | None,
    limit: Limit | str = "default",
    fields: list[str] | str | None = None,
    raw_cells: bool = False,
) -> None:
    """Write answers to standard output: a table on a terminal, tsv elsewhere, unless a format is named."""
    stream = sys.stdout
    terminal = stream.isatty()
    if output is None:
        output = OutputFormat.table if terminal else OutputFormat.tsv
    bound = parse_limit(limit) if isinstance(limit, str) else limit
    chosen = parse_fields(fields) if isinstance(fields, str) else fields
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-")
    look = Look(
        room=max(40, shutil.get_terminal_size((80, 24)).columns),
        terminal=terminal,
        unicode=encoding.startswith("utf"),
    )
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:  # a stream that cannot hold a character shows its code instead of failing
        reconfigure(errors="backslashreplace", newline="")
    for piece in render(answers, output, limit=bound, fields=chosen, raw_cells=raw_cells, look=look):
        stream.write(piece)
    if output is not OutputFormat.table:
        stream.flush()
        for note in dict.fromkeys(itertools.chain.from_iterable(answer.notes for answer in answers)):
            print(visible(note), file=sys.stderr)


def write_answer(
    answer: Answer,
    *,
    output: OutputFormat | None,
    limit: Limit | str = "default",
    fields: list[str] | str | None = None,
    raw_cells: bool = False,
) -> None:
    """Write one answer; in JSON it is one object, not an array of one."""
    write_answers([answer], output=output, limit=limit, fields=fields, raw_cells=raw_cells)


def _all_columns(answer: Answer, answers: Sequence[Answer]) -> tuple[str, ...]:
    """The fields of a row; with several questions each row says which one it answers."""
    if len(answers) > 1 and "target" not in answer.columns and "target" in answer.head:
        return ("target", *answer.columns)
    return answer.columns


def _rows(answer: Answer, bound: int | None) -> Iterator[Mapping[str, Any]]:
    return itertools.islice(iter(answer.rows), None if answer.single else bound)


def _records(answers: Sequence[Answer], bound: int | None, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for answer in answers:
        asked = answer.head.get("target")
        own = "target" in answer.columns
        for row in _rows(answer, bound):
            yield {name: asked if name == "target" and not own else row.get(name) for name in names}


# --- formats for programs ---------------------------------------------------------------------------


def _jsonl(answers: Sequence[Answer], bound: int | None, fields: list[str] | None, look: Look) -> Iterator[str]:
    for answer in answers:
        names = fields or _all_columns(answer, answers)
        own = "target" in answer.columns
        for row in _rows(answer, bound):
            record = {
                name: answer.head.get("target") if name == "target" and not own else row.get(name) for name in names
            }
            yield _json_line(record, look) + "\n"


def _json(answers: Sequence[Answer], bound: int | None, fields: list[str] | None, look: Look) -> Iterator[str]:
    if len(answers) == 1:
        yield from _json_object(answers[0], bound, fields, look, "")
        yield "\n"
        return
    yield "["
    for number, answer in enumerate(answers):
        yield ",\n  " if number else "\n  "
        yield from _json_object(answer, bound, fields, look, "  ")
    yield "\n]\n"


def _json_object(answer: Answer, bound: int | None, fields: list[str] | None, look: Look, indent: str) -> Iterator[str]:
    """One key a line, one row a line: streams, and still readable by eye and by ``diff``."""
    if answer.single:
        row = next(_rows(answer, bound), {})
        record = {name: row.get(name) for name in fields or answer.columns}
        record |= {name: value for name, value in answer.head.items() if name not in record}
        inner = ",\n".join(
            f"{indent}  {_json_line(name, look)}: {_json_line(value, look)}" for name, value in record.items()
        )
        yield "{\n" + inner + f"\n{indent}}}"
        return
    yield "{\n"
    for name, value in answer.head.items():
        yield f"{indent}  {_json_line(name, look)}: {_json_line(value, look)},\n"
    yield f"{indent}  {_json_line(answer.key, look)}: ["
    first = True
    for row in _rows(answer, bound):
        record = {name: row.get(name) for name in fields} if fields else dict(row)
        yield ("\n" if first else ",\n") + f"{indent}    {_json_line(record, look)}"
        first = False
    yield "]" if first else f"\n{indent}  ]"
    yield f"\n{indent}}}"


def _json_line(value: Any, look: Look) -> str:
    return json_text(value, ascii_only=not look.unicode)


def _csv(
    answers: Sequence[Answer], bound: int | None, fields: list[str] | None, look: Look, raw_cells: bool
) -> Iterator[str]:
    names = fields or _all_columns(answers[0], answers)
    buffer = io.StringIO()
    # The module quotes the characters of its line end only: with CR LF, a lone CR in a cell is quoted too.
    writer = csv.writer(buffer, lineterminator="\r\n")

    def line(cells: Iterable[str | int | float]) -> str:
        writer.writerow(cells)
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text.removesuffix("\r\n") + "\n"

    def cell(value: Any) -> str | int | float:
        plain = flat(value)
        if not isinstance(plain, str):
            return plain
        if not raw_cells:
            plain = guard(plain)
        return visible(plain) if look.terminal else plain

    yield line(names)
    for row in _records(answers, bound, names):
        yield line(cell(row[name]) for name in names)


def _tsv(answers: Sequence[Answer], bound: int | None, fields: list[str] | None, look: Look) -> Iterator[str]:
    names = fields or _all_columns(answers[0], answers)
    yield "\t".join(names) + "\n"
    for row in _records(answers, bound, names):
        yield "\t".join(tsv_escape(str(flat(row[name]))) for name in names) + "\n"


# --- tables -----------------------------------------------------------------------------------------


def _tables(answers: Sequence[Answer], bound: int | None, fields: list[str] | None, look: Look) -> Iterator[str]:
    ellipsis = "…" if look.unicode else "..."
    if len(answers) > 1 and all(answer.single for answer in answers):
        yield from _side_by_side(answers, fields, look, ellipsis)
        return
    for number, answer in enumerate(answers):
        if number:
            yield "\n"
        if answer.heading:
            yield visible(answer.heading) + "\n"
        names = fields or answer.table_columns or answer.columns
        if answer.single:
            lines = pairs(list(_rows(answer, bound)), names, room=look.room, ellipsis=ellipsis)
        else:
            lines = _cut_table(answer, bound, names, look, ellipsis)
        yield from (line + "\n" for line in lines)
        for part in answer.below:
            yield "\n"
            yield from _tables([part], bound, None, look)
        yield from _notes(answer.notes, look)


def _cut_table(answer: Answer, bound: int | None, names: Sequence[str], look: Look, ellipsis: str) -> list[str]:
    """The first rows, and a last line that says what is not shown."""
    given = iter(answer.rows)
    rows = list(itertools.islice(given, bound))
    more = next(given, None) is not None
    lines = table(names, rows, room=look.room, ellipsis=ellipsis) if rows else ["(no rows)"]
    if answer.total is not None and answer.total > len(rows):
        lines.append(f"{len(rows):,} of {answer.total:,} rows; --limit none shows all")
    elif more:
        lines.append(f"{len(rows):,} rows, and there are more; --limit none shows all")
    return lines


def _side_by_side(answers: Sequence[Answer], fields: list[str] | None, look: Look, ellipsis: str) -> Iterator[str]:
    """Counts of several targets: one column each, so that they can be compared."""
    for answer in answers:
        if answer.heading:
            yield visible(answer.heading) + "\n"
    rows = [next(iter(answer.rows), {}) for answer in answers]
    names = tuple(fields or answers[0].table_columns or answers[0].columns)
    if "target" in answers[0].columns and "target" not in names:
        names = ("target", *names)  # else nobody could tell the columns apart
    yield from (line + "\n" for line in pairs(rows, names, room=look.room, ellipsis=ellipsis))
    yield from _notes(dict.fromkeys(itertools.chain.from_iterable(answer.notes for answer in answers)), look)


def _notes(notes: Iterable[str], look: Look) -> Iterator[str]:
    for note in notes:
        lines = textwrap.wrap(
            visible(note), look.room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
        yield from (line + "\n" for line in lines)
