"""Which class an anchor is of, decided from its words and the profile; the first rule that fits wins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from audit.brands import Brands, How, host_of
from audit.generic import Generic
from audit.keywords import NOTHING, Cover, Keywords, Match
from audit.languages import Language, code_of, languages, of_domain
from audit.persons import is_person
from audit.profile import Profile, Section
from audit.web_words import Web, addresses_in, is_image_file
from audit.words import Word, cleaned, folded, has_letter, lowers, split, word_of
from storage.records import AnchorSource

AnchorClass = Literal["branded", "exact", "partial", "brand_keyword", "naked_url", "generic", "image", "empty", "other"]
CLASSES: tuple[AnchorClass, ...] = (
    "branded", "exact", "partial", "brand_keyword", "naked_url", "generic", "image", "empty", "other",
)  # fmt: skip
"""In the order in which they are shown."""
MONEY: frozenset[AnchorClass] = frozenset(("exact", "partial"))
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


class _Known(NamedTuple):
    """What is known of one word, for one profile and one language of the page."""

    word: Word
    canon: tuple[str, How] | None
    """The name, or word of a name, that it stands for."""
    match: Match
    """The words of keywords that it stands for."""
    named: bool
    """A name, run together, begins so."""
    asked: bool
    """A keyword, or a word of one, begins so."""
    generic: int
    """Bits of the languages whose lists hold it."""


class _Context:
    """What depends on the language of the linking page, with what is known of each word so far."""

    def __init__(
        self, known: tuple[Language, ...], stems: tuple[str, ...], own: int, *, sure: bool, mismatch: bool
    ) -> None:
        self.sure = sure
        """The language of the page, or of the target, is known."""
        self.known = known
        """Languages whose articles and stop words count, the page's own first."""
        self.own = own
        """Bits of the page's language, or of the target's where that is not known."""
        self.stems = stems
        """Codes of those in whose stems words are compared."""
        self.flags: frozenset[Flag] = frozenset(("lang_mismatch",)) if mismatch else frozenset()
        self.articles = frozenset(article for language in known for article in language.articles)
        self.words: dict[str, _Known] = {}


_MOST_KEPT = 300_000
"""Words of which something is kept; a hostile ledger cannot fill the memory with them."""
_EDGE = " \t\"'«»‹›“”„()[]{}<>|*!?,;:→←➔➜►▶•·–—…"


class Classifier:
    """Judges anchors that lead to one section of a profile.

    What depends on the profile alone is prepared once, what is known of a word is kept; `judge` costs some tens of
    microseconds.
    """

    def __init__(self, profile: Profile, section: Section | None = None) -> None:
        self.profile, self.section = profile, section or profile.whole
        lists = languages()
        hosts = [host_of(target) for target in (profile.target, *profile.hosts, self.section.url or "") if target]
        self._hosts = tuple(dict.fromkeys(host for host in hosts if host))
        told = self.section.languages or profile.languages
        self._told = lists.named(told)
        """What the profile says of the target's languages."""
        self._hint = lists.named([of_domain(host) for host in self._hosts])
        texts = self.section.keywords
        if self.section.url is not None and not texts:
            texts = profile.whole.keywords
        self._keywords = Keywords(texts, self._told, (*self._hint, *lists.named(["en"])), map(code_of, told))
        self._brands = Brands(
            profile.brands, self._hosts, (*self._told, *self._hint), self._keywords.keys, self._keywords.words
        )
        self._generic = Generic(profile.generic)
        self._titles = frozenset(folded(title) for title in (self.section.h1, self.section.title) if title) - {""}
        self._dotted = {
            cleaned(text).casefold(): Verdict("exact", "dotted_keyword", f"is the keyword {text!r}, which has a dot")
            for text in texts
            if "." in cleaned(text).strip(". ")
        }
        for text, name in self._brands.dotted.items():
            self._dotted[text] = Verdict("branded", "dotted_name", f"is the brand {name!r}, which has a dot")
        self._contexts: dict[str | None, _Context] = {}

    def judge(
        self, text: str, *, source: AnchorSource = "text", has_image: bool = False, language: str | None = None
    ) -> Verdict:
        """The class of one anchor.

        Args:
            text: the effective anchor text, as stored.
            source: where it came from.
            has_image: whether an image stands inside the link.
            language: of the linking page, ISO 639-1, where it is known.
        Returns:
            Verdict. No text raises, and the same text gives the same verdict.
        """
        context = self._contexts.get(language)
        if context is None:
            context = self._contexts[language] = self._new_context(language)
        clean = cleaned(text)
        known = self._look_up(lowers(clean), context)
        found = self._decide(clean, known, source, has_image, context)
        flags = self._flags(found, clean, known, source, context)
        return found if flags == found.flags else Verdict(found.anchor_class, found.rule, found.because, flags)

    def _new_context(self, language: str | None) -> _Context:
        lists = languages()
        page = lists.named([language])
        known = lists.named([language, *(one.code for one in (*self._told, *self._hint)), "en"])
        codes = (*([code_of(language)] if language else []), *self._keywords.codes) or tuple(one.code for one in known)
        mismatch = bool(page and self._told and page[0] not in self._told)
        own = 0
        for one in page or self._told:
            own |= one.bit
        return _Context(known, tuple(dict.fromkeys(codes)), own, sure=bool(page or self._told), mismatch=mismatch)

    def _look_up(self, words: Iterable[str], context: _Context) -> list[_Known]:
        known = context.words
        return [known.get(lower) or self._learn(lower, context) for lower in words]

    def _learn(self, lower: str, context: _Context) -> _Known:
        word = word_of(lower)
        match = self._keywords.match(word, context.stems) if self._keywords else NOTHING
        canon = self._brands.canon(word, context.known, asked=match is not NOTHING)
        found = _Known(
            word=word,
            canon=canon,
            match=match,
            named=self._brands.may_begin(word.fold),
            asked=self._keywords.may_begin(word.fold),
            generic=self._generic.bits(word),
        )
        if len(context.words) > _MOST_KEPT:
            context.words.clear()
        context.words[lower] = found
        return found

    def _decide(
        self, clean: str, known: list[_Known], source: AnchorSource, has_image: bool, context: _Context
    ) -> Verdict:
        """The rules in their order; docs/anchor-classes.md names them."""
        if not known or (clean[0] == "&" and not has_letter(clean)):
            if has_image or source == "img_alt":
                return Verdict("image", "image_without_words", "an image inside the link and no words")
            return Verdict("empty", "no_letter", "no letter or digit is left after cleaning")
        if source == "img_alt" or (has_image and source != "text"):
            if is_image_file(clean):
                return Verdict("image", "image_file_name", f"is the name of an image file: {_short(clean)}")
            if source == "img_alt" and self._generic.placeholder([one.word for one in known], context.known):
                return Verdict("image", "image_placeholder", f"only says that there is an image: {_short(clean)}")
        if "." in clean and self._dotted:
            dotted = self._dotted.get(clean.casefold().strip(_EDGE))
            if dotted is not None:
                return dotted
        web = addresses_in(clean, self._hosts, self._dotted)
        own, apart = None, False
        if web is not None:
            verdict = self._of_address(web, context)
            if verdict is not None:
                return verdict
            own = next((address.host for address in web.addresses if self._is_own(address.host)), None)
            for address in web.addresses:  # what stands in an address is no keyword of the text
                if address.mail or "/" in address.text or self._is_own(address.host):
                    clean, apart = clean.replace(address.text, " "), True
            known = self._look_up(lowers(clean), context)
            if not known and own is None:
                return Verdict("other", "mail_address", f"is an address of mail: {_short(web.addresses[0].text)}")
        return self._of_words(clean, known, own, context, whole=not apart)

    def _of_address(self, web: Web, context: _Context) -> Verdict | None:
        page = next((address for address in web.addresses if not address.mail), None)
        if page is None:
            return None
        words = self._look_up(lowers(web.rest), context)
        rest = [one.word for one in words]
        if not rest:
            return Verdict("naked_url", "url_alone", f"is the address {_short(page.text)}")
        if (
            self._cover(words) is None
            and self._generic.verdict(rest, web.rest, context.known, own=context.own, sure=context.sure) is not None
        ):
            return Verdict("naked_url", "url_with_generic", f"the address {_short(page.text)} and generic words")
        return None

    def _of_words(self, clean: str, known: list[_Known], own: str | None, context: _Context, *, whole: bool) -> Verdict:
        """The rules from names on, of a text with words.

        Args:
            own: a host of the target in it.
            whole: nothing but these words stands in the text: no address.
        """
        named, asked, bits, unspaced = self._gates(known)
        if unspaced and self._brands.cuts:
            known = self._look_up((word.lower for word in self._brands.cut([one.word for one in known])), context)
            named, asked, bits, _ = self._gates(known)
        words = [one.word for one in known]
        canons = [one.canon for one in known]
        if named and whole:
            mention = self._brands.alone(words, canons, context.articles)
            if mention is not None:
                return Verdict("branded", "brand_alone", _said(mention.name, mention.how, "is"))
        if asked and whole:
            keyword = self._keywords.exact(words, context.articles)
            if keyword is None and "'" in clean:
                keyword = self._keywords.exact(split(clean.replace("'", "")), context.articles)
            if keyword is not None:
                return Verdict("exact", "keyword_alone", f"is the keyword {keyword!r}")
        mentions = []
        if named:
            begins = [one.named or one.canon is not None for one in known]
            mentions = self._brands.mentions(words, canons, begins, clean)
        left = known
        if mentions:
            taken = {at for found in mentions for at in range(found.start, found.end)}
            left = [one for at, one in enumerate(known) if at not in taken]
        cover = self._cover(left) if asked and left else None
        if mentions or own is not None:
            said = _said(mentions[0].name, mentions[0].how, "names") if mentions else f"holds the own host {own}"
            if cover is not None:
                return Verdict("brand_keyword", "brand_with_keyword", f"{said}, {_covered(cover)}", _flags_of(cover))
            return Verdict("branded", "brand_mentioned", said)
        if cover is not None:
            return Verdict("partial", "keyword_covered", _covered(cover), _flags_of(cover))
        generic = None
        if bits or self._generic.further or "$" in clean or clean[0] in "[(XVI":
            generic = self._generic.verdict(words, clean, context.known, own=context.own, sure=context.sure)
        if generic is not None:
            return Verdict("generic", generic[0], generic[1])
        return _NOTHING_MATCHED

    def _cover(self, known: list[_Known]) -> Cover | None:
        return self._keywords.cover([one.word for one in known], [one.match for one in known])

    def _gates(self, known: list[_Known]) -> tuple[bool, bool, int, bool]:
        """What is worth a look: (a name, a keyword, bits of languages that may know all words, runs without spaces)."""
        named = asked = unspaced = False
        bits = -1
        before: _Known | None = None
        for one in known:
            bits &= one.generic
            if one.canon is not None:
                named = True
            if one.match is not NOTHING:
                asked = True
            if one.word.unspaced:
                unspaced = True
            if before is not None and (before.named or before.asked):  # parts of a name, or of a keyword's word
                joined = before.word.fold + one.word.fold
                named = named or self._brands.may_begin(joined)
                asked = asked or self._keywords.may_begin(joined)
            before = one
        return named, asked or (unspaced and self._keywords.any_unspaced), bits, unspaced

    def _is_own(self, host: str) -> bool:
        return any(host == own or host.endswith("." + own) for own in self._hosts)

    def _flags(
        self, verdict: Verdict, clean: str, known: list[_Known], source: AnchorSource, context: _Context
    ) -> frozenset[Flag]:
        flags = verdict.flags | context.flags if context.flags and known else verdict.flags
        if len(known) > 10:
            flags |= {"sentence"}
        if self._titles and " ".join(one.word.fold for one in known) in self._titles:
            flags |= {"page_title"}
        if verdict is _NOTHING_MATCHED and source == "text" and is_person(clean, context.known):
            flags |= {"person"}
        return flags


_NOTHING_MATCHED = Verdict("other", "nothing_matched", "no name, keyword, address or generic phrase")


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _said(name: str, how: How, verb: str) -> str:
    extra = {"written": "", "ending": ", with a case ending", "typo": ", with a typing error"}[how]
    return f"{verb} the brand {name!r}{extra}"


def _covered(cover: Cover) -> str:
    whole = "the keyword" if cover.share >= 1 else f"{cover.share:.0%} of the keyword"
    return f"holds {whole} {cover.keyword!r}"


def _flags_of(cover: Cover) -> frozenset[Flag]:
    flags: set[Flag] = set()
    if cover.phrase:
        flags.add("phrase")
    if cover.close:
        flags.add("close_variant")
    return frozenset(flags)
