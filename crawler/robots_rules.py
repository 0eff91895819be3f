"""What a robots.txt allows one crawler: RFC 9309, with the line that decided it.

Source: https://www.rfc-editor.org/rfc/rfc9309 ; where it is silent, the published parser of
Google (https://github.com/google/robotstxt) decides: unknown lines do not end a group, an agent
name is read up to its first character that no name may hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

MAX_BYTES = 512_000
"""RFC 9309 section 2.5 asks for at least 500 KiB; what lies past it is not read."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_NAME = re.compile(r"[a-zA-Z_-]*")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Rule(NamedTuple):
    """One ``Allow`` or ``Disallow`` line."""

    allow: bool
    pattern: str
    """The path pattern in comparable form: see `comparable`."""
    given: str
    """The line as written, without its comment."""
    line: int


class Verdict(NamedTuple):
    """Whether a path may be fetched; ``rule`` is None where no rule matched."""

    allowed: bool
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules of one robots.txt for one crawler, longest pattern first."""

    rules: tuple[Rule, ...]
    crawl_delay: float | None = None
    """Seconds, where a ``Crawl-delay`` line asks for some; not part of the RFC."""

    def judge(self, path: str) -> Verdict:
        """Judge a path with its query, such as ``/a?b=c``.

        The longest matching pattern decides; of equally long ones ``Allow`` does (section 2.2.2).
        """
        wanted = comparable(path or "/")
        for rule in self.rules:
            if matches(rule.pattern, wanted):
                return Verdict(rule.allow, rule)
        return Verdict(True, None)


ALLOW_ALL = RobotsRules(())


def read_robots(body: bytes, agent: str) -> RobotsRules:
    """Read a robots.txt for the crawler whose product token is ``agent``.

    Args:
        body: as received and unpacked; only the first `MAX_BYTES` are read, a line cut by that is dropped.
        agent: letters, ``-`` and ``_``; compared without regard to case.
    """
    if len(body) > MAX_BYTES:
        body = body[:MAX_BYTES].rpartition(b"\n")[0]
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    wanted = agent.casefold()
    own: list[Rule] = []
    general: list[Rule] = []
    own_delay: float | None = None
    general_delay: float | None = None
    named = False  # a group for this crawler exists, even one without rules
    to_own = to_general = False  # whom the group being read is for
    in_rules = False  # a rule was read, so the next agent line begins a new group
    for number, raw in enumerate(_LINE_END.split(text), start=1):
        line = raw.partition("#")[0].strip()
        key, colon, value = line.partition(":")
        if not colon:
            continue
        key, value = key.strip().casefold(), value.strip()
        if key == "user-agent":
            if in_rules:
                to_own = to_general = in_rules = False
            if value == "*" or value.startswith(("* ", "*\t")):
                to_general = True
            elif _name(value) == wanted:
                to_own = named = True
        elif key in {"allow", "disallow"}:
            in_rules = True
            if value and (to_own or to_general):
                rule = Rule(key == "allow", comparable(value), line, number)
                if to_own:
                    own.append(rule)
                if to_general:
                    general.append(rule)
        elif key == "crawl-delay":
            delay = _seconds(value)
            if to_own:
                own_delay = delay
            if to_general:
                general_delay = delay
    rules = own if named else general
    rules.sort(key=lambda rule: (-len(rule.pattern), not rule.allow, rule.line))
    return RobotsRules(tuple(rules), own_delay if named else general_delay)


def comparable(path: str) -> str:
    """Bring the escapes of a path or pattern to one form: section 2.2.2 of the RFC.

    Characters outside ASCII become escaped UTF-8, escaped unreserved characters become plain,
    the hexadecimal digits of other escapes become capital letters.
    """
    if not path.isascii():
        path = "".join(c if c.isascii() else "".join(f"%{b:02X}" for b in c.encode("utf-8", "replace")) for c in path)
    if "%" not in path:
        return path
    return _ESCAPE.sub(_unescape, path)


def _unescape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern with ``*`` (anything) and a last ``$`` (the end) matches the start of a path.

    Each piece between stars is taken at its first possible place, so that the time stays near
    the product of the two lengths for any pattern.
    """
    if not pattern.startswith(("/", "*")):
        return False
    whole = pattern.endswith("$")
    first, *others = (pattern[:-1] if whole else pattern).split("*")
    if not path.startswith(first):
        return False
    if not others:
        return len(path) == len(first) if whole else True
    at = len(first)
    last = others.pop()
    for piece in others:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if whole:
        return len(path) - len(last) >= at and path.endswith(last)
    return path.find(last, at) >= 0


def _name(value: str) -> str:
    match = _NAME.match(value)
    return match[0].casefold() if match else ""


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
