"""Addresses in the words of a link: whole URLs and hosts, cut short, in punycode, inside other words; and file names.

An address is read by the same parser and suffix list as every URL of the ledger; nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache
from typing import NamedTuple

from crawler.suffixes import is_ip, is_public_suffix
from crawler.urls import canonical_url
from storage.errors import InvalidUrl


class Address(NamedTuple):
    """One URL, host or e-mail address inside a text."""

    text: str
    """As it stands there."""
    host: str
    """As in canonical URLs, without ``www.``; empty where it is cut short."""
    mail: bool
    """Of a person, not of a page."""


class Web(NamedTuple):
    """A text taken apart into addresses and what else it says."""

    addresses: tuple[Address, ...]
    rest: str
    """The other words."""


_MAYBE = re.compile(r"[.\u3002]\w|://|www|localhost:", re.IGNORECASE)
_ROUND = "<>()[]{}\"'«»‹›“”„|*!?,;:→←➔➜►▶»-–—•·~_=^"
_SCHEME = re.compile(r"(?:https?|ftp)(?::(?://?|\\\\)|//)", re.IGNORECASE)
_SHAPE = re.compile(
    r"(?P<scheme>(?:https?|ftp)(?::(?://?|\\\\)|//)|//)?(?:(?P<user>[^/?#@\s]+)@)?"
    r"(?P<host>[^/?#@:\s\\]+|\[[0-9a-f:.]+\])?(?::(?P<port>\d{1,5}))?(?P<path>[/?#\\].*)?",
    re.IGNORECASE | re.DOTALL,
)
_LABEL = re.compile(r"(?!-)[\w\-]{1,63}(?<!-)")
_PLAIN_ADDRESS = re.compile(
    r"(?:(?:https?|ftp)://)?(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+[a-z][a-z0-9\-]*(?::\d{1,5})?(?:[/?#][!-~]*)?",
    re.IGNORECASE,
)
_EAST_ASIAN = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e00-\u0e7f]")
_OPEN_ENDED = re.compile(
    r"(?<![a-z0-9/=?&.\-])(?:(?:https?|ftp)://|www\.)[^\s/?#\\]+[/?#][^\s\u3001-\u3003\u3008-\u3011\u3014-\u301b]*",
    re.IGNORECASE,
)
"""An address that says where it begins and has a path: it goes on to the next blank or East Asian mark."""
_IMAGE_FILE = re.compile(
    r"(?:\S+ ){0,4}\S*[^\s./\\]\."
    r"(?:png|jpe?g|jpe|jfif|gif|webp|svgz?|avif|apng|bmp|tiff?|ico|hei[cf]|jxl|psd|eps)(?:[?#]\S*)?",
    re.IGNORECASE,
)
_CAMERA_FILE = re.compile(r"(?:img|mvimg|dsc[nf]?|pxl|gopr|dji|p|wa|vid)[-_]?\d{3,}(?:[-_~][\w\-]*)?", re.IGNORECASE)
_FILE_SUFFIXES = frozenset(
    ("md", "py", "sh", "rs", "pl", "zip", "mov", "ps", "cc", "pm", "so", "java", "app", "ml", "mk")
)
"""Endings of files that are suffixes of hosts too."""
_FILE_STEMS = frozenset((
    "readme", "changelog", "contributing", "license", "licence", "security", "authors", "install", "installer", "setup",
    "main", "index", "build", "run", "test", "tests", "config", "configure", "deploy", "script", "lib", "mod", "utils",
    "app", "manage", "conftest", "__init__", "example", "examples", "demo", "download", "data", "archive", "source",
    "backup", "start", "update", "code_of_conduct", "todo", "notes", "faq", "docs", "usage", "history", "makefile",
))  # fmt: skip
_ALWAYS_FILES = frozenset(("zip", "mov", "py"))


def is_image_file(clean: str) -> bool:
    """Whether a text is the name, path or URL of one image file, or of several; a camera's name for one too."""
    if _CAMERA_FILE.fullmatch(clean) is not None:
        return True
    return _IMAGE_FILE.fullmatch(clean) is not None or (
        " " in clean and all(_IMAGE_FILE.fullmatch(part) is not None for part in clean.split())
    )


@lru_cache(maxsize=5_000)
def _is_ending(label: str) -> bool:
    """Whether hosts end so: a public suffix, or (``*.ck``) what every name below it is one of."""
    return is_public_suffix(label) or is_public_suffix("x." + label)


def _canonical_host(host: str) -> str | None:
    try:
        found = canonical_url(f"http://{host}/").host
    except InvalidUrl:
        return None
    return found.removeprefix("www.")


def _is_file(labels: list[str]) -> bool:
    if len(labels) != 2 or labels[1] not in _FILE_SUFFIXES:
        return False
    return labels[1] in _ALWAYS_FILES or labels[0] in _FILE_STEMS


def _address(chunk: str, own: tuple[str, ...]) -> Address | None:
    """A word as an address; None where it is none."""
    bare = chunk.strip(_ROUND)
    cut = bare.endswith("..") or bare.startswith("..")
    bare = bare.strip(".").rstrip(_ROUND + ".") if cut else bare.rstrip(".").rstrip(_ROUND)
    if bare[-2:] in ("'s", "'S"):
        bare = bare[:-2]
    if not bare or len(bare) > 2_000:
        return None
    shape = _SHAPE.fullmatch(bare)
    if shape is None:
        return None
    scheme, host = shape["scheme"], (shape["host"] or "").replace("\u3002", ".").lower()
    if shape["user"] and not (scheme and scheme != "//"):
        known = _canonical_host(host) if has_public_suffix(host) else None
        return Address(bare, known, mail=True) if known else None
    if scheme and scheme != "//":
        return Address(bare, _canonical_host(host.rstrip(".")) or "" if host else "", mail=False)
    if not host:
        return None
    if is_ip(host) or (host == "localhost" and shape["port"]):
        return Address(bare, host, mail=False)
    if "." not in host:
        return None
    labels = host.rstrip(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or not any(char.isalpha() for char in host):
        return None
    if _is_ending(labels[-1]) and len(labels) >= 2:
        known = _canonical_host(host)
        if known is None or (not shape["path"] and known not in own and _is_file(labels)):
            return None
        return Address(bare, known, mail=False)
    if labels[0] == "www":
        return Address(bare, _canonical_host(host) or "", mail=False)
    if cut and any(name.startswith(host) for name in own):
        return Address(bare, "", mail=False)
    return None


def _up_to_bracket(text: str) -> str:
    """A text up to the first bracket that closes none of its own."""
    pairs = {")": "(", "]": "[", "}": "{", ">": "<"}
    opened: list[str] = []
    for at, char in enumerate(text):
        if char in pairs.values():
            opened.append(char)
        elif char in pairs and (not opened or opened.pop() != pairs[char]):
            return text[:at]
    return text


def _inside(chunk: str, own: tuple[str, ...]) -> tuple[Address, int, int] | None:
    """The address in a word with signs of a script without spaces, with where it begins and ends; None for none.

    A path may hold such signs where a scheme or ``www.`` says that an address begins; elsewhere they end it.
    """
    whole = _OPEN_ENDED.search(chunk)
    if whole is not None:
        text = _up_to_bracket(whole[0])
        found = _address(text, own)
        if found is not None and found.host:
            return found, whole.start(), whole.start() + len(text)
    inner = _PLAIN_ADDRESS.search(chunk)
    address = _address(inner[0], own) if inner is not None else None
    return (address, inner.start(), inner.end()) if inner is not None and address is not None else None


def has_public_suffix(host: str) -> bool:
    """Whether a name has a dot and ends as hosts do."""
    return "." in host and _is_ending(host.rpartition(".")[2])


def addresses_in(clean: str, own: tuple[str, ...] = (), names: Container[str] = ()) -> Web | None:
    """Take the addresses out of a cleaned text; None where it holds none.

    Args:
        own: hosts of the target, in canonical form without ``www.``: known even where they are cut short.
        names: names and keywords that have a dot, in small letters: words, not addresses.
    """
    if _MAYBE.search(clean) is None:
        return None
    found: list[Address] = []
    rest: list[str] = []
    chunks = clean.split(" ")
    at = 0
    while at < len(chunks):
        chunk = chunks[at]
        at += 1
        scheme = _SCHEME.search(chunk)
        if scheme is not None and scheme.start() > 0 and chunk[scheme.start() - 1] not in "/=?&":
            rest.append(chunk[: scheme.start()])
            chunk = chunk[scheme.start() :]
        if "." not in chunk and "\u3002" not in chunk and scheme is None and ":" not in chunk:
            rest.append(chunk)
            continue
        if _EAST_ASIAN.search(chunk) is not None and (inside := _inside(chunk, own)) is not None:
            cut_out, start, end = inside
            found.append(cut_out)
            rest += [chunk[:start], chunk[end:]]
            continue
        address = _address(chunk, own)
        if address is None or address.text.casefold() in names:
            rest.append(chunk)
            continue
        found.append(address)
        while at + 1 < len(chunks) and chunks[at] == "›":  # how result pages write a path
            at += 2
    return Web(tuple(found), " ".join(filter(None, rest))) if found else None
