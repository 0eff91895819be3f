"""The same pages through the whole pipeline into both databases: the answers are equal to the byte, and right.

A replaying proxy stands in for every site, https included. The bundled pages are always crawled; real pages of
the folder that LINKLEDGER_CORPUS names (see benchmarks/corpus.py) as well, where it is given.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import zstandard
from local_site import Page, crawl, environment, serve
from proof import FACTOR

from cli import demo_site
from crawler.bodies import charset_of
from crawler.page import parse_page
from crawler.plan import CrawlPlan
from crawler.urls import canonical_url
from storage.engine import open_ledger
from storage.records import PageRecord

TARGETS = 10
ROOT = Path(__file__).resolve().parent.parent
CORPUS = os.environ.get("LINKLEDGER_CORPUS", "")
# Both crawls read one clock, so that even the times in their answers are equal.
ONE_CLOCK = "import crawler.outcomes as o, crawler.session as s\no.now_ms = s.now_ms = lambda: 1_790_000_000_000"


MORE = ("", 'rel="nofollow"', 'rel="UGC, sponsored"', 'title="a title"')
WORDS = ("Shears", "SHEARS", "", '<img src="i.png" alt="Shears, sharp">', "n\u00e4chste <b>Seite</b>")


class Given(NamedTuple):
    """One page as its server sends it."""

    url: str
    body: bytes
    content_type: str


def bundled() -> Iterator[Given]:
    """The pages of the demonstration and of the tests of page reading."""
    for url, (kind, body) in demo_site.pages().items():
        if kind.startswith("text/html"):
            yield Given(url, body, kind)
    for page in sorted((ROOT / "tests" / "pages").glob("*.html")):
        yield Given(f"https://www.tested-pages.com/{page.stem}?q=1", page.read_bytes(), "text/html")
    links = "".join(
        f'<p>Of {n} <a {MORE[n % 4]} href="//shop{n % 7}.com/p/{n}">{WORDS[n % 5]}</a></p>' for n in range(60)
    )
    for host in ("one.tested-pages.com", "two.tested-pages.com", "elsewhere.org"):
        yield Given(f"https://{host}/list", f"<!doctype html><title>x</title>{links}".encode(), "text/html")
    for charset, text in (("windows-1251", "Лучшие цены"), ("shift_jis", "お買い得"), ("iso-8859-1", "Café à côté")):
        body = f'<meta charset="{charset}"><a href="https://acmetools.example/{charset}?q={text}">{text}</a>'
        yield Given(f"https://{charset.replace('_', '-')}.tested-pages.com/", body.encode(charset), "text/html")


def corpus() -> Iterator[Given]:
    """The real pages, without those that are the same address again in another encoding."""
    known: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    with (Path(CORPUS) / "pages.tar.zst").open("rb") as raw:
        stream = zstandard.ZstdDecompressor().stream_reader(raw)
        with tarfile.open(fileobj=io.BufferedReader(stream), mode="r|") as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is None:
                    continue
                name = Path(member.name)
                if name.name == "index.jsonl":
                    known = {row["id"]: row for row in map(json.loads, file.read().decode().splitlines())}
                elif name.suffix == ".html" and name.stem in known:
                    row = known[name.stem]
                    url = canonical_url(row["url"]).url
                    if url not in seen:
                        seen.add(url)
                        charset = row["declared_charset_header_or_null"]
                        yield Given(url, file.read(), "text/html" + (f"; charset={charset}" if charset else ""))


SETS = ["bundled", *(["corpus"] if CORPUS else [])]


def ask(database: str, *words: str) -> str:
    """What a command prints in JSON."""
    done = subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", *words, "--format", "json", "--db", database],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def external(pages: list[PageRecord]) -> dict[str, Counter[str]]:
    """Followed and other backlinks of each domain, as page reading alone finds them."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for page in pages:
        for link in page.links:
            if not link.internal:
                found[link.target.domain]["followed" if link.followed else "not_followed"] += 1
    return found


@pytest.mark.proof
@pytest.mark.parametrize("which", SETS)
def test_both_databases_give_the_answers_of_the_pages(which: str, tmp_path: Path, postgres_url: str) -> None:
    given = list(bundled() if which == "bundled" else corpus())
    if which == "corpus" and FACTOR == 1:
        given = given[::3]  # all of them in the long form
    expected = [
        parse_page(
            page.body,
            url=canonical_url(page.url),
            charset=charset_of(page.content_type),
            headers=[("Content-Type", page.content_type)],
        )
        for page in given
    ]
    databases = [f"sqlite:///{tmp_path / 'ledger.db'}", postgres_url]
    seeds = tmp_path / "pages.txt"
    seeds.write_text("".join(page.url + "\n" for page in given))
    with serve() as site:
        site.routes = {canonical_url(page.url).url: Page(page.body, content_type=page.content_type) for page in given}
        for database in databases:
            plan = CrawlPlan(db=database, seeds=(str(seeds),), list_name="pages", delay=0)
            facts = crawl(plan, proxy=site.url(""), before=ONE_CLOCK)
            assert (facts["asked"], facts["fetched"]) == (len(given), len(given)), facts["problems"]
            assert facts["links"] == sum(len(page.links) for page in expected)
            assert facts["skipped_hrefs"] == sum(len(page.skipped) for page in expected)

    backlinks = external(expected)
    targets = sorted(backlinks, key=lambda name: (-backlinks[name].total(), name))[:TARGETS]
    assert len(targets) == TARGETS
    commands = {
        "count": ["links", "count"],
        "list": ["links", "list", "--limit", "none"],
        "with anchors": ["links", "list", "--kind", "any", "--with-anchor"],
        "sources": ["links", "sources", "--by", "domain"],
        "anchors": ["anchors", "top", "--limit", "none"],
    }
    answers = [
        {name: ask(database, *words, *targets, "--scope", "domain") for name, words in commands.items()}
        for database in databases
    ]
    for name in commands:
        assert answers[0][name] == answers[1][name], f"{name}: the databases differ"
    found = {name: json.loads(text) for name, text in answers[0].items()}
    for place, target in enumerate(targets):
        count, listed, anchors = (found[name][place] for name in ("count", "list", "anchors"))
        assert count["target"] == target
        assert count["backlinks"] == backlinks[target].total()
        assert count["followed"] == backlinks[target]["followed"]
        assert anchors["links"] == count["backlinks"]
        assert sum(row["links"] for row in anchors["anchors"]) == count["backlinks"]
        rows = sorted(listed["links"], key=lambda row: (row["source"].encode(), row["ordinal"]))
        for database in databases:
            assert view_rows(database, target) == [
                (row["source"], row["target"], row["ordinal"], row["placement"], row["followed"], row["first_seen"])
                for row in rows
            ]
            assert view_anchors(database, target) == count["backlinks"]


def view_rows(database: str, domain: str) -> list[tuple[Any, ...]]:
    """Live external links to a domain, by the SQL view."""
    with open_ledger(database) as conn:
        mark = "%s" if conn.dialect.name == "postgresql" else "?"
        rows = conn.exec_driver_sql(
            "SELECT source, target, ordinal, placement, followed, first_seen FROM v_links "
            f"WHERE target_domain = {mark} AND state = 'live' AND NOT internal ORDER BY source, ordinal",
            (domain,),
        )
        return [(*row[:4], bool(row[4]), row[5]) for row in rows]


def view_anchors(database: str, domain: str) -> int:
    """Links that the anchors of a domain cover, by the SQL view."""
    with open_ledger(database) as conn:
        mark = "%s" if conn.dialect.name == "postgresql" else "?"
        return int(
            conn.exec_driver_sql(
                f"SELECT count(*) FROM v_anchors WHERE target_domain = {mark} AND state = 'live' AND NOT internal",
                (domain,),
            ).scalar_one()
        )
