"""dbt's command line in a process that has its imports and the parsed project behind it, for runs of a warm process.

`client(folder)` starts the server and writes an executable that takes `allocator-dbt`'s place: it hands arguments, environment,
folder and output to the server, which forks and calls `orchestration.dbt_child.main`, and ends with that code.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path

_CLIENT = """#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
message = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
socket.send_fds(server, [len(message).to_bytes(8, "big")], [1, 2])
server.sendall(message)
sys.exit(int(server.recv(16) or 1))
"""


def client(folder: Path) -> tuple[Path, subprocess.Popen]:
    """The executable that calls a server, and that server: it ends when its standard input does, with this process."""
    address, path = folder / "dbt.sock", folder / "allocator-dbt"
    path.write_text(_CLIENT.format(python=sys.executable, address=str(address)))
    path.chmod(0o755)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(address))
    listener.listen()
    command = [sys.executable, "-m", "tests.support.warm_dbt", str(listener.fileno())]
    server = subprocess.Popen(command, pass_fds=[listener.fileno()], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    listener.close()
    return path, server


def _serve(listener: socket.socket) -> None:
    import dbt.adapters.duckdb
    import dbt.cli.main  # noqa: F401

    from orchestration import dbt_child
    from orchestration.dbt_parse import ensure_manifest, load_parsed

    ensure_manifest()
    parsed = load_parsed(Path("warehouse.duckdb"))
    dbt_child.load_parsed = lambda _warehouse: parsed
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        with connection:
            size, descriptors, _, _ = socket.recv_fds(connection, 8, 2)
            arguments, environment, folder = json.loads(_received(connection, int.from_bytes(size, "big")))
            child = os.fork()
            if not child:
                for number, descriptor in enumerate(descriptors, 1):
                    os.dup2(descriptor, number)
                os.environ.clear()
                os.environ.update(environment)
                os.chdir(folder)
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                sys.argv[1:] = arguments
                _end_as(dbt_child.main)
            for descriptor in descriptors:
                os.close(descriptor)
            _, status = os.waitpid(child, 0)
            connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _received(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        parts.append(connection.recv(min(size, 1 << 16)))
        size -= len(parts[-1])
    return b"".join(parts)


def _end_as(main) -> None:
    code = 1
    try:
        main()
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
