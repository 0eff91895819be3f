"""Which part may import which: read from the source of every module, imports inside functions too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The part of crawler that touches the network, files or the store. Everything else there is pure.
FETCHING = {
    "crawler.settings", "crawler.run", "crawler.begin", "crawler.crew", "crawler.patience", "crawler.sharing",
    "crawler.worker", "crawler.session", "crawler.feed", "crawler.pipeline", "crawler.progress",
    "crawler.robots", "crawler.redirects", "crawler.allocator", "crawler.politeness", "crawler.limits",
    "crawler.outcomes",
    "crawler.logs", "crawler.handler", "crawler.taking_apart",
    "crawler.browser", "crawler.children", "crawler.chromium", "crawler.subresources",
    "crawler.spiders", "crawler.guard", "crawler.guard_layers", "crawler.proxies", "crawler.resolver",
}  # fmt: skip
# Pure modules that read files they are given: no scrapy either, and no store.
READING = {"crawler.seeds"}
# Unpacking bodies needs the unpackers.
UNPACKERS = {"crawler.bodies": ("brotli", "compression.zstd", "backports.zstd")}

LINKS_ALONE = {
    "audit.link_audit", "audit.ask_links", "audit.relevance", "audit.topics", "storage.referrers", "storage.page_facts",
}  # fmt: skip
WORDS_ALONE = {
    "audit.anchor_audit", "audit.anchor_class", "audit.anchor_shares", "audit.ask_anchors", "audit.judged_anchors",
    "audit.domain_classes",
}  # fmt: skip
# Modules of audit that are loaded late, by those alone who need their libraries.
NUMBERS: set[str] = {
    "audit.anchor_shares", "audit.anchor_sums", "audit.ask_anchors", "audit.ask_authority", "audit.class_links",
    "audit.graph_rank", "audit.judged_anchors", "audit.domain_classes",
}  # fmt: skip

STDLIB = frozenset(sys.stdlib_module_names)
# What would let a pure module know the time, the network, other threads, or chance.
IMPURE = {
    "asyncio", "http", "logging", "multiprocessing", "os", "random", "requests", "secrets", "select", "selectors",
    "socket", "sqlite3", "ssl", "subprocess", "threading", "time", "urllib.request", "urllib.robotparser", "uuid",
}  # fmt: skip


class Import(NamedTuple):
    name: str
    lazy: bool
    """Inside a function, so that it costs nothing until the function is called."""
    line: int
    typing_only: bool


def module_name(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def imports(path: Path) -> Iterator[Import]:
    """Every import of a module, wherever it stands."""

    def walk(node: ast.AST, lazy: bool, typing_only: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, lazy, child.lineno, typing_only) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: relative import"
                assert child.module is not None
                for alias in child.names:
                    yield Import(f"{child.module}.{alias.name}", lazy, child.lineno, typing_only)
            else:
                inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                guard = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
                yield from walk(child, lazy or inside, typing_only or guard)

    yield from walk(ast.parse(path.read_text("utf-8")), False, False)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def is_pure(module: str) -> bool:
    return within(module, "crawler") and not within(module, *FETCHING, *READING)


def allowed(module: str, found: Import) -> bool:
    """The table: may this module import that name, in this place?"""
    name = found.name
    standard = name.split(".")[0] in STDLIB
    if within(module, "storage.migrations.versions"):
        return standard or within(name, "sqlalchemy", "alembic")
    if within(module, "storage"):
        return standard or within(name, "storage", "sqlalchemy", "alembic", "psycopg", "backports.zstd", "compression")
    if within(module, "crawler"):
        pure_parts = ("selectolax", "tldextract", "ada_url", "chardetng_py", "storage.records", "storage.errors")
        pure_parts += ("storage.align",)  # pure itself
        if within(name, "crawler.browser"):
            return found.lazy or found.typing_only  # it needs an extra
        if within(name, "crawler"):
            return not is_pure(module) or is_pure(name)
        if is_pure(module):
            return within(name, *pure_parts, *UNPACKERS.get(module, ())) or (standard and not within(name, *IMPURE))
        if within(module, *READING):
            return standard or within(name, *pure_parts)
        if found.typing_only and name == "sqlalchemy.Connection":
            return True  # what storage hands out has a name
        if within(name, "playwright", "scrapy_playwright"):
            return module == "crawler.browser"
        return standard or within(
            name, *pure_parts, "scrapy", "twisted", "zope.interface", "OpenSSL",
            "storage.engine", "storage.writer", "storage.frontier", "storage.crawls", "storage.holders",
            "storage.evidence",
            "storage.kept", "storage.leases", "storage.lists", "storage.shards", "storage.pace", "storage.trouble",
        )  # fmt: skip
    if within(module, "audit"):
        # Two data sets, judged apart: neither audit knows the other, only what is made of both does.
        if (module in LINKS_ALONE and within(name, *WORDS_ALONE)) or (
            module in WORDS_ALONE and within(name, *LINKS_ALONE)
        ):
            return False
        if within(name, "numpy", "snowballstemmer", "rapidfuzz", "py3langid"):
            return found.lazy or found.typing_only or module in NUMBERS
        if within(name, "crawler"):
            return is_pure(name)
        return standard or within(name, "audit", "storage", "sqlalchemy")
    if within(module, "cli"):
        if standard or within(name, "typer", "sqlalchemy", "storage", "cli", "crawler.urls"):
            return True
        if within(name, "audit"):
            return True
        if found.typing_only:  # costs nothing
            return within(name, "crawler")
        return found.lazy and within(
            name,
            "rich",
            "crawler.run",
            "crawler.plan",
            "crawler.page",
            "crawler.seeds",
            "crawler.bodies",
            "crawler.taking_apart",
        )
    raise AssertionError(f"{module} belongs to no part")


MODULES = sorted(
    path
    for package in ("crawler", "storage", "audit", "cli")
    for path in (ROOT / package).rglob("*.py")
    if "data" not in path.parts
)


@pytest.mark.parametrize("path", [pytest.param(path, id=module_name(path)) for path in MODULES])
def test_module_imports_only_what_its_part_may(path: Path) -> None:
    module = module_name(path)
    wrong = [f"line {found.line}: {found.name}" for found in imports(path) if not allowed(module, found)]
    assert not wrong, f"{module} may not import: {'; '.join(wrong)}"


FORBIDDEN = [  # id, module, import, inside a function
    ("storage_knows_no_crawler", "storage.writer", "crawler.urls.canonical_url", False),
    ("not_even_late", "storage.engine", "crawler.urls.canonical_url", True),
    ("storage_knows_no_cli", "storage.engine", "cli.config.Config", False),
    ("migrations_are_frozen", "storage.migrations.versions.0001_ledger", "storage.schema", True),
    ("page_reads_no_clock", "crawler.page", "time.time", False),
    ("page_knows_no_database", "crawler.page", "storage.engine.open_ledger", True),
    ("page_knows_no_scrapy", "crawler.page", "scrapy.Selector", False),
    ("browser_is_an_extra", "crawler.spiders.pages", "crawler.browser.Browser", False),
    ("playwright_in_one_module", "crawler.subresources", "playwright.async_api.Page", True),
    ("pure_stays_pure", "crawler.page", "crawler.run.run_crawl", True),
    ("crawler_knows_no_cli", "crawler.run", "cli.render.Answer", False),
    ("no_click", "cli.links", "click.echo", True),
    ("crawl_starts_late", "cli.crawl", "crawler.run.run_crawl", False),
    ("rich_late", "cli.render", "rich.table.Table", False),
    ("questions_know_no_scrapy", "cli.links", "scrapy.Spider", True),
]


@pytest.mark.parametrize(("module", "name", "lazy"), [pytest.param(*row[1:], id=row[0]) for row in FORBIDDEN])
def test_the_table_forbids(module: str, name: str, lazy: bool) -> None:
    assert not allowed(module, Import(name, lazy, 1, False))


def test_tests_are_flat() -> None:
    """A folder ``tests/crawler`` with an ``__init__.py`` would hide the real package."""
    assert not [path for path in (ROOT / "tests").rglob("__init__.py") if path.parent != ROOT / "tests"]
