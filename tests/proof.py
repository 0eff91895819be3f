"""How far the tests that draw random cases go: a short form in every run, a long one in `make prove`."""

from __future__ import annotations

import os

FACTOR = int(os.environ.get("LINKLEDGER_PROOF", "1"))
"""How many times the short form's cases a proof draws."""


def examples(short: int) -> int:
    """The number of random cases: ``short`` in `make test`, a multiple of it in `make prove`."""
    return short * FACTOR
