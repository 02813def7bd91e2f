"""What `allocator explain` says of a decision: limits, forced units and prices in plain words."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import duckdb
import pytest

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.reporting.reasons import CONSTRAINTS, REMEDIES
from data_quality.invariants import BINDING_CONSTRAINTS
from orchestration import published_date
from orchestration.explain import explain

DAY = date(2026, 3, 10)
NEED = {
    "business_date": DAY, "from_location_id": "DC1", "to_location_id": "S1", "sku_id": "A", "need_units": 12, "allocated_units": 4,
    "shorted_units": 8, "position_units": 1, "supply_units": 40, "daily_mean": 2.5, "dispersion": 1.2, "horizon_days": 4, "case_pack": 2,
    "order_units": 2, "min_ship_units": 0, "line_cost": 0, "presentation_min": 0, "forced_units": 0, "binding_constraint": "dc_supply",
    "rule_id": "default", "marginal_value": 3, "next_case_value": 2, "opportunity_cost": 2, "kept_value_per_unit": 0, "supply_price": 1.5,
    "pool_price": 0, "receiving_price": 0.75, "dispatch_price": 0.5, "line_price": 0, "is_repaired": False,
}  # fmt: skip


@pytest.fixture
def said(tmp_path, monkeypatch):
    """The text for a need that differs from NEED in what is given."""
    current = SimpleNamespace(decided=lambda: {DAY}, run_dates=[str(DAY)], database_from=None)
    monkeypatch.setattr(published_date, "read_current", lambda _: current)

    def text(**changes) -> str:
        row = NEED | changes
        target = tmp_path / "allocation_needs" / f"business_date={DAY}" / "data.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t ({SCHEMAS['decisions/allocation_needs']})")
            connection.execute(f"INSERT INTO t ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
            connection.execute(f"COPY t TO '{target}'")
        return explain(SimpleNamespace(published=tmp_path), DAY, "A", "S1")

    return text


def test_every_reason_is_explained():
    assert CONSTRAINTS.keys() == REMEDIES.keys() == set(BINDING_CONSTRAINTS)


def test_a_plain_line_says_no_more_than_it_must(said):
    lines = said().splitlines()
    assert "supply     40 units at DC1 for all locations, cases of 2" in lines
    assert "one more   unit of the SKU at the DC would be worth 1.50" in lines
    assert not {"pool", "forced", "kept", "note"} & {line.split()[0] for line in lines}


def test_terms_of_the_line_and_shared_caps(said):
    text = said(
        order_units=12, min_ship_units=24, line_cost=0.3, pool="quota web", pool_cap_units=30, binding_constraint="quota", pool_price=0.25,
        kept_value_per_unit=0.4, is_repaired=True,
    )  # fmt: skip
    assert "cases of 2, lines in multiples of 12, at least 24 units a line, 0.30 for handling a line\n" in text
    assert "\npool       quota web: at most 30 units for its pairs together\n" in text
    assert "\none more   unit of the quota would be worth 0.25" in text
    assert "\nkept       a unit that stays at the DC is expected to earn 0.40\n" in text
    assert "\nnote " in text


def test_capacities_say_what_one_more_is_worth(said):
    assert "one more   unit of receiving capacity would be worth 0.75" in said(binding_constraint="receiving_capacity")
    text = said(binding_constraint="dispatch_capacity", line_price=2)
    assert "one more   unit of dispatch capacity would be worth 0.50, one line more 2.00" in text
    assert "one more" not in said(binding_constraint="need_met")


def test_forced_units_say_what_would_meet_them(said):
    assert "\nforced     4 units by override or policy, met" in said(forced_units=4)
    text = said(forced_units=10, least_change="receiving_capacity +6 units", binding_constraint="receiving_capacity")
    assert "forced     10 units by override or policy, 6 of them not met; least change that would meet it: receiving_capacity +6 units" in text
