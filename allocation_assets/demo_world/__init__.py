"""The demo's world: real demand of one city, a simulated retailer around it, as landing files.

Belongs here: making the demo. The pipeline reads what is landed and knows nothing of this package.
"""

from allocation_assets.demo_world.bad_rows import DEMO_BAD_ROWS, BadRow
from allocation_assets.demo_world.landing import DemoLandingError, LandingReport, write_landing
from allocation_assets.demo_world.source import policy_text
from allocation_assets.demo_world.world import DEMO_RUN_DATES, DEMO_SEED, World, build_world

__all__ = [
    "DEMO_BAD_ROWS",
    "DEMO_RUN_DATES",
    "DEMO_SEED",
    "BadRow",
    "DemoLandingError",
    "LandingReport",
    "World",
    "build_world",
    "policy_text",
    "write_landing",
]
