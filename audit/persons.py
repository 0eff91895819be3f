"""Whether a text is a person's name: a flag for people who read the list, never a class of its own."""

from __future__ import annotations

import re

from audit.languages import Language

_PARTICLES = frozenset(
    ("af", "al", "bin", "bint", "da", "das", "de", "del", "della", "den", "der", "di", "dos", "du", "el", "ibn", "la",
     "le", "ten", "ter", "van", "vom", "von", "y", "zu", "zur"),
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*\.?")


def is_person(clean: str, known: tuple[Language, ...]) -> bool:
    """Whether two to four words look like a name: capitals in front, initials, particles between, nothing else.

    A guess from spelling alone: a title in capitals of two words looks the same where no stop word parts them.
    """
    parts = clean.split(" ")
    if not 2 <= len(parts) <= 4 or len(clean) > 40:
        return False
    names = 0
    for at, part in enumerate(parts):
        bare = part.rstrip(".")
        if not bare or _WORD.fullmatch(part) is None:
            return False
        if part[0].islower():
            if part not in _PARTICLES or at in (0, len(parts) - 1):
                return False
            continue
        if part.endswith(".") and len(bare) > 2:
            return False
        if len(bare) > 1 and (bare[1:].upper() == bare[1:] or any(bare.lower() in one.stop for one in known)):
            return False
        names += len(bare) > 1
    return names >= 1 and not parts[-1].endswith(".")
