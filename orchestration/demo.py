"""`allocator demo`: real demand with simulated supply in a fresh home, its last business dates run."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from orchestration.errors import UsageError
from orchestration.lock import hold_home
from orchestration.publishing.current import read_current
from orchestration.settings import Home, code_version

log = logging.getLogger("allocator")

NEXT_STEPS = """
What this is: FreshRetailNet-50K (17 stores x 170 SKUs, real sales and stock-out hours; CC BY 4.0, Dingdong Inc.).
Prices, costs, the DC, the e-com location and all supply are simulated on top: results are a replay, not a retailer's.

Look at next (home: {home}):
  allocator status --home {home}
  allocator explain --home {home} --date {day} --sku {sku} --location {location}
  allocator quarantine --home {home}
  allocator ui --home {home}          lineage, checks and runs in the browser
  {home}/published/allocator.duckdb   every published table, for SQL and BI
"""


def run_demo(home: Home) -> int:
    """Make or resume the demo; UsageError (exit 2) on a home that holds anything else."""
    _claim(home)
    with hold_home(home, "allocator demo"):
        from allocation_assets.demo_world import DEMO_RUN_DATES, write_landing
        from orchestration.report import report_line
        from orchestration.runner import run_dates

        log.info("demo: writing the landing files of 90 days")
        write_landing(home.landing)
        current = read_current(home.published)
        done = current.decided() if current else set()
        for day in DEMO_RUN_DATES:
            if day in done:
                log.info("%s  already published", day)
                continue
            (report,) = run_dates(home, day)
            log.info(report_line(home, report))
            for warning in report.session.warnings:
                log.info("  note: %s", warning)
    log.info(_next_steps(home, DEMO_RUN_DATES[-1]))
    return 0


def _claim(home: Home) -> None:
    """Mark the home as the demo's before anything else is written, so that a killed demo can be resumed."""
    if home.demo_marker.exists():
        return
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
    part = home.demo_marker.with_suffix(".part")
    part.write_text(json.dumps({"made_by": "allocator demo", "code_version": code_version()}))
    part.replace(home.demo_marker)


def _next_steps(home: Home, day) -> str:
    import duckdb

    with duckdb.connect(str(home.published / "allocator.duckdb"), read_only=True) as connection:
        row = connection.execute(
            """SELECT sku_id, to_location_id FROM allocation_needs
               WHERE business_date = $day ORDER BY allocated_units > 0 AND shorted_units > 0 DESC, need_units DESC, sku_id, to_location_id LIMIT 1""",
            {"day": day},
        ).fetchone() or ("SKU", "LOCATION")
    shown = home.root.relative_to(Path.cwd()) if home.root.is_relative_to(Path.cwd()) else home.root
    return NEXT_STEPS.format(home=shown, day=day, sku=row[0], location=row[1])
