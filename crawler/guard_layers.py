"""The guard among the layers a request passes: what it refuses becomes an outcome, and a proxy is not asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import CannotResolveHostError
from scrapy.utils.httpobj import urlparse_cached

from crawler.addresses import literal
from crawler.guard import in_force, stopped
from crawler.outcomes import ASK, Decided, ask_of
from crawler.proxies import bypassed, proxies_of
from crawler.resolver import refusal_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

_PORTS = {"http": 80, "https": 443}


def _place(request: Request) -> tuple[str, str, int]:
    """Scheme, host and port of a request."""
    parts = urlparse_cached(request)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


class RefusalMiddleware:
    """Names what the guard has refused, before it looks like a connection that might work the next time."""

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Leave any other exception alone.

        Raises:
            Decided: refused, with the address and its kind.
        """
        if ASK not in request.meta:
            return
        reason = stopped(exception)
        if reason is None and isinstance(exception, CannotResolveHostError):
            _, host, port = _place(request)
            reason = refusal_of(host, port)
        if reason is not None:
            raise Decided("refused", reason, ask_of(request)) from exception


class ProxyMiddleware:
    """Sends requests through the proxies of the plan. Only there where a plan names one."""

    def __init__(self, crawler: Crawler) -> None:
        self._given: str | None = crawler.settings["LINKLEDGER_PROXY"]
        self._proxies = proxies_of(self._given)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ProxyMiddleware:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Name the request's proxy, and show credentials to it alone.

        Raises:
            Decided: refused; the host is an address that is not public. The proxy would connect to it.
        """
        scheme, host, port = _place(request)
        address = literal(host)
        reason = None if address is None else in_force().reason(address, port)
        if reason is not None and ASK in request.meta:
            raise Decided("refused", reason, ask_of(request))
        proxy = None if bypassed(self._given, host) else self._proxies.get(scheme)
        # A request of a redirect has the headers of the one before, which may have gone another way.
        request.headers.pop(b"Proxy-Authorization", None)
        request.meta["proxy"] = None if proxy is None else proxy.url
        if proxy is not None and proxy.authorization is not None:
            request.headers[b"Proxy-Authorization"] = proxy.authorization
