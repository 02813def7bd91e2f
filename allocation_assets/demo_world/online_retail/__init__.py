"""UCI Online Retail as landing files: 541,909 real invoice lines of one web shop, each in exactly one feed.

Belongs here: what a published row means in the landing contract. The writer is shared with the other demo.
"""

from allocation_assets.demo_world.online_retail.source import policy_text
from allocation_assets.demo_world.online_retail.world import RUN_DATES, OnlineRetail, build_online_retail

__all__ = ["RUN_DATES", "OnlineRetail", "build_online_retail", "policy_text"]
