"""Swap two folders in one step, so that a reader sees the old release or the new one and nothing between.

Linux's `renameat2(RENAME_EXCHANGE)` and macOS's `renamex_np(RENAME_SWAP)` do it atomically. On a file system without
either (some network mounts) two renames follow each other; for that moment the path does not exist, and
`finish_interrupted_exchange` completes it if the process died in between.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


def exchange(staged: Path, live: Path) -> None:
    """Make `staged` the live folder; afterwards `staged` holds what was live (or is gone if nothing was).

    Both must be on one file system. Raises OSError when neither way works.
    """
    if not live.exists():
        os.rename(staged, live)
    elif not _exchange_in_one_step(staged, live):
        aside = _aside(live)
        os.rename(live, aside)
        os.rename(staged, live)
        os.rename(aside, staged)
    _sync_folder(live.parent)


def finish_interrupted_exchange(live: Path) -> None:
    """Bring the old release back if a process died between the two renames of the fallback."""
    aside = _aside(live)
    if aside.exists() and not live.exists():
        os.rename(aside, live)


def _aside(live: Path) -> Path:
    return live.with_name(f".{live.name}.aside")


def _exchange_in_one_step(left: Path, right: Path) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(left), os.fsencode(right)
    if sys.platform.startswith("linux") and hasattr(libc, "renameat2"):
        return libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        return libc.renamex_np(paths[0], paths[1], _RENAME_SWAP) == 0
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
