"""A brief as Markdown, to send, and as JSON, to keep and to hold delivered links against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from audit.anchor_class import AnchorClass
from audit.brief import FORMAT, HEURISTIC, POLICY, Brief, Request
from audit.lever import LEVERS
from storage.text import STEERING
from storage.times import to_iso

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STEERING = re.compile(f"[{STEERING}]")
_NAMES: dict[AnchorClass, str] = {
    "branded": "brand name",
    "exact": "the exact keyword",
    "partial": "part of the keyword, or the keyword inside other words",
    "brand_keyword": "brand and keyword together",
    "naked_url": "the plain address",
}


def as_json(brief: Brief) -> dict[str, Any]:
    """The whole brief as plain values; ``brief`` is the number of this format.

    ``requests`` gives each class of words with its wordings and how often one may be used; ``criteria`` what a
    linking domain has to be. Together they are what a delivered link is held against.
    """
    criteria = brief.criteria
    return {
        "brief": FORMAT,
        **brief.about,
        "target": brief.target,
        "query": brief.query,
        "position": brief.position.shown,
        "page_type": brief.page_type,
        "made_at": to_iso(brief.made_at),
        "lever": brief.choice.lever,
        "reasons": list(brief.choice.reasons),
        "missing": list(brief.choice.missing),
        "referring_domains": brief.referring_domains,
        "criteria": {
            "minimum_authority": criteria.minimum_authority,
            "figure": criteria.figure,
            "authority_from": criteria.authority_from,
            "minimum_relevance": criteria.minimum_relevance,
            "relevance_from": criteria.relevance_from,
            "followed": criteria.followed,
            "new_domains": criteria.new_domains,
            "already_linking": criteria.already_linking,
            "languages": list(criteria.languages),
            "upgrades": [
                {
                    "domain": one.domain,
                    "source": one.source,
                    "anchor": one.anchor,
                    "class": one.anchor_class,
                }
                for one in criteria.upgrades
            ],
        },
        "words_from": brief.words.mix_from,
        "requests": [_request(one) for one in brief.words.requests],
        "shares": [
            {"class": one.anchor_class, "before": one.before, "after": one.after, "aimed_at": one.aimed_at}
            for one in brief.shares
        ],
        "warnings": list(brief.warnings),
        "policy": POLICY,
        "note": HEURISTIC,
    }


def _request(one: Request) -> dict[str, Any]:
    return {
        "class": one.anchor_class,
        "links": one.links,
        "at_most": one.at_most,
        "wordings": [
            {"text": word.text, "origin": word.origin, "domains": word.domains, "seen_at": word.seen_at}
            for word in one.wordings
        ],
    }


def as_markdown(brief: Brief) -> str:
    """The brief as it is sent; words of other people's pages are escaped."""
    return "\n".join(_lines(brief)) + "\n"


def _lines(brief: Brief) -> Iterator[str]:
    criteria, lever = brief.criteria, brief.choice.lever
    yield f"# Brief: {plain(brief.query or brief.target)}"
    yield ""
    yield f"- Page: {plain(brief.target)} ({brief.page_type})"
    yield f"- Query: {plain(brief.query) or '(none given)'}; position {plain(brief.position.shown)}"
    yield f"- Lever: **{lever.replace('_', ' ')}**, {LEVERS[lever]}"
    for reason in brief.choice.reasons:
        yield f"  - {plain(reason)}"
    for missing in brief.choice.missing:
        yield f"  - missing: {plain(missing)}"
    yield f"- Made {to_iso(brief.made_at)}, {_about(brief)}"
    yield ""
    yield "## 1. The domains"
    yield ""
    if criteria.minimum_authority is None:
        yield f"- Authority: no minimum ({plain(criteria.authority_from)})"
    else:
        figure = plain(criteria.figure or "")
        yield f"- Authority: {figure} {criteria.minimum_authority:g} or more ({plain(criteria.authority_from)})"
    yield f"- Relevance of the page: {criteria.minimum_relevance} or better ({plain(criteria.relevance_from)})"
    yield "- The link is followed: no nofollow, sponsored or ugc, unless it is paid for"
    if criteria.languages:
        yield f"- Language of the page: {', '.join(plain(one) for one in criteria.languages)}"
    known = f"{criteria.already_linking:,} {'domain links' if criteria.already_linking == 1 else 'domains link'}"
    yield f"- {criteria.new_domains} new referring domains; {known} already"
    if criteria.upgrades:
        yield "- Or better words on a link that is there, on a relevant page:"
        yield ""
        yield "| domain | page | words now |"
        yield "|---|---|---|"
        for one in criteria.upgrades:
            words = plain(one.anchor) or f"({one.anchor_class.replace('_', ' ')})"
            yield f"| {plain(one.domain)} | {plain(one.source)} | {words} |"
    yield ""
    yield "## 2. The words"
    yield ""
    yield f"Shares aimed at: {plain(brief.words.mix_from)}."
    yield ""
    for request in brief.words.requests:
        links = "link" if request.links == 1 else "links"
        most = f"each wording at most {request.at_most} times" if request.at_most > 1 else "each wording once"
        yield f"- **{request.links} {links}: {_NAMES[request.anchor_class]}** ({most})"
        for word in request.wordings:
            domains = "1 domain" if word.domains == 1 else f"{word.domains} domains"
            found = f" ({domains} at {plain(word.seen_at)})" if word.origin == "competitor" else ""
            yield f"  - {plain(word.text)}{found}"
    yield ""
    yield "| class | share of referring domains now | after these links | aimed at |"
    yield "|---|--:|--:|--:|"
    for share in brief.shares:
        aimed = "" if share.aimed_at is None else f"{share.aimed_at:.1%}"
        yield f"| {share.anchor_class} | {share.before:.1%} | {share.after:.1%} | {aimed} |"
    yield ""
    yield "## Warnings"
    yield ""
    for warning in brief.warnings:
        yield f"- {plain(warning)}"
    yield f"- {POLICY}"
    yield f"- {HEURISTIC}"


def _about(brief: Brief) -> str:
    drafted = " (drafted, not looked at by a person)" if brief.about.get("drafted") else ""
    return f"profile {brief.about.get('profile')}{drafted}, rules {brief.about.get('rules_version')}"


def plain(text: str) -> str:
    """Text inside Markdown: no markup of its own, one line, nothing that steers a terminal."""
    return _SPECIAL.sub(r"\\\1", " ".join(_STEERING.sub("", _BREAK.sub(" ", text)).split()))
