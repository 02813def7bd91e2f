"""Rules and their order of specificity (docs/policy.md, Order of specificity).

Of the rules in force that match a pair and set a parameter, one wins. Two rules are compared by, in turn:
1. their match keys: the first key of KEYS that only one of them uses decides, for the one that uses it;
2. their layer: a deployment's own file beats the packaged default;
3. how many combinations of values they list: fewer wins;
4. their effective dates: the later `from` wins, then the earlier `to` (null = open).
Rules that are equal in all four, share a pair and set the same parameter are an error: no order of files decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import prod
from typing import Any

from allocation_assets.policy.problems import Problem
from allocation_assets.policy.schema import Parameter

#: Match keys, the most specific first: roughly, the fewer pairs one value names, the earlier its key stands.
KEYS = (
    "sku",
    "style",
    "location",
    "subclass",
    "class",
    "brand",
    "supplier",
    "cluster",
    "department",
    "tier",
    "region",
    "season",
    "segment",
    "lifecycle",
    "channel",
    "location_type",
)
#: rule_id of a value that no rule sets.
DEFAULT_RULE_ID = "default"


@dataclass(frozen=True)
class Rule:
    """One validated rule. `match` values and `values` are in canonical form; `values` None = back to the default.

    `lines` gives the line of each parameter in `file`; where a rule stands is no part of what it is.
    """

    id: str
    match: Mapping[str, tuple[str, ...]]
    values: Mapping[str, Any]
    start: date | None = None
    end: date | None = None
    layer: int = 0
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    def in_force(self, on: date) -> bool:
        """True from `start` to `end`, both inclusive, open where None."""
        return (self.start is None or self.start <= on) and (self.end is None or on <= self.end)

    def problem(self, parameter: str, message: str, fix: str) -> Problem:
        """A Problem at the line that sets `parameter`."""
        return Problem(self.file, self.lines.get(parameter, self.line), message, fix)


def specificity(rule: Rule) -> tuple:
    """Sort key, least specific first; equal keys mean that only disjoint matches keep the rules apart."""
    return (
        tuple(key in rule.match for key in KEYS),
        rule.layer,
        -prod(len(values) for values in rule.match.values()),
        rule.start or date.min,
        -(rule.end or date.max).toordinal(),
    )


def rank(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules, least specific first; the id keeps the order total where specificity leaves it open."""
    return tuple(sorted(rules, key=lambda rule: (specificity(rule), rule.id)))


def find_duplicate_ids(rules: Iterable[tuple[str, str, int]]) -> Iterator[Problem]:
    """Problems of ids used before, from (id, file, line) in reading order."""
    seen: dict[str, str] = {}
    for id_, file, line in rules:
        if id_ in seen:
            yield Problem(file, line, f"rule id {id_!r} is already used at {seen[id_]}", "give every rule its own id")
        seen.setdefault(id_, f"{file}:{line}")


def find_conflicts(rules: Iterable[Rule], parameters: Mapping[str, Parameter]) -> Iterator[Problem]:
    """Problems of equally specific rules that set the same parameter for the same pair.

    Equal specificity includes equal effective dates, so such rules are always in force together. Rules are looked up
    by the values of their first key: the cost is one step per listed value, not per pair of rules.
    """
    index: dict[tuple, list[Rule]] = {}
    for rule in rules:
        first_values = next(iter(rule.match.values()), ("",))
        precedence = specificity(rule)
        for parameter in rule.values:
            if parameters[parameter].scope == "deployment" and rule.match:
                continue  # it only restates the deployment's value (see deployment.py)
            buckets = [index.setdefault((parameter, precedence, value), []) for value in first_values]
            rival = next((other for bucket in buckets for other in bucket if _share_a_pair(rule, other)), None)
            if rival is not None:
                yield rule.problem(
                    parameter,
                    f"{parameter} is set as specifically by rule {rival.id!r} at {rival.file}:{rival.lines[parameter]}",
                    "remove one, or narrow one by match or dates",
                )
            for bucket in buckets:
                bucket.append(rule)


def _share_a_pair(one: Rule, other: Rule) -> bool:
    """True where two rules with the same keys could match the same pair."""
    return all(set(values) & set(other.match[key]) for key, values in one.match.items())
