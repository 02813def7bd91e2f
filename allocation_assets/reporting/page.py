"""The review page: one HTML file that works from disk. All text is escaped, nothing is loaded, same picture same bytes."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from allocation_assets.reporting.charts import Chart, build_charts
from allocation_assets.reporting.measures import MEASURES
from allocation_assets.reporting.page_script import JS
from allocation_assets.reporting.page_style import CSS
from allocation_assets.reporting.picture import Picture, Table
from allocation_assets.reporting.words import kinds, label, summary, title, write, write_change

#: Columns that the page shows of a wide topic; the workbook has them all.
SHOWN = {
    "channel_service": ("channel", "net_sales", "lost_sales_value", "fill_rate", "in_stock_rate", "on_shelf_availability", "order_lines_due",
                        "line_fill_rate", "orders_due", "order_fill_rate"),
    "regions": ("region", "net_sales", "lost_sales_value", "fill_rate", "in_stock_rate", "on_shelf_availability", "line_fill_rate",
                "order_fill_rate", "stockout_positions", "critical_positions", "overstock_positions", "inventory_value"),
    "locations": ("location_id", "channel", "net_sales", "lost_sales_value", "fill_rate", "in_stock_rate", "on_shelf_availability",
                  "stockout_positions", "critical_positions", "overstock_positions", "inventory_value", "days_of_supply"),
    "departments": ("department", "net_sales", "lost_sales_value", "fill_rate", "in_stock_rate", "on_shelf_availability",
                    "stockout_positions", "critical_positions", "overstock_positions", "inventory_value", "days_of_supply"),
    "periods": ("period", "dimension", "member", "net_sales", "net_sales_last_year", "net_sales_growth", "gross_margin", "gross_margin_last_year",
                "markdowns", "fill_rate", "planned_sales_of_month", "net_sales_to_plan"),
    "critical_stock": ("location_id", "sku_id", "department", "stock_status", "available", "in_transit", "on_order", "daily_mean",
                       "next_arrival_date", "need_units", "allocated_units", "shorted_units", "binding_constraint"),
    "exceptions": ("severity", "kind", "location_id", "sku_id", "value_at_risk", "owner_role", "due_on", "days_overdue", "detail", "recommended_action"),
    "allocation_performance": ("channel", "department", "requested_units", "allocated_units", "shorted_units", "allocation_fill_rate",
                               "backlog_units", "objective_value", "objective_bound", "optimality_gap"),
    "explain": ("place", "sku_id", "to_location_id", "daily_mean", "on_hand", "believed_on_hand", "in_transit", "need_units", "allocated_units",
                "shorted_units", "supply_units", "meaning", "next_case_value", "opportunity_cost", "remedy"),
    "vendors": ("supplier_id", "orders", "lines", "overdue_lines", "on_time_rate", "in_full_rate", "otif_rate", "short_value", "mean_delay_days"),
    "counts": ("count_rank", "location_id", "sku_id", "expected_gain", "probability_wrong", "book_on_hand", "believed_on_hand", "reason"),
    "approvals": ("kind", "location_id", "sku_id", "about_date", "variance_units", "variance_value", "root_cause", "action", "approver_role", "due_on"),
}  # fmt: skip
CARDS = (
    "net_sales",
    "gross_margin",
    "lost_sales_value",
    "fill_rate",
    "in_stock_rate",
    "stockout_positions",
    "inventory_value",
    "optimality_gap",
)
GRID_MEASURES = {"in_stock_rate": 4, "stockout_positions": 0, "lost_sales_value": 2}

#: Sections in order: id, heading, parts. A part is a chart (`chart:name`), a topic's table, or one of the functions below.
SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("summary", "Executive summary", ("told", "cards", "headline", "movers")),
    ("actions", "Actions to decide", ("actions",)),
    ("service", "Service and stock", ("chart:service", "chart:sales", "chart:stock_status", "chart:stock", "chart:regions", "channel_service",
                                      "channels", "stock_status", "regions", "locations")),
    ("departments", "Departments", ("chart:departments", "departments")),
    ("periods", "Against last year and plan", ("periods",)),
    ("heat", "Locations by department", ("heat", "grid")),
    ("critical", "Critical stock", ("critical_stock", "chart:causes", "causes")),
    ("exceptions", "Exceptions", ("chart:exceptions", "exception_owners", "exceptions")),
    ("allocation", "Allocation performance", ("chart:shortages", "shortages", "allocation_performance")),
    ("budget", "Open to buy", ("chart:open_to_buy", "open_to_buy")),
    ("orders", "Supplier orders", ("chart:supplier_orders", "supplier_orders", "vendors")),
    ("recommended", "What the engine recommends", ("shipments_planned", "counts", "approvals", "service_levels")),
    ("explain", "Why these pairs got what they got", ("explain", "in_full")),
)  # fmt: skip
_LONG = 40
#: Columns of names from a fixed list, which are read more easily with spaces.
_NAMES = {
    "kind",
    "period",
    "cause",
    "owner_role",
    "binding_constraint",
    "stock_status",
    "approver_role",
    "root_cause",
    "lane_class",
}


def render_page(picture: Picture, runtime: str) -> str:
    """The whole page. `runtime` is the script that defines `vegaEmbed` (vl_convert's bundle), inlined once."""
    charts = build_charts(picture)
    heading = title(picture.day, picture.is_weekly)
    sections = [
        _section(picture, charts, *section) for section in SECTIONS if section[0] != "actions" or picture.is_weekly
    ]
    links = "".join(
        f'<li><a href="#{key}">{name}</a></li>' for key, name, _ in SECTIONS if key != "actions" or picture.is_weekly
    )
    compared = f"compared with {picture.before}" if picture.before else "the first date published"
    return "".join([
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; script-src \'unsafe-inline\'; style-src \'unsafe-inline\'; img-src data:">',
        f'<link rel="icon" href="data:,"><title>{escape(heading)}</title><style>{CSS}</style></head><body>',
        f'<a class="skip" href="#main">Skip to the review</a><header><h1>{escape(heading)}</h1>',
        f'<p class="soft">At the close of {picture.day}, {compared}. {escape(provenance(picture))}</p></header>',
        f'<nav aria-label="Sections"><ul>{links}<li><a href="#about">About</a></li></ul></nav><main id="main">',
        *sections, "</main>", _about(picture),
        _block("charts", {name: chart.spec for name, chart in charts.items()}), _block("grid", grid_cells(picture)),
        '<script type="text/plain" id="runtime">', runtime.replace("</script", "<\\/script"), "</script><script>", JS, "</script></body></html>\n",
    ])  # fmt: skip


def provenance(picture: Picture) -> str:
    """Where the data come from, feed by feed, as the run states it (semantics 27)."""
    rows = picture.tables["run"].dicts() if "run" in picture.tables else []
    return f"Data by feed: {rows[0]['provenance']}." if rows else "Data by feed: not stated."


def grid_cells(picture: Picture) -> dict[str, Any]:
    """Locations x departments as flat arrays, row by row, null where nothing is active; the worst locations first."""
    rows = picture.tables["grid"].dicts()
    departments = sorted({row["department"] for row in rows})
    stockouts: dict[str, list[int]] = {}
    for row in rows:
        of = stockouts.setdefault(row["location_id"], [0, 0])
        of[0] += row["stockout_positions"]
        of[1] += row["active_positions"]
    locations = sorted(stockouts, key=lambda name: (-stockouts[name][0] / stockouts[name][1], name))
    column = {name: j for j, name in enumerate(departments)}
    line = {name: i * len(departments) for i, name in enumerate(locations)}
    cells: dict[str, list[Any]] = {name: [None] * (len(locations) * len(departments)) for name in GRID_MEASURES}
    for row in rows:
        at = line[row["location_id"]] + column[row["department"]]
        for name, digits in GRID_MEASURES.items():
            cells[name][at] = (
                None if row[name] is None else int(row[name]) if digits == 0 else round(float(row[name]), digits)
            )
    return {"locations": locations, "departments": departments, "measures": cells}


def _block(name: str, content: Any) -> str:
    """JSON that a script reads; `<` is written so that no text can end the element."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f'<script type="application/json" id="{name}">{text.replace("<", chr(92) + "u003c")}</script>'


def _section(picture: Picture, charts: dict[str, Chart], key: str, heading: str, parts: tuple[str, ...]) -> str:
    figures = [_figure(charts[part[6:]]) for part in parts if part.startswith("chart:") and part[6:] in charts]
    drawn = f'<div class="{"pair" if len(figures) > 1 else "one"}">{"".join(figures)}</div>' if figures else ""
    rest = [
        _PARTS[part](picture) if part in _PARTS else _topic(picture, part, heading)
        for part in parts
        if not part.startswith("chart:")
    ]
    trend = _trend(picture) if key == "service" else ""
    return f'<section id="{key}" aria-labelledby="{key}-h"><h2 id="{key}-h">{heading}</h2>{drawn}{trend}{"".join(rest)}</section>'


def _figure(chart: Chart) -> str:
    caption = escape(chart.caption)
    return f'<figure><div class="chart" data-chart="{chart.name}" data-caption="{caption}"></div><figcaption>{caption}</figcaption></figure>'


def _trend(picture: Picture) -> str:
    """The table behind the charts over time."""
    columns = ("business_date", "net_sales", "lost_sales_value", "fill_rate", "in_stock_rate", "on_shelf_availability", "stockout_positions",
               "inventory_value", "days_of_supply", "forecast_wape", "forecast_bias")  # fmt: skip
    table = _table(picture, picture.tables["trend"], columns, len(picture.tables["trend"].rows))
    return f'<details class="screen"><summary>The charts over time as a table</summary>{table}</details>'


def _topic(picture: Picture, name: str, heading: str) -> str:
    if name not in picture.tables:
        return ""
    table = picture.tables[name]
    body = (
        _table(picture, table, SHOWN.get(name, table.names), table.topic.page_rows)
        if table.rows else f'<p class="soft">{escape(table.topic.empty)}</p>'
    )  # fmt: skip
    if name in ("headline", "movers") and table.rows:
        return f"<details><summary>{escape(table.topic.title)}: the table</summary>{body}</details>"
    own = "" if table.topic.title == heading else f"<h3>{escape(table.topic.title)}</h3>"
    return own + body


def _table(picture: Picture, table: Table, columns: tuple[str, ...], most: int) -> str:
    shown = [table.names.index(name) for name in columns]
    rows = table.rows[:most]
    numeric = [table.types[i] not in ("VARCHAR", "DATE", "BOOLEAN") for i in shown]
    heads = "".join(
        f'<th scope="col"{" class=n" if n else ""} title="{escape(picture.define(table.topic, table.names[i]))}">{escape(label(table.names[i]))}</th>'
        for i, n in zip(shown, numeric, strict=True)
    )
    decides = table.topic.name == "actions"
    cut = f" {len(rows)} of {table.total:,} rows; all are in the workbook." if len(rows) < table.total else ""
    body = "".join(_row(table, row, shown, numeric, decides) for row in rows)
    blank = '<th scope="col">Decision, who, by when</th>' if decides else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(table.topic.title)}"><table data-topic="{table.topic.name}">'
        f"<caption>{escape(table.topic.about)}{cut}</caption><thead><tr>{heads}{blank}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(table: Table, row: tuple, shown: list[int], numeric: list[bool], decides: bool) -> str:
    kind = kinds(table, row)
    texts = [_cell(table.names[i], row[i], kind[i]) for i in shown]
    cells = [f'<th scope="row">{escape(texts[0])}</th>']
    for text, n, i in zip(texts[1:], numeric[1:], shown[1:], strict=True):
        style = (
            ' class="n"' if n else ' class="d"' if kind[i] == "date" else ' class="long"' if len(text) > _LONG else ""
        )
        cells.append(f"<td{style}>{escape(text)}</td>")
    if decides:
        cells.append('<td class="blank"></td>')
    severity = row[table.names.index("severity")] if "severity" in table.names else None
    mark = f' class="{severity}"' if severity in ("critical", "high") else ""
    return f"<tr{mark}>{''.join(cells)}</tr>"


def _cell(name: str, value: Any, kind: str) -> str:
    if name == "measure":
        return MEASURES[value].label
    if name in _NAMES and value is not None:
        return value.replace("_", " ")
    return write_change(value, kind) if name == "change" else write(value, kind)


def _told(picture: Picture) -> str:
    return f'<ul class="told">{"".join(f"<li>{escape(text)}</li>" for text in summary(picture))}</ul>'


def _cards(picture: Picture) -> str:
    rows = {row["measure"]: row for row in picture.tables["headline"].dicts()}
    cards = []
    for name in CARDS:
        measure, row = MEASURES[name], rows[name]
        change, good = row["change"], measure.good * (row["change"] or 0)
        tone = "good" if good > 0 else "bad" if good < 0 else "soft"
        words = (
            ""
            if change is None
            else f'<dd class="change {tone}">{write_change(change, measure.kind)}{_judged(good)}</dd>'
        )
        cards.append(
            f'<div class="card"><dt>{measure.label}</dt><dd data-measure="{name}">{write(row["value"], measure.kind)}</dd>{words}</div>'
        )
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _judged(good: float) -> str:
    return ", better" if good > 0 else ", worse" if good < 0 else ""


def _heat(picture: Picture) -> str:
    if not picture.tables["grid"].rows:
        return ""
    options = "".join(f'<option value="{name}">{escape(label(name))}</option>' for name in GRID_MEASURES)
    return (
        f'<div class="controls"><label>Show <select id="measure">{options}</select></label></div>'
        '<div id="heat"><canvas tabindex="0" role="img" aria-label="Heat grid, one row a location, one column a department; arrow keys'
        ' read single cells, the tables below say the same"></canvas></div><p class="soft">Dark is bad, pale is good, white is no active item; the worst locations first.</p>'
        '<p id="cell" aria-live="polite"></p><details class="screen"><summary>One location as a table</summary>'
        '<div class="controls"><label>Location <select id="where"></select></label></div>'
        '<table><caption>All departments of the location.</caption><thead><tr><th scope="col">Department</th><th scope="col" class="n">Value</th></tr></thead>'
        '<tbody id="row"></tbody></table></details>'
    )


def _in_full(picture: Picture) -> str:
    """What `allocator explain` says of the first pairs."""
    parts = [
        f"<details><summary>{escape(lines[0])}</summary><pre>{escape(chr(10).join(lines[1:]))}</pre></details>"
        for lines in picture.explanations
        if lines
    ]
    return f"<h3>In full, as <code>allocator explain</code> says it</h3>{''.join(parts)}" if parts else ""


def _about(picture: Picture) -> str:
    """Provenance, hashes, warnings, and what the columns mean."""
    run = next(iter(picture.tables["run"].dicts()), {}) if "run" in picture.tables else {}
    facts = "".join(
        f"<dt>{escape(label(name))}</dt><dd>{escape(str(run[name]))}</dd>"
        for name in ("provenance", "warnings", "policy_hash", "input_hash", "code_version") if run.get(name)
    )  # fmt: skip
    terms = {
        (name, picture.define(table.topic, name))
        for table in picture.tables.values() if table.topic.page_rows for name in SHOWN.get(table.topic.name, table.names)
    }  # fmt: skip
    listed = "".join(f"<dt>{escape(label(name))}</dt><dd>{escape(text)}</dd>" for name, text in sorted(terms) if text)
    return (
        '<footer><section id="about" aria-labelledby="about-h"><h2 id="about-h">About these numbers</h2>'
        "<p>Every number is a query over the published datasets of the date. Money is in the deployment's currency, units are eaches.</p>"
        f'<dl class="defs">{facts}</dl><details><summary>What the columns mean</summary><dl class="defs">{listed}</dl></details></section></footer>'
    )


_PARTS = {"told": _told, "cards": _cards, "heat": _heat, "in_full": _in_full}
