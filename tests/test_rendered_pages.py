"""Pages read after their scripts ran, in a real Chromium: what is found, and what a page cannot reach from there."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from canary import Canary
from local_site import Page, Site, environment, outcomes, redirect, run_plan
from long_crawl import COMMAND, ROOT, children, finish, is_there, stopped_at_the_end, wait_for
from sqlalchemy import select

from crawler import session
from crawler.chromium import look_for_one
from crawler.plan import CrawlPlan
from storage import schema
from storage.codes import SEEN_BY
from storage.engine import open_ledger


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder not below pytest's own: the browser makes a socket there, whose path may have a hundred characters."""
    with TemporaryDirectory(prefix="ll-", ignore_cleanup_errors=True) as made:
        yield Path(made)


WITHOUT_THE_EXTRA = "import sys; sys.modules |= dict.fromkeys(('playwright', 'scrapy_playwright'))"
QUICK = """
import crawler.browser, crawler.chromium
crawler.browser.PAGE_SECONDS, crawler.browser.READ_SECONDS, crawler.browser.SETTLE_SECONDS = 10.0, 2.0, 2.0
crawler.chromium.MOST_BYTES = 400_000_000
"""
"""A page has less time and memory here, as some would use all of it."""

CHROMIUM = look_for_one()  # where there is none, the end of the run says so: see conftest.py


def seen(database: str, page: str) -> dict[str, str]:
    """The links of one page: target -> in which documents."""
    link, source = schema.link, schema.url.alias()
    asked = (
        select(schema.url.c.url, link.c.seen_by)
        .join(schema.url, schema.url.c.id == link.c.target_id)
        .join(source, source.c.id == link.c.source_id)
        .where(source.c.url == page)
    )
    with open_ledger(database) as conn:
        return {row.url: SEEN_BY[row.seen_by] for row in conn.execute(asked)}


MADE = """<!doctype html><title>As sent</title>
<a href="/kept">kept</a> <a href="/gone">gone</a> <noscript><a href="/without">without scripts</a></noscript>
<a href="?q=caf\xe9">query</a>
<script src="/made.js"></script>"""
MADE_JS = """
document.title = 'As left';
document.querySelector('a[href="/gone"]').remove();
const add = (href) => {
  const link = document.createElement('a');
  link.href = href; link.textContent = href; document.body.append(link);
};
alert('Hello'); confirm('Sure?');
history.pushState(null, '', '/deep/er/');
add('below');
fetch('/data.json').then((answer) => answer.json()).then((list) => list.forEach(add));
fetch('/private.json').then((answer) => answer.json()).then((list) => list.forEach(add));
"""
ATTACKS = """<!doctype html><title>Attacks</title>
<meta http-equiv=refresh content="0;url={at}/meta-refresh">
<link rel=dns-prefetch href={at}><link rel=preconnect href={at}><link rel=prefetch href={at}/prefetch>
<link rel=stylesheet href={at}/style.css><link rel=icon href={at}/icon>
<img src={at}/img><iframe src={at}/frame></iframe><script src={at}/script.js></script><video src={at}/video></video>
<script src="/redirected.js"></script>
<body><a href=/raw>raw</a><script>
const tried = [];
const attempt = (name, act) => { try { act(); } catch (error) { } tried.push(name); };
const at = '{at}', quiet = () => 0;
attempt('fetch', () => fetch(at + '/fetch').catch(quiet));
attempt('post', () => fetch(at + '/post', {method: 'POST', body: 'x', mode: 'no-cors'}).catch(quiet));
attempt('redirected fetch', () => fetch('/redirected').catch(quiet));
attempt('xhr', () => { const x = new XMLHttpRequest(); x.open('GET', at + '/xhr'); x.send(); });
attempt('beacon', () => navigator.sendBeacon(at + '/beacon', 'x'));
attempt('socket', () => new WebSocket(at.replace('http', 'ws') + '/socket'));
attempt('events', () => new EventSource(at + '/events'));
attempt('form', () => {
  const form = document.createElement('form');
  form.action = at + '/form'; form.method = 'post'; document.body.append(form); form.submit();
});
attempt('window', () => window.open(at + '/window'));
attempt('worker', () => new Worker(URL.createObjectURL(new Blob([
  "fetch('" + at + "/worker').catch(() => 0); new WebSocket('" + at.replace('http', 'ws') + "/worker-socket')"]))));
attempt('service worker', () => navigator.serviceWorker.register('/service.js').catch(quiet));
attempt('webrtc', () => {
  const host = at.slice(7);
  const peer = new RTCPeerConnection({iceServers: [{urls: 'stun:' + host},
    {urls: 'turn:' + host + '?transport=tcp', username: 'a', credential: 'b'}]});
  peer.createDataChannel('x'); peer.createOffer().then((offer) => peer.setLocalDescription(offer)).catch(quiet);
});
attempt('transport', () => new WebTransport(at.replace('http', 'https') + '/transport').ready.catch(quiet));
setTimeout(() => attempt('location', () => { location.href = at + '/location'; }), 100);
setTimeout(() => {
  const link = document.createElement('a');
  link.href = '/tried/' + tried.length; link.textContent = 'tried'; document.body.append(link);
}, 300);
</script>"""
SHELL = """<noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div>
<script src="/shell.js"></script>"""
SHELL_JS = """document.querySelector('#root').innerHTML =
  '<h1>Tools</h1><p>We sell tools.</p><a href="/tools">tools</a>'"""
COOKIES = """<title>Cookies</title><body><script src="/cookie.js"></script><script>
const found = document.cookie + ' ' + localStorage.getItem('kept');
document.cookie = 'left=1; max-age=1000'; localStorage.setItem('kept', '1');
document.body.insertAdjacentHTML('beforeend', '<a href="/found">' + found + '</a>');
</script>"""
BOMB = "<title>Bomb</title><a href=/raw>raw</a>" + "".join(f"<script src=/bomb/{n}.js></script>" for n in range(150))
EATS = "<title>Eats</title><a href=/raw>raw</a><script>const all = []; for (;;) all.push(new Uint8Array(2e7).fill(1))</script>"  # noqa: E501
WRITES = "<title>Writes</title><a href=/first>first</a><script>for (let n = 0; n < 300; n++) document.write('<p>' + 'word '.repeat(2000)); document.write('<a href=/last>last</a>')</script>"  # noqa: E501
NOFOLLOW = """<title>Nofollow</title><a href="/raw">raw</a><script>
document.head.insertAdjacentHTML('beforeend', '<meta name=robots content="nofollow">')</script>"""


def script(text: str, *headers: tuple[str, str]) -> Page:
    return Page(text, content_type="text/javascript", headers=headers)


def fill(site: Site, closed: str) -> dict[str, str]:
    """Each page on a host of its own, so that none waits for another: name -> URL."""
    site.robots = b"User-agent: *\nDisallow: /private\n"
    site.routes |= {
        "/made": Page(MADE.encode("latin-1"), content_type="text/html; charset=windows-1252"),
        "/made.js": script(MADE_JS),
        "/data.json": Page('["/from-data"]', content_type="application/json"),
        "/private.json": Page('["/from-private"]', content_type="application/json"),
        "/attacks": Page(ATTACKS.replace("{at}", closed)),
        "/redirected.js": redirect(f"{closed}/redirected.js"),
        "/redirected": redirect(f"{closed}/redirected"),
        "/service.js": script(f"fetch('{closed}/service')"),
        "/loop": Page("<title>Loop</title><a href=/raw>raw</a><script>for (;;) {}</script>"),
        "/writes": Page(WRITES),
        "/eats": Page(EATS),
        "/bomb": Page(BOMB),
        "/shell": Page(SHELL),
        "/shell.js": script(SHELL_JS),
        "/cookies": Page(COOKIES, headers=(("Set-Cookie", "page=1; Max-Age=1000"),)),
        "/cookies/again": Page(COOKIES),
        "/cookie.js": script("", ("Set-Cookie", "script=1; Max-Age=1000")),
        "/nofollow": Page(NOFOLLOW),
        "/old": redirect("/nofollow"),
    }
    site.routes |= {f"/bomb/{n}.js": script("") for n in range(150)}
    names = ["made", "attacks", "loop", "eats", "writes", "bomb", "shell", "cookies", "nofollow"]
    urls = {name: site.url(f"/{name}", f"127.0.0.{number}") for number, name in enumerate(names, 11)}
    # One host, one after the other: what the first leaves behind could be there for the second.
    return urls | {"again": urls["cookies"] + "/again", "old": urls["nofollow"].replace("/nofollow", "/old")}


if CHROMIUM:

    def test_what_scripts_make_is_found_and_nothing_else_is_reached(site: Site, canary: Canary, tmp_path: Path) -> None:
        database = f"sqlite:///{tmp_path / 'rendered.db'}"
        pages = fill(site, f"http://127.0.0.99:{canary.port}")
        plan = CrawlPlan(
            db=database,
            seeds=tuple(pages.values()),
            allow_net=(f"127.0.0.0/8:{site.port}",),
            delay=0,
            max_bytes=1_000_000,
            render=True,
        )
        done = run_plan(plan, before=QUICK)
        assert done.returncode == 0, done.stderr
        assert canary.seen() == []
        found = outcomes(database)
        base = {name: url.rpartition("/")[0] for name, url in pages.items()}

        # Links of the document as sent, of the one that scripts left, of both; addresses as in the browser.
        assert seen(database, pages["made"]) == {
            base["made"] + "/kept": "both",
            base["made"] + "/gone": "raw",
            base["made"] + "/without": "raw",
            pages["made"] + "?q=caf%E9": "raw",  # relative, and the document has another address by then
            base["made"] + "/deep/er/?q=caf%E9": "rendered",
            base["made"] + "/deep/er/below": "rendered",
            base["made"] + "/from-data": "rendered",
        }
        assert found[pages["made"]] == ("fetched", None)

        # All of the attacks were tried, by a page that is read like any other.
        assert seen(database, pages["attacks"]) == {
            base["attacks"] + "/raw": "both",
            base["attacks"] + "/tried/14": "rendered",
        }

        # What would never end is ended, and costs the page nothing that was there without scripts.
        for name in ("loop", "eats", "writes", "bomb"):
            assert found[pages[name]] == ("fetched", None)
            assert set(seen(database, pages[name]).values()) == {"raw"}
        for cause in ("time", "crash", "size", "scripts"):
            assert f"not rendered ({cause}): http" in done.stderr
        assert 0 < sum(path.startswith("/bomb/") for path in site.paths()) <= 60

        # A shell is a page once its scripts ran.
        assert found[pages["shell"]] == ("fetched", None)
        assert seen(database, pages["shell"]) == {base["shell"] + "/tools": "rendered"}

        # Nothing is kept from page to page, and nothing told.
        assert anchors(database) >= {"tried"}
        assert [text for text in anchors(database) if "left" in text or "kept" in text] == ["kept"]
        assert "null" in anchors(database)
        for request in site.log:
            assert not {"cookie", "referer", "origin", "authorization"} & {name.lower() for name in request.headers}
            assert request.headers["User-Agent"].startswith("linkledger/")
        assert "/private.json" not in site.paths()
        assert site.paths().count("/made") == 1

        # A directive that scripts add counts for what was there before.
        with open_ledger(database) as conn:
            followed = select(schema.url.c.url).join(schema.link, schema.link.c.source_id == schema.url.c.id)
            followed = followed.where(schema.link.c.follow_cause == 0).distinct()
            assert pages["nofollow"] not in set(conn.execute(followed).scalars())
        assert seen(database, pages["nofollow"]) == {base["nofollow"] + "/raw": "both"}

    def test_a_browser_dies_with_its_crawl_and_the_crawl_goes_on(site: Site, folder: Path, tmp_path: Path) -> None:
        """First by kill -9, then by Ctrl-C, which waits for the two pages in the browser and for no other."""
        database = f"sqlite:///{tmp_path / 'killed.db'}"
        asked, seconds = threading.Semaphore(0), 30.0

        def slow(_: object) -> Page:
            asked.release()
            return replace(script("document.body.innerHTML += '<a href=/made>made</a>'"), wait=seconds)

        site.routes |= {"/slow": Page("<title>Slow</title><body><script src=/slow.js></script>"), "/slow.js": slow}
        urls = [site.url("/slow", f"127.0.0.{number}") for number in (31, 32, 33)]

        def start(*words: str) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [*COMMAND, "crawl", *words, "--db", database],
                env=environment() | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip

        with stopped_at_the_end(start(*urls, "--delay", "0", "--render")) as child:
            assert asked.acquire(timeout=90)
            assert asked.acquire(timeout=90)
            started = family(child.pid)
            assert len(started) > 3, "the browser was there"
            assert list(folder.iterdir()) != [], "and its profile"
            child.send_signal(signal.SIGKILL)
            child.communicate(timeout=20)
            wait_for(lambda: not any(is_there(pid) for pid in started), 10)
            wait_for(lambda: list(folder.iterdir()) == [], 10)
        seconds = 2.0
        with stopped_at_the_end(start("--resume")) as child:
            assert asked.acquire(timeout=90)
            assert asked.acquire(timeout=90)
            child.send_signal(signal.SIGINT)
            said = finish(child, status=130)
        assert "rendered 2 pages; 0 not rendered" in said
        assert "1 URLs are still pending" in said
        assert "rendered 1 pages; 0 not rendered" in finish(start("--resume", "--workers", "2"))
        for url in urls:
            assert seen(database, url) == {url.replace("/slow", "/made"): "rendered"}
        assert list(folder.iterdir()) == []


def test_without_render_what_scripts_make_is_not_there_and_no_browser_is_needed(site: Site, tmp_path: Path) -> None:
    site.routes |= {"/made": Page(MADE.encode("latin-1")), "/made.js": script(MADE_JS)}
    database = f"sqlite:///{tmp_path / 'raw.db'}"
    plan = CrawlPlan(db=database, seeds=(site.url("/made"),), delay=0)
    done = run_plan(plan, before=WITHOUT_THE_EXTRA)
    assert done.returncode == 0, done.stderr
    assert set(seen(database, site.url("/made")).values()) == {"raw"}
    assert site.paths() == ["/robots.txt", "/made"]


def test_a_page_to_be_rendered_is_not_asked_by_its_validators() -> None:
    """They speak of the document, not of what scripts make of it."""
    plan = CrawlPlan(seeds=("https://example.com/",))
    assert session._conditions(plan) is not None
    assert session._conditions(replace(plan, render=True)) is None


@pytest.mark.parametrize(
    ("before", "chromium", "named"),
    [
        pytest.param(WITHOUT_THE_EXTRA, None, "linkledger[render]", id="no_extra"),
        pytest.param("", "/nowhere/chromium", "--chromium", id="no_such_program"),
        pytest.param("import os; os.environ['PATH'] = '/nowhere'", None, "--chromium", id="none_on_the_path"),
    ],
)
def test_what_rendering_needs_is_named_before_anything_is_asked(
    site: Site, tmp_path: Path, before: str, chromium: str | None, named: str
) -> None:
    plan = CrawlPlan(db=f"sqlite:///{tmp_path / 'none.db'}", seeds=(site.url("/"),), render=True, chromium=chromium)
    done = run_plan(plan, before=before)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert site.log == []
    assert not (tmp_path / "none.db").exists()


def anchors(database: str) -> set[str]:
    with open_ledger(database) as conn:
        return set(conn.execute(select(schema.anchor_text.c.text)).scalars())


def family(pid: int) -> list[int]:
    """A process's children, theirs, and so on."""
    found = children(pid)
    return found + [one for child in found for one in family(child)]
