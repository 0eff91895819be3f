"""Profiles as files: what they hold, every fault by name, and drafts that are good profiles themselves."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from audit.profile import Profile, Section, Thresholds
from audit.profile_draft import Known, KnownPage, draft, quoted, written_as
from audit.profile_file import LONGEST, BadProfile, Fault, examine, load, parse

HEAD = 'profile = 1\ntarget = "example.com"\nbrands = ["Example"]\n'
FULL = """profile = 1
target = "example.com"
brands = ["Example", "Example Ltd"]
keywords = ["shoes", "running  shoes"]
page_type = "category"
title = "Example: shoes"
languages = ["en", "de"]
competitors = ["rival.com", "https://other.org/shoes"]
hosts = ["shop.example.net"]
generic = ["zum Schuh"]

[[page]]
url = "https://www.example.com/run"
keywords = [
    "trail shoes", # one a line
    "shoes",
]
type = "product"
title = "Run"
h1 = "Run!"
languages = ["de"]

[[page]]
url = "https://shop.example.net/"

[thresholds]
exact_warn = 0.4
least_domains = 5
"""


def test_a_whole_profile() -> None:
    found = parse(FULL, "p.toml")
    assert found == Profile(
        target="example.com",
        brands=("Example", "Example Ltd"),
        whole=Section(None, ("shoes", "running shoes"), "category", "Example: shoes"),
        pages=(
            Section("https://www.example.com/run", ("trail shoes", "shoes"), "product", "Run", "Run!", ("de",)),
            Section("https://shop.example.net/", ()),
        ),
        languages=("en", "de"),
        competitors=("rival.com", "https://other.org/shoes"),
        hosts=("shop.example.net",),
        generic=("zum Schuh",),
        thresholds=Thresholds(exact_warn=0.4, least_domains=5),
        digest=sha256(FULL.encode()).hexdigest()[:12],
        path="p.toml",
    )


FAULTS = [  # id, text, [(line, key, part of what is said)]
    ("no_toml", HEAD + "keywords = [\n", [(4, "", "no TOML")]),
    ("empty", "", [(1, "profile", "profile = 1"), (1, "target", "no target"), (1, "brands", "no brands")]),
    ("no_format", HEAD.replace("profile = 1\n", ""), [(1, "profile", "must be `profile = 1`")]),
    ("other_format", HEAD.replace("= 1", "= 2"), [(1, "profile", "profile = 2 is no format")]),
    ("true_is_no_format", HEAD.replace("= 1", "= true"), [(1, "profile", "profile = True is no format")]),
    ("unknown_key", HEAD + 'keyword = ["a"]\n', [(4, "keyword", "unknown setting 'keyword'; is keywords meant?")]),
    ("unknown_far", HEAD + "colour = 1\n", [(4, "colour", "known: profile, drafted, target")]),
    ("no_list", HEAD + 'keywords = "a, b"\n', [(4, "keywords", "must be a list of texts")]),
    ("no_text_in_list", HEAD + 'keywords = ["a", 3]\n', [(4, "keywords", "holds 3, which is no text")]),
    ("blank_text", HEAD + 'generic = [" "]\n', [(4, "generic", "holds ' ', which is no text")]),
    ("keyword_twice", HEAD + 'keywords = [\n  "Red Shoes",\n  "red  shoes",\n]\n',
     [(6, "keywords", "'red  shoes' is given twice")]),
    ("keyword_twice_alike", HEAD + 'keywords = [\n  "shoes",\n  "hats", "shoes",\n]\n',
     [(6, "keywords", "'shoes' is given twice")]),
    ("page_keyword_twice", HEAD + '[[page]]\nurl = "https://example.com/"\nkeywords = ["a", "A"]\n',
     [(6, "page[1].keywords", "'A' is given twice")]),
    ("brand_twice", 'profile = 1\ntarget = "example.com"\nbrands = ["A", "a"]\n', [(3, "brands", "given twice")]),
    ("target_no_text", HEAD.replace('"example.com"', "5"), [(2, "target", "must be a text")]),
    ("target_no_site", HEAD.replace("example.com", "no site"), [(2, "target", "is no domain, host or URL")]),
    ("target_suffix", HEAD.replace("example.com", "co.uk"), [(2, "target", "is a public suffix")]),
    ("target_port", HEAD.replace("example.com", "example.com:8080"), [(2, "target", "has a port")]),
    ("page_type", HEAD + 'page_type = "shop"\n', [(4, "page_type", "is none of home, product, category")]),
    ("type_of_page", HEAD + '[[page]]\nurl = "https://example.com/"\ntype = 3\n', [(6, "page[1].type", "3 is none")]),
    ("key_of_page", HEAD + '[[page]]\nurl = "https://example.com/"\npage_type = "home"\n',
     [(6, "page[1].page_type", "unknown key of a page 'page_type'; is type meant?")]),
    ("page_table", HEAD + "[page]\nurl = 1\n", [(4, "page", "must be written as [[page]]")]),
    ("page_without_url", HEAD + '[[page]]\ntitle = "x"\n', [(4, "page[1].url", "without url")]),
    ("page_no_url", HEAD + '[[page]]\nurl = "/shoes"\n', [(5, "page[1].url", "is no whole URL")]),
    ("page_elsewhere", HEAD + '[[page]]\nurl = "https://example.org/"\n',
     [(5, "page[1].url", "is on example.org, not on example.com; own hosts are named in `hosts`")]),
    ("page_twice", HEAD + '[[page]]\nurl = "https://example.com"\n[[page]]\nurl = "https://EXAMPLE.com/"\n',
     [(7, "page[2].url", "has a [[page]] already (number 1)")]),
    ("page_twice_folded",
     HEAD + '[[page]]\nurl = "https://example.com/a?utm_source=x"\n[[page]]\nurl = "http://www.example.com/a/"\n',
     [(7, "page[2].url", "has a [[page]] already (number 1)")]),
    ("language", HEAD + 'languages = ["de", "en-GB"]\n', [(4, "languages", "'en-GB' is no two-letter code")]),
    ("language_word", HEAD + 'languages = ["german"]\n', [(4, "languages", "ISO 639-1) such as en")]),
    ("competitor", HEAD + 'competitors = ["rival"," com "]\n', [(4, "competitors", "'com' is no domain")]),
    ("competitor_itself", HEAD + 'competitors = ["Example.com"]\n', [(4, "competitors", "is the target itself")]),
    ("host_url", HEAD + 'hosts = ["https://shop.net/"]\n', [(4, "hosts", "is no name of a host")]),
    ("drafted", HEAD + 'drafted = "yes"\n', [(4, "drafted", "must be true or false")]),
    ("title", HEAD + "title = 5\n", [(4, "title", "title must be a text, not 5")]),
    ("thresholds_no_table", HEAD + "thresholds = 5\n", [(4, "thresholds", "must be a table")]),
    ("threshold_unknown", HEAD + "[thresholds]\nexact_warning = 1\n",
     [(5, "thresholds.exact_warning", "unknown threshold 'exact_warning'; is exact_warn meant?")]),
    ("threshold_text", HEAD + '[thresholds]\nexact_warn = "1"\n', [(5, "thresholds.exact_warn", "must be a number")]),
    ("threshold_percent", HEAD + "[thresholds]\nexact_warn = 40\n", [(5, "thresholds.exact_warn", "40 % is 0.4")]),
    ("threshold_nan", HEAD + "[thresholds]\nexact_warn = nan\n", [(5, "thresholds.exact_warn", "must be a number")]),
    ("threshold_true", HEAD + "[thresholds]\ncrawl_share = true\n", [(5, "thresholds.crawl_share", "not True")]),
    ("threshold_count", HEAD + "[thresholds]\nleast_domains = 0\n", [(5, "thresholds.least_domains", "from 1")]),
    ("threshold_count_part", HEAD + "[thresholds]\nsitewide_pages = 1.5\n",
     [(5, "thresholds.sitewide_pages", "whole number")]),
    ("threshold_rival", HEAD + "[thresholds]\nrival_warn = 0.5\n", [(5, "thresholds.rival_warn", "1 or more")]),
    ("threshold_order", HEAD + "[thresholds]\nexact_notice = 0.5\n",
     [(5, "thresholds.exact_notice", "exact_notice is 0.5, above exact_warn, which is 0.3")]),
    ("threshold_order_high", HEAD + "[thresholds]\nrelevance_high = 0.05\n",
     [(5, "thresholds.relevance_high", "relevance_some is 0.1, above relevance_high")]),
    ("several", HEAD + 'page_type = "x"\nhosts = 1\n', [(4, "page_type", "none of"), (5, "hosts", "must be a list")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), [pytest.param(*row[1:], id=row[0]) for row in FAULTS])
def test_faults_are_named(text: str, wanted: list[tuple[int, str, str]]) -> None:
    found, faults = examine(text, "p.toml")
    assert found is None
    assert [(one.line, one.key) for one in faults] == [(line, key) for line, key, _ in wanted], faults
    for one, (_, _, said) in zip(faults, wanted, strict=True):
        assert said in one.said
    with pytest.raises(BadProfile) as error:
        parse(text, "p.toml")
    assert error.value.faults == faults
    assert str(error.value).startswith(f"p.toml, line {faults[0].line}: {faults[0].said}")
    assert ("more; `linkledger profile check`" in str(error.value)) == (len(faults) > 1)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    for data, line, said in (
        (None, None, "cannot be read"),
        (HEAD.encode() + b'keywords = ["\xe9"]', 4, "not UTF-8"),
        (b"#" * (LONGEST + 1), None, "more than 1,000,000 bytes"),
    ):
        if data is not None:
            file.write_bytes(data)
        with pytest.raises(BadProfile, match=said) as error:
            load(file)
        assert [one.line for one in error.value.faults] == [line]


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    for data in (HEAD.encode(), b"\xef\xbb\xbf" + HEAD.encode(), HEAD.replace("\n", "\r\n").encode()):
        file.write_bytes(data)
        assert load(file).digest == sha256(data).hexdigest()[:12]


def test_long_values_are_cut_in_messages() -> None:
    (fault,) = examine(HEAD + f'page_type = "{"x" * 5000}"\n')[1]
    assert (len(fault.value), len(fault.said) <= 400) == (200, True)


SPELLINGS = [  # id, name of the host, texts, as written
    ("as_it_is", "wordpress", ["Blog Tool – WordPress.org"], "WordPress"),
    ("two_words", "acmetools", ["Acme Tools: shop", "acmetools"], "Acme Tools"),
    ("hyphen", "acme-tools", ["Buy at Acme Tools"], "Acme Tools"),
    ("most_used", "acme", ["ACME", "Acme 1", "Acme 2"], "Acme"),
    ("marks", "cafe", ["Café | home"], "Café"),
    ("no_part_of_a_word", "art", ["Start here"], None),
    ("nowhere", "acme", ["Welcome"], None),
]


@pytest.mark.parametrize(("stem", "texts", "written"), [pytest.param(*row[1:], id=row[0]) for row in SPELLINGS])
def test_names_as_titles_write_them(stem: str, texts: list[str], written: str | None) -> None:
    assert written_as(stem, texts) == written


KNOWN = Known(
    home=KnownPage("https://acmetools.com/", "Acme Tools | Hand drills", "Good\ndrills", "en-GB"),
    pages=(KnownPage("https://acmetools.com/saws", "Saws", None, "en", domains=1200),),
    anchors=(("Acme Tools", 40), ("Acme Tools Ltd", 12), ("drills", 9), ("acmetools.com", 8)),
)


def test_a_draft_marks_its_guesses() -> None:
    text = draft("acmetools.com", "acmetools.com", KNOWN, competitors=["rival.com", "rival.com"])
    found = parse(text)
    assert found.drafted
    assert (found.target, found.brands, found.languages) == ("acmetools.com", ("Acme Tools",), ("en",))
    assert (found.competitors, found.whole.keywords, found.pages) == (("rival.com",), (), ())
    assert (found.whole.title, found.whole.h1) == ("Acme Tools | Hand drills", "Good drills")
    lines = text.split("\n")
    assert lines[lines.index('brands = ["Acme Tools"]') - 1].startswith("# guess: ")
    assert '#   "Acme Tools Ltd" (12)' in lines
    assert '#   "Hand drills"' in lines
    assert '# url = "https://acmetools.com/saws"  # 1,200 referring domains' in lines


def test_a_draft_without_a_ledger() -> None:
    found = parse(draft("https://example.co.uk/shop", "example.co.uk"))
    assert (found.target, found.brands, found.drafted) == ("https://example.co.uk/shop", ("example",), True)


def uncommented(text: str) -> str:
    """The draft with its proposals taken over: what a user does by hand."""
    return re.sub(r"(?m)^# (\[|url =|keywords =|type =|title =|h1 =|\w+ = [\d.]+$)", r"\1", text)


def test_the_proposals_of_a_draft_hold() -> None:
    """Every threshold stands in a draft with its default, and the pages proposed are good ones."""
    text = uncommented(draft("acmetools.com", "acmetools.com", KNOWN))
    assert set(tomllib.loads(text)["thresholds"]) == {one.name for one in fields(Thresholds)}
    found = parse(text)
    assert found.thresholds == Thresholds()
    assert [page.url for page in found.pages] == ["https://acmetools.com/saws"]


words = st.text(max_size=30)


@settings(max_examples=examples(40), deadline=None)
@given(words, words, st.lists(st.tuples(words, st.integers(0, 10**9)), max_size=4), words)
def test_whatever_pages_say_a_draft_is_a_profile(
    title: str, h1: str, anchors: list[tuple[str, int]], lang: str
) -> None:
    """Titles, headings and anchors are strangers' texts."""
    title, h1, lang = (text.encode("utf-8", "replace").decode() for text in (title, h1, lang))
    seen = tuple((text.encode("utf-8", "replace").decode(), number) for text, number in anchors)
    pages = (KnownPage("https://acme.com/" + "\u202e", title, h1, lang, 3),)
    text = draft("acme.com", "acme.com", Known(KnownPage("https://acme.com/", title, h1, lang), pages, seen))
    found = parse(text)
    assert found.target == "acme.com"
    assert found.whole.title == (" ".join(title.split()) or None)
    assert tomllib.loads(f"x = {quoted(title)}") == {"x": " ".join(title.split())}


@settings(max_examples=examples(60), deadline=None)
@given(st.text(alphabet=st.sampled_from("=[]\"'#\n page target brands url 1.\\u\x00"), max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    found, faults = examine(HEAD + text)
    assert (found is None) == bool(faults)
    lines = (HEAD + text).count("\n") + 1
    assert all(isinstance(one, Fault) and (one.line is None or 1 <= one.line <= lines) for one in faults)
