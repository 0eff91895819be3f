"""``linkledger authority``: what others say domains are worth, and what the ledger's own graph says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.authority import KIND_NAMES, LEAST_SHARE, OWN_NAME, is_blank, named, own_scale, standing
from cli.authority_import import import_
from cli.cells import visible
from cli.clock import now_ms
from cli.config import database
from cli.options import DatabaseOption, FieldsOption, FormatOption, LimitOption, RawCellsOption, parse_limit
from cli.render import Answer, write_answer
from storage.authority import (
    KINDS,
    Scale,
    domains_with_figures,
    drop_scales,
    figures,
    find_scale,
    known_domains,
    newest,
    ranked,
    scales,
)
from storage.engine import open_ledger
from storage.errors import BadList, LedgerError
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
app.command(
    "import",
    epilog='Example: linkledger authority import tool.csv --column "Domain rating" --from Ahrefs --date 2026-11-01',
)(import_)

BUILT = (
    "name", "made", "version", "domains", "nodes", "edges", "known_domains", "crawled_domains", "crawl_share", "blank",
    "pages", "pages_per_domain", "largest_ratio", "prior", "prior_date", "seeds", "moved_urls", "harmonic_followed",
    "harmonic_of",
)  # fmt: skip
SHOW = ("domain", "authority", "confidence", "referring_domains", "harmonic", "trust", "place", "ratio", "figures")
_SHOW_TABLE = ("domain", "authority", "confidence", "referring_domains", "trust", "figures")
SCALES = ("name", "measure", "kind", "date", "domains", "crawl_share", "prior", "seeds", "made_at", "newest")
_SCALES_TABLE = ("name", "measure", "kind", "date", "domains", "crawl_share", "newest")
_BATCH = 1_000


class UnknownDomain(LedgerError):
    """A domain the ledger has never met."""

    def __init__(self, name: str, near: Sequence[str]) -> None:
        hint = f"; nearest: {', '.join(near)}" if near else ""
        super().__init__(f"this ledger knows no domain {name!r}: no page of it was read and no link leads to it{hint}")


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
        scale = keep(conn, computed, now=now_ms())
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
        raise BadList(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error
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
            order = _by_weight(latest)
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


def _by_weight(latest: Sequence[Scale]) -> list[Scale]:
    """The own score first, then the scale with most figures."""
    return sorted(latest, key=lambda one: (one.kind != "own", -one.about.get("domains", 0)))


def _notes(latest: Sequence[Scale], own: Scale | None, asked: bool) -> tuple[str, ...]:
    if not latest:
        return (
            "No figure is kept yet: `linkledger authority build` computes a score, `linkledger authority import` "
            "keeps another tool's.",
        )
    others = [f"{named(one)}: {one.dated}" for one in latest if one.kind != "own"]
    sorted_by = []
    if not asked:
        by = named(_by_weight(latest)[0]) if own is None else "referring domains" if is_blank(own) else OWN_NAME
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
        "kind": KIND_NAMES[one.kind],
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
