"""A file of a list as numbered lines of text, whatever its encoding: streaming, one line at a time.

A physical line ends with LF, CR LF or CR and nothing else: U+2028 and form feeds are part of a cell.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from chardetng_py import detect

from storage.errors import BadList

SAMPLE_BYTES = 64 * 1024
CHUNK_BYTES = 256 * 1024
LINE_BYTES = 8 * 1024 * 1024
"""A longer line is not kept: it is handed out cut, marked as too long, and reading goes on behind it."""
SHOWN_CHARACTERS = 1000

_END = re.compile(rb"\r\n|\n|\r")
_CONTROL = bytes(set(range(32)) - set(b"\0\t\n\v\f\r\x1a\x1b")) + b"\x7f"
_BOMS = (  # the longer one first: UTF-32 LE begins like UTF-16 LE
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARIES = (
    (b"PK\x03\x04", "a spreadsheet or another zip archive; save it as CSV or unpack it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet in the old Excel format; save it as CSV"),
    (b"%PDF-", "a PDF; a list is text or CSV"),
    (b"PAR1", "Parquet; save it as CSV"),
    (b"SQLite format 3\0", "a SQLite database; a list is text or CSV"),
    (b"BZh", "packed with bzip2; unpack it (gzip is read as it is)"),
    (b"\xfd7zXZ\0", "packed with xz; unpack it (gzip is read as it is)"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it (gzip is read as it is)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
)
_JSON = re.compile(rb"\s*(?:\{|\[\s*[\[{\"\]])")
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE)


class Line(NamedTuple):
    """One physical line."""

    number: int
    """From 1, as an editor counts."""
    text: str
    """Without its end, without NUL characters and byte order marks."""
    too_long: bool = False


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes of one file become text."""

    name: str
    """Python codec: ``utf-8``, ``utf-16-le`` ..."""
    bom: int
    """Bytes of the byte order mark to step over."""
    fallback: str
    """What a single line that is not UTF-8 is read as."""
    gzip: bool = False

    @property
    def description(self) -> str:
        mark = " with BOM" if self.bom else ""
        return f"{self.name}{mark}{', gzip' if self.gzip else ''}"


class TextFile:
    """One file of a list, opened and known to be text.

    Args:
        name: as the user wrote it, for messages; ``-`` reads ``stdin``.
        stdin: a binary stream, read only where ``name`` is ``-``.
    Raises:
        BadList: missing, a directory, unreadable, empty, or no text at all.
    """

    def __init__(self, name: str, stdin: IO[bytes] | None = None) -> None:
        self.name = name
        self._source = stdin if name == "-" and stdin is not None else self._open()
        self._stream: IO[bytes] | gzip.GzipFile = self._source
        try:
            self._packed = self._is_gzip()
            if self._packed:
                self._stream = gzip.GzipFile(fileobj=self._stream)
            self._head = self._read(SAMPLE_BYTES)
            if not self._head:
                raise BadList(f"{self.title} is empty")
            self.encoding = self._sniff(self._head)
        except BadList:
            self.close()
            raise

    @property
    def title(self) -> str:
        """The file as messages name it."""
        return "standard input" if self.name == "-" else self.name

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.name != "-":
            self._source.close()

    def lines(self) -> Iterator[Line]:
        """Every physical line in order; a file is read once.

        Raises:
            BadList: the file cannot be read on, or its gzip data are damaged.
        """
        rest = b""
        number = 1
        skipping = False
        for chunk in self._utf8_chunks():
            data = rest + chunk
            # A CR at the end may be half of a CR LF.
            held = b"\r" if data.endswith(b"\r") else b""
            pieces = _END.split(data[:-1] if held else data) if b"\r" in data else data.split(b"\n")
            rest = pieces.pop() + held
            for piece in pieces:
                if skipping:
                    skipping = False
                else:
                    yield self._line(number, piece)
                number += 1
            if len(rest) > LINE_BYTES:
                if not skipping:
                    yield Line(number, self._text(rest[:SHOWN_CHARACTERS]), too_long=True)
                skipping = True
                rest = held
        if rest and not skipping:
            for piece in _END.split(rest):
                if piece:
                    yield self._line(number, piece)
                number += 1

    def _line(self, number: int, data: bytes) -> Line:
        if len(data) > LINE_BYTES:
            return Line(number, self._text(data[:SHOWN_CHARACTERS]), too_long=True)
        return Line(number, self._text(data))

    def _text(self, data: bytes) -> str:
        # Line by line, so that one line in another encoding costs its neighbours nothing.
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode(self.encoding.fallback, "replace")
        if "\0" in text:
            text = text.replace("\0", "")
        return text.replace("\ufeff", "") if "\ufeff" in text else text

    def _utf8_chunks(self) -> Iterator[bytes]:
        """The file from behind its byte order mark, UTF-16 and UTF-32 rewritten as UTF-8."""
        if self.encoding.name == "utf-8":
            yield self._head[self.encoding.bom :]
            yield from self._more()
            return
        decoder = codecs.getincrementaldecoder(self.encoding.name)("replace")
        yield decoder.decode(self._head[self.encoding.bom :]).encode("utf-8", "replace")
        for chunk in self._more():
            yield decoder.decode(chunk).encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")

    def _more(self) -> Iterator[bytes]:
        while data := self._read(CHUNK_BYTES):
            yield data

    def _is_gzip(self) -> bool:
        if not isinstance(self._stream, io.BufferedReader):
            self._stream = io.BufferedReader(self._stream)  # type: ignore[type-var]  # any readable will do
        try:
            return self._stream.peek(2)[:2] == b"\x1f\x8b"
        except OSError as error:
            raise self._unreadable(error) from error

    def _open(self) -> IO[bytes]:
        path = Path(self.name)
        try:
            if path.is_dir():
                raise BadList(f"{self.name} is a directory; name the file of the list")
            return path.open("rb")
        except FileNotFoundError as error:
            raise BadList(
                f"no file {self.name}; if it is meant as an address, write it with https:// before it"
            ) from error
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadList(f"{self.title} is a damaged gzip file ({error}); unpack it or fetch it again") from error
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError | ValueError) -> BadList:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return BadList(f"cannot read {self.title}: {why}")

    def _sniff(self, head: bytes) -> Encoding:
        for magic, what in _BINARIES:
            if head.startswith(magic):
                raise BadList(f"{self.title} is {what}")
        encoding = self._bom_or_zeros(head)
        if encoding.name == "utf-8":
            body = head[encoding.bom :]
            if body and (len(body.translate(None, _CONTROL + b"\0")) < 0.9 * len(body)):
                raise BadList(f"{self.title} is not text; a list is text or CSV")
            if _JSON.match(body):
                raise BadList(f"{self.title} is JSON, not a list of pages; write its page URLs as text or CSV")
            if _MARKUP.match(body):
                raise BadList(f"{self.title} is HTML or XML, not a list of pages; write its page URLs as text or CSV")
        return encoding

    def _bom_or_zeros(self, head: bytes) -> Encoding:
        for bom, name in _BOMS:
            if head.startswith(bom):
                return Encoding(name, len(bom), _fallback(head), self._packed)
        # Addresses are ASCII: in UTF-16 every second byte of them is zero. A few stray NULs are not that.
        even, odd = head[0::2].count(0), head[1::2].count(0)
        pairs = max(1, len(head) // 2)
        if odd > 0.25 * pairs and even < 0.1 * odd:
            return Encoding("utf-16-le", 0, _fallback(b""), self._packed)
        if even > 0.25 * pairs and odd < 0.1 * even:
            return Encoding("utf-16-be", 0, _fallback(b""), self._packed)
        return Encoding("utf-8", 0, _fallback(head), self._packed)


def _fallback(head: bytes) -> str:
    """The encoding of lines that are not UTF-8.

    Guessed from all such lines of the sample; where most lines are UTF-8 the others are accidents, too few for a guess.
    """
    strange = []
    utf8 = 0
    for line in _END.split(head)[:-1] or [head]:
        try:
            line.decode("utf-8")
            utf8 += not line.isascii()
        except UnicodeDecodeError:
            strange.append(line)
    if len(strange) <= utf8:
        return "cp1252"
    name: str = detect(b"\n".join(strange))
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
