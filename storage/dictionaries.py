"""Texts become ids: URLs and anchor words by keyed hash, hosts and domains by small numbers.

A keyed hash needs no look-up before a row is written, and pages written by strangers cannot
aim at a collision without the key, which each ledger makes for itself. Every text is kept beside its id
and compared when the id is met again, so two texts under one id are an error and never a merge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from storage.dialect import Dialect, dialect_of
from storage.errors import HashCollision
from storage.records import CanonicalUrl
from storage.text import clean, fold, short_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

V = TypeVar("V")

KNOWN_TEXTS = 16_384
"""Ids remembered a generation; two generations are kept. Bounds the memory of a long crawl."""
LONGEST_KNOWN = 1_024
"""Longer texts are not remembered: a few of 1 MB would undo the bound."""


class UrlRow(NamedTuple):
    """What the fact tables need to know of a URL."""

    id: int
    host_id: int
    domain_id: int


class AnchorRow(NamedTuple):
    """What the anchor table needs to know of some words."""

    text_id: int
    fold_id: int


class Memory(Generic[V]):
    """A bounded map that forgets what was not asked for lately: two generations, the older one dropped."""

    __slots__ = ("_limit", "_old", "_young")

    def __init__(self, limit: int = KNOWN_TEXTS) -> None:
        self._young: dict[str, V] = {}
        self._old: dict[str, V] = {}
        self._limit = limit

    def get(self, text: str) -> V | None:
        found = self._young.get(text)
        if found is None:
            found = self._old.get(text)
            if found is not None:
                self._keep(text, found)
        return found

    def absorb(self, fresh: dict[str, V]) -> None:
        young, limit = self._young, self._limit
        for text, value in fresh.items():
            if len(text) <= LONGEST_KNOWN:
                if len(young) >= limit:
                    self._old, self._young = young, {}
                    young = self._young
                young[text] = value

    def look(self, texts: Iterable[str]) -> tuple[dict[str, V], list[str]]:
        """Those that are known, and the others."""
        known: dict[str, V] = {}
        others: list[str] = []
        young, old = self._young.get, self._old.get
        for text in texts:
            value = young(text)
            if value is None:
                value = old(text)
                if value is None:
                    others.append(text)
                    continue
                self._keep(text, value)
                young, old = self._young.get, self._old.get
            known[text] = value
        return known, others

    def _keep(self, text: str, value: V) -> None:
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, {}
        self._young[text] = value


class Fresh:
    """Ids met in the running transaction: true for it alone until it has committed."""

    __slots__ = ("anchors", "hosts", "urls")

    def __init__(self) -> None:
        self.urls: dict[str, UrlRow] = {}
        self.hosts: dict[str, tuple[int, int]] = {}
        self.anchors: dict[str, AnchorRow] = {}

    @property
    def full(self) -> bool:
        """One transaction may load a list of a million rows: what it met first is then looked up again."""
        return len(self.urls) + len(self.hosts) + len(self.anchors) > 4 * KNOWN_TEXTS


class Known:
    """Ids that are surely committed: one for each open ledger."""

    __slots__ = ("anchors", "hosts", "urls")

    def __init__(self) -> None:
        self.urls: Memory[UrlRow] = Memory()
        self.hosts: Memory[tuple[int, int]] = Memory()
        self.anchors: Memory[AnchorRow] = Memory()

    def absorb(self, fresh: Fresh) -> None:
        """Take over the ids of a transaction that has just been committed."""
        self.urls.absorb(fresh.urls)
        self.hosts.absorb(fresh.hosts)
        self.anchors.absorb(fresh.anchors)


class Texts(NamedTuple):
    """The dictionaries as one connection sees them."""

    key: bytes
    dialect: Dialect
    known: Known
    fresh: Fresh


def texts_of(conn: Connection) -> Texts:
    """The dictionaries of an open connection.

    A connection of `storage.engine.Ledger` shares what its ledger knows; any other reads the
    key and remembers nothing beyond its transaction.
    """
    ledger = conn.get_execution_options().get("ledger")
    fresh = conn.info.get("fresh")
    if fresh is None or fresh.full:
        fresh = conn.info["fresh"] = Fresh()
    if ledger is not None:
        return Texts(ledger.key, ledger.dialect, ledger.known, fresh)
    stored = conn.exec_driver_sql("SELECT value FROM meta WHERE key = 'hash_key'").scalar_one()
    return Texts(bytes.fromhex(stored), dialect_of(conn), Known(), Fresh())


def hash_id(key: bytes, text: str) -> int:
    """The 64-bit id of a text in the ledger with this key, as the signed number both databases hold."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=key).digest(), "little", signed=True)


def hash_bytes(key: bytes, data: bytes) -> int:
    """The same for bytes."""
    return int.from_bytes(blake2b(data, digest_size=8, key=key).digest(), "little", signed=True)


def ensure_urls(conn: Connection, urls: Iterable[CanonicalUrl]) -> dict[str, int]:
    """Store each URL that is not there yet; return the id of every one, by its text as given.

    Safe beside other writers; texts of any length.

    Raises:
        HashCollision: two URLs share an id. Roll the transaction back.
    """
    return {text: row.id for text, row in url_rows(texts_of(conn), conn, urls).items()}


def url_rows(texts: Texts, conn: Connection, urls: Iterable[CanonicalUrl]) -> dict[str, UrlRow]:
    """As `ensure_urls`, with host and domain."""
    fresh = texts.fresh.urls
    _bound(fresh)
    wanted = {url.url: url for url in urls}
    found, others = texts.known.urls.look(wanted)
    missing: dict[str, CanonicalUrl] = {}
    for text in others:
        row = fresh.get(text)
        if row is None:
            missing[text] = wanted[text]
        else:
            found[text] = row
    if not missing:
        return found
    hosts = _host_rows(texts, conn, missing.values())
    hashed = _hasher(texts.key)
    rows: list[tuple[int, str, int, int]] = []
    for text, url in missing.items():
        stored = clean(text)
        id_ = hashed(stored)
        host_id, domain_id = hosts[url.host]
        rows.append((id_, stored, host_id, hashed(clean(url.path_key))))
        found[text] = fresh[text] = UrlRow(id_, host_id, domain_id)
    rows = _one_text_an_id("url", rows)
    if not texts.dialect.insert_texts(conn, "url", ("id", "url", "host_id", "path_key"), rows):
        raise HashCollision("url", "one of this batch and one stored before")
    return found


def anchor_rows(texts: Texts, conn: Connection, words: Iterable[str]) -> dict[str, AnchorRow]:
    """Store each anchor text that is not there yet, with its fold; return the ids of every one."""
    fresh = texts.fresh.anchors
    hashed = _hasher(texts.key)
    rows: list[tuple[int, str, int, str]] = []
    found, others = texts.known.anchors.look(set(words))
    for text in others:
        row = fresh.get(text)
        if row is None:
            stored = clean(text)
            folded = fold(stored)
            text_id = hashed(stored)
            row = AnchorRow(text_id, text_id if folded == stored else hashed(folded))
            rows.append((text_id, stored, row.fold_id, folded))
            fresh[text] = row
        found[text] = row
    if rows and not texts.dialect.insert_texts(
        conn, "anchor_text", ("id", "text", "fold_id", "fold"), _one_text_an_id("anchor_text", rows)
    ):
        raise HashCollision("anchor_text", "one of this batch and one stored before")
    return found


R = TypeVar("R", bound=tuple[Any, ...])


def _one_text_an_id(table: str, rows: list[R]) -> list[R]:
    """New dictionary rows sorted by id, each once: texts that are equal when cleaned come twice.

    Raises:
        HashCollision: an id with two texts.
    """
    rows.sort()
    if len({row[0] for row in rows}) == len(rows):
        return rows
    once = dict.fromkeys(rows)
    for one, two in pairwise(once):
        if one[0] == two[0] and one[1] != two[1]:
            raise HashCollision(table, f"{one[1][:200]!r} and {two[1][:200]!r}")
    return list({row[0]: row for row in once}.values())


def find_url_ids(conn: Connection, texts: Iterable[str]) -> dict[str, int]:
    """The ids of those of the URLs that the ledger knows; nothing is stored."""
    key = texts_of(conn).key
    wanted = {hash_id(key, clean(text)): text for text in texts}
    rows = dialect_of(conn).fetch_keyed(conn, "SELECT id, url FROM url WHERE id {ids}", wanted)
    return {wanted[row.id]: row.id for row in rows if row.url == clean(wanted[row.id])}


def _host_rows(texts: Texts, conn: Connection, urls: Iterable[CanonicalUrl]) -> dict[str, tuple[int, int]]:
    """Ids of host and domain for the host of each URL; a host keeps the domain it was first stored with."""
    known, fresh = texts.known.hosts, texts.fresh.hosts
    _bound(fresh)
    found: dict[str, tuple[int, int]] = {}
    missing: dict[str, str] = {}
    for url in urls:
        row = fresh.get(url.host) or known.get(url.host)
        if row is None:
            missing[url.host] = url.domain
        else:
            found[url.host] = row
    if missing:
        stored = {host: short_name(host) for host in missing}
        ids = _stored_hosts(texts.dialect, conn, set(stored.values()))
        new = {name: short_name(missing[host]) for host, name in stored.items() if name not in ids}
        if new:
            domains = _numbered(texts.dialect, conn, "domain", {name: (name,) for name in new.values()}, ("name",))
            rows = {name: (name, domains[of]) for name, of in new.items()}
            _numbered(texts.dialect, conn, "host", rows, ("name", "domain_id"))
            # Read back, not assumed: another writer may have stored the host first, with its own domain.
            ids.update(_stored_hosts(texts.dialect, conn, set(new)))
        for host, name in stored.items():
            found[host] = fresh[host] = ids[name]
    return found


def _stored_hosts(dialect: Dialect, conn: Connection, names: set[str]) -> dict[str, tuple[int, int]]:
    rows = dialect.fetch_named(conn, "SELECT name, id, domain_id FROM host WHERE name {names}", names)
    return {row.name: (row.id, row.domain_id) for row in rows}


def _numbered(
    dialect: Dialect, conn: Connection, table: str, rows: dict[str, tuple[Any, ...]], columns: tuple[str, ...]
) -> dict[str, int]:
    """Number the names that have no number yet, in sorted order; return the number of each."""
    question = f"SELECT name, id FROM {table} WHERE name {{names}}"
    ids: dict[str, int] = {row.name: row.id for row in dialect.fetch_named(conn, question, rows)}
    missing = sorted(name for name in rows if name not in ids)
    if missing:
        dialect.insert(conn, table, columns, [rows[name] for name in missing], conflict="nothing")
        ids.update((row.name, row.id) for row in dialect.fetch_named(conn, question, missing))
    return ids


def _bound(fresh: dict[str, Any]) -> None:
    """Forget what one transaction has stored so far: a list of a million pages is stored in one of them."""
    if len(fresh) > 2 * KNOWN_TEXTS:
        fresh.clear()


def _hasher(key: bytes) -> Callable[[str], int]:
    """`hash_id` with its key taken in once; a copy of a keyed state is cheaper than keying anew."""
    keyed = blake2b(digest_size=8, key=key)
    from_bytes = int.from_bytes

    def hashed(text: str) -> int:
        state = keyed.copy()
        state.update(text.encode())
        return from_bytes(state.digest(), "little", signed=True)

    return hashed
