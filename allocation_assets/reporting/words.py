"""Numbers as a reader sees them, and the executive summary in plain words."""

from __future__ import annotations

from datetime import date
from typing import Any

from allocation_assets.reporting.measures import EXPLAINED_BY, KPI, MEASURES, Measure
from allocation_assets.reporting.picture import Picture, Table

#: Columns whose kind their type does not tell.
_KINDS = {
    "on_shelf_availability": "rate", "forecast_wape": "rate", "forecast_bias": "rate", "fill_rate_aimed_at": "rate",
    **dict.fromkeys(("net_sales_growth", "net_sales_to_plan", "markdowns_to_plan", "receipts_to_plan", "inventory_to_plan"), "rate"),
    "recommended_service_target": "rate", "probability_wrong": "rate", "probability_empty": "rate", "optimality_gap": "gap",
    "days_of_supply": "days", "mean_delay_days": "days", "lost_sales_units": "number", "expected_units_sold_uplift": "number",
    "expected_lost_sales_avoided": "number",
}  # fmt: skip
_BY_MEASURE = ("value", "before_value", "change")

LABELS = {
    "sku_id": "Item", "location_id": "Location", "from_location_id": "From", "to_location_id": "To", "supplier_id": "Supplier",
    "daily_mean": "Demand a day", "days_of_supply": "Days of supply", "owner_role": "Owner", "due_on": "Due", "business_date": "Date",
    "binding_constraint": "What binds", "before_value": "Before", "objective_value": "Value", "objective_bound": "Bound",
}  # fmt: skip

NONE = "–"
_MOST_SENTENCES = 6


def label(column: str) -> str:
    """A column's heading for people."""
    return LABELS.get(column) or column.replace("_", " ").capitalize()


def kind_of(column: str, dtype: str) -> str:
    """How a column is written: text, date, flag, units, number, money, rate, gap or days."""
    if column in _KINDS:
        return _KINDS[column]
    if column.endswith("_rate"):
        return "rate"
    if dtype.startswith("DECIMAL"):
        return "money"
    by_type = {"DATE": "date", "BOOLEAN": "flag", "DOUBLE": "number", "VARCHAR": "text"}
    return by_type.get(dtype, "units" if "INT" in dtype else "text")


def kinds(table: Table, row: tuple) -> list[str]:
    """Kinds of a row's cells: by column, but for tables that hold one measure a row."""
    plain = [kind_of(name, dtype) for name, dtype in zip(table.names, table.types, strict=True)]
    if "measure" not in table.names:
        return plain
    kind = MEASURES[row[table.names.index("measure")]].kind
    return [kind if name in _BY_MEASURE else k for name, k in zip(table.names, plain, strict=True)]


def write(value: Any, kind: str) -> str:
    """A value as text: money to the cent, units whole, rates in per cent; a dash where there is none."""
    if value is None or value != value:
        return NONE
    match kind:
        case "money" | "number":
            return f"{value:,.2f}"
        case "units":
            return f"{value:,.0f}"
        case "rate":
            return f"{value:.2%}"
        case "gap":
            return f"{value:.4%}"
        case "days":
            return f"{value:,.1f}"
        case "flag":
            return "yes" if value else "no"
        case _:
            return str(value)


def write_change(value: Any, kind: str) -> str:
    """A change with its sign; that of a rate in points."""
    if value is None or value != value:
        return NONE
    text = write(abs(value), kind)
    if kind in ("rate", "gap"):
        text = text.replace("%", " points")
    return f"{'+' if value > 0 else '-' if value < 0 else ''}{text}"


def summary(picture: Picture) -> list[str]:
    """The executive summary: what moved and why, the plan, exceptions, orders; one sentence each."""
    moved = _moved(picture)
    return [*moved, *_causes(picture), *_plan(picture), *_exceptions(picture), *_orders(picture), *_data(picture)]


def _moved(picture: Picture) -> list[str]:
    if picture.before is None:
        return [f"{picture.day} is the first date that is published, so nothing can be compared."]
    rows = {row["measure"]: row for row in picture.tables["headline"].dicts()}
    told = [_sentence(picture, m, rows[m.name]) for m in KPI if _has_moved(m, rows[m.name])]
    if not told:
        return [f"No headline measure moved much against {picture.before}."]
    rest = len(told) - _MOST_SENTENCES
    more = [f"{_count(rest, 'more measure')} moved: see the headline table."] if rest > 0 else []
    return [*told[:_MOST_SENTENCES], *more]


def _has_moved(measure: Measure, row: dict[str, Any]) -> bool:
    value, before = row["value"], row["before_value"]
    if value is None or before is None:
        return False
    base = 1.0 if measure.kind in ("rate", "gap") else abs(before)
    return abs(value - before) > 0 and abs(value - before) >= measure.moves_at * base


def _sentence(picture: Picture, measure: Measure, row: dict[str, Any]) -> str:
    change = row["change"]
    when = f"in the seven days to {picture.day}" if picture.is_weekly and measure.is_flow else f"on {picture.day}"
    then = f"in the seven days to {picture.before}" if picture.is_weekly and measure.is_flow else f"on {picture.before}"
    judged = "" if not measure.good else " (better)" if measure.good * change > 0 else " (worse)"
    return (
        f"{measure.label}: {write(row['value'], measure.kind)} {when}, {'up' if change > 0 else 'down'} from"
        f" {write(row['before_value'], measure.kind)} {then}{judged}{_why(picture, measure, change)}."
    )


def _why(picture: Picture, measure: Measure, change: float) -> str:
    """The department and the location that moved most in the direction of the change."""
    driver = MEASURES[EXPLAINED_BY.get(measure.name, measure.name)]
    # A rate of service falls when the count behind it rises.
    sign = -1 if driver is not measure else 1
    parts = []
    for dimension in ("department", "location"):
        rows = [
            row for row in picture.tables["movers"].dicts()
            if row["measure"] == driver.name and row["dimension"] == dimension and row["change"] * change * sign > 0
        ]  # fmt: skip
        if rows:
            parts.append(f"{dimension} {rows[0]['member']} ({write_change(rows[0]['change'], driver.kind)})")
    what = f"behind it {driver.label.lower()}, " if driver is not measure else ""
    return f"; {what}led by {' and '.join(parts)}" if parts else ""


def _causes(picture: Picture) -> list[str]:
    rows = (
        [row for row in picture.tables["causes"].dicts() if row["kind"] == "stock_out"]
        if "causes" in picture.tables
        else []
    )
    if not rows:
        return []
    total, first = sum(row["value"] for row in rows), rows[0]
    return [
        f"Stock-outs cost {write(total, 'money')} of margin on the date, most of it ({write(first['value'], 'money')}) by {first['cause'].replace('_', ' ')}."
    ]


def _plan(picture: Picture) -> list[str]:
    total = next(
        (row for row in picture.tables["allocation_performance"].dicts() if row["channel"] == row["department"] == "*"),
        None,
    )
    if total is None or not total["requested_units"]:
        return ["No location needs anything of a DC on this date."]
    gap = total["optimality_gap"]
    quality = (
        "there is no bound to compare it with"
        if gap is None
        else f"proven to be at most {write(gap, 'gap')} short of the best possible plan"
    )
    text = (
        f"The plan sends {write(total['allocated_units'], 'units')} units for {write(total['requested_units'], 'units')} needed, worth"
        f" {write(total['objective_value'], 'money')} over sending nothing, {quality}"
    )
    shortages = picture.tables["shortages"].dicts()
    if shortages:
        most = shortages[0]
        text += (
            f"; {write(total['shorted_units'], 'units')} units of need stay unmet, most of them ({write(most['shorted_units'], 'units')}) because"
            f" {most['meaning'] or most['binding_constraint']}"
        )
    return [text + "."]


def _exceptions(picture: Picture) -> list[str]:
    rows = picture.tables["exceptions"].dicts()
    if not rows:
        return ["No exception is open."]
    groups = picture.tables["exception_owners"].dicts()
    count, value = (sum(group[name] or 0 for group in groups) for name in ("open_exceptions", "value_at_risk"))
    late, new = (sum(group[name] for group in groups) for name in ("overdue", "opened_today"))
    first = rows[0]
    where = " ".join(str(first[name]) for name in ("location_id", "sku_id") if first[name] is not None)
    return [
        f"{write(count, 'units')} exceptions are open with {write(value, 'money')} at risk, {write(new, 'units')} of them new and"
        f" {write(late, 'units')} past due; the largest is {first['kind'].replace('_', ' ')}{' at ' + where if where else ''}"
        f" ({write(first['value_at_risk'], 'money')}, {first['owner_role']}, due {first['due_on']})."
    ]


def _orders(picture: Picture) -> list[str]:
    rows = picture.tables["supplier_orders"].dicts()
    if not rows:
        return ["No supplier order is proposed on this date."]
    lines, value, waiting = (sum(row[name] or 0 for row in rows) for name in ("lines", "order_value", "pending_value"))
    held = f"; {write(waiting, 'money')} of it waits for an approval" if waiting else ""
    return [
        f"Proposed are {_count(lines, 'order line')} to {_count(len(rows), 'supplier')}, worth {write(value, 'money')} at cost{held}."
    ]


def _data(picture: Picture) -> list[str]:
    rows = picture.tables["run"].dicts()
    if not rows or not rows[0]["rows_quarantined"]:
        return []
    return [
        f"{_count(rows[0]['rows_quarantined'], 'row')} landed and went to quarantine in this run: see `allocator quarantine`."
    ]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def title(day: date, is_weekly: bool) -> str:
    """Title of page and workbook."""
    return f"Weekly review (S&OP) of the week to {day}" if is_weekly else f"Daily review of {day}"
