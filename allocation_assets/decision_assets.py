"""The deciding assets of all domains, for the definitions."""

from allocation_assets.accuracy.assets import forecast_accuracy
from allocation_assets.allocation.assets import allocate
from allocation_assets.demand.assets import demand_forecasts
from allocation_assets.exceptions.assets import exceptions
from allocation_assets.lead_times.assets import lead_times
from allocation_assets.reconciliation.assets import approval_outcomes, propose_adjustments, variance_causes
from allocation_assets.records.assets import believe_records, reliability
from allocation_assets.replenishment.assets import replenish
from allocation_assets.root_causes.assets import stock_out_causes
from allocation_assets.segmentation.assets import sku_segments
from allocation_assets.signals.assets import demand_signals

decision_assets = [
    approval_outcomes,
    demand_forecasts,
    sku_segments,
    demand_signals,
    forecast_accuracy,
    reliability,
    believe_records,
    lead_times,
    allocate,
    replenish,
    variance_causes,
    propose_adjustments,
    stock_out_causes,
    exceptions,
]
