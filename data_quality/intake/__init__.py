"""Take-in of landed files into the lake: every row loaded, known as a duplicate, or quarantined with its reasons.

Public functions:

- `take_in`: take in one feed (landing files -> one load in the lake).
- `ensure_placeholders`: zero-row files of every feed, so that the lake can be read before anything landed.
- `landed_dates`: business dates on which something landed.
- `arrival_status`: the arrival gate of one date.

What does not belong here: what the facts mean for stock and demand (dbt), and any wiring (no Dagster).
"""

from data_quality.intake.arrival import arrival_status
from data_quality.intake.lake import ensure_placeholders
from data_quality.intake.landing import landed_dates
from data_quality.intake.model import FeedStatus, IntakeError, IntakeOptions, LoadReport
from data_quality.intake.take import take_in

__all__ = [
    "FeedStatus",
    "IntakeError",
    "IntakeOptions",
    "LoadReport",
    "arrival_status",
    "ensure_placeholders",
    "landed_dates",
    "take_in",
]
