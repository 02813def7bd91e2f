"""`allocator ui`: the Dagster UI of a home on loopback, with the daemon that schedules and sensors need."""

from __future__ import annotations

import os
import subprocess
import sys

from orchestration.settings import HOME_ENV, PROJECT_ROOT, Home

HOST = "127.0.0.1"


def serve(home: Home, port: int) -> int:
    """Run `dagster dev` until it is stopped; returns its exit code."""
    home.prepare()
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
