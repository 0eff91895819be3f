"""Crawling again as a user does it: pages that did not change, pages read lately, answers that are not the page."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from local_site import Page, Request, Site, environment, html, redirect, validated

from storage.engine import open_ledger

COMMAND = [sys.executable, "-c", "from cli.main import main; main()"]
ROOT = Path(__file__).resolve().parent.parent
TARGETS = [f"http://t{number}.example/" for number in range(6)]
DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
CHALLENGE = Page(
    "<html><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript and cookies to continue"
    "</noscript><script>window._cf_chl_opt = {};</script></body></html>",
    headers=(("ETag", '"challenge"'),),
)


class Shell:
    """Runs commands on one ledger in a folder of its own."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database = folder, database

    def run(self, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *words, "--db", self.database],
            cwd=self.folder,
            env=environment() | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done

    def ask(self, *words: str, status: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*words, "--format", "json", status=status).stdout)
        return found

    def crawl(self, *words: str, status: int = 0) -> dict[str, Any]:
        return self.ask("crawl", *words, "--delay", "0", status=status)

    def links(self) -> list[tuple[str, str, bool]]:
        """(source, target, followed) of every live link."""
        rows = self.ask("links", "list", "--kind", "any", "--limit", "none")["links"]
        return [(row["source"], row["target"], row["followed"]) for row in rows]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with open_ledger(self.database) as conn:
            return [tuple(row) for row in conn.exec_driver_sql(statement)]

    def outcomes(self, crawl: str = "last") -> dict[str, tuple[str, str | None]]:
        rows = self.ask("crawls", "urls", crawl)["urls"]
        return {row["url"]: (row["outcome"], row["reason"]) for row in rows}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, f"sqlite:///{tmp_path / 'l.db'}")


def sent(site: Site) -> list[tuple[str, str | None, str | None]]:
    """(path, If-None-Match, If-Modified-Since) of the requests since last asked, but for robots.txt."""
    log, site.log = site.log, []
    robots = [request for request in log if request.path == "/robots.txt"]
    assert not any({"if-none-match", "if-modified-since"} & {name.lower() for name in one.headers} for one in robots)
    return [
        (request.path, request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
        for request in log
        if request.path != "/robots.txt"
    ]


# -- unchanged pages ------------------------------------------------------------------------------------


@pytest.mark.proof
def test_an_unchanged_page_is_asked_for_and_kept(site: Site, one_database: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path, one_database)
    page = Page(html(*TARGETS, title="Tools"))
    site.routes["/a"] = validated(page, etag='W/"1"', modified=DATE)
    shell.crawl(site.url("/a"))
    assert sent(site) == [("/a", None, None)]
    before = shell.links()

    again = shell.crawl(site.url("/a"))
    assert sent(site) == [("/a", 'W/"1"', DATE)], "both, exactly as they were received"
    assert (again["fetched"], again["pages"], again["links"]) == (1, 1, 6)
    assert shell.links() == before
    assert shell.rows("SELECT count(*) FROM record") == [(1,)], "the kept record stands for both visits"

    # The header of today counts, whatever the document said when it was read.
    site.routes["/a"] = validated(page, etag='W/"1"', carried=(("X-Robots-Tag", "noindex, nofollow"),))
    shell.crawl(site.url("/a"))
    assert [followed for _, _, followed in shell.links()] == [False] * 6
    assert shell.ask("links", "count", "t0.example", "--not-indexable")["page_nofollow"] == 1
    site.routes["/a"] = validated(page, etag='W/"1"', carried=(("X-Robots-Tag", "all"), ("ETag", 'W/"2"')))
    shell.crawl(site.url("/a"))
    assert shell.links() == before

    visits = shell.rows("SELECT status, complete, bytes, content_type, title, content_hash FROM visit ORDER BY at")
    assert [(status, bool(complete)) for status, complete, *_ in visits] == [(200, True), *[(304, True)] * 3]
    assert len({rest for _, _, *more in visits for rest in [tuple(more)]}) == 1
    texts = shell.rows("SELECT count(*), count(text) FROM record")
    assert texts == [(3, 3)], "the text is kept with the page as each header changed it"
    lost = shell.ask("links", "list", "--kind", "any", "--state", "lost")
    assert lost["links"] == []


def test_no_conditional(site: Site, shell: Shell) -> None:
    site.routes["/a"] = validated(Page(html("/x")), etag='"1"')
    for more in ((), ("--no-conditional",), ("--judge-as", "acmebot")):
        shell.crawl(site.url("/a"), *more)
        assert sent(site) == [("/a", None, None)]
    shell.crawl(site.url("/a"), "--judge-as", "bingbot")
    assert sent(site) == [("/a", '"1"', None)]


def test_validators_go_to_the_url_they_came_from(site: Site, shell: Shell) -> None:
    site.routes |= {"/old": redirect("/new", 302), "/new": validated(Page(html("/x")), etag='"new"')}
    shell.crawl(site.url("/old"))
    sent(site)
    again = shell.crawl(site.url("/old"))
    assert sent(site) == [("/old", None, None), ("/new", '"new"', None)]
    assert (again["fetched"], again["links"]) == (1, 1)
    # It leads elsewhere now, and further on to the page it led to.
    site.routes |= {"/old": redirect("/other", 302), "/other": redirect("/new", 302)}
    shell.crawl(site.url("/old"))
    assert sent(site) == [("/old", None, None), ("/other", None, None), ("/new", '"new"', None)]
    # A page on the way back: the header is not carried on from the hop before.
    site.routes |= {"/old": redirect("/new", 302), "/new": redirect("/other", 302), "/other": Page(html("/y"))}
    shell.crawl(site.url("/old"))
    assert sent(site) == [("/old", None, None), ("/new", '"new"', None), ("/other", None, None)]
    assert shell.outcomes()[site.url("/old")] == ("fetched", None)


def test_a_304_that_nobody_asked_for(site: Site, shell: Shell) -> None:
    site.routes["/a"] = Page(status=304, content_type=None, length=False)
    shell.crawl(site.url("/a"))
    assert shell.outcomes() == {site.url("/a"): ("failed", "http:304")}


def test_an_announced_length_and_a_second_try_do_no_harm(site: Site, shell: Shell) -> None:
    """Many servers announce the length of the document with a 304; and a request may have to be made twice."""
    page = Page(html("/x", "/y"))
    tries: list[int] = []

    def answer(request: Request) -> Page:
        if "If-None-Match" not in request.headers:
            return Page(page.body, headers=(("ETag", '"1"'),))
        tries.append(1)
        if len(tries) == 1:
            return Page("", status=503)
        length = ("Content-Length", str(len(page.bytes)))
        return Page(status=304, length=False, headers=(length, ("ETag", '"1"')))

    site.routes["/a"] = answer
    shell.crawl(site.url("/a"))
    sent(site)
    again = shell.crawl(site.url("/a"))
    assert sent(site) == [("/a", '"1"', None)] * 2
    assert (again["fetched"], again["links"]) == (1, 2)


def test_links_of_an_unchanged_page_are_followed(site: Site, shell: Shell) -> None:
    site.routes |= {
        "/": validated(Page(html("/a", "/b")), etag='"home"'),
        "/a": validated(Page(html("/")), modified=DATE),
        "/b": Page(html("/")),
    }
    for _ in range(2):
        facts = shell.crawl(site.url("/"), "--depth", "1")
        assert (facts["asked"], facts["fetched"]) == (3, 3)
    assert sorted(sent(site)[3:]) == [("/", '"home"', None), ("/a", None, DATE), ("/b", None, None)]


def test_a_record_that_is_gone_meanwhile(site: Site, shell: Shell) -> None:
    """Its bytes are pruned while the page is being asked: the document is asked for once more."""

    def answer(request: Request) -> Page:
        if "If-None-Match" not in request.headers:
            return Page(html("/x", "/y"), headers=(("ETag", '"1"'),))
        with sqlite3.connect(shell.folder / "l.db", timeout=20) as conn:
            conn.execute("UPDATE record SET data = x''")
        return Page(status=304, content_type=None, length=False)

    site.routes["/a"] = answer
    shell.crawl(site.url("/a"))
    sent(site)
    again = shell.crawl(site.url("/a"))
    assert sent(site) == [("/a", '"1"', None), ("/a", None, None)]
    assert (again["fetched"], again["links"]) == (1, 2)


# -- pages read lately ----------------------------------------------------------------------------------


@pytest.mark.proof
def test_refresh_after(site: Site, one_database: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path, one_database)
    page = Page(html("/x"))
    site.routes |= {"/a": page, "/b": page, "/c": page, "/old": redirect("/a")}
    seeds = [site.url(path) for path in ("/a", "/b", "/old", "/gone")]
    (tmp_path / "list.txt").write_text("\n".join(seeds))
    shell.crawl("list.txt", "--list", "spring")
    sent(site)

    # All but the one that was not there, from the kept list.
    done = shell.run("crawl", "--list", "spring", "--refresh-after", "6d", "--delay", "0", "--format", "json")
    assert "3 of 4 pages were read within --refresh-after and are not asked" in done.stderr
    facts = json.loads(done.stdout)
    assert (facts["asked"], facts["skipped"], facts["failed"], facts["pending"]) == (4, 3, 1, 0)
    assert {"outcome": "skipped", "reason": "visited_lately", "urls": 3} in facts["problems"]
    assert [path for path, *_ in sent(site)] == ["/gone"]
    reasons = {url: (outcome, (reason or "").partition(" ")) for url, (outcome, reason) in shell.outcomes().items()}
    for path in ("/a", "/b", "/old"):
        outcome, (kind, _, when) = reasons[site.url(path)]
        assert (outcome, kind) == ("skipped", "visited_lately")
        assert when.startswith("20")
        assert when.endswith("Z")
    assert shell.ask("links", "count", "--kind", "any")["unconfirmed"] == 0, "nothing was attempted"

    # From seeds, of which one is new; what is left out does not count against --min-fetched.
    facts = shell.crawl(*seeds[:2], site.url("/c"), "--refresh-after", "1h", "--min-fetched", "100")
    assert (facts["fetched"], facts["skipped"]) == (1, 2)
    assert [path for path, *_ in sent(site)] == ["/c"]

    # Neither fetches anything.
    for words in (["--list", "spring"], ["list.txt"]):
        plan = shell.ask("crawl", *words, "--dry-run", "--refresh-after", "6d")
        assert (plan["rows_accepted"], plan["visited_lately"], plan["pages"]) == (4, 3, 1)
        assert plan["largest_operator_pages"] == 1
        assert shell.ask("crawl", *words, "--dry-run")["pages"] == 4
    assert sent(site) == []


def test_a_dry_run_before_the_first_crawl_knows_of_no_visits(site: Site, shell: Shell) -> None:
    plan = shell.ask("crawl", site.url("/a"), "--dry-run", "--refresh-after", "6d")
    assert (plan["pages"], plan["visited_lately"]) == (1, 0)
    assert not (shell.folder / "l.db").exists()


USAGE = [  # id, words, part of the message
    ("no_span", ["crawl", "a.example", "--refresh-after", "soon"], "--refresh-after 'soon'"),
    ("no_time_at_all", ["crawl", "a.example", "--refresh-after", "0d"], "--refresh-after"),
    ("with_a_retry", ["crawl", "--retry-failed", "1", "--refresh-after", "6d"], "--refresh-after"),
]


@pytest.mark.parametrize(("words", "message"), [pytest.param(*row[1:], id=row[0]) for row in USAGE])
def test_usage(words: list[str], message: str, site: Site, shell: Shell) -> None:
    site.routes["/a"] = Page(html())
    shell.crawl(site.url("/a"))
    done = shell.run(*words, status=2)
    assert message in " ".join(done.stderr.replace("│", " ").split())


# -- answers that are not the page ----------------------------------------------------------------------


@pytest.mark.proof
def test_a_challenge_closes_nothing(site: Site, one_database: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path, one_database)
    page = validated(Page(html(*TARGETS)), etag='"1"')
    site.routes["/a"] = page
    shell.crawl(site.url("/a"))
    before = shell.links()
    assert len(before) == 6

    site.routes["/a"] = CHALLENGE
    facts = shell.crawl(site.url("/a"))
    assert (facts["suspect"], facts["fetched"]) == (1, 0)
    assert shell.outcomes() == {site.url("/a"): ("suspect", "challenge cloudflare")}
    (row,) = shell.ask("crawls", "urls", "last", "--outcome", "suspect")["urls"]
    assert "person" in row["remedy"]
    assert shell.links() == before
    assert shell.ask("links", "count", "--kind", "any")["unconfirmed"] == 6
    sent(site)

    # While it may be confirmed, the page is asked without validators: they would hide what stands there now.
    site.routes["/a"] = page
    assert shell.crawl(site.url("/a"))["fetched"] == 1
    assert sent(site) == [("/a", None, None)]
    assert shell.links() == before
    assert shell.ask("links", "list", "--kind", "any", "--state", "lost")["links"] == []
    shell.crawl(site.url("/a"))
    assert sent(site) == [("/a", '"1"', None)]
    assert shell.ask("links", "count", "--kind", "any")["confirmed"] == 6


def test_links_of_a_suspect_are_not_followed(site: Site, shell: Shell) -> None:
    parked = "<title>This domain is for sale</title><p>Buy this domain</p><a href='/buy'>Buy</a>"
    site.routes |= {"/": Page(parked), "/buy": Page(html())}
    facts = shell.crawl(site.url("/"), "--depth", "1")
    assert (facts["asked"], facts["suspect"]) == (1, 1)


def test_a_second_suspect_confirms_the_first(site: Site, shell: Shell) -> None:
    site.routes["/a"] = Page(html(*TARGETS))
    shell.crawl(site.url("/a"))
    site.routes["/a"] = Page("<title>This domain is for sale</title><p>Buy this domain</p>")
    shell.crawl(site.url("/a"))
    assert len(shell.links()) == 6
    shell.crawl(site.url("/a"))
    assert shell.links() == []
    lost = shell.ask("links", "list", "--kind", "any", "--state", "lost")["links"]
    assert {row["lost_cause"] for row in lost} == {"removed"}
    ((_, first),) = [(crawl, at) for crawl, at in shell.rows("SELECT crawl_id, at FROM visit") if crawl == 2]
    closed = shell.rows("SELECT DISTINCT gone_at FROM link WHERE gone_at IS NOT NULL")
    assert closed == [(first,)], "dated by the first of the two"
