"""How a proxy is named: ``http://user:password@host:port``, and what of that may be shown."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

ENVIRONMENT = "environment"
"""In place of a proxy's URL: those of the variables ``http_proxy`` and ``https_proxy``."""


class Proxy(NamedTuple):
    """A proxy that requests are sent to over plain HTTP."""

    host: str
    """A name or an address; IPv6 without brackets."""
    port: int
    authorization: bytes | None = None
    """The value of Proxy-Authorization."""

    @property
    def url(self) -> str:
        """Without its credentials."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def read_proxy(text: str, *, named: str = "--proxy") -> Proxy:
    """Read a proxy's URL; without a scheme it is taken for http, without a port for port 80.

    Args:
        named: where it comes from, for the message.
    Raises:
        ValueError: in words for the user, which never hold the value: that may hold a password.
    """
    wrong = ValueError(f"{named} is no proxy; write http://HOST:PORT, with USER:PASSWORD@ before HOST if it asks")
    given = text.strip()
    if not given.isprintable() or not given.isascii():
        raise wrong
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme != "http":
        raise ValueError(f"{named}: only proxies that are spoken to over http:// are supported")
    if not host or port == 0 or parts.path.strip("/") or parts.query or parts.fragment:
        raise wrong
    authorization = None
    if parts.username is not None:
        words = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
        authorization = b"Basic " + b64encode(words)
    return Proxy(host, 80 if port is None else port, authorization)


def shown(proxy: str | None) -> str | None:
    """A plan's proxy without credentials, as it may be kept and shown."""
    return proxy if proxy is None or proxy == ENVIRONMENT else read_proxy(proxy).url
