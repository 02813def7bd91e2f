"""What installation does once so that no run pays for it: byte-code, compiled kernels, a parsed dbt project."""

from __future__ import annotations

import compileall
import sys
import sysconfig


def main() -> None:
    """Compile site-packages' byte-code quietly, the numba kernels, and dbt's manifest."""
    compileall.compile_dir(sysconfig.get_paths()["purelib"], quiet=2, workers=0)
    from allocation_assets import warm_up
    from orchestration.dbt_parse import ensure_manifest

    warm_up()
    ensure_manifest()


if __name__ == "__main__":
    sys.exit(main())
