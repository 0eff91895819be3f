"""After a change of the suffix list, a ledger is as if it had been made with the new one."""

from __future__ import annotations

from typing import Any

import pytest
from asking import ask, ask_json
from readings import RULES, failed, link, page, reading
from readings import url as plain_url

from storage.check import check
from storage.engine import Ledger, create_ledger
from storage.lists import save_rows
from storage.reclassify import Change, CrawlIsRunning, Rule, reclassify
from storage.records import CanonicalUrl, Reading, SeedRow
from storage.writer import write_readings

ONE, TWO = "https://one.host.example/", "https://two.host.example/a"
SHOP = "https://shop.example/"


def old(host: str) -> str:
    return ".".join(host.split(".")[-2:])


def new(host: str) -> str:
    """``host.example`` has become a suffix, and ``shop.example`` and ``store.example`` are one site."""
    if host.endswith(".host.example"):
        return ".".join(host.split(".")[-3:])
    return "store.example" if host == "shop.example" else old(host)


def _by(rule: Rule, url: CanonicalUrl) -> CanonicalUrl:
    return url._replace(domain=rule(url.host))


def filled(database: str, rule: Rule) -> None:
    def read(source: str, links: list[tuple[str, str]], at: int) -> Reading:
        made = [link(*one)._replace(target=_by(rule, plain_url(one[0]))) for one in links]
        whole = reading(source, made, at)
        requested = _by(rule, whole.requested)
        values = {name: getattr(whole, name) for name in whole.__slots__}
        values |= {"requested": requested, "final": requested, "page": page(source, made)._replace(url=requested)}
        return Reading(**values)

    create_ledger(database, psl="before")
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            conn.exec_driver_sql("INSERT INTO crawl (id, plan, state, started_at) VALUES (1, '{}', 'finished', 0)")
            rows = [
                SeedRow(_by(rule, plain_url(one)), rule(plain_url(one).host), "a.csv", place, one, {})
                for place, one in enumerate((ONE, TWO, SHOP))
            ]
            save_rows(conn, "spring", rows, 5)
        everywhere = [(ONE, "a"), (TWO, "b"), (SHOP, "c"), ("https://store.example/", "d"), ("https://x.example/", "e")]
        for at, links in ((1000, everywhere), (2000, everywhere[1:])):
            readings = [read(source, links, at) for source in (ONE, TWO, SHOP, "https://x.example/")]
            write_readings(ledger, 1 if at == 1000 else None, readings, rules_version=RULES)
        write_readings(ledger, None, [failed("https://host.example/", 3000, 404)], rules_version=RULES)


def content(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables say of domains, by name."""
    questions = {
        "host": "SELECT h.name, d.name FROM host h JOIN domain d ON d.id = h.domain_id",
        "domain": "SELECT name FROM domain",
        "page": "SELECT u.url, d.name FROM page p JOIN url u ON u.id = p.id JOIN domain d ON d.id = p.domain_id",
        "link": "SELECT s.name, t.name, u.url, l.link_no, l.valid_from, l.gone_at FROM link l"
        " JOIN domain s ON s.id = l.source_domain JOIN domain t ON t.id = l.target_domain"
        " JOIN url u ON u.id = l.target_id",
        "anchor": "SELECT s.name, t.name, x.text, a.link_no, a.valid_from, a.gone_at FROM anchor a"
        " JOIN domain s ON s.id = a.source_domain JOIN domain t ON t.id = a.target_domain"
        " JOIN anchor_text x ON x.id = a.text_id",
        "edge": "SELECT s.name, t.name, e.links, e.followed, e.lost, e.first_seen FROM edge e"
        " JOIN domain s ON s.id = e.source_domain JOIN domain t ON t.id = e.target_domain",
        "list_row": "SELECT line, operator FROM list_row",
    }
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return {
            name: sorted(map(tuple, conn.exec_driver_sql(question)), key=repr) for name, question in questions.items()
        }


def wrong(database: str) -> list[Any]:
    with Ledger(database, read_only=True) as ledger, ledger.connect() as conn:
        return [one for one in check(conn) if one.wrong]


def test_it_is_as_if_made_with_the_new_list(database: str, tmp_path: Any) -> None:
    filled(database, old)
    before = content(database)
    with Ledger(database, read_only=True) as ledger:
        planned = reclassify(ledger, new, new, psl="after", dry_run=True)
        assert ledger.psl == "before"
    assert content(database) == before
    told: list[str] = []
    with Ledger(database) as ledger:
        done = reclassify(ledger, new, new, psl="after", progress=lambda what, *_: told.append(what))
        assert ledger.psl == "after"
    assert done == planned
    assert done.changes == (
        Change("one.host.example", "host.example", "one.host.example"),
        Change("shop.example", "shop.example", "store.example"),
        Change("two.host.example", "host.example", "two.host.example"),
    )
    assert (done.hosts, done.list_rows, done.psl) == (6, 3, "before")
    assert told
    filled(str(tmp_path / "new.db"), new)
    assert content(database) == content(str(tmp_path / "new.db"))
    assert wrong(database) == []
    with Ledger(database) as ledger:
        assert ledger.psl == "after"
        assert reclassify(ledger, new, new, psl="after").changes == ()


def test_what_is_written_afterwards_goes_to_the_new_domains(database: str) -> None:
    filled(database, old)
    with Ledger(database) as ledger:
        write_readings(ledger, None, [reading("https://y.example/", [(ONE, "y")], 4000)], rules_version=RULES)
        reclassify(ledger, new, new, psl="after")
        write_readings(
            ledger, None, [reading("https://y.example/", [(ONE, "y"), (TWO, "z")], 5000)], rules_version=RULES
        )
    assert wrong(database) == []


def test_it_changes_all_or_nothing(database: str) -> None:
    filled(database, old)
    before = content(database)

    def breaks(host: str) -> str:
        if host == "x.example":
            raise RuntimeError("no rule")
        return new(host)

    with Ledger(database) as ledger, pytest.raises(RuntimeError):
        reclassify(ledger, breaks, new, psl="after")
    assert content(database) == before


def test_not_while_a_crawl_runs(database: str) -> None:
    filled(database, old)
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            conn.exec_driver_sql(f"INSERT INTO lease (crawl_id, shard, holder, until) VALUES (1, 0, 'a', {10**15})")
        with pytest.raises(CrawlIsRunning):
            reclassify(ledger, new, new, psl="after")
        with ledger.begin() as conn:
            conn.exec_driver_sql("UPDATE lease SET until = 5")  # it died long ago
        assert reclassify(ledger, new, new, psl="after").changes


def test_the_command_takes_the_list_of_this_installation(database: str) -> None:
    create_ledger(database, psl="before")
    with Ledger(database) as ledger:  # these tests take the last two labels for the domain
        shop = "https://www.shop.co.uk/"
        write_readings(ledger, None, [reading("https://a.site.com/", [(shop, "s")], 1000)], rules_version=RULES)
    asked = ask_json("db", "reclassify", "--dry-run", "--db", database)
    assert (asked["suffix_list"], asked["changed"], asked["hosts"]) == ("before", 1, 2)
    assert asked["changes"] == [{"host": "www.shop.co.uk", "domain": "co.uk", "new_domain": "shop.co.uk"}]
    done = ask("db", "reclassify", "--db", database, "--format", "table")
    assert done.exit_code == 0, done.stderr
    assert "1 of 2 hosts now belong" in done.stdout
    assert wrong(database) == []
    assert ask_json("links", "count", "shop.co.uk", "--db", database)["backlinks"] == 1
    assert ask_json("db", "reclassify", "--dry-run", "--db", database)["changed"] == 0
