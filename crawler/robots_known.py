"""What is remembered of the robots.txt files of a crawl: for a day at most, and within bounds of number and size."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from crawler.robots_rules import RobotsRules
from storage.records import OutcomeState

FRESH_SECONDS = 24 * 3600.0
"""RFC 9309 section 2.4: a copy is not used for longer than a day."""
UNREACHABLE_SECONDS = 600.0
"""How long nothing is asked of an origin whose robots.txt cannot be read, until it is tried again."""
_MOST_ORIGINS = 10_000
_MOST_BYTES = 50_000_000
"""A file of 500 KiB holds 64,000 rules, some 15 MB in memory: counting origins alone would bound nothing."""
_BYTES_OF_A_RULE = 250


class Policy(NamedTuple):
    """What is known of one origin's robots.txt."""

    rules: RobotsRules
    until: float
    """By the clock of whoever asks, in seconds: when it is to be asked again."""
    outcome: OutcomeState | None = None
    """Where nothing may be fetched now: the outcome of its pages, with ``reason``."""
    reason: str = ""

    @property
    def bytes(self) -> int:
        """About what it takes in memory."""
        texts = sum(len(rule.pattern) + len(rule.needle) + len(rule.given) for rule in self.rules.rules)
        return _BYTES_OF_A_RULE * (1 + len(self.rules.rules)) + texts


class Policies:
    """The policies of a crawl's origins; those not used for longest go first, the latest always stays."""

    def __init__(self, *, most_origins: int = _MOST_ORIGINS, most_bytes: int = _MOST_BYTES) -> None:
        self._most_origins, self._most_bytes = most_origins, most_bytes
        self._known: OrderedDict[str, tuple[Policy, int]] = OrderedDict()
        self.bytes = 0
        """About what all of them take in memory."""

    def __len__(self) -> int:
        return len(self._known)

    def get(self, origin: str, now: float) -> Policy | None:
        """What is known of an origin and holds still."""
        if origin not in self._known:
            return None
        policy, size = self._known[origin]
        if policy.until <= now:
            del self._known[origin]
            self.bytes -= size
            return None
        self._known.move_to_end(origin)
        return policy

    def put(self, origin: str, policy: Policy) -> None:
        """Remember a policy in place of an older one."""
        _, size = self._known.pop(origin, (None, 0))
        self.bytes -= size
        self._known[origin] = policy, policy.bytes
        self.bytes += policy.bytes
        while len(self._known) > 1 and (len(self._known) > self._most_origins or self.bytes > self._most_bytes):
            _, (_, size) = self._known.popitem(last=False)
            self.bytes -= size
