"""Charts of the page as Vega-Lite specifications, built by Vega-Altair. Data are inline; nothing is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allocation_assets.reporting.picture import Picture, Table
from allocation_assets.reporting.words import kind_of

#: Colours that people with a colour-vision deficiency tell apart (Okabe and Ito, 2008, https://jfly.uni-koeln.de/color/).
BLUE, VERMILION, GREEN, SKY, PURPLE = "#0072B2", "#D55E00", "#009E73", "#56B4E9", "#AA4499"
STATUS = {"stockout": VERMILION, "critical": "#E69F00", "healthy": GREEN, "overstock": SKY, "obsolete": PURPLE}
_MOST_BARS = 20


@dataclass(frozen=True)
class Chart:
    """A chart: its `spec`, a `caption` that says what it shows, and the topic and columns behind it (its table)."""

    name: str
    caption: str
    topic: str
    columns: tuple[str, ...]
    spec: dict[str, Any]


def build_charts(picture: Picture) -> dict[str, Chart]:
    """The charts that the picture has rows for, by name."""
    built = [
        _lines(picture, "service", "Service day by day: fill rate of demand, in-stock rate, on-shelf availability.",
               ("fill_rate", "in_stock_rate", "on_shelf_availability"), ".0%"),
        _lines(picture, "sales", "Net sales and estimated lost sales day by day.", ("net_sales", "lost_sales_value"), ",.0f"),
        _lines(picture, "stock", "Stock at cost day by day.", ("inventory_value",), ",.0f"),
        _statuses(picture),
        _bars(picture, "regions", "regions", "In-stock rate by region, most lost sales first.", "region", "in_stock_rate", BLUE, ".0%"),
        _bars(picture, "departments", "departments", "In-stock rate by department, most lost sales first.", "department", "in_stock_rate", BLUE, ".0%"),
        _bars(picture, "causes", "causes", "What the causes of stock-outs and overstock cost on the date.", "cause", "value", VERMILION, ",.0f"),
        _bars(picture, "exceptions", "exception_owners", "Value at risk of open exceptions by kind.", "kind", "value_at_risk", VERMILION, ",.0f"),
        _bars(picture, "shortages", "shortages", "Units of need unmet, by what binds.", "binding_constraint", "shorted_units", VERMILION, ",.0f"),
        _bars(picture, "open_to_buy", "open_to_buy", "Open to buy by department, over the months planned.", "department", "open_to_buy", GREEN, ",.0f"),
        _bars(picture, "supplier_orders", "supplier_orders", "Proposed orders at cost by supplier.", "supplier_id", "order_value", BLUE, ",.0f"),
    ]  # fmt: skip
    return {chart.name: chart for chart in built if chart}


def _spec(chart: Any) -> dict[str, Any]:
    """The specification without the address of its schema: a reader of the file finds no address to ask."""
    spec = chart.to_dict()
    spec.pop("$schema")
    spec.pop("config", None)
    return spec


def _values(table: Table, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{name: _plain(row[name]) for name in columns} for row in table.dicts()]


def _plain(value: Any) -> Any:
    """A value as JSON holds it: dates as text, money as the nearest number."""
    if value is None or isinstance(value, str | bool | int | float):
        return None if value != value else value
    return str(value) if hasattr(value, "isoformat") else float(value)


def _lines(picture: Picture, name: str, caption: str, columns: tuple[str, ...], number: str) -> Chart | None:
    import altair as alt

    table = picture.tables["trend"]
    if not any(value is not None for column in columns for value in table.column(column)):
        return None
    shown = ("business_date", *columns)
    colours = alt.Scale(domain=list(columns), range=[BLUE, VERMILION, GREEN][: len(columns)])
    chart = (
        alt.Chart(alt.Data(values=_values(table, shown)))
        .transform_fold(list(columns), as_=["measure", "value"])
        .mark_line(point=len(table.rows) < 32, strokeWidth=2)
        .encode(
            x=alt.X("business_date", type="temporal", title=None, axis=alt.Axis(format="%d %b", labelOverlap=True)),
            y=alt.Y("value", type="quantitative", title=None, axis=alt.Axis(format=number), scale=alt.Scale(zero=number[-1] != "%")),
            color=alt.Color("measure", type="nominal", title=None, scale=colours, legend=alt.Legend(orient="top", symbolType="stroke")),
            strokeDash=alt.StrokeDash("measure", type="nominal", legend=None),
            tooltip=[alt.Tooltip("business_date", type="temporal", title="date", format="%Y-%m-%d"), alt.Tooltip("measure", type="nominal"),
                     alt.Tooltip("value", type="quantitative", format=".2%" if number[-1] == "%" else ",.2f")],
        )
        .properties(width="container", height=220)
    )  # fmt: skip
    return Chart(name, caption, "trend", shown, _spec(chart))


def _bars(
    picture: Picture, name: str, topic: str, caption: str, category: str, measure: str, colour: str, number: str
) -> Chart | None:
    """Horizontal bars, summed per category where the topic has several rows of one; the first categories alone."""
    import altair as alt

    table = picture.tables.get(topic)
    if table is None or not table.rows:
        return None
    shown = list(dict.fromkeys(table.column(category)))[:_MOST_BARS]
    values = [row for row in _values(table, (category, measure)) if row[category] in shown]
    cut = (
        f" The first {_MOST_BARS} of {len(set(table.column(category)))}."
        if len(set(table.column(category))) > _MOST_BARS
        else ""
    )
    aggregate = "mean" if kind_of(measure, table.types[table.names.index(measure)]) == "rate" else "sum"
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(color=colour)
        .encode(
            x=alt.X(measure, type="quantitative", aggregate=aggregate, title=None, axis=alt.Axis(format=number)),
            y=alt.Y(category, type="nominal", sort=shown, title=None, axis=alt.Axis(labelLimit=140)),
            tooltip=[alt.Tooltip(category, type="nominal"), alt.Tooltip(measure, type="quantitative", aggregate=aggregate,
                     format=".2%" if number[-1] == "%" else ",.2f")],
        )
        .properties(width="container", height=18 * len(shown) + 10)
    )  # fmt: skip
    return Chart(name, caption + cut, topic, (category, measure), _spec(chart))


def _statuses(picture: Picture) -> Chart | None:
    import altair as alt

    table = picture.tables["stock_status"]
    if not table.rows:
        return None
    columns = ("channel", "stock_status", "positions")
    chart = (
        alt.Chart(alt.Data(values=_values(table, columns)))
        .mark_bar()
        .encode(
            x=alt.X("positions", type="quantitative", aggregate="sum", stack="normalize", title=None, axis=alt.Axis(format=".0%")),
            y=alt.Y("channel", type="nominal", title=None, axis=alt.Axis(labelLimit=140)),
            color=alt.Color("stock_status", type="nominal", title=None, legend=alt.Legend(orient="top", columns=3),
                            scale=alt.Scale(domain=list(STATUS), range=list(STATUS.values()))),
            tooltip=[alt.Tooltip("channel", type="nominal"), alt.Tooltip("stock_status", type="nominal"),
                     alt.Tooltip("positions", type="quantitative", aggregate="sum", format=",")],
        )
        .properties(width="container", height=28 * len(set(table.column("channel"))) + 10)
    )  # fmt: skip
    return Chart("stock_status", "Active positions by channel and stock status.", "stock_status", columns, _spec(chart))
