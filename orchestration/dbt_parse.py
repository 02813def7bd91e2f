"""The dbt project, parsed once: at installation, or by the first process that finds it changed.

A parse costs seconds, and dbt repeats it whenever a variable differs, as the dates of a run always do. What dbt reads when
it parses holds no variable here (macros/late_binding.sql), so every step of every home reads the one parsed project. It is
kept under the hash of all that it was parsed from: a project that changed has another name and is never served stale.
No Dagster here: the dbt of a step (dbt_child) reads it too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestration.errors import AllocatorError
from orchestration.settings import DBT_PROJECT, Home

_WRITTEN_BY_DBT = ("target", "logs", ".")
_KEPT = ("manifest.json", "partial_parse.msgpack")


def dbt_executable() -> str:
    """The dbt that dies with its parent (see dbt_child), beside the running interpreter."""
    return str(Path(sys.executable).with_name("allocator-dbt"))


def dbt_environment(home: Home) -> dict[str, str]:
    """Environment of dbt: where the warehouse is, files that somebody reads, and silence towards the outside."""
    return {
        "ALLOCATOR_WAREHOUSE": str(home.database),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_LOG_PATH": str(home.private / "logs"),
        "PYTHONWARNINGS": "ignore",
    }


def parsed_folder(database: Path, project: Path = DBT_PROJECT) -> Path:
    """Where the parse of `project` as its files stand now is kept, whether or not it is there.

    The name is a hash of dbt's releases, of the file name of `database`, which relations carry, and of every file of the
    project but what dbt writes there.
    """
    hashed = hashlib.sha256(database.stem.encode())
    for package in ("dbt-core", "dbt-adapters", "dbt-duckdb"):
        hashed.update(f"\0{package} {version(package)}".encode())
    tops = [path for path in project.iterdir() if not path.name.startswith(_WRITTEN_BY_DBT)]
    for path in sorted(file for top in tops for file in (top, *top.rglob("*")) if file.is_file()):
        content = path.read_bytes()
        hashed.update(f"\0{path.relative_to(project).as_posix()} {len(content)}\0".encode() + content)
    return project / "target" / f"parsed-{hashed.hexdigest()[:16]}"


def ensure_manifest(project: Path = DBT_PROJECT) -> Path:
    """manifest.json of `project` as it stands now; parses it when nobody has yet (about 5 s)."""
    home = Home(project / "target")
    folder = parsed_folder(home.database, project)
    while not folder.exists():
        _parse(folder, home, project)
        folder = parsed_folder(home.database, project)
    return folder / "manifest.json"


def load_parsed(database: Path, project: Path = DBT_PROJECT) -> Any | None:
    """dbt's Manifest of `project` as it stands now, or None when that has not been parsed."""
    path = parsed_folder(database, project) / "partial_parse.msgpack"
    if not path.exists():
        return None
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest = Manifest.from_msgpack(path.read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    manifest.build_parent_and_child_maps()
    return manifest


def _parse(folder: Path, home: Home, project: Path) -> None:
    """Parse into `folder`, which appears as a whole or not at all; earlier parses go."""
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="parsing-") as scratch:
        environment = {**os.environ, **dbt_environment(home), "DBT_LOG_PATH": scratch, "DBT_TARGET_PATH": scratch}
        command = [dbt_executable(), "parse", "--quiet", "--project-dir", str(project)]
        done = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True)
        if done.returncode:
            raise AllocatorError(f"dbt parse of {project} failed: {(done.stdout + done.stderr).strip()[-2000:]}")
        kept = Path(scratch) / "kept"
        kept.mkdir()
        for name in _KEPT:
            (Path(scratch) / name).rename(kept / name)
        if not folder.exists():
            kept.rename(folder)
    for earlier in folder.parent.glob("parsed-*"):
        if earlier != folder:
            shutil.rmtree(earlier, ignore_errors=True)
