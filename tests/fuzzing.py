"""Hostile input made at random, and the laws that hold of whatever it is made into.

Each ``check_`` function takes one case through one part of linkledger and asserts what must hold of any. They are run
for seconds by tests/test_fuzz.py and for as long as wanted by tests/fuzz_long.py.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from readings import RULES, link, page, reading

from cli.options import OutputFormat
from cli.render import Answer, Look, render
from crawler.bodies import UnknownEncoding, charset_of, is_binary, mime_type, sniff_html, unpack
from crawler.page import parse_page
from crawler.politeness import retry_after
from crawler.robots_rules import read_robots
from crawler.seeds import read_seeds
from crawler.suspects import suspicion
from crawler.urls import canonical_url
from storage import evidence
from storage.check import check
from storage.dump import dump
from storage.engine import Ledger, create_ledger
from storage.errors import BadList
from storage.frontier import add_rejected, add_seeds
from storage.lists import save_rows
from storage.records import (
    Anchor,
    AnchorParts,
    CanonicalUrl,
    Hop,
    Link,
    Reading,
    RejectedRow,
    Response,
    RobotsDirective,
    SeedRow,
    SkippedHref,
)
from storage.writer import write_readings

PAGE = canonical_url("https://www.shop.example/tools/page.html?a=b")
PAGES = Path(__file__).parent / "pages"

# -- texts ------------------------------------------------------------------------------------------

NASTY = (
    "\x00", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\r", "\n", "\t", "\x1b", "\x1b[2J", "\x1b]52;c;aGk=\x07",
    "\x1b]8;;https://bad.example\x1b\\click\x1b]8;;\x1b\\", "\x1e", "\x1f", "\x7f", "\x80", "\x85", "\x9b31m",
    "\x9d0;x\x9c", "\xad", "\u061c", "\u200b", "\u200d", "\u200e", "\u200f", "\u2028", "\u2029", "\u202e", "\u2066",
    "\u2069", "\ufeff", "\ufdd0", "\ufdef", "\ufffd", "\ufffe", "\uffff", "\U0001f600", "\U0001fffe", "\U0010ffff",
    "\U000e0041", "\ud800", "\udc00", "\ud83d", "\ude00", "\udfff", "=cmd|'/c calc'!A0", "+1", "-1", "@SUM(1)",
    "\uff1d1", "'=", "''", "[link=https://bad.example]x[/]", "[/]", "[bold]", "{}", "%s", "%00", "\\", "\\u0000",
    "\\ud800", "\\n", '"', "'", ",", ";", "<", ">", "&", "&#0;", "&#xD800;", "&#1114112;", "&amp;", "¶", "…", "~",
    "§", "ß", "ﬁ", "İ", "ſ", "ǰ", "͜͟ͅ", "ͅ", "é", "e\u0301", "漢字", "אב", "العربية", "ﷺ", " ", "  ", "\u00a0",
    "words", "Acme Tools", "NULL", "https://u:secret@a.example/", "😀",
)  # fmt: skip
"""Pieces of text that databases, terminals, spreadsheets, parsers or folding are known to stumble over."""


def text(random: Random, most: int = 6) -> str:
    """A short text of nasty pieces; now and then one of any code points at all."""
    if random.random() < 0.1:
        return "".join(chr(random.randrange(0x110000)) for _ in range(random.randrange(1, 8)))
    return "".join(random.choices(NASTY, k=random.randrange(most + 1)))


def long_text(random: Random, length: int) -> str:
    """A text that does not compress, so that no index takes it by luck."""
    return random.randbytes(length // 2 + 1).hex()[:length]


# -- documents --------------------------------------------------------------------------------------

_TAGS = (
    "a", "area", "svg", "math", "b", "i", "p", "div", "span", "img", "base", "meta", "link", "title", "h1", "h2",
    "nav", "header", "footer", "main", "article", "aside", "table", "tr", "td", "caption", "select", "option",
    "template", "noscript", "script", "style", "textarea", "xmp", "plaintext", "iframe", "frameset", "frame",
    "object", "details", "summary", "dialog", "ul", "li", "dl", "button", "label", "ruby", "rt", "foreignObject",
    "desc", "annotation-xml", "mi", "body", "html", "head", "form", "map", "font", "nobr", "input", "br", "hr", "wbr",
    "image", "x-y", "a:b", "center", "marquee", "address",
)  # fmt: skip
_ATTRIBUTES = (
    "href", "xlink:href", "rel", "class", "id", "style", "alt", "title", "aria-label", "aria-hidden", "hidden",
    "role", "name", "content", "http-equiv", "charset", "lang", "open", "type", "src", "target", "xmlns", "inert",
    "role",
)  # fmt: skip
_VALUES = (
    "", "/a", "b?c=d#e", "#", "?", "//h.example/x", "https://h.example/", "HTTP://u:p@H.example:80/../x",
    "http://[::1", "\\\\h", "javascript:alert(1)", "mailto:a@b.example", "data:text/html,x", "http:x", "https:////a",
    "http://0x7f.1/", "http://a b/", "nofollow", "nofollow,ugc sponsored", "NoFollow\u00a0me", "canonical", "robots",
    "googlebot", "noindex, nofollow", "none", "display:none", "visibility:hidden", "display:block;;", "footer",
    "nav menu", "true", "false", "navigation", "refresh", "0;url=/x", "text/html; charset=utf-16", "utf-8",
    "shift_jis", "gb18030", "iso-2022-jp", "x-user-defined", "en", "map",
)  # fmt: skip
LABELS = (
    None, "utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1252", "shift_jis", "euc-jp", "iso-2022-jp", "gb18030",
    "big5", "euc-kr", "koi8-r", "windows-1255", "iso-8859-16", "x-user-defined", "replacement", "hz-gb-2312", "utf-7",
    "rot13", "idna", "zlib", "undefined", "punycode", "base64", "", " ", "\x00", "utf-8\x00", "ütf", "a" * 300,
)  # fmt: skip


def _attribute(random: Random) -> str:
    name = random.choice(_ATTRIBUTES) if random.random() < 0.95 else text(random, 2)
    value = random.choice(_VALUES) if random.random() < 0.7 else text(random, 3)
    style = random.random()
    if style < 0.6:
        return f'{name}="{value}"'
    if style < 0.75:
        return f"{name}='{value}'"
    return f"{name}={value}" if style < 0.95 else name


def _markup(random: Random) -> Iterator[str]:
    open_tags: list[str] = []
    for _ in range(random.randrange(40)):
        kind = random.random()
        if kind < 0.5:
            tag = "a" if random.random() < 0.35 else random.choice(_TAGS)
            attributes = " ".join(_attribute(random) for _ in range(random.randrange(4)))
            yield f"<{tag} {attributes}{'/' if random.random() < 0.05 else ''}>"
            open_tags.append(tag)
        elif kind < 0.7 and open_tags:
            place = -1 if random.random() < 0.7 else random.randrange(len(open_tags))
            yield f"</{open_tags.pop(place)}>"
        elif kind < 0.75:
            yield random.choice(
                ("<!--", "-->", "<!doctype html>", "<![CDATA[", "]]>", "<?xml?>", "</", "<", "<a", "&#")
            )
        else:
            yield text(random)


def _spliced(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """The data with some bytes turned, cut, doubled or taken from elsewhere."""
    body = bytearray(data)
    for _ in range(random.randrange(6)):
        begin = random.randrange(len(body) + 1)
        end = min(len(body), begin + random.choice((1, 2, 8, 64, 512)))
        kind = random.randrange(5)
        if kind == 0:
            del body[begin:end]
        elif kind == 1:
            body[begin:begin] = body[begin:end] * random.choice((1, 2, 40))
        elif kind == 2:
            body[begin:end] = random.randbytes(end - begin)
        elif kind == 3:
            other = random.choice(others)
            at = random.randrange(len(other) + 1)
            body[begin:end] = other[at : at + random.choice((1, 16, 200))]
        else:
            body[begin:begin] = random.choice((b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b$B", b"<!--", b"</a>"))
    return bytes(body)


_SEEDS = [path.read_bytes() for path in sorted(PAGES.glob("*.html"))]


def document(random: Random) -> bytes:
    """A page: real markup turned over, markup made up, or plain bytes; in any encoding."""
    kind = random.random()
    if kind < 0.05:
        return random.randbytes(random.randrange(2000))
    if kind < 0.35:
        seed = random.choice(_SEEDS)
        begin = random.randrange(len(seed))
        return _spliced(random, seed[begin : begin + random.choice((200, 2000, 100_000))], _SEEDS)
    made = "".join(_markup(random))
    encoding = random.choice((*["utf-8"] * 4, "utf-16", "utf-16-be", "cp1252", "shift_jis", "gb18030", "utf-8-sig"))
    made_bytes = made.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    return _spliced(random, made_bytes, _SEEDS) if random.random() < 0.3 else made_bytes


def headers(random: Random) -> list[tuple[str, str]]:
    """Response headers as text of one byte a character, the deciding ones among them."""
    names = ("X-Robots-Tag", "Link", "Content-Language", "Content-Type", "Content-Encoding", "Server", "CF-Ray")
    values = (
        "noindex", "googlebot: nofollow, otherbot: none", "unavailable_after: 25 Jun 2099 15:00:00 PST",
        '</x>; rel="canonical"', "<https://u:p@h.example/>; rel=canonical", "<", "<>;rel",
        'text/html;charset="', "gzip, br", ":", ",,,;=",
    )  # fmt: skip
    return [
        (
            random.choice(names),
            random.choice(values)
            if random.random() < 0.6
            else text(random).encode("utf-8", "replace").decode("latin-1"),
        )
        for _ in range(random.randrange(4))
    ]


def check_page(body: bytes, charset: str | None, given: Sequence[tuple[str, str]]) -> None:
    """One document taken apart, judged, recorded and read back."""
    record = parse_page(body, url=PAGE, charset=charset, headers=given)
    places = [one.ordinal for one in (*record.links, *record.skipped)]
    assert sorted(places) == list(range(len(places))), "every <a href> is a link or is skipped, once"
    for target in {one.target for one in record.links}:
        assert canonical_url(target.url) == target, "a target is what its URL says"
        assert "@" not in target.url.partition("://")[2].partition("/")[0], "a target holds no user name or password"
    assert not any("\x00" in one.anchor.text for one in record.links)
    packer = evidence.Packer()
    read = evidence.decode(packer.pack(evidence.encode(record)), packer.pack_text(record.text))
    assert read._replace(text="") == record._replace(text=""), "the record gives the page back"
    assert record.text.encode("utf-8", "surrogatepass").startswith(read.text.encode("utf-8", "surrogatepass"))
    assert suspicion(record, headers=given, body=body) is None or record.url == PAGE


def page_case(random: Random) -> None:
    """A document before which a good link stands: that one is always found."""
    label = random.choice(LABELS)
    given = headers(random)
    body = document(random)
    check_page(body, label, given)
    planted = b'<a href="https://planted.example/here">good words</a>' + body
    found = parse_page(planted, url=PAGE, charset="utf-8", headers=given)
    assert found.links[0].target.url == "https://planted.example/here"
    if not body.startswith(b"</a>"):
        assert found.links[0].anchor == Anchor("good words", "text")


# -- headers, bodies, robots.txt --------------------------------------------------------------------

CODINGS = (
    "gzip",
    "deflate",
    "br",
    "zstd",
    "identity",
    "x-gzip",
    "",
    "compress",
    "gzip, gzip",
    "br,gzip,zstd,deflate,br",
)


def check_body(body: bytes, coding: str) -> None:
    """A body unpacked: never more than the limit, one error at most."""
    try:
        out, flaw = unpack(body, [coding], 10_000)
    except UnknownEncoding:
        return
    assert len(out) <= 10_000
    assert flaw in (None, "size", "cut", "corrupt")
    assert sniff_html(out) in (True, False)
    assert is_binary(out) in (True, False)


def check_header(value: str) -> None:
    """A header's value read in each of its meanings."""
    for read in (charset_of(value), mime_type(value)):
        assert read is None or isinstance(read, str)
    assert retry_after(value.encode("latin-1", "replace")) >= 0


def path_of(words: str) -> str:
    """The path of a URL that holds the words somehow."""
    return "/" + canonical_url("https://a.example/" + words).url.partition("://")[2].partition("/")[2]


def check_robots(body: bytes, path: str) -> None:
    """A robots.txt read and asked; what no rule of it speaks of is allowed."""
    rules = read_robots(body, "linkledger")
    verdict = rules.judge(path)
    assert verdict.allowed in (True, False)
    assert rules.judge("/robots.txt").allowed in (True, False)


def answer_case(random: Random) -> None:
    """Everything of an answer but its page."""
    body = document(random)
    packed = random.choice((gzip.compress, zlib.compress, bytes))(body)
    check_body(_spliced(random, packed, [body + b"x"]), random.choice(CODINGS))
    check_header(text(random).encode("utf-8", "replace").decode("latin-1"))
    value = random.choice(("Wed, 21 Oct 2099 07:28:00 GMT", "9" * random.randrange(1, 400), "text/html; charset=utf-8"))
    check_header(value[: random.randrange(500)])
    lines = []
    for _ in range(random.randrange(30)):
        name = random.choice(("User-agent", "Disallow", "Allow", "Crawl-delay", "Sitemap", text(random, 2)))
        value = random.choice(("*", "linkledger", "/", "/a*b*c$", "/%7e%zz", "", "1e9", "-1", "nan", text(random)))
        lines.append(f"{name}{random.choice((':', ' : ', ' ', ''))}{value}{random.choice(('', '#', ' # x'))}")
    made = random.choice(("\n", "\r", "\r\n")).join(lines).encode("utf-8", "surrogatepass")
    check_robots(_spliced(random, made, _SEEDS), path_of(text(random)))


# -- lists of pages ---------------------------------------------------------------------------------


def check_list(data: bytes) -> None:
    """A list read to its end: each row accepted or rejected, with its line and its reason."""
    try:
        reader = read_seeds(["-"], stdin=io.BytesIO(data))
        rows = list(reader)
    except BadList as error:
        if not str(error):
            raise AssertionError("a list is refused without a reason") from error
        return
    assert reader.rows_read == len(rows) == reader.accepted + reader.rejected
    numbers = [row.line for row in rows]
    assert numbers == sorted(set(numbers)), "every row has a line of its own"
    assert not numbers or numbers[0] >= 1
    for row in rows:
        if isinstance(row, SeedRow):
            assert canonical_url(row.url.url) == row.url
            assert row.operator
        else:
            assert row.reason


def _bad_row(random: Random, delimiter: str) -> str:
    cells = [
        text(random) if random.random() < 0.7 else random.choice(("ftp://x.example/", "http://[", "//u:p@h.example/"))
        for _ in range(random.randrange(4))
    ]
    if random.random() < 0.02:
        cells.append("x" * random.choice((10_000, 300_000)))
    row = delimiter.join(f'"{cell}"' if random.random() < 0.3 else cell for cell in cells)
    return row.replace("\n", " ").replace("\r", " ").encode("utf-8", "replace").decode()


def planted_list(random: Random) -> tuple[bytes, list[tuple[int, str]]]:
    """A list with good rows among bad ones, and the (line, URL) of the good ones."""
    delimiter = random.choice((",", "\t", ";", ""))
    lines = [delimiter.join(("url", "words"))] if delimiter else ["https://first.example.com/"]
    good = [] if delimiter else [(1, lines[0])]
    for number in range(random.randrange(2, 25)):
        if random.random() < 0.6:
            address = f"https://good{number}.example.com/p?q={number}"
            lines.append(f"{address}{delimiter}words" if delimiter else address)
            good.append((len(lines), address))
        else:
            lines.append(_bad_row(random, delimiter or " "))
    ending = random.choice(("\n", "\r\n"))
    body = ending.join(lines) + random.choice(("", ending))
    encoding = random.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"))
    data = body.encode(encoding)
    return gzip.compress(data) if random.random() < 0.1 else data, good


def list_case(random: Random) -> None:
    """A list of bytes, and a list in which every good row beside bad ones is found on its line."""
    data, good = planted_list(random)
    broken = _spliced(random, data, [*_SEEDS, codecs.BOM_UTF16_LE + b"h\0t\0", b'"\n"', b",,\t;;", b"\x1f\x8b\x08\0"])
    check_list(broken)
    if random.random() < 0.1:
        check_list(random.randbytes(random.randrange(400)))
    try:
        rows = list(read_seeds(["-"], column="url" if not good or good[0][0] > 1 else None, stdin=io.BytesIO(data)))
    except BadList as error:
        # A file of few rows, most of them rubbish, may not pass for text at all: then nothing of it is read.
        if good and "not text" not in str(error):
            raise
        return
    accepted = {(row.line, row.url.url) for row in rows if isinstance(row, SeedRow)}
    missing = [one for one in good if one not in accepted]
    assert not missing, f"{missing} of {data!r}"


# -- readings for the store -------------------------------------------------------------------------

_numbers = count(1)


def _hostile_url(random: Random) -> CanonicalUrl:
    """What no URL parser gives, but a store that is handed it must bear."""
    host = random.choice(("a.example", "h\x00st.example", "h" * 3000, "\ud800.example", text(random, 2), "x.co.uk"))
    path = text(random, 8) if random.random() < 0.98 else long_text(random, random.choice((3_000, 70_000, 1_000_000)))
    return CanonicalUrl(f"https://{host}/{path}", host, host, f"/{path}")


def _hostile_link(random: Random, ordinal: int) -> Link:
    words = text(random, 8) if random.random() < 0.98 else long_text(random, random.choice((3_000, 70_000, 1_200_000)))
    return link(
        "https://shop.example/",
        ordinal=ordinal,
        raw_href=text(random),
        fragment=random.choice((None, "", text(random))),
        anchor=Anchor(words, random.choice(("text", "img_alt", "title", "none"))),
        parts=AnchorParts(words, (text(random), text(random)), text(random), None, text(random)),
        rel=tuple(dict.fromkeys(text(random, 2) for _ in range(random.randrange(3)))),
        before=text(random),
        after=text(random),
        path=text(random),
        hidden=random.random() < 0.2,
    )._replace(target=_hostile_url(random))


def hostile_reading(random: Random, at: int) -> Reading:
    """A page whose every field holds what the two databases do not bear alike."""
    links = [_hostile_link(random, place) for place in range(random.randrange(6))]
    record = page(
        "https://x.example/",
        links,
        url=_hostile_url(random),
        base=text(random),
        title=random.choice((None, text(random), long_text(random, 5000))),
        h1=tuple(text(random) for _ in range(3)),
        canonical=random.choice((None, text(random))),
        robots=(RobotsDirective("meta_robots", text(random), text(random)),),
        lang=random.choice((None, text(random))),
        charset=text(random),
        skipped=(SkippedHref(len(links), text(random), "invalid_url"),),
        text=text(random, 40),
    )
    return Reading(
        requested=_hostile_url(random),
        outcome=random.choice(("fetched", "partial", "suspect")),
        at=at,
        reason=random.choice((None, text(random))),
        status=random.choice((None, -1, 0, 200, 999, 2**15, 2**31, 2**40, 2**63)),
        chain=tuple(Hop(_hostile_url(random), random.choice((301, 302, 2**40))) for _ in range(random.randrange(3))),
        final=record.url,
        response=Response(
            random.choice((200, 2**31)), text(random), random.choice((0, 2**31, 2**40)), text(random), text(random),
            text(random), ((text(random), text(random)),),
        ),
        page=record,
    )  # fmt: skip


def batch(random: Random) -> tuple[list[Reading], list[str]]:
    """Good readings among hostile ones, and the pages of the good ones."""
    readings, good = [], []
    for _ in range(random.randrange(1, 7)):
        number = next(_numbers)
        if random.random() < 0.5:
            address = f"https://good.example/{number}"
            readings.append(reading(address, [(f"https://shop.example/{number}", "good words")], 1000 + number))
            good.append(address)
        else:
            readings.append(hostile_reading(random, 1000 + number))
    return readings, good


class Stores:
    """Ledgers on several databases that are told the same, and must say the same."""

    def __init__(self, databases: Sequence[str]) -> None:
        self.databases = databases
        self.good: list[str] = []
        for database in databases:
            create_ledger(database, psl="test")
        self._open = [Ledger(database) for database in databases]
        for ledger in self._open:
            with ledger.begin() as conn:
                conn.exec_driver_sql(
                    "INSERT INTO crawl (id, plan, state, started_at) VALUES (1, '{}', 'running', 0)",
                    execution_options={"no_parameters": True},
                )

    def _seed(self, readings: Sequence[Reading]) -> None:
        """Make the URLs asked those of a crawl, from a list whose every cell may be as hostile as they are."""
        rows, rejected = [], []
        for one in readings:
            random = Random(one.at)
            rows.append(SeedRow(one.requested, one.requested.host, text(random), one.at, text(random),
                                {text(random): text(random) for _ in range(3)}))  # fmt: skip
            rejected.append(RejectedRow(text(random), one.at, text(random), text(random)))
        for ledger in self._open:
            with ledger.begin() as conn:
                save_rows(conn, "a list", rows, 5)
                add_seeds(conn, 1, rows)
                add_rejected(conn, 1, rejected)

    def tell(self, readings: Sequence[Reading], good: Sequence[str]) -> None:
        """Store one batch everywhere."""
        crawl = 1 if len(self.good) % 2 else None
        if crawl is not None:
            self._seed(readings)
        done = [write_readings(ledger, crawl, readings, rules_version=RULES) for ledger in self._open]
        assert len(set(done)) == 1
        assert done[0].readings == len(readings)
        self.good += good

    def agree(self) -> None:
        """Both say the same, every good page is there, and what they claim can be recomputed."""
        said = []
        for ledger in self._open:
            with ledger.connect() as conn:
                said.append(list(dump(conn)))
                assert [one for one in check(conn) if one.wrong] == []
                rows = conn.exec_driver_sql(
                    "SELECT s.url FROM link l JOIN url s ON s.id = l.source_id JOIN url t ON t.id = l.target_id"
                    " JOIN anchor a ON a.source_id = l.source_id AND a.target_id = l.target_id"
                    " AND a.link_no = l.link_no JOIN anchor_text w ON w.id = a.text_id"
                    " WHERE w.text = 'good words' AND t.url LIKE 'https://shop.example/%'",
                    execution_options={"no_parameters": True},
                )
                assert sorted(row[0] for row in rows) == sorted(self.good)
        for one, other in zip(said[0], said[-1], strict=True):
            assert one == other

    def close(self) -> None:
        for ledger in self._open:
            ledger.close()


@contextmanager
def stores(databases: Sequence[str]) -> Iterator[Stores]:
    """Fresh ledgers, compared when the block is over."""
    opened = Stores(databases)
    try:
        yield opened
        opened.agree()
    finally:
        opened.close()


# -- answers ----------------------------------------------------------------------------------------

STEERING = frozenset(
    chr(code)
    for first, last in ((0, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x200E, 0x200F), (0x2028, 0x202E), (0x2066, 0x2069))
    for code in range(first, last + 1)
)
"""What a terminal obeys, or what makes a reader see another text than is there."""


def output_case(random: Random) -> None:
    """Stored texts shown in every format: nothing in them steers what shows them."""
    rows: list[dict[str, Any]] = [
        {"anchor": text(random), "source": text(random), "links": random.choice((1, -5, 2**63, None, [text(random)]))}
        for _ in range(random.randrange(4))
    ]
    look = Look(random.choice((40, 80)), terminal=random.random() < 0.5, unicode=random.random() < 0.7)
    for output in OutputFormat:
        head, heading, notes = {"target": text(random)}, text(random), (text(random),)
        answer = Answer("rows", rows, ("anchor", "source", "links"), head, heading, notes)
        written = "".join(render([answer], output, look=look, raw_cells=random.random() < 0.5))
        if output is OutputFormat.csv and not look.terminal:
            continue  # for programs: the cells as they are
        left = STEERING & set(written) - {"\n"} - ({"\t"} if output is OutputFormat.tsv else set())
        assert not left, (output, left)
        if output is OutputFormat.json:
            said = json.loads(written)["rows"]
            assert json.dumps(said) == json.dumps(json.loads(json.dumps(rows)))


CASES: dict[str, Callable[[Random], None]] = {
    "page": page_case,
    "answer": answer_case,
    "list": list_case,
    "output": output_case,
}
"""Targets that need no database."""
