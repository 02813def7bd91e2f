"""A probability for every stock record that it is wrong: a Bayesian filter over the record's error.

Each pair carries a distribution of its true stock (as error = true - book). A day's facts move it:

- unrecorded losses and gains happen at a rate per day and per unit of demand; a receipt line is booked wrong with a
  small probability (a case short or over, a few units, the whole line);
- a sale proves stock; a day without one speaks against it, the more the more was expected (negative binomial demand
  with an uncertain rate, so that a long run without sales is evidence, not proof);
- selling more than the book held proves hidden stock; a shelf seen empty (`stock_outs`) speaks for none;
- a count sets it, up to a small error of the counter, whether or not its correction is posted;
- a restated book (late facts) moves the error, not the shelf.

Rates per location are learned: what counts found against what was predicted just before them, errors of more than a case.

Defaults are set from published audits: 65 % of about 370,000 records of 37 stores wrong a year after the last audit, a
fifth of the wrong ones by six units or more (DeHoratius and Raman, Management Science 54(4), 2008); half of the records
right and three quarters within five units (Kang and Gershwin, IIE Transactions 37(9), 2005).

What counts find also calibrates the chances: of records given such a chance before a count, by classes of chance and of
demand, the share that was wrong (again shrunk: few counts change little). Counts are chosen by class and by the list, not
by what is on the shelf, so they speak for the records that were not counted.

Known drawbacks: pairs are filtered one by one (a mis-pick that fills a sibling is seen from one side only); stock in
the back room that is not on the shelf looks like no stock; the grid blurs errors far out.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

NEVER = -1
#: Errors gathered before a book opened are drawn in so many steps, whatever the age.
_AGING_STEPS = 4
#: Why a record is believed or not, strongest first (index = code).
EVIDENCE = (
    "none",
    "negative_book",
    "count",
    "shelf_seen_empty",
    "sold_beyond_book",
    "no_sale_since_receipt",
    "zero_sales",
    "age",
)


@dataclass(frozen=True)
class FilterSettings:
    """Constants of the filter; rates are per pair and day.

    loss_base + loss_per_unit x daily demand = chance of an unrecorded loss in a day; gain_per_unit x (demand + sales) / 2
    that of a unit too many; receipt_error = share of receipt lines booked wrong. loss_sizes: rows (share, units, cases),
    what is left of the shares takes all there is. receipt_sizes: rows (share, units, cases, whole line), losses negative.
    rate_shape: gamma shape of the demand rate's uncertainty. level_half_life_days: how fast the demand level from before a run
    without sales is forgotten. slip: chance of a fact that cannot be. shelf_reliability: chance that `stock_outs` says
    what the shelf was. count_hit: chance that a count is exact. opening_age_days: days of error that a book has
    gathered before its opening. prior_counts: weight, in predicted errors, of the network's factor at a location.
    """

    loss_base: float = 0.0008
    loss_per_unit: float = 0.002
    gain_per_unit: float = 0.0015
    receipt_error: float = 0.02
    loss_sizes: tuple[tuple[float, float, float], ...] = (
        (0.45, 1, 0), (0.2, 2, 0), (0.1, 4, 0), (0.15, 0, 1), (0.03, 0, 2),
    )  # fmt: skip
    receipt_sizes: tuple[tuple[float, float, float, float], ...] = (
        (0.2, -1, 0, 0), (0.3, 0, -1, 0), (0.15, 0, 0, -1), (0.15, 1, 0, 0), (0.2, 0, 1, 0),
    )  # fmt: skip
    rate_shape: float = 10.0
    level_half_life_days: float = 56.0
    slip: float = 0.0002
    shelf_reliability: float = 0.9
    count_hit: float = 0.96
    opening_age_days: int = 120
    prior_counts: float = 2.0


@dataclass
class RecordState:
    """What is carried from day to day, per pair (n): `mass` (n, states) float32 distribution of the error; `book` int64
    closing book it stands on; `run` (n, 3) float64 expected units and days of the run without sales and the demand level
    before it; `days_since_count` int64 (-1 never); `days_since_receipt` int64 (-1 never, or sold since)."""

    mass: np.ndarray
    book: np.ndarray
    run: np.ndarray
    days_since_count: np.ndarray
    days_since_receipt: np.ndarray


#: Classes of chance and of daily demand within which chances are held against what counts found.
CHANCE_EDGES = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9])
DEMAND_EDGES = np.array([0.3, 1.0, 3.0])
CELLS = (len(DEMAND_EDGES) + 1, len(CHANCE_EDGES) + 1)


@dataclass
class Learned:
    """What counts have taught.

    Per location (m): factors of the hazards of losses and of gains, and the errors predicted so far, which give them
    their inertia. Per class of demand and chance (CELLS): wrong records found, and predicted.
    """

    loss_factor: np.ndarray
    loss_weight: np.ndarray
    gain_factor: np.ndarray
    gain_weight: np.ndarray
    found_wrong: np.ndarray
    predicted_wrong: np.ndarray

    @staticmethod
    def nothing(locations: int) -> Learned:
        """No count seen yet."""
        ones, none = np.ones(locations), np.zeros(locations)
        return Learned(ones, none, ones.copy(), none.copy(), np.zeros(CELLS), np.zeros(CELLS))

    def calibrated(self, chance: np.ndarray, daily_mean: np.ndarray, settings: FilterSettings) -> np.ndarray:
        """Chances (n,) as experience has it: found over predicted of their class, shrunk to that of the demand class, and
        that to 1."""
        prior = settings.prior_counts
        found, predicted = self.found_wrong, self.predicted_wrong
        of_demand = (prior + found.sum(1, keepdims=True)) / (prior + predicted.sum(1, keepdims=True))
        ratio = (prior * of_demand + found) / (prior + predicted)
        return np.minimum(
            chance * ratio[np.searchsorted(DEMAND_EDGES, daily_mean), np.searchsorted(CHANCE_EDGES, chance)], 0.995
        )


@dataclass(frozen=True)
class Facts:
    """One day's facts per pair (n), units int64 unless said otherwise.

    `location` int code; `opening`, `closing` book; `sales`; `received` good units of receipts, `returned` restocked;
    `moved` transfers out; `corrected` signed units that changed the book and not the shelf (count corrections,
    adjustments but damage, disposal and samples); `counted` (-1 = not counted) and `variance` of the day's last count
    against the book without the day's corrections; `share_out` float share of the day seen out of stock (NaN = not
    seen); `is_open` bool: a sale could have happened; `daily_mean`, `dispersion` (variance-to-mean) of demand; `case_pack`.
    What is left between opening and closing (damage, disposals) moved shelf and book alike.
    """

    location: np.ndarray
    opening: np.ndarray
    closing: np.ndarray
    sales: np.ndarray
    received: np.ndarray
    returned: np.ndarray
    moved: np.ndarray
    corrected: np.ndarray
    counted: np.ndarray
    variance: np.ndarray
    share_out: np.ndarray
    is_open: np.ndarray
    daily_mean: np.ndarray
    dispersion: np.ndarray
    case_pack: np.ndarray


@dataclass(frozen=True)
class Beliefs:
    """Per pair (n): probabilities that the record is wrong enough to change a decision, that nothing is there (phantom),
    that more than a case too many is there (hidden); `expected_units` (mean) and `believed_units` on
    hand, its median; `missing_units`, `excess_units` expected below and above the book by errors of more than a case;
    `zero_sales_days`, `zero_sales_units` of the current run; `days_since_count` (-1 never); `evidence` index."""

    probability_wrong: np.ndarray
    probability_empty: np.ndarray
    probability_hidden: np.ndarray
    expected_units: np.ndarray
    believed_units: np.ndarray
    missing_units: np.ndarray
    excess_units: np.ndarray
    zero_sales_days: np.ndarray
    zero_sales_units: np.ndarray
    days_since_count: np.ndarray
    evidence: np.ndarray = field(repr=False)


def new_state(book, daily_mean, case_pack, settings: FilterSettings, *, age_days=None, threads: int = 2) -> RecordState:
    """State of pairs that are first seen: their book and the errors that `age_days` (n,) without a count have left.

    age_days None = `opening_age_days` for all (a book taken over from a snapshot); 0 = a record that begins empty.
    """
    from allocation_assets.records._kernels import STATES, ZERO

    n = len(book)
    state = RecordState(
        np.zeros((n, STATES), np.float32),
        np.asarray(book, np.int64).copy(),
        np.zeros((n, 3)),
        np.full(n, NEVER),
        np.full(n, NEVER),
    )
    state.mass[:, ZERO] = 1.0
    ages = np.full(n, settings.opening_age_days) if age_days is None else np.asarray(age_days, np.int64)
    idle = _idle_day(state.book, np.asarray(daily_mean, np.float64), np.asarray(case_pack, np.int64))
    for _ in range(_AGING_STEPS):
        _advance(state, idle, Learned.nothing(1), settings, ages / _AGING_STEPS, threads=threads)
    state.run[:] = 0.0
    return state


def update_beliefs(
    state: RecordState, facts: Facts, learned: Learned, settings: FilterSettings, *, days=1, threads: int = 2
) -> tuple[RecordState, Learned, Beliefs]:
    """Take one day's facts in; returns the new state, what counts taught, and what is believed at the close.

    All arrays are aligned (n pairs); `learned` is per location code; `days` (scalar or (n,)) since the facts before, in
    which errors can have happened (0 = the record does not exist yet). The arguments are not changed. Deterministic for
    any number of threads and any cut of the pairs into shards (learn from all shards' counts before the next day).
    Raises ValueError when a fact's array has another length than the state.
    """
    n = len(state.book)
    for name, values in vars(facts).items():
        if len(values) != n:
            raise ValueError(
                f"records: {name} has {len(values)} rows, the state has {n}; align facts and state by pair"
            )
    state = RecordState(*(values.copy() for values in vars(state).values()))
    found = _advance(state, facts, learned, settings, days, threads)
    is_counted = facts.counted >= 0
    state.days_since_count = np.where(
        is_counted, 0, np.where(state.days_since_count >= 0, state.days_since_count + days, NEVER)
    )
    waiting = np.where(state.days_since_receipt >= 0, state.days_since_receipt + days, NEVER)
    waiting = np.where(facts.received > 0, 0, waiting)
    state.days_since_receipt = np.where(facts.sales > 0, NEVER, waiting)
    learned = _learn(learned, facts, found, is_counted, settings)
    return state, learned, believe(state, facts, learned, settings, threads=threads)


def believe(
    state: RecordState, facts: Facts, learned: Learned, settings: FilterSettings, *, threads: int = 2
) -> Beliefs:
    """What a state says of each record, as experience has it.

    `believed_units` is the median: a plan on it lost least in simulation (docs/benchmarks/phantom_stock.json), the mean
    sends stock to shelves that are probably right.
    """
    from allocation_assets.records._kernels import chances, summarise

    n = len(state.book)
    chance, out = np.empty(n), np.empty((n, 6))
    steps, pack = steps_of(facts.case_pack), np.asarray(facts.case_pack, np.int64)
    _in_shards(lambda lo, hi: chances(lo, hi, state.mass, state.book, steps, pack, chance), n, threads)
    wrong = learned.calibrated(chance, np.asarray(facts.daily_mean, np.float64), settings)
    scales = wrong / np.maximum(chance, 1e-12), (1.0 - wrong) / np.maximum(1.0 - chance, 1e-12)
    _in_shards(lambda lo, hi: summarise(lo, hi, state.mass, state.book, steps, pack, *scales, out), n, threads)
    empty, hidden, mean, median, missing, excess = out.T
    days = state.run[:, 1].astype(np.int64)
    return Beliefs(
        wrong, np.minimum(empty, wrong), np.minimum(hidden, wrong), mean, median.astype(np.int64), missing, excess, days,
        state.run[:, 0].copy(), state.days_since_count.copy(), _evidence(state, facts, wrong),
    )  # fmt: skip


def steps_of(case_pack) -> np.ndarray:
    """Units between neighbouring points of the grid near zero (n,) int64: a sixth of a case, at least one unit."""
    return np.maximum(np.asarray(case_pack, np.int64) // 6, 1)


def _evidence(state: RecordState, facts: Facts, wrong: np.ndarray) -> np.ndarray:
    """Index into EVIDENCE: the strongest thing that the facts say of the record."""
    available = facts.opening + facts.received + facts.returned
    rules = [
        (state.book < 0, "negative_book"),
        (state.days_since_count == 0, "count"),
        ((facts.share_out >= 1.0) & (facts.sales == 0) & (state.book > 0), "shelf_seen_empty"),
        (facts.sales + facts.moved > available, "sold_beyond_book"),
        ((state.run[:, 1] >= 2) & (state.book > 0) & (state.days_since_receipt >= 2), "no_sale_since_receipt"),
        ((state.run[:, 1] >= 2) & (state.book > 0), "zero_sales"),
        (wrong > 0.05, "age"),
    ]
    return np.select([rule for rule, _ in rules], [EVIDENCE.index(name) for _, name in rules], 0).astype(np.int8)


def _advance(
    state: RecordState, facts: Facts, learned: Learned, settings: FilterSettings, days, threads: int
) -> np.ndarray:
    """Move the state in place by `days` (scalar or (n,)) of hazard; returns (n, 3) chances of a loss, a gain and a wrong
    record before a count."""
    from allocation_assets.records._kernels import update_pairs

    s, n = settings, len(state.book)
    losses, gains = learned.loss_factor, learned.gain_factor
    whole = (facts.opening, facts.closing, facts.sales, facts.received, facts.returned, facts.moved, facts.corrected,
             facts.counted, facts.variance, facts.case_pack)  # fmt: skip
    units = np.column_stack([np.asarray(values, np.int64) for values in whole])
    dispersion = np.maximum(facts.dispersion, 1.0 + 1e-6)
    odds = np.column_stack([np.asarray(v, np.float64) for v in (facts.daily_mean, dispersion, facts.share_out)])
    hazards = losses[facts.location] * days, gains[facts.location] * days
    rates = np.column_stack([np.asarray(facts.is_open, np.float64), *hazards, steps_of(facts.case_pack)])
    constants = np.array([s.rate_shape, s.level_half_life_days, s.slip, s.shelf_reliability, s.count_hit, s.loss_base,
                          s.loss_per_unit, s.gain_per_unit, s.receipt_error])  # fmt: skip
    loss_sizes, receipt_sizes = np.array(s.loss_sizes, np.float64), np.array(s.receipt_sizes, np.float64)
    found = np.zeros((n, 3))

    def work(lo: int, hi: int) -> None:
        update_pairs(
            lo, hi, state.mass, state.book, state.run, units, odds, rates, loss_sizes, receipt_sizes, constants, found
        )

    _in_shards(work, n, threads)
    return found


def _learn(
    learned: Learned, facts: Facts, found: np.ndarray, is_counted: np.ndarray, settings: FilterSettings
) -> Learned:
    """Add the day's counts. Errors of more than a case teach: small ones change no decision and are many.

    found (n, 3): chances of such a loss, of such a gain and of a wrong record just before the count.
    """
    at = np.flatnonzero(is_counted)
    location = facts.location[at]
    cell = np.searchsorted(DEMAND_EDGES, facts.daily_mean[at]) * CELLS[1] + np.searchsorted(CHANCE_EDGES, found[at, 2])
    counted, variance, pack = facts.counted[at], facts.variance[at], facts.case_pack[at]
    loss, gain = (variance < -pack) | ((counted == 0) & (variance < 0)), variance > pack

    def per(where: np.ndarray, weights: np.ndarray, like: np.ndarray) -> np.ndarray:
        return np.bincount(where, weights, like.size).reshape(like.shape)

    losses = _nudged(learned.loss_factor, learned.loss_weight, per(location, loss, learned.loss_factor),
                     per(location, found[at, 0], learned.loss_factor), settings.prior_counts)  # fmt: skip
    gains = _nudged(learned.gain_factor, learned.gain_weight, per(location, gain, learned.gain_factor),
                    per(location, found[at, 1], learned.gain_factor), settings.prior_counts)  # fmt: skip
    return Learned(
        *losses, *gains,
        learned.found_wrong + per(cell, loss | gain, learned.found_wrong),
        learned.predicted_wrong + per(cell, found[at, 2], learned.found_wrong),
    )  # fmt: skip


def _nudged(factor, weight, found, predicted, prior: float) -> tuple[np.ndarray, np.ndarray]:
    """Factors (m,) moved towards what was found over what was predicted with them, and the new weights.

    The network moves as one by its sums, each location beyond it by its own, with four times the inertia: factor x
    (prior + weight + found) / (prior + weight + predicted). At rest predictions equal findings (Robbins and Monro, 1951).
    """
    before = weight.sum()
    network = (prior + before + found.sum()) / (prior + before + predicted.sum())
    own = (4 * prior + weight + found) / (4 * prior + weight + predicted * network)
    return np.clip(factor * network * own, 0.125, 8.0), weight + predicted


def _idle_day(book: np.ndarray, daily_mean: np.ndarray, case_pack: np.ndarray) -> Facts:
    """A day on which nothing is seen: the location closed, nothing sold, nothing moved."""
    n = len(book)
    zero = np.zeros(n, np.int64)
    return Facts(
        zero, book, book, zero, zero, zero, zero, zero, zero - 1, zero, np.full(n, np.nan), np.zeros(n, bool), daily_mean,
        np.full(n, 1.5), case_pack,
    )  # fmt: skip


def _in_shards(work, n: int, threads: int) -> None:
    """Run work(lo, hi) over the pairs; each pair stands alone, so the cut does not matter."""
    cuts = np.linspace(0, n, 4 * threads + 1).astype(int) if n > 20_000 and threads > 1 else np.array([0, n])
    ranges = [(int(lo), int(hi)) for lo, hi in pairwise(cuts) if hi > lo]
    if len(ranges) <= 1:
        for lo, hi in ranges:
            work(lo, hi)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda cut: work(*cut), ranges))
