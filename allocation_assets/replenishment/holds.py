"""Which orders wait for approval, which somebody has decided, and how a waiting order stays what was asked about. Pure.

An order that overruns the open-to-buy of its department's month, or the storage of its location, is `pending`: what brings least
waits (`budget`). What waits for money takes no room; storage is shared out over the rest, by benefit a unit. The date after decides it again, on days
without review too, with the approvals that came in between:

- approved: it goes out, whatever the limits say, and is charged first;
- rejected: it stays so for as long as what held it is planned as it was (`held_under`): not asked again;
- neither: it is pending or, where it fits by now, `auto`.

Once somebody has approved it, and on days without review, it orders at most the units that waited (`held_units`): what a
location has come to need since is a proposal of its next review.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.reconciliation.frames import run_query
from allocation_assets.replenishment.problem import UNLIMITED, ReplenishmentProblem
from allocation_assets.tables import floats, integers, texts, truths

#: Lines with the budget and the place that they are charged to and what became of them, in the order in which ties are broken. Money in cents.
_CHARGED = """
WITH budgets AS (
    SELECT department, month, (row_number() OVER (ORDER BY department, month) - 1)::BIGINT AS budget,
        format('open-to-buy of {} in {}, {:.2f} planned', department, strftime(month, '%Y-%m'), planned::DOUBLE) AS budget_name
    FROM open_to_buy
),
places AS (
    SELECT location_id, (row_number() OVER (ORDER BY location_id) - 1)::BIGINT AS place, format('storage of {}, {} units', location_id, capacity) AS place_name
    FROM space
),
charged AS (
    SELECT l.from_id AS supplier_id, l.location_id, l.sku_id, l.department, l.expected_date, l.units, l.expected_benefit,
        round(l.units * l.unit_price * 100)::BIGINT AS cents, b.budget, b.budget_name, p.place, p.place_name, w.status, w.held_under AS was_held_under,
        w.held_reason AS was_held_for, coalesce(w.is_decided, false) AS is_decided
    FROM lines AS l
    LEFT JOIN budgets AS b ON l.is_purchase AND l.ownership = 'owned' AND b.department = l.department
        AND b.month = date_trunc('month', l.expected_date)
    LEFT JOIN places AS p ON p.location_id = l.location_id
    LEFT JOIN waiting AS w ON w.supplier_id = l.from_id AND w.location_id = l.location_id AND w.sku_id = l.sku_id
)
SELECT *, coalesce(status = 'approved', false) AS is_approved,
    coalesce(status = 'rejected' AND (is_decided OR was_held_under = budget_name OR was_held_under = place_name), false) AS is_rejected
FROM charged ORDER BY sku_id, location_id, supplier_id
"""
_HELD = """
SELECT supplier_id, location_id, sku_id,
    CASE WHEN is_approved THEN 'approved' WHEN is_rejected THEN 'rejected' ELSE 'pending' END AS approval_status,
    coalesce(is_approved OR is_rejected OR status = 'pending', false) AS is_continued,
    CASE WHEN is_approved OR is_rejected THEN was_held_for
        WHEN is_over_budget
            THEN format('open-to-buy of {} in {} is overrun by {:.2f}', department, strftime(expected_date, '%Y-%m'), overrun_cents / 100)
        ELSE format('storage of {} is overrun by {} units', location_id, units_over)
    END AS held_reason,
    CASE WHEN is_approved OR is_rejected THEN was_held_under WHEN is_over_budget THEN budget_name ELSE place_name END AS held_under,
    CASE WHEN is_over_budget THEN overrun_cents / 100 END AS overrun, CASE WHEN is_over_space THEN units_over END AS overrun_units
FROM charged WHERE is_approved OR is_rejected OR is_over_budget OR is_over_space ORDER BY supplier_id, location_id, sku_id
"""


def hold_lines(lines: pa.Table, open_to_buy: pa.Table, space: pa.Table, waiting: pa.Table) -> pa.Table:
    """Lines that are held, approved or rejected, one row each: status, what holds them, overrun in money or units.

    lines: `frames.order_table`; open_to_buy, space, waiting: as `queries` gives them. Charged at retail on the month of the expected
    date, purchases of owned stock alone; the lines that bring most per money first, ties by item and location. Departments
    and months without a budget hold nothing, nor do locations without a storage capacity. is_continued: the row of `waiting` is about the same proposal.
    """
    charged = run_query(_CHARGED, {"lines": lines, "open_to_buy": open_to_buy, "space": space, "waiting": waiting})
    left = np.rint(floats(open_to_buy.sort_by([("department", "ascending"), ("month", "ascending")]), "open_to_buy") * 100.0)
    over, overrun = _overruns(charged, integers(charged, "budget", -1), integers(charged, "cents"), left.astype(np.int64))
    charged = charged.append_column("is_over_budget", pa.array(over)).append_column("overrun_cents", pa.array(overrun))
    place = np.where(over, -1, integers(charged, "place", -1))
    full, units = _overruns(charged, place, integers(charged, "units"), integers(space.sort_by("location_id"), "left_units"))
    charged = charged.append_column("is_over_space", pa.array(full)).append_column("units_over", pa.array(units))
    return run_query(_HELD, {"charged": charged})


def _overruns(lines: pa.Table, group: np.ndarray, value: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(held (n,), overrun (n,)) of lines (n,) in what their group (-1 = none) has left (k,): approved ones use it first, rejected none."""
    # Compiled on import: kept out of the definitions (tests/unit/test_architecture.py).
    from allocation_assets.replenishment.budget import hold_over_budget

    held, overrun = np.zeros(len(value), bool), np.zeros(len(value), np.int64)
    approved = truths(lines, "is_approved") & (group >= 0)
    left = left.copy()
    np.subtract.at(left, group[approved], value[approved])
    at = np.flatnonzero((group >= 0) & ~truths(lines, "is_approved") & ~truths(lines, "is_rejected"))
    held[at], overrun[at], _ = hold_over_budget(value[at], floats(lines, "expected_benefit")[at], group[at], left)
    return held, overrun


def waiting_rows(pairs: pa.Table, waiting: pa.Table) -> np.ndarray:
    """Row of `waiting` (n,) that is about each pair, -1 = none."""
    keys = [
        pc.binary_join_element_wise(*(table[name].cast(pa.string()) for name in names), "|")
        for table, names in (
            (pairs, ("from_id", "location_id", "sku_id")),
            (waiting, ("supplier_id", "location_id", "sku_id")),
        )
    ]
    return pc.index_in(keys[0], keys[1].combine_chunks()).fill_null(-1).to_numpy().astype(np.int64)


def hold_down(
    problem: ReplenishmentProblem, waiting: pa.Table, rows: np.ndarray, is_review_day: np.ndarray
) -> ReplenishmentProblem:
    """The problem of n pairs with the units of waiting orders as their most; rows (n,): of `waiting`, -1 = none."""
    units = np.append(integers(waiting, "units"), UNLIMITED)[rows]
    backed = np.append(integers(waiting, "approvals_given"), 0)[rows] > 0
    backed &= np.append(texts(waiting, "status"), "")[rows] != "rejected"
    return replace(problem, most_units=np.where((rows >= 0) & (backed | ~is_review_day), units, UNLIMITED))
