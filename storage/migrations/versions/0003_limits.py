"""What the limits of a crawl kept out, what one of them counts by, and the pace of crawls that run together.

Importing nothing of ours: a revision must do the same in ten years.

Revision ID: 0003
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    TEXT,
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


class Words(TypeDecorator[str]):
    """Text that both databases sort by code point: ``COLLATE "C"`` on Postgres, BINARY on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TEXT(collation="C"))
        return dialect.type_descriptor(Text())


def upgrade() -> None:
    """Add three tables; of the crawls that were made before, nothing was counted."""
    op.create_table(
        "crawl_limit",
        Column("crawl_id", Integer, ForeignKey("crawl.id"), nullable=False),
        Column("name", Words, nullable=False),
        Column("urls", BigInteger, nullable=False),
        PrimaryKeyConstraint("crawl_id", "name"),
    )
    op.create_table(
        "alike",
        Column("crawl_id", Integer, ForeignKey("crawl.id"), nullable=False),
        Column("key", BigInteger, nullable=False),
        Column("urls", Integer, nullable=False),
        PrimaryKeyConstraint("crawl_id", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pace",
        Column("operator", Words, primary_key=True),
        Column("next_at", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
