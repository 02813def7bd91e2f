"""One run at a time holds a home; a dead holder's lock is taken over (published.md, The command)."""

import subprocess
import sys
import time

import pytest

from orchestration.errors import HomeLockedError
from orchestration.lock import hold_home, is_held, wait_for_home
from orchestration.settings import Home

HOLDER = """
import sys, time
from orchestration.lock import hold_home
from orchestration.settings import Home
with hold_home(Home.at(sys.argv[1]), "the other run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_process(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "held"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_and_told_who_holds(tmp_path, other_process):
    with (
        pytest.raises(HomeLockedError, match=rf"the other run \(pid {other_process.pid}\)"),
        hold_home(Home.at(tmp_path), "me"),
    ):
        pass
    assert HomeLockedError.exit_code == 4


def test_the_lock_of_a_killed_holder_is_taken_over(tmp_path, other_process):
    other_process.kill()
    other_process.wait()
    with hold_home(Home.at(tmp_path), "me"):
        assert is_held(Home.at(tmp_path))
    assert not is_held(Home.at(tmp_path))


def test_holding_is_reentrant_in_one_process(tmp_path):
    home = Home.at(tmp_path)
    with hold_home(home, "outer"):
        with hold_home(home, "inner"):
            pass
        assert is_held(home)
    assert not is_held(home)


def test_a_child_process_does_not_keep_the_lock(tmp_path):
    home = Home.at(tmp_path)
    with hold_home(home, "parent"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"])
        time.sleep(0.1)
    with hold_home(home, "next"):
        pass
    child.kill()
    child.wait()


def test_a_run_of_the_ui_waits_for_the_holder_and_says_for_whom(tmp_path, other_process):
    said, waited = [], []

    def say(line):
        said.append(line)
        other_process.kill()
        other_process.wait()

    with wait_for_home(Home.at(tmp_path), "run of the UI", say, poll_seconds=0.01):
        waited.append(is_held(Home.at(tmp_path)))
    assert said == [f"waiting: home {tmp_path} is held by the other run (pid {other_process.pid})"]
    assert waited == [True] and not is_held(Home.at(tmp_path))


def test_a_run_inside_a_command_that_holds_the_home_does_not_wait(tmp_path):
    home = Home.at(tmp_path)
    with hold_home(home, "allocator run"), wait_for_home(home, "its run", pytest.fail):
        assert is_held(home)
