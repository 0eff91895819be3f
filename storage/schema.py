"""The tables of a ledger. docs/data-model.md explains them with a picture.

Ids of URLs and texts are keyed 64-bit hashes (no look-up before a write); ids of hosts and
domains are small sequential numbers. Times are milliseconds since 1970, UTC.

``link`` and ``anchor`` are two data sets with lives of their own over one key space, joined by
(target, source, link_no). Their rows are versions, and one predicate reads each state:

- ``valid_to IS NULL``: the latest version of each link (or of its anchor), live or lost;
- ``valid_to IS NULL AND gone_at IS NULL``: live;
- as of D: ``valid_from <= D AND (valid_to IS NULL OR valid_to > D)``, lost if ``gone_at <= D``.

A live row was last seen when its page was (``page.last_ok``), unless it carries a ``last_seen`` of its own.
"""

from __future__ import annotations

from sqlalchemy import (
    TEXT,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
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
    true,
)
from sqlalchemy.types import TypeEngine

REVISION = "0004"
"""The schema revision this release reads and writes; the head of storage/migrations."""


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
    Column("backlinks_of", Words, comment="the target whose referring pages this list holds; NULL: any pages"),
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
    Column("shard", SmallInteger, nullable=False, server_default="0", comment="of the operator: what a worker leases"),
    PrimaryKeyConstraint("crawl_id", "url_id"),
    # Partial in the database (WHERE state = 0, made by the migration). Saying so here would load SQLAlchemy's
    # PostgreSQL dialect with every question: a tenth of its start.
    Index("outcome_pending", "crawl_id", "turn", "url_id", info={"where": "state = 0"}),
    Index("outcome_by_operator", "crawl_id", "operator", "turn"),
    Index("outcome_by_url", "url_id", "at"),
)

lease = Table(
    "lease",
    metadata,
    Column("crawl_id", ForeignKey("crawl.id"), nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("holder", Words, nullable=False, comment="the process that may ask this shard's operators"),
    Column("until", BigInteger, nullable=False, comment="by the clock of the database"),
    PrimaryKeyConstraint("crawl_id", "shard"),
)

crawl_limit = Table(
    "crawl_limit",
    metadata,
    Column("crawl_id", ForeignKey("crawl.id"), nullable=False),
    Column("name", Words, nullable=False, comment="a limit of the crawl, or a rule against traps"),
    Column("urls", BigInteger, nullable=False, comment="URLs it kept out, each once for every page it was found on"),
    PrimaryKeyConstraint("crawl_id", "name"),
    comment="what a crawl did not follow, by what kept it out",
)

alike = Table(
    "alike",
    metadata,
    Column("crawl_id", ForeignKey("crawl.id"), nullable=False),
    Column("key", BigInteger, nullable=False, comment="keyed hash of a URL without its query, or without session id"),
    Column("urls", Integer, nullable=False, comment="URLs the crawl has followed that are alike but for that"),
    PrimaryKeyConstraint("crawl_id", "key"),
    sqlite_with_rowid=False,
    comment="what the limit on queries counts; gone when the crawl is finished",
)

pace = Table(
    "pace",
    metadata,
    Column("operator", Words, primary_key=True),
    Column("next_at", BigInteger, nullable=False, comment="when it may be asked next, by the clock of the database"),
    sqlite_with_rowid=False,
    comment="what crawls that run at the same time leave between two requests; unused while one runs alone",
)

# -- what the pages said --------------------------------------------------------------------

page = Table(
    "page",
    metadata,
    Column("id", ForeignKey("url.id"), primary_key=True, autoincrement=False),
    Column("host_id", ForeignKey("host.id"), nullable=False),
    Column("domain_id", ForeignKey("domain.id"), nullable=False),
    Column("first_ok", BigInteger, comment="first complete visit"),
    Column("last_ok", BigInteger, comment="latest complete visit that could see every link: their last_seen"),
    Column(
        "last_visit_id",
        Integer,
        comment="visit.id of the visit of last_ok (no key: the two tables would need each other first)",
    ),
    Column("attempted_at", BigInteger, nullable=False, comment="latest attempt of any outcome"),
    Column("confirmed", Boolean, nullable=False, comment="the latest attempt was a complete visit"),
    Column("indexable", Boolean, comment="as the latest complete visit found it"),
    Column("links", Integer, nullable=False, server_default="0", comment="live links"),
    Column("suspect_id", Integer, comment="visit.id of a suspect visit that the next one may confirm"),
    Column("plain", Boolean, nullable=False, server_default=true(), comment="every visit saw all that a raw one sees"),
    Column("layout", Words, comment="how positions of its live links become ordinals; see storage.layout"),
    Index("page_by_domain", "domain_id"),
    comment="every URL that was attempted; first_ok is NULL where no complete document was ever read",
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
    Column("complete", Boolean, nullable=False, comment="it speaks for its page: whole, and no suspect (any more)"),
    Column("reason", Words, comment="why it was partial, or why the document was taken for a suspect"),
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
    Column("whole", Boolean, nullable=False, server_default=true(), comment="the document arrived to its end"),
    Column("targets", Words, comment="JSON array of the target domains it was filtered by; NULL: not filtered"),
    Column("confirmed_at", BigInteger, comment="of a suspect: date of the visit that confirmed it"),
    UniqueConstraint("page_id", "at"),
    Index("visit_by_crawl", "crawl_id", "page_id"),
    Index("visit_by_confirmed", "confirmed_at", info={"where": "confirmed_at IS NOT NULL"}),
)

miss = Table(
    "miss",
    metadata,
    Column("page_id", ForeignKey("page.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False, comment="storage.codes.OUTCOMES"),
    Column("cause", SmallInteger, nullable=False, comment="storage.codes.LOST_CAUSES; 0: closes no link"),
    Column("moved_to", BigInteger, comment="url.id of where a permanent redirect ended"),
    Column("crawl_id", ForeignKey("crawl.id")),
    PrimaryKeyConstraint("page_id", "at"),
    Index("miss_by_moved", "moved_to", info={"where": "moved_to IS NOT NULL"}),
    comment="attempts that brought no document of this page: failures, refusals, redirects away",
)

record = Table(
    "record",
    metadata,
    Column("id", HashId, primary_key=True, autoincrement=False, comment="keyed hash of page id and data"),
    Column("data", LargeBinary, nullable=False, comment="every link and skipped href, zstd; empty once pruned"),
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
    Column("last_seen", BigInteger, comment="of a lost link; of a live one only where it is not its page's last_ok"),
    Column("gone_at", BigInteger, comment="NULL: live"),
    Column("lost_cause", SmallInteger, nullable=False, server_default="0"),
    Column("follow_cause", SmallInteger, nullable=False, comment="bits; 0: followed"),
    Column("rel", Words, nullable=False, comment="tokens joined by a space"),
    Column("placement", SmallInteger, nullable=False),
    Column("element", SmallInteger, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("position", Integer, nullable=False, comment="sorts as the document does; see storage.layout"),
    Column("began", SmallInteger, nullable=False, server_default="0", comment="storage.codes.BEGAN: why this version"),
    Column("seen_by", SmallInteger, nullable=False, server_default="0", comment="storage.codes.SEEN_BY"),
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
    Column("began", SmallInteger, nullable=False, server_default="0", comment="storage.codes.BEGAN"),
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
    Column("lost", Integer, nullable=False, comment="links whose latest version is lost, but those a re-reading lost"),
    Column("first_seen", BigInteger, comment="earliest of the live links"),
    Column("newest", BigInteger, comment="latest first_seen of the live links"),
    Column("own_seen", Integer, nullable=False, server_default="0", comment="live links with a last_seen of their own"),
    Column("own_oldest", BigInteger, comment="earliest of these"),
    Column("own_newest", BigInteger, comment="latest of these"),
    PrimaryKeyConstraint("target_domain", "source_domain", "source_id"),
    sqlite_with_rowid=False,
    comment="sums of link by source page and target domain, for counts over whole domains; kept by storage.edges",
)

# -- what others, and the graph itself, say of domains ---------------------------------------

authority_scale = Table(
    "authority_scale",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Words, nullable=False, comment="import: a user's figure; prior: web graph ranks; own: the ledger's"),
    Column("name", Words, nullable=False, comment="whose figure it is, as the user calls it"),
    Column("measure", Words, nullable=False, comment="the column it came from, such as Domain rating"),
    Column("dated", Words, nullable=False, comment="YYYY-MM-DD it stands for"),
    Column("made_at", BigInteger, nullable=False),
    Column("about", Words, nullable=False, comment="how it was made, a JSON object"),
    UniqueConstraint("kind", "name", "measure", "dated"),
    comment="figures of two scales are never compared; each making of the own score is a scale of its own",
)

authority = Table(
    "authority",
    metadata,
    Column("scale_id", ForeignKey("authority_scale.id"), nullable=False),
    Column("domain_id", ForeignKey("domain.id"), nullable=False),
    Column("value", Double, nullable=False, comment="the figure; of the own scale 0 to 100"),
    Column("place", BigInteger, comment="position in a ranking, 1 first"),
    Column("ratio", Double, comment="own: PageRank in units of the least; prior: the weight it teleports with"),
    Column("referring", Integer, comment="own: known referring domains"),
    Column("harmonic", Double, comment="harmonic centrality"),
    Column("trust", Double, comment="own: 0 to 100 from the named seeds; NULL without seeds"),
    PrimaryKeyConstraint("scale_id", "domain_id"),
    sqlite_with_rowid=False,
)
