"""Every fault of the hostile server, and what a crawl has to make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from hostile_addresses import ADDRESSES, SCHEMES
from hostile_answers import (
    END,
    LINKS,
    MIB,
    PAGE,
    SPACES,
    START,
    attributes,
    bombing,
    built,
    calendar,
    chunk,
    corrupt_gzip,
    cut_packed,
    endlessly,
    facets,
    head,
    hops,
    many,
    packed,
    page,
    redirect,
    relative_loop,
    reset_at_once,
    says,
    sessions,
    slow_hops,
    status,
    thousands,
)
from hostile_good import HOSTS, good_page
from hostile_site import Answer, Asked, Pieces

MAX_LINKS = 5_000
"""The crawl's ``--max-links``."""
WHOLE = LINKS
"""Links of a page that was read whole, or of one cut off behind them."""


class Fault(NamedTuple):
    """One URL that something is wrong with."""

    id: str
    answer: Answer
    outcome: str
    reason: str | None = None
    links: int | None = None
    """Links kept of it; None where there is no page."""
    robots: Answer | None = None
    """Where the fault is in robots.txt: that answer."""
    group: str | None = None
    """Faults that take no time share a host by this name; the others have one of their own."""
    path: str | None = None
    """Where it is not ``/ID``."""
    scheme: str = "http"
    long: bool = False
    """Whether it takes many seconds of a processor, and is left to the long form of the tests."""
    varies: bool = False
    """Whether what was read depends on time."""


def fetched(name: str, answer: Answer, group: str | None = None, links: int = WHOLE) -> Fault:
    return Fault(name, answer, "fetched", None, links, group=group)


def partial(name: str, answer: Answer, reason: str, links: int = WHOLE, varies: bool = False) -> Fault:
    return Fault(name, answer, "partial", reason, links, varies=varies)


def failed(name: str, answer: Answer, reason: str, group: str | None = None) -> Fault:
    return Fault(name, answer, "failed", reason, group=group)


# -- compression -------------------------------------------------------------------------------------------------------

BOMBS: list[tuple[str, ...]] = [
    ("gzip",), ("deflate",), ("raw",), ("br",), ("zstd",), ("gzip", "gzip"), ("gzip", "br"), ("br", "zstd"),
]  # fmt: skip
"""Layers, innermost first; each twice, so that sixteen come at once."""

COMPRESSION = [
    *(partial(f"bomb_{'_'.join(layers)}_{n}", bombing(*layers), "size") for layers in BOMBS for n in (1, 2)),
    failed("bomb_of_four_layers", bombing("gzip", "gzip", "br", "zstd"), "content_encoding too many layers"),
    *(partial(f"cut_{layer}", cut_packed(layer), "cut") for layer in ("gzip", "deflate", "br", "zstd")),
    partial("corrupt_gzip", corrupt_gzip, "corrupt"),
    failed("no_gzip_at_all", page(PAGE, "Content-Encoding: gzip"), "content_encoding not gzip", "packing"),
    failed("unknown_packing", page(PAGE, "Content-Encoding: sdch"), "content_encoding sdch", "packing"),
    fetched("named_identity", page(PAGE, "Content-Encoding: identity, ,"), "packing"),
    fetched("junk_behind_gzip", page(packed(PAGE, "gzip") + b"junk", "Content-Encoding: gzip"), "packing"),
]

# -- bodies and headers ------------------------------------------------------------------------------------------------

HEADERS_20000 = b"".join(b"X-%d: 1\r\n" % n for n in range(20_000))


SIZE_OR_TIME = "size|time"
"""Whichever is reached first."""


def cookie_monster(asked: Asked) -> Pieces:
    yield from page(PAGE, "Set-Cookie: spy=1; Path=/", "Set-Cookie: spy=2; Domain=127.0.1.1", "Refresh: 0; url=/spied")(
        asked
    )


BODIES = [
    partial("endless_body", endlessly(head() + START, b" " * 65_536), SIZE_OR_TIME, varies=True),
    partial("endless_chunks", endlessly(head("Transfer-Encoding: chunked") + chunk(START), chunk(b" " * 65_536)),
            SIZE_OR_TIME, varies=True),
    partial("huge_length", endlessly(head(length=10**15) + START, b" " * 65_536), SIZE_OR_TIME, varies=True),
    partial("drip", endlessly(head() + START, b"<p>", 0.2), "time", varies=True),
    partial("chunked_drip", endlessly(head("Transfer-Encoding: chunked") + chunk(START), chunk(b"<p>"), 0.2), "time",
            varies=True),
    failed("silence_behind_the_links", says(head(length=10**6), START, 3600.0), "timeout"),
    failed("stall", says(3600.0), "timeout"),
    failed("slow_headers", endlessly(b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n", 0.2), "timeout"),
    failed("slow_status_line", endlessly(b"HTTP/1.1 2", b"0", 0.2), "timeout"),
    failed("endless_headers", endlessly(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 1000), "headers"),
    failed("endless_header_line", endlessly(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65_536), "headers"),
    failed("endless_status_line", endlessly(b"HTTP/1.1 200 ", b"x" * 65_536), "headers"),
    failed("endless_interim_answers", endlessly(b"", b"HTTP/1.1 102 Wait\r\n\r\n" * 500), "headers"),
    failed("headers_20000", says(b"HTTP/1.1 200 OK\r\n" + HEADERS_20000 + b"\r\n", PAGE), "headers"),
    failed("header_of_80_kib", page(PAGE, "X-Long: " + "x" * 81_920), "headers"),
    fetched("header_of_40_kib", page(PAGE, "X-Long: " + "x" * 40_960), "headers"),
    fetched("header_of_8_kib", page(PAGE, "Set-Cookie: " + "x" * 8_000), "headers"),
    failed("short_body", says(head(length=5000), PAGE), "cut"),
    failed("chunks_without_end", says(head("Transfer-Encoding: chunked"), chunk(PAGE)), "cut"),
    failed("bad_chunk", says(head("Transfer-Encoding: chunked"), chunk(START) + b"zz\r\n" + END), "cut"),
    failed("negative_chunk", says(head("Transfer-Encoding: chunked"), chunk(START) + b"-5\r\n" + END), "cut"),
    failed("endless_chunk_line", endlessly(head("Transfer-Encoding: chunked"), b"1" * 65_536), "cut"),
    failed("reset", reset_at_once, "connect"),
    failed("closed_at_once", says(), "connect"),
    failed("negative_length", says(head(length=-5), PAGE), "protocol"),
    failed("length_in_words", says(head(length="many"), PAGE), "protocol"),
    failed("two_lengths", says(head("Content-Length: 5", length=len(PAGE)), PAGE), "protocol"),
    fetched("http_1_0_with_its_end", says(head(status="HTTP/1.0 200 OK"), PAGE)),
    partial("http_1_0_without_its_end", says(head(status="HTTP/1.0 200 OK"), START), "no_length"),
    failed("http_0_9", says(b"<html>\r\n" + PAGE), "protocol"),
    failed("garbage", says(bytes(range(256)) * 8), "protocol"),
    failed("bare_line_ends", says(b"\n\n\n\n"), "protocol"),
    failed("status_999", status("999 Request denied"), "http:999", "status"),
    failed("status_600", status("600 ?"), "http:600", "status"),
    failed("status_of_words", status("HTTP/1.1 OK"), "protocol", "status"),
    fetched("http_of_the_future", status("HTTP/9.9 200 OK"), "status"),
    fetched("status_without_a_phrase", status("HTTP/1.1 200"), "status"),
    failed("error_page_with_links", status("404 Not Found"), "http:404", "status"),
    failed("refusal_with_links", status("403 Forbidden"), "http:403", "status"),
    failed("fault_with_links", status("500 Oops"), "http:500"),
    failed("retry_after_nonsense", status("503 Busy", "Retry-After: Mon, 99 Foo 20266 99:99:99 +9999"), "http:503"),
    failed("retry_after_year_one", status("429 Busy", "Retry-After: Mon, 01 Jan 0001 00:00:00 +2359"), "http:429"),
    failed("status_204", says(head(status="HTTP/1.1 204 No Content")), "http:204", "status"),
    failed("status_205", status("205 Reset", body=b""), "http:205", "status"),
    failed("status_304_unasked", says(head(status="HTTP/1.1 304 Not Modified")), "http:304", "status"),
    Fault("status_206_unasked", status("206 Partial", "Content-Range: bytes 0-99/5000"), "partial", "http:206", WHOLE,
          group="status"),
    fetched("early_hints", says(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head(length=len(PAGE)) + PAGE)),
    fetched("controls_in_headers", page(PAGE, "ETag: \"\x1b[31m\x07\"", "X-Robots-Tag: \x1b]52;c;x\x07",
                                        "Link: <\x9b31m>; rel=canonical", "Server: \x7f\x01\x02"), "headers"),
    fetched("nul_in_headers", page(PAGE, "ETag: \"a\x00b\"", "X-Robots-Tag: no\x00follow",
                                   "Content-Language: \x00", "Last-Modified: \x00"), "headers"),
    fetched("surrogates_in_headers", page(PAGE, "ETag: \"\udced\udca0\udc80\"", "X-Robots-Tag: \udcff\udcfe"),
            "headers"),
    fetched("cookies", cookie_monster, "headers"),
    failed("tls_spoken_to_plain_http", page(), "tls")._replace(scheme="https"),
]  # fmt: skip

# -- types and charsets ------------------------------------------------------------------------------------------------

CHARSETS = ["rot13", "idna", "zlib", "undefined", "hex", "base64", "punycode", "unicode_escape", "utf-7", "\x1b[31m",
            "x" * 5000, "none", "utf-16"]  # fmt: skip


def charset(name: str) -> Answer:
    return page(PAGE, content_type=f"text/html; charset={name}")


def said_inside(name: str) -> Answer:
    return page(PAGE.replace(b"<head>", f'<head><meta charset="{name}">'.encode()), content_type="text/html")


TYPES = [
    *(fetched(f"charset_{name[:12].strip(chr(27))}", charset(name), "charset") for name in CHARSETS
      if name != "utf-16"),
    *(fetched(f"meta_charset_{name[:12].strip(chr(27))}", said_inside(name), "charset") for name in CHARSETS),
    Fault("png_said_to_be_html", page(b"\x89PNG\r\n\x1a\n" + PAGE), "skipped", "content_type binary", group="types"),
    Fault("pdf_said_to_be_html", page(b"%PDF-1.7" + PAGE), "skipped", "content_type binary", group="types"),
    Fault("zip_said_to_be_html", page(b"PK\x03\x04" + PAGE), "skipped", "content_type binary", group="types"),
    Fault("gzip_said_to_be_html", page(packed(PAGE, "gzip")), "skipped", "content_type binary", group="types"),
    fetched("noise_said_to_be_html", page(b"\x00\xff\xfe" + bytes(range(256)) * 40), "types", 0),
    Fault("json", page(b"{}", content_type="application/json"), "skipped", "content_type application/json",
          group="types"),
    Fault("no_type_no_html", page(b"hello", content_type=None), "skipped", "content_type unknown", group="types"),
    fetched("no_type_but_html", page(content_type=None), "types"),
    Fault("type_with_controls", page(content_type="text/\x1b[31mhtml\x07"), "skipped",
          "content_type text/\x1b[31mhtml\x07", group="types"),
    fetched("nothing_at_all", page(b""), "types", 0),
]  # fmt: skip

# -- redirects ---------------------------------------------------------------------------------------------------------


def with_head(inside: bytes, *headers: str) -> Answer:
    return page(PAGE.replace(b"<head>", b"<head>" + inside), *headers)


REDIRECTS = [
    *(Fault(f"to_scheme_{n}", redirect(target), "refused", "scheme", group="schemes")
      for n, target in enumerate(SCHEMES)),
    *(Fault(f"to_{name}", redirect(target), "refused", f"address {address}", group=f"addresses_{n % 4}")
      for n, (name, target, address) in enumerate(ADDRESSES)),
    failed("to_itself", redirect("/to_itself"), "redirect_loop", "hops"),
    failed("hops", hops, "redirect_limit", "hops"),
    failed("slow_hops", slow_hops, "url_timeout")._replace(varies=True),
    failed("to_no_url", redirect("http://[::1"), "redirect_invalid", "hops"),
    failed("to_a_bad_port", redirect("http://127.0.1.1:99999/"), "redirect_invalid", "hops"),
    Fault("to_an_endless_url", redirect("/" + "a" * 3000), "skipped", "url_too_long", group="hops"),
    failed("to_an_empty_place", redirect(""), "http:302", "hops"),
    fetched("to_bytes_that_are_no_text", says(b"HTTP/1.1 302 x\r\nLocation: /whole?\xff\xfe\xed\xa0\x80\r\n"
                                              b"Content-Length: 0\r\n\r\n"), "hops"),
    fetched("to_controls", redirect("/whole?\x1b]52;c;x\x07\x7f\x9b"), "hops"),
    fetched("to_a_nul", redirect("/whole?\x00"), "hops"),
    fetched("whole", page(), "hops"),
    fetched("refreshed_to_the_canary", with_head(b"<meta http-equiv=refresh content='0;url=http://127.99.0.1/'>",
                                                 "Refresh: 0; url=//127.99.0.1/"), "hops"),
    fetched("based_on_the_canary", with_head(b"<base href='http://127.99.0.1/'>", "Link: </x>; rel=preload",
                                             "Content-Location: http://127.99.0.1/"), "hops"),
]  # fmt: skip

# -- robots.txt --------------------------------------------------------------------------------------------------------

FORBIDDING = b"User-agent: *\nDisallow: /"
NOTHING_FOR_US = b"User-agent: *\nDisallow: /elsewhere\n"


def rules(name: str, robots: Answer, outcome: str, reason: str | None = None) -> Fault:
    return Fault(f"robots_{name}", page(), outcome, reason, WHOLE if outcome == "fetched" else None, robots)


def text(body: bytes, *headers: str) -> Answer:
    return page(body, *headers, content_type="text/plain")


def robots_bomb(asked: Asked) -> Pieces:
    """300 MiB of comments behind one rule, and a rule behind them."""
    data = packed(NOTHING_FOR_US, "gzip") + packed(b"#" * (MIB - 1) + b"\n", "gzip") * 300
    yield from text(data + packed(b"Disallow: /\n", "gzip"), "Content-Encoding: gzip")(asked)


def million_rules(asked: Asked) -> Pieces:
    yield head(content_type="text/plain")
    yield NOTHING_FOR_US
    for _ in range(1000):
        yield b"Disallow: /*a*b*c*?x=$\n" * 1000


def long_robots(asked: Asked) -> Pieces:
    """20 MB with a rule at their end that may be left unread."""
    yield head(content_type="text/plain")
    yield NOTHING_FOR_US
    for _ in range(20):
        yield (b"#" * 99 + b"\n") * 10_000
    yield b"Disallow: /\n"


ROBOTS = [
    rules("500", status("500 Oops", body=NOTHING_FOR_US), "blocked", "robots:5xx"),
    rules("503", status("503 Busy", body=NOTHING_FOR_US), "blocked", "robots:5xx"),
    rules("429", status("429 Slow down", body=NOTHING_FOR_US), "blocked", "robots:429"),
    rules("stall", says(3600.0), "blocked", "robots:unreachable"),
    rules("drip", endlessly(head(content_type="text/plain"), b"#\n", 0.2), "blocked", "robots:unreachable"),
    rules("reset", reset_at_once, "blocked", "robots:unreachable"),
    rules("closed_at_once", says(), "blocked", "robots:unreachable"),
    rules("cut", says(head(content_type="text/plain", length=5000), NOTHING_FOR_US), "blocked", "robots:unreachable"),
    rules("cut_gzip", text(packed(NOTHING_FOR_US * 50, "gzip")[:40], "Content-Encoding: gzip"), "blocked",
          "robots:unreachable"),
    rules("garbage", says(bytes(range(256)) * 8), "blocked", "robots:unreachable"),
    rules("endless_headers", endlessly(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 1000), "blocked",
          "robots:unreachable"),
    rules("in_a_circle", redirect("/robots.txt"), "fetched"),
    rules("endless_hops", hops, "fetched"),
    rules("404_that_forbids", status("404 Not Found", body=FORBIDDING), "fetched"),
    rules("403_that_forbids", status("403 Forbidden", body=FORBIDDING), "fetched"),
    rules("forbids", text(FORBIDDING), "blocked", "robots:disallow / (line 2)"),
    rules("forbids_by_controls", text(b"User-agent: *\nDisallow: /*\x1b[31m\x07\nDisallow: /robots_\n"), "blocked",
          "robots:disallow /robots_ (line 3)"),
    rules("endless", endlessly(head(content_type="text/plain") + NOTHING_FOR_US, b"#\n" * 32_768), "fetched"),
    rules("of_20_mb", long_robots, "fetched"),
    rules("bomb", robots_bomb, "fetched"),
    rules("million_rules", million_rules, "fetched"),
    rules("stars", text(b"User-agent: *\nDisallow: /" + b"*a" * 2000 + b"$\nDisallow: /" + b"*" * 9000 + b"x$\n"),
          "fetched"),
    rules("one_line", text(NOTHING_FOR_US + b"Disallow: /" + b"x" * 400_000), "fetched"),
    rules("nul_bytes", text(b"\x00" * 1000 + NOTHING_FOR_US), "fetched"),
    rules("html", page(), "fetched"),
    rules("to_the_canary", redirect("http://127.99.0.1:{port}/robots.txt"), "blocked", "robots:unreachable"),
    rules("to_a_file", redirect("file:///etc/passwd"), "blocked", "robots:unreachable"),
    rules("crawl_delay_of_nonsense", text(NOTHING_FOR_US + b"Crawl-delay: nan\nCrawl-delay: -5\nCrawl-delay: 1e\n"),
          "fetched"),
]  # fmt: skip

# -- documents ---------------------------------------------------------------------------------------------------------

NESTED = ["a", "b", "svg", "table", "select", "template"]


def noisy(inner: bytes, times: int) -> Answer:
    return built(lambda: (inner for _ in range(times)))


DOCUMENTS = [
    fetched("nested_10000", built(many("<div>", 10_000))),
    fetched("nested_20000", built(many("<div>", 20_000))),
    partial("nested_100000", built(many("<div>", 100_000)), "parse_time"),
    fetched("attributes_20000", built(attributes(20_000))),
    partial("attributes_100000", built(attributes(100_000)), "parse_time")._replace(long=True),
    fetched("bodies_10000", built(many("<body a{n}=1>", 10_000))),
    partial("bodies_80000", built(many("<body a{n}=1>", 80_000)), "parse_time")._replace(long=True),
    fetched("fonts_10000", built(many("<font>", 10_000))),
    partial("links_100000", built(many("<a href=/x>x</a>", 100_000)), "links", MAX_LINKS),
    fetched("open_links", noisy(b"<a" * 32_768, 20)),
    fetched("less_than", noisy(b"<" * 65_536, 20)),
    fetched("ampersands", noisy(b"&" * 65_536, 20)),
    fetched("dashes", noisy(b"<!--" + b"-" * 65_536, 20)),
    fetched("unclosed_comment", built(b"<!--", lambda: (SPACES for _ in range(2)))),
    fetched("long_attribute", built(b'<p title="', lambda: (b"x" * MIB for _ in range(2)), b'">')),
    fetched("long_tag_name", built(b"<", lambda: (b"x" * MIB for _ in range(2)), b">")),
    *(fetched(f"nested_{name}", built(many(f"<{name}>", 100_000))) for name in NESTED if name != "a"),
    partial("nested_a", built(many("<a>", 100_000)), "links"),  # they are counted before anything is known of them
]  # fmt: skip

# -- answers that are not the page -------------------------------------------------------------------------------------

PASSWORD = "<form action='/session' method=post><input name=u><input type='password' name=p></form>"


def small(title: str, body: str, inside: str = "") -> Answer:
    return page(
        f"<!doctype html><html><head><title>{title}</title>{inside}</head><body>{body}<a href=/trap>x</a></body></html>"
    )


def suspect(name: str, reason: str, answer: Answer, links: int = 1) -> Fault:
    return Fault(name, answer, "suspect", reason, links, group="suspects")


SUSPECTS = [
    suspect("challenge", "challenge cloudflare", small("Just a moment...", "<script>window._cf_chl_opt={}</script>")),
    suspect("parked", "parked server_default", small(
        "Welcome to nginx!", "<h1>Welcome to nginx!</h1><p>If you see this page, the nginx web server is successfully "
        "installed and working.</p>")),
    suspect("consent", "consent_wall gate", small("Privacy gate", "<p>We use cookies. Accept?</p>"
            "<form action='/privacy-gate/accept'><button>Accept all</button></form>")),
    suspect("walled", "login_wall members",
            small("Acme", f"<p>You must be logged in to view this page.</p>{PASSWORD}")),
    suspect("empty_shell", "empty_shell scripts", page(
        "<!doctype html><html><head><title>Acme</title></head><body><div id=root></div><script src=/app.js></script>"
        "</body></html>"), 0),
]  # fmt: skip

# -- traps -------------------------------------------------------------------------------------------------------------


def with_a_password(asked: Asked) -> Pieces:
    hrefs = f"http://user:hunter2@{asked.host}:{asked.port}/secret", "http://user:hunter2@target.example/"
    yield from page("".join(f'<a href="{href}">a secret</a>' for href in hrefs) + "</html>")(asked)


TRAPS = [
    fetched("calendar", calendar, links=32),
    fetched("sessions", sessions, links=20),
    fetched("facets", facets, links=72),
    fetched("thousands", thousands, links=5000),
    fetched("with_a_password", with_a_password, links=2),
    fetched("loop", relative_loop, links=3)._replace(path="/loop/"),
]  # fmt: skip

FAULTS = [*COMPRESSION, *BODIES, *TYPES, *REDIRECTS, *ROBOTS, *DOCUMENTS, *SUSPECTS, *TRAPS]


class Place(NamedTuple):
    """Where a fault is."""

    fault: Fault
    host: str
    path: str


@cache
def places() -> tuple[Place, ...]:
    """Every fault with its host, in the order of the table."""
    groups: dict[str, str] = {}

    def host(fault: Fault) -> str:
        name = fault.group or fault.id
        return groups.setdefault(name, f"127.0.1.{len(groups) + HOSTS + 1}")

    return tuple(Place(fault, host(fault), fault.path or f"/{fault.id}") for fault in FAULTS)


def good_hosts() -> list[str]:
    """The hosts of which nothing is wrong."""
    return [f"127.0.1.{n + 1}" for n in range(HOSTS)]


def usual() -> list[Place]:
    """All but those that are left to the long form."""
    return [place for place in places() if not place.fault.long]


def quick() -> list[Place]:
    """Faults that neither wait nor weigh anything."""
    heavy = {"thousands", *(fault.id for fault in (*COMPRESSION, *DOCUMENTS))}
    reasons = {"timeout", "url_timeout", "size", "time", "headers", "http:500", "http:503", "http:429"}
    reasons |= {"connect", "protocol", "tls", "cut"}  # asked again
    return [p for p in places() if p.fault.robots is None and p.fault.id not in heavy and p.fault.reason not in reasons]


BESIDE = "/beside"
BESIDE_NUMBER = 8
"""Which good page that is: one without links to others."""


def hosts_with_a_good_page(some: Iterable[Place]) -> list[str]:
    """Hosts of some faults that have a page that must be read nevertheless: all whose robots.txt is in order."""
    return list(dict.fromkeys(place.host for place in some if place.fault.robots is None))


@cache
def _by_host() -> dict[str, dict[str, Fault]]:
    found: dict[str, dict[str, Fault]] = {}
    for place in places():
        found.setdefault(place.host, {})[place.path.strip("/")] = place.fault
    return found


def answer_to(asked: Asked) -> Iterator[object]:
    """What the server says."""
    faults = _by_host().get(asked.host, {})
    origin = f"http://{asked.host}:{asked.port}"
    first = asked.path.lstrip("/").partition("?")[0].partition("/")[0]
    if first == "robots.txt":
        robots = next((fault.robots for fault in faults.values() if fault.robots is not None), None)
        return (robots or text(NOTHING_FOR_US))(asked)
    if first in faults:
        return faults[first].answer(asked)
    if asked.path == BESIDE:
        return page(good_page(origin, BESIDE_NUMBER))(asked)
    if first == "good":
        return page(good_page(origin, int(asked.path.rpartition("/")[2])))(asked)
    return status("404 Not Found")(asked)
