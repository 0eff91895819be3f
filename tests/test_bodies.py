"""Unpacking: whole, cut, broken and oversized bodies; and what counts as HTML."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable

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


def bomb(name: str) -> bytes:
    """300 MB of zeros, packed piece by piece."""
    packer = {
        "gzip": lambda: zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16),
        "deflate": lambda: zlib.compressobj(9),
        "br": brotli.Compressor,
        "zstd": zstd.ZstdCompressor,
    }[name]()
    pack = packer.process if name == "br" else packer.compress
    finish = packer.finish if name == "br" else packer.flush
    zeros = bytes(1_000_000)
    return b"".join([*(pack(zeros) for _ in range(300)), finish()])


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_takes_little_memory(name: str) -> None:
    """Its memory is measured in a process of its own."""
    script = f"""
import resource, sys
from crawler.bodies import unpack
packed = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
body, flaw = unpack(packed, [{name!r}], 10 * 1024 * 1024)
assert flaw == "size" and len(body) == 10 * 1024 * 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", script], input=bomb(name), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) < 60_000, "kilobytes"


ENCODINGS = [  # id, body, header values, result
    ("none", TEXT, [], (TEXT, None)),
    ("identity", TEXT, ["identity"], (TEXT, None)),
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
