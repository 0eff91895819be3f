"""The 64 shards of a crawl: what one worker takes at a time. All URLs of an operator are in one shard."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, cast, func, literal_column

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

SHARDS = 64
ALL = frozenset(range(SHARDS))


def shard_of(operator: str) -> int:
    """The shard of an operator as it is stored: the low six bits of the first byte of its MD5.

    MD5, because PostgreSQL computes it too: a list of a million rows is divided in the database.
    """
    return md5(operator.encode(), usedforsecurity=False).digest()[0] % SHARDS


def shard_sql(conn: Connection, operator: ColumnElement[Any]) -> ColumnElement[int]:
    """The same in SQL; SQLite is taught the function when a ledger is opened."""
    if conn.dialect.name == "sqlite":
        return cast(func.shard_of(operator), Integer)
    first = func.get_byte(func.decode(func.md5(operator), "hex"), literal_column("0"))
    return cast(func.mod(first, literal_column(str(SHARDS))), Integer)
