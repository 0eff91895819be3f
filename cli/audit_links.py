"""``linkledger audit links``: where a target's links come from, judged. No anchor table is read."""

from __future__ import annotations

from typing import Annotated

import typer

from audit.ask_links import JUDGED, link_audit_of
from cli.asking import About, Asked, question
from cli.clock import now_ms
from cli.link_screen import ROW, below, heading, row_of, screen_columns, screen_row, shown_audit
from cli.profiles import ProfileOption, profile_of, said_of_profile
from cli.render import Answer


def _judge(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit():
        raise typer.BadParameter(f"{text!r} is neither a number nor `all`")
    return int(text)


def register_audit(app: typer.Typer) -> None:
    """Add the command to ``linkledger audit``."""
    app.command("links")(links)


@question
def links(
    asked: Asked,
    profile: ProfileOption = None,
    judge: Annotated[
        str,
        typer.Option(
            "--judge",
            metavar="N|all",
            help="Of how many referring domains one page is read for relevance, topics and outlinks: the first by "
            "authority and links, as many others spread over the rest.",
        ),
    ] = str(JUDGED),
    figure: Annotated[
        str | None,
        typer.Option(
            "--figure",
            metavar="NAME",
            help="Authority goes by this figure; else by the one most referring domains have.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Judge where the links to each TARGET come from: its referring domains, by authority, then links.

    Keys of each: domain, authority (null: no figure, or the own score is blank as too little was crawled), rank
    (where the figure is a position), confidence in the own score, referring_domains (of the domain itself, as far as
    known), trust (from the seeds that `authority build` was given), harmonic centrality, relevance and band of one
    linking page (high, some, low; unknown: no shared language, or nothing known), links, followed, pages, hosts,
    known_pages, indexable (pages), in_main (links), sitewide, external_links and topics (commercial ones, with their
    links) of the judged page, its language, matched (words), judged_page, judged_target, why_unknown, first_seen,
    last_seen, figures. json has the sums: causes, placements, ages, losses, bands, topics, scales,
    authority_quantiles, by_month. docs/audits.md says how to read them.

    Example: linkledger audit links example.com --profile example.toml

    Example: linkledger audit links example.com --followed --judge all --format csv
    """
    try:
        pages = _judge(judge)
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint="--judge") from None
    if any(target is None for target in asked.targets):
        raise typer.BadParameter("an audit judges by a profile, so it needs a TARGET", param_hint="TARGET")
    now = now_ms()

    def ask(about: About) -> Answer:
        assert about.target is not None
        mine = profile_of(about.target, asked.db, profile, conn=about.conn)
        audit = link_audit_of(
            about.conn,
            about.chosen,
            mine,
            limit=asked.bound,
            judge=pages,
            now=now,
            target=about.name,
            figure=figure,
        )
        row = screen_row if asked.as_table else row_of
        return Answer(
            "domains",
            (row(one) for one in audit.domains),
            ROW,
            head=shown_audit(audit),
            heading=heading(audit),
            notes=(said_of_profile(mine, about.target.text),),
            total=audit.referring_domains,
            table_columns=screen_columns(audit),
            below=below(audit, mine) if asked.as_table else (),
        )

    asked.answer(ROW, ask)
