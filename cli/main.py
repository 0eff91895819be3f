"""The Typer app; the one place where `LedgerError` becomes exit status 1."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True)


def main() -> None:
    """Run linkledger."""
    app()
