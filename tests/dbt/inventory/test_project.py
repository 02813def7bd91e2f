"""What the project says of itself: dbt's own tests ran, and everything is described."""

from __future__ import annotations

import re

import yaml

from tests.dbt.inventory.building import Built, Query
from tests.support.lake import PROJECT


def test_unit_and_data_tests_passed(built: Built):
    """Building fails where one does not hold; here only that they were there."""
    assert int(re.findall(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", built.unit_test_output)[-1]) >= 13


def test_every_column_is_described(opened: Query):
    """Every column of every model that the warehouse holds has a description."""
    described: dict[str, set[str]] = {}
    for path in (PROJECT / "models").rglob("*.yml"):
        for model in (yaml.safe_load(path.read_text()) or {}).get("models", []):
            assert model.get("description"), model["name"]
            described[model["name"]] = {c["name"] for c in model.get("columns", []) if c.get("description")}
    columns = opened("select table_name, column_name from information_schema.columns where table_schema = 'main'")
    assert len({table for table, _ in columns}) > 50
    assert [(table, column) for table, column in columns if column not in described.get(table, ())] == []


def test_models_stay_readable():
    """A SQL model has at most 80 lines."""
    long = {p.name: n for p in (PROJECT / "models").rglob("*.sql") if (n := len(p.read_text().splitlines())) > 80}
    assert long == {}
