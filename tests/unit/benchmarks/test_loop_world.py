"""The closed-loop benchmark: worlds, peers and the simulator, by hand and against a plain simulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.benchmarks.figures import t_interval
from tests.benchmarks.loop_world import peers, report
from tests.benchmarks.loop_world.chain import World, capacities, generated_chain, pooled_lost
from tests.benchmarks.loop_world.forecast import at_least
from tests.benchmarks.loop_world.ours import Plan
from tests.benchmarks.loop_world.replay import replayed_slice, restored
from tests.benchmarks.loop_world.simulate import Calendar, Outcome, View, days_of, simulate


def _tiny(
    demand, inbound, lead=(2,), pack=(2,), start_store=(3,), start_dc=(10,), cap=-1, receiving=(-1,), warm_up=0
) -> World:
    """A world of SKUs x stores that ships on Mondays and Thursdays."""
    stores, skus = len(lead), len(pack)
    ships = np.zeros((stores, 7), bool)
    ships[:, [0, 3]] = True
    demand = np.asarray(demand, np.int32)
    return World(
        sku=np.repeat(np.arange(skus), stores), store=np.tile(np.arange(stores), skus), demand=demand,
        inbound=np.vstack([inbound, np.zeros((14, skus), np.int64)]), lead=np.array(lead), ships=ships, pack=np.array(pack),
        price=np.full(skus, 10.0), start_store=np.array(start_store), start_dc=np.array(start_dc),
        mean=np.maximum(demand.mean(axis=0), 0.1), dispatch_cap=cap, receiving_cap=np.array(receiving), warm_up=warm_up,
    )  # fmt: skip


def _small_chain(binding: bool, seed: int = 1) -> World:
    return generated_chain(seed, 1.05, binding, skus=4, stores=6, weeks=2)


def _view(world: World, **changes) -> View:
    n, m = len(world.sku), len(world.pack)
    fields = {
        "day": 2, "world": world, "position": np.zeros(n, np.int64), "mean": np.ones(n), "spread": np.ones(n),
        "level_variance": 0.0, "wait": np.zeros(n, np.int64), "gap": np.full(n, 3), "lead": world.lead[world.store],
        "dc": np.full(m, 100), "inbound_days": np.full(m, 7), "inbound_units": np.full(m, 10), "cycle_days": np.full(m, 14),
    }  # fmt: skip
    return View(**(fields | changes))


def test_two_weeks_of_one_pair_by_hand():
    # Sunday's close (day 6) ships for Monday, arrival on Wednesday (day 9); Wednesday's close (2) ships for Thursday (3), arrival day 5.
    demand = [[1]] * 14
    world = _tiny(demand, np.zeros((14, 1), np.int64))
    sent = []

    def two_at_most(view: View) -> np.ndarray:
        units = np.where(view.wait == 0, np.minimum(2, view.dc[view.world.sku]), 0)
        sent.append(int(units[0]))
        return units

    days = list(days_of(world, two_at_most))
    assert [day for day, units in enumerate(sent) if units] == [2, 6, 9, 13]
    # 3 units sell on days 0-2; days 3, 4 are empty; 2 units arrive on 5, 2 on 9, 2 on 12.
    assert [int(d.sold[0]) for d in days] == [1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1]
    assert [int(d.stock[0]) for d in days] == [2, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0]
    out = simulate(world, two_at_most)
    dc = 10 * 2 + 8 * 4 + 6 * 3 + 4 * 4 + 2
    cost = 0.0015 * 10 * 6 + 0.0005 * 10 * dc + 0.02 * 10 * 8 + 0.30 * 4
    assert out.profit == pytest.approx(100 * (4.5 * 9 - cost) / (4.5 * 14))
    assert out.lost == pytest.approx(100 * 5 / 14)
    assert (out.store_stock, out.dc_stock, out.lines) == pytest.approx((6 / 14, dc / 14, 7 * 4 / 14))


@pytest.mark.parametrize("binding", [False, True])
def test_days_equal_a_plain_simulator_and_no_unit_is_lost(binding):
    world = _small_chain(binding)
    days = list(days_of(world, peers.BaseStock(0.9, "proportional", "urgent")))
    stock, dc = list(world.start_store), list(world.start_dc)
    arrivals: dict[tuple[int, int], int] = {}
    for d in days:
        for row in range(len(world.pack)):
            dc[row] += world.inbound[d.day, row]
        for pair in range(len(world.sku)):
            stock[pair] += arrivals.pop((d.day, pair), 0)
            sold = min(stock[pair], world.demand[d.day, pair])
            stock[pair] -= sold
            assert (sold, stock[pair]) == (d.sold[pair], d.stock[pair])
            under_way = sum(units for (_, at), units in arrivals.items() if at == pair)
            assert under_way == d.coming[pair]
            dc[world.sku[pair]] -= d.units[pair]
            if d.units[pair]:
                assert world.ships[world.store[pair], (d.day + 1) % 7]
                arrivals[d.day + 1 + world.lead[world.store[pair]], pair] = d.units[pair]
        assert dc == list(d.dc)
    came = world.start_store.sum() + world.start_dc.sum() + world.inbound[: world.days].sum()
    assert came == sum(d.sold.sum() for d in days) + sum(stock) + sum(dc) + sum(arrivals.values())
    assert sum(d.units.sum() for d in days) > 0


@pytest.mark.parametrize(
    "policy",
    [
        Plan(),
        peers.MinMax(1.8),
        *(peers.BaseStock(0.95, share, cut) for share in ("proportional", "cover") for cut in ("urgent", "pro_rata")),
    ],
)
def test_every_policy_keeps_binding_capacities_and_ships_as_much_as_matters(policy):
    world = _small_chain(binding=True)
    days = list(days_of(world, policy))
    load = [np.bincount(world.store, d.units, 6) for d in days]
    assert max(d.units.sum() for d in days) <= world.dispatch_cap
    assert (np.max(load, axis=0) <= world.receiving_cap).all()
    # A limit that no day comes near would test nothing.
    assert max((units / world.receiving_cap).max() for units in load) > 0.8


def test_a_plan_over_a_limit_is_refused():
    world = _tiny([[1]] * 7, np.zeros((7, 1), np.int64), cap=4, receiving=(4,))
    for units, words in ((6, "dispatch"), (3, "broken case"), (12, "than the DC has")):
        with pytest.raises(AssertionError, match=words):
            simulate(world, lambda view, units=units: np.where(view.wait == 0, units, 0))
    with pytest.raises(AssertionError, match="without a departure"):
        simulate(world, lambda view: np.array([2]))


@pytest.mark.parametrize("world_of", [lambda seed: _small_chain(True, seed), lambda seed: replayed_slice(seed, 0.95)])
def test_a_seed_gives_one_world_and_another_seed_another(world_of):
    first, again, other = world_of(3), world_of(3), world_of(4)
    for name in ("demand", "inbound", "lead", "pack", "price", "start_store", "receiving_cap"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.inbound, other.inbound)
    assert (np.diff(first.sku * len(first.lead) + first.store) > 0).all()
    assert len(first.inbound) == first.days + 14


def test_same_seed_same_outcome():
    world = _small_chain(True)
    assert simulate(world, Plan()) == simulate(_small_chain(True), Plan())
    assert simulate(world, peers.MinMax(1.5)) == simulate(world, peers.MinMax(1.5))


def test_a_biased_forecast_is_seen_but_not_learned():
    world, seen = _small_chain(False), {}
    for scale in (1.0, 0.8):
        seen[scale] = []

        def nothing(view: View, scale=scale) -> np.ndarray:
            seen[scale].append(view.mean)
            return np.zeros(len(view.mean), np.int64)

        simulate(world, nothing, scale)
    assert np.allclose(0.8 * np.array(seen[1.0]), seen[0.8], rtol=1e-12, atol=1e-4)


def test_next_inbound_and_shipping_days_by_hand():
    inbound = np.zeros((7, 1), np.int64)
    inbound[2], inbound[5] = 4, 6
    calendar = Calendar(_tiny([[1]] * 7, inbound))
    assert calendar.next_days[:5, 0].tolist() == [2, 1, 3, 2, 1]
    assert calendar.next_units[:5, 0].tolist() == [4, 4, 6, 6, 6]
    # Ships on Mondays (0) and Thursdays (3): at Sunday's close the next departure is tomorrow, the one after 3 days later.
    assert calendar.wait[:, 0].tolist() == [2, 1, 0, 3, 2, 1, 0]
    assert calendar.gap[:, 0].tolist() == [4, 4, 4, 3, 3, 3, 3]


def test_unavoidable_lost_sales_pool_the_stores():
    inbound = np.zeros((4, 1), np.int64)
    inbound[2] = 2
    world = _tiny(
        [[3, 0], [0, 4], [1, 1], [2, 2]], inbound, lead=(2, 2), start_store=(1, 1), start_dc=(4,), receiving=(-1, -1)
    )
    # 6 units pooled: 3, then 3 of 4, then 2 of 2, then 0 of 4.
    assert pooled_lost(world) == pytest.approx(5 / 13)
    assert pooled_lost(replace(world, warm_up=2)) == pytest.approx(4 / 6)


def test_capacities_follow_the_mean_load():
    ships = np.zeros((2, 7), bool)
    ships[0, [0, 3]], ships[1, [0, 2, 4]] = True, True
    dispatch, receiving = capacities(np.array([10.0, 20.0]), np.array([0, 1]), ships, binding=True)
    assert dispatch == 35  # 30 a day, seven days in six
    assert receiving.tolist() == [38, 51]  # 1.1 x 35, 1.1 x 46.67


def test_base_stock_orders_up_to_the_fractile():
    world = _tiny([[1, 1]], np.zeros((1, 1), np.int64), lead=(2, 2), pack=(4,), start_store=(0, 0), receiving=(-1, -1))
    # Poisson of mean 5 over lead time and review: P(D <= 7) = 0.867, P(D <= 8) = 0.932, so the .9 fractile is 8.
    view = _view(world, position=np.array([0, 1]))
    assert peers.base_stock_cases(view, 0.9).tolist() == [2, 2]
    assert peers.base_stock_cases(_view(world, position=np.array([3, 8])), 0.9).tolist() == [2, 0]
    # 5/4 of a case: up with 1.0 gives 2; with 0.8 a fifth may stay unmet, and it does not.
    assert peers.base_stock_cases(_view(world, position=np.array([3, 4])), 0.9, 0.8).tolist() == [2, 1]
    assert peers.base_stock_cases(_view(world, position=np.array([3, 7])), 0.9, 0.5).tolist() == [1, 0]
    assert peers.base_stock_cases(_view(world, wait=np.array([0, 1])), 0.9).tolist() == [2, 0]


def test_proportional_share_gives_the_rest_to_the_largest_remainders():
    cases, row_ptr = np.array([5, 3, 2, 1]), np.array([0, 3, 4])
    # 7 of 10 cases: 3.5, 2.1, 1.4 -> 3, 2, 1 and one more to the first; the other row has enough.
    out = peers.share_proportional(cases, row_ptr, np.array([2, 1]), np.array([15, 9]), np.zeros(4))
    assert out.tolist() == [4, 2, 1, 1]


def test_most_urgent_first_goes_by_days_of_cover():
    sku, store, none = np.zeros(3, np.int64), np.arange(3), np.full(3, -1)
    cases, position, mean = np.array([2, 2, 2]), np.array([0, 2, 9]), np.ones(3)
    pack = np.array([4])
    # Cover of the cases in turn: 0 and 4; 2 and 6; 9 and 13 days.
    share = peers.most_urgent(cases, sku, store, pack, position, mean, np.array([13]), -1, none)
    assert share.tolist() == [2, 1, 0]
    with_limits = peers.most_urgent(cases, sku, store, pack, position, mean, np.array([99]), 16, np.array([4, -1, -1]))
    assert with_limits.tolist() == [1, 2, 1]


def test_min_max_serves_in_order_until_a_limit():
    sku, store = np.zeros(3, np.int64), np.arange(3)
    out = peers.first_come(
        np.array([2, 2, 2]), np.array([2, 0, 1]), sku, store, np.array([3]), np.array([13]), -1, np.array([5, -1, -1])
    )
    assert out.tolist() == [1, 1, 2]
    world = _tiny([[1, 1]], np.zeros((1, 1), np.int64), lead=(2, 2), pack=(4,), start_store=(0, 0), receiving=(-1, -1))
    # s = 2 x 5 = 10, S = 17: a position of 10 asks for 7 units = 2 cases, one of 11 for nothing.
    assert peers.MinMax(2.0)(_view(world, position=np.array([10, 11]))).tolist() == [8, 0]


def test_pro_rata_cuts_keep_the_cap_in_whole_cases():
    # 20 units on a cap of 12: factor 0.6, exact cases 3, 1.8, 0.6 -> 3, 1, 0 = 8 units; the case of 0.8 over fits (12).
    units = peers._cut(np.array([10, 6, 4]), np.array([2, 2, 4]), np.zeros(3, np.int64), np.array([12.0]), np.zeros(3))
    assert units.tolist() == [6, 4, 0]
    assert peers._cut(np.array([10]), np.array([2]), np.zeros(1, np.int64), np.array([10.0]), np.zeros(1)).tolist() == [
        10
    ]


def test_demand_above_a_sale_is_the_conditional_mean():
    # Poisson of mean 1 (spread 1): E[D | D >= 1] = 1 / (1 - 1/e).
    mean, squares = at_least(np.array([1.0]), np.array([1.0]), np.array([1]))
    above = 1 - np.exp(-1)
    assert mean[0] == pytest.approx(1 / above)
    assert squares[0] == pytest.approx(
        (1 - np.exp(-1)) / above
    )  # variance 1, less the square of 0 at D = 0 with weight 1/e


def test_restored_demand_adds_only_for_hours_out():
    units, hours_out = np.array([[8], [2], [6]]), np.array([[0], [12], [4]])
    draws = np.stack([restored(np.random.default_rng(seed), units, hours_out)[:, 0] for seed in range(2000)])
    assert (draws[:, 0] == 8).all() and (draws >= units[:, 0]).all()
    # 16 units in 32 hours in stock: half a unit an hour; standard errors 0.055 and 0.032.
    assert draws.mean(axis=0) == pytest.approx([8, 2 + 6, 6 + 2], abs=0.25)


def test_replay_days_without_an_empty_hour_stay_as_recorded():
    world = replayed_slice(5, 0.95)
    assert (world.days, len(world.lead), world.warm_up) == (90, 17, 21)
    assert 500 < len(world.sku) < 1100 and world.demand.min() >= 0


def test_interval_by_hand():
    # Mean 3, standard deviation sqrt(2.5), t(0.975, 4) = 2.776445 (table).
    mean, half = t_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert mean == 3 and half == pytest.approx(2.776445 * np.sqrt(2.5 / 5), rel=1e-6)


def _outcome(profit: float, stock: float) -> Outcome:
    return Outcome(profit, 0.0, stock, 0.0, 0.0, None)


def test_a_parameter_at_an_end_of_its_grid_is_marked():
    # Two roundings are all there are; of three levels the first and the last are ends.
    grid = {(rounding, level): _outcome(0.0, 0.0) for rounding in (0.8, 1.0) for level in (0.9, 0.95, 0.99)}
    assert [report.at_grid_end(grid, (1.0, level)) for level in (0.9, 0.95, 0.99)] == [True, False, True]


def test_equal_stock_interpolates_and_takes_the_better_rounding():
    grid = {
        (0.8, 0.9): _outcome(80, 4),
        (0.8, 0.95): _outcome(82, 6),
        (1.0, 0.9): _outcome(70, 5),
        (1.0, 0.95): _outcome(90, 7),
    }
    assert report.at_stock(grid, 5.0) == pytest.approx(81)
    assert report.at_stock(grid, 6.5) == pytest.approx(85)
    assert report.at_stock(grid, 1.0) == pytest.approx(80)
    assert report.best_parameter([grid, {key: _outcome(60, 1) for key in grid}]) == (1.0, 0.95)
