"""A step reads the project parsed once: no variable is fixed by the parse, the SQL is that of a parse of its own, and what it builds
takes the place of what was there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.dbt_parse import dbt_environment, dbt_executable, ensure_manifest, load_parsed, parsed_folder
from orchestration.settings import Home
from tests.support.lake import PROJECT, DbtSession, Lake, run_dbt

#: A value unlike the project's default for every variable that is a word.
WORDS = {"lake": "el's<where>/lake", "reconciliation_count_posting": "pipeline", "allocation_release_time": "14:30"}


def otherwise(name: str, value: Any) -> Any:
    """Another value of the same kind."""
    if name in WORDS:
        return WORDS[name]
    return "2024-02-29" if isinstance(value, str) else value + 1


def other_values() -> dict[str, Any]:
    """Every variable of the project with a value that is not its default, and the one that has none."""
    declared = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    values = {name: otherwise(name, value) for name, value in declared.items()}
    assert all(values[name] != declared[name] for name in declared)
    return {**values, "calendar_period": "week"}


def without_moments(node: Any) -> Any:
    """A node of manifest.json without the time at which it was parsed."""
    if isinstance(node, dict):
        return {key: without_moments(value) for key, value in node.items() if key != "created_at"}
    return [without_moments(item) for item in node] if isinstance(node, list) else node


def test_a_parse_holds_no_variable(tmp_path):
    """What `dbt parse` makes of other values is what is kept, node by node."""
    home = Home(tmp_path)
    command = [dbt_executable(), "parse", "--quiet", "--project-dir", str(PROJECT), "--target-path", str(tmp_path)]
    environment = {**os.environ, **dbt_environment(home)}
    subprocess.run([*command, "--vars", json.dumps(other_values())], env=environment, cwd=PROJECT, check=True)
    kept, other = (json.loads(path.read_text()) for path in (ensure_manifest(), tmp_path / "manifest.json"))
    for part in sorted(kept.keys() - {"metadata"}):
        assert without_moments(kept[part]) == without_moments(other[part]), part


def compiled(lake: Lake, warehouse: Path, *, parses_anew: bool) -> dict[str, str]:
    """SQL by node of a compile with other values."""
    values = {name: value for name, value in other_values().items() if name not in ("lake", "run_date")}
    values |= {"state_from": "2026-01-02", "state_to": "2026-01-03"}
    with DbtSession(lake, warehouse, parses_anew=parses_anew) as dbt:
        output = dbt.run("compile", run_date=date(2026, 1, 3), variables=values)
    assert ("Unable to do partial parsing" in output) == parses_anew
    results = json.loads((warehouse.parent / "target-warehouse" / "run_results.json").read_text())["results"]
    return {result["unique_id"]: result["compiled_code"] for result in results}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Lake, Path]:
    """A warehouse that holds every model, of a lake in a folder that SQL and jinja would stumble over."""
    folder = tmp_path_factory.mktemp("built")
    lake, warehouse = Lake(folder / "the 'lake' {of} <lake>"), folder / "warehouse.duckdb"
    run_dbt("run", lake=lake, warehouse=warehouse, run_date=date(2026, 1, 1))
    return lake, warehouse


def test_the_docs_site_is_built_with_every_model_and_consumer(built):
    """`dbt docs generate`: the tables of the semantic layer have columns in the catalog, exposures and metrics are in the manifest."""
    lake, warehouse = built
    run_dbt("docs", "generate", lake=lake, warehouse=warehouse, run_date=date(2026, 1, 1))
    site = warehouse.parent / "target-warehouse"
    catalog, manifest = (json.loads((site / f"{name}.json").read_text()) for name in ("catalog", "manifest"))
    assert catalog["errors"] is None and (site / "index.html").stat().st_size > 100_000
    models = {name for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    assert models == {name for name in catalog["nodes"] if name.startswith("model.")}
    for model in manifest["semantic_models"].values():
        [node] = model["depends_on"]["nodes"]
        named = [item["expr"] or item["name"] for part in ("entities", "dimensions") for item in model[part]]
        assert set(named) <= set(catalog["nodes"][node]["columns"]), model["name"]
    shown = {target for exposure in manifest["exposures"].values() for target in exposure["depends_on"]["nodes"]}
    assert {node for model in manifest["semantic_models"].values() for node in model["depends_on"]["nodes"]} <= shown
    assert all(exposure["description"] and exposure["owner"] for exposure in manifest["exposures"].values())


def test_a_step_compiles_what_a_parse_of_its_own_would(built):
    """On a warehouse that holds every model already."""
    lake, warehouse = built
    reused, anew = (compiled(lake, warehouse, parses_anew=parses) for parses in (False, True))
    assert reused == anew
    assert len(reused) > 150
    text = "\n".join(filter(None, reused.values()))
    assert "the ''lake'' {of} <lake>/loads/pos/" in text and "'<lake>/" not in text
    assert "where business_date between date '2026-01-02' and date '2026-01-03') dbt_subquery" in text


def kinds_of(warehouse: Path) -> dict[str, str]:
    """Kind of each relation of the warehouse."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute("SELECT table_name, table_type FROM information_schema.tables").fetchall()
    return dict(found)


def test_what_another_release_made_a_table_or_a_view_is_replaced(built):
    lake, warehouse = built
    before = kinds_of(warehouse)
    assert (before["stg_items"], before["int_item_partitions"]) == ("VIEW", "BASE TABLE")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("DROP VIEW stg_items; CREATE TABLE stg_items AS SELECT 1 AS of_another_release")
        connection.execute("DROP TABLE int_item_partitions; CREATE VIEW int_item_partitions AS SELECT 2 AS of_another_release")
    run_dbt("run", "--select", "stg_items", "int_item_partitions", lake=lake, warehouse=warehouse, run_date=date(2026, 1, 1))
    assert kinds_of(warehouse) == before
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert "of_another_release" not in connection.execute("SELECT * FROM int_item_partitions").df().columns


def small_project(folder: Path) -> Path:
    """A dbt project of one model."""
    (folder / "models").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT / name, folder)
    (folder / "models" / "one.sql").write_text("select 1 as number")
    return folder


def test_a_project_that_changed_is_parsed_again(tmp_path):
    """Also when the file looks older than the parse, or is gone."""
    project = small_project(tmp_path / "project")
    database = tmp_path / "warehouse.duckdb"
    assert load_parsed(database, project) is None
    first = ensure_manifest(project)
    assert ensure_manifest(project) == first
    assert list(load_parsed(database, project).nodes) == ["model.allocator.one"]
    assert load_parsed(tmp_path / "other.duckdb", project) is None

    model = project / "models" / "two.sql"
    model.write_text("select 2 as number")
    assert load_parsed(database, project) is None
    ensure_manifest(project)
    assert sorted(load_parsed(database, project).nodes) == ["model.allocator.one", "model.allocator.two"]
    assert not first.exists()

    model.unlink()
    assert load_parsed(database, project) is None
    assert parsed_folder(database, project) == first.parent
