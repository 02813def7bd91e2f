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

    warehouse = Path(os.environ.get("ALLOCATOR_WAREHOUSE", "warehouse.duckdb"))
    # With a manifest at hand dbt parses nothing (dbt docs, "programmatic invocations: reusing objects").
    cli(obj={"manifest": load_parsed(warehouse) if sys.argv[1:2] == ["build"] else None})


if __name__ == "__main__":
    main()
