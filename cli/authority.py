"""``linkledger authority``: what others say domains are worth, and what the ledger's own graph says."""

from __future__ import annotations

import datetime
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.authority import COMMON_CRAWL, LEAST_SHARE, OWN_NAME, is_blank, named, own_scale, standing
from cli.cells import visible
from cli.config import database
from cli.options import DatabaseOption, FieldsOption, FormatOption, LimitOption, RawCellsOption, parse_limit
from cli.render import Answer, write_answer
from storage.authority import (
    KINDS,
    Scale,
    Value,
    domains_with_figures,
    drop_scales,
    figures,
    find_scale,
    known_domains,
    newest,
    ranked,
    save_scale,
    scales,
)
from storage.engine import open_ledger
from storage.errors import LedgerError
from storage.nearest import nearest
from storage.targets import Target
from storage.times import to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.authority import StoredFigure

app = typer.Typer(
    help="Figures of authority for domains: another tool's, a web graph's, and a score of the ledger's own graph.",
    no_args_is_help=True,
)

IMPORTED = (
    "name", "measure", "kind", "date", "rows", "read", "kept", "not_in_ledger", "blank", "bad", "disagreed",
)  # fmt: skip
BUILT = (
    "name", "made", "version", "domains", "nodes", "edges", "known_domains", "crawled_domains", "crawl_share", "blank",
    "pages", "pages_per_domain", "largest_ratio", "prior", "prior_date", "seeds", "moved_urls", "harmonic_followed",
    "harmonic_of",
)  # fmt: skip
SHOW = ("domain", "authority", "confidence", "referring_domains", "harmonic", "trust", "place", "ratio", "figures")
_SHOW_TABLE = ("domain", "authority", "confidence", "referring_domains", "trust", "figures")
SCALES = ("name", "measure", "kind", "date", "domains", "crawl_share", "prior", "seeds", "made_at", "newest")
_SCALES_TABLE = ("name", "measure", "kind", "date", "domains", "crawl_share", "newest")
_KINDS = {"import": "imported", "prior": "web graph", "own": "own"}
_BATCH = 1_000


class NoFigures(LedgerError):
    """A file from which nothing could be read."""


class UnknownDomain(LedgerError):
    """A domain the ledger has never met."""

    def __init__(self, name: str, near: Sequence[str]) -> None:
        hint = f"; nearest: {', '.join(near)}" if near else ""
        super().__init__(f"this ledger knows no domain {name!r}: no page of it was read and no link leads to it{hint}")


def _date(text: str) -> str:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return datetime.date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    raise typer.BadParameter(f"{text!r} is no day such as 2026-11-01", param_hint="--date")


@app.command(
    "import",
    epilog='Example: linkledger authority import tool.csv --column "Domain rating" --from Ahrefs --date 2026-11-01',
)
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table with a figure for each domain, or a ranks file.")
    ],
    date: Annotated[
        str,
        typer.Option(
            "--date", metavar="DAY", help="The day the figures stand for, such as 2026-11-01.", callback=_date
        ),
    ],
    column: Annotated[
        str | None,
        typer.Option("--column", metavar="NAME", help='Header of the column with the figure, such as "Domain rating".'),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Whose figure it is; it is shown under this name."),
    ] = None,
    domains: Annotated[
        str | None,
        typer.Option(
            "--domains",
            metavar="NAME",
            help="Header of the column with the domains or URLs, where several may be meant.",
        ),
    ] = None,
    common_crawl: Annotated[
        bool,
        typer.Option(
            "--common-crawl",
            help="FILE holds the domain ranks of a Common Crawl web graph, gzip or unpacked; seen by its header, too.",
        ),
    ] = False,
    db: DatabaseOption = None,
    output: FormatOption = None,
) -> None:
    """Keep figures that somebody else has found, for the domains this ledger knows.

    A table is read as lists are: any encoding and delimiter, lines above the header, a column by its name. Of several
    rows of one domain the highest value of the latest counts. A blank cell is unknown, not 0. Figures of domains that
    the ledger does not know are left out; import the file again when a crawl has found more. The same name, column and
    date replaces what was there.
    """
    from audit.common_crawl import is_ranks_file

    if source is not None and source.strip().casefold() in ("", OWN_NAME):
        raise typer.BadParameter(f"{source!r} is no name for another's figure", param_hint="--from")
    if common_crawl or (column is None and is_ranks_file(file)):
        if column is not None or domains is not None:
            raise typer.BadParameter("a ranks file has columns of its own; leave --column out", param_hint="--column")
        row, notes = _import_ranks(file, source or COMMON_CRAWL, date, database(db))
    else:
        if column is None:
            raise typer.BadParameter("which column holds the figure?", param_hint="--column")
        if source is None:
            raise typer.BadParameter(
                "whose figure is it? It is shown under this name, such as --from Ahrefs", param_hint="--from"
            )
        row, notes = _import_table(file, column, source, domains, date, database(db))
    write_answer(Answer(key="imported", rows=[row], columns=IMPORTED, single=True, notes=tuple(notes)), output=output)


def _import_table(
    file: Path, column: str, source: str, domains: str | None, date: str, db: str
) -> tuple[dict[str, Any], list[str]]:
    from audit.figures_file import read_figures

    read = read_figures(str(file), column, domains=domains)
    if not read.values:
        why = f": {'; '.join(read.examples)}" if read.examples else ""
        raise NoFigures(f"{file} has no figure in column {read.column!r} of {read.rows:,} rows{why}; nothing was kept")
    about = {
        "file": file.name,
        "column": read.column,
        "domain_column": read.domain_column,
        "rows": read.rows,
        "bad": read.bad,
        "disagreed": read.disagreed,
    }
    with open_ledger(db, write=True) as conn:
        ids = known_domains(conn, read.values)
        _some_known(ids, len(read.values), file)
        values = sorted(Value(id_, read.values[name]) for name, id_ in ids.items())
        scale = save_scale(
            conn, kind="import", name=source, measure=read.column, dated=date, about=about, values=values, now=_now()
        )
    notes = _left_out(len(read.values) - len(ids))
    if read.disagreed:
        by = f"the latest by {read.latest_by!r}" if read.latest_by else "all"
        notes.append(f"{read.disagreed:,} domains had several values; of {by}, the highest was taken")
    if read.bad:
        notes.append(f"{read.bad:,} rows could not be read: {'; '.join(read.examples)}")
    return {
        **_head(scale),
        "rows": read.rows,
        "read": len(read.values),
        "kept": len(ids),
        "not_in_ledger": len(read.values) - len(ids),
        "blank": read.blank,
        "bad": read.bad,
        "disagreed": read.disagreed,
    }, notes


def _import_ranks(file: Path, source: str, date: str, db: str) -> tuple[dict[str, Any], list[str]]:
    from audit.common_crawl import MEASURE, read_ranks
    from storage.authority import domain_names

    def tell(lines: int, kept: int) -> None:
        print(f"authority: {lines:,} lines read, {kept:,} domains kept", file=sys.stderr, flush=True)

    with open_ledger(db) as conn:
        known = {name: id_ for id_, name in domain_names(conn)}
    # No transaction is held while the file is read, which may take minutes.
    read = read_ranks(file, known, tell=tell)
    del known
    about = {"file": file.name, "lines": read.lines, "bad": read.bad, "hosts": read.hosts}
    with open_ledger(db, write=True) as conn:
        _some_known(read.values, read.lines, file)
        scale = save_scale(
            conn, kind="prior", name=source, measure=MEASURE, dated=date, about=about, values=read.values, now=_now()
        )
    notes = [
        "`linkledger authority build` starts from these ranks; that graph counts scripts, fonts and images as links"
    ]
    if read.hosts:
        notes.append("these are ranks of hosts: a domain has those of the host of its own name")
    if read.repeated:
        notes.append(f"{read.repeated:,} domains came again; the first line counts")
    if read.bad:
        notes.append(f"{read.bad:,} lines could not be read: {'; '.join(read.examples)}")
    return {
        **_head(scale),
        "rows": read.lines,
        "read": read.lines - read.bad,
        "kept": len(read.values),
        "not_in_ledger": None,
        "blank": None,
        "bad": read.bad,
        "disagreed": None,
    }, notes


def _some_known(kept: Iterable[object], of: int, file: Path) -> None:
    if not any(True for _ in kept):
        raise NoFigures(
            f"none of the {of:,} domains of {file} is in this ledger; crawl pages first, then import the file"
        )


def _left_out(number: int) -> list[str]:
    if not number:
        return []
    return [f"{number:,} domains are not in this ledger and were left out; import the file again after a crawl"]


def _head(scale: Scale) -> dict[str, Any]:
    return {"name": scale.name, "measure": scale.measure, "kind": _KINDS[scale.kind], "date": scale.dated[:10]}


@app.command("build", epilog="Example: linkledger authority build --seed example.org")
def build(
    seed: Annotated[
        list[str] | None,
        typer.Option("--seed", metavar="DOMAIN", help="A domain to trust; may be given several times."),
    ] = None,
    seeds_from: Annotated[
        Path | None, typer.Option("--seeds-from", metavar="FILE", help="Domains to trust, one a line.")
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            "--prior",
            metavar="NAME|none",
            help="The imported web graph to start from; else the newest there is.",
            show_default=False,
        ),
    ] = None,
    db: DatabaseOption = None,
    output: FormatOption = None,
) -> None:
    """Compute a score for every domain from the links of this ledger, and keep it as a new scale.

    A domain counts for another if an indexable page of it has a live followed link there. The score, 0 to 100, is
    relative to the graph as it was read: scores of two builds are never compared. Under a crawl share of 10 % it is
    kept, and left blank where it would be shown: the number of referring domains says as much there. It is no search
    engine's PageRank and no other tool's figure.
    """
    from audit.ask_authority import compute, keep

    seeds = {_domain(text) for text in [*(seed or ()), *_seeds_of(seeds_from)]}
    where = database(db)
    with open_ledger(where) as conn:
        computed = compute(conn, prior=_prior(conn, prior), seeds=seeds, tell=_tell)
    _tell("writing the figures")
    with open_ledger(where, write=True) as conn:
        scale = keep(conn, computed, now=_now())
    write_answer(
        Answer(key="built", rows=[_built(scale)], columns=BUILT, single=True, notes=_of_own(scale)), output=output
    )


def _tell(text: str) -> None:
    print(f"authority: {text}", file=sys.stderr, flush=True)


def _prior(conn: Connection, name: str | None) -> Scale | None:
    if name == "none":
        return None
    if name is not None:
        return find_scale(conn, name, kind="prior")
    there = [one for one in scales(conn) if one.kind == "prior"]
    return max(there, key=lambda one: (one.dated, one.made_at), default=None)


def _seeds_of(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = file.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise NoFigures(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _domain(text: str) -> str:
    from crawler.urls import seed_url

    return seed_url(text).domain


def _built(scale: Scale) -> dict[str, Any]:
    about = scale.about
    behind = about.get("prior")
    row = {name: about.get(name) for name in BUILT}
    return row | {
        "name": scale.name,
        "made": scale.dated,
        "blank": is_blank(scale),
        "prior": behind["name"] if behind else None,
        "prior_date": behind["dated"] if behind else None,
    }


def _of_own(scale: Scale) -> tuple[str, ...]:
    """What must be known of an own scale before any of its figures."""
    about = scale.about
    behind = about.get("prior")
    read = (
        f"{OWN_NAME} of {scale.dated[:10]}: {about['crawled_domains']:,} of {about['known_domains']:,} known domains "
        f"crawled ({about['crawl_share']:.1%}), {about['pages_per_domain']:.1f} pages a domain, "
        + (f"from {behind['name']} of {behind['dated']}" if behind else "without a prior")
    )
    blank = (
        f"under {LEAST_SHARE:.0%} crawled, the score is left blank; referring domains say as much there"
        if is_blank(scale)
        else "scores of two builds are never compared"
    )
    return (read, blank)


@app.command("show", epilog="Example: linkledger authority show example.com rival.com")
def show(
    domain: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DOMAIN]...", help="Registrable domains, hosts or URLs of them; none: all, best first."
        ),
    ] = None,
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show the figures of domains, each under its own name, with what stands behind the own score.

    Without DOMAIN every domain that has any: first those with an own score, by it, or by referring domains where it is
    blank; then those that have only others' figures.
    """
    bound = parse_limit(limit)
    names = [_domain(text) for text in domain or ()]
    with open_ledger(database(db)) as conn:
        known = scales(conn)
        latest = newest(known)
        own = own_scale(latest)
        if names:
            rows: Iterable[dict[str, Any]] = list(_asked(conn, list(dict.fromkeys(names)), latest, own))
            total = None
        else:
            order = sorted(latest, key=lambda one: one.kind != "own")
            rows = _every(conn, order, own)
            total = domains_with_figures(conn, latest)
        notes = _notes(latest, own, bool(names))
        write_answer(
            Answer(
                key="domains",
                rows=rows,
                columns=SHOW,
                head={"scales": [_scale_row(one, latest) for one in latest], "own": _built(own) if own else None},
                total=total,
                notes=notes,
                table_columns=_SHOW_TABLE,
            ),
            output=output,
            limit=bound,
            fields=fields,
            raw_cells=raw_cells,
        )


def _notes(latest: Sequence[Scale], own: Scale | None, asked: bool) -> tuple[str, ...]:
    if not latest:
        return (
            "No figure is kept yet: `linkledger authority build` computes a score, `linkledger authority import` "
            "keeps another tool's.",
        )
    others = [f"{named(one)}: {one.dated}" for one in latest if one.kind != "own"]
    sorted_by = []
    if not asked:
        by = named(latest[0]) if own is None else "referring domains" if is_blank(own) else OWN_NAME
        sorted_by = [f"sorted by {by}"]
    return (*(_of_own(own) if own else ()), *others, *sorted_by)


def _asked(
    conn: Connection, names: Sequence[str], latest: Sequence[Scale], own: Scale | None
) -> Iterator[dict[str, Any]]:
    ids = known_domains(conn, names)
    for name in names:
        if name not in ids:
            raise UnknownDomain(name, nearest(conn, Target(name, "domain", name, ())))
    stored = figures(conn, ids.values(), of=latest)
    for name in names:
        yield _row(name, stored.get(ids[name], ()), own)


def _every(conn: Connection, order: Sequence[Scale], own: Scale | None) -> Iterator[dict[str, Any]]:
    """The domains of the first scale, then those of the second that were not there yet, and so on."""
    told: set[int] = set()
    shown = sorted(order, key=lambda one: KINDS.index(one.kind))
    for scale in order:
        places = ranked(conn, scale, by="referring" if is_blank(scale) else "value")
        while some := list(islice(places, _BATCH)):
            stored = figures(conn, [value.domain_id for _, value in some], of=shown)
            for name, value in some:
                figures_of = stored[value.domain_id]
                if not any(one.scale.id in told for one in figures_of):
                    yield _row(name, figures_of, own)
        told.add(scale.id)


def _row(name: str, stored: Sequence[StoredFigure], own: Scale | None) -> dict[str, Any]:
    found = standing(stored, own)
    mine = next((one for one in stored if one.kind == "own"), None)
    shown = mine if not found.blank else None
    return {
        "domain": name,
        "authority": found.score,
        "confidence": found.confidence,
        "referring_domains": found.referring_domains,
        "harmonic": found.harmonic,
        "trust": found.trust,
        "place": shown.place if shown else None,
        "ratio": shown.ratio if shown else None,
        "figures": {one.name: one.value for one in found.figures if not one.own},
    }


@app.command("scales", epilog="Example: linkledger authority scales")
def scales_(
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show every scale that is kept: whose figure, of which day, for how many domains. The newest of each counts."""
    with open_ledger(database(db)) as conn:
        known = scales(conn)
    latest = newest(known)
    write_answer(
        Answer(
            key="scales",
            rows=[_scale_row(one, latest) for one in known],
            columns=SCALES,
            total=len(known),
            notes=() if known else _notes((), None, False),
            table_columns=_SCALES_TABLE,
        ),
        output=output,
        limit=limit,
        fields=fields,
        raw_cells=raw_cells,
    )


def _scale_row(one: Scale, latest: Sequence[Scale]) -> Mapping[str, Any]:
    behind = one.about.get("prior")
    return {
        "name": one.name,
        "measure": one.measure,
        "kind": _KINDS[one.kind],
        "date": one.dated,
        "domains": one.about.get("domains"),
        "crawl_share": one.about.get("crawl_share"),
        "prior": f"{behind['name']} {behind['dated']}" if behind else None,
        "seeds": one.about.get("seeds"),
        "made_at": to_iso(one.made_at),
        "newest": one in latest,
    }


@app.command("drop", epilog="Example: linkledger authority drop Ahrefs --date 2026-01-01")
def drop(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A scale, as `authority scales` names it.")],
    date: Annotated[
        str | None,
        typer.Option("--date", metavar="DAY", help="Only that of this date, as `authority scales` shows it."),
    ] = None,
    db: DatabaseOption = None,
) -> None:
    """Forget figures: every scale of a name, or the one of a date."""
    with open_ledger(database(db), write=True) as conn:
        for one in drop_scales(conn, name, dated=date):
            typer.echo(visible(f"dropped {named(one)} of {one.dated}, {one.about.get('domains', 0):,} figures"))


def _now() -> int:
    return time.time_ns() // 1_000_000
