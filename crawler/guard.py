"""The address guard: holds every connection of this process to addresses that are not public.

What counts is the address that is connected, whoever connects: Python tells an audit hook of each connection before it
is made, and there it is stopped. So the guard does not depend on the download handler, on a redirect being seen as one,
or on a name resolving to the same address twice. `crawler.resolver` stands in front of it: no address that is refused
is handed out at all.

Not held: connections made by C libraries by themselves, such as those of the database driver.
Source: https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, SOCK_STREAM, getaddrinfo
from typing import TYPE_CHECKING, Any

from crawler.addresses import Address, Opening, kind_of, plain, read_opening
from crawler.proxies import proxies_of
from storage.errors import LedgerError

if TYPE_CHECKING:
    from crawler.plan import CrawlPlan

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
"""What sends something to an address; connect stands for connect_ex too."""


class ProxyNotFound(LedgerError):
    """The name of a proxy does not resolve."""


class _Stopped(int):
    """The error number of a stopped connection, with the reason: the number is all that Twisted keeps of an error."""

    reason: str

    def __new__(cls, reason: str) -> _Stopped:
        number = super().__new__(cls, errno.EACCES)
        number.reason = reason
        return number


class AddressRefused(OSError):
    """A connection to an address that is not public, before it was made.

    An OSError, so that whoever connects sees a failed connection.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(_Stopped(reason), reason)


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be connected to: every public address, and what was opened."""

    openings: tuple[Opening, ...] = ()
    proxies: tuple[Opening, ...] = ()
    """Addresses of the crawl's proxies, one port each. They are open to connections, not to pages."""
    proxy_hosts: frozenset[tuple[str, int]] = frozenset()
    """The proxies as they are named."""

    def refusal(self, address: Address, port: int) -> str | None:
        """Why no page is asked from an address: its kind, such as ``loopback``; None where it may be."""
        kind = kind_of(address)
        if kind is None or any(opening.holds(plain(address), port) for opening in self.openings):
            return None
        return kind

    def reason(self, address: Address, port: int) -> str | None:
        """The same as the reason of an outcome: ``address 127.0.0.1 (loopback)``."""
        kind = self.refusal(address, port)
        return None if kind is None else f"address {plain(address)} ({kind})"

    def check(self, target: Any) -> None:
        """Let a connection pass, to a proxy as well.

        Args:
            target: as `socket.connect` takes it for IPv4 and IPv6: (host, port, ...).
        Raises:
            AddressRefused: it is not open, or named: a name would be resolved below, unseen.
        """
        host, port = target[0], target[1]
        text = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
        try:
            address = ip_address(text)
        except ValueError:
            raise AddressRefused(f"address {text[:255]!r} (a name)") from None
        if any(opening.holds(plain(address), port) for opening in self.proxies):
            return
        reason = self.reason(address, port)
        if reason is not None:
            raise AddressRefused(reason)


STRICT = Guard()
"""Nothing is opened."""
_in_force: Guard | None = None
_hooked = False


def guard_of(plan: CrawlPlan) -> Guard:
    """The guard of a crawl.

    Raises:
        ProxyNotFound: a proxy's name does not resolve.
    """
    proxies = proxies_of(plan.proxy).values()
    addresses = dict.fromkeys(
        Opening(network.network, proxy.port) for proxy in proxies for network in _addresses(proxy.host, proxy.port)
    )
    return Guard(
        openings=tuple(read_opening(text) for text in plan.allow_net),
        proxies=tuple(addresses),
        proxy_hosts=frozenset((proxy.host, proxy.port) for proxy in proxies),
    )


def _addresses(host: str, port: int) -> Iterator[Opening]:
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ProxyNotFound(f"the proxy {host}:{port} cannot be found: its name does not resolve") from None
    for *_, target in found:
        yield read_opening(str(plain(ip_address(target[0]))))


def in_force() -> Guard:
    """The guard of this process; the strictest where none was armed."""
    return STRICT if _in_force is None else _in_force


def arm(guard: Guard) -> None:
    """Hold all connections of this process to a guard from now on, whichever thread makes them."""
    global _in_force, _hooked
    _in_force = guard
    if not _hooked:
        _hooked = True
        sys.addaudithook(_hook)


@contextmanager
def guarded(guard: Guard) -> Iterator[None]:
    """The same while the block runs. The hook stays, as hooks do, and lets everything pass again."""
    global _in_force
    before = _in_force
    arm(guard)
    try:
        yield
    finally:
        _in_force = before


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS or _in_force is None:
        return
    connection, target = arguments
    # Other families (sockets in the file system, pairs) lead to no other machine; a connected one names no target.
    if target is not None and connection.family in (AF_INET, AF_INET6):
        _in_force.check(target)


def stopped(error: BaseException | None) -> str | None:
    """The reason, where an error comes from a connection that the guard has stopped; None for any other."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for number in (getattr(error, "errno", None), getattr(error, "osError", None)):
            if isinstance(number, _Stopped):
                return number.reason
        error = error.__cause__ or error.__context__
    return None
