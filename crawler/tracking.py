"""Query parameters that only track where a visitor came from; the list and its sources are data."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from urllib.parse import unquote


@cache
def _names() -> tuple[frozenset[str], tuple[str, ...]]:
    """(whole names, prefixes) of data/tracking_params.tsv, lower-case."""
    table = files("crawler").joinpath("data/tracking_params.tsv").read_text(encoding="utf-8")
    names = [line.split("\t")[0] for line in table.split("\n") if line and not line.startswith("#")]
    prefixes = tuple(name[:-1] for name in names if name.endswith("*"))
    return frozenset(name for name in names if not name.endswith("*")), prefixes


def is_tracking(parameter: str) -> bool:
    """Whether ``name=value`` (or a bare name) is a tracking parameter; names are compared without case."""
    name = parameter.partition("=")[0]
    if "%" in name:
        name = unquote(name)
    name = name.lower()
    whole, prefixes = _names()
    return name in whole or name.startswith(prefixes)
