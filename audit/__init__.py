"""Judgements on top of the ledger: pure over query results, and never written back as facts."""

from __future__ import annotations

RULES_VERSION = 1
"""Of everything here that judges: another number may give another answer on the same ledger."""
