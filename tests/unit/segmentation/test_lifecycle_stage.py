"""Stage of life by hand, on 2026-03-31 with 56 days of being new and 90 days without a sale to exit."""

from __future__ import annotations

import numpy as np
import pytest

from allocation_assets.segmentation.lifecycle import LifecycleInput, lifecycle_of

DAY = np.datetime64("2026-03-31")


def stage(**changes) -> tuple[str, str]:
    known = {"given": None, "launched": "NaT", "first_seen": "2025-01-01", "is_taken_over": False, "last_sold": "2026-03-30",
             "is_past_exit": False} | changes  # fmt: skip
    for name in ("launched", "first_seen", "last_sold"):
        known[name] = np.array([known[name]], "datetime64[D]")
    known["given"] = np.array([known["given"]], object)
    for name in ("is_taken_over", "is_past_exit"):
        known[name] = np.array([known[name]])
    names, basis = lifecycle_of(LifecycleInput(**known), DAY, 56, 90)
    return names[0], basis[0]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ("core", "sells")),
        ({"given": "exit"}, ("exit", "given")),
        ({"given": "core", "first_seen": "2026-03-30"}, ("core", "given")),
        ({"first_seen": "2026-02-04"}, ("new", "launched")),
        ({"first_seen": "2026-02-03"}, ("core", "sells")),
        ({"first_seen": "2026-03-30", "is_taken_over": True}, ("core", "sells")),
        ({"first_seen": "2026-03-30", "launched": "2025-06-01"}, ("core", "sells")),
        ({"launched": "2026-04-15", "first_seen": "NaT", "last_sold": "NaT"}, ("new", "launched")),
        ({"is_past_exit": True}, ("exit", "past_exit")),
        ({"last_sold": "2025-12-31"}, ("exit", "no_sale")),
        ({"last_sold": "2026-01-01"}, ("core", "sells")),
        ({"last_sold": "NaT"}, ("exit", "no_sale")),
        ({"last_sold": "NaT", "first_seen": "NaT"}, ("core", "sells")),
    ],
)
def test_stage(facts, expected):
    assert stage(**facts) == expected
