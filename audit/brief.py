"""A brief: which domains to ask, and which words to ask for. Never one half without the other.

What it asks for follows from the lever, from what the target has, and from what its competitors have. All of it is
heuristics, and says so wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.anchor_audit import AnchorAudit, JudgedAnchor
from audit.anchor_class import MONEY, AnchorClass
from audit.lever import Choice, Lever, Position
from audit.link_audit import Band
from audit.measures import quantile
from audit.profile import PageType, Profile, Section
from storage.errors import LedgerError

FORMAT = 1
"""Of the JSON that a brief is kept as."""
WORDINGS = 3
REQUESTABLE: tuple[AnchorClass, ...] = ("branded", "partial", "brand_keyword", "exact", "naked_url")
"""What a writer can be asked for; nobody orders "click here"."""
REBALANCING: tuple[AnchorClass, ...] = ("branded", "partial", "naked_url")
WEIGHTS: Mapping[PageType, Mapping[AnchorClass, float]] = {
    "product": {"branded": 1.5, "brand_keyword": 1.5},
    "category": {"partial": 1.5, "exact": 1.5},
    "home": {"branded": 1.5},
}
"""How much more a deficit counts: on a product page the brand may dominate, a category page lives of phrases."""
USUAL: Mapping[AnchorClass, float] = {
    "branded": 0.50, "partial": 0.15, "brand_keyword": 0.10, "exact": 0.05, "naked_url": 0.10,
}  # fmt: skip
"""Where no competitor has enough data: a careful mix, reasoned and not measured. The rest is what nobody orders."""
POLICY = (
    "Paid links, guest posts in numbers, and press releases with optimised words are link spam by the published "
    "policies of search engines, unless they are marked rel=sponsored or nofollow. Ask for words that fit the "
    "sentence, not for the same words everywhere."
)
HEURISTIC = "Levers, criteria and shares are heuristics, not promises about positions."


class IncompleteBrief(LedgerError):
    """A brief without one of its halves."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A link that is there, on a relevant page, with words that say nothing."""

    domain: str
    source: str
    anchor: str
    anchor_class: AnchorClass


@dataclass(frozen=True, slots=True)
class Criteria:
    """Half one: the domains."""

    figure: str | None
    """Name of the figure that `minimum_authority` is of."""
    minimum_authority: float | None
    authority_from: str
    minimum_relevance: Band
    relevance_from: str
    followed: bool
    new_domains: int
    """How many domains that do not link yet."""
    already_linking: int
    """Domains that do: not counted as new."""
    upgrades: tuple[Upgrade, ...]
    languages: tuple[str, ...]
    """Of the linking page; () where the profile names none."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to say it."""

    text: str
    origin: str
    """``competitor`` (really found there), ``profile`` (a name, keyword or address), ``slot`` (to be completed)."""
    domains: int = 0
    """Of a competitor's wording: referring domains that use it."""
    seen_at: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Some links with words of one class."""

    anchor_class: AnchorClass
    links: int
    wordings: tuple[Wording, ...]
    at_most: int
    """How often any one wording may be used."""


@dataclass(frozen=True, slots=True)
class Words:
    """Half two: the words."""

    requests: tuple[Request, ...]
    mix_from: str
    """What the shares aimed at come from."""


@dataclass(frozen=True, slots=True)
class Share:
    """One class before and after all requested links are there."""

    anchor_class: AnchorClass
    before: float
    after: float
    aimed_at: float | None
    """The competitors' median, or of the usual mix."""


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything one brief says. Made by `brief`, which refuses to make half of one."""

    target: str
    query: str
    position: Position
    page_type: PageType
    about: Mapping[str, object]
    made_at: int
    """Milliseconds since 1970, UTC."""
    choice: Choice
    criteria: Criteria
    words: Words
    shares: tuple[Share, ...]
    referring_domains: int
    warnings: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.criteria is None or self.words is None or not self.words.requests:
            half = "domains" if self.criteria is None else "words"
            raise IncompleteBrief(f"{self.target}: a brief needs both halves, and the one on {half} is empty")


@dataclass(frozen=True, slots=True)
class Rival:
    """A competitor, its anchors judged by one's own keywords (`audit.rivals`)."""

    name: str
    brands: tuple[str, ...]
    audit: AnchorAudit


def requests(
    own: AnchorAudit,
    rivals: Sequence[Rival],
    profile: Profile,
    section: Section,
    query: str,
    lever: Lever,
    *,
    links: int,
) -> tuple[Words, tuple[Share, ...]]:
    """The words to ask for, and what they would do to the shares by referring domains.

    Each link, one after the other, goes to the class whose share is then furthest below the one aimed at; what is
    left goes to the brand or the plain address. Exact anchors are not asked for beyond the share at which a notice is
    given.

    Args:
        links: how many new links from as many new domains.
    """
    aimed, mix_from = _aimed(rivals, profile.thresholds.least_domains)
    have = {one.name: one.share_domains_split * own.referring_domains for one in own.classes}
    after = own.referring_domains + links
    allowed = REBALANCING if lever == "rebalance" else REQUESTABLE
    keywords = tuple(dict.fromkeys((query, *section.keywords))) if query else section.keywords
    possible = [name for name in allowed if _has_words(name, profile, keywords)]
    weights = WEIGHTS.get(section.page_type, {})
    number = dict.fromkeys(possible, 0)
    for _ in range(links):
        number[_next(possible, number, have, aimed, weights, after, profile.thresholds.exact_notice)] += 1
    repeats = max(1, int(profile.thresholds.repeated_notice * after))
    made = tuple(
        Request(
            anchor_class=name,
            links=count,
            wordings=(said := wordings(name, profile, keywords, rivals, own.target or profile.target)),
            at_most=max(1, min(repeats, -(-count // max(1, len(said))))) if name != "branded" else count,
        )
        for name, count in sorted(number.items(), key=lambda item: (-item[1], REQUESTABLE.index(item[0])))
        if count
    )
    shown = tuple(
        Share(
            anchor_class=name,
            before=have.get(name, 0.0) / own.referring_domains if own.referring_domains else 0.0,
            after=(have.get(name, 0.0) + number.get(name, 0)) / after if after else 0.0,
            aimed_at=aimed.get(name),
        )
        for name in REQUESTABLE
    )
    return Words(made, mix_from), shown


def _aimed(rivals: Sequence[Rival], least: int) -> tuple[Mapping[AnchorClass, float], str]:
    usable = [one for one in rivals if one.audit.referring_domains >= least]
    if not usable:
        return USUAL, "a usual careful mix: no competitor has enough data"
    medians = {
        name: quantile([one.audit.share(name).share_domains_split for one in usable], 0.5) or 0.0
        for name in REQUESTABLE
    }
    return medians, f"median of {', '.join(one.name for one in usable)}"


def _next(
    possible: Sequence[AnchorClass],
    number: Mapping[AnchorClass, int],
    have: Mapping[str, float],
    aimed: Mapping[AnchorClass, float],
    weights: Mapping[AnchorClass, float],
    after: int,
    most_exact: float,
) -> AnchorClass:
    """The class of the next link: where most is missing; of equal ones the first of `REQUESTABLE`."""

    def missing(name: AnchorClass) -> float:
        goal = aimed.get(name, 0.0)
        gap = goal - (have.get(name, 0.0) + number[name]) / after
        if gap > 0:
            return gap * weights.get(name, 1.0)
        if name not in ("branded", "naked_url"):
            return gap - 2.0  # with every goal met, no more keywords are asked for
        return gap if goal > 0 else gap - 1.0  # what competitors do not have is asked for last

    open_to = [
        name for name in possible if name != "exact" or (have.get(name, 0.0) + number[name] + 1) <= most_exact * after
    ]
    return max(open_to or possible[:1], key=missing)


def _has_words(name: AnchorClass, profile: Profile, keywords: Sequence[str]) -> bool:
    """Whether anything of this class can be asked for."""
    if name in ("branded", "brand_keyword") and not profile.brands:
        return False
    return bool(keywords) or name in ("branded", "naked_url")


def wordings(
    name: AnchorClass, profile: Profile, keywords: Sequence[str], rivals: Sequence[Rival], target: str
) -> tuple[Wording, ...]:
    """Up to three wordings of one class: what competitors' links really say, then names and slots."""
    found: list[Wording] = []
    if name == "branded":
        found = [Wording(brand, "profile") for brand in profile.brands]
    elif name == "exact":
        found = [Wording(word, "profile") for word in keywords]
    elif name == "naked_url":
        plain = target.split("://", 1)[-1].rstrip("/")
        found = [Wording(plain, "profile"), Wording(plain.split("/", 1)[0], "profile")]
    else:
        found = _real(name, profile, keywords, rivals)
        main = keywords[0]
        if name == "brand_keyword":
            found += [Wording(f"{brand} {word}", "slot") for word in keywords[:2] for brand in profile.brands[:2]]
        else:
            found += [
                Wording(f"[a word of your sentence] {main}", "slot"),
                Wording(f"{main} [a word of your sentence]", "slot"),
                Wording(f"[two or three words that hold the sense of] {main}", "slot"),
            ]
    seen: dict[str, Wording] = {}
    for one in found:
        seen.setdefault(one.text.casefold(), one)
    return tuple(seen.values())[:WORDINGS]


def _real(name: AnchorClass, profile: Profile, keywords: Sequence[str], rivals: Sequence[Rival]) -> list[Wording]:
    """Competitors' anchors of this class, by how many referring domains use them; their brand becomes one's own."""
    found: list[tuple[JudgedAnchor, Rival]] = [
        (anchor, rival) for rival in rivals for anchor in rival.audit.anchors if anchor.anchor_class == name
    ]
    found.sort(key=lambda pair: (-pair[0].domains, -pair[0].links, pair[0].anchor, pair[1].name))
    made = []
    for anchor, rival in found:
        text = anchor.anchor
        if name == "brand_keyword":
            swapped = _swap(text, rival.brands, profile.brands[0])
            if swapped is None:
                continue  # the name stands there in a form that cannot be exchanged by itself
            text = swapped
        elif len(text.split()) > 10:
            continue  # a sentence is nobody's wording
        made.append(Wording(text, "competitor", anchor.domains, rival.name))
    return made


def _swap(text: str, names: Sequence[str], name: str) -> str | None:
    """The text with one of ``names`` exchanged, as it stands there; None where none of them does."""
    for one in sorted(names, key=len, reverse=True):
        at = text.casefold().find(one.casefold())
        if one and at >= 0 and len(text.casefold()) == len(text):
            return text[:at] + name + text[at + len(one) :]
    return None


def warnings_of(own: AnchorAudit, words: Words, shares: Sequence[Share]) -> tuple[str, ...]:
    """What to look out for, for people."""
    said = [sign.said for sign in own.signs]
    if words.requests and all(one.anchor_class == "exact" for one in words.requests):
        said.append("every requested anchor is exact: one wording for every writer looks arranged")
    money = sum(one.after for one in shares if one.anchor_class in MONEY)
    if money > 0.5:
        said.append(f"money anchors would be {money:.0%} of referring domains")
    if not own.enough:
        said.append(f"too little data: {own.referring_domains:,} referring domains are known")
    return tuple(said)
