"""The example of docs/weekly.md, and what the README shows of it, are what ``linkledger demo --weeks 3`` prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.demo import COMMANDS, LATER
from cli.demo_site import WEEKS, pages, redirects

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^<!-- demo -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?")


def told(part: str) -> tuple[str, list[str]]:
    """A command and the lines it says, without what differs from run to run: dates, and which page came first."""
    command, _, said = part.partition("\n")
    return command, sorted(DATE.sub("DATE", said).splitlines())


def blocks(name: str) -> list[tuple[str, list[str]]]:
    return [told(part) for part in BLOCK.findall((ROOT / name).read_text("utf-8"))]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, list[str]]]:
    """Each command of the demonstration with what it said, in order."""
    done = subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", "demo", "--weeks", str(WEEKS)],
        cwd=tmp_path_factory.mktemp("weeks"),
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=180,
    )
    assert (done.returncode, done.stderr) == (0, "")
    parts = re.split(r"\n(?=\$ )|\n(?=[A-Z][^\n]*\.\n)", done.stdout)
    return [told(part.removesuffix("\n")) for part in parts if part.startswith("$ ")]


def test_the_weekly_example(shown: list[tuple[str, list[str]]]) -> None:
    """The crawl of week 1, and everything after the questions of week 1."""
    assert blocks("docs/weekly.md") == [shown[0], *shown[len(COMMANDS) :]]


def test_the_readme_shows_some_of_it(shown: list[tuple[str, list[str]]]) -> None:
    picked = blocks("README.md")
    assert picked
    assert [one for one in picked if one not in shown] == []


def test_every_week_is_told(shown: list[tuple[str, list[str]]]) -> None:
    commands = [*COMMANDS, *(command for _, of_week in LATER.values() for command in of_week)]
    assert [command.removeprefix("$ ") for command, _ in shown] == commands
    assert set(LATER) == set(range(2, WEEKS + 1))


def test_the_sites_change_in_each_way_once() -> None:
    first, second, third = (pages(week) for week in (1, 2, 3))
    assert set(first) - set(second) == {"http://toolpress.example/acme-launch"}
    assert [url for url in second if second[url] != first[url]] == [
        "http://gardennotes.example/best-pruning-shears",
        "http://seedswap.example/forum/118",
    ]
    assert third["http://seedswap.example/forum/118"] == first["http://seedswap.example/forum/118"]
    assert redirects(3).keys() - redirects(2).keys() == {"http://cityfarmers.example/resources"}
    assert redirects(3)["http://cityfarmers.example/resources"] in third
