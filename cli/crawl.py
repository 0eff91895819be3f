"""``linkledger crawl``: fetch the pages of a list, take every link apart, keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.config import Config, load_config
from cli.dry_run import dry_run_answer, name_rejected, say
from cli.moments import parse_span
from cli.options import DatabaseOption, FieldsOption, FormatOption, OutputFormat, RawCellsOption
from cli.render import write_answer

if TYPE_CHECKING:
    from crawler.plan import CrawlPlan
    from crawler.progress import Progress
    from crawler.run import CrawlSummary, Loaded

FOLLOW = "Follow"
POLITE = "Politeness"
LIMITS = "Limits"
KNOWN = "Pages known already"
NETWORK = "Network"
SCRIPTS = "Pages made by scripts"
ENDING = "Ending"

_WITH_RESUME = frozenset(
    {"seeds", "resume", "workers", "proxy", "min_fetched", "strict", "db", "output", "fields", "raw_cells"}
)
"""What `--resume` may be given; all else is as the crawl was begun."""


def crawl(
    ctx: typer.Context,
    seeds: Annotated[
        list[str] | None,
        typer.Argument(metavar="SEEDS", help="Pages, files of pages (text, CSV, TSV), or - for standard input."),
    ] = None,
    list_name: Annotated[
        str | None,
        typer.Option("--list", metavar="NAME", help="Keep the pages under this name; without SEEDS, crawl those kept."),
    ] = None,
    backlinks_of: Annotated[
        str | None,
        typer.Option(
            "--backlinks-of",
            metavar="TARGET",
            help="The pages of the list are the known backlinks of this target; `compare` then compares counts too.",
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option("--column", metavar="NAME", help="The column that holds the pages of a table.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be fetched and how long at least; fetch nothing.")
    ] = False,
    retry_failed: Annotated[
        str | None,
        typer.Option(
            "--retry-failed",
            metavar="ID|last",
            help="Ask the failed, partial, suspect and still pending pages of a crawl again.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a crawl that was stopped or died, as it was begun: --resume takes the latest one, "
            "--resume ID that one.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            help="Crawl with N processes; each site's operator is asked by one of them. Default 1.",
        ),
    ] = None,
    depth: Annotated[
        int,
        typer.Option(
            "--depth", metavar="N", help="0: exactly the list; N: also pages N links away.", rich_help_panel=FOLLOW
        ),
    ] = 0,
    follow: Annotated[
        str | None,
        typer.Option(
            "--follow",
            metavar="none|host|domain|list|any",
            help="Which links to follow: to the page's own host, its domain, a domain of the list, or any.",
            rich_help_panel=FOLLOW,
        ),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include", metavar="REGEX", help="Follow only URLs that match one of these.", rich_help_panel=FOLLOW
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="REGEX", help="Do not follow URLs that match one of these.", rich_help_panel=FOLLOW
        ),
    ] = None,
    max_pages: Annotated[
        int | None,
        typer.Option(
            "--max-pages",
            metavar="N",
            help="Most pages to ask; 10000 unless said when --depth is above 0.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    max_pages_per_host: Annotated[
        int | None,
        typer.Option(
            "--max-pages-per-host",
            metavar="N",
            help="The same for each host; 1000 unless said when --depth is above 0.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    max_bytes: Annotated[
        int | None,
        typer.Option(
            "--max-bytes",
            metavar="N",
            help="Read pages up to here and mark longer ones partial; default 10 MiB.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    max_links: Annotated[
        int | None,
        typer.Option(
            "--max-links",
            metavar="N",
            help="Read so many links of a page and mark one with more partial; default 20000.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    max_queries: Annotated[
        int | None,
        typer.Option(
            "--max-queries",
            metavar="N",
            help="Follow so many URLs that differ in their query only; 500 unless said when --depth is above 0.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    delay: Annotated[
        float | None,
        typer.Option(
            "--delay",
            metavar="SECONDS",
            help="Least time between two requests to one operator; default 1.",
            rich_help_panel=POLITE,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="SECONDS", help="Longest one attempt may take; default 30.", rich_help_panel=POLITE
        ),
    ] = None,
    url_timeout: Annotated[
        float | None,
        typer.Option(
            "--url-timeout",
            metavar="SECONDS",
            help="Longest all attempts and redirects of a URL may take together; default 120.",
            rich_help_panel=POLITE,
        ),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            "--contact",
            metavar="URL|EMAIL",
            help="Where a site's owner can ask about the crawler.",
            rich_help_panel=POLITE,
        ),
    ] = None,
    user_agent: Annotated[
        str | None,
        typer.Option(
            "--user-agent",
            metavar="TEXT",
            help="Another User-Agent; robots.txt is read for its first word.",
            rich_help_panel=POLITE,
        ),
    ] = None,
    verify_tls: Annotated[
        bool, typer.Option("--verify-tls", help="Refuse sites whose certificate does not hold.", rich_help_panel=POLITE)
    ] = False,
    allow_net: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-net",
            metavar="CIDR[:PORT]",
            help="Also connect to this network, which is not public, such as 10.1.0.0/16 or 127.0.0.1/32:8000.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option(
            "--proxy",
            metavar="URL|environment",
            help="Ask through this proxy, or those of http_proxy and https_proxy; none is used otherwise.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    render: Annotated[
        bool,
        typer.Option(
            "--render",
            help="Read each page after its scripts ran too, in your own Chromium (slow; needs linkledger[render]).",
            rich_help_panel=SCRIPTS,
        ),
    ] = False,
    chromium: Annotated[
        str | None,
        typer.Option(
            "--chromium",
            metavar="PATH",
            help="The Chromium that renders; looked for on the PATH otherwise.",
            rich_help_panel=SCRIPTS,
        ),
    ] = None,
    refresh_after: Annotated[
        str | None,
        typer.Option(
            "--refresh-after",
            metavar="SPAN",
            help="Do not ask pages of the list that were read whole within this time, such as 6d or 12h.",
            rich_help_panel=KNOWN,
        ),
    ] = None,
    conditional: Annotated[
        bool,
        typer.Option(
            "--conditional/--no-conditional",
            help="Ask known pages only whether they have changed (ETag, Last-Modified), or fetch them anew.",
            rich_help_panel=KNOWN,
        ),
    ] = True,
    judge_as: Annotated[
        str | None,
        typer.Option("--judge-as", metavar="ROBOT", help="Whose robots directives count; default googlebot."),
    ] = None,
    keep_text: Annotated[
        bool, typer.Option("--keep-text/--no-keep-text", help="Keep some visible text of each page.")
    ] = True,
    min_fetched: Annotated[
        float | None,
        typer.Option(
            "--min-fetched",
            metavar="PCT",
            min=0,
            max=100,
            help="End with status 3 when fewer were fetched, in percent.",
            rich_help_panel=ENDING,
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="End with status 3 when a row of the list was rejected.", rich_help_panel=ENDING),
    ] = False,
    db: DatabaseOption = None,
    output: FormatOption = None,
    fields: FieldsOption = None,
    raw_cells: RawCellsOption = False,
) -> None:
    """Fetch the pages of a list, take every link apart, and keep links and anchors in the ledger.

    The ledger is made if there is none. Each URL ends with one outcome, each row that cannot be used is named. Ctrl-C
    ends the crawl after the pages in flight, a second one at once; --resume goes on with the rest.

    Example: linkledger crawl prospects.csv --list spring --contact https://example.com/bot
    """
    if resume:
        _check_resume(ctx, seeds or [])
        going_on = _resumed(load_config(db=db, proxy=proxy), seeds[0] if seeds else None, workers, proxy is not None)
        _run(going_on, output=output, fields=fields, raw_cells=raw_cells, min_fetched=min_fetched, strict=strict)
        return
    from crawler.plan import BadPlan, CrawlPlan

    config = load_config(
        db=db, contact=contact, delay=delay, judge_as=judge_as, allow_net=allow_net, proxy=proxy, chromium=chromium
    )
    given: dict[str, Any] = {
        "delay": config.delay, "judge_as": config.judge_as, "max_bytes": max_bytes, "timeout": timeout,
        "url_timeout": url_timeout, "max_links": max_links, "max_queries": max_queries,
        "follow": follow if follow is not None else ("host" if depth > 0 else None), "workers": workers,
    }  # fmt: skip
    try:
        plan = CrawlPlan(
            db=config.db,
            seeds=tuple(seeds or ()),
            list_name=list_name,
            backlinks_of=None if backlinks_of is None else _target(backlinks_of),
            column=column,
            retry_of=None if retry_failed is None else _crawl_id(config.db, retry_failed),
            depth=depth,
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            max_pages=max_pages,
            max_pages_per_host=max_pages_per_host,
            contact=config.contact,
            user_agent=user_agent,
            verify_tls=verify_tls,
            allow_net=config.allow_net,
            proxy=config.proxy,
            render=render,
            chromium=config.chromium,
            keep_text=keep_text,
            conditional=conditional,
            refresh_after_ms=None if refresh_after is None else _span(refresh_after),
            **{name: value for name, value in given.items() if value is not None},
        )
    except BadPlan as error:
        raise typer.BadParameter(str(error)) from None
    if dry_run:
        answer, rejected = dry_run_answer(plan)
        write_answer(answer, output=output, fields=fields, raw_cells=raw_cells)
        raise typer.Exit(3 if strict and rejected else 0)
    _run(_begun(plan), output=output, fields=fields, raw_cells=raw_cells, min_fetched=min_fetched, strict=strict)


Start = Callable[[Callable[["Progress"], None]], "CrawlSummary"]
"""Runs a crawl and tells its progress."""


def _begun(plan: CrawlPlan) -> Start:
    from crawler.run import run_crawl

    return lambda show: run_crawl(plan, progress=show, loaded=lambda loaded: _tell(plan, loaded), say=say)


def _resumed(config: Config, name: str | None, workers: int | None, with_proxy: bool) -> Start:
    from crawler.plan import BadPlan
    from crawler.run import Begun, resume_crawl

    def tell(begun: Begun) -> None:
        left = begun.asked - begun.done
        say(f"crawl {begun.crawl_id} goes on: {left:,} of {begun.asked:,} URLs are pending")
        if with_proxy and begun.plan.proxy is None:
            say("it was begun without a proxy and goes on without one")

    def start(show: Callable[[Progress], None]) -> CrawlSummary:
        try:
            return resume_crawl(
                config.db, name, workers=workers, proxy=config.proxy, progress=show, begun=tell, say=say
            )
        except BadPlan as error:
            raise typer.BadParameter(str(error)) from None

    return start


def _check_resume(ctx: typer.Context, seeds: list[str]) -> None:
    others = [name for name in ctx.params if name not in _WITH_RESUME and _on_command_line(ctx, name)]
    if others:
        option = "--" + {"list_name": "list"}.get(others[0], others[0]).replace("_", "-")
        raise typer.BadParameter(f"--resume goes on with a crawl as it was begun; it takes no {option}")
    if len(seeds) > 1:
        raise typer.BadParameter("--resume takes one crawl: its number, `last` or `previous`")


def _on_command_line(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT", "PROMPT")


def _run(
    start: Start,
    *,
    output: OutputFormat | None,
    fields: str | None,
    raw_cells: bool,
    min_fetched: float | None,
    strict: bool,
) -> None:
    from cli.crawl_progress import display
    from cli.crawls import summary_answer

    try:
        with display() as show:
            summary = start(show)
    except KeyboardInterrupt:  # before or after the crawl itself, which ends in its own way
        say("interrupted; `linkledger crawl --resume` goes on, if the crawl had begun")
        raise typer.Exit(130) from None
    write_answer(summary_answer(summary.facts), output=output, fields=fields, raw_cells=raw_cells)
    if summary.rendered is not None:
        causes = ", ".join(f"{number:,} {cause}" for cause, number in summary.not_rendered)
        missed = sum(number for _, number in summary.not_rendered)
        say(f"rendered {summary.rendered:,} pages; {missed:,} not rendered" + (f": {causes}" if causes else ""))
    if summary.interrupted:
        pending = summary.facts["pending"]
        crawl = summary.facts["crawl"]
        say(
            f"interrupted; {pending:,} URLs are still pending in crawl {crawl}; "
            f"`linkledger crawl --resume {crawl}` asks them"
        )
        raise typer.Exit(130)
    if min_fetched is not None and summary.fetched_percent < min_fetched:
        say(f"{summary.fetched_percent:.1f} % fetched, less than --min-fetched {min_fetched:g}")
        raise typer.Exit(3)
    if strict and summary.loaded.rejected:
        say(f"{summary.loaded.rejected:,} rows rejected, and --strict was given")
        raise typer.Exit(3)


def _span(text: str) -> int:
    try:
        return parse_span(text)
    except typer.BadParameter as error:
        raise typer.BadParameter(f"--refresh-after {error.message}") from None


def _tell(plan: CrawlPlan, loaded: Loaded) -> None:
    """Before anything is fetched: how the list was read, the limits in force, and what site owners may mind."""
    from crawler.plan import DEFAULT_DELAY, FAST_DELAY

    if plan.contact is None and plan.user_agent is None:
        say(
            f"site owners will see {plan.agent_header} and have nobody to ask; --contact URL|EMAIL names you, "
            "as does contact in linkledger.toml"
        )
    if plan.delay < FAST_DELAY:
        say(
            f"--delay {plan.delay:g} is hard on small sites and may get you blocked; the default is {DEFAULT_DELAY:g} s"
        )
    for line in loaded.columns:
        say(line)
    name_rejected(loaded.first_rejected, loaded.rejected, f"`crawls show {loaded.crawl_id} --rejected` lists all")
    if plan.depth > 0:
        say(
            f"following {plan.follow} links to depth {plan.depth}; at most {plan.page_limit:,} pages, "
            f"{plan.host_limit:,} of one host and {plan.query_limit:,} that differ in their query only"
        )
    if loaded.visited_lately:
        say(
            f"{loaded.visited_lately:,} of {loaded.accepted:,} pages were read within --refresh-after and are not asked"
        )
    if loaded.skipped:
        say(f"{loaded.skipped:,} pages of the list are beyond --max-pages or --max-pages-per-host and are skipped")


def _target(text: str) -> str:
    from cli.targets import parse_target

    try:
        return parse_target(text).text
    except typer.BadParameter as error:
        raise typer.BadParameter(f"--backlinks-of {error.message}") from None


def _crawl_id(db: str, name: str) -> int:
    from storage.crawls import find_crawl
    from storage.engine import open_ledger

    with open_ledger(db) as conn:
        return find_crawl(conn, name)
