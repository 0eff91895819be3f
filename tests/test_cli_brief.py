"""``linkledger brief``, ``brief plan`` and ``audit matrix`` over a small ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from asking import ask, ask_json
from readings import RULES, failed, link, page, reading, url

from crawler.urls import suffix_list_version
from storage import frontier, lists
from storage.engine import Ledger, create_ledger
from storage.records import PageRecord, Reading, SeedRow
from storage.writer import write_readings

AT = 1_790_000_000_000
SHEARS = "https://acme.com/shears"
TEXT = "Pruning shears cut roses. Good pruning shears are sharp, and a gardener keeps pruning shears oiled."
PROFILE = """profile = 1
target = "acme.com"
brands = ["Acme"]
languages = ["en"]
competitors = ["rival.com"]
[[page]]
url = "https://acme.com/shears"
keywords = ["pruning shears"]
type = "category"
"""


def about_shears(source: str, target: str, words: str) -> PageRecord:
    return page(
        source, [link(target, words, before="sharp pruning shears", after="for roses")],
        title="Pruning shears compared", h1=("Pruning shears",), text=TEXT,
    )  # fmt: skip


def about_cars(source: str, target: str, words: str) -> PageRecord:
    return page(
        source, [link(target, words, before="engines", after="wheels")], title="Cars", h1=("Cars",), text="Cars, fast."
    )


def readings() -> list[Reading]:
    """25 domains link to acme.com and 60 to rival.com, each once."""
    made = [reading(SHEARS, [], AT, page=page(SHEARS, [], title="Pruning shears", h1=("Pruning shears",), text=TEXT))]
    for number in range(25):
        source = f"https://a{number}.org/"
        words = "Acme" if number < 20 else "click here"
        shown = about_shears(source, SHEARS, words) if number % 2 == 0 else about_cars(source, SHEARS, words)
        made.append(reading(source, [], AT, page=shown))
    for number in range(60):
        source = f"https://r{number}.org/"
        words = "Rival" if number < 30 else "pruning shears for roses" if number < 50 else "Rival pruning shears"
        made.append(reading(source, [], AT, page=about_shears(source, "https://rival.com/", words)))
    return made


@pytest.fixture
def folder(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a profile, and a ledger that LINKLEDGER_DB names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINKLEDGER_DB", database)
    monkeypatch.setenv("LINKLEDGER_PROFILES", str(tmp_path / "profiles"))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "acme.com.toml").write_text(PROFILE)
    create_ledger(database, psl=suffix_list_version())
    with Ledger(database) as ledger:
        write_readings(ledger, None, readings(), rules_version=RULES)
    return tmp_path


def listed(database: str, name: str, of: str, sources: list[str], read: int) -> None:
    """A list of backlinks of which the first pages were read and the others failed."""
    rows = [SeedRow(url(one), "x", f"{name}.txt", place + 1, one, {}) for place, one in enumerate(sources)]
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            saved = lists.save_rows(conn, name, rows, AT)
            lists.mark(conn, name, of)
            crawl = frontier.start_crawl(conn, plan="{}", list_id=saved.list_id, now=AT)
            frontier.add_list(conn, crawl, saved.list_id)
        done = [reading(one, [], AT + 1) if place < read else failed(one, AT + 1) for place, one in enumerate(sources)]
        write_readings(ledger, crawl, done, rules_version=RULES)


def test_a_brief_has_both_halves(folder: Path) -> None:
    done = ask("brief", SHEARS, "--query", "pruning shears", "--position", "12", "-o", "out/shears")
    assert (done.exit_code, done.stdout.split()) == (0, ["out/shears.md", "out/shears.json"])
    kept = json.loads((folder / "out" / "shears.json").read_text("utf-8"))
    assert (kept["lever"], kept["page_type"], kept["referring_domains"]) == ("anchors", "category", 25)
    assert kept["requests"][0]["class"] == "partial"
    assert kept["requests"][0]["wordings"][0] == {
        "text": "pruning shears for roses", "origin": "competitor", "domains": 20, "seen_at": "rival.com",
    }  # fmt: skip
    both = next(one for one in kept["requests"] if one["class"] == "brand_keyword")
    assert both["wordings"][0]["text"] == "Acme pruning shears"
    assert {one["domain"] for one in kept["criteria"]["upgrades"]} == {"a20.org", "a22.org", "a24.org"}
    assert kept["criteria"]["minimum_authority"] is None
    text = (folder / "out" / "shears.md").read_text("utf-8")
    assert text.index("## 1. The domains") < text.index("## 2. The words")
    assert not list((folder / "out").glob(".*"))


def test_counts_are_compared_only_between_lists_of_backlinks(folder: Path, database: str) -> None:
    words = ("brief", SHEARS, "--query", "pruning shears", "--position", "30", "--format", "json")
    first = json.loads(ask(*words).stdout)
    assert first["lever"] == "unknown"
    assert any("no list holds its backlinks" in one for one in first["missing"])
    listed(database, "mine", "acme.com", [f"https://x{n}.org/" for n in range(4)], read=2)
    listed(database, "theirs", "rival.com", [f"https://y{n}.org/" for n in range(4)], read=1)
    second = json.loads(ask(*words).stdout)
    assert second["missing"] == ["rival.com: 1 of 4 pages of its list of backlinks were read"]
    listed(database, "more", "rival.com", [f"https://z{n}.org/" for n in range(6)], read=6)
    third = json.loads(ask(*words).stdout)
    assert (third["lever"], third["missing"]) == ("backlinks", [])
    assert any("25 referring domains, less than half the median of 60" in one for one in third["reasons"])


def test_a_plan_is_one_table_and_a_brief_a_row(folder: Path) -> None:
    (folder / "performance.csv").write_text(
        "Page,Query,Clicks,Impressions,CTR,Position\n"
        f"{SHEARS},pruning shears,1,900,1%,7.4\n"
        f"{SHEARS},secateurs,1,100,1%,20.5\n"
        f"{SHEARS},shears,1,100,1%,3\n"
        f"{SHEARS},far away,1,100,1%,51\n"
        ",no page,1,100,1%,9\n"
        f"{SHEARS},nowhere,1,1,1%,n/a\n"
    )
    done = ask("brief", "plan", "--positions", "performance.csv", "-o", "briefs", "--format", "json")
    assert done.exit_code == 0
    rows = json.loads(done.stdout)["briefs"]
    assert [(row["query"], row["lever"]) for row in rows] == [("pruning shears", "anchors"), ("secateurs", "unknown")]
    assert all(Path(row["file"]).is_file() and Path(row["file"]).with_suffix(".json").is_file() for row in rows)
    for said in ("line 6: no page", "line 7: no position", "4 rows read, 2 of them at 5 to 50, 2 refused"):
        assert said in done.stderr


def test_queries_alone_need_a_page(folder: Path) -> None:
    (folder / "Queries.csv").write_text("Top queries,Clicks,Impressions,CTR,Position\npruning shears,1,9,1%,7\n")
    refused = ask("brief", "plan", "--positions", "Queries.csv")
    assert (refused.exit_code, "--page URL" in refused.stderr) == (2, True)
    done = ask("brief", "plan", "--positions", "Queries.csv", "--page", SHEARS, "--format", "tsv")
    assert (done.exit_code, done.stdout.split("\n")[1].split("\t")[1]) == (0, "pruning shears")


def test_a_page_that_is_given_is_that_of_rows_without_one(folder: Path) -> None:
    (folder / "mixed.csv").write_text(
        f'Page;Query;Position\nhttps://acme.com/saws;saws;"7,50"\n;shears;12\nnowhere;axes;9\n{SHEARS};secateurs;9\n'
    )
    done = ask("brief", "plan", "--positions", "mixed.csv", "--page", "https://acme.com/all", "--format", "json")
    rows = json.loads(done.stdout)["briefs"]
    assert {(row["page"], row["position"]) for row in rows} == {
        ("https://acme.com/saws", "7.5"), ("https://acme.com/all", "12"), (SHEARS, "9"),
    }  # fmt: skip
    for said in ("line 4: no page: 'nowhere'", "3 of them at 5 to 50, 1 refused"):
        assert said in done.stderr


def test_upgrades_are_links_to_the_page_itself(folder: Path) -> None:
    words = ("--query", "pruning shears", "--position", "9", "--format", "json")
    elsewhere = ask("brief", "https://acme.com/none", *words)
    assert json.loads(elsewhere.stdout)["criteria"]["upgrades"] == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        pytest.param(("brief", SHEARS, "--query", "x", "--position", "zero"), 1, "no position: 'zero'", id="position"),
        pytest.param(("brief", SHEARS), 2, "--query", id="no_query"),
        pytest.param(("brief", "co.uk", "--query", "x"), 2, "public suffix", id="no_target"),
        pytest.param(("brief", "plan", "--positions", "none.csv"), 1, "no file none.csv", id="no_file"),
        pytest.param(("audit", "matrix"), 2, "name a TARGET", id="matrix_without_target"),
        pytest.param(("audit", "matrix", "acme.com", "--sort", "beauty"), 2, "'beauty' is none of", id="no_column"),
        pytest.param(
            ("audit", "matrix", "acme.com", "--figure", "DR"), 2, "no referring domain has a figure", id="figure"
        ),
    ],
)
def test_refused(folder: Path, words: tuple[str, ...], status: int, said: str) -> None:
    done = ask(*words)
    assert (done.exit_code, said in " ".join(done.stderr.split())) == (status, True), done.stderr


def test_matrix(folder: Path) -> None:
    found = ask_json("audit", "matrix", SHEARS)
    groups = {one["group"]: (one["domains"], one["links"]) for one in found["groups"]}
    assert found["figure"] is None
    assert groups["brand_in_context"] == (10, 10)
    assert groups["missed_relevance"] == (3, 3)
    assert groups["weak"] == (12, 12)
    upgrades = ask_json("audit", "matrix", SHEARS, "--upgrades", "--sort", "domain")
    assert [row["domain"] for row in upgrades["rows"]] == ["a20.org", "a22.org", "a24.org"]
    assert all(row["anchor"] == "click here" for row in upgrades["rows"])
    sorted_up = ask_json("audit", "matrix", SHEARS, "--sort", "band,links,domain")["rows"]
    assert [row["band"] for row in sorted_up] == sorted(
        (row["band"] for row in sorted_up), key=["high", "some", "low", "unknown"].index
    )
