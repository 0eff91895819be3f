"""What strangers wrote, through every command and format: nothing steers a terminal, runs in a spreadsheet or is lost.

A real crawl of a page made of everything that does harm fills a ledger, with the errors and lists beside it; then
every command is asked in every format: on a pipe, on a pseudo-terminal, and where only ASCII can be written.
"""

from __future__ import annotations

import csv
import html
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fuzzing import STEERING
from local_site import Page, environment, redirect, serve
from readings import RULES, link, page, reading, url

from storage.engine import Ledger
from storage.records import Anchor
from storage.writer import write_readings

ROOT = Path(__file__).resolve().parent.parent
NASTY = (
    "\x1b]52;c;aGk=\x07", "\x1b]8;;https://bad.example\x1b\\click\x1b]8;;\x1b\\", "\x1b[2J\x1b[31mred", "\x9b31m",
    "\x9d0;x\x9c",
    "a\x7fb\x85c", "\u202egnp.exe", "\u2066x\u2069\u200f\u200e\u061c", "one\u2028two\u2029three", "=HYPERLINK(1)", "+1",
    "-1+1",
    "@SUM(1)", "\uff1d1+1", "'=1", "[link=https://bad.example]x[/]", "[/]", "[bold", "\ufffe\uffff\ufdd0",
    "{0} %s \\u001b \\",
)  # fmt: skip
SECRET = "hunter2"
LIVE = re.compile(rb"\x1b\[\?25[lh]|\r(?:\x1b\[1A)?\x1b\[2K")
"""What the live line of a crawl's progress is moved with: no value's doing."""
FORMATS = ("table", "csv", "tsv", "json", "jsonl")

# Runs several command lines in one process: starting Python for each of a hundred would take a minute.
RUNNER = """
import json, sys
from cli.main import main
for words in json.loads(sys.stdin.readline() if len(sys.argv) < 2 else open(sys.argv[1]).read()):
    sys.argv = ["linkledger", *words]
    try:
        main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"\\n=== {status}\\n")
        stream.flush()
"""


class Filled(NamedTuple):
    db: str
    site: str
    folder: Path
    log: str
    """What the crawl wrote to standard error."""


def hostile_page(base: str) -> str:
    links = "".join(
        f'<p><a href="{html.escape(base)}x{place}?{words}" title="{words}">{words}</a>'
        for place, words in enumerate(map(html.escape, NASTY))
    )
    secret = base.replace("://", f"://user:{SECRET}@")
    return (
        f"<!doctype html><title>{''.join(NASTY[:9])}</title><h1>{NASTY[0]}</h1>"
        f'<link rel=canonical href="{secret}canon"><base href="{secret}b/">{links}'
        f'<p><a href="{secret}s">one</a><a href="//u:{SECRET}@t.example/">two</a><a href="relative">three</a>'
        f'<a href="ftp://u:{SECRET}@f.example/">four</a><a href="https://u:{SECRET}/half@g.example/">five</a>'
        f'<a href="{base}t?token=stays">six</a>'
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A ledger that a crawl of hostile pages and a hostile list have filled, with more that no crawl could bring."""
    folder = tmp_path_factory.mktemp("hostile")
    db = f"sqlite:///{folder / 'ledger.db'}"
    with serve() as site:
        secret = site.url().replace("://", f"://user:{SECRET}@")
        carried = (("Link", f'<{secret}header>; rel="canonical"'), ("X-Robots-Tag", "\x9b31m: noindex"))
        site.routes["/page"] = Page(hostile_page(site.url()), headers=carried)
        site.routes["/moved"] = redirect(f"{secret}landed")
        site.routes["/landed"] = Page("<a href=/s>x</a>")
        site.routes["/lost"] = redirect(f"ftp://u:{SECRET}@f.example/\x9b31m")
        site.routes["/half"] = redirect(f"https://u:{SECRET}/half@g.example/")
        rows = [["url", NASTY[6], "other"]]
        rows += [[site.url(path), words, f"see {secret}cell"] for path, words in zip(
            ("/page", "/moved", "/lost", "/half"), (NASTY[0], NASTY[9], NASTY[15], NASTY[3]), strict=True)]  # fmt: skip
        rows += [[f"{secret}p?{words}", "", ""] for words in NASTY] + [[words, "", ""] for words in NASTY]
        rows += [[f"http://u:{SECRET}/half@h.example/", "", ""], ["", f"only {secret}x", ""]]
        made = io.StringIO()
        csv.writer(made).writerows(rows)
        given = folder / "li\u202est\x1b[31m[].csv"
        given.write_text(made.getvalue(), encoding="utf-8", newline="")
        done = subprocess.run(
            [sys.executable, "-c", "from cli.main import main; main()", "crawl", str(given), "--list", NASTY[2],
             f"http://u:{SECRET}@h.example/", f"u:{SECRET}@h.example", f"http://u:{SECRET}/half@h.example/",
             "--delay", "0", "--db", db],
            cwd=folder, env=environment() | {"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 3), done.stderr.decode()
        sent = [request for request in site.log if "Authorization" in request.headers]
        assert sent == [], "no user name or password of a URL is sent"
        assert {request.path for request in site.log} >= {"/page", "/moved", "/landed"}
    target = url("https://bad.example/\x9b31m\u202e?\x1b]52;c;aGk=\x07")
    links = [
        link("https://shop.example/", rel=(words,), raw_href=words, ordinal=place)._replace(
            anchor=Anchor(words, "text"), target=target
        )
        for place, words in enumerate((*NASTY, "\x00nul", "\ud800lone"))
    ]
    record = page("https://blog.example/\x9b31m", links, title=NASTY[0], lang=NASTY[4])
    with Ledger(db) as ledger:
        write_readings(
            ledger, None, [reading("https://blog.example/\x9b31m", links, 10**12, page=record)], rules_version=RULES
        )
    return Filled(db, site.url(), folder, done.stderr.decode("utf-8", "surrogateescape"))


def questions(filled: Filled) -> list[list[str]]:
    """Every command that shows something of a ledger, without its format."""
    since = ["--since", "2000-01-01"]
    asked = [
        ["links", "count"], ["links", "list"], ["links", "sources"], ["links", "targets"], ["links", "new", *since],
        ["links", "lost", *since], ["links", "changes", *since], ["links", "timeline"],
        ["links", "history", filled.site + "page", filled.site + "x0?" + NASTY[0]],
        ["anchors", "top"], ["anchors", "list"], ["anchors", "variants", NASTY[0]], ["anchors", "search", "1"],
        ["anchors", "new", *since], ["anchors", "changes", *since], ["anchors", "timeline"], ["lists", "list"],
        ["lists", "show", NASTY[2]], ["lists", "show", NASTY[2], "--rows"], ["crawls", "list"], ["crawls", "show"],
        ["crawls", "show", "--rejected"], ["crawls", "urls"], ["db", "info"], ["db", "check"],
    ]  # fmt: skip
    return [[*one, "--db", filled.db] for one in asked]


def mistakes(filled: Filled) -> list[list[str]]:
    """Command lines that are wrong in a way that is repeated to the user."""
    bad = NASTY[0] + NASTY[6] + NASTY[3] + "\n[/]"
    secret = f"https://u:{SECRET}@a b/"
    return [
        ["links", "count", bad, "--db", filled.db], ["links", "count", secret, "--db", filled.db], ["links", bad],
        ["lists", "show", bad, "--db", filled.db], ["anchors", "search", "x", "--fields", bad, "--db", filled.db],
        ["links", "list", "--format", bad], ["links", "list", f"--{bad}"], ["crawls", "show", bad, "--db", filled.db],
        ["links", "count", "--db", f"sqlite:///{filled.folder}/{bad}.db"], ["extract", bad, "--url", "https://a.example/"],
        ["links", "count", "--db", f"postgresql://u:{SECRET}@127.0.0.1:1/x"], ["crawl", bad], ["crawl", secret],
        ["links", "count", "--db", f"postgres:/u:{SECRET}@127.0.0.1/x"], ["extract", "--url", secret],
        ["links", "count", "--db", f"postgresql://127.0.0.1:x/y?password={SECRET}"], ["crawl", f"http://u:{SECRET}/x@h.example/"],
        ["links", "count", "--db", f"mysql://u:{SECRET}@h/y"], ["crawl", "a.example", "--proxy", f"ftp://u:{SECRET}@h:1/{bad}"],
        ["crawl", "a.example", "--proxy", f"http://u:{SECRET}@h:port/"], ["crawl", "a.example", "--allow-net", secret],
    ]  # fmt: skip


def asked(
    filled: Filled, commands: list[list[str]], *, terminal: bool = False, **env: str
) -> list[tuple[int, str, str]]:
    """(exit status, standard output, standard error) of each command line; on a terminal both are the output."""
    work = filled.folder / "commands.json"
    work.write_text(json.dumps(commands), encoding="utf-8")
    command = [sys.executable, "-c", RUNNER, str(work)]
    told = environment() | {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "xterm-256color"} | env
    if not terminal:
        done = subprocess.run(
            command,
            cwd=filled.folder,
            env=told,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        out, err = (_answers(stream) for stream in (done.stdout, done.stderr))
        return [(status, one, other) for (status, one), (_, other) in zip(out, err, strict=True)]
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    with subprocess.Popen(
        command, cwd=filled.folder, env=told, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower
    ) as running:
        os.close(follower)
        seen = b""
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:  # the last writer has gone
                break
            if not data:
                break
            seen += data
        os.close(leader)
    assert running.returncode == 0, seen
    answers = _answers(LIVE.sub(b"", seen.replace(b"\r\n", b"\n")))
    return [(status, one + other, "") for (status, one), (_, other) in zip(answers[::2], answers[1::2], strict=True)]


def _answers(stream: bytes) -> list[tuple[int, str]]:
    found = []
    shown = ""
    for line in stream.decode("utf-8").split("\n"):
        if line.startswith("=== "):
            found.append((int(line[4:]), shown))
            shown = ""
        else:
            shown += line + "\n"
    return found


def assert_harmless(shown: str, *, allowed: str = "\n") -> None:
    left = STEERING & set(shown) - set(allowed)
    assert not left, (left, shown[:3000])
    assert SECRET not in shown
    assert "unexpected error" not in shown


def test_nothing_raw_reaches_the_log_of_a_crawl(filled: Filled) -> None:
    assert "landed" not in filled.log
    assert_harmless(filled.log)
    assert "\\u202e" in filled.log


def test_no_password_is_in_the_ledger(filled: Filled) -> None:
    """Not in one byte of it, and not in what is packed either."""
    assert SECRET.encode() not in (filled.folder / "ledger.db").read_bytes()
    with Ledger(filled.db, read_only=True) as ledger, ledger.connect() as conn:
        from storage.dump import dump
        from storage.evidence import decode

        assert not any(SECRET in line for line in dump(conn))
        records = [decode(bytes(row[0])) for row in conn.exec_driver_sql("SELECT data FROM record")]
    assert records
    assert SECRET not in repr(records)
    (seen,) = (record for record in records if record.url.url.endswith("/page"))
    hrefs = {one.raw_href: one.target.url for one in seen.links if "***" in one.raw_href}
    assert hrefs == {
        f"{filled.site.replace('://', '://***@')}s": f"{filled.site}s",
        "//***@t.example/": "http://t.example/",
    }
    assert [one.raw_href for one in seen.skipped] == ["ftp://***@f.example/", "https://***@g.example/"]
    assert seen.base == f"{filled.site}b/"
    assert seen.canonical == f"{filled.site}canon"
    assert [one.target.url for one in seen.links if one.raw_href == "relative"] == [f"{filled.site}b/relative"]
    assert [one.target.url for one in seen.links if one.anchor.text == "six"] == [f"{filled.site}t?token=stays"]


def test_every_answer_on_a_pipe(filled: Filled) -> None:
    commands = [[*one, "--format", form] for one in questions(filled) for form in FORMATS]
    commands += [[*one, "--format", "csv", "--raw-cells"] for one in questions(filled)[::4] if one[0] != "db"]
    commands += [["db", "export", "--canonical", "--db", filled.db]]
    answers = asked(filled, commands)
    assert len(answers) == len(commands)
    for words, (status, out, err) in zip(commands, answers, strict=True):
        assert status == 0, (words, err)
        form = words[words.index("--format") + 1] if "--format" in words else "jsonl"
        assert_harmless(err)
        if form == "csv":
            assert SECRET not in out
            if "--raw-cells" not in words:
                cells = {cell for row in csv.reader(io.StringIO(out, newline="")) for cell in row}
                assert not {cell for cell in cells if cell[:1] in set("=+@\t\r\n＝＋－＠")}
                assert not {cell for cell in cells if cell[:1] == "-" and not cell[1:].replace(".", "").isdigit()}
        else:
            assert_harmless(out, allowed="\n\t" if form == "tsv" else "\n")
        if form == "json":
            assert json.loads(out) is not None


def test_a_value_is_the_same_in_every_format(filled: Filled) -> None:
    words = ["anchors", "list", "--db", filled.db, "--limit", "none", "--fields", "anchor", "--format"]
    from cli.cells import tsv_unescape, unguard

    (_, as_json, _), (_, as_tsv, _), (_, as_csv, _) = asked(
        filled, [[*words, form] for form in ("jsonl", "tsv", "csv")]
    )
    said = [json.loads(line)["anchor"] for line in as_json.splitlines() if line]
    assert {*NASTY[:16], "\ufffdnul"} <= set(said)
    assert [tsv_unescape(line) for line in as_tsv.strip("\n").split("\n")[1:]] == said
    assert [unguard(row[0]) for row in csv.reader(io.StringIO(as_csv.rstrip("\n"), newline=""))][1:] == said


def test_every_answer_on_a_terminal(filled: Filled) -> None:
    commands = [[*one, "--format", form] for one in questions(filled) for form in FORMATS if form != "jsonl"]
    commands += [["db", "export", "--canonical", "--db", filled.db]]
    for words, (status, shown, _) in zip(commands, asked(filled, commands, terminal=True), strict=True):
        assert status == 0, (words, shown)
        assert_harmless(shown, allowed="\n\t" if "tsv" in words else "\n")


def test_every_answer_where_only_ascii_can_be_written(filled: Filled) -> None:
    commands = [[*one, "--format", form] for one in questions(filled) for form in ("table", "json")]
    commands += [[*one, "--format", "csv"] for one in questions(filled)[::5]]
    plain = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words, (status, out, err) in zip(commands, asked(filled, commands, **plain), strict=True):
        assert status == 0, (words, err)
        assert out.isascii()
        if "csv" not in words:
            assert_harmless(out)


def test_errors_repeat_nothing_raw(filled: Filled) -> None:
    commands = mistakes(filled)
    for terminal in (False, True):
        for words, (status, out, err) in zip(commands, asked(filled, commands, terminal=terminal), strict=True):
            assert status in (1, 2), (words, out, err)
            assert_harmless(out + err)


def test_extract_shows_nothing_raw(filled: Filled) -> None:
    body = hostile_page("https://shop.example/").encode()
    (filled.folder / "page.html").write_bytes(body)
    ((status, out, _),) = asked(filled, [["extract", "page.html", "--url", "https://shop.example/"]])
    assert status == 0
    assert_harmless(out)
    said = [json.loads(line) for line in out.splitlines() if line]
    assert [one["anchor"] for one in said if one["kind"] == "link"][: len(NASTY)] == [*NASTY]


def test_progress() -> None:
    from cli.crawl_progress import progress_line
    from crawler.progress import Progress

    told: Any = Progress(10, 5, 4, 3, ((f"failed {NASTY[0]}{NASTY[6]}", 1),), 1.0, 2.0, 3.0)
    assert_harmless(progress_line(told), allowed="")


def test_a_log_record_is_one_record() -> None:
    from crawler.logs import EscapingFormatter

    words = f"gone\n2026-11-22 ERROR forged \x1b[2J\u202e https://u:{SECRET}@a.example/\r"
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "cannot read %s", (words,), None)
    written = EscapingFormatter(logging.Formatter("%(levelname)s %(message)s")).format(record)
    assert written == ("INFO cannot read gone\n  2026-11-22 ERROR forged \\x1b[2J\\u202e https://***@a.example/\\r")
