"""Unpacking: whole, cut, broken and oversized bodies; and what counts as HTML."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.bodies import UnknownEncoding, charset_of, is_binary, mime_type, sniff_html, unpack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
TEXT = b"".join(b"<p>line %d of a page</p>\n" % n for n in range(5_000))
BIG = 10**7


@pytest.mark.parametrize("name", PACKERS)
def test_whole_body(name: str) -> None:
    assert unpack(PACKERS[name](TEXT), [name.upper()], BIG) == (TEXT, None)


@pytest.mark.parametrize("name", PACKERS)
def test_cut_body_is_known_as_cut(name: str) -> None:
    packed = PACKERS[name](TEXT)
    body, flaw = unpack(packed[: len(packed) * 2 // 3], [name], BIG)
    assert flaw == "cut"
    assert TEXT.startswith(body)


@pytest.mark.parametrize("name", PACKERS)
def test_body_over_the_limit_is_read_up_to_it(name: str) -> None:
    assert unpack(PACKERS[name](TEXT), [name], 1_000) == (TEXT[:1_000], "size")


@pytest.mark.parametrize("name", PACKERS)
def test_body_that_is_not_packed_at_all(name: str) -> None:
    with pytest.raises(UnknownEncoding, match=f"not {name}"):
        unpack(b"<p>plain", [name], BIG)


@cache
def bomb(name: str) -> bytes:
    """100 MB of zeros, packed piece by piece; ``raw``: deflate without its zlib wrapping."""
    packers: dict[str, Callable[[], Any]] = {
        "gzip": lambda: zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16),
        "deflate": lambda: zlib.compressobj(9),
        "raw": lambda: zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS),
        "br": lambda: brotli.Compressor(quality=5),
        "zstd": zstd.ZstdCompressor,
    }
    packer = packers[name]()
    pack = packer.process if name == "br" else packer.compress
    finish = packer.finish if name == "br" else packer.flush
    zeros = bytes(1_000_000)
    return b"".join([*(pack(zeros) for _ in range(100)), finish()])


MIB = 1024 * 1024
BOMBS: dict[
    str, tuple[str, Callable[[], bytes]]
] = {  # id: encodings, body; each unpacks to more than ten times the limit
    "gzip": ("gzip", lambda: bomb("gzip")),
    "deflate": ("deflate", lambda: bomb("deflate")),
    "raw_deflate": ("deflate", lambda: bomb("raw")),
    "br": ("br", lambda: bomb("br")),
    "zstd": ("zstd", lambda: bomb("zstd")),
    "gzip_in_gzip": ("gzip, gzip", lambda: gzip.compress(bomb("gzip"))),
    "gzip_in_br": ("gzip, br", lambda: brotli.compress(bomb("gzip"))),
    "br_in_zstd": ("br, zstd", lambda: zstd.compress(bomb("br"))),
    "three_layers": ("gzip, br, zstd", lambda: zstd.compress(brotli.compress(bomb("gzip")))),
    "members": ("gzip", lambda: gzip.compress(bytes(MIB)) * 200),
    "frames": ("zstd", lambda: zstd.compress(bytes(MIB)) * 200),
    # The outer layer alone passes the limit; the inner one is whole before that, or then has no end.
    "junk_behind_the_page": ("gzip, gzip", lambda: gzip.compress(gzip.compress(bytes(100)) + bytes(30 * MIB), 1)),
    "stored_in_br": ("gzip, br", lambda: brotli.compress(gzip.compress(bytes(30 * MIB), 0), quality=1)),
}


def test_bombs_take_little_memory() -> None:
    """All of them, one after the other as the event loop does, in a process of its own whose memory is measured."""
    script = f"""
import pathlib, pickle, sys
from crawler.bodies import unpack
def peak():  # of this process alone: what getrusage says begins at the peak of its parent
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
bombs = pickle.load(sys.stdin.buffer)
before = peak()
for name, (encodings, body) in bombs.items():
    body, flaw = unpack(body, [encodings], {10 * MIB})
    print(name, flaw, {10 * MIB} - len(body) < 65_536 or len(body))
print(peak() - before)
"""
    bombs = {name: (encodings, make()) for name, (encodings, make) in BOMBS.items()}
    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(bombs), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    *lines, kilobytes = done.stdout.decode().splitlines()
    wanted = {f"{name} size True" for name in BOMBS} - {"junk_behind_the_page size True"}
    assert set(lines) == wanted | {"junk_behind_the_page size 100"}
    assert int(kilobytes) < 60_000


def test_many_empty_parts_take_little_time() -> None:
    """Ten mebibytes of empty gzip members and zstd frames: half a million unpackers otherwise."""
    began = time.process_time()
    for name in ("gzip", "zstd"):
        empty = PACKERS[name](b"")
        with pytest.raises(UnknownEncoding):
            unpack(empty * (10 * MIB // len(empty)), [name], 10 * MIB)
    assert time.process_time() - began < 2


def test_body_of_parts_beyond_their_number_is_read_up_to_there() -> None:
    assert unpack(gzip.compress(b"x") * 1_001, ["gzip"], BIG) == (b"x" * 1_000, "corrupt")
    assert unpack(zstd.compress(b"x") * 1_001, ["zstd"], BIG) == (b"x" * 1_000, "corrupt")


@pytest.mark.parametrize(("window_log", "read"), [(23, True), (24, False), (27, False)])
def test_zstd_window(window_log: int, read: bool) -> None:
    """Up to 8 MiB, as RFC 9659 has it; a frame may claim one of terabytes."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window_log})
    packed = packer.compress(TEXT) + packer.flush()
    if read:
        assert unpack(packed, ["zstd"], BIG) == (TEXT, None)
    else:
        with pytest.raises(UnknownEncoding):
            unpack(packed, ["zstd"], BIG)


def test_a_body_that_packs_itself_ends() -> None:
    """A gzip stream that unpacks to itself is unpacked as often as it says it is packed, at most three times."""
    layers = TEXT
    for _ in range(3):
        layers = gzip.compress(layers)
    assert unpack(layers, ["gzip, gzip, gzip"], BIG) == (TEXT, None)
    with pytest.raises(UnknownEncoding, match="too many layers"):
        unpack(layers, ["gzip"] * 1_000, BIG)


ENCODINGS = [  # id, body, header values, result
    ("none", TEXT, [], (TEXT, None)),
    ("identity", TEXT, ["identity"], (TEXT, None)),
    ("called_none", TEXT, ["none"], (TEXT, None)),
    ("a_charset", TEXT, ["UTF-8"], (TEXT, None)),
    ("a_charset_beside", gzip.compress(TEXT), ["iso-8859-1, gzip"], (TEXT, None)),
    ("two_layers", brotli.compress(gzip.compress(TEXT)), ["gzip, br"], (TEXT, None)),
    ("two_headers", brotli.compress(gzip.compress(TEXT)), ["gzip", "br"], (TEXT, None)),
    ("two_gzip_members", gzip.compress(b"a") + gzip.compress(b"b"), ["gzip"], (b"ab", None)),
    ("junk_after_gzip", gzip.compress(b"a") + b"\0\0junk", ["gzip"], (b"a", None)),
    ("bare_deflate", zlib.compress(TEXT)[2:-4], ["deflate"], (TEXT, None)),
    ("empty_body_said_to_be_gzip", b"", ["gzip"], (b"", None)),
    ("plain_over_the_limit", b"x" * (BIG + 1), [], (b"x" * BIG, "size")),
]


@pytest.mark.parametrize(("body", "values", "result"), [pytest.param(*row[1:], id=row[0]) for row in ENCODINGS])
def test_encodings(body: bytes, values: list[str], result: tuple[bytes, str | None]) -> None:
    assert unpack(body, values, BIG) == result


@pytest.mark.parametrize("value", ["compress", "gzip, sdch", "gzip, gzip, gzip, gzip"])
def test_encoding_that_cannot_be_undone(value: str) -> None:
    with pytest.raises(UnknownEncoding):
        unpack(b"x", [value], BIG)


def test_broken_in_the_middle_keeps_what_came_before() -> None:
    packed = bytearray(gzip.compress(TEXT * 20, compresslevel=1))
    packed[len(packed) // 2] ^= 0xFF
    packed[len(packed) // 2 + 1] ^= 0xFF
    body, flaw = unpack(bytes(packed), ["gzip"], BIG)
    assert flaw == "corrupt"
    assert body


@given(st.binary(max_size=400), st.sampled_from(sorted(PACKERS)))
def test_any_bytes_end(body: bytes, name: str) -> None:
    try:
        unpacked, _ = unpack(body, [name], 10_000)
    except UnknownEncoding:
        return
    assert len(unpacked) <= 10_000


@given(st.binary(max_size=2_000), st.sampled_from(sorted(PACKERS)))
def test_packed_and_unpacked_is_the_same(body: bytes, name: str) -> None:
    assert unpack(PACKERS[name](body), [name], BIG) == (body, None)


SNIFFED = [  # id, body, is HTML
    ("doctype", b"<!DOCTYPE html><p>", True),
    ("white_space_first", b"\n\t <html lang=en>", True),
    ("byte_order_mark", b"\xef\xbb\xbf<html>", True),
    ("comment", b"<!--x--><p>", True),
    ("a_tag", b"<a href=x>", True),
    ("another_tag_that_begins_alike", b"<abbr>", False),
    ("text", b"hello <p>", False),
    ("xml", b"<?xml version='1.0'?>", False),
    ("nothing", b"", False),
]


@pytest.mark.parametrize(("body", "found"), [pytest.param(*row[1:], id=row[0]) for row in SNIFFED])
def test_sniff(body: bytes, found: bool) -> None:
    assert sniff_html(body) is found


def test_binary_signatures() -> None:
    assert is_binary(b"%PDF-1.7\n")
    assert is_binary(b"\x89PNG\r\n\x1a\n....")
    assert not is_binary(b"<html>")


TYPES = [  # id, header, type, charset
    ("plain", "text/html", "text/html", None),
    ("charset", "Text/HTML; charset=ISO-8859-1", "text/html", "ISO-8859-1"),
    ("quoted", 'text/html;charset="utf-8"', "text/html", "utf-8"),
    ("other_parameter_first", "text/html; x=y; Charset = utf-8 ", "text/html", "utf-8"),
    ("empty_charset", "text/html; charset=", "text/html", None),
    ("no_type", "charset=utf-8", None, None),
    ("absent", None, None, None),
    ("nonsense", "html", None, None),
]


@pytest.mark.parametrize(("value", "mime", "charset"), [pytest.param(*row[1:], id=row[0]) for row in TYPES])
def test_content_type(value: str | None, mime: str | None, charset: str | None) -> None:
    assert (mime_type(value), charset_of(value)) == (mime, charset)
