"""A run in shards is the run: same problem, same numbers of capacities, same plan, for any cut."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from types import SimpleNamespace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from allocation_assets.allocation import queries
from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.frames import build_problem, certificate_table, dc_rents, plan_table
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings
from allocation_assets.allocation.shards import InputFiles, RunShards, read_inputs
from allocation_assets.allocation.streamed import _Loads, streamed_plan
from allocation_assets.schedule import scheduled_pairs, sku_ranges
from allocation_assets.tables import write_lake
from tests.unit.allocation.pairs_of_a_run import DAY, booked_of, pair_table, policy_of_rules, supply_of

SKUS = [f"K{n:02}" for n in range(30)]
STORES = [f"S{n}" for n in range(6)]


class Run:
    """A warehouse and files of 30 SKUs at two DCs and six stores; not every SKU is at every store."""

    def __init__(self, root):
        random = np.random.default_rng(5)
        rows = [
            {
                "sku_id": sku, "to_location_id": store, "from_location_id": "DC1" if store < "S3" else "DC2", "case_pack": 2,
                "receiving_capacity_units": 90, "is_protected": bool(random.random() < 0.1), "channel": "ecom" if store == "S5" else "store",
                "min_units": 6 if random.random() < 0.1 else None,
            }
            for sku in SKUS for store in STORES if random.random() < 0.8
        ]  # fmt: skip
        self.connection = duckdb.connect()
        pairs = pair_table(rows).drop_columns(["segment"])
        for name, kind in (("ship_days", pa.string()), ("receiving_days", pa.string()), ("lead_time_days", pa.int64()),
                           ("open_date", pa.date32()), ("close_date", pa.date32())):  # fmt: skip
            pairs = pairs.append_column(name, pa.nulls(len(rows), kind))
        supply = [
            {"location_id": dc, "sku_id": sku, "available": int(random.integers(0, 80)), "protected_units": 8, "dispatch_capacity_units": 300,
             "dispatch_capacity_lines": 60}
            for dc in ("DC1", "DC2") for sku in SKUS
        ]  # fmt: skip
        tables = {"int_allocation_pairs": pairs, "int_dc_supply": supply_of(*supply)}
        for name, table in tables.items():
            self.connection.register("given", table)
            self.connection.execute(f"CREATE TABLE {name} AS FROM given")
        made = {
            "segments": pa.table({"sku_id": SKUS, "abc": ["A"] * len(SKUS)}),
            "forecasts": pa.table({
                "sku_id": pairs["sku_id"], "location_id": pairs["to_location_id"],
                "daily_mean": random.gamma(2.0, 2.0, len(rows)), "dispersion": np.full(len(rows), 1.5),
                "next_day_mean": np.full(len(rows), 1.0), "next_day_dispersion": np.full(len(rows), 1.2),
            }),
            "beliefs": pa.schema([("location_id", pa.string()), ("sku_id", pa.string()), ("believed_on_hand", pa.int64()),
                                  ("probability_wrong", pa.float64())]).empty_table(),
            "reliability": pa.schema([("location_id", pa.string()), ("action", pa.string()), ("buffer_rate", pa.float64())]).empty_table(),
            "inbound": pa.schema([("location_id", pa.string()), ("sku_id", pa.string()), ("predicted_date", pa.date32()),
                                  ("predicted_units", pa.int64())]).empty_table(),
        }  # fmt: skip
        for name, table in made.items():
            pq.write_table(table, root / f"{name}.parquet")
        self.files = InputFiles(**{name: root / f"{name}.parquet" for name in made})
        self.policy = policy_of_rules(root / "policies", "{id: web, match: {channel: ecom}, set: {allocation.quota_share: 0.4}}")
        tomorrow = DAY + timedelta(days=2)
        self.booked = booked_of(("receiving", "S1", tomorrow, 40, 3), ("dispatch", "DC2", DAY + timedelta(days=1), 50, 4))

    def build(self, shard) -> AllocationProblem:
        return build_problem(shard.pairs, shard.supply, shard.forecasts, shard.trust, self.policy, DAY, self.booked)

    def whole(self):
        return read_inputs(self.connection, self.files, self.policy, DAY)

    def shards(self, folder, most: int) -> RunShards:
        ranges = sku_ranges(self.connection, most)
        return RunShards(
            folder, len(ranges), lambda n: read_inputs(self.connection.cursor(), self.files, self.policy, DAY, ranges[n]), self.build
        )


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path)


@pytest.mark.parametrize("most", [1, 17, 60, 10_000])
def test_ranges_hold_every_pair_once_in_order(run, most):
    ranges = sku_ranges(run.connection, most)
    whole = run.whole().pairs
    assert sum(skus.pairs for skus in ranges) == whole.table.num_rows
    assert len(ranges) == 1 if most == 10_000 else len(ranges) > 2
    cut = [scheduled_pairs(run.connection, run.files.segments, run.policy, DAY, skus) for skus in ranges]
    assert [part.table.num_rows for part in cut] == [skus.pairs for skus in ranges]
    assert pa.concat_tables([part.table for part in cut]).combine_chunks() == whole.table.combine_chunks()
    np.testing.assert_array_equal(np.concatenate([part.schedule.ship_date for part in cut]), whole.schedule.ship_date)


def test_supply_comes_when_it_is_predicted(run):
    """K00 at DC1: 8 + 4 units predicted for the 3rd day, before others; nothing of what is promised for the 2nd is believed to come.
    Other rows keep what the warehouse says."""
    soon, later = DAY + timedelta(days=3), DAY + timedelta(days=9)
    run.connection.execute("UPDATE int_dc_supply SET next_inbound_date = $day, next_inbound_units = 50", {"day": DAY + timedelta(days=1)})
    predicted = [("DC1", "K00", later, 90), ("DC1", "K00", soon, 8), ("DC1", "K00", soon, 4), ("DC1", "K00", DAY + timedelta(days=2), 0)]
    columns = (pa.string(), pa.string(), pa.date32(), pa.int64())
    table = pa.table([pa.array(c, t) for c, t in zip(zip(*predicted, strict=True), columns, strict=True)],
                     ["location_id", "sku_id", "predicted_date", "predicted_units"])  # fmt: skip
    pq.write_table(table, run.files.inbound)
    for supply in (run.whole().supply, read_inputs(run.connection, run.files, run.policy, DAY, sku_ranges(run.connection, 1)[0]).supply):
        rows = {(r["location_id"], r["sku_id"]): (r["next_inbound_date"], r["next_inbound_units"]) for r in supply.to_pylist()}
        assert rows["DC1", "K00"] == (soon, 12) and rows["DC2", "K00"] == (DAY + timedelta(days=1), 50)
    assert {rows for key, rows in rows.items() if key != ("DC1", "K00")} == {(DAY + timedelta(days=1), 50)}


@pytest.mark.parametrize("most", [17, 60, 10_000])
def test_shards_together_are_the_problem(run, tmp_path, most):
    """Pair and row arrays follow each other; buckets have the run's numbers, capacities are the run's in every shard."""
    whole = run.build(run.whole())
    shards = run.shards(tmp_path / "spilled", most)
    parts = [shards.load(number) for number in range(len(shards))]
    assert shards.pairs == len(whole.pair_row)
    rows, pools = (np.cumsum([0, *(len(getattr(p, n)) for p in parts)]) for n in ("row_dc", "pool_cap_units"))
    for field in fields(whole):
        values = [getattr(part, field.name) for part in parts]
        if "_capacity_" in field.name and "shelf" not in field.name:
            assert all((value == getattr(whole, field.name)).all() for value in values), field.name
            continue
        if field.name == "pair_key":
            continue
        shift = {"pair_row": rows, "pool": pools}.get(field.name)
        if shift is not None:
            values = [np.where(v >= 0, v + by, v) for v, by in zip(values, shift, strict=False)]
        np.testing.assert_array_equal(np.concatenate(values), getattr(whole, field.name), field.name)


@pytest.mark.parametrize("most", [17, 40, 10_000])
def test_the_plan_of_shards_is_the_plan(run, tmp_path, most):
    """Every published column of every pair that wants or gets stock, and the certificate."""
    settings = AllocationSettings(threads=2, stream_pairs=0)
    inputs = run.whole()
    problem = run.build(inputs)
    made = plan(problem, settings)
    whole = plan_table(inputs.pairs, problem, made, inputs.forecasts, inputs.trust)
    wanted = whole.filter(pc.or_(pc.greater(whole["need_units"], 0), pc.greater(whole["units"], 0)))

    rows, certificate, broken = streamed_plan(run.shards(tmp_path / "spilled", most), settings, tmp_path / "plan")
    assert broken == []
    table = rows.to_table()
    assert wanted["least_change"].null_count < wanted.num_rows, "some minimum is not met"
    for name in wanted.column_names:
        assert table[name].to_pylist() == wanted[name].to_pylist(), name
    assert certificate == certificate_table(*dc_rents(inputs.pairs, problem, made))
    day = {"day": DAY}
    for query in queries.DECISIONS.values():
        files = [tmp_path / "whole.parquet", tmp_path / "shards.parquet"]
        for file, plan_rows in zip(files, (whole, rows), strict=True):
            write_lake(file, query, {"plan": plan_rows, "certificate": certificate}, day)
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_plan_over_the_runs_capacity_is_told(run, tmp_path, monkeypatch):
    """Each shard alone keeps within it, together they do not."""
    shards = run.shards(tmp_path / "spilled", 40)
    monkeypatch.setattr(shards, "_receiving", np.full_like(shards._receiving, 10))
    first = shards.load(0)
    loads = _Loads()
    for bucket_units in (6, 6):
        loads.add(first, SimpleNamespace(units=np.where(np.arange(len(first.pair_row)) == 0, bucket_units, 0)))
    assert loads.exceeded() == ["receiving_capacity_units exceeded: 1 broken"]


def test_a_run_without_pairs_has_no_shard(run, tmp_path):
    run.connection.execute("DELETE FROM int_allocation_pairs")
    shards = run.shards(tmp_path / "spilled", 40)
    assert (len(shards), shards.pairs) == (0, 0)
    none = run.whole()
    assert run.build(replace(none, forecasts=none.forecasts.slice(0, 0))).pair_row.size == 0
