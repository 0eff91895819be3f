"""The sources of links whose words are of some classes: what `storage.intersections` asks of links, asked of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np
from sqlalchemy import Connection

from audit import anchor_sums as sums
from audit.anchor_class import CLASSES, AnchorClass
from audit.judged_anchors import classify, gather
from audit.profile import Profile
from storage.filters import Chosen
from storage.intersections import Linked, SourceBy, most_used


class ClassLinks:
    """The links to one target whose anchors are of the classes asked for."""

    def __init__(
        self, conn: Connection, chosen: Chosen, profile: Profile, wanted: Collection[AnchorClass], by: SourceBy
    ) -> None:
        judged = classify(gather(conn, chosen, profile), profile)
        rows = judged.of.rows
        kept = np.isin(judged.classes, [CLASSES.index(name) for name in wanted])
        self._of = judged.of
        self._ids = rows.domains if by == "domain" else rows.pages
        self._source = (rows.domain if by == "domain" else rows.page)[kept]
        self._text = rows.text[kept]
        self._first_seen = rows.first_seen[kept]

    def linked(self) -> Iterator[Linked]:
        """The sources, ascending by id; first seen are these words, not the link."""
        links = np.bincount(self._source, minlength=len(self._ids))
        first = np.full(len(self._ids), np.iinfo(np.int64).max)
        np.minimum.at(first, self._source, self._first_seen)
        places = np.flatnonzero(links)
        for place in places[np.argsort(self._ids[places])].tolist():
            yield Linked(int(self._ids[place]), int(links[place]), int(first[place]))

    def words(self, keys: Collection[int], most: int) -> dict[int, list[str]]:
        """The commonest of these anchors of each source."""
        wanted = np.flatnonzero(np.isin(self._ids, np.fromiter(keys, np.int64, len(keys))))
        kept = np.isin(self._source, wanted)
        source, text = self._source[kept], self._text[kept]
        if not len(source):
            return {}
        pair, first = sums.packed(source, text)
        used: dict[int, Counter[tuple[int, int]]] = {}
        for place, number in zip(first.tolist(), np.bincount(pair).tolist(), strict=True):
            said = int(text[place])
            key = int(self._ids[source[place]])
            used.setdefault(key, Counter())[int(self._of.wording[said]), said] += number
        ids, texts = self._of.rows.texts, self._of.texts
        return {key: most_used(counted, lambda said: texts[int(ids[said])].text, most) for key, counted in used.items()}
