"""Readers of the BI files as their tools read them, in small: what a measure of a file gives, from the file and `published/`.

`PowerBi` reads TMDL: rows by its Power Query from the Parquet files, values by its DAX. `Looker` runs the SQL of LookML on the
published database. `Tableau` runs the calculations of a .tds on its .hyper. None of them uses the code that wrote the files.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import lkml

_NAME = r"(?:'(?:[^']|'')*'|\w+)"
_DAX = re.compile(r"""\s*(?:(?P<table>'(?:[^']|'')*')|\[(?P<name>(?:[^\]]|\]\])*)\]|"(?P<text>(?:[^"]|"")*)"|(?P<number>\d+(?:\.\d+)?)|(?P<word>\w+)|(?P<sign><>|[-+*(),=]))""")


def unquoted(name: str) -> str:
    """A TMDL or DAX name without its quotes."""
    return name[1:-1].replace("''", "'") if name.startswith("'") else name


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Context:
    """What a measure is asked for: days (first, last) or all; SQL conditions by table."""

    days: tuple[date, date] | None = None
    where: dict[str, tuple[str, ...]] = field(default_factory=dict)


class PowerBi:
    """A .pbip project over the Parquet files of its parameter's folder."""

    def __init__(self, project: Path) -> None:
        [model] = project.glob("*.SemanticModel/definition")
        self.tables: dict[str, dict[str, dict[str, str]]] = {}
        self.measures: dict[str, str] = {}
        self.home_of: dict[str, str] = {}
        self.queries: dict[str, str] = {}
        for path in sorted((model / "tables").glob("*.tmdl")):
            self._read_table(path.read_text())
        text = (model / "expressions.tmdl").read_text()
        self.folder = re.search(r'expression PublishedFolder = "((?:[^"]|"")*)"', text)[1].replace('""', '"')
        self.detail_dates = int(re.search(r"expression DetailDates = (\d+)", text)[1])
        ends = re.findall(rf"\tfromColumn: ({_NAME})\.({_NAME})\n\ttoColumn: ({_NAME})\.({_NAME})", (model / "relationships.tmdl").read_text())
        self.relationships = [tuple(map(unquoted, end)) for end in ends]
        self.connection = duckdb.connect()
        for label in self.tables:
            if label != "Calendar":
                self.connection.execute(f"CREATE TABLE {_q(label)} AS {self.rows(label)}")

    def _read_table(self, text: str) -> None:
        label = unquoted(re.search(rf"^table ({_NAME})$", text, re.M)[1])
        for name, expression in re.findall(rf"^\tmeasure ({_NAME}) = (.+)$", text, re.M):
            assert unquoted(name) not in self.measures, name
            self.measures[unquoted(name)] = expression
            self.home_of[unquoted(name)] = label
        blocks = re.findall(rf"^\tcolumn ({_NAME})\n((?:\t\t.*\n|\n(?=\t\t))*)", text, re.M)
        self.tables[label] = {unquoted(name): dict(re.findall(r"^\t\t(\w+): (.*)$", body, re.M)) for name, body in blocks}
        self.queries[label] = text.split("\t\tsource =\n")[1].split("\n\n\tannotation")[0]

    def rows(self, label: str) -> str:
        """SQL of the rows that the partition's Power Query loads, under the names of the model's columns."""
        query = self.queries[label]
        dataset, newest = re.search(r'PublishedRows\("(\w+)", (DetailDates|null)\)', query).groups()
        files = sorted(Path(self.folder, dataset).glob("business_date=*/data.parquet"))
        files = files[-self.detail_dates :] if newest == "DetailDates" else files
        sql = f"SELECT * FROM read_parquet({[str(path) for path in files]}, hive_partitioning = false)"
        for column, sign, value in re.findall(r'\[(\w+)\] (=|<>) "([^"]*)"', query):
            sql = f"SELECT * FROM ({sql}) WHERE {column} {sign} '{value}'"
        distinct = re.search(r'Table\.Distinct\(.*Order\.Descending.*\{"(\w+)"\}\)', query)
        if distinct:
            sql = f"SELECT DISTINCT ON ({distinct[1]}) * FROM ({sql}) ORDER BY {distinct[1]}, business_date DESC"
        loaded = re.search(r"Table\.SelectColumns\(\w+, \{(.*?)\}", query)[1].replace('"', "").split(", ")
        sources = {column["sourceColumn"]: name for name, column in self.tables[label].items()}
        assert sorted(loaded) == sorted(sources), label
        return f"SELECT {', '.join(f'{_q(source)} AS {_q(name)}' for source, name in sources.items())} FROM ({sql})"

    def value(self, measure: str, context: Context = Context()) -> Any:
        """What the measure gives in a context."""
        return _Dax(self, self.measures[measure]).value(context)


class _Dax:
    """One DAX expression of the kinds that the project writes, parsed to tuples and evaluated."""

    def __init__(self, model: PowerBi, text: str) -> None:
        self.model = model
        self.tokens = [(m.lastgroup, m[m.lastgroup]) for m in _DAX.finditer(text)]
        assert "".join(text.split()) == "".join("".join(m[0].split()) for m in _DAX.finditer(text)), text
        self.place = 0
        self.tree = self._expression()
        assert self.place == len(self.tokens), text

    def _take(self, *wanted: str) -> str | None:
        if self.place < len(self.tokens) and self.tokens[self.place][1] in wanted and self.tokens[self.place][0] in ("sign", "word"):
            self.place += 1
            return self.tokens[self.place - 1][1]
        return None

    def _expression(self) -> tuple:
        if self._take("VAR"):
            name = self.tokens[self.place][1]
            self.place += 1
            assert self._take("=")
            bound = self._sum()
            assert self._take("RETURN")
            return ("var", name, bound, self._expression())
        left = self._sum()
        sign = self._take("=", "<>")
        return ("compare", sign, left, self._sum()) if sign else left

    def _sum(self) -> tuple:
        left = self._product()
        while sign := self._take("+", "-"):
            left = ("binary", sign, left, self._product())
        return left

    def _product(self) -> tuple:
        left = self._primary()
        while self._take("*"):
            left = ("binary", "*", left, self._primary())
        return left

    def _primary(self) -> tuple:
        if self._take("("):
            inner = self._expression()
            assert self._take(")")
            return inner
        kind, text = self.tokens[self.place]
        self.place += 1
        if kind in ("table", "word") and self.place < len(self.tokens) and self.tokens[self.place][0] == "name":
            self.place += 1
            return ("column", unquoted(text), self.tokens[self.place - 1][1].replace("]]", "]"))
        if kind == "word" and self._take("("):
            arguments = []
            while not self._take(")"):
                arguments.append(self._expression())
                self._take(",")
            return ("call", text, *arguments)
        return (kind, text.replace("]]", "]") if kind == "name" else text.replace('""', '"') if kind == "text" else unquoted(text))

    def value(self, context: Context, tree: tuple | None = None, bound: dict | None = None) -> Any:
        tree, bound = tree or self.tree, bound or {}
        kind, *rest = tree
        if kind == "var":
            name, expression, body = rest
            return self.value(context, body, {**bound, name: self.value(context, expression, bound)})
        if kind == "number":
            return float(rest[0])
        if kind == "name":
            return self.model.value(rest[0], context)
        if kind == "binary":
            left, right = (self.value(context, side, bound) for side in rest[1:])
            return {"+": left + right, "-": left - right, "*": left * right}[rest[0]]
        assert kind == "call", tree
        return self._call(context, rest[0], rest[1:], bound)

    def _call(self, context: Context, name: str, arguments: list, bound: dict) -> Any:
        if name == "CALCULATE":
            inner = context
            for argument in arguments[1:]:
                inner = self._filtered(inner, context, argument, bound)
            return self.value(inner, arguments[0], bound)
        if name == "DIVIDE":
            top, bottom = (self.value(context, argument, bound) for argument in arguments)
            return None if top is None or not bottom else float(top) / float(bottom)
        if name == "SUMX":
            return self._query(context, arguments[0][1], f"sum({self._row(arguments[1])})")
        function = {"SUM": "sum", "MAX": "max", "MIN": "min", "COUNTA": "count"}[name]
        _, table, column = arguments[0]
        return self._query(context, table, f"{function}({_q(column)})")

    def _filtered(self, inner: Context, outer: Context, argument: tuple, bound: dict) -> Context:
        _, name, *rest = argument
        if name == "REMOVEFILTERS":
            return replace(inner, days=None, where={**inner.where, rest[0][1]: ()})
        if name == "VALUES":
            assert rest[0] == ("column", "Calendar", "Date")
            return replace(inner, days=outer.days)
        assert name == "KEEPFILTERS", argument
        _, sign, (_, table, column), value = rest[0]
        literal = f"'{bound[value[1]]}'" if value[0] == "word" else self._literal(value)
        return replace(inner, where={**inner.where, table: (*inner.where.get(table, ()), f"{_q(column)} {sign} {literal}")})

    def _literal(self, value: tuple) -> str:
        return {"TRUE": "true", "FALSE": "false"}[value[1]] if value[0] == "call" else "'" + value[1].replace("'", "''") + "'"

    def _row(self, tree: tuple) -> str:
        if tree[0] == "column":
            assert self.model.tables[tree[1]][tree[2]]
            return _q(tree[2])
        return f"({self._row(tree[2])} {tree[1]} {self._row(tree[3])})" if tree[0] == "binary" else tree[1]

    def _query(self, context: Context, table: str, aggregate: str) -> Any:
        conditions = list(context.where.get(table, ()))
        if context.days:
            [day] = [column for t, column, other, _ in self.model.relationships if (t, other) == (table, "Calendar")]
            conditions.append(f"{_q(day)} BETWEEN '{context.days[0]}' AND '{context.days[1]}'")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return self.model.connection.execute(f"SELECT {aggregate} FROM {_q(table)}{where}").fetchone()[0]


class Looker:
    """A LookML project run on the published database, which stands for the Postgres wire."""

    def __init__(self, project: Path, database: Path) -> None:
        self.views = {}
        for path in sorted(project.glob("views/*.view.lkml")):
            [view] = lkml.load(path.read_text())["views"]
            self.views[view["name"]] = view
        self.model = lkml.load((project / "allocation.model.lkml").read_text())
        self.connection = duckdb.connect(str(database), read_only=True)

    def source(self, view: str) -> str:
        """SQL of what the view stands on."""
        place = self.views[view]
        sql = place.get("sql_table_name") or f"({place['derived_table']['sql']})"
        return sql.replace("@{SCHEMA}", "main")

    def value(self, view: str, measure: str, days: tuple[date, date] | None = None, by_day: bool = False) -> Any:
        """What the measure gives for the days (all of them without), with or without the day as a dimension."""
        sql = self._sql(view, measure, days, by_day)
        where = f" WHERE t.business_date BETWEEN '{days[0]}' AND '{days[1]}'" if days else ""
        return self.connection.execute(f"SELECT {sql} FROM {self.source(view)} AS t{where}").fetchone()[0]

    def _sql(self, view: str, measure: str, days: tuple[date, date] | None, by_day: bool) -> str:
        [sql] = [m["sql"] for m in self.views[view]["measures"] if m["name"] == measure]
        liquid = re.fullmatch(r"\{% if (\w+)\.business_date_date\._is_selected %\}(.*)\{% else %\}(.*)\{% endif %\}", sql.strip())
        if liquid:
            assert liquid[1] == view
            sql = liquid[2] if by_day else liquid[3]
        kept = f"business_date BETWEEN '{days[0]}' AND '{days[1]}'" if days else "1=1"
        sql = re.sub(r"\{% condition \w+\.business_date_date %\} business_date \{% endcondition %\}", kept, sql)
        sql = sql.replace("${TABLE}", "t").replace("@{SCHEMA}", "main")
        return re.sub(r"\$\{(\w+)\}", lambda found: f"({self._sql(view, found[1], days, by_day)})", sql)


class Tableau:
    """A folder of .tds files over one .hyper, read through a running Hyper connection."""

    def __init__(self, folder: Path, connection: Any) -> None:
        self.connection = connection
        self.sources = {}
        for path in sorted(folder.glob("*.tds")):
            root = ET.parse(path).getroot()
            self.sources[root.get("formatted-name")] = root

    def calculations(self, source: str) -> dict[str, str]:
        """Formula by field."""
        found = self.sources[source].iterfind("column[calculation]")
        return {column.get("name")[1:-1].replace("]]", "]"): column.find("calculation").get("formula") for column in found}

    def columns(self, source: str) -> Iterator[tuple[str, str]]:
        """Hyper table and column of each mapped field."""
        for place in self.sources[source].iterfind("connection/cols/map"):
            yield tuple(part.replace("]]", "]") for part in re.fullmatch(r"\[(.*)\]\.\[(.*)\]", place.get("value")).groups())

    def value(self, source: str, field_name: str, day: date | None = None) -> Any:
        """What the field gives over all rows of the fact, or those of a day."""
        where = f" WHERE \"business_date\" = DATE '{day}'" if day else ""
        return self.connection.execute_scalar_query(f'SELECT {self._sql(source, field_name)} FROM "Extract".{_q(source)}{where}')

    def _sql(self, source: str, field_name: str) -> str:
        calculations = self.calculations(source)
        sql = calculations[field_name]
        sql = re.sub(r"IIF\((\[(?:[^\]]|\]\])*\]) = 0, NULL, \1\)", r"NULLIF(\1, 0)", sql)
        sql = re.sub(r"\bIF (.*) THEN (.*) END", r"CASE WHEN \1 THEN \2 END", sql)
        sql = sql.replace("{FIXED : MAX([business_date])}", f'(SELECT MAX("business_date") FROM "Extract".{_q(source)})')

        def named(found: re.Match) -> str:
            name = found[1].replace("]]", "]")
            return f"CAST({self._sql(source, name)} AS DOUBLE PRECISION)" if name in calculations else _q(name)

        return re.sub(r"\[((?:[^\]]|\]\])*)\]", named, sql)
