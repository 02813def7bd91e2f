"""The asset's decision on a home of its own: yesterday's forecast by file, the state handed on, money and words."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from allocation_assets.placeholders import SCHEMAS, ensure_decision_placeholders
from allocation_assets.policy import load_parameters
from allocation_assets.signals.assets import decide
from tests.support.lake import Lake

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(20)]
POLICY = {name: parameter.default for name, parameter in load_parameters().items()} | {
    "signals.significance": 4.0, "exceptions.event_days": 3, "calendar.period": "day",
}  # fmt: skip
TABLES = {
    "int_demand_daily": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, demand_units BIGINT, exposure DOUBLE, is_censored BOOLEAN, hours_out DECIMAL(18, 6)",
    "int_active_pairs": "business_date DATE, location_id VARCHAR, sku_id VARCHAR",
    "int_items": "sku_id VARCHAR, unit_cost DECIMAL(18, 6), unit_price DECIMAL(18, 6)",
}


class Home:
    """A warehouse, a lake and a session; A costs 3 and sells at 5, at the stores S1 and S2."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(root / "lake")
        ensure_decision_placeholders(self.lake.root)
        self.warehouse = duckdb.connect()
        for name, columns in TABLES.items():
            self.warehouse.execute(f"CREATE TABLE {name} ({columns})")
        self.warehouse.execute("INSERT INTO int_items VALUES ('A', 3, 5)")
        for day in DAYS:
            self.lake.load("pos", day, landed=[day])
            self.warehouse.execute("INSERT INTO int_active_pairs VALUES ($1, 'S1', 'A'), ($1, 'S2', 'A')", [day])
        self.session = SimpleNamespace(
            home=SimpleNamespace(lake=self.lake.root),
            policy=SimpleNamespace(deployment=lambda day: POLICY),
            decision_file=lambda name, day: (
                self.lake.root / "decisions" / name / f"business_date={day}" / "data.parquet"
            ),
        )

    def forecast(self, day: date, mean: float, dispersion: float = 1.0) -> None:
        """What the date `day` expects of the next one, at both stores."""
        row = {"sku_id": "A", "next_day_mean": mean, "next_day_dispersion": dispersion}
        self.lake.decide("demand_forecasts", day, [row | {"location_id": location} for location in ("S1", "S2")])

    def sell(self, day: date, location: str, units: int, exposure: float = 1.0, is_censored: bool = False) -> None:
        self.warehouse.execute(
            "INSERT INTO int_demand_daily VALUES (?, ?, 'A', ?, ?, ?, NULL)",
            [day, location, units, exposure, is_censored],
        )

    def signals(self, day: date) -> list[dict]:
        decide(self.session, self.warehouse, day)
        with duckdb.connect() as connection:
            cursor = connection.execute(
                "FROM read_parquet($f, hive_partitioning = false)",
                {"f": str(self.session.decision_file("demand_signals", day))},
            )
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def test_bias_is_flagged_after_seven_dates_and_valued_at_the_margin(home: Home):
    """15 a day where 10 are forecast: test_monitor's example. At risk: 5 units x 28 days x (5 - 3) = 280."""
    for day in DAYS[:8]:
        home.forecast(day, 10)
        home.sell(day, "S1", 15)
        home.sell(day, "S2", 10)
    found = [home.signals(day) for day in DAYS[:8]]
    assert [len(rows) for rows in found] == [0] * 7 + [2]  # the first date has no forecast of it
    bias, tracking = found[7]
    assert (bias["location_id"], bias["signal"], bias["direction"], float(bias["value_at_risk"])) == (
        "S1",
        "bias",
        "up",
        pytest.approx(280, abs=0.01),
    )
    assert (
        bias["detail"] == "bias -33 %, 5.00 units a day"
        and tracking["detail"] == "tracking signal 1.00, 5.00 units a day"
    )
    before = home.session.decision_file("demand_signals", DAYS[7]).read_bytes()
    home.signals(DAYS[7])
    assert home.session.decision_file("demand_signals", DAYS[7]).read_bytes() == before


def test_an_outlier_stays_listed_for_the_event_window(home: Home):
    """40 units where 1 is forecast; 39 x cost 3 = 117. Listed on its date and two more (exceptions.event_days 3)."""
    for day in DAYS[:6]:
        home.forecast(day, 1)
        home.sell(day, "S2", 1)
    home.sell(DAYS[2], "S1", 40)
    found = [home.signals(day) for day in DAYS[:6]]
    assert [len(rows) for rows in found] == [0, 0, 1, 1, 1, 0]
    assert {(rows[0]["signal"], rows[0]["observed_on"], float(rows[0]["value_at_risk"])) for rows in found[2:5]} == {
        ("outlier", DAYS[2], 117.0)
    }
    assert found[2][0]["detail"].startswith("39.0 units more than forecast, chance ")


def test_a_stop_is_of_the_item_and_an_empty_shelf_is_none(home: Home):
    """2 a day at each store: exp(-4 t) < 1e-6 from the fourth date; 4 units x 28 x 2 = 224 at risk."""
    for day in DAYS[:6]:
        home.forecast(day, 2)
    found = [home.signals(day) for day in DAYS[:5]]
    stops = [[row for row in rows if row["signal"] == "stop"] for rows in found]
    assert [len(rows) for rows in stops] == [0, 0, 0, 0, 1]
    assert (stops[4][0]["location_id"], stops[4][0]["sku_id"], float(stops[4][0]["value_at_risk"])) == ("*", "A", 224.0)
    assert stops[4][0]["detail"].startswith(
        "nothing sold in stock for 4 landed dates, chance 1.1e-07, 4.00 units a day"
    )
    for location in ("S1", "S2"):
        home.sell(DAYS[5], location, 0, is_censored=True)
    assert home.signals(DAYS[5]) == []


def test_a_date_before_that_was_not_run_is_a_cold_start(home: Home):
    home.sell(DAYS[4], "S1", 400)
    assert home.signals(DAYS[4]) == []
    home.forecast(DAYS[4], 2)
    home.sell(DAYS[5], "S1", 400)
    assert [row["signal"] for row in home.signals(DAYS[5])] == ["outlier"]


def test_the_file_has_the_columns_of_the_schema(home: Home):
    home.forecast(DAYS[0], 1)
    home.sell(DAYS[1], "S1", 40)
    home.signals(DAYS[1])
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE declared ({SCHEMAS['decisions/demand_signals']})")
        path = home.session.decision_file("demand_signals", DAYS[1])
        written, declared = (
            [row[:2] for row in connection.execute(f"DESCRIBE FROM {origin}").fetchall()]
            for origin in (f"read_parquet('{path}', hive_partitioning = false)", "declared")
        )
    assert written == declared
