"""Demand as an asset: window aggregates in, a predictive distribution per SKU x location out."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa

from allocation_assets.demand.distribution import LEVELS, demand_quantiles
from allocation_assets.demand.estimate import DemandEstimate, DemandHistory, DemandSettings, estimate_demand
from allocation_assets.schedule import ScheduledPairs, scheduled_pairs
from allocation_assets.tables import codes, floats, integers, write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource

_QUERY = """
SELECT $day::DATE AS business_date, to_location_id AS location_id, sku_id, daily_mean, dispersion,
       p50, p90, p95, p99, horizon_days::INTEGER AS horizon_days, method, observed_days,
       censored_days::INTEGER AS censored_days
FROM forecasts ORDER BY location_id, sku_id
"""


def history_of(pairs: pa.Table, censored: pa.Table) -> DemandHistory:
    """The kernel's history from `int_allocation_pairs` and `int_censored_days` (`pair` = row number of the pair).

    The warehouse sums over all days of the window; the kernel wants the sums of uncensored days.
    """
    pair, units = integers(censored, "pair"), floats(censored, "sales_units")
    censored_sum = np.bincount(pair, units, pairs.num_rows)
    censored_sum_sq = np.bincount(pair, units**2, pairs.num_rows)
    return DemandHistory(
        sku=codes(pairs["sku_id"]),
        location=codes(pairs["to_location_id"]),
        days_observed=floats(pairs, "days_observed"),
        sum_units=np.maximum(floats(pairs, "sum_units") - censored_sum, 0.0),
        sum_units_sq=np.maximum(floats(pairs, "sum_units_sq") - censored_sum_sq, 0.0),
        censored_pair=pair,
        censored_units=units,
        censored_exposure=floats(censored, "exposure"),
        censored_exposure_known=integers(censored, "is_exposure_known").astype(bool),
    )


def settings_of(policy: Mapping[str, Any]) -> DemandSettings:
    """The estimate's constants from the deployment's policy."""
    return DemandSettings(
        dispersion_weight=policy["demand.dispersion_weight"],
        max_dispersion=policy["demand.max_dispersion"],
        default_dispersion=policy["demand.default_dispersion"],
        factor_limit=policy["demand.factor_limit"],
        alpha_limits=(policy["demand.alpha_min"], policy["demand.alpha_max"]),
        uplift_limit=policy["demand.uplift_limit"],
    )


def forecast_table(pairs: ScheduledPairs, estimate: DemandEstimate) -> pa.Table:
    """Forecast columns per pair; the horizon is the pair's own coverage (one day where nothing can arrive)."""
    horizon = np.maximum(pairs.schedule.horizon_days, 1)
    quantiles = demand_quantiles(estimate.daily_mean, estimate.dispersion, horizon, LEVELS)
    return pa.table(
        {
            "to_location_id": pairs.table["to_location_id"],
            "sku_id": pairs.table["sku_id"],
            "daily_mean": estimate.daily_mean,
            "dispersion": estimate.dispersion,
            **{f"p{round(level * 100)}": quantiles[:, k] for k, level in enumerate(LEVELS)},
            "horizon_days": horizon,
            "method": pa.array(estimate.method_names()),
            "observed_days": estimate.observed_days,
            "censored_days": estimate.censored_days,
        }
    )


@dg.asset(
    key=decision_key("demand_forecasts"),
    deps=[
        decision_key("sku_segments"),
        mart_key("int_allocation_pairs"),
        mart_key("int_censored_days"),
        mart_key("applied_loads"),
    ],
    partitions_def=business_dates,
    group_name="decisions",
    owners=["team:planning"],
    kinds={"python", "parquet"},
    description="Daily mean, dispersion and quantiles over the coverage horizon per SKU x location; days out of stock are "
    "censored, not zero. Method: allocation_assets/demand/estimate.py.",
)
def demand_forecasts(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Estimate demand at the close of the run's date."""
    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    with session.stage("decide"), session.warehouse() as connection:
        pairs = scheduled_pairs(connection, session.decision_file("sku_segments", run_date), session.policy, run_date)
        censored = connection.execute(
            """SELECT p.pair, c.sales_units, c.exposure, c.is_exposure_known FROM int_censored_days AS c
               JOIN (SELECT sku_id, to_location_id, row_number() OVER (ORDER BY sku_id, to_location_id) - 1 AS pair
                     FROM int_allocation_pairs) AS p ON p.sku_id = c.sku_id AND p.to_location_id = c.location_id
               ORDER BY p.pair, c.business_date"""
        ).to_arrow_table()
        estimate = estimate_demand(history_of(pairs.table, censored), settings_of(session.policy.deployment(run_date)))
        table = forecast_table(pairs, estimate)
        rows = write_lake(
            session.decision_file("demand_forecasts", run_date), _QUERY, {"forecasts": table}, {"day": run_date}
        )
    methods, counts = np.unique(estimate.method_names().astype(str), return_counts=True)
    shares = "\n".join(f"| {method} | {count} |" for method, count in zip(methods, counts, strict=True))
    return dg.MaterializeResult(
        metadata={"dagster/row_count": rows, "methods": dg.MetadataValue.md("| method | pairs |\n|---|---|\n" + shares)}
    )
