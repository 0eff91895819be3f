"""Serves made-up pages of 50 links on every loopback address, in a process of its own.

Written on asyncio's bare protocol so that it takes little from the processor it shares with what is measured.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

LINKS = 50
HOSTS = 200
_WORDS = [
    "garden", "shears", "tool", "review", "guide", "best", "price", "spring", "winter", "soil", "seed", "harvest",
    "prune", "rake", "shop", "garden-path",
]  # fmt: skip


@lru_cache(5_000)
def page(host: str, path: str) -> bytes:
    """One page: 15 links every page of its site has, 35 of its own to some of 2,000 other sites."""
    dice = random.Random(f"{host}{path}")
    words = dice.choices(_WORDS, k=400)
    nav = "".join(f'<li><a href="/section-{n}/">Section {n} of {host}</a></li>' for n in range(10))
    foot = "".join(f'<a href="/about-{n}" rel="nofollow">About {n}</a> ' for n in range(5))
    body = []
    for n in range(LINKS - 15):
        site = int(dice.paretovariate(1.2)) % 2_000
        text = " ".join(dice.choices(_WORDS, k=dice.randint(1, 4)))
        before = " ".join(words[n * 10 : n * 10 + 10])
        body.append(
            f'<p>{before} <a href="https://site{site}.example/{dice.choice(_WORDS)}/{n}">{text}</a> and so on.</p>'
        )
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Page {path} of {host}</title>"
        f'<meta name="description" content="A page"></head><body><nav><ul>{nav}</ul></nav><main><h1>{path}</h1>'
        f"{''.join(body)}</main><footer>{foot}</footer></body></html>"
    ).encode()


class _Protocol(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head, self.waiting = self.waiting[:end].decode("latin-1"), self.waiting[end + 4 :]
            path = head.split(" ", 2)[1]
            lines = head.split("\r\n")[1:]
            host = next((line[5:].strip() for line in lines if line.lower().startswith("host:")), "")
            kind = "text/html"
            if path == "/robots.txt":
                body, kind = b"User-agent: *\nDisallow: /private/\n", "text/plain"
            else:
                body = page(host.partition(":")[0], path)
            self.transport.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Protocol, "0.0.0.0", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


OPENED = ("127.0.0.0/8",)
"""What crawls of these pages may connect to although it is not public."""


@contextmanager
def served() -> Iterator[int]:
    """Start the server; the port it listens on, until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.page_server"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def urls(port: int, pages: int) -> Iterator[str]:
    """``pages`` addresses, spread over the hosts."""
    for number in range(pages):
        host = number % HOSTS
        yield f"http://127.0.{1 + host // 100}.{1 + host % 100}:{port}/p/{number // HOSTS}"


if __name__ == "__main__":
    asyncio.run(_serve())
