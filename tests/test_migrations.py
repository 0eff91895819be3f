"""The migrations make exactly the tables that storage/schema.py describes, with the views on top."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from readings import RULES, link, reading
from sqlalchemy import Connection, create_engine, inspect

from storage import migrate, schema
from storage.engine import Ledger, create_ledger, open_ledger, parse_database, upgrade_ledger
from storage.writer import write_readings

VERSIONS = sorted((migrate.SCRIPTS / "versions").glob("0*.py"))
VIEWS = {
    "v_links": "source target rel followed follow_cause placement element ordinal state lost_cause first_seen last_seen"
    " found_lost_at link_no hidden internal source_domain target_domain",
    "v_anchors": "anchor anchor_source source target has_image state first_seen last_seen found_lost_at link_no fold"
    " internal source_domain target_domain",
    "v_pages": "url host domain first_seen last_seen attempted_at confirmed indexable links skipped status title"
    " canonical lang charset charset_source content_type",
    "v_changes": "at change cause source target link_no old new source_domain target_domain",
    "v_outcomes": "crawl url outcome reason status final chain operator depth found_on at",
}


def _described(conn: Connection) -> dict[str, Any]:
    """Everything the database knows of its tables, in a form that can be compared."""
    look = inspect(conn)
    found: dict[str, Any] = {}
    for table in look.get_table_names():
        if table == "alembic_version":
            continue
        columns = [
            {name: str(value) for name, value in column.items() if name != "comment"}
            for column in look.get_columns(table)
        ]
        found[table] = (
            columns,
            look.get_pk_constraint(table)["constrained_columns"],
            sorted(str(one) for one in look.get_foreign_keys(table)),
            sorted((str(one["name"]), one["column_names"], bool(one["unique"])) for one in look.get_indexes(table)),
            sorted(str(one["column_names"]) for one in look.get_unique_constraints(table)),
        )
    if conn.dialect.name == "sqlite":
        tables = "SELECT name FROM pragma_table_list WHERE type = 'table' AND wr = 1 ORDER BY name"
        found["without rowid"] = [row[0] for row in conn.exec_driver_sql(tables)]
    return found


def test_the_migrations_make_what_the_schema_describes(database: str) -> None:
    engine = create_engine(parse_database(database))
    with engine.begin() as conn:
        schema.metadata.create_all(conn)
        described = _described(conn)
        schema.metadata.drop_all(conn)
    engine.dispose()
    create_ledger(database, psl="x")
    with open_ledger(database) as conn:
        assert _described(conn) == described


def test_partial_indexes_have_the_condition_that_the_schema_notes(database: str) -> None:
    noted = {
        index.name: index.info["where"]
        for table in schema.metadata.tables.values()
        for index in table.indexes
        if "where" in index.info
    }
    create_ledger(database, psl="x")
    with open_ledger(database) as conn:
        look = inspect(conn)
        found = {
            index["name"]: str(condition).strip("()")
            for table in look.get_table_names()
            for index in look.get_indexes(table)
            for condition in [index.get("dialect_options", {}).get(f"{conn.dialect.name}_where")]
            if condition is not None
        }
    assert found == noted


def test_the_newest_migration_is_the_revision_this_release_reads() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.REVISION


@pytest.mark.parametrize("path", VERSIONS, ids=[path.stem for path in VERSIONS])
def test_a_migration_imports_nothing_of_ours(path: Path) -> None:
    imported = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert imported - {"alembic", "sqlalchemy"} <= sys.stdlib_module_names


def test_upgrading_a_current_ledger_does_nothing(database: str) -> None:
    create_ledger(database, psl="x")
    said: list[str] = []
    assert upgrade_ledger(database, progress=said.append) == (schema.REVISION, schema.REVISION)
    assert said == []


def test_a_migration_that_breaks_leaves_nothing(database: str) -> None:
    engine = create_engine(parse_database(database))
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE VIEW v_outcomes AS SELECT 1 AS one")
    with pytest.raises(Exception, match="already exists"):
        create_ledger(database, psl="x")
    with engine.connect() as conn:
        assert inspect(conn).get_table_names() == []
    engine.dispose()


def test_the_views_have_the_documented_columns(database: str) -> None:
    create_ledger(database, psl="x")
    with open_ledger(database) as conn:
        for view, columns in VIEWS.items():
            assert list(conn.exec_driver_sql(f"SELECT * FROM {view}").keys()) == columns.split()


def test_the_views_say_the_same_on_both_databases(tmp_path: Path, postgres_url: str) -> None:
    said = []
    for database in (f"sqlite:///{tmp_path}/a.db", postgres_url):
        create_ledger(database, psl="x")
        with Ledger(database) as ledger:
            odd = link("https://t.example/?a%20b", 'He said "\\" \x01\x1f\x7f ü', rel=('"x"', "\\", "\x02", "ü"))
            first = [odd, link("https://u.example/", "", follow_cause=("meta_robots",), hidden=True)]
            later = [odd._replace(rel=("ugc",), follow_cause=("rel",), placement="nav", element="area")]
            write_readings(ledger, None, [reading("https://s.example/", first, 1_700_000_000_007)], rules_version=RULES)
            write_readings(ledger, None, [reading("https://s.example/", later, 1_700_000_360_000)], rules_version=RULES)
            write_readings(ledger, None, [reading("https://s.example/", first, 1_700_000_720_123)], rules_version=RULES)
            with ledger.connect() as conn:
                answer = {
                    view: sorted((tuple(row) for row in conn.exec_driver_sql(f"SELECT * FROM {view}")), key=_plain)
                    for view in VIEWS
                }
        said.append(answer)
    assert said[0] == said[1]
    assert {row[1] for row in said[0]["v_changes"]} == {
        "link_added", "link_lost", "link_restored", "rel_changed", "followed_changed", "placement_changed",
        "element_changed",
    }  # fmt: skip
    rel = {row[1]: row[2] for row in said[0]["v_links"]}
    assert rel["https://t.example/?a%20b"] == '["\\"x\\"", "\\\\", "\\u0002", "ü"]'


def _plain(row: tuple[Any, ...]) -> str:
    return repr(tuple(int(one) if isinstance(one, bool) else one for one in row))


def test_the_migrations_are_packages_so_that_an_installation_brings_them() -> None:
    for folder in (migrate.SCRIPTS, migrate.SCRIPTS / "versions"):
        assert (folder / "__init__.py").is_file()
