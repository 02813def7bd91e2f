"""The expectation suites, one module a gate; see `spec` for how an expectation is declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

from data_quality.expectations.decisions import decision_specs
from data_quality.expectations.feeds import feed_specs
from data_quality.expectations.marts import mart_specs
from data_quality.expectations.positions import position_specs
from data_quality.expectations.spec import ExpectationSpec, Gate, suite_version

if TYPE_CHECKING:
    from data_quality.feeds import FeedContract

GATES: tuple[Gate, ...] = get_args(Gate)

__all__ = ["GATES", "ExpectationSpec", "Gate", "suite_specs", "suite_version"]


def suite_specs(gate: Gate, contracts: Mapping[str, FeedContract]) -> tuple[ExpectationSpec, ...]:
    """The expectations of one gate; only `feeds` depends on the contracts.

    Raises ValueError for an unknown gate.
    """
    if gate == "feeds":
        return feed_specs(contracts)
    suites = {"positions": position_specs, "decisions": decision_specs, "marts": mart_specs}
    if gate not in suites:
        raise ValueError(f"gate {gate!r} does not exist: use one of {', '.join(GATES)}")
    return suites[gate]()
