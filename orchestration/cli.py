"""The `allocator` command. Exit codes: 0 done, 1 our own bug, 2 arguments/home/policy, 3 landed data or a gate, 4 locked.

Heavy imports happen inside the commands: `--help`, `status` and a wrong argument answer at once.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from datetime import date

from orchestration.demo import DATA, run_demo
from orchestration.errors import AllocatorError, UsageError
from orchestration.settings import HOME_ENV, Home, code_version

log = logging.getLogger("allocator")

EXPORT_TARGETS = ("powerbi", "tableau", "looker", "excel")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        raise UsageError(f"{self.prog}: {message}; see {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """The command line of `published.md`."""
    parser = _Parser(prog="allocator", description="Open retail allocation: landing files to published allocations.")
    parser.add_argument("--version", action="version", version=f"allocator {code_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--home", metavar="DIR", help=f"the deployment's folder (default: ${HOME_ENV}, then ./home)")
        return sub

    demo = command("demo", "real data into a fresh home, its last business dates run")
    demo.add_argument("--data", choices=DATA, help=f"which data (default: what the home holds, else {DATA[0]})")
    run = command("run", "take in what landed, build, decide, gate and publish a date")
    run.add_argument("--date", required=True, type=_date, metavar="D", help="business date, YYYY-MM-DD")
    run.add_argument("--through", type=_date, metavar="D2", help="run every landed date from D to D2")
    run.add_argument("--scenario", default="base", metavar="NAME", help="scenario to decide (only `base` so far)")
    explain = command("explain", "why this SKU at this location got this many units")
    explain.add_argument("--date", required=True, type=_date, metavar="D")
    explain.add_argument("--sku", required=True, metavar="S")
    explain.add_argument("--location", required=True, metavar="L")
    report = command("report", "the review page and workbook of a published date")
    report.add_argument("--date", required=True, type=_date, metavar="D")
    report.add_argument("--weekly", action="store_true", help="the S&OP variant: the week to D, with actions to decide")
    command("status", "newest date landed, run and published; what was refused; what is quarantined")
    quarantine = command("quarantine", "the quarantined rows with their reasons")
    quarantine.add_argument("--feed", metavar="F", help="only this feed")
    quarantine.add_argument("--export", metavar="FILE", help="write all of them to a CSV file")
    audit = command("audit", "check the audit log's hash chain and what it vouches for, or show its entries")
    audit.add_argument("action", choices=("verify", "show"), help="check the chain, or show entries")
    audit.add_argument("--expect", metavar="SHA", help="verify: a head noted down earlier must be a file of the chain")
    audit.add_argument("--row-key", metavar="K", help="show: only the row with this key, e.g. of a proposal")
    audit.add_argument("--date", type=_date, metavar="D", help="show: only what was entered on, or is about, this date")
    export = command("export", "what Power BI, Tableau, Looker or Excel opens, from what is published")
    export.add_argument("target", choices=EXPORT_TARGETS, help="the tool")
    export.add_argument("--out", metavar="DIR", help="the folder to write (default: exports/TARGET of the home)")
    ui = command("ui", "the Dagster UI of this home, on loopback")
    ui.add_argument("--port", type=int, default=3000)
    return parser


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date: write YYYY-MM-DD") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, run, and turn errors into one line and an exit code."""
    _configure()
    try:
        arguments = build_parser().parse_args(argv)
        return _dispatch(arguments)
    except AllocatorError as error:
        for line in str(error).splitlines():
            print(f"allocator: {line}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("allocator: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        logging.getLogger("allocator").debug("bug", exc_info=True)
        print(
            f"allocator: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            " (our own bug; run again with ALLOCATOR_DEBUG=1 for the trace)",
            file=sys.stderr,
        )
        if os.environ.get("ALLOCATOR_DEBUG"):
            raise
        return 1


def _configure() -> None:
    warnings.filterwarnings("ignore")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)


def _dispatch(arguments: argparse.Namespace) -> int:
    home = Home.at(arguments.home)
    os.environ[HOME_ENV] = str(home.root)
    if arguments.command == "demo":
        return run_demo(home, arguments.data)
    if not home.root.is_dir():
        raise UsageError(f"home {home.root} does not exist: give --home or ${HOME_ENV}, or start with `allocator demo`")
    if arguments.command == "run":
        return _run(home, arguments)
    if arguments.command == "explain":
        from orchestration.explain import explain

        print(explain(home, arguments.date, arguments.sku, arguments.location))
    elif arguments.command == "report":
        from orchestration.report import write_report

        for path in write_report(home, arguments.date, is_weekly=arguments.weekly):
            print(path)
    elif arguments.command == "status":
        from orchestration.status import status

        print(status(home))
    elif arguments.command == "quarantine":
        from orchestration.status import quarantine

        print(quarantine(home, arguments.feed, arguments.export))
    elif arguments.command == "audit":
        from orchestration import audit

        is_check = arguments.action == "verify"
        print(audit.verify(home, arguments.expect) if is_check else audit.show(home, arguments.row_key, arguments.date))
    elif arguments.command == "export":
        from orchestration.export import export

        print(export(home, arguments.target, arguments.out))
    elif arguments.command == "ui":
        from orchestration.ui import serve

        return serve(home, arguments.port)
    return 0


def _run(home: Home, arguments: argparse.Namespace) -> int:
    if arguments.scenario != "base":
        raise UsageError(f"scenario {arguments.scenario!r} is not defined: only `base` can be run")
    from orchestration.run_line import report_line
    from orchestration.runner import run_dates

    for report in run_dates(home, arguments.date, arguments.through):
        print(report_line(home, report))
        for warning in report.session.warnings:
            print(f"  note: {warning}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
