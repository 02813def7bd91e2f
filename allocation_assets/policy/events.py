"""Holidays and events of the calendar: names, and which date belongs to which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def parse_event(text: str) -> tuple[str, np.datetime64, np.datetime64]:
    """(name, first date, last date) of `name=YYYY-MM-DD` or `name=YYYY-MM-DD..YYYY-MM-DD`.

    Raises ValueError where the text is neither, or ends before it begins.
    """
    name, _, span = text.partition("=")
    first, _, last = span.partition("..")
    if not name.strip() or len(first) != 10:
        raise ValueError(f"event {text!r}: write name=YYYY-MM-DD or name=YYYY-MM-DD..YYYY-MM-DD")
    start, end = np.datetime64(first, "D"), np.datetime64(last or first, "D")
    if end < start:
        raise ValueError(f"event {text!r} ends before it begins")
    return name.strip(), start, end


def event_codes(dates: np.ndarray, texts: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(codes (t,) int, names in order) of datetime64[D] dates: 0 = none, else 1 + index of the name.

    Dates of one name share one effect; where two events meet on a date the one named first in order stands.
    """
    events = [parse_event(text) for text in texts]
    names = sorted({name for name, _, _ in events})
    codes = np.zeros(len(dates), np.int64)
    for name, start, end in sorted(events, reverse=True):
        codes[(dates >= start) & (dates <= end)] = 1 + names.index(name)
    return codes, names
