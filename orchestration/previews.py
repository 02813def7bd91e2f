"""What a published dataset shows in the UI beside its row count: a picture or a table of its newest rows, as markdown."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import duckdb

_TREND_DAYS = 28
_TOP = 10
#: Width and height of a chart, margins for its axes, in pixels.
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP_MARGIN, _RIGHT = 640, 200, 54, 24, 28, 54
#: Colours that people with a colour-vision deficiency tell apart (Okabe and Ito, 2008, https://jfly.uni-koeln.de/color/).
_RATE_COLOUR, _VALUE_COLOUR = "#0072B2", "#D55E00"

_SERVICE = """
SELECT business_date, fill_rate::DOUBLE, lost_sales_value::DOUBLE FROM kpi_daily
WHERE location_id = '*' AND department = '*' AND business_date <= $day AND business_date > $day::DATE - $days::INTEGER
ORDER BY business_date
"""
_EXCEPTIONS = """
SELECT kind, coalesce(location_id, '') AS location, coalesce(sku_id, '') AS sku, owner_role AS owner, due_on AS due,
    value_at_risk::DECIMAL(28, 2) AS "value at risk", detail AS found
FROM exceptions WHERE business_date = $day AND status = 'open' ORDER BY value_at_risk DESC, exception_id LIMIT $top
"""
_SHORTAGES = """
SELECT binding_constraint AS "what binds", count(*) AS needs, sum(shorted_units)::BIGINT AS "units unmet"
FROM allocation_needs WHERE business_date = $day AND shorted_units > 0 GROUP BY ALL ORDER BY "units unmet" DESC, 1 LIMIT $top
"""
_REFUSED = """
SELECT feed, reason, count(*) AS rows FROM (SELECT feed, unnest(reasons) AS reason FROM quarantine WHERE resolved_on IS NULL)
GROUP BY ALL ORDER BY rows DESC, feed, reason LIMIT $top
"""
_NOTHING = "Nothing on this date."


def service_preview(connection: duckdb.DuckDBPyConnection, day: date) -> str:
    """Fill rate and lost sales of the last 28 days as a chart, with the date's figures in words."""
    rows = connection.execute(_SERVICE, {"day": day, "days": _TREND_DAYS}).fetchall()
    if not rows:
        return _NOTHING
    _, rate, lost = rows[-1]
    said = f"Fill rate {'unknown' if rate is None else f'{rate:.1%}'}, lost sales {'unknown' if lost is None else f'{lost:,.2f}'} on {day}."
    picture = base64.b64encode(chart_svg(rows).encode()).decode()
    return f"![Fill rate and lost sales by date](data:image/svg+xml;base64,{picture})\n\n{said}"


def _table_preview(query: str) -> Callable[[duckdb.DuckDBPyConnection, date], str]:
    def preview(connection: duckdb.DuckDBPyConnection, day: date) -> str:
        needs_day = "$day" in query
        cursor = connection.execute(query, {"top": _TOP, **({"day": day} if needs_day else {})})
        return markdown_table([column[0] for column in cursor.description], cursor.fetchall())

    return preview


#: Published dataset -> metadata name and what it shows of a date.
PREVIEWS: dict[str, tuple[str, Callable[[duckdb.DuckDBPyConnection, date], str]]] = {
    "kpi_daily": ("service", service_preview),
    "exceptions": ("top_exceptions", _table_preview(_EXCEPTIONS)),
    "allocation_needs": ("shortages", _table_preview(_SHORTAGES)),
    "quarantine": ("quarantined_now", _table_preview(_REFUSED)),
}


def markdown_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A markdown table; text of a cell cannot end it or begin another."""
    if not rows:
        return _NOTHING
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def chart_svg(rows: Sequence[tuple[date, float | None, float | None]]) -> str:
    """An SVG of (date, rate from 0 to 1, value): the rate as a line on the left axis, the value as bars on the right one."""
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP_MARGIN - _BOTTOM
    step = wide / len(rows)
    largest = max((value for _, _, value in rows if value), default=0.0)
    floor = _TOP_MARGIN + high
    bars = [
        f'<rect x="{_LEFT + n * step + step * 0.2:.1f}" y="{floor - high * value / largest:.1f}" width="{step * 0.6:.1f}"'
        f' height="{high * value / largest:.1f}" fill="{_VALUE_COLOUR}" fill-opacity="0.45"/>'
        for n, (_, _, value) in enumerate(rows)
        if value and largest
    ]
    points = [
        (_LEFT + (n + 0.5) * step, floor - high * rate) for n, (_, rate, _) in enumerate(rows) if rate is not None
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{_RATE_COLOUR}"/>' for x, y in points]
    labels = [
        (_LEFT, 16, "start", _RATE_COLOUR, "fill rate"), (_WIDTH - _RIGHT, 16, "end", _VALUE_COLOUR, "lost sales, value"),
        (_LEFT - 6, _TOP_MARGIN + 4, "end", _RATE_COLOUR, "100 %"), (_LEFT - 6, floor, "end", _RATE_COLOUR, "0 %"),
        (_WIDTH - _RIGHT + 6, _TOP_MARGIN + 4, "start", _VALUE_COLOUR, f"{largest:,.0f}"),
        (_LEFT, _HEIGHT - 6, "start", "#555", str(rows[0][0])), (_WIDTH - _RIGHT, _HEIGHT - 6, "end", "#555", str(rows[-1][0])),
    ]  # fmt: skip
    texts = [f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{text}</text>' for x, y, anchor, colour, text in labels]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>{"".join(bars)}'
        f'<polyline points="{line}" fill="none" stroke="{_RATE_COLOUR}" stroke-width="2"/>{"".join([*dots, *texts])}</svg>'
    )


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split()).replace("|", "\\|")
