"""Crawl and store, against the same pages fetched with an empty callback, and against another crawler.

Every contestant is a process of its own; the page server is another one and is not counted. Figures are pages for
each CPU second (user and system) of the whole process, start-up included. ``--long`` of this module, or
LINKLEDGER_LONG=1, measures memory at the full 20,000 pages.

    python -m benchmarks.crawl [--pages N] [--rounds N] [--long]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.page_server import OPENED, served, urls
from benchmarks.rows import Row

MEMORY_BOUND_MB = 20


# -- the contestants: run in child processes, each prints what it used -------------------------


def _report(pages: int, *, children: bool = False) -> None:
    used = [resource.getrusage(resource.RUSAGE_SELF)]
    if children:
        used.append(resource.getrusage(resource.RUSAGE_CHILDREN))
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps({"pages": pages, "cpu": cpu, "rss_mb": max(one.ru_maxrss for one in used) / 1024}))


def linkledger(seeds: str, folder: str) -> None:
    """The whole crawl: fetch, take apart, store."""
    from crawler.run import CrawlPlan, run_crawl

    plan = CrawlPlan(db=f"sqlite:///{folder}/ledger.db", seeds=(seeds,), delay=0, allow_net=OPENED)
    facts = run_crawl(plan).facts
    assert facts["fetched"] == facts["asked"], facts
    _report(facts["fetched"])


def empty_stock(seeds: str, folder: str) -> None:
    """Scrapy as it comes, doing nothing with the pages."""
    _scrapy({"LOG_LEVEL": "ERROR"}, None, seeds)


def empty_ours(seeds: str, folder: str) -> None:
    """Scrapy with linkledger's settings, robots.txt included, doing nothing with the pages."""
    settings = {"LOG_LEVEL": "ERROR", "ITEM_PIPELINES": {}, "DOWNLOAD_DELAY": 0, "ROBOTSTXT_USER_AGENT": "linkledger"}
    _scrapy(settings, "crawler.settings", seeds)


def _scrapy(more: dict[str, Any], module: str | None, seeds: str) -> None:
    from scrapy import Request, Spider, signals
    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.http import Response
    from scrapy.settings import Settings

    from crawler.addresses import read_opening
    from crawler.guard import Guard, arm
    from crawler.outcomes import Ask
    from crawler.politeness import page_request
    from crawler.urls import canonical_url, operator_domain

    done = 0

    class Empty(Spider):
        name = "empty"

        async def start(self) -> Any:
            with Path(seeds).open() as lines:
                for line in lines:
                    url = line.strip()
                    if module is None:
                        yield Request(url, dont_filter=True)
                    else:
                        canonical = canonical_url(url)
                        yield page_request(
                            Ask(canonical, canonical),
                            slot=operator_domain(canonical.host),
                            meta={"download_timeout": 30},
                            headers={"User-Agent": "linkledger"},
                        )
                    if self.crawler.engine.needs_backout():
                        await self.crawler.signals.wait_for(signals.scheduler_empty)

        def parse(self, response: Response, **_: Any) -> None:
            nonlocal done
            done += 1

    settings = Settings()
    if module is not None:
        settings.setmodule(module, priority="project")
        arm(Guard(tuple(read_opening(text) for text in OPENED)))
    settings.update(more, priority="cmdline")
    process = AsyncCrawlerProcess(settings)
    process.crawl(Empty)
    process.start()
    _report(done)


def advertools(seeds: str, folder: str) -> None:
    """advertools' crawl of the same list into its own file."""
    import advertools as adv

    wanted = Path(seeds).read_text().split()
    out = f"{folder}/pages.jl"
    os.chdir(folder)  # it starts a Scrapy of its own, which would take the settings of a project it stands in
    hosts = sorted({urlsplit(url).hostname or "" for url in wanted})
    more = {"LOG_LEVEL": "ERROR", "CONCURRENT_REQUESTS": 100}
    adv.crawl(wanted, out, follow_links=False, allowed_domains=hosts, custom_settings=more)
    with Path(out).open() as lines:
        _report(sum(1 for _ in lines), children=True)


CONTESTANTS = {"linkledger": linkledger, "stock": empty_stock, "ours": empty_ours, "advertools": advertools}


# -- the contest ----------------------------------------------------------------------------------


def race(name: str, port: int, pages: int) -> dict[str, Any]:
    """Run one contestant over so many pages.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds.txt"
        seeds.write_text("\n".join(urls(port, pages)) + "\n")
        command = [sys.executable, "-m", "benchmarks.crawl", "--contestant", name, str(seeds), folder]
        environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["pages"] == pages, f"{name} fetched {found['pages']} of {pages} pages"
    return found


def measure(port: int, pages: int, rounds: int) -> dict[str, float]:
    """The best pages for a CPU second of each contestant, run in turn."""
    best = dict.fromkeys(CONTESTANTS, 0.0)
    for _ in range(rounds):
        for name in CONTESTANTS:
            # The slowest one by far is given fewer pages; start-up is then dearer for it, some 5 %.
            mine = max(200, pages // 4) if name == "advertools" else pages
            found = race(name, port, mine)
            best[name] = max(best[name], found["pages"] / found["cpu"])
    return best


def rows(pages: int, rounds: int, memory: tuple[int, int]) -> Iterator[Row]:
    """Measure everything."""
    with served() as port:
        speed = measure(port, pages, rounds)
        shown = ", ".join(f"{name} {value:.0f}" for name, value in speed.items())
        for baseline, name, needed, aim in (
            ("Scrapy, stock settings, empty callback", "stock", 0.40, "0.6"),
            ("Scrapy, our settings, empty callback", "ours", 0.30, ""),
            ("advertools crawl", "advertools", 6.0, ""),
        ):
            ratio = speed["linkledger"] / speed[name]
            yield Row(
                what="crawl and store, pages of 50 links",
                baseline=baseline,
                reached=round(ratio, 2),
                needed=f">= {needed:g} x",
                ok=ratio >= needed,
                aim=aim,
                detail=f"pages per CPU second: {shown}",
            )
        small, large = (race("linkledger", port, number)["rss_mb"] for number in memory)
        yield Row(
            what=f"memory, {memory[1]:,} pages",
            baseline=f"{memory[0]:,} pages",
            reached=round(large - small, 1),
            needed=f"< {MEMORY_BOUND_MB} MB more",
            ok=large - small < MEMORY_BOUND_MB,
            detail=f"peak {small:.0f} and {large:.0f} MB",
        )


def run(quick: bool) -> list[Row]:
    """The rows of `python -m benchmarks`."""
    if quick:
        return list(rows(600, 1, (400, 1_200)))
    return list(rows(2_000, 2, (2_000, 20_000 if os.environ.get("LINKLEDGER_LONG") else 8_000)))


def main() -> None:
    """Run a contestant, or the contest with figures of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", nargs=3, metavar=("NAME", "SEEDS", "FOLDER"))
    parser.add_argument("--pages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--long", action="store_true", help="memory at 2,000 and 20,000 pages")
    given = parser.parse_args()
    if given.contestant:
        name, seeds, folder = given.contestant
        CONTESTANTS[name](seeds, folder)
        return
    for row in rows(given.pages, given.rounds, (2_000, 20_000 if given.long else 8_000)):
        print(
            f"{row.what} / {row.baseline}: {row.reached} ({row.needed}, aim {row.aim or '-'}) {row.detail}", flush=True
        )


if __name__ == "__main__":
    main()
