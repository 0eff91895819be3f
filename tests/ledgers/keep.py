"""Makes the ledger that is kept of a schema revision: ``python tests/ledgers/keep.py tests/ledgers/0004.db``.

To be run once, with the release that the revision comes with; the file is never made again. Every kind of row that
history knows is in it, so that a later migration has something to carry along.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from readings import failed, link, reading, url

from storage.authority import Kind, Value, known_domains, save_scale
from storage.engine import Ledger, create_ledger
from storage.lists import save_rows
from storage.records import Discovered, Hop, Reading, SeedRow
from storage.writer import write_readings

BEGUN, WEEK = 1_790_000_000_000, 7 * 86_400_000
TARGET, SHOP, OTHER = "https://target.example/", "https://target.example/shop", "https://other.example/"
NAMES = ("edits", "gone", "old", "wall", "verified", "half", "script", "some", "wat", "rules", "down")
RENDERED = [link(TARGET, "a", seen="both"), link(SHOP, "by script", seen="rendered"), link(OTHER, "o")]
MANY = [(f"{TARGET}{number}", f"words {number}") for number in range(6)]


def site(name: str) -> str:
    """The one page of a site."""
    return f"https://{name}.example/page"


def found(address: str, bare: str | None = None) -> Discovered:
    """A URL that a page led to."""
    return Discovered(url(address), url(address).domain, bare, (bare or address).partition("?")[0])


def week(number: int) -> list[Reading]:
    """What a crawl of that week brings."""
    at = BEGUN + number * WEEK
    moved = (Hop(url(site("old")), 301),)
    nofollow = link(TARGET, "Target", rel=("nofollow",), follow_cause=("rel",))
    weeks: list[list[Reading]] = [
        [
            reading(site("edits"), [(TARGET, "Target"), (SHOP, "délicieux"), (OTHER, "o")], at + 1),
            reading(site("gone"), [(TARGET, "Target")], at + 2),
            reading(site("old"), [(TARGET, "Ｓｈｏｐ"), (SHOP, "")], at + 3),
            reading(site("wall"), MANY, at + 4),
            reading(site("verified"), MANY, at + 5),
            reading(site("half"), [(TARGET, "part")], at + 6, outcome="partial", reason="size"),
            reading(site("script"), RENDERED, at + 7, method="rendered"),
            reading(site("some"), [(TARGET, "a")], at + 8, targets=("target.example",)),
            reading(site("wat"), [(TARGET, "cut sh")], at + 9, method="wat"),
            reading(site("rules"), [(TARGET, "a")], at + 10),
            failed(site("down"), at + 11, 503),
        ],
        [
            reading(site("edits"), [nofollow, (SHOP, "delicious")], at + 1),
            failed(site("gone"), at + 2, 410),
            reading(site("new"), [(TARGET, "shop"), (SHOP, "")], at + 3, requested=site("old"), chain=moved),
            reading(site("wall"), [], at + 4),
            reading(site("verified"), [], at + 5),
            reading(site("half"), [(TARGET, "part"), (SHOP, "whole")], at + 6),
            reading(site("script"), [(TARGET, "a")], at + 7),
            reading(site("some"), [(OTHER, "o"), (TARGET, "a")], at + 8),
            reading(site("wat"), [(TARGET, "cut short no more")], at + 9),
            reading(site("rules"), [link(TARGET, "a", placement="footer")], at + 10),
            failed(site("down"), at + 11, None, reason="timeout"),
        ],
        [
            reading(
                site("edits"),
                [(SHOP, "new above"), nofollow, (SHOP, "delicious"), (OTHER, "o")],
                at + 1,
                discovered=(
                    found(f"{OTHER}list?page=1"),
                    found(f"{OTHER}list?page=2"),
                    found(f"{OTHER}a;jsessionid=1?b=1", f"{OTHER}a?b=1"),
                    found(f"{OTHER}a;jsessionid=2?b=1", f"{OTHER}a?b=1"),
                ),
                not_followed=(("path_repeats", 2),),
            ),
            reading(site("gone"), [(TARGET, "Target")], at + 2),
            reading(site("verified"), [], at + 5),
            failed(site("half"), at + 6, 403),
        ],
    ]
    return weeks[number]


def scales_kept(ids: dict[str, int]) -> list[tuple[Kind, str, str, str, dict[str, Any], list[Value]]]:
    """A scale of each kind, and an older one of the same name."""
    target, other, edits = (ids[name] for name in ("target.example", "other.example", "edits.example"))
    prior = {"name": "Common Crawl", "measure": "harmonic centrality", "dated": "2026-08-01"}
    about = {"known_domains": 14, "crawled_domains": 11, "crawl_share": 11 / 14, "pages": 11, "pages_per_domain": 1.0}
    return [
        ("import", "Tool", "Domain rating", "2026-07-01", {"file": "old.csv"}, [Value(target, 60.0)]),
        (
            "import",
            "Tool",
            "Domain rating",
            "2026-09-01",
            {"file": "new.csv"},
            [Value(target, 71.5), Value(edits, 3.0)],
        ),
        ("prior", prior["name"], prior["measure"], prior["dated"], {"lines": 2}, [Value(target, 1.5e7, 42, 1e-6)]),
        (
            "own",
            "linkledger authority",
            "authority",
            "2026-09-21T14:13:20.000Z",
            {**about, "prior": prior, "seeds": ["edits.example"], "largest_ratio": 9.73, "version": 1},
            sorted([Value(target, 100.0, 1, 9.73, 9, 9.0, 100.0), Value(other, 41.0, 2, 2.5, 2, 2.5, None)]),
        ),
    ]


def main(path: Path) -> None:
    """Make the file; one that is there is left, and an error."""
    if path.exists():
        raise SystemExit(f"{path} is kept for good")
    create_ledger(str(path), psl="tldextract 5.4.0 snapshot", now=BEGUN)
    with Ledger(str(path)) as ledger:
        for number in range(3):
            at = BEGUN + number * WEEK
            with ledger.begin() as conn:
                rows = [
                    SeedRow(url(site(name)), f"{name}.example", "prospects.csv", line, site(name), {"owner": "Ann"})
                    for line, name in enumerate(NAMES, start=2)
                ]
                save_rows(conn, "spring", rows, at)
                state = "running" if number == 2 else "finished"
                ended = "NULL" if number == 2 else str(at + 5000)
                conn.exec_driver_sql(
                    f"INSERT INTO crawl (id, list_id, plan, state, started_at, ended_at, rows_read, rows_accepted)"
                    f" VALUES ({number + 1}, 1, '{{\"query_limit\": 1}}', '{state}', {at}, {ended},"
                    f" {len(NAMES)}, {len(NAMES)})"
                )
            for rules in (1, 2):  # the page of another version of the rules comes by itself
                some = [one for one in week(number) if ("rules" in one.requested.url and number > 0) == (rules == 2)]
                write_readings(ledger, number + 1, some, rules_version=rules)
        late = reading(site("edits"), [(TARGET, "Target"), (SHOP, "délicieux")], BEGUN + WEEK // 2)
        write_readings(ledger, None, [late], rules_version=1)
        with ledger.begin() as conn:
            conn.exec_driver_sql(
                "INSERT INTO outcome (crawl_id, url_id, state, operator, turn, depth, shard)"
                " SELECT 3, url_id, 0, operator, 0, 0, shard FROM outcome WHERE crawl_id = 1"
                " AND url_id NOT IN (SELECT url_id FROM outcome WHERE crawl_id = 3)"
            )
            conn.exec_driver_sql("INSERT INTO lease (crawl_id, shard, holder, until) VALUES (3, 1, 'host:1', 5)")
            conn.exec_driver_sql("INSERT INTO pace (operator, next_at) VALUES ('edits.example', 7)")
            conn.exec_driver_sql("UPDATE list SET backlinks_of = 'target.example' WHERE name = 'spring'")
            ids = known_domains(conn, ("target.example", "other.example", "edits.example"))
            for kind, name, measure, dated, about, values in scales_kept(ids):
                save_scale(
                    conn, kind=kind, name=name, measure=measure, dated=dated, about=about, values=values, now=BEGUN
                )
            # Evidence that was given up.
            first = f"SELECT id FROM url WHERE url = '{site('edits')}'"
            conn.exec_driver_sql(
                "UPDATE record SET data = zeroblob(0), text = NULL WHERE id ="
                f" (SELECT record_id FROM visit WHERE page_id = ({first}) AND at = {BEGUN + 1})"
            )
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA journal_mode = DELETE")
        conn.execute("VACUUM")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
