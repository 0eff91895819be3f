"""The Typer app; the one place where an error becomes one line and an exit status."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import Annotated, Any, TextIO

import typer
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from typer.core import TyperGroup

from cli.cells import visible
from storage.errors import LedgerError

DEBUG = "LINKLEDGER_DEBUG"


def _say(text: str) -> None:
    """One line on standard error; what came from a page or a shell cannot steer the terminal."""
    print(f"linkledger: {visible(' '.join(text.split()))}", file=sys.stderr)


def _database_words(error: SQLAlchemyError) -> str:
    """The database's own first line, without the statement and its parameters."""
    text = str(error.orig if isinstance(error, DBAPIError) else error)
    return f"the database refused: {(text.strip().splitlines() or [type(error).__name__])[0]}"


class _Commands(TyperGroup):
    """The top group: turns errors a user can act on into one line and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader (`| head`) has all it wanted. What is left in the buffer goes nowhere, else the
            # interpreter complains about it when it ends.
            with contextlib.suppress(OSError, ValueError, AttributeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except LedgerError as error:
            if os.environ.get(DEBUG):
                raise
            _say(str(error))
            raise typer.Exit(1) from None
        except SQLAlchemyError as error:
            if os.environ.get(DEBUG):
                raise
            _say(_database_words(error))
            raise typer.Exit(1) from None
        return answer


app = typer.Typer(
    name="linkledger",
    cls=_Commands,
    help="Crawl lists of pages, take every link apart, and ask for link counts and anchor distributions separately.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"linkledger {version('linkledger')}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Crawl lists of pages, take every link apart, and ask for link counts and anchor distributions separately."""


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _say(f"warning: {message}")


def main() -> None:
    """Run linkledger and end the process with its exit status."""
    warnings.showwarning = _warn
    try:
        app(prog_name="linkledger")
    except Exception as error:  # the last resort: a user gets a line, not a traceback
        if os.environ.get(DEBUG):
            raise
        _say(
            f"unexpected error: {type(error).__name__}: {error} "
            f"(this is a fault of linkledger; {DEBUG}=1 shows where it happened)"
        )
        sys.exit(1)
