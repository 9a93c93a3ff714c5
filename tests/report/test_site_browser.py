"""The leaderboard in a browser: it asks for nothing, fits narrow screens, and sorts."""

from __future__ import annotations

import json

import pytest
from test_site import EVIL, THREE, frames, saved

from mdmkit.report.site import build_site, find_results, write_site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """The pages of a site by name, and the browser; nothing else was asked for, nothing broke."""
    folder = tmp_path_factory.mktemp("site")
    saved(folder / "results" / "streets.json", THREE, published="roadanomaly")
    two = {"strong": frames(0.3, 5), "weak": frames(1.0, 5)}
    saved(folder / "results" / "fields.json", two, intervals=False)
    write_site(build_site(find_results([str(folder / "results")])), folder / "site")
    yield browser, {path.stem: path.as_uri() for path in (folder / "site").glob("*.html")}
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    ours = {a["request"]["url"] for a in asked if a["documentURL"].startswith(folder.as_uri())}
    assert ours
    assert all(url.partition("#")[0].endswith(".html") for url in ours)
    assert not [e for e in browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("page", ["index", "streets", "fields"])
def test_pages_fit_the_window(opened, page, width):
    browser, addresses = opened
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(addresses[page])
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return window.hacked") is None


def test_headings_sort(opened):
    browser, addresses = opened
    browser.get(addresses["streets"])
    names = (
        "return [...document.querySelectorAll('table')[0].tBodies[0].rows]"
        ".map(row => row.cells[0].textContent.trim())"
    )
    click = "document.querySelectorAll('table')[0].tHead.rows[0].cells[arguments[0]]" \
            ".querySelector('button').click()"  # fmt: skip
    browser.execute_script(click, 4)  # the margin, the largest first
    assert browser.execute_script(names) == ["strong", EVIL, "weak"]
    browser.execute_script(click, 4)
    assert browser.execute_script(names) == ["weak", EVIL, "strong"]
