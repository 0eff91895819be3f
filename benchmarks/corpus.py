"""Score the extraction against a browser's reading of real pages.

The pages are no part of the project. The folder that holds them is given as an option or as LINKLEDGER_CORPUS; it has
`pages.tar.zst` (pages and their index), `oracle.jsonl.zst` (what headless Chromium with scripts off reads) and
`score.py`. This adapter runs `parse_page` over the pages, writes what it finds in the form `score.py` takes,
and runs it.

    python -m benchmarks.corpus FOLDER [--tier real|transcoded|all] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from benchmarks.rows import Row
from crawler.directives import page_directives
from crawler.encoding import decode
from crawler.page import parse_page
from crawler.urls import canonical_url
from crawler.walk import walk
from storage.records import PageRecord

VARIABLE = "LINKLEDGER_CORPUS"


def corpus_folder(given: str | None) -> Path | None:
    """The corpus folder from an option or the environment; None (and a line on stderr) where there is none."""
    name = given or os.environ.get(VARIABLE)
    if not name:
        print(f"no corpus: give its folder, or set {VARIABLE}; nothing was measured", file=sys.stderr)
        return None
    folder = Path(name)
    if not (folder / "pages.tar.zst").is_file():
        print(f"no corpus at {folder}: it has no pages.tar.zst; nothing was measured", file=sys.stderr)
        return None
    return folder


def corpus_pages(folder: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """(row of the index, body) of every page, in the order of the archive."""
    import zstandard

    rows: dict[str, dict[str, Any]] = {}
    with (
        (folder / "pages.tar.zst").open("rb") as raw,
        zstandard.ZstdDecompressor().stream_reader(raw) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member)
            if content is None:
                continue
            if name == "index.jsonl":
                rows = {row["id"]: row for row in map(json.loads, content.read().decode("utf-8").split("\n")[:-1])}
            elif name.removesuffix(".html") in rows:
                yield rows[name.removesuffix(".html")], content.read()


def read_page(row: dict[str, Any], body: bytes) -> PageRecord:
    """Take one page of the corpus apart as the crawler would."""
    return parse_page(body, url=canonical_url(row["url"]), charset=row["declared_charset_header_or_null"])


def candidate(row: dict[str, Any], body: bytes, page: PageRecord) -> dict[str, Any]:
    """One line of the candidate file: the page's links, without the hrefs that are skipped.

    The browser splits ``rel`` at white space only and gives robots metas as written; our tokens also split at commas.
    So these two are given as read from the page, after a check that our tokens are made of nothing else.
    """
    text, _, _ = decode(body, row["declared_charset_header_or_null"], page.url.host)
    root = LexborHTMLParser(text).root
    assert root is not None
    outline = walk(root)
    rels = [link[2].get("rel") or "" for link in outline.links]
    for link in page.links:
        assert set(link.rel) == set(rels[link.ordinal].lower().replace(",", " ").split()), link
    robots = [content for name, content in outline.metas if name.strip().lower() == "robots"]
    assert page_directives([("robots", content) for content in robots], ()) == tuple(
        directive for directive in page.robots if directive.agent == "robots"
    )
    return {
        "page": row["id"],
        "links": [
            {
                "raw_href": link.raw_href,
                "target": link.target.url,
                "anchor": link.anchor.text,
                "anchor_source": link.anchor.source,
                "rel": rels[link.ordinal].split(),
                "nofollow": "nofollow" in rels[link.ordinal].lower().split(),
            }
            for link in page.links
        ],
        "title": page.title,
        "canonical": page.canonical,
        "robots": robots,
        "lang": page.lang,
        "charset": page.charset,
        "base": page.base,
    }


def score(folder: Path, tiers: Iterable[str], out: Path | None = None) -> dict[str, tuple[str, dict[str, Any]]]:
    """Read all pages, and run the corpus's ``score.py`` for each tier: what it prints, and its figures."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        lines, index, figures = out or Path(scratch, "candidate.jsonl"), Path(scratch, "index"), Path(scratch, "json")
        with lines.open("w", encoding="utf-8") as written, index.open("w", encoding="utf-8") as rows:
            for row, body in corpus_pages(folder):
                rows.write(json.dumps(row) + "\n")
                written.write(json.dumps(candidate(row, body, read_page(row, body))) + "\n")
        for tier in tiers:
            command = [sys.executable, str(folder / "score.py"), str(lines), "--index", str(index), "--tier", tier]
            done = subprocess.run([*command, "--json", str(figures)], stdout=subprocess.PIPE, check=True)
            found[tier] = (done.stdout.decode("utf-8"), json.loads(figures.read_text("utf-8")))
    return found


NEEDED = {
    "real": {"recall": 0.99995, "precision": 1, "target": 0.9994, "target, spelling aside": 1, "anchor/either": 0.9997,
             "rel": 1, "page_title": 1, "page_canonical": 1, "page_robots": 1, "page_lang": 1, "page_charset": 0.996,
             # 274 of 279; 275 with the page aside whose only differences are "|" in paths. Of the other four, two have
             # hosts that only Chromium takes.
             "perfect_pages": 0.982},
    "transcoded": {"anchor/either": 0.96, "target": 0.985},
}  # fmt: skip
"""Least figures of each tier, as shares."""


def run(quick: bool) -> list[Row]:
    """The figures of both tiers as rows of the benchmark table."""
    folder = corpus_folder(None)
    if folder is None:
        return [Row("extraction against a browser", "headless Chromium", "not run: no corpus", "")]
    rows = []
    for tier, (_, figures) in score(folder, NEEDED).items():
        for name, least in NEEDED[tier].items():
            reached = figures[name]
            needed = f">= {100 * least:g} %" if least < 1 else "100 %"
            ok = round(reached, 4 if name == "target" else 6) >= least
            rows.append(Row(f"{tier} pages: {name}", "headless Chromium", f"{100 * reached:.3f} %", needed, ok))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", help=f"the corpus; default: {VARIABLE}")
    parser.add_argument("--tier", choices=("real", "transcoded", "all"), action="append")
    parser.add_argument("--out", type=Path, help="keep the candidate file here")
    args = parser.parse_args()
    folder = corpus_folder(args.folder)
    if folder is None:
        return 1
    for tier, (text, _) in score(folder, args.tier or ["real", "transcoded"], args.out).items():
        print(f"\n== tier {tier}\n{text}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
