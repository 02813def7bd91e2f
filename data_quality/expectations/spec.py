"""How an expectation is declared: as data, with what it checks, how bad a failure is and how to name the rows at fault.

The types are Great Expectations' own. Rules over several columns or tables are `unexpected_rows_expectation`: a query
for the rows that break the rule. In it `{batch}` stands for the judged rows of the dataset; give it an alias if, and
only if, the query joins. Every other table is named as the gate's views are (`data_quality.judged`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["critical", "warning"]
Gate = Literal["feeds", "positions", "decisions", "marts"]


@dataclass(frozen=True)
class ExpectationSpec:
    """One expectation. `name` is unique within its suite; `keys` are the columns that identify a failing row.

    A `blocking` expectation that fails refuses publication; the others are reported.
    """

    suite: str
    dataset: str
    name: str
    type: str
    kwargs: Mapping[str, Any]
    keys: tuple[str, ...]
    description: str
    severity: Severity = "critical"
    blocking: bool = True


@dataclass(frozen=True)
class SpecBuilder:
    """Declares the expectations of one dataset: suite, dataset and key columns are said once."""

    suite: str
    dataset: str
    keys: tuple[str, ...]

    def not_null(self, *columns: str, **grade: Any) -> list[ExpectationSpec]:
        """Every named column is filled on every row."""
        return [
            self._spec(
                f"{column}_not_null",
                "expect_column_values_to_not_be_null",
                {"column": column},
                f"{column} is filled on every row",
                grade,
            )
            for column in columns
        ]

    def between(
        self, column: str, low: float | None = None, high: float | None = None, **grade: Any
    ) -> ExpectationSpec:
        """Values of `column`, where filled, lie in [low, high]."""
        bounds = {"min_value": low, "max_value": high}
        return self._spec(
            f"{column}_in_range",
            "expect_column_values_to_be_between",
            {"column": column} | {name: bound for name, bound in bounds.items() if bound is not None},
            f"{column} is at least {low}" if high is None else f"{column} is within [{low}, {high}]",
            grade,
        )

    def one_of(self, column: str, values: Sequence[Any], **grade: Any) -> ExpectationSpec:
        """Values of `column`, where filled, are among `values`."""
        return self._spec(
            f"{column}_known",
            "expect_column_values_to_be_in_set",
            {"column": column, "value_set": list(values)},
            f"{column} is one of {', '.join(map(str, values))}",
            grade,
        )

    def none_of(self, column: str, values: Sequence[Any], **grade: Any) -> ExpectationSpec:
        """Values of `column` are not among `values`."""
        return self._spec(
            f"{column}_allowed",
            "expect_column_values_to_not_be_in_set",
            {"column": column, "value_set": list(values)},
            f"{column} is none of {', '.join(map(str, values))}",
            grade,
        )

    def unique(self, *columns: str, name: str = "grain_unique", **grade: Any) -> ExpectationSpec:
        """No two rows share the values of `columns`."""
        single = len(columns) == 1
        return self._spec(
            name,
            "expect_column_values_to_be_unique" if single else "expect_compound_columns_to_be_unique",
            {"column": columns[0]} if single else {"column_list": list(columns)},
            f"one row per {', '.join(columns)}",
            grade,
        )

    def has_rows(self, **grade: Any) -> ExpectationSpec:
        """The dataset is not empty."""
        kwargs = {"min_value": 1}
        return self._spec("has_rows", "expect_table_row_count_to_be_between", kwargs, "there are rows", grade)

    def rows(
        self, name: str, sql: str, description: str, *, keys: tuple[str, ...] | None = None, **grade: Any
    ) -> ExpectationSpec:
        """`sql` returns the rows that break the rule; it must return the key columns."""
        kwargs = {"unexpected_rows_query": sql.strip()}
        return self._spec(name, "unexpected_rows_expectation", kwargs, description, grade, keys)

    def where(self, name: str, condition: str, description: str, **grade: Any) -> ExpectationSpec:
        """No row satisfies `condition`, an SQL text over the dataset's own columns."""
        return self.rows(name, f"SELECT * FROM {{batch}} WHERE {condition}", description, **grade)

    def of_run_date(self) -> ExpectationSpec:
        """Every row is of the date that the run decides (variable `run_date` of the gate's connection)."""
        return self.where("of_run_date", "business_date <> getvariable('run_date')", "all rows carry the run's date")

    def _spec(
        self,
        name: str,
        type_: str,
        kwargs: Mapping[str, Any],
        description: str,
        grade: Mapping[str, Any],
        keys: tuple[str, ...] | None = None,
    ) -> ExpectationSpec:
        full_name = f"{self.dataset}.{name}"
        keys = self.keys if keys is None else keys
        return ExpectationSpec(self.suite, self.dataset, full_name, type_, kwargs, keys, description, **grade)


#: For a rule whose breach is reported and does not stop the run.
WARNING: Mapping[str, Any] = {"severity": "warning", "blocking": False}


def flatten(parts: Iterable[ExpectationSpec | Iterable[ExpectationSpec]]) -> tuple[ExpectationSpec, ...]:
    """One tuple from single expectations and lists of them, checking that names are unique.

    Raises ValueError naming a repeated expectation.
    """
    specs = [spec for part in parts for spec in ([part] if isinstance(part, ExpectationSpec) else part)]
    names = [(spec.suite, spec.name) for spec in specs]
    repeated = sorted({"/".join(name) for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"expectations declared twice: {', '.join(repeated)}")
    return tuple(specs)


def suite_version(specs: Sequence[ExpectationSpec]) -> str:
    """sha256 of everything that the expectations say, so that a receipt names the suite that judged."""
    text = json.dumps([asdict(spec) for spec in specs], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
