"""The own score: a graph ranked by hand, by a plain oracle, and read from a ledger; scales and how they are shown."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, failed, link, page, reading, url
from sqlalchemy import Connection

from audit.ask_authority import NothingToRank, UnknownSeeds, compute, graph_from, keep
from audit.authority import Standing, confidence, own_scale, standing
from audit.graph_rank import Graph, Harmonic, graph_of, harmonic, page_rank, rank, teleport_of, trust
from storage.authority import (
    Scale,
    StoredFigure,
    Value,
    drop_scales,
    figures,
    find_scale,
    known_domains,
    newest,
    ranked,
    save_scale,
    scales,
)
from storage.backup import backup
from storage.check import check
from storage.dump import dump
from storage.engine import Ledger, create_ledger
from storage.errors import UnknownName
from storage.reclassify import reclassify
from storage.records import Hop, Link, Reading
from storage.writer import write_readings

Edges = Sequence[tuple[int, int]]
NOW = 1_790_000_000_000
A, B, C, D = range(4)
CHECKED: Edges = ((A, C), (B, C), (C, A))


def build(conn: Connection, *, now: int, prior: Scale | None = None, seeds: Sequence[str] = ()) -> Scale:
    """Both steps in one transaction, where nobody else writes."""
    return keep(conn, compute(conn, prior=prior, seeds=seeds), now=now)


def graph(nodes: int, edges: Edges) -> Graph:
    return graph_of(nodes, np.array([u for u, _ in edges], np.int32), np.array([v for _, v in edges], np.int32))


def plain_rank(nodes: int, edges: Edges, t: Sequence[float]) -> list[float]:
    """The formula word by word, for 400 rounds."""
    kept = {(u, v) for u, v in edges if u != v}
    out = [sum(1 for u, _ in kept if u == node) for node in range(nodes)]
    p = list(t)
    for _ in range(400):
        dangling = sum(p[node] for node in range(nodes) if not out[node])
        p = [
            0.85 * (sum(p[u] / out[u] for u, v in kept if v == node) + dangling * t[node]) + 0.15 * t[node]
            for node in range(nodes)
        ]
    return p


def plain_harmonic(nodes: int, edges: Edges) -> list[float]:
    """One search a node."""
    total = [0.0] * nodes
    for start in range(nodes):
        distance = {start: 0}
        waiting = [start]
        for node in waiting:
            for v in {v for u, v in edges if u == node} - distance.keys():
                distance[v] = distance[node] + 1
                waiting.append(v)
        for node, far in distance.items():
            total[node] += 1 / far if far else 0
    return total


def test_four_nodes_have_the_scores_of_the_definition() -> None:
    found = rank(graph(4, CHECKED))
    assert found.p.round(4).tolist() == [0.4414, 0.0476, 0.4633, 0.0476]
    assert found.ratio.round(2).tolist() == [9.27, 1.0, 9.73, 1.0]
    assert found.score[[A, C]].tolist() == [98, 100]
    assert np.isnan(found.score[[B, D]]).all(), "no known in-link is unknown, not 0"


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    nodes = draw(st.integers(1, 9))
    node = st.integers(0, nodes - 1)
    return nodes, draw(st.lists(st.tuples(node, node), max_size=30))


@settings(max_examples=examples(60), deadline=None)
@given(graphs(), st.data())
def test_any_graph_is_ranked_as_a_plain_reading_of_the_formula_does(
    given_: tuple[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    nodes, edges = given_
    prior = data.draw(st.lists(st.one_of(st.just(math.nan), st.floats(0.01, 9)), min_size=nodes, max_size=nodes))
    t = teleport_of(nodes, np.array(prior))
    web = graph(nodes, edges)
    found = page_rank(web, t)
    assert found.p == pytest.approx(plain_rank(nodes, edges, t.tolist()), abs=1e-7)
    assert found.p.sum() == pytest.approx(1)
    assert harmonic(web).value == pytest.approx(plain_harmonic(nodes, edges))
    scored = rank(web, np.array(prior))
    linked = {v for u, v in edges if u != v}
    assert {node for node in range(nodes) if not np.isnan(scored.score[node])} == linked | {
        node for node, value in enumerate(prior) if not math.isnan(value)
    }
    assert np.nanmin(np.append(scored.score, 0)) >= 0
    assert np.nanmax(np.append(scored.score, 0)) <= 100
    assert scored.ratio.min() >= 1 - 1e-6, "nobody has less than a node without prior and in-links"


def test_a_prior_is_where_the_reader_goes_and_the_lowest_tenth_stands_for_the_unknown() -> None:
    prior = np.array([math.nan, *range(1, 21)], dtype=float)
    t = teleport_of(21, prior)
    assert t[0] == pytest.approx(1.5 / (1.5 + 210)), "the mean of 1 and 2, the lowest two of twenty"
    assert t.sum() == pytest.approx(1)
    found = rank(graph(4, CHECKED), np.array([math.nan, math.nan, math.nan, 5.0]))
    assert not np.isnan(found.score[D]), "no in-link, but a prior"
    assert np.isnan(found.score[B])


def test_without_any_link_nothing_is_scored() -> None:
    found = rank(graph(3, []))
    assert np.isnan(found.score).all()
    assert found.largest == pytest.approx(1)


def test_trust_comes_from_the_seeds_alone() -> None:
    web = graph(5, [(0, 1), (1, 2), (3, 4)])
    found = trust(web, np.array([0], np.int32))
    assert found.tolist()[3:] == [0, 0], "no path from the seed"
    assert found[0] == 100
    assert 0 < found[2] < found[1] < 100


def test_of_many_nodes_a_part_is_followed_and_scaled_up() -> None:
    dice = np.random.default_rng(3)
    source, target = dice.integers(0, 2000, (2, 16_000)).astype(np.int32)
    web = graph_of(2000, source, target)
    whole, some = harmonic(web), harmonic(web, work=3 * web.edges)
    assert (whole.followed, some.followed, some.of) == (whole.of, 192, whole.of)
    linked = whole.value > 0
    off = some.value[linked] / whole.value[linked] - 1
    assert abs(float(off.mean())) < 0.02
    assert float(np.abs(off).max()) < 0.15
    assert isinstance(some, Harmonic)


# -- from a ledger -------------------------------------------------------------------------------------------------


def u(name: str, path: str = "") -> str:
    return f"https://{name}.example/{path}"


def nofollow(target: str) -> Link:
    return link(target, rel=("nofollow",), follow_cause=("rel",))


READ: list[Reading] = [
    reading(u("a", "1"), [(u("c"), "x"), (u("c", "deep"), "twice"), (u("a", "own"), "internal")], 1000),
    reading(u("a", "2"), [(u("c"), "x")], 1000),
    reading(u("b"), [(u("c"), "x"), nofollow(u("a"))], 1000),
    reading(u("c"), [(u("a"), "x")], 1000),
    reading(u("hidden"), [], 1000, page=page(u("hidden"), [(u("a"), "x")], not_indexable=("meta_robots",))),
]


def edges_of(ledger: Ledger) -> set[tuple[str, str]]:
    with ledger.connect() as conn:
        web = graph_from(conn)
        names = dict(map(tuple, conn.exec_driver_sql("SELECT id, name FROM domain")))
    ends = np.repeat(web.graph.heads, np.diff(web.graph.starts, append=web.graph.edges))
    short = [names[int(id_)].removesuffix(".example") for id_ in web.ids]
    return {(short[of], short[to]) for of, to in zip(web.graph.source, ends, strict=True)}


def write(database: str, *batches: list[Reading]) -> Ledger:
    create_ledger(database, psl="test", now=1)
    ledger = Ledger(database)
    for batch in batches:
        write_readings(ledger, None, batch, rules_version=RULES)
    return ledger


def test_an_edge_is_a_live_followed_link_of_an_indexable_page(database: str) -> None:
    with write(database, READ) as ledger:
        assert edges_of(ledger) == {("a", "c"), ("b", "c"), ("c", "a")}
        write_readings(ledger, None, [reading(u("b"), [], 2000)], rules_version=RULES)
        assert edges_of(ledger) == {("a", "c"), ("c", "a")}


def test_links_count_for_where_they_lead(database: str) -> None:
    """old redirects to new, and new names another domain as canonical."""
    pages = [
        reading(u("a", "1"), [(u("old", "x"), "o")], 1000),
        reading(u("b"), [(u("old", "x"), "o"), (u("old", "stays"), "s")], 1000),
        reading(u("old", "y"), [(u("old", "x"), "internal")], 1000),
    ]
    moved = reading(u("new"), [], 2000, requested=u("old", "x"), chain=(Hop(url(u("old", "x")), 301),))
    elsewhere = page(u("new"), [], canonical=u("final"), canonical_source="element", not_indexable=("canonical",))
    named = reading(u("new"), [], 3000, page=elsewhere)
    back = reading(u("old", "x"), [], 4000)
    with write(database, pages) as ledger:
        assert edges_of(ledger) == {("a", "old"), ("b", "old")}
        write_readings(ledger, None, [moved], rules_version=RULES)
        assert edges_of(ledger) == {("a", "new"), ("b", "old"), ("b", "new"), ("old", "new")}
        write_readings(ledger, None, [named], rules_version=RULES)
        assert edges_of(ledger) == {("a", "new"), ("b", "old"), ("b", "new"), ("old", "new")}, "final is not known yet"
        write_readings(ledger, None, [reading(u("final"), [], 3000)], rules_version=RULES)
        assert edges_of(ledger) == {("a", "final"), ("b", "old"), ("b", "final"), ("old", "final")}
        write_readings(ledger, None, [back], rules_version=RULES)
        assert edges_of(ledger) == {("a", "old"), ("b", "old")}


def test_a_temporary_redirect_counts_where_a_document_was_read(database: str) -> None:
    chains = {name: (Hop(url(u("old", name)), 302),) for name in ("there", "wall")}
    pages = [
        reading(u("a"), [(u("old", "there"), "x"), (u("old", "wall"), "y")], 1000),
        reading(u("shop"), [], 1000, requested=u("old", "there"), chain=chains["there"]),
        reading(u("login"), [], 1000, requested=u("old", "wall"), chain=chains["wall"], outcome="suspect"),
    ]
    with write(database) as ledger:
        with ledger.begin() as conn:
            conn.exec_driver_sql("INSERT INTO crawl (id, plan, state, started_at) VALUES (1, '{}', 'running', 0)")
        write_readings(ledger, 1, pages, rules_version=RULES)
        assert edges_of(ledger) == {("a", "shop"), ("a", "old")}, "a log-in wall is not where a link leads"


def test_each_build_is_a_scale_of_its_own(database: str) -> None:
    with write(database, READ) as ledger:
        with ledger.begin() as conn:
            first = build(conn, now=NOW)
            second = build(conn, now=NOW + 1, seeds=["c.example"])
        with ledger.connect() as conn:
            known = scales(conn)
            assert [one.id for one in known] == [second.id, first.id], "the newest first"
            ids = known_domains(conn, ["a.example", "b.example", "c.example"])
            now = figures(conn, ids.values())
            before = figures(conn, ids.values(), of=[first])
    about = first.about
    assert (about["nodes"], about["edges"], about["known_domains"], about["crawled_domains"]) == (4, 3, 4, 4)
    assert (about["pages"], about["pages_per_domain"], about["crawl_share"]) == (5, 1.25, 1.0)
    assert about["largest_ratio"] == pytest.approx(9.73, abs=0.01)
    assert (about["version"], second.about["version"]) == (1, 2)
    assert {id_: [(one.value, one.place, one.referring) for one in some] for id_, some in before.items()} == {
        ids["a.example"]: [(98, 2, 1)],
        ids["c.example"]: [(100, 1, 2)],
    }
    assert before[ids["c.example"]][0].trust is None
    assert now[ids["c.example"]][0].trust == 100
    assert now[ids["c.example"]][0].harmonic == 2


def test_what_cannot_be_built_keeps_nothing(one_database: str) -> None:
    with write(one_database) as ledger, ledger.begin() as conn, pytest.raises(NothingToRank):
        build(conn, now=NOW)
    with Ledger(one_database) as ledger:
        write_readings(ledger, None, [failed(u("a"), 1)], rules_version=RULES)
        with ledger.begin() as conn, pytest.raises(UnknownSeeds, match=r"nowhere\.example"):
            build(conn, now=NOW, seeds=["nowhere.example", "a.example"])


# -- scales --------------------------------------------------------------------------------------------------------


def test_the_newest_scale_of_each_name_speaks_and_the_same_date_is_replaced(database: str) -> None:
    with write(database, READ) as ledger:
        with ledger.begin() as conn:
            ids = known_domains(conn, ["a.example", "c.example"])
            a = ids["a.example"]
            for dated, value in (("2026-02-01", 2.0), ("2026-03-01", 3.0), ("2026-03-01", 4.0), ("2026-01-01", 1.0)):
                save_scale(
                    conn,
                    kind="import",
                    name="Tool",
                    measure="DR",
                    dated=dated,
                    about={},
                    values=[Value(a, value)],
                    now=1,
                )
            save_scale(
                conn, kind="prior", name="Web", measure="h", dated="2026-01-01", about={}, now=2,
                values=[Value(a, 7.0, 3, 0.5)],
            )  # fmt: skip
            built = build(conn, now=NOW, prior=find_scale(conn, "Web", kind="prior"))
        with ledger.connect() as conn:
            found = figures(conn, ids.values())
            assert [(one.kind, one.value, one.dated) for one in found[a]][:2] == [
                ("import", 4.0, "2026-03-01"),
                ("prior", 7.0, "2026-01-01"),
            ]
            assert len(scales(conn)) == 5
            assert found[a][2].prior, "the prior behind the own score knows a.example"
            assert not found[ids["c.example"]][0].prior
            assert [name for name, _ in ranked(conn, built)] == ["c.example", "a.example"]
        assert built.about["prior"] == {"name": "Web", "measure": "h", "dated": "2026-01-01", "domains": 1}
        with ledger.begin() as conn:
            assert [one.dated for one in drop_scales(conn, "Tool", dated="2026-03-01")] == ["2026-03-01"]
            assert figures(conn, [a])[a][0].value == 2.0
            assert len(drop_scales(conn, "Tool")) == 2
            with pytest.raises(UnknownName, match="Web"):
                drop_scales(conn, "Tool")


def test_imported_figures_go_where_the_ledger_goes(database: str, tmp_path: Path) -> None:
    """Into a copy as they are, into an export by name; not with a domain that is none any more."""
    with write(database, READ) as ledger:
        with ledger.begin() as conn:
            ids = known_domains(conn, ["a.example", "c.example"])
            values = sorted(Value(id_, 61.25) for id_ in ids.values())
            save_scale(
                conn, kind="import", name="Tool", measure="DR", dated="2026-03-01", about={"file": "f"}, now=1,
                values=values,
            )  # fmt: skip
            build(conn, now=NOW)
        copy = tmp_path / "copy.db"
        backup(ledger, copy)
        with ledger.connect() as conn, Ledger(str(copy)) as copied, copied.connect() as other:
            assert figures(conn, ids.values()) == figures(other, ids.values())
            told = [line for line in dump(conn) if '"kind":"scale"' in line or '"kind":"figure"' in line]
        assert [json.loads(line).get("domain") for line in told] == [None, "a.example", "c.example"], "no own score"
        reclassify(ledger, lambda host: host.replace("c.", "d."), lambda host: host, psl="other")
        with ledger.connect() as conn:
            assert figures(conn, ids.values()).keys() == {ids["a.example"]}
            assert [one for one in check(conn) if one.wrong] == []


def own(share: float) -> Scale:
    return Scale(9, "own", "x", "authority", "2026-11-01T00:00:00.000Z", 1, {"crawl_share": share, "domains": 1})


def stored(scale: Scale, value: float, referring: int | None = None, *, prior: bool = False) -> StoredFigure:
    head = (scale.kind, scale.name, scale.measure, scale.dated)
    return StoredFigure(*head, value, 1, 2.0, referring, 1.5, None, scale, prior)


TOOL = Scale(1, "import", "Tool", "DR", "2026-10-01", 1, {})


def test_under_a_tenth_crawled_the_score_is_blank_and_referring_domains_speak() -> None:
    blank = standing([stored(TOOL, 70.0), stored(own(0.0999), 55.0, 12)], own(0.0999))
    assert (blank.score, blank.blank, blank.referring_domains) == (None, True, 12)
    assert [(one.name, one.value, one.own) for one in blank.figures] == [("Tool DR", 70.0, False)]
    shown = standing([stored(TOOL, 70.0), stored(own(0.1), 55.0, 12)], own(0.1))
    assert (shown.score, shown.blank) == (55.0, False)
    assert [(one.name, one.dated, one.own) for one in shown.figures] == [
        ("Tool DR", "2026-10-01", False),
        ("linkledger authority", "2026-11-01", True),
    ]
    assert standing([], own(0.5)) == Standing((), None, False, 0, None, None, "high")
    assert standing([], None) == Standing((), None, False, None, None, None, None)
    assert own_scale(newest([own(0.1), TOOL])) == own(0.1)


CONFIDENCE = [  # id, crawl share, referring domains, prior, confidence
    ("prior", 0.0, 0, True, "high"),
    ("four_tenths", 0.40, 0, False, "high"),
    ("under_four_tenths", 0.3999, 0, False, "medium"),
    ("a_tenth", 0.10, 0, False, "medium"),
    ("ten_referring", 0.0, 10, False, "medium"),
    ("neither", 0.0999, 9, False, "low"),
]


@pytest.mark.parametrize(
    ("share", "referring", "prior", "expected"), [pytest.param(*row[1:], id=row[0]) for row in CONFIDENCE]
)
def test_confidence(share: float, referring: int, prior: bool, expected: str) -> None:
    assert confidence(share, referring, prior=prior) == expected
