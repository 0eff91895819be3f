"""The first schema.

A copy of storage/schema.py as it was released, importing nothing of ours: a revision must do the same
in ten years. While the schema has not been released, both are changed together; a test compares them.

Revision ID: 0001
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    TEXT,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
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


HashId = BigInteger().with_variant(Integer, "sqlite")
"""A keyed 64-bit hash as primary key. SQLite's ``INTEGER PRIMARY KEY`` is the row's own address: one search
of a b-tree instead of two (a count joined with its pages: 179 against 286 ms)."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Words, primary_key=True),
    Column("value", Words, nullable=False),
    comment="format, hash_key, psl (suffix-list snapshot), created_at",
)

# -- dictionaries ---------------------------------------------------------------------------

domain = Table(
    "domain",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Words, nullable=False, unique=True),
)

host = Table(
    "host",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Words, nullable=False, unique=True),
    Column("domain_id", ForeignKey("domain.id"), nullable=False),
    Index("host_by_domain", "domain_id"),
)

url = Table(
    "url",
    metadata,
    Column("id", HashId, primary_key=True, autoincrement=False, comment="keyed hash of url"),
    Column("url", Words, nullable=False),
    Column("host_id", ForeignKey("host.id"), nullable=False),
    Column("path_key", BigInteger, nullable=False, comment="keyed hash of the folded path"),
    Index("url_by_host", "host_id", "path_key"),
)

anchor_text = Table(
    "anchor_text",
    metadata,
    Column("id", HashId, primary_key=True, autoincrement=False, comment="keyed hash of text"),
    Column("text", Words, nullable=False),
    Column("fold_id", BigInteger, nullable=False, comment="keyed hash of fold"),
    Column("fold", Words, nullable=False),
    Index("anchor_text_by_fold", "fold_id"),
)

# -- what the user asked for ----------------------------------------------------------------

page_list = Table(
    "list",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Words, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

list_row = Table(
    "list_row",
    metadata,
    Column("list_id", ForeignKey("list.id"), nullable=False),
    Column("file", Words, nullable=False),
    Column("line", Integer, nullable=False),
    Column("url_id", ForeignKey("url.id"), nullable=False),
    Column("operator", Words, nullable=False),
    Column("given", Words, nullable=False),
    Column("columns", Words, nullable=False, comment="the user's other columns, a JSON object"),
    Column("added_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("list_id", "file", "line"),
    Index("list_row_by_url", "url_id"),
)

crawl = Table(
    "crawl",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list_id", ForeignKey("list.id")),
    Column("plan", Words, nullable=False, comment="the crawl's plan, a JSON object"),
    Column("state", Words, nullable=False, comment="running, finished, interrupted or failed"),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("rows_read", Integer, nullable=False, server_default="0"),
    Column("rows_accepted", Integer, nullable=False, server_default="0"),
    Column("rows_duplicate", Integer, nullable=False, server_default="0"),
    Column("rows_rejected", Integer, nullable=False, server_default="0"),
)

rejected_row = Table(
    "rejected_row",
    metadata,
    Column("crawl_id", ForeignKey("crawl.id"), nullable=False),
    Column("file", Words, nullable=False),
    Column("line", Integer, nullable=False),
    Column("given", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Index("rejected_row_by_crawl", "crawl_id"),
)

outcome = Table(
    "outcome",
    metadata,
    Column("crawl_id", ForeignKey("crawl.id"), nullable=False),
    Column("url_id", ForeignKey("url.id"), nullable=False),
    Column("state", SmallInteger, nullable=False, comment="storage.codes.OUTCOMES; 0 pending: the frontier"),
    Column("operator", Words, nullable=False, comment="registrable domain without private suffixes"),
    Column("turn", Integer, nullable=False, comment="running number within the operator: fair order of fetching"),
    Column("depth", Integer, nullable=False, comment="0: on the list"),
    Column("found_on", BigInteger, comment="url.id of the page that led here; NULL for seeds"),
    Column("reason", Words),
    Column("status", SmallInteger),
    Column("chain", Words, comment="redirects, a JSON array of [url, status]; NULL without any"),
    Column("final_id", ForeignKey("url.id"), comment="the URL that answered"),
    Column("visit_id", ForeignKey("visit.id"), comment="the visit of the final page in this crawl"),
    Column("at", BigInteger, comment="when it was decided"),
    PrimaryKeyConstraint("crawl_id", "url_id"),
    Index(
        "outcome_pending",
        "crawl_id",
        "turn",
        "url_id",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
    Index("outcome_by_operator", "crawl_id", "operator", "turn"),
    Index("outcome_by_url", "url_id", "at"),
)

# -- what the pages said --------------------------------------------------------------------

page = Table(
    "page",
    metadata,
    Column("id", ForeignKey("url.id"), primary_key=True, autoincrement=False),
    Column("host_id", ForeignKey("host.id"), nullable=False),
    Column("domain_id", ForeignKey("domain.id"), nullable=False),
    Column("first_ok", BigInteger, comment="first complete visit"),
    Column("last_ok", BigInteger, comment="latest complete visit: last_seen of its live links"),
    Column(
        "last_visit_id",
        Integer,
        comment="visit.id of the latest complete visit (no key: the two tables would need each other first)",
    ),
    Column("attempted_at", BigInteger, nullable=False, comment="latest attempt of any outcome"),
    Column("confirmed", Boolean, nullable=False, comment="the latest attempt was a complete visit"),
    Column("indexable", Boolean, comment="as the latest complete visit found it"),
    Column("links", Integer, nullable=False, server_default="0", comment="live links"),
    Index("page_by_domain", "domain_id"),
)

visit = Table(
    "visit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("page_id", ForeignKey("page.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("crawl_id", ForeignKey("crawl.id")),
    Column("requested_id", ForeignKey("url.id"), nullable=False),
    Column("chain", Words),
    Column("status", SmallInteger, nullable=False),
    Column("method", SmallInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("reason", Words),
    Column("rules_version", SmallInteger, nullable=False),
    Column("content_type", Words),
    Column("charset", Words, nullable=False),
    Column("charset_source", Words, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("content_hash", Words, nullable=False),
    Column("etag", Words),
    Column("last_modified", Words),
    Column("headers", Words, nullable=False, comment="JSON array of [name, value]"),
    Column("title", Words),
    Column("headings", Words, nullable=False, comment="JSON object: h1, h2"),
    Column("canonical", Words),
    Column("canonical_source", Words),
    Column("robots", Words, nullable=False, comment="JSON array of [cause, agent, value]"),
    Column("not_indexable", SmallInteger, nullable=False, comment="bits of storage.codes.INDEXABILITY"),
    Column("lang", Words),
    Column("links", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("record_id", ForeignKey("record.id"), nullable=False),
    UniqueConstraint("page_id", "at"),
    Index("visit_by_crawl", "crawl_id", "page_id"),
)

record = Table(
    "record",
    metadata,
    Column("id", HashId, primary_key=True, autoincrement=False, comment="keyed hash of page id and data"),
    Column("data", LargeBinary, nullable=False, comment="every link and skipped href of the visit, zstd"),
    Column("text", LargeBinary, comment="visible text, bounded, zstd; NULL with --no-keep-text"),
    comment="evidence of visits; visits that read the same share one",
)

link = Table(
    "link",
    metadata,
    Column("target_domain", Integer, nullable=False),
    Column("target_host", Integer, nullable=False),
    Column("target_id", BigInteger, nullable=False),
    Column("source_domain", Integer, nullable=False),
    Column("source_id", BigInteger, nullable=False),
    Column("link_no", Integer, nullable=False, comment="tells links of one page to one target apart"),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger, comment="NULL: the latest version"),
    Column("source_host", Integer, nullable=False),
    Column("first_seen", BigInteger, nullable=False, comment="carried on from version to version"),
    Column("last_seen", BigInteger, comment="of a lost link; a live one has its page's last_ok"),
    Column("gone_at", BigInteger, comment="NULL: live"),
    Column("lost_cause", SmallInteger, nullable=False, server_default="0"),
    Column("follow_cause", SmallInteger, nullable=False, comment="bits; 0: followed"),
    Column("rel", Words, nullable=False, comment="tokens joined by a space"),
    Column("placement", SmallInteger, nullable=False),
    Column("element", SmallInteger, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("ordinal", Integer, nullable=False),
    PrimaryKeyConstraint(
        "target_domain", "target_host", "target_id", "source_domain", "source_id", "link_no", "valid_from"
    ),
    Index("link_by_source", "source_id"),
    sqlite_with_rowid=False,
)

anchor = Table(
    "anchor",
    metadata,
    Column("target_domain", Integer, nullable=False),
    Column("fold_id", BigInteger, nullable=False),
    Column("source_domain", Integer, nullable=False),
    Column("target_id", BigInteger, nullable=False),
    Column("source_id", BigInteger, nullable=False),
    Column("link_no", Integer, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger),
    Column("target_host", Integer, nullable=False),
    Column("text_id", BigInteger, nullable=False),
    Column("source", SmallInteger, nullable=False, comment="storage.codes.ANCHOR_SOURCES"),
    Column("has_image", Boolean, nullable=False),
    Column("first_seen", BigInteger, nullable=False, comment="of these words on this link"),
    Column("last_seen", BigInteger),
    Column("gone_at", BigInteger),
    PrimaryKeyConstraint(
        "target_domain", "fold_id", "source_domain", "target_id", "source_id", "link_no", "valid_from"
    ),
    Index("anchor_by_source", "source_id", "target_id", "link_no"),
    sqlite_with_rowid=False,
    comment="clustered for distributions: the words of one domain lie together, grouped by fold, then source domain",
)

edge = Table(
    "edge",
    metadata,
    Column("target_domain", Integer, nullable=False),
    Column("source_domain", Integer, nullable=False),
    Column("source_id", BigInteger, nullable=False),
    Column("source_host", Integer, nullable=False),
    Column("links", Integer, nullable=False, comment="live ones; the next five count among these"),
    Column("followed", Integer, nullable=False),
    Column("rel_nofollow", Integer, nullable=False),
    Column("rel_ugc", Integer, nullable=False),
    Column("rel_sponsored", Integer, nullable=False),
    Column("page_nofollow", Integer, nullable=False),
    Column("lost", Integer, nullable=False, comment="links whose latest version is lost"),
    Column("first_seen", BigInteger, comment="earliest of the live links"),
    Column("newest", BigInteger, comment="latest first_seen of the live links"),
    PrimaryKeyConstraint("target_domain", "source_domain", "source_id"),
    sqlite_with_rowid=False,
    comment="sums of link by source page and target domain, for counts over whole domains; kept by storage.edges",
)


# -- views ----------------------------------------------------------------------------------

PLACEMENTS = ("body", "main", "nav", "header", "footer", "aside")
ELEMENTS = ("a", "area", "svg_a")
ANCHOR_SOURCES = ("none", "text", "img_alt", "aria_label", "title", "svg_title")
OUTCOMES = ("pending", "fetched", "partial", "suspect", "blocked", "refused", "failed", "skipped")
LOST_CAUSES = (None, "removed", "page_not_found", "page_redirected")


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

    def change(kind: str, old: str, new: str, condition: str) -> str:
        return f"""
SELECT {iso("n.valid_from")} AS at, '{kind}' AS change, NULL AS cause, su.url AS source, tu.url AS target,
  n.link_no, {old} AS old, {new} AS new, sd.name AS source_domain, td.name AS target_domain
FROM link o
  JOIN link n ON n.target_domain = o.target_domain AND n.target_host = o.target_host AND n.target_id = o.target_id
    AND n.source_domain = o.source_domain AND n.source_id = o.source_id AND n.link_no = o.link_no
    AND n.valid_from = o.valid_to{ends.format("n")}
WHERE o.valid_to IS NOT NULL AND o.gone_at IS NULL AND {condition}"""

    follow = "CASE WHEN {0}.follow_cause = 0 THEN 'followed' ELSE 'not followed' END"
    hidden = "CASE WHEN {0}.hidden THEN 'hidden' ELSE 'visible' END"
    changes = [
        f"""
SELECT {iso("l.valid_from")} AS at, 'link_added' AS change,
  CASE WHEN p.first_ok = l.valid_from THEN 'page_first_seen' ELSE 'link_added' END AS cause,
  su.url AS source, tu.url AS target, l.link_no, NULL AS old, NULL AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM link l
  JOIN page p ON p.id = l.source_id{ends.format("l")}
WHERE l.valid_from = l.first_seen""",
        f"""
SELECT {iso("n.valid_from")} AS at, 'link_restored' AS change, 'restored' AS cause,
  su.url AS source, tu.url AS target, n.link_no, NULL AS old, NULL AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM link o
  JOIN link n ON n.target_domain = o.target_domain AND n.target_host = o.target_host AND n.target_id = o.target_id
    AND n.source_domain = o.source_domain AND n.source_id = o.source_id AND n.link_no = o.link_no
    AND n.valid_from = o.valid_to{ends.format("n")}
WHERE o.valid_to IS NOT NULL AND o.gone_at IS NOT NULL""",
        f"""
SELECT {iso("l.gone_at")} AS at, 'link_lost' AS change, {name_of("l.lost_cause", LOST_CAUSES)} AS cause,
  su.url AS source, tu.url AS target, l.link_no, NULL AS old, NULL AS new,
  sd.name AS source_domain, td.name AS target_domain
FROM link l{ends.format("l")}
WHERE l.gone_at IS NOT NULL""",
        change("rel_changed", tokens("o.rel"), tokens("n.rel"), "o.rel <> n.rel"),
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
WHERE o.text_id <> n.text_id AND o.gone_at IS NULL""",
    ]  # fmt: skip
    return [
        f"""
CREATE VIEW v_links AS
SELECT su.url AS source, tu.url AS target, {tokens("l.rel")} AS rel, {flag("l.follow_cause = 0")} AS followed,
  {causes("l.follow_cause")} AS follow_cause, {name_of("l.placement", PLACEMENTS)} AS placement,
  {name_of("l.element", ELEMENTS)} AS element, l.ordinal, {state("l")} AS state,
  {name_of("l.lost_cause", LOST_CAUSES)} AS lost_cause, {iso("l.first_seen")} AS first_seen,
  {iso(seen.format("l"))} AS last_seen, {iso("l.gone_at")} AS found_lost_at,
  l.link_no, l.hidden, {flag("l.source_domain = l.target_domain")} AS internal,
  sd.name AS source_domain, td.name AS target_domain
FROM link l
  JOIN page p ON p.id = l.source_id{ends.format("l")}
WHERE l.valid_to IS NULL""",
        f"""
CREATE VIEW v_anchors AS
SELECT t.text AS anchor, {name_of("a.source", ANCHOR_SOURCES)} AS anchor_source, su.url AS source, tu.url AS target,
  a.has_image, {state("a")} AS state, {iso("a.first_seen")} AS first_seen,
  {iso(seen.format("a"))} AS last_seen, {iso("a.gone_at")} AS found_lost_at, a.link_no, t.fold,
  {flag("a.source_domain = a.target_domain")} AS internal, sd.name AS source_domain, td.name AS target_domain
FROM anchor a
  JOIN anchor_text t ON t.id = a.text_id
  JOIN page p ON p.id = a.source_id{ends.format("a")}
WHERE a.valid_to IS NULL""",
        f"""
CREATE VIEW v_pages AS
SELECT u.url, h.name AS host, d.name AS domain, {iso("p.first_ok")} AS first_seen, {iso("p.last_ok")} AS last_seen,
  {iso("p.attempted_at")} AS attempted_at, p.confirmed, p.indexable, p.links, v.skipped, v.status, v.title,
  v.canonical, v.lang, v.charset, v.charset_source, v.content_type
FROM page p
  JOIN url u ON u.id = p.id
  JOIN host h ON h.id = p.host_id
  JOIN domain d ON d.id = p.domain_id
  LEFT JOIN visit v ON v.id = p.last_visit_id""",
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
    """Tables, then the views a user may build on (docs/sql.md)."""
    bind = op.get_bind()
    metadata.create_all(bind, checkfirst=False)
    if bind.dialect.name == "postgresql":
        # Compressed already: PostgreSQL need not try again.
        bind.exec_driver_sql("ALTER TABLE record ALTER COLUMN data SET STORAGE EXTERNAL")
        bind.exec_driver_sql("ALTER TABLE record ALTER COLUMN text SET STORAGE EXTERNAL")
    for statement in views(postgres=bind.dialect.name == "postgresql"):
        bind.exec_driver_sql(statement.replace("%", "%%") if bind.dialect.name == "postgresql" else statement)
