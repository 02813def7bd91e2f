"""What ops do in the Dagster UI, done in a real browser: see a check fail, backfill two dates by clicking, read an asset's page.

Works on a tiny retailer of its own (support/tiny_world.py), whose home never ran before. Its first date comes without the
point-of-sale file and is refused; the home's operations.yaml names a command, which the refusal must reach through the daemon.
Then the file is delivered, and both landed dates are backfilled from the UI. Part of `make ui-check`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import dagster as dg
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.support.ui import WebDriverWait

from orchestration.lock import hold_home
from orchestration.partitions import BUSINESS_DATE_TAG
from orchestration.publishing.current import read_current
from orchestration.settings import Home
from tests.support.tiny_world import DATES, write_day, write_world

BACKFILLED, REFUSED = [str(day) for day in DATES[:2]], DATES[0]
FAILED_CHECK, BACKFILL = "ui-failed-check.png", "ui-backfill.png"
#: A cold code server on two slow cores; a date of the tiny retailer takes one to three minutes there.
PAGE_SECONDS, RUN_SECONDS, ALERT_SECONDS = 120, 1200, 240
_TELL = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def check_operations(
    browser: webdriver.Chrome, serving: Callable[[Home], AbstractContextManager[str]], folder: Path, images: Path
) -> str:
    """Everything above; returns what was seen in a line."""
    home, told = Home.at(folder / "home"), folder / "told"
    write_world(home.landing, DATES[:2])
    home.operations.write_text(f"alerts: {{command: ['{sys.executable}', '-c', \"{_TELL}\", '{told}']}}\n")
    with serving(home) as url, dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        _until(lambda: _is_watching(instance), PAGE_SECONDS, "the daemon does not watch for failed runs")
        refuse_a_date(home)
        check_failed_check(browser, url, images / FAILED_CHECK)
        _until(lambda: _alerts(told), ALERT_SECONDS, "the alert reached no command")
        [line] = _alerts(told)
        assert f"arrival of landing/pos: pos on {REFUSED}: no file landed" in line and "docs/runbooks/feed-missing-or-refused.md" in line, line
        write_day(home.landing, REFUSED)
        seconds = check_backfill(browser, url, home, instance, images / BACKFILL)
        check_asset_page(browser, url)
    return f"{REFUSED} refused, seen and told of; {len(BACKFILLED)} dates backfilled by clicking in {seconds:.0f} s, one behind the other"


def check_backfill(browser: webdriver.Chrome, url: str, home: Home, instance: dg.DagsterInstance, image: Path) -> float:
    """Launch a backfill of the two dates while a command holds the home; wait until it has succeeded; returns seconds."""
    holder = "a command at work"
    with hold_home(home, holder):
        start = launch_backfill(browser, url)
        _until(lambda: _has_said(instance, f"is held by {holder}"), RUN_SECONDS, "no run waited for the command")
    [backfill] = instance.get_backfills(limit=1)
    browser.get(f"{url}/runs/b/{backfill.backfill_id}")
    _until(lambda: status_of(instance, backfill.backfill_id) != "REQUESTED", RUN_SECONDS, "the backfill did not end")
    seconds = time.monotonic() - start
    assert status_of(instance, backfill.backfill_id) == "COMPLETED_SUCCESS", text_of(browser)
    wait_for_text(browser, "Status\nSucceeded")
    picture(browser, image)
    filters = dg.RunsFilter(tags={"dagster/backfill": backfill.backfill_id})
    records = sorted(instance.get_run_records(filters), key=lambda record: record.start_time or 0)
    assert [record.dagster_run.tags[BUSINESS_DATE_TAG] for record in records] == BACKFILLED
    assert all(later.start_time >= earlier.end_time for earlier, later in pairwise(records)), records
    current = read_current(home.published)
    assert current and current.run_dates == BACKFILLED, current
    return seconds


def _is_watching(instance: dg.DagsterInstance) -> bool:
    """The sensor's first tick notes down where it starts; what fails before is not told of."""
    states = [state for state in instance.all_instigator_state() if state.name == "run_failure_alert"]
    return any(state.instigator_data and state.instigator_data.cursor for state in states)


def _alerts(told: Path) -> list[str]:
    lines = told.read_text().splitlines() if told.exists() else []
    return [line for line in lines if f"daily_run of {REFUSED} failed" in line]


def launch_backfill(browser: webdriver.Chrome, url: str) -> float:
    """Choose all dates on the job's page and launch; returns the time."""
    browser.get(f"{url}/locations/orchestration/jobs/daily_run/partitions")
    click(browser, "//button[starts-with(normalize-space(), 'Materialize')]")
    wait_for_text(browser, "Partition selection")
    click(browser, "(//button[normalize-space()='All'])[last()]")  # a dialog stands at the end of the document
    wait_for_text(browser, f"{len(BACKFILLED)} partitions")
    click(browser, "//button[normalize-space()='Launch backfill' and not(@disabled)]")
    return time.monotonic()


def _has_said(instance: dg.DagsterInstance, text: str) -> bool:
    return any(text in entry.user_message for run in instance.get_runs() for entry in instance.all_logs(run.run_id))


def status_of(instance: dg.DagsterInstance, backfill_id: str) -> str:
    """The backfill's status as Dagster stores it; the page has words of its own for it."""
    backfill = instance.get_backfill(backfill_id)
    return backfill.status.value if backfill else "GONE"


def check_asset_page(browser: webdriver.Chrome, url: str) -> None:
    """The page of a published dataset: what it is, whose, its runbooks, its rows, and its picture behind a click."""
    browser.get(f"{url}/assets/published/kpi_daily")
    for text in ("Contract: published.md", "analytics", "docs/runbooks/published-is-behind.md", "newer_landed_dates", "Row count"):
        wait_for_text(browser, text)
    # The innermost of the elements that hold this text: the cell around it is wider than what can be clicked.
    click(browser, "(//tr[td[1][normalize-space()='service']]//*[starts-with(normalize-space(), '[Show')])[last()]")
    wait_for_text(browser, f"on {BACKFILLED[-1]}.")
    [chart] = browser.find_elements("xpath", "//img[starts-with(@src, 'data:image/svg+xml')]")
    assert browser.execute_script("return arguments[0].naturalWidth", chart) == 640


def refuse_a_date(home: Home) -> None:
    """Take the point-of-sale file of a date away and run it from the command, beside the open UI."""
    shutil.rmtree(home.landing / "pos" / f"business_date={REFUSED}")
    command = [sys.executable, "-m", "orchestration.cli", "run", "--date", str(REFUSED), "--home", str(home.root)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3 and "no file landed" in done.stderr, (done.returncode, done.stderr)


def check_failed_check(browser: webdriver.Chrome, url: str, image: Path) -> None:
    """The failed check's page: one sentence with what it touches, what to do first, the runbook."""
    browser.get(f"{url}/assets/landing/pos?view=checks&checkDetail=arrival")
    wait_for_text(browser, f"pos on {REFUSED}: no file landed")
    body = text_of(browser)
    said = re.search(r"it touches [\w, ]+ and \d+ more: none of them is published, published/ stays as it was\.", body)
    assert said and "Failed" in body, body
    for text in ("have the feed delivered, then run the date again", "docs/runbooks/feed-missing-or-refused.md"):
        wait_for_text(browser, text)
    picture(browser, image)


def text_of(browser: webdriver.Chrome) -> str:
    """What the page shows; nothing while it is being built anew."""
    try:
        return browser.find_element("tag name", "body").text
    except WebDriverException:
        return ""


def wait_for_text(browser: webdriver.Chrome, text: str) -> None:
    """Wait until the page shows `text`."""
    try:
        WebDriverWait(browser, PAGE_SECONDS).until(lambda _: text in text_of(browser))
    except TimeoutException:
        raise AssertionError(f"{browser.current_url} does not show {text!r} but: {text_of(browser)[:3000]}") from None


def click(browser: webdriver.Chrome, path: str) -> None:
    """Click the first element at the XPath once it can be clicked; the UI's greeting is skipped where it lies over it."""

    def clicked(_: webdriver.Chrome) -> bool:
        skip_greeting(browser)
        try:
            browser.find_element("xpath", path).click()
        except WebDriverException:
            return False
        return True

    WebDriverWait(browser, PAGE_SECONDS).until(clicked, f"{path} cannot be clicked on {browser.current_url}")


def skip_greeting(browser: webdriver.Chrome) -> None:
    """The UI greets each new browser profile once."""
    for button in browser.find_elements("xpath", "//button[normalize-space()='Skip']"):
        button.click()


def picture(browser: webdriver.Chrome, path: Path) -> None:
    """Save a screenshot of the page once it stands still: two in a row are the same."""
    skip_greeting(browser)
    seen: list[bytes] = []

    def still(_: webdriver.Chrome) -> bool:
        seen.append(browser.get_screenshot_as_png())
        return seen[-2:-1] == seen[-1:]

    WebDriverWait(browser, PAGE_SECONDS, poll_frequency=1).until(still, f"{browser.current_url} does not come to rest")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seen[-1])


def _until(is_there: Callable[[], object], seconds: int, problem: str) -> None:
    deadline = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > deadline:
            raise AssertionError(f"{problem} within {seconds} s")
        time.sleep(1)
