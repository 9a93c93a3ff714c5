"""Chromium without a window, for pages that are judged as they are seen."""

from __future__ import annotations

import shutil

import pytest

SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--disable-default-apps", "--window-size=1200,900",
)  # fmt: skip


def found(*names):
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium without a window, whose requests and console are recorded."""
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="selenium is not installed", exc_type=ImportError
    )
    from selenium.webdriver.chrome.service import Service

    chromium = found("chromium", "chromium-browser", "google-chrome")
    driver = found("chromedriver", "chromium.chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium with its chromedriver is installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()
