"""Names of what rows refer to by ids; however many, a portion at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, select

from storage.schema import domain, url
from storage.targets import among

_IDS = 20_000
"""Ids that one statement is handed."""


def portions(ids: Collection[int]) -> Iterator[list[int]]:
    """The ids in order, so many at a time as one statement is handed."""
    every = sorted(ids)
    for start in range(0, len(every), _IDS):
        yield every[start : start + _IDS]


def urls(conn: Connection, ids: Collection[int]) -> dict[int, str]:
    """URLs by their ids."""
    found: dict[int, str] = {}
    for some in portions(ids):
        found.update(tuple(row) for row in conn.execute(select(url.c.id, url.c.url).where(among(url.c.id, some))))
    return found


def domains(conn: Connection, ids: Collection[int]) -> dict[int, str]:
    """Names of registrable domains by their ids."""
    found: dict[int, str] = {}
    for some in portions(ids):
        question = select(domain.c.id, domain.c.name).where(among(domain.c.id, some))
        found.update(tuple(row) for row in conn.execute(question))
    return found
