"""What a session says of an expectation is what GX itself says of it, though it asks GX for less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_quality import gx_duckdb
from data_quality.expectations.spec import SpecBuilder

ROWS = "(VALUES ('A', 'S1', 3, 'red', 1), ('A', 'S2', NULL, 'red', 1), ('B', 'S1', 7, 'blue', 1), ('B', 'S1', -1, NULL, 2)) AS t (sku, place, units, colour, packs)"
RULES = SpecBuilder("suite", "rows", ("sku",))
HOLDING = [
    *RULES.not_null("sku"), RULES.between("units", -1, 7), RULES.one_of("colour", ["red", "blue"]), RULES.none_of("sku", ["C"]),
    RULES.unique("sku", "place", "units", name="of_three"), RULES.where("few", "units > 7", "few units"), RULES.has_rows(),
]  # fmt: skip
BROKEN = [
    *RULES.not_null("colour"), RULES.between("packs", 0, 1), RULES.one_of("sku", ["A"]), RULES.none_of("colour", ["red"]),
    RULES.unique("sku", "place"), RULES.where("none", "units > 3", "no more than three"), RULES.unique("sku", name="of_one"),
]  # fmt: skip


@pytest.mark.parametrize("table", ["rows", "no_rows"])
def test_outcomes_are_those_of_gx_in_full(table, gx_session):
    connection = gx_session.connection
    connection.execute(f"CREATE OR REPLACE VIEW rows AS FROM {ROWS}" + (" WHERE false" if table == "no_rows" else ""))
    specs = [*HOLDING, *BROKEN]
    in_full = {name: gx_duckdb._outcome(result) for name, result in gx_session._results(gx_session._batch("rows"), specs, "BASIC")}

    # Of a table without rows GX says None, not 0.
    in_full |= {name: replace(outcome, unexpected=0) for name, outcome in in_full.items() if outcome.elements == 0}

    assert gx_session.validate("rows", specs) == in_full

    if table == "rows":
        assert {name for name, outcome in in_full.items() if outcome.success} == {spec.name for spec in HOLDING}
