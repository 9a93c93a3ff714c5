"""The report driven in a browser: what it shows is what is computed."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

pytest.importorskip("selenium", reason="selenium is not installed", exc_type=ImportError)

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from test_report import EVIL_FRAME, EVIL_METHOD, brute_force, draw, study_of

from mdmkit.plots import OVERLAY
from mdmkit.report import build_report

pytestmark = pytest.mark.slow

PATIENCE = 120  # seconds, on a busy machine


@pytest.fixture(scope="module", params=["uint8", "float32"])
def opened(request, browser, tmp_path_factory):
    """The report in the browser, its first frame painted."""
    folder = tmp_path_factory.mktemp(request.param)
    report = build_report(study_of(folder, draw(folder, request.param)), most=3)
    path = folder / "report.html"
    path.write_text(report.render(), encoding="utf-8")
    browser.get(path.as_uri())
    wait(browser, "return document.body.dataset.frame === '0'")
    yield browser, report, path
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    # the browser's own pages ask for things too
    urls = {each["request"]["url"] for each in asked if each["documentURL"] == path.as_uri()}
    assert path.as_uri() in urls  # else nothing was recorded
    left = {url for url in urls if not url.startswith(("data:", "blob:"))} - {path.as_uri()}
    assert not left
    console = [e for e in browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
    assert not console


def wait(browser, condition):
    WebDriverWait(browser, PATIENCE, poll_frequency=0.05).until(
        lambda b: b.execute_script(condition)
    )


def shown_counts(browser):
    """TP, FP, FN of each method in the table, and d."""
    rows = browser.execute_script(
        "return [...document.querySelectorAll('#counts tbody tr')]"
        ".map(r => [...r.cells].slice(1, 5).map(c => c.textContent))"
    )
    return [(d, tuple(int(n.replace(",", "")) for n in counts)) for d, *counts in rows]


def painted_counts(browser, canvas):
    """Pixels of each colour of a canvas, once the page has painted."""
    painted = "const c = document.getElementById('counts').dataset; return c.painted === c.z"
    wait(browser, painted)
    rgba = browser.execute_script(
        "const c = document.getElementById(arguments[0]);"
        "return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]",
        canvas,
    )
    colours = np.array(rgba).reshape(-1, 4)[:, :3]
    return {
        name: int((colours == [int(hexed[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=1).sum())
        for name, hexed in OVERLAY.items()
    }


def slide(browser, z):
    browser.execute_script(
        "const s = document.getElementById('z'); s.value = String(arguments[0]);"
        "s.dispatchEvent(new Event('input', {bubbles: true}))",
        z,
    )
    return float(browser.find_element(By.ID, "counts").get_attribute("data-z"))


def test_counts_and_colours_are_the_computed_ones_at_each_threshold(opened):
    browser, report, _ = opened
    box = browser.find_element(By.ID, "beneath")
    if box.is_selected():
        browser.execute_script("arguments[0].click()", box)
    recommended = next(iter(report.jumps.values()))[1][1]
    # a tie with four pixels, a step of 8 bits, the ends, and what the margin recommends
    for z in (0.25, 128 / 255, 0.0, 1.0, 0.3, recommended):
        at = slide(browser, z)
        assert at <= z
        assert report.thresholds.values[report.thresholds.at_or_below(z)] == at
        for row, (name, (d, counts)) in enumerate(
            zip(report.study.methods, shown_counts(browser), strict=True)
        ):
            frame = report.study.frame(name, report.shown[0].key)
            tp, fp, fn = brute_force(frame, at)
            assert counts == (tp, fp, fn)
            assert d == f"{100 * 2 * tp / (2 * tp + fp + fn):.1f}"
            if report.thresholds.complete:  # then what is between two stops is there too
                assert (tp, fp, fn) == brute_force(frame, z)
            colours = painted_counts(browser, f"prediction-{row}")
            assert (colours["tp"], colours["fp"], colours["fn"]) == (tp, fp, fn)


def test_a_tie_is_not_predicted(opened):
    browser, report, _ = opened
    z = 128 / 255 if report.thresholds.complete else 0.25
    frame = report.study.frame(EVIL_METHOD, report.shown[0].key)
    assert slide(browser, z) == z
    tie = shown_counts(browser)[0][1]
    browser.find_element(By.ID, "z").send_keys(Keys.ARROW_LEFT)
    below = shown_counts(browser)[0][1]
    at = float(browser.find_element(By.ID, "counts").get_attribute("data-z"))
    assert at < z
    assert below == brute_force(frame, at)
    assert sum(below[:2]) - sum(tie[:2]) >= 4


def test_the_slider_obeys_the_keyboard_and_says_where_it_is(opened):
    browser, report, _ = opened
    slide(browser, 0.5)
    slider = browser.find_element(By.ID, "z")
    stops = report.thresholds.values.tolist()
    start = report.thresholds.at_or_below(0.5)
    for key, step in ((Keys.ARROW_RIGHT, 1), (Keys.PAGE_UP, 11), (Keys.ARROW_DOWN, 10)):
        slider.send_keys(key)
        at = float(browser.find_element(By.ID, "counts").get_attribute("data-z"))
        assert at == stops[start + step]
        assert float(slider.get_attribute("aria-valuetext")) == pytest.approx(at, abs=1e-4)
    spoken = "document.getElementById('spoken').textContent"
    wait(browser, f"return {spoken}.startsWith('z {slider.get_attribute('aria-valuetext')}. ')")
    said = browser.find_element(By.ID, "spoken").get_attribute("textContent")
    tp, fp, fn = shown_counts(browser)[1][1]
    assert f"TP {tp}, FP {fp}, FN {fn}" in said


def test_the_table_sorts_by_the_better_end_first_and_back(opened):
    browser, report, _ = opened
    table = browser.find_element(By.CSS_SELECTOR, "table.sortable")
    headings = table.find_elements(By.CSS_SELECTOR, "thead th")
    for place, key, orders in (
        (1, "ap", ("descending", "ascending", None)),
        (2, "fpr95", ("ascending", "descending", None)),
    ):
        button = headings[place].find_element(By.TAG_NAME, "button")
        given = [100 * result[key] for result in report.study.comparison.results]
        for order in orders:
            if order == "descending":
                browser.execute_script("arguments[0].click()", button)
            else:
                button.send_keys(Keys.ENTER)
            assert headings[place].get_attribute("aria-sort") == order
            cells = table.find_elements(By.CSS_SELECTOR, f"tbody td:nth-child({place + 1})")
            shown = [float(cell.get_attribute("textContent")) for cell in cells]
            expected = given if order is None else sorted(given, reverse=order == "descending")
            assert shown == pytest.approx(expected, abs=0.051)


def test_each_method_is_drawn_at_its_own_threshold(opened):
    browser, report, _ = opened
    box = browser.find_element(By.ID, "beneath")
    if box.is_selected():
        browser.execute_script("arguments[0].click()", box)
    slide(browser, 0.5)
    key = browser.find_element(By.ID, "frame-title").text
    for row, (name, (_, z)) in enumerate(zip(report.study.methods, report.own, strict=True)):
        tp, fp, fn = brute_force(report.study.frame(name, key), z)
        colours = painted_counts(browser, f"own-{row}")
        assert (colours["tp"], colours["fp"], colours["fn"]) == (tp, fp, fn)
        cells = browser.find_elements(By.CSS_SELECTOR, f"#counts tbody tr:nth-child({row + 1}) td")
        assert float(cells[-2].text) == pytest.approx(z, abs=1e-4)
        assert cells[-1].text == f"{100 * 2 * tp / (2 * tp + fp + fn):.1f}"


def test_the_histogram_has_the_shares_of_each_class(opened):
    browser, report, _ = opened
    key = browser.find_element(By.ID, "frame-title").text
    frame = report.study.frame(EVIL_METHOD, key)
    unit = 255 if frame.scores.dtype == np.uint8 else 1
    expected = {}
    for value, name in ((1, "anomalous-scores"), (0, "normal-scores")):
        scores = frame.scores[frame.valid & (frame.classes == value)].astype(np.float64) / unit
        bins = np.clip(np.ceil(scores * 50 - 1e-9) - 1, 0, 49).astype(int)
        expected[name] = np.bincount(bins, minlength=50) / scores.size
    most = max(shares.max() for shares in expected.values())
    for name, shares in expected.items():
        path = browser.find_element(By.ID, name).get_attribute("d")
        heights = [float(y) for y in re.findall(r"V([\d.]+)H", path)]
        assert heights == pytest.approx(40 - 38 * np.sqrt(shares / most), abs=0.011)


def test_frames_and_objects_are_sorted_and_filtered_by_size(opened):
    browser, report, _ = opened
    sizes = {shown.key: shown.objects.sizes for shown in report.shown}
    largest = max(max(each) for each in sizes.values())

    def listed():
        items = browser.find_elements(By.CSS_SELECTOR, ".list li:not([hidden]) span:first-child")
        return [item.text for item in items]

    def rows():
        cells = browser.find_elements(By.CSS_SELECTOR, "#objects tbody tr td:nth-child(2)")
        return [int(cell.get_attribute("textContent").replace(",", "")) for cell in cells]

    given = listed()
    select(browser, "frame-order", "largest")
    assert listed() == sorted(sizes, key=lambda key: -max(sizes[key]))
    assert rows() == sorted((o["size"] for o in report.objects), reverse=True)
    write(browser, "size-from", str(largest))
    assert listed() == [key for key in sizes if max(sizes[key]) >= largest]
    assert rows() == [largest] * sum(o["size"] == largest for o in report.objects)
    write(browser, "size-from", "")
    select(browser, "frame-order", "hardest")
    assert listed() == given
    at = slide(browser, 0.5)
    stop = report.thresholds.at_or_below(at)
    found = sum(o["found"][0] > stop for o in report.objects)
    said = browser.find_element(By.ID, "objects-found").text
    assert f": {EVIL_METHOD} {found}," in said
    select(browser, "missed-by", "0")
    assert len(rows()) == len(report.objects) - found
    select(browser, "missed-by", "")


def select(browser, element, value):
    browser.execute_script(
        "const s = document.getElementById(arguments[0]); s.value = arguments[1];"
        "s.dispatchEvent(new Event('change', {bubbles: true}))",
        element,
        value,
    )


def write(browser, element, value):
    browser.execute_script(
        "const s = document.getElementById(arguments[0]); s.value = arguments[1];"
        "s.dispatchEvent(new Event('input', {bubbles: true}))",
        element,
        value,
    )


def test_a_wide_table_says_that_it_goes_on(opened):
    browser, _, _ = opened
    try:
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True},
        )
        wait(browser, "return document.querySelector('.scroll.more') !== null")
        page = "return document.documentElement.scrollWidth <= window.innerWidth"
        assert browser.execute_script(page)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_frames_are_chosen_by_key_and_their_names_are_text(opened):
    browser, report, _ = opened
    index = [shown.key for shown in report.shown].index(EVIL_FRAME)
    browser.find_elements(By.CSS_SELECTOR, ".list button")[index].send_keys(Keys.ENTER)
    wait(browser, f"return document.body.dataset.frame === '{index}'")
    assert browser.find_element(By.ID, "frame-title").text == EVIL_FRAME
    assert browser.execute_script("return window.hacked === undefined")
    at = slide(browser, 0.3)
    for name, (_, counts) in zip(report.study.methods, shown_counts(browser), strict=True):
        assert counts == brute_force(report.study.frame(name, EVIL_FRAME), at)
    titles = browser.execute_script("return document.title")
    assert titles.startswith(EVIL_METHOD)


def test_everything_has_a_name_for_screen_readers(opened):
    browser, _, _ = opened
    nameless = browser.execute_script(
        "return [...document.querySelectorAll('input,button,canvas,svg[role=img]')]"
        ".filter(e => !e.getAttribute('aria-label') && !e.textContent.trim())"
        ".filter(e => !(e.labels && e.labels.length))"
        ".map(e => e.outerHTML)"
    )
    assert nameless == []
    assert not re.search(r"\sstyle=", browser.page_source)


def test_a_report_of_means_over_images_has_its_spread_and_the_slider(browser, tmp_path):
    study = study_of(tmp_path, draw(tmp_path, "float32"), aggregate="per_image")
    report = build_report(study, most=3)
    path = tmp_path / "report.html"
    path.write_text(report.render(), encoding="utf-8")
    browser.get(path.as_uri())
    wait(browser, "return document.body.dataset.frame === '0'")
    titles = [e.text for e in browser.find_elements(By.CSS_SELECTOR, "table.sortable caption")]
    assert titles[-1] == "Over images, %: median [quartiles]"
    assert "Recommended threshold [margin)" not in titles
    spread = browser.find_elements(By.CSS_SELECTOR, "table.sortable")[-1]
    heading = spread.find_elements(By.CSS_SELECTOR, "thead button")[1]
    browser.execute_script("arguments[0].click()", heading)
    cells = spread.find_elements(By.CSS_SELECTOR, "tbody td:nth-child(2)")
    medians = [result.numbers["ap"].images.median for result in study.comparison.results]
    assert [float(cell.text.split()[0]) for cell in cells] == pytest.approx(
        sorted((100 * median for median in medians), reverse=True), abs=0.051
    )
    assert not browser.find_elements(By.CSS_SELECTOR, ".charts")
    browser.execute_script("document.getElementById('beneath').click()")
    at = slide(browser, 0.3)
    for row, (name, (_, counts)) in enumerate(
        zip(study.methods, shown_counts(browser), strict=True)
    ):
        assert counts == brute_force(study.frame(name, report.shown[0].key), at)
        colours = painted_counts(browser, f"prediction-{row}")
        assert (colours["tp"], colours["fp"], colours["fn"]) == counts
    assert not [e for e in browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
