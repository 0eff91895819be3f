"""The README's blocks, run in order by one shell in an empty folder, as a reader would type them.

Each block to run has a comment before it: ``<!-- run -->`` (every command must succeed) or
``<!-- run: exact -->`` (a ``console`` block whose output is compared to the character). ``<!-- demo -->`` stands before
what the demonstration prints, which tests/test_weekly.py looks up. Two things are replaced: the port by a free one, and
the PostgreSQL server by that of the tests.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import create_engine, text

README = Path(__file__).resolve().parent.parent / "README.md"
FENCE = re.compile(r"(?:^<!-- (run(?:: exact)?|demo) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVER = "postgresql://ledger:secret@db.example.com/links"
PORT = "8808"


class Block(NamedTuple):
    mode: str
    language: str
    body: str


BLOCKS = [Block(*found.groups(default="")) for found in FENCE.finditer(README.read_text("utf-8"))]
TYPED = [block for block in BLOCKS if block.mode != "demo" and block.language != "sql"]


def test_every_shell_block_is_run() -> None:
    assert {block.language for block in BLOCKS} == {"console", "sh", "sql"}
    assert all(block.mode for block in BLOCKS)
    assert all((block.mode in ("run: exact", "demo")) == (block.language == "console") for block in BLOCKS)
    assert BLOCKS[0].body.startswith("$ linkledger demo\n")


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def shell(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """An empty folder, and an environment in which ``linkledger`` is this very program."""
    folder, programs = tmp_path / "work", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    program = programs / "linkledger"
    program.write_text(f"#!{sys.executable}\nfrom cli.main import main\nmain()\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LINKLEDGER_")}
    return folder, {**ours, "PATH": f"{programs}:{ours['PATH']}"}


def test_blocks(shell: tuple[Path, dict[str, str]], postgres_url: str) -> None:
    """One shell for all: later blocks use what earlier ones made."""
    folder, environment = shell
    port = free_port()
    script = ["set -eu", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for number, block in enumerate(TYPED):
        body = block.body.replace(PORT, port).replace(SERVER, postgres_url)
        if block.language == "console":
            command, _, _ = body.removeprefix("$ ").partition("\n")
            body = f"{command} > {folder.parent}/said-{number}\n"
        else:
            body = f"{body}\n"
        script += [f"echo '-- block {number}' >&2", body]
        if "&\n" in body:  # a reader takes a moment too before typing on
            script.append(f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done")
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    for number, block in enumerate(TYPED):
        if block.language == "console":
            expected = block.body.partition("\n")[2]
            assert (folder.parent / f"said-{number}").read_text("utf-8") == expected, block.body.partition("\n")[0]

    for url in (f"sqlite:///{folder / 'garden.db'}", postgres_url.replace("postgresql:", "postgresql+psycopg:")):
        engine = create_engine(url)
        with engine.connect() as conn:
            for block in BLOCKS:
                if block.language == "sql":
                    assert conn.execute(text(block.body)).all()
        engine.dispose()
