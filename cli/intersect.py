"""``linkledger links intersect``: who links to several targets, and not to another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from audit.anchor_class import CLASSES, AnchorClass
from audit.profile import Profile
from cli.asking import About, Asked, question, why_nothing
from cli.cells import NO_ANCHOR_TEXT
from cli.profiles import judged_by, profile_beside, profile_of
from cli.render import Answer, write_answer
from cli.targets import parse_target
from storage.coverage import coverage
from storage.filters import Chosen, choose
from storage.intersections import Common, Linked, SourceBy, common, linked, names, pages_of, pages_read, standing, words
from storage.link_counts import cells
from storage.targets import Target, resolve
from storage.times import to_iso

COLUMNS = ("name", "targets", "links", "words", "pages_read", "no_link_found", "first_seen")
_TABLE = ("name", "links", "words", "pages_read", "no_link_found")
_MOST_WORDS = 3
_BATCH = 2_000
"""Rows whose words are looked up together."""

ClassName = StrEnum("ClassName", {name: name for name in CLASSES})  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class _Of:
    """One target of the question, as it is asked about."""

    name: str
    chosen: Chosen
    sources: Callable[[], Iterable[Linked]]
    words: Callable[[Collection[int]], Mapping[int, Sequence[str]]]


def register_links(app: typer.Typer) -> None:
    """Add the command to ``linkledger links``."""
    app.command("intersect")(intersect)


@question
def intersect(
    asked: Asked,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="TARGET",
            help="Leave out sources of which any live link to this target is known, whatever else is asked.",
            rich_help_panel="Target",
        ),
    ] = None,
    least: Annotated[
        int | None,
        typer.Option("--min", metavar="N", min=1, help="Sources of at least N of the targets; else of all of them."),
    ] = None,
    by: Annotated[SourceBy, typer.Option("--by", help="One row for each domain or page.")] = "domain",
    anchor_class: Annotated[
        list[ClassName] | None,
        typer.Option(
            "--anchor-class",
            help="Only links whose words are of this class, by the profile of the target they lead to (without one, by "
            "its name and the keywords of --not); several: of one of them.",
            rich_help_panel="Filters",
        ),
    ] = None,
) -> None:
    """List the domains or pages that link to all of the TARGETs, and to none named by --not.

    Keys: name; targets (those it links to); links (to each); words (to each the commonest anchors, up to 3: here links
    and anchors are joined on purpose); pages_read (pages of it that were ever read whole); no_link_found (targets, and
    those of --not, to which no live link of any kind is known on these pages: whether pages that were not read link
    there, nobody knows); first_seen. Order: most targets, then most links, then name.

    Example: linkledger links intersect rival.com other.org --not example.com --placement main
    """
    targets = [_named(target) for target in asked.targets]
    others = [parse_target(text) for text in without or ()]
    for target in others:
        if (target.scope, target.text) in {(one.scope, one.text) for one in targets}:
            raise typer.BadParameter(f"{target.text} is a TARGET itself", param_hint="--not")
    if least is not None and least > len(targets):
        raise typer.BadParameter(f"{least} is more than the {len(targets)} targets given", param_hint="--min")
    wanted: list[AnchorClass] = [CLASSES[CLASSES.index(one.value)] for one in dict.fromkeys(anchor_class or ())]
    asked.check_fields(COLUMNS)
    from crawler.urls import suffix_list_version
    from storage.engine import open_ledger

    with open_ledger(asked.db, psl=suffix_list_version()) as conn:
        profiles = _profiles(conn, asked, targets, others) if wanted else {}
        of = [_of(conn, asked, target, by, wanted, profiles.get(target.text)) for target in targets]
        free = [_any_link(_chosen(conn, asked, target)) for target in others]
        own = {id_ for one in free for id_ in one.covered.domains}
        found = list(
            common([one.sources() for one in of], [linked(conn, one, by) for one in free], least=least or len(of))
        )
        names_of = names(conn, by, [one.key for one in found])
        if own:  # a site's own pages are no new place for a link to it
            mine = _own(conn, by, own, names_of)
            found = [one for one in found if one.key not in mine]
        found.sort(key=lambda one: (-one.linked, -sum(one.links), names_of[one.key]))
        anyhow = [(one.name, _any_link(one.chosen)) for one in of]
        anyhow += [(target.text, chosen) for target, chosen in zip(others, free, strict=True)]
        rows = _rows(conn, asked, by, of, anyhow, found, names_of)
        notes = [note for target in targets for note in _nothing(conn, asked, target)]
        notes += [judged_by(name, profile.shown(), words_of) for name, (profile, words_of) in profiles.items()]
        head = {
            "targets": [one.name for one in of],
            "not": [one.text for one in others],
            "min": least or len(of),
            "by": by,
            "total": len(found),
            "filter": {**asked.wanted.shown(), **({"anchor_class": wanted} if wanted else {})},
            "profiles": [
                {**profile.shown(), "target": name, "keywords_of": words_of}
                for name, (profile, words_of) in profiles.items()
            ],
            "coverage": coverage(conn, of[0].chosen),
        }
        write_answer(
            Answer(
                "sources",
                rows,
                COLUMNS,
                head=head,
                heading=_heading(of, others, least or len(of), by, len(found)),
                notes=(*notes, *_caution(asked, others)),
                total=len(found),
                table_columns=_TABLE if others or (least or len(of)) < len(of) else _TABLE[:-1],
            ),
            output=asked.output,
            limit=asked.limit,
            fields=asked.fields,
            raw_cells=asked.raw_cells,
        )


def _named(target: Target | None) -> Target:
    if target is None:
        raise typer.BadParameter("name the targets whose sources are wanted", param_hint="TARGET")
    return target


def _chosen(conn: Connection, asked: Asked, target: Target) -> Chosen:
    return choose(conn, asked.wanted, resolve(conn, target))


def _any_link(chosen: Chosen) -> Chosen:
    """Any live link to the same target, whatever narrows the question."""
    wanted = replace(chosen.filter.unnarrowed(), kind="any")
    return replace(chosen, filter=wanted, sources=None, list_id=None, crawl_id=None)


def _profiles(
    conn: Connection, asked: Asked, targets: Sequence[Target], others: Sequence[Target]
) -> dict[str, tuple[Profile, str | None]]:
    """What each target's words are judged by, and whose keywords are in it: of one without a profile those of the first
    target of --not, else of the first target."""
    own = profile_of((*others, *targets)[0], asked.db, conn=conn)
    return {target.text: profile_beside(own, target, asked.db, conn=conn) for target in targets}


def _of(
    conn: Connection,
    asked: Asked,
    target: Target,
    by: SourceBy,
    wanted: Sequence[AnchorClass],
    judged: tuple[Profile, str | None] | None,
) -> _Of:
    chosen = _chosen(conn, asked, target)
    if judged is None:
        return _Of(
            target.text,
            chosen,
            lambda: linked(conn, chosen, by),
            lambda keys: words(conn, chosen, by, keys, _MOST_WORDS),
        )
    from audit.class_links import ClassLinks

    classed = ClassLinks(conn, chosen, judged[0], wanted, by)
    return _Of(target.text, chosen, classed.linked, lambda keys: classed.words(keys, _MOST_WORDS))


def _rows(
    conn: Connection,
    asked: Asked,
    by: SourceBy,
    of: Sequence[_Of],
    anyhow: Sequence[tuple[str, Chosen]],
    found: Sequence[Common],
    names_of: Mapping[int, str],
) -> Iterator[dict[str, Any]]:
    """What is shown of each source, looked up as far as it is."""
    shown = iter(found[: asked.bound] if asked.bound is not None else found)
    while some := list(islice(shown, _BATCH)):
        keys = [one.key for one in some]
        said = [one.words(keys) for one in of]
        read = pages_read(conn, by, keys, asked.wanted.as_of)
        there = [(name, standing(conn, chosen, by, keys)) for name, chosen in anyhow]
        for one in some:
            to = [place for place, number in enumerate(one.links) if number]
            texts = {of[place].name: list(said[place].get(one.key, ())) for place in to}
            yield {
                "name": names_of[one.key],
                "targets": [of[place].name for place in to],
                "links": _counts(one.links) if asked.as_table else {of[place].name: one.links[place] for place in to},
                "words": _told(texts) if asked.as_table else texts,
                "pages_read": read.get(one.key, 0),
                "no_link_found": [name for name, keys_of in there if one.key not in keys_of],
                "first_seen": to_iso(one.first_seen),
            }


def _counts(links: Sequence[int]) -> str:
    """``2 + 1``: links to each target in the order of the heading."""
    return " + ".join(f"{number:,}" for number in links)


def _told(texts: Mapping[str, Sequence[str]]) -> str:
    """The words to all targets in one cell, each wording once."""
    return ", ".join(dict.fromkeys(text or NO_ANCHOR_TEXT for several in texts.values() for text in several))


def _own(conn: Connection, by: SourceBy, domains: set[int], names_of: Mapping[int, str]) -> set[int]:
    """Those sources that are of these domains themselves."""
    if by == "domain":
        return domains
    return pages_of(conn, domains, names_of)


def _nothing(conn: Connection, asked: Asked, target: Target) -> list[str]:
    chosen = _chosen(conn, asked, target)
    about = About(conn, target, chosen, cells(conn, chosen))
    return [] if about.selected else why_nothing(about)


def _heading(of: Sequence[_Of], others: Sequence[Target], least: int, by: SourceBy, total: int) -> str:
    which = "" if len(of) == 1 else "all of " if least == len(of) else f"at least {least} of "
    sources = f"{total:,} {by}{'' if total == 1 else 's'}"
    links = "links" if total == 1 else "link"
    without = f", and not to {', '.join(one.text for one in others)}" if others else ""
    return f"{sources} {links} to {which}{', '.join(one.name for one in of)}{without}"


def _caution(asked: Asked, others: Sequence[Target]) -> tuple[str, ...]:
    if not asked.as_table or not others:
        return ()
    return ("no_link_found speaks of the pages that were read, as many as pages_read says; other pages may link there",)
