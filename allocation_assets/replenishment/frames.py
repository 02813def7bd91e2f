"""From the run's tables to the replenishment problem, and from its plan to the published tables. Pure; no files.

A DC orders on its echelon (`pooled`): its position plus the stock below it, against the pooled demand of what it supplies, over
its own lead time and review and then those of its locations. Stock below counts as far as it sells in that time: what one
location has too much of helps no other. Limits of the DC's own place (contract, space, presentation) move up by the
stock below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.allocation.calendar import Schedule, day_masks, shipping_schedule
from allocation_assets.allocation.limits import multiple_cases
from allocation_assets.demand.distribution import shared_variance
from allocation_assets.policy import Policy, Resolution
from allocation_assets.replenishment.pooled import Pooled, cover_days, echelon_position, pool_tree
from allocation_assets.replenishment.problem import (
    BASES,
    BINDINGS,
    POLICIES,
    UNLIMITED,
    ReplenishmentPlan,
    ReplenishmentProblem,
    problem_of,
)
from allocation_assets.tables import dates, floats, integers, texts, truths

#: Pair-scope parameters that shape an order; the most specific rule among them is the line's rule_id.
PARAMETERS = (
    "allocation.cases_per_layer",
    "allocation.cases_per_pallet",
    "costs.holding_per_unit_day",
    "costs.lost_sale_per_unit",
    "lanes.default_lead_time_days",
    "replenishment.basis",
    "replenishment.first_parameter",
    "replenishment.order_cost",
    "replenishment.policy",
    "replenishment.review_days",
    "replenishment.second_parameter",
    "replenishment.service_target",
)
#: Service target of a SKU without a class.
_TARGET = 0.95


@dataclass(frozen=True)
class LaneTimes:
    """Lead times of lanes, L rows: keys 'from|to', median whole days, and P(0, 1, ... w - 1 days) (L, w)."""

    key: pa.Array
    median_days: np.ndarray
    table: np.ndarray


@dataclass(frozen=True)
class OrderingPairs:
    """Pairs (n, in the order of SKU and location) with policy, schedule of the next order, and what stands below them.

    lane (n,): row of the lanes, -1 = not known; default_days (n,) of those. wait_days (n,): from the run date until the lead
    time begins, with the wait for the next receiving day. review_days (n,): between two arrivals. cover (n,): days that an
    order has to last. is_open: may order; is_review_day: and does so on this date.
    """

    table: pa.Table
    policy: Resolution
    schedule: Schedule
    lane: np.ndarray
    default_days: np.ndarray
    lead_days: np.ndarray
    wait_days: np.ndarray
    review_days: np.ndarray
    cover: np.ndarray
    demand: Pooled
    stock_below: np.ndarray
    is_open: np.ndarray
    is_review_day: np.ndarray


def lane_times(lanes: pa.Table) -> LaneTimes:
    """The lanes of dataset lead_times as arrays."""
    rows = [np.asarray(row) for row in lanes["lead_probabilities"].to_pylist()]
    table = np.zeros((len(rows), max((len(row) for row in rows), default=1)))
    for at, row in enumerate(rows):  # lanes are few
        table[at, : len(row)] = row
    table /= np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
    return LaneTimes(_key(lanes["from_id"], lanes["to_location_id"]), integers(lanes, "lead_p50_days"), table)


def ordering_pairs(
    table: pa.Table, below: pa.Table, lanes: LaneTimes, policy: Policy, run_date: date
) -> OrderingPairs:
    """Schedule the pairs and pool what they supply. `table` and `below` as `queries.PAIRS` and `queries.BELOW` give them."""
    settings = policy.deployment(run_date)
    values = policy.resolve(list(PARAMETERS), table, run_date)
    found = pc.index_in(_key(table["from_id"], table["location_id"]), pa.chunked_array([lanes.key]))
    lane = found.fill_null(-1).to_numpy().astype(np.int64)
    stated = floats(table, "lead_time_days", np.nan)
    policy_days = np.where(truths(table, "is_purchase"), settings["lead_times.default_supplier_days"], values["lanes.default_lead_time_days"])
    default = np.where(np.isnan(stated), policy_days, stated)
    median = np.append(lanes.median_days, 0)[lane]
    lead = np.where(lane >= 0, median, np.ceil(default))
    review = _review_mask(values["replenishment.review_days"], settings, run_date)
    schedule = shipping_schedule(
        run_date, day_masks(texts(table, "ship_days")), lead, day_masks(texts(table, "receiving_days")),
        open_date=dates(table, "open_date"), close_date=dates(table, "close_date"), review_mask=review,
        release_days=integers(table, "release_days", 1),
    )  # fmt: skip
    is_open = table["block_reason"].is_null().to_numpy() & (schedule.block == 0)
    wait = np.maximum(_days(schedule.arrival_date - np.datetime64(run_date, "D")) - lead, 0)
    gap = np.maximum(_days(schedule.next_arrival_date - schedule.arrival_date), 1)
    expected = np.append(lanes.table @ np.arange(lanes.table.shape[1]), 0.0)[lane]
    own_days = np.where(lane >= 0, expected, default) + wait + gap
    cover, demand, stock = _pooled(table, below, own_days, settings["replenishment.level_correlation"])
    reviewed = (review >> run_date.weekday() & 1).astype(bool)
    return OrderingPairs(
        table, values, schedule, lane, default, own_days - wait - gap, wait, gap, cover, demand, stock, is_open, is_open & reviewed
    )


def _review_mask(masks: np.ndarray, settings: Mapping[str, Any], run_date: date) -> np.ndarray:
    """Days (n,) on which orders are decided; by the week only those of the run's own weekday can be (semantics 7)."""
    masks = np.asarray(masks, np.uint8)
    return masks & np.uint8(1 << run_date.weekday()) if settings["calendar.period"] == "week" else masks


def _days(gaps: np.ndarray) -> np.ndarray:
    """Whole days (n,) of differences of dates, 0 where one is missing."""
    return np.where(np.isnat(gaps), 0, gaps.astype(np.int64))


def _key(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.Array:
    return pc.binary_join_element_wise(first.cast(pa.string()), second.cast(pa.string()), "|").combine_chunks()


def own_demand(table: pa.Table) -> Pooled:
    """Demand (n,) of forecasts: of their dispersions over one day and over the horizon, d + v M each, v is what the days share."""
    mean, days = floats(table, "daily_mean"), np.maximum(floats(table, "horizon_days", 1.0), 1.0)
    total, first = mean * days, floats(table, "next_day_mean")
    wide, narrow = np.maximum(floats(table, "dispersion", 1.0), 1.0), np.maximum(floats(table, "next_day_dispersion", 1.0), 1.0)
    shared = np.nan_to_num(shared_variance(total, wide, first, narrow))
    # Neither may leave a day less spread than Poisson.
    shared = np.minimum(shared, (wide - 1.0) / np.maximum(total, 1e-9))
    return Pooled(mean, np.maximum(wide - shared * total, 1.0), shared)


def _pooled(table: pa.Table, below: pa.Table, own_days: np.ndarray, correlation: float) -> tuple[np.ndarray, Pooled, np.ndarray]:
    """(days to cover (n,), demand of the pairs with all that they supply, units below them (n,))."""
    n = table.num_rows
    keys = _key(table["location_id"], table["sku_id"])
    above = pa.concat_arrays([_key(each["supplied_by"], each["sku_id"]) for each in (table, below)])
    parent = pc.index_in(above, keys).fill_null(-1).to_numpy().astype(np.int64)
    own, under = own_demand(table), own_demand(below)
    every = Pooled(*(np.append(getattr(own, name), getattr(under, name)) for name in ("daily_mean", "dispersion", "level_variance")))
    cover = cover_days(np.append(own_days, floats(below, "horizon_days", 1.0)), every.daily_mean, parent)
    pack = np.append(integers(table, "case_pack", 1), integers(below, "case_pack", 1))
    demand = pool_tree(every, parent, np.maximum(pack, 1), cover, level_correlation=correlation)
    position = np.append(_position(table), integers(below, "position"))
    # What a location will not sell before the DC's next order has come helps no other location.
    sells = np.ceil(every.daily_mean * cover[np.maximum(parent, 0)]).astype(np.int64)
    counted = np.where((parent >= 0) & (np.arange(len(parent)) >= n), np.minimum(position, sells), position)
    below_units = (echelon_position(counted, parent) - counted)[:n]
    pooled = Pooled(demand.daily_mean[:n], demand.dispersion[:n], demand.level_variance[:n])
    return cover[:n], pooled, below_units


def _position(table: pa.Table) -> np.ndarray:
    """Units (n,) of the pairs' own positions."""
    plus = sum(integers(table, name) for name in ("on_hand", "in_transit", "on_order"))
    return plus - integers(table, "backorders") - integers(table, "reserved")


def build_problem(pairs: OrderingPairs, lanes: LaneTimes) -> ReplenishmentProblem:
    """The problem of all pairs, the closed ones included; `take` the ones that order."""
    table, values, stock = pairs.table, pairs.policy, pairs.stock_below
    classes, lead_table = _lead_classes(pairs, lanes)
    pack = np.maximum(integers(table, "case_pack", 1), 1)
    target = values["replenishment.service_target"]
    target = np.where(np.isnan(target), floats(table, "class_target", _TARGET), target)
    return problem_of(
        pairs.demand.daily_mean, lead_table, dispersion=pairs.demand.dispersion, level_variance=pairs.demand.level_variance,
        lead_class=classes, review_days=pairs.review_days,
        # Stock below a DC is under way to whom it serves, as its own in transit is.
        in_transit=integers(table, "in_transit") + stock,
        **{name: integers(table, name) for name in ("on_hand", "on_order", "backorders", "reserved")},
        case_pack=pack, order_multiple=pack * multiple_cases(table, values), min_order=integers(table, "min_order_units"),
        shelf_life_days=integers(table, "shelf_life_days", UNLIMITED),
        storage_capacity=_limit(table, "storage_capacity", stock), contract_max=_limit(table, "contract_max", stock),
        contract_min=_least(table, "contract_min", stock), presentation=_least(table, "presentation_min", stock),
        lost_sale_cost=np.maximum(np.nan_to_num(values["costs.lost_sale_per_unit"]), 0.0),
        holding_cost=np.maximum(np.nan_to_num(values["costs.holding_per_unit_day"]), 0.0),
        order_cost=values["replenishment.order_cost"],
        policy=_codes(POLICIES, values["replenishment.policy"]), basis=_codes(BASES, values["replenishment.basis"]),
        service_target=target, first_parameter=values["replenishment.first_parameter"],
        second_parameter=values["replenishment.second_parameter"],
    )  # fmt: skip


def _lead_classes(pairs: OrderingPairs, lanes: LaneTimes) -> tuple[np.ndarray, np.ndarray]:
    """(class (n,), table (k, w)): the lane's distribution after the wait, and before the way on to what the pair supplies."""
    way = np.ceil(np.maximum(pairs.cover - pairs.lead_days - pairs.wait_days - pairs.review_days, 0.0) - 1e-9)
    shift = (pairs.wait_days + way).astype(np.int64)
    fixed = np.where(pairs.lane < 0, pairs.default_days, 0.0)
    found, classes = np.unique(np.column_stack([pairs.lane, shift, fixed]), axis=0, return_inverse=True)
    rows = [_lead_row(lanes, int(lane), int(days), default) for lane, days, default in found]
    table = np.zeros((max(len(rows), 1), max((len(row) for row in rows), default=1)))
    table[0, 0] = 0.0 if rows else 1.0
    for at, row in enumerate(rows):  # classes are few: lanes and calendars
        table[at, : len(row)] = row
    return classes.reshape(-1), table


def _lead_row(lanes: LaneTimes, lane: int, shift: int, default: float) -> np.ndarray:
    from allocation_assets.replenishment.safety_stock import lead_time_table

    row = lanes.table[lane] if lane >= 0 else lead_time_table(default, 0.0)[0]
    return np.concatenate([np.zeros(shift), row])


def _limit(table: pa.Table, name: str, below: np.ndarray) -> np.ndarray:
    units = integers(table, name, UNLIMITED)
    return np.where(units >= 0, np.maximum(units + below, 0), UNLIMITED)


def _least(table: pa.Table, name: str, below: np.ndarray) -> np.ndarray:
    units = integers(table, name)
    return np.where(units > 0, np.maximum(units + below, 0), 0)


def _codes(names: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    code = {name: at for at, name in enumerate(names)}
    return np.array([code[value] for value in values], np.int64)


#: Columns of a pair that its order repeats.
_KEPT = (
    "from_id", "location_id", "sku_id", "department", "location_type", "on_hand", "in_transit", "on_order", "backorders", "reserved",
    "unit_cost", "unit_price", "ownership", "is_purchase", "contract_min", "contract_max",
)  # fmt: skip


def order_table(pairs: OrderingPairs, problem: ReplenishmentProblem, plan: ReplenishmentPlan, rows: np.ndarray) -> pa.Table:
    """Lines with units, in the order of the pairs; `problem` and `plan` are of the pairs in `rows` (m,)."""
    at = np.flatnonzero(plan.units > 0)
    row = rows[at]
    table = pairs.table.take(pa.array(row))
    values = {name: pa.array(pairs.policy[f"replenishment.{name}"][row], pa.string()) for name in ("policy", "basis")}
    figures = {
        "reorder_point": plan.reorder_point, "order_up_to": plan.order_up_to, "inventory_position": plan.inventory_position,
        "safety_stock": plan.safety_stock, "units": plan.units, "cases": plan.cases, "case_pack": problem.case_pack,
        "order_multiple": problem.order_multiple, "daily_mean": problem.daily_mean, "dispersion": problem.dispersion,
        "expected_lost_sales_avoided": plan.lost_sales_avoided, "holding_added": problem.holding_cost * plan.holding_days,
        "expected_benefit": plan.benefit,
    }  # fmt: skip
    of_pair = {
        "stock_below": pairs.stock_below, "lead_time_days": pairs.lead_days, "review_days": pairs.review_days,
        "order_date": pairs.schedule.ship_date, "expected_date": pairs.schedule.arrival_date,
    }  # fmt: skip
    return pa.table(
        {name: table[name] for name in _KEPT}
        | {name: column[at] for name, column in figures.items()}
        | {name: pa.array(column[row]) for name, column in of_pair.items()}
        | values
        | {"binding_constraint": pa.array(np.array(BINDINGS, object)[plan.binding[at]], pa.string())}
        | {"rule_id": pairs.policy.shaping_rule_id(list(PARAMETERS)).dictionary_decode().take(pa.array(row))}
    )


def level_table(pairs: OrderingPairs, problem: ReplenishmentProblem, report, rows: np.ndarray) -> pa.Table:
    """What service costs per pair (`safety_stock.ServiceReport`), as `queries.DECISIONS` sums it; pairs in `rows` (m,)."""
    table = pairs.table.take(pa.array(rows))
    return pa.table(
        {name: table[name] for name in ("segment", "location_type")}
        | {
            "unit_cost": pa.array(floats(table, "unit_cost")), "daily_mean": problem.daily_mean, "fill_rate": report.beta,
            "cycle_service": report.alpha, "recommended_fill": report.recommended_beta, "recommended_cycle": report.recommended_alpha,
            "point_cost": pa.array(report.point_cost, mask=~np.isfinite(report.point_cost)), "point_gain": report.point_gain,
            "position": problem.position, "level": report.level, "recommended_level": report.recommended_level,
            "removable": report.removable, "removable_holding": report.removable_value,
        }
    )  # fmt: skip
