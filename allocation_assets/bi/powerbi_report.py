"""The report of the Power BI project (PBIR): a few pages that a reader starts from. Layout alone; measures are of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from allocation_assets.bi.semantics import Semantics

_SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric/item/report"
_DEFINITION = f"{_SCHEMAS}/definition"
_WIDTH, _HEIGHT, _GAP, _CARD = 1280, 720, 16, 96
#: A day, and a location's or item's attribute, by a name that no table has.
_CALENDAR = {"date": ("Calendar", "Date")}


@dataclass(frozen=True)
class Chart:
    """A visual: its type, the column of its axis as `table.column` (or `date`), the metrics on it; rows of a table are columns."""

    kind: str
    by: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """A page: cards of metrics above, two charts below."""

    name: str
    title: str
    cards: tuple[str, ...]
    charts: tuple[Chart, Chart]


PAGES = (
    Page(
        "overview",
        "Overview",
        ("net_sales", "fill_rate", "in_stock_rate", "lost_sales_value", "inventory_value", "days_of_supply"),
        (
            Chart("lineChart", ("date",), ("net_sales", "lost_sales_value")),
            Chart("clusteredBarChart", ("locations.location_id",), ("lost_sales_value",)),
        ),
    ),
    Page(
        "periods",
        "Against last year and plan",
        ("month_net_sales", "month_net_sales_to_last_year", "year_net_sales", "year_net_sales_to_last_year", "net_sales_to_plan", "inventory_to_plan"),
        (
            Chart("clusteredBarChart", ("period_cells.department",), ("month_net_sales", "month_net_sales_last_year")),
            Chart(
                "tableEx",
                ("locations.location_id",),
                ("month_net_sales", "month_net_sales_last_year", "month_gross_margin", "month_gross_margin_last_year", "month_fill_rate", "month_fill_rate_last_year"),
            ),
        ),
    ),
    Page(
        "stock",
        "Stock",
        ("on_hand_units", "in_transit_units", "position_value", "stockout_count", "overstock_value", "obsolete_value"),
        (
            Chart("clusteredBarChart", ("inventory_positions.stock_status",), ("position_value",)),
            Chart("tableEx", ("items.sku_id", "locations.location_id"), ("on_hand_units", "in_transit_units", "position_value")),
        ),
    ),
    Page(
        "allocation",
        "Allocation",
        ("requested_units", "allocated_units", "allocation_fill_rate", "firm_units", "objective_value", "optimality_gap"),
        (
            Chart("clusteredBarChart", ("allocation_needs.binding_constraint",), ("unmet_units",)),
            Chart("tableEx", ("items.sku_id", "locations.location_id"), ("need_units", "given_units", "unmet_units")),
        ),
    ),
    Page(
        "actions",
        "Actions",
        ("open_exceptions", "value_at_risk", "order_units", "order_value", "open_to_buy", "vendor_short_rate"),
        (
            Chart("clusteredBarChart", ("exceptions.kind",), ("value_at_risk",)),
            Chart(
                "tableEx",
                ("exceptions.severity", "exceptions.owner_role", "exceptions.due_on", "exceptions.detail", "exceptions.recommended_action"),
                ("value_at_risk",),
            ),
        ),
    ),
)


def report_files(semantics: Semantics, project: str) -> dict[str, Mapping[str, Any]]:
    """JSON content by path, relative to the report's folder."""
    files: dict[str, Mapping[str, Any]] = {
        "definition.pbir": {
            "$schema": f"{_SCHEMAS}/definitionProperties/2.0.0/schema.json",
            "version": "4.0",
            "datasetReference": {"byPath": {"path": f"../{project}.SemanticModel"}},
        },
        "definition/version.json": {"$schema": f"{_DEFINITION}/versionMetadata/1.0.0/schema.json", "version": "2.0.0"},
        "definition/report.json": {"$schema": f"{_DEFINITION}/report/3.3.0/schema.json", "themeCollection": {}},
        "definition/pages/pages.json": {
            "$schema": f"{_DEFINITION}/pagesMetadata/1.1.0/schema.json",
            "pageOrder": [page.name for page in PAGES],
            "activePageName": PAGES[0].name,
        },
    }
    for page in PAGES:
        folder = f"definition/pages/{page.name}"
        files[f"{folder}/page.json"] = {
            "$schema": f"{_DEFINITION}/page/2.1.0/schema.json",
            "name": page.name,
            "displayName": page.title,
            "displayOption": "FitToPage",
            "height": _HEIGHT,
            "width": _WIDTH,
        }
        for visual in _visuals(page, semantics):
            files[f"{folder}/visuals/{visual['name']}/visual.json"] = visual
    return files


def _visuals(page: Page, semantics: Semantics) -> Iterator[dict[str, Any]]:
    width = (_WIDTH - _GAP * (len(page.cards) + 1)) / len(page.cards)
    for place, metric in enumerate(page.cards):
        box = {"x": round(_GAP + place * (width + _GAP), 2), "y": _GAP, "width": round(width, 2), "height": _CARD}
        yield _visual(f"card_{metric}", "card", box, place, {"Values": [_measure(metric, semantics)]})
    top = 2 * _GAP + _CARD
    wide = (_WIDTH - 3 * _GAP) / 2
    for place, chart in enumerate(page.charts):
        box = {"x": _GAP + place * (wide + _GAP), "y": top, "width": wide, "height": _HEIGHT - top - _GAP}
        axis = [_column(name, semantics) for name in chart.by]
        values = [_measure(metric, semantics) for metric in chart.metrics]
        roles = {"Values": axis + values} if chart.kind == "tableEx" else {"Category": axis, "Y": values}
        yield _visual(f"chart_{place + 1}", chart.kind, box, len(page.cards) + place, roles)


def _visual(name: str, kind: str, box: Mapping[str, float], order: int, roles: Mapping[str, list]) -> dict[str, Any]:
    return {
        "$schema": f"{_DEFINITION}/visualContainer/2.9.0/schema.json",
        "name": name,
        "position": {**box, "z": order, "tabOrder": order},
        "visual": {
            "visualType": kind,
            "query": {"queryState": {role: {"projections": fields} for role, fields in roles.items()}},
            "drillFilterOtherVisuals": True,
        },
    }


def _measure(name: str, semantics: Semantics) -> dict[str, Any]:
    metric = semantics.metrics[name]
    table = next(table.label for table in semantics.tables if table.name == metric.table)
    return _field("Measure", table, metric.label)


def _column(name: str, semantics: Semantics) -> dict[str, Any]:
    if name in _CALENDAR:
        return _field("Column", *_CALENDAR[name]) | {"active": True}
    table_name, column_name = name.split(".")
    table = next(table for table in semantics.tables if table.name == table_name)
    column = next(column for column in table.columns if column.name == column_name)
    return _field("Column", table.label, column.label) | {"active": True}


def _field(kind: str, table: str, name: str) -> dict[str, Any]:
    return {
        "field": {kind: {"Expression": {"SourceRef": {"Entity": table}}, "Property": name}},
        "queryRef": f"{table}.{name}",
        "nativeQueryRef": name,
    }
