"""A run that is refused, then killed anywhere, then run again: the same bytes, and readers saw the old state or the new one."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from tests.support import tiny_world as world
from tests.support.home import allocator, parquet_hashes

D9 = world.DATES[8]
#: Seconds that each stage lasts at least, for a moment within it.
STAGES = {"building ledger": 3, "building measures": 2, "publishing": 0.5}


def test_a_run_stopped_again_and_again_ends_in_the_same_bytes(home, ninth_day):
    """Each run finds what the one before it left. Semantics 8; landing.md: exit 3, feed, date and folder named, published/ untouched."""
    old, new = parquet_hashes(home), parquet_hashes(ninth_day)
    world.write_day(home / "landing", D9)
    shutil.rmtree(home / "landing" / "pos" / f"business_date={D9}")
    done = allocator(home, "run", "--date", str(D9), check=False)
    assert done.returncode == 3
    assert f"landing/pos/business_date={D9}" in done.stderr
    assert parquet_hashes(home) == old
    assert "pos" in allocator(home, "status").stdout
    allocator(home, "audit", "verify")

    world.write_day(home / "landing", D9)
    for stage, seconds in STAGES.items():
        _run_and_kill(home, stage, random.Random(stage).uniform(0, seconds))
        assert parquet_hashes(home) in (old, new), stage
    allocator(home, "run", "--date", str(D9))
    assert parquet_hashes(home) == new
    assert "refused" not in allocator(home, "status").stdout
    files = [json.loads((h / "published" / "CURRENT.json").read_text())["files"].keys() for h in (home, ninth_day)]
    assert files[0] == files[1]


def _run_and_kill(home, stage: str, seconds: float) -> None:
    command = [sys.executable, "-m", "orchestration.cli", "run", "--date", str(D9), "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert any(stage in line for line in process.stdout)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
