"""The report in a real Chromium: quiet, closed, drawn, to be sorted and searched, and open to everyone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from report_browser import CHROMIUM, Opened, chromium, opened
from report_sample import HOSTILE, report

from audit.report import plain
from audit.report_html import shown
from audit.report_page import page

if CHROMIUM:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import Browser

    @pytest.fixture(scope="module")
    def browser() -> Iterator[Browser]:
        with chromium() as started:
            yield started

    @pytest.fixture(scope="module")
    def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
        path = tmp_path_factory.mktemp("report") / "report.html"
        path.write_text(page(plain(report(120))), encoding="utf-8")
        return path

    def quiet(one: Opened, file: Path) -> None:
        """Nothing was said to the console, nothing refused, and nothing but the file itself asked for."""
        assert (one.said, one.violations, one.requests) == ([], [], [file.as_uri()])

    def test_it_is_quiet_and_closed_and_what_pages_said_stays_text(browser: Browser, file: Path) -> None:
        with opened(browser, file) as one:
            one.page.get_by_role("button", name="Show all 120 anchors").click()
            cells = one.first_cells("Anchors")
            assert len(cells) == 120
            for text in HOSTILE:
                start = " ".join(shown(text)[:60].split()) or "(no words)"
                assert any(" ".join(cell.split()).startswith(start) for cell in cells), text
            assert one.run("window.broken") is None
            assert one.run("document.scripts.length") == 3  # the figures, the library, the report's own
            inside = "[...document.querySelectorAll('main *')]"
            tags = set(one.run(f"{inside}.map((each) => each.tagName)"))
            assert not tags & {"SCRIPT", "IMG", "STYLE", "IFRAME", "B", "I"}
            names = set(one.run(f"{inside}.flatMap((each) => each.getAttributeNames())"))
            assert not [name for name in names if name.startswith("on")]
            links = one.run("[...document.querySelectorAll('main a')].map((each) => each.getAttribute('href'))")
            assert {link.partition("://")[0] for link in links} == {"https"}
            quiet(one, file)

    def test_the_watch_sees_what_it_looks_for(browser: Browser, tmp_path: Path) -> None:
        """Else the test above could not fail."""
        leak = (
            "<img src=https://leak.example/i><script>window.broken = 1</script><p onclick='1'>"
            "<iframe src=https://leak.example/f></iframe><p style='color: red'>"
        )
        file = tmp_path / "leaking.html"
        file.write_text(page(plain(report(30))).replace("</main>", leak + "</main>"), encoding="utf-8")
        with opened(browser, file) as one:
            assert one.run("window.broken") is None  # the policy holds even where nothing is escaped
            refused = {said.split()[0] for said in one.violations}
            assert refused >= {"img-src", "script-src-elem", "script-src-attr", "frame-src", "style-src-attr"}
            assert one.said
            tried = one.run(
                "(() => { try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; } })()"
            )
            assert tried == "TypeError"  # no script may write markup
        with opened(browser, file, bypass=True) as one:
            assert one.run("window.broken") == 1
            assert len(one.requests) > 1

    def test_charts_are_drawn(browser: Browser, file: Path) -> None:
        with opened(browser, file) as one:
            marks = one.run(
                "Object.fromEntries([...document.querySelectorAll('[data-chart]')].map((each) => [each.dataset.chart, "
                "[each.getAttribute('role'), each.querySelectorAll('svg path').length, each.textContent]]))"
            )
            assert set(marks) == {"classes", "months", "competitors"}
            for role, paths, text in marks.values():
                assert role == "img"
                assert paths > 20
                assert text
            assert "brand + keyword" in marks["classes"][2]
            assert "By referring domains" in marks["classes"][2]
            # A bar is as long as its share: 9,120 of 15,000 links are branded.
            one.page.locator("[data-chart=classes] svg").hover(position={"x": 500, "y": 60})
            one.until("document.querySelector('[data-chart=classes]').textContent.includes('60.8%')")
            light = one.run("document.querySelector('[data-chart=classes] svg').innerHTML")
            one.page.emulate_media(color_scheme="dark")
            one.until("!document.querySelector('[data-chart=classes] svg').innerHTML.includes('#1f6feb')")
            assert "#1f6feb" in light
            one.page.emulate_media(media="print")
            one.until("document.querySelector('[data-chart=classes] svg').innerHTML.includes('#1f6feb')")
            quiet(one, file)

    def test_tables_sort_and_search_by_mouse_and_by_keyboard(browser: Browser, file: Path) -> None:
        with opened(browser, file) as one:
            tab = one.page
            table = tab.get_by_role("table", name="Anchors", exact=True)
            head = table.get_by_role("columnheader", name="Links", exact=True)
            links = "[...document.querySelectorAll('table')].find((each) => each.caption.textContent === 'Anchors')"
            values = f"[...{links}.tBodies[0].rows].map((row) => Number(row.cells[4].dataset.v))"
            assert head.get_attribute("aria-sort") == "none"
            head.get_by_role("button").click()
            assert head.get_attribute("aria-sort") == "descending"
            found = one.run(values)
            assert found == sorted(found, reverse=True)
            tab.keyboard.press("Enter")  # the button still has the focus
            assert head.get_attribute("aria-sort") == "ascending"
            assert one.run(values) == sorted(found)
            assert one.first_cells("Anchors")[0].startswith("running shoes")
            tab.keyboard.press("Tab")
            tab.keyboard.press("Space")
            assert table.get_by_role("columnheader", name="Why", exact=True).get_attribute("aria-sort") == "ascending"
            assert head.get_attribute("aria-sort") == "none"
            seen = table.get_by_role("columnheader", name="First seen", exact=True)
            seen.get_by_role("button").click()
            last = one.run(f"{links}.tBodies[0].rows[119].cells[7].textContent")
            assert last == "–"  # what is not known comes last, whichever way it is sorted

            field = tab.get_by_role("searchbox", name="Find words")
            field.focus()
            tab.keyboard.type("ÉMOJI")
            assert [" ".join(cell.split())[-10:] for cell in one.first_cells("Anchors")] == [
                " ".join(shown(HOSTILE[9]).split())[-10:]
            ]
            assert tab.get_by_role("status").filter(has_text="1 of 120 anchors").count() == 1
            field.fill("")
            tab.get_by_role("combobox", name="Class").select_option("naked URL")
            classes = set(table.locator("tbody tr:visible > :nth-child(2)").all_inner_texts())
            assert classes == {"naked URL"}
            field.fill("no such words")
            assert one.first_cells("Anchors") == []
            quiet(one, file)

    def test_nothing_is_wrong_for_those_who_cannot_see_or_point(browser: Browser, tmp_path: Path) -> None:
        file = tmp_path / "report.html"
        file.write_text(page(plain(report(26))), encoding="utf-8")
        with opened(browser, file) as one:
            one.page.keyboard.press("Tab")
            assert one.run("document.activeElement.textContent") == "Skip to the report"
            one.page.keyboard.press("Enter")
            assert one.run("document.activeElement.id") == "main"
            assert faults(one) == []
        with opened(browser, file, scheme="dark", size=(390, 844)) as one:
            assert one.run("document.documentElement.scrollWidth") == 390  # nothing sticks out
            assert faults(one) == []

    def faults(one: Opened) -> list[tuple[str, str, str]]:
        """What axe-core finds that is serious or critical."""
        found = Axe().run(one.page).response["violations"]
        return [
            (fault["impact"], fault["id"], fault["nodes"][0]["html"][:300])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]

    def test_without_scripts_every_row_is_there(browser: Browser, file: Path) -> None:
        with opened(browser, file, scripts=False) as one:
            assert one.page.locator("table:has(caption span:text-is('Anchors')) tbody tr:visible").count() == 120
            assert one.page.locator("[data-chart]:visible").count() == 0
            assert one.page.get_by_role("button").count() == 0
            assert one.requests == [file.as_uri()]
