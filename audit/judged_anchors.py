"""Anchors of the selected links, each with what its judge has to know, and the judgement.

Every link is judged by its own words, where they came from, the page they lead to and the language of the page they
stand on; what occurs a thousand times so is judged once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from audit import anchor_sums as sums
from audit.anchor_class import Classifier, Flag, Verdict
from audit.anchor_shares import CLASS_PLACE
from audit.anchor_sums import Ints, Rows
from audit.languages import language_of
from audit.profile import Profile
from crawler.urls import canonical_url, fold_page, is_ip
from storage import anchor_uses as uses
from storage.anchor_rows import AnchorFilter
from storage.anchor_uses import Part, Text, Uses, kind_of
from storage.filters import Chosen
from storage.records import AnchorSource
from storage.targets import Target, resolve

FLAGS: tuple[Flag, ...] = ("phrase", "close_variant", "person", "page_title", "sentence", "lang_mismatch")


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """The anchors of the selected links, and all that their judge needs to know."""

    rows: Rows
    unit: Ints
    """Of each row, its place among what is judged: a text, its origin, section and language."""
    units: Ints
    """Of each unit, one row of it."""
    wording: Ints
    """Of each distinct text, its place among the distinct folds."""
    folds: list[str]
    texts: dict[int, Text]
    sections: Ints
    """Of each distinct target."""
    languages: list[str]
    language: Ints
    """Of each distinct page, place in ``languages``."""
    watched: tuple[int, int] | None
    """First and last visit of pages that were read at least twice."""

    @property
    def wordings(self) -> Ints:
        """Of each row, its place among the folds."""
        return self.wording[self.rows.text]

    def asked(self, unit: int) -> tuple[int, str, AnchorSource, bool, str | None]:
        """What the judge is asked of one unit: section, text, source, whether there is an image, language."""
        row, rows = self.units[unit], self.rows
        kind = kind_of(int(rows.kind[row]))
        return (
            int(self.sections[rows.target[row]]),
            self.texts[int(rows.texts[rows.text[row]])].text,
            kind.source,
            kind.has_image,
            self.languages[self.language[rows.page[row]]] or None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The same with what was judged of each unit."""

    of: Gathered
    unit_class: Ints
    """Place in `CLASSES`."""
    unit_flags: Ints
    """Bits by place in `FLAGS`."""

    @property
    def classes(self) -> Ints:
        """Of each row."""
        return self.unit_class[self.of.unit]


def gather(
    conn: Connection, chosen: Chosen, profile: Profile, *, by: Part | None = None, words: AnchorFilter | None = None
) -> Gathered:
    """Read the anchors of the selected links, one each.

    Args:
        by: what ``rows.part`` is to hold.
    """
    return with_words(conn, chosen, profile, sums.gather(Uses(conn, chosen, words).batches(by)))


def with_words(conn: Connection, chosen: Chosen, profile: Profile, rows: Rows) -> Gathered:
    """Look up what there is to judge: texts, the section each target belongs to, languages of the pages."""
    texts = uses.texts(conn, rows.texts.tolist())
    place: dict[str, int] = {}
    wording = np.fromiter(
        (place.setdefault(texts[id_].fold, len(place)) for id_ in rows.texts.tolist()), np.int64, len(rows.texts)
    )
    sections = _sections(conn, profile, rows.targets)
    languages, language, watched = _pages(conn, chosen, rows.pages)
    unit, units = sums.packed(rows.text, rows.kind >> 1, sections[rows.target], language[rows.page])
    return Gathered(rows, unit, units, wording, list(place), texts, sections, languages, language, watched)


def classify(of: Gathered, profile: Profile) -> Judged:
    """Judge every unit."""
    rows = of.rows
    classes = np.zeros(len(of.units), np.int64)
    flags = np.zeros(len(of.units), np.int64)
    bits = {name: 1 << place for place, name in enumerate(FLAGS)}
    judges = Judges(profile)
    ids = rows.texts[rows.text[of.units]].tolist()
    kinds = rows.kind[of.units].tolist()
    sections = of.sections[rows.target[of.units]].tolist()
    languages = of.language[rows.page[of.units]].tolist()
    for unit, (id_, kind, section, language) in enumerate(zip(ids, kinds, sections, languages, strict=True)):
        source, has_image, _ = kind_of(kind)
        verdict = judges.of(section).judge(
            of.texts[id_].text, source=source, has_image=has_image, language=of.languages[language] or None
        )
        classes[unit] = CLASS_PLACE[verdict.anchor_class]
        if verdict.flags:
            flags[unit] = sum(bits[name] for name in verdict.flags)
    return Judged(of, classes, flags)


class Judges:
    """One classifier for each section of a profile, made when it is needed."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._made: dict[int, Classifier] = {}

    def of(self, section: int) -> Classifier:
        judge = self._made.get(section)
        if judge is None:
            judge = self._made[section] = Classifier(self._profile, self._profile.sections[section])
        return judge

    def judge(self, of: Gathered, unit: int) -> Verdict:
        """The whole verdict of one unit, which `classify` keeps only the class and the flags of."""
        section, text, source, has_image, language = of.asked(unit)
        return self.of(section).judge(text, source=source, has_image=has_image, language=language)


def _sections(conn: Connection, profile: Profile, targets: Ints) -> Ints:
    """Which section of the profile each target URL belongs to; 0 is the whole."""
    found = np.zeros(len(targets), np.int64)
    for number in range(len(profile.pages), 0, -1):  # the first of two that cover a URL wins
        of = profile.pages[number - 1].url
        if of is not None:
            ids = resolve(conn, page_target(of)).urls
            found[np.isin(targets, np.fromiter(ids, np.int64, len(ids)))] = number
    return found


def page_target(text: str) -> Target:
    """A page as questions on targets fold it: http and https, ``www.``, one final slash, tracking parameters."""
    url = canonical_url(text)
    wanted = fold_page(url, query="tracking")
    bare = url.host.removeprefix("www.")
    hosts = (url.host,) if is_ip(url.host) else tuple(dict.fromkeys((url.host, bare, f"www.{bare}")))
    return Target(
        url.url,
        "page",
        url.domain,
        hosts,
        url.path_key,
        lambda stored: fold_page(canonical_url(stored), query="tracking") == wanted,
    )


def _pages(conn: Connection, chosen: Chosen, pages: Ints) -> tuple[list[str], Ints, tuple[int, int] | None]:
    """Languages of the linking pages (all of them, then of each page its place), and from when to when any was read
    again."""
    found = uses.page_facts(conn, chosen, pages.tolist())
    facts = sums.columns_of(found, len(uses.PAGE_COLUMNS))
    at = np.minimum(np.searchsorted(pages, facts[0]), len(pages) - 1)
    mine = pages[at] == facts[0] if len(pages) else np.zeros(0, np.bool_)
    place, (_, first_ok, last_ok, visit) = at[mine], (column[mine] for column in facts)
    again = (first_ok > 0) & (last_ok > first_ok)
    watched = (int(first_ok[again].min()), int(last_ok[again].max())) if again.any() else None
    codes: dict[str, int] = {"": 0}  # of languages as they are declared
    read: list[int] = []
    declared: list[int] = []
    for batch in uses.languages(conn, visit[visit > 0].tolist()):
        numbers, names = zip(*batch, strict=True)
        read += numbers
        declared += [codes.setdefault(name, len(codes)) for name in names]
    primary = {name: language_of(name) or "" for name in codes}
    languages = sorted(set(primary.values()))  # "" first
    short = np.array([languages.index(primary[name]) for name in codes])
    spoken = np.zeros(len(pages), np.int64)
    if read:
        at = np.searchsorted(visits := np.sort(np.array(read)), visit)
        known = visits[np.minimum(at, len(visits) - 1)] == visit
        of_visit = short[np.array(declared)[np.argsort(read)]]
        spoken[place[known]] = of_visit[at[known]]
    return languages, spoken, watched
