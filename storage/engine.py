"""Open and make ledgers: connections, SQLite pragmas, and what to say when a database is no ledger.

Nothing here imports Alembic but the two functions that make or change tables, and psycopg is
imported only for a PostgreSQL URL: a question starts fast.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from storage.database_url import WAIT_SECONDS, explained, parse_database, shown
from storage.dialect import POSTGRES, SQLITE, Dialect
from storage.dictionaries import Known
from storage.errors import LedgerError, NoLedger, SchemaOutOfDate, SchemaTooNew, UnreadableLedger
from storage.schema import REVISION
from storage.shards import shard_of

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = "linkledger"


class LedgerWarning(UserWarning):
    """Something about an opened ledger that its user should know."""


class Ledger:
    """An existing ledger opened for writing, or with ``read_only`` for questions.

    Attributes:
        key: of the hash ids. ``psl``: the suffix-list snapshot its domains were made with.
        revision: of its schema. ``dialect``: what its kind of database does differently.

    Raises:
        NoLedger, UnreadableLedger, SchemaOutOfDate, SchemaTooNew: on opening.
    """

    def __init__(self, database: str, *, read_only: bool = False) -> None:
        self.database = database
        self.url = parse_database(database)
        self.dialect: Dialect = POSTGRES if self.url.get_backend_name() == "postgresql" else SQLITE
        self.known = Known()
        self.read_only = read_only
        _must_exist(self.url)
        self._engine = _engine(self.url, read_only=read_only).execution_options(ledger=self)
        try:
            with explained(self.url), self._engine.connect() as conn:
                facts = _facts(conn, self.url)
        except BaseException:
            self._engine.dispose()
            raise
        self.revision = facts["revision"]
        self.psl = facts["psl"]
        self.created_at = int(facts["created_at"]) if "created_at" in facts else None
        self.key = bytes.fromhex(facts["hash_key"])

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for reading: one snapshot from the first statement on, nothing kept at the end."""
        with explained(self.url), self._engine.connect() as conn:
            yield conn

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One writing transaction: committed at the end, rolled back by any exception."""
        with explained(self.url), self._engine.connect() as conn:
            conn.execution_options(writes=True)
            with conn.begin():
                yield conn
            # Only now are the ids of this transaction sure to be there.
            fresh = conn.info.pop("fresh", None)
            if fresh is not None:
                self.known.absorb(fresh)

    def forget(self) -> None:
        """Remember no ids: a server that was killed may have lost what it said it had kept."""
        self.known = Known()

    def close(self) -> None:
        """Close every connection; SQLite folds its write-ahead log back into the file."""
        self._engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@contextmanager
def open_ledger(database: str, *, psl: str | None = None, write: bool = False) -> Iterator[Connection]:
    """A connection to an existing ledger: for questions, or with ``write`` for one transaction.

    Args:
        database: ``sqlite:///path``, ``postgresql://...`` or a path. Never created here.
        psl: the suffix-list snapshot in use; one that differs from the ledger's gives a `LedgerWarning`.
    Raises:
        NoLedger, UnreadableLedger, SchemaOutOfDate, SchemaTooNew.
    """
    with Ledger(database, read_only=not write) as ledger:
        if psl is not None and psl != ledger.psl:
            warnings.warn(
                f"this ledger's domains were made with suffix list {ledger.psl}, this installation has {psl}; "
                "hosts stored before keep their domain",
                LedgerWarning,
                stacklevel=3,
            )
        with ledger.begin() if write else ledger.connect() as conn:
            yield conn


def create_ledger(database: str, *, psl: str, now: int | None = None) -> bool:
    """Make a ledger, or leave the one that is there as it is; safe when two do it at once.

    Args:
        psl: names the suffix-list snapshot that domains will be made with.
        now: kept as its time of making, in milliseconds.
    Returns:
        True where it was made, False where it was there already.
    Raises:
        UnreadableLedger: the database cannot be made, or holds tables of another program.
        SchemaOutOfDate, SchemaTooNew: the ledger that is there needs another release.
    """
    url = parse_database(database)
    if url.get_backend_name() == "sqlite":
        _must_be_possible(url)
    engine = _engine(url, read_only=False, create=True)
    try:
        with explained(url), engine.connect() as conn:
            if url.get_backend_name() == "postgresql":
                encoding = conn.exec_driver_sql("SHOW server_encoding").scalar_one()
                if encoding != "UTF8":
                    raise UnreadableLedger(
                        shown(url), f"its encoding is {encoding}; make it anew with `createdb --encoding=UTF8`"
                    )
                conn.rollback()
            conn.execution_options(writes=True)
            with conn.begin():
                if url.get_backend_name() == "postgresql":
                    conn.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
                if _revision(conn, url) is not None:
                    _facts(conn, url)
                    return False
                from secrets import token_hex

                from storage.migrate import upgrade

                upgrade(conn)
                facts = {"format": FORMAT, "hash_key": token_hex(16), "psl": psl}
                if now is not None:
                    facts["created_at"] = str(now)
                mark = "?" if url.get_backend_name() == "sqlite" else "%s"
                conn.exec_driver_sql(f"INSERT INTO meta (key, value) VALUES ({mark}, {mark})", list(facts.items()))
    finally:
        engine.dispose()
    return True


def upgrade_ledger(database: str, *, progress: Callable[[str], None] | None = None) -> tuple[str, str]:
    """Bring an older ledger to this release's schema in one transaction.

    Returns:
        The revision found and the one it has now; equal where nothing was to do.
    Raises:
        NoLedger, UnreadableLedger, SchemaTooNew.
    """
    url = parse_database(database)
    _must_exist(url)
    engine = _engine(url, read_only=False)
    try:
        with explained(url), engine.connect() as conn:
            conn.execution_options(writes=True)
            with conn.begin():
                if url.get_backend_name() == "postgresql":
                    conn.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
                found = _revision(conn, url)
                if found is None:
                    raise NoLedger(shown(url))
                if found > REVISION:
                    raise SchemaTooNew(found=found, needed=REVISION)
                if found < REVISION:
                    from storage.migrate import upgrade

                    upgrade(conn, progress=progress)
    finally:
        engine.dispose()
    return found, REVISION


_MAKING = 0x6C696E6B
"""Advisory lock of PostgreSQL under which tables are made or changed."""


def _must_exist(url: URL) -> None:
    if url.get_backend_name() != "sqlite":
        return
    path = Path(url.database or "")
    try:
        if not path.exists():
            raise NoLedger(shown(url))
        if not path.is_file():
            raise UnreadableLedger(shown(url), "it is no file")
        # Never opened here: closing a file drops all locks this process has on it, those of other connections
        # too, and the next process to leave would take the log of theirs away.
        # https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
        empty = path.stat().st_size == 0
    except OSError as error:
        raise UnreadableLedger(shown(url), error.strerror or str(error)) from error
    if empty:  # opening it to write would make a database of it
        raise NoLedger(shown(url))


def _must_be_possible(url: URL) -> None:
    path = Path(url.database or "")
    try:
        if path.is_dir():
            raise UnreadableLedger(shown(url), "it is a folder; name a file in it")
        if not path.absolute().parent.is_dir():
            raise UnreadableLedger(shown(url), f"there is no folder {path.absolute().parent}")
    except OSError as error:
        raise UnreadableLedger(shown(url), error.strerror or str(error)) from error


def _engine(url: URL, *, read_only: bool, create: bool = False) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(Path(url.database or ""), read_only=read_only, create=create)
    return _postgres_engine(url, read_only=read_only)


def _sqlite_engine(path: Path, *, read_only: bool, create: bool) -> Engine:
    # Questions open for writing too, where the file allows it: only then does SQLite fold in the log of a
    # writer that was killed and remove its own files. They never commit.
    mode = "rwc" if create else "rw"
    target = f"file:{quote(str(path.absolute()))}?mode={mode}"

    def connect() -> sqlite3.Connection:
        # isolation_level None: the module itself begins nothing, the listener below does.
        driver = sqlite3.connect(target, uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        driver.create_function("shard_of", 1, shard_of, deterministic=True)
        driver.execute("PRAGMA foreign_keys = ON")
        if not read_only:
            if create:
                driver.execute("PRAGMA page_size = 8192")  # a tenth less to write than with pages of 4096
            driver.execute("PRAGMA journal_mode = WAL")
            driver.execute("PRAGMA synchronous = NORMAL")
            driver.execute("PRAGMA cache_size = -16000")  # KiB: a long crawl's memory stays bounded
            driver.execute("PRAGMA wal_autocheckpoint = 2000")  # pages: hot ones are folded in less often
        driver.execute("PRAGMA temp_store = MEMORY")
        return driver

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    # A transaction that reads before it writes would fail at once when another one wrote in between,
    # however long the busy timeout: writers take their lock at the beginning.
    # https://www.sqlite.org/lang_transaction.html#read_transactions_versus_write_transactions
    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        conn.info.pop("fresh", None)
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("writes") else "BEGIN")

    event.listen(engine, "rollback_savepoint", _forget)
    return engine


def _postgres_engine(url: URL, *, read_only: bool) -> Engine:
    arguments: dict[str, Any] = {"application_name": "linkledger", "client_encoding": "utf8"}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = WAIT_SECONDS
    if "options" not in url.query:
        # Compiling a plan costs more than the questions asked here.
        arguments["options"] = "-c jit=off -c client_min_messages=warning"
    with explained(url):
        engine = create_engine(
            url,
            connect_args=arguments,
            pool_pre_ping=not read_only,
            # The statements of one answer must see one state.
            isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
        )

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        conn.info.pop("fresh", None)

    event.listen(engine, "rollback_savepoint", _forget)
    return engine


def _forget(conn: Connection, *_: object) -> None:
    conn.info.pop("fresh", None)


def _revision(conn: Connection, url: URL) -> str | None:
    """The schema revision; None where the database is empty.

    Raises:
        UnreadableLedger: it holds tables of another program.
    """
    if conn.dialect.name == "sqlite":
        question = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        question = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    tables = {row[0] for row in conn.exec_driver_sql(question)}
    if not tables:
        return None
    foreign = UnreadableLedger(
        shown(url), "it holds the tables of another program; name an empty or new database with --db"
    )
    if not {"alembic_version", "meta"} <= tables:
        raise foreign
    revisions = [str(row[0]) for row in conn.exec_driver_sql("SELECT version_num FROM alembic_version")]
    if len(revisions) != 1 or not revisions[0].isdigit():
        raise foreign
    return revisions[0]


def _facts(conn: Connection, url: URL) -> dict[str, str]:
    """What table meta says, with the schema's revision; checked that this release can read it."""
    revision = _revision(conn, url)
    if revision is None:
        raise NoLedger(shown(url))
    if revision > REVISION:
        raise SchemaTooNew(found=revision, needed=REVISION)
    if revision < REVISION:
        raise SchemaOutOfDate(found=revision, needed=REVISION)
    facts = {str(row[0]): str(row[1]) for row in conn.exec_driver_sql("SELECT key, value FROM meta")}
    if facts.get("format") != FORMAT or not {"hash_key", "psl"} <= facts.keys():
        raise UnreadableLedger(shown(url), "it is no ledger; name another database with --db")
    facts["revision"] = revision
    return facts


__all__ = [
    "REVISION",
    "Ledger",
    "LedgerError",
    "LedgerWarning",
    "create_ledger",
    "open_ledger",
    "parse_database",
    "shown",
    "upgrade_ledger",
]
