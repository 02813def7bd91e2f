"""`make ui-check`: the Dagster UI and the review page of a home, in a real headless Chromium.

Starts `allocator ui` on a free port, opens the lineage page, waits until the graph shows the way from feeds to
published datasets, and saves the screenshot that the docs show. Then opens the home's review page and one of a chain of
1,000 stores by 50 departments from disk, without the server (review_check.py). Last it does what ops do, on a home of its own:
a backfill from the UI, an asset's page, a failed check (ops_check.py).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from allocation_assets.reporting.page import render_page
from allocation_assets.reporting.picture import read_picture
from orchestration.publishing.current import read_current
from orchestration.report import chart_runtime, column_docs, read_date, write_page
from orchestration.settings import Home
from tests.ops_check import check_operations, picture, wait_for_text
from tests.review_check import check_review
from tests.support.review_world import DAY, large

ROOT = Path(__file__).resolve().parent.parent
SCREENSHOT = ROOT / "docs" / "images" / "asset-graph.png"
#: Left to right: what the graph must show, one group per stage.
GROUPS = ("feeds", "staging", "inventory", "decisions", "kpi", "published")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1800,1300",
)


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, seconds: int = 120) -> None:
    """Wait until the web server answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except OSError:
            time.sleep(1)
    raise TimeoutError(f"{url} did not answer within {seconds} s")


def open_browser(profile: str) -> webdriver.Chrome:
    """Debian's Chromium with an empty profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def check_lineage(browser: webdriver.Chrome, url: str) -> None:
    """Open the global lineage and require every stage's group in it; then one asset's page."""
    browser.get(f"{url}/asset-groups/")
    for group in GROUPS:
        wait_for_text(browser, group)
    picture(browser, SCREENSHOT)
    browser.get(f"{url}/assets/published/allocations")
    wait_for_text(browser, "Contract: published.md")


def check_pages(browser: webdriver.Chrome, home: Home, scratch: Path) -> dict[str, float]:
    """The newest date's page of the home, which gives the screenshots of the docs, and the page of a chain."""
    newest = date.fromisoformat(read_current(home.published).business_date)
    for is_weekly in (True, False):
        page = write_page(home, read_date(home, newest, is_weekly=is_weekly))
        check_review(browser, page, None if is_weekly else SCREENSHOT.parent)
    chain = scratch / "chain.html"
    with duckdb.connect() as connection:
        large(connection)
        chain.write_text(render_page(read_picture(connection, DAY, definitions=column_docs()), chart_runtime()))
    return check_review(browser, chain)


@contextmanager
def serving(home: Home) -> Iterator[str]:
    """`allocator ui` of a home on a free port, until the block ends; gives its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "orchestration.cli", "ui", "--home", str(home.root), "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"{url}/server_info")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def main() -> int:
    """Run the check against $UI_HOME (default ./home)."""
    home = Home.at(os.environ.get("UI_HOME") or "home")
    if read_current(home.published) is None:
        print(f"ui-check: {home.root} holds no release: `make run` makes one, or name another home with UI_HOME=...", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        browser = open_browser(f"{folder}/profile")
        try:
            with serving(home) as url:
                check_lineage(browser, url)
            ready = check_pages(browser, home, Path(folder))
            done = check_operations(browser, serving, Path(folder), SCREENSHOT.parent)
        finally:
            browser.quit()
    print(f"ui-check: groups {', '.join(GROUPS)} are in the graph; screenshot {SCREENSHOT.relative_to(ROOT)}")
    print(f"ui-check: the review page is quiet at every width and on paper; a chain's is interactive after {ready} ms")
    print(f"ui-check: {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
