"""Everything a user can act on: each error says what, with which values, and what to do."""

from __future__ import annotations


class LedgerError(Exception):
    """Base of every error that ends a command with exit status 1 and one clear line."""


class InvalidUrl(LedgerError):
    """A text that is no absolute http(s) URL where one is needed."""

    def __init__(self, value: str, *, why: str = "not an absolute http or https URL") -> None:
        self.value, self.why = value, why
        super().__init__(f"{value!r} is {why}")


class NoLedger(LedgerError):
    """A question was asked of a ledger that does not exist."""

    def __init__(self, database: str) -> None:
        super().__init__(
            f"no ledger at {database}; make one with `linkledger crawl` or `linkledger db init`, "
            "or name another with --db"
        )


class UnreadableLedger(LedgerError):
    """The database is there but cannot be opened or is no ledger."""

    def __init__(self, database: str, why: str) -> None:
        super().__init__(f"cannot read {database}: {why}")


class SchemaOutOfDate(LedgerError):
    """The ledger was written by an older release."""

    def __init__(self, *, found: str, needed: str) -> None:
        self.found, self.needed = found, needed
        super().__init__(
            f"ledger is at schema {found}, this release reads {needed}; back it up, then run `linkledger db upgrade`"
        )


class SchemaTooNew(LedgerError):
    """The ledger was written by a newer release."""

    def __init__(self, *, found: str, needed: str) -> None:
        self.found, self.needed = found, needed
        super().__init__(f"ledger is at schema {found}, newer than {needed} of this release; upgrade linkledger")


class HashCollision(LedgerError):
    """Two different texts got the same 64-bit id."""

    def __init__(self, table: str, detail: str) -> None:
        super().__init__(
            f"two different texts share one id in table {table} ({detail}); nothing of this batch was stored. "
            "Please report it; a new ledger gets another key and will not meet it again"
        )


class UnknownName(LedgerError):
    """A list or crawl the ledger does not know."""

    def __init__(self, kind: str, name: str, known: tuple[str, ...] = ()) -> None:
        near = f"; known: {', '.join(known)}" if known else f"; the ledger has no {kind} yet"
        super().__init__(f"no {kind} named {name!r}{near}")


class BadList(LedgerError):
    """A list of pages that cannot be read at all (single bad rows are only reported)."""
