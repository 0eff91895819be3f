"""Copies of a ledger as one SQLite file, made while others write to it.

Of a SQLite ledger the file is copied page by page inside one reading transaction: writers go on, and what they write
meanwhile is not in the copy. Of a PostgreSQL ledger every table is read in one snapshot and written to a new SQLite
ledger with the same key and the same ids, which answers the same to every question.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from storage.database_url import WAIT_SECONDS
from storage.engine import Ledger, create_ledger
from storage.errors import LedgerError
from storage.schema import metadata

Progress = Callable[[str, int, int], None]
"""Told what is being copied, how much of it is done and how much there is (0: not known)."""


class VacuumFailed(LedgerError):
    """A file that kept its size; nothing in it is changed."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} keeps its size: {why}")


_PAGES = 1_000
_ROWS = 5_000


class BackupFailed(LedgerError):
    """A copy that was not made; where a file of this name was before, it is still there."""

    def __init__(self, target: Path, why: str) -> None:
        super().__init__(f"no backup at {target}: {why}")


def backup(ledger: Ledger, target: Path, *, force: bool = False, progress: Progress | None = None) -> int:
    """Copy a ledger as it stands at this moment to a file, which is there whole or not at all.

    Args:
        force: replace a file of this name; only when the copy is complete.
    Returns:
        The size of the copy in bytes.
    Raises:
        BackupFailed: the file is there already, is the ledger itself, or cannot be written.
    """
    own = Path(ledger.url.database or "").resolve() if ledger.dialect.name == "sqlite" else None
    _must_be_free(target, own, force)
    with _whole_or_nothing(target) as part:
        if own is not None:
            copy_file(own, part, progress=progress)
        else:
            _copy_tables(ledger, part, progress)
    return target.stat().st_size


def keep_beside(path: Path, revision: str) -> Path:
    """Copy a SQLite ledger to a new file in its folder, named for the revision of its schema.

    Raises:
        BackupFailed: the copy cannot be written.
    """
    number = 1
    while (target := path.with_name(f"{path.name}.{revision}{'' if number == 1 else f'-{number}'}.bak")).exists():
        number += 1
    with _whole_or_nothing(target) as part:
        copy_file(path, part)
    return target


def copy_file(source: Path, target: Path, *, progress: Progress | None = None) -> None:
    """Copy a SQLite file that others may be writing to; ``target`` is no file yet.

    Raises:
        sqlite3.Error: it cannot be read, or the copy cannot be written.
    """

    def tell(_: int, left: int, total: int) -> None:
        if progress is not None:
            progress("pages of the file", total - left, total)

    with closing(_open(source)) as read, closing(sqlite3.connect(target, isolation_level=None)) as write:
        # One snapshot for the whole copy. Without it SQLite would begin again each time somebody writes.
        # https://www.sqlite.org/c3ref/backup_finish.html#sqlite3backupstep
        read.execute("BEGIN")
        read.execute("SELECT count(*) FROM sqlite_master").fetchone()
        read.backup(write, pages=_PAGES, progress=tell)
        write.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it


def vacuum(path: Path) -> int:
    """Give the free space of a SQLite ledger back to the disk; returns how much smaller the file is.

    Raises:
        VacuumFailed: the disk has no room for the second copy that SQLite makes on the way, or another process writes.
    """
    before = path.stat().st_size
    try:
        with closing(_open(path)) as conn:
            conn.execute("VACUUM")
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise VacuumFailed(path, str(error)) from error
    return before - path.stat().st_size


def _open(path: Path) -> sqlite3.Connection:
    target = f"file:{quote(str(path.absolute()))}?mode=rw"
    return sqlite3.connect(target, uri=True, timeout=WAIT_SECONDS, isolation_level=None)


def _must_be_free(target: Path, own: Path | None, force: bool) -> None:
    if own is not None and target.resolve() == own:
        raise BackupFailed(target, "that is the ledger itself")
    if target.is_dir():
        raise BackupFailed(target, "it is a folder; name a file in it")
    if target.exists() and not force:
        raise BackupFailed(target, "there is a file of this name; --force replaces it")
    for beside in ("-wal", "-journal"):
        # SQLite would take it for the new file's own log and write it into the copy.
        if target.with_name(target.name + beside).exists():
            raise BackupFailed(target, f"{target.name}{beside} lies there: a program has a database of this name open")


@contextmanager
def _whole_or_nothing(target: Path) -> Iterator[Path]:
    """A file to write to that takes the name of ``target`` once it is complete and on the disk."""
    part = target.with_name(target.name + ".part")
    beside = [part.with_name(part.name + end) for end in ("", "-wal", "-shm", "-journal")]
    try:
        for one in beside:
            one.unlink(missing_ok=True)
        yield part
        _sync(part)
        part.replace(target)
        _sync(target.parent)
    except sqlite3.Error as error:
        raise BackupFailed(target, str(error)) from error
    except OSError as error:
        raise BackupFailed(target, error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            for one in beside:
                one.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy_tables(ledger: Ledger, part: Path, progress: Progress | None) -> None:
    create_ledger(f"sqlite:///{part}", psl=ledger.psl)
    with closing(_open(part)) as write, ledger.connect() as conn:
        write.execute("PRAGMA foreign_keys = OFF")
        write.execute("PRAGMA journal_mode = DELETE")
        write.execute("PRAGMA synchronous = OFF")  # synced once, at the end
        write.execute("BEGIN")
        write.execute("DELETE FROM meta")
        for table in metadata.sorted_tables:
            names = [column.name for column in table.columns]
            order = [column.name for column in table.primary_key.columns] or names[:1]
            question = f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {', '.join(order)}"
            into = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            done = 0
            found = conn.exec_driver_sql(question, execution_options={"yield_per": _ROWS})
            for rows in found.partitions():
                write.executemany(into, [tuple(row) for row in rows])
                done += len(rows)
                if progress is not None:
                    progress(f"rows of {table.name}", done, 0)
        write.execute("COMMIT")
