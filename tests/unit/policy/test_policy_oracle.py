"""Property test: the vectorised resolution equals a per-row reading of docs/policy.md, on small random rules."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cmp_to_key
from math import prod

from hypothesis import given, settings
from hypothesis import strategies as st

from allocation_assets.policy import KEYS, Policy, Rule, load_parameters
from allocation_assets.policy.rules import find_conflicts, rank

NAMES = ("allocation.priority_weight", "costs.shipment_per_line")
USED_KEYS = ("sku", "location", "department", "region")
START = date(2026, 1, 1)

values = st.sampled_from(["a", "b", "c"])
matches = st.dictionaries(
    st.sampled_from(USED_KEYS), st.sets(values, min_size=1, max_size=3).map(sorted).map(tuple), max_size=3
)
days = st.none() | st.integers(0, 4).map(lambda n: START + timedelta(days=n))


@st.composite
def rule_sets(draw) -> list[Rule]:
    rules: list[Rule] = []
    for number in range(draw(st.integers(0, 6))):
        start, end = draw(days), draw(days)
        if start and end and start > end:
            start, end = end, start
        match = draw(matches)
        rule = Rule(
            f"r{number}",
            {key: match[key] for key in KEYS if key in match},
            draw(st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(2, 9).map(float), min_size=1)),
            start,
            end,
            layer=draw(st.integers(0, 1)),
        )
        if not any(_ambiguous(rule, other) for other in rules):
            rules.append(rule)
    return rules


def _ambiguous(one: Rule, other: Rule) -> bool:
    overlap = one.match.keys() == other.match.keys() and all(set(one.match[k]) & set(other.match[k]) for k in one.match)
    return overlap and bool(one.values.keys() & other.values.keys()) and _compare(one, other) == 0


def _compare(one: Rule, other: Rule) -> int:
    """Positive where `one` is more specific: the four steps of docs/policy.md, one after the other."""
    for key in KEYS:
        if (key in one.match) != (key in other.match):
            return 1 if key in one.match else -1
    if one.layer != other.layer:
        return one.layer - other.layer
    listed, other_listed = (prod(len(v) for v in rule.match.values()) for rule in (one, other))
    if listed != other_listed:
        return other_listed - listed
    if one.start != other.start:
        return 1 if other.start is None or (one.start is not None and one.start > other.start) else -1
    if one.end != other.end:
        return 1 if other.end is None or (one.end is not None and one.end < other.end) else -1
    return 0


def _naive(rules: list[Rule], pair: dict[str, str | None], name: str, on: date) -> tuple[float, str]:
    candidates = [
        rule
        for rule in rules
        if name in rule.values
        and (rule.start is None or rule.start <= on)
        and (rule.end is None or on <= rule.end)
        and all(pair[key] in wanted for key, wanted in rule.match.items())
    ]
    default = load_parameters()[name].default
    if not candidates:
        return default, "default"
    best = max(candidates, key=cmp_to_key(_compare))
    value = best.values[name]
    return (default if value is None else value), best.id


pairs = st.lists(st.fixed_dictionaries({key: st.none() | values for key in USED_KEYS}), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(rules=rule_sets(), rows=pairs, on=st.integers(-1, 5).map(lambda n: START + timedelta(days=n)))
def test_resolution_equals_a_reading_row_by_row(rules, rows, on):
    parameters = load_parameters()
    assert not list(find_conflicts(rules, parameters))
    resolved = Policy(parameters, rank(rules)).resolve(
        list(NAMES), {key: [row[key] for row in rows] for key in USED_KEYS}, on
    )
    for number, row in enumerate(rows):
        for name in NAMES:
            expected = _naive(rules, row, name, on)
            assert (resolved[name][number], resolved.rule_id(name)[number].as_py()) == expected


@settings(max_examples=150, deadline=None, derandomize=True)
@given(rules=rule_sets(), extra=rule_sets())
def test_a_conflict_is_reported_exactly_where_no_step_decides(rules, extra):
    both = [*rules, *(Rule(f"x{r.id}", r.match, r.values, r.start, r.end, r.layer) for r in extra)]
    lined = [Rule(r.id, r.match, r.values, r.start, r.end, r.layer, "f", 1, dict.fromkeys(r.values, 1)) for r in both]
    expected = any(_ambiguous(one, other) for one in rules for other in both[len(rules) :])
    assert bool(list(find_conflicts(lined, load_parameters()))) == expected
