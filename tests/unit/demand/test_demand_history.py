"""The warehouse's window sums as the kernel's history: sums of uncensored days only."""

import pyarrow as pa
import pytest

from allocation_assets.demand.assets import history_of
from allocation_assets.demand.estimate import estimate_demand


def test_censored_days_are_taken_out_of_the_sums():
    """Ten days: eight full ones of 10 units, one half day of 5, one empty day: 10 a day, not 85 / 8."""
    pairs = pa.table(
        {
            "sku_id": ["A"],
            "to_location_id": ["S1"],
            "days_observed": [10],
            "sum_units": [85],
            "sum_units_sq": [8 * 100 + 25],
        }
    )
    censored = pa.table(
        {"pair": [0, 0], "sales_units": [5, 0], "exposure": [0.5, 0.0], "is_exposure_known": [True, True]}
    )
    history = history_of(pairs, censored)
    assert (history.sum_units.tolist(), history.sum_units_sq.tolist()) == ([80.0], [800.0])
    assert estimate_demand(history).daily_mean[0] == pytest.approx(10.0)
