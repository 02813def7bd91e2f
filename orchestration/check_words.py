"""Checks in words: what a data test of dbt asks, what failed, and which published datasets stand on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.catalogue import FIRST_STEP, runbook_of_check, runbook_place, symptom
from orchestration.operations import read_operations
from orchestration.settings import Home

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

PUBLISHED = "published"
_NAMED = 3

#: Kind of data test (dbt_project/tests/generic, macros) -> what must hold; in braces its arguments.
_TESTS = {
    "unique_combination": "No two rows share {columns}.",
    "not_null": "{column_name} is never null.",
    "columns_not_null": "None of {columns} is null.",
    "accepted_set": "{column} is null or one of {values}.",
    "expression_is_true": "On every row `{expression}`.",
    "kpi_holds": "On every row that has the values, `{expression}`.",
    "kpi_totals_add_up": "The total row of {dimension} is the sum of its rows in {columns}.",
    "kpi_dimensions_add_up": "Every dimension adds up to the same totals of {columns}.",
    "kpi_crossings_add_up": "A place by department adds up to the place and to the department in {columns}.",
    "kpi_is_finite": "None of {columns} is infinite or not a number.",
    "sums_to_zero": "Within each {group_by}, `{measure}` adds up to 0.",
}


def data_test_words(test: Mapping[str, Any]) -> str:
    """What a dbt data test asks, in one sentence: its own description, its kind's words, else the comment that opens its SQL."""
    if test.get("description"):
        return " ".join(test["description"].split())
    kind = test.get("test_metadata") or {}
    if kind.get("name") in _TESTS:
        values = {name: _listed(value) for name, value in kind["kwargs"].items()}
        return _TESTS[kind["name"]].format_map(values)
    comment = [line.removeprefix("--").strip() for line in test.get("raw_code", "").splitlines() if line.startswith("--")]
    return " ".join(comment) or f"The query {test['name']} returns no row."


def touched(graph: AssetGraph, key: dg.AssetKey) -> list[str]:
    """Names of the published datasets that stand on an asset, in order."""
    seen, waiting = {key}, [key]
    while waiting:
        node = graph.get(waiting.pop())
        new = node.child_keys - seen
        seen |= new
        waiting.extend(new)
    return sorted(found.path[-1] for found in seen if found.path[0] == PUBLISHED)


def failure(what: str, datasets: Iterable[str], *, is_blocking: bool) -> str:
    """One sentence: what failed and which published datasets it touches."""
    names = list(datasets)
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    listed = ", ".join(names[:_NAMED]) + rest if names else "no published dataset"
    end = ": none of them is published, published/ stays as it was" if is_blocking and names else ""
    return f"{what.strip().rstrip('.')}; it touches {listed}{end}."


def failed_check_metadata(home: Home, check: str, datasets: Iterable[str], status: str | None = None) -> dict[str, Any]:
    """What a failed check shows beside its sentence: the runbook, what to do first, every dataset that it touches."""
    runbook = runbook_of_check(check, status)
    return {
        "runbook": dg.MetadataValue.text(runbook_place(runbook, read_operations(home))),
        "symptom": symptom(runbook),
        "what to do first": FIRST_STEP[runbook],
        "touches": ", ".join(datasets) or "no published dataset",
    }


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
