"""``linkledger audit anchors``: its screen, its keys, what it explains; the same bytes from both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from asking import ask, ask_json
from sample import T0, Sample, SampleLink, SamplePage, fill, new_ledger

from audit.anchor_class import CLASSES
from cli.anchor_screen import ROW
from storage.engine import open_ledger

LINKS = [
    *(SampleLink(f"https://s{number}.example/", "https://acme.com/", "Acme") for number in range(24)),
    *(SampleLink(f"https://s{number}.example/", "https://acme.com/shoes", "running shoes") for number in range(20, 30)),
    *(SampleLink(f"https://foot.example/{number}", "https://acme.com/", "Acme shoes") for number in range(12)),
    SampleLink("https://s1.example/", "https://acme.com/x", "", anchor_source="none", placement="footer"),
    *(SampleLink(f"https://r{number}.example/", "https://rival.com/", "Rival") for number in range(18)),
    *(SampleLink(f"https://r{number}.example/", "https://rival.com/", "running shoes") for number in (18, 19)),
]
PROFILE = """profile = 1
target = "acme.com"
brands = ["Acme"]
keywords = ["running shoes"]
languages = ["en"]
competitors = ["rival.com", "unseen.com"]
"""


@pytest.fixture
def ledger(one_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return prepared(one_database, tmp_path, monkeypatch)


def prepared(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger with the links, and a folder with the profile."""
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, Sample(LINKS, {"https://s1.example/": SamplePage(last_ok=T0)}))
    kept = tmp_path / "profiles"
    kept.mkdir(exist_ok=True)
    (kept / "acme.com.toml").write_text(PROFILE, "utf-8")
    monkeypatch.setenv("LINKLEDGER_DB", database)
    monkeypatch.setenv("LINKLEDGER_PROFILES", str(kept))
    monkeypatch.setenv("COLUMNS", "80")
    return database


def test_both_databases_give_the_same_bytes(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for database in (f"sqlite:///{tmp_path / 'ledger.db'}", postgres_url):
        prepared(database, tmp_path, monkeypatch)
        told.append(
            [
                ask("audit", "anchors", "acme.com", *more).stdout
                for more in (
                    ("--format", "json"),
                    ("--format", "json", "--by", "rel"),
                    ("--format", "json", "--placement", "main", "--by", "target"),
                    ("--format", "tsv"),
                )
            ]
        )
    assert "branded" in told[0][0]
    assert told[0] == told[1]


def test_keys(ledger: str) -> None:
    answer = ask_json("audit", "anchors", "acme.com", "--by", "placement")
    rows = answer["classes"]
    assert [row["class"] for row in rows] == list(CLASSES)
    assert all(tuple(row) == ROW for row in rows)
    assert sum(row["share_domains_split"] for row in rows) == pytest.approx(1)
    assert (answer["links"], answer["referring_domains"], answer["distinct_anchors"]) == (47, 31, 4)
    assert answer["about"]["drafted"] is False
    assert len(answer["about"]["profile"]) == 12
    exact = rows[CLASSES.index("exact")]
    assert (exact["domains"], exact["links"], exact["share_median"]) == (10, 10, 0.1)
    assert exact["share_domains_split"] == pytest.approx((6 + 4 / 2) / 31)
    assert answer["sitewide"] == [
        {
            "domain": "foot.example",
            "anchor": "acme shoes",
            "class": "branded",
            "target": "https://acme.com/",
            "pages": 12,
            "known_pages": 12,
            "links": 12,
        }
    ]
    assert [(one["part"], one["links"]) for one in answer["by"]] == [("main", 46), ("footer", 1)]
    assert list(answer["divergences"]) == ["rival.com"]
    assert answer["thin"] == {"unseen.com": 0}
    assert [(one["target"], one["keywords_of"], one["drafted"]) for one in answer["competitors"]] == [
        ("rival.com", "acme.com", True),
        ("unseen.com", "acme.com", True),
    ]
    signs = {one["name"]: one["level"] for one in answer["signs"]}
    assert signs == {"exact_share": "notice", "exact_above_competitors": "notice", "repeated_anchor": "warn"}
    assert answer["velocity"]["p"] is None
    assert answer["anchors"][0]["anchor"] == "Acme"


def test_a_competitor_goes_by_the_profile_that_is_kept_for_it(ledger: str, tmp_path: Path) -> None:
    """One without keywords is held against the target's own."""
    kept = tmp_path / "profiles" / "rival.com.toml"

    def asked(keywords: str) -> tuple[float, str]:
        kept.write_text(f'profile = 1\ntarget = "rival.com"\nbrands = ["Rival"]\nkeywords = [{keywords}]\n')
        answer = ask_json("audit", "anchors", "acme.com")
        return answer["medians"]["exact"], answer["competitors"][0]["keywords_of"]

    assert asked('"trail boots"') == (0.0, "rival.com")
    told = " ".join(ask("audit", "anchors", "acme.com", "--format", "table").stdout.split())
    assert "held against the keywords of their own profiles: rival.com" in told
    assert asked("") == (0.1, "acme.com")


def test_the_first_screen(ledger: str) -> None:
    lines = ask("audit", "anchors", "acme.com", "--format", "table").stdout.splitlines()
    assert lines[0] == "domain acme.com: 47 links; 31 referring domains"
    assert lines[2].split() == ["class", "domains", "domains_split", "interval", "links", "links", "gap", "median"]
    assert [line.split()[0] for line in lines[4:13]] == list(CLASSES)
    assert max(len(line) for line in lines if ".toml)" not in line) <= 80  # a path is as long as it is
    text = "\n".join(lines)
    for heading in ("Signs", "Anchors", "Views", "Sitewide", "Most repeated", "Velocity", "Method"):
        assert f"\n{heading}" in text
    assert "rules version 1" in " ".join(text.split())
    assert "penalt" not in text.lower()


def test_one_row_a_class_for_programs(ledger: str) -> None:
    told = ask("audit", "anchors", "acme.com", "--format", "csv", "--fields", "class,domains", "--limit", "2")
    assert told.stdout.splitlines()[:3] == ["class,domains", "branded,25", "exact,10"]
    assert len(told.stdout.splitlines()) == 10
    assert "rules version" in told.stderr
    assert len(ask("audit", "anchors", "acme.com", "rival.com", "--format", "jsonl").stdout.splitlines()) == 18


def test_a_limit_is_one_of_the_lists(ledger: str) -> None:
    answer = ask_json("audit", "anchors", "acme.com", "--limit", "1")
    assert len(answer["classes"]) == 9
    assert len(answer["anchors"]) == 1


def test_a_table_lists_more_anchors_when_asked(ledger: str) -> None:
    shown = [
        ask("audit", "anchors", "acme.com", "--format", "table", *more).stdout.splitlines()
        for more in ((), ("--limit", "2"), ("--limit", "none"))
    ]
    heads = [next(place for place, line in enumerate(lines) if line.startswith("Anchors")) for lines in shown]
    assert [lines[head] for lines, head in zip(shown, heads, strict=True)] == [
        "Anchors, the first of each class (4 in all; --limit N lists N)", "Anchors", "Anchors",
    ]  # fmt: skip
    assert "2 of 4 rows; --limit none shows all" in shown[1]
    assert not any("--limit none" in line for line in shown[2])


def test_too_little_data_is_said(ledger: str) -> None:
    few = ("audit", "anchors", "rival.com", "--source", "r1.example", "--source", "r2.example")
    told = ask(*few, "--format", "table").stdout
    assert "too little data: 2 referring domains, and a verdict needs 20" in told
    answer = ask_json(*few)
    assert (answer["enough"], answer["signs"]) == (False, [])


def test_a_drafted_profile_says_so_and_how_to_make_one(ledger: str) -> None:
    told = " ".join(ask("audit", "anchors", "rival.com", "--format", "table").stdout.split())
    assert "only drafted" in told
    assert "names no keywords" in told
    assert "names no keywords" not in ask("audit", "anchors", "acme.com", "--format", "json").stderr
    assert "`linkledger profile init rival.com`" in told
    assert ask_json("audit", "anchors", "rival.com")["about"]["drafted"] is True


def test_nothing_found_says_why(ledger: str) -> None:
    told = ask("audit", "anchors", "unseen.com", "--format", "table")
    assert told.exit_code == 0
    assert "unseen.com was never seen as the target of a link" in told.stdout


def test_an_audit_needs_a_target(ledger: str) -> None:
    told = ask("audit", "anchors")
    assert told.exit_code == 2
    assert "needs a TARGET" in told.stderr


def test_explain_needs_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ("--explain", "best running shoes", "--explain", "Acme", "--format", "json")
    file = tmp_path / "mine.toml"
    file.write_text(PROFILE + '\n[[page]]\nurl = "https://acme.com/hats"\nkeywords = ["blue hats"]\n', "utf-8")
    drafted = ask_json("audit", "anchors", "acme.com", *given[:4])
    assert [row["class"] for row in drafted["verdicts"]] == ["other", "branded"]
    assert drafted["about"]["drafted"] is True
    whole = ask_json("audit", "anchors", "acme.com", "--profile", str(file), *given[:2])
    assert {row["section"]: row["class"] for row in whole["verdicts"]} == {
        "all other pages": "partial",
        "https://acme.com/hats": "other",
    }
    page = ask_json("audit", "anchors", "http://www.acme.com/hats/", "--profile", str(file), "--explain", "blue hats")
    assert [(row["section"], row["class"]) for row in page["verdicts"]] == [("https://acme.com/hats", "exact")]
    assert all(row["rule"] and row["because"] for row in whole["verdicts"])
    assert not list(tmp_path.glob("*.db"))
