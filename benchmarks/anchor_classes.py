"""Classes of anchors: distinct anchors judged per CPU second, and how often labelled rows are judged as labelled.

``python -m benchmarks anchor_classes`` measures the speed and prints nothing of single rows;
``python -m benchmarks.anchor_classes --rows FILE [--split dev]`` scores a JSONL file whose rows have ``target_url``,
``brand_names``, ``target_keywords``, ``anchor_text``, ``anchor_source``, ``expected_class`` and ``language``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from audit.anchor_class import CLASSES, Classifier, Verdict
from audit.languages import languages
from audit.profile import Profile, Section
from benchmarks.rows import Row

LEAST = 20_000
ANCHORS = 200_000
_SYLLABLES = tuple(
    first + second for first in "bdfghklmnprstvz" for second in ("a", "e", "i", "o", "u", "an", "er", "is")
)


class Labelled(NamedTuple):
    """One row of a file of labelled anchors."""

    profile: Profile
    text: str
    source: str
    language: str
    expected: str
    note: str


# --- rows ------------------------------------------------------------------------------------------------------------


def labelled(path: Path, split: str | None = None) -> Iterator[Labelled]:
    """The rows of a file; of one split where one is named."""
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if not line.strip() or (split is not None and row.get("split") != split):
            continue
        profile = Profile(
            target=row["target_url"],
            brands=tuple(row["brand_names"]),
            whole=Section(url=None, keywords=tuple(row["target_keywords"])),
            languages=(row["language"],),
        )
        yield Labelled(
            profile,
            row["anchor_text"],
            row["anchor_source"],
            row["language"],
            row["expected_class"],
            row.get("note", ""),
        )


def verdicts(rows: Iterable[Labelled]) -> Iterator[tuple[Labelled, Verdict]]:
    """Each row with its verdict; one classifier a profile."""
    made: dict[tuple[object, ...], Classifier] = {}
    for row in rows:
        key = (row.profile.target, row.profile.brands, row.profile.whole.keywords, row.profile.languages)
        classifier = made.get(key)
        if classifier is None:
            classifier = made[key] = Classifier(row.profile)
        yield row, classifier.judge(row.text, source=row.source, language=row.language)  # type: ignore[arg-type]


class Score(NamedTuple):
    """How well labelled rows were judged; shares in [0, 1]."""

    rows: int
    accuracy: float
    macro_f1: float
    """Mean of the F1 of the classes that occur among the labels."""
    recall: dict[str, float]
    """By class that occurs among the labels."""
    by_language: dict[str, float]
    """Accuracy."""
    foreign: float
    """Accuracy of all rows that are not English; 1.0 where there are none."""
    wrong: tuple[str, ...]
    """A line for each row judged otherwise."""


def score(rows: Iterable[Labelled]) -> Score:
    """Judge rows and compare with their labels."""
    expected: Counter[str] = Counter()
    given: Counter[str] = Counter()
    right: Counter[str] = Counter()
    of_language: Counter[str] = Counter()
    right_of_language: Counter[str] = Counter()
    wrong = []
    for row, verdict in verdicts(rows):
        expected[row.expected] += 1
        given[verdict.anchor_class] += 1
        of_language[row.language] += 1
        if verdict.anchor_class == row.expected:
            right[row.expected] += 1
            right_of_language[row.language] += 1
        else:
            wrong.append(
                f"{row.language} {row.text!r} ({row.source}): labelled {row.expected}, judged {verdict.anchor_class} "
                f"by {verdict.rule}: {verdict.because}; brands {list(row.profile.brands)}, "
                f"keywords {list(row.profile.whole.keywords)}{'; ' + row.note if row.note else ''}"
            )
    total = expected.total()
    f1 = {name: 2 * right[name] / (expected[name] + given[name]) for name in expected}
    foreign = total - of_language["en"]
    return Score(
        rows=total,
        accuracy=right.total() / total if total else 0.0,
        macro_f1=sum(f1.values()) / len(f1) if f1 else 0.0,
        recall={name: right[name] / expected[name] for name in CLASSES if expected[name]},
        by_language={name: right_of_language[name] / of_language[name] for name in sorted(of_language)},
        foreign=(right.total() - right_of_language["en"]) / foreign if foreign else 1.0,
        wrong=tuple(wrong),
    )


# --- speed -----------------------------------------------------------------------------------------------------------


def profile() -> Profile:
    """A target with names and keywords in two languages."""
    keywords = (
        "trail running shoes",
        "waterproof hiking boots",
        "running socks",
        "Laufschuhe für Damen",
        "Wanderschuhe",
    )
    return Profile(
        target="fernwegs.example.com",
        brands=("Fernwegs", "Fernwegs Outdoor", "Fern & Weg"),
        whole=Section(url=None, keywords=keywords),
        languages=("en", "de"),
        hosts=("fernwegs.de",),
    )


def distinct_anchors(count: int, seed: int = 5) -> list[tuple[str, str]]:
    """``count`` distinct (text, language), their words drawn by Zipf's law from 60,000, as a web of pages writes them.

    One in eight names the target, one in five holds a word of a keyword, one in ten is made of pointing words, one in
    twenty is an address; the rest are titles of one to eight words.
    """
    chance = random.Random(seed)
    made = {"".join(chance.choices(_SYLLABLES, k=chance.choice((1, 2, 2, 3, 3, 4)))) for _ in range(90_000)}
    lists = languages()
    pointing = [
        phrase
        for code in ("en", "de", "fr", "ru")
        if (one := lists.by_code.get(code))
        for phrase in sorted(one.phrases)
    ]
    vocabulary = sorted(made)
    chance.shuffle(vocabulary)
    vocabulary = ["the", "of", "and", "für", "und", "Größe", "café", *vocabulary][:60_000]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    drawn = iter(chance.choices(vocabulary, weights, k=count * 9))
    names, keywords = profile().brands, profile().whole.keywords
    found: dict[str, str] = {}
    while len(found) < count:
        words = [next(drawn, "") or chance.choice(vocabulary) for _ in range(chance.randint(1, 6))]
        kind = chance.random()
        if kind < 0.125:
            words.insert(chance.randint(0, len(words)), chance.choice(names))
        elif kind < 0.325:
            words.insert(chance.randint(0, len(words)), chance.choice(chance.choice(keywords).split()))
        elif kind < 0.425 and pointing:
            words = [*chance.sample(pointing, 2), str(chance.randint(1, 9999))]
        elif kind < 0.475:
            words = [f"https://www.{words[0]}{chance.randint(1, 9999)}.com/{words[-1]}"]
        text = " ".join(words)
        found.setdefault(text.title() if chance.random() < 0.3 else text, chance.choice(("en", "en", "de", "fr")))
    return list(found.items())


def least_work(anchors: list[tuple[str, str]]) -> int:
    """What any judgement begins with: NFKC, case folding and words, nothing known and nothing kept."""
    return sum(len(unicodedata.normalize("NFKC", text).casefold().split()) for text, _ in anchors)


def cpu_seconds(of: Callable[[], object]) -> float:
    """CPU seconds of this process for one call."""
    before = time.process_time()
    of()
    return time.process_time() - before


def run(quick: bool) -> list[Row]:
    """Judge distinct anchors once each, with a classifier that has seen none of them."""
    anchors = distinct_anchors(ANCHORS // 10 if quick else ANCHORS)

    def judge_all() -> None:
        judge = Classifier(profile()).judge
        for text, language in anchors:
            judge(text, language=language)

    baseline = min(cpu_seconds(lambda: least_work(anchors)) for _ in range(3))
    spent = cpu_seconds(judge_all)
    rate = len(anchors) / spent
    return [
        Row(
            what=f"classify {len(anchors):,} distinct anchors, per CPU second",
            baseline="NFKC, casefold and split of the same anchors",
            reached=round(rate),
            needed=f">= {LEAST:,}",
            ok=None if quick else rate >= LEAST,
            detail=f"{spent:.2f} s of CPU, {spent / baseline:.1f} x the baseline's {baseline:.2f} s",
        )
    ]


def main() -> int:
    """Score a file of labelled rows; 1 where it misses a bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anchor_classes", description=__doc__)
    parser.add_argument(
        "--rows", type=Path, required=True, metavar="FILE", help="labelled anchors, a JSON object a line"
    )
    parser.add_argument("--split", help="only the rows whose `split` is this")
    parser.add_argument("--quiet", action="store_true", help="leave out the rows judged otherwise")
    given = parser.parse_args()
    found = score(labelled(given.rows, given.split))
    if not given.quiet:
        print("\n".join(found.wrong))
    print(
        f"{found.rows} rows, accuracy {found.accuracy:.4f}, macro-F1 {found.macro_f1:.4f}, "
        f"not English {found.foreign:.4f}"
    )
    print("recall   ", ", ".join(f"{name} {share:.2f}" for name, share in found.recall.items()))
    print("languages", ", ".join(f"{name} {share:.2f}" for name, share in found.by_language.items()))
    enough = found.accuracy >= 0.90 and found.macro_f1 >= 0.88 and min(found.recall.values(), default=0) >= 0.75
    return 0 if enough and found.foreign >= 0.85 else 1


if __name__ == "__main__":
    sys.exit(main())
