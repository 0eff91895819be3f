"""The profile an audit goes by: a file the user names, one kept beside the ledger, or a guess that says so."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.profile import Profile
from audit.profile_draft import Known, KnownPage, draft
from audit.profile_file import BadProfile, Fault, load, parse
from audit.rivals import as_rival, keywords_of
from cli.config import load_config
from cli.targets import parse_target, wider
from storage.database_url import parse_database
from storage.targets import Target

if TYPE_CHECKING:
    from sqlalchemy import Connection

ProfileOption = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="FILE",
        help="The target's profile; else the one kept with the ledger, else a guess by its host.",
        show_default=False,
    ),
]
FOLDER = "profiles"


def profile_of(target: Target, db: str, path: Path | None = None, *, conn: Connection | None = None) -> Profile:
    """The profile of one target.

    Without a file named, the one kept for the target itself is taken, else that of its host, else that of its
    domain; without any, it is drafted from the name of the host and, given a connection, from the title and the
    first heading of its home page. No anchor is read.

    Args:
        db: the ledger's URL; profiles are kept beside it.
        path: the file the user named.
    Raises:
        BadProfile: a file that cannot be used, or one of another target; says file, line, value and what to do.
    """
    if path is not None:
        return _meant_for(load(path), target)
    folder = profiles_folder(db)
    looked: Target | None = target
    while looked is not None:
        file = folder / file_name(looked.text)
        if file.is_file():
            return _meant_for(load(file), target)
        looked = wider(looked)
    return parse(draft(target.text, target.domain, known_words(target, conn) if conn is not None else None))


def profile_beside(
    own: Profile, target: Target, db: str, *, conn: Connection | None = None, same_keywords: bool = False
) -> tuple[Profile, str | None]:
    """The profile of a competitor, and whose keywords are in it (None: nobody's).

    One that is kept goes by its own. One that is guessed has no keywords, so it gets those of ``own``, as does a kept
    one that names none: a share of exact anchors says nothing beside one that was held against no words at all.

    Args:
        own: the profile of the target it is looked at beside.
        same_keywords: those of ``own`` for one that is kept, too.
    """
    kept = profile_of(target, db, conn=conn)
    if kept.drafted or same_keywords or not keywords_of(kept):
        return as_rival(own, kept), own.target if keywords_of(own) else None
    return kept, target.text


def said_of_profile(profile: Profile, target: str) -> str:
    """Which profile an answer goes by; and that nobody has looked at it, where that is so."""
    about = profile.shown()
    where = f" ({profile.path})" if profile.path else ""
    said = f"profile {about['profile']}{where}, rules version {about['rules_version']}"
    if not profile.drafted:
        return said
    said += ": only drafted, so its names, and what it is about, are a guess; "
    if profile.path:
        return said + "correct the file, then remove its line `drafted = true`"
    return said + f"`linkledger profile init {target}` writes it to a file that you can correct"


def judged_by(name: str, about: Mapping[str, object], words_of: str | None) -> str:
    """What one of several targets goes by, in a line.

    Args:
        about: of `Profile.shown`.
        words_of: whose keywords are in it, as `profile_beside` says.
    """
    said = f"{name}: profile {about['profile']}, rules version {about['rules_version']}"
    if about["drafted"]:
        said += ", only drafted (`linkledger profile init` writes one to correct)"
    if words_of is None:
        return f"{said}; no keywords, so nothing is exact or partial"
    return said if words_of == name else f"{said}; keywords of {words_of}"


def profiles_folder(db: str) -> Path:
    """Where profiles are kept: what the setting says, else beside a SQLite ledger, else in the working directory."""
    if (set_to := load_config().profiles) is not None:
        return Path(set_to).expanduser()
    url = parse_database(db)
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(url.database).parent / FOLDER
    return Path(FOLDER)


def file_name(target: str) -> str:
    """The name of the file a target's profile is kept in: a domain's is ``example.com.toml``."""
    plain = re.sub(r"[^a-z0-9._-]+", "_", target.partition("://")[2] or target).strip("_.")
    if "://" not in target and plain == target and len(plain) <= 200:
        return f"{plain}.toml"
    return f"{plain[:100]}-{hashlib.sha256(target.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}.toml"


def known_words(target: Target, conn: Connection) -> Known:
    """What a ledger's pages say of a target: title, heading and language of its home page, or of the page it is."""
    from storage.known_pages import page_words

    urls = home_urls(target)
    found = page_words(conn, urls)
    first = next((url for url in urls if url in found), None)
    return Known() if first is None else Known(home=KnownPage(first, *found[first]))


def home_urls(target: Target) -> tuple[str, ...]:
    """The addresses its home page, or the page it is, may have; the likeliest first."""
    if target.scope in ("page", "prefix"):
        swapped = re.sub(r"^http(s?):", lambda found: "http:" if found[1] else "https:", target.text)
        return target.text, swapped
    hosts = target.hosts or (f"www.{target.domain}", target.domain)
    return tuple(f"{scheme}://{host}/" for scheme in ("https", "http") for host in hosts)


def _meant_for(found: Profile, target: Target) -> Profile:
    """The profile, if it is one of this target, or of its site."""
    of = parse_target(found.target)
    own = {of.domain, *(parse_target(host).domain for host in found.hosts)}
    if target.domain not in own:
        said = f"this profile is of {found.target}, not of {target.text}; name another with --profile"
        raise BadProfile(found.path, (Fault(None, "target", found.target, said),))
    return found
