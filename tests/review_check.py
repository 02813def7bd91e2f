"""The review page in a real headless Chromium: part of `make ui-check`, see ui_check.py.

Opens the file from disk at the widths of a phone and a desk, prints it to A4, and fails on a console message, on a request
beyond the file, on a page wider than its window, and on a chart that was not drawn. How long a page takes is measured, not
judged: on a busy machine it says nothing of the page.
"""

from __future__ import annotations

import base64
import json
import statistics
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

WIDTHS = {"phone": 390, "desk": 1280}
MOST_BYTES = 5_000_000
#: Loads of which the median is the time of a page.
LOADS = 3


def check_review(browser: webdriver.Chrome, page: Path, screenshots: Path | None = None) -> dict[str, float]:
    """Check one page at every width and on paper; returns milliseconds to interactive by width (median)."""
    assert page.stat().st_size <= MOST_BYTES, f"{page} has {page.stat().st_size:,} bytes"
    ready = {}
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)  # the browser's own first tab
    for name, width in WIDTHS.items():
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 844 if width < 500 else 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        ready[name] = statistics.median(_open(browser, page) for _ in range(LOADS))
        _check_drawn(browser, name)
        _check_quiet(browser, name)
        if screenshots:
            browser.save_screenshot(str(screenshots / f"review-{name}.png"))
    _check_keyboard(browser)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    paper = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True})
    assert base64.b64decode(paper["data"]).startswith(b"%PDF")
    _check_paper(browser, screenshots)
    _check_quiet(browser, "print")
    return ready


def _open(browser: webdriver.Chrome, page: Path) -> float:
    """Open the page, wait until every chart is drawn; returns the milliseconds after which its controls answered."""
    browser.get(page.as_uri())
    WebDriverWait(browser, 60).until(lambda b: b.execute_script("return document.documentElement.dataset.drawn"))
    return float(browser.execute_script("return document.documentElement.dataset.ready"))


def _check_drawn(browser: webdriver.Chrome, name: str) -> None:
    drawn, wanted, wide, window = browser.execute_script(
        "return [document.querySelectorAll('[data-chart] svg').length, document.querySelectorAll('[data-chart]').length,"
        " document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert drawn == wanted > 0, f"{name}: {drawn} of {wanted} charts are drawn"
    assert wide <= window, f"{name}: the page is {wide} px wide in a window of {window} px"


def _check_keyboard(browser: webdriver.Chrome) -> None:
    """The first stop of the tab key is the skip link; arrow keys read cells of the grid."""
    browser.execute_script("document.body.focus()")
    browser.find_element("tag name", "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    canvas = browser.find_elements("css selector", "#heat canvas")
    if canvas:
        canvas[0].send_keys(Keys.ARROW_RIGHT)
        assert browser.find_element("id", "cell").text


def _check_paper(browser: webdriver.Chrome, screenshots: Path | None) -> None:
    """As printed: 186 mm of A4 less its margins are 703 px; nothing may be wider."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 703, "height": 1031, "deviceScaleFactor": 1, "mobile": False}
    )
    time.sleep(1)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    if screenshots:
        browser.save_screenshot(str(screenshots / "review-print.png"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide <= 703, f"print: the page is {wide} px wide on 703 px of paper"


def _check_quiet(browser: webdriver.Chrome, name: str) -> None:
    console = [entry["message"] for entry in browser.get_log("browser")]
    assert not console, f"{name}: the console says {console}"
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    outside = [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:", "chrome:"))]
    assert not outside, f"{name}: the page asks for {outside[:5]}"
