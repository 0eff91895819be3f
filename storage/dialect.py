"""All that SQLite and PostgreSQL do differently; nobody else asks which of the two it talks to.

SQL handed to these methods is written once, with ``?`` for a parameter and ``{ids}`` for
"is one of the ids given": the dialect turns both into what its driver understands.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any, Literal

from sqlalchemy import BigInteger, Boolean, Connection, Double, Integer, LargeBinary, SmallInteger
from sqlalchemy.engine import Row
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage.schema import Words, metadata

Rows = Sequence[tuple[Any, ...]]
Conflict = Literal["error", "nothing"]
_STREAMED = 10_000


class Dialect:
    """What both databases share; `Sqlite` and `Postgres` fill in the rest."""

    name: str
    largest_batch: int
    """Parameters one statement may carry; more make the driver or the server refuse."""

    one_writer: bool
    """Whether a writing transaction keeps every other writer out."""

    def sql(self, text: str) -> str:
        """``text`` in the driver's own parameter style, ``{ids}`` filled in."""
        raise NotImplementedError

    def ids_parameter(self, ids: Collection[int]) -> Any:
        """The one parameter that ``{ids}`` stands for, any number of ids long."""
        raise NotImplementedError

    def names_parameter(self, names: Collection[str]) -> Any:
        """The one parameter that ``{names}`` stands for, any number of texts long."""
        raise NotImplementedError

    def insert(
        self, conn: Connection, table: str, columns: Sequence[str], rows: Rows, *, conflict: Conflict = "error"
    ) -> None:
        """Bulk insert; the caller has sorted ``rows`` by key, which is what keeps two writers from a deadlock.

        Raises:
            sqlalchemy.exc.IntegrityError: a key is taken and ``conflict`` is ``error``.
        """
        raise NotImplementedError

    def insert_texts(self, conn: Connection, table: str, columns: Sequence[str], rows: Rows) -> bool:
        """Bulk insert into a dictionary of (hash id, text, ...), keeping rows that are there.

        Returns:
            False where an id is taken by another text: the caller must give the transaction up.
        """
        raise NotImplementedError

    def next_ids(self, conn: Connection, table: str, count: int) -> list[int]:
        """Ids nobody else will get, for ``count`` new rows of a table with a numbered key."""
        raise NotImplementedError

    def lock_pages(self, conn: Connection, ids: Collection[int]) -> None:
        """Hold the rows of these pages until the transaction ends, in one fixed order."""
        raise NotImplementedError

    def join_writers(self, conn: Connection, *, alone: bool) -> None:
        """Begin to store readings beside others that do; with ``alone``, when none of them does."""
        raise NotImplementedError

    def iso(self, column: str) -> str:
        """SQL for a stored time as ``2026-11-22T14:40:03.120Z``, NULL for NULL."""
        raise NotImplementedError

    def now(self) -> str:
        """SQL for the database's own clock: milliseconds since 1970, UTC."""
        raise NotImplementedError

    def joined(self, column: str) -> str:
        """SQL for the numbers of a group as one text, with commas between them."""
        raise NotImplementedError

    def stream(self, conn: Connection, sql: str) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a question without parameters, some thousand at a time, as the driver gives them.

        For millions of short rows, of which SQLAlchemy's own take as long as the database.
        """
        raise NotImplementedError

    def run_many(self, conn: Connection, sql: str, rows: Rows) -> None:
        """One statement for each row of parameters, pipelined where the driver can."""
        if rows:
            conn.exec_driver_sql(self.sql(sql), list(rows))

    def fetch(self, conn: Connection, sql: str, *parameters: Any) -> Sequence[Row[Any]]:
        """All rows of one question."""
        return conn.exec_driver_sql(self.sql(sql), tuple(parameters)).all()

    def fetch_keyed(self, conn: Connection, sql: str, ids: Collection[int], *before: Any) -> Sequence[Row[Any]]:
        """All rows of one question over ``{ids}``, which must be its last parameter."""
        if not ids:
            return []
        return self.fetch(conn, sql, *before, self.ids_parameter(ids))

    def fetch_named(self, conn: Connection, sql: str, names: Collection[str], *before: Any) -> Sequence[Row[Any]]:
        """All rows of one question over ``{names}``, which must be its last parameter."""
        if not names:
            return []
        return self.fetch(conn, sql, *before, self.names_parameter(names))


class Sqlite(Dialect):
    """Raw ``executemany`` in the one writing transaction that ``BEGIN IMMEDIATE`` lets in."""

    name = "sqlite"
    largest_batch = 32_000
    one_writer = True

    def sql(self, text: str) -> str:
        # A JSON array is one parameter however many ids it holds; SQLite reads 64-bit integers in it exactly.
        return text.replace("{ids}", "IN (SELECT value FROM json_each(?))").replace(
            "{names}", "IN (SELECT value FROM json_each(?))"
        )

    def ids_parameter(self, ids: Collection[int]) -> Any:
        return json.dumps(sorted(ids))

    def names_parameter(self, names: Collection[str]) -> Any:
        return json.dumps(sorted(names))

    def insert(
        self, conn: Connection, table: str, columns: Sequence[str], rows: Rows, *, conflict: Conflict = "error"
    ) -> None:
        if rows:
            suffix = " ON CONFLICT DO NOTHING" if conflict == "nothing" else ""
            conn.exec_driver_sql(_insert(table, columns) + suffix, list(rows))

    def insert_texts(self, conn: Connection, table: str, columns: Sequence[str], rows: Rows) -> bool:
        if not rows:
            return True
        words = columns[1]
        # The text cannot be NULL, so the update fails exactly when two texts share an id.
        clash = f" ON CONFLICT (id) DO UPDATE SET {words} = NULL WHERE {words} <> excluded.{words}"
        try:
            conn.exec_driver_sql(_insert(table, columns) + clash, list(rows))
        except IntegrityError:
            return False
        return True

    def next_ids(self, conn: Connection, table: str, count: int) -> list[int]:
        # Nobody else can write before this transaction ends.
        first = int(conn.exec_driver_sql(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").scalar_one())
        return list(range(first, first + count))

    def lock_pages(self, conn: Connection, ids: Collection[int]) -> None:
        return  # the whole file is ours

    def join_writers(self, conn: Connection, *, alone: bool) -> None:
        return  # the whole file is ours

    def iso(self, column: str) -> str:
        return f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000, 'unixepoch') || printf('.%03dZ', {column} % 1000)"

    def now(self) -> str:
        return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

    def joined(self, column: str) -> str:
        return f"group_concat({column})"

    def stream(self, conn: Connection, sql: str) -> Iterator[list[tuple[Any, ...]]]:
        driver: Any = conn.connection.driver_connection
        cursor = driver.cursor()
        try:
            cursor.execute(sql)
            while rows := cursor.fetchmany(_STREAMED):
                yield rows
        finally:
            cursor.close()


_WRITING = 0x6C696E6C
"""Advisory lock of PostgreSQL that everybody who stores readings shares."""


class Postgres(Dialect):
    """COPY on the transaction's own connection, by way of a staging table where rows may be there already."""

    name = "postgresql"
    largest_batch = 65_000
    one_writer = False

    def sql(self, text: str) -> str:
        return text.replace("%", "%%").replace("{ids}", "= ANY(?)").replace("{names}", "= ANY(?)").replace("?", "%s")

    def ids_parameter(self, ids: Collection[int]) -> Any:
        return sorted(ids)

    def names_parameter(self, names: Collection[str]) -> Any:
        return sorted(names)

    def insert(
        self, conn: Connection, table: str, columns: Sequence[str], rows: Rows, *, conflict: Conflict = "error"
    ) -> None:
        if not rows:
            return
        if conflict == "error":
            self._copy(conn, table, columns, rows)
            return
        stage = self._stage(conn, table, columns, rows)
        names = ", ".join(columns)
        conn.exec_driver_sql(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {stage} ORDER BY staged ON CONFLICT DO NOTHING"
        )

    def insert_texts(self, conn: Connection, table: str, columns: Sequence[str], rows: Rows) -> bool:
        if not rows:
            return True
        words = columns[1]
        question = f"SELECT id, {words} AS words FROM {table} WHERE id {{ids}}"
        there: dict[int, str] = {
            row.id: row.words for row in self.fetch_keyed(conn, question, [row[0] for row in rows])
        }
        if any(there.get(row[0], row[1]) != row[1] for row in rows):
            return False
        new = [row for row in rows if row[0] not in there]
        if not new:
            return True
        try:
            # Plain COPY is half the work of INSERT .. ON CONFLICT; only where another writer stores the
            # same text at this moment is it not enough.
            with conn.begin_nested():
                self._copy(conn, table, columns, new)
        except IntegrityError:
            return self._insert_beside_others(conn, table, columns, new)
        return True

    def _insert_beside_others(self, conn: Connection, table: str, columns: Sequence[str], rows: Rows) -> bool:
        words, names = columns[1], ", ".join(columns)
        stage = self._stage(conn, table, columns, rows)
        # DO NOTHING takes no lock on a row that is there: popular targets do not queue the writers up.
        # The comparison is a statement of its own, so that it sees what others have committed meanwhile.
        conn.exec_driver_sql(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {stage} ORDER BY staged ON CONFLICT DO NOTHING"
        )
        clashes = conn.exec_driver_sql(
            f"SELECT count(*) FROM {stage} s JOIN {table} t USING (id) WHERE s.{words} <> t.{words}"
        )
        return int(clashes.scalar_one()) == 0

    def next_ids(self, conn: Connection, table: str, count: int) -> list[int]:
        rows = conn.exec_driver_sql(
            f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) FROM generate_series(1, %s)", (count,)
        )
        return [int(row[0]) for row in rows]

    def lock_pages(self, conn: Connection, ids: Collection[int]) -> None:
        if ids:
            conn.exec_driver_sql("SELECT id FROM page WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (sorted(ids),))

    def join_writers(self, conn: Connection, *, alone: bool) -> None:
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock{'' if alone else '_shared'}(%s)", (_WRITING,))

    def iso(self, column: str) -> str:
        return (
            f"to_char(to_timestamp({column} / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')"
            f" || '.' || lpad(({column} % 1000)::text, 3, '0') || 'Z'"
        )

    def now(self) -> str:
        return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"

    def joined(self, column: str) -> str:
        return f"string_agg({column}::text, ',')"

    def stream(self, conn: Connection, sql: str) -> Iterator[list[tuple[Any, ...]]]:
        driver: Any = conn.connection.driver_connection
        with driver.cursor(name="streamed") as cursor:  # of the server: the driver's own would hold every row
            cursor.execute(sql)
            while rows := cursor.fetchmany(_STREAMED):
                yield rows

    def _stage(self, conn: Connection, table: str, columns: Sequence[str], rows: Rows) -> str:
        stage = f"stage_{table}_{len(columns)}"
        conn.exec_driver_sql(
            f"CREATE TEMP TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS"
            f" AS SELECT {', '.join(columns)}, 0 AS staged FROM {table} WITH NO DATA"
        )
        conn.exec_driver_sql(f"DELETE FROM {stage}")
        numbered = [(*row, place) for place, row in enumerate(rows)]
        self._copy(conn, table, (*columns, "staged"), numbered, into=stage)
        return stage

    def _copy(self, conn: Connection, table: str, columns: Sequence[str], rows: Rows, *, into: str = "") -> None:
        """COPY rows into ``table``, or ``into`` a staging table of it."""
        driver: Any = conn.connection.driver_connection
        errors: Any = conn.dialect.loaded_dbapi
        command = f"COPY {into or table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
        try:
            with driver.cursor() as cursor, cursor.copy(command) as copy:
                # Numbers as they are take half the time of numbers spelled out.
                copy.set_types(_types(table, tuple(columns)))
                write = copy.write_row
                for row in rows:
                    write(row)
        except errors.Error as error:
            # As SQLAlchemy would raise it, so that callers need to know one kind of error only.
            raise DBAPIError.instance(command, None, error, errors.Error, dialect=conn.dialect) from error


@cache
def _types(table: str, columns: tuple[str, ...]) -> list[str]:
    """PostgreSQL's names of the columns' types; ``staged`` numbers the rows of a staging table."""
    known = metadata.tables[table].columns
    return [
        "int4" if name == "staged" else next(kind for of, kind in _KINDS if isinstance(known[name].type, of))
        for name in columns
    ]


# From the special to the general: a small integer is an integer to isinstance.
_KINDS: tuple[tuple[type, str], ...] = (
    (SmallInteger, "int2"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Boolean, "bool"),
    (Double, "float8"),
    (LargeBinary, "bytea"),
    (Words, "text"),
)


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


SQLITE = Sqlite()
POSTGRES = Postgres()


def dialect_of(conn: Connection) -> Dialect:
    """The dialect of an open connection."""
    return POSTGRES if conn.dialect.name == "postgresql" else SQLITE
