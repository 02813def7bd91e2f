"""Limits of a run's pairs, each by hand: multiples, rests, quotas, protected units, capacities net of what is booked."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from allocation_assets.allocation import limits
from allocation_assets.allocation.problem import BLOCKED, OPEN, RECENTLY_MOVED
from tests.unit.allocation.pairs_of_a_run import booked_of, pairs_of, policy_of_rules, trust_in_books

DAY = date(2026, 11, 23)


def test_lines_are_whole_layers_and_pallets_where_the_lane_says_so(tmp_path):
    policy = policy_of_rules(
        tmp_path, "{id: packs, match: {sku: A}, set: {allocation.cases_per_layer: 6, allocation.cases_per_pallet: 24}}"
    )
    rows = [{"order_multiple": multiple} for multiple in ("layer", "pallet", "case", None)]
    rows += [{"order_multiple": "pallet", "sku_id": "B"}]
    assert limits.multiple_cases(pairs_of(rows, policy).table, pairs_of(rows, policy).policy).tolist() == [6, 24, 1, 1, 1]


def test_the_larger_of_policy_and_lane_or_override_rules(tmp_path):
    policy = policy_of_rules(tmp_path, "{id: least, set: {allocation.min_ship_units: 5, allocation.min_units: 3, allocation.max_units: 9}}")
    pairs = pairs_of([{}, {"min_order_units": 8, "min_units": 7, "max_units": 12}, {"min_units": 1}], policy)
    assert limits.least_shipment(pairs).tolist() == [5, 8, 5]
    assert limits.minimum(pairs).tolist() == [3, 7, 3]
    assert limits.maximum(pairs).tolist() == [9, 12, 9]


def test_a_pair_rests_unless_somebody_asks_for_units(tmp_path):
    """Seven days: moved today to six days ago rests, seven days ago no more. A block comes first, an override ends the rest."""
    policy = policy_of_rules(tmp_path, "{id: rest, set: {allocation.rest_days: 7}}")
    rows = [{"last_moved_date": day} for day in (date(2026, 11, 23), date(2026, 11, 17), date(2026, 11, 16), None)]
    rows += [{"last_moved_date": DAY, "is_blocked": True}, {"last_moved_date": DAY, "min_units": 4}]
    pairs = pairs_of(rows, policy)
    assert limits.block(pairs, trust_in_books(pairs.table), DAY).tolist() == [
        RECENTLY_MOVED, RECENTLY_MOVED, OPEN, OPEN, BLOCKED, OPEN,
    ]  # fmt: skip


def pools_of(rows, policy, supply, protected):
    pairs = pairs_of(rows, policy)
    found = limits.pools(pairs, np.zeros(len(rows), np.int64), np.array([supply]), np.array([protected]))
    names = limits.pool_names(pairs, found.pool).to_pylist()
    caps = np.append(found.cap_units, -1)[found.pool].tolist()
    guards = np.append(found.is_protection, False)[found.pool].tolist()
    return list(zip(names, caps, guards, strict=True))


ECOM, STORE = {"channel": "ecom"}, {"channel": "store"}
PROMO = {"is_protected": True}


def test_without_quota_and_protection_there_is_no_pool():
    assert pools_of([ECOM, STORE], None, 100, 0) == [(None, -1, False)] * 2


def test_a_quota_is_shared_by_the_pairs_of_its_rule(tmp_path):
    """Floor of 0.3 x 101 = 30. A rule that puts the share back to its default sets no quota."""
    policy = policy_of_rules(
        tmp_path,
        "{id: web, match: {channel: ecom}, set: {allocation.quota_share: 0.3}}",
        "{id: free, match: {channel: ecom, tier: A}, set: {allocation.quota_share: null}}",
    )
    rows = [ECOM, STORE, ECOM, ECOM | {"tier": "A"}]
    assert pools_of(rows, policy, 101, 0) == [("quota web", 30, False), (None, -1, False), ("quota web", 30, False), (None, -1, False)]


def test_protected_units_are_left_to_the_promotions_pairs():
    """60 of 100 are kept: the others share 40; at 20 of supply nothing is left for them."""
    rows = [PROMO, STORE, STORE]
    assert pools_of(rows, None, 100, 60) == [(None, -1, False), ("outside promotions", 40, True), ("outside promotions", 40, True)]
    assert [cap for _, cap, _ in pools_of(rows, None, 20, 60)] == [-1, 0, 0]


@pytest.mark.parametrize(
    ("protected", "quota_own", "quota_other", "rest"),
    [
        (10, 10, 20, 70),  # of a quota of 30, 10 stay for the promotion; 90 - 20 are left for the rest
        (50, 30, 0, 50),  # the promotion takes the whole quota
        (95, 30, 0, 5),
    ],
)
def test_quota_and_protection_both_hold(tmp_path, protected, quota_own, quota_other, rest):
    policy = policy_of_rules(tmp_path, "{id: web, match: {channel: ecom}, set: {allocation.quota_share: 0.3}}")
    own, other, store = pools_of([ECOM | PROMO, ECOM, STORE], policy, 100, protected)
    assert own == ("quota web for its promotion", quota_own, False)
    assert (other[0], other[1]) == ("quota web", quota_other)
    assert store == ("outside promotions", rest, True)
    assert own[1] + other[1] <= 30
    assert other[1] + store[1] <= 100 - protected


def test_quotas_under_protection_are_filled_in_the_order_of_their_rules(tmp_path):
    """50 of 100 kept; web wants 40, the outlets 30: 40 and 10, nothing for the rest; the caps never pass what is left."""
    policy = policy_of_rules(
        tmp_path,
        "{id: web, match: {channel: ecom}, set: {allocation.quota_share: 0.4}}",
        "{id: outlets, match: {tier: C}, set: {allocation.quota_share: 0.3}}",
    )
    rows = [ECOM, STORE | {"tier": "C"}, STORE, PROMO]
    found = pools_of(rows, policy, 100, 50)
    assert [cap for _, cap, _ in found] == [40, 10, 0, -1]
    assert [guard for *_, guard in found] == [False, True, True, False]


def test_pools_of_rows_keep_apart(tmp_path):
    policy = policy_of_rules(tmp_path, "{id: web, match: {channel: ecom}, set: {allocation.quota_share: 0.5}}")
    pairs = pairs_of([ECOM, ECOM | {"sku_id": "B"}, PROMO | {"sku_id": "B"}, STORE | {"sku_id": "B"}], policy)
    found = limits.pools(pairs, np.array([0, 1, 1, 1]), np.array([10, 20]), np.array([8, 4]))
    assert found.pool.tolist() == [0, 1, -1, 2]
    assert found.cap_units.tolist() == [2, 10, 6]
    assert found.is_protection.tolist() == [True, False, True]


def test_capacities_are_net_of_what_is_booked():
    """Ships on the 24th, arrives on the 25th. 30 less 12 at S1; more booked than there is leaves 0; S3 has no limit."""
    rows = [{"to_location_id": f"S{n}", "receiving_capacity_units": most} for n, most in ((1, 30), (2, 5), (3, None))]
    supply = {"row_dispatch_units": np.array([100]), "row_dispatch_lines": np.array([4]), "pair_row": np.zeros(3, np.int64)}
    shipped, arrived = date(2026, 11, 24), date(2026, 11, 25)
    booked = booked_of(
        ("receiving", "S1", arrived, 12, 2), ("receiving", "S1", shipped, 9, 1), ("receiving", "S2", arrived, 7, 1),
        ("dispatch", "DC1", shipped, 40, 3), ("receiving", "S3", arrived, 7, 1),
    )  # fmt: skip
    found = limits.capacities(pairs_of(rows), supply, booked)
    assert found["receiving_capacity_units"].tolist() == [18, 0, -1]
    assert found["dispatch_capacity_units"].tolist() == [60]
    assert found["dispatch_capacity_lines"].tolist() == [1]
    free = limits.capacities(pairs_of(rows), supply, booked_of())
    assert free["receiving_capacity_units"].tolist() == [30, 5, -1]
