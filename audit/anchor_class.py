"""Which class an anchor is of, decided from its words and the profile; the first rule that fits wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from audit.brands import Brands, How, host_of
from audit.generic import Generic
from audit.keywords import Cover, Keywords, Match
from audit.languages import Language, languages, of_domain
from audit.profile import Profile, Section
from audit.web_words import addresses_in, is_image_file
from audit.words import Word, cleaned, folded, has_letter, lowers, word_of
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


class _Context:
    """What depends on the language of the linking page, with what is known of each word so far."""

    def __init__(self, known: tuple[Language, ...], stems: tuple[Language, ...]) -> None:
        self.known = known
        """Languages whose articles and stop words count, the page's own first."""
        self.stems = stems
        self.articles = frozenset(article for language in known for article in language.articles)
        self.canons: dict[str, tuple[str, How] | None] = {}
        self.matches: dict[str, Match] = {}


_MOST_KEPT = 300_000
"""Words of which something is kept; a hostile ledger cannot fill the memory with them."""
_EDGE = " \t\"'«»‹›“”„()[]{}<>|*!?,;:→←➔➜►▶•·–—…"


class Classifier:
    """Judges anchors that lead to one section of a profile.

    What depends on the profile alone is prepared once; `judge` costs some tens of microseconds.
    """

    def __init__(self, profile: Profile, section: Section | None = None) -> None:
        self.profile, self.section = profile, section or profile.whole
        lists = languages()
        hosts = [host_of(target) for target in (profile.target, *profile.hosts, self.section.url or "") if target]
        self._hosts = tuple(dict.fromkeys(host for host in hosts if host))
        told = self.section.languages or profile.languages
        self._told = lists.named(told)
        """What the profile says of the target's languages."""
        hint = lists.named([of_domain(host) for host in self._hosts])
        self._hint = hint
        texts = self.section.keywords
        if self.section.url is not None and not texts:
            texts = profile.whole.keywords
        self._keywords = Keywords(texts, self._told, (*hint, *lists.named(["en"])))
        self._brands = Brands(
            profile.brands, self._hosts, (*self._told, *hint), self._keywords.keys, self._keywords.words
        )
        self._generic = Generic(profile.generic)
        self._titles = {
            folded(title): kind
            for kind, title in (("h1", self.section.h1), ("title", self.section.title))
            if title and folded(title)
        }
        self._dotted_keywords = {cleaned(text).casefold(): text for text in texts if "." in cleaned(text).strip(". ")}
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
        clean = cleaned(text)
        words = [word_of(lower) for lower in lowers(clean)]
        context = self._context(language)
        found = self._decide(clean, words, source, has_image, context)
        flags = self._flags(found, clean, words, language)
        return found if flags == found.flags else Verdict(found.anchor_class, found.rule, found.because, flags)

    def _context(self, language: str | None) -> _Context:
        context = self._contexts.get(language)
        if context is None:
            lists = languages()
            page = lists.named([language])
            known = lists.named([language, *(one.code for one in (*self._told, *self._hint)), "en"])
            stems = {one.code: one for one in (*page, *self._keywords.languages)} or {one.code: one for one in known}
            context = self._contexts[language] = _Context(known, tuple(stems.values()))
        return context

    def _decide(
        self, clean: str, words: list[Word], source: AnchorSource, has_image: bool, context: _Context
    ) -> Verdict:
        """The rules in their order."""
        wordless = not words or (not any(word.lower != "&" for word in words) and not has_letter(clean))
        if wordless:
            if has_image or source == "img_alt":
                return Verdict("image", "image_without_words", "an image inside the link and no words")
            return Verdict("empty", "no_letter", "no letter or digit is left after cleaning")
        if source == "img_alt" or (has_image and source != "text"):
            if is_image_file(clean):
                return Verdict("image", "image_file_name", f"the alt is the name of an image file: {_short(clean)}")
            if source == "img_alt" and self._generic.placeholder(words, context.known):
                return Verdict("image", "image_placeholder", f"the alt only says that it is an image: {_short(clean)}")
        if "." in clean:
            dotted = clean.casefold().strip(_EDGE)
            for names, verdict, rule in (
                (self._brands.dotted, "branded", "dotted_name"),
                (self._dotted_keywords, "exact", "dotted_keyword"),
            ):
                if dotted in names:
                    return Verdict(verdict, rule, f"is {names[dotted]!r}, which has a dot itself")  # type: ignore[arg-type]
        web = addresses_in(clean, self._hosts)
        if web is not None and any(not address.mail for address in web.addresses):
            first = next(address for address in web.addresses if not address.mail)
            rest = lowers(web.rest)
            if not rest:
                return Verdict("naked_url", "url_alone", f"is the address {_short(first.text)}")
            if self._generic.covers([word_of(lower) for lower in rest], web.rest, context.known):
                return Verdict("naked_url", "url_with_generic", f"the address {_short(first.text)} and generic words")
        words = self._brands.cut(words)
        canons = [self._canon(word, context) for word in words]
        mention = self._brands.alone(words, canons, context.articles)
        if mention is not None:
            return Verdict("branded", "brand_alone", _said(mention.name, mention.how, "is"))
        keyword = self._keywords.exact(words, context.articles) if self._keywords else None
        if keyword is not None:
            return Verdict("exact", "keyword_alone", f"is the keyword {keyword!r}")
        mentions = self._brands.mentions(words, canons, lambda: clean)
        taken = {at for found in mentions for at in range(found.start, found.end)}
        own_mail_or_url = None
        if web is not None:
            own_mail_or_url = next((a for a in web.addresses if self._is_own(a.host)), None)
            inside = {lower for address in web.addresses for lower in lowers(address.text)}
            taken |= {at for at, word in enumerate(words) if word.lower in inside}
        left = [word for at, word in enumerate(words) if at not in taken]
        cover = self._cover(left, context)
        if mentions or own_mail_or_url is not None:
            name = mentions[0].name if mentions else own_mail_or_url.host  # type: ignore[union-attr]
            how: How = mentions[0].how if mentions else "written"
            said = _said(name, how, "names")
            if cover is not None:
                return Verdict("brand_keyword", "brand_with_keyword", f"{said}, {_covered(cover)}", _cover_flags(cover))
            return Verdict("branded", "brand_mentioned", said)
        if cover is not None:
            return Verdict("partial", "keyword_covered", _covered(cover), _cover_flags(cover))
        generic = self._generic.verdict(words, clean, context.known)
        if generic is not None:
            return Verdict("generic", generic[0], generic[1])
        return Verdict("other", "nothing_matched", "no name, keyword, address or generic phrase")

    def _is_own(self, host: str) -> bool:
        return any(host == own or host.endswith("." + own) for own in self._hosts)

    def _canon(self, word: Word, context: _Context) -> tuple[str, How] | None:
        known = context.canons
        if word.lower in known:
            return known[word.lower]
        if len(known) > _MOST_KEPT:
            known.clear()
        found = known[word.lower] = self._brands.canon(word, context.known)
        return found

    def _cover(self, words: Sequence[Word], context: _Context) -> Cover | None:
        if not self._keywords or not words:
            return None
        matches = []
        known = context.matches
        for word in words:
            match = known.get(word.lower)
            if match is None:
                if len(known) > _MOST_KEPT:
                    known.clear()
                match = known[word.lower] = self._keywords.match(word, context.stems)
            matches.append(match)
        return self._keywords.cover(words, matches)

    def _flags(self, verdict: Verdict, clean: str, words: Sequence[Word], language: str | None) -> frozenset[Flag]:
        flags = set(verdict.flags)
        if len(words) > 10:
            flags.add("sentence")
        if self._titles and " ".join(word.fold for word in words) in self._titles:
            flags.add("page_title")
        if language and self._told and not any(one in self._told for one in languages().named([language])):
            flags.add("lang_mismatch")
        return frozenset(flags)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _said(name: str, how: How, verb: str) -> str:
    extra = {"written": "", "ending": ", with a case ending", "typo": ", with a typing error"}[how]
    return f"{verb} the brand {name!r}{extra}"


def _covered(cover: Cover) -> str:
    whole = "the keyword" if cover.share >= 1 else f"{cover.share:.0%} of the keyword"
    return f"holds {whole} {cover.keyword!r}"


def _cover_flags(cover: Cover) -> frozenset[Flag]:
    flags: set[Flag] = set()
    if cover.phrase:
        flags.add("phrase")
    if cover.close:
        flags.add("close_variant")
    return frozenset(flags)
