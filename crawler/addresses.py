"""Which IP addresses are public, what the others are for, and networks opened all the same.

Two registries decide, and not `ipaddress.is_global`: that knows fewer blocks (3.11.7 takes 192.88.99.1, 64:ff9b:1::1
and fec0::1 for public), and an address that carries another one for what it is on the outside.

Source: https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry for the blocks,
https://www.iana.org/assignments/ipv6-address-space for what is unicast at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = "IPv4Address | IPv6Address"
Network: TypeAlias = "IPv4Network | IPv6Network"

# The first block that holds an address names its kind. A handful of addresses within them are reachable from everywhere
# (192.0.0.9, 2001:1::1 ...): anycast services for networks, none of which serves pages.
_SPECIAL_4: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "reserved"),  # "this network"; Linux takes some for its own addresses
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared"),  # between a provider and its customers; Alibaba's metadata are at 100.100.100.200
    ("127.0.0.0/8", "loopback"),
    # Belongs to Microsoft and is public by the registries, but in Azure it is the host's own service, with keys.
    # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    ("168.63.129.16/32", "cloud platform"),
    ("169.254.0.0/16", "link-local"),  # metadata of Amazon, Google, Azure ... are at 169.254.169.254
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),  # protocol assignments; metadata of Oracle's cloud are at 192.0.0.192
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
)
_SPECIAL_6: tuple[tuple[str, str], ...] = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "private"),  # NAT64 within one network: only that network knows where it leads
    ("100::/64", "discard-only"),
    ("100:0:0:1::/64", "reserved"),  # the dummy prefix
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "benchmarking"),
    ("2001:db8::/32", "documentation"),
    ("2001::/23", "reserved"),  # protocol assignments
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)


def _ranges(table: tuple[tuple[str, str], ...]) -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (int(net.network_address), int(net.broadcast_address), kind)
        for net, kind in ((ip_network(block), kind) for block, kind in table)
    )


_RANGES_4, _RANGES_6 = _ranges(_SPECIAL_4), _ranges(_SPECIAL_6)
_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given out for hosts to be reached at; outside of it only NAT64 leads somewhere public."""
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_TEREDO = IPv6Network("2001::/32")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""The upper half of an interface identifier that ends in an IPv4 address; RFC 5214."""
_LOW = 0xFFFF_FFFF


def plain(address: Address) -> Address:
    """The address that is connected in truth: IPv4 out of its IPv6 form ``::ffff:a.b.c.d``, and no scope."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.scope_id is not None:
            return IPv6Address(int(address))
    return address


@lru_cache(10_000)
def kind_of(address: Address) -> str | None:
    """What an address is that is not public, such as ``loopback``; None for a public one.

    An IPv6 address is also judged by the IPv4 address within it: ``loopback in NAT64``.
    """
    address = plain(address)
    number = int(address)
    if isinstance(address, IPv4Address):
        return next((kind for first, last, kind in _RANGES_4 if first <= number <= last), None)
    for inner, carrier in _carried(address):
        kind = kind_of(inner)
        if kind is not None:
            return f"{kind} in {carrier}"
    kind = next((kind for first, last, kind in _RANGES_6 if first <= number <= last), None)
    if kind is None and address not in _UNICAST and address not in _NAT64:
        return "reserved"
    return kind


def _carried(address: IPv6Address) -> list[tuple[IPv4Address, str]]:
    """The IPv4 addresses that an IPv6 address carries, with the name of each form."""
    number = int(address)
    found: list[tuple[IPv4Address, str]] = []
    if address in _NAT64:
        found.append((IPv4Address(number & _LOW), "NAT64"))
    if address in _COMPATIBLE and number > 1:
        found.append((IPv4Address(number & _LOW), "IPv4-compatible"))
    if address.sixtofour is not None:
        found.append((address.sixtofour, "6to4"))
    if address in _TEREDO:
        found += [(IPv4Address(number >> 64 & _LOW), "Teredo"), (IPv4Address(~number & _LOW), "Teredo")]
    if number >> 32 & _LOW in _ISATAP:
        found.append((IPv4Address(number & _LOW), "ISATAP"))
    return found


@dataclass(frozen=True, slots=True)
class Opening:
    """A network that may be connected to although it is not public."""

    network: Network
    port: int | None = None
    """None: every port."""

    def holds(self, address: Address, port: int) -> bool:
        """Whether it opens this port of a `plain` address."""
        return (self.port is None or self.port == port) and address in self.network


_OPENING = re.compile(
    r"(?:\[(?P<bracketed>[0-9a-f:.]+)\]|(?P<four>[0-9.]+)|(?P<six>[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*))"
    r"(?:/(?P<length>[0-9]{1,3}))?(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE | re.ASCII,
)


def read_opening(text: str) -> Opening:
    """Read ``CIDR`` or ``CIDR:PORT``: ``10.1.0.0/16``, ``127.0.0.1:8000``, ``fd00::/8``, ``[fd00::]/8:8080``.

    An address without a length is that address alone. An IPv6 address with a port stands in brackets.

    Raises:
        ValueError: in words for the user, with the value and the form.
    """
    found = _OPENING.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        host = found["bracketed"] or found["four"] or found["six"]
        network = ip_network(f"{host}/{found['length']}" if found["length"] else host, strict=False)
        port = int(found["port"]) if found["port"] else None
        if port is not None and not 0 < port < 65_536:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"--allow-net {text!r} is no network; write CIDR or CIDR:PORT, such as 10.1.0.0/16, 127.0.0.1/32:8000 "
            "or [fd00::]/8:8080"
        ) from None
    if network.network_address != ip_address(host):
        raise ValueError(f"--allow-net {text!r} is an address within a network; write {network} for all of it")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError(f"--allow-net {text!r} is IPv4 in the form of IPv6; write it as IPv4")
    return Opening(network, port)


def literal(host: str) -> Address | None:
    """The address that a host of a canonical URL is, None for a name."""
    if not host or not (host[-1].isdigit() or host[0] == "["):
        return None
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
