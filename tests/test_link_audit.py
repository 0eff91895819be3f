"""The source audit over small ledgers: against plain loops, with figures, with pages judged, without anchor tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from readings import RULES, link, page, reading
from sqlalchemy import Connection, text

from audit.ask_links import link_audit_of
from audit.link_audit import LinkAudit, Referrer, Relevance
from audit.profile import Profile, Section
from cli.targets import read_targets
from crawler.urls import suffix_list_version
from storage.engine import create_ledger, open_ledger
from storage.filters import LinkFilter, choose
from storage.records import Link, Reading
from storage.targets import resolve
from storage.writer import write_readings

DAY = 86_400_000
NOW = 1_800_000_000_000
SHOES = "https://shop.example/shoes"
PROFILE = Profile("shop.example", ("Shop",), Section(None, ("running shoes",)), languages=("en",), digest="abc")
TALK = "Good trail running needs good shoes, and running shoes wear out after some hundred miles on the road."


def read(source: str, links: list[Link], *, at: int = NOW - 100 * DAY, **changed: Any) -> Reading:
    """A page of the given facts."""
    return reading(source, [], at, page=page(source, links, **changed))


PAGES = [
    read(
        "https://runner.example/guide",
        [
            link(SHOES, "running shoes", before="We tested all summer", after="on wet trails"),
            link("https://casino-bonus.example/", "best casino"),
            link("https://other.example/", "vpn deals"),
        ],
        title="Trail running for beginners",
        h1=("Shoes for running",),
        text=TALK,
    ),
    read(
        "https://kochen.example/suppe",
        [link(SHOES, "hier", rel=("nofollow",), follow_cause=("rel",), placement="footer")],
        title="Suppe kochen",
        h1=("Die beste Suppe",),
        text="Wasser, Salz und Gemüse",
        lang="de",
    ),
    read(
        "https://garden.example/tulips",
        [link(SHOES, "running shoes", before="", after="")],
        title="Tulips",
        h1=("Planting tulips",),
        text="Plant the bulbs in autumn. running shoes",
    ),
]


def ledger(database: str, readings: list[Reading]) -> None:
    create_ledger(database, psl=suffix_list_version())
    with open_ledger(database, write=True) as conn:
        write_readings(conn, None, readings, rules_version=RULES)


def audited(conn: Connection, target: str | None, profile: Profile = PROFILE, **wanted: Any) -> LinkAudit:
    more = {name: wanted.pop(name) for name in ("limit", "judge") if name in wanted}
    (parsed,) = read_targets([target] if target else None, None, scope=None, literal=False, fold_query="tracking")
    chosen = choose(conn, LinkFilter(**wanted), resolve(conn, parsed))
    return link_audit_of(conn, chosen, profile, now=NOW, target=target, **more)


def by_name(found: LinkAudit) -> dict[str, Referrer]:
    return {one.domain: one for one in found.domains}


def judged(row: Referrer) -> Relevance:
    assert row.relevance is not None
    return row.relevance


def drop_anchors(database: str) -> None:
    """Take both tables of words away, on PostgreSQL with the views that show them."""
    with open_ledger(database, write=True) as conn:
        whole = " CASCADE" if conn.dialect.name == "postgresql" else ""
        for table in ("anchor", "anchor_text"):
            conn.execute(text(f"DROP TABLE {table}{whole}"))


def test_without_the_anchor_tables(database: str) -> None:
    """The audit answers the same when there is no table of anchors left to read."""
    ledger(database, PAGES)
    with open_ledger(database) as conn:
        before = audited(conn, "shop.example")
    drop_anchors(database)
    with open_ledger(database) as conn:
        assert audited(conn, "shop.example") == before
    assert before.referring_domains == 3
    rows = by_name(before)
    assert rows["runner.example"].topics == ("gambling", "vpn")
    assert json.dumps(asdict(before), sort_keys=True)


def test_one_page_of_each_domain_is_judged(one_database: str) -> None:
    ledger(one_database, PAGES)
    with open_ledger(one_database) as conn:
        rows = by_name(audited(conn, "shop.example"))
    runner, kochen, garden = (judged(rows[f"{name}.example"]) for name in ("runner", "kochen", "garden"))
    assert (runner.band, set(runner.matched)) == ("high", {"running", "shoes"})
    assert (kochen.band, kochen.why_unknown) == ("unknown", "the page is in de, the target in en")
    # Its only words about running shoes are those of the link.
    assert (garden.band, garden.score, garden.matched) == ("low", 0.0, ())
    assert (rows["runner.example"].external_links, rows["kochen.example"].language) == (3, "de")
