"""The count list, location reliability and the carried file, by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from allocation_assets.records.carry import read_learned, read_state, write_learned, write_state
from allocation_assets.records.counts import CountSettings, expected_gain, rank_counts
from allocation_assets.records.filter import FilterSettings, Learned, new_state, update_beliefs
from allocation_assets.records.reliability import ReliabilitySettings, location_reliability
from tests.unit.records.world import day

SETTINGS = CountSettings(cost_per_count=1.0, list_size=2, pause_days=7, gain_days=10)


def test_expected_gain_by_hand():
    """Half empty at 2 a day and margin 3: 0.5 * 20 * 3 = 30. Missing 4 of 20 wanted: 0.25 * 4 * 3 = 3. Excess 5 at 0.02: 1."""
    beliefs = SimpleNamespace(
        probability_empty=np.array([0.5, 0.0, 0.0, 0.0]),
        missing_units=np.array([0.0, 4.0, 0.0, 400.0]),
        excess_units=np.array([0.0, 0.0, 5.0, 0.0]),
    )
    gain = expected_gain(beliefs, np.full(4, 2.0), np.full(4, 3.0), np.full(4, 0.02), SETTINGS)
    assert gain == pytest.approx([30.0, 3.0, 1.0, 0.25 * 20 * 3])


def test_the_list_is_by_gain_within_the_limits_of_each_location():
    gain = np.array([5.0, 9.0, 9.0, 7.0, 1.0, 30.0, 8.0])
    location = np.array([0, 0, 1, 0, 1, 1, 1])
    counted = np.array([-1, 7, 40, -1, -1, 6, -1])
    ranked = rank_counts(gain, location, counted, SETTINGS)
    assert ranked.pair.tolist() == [1, 2, 6, 3], (
        "30 was counted 6 days ago, 1 only pays for itself, 5 is third at its location"
    )
    assert ranked.rank.tolist() == [1, 2, 3, 4]
    assert ranked.location_rank.tolist() == [1, 1, 2, 2]


def test_an_empty_list_is_a_list():
    assert rank_counts(np.zeros(3), np.zeros(3, int), np.full(3, -1), SETTINGS).pair.size == 0


POLICY = ReliabilitySettings(receiving_rate=0.15, shrink_rate=0.03, action="buffer", buffer_rate=0.1)


def test_one_bad_line_of_one_is_not_chronic_and_many_are():
    """Network rate 31 / 301 = 0.103: 1 of 1 becomes (1 + 2.06) / 21 = 0.146; 30 of 100 becomes 32.06 / 120 = 0.267."""
    judged = location_reliability([1, 100, 200], [1, 30, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], POLICY)
    assert judged.receiving_error_rate[:2] == pytest.approx([(1 + 20 * 31 / 301) / 21, (30 + 20 * 31 / 301) / 120])
    assert judged.action.tolist() == ["none", "buffer", "none"]
    assert judged.buffer_rate.tolist() == [0.0, 0.1, 0.0]
    assert judged.cause.tolist() == ["none", "receiving", "none"]


def test_shrink_is_money_lost_over_sales_at_cost():
    judged = location_reliability([0, 0], [0, 0], [30, 5], [9, 5], [40.0, 90.0], [1000.0, 1000.0], POLICY)
    assert judged.shrink_rate.tolist() == [0.04, 0.09]
    assert judged.is_chronic_shrink.tolist() == [True, False], "five counted records prove nothing"


def test_the_state_survives_its_file(tmp_path):
    n = 50
    state = new_state(np.arange(n), np.ones(n), np.full(n, 6), FilterSettings())
    state, _, _ = update_beliefs(state, day(n, opening=np.arange(n)), Learned.nothing(1), FilterSettings())
    keys = pa.chunked_array([[f"K{k:03d}" for k in range(n)]])
    write_state(tmp_path / "b.parquet", keys, keys, state)
    rows = np.array([7, 3, 49])
    read = read_state(tmp_path / "b.parquet", rows)
    assert read.mass == pytest.approx(state.mass[rows], abs=3e-5)
    for name in ("book", "run", "days_since_count", "days_since_receipt"):
        assert np.array_equal(getattr(read, name), getattr(state, name)[rows])


def test_no_records_are_a_state_too(tmp_path):
    state = new_state(np.zeros(0), np.zeros(0), np.zeros(0, int), FilterSettings())
    write_state(
        tmp_path / "b.parquet",
        pa.chunked_array([pa.array([], pa.string())]),
        pa.chunked_array([pa.array([], pa.string())]),
        state,
    )
    assert read_state(tmp_path / "b.parquet", np.zeros(0, int)).mass.shape == state.mass.shape


def test_what_counts_taught_follows_the_location_by_name(tmp_path):
    taught = Learned.nothing(2)
    taught.loss_factor[:], taught.loss_weight[:], taught.found_wrong[1, 3] = [3.0, 0.5], [2.0, 5.0], 7.0
    write_learned(tmp_path, ["S1", "S2"], taught)
    read = read_learned(tmp_path, ["S0", "S2"])
    assert read.loss_factor.tolist() == [1.0, 0.5], "an unknown location begins at 1"
    assert read.loss_weight.tolist() == [0.0, 5.0]
    assert read.found_wrong[1, 3] == 7.0 and read.found_wrong.sum() == 7.0
    assert read_learned(tmp_path / "none", ["S1"]).loss_factor.tolist() == [1.0]
