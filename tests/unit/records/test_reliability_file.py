"""The file of `location_reliability` has the same columns and types on a date on which no location has moved anything yet."""

from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.records import queries
from allocation_assets.records.reliability import ReliabilitySettings, location_reliability
from allocation_assets.tables import write_lake


def _types(folder, locations: int) -> list[tuple[str, str]]:
    lines = np.full(locations, 30)
    sums = {
        "location_id": pa.array([f"S{n}" for n in range(locations)], pa.string()),
        **{name: pa.array(lines, pa.int64()) for name in (*queries.ERROR_SUMS[:4], "shrink_units")},
        **{name: pa.array([1] * locations, pa.decimal128(18, 6)) for name in queries.ERROR_SUMS[4:]},
    }
    judged = location_reliability(lines, lines * 0, lines, lines * 0, lines * 0.0, lines * 1.0, ReliabilitySettings(0.1, 0.1, "buffer", 0.2))
    target = folder / f"{locations}.parquet"
    write_lake(target, queries.RELIABILITY, {"judged": pa.table({**sums, **vars(judged)})}, {"day": date(2024, 3, 4)})
    with duckdb.connect() as connection:
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet($file)", {"file": str(target)}).fetchall()
    return [(name, kind) for name, kind, *_ in described]


def test_a_date_without_any_movement_has_the_types_of_every_other_date(tmp_path):
    """A column of type NULL could take no text from the next date: the release of the second date of a new home failed on it."""
    assert _types(tmp_path, 0) == _types(tmp_path, 2)
    assert dict(_types(tmp_path, 0))["action"] == dict(_types(tmp_path, 0))["cause"] == "VARCHAR"
