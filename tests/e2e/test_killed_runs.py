"""SIGKILL anywhere in a run, then run again: the same bytes, and readers saw the old state or the new one."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.support import tiny_world as world
from tests.support.home import allocator, parquet_hashes

D9 = world.DATES[8]
#: Rough length of a daily run; a kill after its end is harmless and tests the repeat.
SECONDS = 26


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_killed_run_ends_in_the_same_bytes(home, ninth_day, share):
    world.write_day(home / "landing", D9)
    old, new = parquet_hashes(home), parquet_hashes(ninth_day)
    command = [sys.executable, "-m", "orchestration.cli", "run", "--date", str(D9), "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(SECONDS * share + random.Random(str(share)).uniform(0, 2))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert parquet_hashes(home) in (old, new)
    allocator(home, "run", "--date", str(D9))
    assert parquet_hashes(home) == new
    files = [json.loads((h / "published" / "CURRENT.json").read_text())["files"].keys() for h in (home, ninth_day)]
    assert files[0] == files[1]
