"""`linkledger extract`: the JSON lines, their keys, and what a wrong call says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

URL = "https://forum.example.com/threads/118"
LINK_KEYS = [
    "kind", "ordinal", "element", "raw_href", "target", "fragment", "anchor", "anchor_source", "text", "alts",
    "aria_label", "title", "svg_title", "has_image", "hidden", "rel", "followed", "follow_cause",
    "placement", "placement_rule", "path",
    "before", "after", "internal",
]  # fmt: skip
PAGE_KEYS = [
    "kind", "url", "base", "title", "h1", "canonical", "robots", "indexable", "nofollow", "lang", "charset",
    "charset_source", "links", "skipped",
]  # fmt: skip


def extract(*arguments: str, body: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "from cli.main import main; main()", "extract", *arguments]
    return subprocess.run(command, input=body, capture_output=True, check=False)


def entries(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode("utf-8").split("\n")
    assert lines.pop() == ""
    return [json.loads(line) for line in lines]


def test_links_skipped_and_page_in_order(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_bytes('<a href="#ü">é</a><a href="tel:1">t</a><a rel=ugc href=/x>x</a>'.encode())
    found = entries(extract(str(page), "--url", URL, "--content-type", 'text/html; charset="utf-8"'))
    assert [entry["kind"] for entry in found] == ["link", "skipped", "link", "page"]
    assert list(found[0]) == LINK_KEYS
    assert list(found[1].values()) == ["skipped", 1, "tel:1", "not_http"]
    assert [key for key in found[3] if key in PAGE_KEYS] == PAGE_KEYS
    assert found[0]["fragment"] == "%C3%BC"
    assert found[0]["anchor"] == "é"
    assert (found[2]["followed"], found[2]["follow_cause"]) == (False, ["rel"])
    assert (found[3]["links"], found[3]["skipped"]) == (2, 1)
    assert (found[3]["charset"], found[3]["charset_source"]) == ("utf-8", "header")


def test_standard_input_and_headers() -> None:
    headers = ["--header", "X-Robots-Tag: nofollow", "--header", "Link: </c>; rel=canonical"]
    for file in ([], ["-"]):
        found = entries(extract(*file, "--url", URL, *headers, body=b"<a href=/x>x</a>"))
        assert found[0]["follow_cause"] == ["x_robots_tag"]
        assert found[1]["canonical"] == "https://forum.example.com/c"
        assert found[1]["indexable"] is False


def test_content_type_may_come_as_a_header() -> None:
    found = entries(extract("--url", URL, "--header", "Content-Type: text/html; charset=windows-1251", body=b"\xdf"))
    assert found[0]["charset"] == "windows-1251"


def test_judge_as() -> None:
    body = b"<meta name=bingbot content=nofollow><a href=/x>x</a>"
    assert entries(extract("--url", URL, body=body))[0]["followed"] is True
    assert entries(extract("--url", URL, "--judge-as", "bingbot", body=body))[0]["followed"] is False


def test_the_same_bytes_give_the_same_bytes() -> None:
    body = b"<title>\xff</title>" + b"<a href=/x rel='a b'>x<img alt=y></a>" * 5
    first, second = (extract("--url", URL, body=body) for _ in range(2))
    assert first.stdout == second.stdout != b""


def test_an_empty_page() -> None:
    assert [entry["kind"] for entry in entries(extract("--url", URL))] == ["page"]


WRONG = [  # id, arguments, exit status, words on standard error
    ("no_url", ["-"], 2, "--url"),
    ("relative_url", ["--url", "page.html"], 1, "'page.html' is not an absolute http or https URL"),
    ("other_scheme", ["--url", "ftp://a.example/"], 1, "not an absolute http or https URL"),
    ("no_such_file", ["no-such-file.html", "--url", URL], 1, "cannot read no-such-file.html"),
    ("folder", [".", "--url", URL], 1, "cannot read ."),
    ("no_header", ["--url", URL, "--header", "nofollow"], 2, "'nofollow' is no header"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), [pytest.param(*row[1:], id=row[0]) for row in WRONG])
def test_wrong_calls(arguments: list[str], status: int, words: str) -> None:
    done = extract(*arguments)
    assert done.returncode == status
    assert words in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_scrapy_is_not_imported() -> None:
    code = (
        "import io, sys\nsys.argv = ['linkledger', 'extract', '--url', 'https://a.example/']\n"
        "sys.stdin = io.TextIOWrapper(io.BytesIO(b'<a href=x>'))\nfrom cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\nprint([m for m in ('scrapy', 'alembic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().split("\n")[-2] == "[]"
