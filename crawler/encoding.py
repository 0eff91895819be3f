"""Which encoding a page is in, and its text, as a browser decides both.

Order: byte order mark, Content-Type header, the page's own declaration, then its bytes. The standard's remark that
bytes fitting the UTF-8 pattern are UTF-8 is followed for undeclared pages; what does not fit is judged by chardetng,
the detector of Firefox, with the top-level domain as its hint.

Sources: https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding,
https://encoding.spec.whatwg.org/
"""

from __future__ import annotations

import re
from typing import Literal

from chardetng_py import EncodingDetector

from crawler.labels import encoding_for_label
from crawler.legacy import decode_bytes
from crawler.prescan import declared_encoding

CharsetSource = Literal["bom", "header", "meta", "detected", "default"]

_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
_TLD = re.compile(r"[a-z0-9-]*[a-z][a-z0-9-]*")


def decode(body: bytes, header_charset: str | None, url_host: str) -> tuple[str, str, CharsetSource]:
    """Return (text, encoding, who decided).

    Args:
        body: the page as received.
        header_charset: the charset parameter of Content-Type, as written; labels nobody defined are passed over.
        url_host: the host the page came from, as in its canonical URL: its last label hints at the language.
    Returns:
        The text without its byte order mark, each undecodable sequence as one U+FFFD, as browsers count them; the
        encoding's name by the Encoding Standard, lower-case; ``bom``, ``header``, ``meta`` (also an XML
        declaration), ``detected`` or ``default`` (nothing declared and nothing but ASCII: windows-1252).
    Raises:
        Nothing, whatever the bytes and names.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return decode_bytes(body[len(mark) :], encoding), encoding, "bom"
    if header_charset:
        named = encoding_for_label(header_charset.strip("\t\n\f\r \"'"))
        if named is not None:
            return decode_bytes(body, named), named, "header"
    declared = declared_encoding(body)
    if declared is not None:
        return decode_bytes(body, declared), declared, "meta"
    return _undeclared(body, url_host)


def _undeclared(body: bytes, url_host: str) -> tuple[str, str, CharsetSource]:
    if body.isascii() and b"\x1b" not in body:  # the escape character may begin ISO-2022-JP
        return body.decode("ascii"), "windows-1252", "default"
    if not body.isascii():
        try:
            return body.decode("utf-8"), "utf-8", "detected"
        except UnicodeDecodeError as error:
            if error.end == len(body) and error.reason == "unexpected end of data":  # a page cut inside a character
                return body.decode("utf-8", "replace"), "utf-8", "detected"
    tld = url_host.rstrip(".").rpartition(".")[2]
    detector = EncodingDetector()
    detector.feed(body, last=True)
    guess = detector.guess(tld=tld.encode("ascii") if _TLD.fullmatch(tld) else None, allow_utf8=False)
    # The detector knows one simplified Chinese encoding, GBK; its Python package names it after its superset.
    encoding = "gbk" if guess == "gb18030" else encoding_for_label(guess) or "windows-1252"
    text = decode_bytes(body, encoding)
    if encoding == "koi8-u" and decode_bytes(body, "koi8-r") == text:
        encoding = "koi8-r"  # the detector has only the Ukrainian form; a Russian page reads the same in both
    return text, encoding, "default" if body.isascii() and encoding == "windows-1252" else "detected"
