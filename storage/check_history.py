"""What `storage.check` asks of history: versions, visits, misses and pages must tell one story.

Each question gives the page of every wrong row, by the rules of docs/history.md.
"""

from __future__ import annotations

from storage.codes import BEGAN, LOST_CAUSES, METHODS

ADDED, PAGE_FIRST_SEEN, RESTORED, CHANGED, MOVED, REREAD = range(len(BEGAN))
_, REMOVED, PAGE_NOT_FOUND, PAGE_REDIRECTED, LOST_MOVED, LOST_REREAD = range(len(LOST_CAUSES))
_WAT = METHODS.index("wat")
_LIVE = "valid_to IS NULL AND gone_at IS NULL"
_KEYS = {"link": "target_id, source_id, link_no", "anchor": "source_id, target_id, link_no"}


def _chain(table: str) -> str:
    """Versions of one link that overlap or leave a gap, or whose dates are out of order."""
    return (
        f"SELECT source_id AS page FROM (SELECT source_id, valid_from, valid_to, first_seen, last_seen, gone_at,"
        f" lead(valid_from) OVER (PARTITION BY {_KEYS[table]} ORDER BY valid_from) AS following FROM {table}) AS v"
        f" WHERE coalesce(valid_to, -1) <> coalesce(following, -1) OR valid_to <= valid_from OR first_seen > valid_from"
        f" OR gone_at < last_seen OR last_seen < valid_from OR gone_at < valid_from OR gone_at > valid_to"
        f" OR last_seen > valid_to OR (last_seen IS NULL AND NOT ({_LIVE}))"
    )


def _began(table: str) -> str:
    """Versions whose reason is not what came before them.

    The first version is new (or moved, or found by a re-reading), one after a lost one takes the link up again, any
    other one is a change. A link's first date is carried on; words have dates of their own.
    """
    own_date = " OR (before_from IS NOT NULL AND first_seen <> before_first)" if table == "link" else ""
    return (
        f"SELECT page FROM (SELECT source_id AS page, began, first_seen, valid_from,"
        f" lag(valid_from) OVER w AS before_from, lag(gone_at) OVER w AS before_gone,"
        f" lag(first_seen) OVER w AS before_first FROM {table}"
        f" WINDOW w AS (PARTITION BY {_KEYS[table]} ORDER BY valid_from)) AS v"
        f" WHERE (before_from IS NULL AND began NOT IN ({ADDED}, {PAGE_FIRST_SEEN}, {MOVED}, {REREAD}))"
        f" OR (before_from IS NULL AND first_seen <> valid_from AND began <> {MOVED}){own_date}"
        f" OR (before_from IS NOT NULL AND before_gone IS NULL AND began <> {CHANGED})"
        f" OR (before_gone IS NOT NULL AND began NOT IN ({RESTORED}, {REREAD}))"
    )


QUESTIONS = (
    ("versions of a link follow one another", "link", _chain("link")),
    ("versions of an anchor follow one another", "anchor", _chain("anchor")),
    ("links begin for the reason given", "link", _began("link")),
    ("anchors begin for the reason given", "anchor", _began("anchor")),
    (
        "links of plain pages are page_first_seen with the first visit, and only then",
        "link",
        f"SELECT l.source_id AS page FROM link l JOIN page p ON p.id = l.source_id"
        f" WHERE p.plain AND l.began IN ({ADDED}, {PAGE_FIRST_SEEN})"
        f" AND (l.began = {PAGE_FIRST_SEEN}) <> (l.valid_from = p.first_ok)",
    ),
    (
        "versions begin with a complete visit, and live links were seen by one",
        "link",
        "SELECT l.source_id AS page FROM link l WHERE NOT EXISTS"
        " (SELECT 1 FROM visit v WHERE v.page_id = l.source_id AND v.at = l.valid_from AND v.complete)"
        " OR (l.valid_to IS NULL AND l.gone_at IS NULL AND l.last_seen IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM visit v WHERE v.page_id = l.source_id AND v.at = l.last_seen AND v.complete))",
    ),
    (
        "links are lost by what happened at that date",
        "link",
        f"SELECT l.source_id AS page FROM link l WHERE (l.gone_at IS NULL) <> (l.lost_cause = 0)"
        f" OR (l.lost_cause IN ({REMOVED}, {LOST_REREAD}) AND NOT EXISTS"
        f" (SELECT 1 FROM visit v WHERE v.page_id = l.source_id AND v.at = l.gone_at AND v.complete))"
        f" OR (l.lost_cause IN ({PAGE_NOT_FOUND}, {PAGE_REDIRECTED}, {LOST_MOVED}) AND NOT EXISTS"
        f" (SELECT 1 FROM miss m WHERE m.page_id = l.source_id AND m.at = l.gone_at AND m.cause ="
        f" CASE l.lost_cause WHEN {PAGE_NOT_FOUND} THEN {PAGE_NOT_FOUND} ELSE {PAGE_REDIRECTED} END))",
    ),
    (
        "no link is live after its page has gone",
        "miss",
        "SELECT DISTINCT m.page_id AS page FROM miss m JOIN link l ON l.source_id = m.page_id"
        " AND l.valid_to IS NULL AND l.gone_at IS NULL"
        " WHERE m.cause <> 0 AND l.valid_from <= m.at"
        # What comes late, dated before a record that was pruned, is kept and not merged.
        " AND NOT EXISTS (SELECT 1 FROM visit v JOIN record r ON r.id = v.record_id WHERE v.page_id = m.page_id"
        " AND v.at >= m.at AND v.whole AND length(r.data) = 0)",
    ),
    (
        "pages name their latest complete visit",
        "page",
        "SELECT p.id AS page FROM page p LEFT JOIN visit v ON v.id = p.last_visit_id"
        " WHERE (p.last_visit_id IS NULL) <> (p.last_ok IS NULL) OR (p.first_ok IS NULL AND p.last_ok IS NOT NULL)"
        " OR p.first_ok > p.last_ok OR p.attempted_at < p.last_ok"
        " OR (p.last_visit_id IS NOT NULL AND (v.id IS NULL OR v.page_id <> p.id OR v.at <> p.last_ok"
        " OR NOT v.complete OR v.targets IS NOT NULL"
        f" OR v.method = {_WAT}))"
        " OR (p.first_ok IS NULL) <> (NOT EXISTS (SELECT 1 FROM visit w WHERE w.page_id = p.id AND w.complete))"
        " OR (p.first_ok IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM visit w WHERE w.page_id = p.id AND w.complete AND w.at = p.first_ok))"
        " OR EXISTS (SELECT 1 FROM visit w WHERE w.page_id = p.id AND w.complete AND w.targets IS NULL"
        f" AND w.method <> {_WAT} AND w.at > coalesce(p.last_ok, -1))",
    ),
    (
        "pages know their latest attempt",
        "page",
        "SELECT p.id AS page FROM (SELECT p.id, p.attempted_at, p.confirmed,"
        " (SELECT max(v.at) FROM visit v WHERE v.page_id = p.id) AS visited,"
        " (SELECT max(v.at) FROM visit v WHERE v.page_id = p.id AND v.complete) AS read_at,"
        " (SELECT max(m.at) FROM miss m WHERE m.page_id = p.id) AS missed FROM page p) AS p"
        " WHERE p.attempted_at < p.visited OR p.attempted_at < p.missed"
        " OR (p.confirmed AND (p.read_at IS NULL OR p.read_at <> p.attempted_at OR p.missed = p.attempted_at))"
        " OR (NOT p.confirmed AND p.read_at = p.attempted_at AND coalesce(p.missed, -1) <> p.attempted_at)",
    ),
    (
        "a waiting suspect is the latest whole visit, and speaks for nothing",
        "page",
        "SELECT p.id AS page FROM page p LEFT JOIN visit v ON v.id = p.suspect_id WHERE p.suspect_id IS NOT NULL"
        " AND (v.id IS NULL OR v.page_id <> p.id OR v.complete OR NOT v.whole"
        " OR EXISTS (SELECT 1 FROM visit w WHERE w.page_id = p.id AND w.at > v.at AND w.whole AND w.targets IS NULL"
        f" AND w.method <> {_WAT})"
        " OR EXISTS (SELECT 1 FROM miss m WHERE m.page_id = p.id AND m.at >= v.at AND m.cause <> 0))",
    ),
    (
        "visits that speak for their page are whole",
        "visit",
        "SELECT v.page_id AS page FROM visit v WHERE v.complete AND NOT v.whole",
    ),
    (
        "confirmed suspects speak for their page, and another visit does so since",
        "visit",
        "SELECT v.page_id AS page FROM visit v WHERE v.confirmed_at IS NOT NULL AND (NOT v.complete OR NOT EXISTS"
        " (SELECT 1 FROM visit w WHERE w.page_id = v.page_id AND w.at = v.confirmed_at AND w.at > v.at"
        " AND w.complete))",
    ),
    (
        "pages are plain where every visit is raw and not filtered",
        "page",
        "SELECT p.id AS page FROM page p WHERE p.plain AND EXISTS (SELECT 1 FROM visit v WHERE v.page_id = p.id"
        f" AND v.whole AND (v.targets IS NOT NULL OR v.method IN ({METHODS.index('rendered')}, {_WAT})))",
    ),
    (
        "misses close links for a reason that there is",
        "miss",
        f"SELECT m.page_id AS page FROM miss m LEFT JOIN url u ON u.id = m.moved_to"
        f" WHERE m.cause NOT IN (0, {PAGE_NOT_FOUND}, {PAGE_REDIRECTED})"
        f" OR (m.cause = {PAGE_REDIRECTED}) <> (m.moved_to IS NOT NULL) OR (m.moved_to IS NOT NULL AND u.id IS NULL)"
        " OR m.moved_to = m.page_id",
    ),
    (
        "the record of what is live, and of a waiting suspect, is kept",
        "page",
        "SELECT p.id AS page FROM page p JOIN visit v ON v.id IN (p.last_visit_id, p.suspect_id)"
        " JOIN record r ON r.id = v.record_id WHERE length(r.data) = 0",
    ),
    (
        "nobody holds a share of a crawl that has ended",
        "lease",
        "SELECT NULL AS page FROM lease l JOIN crawl c ON c.id = l.crawl_id WHERE c.state = 'finished'",
    ),
)  # fmt: skip
"""Name, table whose rows are examined, and the question for the page of each wrong row."""
