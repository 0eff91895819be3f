"""Looks up host names, and hands out only addresses that the guard lets pages be asked from.

Named in the setting TWISTED_DNS_RESOLVER, it is asked for every http and https connection of Scrapy's download handler,
for names and for addresses as written.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, EAI_ADDRFAMILY, EAI_NODATA, SOCK_STREAM, gaierror, getaddrinfo
from typing import TYPE_CHECKING, Any

from ada_url import idna
from scrapy.resolver import HostResolution
from scrapy.utils.datatypes import LocalCache
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.threads import deferToThreadPool
from zope.interface import implementer  # type: ignore[import-untyped]

from crawler.addresses import Address
from crawler.guard import in_force

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

_known: LocalCache[str, tuple[Address, ...]] = LocalCache(10_000)
"""Every address of a name that was looked up, for as long as the process runs, as Scrapy keeps them. What is kept are
addresses and no verdicts: these depend on the port."""


@implementer(IHostnameResolver)
class GuardedResolver:
    """Resolves names once each, in threads, within DNS_TIMEOUT."""

    def __init__(self, reactor: Any, size: int, timeout: float) -> None:
        self._reactor, self._timeout = reactor, timeout
        _known.limit = size

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> GuardedResolver:
        settings = crawler.settings
        size = settings.getint("DNSCACHE_SIZE") if settings.getbool("DNSCACHE_ENABLED") else 0
        return cls(reactor, size, settings.getfloat("DNS_TIMEOUT"))

    def install_on_reactor(self) -> None:
        """Scrapy asks for it before the event loop runs."""
        self._reactor.installNameResolver(self)

    def resolveHostName(  # noqa: N802 - Twisted's name
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[Any]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> HostResolution:
        """Tell one address of a name, or none: it does not resolve, or the guard refuses it."""
        name = hostName if hostName.isascii() else idna.encode(hostName).decode("ascii")
        resolution = HostResolution(name)
        resolutionReceiver.resolutionBegan(resolution)

        def answer(addresses: tuple[Address, ...]) -> None:
            if _refusal(name, portNumber, addresses) is None:
                # One, as Scrapy's own resolver has it: with several, a slow server would be connected to several times.
                for address in addresses[:1]:
                    kind = IPv4Address if address.version == 4 else IPv6Address
                    if addressTypes is None or kind in addressTypes:
                        resolutionReceiver.addressResolved(kind("TCP", str(address), portNumber))
            resolutionReceiver.resolutionComplete()

        known = addresses_of(name)
        if known is not None:
            answer(known)
            return resolution
        lookup = deferToThreadPool(self._reactor, self._reactor.getThreadPool(), look_up, name)
        lookup.addTimeout(self._timeout, self._reactor)
        lookup.addCallbacks(lambda found: _keep(name, found), lambda _: ())
        lookup.addCallback(answer)
        return resolution


def look_up(name: str) -> tuple[Address, ...]:
    """Every IPv4 address of a name; every IPv6 address of one that has no others. It waits: call it in a thread."""
    for family in (AF_INET, AF_INET6):
        try:
            found = getaddrinfo(name, None, family, SOCK_STREAM)
        except gaierror as error:
            if family == AF_INET and error.errno in (EAI_NODATA, EAI_ADDRFAMILY):
                continue
            break
        except (OSError, UnicodeError):
            break
        return tuple(dict.fromkeys(ip_address(str(target[0])) for *_, target in found))
    return ()


def addresses_of(name: str) -> tuple[Address, ...] | None:
    """The addresses of a host as far as they are known: of an address itself, and of names looked up before."""
    try:
        return (ip_address(name.strip("[]")),)
    except ValueError:
        return _known.get(name)


def refusal_of(host: str, port: int) -> str | None:
    """Why a host is not asked, such as ``address 10.0.0.5 (private)``, as far as its addresses are known."""
    return _refusal(host, port, addresses_of(host) or ())


def _refusal(name: str, port: int, addresses: tuple[Address, ...]) -> str | None:
    """Refuses a name for a single address that is not public, among others that are.

    Whoever connects would take one of them, by luck or after the others failed; and a name that means a public and a
    private address is set up wrongly or to deceive. The reason names the address, so that the owner can be told.
    """
    guard = in_force()
    if any(name == host and port in (0, its_port) for host, its_port in guard.proxy_hosts):
        return None  # the connection itself is held to the proxy's address and port
    return next((reason for address in addresses if (reason := guard.reason(address, port))), None)


def _keep(name: str, found: tuple[Address, ...]) -> tuple[Address, ...]:
    if found:
        _known[name] = found
    return found
