"""From text to typed columns, with every fault of a row named.

SQL is built from the contract: names are contract constants, values are parameters. A fault is written
`reason:detail`; a row without fault has null faults. Casts are stricter than the engine's, which reads
3.7 as 4, 0x1F as 31, `epoch` as a date, and drops the offset of a timestamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from data_quality.feeds import Column, FeedContract
from data_quality.intake.sql import identifier, literal

_INT = r" *[+-]?[0-9]+(\.0*)? *"
_NUM = r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})? *"
_YEAR = r"([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DATE = _YEAR + r"-[0-9]{2}-[0-9]{2}"
_MIDNIGHT = r"([T ]00:00(:00(\.0+)?)?)?"
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
_OFFSET = r"[+-][0-9]{2}(:?[0-9]{2})?"
_BOOLS = {"true": ("true", "t", "1", "yes", "y"), "false": ("false", "f", "0", "no", "n")}


@dataclass
class TypedQuery:
    """A SELECT of file_id, source_line, the typed contract columns and faults, and its parameters."""

    sql: str
    parameters: dict[str, Any] = field(default_factory=dict)


def typed_query(contract: FeedContract, raw: Mapping[str, str], source: str, timezone: str) -> TypedQuery:
    """Types and checks rows of text.

    Args:
        contract: the feed's contract.
        raw: contract column -> SQL expression over `source` that gives its text, null where empty. A
            column that the file does not have is left out.
        source: SELECT with file_id, source_line, unparseable (text of the fault, or null) and
            future_limit (first instant, naive UTC, that is future_dated), and what `raw` refers to.
        timezone: IANA zone of timestamps without offset (semantics 1).
    """
    parameters: dict[str, Any] = {"timezone": timezone} if _has(contract, "ts") else {}
    texts, values, typed, conditions = [], [], [], []
    for n, column in enumerate(contract.columns):
        texts.append(f"{raw.get(column.name, 'NULL::VARCHAR')} AS r{n}")
        values.append(f"{_cast(column, f'r{n}')} AS v{n}")
        typed.append(f"{_stored(column, n, parameters)} AS {identifier(column.name)}")
        conditions.extend(_faults(column, n, parameters))
    any_fault = " OR ".join(condition for condition, _ in conditions)
    listed = ", ".join(f"CASE WHEN {condition} THEN {literal(fault)} END" for condition, fault in conditions)
    sql = f"""
        SELECT file_id, source_line, {", ".join(typed)},
            CASE WHEN unparseable IS NOT NULL THEN ['unparseable:' || unparseable]
                WHEN {any_fault} THEN list_filter([{listed}], lambda fault: fault IS NOT NULL) END AS faults
        FROM (
            SELECT *, {", ".join(values)}
            FROM (SELECT file_id, source_line, unparseable, future_limit, {", ".join(texts)} FROM ({source}))
        )"""
    return TypedQuery(sql, parameters)


def _has(contract: FeedContract, kind: str) -> bool:
    return any(column.type == kind for column in contract.columns)


def _stored(column: Column, n: int, parameters: dict[str, Any]) -> str:
    if column.default is None:
        return f"v{n}"
    parameters[f"default{n}"] = column.default
    return f"coalesce(v{n}, CAST($default{n} AS {column.sql_type}))"


def _cast(column: Column, text: str) -> str:
    """SQL that gives the typed value of a text, null where the text is not of the type."""
    if column.type == "str":
        return text
    if column.type == "int":
        return _guarded(text, _INT, f"try_cast({text} AS BIGINT)")
    if column.type == "num":
        return _guarded(text, _NUM, f"try_cast({text} AS DECIMAL(18,6))")
    if column.type == "date":
        return _guarded(text, f"({_DATE}){_MIDNIGHT}", f"try_cast(left({text}, 10) AS DATE)")
    if column.type == "ts":
        return _timestamp(text)
    groups = " ".join(
        f"WHEN lower({text}) IN ({', '.join(map(literal, words))}) THEN {value}" for value, words in _BOOLS.items()
    )
    return f"CASE {groups} END"


def _guarded(text: str, pattern: str, cast: str) -> str:
    return f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN {cast} END"


def _timestamp(text: str) -> str:
    """Naive UTC: an offset is applied, a text without one is local time of $timezone (semantics 1)."""
    plain = f"try_cast({text} AS TIMESTAMP)"
    local = f"CASE WHEN $timezone = 'UTC' THEN {plain} ELSE timezone('UTC', timezone($timezone, {plain})) END"
    return f"""CASE
        WHEN regexp_full_match({text}, {literal(f"({_DATE})({_TIME})?")}) THEN {local}
        WHEN regexp_full_match({text}, {literal(f"({_DATE}){_TIME}Z")}) THEN {plain}
        WHEN regexp_full_match({text}, {literal(f"({_DATE}){_TIME}{_OFFSET}")})
            THEN timezone('UTC', try_cast({text} AS TIMESTAMPTZ)) END"""


def _faults(column: Column, n: int, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(condition, fault) of every rule of a column; conditions are true or not, never an error."""
    name = column.name
    if column.required:
        yield f"r{n} IS NULL", f"missing_required:{name}"
    if column.type != "str":
        yield f"(r{n} IS NOT NULL AND v{n} IS NULL)", f"bad_type:{name}"
    bounds = []
    if column.min is not None:
        parameters[f"min{n}"] = column.min
        bounds.append(f"v{n} < $min{n}")
    if column.max is not None:
        parameters[f"max{n}"] = column.max
        bounds.append(f"v{n} > $max{n}")
    if column.nonzero:
        bounds.append(f"v{n} = 0")
    if bounds:
        yield f"({' OR '.join(bounds)})", f"out_of_range:{name}"
    if column.enum:
        parameters[f"enum{n}"] = list(column.enum)
        yield f"(v{n} IS NOT NULL AND NOT list_contains($enum{n}, v{n}))", f"bad_enum:{name}"
    if column.type == "ts":
        yield f"v{n} > future_limit", f"future_dated:{name}"
