"""The life of one page's links: what each visit and each miss opens, keeps, changes and closes.   (pure)

The rules are those of docs/history.md. A `Life` is told visits and closings in the order of their dates and holds
the versions that come of them. It begins empty, to hear everything, or from the latest versions in the ledger, to
hear what comes next; both ways give the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from storage import codes, layout
from storage.align import align
from storage.codes import BEGAN, LOST_CAUSES
from storage.dictionaries import AnchorRow, UrlRow
from storage.records import VisitMethod

ADDED, PAGE_FIRST_SEEN, RESTORED, CHANGED, MOVED, REREAD = range(len(BEGAN))
REMOVED, PAGE_NOT_FOUND, PAGE_REDIRECTED = 1, 2, 3
LOST_MOVED, LOST_REREAD = LOST_CAUSES.index("moved"), LOST_CAUSES.index("reread")
RAW, RENDERED, WAT, BOTH = range(len(codes.SEEN_BY))
SEEN_BY: dict[VisitMethod, int] = {"raw": RAW, "archive": RAW, "rendered": RENDERED, "wat": WAT}
"""What a visit of each method has read; a rendered one read its document as it was sent, too."""

VANISHED_OF = 5
VANISHED_SHARE = 0.8
"""A document that lacks at least this share of at least so many live links is a suspect."""


class Place(NamedTuple):
    """A page as the source of links."""

    id: int
    host: int
    domain: int


class Occurrence(NamedTuple):
    """One link of a document, in stored form."""

    target: UrlRow
    words: AnchorRow
    form: tuple[int, str, int, int, bool]
    """What a link version consists of: follow_cause, rel, placement, element, hidden."""
    ordinal: int
    shown: tuple[int, int, bool]
    """What an anchor version consists of: text_id, source, has_image."""
    seen_by: int = RAW
    """Of a rendered visit: where the link stands, `RAW`, `RENDERED` or `BOTH`."""


class Document(NamedTuple):
    """One whole visit, in stored form."""

    visit_id: int
    at: int
    seen_by: int
    targets: frozenset[int] | None
    """Ids of the domains it was filtered by; None: not filtered."""
    suspect: bool
    """Its outcome says that it is not the page."""
    rules: int
    content_hash: str
    indexable: bool
    occurrences: Sequence[Occurrence]
    """In document order."""

    @property
    def full(self) -> bool:
        """It could see every link of the page."""
        return self.targets is None and self.seen_by != WAT

    def witness(self, one: Occurrence) -> int:
        """Which document shows one of its links."""
        return one.seen_by if self.seen_by == RENDERED else self.seen_by


class LinkVersion:
    """One row of ``link``. A live one was last seen with its page, unless ``last_seen`` says when."""

    __slots__ = (
        "began", "first_seen", "form", "gone_at", "last_seen", "link_no", "lost_cause", "position", "seen_by",
        "stored", "target", "valid_from", "valid_to",
    )  # fmt: skip

    def __init__(
        self, target: UrlRow, link_no: int, valid_from: int, first_seen: int, form: tuple[int, str, int, int, bool],
        position: int, began: int, seen_by: int,
    ) -> None:  # fmt: skip
        self.target, self.link_no, self.valid_from, self.first_seen = target, link_no, valid_from, first_seen
        self.form, self.position, self.began, self.seen_by = form, position, began, seen_by
        self.valid_to: int | None = None
        self.last_seen: int | None = None
        self.gone_at: int | None = None
        self.lost_cause = 0
        self.stored: tuple[Any, ...] | None = None
        """The row as the ledger has it."""


class AnchorVersion:
    """One row of ``anchor``."""

    __slots__ = (
        "began", "first_seen", "gone_at", "last_seen", "link_no", "shown", "stored", "target", "valid_from",
        "valid_to", "words",
    )  # fmt: skip

    def __init__(
        self, target: UrlRow, link_no: int, valid_from: int, first_seen: int, words: AnchorRow,
        shown: tuple[int, int, bool], began: int,
    ) -> None:  # fmt: skip
        self.target, self.link_no, self.valid_from, self.first_seen = target, link_no, valid_from, first_seen
        self.words, self.shown, self.began = words, shown, began
        self.valid_to: int | None = None
        self.last_seen: int | None = None
        self.gone_at: int | None = None
        self.stored: tuple[Any, ...] | None = None


class Held:
    """One link at its latest version, live or lost, with the anchor in force or in force at its close."""

    __slots__ = ("anchor", "link")

    def __init__(self, link: LinkVersion, anchor: AnchorVersion) -> None:
        self.link, self.anchor = link, anchor


def _in_document_order(held: Held) -> tuple[int, int]:
    return held.link.position, held.link.link_no


class Life:
    """All links of one page, as far as visits and misses up to some date tell."""

    def __init__(self, place: Place, *, plain: bool = True) -> None:
        self.place = place
        self.plain = plain
        """Every visit is full and none is rendered: the live links are those of the standing document."""
        self.first_ok: int | None = None
        self.latest: int | None = None
        """Latest complete visit of any kind."""
        self.last_ok: int | None = None
        self.last_visit_id: int | None = None
        self.rules: int | None = None
        self.content_hash: str | None = None
        self.indexable: bool | None = None
        self.suspect: Document | None = None
        self.agreed: tuple[int, int] | None = None
        """Two suspects that agree: the history is to be told again, with both as complete visits."""
        self.layout: layout.Layout = layout.PLAIN
        self.complete: dict[int, bool] = {}
        """Whether each visit told speaks for its page."""
        self.links: list[LinkVersion] = []
        self.anchors: list[AnchorVersion] = []
        """Every version there is or, where it began from the ledger, each that it holds or made."""
        self.opened = self.restored = self.changed = self.closed = self.reworded = 0
        self._held: dict[int, list[Held]] = {}
        self._saw_all = self._rendered_all = False
        self._saw: set[int] = set()
        self._rendered: set[int] = set()

    @classmethod
    def going_on(
        cls, place: Place, held: Iterable[Held], *, first_ok: int | None, last_ok: int | None, rules: int | None,
        content_hash: str | None, layout_: layout.Layout,
    ) -> Life:  # fmt: skip
        """A plain page without a pending suspect, from its latest versions."""
        life = cls(place)
        life.first_ok, life.latest, life.last_ok = first_ok, last_ok, last_ok
        life.rules, life.content_hash, life.layout = rules, content_hash, layout_
        life.saw(last_ok is not None, None, rendered=False)
        life.hold(held)
        return life

    def hold(self, held: Iterable[Held]) -> None:
        """Links that were there before anything is told."""
        for one in sorted(held, key=lambda one: one.link.link_no):
            self._held.setdefault(one.link.target.id, []).append(one)
            self.links.append(one.link)
            self.anchors.append(one.anchor)

    def saw(self, anything: bool, targets: frozenset[int] | None, *, rendered: bool) -> None:
        """What a complete visit could see: links to every target, or to some domains."""
        if targets is not None:
            self._saw |= targets
            if rendered:
                self._rendered |= targets
        else:
            self._saw_all |= anything
            self._rendered_all |= anything and rendered

    # -- what is told -------------------------------------------------------------------------

    def visit(self, doc: Document, sure: Collection[int] = ()) -> None:
        """A whole visit. ``sure``: ids of suspects that are known to be confirmed."""
        if not doc.full:
            if doc.suspect:
                self.complete[doc.visit_id] = False
            else:
                self._apply(doc)
            return
        if doc.visit_id not in sure and (doc.suspect or self.vanishes(doc)):
            self.complete[doc.visit_id] = False
            if self.suspect is None:
                self.suspect = doc
            elif self.agreed is None:
                self.agreed = self.suspect.visit_id, doc.visit_id
            return
        self.suspect = None
        self._apply(doc)

    def close(self, at: int, cause: int) -> list[Held]:
        """The page itself is gone: every live link is lost. Returns these, in document order."""
        self.suspect = None
        gone = sorted(self.live(), key=_in_document_order)
        for held in gone:
            self._lose(held, at, cause)
        return gone

    def live(self) -> Iterator[Held]:
        """The live links."""
        return (held for some in self._held.values() for held in some if held.link.gone_at is None)

    # -- how ------------------------------------------------------------------------------------

    def _speaks_for(self, doc: Document, held: Held) -> bool:
        """Whether the absence of a live link from a document means that it is gone."""
        if doc.seen_by == WAT:
            return False
        if doc.targets is not None and held.link.target.domain_id not in doc.targets:
            return False
        return doc.seen_by == RENDERED or held.link.seen_by != RENDERED

    def vanishes(self, doc: Document) -> bool:
        """Whether a document lacks so many live links that it is not believed at once."""
        live = list(self.live())
        if len(live) < VANISHED_OF:
            return False
        now = _by_target(doc)
        before: dict[int, list[Held]] = {}
        for held in live:
            before.setdefault(held.link.target.id, []).append(held)
        # All of the shorter side are paired: where a document speaks for every link, counting is enough.
        closing = sum(max(0, len(some) - len(now.get(target, ()))) for target, some in before.items())
        if not self.plain and closing >= VANISHED_SHARE * len(live):
            closing = 0
            for target, some in before.items():
                some.sort(key=_in_document_order)
                pairs = align([one.anchor.shown[0] for one in some], [one.shown[0] for one in now.get(target, ())])
                kept = {left for left, _ in pairs}
                closing += sum(1 for place, one in enumerate(some) if place not in kept and self._speaks_for(doc, one))
        return closing >= VANISHED_SHARE * len(live)

    def _apply(self, doc: Document) -> None:
        reread = doc.full and self.rules is not None and doc.rules != self.rules and any(self.live())
        same = reread and doc.content_hash == self.content_hash
        now = _by_target(doc)
        placed: list[tuple[Occurrence, Held, bool]] = []
        for target, found in now.items():
            there = self._held.get(target, [])
            if len(there) == len(found) == 1 and there[0].link.gone_at is None:  # most targets
                self._keep(there[0], found[0], doc, in_place=reread)
                placed.append((found[0], there[0], True))
                continue
            live = sorted((one for one in there if one.link.gone_at is None), key=_in_document_order)
            away = [one for one in there if one.link.gone_at is not None]
            pairs = align([one.anchor.shown[0] for one in live], [one.shown[0] for one in found])
            for left, right in pairs:
                self._keep(live[left], found[right], doc, in_place=reread)
                placed.append((found[right], live[left], True))
            kept, met = {left for left, _ in pairs}, {right for _, right in pairs}
            self._missing((one for place, one in enumerate(live) if place not in kept), doc, same=same)
            surplus = [one for place, one in enumerate(found) if place not in met]
            placed.extend((one, held, False) for one, held in self._open(target, surplus, away, doc, same=same))
        for target, some in self._held.items():
            if target not in now:
                self._missing((one for one in some if one.link.gone_at is None), doc, same=same)
        self._place(doc, placed)
        self._seen(doc)

    def _missing(self, live: Iterable[Held], doc: Document, *, same: bool) -> None:
        """Live links that a document does not show."""
        for held in live:
            if self._speaks_for(doc, held):
                self._lose(held, doc.at, LOST_REREAD if same else REMOVED)
            elif doc.full and held.link.last_seen is None:
                held.link.last_seen = held.anchor.last_seen = self.last_ok

    def _lose(self, held: Held, at: int, cause: int) -> None:
        link, anchor = held.link, held.anchor
        self._end(link)
        link.gone_at, link.lost_cause = at, cause
        anchor.gone_at = at
        if anchor.last_seen is None:
            anchor.last_seen = self.last_ok
        self.closed += 1

    def _end(self, link: LinkVersion) -> None:
        """A live version that ends: from now on it tells by itself when it was last seen, and where it stood."""
        if link.last_seen is None:
            link.last_seen = self.last_ok
        link.position = layout.ordinal(link.position, self.layout) * layout.STEP

    def _keep(self, held: Held, one: Occurrence, doc: Document, *, in_place: bool) -> None:
        link, anchor = held.link, held.anchor
        seen = None if doc.full else doc.at
        if doc.seen_by != WAT:
            if in_place or link.seen_by == WAT:
                link.form, anchor.words, anchor.shown = one.form, one.words, one.shown
            else:
                if link.form != one.form:
                    new = LinkVersion(link.target, link.link_no, doc.at, link.first_seen, one.form, link.position, CHANGED, link.seen_by)  # noqa: E501  # fmt: skip
                    self._end(link)
                    link.valid_to = doc.at
                    self.links.append(new)
                    held.link = link = new
                    self.changed += 1
                if anchor.shown != one.shown:
                    self._say(held, one, doc.at, CHANGED)
                    self.reworded += 1
                    anchor = held.anchor
        link.seen_by = _together(link.seen_by, doc.witness(one))
        link.last_seen = anchor.last_seen = seen

    def _say(self, held: Held, one: Occurrence, at: int, began: int) -> None:
        """Other words on the same link; the same ones in another form, or back again, keep their first date."""
        old = held.anchor
        first = old.first_seen if old.shown[0] == one.shown[0] else at
        if old.last_seen is None:
            old.last_seen = self.last_ok
        old.valid_to = at
        held.anchor = AnchorVersion(old.target, old.link_no, at, first, one.words, one.shown, began)
        self.anchors.append(held.anchor)

    def _open(
        self, target: int, surplus: list[Occurrence], away: list[Held], doc: Document, *, same: bool
    ) -> Iterator[tuple[Occurrence, Held]]:
        """Links without a partner: a lost one of the same target takes its number up again, others get a new one."""
        if not surplus:
            return
        by_words: dict[int, list[Held]] = {}
        for held in sorted(away, key=lambda one: one.link.link_no, reverse=True):
            by_words.setdefault(held.anchor.shown[0], []).append(held)
        back = [stack.pop() if (stack := by_words.get(one.shown[0])) else None for one in surplus]
        rest = sorted((held for stack in by_words.values() for held in stack), key=lambda one: -one.link.link_no)
        there = self._held.setdefault(target, [])
        free = 1 + max((held.link.link_no for held in there), default=-1)
        seen = None if doc.full else doc.at
        for one, returned in zip(surplus, back, strict=True):
            old = returned or (rest.pop() if rest else None)
            position = one.ordinal * layout.STEP
            if old is None:
                began = REREAD if same else ADDED if self._could_see(doc, one) else PAGE_FIRST_SEEN
                held = Held(
                    LinkVersion(one.target, free, doc.at, doc.at, one.form, position, began, doc.witness(one)),
                    AnchorVersion(one.target, free, doc.at, doc.at, one.words, one.shown, began),
                )
                there.append(held)
                self.anchors.append(held.anchor)
                self.opened += 1
                free += 1
            else:
                # The lost version ends here; it keeps the date on which it was last seen.
                held, before, began = old, old.link, REREAD if same else RESTORED
                before.valid_to = doc.at
                if doc.seen_by == WAT:  # its words are cut short and it shows no form: the link is back as it was
                    position = before.position
                    one = one._replace(form=before.form, words=old.anchor.words, shown=old.anchor.shown)
                held.link = LinkVersion(
                    before.target, before.link_no, doc.at, before.first_seen, one.form, position, began,
                    _together(before.seen_by, doc.witness(one)),
                )  # fmt: skip
                self._say(held, one, doc.at, began)
                self.restored += 1
            self.links.append(held.link)
            held.link.last_seen = held.anchor.last_seen = seen
            yield one, held

    def _could_see(self, doc: Document, one: Occurrence) -> bool:
        """Whether an earlier complete visit would have shown a link, had it stood."""
        if doc.witness(one) == RENDERED:
            return self._rendered_all or one.target.domain_id in self._rendered
        return self._saw_all or one.target.domain_id in self._saw

    def _place(self, doc: Document, placed: list[tuple[Occurrence, Held, bool]]) -> None:
        if not self.plain:
            if doc.seen_by != WAT:
                for one, held, _ in placed:
                    held.link.position = one.ordinal * layout.STEP
            return
        placed.sort(key=lambda row: row[0].ordinal)
        positions, self.layout = layout.place(
            [one.ordinal for one, _, _ in placed], [held.link.position if kept else None for _, held, kept in placed]
        )
        for position, (_, held, _) in zip(positions, placed, strict=True):
            held.link.position = position

    def _seen(self, doc: Document) -> None:
        self.complete[doc.visit_id] = True
        self.first_ok = doc.at if self.first_ok is None else self.first_ok
        self.latest, self.indexable = doc.at, doc.indexable
        if doc.full:
            self.last_ok, self.last_visit_id = doc.at, doc.visit_id
            self.rules, self.content_hash = doc.rules, doc.content_hash
        self.saw(True, doc.targets, rendered=doc.seen_by == RENDERED)


def move(gone: Sequence[Held], to: Life) -> None:
    """Links of a page that was closed by a redirect to another, found again there.

    Args:
        gone: what the redirect closed, in document order.
        to: the other page as it is after that date.
    """
    before: dict[int, list[Held]] = {}
    for held in gone:
        before.setdefault(held.link.target.id, []).append(held)
    there: dict[int, list[Held]] = {}
    for held in sorted(to.live(), key=_in_document_order):
        there.setdefault(held.link.target.id, []).append(held)
    for target, some in before.items():
        found = there.get(target, [])
        for left, right in align([one.anchor.shown[0] for one in some], [one.anchor.shown[0] for one in found]):
            old, new = some[left], found[right]
            old.link.lost_cause = LOST_MOVED
            if new.link.valid_from != to.latest or new.link.began not in (ADDED, PAGE_FIRST_SEEN, MOVED):
                continue
            new.link.began = MOVED
            new.link.first_seen = min(new.link.first_seen, old.link.first_seen)
            if new.anchor.valid_from == to.latest:
                new.anchor.began = MOVED
                if new.anchor.shown[0] == old.anchor.shown[0]:
                    new.anchor.first_seen = min(new.anchor.first_seen, old.anchor.first_seen)


def _together(before: int, now: int) -> int:
    """Which documents have shown a link, after one more that does."""
    if before == now or now == WAT:
        return before
    return now if before == WAT else BOTH


def _by_target(doc: Document) -> dict[int, list[Occurrence]]:
    found: dict[int, list[Occurrence]] = {}
    for one in doc.occurrences:
        if doc.targets is None or one.target.domain_id in doc.targets:
            found.setdefault(one.target.id, []).append(one)
    return found
