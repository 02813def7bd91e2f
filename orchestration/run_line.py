"""Lines that the command line prints about a published date."""

from __future__ import annotations

import duckdb

from orchestration.publishing.release import DATABASE
from orchestration.runner import DateReport
from orchestration.settings import Home

_FIGURES = """
SELECT s.objective_value, s.objective_bound, s.optimality_gap, s.allocation_lines,
       (SELECT coalesce(sum(units), 0) FROM allocations WHERE business_date = $day) AS units,
       (SELECT coalesce(sum(shorted_units), 0) FROM allocation_needs WHERE business_date = $day) AS shorted,
       s.rows_quarantined
FROM run_summary AS s WHERE s.business_date = $day
"""


def report_line(home: Home, report: DateReport) -> str:
    """One line per published date: the plan, how near the best it is, and what was quarantined."""
    with duckdb.connect(str(home.published / DATABASE), read_only=True) as connection:
        row = connection.execute(_FIGURES, {"day": report.business_date}).fetchone()
    value, bound, gap, lines, units, shorted, quarantined = row
    gap_text = "no decision to bound" if gap is None else f"gap {gap:.4%}"
    return (
        f"{report.business_date}  published in {report.seconds:.1f} s: {lines} lines, {units} units, {shorted} units of need unmet;"
        f" value {value:,.2f} of at most {bound:,.2f} ({gap_text}); {quarantined} rows quarantined"
    )
