"""How a crawl asked: as whom, how often, how far, and through what; for site owners' questions and one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def politeness(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What a kept plan says of it; None where it was made by a release that did not keep that.

    Times are seconds. ``at_once_per_operator`` is a rule of the crawler, not of a plan.
    """

    def of(name: str) -> Any:
        return plan.get(name)

    return {
        "user_agent": of("agent_header"),
        "robots_token": of("agent_token"),
        "at_once_per_operator": 1,
        "delay": of("delay"),
        "longest_crawl_delay": of("longest_crawl_delay"),
        "longest_retry_after": of("longest_retry_after"),
        "operators_at_once": of("concurrency"),
        "workers": of("workers"),
        "timeout": of("timeout"),
        "url_timeout": of("url_timeout"),
        "retries": of("retries"),
        "depth": of("depth"),
        "follow": of("follow"),
        "max_pages": of("page_limit"),
        "max_pages_per_host": of("host_limit"),
        "max_queries": of("query_limit"),
        "max_bytes": of("max_bytes"),
        "max_links": of("max_links"),
        "verify_tls": of("verify_tls"),
        "allow_net": list(of("allow_net") or ()),
        "proxy": of("proxy"),
        "render": bool(of("render")),
    }


def politeness_lines(manners: Mapping[str, Any]) -> Iterator[str]:
    """The same in words, a line for each subject."""

    def number(name: str, words: str) -> str | None:
        value = manners[name]
        return None if value is None else f"{value:,} {words}" if isinstance(value, int) else f"{value:g} {words}"

    def joined(*parts: str | None) -> str:
        return ", ".join(part for part in parts if part)

    if manners["user_agent"] is not None:
        yield f"asked as {manners['user_agent']}; robots.txt read for {manners['robots_token']}"
    if manners["delay"] is not None:
        yield f"one request at a time to an operator, {manners['delay']:g} s apart or more"
    if manners["longest_crawl_delay"] is not None:
        yield (
            f"Crawl-delay is kept up to {manners['longest_crawl_delay']:g} s, "
            f"Retry-After up to {manners['longest_retry_after']:g} s"
        )
    times = joined(
        number("timeout", "s for an attempt"),
        number("retries", "further attempts"),
        number("url_timeout", "s for a URL"),
    )
    if times:
        yield f"at most {times}"
    size = manners["max_bytes"]
    limits = joined(
        number("max_pages", "pages"),
        number("max_pages_per_host", "pages of a host"),
        number("max_queries", "URLs that differ in their query only"),
        None if size is None else f"{size / 2**20:.4g} MiB of a page",
        number("max_links", "links of a page"),
    )
    if limits:
        yield f"at most {limits}"
    if manners["allow_net"]:
        yield f"could connect to networks that are not public: {', '.join(manners['allow_net'])}"
    if manners["proxy"] is not None:
        yield f"asked through a proxy: {manners['proxy']}"
    if manners["render"]:
        yield "pages were also read after their scripts ran"
    if manners["verify_tls"]:
        yield "sites whose certificate does not hold were refused"
