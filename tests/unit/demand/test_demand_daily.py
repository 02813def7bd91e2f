"""A run's demand on a small warehouse by hand: what is read, what is handed over, and what lies ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import duckdb
import numpy as np
import pytest

from allocation_assets.demand import carry, history
from allocation_assets.demand.champion import ChampionSettings
from allocation_assets.demand.daily import Calendar, form_demand, save
from allocation_assets.demand.outlook import forecast_table

FIRST, DAYS = date(2026, 1, 5), 70
CALENDAR = Calendar((), False, 182, 160, 91)
SETTINGS = ChampionSettings()
#: Level of each SKU at an average store, and factor of each store. P3 is new and names P1, P9 sells nothing anywhere.
LEVELS, STORES = {"P1": 8.0, "P2": 2.0}, {"S1": 1.5, "S2": 0.5, "S3": 1.0}
WEEK = np.array([0.7, 0.8, 0.9, 1.0, 1.1, 1.4, 1.1])

_TABLES = """
CREATE TABLE int_business_dates (business_date DATE);
CREATE TABLE int_locations_in_force (business_date DATE, location_id VARCHAR, location_type VARCHAR, cluster VARCHAR, region VARCHAR);
CREATE TABLE int_items (sku_id VARCHAR, class VARCHAR, department VARCHAR, like_sku_id VARCHAR, unit_price DECIMAL(18, 6));
CREATE TABLE int_demand_rates (business_date DATE, location_id VARCHAR, sku_id VARCHAR, first_seen DATE);
CREATE TABLE int_active_pairs (business_date DATE, location_id VARCHAR, sku_id VARCHAR);
CREATE TABLE int_promotions_in_force (promo_id VARCHAR, sku_id VARCHAR, location_id VARCHAR, start_date DATE, end_date DATE,
    kind VARCHAR, planned_uplift DOUBLE, planned_discount_rate DOUBLE);
CREATE TABLE int_late_demand (business_date DATE, location_id VARCHAR, sku_id VARCHAR, demand_units BIGINT);
CREATE TABLE int_demand_daily (business_date DATE, location_id VARCHAR, sku_id VARCHAR, demand_units BIGINT, exposure DOUBLE,
    is_censored BOOLEAN, hours_out DECIMAL(18, 6));
INSERT INTO int_items VALUES ('P1', 'K', 'D', NULL, 9), ('P2', 'K', 'D', NULL, 2), ('P3', 'K', 'D', 'P1', 2), ('P9', 'X', 'D', NULL, 1);
"""


def day(number: int) -> date:
    """The date of a day of the world."""
    return FIRST + timedelta(days=number)


@pytest.fixture
def warehouse():
    """Two SKUs in three stores and a DC over 70 days of Poisson demand with a weekday shape."""
    rng = np.random.default_rng(4)
    with duckdb.connect() as connection:
        connection.execute(_TABLES)
        rows = []
        for number in range(DAYS):
            connection.execute("INSERT INTO int_business_dates VALUES (?)", [day(number)])
            for sku, level in LEVELS.items():
                for store, factor in STORES.items():
                    sold = int(rng.poisson(level * factor * WEEK[number % 7]))
                    if sold:
                        rows.append((day(number), store, sku, sold, 1.0, False, None))
        connection.executemany("INSERT INTO int_demand_daily VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        for store in (*STORES, "DC"):
            kind, cluster = ("dc", None) if store == "DC" else ("store", "north")
            connection.execute(
                "INSERT INTO int_locations_in_force SELECT business_date, ?, ?, ?, NULL FROM int_business_dates",
                [store, kind, cluster],
            )
            for sku in LEVELS:
                pair = [store, sku, FIRST]
                connection.execute("INSERT INTO int_demand_rates SELECT business_date, ?, ?, ? FROM int_business_dates", pair)
                connection.execute("INSERT INTO int_active_pairs SELECT business_date, ?, ? FROM int_business_dates", pair[:2])
        yield connection


def form(connection, number, folder=None, before=None, **changes):
    """The demand of a day; folder and day that handed over, else a cold start."""
    calendar, horizon = replace(CALENDAR, **changes), 14
    carried_on = None if before is None else day(before)
    return form_demand(connection, day(number), folder, carried_on, calendar, horizon, SETTINGS)


def levels_of(demand) -> dict[tuple[str, str], float]:
    """Units a day by (SKU, location)."""
    level = demand.state.skus[0, demand.codes.sku] * demand.state.series[0]
    names = zip(demand.table["sku_id"].to_pylist(), demand.table["location_id"].to_pylist(), strict=True)
    return dict(zip(names, level.tolist(), strict=True))


def ahead(demand, number, days=7, calendar=CALENDAR):
    """Forecasts of every series over so many days."""
    n = demand.table.num_rows
    return forecast_table(demand, np.arange(n), np.full(n, days), day(number), calendar, SETTINGS).to_pydict()


def test_a_cold_start_finds_the_levels(warehouse):
    demand = form(warehouse, DAYS - 1)
    found = levels_of(demand)
    # Selling locations alone, in the order of SKU and location.
    assert list(found) == [(sku, store) for sku in LEVELS for store in STORES]
    for (sku, store), level in found.items():
        assert level == pytest.approx(LEVELS[sku] * STORES[store], rel=0.25), (sku, store)
    assert demand.learned_on == day(DAYS - 1)


def test_day_by_day_comes_near_a_cold_start_and_is_exact_from_run_to_run(warehouse, tmp_path):
    """The cold start learns its factors from three days more: the levels agree to some percent."""
    before = form(warehouse, DAYS - 4)
    save(tmp_path / "a", before)
    folder = tmp_path / "a"
    for number in range(DAYS - 3, DAYS):
        demand = form(warehouse, number, folder, number - 1)
        again = form(warehouse, number, folder, number - 1)
        folder = tmp_path / f"d{number}"
        save(folder, demand)
        save(tmp_path / "again", again)
        assert [(folder / name).read_bytes() for name in carry.FILES] == [(tmp_path / "again" / name).read_bytes() for name in carry.FILES]
    assert demand.learned_on == day(DAYS - 4)
    for key, level in levels_of(form(warehouse, DAYS - 1)).items():
        assert levels_of(demand)[key] == pytest.approx(level, rel=0.05)
    assert form(warehouse, DAYS - 1, folder, DAYS - 2, relearn_days=1).learned_on == day(DAYS - 1)


def test_late_facts_raise_and_closed_pairs_keep_the_level(warehouse, tmp_path):
    save(tmp_path, form(warehouse, DAYS - 2))
    plain = levels_of(form(warehouse, DAYS - 1, tmp_path, DAYS - 2))
    warehouse.execute("INSERT INTO int_late_demand VALUES (?, 'S2', 'P1', 9)", [day(DAYS - 3)])
    late = levels_of(form(warehouse, DAYS - 1, tmp_path, DAYS - 2))
    assert late["P1", "S2"] > 1.02 * plain["P1", "S2"] and late["P2", "S2"] == plain["P2", "S2"]
    # Nothing sold on the last day: on sale that says something, off sale nothing.
    warehouse.execute("DELETE FROM int_demand_daily WHERE business_date = ? AND location_id = 'S1'", [day(DAYS - 1)])
    zero = levels_of(form(warehouse, DAYS - 1, tmp_path, DAYS - 2))
    warehouse.execute("DELETE FROM int_active_pairs WHERE business_date = ? AND location_id = 'S1'", [day(DAYS - 1)])
    closed = levels_of(form(warehouse, DAYS - 1, tmp_path, DAYS - 2))
    assert zero["P1", "S1"] < closed["P1", "S1"]


def test_new_items_and_new_series_borrow(warehouse, tmp_path):
    """P3 names P1; P9 has a class of its own and starts at the mean of all. Both come new to S1 and S2 without a sale."""
    save(tmp_path, form(warehouse, DAYS - 2))
    last = day(DAYS - 1)
    for sku in ("P3", "P9"):
        for store in ("S1", "S2"):
            warehouse.execute("INSERT INTO int_demand_rates VALUES (?, ?, ?, NULL)", [last, store, sku])
    demand = form(warehouse, DAYS - 1, tmp_path, DAYS - 2)
    found = levels_of(demand)
    # Off sale on the day, so nothing but the start is seen: the SKU's level times the location's factor.
    level = dict(zip(demand.names.sku.to_pylist(), demand.state.skus[0].tolist(), strict=True))
    assert level["P3"] == pytest.approx(8.0, rel=0.25) and level["P9"] == pytest.approx(5.0, rel=0.25)
    assert found["P3", "S1"] / found["P3", "S2"] == pytest.approx(3.0, rel=0.3)
    methods = dict(zip(found, ahead(demand, DAYS - 1)["method"], strict=True))
    assert (methods["P3", "S1"], methods["P9", "S1"], methods["P1", "S1"]) == ("like_sku", "neighbours", "own_level")


def test_days_ahead_have_their_weekday_promotion_and_event(warehouse):
    """The last day is a Sunday: the next is a Monday, the sixth a Saturday."""
    plain = form(warehouse, DAYS - 1)
    week, one = ahead(plain, DAYS - 1), ahead(plain, DAYS - 1, days=1)
    base, saturday = np.array(week["base_daily_mean"]), ahead(plain, DAYS - 1, days=6)
    np.testing.assert_allclose(np.array(one["daily_mean"]) / base, WEEK[0] / WEEK.mean(), rtol=0.12)
    np.testing.assert_allclose(one["next_day_mean"], one["daily_mean"])
    sixth = 6 * np.array(saturday["daily_mean"]) - 5 * np.array(ahead(plain, DAYS - 1, days=5)["daily_mean"])
    np.testing.assert_allclose(sixth / base, WEEK[5] / WEEK.mean(), rtol=0.12)
    # A week holds each weekday once.
    np.testing.assert_allclose(week["daily_mean"], base, rtol=1e-3)
    for low, high in (("p50", "p90"), ("p90", "p95"), ("p95", "p99")):
        assert all(a <= b for a, b in zip(week[low], week[high], strict=True))
    warehouse.execute(
        "INSERT INTO int_promotions_in_force VALUES ('X', 'P1', 'S1', ?, ?, 'promo', 2.5, 0.3)", [day(DAYS), day(DAYS)]
    )
    promoted = ahead(form(warehouse, DAYS - 1), DAYS - 1, days=1)
    ratio = np.array(promoted["next_day_mean"]) / np.array(one["next_day_mean"])
    np.testing.assert_allclose(ratio, [2.5, 1, 1, 1, 1, 1], rtol=1e-6)


def test_a_week_a_date_gives_rates_a_day(warehouse):
    """One date a week: what was sold on it is a week's, so the mean is a seventh."""
    warehouse.execute("DELETE FROM int_business_dates WHERE datediff('day', ?, business_date) % 7 <> 6", [FIRST])
    warehouse.execute("DELETE FROM int_demand_daily WHERE datediff('day', ?, business_date) % 7 <> 6", [FIRST])
    calendar = replace(CALENDAR, is_weekly=True)
    demand = form(warehouse, DAYS - 1, is_weekly=True)
    found = ahead(demand, DAYS - 1, calendar=calendar)
    expected = LEVELS["P1"] * STORES["S1"] * WEEK[6] / 7
    assert found["daily_mean"][0] == pytest.approx(expected, rel=0.3)
    assert found["next_day_mean"][0] == pytest.approx(found["base_daily_mean"][0], rel=1e-6)


def test_rows_become_arrays(warehouse):
    """Units, shares of the day, lower bounds, and when a series begins."""
    warehouse.execute("DELETE FROM int_demand_daily")
    rows = [
        (day(0), "S1", "P1", 3, 1.0, False, None), (day(1), "S1", "P1", 2, 0.25, True, 9), (day(2), "S1", "P1", 4, 1.0, True, None),
        (day(1), "S2", "P2", 1, 0.0, True, 12), (day(2), "S2", "P2", -2, 1.0, False, None),
    ]  # fmt: skip
    warehouse.executemany("INSERT INTO int_demand_daily VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    table = history.read_series(warehouse, day(2))
    first = np.array([FIRST] * 4 + [day(1), day(9)], "datetime64[D]")
    dates, nothing = np.arange(FIRST, day(3), dtype="datetime64[D]"), history.read_promotions(warehouse, FIRST, day(3))
    # Series 0 is P1 at S1, series 4 P2 at S2.
    days = history.read_days(warehouse, first, dates, np.array([0, 4, 5]), False, np.zeros(3, np.int64), nothing, [])
    assert table.num_rows == 6
    assert days.units.T.tolist() == [[3, 2, 4], [0, 1, -2], [0, 0, 0]]
    # Sold out at an unknown hour, and sold on a day recorded as out all day: lower bounds, -1.
    assert days.exposure.T.tolist() == [[1, 0.25, -1], [1, -1, 1], [1, 1, 1]]
    assert days.first_day.tolist() == [0, 1, 3]
    assert days.weekday.tolist() == [0, 1, 2]


def test_names_outlive_their_codes(warehouse, tmp_path):
    """A SKU gone, an event and a class added: what was carried is found under its name."""
    old = form(warehouse, DAYS - 2, events=("fair=2026-02-02..2026-02-03",))
    save(tmp_path, old)
    warehouse.execute("DELETE FROM int_demand_rates WHERE sku_id = 'P1'")
    new = form(warehouse, DAYS - 1, tmp_path, DAYS - 2, events=("carnival=2026-03-20", "fair=2026-02-02..2026-02-03"))
    assert new.names.event == ["carnival", "fair"] and new.names.sku.to_pylist() == ["P2"]
    kept = (1 - SETTINGS.factor_forget) * old.state.sums.event[:, 0, 1]
    np.testing.assert_allclose(new.state.sums.event[:, 0, 2], kept, rtol=1e-9)
    assert (new.state.sums.event[:, 0, 1] == 0).all() and (kept > 0).all()
