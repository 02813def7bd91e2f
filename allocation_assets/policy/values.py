"""Typed values from YAML nodes.

Text is always the characters as written: a plain `NO`, `007` or `2026-01-01` is an identifier here, never a boolean, a
number or a date as YAML 1.1 would have it. Numbers and booleans must be plain (unquoted) and in decimal notation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from allocation_assets.policy.events import parse_event
from allocation_assets.policy.limits import parse_limits
from allocation_assets.policy.schema import WEEKDAYS, Parameter

_NULL_TAG = "tag:yaml.org,2002:null"
# No leading zeros: YAML 1.1 reads 010 as eight, a person reads ten.
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_WHOLE = re.compile(r"[-+]?(?:0|[1-9]\d*)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")

_EXPECTED = {
    "num": ("a number", "write a plain number such as 0.5"),
    "int": ("a whole number", "write a whole number such as 7"),
    "bool": ("true or false", "write true or false, without quotes"),
    "str": ("text", "write one text"),
    "enum": ("one text", "write one of its values"),
    "weekdays": ("a list of weekdays", "write a list such as [MON, THU]"),
    "strings": ("a list of text", 'write a list such as ["BANK*", POSTAGE]'),
}


class Fault(Exception):
    """A value that cannot be used: where (`node`), what (`message`) and what to do (`fix`)."""

    def __init__(self, node: yaml.Node, message: str, fix: str):
        super().__init__(message)
        self.node, self.message, self.fix = node, message, fix


def is_null(node: yaml.Node) -> bool:
    """True for `null`, `~` and nothing at all."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL_TAG


def shown(node: yaml.Node) -> str:
    """A node as an error message shows it, on one line."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if is_null(node):
        return "nothing"
    return f"the text {node.value!r}" if node.style else repr(node.value)


def nearest(word: str, words: tuple[str, ...] | list[str]) -> str:
    """Advice for a mistyped word: the closest of `words`, else all of them while they fit on a line."""
    close = get_close_matches(word, words, n=1, cutoff=0.6) or get_close_matches(word.upper(), words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"use one of {', '.join(words)}"


def read_text(node: yaml.Node, what: str) -> str:
    """The non-empty text of a scalar, as written; Fault otherwise."""
    if not isinstance(node, yaml.ScalarNode) or is_null(node) or not node.value.strip():
        raise Fault(node, f"{what} must be text, not {shown(node)}", "write one non-empty text")
    return node.value


def read_texts(node: yaml.Node, what: str) -> tuple[str, ...]:
    """One text, or a non-empty list of texts, sorted and distinct; Fault otherwise."""
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if not items:
        raise Fault(node, f"{what} lists no value", "list at least one, or leave the key out")
    return tuple(sorted({read_text(item, what) for item in items}))


def read_date(node: yaml.Node, what: str) -> date | None:
    """An ISO date, or None for null (open); Fault otherwise."""
    if is_null(node):
        return None
    if isinstance(node, yaml.ScalarNode) and _DATE.fullmatch(node.value):
        try:
            return date.fromisoformat(node.value)
        except ValueError:
            pass
    raise Fault(node, f"{what} must be a date, not {shown(node)}", "write a calendar date as YYYY-MM-DD")


def read_value(parameter: Parameter, node: yaml.Node) -> Any:
    """A value for `parameter`, typed and within its bounds, or None for an explicit null (back to the default).

    num gives float, int int, weekdays and strings sorted distinct tuples. Fault names what is wrong.
    """
    if is_null(node):
        if node.value:
            return None
        raise Fault(node, f"{parameter.name} has no value", "write a value, or null for the default")
    value = _READERS[parameter.type](parameter, node)
    if parameter.type in ("num", "int"):
        _check_bounds(parameter, node, value)
    return value


def _wrong_type(parameter: Parameter, node: yaml.Node) -> Fault:
    expected, fix = _EXPECTED[parameter.type]
    return Fault(node, f"{parameter.name} must be {expected} ({parameter.unit}), not {shown(node)}", fix)


def _plain(parameter: Parameter, node: yaml.Node, pattern: re.Pattern[str]) -> str:
    """The characters of an unquoted scalar that fits `pattern`."""
    if isinstance(node, yaml.ScalarNode) and not node.style and pattern.fullmatch(node.value):
        return node.value
    raise _wrong_type(parameter, node)


def _check_bounds(parameter: Parameter, node: yaml.Node, value: float) -> None:
    for bound, side, is_out in (
        (parameter.min, "below its minimum", value < parameter.min),
        (parameter.max, "above its maximum", value > parameter.max),
    ):
        if is_out:
            raise Fault(
                node,
                f"{parameter.name} is {node.value}, {side} {bound:.15g}",
                f"set {parameter.min:.15g} to {parameter.max:.15g} ({parameter.unit})",
            )


def _read_num(parameter: Parameter, node: yaml.Node) -> float:
    # Adding 0.0 makes -0 the same value, with the same hash, as 0.
    return float(_plain(parameter, node, _NUMBER)) + 0.0


def _read_int(parameter: Parameter, node: yaml.Node) -> int:
    return int(_plain(parameter, node, _WHOLE))


def _read_bool(parameter: Parameter, node: yaml.Node) -> bool:
    return _plain(parameter, node, re.compile("true|false")) == "true"


def _read_str(parameter: Parameter, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _wrong_type(parameter, node)
    text = read_text(node, parameter.name)
    if parameter.format == "timezone" and not _is_timezone(text):
        raise Fault(node, f"{parameter.name} is {text!r}, no known time zone", "write one such as Europe/Berlin")
    if parameter.format == "time" and not _TIME.fullmatch(text):
        raise Fault(node, f"{parameter.name} is {text!r}, no time of day", "write one such as 14:00, with two digits each")
    return text


def _is_timezone(name: str) -> bool:
    if name == "UTC":  # valid on a machine without a time zone database, too
        return True
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return False
    return True


def _read_enum(parameter: Parameter, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _wrong_type(parameter, node)
    return _one_of(parameter, node, parameter.choices)


def _one_of(parameter: Parameter, node: yaml.Node, choices: tuple[str, ...]) -> str:
    text = read_text(node, parameter.name)
    if text not in choices:
        raise Fault(node, f"{parameter.name} cannot be {text!r}", nearest(text, choices))
    return text


def _read_weekdays(parameter: Parameter, node: yaml.Node) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise _wrong_type(parameter, node)
    return tuple(sorted({_one_of(parameter, item, WEEKDAYS) for item in node.value}, key=WEEKDAYS.index))


def _read_strings(parameter: Parameter, node: yaml.Node) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise _wrong_type(parameter, node)
    if parameter.format == "sku_patterns":
        for item in node.value:
            _check_pattern(parameter, item)
    if parameter.format == "approval_limits":
        _check_limits(parameter, node)
    if parameter.format == "events":
        _check_events(parameter, node)
    return tuple(sorted({read_text(item, parameter.name) for item in node.value}))


def _check_pattern(parameter: Parameter, item: yaml.Node) -> None:
    """Patterns are globs, which are never wrong, or regular expressions after `re:`."""
    text = read_text(item, parameter.name)
    if not text.startswith("re:"):
        return
    try:
        re.compile(text.removeprefix("re:"))
    except re.error as error:
        fault = f"{parameter.name} has {text!r}, no regular expression ({error.msg})"
        raise Fault(item, fault, "correct it, or write a glob such as BANK*") from None


def _check_limits(parameter: Parameter, node: yaml.SequenceNode) -> None:
    """Fault where the texts are no ladder of approval (see limits.py)."""
    try:
        parse_limits([read_text(item, parameter.name) for item in node.value])
    except ValueError as error:
        raise Fault(
            node, f"{parameter.name}: {error}", "write a list such as [store_manager:500, director:*]"
        ) from None


def _check_events(parameter: Parameter, node: yaml.SequenceNode) -> None:
    """Fault where a text is no dated event (see events.py)."""
    for item in node.value:
        try:
            parse_event(read_text(item, parameter.name))
        except ValueError as error:
            raise Fault(item, f"{parameter.name}: {error}", "write one such as easter=2026-04-03..2026-04-06") from None


_READERS: dict[str, Callable[[Parameter, yaml.Node], Any]] = {
    "num": _read_num,
    "int": _read_int,
    "bool": _read_bool,
    "str": _read_str,
    "enum": _read_enum,
    "weekdays": _read_weekdays,
    "strings": _read_strings,
}
