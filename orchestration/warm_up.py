"""What installation does once so that no run pays for it: byte-code, compiled kernels, a parsed dbt project, the charts' script."""

from __future__ import annotations

import compileall
import sys
import sysconfig


def main() -> None:
    """Compile site-packages' byte-code quietly, the numba kernels, dbt's manifest, and the script of the charts."""
    compileall.compile_dir(sysconfig.get_paths()["purelib"], quiet=2, workers=0)
    from allocation_assets import warm_up
    from orchestration.dbt_parse import ensure_manifest
    from orchestration.report import chart_runtime

    warm_up()
    ensure_manifest()
    chart_runtime()


if __name__ == "__main__":
    sys.exit(main())
