"""Where everything of one deployment lives (`landing.md`, Home). Paths only; no Dagster, no I/O beyond mkdir."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DBT_PROJECT = PROJECT_ROOT / "dbt_project"
HOME_ENV = "ALLOCATOR_HOME"

#: Instance settings of a home's Dagster: no telemetry, one run at a time (a second would only meet the lock).
DAGSTER_YAML = """\
telemetry:
  enabled: false
storage:
  custom:
    module: orchestration.dagster_storage
    class: KeptSqliteStorage
    config:
      base_dir: {folder}
concurrency:
  runs:
    max_concurrent_runs: 1
run_monitoring:
  enabled: true
"""


@dataclass(frozen=True)
class Home:
    """The folders of one deployment under `root` (absolute)."""

    root: Path

    @classmethod
    def at(cls, path: str | os.PathLike[str] | None = None) -> Home:
        """Home at `path`, else `$ALLOCATOR_HOME`, else `./home`."""
        return cls(Path(path or os.environ.get(HOME_ENV) or "home").expanduser().resolve())

    @property
    def landing(self) -> Path:
        """What source systems write: `<feed>/business_date=D/<file>`."""
        return self.root / "landing"

    @property
    def policies(self) -> Path:
        """The deployment's policy files, layered over the packaged default."""
        return self.root / "policies"

    @property
    def published(self) -> Path:
        """What others read; replaced as a whole by the publish step."""
        return self.root / "published"

    @property
    def private(self) -> Path:
        """Private to the pipeline (`warehouse/` of the contract)."""
        return self.root / "warehouse"

    @property
    def database(self) -> Path:
        """The DuckDB warehouse that dbt alone writes."""
        return self.private / "warehouse.duckdb"

    @property
    def lake(self) -> Path:
        """Parquet that moves between stages: loads, decisions, carry, quality, receipts, runs."""
        return self.private / "lake"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME of this deployment, shared by the command, the sensor and the UI."""
        return self.private / "dagster"

    @property
    def lock_file(self) -> Path:
        """Held (flock) by the one run that may change this home."""
        return self.private / "home.lock"

    @property
    def refusal_file(self) -> Path:
        """Why the newest run was refused; absent when it was not."""
        return self.private / "last_refusal.json"

    @property
    def operations(self) -> Path:
        """Optional settings of operations: who is told of a failure, when data counts as stale (docs/operations.md)."""
        return self.root / "operations.yaml"

    @property
    def demo_marker(self) -> Path:
        """Present in a home that `allocator demo` made."""
        return self.private / "demo.json"

    def prepare(self) -> None:
        """Create the private folders and the Dagster instance settings; idempotent."""
        for folder in (self.landing, self.private, self.lake, self.dagster):
            folder.mkdir(parents=True, exist_ok=True)
        settings = self.dagster / "dagster.yaml"
        wanted = DAGSTER_YAML.format(folder=json.dumps(str(self.dagster)))
        if not settings.exists() or settings.read_text() != wanted:
            settings.write_text(wanted)


def code_version() -> str:
    """Version of the installed package, as every run states it."""
    try:
        return version("open-retail-allocator")
    except PackageNotFoundError:
        return "uninstalled"
