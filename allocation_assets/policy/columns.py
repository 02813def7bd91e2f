"""Attribute columns of pairs, as the resolution reads them: dictionary-encoded text and float64 numbers.

This is where the forms that callers hold (numpy, Arrow, DuckDB) end; nothing else in the policy knows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa

#: A mapping of column name to array (numpy, Arrow, pandas), an Arrow table or batch, or a DuckDB relation.
Attributes: TypeAlias = Mapping[str, Any] | pa.Table | pa.RecordBatch | duckdb.DuckDBPyRelation

#: Column names of a match key, the first present is read. For a pair, the location is the one that receives.
COLUMN_NAMES = {
    "sku": ("sku_id", "sku"),
    "style": ("style_id", "style"),
    "supplier": ("supplier_id", "supplier"),
    "location": ("to_location_id", "location_id", "location"),
}


class PairColumns:
    """Columns of `size` rows, each read and encoded at most once."""

    def __init__(self, attributes: Attributes):
        self._source = attributes
        self._encoded: dict[str, tuple[np.ndarray, dict[str, int]]] = {}
        if isinstance(attributes, pa.Table | pa.RecordBatch):
            self._names = attributes.schema.names
        elif isinstance(attributes, duckdb.DuckDBPyRelation):
            self._names = attributes.columns
        else:
            self._names = list(attributes)

    def fetch(self, keys: Iterable[str], columns: Iterable[str], why: Mapping[str, str]) -> None:
        """Make sure that the columns of these match keys and these item columns can be read.

        A relation is executed here, once, for the needed columns alone (its rows keep their order). ValueError names a
        column that is missing and, from `why` (key or column -> reason), who needs it.
        """
        needed = [self._name(key, why) for key in keys] + [self._name(column, why) for column in columns]
        if isinstance(self._source, duckdb.DuckDBPyRelation):
            chosen = [duckdb.ColumnExpression(name) for name in dict.fromkeys(needed or self._names[:1])]
            self._source = self._source.select(*chosen).to_arrow_table()

    @property
    def size(self) -> int:
        """Number of pairs."""
        if isinstance(self._source, pa.Table | pa.RecordBatch):
            return self._source.num_rows
        return len(next(iter(self._source.values()))) if self._source else 0

    def codes(self, key: str) -> tuple[np.ndarray, dict[str, int]]:
        """(int32 code per row, code of each distinct value) of a match key's column; null rows have code -1."""
        if key not in self._encoded:
            # Ids are text, so numbers become their decimal text. All chunks share the one dictionary.
            encoded = _chunked(self._column(self._name(key, {}))).cast(pa.string()).dictionary_encode()
            dictionary = encoded.chunk(0).dictionary.to_pylist() if encoded.num_chunks else []
            codes = pa.chunked_array([chunk.indices for chunk in encoded.chunks], type=encoded.type.index_type)
            self._encoded[key] = (
                codes.cast(pa.int32()).fill_null(-1).to_numpy(),
                {value: code for code, value in enumerate(dictionary)},
            )
        return self._encoded[key]

    def numbers(self, column: str) -> np.ndarray:
        """A column as float64, NaN where null."""
        return _chunked(self._column(column)).cast(pa.float64()).to_numpy()

    def _name(self, key: str, why: Mapping[str, str]) -> str:
        names = COLUMN_NAMES.get(key, (key,))
        for name in names:
            if name in self._names:
                return name
        reason = why.get(key, "a rule")
        raise ValueError(f"policy: attributes have no column {' or '.join(names)}, needed by {reason}; add the column")

    def _column(self, name: str) -> Any:
        is_arrow = isinstance(self._source, pa.Table | pa.RecordBatch)
        return self._source.column(name) if is_arrow else self._source[name]


def _chunked(column: Any) -> pa.ChunkedArray:
    if isinstance(column, pa.ChunkedArray):
        return column
    return pa.chunked_array([column if isinstance(column, pa.Array) else pa.array(column, from_pandas=True)])
