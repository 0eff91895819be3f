"""Where on its page a link sits, and which rule says so: the rules of data/placement.toml, ready to ask."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import NamedTuple

from storage.records import Placement

_DATA = tomllib.loads(files("crawler").joinpath("data/placement.toml").read_text("utf-8"))
_ELEMENTS: dict[str, Placement] = _DATA["elements"]
_ROLES: dict[str, Placement | str] = _DATA["roles"]
_SCOPED = frozenset(_DATA["scoped"]["elements"])
_SCOPES = frozenset(_DATA["scoped"]["inside_elements"])
_SCOPE_ROLES = frozenset(_DATA["scoped"]["inside_roles"])
NAMELESS = frozenset(_DATA["names"]["not_on"])
"""Elements whose own names say nothing about the place of what is inside."""
_WORDS: dict[str, Placement] = {word: place for place, words in _DATA["names"]["words"].items() for word in words}
_TOGETHER: dict[str, Placement] = _DATA["names"]["together"]
_BESIDE = frozenset(_DATA["names"]["beside"]["words"])
_KNOWN = _BESIDE.union(_WORDS, *(pair.split() for pair in _TOGETHER))
_WEAK = frozenset(_DATA["names"]["weak"])
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^-_:A-Za-z0-9]+")
_FIRST_WORD = re.compile(r"[-_:]*([A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+)")
_LONGEST_NAME = 60
_LONGEST_CLASSES = 1000


class Place(NamedTuple):
    """A placement and the rule that decided it, such as ``element:nav``, ``role:banner`` or ``class:site-footer``."""

    placement: Placement
    rule: str


NOWHERE = Place("body", "default")
"""No rule decided: the link stands in the page's body."""


def landmark_of(tag: str, role: str | None, *, scoped: bool) -> Place | None:
    """Return the landmark that an element is, None where it is none.

    Args:
        scoped: whether it stands inside an article, aside, main, nav or section: headers and footers
            there are not the page's.
    """
    if role:
        for token in role.lower().split():
            place = _ROLES.get(token)
            if place is not None:
                return Place(place, f"role:{token}") if place else None  # type: ignore[arg-type]
    element = _ELEMENTS.get(tag)
    if element is None or (scoped and tag in _SCOPED):
        return None
    return Place(element, f"element:{tag}")


def is_scope(tag: str, role: str | None) -> bool:
    """Whether headers and footers inside an element belong to it and not to the page."""
    return tag in _SCOPES or (role is not None and not _SCOPE_ROLES.isdisjoint(role.lower().split()))


def named_place(name: str | None, classes: str | None) -> Place | None:
    """Return what an element's id, or else the first of its classes that says so, tells about its place."""
    if name and (place := _place_of_name(name)) is not None:
        return Place(place, f"id:{name}")
    if classes:
        for token in classes[:_LONGEST_CLASSES].split():
            if (place := _place_of_name(token)) is not None:
                return Place(place, f"class:{token}")
    return None


def nearer(outer: Place, own: Place) -> Place:
    """Return the place by names inside an element: its own name's, unless that is weak and another stands around it."""
    if own.placement in _WEAK and outer is not NOWHERE:
        return outer
    return own


def _place_of_name(name: str) -> Placement | None:
    """The place that one id or class names, by the word rule of the data file."""
    first = _FIRST_WORD.match(name)
    if first is None or first[1].lower() not in _KNOWN or len(name) > _LONGEST_NAME:
        return None
    place: Placement | None = None
    last = ""
    for word in _WORD.findall(name):
        word = word.lower()
        if word not in _KNOWN:
            return None
        place = _TOGETHER.get(f"{last} {word}") or _WORDS.get(word, place)
        last = word
    return place
