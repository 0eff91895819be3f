"""A report as hostile as the web: both audits, the matrix and competitors, without a ledger."""

from __future__ import annotations

from dataclasses import replace

from audit.anchor_audit import AnchorAudit, Breakdown, ClassShare, JudgedAnchor, Repeated, Sign, Sitewide, Velocity
from audit.anchor_class import CLASSES, AnchorClass
from audit.compare import Comparison, Side, compare
from audit.link_audit import Band, Figure, LinkAudit, Referrer, Relevance
from audit.matrix import Worded, matrix
from audit.measures import concentration, entropy, evenness, wilson
from audit.report import Report

ABOUT = {"target": "acme.example", "profile": "0123456789ab", "drafted": True, "rules_version": 1}
NOW = 1_795_392_000_000
DAY = 86_400_000

HOSTILE = (
    "<script>window.broken = 1</script>",
    "</script><script>window.broken = 2</script>",
    '"><img src=x onerror="window.broken = 3">',
    "' onmouseover='window.broken = 4",
    "<!-- <script> --><style>*{display:none}</style>",
    "]]> <![CDATA[ &lt;b&gt; &amp;amp; &#60;script&#62;",
    "javascript:window.broken=5",
    "safe\u202egnp.exe\u2066 turned\u200f round",
    "line\u2028separated\u2029twice\x00\x1b[31mred\x85",
    "👩‍👩‍👧‍👦 emoji 🇩🇪 ❤️",
    "null",
    "undefined",
    "NaN",
    "{{constructor.constructor('window.broken=6')()}} ${window.broken=7}",
    "__proto__",
    "متجر الأحذية للجري",
    "ランニングシューズを買う",
    "нержавеющая сталь оптом",
    "a" * 10_000,
    "long words " * 900,
    "",
)

_MIX: tuple[tuple[AnchorClass, int, float], ...] = (
    ("branded", 9_120, 171.5), ("exact", 1_930, 38.0), ("partial", 610, 52.5), ("brand_keyword", 420, 33.0),
    ("naked_url", 880, 61.0), ("generic", 1_240, 47.5), ("image", 350, 15.0), ("empty", 40, 2.5), ("other", 410, 21.0),
)  # fmt: skip
_TOPICS = ("casino", "loans", "hosting", "travel")
_BANDS: tuple[Band, ...] = ("high", "some", "low", "unknown")


def _share(name: str, links: int, domains: float) -> ClassShare:
    all_links, all_domains = sum(one[1] for one in _MIX), sum(one[2] for one in _MIX)
    return ClassShare(
        name=name,
        links=links,
        pages=links * 3 // 4,
        domains=int(domains) + 1,
        share_links=links / all_links,
        share_pages_split=links / all_links,
        share_domains_split=domains / all_domains,
        interval=wilson(domains, all_domains),
    )


def _views() -> tuple[ClassShare, ...]:
    of = {name: (links, domains) for name, links, domains in _MIX}
    sums: dict[str, tuple[AnchorClass, ...]] = {
        "money": ("exact", "partial"),
        "compound": ("brand_keyword",),
        "brand_and_url": ("branded", "naked_url"),
        "other": ("generic", "image", "empty", "other"),
    }
    return tuple(_share(name, sum(of[x][0] for x in of_), sum(of[x][1] for x in of_)) for name, of_ in sums.items())


def anchor_audit(rows: int = 320) -> AnchorAudit:
    names = [*HOSTILE, *(f"running shoes no. {number}" for number in range(rows - len(HOSTILE)))]
    anchors = tuple(
        JudgedAnchor(
            anchor=name,
            anchor_class=CLASSES[place % len(CLASSES)],
            source="img_alt" if place % 7 == 3 else "text",
            rule="brand_alone",
            because=f"{name[:60]} is the brand" if place % 2 else "1 of 2 words of the keyword “running shoes”",
            flags=("phrase", "close_variant") if place % 5 == 0 else (),
            links=max(1, 4_000 // (place + 1)),
            pages=max(1, 3_000 // (place + 1)),
            domains=max(1, 180 // (place + 1)),
            first_seen=NOW - place * DAY if place % 11 else None,
        )
        for place, name in enumerate(names)
    )
    classes = tuple(_share(*one) for one in _MIX)
    by_links, by_domains = [one.share_links for one in classes], [one.share_domains_split for one in classes]
    return AnchorAudit(
        target="acme.example",
        scope="domain",
        about=ABOUT,
        links=15_000,
        referring_pages=9_100,
        referring_domains=442,
        distinct_anchors=1_874,
        enough=True,
        classes=classes,
        views=_views(),
        flags={
            "phrase": 1_204,
            "close_variant": 388,
            "sentence": 97,
            "person": 12,
            "page_title": 230,
            "lang_mismatch": 41,
        },
        entropy_links=entropy(by_links),
        entropy_domains=entropy(by_domains),
        evenness_links=evenness(by_links),
        evenness_domains=evenness(by_domains),
        concentration_links=concentration(by_links),
        concentration_domains=concentration(by_domains),
        anchor_concentration_links=0.0931,
        anchor_concentration_domains=0.0212,
        anchors=anchors,
        sitewide=tuple(
            Sitewide(
                f"forum{place}.example",
                name,
                "exact",
                f"https://acme.example/shoes/{place}",
                5_000 // (place + 1),
                5_400,
            )
            for place, name in enumerate((*HOSTILE[:3], "running shoes"))
        ),
        repeated=tuple(
            Repeated(name, "partial", 1 + place, 900 // (place + 1), 80 // (place + 1), 80 / 442 / (place + 1))
            for place, name in enumerate(("buy running shoes", *HOSTILE[:6], "trail shoes"))
        ),
        velocity=Velocity(
            seen_from=NOW - 400 * DAY,
            seen_to=NOW,
            arrived=312,
            money_domains=41,
            money_part=0.21,
            days_of_80_percent=33,
            per_day=(("2026-10-04", 12), ("2026-10-05", 20)),
            last_30=33,
            before_180_per_30=2.5,
            p=3.1e-9,
        ),
        no_velocity=None,
        medians={name: 0.04 + place / 50 for place, name in enumerate(CLASSES)},
        by=(Breakdown("nofollow", 2_400, 80, classes[:3]),),
        signs=(
            Sign(
                "exact",
                "notice",
                0.086,
                0.1,
                "Exact anchors have 8.6% of the referring domains, over 5%",
                "weak: a study of 2012",
            ),
            Sign(
                "velocity",
                "warn",
                3.1e-9,
                0.001,
                "33 new domains with money anchors in 30 days, where 2.5 were usual",
                "reasoned, no study",
            ),
        ),
    )


def referrer(place: int, name: str) -> Referrer:
    band = _BANDS[place % 4]
    score = None if band == "unknown" else {"high": 0.62, "some": 0.21, "low": 0.04}[band] + place % 9 / 100
    return Referrer(
        domain=name,
        links=max(1, 2_400 // (place + 1)),
        followed=max(0, 2_000 // (place + 1) - place % 3),
        pages=max(1, 1_800 // (place + 1)),
        known_pages=2_000,
        in_main=max(0, 900 // (place + 1)),
        indexable=max(0, 1_700 // (place + 1)),
        sitewide=place % 17 == 0,
        first_seen=NOW - (place % 500) * DAY,
        last_seen=NOW - place % 10 * DAY,
        figures=(Figure("Vendor rating", round(90 - place / 5, 1), "2026-11-01", leads=True),) if place % 3 else (),
        referring_domains=place * 3,
        relevance=None
        if place % 10 == 9
        else Relevance(
            score, band, ("running", "shoes"), f"https://{name}/page/{place}" if place % 6 else "javascript:alert(1)"
        ),
        external_links=place % 40,
        topics=_TOPICS[: place % 3],
        language="en",
    )


def link_audit(rows: int = 300) -> LinkAudit:
    names = ["<b>bold</b>.example", "xn--mnchen-3ya.example", *(f"site{number}.example" for number in range(rows - 2))]
    months = [(f"{2024 + number // 12}-{number % 12 + 1:02d}", (number * 7) % 31) for number in range(34) if number % 6]
    return LinkAudit(
        target="acme.example",
        scope="domain",
        about=ABOUT,
        links=15_000,
        followed=11_320,
        causes={"rel_nofollow": 2_400, "rel_ugc": 890, "rel_sponsored": 510, "page_nofollow": 120},
        referring_pages=9_100,
        referring_hosts=470,
        referring_domains=442,
        followed_domains=361,
        enough=True,
        placements={"main": 5_200, "footer": 6_400, "nav": 900, "aside": 1_100, "header": 200, "body": 1_200},
        indexable_pages=8_500,
        indexable_links=14_100,
        sitewide_domains=4,
        sitewide_links=6_300,
        ages={"under 30 days": 1_200, "30 to 90 days": 2_100, "90 to 365 days": 6_700, "over a year": 5_000},
        lost=812,
        lost_by_cause={"removed": 610, "page_gone": 190, "domain_gone": 12},
        lost_30=73,
        bands={"high": 70, "some": 80, "low": 110, "unknown": 40},
        judged=300,
        scales=(
            {"name": "Vendor rating", "kind": "imported", "dated": "2026-11-01", "domains": 198, "leads": True}
            | {"lowest_first": False, "blank": False, "crawl_share": None, "confidence": None},
            {"name": "linkledger authority", "kind": "own", "dated": "2026-11-20", "domains": 0, "leads": False}
            | {"lowest_first": False, "blank": True, "crawl_share": 0.04, "confidence": {"low": 430, "medium": 12}},
        ),
        authority_quantiles={"p10": 11.0, "p25": 24.5, "p40": 31.0, "p50": 38.0, "p75": 57.5, "p90": 74.0},
        domains=tuple(referrer(place, name) for place, name in enumerate(names)),
        by_month=tuple(months),
        topics={"casino": 31, "loans": 12},
    )


def competitors(links: LinkAudit, anchors: AnchorAudit) -> Comparison:
    """The target beside one like it, one of other words, one that is hardly known, and one with no link."""
    turned = tuple(replace(one, name=name) for one, name in zip(reversed(anchors.classes), CLASSES, strict=True))
    nothing = replace(anchors, links=0, referring_domains=0, enough=False)
    return compare(
        [
            Side("acme.example", anchors, links, ("mine",), "acme.example"),
            Side("rival.example", replace(anchors, classes=turned), replace(links, followed=9_000), ("rival",)),
            Side("other.example", replace(anchors, enough=False), replace(links, lost=10)),
            Side("<i>third</i>.example", nothing, replace(links, links=0)),
        ]
    )


def report(rows: int = 320) -> Report:
    links, anchors = link_audit(rows - 20), anchor_audit(rows)
    worded = [
        Worded(
            one.domain,
            CLASSES[place % 9],
            HOSTILE[place % len(HOSTILE)],
            one.links,
            one.pages,
            f"https://{one.domain}/p",
            "https://acme.example/",
        )
        for place, one in enumerate(links.domains)
    ]
    return Report(
        target="acme.example",
        scope="domain",
        made_at=NOW,
        version="0.1.0",
        about=ABOUT,
        filter={"kind": "external", "state": "live", "rel": ["nofollow"]},
        coverage={"asked": 12_000, "fetched": 11_210, "partial": 90, "failed": 400, "blocked": 300},
        links=links,
        anchors=anchors,
        matrix=matrix(links.domains, worded, target="acme.example", about=ABOUT, of_domains=442),
        competitors=competitors(links, anchors),
    )
