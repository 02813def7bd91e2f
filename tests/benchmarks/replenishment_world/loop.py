"""Every policy in every seed's world, and what the differences say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tests.benchmarks.figures import t_interval
from tests.benchmarks.replenishment_world.outlooks import Average, Learned, fit
from tests.benchmarks.replenishment_world.shelf import Outcome, run
from tests.benchmarks.replenishment_world.shops import COVER, Cover, Normal, Ours, Spread
from tests.benchmarks.replenishment_world.world import draw_costs, draw_world, load, opening_stock, perfect_foresight

#: As an ERP sets them: reorder at 8 days (lead time and 3 of safety) up to 15; min 7 and max 14 days; z of 98 %.
ERP = {"s_S": (Cover, (8.0, 15.0)), "min_max": (Cover, (7.0, 14.0)), "base_stock_z": (Normal, (2.054,))}
#: Parameters among which a peer finds its best; the ERP's own are among them.
GRIDS = {
    "s_S": [(8.0, 15.0)] + [(s, s + lot) for s in (10.0, 11.0, 11.5, 12.0, 13.0, 14.0, 16.0, 18.0) for lot in (1.0, 4.0)],
    "min_max": [(7.0, 14.0)] + [(s, s) for s in (10.0, 11.0, 11.5, 12.0, 12.5, 13.0, 14.0, 16.0, 18.0)],
    "base_stock_z": [(z,) for z in (2.054, 3.0, 4.0, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0)],
}
#: Not a peer: z times the deviation of the whole horizon, level and overtaking lead times in it.
ABLATION = [(z,) for z in (3.0, 3.5, 4.0)]

Results = dict[tuple, list[Outcome]]


def simulate(seeds: Sequence[int], *, tell: Callable[[str], None] = print) -> tuple[Results, list[float]]:
    """Outcomes by (policy, forecast, parameters), a list in the order of the seeds, and the cost of perfect foresight."""
    fresh, results, foresight = load(), {}, []
    costs, start, fitted = draw_costs(fresh), opening_stock(fresh), fit(fresh.panel)
    outlooks = {"average": partial(Average, fresh.panel), "ours": partial(Learned, fresh.panel, fitted, COVER)}
    shops = [(name, of, at, ERP[name][0]) for name in ERP for of in outlooks for at in GRIDS[name]]
    shops += [("spread_z", "ours", at, Spread) for at in ABLATION]
    for seed in seeds:
        world = draw_world(fresh, seed)
        foresight.append(perfect_foresight(world, costs))

        def played(policy, world=world):
            return run(world, fresh.profile, costs, start, policy)

        results.setdefault(("ours", "ours", ()), []).append(played(Ours(outlooks["ours"](), costs)))
        for name, of, at, shop in shops:
            results.setdefault((name, of, at), []).append(played(shop(outlooks[of](), *at)))
        tell(f"seed {seed}: ours {results['ours', 'ours', ()][-1].cost:.0f}, foresight {foresight[-1]:.0f}")
    return results, foresight


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and 95 % interval (Student's t) over seeds."""
    mean, half = t_interval(values)
    return {"mean": mean, "low": mean - half, "high": mean + half}


def costs_of(runs: list[Outcome]) -> np.ndarray:
    """Money by seed."""
    return np.array([r.cost for r in runs])


def best(results: Results, name: str, of: str) -> tuple:
    """The key of a peer at the parameters that cost least on these very seeds."""
    return min((k for k in results if k[:2] == (name, of)), key=lambda k: costs_of(results[k]).mean())


def saving(results: Results, key: tuple) -> dict[str, float]:
    """Percent by which ours costs less than a peer, by seed."""
    return interval(100.0 * (1.0 - costs_of(results["ours", "ours", ()]) / costs_of(results[key])))


def split(results: Results, name: str) -> dict[str, dict[str, float]]:
    """Money between a peer as an ERP runs it and ours: what our forecast brings it at its own parameters, and the policy."""
    at = ERP[name][1]
    erp, with_ours = (costs_of(results[name, of, at]) for of in ("average", "ours"))
    tuned = [costs_of(results[best(results, name, of)]) for of in ("average", "ours")]
    ours = costs_of(results["ours", "ours", ()])
    return {
        "forecast": interval(erp - with_ours),
        "policy": interval(with_ours - ours),
        "forecast_at_best_parameters": interval(tuned[0] - tuned[1]),
        "policy_at_best_parameters": interval(tuned[1] - ours),
    }


def gap_closed(results: Results, foresight: Sequence[float], key: tuple) -> dict[str, float]:
    """Share of the way from a peer to perfect foresight, percent."""
    peer, ours = costs_of(results[key]), costs_of(results["ours", "ours", ()])
    return interval(100.0 * (peer - ours) / (peer - np.asarray(foresight)))


def stock_at_equal_fill(results: Results, name: str, of: str) -> dict[str, float]:
    """Percent less stock of ours than a peer's at the same fill rate, along the peer's frontier; nan beyond it."""
    out = []
    for seed, ours in enumerate(results["ours", "ours", ()]):
        points = sorted((r[seed].fill, r[seed].stock) for k, r in results.items() if k[:2] == (name, of))
        # The frontier: what another setting beats in both is no point of it.
        points = [p for k, p in enumerate(points) if all(p[1] < later[1] for later in points[k + 1 :])]
        fill, stock = (np.array(values) for values in zip(*points, strict=True))
        inside = fill[0] <= ours.fill <= fill[-1]
        out.append(100.0 * (1.0 - ours.stock / np.interp(ours.fill, fill, stock)) if inside else np.nan)
    return interval(out)
