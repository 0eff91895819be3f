"""History: why versions begin, misses, suspects, shards of a crawl; positions instead of ordinals.

Importing nothing of ours: a revision must do the same in ten years.

Revision ID: 0002
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

from alembic import op
from sqlalchemy import (
    TEXT,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    TypeDecorator,
    text,
    true,
)
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


class Words(TypeDecorator[str]):
    """Text that both databases sort by code point: ``COLLATE "C"`` on Postgres, BINARY on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TEXT(collation="C"))
        return dialect.type_descriptor(Text())


# -- views ----------------------------------------------------------------------------------

PLACEMENTS = ("body", "main", "nav", "header", "footer", "aside")
ELEMENTS = ("a", "area", "svg_a")
ANCHOR_SOURCES = ("none", "text", "img_alt", "aria_label", "title", "svg_title")
OUTCOMES = ("pending", "fetched", "partial", "suspect", "blocked", "refused", "failed", "skipped")
LOST_CAUSES = (None, "removed", "page_not_found", "page_redirected", "moved", "reread")
NOT_INDEXABLE = ("meta_robots", "x_robots_tag", "canonical")
BEGAN = ("link_added", "page_first_seen", "restored", "changed", "moved", "reread")
STEP = 64
VIEWS = ("v_links", "v_anchors", "v_pages", "v_changes", "v_outcomes")


def views(*, postgres: bool) -> list[str]:
    """The statements that make the views: same columns, order and content on both databases."""

    def iso(column: str) -> str:
        if postgres:
            return (
                f"to_char(to_timestamp({column} / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')"
                f" || '.' || lpad(({column} % 1000)::text, 3, '0') || 'Z'"
            )
        return f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000, 'unixepoch') || printf('.%03dZ', {column} % 1000)"

    def name_of(column: str, names: tuple[str | None, ...]) -> str:
        cases = " ".join(f"WHEN {code} THEN '{name}'" for code, name in enumerate(names) if name is not None)
        return f"CASE {column} {cases} END"

    def tokens(column: str) -> str:
        quoted = f"to_json({column})::text" if postgres else f"json_quote({column})"
        return f"""CASE {column} WHEN '' THEN '[]' ELSE '[' || replace({quoted}, ' ', '", "') || ']' END"""

    def causes(column: str) -> str:
        listed = (
            f"CASE WHEN {column} & 7 <> 0 THEN ', \"rel\"' ELSE '' END"
            f" || CASE WHEN {column} & 8 <> 0 THEN ', \"meta_robots\"' ELSE '' END"
            f" || CASE WHEN {column} & 16 <> 0 THEN ', \"x_robots_tag\"' ELSE '' END"
        )
        return f"'[' || substr({listed}, 3) || ']'"

    def state(alias: str) -> str:
        return f"CASE WHEN {alias}.gone_at IS NULL THEN 'live' ELSE 'lost' END"

    yes, no = ("TRUE", "FALSE") if postgres else ("1", "0")

    def flag(condition: str) -> str:
        return f"CASE WHEN {condition} THEN {yes} ELSE {no} END"

    ends = """
  JOIN url su ON su.id = {0}.source_id
  JOIN url tu ON tu.id = {0}.target_id
  JOIN domain sd ON sd.id = {0}.source_domain
  JOIN domain td ON td.id = {0}.target_domain"""
    seen = "coalesce({0}.last_seen, p.last_ok)"

    if postgres:
        piece = (
            "(SELECT (e.piece ->> 1)::int + (l.position - (e.piece ->> 0)::int) / 64"
            " FROM jsonb_array_elements(p.layout::jsonb) AS e(piece) WHERE (e.piece ->> 0)::int <= l.position"
            " ORDER BY (e.piece ->> 0)::int DESC LIMIT 1)"
        )
    else:
        piece = (
            "(SELECT json_extract(e.value, '$[1]') + (l.position - json_extract(e.value, '$[0]')) / 64"
            " FROM json_each(p.layout) AS e WHERE json_extract(e.value, '$[0]') <= l.position"
            " ORDER BY json_extract(e.value, '$[0]') DESC LIMIT 1)"
        )
    ordinal = f"CASE WHEN p.layout IS NULL OR l.gone_at IS NOT NULL THEN l.position / {STEP} ELSE {piece} END"

    def change(kind: str, old: str, new: str, condition: str) -> str:
        return f"""
SELECT {iso("n.valid_from")} AS at, '{kind}' AS change, NULL AS cause, su.url AS source, tu.url AS target,
  n.link_no, {old} AS old, {new} AS new, sd.name AS source_domain, td.name AS target_domain
FROM link o
  JOIN link n ON n.target_domain = o.target_domain AND n.target_host = o.target_host AND n.target_id = o.target_id
    AND n.source_domain = o.source_domain AND n.source_id = o.source_id AND n.link_no = o.link_no
    AND n.valid_from = o.valid_to{ends.format("n")}
WHERE n.began = 3 AND {condition}"""

    follow = "CASE WHEN {0}.follow_cause = 0 THEN 'followed' ELSE 'not followed' END"

    def form(alias: str) -> str:
        image = f"CASE WHEN {alias}.has_image THEN ' with image' ELSE '' END"
        return f"{name_of(alias + '.source', ANCHOR_SOURCES)} || {image}"

    def indexable(bits: str) -> str:
        causes = " || ".join(
            f"CASE WHEN {bits} & {1 << bit} <> 0 THEN ' {name}' ELSE '' END" for bit, name in enumerate(NOT_INDEXABLE)
        )
        return f"CASE {bits} WHEN 0 THEN 'indexable' ELSE substr({causes}, 2) END"

    hidden = "CASE WHEN {0}.hidden THEN 'hidden' ELSE 'visible' END"
    changes = [
        f"""
SELECT {iso("l.valid_from")} AS at, 'link_added' AS change,
  {name_of("l.began", BEGAN)} AS cause,
  su.url AS source, tu.url AS target, l.link_no, NULL AS old, NULL AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM link l{ends.format("l")}
WHERE l.began IN (0, 1, 4)""",
        f"""
SELECT {iso("l.valid_from")} AS at, 'link_restored' AS change, 'restored' AS cause,
  su.url AS source, tu.url AS target, l.link_no, NULL AS old, NULL AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM link l{ends.format("l")}
WHERE l.began = 2""",
        f"""
SELECT {iso("l.gone_at")} AS at, 'link_lost' AS change, {name_of("l.lost_cause", LOST_CAUSES)} AS cause,
  su.url AS source, tu.url AS target, l.link_no, NULL AS old, NULL AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM link l{ends.format("l")}
WHERE l.gone_at IS NOT NULL AND l.lost_cause <> 5""",
        change("rel_changed", "o.rel", "n.rel", "o.rel <> n.rel"),
        change("followed_changed", follow.format("o"), follow.format("n"),
               "(o.follow_cause = 0) <> (n.follow_cause = 0)"),
        change("placement_changed", name_of("o.placement", PLACEMENTS), name_of("n.placement", PLACEMENTS),
               "o.placement <> n.placement"),
        change("element_changed", name_of("o.element", ELEMENTS), name_of("n.element", ELEMENTS),
               "o.element <> n.element"),
        change("hidden_changed", hidden.format("o"), hidden.format("n"), "o.hidden <> n.hidden"),
        f"""
SELECT {iso("n.valid_from")} AS at, 'anchor_changed' AS change, NULL AS cause,
  su.url AS source, tu.url AS target, n.link_no, ot.text AS old, nt.text AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM anchor n
  JOIN anchor o ON o.source_id = n.source_id AND o.target_id = n.target_id AND o.link_no = n.link_no
    AND o.valid_to = n.valid_from
  JOIN anchor_text ot ON ot.id = o.text_id
  JOIN anchor_text nt ON nt.id = n.text_id{ends.format("n")}
WHERE n.began = 3 AND o.text_id <> n.text_id""",
        f"""
SELECT {iso("n.valid_from")} AS at, 'anchor_form_changed' AS change, NULL AS cause,
  su.url AS source, tu.url AS target, n.link_no, {form("o")} AS old, {form("n")} AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM anchor n
  JOIN anchor o ON o.source_id = n.source_id AND o.target_id = n.target_id AND o.link_no = n.link_no
    AND o.valid_to = n.valid_from{ends.format("n")}
WHERE n.began = 3 AND o.text_id = n.text_id AND (o.source <> n.source OR o.has_image <> n.has_image)""",
        f"""
SELECT {iso("r.at")} AS at, CASE r.found WHEN 0 THEN 'revalued' ELSE 'devalued' END AS change, NULL AS cause,
  su.url AS source, tu.url AS target, l.link_no, {indexable("r.was")} AS old, {indexable("r.found")} AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM (SELECT v.page_id, v.at, v.not_indexable AS found,
    lag(v.not_indexable) OVER (PARTITION BY v.page_id ORDER BY v.at) AS was
  FROM visit v WHERE v.complete) AS r
  JOIN link l ON l.source_id = r.page_id AND l.valid_from <= r.at AND (l.valid_to IS NULL OR l.valid_to > r.at)
    AND (l.gone_at IS NULL OR l.gone_at > r.at) AND (l.valid_from < r.at OR l.began = 3){ends.format("l")}
WHERE (r.was = 0) <> (r.found = 0)""",
    ]  # fmt: skip
    return [
        f"""
CREATE VIEW v_links AS
SELECT su.url AS source, tu.url AS target, {tokens("l.rel")} AS rel, {flag("l.follow_cause = 0")} AS followed,
  {causes("l.follow_cause")} AS follow_cause, {name_of("l.placement", PLACEMENTS)} AS placement,
  {name_of("l.element", ELEMENTS)} AS element, {ordinal} AS ordinal, {state("l")} AS state,
  {name_of("l.lost_cause", LOST_CAUSES)} AS lost_cause, {iso("l.first_seen")} AS first_seen,
  {iso(seen.format("l"))} AS last_seen, {iso("l.gone_at")} AS found_lost_at,
  l.link_no, l.hidden, {flag("l.source_domain = l.target_domain")} AS internal,
  sd.name AS source_domain, td.name AS target_domain
FROM link l
  JOIN page p ON p.id = l.source_id{ends.format("l")}
WHERE l.valid_to IS NULL AND l.lost_cause <> 5""",
        f"""
CREATE VIEW v_anchors AS
SELECT t.text AS anchor, {name_of("a.source", ANCHOR_SOURCES)} AS anchor_source, su.url AS source, tu.url AS target,
  a.has_image, {state("a")} AS state, {iso("a.first_seen")} AS first_seen,
  {iso(seen.format("a"))} AS last_seen, {iso("a.gone_at")} AS found_lost_at, a.link_no, t.fold,
  {flag("a.source_domain = a.target_domain")} AS internal, sd.name AS source_domain, td.name AS target_domain
FROM anchor a
  JOIN anchor_text t ON t.id = a.text_id
  JOIN page p ON p.id = a.source_id{ends.format("a")}
WHERE a.valid_to IS NULL AND (a.gone_at IS NULL OR NOT EXISTS (
  SELECT 1 FROM link r WHERE r.target_domain = a.target_domain AND r.target_host = a.target_host
    AND r.target_id = a.target_id AND r.source_domain = a.source_domain AND r.source_id = a.source_id
    AND r.link_no = a.link_no AND r.valid_to IS NULL AND r.lost_cause = 5))""",
        f"""
CREATE VIEW v_pages AS
SELECT u.url, h.name AS host, d.name AS domain, {iso("p.first_ok")} AS first_seen, {iso("p.last_ok")} AS last_seen,
  {iso("p.attempted_at")} AS attempted_at, p.confirmed, p.indexable, p.links, v.skipped, v.status, v.title,
  v.canonical, v.lang, v.charset, v.charset_source, v.content_type
FROM page p
  JOIN url u ON u.id = p.id
  JOIN host h ON h.id = p.host_id
  JOIN domain d ON d.id = p.domain_id
  LEFT JOIN visit v ON v.id = p.last_visit_id
WHERE EXISTS (SELECT 1 FROM visit w WHERE w.page_id = p.id)""",
        "\nCREATE VIEW v_changes AS" + "\nUNION ALL".join(changes),
        f"""
CREATE VIEW v_outcomes AS
SELECT o.crawl_id AS crawl, u.url, {name_of("o.state", OUTCOMES)} AS outcome, o.reason, o.status,
  f.url AS final, o.chain, o.operator, o.depth, w.url AS found_on, {iso("o.at")} AS at
FROM outcome o
  JOIN url u ON u.id = o.url_id
  LEFT JOIN url f ON f.id = o.final_id
  LEFT JOIN url w ON w.id = o.found_on""",
    ]


def upgrade() -> None:
    """New columns and tables, what they hold of a ledger that is there, and the views anew."""
    bind = op.get_bind()
    for view in VIEWS:
        bind.exec_driver_sql(f"DROP VIEW {view}")
    op.add_column("outcome", Column("shard", SmallInteger, nullable=False, server_default="0"))
    op.add_column("page", Column("suspect_id", Integer))
    op.add_column("page", Column("plain", Boolean, nullable=False, server_default=true()))
    op.add_column("page", Column("layout", Words))
    op.add_column("visit", Column("whole", Boolean, nullable=False, server_default=true()))
    op.add_column("visit", Column("targets", Words))
    op.add_column("visit", Column("confirmed_at", BigInteger))
    partial = text("confirmed_at IS NOT NULL")
    op.create_index("visit_by_confirmed", "visit", ["confirmed_at"], sqlite_where=partial, postgresql_where=partial)
    op.alter_column("link", "ordinal", new_column_name="position")
    op.add_column("link", Column("began", SmallInteger, nullable=False, server_default="0"))
    op.add_column("link", Column("seen_by", SmallInteger, nullable=False, server_default="0"))
    op.add_column("anchor", Column("began", SmallInteger, nullable=False, server_default="0"))
    op.add_column("edge", Column("own_seen", Integer, nullable=False, server_default="0"))
    op.add_column("edge", Column("own_oldest", BigInteger))
    op.add_column("edge", Column("own_newest", BigInteger))
    op.create_table(
        "lease",
        Column("crawl_id", Integer, ForeignKey("crawl.id"), nullable=False),
        Column("shard", SmallInteger, nullable=False),
        Column("holder", Words, nullable=False),
        Column("until", BigInteger, nullable=False),
        PrimaryKeyConstraint("crawl_id", "shard"),
    )
    op.create_table(
        "miss",
        Column("page_id", BigInteger().with_variant(Integer, "sqlite"), ForeignKey("page.id"), nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("cause", SmallInteger, nullable=False),
        Column("moved_to", BigInteger),
        Column("crawl_id", Integer, ForeignKey("crawl.id")),
        PrimaryKeyConstraint("page_id", "at"),
    )
    partial = text("moved_to IS NOT NULL")
    op.create_index("miss_by_moved", "miss", ["moved_to"], sqlite_where=partial, postgresql_where=partial)
    _fill(bind)
    for statement in views(postgres=bind.dialect.name == "postgresql"):
        bind.exec_driver_sql(statement.replace("%", "%%") if bind.dialect.name == "postgresql" else statement)


def _fill(bind: Connection) -> None:
    """What the new columns and tables hold of what the ledger has seen.

    Nothing is judged anew: a redirect that closed no link then closes none now, and a visit that came too late to be
    merged stays aside until its page is built again.
    """
    if bind.dialect.name == "sqlite":
        driver: Any = bind.connection.driver_connection
        driver.create_function("shard_0002", 1, _shard, deterministic=True)
        shard = "shard_0002(operator)"
    else:
        shard = "get_byte(decode(md5(operator), 'hex'), 0) % 64"
    # Attempts: of every URL asked and of the one that answered, but for URLs that a limit kept from being asked.
    tried = "o.at IS NOT NULL AND o.state <> 0 AND coalesce(o.reason, '') NOT LIKE 'max_pages%'"
    end = "coalesce(o.final_id, o.url_id)"
    statements = [
        f"UPDATE outcome SET shard = {shard}",
        # A suspect document arrived to its end; whether it is the page is another question.
        "UPDATE visit SET whole = (1 = 0) WHERE NOT complete"
        " AND id NOT IN (SELECT visit_id FROM outcome WHERE state = 3 AND visit_id IS NOT NULL)",
        # Why each version began, from what came before it.
        f"""UPDATE link SET position = position * {STEP}, began = CASE
  WHEN first_seen < valid_from AND EXISTS (SELECT 1 FROM link o WHERE o.target_domain = link.target_domain
    AND o.target_host = link.target_host AND o.target_id = link.target_id AND o.source_domain = link.source_domain
    AND o.source_id = link.source_id AND o.link_no = link.link_no AND o.valid_to = link.valid_from
    AND o.gone_at IS NOT NULL) THEN 2
  WHEN first_seen < valid_from THEN 3
  WHEN valid_from = (SELECT p.first_ok FROM page p WHERE p.id = link.source_id) THEN 1
  ELSE 0 END""",
        # The words of a link begin with the link, take it up again with it, or replace others.
        """UPDATE anchor SET began = coalesce(
  (SELECT CASE WHEN o.gone_at IS NULL THEN 3 ELSE 2 END FROM anchor o WHERE o.source_id = anchor.source_id
    AND o.target_id = anchor.target_id AND o.link_no = anchor.link_no AND o.valid_to = anchor.valid_from),
  CASE WHEN valid_from = (SELECT p.first_ok FROM page p WHERE p.id = anchor.source_id) THEN 1 ELSE 0 END)""",
        # Every URL that was attempted has a page from now on, and its attempts without a document are misses.
        f"""INSERT INTO page (id, host_id, domain_id, attempted_at, confirmed)
SELECT u.id, u.host_id, h.domain_id, max(a.at), 1 = 0
FROM (SELECT o.url_id AS id, o.at FROM outcome o WHERE {tried}
  UNION ALL SELECT o.final_id, o.at FROM outcome o WHERE {tried} AND o.final_id <> o.url_id) a
JOIN url u ON u.id = a.id JOIN host h ON h.id = u.host_id
WHERE NOT EXISTS (SELECT 1 FROM page p WHERE p.id = u.id)
GROUP BY u.id, u.host_id, h.domain_id""",
        # A 404 or 410 closed what was live, unless a later visit was known already: it came too late.
        f"""INSERT INTO miss (page_id, at, state, cause, crawl_id)
SELECT m.page_id, m.at, m.state, CASE WHEN m.gone = 0 THEN 0
  WHEN EXISTS (SELECT 1 FROM visit v WHERE v.page_id = m.page_id AND v.at < m.at AND v.complete)
    AND EXISTS (SELECT 1 FROM visit v WHERE v.page_id = m.page_id AND v.at > m.at AND v.complete)
    AND NOT EXISTS (SELECT 1 FROM link l WHERE l.source_id = m.page_id AND l.gone_at = m.at) THEN 0
  ELSE 2 END, m.crawl_id
FROM (SELECT {end} AS page_id, o.at, max(o.state) AS state, min(o.crawl_id) AS crawl_id,
    max(CASE WHEN o.state = 6 AND o.status IN (404, 410) THEN 1 ELSE 0 END) AS gone
  FROM outcome o WHERE {tried} AND o.visit_id IS NULL GROUP BY {end}, o.at) m""",
        f"""INSERT INTO miss (page_id, at, state, cause, crawl_id)
SELECT o.url_id, o.at, max(o.state), 0, min(o.crawl_id) FROM outcome o
WHERE {tried} AND o.final_id <> o.url_id
  AND NOT EXISTS (SELECT 1 FROM miss m WHERE m.page_id = o.url_id AND m.at = o.at)
GROUP BY o.url_id, o.at""",
        # Pages read outside any crawl have no outcome: what was lost tells of it.
        """INSERT INTO miss (page_id, at, state, cause)
SELECT DISTINCT l.source_id, l.gone_at, 6, 2 FROM link l
WHERE l.lost_cause = 2 AND NOT EXISTS (SELECT 1 FROM miss m WHERE m.page_id = l.source_id AND m.at = l.gone_at)""",
    ]
    for statement in statements:
        bind.exec_driver_sql(statement.replace("%", "%%") if bind.dialect.name == "postgresql" else statement)


def _shard(operator: str) -> int:
    return md5(operator.encode(), usedforsecurity=False).digest()[0] % 64
