"""What every asset says beyond its own description: its stage, the runbooks that apply, when it counts as stale.

Declared once by group and dataset and laid over the specs when the definitions are built, so that an asset in a group that
is not named here is an error, not an asset without a runbook.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import dagster as dg

from orchestration.errors import AllocatorError, HomeLockedError, LandedDataError, UsageError
from orchestration.operations import Operations
from orchestration.settings import PROJECT_ROOT

RUNBOOKS = "docs/runbooks"

#: Runbook (file name without .md) -> what to do first, as an alert says it.
FIRST_STEP = {
    "feed-missing-or-refused": "have the feed delivered, then run the date again",
    "too-many-rows-quarantined": "read the reasons with `allocator quarantine`, correct the feed, then run the date again",
    "gate-refused-to-publish": "follow a sample key in the failed check, remove the cause, then run the date again",
    "audit-chain-broken": "keep a copy of published/, then run `allocator audit verify`",
    "home-is-held": "wait for the run that holds the home, or stop its process",
    "run-failed": "open the run in `allocator ui`, read the first failed step, then run the date again",
    "arguments-or-policy-refused": "correct what the line names, then start the run again",
    "published-is-behind": "run the oldest landed date that is not published",
    "past-figure-changed": "look up in the audit log and the feed's accounts what came late",
    "forecast-is-off": "look up forecast_accuracy and demand_signals of the newest date",
    "nothing-is-allocated": "read the notes of the run, then the reasons in allocation_needs",
    "approvals-wait": "decide what waits: land the decisions in the approvals feed",
    "orders-are-held": "approve or reject the held orders, or raise the month's budget",
    "deliveries-take-longer": "settle the lead time with the supplier or carrier",
    "page-shows-no-figures": "check what the date has landed, then write the page again",
    "export-is-old": "run the job `exports`, or `allocator export`",
}


@dataclass(frozen=True)
class Group:
    """A group of assets: the stage of a run that it belongs to (a tag), and the runbooks of what goes wrong in it."""

    stage: str
    runbooks: tuple[str, ...]


GROUPS = {
    "feeds": Group("ingest", ("feed-missing-or-refused", "too-many-rows-quarantined", "past-figure-changed")),
    "staging": Group("build", ("run-failed", "too-many-rows-quarantined")),
    "intermediate": Group("build", ("run-failed", "gate-refused-to-publish")),
    "inventory": Group("build", ("gate-refused-to-publish", "past-figure-changed", "run-failed")),
    "decisions": Group("decide", ("gate-refused-to-publish", "run-failed")),
    "kpi": Group("measure", ("gate-refused-to-publish", "past-figure-changed", "run-failed")),
    "ops": Group("measure", ("gate-refused-to-publish", "too-many-rows-quarantined", "run-failed")),
    "published": Group("publish", ("published-is-behind", "gate-refused-to-publish", "audit-chain-broken", "home-is-held")),
    "reports": Group("report", ("page-shows-no-figures", "published-is-behind")),
    "consumers": Group("export", ("export-is-old", "published-is-behind")),
}

#: Runbooks of one dataset, before those of its group, whether it is decided, built or published.
_OF_DATASET = {
    **dict.fromkeys(("demand_forecasts", "forecast_accuracy", "demand_signals"), ("forecast-is-off",)),
    **dict.fromkeys(("allocations", "allocation_needs", "allocation_performance"), ("nothing-is-allocated",)),
    **dict.fromkeys(("adjustments_proposed", "approval_outcomes"), ("approvals-wait",)),
    **dict.fromkeys(("replenishment_orders", "open_to_buy"), ("orders-are-held", "approvals-wait")),
    **dict.fromkeys(("lead_times", "vendor_scorecards", "inbound_predictions"), ("deliveries-take-longer",)),
    "exceptions": ("approvals-wait", "orders-are-held", "deliveries-take-longer", "forecast-is-off"),
    "run_facts": ("arguments-or-policy-refused",),
    "run_summary": ("arguments-or-policy-refused",),
}


def runbooks_of(key: dg.AssetKey, group: str) -> tuple[str, ...]:
    """Runbooks of an asset, the dataset's own first. AllocatorError where the group is not declared here."""
    if group not in GROUPS:
        raise AllocatorError(f"asset {key.to_user_string()}: group {group!r} has no runbooks: add it to GROUPS in orchestration/catalogue.py")
    return tuple(dict.fromkeys((*_OF_DATASET.get(key.path[-1], ()), *GROUPS[group].runbooks)))


@cache
def symptom(runbook: str) -> str:
    """What an operator sees: the runbook's title, its file's name where the docs are not installed."""
    path = PROJECT_ROOT / RUNBOOKS / f"{runbook}.md"
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") if path.exists() else runbook


def runbook_place(runbook: str, operations: Operations) -> str:
    """Where the runbook is: below `runbooks_url` of operations.yaml, else its path in the project."""
    return f"{(operations.runbooks_url or RUNBOOKS).rstrip('/')}/{runbook}.md"


def catalogued(operations: Operations) -> Callable[[dg.AssetSpec], dg.AssetSpec]:
    """The function that lays stage, runbooks and freshness over an asset's spec."""
    freshness = dg.FreshnessPolicy.time_window(
        fail_window=operations.freshness.fail_window, warn_window=operations.freshness.warn_window
    )

    def lay_over(spec: dg.AssetSpec) -> dg.AssetSpec:
        runbooks = runbooks_of(spec.key, spec.group_name or "default")
        lines = "\n".join(f"- {_linked(runbook, operations)}" for runbook in runbooks)
        spec = spec.replace_attributes(description=f"{spec.description or ''}\n\n**When something is wrong**\n\n{lines}".strip())
        spec = spec.merge_attributes(tags={"stage": GROUPS[spec.group_name].stage}, metadata={"runbooks": ", ".join(runbooks)})
        is_published = spec.group_name == "published"
        return spec.replace_attributes(freshness_policy=freshness) if is_published else spec

    return lay_over


def _linked(runbook: str, operations: Operations) -> str:
    place = runbook_place(runbook, operations)
    return f"[{symptom(runbook)}]({place})" if operations.runbooks_url else f"{symptom(runbook)}: `{place}`"


#: Check -> its runbook; a check of dbt is named after its test.
_OF_CHECK = {
    "arrival": "feed-missing-or-refused",
    "fresh": "published-is-behind",
}


def runbook_of_check(name: str, status: str | None = None) -> str:
    """The runbook of a failed check; an arrival check with status `quarantine_rate` has one of its own."""
    if status == "quarantine_rate":
        return "too-many-rows-quarantined"
    return _OF_CHECK.get(name, "gate-refused-to-publish")


def runbook_of_error(error: AllocatorError) -> str:
    """The runbook of an error that ended a run."""
    if isinstance(error, HomeLockedError):
        return "home-is-held"
    if isinstance(error, UsageError):
        return "arguments-or-policy-refused"
    if isinstance(error, LandedDataError):
        is_tampering = "`allocator audit verify`" in str(error)
        return "audit-chain-broken" if is_tampering else "gate-refused-to-publish"
    return "run-failed"
