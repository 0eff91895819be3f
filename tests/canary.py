"""A listener that must see nothing."""

from __future__ import annotations

import socket
from contextlib import ExitStack


class Canary:
    """Listens on every IPv4 address and on ::1, for TCP and UDP, and answers nothing."""

    def __init__(self, stack: ExitStack) -> None:
        self.listening = [socket.socket(), socket.socket(type=socket.SOCK_DGRAM)]
        self.listening[0].bind(("0.0.0.0", 0))
        self.port: int = self.listening[0].getsockname()[1]
        self.listening[1].bind(("0.0.0.0", self.port))
        self.six = socket.has_ipv6
        try:
            six = socket.socket(socket.AF_INET6)
            six.bind(("::1", self.port))
            self.listening.append(six)
        except OSError:
            self.six = False
        for one in self.listening:
            stack.callback(one.close)
            one.setblocking(False)
            if one.type == socket.SOCK_STREAM:
                one.listen(100)

    def seen(self) -> list[str]:
        """Every connection and datagram that came in; the system accepts them without us."""
        found = []
        for one in self.listening:
            while True:
                try:
                    found.append(repr(one.accept() if one.type == socket.SOCK_STREAM else one.recv(99)))
                except BlockingIOError:
                    break
        return found
