"""``linkledger links``: counts and lists of links. No anchor is read, but for ``list --with-anchor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.asking import About, Asked, question
from cli.late import late
from cli.render import Answer
from storage.as_of import DOMAIN_GONE
from storage.codes import ANCHOR_SOURCES, ELEMENTS, LOST_CAUSES, PLACEMENTS, SEEN_BY, follow_causes
from storage.link_counts import By, Group, LinkCounts, Side, counts, group_count, groups
from storage.link_lists import ListedLink, OnePer, list_total, listed
from storage.times import to_iso

_LATE = {
    "new": "cli.changes", "lost": "cli.changes", "changes": "cli.changes", "history": "cli.timeline",
    "timeline": "cli.timeline", "intersect": "cli.intersect",
}  # fmt: skip
app = typer.Typer(
    help="Count and list links, and tell what became of them. Anchors are read by list --with-anchor, changes and "
    "history alone.",
    no_args_is_help=True,
    cls=late("register_links", _LATE),
)

COUNT = (
    "target", "scope", "backlinks", "followed", "not_followed", "rel_nofollow", "rel_ugc", "rel_sponsored",
    "page_nofollow", "referring_pages", "referring_hosts", "referring_domains", "confirmed", "unconfirmed",
    "oldest_confirmation", "first_seen", "last_seen",
)  # fmt: skip
GROUP = ("name", "links", "followed", "pages", "hosts", "domains", "first_seen", "last_seen")
LIST = (
    "source", "target", "rel", "followed", "follow_cause", "placement", "element", "ordinal", "state", "lost_cause",
    "first_seen", "last_seen", "found_lost_at", "seen",
)  # fmt: skip
_LIST_TABLE = ("source", "target", "rel", "placement", "first_seen", "last_seen")


ByOption = Annotated[By, typer.Option("--by", help="One row for each page, host or domain.")]


@app.command("count")
@question
def count(asked: Asked) -> None:
    """Count the links to each TARGET, and the pages, hosts and domains they come from.

    Keys: target, scope, backlinks = followed + not_followed = confirmed + unconfirmed; rel_nofollow, rel_ugc,
    rel_sponsored and page_nofollow say why links are not followed (several may hold for one link);
    referring_pages, referring_hosts, referring_domains. confirmed: the latest attempt at the source read it whole;
    unconfirmed: it did not (failed, blocked, broken off), so nobody knows whether the link still stands.
    oldest_confirmation: the earliest last_seen among the links, so that every one of them was seen then or later;
    first_seen, last_seen.

    Example: linkledger links count example.com --followed

    Example: linkledger links count example.com --as-of 2026-06-30
    """

    def ask(about: About) -> Answer:
        numbers = counts(about.conn, about.chosen)
        found = asdict(numbers)
        row = {"target": about.name, "scope": about.scope, **found}
        for name in ("oldest_confirmation", "first_seen", "last_seen"):
            row[name] = to_iso(found[name])
        return Answer("count", [row], COUNT, single=True, notes=_unconfirmed(asked, numbers))

    asked.answer(COUNT, ask)


@app.command("list")
@question
def list_(
    asked: Asked,
    one_per: Annotated[
        OnePer | None,
        typer.Option(
            "--one-per",
            help="Only the best link of each source page or domain: followed, then in the main content, then first.",
        ),
    ] = None,
    with_anchor: Annotated[
        bool, typer.Option("--with-anchor", help="Show the anchor text too; this alone reads the anchors.")
    ] = False,
) -> None:
    """List the links to each TARGET one by one, by source domain, source and place in the document.

    Keys: source, target, rel (tokens), followed, follow_cause (rel, meta_robots, x_robots_tag), placement, element,
    ordinal (place among the hrefs of the page, from 0; it has no history), state, lost_cause (removed,
    page_not_found, page_redirected, moved; domain_gone with --lost-after), first_seen, last_seen, found_lost_at (the
    visit or attempt that found it gone), seen (in which documents so far: raw, as sent; rendered, as its scripts left
    it; both; wat, archive metadata alone); with --with-anchor also anchor and anchor_source.

    Example: linkledger links list example.com --placement main --one-per domain
    """
    columns = (*LIST, "anchor", "anchor_source") if with_anchor else LIST

    def ask(about: About) -> Answer:
        total = about.selected if one_per is None else list_total(about.conn, about.chosen, one_per)
        found = listed(about.conn, about.chosen, one_per=one_per, with_anchor=with_anchor, limit=asked.bound)
        return Answer(
            "links",
            (_link_row(one, with_anchor) for one in found),
            columns,
            head={"target": about.name, "scope": about.scope, "total": total},
            total=total,
            table_columns=(*_LIST_TABLE[:2], "anchor", *_LIST_TABLE[2:]) if with_anchor else _LIST_TABLE,
        )

    asked.answer(columns, ask)


@app.command("sources")
@question
def sources(asked: Asked, by: ByOption = "domain") -> None:
    """List the pages, hosts or domains that link to each TARGET, most links first.

    Keys: name, links, followed; pages, hosts, domains: how many of them the links come from; first_seen, last_seen.

    Example: linkledger links sources example.com --by domain
    """
    _grouped(asked, "source", by)


@app.command("targets")
@question
def targets(asked: Asked, by: ByOption = "domain") -> None:
    """List the pages, hosts or domains linked to, most links first: of the whole ledger, or within each TARGET.

    Keys: name, links, followed; pages, hosts, domains: how many of them the links come from; first_seen, last_seen.

    Example: linkledger links targets --list spring --by domain
    """
    _grouped(asked, "target", by)


def _grouped(asked: Asked, side: Side, by: By) -> None:
    def ask(about: About) -> Answer:
        total = group_count(about.conn, about.chosen, side, by)
        found = groups(about.conn, about.chosen, side, by, asked.bound)
        return Answer(
            f"{side}s",
            (_group_row(one) for one in found),
            GROUP,
            head={"target": about.name, "scope": about.scope, "by": by, "total": total},
            total=total,
        )

    asked.answer(GROUP, ask)


def _unconfirmed(asked: Asked, found: LinkCounts) -> tuple[str, ...]:
    """Under a table: what confirmed and unconfirmed mean, where not all links are confirmed."""
    if not asked.as_table or not found.unconfirmed:
        return ()
    links = "1 link" if found.unconfirmed == 1 else f"{found.unconfirmed:,} links"
    oldest = (to_iso(found.oldest_confirmation) or "never")[:10]
    return (
        f"unconfirmed: {links} on pages that the latest attempt did not read whole; every link was seen on {oldest} "
        "or later",
    )


def _group_row(one: Group) -> dict[str, Any]:
    return {**asdict(one), "first_seen": to_iso(one.first_seen), "last_seen": to_iso(one.last_seen)}


def _link_row(one: ListedLink, with_anchor: bool) -> dict[str, Any]:
    row = {
        "source": one.source,
        "target": one.target,
        "rel": one.rel.split(" ") if one.rel else [],
        "followed": one.follow_cause == 0,
        "follow_cause": list(follow_causes(one.follow_cause)),
        "placement": PLACEMENTS[one.placement],
        "element": ELEMENTS[one.element],
        "ordinal": one.ordinal,
        "state": "live" if one.gone_at is None else "lost",
        "lost_cause": "domain_gone" if one.lost_cause == DOMAIN_GONE else LOST_CAUSES[one.lost_cause] or None,
        "first_seen": to_iso(one.first_seen),
        "last_seen": to_iso(one.last_seen),
        "found_lost_at": to_iso(one.gone_at),
        "seen": SEEN_BY[one.seen_by],
    }
    if with_anchor and one.anchor_source is not None:
        row |= {"anchor": one.anchor, "anchor_source": ANCHOR_SOURCES[one.anchor_source]}
    return row
