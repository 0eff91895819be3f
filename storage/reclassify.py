"""Put hosts into the registrable domains of another suffix list, and everything that carries a domain with them.

A host keeps the domain it was first stored with, so that counts do not change under a user's feet; this is the one
place where they are made to. Which domain a host has is not decided here: the caller brings the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from storage import edges
from storage.dialect import dialect_of
from storage.dictionaries import Known
from storage.errors import LedgerError
from storage.scratch import in_files
from storage.text import LONGEST_NAME, short_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.engine import Ledger

Rule = Callable[[str], str]
"""Host -> domain."""
_ROWS = 5_000
_MANY = 500


class CrawlIsRunning(LedgerError):
    """Another process is writing hosts by the list that is to be replaced."""

    def __init__(self) -> None:
        super().__init__("a crawl of this ledger is running; wait for its end, or stop it, and reclassify then")


class Change(NamedTuple):
    """One host that belongs elsewhere."""

    host: str
    domain: str
    new_domain: str


@dataclass(frozen=True, slots=True)
class Reclassified:
    """What changed, or would."""

    hosts: int
    """Hosts there are."""
    changes: tuple[Change, ...]
    """By host."""
    list_rows: int
    """Rows of kept lists that belong to another operator."""
    psl: str
    """The snapshot before."""


def reclassify(
    ledger: Ledger,
    domain_of: Rule,
    operator_of: Rule,
    *,
    psl: str,
    dry_run: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Reclassified:
    """Give every host the domain that a rule says, in one transaction.

    Args:
        domain_of: the registrable domain of a host, private suffixes counted as suffixes.
        operator_of: whom to be polite to at a host: the same without private suffixes.
        psl: names the suffix list behind the two; the ledger is of this one afterwards.
        progress: told the step, its number and how many there are.
    Raises:
        CrawlIsRunning: nothing was changed.
    """
    tell = progress or (lambda *_: None)
    with ledger.connect() if dry_run else ledger.begin() as conn:
        if not dry_run:
            _must_be_quiet(conn)
        changes, hosts = _changes(conn, domain_of)
        operators = _operators(conn, operator_of)
        rows = sum(_count_rows(conn, some) for some in operators.values())
        if not dry_run:
            _apply(conn, changes, tell)
            for operator, some in sorted(operators.items()):
                _set_operator(conn, operator, some)
            dialect_of(conn).run_many(conn, "UPDATE meta SET value = ? WHERE key = 'psl'", [(psl,)])
    found = Reclassified(hosts, tuple(one for _, one in changes), rows, ledger.psl)
    if not dry_run:
        ledger.psl = psl
        ledger.known = Known()  # what it remembered of hosts
    return found


def _must_be_quiet(conn: Connection) -> None:
    """A crawling process remembers the domains of hosts: what it writes after this would be of the old list."""
    dialect = dialect_of(conn)
    if dialect.fetch(conn, f"SELECT 1 FROM lease WHERE holder <> '' AND until > {dialect.now()} LIMIT 1"):
        raise CrawlIsRunning


def _changes(conn: Connection, domain_of: Rule) -> tuple[list[tuple[int, Change]], int]:
    """Id and change of each host that belongs elsewhere, by host; and how many hosts there are."""
    changes: list[tuple[int, Change]] = []
    hosts = 0
    question = "SELECT h.id, h.name, d.name AS domain FROM host h JOIN domain d ON d.id = h.domain_id ORDER BY h.name"
    for row in conn.exec_driver_sql(question, execution_options={"yield_per": _ROWS}):
        hosts += 1
        if len(row.name) > LONGEST_NAME - 100 and "~" in row.name:
            continue  # only its beginning is kept
        new = short_name(domain_of(row.name))
        if new != row.domain:
            changes.append((row.id, Change(row.name, row.domain, new)))
    return changes, hosts


def _operators(conn: Connection, operator_of: Rule) -> dict[str, list[tuple[int, str]]]:
    """Hosts (id, operator so far) on kept lists whose operator is another one, by that."""
    found: dict[str, list[tuple[int, str]]] = {}
    question = (
        "SELECT DISTINCT h.id, h.name, r.operator FROM list_row r JOIN url u ON u.id = r.url_id"
        " JOIN host h ON h.id = u.host_id ORDER BY h.name, r.operator"
    )
    for row in conn.exec_driver_sql(question, execution_options={"yield_per": _ROWS}):
        new = short_name(operator_of(row.name))
        if new != row.operator:
            found.setdefault(new, []).append((row.id, row.operator))
    return found


def _rows_of(hosts: Iterable[tuple[int, str]]) -> str:
    ids = ", ".join(str(int(one)) for one in sorted({host for host, _ in hosts}))
    return f"url_id IN (SELECT id FROM url WHERE host_id IN ({ids}))"


def _count_rows(conn: Connection, hosts: Collection[tuple[int, str]]) -> int:
    return int(conn.exec_driver_sql(f"SELECT count(*) FROM list_row WHERE {_rows_of(hosts)}").scalar_one())


def _set_operator(conn: Connection, operator: str, hosts: Collection[tuple[int, str]]) -> None:
    dialect_of(conn).run_many(conn, f"UPDATE list_row SET operator = ? WHERE {_rows_of(hosts)}", [(operator,)])


def _apply(conn: Connection, changes: Collection[tuple[int, Change]], tell: Callable[[str, int, int], None]) -> None:
    if not changes:
        return
    dialect = dialect_of(conn)
    in_files(conn)
    names = sorted({one.new_domain for _, one in changes})
    dialect.insert(conn, "domain", ("name",), [(name,) for name in names], conflict="nothing")
    wanted = {*names, *(one.domain for _, one in changes)}
    ids = {
        row.name: row.id for row in dialect.fetch_named(conn, "SELECT id, name FROM domain WHERE name {names}", wanted)
    }
    left = sorted({int(ids[one.domain]) for _, one in changes})
    dialect.run_many(
        conn,
        "UPDATE host SET domain_id = ? WHERE id = ?",
        sorted(((ids[one.new_domain], host) for host, one in changes), key=lambda row: row[1]),
    )
    of_target = "(SELECT h.domain_id FROM host h WHERE h.id = {}.target_host)"
    of_source = "(SELECT p.domain_id FROM page p WHERE p.id = {}.source_id)"
    of_page = "(SELECT h.domain_id FROM host h WHERE h.id = page.host_id)"
    steps = [
        ("page", "domain_id", of_page),
        ("link", "target_domain", of_target.format("link")),
        ("link", "source_domain", of_source.format("link")),
        ("anchor", "target_domain", of_target.format("anchor")),
        ("anchor", "source_domain", of_source.format("anchor")),
    ]
    total = len(steps) + 1
    for number, (table, column, now) in enumerate(steps):
        tell(f"steps ({table}.{column})", number, total)
        for start in range(0, len(left), _MANY):
            # A key's first column; of the rows of a domain that was given up in part, only those that move.
            some = ", ".join(str(one) for one in left[start : start + _MANY])
            conn.exec_driver_sql(
                f"UPDATE {table} SET {column} = {now} WHERE {column} IN ({some}) AND {column} <> {now}"
            )
    tell("steps (sums)", len(steps), total)
    edges.rebuild(conn)
    for start in range(0, len(left), _MANY):
        some = ", ".join(str(one) for one in left[start : start + _MANY])
        empty = f"IN ({some}) AND NOT EXISTS (SELECT 1 FROM host h WHERE h.domain_id = {{}})"
        # A figure of a domain that is none any more says nothing of those its hosts belong to now.
        conn.exec_driver_sql(
            "DELETE FROM authority WHERE scale_id IN (SELECT id FROM authority_scale)"
            f" AND domain_id {empty.format('authority.domain_id')}"
        )
        conn.exec_driver_sql(f"DELETE FROM domain WHERE id {empty.format('domain.id')}")
