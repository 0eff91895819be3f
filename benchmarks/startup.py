"""Start-up: a whole question as a process, against a process that only imports what it rests on."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rows import Row

BOUND = 1.6
BASELINE = "import sqlalchemy, typer"


def cpu_seconds(command: list[str], folder: str) -> float:
    """User and system seconds of one run of a command.

    Raises:
        subprocess.CalledProcessError: the command failed; its time would say nothing.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # An installed program has its bytecode; a clone writes it at the first run, unless the environment forbids it.
    left_out = ("LINKLEDGER_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(rounds: int) -> tuple[float, float]:
    """The least CPU seconds of the baseline and of ``links count`` on an empty ledger, run in turn."""
    linkledger = [sys.executable, "-c", "from cli.main import main; main()"]
    baseline: list[float] = []
    question: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'empty.db'}"
        subprocess.run([*linkledger, "db", "init", "--db", database], cwd=folder, check=True, capture_output=True)
        cpu_seconds([*linkledger, "links", "count", "example.com", "--db", database], folder)  # writes the bytecode
        for _ in range(rounds):
            baseline.append(cpu_seconds([sys.executable, "-c", BASELINE], folder))
            question.append(cpu_seconds([*linkledger, "links", "count", "example.com", "--db", database], folder))
    return min(baseline), min(question)


def run(quick: bool) -> list[Row]:
    """Measure and compare."""
    base, asked = measure(3 if quick else 15)
    return [
        Row(
            what="start a question (links count, empty ledger)",
            baseline=f"python -c '{BASELINE}'",
            reached=round(asked / base, 2),
            needed=f"<= {BOUND} x",
            ok=asked / base <= BOUND,
            detail=f"{asked:.3f} s against {base:.3f} s of CPU",
        )
    ]
