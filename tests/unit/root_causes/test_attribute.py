"""The kernel against brute force and cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from allocation_assets.root_causes.attribute import WHOLE, Evidence, remove_each, shares


def evidence(*rows) -> Evidence:
    """Rows of (case, cause, first, last, units)."""
    columns = np.array(rows, float).reshape(-1, 5).T
    return Evidence(*columns[:4].astype(np.int64), columns[4])


def test_a_unit_serves_one_unit_of_loss_within_its_days():
    """Loss 2, 3, 4. Cause 0: 5 units on days 0-1 serve 2 + 3; its 1 unit on day 2 serves 1: 6 of 9. Cause 1: 10 units on day 2
    serve 4."""
    removed = remove_each(np.array([[2.0, 3.0, 4.0]]), evidence((0, 1, 2, 2, 10), (0, 0, 0, 1, 5), (0, 0, 2, 2, 1)))
    assert removed.cause.tolist() == [0, 1] and removed.units.tolist() == [6, 4]
    assert removed.row_units.tolist() == [4, 5, 1] and removed.top_row.tolist() == [1, 0]


def test_what_lapses_first_is_used_first():
    """Loss 3 on both days; 3 units on days 0-1 and 3 on day 0 alone serve all 6 only if the latter go first."""
    assert remove_each(np.array([[3.0, 3.0]]), evidence((0, 0, 0, 1, 3), (0, 0, 0, 0, 3))).units.tolist() == [6]


@pytest.mark.parametrize("seed", range(12))
def test_no_more_could_be_removed(seed):
    """The most units that rows can serve, by linear programming: sum over days <= units, sum over rows <= loss."""
    rng = np.random.default_rng(seed)
    days, rows = 5, 7
    loss = rng.integers(0, 6, (2, days)).astype(float)
    first = rng.integers(0, days, rows)
    facts = Evidence(rng.integers(0, 2, rows), rng.integers(0, 2, rows), first, first + rng.integers(0, 3, rows),
                     rng.integers(0, 8, rows).astype(float))  # fmt: skip
    removed = remove_each(loss, facts)
    for case, cause, units in zip(removed.case, removed.cause, removed.units, strict=True):
        mine = np.flatnonzero((facts.case == case) & (facts.cause == cause))
        cells = [(r, d) for r in mine for d in range(days) if facts.first[r] <= d <= facts.last[r]]
        by_row = [[float(c[0] == r) for c in cells] for r in mine]
        by_day = [[float(c[1] == d) for c in cells] for d in range(days)]
        most = linprog(-np.ones(len(cells)), np.array(by_row + by_day), np.r_[facts.units[mine], loss[case]])
        assert units == pytest.approx(-most.fun, abs=1e-7)


def by_case(removed, loss, unexplained=9):
    case, cause, thousandths, _ = shares(removed, loss, unexplained)
    return {(int(c), int(k)): int(t) for c, k, t in zip(case, cause, thousandths, strict=True)}


def test_shares_add_to_exactly_one():
    """Case 0: three equal causes, 333.3 each: the odd thousandth goes to the lowest code. Case 1: 3 of 10 units explained.
    Case 2: two causes that each remove all share it. Case 3: nothing known."""
    loss = np.array([[3.0], [10.0], [4.0], [5.0]])
    rows = evidence((0, 0, 0, 0, 1), (0, 1, 0, 0, 1), (0, 2, 0, 0, 1), (1, 4, 0, 0, 3), (2, 0, 0, 0, 8), (2, 1, 0, 0, 4))
    assert by_case(remove_each(loss, rows), loss) == {
        (0, 0): 334, (0, 1): 333, (0, 2): 333, (1, 4): 300, (1, 9): 700, (2, 0): 500, (2, 1): 500, (3, 9): 1000,
    }  # fmt: skip


def test_shares_are_whole_whatever_the_figures():
    rng = np.random.default_rng(1)
    loss = rng.random((300, 4)) * rng.choice([1e-6, 1.0, 1e6], (300, 1))
    first = rng.integers(0, 4, 2000)
    facts = Evidence(rng.integers(0, 300, 2000), rng.integers(0, 8, 2000), first, np.minimum(first + 1, 3), rng.random(2000) * 10)
    case, _, thousandths, _ = shares(remove_each(loss, facts), loss, 9)
    assert np.bincount(case, thousandths).tolist() == [WHOLE] * 300 and thousandths.min() > 0


def test_no_evidence_and_no_positions():
    nothing = remove_each(np.zeros((0, 3)), evidence())
    assert [len(part) for part in shares(nothing, np.zeros((0, 3)), 9)] == [0, 0, 0, 0]
