"""``linkledger profile``: the small TOML files that say what a target is called and wants to be found for."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.profile import Profile, Section
from audit.profile_draft import Known, KnownPage, draft
from audit.profile_file import BadProfile, Fault, digest_of, examine, read_bytes, text_of
from cli.cells import visible
from cli.config import database
from cli.files import write_whole
from cli.options import DatabaseOption, FieldsOption, FormatOption, LimitOption, OutputFormat, RawCellsOption
from cli.profiles import ProfileOption, file_name, known_words, profile_of, profiles_folder
from cli.render import Answer, write_answer
from cli.targets import parse_target, wider
from storage.errors import LedgerError, NoLedger
from storage.targets import Target

app = typer.Typer(
    help="Write, show and check profiles: what a target is called, its keywords, its competitors. Audits go by them.",
    no_args_is_help=True,
)

SHOW = (
    "target", "profile", "rules_version", "drafted", "path", "brands", "keywords", "page_type", "title", "h1",
    "languages", "competitors", "hosts", "generic", "pages", "thresholds",
)  # fmt: skip
_SHOW_TABLE = tuple(name for name in SHOW if name not in ("pages", "thresholds"))
PAGE = ("url", "keywords", "page_type", "title", "h1", "languages")
FAULT = ("line", "key", "value", "fault")
LIST = ("target", "profile", "drafted", "brands", "keywords", "pages", "competitors", "faults", "path")
_LIST_TABLE = ("target", "profile", "drafted", "keywords", "pages", "faults", "path")
_MOST_PAGES = 8
_MOST_ANCHORS = 300

TargetArgument = Annotated[str, typer.Argument(metavar="TARGET", help="A domain, host or URL.")]


class ProfileExists(LedgerError):
    """A draft would replace a profile."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already; --force replaces it, -o FILE writes elsewhere")


class NoProfile(LedgerError):
    """None is kept for a target."""

    def __init__(self, target: str, path: Path) -> None:
        super().__init__(f"no profile of {target} is kept at {path}; `linkledger profile init {target}` drafts one")


@app.command("init", epilog="Example: linkledger profile init example.com --competitor rival.com")
def init(
    target: TargetArgument,
    competitor: Annotated[
        list[str] | None,
        typer.Option("--competitor", metavar="TARGET", help="A target to compare with; may be given several times."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|-",
            help="Write it there, or to standard output; else into the folder of profiles: `profiles` beside the "
            "ledger, unless LINKLEDGER_PROFILES or `profiles` in linkledger.toml says otherwise.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a profile that is there.")] = False,
    db: DatabaseOption = None,
) -> None:
    """Draft a profile of TARGET from what the ledger knows: titles, headings, anchors; or from its name alone.

    What is guessed is marked so in comments. Read it, put it right, name keywords, and remove the line `drafted`.
    The name of the file goes to standard output.
    """
    meant = parse_target(target)
    rivals = tuple(parse_target(one).text for one in competitor or ())
    if meant.text in rivals:
        raise typer.BadParameter(f"{meant.text} is the target itself", param_hint="--competitor")
    ledger = database(db)
    path = Path(output) if output not in (None, "-") else profiles_folder(ledger) / file_name(meant.text)
    if output != "-" and path.exists() and not force:
        raise ProfileExists(path)
    text = draft(meant.text, meant.domain, _known(meant, ledger), competitors=rivals)
    if output == "-":
        sys.stdout.write(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    typer.echo(visible(str(path)))
    _say(f"drafted; read {path}, name keywords, and remove the line `drafted = true`")


@app.command("show", epilog="Example: linkledger profile show example.com")
def show(
    target: TargetArgument,
    profile: ProfileOption = None,
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show the profile that audits of TARGET go by: the one kept, or what would be guessed.

    Keys: target, profile (first 12 digits of the file's SHA-256), rules_version, drafted, path, brands, keywords,
    page_type, title, h1, languages, competitors, hosts, generic, pages (url, keywords, page_type, title, h1,
    languages), thresholds.
    """
    from storage.engine import open_ledger

    meant, ledger = parse_target(target), database(db)
    try:
        with open_ledger(ledger) as conn:
            found = profile_of(meant, ledger, profile, conn=conn)
    except NoLedger:
        found = profile_of(meant, ledger, profile)
    notes = () if found.path else (f"no file: guessed; `linkledger profile init {meant.text}` writes a draft",)
    row = _shown(found)
    answer = Answer(
        "profile",
        [row],
        SHOW,
        single=True,
        notes=notes,
        table_columns=_SHOW_TABLE,
        below=(
            *_pages(row["pages"]),
            Answer(
                "thresholds",
                [{"threshold": name, "value": value} for name, value in row["thresholds"].items()],
                ("threshold", "value"),
                heading="thresholds, all heuristics",
            ),
        ),
    )
    write_answer(answer, output=output, limit=limit, fields=fields, raw_cells=raw_cells)


@app.command("check", epilog="Example: linkledger profile check profiles/example.com.toml")
def check(
    named: Annotated[
        str, typer.Argument(metavar="FILE|TARGET", help="A profile's file, or the target it is kept for.")
    ],
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Name every fault of a profile; ends with status 1 if there is one.

    Keys: line, key, value, fault (what is wrong and what to do).
    """
    path = _file_of(named, database(db))
    found, faults = _examined(path)
    write_answer(
        Answer(
            "faults",
            [_fault_row(one) for one in faults],
            FAULT,
            head={"path": str(path), "total": len(faults)},
            heading=f"{path}: {len(faults)} fault{'' if len(faults) == 1 else 's'}",
            notes=(*(_told(faults) if _as_table(output) else ()), *_advice(found)),
            total=len(faults),
            table_columns=FAULT[:3],
        ),
        output=output,
        limit=limit,
        fields=fields,
        raw_cells=raw_cells,
    )
    if faults:
        raise typer.Exit(1)


@app.command("list", epilog="Example: linkledger profile list")
def list_(
    db: DatabaseOption = None,
    output: FormatOption = None,
    limit: LimitOption = "default",
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Show every profile of the folder: whose it is, its hash, and how many faults it has.

    Keys: target, profile, drafted, brands, keywords and pages (how many), competitors, faults, path.
    """
    folder = profiles_folder(database(db))
    rows = [_list_row(path) for path in sorted(folder.glob("*.toml"))]
    notes = () if rows else (f"no profile in {folder}; `linkledger profile init TARGET` drafts one",)
    write_answer(
        Answer("profiles", rows, LIST, head={"folder": str(folder)}, notes=notes, table_columns=_LIST_TABLE),
        output=output,
        limit=limit,
        fields=fields,
        raw_cells=raw_cells,
    )


def _known(target: Target, ledger: str) -> Known:
    """What the ledger holds of the target, with its anchors; nothing where there is no ledger yet."""
    from storage.anchor_counts import distribution
    from storage.anchor_rows import Anchors
    from storage.engine import open_ledger
    from storage.filters import LinkFilter, choose
    from storage.known_pages import PageWords, most_linked, page_words
    from storage.targets import resolve

    try:
        with open_ledger(ledger) as conn:
            home = known_words(target, conn).home
            chosen = choose(conn, LinkFilter(), resolve(conn, target))
            linked = most_linked(conn, chosen, _MOST_PAGES + 1)
            words = page_words(conn, [url for url, _ in linked])
            used = distribution(Anchors(conn, chosen), limit=_MOST_ANCHORS, measures=())
            anchors = tuple((one.anchor, one.referring_domains) for one in used.rows if one.anchor)
    except NoLedger:
        _say(f"there is no ledger at {ledger} yet: drafted from the name alone")
        return Known()
    pages = [
        KnownPage(url, *words.get(url, PageWords(None, None, None)), domains=domains)
        for url, domains in linked
        if home is None or url != home.url
    ]
    return Known(home, tuple(pages[:_MOST_PAGES]), anchors)


def _file_of(named: str, ledger: str) -> Path:
    path = Path(named)
    if path.is_file() or named.endswith(".toml"):
        return path
    target: Target | None = parse_target(named)
    folder = profiles_folder(ledger)
    while target is not None:
        if (kept := folder / file_name(target.text)).is_file():
            return kept
        target = wider(target)
    raise NoProfile(named, folder / file_name(parse_target(named).text))


def _examined(path: Path) -> tuple[Profile | None, tuple[Fault, ...]]:
    data = read_bytes(path)
    try:
        text = text_of(data, str(path))
    except BadProfile as error:
        return None, error.faults
    return examine(text, str(path), digest=digest_of(data))


def _advice(found: Profile | None) -> tuple[str, ...]:
    """What is no fault, and worth knowing."""
    if found is None:
        return ()
    notes = []
    if found.drafted:
        notes.append("it is a draft: read it, put it right and remove the line `drafted = true`")
    if not any(section.keywords for section in found.sections):
        notes.append("it has no keywords: no anchor will be judged exact or partial")
    if not found.brands:
        notes.append("it has no brands: only the host's own name will be read as one")
    return tuple(notes)


def _as_table(output: OutputFormat | None) -> bool:
    return output is OutputFormat.table or (output is None and sys.stdout.isatty())


def _told(faults: tuple[Fault, ...]) -> tuple[str, ...]:
    """Whole sentences under a table, whose cells would cut them."""
    return tuple(f"{f'line {one.line}: ' if one.line else ''}{one.said}" for one in faults)


def _shown(found: Profile) -> dict[str, Any]:
    return {
        **found.shown(),
        "path": found.path,
        "brands": found.brands,
        **_section(found.whole),
        "languages": found.languages,
        "competitors": found.competitors,
        "hosts": found.hosts,
        "generic": found.generic,
        "pages": [{"url": one.url, **_section(one), "languages": one.languages} for one in found.pages],
        "thresholds": asdict(found.thresholds),
    }


def _pages(rows: list[dict[str, Any]]) -> tuple[Answer, ...]:
    return (Answer("pages", rows, PAGE, heading="pages of their own", table_columns=PAGE[:3]),) if rows else ()


def _section(one: Section) -> dict[str, Any]:
    return {"keywords": one.keywords, "page_type": one.page_type, "title": one.title, "h1": one.h1}


def _fault_row(one: Fault) -> dict[str, Any]:
    return {"line": one.line, "key": one.key, "value": one.value, "fault": one.said}


def _list_row(path: Path) -> dict[str, Any]:
    try:
        found, faults = _examined(path)
    except BadProfile as error:
        found, faults = None, error.faults
    if found is None:
        return {"target": None, "faults": len(faults), "path": str(path)}
    return {
        "target": found.target,
        "profile": found.digest,
        "drafted": found.drafted,
        "brands": list(found.brands),
        "keywords": sum(len(section.keywords) for section in found.sections),
        "pages": len(found.pages),
        "competitors": list(found.competitors),
        "faults": 0,
        "path": str(path),
    }


def _say(line: str) -> None:
    print(visible(line), file=sys.stderr)
