"""The built warehouses: each deployment run by run, and the opened one once more in a single rebuild."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt.inventory import oracle, policy_cases, worked
from tests.dbt.inventory.deliveries import Deliveries, day, run_all
from tests.support.lake import DbtSession, Lake

Query = Callable[..., list[tuple[Any, ...]]]


class Built:
    """Warehouses under `root`: opened, repeated (its last step run twice), rebuilt, otherwise (its random facts arrive
    in another order), unopened; and what was delivered."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opened, facts = worked.opened(oracle.SKUS + policy_cases.SKUS)
        policy_cases.add(self.opened, facts)
        oracle.draw(self.opened, facts, seed=20260101)
        self.unopened = worked.unopened()
        self.otherwise = oracle.arrive_otherwise(self.opened, seed=7)

    def warehouse(self, name: str) -> Path:
        """One of them; the file's own name is that of every home, as the parsed project carries it."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        return folder / "warehouse.duckdb"

    @property
    def unit_test_output(self) -> str:
        """What dbt said of its unit tests."""
        return (self.root / "unit_tests.txt").read_text()

    def build(self) -> None:
        """Two children at a time: the machine has two cores."""
        self.lake, self.unopened_lake = Lake(self.root / "lake"), Lake(self.root / "unopened_lake")
        self.otherwise_lake = Lake(self.root / "otherwise_lake")
        for lake in (self.lake, self.otherwise_lake):
            worked.opened_decisions(lake, oracle.SEGMENTS)
        worked.unopened_decisions(self.unopened_lake)
        failures: list[BaseException] = []

        def guarded(work: Callable[[], None]) -> None:
            try:
                work()
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=guarded, args=(w,)) for w in (self._build_opened, self._build_unopened)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _build_opened(self) -> None:
        path = self.warehouse("opened")
        with DbtSession(self.lake, path) as dbt:
            run_all(self.opened, self.lake, dbt, worked.OPENED_VARIABLES)
        shutil.copy(path, self.warehouse("repeated"))
        with DbtSession(self.lake, self.warehouse("repeated")) as dbt:
            self._run(dbt, "run", self.opened, worked.OPENED_VARIABLES, first=day(5))
        with DbtSession(self.lake, self.warehouse("rebuilt")) as dbt:
            self._run(dbt, "build", self.opened, worked.OPENED_VARIABLES)
            said = self._run(dbt, "test", self.opened, worked.OPENED_VARIABLES)
        (self.root / "unit_tests.txt").write_text(said)

    def _build_unopened(self) -> None:
        with DbtSession(self.unopened_lake, self.warehouse("unopened")) as dbt:
            run_all(self.unopened, self.unopened_lake, dbt, {})
        with DbtSession(self.otherwise_lake, self.warehouse("otherwise")) as dbt:
            run_all(self.otherwise, self.otherwise_lake, dbt, worked.OPENED_VARIABLES)

    @staticmethod
    def _run(dbt: DbtSession, command: str, deliveries: Deliveries, variables, first=None) -> str:
        """One call over all dates: `run`, `build` (with the data tests) or `test` (the unit tests)."""
        last = deliveries.runs[-1]
        select = {
            "run": ["tag:inventory", "reconciliations"],
            "build": ["tag:inventory", "reconciliations", "--exclude-resource-type", "unit_test"],
            "test": ["tag:inventory,test_type:unit", "reconciliations,test_type:unit"],
        }[command]
        return dbt.run(
            command, "--select", *select, run_date=last, state_from=first or day(1), state_to=last, variables=variables
        )


def query_of(path: Path) -> Query:
    """SQL with named parameters on a built warehouse."""

    def query(sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(sql, parameters).fetchall()

    return query
