"""The one resource every asset takes: the home, held for the length of the run, and what the run has learnt so far."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from allocation_assets.placeholders import ensure_decision_placeholders
from allocation_assets.policy import Policy, PolicyError, load_policy
from data_quality.feeds import FeedContract, load_contracts
from orchestration.errors import LandedDataError, UsageError
from orchestration.lock import wait_for_home
from orchestration.settings import Home

log = logging.getLogger("allocator")

#: Progress as a person reads it, by stage.
STAGES = {
    "ingest": "taking in what landed",
    "approve": "judging approvals",
    "gates": "checking what came",
    "dbt_inventory": "building ledger and positions (dbt)",
    "decide": "forecasting and allocating",
    "dbt_marts": "building measures and accounts (dbt)",
    "publish": "publishing",
    "report": "writing page and workbook",
}


@dataclass
class RunSession:
    """What one run knows and measures. Lives as long as the Dagster run; never read by a kernel."""

    home: Home
    contracts: dict[str, FeedContract]
    policy: Policy
    run_id: str
    business_date: str | None
    started_at: datetime
    stage_seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    load_reports: list[Any] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    is_published: bool = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the block's wall seconds to stage `name`."""
        if name not in self.stage_seconds:
            log.info("%s  %s ...", self.business_date, STAGES.get(name, name))
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stage_seconds[name] = self.stage_seconds.get(name, 0.0) + time.perf_counter() - start

    def warn(self, line: str) -> None:
        """Say something once in the run's report."""
        if line not in self.warnings:
            self.warnings.append(line)

    def stop_if_refused(self) -> None:
        """Raise what the gates of this run have refused; called where a stage would go on regardless."""
        if self.refusals:
            raise LandedDataError("\n".join(self.refusals))

    def remember_refusal(self) -> None:
        """Keep why the newest run was refused for `allocator status`; a run that was not refused clears it."""
        path = self.home.refusal_file
        if self.refusals:
            said = {"business_date": self.business_date, "run_id": self.run_id, "lines": self.refusals}
            path.write_text(json.dumps(said, indent=1))
        elif self.is_published:
            path.unlink(missing_ok=True)

    def warehouse(self) -> duckdb.DuckDBPyConnection:
        """Open the warehouse read-only (dbt alone writes it)."""
        return duckdb.connect(str(self.home.database), read_only=True, config={"threads": 2, "memory_limit": "4GB"})

    def decision_file(self, dataset: str, business_date: date) -> Path:
        """Lake file of one decided dataset and date."""
        return self.home.lake / "decisions" / dataset / f"business_date={business_date}" / "data.parquet"


def load_home_policy(home: Home) -> Policy:
    """The policy in force for a home; UsageError (exit 2) with every problem by file and line."""
    try:
        return load_policy(home.policies)
    except PolicyError as error:
        raise UsageError(str(error)) from error


class HomeResource(dg.ConfigurableResource):
    """Opens a RunSession for the run: takes the home's lock, reads policy and contracts, prepares the folders."""

    root: str
    _session: RunSession | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[HomeResource]:
        """Hold the home while the run's steps execute (one process: `in_process_executor`).

        The command holds the home already and says at once when another does (exit 4); a run of the UI, a schedule or a
        sensor waits for its turn.
        """
        home = Home.at(self.root)
        with wait_for_home(home, f"run {context.run_id}", context.log.info if context.log else log.info):
            home.prepare()
            ensure_decision_placeholders(home.lake)
            self._session = RunSession(
                home=home,
                contracts=load_contracts(),
                policy=load_home_policy(home),
                run_id=context.run_id or "",
                business_date=context.run.tags.get("dagster/partition") if context.run else None,
                started_at=datetime.now(UTC).replace(tzinfo=None),
            )
            sessions[self._session.run_id] = self._session
            try:
                yield self
            finally:
                self._session.remember_refusal()

    @property
    def session(self) -> RunSession:
        """The open session; only inside a run."""
        if self._session is None:
            raise RuntimeError("HomeResource is used outside a run")
        return self._session


#: Sessions of this process by run id: how the command line reads, after a run, what the run had to say.
sessions: dict[str, RunSession] = {}
