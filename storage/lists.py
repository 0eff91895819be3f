"""Kept lists: named sets of pages with the user's own columns and where each row came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, delete, distinct, func, select, true, update

from storage.codes import OUTCOMES
from storage.dialect import dialect_of
from storage.dictionaries import ensure_urls
from storage.errors import LedgerError
from storage.filters import list_id_of as list_id
from storage.records import OutcomeState, SeedRow
from storage.schema import crawl, host, list_row, outcome, page_list, url
from storage.text import clean, short_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "FileRows", "ListRow", "OtherBacklinks", "Saved", "StoredList", "backlinks_of", "list_id", "list_rows", "lists",
    "mark", "save_rows",
]  # fmt: skip

_CHUNK = 2_000
_UNNAMED = frozenset({"argument", "-"})
"""What `SeedRow.file` is for the command line and standard input: what comes from there next is not a new edition."""
_COLUMNS = ("list_id", "file", "line", "url_id", "operator", "given", "columns", "added_at")


class Saved(NamedTuple):
    """What became of a list's rows."""

    list_id: int
    rows: int
    """Rows kept by this call."""
    replaced: int
    """Rows that the same files had given before."""


class OtherBacklinks(LedgerError):
    """A list is said to hold the backlinks of two targets."""

    def __init__(self, name: str, has: str, wanted: str) -> None:
        super().__init__(
            f"list {name!r} holds the backlinks of {has}, not of {wanted}; name another list, "
            f"or change what this one holds: `linkledger lists mark {name} --backlinks-of {wanted}`"
        )


class FileRows(NamedTuple):
    """Where rows of a list came from."""

    file: str
    rows: int


@dataclass(frozen=True, slots=True)
class StoredList:
    """One kept list."""

    name: str
    rows: int
    pages: int
    """Distinct URLs; a page may be on several rows."""
    hosts: int
    domains: int
    """Distinct registrable domains, private suffixes counted as suffixes."""
    files: tuple[FileRows, ...]
    created_at: int
    """Milliseconds since 1970, UTC; so are all times here."""
    crawls: tuple[int, ...]
    """Ids of the crawls of this list, oldest first."""
    backlinks_of: str | None = None
    """The target whose referring pages it holds; None: any pages."""


class ListRow(NamedTuple):
    """One row of a kept list, with what became of its page in the latest crawl that asked for it."""

    file: str
    line: int
    url: str
    given: str
    columns: dict[str, Any]
    added_at: int
    outcome: OutcomeState | None
    """None: no crawl has asked for it."""
    reason: str | None
    status: int | None
    final: str | None
    """The URL that answered."""
    crawl: int | None
    at: int | None


def save_rows(conn: Connection, name: str, rows: Iterable[SeedRow], now: int, *, files: Iterable[str] = ()) -> Saved:
    """Keep the rows of a list, which is made where there is none of this name.

    What a file gave before is replaced by what it gives now, rows of other files stay. Rows of the command line
    and of standard input are added: only those of the same page are replaced, and their lines are counted on.
    The rows of one file must come in one call; two rows of one file and line are one, the first. Streams: holds
    a few thousand rows at a time.

    Args:
        conn: a writing transaction.
        now: kept as the time when the rows were added, and the list if it is new.
        files: replaced even if none of the rows is from them: a file may have no good row any more.
    """
    id_ = _ensure_list(conn, name, now)
    met: set[str] = set()
    replaced = 0
    counted_on = {file: _last_line(conn, id_, file) for file in _UNNAMED}
    for file in files:
        replaced += _forget(conn, id_, short_name(file), met)
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK)):
        ids = ensure_urls(conn, (row.url for row in chunk))
        replaced += _forget_pages(conn, id_, chunk, ids, now)
        values: dict[tuple[str, int], tuple[Any, ...]] = {}
        for row in chunk:
            file = short_name(row.file)
            replaced += _forget(conn, id_, file, met)
            columns = json.dumps(
                {clean(name): _cleaned(cell) for name, cell in row.columns.items()}, ensure_ascii=False
            )
            line = row.line + counted_on.get(file, 0)
            values.setdefault(
                (file, line),
                (id_, file, line, ids[row.url.url], short_name(row.operator), clean(row.given), columns, now),
            )
        ordered = [values[key] for key in sorted(values)]
        dialect_of(conn).insert(conn, "list_row", _COLUMNS, ordered, conflict="nothing")
    kept = select(func.count()).where(
        list_row.c.list_id == id_, list_row.c.file.in_(sorted(met)), list_row.c.added_at == now
    )
    return Saved(id_, int(conn.execute(kept).scalar_one()) if met else 0, replaced)


def _cleaned(cell: Any) -> Any:
    return clean(cell) if isinstance(cell, str) else cell


def _ensure_list(conn: Connection, name: str, now: int) -> int:
    stored = clean(name)
    wanted = select(page_list.c.id).where(page_list.c.name == stored)
    found = conn.execute(wanted).scalar()
    if found is None:
        # Another crawl may make the list at the same moment: the one that comes second takes what is there.
        dialect_of(conn).insert(conn, "list", ("name", "created_at"), [(stored, now)], conflict="nothing")
        found = conn.execute(wanted).scalar_one()
    return int(found)


def _forget(conn: Connection, id_: int, file: str, met: set[str]) -> int:
    """Drop what the file gave before, once a call."""
    if file in met:
        return 0
    met.add(file)
    if file in _UNNAMED:
        return 0
    return conn.execute(delete(list_row).where(list_row.c.list_id == id_, list_row.c.file == file)).rowcount


def _last_line(conn: Connection, id_: int, file: str) -> int:
    last = select(func.max(list_row.c.line)).where(list_row.c.list_id == id_, list_row.c.file == file)
    return int(conn.execute(last).scalar() or 0)


def _forget_pages(conn: Connection, id_: int, rows: Sequence[SeedRow], ids: Mapping[str, int], now: int) -> int:
    """Drop earlier rows of the pages that the command line or standard input gives again."""
    dropped = 0
    for file in sorted(_UNNAMED):
        pages = {ids[row.url.url] for row in rows if row.file == file}
        earlier = (list_row.c.list_id == id_) & (list_row.c.file == file) & (list_row.c.added_at < now)
        dropped += conn.execute(delete(list_row).where(earlier, list_row.c.url_id.in_(sorted(pages)))).rowcount
    return dropped


def mark(conn: Connection, name: str, target: str | None, *, replace: bool = False) -> None:
    """Say whose backlinks a list holds: the pages that some index of the web knows to link to one target.

    Args:
        conn: a writing transaction.
        target: as answers name it; None: nobody's.
        replace: also where it holds those of another target.
    Raises:
        UnknownName: no list has the name.
        OtherBacklinks: it holds those of another target, and is not to be changed.
    """
    check_mark(conn, name, target if not replace else None)
    stored = None if target is None else clean(target)
    conn.execute(update(page_list).where(page_list.c.id == list_id(conn, name)).values(backlinks_of=stored))


def check_mark(conn: Connection, name: str, target: str | None) -> None:
    """Raises OtherBacklinks: a list of this name is there and holds the backlinks of another target."""
    has = conn.execute(select(page_list.c.backlinks_of).where(page_list.c.name == clean(name))).scalar()
    if has is not None and target is not None and has != clean(target):
        raise OtherBacklinks(name, has, target)


def backlinks_of(conn: Connection, target: str) -> tuple[str, ...]:
    """Names of the lists that hold the backlinks of a target, by name."""
    rows = select(page_list.c.name).where(page_list.c.backlinks_of == clean(target)).order_by(page_list.c.name)
    return tuple(conn.execute(rows).scalars())


def lists(conn: Connection, name: str | None = None) -> tuple[StoredList, ...]:
    """Every kept list, or the one named, by name.

    Raises:
        UnknownName: no list has the name.
    """
    condition = true() if name is None else page_list.c.id == list_id(conn, name)
    joined = page_list.outerjoin(list_row, list_row.c.list_id == page_list.c.id).outerjoin(
        url, url.c.id == list_row.c.url_id
    )
    totals = conn.execute(
        select(
            page_list.c.id,
            page_list.c.name,
            page_list.c.created_at,
            page_list.c.backlinks_of,
            func.count(list_row.c.url_id).label("rows"),
            func.count(distinct(list_row.c.url_id)).label("pages"),
            func.count(distinct(url.c.host_id)).label("hosts"),
            func.count(distinct(host.c.domain_id)).label("domains"),
        )
        .select_from(joined.outerjoin(host, host.c.id == url.c.host_id))
        .where(condition)
        .group_by(page_list.c.id, page_list.c.name, page_list.c.created_at, page_list.c.backlinks_of)
        .order_by(page_list.c.name)
    ).all()
    files = conn.execute(
        select(list_row.c.list_id, list_row.c.file, func.count().label("rows"))
        .join(page_list, page_list.c.id == list_row.c.list_id)
        .where(condition)
        .group_by(list_row.c.list_id, list_row.c.file)
        .order_by(list_row.c.file)
    ).all()
    crawls = conn.execute(
        select(crawl.c.list_id, crawl.c.id)
        .join(page_list, page_list.c.id == crawl.c.list_id)
        .where(condition)
        .order_by(crawl.c.id)
    ).all()
    return tuple(
        StoredList(
            name=row.name,
            rows=row.rows,
            pages=row.pages,
            hosts=row.hosts,
            domains=row.domains,
            files=tuple(FileRows(file.file, file.rows) for file in files if file.list_id == row.id),
            created_at=row.created_at,
            crawls=tuple(used.id for used in crawls if used.list_id == row.id),
            backlinks_of=row.backlinks_of,
        )
        for row in totals
    )


def list_rows(conn: Connection, name: str) -> Iterator[ListRow]:
    """The rows of a kept list by file and line, streaming.

    The outcome is that of the page's latest crawl, of whatever list: the same that coverage counts.

    Raises:
        UnknownName: at once, no list has the name.
    """
    return _rows(conn, list_id(conn, name))


def _rows(conn: Connection, id_: int) -> Iterator[ListRow]:
    final = url.alias("final")
    newest = (
        select(func.max(outcome.c.crawl_id)).where(outcome.c.url_id == list_row.c.url_id).correlate(list_row)
    ).scalar_subquery()
    latest = outcome.alias("latest")
    joined = (
        list_row.join(url, url.c.id == list_row.c.url_id)
        .outerjoin(latest, and_(latest.c.url_id == list_row.c.url_id, latest.c.crawl_id == newest))
        .outerjoin(final, final.c.id == latest.c.final_id)
    )
    statement = (
        select(
            list_row.c.file,
            list_row.c.line,
            url.c.url,
            list_row.c.given,
            list_row.c.columns,
            list_row.c.added_at,
            latest.c.state,
            latest.c.reason,
            latest.c.status,
            final.c.url.label("final"),
            latest.c.crawl_id,
            latest.c.at,
        )
        .select_from(joined)
        .where(list_row.c.list_id == id_)
        .order_by(list_row.c.file, list_row.c.line)
    )
    for row in conn.execute(statement, execution_options={"yield_per": 1000}):
        yield ListRow(
            row.file,
            row.line,
            row.url,
            row.given,
            json.loads(row.columns),
            row.added_at,
            None if row.state is None else OUTCOMES[row.state],
            row.reason,
            row.status,
            row.final,
            row.crawl_id,
            row.at,
        )
