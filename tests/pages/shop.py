"""What must be read from shop.html."""

from __future__ import annotations

from crawler.urls import canonical_url
from storage.records import Anchor, AnchorParts, Link, PageRecord, RobotsDirective, SkippedHref

URL = canonical_url("https://www.acme.example/index.html")


def _link(ordinal: int, raw: str, target: str, **fields: object) -> Link:
    usual: dict[str, object] = {"element": "a", "fragment": None, "rel": (), "hidden": False, "internal": True}
    usual["follow_cause"] = ("meta_robots",)
    return Link(ordinal=ordinal, raw_href=raw, target=canonical_url(target), **(usual | fields))  # type: ignore[arg-type]


PAGE = PageRecord(
    url=URL,
    base="https://www.acme.example/shop/",
    title="Running shoes – Acme",
    h1=("Running shoes",),
    h2=("The list",),
    canonical="https://www.acme.example/shoes",
    canonical_source="element",
    robots=(RobotsDirective("meta_robots", "robots", "index"), RobotsDirective("meta_robots", "robots", "nofollow")),
    not_indexable=("canonical",),
    nofollow=("meta_robots",),
    lang="en-GB",
    charset="utf-8",
    charset_source="meta",
    links=(
        _link(
            0, "/", "https://www.acme.example/",
            anchor=Anchor("Acme home", "img_alt"),
            parts=AnchorParts(alts=("Acme home",), has_image=True),
            placement="header", placement_rule="element:header", path="html/body/header/a",
            before="",
            after="Sale ¶ To the list ¶ Running shoes ¶ Our partner tests shoes every week. ¶ The list ¶ Mail no href "
            "here ¶ Broken",
        ),
        _link(
            1, "sale", "https://www.acme.example/shop/sale",
            anchor=Anchor("Sale", "text"), parts=AnchorParts("Sale"),
            placement="nav", placement_rule="element:nav", path="html/body/nav/ul/li/a",
            before="",
            after="¶ To the list ¶ Running shoes ¶ Our partner tests shoes every week. ¶ The list ¶ Mail no href here "
            "¶ Broken",
        ),
        _link(
            2, "#list", "https://www.acme.example/shop/",
            fragment="list",
            anchor=Anchor("To the list", "text"), parts=AnchorParts("To the list"),
            placement="nav", placement_rule="element:nav", path="html/body/nav/ul/li/a",
            before="Sale ¶",
            after="¶ Running shoes ¶ Our partner tests shoes every week. ¶ The list ¶ Mail no href here ¶ Broken",
        ),
        _link(
            3, "HTTPS://Partner.Example:443/a|b?q=ü#more", "https://partner.example/a|b?q=%C3%BC",
            fragment="more", rel=("sponsored", "noopener"), follow_cause=("rel", "meta_robots"), internal=False,
            anchor=Anchor("tests shoes", "text"), parts=AnchorParts("tests shoes", title="Partner"),
            placement="main", placement_rule="element:main", path="html/body/main/p/a",
            before="Sale ¶ To the list ¶ Running shoes ¶ Our partner",
            after="every week. ¶ The list ¶ Mail no href here ¶ Broken",
        ),
        _link(
            4, "secret", "https://www.acme.example/shop/secret",
            hidden=True,
            anchor=Anchor("Secret", "text"), parts=AnchorParts("Secret"),
            placement="main", placement_rule="element:main", path="html/body/main/p/a",
            before="", after="",
        ),
        _link(
            6, "", "https://www.acme.example/shop/",
            anchor=Anchor("here", "text"), parts=AnchorParts("here"),
            placement="main", placement_rule="element:main", path="html/body/main/a",
            before="Sale ¶ To the list ¶ Running shoes ¶ Our partner tests shoes every week. ¶ The list ¶ Mail no href",
            after="¶ Broken",
        ),
        _link(
            8, "//cdn.example", "https://cdn.example/",
            rel=("nofollow",), follow_cause=("rel", "meta_robots"), internal=False,
            anchor=Anchor("Terms", "svg_title"), parts=AnchorParts(svg_title="Terms", has_image=True),
            placement="footer", placement_rule="class:site-footer", path="html/body/div/a",
            before="Sale ¶ To the list ¶ Running shoes ¶ Our partner tests shoes every week. ¶ The list ¶ Mail no href "
            "here ¶ Broken",
            after="",
        ),
    ),
    skipped=(
        SkippedHref(5, "mailto:info@acme.example", "not_http"),
        SkippedHref(7, "http://[broken", "invalid_url"),
    ),
    text="Sale To the list Running shoes Our partner tests shoes every week. The list Mail no href here Broken",
)  # fmt: skip
