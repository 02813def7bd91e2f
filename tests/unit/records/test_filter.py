"""The filter of record errors: against enumeration of every path, and rule by rule."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from allocation_assets.records import filter as records
from allocation_assets.records.filter import (
    EVIDENCE,
    FilterSettings,
    Learned,
    RecordState,
    new_state,
    update_beliefs,
)
from tests.unit.records.world import day

SETTINGS = FilterSettings()


def sure(book: int, n: int = 1) -> RecordState:
    """Records known to be right."""
    return new_state(np.full(n, book), np.ones(n), np.full(n, 6), SETTINGS, age_days=np.zeros(n))


def aged(book: int) -> RecordState:
    """A record taken over from a snapshot, with the errors that the defaults presume of it."""
    return new_state([book], [1.0], [6], SETTINGS)


def run(state, *days, settings=SETTINGS, learned=None):
    learned = learned or Learned.nothing(1)
    for facts in days:
        state, learned, beliefs = update_beliefs(state, facts, learned, settings)
    return state, learned, beliefs


# --- enumeration -------------------------------------------------------------------------------------------------

PLAIN = replace(
    SETTINGS, loss_base=0.05, loss_per_unit=0.03, gain_per_unit=0.02, receipt_error=0.1,
    loss_sizes=((0.5, 1, 0), (0.3, 2, 0)), receipt_sizes=((0.4, -1, 0, 0), (0.2, 1, 0, 0), (0.1, 0, 0, -1)),
)  # fmt: skip


def _zero_run_odds(mean: float, d: float, run: float, shape: float) -> tuple[float, float]:
    exposure = mean * math.log(d) / (d - 1)
    return ((shape + run) / (shape + run + exposure)) ** shape, exposure


def _nb(k: int, mean: float, d: float) -> float:
    size = mean / (d - 1)
    return math.exp(
        math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1) + size * math.log(1 / d) + k * math.log1p(-1 / d)
    )


def _enumerate(book: int, days: list[dict], s: FilterSettings) -> dict[int, float]:
    """Distribution of the true stock after the days, fact by fact over a dict of stocks: the documented model, no grid."""
    stock, zeros = {book: 1.0}, 0.0
    for facts in days:
        received, sales = facts.get("received", 0), facts.get("sales", 0)
        after: dict[int, float] = defaultdict(float)
        for units, p in stock.items():
            kept = 1.0
            for share, error, _, whole in s.receipt_sizes if received else ():
                after[units + received + max(error + whole * received, -received)] += p * s.receipt_error * share
                kept -= s.receipt_error * share
            after[units + received] += p * kept
        if sales:
            d = 1.2 + 1.0 / s.rate_shape
            equal = _nb(sales, 1.0, d)
            at_least, zeros = 1 - sum(_nb(k, 1.0, d) for k in range(sales)), 0.0
        else:
            equal, exposure = _zero_run_odds(1.0, 1.2, zeros, s.rate_shape)
            at_least, zeros = 1.0, zeros + exposure
        weighed: dict[int, float] = defaultdict(float)
        for u, p in after.items():
            weighed[max(u - sales, 0)] += p * (equal if u > sales else at_least if u == sales else s.slip)
        loss, gain = s.loss_base + s.loss_per_unit, s.gain_per_unit * (1 + sales) * 0.5
        stock = defaultdict(float)
        for units, p in weighed.items():
            if units == 0:
                stock[0] += p * (1 - gain)
                stock[1] += p * gain
                continue
            rest = 1.0
            for share, size, _ in s.loss_sizes:
                stock[max(units - size, 0)] += p * loss * share
                rest -= share
            stock[0] += p * loss * rest
            stock[units + 1] += p * gain
            stock[units] += p * (1 - loss - gain)
        total = sum(stock.values())
        stock = {u: p / total for u, p in stock.items()}
    return stock


@pytest.mark.parametrize(
    "days",
    [
        [{}, {}],
        [{"sales": 1}, {}],
        [{}, {"sales": 2}],
        [{"received": 1}, {"sales": 1}],
        [{"sales": 4}, {"received": 1, "sales": 1}],
        [{"sales": 3}, {}],
    ],
)
def test_the_filter_equals_enumeration_of_every_stock(days):
    """Book of 4, cases of 6 (step 1): within two days all but errors of five units (below 1e-4) have a point of their own."""
    book, facts = 4, []
    for each in days:
        closing = book + each.get("received", 0) - each.get("sales", 0)
        facts.append(day(opening=book, closing=closing, **each))
        book = closing
    state, _, beliefs = run(new_state([4], [1.0], [6], PLAIN, age_days=[0]), *facts, settings=PLAIN)
    truth = _enumerate(4, days, PLAIN)
    assert beliefs.expected_units[0] == pytest.approx(sum(u * p for u, p in truth.items()), abs=5e-5)
    assert float(state.mass[0, -1]) == pytest.approx(truth.get(0, 0.0), abs=5e-5)
    below = np.cumsum([truth.get(u, 0.0) for u in range(max(truth) + 1)])
    assert beliefs.believed_units[0] == np.argmax(below >= 0.5), "the median"


# --- rule by rule ------------------------------------------------------------------------------------------------


def test_a_longer_run_without_sales_speaks_ever_more_for_an_empty_shelf():
    state, seen = aged(8), []
    for _ in range(30):
        state, _, beliefs = update_beliefs(state, day(), Learned.nothing(1), SETTINGS)
        seen.append(beliefs.probability_empty[0])
    assert np.all(np.diff(seen) >= 0) and seen[0] < 0.15 < 0.7 < seen[-1]
    assert EVIDENCE[beliefs.evidence[0]] == "zero_sales"
    assert beliefs.zero_sales_days[0] == 30


def test_the_worked_example_of_the_methods_page():
    """docs/methods.md: prior 0.039, five days without a sale at one a day: 0.64."""
    _, _, beliefs = run(aged(8), *[day()] * 5)
    unsold = (10 / (10 + 5 * math.log(1.2) / 0.2)) ** 10
    assert unsold == pytest.approx(0.0234, abs=5e-5)
    assert beliefs.probability_empty[0] == pytest.approx(0.039 / (0.039 + 0.961 * unsold), abs=0.015)
    assert beliefs.believed_units[0] == 0


def test_a_run_of_expected_units_is_tempered_by_the_doubt_about_the_rate():
    """20 days at one a day: were the rate known, zeros would have odds of e^-18; with shape 10 they have (10 / 28.2)^10."""
    _, _, beliefs = run(sure(8), *[day()] * 20)
    odds = (10 / (10 + 20 * math.log(1.2) / 0.2)) ** 10
    assert beliefs.probability_empty[0] < 1 - odds


def test_a_sale_proves_stock():
    state, _, before = run(aged(8), *[day()] * 20)
    _, _, after = run(state, day(closing=7, sales=1))
    assert before.probability_empty[0] > 0.3
    assert after.probability_empty[0] < 0.3 * before.probability_empty[0]


def test_selling_more_than_the_book_held_proves_hidden_stock():
    _, _, beliefs = run(sure(1), day(opening=1, closing=-2, sales=3))
    assert EVIDENCE[beliefs.evidence[0]] == "negative_book"
    assert beliefs.expected_units[0] >= 0.0
    _, _, beliefs = run(sure(2), day(opening=2, closing=-8, sales=10))
    assert beliefs.probability_hidden[0] > 0.9, "ten sold from a book of two: more than a case too many was there"


def test_a_closed_location_says_nothing_about_demand():
    _, _, closed = run(sure(8), *[day(is_open=False)] * 20)
    _, _, traded = run(sure(8), *[day()] * 20)
    assert closed.probability_empty[0] < 0.1 < traded.probability_empty[0]
    assert closed.zero_sales_days[0] == 0


def test_a_shelf_that_was_seen_empty_is_believed_more_than_a_silent_one():
    _, _, seen = run(sure(8), *[day()] * 3, day(share_out=1.0))
    _, _, silent = run(sure(8), *[day()] * 4)
    assert seen.probability_empty[0] > 3 * silent.probability_empty[0]
    assert EVIDENCE[seen.evidence[0]] == "shelf_seen_empty"


@pytest.mark.parametrize("posted", [True, False])
def test_a_count_sets_the_stock_whether_or_not_it_is_posted(posted):
    """Counted 3 on a book of 8: posted, the book is 3 and right; held, it stays 8 and is known to be 5 too high."""
    changes = {"corrected": -5, "closing": 3} if posted else {}
    state, _, _ = run(sure(8), *[day()] * 10)
    _, _, beliefs = run(state, day(counted=3, variance=-5, **changes))
    assert beliefs.believed_units[0] in (3, 4), "held: an error of -5 lies between two points of the grid"
    assert beliefs.days_since_count[0] == 0
    assert beliefs.expected_units[0] == pytest.approx(3.0, abs=0.6)
    assert beliefs.probability_wrong[0] < 0.1, "an error of five is less than a case of six"


def test_a_count_of_nothing_is_an_empty_shelf():
    _, _, beliefs = run(sure(8), day(counted=0, variance=-8))
    assert beliefs.probability_empty[0] > 0.95
    assert beliefs.believed_units[0] == 0


def test_a_restated_book_moves_the_error_and_not_the_shelf():
    """Two sales of yesterday arrive late: the book had been 8, was really 6. What was believed to be there stays."""
    state, _, before = run(sure(8), *[day()] * 10)
    _, _, after = run(state, day(opening=6, is_open=False))
    assert after.expected_units[0] == pytest.approx(before.expected_units[0], abs=0.05)


def test_goods_fill_an_empty_shelf():
    state, _, before = run(aged(8), *[day()] * 40)
    _, _, after = run(state, day(closing=14, received=6))
    assert before.probability_empty[0] > 0.5
    assert after.probability_empty[0] < before.probability_empty[0]
    assert after.expected_units[0] > before.expected_units[0]


def test_what_counts_find_teaches_the_rate_of_their_location():
    """Location 0 always finds more than a case missing, location 1 never; both were predicted alike."""
    n = 200
    location = np.repeat([0, 1], n // 2)
    state, learned = sure(12, n), Learned.nothing(2)
    for _ in range(5):
        state, learned, _ = update_beliefs(state, day(n, opening=12, location=location), learned, SETTINGS)
    found = np.where(location == 0, 4, 12)
    facts = day(
        n, opening=12, closing=found, location=location, counted=found, variance=found - 12, corrected=found - 12
    )
    state, learned, _ = update_beliefs(state, facts, learned, SETTINGS)
    prior, predicted = SETTINGS.prior_counts, learned.loss_weight
    network = (prior + 100) / (prior + predicted.sum())
    own = [(4 * prior + f) / (4 * prior + p * network) for f, p in zip((100, 0), predicted, strict=True)]
    assert learned.loss_factor == pytest.approx(np.clip(network * np.array(own), 0.125, 8))
    assert learned.loss_factor[0] > learned.loss_factor[1]
    assert learned.found_wrong.sum() == 100


def test_rates_come_to_rest_where_predictions_equal_findings():
    """Counts that find what was predicted leave the factors alone, however often."""
    factor, weight = np.array([2.0, 0.5]), np.array([3.0, 9.0])
    for _ in range(20):
        factor, weight = records._nudged(factor, weight, np.array([4.0, 1.0]), np.array([4.0, 1.0]), 2.0)
    assert factor.tolist() == [2.0, 0.5] and weight.tolist() == [83.0, 29.0]


def test_records_stand_alone_whatever_the_shards_and_threads():
    rng = np.random.default_rng(5)
    n = 25_000
    books, sales = rng.integers(0, 30, n), rng.integers(0, 3, n)
    sales = np.minimum(sales, books)
    facts = day(n, opening=books, closing=books - sales, sales=sales)
    state = new_state(books, np.ones(n), np.full(n, 6), SETTINGS)
    one = update_beliefs(state, facts, Learned.nothing(1), SETTINGS, threads=1)
    two = update_beliefs(state, facts, Learned.nothing(1), SETTINGS, threads=2)
    assert np.array_equal(one[0].mass, two[0].mass)
    part = RecordState(*(v[10_000:10_050] for v in vars(state).values()))
    some = records.Facts(**{name: values[10_000:10_050] for name, values in vars(facts).items()})
    alone = update_beliefs(part, some, Learned.nothing(1), SETTINGS)
    assert np.array_equal(alone[0].mass, one[0].mass[10_000:10_050])
    assert one[0].mass.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-5)


def test_misaligned_facts_are_refused_in_one_line():
    with pytest.raises(ValueError, match="align facts and state by pair"):
        update_beliefs(sure(8, 2), day(3), Learned.nothing(1), SETTINGS)
