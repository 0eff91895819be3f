"""Which errors of a database pass by themselves, and which need somebody to make room."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Literal

from sqlalchemy.exc import DBAPIError

Trouble = Literal["passing", "full"]

# connection classes; serialization, deadlock; lock not available; too many connections; shutdown, crash, starting up
_PASSING = ("08", "40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03")
_FULL = ("53100",)
_LASTING = ("authentication failed", "no password supplied", "does not exist", "not permitted", "no pg_hba.conf")
_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_FULL, _SQLITE_PROTOCOL = 5, 6, 13, 15


def trouble_of(error: BaseException) -> Trouble | None:
    """What kind of trouble an error tells of.

    Returns:
        ``passing``: another writer, a lost connection, a server that restarts; the same transaction
        may go through later. ``full``: there is no room. None: trying again would not help.
    """
    for cause in _causes(error):
        if isinstance(cause, sqlite3.Error):
            return _of_sqlite(cause)
        if isinstance(cause, DBAPIError):
            if cause.connection_invalidated:
                return "passing"
            continue
        # By name: psycopg may not be installed.
        kinds = {kind.__name__ for kind in type(cause).__mro__}
        if type(cause).__module__.startswith("psycopg") and kinds & {"OperationalError", "InterfaceError"}:
            return _of_postgres(cause)
        if type(cause).__module__.startswith("psycopg") and "could not extend file" in str(cause):
            return "full"
    return None


def _of_sqlite(error: sqlite3.Error) -> Trouble | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_PROTOCOL):
        return "passing"
    return "full" if code == _SQLITE_FULL else None


def _of_postgres(error: BaseException) -> Trouble | None:
    state, text = getattr(error, "sqlstate", None), str(error)
    if state in _FULL or "could not extend file" in text or "No space left" in text:
        return "full"
    if state is not None:
        return "passing" if state.startswith(_PASSING) else None
    # No state: the connection itself, lost or not made.
    return None if any(words in text for words in _LASTING) else "passing"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        origin = getattr(seen, "orig", None)
        if isinstance(origin, BaseException):
            yield origin
        seen = seen.__cause__
