"""The policy in force: its values for the deployment, its values per SKU x location, and its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any

from allocation_assets.policy.columns import Attributes, PairColumns
from allocation_assets.policy.deployment import deployment_settings
from allocation_assets.policy.resolve import Resolution, resolve_pairs
from allocation_assets.policy.rules import Rule
from allocation_assets.policy.schema import Parameter


@dataclass(frozen=True)
class Policy:
    """Declared parameters and validated rules (least specific first). Made by `load_policy`; immutable."""

    parameters: Mapping[str, Parameter]
    rules: tuple[Rule, ...]

    @cached_property
    def hash(self) -> str:
        """sha256 (hex) over what the policy means: defaults and rules in canonical form.

        The same for any order of files, rules, keys and listed values, and any comment or layout; another for any
        change of a value, match, date, id, layer or declared default.
        """
        content = {
            "parameters": {name: [parameter.default, parameter.derived] for name, parameter in self.parameters.items()},
            "rules": {rule.id: _canonical(rule) for rule in self.rules},
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def deployment(self, on: date) -> Mapping[str, Any]:
        """Every deployment-scope value on a date, by parameter name (sorted); null defaults are None."""
        settings = deployment_settings(self.parameters, self.rules, on)
        return MappingProxyType({name: value for name, (value, _) in settings.items()})

    def deployment_rule_ids(self, on: date) -> Mapping[str, str]:
        """The rule_id behind every deployment-scope value on a date ('default' where no rule sets it)."""
        settings = deployment_settings(self.parameters, self.rules, on)
        return MappingProxyType({name: rule_id for name, (_, rule_id) in settings.items()})

    def resolve(self, parameters: str | Sequence[str], attributes: Attributes, on: date) -> Resolution:
        """Values and rule ids of pair-scope parameters, one per row of `attributes`, on a date.

        attributes: columns by name (mapping, Arrow table or batch, DuckDB relation), one row per pair; see PairColumns
        for their names. A null attribute matches no rule. ValueError names an unknown or deployment-scope parameter,
        and a column that a rule in force or a derived default needs and `attributes` has not.
        """
        names = [parameters] if isinstance(parameters, str) else list(parameters)
        for name in names:
            if name not in self.parameters:
                raise ValueError(f"policy: unknown parameter {name!r}; see docs/policy.md")
            if self.parameters[name].scope != "pair":
                raise ValueError(f"policy: {name} has one value for the deployment; read it from deployment(date)")
        declared = {name: self.parameters[name] for name in names}
        in_force = [
            (code, rule)
            for code, rule in enumerate(self.rules, start=1)
            if rule.in_force(on) and not declared.keys().isdisjoint(rule.values)
        ]
        return resolve_pairs(declared, in_force, tuple(rule.id for rule in self.rules), PairColumns(attributes))


def _canonical(rule: Rule) -> list[Any]:
    """What a rule means, without where it stands; match values and listed values are sorted already."""
    dates = [day.isoformat() if day else None for day in (rule.start, rule.end)]
    return [rule.layer, dict(rule.match), *dates, dict(rule.values)]
