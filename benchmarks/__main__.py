"""Run every benchmark and print one table: what, baseline, reached, to reach, aim.

``python -m benchmarks [--quick] [NAME ...]``; NAME is a module of this package.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import traceback

from benchmarks.rows import Row
from cli.table import table

MODULES = (
    "take_apart",
    "corpus",
    "write",
    "recrawl",
    "crawl",
    "workers",
    "ask",
    "anchor_classes",
    "audits",
    "startup",
    "authority",
)


def run_module(name: str, quick: bool) -> list[Row]:
    """The rows of one benchmark; one that breaks is a row too, so that the others are still run."""
    try:
        module = importlib.import_module(f"benchmarks.{name}")
        rows: list[Row] = module.run(quick)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - reported, and the exit status says so
        traceback.print_exc()
        return [Row(what=name, baseline="", reached=f"failed: {type(error).__name__}", needed="", ok=False)]
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a figure that has to be reached was not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(MODULES)} (all)")
    parser.add_argument("--quick", action="store_true", help="short runs that only show that each works")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.names) - set(MODULES))
    if unknown:
        parser.error(f"no benchmark named {unknown[0]!r}; known: {', '.join(MODULES)}")
    found: list[Row] = []
    for name in given.names or MODULES:
        started = time.monotonic()
        rows = run_module(name, given.quick)
        found += rows
        for row in rows:
            print(f"{name}: {row.what}: {row.reached} {f'({row.detail})' if row.detail else ''}".rstrip(), flush=True)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    cells = [
        {
            "what": row.what,
            "baseline": row.baseline,
            "reached": f"{row.reached:.3g}" if isinstance(row.reached, float) else str(row.reached),
            "to reach": row.needed,
            "aim": row.aim,
            "": {True: "ok", False: "NOT REACHED", None: ""}[row.ok],
        }
        for row in found
    ]
    print()
    print("\n".join(table(("what", "baseline", "reached", "to reach", "aim", ""), cells, room=160)))
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores; ratios hold within this run only.")
    return 1 if any(row.ok is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
