"""Python processes of our own: they find the modules that this one has, whatever lies in the folder they run in."""

from __future__ import annotations

import os
import sys


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours.

    With ``-P`` the current folder is not looked in first: a user may have a ``crawler`` or a ``json.py`` there.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Its environment."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
