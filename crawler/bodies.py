"""From the bytes on the wire to the bytes of a document: unpacked, bounded, and whether any are missing.

Scrapy's own middleware unpacks too, but it hands on the readable part of a compressed body that was cut
off as if it were all, and drops a body over the limit; here both are kept and named.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import brotli

from crawler.labels import encoding_for_label

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Flaw = Literal["size", "cut", "corrupt"]
_STEP = 65_536
"""Bytes taken and given at a time: 936 bytes of brotli can stand for a gigabyte, and what an unpacker leaves over is
copied at each step."""
_MOST_PARTS = 1_000
"""Members of a gzip body or frames of a zstd one; an empty one has 20 or 9 bytes and takes 10 microseconds."""
_ZSTD_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}

ACCEPTED = b"gzip, deflate, br, zstd"
_MAX_LAYERS = 3
_NO_PACKING = frozenset({"identity", "none"})
"""Names that say that nothing is packed. Servers that mean the charset say ``utf-8``; browsers show such pages."""


class UnknownEncoding(ValueError):
    """A Content-Encoding that cannot be unpacked."""


class Unpacked(NamedTuple):
    """A body without its Content-Encoding.

    ``flaw`` is None for a whole body; ``size``: stopped at the limit; ``cut``: it ended in the
    middle of the compressed stream; ``corrupt``: the stream broke after some readable bytes.
    """

    body: bytes
    flaw: Flaw | None


def unpack(body: bytes, encodings: Iterable[str], limit: int) -> Unpacked:
    """Undo the Content-Encodings of a body, last one first, never holding much more than ``limit`` bytes.

    Args:
        body: as received, without transfer coding.
        encodings: values of the Content-Encoding headers, in order; each may hold several.
        limit: most bytes to return.
    Raises:
        UnknownEncoding: one is not known, there are over three, or nothing could be unpacked at all. (``none`` and
            the names of charsets stand for no packing.)
    Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.4
    """
    names = [name for value in encodings for part in value.split(",") if (name := part.strip().lower())]
    layers = [name for name in names if name not in _NO_PACKING and encoding_for_label(name) is None]
    if len(layers) > _MAX_LAYERS:
        raise UnknownEncoding("too many layers")
    flaw: Flaw | None = None
    for name in reversed(layers):
        unpacker = _UNPACKERS.get(name)
        if unpacker is None:
            raise UnknownEncoding(name[:40])
        if body:
            body, found = unpacker(body, limit)
            flaw = flaw or found
            if not body and found == "corrupt":
                raise UnknownEncoding(f"not {name}")
    if len(body) > limit:
        return Unpacked(body[:limit], "size")
    return Unpacked(body, flaw)


def _gunzip(data: bytes, limit: int) -> tuple[bytes, Flaw | None]:
    """gzip; several members may follow each other, and junk after the last one is ignored as browsers do."""
    out = bytearray()
    view = memoryview(data)
    at = 0
    for _ in range(_MOST_PARTS):
        at, flaw = _inflate_into(out, zlib.decompressobj(zlib.MAX_WBITS | 16), view, at, limit)
        if flaw is not None or not data.startswith(b"\x1f\x8b", at):
            return bytes(out), flaw
    return bytes(out), "corrupt"


def _inflate(data: bytes, limit: int) -> tuple[bytes, Flaw | None]:
    """deflate: a zlib stream by the standard, a bare one from some servers."""
    out = bytearray()
    view = memoryview(data)
    _, flaw = _inflate_into(out, zlib.decompressobj(), view, 0, limit)
    if flaw == "corrupt" and not out:
        _, flaw = _inflate_into(out, zlib.decompressobj(-zlib.MAX_WBITS), view, 0, limit)
    return bytes(out), flaw


def _inflate_into(
    out: bytearray, unpacker: zlib._Decompress, view: memoryview, at: int, limit: int
) -> tuple[int, Flaw | None]:
    """Unpack one stream that begins at ``at``; where it ends, and what is wrong with it."""
    try:
        while not unpacker.eof:
            rest = view[at : at + _STEP]
            piece = unpacker.decompress(rest, _STEP)
            out += piece
            if len(out) > limit:
                del out[limit:]
                return at, "size"
            if not piece and not rest:
                return at, "cut"
            at += len(rest) - len(unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail)
    except zlib.error:
        return at, "corrupt"
    return at, None


def _unbrotli(data: bytes, limit: int) -> tuple[bytes, Flaw | None]:
    unpacker = brotli.Decompressor()
    out = bytearray()
    at = 0
    try:
        while not unpacker.is_finished():
            rest = data[at : at + _STEP] if unpacker.can_accept_more_data() else b""
            at += len(rest)
            piece = unpacker.process(rest, output_buffer_limit=_STEP)
            out += piece
            if len(out) > limit:
                del out[limit:]
                return bytes(out), "size"
            if not piece and at >= len(data) and not unpacker.is_finished():
                return bytes(out), "cut"
    except brotli.error:
        return bytes(out), "corrupt"
    return bytes(out), None


def _unzstd(data: bytes, limit: int) -> tuple[bytes, Flaw | None]:
    """zstd; frames may follow each other, with a window of 8 MiB at most: a larger one is no valid content coding.

    Source: https://www.rfc-editor.org/rfc/rfc9659
    """
    out = bytearray()
    view = memoryview(data)
    at = 0
    try:
        for _ in range(_MOST_PARTS):
            unpacker = zstd.ZstdDecompressor(options=_ZSTD_WINDOW)
            while not unpacker.eof:
                rest = view[at : at + _STEP] if unpacker.needs_input else b""
                if unpacker.needs_input and not rest:
                    return bytes(out), "cut"
                out += unpacker.decompress(rest, max_length=_STEP)
                at += len(rest)
                if len(out) > limit:
                    del out[limit:]
                    return bytes(out), "size"
            at -= len(unpacker.unused_data)
            if not data.startswith(b"\x28\xb5\x2f\xfd", at):
                return bytes(out), None
    except zstd.ZstdError:
        pass
    return bytes(out), "corrupt"


_UNPACKERS: dict[str, Callable[[bytes, int], tuple[bytes, Flaw | None]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}

# -- is it HTML? ------------------------------------------------------------------------------

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

_HTML_STARTS = tuple(
    f"<{name}".encode()
    for name in (
        "!doctype html", "html", "head", "script", "iframe", "h1", "div", "font", "table", "a",
        "style", "title", "b", "body", "br", "p", "!--",
    )
)  # fmt: skip
"""Section 7.1 of https://mimesniff.spec.whatwg.org/ (a space or ``>`` must follow, but for ``!--``)."""

_BINARY_STARTS = (
    b"%PDF-", b"%!PS-Adobe-", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"\xff\xd8\xff", b"RIFF",
    b"PK\x03\x04", b"\x1f\x8b\x08", b"Rar!\x1a\x07", b"OggS\x00", b"ID3", b"\x1a\x45\xdf\xa3", b"wOFF", b"wOF2",
)  # fmt: skip
"""Sections 6 and 7 of the same: a body that begins so is no page, whatever its header says."""


def sniff_html(body: bytes) -> bool:
    """Whether a body without a Content-Type begins as HTML does; leading white space does not count."""
    head = body[:1024].removeprefix(b"\xef\xbb\xbf").lstrip(b"\t\n\x0c\r ").lower()
    for start in _HTML_STARTS:
        if head.startswith(start):
            return start == b"<!--" or head[len(start) : len(start) + 1] in {b" ", b">"}
    return False


def is_binary(body: bytes) -> bool:
    """Whether a body begins with the signature of a document, image, archive, font or film."""
    return body.startswith(_BINARY_STARTS)


def mime_type(value: str | None) -> str | None:
    """The type of a Content-Type value, lower-case and without parameters; None if there is none."""
    if value is None:
        return None
    essence = value.partition(";")[0].strip().lower()
    kind, slash, detail = essence.partition("/")
    return essence if kind and slash and detail and essence.isascii() and " " not in essence else None


def charset_of(value: str | None) -> str | None:
    """The charset parameter of a Content-Type value, as written; None if there is none."""
    if value is None:
        return None
    for parameter in value.split(";")[1:]:
        name, equals, text = parameter.partition("=")
        if equals and name.strip().lower() == "charset":
            return text.strip().strip("\"'").strip() or None
    return None
