"""What one complete visit of one page does to its links, by docs/history.md; part of the model of tests/oracle.py.

Nothing here knows how the ledger does it: no database, no ids, and an alignment of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from storage.records import Link, Reading


class Form(NamedTuple):
    """What a version of a link is made of."""

    rel: str
    follow: int
    placement: str
    element: str
    hidden: bool


class Words(NamedTuple):
    """What a version of an anchor is made of."""

    text: str
    source: str
    has_image: bool


Value = TypeVar("Value", Form, Words)


@dataclass(eq=False)
class Version(Generic[Value]):
    """Of a link, or of its anchor."""

    value: Value
    valid_from: int
    first_seen: int
    began: str
    seen: int
    """The latest complete visit that showed the link."""
    seen_by: str
    valid_to: int | None = None
    gone_at: int | None = None
    cause: str = ""


@dataclass(eq=False)
class Life:
    """One link of one page: every version of its form and of its words."""

    target: str
    domain: str
    number: int
    forms: list[Version[Form]]
    words: list[Version[Words]]
    seen_by: str
    seen: int
    ordinal: int

    @property
    def live(self) -> bool:
        return self.forms[-1].gone_at is None

    @property
    def text(self) -> str:
        return self.words[-1].value.text

    def current(self) -> tuple[Version[Form], Version[Words]]:
        return self.forms[-1], self.words[-1]


@dataclass(eq=False)
class Visit:
    page: str
    at: int
    reading: Reading
    rules: int
    complete: bool = False
    pending: bool = False

    @property
    def links(self) -> list[Link]:
        assert self.reading.page is not None
        return [one for one in self.reading.page.links if self.speaks_of(one.target.domain)]

    @property
    def whole(self) -> bool:
        return self.reading.outcome in ("fetched", "suspect")

    @property
    def full(self) -> bool:
        return self.reading.method != "wat" and self.reading.targets is None

    @property
    def content(self) -> str:
        assert self.reading.response is not None
        return self.reading.response.content_hash

    def speaks_of(self, domain: str) -> bool:
        return self.reading.targets is None or domain in self.reading.targets

    def may_close(self, life: Life) -> bool:
        if self.reading.method == "wat" or not self.speaks_of(life.domain):
            return False
        return self.reading.method == "rendered" or life.seen_by != "rendered"


@dataclass(eq=False)
class Miss:
    page: str
    at: int
    cause: str
    moved_to: str | None


@dataclass(eq=False)
class Page:
    url: str
    visits: dict[int, Visit] = field(default_factory=dict)
    misses: dict[int, Miss] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)
    done: list[Visit] = field(default_factory=list)
    """Complete visits replayed so far, by date."""

    def live(self) -> list[Life]:
        """In document order: each stands where it was read last."""
        return sorted((one for one in self.lives if one.live), key=lambda one: (one.ordinal, one.number))

    def standing(self) -> Visit | None:
        return next((one for one in reversed(self.done) if one.full), None)

    def events(self) -> list[Visit | Miss]:
        both: list[Visit | Miss] = [*self.visits.values(), *self.misses.values()]
        return sorted(both, key=lambda one: (one.at, isinstance(one, Miss)))


# -- alignment ------------------------------------------------------------------------------


def common(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """A longest common subsequence as pairs of places, by the textbook's table.

    Of several the one that keeps the common beginning and the common end; between these, from the end of ``new``: a
    link stays alone if as many are in common without it, and otherwise has the earliest partner with which as many are.
    """
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[len(old) - 1 - end] == new[len(new) - 1 - end]:
        end += 1
    inner_old, inner_new = old[start : len(old) - end], new[start : len(new) - end]
    table = [[0] * (len(inner_old) + 1)]
    for one in inner_new:
        row = [0]
        for place, other in enumerate(inner_old):
            row.append(table[-1][place] + 1 if one == other else max(row[-1], table[-1][place + 1]))
        table.append(row)
    pairs = []
    left = len(inner_old)
    for right in range(len(inner_new), 0, -1):
        if table[right][left] > table[right - 1][left]:
            left = table[right].index(table[right][left])
            pairs.append((start + left - 1, start + right - 1))
            left -= 1
    head = [(place, place) for place in range(start)]
    tail = [(len(old) - place, len(new) - place) for place in range(end, 0, -1)]
    return head + pairs[::-1] + tail


def paired(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Equal words first, then the rest in document order."""
    pairs = common(old, new)
    rest_old = [place for place in range(len(old)) if place not in {left for left, _ in pairs}]
    rest_new = [place for place in range(len(new)) if place not in {right for _, right in pairs}]
    return pairs + list(zip(rest_old, rest_new, strict=False))


def partners(page: Page, visit: Visit) -> list[tuple[Life | None, Link | None]]:
    """Every live link of the page with its partner in the visit, and what has none on either side."""
    live, shown = page.live(), visit.links
    found: list[tuple[Life | None, Link | None]] = []
    targets = dict.fromkeys([one.target for one in live] + [one.target.url for one in shown])
    for target in targets:
        lives = [one for one in live if one.target == target]
        links = [one for one in shown if one.target.url == target]
        pairs = paired([one.text for one in lives], [one.anchor.text for one in links])
        found += [(lives[left], links[right]) for left, right in pairs]
        taken, met = {left for left, _ in pairs}, {right for _, right in pairs}
        found += [(one, None) for place, one in enumerate(lives) if place not in taken]
        found += [(None, one) for place, one in enumerate(links) if place not in met]
    return found


# -- what one event does to one page --------------------------------------------------------


def form_of(link: Link) -> Form:
    bits = sum({"nofollow": 1, "ugc": 2, "sponsored": 4}.get(token, 0) for token in set(link.rel))
    bits += 8 * ("meta_robots" in link.follow_cause) + 16 * ("x_robots_tag" in link.follow_cause)
    return Form(" ".join(link.rel), bits, link.placement, link.element, link.hidden)


def words_of(link: Link) -> Words:
    return Words(link.anchor.text, link.anchor.source, link.parts.has_image)


def suspect(page: Page, visit: Visit) -> bool:
    if visit.reading.outcome == "suspect":
        return True
    live = len(page.live())
    if not visit.full or live < 5:
        return False
    closed = [one for one, link in partners(page, visit) if one and link is None and visit.may_close(one)]
    return 10 * len(closed) >= 8 * live


def where(visit: Visit, link: Link) -> str:
    """In which document a visit shows a link: as it was sent (archived ones too), as scripts left it, or both."""
    if visit.reading.method == "rendered":
        return link.seen
    return "wat" if visit.reading.method == "wat" else "raw"


def seen_by(before: str | None, visit: Visit, link: Link) -> str:
    """Which documents have shown a link, after one more visit that did; archive metadata say least."""
    known = {where(visit, link)} if before is None else {before, where(visit, link)}
    known = known - {"wat"} or known
    return known.pop() if len(known) == 1 else "both"


def compare(page: Page, visit: Visit) -> None:
    """A complete visit of the page: what opens, stays, changes and closes."""
    at, method = visit.at, visit.reading.method
    standing = page.standing()
    reread = visit.full and standing is not None and bool(page.live()) and visit.rules != standing.rules
    same_document = reread and standing is not None and visit.content == standing.content
    found = partners(page, visit)
    for life, link in found:
        if life is not None and link is not None:
            _show(life, link, visit, in_place=reread or (life.seen_by == "wat" and method != "wat"))
        elif life is not None and visit.may_close(life):
            close(life, at, "reread" if same_document else "removed")
    closed_now = [one for one, link in found if one is not None and link is None]
    for life, link in _newcomers(page, [link for one, link in found if one is None and link], closed_now):
        if life is not None:
            _restore(life, link, visit, "reread" if same_document else "restored")
        else:
            began = "reread" if same_document else why_new(page, visit, link)
            _open(page, link, visit, began)
    page.done.append(visit)


def why_new(page: Page, visit: Visit, link: Link) -> str:
    def could(earlier: Visit) -> bool:
        if where(visit, link) == "rendered" and earlier.reading.method != "rendered":
            return False
        return earlier.speaks_of(link.target.domain)

    return "link_added" if any(could(one) for one in page.done) else "page_first_seen"


def _newcomers(page: Page, links: list[Link], closed_now: list[Life]) -> list[tuple[Life | None, Link]]:
    """Each link without a partner, with the lost one whose number it takes up: those of the same words first."""
    lost = [one for one in page.lives if not one.live and one not in closed_now]
    lost.sort(key=lambda one: one.number)
    links = sorted(links, key=lambda one: one.ordinal)
    taken: dict[int, Life] = {}
    for same_words in (True, False):
        for place, link in enumerate(links):
            mine = [one for one in lost if one.target == link.target.url]
            life = next((one for one in mine if not same_words or one.text == link.anchor.text), None)
            if place not in taken and life is not None:
                taken[place] = life
                lost.remove(life)
    return [(taken.get(place), link) for place, link in enumerate(links)]


def _show(life: Life, link: Link, visit: Visit, *, in_place: bool) -> None:
    at, method = visit.at, visit.reading.method
    form, words = life.current()
    who = seen_by(life.seen_by, visit, link)
    if method != "wat":
        life.ordinal = link.ordinal
        if in_place:
            form.value, words.value = form_of(link), words_of(link)
        if form.value != form_of(link):
            form.valid_to = at
            life.forms.append(Version(form_of(link), at, form.first_seen, "changed", at, who))
        if words.value != words_of(link):
            words.valid_to = at
            first = words.first_seen if words.value.text == link.anchor.text else at
            life.words.append(Version(words_of(link), at, first, "changed", at, who))
    _confirm(life, at, who)


def _confirm(life: Life, at: int, who: str) -> None:
    life.seen, life.seen_by = at, who
    form, words = life.current()
    form.seen = words.seen = at
    form.seen_by = words.seen_by = who


def close(life: Life, at: int, cause: str) -> None:
    form, words = life.current()
    form.gone_at = words.gone_at = at
    form.cause = words.cause = cause


def _restore(life: Life, link: Link, visit: Visit, began: str) -> None:
    at = visit.at
    form, words = life.current()
    form.valid_to = words.valid_to = at
    wat = visit.reading.method == "wat"
    new_form, new_words = (form.value, words.value) if wat else (form_of(link), words_of(link))
    who = seen_by(life.seen_by, visit, link)
    first = words.first_seen if new_words.text == words.value.text else at
    life.forms.append(Version(new_form, at, form.first_seen, began, at, who))
    life.words.append(Version(new_words, at, first, began, at, who))
    life.ordinal = life.ordinal if wat else link.ordinal
    _confirm(life, at, who)


def _open(page: Page, link: Link, visit: Visit, began: str) -> None:
    at, who = visit.at, seen_by(None, visit, link)
    numbers = [one.number for one in page.lives if one.target == link.target.url]
    life = Life(
        link.target.url,
        link.target.domain,
        max(numbers, default=-1) + 1,
        [Version(form_of(link), at, at, began, at, who)],
        [Version(words_of(link), at, at, began, at, who)],
        who,
        at,
        link.ordinal,
    )
    page.lives.append(life)
