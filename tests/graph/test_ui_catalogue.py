"""What ops read in the Dagster UI: every asset's page, every check, the runbooks, what starts runs and how they are tagged."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.catalogue import FIRST_STEP, RUNBOOKS, runbooks_of, symptom
from orchestration.errors import AllocatorError
from orchestration.export_assets import AFTER_A_RELEASE
from orchestration.partitions import BUSINESS_DATE_TAG

ROOT = Path(__file__).resolve().parents[2]
STAGES = {"ingest", "build", "decide", "measure", "publish", "report", "export"}


@pytest.fixture(scope="module")
def defs():
    from orchestration.definitions import build_defs

    return build_defs()


@pytest.fixture(scope="module")
def graph(defs):
    return defs.resolve_asset_graph()


def test_every_asset_says_what_it_is_whose_it_is_and_where_it_belongs(graph):
    bare = [
        node.key.to_user_string()
        for node in graph.asset_nodes
        if not (node.description and node.owners and node.group_name and node.kinds and node.tags.get("stage") in STAGES)
    ]
    assert bare == []


def test_every_asset_links_runbooks_that_exist_and_every_runbook_is_linked(graph):
    linked = {node.key.to_user_string(): node.metadata["runbooks"].split(", ") for node in graph.asset_nodes}
    missing = [
        (key, name) for key, names in linked.items() for name in names if not (ROOT / RUNBOOKS / f"{name}.md").exists()
    ]
    unsaid = [
        (node.key.to_user_string(), name)
        for node in graph.asset_nodes
        for name in linked[node.key.to_user_string()]
        if f"{symptom(name)}: `docs/runbooks/{name}.md`" not in node.description
    ]
    assert (missing, unsaid) == ([], [])
    files = {path.stem for path in (ROOT / RUNBOOKS).glob("*.md")}
    assert files == {name for names in linked.values() for name in names} == set(FIRST_STEP)


def test_runbooks_are_titled_by_what_somebody_sees():
    for name in FIRST_STEP:
        title = symptom(name)
        assert title != name and len(title.split()) >= 4, title


def test_a_group_without_runbooks_is_refused():
    with pytest.raises(AllocatorError, match="group 'new' has no runbooks"):
        runbooks_of(dg.AssetKey("x"), "new")


def test_every_check_says_what_it_asks(graph):
    bare = [key.to_user_string() for key in graph.asset_check_keys if len((graph.get(key).description or "").split()) < 4]
    assert bare == []


def test_published_datasets_count_as_stale_by_the_homes_hours(defs, tmp_path):
    from orchestration.definitions import build_defs

    (tmp_path / "operations.yaml").write_text("freshness: {warn_hours: 176, fail_hours: 200}\n")
    for found, warn, fail in ((defs, 26, 36), (build_defs(str(tmp_path)), 176, 200)):
        nodes = found.resolve_asset_graph().asset_nodes
        policies = {node.key.path[0]: node.freshness_policy for node in nodes if node.freshness_policy}
        assert set(policies) == {"published"}
        policy = policies["published"]
        assert (policy.warn_window.to_timedelta(), policy.fail_window.to_timedelta()) == (timedelta(hours=warn), timedelta(hours=fail))


def test_every_run_of_a_date_is_tagged_with_it_whoever_starts_it(defs):
    """The UI, a backfill and the schedules ask the job for the tags of a partition."""
    for name in ("daily_run", "ingest_only"):
        config = defs.resolve_job_def(name).partitioned_config
        assert config.get_tags_for_partition_key("2024-03-06", name)[BUSINESS_DATE_TAG] == "2024-03-06"


def test_of_queued_dates_the_oldest_runs_first(defs):
    """Dagster's queue takes the highest `dagster/priority` first; days are 1 apart, over the end of a month and year too."""
    config = defs.resolve_job_def("daily_run").partitioned_config
    days = ["2023-12-31", "2024-01-01", "2024-02-29", "2024-03-01"]
    priorities = [int(config.get_tags_for_partition_key(day, "daily_run")["dagster/priority"]) for day in days]
    assert [later - priorities[0] for later in priorities] == [0, -1, -60, -61]


def test_alerts_are_on_where_the_home_names_a_channel(tmp_path):
    from orchestration.definitions import build_defs

    (tmp_path / "operations.yaml").write_text("alerts: {command: [page-ops]}\n")
    running = {s.name for s in build_defs(str(tmp_path)).sensors if s.default_status is dg.DefaultSensorStatus.RUNNING}
    assert running == {"run_failure_alert", "failed_check_alert"}


def test_exports_are_asked_for_once_after_each_release_though_history_was_never_published():
    dates = dg.DynamicPartitionsDefinition(name="business_date")

    @dg.asset(partitions_def=dates)
    def kpi_daily():
        return None

    @dg.asset(deps=[kpi_daily], automation_condition=AFTER_A_RELEASE)
    def powerbi():
        return None

    asked = []
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("business_date", ["2024-03-04", "2024-03-05"])
        cursor = None
        for release in (None, "2024-03-05", None, "2024-03-05"):
            if release:
                dg.materialize([kpi_daily], instance=instance, partition_key=release)
            result = dg.evaluate_automation_conditions([kpi_daily, powerbi], instance=instance, cursor=cursor)
            cursor = result.cursor
            asked.append(result.total_requested)
    assert asked == [0, 1, 0, 1]
