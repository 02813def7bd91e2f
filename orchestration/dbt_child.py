"""`allocator-dbt`: dbt as a child that cannot outlive the run that started it.

A run killed with SIGKILL takes no child with it; a dbt left behind would go on writing the warehouse under the next run.
Linux can tie the child to its parent (PR_SET_PDEATHSIG); elsewhere the warehouse's own file lock still guards it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from orchestration.dbt_parse import load_parsed

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run dbt's command line with this process's arguments; a build reads the parsed project where it is still true."""
    if sys.platform.startswith("linux"):
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            raise SystemExit("allocator-dbt: the run that started this is gone")
    from dbt.cli.main import cli

    if not os.environ.get("DBT_DEBUG"):
        say_no_more_than_is_read()
    warehouse = Path(os.environ.get("ALLOCATOR_WAREHOUSE", "warehouse.duckdb"))
    # With a manifest at hand dbt parses nothing (dbt docs, "programmatic invocations: reusing objects").
    cli(obj={"manifest": load_parsed(warehouse) if sys.argv[1:2] == ["build"] else None})


def say_no_more_than_is_read() -> None:
    """Drop dbt's debug events where they arise: nobody logs them, yet making each into a message is a fifth of a build."""
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class Terse(EventManager):
        def fire_event(self, e, level=None, *args, **kwargs) -> None:
            if (level or e.level_tag()) not in (EventLevel.DEBUG, EventLevel.TEST):
                super().fire_event(e, level, *args, **kwargs)

    ctx_set_event_manager(Terse())


if __name__ == "__main__":
    main()
