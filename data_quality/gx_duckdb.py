"""Great Expectations over DuckDB: an execution engine on one open connection, and the datasource that uses it.

With `duckdb-engine` alone every expectation fails: GX fetches results after it has handed its connection back, and
SQLAlchemy 2.1's reflection asks for catalogue tables that DuckDB does not have. Here the one connection stays open for
the life of the session and the columns come from DuckDB itself, so every metric is computed as SQL inside DuckDB.
Importing GX costs seconds: it happens inside the functions below and nowhere else; `preload` does it ahead of time.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from data_quality.expectations.spec import ExpectationSpec

#: GX keeps process-wide state (the project manager), so one gate at a time validates in a process.
_LOCK = threading.RLock()
_SESSION_NUMBER = itertools.count(1)


@dataclass(frozen=True)
class Outcome:
    """What GX said about one expectation: `unexpected` of `elements` rows; `error` is one line, or None.

    `elements` is None where the expectation counts violations alone, `unexpected` where it measures a whole table.
    """

    success: bool
    observed: float | int | None
    unexpected: int | None
    elements: int | None
    error: str | None


def preload() -> None:
    """Import GX and build its classes and context, so that the first gate does not wait for it (thread-safe)."""
    with _LOCK:
        _context()


class GxSession:
    """A private in-memory DuckDB connection (`connection`) and a GX datasource over whatever it holds.

    Use it as a context manager. Tables and views are created on `connection` by the caller.
    """

    def __init__(self, *, threads: int = 2, memory_limit: str = "2GB") -> None:
        with _LOCK:
            self._name = f"duckdb_{next(_SESSION_NUMBER)}"
            self._datasource = _context().data_sources.add_duckdb(
                name=self._name, connection_string="duckdb:///:memory:", create_temp_table=False
            )
            self._engine = self._datasource.get_execution_engine()
        with self._engine.get_connection() as connection:
            self.connection = connection.connection.dbapi_connection
        self.connection.execute("SET threads = ?", [threads])
        self.connection.execute("SET memory_limit = ?", [memory_limit])

    def __enter__(self) -> GxSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the datasource and close the connection."""
        with _LOCK:
            self._engine.close_connection()
            _context().data_sources.delete(self._name)

    def validate(self, dataset: str, specs: Sequence[ExpectationSpec]) -> dict[str, Outcome]:
        """Validate one table or view with all its expectations at once (GX bundles their metrics); by spec name.

        All are judged for success alone; those that do not hold are judged again for their figures, as GX fetches values
        for each it is asked to describe, an extra query and half of a gate's time. None has a `mostly`: one that holds
        has no unexpected row.
        """
        with _LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch = self._batch(dataset)
            holding = {name for name, result in self._results(batch, specs, "BOOLEAN_ONLY") if result.success}
            others = [spec for spec in specs if spec.name not in holding]
            described = {name: _outcome(result) for name, result in self._results(batch, others, "BASIC")}
        rows = self.connection.execute(f'SELECT count(*) FROM "{dataset}"').fetchall()[0][0] if holding else None
        return described | {spec.name: _holds(spec, rows) for spec in specs if spec.name in holding}

    def _batch(self, dataset: str) -> Any:
        name = f"{dataset}_{next(_SESSION_NUMBER)}"
        asset = self._datasource.add_table_asset(name, table_name=dataset)
        return asset.add_batch_definition_whole_table(name).get_batch()

    def _results(self, batch: Any, specs: Sequence[ExpectationSpec], detail: str) -> Iterator[tuple[str, Any]]:
        import great_expectations as gx

        if not specs:
            return
        suite = gx.ExpectationSuite(name=batch.id, expectations=[_expectation(spec) for spec in specs])
        with _configured_once():
            results = batch.validate(suite, result_format=detail).results
        for result in results:
            yield result.expectation_config.meta["name"], result


@contextmanager
def _configured_once() -> Iterator[None]:
    """Each expectation's configuration is made once, as none changes while it is judged.

    GX makes it anew at each of some 80 looks at it: a quarter of a gate's time.
    """
    from great_expectations.expectations.expectation import Expectation

    made: dict[int, tuple[Any, Any]] = {}
    plain = Expectation.configuration

    def configuration(expectation: Any) -> Any:
        # The expectation is kept with its configuration, so that no other one can get its id.
        if id(expectation) not in made:
            made[id(expectation)] = expectation, plain.fget(expectation)
        return made[id(expectation)][1]

    Expectation.configuration = property(configuration)
    try:
        yield
    finally:
        Expectation.configuration = plain


def _expectation(spec: ExpectationSpec) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    # The name travels in the meta data, because GX hands results back in an order of its own.
    return get_expectation_impl(spec.type)(**spec.kwargs, severity=spec.severity, meta={"name": spec.name})


def _holds(spec: ExpectationSpec, rows: int) -> Outcome:
    """What BASIC would have said about an expectation that holds on a table of `rows`."""
    match spec.type:
        case "unexpected_rows_expectation":
            return Outcome(True, 0, 0, None, None)
        case "expect_table_row_count_to_be_between":
            return Outcome(True, rows, None, None, None)
    return Outcome(True, None, 0, rows, None)


def _outcome(result: Any) -> Outcome:
    detail = result.result or {}
    observed = detail.get("observed_value")
    counts_rows = result.expectation_config.type == "unexpected_rows_expectation"
    return Outcome(
        success=bool(result.success),
        observed=observed if isinstance(observed, int | float) else None,
        unexpected=observed if counts_rows else detail.get("unexpected_count"),
        elements=detail.get("element_count"),
        error=_error(result.exception_info),
    )


def _error(info: Any) -> str | None:
    """First line of GX's exception, which it reports either flat or keyed by metric."""
    entries = [info] if "raised_exception" in (info or {}) else list((info or {}).values())
    messages = sorted(
        str(entry.get("exception_message") or "unknown error").strip().splitlines()[0]
        for entry in entries
        if isinstance(entry, dict) and entry.get("raised_exception")
    )
    return messages[0] if messages else None


@lru_cache(maxsize=1)
def _context() -> Any:
    # Read by GX when it is first imported, so it has to be set before that.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # GX logs whole tracebacks of what it also reports; the report is what this package hands on, in a line each.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    _datasource_type()
    atexit.register(_release_duckdb)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    # An ephemeral context has nowhere to save to, yet dumps itself as YAML for every asset: half of a gate's time.
    context._save_project_config = lambda: None
    return context


def _release_duckdb() -> None:
    """Let go of DuckDB's module when the interpreter ends.

    GX survives interpreter shutdown, and through SQLAlchemy's dialect registry so do `duckdb-engine` and DuckDB's types;
    the binding then prints a page of "leaked" lines under whatever the command said last.
    """
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "duckdb_engine":
            vars(module).clear()


@lru_cache(maxsize=1)
def _engine_type() -> type:
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine

    class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
        """SqlAlchemyExecutionEngine that keeps its one connection open and asks DuckDB itself for columns."""

        @contextmanager
        def get_connection(self) -> Iterator[Any]:
            """Yield the session's only connection; it stays open, because GX fetches after this block has ended."""
            if self._connection is None:
                self._connection = self.engine.connect()
            yield self._connection

        def get_inspector(self) -> _Inspector:
            """Stand in for SQLAlchemy's inspector, whose catalogue queries DuckDB cannot answer."""
            with self.get_connection() as connection:
                return _Inspector(connection.connection.dbapi_connection, self.engine.dialect)

        def close_connection(self) -> None:
            """Close the connection and with it the in-memory database."""
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self.engine.dispose()

    return DuckDBExecutionEngine


@lru_cache(maxsize=1)
def _datasource_type() -> type:
    import sqlalchemy
    from great_expectations.datasource.fluent import SQLDatasource
    from sqlalchemy.pool import StaticPool

    engine_type = _engine_type()

    class DuckDBDatasource(SQLDatasource):
        """SQLDatasource of type `duckdb`; defining it registers `data_sources.add_duckdb`."""

        type: Literal["duckdb"] = "duckdb"

        @property
        def execution_engine_type(self) -> Any:
            """The engine class that GX is to use."""
            return engine_type

        def get_execution_engine(self) -> Any:
            """One engine per datasource, so that what the caller creates on its connection is what GX sees."""
            if self._execution_engine is None:
                # No reset on return: it would roll back the one connection that everybody shares.
                engine = sqlalchemy.create_engine(
                    self.connection_string, poolclass=StaticPool, pool_reset_on_return=None
                )
                # No transactions: in one, the first SQL error would fail every expectation that comes after it.
                engine.dialect.do_begin = lambda _connection: None
                self._engine = engine
                self._cached_connection_string = self.connection_string
                self._execution_engine = engine_type(engine=engine, create_temp_table=False)
            return self._execution_engine

    return DuckDBDatasource


@dataclass(frozen=True)
class _Inspector:
    """The two questions that GX asks of an inspector."""

    connection: Any
    dialect: Any

    def get_columns(self, table_name: str, schema: str | None = None) -> list[dict[str, Any]]:
        from sqlalchemy.types import NullType

        rows = self.connection.execute(
            "SELECT column_name FROM duckdb_columns() "
            "WHERE database_name = current_database() AND table_name = ? ORDER BY column_index",
            [str(table_name)],
        ).fetchall()
        return [{"name": name, "type": NullType()} for (name,) in rows]

    def get_pk_constraint(self, table_name: str, schema: str | None = None) -> dict[str, Any]:
        return {"constrained_columns": []}
