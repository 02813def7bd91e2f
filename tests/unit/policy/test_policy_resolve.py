"""Resolution per SKU x location: hand-worked specificity, column forms, derived defaults, and its speed."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from allocation_assets.policy import KEYS, load_policy
from allocation_assets.policy.rules import rank
from allocation_assets.policy.schema import parse_parameters

DAY = date(2026, 3, 10)
WEIGHT = "allocation.priority_weight"
LINE = "costs.shipment_per_line"
HOLDING = "costs.holding_per_unit_day"


def rules_text(*rules: str) -> str:
    return "version: 1\nrules:\n" + "\n".join(f"  - {rule}" for rule in rules)


def winner(policy, attributes: dict[str, str], on: date = DAY, parameter: str = WEIGHT) -> str:
    columns = {key: np.array([value]) for key, value in attributes.items()}
    return policy.resolve(parameter, columns, on).rule_id(parameter)[0].as_py()


# One attribute per match key; every match below is met by this pair.
PAIR = {key: key[:2].upper() for key in KEYS}


@pytest.mark.parametrize(
    ("specific", "general"),
    [
        # A fine key beats any number of coarse ones.
        ("{sku: SK}", "{style: ST, location: LO, class: CL, department: DE, channel: CH}"),
        ("{location: LO}", "{subclass: SU, cluster: CL}"),
        ("{style: ST}", "{location: LO}"),
        ("{class: CL}", "{cluster: CL, region: RE, tier: TI}"),
        ("{department: DE}", "{tier: TI, region: RE, channel: CH}"),
        ("{tier: TI}", "{region: RE}"),
        ("{channel: CH}", "{location_type: LO}"),
        ("{location_type: LO}", "{}"),
        # A rule that adds a key beats the one without it, and the shared keys do not count.
        ("{department: DE, region: RE}", "{department: DE}"),
        ("{sku: SK, location: LO}", "{sku: SK, subclass: SU, class: CL, brand: BR}"),
        ("{department: DE, tier: TI}", "{department: DE, region: RE, segment: SE}"),
        # With the same keys, fewer listed combinations win, over all keys together.
        ("{department: DE}", "{department: [DE, XX]}"),
        ("{department: [DE, XX], region: [RE, YY]}", "{department: DE, region: [RE, A, B, C, D]}"),
        # Keys before the number of values.
        ("{department: [DE, XX, YY, ZZ], region: RE}", "{department: DE}"),
    ],
)
def test_the_more_specific_match_wins_in_either_order_of_rules(policy_of, specific, general):
    rules = [f"{{id: {id_}, match: {match}, set: {{{WEIGHT}: {value}}}}}"
             for id_, match, value in (("specific", specific, 2), ("general", general, 3))]  # fmt: skip
    for ordered in (rules, rules[::-1]):
        assert winner(policy_of(p=rules_text(*ordered)), PAIR) == "specific"


@pytest.mark.parametrize("finer", range(len(KEYS) - 1))
def test_each_key_beats_the_next_one_of_the_documented_order(policy_of, finer):
    fine, coarse = KEYS[finer], KEYS[finer + 1]
    policy = policy_of(
        p=rules_text(*(f"{{id: {key}, match: {{{key}: {PAIR[key]}}}, set: {{{WEIGHT}: 2}}}}" for key in (coarse, fine)))
    )
    assert winner(policy, PAIR) == fine


def test_the_documented_order_of_keys_is_the_one_in_force():
    text = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
    listed = re.search(r"uses it: (.*?)\. So a rule", text, re.DOTALL).group(1)
    assert tuple(re.findall(r"`(\w+)`", listed)) == KEYS


def test_later_start_then_earlier_end_win_between_equal_matches(policy_of):
    """Dates are inclusive and null is open: the year, a quarter in it, a campaign that starts with the quarter."""
    policy = policy_of(
        p=rules_text(
            f"{{id: always, set: {{{WEIGHT}: 1}}}}",
            f"{{id: until-summer, to: 2026-06-30, set: {{{WEIGHT}: 2}}}}",
            f"{{id: quarter, from: 2026-04-01, to: 2026-06-30, set: {{{WEIGHT}: 3}}}}",
            f"{{id: campaign, from: 2026-04-01, to: 2026-04-14, set: {{{WEIGHT}: 4}}}}",
            f"{{id: new-price, from: 2026-06-15, set: {{{WEIGHT}: 5}}}}",
        )
    )
    expected = {
        "2020-01-01": "until-summer",
        "2026-03-31": "until-summer",
        "2026-04-01": "campaign",
        "2026-04-14": "campaign",
        "2026-04-15": "quarter",
        "2026-06-14": "quarter",
        "2026-06-15": "new-price",
        "2026-07-01": "new-price",
    }
    for day, rule_id in expected.items():
        assert winner(policy, {"sku": "A"}, date.fromisoformat(day)) == rule_id, day


def test_a_deployments_rule_beats_the_packaged_one_with_the_same_keys(policy_of):
    """The layer comes after the keys and before dates and number of values."""
    home = policy_of(p=rules_text(f"{{id: home, match: {{sku: [A, B]}}, set: {{{WEIGHT}: 2}}}}"))
    packaged = policy_of(
        p=rules_text(
            f"{{id: packaged, match: {{sku: A}}, from: 2026-01-01, to: 2026-12-31, set: {{{WEIGHT}: 3}}}}",
            f"{{id: packaged-finer, match: {{sku: B, tier: T}}, set: {{{WEIGHT}: 3}}}}",
        )
    )
    layered = replace(home, rules=rank([*home.rules, *(replace(rule, layer=0) for rule in packaged.rules)]))
    assert winner(layered, {"sku": "A", "tier": "T"}) == "home"
    assert winner(layered, {"sku": "B", "tier": "T"}) == "packaged-finer"


def test_the_worked_example_of_the_reference(policy_of):
    """docs/policy.md, Worked example: its YAML, and its table with values and rule ids worked by hand."""
    document = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
    text = document.split("## Worked example")[1].split("```yaml\n")[1].split("```")[0]
    policy = policy_of(example=text)
    columns = {
        "department": ["Dairy", "Meat", "Bakery"],
        "region": ["North", "South", "North"],
        "tier": ["A", "B", "A"],
        "channel": ["store"] * 3,
        "unit_cost": np.array([1.0, 1.0, 7.30]),
    }
    february, march = (policy.resolve([HOLDING, WEIGHT, LINE], columns, date(2026, m, 10)) for m in (2, 3))
    assert [february[name][0] for name in (HOLDING, WEIGHT, LINE)] == [0.004, 1.2, 0.5]
    assert february.shaping_rule_id()[0].as_py() == "dairy"
    np.testing.assert_allclose(march[HOLDING], [0.004, 0.010, 0.005], rtol=1e-15)
    assert march[WEIGHT].tolist() == [2.0, 1.2, 1.5]
    assert march[LINE].tolist() == [0.5, 0.3, 0.5]
    assert march.rule_id(HOLDING).to_pylist() == ["dairy", "chilled", "default"]
    assert march.rule_id(WEIGHT).to_pylist() == ["spring", "chilled", "north-flagships"]
    assert march.rule_id(LINE).to_pylist() == ["north-flagships", "base", "north-flagships"]
    assert march.shaping_rule_id().to_pylist() == ["spring", "chilled", "north-flagships"]
    assert march.shaping_rule_id([HOLDING]).to_pylist() == ["dairy", "chilled", "default"]


def test_defaults_of_the_landing_contract():
    """landing.md: unit_price - unit_cost; unit_cost * 0.25 / 365 (36.50 -> 0.025); decided by value; every day."""
    columns = {
        "unit_price": pa.array([Decimal("9.99"), Decimal("40.00"), None], pa.decimal128(18, 6)),
        "unit_cost": pa.array([Decimal("4.49"), Decimal("36.50"), Decimal("1")], pa.decimal128(18, 6)),
    }
    names = [name for name, parameter in load_policy().parameters.items() if parameter.scope == "pair"]
    resolved = load_policy().resolve(names, columns, DAY)
    np.testing.assert_allclose(resolved["costs.lost_sale_per_unit"], [5.5, 3.5, np.nan], rtol=1e-12)
    np.testing.assert_allclose(resolved["allocation.presentation_value_per_unit"], [5.5, 3.5, np.nan], rtol=1e-12)
    assert resolved["costs.holding_per_unit_day"][1] == pytest.approx(0.025)
    constants = {
        "costs.shipment_per_line": 0.0,
        "allocation.cases_per_layer": 1,
        "allocation.cases_per_pallet": 1,
        "allocation.min_ship_units": 0,
        "allocation.rest_days": 0,
        "allocation.rule": "marginal_value",
        "allocation.tier": 5,
        "allocation.priority_weight": 1.0,
        "allocation.min_units": 0,
        "allocation.max_units": 1_000_000_000,
        "allocation.review_days": 0b1111111,
        "replenishment.review_days": 0b1111111,
        "lanes.default_lead_time_days": 1.0,
    }
    for name, value in constants.items():
        assert resolved[name].tolist() == [value] * 3, name
    assert np.isnan(resolved["allocation.hold_back_rate"]).all()
    assert np.isnan(resolved["allocation.quota_share"]).all()
    assert resolved.shaping_rule_id().to_pylist() == ["default"] * 3


def test_array_types_and_weekday_bits(policy_of):
    """Bit i is weekday i with Monday 0, as date.weekday(): MON + THU = 1 + 8."""
    policy = policy_of(
        p=rules_text(
            "{id: days, match: {sku: A}, set: {allocation.review_days: [THU, MON], allocation.max_units: 7}}",
            "{id: never, match: {sku: B}, set: {allocation.review_days: []}}",
        )
    )
    names = ["allocation.review_days", "allocation.max_units", "allocation.hold_back_rate"]
    resolved = policy.resolve(names, {"sku_id": ["A", "B", "C"]}, DAY)
    assert resolved["allocation.review_days"].tolist() == [1 + 8, 0, 127]
    assert [resolved[name].dtype for name in names] == [np.uint8, np.int64, np.float64]
    assert resolved["allocation.max_units"].tolist() == [7, 10**9, 10**9]


def test_enum_str_and_bool_of_pair_scope(write_policies):
    parameters = parse_parameters(
        dedent("""\
        - {name: mode, type: enum, choices: [push, pull], unit: u, default: pull, scope: pair, help: h}
        - {name: note, type: str, unit: u, default: null, default_means: none, scope: pair, help: h}
        - {name: is_split, type: bool, unit: u, default: false, scope: pair, help: h}
        """)
    )
    text = rules_text("{id: r, match: {sku: A}, set: {mode: push, note: '1', is_split: true}}")
    policy = load_policy(write_policies(p=text), parameters=parameters)
    resolved = policy.resolve(["mode", "note", "is_split"], {"sku": ["A", "B"]}, DAY)
    assert resolved["mode"].tolist() == ["push", "pull"]
    assert resolved["note"].tolist() == ["1", None]
    assert resolved["is_split"].tolist() == [True, False]
    bad = rules_text("{id: r, set: {is_split: yes}}")
    with pytest.raises(Exception, match=r"p\.yaml:3: is_split must be true or false \(u\), not 'yes'"):
        load_policy(write_policies(p=bad), parameters=parameters)


def test_null_puts_a_parameter_back_to_its_default(policy_of):
    policy = policy_of(
        p=rules_text(
            f"{{id: all, set: {{{HOLDING}: 0.1, {WEIGHT}: 3}}}}",
            f"{{id: back, match: {{sku: A}}, set: {{{HOLDING}: null, {WEIGHT}: ~}}}}",
        )
    )
    resolved = policy.resolve([HOLDING, WEIGHT], {"sku": ["A", "B"], "unit_cost": [36.5, 36.5]}, DAY)
    np.testing.assert_allclose(resolved[HOLDING], [0.025, 0.1])
    assert resolved[WEIGHT].tolist() == [1.0, 3.0]
    assert resolved.rule_id(WEIGHT).to_pylist() == ["back", "all"]


ROWS = {"sku_id": ["A", None, "7", "A"], "to_location_id": ["S1", "S1", None, "S2"], "location_id": ["DC"] * 4}


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda rows: rows, id="lists"),
        pytest.param(lambda rows: {k: np.array(v, dtype=object) for k, v in rows.items()}, id="numpy"),
        pytest.param(lambda rows: {k: pd.Series(v) for k, v in rows.items()}, id="pandas"),
        pytest.param(lambda rows: {k: pd.Series(v).astype("category") for k, v in rows.items()}, id="categorical"),
        pytest.param(pa.table, id="table"),
        pytest.param(lambda rows: pa.concat_tables([pa.table(rows).slice(0, 2), pa.table(rows).slice(2)]), id="chunks"),
        pytest.param(lambda rows: pa.table({k: pa.array(v).dictionary_encode() for k, v in rows.items()}), id="dict"),
        pytest.param(lambda rows: pa.table(rows).to_batches()[0], id="batch"),
        pytest.param(lambda rows: pa.table({k: pa.array(v, pa.large_string()) for k, v in rows.items()}), id="large"),
    ],
)
def test_every_form_of_columns_gives_the_same(policy_of, form):
    """Null matches nothing; the location of a pair is the receiving one; ids are text."""
    policy = policy_of(
        p=rules_text(
            f"{{id: s1, match: {{location: S1}}, set: {{{WEIGHT}: 2}}}}",
            f"{{id: dc, match: {{location: DC}}, set: {{{WEIGHT}: 9}}}}",
            f"{{id: a, match: {{sku: [A, 7]}}, set: {{{LINE}: 1}}}}",
        )
    )
    resolved = policy.resolve([WEIGHT, LINE], form(ROWS), DAY)
    assert resolved[WEIGHT].tolist() == [2.0, 2.0, 1.0, 1.0]
    assert resolved[LINE].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert resolved.shaping_rule_id().to_pylist() == ["a", "s1", "a", "a"]
    assert resolved.unmatched_rules == ("dc",)


def test_a_duckdb_relation_gives_its_rows_in_order(policy_of):
    policy = policy_of(p=rules_text(f"{{id: s, match: {{supplier: V1, sku: '7'}}, set: {{{HOLDING}: 2}}}}"))
    with duckdb.connect() as connection:
        relation = connection.sql(
            "select * from (values (7, 'V1', 36.5), (8, 'V1', 73.0), (7, null, 365.0)) "
            "t(sku_id, supplier_id, unit_cost) order by unit_cost desc"
        )
        resolved = policy.resolve(HOLDING, relation, DAY)
        empty = load_policy().resolve(WEIGHT, relation.limit(0), DAY)
        assert load_policy().resolve(WEIGHT, relation, DAY)[WEIGHT].tolist() == [1.0] * 3
    np.testing.assert_allclose(resolved[HOLDING], [0.25, 0.05, 2.0])
    assert resolved.rule_id(HOLDING).to_pylist() == ["default", "default", "s"]
    assert empty[WEIGHT].shape == (0,) and len(empty.shaping_rule_id()) == 0


def test_no_rows_at_all(policy_of):
    policy = policy_of(p=rules_text(f"{{id: r, match: {{sku: A}}, set: {{{WEIGHT}: 2}}}}",
                                    f"{{id: s, set: {{{WEIGHT}: 3}}}}"))  # fmt: skip
    resolved = policy.resolve([WEIGHT, HOLDING], pa.table({"sku": pa.array([], pa.string()), "unit_cost": pa.array([], pa.float64())}), DAY)  # fmt: skip
    assert resolved[WEIGHT].size == resolved[HOLDING].size == 0
    assert resolved.unmatched_rules == ("r", "s")


def test_what_cannot_be_resolved_is_named(policy_of):
    policy = policy_of(p=rules_text(f"{{id: seg, match: {{segment: AX}}, set: {{{WEIGHT}: 2}}}}",
                                    f"{{id: old, match: {{brand: B}}, to: 2020-01-01, set: {{{WEIGHT}: 2}}}}"))  # fmt: skip
    columns = {"sku": ["A"], "brand": ["B"]}
    for names, text in (
        ("costs.lost", "policy: unknown parameter 'costs.lost'; see docs/policy.md"),
        ("feeds.late_days", "policy: feeds.late_days has one value for the deployment; read it from deployment(date)"),
        (WEIGHT, "policy: attributes have no column segment, needed by rule 'seg'; add the column"),
        (HOLDING, f"policy: attributes have no column unit_cost, needed by the default of {HOLDING}; add the column"),
    ):
        with pytest.raises(ValueError, match=re.escape(text)):
            policy.resolve(names, columns, DAY)
    # Only what the date and the parameters call for is needed.
    assert policy.resolve(LINE, {"sku": ["A"]}, DAY)[LINE].tolist() == [0.0]
    assert policy.resolve(WEIGHT, {"segment": ["AX"]}, DAY)[WEIGHT].tolist() == [2.0]


def test_a_million_pairs_and_twenty_rules_take_less_than_two_seconds(policy_of):
    """A sanity bound on the CPU time of this process: a loop over rows would take minutes."""
    rules = [
        f"{{id: r{i}, match: {{sku: [K{i}, K{i + 100}], region: R{i % 7}}}, set: {{{WEIGHT}: {i}, {LINE}: {i}, {HOLDING}: 1}}}}"
        for i in range(10)
    ] + [f"{{id: q{i}, match: {{department: D{i}, tier: [A, B]}}, set: {{{WEIGHT}: {i}}}}}" for i in range(10)]
    policy = policy_of(p=rules_text(*rules))
    rows = np.arange(1_000_000)
    pairs = pa.table(
        {
            "sku_id": pa.array(np.char.add("K", (rows // 100).astype(str))),
            "region": pa.array(np.char.add("R", (rows % 7).astype(str))),
            "department": pa.array(np.char.add("D", (rows // 100 % 40).astype(str))),
            "tier": pa.array(np.array(["A", "B", "C"])[rows % 3]),
            "unit_cost": pa.array(np.ones(rows.size)),
        }
    )
    start = time.process_time()
    resolved = policy.resolve([WEIGHT, LINE, HOLDING], pairs, DAY)
    seconds = time.process_time() - start
    # SKU K3 is rows 300..399; region R3 there: 300 % 7 = 6, so rows 304, 311, ..., 395.
    assert np.flatnonzero(resolved.rule_id(WEIGHT).indices.to_numpy() == resolved.rule_ids.index("r3"))[
        :2
    ].tolist() == [304, 311]
    assert seconds < 2
