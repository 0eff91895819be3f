"""What a robots.txt allows one crawler: RFC 9309, with the line that decided it.

Source: https://www.rfc-editor.org/rfc/rfc9309 ; where it is silent, the published parser of
Google (https://github.com/google/robotstxt) decides: unknown lines do not end a group, an agent
name is read up to its first character that no name may hold, a few misspelt keys and a missing
colon are understood. What differs from it is in docs/crawling.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

MAX_BYTES = 512_000
"""RFC 9309 section 2.5 asks for at least 500 KiB; what lies past it is not read."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_NAME = re.compile(r"[a-zA-Z_-]*")
_AGENT_KEYS = ("user-agent", "useragent", "user agent")
_DISALLOW_KEYS = ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw")
_ALLOW_KEYS = ("allow",)
_DELAY = re.compile(r"(?:\d+\.?\d*|\.\d+)(?![\d.])", re.ASCII)
_NOT_IN_URLS = re.compile(r"[^!#-;=?-\[\]_a-z~]+")
"""What stands in a URL as an escape only: octets that are no visible ASCII, and ``" < > \\ ^ ` { | }``."""
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_MANY = 1_000
_PLAIN_IN_QUERIES = re.compile("%(?:3A|2F|3F|40)")


class Rule(NamedTuple):
    """One ``Allow`` or ``Disallow`` line. Texts are shared where they are the same: a file may hold 64,000."""

    allow: bool
    pattern: str
    """The path pattern in comparable form: `_comparable_pattern`."""
    needle: str
    """Its longest part without a star: where that is not in a path, the pattern does not match it."""
    given: str
    """The path pattern as written."""
    line: int


class Verdict(NamedTuple):
    """Whether a path may be fetched; ``rule`` is None where no rule matched."""

    allowed: bool
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules of one robots.txt for one crawler, longest pattern first; of equal ones, the one that decides."""

    rules: tuple[Rule, ...]
    crawl_delay: float | None = None
    """Seconds, where ``Crawl-delay`` lines ask for some, the most of several; not part of the RFC."""

    def judge(self, path: str) -> Verdict:
        """Judge a path with its query, such as ``/a?b=c``.

        The longest matching pattern decides; of equally long ones ``Allow`` does (section 2.2.2).
        /robots.txt itself is always allowed.
        """
        if path == "/robots.txt" or not self.rules:
            return Verdict(True, None)
        wanted = _comparable_path(path or "/")
        place = self._first(wanted, len(self.rules))
        plain = _plain_query(wanted)
        if plain != wanted:
            place = self._first(plain, place)
        if place == len(self.rules):
            return Verdict(True, None)
        return Verdict(self.rules[place].allow, self.rules[place])

    def _first(self, path: str, end: int) -> int:
        """The place of the first rule before ``end`` that matches, or ``end``."""
        rules = self.rules if end == len(self.rules) else self.rules[:end]
        if len(rules) < _MANY:
            for place, (_, pattern, needle, _, _) in enumerate(rules):
                if needle in path and matches(pattern, path):
                    return place
            return end
        # Looking up three letters takes the same time in a path of any length.
        begins = {path[at : at + length] for length in range(4) for at in range(len(path))}
        for place, (_, pattern, needle, _, _) in enumerate(rules):
            if needle[:3] in begins and needle in path and matches(pattern, path):
                return place
        return end


ALLOW_ALL = RobotsRules(())


def split_url(url: str) -> tuple[str, str]:
    """The origin a robots.txt is for (scheme, host and port) and the path it judges (with the query).

    Args:
        url: canonical: absolute, its default port and its fragment left out. User names belong to no origin.
    """
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}", slash + path


def read_robots(body: bytes, agent: str, *, whole: bool = True) -> RobotsRules:
    """Read a robots.txt for the crawler whose product token is ``agent``.

    Args:
        body: as received and unpacked; only the first `MAX_BYTES` are read.
        agent: letters, ``-`` and ``_``; compared without regard to case.
        whole: whether the body has its end; a line that was cut off says nothing.
    """
    if not whole or len(body) > MAX_BYTES:
        body = body[:MAX_BYTES]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    wanted = agent.casefold()
    own: dict[str, Rule] = {}
    general: dict[str, Rule] = {}
    own_delay: float | None = None
    general_delay: float | None = None
    named = False  # a group for this crawler exists, even one without rules
    to_own = to_general = False  # whom the group being read is for
    in_rules = False  # a rule was read, so the next agent line begins a new group
    for number, raw in enumerate(_LINE_END.split(_decode(body)), start=1):
        if not raw:
            continue
        key, value = _key_and_value(raw)
        if key.startswith(_AGENT_KEYS):
            if in_rules:
                to_own = to_general = in_rules = False
            if value == "*" or (value[:1] == "*" and value[1].isspace()):
                to_general = True
            elif _name(value) == wanted:
                to_own = named = True
        elif (allow := key.startswith(_ALLOW_KEYS)) or key.startswith(_DISALLOW_KEYS):
            in_rules = True
            if (to_own or to_general) and value[:1] in ("/", "*"):
                rule = _rule(allow, value, number)
                if to_own:
                    _keep(own, rule)
                if to_general:
                    _keep(general, rule)
        elif key == "crawl-delay":
            delay = _seconds(value)
            if delay is not None and to_own:
                own_delay = max(delay, own_delay or 0)
            if delay is not None and to_general:
                general_delay = max(delay, general_delay or 0)
    rules = sorted((own if named else general).values(), key=lambda rule: (-len(rule.pattern), not rule.allow))
    return RobotsRules(tuple(rules), own_delay if named else general_delay)


def _decode(body: bytes) -> str:
    """The text of a robots.txt: UTF-8, its other octets kept apart; UTF-16 where a mark at its start says so."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _key_and_value(raw: str) -> tuple[str, str]:
    """The two parts of a line, the key in small letters; two empty ones where it is none."""
    line = raw.partition("#")[0]
    if "\0" in line:  # where a line ended for the parsers that are written in C
        line = line.partition("\0")[0]
    key, colon, value = line.partition(":")
    if colon:
        return key.strip().lower(), value.strip()
    words = line.split()
    return (words[0].lower(), words[1]) if len(words) == 2 else ("", "")


def _rule(allow: bool, given: str, line: int) -> Rule:
    pattern = _comparable_pattern(given)
    if pattern == given:
        given = pattern
    elif not given.isascii():
        given = given.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    needle = pattern[:-1] if pattern.endswith("$") else pattern
    if "*" in needle:
        needle = max(needle.split("*"), key=len)
    return Rule(allow, pattern, pattern if needle == pattern else needle, given, line)


def _keep(rules: dict[str, Rule], rule: Rule) -> None:
    """Keep one rule for each pattern: the first, or the one that allows."""
    known = rules.get(rule.pattern)
    if known is None or (rule.allow and not known.allow):
        rules[rule.pattern] = rule


def comparable(text: str) -> str:
    """Bring the escapes of a path or pattern to one form: section 2.2.2 of the RFC.

    What no URL shows (octets outside ASCII, spaces, quotes ...) becomes escaped, escaped unreserved
    characters become plain, the hexadecimal digits of other escapes become capital letters.
    """
    if "%" in text:
        text = _ESCAPE.sub(_unescape, text)
    return _NOT_IN_URLS.sub(_escape, text)


def _comparable_path(path: str) -> str:
    """A path in which stars and dollars stand as escapes: they mean themselves there (section 2.2.3)."""
    return comparable(path).replace("*", "%2A").replace("$", "%24")


def _comparable_pattern(pattern: str) -> str:
    """A pattern in which only a last ``$`` stands for the end; any other means itself."""
    text = comparable(pattern)
    if "$" in text:
        text = text[:-1].replace("$", "%24") + text[-1]
    return _plain_query(text) if "?" in text else text


def _plain_query(text: str) -> str:
    """Text whose query shows ``: / ? @`` plain, which mean the same there plain and escaped (section 2.2.2)."""
    path, mark, query = text.partition("?")
    if "%" not in query:
        return text
    return path + mark + _PLAIN_IN_QUERIES.sub(lambda match: chr(int(match[0][1:], 16)), query)


def _escape(match: re.Match[str]) -> str:
    return "%" + match[0].encode("utf-8", "surrogateescape").hex("%").upper()


def _unescape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern with ``*`` (anything) and a last ``$`` (the end) matches the start of a path.

    Each piece between stars is taken at its first possible place, so that the time stays near
    the product of the two lengths for any pattern.
    """
    whole = pattern.endswith("$")
    if whole:
        pattern = pattern[:-1]
    if "*" not in pattern:
        return path == pattern if whole else path.startswith(pattern)
    first, *others = pattern.split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    last = others.pop()
    if whole and not path.endswith(last):
        return False
    for piece in others:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(path) - len(last) >= at if whole else path.find(last, at) >= 0


def _name(value: str) -> str:
    match = _NAME.match(value)
    return match[0].casefold() if match else ""


def _seconds(value: str) -> float | None:
    """The number a ``Crawl-delay`` begins with, whatever unit follows it; None where it begins with none."""
    match = _DELAY.match(value)
    return float(match[0]) if match else None
