"""`allocator ui`: the Dagster UI of a home on loopback, with the daemon that schedules and sensors need."""

from __future__ import annotations

import os
import subprocess
import sys

from orchestration.settings import HOME_ENV, PROJECT_ROOT, Home

HOST = "127.0.0.1"


def register_dates(home: Home) -> None:
    """Make every landed date a partition, so that it can be run and backfilled from the UI of a home that never ran."""
    import dagster as dg

    from data_quality.feeds import load_contracts
    from data_quality.intake import landed_dates
    from orchestration.partitions import register_landed

    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        register_landed(instance, {str(day) for day in landed_dates(home.landing, list(load_contracts()))})


def serve(home: Home, port: int) -> int:
    """Run `dagster dev` until it is stopped; returns its exit code."""
    home.prepare()
    register_dates(home)
    environment = {
        **os.environ,
        HOME_ENV: str(home.root),
        "DAGSTER_HOME": str(home.dagster),
        "PYTHONWARNINGS": "ignore",
    }
    print(f"Dagster UI of {home.root}: http://{HOST}:{port} (stop with Ctrl+C)", flush=True)
    command = [
        sys.executable,
        "-m",
        "dagster",
        "dev",
        "-w",
        str(PROJECT_ROOT / "workspace.yaml"),
        "-h",
        HOST,
        "-p",
        str(port),
    ]
    try:
        return subprocess.run(command, env=environment, cwd=PROJECT_ROOT).returncode
    except KeyboardInterrupt:
        return 0
