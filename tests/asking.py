"""Run a command in this process and read its answer."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from cli.main import app


def ask(*arguments: str, stdin: str | None = None) -> Any:
    """The result of one command: exit_code, stdout, stderr."""
    return CliRunner().invoke(app, list(arguments), input=stdin, prog_name="linkledger")


def ask_json(*arguments: str) -> Any:
    """The answer as JSON; the command must succeed."""
    result = ask(*arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
