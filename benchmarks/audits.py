"""Both audits of a target with a million links, and what they take: CPU seconds and memory.

The ledger is invented and written in bulk: 1 M links from 60,000 domains with 150,000 distinct anchors, words, domains
and pages as skewed as on the web. Each audit runs in a process of its own, so that its peak of memory is its own.
Looking up the words and judging them is timed by itself: it costs the same however often they are used.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from benchmarks.memory import peak_mb
from benchmarks.rows import Row
from storage import edges
from storage.dialect import dialect_of
from storage.dictionaries import hash_id, texts_of
from storage.engine import create_ledger, open_ledger
from storage.filters import Chosen, LinkFilter, choose
from storage.targets import Target, resolve

TARGET = "acme.example"
T0 = 1_790_000_000_000
DAY = 86_400_000
MOST_SECONDS, MOST_MB = 2.5, 500
_BATCH = 100_000
T = TypeVar("T")
_PLACES = ("best", "cheap", "new", "red", "blue", "trail", "guide", "review", "shop", "sale", "men", "women", "kids")
_VISIT = (
    "id", "page_id", "at", "requested_id", "status", "method", "complete", "rules_version", "charset",
    "charset_source", "bytes", "content_hash", "headers", "title", "headings", "robots", "not_indexable", "lang",
    "links", "skipped", "record_id", "whole",
)  # fmt: skip
_LINK = (
    "target_domain", "target_host", "target_id", "source_domain", "source_id", "link_no", "valid_from", "source_host",
    "first_seen", "follow_cause", "rel", "placement", "element", "hidden", "position", "began",
)  # fmt: skip
_ANCHOR = (
    "target_domain", "fold_id", "source_domain", "target_id", "source_id", "link_no", "valid_from", "target_host",
    "text_id", "source", "has_image", "first_seen", "began",
)  # fmt: skip
_PAGE = (
    "id", "host_id", "domain_id", "first_ok", "last_ok", "last_visit_id", "attempted_at", "confirmed", "indexable",
    "links",
)  # fmt: skip


def build(conn: Connection, links: int, domains: int, anchors: int) -> None:
    """Write an invented ledger into an empty one."""
    dice = random.Random(11)
    key = texts_of(conn).key
    pages = max(domains, links // 4)
    names = [TARGET, *(f"site{number}.example" for number in range(domains))]
    of_page = [1 + (number if number < domains else _skewed(dice, domains)) for number in range(pages)]
    page_urls = [f"https://{names[domain]}/{number}.html" for number, domain in enumerate(of_page)]
    target_urls = [f"https://{TARGET}/{f'p/{number}' if number else ''}" for number in range(2_000)]
    page_ids = [hash_id(key, text) for text in page_urls]
    target_ids = [hash_id(key, text) for text in target_urls]
    words = sorted({_words(dice) for _ in range(anchors * 2)})[:anchors]
    dice.shuffle(words)
    words[:5] = ["Acme", "running shoes", "https://acme.example/", "Acme running shoes", "click here"]
    text_ids = [hash_id(key, text) for text in words]

    def link_rows() -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        numbers: dict[tuple[int, int], int] = {}
        for number in range(links):
            page = number if number < pages else _skewed(dice, pages)
            target, text = _skewed(dice, len(target_ids)), _skewed(dice, len(words))
            which = numbers.get((page, target), 0)
            numbers[page, target] = which + 1
            domain, source, seen = of_page[page] + 1, page_ids[page], T0 + dice.randrange(300) * DAY
            cause = dice.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, 8))
            rel, began = {1: "nofollow", 2: "ugc"}.get(cause, ""), int(dice.random() < 0.7)
            yield (
                (1, 1, target_ids[target], domain, source, which, seen, domain, seen, cause, rel,
                 dice.choice((1, 1, 1, 1, 0, 2, 4)), 0, False, dice.randrange(100), began),
                (1, text_ids[text], domain, target_ids[target], source, which, seen, 1, text_ids[text], 1, False, seen,
                 began),
            )  # fmt: skip

    both = list(link_rows())
    dialect = dialect_of(conn)
    dialect.insert(conn, "domain", ("id", "name"), [(place + 1, name) for place, name in enumerate(names)])
    hosts = [(place + 1, name, place + 1) for place, name in enumerate(names)]
    dialect.insert(conn, "host", ("id", "name", "domain_id"), hosts)
    paths = [
        *((id_, text, 1, hash_id(key, _path(text))) for id_, text in zip(target_ids, target_urls, strict=True)),
        *(
            (id_, text, domain + 1, hash_id(key, _path(text)))
            for id_, text, domain in zip(page_ids, page_urls, of_page, strict=True)
        ),
    ]
    _insert(conn, "url", ("id", "url", "host_id", "path_key"), sorted(paths))
    texts = [(id_, text, id_, text.lower()) for id_, text in zip(text_ids, words, strict=True)]
    _insert(conn, "anchor_text", ("id", "text", "fold_id", "fold"), sorted(texts))
    read = [
        (id_, domain + 1, domain + 1, T0, T0 + 300 * DAY, number + 1, T0, True, True, 4)
        for number, (id_, domain) in enumerate(zip(page_ids, of_page, strict=True))
    ]
    _insert(conn, "page", _PAGE, sorted(read))
    _insert(conn, "record", ("id", "data"), [(1, b"")])
    visits = [
        (number + 1, id_, T0 + 300 * DAY, id_, 200, 0, True, 1, "utf-8", "header", 1000, "c0ffee", "[]", "A page",
         '{"h1": [], "h2": []}', "[]", 0, dice.choice(("en", "en", "en-GB", "de")), 4, 0, 1, True)
        for number, id_ in enumerate(page_ids)
    ]  # fmt: skip
    _insert(conn, "visit", _VISIT, visits)
    _insert(conn, "link", _LINK, sorted(one for one, _ in both))
    _insert(conn, "anchor", _ANCHOR, sorted(one for _, one in both))
    edges.rebuild(conn)


def _insert(conn: Connection, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    dialect = dialect_of(conn)
    for start in range(0, len(rows), _BATCH):
        dialect.insert(conn, table, columns, rows[start : start + _BATCH])


def _path(url: str) -> str:
    return ("/" + url.split("/", 3)[3]).removesuffix("/")


def _skewed(dice: random.Random, size: int) -> int:
    """0 most often: as if drawn by Zipf's law."""
    return int(size ** dice.random()) - 1


def _words(dice: random.Random) -> str:
    return " ".join(
        dice.choice(_PLACES) if dice.random() < 0.3 else f"w{dice.randrange(20_000)}"
        for _ in range(dice.randint(1, 4))
    )  # fmt: skip


# --- measuring, in a process of its own --------------------------------------------------------------


def measure(what: str, database: str) -> dict[str, float]:
    """Run one audit on a ledger; ``seconds`` of CPU (``judging`` apart), ``megabytes`` at the peak."""
    from audit.profile import Profile, Section

    page = Section(f"https://{TARGET}/p/3", ("trail shoes",))
    profile = Profile(TARGET, ("Acme",), Section(None, ("running shoes", "trail shoes")), (page,), ("en",))
    with open_ledger(database) as conn:
        chosen = choose(conn, LinkFilter(), resolve(conn, Target(TARGET, "domain", TARGET, ())))
        found = {"anchors": _anchors, "links": _links}[what](conn, chosen, profile)
    return {**found, "megabytes": peak_mb()}


def _anchors(conn: Connection, chosen: Chosen, profile: Any) -> dict[str, float]:
    from audit import anchor_sums
    from audit.ask_anchors import audit_of_judged
    from audit.judged_anchors import classify, with_words
    from storage.anchor_uses import Uses

    rows, reading = _timed(lambda: anchor_sums.gather(Uses(conn, chosen).batches()))
    gathered, words = _timed(lambda: with_words(conn, chosen, profile, rows))
    judged, judging = _timed(lambda: classify(gathered, profile))
    audit, counting = _timed(lambda: audit_of_judged(conn, chosen, profile, judged))
    assert audit.links == len(rows)
    return {
        "seconds": reading + counting, "reading": reading, "counting": counting, "words": words, "judging": judging,
        "judged": len(gathered.units),
    }  # fmt: skip


def _links(conn: Connection, chosen: Chosen, profile: Any) -> dict[str, float]:
    from audit.ask_links import link_audit_of

    audit, seconds = _timed(lambda: link_audit_of(conn, chosen, profile, now=T0 + 301 * DAY))
    assert audit.links
    return {"seconds": seconds}


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    found = work()
    return found, time.process_time() - started


def run(quick: bool) -> list[Row]:
    """Both audits, on SQLite."""
    links, domains, anchors = (20_000, 2_000, 4_000) if quick else (1_000_000, 60_000, 150_000)
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'audits.db'}"
        make(database, links, domains, anchors)
        return [_row(what, database, links, bound=not quick) for what in ("anchors", "links")]


def make(database: str, links: int, domains: int, anchors: int) -> None:
    create_ledger(database, psl="benchmark")
    with open_ledger(database, write=True) as conn:
        build(conn, links, domains, anchors)


def _row(what: str, database: str, links: int, *, bound: bool) -> Row:
    command = [sys.executable, "-m", "benchmarks.audits", "--measure", what, "--db", database]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    parts = ", ".join(
        f"{name} {value:,.2f}" for name, value in found.items() if name not in ("seconds", "megabytes", "judged")
    )
    if "judged" in found and found["judging"]:
        parts += f", {found['judged'] / found['judging']:,.0f} judged a second"
    reached = found["seconds"] < MOST_SECONDS and found["megabytes"] < MOST_MB
    return Row(
        what=f"audit {what}, {links:,} links, s of CPU" + (" without their words" if what == "anchors" else ""),
        baseline="",
        reached=found["seconds"],
        needed=f"< {MOST_SECONDS:g} s, < {MOST_MB} MB" if bound else "",
        ok=reached if bound else None,
        detail=", ".join(filter(None, (f"{found['megabytes']:,.0f} MB", parts))),
    )


def main() -> None:
    """Measure one audit on a ledger that is there, or make such a ledger."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", required=True)
    parser.add_argument("--measure", choices=("anchors", "links"))
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--domains", type=int, default=60_000)
    parser.add_argument("--anchors", type=int, default=150_000)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.db)))
    else:
        make(given.db, given.links, given.domains, given.anchors)


if __name__ == "__main__":
    main()
