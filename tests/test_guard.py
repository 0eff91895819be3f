"""The address guard: what is refused, and that nothing reaches an address that is closed, by whatever route.

The good server of a crawl is opened by address and port. Beside it, on every other loopback address, listens a canary
that must see no connection.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from canary import Canary
from hypothesis import given, settings
from hypothesis import strategies as st
from local_site import Answer, Page, Site, crawl, environment, html, outcomes, redirect, run_plan
from proof import examples
from scrapy.settings import Settings

from crawler.addresses import kind_of, read_opening
from crawler.guard import STRICT, Guard
from crawler.plan import BadPlan, CrawlPlan

ROOT = Path(__file__).resolve().parent.parent

# -- addresses --------------------------------------------------------------------------------

KINDS = [  # address, kind; None: public
    ("0.0.0.0", "unspecified"), ("0.1.2.3", "reserved"), ("10.0.0.0", "private"), ("10.255.255.255", "private"),
    ("9.255.255.255", None), ("11.0.0.0", None), ("100.63.255.255", None), ("100.64.0.0", "shared"),
    ("100.100.100.200", "shared"), ("100.127.255.255", "shared"), ("100.128.0.0", None), ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"), ("128.0.0.1", None), ("168.63.129.16", "cloud platform"), ("168.63.129.17", None),
    ("169.254.169.254", "link-local"), ("172.15.255.255", None), ("172.16.0.0", "private"),
    ("172.31.255.255", "private"), ("172.32.0.0", None), ("192.0.0.192", "reserved"), ("192.0.1.0", None),
    ("192.0.2.1", "documentation"), ("192.31.196.1", None), ("192.52.193.1", None), ("192.88.99.1", "6to4 relay"),
    ("192.168.1.1", "private"), ("192.175.48.1", None), ("198.17.255.255", None), ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"), ("198.20.0.0", None), ("198.51.100.7", "documentation"),
    ("203.0.113.7", "documentation"), ("223.255.255.255", None), ("224.0.0.1", "multicast"),
    ("239.255.255.250", "multicast"), ("240.0.0.1", "reserved"), ("255.255.255.255", "broadcast"), ("1.1.1.1", None),
    ("8.8.8.8", None), ("::", "unspecified"), ("::1", "loopback"), ("::2", "reserved in IPv4-compatible"),
    ("::ffff:127.0.0.1", "loopback"), ("::ffff:169.254.169.254", "link-local"), ("::ffff:8.8.8.8", None),
    ("::ffff:0:127.0.0.1", "reserved"), ("::127.0.0.1", "loopback in IPv4-compatible"), ("::8.8.8.8", "reserved"),
    ("64:ff9b::169.254.169.254", "link-local in NAT64"), ("64:ff9b::8.8.8.8", None), ("64:ff9b:1::8.8.8.8", "private"),
    ("100::1", "discard-only"), ("100:0:0:1::1", "reserved"), ("2001::1", "unspecified in Teredo"),
    ("2001:0:808:808::f5ff:fffe", "private in Teredo"), ("2001:0:808:808::f7f7:f7f7", "Teredo"),
    ("2001:1::1", "reserved"), ("2001:2::1", "benchmarking"), ("2001:20::1", "reserved"), ("2001:200::1", None),
    ("2001:db8::1", "documentation"), ("2001:4860:4860::8888", None), ("2002:7f00:1::1", "loopback in 6to4"),
    ("2002:a9fe:a9fe::", "link-local in 6to4"), ("2002:808:808::1", "6to4"), ("2606:4700::1111", None),
    ("2606:4700::5efe:10.0.0.1", "private in ISATAP"), ("2606:4700::200:5efe:127.0.0.1", "loopback in ISATAP"),
    ("2606:4700::200:5efe:8.8.8.8", None), ("2620:4f:8000::1", None), ("3fff::1", "documentation"),
    ("3fff:1000::1", None), ("4000::1", "reserved"), ("5f00::1", "segment routing"), ("fc00::1", "private"),
    ("fd00:ec2::254", "private"), ("fe80::1", "link-local"), ("fe80::1%eth0", "link-local"), ("::1%lo", "loopback"),
    ("febf::1", "link-local"), ("fec0::1", "site-local"), ("ff02::1", "multicast"), ("1fff::1", "reserved"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "kind"), [pytest.param(*row, id=row[0]) for row in KINDS])
def test_kind(address: str, kind: str | None) -> None:
    assert kind_of(ip_address(address)) == kind


CLOSED = ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
          "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"]  # fmt: skip
CARRIERS = {
    "mapped": lambda v4: 0xFFFF << 32 | v4,
    "compatible": lambda v4: v4,
    "nat64": lambda v4: 0x0064FF9B << 96 | v4,
    "nat64_local": lambda v4: 0x0064FF9B0001 << 80 | v4,
    "6to4": lambda v4: 0x2002 << 112 | v4 << 80 | 1,
    "teredo_server": lambda v4: 0x20010000 << 96 | v4 << 64 | 0xF7F7F7F7,
    "teredo_client": lambda v4: 0x20010000 << 96 | 0x08080808 << 64 | (v4 ^ 0xFFFFFFFF),
    "isatap": lambda v4: 0x26064700 << 96 | 0x5EFE << 32 | v4,
    "isatap_global": lambda v4: 0x26064700 << 96 | 0x02005EFE << 32 | v4,
}


@st.composite
def closed_addresses(draw: st.DrawFn) -> IPv4Address:
    net = ip_network(draw(st.sampled_from(CLOSED)))
    return IPv4Address(draw(st.integers(int(net.network_address), int(net.broadcast_address))))


@pytest.mark.proof
@settings(max_examples=examples(150), deadline=None)
@given(inner=closed_addresses(), carrier=st.sampled_from(sorted(CARRIERS)), port=st.integers(1, 65535))
def test_an_address_that_is_closed_is_closed_within_others(inner: IPv4Address, carrier: str, port: int) -> None:
    assert STRICT.refusal(inner, port)
    assert STRICT.refusal(IPv6Address(CARRIERS[carrier](int(inner))), port)


@pytest.mark.proof
@settings(max_examples=examples(150), deadline=None)
@given(number=st.integers(0, 2**128 - 1), port=st.integers(1, 65535))
def test_public_is_no_more_than_unicast(number: int, port: int) -> None:
    """Whatever else is said of an IPv6 address, only one of 2000::/3, or one that stands for IPv4, can be public."""
    address = IPv6Address(number)
    if STRICT.refusal(address, port) is None:
        assert number >> 125 == 1 or address.ipv4_mapped is not None or number >> 32 == 0x0064FF9B << 64


OPENINGS = [  # --allow-net, address, port, whether it is opened
    ("10.1.0.0/16", "10.1.2.3", 80, True), ("10.1.0.0/16", "10.2.0.1", 80, False),
    ("127.0.0.2:8000", "127.0.0.2", 8000, True), ("127.0.0.2:8000", "127.0.0.2", 8001, False),
    ("127.0.0.2:8000", "127.0.0.1", 8000, False), ("127.0.0.0/8", "::ffff:127.0.0.9", 1, True),
    ("127.0.0.0/8", "::127.0.0.9", 1, False), ("127.0.0.0/8", "64:ff9b::127.0.0.9", 1, False),
    ("64:ff9b::/96", "64:ff9b::127.0.0.9", 1, True), ("fd00::/8", "fd12::1", 443, True),
    ("[fd00::]/8:8080", "fd12::1", 8080, True), ("[fd00::]/8:8080", "fd12::1", 80, False),
    ("fd00::/8:8080", "fd12::1", 80, False), ("[::1]:8080", "::1", 8080, True), ("::1", "::1", 5, True),
    ("fe80::/10", "fe80::1%eth0", 80, True), ("0.0.0.0/0", "169.254.169.254", 80, True),
    (" 10.0.0.1 ", "10.0.0.1", 1, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "address", "port", "opened"), [pytest.param(*row, id=f"{row[0]}-{row[1]}-{row[2]}") for row in OPENINGS]
)
def test_opening(text: str, address: str, port: int, opened: bool) -> None:
    guard = Guard(openings=(read_opening(text),))
    assert (guard.refusal(ip_address(address), port) is None) == opened


NO_OPENINGS = [
    "", "x", "localhost", "10.0.0.0/33", "10.0.0.0/8:", "10.0.0.0/8:0", "10.0.0.0/8:65536", "10.0.0.0/8:-1",
    "[fd00::/8", "[::1]:", "fd00::/129", "10.0.0.0/8:８０", "10.0.0.5/8", "::ffff:10.0.0.0/104", "10.1", "http://10.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_OPENINGS)
def test_what_is_no_opening_is_named_with_the_form(text: str) -> None:
    with pytest.raises(BadPlan, match="--allow-net") as caught:
        CrawlPlan(seeds=("x",), allow_net=(text,))
    assert repr(text) in str(caught.value)
    assert "write" in str(caught.value)


def test_a_name_is_known_by_its_ascii_form_alone() -> None:
    from crawler import resolver

    told: list[str] = []

    class Receiver:
        def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802 - Twisted's names
            told.append(resolution.name)

        def addressResolved(self, address: Any) -> None:  # noqa: N802
            told.append(address.host)

        def resolutionComplete(self) -> None:  # noqa: N802
            told.append("complete")

    resolver._known["xn--bcher-kva.example"] = (ip_address("93.184.216.34"),)
    resolver.GuardedResolver(None, 10, 1.0).resolveHostName(Receiver(), "bücher.example", 80)
    assert told == ["xn--bcher-kva.example", "93.184.216.34", "complete"]


# -- crawls beside a canary ---------------------------------------------------------------------


def good(site: Site, path: str, host: str = "127.0.0.2") -> str:
    return site.url(path, host)


def opened(site: Site) -> tuple[str, ...]:
    return (f"127.0.0.2/31:{site.port}",)


def test_the_canary_sees_what_comes(canary: Canary) -> None:
    socket.create_connection(("127.0.0.9", canary.port)).close()
    assert len(canary.seen()) == 1
    assert canary.seen() == []


NAMES = """
import atexit, collections, json, socket, sys, time
import crawler.settings
crawler.settings.DNS_TIMEOUT = 1
asked = collections.Counter()
real = socket.getaddrinfo
NAMES = {
    "good.example": ["127.0.0.2"],
    "inside.example": ["127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "mixed.example": ["127.0.0.2", "127.0.0.1"],
    "moving.example": ["127.0.0.2"],
    "slow.example": ["127.0.0.2"],
}
def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    if host == "six.example":
        if family == socket.AF_INET:
            raise socket.gaierror(socket.EAI_NODATA, "no address of this family")
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port or 0, 0, 0))]
    if host == "slow.example":
        time.sleep(3)
    if host not in NAMES:
        return real(host, port, family, type, proto, flags)
    asked[host] += 1
    addresses = NAMES[host]
    if host == "moving.example" and asked[host] > 1:
        addresses = ["127.0.0.1"]
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in addresses]
socket.getaddrinfo = getaddrinfo
atexit.register(lambda: print("LOOKED UP", json.dumps(asked), file=sys.stderr))
"""

SPELLINGS = [  # what stands for a loopback address or a machine's metadata, before :PORT/
    "http://127.0.0.1", "http://2130706433", "http://0x7f000001", "http://0177.0.0.1", "http://0x7f.1", "http://127.1",
    "http://127.0.0.1.", "http://１２７.０.０.１", "http://①27.0.0.1", "http://127。0。0。1",
    "http:\\\\127.0.0.1", "http:/127.0.0.1", "https://127.0.0.1", "http://0", "http://0.0.0.0", "http://127.0.0.3",
    "http://[::1]", "http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]", "http://[::127.0.0.1]",
    "http://[64:ff9b::7f00:1]", "http://[2002:7f00:1::]", "http://localhost", "http://localhost.",
    "http://inside.example", "http://INSIDE.example", "http://six.example",
]  # fmt: skip
REJECTED = "http://user:word@127.0.0.1"  # a list is told about it
OTHER_SCHEMES = [
    "file:///etc/passwd",
    "data:text/html,<a href=/x>x</a>",
    "ftp://127.0.0.1/x",
    "s3://bucket/key",
    "javascript:1",
]


def test_nothing_closed_is_reached_by_any_route(site: Site, canary: Canary, tmp_path: Path) -> None:
    closed = f"http://127.0.0.1:{canary.port}"
    decimal = f"http://2130706433:{canary.port}"
    answers: dict[str | tuple[str, str], Answer] = {
        "/": Page(html(f"{closed}/linked", f"{decimal}/linked-too", "/near", "file:///etc/passwd", "data:text/html,x")),
        "/near": Page(f'<meta http-equiv="refresh" content="0; url={closed}/meta">{html()}'),
        "/base": Page(f'<base href="{closed}/base/">{html("from-base")}'),
        "/away": redirect(f"{closed}/away"),
        "/away-decimal": redirect(f"{decimal}/away-too", 307),
        "/away-name": redirect(f"http://inside.example:{canary.port}/away-name"),
        "/away-metadata": redirect("http://169.254.169.254/latest/meta-data/"),
        "/refresh": Page(html(), headers=(("Refresh", f"0; url={closed}/refresh"),)),
        **{f"/scheme{number}": redirect(url) for number, url in enumerate(OTHER_SCHEMES)},
        ("127.0.0.3", "/robots.txt"): redirect(f"{closed}/robots.txt"),
        ("127.0.0.3", "/page"): Page(html()),
        ("good.example", "/page"): Page(html()),
        ("moving.example", "/1"): Page(html()),
        ("moving.example", "/2"): Page(html()),
    }
    site.routes |= answers
    from_good = ["/", "/base", "/away", "/away-decimal", "/away-name", "/away-metadata", "/refresh"]
    seeds = [good(site, path) for path in from_good]
    schemes = [good(site, f"/scheme{number}") for number in range(len(OTHER_SCHEMES))]
    spelled = [f"{start}:{canary.port}/spelled{number}" for number, start in enumerate(SPELLINGS)]
    names = [
        site.url(path, host)
        for host, path in [("good.example", "/page"), ("moving.example", "/1"), ("moving.example", "/2")]
    ]
    slow = "http://slow.example/"
    mixed = [
        site.url("/page", "mixed.example"),
        "http://metadata.example/",
        "http://169.254.169.254/",
        "http://10.0.0.1:22/",
    ]
    behind = site.url("/page", "127.0.0.3")
    pages = tmp_path / "pages.txt"
    pages.write_text(
        "\n".join([*seeds, *schemes, *spelled, *names, *mixed, slow, behind, REJECTED, *OTHER_SCHEMES]) + "\n", "utf-8"
    )
    database = f"sqlite:///{tmp_path / 'l.db'}"
    plan = CrawlPlan(
        db=database, seeds=(str(pages),), allow_net=opened(site), delay=0, timeout=5, depth=1, follow="any"
    )
    done = run_plan(plan, before=NAMES)
    assert done.returncode == 0, done.stderr
    assert canary.seen() == []
    assert {request.host for request in site.log} <= {"127.0.0.2", "127.0.0.3", "good.example", "moving.example"}

    found = outcomes(database)
    fetched = {url for url, (outcome, _) in found.items() if outcome == "fetched"}
    assert fetched == {good(site, path) for path in ("/", "/near", "/base", "/refresh")} | set(names)
    assert {found[url] for url in schemes} == {("refused", "scheme")}
    assert found[behind] == ("blocked", "robots:unreachable")
    refused = {url: reason for url, (outcome, reason) in found.items() if outcome == "refused" and url not in schemes}
    assert found.keys() - refused.keys() == fetched | {*schemes, behind, slow}
    assert found[slow] == ("failed", "dns")
    assert all((reason or "").startswith("address ") for reason in refused.values()), refused
    assert refused[good(site, "/away")] == refused[f"{closed}/linked"] == "address 127.0.0.1 (loopback)"
    assert refused[f"{closed}/base/from-base"] == refused[good(site, "/away-name")] == "address 127.0.0.1 (loopback)"
    assert refused["http://169.254.169.254/"] == "address 169.254.169.254 (link-local)"
    assert refused[site.url("/page", "mixed.example")] == "address 127.0.0.1 (loopback)"
    given = {url.rpartition("/")[2] for url in refused}
    assert {f"spelled{number}" for number in range(len(SPELLINGS))} <= given
    facts = json.loads(done.stdout)
    assert (facts["rows_rejected"], facts["proxy"]) == (len(OTHER_SCHEMES) + 1, None)
    lookups = json.loads(done.stderr.rpartition("LOOKED UP ")[2])
    assert lookups.pop("slow.example") == 3, "what may work the next time is tried again, what is refused is not"
    assert lookups == dict.fromkeys(
        ["good.example", "inside.example", "metadata.example", "mixed.example", "moving.example"], 1
    )


def test_there_are_no_handlers_but_for_http() -> None:
    """Whatever URL a request would come to have, Scrapy could not fetch it."""
    ours = Settings()
    ours.setmodule("crawler.settings", priority="project")
    handlers = ours.getwithbase("DOWNLOAD_HANDLERS")
    assert {scheme for scheme, handler in handlers.items() if handler is not None} == {"http", "https"}


# -- whatever connects ----------------------------------------------------------------------------

OTHER_HANDLER = '''
import asyncio, socket, urllib.request
from scrapy.http import HtmlResponse

real = socket.getaddrinfo
asked = []
def getaddrinfo(host, *more, **named):
    """moving.example means another address from the second time on."""
    if host == "moving.example":
        asked.append(host)
        host = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"
    return real(host, *more, **named)
socket.getaddrinfo = getaddrinfo

class Handler:
    """Fetches by itself: no Twisted, no resolver of ours."""
    lazy = False
    @classmethod
    def from_crawler(cls, crawler):
        return cls()
    async def download_request(self, request):
        def fetch():
            with urllib.request.urlopen(request.url, timeout=5) as answer:
                return HtmlResponse(request.url, body=answer.read(), request=request,
                                    headers={"Content-Type": answer.headers["Content-Type"]})
        return await asyncio.to_thread(fetch)
    async def close(self):
        pass
'''
OTHERS = {
    "a_handler_of_its_own": ("DOWNLOAD_HANDLERS", '{"http": "other_handler.Handler"}'),
    "a_resolver_of_its_own": ("TWISTED_DNS_RESOLVER", "scrapy.resolver.CachingThreadedResolver"),
}


@pytest.mark.parametrize(("setting", "value"), OTHERS.values(), ids=OTHERS)
def test_it_holds_whatever_scrapy_connects_with(
    site: Site, canary: Canary, tmp_path: Path, setting: str, value: str
) -> None:
    """Run as ``scrapy crawl``, which is held as well."""
    (tmp_path / "other_handler.py").write_text(OTHER_HANDLER)
    closed = f"http://127.0.0.1:{canary.port}/page"
    site.routes |= {"/": Page(html(closed)), "/rebound": Page(html())}
    database = f"sqlite:///{tmp_path / 'l.db'}"
    moving = f"http://moving.example:{site.port}/rebound"
    arguments = {
        "db": database, "seeds": f"{good(site, '/')} {closed} {moving}", "delay": "0", "depth": "1", "follow": "any",
        "allow_net": opened(site)[0],
    }  # fmt: skip
    command = [sys.executable, "-m", "scrapy", "crawl", "pages", "-s", f"{setting}={value}"]
    for name, text in arguments.items():
        command += ["-a", f"{name}={text}"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment() | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert canary.seen() == []
    found = outcomes(database)
    assert found[good(site, "/")] == ("fetched", None), found
    assert found[closed] == ("refused", "address 127.0.0.1 (loopback)")
    if setting == "DOWNLOAD_HANDLERS":  # robots.txt was asked at the first address, the page would be at the second
        assert found[moving] == ("refused", "address 127.0.0.1 (loopback)")
        assert "/robots.txt" in site.paths("moving.example")
        assert "/rebound" not in site.paths()


CONNECTING = """
import asyncio, http.client, json, socket, sys, urllib.request
from crawler.addresses import read_opening
from crawler.guard import Guard, guarded, stopped

port, good, six = json.loads(sys.argv[1])
closed = "127.0.0.1"
told = {}

def tried(name, action):
    try:
        action()
        told[name] = "connected"
    except Exception as error:
        told[name] = stopped(error)

def udp(action):
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        action(one)

def six_of(address, scope=0):
    with socket.socket(socket.AF_INET6) as one:
        one.connect((address, port, 0, scope))

def ours():
    # Sockets that lead to no other machine are left alone, and the good server is reached.
    a, b = socket.socketpair()
    a.close(), b.close()
    socket.create_connection(("127.0.0.2", good)).close()

def every():
    tried("connect", lambda: socket.create_connection((closed, port)))
    tried("connect_ex", lambda: socket.socket().connect_ex((closed, port)))
    tried("name", lambda: socket.socket().connect(("localhost", port)))
    tried("short", lambda: socket.socket().connect(("127.1", port)))
    tried("bytes", lambda: socket.socket().connect((b"127.0.0.1", port)))
    tried("empty", lambda: socket.socket().connect(("", port)))
    tried("broadcast", lambda: socket.socket().connect(("<broadcast>", port)))
    tried("urllib", lambda: urllib.request.urlopen(f"http://localhost:{port}/", timeout=5))
    tried("http.client", lambda: http.client.HTTPConnection(closed, port).request("GET", "/"))
    tried("asyncio", lambda: asyncio.run(asyncio.open_connection(closed, port)))
    tried("sendto", lambda: udp(lambda one: one.sendto(b"x", (closed, port))))
    tried("sendmsg", lambda: udp(lambda one: one.sendmsg([b"x"], [], 0, (closed, port))))
    tried("udp connect", lambda: udp(lambda one: one.connect((closed, port))))
    tried("mapped", lambda: six_of("::ffff:127.0.0.1"))
    tried("six", lambda: six_of("::1"))
    tried("scope", lambda: six_of("fe80::1", 1))
    tried("ours", ours)

with guarded(Guard((read_opening(f"127.0.0.2/32:{good}"),))):
    every()
tried("afterwards", lambda: socket.create_connection((closed, port)).close())
print(json.dumps(told))
"""


def test_it_holds_whatever_python_connects_with(site: Site, canary: Canary) -> None:
    command = [sys.executable, "-c", CONNECTING, json.dumps([canary.port, site.port, canary.six])]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    loopback = "address 127.0.0.1 (loopback)"
    assert {name: told.pop(name) for name in ("ours", "afterwards")} == dict.fromkeys(
        ("ours", "afterwards"), "connected"
    )
    assert {name: told.pop(name) for name in ("name", "short", "empty", "broadcast")} == {
        "name": "address 'localhost' (a name)", "short": "address '127.1' (a name)", "empty": "address '' (a name)",
        "broadcast": "address '<broadcast>' (a name)",
    }  # fmt: skip
    assert told.pop("six") == "address ::1 (loopback)"
    assert told.pop("scope") == "address fe80::1 (link-local)"
    assert told.pop("urllib") in (loopback, "address ::1 (loopback)")
    assert told == dict.fromkeys(told, loopback)
    assert len(told) == 9
    assert len(canary.seen()) == 1, "the connection made when the guard was no longer in force"


def test_every_worker_is_held(site: Site, canary: Canary, tmp_path: Path) -> None:
    site.routes |= {"/": Page(html())}
    seeds = [good(site, "/"), good(site, "/", "127.0.0.3")]
    closed = [f"http://127.0.0.{number}:{canary.port}/" for number in range(10, 30)]
    plan = CrawlPlan(
        db=f"sqlite:///{tmp_path / 'l.db'}", seeds=(*seeds, *closed), allow_net=opened(site), delay=0, workers=2
    )
    crawl(plan)
    assert canary.seen() == []
    found = outcomes(plan.db)
    assert {found[url][0] for url in seeds} == {"fetched"}
    assert {found[url] for url in closed} == {
        ("refused", f"address 127.0.0.{number} (loopback)") for number in range(10, 30)
    }
