"""Policy values per SKU x location: the most specific rule wins, parameter by parameter.

Rules are few and pairs are millions: each rule is one mask over dictionary-encoded columns, written in ascending order
of specificity, so that the last writer of a row is its winner. No loop over rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from allocation_assets.policy.columns import PairColumns
from allocation_assets.policy.derived import PAIR_DEFAULTS
from allocation_assets.policy.rules import DEFAULT_RULE_ID, Rule
from allocation_assets.policy.schema import WEEKDAYS, Parameter

_DTYPES = {"num": np.float64, "int": np.int64, "bool": np.bool_, "weekdays": np.uint8}


@dataclass(frozen=True)
class Resolution:
    """Resolved pair parameters, one entry per row of the attributes.

    values: by parameter: num float64 (NaN = null default), int int64, bool bool, weekdays uint8 (bit i set = weekday i,
        Monday 0), str and enum object.
    rule_codes: by parameter, int32: 0 = default, else the rule's place in the policy's order of specificity, from 1.
    unmatched_rules: ids of rules in force on the date that matched no row.
    """

    values: Mapping[str, np.ndarray]
    rule_codes: Mapping[str, np.ndarray]
    rule_ids: tuple[str, ...]
    unmatched_rules: tuple[str, ...]

    def __getitem__(self, parameter: str) -> np.ndarray:
        return self.values[parameter]

    def rule_id(self, parameter: str) -> pa.DictionaryArray:
        """The id of the rule that set `parameter` per row ('default' where none did), as an Arrow dictionary array."""
        return self._named(self.rule_codes[parameter])

    def shaping_rule_id(self, parameters: Sequence[str] | None = None) -> pa.DictionaryArray:
        """One rule id per row: the most specific rule that set any of `parameters` (None = all), else 'default'."""
        names = list(self.rule_codes) if parameters is None else list(parameters)
        return self._named(np.maximum.reduce([self.rule_codes[name] for name in names]))

    def _named(self, codes: np.ndarray) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(self.rule_ids, type=pa.string()))


def resolve_pairs(
    parameters: Mapping[str, Parameter],
    in_force: Sequence[tuple[int, Rule]],
    rule_ids: tuple[str, ...],
    columns: PairColumns,
) -> Resolution:
    """Resolve `parameters` (all pair scope) for every row of `columns`.

    in_force: (code, rule) with ascending codes = ascending specificity, from 1; rule_ids: of all codes from 1.
    ValueError where a rule or a derived default needs a column that is missing.
    """
    _fetch(parameters, in_force, columns)
    codes = {name: np.zeros(columns.size, dtype=np.int32) for name in parameters}
    unmatched = []
    for code, rule in in_force:
        mask = _mask(rule, columns)
        if mask is None:
            unmatched.append(rule.id)
            continue
        for name in rule.values:
            if name in codes:
                codes[name][mask] = code
    values = {name: _take(parameters[name], codes[name], in_force, columns) for name in parameters}
    return Resolution(
        MappingProxyType(values), MappingProxyType(codes), (DEFAULT_RULE_ID, *rule_ids), tuple(sorted(unmatched))
    )


def _fetch(parameters: Mapping[str, Parameter], in_force: Sequence[tuple[int, Rule]], columns: PairColumns) -> None:
    """Have `columns` read what the rules match on and what the derived defaults are made of."""
    keys = {key: f"rule {rule.id!r}" for _, rule in in_force for key in rule.match}
    derived = {
        column: f"the default of {parameter.name}"
        for parameter in parameters.values()
        if parameter.derived
        for column in PAIR_DEFAULTS[parameter.derived].columns
    }
    columns.fetch(keys, derived, keys | derived)


def _mask(rule: Rule, columns: PairColumns) -> np.ndarray | slice | None:
    """The rows that a rule matches, or None where it matches none."""
    if not rule.match:
        return slice(None) if columns.size else None
    mask: np.ndarray | None = None
    for key, wanted in rule.match.items():
        codes, dictionary = columns.codes(key)
        # One cell more than there are values: code -1 (null) reads the last one, which stays False.
        is_wanted = np.zeros(len(dictionary) + 1, dtype=np.bool_)
        is_wanted[[dictionary[value] for value in wanted if value in dictionary]] = True
        if not is_wanted.any():
            return None
        rows = is_wanted[codes]
        mask = rows if mask is None else mask & rows
    return mask if mask.any() else None


def _take(
    parameter: Parameter, codes: np.ndarray, in_force: Sequence[tuple[int, Rule]], columns: PairColumns
) -> np.ndarray:
    """Values of one parameter from the winning codes; a rule's null stands for the default."""
    size = 1 + max((code for code, _ in in_force), default=0)
    default = _cell(parameter, parameter.default)
    table = np.full(size, default, dtype=_DTYPES.get(parameter.type, object))
    is_default = np.ones(size, dtype=np.bool_)
    for code, rule in in_force:
        if rule.values.get(parameter.name) is not None:
            table[code] = _cell(parameter, rule.values[parameter.name])
            is_default[code] = False
    values = table[codes]
    if parameter.derived:
        derivation = PAIR_DEFAULTS[parameter.derived]
        defaults = derivation.function(*(columns.numbers(column) for column in derivation.columns))
        values = np.where(is_default[codes], defaults, values)
    return values


def _cell(parameter: Parameter, value: Any) -> Any:
    """A value as an array cell holds it."""
    if parameter.type == "weekdays":
        return sum(1 << WEEKDAYS.index(day) for day in value)
    if parameter.type == "num" and value is None:
        return np.nan
    return value
