"""The `allocator` command in a process that has its imports behind it: importing is a fifth of a small run.

A warm process imports what a run imports, and forks for each call; what runs in the fork is `orchestration.cli.main`, with a
dbt that is warm in the same way (`warm_dbt`). No thread and no connection exists in it before the fork. Where the process itself matters (killed runs, the commands of
the README) tests start the installed command instead.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path


def run_warm(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """`allocator <arguments>` in a fork of this worker's warm process."""
    process = _warm_process()
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        print(json.dumps([str(out), str(err), *arguments]), file=process.stdin, flush=True)
        code = process.stdout.readline()
        if not code:
            raise RuntimeError("the warm process ended; see its standard error above")
        return subprocess.CompletedProcess(list(arguments), int(code), out.read_text(), err.read_text())


@lru_cache(maxsize=1)
def _warm_process() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.warm_command"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "GX_ANALYTICS_ENABLED": "false"}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=Path(__file__).parents[2]
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.stdin.close()
    process.wait()


def _serve() -> None:
    import great_expectations  # noqa: F401

    import allocation_assets
    import orchestration.definitions
    import orchestration.explain
    import orchestration.runner
    from tests.support import warm_dbt

    with tempfile.TemporaryDirectory() as folder:
        dbt, server = warm_dbt.client(Path(folder))
        orchestration.definitions.dbt_executable = lambda: str(dbt)
        allocation_assets.warm_up()
        _serve_calls()
        server.communicate()


def _serve_calls() -> None:
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        out, err, *arguments = json.loads(line)
        child = os.fork()
        if not child:
            _become_the_command(out, err, arguments)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _become_the_command(out: str, err: str, arguments: Sequence[str]) -> None:
    from orchestration.cli import main

    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 1
    try:
        code = main(arguments)
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
