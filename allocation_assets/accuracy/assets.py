"""How good the forecasts have been, as an asset: a backtest on the days that policy names, handed on between them."""

from datetime import date

import dagster as dg
import pyarrow as pa

from allocation_assets.accuracy.evaluate import contest, evaluate
from allocation_assets.accuracy.sample import read_sample
from allocation_assets.accuracy.table import COPY, WRITE, row_table
from allocation_assets.demand.daily import calendar_of
from allocation_assets.policy import WEEKDAYS
from allocation_assets.tables import write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import predecessor

DATASET = "forecast_accuracy"
_READ = (
    "int_demand_daily", "int_demand_rates", "int_promotions_in_force", "int_active_pairs", "int_items", "applied_loads",
)  # fmt: skip


def measured(session: RunSession, run_date: date) -> pa.Table:
    """The backtest's rows on the history up to the run's date."""
    policy = session.policy.deployment(run_date)
    calendar = calendar_of(policy)
    segments = session.decision_file("sku_segments", run_date)
    with session.warehouse() as connection:
        sample = read_sample(connection, run_date, calendar, policy["demand.backtest_series"], segments)
    if sample is None:
        return row_table([])
    rows = evaluate(
        sample.panel, sample.draw, sample.segments, contest(is_weekly=calendar.is_weekly),
        windows=policy["demand.backtest_origins"], horizon=7 // calendar.period_days,
        slow_series=policy["demand.backtest_ets_series"],
    )  # fmt: skip
    return row_table(rows)


def write_accuracy(session: RunSession, run_date: date) -> tuple[int, bool]:
    """Write the date's rows: measured on a day of the backtest, else those of the date before; (rows, measured or not)."""
    target = session.decision_file(DATASET, run_date)
    policy = session.policy.deployment(run_date)
    days = policy["demand.backtest_days"]
    # By the week every date is the one of its week, whatever weekday weeks end on.
    if days and (policy["calendar.period"] == "week" or WEEKDAYS[run_date.weekday()] in days):
        return write_lake(target, WRITE, {"rows": measured(session, run_date)}, {"day": run_date}), True
    before = predecessor(session, run_date)
    file = session.decision_file(DATASET, before) if before else None
    if file is None or not file.exists():
        return write_lake(target, WRITE, {"rows": row_table([])}, {"day": run_date}), False
    return write_lake(target, COPY, {}, {"day": run_date, "file": str(file)}), False


@dg.asset(
    key=decision_key(DATASET),
    deps=[decision_key("sku_segments"), *(mart_key(model) for model in _READ)],
    partitions_def=business_dates,
    group_name="decisions",
    owners=["team:planning"],
    kinds={"python", "numba", "parquet"},
    description="Rolling-origin backtest of the forecasting method against baselines from libraries, on a sample of the "
    "deployment's own history; measured on the weekdays of policy, handed on in between.",
)
def forecast_accuracy(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Measure the forecasts of the last weeks, or hand on the last measurement."""
    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    with session.stage("decide"):
        rows, is_measured = write_accuracy(session, run_date)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows, "is_measured": is_measured})
