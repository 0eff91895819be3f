"""A list may say whose backlinks it holds: kept by a crawl, shown, and not changed by accident."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_json
from test_lists import seeds

from crawler import begin as begin_module
from crawler.begin import Begun, begin, resume
from crawler.plan import BadPlan, CrawlPlan, plan_from_json
from storage.engine import Ledger, create_ledger, open_ledger
from storage.errors import UnknownName
from storage.lists import OtherBacklinks, backlinks_of, lists, mark, save_rows

NOW = 1_790_000_000_000


def filled(database: str) -> str:
    create_ledger(database, psl="test")
    with Ledger(database) as opened, opened.begin() as conn:
        save_rows(conn, "rival", seeds("https://a.example/\n"), NOW)
        save_rows(conn, "spring", seeds("https://b.example/\n"), NOW)
    return database


@pytest.fixture
def ledger(one_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LINKLEDGER_DB", one_database)
    return filled(one_database)


def held(database: str, target: str) -> tuple[str, ...]:
    with open_ledger(database) as conn:
        return backlinks_of(conn, target)


def test_a_list_is_marked_and_found(database: str) -> None:
    ledger = filled(database)
    assert held(ledger, "rival.com") == ()
    with Ledger(ledger) as opened, opened.begin() as conn:
        mark(conn, "spring", "rival.com")
        mark(conn, "rival", "rival.com")
        mark(conn, "rival", "rival.com")  # the same again is nothing new
    assert held(ledger, "rival.com") == ("rival", "spring")
    with open_ledger(ledger) as conn:
        assert [one.backlinks_of for one in lists(conn)] == ["rival.com", "rival.com"]


def test_another_target_is_refused_unless_meant(ledger: str) -> None:
    with Ledger(ledger) as opened:
        with opened.begin() as conn:
            mark(conn, "rival", "rival.com")
        with (
            pytest.raises(
                OtherBacklinks, match=r"'rival' holds the backlinks of rival\.com, not of other\.com"
            ) as said,
            opened.begin() as conn,
        ):
            mark(conn, "rival", "other.com")
        assert "lists mark rival --backlinks-of other.com" in str(said.value)
        assert held(ledger, "rival.com") == ("rival",)
        with opened.begin() as conn:
            mark(conn, "rival", "other.com", replace=True)
        assert (held(ledger, "rival.com"), held(ledger, "other.com")) == ((), ("rival",))
        with opened.begin() as conn:
            mark(conn, "rival", None, replace=True)
        assert held(ledger, "other.com") == ()
        with pytest.raises(UnknownName), opened.begin() as conn:
            mark(conn, "nobody", "rival.com")


def begun(database: str, tmp_path: Path, **more: Any) -> Begun:
    (tmp_path / "rival.csv").write_text("https://a.example/\nhttps://c.example/\n")
    given: dict[str, Any] = {"seeds": (str(tmp_path / "rival.csv"),), "list_name": "new"}
    return begin(CrawlPlan(db=database, **(given | more)))


def test_a_crawl_keeps_it_and_a_resumed_one_leaves_it(ledger: str, tmp_path: Path) -> None:
    first = begun(ledger, tmp_path, backlinks_of="rival.com")
    assert held(ledger, "rival.com") == ("new",)
    assert plan_from_json(first.plan.to_json()).backlinks_of == "rival.com"
    with Ledger(ledger) as opened, opened.begin() as conn:  # changed while the crawl was stopped
        begin_module.leases.end(conn, first.crawl_id)
        mark(conn, "new", "other.com", replace=True)
    resume(ledger, str(first.crawl_id))
    assert held(ledger, "other.com") == ("new",)


def test_a_crawl_with_another_target_keeps_nothing(ledger: str, tmp_path: Path) -> None:
    begun(ledger, tmp_path, backlinks_of="rival.com")
    with open_ledger(ledger) as conn:
        before = lists(conn)
    with pytest.raises(OtherBacklinks):
        begun(ledger, tmp_path, backlinks_of="other.com")
    with open_ledger(ledger) as conn:
        assert lists(conn) == before
    begun(ledger, tmp_path)  # without the option, what was said before stays
    begun(ledger, tmp_path, seeds=(), backlinks_of="rival.com")
    assert held(ledger, "rival.com") == ("new",)


PLANS = [  # id, plan, message
    ("no_list", {"seeds": ("x",)}, "needs --list NAME"),
    ("retry", {"list_name": "x", "retry_of": 1}, "needs --list NAME"),
    ("blank", {"seeds": ("x",), "list_name": "x", "backlinks_of": " "}, "needs a target"),
]


@pytest.mark.parametrize(("plan", "message"), [pytest.param(*row[1:], id=row[0]) for row in PLANS])
def test_plans_that_cannot_be_meant(plan: dict[str, Any], message: str) -> None:
    with pytest.raises(BadPlan, match=message):
        CrawlPlan(**({"backlinks_of": "rival.com"} | plan))


def test_the_commands(ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ask("lists", "mark", "rival", "--backlinks-of", "https://RIVAL.com/x").exit_code == 0
    assert ask_json("lists", "show", "rival")["backlinks_of"] == "https://rival.com/x"
    assert ask("lists", "mark", "rival", "--backlinks-of", "www.rival.com").exit_code == 0
    assert [one["backlinks_of"] for one in ask_json("lists", "list")["lists"]] == ["rival.com", None]
    shown = ask("lists", "show", "rival", "--rows", "--format", "table").stdout
    assert shown.startswith("list rival: 1 rows, 1 pages, 1 domains, backlinks of rival.com\n")
    dry = ask_json("crawl", "--list", "rival", "--backlinks-of", "rival.com", "--dry-run")
    assert (dry["list"], dry["backlinks_of"]) == ("rival", "rival.com")
    other = ask("crawl", "--list", "rival", "--backlinks-of", "other.com", "--dry-run")
    assert (other.exit_code, "not of other.com" in other.stderr) == (1, True)
    resumed = ask("crawl", "--resume", "--backlinks-of", "rival.com")
    assert (resumed.exit_code, "takes no --backlinks-of" in resumed.stderr) == (2, True)
    bad = ask("crawl", "--list", "rival", "--backlinks-of", "co.uk")
    assert (bad.exit_code, "public suffix" in bad.stderr) == (2, True)
    assert ask("lists", "mark", "rival", "--backlinks-of", "none").exit_code == 0
    assert ask_json("lists", "show", "rival")["backlinks_of"] is None
