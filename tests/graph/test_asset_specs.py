"""A snapshot of the graph, so that a change of the lineage shows in review.

After a wanted change: `python -m tests.graph.test_asset_specs` writes the snapshot anew.
"""

import json
from pathlib import Path

import dagster as dg

SNAPSHOT = Path(__file__).with_name("asset_specs.json")
STAGES = ("feeds", "staging", "intermediate", "inventory", "decisions", "kpi", "ops", "published")


def current_specs():
    from orchestration.definitions import build_defs

    graph = build_defs().resolve_asset_graph()
    return {
        node.key.to_user_string(): {
            "group": node.group_name,
            "deps": sorted(key.to_user_string() for key in node.parent_keys),
            "checks": sorted(check.name for check in graph.asset_check_keys if check.asset_key == node.key),
        }
        for node in sorted(graph.asset_nodes, key=lambda node: node.key)
    }


def test_the_graph_is_the_reviewed_one():
    assert current_specs() == json.loads(SNAPSHOT.read_text())


def test_one_lineage_from_feed_to_published_dataset():
    from orchestration.definitions import build_defs

    graph = build_defs().resolve_asset_graph()
    upstream = graph.get_ancestor_asset_keys(dg.AssetKey(["published", "kpi_daily"]))
    names = {key.to_user_string() for key in upstream}
    assert {"landing/pos", "dbt/stg_pos", "dbt/stock_ledger", "decisions/allocations", "dbt/kpi_daily"} <= names


def test_schedules_and_sensors_are_off_until_switched_on():
    from orchestration.definitions import build_defs

    defs = build_defs()
    assert all(s.default_status is dg.DefaultScheduleStatus.STOPPED for s in defs.schedules)
    assert all(s.default_status is dg.DefaultSensorStatus.STOPPED for s in defs.sensors)


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(current_specs(), indent=1, sort_keys=True) + "\n")
