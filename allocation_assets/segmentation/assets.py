"""Segments as an asset: one row per SKU with its classes and service target."""

from datetime import date

import dagster as dg
import pyarrow as pa

from allocation_assets.segmentation.classify import SegmentInput, SegmentPolicy, segment_skus
from allocation_assets.tables import floats, write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource

#: SKU totals and weekly moments over the demand window: a group-by over a bounded number of days.
_WINDOW = """
WITH sold AS (
    SELECT sku_id, (datediff('day', business_date, $day) // 7)::INTEGER AS week,
           sum(sales_units) AS units, sum(net_sales) AS net_sales
    FROM int_demand_daily
    WHERE business_date > $day - to_days($window) AND business_date <= $day
    GROUP BY ALL
), weeks AS (
    SELECT least($window // 7, 1 + datediff('day', min(business_date), $day) // 7) AS weeks FROM int_demand_daily
    WHERE business_date > $day - to_days($window) AND business_date <= $day
)
SELECT i.sku_id, any_value(i.lifecycle) AS lifecycle, coalesce(any_value(w.weeks), 0) AS weeks,
       coalesce(sum(s.net_sales), 0) AS net_sales,
       coalesce(sum(s.net_sales), 0) - coalesce(sum(s.units), 0) * any_value(i.unit_cost) AS gross_margin,
       coalesce(sum(s.units) FILTER (s.week < w.weeks), 0) AS weekly_sum,
       coalesce(sum(s.units * s.units) FILTER (s.week < w.weeks), 0) AS weekly_sum_sq
FROM int_items AS i CROSS JOIN weeks AS w LEFT JOIN sold AS s ON s.sku_id = i.sku_id
GROUP BY i.sku_id ORDER BY i.sku_id
"""
_QUERY = """
SELECT $day::DATE AS business_date, sku_id, abc, xyz, velocity,
       CASE WHEN NOT isnan(margin_rate) THEN margin_rate END AS margin_rate, coalesce(lifecycle, 'core') AS lifecycle, service_target
FROM segments ORDER BY sku_id
"""


@dg.asset(
    key=decision_key("sku_segments"),
    deps=[mart_key("int_demand_daily"), mart_key("int_items"), mart_key("applied_loads")],
    partitions_def=business_dates,
    group_name="decisions",
    owners=["team:planning"],
    kinds={"python", "parquet"},
    description="ABC by gross margin, XYZ by variability of weekly demand, velocity and service target per SKU.",
)
def sku_segments(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Classify every SKU of the items master over the demand window."""
    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    policy = session.policy.deployment(run_date)
    with session.stage("decide"), session.warehouse() as connection:
        table = connection.execute(_WINDOW, {"day": run_date, "window": policy["demand.window_days"]}).to_arrow_table()
        columns = {
            name: floats(table, name) for name in ("gross_margin", "net_sales", "weeks", "weekly_sum", "weekly_sum_sq")
        }
        segments = segment_skus(
            SegmentInput(key=table["sku_id"].to_numpy(zero_copy_only=False).astype(str), **columns),
            SegmentPolicy(
                abc_a=policy["segmentation.abc_a_share"],
                abc_b=policy["segmentation.abc_b_share"],
                xyz_x=policy["segmentation.xyz_x_cv"],
                xyz_y=policy["segmentation.xyz_y_cv"],
                fast_units_per_week=policy["segmentation.fast_units_per_week"],
                medium_units_per_week=policy["segmentation.medium_units_per_week"],
                service_target_a=policy["service.target_a"],
                service_target_b=policy["service.target_b"],
                service_target_c=policy["service.target_c"],
            ),
        )
        result = pa.table({"sku_id": table["sku_id"], "lifecycle": table["lifecycle"], **vars(segments)})
        rows = write_lake(
            session.decision_file("sku_segments", run_date), _QUERY, {"segments": result}, {"day": run_date}
        )
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})
