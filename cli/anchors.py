"""``linkledger anchors``: the words of links, how often they are used and from how many places."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.asking import About, Asked, question
from cli.filters import joined
from cli.late import late
from cli.matching import Match, matcher, time_limit
from cli.render import Answer
from storage.anchor_counts import MEASURES, AnchorShare, Rank, distribution
from storage.anchor_lists import ListedAnchor, Variant, link_total, listed, search, variant_count, variants
from storage.anchor_rows import AnchorFilter, Anchors, Grouping
from storage.codes import ANCHOR_SOURCES
from storage.times import to_iso

_LATE = {"new": "cli.changes", "lost": "cli.changes", "changes": "cli.changes", "timeline": "cli.timeline"}
app = typer.Typer(
    help="What links say: anchor texts by links, pages and domains, and how they changed.",
    no_args_is_help=True,
    cls=late("register_anchors", _LATE),
)

TOP = (
    "anchor", "variants", "links", "referring_pages", "referring_domains", "targets", "followed", "share_links",
    "share_domains", "by_source", "first_seen", "last_seen",
)  # fmt: skip
_TOP_TABLE = ("anchor", "links", "referring_pages", "referring_domains", "share_links", "share_domains")
LIST = (
    "source", "target", "anchor", "anchor_source", "has_image", "state", "first_seen", "last_seen", "found_lost_at",
)  # fmt: skip
_LIST_TABLE = ("source", "target", "anchor", "anchor_source", "first_seen", "last_seen")
VARIANTS = ("anchor", "links", "referring_pages", "referring_domains", "targets", "first_seen", "last_seen")
SEARCH = ("anchor", "target", "links", "referring_pages", "referring_domains")


class SourceName(StrEnum):
    """`storage.records.AnchorSource`; Typer takes lists of enums, but no lists of literals."""

    text = "text"
    img_alt = "img_alt"
    aria_label = "aria_label"
    title_ = "title"
    svg_title = "svg_title"
    none = "none"


def anchor_filter(
    *,
    anchor_source: Annotated[
        list[SourceName] | None,
        typer.Option(
            "--anchor-source",
            help="The words come from here; several: from one of them.",
            rich_help_panel="Filters",
        ),
    ] = None,
    anchor_contains: Annotated[
        str | None,
        typer.Option(
            "--anchor-contains",
            metavar="TEXT",
            help="The words contain this; case and white space do not count.",
            rich_help_panel="Filters",
        ),
    ] = None,
) -> AnchorFilter:
    """What the options ask of the words themselves."""
    sources = tuple(ANCHOR_SOURCES[ANCHOR_SOURCES.index(one.value)] for one in dict.fromkeys(anchor_source or ()))
    return AnchorFilter(sources=sources, contains=anchor_contains)


def _question(command: Any) -> Any:
    return question(joined(command, "words", anchor_filter))


@app.command("top")
@_question
def top(
    asked: Asked,
    words: AnchorFilter,
    by: Annotated[Rank, typer.Option("--by", help="What the order goes by.")] = "domains",
    group: Annotated[
        Grouping, typer.Option("--group", help="Fold: case, white space and Unicode width do not count.")
    ] = "fold",
) -> None:
    """Show the anchors used to link to each TARGET: its anchor distribution.

    Keys: target, scope, links, referring_pages, referring_domains, distinct_anchors; of each anchor: anchor (its
    commonest spelling; empty for links without words), variants (spellings), links, referring_pages,
    referring_domains, targets (distinct URLs), followed, share_links (all together are 1), share_domains (may add up
    to more: a domain may use several anchors), by_source (links by where the words came from), first_seen, last_seen.

    Example: linkledger anchors top example.com --by links --limit 50
    """

    shown = asked.fields or (_TOP_TABLE if asked.as_table else TOP)
    measures = MEASURES.intersection(shown)  # what is not shown need not be measured

    def ask(about: About) -> Answer:
        found = distribution(
            Anchors(about.conn, about.chosen, words), group=group, rank=by, limit=asked.bound, measures=measures
        )
        return Answer(
            "anchors",
            (_share_row(one) for one in found.rows),
            TOP,
            head={"target": about.name, "scope": about.scope, **asdict(found.totals)},
            notes=_covered(about, words, found.totals.links),
            total=found.totals.distinct_anchors,
            table_columns=_TOP_TABLE,
        )

    asked.answer(TOP, ask, words=words_shown(words))


@app.command("list")
@_question
def list_(asked: Asked, words: AnchorFilter) -> None:
    """List the anchor of each link to TARGET: one row a link, by source domain, source and target.

    Keys: source, target, anchor, anchor_source (text, img_alt, aria_label, title, svg_title or none), has_image,
    state, first_seen and last_seen (of these words on this link), found_lost_at.

    Example: linkledger anchors list example.com --anchor-source img_alt
    """

    def ask(about: About) -> Answer:
        anchors = Anchors(about.conn, about.chosen, words)
        total = link_total(anchors)
        return Answer(
            "anchors",
            (_anchor_row(one) for one in listed(anchors, limit=asked.bound)),
            LIST,
            head={"target": about.name, "scope": about.scope, "total": total},
            notes=_covered(about, words, total),
            total=total,
            table_columns=_LIST_TABLE,
        )

    asked.answer(LIST, ask, words=words_shown(words))


@app.command("variants")
@_question
def variants_(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="An anchor, in any of its spellings.")],
    asked: Asked,
    words: AnchorFilter,
) -> None:
    """Show how one anchor is spelled: every spelling that `anchors top` counts together with TEXT.

    Keys: anchor (the spelling), links, referring_pages, referring_domains, targets, first_seen, last_seen.

    Example: linkledger anchors variants "running shoes" example.com
    """

    def ask(about: About) -> Answer:
        anchors = Anchors(about.conn, about.chosen, words)
        total = variant_count(anchors, text)
        found = variants(anchors, text, asked.bound)
        return Answer(
            "variants",
            [_variant_row(one) for one in found],
            VARIANTS,
            head={"target": about.name, "scope": about.scope, "text": text, "total": total},
            notes=() if total or not about.selected else (f"no selected link has the anchor {text!r}",),
            total=total,
        )

    asked.answer(VARIANTS, ask, words=words_shown(words))


@app.command("search")
@_question
def search_(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for in the anchors.")],
    asked: Asked,
    words: AnchorFilter,
    match: Annotated[
        Match,
        typer.Option(
            "--match",
            help="Phrase: these words side by side; word: all of them anywhere; prefix: at the beginning; "
            "equal: nothing else; regex: a Python pattern on the folded text.",
        ),
    ] = "phrase",
) -> None:
    """Search the stored anchors: which of them hold TEXT, and where they lead.

    Keys: anchor (its commonest spelling), target (the URL), links, referring_pages, referring_domains.

    Example: linkledger anchors search "running shoes"
    """
    wanted = matcher(text, match)

    def ask(about: About) -> Answer:
        with time_limit(text) if match == "regex" else nullcontext():
            total, found = search(
                Anchors(about.conn, about.chosen, words), wanted.matches, holding=wanted.holding, limit=asked.bound
            )
        rows = [asdict(one) for one in found] if asked.as_table else (asdict(one) for one in found)
        return Answer(
            "anchors",
            rows,
            SEARCH,
            head={"target": about.name, "scope": about.scope, "text": text, "match": match, "total": total},
            notes=() if total or not about.selected else (f"no anchor of the selected links matches {text!r}",),
            total=total,
        )

    asked.answer(SEARCH, ask, words=words_shown(words))


def words_shown(words: AnchorFilter) -> dict[str, Any]:
    """The filter on words as answers name it."""
    shown: dict[str, Any] = {}
    if words.sources:
        shown["anchor_source"] = list(words.sources)
    if words.contains is not None:
        shown["anchor_contains"] = words.contains
    return shown


def _covered(about: About, words: AnchorFilter, links: int) -> tuple[str, ...]:
    if words == AnchorFilter() or links == about.selected:
        return ()
    return (f"{links:,} of {about.selected:,} links have such an anchor",)


def _share_row(one: AnchorShare) -> dict[str, Any]:
    row = {**asdict(one), "by_source": dict(one.by_source)}
    return row | {"first_seen": to_iso(one.first_seen), "last_seen": to_iso(one.last_seen)}


def _variant_row(one: Variant) -> dict[str, Any]:
    return asdict(one) | {"first_seen": to_iso(one.first_seen), "last_seen": to_iso(one.last_seen)}


def _anchor_row(one: ListedAnchor) -> dict[str, Any]:
    return {
        "source": one.source,
        "target": one.target,
        "anchor": one.anchor,
        "anchor_source": ANCHOR_SOURCES[one.anchor_source],
        "has_image": one.has_image,
        "state": "live" if one.gone_at is None else "lost",
        "first_seen": to_iso(one.first_seen),
        "last_seen": to_iso(one.last_seen),
        "found_lost_at": to_iso(one.gone_at),
    }
