"""A user's list of pages -> seeds and rejected rows, streaming.

A list comes from the command line, from text files (one address a line; blank lines and lines that begin with
``#`` are no rows), from tables (CSV, TSV, exports of other tools) and from standard input. Every other line
is a row, and every row is either accepted or rejected with its reason: ``rows_read = accepted + rejected``.
Which rows repeat a page is for the reader of the rows to decide.
"""

from __future__ import annotations

import html
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from crawler.list_layout import Layout, detect_layout, rows_of, sample_of
from crawler.list_rows import Row, known_suffix
from crawler.list_text import LINE_BYTES, SHOWN_CHARACTERS, Line, TextFile
from crawler.urls import hide_inside, is_ip, operator_domain, seed_url
from storage.errors import BadList, InvalidUrl
from storage.records import RejectedRow, SeedRow

ARGUMENT = "argument"
"""The ``file`` of rows given on the command line; their ``line`` is their place among them."""
STDIN = "-"

_SCHEME = re.compile(r"[\"'\s<(]*(?:https?:|//|\\\\)", re.IGNORECASE)
_LIST_NAME = re.compile(
    r"[^?#]*\.(?:csv|tsv|tab|txt|text|list|lst|gz|xlsx?|ods|json|jsonl|parquet|md|log)", re.IGNORECASE
)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);")
# The same cells that our own CSV output guards against being run as a formula.
_GUARDED = re.compile("''*[=+\\-@\t\r\n＝＋－＠]")


@dataclass(slots=True)
class FileReport:
    """One source of a list: how it is read, and its rows so far."""

    file: str
    encoding: str | None = None
    delimiter: str | None = None
    """``tab``, ``comma`` or ``semicolon``; None in a plain list and for arguments."""
    header_line: int | None = None
    column: str | None = None
    """Name of the column that is read; None in a plain list without a header."""
    columns: tuple[str, ...] = ()
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    bare_domains: int = 0
    """Accepted rows that name a host only: its home page is the seed."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a list would have fetched; nothing is fetched for it."""

    files: tuple[FileReport, ...]
    rows_read: int
    accepted: int
    duplicates: int
    """Accepted rows whose page another row named before: ``accepted - duplicates = pages + visited_lately``."""
    rejected: int
    bare_domains: int
    pages: int
    hosts: int
    domains: int
    operators: int
    largest_operator: str | None
    largest_operator_pages: int
    visited_lately: int = 0
    """Pages that need not be fetched now; the counts after ``bare_domains`` leave them out."""

    def least_seconds(self, delay: float) -> float:
        """How long a crawl takes at least, one request every ``delay`` seconds to each operator."""
        return max(0, self.largest_operator_pages - 1) * delay


_ROWS_AT_A_TIME = 2_000
_DELIMITER_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", None: None}


@dataclass(slots=True)
class _Source:
    report: FileReport
    layout: Layout | None = None
    text: TextFile | None = None
    """Open where the file cannot be opened twice: standard input, a named pipe."""
    lines: Iterator[Line] = field(default_factory=lambda: iter(()))
    arguments: list[tuple[int, str]] = field(default_factory=list)


class SeedReader:
    """The rows of a list, in order; read once. See `read_seeds`."""

    def __init__(self, sources: Sequence[str], *, column: str | None, stdin: IO[bytes]) -> None:
        self._sources: list[_Source] = []
        self._begun = False
        given = 0
        files: set[str] = set()
        for source in sources:
            if source in files:
                continue
            if source != STDIN and not _is_file(source):
                given += 1
                if not self._sources or not self._sources[-1].arguments:
                    self._sources.append(_Source(self._argument_report()))
                self._sources[-1].arguments.append((given, source))
            else:
                files.add(source)
                self._sources.append(_open(source, column, stdin))

    def _argument_report(self) -> FileReport:
        known = [source.report for source in self._sources if source.arguments]
        return known[0] if known else FileReport(ARGUMENT)

    @property
    def files(self) -> tuple[FileReport, ...]:
        """One report a source; its counters grow while the rows are read."""
        return tuple({id(source.report): source.report for source in self._sources}.values())

    @property
    def column(self) -> dict[str, str | None]:
        """The column read, for each file; None where there is only one."""
        return {report.file: report.column for report in self.files}

    @property
    def rows_read(self) -> int:
        return sum(report.rows for report in self.files)

    @property
    def accepted(self) -> int:
        return sum(report.accepted for report in self.files)

    @property
    def rejected(self) -> int:
        return sum(report.rejected for report in self.files)

    @property
    def bare_domains(self) -> int:
        return sum(report.bare_domains for report in self.files)

    def __iter__(self) -> Iterator[SeedRow | RejectedRow]:
        if self._begun:
            raise RuntimeError("a SeedReader is read once; make another one with read_seeds")
        self._begun = True
        return self._rows()

    def _rows(self) -> Iterator[SeedRow | RejectedRow]:
        for source in self._sources:
            for row, bare in self._rows_of(source):
                report = source.report
                report.rows += 1
                if isinstance(row, SeedRow):
                    report.accepted += 1
                    report.bare_domains += bare
                else:
                    report.rejected += 1
                yield row

    def _rows_of(self, source: _Source) -> Iterator[tuple[SeedRow | RejectedRow, bool]]:
        if source.layout is None:
            for number, given in source.arguments:
                yield _seed(ARGUMENT, number, given, {})
            return
        text = source.text or TextFile(source.report.file)
        try:
            lines = source.lines if source.text else text.lines()
            for row in rows_of(source.layout, lines):
                yield _row(source.report.file, row, source.layout)
        finally:
            text.close()


def read_seeds(sources: Sequence[str], *, column: str | None = None, stdin: IO[bytes] | None = None) -> SeedReader:
    """Open a list; its rows are read while the result is iterated over.

    Args:
        sources: addresses, names of files, ``-`` for standard input. What has a scheme is an address; what
            names a file that is there is that file; what else looks like ``host`` or ``host/path`` is an
            address. A file given twice is read once.
        column: header, or number from 1, of the column that holds the pages; None decides by headers and cells.
            It must be in every file.
        stdin: binary standard input.
    Returns:
        An iterable of SeedRow and RejectedRow with counters. It can be gone through once and never holds
        more than one row and the first 200 lines of a file.
    Raises:
        BadList: before any row: a file is missing, unreadable, empty, no text, or does not say which column is
            meant. While reading: a file cannot be read on. A row never raises.
    """
    return SeedReader(sources, column=column, stdin=stdin or sys.stdin.buffer)


def describe(
    reader: SeedReader,
    *,
    on_rejected: Callable[[RejectedRow], None] | None = None,
    visited: Callable[[Collection[str]], Collection[str]] | None = None,
) -> Description:
    """Read a list to its end and say what it holds: the answer to a dry run.

    Keeps 8 bytes a page (a hash) and the names of the domains and operators, not the rows.

    Args:
        on_rejected: is handed the rows that cannot be fetched.
        visited: picks those of some URLs that need not be fetched; asked for a few thousand at a time.
    """
    pages: set[int] = set()
    hosts: set[str] = set()
    domains: set[str] = set()
    operators: Counter[str] = Counter()
    lately = 0
    waiting: dict[str, SeedRow] = {}

    def count() -> None:
        nonlocal lately
        left_out = visited(waiting) if visited is not None else ()
        lately += len(left_out)
        for text, row in waiting.items():
            if text not in left_out:
                hosts.add(row.url.host)
                domains.add(row.url.domain)
                operators[row.operator] += 1
        waiting.clear()

    for row in reader:
        if isinstance(row, RejectedRow):
            if on_rejected is not None:
                on_rejected(row)
            continue
        key = hash(row.url.url)
        if key not in pages:
            pages.add(key)
            waiting[row.url.url] = row
            if len(waiting) >= _ROWS_AT_A_TIME:
                count()
    count()
    largest = min(operators.items(), key=lambda item: (-item[1], item[0]), default=(None, 0))
    return Description(
        files=reader.files,
        rows_read=reader.rows_read,
        accepted=reader.accepted,
        duplicates=reader.accepted - len(pages),
        rejected=reader.rejected,
        bare_domains=reader.bare_domains,
        pages=len(pages) - lately,
        hosts=len(hosts),
        domains=len(domains),
        operators=len(operators),
        largest_operator=largest[0],
        largest_operator_pages=largest[1],
        visited_lately=lately,
    )


def _is_file(source: str) -> bool:
    """Whether a source of the command line is meant as a file."""
    if _SCHEME.match(source):
        return False
    try:
        path = Path(source)
        if path.exists() and not path.is_dir():
            return True
        is_directory = path.is_dir()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it
        is_directory = False
    try:
        url = seed_url(source)
    except InvalidUrl:
        # An address with a mistake in it is a row to be rejected; a name is a file that is not there.
        return is_directory or ("://" not in source and "@" not in source and not _has_scheme(source))
    if _no_address(source, url.host) is not None:
        return True
    return _LIST_NAME.fullmatch(source) is not None and "/" not in source


def _has_scheme(source: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", source) is not None


def _open(name: str, column: str | None, stdin: IO[bytes]) -> _Source:
    text = TextFile(name, stdin)
    try:
        lines = text.lines()
        sample = sample_of(lines)
        layout = detect_layout(sample, name=name, title=text.title, column=column)
    except BadList:
        text.close()
        raise
    report = FileReport(
        file=name,
        encoding=text.encoding.description,
        delimiter=_DELIMITER_NAMES[layout.delimiter],
        header_line=layout.header_line,
        column=layout.header[layout.column] if layout.header else None,
        columns=layout.header,
    )
    if name != STDIN and Path(name).is_file():
        text.close()  # opened again when its turn comes: a thousand files are not a thousand open files
        return _Source(report, layout)
    return _Source(report, layout, text, chain(sample, lines))


def _row(file: str, row: Row, layout: Layout) -> tuple[SeedRow | RejectedRow, bool]:
    if row.too_long:
        reason = f"the line is longer than {LINE_BYTES // 1024 // 1024} MiB"
        return RejectedRow(file, row.line, _shown(row.cells[0]), reason), False
    cells = row.cells
    if layout.delimiter is None:
        given = cells[0].strip()
        return _seed(file, row.line, _plain(given, layout), {})
    if layout.delimiter != "\t":
        cells = [cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell for cell in cells]
    width, column = len(layout.header), layout.column
    damage = "" if len(cells) == width else f" (the row has {len(cells)} cells, not {width})"
    given = cells[column].strip() if column < len(cells) else ""
    if not given:
        whole = layout.delimiter.join(cells)
        reason = f"no address in column {layout.header[column]!r}{damage}"
        return RejectedRow(file, row.line, _shown(whole), reason), False
    others = {
        layout.header[place] if place < width else f"column {place + 1}": hide_inside(cell)
        for place, cell in enumerate(cells)
        if cell and place != column
    }
    return _seed(file, row.line, _plain(given, layout), others, damage)


def _plain(given: str, layout: Layout) -> str:
    if layout.entities and "&" in given:
        return _REFERENCE.sub(lambda found: html.unescape(found.group()), given)
    # A line of a disavow file: https://support.google.com/webmasters/answer/2648487
    return given[7:].strip() if layout.delimiter is None and given[:7].lower() == "domain:" else given


def _seed(
    file: str, line: int, given: str, columns: dict[str, str], damage: str = ""
) -> tuple[SeedRow | RejectedRow, bool]:
    try:
        url = seed_url(given)
        why = None if _SCHEME.match(given) else _no_address(given, url.host)
    except InvalidUrl as error:
        return RejectedRow(file, line, _shown(error.value), error.why + damage), False
    if why is not None:
        return RejectedRow(file, line, _shown(given), why + damage), False
    bare = url.path_key == "" and "?" not in url.url and "/" not in given
    return SeedRow(url, operator_domain(url.host), file, line, given, columns), bare


def _no_address(given: str, host: str) -> str | None:
    """Why a text without a scheme is not taken for an address although a URL could be made of it."""
    if is_ip(host):
        # The URL standard reads 3.14 as 3.0.0.14; nobody who writes that means a page.
        return None if host.strip("[]") in given.lower() else "a number, not an address"
    if host == "localhost" or known_suffix(host.rpartition(".")[2]):
        return None
    return f"on {host!r}, under no known top-level domain (write http:// before the name of a local machine)"


def _shown(text: str) -> str:
    """A row as it is reported: not its whole length, and no passwords."""
    text = hide_inside(text)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
