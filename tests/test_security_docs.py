"""docs/security.md: every requirement has its row, and every test that is named there exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROWS = re.findall(r"^\| (\d+) \|(.*)$", (HERE.parent / "docs" / "security.md").read_text("utf-8"), re.MULTILINE)


def test_every_requirement_has_a_row_with_a_test_or_says_why_not() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 26))
    for number, row in ROWS:
        _, tests, not_covered, _ = row.split("|")
        assert tests.strip() or not_covered.strip(), number


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", "\n".join(row for _, row in ROWS)))
    assert len(named) > 50
    found = {
        (file, node.name)
        for file in {file for file, _ in named}
        for node in ast.parse((HERE / file).read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert named - found == set()
