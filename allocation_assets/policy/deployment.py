"""Parameters of deployment scope: one value for the whole deployment on a date.

They are set by rules with an empty match. A matched rule may repeat the deployment's own value, as the example of
landing.md does with calendar.period, and changes nothing by it; any other value there would be a second one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from allocation_assets.policy.derived import DEPLOYMENT_DEFAULTS
from allocation_assets.policy.problems import Problem
from allocation_assets.policy.rules import DEFAULT_RULE_ID, Rule
from allocation_assets.policy.schema import Parameter


def deployment_settings(
    parameters: Mapping[str, Parameter], ranked: Sequence[Rule], on: date
) -> dict[str, tuple[Any, str]]:
    """(value, rule_id) of every deployment parameter on a date, by name; `ranked` least specific first."""
    declared = {name: parameter for name, parameter in parameters.items() if parameter.scope == "deployment"}
    settings: dict[str, tuple[Any, str]] = {name: (None, DEFAULT_RULE_ID) for name in declared}
    for rule in ranked:
        if not rule.match and rule.in_force(on):
            settings |= {name: (value, rule.id) for name, value in rule.values.items() if name in declared}
    for name, parameter in declared.items():
        if settings[name][0] is None:
            settings[name] = (parameter.default, settings[name][1])
    values = {name: value for name, (value, _) in settings.items()}
    for name, parameter in declared.items():
        if parameter.derived and settings[name][0] is None:
            settings[name] = (DEPLOYMENT_DEFAULTS[parameter.derived].function(values), settings[name][1])
    return settings


def find_second_values(parameters: Mapping[str, Parameter], ranked: Sequence[Rule]) -> Iterator[Problem]:
    """Problems of matched rules that would give a deployment parameter a value of their own."""
    for rule in ranked:
        names = [name for name in rule.values if parameters[name].scope == "deployment"] if rule.match else []
        for name in names:
            if not _only_restates(parameters, ranked, rule, name):
                yield rule.problem(
                    name,
                    f"{name} has one value for the whole deployment, but rule {rule.id!r} matches "
                    f"{', '.join(rule.match)}",
                    "set it in a rule with an empty match",
                )


def _only_restates(parameters: Mapping[str, Parameter], ranked: Sequence[Rule], rule: Rule, name: str) -> bool:
    """True where the deployment has the rule's value on every date on which the rule is in force."""
    # Values change only where a rule begins or has ended, so these dates stand for all.
    changes = {rule.start or date.min}
    for other in ranked:
        if other.match:
            continue
        changes |= {other.start} if other.start else set()
        changes |= {other.end + timedelta(days=1)} if other.end and other.end < date.max else set()
    dates = [day for day in changes if rule.in_force(day)]
    stated = rule.values[name]
    if stated is None and parameters[name].derived is None:
        stated = parameters[name].default
    return all(deployment_settings(parameters, ranked, day)[name][0] == stated for day in dates)
