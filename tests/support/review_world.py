"""A small published database for tests of page and workbook, and one as large as a chain; every number is set here."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import duckdb

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.reporting.topics import TOPICS

DAY = date(2026, 3, 10)
DAYS = [DAY - timedelta(days=back) for back in range(13, -1, -1)]
#: Names that a spreadsheet or a browser would take for a formula or for code.
FORMULA, CODE = "=1+1", "<script>alert(1)</script>"
DEPARTMENTS = (CODE, "Fresh")
EXTRA = ("demand_forecasts", "record_beliefs", "location_reliability")


@cache
def _schemas() -> dict[str, str]:
    """DDL of each dataset: of decisions as declared, of marts as the dbt docs say."""
    from orchestration.dbt_parse import ensure_manifest

    nodes = json.loads(ensure_manifest().read_text())["nodes"].values()
    models = {node["name"]: node["columns"].values() for node in nodes if node["resource_type"] == "model"}
    names = {source for topic in TOPICS for source in topic.sources} | set(EXTRA)
    return {
        name: SCHEMAS.get(f"decisions/{name}") or ", ".join(f"{c['name']} {c['data_type']}" for c in models[name])
        for name in sorted(names)
        if name in models or f"decisions/{name}" in SCHEMAS
    }


def empty(connection: duckdb.DuckDBPyConnection) -> None:
    """Every dataset that the review reads, without rows."""
    for name, columns in _schemas().items():
        connection.execute(f"CREATE TABLE {name} ({columns})")


def insert(connection: duckdb.DuckDBPyConnection, dataset: str, **row) -> None:
    """One row; columns that are not given are null."""
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {dataset} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def kpi(connection: duckdb.DuckDBPyConnection, day: date, location: str, department: str, **values) -> None:
    """A row of kpi_daily."""
    insert(connection, "kpi_daily", business_date=day, location_id=location, department=department, **values)


def small(connection: duckdb.DuckDBPyConnection) -> None:
    """Two stores, two departments, 14 dates. Net sales of date i are 100 + 10 i; the last date is DAY."""
    empty(connection)
    for i, day in enumerate(DAYS):
        kpi(connection, day, "*", "*", net_sales=100 + 10 * i, gross_margin=40, sales_units=10 + i, lost_sales_value=5, lost_sales_units=1,
            fill_rate=0.9, in_stock_rate=0.8 if day == DAY else 0.9, on_shelf_availability=0.85, active_positions=20,
            stockout_positions=4 if day == DAY else 2, critical_positions=1, overstock_positions=0, inventory_value=1234.56,
            days_of_supply=12.5, forecast_wape=0.31, forecast_bias=-0.02)  # fmt: skip
    for day, shares in ((DAYS[-2], (120, 100)), (DAY, (150, 80))):
        for department, sales in zip(DEPARTMENTS, shares, strict=True):
            kpi(connection, day, "*", department, net_sales=sales, lost_sales_value=2.5, stockout_positions=sales // 50, active_positions=10,
                in_stock_rate=1 - sales // 50 / 10)  # fmt: skip
        for location, sales in zip((FORMULA, "S2"), shares, strict=True):
            kpi(connection, day, location, "*", location_type="store", channel="store", net_sales=sales, lost_sales_value=1.005,
                stockout_positions=2, active_positions=10, in_stock_rate=0.8, inventory_value=617.28)  # fmt: skip
            for department in DEPARTMENTS:
                kpi(connection, day, location, department, net_sales=sales / 2, lost_sales_value=0.5, stockout_positions=1,
                    active_positions=5, in_stock_rate=0.8)  # fmt: skip
    _places(connection)
    _state(connection)
    _decisions(connection)


def small_file(path: Path) -> Path:
    """The small world as a database file, for tests that copy it."""
    with duckdb.connect(str(path)) as connection:
        small(connection)
    return path


def _places(connection: duckdb.DuckDBPyConnection) -> None:
    """The last date by channel and region; other dates, periods and dimensions stand beside it and are of other topics."""
    for dimension, member, department, sales, out, lost, filled in (
        ("channel", "store", "*", 230, 4, 2.01, 1), ("region", "north", "*", 150, 3, 1.005, 1), ("region", CODE, "*", 80, 1, 1.005, 0),
        ("total", "*", "*", 230, 4, 2.01, 1), ("location", "S2", "*", 80, 1, 1.005, 0), ("location_department", "S2", CODE, 50, 1, 1, 0),
        ("location_department", "S2", "Fresh", 30, 0, 0.005, 0),
    ):  # fmt: skip
        for day, period, factor in ((DAY, "day", 1), (DAY, "week_to_date", 7), (DAYS[-2], "day", 3)):
            insert(connection, "kpi_periods", business_date=day, period=period, dimension=dimension, member=member, department=department, sales_units=sales // 10 * factor,
                   net_sales_last_year=sales * factor * 2, net_sales_growth=-0.5, planned_sales_of_month=sales * 4 if dimension == "total" else None, markdowns=7.25,
                   net_sales=sales * factor, gross_margin=sales * factor / 4, lost_sales_value=lost * factor, fill_rate=0.95, in_stock_rate=1 - out / 20,
                   on_shelf_availability=0.875, order_lines_due=8 * factor, line_fill_rate=0.625, orders_due=2 * factor,
                   order_fill_rate=filled / 2, active_positions=20 * factor, stockout_positions=out * factor, critical_positions=3, overstock_positions=1, obsolete_positions=2,
                   available_units=40, inventory_value=617.28)  # fmt: skip


def _state(connection: duckdb.DuckDBPyConnection) -> None:
    for location, status, value in ((FORMULA, "stockout", 0), ("S2", "healthy", 617.28)):
        insert(connection, "inventory_positions", business_date=DAY, location_id=location, sku_id="-A", department=CODE, channel="store",
               location_type="store", stock_status=status, is_active=True, on_hand=0 if status == "stockout" else 40, available=0, in_transit=3,
               on_order=0, daily_mean=2.5, unit_cost=4.10, inventory_value=value, next_arrival_date=date(2026, 3, 12))  # fmt: skip
    for n, (kind, severity, value, due) in enumerate((("negative_stock", "high", 99.99, date(2026, 3, 8)), ("late_delivery", "low", 10, date(2026, 3, 12)))):
        insert(connection, "exceptions", business_date=DAY, exception_id=f"e{n}", kind=kind, cause_key="c", severity=severity, sku_id="@A",
               location_id=FORMULA, value_at_risk=value, owner_role="inventory_controller", opened_on=DAY if n else DAYS[-3], due_on=due,
               escalation_level=0, status="open", detail=f"{CODE} found", recommended_action="+look")  # fmt: skip
    insert(connection, "exceptions", business_date=DAY, exception_id="gone", kind="negative_stock", value_at_risk=1e6, status="resolved")
    insert(connection, "run_summary", business_date=DAY, rows_landed=10, rows_loaded=9, rows_quarantined=1, allocation_lines=1,
           provenance="pos=observed; lanes=simulated", warnings=[CODE], policy_hash="p", input_hash="i", code_version="0")  # fmt: skip


def need(connection: duckdb.DuckDBPyConnection, to: str, **changes) -> None:
    """A row of allocation_needs that differs from a plain one in what is given."""
    row = dict(business_date=DAY, from_location_id="DC1", to_location_id=to, sku_id="-A", channel="store", department=CODE, need_units=12,
               allocated_units=4, shorted_units=8, on_hand=0, believed_on_hand=0, in_transit=0, position_units=0, supply_units=10, daily_mean=2.5,
               dispersion=1.0, horizon_days=3, case_pack=2, presentation_min=0, marginal_value=3.25, next_case_value=2.5, opportunity_cost=2.75,
               objective_value=9, binding_constraint="dc_supply", rule_id="default", order_units=2, min_ship_units=0, line_cost=0, forced_units=0,
               kept_value_per_unit=0, supply_price=1.5, pool_price=0, receiving_price=0, dispatch_price=0, line_price=0, is_repaired=False)  # fmt: skip
    insert(connection, "allocation_needs", **(row | changes))


def _decisions(connection: duckdb.DuckDBPyConnection) -> None:
    need(connection, FORMULA)
    need(connection, "S2", need_units=6, allocated_units=6, shorted_units=0, binding_constraint="need_met", next_case_value=0.5, objective_value=20)
    for channel, department in (("*", "*"), ("store", CODE)):
        insert(connection, "allocation_performance", business_date=DAY, channel=channel, department=department, requested_units=18,
               allocated_units=10, shorted_units=8, allocation_fill_rate=10 / 18, backlog_units=0, objective_value=99.5, objective_bound=100,
               optimality_gap=0.005)  # fmt: skip
    insert(connection, "allocations", business_date=DAY, from_location_id="DC1", to_location_id=FORMULA, sku_id="-A", channel="store", units=4,
           cases=2, is_firm=True, ship_date=date(2026, 3, 11), arrival_date=date(2026, 3, 12), marginal_value=3.25, approval_status="pending")  # fmt: skip
    for location, value, status in (("DC1", 100.10, "auto"), ("S2", 50.05, "pending")):
        insert(connection, "replenishment_orders", business_date=DAY, supplier_id="@SUP", location_id=location, sku_id="-A", department=CODE,
               units=20, cases=10, order_value=value, lead_time_days=3, review_days=1, daily_mean=2, dispersion=1, expected_lost_sales_avoided=0.5,
               policy="order_up_to", basis="cost", binding_constraint="policy", holding_added=0.25, rule_id="default", order_date=date(2026, 3, 11), expected_date=date(2026, 3, 15), expected_benefit=7,
               approval_status=status, held_reason="budget" if status == "pending" else None)  # fmt: skip
    insert(connection, "open_to_buy", business_date=DAY, department=CODE, month=date(2026, 3, 1), planned_sales=1000, planned_markdowns=50,
           planned_eom_inventory=400, bom_inventory=500, received_to_date=100, on_order=200, open_to_buy=650)  # fmt: skip
    insert(connection, "service_levels", business_date=DAY, segment="A", location_type="dc", pairs=3, fill_rate_aimed_at=0.99,
           recommended_service_target=0.97, removable_units=12, removable_value=88.8)  # fmt: skip


def large(connection: duckdb.DuckDBPyConnection, locations: int = 1000, departments: int = 50) -> None:
    """A chain: every location x department with numbers that do not compress into one, and 2,000 rows of every long list."""
    small(connection)
    connection.execute(
        """INSERT INTO kpi_daily (business_date, location_id, department, location_type, channel, in_stock_rate, active_positions,
               stockout_positions, lost_sales_value, net_sales, fill_rate, on_shelf_availability, inventory_value)
           SELECT $day, format('S{:04d}', l), format('Department {:02d}', d), 'store', 'store', round(1 - (l * 31 + d * 17) % 97 / 200.0, 6), 200,
               (l * 31 + d * 17) % 97, ((l * 7919 + d * 104729) % 99991) / 100, ((l * 104729 + d * 7919) % 999983) / 100, 0.9, 0.9, 1000
           FROM range($locations) AS a(l), range($departments) AS b(d)""",
        {"day": DAY, "locations": locations, "departments": departments},
    )
    connection.execute(
        """INSERT INTO kpi_daily BY NAME
           SELECT business_date, location_id, '*' AS department, 'store' AS location_type, 'store' AS channel, sum(net_sales) AS net_sales,
               sum(stockout_positions)::BIGINT AS stockout_positions, sum(lost_sales_value) AS lost_sales_value
           FROM kpi_daily WHERE location_id LIKE 'S0%' GROUP BY ALL
           UNION ALL BY NAME
           SELECT business_date, '*' AS location_id, department, sum(net_sales) AS net_sales, sum(stockout_positions)::BIGINT AS stockout_positions,
               sum(lost_sales_value) AS lost_sales_value, avg(in_stock_rate) AS in_stock_rate
           FROM kpi_daily WHERE department LIKE 'Dep%' GROUP BY ALL"""
    )
    connection.execute(
        """INSERT INTO exceptions BY NAME SELECT e.* REPLACE (exception_id || n AS exception_id, value_at_risk + n AS value_at_risk)
           FROM exceptions AS e, range(2000) AS r(n) WHERE status = 'open'"""
    )


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[tuple[str, dict]] = []
        self.blocks: dict[str, str] = {}
        self._rows: list[list[str]] | None = None
        self._in_cell = False
        self._block: str | None = None

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "table":
            self._rows = self.tables.setdefault(attributes.get("data-topic", ""), [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")
            self._in_cell = True
        elif tag == "script":
            self._block = attributes.get("id")

    def handle_endtag(self, tag):
        if tag in ("th", "td"):
            self._in_cell = False
        elif tag == "table":
            self._rows = None
        elif tag == "script":
            self._block = None

    def handle_data(self, data):
        if self._in_cell:
            self._rows[-1][-1] += data
        elif self._block:
            self.blocks[self._block] = self.blocks.get(self._block, "") + data


def parse(page: str) -> _Tables:
    """The page as a reader gets it: `tables` by topic (first row the headings), `tags`, and the JSON `blocks` by id."""
    parser = _Tables()
    parser.feed(page)
    return parser
