"""Small helpers that turn arrays into Arrow columns of the landing contract's types."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MONEY = pa.decimal128(18, 2)
TIMESTAMP = pa.timestamp("s")


def money(cents: np.ndarray) -> pa.Array:
    """Integer cents (n,) as DECIMAL(18,2), exactly."""
    words = np.empty((len(cents), 2), "<i8")
    words[:, 0] = cents
    words[:, 1] = np.where(np.asarray(cents) < 0, -1, 0)
    return pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(words.tobytes())])


def timestamps(dates: np.ndarray, day: np.ndarray, second: np.ndarray) -> pa.Array:
    """``second`` of the day on ``dates[day]``, without offset."""
    return pa.array(dates[day].astype("datetime64[s]") + second.astype("timedelta64[s]"), TIMESTAMP)


def pick(names: np.ndarray | list[str], index: np.ndarray) -> pa.Array:
    """``names[index]`` as strings."""
    return pa.array(list(names), pa.string()).take(pa.array(index))


def number(values: np.ndarray, width: int = 0) -> pa.Array:
    """Integers as strings, zero padded to ``width``."""
    return pc.utf8_lpad(pc.cast(pa.array(values), pa.string()), width=width, padding="0")


def join(*parts: pa.Array | str) -> pa.Array:
    """Row-wise ``a-b-c``; plain strings are constants."""
    return pc.binary_join_element_wise(*parts, "-")


def where(mask: np.ndarray, values: pa.Array) -> pa.Array:
    """``values`` where ``mask``, else null."""
    return pc.if_else(pa.array(mask), values, pa.scalar(None, values.type))


def constant(value: str | int | bool | None, count: int, kind: pa.DataType | None = None) -> pa.Array:
    """The same value ``count`` times."""
    return pa.repeat(pa.scalar(value, kind), count)


def day_codes(dates: np.ndarray) -> list[str]:
    """``yymmdd`` of each date, for ids."""
    return [str(d)[2:].replace("-", "") for d in dates]
