"""``linkledger audit links`` from a shell line to its answer."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from asking import ask, ask_json
from test_link_audit import PAGES, drop_anchors, ledger, scaled

from cli.link_screen import ROW
from storage.engine import open_ledger

PROFILE = """\
profile = 1
target = "shop.example"
brands = ["Shop"]
keywords = ["running shoes"]
languages = ["en"]
"""


@pytest.fixture
def asked(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A ledger without anchor tables, and the options that name it."""
    monkeypatch.chdir(tmp_path)  # where nobody keeps profiles
    ledger(database, PAGES)
    drop_anchors(database)
    file = tmp_path / "shop.toml"
    file.write_text(PROFILE, "utf-8")
    return ["audit", "links", "shop.example", "--db", database, "--profile", str(file)]


def test_answers_without_anchor_tables(asked: list[str]) -> None:
    told = ask_json(*asked)
    assert (told["links"], told["referring_domains"], told["followed"]) == (3, 3, 2)
    assert told["bands"] == {"high": 1, "some": 0, "low": 1, "unknown": 1}
    assert told["why_unknown"] == {"the page is in de, the target in en": 1}
    assert told["topics"] == {"gambling": 1, "vpn": 1}
    assert told["about"]["rules_version"] >= 1
    assert (told["about"]["drafted"], len(told["about"]["profile"])) == (False, 12)
    assert [(one["domain"], one["band"], one["topics"]) for one in told["domains"]] == [
        ("garden.example", "low", {}),
        ("kochen.example", "unknown", {}),
        ("runner.example", "high", {"gambling": 1, "vpn": 1}),
    ]
    assert list(told["domains"][0]) == list(ROW)


def test_formats_and_limits(asked: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(*asked, "--format", "csv").stdout)))
    assert [row["domain"] for row in rows] == ["garden.example", "kochen.example", "runner.example"]
    assert tuple(rows[0]) == ROW
    lines = ask(*asked, "--format", "jsonl", "--fields", "domain,links", "--limit", "2").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"domain": "garden.example", "links": 1},
        {"domain": "kochen.example", "links": 1},
    ]
    assert ask_json(*asked, "--judge", "1")["judged"] == 1
    assert ask_json(*asked, "--judge", "all", "--limit", "1")["judged"] == 3
    assert ask_json(*asked, "--not-followed")["links"] == 1


def test_first_screen(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with open_ledger(asked[4], write=True) as conn:
        scaled(conn, "import", {"kochen.example": 90.0, "runner.example": 7.5})
    shown = ask(*asked, "--format", "table").stdout
    lines = [line for line in shown.splitlines() if ".toml)" not in line]  # a path is as long as it is
    assert max(map(len, lines)) <= 80
    assert shown.startswith("domain shop.example: 3 links; 3 referring domains; 66.7% followed\n")
    table = shown[: shown.index("\n\n")].splitlines()
    assert [line.split()[:3] for line in table[-3:]] == [
        ["kochen.example", "90", "unknown"],
        ["runner.example", "7.5", "high"],
        ["garden.example", "low", "1"],
    ]
    for said in (
        "not followed by rel=nofollow 1", "main 2 (66.7%)", "sitewide: none", "high 1, low 1, unknown 1",
        "gambling 1, vpn 1", "Acme rating (2026-11-01)", "too little data for a verdict", "rules version",
    ):  # fmt: skip
        assert said in " ".join(shown.split()), said


WRONG = [  # id, arguments, what is said
    ("no_target", ["audit", "links"], "TARGET"),
    ("judge_what", ["audit", "links", "shop.example", "--judge", "some"], "neither a number nor"),
    ("judge_negative", ["audit", "links", "shop.example", "--judge", "-1"], "neither a number nor"),
]


@pytest.mark.parametrize(("arguments", "said"), [pytest.param(*row[1:], id=row[0]) for row in WRONG])
def test_wrong_usage(arguments: list[str], said: str) -> None:
    result = ask(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_figure_nobody_gave(asked: list[str]) -> None:
    result = ask(*asked, "--figure", "Domain rating")
    assert result.exit_code == 1
    assert "Domain rating" in result.stderr


def test_a_target_never_seen(asked: list[str]) -> None:
    result = ask("audit", "links", "never.example", "--db", asked[4], "--format", "table")
    assert result.exit_code == 0
    assert "never seen" in result.stdout
    assert "only drafted" in " ".join(result.stdout.split())
