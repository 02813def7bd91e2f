"""The policy's schema: every parameter of parameters.yaml, with its type, unit, bounds, default and scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import product
from types import MappingProxyType
from typing import Any

import yaml

from allocation_assets.policy.derived import DEPLOYMENT_DEFAULTS, PAIR_DEFAULTS

#: Weekday names in the order of `date.weekday()`: Monday is 0.
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
TYPES = ("num", "int", "bool", "str", "enum", "weekdays", "strings")
SCOPES = ("deployment", "pair")


@dataclass(frozen=True)
class Parameter:
    """One declared parameter. `default` is the value itself unless `derived` names the function that gives it."""

    name: str
    type: str
    unit: str
    scope: str
    help: str
    default: Any = None
    derived: str | None = None
    default_means: str | None = None
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    format: str | None = None

    @property
    def formula(self) -> str | None:
        """The derived default as the reference shows it, or None."""
        if self.derived is None:
            return None
        return (PAIR_DEFAULTS | DEPLOYMENT_DEFAULTS)[self.derived].formula


def parse_parameters(text: str) -> Mapping[str, Parameter]:
    """Parameters by name, sorted, from the text of a parameters.yaml.

    ValueError names the declaration that is wrong: this file is ours, so the first mistake is enough.
    """
    parameters: dict[str, Parameter] = {}
    for declaration in yaml.safe_load(text):
        for parameter in _expand(declaration):
            _check(parameter)
            if parameter.name in parameters:
                raise ValueError(f"parameters.yaml: {parameter.name} is declared twice; keep one declaration")
            parameters[parameter.name] = parameter
    return MappingProxyType(dict(sorted(parameters.items())))


@lru_cache(maxsize=1)
def load_parameters() -> Mapping[str, Parameter]:
    """The packaged parameters by name, sorted."""
    return parse_parameters(files(__package__).joinpath("parameters.yaml").read_text(encoding="utf-8"))


def _expand(declaration: dict[str, Any]) -> Iterator[Parameter]:
    """One Parameter per combination of the names under `for` (one, where there is no `for`)."""
    fields = dict(declaration)
    names = fields.pop("for", {})
    default = fields.pop("default", None)
    derived = default["derived"] if isinstance(default, dict) else None
    fields |= {"derived": derived, "default": None if derived else _tidy(fields["type"], default)}
    fields["choices"] = tuple(fields.get("choices", ()))
    for values in product(*names.values()):
        filled = dict(zip(names, values, strict=True))
        text = {key: fields[key].format(**filled) if filled else fields[key] for key in ("name", "help")}
        yield Parameter(**fields | text)


def _tidy(type_: str, value: Any) -> Any:
    """A declared default in the form in which the loader gives values of that type."""
    if value is None:
        return None
    if type_ == "num":
        return float(value)
    if type_ == "weekdays":
        return tuple(sorted(value, key=WEEKDAYS.index))
    return tuple(sorted(set(value))) if type_ == "strings" else value


def _check(parameter: Parameter) -> None:
    """Raise ValueError where a declaration could not be honoured by loader or resolution."""
    derivations = PAIR_DEFAULTS if parameter.scope == "pair" else DEPLOYMENT_DEFAULTS
    faults = {
        f"unknown type {parameter.type}": parameter.type not in TYPES,
        f"unknown scope {parameter.scope}": parameter.scope not in SCOPES,
        f"unknown derived default {parameter.derived}": parameter.derived not in (None, *derivations),
        "num and int need min and max": parameter.type in ("num", "int") and None in (parameter.min, parameter.max),
        "enum needs choices": parameter.type == "enum" and not parameter.choices,
        "a null default needs default_means": parameter.default is None
        and parameter.derived is None
        and parameter.default_means is None,
        # Integer arrays hold no null, and one cell holds one value.
        "pair scope: int, bool and weekdays need a default": parameter.scope == "pair"
        and parameter.type in ("int", "bool", "weekdays")
        and parameter.default is None,
        "pair scope: strings is not supported": parameter.scope == "pair" and parameter.type == "strings",
    }
    for fault, is_present in faults.items():
        if is_present:
            raise ValueError(f"parameters.yaml: {parameter.name}: {fault}; correct the declaration")
