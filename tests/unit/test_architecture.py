"""Boundaries of the house that a review would otherwise have to remember (docs/architecture.md)."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("orchestration", "allocation_assets", "data_quality")


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _sources(*packages):
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def test_only_orchestration_and_assets_modules_import_dagster():
    allowed = {path for path in _sources("allocation_assets") if path.name in ("assets.py", "decision_assets.py")}
    offenders = [
        str(path.relative_to(ROOT))
        for path in _sources("allocation_assets", "data_quality")
        if path not in allowed and any(name.split(".")[0].startswith("dagster") for name in _imports(path))
    ]
    assert offenders == []


def test_kernels_do_not_import_the_wiring():
    allowed = {path for path in _sources("allocation_assets") if path.name in ("assets.py", "decision_assets.py")}
    offenders = [
        str(path.relative_to(ROOT))
        for path in _sources("allocation_assets", "data_quality")
        if path not in allowed and any(name.split(".")[0] == "orchestration" for name in _imports(path))
    ]
    assert offenders == []


def test_importing_the_definitions_imports_neither_expectations_nor_a_solver():
    script = (
        "import sys, orchestration.definitions;"
        "print([m for m in ('great_expectations', 'numba', 'statsforecast', 'highspy', 'scipy.optimize') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_sizes_that_keep_it_readable():
    long = []
    for path in _sources(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                size = node.end_lineno - node.lineno + 1
                if size > 45:
                    long.append(f"{path.relative_to(ROOT)}:{node.name} {size}")
    models = [
        f"{path.relative_to(ROOT)} {len(path.read_text().splitlines())}"
        for path in sorted((ROOT / "dbt_project" / "models").rglob("*.sql"))
        if len(path.read_text().splitlines()) > 80
    ]
    definitions = len((ROOT / "orchestration" / "definitions.py").read_text().splitlines())
    assert (long, models, definitions <= 70) == ([], [], True)


def test_nothing_of_one_machine_is_committed():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    texts = [name for name in listed if not name.endswith((".parquet", ".png"))]
    bad = [
        name
        for name in texts
        if any(mark in (ROOT / name).read_text() for mark in ("/wo" + "rk/", "/ro" + "ot/", "--index" + "-url", "--extra-index" + "-url "))
    ]
    assert bad == []
