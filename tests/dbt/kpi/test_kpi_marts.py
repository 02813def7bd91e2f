"""The marts step of dbt on hand-made inputs: its unit and data tests, its measures against brute force, its restating."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.dbt.kpi import brute_force, world
from tests.dbt.kpi.brute_force import BruteForce
from tests.support.lake import Lake, run_dbt

FIRST, LAST = world.DATES[0], world.DATES[-1]
WINDOWS = {
    "kpi_turns_days": brute_force.TURNS,
    "kpi_sell_through_days": brute_force.SELL_THROUGH,
    "kpi_shrink_days": brute_force.SHRINK,
    "kpi_accuracy_days": brute_force.ACCURACY,
    "kpi_coverage_days": brute_force.COVERAGE,
}
OPS = ("feed_accounting", "quarantine")


@dataclass
class Marts:
    """One warehouse with its lake; `build` runs the marts step over a range, on hand-made reconciliations."""

    lake: Lake
    warehouse: Path

    def build(self, command: str, state_from: date, state_to: date, *options: str) -> str:
        return run_dbt(
            command, "--select", "tag:marts", "--exclude", "reconciliations", *options,
            lake=self.lake, warehouse=self.warehouse, run_date=state_to, state_from=state_from, state_to=state_to, variables=WINDOWS,
        )  # fmt: skip

    def rows(self, sql: str, **parameters) -> list[tuple]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql, parameters).fetchall()


def _land(lake: Lake) -> None:
    """Three files of the second date, one with a refused row that the fourth date takes up."""
    day, later = world.DATES[1], world.DATES[3]
    refused = {"feed": "pos", "business_date": day, "source_file": "pos.csv", "source_line": 3, "raw_text": "T,1,S1,NEW",
               "reasons": ["unknown_sku"], "detail": "sku_id", "first_seen": day}  # fmt: skip
    lake.load("pos", day, [{"business_date": day, "transaction_id": "T", "line_no": 1}], quarantined=[refused])
    lake.load("pos", later, [], resolved=[{k: refused[k] for k in ("feed", "business_date", "source_file", "source_line")} | {"resolved_on": later}])


def _decide(lake: Lake, day: date) -> None:
    need = {"from_location_id": "DC", "department": "A", "need_units": 4, "allocated_units": 3, "shorted_units": 1,
            "objective_value": 6, "objective_bound": 8, "presentation_bonus": 0}  # fmt: skip
    lake.decide("allocation_needs", day, [
        {**need, "to_location_id": "S1", "sku_id": "P1", "channel": "store"},
        {**need, "to_location_id": "S2", "sku_id": "P1", "channel": None},
    ])  # fmt: skip
    lake.decide("allocation_certificate", day, [
        {"from_location_id": "*", "objective_value": 12, "objective_bound": 20, "presentation_bonus": 0, "optimality_gap": 0.4},
    ])  # fmt: skip


@pytest.fixture(scope="session")
def marts(tmp_path_factory) -> Marts:
    """All dates built in one go, with the unit tests and data tests of the step."""
    folder = tmp_path_factory.mktemp("kpi")
    built = Marts(Lake(folder / "lake"), folder / "warehouse.duckdb")
    _land(built.lake)
    _decide(built.lake, LAST)
    world.write(world.facts(1), built.warehouse, built.lake)
    built.build("build", FIRST, LAST)
    return built


def test_every_measure_equals_brute_force(marts: Marts):
    """Semantics 19, 24 and 25 on drawn facts: every location, department and total of every date."""
    with duckdb.connect(str(marts.warehouse), read_only=True) as connection:
        cursor = connection.execute("SELECT * FROM kpi_daily")
        names = [column[0] for column in cursor.description]
        table = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    oracle = BruteForce(world.facts(1))
    expected = {
        (day, location, department): measures
        for day in world.DATES
        for location in (*world.LOCATIONS, "*")
        for department in ("A", "B", "*")
        if (measures := oracle.measures(day, location, department)) is not None
    }
    assert {(r["business_date"], r["location_id"], r["department"]) for r in table} == set(expected)
    wrong = []
    for row in table:
        key = row["business_date"], row["location_id"], row["department"]
        for name, value in expected[key].items():
            known = value is not None and row[name] is not None
            # Money is kept to 6 decimals, so that a ratio to a mean is exact to about 7 digits.
            if not (math.isclose(row[name], value, rel_tol=1e-7, abs_tol=1e-9) if known else row[name] is value):
                wrong.append((*map(str, key), name, row[name], None if value is None else float(value)))
    assert wrong == []


def test_the_drawn_facts_reach_the_traps(marts: Marts):
    """A comparison with brute force says nothing about a case that never came up."""
    hit = marts.rows("""
        SELECT
            bool_or(fill_rate IS NULL), bool_or(fill_rate < 1), bool_or(days_of_supply IS NULL), bool_or(sell_through IS NULL),
            bool_or(phantom_positions > 0), bool_or(on_shelf_availability < in_stock_rate), bool_or(ira_units = 0), bool_or(ira_value < 0),
            bool_or(location_id = '*' AND shrink_value > 0 AND shrink_gain_value > 0), bool_or(forecast_wape IS NULL),
            bool_or(ira_value_net > ira_value), bool_or(ira_exact < 1), bool_or(days_to_correct > 0), bool_or(days_to_correct IS NULL),
            bool_or(count_coverage_rate > 0 AND count_coverage_rate < 1), bool_or(open_variances > 0),
            bool_or(inventory_record_accuracy_window <> inventory_record_accuracy), bool_or(shrink_rate_retail <> shrink_rate),
            bool_or(unit_fill_rate > line_fill_rate), bool_or(order_fill_rate < line_fill_rate), bool_or(order_fill_rate = 0), bool_or(line_fill_rate = 1),
            bool_or(orders_due = 0 AND order_lines_due > 0), bool_or(line_fill_rate IS NULL), sum(orders_due) FILTER (location_id = '*') > 0,
            bool_or(forecast_bias < 0), bool_or(turns_window_days = 5), bool_or(turns_window_days < 5), bool_or(positions = 0)
        FROM kpi_daily
    """)[0]
    assert all(hit), hit
    orders = marts.rows("""
        SELECT bool_or(cancelled_on IS NOT NULL), bool_or(is_order_due AND NOT is_due), bool_or(first_seen > order_seen AND is_due),
            bool_or(is_due AND first_seen > due_date), bool_or(is_due AND business_date > due_date AND first_seen < due_date),
            bool_or(is_due AND status = 'cancelled'), bool_or(is_due AND ship_from_location_id IS NULL), bool_or(is_settled AND NOT is_due AND valid_from > due_date)
        FROM int_order_lines
    """)[0]
    assert all(orders), orders


def test_a_location_is_in_its_region_and_cluster(marts: Marts):
    found = marts.rows("SELECT DISTINCT location_id, region, cluster FROM kpi_daily ORDER BY ALL")
    assert found == [("*", None, None), *((location, *world.PLACES[location]) for location in sorted(world.PLACES))]


FLOWS = ("sales_units", "net_sales", "returned_units", "refunds", "markdowns", "receipts_retail")
ORDERS = ("order_lines_due", "order_lines_filled", "order_units_due", "order_units_filled", "orders_due", "orders_filled")
CROSSED = ("location", "channel", "region", "cluster")


def _members(row: dict) -> list[tuple[str, str, str]]:
    """Dimension, member and department of every row of the mart that a fact counts in."""
    channel = world.LOCATIONS[row["location_id"]][1]
    region, cluster = world.PLACES[row["location_id"]]
    department = world.ITEMS[row["sku_id"]][0]
    found = {"location": row["location_id"], "channel": channel, "region": region, "cluster": cluster, "department": department,
             "class": world.CLASSES[row["sku_id"]], "segment": None, "total": "*"}  # fmt: skip
    members = {dimension: member or "unassigned" for dimension, member in found.items()}
    return [*((d, m, "*") for d, m in members.items()), *((f"{d}_department", members[d], department) for d in CROSSED)]


def _flows() -> list[dict]:
    """What happened, a row a fact."""
    facts = world.facts(1)
    price = {sku: item[3] for sku, item in world.ITEMS.items()}
    sales = [{**row, "markdowns": max(0, row["units"] * (row["unit_list_price"] or price[row["sku_id"]]) - row["net_amount"])} for row in facts["stg_pos"]]
    received = [{**row, "receipts_retail": row["units"] * price[row["sku_id"]]} for row in facts["int_purchase_receipts"] if world.ITEMS[row["sku_id"]][1] == "owned"]
    return [*facts["int_demand_daily"], *sales, *received]


def test_periods_add_up_the_facts(marts: Marts):
    """2 to 8 March, a Monday to a Sunday without the 5th: the week, the month and the year to date are all that happened up to the date."""
    flows = _flows()
    for day in world.DATES:
        for period, first in (("day", day), ("week_to_date", FIRST), ("month_to_date", FIRST), ("year_to_date", FIRST)):
            expected: dict = {}
            for row in flows:
                if first <= row["business_date"] <= day:
                    for key in _members(row):
                        sums = expected.setdefault(key, dict.fromkeys(FLOWS, 0))
                        for name in FLOWS:
                            sums[name] += row.get(name, 0)
            found = marts.rows(
                f"SELECT dimension, member, department, {', '.join(FLOWS)} FROM kpi_periods WHERE business_date = $day AND period = $period", day=day, period=period
            )
            assert {tuple(key): dict(zip(FLOWS, map(float, rest), strict=True)) for *key, a, b, c, d, e, f in found if any(rest := (a, b, c, d, e, f))} == {
                key: sums for key, sums in expected.items() if any(sums.values())
            }, (day, period)


def test_stock_at_retail_is_of_the_date_in_every_dimension(marts: Marts):
    for day in world.DATES:
        expected: dict = {}
        for row in world.facts(1)["inventory_positions"]:
            if row["business_date"] == day and row["ownership"] == "owned":
                for key in _members(row):
                    expected[key] = expected.get(key, 0) + row["on_hand"] * world.ITEMS[row["sku_id"]][3]
        found = marts.rows("SELECT dimension, member, department, inventory_retail::INTEGER FROM kpi_periods WHERE business_date = $day AND period = 'year_to_date'", day=day)
        assert {tuple(key): value for *key, value in found if value} == expected


def test_periods_agree_with_the_days_and_ratios_are_of_sums(marts: Marts):
    """Every ratio of the department rows from the daily sums behind it; a mean of daily rates would be another number."""
    wrong = marts.rows("""
        WITH days AS (
            SELECT p.business_date, p.period, p.member, sum(d.sales_units) AS sales, sum(d.lost_sales_units) AS lost, avg(d.fill_rate) AS mean_rate,
                sum(d.stockout_positions) AS outs, sum(d.active_positions) AS active, sum(d.gross_margin) AS margin,
                sum(d.inventory_value) FILTER (d.business_date = p.business_date) AS closing
            FROM kpi_periods AS p JOIN kpi_daily AS d ON d.location_id = '*' AND d.department = p.member
                AND d.business_date BETWEEN p.period_from AND p.business_date
            WHERE p.dimension IN ('department', 'total') GROUP BY ALL
        )
        SELECT p.gross_margin = d.margin AND p.inventory_value = d.closing, abs(p.fill_rate - (1 - d.lost / (d.sales + d.lost))) < 1e-9,
            abs(p.in_stock_rate - (1 - d.outs / d.active)) < 1e-9, abs(p.fill_rate - d.mean_rate) > 1e-3
        FROM kpi_periods AS p JOIN days AS d USING (business_date, period, member) WHERE p.dimension IN ('department', 'total')
    """)
    assert len(wrong) == 6 * 4 * 3
    assert [all(v is not False for v in column) for column in zip(*wrong, strict=True)][:3] == [True, True, True]
    assert any(row[3] for row in wrong)


def test_orders_of_periods_add_up_over_every_dimension(marts: Marts):
    """A line and an order count once, whatever they are split by; the brute force of the whole is that of its periods."""
    oracle = BruteForce(world.facts(1)).orders
    for day in world.DATES:
        for period, first in (("day", day), ("week_to_date", FIRST), ("year_to_date", FIRST)):
            daily = [oracle.measures(d, "*", "*") for d in world.DATES if first <= d <= day]
            expected = tuple(sum(measures[name] for measures in daily) for name in ORDERS)
            found = marts.rows(
                f"SELECT dimension, {', '.join(f'sum({name})::BIGINT' for name in ORDERS)}, max(line_fill_rate) FILTER (member = '*') FROM kpi_periods "
                "WHERE business_date = $day AND period = $period GROUP BY dimension", day=day, period=period,
            )  # fmt: skip
            assert {row[1:7] for row in found} == {expected} and len(found) == 12
            assert [row[7] for row in found if row[0] == "total"] == [pytest.approx(expected[1] / expected[0])]


def test_periods_stand_beside_the_plan_of_the_month(marts: Marts):
    rows = marts.rows("""
        SELECT dimension, member, planned_sales_of_month::INTEGER, planned_markdowns_of_month::INTEGER, planned_receipts_of_month::INTEGER, planned_eom_inventory::INTEGER,
            net_sales_to_plan * planned_sales_of_month - net_sales, markdowns_to_plan * planned_markdowns_of_month - markdowns,
            receipts_to_plan * planned_receipts_of_month - receipts_retail, inventory_to_plan * planned_eom_inventory - inventory_retail
        FROM kpi_periods WHERE business_date = $day AND planned_sales_of_month IS NOT NULL ORDER BY ALL
    """, day=LAST)  # fmt: skip
    assert [row[:6] for row in rows] == [
        ("department", "A", 1000, 100, 600, 2000), ("department", "B", 500, 50, None, 1000), ("total", "*", 1500, 150, None, 3000),
    ]  # fmt: skip
    assert [[None if rest is None else round(rest, 6) for rest in row[6:]] for row in rows] == [[0, 0, 0, 0], [0, 0, None, 0], [0, 0, None, 0]]
    assert marts.rows("SELECT count(*) FROM kpi_periods WHERE net_sales_last_year IS NOT NULL OR inventory_value_last_year IS NOT NULL") == [(0,)]


def test_accounts_follow_a_row_that_was_taken_up(marts: Marts):
    """Semantics 11."""
    day, later = world.DATES[1], world.DATES[3]
    assert marts.rows("SELECT feed, file, rows_landed, rows_loaded, rows_quarantined FROM feed_accounting WHERE business_date = $day", day=day) == [
        ("pos", "pos.csv", 2, 1, 1)
    ]
    assert marts.rows("SELECT business_date, line, raw_text, reasons, resolved_on FROM quarantine") == [
        (day, 3, "T,1,S1,NEW", ["unknown_sku"], later)
    ]


def test_the_certificate_is_the_row_of_the_run(marts: Marts):
    """Semantics 22: slices 12 of 16, the run 12 of 20 with the rent of unused capacity."""
    rows = marts.rows("SELECT channel, department, objective_bound, optimality_gap, allocation_fill_rate FROM allocation_performance ORDER BY 1, 2")
    run = [row for row in rows if row[:2] == ("*", "*")]
    assert [(float(bound), gap, fill) for *_, bound, gap, fill in run] == [(20.0, pytest.approx(0.4), 0.75)]
    assert {(c, d): float(bound) for c, d, bound, *_ in rows if c != "*" and bound} == {
        ("store", "A"): 8, ("store", "*"): 8, ("unassigned", "A"): 8, ("unassigned", "*"): 8,
    }  # fmt: skip


def test_restating_a_range_equals_one_build_of_everything(marts: Marts, tmp_path: Path):
    """Semantics 4: dates built one range at a time, then restated from a late fact, are the dates built in one go."""
    late = copy.deepcopy(world.facts(1))
    wrong = copy.deepcopy(late)
    changed = [row for row in wrong["int_demand_daily"] if row["business_date"] == world.DATES[2]]
    for row in changed:
        row["sales_units"] += 5
    piecemeal = Marts(Lake(tmp_path / "lake"), tmp_path / "warehouse.duckdb")
    _land(piecemeal.lake)
    _decide(piecemeal.lake, LAST)
    world.write(wrong, piecemeal.warehouse, piecemeal.lake)
    piecemeal.build("run", FIRST, world.DATES[3])
    world.write(late, piecemeal.warehouse, piecemeal.lake)
    piecemeal.build("run", world.DATES[2], LAST)
    for table in ("int_order_lines", "int_counted_records", "int_kpi_daily_base", "kpi_daily", "int_kpi_dimension_daily", "int_kpi_dimension_monthly", "kpi_periods", "allocation_performance", *OPS):
        sql = f"SELECT * FROM {table} ORDER BY ALL"
        assert piecemeal.rows(sql) == marts.rows(sql), table


def test_a_broken_identity_is_caught(marts: Marts, tmp_path: Path):
    """The data tests fail on what they are there for: one unit of a total, one row of an account."""
    broken = Marts(marts.lake, tmp_path / "warehouse.duckdb")
    broken.warehouse.write_bytes(marts.warehouse.read_bytes())
    with duckdb.connect(str(broken.warehouse)) as connection:
        connection.execute("UPDATE kpi_daily SET sales_units = sales_units + 1 WHERE location_id = '*' AND department = 'A'")
        connection.execute("UPDATE feed_accounting SET rows_loaded = rows_loaded + 1")
        connection.execute("UPDATE kpi_periods SET sales_units = sales_units + 1 WHERE dimension = 'region_department' AND member = 'north' AND department = 'A'")
    with pytest.raises(AssertionError) as failure:
        broken.build("test", FIRST, LAST, "--exclude-resource-type", "unit_test")
    assert "kpi_daily_totals_over_locations" in str(failure.value)
    assert "kpi_periods_crossings_add_up" in str(failure.value)
    assert "feed_accounting_landed_is_loaded_duplicate_or_quarantined" in str(failure.value)
