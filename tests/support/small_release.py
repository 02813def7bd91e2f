"""A home with a ledger and allocations alone, released through the real publish code, for tests of the audit log."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.publishing import release
from orchestration.publishing.audit import ENTRIES
from orchestration.publishing.current import Current, read_current, write_current
from orchestration.publishing.datasets import BY_NAME
from orchestration.publishing.exchange import exchange
from orchestration.settings import Home, code_version
from tests.support.home import parquet_hashes

DATASETS = tuple(BY_NAME[name] for name in ("allocations", "stock_ledger", "audit_log"))


def entry(entry_id: str, about: date, **values) -> dict:
    """An audit entry as the run's assets decide it."""
    return {"entry_id": entry_id, "about_date": about, "actor": "ann", "role": "store_manager", "action": "approved",
            "dataset": "adjustments_proposed", "row_key": f"{about}|S1|A|C1", "before": "pending", "after": "approved",
            "policy_version": "p1", **values}  # fmt: skip


class SmallHome:
    """Ledger rows, allocations and entries go in; `publish` makes a release as the publish step does."""

    def __init__(self, root: Path, monkeypatch) -> None:
        monkeypatch.setattr(release, "DATASETS", DATASETS)
        self.home = Home(root)
        self.home.lake.mkdir(parents=True)
        self._sql(
            "CREATE TABLE stock_ledger (movement_id VARCHAR, business_date DATE, location_id VARCHAR, units BIGINT, reason VARCHAR)"
        )

    @property
    def published(self) -> Path:
        """The folder that readers see."""
        return self.home.published

    @property
    def current(self) -> Current:
        """What is published."""
        return read_current(self.published)

    def move(self, movement_id: str, day: date, units: int) -> None:
        """Append one movement to the ledger."""
        self._sql("INSERT INTO stock_ledger VALUES (?, ?, 'S1', ?, NULL)", [movement_id, day, units])

    def _sql(self, statement: str, parameters=None) -> None:
        with duckdb.connect(str(self.home.database)) as connection:
            connection.execute(statement, parameters)

    def alter_ledger(self, statement: str) -> None:
        """Do to the ledger what no run may."""
        self._sql(statement)

    def publish(self, day: date, *entries: dict, changed: tuple[date, ...] = (), units: int = 4) -> None:
        """Decide `day` (one allocation of `units`), with the entries given, and release it with the `changed` dates."""
        decided = pa.table({"business_date": pa.array([day]), "from_location_id": ["DC"], "to_location_id": ["S1"],
                            "sku_id": ["A"], "units": [units]})  # fmt: skip
        self._lake("allocations", day, decided)
        rows = [{name: item.get(name) for name in ENTRIES.names} | {"business_date": day} for item in entries]
        self._lake("audit_entries", day, pa.Table.from_pylist(rows, schema=ENTRIES))
        current = read_current(self.published)
        decided_days = (current.decided() if current else set()) | {day}
        scope = release.Scope(day, tuple(sorted({*changed, day})), frozenset(decided_days))
        staged = release.stage_release(self.home, scope, current, policy_version="p1", window_days=35)
        write_current(
            staged.folder,
            Current(
                business_date=str(max(decided_days)), run_id="r", published_at="t", code_version=code_version(),
                input_hash="i", policy_hash="p1", through_load=1, run_dates=sorted(map(str, decided_days)),
                stage_seconds={}, provenance={}, files=staged.files, audit_head=asdict(staged.audit_head),
                database_from=str(staged.database_from),
            ),
        )  # fmt: skip
        exchange(staged.folder, self.published)
        shutil.rmtree(staged.folder, ignore_errors=True)

    def _lake(self, dataset: str, day: date, table: pa.Table) -> None:
        target = self.home.lake / "decisions" / dataset / f"business_date={day}" / "data.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, target)

    def log(self, day: date) -> list[dict]:
        """Rows of the log's file of a date."""
        return pq.read_table(self.file("audit_log", day), partitioning=None).to_pylist()

    def file(self, dataset: str, day: date) -> Path:
        """Published file of a dataset and date."""
        return self.published / dataset / f"business_date={day}" / "data.parquet"

    def hashes(self) -> dict[str, str]:
        """sha256 of every published Parquet file."""
        return parquet_hashes(self.home.root)
