"""Every URL rule: what an href points to, what a page's own URL is, which URLs are compared as one.

Identity is the WHATWG URL standard's serialisation (the ``ada`` parser) with the fragment cut off; nothing else
is folded when a URL is stored. Comparison keys (`fold_page`) are made when a question is asked.

Sources: https://url.spec.whatwg.org/ (parsing), https://encoding.spec.whatwg.org/ (queries of pages that are
not UTF-8), https://html.spec.whatwg.org/multipage/urls-and-fetching.html#document-base-urls (base URL).
The rules one by one, and where to change each: docs/url-rules.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import ada_url

from crawler.suffixes import (
    is_internal,
    is_ip,
    is_public_suffix,
    operator_domain,
    registrable_domain,
    suffix_list_version,
)
from crawler.tracking import is_tracking
from storage.errors import InvalidUrl
from storage.records import CanonicalUrl, SkipReason

__all__ = [
    "Base",
    "QueryFold",
    "canonical_url",
    "document_base",
    "fold_page",
    "hide_credentials",
    "hide_in_href",
    "hide_in_source",
    "hide_inside",
    "is_internal",
    "is_ip",
    "is_public_suffix",
    "operator_domain",
    "registrable_domain",
    "resolve_href",
    "seed_url",
    "suffix_list_version",
]

QueryFold = Literal["tracking", "all", "none"]

_PARTS = re.compile(
    r"https?://(?:[^/?#@]*@)?(\[[^\]]*\]|[^:/?#]+)(?::[0-9]+)?(/[^?#]*)(?:\?[^#]*)?(?:(#).*)?", re.ASCII | re.DOTALL
)
"""A serialised http(s) URL: host, path, whether a fragment follows. User names hold no raw ``@``, paths no ``?``."""

# An href that needs no parser: each part holds only characters that the standard copies as they are, no path
# segment is a dot segment (those begin with "." or its escape), and none can be taken for a scheme.
_PATH_CHARS = r"[A-Za-z0-9_~!$&'()*+,;=:@%.\-]"
_SEGMENTS = rf"(?:/(?!\.|%2[eE]){_PATH_CHARS}*+)"
_PLAIN = re.compile(
    r"(?:((?:https?:)?//[A-Za-z0-9.\-]{1,200}(?::[0-9]{1,5})?)(?=[/?#]|\Z))?"
    rf"({_SEGMENTS}*+|[A-Za-z0-9_][A-Za-z0-9_~!$&'()*+,;=@%.\-]*+{_SEGMENTS}*+)"
    r"(\?[A-Za-z0-9_~!$&()*+,;=:@%/?.\[\]{}|\-]*+)?"
    r"(?:#([A-Za-z0-9_~!$&()*+,;=:@%/?.\[\]{}|\-]*+))?"
)
_LONGEST_PLAIN = 4096
# Of these schemes, what begins so is an opaque path: it always parses, and never to an http URL.
_OPAQUE = re.compile(r"(?:javascript|mailto|tel):[A-Za-z0-9+]")
_new = tuple.__new__  # a NamedTuple's own constructor takes twice the time

LONGEST_BASE = 8_192
"""Characters of a ``base[href]`` that is taken; servers refuse request lines of about that length."""
LONGEST_TARGET = 2_097_152
"""Characters of a URL; Chromium takes none that is longer."""

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_TAB_AND_NEWLINE = str.maketrans("", "", "\t\n\r")
_UTF8_QUERIES = frozenset({"utf-8", "utf-16le", "utf-16be", "replacement"})


class Base:
    """A base URL taken apart once, to resolve many hrefs against.

    Raises:
        InvalidUrl: the text is no absolute URL. (A base of another scheme than http is allowed, as
        ``<base href>`` may name one: relative hrefs then lead to that scheme.)
    """

    __slots__ = ("_directory", "_document", "_domain", "_host", "_origin", "_path", "_scheme", "url")

    def __init__(self, url: str) -> None:
        href = _parse(url, None)
        if href is None:
            raise InvalidUrl(hide_credentials(url), why="not an absolute URL")
        self.url = href = _anonymous(href)
        match = _PARTS.fullmatch(href)
        self._origin: str | None = None
        if match is None:
            return
        self._host = match[1]
        self._domain = registrable_domain(match[1])
        self._path = match[2]
        self._origin = href[: match.start(2)]
        self._scheme = href[: href.index("/")]
        self._directory = self._path[: self._path.rfind("/") + 1]
        self._document = href[: match.start(3)] if match[3] else href

    def __repr__(self) -> str:
        return f"Base({self.url!r})"

    def resolve(self, raw: str, charset: str = "utf-8") -> tuple[CanonicalUrl, str | None] | SkipReason:
        """Resolve one href; see `resolve_href`."""
        if len(raw) <= _LONGEST_PLAIN and (match := _PLAIN.fullmatch(raw)) is not None and self._origin is not None:
            site, path, query, fragment = match.groups()
            if site is not None:
                if (known := _site(site if site[0] != "/" else self._scheme + site)) is not None:
                    origin, host, domain = known
                    path = path or "/"
                    url = origin + path + query if query else origin + path
                    return _new(CanonicalUrl, (url, host, domain, path[:-1] if path[-1] == "/" else path)), fragment
            elif path[:2] != "//":
                if path == "":
                    path = self._path
                    url = self._document if query is None else self._origin + path + query
                else:
                    if path[0] != "/":
                        path = self._directory + path
                    url = self._origin + path + query if query else self._origin + path
                key = path[:-1] if path[-1] == "/" else path
                return _new(CanonicalUrl, (url, self._host, self._domain, key)), fragment
        if _OPAQUE.match(raw) is not None:
            return "not_http"
        return self._resolve_by_parser(raw, charset)

    def _resolve_by_parser(self, raw: str, charset: str) -> tuple[CanonicalUrl, str | None] | SkipReason:
        if not raw.isascii() and charset not in _UTF8_QUERIES:
            raw = _query_in(raw, charset)
        href = _parse(raw, self.url)
        if href is None or len(href) > LONGEST_TARGET:
            return "invalid_url"
        match = _PARTS.fullmatch(href)
        if match is None:
            return "not_http"
        return _canonical(href, match), href[match.end(3) :] if match[3] else None


def _scalar(text: str) -> str:
    """The text with each lone surrogate as U+FFFD, as browsers hand it to the parser."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _parse(text: str, base: str | None) -> str | None:
    """The standard's parser and serialiser; None is its failure."""
    try:
        return ada_url.normalize_url(text) if base is None else ada_url.join_url(base, text)
    except ValueError:
        scalar = text if text.isascii() else _scalar(text)
    return None if scalar == text else _parse(scalar, base)


def _canonical(href: str, match: re.Match[str]) -> CanonicalUrl:
    host, path = match[1], match[2]
    url = href[: match.start(3)] if match[3] else href
    if href[match.start(1) - 1] == "@":
        url = _anonymous(url)
    return CanonicalUrl(url, host, registrable_domain(host), path[:-1] if path[-1] == "/" else path)


@lru_cache(maxsize=50_000)
def _site(text: str) -> tuple[str, str, str] | None:
    """(origin, host, registrable domain) of ``scheme://host[:port]``; None where the parser refuses it."""
    href = _parse(text, None)
    match = _PARTS.fullmatch(href) if href else None
    if match is None or href is None:
        return None
    return href[: match.start(2)], match[1], registrable_domain(match[1])


def _query_in(raw: str, charset: str) -> str:
    """Write the non-ASCII part of an href's query as bytes of the page's encoding, escaped.

    Source: https://url.spec.whatwg.org/#query-state and #string-percent-encode-after-encoding
    """
    from crawler.legacy_encode import query_bytes

    text = _scalar(raw).strip(_C0_AND_SPACE).translate(_TAB_AND_NEWLINE)
    front, hash_sign, fragment = text.partition("#")
    path, mark, query = front.partition("?")
    if query.isascii():
        return raw
    escaped = "".join(
        f"%{byte:02X}" if byte <= 0x20 or byte >= 0x7F or byte in b"\"#<>'" else chr(byte)
        for byte in query_bytes(query, charset)
    )
    return f"{path}{mark}{escaped}{hash_sign}{fragment}"


@lru_cache(maxsize=256)
def _base(url: str) -> Base:
    return Base(url)


def resolve_href(raw: str, base: str | Base, charset: str = "utf-8") -> tuple[CanonicalUrl, str | None] | SkipReason:
    """Resolve an href as a browser does.

    Args:
        raw: the attribute's value, any text.
        base: the document's base URL. `Base` objects save the parsing of the base for every href.
        charset: WHATWG name of the page's encoding, lower-case; decides the bytes of non-ASCII queries.
    Returns:
        (target, fragment): the fragment as the standard writes it, None where the href has no ``#``.
        A user name and password in the href are no part of the target. Otherwise why there is no target:
        ``not_http`` (another scheme) or ``invalid_url`` (the parser fails). No text raises.
    Raises:
        InvalidUrl: ``base`` is not absolute.
    """
    return (base if isinstance(base, Base) else _base(base)).resolve(raw, charset)


def document_base(href: str | None, page: str, charset: str = "utf-8") -> str:
    """Return the base URL of a document: its first ``base[href]`` resolved against its own URL.

    Args:
        href: the attribute of the first ``base`` element that has one; None where there is none.
        page: the document's URL, after redirects.
    Returns:
        An absolute URL. The page's own where the attribute is no URL, a ``data:`` or ``javascript:`` URL, or longer
        than `LONGEST_BASE`: no server takes so long a URL, and every relative href of the page would repeat it.
    Source: https://html.spec.whatwg.org/multipage/semantics.html#frozen-base-url
    """
    if href is None:
        return page
    if not href.isascii() and charset not in _UTF8_QUERIES:
        href = _query_in(href, charset)
    url = _parse(href, page)
    if url is None or len(url) > LONGEST_BASE or url.startswith(("data:", "javascript:")):
        return page
    return _anonymous(url)


def canonical_url(text: str, base: str | None = None) -> CanonicalUrl:
    """Return an http(s) URL as the WHATWG standard writes it, without its fragment, user name and password.

    Idempotent: the result's ``url`` gives itself.

    Raises:
        InvalidUrl: no absolute http(s) URL after parsing (against ``base``, where one is given).
    """
    href = _parse(text, base)
    match = _PARTS.fullmatch(href) if href is not None else None
    if href is None or match is None:
        raise InvalidUrl(hide_credentials(text))
    return _canonical(href, match)


def _anonymous(href: str) -> str:
    """A serialised URL without user name and password; the standard ends the authority at the first slash."""
    return _USERINFO.sub(r"\1", href, count=1) if "@" in href else href


_USERINFO = re.compile(r"^([a-z][a-z0-9+.\-]*://)[^/?#]*@")
HIDDEN = "***"
"""Stands where a user name and password stood."""


def hide_credentials(text: str) -> str:
    """What somebody gave as a URL, with ``***`` for its user name and password: for messages, logs and rejected rows.

    Where a password with a raw ``/``, ``?`` or ``#`` in it may be why it is no URL, all before the last ``@`` goes.
    """
    return _hidden(text, _CREDENTIALS, _BROKEN_CREDENTIALS)


def hide_in_href(raw: str) -> str:
    """An href as it was written, with ``***`` for its user name and password.

    What has no authority stays as it is: an address of mail, an ``@`` in a path.
    """
    return _hidden(raw, _CREDENTIALS_OF_HREF, _BROKEN_CREDENTIALS_OF_HREF)


def hide_in_source(text: str) -> str:
    """One of the SEEDS, an address or the name of a file, with ``***`` for a user name and password."""
    return hide_credentials(text) if ":" in text.partition("@")[0] else text


def hide_inside(text: str) -> str:
    """Any text, with ``***`` for user name and password of each URL in it that is written from ``scheme://`` on."""
    return _CREDENTIALS_INSIDE.sub(rf"\1{HIDDEN}@", text) if "@" in text else text


def _hidden(text: str, credentials: re.Pattern[str], broken: re.Pattern[str]) -> str:
    if "@" not in text:
        return text
    plain = text.strip(_C0_AND_SPACE).translate(_TAB_AND_NEWLINE)  # as the parser reads it
    found = broken.match(plain) or credentials.match(plain)
    return text if found is None else found[1] + HIDDEN + plain[found.end() - 1 :]


_AUTHORITY = r"(?:[a-z][a-z0-9+.\-]*:)?[/\\]{2,}|https?:[/\\]*"
_ANY_BEGINNING = r"(?:[a-z][a-z0-9+.\-]*:)?[/\\]*"
_ENDS_EARLY = r"[^/\\?#:@\[\]]*:(?![0-9]{0,5}(?:[/\\?#]|\Z))[^/\\?#@]*[/\\?#].*@"
"""A colon that begins no port, and an ``@`` only behind the end of the authority: half a password."""
_CREDENTIALS = re.compile(rf"({_ANY_BEGINNING})[^/\\?#]*@", re.IGNORECASE)
_BROKEN_CREDENTIALS = re.compile(rf"({_ANY_BEGINNING}){_ENDS_EARLY}", re.IGNORECASE | re.DOTALL)
_CREDENTIALS_OF_HREF = re.compile(rf"({_AUTHORITY})[^/\\?#]*@", re.IGNORECASE)
_BROKEN_CREDENTIALS_OF_HREF = re.compile(rf"({_AUTHORITY}){_ENDS_EARLY}", re.IGNORECASE | re.DOTALL)
_CREDENTIALS_INSIDE = re.compile(
    r"""((?:[a-z][a-z0-9+.\-]{0,30}:|(?<![^\s"'<(=,;]))[/\\]{2,})(?![^\s/\\?#"'<>@]*\*\*\*@)[^\s/\\?#"'<>]*@""",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_HOST_AND_PORT = re.compile(
    r"(?:localhost|[^/\\?#:@]*\.[^/\\?#:@]*|\[[0-9A-Fa-f:.]+\]):[0-9]*(?:[/\\?#]|\Z)", re.IGNORECASE
)
_USER_AND_PASSWORD = re.compile(r"(?!(?:mailto|sips?|xmpp):)[^/\\\\?#:@]*:[^/\\\\?#@]*@", re.IGNORECASE)
_QUOTES = (('"', '"'), ("'", "'"), ("<", ">"), ("\u201c", "\u201d"), ("\u2018", "\u2019"), ("\xab", "\xbb"), ("`", "`"))
_BLANKS = "".join(char for char in map(chr, range(0x3001)) if char.isspace() or char < "\x20") + (
    "\x7f\u200b\u200e\u200f\u2060\ufeff"
)
"""White space of every kind, control characters, and marks without width that come along with a copied cell."""
_BLANK = re.compile(f"[{re.escape(_BLANKS)}]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?")


def seed_url(text: str) -> CanonicalUrl:
    """Return the page that a user means by one cell of a list.

    Blanks and quotes around it are dropped, https is assumed where no scheme is written, host names may be
    written in any script, a dot after the whole host name is dropped. The rest is `canonical_url`.

    Raises:
        InvalidUrl: with the reason: empty, white space inside, another scheme, no host, no dot in a name
            written without a scheme, a name that no host can have, a bad port, or credentials. A user name or
            password is refused, not dropped: the page meant is another than the one that would be fetched, and
            the ledger keeps no secrets. The error does not repeat them.
    """
    given = _bare(text)
    shown = hide_credentials(given)
    if not given:
        raise InvalidUrl(text.strip(), why="empty")
    if _BLANK.search(given):
        raise InvalidUrl(shown, why="not one URL: it has white space inside (in a path, write %20)")
    scheme = _SCHEME.match(given)
    has_scheme = scheme is not None and scheme[1].lower() in ("http", "https")
    if has_scheme:
        url = given
    elif scheme is not None and not _HOST_AND_PORT.match(given) and not _USER_AND_PASSWORD.match(given):
        raise InvalidUrl(shown, why=f"of the scheme {scheme[1].lower()}; only http and https pages are fetched")
    elif given.startswith(("//", "\\\\")):
        url, has_scheme = "https:" + given, True
    elif given[0] in "/\\?#.":
        raise InvalidUrl(shown, why="without a host: a relative address needs the site before it")
    else:
        url = "https://" + given
    return _seed(url, shown, has_scheme=has_scheme)


def _bare(text: str) -> str:
    """The cell without the blanks and paired quotes around it; quotes within quotes a few times over."""
    for _ in range(4):
        text = text.strip(_BLANKS)
        for left, right in _QUOTES:
            if len(text) >= 2 and text[0] == left and text[-1] == right:
                text = text[1:-1]
    return text.strip(_BLANKS)


def _seed(url: str, shown: str, *, has_scheme: bool) -> CanonicalUrl:
    href = _parse(url, None)
    match = _PARTS.fullmatch(href) if href is not None else None
    if href is None or match is None:
        raise InvalidUrl(shown, why=_why_unparsable(url))
    host = match[1]
    if "@" in href[: match.start(1)]:
        raise InvalidUrl(
            shown, why="an e-mail address, or a URL with a user name or password; give the page's URL without them"
        )
    if host[-1] == "." and host.strip("."):
        host = host[:-1]
        href = href[: match.start(1)] + host + href[match.end(1) :]
    if not is_ip(host):
        if host in ("http", "https"):
            raise InvalidUrl(shown, why="a URL with its scheme written twice")
        if not has_scheme and "." not in host and host != "localhost":
            raise InvalidUrl(
                shown, why="no host name: it has no dot (write http:// before the name of a local machine)"
            )
        if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
            raise InvalidUrl(shown, why=f"on {host[:80]!r}, which is no valid host name")
    return canonical_url(href)


def _why_unparsable(url: str) -> str:
    rest = re.sub(r"^[A-Za-z]+:[/\\]*", "", url)
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if not authority:
        return "without a host"
    name, colon, port = authority.rpartition(":")
    if colon and (not name.startswith("[") or name.endswith("]")):
        if not re.fullmatch("[0-9]*", port):
            # What stands there may be half a password.
            shown = "" if "@" in url else f" {port!r}"
            return f"not a URL: its port{shown} is no number"
        if port and int(port[:9]) > 65535:
            return f"not a URL: its port {port} is above 65535"
        authority = name
    return f"not a URL: {authority[:80]!r} is no valid host name or address"


def fold_page(url: CanonicalUrl, *, query: QueryFold) -> str:
    """Return the key under which page URLs are compared: no scheme, no ``www.``, no final slash.

    Args:
        query: ``tracking`` drops the parameters of data/tracking_params.tsv, ``all`` the whole query, ``none`` nothing.
    Returns:
        ``example.com/a?b=1`` for ``https://www.example.com/a/?b=1&utm_source=x``. The order of parameters, the
        case of the path and ports other than the scheme's own are kept: servers tell them apart.
    """
    authority, _, rest = url.url.partition("://")[2].partition("/")
    if url.host.startswith("www."):
        bare = url.host[4:]
        if "." in bare and not is_public_suffix(bare):
            user, at, name = authority.rpartition("@")
            authority = f"{user}{at}{name[4:]}"
    _, mark, wanted = rest.partition("?")
    if mark and query == "tracking":
        wanted = "&".join(part for part in wanted.split("&") if part and not is_tracking(part))
    if query == "all" or not wanted:
        return authority + url.path_key
    return f"{authority}{url.path_key}?{wanted}"
