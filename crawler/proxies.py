"""Which proxies a crawl uses: none unless its plan names one, those of the environment included.

Behind a proxy the address guard cannot see which address is connected, so that takes a decision.
"""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

from crawler.proxy_url import ENVIRONMENT, Proxy, read_proxy
from storage.errors import LedgerError

_SCHEMES = ("http", "https")


class BadProxy(LedgerError):
    """A proxy of the environment that cannot be used, or none where one was asked for."""


def proxies_of(given: str | None) -> dict[str, Proxy]:
    """The proxies for http and https pages, by scheme; empty without any.

    Args:
        given: ``CrawlPlan.proxy``.
    Raises:
        BadProxy: what the environment names is no proxy, or it names none. The value is not shown.
    """
    if given is None:
        return {}
    if given != ENVIRONMENT:
        return dict.fromkeys(_SCHEMES, read_proxy(given))
    named = _in_environment()
    if not named:
        raise BadProxy("--proxy environment: neither http_proxy nor https_proxy is set; leave --proxy out to use none")
    try:
        return {scheme: read_proxy(text, named=f"{scheme}_proxy") for scheme, text in named.items()}
    except ValueError as error:
        raise BadProxy(str(error)) from None


def bypassed(given: str | None, host: str) -> bool:
    """Whether a host is asked directly: ``no_proxy`` goes with the proxies of the environment."""
    return given == ENVIRONMENT and bool(proxy_bypass(host))


def unused(given: str | None) -> str | None:
    """What the user is told where the environment names a proxy and the plan does not."""
    names = [f"{scheme}_proxy" for scheme in _in_environment()] if given is None else []
    if not names:
        return None
    them = "it" if len(names) == 1 else "them"
    return f"not used: {' and '.join(names)} of the environment; crawl --proxy environment goes through {them}"


def _in_environment() -> dict[str, str]:
    return {scheme: text for scheme, text in getproxies().items() if scheme in _SCHEMES and text}
