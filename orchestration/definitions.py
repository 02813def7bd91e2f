"""The code location: everything Dagster loads, assembled from its parts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from allocation_assets.decision_assets import decision_assets
from orchestration.alert_sensors import build_alert_sensors
from orchestration.catalogue import catalogued
from orchestration.dbt_parse import dbt_executable, ensure_manifest
from orchestration.dbt_steps import DbtCommand, build_dbt_assets, handed_over_specs
from orchestration.export_assets import build_export_assets, exports_job, exports_sensor
from orchestration.freshness import fresh, freshness_check, freshness_schedule
from orchestration.gates import build_gates
from orchestration.ingest import build_feed_assets, load_file_specs
from orchestration.jobs import build_schedule, build_sensor, daily_run, ingest_only
from orchestration.operations import read_operations
from orchestration.publish import build_publish_asset
from orchestration.report_assets import review
from orchestration.resources import HomeResource
from orchestration.run_facts import run_facts
from orchestration.settings import DBT_PROJECT, HOME_ENV, Home


def build_defs(home_path: str | None = None, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All definitions for one home (`$ALLOCATOR_HOME`, then `./home`, when none is given); tests override resources."""
    home = Home.at(home_path)
    os.environ.setdefault(HOME_ENV, str(home.root))
    manifest = ensure_manifest()
    operations = read_operations(home)
    assets = [
        *build_feed_assets(),
        *load_file_specs(),
        *handed_over_specs(),
        *build_dbt_assets(manifest),
        *decision_assets,
        run_facts,
        build_publish_asset(),
        *build_export_assets(manifest, home_path),
        review,
    ]
    return dg.Definitions(
        assets=dg.map_asset_specs(catalogued(operations), assets),
        asset_checks=[*build_gates(), fresh],
        jobs=[daily_run, ingest_only, freshness_check, exports_job],
        schedules=[build_schedule(home_path), freshness_schedule],
        sensors=[build_sensor(home_path), exports_sensor, *build_alert_sensors(home_path, operations)],
        executor=dg.in_process_executor,
        resources={
            "home": HomeResource(root=str(home.root)),
            "dbt": DbtCommand(
                project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=dbt_executable()
            ),
            **(resource_overrides or {}),
        },
    )


defs = build_defs()
