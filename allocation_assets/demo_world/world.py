"""Puts the demo's world together: real demand, simulated retailer, landing tables and the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa

from allocation_assets.demo_world import feeds, masters
from allocation_assets.demo_world.bad_rows import DEMO_BAD_ROWS
from allocation_assets.demo_world.books import Damaged, Truth, build_truth, damaged_bucket
from allocation_assets.demo_world.dc_supply import DcFlows, DcSimulation, Purchases, Transfers, build_transfers
from allocation_assets.demo_world.landing_files import DatedTable, LandingFile
from allocation_assets.demo_world.network import MASTER_DATES, Network, build_network
from allocation_assets.demo_world.sales import Lines, Returns, draw_returns, ecom_hours, pos_lines
from allocation_assets.demo_world.source import Source, load_source
from allocation_assets.demo_world.store_supply import LATE_ORDER_RATE, Draws, StoreFlows, StoreSimulation, draw

DEMO_SEED = 20240328
DEMO_RUN_DATES = (date(2024, 6, 23), date(2024, 6, 24), date(2024, 6, 25))

# What the manifests say (semantics 27). Units of pos and the stores' stock_outs derive from real figures; pos also
# carries simulated prices and the simulated e-com channel, so it never counts as observed.
PROVENANCE = {"pos": "derived", "stock_outs": "derived"}
FORMATS = {
    "pos": "parquet",
    "returns": "csv",
    "receipts": "csv",
    "cycle_counts": "csv.gz",
    "adjustments": "csv",
    "shipments": "parquet",
    "orders": "csv",
    "stock_outs": "parquet",
    "items": "csv",
    "locations": "csv",
    "inventory_snapshot": "parquet",
    "lanes": "csv",
    "purchase_orders": "parquet",
    "promotions": "csv",
    "assortment": "parquet",
}


@dataclass(frozen=True)
class World:
    """Everything the demo lands, and what truly happened.

    ``transactions`` holds per feed its files as (name, rows over all dates); ``plans`` per master feed the full picture
    by date index. ``truth`` is for tests and never landed.
    """

    seed: int
    source: Source
    network: Network
    transactions: dict[str, list[tuple[str, DatedTable]]]
    plans: dict[str, dict[int, pa.Table]]
    truth: Truth

    def dates(self) -> list[date]:
        """The dates that land, oldest first."""
        return [d.item() for d in self.source.dates]

    def feeds(self) -> list[str]:
        """The feeds that land, in a fixed order."""
        return list(FORMATS)

    def provenance(self, feed: str) -> str:
        """What the feed's manifests say (semantics 27)."""
        return PROVENANCE.get(feed, "simulated")

    def files(self, feed: str, day: int) -> list[LandingFile]:
        """The files of one feed on date index ``day``; empty where a master feed does not land."""
        suffix, on = FORMATS[feed], str(self.source.dates[day])
        if feed in self.plans:
            table = self.plans[feed].get(day)
            return [] if table is None else [LandingFile(f"{feed}.{suffix}", table)]
        bad = tuple(row for row in DEMO_BAD_ROWS if (row.feed, row.business_date) == (feed, on))
        return [
            LandingFile(f"{name}.{suffix}", rows.on(day), bad if i == 0 else ())
            for i, (name, rows) in enumerate(self.transactions[feed])
        ]


@dataclass(frozen=True)
class _Movements:
    """The simulated movements on the way from demand to tables."""

    net: Network
    draws: Draws
    late: np.ndarray
    store: Lines
    ecom: Lines
    back: Returns
    flows: StoreFlows
    moved: Transfers
    dc: DcFlows
    bought: Purchases


def _late_orders(net: Network, draws: Draws, rng: np.random.Generator) -> tuple[Network, np.ndarray]:
    """E-com units (N, P) ordered in the evening and sold on the next date; never into a day without delivery."""
    late = np.zeros_like(net.demand)
    late[:, net.store_pairs :] = rng.binomial(net.demand[:, net.store_pairs :], LATE_ORDER_RATE)
    late[:-1][draws.is_blocked[1:]] = 0
    late[0] = 0
    demand = net.demand - late
    demand[1:] += late[:-1]
    return replace(net, demand=demand), late


def _simulate(source: Source, seed: int) -> _Movements:
    def rng(stream: int) -> np.random.Generator:
        return np.random.default_rng([seed, stream])

    net = build_network(source, seed)
    draws = draw(net, source.is_out_at_close, rng(2))
    net, late = _late_orders(net, draws, rng(3))
    pairs = np.arange(net.store_pairs)
    store = pos_lines(source.hourly_units, net.pair_location[pairs], pairs, rng(4))
    back = draw_returns(store, net, rng(5))
    restocked = back.restocked(net.demand.shape)
    flows = StoreSimulation(net, draws, source.hourly_units, restocked, rng(6)).run()
    sold = flows.sold[: net.days, net.store_pairs :].copy()
    sold[0] = net.demand[0, net.store_pairs :]  # before the books open there are sales, but no stock movements
    ecom_pairs = np.arange(net.store_pairs, net.pairs)
    ecom = pos_lines(ecom_hours(sold, source, rng(7)), net.pair_location[ecom_pairs], ecom_pairs, rng(8))
    moved = build_transfers(net, flows, rng(9))
    dc, bought = DcSimulation(net, moved, rng(10)).run()
    return _Movements(net, draws, late, store, ecom, back, flows, moved, dc, bought)


def _truth(m: _Movements, seed: int) -> tuple[Truth, Damaged]:
    net, moved, days = m.net, m.moved, m.net.days
    records = net.pairs + len(net.sku_ids)
    damaged = damaged_bucket(net, m.flows, m.dc, m.back.unsellable(net.demand.shape), np.random.default_rng([seed, 11]))
    arriving = np.minimum(moved.left, moved.received) + np.maximum(0, moved.received - moved.left)
    transit = np.zeros((days + 1, records), np.int64)
    lost = np.zeros((days, records), np.int64)
    left = moved.ship_day < days
    np.add.at(transit, (moved.ship_day[left], moved.pair[left]), arriving[left])
    np.add.at(transit, (np.minimum(moved.arrival_day[left], days), moved.pair[left]), -arriving[left])
    np.add.at(lost, (moved.ship_day[left], moved.pair[left]), (moved.left - arriving)[left])
    in_transit = np.cumsum(transit[:days], axis=0)
    return build_truth(net, m.flows, m.dc, damaged, in_transit, lost), damaged


def _transactions(
    m: _Movements, source: Source, truth: Truth, damaged: Damaged, campaigns: masters.Campaigns, seed: int
) -> dict[str, list[tuple[str, DatedTable]]]:
    net = m.net
    rng = np.random.default_rng([seed, 12])
    discount = np.concatenate([source.discount, campaigns.paid[:, net.pair_sku[net.store_pairs :]]], axis=1)
    baskets = np.unique(m.ecom.day * 100_000 + m.ecom.basket, return_inverse=True)[1]
    customer = rng.integers(1, 4_000, int(baskets.max()) + 1)[baskets]
    shipped, shipment, line = feeds.shipments(net, m.moved, rng)
    counts = feeds.gather_counts(net, truth, m.flows.count_kind, m.draws.count_hour)
    tables = {
        "receipts": feeds.receipts(net, m.moved, shipment, line, m.bought, rng),
        "returns": feeds.returns(net, m.back, m.store, m.ecom, discount, rng),
        "cycle_counts": feeds.cycle_counts(net, truth, counts),
        "adjustments": feeds.adjustments(net, truth, m.flows, m.dc, damaged, counts, rng),
        "shipments": shipped,
        "orders": feeds.orders(net, m.flows, m.late, m.draws.is_cancelled, rng),
        "stock_outs": feeds.stock_outs(net, source, m.flows),
    }
    return {
        "pos": [
            ("pos_stores", feeds.pos(net, m.store, discount, campaigns.of, campaigns.ids, None)),
            ("pos_ecom_simulated", feeds.pos(net, m.ecom, discount, campaigns.of, campaigns.ids, customer)),
        ],
        **{feed: [(feed, table)] for feed, table in tables.items()},
    }


def _plans(
    m: _Movements, source: Source, truth: Truth, campaigns: masters.Campaigns, seed: int
) -> dict[str, dict[int, pa.Table]]:
    net = m.net
    refresh = [int(np.flatnonzero(source.dates == np.datetime64(d))[0]) for d in MASTER_DATES]
    run_days = [int(np.flatnonzero(source.dates == np.datetime64(d))[0]) for d in DEMO_RUN_DATES]

    def fixed() -> np.random.Generator:  # the same draws for every picture of a master
        return np.random.default_rng([seed, 13])

    slips = np.random.default_rng([seed, 14])
    return {
        "items": {t: masters.items(net, source, v, fixed()) for v, t in enumerate(refresh)},
        "locations": {t: masters.locations(net, m.flows, m.dc) for t in refresh},
        "inventory_snapshot": {
            t: masters.inventory_snapshot(net, truth, m.late, t, slips)
            for t in range(0, net.days, masters.SNAPSHOT_EVERY)
        },
        "lanes": {t: masters.lanes(net) for t in refresh},
        "purchase_orders": {
            t: masters.purchase_orders(net, m.bought, t)
            for t in range(net.days)
            if masters.is_po_date(net, t, run_days)
        },
        "promotions": {t: campaigns.picture(net, t) for t in range(net.days) if t == 0 or net.weekday[t] == 0},
        "assortment": {t: masters.assortment(net, v, fixed()) for v, t in enumerate(refresh)},
    }


def build_world(seed: int = DEMO_SEED) -> World:
    """Build the demo in memory (about 1 s, 0.4 GB peak); equal seeds give equal worlds.

    Raises:
        ValueError: the packaged data files are damaged.
    """
    source = load_source()
    moves = _simulate(source, seed)
    truth, damaged = _truth(moves, seed)
    campaigns = masters.Campaigns(moves.net, source)
    return World(
        seed,
        source,
        moves.net,
        _transactions(moves, source, truth, damaged, campaigns, seed),
        _plans(moves, source, truth, campaigns, seed),
        truth,
    )
