"""Which answers are taken for something other than the page, and which only look like it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import examples

from crawler.page import parse_page
from crawler.suspects import RULES, suspicion
from crawler.urls import canonical_url

CORPUS = os.environ.get("LINKLEDGER_CORPUS", "")
HERE = "https://shop.acme.example/articles/1"

Headers = tuple[tuple[str, str], ...]


def page(title: str, *body: str, head: str = "") -> str:
    """A document; its parts are joined by line ends."""
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body>\n" + "\n".join(body) + "\n</body></html>"
    )


def judged(html: str, url: str = HERE, headers: Headers = ()) -> str | None:
    body = html.encode()
    return suspicion(parse_page(body, url=canonical_url(url)), headers=headers, body=body)


CLOUDFLARE = """<noscript><div class="h2">Enable JavaScript and cookies to continue</div></noscript>
<script>(function(){window._cf_chl_opt = {cvId: '3', cZone: 'acme.example', cType: 'managed'};
var a = document.createElement('script'); a.src = '/cdn-cgi/challenge-platform/h/g/orchestrate/chl_page/v1?ray=8a';
}());</script>"""
PASSWORD = "<form action='/session' method=post><input name=u><input type='password' name=p><button>Go</button></form>"

SUSPECTS: list[tuple[str, str, str, str, Headers]] = [  # id, reason, URL, document, headers
    ("cloudflare_managed", "challenge cloudflare", HERE, page("Just a moment...", CLOUDFLARE), ()),
    ("cloudflare_in_german", "challenge cloudflare", HERE, page("Nur einen Moment…", CLOUDFLARE), ()),
    ("cloudflare_by_header", "challenge cloudflare", HERE, page("…", "<p>Wait</p>"), (("Cf-Mitigated", "challenge"),)),
    ("cloudflare_blocked", "challenge cloudflare", HERE,
     page("Attention Required! | Cloudflare",
          '<div id="cf-wrapper"><div id="cf-error-details"><h1>Sorry, you have been blocked</h1>',
          "<h2>Why have I been blocked?</h2><p>This website is using a security service to protect itself.</p>",
          '<a href="https://www.cloudflare.com/5xx-error-landing">Cloudflare</a>',
          "<p>Performance &amp; security by Cloudflare. Cloudflare Ray ID: 8aa11</p></div></div>"), ()),
    ("cloudflare_older", "challenge cloudflare", HERE,
     page("Just a moment...", '<form id="challenge-form" action="/x?__cf_chl=1" method="post"></form>',
          "<h1>Checking your browser before accessing acme.example.</h1>", "<p>DDoS protection by Cloudflare</p>"), ()),
    ("ddos_guard", "challenge ddos_guard", HERE,
     page("DDoS-Guard", '<script src="/.well-known/ddos-guard/js-challenge/index.js"></script>',
          "<h1>Checking your browser before accessing acme.example</h1>"), (("Server", "ddos-guard"),)),
    ("akamai_sensor", "challenge akamai", HERE,
     page("", '<div id="sec-if-cpt-container"></div><script src="/_sec/cp_challenge/ak-challenge-4-3.js"></script>',
          "<p>Powered and protected by Akamai</p>"), ()),
    ("akamai_refresh", "challenge akamai", HERE,
     page("", "<script>var i = 1; var b = '/?bm-verify=' + i;</script>",
          head="""<meta http-equiv="refresh" content="5; URL='/articles/1?bm-verify=AAQAAAA'" />"""), ()),
    ("akamai_denied", "challenge akamai", HERE,
     page("Access Denied",
          "<h1>Access Denied</h1>You don't have permission to access \"http://acme.example/\" on this server.<p>",
          "Reference #18.4f2a1702.1700000000.1f2e3d"), ()),
    ("perimeterx", "challenge perimeterx", HERE,
     page("Access to this page has been denied", '<div id="px-captcha"></div>',
          "<p>Press &amp; Hold to confirm you are a human</p>",
          "<script src='https://captcha.px-cdn.net/PXabc/captcha.js'></script>"), ()),
    ("incapsula_blocked", "challenge imperva", HERE,
     page("", '<iframe id="main-iframe" src="/_Incapsula_Resource?SWUDNSAI=31&xinfo=1" width="100%">',
          "Request unsuccessful. Incapsula incident ID: 1234-5678</iframe>"), ()),
    ("incapsula_script_alone", "challenge imperva", HERE,
     page("", '<script src="/_Incapsula_Resource?SWJIYLWA=719d34d31c8e3a6e6fffd425f7e032f3"></script>',
          head='<META NAME="ROBOTS" CONTENT="NOINDEX, NOFOLLOW">'), ()),
    ("distil", "challenge imperva", HERE,
     page("Pardon Our Interruption", "<h1>Pardon Our Interruption</h1>",
          "<p>As you were browsing something about your browser made us think you were a bot.</p><ul><li>Scripts "
          "are off</ul>"), ()),
    ("datadome", "challenge datadome", HERE,
     page("acme.example", '<p id="cmsg">Please enable JS and disable any ad blocker</p>',
          "<script>var dd={'host':'geo.captcha-delivery.com','t':'fe'}</script><script "
          "src='https://ct.captcha-delivery.com/c.js'></script>"), ()),
    ("sucuri", "challenge sucuri", HERE,
     page("You are being redirected...", "<noscript>Javascript is required.</noscript>",
          "<script>var s={},u,c,U,r,i,l=0,a,e=eval;sucuri_cloudproxy_js='';S='cz0i';</script>"), ()),
    ("aws_waf", "challenge aws_waf", HERE,
     page("",
          '<div id="challenge-container"></div><script>window.awsWafCookieDomainList = []; window.gokuProps = '
          '{};</script>'),
     (("x-amzn-waf-action", "challenge"),)),
    ("vercel", "challenge vercel", HERE, page("Vercel Security Checkpoint", "<p>We're verifying your browser</p>"), ()),
    ("siteground", "challenge siteground", HERE,
     page("Robot Challenge Screen",
          head='<meta http-equiv="refresh" content="0;/.well-known/sgcaptcha/?r=%2F&y=ipr">'), ()),
    ("imunify360", "challenge imunify360", HERE,
     page("One moment, please...", "<h1>Please wait while your request is being verified...</h1>",
          "<form id='wsidchk-form' style='display:none' action='/z0f76a1d' "
          "method=GET></form><script>wsidchk(1)</script>"), ()),
    ("anubis", "challenge anubis", HERE,
     page("Making sure you&#39;re not a bot!", '<script id="anubis_challenge" type="application/json">{}</script>',
          "<h1>Making sure you're not a bot!</h1><p>Protected by <a "
          "href='https://github.com/TecharoHQ/anubis'>Anubis</a></p>"), ()),
    ("cookie_by_script", "challenge cookie_script", HERE,
     page("",
          "<script "
          "src='/aes.js'></script><script>document.cookie='__test='+toHex(slowAES.decrypt(c,2,a,b));location.href='/?i=1';</script>",

          "<noscript>This site requires Javascript to work</noscript>"), ()),
    ("captcha_in_english", "challenge captcha", HERE,
     page("Verify you are human", '<form><div class="g-recaptcha" data-sitekey="x"></div></form>'), ()),
    ("captcha_in_french", "challenge captcha", HERE,
     page("Vérification de sécurité", "<p>Confirmez que vous n'êtes pas un robot.</p>"), ()),
    ("captcha_in_russian", "challenge captcha", HERE,
     page("Ой, Капча!", "<p>Подтвердите, что запросы отправляли вы, а не робот</p><div class='smart-captcha'></div>"),
     ()),
    ("captcha_in_chinese", "challenge captcha", HERE, page("安全验证", "<p>请完成下方验证后继续</p>"), ()),
    ("captcha_in_japanese", "challenge captcha", HERE,
     page("セキュリティチェック", "<p>ロボットではありません</p>"), ()),
    ("sedo_parking", "parked adverts", "http://acme.example/",
     page("acme.example - Informationen zum Thema acme.",
          "<script src='https://img.sedoparking.com/js/parking.js'></script>",
          "<h2>Related searches</h2>", *(f"<a href='/?kw={n}'>Keyword {n}</a>" for n in range(12))), ()),
    ("bodis", "parked adverts", "http://acme.example/",
     page("acme.example", "<div id='target' style='opacity: 0'></div>").replace("<html>",
          '<html data-adblockkey="MFwwDQYJKoZI_x==" lang="en">'), ()),
    ("parkingcrew", "parked adverts", "http://acme.example/",
     page("acme.example", "<script src='//d38psrni17bvxu.cloudfront.net/scripts/js3caf.js'></script>",
          "<p>This webpage was generated by the domain owner</p>"), ()),
    ("godaddy", "parked godaddy", "http://acme.example/",
     '<!DOCTYPE html><html><head>'
     '<script>window.onload=function(){window.location.href="/lander"}</script></head></html>', ()),
    ("hugedomains", "parked hugedomains", "https://www.hugedomains.com/domain_profile.cfm?d=acme.example",
     page("Acme.example is for sale | HugeDomains", "<h1>Acme.example is for sale</h1>",
          *(f"<a href='https://www.hugedomains.com/{n}.cfm'>Shop {n}</a>" for n in range(50)),
          "<p>30-day money back guarantee.</p>"), ()),
    ("own_domain_for_sale", "parked for_sale", "http://acme.example/",
     page("acme.example",
          "<h1>The domain acme.example is for sale</h1><p>Get it before somebody else does.</p><a "
          "href='https://dan.com/'>Buy</a>"), ()),
    ("own_domain_for_sale_in_german", "parked for_sale", "http://acme.example/",
     page("acme.example zu verkaufen", "<p>Die Domain acme.example steht zum Verkauf.</p>"), ()),
    ("own_domain_for_sale_in_italian", "parked for_sale", "http://www.acme.example/", page("www.acme.example",
    "<p>Il dominio acme.example è in vendita!</p>"), ()),
    ("this_domain_for_sale", "parked for_sale", "http://acme.example/",
     page("This domain is for sale", "<h1>Buy this domain</h1><p>Make an offer to its owner.</p>"), ()),
    ("this_domain_for_sale_in_dutch", "parked for_sale", "http://acme.example/", page("Deze domeinnaam is te koop",
    "<p>Deze domeinnaam is te koop. Doe een bod.</p>"), ()),
    ("this_domain_for_sale_in_chinese", "parked for_sale", "http://acme.example/", page("本域名出售",
    "<p>该域名正在出售，请联系我们购买。</p>"), ()),
    ("registrar", "parked registrar", "http://acme.example/",
     page("acme.example",
          "<p>This domain has been registered with Gandi.net. View the WHOIS results.</p><a "
          "href='https://whois.gandi.net/'>WHOIS</a>"), ()),
    ("registrar_in_german", "parked registrar", "http://acme.example/",
     page("Hier entsteht eine neue Internetpräsenz",
          "<h1>Hier entsteht eine neue Internetpräsenz</h1><p>Diese Domain wurde soeben registriert.</p>"), ()),
    ("registrar_in_russian", "parked registrar", "http://acme.example/", page("Домен припаркован",
    "<p>Домен acme.example припаркован в Reg.ru</p>"), ()),
    ("registrar_in_french", "parked registrar", "http://acme.example/", page("Site en construction",
    "<p>Ce domaine vient d'être enregistré.</p>"), ()),
    ("nginx", "parked server_default", "http://acme.example/",
     page("Welcome to nginx!",
          "<h1>Welcome to nginx!</h1><p>If you see this page, the nginx web server is successfully installed and "
          "working.</p>",
          "<a href='http://nginx.org/'>nginx.org</a>"), ()),
    ("apache", "parked server_default", "http://acme.example/",
     page("Apache2 Ubuntu Default Page: It works",
          "<p>This is the default welcome page used to test the correct operation of the Apache2 server</p>"), ()),
    ("plesk", "parked server_default", "http://acme.example/",
     page("Web Server's Default Page",
          "<p>This page is generated by Plesk, the leading hosting automation software.</p>"), ()),
    ("suspended", "parked suspended", "http://acme.example/cgi-sys/suspendedpage.cgi",
     page("Account Suspended",
          "<h1>Account Suspended</h1><p>This Account has been suspended.</p><p>Contact your hosting provider for more "
          "information.</p>"), ()),
    ("members_only", "login_wall members", HERE, page("Acme", "<p>You must be logged in to view this page.</p>",
    PASSWORD), ()),
    ("members_only_in_german", "login_wall members", HERE, page("Acme",
    "<p>Sie müssen sich anmelden, um weiterzulesen.</p>", PASSWORD), ()),
    ("members_only_in_spanish", "login_wall members", HERE, page("Acme", "<p>Inicia sesión para continuar</p>",
    PASSWORD), ()),
    ("members_only_in_japanese", "login_wall members", HERE,
     page("会員", "<p>続きを読むにはログインしてください。</p>", PASSWORD), ()),
    ("consent_of_google", "consent_wall google", "https://consent.youtube.com/m?continue=https://www.youtube.com/watch",
     page("Before you continue to YouTube", "<p>We use cookies and data to deliver and maintain Google services.</p>",
          "<form action='https://consent.youtube.com/save' method=POST><button>Reject all</button></form><a "
          "href='https://policies.google.com/privacy'>Privacy</a>"), ()),
    ("consent_of_yahoo", "consent_wall yahoo", "https://consent.yahoo.com/v2/collectConsent?sessionId=3_cc",
     page("Yahoo is part of the Yahoo family of brands",
          "<p>Yahoo is part of the Yahoo family of brands. If you click 'Accept all', we and our partners will store "
          "cookies.</p>",
          "<form action='/v2/collectConsent' method=post><button type=submit name=agree value=agree>Accept "
          "all</button></form>"), ()),
    ("consent_gate", "consent_wall gate", "https://myprivacy.paper.example/consent?siteKey=1",
     page("DPG Media Privacy Gate", "<p>Om je de beste ervaring te bieden gebruiken wij cookies. Akkoord?</p>",
          "<form action='/privacy-gate/accept'><button>Akkoord</button></form>"), ()),
    ("react", "empty_shell scripts", HERE,
     page("Acme",
          "<noscript>You need to enable JavaScript to run this app.</noscript><div id=\"root\"></div><script "
          "src='/static/js/main.8d.js'></script>"), ()),
    ("vue", "empty_shell scripts", HERE, page("Acme", "<div id=app></div>",
    "<script type='module' src='/assets/index.js'></script>"), ()),
    ("vue_with_its_excuse", "empty_shell scripts", HERE,
     page("Acme", "<noscript><strong>We're sorry but acme doesn't work properly without JavaScript enabled. Please "
          "enable it to continue.</strong></noscript><div id=app></div>", "<script src=/js/app.1.js></script>"), ()),
    ("angular", "empty_shell scripts", HERE, page("Acme",
    "<app-root>Loading...</app-root><script src='main.js'></script>"), ()),
    ("next_without_content", "empty_shell scripts", HERE, page("Acme",
    "<div id='__next'></div><script src='/_next/static/chunks/main.js'></script>"), ()),
]  # fmt: skip

MENU = "".join(f"<a href='/menu/{n}'>Menu {n}</a>" for n in range(30))
PROSE = "<p>" + "The team has been looking at what visitors see and why they leave again. " * 40 + "</p>"

ORDINARY: list[tuple[str, str, str, Headers]] = [  # id, URL, document, headers
    ("article_about_the_challenge", HERE,
     page("Just a moment...: what Cloudflare's challenge means", MENU, PROSE,
          "<p>Checking your browser before accessing the site</p>",
          "<pre>window._cf_chl_opt = {}</pre>"), ()),
    ("short_article_about_the_challenge", HERE,
     page("Just a moment... and other pages that nobody wants",
          "<p>A short note on waiting pages. <a href='/2'>More</a></p>"), ()),
    ("code_of_a_challenge_in_a_question", HERE,
     page("How do I get past this page?",
          "<pre>&lt;script&gt;window._cf_chl_opt = {}&lt;/script&gt;</pre><p>Ideas? <a href='/a'>answer</a></p>"), ()),
    ("ordinary_page_behind_cloudflare", HERE,
     page("Acme", "<p>Hello</p><a href='/a'>a</a>",
          "<script>(function(){var a='/cdn-cgi/challenge-platform/scripts/jsd/main.js';})();</script>"),
     (("Server", "cloudflare"), ("CF-RAY", "8a"))),
    ("ordinary_page_behind_ddos_guard", HERE, page("Acme", "<p>Welcome to our shop</p><a href='/a'>a</a>"), (("Server",
    "ddos-guard"),)),
    ("ordinary_page_behind_incapsula", HERE,
     page("Acme", "<p>We sell tools to everybody who needs tools.</p><a href='/a'>a</a>",
          "<script src='/_Incapsula_Resource?SWJIYLWA=7'></script>"), ()),
    ("ordinary_page_behind_perimeterx", HERE, page("Acme", "<p>Tools</p>",
    "<script>window._pxAppId='PX1';</script><script src='//client.px-cdn.net/PX1/main.min.js'></script>"), ()),
    ("ordinary_page_behind_datadome", HERE, page("Acme", "<p>Tools</p>",
    "<script src='https://js.datadome.co/tags.js'></script>"), (("X-DataDome", "protected"),)),
    ("ordinary_page_behind_sucuri", HERE, page("Acme", "<p>Tools</p><a href='/a'>a</a>"), (("X-Sucuri-ID", "12005"),
    ("X-Sucuri-Cache", "HIT"))),
    ("contact_form_with_a_captcha", "https://acme.example/contact",
     page("Contact",
          "<form><input type=email><textarea></textarea><p>Please verify that you are human.</p><div "
          "class='g-recaptcha'></div></form>",
          "<script src='https://www.google.com/recaptcha/api.js'></script>"), ()),
    ("question_about_a_captcha", HERE, page("What does “Verify you are human” mean?",
    "<p>It asks you to verify you are human.</p>"), ()),
    ("film_called_just_a_moment", HERE, page("Just a moment",
    "<p>A short film of 1998.</p><a href='/films'>films</a>"), ()),
    ("access_denied_song", HERE, page("Access Denied", "<p>Song by Acme, 1999.</p><a href='/songs'>songs</a>"), ()),
    ("article_about_parked_domains", HERE,
     page("What is a parked domain?", MENU, PROSE,
          "<p>Such a page says: this domain is for sale. Buy this domain! sedoparking.com</p>"), ()),
    ("short_article_about_parked_domains", HERE,
     page("How to sell a domain",
          "<p>Write “this domain is for sale” on it, and wait.</p><a href='/a'>a</a><a href='/b'>b</a>"), ()),
    ("marketplace_of_domains", "https://names.example/",
     page("Domains for sale", *(f"<a href='/d/{n}'>name{n}.example is for sale</a>" for n in range(40))), ()),
    ("house_for_sale", HERE, page("House for sale in Acme Street",
    "<p>This house is for sale. Make an offer.</p><a href='/houses'>houses</a>"), ()),
    ("house_for_sale_on_its_own_domain", "https://housesforsale.example/1", page("housesforsale.example",
    "<p>This farm is for sale</p><a href='/2'>2</a>"), ()),
    ("small_site_named_by_its_domain", "https://acme.example/", page("acme.example",
    "<p>I write about boats.</p><a href='/boats'>boats</a>"), ()),
    ("site_under_construction_with_news", "https://acme.example/", page("Coming soon",
    "<p>Our new shop opens in May.</p><a href='https://social.example/acme'>follow us</a>"), ()),
    ("nginx_documentation", "https://docs.example/nginx",
     page("Welcome to nginx documentation", MENU, PROSE,
          "<p>If you see this page, the nginx web server is successfully installed</p>"), ()),
    ("how_to_install_nginx", HERE, page("Installing nginx",
    "<p>You will see: the nginx web server is successfully installed and working.</p>"), ()),
    ("it_works_blog", HERE, page("It works!", "<p>After three weeks my robot walks.</p><a href='/robot'>robot</a>"),
    ()),
    ("news_of_a_suspended_account", HERE, page("Account suspended over photos",
    "<p>The singer was furious on Monday. <a href='/a'>More</a></p>"), ()),
    ("log_in_page", "https://acme.example/login?next=/", page("Log in", "<p>You must log in to continue.</p>",
    PASSWORD), ()),
    ("application_whose_home_page_is_its_log_in", "https://mail.acme.example/", page("Webmail",
    "<p>Please log in to continue.</p>", PASSWORD), ()),
    ("article_with_a_log_in_box", HERE, page("Acme", MENU, PROSE, "<p>Log in to read more of it</p>", PASSWORD), ()),
    ("article_that_asks_to_log_in_for_comments", HERE, page("Boats", PROSE,
    "<p>You must be logged in to post a comment.</p>"), ()),
    ("wordpress_comment_note", HERE, page("Boats",
    "<p>Short.</p><p>You must be <a href='/wp-login.php'>logged in</a> to post a comment.</p>"), ()),
    ("small_site_with_a_cookie_banner", "https://bakery.example/",
     page("Bakery", "<p>We bake bread.</p><a href='/bread'>bread</a>",
          "<div>We value your privacy. <button>Accept all</button><button>Reject all</button></div>",
          "<script src='https://cdn.privacy-mgmt.com/unified/wrapper.js'></script>"), ()),
    ("privacy_policy", "https://acme.example/privacy", page("Privacy",
    "<p>We store nothing. If you agree, we count visits.</p><form action='/consent'></form>"), ()),
    ("article_about_consent", HERE, page("Before you continue: five things about cookies",
    "<p>Do not click Accept all.</p><a href='/a'>a</a>"), ()),
    ("app_with_content_from_the_server", HERE,
     page("Acme",
          "<div id=root><h1>Tools</h1><p>We sell tools.</p><a href='/tools'>tools</a></div><script "
          "src='/main.js'></script>"), ()),
    ("short_page_without_links", HERE, page("Acme", "<h1>Hello</h1><p>Nothing else here.</p>"), ()),
    ("short_page_with_a_script", HERE, page("Acme", "<div id=content>Hello</div><script src='/count.js'></script>"),
    ()),
    ("empty_document", HERE, "", ()),
    ("frames", HERE, "<frameset cols='20%,*'><frame src=menu.html><frame src=main.html></frameset>", ()),
    ("one_image", HERE, page("Photo", "<img src=photo.jpg alt='A boat'>"), ()),
    ("redirect_by_meta", HERE, page("", head="<meta http-equiv=refresh content='0; url=/new/'>"), ()),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "url", "html", "headers"), [pytest.param(*row[1:], id=row[0]) for row in SUSPECTS])
def test_no_page(reason: str, url: str, html: str, headers: Headers) -> None:
    assert judged(html, url, headers) == reason


@pytest.mark.parametrize(("url", "html", "headers"), [pytest.param(*row[1:], id=row[0]) for row in ORDINARY])
def test_a_page(url: str, html: str, headers: Headers) -> None:
    assert judged(html, url, headers) is None


@pytest.mark.parametrize(
    ("html", "url", "headers"), [pytest.param(*row[3:1:-1], row[4], id=row[0]) for row in SUSPECTS]
)
def test_a_suspect_among_many_links_and_words_is_a_page(html: str, url: str, headers: Headers) -> None:
    """Whoever quotes such a page, whole, in an article of a site with a menu is not taken for it."""
    article = MENU * 4 + PROSE * 3
    quoted = html.replace("</body>", f"{article}</body>") if "</body>" in html else html + article
    assert judged(quoted, url, headers) is None


def test_every_rule_is_tried_by_an_example() -> None:
    """A rule is data: nothing else would notice one that never holds."""
    shown = {row[1] for row in SUSPECTS} | {"challenge google"}
    assert {rule.reason for rule in RULES} == shown


def test_kinds_of_reasons() -> None:
    kinds = {rule.reason.partition(" ")[0] for rule in RULES}
    assert kinds == {"challenge", "parked", "login_wall", "consent_wall", "empty_shell"}


@settings(max_examples=examples(100), deadline=None)
@given(st.binary(max_size=300), st.sampled_from([row[3] for row in SUSPECTS]))
def test_any_bytes_are_judged(noise: bytes, html: str) -> None:
    """Documents are cut and damaged; judging them never fails, and says the same twice."""
    body = html.encode()
    mixed = body[: len(noise)] + noise + body[len(noise) :]
    read = parse_page(mixed, url=canonical_url(HERE))
    assert suspicion(read, body=mixed) == suspicion(read, body=mixed)


if CORPUS:

    def test_no_real_page_is_a_suspect() -> None:
        from benchmarks.corpus import corpus_pages, read_page

        judged_pages = {
            row["url"]: suspicion(read_page(row, body), body=body) for row, body in corpus_pages(Path(CORPUS))
        }
        assert len(judged_pages) > 250
        assert {url: reason for url, reason in judged_pages.items() if reason} == {}
