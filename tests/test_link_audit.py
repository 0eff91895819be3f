"""The source audit over small ledgers: against plain loops, with figures, with pages judged, without anchor tables."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, link, page, reading
from sample import Sample, SampleLink, fill, last_seen, new_ledger, selected
from sqlalchemy import Connection, text
from test_same_totals import ASKED, covers, filters, samples

from audit.ask_links import link_audit_of
from audit.link_audit import AGES, LinkAudit, Referrer, Relevance, months, quantiles, spread
from audit.profile import Profile, Section, Thresholds
from cli.targets import parse_target
from crawler.urls import canonical_url, suffix_list_version
from storage.authority import Value, known_domains, save_scale
from storage.engine import create_ledger, open_ledger
from storage.errors import UnknownName
from storage.evidence import Packer, encode, out_links
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
    more = {name: wanted.pop(name) for name in ("limit", "judge", "figure") if name in wanted}
    chosen = choose(conn, LinkFilter(**wanted), resolve(conn, parse_target(target) if target else None))
    return link_audit_of(conn, chosen, profile, now=NOW, target=target, **more)


def by_name(found: LinkAudit) -> dict[str, Referrer]:
    return {one.domain: one for one in found.domains}


def judged(row: Referrer) -> Relevance:
    assert row.relevance is not None
    return row.relevance


def test_the_same_bytes_on_both_databases(tmp_path: Path, postgres_url: str) -> None:
    told = []
    for database in (f"sqlite:///{tmp_path / 'ledger.db'}", postgres_url):
        ledger(database, PAGES)
        with open_ledger(database, write=True) as conn:
            scaled(conn, "import", {"runner.example": 1 / 3, "garden.example": 0.1 + 0.2})
            told.append(json.dumps(asdict(audited(conn, "shop.example"))))
    assert told[0] == told[1]


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


# -- sums, by plain loops ----------------------------------------------------------------------------------------

SMALL = Profile("acme.com", ("Acme",), Section(None, ()), thresholds=Thresholds(sitewide_pages=1, least_domains=3))
SINCE = 1_790_000_000_000 + 12 * DAY


def domain_of(one: SampleLink) -> str:
    return canonical_url(one.source).domain


def age_of(one: SampleLink) -> str:
    days = (SINCE - one.first_seen) / DAY
    return next(name for name, most in AGES if most is None or days < most)


def expected(sample: Sample, wanted: LinkFilter, asked: str | None) -> dict[str, Any]:
    links = [one for one in selected(sample, wanted) if covers(asked, one.target)]
    lost = [one for one in selected(sample, replace(wanted, state="lost")) if covers(asked, one.target)]
    pages = {one.source for one in links}
    indexable = {name for name in pages if sample.page(name).indexable}
    names = {one.source for one in sample.links} | set(sample.pages)
    names |= {of.final or name for asked in sample.crawls for name, of in asked.items()}
    known = Counter(canonical_url(name).domain for name in names if sample.page(name).last_ok is not None)
    rows = {name: row_of(sample, [one for one in links if domain_of(one) == name], known[name]) for name in
            {domain_of(one) for one in links}}  # fmt: skip
    sitewide = {name for name, row in rows.items() if row["pages"] >= max(1, known[name] / 2)}
    return {
        "links": len(links),
        "followed": sum(one.followed for one in links),
        "causes": {
            "rel_nofollow": sum("nofollow" in one.rel for one in links),
            "rel_ugc": sum("ugc" in one.rel for one in links),
            "rel_sponsored": sum("sponsored" in one.rel for one in links),
            "page_nofollow": sum(one.page_nofollow != () for one in links),
        },
        "referring_pages": len(pages),
        "referring_hosts": len({canonical_url(name).host for name in pages}),
        "referring_domains": len(rows),
        "followed_domains": len({domain_of(one) for one in links if one.followed}),
        "enough": len(rows) >= 3,
        "placements": Counter(one.placement for one in links),
        "indexable_pages": len(indexable),
        "indexable_links": sum(one.source in indexable for one in links),
        "sitewide_domains": len(sitewide),
        "sitewide_links": sum(domain_of(one) in sitewide for one in links),
        "ages": Counter(age_of(one) for one in links),
        "lost": len(lost),
        "lost_by_cause": Counter(one.lost_cause for one in lost),
        "lost_30": len(lost),
        "judged": len(rows),
        "bands": Counter({"unknown": len(rows)} if rows else {}),
        "rows": rows,
        "order": sorted(rows, key=lambda name: (-rows[name]["links"], name)),
        "months": Counter(datetime.fromtimestamp(row["first_seen"] / 1000, UTC).strftime("%Y-%m") for row in
                          rows.values()),
    }  # fmt: skip


def row_of(sample: Sample, links: list[SampleLink], known: int) -> dict[str, Any]:
    pages = {one.source for one in links}
    seen = [at for one in links if (at := last_seen(sample, one)) is not None]
    return {
        "links": len(links),
        "followed": sum(one.followed for one in links),
        "pages": len(pages),
        "hosts": len({canonical_url(name).host for name in pages}),
        "known_pages": known,
        "in_main": sum(one.placement == "main" for one in links),
        "indexable": sum(sample.page(name).indexable is True for name in pages),
        "first_seen": min(one.first_seen for one in links),
        "last_seen": max(seen, default=None),
    }


def plain(value: Any) -> Any:
    """Counts without what did not occur."""
    return {name: number for name, number in value.items() if number} if isinstance(value, dict) else value


@settings(
    max_examples=examples(4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.generate],
    print_blob=True,
)
@given(sample=samples, asked=st.lists(st.tuples(filters, st.sampled_from(ASKED)), min_size=3, max_size=3))
def test_sums_are_right_and_alike_on_both_databases(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_url: str,
    sample: Sample,
    asked: list[tuple[LinkFilter, str | None]],
) -> None:
    path = tmp_path_factory.getbasetemp() / "sums.db"
    told: list[list[str]] = []
    for database in (f"sqlite:///{path}", postgres_url):
        new_ledger(database)
        answers = []
        with open_ledger(database, write=True) as conn:
            fill(conn, sample)
            for wanted, name in [(LinkFilter(), "acme.com"), (LinkFilter(kind="any"), None), *asked]:
                words, _, scope = (name or "").partition(" ")
                target = None if name is None else parse_target(words, scope="prefix" if scope else None)
                chosen = choose(conn, wanted, resolve(conn, target))
                found = link_audit_of(conn, chosen, SMALL, now=SINCE, target=name)
                right = expected(sample, wanted, name)
                rows = {one.domain: one for one in found.domains}
                assert [one.domain for one in found.domains] == right.pop("order")
                assert dict(found.by_month) == right.pop("months")
                for domain, row in right.pop("rows").items():
                    assert {name: getattr(rows[domain], name) for name in row} == row, domain
                assert {name: plain(getattr(found, name)) for name in right} == {
                    name: plain(dict(value) if isinstance(value, Counter) else value) for name, value in right.items()
                }
                answers.append(json.dumps(asdict(found), sort_keys=True))
        told.append(answers)
    assert told[0] == told[1]


# -- authority ---------------------------------------------------------------------------------------------------


def scaled(conn: Connection, kind: Any, values: dict[str, float], **about: Any) -> None:
    ids = known_domains(conn, values)
    rows = sorted(Value(ids[name], value, referring=7, harmonic=1.5, trust=30.0) for name, value in values.items())
    name = {"import": "Acme", "own": "linkledger", "prior": "Web graph"}[kind]
    save_scale(conn, kind=kind, name=name, measure="rating", dated="2026-11-01", about=about, values=rows, now=NOW)


def test_figures_of_one_scale_sort(one_database: str) -> None:
    """Sorted by the scale that most domains have; a figure of another scale does not stand in for it."""
    ledger(one_database, PAGES)
    with open_ledger(one_database, write=True) as conn:
        scaled(conn, "own", {"runner.example": 20.0, "garden.example": 60.0}, crawl_share=0.5)
        scaled(conn, "import", {"kochen.example": 90.0})
        found = audited(conn, "shop.example")
        assert [(one.domain, one.authority) for one in found.domains] == [
            ("garden.example", 60.0), ("runner.example", 20.0), ("kochen.example", None),
        ]  # fmt: skip
        assert found.authority_quantiles["p50"] == 40.0
        assert {one.confidence for one in found.domains} == {"high"}
        assert [(one.trust, one.harmonic) for one in found.domains] == [(30.0, 1.5), (30.0, 1.5), (None, None)]
        assert [(scale["name"], scale["leads"]) for scale in found.scales] == [
            ("Acme rating", False), ("linkledger authority", True),
        ]  # fmt: skip
        first = audited(conn, "shop.example", figure="Acme").domains[0]
        assert (first.domain, first.authority) == ("kochen.example", 90.0)
        with pytest.raises(UnknownName, match="Acme rating"):
            audited(conn, "shop.example", figure="Nobody's")


def test_an_own_score_of_a_hardly_crawled_graph_is_blank(one_database: str) -> None:
    ledger(one_database, PAGES)
    with open_ledger(one_database, write=True) as conn:
        scaled(conn, "own", {"runner.example": 20.0, "garden.example": 60.0}, crawl_share=0.09)
        found = audited(conn, "shop.example")
        rows = by_name(found)
        assert [(scale["blank"], scale["leads"]) for scale in found.scales] == [(True, False)]
        assert {(one.authority, one.figures, one.trust, one.harmonic) for one in found.domains} == {
            (None, (), None, None)
        }
        assert (rows["garden.example"].referring_domains, rows["kochen.example"].referring_domains) == (7, 0)


def test_a_position_in_a_ranking_sorts_but_is_no_authority(one_database: str) -> None:
    ledger(one_database, PAGES)
    with open_ledger(one_database, write=True) as conn:
        scaled(conn, "prior", {"runner.example": 5_000.0, "kochen.example": 10.0}, lowest_first=True)
        found = audited(conn, "shop.example")
        assert [one.domain for one in found.domains] == ["kochen.example", "runner.example", "garden.example"]
        assert {one.authority for one in found.domains} == {None}


# -- which pages are judged --------------------------------------------------------------------------------------


def test_the_best_page_of_a_domain_is_judged(database: str) -> None:
    """Followed before nofollow, indexable before not, the later read before the earlier; of these in main first."""
    late, early = NOW - 10 * DAY, NOW - 20 * DAY
    nofollow: dict[str, Any] = {"rel": ("nofollow",), "follow_cause": ("rel",)}
    pages: dict[str, list[tuple[str, int, dict[str, Any], dict[str, Any]]]] = {
        "a.example": [("nofollow", late, nofollow, {}), ("followed", early, {}, {})],
        "b.example": [("noindex", late, {}, {"not_indexable": ("meta_robots",)}), ("indexable", early, {}, {})],
        "c.example": [("old", early, {}, {}), ("new", late, {}, {})],
        "d.example": [("foot", late, {"placement": "footer"}, {}), ("main", early, {}, {})],
        "e.example": [("b", early, {}, {}), ("a", early, {}, {})],
    }
    ledger(
        database,
        [
            read(f"https://{name}/{path}", [link(SHOES, **of_link)], at=at, **of_page)
            for name, some in pages.items()
            for path, at, of_link, of_page in some
        ],
    )
    with open_ledger(database) as conn:
        found = audited(conn, "shop.example")
    assert {one.domain: judged(one).source.rpartition("/")[2] for one in found.domains} == {
        "a.example": "followed", "b.example": "indexable", "c.example": "new", "d.example": "main", "e.example": "a",
    }  # fmt: skip


def test_as_of_a_day_it_says_what_it_said_then(database: str) -> None:
    """A later visit took the link away and says something else; another domain came."""
    ledger(database, PAGES)
    with open_ledger(database) as conn:
        then = audited(conn, "shop.example", as_of=NOW - 50 * DAY)
    later = [
        read("https://runner.example/guide", [], at=NOW - 10 * DAY, title="Moved on", text="Nothing"),
        read("https://new.example/", [link(SHOES)], at=NOW - 10 * DAY),
    ]
    with open_ledger(database, write=True) as conn:
        write_readings(conn, None, later, rules_version=RULES)
    with open_ledger(database) as conn:
        assert audited(conn, "shop.example", as_of=NOW - 50 * DAY) == then
        now = audited(conn, "shop.example")
    assert {one.domain for one in now.domains} == {"kochen.example", "garden.example", "new.example"}
    assert (now.lost, now.lost_30, now.lost_by_cause) == (1, 1, {"removed": 1})
    assert (now.ages["under_30_days"], now.ages["90_to_365_days"]) == (1, 2)


def test_judging_few_of_many(one_database: str) -> None:
    ledger(one_database, PAGES)
    with open_ledger(one_database) as conn:
        found = audited(conn, "shop.example", judge=1)
        assert (found.judged, found.judged_spread, sum(found.bands.values())) == (1, True, 1)
        assert [one.relevance is None for one in found.domains] == [False, True, True]
        assert audited(conn, "shop.example", judge=None).judged == 3
        assert audited(conn, "shop.example", judge=0).judged == 0
        assert len(audited(conn, "shop.example", limit=1).domains) == 1
        assert audited(conn, "never.example").domains == ()


@given(st.integers(0, 60), st.none() | st.integers(0, 70))
@settings(max_examples=examples(40), deadline=None)
def test_a_choice_of_domains_is_spread(number: int, most: int | None) -> None:
    order = list(range(number))
    chosen = spread(order, most)
    assert len(set(chosen)) == len(chosen) == min(number, number if most is None else most)
    assert list(chosen) == sorted(chosen)
    if most and most < number:
        assert chosen[: most - most // 2] == tuple(order[: most - most // 2])


def test_without_evidence_nothing_is_made_up(one_database: str) -> None:
    """Records pruned: the title is still there, words and outlinks are not."""
    ledger(one_database, PAGES)
    with open_ledger(one_database, write=True) as conn:
        empty = "''" if conn.dialect.name == "postgresql" else "x''"
        conn.execute(text(f"UPDATE record SET data = {empty}, text = NULL"))
        rows = by_name(audited(conn, "shop.example"))
    assert rows["runner.example"].external_links is None
    assert judged(rows["runner.example"]).matched == ("running", "shoes")
    assert judged(rows["garden.example"]).band == "low"


def test_the_target_page_says_what_it_is_about(one_database: str) -> None:
    """Without keywords its own title and first heading are the query, whatever the spelling of the URL linked to."""
    own = read("https://www.shop.example/shoes/", [], title="Shoes for trail running", h1=("Trail shoes",))
    ledger(one_database, [*PAGES, own])
    bare = Profile("shop.example", ("Shop",), Section(None, ()), languages=("en",))
    with open_ledger(one_database) as conn:
        runner = judged(by_name(audited(conn, "shop.example", bare))["runner.example"])
    assert runner.band == "high"
    assert set(runner.matched) == {"shoes", "trail", "running"}


# -- small parts -------------------------------------------------------------------------------------------------


def test_months_and_quantiles() -> None:
    assert months([NOW, NOW, NOW - 40 * DAY, None]) == (("2026-12", 1), ("2027-01", 2))
    assert quantiles([10.0, 20.0, 30.0]) == {
        "p10": 12.0, "p25": 15.0, "p40": 18.0, "p50": 20.0, "p75": 25.0, "p90": 28.0,
    }  # fmt: skip
    assert set(quantiles([]).values()) == {None}


PARTLY = PAGES[0].page
assert PARTLY is not None
RECORDS = [
    pytest.param(PARTLY, id="columns"),
    pytest.param(PARTLY._replace(links=()), id="no_links"),
    pytest.param(PARTLY._replace(links=(link(SHOES, "a\x1fb"), link("https://x.example/"))), id="plain"),
    pytest.param(PARTLY._replace(links=(link(SHOES, seen="rendered"), link(SHOES, internal=True))), id="rendered"),
]


@pytest.mark.parametrize("record", RECORDS)
def test_links_of_a_record_in_short(record: Any) -> None:
    assert out_links(Packer().pack(encode(record))) == [
        (
            one.target.url, one.target.host, one.anchor.text, one.anchor.source, one.before, one.after, one.path,
            one.placement, one.followed, one.internal,
        )
        for one in record.links
    ]  # fmt: skip
