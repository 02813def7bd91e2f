"""What the retailer's systems have recorded up to a day: the relations that root causes are found from."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd

from allocation_assets.root_causes.find import RELATIONS
from tests.benchmarks.root_cause_world.chain import SUPPLIER_DAYS, Nature, Record

FIRST = date(2026, 1, 1)
#: A record is suspected by an outside rule: a book with stock and days without a sale, against a prior of 2 % a day.
THEFTS_A_DAY = 0.02


def at(day: int) -> date:
    """Date of a day of the world."""
    return FIRST + timedelta(days=int(day))


class Seen:
    """The world's records as DataFrames; `open(day, window)` makes the relations as they stood at the close of a day."""

    def __init__(self, nature: Nature, record: Record) -> None:
        self.nature, self.record = nature, record
        self.days, self.stores, self.skus = record.shape
        day, store, sku = (part.ravel() for part in np.indices(record.shape))
        a = {name: values.ravel() for name, values in record.arrays.items()}
        mean = np.broadcast_to(nature.mean, record.shape).ravel()
        sales, exposure = a["sales"], a["exposure"]
        margin = (nature.price - nature.cost)[sku]
        self.frame = pd.DataFrame({
            "day": day, "location_id": np.char.add("S", store.astype(str)), "sku_id": np.char.add("K", sku.astype(str)), "mean": mean,
            "book": a["book"], "sales": sales, "exposure": exposure, "lost": mean * (1 - exposure),
            "lost_margin": mean * (1 - exposure) * margin, "need": a["need"], "planned": a["planned"], "binding": a["binding"],
            "corrected": a.get("corrected", np.zeros(len(day), np.int64)), "cost": nature.cost[sku],
        })  # fmt: skip
        self.frame["business_date"] = pd.to_datetime([at(d) for d in range(self.days)])[day]

    def open(self, day: int, window: int) -> duckdb.DuckDBPyConnection:
        """A connection with every relation of the window that ends on `day`."""
        connection = duckdb.connect(config={"threads": 2})
        for name, columns in RELATIONS.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
        f = self.frame[(self.frame.day <= day) & (self.frame.day > day - window)].copy()
        parts = {
            **self._days(f), "plans": self._plans(f[f.day < day]), "beliefs": self._beliefs(f, day), "lines": self._lines(day, window),
            "deliveries": self._deliveries(day, window), "orders": self._orders(day), "movements": self._movements(f, day, window),
            "items": pd.DataFrame({"sku_id": [f"K{k}" for k in range(self.skus)], "unit_cost": self.nature.cost, "unit_price": self.nature.price}),
        }  # fmt: skip
        for name, part in parts.items():
            if len(part):
                connection.register("part", part)
                connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM part")
                connection.unregister("part")
        return connection

    @staticmethod
    def _days(f: pd.DataFrame) -> dict[str, pd.DataFrame]:
        key = f[["business_date", "location_id", "sku_id"]]
        is_out = f.book <= 0
        positions = key.assign(available=f.book.clip(lower=0), stock_status=np.where(is_out, "stockout", "healthy"), ownership="owned",
                               is_active=True, location_type="store", daily_mean=f["mean"], unit_cost=f.cost)  # fmt: skip
        is_short = f.exposure < 1
        losses = key.assign(lost_units=f.lost, lost_margin=f.lost_margin)[is_short]
        demand = key.assign(sales_units=f.sales, demand_units=f.sales, hours_out=(1 - f.exposure) * 10, is_censored=is_short)
        return {"positions": positions, "losses": losses, "demand": demand,
                "forecasts": key.assign(next_day_mean=f["mean"], next_day_dispersion=1.0)}  # fmt: skip

    @staticmethod
    def _plans(f: pd.DataFrame) -> pd.DataFrame:
        """Pairs without a need are not in a plan."""
        f = f[f.need > 0]
        return pd.DataFrame({
            "business_date": f.business_date, "from_location_id": "DC", "to_location_id": f.location_id, "sku_id": f.sku_id,
            "need_units": f.need, "allocated_units": f.planned, "shorted_units": f.need - f.planned, "forced_units": 0,
            "binding_constraint": f.binding, "arrival": f.business_date + pd.Timedelta(days=2),
            "override_id": np.where(f.binding == "override", "OV", None),
        })  # fmt: skip

    @staticmethod
    def _beliefs(f: pd.DataFrame, day: int) -> pd.DataFrame:
        """Odds of an empty shelf: thefts a day x days without a sale, against the chance of so many days without one."""
        f = f.sort_values("day")
        last_sale = f[f.sales > 0].groupby(["location_id", "sku_id"]).day.max()
        today = f[f.day == day].set_index(["location_id", "sku_id"])
        quiet = day - last_sale.reindex(today.index).fillna(f.day.min() - 1)
        odds = THEFTS_A_DAY * quiet / np.exp(-today["mean"] * quiet)
        empty = np.where((today.book > 0) & (quiet > 0), odds / (1 + odds), 0.0)
        return pd.DataFrame({"business_date": today.business_date, "book_on_hand": today.book, "probability_empty": empty,
                             "zero_sales_days": quiet.astype(int)}).reset_index()  # fmt: skip

    def _lines(self, day: int, window: int) -> pd.DataFrame:
        return pd.DataFrame([
            (at(t), f"a{truck}-{k}", "DC", f"S{store}", f"K{k}", True, int(load[k]), at(t + 1), at(t + 2), "auto")
            for truck, t, store, _, _, load in self.record.logs["trucks"] if day - window < t < day for k in np.flatnonzero(load)
        ], columns=["business_date", "allocation_id", "from_location_id", "to_location_id", "sku_id", "is_firm", "units", "ship_date",
                    "arrival_date", "approval_status"])  # fmt: skip

    def _deliveries(self, day: int, window: int) -> pd.DataFrame:
        came = {truck: (t, units) for truck, t, units in self.record.logs["arrivals"] if t <= day}
        rows = []
        for truck, t, store, leaves, due, load in self.record.logs["trucks"]:
            if leaves > day or t <= day - window:
                continue
            on, units = came.get(truck, (None, None))
            for k in np.flatnonzero(load):
                got = int(units[store, k]) if units is not None else 0
                rows.append((at(day if on is None else on), f"T{truck}", int(k), "DC", f"S{store}", f"K{k}", f"a{truck}-{k}", at(leaves), at(due),
                             int(load[k]), got, 0, int(load[k]) if on is None else 0, 0 if on is None else int(load[k]) - got,
                             at(on) if on is not None and got else None, at(on) if on is not None else None))  # fmt: skip
        return pd.DataFrame(rows, columns=[
            "business_date", "shipment_id", "line_no", "from_location_id", "to_location_id", "sku_id", "allocation_id", "shipped_on",
            "expected_date", "units_shipped", "units_received", "units_damaged", "in_transit_units", "short_units", "last_received_on", "closed_on",
        ])  # fmt: skip

    def _orders(self, day: int) -> pd.DataFrame:
        came = {po: (t, units) for po, t, units in self.record.logs["po_arrivals"] if t <= day}
        return pd.DataFrame([
            (at(came[po][0] if po in came else t), f"P{po}", "DC", f"K{sku}", at(t), at(t + SUPPLIER_DAYS), units, units,
             came[po][1] if po in came else 0, at(came[po][0]) if po in came and came[po][1] else None, at(came[po][0]) if po in came else None, False)
            for po, t, sku, units in self.record.logs["orders"] if t <= day
        ], columns=["business_date", "po_id", "location_id", "sku_id", "ordered_on", "promised_date", "units_ordered", "units_due",
                    "units_received", "last_received_on", "closed_on", "is_cancelled"])  # fmt: skip

    def _movements(self, f: pd.DataFrame, day: int, window: int) -> pd.DataFrame:
        counted = f[f.corrected != 0]
        counts = pd.DataFrame({"business_date": counted.business_date, "location_id": counted.location_id, "sku_id": counted.sku_id,
                               "movement_type": "count_correction", "units": counted.corrected})  # fmt: skip
        sku_of = {po: sku for po, _, sku, _ in self.record.logs["orders"]}
        receipts = pd.DataFrame([
            (pd.Timestamp(at(t)), "DC", f"K{sku_of[po]}", "receipt", units) for po, t, units in self.record.logs["po_arrivals"]
            if day - window < t <= day and units
        ], columns=list(counts.columns))  # fmt: skip
        both = pd.concat([counts, receipts], ignore_index=True)
        return both.assign(movement_id=[f"m{n}" for n in range(len(both))])
