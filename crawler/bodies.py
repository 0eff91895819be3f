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

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Flaw = Literal["size", "cut", "corrupt"]
_STEP = 65_536
"""Bytes unpacked at a time: 936 bytes of brotli can stand for a gigabyte."""

ACCEPTED = b"gzip, deflate, br, zstd"
_MAX_LAYERS = 3


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
        UnknownEncoding: one is not known, there are over three, or nothing could be unpacked at all.
    Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.4
    """
    names = [name for value in encodings for part in value.split(",") if (name := part.strip().lower())]
    layers = [name for name in names if name != "identity"]
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
    while data:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        flaw = _inflate_into(out, unpacker, data, limit)
        if flaw is not None:
            return bytes(out), flaw
        data = unpacker.unused_data
        if not data.startswith(b"\x1f\x8b"):
            break
    return bytes(out), None


def _inflate(data: bytes, limit: int) -> tuple[bytes, Flaw | None]:
    """deflate: a zlib stream by the standard, a bare one from some servers."""
    out = bytearray()
    flaw = _inflate_into(out, zlib.decompressobj(), data, limit)
    if flaw == "corrupt" and not out:
        flaw = _inflate_into(out, zlib.decompressobj(-zlib.MAX_WBITS), data, limit)
    return bytes(out), flaw


def _inflate_into(out: bytearray, unpacker: zlib._Decompress, data: bytes, limit: int) -> Flaw | None:
    rest = data
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(rest, _STEP)
            out += piece
            if len(out) > limit:
                del out[limit:]
                return "size"
            rest = unpacker.unconsumed_tail
            if not piece and not rest:
                return None if unpacker.eof else "cut"
    except zlib.error:
        return "corrupt"
    return None


def _unbrotli(data: bytes, limit: int) -> tuple[bytes, Flaw | None]:
    unpacker = brotli.Decompressor()
    out = bytearray()
    rest = data
    try:
        while not unpacker.is_finished():
            piece = unpacker.process(rest, output_buffer_limit=_STEP)
            rest = b""
            out += piece
            if len(out) > limit:
                del out[limit:]
                return bytes(out), "size"
            if not piece:
                return bytes(out), None if unpacker.is_finished() else "cut"
    except brotli.error:
        return bytes(out), "corrupt"
    return bytes(out), None


def _unzstd(data: bytes, limit: int) -> tuple[bytes, Flaw | None]:
    out = bytearray()
    try:
        while data:
            unpacker = zstd.ZstdDecompressor()
            rest = data
            while not unpacker.eof:
                piece = unpacker.decompress(rest, max_length=_STEP)
                rest = b""
                out += piece
                if len(out) > limit:
                    del out[limit:]
                    return bytes(out), "size"
                if not piece and unpacker.needs_input and not unpacker.eof:
                    return bytes(out), "cut"
            data = unpacker.unused_data
            if not data.startswith(b"\x28\xb5\x2f\xfd"):
                break
    except zstd.ZstdError:
        return bytes(out), "corrupt"
    return bytes(out), None


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
