"""What ``db info`` tells of a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.engine import Ledger, shown
from storage.times import to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COUNTED = {
    "pages": "SELECT count(*) FROM page",
    "visits": "SELECT count(*) FROM visit",
    "links_live": "SELECT count(*) FROM link WHERE valid_to IS NULL AND gone_at IS NULL",
    "links_lost": "SELECT coalesce(sum(lost), 0) FROM edge",
    "urls": "SELECT count(*) FROM url",
    "anchor_texts": "SELECT count(*) FROM anchor_text",
    "hosts": "SELECT count(*) FROM host",
    "domains": "SELECT count(*) FROM domain",
    "lists": "SELECT count(*) FROM list",
    "crawls": "SELECT count(*) FROM crawl",
}


def ledger_facts(ledger: Ledger, conn: Connection) -> dict[str, Any]:
    """Where, what kind, how large (bytes), schema, suffix-list snapshot, and the number of everything kept."""
    facts: dict[str, Any] = {
        "database": shown(ledger.url),
        "kind": _kind(ledger, conn),
        "bytes": _size(ledger, conn),
        "schema": ledger.revision,
        "suffix_list": ledger.psl,
        "created_at": to_iso(ledger.created_at),
    }
    for name, question in _COUNTED.items():
        facts[name] = int(conn.exec_driver_sql(question).scalar_one())
    return facts


def _kind(ledger: Ledger, conn: Connection) -> str:
    if ledger.dialect.name == "sqlite":
        return f"SQLite {conn.exec_driver_sql('SELECT sqlite_version()').scalar_one()}"
    return f"PostgreSQL {str(conn.exec_driver_sql('SHOW server_version').scalar_one()).split()[0]}"


def _size(ledger: Ledger, conn: Connection) -> int:
    if ledger.dialect.name == "sqlite":
        path = Path(ledger.url.database or "")
        log = path.with_name(path.name + "-wal")
        return path.stat().st_size + (log.stat().st_size if log.exists() else 0)
    return int(conn.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
