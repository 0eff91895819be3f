"""A first profile, guessed from what is known of a target: TOML whose comments say what is a guess, and from where."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from audit.languages import language_of
from audit.profile import FORMAT, Thresholds

_WORD = re.compile(r"[^\W_]+")
_SEPARATOR = re.compile(r"\s+[|·•»›–—:-]\s+|\s*[|»]\s*|:\s+")
_MOST_WORDS = 4
"""A name is looked for in runs of up to so many words."""
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page of the target, as it was read last."""

    url: str
    title: str | None = None
    h1: str | None = None
    lang: str | None = None
    domains: int | None = None
    """Referring domains; None: not counted."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a target; empty without a ledger."""

    home: KnownPage | None = None
    """The home page, or the target itself where it is one page."""
    pages: tuple[KnownPage, ...] = ()
    """Further ones, most linked to first."""
    anchors: tuple[tuple[str, int], ...] = ()
    """(spelling, referring domains), most used first."""


def draft(target: str, domain: str, known: Known | None = None, *, competitors: Sequence[str] = ()) -> str:
    """The TOML text of a first profile; the same knowledge gives the same text.

    Args:
        target: as the user names it: a domain, host or URL.
        domain: its registrable domain.
    """
    known = known or Known()
    brand, why = _brand(domain, known)
    lines = [
        f"profile = {FORMAT}",
        "# Guessed by the program. Audits say so until you have read it, put it right and removed the next line.",
        "drafted = true",
        f"target = {quoted(target)}",
        "",
        "# The names of the site and of who makes it, as people write them, the main one first.",
        f"# guess: {why}",
        f"brands = [{quoted(brand)}]",
    ]
    if maybe := _like_brand(brand, known.anchors):
        lines += _comment("anchors that hold it, and may be further names (referring domains)", maybe)
    lines += [
        "",
        "# What it wants to be found for: keywords for links to pages that have no [[page]] below.",
        "keywords = []",
    ]
    texts = [text for page in (known.home, *known.pages[:3]) if page for text in (page.title, page.h1) if text]
    if phrases := _phrases(texts, brand):
        lines += _comment("perhaps, from titles and headings", [quoted(one) for one in phrases])
    lines += ["# home, product, category, article or other", 'page_type = "other"']
    home = known.home
    if home is not None and (home.title or home.h1):
        lines += ["", f"# of {quoted(home.url)}, as it was read last"]
        lines += [f"{name} = {quoted(text)}" for name, text in (("title", home.title), ("h1", home.h1)) if text]
    language = language_of(home.lang if home else None)
    language = language if language and len(language) == 2 else None  # all a profile takes
    lines += [
        "",
        "# Two-letter codes, the main one first." + ("" if language else " Not known."),
        *(["# guess: what the home page says of itself"] if language else []),
        f"languages = [{quoted(language) if language else ''}]",
        "",
        "# Targets to compare with.",
        f"competitors = [{', '.join(map(quoted, dict.fromkeys(competitors)))}]",
        "# Own hosts on other domains, such as a shop's.",
        "hosts = []",
        "# Further phrases to be read as generic, such as a button of yours that partners copy.",
        "generic = []",
        "",
        "# One [[page]] for each page that is to be found for words of its own; take the # away and name the keywords.",
    ]
    for page in known.pages[:_SHOWN] or (KnownPage(_example(target, domain)),):
        linked = "" if page.domains is None else f"  # {page.domains:,} referring domains"
        lines += ["# [[page]]", f"# url = {quoted(page.url)}{linked}", "# keywords = []", '# type = "other"']
        lines += [f"# {name} = {quoted(text)}" for name, text in (("title", page.title), ("h1", page.h1)) if text]
    lines += [
        "",
        "# Own thresholds. These are the defaults, all of them heuristics: docs/audits.md has the evidence for each.",
        "# [thresholds]",
        *(f"# {one.name} = {one.default}" for one in fields(Thresholds)),
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A text as TOML writes it, on one line whatever is in it."""
    written = json.dumps(" ".join(text.split()), ensure_ascii=False)
    return "".join(one if _plain(one) else f"\\U{ord(one):08X}" for one in written)


def stem_of(domain: str) -> str:
    """The first label of a registrable domain: ``example`` of ``example.co.uk``."""
    return domain.split(".")[0]


def written_as(stem: str, texts: Iterable[str]) -> str | None:
    """How texts write a name that is known without case and spaces: ``AcmeTools`` or ``Acme Tools`` for ``acmetools``.

    The spelling of most texts; of equally common ones the first.
    """
    wanted = _letters(stem)
    found: Counter[str] = Counter()
    for text in texts:
        words = list(_WORD.finditer(text))
        spellings = []
        for first in range(len(words)):
            for last in range(first, min(first + _MOST_WORDS, len(words))):
                spelling = text[words[first].start() : words[last].end()]
                if _letters(spelling) == wanted and len(spelling) <= len(wanted) + _MOST_WORDS * 2:
                    spellings.append(spelling)
        found.update(list(dict.fromkeys(spellings)))
    return max(found, key=lambda one: found[one]) if found else None


def _brand(domain: str, known: Known) -> tuple[str, str]:
    """A name, and where it is from."""
    stem = stem_of(domain)
    pages = [page for page in (known.home, *known.pages) if page is not None]
    titles = [text for page in pages for text in (page.title, page.h1) if text]
    if (found := written_as(stem, titles)) is not None:
        return found, "the name of the host, as titles of the target write it"
    if (found := written_as(stem, (text for text, _ in known.anchors))) is not None:
        return found, "the name of the host, as anchors write it"
    return stem, "the name of the host"


def _like_brand(brand: str, anchors: Sequence[tuple[str, int]]) -> list[str]:
    """Short anchors that hold the name and are not it alone."""
    wanted = _letters(brand)
    found = []
    for text, domains in anchors:
        words = _WORD.findall(text)
        if 1 < len(words) <= _MOST_WORDS and wanted in _letters(text) != wanted and "." not in text:
            found.append(f"{quoted(text)} ({domains:,})")
    return found[:_SHOWN]


def _phrases(texts: Sequence[str], brand: str) -> list[str]:
    """Parts of titles that are not the name."""
    found: dict[str, str] = {}
    for text in texts:
        for part in _SEPARATOR.split(text):
            part = " ".join(part.split())
            if 0 < len(_WORD.findall(part)) <= 6 and _letters(brand) not in _letters(part):
                found.setdefault(part.casefold(), part)
    return list(found.values())[:_SHOWN]


def _comment(said: str, items: Sequence[str]) -> list[str]:
    return [f"# {said}:", *(f"#   {one}" for one in items)]


def _letters(text: str) -> str:
    """Letters and digits alone, without case and marks."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in plain if one.isalnum())


def _example(target: str, domain: str) -> str:
    return f"{target.rstrip('/')}/page" if "://" in target else f"https://{domain}/page"


def _plain(one: str) -> bool:
    """Whether a character may stand in a TOML text and steers nothing where the file is shown."""
    return one == " " or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
