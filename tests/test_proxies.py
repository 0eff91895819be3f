"""Proxies: used only where named, nothing but their address opened for them, their credentials told to nobody else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from socket import socket

import pytest
from canary import Canary
from local_site import Page, Site, html, outcomes, redirect, run_plan

from crawler.begin import ProxyWanted, begin, end_crawl, resume
from crawler.guard import ProxyNotFound, guard_of
from crawler.plan import BadPlan, CrawlPlan
from crawler.proxies import proxies_of
from crawler.run import run_crawl
from crawler.session import Task

NOT_PROXIES = [  # --proxy, what is said
    ("https://proxy.example:3128", "only proxies that are spoken to over http://"),
    ("socks5://user:geheim@proxy.example", "only proxies that are spoken to over http://"),
    ("http://user:geheim@", "write http://HOST:PORT, with USER:PASSWORD@ before HOST"),  # not as a URL: shown without
    ("http://user:geheim@proxy.example:0", "write http://HOST:PORT"),
    ("http://user:geheim@proxy.example:port", "write http://HOST:PORT"),
    ("http://user:geheim@proxy.example/path", "write http://HOST:PORT"),
    ("", "write http://HOST:PORT"),
]


@pytest.mark.parametrize(
    ("text", "said"), [pytest.param(*row, id=row[0].replace("geheim", "x")) for row in NOT_PROXIES]
)
def test_what_is_no_proxy_is_named_without_its_password(text: str, said: str) -> None:
    with pytest.raises(BadPlan, match=said) as caught:
        CrawlPlan(seeds=("x",), proxy=text)
    assert "geheim" not in str(caught.value)


PROXIES = [  # --proxy, host, port, what is shown
    ("http://proxy.example:3128", "proxy.example", 3128, "http://proxy.example:3128"),
    ("proxy.example:3128", "proxy.example", 3128, "http://proxy.example:3128"),
    ("http://proxy.example/", "proxy.example", 80, "http://proxy.example:80"),
    ("http://user:geheim@[fd00::1]:8080", "fd00::1", 8080, "http://[fd00::1]:8080"),
    ("environment", None, None, "environment"),
]


@pytest.mark.parametrize(("text", "host", "port", "kept"), [pytest.param(*row, id=row[3]) for row in PROXIES])
def test_a_proxys_credentials_are_not_kept(text: str, host: str | None, port: int | None, kept: str) -> None:
    plan = CrawlPlan(seeds=("x",), proxy=text)
    assert json.loads(plan.kept_json())["proxy"] == kept
    assert "geheim" not in plan.kept_json() + repr(plan)
    if host is not None:
        found = proxies_of(text)["https"]
        assert (found.host, found.port, found.url) == (host, port, kept)
        assert found.authorization == (b"Basic dXNlcjpnZWhlaW0=" if "geheim" in text else None)


def test_a_proxy_of_the_environment_is_not_used_unasked(site: Site, canary: Canary, tmp_path: Path) -> None:
    site.routes |= {"/": Page(html())}
    plan = CrawlPlan(
        db=f"sqlite:///{tmp_path / 'l.db'}",
        seeds=(site.url("/", "127.0.0.2"),),
        allow_net=(f"127.0.0.2/32:{site.port}",),
        delay=0,
    )
    done = run_plan(plan, before=f"import os; os.environ['http_proxy'] = 'http://me:geheim@127.0.0.1:{canary.port}'")
    assert (done.returncode, done.stderr) == (
        0,
        "not used: http_proxy of the environment; crawl --proxy environment goes through it\n",
    )
    assert canary.seen() == []
    assert outcomes(plan.db) == {site.url("/", "127.0.0.2"): ("fetched", None)}


def test_a_proxy_is_all_that_is_opened(site: Site, canary: Canary, tmp_path: Path) -> None:
    """Public hosts are asked through it with its credentials, which nobody else gets; closed ones are not asked."""
    closed = f"http://127.0.0.1:{canary.port}/closed"
    site.routes |= {
        "http://page.example/": Page(html("http://page.example/next")),
        "http://page.example/away": redirect("https://secure.example/"),
        "http://page.example/inside": redirect(closed),
        "https://secure.example/": Page(html()),
    }
    pages = ["http://page.example/", "http://page.example/away"]
    inside = [
        "http://page.example/inside",
        closed,
        "http://169.254.169.254/",
        site.url("/", "127.0.0.1"),
        "http://[::1]/",
    ]
    refused = "https://refused.example/"
    plan = CrawlPlan(
        db=f"sqlite:///{tmp_path / 'l.db'}", seeds=(*pages, *inside, refused), allow_net=("10.9.9.9/32",), delay=0,
        proxy=f"http://me:geheim@127.0.0.1:{site.port}",
    )  # fmt: skip
    done = run_plan(plan)
    assert (done.returncode, done.stderr) == (0, "")
    assert canary.seen() == []
    found = outcomes(plan.db)
    assert {url: found[url] for url in pages} == dict.fromkeys(pages, ("fetched", None))
    assert {found[url][0] for url in inside} == {"refused"}
    assert found[refused] == ("failed", "proxy")
    assert found[site.url("/", "127.0.0.1")] == found[inside[0]] == ("refused", "address 127.0.0.1 (loopback)")
    assert {request.host for request in site.log} == {"page.example", "secure.example"}
    shown = {request.url.partition("://")[0]: request.headers.get("Proxy-Authorization") for request in site.log}
    assert shown == {"http": "Basic bWU6Z2VoZWlt", "https": None}, "a page behind a tunnel is told nothing of the proxy"

    assert json.loads(done.stdout)["proxy"] == f"http://127.0.0.1:{site.port}"
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"page.example" in kept
    assert b"geheim" not in kept
    assert b"bWU6Z2VoZWlt" not in kept


def test_going_on_through_a_proxy_needs_it_again(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'l.db'}"
    plan = CrawlPlan(db=database, seeds=("http://page.example/",), proxy="http://me:geheim@127.0.0.1:9")
    begun = begin(plan)
    end_crawl(Task(plan, begun.crawl_id), failed=False)
    with pytest.raises(ProxyWanted, match=r"crawl 1 goes through a proxy \(http://127.0.0.1:9\).*--proxy"):
        resume(database)
    again = resume(database, proxy="http://me:geheim@127.0.0.1:10")
    assert again.plan.proxy == "http://me:geheim@127.0.0.1:10"


def test_a_proxy_that_cannot_be_found_is_named(tmp_path: Path) -> None:
    plan = CrawlPlan(seeds=("x",), proxy="http://me:geheim@no-such-proxy.invalid:3128")
    with pytest.raises(ProxyNotFound, match=r"the proxy no-such-proxy\.invalid:3128 cannot be found"):
        guard_of(plan)
    with pytest.raises(ProxyNotFound):
        run_crawl(replace(plan, db=f"sqlite:///{tmp_path / 'l.db'}"))
    assert not list(tmp_path.iterdir()), "no crawl was begun"


def test_a_proxy_that_is_down_is_not_taken_for_the_site(tmp_path: Path) -> None:
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        plan = CrawlPlan(
            db=f"sqlite:///{tmp_path / 'l.db'}", seeds=("http://page.example/", "https://page.example/"), delay=0,
            retries=0, proxy=f"http://127.0.0.1:{closed.getsockname()[1]}",
        )  # fmt: skip
        assert run_plan(plan).returncode == 0
    assert set(outcomes(plan.db).values()) == {("failed", "proxy")}
