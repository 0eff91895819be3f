"""The program as a process: exit statuses, one line for every error, pipes, terminals, start-up."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from sqlalchemy.engine import make_url
from typer._coercion import build_runtime_param

from benchmarks.startup import BOUND, measure
from cli.plain_values import shorten_the_way

PROGRAM = [sys.executable, "-c", "from cli.main import main; main()"]
# The program with one more command, whose answer is whatever a test needs.
STAGE = """
import sys, warnings
from cli.main import app, main
from cli.options import OutputFormat
from cli.render import Answer, write_answer

@app.command("stage")
def stage(what: str):
    {body}

main()
"""
FLOOD = (
    "write_answer(Answer('rows', ({'n': n, 'text': 'x' * 200} for n in range(10**9)), ('n', 'text')), "
    "output=OutputFormat(what), limit=None)"
)


def environment(**more: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LINKLEDGER_", "PYTHON"))}
    return {**ours, **more}


def run(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )


def staged(body: str, *arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", STAGE.format(body=body), "stage", *arguments],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )


def on_a_terminal(command: list[str], cwd: Path, **more: str) -> tuple[int, str]:
    """Exit status and everything written, with a pseudo-terminal as standard output and error."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(**more), stdin=subprocess.DEVNULL, stdout=follower, stderr=follower
    )
    os.close(follower)
    written = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(leader)
    return process.wait(timeout=60), written.decode("utf-8").replace("\r\n", "\n")


def test_version(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.split(".")[0]) == (0, "linkledger 0")


USAGE = [  # id, arguments
    ("no_such_command", ["nope"]),
    ("no_such_option", ["links", "count", "--nope"]),
    ("bad_limit", ["links", "list", "example.com", "--limit", "many"]),
    ("bad_format", ["links", "count", "example.com", "--format", "xml"]),
    ("bare_public_suffix", ["links", "count", "co.uk"]),
]


@pytest.mark.parametrize("arguments", [pytest.param(row[1], id=row[0]) for row in USAGE])
def test_usage_errors(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


QUESTIONS = [  # id, arguments
    ("count", ["links", "count", "example.com"]),
    ("list", ["links", "list", "example.com"]),
    ("sources", ["links", "sources", "example.com"]),
    ("targets", ["links", "targets"]),
    ("top", ["anchors", "top", "example.com"]),
    ("search", ["anchors", "search", "shoes"]),
    ("lists", ["lists", "list"]),
    ("crawls", ["crawls", "list"]),
    ("info", ["db", "info"]),
    ("check", ["db", "check"]),
]


@pytest.mark.parametrize("arguments", [pytest.param(row[1], id=row[0]) for row in QUESTIONS])
def test_a_question_never_makes_a_ledger(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("linkledger: no ledger at ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("This is no database, but it is long enough to be looked at. " * 50)
    done = run("links", "count", "example.com", "--db", "sqlite:///notes.db", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "notes.db" in done.stderr
    assert "Traceback" not in done.stderr


BAD_DATABASES = [  # id, URL, what is said
    ("no_url", "links.db", "links.db"),
    ("unknown_scheme", "oracle://x/y", "oracle"),
    ("no_server", "postgresql://127.0.0.1:9/none", "127.0.0.1"),
    ("not_a_url", "postgresql://[", "postgresql://["),
    ("folder", "sqlite:///.", "."),
]


@pytest.mark.parametrize(("url", "said"), [pytest.param(*row[1:], id=row[0]) for row in BAD_DATABASES])
def test_databases_that_cannot_be_opened(url: str, said: str, tmp_path: Path) -> None:
    done = run("links", "count", "example.com", "--db", url, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("linkledger: ")
    assert said in done.stderr
    assert "unexpected" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_password_is_said_and_not_shown(postgres_url: str, tmp_path: Path) -> None:
    url = make_url(postgres_url).set(username="nobody-here", password="s3cret-word")
    done = run("links", "count", "example.com", "--db", url.render_as_string(hide_password=False), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "nobody-here" in done.stderr
    assert "s3cret-word" not in done.stderr
    assert "unexpected" not in done.stderr


def test_a_broken_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "linkledger.toml").write_text('database = "x"\n')
    done = run("links", "count", "example.com", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("linkledger: linkledger.toml, line 1: unknown setting 'database'; known: ")


def test_unexpected_errors_are_one_line_with_a_hint(tmp_path: Path) -> None:
    done = staged("raise ValueError('odd \\x1b[31m thing\\nsecond line')", "x", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "linkledger: unexpected error: ValueError: odd \\u001b[31m thing second line "
        "(this is a fault of linkledger; LINKLEDGER_DEBUG=1 shows where it happened)\n"
    )
    done = staged("raise ValueError('odd thing')", "x", cwd=tmp_path, LINKLEDGER_DEBUG="1")
    assert b"Traceback" in done.stderr


def test_database_errors_are_one_line(tmp_path: Path) -> None:
    body = "import sqlalchemy as s; s.create_engine('sqlite://').connect().execute(s.text('select x from y'))"
    done = staged(body, "x", cwd=tmp_path)
    assert (done.returncode, done.stderr.decode()) == (
        1,
        "linkledger: the database refused: no such table: y\n",
    )


def test_warnings_are_one_line(tmp_path: Path) -> None:
    done = staged("warnings.warn('two\\nlines')", "x", cwd=tmp_path)
    assert (done.returncode, done.stderr.decode()) == (0, "linkledger: warning: two lines\n")


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv", "tsv"])
def test_a_reader_that_stops_early(output: str, tmp_path: Path) -> None:
    """``| head`` ends a long answer at once, without a word and without a failure."""
    rows = "10**9" if output != "table" else "10**5"
    with subprocess.Popen(
        [sys.executable, "-c", STAGE.format(body=FLOOD.replace("10**9", rows)), "stage", output],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(100)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", STAGE.format(body=FLOOD), "stage", "csv"],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"linkledger: No space left on device\n")


def heed_interrupts() -> None:
    """A shell lets what it runs in the background ignore Ctrl-C, and that is inherited by the tests' children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupting_ends_with_130(tmp_path: Path) -> None:
    body = "print('ready', flush=True); import time; time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", STAGE.format(body=body), "stage", "x"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=30) == 130
        finally:
            process.kill()
        assert process.stderr.read() == b""


HOSTILE = (
    "answer = Answer('rows', [{'anchor': 'caf\\u00e9 \\x1b]52;c;aGk=\\x07 \\u202e \\ud800', 'n': 1}], ('anchor', 'n'))"
)


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv", "tsv"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_every_terminal_encoding_can_be_written(encoding: str, output: str, tmp_path: Path) -> None:
    body = f"{HOSTILE}; write_answer(answer, output=OutputFormat(what))"
    done = staged(body, output, cwd=tmp_path, PYTHONIOENCODING=encoding, LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, b"")
    written = done.stdout.decode(encoding)
    if output in ("json", "jsonl"):
        value = json.loads(written)
        row = value["rows"][0] if output == "json" else value
        assert row["anchor"] == "caf\u00e9 \x1b]52;c;aGk=\x07 \u202e \ud800"
    else:
        assert "\\xe9" in written if encoding == "ascii" else "é" in written


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv", "tsv"])
def test_a_page_cannot_steer_the_terminal(output: str, tmp_path: Path) -> None:
    body = f"{HOSTILE}; write_answer(answer, output=OutputFormat(what))"
    status, written = on_a_terminal([sys.executable, "-c", STAGE.format(body=body), "stage", output], tmp_path)
    assert status == 0
    assert "\\u001b]52" in written
    assert not set(written) & set("\x1b\x07\u202e")


def test_a_terminal_gets_a_table_and_a_pipe_gets_tsv(tmp_path: Path) -> None:
    body = "write_answer(Answer('rows', [{'anchor': 'a', 'n': 1200}], ('anchor', 'n'), notes=('a note',)), output=None)"
    status, written = on_a_terminal([sys.executable, "-c", STAGE.format(body=body), "stage", "x"], tmp_path)
    assert (status, written) == (0, "anchor  n\n------  -----\na       1,200\na note\n".replace("  n\n", "      n\n"))
    done = staged(body, "x", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (b"anchor\tn\na\t1200\n", b"a note\n")


def test_a_table_fits_its_terminal(tmp_path: Path) -> None:
    body = (
        "write_answer(Answer('rows', [{'source': 'https://x.example/' + 'y' * 300, 'target': 'https://' + 'z' * 300, "
        "'n': 10**9}], ('source', 'target', 'n')), output=None)"
    )
    command = [sys.executable, "-c", STAGE.format(body=body), "stage", "x"]
    for columns in (60, 80, 132):
        _, written = on_a_terminal(command, tmp_path, COLUMNS=str(columns))
        assert max(len(line) for line in written.splitlines()) == columns


def test_completion(tmp_path: Path) -> None:
    done = run("--show-completion", "bash", cwd=tmp_path, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_LINKLEDGER_COMPLETE=complete_bash" in done.stdout
    done = run(
        cwd=tmp_path, _LINKLEDGER_COMPLETE="complete_bash", COMP_WORDS="linkledger links co", COMP_CWORD="2"
    )  # what bash asks after <TAB>
    assert done.stdout.split() == ["count"]
    done = run(
        cwd=tmp_path,
        _LINKLEDGER_COMPLETE="complete_bash",
        COMP_WORDS="linkledger links count --format j",
        COMP_CWORD="4",
    )
    assert done.stdout.split() == ["json", "jsonl"]


class Colour(StrEnum):
    red = "red"


PLAIN = [  # id, arguments
    ("nothing_given", []),
    ("text", ["--text", "x y"]),
    ("empty_text", ["--text", ""]),
    ("texts", ["--texts", "a", "--texts", "b"]),
    ("word", ["--word", "b"]),
    ("wrong_word", ["--word", "c"]),
    ("enum", ["--colour", "red"]),
    ("wrong_enum", ["--colour", "Red"]),
    ("number", ["--number", "5"]),
    ("wrong_number", ["--number", "five"]),
    ("arguments", ["p", "q"]),
    ("flag", ["--flag"]),
    ("no_value", ["--text"]),
]


@pytest.mark.parametrize("arguments", [pytest.param(row[1], id=row[0]) for row in PLAIN])
def test_the_short_cut_reads_values_as_typer_does(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same values, and the same words about wrong ones, with the short cut and without."""
    seen: list[Any] = []
    app = typer.Typer(rich_markup_mode=None, add_completion=False)

    @app.command()
    def command(
        given: Annotated[list[str] | None, typer.Argument()] = None,
        text: str | None = None,
        texts: Annotated[list[str] | None, typer.Option()] = None,
        word: Literal["a", "b"] = "a",
        colour: Colour | None = None,
        number: int | None = None,
        flag: bool | None = None,
    ) -> None:
        seen.append((given, text, texts, word, colour, type(colour), number, flag))

    results = []
    for short in (False, True):
        monkeypatch.setattr(typer.core, "build_runtime_param", build_runtime_param)
        if short:
            shorten_the_way()
        built = typer.main.get_command(app)
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.suppress(SystemExit):
            built.main(args=arguments, prog_name="x")
        results.append((seen.pop() if seen else None, errors.getvalue()))
    assert results[0] == results[1]
    assert results[0] != (None, "")


NOT_FOR_QUESTIONS = ("scrapy", "twisted", "alembic", "rich", "click", "pydantic")


@pytest.mark.parametrize("arguments", [["links", "count", "example.com"], ["anchors", "top", "example.com"]])
def test_a_question_imports_little(arguments: list[str], database: str, tmp_path: Path) -> None:
    made = run("db", "init", "--db", database, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    program = (
        "import sys\nfrom cli.main import app\n"
        "try:\n    app()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print([name for name in {NOT_FOR_QUESTIONS!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, "--db", database],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_question_starts_fast() -> None:
    """Asking costs little more than importing SQLAlchemy and Typer; the best of several runs on a busy machine."""
    for _ in range(4):
        baseline, question = measure(5)
        if question <= BOUND * baseline:
            return
        time.sleep(2)
    pytest.fail(f"{question:.3f} s against {baseline:.3f} s: {question / baseline:.2f}, at most {BOUND}")
