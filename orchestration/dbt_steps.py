"""The two dbt steps of a run: `inventory` (staging to positions) and `marts` (measures and accounts).

The arguments are built by pure functions so that they can be read and tested without dbt.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import (
    DagsterDbtCliRuntimeError,
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    dbt_assets,
)
from packaging.version import Version

from orchestration.check_words import data_test_words, failed_check_metadata, failure, touched
from orchestration.dbt_parse import dbt_environment
from orchestration.ingest import LOAD_FILES, feed_key
from orchestration.partitions import business_dates
from orchestration.publishing.current import read_current
from orchestration.reach_back import oldest_approved
from orchestration.resources import HomeResource, RunSession
from orchestration.settings import Home

STEPS = ("inventory", "marts")


@dataclass(frozen=True)
class StateRange:
    """Business dates whose state a run rebuilds: oldest date touched by facts not yet published, to the newest built."""

    state_from: date
    state_to: date
    applied_load: int


def pending_range(home: Home, run_date: date) -> StateRange:
    """The range from what has been published and built (SPEC in docs/architecture.md, "A day costs a day").

    A load counts as applied when the warehouse holds it and a release was published with it: after a killed or refused
    run the range reaches back to the first load that readers have not seen, and the models are idempotent. It also
    reaches back to the counts that were approved in outcome files which readers have not seen.
    """
    current = read_current(home.published)
    built = _built(home)
    applied = min(built.through_load, current.through_load if current else -1)
    oldest = _oldest_date_after(home, applied, built.opened_on)
    published_to = date.fromisoformat(current.business_date) if current else run_date
    state_to = max(run_date, built.state_to or run_date, published_to)
    approved = oldest_approved(home, run_date, state_to, current)
    return StateRange(min(oldest or run_date, approved or run_date, run_date), state_to, applied)


def dbt_vars(home: Home, run_date: date, state: StateRange, policy: Mapping[str, Any]) -> dict[str, Any]:
    """Variables of a dbt step: the run's dates, the lake, and the deployment-wide policy values (dots as underscores)."""
    values = {name.replace(".", "_"): _plain(value) for name, value in policy.items()}
    return {
        **values,
        "run_date": str(run_date),
        "state_from": str(state.state_from),
        "state_to": str(state.state_to),
        "applied_load": state.applied_load,
        "lake": str(home.lake),
    }


def dbt_arguments(variables: Mapping[str, Any]) -> list[str]:
    """Command line of a step: models and data tests, no unit tests (those belong to `make test`); dagster-dbt selects.

    Nobody reads the manifest and the results as files, nor a log file of what Dagster logs too: they would cost seconds.
    """
    silence = ["--no-write-json", "--log-level-file", "warn"]
    return ["build", *silence, "--exclude-resource-type", "unit_test", "--vars", json.dumps(variables, sort_keys=True)]


class DbtCommand(DbtCliResource):
    """dbt's command line without what dagster-dbt does on the side of every run: it asks `dbt --version`, which looks on the
    internet for a newer release, and opens dbt's adapter in this process for metadata that we do not fetch."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:
        return None


class Translator(DagsterDbtTranslator):
    """Keys, groups and owners of dbt nodes in the lineage: lake sources are the feed and decision assets."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Sources named after feeds or decisions are those assets; models keep their name under `dbt`."""
        if dbt_resource_props["resource_type"] == "source":
            return source_key(dbt_resource_props["source_name"], dbt_resource_props["name"])
        return dg.AssetKey(["dbt", dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The folder under models/ (staging, intermediate) or the mart's own folder."""
        path = dbt_resource_props["fqn"][1:-1]
        return path[1] if path[0] == "marts" and len(path) > 1 else path[0]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Marts belong to analytics, what stands before them to data engineering."""
        return ["team:analytics"] if "marts" in dbt_resource_props["fqn"] else ["team:data-engineering"]

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """A data test as a check that says what it asks."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=data_test_words(manifest["nodes"][unique_id]))


#: Lake files that dbt reads of earlier dates only (semantics 6): not the assets of this run, or the graph were a circle.
OF_EARLIER_DATES = {
    "allocations": "Lines that earlier dates decided, so that what is on its way is known before it is shipped.",
    "carry": "Firm lines of earlier dates that are still open.",
    "demand_forecasts": "Forecasts of earlier dates, against which sales are measured.",
    "sku_segments": "Classes that earlier dates gave to the SKUs.",
}


def handed_over_specs() -> list[dg.AssetSpec]:
    """What earlier dates hand to a run, as the sources that they are in its graph."""
    return [
        dg.AssetSpec(
            ["handed_over", name],
            description=f"{text} Written by `decisions/{name}` of those dates (semantics 6).",
            group_name="decisions",
            owners=["team:planning"],
            kinds={"parquet"},
        )
        for name, text in OF_EARLIER_DATES.items()
    ]


def source_key(source: str, table: str) -> dg.AssetKey:
    """Asset that writes the lake files of a dbt source."""
    if source == "landing":
        return feed_key(table)
    if table in OF_EARLIER_DATES:
        return dg.AssetKey(["handed_over", table])
    if table in LOAD_FILES:
        return dg.AssetKey(["loads", table])
    return dg.AssetKey(["decisions", "run_facts" if table == "runs" else table])


def run_step(context: dg.AssetExecutionContext, dbt: DbtCliResource, session: RunSession, step: str) -> Iterator[Any]:
    """Run one dbt step for the partition's date and add row counts, read once after dbt has let the file go."""
    session.stop_if_refused()
    run_date = date.fromisoformat(context.partition_key)
    os.environ.update(dbt_environment(session.home))
    state = pending_range(session.home, run_date)
    variables = dbt_vars(session.home, run_date, state, session.policy.deployment(run_date))
    with session.stage(f"dbt_{step}"):
        invocation = dbt.cli(
            dbt_arguments(variables),
            context=context,
            target_path=session.home.private / "dbt_target",
        )
        events, broken = events_of(invocation.stream())
    counts = _row_counts(session)
    graph = context.job_def.asset_layer.asset_graph
    asked = {(spec.asset_key, spec.name): spec.description or "" for spec in context.assets_def.check_specs}
    for event in events:
        if isinstance(event, dg.Output) and event.output_name in counts:
            event = event.with_metadata({**event.metadata, "dagster/row_count": counts[event.output_name]})
        if isinstance(event, dg.AssetCheckResult) and not event.passed:
            event = check_in_words(session.home, event, asked.get((event.asset_key, event.check_name), ""), touched(graph, event.asset_key))
        yield event
    if broken:
        raise broken


def events_of(stream: Iterator[Any]) -> tuple[list[Any], Exception | None]:
    """Everything that dbt said, also where it ends in an error: the test that failed is among it."""
    events: list[Any] = []
    try:
        events.extend(stream)
    except DagsterDbtCliRuntimeError as error:
        return events, error
    return events, None


def check_in_words(home: Home, result: dg.AssetCheckResult, asked: str, datasets: list[str]) -> dg.AssetCheckResult:
    """A failed data test with its sentence: what should hold, on how many rows it does not, what it touches."""
    rows = result.metadata.get("dagster_dbt/failed_row_count")
    model = result.asset_key.path[-1]
    is_error = result.severity == dg.AssetCheckSeverity.ERROR
    what = f"{model}: {rows.value if rows else 'some'} rows break the rule: {asked.rstrip('.')}"
    return result._replace(
        description=failure(what, datasets, is_blocking=is_error),
        metadata={**result.metadata, **_normalized(failed_check_metadata(home, result.check_name or "", datasets))},
    )


def _normalized(metadata: Mapping[str, Any]) -> dict[str, dg.MetadataValue]:
    return {name: dg.MetadataValue.text(value) if isinstance(value, str) else value for name, value in metadata.items()}


def build_dbt_assets(manifest: Path) -> list[dg.AssetsDefinition]:
    """One multi-asset per step, partitioned by business date."""

    def step_assets(step: str) -> dg.AssetsDefinition:
        @dbt_assets(
            manifest=manifest,
            select=f"tag:{step}",
            name=f"dbt_{step}",
            partitions_def=business_dates,
            dagster_dbt_translator=Translator(),
        )
        def models(context: dg.AssetExecutionContext, dbt: DbtCliResource, home: HomeResource) -> Iterator[Any]:
            yield from run_step(context, dbt, home.session, step)

        return models

    return [step_assets(step) for step in STEPS]


@dataclass(frozen=True)
class _Built:
    """What the warehouse holds: its newest load, its newest date, and the date whose snapshot opened the books."""

    through_load: int = -1
    state_to: date | None = None
    opened_on: date | None = None


def _built(home: Home) -> _Built:
    if not home.database.exists():
        return _Built()
    with duckdb.connect(str(home.database), read_only=True) as connection:
        known = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'applied_loads'").fetchone()
        if not known[0]:
            return _Built()
        row = connection.execute(
            "SELECT max(through_load), max(state_to), max(opened_on) FROM applied_loads"
        ).fetchone()
    return _Built(int(row[0]), row[1], row[2]) if row[0] is not None else _Built()


def _oldest_date_after(home: Home, load: int, opened_on: date | None) -> date | None:
    """Oldest date that loads after `load` touch; the first landed one where a snapshot moves the opening of the books.

    An opening replaces all that earlier dates derived from movements (semantics 13), so these are built again.
    """
    loads = sorted((home.lake / "loads").glob("*/posted_on=*/load=*"))
    new = [folder for folder in loads if int(folder.name.split("=")[1]) > max(load, 0)]
    if not new:
        return None
    opening = _oldest_date([folder for folder in new if folder.parent.parent.name == "inventory_snapshot"])
    moves_opening = opening is not None and (opened_on is None or opening < opened_on)
    return _oldest_date([folder for folder in loads if folder.name != "load=000000"] if moves_opening else new)


def _oldest_date(loads: list[Path]) -> date | None:
    if not loads:
        return None
    files = [str(folder / "accounting.parquet") for folder in loads]
    with duckdb.connect() as connection:
        return connection.execute(
            "SELECT min(business_date) FROM read_parquet($files, hive_partitioning = false)", {"files": files}
        ).fetchone()[0]


def newest_load(home: Home) -> int:
    """Number of the newest take-in in the lake, 0 when there is none."""
    return max((int(f.name.split("=")[1]) for f in (home.lake / "loads").glob("*/posted_on=*/load=*")), default=0)


def _row_counts(session: RunSession) -> dict[str, int]:
    """Estimated rows per model, from DuckDB's own catalogue: no scan."""
    if not session.home.database.exists():
        return {}
    with session.warehouse() as connection:
        rows = connection.execute("SELECT table_name, estimated_size FROM duckdb_tables()").fetchall()
    return {f"dbt__{name}": int(count) for name, count in rows}


def _plain(value: Any) -> Any:
    """A policy value as JSON carries it to dbt."""
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return value if value is None or isinstance(value, (int, float, bool)) else str(value)
