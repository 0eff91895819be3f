"""Whose backlinks a list holds, and figures of authority.

Importing nothing of ours: a revision must do the same in ten years.

Revision ID: 0004
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    TEXT,
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

revision = "0004"
down_revision = "0003"
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
    """Add a column and two tables; the lists that were kept before stand for pages of any kind."""
    op.add_column("list", Column("backlinks_of", Words))
    op.create_table(
        "authority_scale",
        Column("id", Integer, primary_key=True),
        Column("kind", Words, nullable=False),
        Column("name", Words, nullable=False),
        Column("measure", Words, nullable=False),
        Column("dated", Words, nullable=False),
        Column("made_at", BigInteger, nullable=False),
        Column("about", Words, nullable=False),
        UniqueConstraint("kind", "name", "measure", "dated"),
    )
    op.create_table(
        "authority",
        Column("scale_id", Integer, ForeignKey("authority_scale.id"), nullable=False),
        Column("domain_id", Integer, ForeignKey("domain.id"), nullable=False),
        Column("value", Double, nullable=False),
        Column("place", BigInteger),
        Column("ratio", Double),
        Column("referring", Integer),
        Column("harmonic", Double),
        Column("trust", Double),
        PrimaryKeyConstraint("scale_id", "domain_id"),
        sqlite_with_rowid=False,
    )
