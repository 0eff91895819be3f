"""``linkledger audit``: what the links and the anchors of a target say, judged separately, then together."""

from __future__ import annotations

import typer

from cli.late import late

_LATE = {"anchors": "cli.audit_anchors", "links": "cli.audit_links", "matrix": "cli.audit_matrix"}
app = typer.Typer(
    help="Judge a target's anchors and its links, two data sets audited apart, and what they say together.",
    no_args_is_help=True,
    cls=late("register_audit", _LATE),
)


@app.callback()
def _audit() -> None:
    """Without a command of its own a Typer app is not built."""
