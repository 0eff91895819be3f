"""Which encoding a page is in, and its text, as a browser decides both (first version)."""

from __future__ import annotations

import codecs

from chardetng_py import detect


def query_bytes(text: str, charset: str) -> bytes:
    return text.encode(charset, "xmlcharrefreplace")


def decode(body: bytes, header_charset: str | None, url_host: str) -> tuple[str, str, str]:
    if body[:3] == b"\xef\xbb\xbf":
        return body[3:].decode("utf-8", "replace"), "utf-8", "bom"
    if header_charset:
        try:
            codecs.lookup(header_charset)
            return body.decode(header_charset, "replace"), header_charset.lower(), "header"
        except (LookupError, UnicodeError):
            pass
    try:
        return body.decode("utf-8"), "utf-8", "detected"
    except UnicodeDecodeError:
        name = detect(body)
        return body.decode(name, "replace"), name.lower(), "detected"
