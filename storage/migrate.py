"""Run the migrations: the only module that imports Alembic, and imported only where tables are made or changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(conn: Connection, *, progress: Callable[[str], None] | None = None, to: str = "head") -> None:
    """Bring the tables of an open transaction to a revision; the caller commits.

    Args:
        progress: called with one line for each revision, when it has run.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = conn
    config.attributes["progress"] = progress
    command.upgrade(config, to)
