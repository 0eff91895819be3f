"""The demonstration: the real crawler and the real commands, the same text at every run."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from cli.demo import COMMANDS
from cli.demo_site import pages, prospects, serving

ROOT = Path(__file__).resolve().parent.parent


def demo(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", "demo", *arguments],
        cwd=cwd,
        env={**os.environ, **more},
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )


def heed_interrupts() -> None:
    """A shell lets what it runs in the background ignore Ctrl-C, and that is inherited by the tests' children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_the_same_text_at_every_run(tmp_path: Path) -> None:
    """Also in a folder with settings of its own, and with proxies in the environment."""
    (tmp_path / "linkledger.toml").write_text('db = "sqlite:///mine.db"\ndelay = 60\n')
    first = demo(cwd=tmp_path)
    second = demo(
        cwd=tmp_path, COLUMNS="200", http_proxy="http://127.0.0.1:9", no_proxy="*", LINKLEDGER_DB="sqlite:///mine.db"
    )
    assert (first.returncode, first.stderr) == (0, "")
    assert second.stdout == first.stdout
    for command in COMMANDS:
        assert f"\n$ {command}\n" in first.stdout
    assert max(map(len, first.stdout.splitlines())) <= 110
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linkledger.toml"]


def test_its_ledger_can_be_kept(tmp_path: Path) -> None:
    done = demo("--db", "sqlite:///kept.db", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "kept.db").exists()
    shown = subprocess.run(
        [
            sys.executable, "-c", "from cli.main import main; main()",
            *COMMANDS[1].split()[1:], "--db", "sqlite:///kept.db", "--format", "table",
        ],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )  # fmt: skip
    assert shown.stdout in done.stdout


def test_pages_are_served_as_a_proxy() -> None:
    with serving() as proxy:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
        for url, (_, body) in pages().items():
            with opener.open(url) as response:
                assert (response.status, response.read()) == (200, body)
        with opener.open("http://weekendplots.example/roundup") as response:
            assert response.url == "http://weekendplots.example/roundup-2026"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            opener.open("http://nowhere.example/../../etc/passwd")


def test_an_unchanged_page_is_said_to_be_so() -> None:
    page = "http://gardennotes.example/best-pruning-shears"
    with serving() as first, serving(week=2) as second:
        (this_week, next_week) = (
            urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy})) for proxy in (first, second)
        )
        asked = urllib.request.Request(page, headers={"If-None-Match": this_week.open(page).headers["ETag"]})
        with pytest.raises(urllib.error.HTTPError, match="304"):
            this_week.open(asked)
        assert next_week.open(asked).status == 200


def test_the_pages_show_what_prospect_pages_have() -> None:
    """A demonstration without these would show an easy world."""
    everything = b"".join(body for _, body in pages().values())
    for sign in (
        b'rel="nofollow"', b'rel="sponsored"', b'rel="ugc nofollow"', b"alt=", b"<footer", b"<nav", b"utm_source",
        b'content="noindex, nofollow"', b"mailto:", b"Disallow: /partners",
    ):  # fmt: skip
        assert sign in everything, sign
    assert prospects().count("\n") == 12


def test_serving_until_interrupted(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from cli.main import main; main()", "demo", "--serve", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=heed_interrupts,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        proxy = lines[2].split("=")[1].strip()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
        assert opener.open("http://gardennotes.example/tool-care").status == 200
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = demo("--serve", "--port", port, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"linkledger: cannot listen on port {port}: ")


def test_the_same_after_a_plain_install(tmp_path: Path) -> None:
    """The wheel holds the pages, the migrations and all other data: built, unpacked elsewhere, and run."""
    clone, site, elsewhere = tmp_path / "clone", tmp_path / "site", tmp_path / "elsewhere"
    for package in ("audit", "cli", "crawler", "storage"):
        shutil.copytree(ROOT / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone / name)
    built = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])",
            site,
        ],
        cwd=clone,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = site.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    elsewhere.mkdir()
    path = str(site)
    where = subprocess.run(
        [
            sys.executable,
            "-c",
            "import audit, cli, crawler, storage; print(*(one.__file__ for one in (audit, cli, crawler, storage)))",
        ],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert where.stdout.count(path) == 4
    assert (site / "audit" / "data" / "words" / "en.toml").is_file()
    installed = demo(cwd=elsewhere, PYTHONPATH=path)
    assert (installed.returncode, installed.stderr) == (0, "")
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"$ linkledger demo\n{installed.stdout}" in readme
