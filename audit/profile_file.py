"""A profile's TOML file, read into a `Profile`: every fault with its line, key and value, and what to do."""

from __future__ import annotations

import difflib
import hashlib
import math
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from audit.profile import FORMAT, PageType, Profile, Section, Thresholds
from audit.profile_lines import Lines
from crawler.urls import canonical_url, fold_page, is_ip, is_public_suffix, seed_url
from storage.errors import InvalidUrl, LedgerError
from storage.records import CanonicalUrl

PAGE_TYPES: tuple[PageType, ...] = get_args(PageType)
THRESHOLDS = tuple(one.name for one in fields(Thresholds))
KEYS = (
    "profile", "drafted", "target", "brands", "keywords", "page_type", "title", "h1", "languages", "competitors",
    "hosts", "generic", "page", "thresholds",
)  # fmt: skip
PAGE_KEYS = ("url", "keywords", "type", "title", "h1", "languages")
LONGEST = 1_000_000
"""Bytes; a larger file is no profile."""
_LANGUAGE = re.compile(r"[a-z]{2}")
_ABOVE_ONE = ("rival_notice", "rival_warn")
_COUNTS = ("rival_warn_domains", "sitewide_pages", "least_domains")
_PAIRS = (
    ("exact_notice", "exact_warn"), ("money_notice", "money_warn"), ("repeated_notice", "repeated_warn"),
    ("rival_notice", "rival_warn"), ("relevance_some", "relevance_high"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a profile."""

    line: int | None
    """From 1; None where it is the file as a whole."""
    key: str
    """Such as ``brands`` or ``page[2].url``; empty where it is no single key."""
    value: str
    """As it was read, bounded; empty where there is none."""
    said: str
    """What is wrong and what to do."""


class BadProfile(LedgerError):
    """A profile that cannot be used."""

    def __init__(self, path: str | None, faults: tuple[Fault, ...]) -> None:
        self.path, self.faults = path, faults
        first = faults[0]
        where = f"{path or 'profile'}{'' if first.line is None else f', line {first.line}'}"
        more = f" ({len(faults) - 1} more; `linkledger profile check` names all)" if len(faults) > 1 else ""
        super().__init__(f"{where}: {first.said}{more}")


def load(path: Path) -> Profile:
    """Read a profile.

    Raises:
        BadProfile: it cannot be read, or has a fault.
    """
    data = read_bytes(path)
    return parse(text_of(data, str(path)), str(path), digest=digest_of(data))


def parse(text: str, path: str | None = None, *, digest: str | None = None) -> Profile:
    """The profile of a TOML text.

    Args:
        path: for messages and `Profile.path`.
        digest: of the file's bytes; None: those of the text in UTF-8.
    Raises:
        BadProfile: with every fault.
    """
    found, faults = examine(text, path, digest=digest)
    if found is None:
        raise BadProfile(path, faults)
    return found


def examine(
    text: str, path: str | None = None, *, digest: str | None = None
) -> tuple[Profile | None, tuple[Fault, ...]]:
    """The profile of a TOML text, or every fault of it in the order of its lines."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) if at else len(text.splitlines()) or 1
        return None, (Fault(line, "", "", f"no TOML: {error}"),)
    except RecursionError:
        return None, (Fault(None, "", "", "nested deeper than any profile is"),)
    reader = _Reader(Lines(text))
    found = reader.profile(values, path, digest or digest_of(text.encode("utf-8", "surrogatepass")))
    faults = tuple(sorted(reader.faults, key=lambda one: one.line or 0))
    return (None, faults) if faults else (found, ())


def read_bytes(path: Path) -> bytes:
    """The bytes of a profile's file; raises BadProfile."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise BadProfile(str(path), (Fault(None, "", "", f"cannot be read: {error.strerror or error}"),)) from error
    if len(data) > LONGEST:
        raise BadProfile(str(path), (Fault(None, "", "", f"more than {LONGEST:,} bytes: no profile is that long"),))
    return data


def text_of(data: bytes, path: str) -> str:
    """The text of a profile's bytes; raises BadProfile."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadProfile(path, (Fault(line, "", "", "not UTF-8; save the file as UTF-8 text"),)) from error


def digest_of(data: bytes) -> str:
    """What every audit names a profile by."""
    return hashlib.sha256(data).hexdigest()[:12]


def fold(text: str) -> str:
    """Two texts that fold alike are one keyword or name given twice."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class _Reader:
    """Takes the values apart and gathers what is wrong with them."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.faults: list[Fault] = []

    def profile(self, values: Mapping[str, Any], path: str | None, digest: str) -> Profile | None:
        self._known(values, KEYS, "", "setting")
        version = values.get("profile")
        if version is None:
            self._fault("profile", None, f"the first line must be `profile = {FORMAT}`: the number of the format", 1)
        elif isinstance(version, bool) or version != FORMAT:
            self._fault("profile", version, f"profile = {version!r} is no format this release reads; write {FORMAT}")
        drafted = values.get("drafted", False)
        if not isinstance(drafted, bool):
            self._fault("drafted", drafted, f"drafted must be true or false, not {drafted!r}; or take the line out")
        target = self._target(values)
        hosts = self._list(values, "hosts", "", self._host)
        domains = {one.domain for one in (target, *(_site(host) for host in hosts)) if one is not None}
        whole = Section(
            None,
            self._list(values, "keywords", ""),
            self._page_type(values, "page_type", ""),
            self._text(values, "title", ""),
            self._text(values, "h1", ""),
        )
        pages = self._pages(values, domains)
        made = Profile(
            target=str(values.get("target", "")).strip(),
            brands=self._brands(values),
            whole=whole,
            pages=pages,
            languages=self._list(values, "languages", "", self._language),
            competitors=self._list(values, "competitors", "", self._competitor),
            hosts=hosts,
            generic=self._list(values, "generic", ""),
            thresholds=self._thresholds(values.get("thresholds", {})),
            drafted=drafted is True,
            digest=digest,
            path=path,
        )
        rivals = {fold(one) for one in made.competitors}
        if fold(made.target) in rivals:
            self._fault("competitors", made.target, f"{made.target!r} is the target itself; take it out")
        return None if self.faults else made

    # --- parts ---------------------------------------------------------------------------------------

    def _target(self, values: Mapping[str, Any]) -> CanonicalUrl | None:
        given = values.get("target")
        if given is None:
            self._fault("target", None, 'no target; write target = "example.com"', 1)
            return None
        if not isinstance(given, str) or not given.strip():
            self._fault("target", given, f'target must be a text such as "example.com", not {given!r}')
            return None
        found = _site(given)
        if found is None:
            self._fault("target", given, f"target {given!r} is no domain, host or URL")
        elif is_public_suffix(found.host) and not is_ip(found.host):
            self._fault("target", given, f"target {given!r} is a public suffix: sites are registered below it")
        elif _port_alone(given, found):
            self._fault("target", given, f"target {given!r} has a port; write {found.url} or {found.host}")
        return found

    def _brands(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        found = self._list(values, "brands", "")
        if "brands" not in values:
            self._fault("brands", None, 'no brands; write brands = ["Example"], or [] if there is none', 1)
        return found

    def _pages(self, values: Mapping[str, Any], domains: set[str]) -> tuple[Section, ...]:
        given = values.get("page", [])
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            self._fault("page", given, "page must be written as [[page]], one for each page")
            return ()
        found: list[Section] = []
        met: dict[str, int] = {}
        for number, page in enumerate(given, 1):
            where = f"page[{number}]"
            self._known(page, PAGE_KEYS, where, "key of a page")
            url = self._page_url(page, where, domains)
            if url is not None and (first := met.setdefault(fold_page(url, query="tracking"), number)) != number:
                said = f"{url.url} has a [[page]] already (number {first}); make them one"
                self._fault(f"{where}.url", page["url"], said)
            found.append(
                Section(
                    "" if url is None else url.url,
                    self._list(page, "keywords", where),
                    self._page_type(page, "type", where),
                    self._text(page, "title", where),
                    self._text(page, "h1", where),
                    self._list(page, "languages", where, self._language),
                )
            )
        return tuple(found)

    def _page_url(self, page: Mapping[str, Any], where: str, domains: set[str]) -> CanonicalUrl | None:
        key, given = f"{where}.url", page.get("url")
        if not isinstance(given, str):
            said = f"url must be a text, not {given!r}" if "url" in page else "a [[page]] without url; name the page"
            self._fault(key, given, said)
            return None
        try:
            url = canonical_url(given.strip())
        except InvalidUrl:
            self._fault(key, given, f"{given!r} is no whole URL; write https://host/path")
            return None
        if domains and url.domain not in domains:
            own = ", ".join(sorted(domains))
            self._fault(key, given, f"{url.url} is on {url.domain}, not on {own}; own hosts are named in `hosts`")
            return None
        return url

    def _thresholds(self, given: Any) -> Thresholds:
        if not isinstance(given, dict):
            self._fault("thresholds", given, "thresholds must be a table: [thresholds]")
            return Thresholds()
        self._known(given, THRESHOLDS, "thresholds", "threshold")
        values: dict[str, float] = {}
        for name in THRESHOLDS:
            if name not in given:
                continue
            value, key = given[name], f"thresholds.{name}"
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                self._fault(key, value, f"{name} must be a number, not {value!r}")
            elif name in _COUNTS:
                if not isinstance(value, int) or value < 1:
                    self._fault(key, value, f"{name} must be a whole number from 1, not {value!r}")
                else:
                    values[name] = value
            elif name in _ABOVE_ONE:
                if value < 1:
                    self._fault(key, value, f"{name} must be 1 or more (times the median), not {value!r}")
                else:
                    values[name] = float(value)
            elif not 0 <= value <= 1:
                hint = f"; {value!r} % is {value / 100:g}" if 1 < value <= 100 else ""
                self._fault(key, value, f"{name} must be a share from 0 to 1, not {value!r}{hint}")
            else:
                values[name] = float(value)
        made = Thresholds(**values)  # type: ignore[arg-type]
        for low, high in _PAIRS:
            if getattr(made, low) > getattr(made, high):
                key = low if low in given else high
                said = f"{low} is {getattr(made, low):g}, above {high}, which is {getattr(made, high):g}"
                self._fault(f"thresholds.{key}", given.get(key), said)
        return made

    # --- values --------------------------------------------------------------------------------------

    def _list(
        self, values: Mapping[str, Any], name: str, where: str, check: Callable[[str], str | None] | None = None
    ) -> tuple[str, ...]:
        """A list of texts without repeats; ``check`` gives what is wrong with one of them."""
        key = f"{where}.{name}" if where else name
        given = values.get(name, [])
        if not isinstance(given, list):
            self._fault(key, given, f'{name} must be a list of texts such as ["one", "two"], not {given!r}')
            return ()
        met: dict[str, str] = {}
        for place, one in enumerate(given):
            if not isinstance(one, str) or not one.strip():
                self._fault(key, one, f"{name} holds {one!r}, which is no text")
            elif (said := check(one.strip()) if check else None) is not None:
                self._fault(key, one, said)
            elif fold(one) in met:
                self._fault(
                    key, one, f"{one!r} is given twice in {name}; take one out", nth=given[:place].count(one) + 1
                )
            else:
                met[fold(one)] = " ".join(one.split())
        return tuple(met.values())

    def _text(self, values: Mapping[str, Any], name: str, where: str) -> str | None:
        given = values.get(name)
        if given is not None and not isinstance(given, str):
            self._fault(f"{where}.{name}" if where else name, given, f"{name} must be a text, not {given!r}")
            return None
        return (given or "").strip() or None

    def _page_type(self, values: Mapping[str, Any], name: str, where: str) -> PageType:
        given = values.get(name, "other")
        for one in PAGE_TYPES:
            if given == one:
                return one
        self._fault(f"{where}.{name}" if where else name, given, f"{name} {given!r} is none of {', '.join(PAGE_TYPES)}")
        return "other"

    def _language(self, text: str) -> str | None:
        if _LANGUAGE.fullmatch(text):
            return None
        near = text[:2].lower()
        hint = f'; write "{near}"' if re.match(r"[A-Za-z]{2}([-_]|$)", text) else ""
        return f"language {text!r} is no two-letter code (ISO 639-1) such as en{hint}"

    def _competitor(self, text: str) -> str | None:
        found = _site(text)
        if found is None or (is_public_suffix(found.host) and not is_ip(found.host)):
            return f"competitor {text!r} is no domain, host or URL"
        return (
            f"competitor {text!r} has a port; write {found.url} or {found.host}" if _port_alone(text, found) else None
        )

    def _host(self, text: str) -> str | None:
        found = _site(text)
        if found is None or "/" in text or ":" in text:
            return f"host {text!r} is no name of a host; write it without scheme, port and path"
        return None

    def _known(self, values: Mapping[str, Any], names: tuple[str, ...], where: str, kind: str) -> None:
        for name, value in values.items():
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"; is {near[0]} meant?" if near else f"; known: {', '.join(names)}"
                self._fault(f"{where}.{name}" if where else name, value, f"unknown {kind} {name!r}{hint}")

    def _fault(self, key: str, value: Any, said: str, line: int | None = None, *, nth: int = 1) -> None:
        shown = "" if value is None else repr(value)
        shown = shown if len(shown) <= 200 else shown[:199] + "…"
        said = said if len(said) <= 400 else said[:399] + "…"
        self.faults.append(Fault(line or self.lines.of(key, value, nth), key, shown, said))


def _port_alone(text: str, site: CanonicalUrl) -> bool:
    """A name with a port, which is neither a host nor a page."""
    given = text.strip()
    if any(mark in given for mark in "/?#"):
        return False
    return site.url.partition("://")[2].partition("/")[0] != site.host


def _site(text: str) -> CanonicalUrl | None:
    """The site behind a domain, host or URL, None of anything else."""
    given = text.strip()
    try:
        return canonical_url(given) if "://" in given else seed_url(given if "." in given else f"//{given}")
    except InvalidUrl:
        return None
