"""Arguments and options that several commands share, each written once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import typer

Limit = int | None | Literal["default"]
"""Most rows to show; None shows all; ``default`` is 20 in tables and all in the other formats."""


class OutputFormat(StrEnum):
    """How an answer is written to standard output."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"


def parse_limit(value: str | None) -> Limit:
    """``none`` -> None, ``default`` or nothing -> ``default``, else a whole number from 0."""
    if value is None or value == "default":
        return "default"
    if value == "none":
        return None
    if value.isascii() and value.isdigit():
        return int(value) if len(value) < 19 else 10**18  # more rows than there are, and still a number to databases
    raise typer.BadParameter(f"{value!r} is neither a whole number nor 'none'", param_hint="--limit")


def parse_fields(value: str | None) -> list[str] | None:
    """``a,b`` -> ``["a", "b"]``; nothing -> None, which means every field."""
    if value is None:
        return None
    fields = [name.strip() for name in value.split(",") if name.strip()]
    if not fields:
        raise typer.BadParameter("no field named", param_hint="--fields")
    return fields


DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        help="The ledger: sqlite:///FILE or postgresql://...  Else LINKLEDGER_DB, else `db` in "
        "linkledger.toml, else sqlite:///linkledger.db.",
        rich_help_panel="Ledger",
    ),
]
"""Default None; give it to `cli.config.database` (or `load_config(db=...)`) for the URL to open."""

FormatOption = Annotated[
    OutputFormat | None,
    typer.Option("--format", help="How to write it; a table on a terminal, else tsv.", rich_help_panel="Output"),
]
"""Default None: decided by `cli.render` when it writes."""

LimitOption = Annotated[
    str,
    typer.Option(
        "--limit",
        metavar="N|none",
        show_default=False,
        help="Most rows to show; tables show 20, the other formats all.",
        rich_help_panel="Output",
    ),
]
"""Default ``"default"``; `cli.render` takes the text as it is."""

FieldsOption = Annotated[
    str | None,
    typer.Option("--fields", metavar="A,B", help="Only these fields, in this order.", rich_help_panel="Output"),
]
"""Default None; `cli.render` takes the text as it is."""

RawCellsOption = Annotated[
    bool,
    typer.Option(
        "--raw-cells",
        help="csv: do not put an apostrophe before cells that a spreadsheet would run as a formula.",
        rich_help_panel="Output",
    ),
]
"""Default False."""
