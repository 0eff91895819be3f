"""One pace for each operator over every crawl of a ledger that is running: each request takes its turn here.

Within one crawl an operator is asked by one process, which keeps the delay by itself. Several crawls know nothing of
one another but what stands in table ``pace``, so as soon as another one is running, each request takes a turn first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.dialect import dialect_of
from storage.text import short_name

if TYPE_CHECKING:
    from sqlalchemy import Connection


def others_run(conn: Connection, crawl_id: int) -> bool:
    """Whether another crawl of the ledger has a holder whose lease has not run out."""
    dialect = dialect_of(conn)
    question = f"SELECT 1 FROM lease WHERE crawl_id <> ? AND holder <> '' AND until > {dialect.now()} LIMIT 1"
    return bool(dialect.fetch(conn, question, crawl_id))


def take_turn(conn: Connection, operator: str, delay_ms: int, *, ready_ms: int = 0) -> int:
    """Take the next start of a request to an operator; the one after it is a delay later, whoever asks.

    Args:
        delay_ms: milliseconds this crawl leaves between the starts of two requests.
        ready_ms: milliseconds until this crawl's own delay is over: it has asked a moment ago.
    Returns:
        Milliseconds to wait until then.
    """
    dialect = dialect_of(conn)
    now = int(dialect.fetch(conn, f"SELECT {dialect.now()} AS now")[0].now)
    ready = now + ready_ms
    [row] = dialect.fetch(
        conn,
        "INSERT INTO pace (operator, next_at) VALUES (?, ?)"
        " ON CONFLICT (operator) DO UPDATE SET next_at ="
        " CASE WHEN pace.next_at > ? THEN pace.next_at ELSE ? END + ? RETURNING next_at",
        short_name(operator),
        ready + delay_ms,
        ready,
        ready,
        delay_ms,
    )
    return max(0, int(row.next_at) - delay_ms - now)


def forget(conn: Connection) -> None:
    """Leave out operators whose turn is long past."""
    dialect = dialect_of(conn)
    conn.exec_driver_sql(f"DELETE FROM pace WHERE next_at < {dialect.now()} - 3600000")
