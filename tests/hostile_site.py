"""A server that does everything wrong, in a process of its own, for whole crawls of the tests.

It writes raw bytes to sockets, so that no HTTP library mends what is broken, and makes large answers while they are
sent: a bomb of 256 MiB costs it a few kilobytes. Its hosts are 127.0.1.1, 127.0.1.2 ... on one port, each an
operator of its own, so that faults happen side by side. `hostile_faults.FAULTS` says what each host answers and what
a crawl has to make of it; every host also has a good page, ``/beside``.

**Canary.** It listens on every other address of the machine too, and on a second port. Nobody has any business there:
each connection is noted with the address that was called, and a crawl must leave none.

Use ``with serving() as hostile:``; the process is asked over its standard input what it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
NETWORK = "127.0.1.0/24"
CANARY = "127.99.0.1"
"""One of the addresses nobody may call."""
RESET = object()
"""A piece of an answer: end the connection with a TCP reset."""


class Asked(NamedTuple):
    """One request, as an answer sees it."""

    host: str
    path: str
    """With its query."""
    port: int
    other_port: int
    """Where the canary listens on addresses that are open on ``port``."""


Pieces = Iterator[Any]
"""Bytes to send, seconds (float) to wait, or `RESET`."""
Answer = Callable[[Asked], Pieces]


@dataclass
class Hostile:
    """The running server, from the outside."""

    process: subprocess.Popen[str]
    port: int
    other_port: int

    def url(self, host: str, path: str) -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def open_net(self) -> str:
        """What a crawl may connect to."""
        return f"{NETWORK}:{self.port}"

    def seen(self) -> dict[str, Any]:
        """``canary``: addresses called that nobody may call; ``requests``: [host, path, names of headers]."""
        return self._ask("seen")

    def forget(self) -> None:
        """Begin both logs anew."""
        self._ask("forget")

    def _ask(self, word: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def serving() -> Iterator[Hostile]:
    """The server, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import hostile_site; hostile_site.main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HERE)},
    )
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield Hostile(process, ports["port"], ports["other_port"])
    finally:
        process.kill()
        process.communicate(timeout=20)


# -- the process ---------------------------------------------------------------------------------------


class _Server:
    """Answers requests, and notes them."""

    def __init__(self, answer_to: Callable[[Asked], Pieces]) -> None:
        self.answer_to = answer_to
        self.port = 0
        self.other_port = 0
        self.canary: list[str] = []
        self.requests: list[tuple[str, str, list[str]]] = []

    async def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("sockname")[:2]
        try:
            if port != self.port or not host.startswith("127.0.1."):
                self.canary.append(f"{host}:{port}")
                return
            await self._talk(host, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # clients that go away are what this is for
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    async def _talk(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"\x16":  # a TLS handshake, which is answered as if it were a bad request
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1] if " " in head[0] else ""
        self.requests.append((host, path, [line.partition(":")[0].lower() for line in head[1:] if line]))
        for piece in self.answer_to(Asked(host, path, self.port, self.other_port)):
            if piece is RESET:
                await writer.drain()
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                writer.write(piece)
                await writer.drain()

    async def run(self) -> None:
        listening = await asyncio.start_server(self.met, "0.0.0.0", 0, backlog=512, limit=1 << 20)
        other = await asyncio.start_server(self.met, "0.0.0.0", 0, backlog=512)
        self.port = listening.sockets[0].getsockname()[1]
        self.other_port = other.sockets[0].getsockname()[1]
        if socket.has_ipv6:
            with contextlib.suppress(OSError):  # a machine without IPv6 has no address to guard
                await asyncio.start_server(self.met, "::1", self.port)
        _say({"port": self.port, "other_port": self.other_port})
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while word := (await lines.readline()).strip():
            if word == b"forget":
                self.canary, self.requests = [], []
            _say({"canary": self.canary, "requests": self.requests})


def _say(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


def main() -> None:
    """Serve until killed."""
    from hostile_faults import answer_to

    asyncio.run(_Server(answer_to).run())
