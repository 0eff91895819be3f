"""Which class an anchor is of, decided from its words and the profile; the first rule that fits wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit.profile import Profile, Section
from storage.records import AnchorSource

AnchorClass = Literal["branded", "exact", "partial", "brand_keyword", "naked_url", "generic", "image", "empty", "other"]
CLASSES: tuple[AnchorClass, ...] = (
    "branded", "exact", "partial", "brand_keyword", "naked_url", "generic", "image", "empty", "other",
)  # fmt: skip
"""In the order in which they are shown."""
MONEY: frozenset[AnchorClass] = frozenset(("exact", "partial"))
COMPOUND: frozenset[AnchorClass] = frozenset(("brand_keyword",))
ALIGNMENT: dict[AnchorClass, float] = {"exact": 1.0, "partial": 0.8, "brand_keyword": 0.8, "branded": 0.4}
"""How far the words say what the target wants to be found for; 0.1 for every other class."""

Flag = Literal["phrase", "close_variant", "person", "page_title", "sentence", "lang_mismatch"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The class of one anchor and what decided it."""

    anchor_class: AnchorClass
    rule: str
    """Name of the deciding rule, such as ``brand_alone``; docs/anchor-classes.md lists them in order."""
    because: str
    """One line for people: the words that matched, with what."""
    flags: frozenset[Flag] = frozenset()


class Classifier:
    """Judges anchors that lead to one section of a profile.

    What depends on the profile alone is prepared once; `judge` costs some tens of microseconds.
    """

    def __init__(self, profile: Profile, section: Section | None = None) -> None:
        self.profile, self.section = profile, section or profile.whole

    def judge(
        self, text: str, *, source: AnchorSource = "text", has_image: bool = False, language: str | None = None
    ) -> Verdict:
        """The class of one anchor.

        Args:
            text: the effective anchor text, as stored.
            source: where it came from.
            language: of the linking page, ISO 639-1, where it is known.
        """
        raise NotImplementedError
