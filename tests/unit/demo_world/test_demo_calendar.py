"""The demo's policy file against the flags of the data."""

import numpy as np
import yaml

from allocation_assets.demo_world.source import load_source, policy_text
from allocation_assets.policy.events import event_codes


def test_the_events_are_those_that_the_data_flags():
    source = load_source()
    (rule,) = yaml.safe_load(policy_text())["rules"]
    dates = source.dates.astype("datetime64[D]")
    codes, names = event_codes(dates, rule["set"]["calendar.events"])
    weekend = (dates.astype(np.int64) + 3) % 7 >= 5
    assert names == ["holiday", "working-weekend"]
    np.testing.assert_array_equal(codes == 1, source.is_weekend_or_holiday & ~weekend)
    np.testing.assert_array_equal(codes == 2, ~source.is_weekend_or_holiday & weekend)
