"""``crawl --dry-run``: what a crawl would ask; and the rows of a list that it names as unusable."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from cli.cells import visible
from cli.clock import now_ms
from cli.crawl_progress import span
from cli.render import Answer

if TYPE_CHECKING:
    from crawler.plan import CrawlPlan
    from storage.records import RejectedRow

_SHOWN_REJECTED = 20
_DRY_RUN = (
    "list", "backlinks_of", "rows_read", "rows_accepted", "rows_duplicate", "rows_rejected", "bare_domains",
    "visited_lately", "pages", "domains", "operators", "largest_operator", "largest_operator_pages", "delay",
    "least_seconds", "files",
)  # fmt: skip


def say(line: str) -> None:
    """One line on standard error; what came from a list or a page cannot steer the terminal."""
    print(visible(line), file=sys.stderr)


def name_rejected(first: tuple[RejectedRow, ...], total: int, where: str) -> None:
    """The first rows that cannot be used, and where to find the others."""
    for row in first[:_SHOWN_REJECTED]:
        say(f"{row.file}:{row.line}: {row.given}: {row.reason}")
    if total > len(first):
        say(f"... {total:,} rows rejected in all; {where}")


def dry_run_answer(plan: CrawlPlan) -> tuple[Answer, int]:
    """What a crawl would ask, and how many rows were rejected; nothing is fetched or stored."""
    if plan.seeds:
        facts, notes, rejected = _read_list(plan)
    else:
        facts, notes, rejected = _look_up(plan), [], 0
    facts |= {"list": plan.list_name, "backlinks_of": _backlinks_of(plan), "delay": plan.delay}
    if facts["visited_lately"]:
        notes.append(
            f"{facts['visited_lately']:,} further pages were read within --refresh-after and would not be asked"
        )
    if plan.depth > 0:
        notes.append(f"links are followed to depth {plan.depth}: at most {plan.page_limit:,} pages, later than that")
    pages, domains, least = facts["pages"], facts["domains"], span(facts["least_seconds"])
    answer = Answer(
        key="dry_run",
        rows=[facts],
        columns=_DRY_RUN,
        heading=f"would fetch {pages:,} pages of {domains:,} domains, in {least} or more",
        notes=tuple(notes),
        single=True,
        table_columns=tuple(name for name in _DRY_RUN if name != "files" and facts.get(name) is not None),
    )
    return answer, rejected


def _read_list(plan: CrawlPlan) -> tuple[dict[str, Any], list[str], int]:
    from crawler.seeds import describe, read_seeds

    first: list[RejectedRow] = []
    keep: Callable[[RejectedRow], None] = lambda row: first.append(row) if len(first) < _SHOWN_REJECTED else None  # noqa: E731
    reader = read_seeds(plan.seeds, column=plan.column)
    if plan.refresh_after_ms is None:
        found = describe(reader, on_rejected=keep)
    else:
        found = describe(reader, on_rejected=keep, visited=_read_lately(plan))
    name_rejected(tuple(first), found.rejected, "a crawl keeps all of them")
    files = [asdict(report) for report in found.files]
    for file in files:  # repeated pages are told apart over all files only
        file["usable"] = file.pop("accepted")
    notes = [
        f"{report.file}: column {report.column!r}, {report.delimiter or 'one value a line'}, {report.encoding}"
        for report in found.files
        if report.column is not None
    ]
    facts = {
        "rows_read": found.rows_read,
        "rows_accepted": found.accepted - found.duplicates,
        "rows_duplicate": found.duplicates,
        "rows_rejected": found.rejected,
        "bare_domains": found.bare_domains,
        "visited_lately": found.visited_lately,
        "pages": found.pages,
        "domains": found.domains,
        "operators": found.operators,
        "largest_operator": found.largest_operator,
        "largest_operator_pages": found.largest_operator_pages,
        "least_seconds": found.least_seconds(plan.delay),
        "files": files,
    }
    return facts, notes, found.rejected


def _backlinks_of(plan: CrawlPlan) -> str | None:
    """Whose backlinks the list would hold; raises OtherBacklinks where the kept list of this name holds others."""
    if plan.backlinks_of is None or plan.list_name is None:
        return None
    from storage.engine import open_ledger
    from storage.errors import NoLedger
    from storage.lists import check_mark

    with contextlib.suppress(NoLedger), open_ledger(plan.db) as conn:
        check_mark(conn, plan.list_name, plan.backlinks_of)
    return plan.backlinks_of


def _read_lately(plan: CrawlPlan) -> Callable[[Collection[str]], Collection[str]]:
    """Which URLs of a list were read within the plan's time; none where there is no ledger yet."""
    from storage.engine import open_ledger
    from storage.errors import NoLedger
    from storage.kept import read_since

    since = now_ms() - (plan.refresh_after_ms or 0)

    def visited(urls: Collection[str]) -> Collection[str]:
        try:
            with open_ledger(plan.db) as conn:
                return read_since(conn, urls, since)
        except NoLedger:
            return ()

    return visited


def _look_up(plan: CrawlPlan) -> dict[str, Any]:
    from storage import crawls, lists
    from storage.engine import open_ledger

    visited = 0
    with open_ledger(plan.db) as conn:
        if plan.retry_of is not None:
            load = crawls.retry_load(conn, plan.retry_of)
        else:
            list_id = lists.list_id(conn, plan.list_name or "")
            load = crawls.list_load(conn, list_id)
            if plan.refresh_after_ms is not None:
                pages = load.pages
                left = crawls.list_load(conn, list_id, not_since=now_ms() - plan.refresh_after_ms)
                load, visited = replace(left, rows=load.rows, bare_domains=load.bare_domains), pages - left.pages
    return {
        "rows_read": load.rows,
        "rows_accepted": load.pages + visited,
        "rows_duplicate": load.rows - load.pages - visited,
        "rows_rejected": 0,
        "bare_domains": load.bare_domains,
        "visited_lately": visited,
        "pages": load.pages,
        "domains": load.domains,
        "operators": load.operators,
        "largest_operator": load.largest_operator,
        "largest_operator_pages": load.largest_operator_pages,
        "least_seconds": max(0, load.largest_operator_pages - 1) * plan.delay,
        "files": [],
    }
