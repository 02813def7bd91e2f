"""One run at a time holds a home: command, sensor and UI alike.

`flock` belongs to the kernel: it goes with its process, so the lock of a dead holder is free at once and nothing has to
guess from a stale pid. Holding is re-entrant within a process, because the command holds the home over several dates
and each Dagster run inside it holds it again.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import HomeLockedError
from orchestration.settings import Home

_held: dict[Path, tuple[int, int]] = {}
_guard = threading.RLock()


@contextmanager
def hold_home(home: Home, holder: str) -> Iterator[None]:
    """Hold the home for the block; raises HomeLockedError when another process holds it.

    `holder` is a few words on who asks; together with the pid it is what the other side reads.
    """
    _acquire(home, holder)
    try:
        yield
    finally:
        _release(home)


@contextmanager
def wait_for_home(home: Home, holder: str, say: Callable[[str], None], poll_seconds: float = 1.0) -> Iterator[None]:
    """Hold the home for the block, once whoever holds it now has let it go; says once whom it waits for.

    For runs that Dagster has started: a run that was queued waits for a command that holds the home, it does not fail.
    """
    said = ""
    while True:
        try:
            _acquire(home, holder)
            break
        except HomeLockedError as error:
            if str(error) != said:
                said = str(error)
                say(f"waiting: {said.split(': wait', maxsplit=1)[0]}")
            time.sleep(poll_seconds)
    try:
        yield
    finally:
        _release(home)


def is_held(home: Home) -> bool:
    """True when a living process, this one included, holds the home."""
    try:
        with hold_home(home, "probe"), _guard:
            return _held[home.lock_file][1] > 1
    except HomeLockedError:
        return True


def _acquire(home: Home, holder: str) -> None:
    with _guard:
        path = home.lock_file
        if path in _held:
            descriptor, depth = _held[path]
            _held[path] = (descriptor, depth + 1)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(descriptor, 4096, 0).decode(errors="replace") or "{}"
            os.close(descriptor)
            raise HomeLockedError(_locked_message(home, other)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "holder": holder}).encode(), 0)
        _held[path] = (descriptor, 1)


def _release(home: Home) -> None:
    with _guard:
        descriptor, depth = _held.pop(home.lock_file)
        if depth > 1:
            _held[home.lock_file] = (descriptor, depth - 1)
            return
        os.ftruncate(descriptor, 0)
        os.close(descriptor)


def _locked_message(home: Home, other: str) -> str:
    try:
        who = json.loads(other)
        description = f"{who['holder']} (pid {who['pid']})"
    except (ValueError, KeyError):
        description = "another run"
    return f"home {home.root} is held by {description}: wait for it to end, then run again"
