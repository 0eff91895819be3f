"""docs/cli.md from the program itself: every command's own help. Run as ``python -m cli.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import typer.main

from cli.main import app

WIDTH = 96


def commands(command: Any, path: str, parent: Any = None) -> Iterator[tuple[str, Any]]:
    """Every command of the program with its path, groups before what is in them."""
    context = command.make_context(path.split(" ")[-1], [], parent=parent, resilient_parsing=True)
    context.terminal_width = WIDTH
    yield path, context
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        child = command.get_command(context, name)
        if not child.hidden:
            yield from commands(child, f"{path} {name}", context)


def reference() -> str:
    """The whole page."""
    parts = [(files("cli") / "data" / "reference.md").read_text("utf-8").rstrip()]
    for path, context in commands(typer.main.get_command(app), "linkledger"):
        level = "##" if " " not in path or path.count(" ") == 1 else "###"
        title = path if path != "linkledger" else "All commands"
        parts.append(f"{level} {title}\n\n```text\n{context.get_help().rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(reference())
