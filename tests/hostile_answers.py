"""What a hostile server says, piece by piece: each function gives an answer, made while it is sent."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import brotli
from backports import zstd
from hostile_site import RESET, Answer, Asked, Pieces

MIB = 1 << 20
HTML = "text/html; charset=utf-8"
LINKS = 3
"""Links of `START`: what is left of a page that was cut off somewhere behind them."""
_ITEMS = "".join(f'<p><a href="http://target{n}.example/">target {n}</a></p>' for n in range(LINKS))
START = f"<!doctype html><html><head><title>A page</title></head><body><main>{_ITEMS}".encode()
END = b"</main></body></html>"
PAGE = START + b"<p>The end of the page.</p>" + END
SPACES = b" " * MIB


def head(
    *headers: str, status: str = "HTTP/1.1 200 OK", content_type: str | None = HTML, length: int | str | None = None
) -> bytes:
    """A status line and headers; what is not ASCII goes out as UTF-8."""
    lines = [status, *([] if content_type is None else [f"Content-Type: {content_type}"])]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([*lines, *headers, "Connection: close", "", ""]).encode("utf-8", "surrogateescape")


def says(*pieces: bytes | float | object) -> Answer:
    """These pieces, to whoever asks."""
    return lambda asked: iter(pieces)


def page(
    body: bytes | str = PAGE, *headers: str, status: str = "HTTP/1.1 200 OK", content_type: str | None = HTML
) -> Answer:
    """A whole body with its length."""
    data = body.encode() if isinstance(body, str) else body
    return says(head(*headers, status=status, content_type=content_type, length=len(data)), data)


def status(line: str, *headers: str, body: bytes = PAGE) -> Answer:
    """A page under another status line, ``404 Not Found`` or a whole one."""
    return page(body, *headers, status=line if line.startswith("HTTP") else f"HTTP/1.1 {line}")


def redirect(to: str | Callable[[Asked], str], code: int = 302) -> Answer:
    """A redirect; in a text, ``{port}``, ``{other}`` and ``{host}`` are filled in."""

    def answer(asked: Asked) -> Pieces:
        target = to(asked) if callable(to) else _filled(to, asked)
        yield head(f"Location: {target}", status=f"HTTP/1.1 {code} Moved", length=0)

    return answer


def _filled(text: str, asked: Asked) -> str:
    for name, value in (("{port}", asked.port), ("{other}", asked.other_port), ("{host}", asked.host)):
        text = text.replace(name, str(value))
    return text


def endlessly(start: bytes, piece: bytes, wait: float = 0.0, times: int | None = None) -> Answer:
    """A start, then a piece again and again."""

    def answer(asked: Asked) -> Pieces:
        yield start
        for _ in itertools.count() if times is None else range(times):
            yield piece
            if wait:
                yield wait

    return answer


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


# -- compression bombs: a page that goes on for 256 MiB ----------------------------------------------------------------

BLOCKS = 256


def _deflated(wbits: int) -> tuple[bytes, bytes]:
    """A stream's first block and one of a MiB that may follow it any number of times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    first = packer.compress(START) + packer.flush(zlib.Z_FULL_FLUSH)
    return first, packer.compress(SPACES) + packer.flush(zlib.Z_FULL_FLUSH)


def _brotlied() -> tuple[bytes, bytes]:
    packer = brotli.Compressor(quality=5)
    first = packer.process(START + SPACES) + packer.flush()
    return first, packer.process(SPACES) + packer.flush()


def _zstded() -> tuple[bytes, bytes]:
    return zstd.compress(START), zstd.compress(SPACES)


_PACKED: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "gzip": lambda: _deflated(31),
    "deflate": lambda: _deflated(15),
    "raw": lambda: _deflated(-15),
    "br": _brotlied,
    "zstd": _zstded,
}


@cache
def bomb(*layers: str) -> bytes:
    """256 MiB in the first layer's packing, packed again in the others'."""
    first, block = _PACKED[layers[0]]()
    data = first + block * BLOCKS
    for layer in layers[1:]:
        data = packed(data, layer)
    return data


def packed(data: bytes, layer: str) -> bytes:
    """Some bytes, whole, in one packing."""
    if layer == "gzip":
        return gzip.compress(data, mtime=0)
    if layer == "br":
        return brotli.compress(data, quality=5)
    return zstd.compress(data) if layer == "zstd" else zlib.compress(data)


def bombing(*layers: str) -> Answer:
    """A page in these packings, innermost first."""
    named = ["deflate" if layer == "raw" else layer for layer in layers]

    def answer(asked: Asked) -> Pieces:
        data = bomb(*layers)
        yield head(f"Content-Encoding: {', '.join(named)}", length=len(data))
        for start in range(0, len(data), 65_536):
            yield data[start : start + 65_536]

    return answer


def cut_packed(layer: str) -> Answer:
    """A packed page whose stream ends in its middle; its announced length is true."""

    def answer(asked: Asked) -> Pieces:
        rows = "".join(f"<p>{n} {n * n} {n**3 % 9973}</p>" for n in range(12_000))  # several blocks of zstd
        data = packed(START + rows.encode() + END, layer)
        data = data[: len(data) * 2 // 3]
        yield head(f"Content-Encoding: {layer}", length=len(data))
        yield data

    return answer


def corrupt_gzip(asked: Asked) -> Pieces:
    """A gzip stream that breaks behind the links."""
    first, block = _deflated(31)
    data = first + block + b"\xff" * 500
    yield head("Content-Encoding: gzip", length=len(data))
    yield data


# -- documents that are hard to take apart ----------------------------------------------------------------------------


def built(*parts: Callable[[], Iterator[bytes]] | bytes) -> Answer:
    """`START`, then generated parts; sent without a length, its end in sight."""

    def answer(asked: Asked) -> Pieces:
        yield head()
        yield START
        for part in parts:
            if isinstance(part, bytes):
                yield part
            else:
                yield from part()
        yield END

    return answer


def many(text: str, number: int) -> Callable[[], Iterator[bytes]]:
    """A piece of text so many times, ``{n}`` being its number."""

    def pieces() -> Iterator[bytes]:
        for start in range(0, number, 5000):
            stop = min(start + 5000, number)
            if "{n}" in text:
                yield "".join(text.replace("{n}", str(n)) for n in range(start, stop)).encode()
            else:
                yield text.encode() * (stop - start)

    return pieces


def attributes(number: int) -> Callable[[], Iterator[bytes]]:
    """One tag with so many attributes."""
    inner = many(" a{n}=1", number)
    return lambda: itertools.chain([b"<p"], inner(), [b">"])


# -- traps: sites without an end ---------------------------------------------------------------------------------------


def linking(*hrefs: str, title: str = "A trap") -> bytes:
    """A page of links."""
    links = "".join(f'<p><a href="{href}">{href}</a></p>' for href in hrefs)
    return f"<!doctype html><html><head><title>{title}</title></head><body>{links}</body></html>".encode()


def calendar(asked: Asked) -> Pieces:
    """``/calendar/month``: thirty days, the month before and the next one."""
    month = int(asked.path.split("/")[2]) if asked.path.count("/") > 1 else 0
    days = [f"/calendar/{month}/{day}" for day in range(30)] if asked.path.count("/") < 3 else []
    return page(linking(*days, f"/calendar/{month + 1}", f"/calendar/{month - 1}"))(asked)


def sessions(asked: Asked) -> Pieces:
    """``/sessions``: every answer names its pages by a new session."""
    number = zlib.crc32(asked.path.encode())
    return page(linking(*(f"/sessions?page={n}&PHPSESSID={number * 20 + n:032x}" for n in range(20))))(asked)


def facets(asked: Asked) -> Pieces:
    """``/facets``: three filters, each combination a page."""
    return page(linking(*(f"/facets?color={a}&size={b}&sort={c}" for a in range(6) for b in range(6) for c in "ab")))(
        asked
    )


def relative_loop(asked: Asked) -> Pieces:
    """``/loop/``: relative links that lead one folder deeper each time."""
    return page(linking("loop/", "a/b/a/b/a/b/", "/".join("abcdefghijklmnopqrstuvw")))(asked)


def thousands(asked: Asked) -> Pieces:
    """``/thousands``: a page of 5,000 links to itself."""
    return page(linking(*(f"/thousands/{n}" for n in range(5000))) if asked.path == "/thousands" else PAGE)(asked)


def hops(asked: Asked) -> Pieces:
    """``/hops/N``: a redirect to ``/hops/N+1``."""
    number = int(asked.path.rpartition("/")[2]) if asked.path.count("/") > 1 else 0
    return redirect(f"/{asked.path.split('/')[1]}/{number + 1}")(asked)


def slow_hops(asked: Asked) -> Pieces:
    """The same, taking its time for each."""
    yield 2.0
    yield from hops(asked)


def reset_at_once(asked: Asked) -> Pieces:
    """No answer but a TCP reset."""
    yield RESET
