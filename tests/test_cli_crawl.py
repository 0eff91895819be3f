"""``linkledger crawl`` and ``linkledger crawls`` as a user meets them: output, exit status, broken lists."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from local_site import Page, Site, environment, html, redirect
from sqlalchemy.engine import make_url

from cli.crawl import _tell
from crawler.begin import Loaded
from crawler.plan import CrawlPlan

COMMAND = [sys.executable, "-c", "from cli.main import main; main()"]
ROOT = Path(__file__).resolve().parent.parent

# One cell for each way in which a row can be broken.
BROKEN = [
    "", "   ", "not a page", "http://", "https://", "http://[::1/path", "http://[::1", "http://a b.example/",
    "ftp://files.example/x", "mailto:someone@example.com", "javascript:alert(1)", "file:///etc/passwd", "tel:+4912345",
    "http://host:99999/", "http://host:port/", "#", "?", "/relative/path", "../up", "http://exa<mple.com/",
    "http://example.com:80:80/", "data:text/html,x", "about:blank", "www", "..", "http://%zz/", "http://..example/",
    "someone@example.com", "-", "n/a",
]  # fmt: skip


def run(
    *words: str, cwd: Path, status: int = 0, stdin: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command; its exit status must be as expected, and it must never show a traceback."""
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=cwd,
        env=environment() | {"PYTHONPATH": str(ROOT)} | env,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def answer(*words: str, cwd: Path, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--format", "json", cwd=cwd, **more).stdout)
    return found


@pytest.mark.proof
def test_a_list_with_fifty_broken_rows_in_its_middle(site: Site, one_database: str, tmp_path: Path) -> None:
    good = [site.url(f"/{n}", f"127.0.0.{2 + n % 40}") for n in range(950)]
    site.routes |= {f"/{n}": Page(html("/x", "http://target.example/")) for n in range(950)}
    broken = [BROKEN[n % len(BROKEN)] or f" \t{n}" for n in range(50)]
    cells = good[:475] + [f'"{cell}"' for cell in broken] + good[475:]
    (tmp_path / "list.csv").write_text("name,url\n" + "".join(f"row {n},{cell}\n" for n, cell in enumerate(cells, 2)))
    done = run(
        "crawl", "list.csv", "--list", "spring", "--delay", "0", "--strict", "--min-fetched", "100", "--format", "json",
        "--db", one_database, cwd=tmp_path, status=3,
    )  # fmt: skip
    facts = json.loads(done.stdout)
    assert (facts["rows_read"], facts["rows_accepted"], facts["rows_duplicate"], facts["rows_rejected"]) == (
        1000,
        950,
        0,
        50,
    )
    assert (facts["asked"], facts["fetched"], facts["pages"], facts["links"]) == (950, 950, 950, 1900)
    assert facts["asked"] == sum(
        facts[state]
        for state in ("fetched", "partial", "suspect", "blocked", "refused", "failed", "skipped", "pending")
    )
    assert "50 rows rejected, and --strict was given" in done.stderr
    assert "list.csv:477: " in done.stderr
    named = answer("crawls", "show", "last", "--rejected", "--db", one_database, cwd=tmp_path)
    assert [row["line"] for row in named["rejected"]] == list(range(477, 527))
    assert all(row["reason"] and row["file"] == "list.csv" for row in named["rejected"])
    # The kept list again: only good rows are in it, so --strict is content.
    again = answer("crawl", "--list", "spring", "--delay", "0", "--strict", "--db", one_database, cwd=tmp_path)
    assert (again["rows_read"], again["fetched"]) == (950, 950)


def test_min_fetched(site: Site, tmp_path: Path) -> None:
    site.routes["/a"] = Page(html())
    seeds = (site.url("/a"), site.url("/b"))
    run("crawl", *seeds, "--delay", "0", "--min-fetched", "50", cwd=tmp_path)
    done = run("crawl", *seeds, "--delay", "0", "--min-fetched", "51", cwd=tmp_path, status=3)
    assert "50.0 % fetched, less than --min-fetched 51" in done.stderr


def test_dry_run_fetches_and_makes_nothing(site: Site, tmp_path: Path) -> None:
    rows = ["shop.com", "https://shop.com/a", "https://shop.com/a", "blog.com", "no page"]
    (tmp_path / "list.txt").write_text("\n".join(rows) + "\n")
    found = answer("crawl", "list.txt", "--list", "spring", "--dry-run", "--delay", "2", cwd=tmp_path)
    expected = {
        "rows_read": 5, "rows_accepted": 3, "rows_duplicate": 1, "rows_rejected": 1, "bare_domains": 2, "pages": 3,
        "domains": 2, "largest_operator": "shop.com", "largest_operator_pages": 2, "least_seconds": 2.0,
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]
    run("crawl", "list.txt", "--dry-run", "--strict", cwd=tmp_path, status=3)
    assert site.log == []


@pytest.mark.proof
def test_dry_run_of_a_kept_list_and_of_a_retry(site: Site, one_database: str, tmp_path: Path) -> None:
    rows = [site.url("/a"), site.url("/b"), site.url("/a"), "127.0.0.7:1"]
    (tmp_path / "list.txt").write_text("\n".join(rows))
    run("crawl", "list.txt", "--list", "spring", "--delay", "0", "--timeout", "2", "--db", one_database, cwd=tmp_path)
    asked = len(site.log)
    found = answer("crawl", "--list", "spring", "--dry-run", "--db", one_database, cwd=tmp_path)
    assert [found[key] for key in ("rows_read", "pages", "rows_duplicate", "bare_domains")] == [4, 3, 1, 1]
    again = answer("crawl", "--retry-failed", "last", "--dry-run", "--db", one_database, cwd=tmp_path)
    assert again["pages"] == 3
    assert len(site.log) == asked


def test_seeds_from_standard_input(site: Site, tmp_path: Path) -> None:
    site.routes["/a"] = Page(html())
    facts = answer("crawl", "-", "--delay", "0", cwd=tmp_path, stdin=site.url("/a") + "\n")
    assert facts["fetched"] == 1


@pytest.mark.proof
def test_outcomes_with_remedies_and_retry(site: Site, one_database: str, tmp_path: Path) -> None:
    site.routes |= {
        "/ok": Page(html("/x")),
        "/moved": redirect("/ok"),
        "/busy": Page("", status=503),
        "/pdf": Page(content_type="application/pdf"),
    }
    site.robots = b"User-agent: *\nDisallow: /private"
    seeds = [site.url(path) for path in ("/ok", "/moved", "/busy", "/pdf", "/private/x", "/gone")]
    run("crawl", *seeds, "--delay", "0", "--db", one_database, cwd=tmp_path)
    found = answer("crawls", "urls", "last", "--outcome", "failed,blocked", "--db", one_database, cwd=tmp_path)
    rows = {row["url"].removeprefix(site.url("")): row for row in found["urls"]}
    assert set(rows) == {"/busy", "/private/x", "/gone"}
    assert rows["/private/x"]["reason"] == "robots:disallow /private (line 2)"
    assert rows["/gone"]["status"] == 404
    assert all(row["remedy"] for row in rows.values())
    assert len({row["remedy"] for row in rows.values()}) == 3
    everything = answer("crawls", "urls", "--db", one_database, cwd=tmp_path)
    assert everything["total"] == len(seeds) == len(everything["urls"])
    moved = next(row for row in everything["urls"] if row["url"].endswith("/moved"))
    assert (moved["redirects"], moved["final"]) == ([[site.url("/moved"), 301]], site.url("/ok"))
    site.routes["/busy"] = Page(html("/x"))
    again = answer("crawl", "--retry-failed", "last", "--delay", "0", "--db", one_database, cwd=tmp_path)
    assert (again["crawl"], again["asked"], again["fetched"], again["failed"]) == (2, 2, 1, 1)
    listed = answer("crawls", "list", "--db", one_database, cwd=tmp_path)
    assert [crawl["crawl"] for crawl in listed["crawls"]] == [2, 1]
    shown = answer("crawls", "show", "1", "--db", one_database, cwd=tmp_path)
    assert shown["plan"]["seeds"] == seeds
    assert sum(problem["urls"] for problem in shown["problems"]) == 4


USAGE = [  # id, words, part of the message
    ("nothing_to_crawl", ["crawl"], "nothing to crawl"),
    ("follow_without_depth", ["crawl", "a.example", "--follow", "host"], "--depth"),
    ("unknown_follow", ["crawl", "a.example", "--depth", "1", "--follow", "some"], "'some'"),
    ("bad_pattern", ["crawl", "a.example", "--depth", "1", "--include", "("], "regular expression"),
    ("negative_delay", ["crawl", "a.example", "--delay", "-1"], "--delay"),
    ("no_page_at_all", ["crawl", "a.example", "--max-pages", "0"], "--max-pages"),
    ("a_list_name_beyond_an_index", ["crawl", "a.example", "--list", "x" * 201], "up to 200 characters"),
    ("a_contact_that_adds_a_header", ["crawl", "a.example", "--contact", "x\r\nCookie: y"], "--contact"),
    ("retry_and_seeds", ["crawl", "a.example", "--retry-failed", "last"], ""),
    ("unknown_outcome", ["crawls", "urls", "--outcome", "fetched,lost"], "'lost'"),
]


@pytest.mark.parametrize(("words", "message"), [pytest.param(*row[1:], id=row[0]) for row in USAGE])
def test_usage_errors_make_no_ledger(words: list[str], message: str, tmp_path: Path) -> None:
    status = 1 if "last" in words else 2
    done = run(*words, cwd=tmp_path, status=status)
    assert message in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


ERRORS = [  # id, files, words, part of the message
    ("missing_file", {}, ["crawl", "missing.csv"], "missing.csv"),
    ("empty_file", {"empty.txt": ""}, ["crawl", "empty.txt"], "empty.txt is empty"),
    ("no_good_row", {"bad.txt": "not a page\nftp://x.example/\n"}, ["crawl", "bad.txt"], "none of the 2 rows"),
    ("two_columns", {"t.csv": "page_a,page_b\nhttp://a.example/,http://b.example/\n"}, ["crawl", "t.csv"], "--column"),
    ("no_ledger_for_a_list", {}, ["crawl", "--list", "spring"], "no ledger"),
    ("no_ledger_for_a_retry", {}, ["crawl", "--retry-failed", "last"], "no ledger"),
    ("no_ledger_for_a_question", {}, ["crawls", "list"], "no ledger"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "words", "message"), [pytest.param(*row[1:], id=row[0]) for row in ERRORS])
def test_errors_are_one_line_and_make_no_ledger(
    files: dict[str, str], words: list[str], message: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = run(*words, cwd=tmp_path, status=1)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_unknown_list_and_crawl(site: Site, tmp_path: Path) -> None:
    site.routes["/a"] = Page(html())
    run("crawl", site.url("/a"), "--list", "spring", "--delay", "0", cwd=tmp_path)
    assert "known: spring" in run("crawl", "--list", "autumn", cwd=tmp_path, status=1).stderr
    assert "no crawl named '7'" in run("crawls", "show", "7", cwd=tmp_path, status=1).stderr
    assert "partial, suspect or pending" in run("crawl", "--retry-failed", "last", cwd=tmp_path, status=1).stderr


def test_ctrl_c_ends_with_130_and_keeps_what_is_pending(site: Site, tmp_path: Path) -> None:
    site.routes |= {f"/{n}": Page(html("/x"), wait=0.1) for n in range(60)}
    words = ["crawl", *(site.url(f"/{n}") for n in range(60)), "--delay", "0", "--format", "json"]
    child = subprocess.Popen(
        [*COMMAND, *words], cwd=tmp_path, env=environment() | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len(site.log) < 8:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130, err
    facts = json.loads(out)
    assert facts["state"] == "interrupted"
    assert facts["fetched"] + facts["pending"] == facts["asked"] == 60
    assert facts["pending"] > 0
    assert f"{facts['pending']} URLs are still pending" in err
    again = answer("crawl", "--retry-failed", "last", "--delay", "0", cwd=tmp_path)
    assert (again["asked"], again["fetched"]) == (facts["pending"], facts["pending"]), "what was not asked is asked"


def test_the_kept_plan_holds_no_password(site: Site, tmp_path: Path, postgres_url: str) -> None:
    """The kept plan is shown to everyone who shares the ledger."""
    secret = make_url(postgres_url).set(password="hunter2").render_as_string(hide_password=False)
    site.routes["/a"] = Page(html("/x"))
    answer("crawl", site.url("/a"), "--delay", "0", "--db", secret, cwd=tmp_path)
    shown = run("crawls", "show", "last", "--db", secret, "--format", "json", cwd=tmp_path).stdout
    assert '"delay": 0' in shown
    assert "hunter2" not in shown


def test_progress_is_plain_in_a_pipe_and_the_answer_is_alone_on_stdout(site: Site, tmp_path: Path) -> None:
    site.routes |= {"/a": Page(html("/x")), "/moved": redirect("/a")}
    urls = (site.url("/a"), site.url("/moved"), site.url("/b"))
    done = run("crawl", *urls, "--delay", "0", "--format", "jsonl", cwd=tmp_path)
    (line,) = done.stdout.splitlines()
    assert [json.loads(line)[name] for name in ("fetched", "pages", "links")] == [2, 1, 1]
    assert "3 of 3 URLs, 1 pages, 1 links, 1 failed http:404" in done.stderr, "a page that two URLs lead to is one"
    assert "\x1b" not in done.stderr


def test_progress_is_a_live_line_on_a_terminal(site: Site, tmp_path: Path) -> None:
    site.routes |= {f"/{n}": Page(html("/x"), wait=0.4) for n in range(4)}
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, "crawl", *(site.url(f"/{n}") for n in range(4)), "--delay", "0", "--format", "json"], cwd=tmp_path,
        env=environment() | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    assert child.wait(30) == 0
    os.close(ours)
    assert b"of 4 URLs" in shown
    assert b"\x1b[" in shown


def test_limits_are_printed_when_links_are_followed(site: Site, tmp_path: Path) -> None:
    site.routes |= {"/": Page(html("/a")), "/a": Page(html())}
    done = run("crawl", site.url(), "--depth", "1", "--delay", "0", "--format", "json", cwd=tmp_path)
    limits = "at most 10,000 pages, 1,000 of one host and 500 that differ in their query only"
    assert f"following host links to depth 1; {limits}" in done.stderr
    assert done.stderr.count("nobody to ask") == 1
    assert json.loads(done.stdout)["asked"] == 2


MANNERS = [  # id, options of the plan, what is said on standard error
    ("nobody_to_ask", {}, ["nobody to ask; --contact URL|EMAIL names you, as does contact in linkledger.toml"]),
    ("a_contact", {"contact": "ann@example.com"}, []),
    ("another_user_agent", {"user_agent": "AcmeBot/2"}, []),
    ("fast", {"contact": "a@b.example", "delay": 0.2}, ["--delay 0.2 is hard on small sites"]),
    ("half_a_second", {"contact": "a@b.example", "delay": 0.5}, []),
]


@pytest.mark.parametrize(("options", "said"), [pytest.param(*row[1:], id=row[0]) for row in MANNERS])
def test_what_site_owners_may_mind_is_said(
    options: dict[str, Any], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = Loaded(crawl_id=1, read=1, accepted=1, duplicates=0, rejected=0, skipped=0)
    _tell(CrawlPlan(seeds=("a.example",), **options), loaded)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(said)
    assert all(words in line for words, line in zip(said, lines, strict=True))


def test_settings_file_and_environment(site: Site, tmp_path: Path) -> None:
    site.routes["/a"] = Page(html())
    (tmp_path / "linkledger.toml").write_text('contact = "https://us.example/"\ndelay = 0\ndb = "sqlite:///own.db"\n')
    done = run("crawl", site.url("/a"), cwd=tmp_path)
    assert site.log[-1].headers["User-Agent"].endswith("(+https://us.example/)")
    assert "nobody to ask" not in done.stderr
    assert (tmp_path / "own.db").exists()
    run("crawl", site.url("/a"), cwd=tmp_path, LINKLEDGER_DB="sqlite:///other.db")
    assert (tmp_path / "other.db").exists()
