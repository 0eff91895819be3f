"""Small histories, one rule each, with what docs/history.md says of them: read off its words by hand.

The lines are written by `links_of`, `words_of`, `visits_of`, `pages_of` and `misses_of`:

- ``P>a#1 30- restored 10..40 gone 50 removed``: of page P the link 1 to https://a.example/, a version that begins at
  30 because the link was restored and is the latest one; first and last seen; lost at 50, removed.
- ``P>a "red" 10-20 first 10..10``: of its anchor, a version from 10 to 20.
- ``P10+ P20? P30- P40~``: visits at 10 (complete), 20 (a suspect that waits), 30 (a suspect refuted), 40 (partial).
- ``P 10..40 @50 confirmed indexable 2``: first and latest standing document, latest attempt, live links.
- ``P20 page_redirected Q``: a miss, what it closes and where the redirects ended.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from histories import Facts, Step

SHORT = {"page_first_seen": "first", "link_added": "added"}


class Row(NamedTuple):
    """Only what is given is compared."""

    steps: list[Step]
    links: list[str] | None = None
    words: list[str] | None = None
    visits: str | None = None
    pages: list[str] | None = None
    misses: str | None = None


def told(row: Row, facts: Facts) -> Row:
    """The lines of what a model or a ledger holds, as far as the row asks for them."""
    return Row(
        row.steps,
        links_of(facts) if row.links is not None else None,
        words_of(facts) if row.words is not None else None,
        visits_of(facts) if row.visits is not None else None,
        pages_of(facts) if row.pages is not None else None,
        misses_of(facts) if row.misses is not None else None,
    )


def links_of(facts: Facts) -> list[str]:
    lines = []
    for one in facts.links:
        extra = [one.form.rel] if one.form.rel else []
        extra += [f"page-nofollow {one.form.follow & 24}"] if one.form.follow & 24 else []
        extra += [one.form.placement] if one.form.placement != "main" else []
        extra += [one.form.element] if one.form.element != "a" else []
        extra += ["hidden"] if one.form.hidden else []
        extra += [one.seen_by] if one.seen_by not in ("", "raw") else []
        lines.append(" ".join([f"{_key(one)} {_span(one)}", *extra]))
    return sorted(lines)


def words_of(facts: Facts) -> list[str]:
    lines = []
    for one in facts.anchors:
        extra = [one.words.source] if one.words.source != "text" else []
        extra += ["image"] if one.words.has_image else []
        lines.append(" ".join([f'{_key(one)} "{one.words.text}" {_span(one)}', *extra]))
    return sorted(lines)


def _key(one: Any) -> str:
    return f"{one.source}>{one.target}" + (f"#{one.number}" if one.number else "")


def _span(one: Any) -> str:
    line = f"{one.valid_from}-{one.valid_to or ''} {SHORT.get(one.began, one.began)} {one.first_seen}..{one.last_seen}"
    if one.gone_at is not None:
        line += f" gone {one.gone_at}"
        line += f" {one.cause}" if hasattr(one, "cause") else ""
    return line


def visits_of(facts: Facts) -> str:
    waiting = {(one.page, one.suspect) for one in facts.pages}
    marks = []
    for one in sorted(facts.visits):
        mark = "+" if one.complete else "~" if not one.whole else "?" if (one.page, one.at) in waiting else "-"
        marks.append(f"{one.page}{one.at}{mark}")
    return " ".join(marks)


def pages_of(facts: Facts) -> list[str]:
    lines = []
    for one in facts.pages:
        facts_of_it = ["confirmed"] if one.confirmed else ["unconfirmed"]
        facts_of_it += [] if one.indexable is None else ["indexable"] if one.indexable else ["noindex"]
        lines.append(
            f"{one.page} {one.first_ok}..{one.last_ok} @{one.attempted_at} {' '.join(facts_of_it)} {one.links}"
        )
    return sorted(lines)


def misses_of(facts: Facts) -> str:
    return ", ".join(
        f"{one.page}{one.at} {one.cause or 'nothing'}" + (f" {one.moved_to}" if one.moved_to else "")
        for one in sorted(facts.misses, key=lambda one: (one.at, one.page))
    )


def read(at: int, doc: str, page: str = "P", **changed: Any) -> Step:
    return Step(page, at, doc, **changed)


def fail(at: int, status: int | None, page: str = "P", **changed: Any) -> Step:
    return Step(page, at, None, **({"outcome": "failed", "status": status} | changed))


FIVE = "a.one a/2.two b.three b/2.four c.five"
KEPT_FIVE = ["P>a 10- first 10..10", "P>a/2 10- first 10..10", "P>b 10- first 10..10", "P>b/2 10- first 10..10",
             "P>c 10- first 10..10"]  # fmt: skip
STILL_FIVE = [line.replace("..10", "..30") for line in KEPT_FIVE]

ROWS: dict[str, Row] = {
    # -- what opens, stays and goes
    "a_first_visit_opens_every_link": Row(
        [read(10, "a.red b.+i a.red")],
        ["P>a 10- first 10..10", "P>a#1 10- first 10..10", "P>b 10- first 10..10"],
        ['P>a "red" 10- first 10..10', 'P>a#1 "red" 10- first 10..10', 'P>b "" 10- first 10..10 none image'],
        "P10+",
        ["P 10..10 @10 confirmed indexable 3"],
        "",
    ),
    "what_stands_is_live_what_is_not_shown_is_removed": Row(
        [read(10, "a.red b.blue"), read(20, "b.blue"), read(30, "b.blue")],
        ["P>a 10- first 10..10 gone 20 removed", "P>b 10- first 10..30"],
        ['P>a "red" 10- first 10..10 gone 20', 'P>b "blue" 10- first 10..30'],
    ),
    "last_seen_of_a_lost_link_is_the_latest_complete_visit_before": Row(
        [read(10, "a.red"), read(20, "a.red"), read(25, "a.red", outcome="partial"), read(30, "")],
        ["P>a 10- first 10..20 gone 30 removed"],
    ),
    "a_page_emptied_of_four_links_loses_them_at_once": Row(
        [read(10, "a.red b.red c.red d.red"), read(20, "")],
        [f"P>{one} 10- first 10..10 gone 20 removed" for one in "abcd"],
        visits="P10+ P20+",
    ),
    "a_link_is_added_where_an_earlier_visit_did_not_show_it": Row(
        [read(10, "a.red"), read(20, "b.blue a.red")], ["P>a 10- first 10..20", "P>b 20- added 20..20"]
    ),
    "arrival_in_another_order_changes_nothing": Row(
        [read(30, "b.blue"), read(10, "a.red"), read(20, "a.green")],
        ["P>a 10- first 10..20 gone 30 removed", "P>b 30- added 30..30"],
        ['P>a "green" 20- changed 20..20 gone 30', 'P>a "red" 10-20 first 10..10', 'P>b "blue" 30- added 30..30'],
    ),
    "a_partial_document_opens_and_closes_nothing": Row(
        [read(10, "a.red b.blue"), read(20, "c.new a.red", outcome="partial")],
        ["P>a 10- first 10..10", "P>b 10- first 10..10"],
        visits="P10+ P20~",
        pages=["P 10..10 @20 unconfirmed indexable 2"],
    ),
    "noindex_is_no_loss": Row(
        [read(10, "a.red"), read(20, "a.red", facts="i")],
        ["P>a 10- first 10..20"],
        pages=["P 10..20 @20 confirmed noindex 1"],
    ),
    # -- misses
    **{
        f"status_{status}_closes_all_links": Row(
            [read(10, "a.red a.blue"), fail(20, status)],
            ["P>a 10- first 10..10 gone 20 page_not_found", "P>a#1 10- first 10..10 gone 20 page_not_found"],
            pages=["P 10..10 @20 unconfirmed indexable 0"],
            misses="P20 page_not_found",
        )
        for status in (404, 410)
    },
    **{
        f"status_{status or 'none'}_closes_nothing": Row(
            [read(10, "a.red"), fail(20, status)],
            ["P>a 10- first 10..10"],
            pages=["P 10..10 @20 unconfirmed indexable 1"],
            misses="P20 nothing",
        )
        for status in (403, 429, 500, 503, None)
    },
    **{
        f"a_{outcome}_page_closes_nothing": Row(
            [read(10, "a.red"), fail(20, None, outcome=outcome)], ["P>a 10- first 10..10"], misses="P20 nothing"
        )
        for outcome in ("blocked", "refused", "skipped")
    },
    **{
        f"a_temporary_redirect_{status}_closes_nothing": Row(
            [read(10, "a.red"), read(20, "a.red", "Q", via=f"P{status}")],
            ["P>a 10- first 10..10", "Q>a 20- first 20..20"],
            misses="P20 nothing",
        )
        for status in (302, 303, 307)
    },
    "a_page_that_never_answered_is_known_without_a_document": Row(
        [fail(20, 500)], [], pages=["P None..None @20 unconfirmed 0"], misses="P20 nothing"
    ),
    "a_404_before_the_first_visit_closes_nothing_later": Row(
        [read(20, "a.red"), fail(10, 404)], ["P>a 20- first 20..20"], misses="P10 page_not_found"
    ),
    "a_late_404_closes_between_two_visits": Row(
        [read(10, "a.red"), read(30, "a.red"), fail(20, 404)],
        ["P>a 10-30 first 10..10 gone 20 page_not_found", "P>a 30- restored 10..30"],
    ),
    "a_visit_of_the_date_of_a_miss_comes_before_it": Row(
        [read(10, "a.red"), fail(20, 404), read(20, "a.red b.blue")],
        ["P>a 10- first 10..20 gone 20 page_not_found", "P>b 20- added 20..20 gone 20 page_not_found"],
        pages=["P 10..20 @20 unconfirmed indexable 0"],
    ),
    "a_miss_of_the_same_date_is_the_same_miss": Row(
        [read(10, "a.red"), fail(20, 404), fail(20, 404)], misses="P20 page_not_found"
    ),
    # -- restored
    "a_page_that_returns_restores_its_links": Row(
        [read(10, "a.red"), fail(20, 404), read(30, "a.red")],
        ["P>a 10-30 first 10..10 gone 20 page_not_found", "P>a 30- restored 10..30"],
        ['P>a "red" 10-30 first 10..10 gone 20', 'P>a "red" 30- restored 10..30'],
    ),
    "restored_with_other_words": Row(
        [read(10, "a.red"), read(20, ""), read(30, "a.blue")],
        ["P>a 10-30 first 10..10 gone 20 removed", "P>a 30- restored 10..30"],
        ['P>a "blue" 30- restored 30..30', 'P>a "red" 10-30 first 10..10 gone 20'],
    ),
    "the_lowest_lost_number_with_the_same_words": Row(
        [read(10, "a.red a.blue a.blue"), read(20, ""), read(30, "a.blue")],
        ["P>a 10- first 10..10 gone 20 removed", "P>a#1 10-30 first 10..10 gone 20 removed",
         "P>a#1 30- restored 10..30", "P>a#2 10- first 10..10 gone 20 removed"],
    ),
    "otherwise_the_lowest_lost_number": Row(
        [read(10, "a.red a.blue"), read(20, ""), read(30, "a.green")],
        ["P>a 10-30 first 10..10 gone 20 removed", "P>a 30- restored 10..30",
         "P>a#1 10- first 10..10 gone 20 removed"],
    ),
    "those_that_find_their_own_words_among_the_lost_choose_first": Row(
        [read(10, "a.red a.blue"), read(20, ""), read(30, "a.green a.red")],
        words=['P>a "red" 10-30 first 10..10 gone 20', 'P>a "red" 30- restored 10..30',
               'P>a#1 "blue" 10-30 first 10..10 gone 20', 'P>a#1 "green" 30- restored 30..30'],
    ),
    "a_lost_link_to_another_target_is_not_restored": Row(
        [read(10, "a.red"), read(20, ""), read(30, "b.red")],
        ["P>a 10- first 10..10 gone 20 removed", "P>b 30- added 30..30"],
    ),
    "the_next_free_number": Row(
        [read(10, "a.red a.blue"), read(20, "a.red a.blue a.green")],
        ["P>a 10- first 10..20", "P>a#1 10- first 10..20", "P>a#2 20- added 20..20"],
    ),
    # -- alignment
    "words_that_stayed_keep_their_link": Row(
        [read(10, "a.red a.blue a.green"), read(20, "a.blue a.green")],
        ["P>a 10- first 10..10 gone 20 removed", "P>a#1 10- first 10..20", "P>a#2 10- first 10..20"],
    ),
    "an_editor_changed_the_words": Row(
        [read(10, "a.red a.blue"), read(20, "a.red a.green")],
        ["P>a 10- first 10..20", "P>a#1 10- first 10..20"],
        ['P>a "red" 10- first 10..20', 'P>a#1 "blue" 10-20 first 10..10', 'P>a#1 "green" 20- changed 20..20'],
    ),
    "words_that_come_back_have_a_new_date": Row(
        [read(10, "a.red"), read(20, "a.blue"), read(30, "a.red")],
        words=['P>a "blue" 20-30 changed 20..20', 'P>a "red" 10-20 first 10..10', 'P>a "red" 30- changed 30..30'],
    ),
    "each_of_two_swapped_links_keeps_its_words": Row(
        [read(10, "a.red a.blue"), read(20, "a.blue a.red")],
        words=['P>a "red" 10- first 10..20', 'P>a#1 "blue" 10- first 10..20'],
    ),
    "an_image_is_part_of_the_anchor_not_of_the_link": Row(
        [read(10, "a.red"), read(20, "a.red+i")],
        ["P>a 10- first 10..20"],
        ['P>a "red" 10-20 first 10..10', 'P>a "red" 20- changed 10..20 img_alt image'],
    ),
    "another_rel_is_a_version_of_the_link_not_of_the_anchor": Row(
        [read(10, "a.red"), read(20, "a.red+n"), read(30, "a.red+n")],
        ["P>a 10-20 first 10..10", "P>a 20- changed 10..30 nofollow"],
        ['P>a "red" 10- first 10..30'],
    ),
    "a_page_level_nofollow_is_a_version_of_every_link": Row(
        [read(10, "a.red b.red"), read(20, "a.red b.red", facts="x"), read(30, "a.red b.red", facts="m")],
        [f"P>{one} {rest}" for one in "ab"
         for rest in ("10-20 first 10..10", "20-30 changed 10..20 page-nofollow 16",
                      "30- changed 10..30 page-nofollow 8")],
    ),
    "placement_element_and_hidden_are_versions": Row(
        [read(10, "a.red"), read(20, "a.red+f"), read(30, "a.red+fe"), read(40, "a.red+feh")],
        ["P>a 10-20 first 10..10", "P>a 20-30 changed 10..20 footer", "P>a 30-40 changed 10..30 footer area",
         "P>a 40- changed 10..40 footer area hidden"],
    ),
    "another_place_is_no_version": Row(
        [read(10, "a.red b.blue"), read(20, "b.blue a.red")], ["P>a 10- first 10..20", "P>b 10- first 10..20"]
    ),
    # -- what a visit may speak for
    "a_filtered_visit_says_nothing_of_other_domains": Row(
        [read(10, "a.red b.blue"), read(20, "", only="a")],
        ["P>a 10- first 10..10 gone 20 removed", "P>b 10- first 10..10"],
        pages=["P 10..10 @20 confirmed indexable 1"],
    ),
    "a_filtered_visit_confirms_what_it_shows": Row(
        [read(10, "a.red b.blue"), read(20, "a.red", only="a")], ["P>a 10- first 10..20", "P>b 10- first 10..10"]
    ),
    "the_first_visit_not_filtered_from_a_domain": Row(
        [read(10, "a.red", only="a"), read(20, "a.red a.more b.blue")],
        ["P>a 10- first 10..20", "P>a#1 20- added 20..20", "P>b 20- first 20..20"],
    ),
    "a_wat_visit_opens_and_confirms_and_closes_nothing": Row(
        [read(10, "a.red b.blue"), read(20, "a.red c.new", method="wat")],
        ["P>a 10- first 10..20", "P>b 10- first 10..10", "P>c 20- added 20..20 wat"],
        pages=["P 10..10 @20 confirmed indexable 3"],
    ),
    "a_wat_visit_changes_neither_words_nor_form": Row(
        [read(10, "a.bluebird+n"), read(20, "a.blu", method="wat")],
        ["P>a 10- first 10..20 nofollow"],
        ['P>a "bluebird" 10- first 10..20'],
    ),
    "a_wat_visit_restores": Row(
        [read(10, "a.bluebird+n"), read(20, ""), read(30, "a.blu", method="wat")],
        ["P>a 10-30 first 10..10 gone 20 removed nofollow", "P>a 30- restored 10..30 nofollow"],
        ['P>a "bluebird" 10-30 first 10..10 gone 20', 'P>a "bluebird" 30- restored 10..30'],
    ),
    "a_link_that_a_wat_visit_restores_comes_back_in_its_place": Row(
        [read(10, "a.red a.blue"), read(20, ""), read(30, "a.blue a.red", method="wat"), read(40, "a.x a.y")],
        words=['P>a "red" 10-30 first 10..10 gone 20', 'P>a "red" 30-40 restored 10..30',
               'P>a "x" 40- changed 40..40', 'P>a#1 "blue" 10-30 first 10..10 gone 20',
               'P>a#1 "blue" 30-40 restored 10..30', 'P>a#1 "y" 40- changed 40..40'],
    ),
    "the_first_other_visit_rewrites_what_only_wat_visits_have_shown": Row(
        [read(10, "a.blu", method="wat"), read(20, "a.bluebird+n"), read(30, "a.bluebells+n")],
        ["P>a 10- first 10..30 nofollow"],
        ['P>a "bluebells" 30- changed 30..30', 'P>a "bluebird" 10-30 first 10..20'],
    ),
    "a_page_known_by_wat_visits_only_has_no_standing_document": Row(
        [read(10, "a.red", method="wat"), read(20, "a.red", method="wat")],
        ["P>a 10- first 10..20 wat"],
        pages=["P 10..None @20 confirmed indexable 1"],
    ),
    "rendered_links_of_what_wat_visits_have_shown": Row(
        [read(10, "a.blu b.red", method="wat"), read(20, "a.bluebird", method="rendered"), read(30, "")],
        ["P>a 10- first 10..20 rendered", "P>b 10- first 10..10 gone 20 removed wat"],
        ['P>a "bluebird" 10- first 10..20', 'P>b "red" 10- first 10..10 gone 20'],
    ),
    "a_wat_visit_could_have_seen_every_link": Row(
        [read(10, "a.red", method="wat"), read(20, "a.red b.blue")],
        ["P>a 10- first 10..20", "P>b 20- added 20..20"],
    ),
    "raw_and_archive_visits_do_not_close_rendered_only_links": Row(
        [read(10, "a.red b.blue", method="rendered"), read(20, "b.blue"), read(30, "b.blue", method="archive")],
        ["P>a 10- first 10..10 rendered", "P>b 10- first 10..30 both"],
    ),
    "rendered_visits_close_rendered_only_links": Row(
        [read(10, "a.red b.blue", method="rendered"), read(20, "b.blue", method="rendered")],
        ["P>a 10- first 10..10 gone 20 removed rendered", "P>b 10- first 10..20 rendered"],
    ),
    "a_raw_visit_that_shows_it_ends_rendered_only": Row(
        [read(10, "a.red", method="rendered"), read(20, "a.red"), read(30, "")],
        ["P>a 10- first 10..20 gone 30 removed both"],
    ),
    "rendered_visits_close_what_raw_ones_have_shown": Row(
        [read(10, "a.red b.blue"), read(20, "=b.blue", method="rendered")],
        ["P>a 10- first 10..10 gone 20 removed", "P>b 10- first 10..20 both"],
    ),
    "a_rendered_visit_shows_what_its_document_held_before_scripts_took_it_away": Row(
        [read(10, "a.red b.blue"), read(20, "-a.red =b.blue c.green", method="rendered"), read(30, "a.red")],
        ["P>a 10- first 10..30", "P>b 10- first 10..20 gone 30 removed both", "P>c 20- first 20..20 rendered"],
    ),
    "a_rendered_visit_adds_to_the_document_as_sent_what_raw_ones_did_not_show": Row(
        [read(10, "a.red"), read(20, "=a.red =b.blue -c.green d.teal", method="rendered")],
        ["P>a 10- first 10..20 both", "P>b 20- added 20..20 both", "P>c 20- added 20..20",
         "P>d 20- first 20..20 rendered"],
    ),
    "the_first_rendered_visit_does_not_add": Row(
        [read(10, "a.red"), read(20, "=a.red b.blue", method="rendered"),
         read(30, "=a.red b.blue c.green", method="rendered")],
        ["P>a 10- first 10..30 both", "P>b 20- first 20..30 rendered", "P>c 30- added 30..30 rendered"],
    ),
    "a_raw_visit_adds_what_a_rendered_one_did_not_show": Row(
        [read(10, "a.red", method="rendered"), read(20, "a.red b.blue")],
        ["P>a 10- first 10..20 both", "P>b 20- added 20..20"],
    ),
    "a_link_stands_where_it_was_shown_last": Row(
        [read(10, "a.red a.blue a.green", method="rendered"), read(20, "a.green a.red"),
         read(30, "a.x a.y a.z", method="rendered")],
        words=['P>a "red" 10-30 first 10..20', 'P>a "y" 30- changed 30..30',
               'P>a#1 "blue" 10-30 first 10..10', 'P>a#1 "z" 30- changed 30..30',
               'P>a#2 "green" 10-30 first 10..20', 'P>a#2 "x" 30- changed 30..30'],
    ),
    "a_raw_visit_that_shows_the_words_of_a_rendered_only_link_shows_that_link": Row(
        [read(10, "a.red a.blue", method="rendered"), read(20, "a.blue")],
        ["P>a 10- first 10..10 rendered", "P>a#1 10- first 10..20 both"],
    ),
    # -- suspects
    "a_suspect_opens_changes_confirms_and_closes_nothing": Row(
        [read(10, "a.red"), read(20, "b.log-in", outcome="suspect")],
        ["P>a 10- first 10..10"],
        visits="P10+ P20?",
        pages=["P 10..10 @20 unconfirmed indexable 1"],
    ),
    "a_visit_that_loses_four_of_five_links_is_a_suspect": Row(
        [read(10, FIVE), read(20, "c.five")], KEPT_FIVE, visits="P10+ P20?"
    ),
    "a_visit_that_loses_three_of_five_links_is_none": Row(
        [read(10, FIVE), read(20, "b/2.four c.five")], visits="P10+ P20+"
    ),
    "the_next_whole_visit_agrees_and_the_first_ones_date_counts": Row(
        [read(10, "a.red"), read(20, "b.blue", outcome="suspect"), read(30, "c.green", outcome="suspect")],
        ["P>a 10- first 10..10 gone 20 removed", "P>b 20- added 20..20 gone 30 removed", "P>c 30- added 30..30"],
        visits="P10+ P20+ P30+",
    ),
    "vanished_links_that_stay_away_are_removed_when_they_vanished": Row(
        [read(10, FIVE), read(20, "c.five"), read(30, "c.five")],
        [line + " gone 20 removed" for line in KEPT_FIVE[:4]] + ["P>c 10- first 10..30"],
        visits="P10+ P20+ P30+",
        pages=["P 10..30 @30 confirmed indexable 1"],
    ),
    "the_next_whole_visit_refutes_a_suspect": Row(
        [read(10, FIVE), read(20, ""), read(30, FIVE), read(40, "")],
        STILL_FIVE,
        visits="P10+ P20- P30+ P40?",
    ),
    "the_one_after_two_that_agree_is_judged_anew": Row(
        [read(10, FIVE), read(20, "d.1 d.2 d.3 d.4 d.5"), read(30, "c.1 c.2 c.3 c.4 c.5 c.6"), read(40, FIVE)],
        visits="P10+ P20+ P30+ P40?",
    ),
    "a_404_in_between_refutes": Row(
        [read(10, "a.red"), read(20, "b.blue", outcome="suspect"), fail(30, 404),
         read(40, "c.green", outcome="suspect")],
        ["P>a 10- first 10..10 gone 30 page_not_found"],
        visits="P10+ P20- P40?",
    ),
    "a_permanent_redirect_in_between_refutes": Row(
        [read(10, "a.red"), read(20, "b.blue", outcome="suspect"), read(30, "", "Q", via="P301"),
         read(40, "c.green", outcome="suspect")],
        visits="P10+ P20- P40? Q30+",
    ),
    "partial_documents_and_other_misses_decide_nothing": Row(
        [read(10, "a.red"), read(20, "b.blue", outcome="suspect"), fail(25, 500), read(26, "x.y", outcome="partial"),
         fail(27, None, outcome="blocked"), read(30, "c.green", outcome="suspect")],
        visits="P10+ P20+ P26~ P30+",
    ),
    "wat_and_filtered_visits_decide_nothing_and_are_compared": Row(
        [read(10, FIVE), read(20, ""), read(22, "a.one d.new", method="wat"), read(24, "", only="b"), read(30, FIVE)],
        ["P>a 10- first 10..30", "P>a/2 10- first 10..30", "P>b 10-30 first 10..10 gone 24 removed",
         "P>b 30- restored 10..30", "P>b/2 10-30 first 10..10 gone 24 removed", "P>b/2 30- restored 10..30",
         "P>c 10- first 10..30", "P>d 22- added 22..22 gone 30 removed wat"],
        visits="P10+ P20- P22+ P24+ P30+",
    ),
    "suspects_agree_over_a_filtered_visit": Row(
        [read(10, "a.red b.blue"), read(20, "c.x", outcome="suspect"), read(25, "b.blue", only="b"),
         read(30, "c.x", outcome="suspect")],
        ["P>a 10- first 10..10 gone 20 removed", "P>b 10-25 first 10..10 gone 20 removed",
         "P>b 25- restored 10..25 gone 30 removed", "P>c 20- added 20..30"],
        visits="P10+ P20+ P25+ P30+",
    ),
    "wat_and_filtered_visits_are_no_suspects_for_vanished_links": Row(
        [read(10, "a.1 a.2 a.3 a.4 a.5 a.6"), read(20, "", only="a")],
        [f"P>a{number} 10- first 10..10 gone 20 removed" for number in ("", "#1", "#2", "#3", "#4", "#5")],
        visits="P10+ P20+",
    ),
    "wat_and_filtered_visits_whose_outcome_says_suspect_never_speak": Row(
        [read(10, "a.red"), read(20, "b.blue", outcome="suspect", only="ab"),
         read(30, "b.blue", outcome="suspect", method="wat"), read(40, "b.blue", outcome="suspect"),
         read(50, "b.blue", outcome="suspect", only="ab")],
        ["P>a 10- first 10..10"],
        visits="P10+ P20- P30- P40? P50-",
    ),
    "rendered_only_links_count_but_a_raw_visit_would_not_close_them": Row(
        [read(10, "a.1 a.2 a.3 a.4 a.5", method="rendered"), read(20, "")],
        [f"P>a{number} 10- first 10..10 rendered" for number in ("", "#1", "#2", "#3", "#4")],
        visits="P10+ P20+",
    ),
    "the_first_visit_of_a_page_is_a_suspect_if_its_outcome_says_so": Row(
        [read(10, "a.red", outcome="suspect")], [], visits="P10?", pages=["P None..None @10 unconfirmed 0"]
    ),
    "a_suspect_that_arrives_late_confirms": Row(
        [read(10, FIVE), read(30, ""), read(40, FIVE), read(20, "")],
        visits="P10+ P20+ P30+ P40+",
    ),
    # -- why a link is new
    "restored_by_the_first_visit_after_a_suspect_that_was_confirmed": Row(
        [read(10, "a.red"), read(20, "", outcome="suspect"), read(30, "", outcome="suspect"), read(40, "a.red")],
        ["P>a 10-40 first 10..10 gone 20 removed", "P>a 40- restored 10..40"],
        visits="P10+ P20+ P30+ P40+",
    ),
    "an_earlier_partial_or_suspect_document_could_not_have_seen_it": Row(
        [read(10, "", outcome="partial"), read(20, "", outcome="suspect"), read(30, "a.red")],
        ["P>a 30- first 30..30"],
    ),
    # -- moves
    "links_found_again_where_the_redirect_leads_are_moved": Row(
        [read(10, "a.red b.blue c.gone"), read(20, "b.blue a.green d.new", "Q", via="P301")],
        ["P>a 10- first 10..10 gone 20 moved", "P>b 10- first 10..10 gone 20 moved",
         "P>c 10- first 10..10 gone 20 page_redirected", "Q>a 20- moved 10..20", "Q>b 20- moved 10..20",
         "Q>d 20- first 20..20"],
        ['P>a "red" 10- first 10..10 gone 20', 'P>b "blue" 10- first 10..10 gone 20',
         'P>c "gone" 10- first 10..10 gone 20', 'Q>a "green" 20- moved 20..20', 'Q>b "blue" 20- moved 10..20',
         'Q>d "new" 20- first 20..20'],
        misses="P20 page_redirected Q",
    ),
    "a_permanent_redirect_308_to_a_page_without_links": Row(
        [read(10, "a.red"), fail(20, 500, "Q", via="P308")],
        ["P>a 10- first 10..10 gone 20 page_redirected"],
        misses="P20 page_redirected Q, Q20 nothing",
    ),
    "a_redirect_that_ends_at_the_page_itself_is_none": Row(
        [read(10, "a.red"), read(20, "a.red b.blue", via="P301 Q302")],
        ["P>a 10- first 10..20", "P>b 20- added 20..20"],
        misses="Q20 nothing",
    ),
    "a_chain_that_does_not_end_closes_nothing": Row(
        [read(10, "a.red"), read(11, "a.red", "Q"), fail(20, 308, "Q", via="P301 Q308"), fail(30, 301, via="P301")],
        ["P>a 10- first 10..10", "Q>a 11- first 11..11"],
        misses="P20 nothing, Q20 nothing, P30 nothing",
    ),
    "what_stood_there_before_is_not_moved_there": Row(
        [read(10, "a.red"), read(11, "a.red", "Q"), read(20, "a.red", "Q", via="P301")],
        ["P>a 10- first 10..10 gone 20 moved", "Q>a 11- first 11..20"],
    ),
    "moved_to_where_it_had_begun_with_the_latest_visit": Row(
        [read(10, "a.red"), read(11, "", "Q"), read(15, "a.red", "Q"), fail(20, 500, "Q", via="P301")],
        ["P>a 10- first 10..10 gone 20 moved", "Q>a 15- moved 10..15"],
    ),
    "restored_there_is_not_moved_there": Row(
        [read(10, "a.red"), read(11, "a.red", "Q"), read(12, "", "Q"), read(20, "a.red", "Q", via="P301")],
        ["P>a 10- first 10..10 gone 20 moved", "Q>a 11-20 first 11..11 gone 12 removed", "Q>a 20- restored 11..20"],
    ),
    "moved_twice_carries_the_first_date_on": Row(
        [read(10, "a.red"), read(20, "a.red", "Q", via="P301"), read(30, "a.red", "R", via="Q301")],
        ["P>a 10- first 10..10 gone 20 moved", "Q>a 20- moved 10..20 gone 30 moved", "R>a 30- moved 10..30"],
    ),
    "every_url_of_a_chain_is_closed_by_its_own_answer": Row(
        [read(10, "a.red"), read(11, "a.red", "Q"), read(20, "a.red", "R", via="P302 Q308")],
        ["P>a 10- first 10..10", "Q>a 11- first 11..11 gone 20 moved", "R>a 20- moved 11..20"],
        misses="P20 nothing, Q20 page_redirected R",
    ),
    "a_redirect_to_a_page_not_found": Row(
        [read(10, "a.red"), read(11, "a.red", "Q"), fail(20, 404, "Q", via="P301")],
        ["P>a 10- first 10..10 gone 20 page_redirected", "Q>a 11- first 11..11 gone 20 page_not_found"],
    ),
    "a_page_that_comes_back_from_its_redirect": Row(
        [read(10, "a.red"), read(20, "a.red", "Q", via="P301"), read(30, "a.red")],
        ["P>a 10-30 first 10..10 gone 20 moved", "P>a 30- restored 10..30", "Q>a 20- moved 10..20"],
    ),
    "a_page_read_late_moves_its_links": Row(
        [read(20, "a.red", "Q", via="P301"), read(10, "a.red")],
        ["P>a 10- first 10..10 gone 20 moved", "Q>a 20- moved 10..20"],
    ),
    "two_pages_moved_to_one": Row(
        [read(10, "a.red"), read(11, "a.red b.blue", "Q"), fail(20, 500, "R", via="P301"),
         read(20, "a.red b.blue", "R", via="Q301")],
        ["P>a 10- first 10..10 gone 20 moved", "Q>a 11- first 11..11 gone 20 moved",
         "Q>b 11- first 11..11 gone 20 moved", "R>a 20- moved 10..20", "R>b 20- moved 11..20"],
    ),
    "moved_by_the_words_of_that_date": Row(
        [read(10, "a.red a.blue"), read(20, "a.blue a.green", "Q", via="P301"), read(30, "a.red a.blue", "Q", rules=2)],
        ["P>a 10- first 10..10 gone 20 moved", "P>a#1 10- first 10..10 gone 20 moved", "Q>a 20- moved 10..30",
         "Q>a#1 20- moved 10..30"],
        ['P>a "red" 10- first 10..10 gone 20', 'P>a#1 "blue" 10- first 10..10 gone 20',
         'Q>a "blue" 20- moved 10..30', 'Q>a#1 "red" 20- moved 20..30'],
    ),
    "what_went_later_was_there_at_the_date_of_the_move": Row(
        [read(20, "a.red", "Q"), read(30, "", "Q"), fail(25, 500, "Q", via="P301"), read(10, "a.red")],
        ["P>a 10- first 10..10 gone 25 moved", "Q>a 20- moved 10..20 gone 30 removed"],
    ),
    "moved_to_a_suspect_that_is_confirmed": Row(
        [read(10, "a.red"), read(20, "a.red", "Q", via="P301", outcome="suspect"),
         read(30, "a.red", "Q", outcome="suspect")],
        ["P>a 10- first 10..10 gone 20 moved", "Q>a 20- moved 10..30"],
        visits="P10+ Q20+ Q30+",
    ),
    "moved_to_a_suspect_that_waits": Row(
        [read(10, "a.red"), read(20, "a.red", "Q", via="P301", outcome="suspect")],
        ["P>a 10- first 10..10 gone 20 page_redirected"],
        visits="P10+ Q20?",
    ),
    "what_comes_after_the_date_of_the_move_is_not_moved": Row(
        [read(10, "a.red"), read(20, "", "Q", via="P301"), read(30, "a.red", "Q")],
        ["P>a 10- first 10..10 gone 20 page_redirected", "Q>a 30- added 30..30"],
    ),
    # -- other rules
    "other_rules_rewrite_in_place": Row(
        [read(10, "a.red b.blue", body="x"), read(20, "a.RED+n b.blue", body="x", rules=2)],
        ["P>a 10- first 10..20 nofollow", "P>b 10- first 10..20"],
        ['P>a "RED" 10- first 10..20', 'P>b "blue" 10- first 10..20'],
    ),
    "the_same_document_under_other_rules_is_reread": Row(
        [read(10, "a.red b.blue", body="x"), read(20, "a.red c.new", body="x", rules=2)],
        ["P>a 10- first 10..20", "P>b 10- first 10..10 gone 20 reread", "P>c 20- reread 20..20"],
    ),
    "reread_where_it_takes_up_a_lost_number": Row(
        [read(10, "a.red b.blue"), read(20, "b.blue", body="x"), read(30, "b.blue a.red", body="x", rules=2)],
        ["P>a 10-30 first 10..10 gone 20 removed", "P>a 30- reread 10..30", "P>b 10- first 10..30"],
        ['P>a "red" 10-30 first 10..10 gone 20', 'P>a "red" 30- reread 10..30', 'P>b "blue" 10- first 10..30'],
    ),
    "another_document_under_other_rules_has_changed": Row(
        [read(10, "a.red b.blue", body="x"), read(20, "a.RED c.new", body="y", rules=2)],
        ["P>a 10- first 10..20", "P>b 10- first 10..10 gone 20 removed", "P>c 20- added 20..20"],
        ['P>a "RED" 10- first 10..20', 'P>b "blue" 10- first 10..10 gone 20', 'P>c "new" 20- added 20..20'],
    ),
    "only_the_first_visit_under_other_rules_rewrites": Row(
        [read(10, "a.red"), read(20, "a.RED", rules=2), read(30, "a.rot", rules=2)],
        words=['P>a "RED" 10-30 first 10..20', 'P>a "rot" 30- changed 30..30'],
    ),
    "a_filtered_visit_under_other_rules_is_no_rereading": Row(
        [read(10, "a.red"), read(20, "a.blue", only="a", rules=2)],
        words=['P>a "blue" 20- changed 20..20', 'P>a "red" 10-20 first 10..10'],
    ),
    "a_page_without_live_links_is_not_reread": Row(
        [read(10, "a.red", body="x"), fail(15, 404), read(20, "a.red", body="x", rules=2)],
        ["P>a 10-20 first 10..10 gone 15 page_not_found", "P>a 20- restored 10..20"],
    ),
    # -- an unchanged document, redelivery
    "a_304_is_a_complete_visit_with_the_headers_it_carries": Row(
        [read(10, "a.red"), read(20, "a.red", status=304), read(30, "a.red", status=304, facts="x")],
        ["P>a 10-30 first 10..20", "P>a 30- changed 10..30 page-nofollow 16"],
        visits="P10+ P20+ P30+",
    ),
    "the_same_page_at_the_same_date_is_the_same_visit": Row(
        [read(10, "a.red"), read(10, "a.red"), read(20, "a.red b.blue"), read(10, "a.red")],
        ["P>a 10- first 10..20", "P>b 20- added 20..20"],
        visits="P10+ P20+",
    ),
    "the_same_page_once_more_in_the_same_crawl_is_the_same_visit": Row(
        [read(10, "a.red", crawl=1), read(20, "b.blue", via="Q302", crawl=1), read(30, "a.red", crawl=2)],
        ["P>a 10- first 10..30"],
        visits="P10+ P30+",
        misses="Q20 nothing",
    ),
    "a_whole_document_after_a_broken_one_of_the_same_crawl": Row(
        [read(10, "a.red", outcome="partial", crawl=1), read(20, "b.blue", via="Q302", crawl=1)],
        ["P>b 20- first 20..20"],
        visits="P10~ P20+",
    ),
}  # fmt: skip
