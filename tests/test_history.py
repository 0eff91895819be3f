"""Events derived from versions: what each stage of a link's story comes to, and the same by plain loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from proof import examples
from readings import reading
from sample import new_ledger
from sqlalchemy import Connection
from stories import DAY, T0, Gone, Read, Stands, Story, tell

from cli.targets import parse_target
from crawler.urls import canonical_url
from storage.anchor_history import ChangedAnchor, anchor_tally, changed_anchors
from storage.anchor_rows import AnchorFilter
from storage.engine import Ledger, open_ledger
from storage.episodes import chapters, page_read
from storage.events import ALL, CHANGES, Tally, Wanted, Window
from storage.filters import Chosen, LinkFilter, choose
from storage.history import Change, changed_links, changes, crawl_window, read_once, tally
from storage.targets import resolve
from storage.times import to_iso
from storage.writer import write_readings

A, B, OWN = "https://alpha.org/1", "https://blog.beta.org/1", "https://acme.com/about"
HOME, SHOP = "https://acme.com/", "https://shop.acme.com/x"
EVERYTHING = Wanted(first_seen=True, moved=True)


def about(conn: Connection, target: str | None = "acme.com", **given: Any) -> Chosen:
    return choose(conn, LinkFilter(**given), resolve(conn, None if target is None else parse_target(target)))


def day(number: int) -> int:
    return T0 + number * DAY


STORIES: list[tuple[str, list[Stands | Gone], list[Any]]] = [  # id, stages, day and values of each event
    (
        "first_seen_with_its_page",
        [Stands(day(0), "page_first_seen")],
        [(0, "link_added", "page_first_seen", None, None)],
    ),
    ("added", [Stands(day(1), "link_added")], [(1, "link_added", "link_added", None, None)]),
    ("moved_in", [Stands(day(1), "moved")], [(1, "link_added", "moved", None, None)]),
    ("found_by_re_reading_is_no_event", [Stands(day(1), "reread")], []),
    (
        "removed",
        [Stands(day(0), "link_added"), Gone(day(2))],
        [(2, "link_lost", "removed", None, None), (0, "link_added", "link_added", None, None)],
    ),
    (
        "lost_by_re_reading_is_no_event",
        [Stands(day(0), "link_added"), Gone(day(2), "reread")],
        [(0, "link_added", "link_added", None, None)],
    ),
    (
        "moved_away",
        [Stands(day(0), "link_added"), Gone(day(2), "moved")],
        [(2, "link_lost", "moved", None, None), (0, "link_added", "link_added", None, None)],
    ),
    (
        "restored_with_other_words_is_no_edit",
        [Stands(day(0), "link_added"), Gone(day(1), "page_not_found"), Stands(day(2), "restored", words="Other")],
        [
            (2, "link_restored", "restored", None, None),
            (1, "link_lost", "page_not_found", None, None),
            (0, "link_added", "link_added", None, None),
        ],
    ),
    (
        "words_edited",
        [Stands(day(0), "reread"), Stands(day(1), words="Acme tools")],
        [(1, "anchor_changed", None, "Acme", "Acme tools")],
    ),
    (
        "words_gone",
        [Stands(day(0), "reread"), Stands(day(1), words="", words_from="none")],
        [(1, "anchor_changed", None, "Acme", "")],
    ),
    (
        "the_same_words_from_an_image",
        [Stands(day(0), "reread"), Stands(day(1), words_from="img_alt", image=True)],
        [(1, "anchor_form_changed", None, "text", "img_alt with image")],
    ),
    (
        "rel_and_followed",
        [Stands(day(0), "reread"), Stands(day(1), rel=("nofollow", "noopener")), Stands(day(2), rel=("ugc",))],
        [
            (2, "rel_changed", None, "nofollow noopener", "ugc"),
            (1, "rel_changed", None, "", "nofollow noopener"),
            (1, "followed_changed", None, "followed", "not followed"),
        ],
    ),
    (
        "everything_at_once",
        [Stands(day(0), "reread"), Stands(day(1), words="x", placement="nav", element="area", hidden=True)],
        [
            (1, "anchor_changed", None, "Acme", "x"),
            (1, "placement_changed", None, "main", "nav"),
            (1, "element_changed", None, "a", "area"),
            (1, "hidden_changed", None, "visible", "hidden"),
        ],
    ),
    (
        "an_unchanged_visit_is_no_event",
        [Stands(day(0), "reread"), Stands(day(1)), Stands(day(2))],
        [],
    ),
]  # fmt: skip


def test_what_a_story_comes_to(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:
        for name, stages, expected in STORIES:
            tell(conn, [Story(A, HOME, stages)])
            found = [
                ((one.at - T0) // DAY, one.change, one.cause, one.old, one.new)
                for one in changes(conn, about(conn), EVERYTHING)
            ]
            assert found == expected, name


def test_a_page_that_leaves_the_index_devalues_the_links_that_stand_on_it(database: str) -> None:
    stories = [
        Story(A, HOME, [Stands(day(0), "page_first_seen")]),
        Story(A, SHOP, [Stands(day(0), "page_first_seen"), Stands(day(1), words="x")]),
        Story(A, HOME, [Stands(day(1), "link_added")], no=1),
        Story(A, HOME, [Stands(day(0), "page_first_seen"), Gone(day(1))], no=2),
        Story(B, HOME, [Stands(day(0), "page_first_seen")]),
    ]
    reads = [Read(A, day(0)), Read(A, day(1), not_indexable=5), Read(A, day(2), not_indexable=1), Read(A, day(4))]
    reads += [Read(A, day(3), "partial"), Read(B, day(0), not_indexable=2), Read(B, day(3), not_indexable=4)]
    with open_ledger(new_ledger(database), write=True) as conn:
        tell(conn, stories, reads)
        found = [
            ((one.at - T0) // DAY, one.change, one.target, one.link_no, one.old, one.new)
            for one in changes(conn, about(conn), Wanted())
            if one.change in ("devalued", "revalued")
        ]
    assert found == [
        (4, "revalued", HOME, 0, "meta_robots", "indexable"),
        (4, "revalued", HOME, 1, "meta_robots", "indexable"),
        (4, "revalued", SHOP, 0, "meta_robots", "indexable"),
        (1, "devalued", HOME, 0, "indexable", "meta_robots canonical"),
        (1, "devalued", SHOP, 0, "indexable", "meta_robots canonical"),
    ]


def test_the_words_of_links_come_and_go_with_them_or_by_an_edit(database: str) -> None:
    stages: list[Stands | Gone] = [
        Stands(day(0), "page_first_seen"),
        Stands(day(1), words="Acme tools"), Stands(day(2), words="Acme tools", rel=("ugc",)),
        Gone(day(3)), Stands(day(4), "restored", words="Acme tools"), Stands(day(5), words="Acme tools", image=True),
    ]  # fmt: skip
    with open_ledger(new_ledger(database), write=True) as conn:
        tell(conn, [Story(A, HOME, stages)])
        came = list(changed_anchors(conn, about(conn), AnchorFilter(), EVERYTHING, lost=False))
        gone = list(changed_anchors(conn, about(conn), AnchorFilter(), EVERYTHING, lost=True))
    assert [((one.at - T0) // DAY, one.cause, one.anchor, one.other) for one in came] == [
        (4, "restored", "Acme tools", None),
        (1, "anchor_changed", "Acme tools", "Acme"),
        (0, "page_first_seen", "Acme", None),
    ]
    assert [((one.at - T0) // DAY, one.cause, one.anchor, one.other) for one in gone] == [
        (3, "removed", "Acme tools", None),
        (1, "anchor_changed", "Acme", "Acme tools"),
    ]


def test_crawls_bound_the_time_by_their_readings(database: str) -> None:
    reads = [Read(A, 100, crawl=1), Read(B, 120, "failed", crawl=1), Read(A, 210, crawl=2), Read(B, 250, crawl=2)]
    with open_ledger(new_ledger(database), write=True) as conn:
        tell(conn, [], reads, crawls=[(90, 130), (200, 260), (300, None)])
        assert crawl_window(conn, 2, None) == Window(210, 251)
        assert crawl_window(conn, 2, 1) == Window(121, 251)
        assert crawl_window(conn, 3, 2) == Window(251, 301)


def test_what_a_suspect_showed_is_told_when_another_visit_confirms_it(database: str) -> None:
    """A loss keeps the date of the first visit that showed it; who asks week by week hears of it all the same."""
    five = [(f"{HOME}{number}", "words") for number in range(5)]
    ledger = Ledger(new_ledger(database))
    for number, links in enumerate((five, five, [], [], [])):
        write_readings(ledger, None, [reading(A, links, day(number))], rules_version=1)
    found: dict[int, list[tuple[int, str]]] = {}
    with ledger.connect() as conn:
        for week in range(5):
            wanted = Wanted(Window(day(week), day(week) + 1))
            told = changes(conn, about(conn), wanted, kinds=ALL)
            found[week] = [((one.at - T0) // DAY, one.change) for one in told]
    ledger.close()
    assert found == {0: [], 1: [], 2: [(2, "link_lost")] * 5, 3: [(2, "link_lost")] * 5, 4: []}


def test_nothing_can_be_new_before_a_page_is_read_twice(database: str) -> None:
    story = Story(A, HOME, [Stands(day(0), "page_first_seen")])
    with open_ledger(new_ledger(database), write=True) as conn:
        tell(conn, [story], [Read(A, day(0)), Read(B, day(0)), Read(B, day(1)), Read(A, day(1), "failed")])
        assert read_once(conn, about(conn))
        tell(conn, [story], [Read(A, day(0)), Read(A, day(1))])
        assert not read_once(conn, about(conn))


# -- the same by plain loops -----------------------------------------------------------------------------------

PAGES = [A, B, OWN]
TARGETS = [HOME, SHOP, "https://rival.com/"]


@st.composite
def told(draw: st.DrawFn) -> tuple[list[Story], list[Read]]:
    stories = []
    for source in PAGES:
        for target in TARGETS:
            stories += [Story(source, target, draw(stages()), number) for number in range(draw(st.integers(0, 2)))]
    reads = draw(
        st.lists(
            st.builds(
                Read,
                st.sampled_from(PAGES),
                st.integers(0, 12).map(day),
                st.sampled_from(["fetched", "fetched", "partial", "failed"]),
                st.sampled_from([0, 0, 1, 5]),
            ),
            max_size=8,
            unique_by=lambda one: (one.page, one.at),
        )
    )
    return [one for one in stories if one.stages], sorted(reads, key=lambda one: one.at)


@st.composite
def stages(draw: st.DrawFn) -> list[Stands | Gone]:
    days = sorted(draw(st.sets(st.integers(0, 12), max_size=6)))
    found: list[Stands | Gone] = []
    for number in days:
        live = bool(found) and isinstance(found[-1], Stands)
        if live and draw(st.integers(0, 3)) == 0:
            found.append(Gone(day(number), draw(st.sampled_from(["removed", "moved", "reread", "page_not_found"]))))
            continue
        again = ["restored", "reread"] if found else ["link_added", "page_first_seen", "moved", "reread"]
        found.append(
            Stands(
                day(number),
                "changed" if live else draw(st.sampled_from(again)),
                words=draw(st.sampled_from(["Acme", "ACME", "", "buy"])),
                words_from=draw(st.sampled_from(["text", "img_alt"])),
                rel=draw(st.sampled_from([(), ("nofollow",), ("me",), ("nofollow", "ugc")])),
                placement=draw(st.sampled_from(["main", "nav"])),
                hidden=draw(st.booleans()),
            )
        )
    return found


class Moment:
    """One stage beside the one before it."""

    def __init__(self, story: Story, before: Stands | Gone | None, stage: Stands | Gone) -> None:
        self.story, self.before, self.stage = story, before, stage
        self.state = stage if isinstance(stage, Stands) else before

    def changes(self) -> Iterator[tuple[str, str | None, str | None, str | None]]:
        stage, before = self.stage, self.before
        if isinstance(stage, Gone):
            if stage.cause != "reread":
                yield "link_lost", stage.cause, None, None
        elif stage.began != "changed":
            if stage.began != "reread":
                yield "link_restored" if stage.began == "restored" else "link_added", stage.began, None, None
        elif isinstance(before, Stands):
            yield from self.edits(before, stage)

    def edits(self, old: Stands, new: Stands) -> Iterator[tuple[str, str | None, str | None, str | None]]:
        if old.words != new.words:
            yield "anchor_changed", None, old.words, new.words
        elif old.words_from != new.words_from:
            yield "anchor_form_changed", None, old.words_from, new.words_from
        if old.rel != new.rel:
            yield "rel_changed", None, " ".join(old.rel), " ".join(new.rel)
        if followed(old) != followed(new):
            before, after = (("not followed", "followed")[followed(one)] for one in (old, new))
            yield "followed_changed", None, before, after
        if old.placement != new.placement:
            yield "placement_changed", None, old.placement, new.placement
        if old.hidden != new.hidden:
            before, after = (("visible", "hidden")[one.hidden] for one in (old, new))
            yield "hidden_changed", None, before, after


def followed(one: Stands) -> bool:
    return "nofollow" not in one.rel


def moments(stories: Sequence[Story]) -> Iterator[Moment]:
    for story in stories:
        before: Stands | Gone | None = None
        for stage in story.stages:
            yield Moment(story, before, stage)
            before = stage


def in_force(story: Story, at: int) -> Stands | None:
    """How the link stood at a moment; None if it did not."""
    past = [stage for stage in story.stages if stage.at <= at]
    return past[-1] if past and isinstance(past[-1], Stands) else None


def expected(stories: Sequence[Story], reads: Sequence[Read], wanted: Wanted, chosen: LinkFilter) -> list[Change]:
    found: list[Change] = []
    for one in moments(stories):
        assert isinstance(one.state, Stands)
        if passes(one.story, one.state, chosen):
            found += [
                Change(one.stage.at, change, cause, one.story.source, one.story.target, one.story.no, old, new)
                for change, cause, old, new in one.changes()
            ]
    names = ("meta_robots", "x_robots_tag", "canonical")
    for page in PAGES:
        visits = [one for one in reads if one.page == page and one.state == "fetched"]
        for first, second in pairwise(visits):
            if bool(first.not_indexable) == bool(second.not_indexable):
                continue
            old, new = (
                " ".join(name for bit, name in enumerate(names) if one.not_indexable & (1 << bit)) or "indexable"
                for one in (first, second)
            )
            change = "devalued" if second.not_indexable else "revalued"
            for story in stories:
                stood, stands = in_force(story, second.at - 1), in_force(story, second.at)
                if story.source == page and stood and stands and passes(story, stands, chosen):
                    found.append(Change(second.at, change, None, page, story.target, story.no, old, new))
    window = wanted.window
    kept = [
        one
        for one in found
        if (window.since is None or one.at >= window.since)
        and (window.before is None or one.at < window.before)
        and (wanted.first_seen or one.cause != "page_first_seen")
        and (wanted.moved or one.cause != "moved")
    ]
    kept.sort(key=lambda one: (-one.at, one.source, one.target, one.link_no, CHANGES.index(one.change)))
    return kept


def passes(story: Story, state: Stands, chosen: LinkFilter) -> bool:
    internal = canonical_url(story.source).domain == canonical_url(story.target).domain
    return all(
        (
            canonical_url(story.target).domain == "acme.com",
            chosen.kind == "any" or (chosen.kind == "internal") == internal,
            chosen.followed is None or chosen.followed == followed(state),
            not chosen.placement or state.placement in chosen.placement,
            set(chosen.rel) <= set(state.rel),
            chosen.hidden is None or chosen.hidden == state.hidden,
            not chosen.source or canonical_url(story.source).domain in chosen.source,
        )
    )


FILTERS = st.builds(
    LinkFilter,
    kind=st.sampled_from(["external", "internal", "any"]),
    followed=st.sampled_from([None, None, True, False]),
    placement=st.sampled_from([(), (), ("nav",)]),
    rel=st.sampled_from([(), (), ("me",), ("nofollow",)]),
    hidden=st.sampled_from([None, None, True]),
    source=st.sampled_from([(), (), ("alpha.org",), ("beta.org", "acme.com")]),
)
WINDOWS = st.builds(
    Window, st.one_of(st.none(), st.integers(0, 12).map(day)), st.one_of(st.none(), st.integers(0, 13).map(day))
)
WANTED = st.builds(Wanted, WINDOWS, st.booleans(), st.booleans())
SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


def test_events_are_those_of_the_stories(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:

        @settings(SETTINGS, max_examples=examples(30))
        @given(told(), WANTED, FILTERS, st.integers(0, 6))
        def check(story: tuple[list[Story], list[Read]], wanted: Wanted, chosen: LinkFilter, limit: int) -> None:
            stories, reads = story
            tell(conn, stories, reads)
            of = choose(conn, chosen, resolve(conn, parse_target("acme.com")))
            right = expected(stories, reads, wanted, chosen)
            assert list(changes(conn, of, wanted)) == right
            assert list(changes(conn, of, wanted, limit=limit)) == right[:limit]
            kinds = frozenset(range(0, len(CHANGES), 2))
            some = [one for one in right if CHANGES.index(one.change) in kinds]
            assert list(changes(conn, of, wanted, kinds=kinds)) == some
            every = replace(chosen, kind="any")
            all_ = expected(stories, reads, replace(wanted, first_seen=True, moved=True), every)
            mine = [one for one in all_ if kind_passes(one, chosen)]
            first = [one for one in mine if one.cause == "page_first_seen" and not wanted.first_seen]
            moved = [one for one in mine if one.cause == "moved" and not wanted.moved]
            internal = [one for one in all_ if not kind_passes(one, chosen)] if chosen.kind == "external" else []
            assert tally(conn, of, wanted) == Tally(len(right), len(internal), len(first), len(moved))
            for lost, names in ((False, ("link_added", "link_restored")), (True, ("link_lost",))):
                got = list(changed_links(conn, of, wanted, lost=lost))
                assert [(one.at, one.cause, one.source, one.target, one.link_no) for one in got] == [
                    (one.at, one.cause, one.source, one.target, one.link_no) for one in right if one.change in names
                ]

        check()


def kind_passes(one: Change, chosen: LinkFilter) -> bool:
    internal = canonical_url(one.source).domain == canonical_url(one.target).domain
    return chosen.kind == "any" or (chosen.kind == "internal") == internal


WORDS = st.sampled_from(
    [AnchorFilter(), AnchorFilter(), AnchorFilter(contains="acme"), AnchorFilter(sources=("text",))]
)


def wordy(stage: Stands, words: AnchorFilter) -> bool:
    return (not words.sources or stage.words_from in words.sources) and (
        words.contains is None or words.contains in stage.words.casefold()
    )


def expected_words(
    stories: Sequence[Story], wanted: Wanted, chosen: LinkFilter, words: AnchorFilter, *, lost: bool
) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    names = ("link_lost",) if lost else ("link_added", "link_restored")
    for one in moments(stories):
        assert isinstance(one.state, Stands)
        if not passes(one.story, one.state, chosen):
            continue
        where = (one.story.source, one.story.target, one.story.no)
        for change, cause, old, new in one.changes():
            if change == "anchor_changed":
                assert isinstance(one.before, Stands)
                assert isinstance(one.stage, Stands)
                of, other = (one.before, new) if lost else (one.stage, old)
                if wordy(of, words):
                    found.append((one.stage.at, "anchor_changed", of.words, of.words_from, *where, other))
            elif (change in names) and wordy(one.state, words):
                found.append((one.stage.at, cause, one.state.words, one.state.words_from, *where, None))
    window = wanted.window
    kept = [
        one
        for one in found
        if (window.since is None or one[0] >= window.since)
        and (window.before is None or one[0] < window.before)
        and (wanted.first_seen or one[1] != "page_first_seen")
        and (wanted.moved or one[1] != "moved")
    ]
    return sorted(kept, key=lambda one: (-one[0], *one[4:7]))


def test_words_come_and_go_as_the_stories_tell(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:

        @settings(SETTINGS, max_examples=examples(20))
        @given(told(), WANTED, FILTERS, WORDS)
        def check(
            story: tuple[list[Story], list[Read]], wanted: Wanted, chosen: LinkFilter, words: AnchorFilter
        ) -> None:
            stories, _ = story
            tell(conn, stories)
            of = choose(conn, chosen, resolve(conn, parse_target("acme.com")))
            for lost in (False, True):
                got = list(changed_anchors(conn, of, words, wanted, lost=lost))
                right = expected_words(stories, wanted, chosen, words, lost=lost)
                assert [plain(one) for one in got] == right
                assert anchor_tally(conn, of, words, wanted, lost=lost).shown == len(right)

        check()


def plain(one: ChangedAnchor) -> tuple[Any, ...]:
    return (one.at, one.cause, one.anchor, one.anchor_source, one.source, one.target, one.link_no, one.other)


def test_every_kind_has_a_place_in_the_order() -> None:
    assert sorted(ALL) == list(range(len(CHANGES)))


def test_the_view_of_changes_is_the_answer_with_everything(database: str) -> None:
    names = "at, change, cause, source, target, link_no, old, new"
    with open_ledger(new_ledger(database), write=True) as conn:

        @settings(SETTINGS, max_examples=examples(12))
        @given(told())
        def check(story: tuple[list[Story], list[Read]]) -> None:
            tell(conn, *story)
            every = choose(conn, LinkFilter(kind="any"), resolve(conn, None))
            right = [
                (to_iso(one.at), one.change, one.cause, one.source, one.target, one.link_no, one.old, one.new)
                for one in changes(conn, every, EVERYTHING)
            ]
            found = [tuple(row) for row in conn.exec_driver_sql(f"SELECT {names} FROM v_changes")]
            assert sorted(found, key=repr) == sorted(right, key=repr)
            domains = conn.exec_driver_sql("SELECT source, source_domain, target, target_domain FROM v_changes")
            for source, source_domain, target, target_domain in domains:
                assert (canonical_url(source).domain, canonical_url(target).domain) == (source_domain, target_domain)

        check()


def test_the_history_of_a_page_has_every_event_once(database: str) -> None:
    with open_ledger(new_ledger(database), write=True) as conn:

        @settings(SETTINGS, max_examples=examples(12))
        @given(told())
        def check(story: tuple[list[Story], list[Read]]) -> None:
            tell(conn, *story)
            covered = resolve(conn, parse_target("acme.com"))
            every = choose(conn, LinkFilter(kind="any"), covered)
            right = list(changes(conn, every, EVERYTHING))
            for source in PAGES:
                known = page_read(conn, source)
                found = [] if known is None else list(chapters(conn, known[0], covered))
                assert [(one.target, one.link_no, one.at) for one in found] == sorted(
                    {(one.target, one.link_no, one.at) for one in right if one.source == source}
                )
                assert Counter(
                    (one.at, name, one.cause, one.target, one.link_no) for one in found for name in one.change
                ) == Counter(
                    (one.at, one.change, one.cause, one.target, one.link_no) for one in right if one.source == source
                )
                for one in found:
                    [of] = [of for of in story[0] if (of.source, of.target, of.no) == (source, one.target, one.link_no)]
                    last = [stage for stage in of.stages if stage.at <= one.at and isinstance(stage, Stands)][-1]
                    assert (one.anchor, one.rel, one.hidden) == (last.words, " ".join(last.rel), last.hidden)
                    tries = [read for read in story[1] if read.page == source and read.at < one.at]
                    whole = [read.at for read in tries if read.state == "fetched"]
                    assert one.previous_visit == (whole[-1] if whole else None)
                    assert one.attempts_between == sum(read.at > (whole[-1] if whole else 0) for read in tries)

        check()
