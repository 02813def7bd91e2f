"""Events of the calendar: texts, dates, and what a policy file may say."""

import numpy as np
import pytest

from allocation_assets.policy.events import event_codes, parse_event


def test_dates_of_one_name_share_a_code():
    dates = np.arange("2026-04-01", "2026-04-09", dtype="datetime64[D]")
    codes, names = event_codes(dates, ["sale=2026-04-07", "easter=2026-04-03..2026-04-06", "sale=2026-04-02..2026-04-03"])
    assert names == ["easter", "sale"]
    # On the 3rd both meet: the first in order of names stands.
    assert codes.tolist() == [0, 2, 1, 1, 1, 1, 2, 0]
    assert event_codes(dates, [])[1] == []


@pytest.mark.parametrize("text", ["", "easter", "=2026-04-03", "easter=03.04.2026", "easter=2026-13-03", "easter=2026-04-06..2026-04-03"])
def test_a_text_that_is_no_dated_event_is_refused(text):
    with pytest.raises(ValueError):
        parse_event(text)
