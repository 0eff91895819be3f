"""``linkledger prospects``: how the pages of a list link out, before somebody is asked for a link there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from audit.prospects import Outgoing, Rated, outgoing, rated
from cli.config import database
from cli.options import DatabaseOption, FieldsOption, FormatOption, LimitOption, RawCellsOption
from cli.render import Answer, write_answer
from storage.coverage import coverage
from storage.engine import open_ledger
from storage.filters import LinkFilter, choose
from storage.outgoing import Prospect, prospects, records
from storage.targets import Covered
from storage.times import to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection

app = typer.Typer(help="Rate the pages of a list as places to be linked from.", no_args_is_help=True)

By = Literal["page", "domain"]
_HABITS = (
    "share_followed", "share_sponsored", "share_ugc", "share_nofollow", "marks_paid", "share_commercial",
    "commercial_followed", "commercial_topics", "newest_date", "newest_date_from",
)  # fmt: skip
DOMAINS = (
    "domain", "pages", "pages_read", "outcomes", "external_links", "external_main_mean", "external_main_median",
    *_HABITS, "languages", "share_indexable", "emails", "given",
)  # fmt: skip
PAGES = (
    "url", "domain", "outcome", "reason", "page", "read_at", "external_links", "external_main", *_HABITS, "lang",
    "indexable", "emails", "given",
)  # fmt: skip
_SHORT = ("share_followed", "share_sponsored", "share_commercial", "newest_date")
_TABLES: Mapping[By, tuple[str, ...]] = {
    "domain": ("domain", "pages_read", "external_main_median", *_SHORT),
    "page": ("url", "outcome", "external_main", *_SHORT),
}
_NOT_ASKED = "not asked"


@app.callback()
def _prospects() -> None:
    """Without this, a group of one command would be that command."""


@app.command("rate", epilog="Example: linkledger prospects rate --list spring --format csv > rated.csv")
def rate(
    name: Annotated[
        str,
        typer.Option("--list", metavar="NAME", help="The list, as named by `crawl --list NAME`.", show_default=False),
    ],
    by: Annotated[By, typer.Option("--by", help="One row a referring domain, or one a page.")] = "domain",
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show how each prospect of a list links out: how much, followed or not, marked as paid, and to what.

    A page counts as it was last read whole; what was never read has an outcome and no figures. Rows are in the order
    of the list.

    Keys: external_links (links to other registrable domains), external_main (of these in the main content; on a page
    that marks none, outside navigation, header, footer and asides), share_followed, share_sponsored, share_ugc and
    share_nofollow (of the external links; the last three by rel token), marks_paid (whether any carries `sponsored`;
    false does not say that paid links stand there unmarked), share_commercial (external links with words or hosts of a
    commercial topic), commercial_followed (how many of those are followed), commercial_topics, newest_date (the newest
    plausible one, never after the reading) and newest_date_from (text, url or last_modified), emails (published on the
    page itself, none is guessed), given (your rows of it). By domain: pages, pages_read, outcomes, external_main_mean
    and external_main_median (a page), languages, share_indexable. By page: outcome, reason, page (where it led),
    read_at, lang, indexable.
    """
    with open_ledger(database(db)) as conn:
        asked = prospects(conn, name)
        groups = _groups(asked, by)
        columns = DOMAINS if by == "domain" else PAGES
        write_answer(
            Answer(
                key="prospects",
                rows=_rows(conn, groups, by),
                columns=columns,
                head={
                    "list": name,
                    "by": by,
                    "total": len(groups),
                    "coverage": coverage(conn, choose(conn, LinkFilter(list_name=name), Covered("ledger"))),
                },
                heading=f"list {name}: {len(asked):,} pages, {sum(one.visit_id is not None for one in asked):,} read",
                notes=_notes(asked),
                total=len(groups),
                table_columns=_TABLES[by],
            ),
            output=output,
            limit=limit,
            fields=fields,
            raw_cells=raw_cells,
        )


def _groups(asked: Sequence[Prospect], by: By) -> list[list[Prospect]]:
    groups: dict[str, list[Prospect]] = {}
    for one in asked:
        groups.setdefault(one.domain if by == "domain" else one.url, []).append(one)
    return list(groups.values())


def _rows(conn: Connection, groups: Sequence[list[Prospect]], by: By) -> Iterator[dict[str, Any]]:
    """Reads the records of one row at a time, as far as rows are written."""
    for group in groups:
        # Several URLs of a list may lead to one page.
        read = {one.visit_id: one for one in group if one.visit_id is not None}
        pages = [
            outgoing(page, at=read[visit_id].read_at or 0, last_modified=read[visit_id].last_modified)
            for visit_id, page in records(conn, list(read))
        ]
        yield _of_domain(group, pages) if by == "domain" else _of_page(group[0], pages)


def _of_domain(group: Sequence[Prospect], pages: Sequence[Outgoing]) -> dict[str, Any]:
    found = rated(pages)
    return {
        "domain": group[0].domain,
        "pages": len(group),
        "pages_read": found.pages,
        "outcomes": dict(Counter(one.outcome or _NOT_ASKED for one in group)),
        **_figures(found),
        "external_main_mean": found.main_mean,
        "external_main_median": found.main_median,
        "languages": dict(found.languages.most_common()) if pages else None,
        "share_indexable": found.share_indexable,
        "emails": list(found.emails) if pages else None,
        "given": [cell for one in group for cell in one.given],
    }


def _of_page(one: Prospect, pages: Sequence[Outgoing]) -> dict[str, Any]:
    found = rated(pages)
    return {
        "url": one.url,
        "domain": one.domain,
        "outcome": one.outcome or _NOT_ASKED,
        "reason": one.reason,
        "page": one.page,
        "read_at": to_iso(one.read_at),
        **_figures(found),
        "external_main": found.links.in_main if pages else None,
        "lang": pages[0].lang if pages else None,
        "indexable": pages[0].indexable if pages else None,
        "emails": list(found.emails) if pages else None,
        "given": list(one.given),
    }


def _figures(found: Rated) -> dict[str, Any]:
    read = found.pages > 0
    return {
        "external_links": found.links.external if read else None,
        "share_followed": found.share_followed,
        "share_sponsored": found.share_sponsored,
        "share_ugc": found.share_ugc,
        "share_nofollow": found.share_nofollow,
        "marks_paid": found.marks_paid,
        "share_commercial": found.share_commercial,
        "commercial_followed": found.links.commercial_followed if read else None,
        "commercial_topics": dict(sorted(found.topics.items(), key=lambda one: (-one[1], one[0]))) if read else None,
        "newest_date": None if found.newest is None else found.newest.day.isoformat(),
        "newest_date_from": None if found.newest is None else found.newest.origin,
    }


def _notes(asked: Sequence[Prospect]) -> tuple[str, ...]:
    notes = []
    never = Counter(one.outcome or _NOT_ASKED for one in asked if one.page is None)
    if never:
        why = ", ".join(f"{number:,} {outcome}" for outcome, number in never.most_common())
        notes.append(f"never read whole, so without figures: {why}")
    pruned = sum(one.page is not None and one.visit_id is None for one in asked)
    if pruned:
        notes.append(f"records pruned, so without figures: {pruned:,}; crawl them again")
    bare = sum(one.visit_id is not None and not one.text_kept for one in asked)
    if bare:
        notes.append(f"no text was kept of {bare:,} pages: their dates and addresses come from links and headers alone")
    return tuple(notes)
