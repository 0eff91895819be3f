"""TARGET: the one parser of what a question is about, and the rules by which pages are folded.

Nothing is opened here, so a target that cannot be meant is a usage error before any database is touched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from crawler.urls import QueryFold, canonical_url, fold_page, is_ip, is_public_suffix, seed_url
from storage.errors import InvalidUrl
from storage.records import CanonicalUrl
from storage.targets import Target

ScopeName = Literal["page", "prefix", "host", "domain"]

TargetsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TARGET",
        help="A domain, host, IP address or URL; several give an answer each; none asks about the whole ledger "
        "(judgements need one).",
        show_default=False,
    ),
]
TargetsFromOption = Annotated[
    str | None,
    typer.Option("--targets-from", metavar="FILE|-", help="More targets, one a line.", rich_help_panel="Target"),
]
ScopeOption = Annotated[
    ScopeName | None,
    typer.Option(
        "--scope",
        help="What a target covers. Else: with a scheme or path a page, a registrable domain (or www. before it) "
        "its domain, any other name a host.",
        rich_help_panel="Target",
        show_default=False,
    ),
]
LiteralOption = Annotated[
    bool,
    typer.Option(
        "--literal",
        help="Take pages and prefixes as written: http and https, www. and one trailing slash differ.",
        rich_help_panel="Target",
    ),
]
FoldQueryOption = Annotated[
    QueryFold,
    typer.Option(
        "--fold-query",
        help="Parts of the query that do not tell pages apart: tracking parameters, all of it, or none.",
        rich_help_panel="Target",
    ),
]


def parse_target(
    text: str, *, scope: ScopeName | None = None, literal: bool = False, fold_query: QueryFold = "tracking"
) -> Target:
    """Read one TARGET.

    The guess, in order: has a scheme or a path (or a query) -> page; equals its registrable domain, or has
    ``www.`` before it -> domain; any other name or an IP address -> host.

    Args:
        scope: page, prefix, host or domain decides instead of the guess.
        literal, fold_query: how pages and prefixes are compared with stored URLs.
    Raises:
        typer.BadParameter: no URL and no name, a port without a path, or a bare public suffix.
    """
    given = text.strip()
    if given.count(":") > 1 and "[" not in given and is_ip(given):
        given = f"[{given}]"
    is_url = "://" in given or any(mark in given for mark in "/?#")
    try:
        url = (
            canonical_url(given) if "://" in given else seed_url(given if is_url or not _plain(given) else f"//{given}")
        )
    except InvalidUrl as error:
        raise typer.BadParameter(f"{error}: a target is a URL, a host, a domain or an IP address") from None
    if not is_url and scope in (None, "host", "domain") and _has_port(url):
        raise typer.BadParameter(
            f"{given!r} has a port, which hosts are kept without; write {url.url} for its home page, "
            f"or {url.host} for the host"
        )
    guessed = scope or _guess(url, is_url)
    if guessed == "domain":
        if is_public_suffix(url.host) or is_public_suffix(url.domain):
            raise typer.BadParameter(
                f"{given!r} is a public suffix: sites are registered below it, so it is no site itself. "
                "Name one of them, or use --scope host if pages stand on this very name"
            )
        return Target(url.domain, "domain", url.domain, ())
    if guessed == "host":
        return Target(url.host, "host", url.domain, (url.host,))
    hosts = (url.host,) if literal else _twins(url.host)
    covers = _literally(url, guessed) if literal else _folded(url, guessed, fold_query)
    return Target(url.url, guessed, url.domain, hosts, url.path_key, covers)


def wider(target: Target) -> Target | None:
    """The scope one step wider, if there is one: page and prefix -> host -> domain."""
    if target.scope in ("page", "prefix"):
        host = target.hosts[0]
        if host in (target.domain, f"www.{target.domain}") and not is_ip(host) and not is_public_suffix(host):
            return Target(target.domain, "domain", target.domain, ())
        return Target(host, "host", target.domain, (host,))
    if target.scope == "host" and not is_ip(target.text) and not is_public_suffix(target.domain):
        return Target(target.domain, "domain", target.domain, ())
    return None


def read_targets(
    given: Sequence[str] | None,
    source: str | None,
    *,
    scope: ScopeName | None = None,
    literal: bool = False,
    fold_query: QueryFold = "tracking",
) -> list[Target | None]:
    """All targets of a command, each once, in order; ``[None]`` asks about the whole ledger.

    Args:
        source: a file with one target a line, or ``-`` for standard input; blank lines and lines that begin
            with ``#`` are passed over.
    Raises:
        typer.BadParameter: a target as in `parse_target` (with its line), a file that cannot be read, or one
            without any target.
    """
    texts = [(text, "") for text in given or ()]
    if source is not None:
        lines = _lines(source)
        if not lines:
            raise typer.BadParameter(f"{source!r} holds no target", param_hint="--targets-from")
        texts += lines
    if not texts and (scope is not None or literal):
        raise typer.BadParameter("--scope and --literal need a TARGET")
    found: dict[tuple[str, str], Target] = {}
    for text, where in texts:
        try:
            target = parse_target(text, scope=scope, literal=literal, fold_query=fold_query)
        except typer.BadParameter as error:
            raise typer.BadParameter(f"{where}{error.message}", param_hint="TARGET") from None
        found.setdefault((target.scope, target.text), target)
    return list(found.values()) or [None]


def _lines(source: str) -> list[tuple[str, str]]:
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"cannot read {source!r}: {error.strerror}", param_hint="--targets-from") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{source!r} is not UTF-8 text", param_hint="--targets-from") from None
    return [
        (line.strip(), f"{source}, line {number}: ")
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _plain(text: str) -> bool:
    """A name without dots, such as ``localhost`` or ``intranet``: a host, though no page is assumed to be on it."""
    return "." not in text and ":" not in text and text != "" and not any(char.isspace() for char in text)


def _has_port(url: CanonicalUrl) -> bool:
    authority = url.url.partition("://")[2].partition("/")[0]
    return authority != url.host


def _guess(url: CanonicalUrl, is_url: bool) -> ScopeName:
    if is_url:
        return "page"
    if is_ip(url.host):
        return "host"
    if is_public_suffix(url.host):
        return "domain"  # refused there
    bare = url.host.removeprefix("www.")
    return "domain" if url.domain in (url.host, bare) else "host"


def _twins(host: str) -> tuple[str, ...]:
    """The host and the one that differs by ``www.``; which of them fold together, `fold_page` decides."""
    if is_ip(host):
        return (host,)
    return (host, host.removeprefix("www.")) if host.startswith("www.") else (host, f"www.{host}")


def _literally(url: CanonicalUrl, scope: ScopeName) -> Callable[[str], bool]:
    wanted = url.url
    if scope == "page":
        return lambda stored: stored == wanted
    return lambda stored: stored.startswith(wanted)


def _folded(url: CanonicalUrl, scope: ScopeName, query: QueryFold) -> Callable[[str], bool]:
    """A prefix that ends in a slash covers a directory and the page of that name; another one, every URL that
    goes on from it."""
    wanted = fold_page(url, query=query)

    def key(stored: str) -> str:
        return fold_page(canonical_url(stored), query=query)

    if scope == "page":
        return lambda stored: key(stored) == wanted
    if url.url.endswith("/"):
        return lambda stored: (found := key(stored)) == wanted or found.startswith((f"{wanted}/", f"{wanted}?"))
    return lambda stored: key(stored).startswith(wanted)
