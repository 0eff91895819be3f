"""The Typer app; the one place where an error becomes one line and an exit status."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Annotated, Any, TextIO

import typer
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from typer.core import TyperGroup
from typer.main import get_group

from cli.cells import visible
from cli.plain_values import shorten_the_way
from storage.errors import LedgerError

DEBUG = "LINKLEDGER_DEBUG"
_UsageError: Any = typer.BadParameter.__base__
GROUPS = ("links", "anchors", "profile", "audit", "authority", "brief", "prospects", "lists", "crawls", "db")
COMMANDS = (
    "crawl", "links", "anchors", "profile", "audit", "authority", "compare", "brief", "prospects", "report", "lists",
    "crawls", "db", "extract", "demo",
)  # fmt: skip
"""In the order of use. Each has a module of its own in this package."""


def _say(text: str) -> None:
    """One line on standard error; what came from a page or a shell cannot steer the terminal."""
    print(f"linkledger: {_safe(' '.join(text.split()))}", file=sys.stderr)


def _safe(text: str) -> str:
    """A message as it may be shown: what it repeats steers no terminal, and holds no password of a URL."""
    from crawler.urls import hide_inside

    return "\n".join(map(visible, hide_inside(text).split("\n")))


@contextlib.contextmanager
def _safe_usage() -> Iterator[None]:
    """Errors of usage repeat what was typed, which may have been copied from a page."""
    try:
        yield
    except _UsageError as error:
        error.message = _safe(error.message)
        raise


def _database_words(error: SQLAlchemyError) -> str:
    """The database's own first line, without the statement and its parameters."""
    text = str(error.orig if isinstance(error, DBAPIError) else error)
    return f"the database refused: {(text.strip().splitlines() or [type(error).__name__])[0]}"


def _drop_output() -> None:
    """What is left in the buffer goes nowhere, else the interpreter complains about it when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _load(name: str) -> Any:
    """Build one command or group of commands from its module."""
    module = importlib.import_module(f"cli.{name}")
    holder = typer.Typer(rich_markup_mode=None, add_completion=False)
    holder.callback()(lambda: None)  # so that one command alone is still a command by its name
    if name in GROUPS:
        holder.add_typer(module.app, name=name)
    else:
        holder.command(name)(getattr(module, name))
    command = get_group(holder).commands[name]
    without_types(command)
    return command


def without_types(command: Any) -> None:
    """In help, an argument is called TARGET, not ``TARGET <list[str]>``: the type is Python's affair."""
    for param in command.params:
        shown = param.display_type_rich
        if param.param_type_name == "argument":
            param.display_type_rich = lambda ctx: None
        elif param.multiple:
            param.display_type_rich = lambda ctx, shown=shown: (
                (shown(ctx) or "").replace("<list[", "<").replace("]>", ">")
            )
    for below in getattr(command, "commands", {}).values():
        without_types(below)


shorten_the_way()


class _Commands(TyperGroup):
    """The top group: loads the command that is asked for, and turns errors into one line and exit status 1.

    A question about links does not wait for the modules of all other commands: that is a fifth of its start.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return [*COMMANDS, *(name for name in super().list_commands(ctx) if name not in COMMANDS)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return super().get_command(ctx, cmd_name)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _safe_usage():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _safe_usage():
                answer = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader (`| head`) has all it wanted
            _drop_output()
            raise typer.Exit(0) from None
        except OSError as error:  # a full disk, a file that may not be read
            if os.environ.get(DEBUG):
                raise
            _drop_output()
            _say(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
            raise typer.Exit(1) from None
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
    if sys.stdout is None:  # `>&-`
        _say("standard output is closed: there is nowhere to write the answer")
        sys.exit(1)
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="backslashreplace")  # what a terminal's encoding cannot show is no reason to fail
    try:
        app(prog_name="linkledger")
    except OSError as error:  # help and completion are written outside the commands
        if os.environ.get(DEBUG):
            raise
        _drop_output()
        _say(str(error.strerror or error))
        sys.exit(1)
    except Exception as error:  # the last resort: a user gets a line, not a traceback
        if os.environ.get(DEBUG):
            raise
        _say(
            f"unexpected error: {type(error).__name__}: {error} "
            f"(this is a fault of linkledger; {DEBUG}=1 shows where it happened)"
        )
        sys.exit(1)
