"""docs/cli.md is what the program says of itself; every command shows how it is used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app
from cli.reference import commands, reference

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
COMMANDS = list(commands(typer.main.get_command(app), "linkledger"))
LEAVES = [
    pytest.param(path, context, id=path) for path, context in COMMANDS if not hasattr(context.command, "commands")
]


def test_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == reference(), "run `make docs`"


def test_page_does_not_depend_on_the_terminal() -> None:
    narrow = subprocess.run(
        [sys.executable, "-m", "cli.reference"],
        cwd=PAGE.parent.parent,
        env={**os.environ, "COLUMNS": "40", "TERM": "dumb", "LC_ALL": "C"},
        capture_output=True,
        check=True,
    )
    assert narrow.stdout.decode("utf-8") == reference()


def test_every_command_is_there() -> None:
    assert {path.removeprefix("linkledger ").strip() for path, _ in COMMANDS} >= {
        "crawl", "extract", "demo",
        "links count", "links list", "links sources", "links targets",
        "anchors top", "anchors list", "anchors variants", "anchors search",
        "lists list", "lists show", "crawls list", "crawls show", "crawls urls",
        "db init", "db info", "db upgrade", "db check",
    }  # fmt: skip


@pytest.mark.parametrize(("path", "context"), LEAVES)
def test_help_has_an_example(path: str, context: Any) -> None:
    """The example names the command in full, so that it can be pasted."""
    text = context.get_help()
    assert re.search(rf"^ +(Example: )?(\$ )?(.*\| )?{re.escape(path)}\b", text, re.MULTILINE), text


@pytest.mark.parametrize(("path", "context"), LEAVES)
def test_every_option_is_explained(path: str, context: Any) -> None:
    for parameter in context.command.params:
        if parameter.param_type_name == "option":
            assert parameter.help, f"{path} {parameter.opts}"


def test_help_speaks_no_python() -> None:
    for jargon in ("list[", "<str>", "NoneType", "Optional"):
        assert jargon not in reference()


def test_links_of_the_documents_lead_somewhere() -> None:
    """Relative links in the README and in docs/ name files that are there."""
    root = PAGE.parent.parent
    for page in (root / "README.md", *(root / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
