"""What a run leaves in the Dagster UI: rows or bytes of every asset, pictures, tags; of a refused one the check's sentence."""

import shutil

import dagster as dg
import pytest
from dagster import DagsterEventType

from orchestration.partitions import BUSINESS_DATE_TAG
from orchestration.publishing.datasets import DATASETS
from orchestration.settings import Home
from tests.support import tiny_world as world
from tests.support.home import allocator, published

D8, D9 = world.DATES[7:9]


def run_of(home, day):
    """The newest run of a date and its events of one kind, as the UI reads them."""
    with dg.DagsterInstance.from_config(str(Home(home).dagster)) as instance:
        run = instance.get_runs(dg.RunsFilter(tags={BUSINESS_DATE_TAG: str(day)}), limit=1)[0]
        return {
            kind: [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=kind)]
            for kind in (DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION)
        }


@pytest.fixture(scope="module")
def shown(tiny_home):
    """Asset to the metadata of its materialization by the run of D8."""
    events = run_of(tiny_home, D8)[DagsterEventType.ASSET_MATERIALIZATION]
    return {event.asset_key.to_user_string(): event.materialization.metadata for event in events if event.partition == str(D8)}


def test_every_asset_of_a_run_says_how_many_rows_or_bytes_it_wrote(shown):
    from orchestration.definitions import build_defs

    graph = build_defs().resolve_asset_graph()
    views = {node.key.to_user_string() for node in graph.asset_nodes if "view" in str(node.metadata.get("dagster-dbt/materialization_type"))}
    written = {node.key.to_user_string() for node in graph.asset_nodes if node.is_materializable and node.group_name != "consumers"}
    assert set(shown) == written
    assert [key for key in sorted(written - views) if not {"dagster/row_count", "dagster/size_bytes"} & shown[key].keys()] == []


def test_published_rows_are_those_of_the_date(tiny_home, shown):
    for dataset in DATASETS:
        [(rows,)] = published(tiny_home, f"SELECT count(*) FROM {dataset.name} WHERE business_date = $day", day=D8)
        said = shown[f"published/{dataset.name}"]
        assert (said["dagster/row_count"].value, said["business_date"].value, said["newer_landed_dates"].value) == (rows, str(D8), 0)


def test_published_datasets_show_pictures_and_tables(shown):
    assert "data:image/svg+xml;base64," in shown["published/kpi_daily"]["service"].value
    for dataset, name in (("exceptions", "top_exceptions"), ("allocation_needs", "shortages"), ("quarantine", "quarantined_now")):
        assert shown[f"published/{dataset}"][name].value


def test_a_check_that_refused_says_what_failed_what_it_touches_and_what_to_do(home):
    world.write_day(home / "landing", D9)
    shutil.rmtree(home / "landing" / "pos" / f"business_date={D9}")
    assert allocator(home, "run", "--date", str(D9), check=False).returncode == 3
    checks = [event.asset_check_evaluation_data for event in run_of(home, D9)[DagsterEventType.ASSET_CHECK_EVALUATION]]
    [failed] = [check for check in checks if not check.passed]
    assert (failed.asset_key.to_user_string(), failed.check_name) == ("landing/pos", "arrival")
    assert failed.description.startswith(f"pos on {D9}: no file landed; deliver the feed")
    assert failed.description.endswith("more: none of them is published, published/ stays as it was.")
    said = {name: value.value for name, value in failed.metadata.items()}
    assert said["runbook"] == "docs/runbooks/feed-missing-or-refused.md"
    assert said["what to do first"] == "have the feed delivered, then run the date again"
    assert {"allocations", "kpi_daily", "stock_ledger"} <= set(said["touches"].split(", "))
