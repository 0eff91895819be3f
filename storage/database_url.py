"""Names of databases, and what to tell the user when the database behind one refuses."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from storage.errors import UnreadableLedger

WAIT_SECONDS = 30
"""How long a writer waits for another one on SQLite, and for a PostgreSQL server to answer at all."""


def parse_database(database: str) -> URL:
    """The URL of a database: ``sqlite:///path``, a bare path, or ``postgresql://...``.

    Raises:
        UnreadableLedger: any other kind, or a text that is no database URL.
    """
    if "://" not in database:
        if not database.strip():
            raise UnreadableLedger(repr(database), "no database is named")
        if _SERVER.match(database):  # a slash is missing; as the name of a file it would be shown whole
            raise UnreadableLedger(_masked(database), "not a database URL: sqlite:///path or postgresql://...")
        return URL.create("sqlite", database=database)
    try:
        url = make_url(database)
    except (ArgumentError, ValueError):
        raise UnreadableLedger(_masked(database), "not a database URL: sqlite:///path or postgresql://...") from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or url.database == ":memory:":
            raise UnreadableLedger(database, "a ledger needs a file: sqlite:///path")
        return URL.create("sqlite", database=url.database)
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise UnreadableLedger(
        _masked(database), f"{url.drivername} is not known; a ledger is sqlite:///path or postgresql://..."
    )


def shown(url: URL) -> str:
    """A database as messages name it: without password."""
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database}"
    hidden = {name: "***" if name in ("password", "sslpassword") else value for name, value in url.query.items()}
    return url.set(drivername="postgresql", query=hidden).render_as_string(hide_password=True)


def _masked(database: str) -> str:
    """A text that is no database URL, without what may be a password in it."""
    scheme, slashes, rest = database.partition("/")
    if not slashes:
        scheme, slashes, rest = database.partition(":")
    hidden = (
        f"{scheme}{slashes}{'/' if rest.startswith('/') else ''}{rest.rpartition('@')[2]}" if "@" in rest else database
    )
    return _PASSWORD.sub(r"\1***", hidden)


_SERVER = re.compile(r"postgres(?:ql)?(?:\+\w+)?:", re.IGNORECASE)
_PASSWORD = re.compile(r"(password=)[^&]*", re.IGNORECASE)


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Turn what the database itself refuses into one line that says what to do; faults of ours pass through."""
    try:
        yield
    except DBAPIError as error:
        if error.orig is None or not (why := _why(error.orig, url)):
            raise
        raise UnreadableLedger(shown(url), why) from error
    except sqlite3.DatabaseError as error:  # raised by a pragma, before SQLAlchemy sees the connection
        if not (why := _why(error, url)):
            raise
        raise UnreadableLedger(shown(url), why) from error
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise UnreadableLedger(
            shown(url), "PostgreSQL needs the package psycopg; install `linkledger[postgres]`"
        ) from None


def _why(error: BaseException, url: URL) -> str:
    """What to tell the user about a driver's error; empty for an error in our own SQL."""
    text = " ".join(str(error).split())
    if url.get_backend_name() == "sqlite":
        return _why_sqlite(error, text, Path(url.database or ""))
    ours = {"IntegrityError", "ProgrammingError", "DataError", "InterfaceError"}
    if ours & {kind.__name__ for kind in type(error).__mro__}:  # by name: psycopg may not be installed
        return ""
    code = getattr(error, "sqlstate", None)
    if "password" in text and ("authentication failed" in text or "no password supplied" in text):
        return f"the server refuses the password of user {url.username or '(default)'}"
    if "does not exist" in text and "database" in text:
        return f"the server has no database {url.database}; make it with `createdb {url.database}`"
    if "does not exist" in text and "role" in text:
        return f"the server knows no user {url.username or '(default)'}"
    if code is None and ("refused" in text or "No such file" in text or "timeout" in text or "resolve" in text):
        where = f"{url.host}:{url.port or 5432}" if url.host else url.query.get("host", "the local socket")
        return f"no PostgreSQL server answers at {where}"
    return text.removesuffix(".")


def _why_sqlite(error: BaseException, text: str, path: Path) -> str:
    if not isinstance(error, sqlite3.DatabaseError):
        return ""
    if "not a database" in text or "encrypted" in text:
        return "the file is no SQLite database; name another with --db"
    if "locked" in text or "busy" in text:
        return f"another process has been writing to it for {WAIT_SECONDS} seconds; try again when it has finished"
    if "malformed" in text:
        return "the file is damaged; restore it from a backup"
    if "unable to open" in text or "readonly" in text:
        return (
            f"it cannot be opened; its folder {path.resolve().parent} must be writable, "
            f"because SQLite keeps {path.name}-wal and {path.name}-shm beside it"
        )
    if type(error) in (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.InterfaceError):
        return ""
    if "no such " in text or "syntax error" in text:
        return ""
    return text  # disk full, input/output error
