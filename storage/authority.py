"""Figures of authority: what others say of domains, and what the graph itself says.

A *scale* is one making of such figures: a column of a user's export, the ranks of a web graph, or the own score as it
was computed once. Figures of two scales are never compared. Only domains that the ledger knows have figures.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from storage.dialect import dialect_of
from storage.errors import UnknownName
from storage.text import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection

Kind = Literal["import", "prior", "own"]
"""``import``: a figure the user already had; ``prior``: ranks of a web graph; ``own``: computed from this ledger."""
KINDS: tuple[Kind, ...] = ("import", "prior", "own")
"""In the order in which they are shown."""
_COLUMNS = ("scale_id", "domain_id", "value", "place", "ratio", "referring", "harmonic", "trust")
_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Scale:
    """One making of figures."""

    id: int
    kind: Kind
    name: str
    """Whose figure it is."""
    measure: str
    """Which of theirs: the column it came from."""
    dated: str
    """The day it stands for, YYYY-MM-DD; of the own score the instant it was made."""
    made_at: int
    """Milliseconds since 1970, UTC."""
    about: Mapping[str, Any]
    """How it was made; ``domains`` is how many figures it has."""


class Value(NamedTuple):
    """The figure of one domain, as it is stored."""

    domain_id: int
    value: float
    place: int | None = None
    """Position in the ranking, 1 first."""
    ratio: float | None = None
    """Own: PageRank in units of the least there can be; prior: PageRank of the web graph."""
    referring: int | None = None
    """Own: known referring domains."""
    harmonic: float | None = None
    trust: float | None = None
    """Own: 0 to 100, from the seeds that were named."""


class StoredFigure(NamedTuple):
    """The figure of one domain by one scale."""

    kind: Kind
    name: str
    measure: str
    dated: str
    value: float
    place: int | None
    ratio: float | None
    referring: int | None
    harmonic: float | None
    trust: float | None
    scale: Scale
    prior: bool = False
    """Of the own score: the prior it was made with knows this domain."""


def scales(conn: Connection) -> tuple[Scale, ...]:
    """Every scale: imported ones, web graphs, then the own ones; of each name and measure the newest first."""
    rows = conn.exec_driver_sql("SELECT id, kind, name, measure, dated, made_at, about FROM authority_scale").all()
    found = [
        Scale(row.id, row.kind, row.name, row.measure, row.dated, row.made_at, json.loads(row.about)) for row in rows
    ]
    found.sort(key=lambda one: (one.dated, one.made_at), reverse=True)
    found.sort(key=lambda one: (KINDS.index(one.kind), one.name, one.measure))
    return tuple(found)


def newest(known: Sequence[Scale]) -> tuple[Scale, ...]:
    """Of each kind, name and measure the scale with the latest date, in the order of `scales`."""
    first: dict[tuple[str, str, str], Scale] = {}
    for one in known:
        first.setdefault((one.kind, one.name, one.measure), one)
    return tuple(first.values())


def figures(
    conn: Connection, domain_ids: Collection[int], *, of: Sequence[Scale] | None = None
) -> dict[int, tuple[StoredFigure, ...]]:
    """The figures of some domains by the newest scales.

    Args:
        of: these scales instead.
    Returns:
        By domain id, in the order of the scales: imported ones, web graphs, the own score last. Domains without any
        figure are left out; a domain without a known in-link has none by the own scale.
    """
    found: dict[int, list[StoredFigure]] = {}
    known = scales(conn)
    for scale in newest(known) if of is None else of:
        rows = _values(conn, scale, domain_ids)
        prior = prior_of(scale, known)
        behind = {row.domain_id for row in _values(conn, prior, [row.domain_id for row in rows])} if prior else set()
        for row in rows:
            figure = StoredFigure(
                scale.kind, scale.name, scale.measure, scale.dated, *row[1:], scale=scale, prior=row.domain_id in behind
            )
            found.setdefault(row.domain_id, []).append(figure)
    return {id_: tuple(some) for id_, some in found.items()}


def prior_of(scale: Scale, known: Sequence[Scale]) -> Scale | None:
    """The web graph ranks that an own scale was made with; None where there were none, or they are dropped."""
    told = scale.about.get("prior")
    if not isinstance(told, Mapping):
        return None
    key = (told["name"], told["measure"], told["dated"])
    return next((one for one in known if one.kind == "prior" and (one.name, one.measure, one.dated) == key), None)


def _values(conn: Connection, scale: Scale, domain_ids: Collection[int]) -> list[Value]:
    rows = dialect_of(conn).fetch_keyed(
        conn,
        "SELECT domain_id, value, place, ratio, referring, harmonic, trust FROM authority"
        " WHERE scale_id = ? AND domain_id {ids}",
        domain_ids,
        scale.id,
    )
    return [Value._make(row) for row in rows]


def ranked(
    conn: Connection, scale: Scale, limit: int | None = None, *, by: Literal["value", "referring"] = "value"
) -> Iterator[tuple[str, Value]]:
    """Domains by the figures of one scale, best first (highest, but in a scale that says ``lowest_first``), then by
    name; streams."""
    order = "ASC" if by == "value" and scale.about.get("lowest_first") else "DESC"
    bound = "" if limit is None else f" LIMIT {int(limit)}"
    rows = conn.exec_driver_sql(
        "SELECT d.name, a.domain_id, a.value, a.place, a.ratio, a.referring, a.harmonic, a.trust FROM authority a"
        f" JOIN domain d ON d.id = a.domain_id WHERE a.scale_id = {int(scale.id)}"
        f" ORDER BY coalesce(a.{by}, 0) {order}, coalesce(a.ratio, 0) DESC, d.name{bound}",
        execution_options={"yield_per": 1000},
    )
    for row in rows:
        yield row[0], Value._make(row[1:])


def domains_with_figures(conn: Connection, of: Sequence[Scale]) -> int:
    """How many domains have a figure by any of these scales."""
    ids = ", ".join(str(int(one.id)) for one in of)
    if not ids:
        return 0
    counted = conn.exec_driver_sql(f"SELECT count(DISTINCT domain_id) FROM authority WHERE scale_id IN ({ids})")
    return int(counted.scalar_one())


def known_domains(conn: Connection, names: Iterable[str]) -> dict[str, int]:
    """The ids of those of the registrable domains that the ledger knows; asks for some thousand at a time."""
    found: dict[str, int] = {}
    left = iter(names)
    while some := set(islice(left, 5_000)):
        rows = dialect_of(conn).fetch_named(conn, "SELECT name, id FROM domain WHERE name {names}", some)
        found.update((row.name, row.id) for row in rows)
    return found


def domain_names(conn: Connection) -> Iterator[tuple[int, str]]:
    """(id, name) of every registrable domain the ledger knows; streams."""
    rows = conn.exec_driver_sql("SELECT id, name FROM domain", execution_options={"yield_per": 10_000})
    return ((row.id, row.name) for row in rows)


def domain_values(conn: Connection, scale: Scale, column: str) -> Iterator[list[tuple[int, float]]]:
    """(domain id, value of one column) of every figure of a scale that has one, by id, some thousand at a time."""
    if column not in Value._fields:
        raise ValueError(f"no column {column!r}")
    rows = conn.exec_driver_sql(
        f"SELECT domain_id, {column} FROM authority WHERE scale_id = {int(scale.id)} AND {column} IS NOT NULL"
        " ORDER BY domain_id",
        execution_options={"yield_per": 10_000},
    )
    for some in rows.partitions():
        yield [(row[0], row[1]) for row in some]


def save_scale(
    conn: Connection,
    *,
    kind: Kind,
    name: str,
    measure: str,
    dated: str,
    about: Mapping[str, Any],
    values: Iterable[Value],
    now: int,
) -> Scale:
    """Keep one scale with its figures, in the caller's transaction; one of the same name, measure and date is replaced.

    Args:
        values: at most one a domain, sorted by ``domain_id`` (which is what keeps the writing fast); may stream.
        about: anything JSON can say; ``domains`` is counted here.
    """
    dialect = dialect_of(conn)
    name, measure = clean(name), clean(measure)
    ids = dialect.fetch(
        conn,
        "SELECT id FROM authority_scale WHERE kind = ? AND name = ? AND measure = ? AND dated = ?",
        kind,
        name,
        measure,
        dated,
    )
    for row in ids:
        _forget(conn, row.id)
    (id_,) = dialect.next_ids(conn, "authority_scale", 1)
    columns = ("id", "kind", "name", "measure", "dated", "made_at", "about")
    dialect.insert(conn, "authority_scale", columns, [(id_, kind, name, measure, dated, now, "{}")])
    count = 0
    left = iter(values)
    while rows := [(id_, *value) for value in islice(left, _CHUNK)]:
        dialect.insert(conn, "authority", _COLUMNS, rows)
        count += len(rows)
    told = {**about, "domains": count}
    text = json.dumps(told, ensure_ascii=False, allow_nan=False)
    dialect.run_many(conn, "UPDATE authority_scale SET about = ? WHERE id = ?", [(text, id_)])
    return Scale(id_, kind, name, measure, dated, now, told)


def find_scale(conn: Connection, name: str, *, kind: Kind | None = None, dated: str | None = None) -> Scale:
    """The newest scale of a name, of all kinds or of one.

    Raises:
        UnknownName: none has it.
    """
    some = [one for one in scales(conn) if kind is None or one.kind == kind]
    found = [one for one in some if one.name == name and (dated is None or one.dated == dated)]
    if not found:
        raise UnknownName("scale", name, tuple(dict.fromkeys(one.name for one in some)))
    return max(found, key=lambda one: (one.dated, one.made_at))


def drop_scales(conn: Connection, name: str, *, dated: str | None = None) -> tuple[Scale, ...]:
    """Forget every scale of a name, or the one of a date.

    Raises:
        UnknownName: none has it.
    """
    find_scale(conn, name, dated=dated)
    found = tuple(one for one in scales(conn) if one.name == name and (dated is None or one.dated == dated))
    for one in found:
        _forget(conn, one.id)
    return found


def _forget(conn: Connection, id_: int) -> None:
    conn.exec_driver_sql(f"DELETE FROM authority WHERE scale_id = {int(id_)}")
    conn.exec_driver_sql(f"DELETE FROM authority_scale WHERE id = {int(id_)}")
