"""Encoding labels: what a page's charset name stands for, by the Encoding Standard's own table."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def _labels() -> dict[str, str]:
    """Every label to the name of its encoding, both lower-case; data/encoding_labels.tsv."""
    table = files("crawler").joinpath("data/encoding_labels.tsv").read_text(encoding="ascii")
    rows = (line.split("\t") for line in table.split("\n") if line and not line.startswith("#"))
    return {label: name for name, labels in rows for label in labels.split(" ")}


def encoding_for_label(label: str) -> str | None:
    """Return the lower-case name of the encoding a label stands for; None for a label nobody defined.

    Source: https://encoding.spec.whatwg.org/#concept-encoding-get
    """
    return _labels().get(label.strip("\t\n\f\r ").lower()) if label.isascii() else None
