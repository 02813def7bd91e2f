"""The chain with known faults: it loses no unit, a lone fault is the true cause, and worlds differ by their faults alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.root_cause import SETTINGS, score
from tests.benchmarks.root_cause_world.chain import demand_of, draw_nature, run
from tests.benchmarks.root_cause_world.faults import KINDS, Fault, draw_faults
from tests.benchmarks.root_cause_world.seen import Seen, at
from tests.benchmarks.root_cause_world.truth import episodes, lost_of, removed_by_each

STORES, SKUS, DAYS = 4, 3, 40


@pytest.fixture(scope="module")
def nature():
    return draw_nature(np.random.default_rng(5), STORES, SKUS, DAYS)


def everywhere(kind: str) -> Fault:
    return Fault(kind, np.ones((STORES, SKUS), bool), 20, 27, 0.9)


def test_the_book_is_what_came_less_what_went(nature):
    """Book at the close = opening + received - sold + corrected, day by day."""
    record = run(nature, draw_faults(np.random.default_rng(6), STORES, SKUS, DAYS, 15))
    came = np.zeros(record.shape, np.int64)
    for _, t, units in record.logs["arrivals"]:
        came[t] += units
    a = record.arrays
    change = came - a["sales"] + a.get("corrected", np.zeros(record.shape, np.int64))
    assert np.array_equal(a["book"][1:], a["book"][:-1] + change[1:])
    assert (a["sales"] <= a["demand"]).all() and (a["planned"] <= a["need"]).all()


def test_demand_does_not_depend_on_other_faults(nature):
    assert np.array_equal(demand_of(nature, []), demand_of(nature, [everywhere("override")]))
    surge = everywhere("forecast_miss")
    assert (demand_of(nature, [surge]) >= demand_of(nature, [])).all() and demand_of(nature, [surge])[20:28].sum() > demand_of(nature, [])[20:28].sum()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("supplier_late", "supplier_short", "no_dc_supply")])
def test_every_fault_costs_sales_where_it_is(nature, kind):
    """Faults of supply act through the DC's stock, which outlasts 8 days."""
    base, faulty = lost_of(run(nature, [])), lost_of(run(nature, [everywhere(kind)]))
    assert np.array_equal(base[:20], faulty[:20]) and faulty[20:].sum() > base[20:].sum() + 20


def test_a_lone_fault_is_the_true_cause_and_is_found(nature):
    fault = everywhere("receiving_capacity")
    record = run(nature, [fault])
    lost = lost_of(record)
    first = episodes(lost, (lost > 0) | (record.arrays["book"] <= 0))
    removed = removed_by_each(nature, [fault], lost, first, [27])
    is_out = lost[27] > 0
    assert is_out.sum() > STORES and (removed[0, 0][is_out] > 0).all()
    rows = [r for r in _found(nature, record, 27) if r["cause"] == "receiving_capacity" and float(r["share"]) > 0.5]
    assert len(rows) >= 0.9 * is_out.sum()


def _found(nature, record, day):
    from allocation_assets.root_causes.find import find_causes

    return find_causes(Seen(nature, record).open(day, SETTINGS.window_days), at(day), SETTINGS).to_pylist()


def test_score_by_hand():
    """10 of 12 worth to one cause each: 6 x 0.5 + 4 x 1 = 7 of 10 right; first guess right for 4 (the tie of the 6 goes to the other)."""
    found = score([("a", 6.0, {"b": 0.5, "a": 0.5}), ("b", 4.0, {"b": 1.0}), ("", 2.0, {})])
    assert (found["value_to_the_right_cause"], found["value_first_cause_right"]) == (0.7, 0.4)
    assert found["value_with_a_single_cause"] == pytest.approx(10 / 12) and found["by_true_cause"]["a"]["said"] == {"b": 0.5, "a": 0.5}
