"""Registrable domains by the public suffix list: which names belong to one site or one operator.

The list is the snapshot bundled with the installed tldextract (Scrapy needs that package too); it is
never fetched. tldextract itself is not imported: it loads an HTTP client, which costs a question more than
the question. The rules and the results are tldextract's, and a test holds the two equal over every rule.

Source: https://publicsuffix.org/list/ (algorithm and file format)
"""

from __future__ import annotations

import hashlib
import re
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

_PRIVATE_SECTION = "// ===BEGIN PRIVATE DOMAINS==="
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}")
_LONGEST_CACHED = 255
"""Longer names than any real host has are worked out afresh: a hostile page cannot fill the cache with them."""


class _Rules:
    """The suffix list as two sets of rules: those of registries, and those of private operators beside them."""

    def __init__(self) -> None:
        text = _snapshot().decode("utf-8")
        public, _, private = text.partition(_PRIVATE_SECTION)
        self.registry = _rules_of(public)
        self.all = self.registry | _rules_of(private)
        self.most_labels = 1 + max(rule.count(".") for rule in self.all)


def _snapshot() -> bytes:
    spec = find_spec("tldextract")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("tldextract is not installed; its snapshot of the public suffix list is needed")
    return (Path(spec.submodule_search_locations[0]) / ".tld_set_snapshot").read_bytes()


def _rules_of(section: str) -> frozenset[str]:
    lines = (line.strip() for line in section.split("\n"))
    return frozenset(line.split()[0] for line in lines if line and not line.startswith("//"))


@cache
def _rules() -> _Rules:
    return _Rules()


@cache
def suffix_list_version() -> str:
    """Name the bundled snapshot: tldextract's version and the start of the list's SHA-256.

    Two ledgers with the same name were counted by the same list.
    """
    digest = hashlib.sha256(_snapshot()).hexdigest()[:12]
    return f"tldextract {version('tldextract')} {digest}"


def is_ip(host: str) -> bool:
    """Whether a host is an IP address: dotted IPv4, or IPv6 with or without its brackets."""
    if _IPV4.fullmatch(host):
        return True
    if ":" not in host:
        return False
    from ipaddress import IPv6Address

    try:
        IPv6Address(host[1:-1] if host[0] == "[" and host[-1] == "]" else host)
    except ValueError:
        return False
    return True


def _suffix_labels(labels: list[str], rules: frozenset[str]) -> int:
    """How many labels, counted from the end, are the public suffix; 0 where no rule fits."""
    for start in range(len(labels)):
        name = ".".join(labels[start:])
        if "!" + name in rules:
            return len(labels) - start - 1
        if name in rules:
            return len(labels) - start
        if start + 1 < len(labels) and "*." + ".".join(labels[start + 1 :]) in rules:
            return len(labels) - start
    return 0


def _decoded(label: str) -> str:
    """The Unicode form of an ``xn--`` label, in which the list writes it; other labels as they are."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except ValueError:
        return label


def _split(host: str, *, private: bool) -> tuple[int, list[str]]:
    """(labels of the public suffix, the last labels of the name that can matter)."""
    rules = _rules()
    labels = host.rstrip(".").rsplit(".", rules.most_labels + 1)
    if len(labels) > rules.most_labels + 1:
        del labels[0]
    spelled = [_decoded(label) for label in labels] if "xn--" in host else labels
    return _suffix_labels(spelled, rules.all if private else rules.registry), labels


def _domain_of(host: str, *, private: bool) -> str:
    if is_ip(host):
        return host
    suffix, labels = _split(host, private=private)
    if suffix == 0 or suffix >= len(labels):
        return host.rstrip(".") or host
    return ".".join(labels[-suffix - 1 :])


@lru_cache(maxsize=100_000)
def _cached_registrable(host: str) -> str:
    return _domain_of(host, private=True)


@lru_cache(maxsize=20_000)
def _cached_operator(host: str) -> str:
    return _domain_of(host, private=False)


def registrable_domain(host: str) -> str:
    """Return the site a host belongs to: public suffix (private section included) plus one label.

    Args:
        host: as in a canonical URL: lower-case, punycode, no port.
    Returns:
        ``example.co.uk`` for ``www.example.co.uk``, ``shop.github.io`` for itself. An IP address and a name
        without a suffix (``localhost``, or a bare suffix such as ``github.io``) are their own domain. The dot
        that may end a full name is dropped: it names the same host.
    """
    return _cached_registrable(host) if len(host) <= _LONGEST_CACHED else _domain_of(host, private=True)


def operator_domain(host: str) -> str:
    """Return the operator behind a host: like `registrable_domain`, without the list's private section.

    ``shop.github.io`` is run by ``github.io``: politeness is owed to the operator, however many sites it hosts.
    """
    return _cached_operator(host) if len(host) <= _LONGEST_CACHED else _domain_of(host, private=False)


def is_public_suffix(host: str) -> bool:
    """Whether a name is itself a public suffix (private section included), such as ``co.uk`` or ``github.io``."""
    if is_ip(host):
        return False
    suffix, labels = _split(host, private=True)
    return suffix > 0 and suffix == len(labels) and host.count(".") < len(labels) + host.endswith(".")


def is_internal(a: str, b: str) -> bool:
    """Whether two hosts belong to one site: the same registrable domain."""
    return a == b or registrable_domain(a) == registrable_domain(b)
