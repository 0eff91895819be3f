"""The anchor audit: shares that add up, known figures, sitewide links, repetition, velocity, signs."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, page, reading
from sample import DAY, T0, Sample, SampleLink, SamplePage, SampleVisit, fill, new_ledger, selected

from audit import anchor_sums as sums
from audit.anchor_audit import VIEWS, AnchorAudit, ClassShare
from audit.anchor_class import CLASSES, Classifier
from audit.anchor_shares import CLASS_PLACE, distribution, medians_of
from audit.ask_anchors import anchor_audit_of
from audit.measures import wilson
from audit.profile import Profile, Section, Thresholds
from audit.repeated import joined, stems_in
from cli.targets import parse_target
from crawler.urls import canonical_url
from storage import anchor_uses
from storage.anchor_uses import Part
from storage.engine import Ledger, open_ledger
from storage.filters import LinkFilter, choose
from storage.link_counts import counts
from storage.records import Link, Reading
from storage.targets import resolve
from storage.writer import write_readings

PROFILE = Profile("acme.com", ("Acme",), Section(None, ("running shoes",)), languages=("en",))


def audited(
    database: str,
    links: Sequence[SampleLink],
    profile: Profile = PROFILE,
    *,
    target: str = "acme.com",
    by: Part | None = None,
    limit: int | None = None,
    rivals: dict[str, AnchorAudit] | None = None,
    pages: dict[str, SamplePage] | None = None,
    **filters: object,
) -> AnchorAudit:
    with open_ledger(new_ledger(database), write=True) as conn:
        fill(conn, Sample(links, pages or {}))
        chosen = choose(conn, LinkFilter(**filters), resolve(conn, parse_target(target)))  # type: ignore[arg-type]
        found = anchor_audit_of(conn, chosen, profile, by=by, limit=limit, target=target, rivals=rivals)
        assert found.links == counts(conn, chosen).backlinks, "the links covered are the links counted"
    return found


def shared(rows: Sequence[tuple[int, int, str]]) -> dict[str, ClassShare]:
    """The distribution of (domain, page, class), by name; views under ``view:``."""
    domain, page = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    classes = np.array([CLASS_PLACE[row[2]] for row in rows], np.int64)  # type: ignore[index]
    found, views = distribution(page, domain, classes)
    return {one.name: one for one in found} | {f"view:{one.name}": one for one in views}


# --- known figures -----------------------------------------------------------------------------------


def test_500_links_of_one_domain_each(one_database: str) -> None:
    said = ["Acme"] * 400 + ["running shoes"] * 80 + ["click here"] * 20
    audit = audited(
        one_database,
        [SampleLink(f"https://s{number}.example/", "https://acme.com/", words) for number, words in enumerate(said)],
    )
    branded, exact, generic = (audit.share(name) for name in ("branded", "exact", "generic"))
    assert (branded.links, exact.links, generic.links) == (400, 80, 20)
    for one, share in ((branded, 0.8), (exact, 0.16), (generic, 0.04)):
        assert one.share_links == one.share_domains_split == one.share_pages_split == share
        assert one.gap == 0
    assert exact.interval is not None
    assert [round(end, 3) for end in exact.interval] == [0.130, 0.195]
    for got in (audit.entropy_links, audit.entropy_domains):
        assert round(got, 4) == 0.8663
    for got in (audit.evenness_links, audit.evenness_domains):
        assert round(got, 4) == 0.2733
    for got in (
        audit.concentration_links,
        audit.concentration_domains,
        audit.anchor_concentration_links,
        audit.anchor_concentration_domains,
    ):
        assert math.isclose(got, 0.6672)
    assert audit.distinct_anchors == 3
    assert [one.anchor for one in audit.anchors] == ["Acme", "running shoes", "click here"]
    assert {one.name: one.level for one in audit.signs} == {"exact_share": "notice", "repeated_anchor": "notice"}


def test_one_footer_beside_49_branded_domains() -> None:
    rows = [(0, page, "exact") for page in range(5_000)]
    rows += [(domain, 5_000 + domain, "branded") for domain in range(1, 50)]
    exact = shared(rows)["exact"]
    assert round(exact.share_links, 2) == 0.99
    assert exact.share_domains_split == 0.02
    assert round(exact.gap, 2) == 0.97


def test_a_domain_is_split_over_its_classes() -> None:
    found = shared([(0, 0, "exact"), (0, 1, "branded"), (0, 1, "branded"), (1, 2, "branded")])
    exact, branded = found["exact"], found["branded"]
    assert (exact.domains, branded.domains) == (1, 2)
    assert (exact.share_domains_split, branded.share_domains_split) == (0.25, 0.75)
    assert exact.share_pages_split == pytest.approx(1 / 3)
    assert exact.share_links == 0.25
    assert exact.interval == wilson(0.5, 2)


CASES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.sampled_from(CLASSES)).map(
        lambda row: (row[0], row[0] * 4 + row[1], row[2])
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=examples(60), deadline=None)
@given(CASES)
def test_shares_are_those_of_plain_loops_and_add_up(rows: list[tuple[int, int, str]]) -> None:
    found = shared(rows)
    for place, measure in ((0, "share_domains_split"), (1, "share_pages_split")):
        used: dict[int, set[str]] = defaultdict(set)
        for row in rows:
            used[row[0] if place == 0 else row[1]].add(row[2])
        for name in map(str, CLASSES):
            wanted = sum((Fraction(1, len(of)) for of in used.values() if name in of), Fraction(0)) / len(used)
            assert getattr(found[name], measure) == pytest.approx(float(wanted))
        assert math.isclose(math.fsum(getattr(found[name], measure) for name in CLASSES), 1)
        assert math.isclose(math.fsum(getattr(found[f"view:{name}"], measure) for name in VIEWS), 1)
    for name in map(str, CLASSES):
        of = [row for row in rows if row[2] == name]
        one = found[name]
        assert (one.links, one.domains, one.pages) == (len(of), len({row[0] for row in of}), len({r[1] for r in of}))
    for name, members in VIEWS.items():
        of = [row for row in rows if row[2] in members]
        view = found[f"view:{name}"]
        assert (view.links, view.domains, view.pages) == (len(of), len({row[0] for row in of}), len({r[1] for r in of}))


@settings(max_examples=examples(30), deadline=None)
@given(CASES, st.randoms())
def test_numbering_changes_no_figure(rows: list[tuple[int, int, str]], dice: object) -> None:
    """Ids are drawn anew in each ledger: two of them must say the same to the last digit."""
    numbers = list(range(40))
    dice.shuffle(numbers)  # type: ignore[attr-defined]
    again = [(numbers[domain], numbers[page], name) for domain, page, name in rows]
    assert shared(rows) == shared(again)
    one, other = (np.array([row[1] for row in of]) for of in (rows, again))
    domains, others = (np.array([row[0] for row in of]) for of in (rows, again))
    assert sums.split_concentration(one, domains) == sums.split_concentration(other, others)
    assert sums.concentration(one) == sums.concentration(other)


# --- from a ledger -----------------------------------------------------------------------------------

MIXED = [
    SampleLink("https://a.org/1", "https://acme.com/", "Acme"),
    SampleLink("https://a.org/1", "https://acme.com/x", "ACME", link_no=0, placement="footer", rel=("nofollow",)),
    SampleLink("https://b.org/1", "https://acme.com/x", "running shoes", rel=("ugc", "nofollow")),
    SampleLink("https://b.org/2", "https://acme.com/", "Running  Shoes", placement="nav", first_seen=T0 + 40 * DAY),
    SampleLink("https://c.org/1", "https://acme.com/x", "trail guide", gone_at=T0 + 2 * DAY, last_seen=T0 + DAY),
    SampleLink("https://c.org/1", "https://acme.com/", "read more", page_nofollow=("meta_robots",)),
    SampleLink("https://d.org/1", "https://acme.com/x", "trail guide", anchor_source="img_alt"),
]


def test_spellings_that_fold_alike_are_one_anchor(one_database: str) -> None:
    audit = audited(one_database, MIXED)
    assert (audit.links, audit.referring_pages, audit.referring_domains, audit.distinct_anchors) == (6, 5, 4, 4)
    listed = [(one.anchor, one.anchor_class, one.links, one.pages, one.domains) for one in audit.anchors]
    assert listed == [
        ("ACME", "branded", 2, 1, 1),
        ("Running  Shoes", "exact", 2, 2, 1),
        ("read more", "generic", 1, 1, 1),
        ("trail guide", "other", 1, 1, 1),
    ]
    assert audit.anchors[-1].source == "img_alt"


PARTS: dict[Part, dict[str, tuple[int, int]]] = {
    "placement": {"main": (4, 4), "footer": (1, 1), "nav": (1, 1)},
    "rel": {"followed": (3, 3), "nofollow": (2, 2), "ugc": (1, 1), "page_nofollow": (1, 1)},
    "target": {"https://acme.com/": (3, 3), "https://acme.com/x": (3, 3)},
    "language": {"": (6, 4)},
    "first-seen": {"2026-09": (5, 4), "2026-10": (1, 1)},
}


@pytest.mark.parametrize("by", anchor_uses.PARTS)
@pytest.mark.parametrize("target", ["acme.com", "https://acme.com/x"])
def test_parts(one_database: str, by: Part, target: str) -> None:
    audit = audited(one_database, MIXED, by=by, target=target)
    found = {one.part: (one.links, one.domains) for one in audit.by}
    if target == "acme.com":
        assert found == PARTS[by]
    else:
        assert audit.links == 3
        assert by == "rel" or sum(links for links, _ in found.values()) == 3
    for one in audit.by:
        assert math.isclose(math.fsum(share.share_domains_split for share in one.classes), 1)


def test_a_page_with_a_section_of_its_own_is_judged_by_it(one_database: str) -> None:
    own = replace(PROFILE, pages=(Section("http://www.acme.com/x/", ("trail guide",)),))
    before, after = (audited(one_database, MIXED, profile) for profile in (PROFILE, own))
    assert (before.share("exact").domains, after.share("exact").domains) == (1, 2)
    judged = {one.anchor: one.anchor_class for one in after.anchors}
    assert judged["trail guide"] == "exact"
    assert {one.anchor: one.anchor_class for one in before.anchors}["trail guide"] == "other"


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, None])
def test_a_limit_shortens_lists_and_changes_no_count(one_database: str, limit: int | None) -> None:
    whole, cut = audited(one_database, MIXED), audited(one_database, MIXED, limit=limit)
    assert cut.anchors == whole.anchors[:limit]
    assert replace(cut, anchors=(), repeated=()) == replace(whole, anchors=(), repeated=())


def test_nothing_to_audit(one_database: str) -> None:
    audit = audited(one_database, MIXED, source=("nobody.org",), by="target")
    assert (audit.links, audit.referring_domains, audit.enough, audit.anchors, audit.signs) == (0, 0, False, (), ())
    assert audit.share("exact").interval is None


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param({"as_of": T0 + 20 * DAY, "state": "any"}, id="as_of"),
        pytest.param({"lost_after": 2}, id="lost_after"),
        pytest.param({"followed": True, "placement": ("main", "nav")}, id="by_link"),
        pytest.param({"indexable": True, "confirmed_since": T0}, id="by_page"),
    ],
)
def test_filters_hold_as_for_counts(one_database: str, filters: dict[str, object]) -> None:
    """`audited` compares the links covered with those counted."""
    for target in ("acme.com", "https://acme.com/x"):
        for by in ("rel", "language"):
            audit = audited(one_database, MIXED, target=target, by=by, **filters)  # type: ignore[arg-type]
            assert audit.links
            assert math.fsum(one.share_domains_split for one in audit.classes) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(examples(4)))
def test_classes_are_counted_as_by_plain_loops(one_database: str, seed: int) -> None:
    """Random small ledgers: each link judged by itself and counted link by link."""
    dice = random.Random(seed)
    said = ("Acme", "ACME", "running shoes", "shoes for running", "click here", "", "acme.com", "Bob Smith")
    numbers: dict[tuple[str, str], int] = {}
    links = []
    for _ in range(25):
        source = f"https://{dice.choice(('a.org', 'b.org', 'c.org', 'www.acme.com'))}/{dice.randrange(3)}"
        target = f"https://acme.com/{dice.randrange(2) or ''}"
        number = numbers[source, target] = numbers.get((source, target), -1) + 1
        words = dice.choice(said)
        gone = {"gone_at": T0 + 2 * DAY, "last_seen": T0 + DAY} if dice.random() < 0.2 else {}
        links.append(
            SampleLink(
                source, target, words, link_no=number, anchor_source="text" if words else "none",
                rel=("nofollow",) if dice.random() < 0.3 else (), **gone,  # type: ignore[arg-type]
            )
        )  # fmt: skip
    judge = Classifier(PROFILE)
    for filters in ({}, {"kind": "any", "state": "any"}, {"followed": True}):
        audit = audited(one_database, links, **filters)
        chosen = selected(Sample(links), LinkFilter(**filters))
        of = [(one, judge.judge(one.anchor, source=one.anchor_source).anchor_class) for one in chosen]
        used: dict[str, set[str]] = defaultdict(set)
        for one, name in of:
            used[canonical_url(one.source).domain].add(name)
        for share in audit.classes:
            mine = [one for one, name in of if name == share.name]
            assert (share.links, share.pages) == (len(mine), len({one.source for one in mine}))
            split = math.fsum(1 / len(names) for names in used.values() if share.name in names)
            assert share.share_domains_split == pytest.approx(split / len(used))


def test_lost_links_are_judged_when_asked_for(one_database: str) -> None:
    assert audited(one_database, MIXED, state="lost").share("other").links == 1


@pytest.mark.parametrize("loose", [0, 2], ids=["each_page_looked_up", "a_stretch_of_pages_read"])
def test_languages_and_arrivals_of_what_was_read(
    one_database: str, loose: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the writer: two visits of some pages, one of others; and a page that is none of the linking ones."""
    monkeypatch.setattr(anchor_uses, "_LOOSE", loose)
    shop = "https://acme.com/"

    def read(source: str, links: list[Link | tuple[str, str]], at: int, lang: str | None) -> Reading:
        return reading(source, links, at, page=page(source, links, lang=lang))

    visits = [
        read("https://a.org/1", [(shop, "Acme")], T0, "de-AT"),
        read("https://a.org/1", [(shop, "Acme"), (shop, "running shoes")], T0 + 3 * DAY, "de-AT"),
        read("https://b.org/1", [(shop, "read more")], T0, "EN"),
        read("https://b.org/1", [(shop, "Running shoes")], T0 + 5 * DAY, "EN"),
        read("https://c.org/1", [(shop, "running shoes")], T0 + 2 * DAY, None),
        read("https://d.org/1", [(shop, "Acme")], T0 + DAY, "x"),
        read("https://e.org/1", [("https://rival.com/", "Rival")], T0 - 9 * DAY, "fr"),
        read("https://e.org/1", [("https://rival.com/", "Rival")], T0 + 50 * DAY, "fr"),
    ]
    new_ledger(one_database)
    with Ledger(one_database) as ledger:
        write_readings(ledger, None, visits, rules_version=RULES)
        with ledger.connect() as conn:
            chosen = choose(conn, LinkFilter(), resolve(conn, parse_target("acme.com")))
            audit = anchor_audit_of(conn, chosen, PROFILE, by="language")
    assert {one.part: one.links for one in audit.by} == {"de": 2, "en": 1, "": 2}
    assert audit.flags["lang_mismatch"] == 2
    speed = audit.velocity
    assert speed is not None
    assert (speed.seen_from, speed.seen_to) == (T0, T0 + 5 * DAY)
    assert (speed.arrived, speed.money_domains, speed.money_part) == (2, 2, 1.0)
    assert speed.per_day == (("2026-09-24", 1), ("2026-09-26", 1))
    assert speed.days_of_80_percent == 3


# --- sitewide, repeated ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("linking", "read", "found"),
    [
        pytest.param(10, 20, True, id="half_of_the_known_pages"),
        pytest.param(10, 21, False, id="less_than_half"),
        pytest.param(9, 9, False, id="too_few_pages"),
    ],
)
def test_sitewide(one_database: str, linking: int, read: int, found: bool) -> None:
    links = [SampleLink(f"https://big.org/{number}", "https://acme.com/", "Acme") for number in range(linking)]
    links += [SampleLink(f"https://big.org/{number}", "https://acme.com/x", "other words") for number in range(3)]
    others = {f"https://big.org/{number}": SamplePage() for number in range(linking, read)}
    unread = {"https://big.org/never": SamplePage(last_ok=None)}
    audit = audited(one_database, links, pages=others | unread)
    said = [(one.domain, one.anchor, one.target, one.pages, one.known_pages) for one in audit.sitewide]
    assert said == ([("big.org", "acme", "https://acme.com/", linking, read)] if found else [])


def test_near_duplicates_are_joined() -> None:
    folds = ["running shoes", "shoes running", "running shoe", "blue shoes", "→"]
    assert joined(folds, stems_in("en")) == [0, 0, 0, 3, 4]


def test_repeated_wordings_leave_brands_out(one_database: str) -> None:
    said = ["Acme", "Acme", "Acme", "red shoes", "Shoes red", "red shoe", "blue hat", "https://acme.com/"]
    links = [SampleLink(f"https://s{place}.org/", "https://acme.com/", words) for place, words in enumerate(said)]
    repeated = audited(one_database, links).repeated
    assert [(one.spellings, one.links, one.domains, one.share_domains) for one in repeated] == [(3, 3, 3, 3 / 8)]


# --- velocity ----------------------------------------------------------------------------------------


def test_no_velocity_before_two_visits(one_database: str) -> None:
    links = [SampleLink("https://a.org/", "https://acme.com/", "running shoes")]
    once = {"https://a.org/": SamplePage(last_ok=T0, visits=(SampleVisit(T0),))}
    audit = audited(one_database, links, pages=once)
    assert audit.velocity is None
    assert audit.no_velocity is not None
    assert "read twice" in audit.no_velocity


def test_only_what_arrived_on_a_known_page_counts() -> None:
    page_first_seen, arrived = 0, 1
    rows = sums.gather(
        [
            [  # text, target, domain and kind, page, first seen
                (1, 1, 1 << 6 | arrived, 1, T0 + 5 * DAY),
                (2, 1, 2 << 6 | page_first_seen, 2, T0 + 5 * DAY),
                (1, 1, 3 << 6 | page_first_seen, 3, T0),
                (1, 1, 3 << 6 | arrived, 4, T0 + 3 * DAY),  # the domain used such words before
                (1, 1, 4 << 6 | arrived, 5, T0 + 2 * DAY),
                (1, 1, 4 << 6 | page_first_seen, 6, T0 + 4 * DAY),
            ]
        ]
    )
    assert sums.first_arrivals(rows, np.ones(6, np.bool_)).tolist() == [T0 + 2 * DAY, T0 + 5 * DAY]
    assert sums.first_arrivals(rows, np.zeros(6, np.bool_)).tolist() == []


# --- signs, competitors -------------------------------------------------------------------------------


def test_thresholds_are_the_profiles(one_database: str) -> None:
    links = [SampleLink(f"https://s{number}.org/", "https://acme.com/", "running shoes") for number in range(19)]
    few = audited(one_database, links)
    assert (few.enough, few.signs) == (False, ())
    asked = audited(one_database, links, replace(PROFILE, thresholds=Thresholds(least_domains=19, exact_warn=1.0)))
    assert [(one.name, one.level) for one in asked.signs if one.name == "exact_share"] == [("exact_share", "notice")]


def test_competitors(one_database: str) -> None:
    links = [SampleLink(f"https://s{number}.org/", "https://acme.com/", "running shoes") for number in range(20)]
    mine = audited(one_database, links)
    asked = replace(PROFILE, thresholds=Thresholds(least_domains=4))
    other = audited(one_database, MIXED, asked)
    few = audited(one_database, MIXED, asked, source=("a.org",))
    audit = audited(one_database, links, rivals={"one": other, "two": mine, "few": few})
    assert audit.medians["exact"] == pytest.approx((0.25 + 1) / 2)
    assert set(audit.divergences) == {"one", "two"}
    assert audit.thin == {"few": 1}
    assert audit.divergences["two"] == 0
    assert 0 < audit.divergences["one"] < 1
    assert audit.view_medians["money"] == pytest.approx((other.share("money").share_domains_split + 1) / 2)
    assert medians_of([]) == {}
