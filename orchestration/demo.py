"""`allocator demo`: real data as landing files in a fresh home, its last business dates run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.errors import UsageError
from orchestration.lock import hold_home
from orchestration.publishing.current import read_current
from orchestration.settings import Home, code_version

log = logging.getLogger("allocator")

FRESHRETAIL, ONLINE_RETAIL = "freshretail", "online-retail"
#: What `--data` takes; the first is what a fresh home gets without it.
DATA = (FRESHRETAIL, ONLINE_RETAIL)

ABOUT = {
    FRESHRETAIL: """What this is: FreshRetailNet-50K (17 stores x 170 SKUs, real sales and stock-out hours; CC BY 4.0, Dingdong Inc.).
Prices, costs, the DC, the e-com location and all supply are simulated on top: results are a replay, not a retailer's.""",
    ONLINE_RETAIL: """What this is: UCI Online Retail (541,909 real invoice lines of one web shop; CC0, credit Dr Daqing Chen).
Dispositions of returns are simulated, costs and reason codes derived. The source holds no stock: books are unopened,
on_hand is net movements, and without a DC there is nothing to allocate.""",
}
NEXT_STEPS = """
{about}

Look at next (home: {home}):
  allocator status --home {home}
  allocator explain --home {home} --date {day} --sku {sku} --location {location}
  allocator quarantine --home {home}
  allocator ui --home {home}          lineage, checks and runs in the browser
  {home}/reports/business_date={day}/review.html   the day's review page, and its workbook beside it
  {home}/published/allocator.duckdb   every published table, for SQL and BI
"""
# The largest need that was met in part; without any need (no DC) the article that sells most.
_WORTH_A_LOOK = """
SELECT sku_id, to_location_id FROM (
    SELECT sku_id, to_location_id, 1 AS choice, (allocated_units > 0 AND shorted_units > 0)::INTEGER AS is_mixed, need_units::DOUBLE AS size
    FROM allocation_needs WHERE business_date = $day
    UNION ALL
    SELECT sku_id, location_id, 2, 0, daily_mean FROM inventory_positions WHERE business_date = $day
) ORDER BY choice, is_mixed DESC, size DESC, sku_id, to_location_id LIMIT 1
"""


@dataclass(frozen=True)
class _Demo:
    """One demo: the dates it runs and what puts its files into a home."""

    run_dates: tuple[date, ...]
    prepare: Callable[[Home], None]


def run_demo(home: Home, data: str | None = None) -> int:
    """Make or resume the demo of `data` (None: what the home holds, else the default).

    UsageError (exit 2) on a home that holds anything else.
    """
    data = _claim(home, data)
    with hold_home(home, "allocator demo"):
        from orchestration.run_line import report_line
        from orchestration.runner import run_dates

        demo = _demo(data)
        demo.prepare(home)
        current = read_current(home.published)
        done = current.decided() if current else set()
        for day in demo.run_dates:
            if day in done:
                log.info("%s  already published", day)
                continue
            (report,) = run_dates(home, day)
            log.info(report_line(home, report))
            for warning in report.session.warnings:
                log.info("  note: %s", warning)
    log.info(_next_steps(home, data, demo.run_dates[-1]))
    return 0


def _demo(data: str) -> _Demo:
    if data == ONLINE_RETAIL:
        from allocation_assets.demo_world.online_retail import RUN_DATES

        return _Demo(RUN_DATES, _land_online_retail)
    from allocation_assets.demo_world import DEMO_RUN_DATES

    return _Demo(DEMO_RUN_DATES, _land_freshretail)


def _land_freshretail(home: Home) -> None:
    from allocation_assets.demo_world import policy_text, write_landing

    log.info("demo: writing the landing files of 90 days")
    write_landing(home.landing)
    _add_policy(home, "freshretail.yaml", policy_text())


def _land_online_retail(home: Home) -> None:
    from allocation_assets.demo_world import write_landing
    from allocation_assets.demo_world.online_retail import build_online_retail, policy_text

    log.info("demo: writing the landing files of 305 days")
    world = build_online_retail()
    write_landing(home.landing, world=world)
    _add_policy(home, "online-retail.yaml", policy_text())
    counts = ", ".join(f"{rows.table.num_rows} as {feed}" for feed, rows in world.transactions.items())
    log.info("demo: invoice lines landed: %s; %d repeat a line word for word and stand as lines", counts, world.repeats)


def _add_policy(home: Home, name: str, text: str) -> None:
    """Put a policy file into the home, unless it is there (and perhaps edited) already."""
    if not (home.policies / name).exists():
        home.policies.mkdir(parents=True, exist_ok=True)
        _write_whole(home.policies / name, text)


def _write_whole(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _claim(home: Home, data: str | None) -> str:
    """Mark the home as this demo's before anything else is written, so that a killed demo can be resumed."""
    if home.demo_marker.exists():
        held = json.loads(home.demo_marker.read_text(encoding="utf-8")).get("data", FRESHRETAIL)
        if data not in (None, held):
            raise UsageError(f"home {home.root} holds the demo of {held}: give --data {held} or a fresh --home")
        return held
    if home.root.exists() and not home.root.is_dir():
        raise UsageError(f"{home.root} is not a folder: give another --home")
    foreign = (
        next((p for p in home.root.rglob("*") if p.is_file() and p != home.lock_file), None)
        if home.root.exists()
        else None
    )
    if foreign:
        raise UsageError(
            f"home {home.root} is not empty and not a demo ({foreign.relative_to(home.root)}): give a fresh --home"
        )
    home.private.mkdir(parents=True, exist_ok=True)
    data = data or FRESHRETAIL
    body = {"made_by": "allocator demo", "data": data, "code_version": code_version()}
    _write_whole(home.demo_marker, json.dumps(body))
    return data


def _next_steps(home: Home, data: str, day: date) -> str:
    import duckdb

    with duckdb.connect(str(home.published / "allocator.duckdb"), read_only=True) as connection:
        row = connection.execute(_WORTH_A_LOOK, {"day": day}).fetchone()
    shown = home.root.relative_to(Path.cwd()) if home.root.is_relative_to(Path.cwd()) else home.root
    return NEXT_STEPS.format(about=ABOUT[data], home=shown, day=day, sku=row[0], location=row[1])
