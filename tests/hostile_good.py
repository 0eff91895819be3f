"""The good pages of a hostile server: every link and anchor of them is known, and some anchors bite.

Nothing of the crawler is used to say what is expected: the table holds both what stands in the document and what the
ledger must say.
"""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """One link of a good page as the ledger must have it."""

    target: str
    anchor: str
    anchor_source: str
    rel: tuple[str, ...] = ()


ESC, BEL, NUL, UNKNOWN = "\x1b", "\x07", "\x00", "\ufffd"

ANCHORS: list[tuple[str, str, str, str]] = [  # id, inside the <a>, source, text
    ("plain", "Acme <b>Tools</b>", "text", "Acme Tools"),
    ("escape_sequence", f"{ESC}[31mred{ESC}[0m", "text", f"{ESC}[31mred{ESC}[0m"),
    ("clipboard", f"{ESC}]52;c;aGVsbG8={BEL}copy", "text", f"{ESC}]52;c;aGVsbG8={BEL}copy"),
    ("terminal_link", f"{ESC}]8;;http://evil.example/{BEL}x{ESC}]8;;{BEL}", "text",
     f"{ESC}]8;;http://evil.example/{BEL}x{ESC}]8;;{BEL}"),
    ("c1_control", "\x9b31mred", "text", "\x9b31mred"),
    ("direction_override", "\u202egnp.exe\u202c", "text", "\u202egnp.exe\u202c"),
    ("nul_byte", f"a{NUL}b", "text", "ab"),
    ("nul_reference", "a&#0;b", "text", f"a{UNKNOWN}b"),
    ("surrogate_reference", "a&#xD800;b&#xDFFF;", "text", f"a{UNKNOWN}b{UNKNOWN}"),
    ("formula", "=cmd|' /C calc'!A0", "text", "=cmd|' /C calc'!A0"),
    ("formula_plus", "+1+cmd", "text", "+1+cmd"),
    ("formula_at", "@SUM(1)", "text", "@SUM(1)"),
    ("formula_full_width", "＝1+1", "text", "＝1+1"),
    ("markup", "[link=file:///etc/passwd]here[/link]", "text", "[link=file:///etc/passwd]here[/link]"),
    ("broken_markup", "[/] [bold", "text", "[/] [bold"),
    ("line_separators", "a\u2028b\u2029c", "text", "a\u2028b\u2029c"),
    ("line_ends", "a\r\nb\rc", "text", "a b c"),
    ("script", "&lt;script&gt;alert(1)&lt;/script&gt;", "text", "<script>alert(1)</script>"),
    ("statement", "'); DROP TABLE link; --", "text", "'); DROP TABLE link; --"),
    ("shell", "$(rm -rf /) `id`", "text", "$(rm -rf /) `id`"),
    ("format", "%s %n {0} {x}", "text", "%s %n {0} {x}"),
    ("long", "word " * 2000, "text", ("word " * 2000).strip()),
    ("astral", "😀 𝒜", "text", "😀 𝒜"),
    ("image", f'<img src=x alt="{ESC}[2Jshot">', "img_alt", f"{ESC}[2Jshot"),
    ("nul_in_image", f'<img src=x alt="a{NUL}b">', "img_alt", f"a{UNKNOWN}b"),
    ("nothing", "<i></i>", "none", ""),
]  # fmt: skip

LONG_PATH = "".join(f"{n * 7919 % 1_000_003:x}" for n in range(1800))
"""Thousands of characters that no database can pack: longer than an entry of an index may be."""

TARGETS: list[tuple[str, str]] = [  # href, target
    ("http://target.example/a?b=1&amp;c=2#part", "http://target.example/a?b=1&c=2"),
    ("http://target.example/%00%1b[31m", "http://target.example/%00%1b[31m"),
    (f"http://target.example/{ESC}]52;x", "http://target.example/%1B]52;x"),
    (f"http://target.example/{LONG_PATH}", f"http://target.example/{LONG_PATH}"),
    ("http://bücher.example/ü?ü", "http://xn--bcher-kva.example/%C3%BC?%C3%BC"),
    ("//target.example/'\"&lt;", "http://target.example/'%22%3C"),
    ("http://127.99.0.1/", "http://127.99.0.1/"),
    ("http://0x7f.0x63.1/", "http://127.99.0.1/"),
    ("/\u202egnp", "/%E2%80%AEgnp"),
    ("x&#xD800;y", "/x%EF%BF%BDy"),
]
"""Hrefs and where they lead; those that begin with ``/`` on the page's own host."""

HOSTS = 6
PAGES = 10
"""Good pages of each good host; the list names the first, the others are found by links."""


def good_url(origin: str, number: int) -> str:
    return f"{origin}/good/{number}"


def known_links(origin: str, number: int) -> list[Known]:
    """The links of one good page, in document order.

    Each page has each anchor once, so that all of them stand on every host, beside every fault.
    """
    found = []
    for place, (_, _, source, text) in enumerate(ANCHORS):
        target = TARGETS[(place + number) % len(TARGETS)][1]
        rel = ("nofollow", "ugc") if place % 5 == 2 else ("nofollow",) if target.startswith("/") else ()
        found.append(Known(f"{origin}{target}" if target.startswith("/") else target, text, source, rel))
    return found + [Known(good_url(origin, n), f"Page {n}", "text") for n in _next(number)]


def good_page(origin: str, number: int) -> bytes:
    """The document of that."""
    rows = []
    for place, (_, inner, _, _) in enumerate(ANCHORS):
        href, target = TARGETS[(place + number) % len(TARGETS)]
        rel = ' rel="nofollow ugc"' if place % 5 == 2 else " rel=nofollow" if target.startswith("/") else ""
        quoted = href.replace('"', "&quot;")
        rows.append(f'<li><a href="{"/" + href if href.startswith("x") else quoted}"{rel}>{inner}</a></li>')
    rows += [f'<li><a href="{good_url(origin, n)}">Page {n}</a></li>' for n in _next(number)]
    title = f"Good page {number}"
    text = f"<!doctype html><html><head><title>{title}</title></head><body><main><h1>{title}</h1><ul>\n"
    return (text + "\n".join(rows) + "\n</ul></main></body></html>").encode()


def _next(number: int) -> list[int]:
    """Page 0 leads to half of the pages, each of them to one more."""
    half = PAGES // 2
    if number == 0:
        return list(range(1, half + 1))
    return [number + half] if 0 < number <= half and number + half < PAGES else []
