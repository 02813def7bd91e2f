"""What the kernels return is what the lake's schemas promise, names and types."""

from __future__ import annotations

import pytest

from allocation_assets.reconciliation.approvals import judge_approvals
from allocation_assets.reconciliation.audit import audit_entries
from allocation_assets.reconciliation.causes import attribute_causes
from allocation_assets.reconciliation.frames import empty, run_query
from tests.unit.reconciliation.cases import (
    APPROVALS,
    DAY,
    EVIDENCE,
    LADDER,
    approval,
    proposal,
    proposals,
    table,
    variance,
    variances,
)
from tests.unit.reconciliation.test_causes import EARLIER
from tests.unit.reconciliation.test_proposals import disposed, propose_from


def described(rows):
    return run_query("DESCRIBE FROM t", {"t": rows}).select(["column_name", "column_type"]).to_pylist()


@pytest.mark.parametrize("is_empty", [True, False])
def test_results_have_the_columns_of_the_lake(is_empty):
    counted = [] if is_empty else [variance(units=-10)]
    made = [] if is_empty else [approval("a1")]
    open_rows = proposals(*([] if is_empty else [proposal()]))
    outcomes = judge_approvals(table(APPROVALS, made), open_rows, empty("decisions/approval_outcomes"), LADDER, DAY, 35)
    proposed = propose_from(counted, disposed=[] if is_empty else [disposed()])
    results = {
        "approval_outcomes": outcomes,
        "variance_causes": attribute_causes(variances(*counted), table(EVIDENCE), table(EARLIER), DAY),
        "adjustments_proposed": proposed,
        "audit_entries": audit_entries(proposed, open_rows, outcomes, "p", DAY),
    }
    for name, result in results.items():
        assert described(result) == described(empty(f"decisions/{name}")), name
        assert (result.num_rows == 0) == is_empty
