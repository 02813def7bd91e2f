"""Rules of datasets whose rows wait for approval: correction proposals and supplier orders alike."""

from __future__ import annotations

from data_quality.expectations.spec import ExpectationSpec, SpecBuilder

_TOO_FEW_APPROVERS = """
approval_status = 'approved' AND (
    approvals_needed < 1 OR approvals_given < approvals_needed
    OR len(list_distinct(string_split(lower(coalesce(approved_by, '')), ','))) < approvals_needed
)
"""
_WITHOUT_APPROVER = """
approval_status = 'pending' AND (approver_role IS NULL OR due_on IS NULL OR approvals_needed < 1
    OR approvals_given >= approvals_needed)
"""


def enough_approvers(dataset: SpecBuilder) -> ExpectationSpec:
    """Approved rows have the approvals that they need, of different people."""
    return dataset.where("enough_approvers", _TOO_FEW_APPROVERS, "what is approved has enough different approvers")


def pending_has_approver(dataset: SpecBuilder) -> ExpectationSpec:
    """Pending rows name the role that may approve them and the date by which."""
    return dataset.where("pending_has_approver", _WITHOUT_APPROVER, "what is pending says who may approve it, and by when")
