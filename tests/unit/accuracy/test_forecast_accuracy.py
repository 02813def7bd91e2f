"""Accuracy of forecasts: rows by level and segment against sums by hand, and the sample against a warehouse built by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import SimpleNamespace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from allocation_assets.accuracy import assets
from allocation_assets.accuracy.evaluate import Contest, contest, evaluate, windows_of
from allocation_assets.accuracy.sample import read_sample
from allocation_assets.accuracy.table import SCHEMA, row_table
from allocation_assets.demand.daily import Calendar
from allocation_assets.demand.panel import DemandPanel, DemandPlan, Forecast
from allocation_assets.placeholders import SCHEMAS

DAYS, HORIZON = 56, 7
MONDAY = date(2026, 3, 2)


@dataclass(frozen=True)
class Flat:
    """Forecasts the same mean for every series and day, Poisson; keeps how many series it was asked for."""

    mean: float
    asked: list
    name: str = "flat"

    def forecast(self, history: DemandPanel, plan: DemandPlan) -> Forecast:
        self.asked.append((history.series, history.days))
        shape = (history.series, len(plan.dates))
        n = history.series
        return Forecast(np.full(shape, self.mean), np.ones(shape), np.ones(n), np.zeros(n, np.int8), ("flat",))


def flat(mean):
    return Flat(mean, [])


def panel(units, **changes):
    """Series of one location each pair: SKU 0 at two locations, SKU 1 at one."""
    units = np.asarray(units, np.float32)
    n, t = units.shape
    dates = np.arange("2026-01-05", np.datetime64("2026-01-05") + t, dtype="datetime64[D]")
    made = DemandPanel(
        dates, np.zeros(t, np.int64), units, np.ones((n, t), np.float32), np.zeros((n, t), bool),
        np.zeros((n, t), np.int64), np.full((n, t), np.nan), np.zeros(n, np.int64), np.array([0, 0, 1])[:n],
        np.array([0, 1, 0])[:n], np.array([0, 0, 1])[:n], np.zeros(n, np.int64), np.full(2, -1),
    )  # fmt: skip
    return replace(made, **changes)


def steady():
    """Three series that sell 2, 4 and 6 a day on even days and nothing on odd ones."""
    return np.outer([2, 4, 6], (np.arange(DAYS) + 1) % 2)


def rows_of(found):
    return {(row["level"], row["segment"], row["method"]): row for row in found}


def judged(panel_, champion=None, challenger=None, slow=None, **settings):
    who = Contest(champion or flat(2.0), {"other": challenger or flat(1.0)}, slow or {})
    settings = {"windows": 2, "horizon": HORIZON, "slow_series": 1} | settings
    labels = {"abc": np.array(["A", "C"]), "xyz": np.array(["X", ""])}
    return rows_of(evaluate(panel_, np.array([2, 3, 1]), labels, who, **settings))


def test_rows_are_the_levels_and_segments_that_have_days():
    found = judged(panel(steady()))
    cuts = {(level, segment) for level, segment, _ in found}
    labels = {"*", "abc:A", "abc:C", "xyz:X"}
    assert cuts == {
        *{("pair", s) for s in labels | {"in_stock_all_day"}}, *{("sku", s) for s in labels}, ("class", "*"), ("total", "*")
    }  # fmt: skip
    assert all((level, segment, "champion") in found for level, segment in cuts)


def test_measures_by_hand_at_every_level():
    """Two windows of 7 days: 14 days, 7 of them with sales; a flat forecast of 2 (median 2) and one of 1 (median 1)."""
    found = judged(panel(steady()))
    units = {"pair": 7 * 12, "sku": 7 * 12, "class": 7 * 12, "total": 7 * 12}
    for level, sold in units.items():
        row = found[level, "*", "champion"]
        assert (row["scored_units"], row["windows"], row["is_champion"]) == (sold, 2, True)
    assert [found[level, "*", "champion"]["series"] for level in ("pair", "sku", "class", "total")] == [3, 2, 2, 1]
    # Errors of 2 on quiet days; 0, 2 and 4 on the others.
    assert found["pair", "*", "champion"]["wape"] == pytest.approx((7 * 6 + 7 * 6) / 84)
    # Of 1: 1 on quiet days; 1, 3 and 5 on the others.
    assert found["pair", "*", "other"]["wape"] == pytest.approx((7 * 3 + 7 * 9) / 84)
    assert found["pair", "*", "champion"]["bias"] == pytest.approx((14 * 6 - 84) / 84)
    # SKU 0 sells 6 on the days that sell: mean 4 beside 0 or 6; SKU 1 as the pair.
    assert found["sku", "*", "champion"]["wape_mean"] == pytest.approx((7 * (4 + 2) + 7 * (2 + 4)) / 84)
    assert found["total", "*", "champion"]["wape_mean"] == pytest.approx((7 * 6 + 7 * 6) / 84)
    assert found["pair", "abc:C", "champion"]["scored_units"] == 42
    assert found["sku", "abc:A", "champion"]["bias"] == pytest.approx((14 * 4 - 42) / 42)


def test_difference_is_the_champion_less_the_challenger_on_the_same_series():
    slow = flat(3.0)
    found = judged(panel(steady()), slow={"heavy": slow})
    other = found["pair", "*", "other"]
    assert other["wape_difference"] == pytest.approx(found["pair", "*", "champion"]["wape"] - other["wape"])
    assert found["pair", "*", "champion"]["wape_difference"] is None
    # The series drawn first is the third: it alone is asked of the slow method, and the champion is judged on it alone.
    assert {asked for asked, _ in slow.asked} == {1}
    heavy = found["pair", "*", "heavy"]
    assert (heavy["series"], heavy["scored_units"]) == (1, 42)
    assert heavy["wape"] == pytest.approx((7 * 3 + 7 * 3) / 42)
    assert heavy["wape_difference"] == pytest.approx((7 * 2 + 7 * 4) / 42 - 1.0)
    assert {level for level, _, method in found if method == "heavy"} == {"pair"}


def test_an_interval_needs_several_skus():
    assert judged(panel(steady()))["pair", "*", "other"]["wape_difference_low"] is None
    many = np.tile(steady(), (4, 1))
    codes = np.arange(12)
    wide = panel(steady()[:1]).take(np.zeros(12, np.int64))
    wide = replace(wide, units=many.astype(np.float32), sku=codes, like_sku=np.full(12, -1))
    who = Contest(flat(2.0), {"other": flat(3.0)}, {})
    found = rows_of(evaluate(wide, codes, {}, who, windows=2, horizon=HORIZON, slow_series=0))
    row = found["pair", "*", "other"]
    # Of 3: 3 on quiet days; 1, 1 and 3 on the others.
    assert row["wape_difference"] == pytest.approx(1.0 - (7 * 9 + 7 * 5) / 84)
    assert row["wape_difference_low"] < row["wape_difference"] < row["wape_difference_high"]
    assert found["total", "*", "other"]["wape_difference_low"] is None


def test_days_hidden_or_short_of_stock_are_scored_as_the_backtest_says():
    exposure = np.ones((3, DAYS), np.float32)
    exposure[0, -7:], exposure[1, -7:] = 0.0, 0.5
    found = judged(panel(steady(), exposure=exposure))
    row, full = found["pair", "*", "champion"], found["pair", "in_stock_all_day", "champion"]
    assert (row["scored_days"], full["scored_days"]) == (3 * 14 - 7, 3 * 14 - 14)


def test_only_windows_with_enough_history_are_scored():
    assert windows_of(182, 4, 7) == (4, 3)
    assert windows_of(28 + 7 * 5 + 3, 4, 7) == (4, 1)
    assert windows_of(28 + 7 * 2, 4, 7) == (2, 0)
    assert windows_of(34, 4, 7) == (0, 0)
    assert judged(panel(steady()[:, :34])) == {}
    champion = flat(2.0)
    judged(panel(steady()), champion=champion)
    assert min(days for _, days in champion.asked) >= 28


def test_the_contest_leaves_seasons_out_by_the_week():
    daily, weekly = contest(is_weekly=False), contest(is_weekly=True)
    assert set(daily.challengers) == {"seasonal_naive", "moving_average", "ses", "croston_sba", "tsb"}
    assert (set(daily.slow), set(weekly.challengers), weekly.slow) == ({"auto_ets"}, {"ses", "croston_sba", "tsb"}, {})
    assert all(made.history == "restored" for made in (*daily.challengers.values(), *daily.slow.values()))


def test_columns_are_those_of_the_lake():
    with duckdb.connect() as connection:
        connection.register("rows", row_table([]))
        connection.execute(f"CREATE TABLE result AS {assets.WRITE}", {"day": MONDAY})
        connection.execute(f"CREATE TABLE empty ({SCHEMAS['decisions/forecast_accuracy']})")
        described = [connection.execute(f"DESCRIBE {name}").fetchall() for name in ("result", "empty")]
    assert [row[:2] for row in described[0]] == [row[:2] for row in described[1]]


# The sample, from a warehouse.

LAST = date(2026, 3, 2)
FIRST = LAST - timedelta(days=62)
TABLES = {
    "int_demand_rates": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, first_seen DATE",
    "int_locations_in_force": "business_date DATE, location_id VARCHAR, location_type VARCHAR, cluster VARCHAR, region VARCHAR",
    "int_items": "sku_id VARCHAR, class VARCHAR, department VARCHAR, like_sku_id VARCHAR, unit_price DECIMAL(18,6)",
    "int_active_pairs": "business_date DATE, location_id VARCHAR, sku_id VARCHAR",
    "int_business_dates": "business_date DATE",
    "int_demand_daily": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, demand_units BIGINT, exposure DOUBLE, "
    "is_censored BOOLEAN, hours_out DECIMAL(18,6)",
    "int_promotions_in_force": "promo_id VARCHAR, sku_id VARCHAR, location_id VARCHAR, start_date DATE, end_date DATE, "
    "kind VARCHAR, planned_uplift DOUBLE, planned_discount_rate DOUBLE",
}


def warehouse(path, skus=12, locations=6):
    """Every SKU at every location, sold on Mondays; no Sunday ever landed. S0 is no longer on sale at L0."""
    with duckdb.connect(str(path)) as connection:
        for name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
        pairs = f"range({skus}) AS s(sku), range({locations}) AS l(loc)"
        span = {"first": FIRST, "last": LAST}
        connection.execute(
            "INSERT INTO int_business_dates SELECT d::DATE FROM generate_series($first::DATE, $last::DATE, INTERVAL 1 DAY) "
            "AS g(d) WHERE isodow(d) < 7", span,
        )  # fmt: skip
        last = {"last": LAST}
        connection.execute(
            f"INSERT INTO int_demand_rates SELECT $last, 'L' || loc, 'S' || sku, NULL FROM {pairs}", last
        )
        connection.execute(
            f"INSERT INTO int_active_pairs SELECT $last, 'L' || loc, 'S' || sku FROM {pairs} WHERE sku + loc > 0", last
        )
        connection.execute(
            f"INSERT INTO int_locations_in_force SELECT $last, 'L' || loc, 'store', 'c' || loc % 2, NULL "
            f"FROM range({locations}) AS l(loc)", last,
        )  # fmt: skip
        connection.execute(
            f"INSERT INTO int_items SELECT 'S' || sku, 'k' || sku % 3, 'd', NULL, 1 FROM range({skus}) AS s(sku)"
        )
        connection.execute(
            "INSERT INTO int_demand_daily SELECT b.business_date, 'L' || loc, 'S' || sku, 1 + (sku + loc) % 3, 1.0, false, NULL "
            f"FROM int_business_dates AS b, {pairs} WHERE isodow(b.business_date) = 1"
        )
    return path


CALENDAR = Calendar((), False, 182, 160, 91)


@pytest.fixture
def segments(tmp_path):
    path = tmp_path / "sku_segments.parquet"
    rows = {"business_date": [LAST] * 12, "sku_id": [f"S{k}" for k in range(12)], "abc": ["A", "B", "C"] * 4}
    pq.write_table(pa.table({**rows, "xyz": ["X"] * 12}), path)
    return path


@pytest.fixture
def small(tmp_path):
    return warehouse(tmp_path / "w.duckdb")


def drawn(path, segments, most=400, calendar=CALENDAR):
    with duckdb.connect(str(path), read_only=True) as connection:
        sample = read_sample(connection, LAST, calendar, most, segments)
        keys = connection.execute("SELECT sku_id, location_id FROM series ORDER BY series").fetchall()
    return sample, keys


def test_panel_holds_what_happened_on_a_calendar_without_gaps(small, segments):
    with duckdb.connect(str(small)) as connection:
        change = "UPDATE int_demand_daily SET {} WHERE sku_id = 'S1' AND location_id = 'L2' AND business_date = $day"
        connection.execute(change.format("exposure = 0.25, demand_units = 7"), {"day": LAST})
        sold_out = change.format("is_censored = true, demand_units = 3, exposure = 0")
        connection.execute(sold_out, {"day": LAST - timedelta(days=7)})
        connection.execute(
            "INSERT INTO int_promotions_in_force VALUES ('p', 'S1', 'L2', $first, $day, 'price', 1.5, 0.2)",
            {"first": LAST - timedelta(days=1), "day": LAST},
        )
    sample, keys = drawn(small, segments)
    panel_, row = sample.panel, keys.index(("S1", "L2"))
    assert len(keys) == 71 and ("S0", "L0") not in keys
    assert (panel_.dates == np.arange(panel_.dates[0], np.datetime64(LAST) + 1)).all()
    sundays = (panel_.dates.astype(int) + 3) % 7 == 6
    assert sundays.any() and (panel_.exposure[:, sundays] == 0).all() and not panel_.is_bound[:, sundays].any()
    assert (panel_.units[row, -1], panel_.exposure[row, -1], panel_.exposure[row, -3]) == (7, 0.25, 1)
    assert panel_.is_bound[row, -8] and panel_.units[row, -8] == 3 and panel_.is_bound.sum() == 1
    assert panel_.promotion[row].nonzero()[0].tolist() == [panel_.days - 2, panel_.days - 1]
    assert panel_.planned_uplift[row, -1] == 1.5 and np.isnan(panel_.planned_uplift[row, -3])
    other = keys.index(("S2", "L2"))
    assert panel_.units[other, -1] == 1 + (2 + 2) % 3 and not panel_.promotion[other].any()


def test_sample_is_bounded_by_skus_and_locations_and_does_not_hang_on_the_rest(small, segments, tmp_path):
    sample, keys = drawn(small, segments, most=16)
    skus, places = {sku for sku, _ in keys}, {place for _, place in keys}
    assert len(keys) <= 16 and len(skus) >= 4 and len(places) <= 5
    assert max(sum(sku == other for other, _ in keys) for sku in skus) <= 4
    assert sorted(sample.draw.tolist()) == list(range(1, len(keys) + 1))
    _, more_keys = drawn(small, segments, most=36)
    assert skus <= {sku for sku, _ in more_keys} and len(more_keys) > len(keys)
    assert sorted(skus) != [f"S{k}" for k in range(len(skus))]
    labels = dict(zip(sorted(skus), sample.segments["abc"].tolist(), strict=True))
    assert labels == {sku: "ABC"[int(sku[1:]) % 3] for sku in skus}
    assert set(sample.segments) == {"abc", "xyz"}


def test_nothing_on_sale_is_no_sample(small, segments):
    with duckdb.connect(str(small)) as connection:
        connection.execute("DELETE FROM int_active_pairs")
    assert drawn(small, segments)[0] is None


# The asset's function, on a home of files.


class Session(SimpleNamespace):
    def warehouse(self):
        return duckdb.connect(str(self.file), read_only=True)

    def decision_file(self, dataset, day):
        return self.root / dataset / str(day) / "data.parquet"


@pytest.fixture
def session(small, segments, tmp_path, monkeypatch):
    values = {
        "calendar.events": (), "calendar.period": "day", "demand.history_days": 182, "demand.season_weeks": 160, "demand.relearn_days": 91, "demand.backtest_days": ("MON",),
        "demand.backtest_origins": 2, "demand.backtest_series": 30, "demand.backtest_ets_series": 2,
    }  # fmt: skip
    made = Session(root=tmp_path, file=small, policy=SimpleNamespace(deployment=lambda day: values), values=values)
    target = made.decision_file("sku_segments", LAST)
    target.parent.mkdir(parents=True)
    target.write_bytes(segments.read_bytes())
    monkeypatch.setattr(assets, "predecessor", lambda session, day: day - timedelta(days=1))
    who = Contest(flat(0.5), {"other": flat(0.2)}, {"heavy": flat(0.3)})
    monkeypatch.setattr(assets, "contest", lambda *, is_weekly: who)
    return made


def read(session, day):
    return pq.read_table(session.decision_file("forecast_accuracy", day), partitioning=None)


def test_measured_on_its_weekday_and_handed_on_until_the_next(session):
    rows, is_measured = assets.write_accuracy(session, LAST)
    monday = read(session, LAST)
    assert is_measured and rows == monday.num_rows > 0
    assert set(monday["evaluated_on"].to_pylist()) == {LAST}
    for days in (1, 2):
        day = LAST + timedelta(days=days)
        assert assets.write_accuracy(session, day) == (rows, False)
        handed = read(session, day)
        assert set(handed["business_date"].to_pylist()) == {day}
        assert handed.drop_columns("business_date").equals(monday.drop_columns("business_date"))


def test_a_date_without_predecessor_has_no_rows_and_reads_no_later_one(session, monkeypatch):
    tuesday = LAST + timedelta(days=1)
    assets.write_accuracy(session, LAST)
    monkeypatch.setattr(assets, "predecessor", lambda session, day: None)
    assert assets.write_accuracy(session, tuesday) == (0, False)
    assert read(session, tuesday).schema.names == read(session, LAST).schema.names
    session.values["demand.backtest_days"] = ()
    assert assets.write_accuracy(session, LAST) == (0, False)


def test_the_same_history_gives_the_same_bytes(session):
    assets.write_accuracy(session, LAST)
    first = session.decision_file("forecast_accuracy", LAST).read_bytes()
    assets.write_accuracy(session, LAST)
    assert session.decision_file("forecast_accuracy", LAST).read_bytes() == first
    assert SCHEMA.names == [
        name for name in read(session, LAST).schema.names if name not in ("business_date", "evaluated_on")
    ]


def test_champion_and_baselines_from_libraries_on_the_sample(session, monkeypatch):
    """Every Monday sells the same, other days nothing: those that know the week are near, those that do not are not."""
    monkeypatch.setattr(assets, "contest", contest)
    found = rows_of(assets.measured(session, LAST).to_pylist())
    methods = {method for level, segment, method in found if (level, segment) == ("pair", "*")}
    assert methods == {"champion", "seasonal_naive", "moving_average", "ses", "croston_sba", "tsb", "auto_ets"}
    assert found["pair", "*", "seasonal_naive"]["wape"] == pytest.approx(0.0, abs=1e-6)
    assert found["pair", "*", "champion"]["wape_mean"] < found["pair", "*", "moving_average"]["wape_mean"]
    assert found["pair", "*", "auto_ets"]["series"] == 2


def test_worked_example_of_the_methods_page():
    """0 and 4 in turn for 14 days: 2 and 3 forecast have the same WAPE; only the second is biased."""
    units = 4 * (np.arange(DAYS) % 2)[None]
    found = rows_of(evaluate(panel(units, like_sku=np.full(1, -1)), np.array([1]), {},
                             Contest(flat(2.0), {"other": flat(3.0)}, {}), windows=2, horizon=HORIZON, slow_series=0))  # fmt: skip
    champion, other = (found["pair", "*", name] for name in ("champion", "other"))
    assert (champion["wape_mean"], other["wape_mean"]) == (1.0, 1.0)
    assert (champion["bias"], other["bias"], other["wape_difference"]) == (0.0, 0.5, 0.0)
