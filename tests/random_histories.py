"""Random histories of pages that are edited, moved, broken and read in every way; and random orders of arrival."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from histories import Step

from storage.records import VisitMethod

WORDS = ("red", "blue", "teal", "navy", "golden", "")
FLAGS = "nusrfehi"
UNSEEN = (".red", ".teal", ".blue")
"""Words of the links that the rules of a version do not see."""
MOST_STEPS = 16


@dataclass(frozen=True)
class Taste:
    """What a history is rich in; drawn for each, so that rare things meet one another in some."""

    methods: tuple[int, ...]
    """Weights of raw, rendered, archive and wat."""
    filtered: float
    suspect: float
    emptied: float
    """How often a page of four links or more loses most of them for a while."""
    redirects: int
    """Weight beside 30 for visits and 7 for misses."""
    rules: float
    """How often the rules are raised."""

    @staticmethod
    def drawn(draw: Random) -> Taste:
        return Taste(
            draw.choice(((70, 12, 8, 10), (1, 0, 0, 0), (10, 10, 1, 1), (10, 1, 1, 10), (1, 1, 1, 1))),
            draw.choice((0, 0.1, 0.4)),
            draw.choice((0.02, 0.1, 0.3)),
            draw.choice((0.1, 0.4)),
            draw.choice((4, 10, 40)),
            draw.choice((0.02, 0.1, 0.3)),
        )


@dataclass
class Site:
    """What the pages are at the moment, whether anyone reads them or not."""

    random: Random
    taste: Taste
    targets: list[str]
    docs: dict[str, list[str]] = field(default_factory=dict)
    """Tokens as in `Step.doc`; one that begins with ``*`` is made by a script, with ``-`` removed by one."""
    facts: dict[str, str] = field(default_factory=dict)
    rules: int = 1
    at: int = 100
    week: int | None = None
    steps: list[Step] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    """Pages of this week's crawl."""
    dated: set[tuple[str, bool]] = field(default_factory=set)
    """Pages with a visit (True) or a miss at this date."""

    def token(self) -> str:
        flags = "".join(flag for flag in FLAGS if self.random.random() < 0.06)
        script = self.random.choice("**-") if self.random.random() < 0.16 else ""
        words = self.random.choice(WORDS[:-1] if self.random.random() < 0.9 else WORDS)
        return f"{script}{self.random.choice(self.targets)}.{words}" + (f"+{flags}" if flags else "")

    def edit(self, page: str) -> None:
        doc, draw = self.docs[page], self.random
        kind = draw.randrange(8)
        if kind <= 1 or not doc:
            doc.insert(draw.randint(0, len(doc)), self.token())
        elif kind == 2:
            del doc[draw.randrange(len(doc))]
        elif kind == 3:
            doc.insert(draw.randint(0, len(doc) - 1), doc.pop(draw.randrange(len(doc))))
        elif kind == 4:
            place = draw.randrange(len(doc))
            where, _, rest = doc[place].partition(".")
            flags = rest.partition("+")[2]
            doc[place] = f"{where}.{draw.choice(WORDS)}" + (f"+{flags}" if flags else "")
        elif kind == 5:
            place = draw.randrange(len(doc))
            words, _, flags = doc[place].partition("+")
            flag = draw.choice(FLAGS)
            now = flags.replace(flag, "") if flag in flags else flags + flag
            doc[place] = words + (f"+{now}" if now else "")
        elif kind == 6:
            flag = draw.choice("mxi")
            facts = self.facts[page]
            self.facts[page] = facts.replace(flag, "") if flag in facts else facts + flag
        else:
            draw.shuffle(doc)

    def ask(self, step: Step) -> None:
        """Date a step and hand it to a crawl in which none of its pages was asked yet."""
        met = [one[0] for one in step.via.split()]
        keys = {(one, False) for one in met} | {(step.page, step.doc is not None)}
        if self.dated & keys or self.random.random() < 0.8:
            self.at += self.random.choice((1, 7, 10))
            self.dated = set()
        self.dated |= keys
        if self.week is not None:
            if self.asked & {step.page, *met} or self.random.random() < 0.2:
                self.week += 1
                self.asked = set()
            self.asked |= {step.page, *met}
        self.steps.append(replace(step, at=self.at, rules=self.rules, crawl=self.week))

    def shown(self, page: str, method: str) -> list[str]:
        """What the rules of the day see of a page."""
        found = []
        for token in self.docs[page]:
            if token.startswith("*") and method != "rendered":
                continue
            words, _, flags = token.lstrip("*-").partition("+")
            if words.endswith(UNSEEN[self.rules % 3]):
                continue
            if words.endswith(".navy") and self.rules % 3 == 2 and "h" not in flags:
                flags += "h"
            if words.endswith(".golden") and self.rules % 3 == 0:
                words = words.upper().replace(words[0].upper(), words[0], 1)
            if method == "wat":
                where, _, text = words.partition(".")
                words, flags = f"{where}.{text[:3]}", ""
            mark = {"*": "", "-": "-"}.get(token[0], "=") if method == "rendered" else ""
            found.append(mark + words + (f"+{flags}" if flags else ""))
        return found

    def visit(self, page: str, via: str = "") -> None:
        draw = self.random
        methods: tuple[VisitMethod, ...] = ("raw", "rendered", "archive", "wat")
        method = draw.choices(methods, self.taste.methods)[0]
        only = ""
        doc = self.shown(page, method)
        if draw.random() < self.taste.filtered:
            only = "".join(draw.sample("abcd", draw.randint(1, 2)))
            doc = [one for one in doc if one.lstrip("=-")[0] in only]
        body = " ".join(self.docs[page]) + self.facts[page] + ("rendered" if method == "rendered" else "")
        status = 304 if draw.random() < 0.05 else 200
        facts = self.facts[page] if method != "wat" else ""
        step = Step(page, 0, " ".join(doc), method=method, body=body, only=only, via=via, facts=facts, status=status)
        chance = draw.random()
        if chance < 0.06:
            step = replace(step, outcome="partial", doc=" ".join(doc[: draw.randint(0, len(doc))]))
        elif chance < 0.06 + self.taste.suspect:
            step = replace(step, outcome="suspect", doc=draw.choice(("", "d.log-in")), body="challenge")
        self.ask(step)

    def miss(self, page: str, via: str = "") -> None:
        kind = self.random.choice((404, 404, 410, 500, 503, 403, 429, None, "blocked", "refused", "skipped"))
        if isinstance(kind, str):
            self.ask(Step(page, 0, outcome=kind, status=200, via=via))  # type: ignore[arg-type]
        else:
            self.ask(Step(page, 0, outcome="failed", status=kind, via=via))  # type: ignore[arg-type]

    def redirect(self, page: str) -> None:
        others = [one for one in self.docs if one != page]
        if not others:
            self.visit(page)
            return
        there = self.random.choice(others)
        if self.random.random() < 0.06:
            self.visit(page, via=f"{page}{self.random.choice((301, 302))} {there}{self.random.choice((302, 308))}")
            return
        status = self.random.choice((301, 301, 308, 302, 303, 307))
        if status in (301, 308) and self.random.random() < 0.7:
            self.docs[there] = [*self.docs[page], *self.docs[there][: self.random.randint(0, 2)]]
            if self.random.random() < 0.5:
                self.edit(there)
        via = f"{page}{status}"
        if len(others) > 1 and self.random.random() < 0.25:
            between = self.random.choice([one for one in others if one != there])
            via += f" {between}{self.random.choice((301, 302, 308))}"
        chance = self.random.random()
        if chance < 0.04:
            self.ask(Step(there, 0, outcome="failed", status=status, via=f"{via} {there}{status}"))
        else:
            (self.visit if chance < 0.85 else self.miss)(there, via)


def history(seed: int) -> list[Step]:
    """A history by the dates of its readings."""
    draw = Random(seed)
    domains = "abcd"[: draw.randint(2, 4)]
    targets = [letter + path for letter in domains for path in ("", "/2")[: draw.choice((1, 1, 2))]]
    taste = Taste.drawn(draw)
    site = Site(draw, taste, targets[: draw.randint(1, len(targets))], week=draw.choice((None, None, 0)))
    long = draw.random() < 0.04
    for page in "PQRS"[: draw.choice((1, 1, 1, 2, 2, 3, 4))]:
        links = draw.choice((0, 1, 2, 5, 6, 7, 9, 12)) * (6 if long else 1)
        site.docs[page] = [site.token() for _ in range(links)]
        site.facts[page] = ""
    doings: list[Callable[[str], None]] = [site.visit, site.miss, site.redirect]
    for _ in range(draw.randint(2, MOST_STEPS)):
        page = draw.choice(list(site.docs))
        raised = draw.random() < taste.rules
        if raised:
            site.rules += 1
        for _ in range(0 if raised and draw.random() < 0.6 else draw.choice((0, 0, 1, 1, 1, 2, 3))):
            site.edit(page)
        kept = list(site.docs[page])
        gone = len(kept) >= 4 and draw.random() < taste.emptied
        if gone:
            site.docs[page] = kept[: len(kept) // 5]
        draw.choices(doings, (30, 7, taste.redirects))[0](page)
        if gone or raised:
            for _ in range(draw.choice((0, 0, 1, 2))):
                site.visit(page)
            if gone and draw.random() < 0.75:
                site.docs[page] = kept
    return site.steps


def one_by_one(steps: list[Step]) -> list[list[Step]]:
    return [[step] for step in steps]


def shuffled(steps: list[Step], seed: int) -> list[list[Step]]:
    """The same readings in another order, some delivered again, in batches of random size.

    A batch is of one crawl and one version of the rules; a redelivery brings what was delivered before.
    """
    draw = Random(seed)
    order = [*steps, *draw.sample(steps, draw.randint(0, len(steps) // 2))]
    draw.shuffle(order)
    batches: list[list[Step]] = []
    for step in order:
        last = batches[-1] if batches else []
        if last and (last[0].crawl, last[0].rules) == (step.crawl, step.rules) and draw.random() < 0.6:
            last.append(step)
        else:
            batches.append([step])
    return batches
