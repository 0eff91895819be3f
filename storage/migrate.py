"""Run the migrations: the only module that imports Alembic, and imported only where tables are made or changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect

from storage.scratch import in_files

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(conn: Connection, *, progress: Callable[[str], None] | None = None, to: str = "head") -> None:
    """Bring the tables of an open transaction to a revision; the caller commits.

    A SQLite ledger that is there is first copied beside itself, while the transaction keeps other writers out.

    Args:
        progress: called with one line for the copy, and for each revision when it has run.
    Raises:
        BackupFailed: the copy cannot be written; nothing was changed.
    """
    tell = progress or (lambda _: None)
    found = _revision(conn)
    if found is not None:
        in_files(conn)
        tell(_backed_up(conn, found))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = conn
    config.attributes["progress"] = progress
    command.upgrade(config, to)


def _revision(conn: Connection) -> str | None:
    """None where no revision was ever applied."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _backed_up(conn: Connection, found: str) -> str:
    """Copy a SQLite ledger; what was done, in one line."""
    if conn.dialect.name != "sqlite":
        return "not copied: a backup of a PostgreSQL ledger is yours to make, before this (pg_dump)"
    from storage.backup import keep_beside

    file = next(row[2] for row in conn.exec_driver_sql("PRAGMA database_list") if row[1] == "main")
    return f"copied to {keep_beside(Path(file), found)}"
