"""What a world hands to the writer: files of a feed and date, before they are bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import pyarrow as pa

from allocation_assets.demo_world.bad_rows import BadRow


@dataclass(frozen=True)
class DatedTable:
    """Rows of one feed sorted by date; ``day`` (n,) is the index of each row's business date."""

    day: np.ndarray
    table: pa.Table

    def on(self, t: int) -> pa.Table:
        """The rows of one date (possibly none)."""
        start, end = np.searchsorted(self.day, [t, t + 1])
        return self.table.slice(int(start), int(end - start))


@dataclass(frozen=True)
class LandingFile:
    """One file of a feed and date before it is written; ``bad_rows`` are appended to ``table``."""

    name: str
    table: pa.Table
    bad_rows: tuple[BadRow, ...] = ()


class LandingWorld(Protocol):
    """A world that can be landed; equal worlds give equal files."""

    def dates(self) -> list[date]:
        """The dates that land, oldest first."""

    def feeds(self) -> Iterable[str]:
        """The feeds that land, in a fixed order."""

    def files(self, feed: str, day: int) -> list[LandingFile]:
        """The files of one feed on date index ``day``; empty where nothing lands."""

    def provenance(self, feed: str) -> str:
        """What the feed's manifests say: ``observed``, ``derived`` or ``simulated`` (semantics 27)."""
