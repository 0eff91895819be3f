"""Alembic's way in: the connection and its transaction are the caller's (storage/migrate.py)."""

from __future__ import annotations

from typing import Any

from alembic import context

connection = context.config.attributes["connection"]
progress = context.config.attributes.get("progress")


def tell(*, step: Any, **_: Any) -> None:  # Alembic passes more by name
    """Report a revision that was just applied."""
    if progress is not None:
        progress(f"applied {step.up_revision_id}: {step.up_revision.doc}")


# SQLite rolls back DDL too, given a real BEGIN: one transaction holds the whole upgrade on both databases.
context.configure(connection=connection, transactional_ddl=True, on_version_apply=tell)  # type: ignore[arg-type]
with context.begin_transaction():
    context.run_migrations()
