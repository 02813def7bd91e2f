"""The exports as assets behind what is published: a job of their own, so that the daily job does not wait for them."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg

from orchestration.export import export
from orchestration.publish import published_key
from orchestration.settings import Home

GROUP = "consumers"
_OPENED_WITH = {
    "powerbi": ("Power BI project (.pbip) over the published Parquet", "powerbi"),
    "tableau": ("Tableau extract (.hyper) and data sources (.tds)", "tableau"),
    "looker": ("LookML over the published tables", "looker"),
}

#: Anew once a release is out: every release writes all that is published, in one run. Dates that landed as history were never
#: published and never will be, so a missing partition of a dataset must not hold the files back.
AFTER_A_RELEASE = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("after_a_release")

exports_sensor = dg.AutomationConditionSensorDefinition(
    "exports_sensor",
    target=dg.AssetSelection.groups(GROUP),
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Writes the BI files anew after each release. Off until switched on.",
)

exports_job = dg.define_asset_job(
    "exports",
    selection=dg.AssetSelection.groups(GROUP),
    executor_def=dg.in_process_executor,
    description="Write what Power BI, Tableau and Looker open, from what is published.",
)


def build_export_assets(manifest: Path, home_path: str | None) -> list[dg.AssetsDefinition]:
    """One asset for each tool; upstream are the datasets that the semantic layer reads."""
    parsed = json.loads(manifest.read_text())
    nodes = [parsed["nodes"][model["depends_on"]["nodes"][0]] for model in parsed["semantic_models"].values()]
    upstream = [published_key(dataset) for dataset in sorted({node["config"]["meta"]["dataset"] for node in nodes})]

    def build(target: str, text: str, kind: str) -> dg.AssetsDefinition:
        @dg.asset(
            key=["exports", target],
            deps=upstream,
            group_name=GROUP,
            owners=["team:analytics"],
            kinds={kind},
            automation_condition=AFTER_A_RELEASE,
            description=f"{text}: `exports/{target}` of the home, measures from the dbt semantic layer. See docs/bi.md.",
        )
        def write() -> dg.MaterializeResult:
            home = Home.at(home_path)
            line = export(home, target)
            files = [path for path in (home.root / "exports" / target).rglob("*") if path.is_file()]
            facts = {"files": len(files), "dagster/size_bytes": sum(path.stat().st_size for path in files)}
            return dg.MaterializeResult(metadata={"written": line, **facts})

        return write

    return [build(target, *said) for target, said in _OPENED_WITH.items()]
