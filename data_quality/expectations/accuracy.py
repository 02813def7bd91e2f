"""Expectations of the measured accuracy of the forecasts (demand backtest)."""

from __future__ import annotations

from data_quality.expectations.spec import ExpectationSpec, SpecBuilder

KEY = ("level", "segment", "method")
_UNOPPOSED = """
SELECT m.level, m.segment, m.method FROM {batch} AS m
ANTI JOIN (SELECT level, segment FROM forecast_accuracy WHERE is_champion) AS c
    ON c.level = m.level AND c.segment = m.segment
"""
_AT_LEAST_ZERO = ("wape", "wape_mean", "mase", "rmsse", "scaled_pinball_loss", "weighted_quantile_loss")
_SHARES = ("coverage_50", "coverage_80", "coverage_95", "pit_80")


def accuracy_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The expectations of `forecast_accuracy`, as parts of `suite`; no rows are a measurement that was not made yet."""
    accuracy = SpecBuilder(suite, "forecast_accuracy", KEY)
    return [
        accuracy.of_run_date(),
        accuracy.where(
            "not_of_the_future",
            "evaluated_on IS NULL OR evaluated_on > business_date",
            "measured on the date or before",
        ),
        accuracy.unique(*KEY),
        accuracy.not_null(*KEY),
        accuracy.one_of("level", ["pair", "sku", "class", "total"]),
        accuracy.between("scored_days", 1),
        accuracy.between("series", 1),
        *(accuracy.between(name, 0) for name in _AT_LEAST_ZERO),
        *(accuracy.between(name, 0, 1) for name in _SHARES),
        accuracy.where(
            "coverage_widens",
            "coverage_50 > coverage_80 OR coverage_80 > coverage_95",
            "a wider interval holds no fewer days",
        ),
        accuracy.where(
            "interval_holds_difference",
            "NOT (coalesce(wape_difference_low, wape_difference) <= coalesce(wape_difference_high, wape_difference)"
            " AND coalesce(pinball_difference_low, pinball_difference)"
            " <= coalesce(pinball_difference_high, pinball_difference))",
            "the ends of an interval are in order",
        ),
        accuracy.where(
            "champion_is_the_measure",
            "is_champion <> (method = 'champion') OR (is_champion AND wape_difference IS NOT NULL)",
            "one method is the champion, and it is not compared with itself",
        ),
        accuracy.rows("champion_beside", _UNOPPOSED, "the champion stands beside every challenger"),
    ]
