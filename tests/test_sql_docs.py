"""Every example of docs/sql.md runs on both databases, says something, and says the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from readings import RULES, failed, link, reading

from storage.engine import Ledger, create_ledger
from storage.writer import write_readings

TEXT = (Path(__file__).parent.parent / "docs" / "sql.md").read_text()
EXAMPLES = re.findall(r"```sql\n-- ([^\n]*)\n(.*?)```", TEXT, re.S)
SHOP, PAGE = "https://shop.example/", "https://www.blog.example/post"


def _filled(database: str) -> Ledger:
    create_ledger(database, psl="x")
    ledger = Ledger(database)
    with ledger.begin() as conn:
        conn.exec_driver_sql("INSERT INTO crawl (id, plan, state, started_at) VALUES (1, '{}', 'running', 0)")
    start = 1_700_000_000_000
    write_readings(ledger, 1, [reading(PAGE, [(SHOP, "Shop"), (SHOP, "buy")], start)], rules_version=RULES)
    later = [
        reading(PAGE, [(SHOP, "Shop!"), link(SHOP, "buy", rel=("ugc",))], start + 1000),
        failed(PAGE, start + 2000),
    ]
    write_readings(ledger, None, later, rules_version=RULES)
    return ledger


@pytest.mark.parametrize("question", [pytest.param(sql, id=title) for title, sql in EXAMPLES])
def test_an_example_runs_alike_on_both(question: str, tmp_path: Path, postgres_url: str) -> None:
    answers: list[tuple[list[str], list[tuple[Any, ...]]]] = []
    for database in (f"sqlite:///{tmp_path}/a.db", postgres_url):
        with _filled(database) as ledger, ledger.connect() as conn:
            found = conn.exec_driver_sql(question)
            answers.append((list(found.keys()), [tuple(row) for row in found]))
    assert answers[0] == answers[1]
    assert answers[0][1]


def test_every_column_of_the_views_is_documented(tmp_path: Path) -> None:
    sections = dict(re.findall(r"## (v_\w+)\n(.*?)(?=\n## |\Z)", TEXT, re.S))
    with _filled(str(tmp_path / "a.db")) as ledger, ledger.connect() as conn:
        for view, section in sections.items():
            columns = set(conn.exec_driver_sql(f"SELECT * FROM {view}").keys())
            assert columns <= set(re.findall(r"`(\w+)`", section)), view
    assert len(sections) == 5
