"""The master and plan feeds of the landing contract: full pictures on the dates on which they land."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.demo_world import arrow as ar
from allocation_assets.demo_world.books import Truth
from allocation_assets.demo_world.dc_supply import BACKORDER_DAYS, DcFlows, Purchases
from allocation_assets.demo_world.feeds import po_ids
from allocation_assets.demo_world.network import DC, MASTER_DATES, RECEIVING_DAYS, SUPPLIERS, Network
from allocation_assets.demo_world.source import Source
from allocation_assets.demo_world.store_supply import StoreFlows

EXIT_SKUS, NEW_SKUS, CONSIGNMENT_SUPPLIER = 2, 3, 13
CAPPED_STORES, CAPACITY_QUANTILE = 7, 0.9
BLOCKED_PAIRS, LAUNCH_PAIRS, LAUNCH_DATE = 12, 6, "2024-06-20"
SNAPSHOT_EVERY, SNAPSHOT_ERROR_RATE = 7, 0.004
PO_WEEKDAYS, PO_KEEP_DAYS = (0, 2, 4), 7
PROMO_AHEAD_DAYS, PROMO_KEEP_DAYS = 14, 7


def _strings(values: list[str | None] | np.ndarray) -> pa.Array:
    return pa.array(list(values), pa.string())


def _dates(values: list[str | None]) -> pa.Array:
    return pa.array(np.array(values, "datetime64[D]"))


def items(net: Network, source: Source, version: int, rng: np.random.Generator) -> pa.Table:
    """All SKUs with the prices of one version; codes are the publisher's, everything else is simulated."""
    count, categories = len(net.sku_ids), source.categories
    marked = rng.permutation(count)
    lifecycle = np.full(count, "core", dtype=object)
    lifecycle[marked[:EXIT_SKUS]] = "exit"
    lifecycle[marked[EXIT_SKUS : EXIT_SKUS + NEW_SKUS]] = "new"
    launch = [("2024-03-18" if state == "new" else "2022-01-01") for state in lifecycle]
    department = ar.join("D", ar.number(categories["department"], 2))
    return pa.table(
        {
            "sku_id": _strings(net.sku_ids),
            "style_id": ar.join("ST", ar.number(categories["subclass"], 3)),
            "description": pc.binary_join_element_wise(
                "Item", _strings(net.sku_ids), "category", ar.number(categories["subclass"], 3), " "
            ),
            "colour": ar.constant(None, count, pa.string()),
            "size": ar.constant(None, count, pa.string()),
            "department": department,
            "class": ar.join("C", ar.number(categories["class"], 3)),
            "subclass": ar.join("SC", ar.number(categories["subclass"], 3)),
            "brand": ar.join("B", ar.number(rng.integers(1, 21, count), 2)),
            "supplier_id": ar.join("V", ar.number(net.supplier + 1, 2)),
            "unit_cost": ar.money(net.cost_cents[version]),
            "unit_price": ar.money(net.price_cents[version]),
            "case_pack": net.case_pack,
            "cube": ar.money(rng.integers(1, 4, count)),
            "season": ar.constant("all", count),
            "lifecycle": _strings(lifecycle),
            "launch_date": _dates(launch),
            "like_sku_id": ar.constant(None, count, pa.string()),
            "strategic": rng.random(count) < 0.05,
            "ownership": ar.pick(["owned", "consignment"], (net.supplier + 1 == CONSIGNMENT_SUPPLIER).astype(np.int64)),
            "shelf_life_days": np.array([21, 3, 5, 7, 10, 14, 4])[categories["group"]],
        }
    )


def _round_up(values: np.ndarray, step: int) -> np.ndarray:
    return -(-np.ceil(values).astype(np.int64) // step) * step


def locations(net: Network, flows: StoreFlows, dc: DcFlows) -> pa.Table:
    """Stores, e-com and DC; capacities are the 90 % point of the simulated daily volume, so they bind at peaks."""
    stores, ids = net.ecom_index, net.location_ids
    landed = (flows.delivered + flows.evening)[2 : net.days]
    volume = np.stack([landed[:, net.pair_location == s].sum(axis=1) for s in range(stores)], axis=1)
    working = net.weekday[2 : net.days] != 6
    cap = _round_up(np.quantile(volume[working], CAPACITY_QUANTILE, axis=0), 10)
    capped = np.argsort(-volume.sum(axis=0), kind="stable")[:CAPPED_STORES]
    receiving = [int(cap[s]) if s in capped else None for s in range(stores)]
    dispatch = int(_round_up(np.quantile(dc.shipped[1 : net.days].sum(axis=1), [CAPACITY_QUANTILE]), 100)[0])
    grade = np.array(["A", "B", "C"])[np.searchsorted([6, 12], np.argsort(np.argsort(-volume.sum(axis=0))), "right")]
    return pa.table(
        {
            "location_id": _strings(ids),
            "name": _strings(
                [*(f"Store {i[1:]}" for i in ids[:stores]), "E-com (simulated)", "Distribution centre (simulated)"]
            ),
            "location_type": _strings(["store"] * stores + ["ecom", "dc"]),
            "channel": _strings(["store"] * stores + ["ecom", None]),
            "region": ar.constant("City 15", stores + 2),
            "cluster": _strings([f"volume-{g}" for g in grade] + ["ecom", None]),
            "tier": _strings([*grade, "A", None]),
            "supplied_by": _strings([DC] * (stores + 1) + [None]),
            "open_date": _dates(["2020-01-01"] * (stores + 2)),
            "close_date": _dates(["NaT"] * (stores + 2)),
            "receiving_days": ar.constant(RECEIVING_DAYS, stores + 2),
            "receiving_capacity_units": pa.array([*receiving, None, None], pa.int64()),
            "dispatch_capacity_units": pa.array([None] * (stores + 1) + [dispatch], pa.int64()),
            "dispatch_capacity_lines": pa.array([None] * (stores + 2), pa.int64()),
            "storage_capacity_units": pa.array([None] * (stores + 1) + [200_000], pa.int64()),
        }
    )


def lanes(net: Network) -> pa.Table:
    """Suppliers to the DC, the DC to stores and e-com."""
    suppliers = [f"V-{s + 1:02d}" for s in range(SUPPLIERS)]
    to = [DC] * SUPPLIERS + list(net.location_ids[:-1])
    count, own = len(to), len(to) - SUPPLIERS
    unit = np.concatenate([np.full(SUPPLIERS, 4), 2 + np.arange(own) % 4])
    return pa.table(
        {
            "from_id": _strings(suppliers + [DC] * own),
            "to_location_id": _strings(to),
            "lead_time_days": np.array([3] * SUPPLIERS + [1] * own),
            "lead_time_sd_days": ar.money(np.array([60] * SUPPLIERS + [30] * own)),
            "ship_days": ar.constant(RECEIVING_DAYS, count),
            "cutoff_time": ar.constant("14:00", count),
            "cost_per_unit": ar.money(unit),
            "cost_per_shipment": ar.money(np.array([4_000] * SUPPLIERS + [1_500] * own)),
            "min_order_units": pa.array([None] * count, pa.int64()),
            "order_multiple": ar.constant("case", count),
            "mode": ar.constant("standard", count),
        }
    )


def assortment(net: Network, version: int, rng: np.random.Generator) -> pa.Table:
    """All selling pairs, some blocked ones, and a few launches that the June picture adds."""
    mean = net.demand[: net.days].mean(axis=0)
    case = net.case_pack[net.pair_sku]
    shelf = np.maximum(2 * case, _round_up(3.5 * mean / case, 1) * case)
    minimum = np.where(np.arange(net.pairs) < net.store_pairs, rng.integers(1, 4, net.pairs), 0)
    sold = np.zeros((net.dc_index, len(net.sku_ids)), bool)
    sold[net.pair_location, net.pair_sku] = True
    free = np.argwhere(~sold[: net.ecom_index])
    extra = free[rng.choice(len(free), BLOCKED_PAIRS + LAUNCH_PAIRS, replace=False)]
    extra = extra[: BLOCKED_PAIRS + (LAUNCH_PAIRS if version == len(MASTER_DATES) - 1 else 0)]
    status = ["active"] * net.pairs + ["blocked"] * BLOCKED_PAIRS + ["launch"] * (len(extra) - BLOCKED_PAIRS)
    start = ["2024-01-01" if s != "launch" else LAUNCH_DATE for s in status]
    location = np.concatenate([net.pair_location, extra[:, 0]])
    sku = np.concatenate([net.pair_sku, extra[:, 1]])
    return pa.table(
        {
            "sku_id": ar.pick(net.sku_ids, sku),
            "location_id": ar.pick(net.location_ids, location),
            "start_date": _dates(start),
            "end_date": _dates(["NaT"] * len(status)),
            "presentation_min": np.concatenate([minimum, np.full(len(extra), 2)]),
            "shelf_capacity": np.concatenate([shelf, 4 * net.case_pack[extra[:, 1]]]),
            "status": _strings(status),
        }
    )


def inventory_snapshot(net: Network, truth: Truth, reserved: np.ndarray, t: int, rng: np.random.Generator) -> pa.Table:
    """The system of record's stock at the close of date ``t``: the book, with a few interface errors after opening."""
    count = len(truth.sku)
    slip = np.where(rng.random(count) < SNAPSHOT_ERROR_RATE, rng.choice([-2, -1, 1, 2], count), 0) * (t > 0)
    held = np.concatenate([reserved[t], np.zeros(count - net.pairs, np.int64)])
    return pa.table(
        {
            "location_id": ar.pick(net.location_ids, truth.location),
            "sku_id": ar.pick(net.sku_ids, truth.sku),
            "on_hand": truth.book[t] + slip,
            "damaged": truth.damaged[t],
            "reserved": held,
            "as_of": ar.timestamps(net.dates, np.full(count, t), np.full(count, 86_399)),
        }
    )


def purchase_orders(net: Network, bought: Purchases, t: int) -> pa.Table:
    """PO lines open at the close of date ``t``, and those closed in the last week."""
    ids, line = po_ids(net, bought)
    is_known = (bought.order_day <= t) & (t <= bought.arrival_day + PO_KEEP_DAYS)
    at = np.flatnonzero(is_known)
    arrived = bought.arrival_day[at] <= t
    is_open = ~arrived | (bought.is_backordered[at] & (t < bought.arrival_day[at] + BACKORDER_DAYS))
    confirmed = bought.confirmed[at]
    return pa.table(
        {
            "po_id": ids.take(pa.array(at)),
            "line_no": line[at],
            "supplier_id": ar.join("V", ar.number(bought.supplier[at] + 1, 2)),
            "location_id": ar.constant(DC, len(at)),
            "sku_id": ar.pick(net.sku_ids, bought.sku[at]),
            "ordered_units": bought.ordered[at],
            "received_units": np.where(arrived, bought.received[at], 0),
            "expected_date": pa.array(net.dates[0] + bought.expected_day[at]),
            "confirmed_units": ar.where(confirmed >= 0, pa.array(confirmed)),
            "asn_id": ar.constant(None, len(at), pa.string()),
            "crossdock": ar.constant(False, len(at)),
            "status": ar.pick(["closed", "open"], is_open.astype(np.int64)),
        }
    )


class Campaigns:
    """Promotions read from the activity flags: a run of dates on which most stores run a SKU's activity."""

    def __init__(self, net: Network, source: Source) -> None:
        """Find the runs; ``of`` (T, P) is the campaign of a pair on a date, -1 for none."""
        days, skus = net.days, len(net.sku_ids)
        share, self.paid = np.zeros((days, skus)), np.ones((days, skus))
        for k in range(skus):
            at = source.pair_sku == k
            share[:, k] = source.is_promoted[:, at].mean(axis=1)
            self.paid[:, k] = np.median(source.discount[:, at], axis=1)
        on = (share > 0.5).T
        edge = np.diff(np.pad(on, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        self.sku, self.start = np.nonzero(edge == 1)
        self.end = np.nonzero(edge == -1)[1] - 1
        number = np.cumsum(edge[:, :-1].ravel() == 1).reshape(skus, days) - 1
        by_sku = np.where(on, number, -1).T
        flag = np.concatenate([source.is_promoted, on.T[:, net.pair_sku[net.store_pairs :]]], axis=1)
        self.of = np.where(flag, by_sku[:, net.pair_sku], -1)
        self.ids = [
            f"PR-{net.sku_ids[k]}-{code}"
            for k, code in zip(self.sku, np.array(ar.day_codes(net.dates))[self.start], strict=True)
        ]
        rate = np.array(
            [self.paid[a : b + 1, k].mean() for k, a, b in zip(self.sku, self.start, self.end, strict=True)]
        )
        self.rate = np.round(rate, 3)

    def picture(self, net: Network, t: int) -> pa.Table:
        """The plan as of date ``t``: running, just over, and starting within two weeks."""
        at = np.flatnonzero((self.end >= t - PROMO_KEEP_DAYS) & (self.start <= t + PROMO_AHEAD_DAYS))
        price = np.rint(net.price_cents[net.version[self.start[at]], self.sku[at]] * self.rate[at]).astype(np.int64)
        uplift = np.rint(100 + 150 * (1 - self.rate[at])).astype(np.int64)  # a planner's rule of thumb, simulated
        return pa.table(
            {
                "promo_id": _strings([self.ids[i] for i in at]),
                "sku_id": ar.pick(net.sku_ids, self.sku[at]),
                "location_id": ar.constant("*", len(at)),
                "start_date": pa.array(net.dates[self.start[at]]),
                "end_date": pa.array(net.dates[self.end[at]]),
                "kind": ar.constant("promo", len(at)),
                "promo_price": ar.money(price),
                "expected_uplift": ar.money(uplift),
                "protect_units": pa.array([None] * len(at), pa.int64()),
            }
        )


def is_po_date(net: Network, t: int, run_days: list[int]) -> bool:
    """POs land on Mondays, Wednesdays and Fridays, on the first date and on the run dates."""
    return t == 0 or t in run_days or int(net.weekday[t]) in PO_WEEKDAYS
