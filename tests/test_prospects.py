"""``linkledger prospects rate``: how the pages of a list link out, on small written ledgers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from asking import ask, ask_json
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples
from readings import RULES, failed, link, page, reading, url

from audit.prospects import Links, emails, outgoing, rated
from crawler.plan import CrawlPlan
from storage import frontier, lists
from storage.engine import Ledger, create_ledger
from storage.records import Hop, Link, PageRecord, Reading, Response, SeedRow, SkippedHref
from storage.writer import write_readings

AT = 1_717_243_200_000  # 2024-06-01T12:00Z
OWN = "https://blog.example/post"


def out(host: str, words: str = "words", *rel: str, **changed: Any) -> Link:
    """An external link; one with a rel token of the three is not followed."""
    unfollowed = ("rel",) if {"nofollow", "sponsored", "ugc"} & set(rel) else ()
    return link(f"https://{host}/", words, rel=rel, follow_cause=unfollowed, **changed)


def home() -> Link:
    return link("https://blog.example/", "home", internal=True)


CASINO = out("win.example", "best online casino bonus")
PAID = out("win.example", "online casino", "sponsored")
PLAIN = out("museum.example", "the museum")
FOOTER = out("theme.example", "theme", "nofollow", placement="footer")


def answered(modified: str | None = None) -> Response:
    return Response(200, "text/html", 1000, "c0ffee", None, modified)


def mail(*hrefs: str) -> tuple[SkippedHref, ...]:
    return tuple(SkippedHref(50 + number, href, "not_http") for number, href in enumerate(hrefs))


# -- one page, and several ---------------------------------------------------------------------


def test_a_page_is_measured_by_its_external_links() -> None:
    found = outgoing(page(OWN, [home(), CASINO, PAID, PLAIN, FOOTER]), at=AT, last_modified=None)
    assert found.links == Links(
        external=4, in_main=3, followed=2, sponsored=1, ugc=0, nofollow=1, commercial=2, commercial_followed=1
    )
    assert set(found.topics.values()) == {2}, "both casino links are of one topic"


def test_a_page_that_marks_no_main_content_is_measured_by_its_body() -> None:
    links = [
        out("museum.example", placement="body"),
        FOOTER,
        link("https://blog.example/", internal=True, placement="nav"),
    ]
    assert outgoing(page(OWN, links), at=AT, last_modified=None).links.in_main == 1
    assert outgoing(page(OWN, [*links, home()]), at=AT, last_modified=None).links.in_main == 0


def test_shares_are_of_all_links_and_means_of_pages() -> None:
    many = outgoing(page(OWN, [CASINO, PAID, PLAIN]), at=AT, last_modified=None)
    bare = outgoing(page(OWN, [home()], robots=(), not_indexable=("meta_robots",)), at=AT, last_modified=None)
    found = rated([many, bare, bare])
    assert (found.main_mean, found.main_median) == (1.0, 0.0)
    assert found.share_followed == pytest.approx(2 / 3)
    assert found.share_sponsored == pytest.approx(1 / 3)
    assert found.share_indexable == pytest.approx(1 / 3)
    assert found.marks_paid is True


def test_without_external_links_no_habit_is_told() -> None:
    found = rated([outgoing(page(OWN, [home()]), at=AT, last_modified=None)])
    assert (found.pages, found.main_mean) == (1, 0.0)
    assert (found.share_followed, found.marks_paid, found.share_commercial) == (None, None, None)


def test_without_pages_nothing_is_told() -> None:
    found = rated([])
    assert (found.pages, found.main_mean, found.share_indexable, found.newest) == (0, None, None, None)


MADE = st.lists(st.sampled_from([CASINO, PAID, PLAIN, FOOTER, home()]), max_size=6)


@given(st.lists(MADE, min_size=1, max_size=4))
@settings(max_examples=examples(25))
def test_the_parts_of_a_prospect_add_up(pages: list[list[Link]]) -> None:
    found = [outgoing(page(OWN, links), at=AT, last_modified=None) for links in pages]
    whole = rated(found)
    assert whole.links.external == sum(one.links.external for one in found)
    assert all(number <= whole.links.external for number in whole.links)
    assert whole.links.commercial_followed <= min(whole.links.commercial, whole.links.followed)
    assert (whole.share_followed is None) == (whole.links.external == 0)


# -- addresses ---------------------------------------------------------------------------------


def addressed(text: str = "", *hrefs: str) -> PageRecord:
    return page(OWN, [], text=text, skipped=mail(*hrefs))


@pytest.mark.parametrize(
    ("found_on", "found"),
    [
        pytest.param(addressed("", "mailto:Eva@Blog.example"), ("eva@blog.example",), id="mailto"),
        pytest.param(
            addressed("", "MAILTO:eva%40blog.example?subject=a@b.example"), ("eva@blog.example",), id="encoded"
        ),
        pytest.param(addressed("", "mailto:a@x.example,%20b@x.example"), ("a@x.example", "b@x.example"), id="several"),
        pytest.param(addressed("", "mailto:?body=hi", "tel:+1", "mailto:eva"), (), id="no_address"),
        pytest.param(addressed("Write to eva.b+ads@mail.blog.example."), ("eva.b+ads@mail.blog.example",), id="text"),
        pytest.param(addressed("a@x.example A@X.EXAMPLE", "mailto:a@x.example"), ("a@x.example",), id="each_once"),
        pytest.param(addressed("icon@2x.png and logo@3x.webp"), (), id="file_names"),
        pytest.param(addressed("eva (at) blog.example, @eva, eva@localhost"), (), id="nothing_is_guessed"),
    ],
)
def test_addresses_published_on_the_page(found_on: PageRecord, found: tuple[str, ...]) -> None:
    assert emails(found_on) == found


def test_a_long_text_of_near_addresses_costs_little() -> None:
    assert emails(addressed("a." * 20_000 + "@" + "b-" * 20_000)) == ()


# -- the command -------------------------------------------------------------------------------


def seed(target: str, line: int, given: str | None = None) -> SeedRow:
    return SeedRow(url(target), url(target).domain, "prospects.csv", line, given or target, {})


def saying(source: str, links: list[Link], **of_page: Any) -> Reading:
    """A reading of a page that says this and no more."""
    record = page(source, links, **({"skipped": ()} | of_page))
    return reading(source, links, AT, page=record)


def write(database: str, asked: Iterable[SeedRow], *crawls: list[Reading]) -> None:
    """A list, and crawls of those of its pages that are read."""
    create_ledger(database, psl="test")
    with Ledger(database) as ledger:
        with ledger.begin() as conn:
            saved = lists.save_rows(conn, "spring", asked, AT)
        for number, readings in enumerate(crawls):
            with ledger.begin() as conn:
                plan = CrawlPlan(seeds=("x",)).kept_json()
                crawl_id = frontier.start_crawl(conn, plan=plan, list_id=saved.list_id, now=AT + number)
                frontier.add_seeds(conn, crawl_id, [seed(one.requested.url, 1) for one in readings])
            write_readings(ledger, crawl_id, readings, rules_version=RULES)


@pytest.fixture
def ledger(one_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return filled(one_database, monkeypatch)


@pytest.fixture
def either_ledger(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return filled(database, monkeypatch)


def filled(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LINKLEDGER_DB", database)
    write(
        database,
        [
            seed("https://zoo.example/", 2),
            seed("https://blog.example/a", 3, "Blog A"),
            seed("https://blog.example/b", 4),
            seed("https://blog.example/a", 5, "Blog A again"),
            seed("https://old.example/", 6),
            seed("https://never.example/", 7),
            seed("https://down.example/", 8),
            seed("https://older.example/", 9),
        ],
        [
            reading("https://zoo.example/", [PLAIN], AT, response=answered("Fri, 31 May 2024 10:00:00 GMT")),
            saying(
                "https://blog.example/a",
                [home(), CASINO, PAID, PLAIN, FOOTER],
                text="Posted 12 May 2024. Ask eva@blog.example.",
                skipped=mail("mailto:ads@blog.example"),
                lang="de-AT",
            ),
            saying("https://blog.example/b", [home()], text="2 May 2024", not_indexable=("meta_robots",)),
            reading(
                "https://new.example/",
                [FOOTER],
                AT,
                requested="https://old.example/",
                chain=(Hop(url("https://old.example/"), 301),),
            ),
            failed("https://down.example/", AT),
        ],
        [
            reading(
                "https://new.example/",
                [FOOTER],
                AT + 500,
                requested="https://older.example/",
                chain=(Hop(url("https://older.example/"), 301),),
            )
        ],
        [failed("https://zoo.example/", AT + 1000)],
    )
    return database


def test_a_row_a_domain_in_the_order_of_the_list(either_ledger: str) -> None:
    answer = ask_json("prospects", "rate", "--list", "spring")
    rows = {row["domain"]: row for row in answer["prospects"]}
    assert list(rows) == ["zoo.example", "blog.example", "new.example", "never.example", "down.example"]
    assert (answer["list"], answer["by"], answer["total"]) == ("spring", "domain", 5)
    blog = rows["blog.example"]
    topics = blog.pop("commercial_topics")
    assert list(topics.values()) == [2]
    assert blog == {
        "domain": "blog.example",
        "pages": 2,
        "pages_read": 2,
        "outcomes": {"fetched": 2},
        "external_links": 4,
        "external_main_mean": 1.5,
        "external_main_median": 1.5,
        "share_followed": 0.5,
        "share_sponsored": 0.25,
        "share_ugc": 0.0,
        "share_nofollow": 0.25,
        "marks_paid": True,
        "share_commercial": 0.5,
        "commercial_followed": 1,
        "newest_date": "2024-05-12",
        "newest_date_from": "text",
        "languages": {"de": 1, "en": 1},
        "share_indexable": 0.5,
        "emails": ["ads@blog.example", "eva@blog.example"],
        "given": ["Blog A", "Blog A again", "https://blog.example/b"],
    }


def test_what_was_never_read_has_an_outcome_and_no_figures(ledger: str) -> None:
    answer = ask_json("prospects", "rate", "--list", "spring")
    rows = {row["domain"]: row for row in answer["prospects"]}
    for domain, outcome in (("never.example", "not asked"), ("down.example", "failed")):
        row = rows[domain]
        assert row["outcomes"] == {outcome: 1}
        told = {"domain", "pages", "pages_read", "outcomes", "given"}
        assert {name for name, value in row.items() if value is not None} == told
    said = ask("prospects", "rate", "--list", "spring").stderr
    assert "never read whole, so without figures: 1 not asked, 1 failed" in said


def test_a_page_that_failed_since_shows_its_last_reading(ledger: str) -> None:
    answer = ask_json("prospects", "rate", "--list", "spring", "--by", "page")
    row = answer["prospects"][0]
    assert (row["url"], row["outcome"], row["reason"]) == ("https://zoo.example/", "failed", "http:500")
    assert (row["external_main"], row["read_at"]) == (1, "2024-06-01T12:00:00.000Z")
    assert (row["newest_date"], row["newest_date_from"]) == ("2024-05-31", "last_modified")


def test_a_row_a_page_says_where_it_led(ledger: str) -> None:
    answer = ask_json("prospects", "rate", "--list", "spring", "--by", "page")
    rows = {row["url"]: row for row in answer["prospects"]}
    assert len(rows) == answer["total"] == 7
    moved = rows["https://old.example/"]
    assert (moved["page"], moved["domain"]) == ("https://new.example/", "new.example")
    assert (moved["external_links"], moved["external_main"], moved["marks_paid"]) == (1, 0, False)
    assert rows["https://blog.example/a"]["lang"] == "de-AT"
    assert rows["https://blog.example/b"]["indexable"] is False
    assert rows["https://never.example/"]["external_links"] is None


def test_fields_and_limit(ledger: str) -> None:
    fields = "domain,marks_paid,emails"
    result = ask("prospects", "rate", "--list", "spring", "--fields", fields, "--limit", "2", "--format", "csv")
    assert result.stdout.splitlines()[0] == fields
    assert [line.split(",")[0] for line in result.stdout.splitlines()[1:]] == ["zoo.example", "blog.example"]
    assert ask("prospects", "rate", "--list", "spring", "--fields", "da").exit_code == 2


def test_a_table_fits_eighty_columns(ledger: str) -> None:
    for by in ("domain", "page"):
        lines = ask("prospects", "rate", "--list", "spring", "--by", by, "--format", "table").stdout.splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[0] == "list spring: 7 pages, 5 read"


def test_an_unknown_list_is_an_error(ledger: str) -> None:
    result = ask("prospects", "rate", "--list", "autumn")
    assert result.exit_code == 1
    assert "autumn" in str(result.stderr)


def test_it_reads_no_anchor_table_and_no_pruned_record(either_ledger: str) -> None:
    with Ledger(either_ledger) as opened, opened.begin() as conn:
        postgres = conn.dialect.name == "postgresql"
        conn.exec_driver_sql("DROP TABLE anchor CASCADE" if postgres else "DROP TABLE anchor")
        empty = "''" if postgres else "x''"
        conn.exec_driver_sql(
            f"UPDATE record SET data = {empty} WHERE id = ("
            "SELECT v.record_id FROM visit v JOIN url u ON u.id = v.page_id WHERE u.url = 'https://zoo.example/')"
        )
    answer = ask_json("prospects", "rate", "--list", "spring", "--by", "page")
    row = answer["prospects"][0]
    assert (row["page"], row["external_links"]) == ("https://zoo.example/", None)
    assert answer["prospects"][1]["external_links"] == 4
    told = ask("prospects", "rate", "--list", "spring").stderr
    assert "records pruned, so without figures: 1" in told
    assert "never read whole, so without figures: 1 not asked, 1 failed" in told, "a pruned page was read once"


def test_two_urls_that_lead_to_one_page_count_it_once(ledger: str) -> None:
    rows = {row["domain"]: row for row in ask_json("prospects", "rate", "--list", "spring")["prospects"]}
    found = rows["new.example"]
    assert (found["pages"], found["pages_read"], found["external_links"]) == (2, 1, 1)
