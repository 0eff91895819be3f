"""Addresses a crawl would never come to the end of, told by the address alone.

A relative link to a folder that answers everywhere makes ``/a/b/a/b/a/b``; filters of a shop and calendars make
queries without end; a server that knows its visitors by an id in the address shows each of its pages under ever new
ones. Every rule here looks at one URL and nothing else, so that it decides alike in whatever order links are found;
what has to be counted over a crawl is counted by `storage.limits`.

The rules are careful, for a page wrongly left out is a page nobody asks for. Heritrix takes any part of a path that
stands three times in a row for a trap, which dates (``/2011/11/11/11``) and split numbers (``/0/0/0/1``) do; Nutch
takes any segment that stands three times with others between. Here one segment may stand three times, and only a row
of two or more that comes three times running is a loop.
"""

from __future__ import annotations

import re
from collections import Counter

MOST_SEGMENTS = 20
"""Of a path; as Heritrix has it."""
MOST_OF_A_SEGMENT = 3
LOOPS = 3
"""Times that a row of two or more segments comes running in a loop."""
MOST_PARAMETERS = 8
MOST_OF_A_PARAMETER = 3
"""Parameters of one name: lists such as ``tag[]=a&tag[]=b`` exist, filters that add to themselves have no end."""

_SURE = r"jsessionid|phpsessid|aspsessionid[a-z]*|asp\.net_sessionid|cftoken|cfid|zenid|oscsid|xtcsid|bv_sessionid"
_LIKELY = r"sid|sess|sessid|session|session[_-]?id"
_VALUE = r"(?=[^&;/]*[0-9])[0-9A-Za-z,._-]{20,}"
"""What an id looks like: ``sid=12`` is the number of a story, ``session=morning`` a part of a conference."""
_NAMED = rf"(?:(?:{_SURE})=[^&;/]+|(?:{_LIKELY})={_VALUE}|s=[0-9a-f]{{32}})"
_PARAMETER = re.compile(_NAMED, re.IGNORECASE)
_IN_PATH = re.compile(rf";{_NAMED}|/\((?:[a-z]\([^()/]+\))+\)(?=/)", re.IGNORECASE)
"""Behind a semicolon, as servlets do, or as ASP.NET does: ``/(S(lit3py55t21z5v55vlm25s55))/page``."""
_HINT = re.compile(r"sess|sid=|[?&;]s=|cftoken=|cfid=|zenid=|/\([a-z]\(", re.IGNORECASE)


def trap(url: str) -> str | None:
    """The rule by which a canonical URL is not followed: ``path_depth``, ``path_repeats``, ``parameters`` or None."""
    address, _, query = url.partition("?")
    if address.count("/") > 2 + MOST_OF_A_SEGMENT:  # fewer segments cannot repeat that often
        segments = address.split("/")[3:]
        if len(segments) - (segments[-1] == "") > MOST_SEGMENTS:
            return "path_depth"
        if len(set(segments)) < len(segments) and _repeats(segments):
            return "path_repeats"
    if query.count("&") >= MOST_OF_A_PARAMETER:
        names = Counter(part.partition("=")[0] for part in query.split("&") if part)
        if names.total() > MOST_PARAMETERS or max(names.values(), default=0) > MOST_OF_A_PARAMETER:
            return "parameters"
    return None


def _repeats(segments: list[str]) -> bool:
    counted = Counter(segment for segment in segments if segment)
    if any(number > MOST_OF_A_SEGMENT for number in counted.values()):
        return True
    if not any(number >= LOOPS for number in counted.values()):
        return False
    for length in range(2, len(segments) // LOOPS + 1):
        for start in range(len(segments) - LOOPS * length + 1):
            row = segments[start : start + length]
            if any(row) and segments[start : start + LOOPS * length] == row * LOOPS:
                return True
    return False


def without_session(url: str) -> str | None:
    """A canonical URL without the session id that stands in it; None where it has none."""
    if ("?" not in url and ";" not in url and "(" not in url) or _HINT.search(url) is None:
        return None
    address, _, query = url.partition("?")
    bare = _IN_PATH.sub("", address)
    parts = query.split("&") if query else []
    kept = [part for part in parts if part and not _PARAMETER.fullmatch(part)]
    if bare == address and len(kept) == sum(map(bool, parts)):
        return None
    return f"{bare}?{'&'.join(kept)}" if kept else bare


def without_query(url: str) -> str | None:
    """A canonical URL up to its query; None where it has none."""
    address, mark, _ = url.partition("?")
    return address if mark else None
