"""``linkledger authority`` from the shell: what is kept, what is shown, and what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from asking import ask, ask_json
from readings import RULES, reading

from storage.engine import Ledger, create_ledger
from storage.writer import write_readings

EXPORT = "Domain,Domain rating\ntarget.com,72\nblog.com,30.5\nunseen.net,9\n"
RANKS = (
    "#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts\n"
    "1\t3.1E7\t2\t0.012\tcom.target\t40\n2\t2.9E7\t1\t0.0015\tcom.blog\t9\nbad\n"
)


@pytest.fixture
def ledger(one_database: str) -> str:
    """blog.com and news.com link to target.com, blog.com also to other.org; the last two were not read."""
    create_ledger(one_database, psl="test")
    pages = [
        reading("https://blog.com/", [("https://target.com/", "x"), ("https://other.org/", "y")], 1000),
        reading("https://news.com/", [("https://target.com/", "x")], 1000),
    ]
    with Ledger(one_database) as opened:
        write_readings(opened, None, pages, rules_version=RULES)
    return one_database


def file(folder: Path, text: str | bytes, name: str) -> str:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder / name)


def test_a_figure_that_the_user_has_is_shown_under_its_own_name(ledger: str, tmp_path: Path) -> None:
    export = file(tmp_path, EXPORT, "export.csv")
    options = ("--column", "domain rating", "--from", "Tool", "--date", "2026-11-01", "--db", ledger)
    kept = ask_json("authority", "import", export, *options)
    assert {name: kept[name] for name in ("name", "measure", "kind", "date", "rows", "kept", "not_in_ledger")} == {
        "name": "Tool", "measure": "Domain rating", "kind": "imported", "date": "2026-11-01", "rows": 3, "kept": 2,
        "not_in_ledger": 1,
    }  # fmt: skip
    ask_json("authority", "import", export, *options)
    assert [one["domains"] for one in ask_json("authority", "scales", "--db", ledger)["scales"]] == [2], "replaced"
    shown = ask_json("authority", "show", "https://target.com/page", "other.org", "--db", ledger)["domains"]
    assert [(one["domain"], one["authority"], one["confidence"], one["figures"]) for one in shown] == [
        ("target.com", None, None, {"Tool Domain rating": 72.0}),
        ("other.org", None, None, {}),
    ]
    listed = ask_json("authority", "show", "--db", ledger)["domains"]
    assert [one["domain"] for one in listed] == ["target.com", "blog.com"]
    assert (
        ask("authority", "drop", "Tool", "--db", ledger).stdout
        == "dropped Tool Domain rating of 2026-11-01, 2 figures\n"
    )
    assert ask_json("authority", "scales", "--db", ledger)["scales"] == []


def test_a_position_in_a_ranking_is_best_where_it_is_lowest(ledger: str, tmp_path: Path) -> None:
    export = file(tmp_path, "Domain,Rank\ntarget.com,900\ntarget.com,800\nblog.com,5\n", "ranks.csv")
    options = ("--column", "Rank", "--from", "Tool", "--date", "2026-11-01", "--db", ledger)
    done = ask("authority", "import", export, *options, "--lowest-first", "--format", "json")
    assert "the lowest was taken" in done.stderr
    listed = ask_json("authority", "show", "--db", ledger)["domains"]
    assert [(one["domain"], one["figures"]) for one in listed] == [
        ("blog.com", {"Tool Rank": 5.0}),
        ("target.com", {"Tool Rank": 800.0}),
    ]
    sources = ask_json("audit", "links", "target.com", "--db", ledger)["domains"]
    assert [(one["domain"], one["authority"], one["rank"]) for one in sources] == [
        ("blog.com", None, 5.0),
        ("news.com", None, None),
    ]
    assert ask_json("audit", "matrix", "target.com", "--db", ledger)["figure"] is None


def test_a_score_of_the_own_graph_with_a_prior_and_seeds(ledger: str, tmp_path: Path) -> None:
    packed = file(tmp_path, gzip.compress(RANKS.encode()), "ranks.txt.gz")
    kept = ask_json("authority", "import", packed, "--date", "2026-09-01", "--db", ledger)
    assert (kept["name"], kept["kind"], kept["kept"], kept["bad"]) == ("Common Crawl", "web graph", 2, 1)
    seeds = file(tmp_path, "# ours\nnews.com\n\n", "seeds.txt")
    built = ask_json("authority", "build", "--seeds-from", seeds, "--db", ledger)
    assert {name: built[name] for name in ("nodes", "edges", "crawled_domains", "crawl_share", "prior", "seeds")} == {
        "nodes": 4, "edges": 3, "crawled_domains": 2, "crawl_share": 0.5, "prior": "Common Crawl",
        "seeds": ["news.com"],
    }  # fmt: skip
    shown = ask_json("authority", "show", "--db", ledger)
    first = shown["domains"][0]
    assert (first["domain"], first["authority"], first["referring_domains"]) == ("target.com", 100, 2)
    assert {one["domain"]: one["trust"] is not None for one in shown["domains"]} == {
        "target.com": True, "blog.com": True, "other.org": True,
    }, "news.com has no known in-link and no prior"  # fmt: skip
    assert shown["domains"][0]["figures"] == {"Common Crawl harmonic centrality": 3.1e7}
    assert ask_json("authority", "build", "--prior", "none", "--db", ledger)["prior"] is None
    export = file(tmp_path, "Domain,DR\nnews.com,5\ntarget.com,7\n", "export.csv")
    ask_json("authority", "import", export, "--column", "DR", "--from", "T", "--date", "2026-11-01", "--db", ledger)
    everyone = ask_json("authority", "show", "--db", ledger)["domains"]
    assert [(one["domain"], one["authority"]) for one in everyone] == [
        ("target.com", 100), ("other.org", 43), ("news.com", None), ("blog.com", None),
    ], "then those with others' figures only"  # fmt: skip
    table = ask("authority", "show", "--format", "table", "--db", ledger).stdout
    assert "2 of 4 known domains crawled (50.0%), 1.0 pages a domain, without a prior" in " ".join(table.split())
    assert all(len(line) <= 80 for line in table.splitlines())


def test_under_a_tenth_crawled_the_score_is_blank(ledger: str) -> None:
    links = [(f"https://target{number}.com/", "x") for number in range(30)]
    with Ledger(ledger) as opened:
        write_readings(opened, None, [reading("https://hub.com/", links, 1000)], rules_version=RULES)
    built = ask_json("authority", "build", "--db", ledger)
    assert (built["blank"], built["crawl_share"]) == (True, 3 / 35)
    shown = ask_json("authority", "show", "--db", ledger)["domains"]
    assert [(one["domain"], one["authority"], one["referring_domains"], one["ratio"]) for one in shown[:2]] == [
        ("target.com", None, 2, None), ("other.org", None, 1, None),
    ]  # fmt: skip
    said = ask("authority", "show", "target.com", "--db", ledger).stderr
    assert "the score is left blank; referring domains say as much there" in said


REFUSED = [  # id, arguments, exit status, what is said
    ("no_date", ("import", "FILE", "--column", "DR", "--from", "T"), 2, "--date"),
    ("future", ("import", "FILE", "--column", "DR", "--from", "T", "--date", "9999-01-01"), 2, "is in the future"),
    ("no_day", ("import", "FILE", "--column", "DR", "--from", "T", "--date", "2026-02-30"), 2, "is no day such as"),
    ("no_column", ("import", "FILE", "--from", "T", "--date", "2026-02-03"), 2, "which column holds the figure"),
    ("no_name", ("import", "FILE", "--column", "DR", "--date", "2026-02-03"), 2, "whose figure is it"),
    ("our_own_name", ("import", "FILE", "--column", "a", "--from", "linkledger authority", "--date", "2026-02-03"), 2,
     "is no name for another's figure"),
    ("unknown_column", ("import", "FILE", "--column", "Domain ratings", "--from", "T", "--date", "2026-02-03"), 1,
     "did you mean 'Domain rating'"),
    ("no_ranks", ("import", "FILE", "--common-crawl", "--date", "2026-02-03"), 1, "is no ranks file"),
    ("no_file", ("import", "absent.csv", "--column", "a", "--from", "T", "--date", "2026-02-03"), 1,
     "no file absent.csv"),
    ("unknown_prior", ("build", "--prior", "Web"), 1, "no scale named 'Web'"),
    ("unknown_seed", ("build", "--seed", "absent.com"), 1, "knows no domain absent.com"),
    ("bad_seed", ("build", "--seed", "not a domain"), 1, "'not a domain' is"),
    ("unknown_domain", ("show", "targe.com"), 1, "nearest: target.com"),
    ("unknown_scale", ("drop", "Tool"), 1, "no scale named 'Tool'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "status", "said"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_what_is_refused_says_why(
    ledger: str, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    export = file(tmp_path, EXPORT, "export.csv")
    done = ask("authority", *(export if one == "FILE" else one for one in arguments), "--db", ledger)
    assert (done.exit_code, done.stdout) == (status, "")
    assert said in " ".join(done.stderr.split()), done.stderr
    assert ask_json("authority", "scales", "--db", ledger)["scales"] == [], "nothing was kept"


def test_a_file_of_strangers_keeps_nothing(ledger: str, tmp_path: Path) -> None:
    export = file(tmp_path, "Domain,DR\na.net,1\nb.net,2\n", "export.csv")
    done = ask("authority", "import", export, "--column", "DR", "--from", "T", "--date", "2026-02-03", "--db", ledger)
    assert done.exit_code == 1
    assert "none of the 2 domains" in done.stderr


def test_an_empty_ledger_says_what_to_do(one_database: str) -> None:
    create_ledger(one_database, psl="test")
    done = ask("authority", "show", "--format", "json", "--db", one_database)
    assert json.loads(done.stdout)["domains"] == []
    assert "linkledger authority build" in done.stderr
