"""The facts of robots_rows.py: what each robots.txt allows whom."""

from __future__ import annotations

import pytest
from robots_rows import FILES

from crawler.robots_rules import read_robots, split_url
from crawler.urls import canonical_url

ROWS = [
    pytest.param(file.robots, agent, url, allowed, id=name) for file in FILES for name, agent, url, allowed in file.rows
]


@pytest.mark.parametrize(("robots", "agent", "url", "allowed"), ROWS)
def test_row(robots: str | bytes, agent: str, url: str, allowed: bool) -> None:
    body = robots.encode() if isinstance(robots, str) else robots
    _, path = split_url(canonical_url(url, "https://www.example.com/").url)
    verdict = read_robots(body, agent).judge(path)
    assert verdict.allowed is allowed, verdict.rule


def test_each_row_has_a_name_of_its_own_and_a_source() -> None:
    names = [name for file in FILES for name, *_ in file.rows]
    assert len(set(names)) == len(names) >= 150
    assert all(file.source.startswith(("RFC 9309 section ", "https://", "docs/")) for file in FILES)


ORIGINS = [  # id, URL, the origin whose robots.txt holds
    ("host", "https://www.example.com/a?b", "https://www.example.com"),
    ("scheme", "http://www.example.com/a", "http://www.example.com"),
    ("port", "https://www.example.com:8443/a", "https://www.example.com:8443"),
    ("default_port", "http://example.com:80/", "http://example.com"),
    ("sub_domain", "https://example.com/", "https://example.com"),
    ("address", "http://192.0.2.1/a", "http://192.0.2.1"),
    ("idn", "http://www.müller.example/", "http://www.xn--mller-kva.example"),
    ("user_names_belong_to_no_origin", "http://me:secret@example.com/a", "http://example.com"),
]


@pytest.mark.parametrize(("url", "origin"), [pytest.param(*row[1:], id=row[0]) for row in ORIGINS])
def test_origin(url: str, origin: str) -> None:
    """Source: RFC 9309 section 2.3, and Google's examples of where a robots.txt is valid."""
    assert split_url(canonical_url(url).url)[0] == origin
