"""Where SQLite keeps what it must put aside while it sorts or rewrites."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection


def in_files(conn: Connection) -> None:
    """For steps over whole tables: scratch space in files, so that memory stays bounded.

    Ledgers are opened with it in memory, which is faster for questions. A connection that has used scratch space in its
    transaction before keeps it where it is. PostgreSQL bounds its own.
    """
    if conn.dialect.name == "sqlite":
        driver: Any = conn.connection.driver_connection
        with suppress(sqlite3.OperationalError):
            driver.execute("PRAGMA temp_store = FILE")
