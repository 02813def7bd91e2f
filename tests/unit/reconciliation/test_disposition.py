"""Recovery of each option and the choice between them, by hand with cost 10 and price 20."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from allocation_assets.policy import load_policy
from allocation_assets.reconciliation.disposition import (
    DEFECTIVE,
    OPTIONS,
    SOUND,
    UNSAFE,
    Goods,
    choose,
    dispose,
    recovery_per_unit,
)
from tests.unit.reconciliation.cases import DAY, rows, table

POLICY = dict(load_policy().deployment(date(2026, 5, 6)))
NEVER = -np.inf


def goods(condition=SOUND, is_past=False, is_returnable=True, cost=10.0, price=20.0):
    return Goods(*(np.array([value]) for value in (cost, price, condition, is_past, is_returnable)))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        # 0.9 * 20 - 0.5 | never | 0.8 * 10 - 1 | 0.3 * 20 | -0.2
        (goods(), [17.5, NEVER, 7.0, 6.0, -0.2]),
        # never | 18 - 0.35 * 10 - 0.5 | 7 | 6 * 0.5 | -0.2
        (goods(DEFECTIVE), [NEVER, 14.0, 7.0, 3.0, -0.2]),
        # 0.4 * 20 - 0.5 | | | 0.15 * 20
        (goods(is_past=True), [7.5, NEVER, 7.0, 3.0, -0.2]),
        # 8 - 3.5 - 0.5 | 7 | 1.5
        (goods(DEFECTIVE, is_past=True), [NEVER, 4.0, 7.0, 1.5, -0.2]),
        (goods(UNSAFE), [NEVER, NEVER, 7.0, NEVER, -0.2]),
        (goods(UNSAFE, is_returnable=False), [NEVER, NEVER, NEVER, NEVER, -0.2]),
    ],
)
def test_recovery_per_unit(made, expected):
    assert recovery_per_unit(made, POLICY)[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("made", "option", "value"),
    [
        (goods(), "restock", 17.5),
        (goods(DEFECTIVE), "repair", 14.0),
        (goods(DEFECTIVE, is_past=True), "vendor", 7.0),
        (goods(DEFECTIVE, is_past=True, is_returnable=False), "repair", 4.0),
        # Cheap to buy back from a liquidator: price 3, cost 2.5 -> repair 2.7 - 0.875 - 0.5 = 1.325, vendor 1, liquidate 0.45
        (goods(DEFECTIVE, cost=2.5, price=3.0), "repair", 1.325),
        # Not worth a repair: cost 10, price 4 -> repair 3.6 - 3.5 - 0.5 = -0.4, liquidate 0.6
        (goods(DEFECTIVE, is_returnable=False, price=4.0), "liquidate", 0.6),
        (goods(UNSAFE, is_returnable=False), "destroy", -0.2),
    ],
)
def test_the_option_that_brings_the_most(made, option, value):
    best, recovery = choose(made, POLICY)
    assert (OPTIONS[best[0]], recovery[0]) == (option, pytest.approx(value))


def test_a_tie_goes_to_the_option_that_stands_first():
    """Vendor 0.8 * 10 - 1 = 7 and restock 0.9 * p - 0.5 = 7 where p = 25 / 3 is not exact; p = 7.5 / 0.9 by rate 1."""
    policy = POLICY | {"disposition.resale_rate": 1.0}
    best, _ = choose(goods(price=7.5), policy)
    assert OPTIONS[best[0]] == "restock"


def test_nothing_in_gives_nothing_out():
    empty = Goods(*(np.zeros(0), np.zeros(0), np.zeros(0, int), np.zeros(0, bool), np.zeros(0, bool)))
    assert [len(part) for part in choose(empty, POLICY)] == [0, 0]


GOODS = (
    "source_id VARCHAR, location_id VARCHAR, sku_id VARCHAR, business_date DATE, units BIGINT, stated VARCHAR, "
    "reason_code VARCHAR, is_answerable BOOLEAN, supplier_id VARCHAR, unit_cost DECIMAL(18, 6), unit_price DECIMAL(18, 6), "
    "season VARCHAR, lifecycle VARCHAR"
)


def returned(source_id, stated, reason=None, **more):
    return {
        "source_id": source_id, "location_id": "S1", "sku_id": "A", "business_date": DAY, "units": 3, "stated": stated,
        "reason_code": reason, "is_answerable": True, "supplier_id": "V1", "unit_cost": 10, "unit_price": 20,
        "season": "SS26", "lifecycle": "core",
    } | more  # fmt: skip


def test_what_came_back_and_what_broke():
    policy = POLICY | {"disposition.past_seasons": ("AW25",)}
    goods = [
        returned("returns:1|1", "restock"),
        returned("returns:2|1", "restock", "item_Defective"),
        returned("returns:3|1", "liquidate", "too big"),
        returned("returns:4|1", "damaged", season="AW25"),
        returned("returns:5|1", "destroy", supplier_id=None),
        returned("receipts:6|1", "damaged", is_answerable=False, lifecycle="exit"),
    ]
    result = dispose(table(GOODS, goods), policy)
    money = [float(value) for value in result["expected_recovery"].to_pylist()]
    assert rows(result, "source_id", "condition", "disposition") == [
        ("receipts:6|1", "defective", "repair"),
        ("returns:2|1", "defective", "repair"),
        ("returns:3|1", "sound", "restock"),
        ("returns:4|1", "defective", "vendor"),
        ("returns:5|1", "unsafe", "destroy"),
    ]
    assert money == pytest.approx([12.0, 42.0, 52.5, 21.0, -0.6])
    assert result["value"].to_pylist() == [30] * 5


def test_no_goods_no_disposition():
    assert dispose(table(GOODS), POLICY).num_rows == 0
