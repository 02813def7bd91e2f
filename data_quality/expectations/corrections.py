"""Expectations of approvals, causes, proposals and audit entries (semantics 18); part of the suite `decisions`."""

from __future__ import annotations

from data_quality.expectations.approvals import enough_approvers, pending_has_approver
from data_quality.expectations.spec import ExpectationSpec, SpecBuilder

CAUSES = [
    "missing_receipt", "unposted_transfer", "late_pos", "unrecorded_damage", "mis_pick", "shrink", "count_error",
    "unexplained",
]  # fmt: skip
OUTCOMES = [
    "approved", "rejected", "counted", "refused_role", "refused_self", "refused_same_person", "refused_unknown",
    "refused_closed", "refused_too_late",
]  # fmt: skip
STEPS = [
    "proposed", "recount_requested", "investigation_requested", "posted", "withdrawn", "disposition_proposed",
    "disposition_decided", "ordered", *OUTCOMES,
]  # fmt: skip

_SUM_OF_CAUSES = """
SELECT v.business_date AS counted_on, v.location_id, v.sku_id, v.count_id, v.variance, c.units
FROM int_variances AS v
LEFT JOIN (
    SELECT b.counted_on, b.location_id, b.sku_id, b.count_id, sum(b.units) AS units
    FROM {batch} AS b WHERE b.cause <> 'late_pos' GROUP BY ALL
) AS c
    ON v.business_date = c.counted_on AND v.location_id = c.location_id AND v.sku_id = c.sku_id
    AND v.count_id = c.count_id
WHERE v.variance <> coalesce(c.units, 0)
"""

_OTHER_SIGN = """
SELECT c.* FROM {batch} AS c JOIN int_variances AS v
    ON v.business_date = c.counted_on AND v.location_id = c.location_id AND v.sku_id = c.sku_id
    AND v.count_id = c.count_id
WHERE c.cause <> 'late_pos' AND sign(c.units) <> sign(v.variance)
"""

_OPEN_TWICE = """
SELECT location_id, sku_id, count(*) AS proposals FROM {batch}
WHERE kind = 'count' AND closed_on IS NULL GROUP BY location_id, sku_id HAVING count(*) > 1
"""

_NOT_PROPOSED = """
SELECT v.location_id, v.sku_id, v.count_id AS source_id, v.variance FROM int_variances AS v
LEFT JOIN {batch} AS p ON v.location_id = p.location_id AND v.sku_id = p.sku_id AND v.count_id = p.source_id
WHERE v.business_date = getvariable('run_date') AND NOT v.is_posted AND NOT v.has_adjustment
    AND NOT v.is_within_tolerance
    AND p.source_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM int_variances AS n
        WHERE n.location_id = v.location_id AND n.sku_id = v.sku_id AND n.business_date = v.business_date
            AND (n.counted_at, n.count_id) > (v.counted_at, v.count_id)
    )
"""


def reconciliation_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """Everything that holds of the four datasets, as part of a suite."""
    return [*_outcomes(suite), *_causes(suite), *_proposals(suite), *_entries(suite)]


def _outcomes(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    outcomes = SpecBuilder(suite, "approval_outcomes", ("approval_id",))
    return [
        outcomes.of_run_date(),
        outcomes.unique("approval_id"),
        outcomes.not_null("approval_id", "dataset", "row_key", "decision", "decided_by", "role", "decided_at", "outcome"),
        outcomes.one_of("outcome", OUTCOMES),
        outcomes.where(
            "accepted_is_known",
            "outcome IN ('approved', 'rejected', 'counted') AND (source_id IS NULL OR about_date IS NULL OR kind IS NULL)",
            "what counts is about a proposal",
        ),
    ]


def _causes(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    key = ("counted_on", "location_id", "sku_id", "count_id")
    causes = SpecBuilder(suite, "variance_causes", key)
    return [
        causes.of_run_date(),
        causes.not_null(*key, "cause", "units"),
        causes.unique(*key, "cause", "evidence_feed", "evidence_key"),
        causes.one_of("cause", CAUSES),
        causes.where("explains_units", "units = 0", "no cause explains nothing"),
        causes.where(
            "evidence_named",
            "(cause = 'unexplained') <> (evidence_key IS NULL)",
            "every cause but unexplained names the fact that carries it",
        ),
        causes.rows("sum_is_variance", _SUM_OF_CAUSES, "the causes of a variance sum to it"),
        causes.rows("same_sign", _OTHER_SIGN, "a cause has the sign of its variance"),
    ]


def _proposals(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    key = ("location_id", "sku_id", "source_id")
    proposals = SpecBuilder(suite, "adjustments_proposed", key)
    return [
        proposals.of_run_date(),
        proposals.unique("business_date", *key),
        proposals.not_null(
            "business_date", *key, "row_key", "kind", "about_date", "proposed_on", "variance_units", "action",
            "approval_status", "approvals_needed", "approvals_given", "reason", "policy_version",
        ),
        proposals.one_of("kind", ["count", "disposition"]),
        proposals.one_of("action", ["post", "recount", "investigate", "dispose"]),
        proposals.one_of("approval_status", ["auto", "pending", "approved", "rejected", "withdrawn"]),
        proposals.one_of("disposition", ["restock", "repair", "vendor", "liquidate", "destroy"]),
        proposals.one_of("root_cause", CAUSES),
        proposals.where(
            "dispose_is_disposition",
            "(kind = 'disposition') <> (action = 'dispose') OR (kind = 'disposition') <> (disposition IS NOT NULL)",
            "dispositions, and only they, dispose",
        ),
        enough_approvers(proposals),
        proposals.where(
            "no_self_approval",
            "list_contains(string_split(lower(approved_by), ','), lower(trim(proposed_by)))",
            "nobody approves what they counted",
        ),
        pending_has_approver(proposals),
        proposals.where(
            "closed_on_run_date",
            "closed_on <> business_date OR (closed_on IS NULL AND approval_status IN ('rejected', 'withdrawn'))",
            "what closes shows on the date that closes it, and what is rejected or withdrawn is closed",
        ),
        proposals.rows("open_once", _OPEN_TWICE, "a pair has at most one open correction", keys=key[:2]),
        proposals.rows("all_proposed", _NOT_PROPOSED, "every variance beyond tolerance that is not posted is proposed"),
    ]  # fmt: skip


def _entries(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    entries = SpecBuilder(suite, "audit_entries", ("entry_id",))
    return [
        entries.of_run_date(),
        entries.unique("entry_id"),
        entries.not_null("entry_id", "about_date", "actor", "action", "dataset", "row_key", "policy_version"),
        entries.one_of("action", STEPS),
    ]
