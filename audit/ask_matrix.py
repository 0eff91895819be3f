"""The intersection of both audits, asked of a ledger: judged referring domains, and the words of their links."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from audit.ask_links import link_audit_of
from audit.domain_classes import said_by_domain
from audit.link_audit import LinkAudit, Referrer
from audit.matrix import Matrix, Worded, matrix
from audit.profile import Profile
from storage.authority import known_domains
from storage.by_id import domains
from storage.filters import Chosen

JUDGED = 300
"""Referring domains that are looked at unless asked otherwise."""


def matrix_of(
    conn: Connection,
    chosen: Chosen,
    profile: Profile,
    *,
    now: int,
    judge: int = JUDGED,
    target: str | None = None,
    figure: str | None = None,
    line: float | None = None,
    links: LinkAudit | None = None,
) -> Matrix:
    """Intersect both audits of one target.

    Args:
        now: milliseconds since 1970, UTC.
        judge: most referring domains that are looked at: those that the source audit judges first.
        figure, line: as in `audit.matrix.matrix`.
        links: the source audit, if it was made already, of as many domains.
    """
    found = links or link_audit_of(
        conn, chosen, profile, limit=judge, judge=judge, now=now, target=target, first_only=True
    )
    looked_at: tuple[Referrer, ...] = tuple(one for one in found.domains[:judge] if one.relevance is not None)
    ids = known_domains(conn, [one.domain for one in looked_at]).values()
    said = said_by_domain(conn, replace(chosen, sources=tuple(ids)), profile) if ids else []
    names = domains(conn, {one.domain for one in said})
    words = [
        Worded(names[one.domain], one.anchor_class, one.anchor, one.links, one.pages, one.source, one.target)
        for one in said
    ]
    return matrix(
        looked_at,
        words,
        target=target,
        about=profile.shown(),
        of_domains=found.referring_domains,
        figure=figure,
        line=line,
    )
