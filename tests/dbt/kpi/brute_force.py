"""The measures of kpi_daily from the drawn facts, in Fractions and plain loops: slow, and sharing no code with the SQL.

Formulas: design of the measures ("Ours") and semantics 19, 24 and 25.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from tests.dbt.kpi.world import DATES, FIRST_RUN, ITEMS, LOCATIONS, Facts, Row

TURNS, SELL_THROUGH, SHRINK, ACCURACY, COVERAGE = 5, 3, 4, 3, 2  # the windows of the test, in days


def _in(row: Row, location: str, department: str) -> bool:
    return location in ("*", row["location_id"]) and department in ("*", ITEMS[row["sku_id"]][0])


def _ratio(above, below):
    return Fraction(above) / Fraction(below) if below > 0 else None


def _key(row: Row) -> tuple:
    return row["business_date"], row["location_id"], row["sku_id"]


class BruteForce:
    """Measures of one world; `measures(day, location, department)` gives a dict of Fractions or None."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.positions = {_key(r): r for r in facts["inventory_positions"]}
        self.demand = {_key(r): r for r in facts["int_demand_daily"]}
        self.records = {_key(r): r for r in facts["reconciliations"]}
        self.restocked = {_key(r): r["units"] for r in facts["stg_returns"] if r["disposition"] == "restock"}
        self.opened = {_key(r): r["units"] for r in facts["stock_ledger"] if r["movement_type"] == "opening"}
        self.beliefs = {_key(r): r["probability_empty"] for r in facts["record_beliefs"]}
        self.orders = Orders(facts["stg_orders"])
        self.forecasts = {_key(r): Fraction(r["next_day_mean"]) for r in facts["demand_forecasts"]}

    def rows(self, day: date, location: str, department: str) -> list[tuple]:
        keys = {k for k in (*self.positions, *self.demand) if k[0] == day}
        return sorted(k for k in keys if _in({"location_id": k[1], "sku_id": k[2]}, location, department))

    def measures(self, day: date, location: str, department: str) -> dict[str, Fraction | None] | None:
        keys = self.rows(day, location, department)
        if not keys:
            return None
        return {
            **self._sales(keys),
            **self._stock(keys),
            **self._accuracy(keys),
            **self._open(keys),
            **self._coverage(day, keys),
            **self._forecast(keys),
            **self.orders.measures(day, location, department),
            **self._windows(day, location, department),
        }

    def _margin(self, key, owned_only: bool = False) -> tuple[Fraction, Fraction]:
        """(net cost of units sold, gross margin) of one pair-day."""
        if owned_only and ITEMS[key[2]][1] != "owned":
            return Fraction(0), Fraction(0)
        d = self.demand.get(key, {"sales_units": 0, "net_sales": 0, "refunds": 0})
        cost = Fraction((d["sales_units"] - self.restocked.get(key, 0)) * ITEMS[key[2]][2])
        return cost, d["net_sales"] - d["refunds"] - cost

    def _lost(self, key) -> Fraction:
        d, p = self.demand.get(key), self.positions.get(key)
        before = max((day for day in DATES if day < key[0]), default=None)
        mean = self.forecasts.get((before, *key[1:]), Fraction(p["daily_mean"] if p else 0))
        if d is None:
            return Fraction(0)
        if d["hours_out"]:
            return mean * Fraction(d["hours_out"], 12)
        if d["is_censored"] and p is not None and p["is_active"]:
            return max(Fraction(0), mean - d["sales_units"])
        return Fraction(0)

    def _sales(self, keys) -> dict:
        demand = [self.demand[k] for k in keys if k in self.demand]
        sold, returned = sum(d["sales_units"] for d in demand), sum(d["returned_units"] for d in demand)
        lost = sum((self._lost(k) for k in keys), Fraction(0))
        fill = _ratio(lost, sold + lost)
        return {
            "sales_units": sold,
            "net_sales": sum(d["net_sales"] for d in demand),
            "returned_units": returned,
            "refunds": sum(d["refunds"] for d in demand),
            "gross_margin": sum(self._margin(k)[1] for k in keys),
            "return_rate": _ratio(returned, sold),
            "lost_sales_units": lost,
            "lost_sales_value": sum((self._lost(k) * ITEMS[k[2]][3] for k in keys), Fraction(0)),
            "fill_rate": None if fill is None else 1 - fill,
            "open_order_units": sum(d["open_order_units"] for d in demand),
        }

    def _on_shelf(self, key) -> Fraction:
        """Share of the date's demand that met stock on the shelf."""
        p, d, r = self.positions[key], self.demand.get(key), self.records[key]
        if p["available"] <= 0 or (r["counted_units"] == 0 and r["variance"] < 0 and r["posted_by"] is None):
            return Fraction(0)
        if self.beliefs[key] > 0.5:
            return Fraction(0)
        return 1 - Fraction((d or {}).get("hours_out") or 0, 12)

    def _stock(self, keys) -> dict:
        held = [(k, self.positions[k]) for k in keys if k in self.positions]
        active = [(k, p) for k, p in held if p["is_active"]]
        out = sum(p["available"] <= 0 for _, p in active)
        in_stock = _ratio(out, len(active))
        # A DC's own row faces the demand of its stores; beside them that demand would count twice.
        facing = [(k, p) for k, p in held if k[1] != "DC"] or held
        weights = {k: Fraction(p["daily_mean"]) for k, p in active if k[1] != "DC"}
        demand = sum((Fraction(p["daily_mean"]) for _, p in facing), Fraction(0))
        days = _ratio(sum(p["available"] for _, p in held), demand)
        return {
            "positions": len(held),
            "active_positions": len(active),
            "stockout_positions": out,
            "overstock_positions": sum(p["stock_status"] == "overstock" for _, p in held),
            "in_stock_rate": None if in_stock is None else 1 - in_stock,
            "on_shelf_availability": _ratio(sum(w * self._on_shelf(k) for k, w in weights.items()), sum(weights.values())),
            "inventory_value": sum(p["inventory_value"] for _, p in held),
            "days_of_supply": days,
            "weeks_of_supply": None if days is None else days / 7,
        }

    def _accuracy(self, keys) -> dict:
        counts = [(self.records[k], ITEMS[k[2]][2]) for k in keys if k in self.records and self.records[k]["variance"] is not None]
        book = sum(abs(r["counted_units"] - r["variance"]) for r, _ in counts)
        value = sum(abs(r["counted_units"] - r["variance"]) * cost for r, cost in counts)
        wrong, wrong_value = sum(abs(r["variance"]) for r, _ in counts), sum(abs(r["variance"]) * cost for r, cost in counts)
        return {
            "counted_records": len(counts),
            "inventory_record_accuracy": _ratio(sum(r["is_accurate"] for r, _ in counts), len(counts)),
            "ira_exact": _ratio(sum(r["variance"] == 0 for r, _ in counts), len(counts)),
            "record_error_units": _ratio(wrong, len(counts)),
            "ira_value_net": 1 - _ratio(abs(sum(r["variance"] * cost for r, cost in counts)), value) if value else None,
            "ira_units": max(Fraction(0), 1 - _ratio(wrong, book)) if book else None,
            "ira_value": 1 - _ratio(wrong_value, value) if value else None,
        }

    def _open(self, keys) -> dict:
        rows = [r for r in self.facts["adjustments_proposed"] if _key(r) in keys and r["kind"] == "count"]
        pending = [r for r in rows if r["approval_status"] == "pending"]
        return {"open_variances": len(pending), "open_variance_value": sum(abs(r["variance_value"]) for r in pending)}

    def _coverage(self, day: date, keys) -> dict:
        active = [k for k in keys if k in self.positions and self.positions[k]["is_active"]]
        looked_at = [day - timedelta(days=back) for back in range(COVERAGE)]
        covered = 0
        for _, location, sku in active:
            records = [self.records.get((d, location, sku)) for d in looked_at]
            covered += any(r is not None and r["counted_units"] is not None for r in records)
        return {"covered_positions": covered, "count_coverage_rate": _ratio(covered, len(active))}

    def _corrected(self) -> dict[tuple, date]:
        """The date on which each count (its date, location, item) was first corrected."""
        found: dict[tuple, list[date]] = {}
        for r in self.facts["stock_ledger"]:
            if r["movement_type"] == "count_correction" and not r["is_reversal"]:
                found.setdefault(_key(r), []).append(r["posted_on"])
        for a in self.facts["stg_adjustments"]:
            day = next(c for c in self.facts["stg_cycle_counts"] if c["count_id"] == a["count_id"])["business_date"]
            found.setdefault((day, a["location_id"], a["sku_id"]), []).append(a["business_date"])
        return {key: min(days) for key, days in found.items() if key[0] >= FIRST_RUN}

    def _records(self, dates: list[date], location: str, department: str) -> dict:
        keys = [k for d in dates for k in self.rows(d, location, department)]
        counts = [self.records[k] for k in keys if k in self.records and self.records[k]["variance"] is not None]
        waits = [(on - key[0]).days for key, on in self._corrected().items() if (on, *key[1:]) in keys]
        return {
            "inventory_record_accuracy_window": _ratio(sum(r["is_accurate"] for r in counts), len(counts)),
            "days_to_correct": _ratio(sum(waits), len(waits)),
        }

    def _forecast(self, keys) -> dict:
        day = keys[0][0]
        before = max((d for d in DATES if d < day), default=None)
        errors, actual = [], 0
        for key in keys:
            forecast = self.forecasts.get((before, *key[1:]))
            d = self.demand.get(key, {"demand_units": 0, "is_censored": False})
            if forecast is not None and not d["is_censored"]:
                wanted = max(d["demand_units"], 0)
                errors.append(forecast - wanted)
                actual += wanted
        return {
            "forecast_wape": _ratio(sum(abs(e) for e in errors), actual),
            "forecast_bias": _ratio(sum(errors), actual),
        }

    def _window(self, day: date, width: int, location: str, department: str, stocked: bool) -> list[date]:
        dates = [d for d in DATES if day - timedelta(days=width) < d <= day and self.rows(d, location, department)]
        return [d for d in dates if not stocked or any(k in self.positions for k in self.rows(d, location, department))]

    def _windows(self, day: date, location: str, department: str) -> dict:
        return {
            **self._sell_through(self._window(day, SELL_THROUGH, location, department, True), location, department),
            **self._turns(day, self._window(day, TURNS, location, department, True), location, department),
            **self._shrink(self._window(day, SHRINK, location, department, False), location, department),
            **self._records(self._window(day, ACCURACY, location, department, False), location, department),
        }

    def _sell_through(self, dates: list[date], location: str, department: str) -> dict:
        if not dates:
            return {"sell_through": None}
        records = {d: [self.records[k] for k in self.rows(d, location, department) if k in self.records] for d in dates}
        opening = sum(r["opening"] for r in records[dates[0]])
        opening += sum(self.opened.get(k, 0) for d in dates for k in self.rows(d, location, department))
        received = sum(r["receipts"] + (0 if location == "*" else r["transfers_in"]) for d in dates for r in records[d])
        return {"sell_through": _ratio(sum(r["sales"] for d in dates for r in records[d]), opening + received)}

    def _turns(self, day: date, dates: list[date], location: str, department: str) -> dict:
        if not dates:
            return {"inventory_turns": None, "gmroi": None, "turns_window_days": None}
        keys = [k for d in dates for k in self.rows(d, location, department)]
        stock = Fraction(sum(self.positions[k]["inventory_value"] for k in keys if k in self.positions), len(dates))
        days = (day - dates[0]).days + 1
        cost, margin = (sum(self._margin(k, owned_only=True)[i] for k in keys) for i in (0, 1))
        return {
            "inventory_turns": _ratio(cost * 365 / days, stock),
            "gmroi": _ratio(margin * 365 / days, stock),
            "turns_window_days": days,
        }

    def _shrink(self, dates: list[date], location: str, department: str) -> dict:
        at_cost, at_retail = (self._losses(dates, location, department, column) for column in (2, 3))
        keys = [k for d in dates for k in self.rows(d, location, department)]
        cost = sum(self._margin(k)[0] for k in keys)
        retail = sum(self.demand[k]["net_sales"] - self.demand[k]["refunds"] for k in keys if k in self.demand)
        counted = at_cost is not None
        return {
            "shrink_value": at_cost,
            "shrink_rate": _ratio(at_cost, cost) if counted else None,
            "shrink_rate_retail": _ratio(at_retail, retail) if counted else None,
            "shrink_rate_cost_to_retail": _ratio(at_cost, retail) if counted else None,
        }

    def _losses(self, dates: list[date], location: str, department: str, column: int) -> Fraction | None:
        """Losses by location, valued at `column` of the item (2 cost, 3 price); None where nothing was counted."""
        net: dict[str, Fraction] = {}
        for place in LOCATIONS if location == "*" else [location]:
            keys = [k for d in dates for k in self.rows(d, place, department) if k in self.records]
            counts = [k for k in keys if self.records[k]["variance"] is not None]
            if counts:
                net[place] = sum(Fraction(-self.records[k]["variance"] * ITEMS[k[2]][column]) for k in counts)
        return sum(max(Fraction(0), value) for value in net.values()) if net else None


class Orders:
    """First-time fill of customer orders, line by line: when a line falls due, what had left by then, and where it counts."""

    def __init__(self, rows: list[Row]) -> None:
        self.lines: dict[tuple[str, int], list[Row]] = {}
        for row in sorted(rows, key=lambda r: r["business_date"]):
            self.lines.setdefault((row["order_id"], row["line_no"]), []).append(row)
        self.judged = {key: self._line(life) for key, life in self.lines.items()}

    def _line(self, life: list[Row]) -> dict:
        first, promise = life[0]["business_date"], life[0]["promised_date"]
        due = promise or first
        wanted = max(r["units"] for r in life if r["business_date"] <= max(due, first))
        at_due = [r for r in life if r["business_date"] <= due]
        left = 0
        if at_due and (at_due[-1]["status"] == "shipped" or (promise is None and at_due[-1]["status"] == "allocated")):
            left = at_due[-1]["units"]
        cancelled = [r["business_date"] for r in life if r["status"] == "cancelled" and (r["business_date"] < due or r is life[0])]
        counted = [d for d in DATES if d >= max(due, first)]
        resolved = cancelled or counted
        return {"first": first, "wanted": wanted, "left": min(left, wanted), "is_wanted": not cancelled, "on": resolved[0] if resolved else None}

    def _counts_at(self, key: tuple[str, int], day: date, location: str, department: str) -> bool:
        newest = [r for r in self.lines[key] if r["business_date"] <= day][-1]
        return _in({"location_id": newest["ship_from_location_id"] or "DC", "sku_id": newest["sku_id"]}, location, department)

    def measures(self, day: date, location: str, department: str) -> dict:
        due = [j for k, j in self.judged.items() if j["is_wanted"] and j["on"] == day and self._counts_at(k, day, location, department)]
        full, orders, complete = [j for j in due if j["left"] == j["wanted"]], 0, 0
        for order in {order for order, _ in self.lines}:
            lines = {k: j for k, j in self.judged.items() if k[0] == order}
            request = {k: j for k, j in lines.items() if j["first"] == min(o["first"] for o in lines.values())}
            wanted = {k: j for k, j in request.items() if j["is_wanted"]}
            if wanted and all(j["on"] for j in request.values()) and max(j["on"] for j in request.values()) == day:
                counts = self._counts_at(min(wanted), day, location, department)
                orders, complete = orders + counts, complete + (counts and all(j["left"] == j["wanted"] for j in wanted.values()))
        wanted_units, left_units = sum(j["wanted"] for j in due), sum(j["left"] for j in due)
        return {
            "order_units_due": wanted_units, "order_units_filled": left_units, "order_lines_due": len(due), "order_lines_filled": len(full),
            "orders_due": orders, "orders_filled": complete, "unit_fill_rate": _ratio(left_units, wanted_units),
            "line_fill_rate": _ratio(len(full), len(due)), "order_fill_rate": _ratio(complete, orders),
        }  # fmt: skip
