"""From a shell line to one named question and back: what all questions on links and anchors do alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import typer
from sqlalchemy import Connection

from cli.config import database
from cli.filters import joined, link_filter
from cli.options import (
    DatabaseOption,
    FieldsOption,
    FormatOption,
    Limit,
    LimitOption,
    OutputFormat,
    RawCellsOption,
    parse_fields,
    parse_limit,
)
from cli.render import TABLE_ROWS, Answer, write_answers
from cli.targets import (
    FoldQueryOption,
    LiteralOption,
    ScopeOption,
    TargetsArgument,
    TargetsFromOption,
    read_targets,
    wider,
)
from storage.coverage import coverage
from storage.filters import Chosen, LinkFilter, choose
from storage.link_counts import Cells, cells
from storage.targets import Target, first_known, resolve, seen
from storage.times import to_iso


@dataclass(frozen=True, slots=True)
class About:
    """One target of a question, resolved in an open ledger."""

    conn: Connection
    target: Target | None
    chosen: Chosen
    cells: Cells
    """All its links that pass the other filters, by kind and state."""

    @property
    def name(self) -> str | None:
        return None if self.target is None else self.target.text

    @property
    def scope(self) -> str:
        return self.chosen.covered.scope

    @property
    def selected(self) -> int:
        """How many links the filter selects."""
        return _selected(self.chosen.filter, self.cells)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of a question say."""

    targets: Sequence[Target | None]
    wanted: LinkFilter
    db: str
    output: OutputFormat | None
    limit: Limit
    fields: list[str] | None
    raw_cells: bool

    @property
    def as_table(self) -> bool:
        return self.output is OutputFormat.table or (self.output is None and sys.stdout.isatty())

    @property
    def bound(self) -> int | None:
        """Most rows that will be written; None: all."""
        if self.limit == "default":
            return TABLE_ROWS if self.as_table else None
        return self.limit

    def check_fields(self, columns: Sequence[str]) -> None:
        """Raises typer.BadParameter: ``--fields`` names none of these."""
        for name in self.fields or ():
            if name not in columns and not (name == "target" and len(self.targets) > 1):
                known = ", ".join(columns)
                raise typer.BadParameter(f"no field named {name!r}; known: {known}", param_hint="--fields")

    def answer(
        self, columns: Sequence[str], ask: Callable[[About], Answer], *, words: Mapping[str, Any] | None = None
    ) -> None:
        """Open the ledger, ask about each target, write the answers.

        Args:
            columns: the fields that ``--fields`` may name.
            ask: gives the answer on one target without filter, left_out, coverage and notes; its heading is put behind
                that of every question.
            words: what else the filter says, of anchors.
        Raises:
            LedgerError: no ledger, or a list or crawl it does not know.
        """
        self.check_fields(columns)
        from crawler.urls import suffix_list_version
        from storage.engine import open_ledger

        with open_ledger(self.db, psl=suffix_list_version()) as conn:
            read: dict[str, int] | None = None
            answers = []
            for target in self.targets:
                chosen = choose(conn, self.wanted, resolve(conn, target))
                about = About(conn, target, chosen, cells(conn, chosen))
                read = coverage(conn, chosen) if read is None else read  # whatever the target
                answers.append(self._completed(about, ask(about), read, words or {}))
            write_answers(answers, output=self.output, limit=self.limit, fields=self.fields, raw_cells=self.raw_cells)

    def _completed(self, about: About, answer: Answer, read: dict[str, int], words: Mapping[str, Any]) -> Answer:
        hidden = left_out(self.wanted, about.cells)
        notes = why_nothing(about) if not about.selected else []
        if self.as_table:
            notes += _said(about.name if len(self.targets) > 1 else None, hidden, read)
        return replace(
            answer,
            head={**answer.head, "filter": {**self.wanted.shown(), **words}, "left_out": hidden, "coverage": read},
            heading="; ".join(filter(None, (_heading(about), answer.heading))) if self.as_table else None,
            notes=(*answer.notes, *notes),
        )


def question(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command with a parameter ``asked: Asked`` the shared arguments and options."""
    return joined(command, "asked", _asked)


def asked_options(
    *,
    targets: TargetsArgument = None,
    targets_from: TargetsFromOption = None,
    scope: ScopeOption = None,
    literal: LiteralOption = False,
    fold_query: FoldQueryOption = "tracking",
    wanted: LinkFilter,
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> Asked:
    return Asked(
        targets=read_targets(targets, targets_from, scope=scope, literal=literal, fold_query=fold_query),
        wanted=wanted,
        db=database(db),
        output=output,
        limit=parse_limit(limit),
        fields=parse_fields(fields),
        raw_cells=raw_cells,
    )


_asked = joined(asked_options, "wanted", link_filter)


def left_out(wanted: LinkFilter, of: Cells) -> dict[str, int]:
    """How many links the defaults hide: internal ones, lost ones, and those that are both; 0 where not in force."""
    by_kind, by_state = wanted.kind == "external", wanted.state == "live"
    internal = {"live": of.internal_live, "lost": of.internal_lost, "any": of.internal_live + of.internal_lost}
    lost = {
        "external": of.external_lost,
        "internal": of.internal_lost,
        "any": of.external_lost + of.internal_lost,
    }
    return {
        "internal": internal[wanted.state] if by_kind else 0,
        "lost": lost[wanted.kind] if by_state else 0,
        "internal_lost": of.internal_lost if by_kind and by_state else 0,
    }


def why_nothing(about: About) -> list[str]:
    """Why no link is selected: never seen, hidden by kind or state, or excluded by another filter."""
    name = about.name or "the ledger"
    wanted, of = about.chosen.filter, about.cells
    all_of_them = sum((of.external_live, of.internal_live, of.external_lost, of.internal_lost))
    if all_of_them:
        counted = [
            (of.external_live, "external", "external", "live"),
            (of.internal_live, "internal", "internal", "live"),
            (of.external_lost, "lost external", "external", "lost"),
            (of.internal_lost, "lost internal", "internal", "lost"),
        ]
        others = [f"{number:,} {words}" for number, words, *_ in counted if number]
        kind = wanted.kind == "any" or any(number for number, _, kind, _ in counted if kind == wanted.kind)
        state = wanted.state == "any" or any(number for number, _, _, state in counted if state == wanted.state)
        use = " ".join([*(() if kind else ("--kind any",)), *(() if state else ("--state any",))])
        use = use or "--kind any --state any"
        words = " ".join(word for word in (wanted.state, wanted.kind) if word not in ("any", "live")) or "live"
        return [f"{name}: 0 {words}; {' and '.join(others)}, use {use}"]
    free = replace(about.chosen, filter=wanted.unnarrowed(), sources=None, list_id=None, crawl_id=None)
    if seen(about.conn, free.covered):
        there = cells(about.conn, free)
        total = there.external_live + there.internal_live + there.external_lost + there.internal_lost
        if not total and wanted.as_of is not None:
            first = to_iso(first_known(about.conn, free.covered))
            return [f"{name}: no link was known by {to_iso(wanted.as_of)}; the first was seen on {first}"]
        return [f"{name}: 0 links pass the filters; {total:,} links of every kind and state lead there without them"]
    if about.target is None:
        return ["the ledger holds no links yet; `linkledger crawl` fills it"]
    from storage.nearest import nearest

    near = nearest(about.conn, about.target)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    up = wider(about.target)
    if not near and up is not None and seen(about.conn, resolve(about.conn, up)):
        hint = f"; {up.scope} {up.text} was, use --scope {up.scope}"
    return [f"{name} was never seen as the target of a link{hint}"]


def _selected(wanted: LinkFilter, of: Cells) -> int:
    return sum(
        number
        for number, kind, state in (
            (of.external_live, "external", "live"),
            (of.internal_live, "internal", "live"),
            (of.external_lost, "external", "lost"),
            (of.internal_lost, "internal", "lost"),
        )
        if wanted.kind in (kind, "any") and wanted.state in (state, "any")
    )


def _heading(about: About) -> str:
    """Which scope it was, and what the wider one would give."""
    if about.target is None:
        return f"The whole ledger: {_links(about.selected)}{_then(about)}"
    said = f"{about.target.scope} {about.target.text}: {_links(about.selected)}"
    up = wider(about.target)
    if up is not None:
        chosen = replace(about.chosen, covered=resolve(about.conn, up))
        said += f" ({up.scope} {up.text}: {_selected(chosen.filter, cells(about.conn, chosen)):,}; --scope {up.scope})"
    return said + _then(about)


def _then(about: About) -> str:
    as_of = about.chosen.filter.as_of
    return "" if as_of is None else f", as of {to_iso(as_of)}"


def _links(number: int) -> str:
    return f"{number:,} link" if number == 1 else f"{number:,} links"


def _said(name: str | None, hidden: dict[str, int], read: dict[str, int]) -> list[str]:
    notes = []
    use = {"internal": "--kind any", "lost": "--state any", "internal_lost": "both"}
    parts = [f"{number:,} {name.replace('_', ' and ')} ({use[name]})" for name, number in hidden.items() if number]
    if parts:
        notes.append(f"{name}: left out {', '.join(parts)}" if name else f"left out: {', '.join(parts)}")
    missing = [f"{number:,} {name}" for name, number in read.items() if number and name not in ("asked", "fetched")]
    if missing:
        notes.append(f"read {read['fetched']:,} of {read['asked']:,} pages asked for; {', '.join(missing)}")
    return notes
