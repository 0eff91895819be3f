"""The ranks file of a Common Crawl web graph, read as a stream: only domains that are asked for are kept.

The file is some 90 million lines, gzip or unpacked, columns between tabs, the name of each column with a ``#`` before
it: ``#harmonicc_pos #harmonicc_val #pr_pos #pr_val #host_rev #n_hosts``. Names are reversed, ``com.example``. The graph
counts scripts, fonts and images as links, so hosts of such services rank too high.
Source: https://commoncrawl.org/web-graphs
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from storage.authority import Value
from storage.errors import LedgerError

MEASURE = "harmonic centrality"
_COLUMNS = ("harmonicc_pos", "harmonicc_val", "pr_pos", "pr_val", "host_rev")
_ORDER = (*_COLUMNS, "n_hosts")
_SHOWN_ORDER = " ".join(f"#{name}" for name in _ORDER)
_TOLD_EVERY = 2_000_000
_EXAMPLES = 5
_LONGEST = 65_536
"""Bytes of a line: what is longer is no ranks file."""


class BadRanks(LedgerError):
    """A file that is no ranks file, or a damaged one."""


@dataclass(frozen=True, slots=True)
class RanksRead:
    """What a ranks file held."""

    lines: int
    """Lines with ranks."""
    values: tuple[Value, ...]
    """Of known domains, by domain id: the harmonic centrality, its position, and as ``ratio`` the PageRank."""
    bad: int
    """Lines that could not be read."""
    examples: tuple[str, ...]
    """Some of them, each with its number and what is wrong."""
    repeated: int
    """Known domains that came again: the first line counts."""
    hosts: bool
    """Ranks of hosts, not of domains: a domain has those of the host of its own name."""


def is_ranks_file(path: Path) -> bool:
    """Whether a file begins as such a file does; False where it cannot be read at all."""
    try:
        with _opened(path) as file:
            return file.readline(_LONGEST).lstrip(b"\xef\xbb\xbf").startswith(b"#harmonicc_pos")
    except (OSError, EOFError, zlib.error):
        return False


def read_ranks(
    path: Path, known: Mapping[str, int], *, tell: Callable[[int, int], None] = lambda lines, kept: None
) -> RanksRead:
    """Read the ranks of known domains; memory grows with these, not with the file.

    Args:
        known: domain -> id.
        tell: told (lines read, domains kept) every few million lines.
    Raises:
        BadRanks: the file cannot be read, or its columns are others. A line that makes no sense is counted, no error.
    """
    try:
        with _opened(path) as file:
            return _read(file, str(path), known, tell)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadRanks(f"{path} is a damaged gzip file ({error}); fetch it again; nothing was kept") from error
    except OSError as error:
        raise BadRanks(f"cannot read {path}: {error.strerror or error}") from error


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb", buffering=1 << 20)


def _lines(file: IO[bytes], title: str) -> Iterator[bytes]:
    """Lines without their ends; a part of the file that has none is an error, not a memory full of it."""
    rest = b""
    while chunk := file.read(1 << 20):
        pieces = (rest + chunk).split(b"\n")
        rest = pieces.pop()
        if len(rest) > _LONGEST:
            raise BadRanks(f"{title} is no ranks file: it has a line of more than {_LONGEST:,} bytes")
        yield from pieces
    if rest:
        yield rest


def _read(file: IO[bytes], title: str, known: Mapping[str, int], tell: Callable[[int, int], None]) -> RanksRead:
    wanted = {_reversed(name): id_ for name, id_ in known.items()}
    lines = _lines(file, title)
    first = next(lines, b"").lstrip(b"\xef\xbb\xbf").rstrip(b"\r")
    header = first.startswith(b"#")
    names = _header(first, title)
    at = {name: names.index(name) for name in _COLUMNS}
    name_at, width = at["host_rev"], len(names)
    number_at = tuple(at[name] for name in ("harmonicc_val", "harmonicc_pos", "pr_val"))
    found: dict[int, Value] = {}
    examples: list[str] = []
    count = bad = repeated = 0

    def every() -> Iterator[bytes]:
        if not header and first:
            yield first
        yield from lines

    for number, line in enumerate(every(), start=2 if header else 1):
        cells = line.split(b"\t")
        if len(cells) != width and (not line.strip() or line.startswith(b"#")):
            continue
        count += 1
        if count % _TOLD_EVERY == 0:
            tell(count, len(found))
        if len(cells) != width:
            bad += 1
            if len(examples) < _EXAMPLES:
                examples.append(f"line {number}: {len(cells)} columns, not {width}")
            continue
        id_ = wanted.get(cells[name_at]) if name_at < width - 1 else wanted.get(cells[name_at].rstrip(b"\r"))
        if id_ is None:
            continue
        value = _value(id_, *(cells[place] for place in number_at))
        if value is None:
            bad += 1
            if len(examples) < _EXAMPLES:
                shown = ", ".join(repr(cells[place].decode("utf-8", "replace")[:40]) for place in number_at)
                examples.append(f"line {number}: {cells[name_at].decode('utf-8', 'replace')} has no ranks in {shown}")
        elif id_ in found:
            repeated += 1
        else:
            found[id_] = value
    if not count:
        raise BadRanks(f"{title} holds no ranks")
    values = tuple(found[id_] for id_ in sorted(found))
    return RanksRead(count, values, bad, tuple(examples), repeated, hosts="n_hosts" not in names)


def _header(first: bytes, title: str) -> tuple[str, ...]:
    cells = first.decode("utf-8", "replace").split("\t")
    if first.startswith(b"#"):
        names = tuple(cell.strip().removeprefix("#").strip().lower() for cell in cells)
        if missing := [name for name in _COLUMNS if name not in names]:
            raise BadRanks(f"{title} has no column #{missing[0]}; a ranks file begins with {_SHOWN_ORDER}")
        return names
    if len(cells) not in (len(_COLUMNS), len(_ORDER)) or _value(0, *(cells[at].encode() for at in (1, 0, 3))) is None:
        raise BadRanks(f"{title} is no ranks file: it should begin with the columns {_SHOWN_ORDER}, separated by tabs")
    return _ORDER[: len(cells)]


def _value(id_: int, harmonic: bytes, place: bytes, page_rank: bytes) -> Value | None:
    try:
        value, position, weight = float(harmonic), int(place), float(page_rank)
    except ValueError:
        return None
    if not (math.isfinite(value) and math.isfinite(weight) and value >= 0 and 0 < position < 2**63):
        return None
    return Value(id_, value, place=position, ratio=weight if weight > 0 else None)


def _reversed(name: str) -> bytes:
    """``example.co.uk`` -> ``uk.co.example``."""
    return ".".join(reversed(name.split("."))).encode("utf-8", "surrogatepass")
