"""``linkledger audit anchors``: the words of a target's links, judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from audit.anchor_audit import AnchorAudit
from audit.ask_anchors import anchor_audit_of
from audit.profile import Profile
from audit.rivals import keywords_of
from cli.anchor_screen import ROW, SCREEN, below, class_row, screen_row, shown_audit
from cli.asking import About, Asked, question
from cli.options import OutputFormat
from cli.profiles import ProfileOption, profile_beside, profile_of, said_of_profile
from cli.render import Answer, write_answers
from cli.targets import parse_target
from storage.anchor_uses import Part
from storage.filters import choose
from storage.targets import Target, resolve

EXPLAINED = ("anchor", "section", "class", "rule", "because", "flags")
_LISTED_IN_TABLE = 100
"""Of the anchors that a table chooses a few of each class from."""


def register_audit(app: typer.Typer) -> None:
    """Add the command to ``linkledger audit``."""
    app.command("anchors")(anchors)


@question
def anchors(
    asked: Asked,
    profile: ProfileOption = None,
    by: Annotated[
        Part | None,
        typer.Option("--by", help="Show the distribution of each part too.", show_default=False),
    ] = None,
    explain: Annotated[
        list[str] | None,
        typer.Option(
            "--explain",
            metavar="TEXT",
            help="Show how this anchor would be judged, and by which rule, for each page of the profile; "
            "reads no ledger.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Judge the anchors used to link to each TARGET: their classes by referring domains, with intervals.

    Nine classes: branded, exact, partial, brand_keyword, naked_url, generic, image, empty, other
    (docs/anchor-classes.md). Keys of each: class, domains, share_domains_split (a domain that uses k classes gives
    1/k to each: these shares add up to 1), share_low and share_high (95 % Wilson interval), links, share_links,
    share_gap (share_links - share_domains_split: what few domains repeat), share_median (of the competitors the
    profile names), pages, share_pages_split. json has the rest: views, flags, signs, anchors, sitewide, repeated,
    velocity, by, entropy and concentration, medians, divergences. docs/audits.md says how to read them.

    Example: linkledger audit anchors example.com --placement main
    """
    targets = [_named(target) for target in asked.targets]
    if explain:
        _explain(asked, targets, profile, explain)
        return
    machine = asked.output is OutputFormat.json
    chosen_limit = asked.limit != "default"
    limit = asked.bound if machine or chosen_limit else 0
    if asked.as_table and not chosen_limit:
        limit = _LISTED_IN_TABLE

    def ask(about: About) -> Answer:
        of = _named(about.target)
        mine = profile_of(of, asked.db, profile, conn=about.conn)
        rivals, judged = _rivals(about, asked, mine)
        audit = anchor_audit_of(
            about.conn, about.chosen, mine, limit=limit, by=by, target=about.name, rivals=rivals
        )  # fmt: skip
        domains = f"{audit.referring_domains:,} referring domain{'' if audit.referring_domains == 1 else 's'}"
        return Answer(
            "classes",
            [(screen_row if asked.as_table else class_row)(one, audit.medians) for one in audit.classes],
            ROW,
            head=shown_audit(audit) | {"competitors": _shown_rivals(judged)},
            heading=domains,
            notes=_notes(mine, of.text, judged),
            table_columns=(*SCREEN, "share_median") if audit.medians else SCREEN,
            below=below(audit, mine, asked.bound, whole=chosen_limit) if asked.as_table else (),
        )

    # --limit is for the lists inside: every class is shown.
    replace(asked, limit=None).answer(ROW, ask)


def _named(target: Target | None) -> Target:
    if target is None:
        raise typer.BadParameter("an audit judges by a profile, so it needs a TARGET", param_hint="TARGET")
    return target


def _rivals(
    about: About, asked: Asked, own: Profile
) -> tuple[dict[str, AnchorAudit], dict[str, tuple[Profile, str | None]]]:
    """The competitors' audits under the same filter, and what each was judged by: its profile, whose keywords."""
    found, judged = {}, {}
    for name in own.competitors:
        target = parse_target(name)
        rival, words_of = profile_beside(own, target, asked.db, conn=about.conn)
        chosen = choose(about.conn, asked.wanted, resolve(about.conn, target))
        found[name] = anchor_audit_of(about.conn, chosen, rival, limit=0, target=target.text)
        judged[name] = rival, words_of
    return found, judged


def _shown_rivals(judged: Mapping[str, tuple[Profile, str | None]]) -> list[dict[str, Any]]:
    return [
        {**profile.shown(), "target": name, "keywords_of": words_of} for name, (profile, words_of) in judged.items()
    ]


def _notes(
    own: Profile, target: str, judged: Mapping[str, tuple[Profile, str | None]] | None = None
) -> tuple[str, ...]:
    """What a reader has to know of the profiles before any figure."""
    notes = []
    if not keywords_of(own):
        notes.append("the profile names no keywords, so no anchor can be exact, partial or brand_keyword")
    notes.append(said_of_profile(own, target))
    theirs = [name for name, (_, words_of) in (judged or {}).items() if words_of not in (None, own.target)]
    if theirs:
        notes.append(f"held against the keywords of their own profiles: {', '.join(theirs)}")
    return tuple(notes)


def _explain(asked: Asked, targets: Sequence[Target], path: Any, texts: Sequence[str]) -> None:
    from audit.anchor_class import Classifier
    from audit.judged_anchors import page_target

    asked.check_fields(EXPLAINED)
    answers = []
    for target in targets:
        profile = profile_of(target, asked.db, path)
        sections = profile.sections
        if target.scope == "page":
            own = [one for one in profile.pages if one.url is not None and _covers(page_target(one.url), target.text)]
            sections = (own[0] if own else profile.whole,)
        rows = []
        for text in texts:
            for section in sections:
                verdict = Classifier(profile, section).judge(text)
                rows.append(
                    {
                        "anchor": text,
                        "section": section.url or "all other pages" if profile.pages else "all pages",
                        "class": verdict.anchor_class,
                        "rule": verdict.rule,
                        "because": verdict.because,
                        "flags": sorted(verdict.flags),
                    }
                )
        answers.append(
            Answer(
                "verdicts",
                rows,
                EXPLAINED,
                head={"target": target.text, "scope": target.scope, "about": profile.shown()},
                heading=f"{target.scope} {target.text}" if asked.as_table else None,
                notes=_notes(profile, target.text),
                table_columns=tuple(one for one in EXPLAINED if one != "section" or profile.pages),
            )
        )
    write_answers(
        answers, output=asked.output, limit=asked.limit, fields=asked.fields, raw_cells=asked.raw_cells
    )  # fmt: skip


def _covers(section: Target, url: str) -> bool:
    return section.covers is not None and section.covers(url)
