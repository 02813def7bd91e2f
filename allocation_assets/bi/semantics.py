"""The semantic layer as the exports read it: tables, columns, metrics, taken from dbt's parsed manifest.

A table holds rows of one published dataset. A metric is simple (an aggregate of an expression over its rows), a ratio of two
metrics, or a sum of metrics. What is of a moment (`is_newest`) is never added up over dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: Date that every row of a fact carries.
DATE = "business_date"
_WORD = re.compile(r"[A-Za-z_]\w*")
_EXPRESSION = re.compile(r"[\w\s+*().-]+")
_FILTER = re.compile(r"\{\{ Dimension\('\w+__(\w+)'\) \}\} (=|<>) (?:'([^']*)'|(true|false))")
_AGGREGATES = ("sum", "min", "max", "count")
_NUMBERS = ("INT", "DECIMAL", "DOUBLE", "FLOAT")


@dataclass(frozen=True)
class Column:
    """A column of a table. kind: `key` (joins to a dimension table), `dimension`, or `input` (read by measures alone)."""

    name: str
    type: str
    label: str
    description: str
    kind: Literal["key", "dimension", "input"]


@dataclass(frozen=True)
class Filter:
    """A condition `column operator value`; operator is `=` or `<>`."""

    column: str
    operator: str
    value: str | bool


@dataclass(frozen=True)
class Metric:
    """One measure. simple: agg, expr, where, is_newest; ratio: parts are (numerator, denominator); derived: expr over parts.

    format: units, count (whole), money (2 decimals), share (percent), gap (percent, 4 decimals), rate (2 decimals).
    """

    name: str
    label: str
    description: str
    format: str
    table: str
    kind: Literal["simple", "ratio", "derived"]
    agg: str = ""
    expr: str = ""
    where: Filter | None = None
    is_newest: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows of a published dataset: `rows` says of a column whether its '*' rows are left out (each) or alone kept (total), or
    names the one value that is kept; `newest_by` keeps the newest row of each value of that column. links: dimension table by own column. is_recent: an import reads
    only the newest dates, as of what has a row for each SKU and location."""

    name: str
    label: str
    description: str
    dataset: str
    rows: Mapping[str, str]
    newest_by: str | None
    columns: tuple[Column, ...]
    metrics: tuple[Metric, ...]
    links: Mapping[str, str]
    is_recent: bool = False

    @property
    def conditions(self) -> list[tuple[str, str, str]]:
        """Column, `=` or `<>`, and value of each condition that `rows` declares."""
        return [
            (name, "<>" if kind == "each" else "=", "*" if kind in ("each", "total") else kind) for name, kind in self.rows.items()
        ]

    @property
    def is_fact(self) -> bool:
        """Whether its rows are of dates (a dimension table holds the newest state)."""
        return self.newest_by is None


@dataclass(frozen=True)
class Semantics:
    """All tables, dimension tables last; metrics by name."""

    tables: tuple[Table, ...]

    @property
    def metrics(self) -> dict[str, Metric]:
        """Metrics of all tables by name."""
        return {metric.name: metric for table in self.tables for metric in table.metrics}

    def key_of(self, table: str) -> str:
        """Column by which a dimension table is joined."""
        return next(t.newest_by for t in self.tables if t.name == table and t.newest_by)

    def depends_on_newest(self, metric: Metric) -> bool:
        """Whether the metric, or one that it is made of, is of the newest date alone."""
        return metric.is_newest or any(self.depends_on_newest(self.metrics[part]) for part in metric.parts)


def render(expression: str, column: Callable[[str], str]) -> str:
    """The expression with each name replaced by what `column` makes of it."""
    return _WORD.sub(lambda found: column(found.group()), expression)


def names_in(expression: str) -> list[str]:
    """Names in an expression, in order, once each."""
    return list(dict.fromkeys(_WORD.findall(expression)))


def is_number(type_: str) -> bool:
    """Whether a published type can be added up."""
    return any(word in type_ for word in _NUMBERS) and not type_.endswith("]")


def read_semantics(manifest: Mapping[str, Any], types: Mapping[str, Mapping[str, str]]) -> Semantics:
    """The semantic layer of dbt's manifest.json over what is published.

    types: DuckDB type by column, by published dataset, in the published order.

    Raises:
        ValueError: a declaration names what is not published, sums what is no number, or is of a form not supported.
    """
    models = sorted(manifest["semantic_models"].values(), key=lambda m: (not m["measures"], m["name"]))
    owners = {measure["name"]: model["name"] for model in models for measure in model["measures"]}
    metrics = {metric["name"]: metric for metric in manifest["metrics"].values()}
    dimension_of = {e["name"]: m["name"] for m in models for e in m["entities"] if e["type"] == "primary"}
    read = [_metric(name, metrics, owners, models) for name in _order(models, metrics)]
    return Semantics(tuple(_table(model, manifest, types, read, dimension_of) for model in models))


def _order(models: list[Mapping[str, Any]], metrics: Mapping[str, Any]) -> list[str]:
    """Metrics in the order of their measures, then the others by name (dbt's order depends on its threads)."""
    made = [measure["name"] for model in models for measure in model["measures"] if measure["name"] in metrics]
    return [*made, *sorted(metrics.keys() - set(made))]


def _metric(name: str, metrics: Mapping[str, Any], owners: Mapping[str, str], models: list[Mapping[str, Any]]) -> Metric:
    node = metrics[name]
    spec = node["type_params"]
    base = {"name": name, "label": node["label"] or name, "kind": node["type"], "description": node["description"]}
    inputs = [owners[item["name"]] for item in spec["input_measures"]]
    if node["type"] == "simple":
        measure = next(m for model in models for m in model["measures"] if m["name"] == spec["measure"]["name"])
        made = node["name"] == measure["name"]
        return Metric(
            **base | {"description": measure["description"] if made else node["description"]},
            format=(measure if made else node)["config"]["meta"]["format"],
            table=inputs[0],
            agg=_known(measure["agg"], _AGGREGATES, name),
            expr=_expression(measure["expr"] or measure["name"], name),
            where=_filter(node["filter"], name),
            is_newest=bool(measure["non_additive_dimension"]),
        )
    _known(node["type"], ("ratio", "derived"), name)
    is_ratio = node["type"] == "ratio"
    parts = [spec["numerator"], spec["denominator"]] if is_ratio else spec["metrics"]
    return Metric(
        **base,
        format=node["config"]["meta"]["format"],
        table=inputs[0],
        expr="" if is_ratio else _expression(spec["expr"], name),
        parts=tuple(part["name"] for part in parts),
    )


def _known(value: str, known: tuple[str, ...], name: str) -> str:
    if value not in known:
        raise ValueError(f"metric {name}: {value!r} is not one of {', '.join(known)}, which every tool knows")
    return value


def _expression(expression: str, name: str) -> str:
    if not _EXPRESSION.fullmatch(expression):
        raise ValueError(f"metric {name}: {expression!r} is not a column, or columns with + - *; use a ratio to divide")
    return expression


def _filter(declared: Mapping[str, Any] | None, name: str) -> Filter | None:
    if not declared:
        return None
    templates = [item["where_sql_template"] for item in declared["where_filters"]]
    found = _FILTER.fullmatch(templates[0]) if len(templates) == 1 else None
    if not found:
        raise ValueError(f"metric {name}: filter {templates} is not one {{{{ Dimension('..') }}}} = or <> a value")
    column, operator, text, flag = found.groups()
    return Filter(column, operator, flag == "true" if flag else text)


def _table(
    model: Mapping[str, Any],
    manifest: Mapping[str, Any],
    types: Mapping[str, Mapping[str, str]],
    metrics: list[Metric],
    dimension_of: Mapping[str, str],
) -> Table:
    node = manifest["nodes"][model["depends_on"]["nodes"][0]]
    meta = node["config"]["meta"]
    published = types.get(meta["dataset"])
    if published is None:
        raise ValueError(f"semantic model {model['name']}: dataset {meta['dataset']} is not published")
    own = tuple(metric for metric in metrics if metric.table == model["name"])
    links = {e["expr"]: dimension_of[e["name"]] for e in model["entities"] if e["type"] == "foreign"}
    return Table(
        name=model["name"],
        label=model["label"],
        description=model["description"],
        dataset=meta["dataset"],
        rows=meta.get("rows", {}),
        newest_by=meta.get("newest_by"),
        columns=_columns(model, own, published, _descriptions(node, manifest)),
        metrics=own,
        links=links,
        is_recent=meta.get("is_recent", False),
    )


def _descriptions(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, str]:
    """Descriptions of the columns of the mart or source that the table is made of."""
    parent = node["depends_on"]["nodes"][0]
    upstream = manifest["nodes"].get(parent) or manifest["sources"][parent]
    return {name: " ".join((column["description"] or "").split()) for name, column in upstream["columns"].items()}


def _columns(
    model: Mapping[str, Any], metrics: tuple[Metric, ...], published: Mapping[str, str], described: Mapping[str, str]
) -> tuple[Column, ...]:
    """Keys, dimensions, then what the measures read, each once, with its published type."""
    keys = {entity["expr"]: entity["label"] or _words(entity["expr"]) for entity in model["entities"]}
    dimensions = {d["expr"] or d["name"]: d["label"] or _words(d["name"]) for d in model["dimensions"]}
    inputs = {name: _words(name) for metric in metrics if metric.kind == "simple" for name in names_in(metric.expr)}
    kinds = {**dict.fromkeys(inputs, "input"), **dict.fromkeys(dimensions, "dimension"), **dict.fromkeys(keys, "key")}
    labels = {**inputs, **dimensions, **keys}
    columns = []
    for name in dict.fromkeys([*keys, *dimensions, *inputs]):
        if name not in published:
            raise ValueError(f"semantic model {model['name']}: column {name} is not published")
        columns.append(Column(name, published[name], labels[name], described.get(name, ""), kinds[name]))
    for metric in metrics:
        wrong = [name for name in names_in(metric.expr) if metric.kind == "simple" and not is_number(published[name])]
        if wrong and metric.agg != "count":
            raise ValueError(f"metric {metric.name}: {', '.join(wrong)} is no number, so {metric.agg} makes no sense")
    return tuple(columns)


def _words(name: str) -> str:
    return name.removesuffix("_id").replace("_", " ").capitalize().replace("Sku", "SKU")
