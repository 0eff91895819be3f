"""Four processes write into one ledger at once, on both databases.

They read the same pages on different dates in crawls of their own, and share one crawl besides, in which each has its
own pages and all find the same URLs. All pages link to a few targets in a few words, so that every transaction meets
the others' rows. Readings come late, repeat, and close pages by 404 and by redirects, which rebuild other pages. What
is kept in the end must be what one process keeps that is given the same readings in order.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from proof import FACTOR, examples
from readings import failed, link, reading, url

from storage import frontier, layout
from storage.check import check
from storage.engine import Ledger, create_ledger
from storage.evidence import read_record
from storage.records import Discovered, Hop, Link, Reading, Response
from storage.writer import write_readings

WRITERS = 4
WEEKS = 3 if FACTOR == 1 else 6
BATCH = 4
"""Few readings a transaction, so that there are many."""
DAY = 86_400_000
START = 1_700_000_000_000
PAGES = [f"https://www.blog{number % 7}.example/{number}" for number in range(24)]
TARGETS = [f"https://shop{number % 5}.example/{number % 9}" for number in range(20)] + PAGES[:3]
WORDS = ["Shears", "shears", "the shop", "https://shop.example", "read more", ""]
SHARED = 1
"""The crawl that all of them write into."""


class Batch(NamedTuple):
    """What one call of `write_readings` gets."""

    crawl: int
    rules: int
    readings: list[Reading]


# -- what is read -----------------------------------------------------------------------------


def share(seed: int, writer: int) -> list[Batch]:
    """The batches of one writer, in the order it writes them."""
    dice = random.Random(f"{seed} {writer}")
    found: list[Batch] = []
    for week in range(WEEKS):
        crawl = SHARED + 1 + week * WRITERS + writer
        # No two readings of one date, and a page once a crawl: which of two is kept would be a matter of luck.
        clock = iter(range(START + week * 7 * DAY + writer, START + (week + 1) * 7 * DAY, WRITERS * 1000))
        # The date within the week is the writer's own, so that writers read a page in turn.
        skip = dice.randrange(1000)
        for _ in range(skip):
            next(clock)
        pages = dice.sample(PAGES, 14)
        made = list(_readings(seed, dice, pages, clock))
        rules = 2 if week >= WEEKS // 2 and writer % 2 else 1
        found += [Batch(crawl, rules, made[start : start + BATCH]) for start in range(0, len(made), BATCH)]
    own = PAGES[writer::WRITERS]
    late = iter(range(START + WEEKS * 7 * DAY + writer, START + (WEEKS + 1) * 7 * DAY, WRITERS * 1000))
    everything = tuple(Discovered(url(target), url(target).domain) for target in TARGETS)
    for page in own:
        read = reading(page, _document(seed, dice, page), next(late), discovered=everything)
        found.append(Batch(SHARED, 1, [read]))
    # Some arrive late, and some twice.
    for _ in range(len(found) // 5):
        found.insert(dice.randrange(len(found)), found.pop(dice.randrange(len(found))))
    return [*found, found[0], found[-1]]


def _readings(seed: int, dice: random.Random, pages: Sequence[str], clock: Iterator[int]) -> Iterator[Reading]:
    left = list(pages)
    while left:
        page, at, chance = left.pop(), next(clock), dice.random()
        if chance < 0.60:
            yield _read(page, _document(seed, dice, page), at)
        elif chance < 0.66:
            yield _read(page, _document(seed, dice, page)[:1], at, outcome="suspect", reason="challenge")
        elif chance < 0.70:
            yield _read(page, _document(seed, dice, page)[:2], at, outcome="partial", reason="cut")
        elif chance < 0.74:
            yield _read(page, _document(seed, dice, page)[:1], at)  # most links vanished
        elif chance < 0.80:
            yield failed(page, at, 404)
        elif chance < 0.85:
            yield failed(page, at, 503)
        elif chance < 0.88:
            yield reading(page, None, at, outcome="blocked", status=None, reason="robots:disallow", final=None)
        elif left:
            end, status = left.pop(), dice.choice([301, 308, 302])
            # Half of the time with the links of the page that was left, so that they have moved.
            of = dice.choice([page, end])
            chain = (Hop(url(page), status),)
            yield _read(end, _document(seed, dice, of), at, requested=page, chain=chain)


def _read(page: str, links: list[Link], at: int, **changed: Any) -> Reading:
    """A reading whose content hash is that of its links."""
    made = hashlib.blake2b(repr(links).encode(), digest_size=16).hexdigest()
    return reading(page, links, at, response=Response(200, "text/html", 1000, made), **changed)


def _document(seed: int, dice: random.Random, page: str) -> list[Link]:
    """The links of a page, with what editors may have done to them."""
    fixed = random.Random(f"{seed} {page}")
    links = [link(fixed.choice(TARGETS), fixed.choice(WORDS)) for _ in range(fixed.randrange(4, 12))]
    links = [one for one in links if dice.random() < 0.9]
    for place in range(len(links)):
        chance = dice.random()
        if chance < 0.06:
            links[place] = link(links[place].target.url, dice.choice(WORDS))
        elif chance < 0.10:
            links[place] = links[place]._replace(rel=("ugc", "nofollow"), follow_cause=("rel",))
    if dice.random() < 0.3:
        links.insert(dice.randrange(len(links) + 1), link(dice.choice(TARGETS), dice.choice(WORDS)))
    if dice.random() < 0.1:
        dice.shuffle(links)
    return links


# -- writing it -------------------------------------------------------------------------------


def prepare(database: str) -> None:
    """A ledger with the crawls all readings belong to."""
    create_ledger(database, psl="test")
    with Ledger(database) as ledger, ledger.begin() as conn:
        made = [frontier.start_crawl(conn, plan="{}", list_id=None, now=START) for _ in range(WEEKS * WRITERS + 1)]
    assert made == list(range(SHARED, WEEKS * WRITERS + 2))


def write_share(database: str, seed: int, writer: int) -> None:
    """One of the processes: says when it is ready, waits for a line, writes, says when it began and ended."""
    batches = share(seed, writer)
    with Ledger(database) as ledger:
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.monotonic()
        for batch in batches:
            write_readings(ledger, batch.crawl, batch.readings, rules_version=batch.rules)
    print(json.dumps([began, time.monotonic()]))


def write_together(database: str, seed: int) -> list[tuple[float, float]]:
    """All processes at once; when each began and ended."""
    started = [
        subprocess.Popen(
            [sys.executable, __file__, database, str(seed), str(writer)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for writer in range(WRITERS)
    ]
    try:
        for child in started:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n", child.communicate()
        for child in started:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        ends = [child.communicate(timeout=600) for child in started]
    finally:
        for child in started:
            child.kill()
    for child, (_, said) in zip(started, ends, strict=True):
        assert (child.returncode, said) == (0, "")
    return [tuple(json.loads(out)) for out, _ in ends]


def write_alone(database: str, seed: int) -> None:
    """The same readings, by date, from one process."""
    every = [batch for writer in range(WRITERS) for batch in share(seed, writer)]
    with Ledger(database) as ledger:
        for batch in sorted(every, key=lambda batch: batch.readings[0].at):
            write_readings(ledger, batch.crawl, batch.readings, rules_version=batch.rules)


# -- comparing --------------------------------------------------------------------------------

_LINK = "t.url, s.url, f.link_no, f.valid_from, f.valid_to, f.first_seen, f.last_seen, f.gone_at, f.began"
_ENDS = "JOIN url t ON t.id = f.target_id JOIN url s ON s.id = f.source_id"
TABLES = {
    "link": f"SELECT {_LINK}, f.lost_cause, f.follow_cause, f.rel, f.placement, f.element, f.hidden, f.seen_by"
    f" FROM link f {_ENDS}",
    "place": "SELECT t.url, s.url, f.link_no, f.position, p.layout"
    f" FROM link f {_ENDS} JOIN page p ON p.id = f.source_id WHERE f.valid_to IS NULL AND f.gone_at IS NULL",
    "anchor": f"SELECT {_LINK}, w.text, f.source, f.has_image FROM anchor f {_ENDS} JOIN anchor_text w"
    " ON w.id = f.text_id",
    "edge": "SELECT t.name, s.name, u.url, h.name, e.links, e.followed, e.rel_nofollow, e.rel_ugc, e.rel_sponsored,"
    " e.page_nofollow, e.lost, e.first_seen, e.newest, e.own_seen, e.own_oldest, e.own_newest FROM edge e"
    " JOIN domain t ON t.id = e.target_domain JOIN domain s ON s.id = e.source_domain"
    " JOIN url u ON u.id = e.source_id JOIN host h ON h.id = e.source_host",
    "page": "SELECT u.url, p.first_ok, p.last_ok, v.at, p.attempted_at, p.confirmed, p.indexable, p.links, w.at,"
    " p.plain FROM page p JOIN url u ON u.id = p.id LEFT JOIN visit v ON v.id = p.last_visit_id"
    " LEFT JOIN visit w ON w.id = p.suspect_id",
    "visit": "SELECT u.url, v.at, v.crawl_id, r.url, v.chain, v.status, v.complete, v.whole, v.reason,"
    " v.rules_version, v.content_hash, v.links FROM visit v JOIN url u ON u.id = v.page_id"
    " JOIN url r ON r.id = v.requested_id",
    "miss": "SELECT u.url, m.at, m.state, m.cause, t.url, m.crawl_id FROM miss m JOIN url u ON u.id = m.page_id"
    " LEFT JOIN url t ON t.id = m.moved_to",
    "outcome": "SELECT o.crawl_id, u.url, o.state, o.operator, o.reason, o.status, o.chain, f.url, v.at, o.at"
    " FROM outcome o JOIN url u ON u.id = o.url_id LEFT JOIN url f ON f.id = o.final_id"
    " LEFT JOIN visit v ON v.id = o.visit_id",
}
"""What a ledger says, by names instead of ids."""


def contents(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that means something, sorted."""
    with Ledger(database) as ledger, ledger.connect() as conn:
        found: dict[str, list[tuple[Any, ...]]] = {}
        for name, question in TABLES.items():
            rows = [tuple(row) for row in conn.exec_driver_sql(question)]
            if name == "place":  # positions depend on what was there before; what they say does not
                rows = [(*row[:3], layout.ordinal(row[3], layout.read(row[4]))) for row in rows]
            found[name] = sorted(rows, key=repr)
        visits = conn.exec_driver_sql("SELECT u.url, v.at, v.id FROM visit v JOIN url u ON u.id = v.page_id").all()
        found["record"] = sorted(((page, at, repr(read_record(conn, visit))) for page, at, visit in visits), key=repr)
        assert [(one.name, one.examples) for one in check(conn) if one.wrong] == []
    return found


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(examples(1)))
def test_four_writers_keep_what_one_keeps(database: str, seed: int, tmp_path: Path) -> None:
    alone = f"sqlite:///{tmp_path / 'alone.db'}"
    prepare(database)
    times = write_together(database, seed)
    prepare(alone)
    write_alone(alone, seed)
    assert max(began for began, _ in times) < min(ended for _, ended in times), "they did not write at once"
    together, one = contents(database), contents(alone)
    for name, rows in one.items():
        assert rows, name
        assert together[name] == rows, name


def test_the_readings_hold_what_is_hard() -> None:
    """Without these in them, the comparison above would prove little."""
    batches = [batch for writer in range(WRITERS) for batch in share(0, writer)]
    readings = [one for batch in batches for one in batch.readings]
    assert {one.outcome for one in readings} == {"fetched", "suspect", "partial", "failed", "blocked"}
    assert {hop.status for one in readings for hop in one.chain} == {301, 302, 308}
    assert any(one.status == 404 for one in readings)
    own = share(0, 0)
    dates = [batch.readings[0].at for batch in own]
    assert dates != sorted(dates)
    assert len(set(dates)) < len(dates)
    everyone = [
        {one.final.url for batch in share(0, writer) for one in batch.readings if one.final}
        for writer in range(WRITERS)
    ]
    assert len(set.intersection(*everyone)) > len(PAGES) / 2


if __name__ == "__main__":
    write_share(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
