"""Proposals of a date: corrections of the book that count variances ask for, and dispositions of goods.

A count proposal is about the newest count of a location and item, where its variance is beyond tolerance and not posted:

- action `investigate` where missing_receipt or unposted_transfer explain at least half (the document is to be mended),
  `recount` where it is worth `reconciliation.recount_value` or more and no earlier count within `recount_days` found the
  same within tolerance, else `post`;
- status `pending` until people decide, `auto` where policy lets it post without asking but the system of record posts
  (semantics 18); approver_role is the lowest role of the ladder that may approve its value, approvals_needed 2 from
  `four_eyes_value` on.

What was open the day before is carried: closed where it was rejected, posted, vanished, is within tolerance by now, was
superseded by a newer count of the pair, or lies further back than `feeds.late_days`; else restated as its variance is
today. Where that changed, approvals given so far were for another number and count no longer. What closes on a date shows
on that date and not on the next. Corrections that policy posted by itself show on the date that posted them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from allocation_assets.policy.limits import parse_limits
from allocation_assets.reconciliation.frames import limits_table, run_query

#: The newest date of each count document with what policy says of it today.
_COUNTED = """
WITH seen AS (
    SELECT * EXCLUDE (is_posted), abs(coalesce(variance_value, 0)) AS value,
        is_posted AND coalesce(posted_on, $day::DATE) <= $day::DATE AS is_posted,
        row_number() OVER (
            PARTITION BY location_id, sku_id ORDER BY business_date DESC, counted_at DESC, count_id DESC
        ) = 1 AS is_newest
    FROM variances WHERE business_date <= $day::DATE
),
by_cause AS (
    SELECT counted_on AS business_date, location_id, sku_id, count_id, cause, sum(abs(units)) AS units,
        min(evidence_feed || ' ' || evidence_key) AS fact, coalesce(list_position([
            'missing_receipt', 'unposted_transfer', 'late_pos', 'unrecorded_damage', 'mis_pick', 'shrink', 'count_error'
        ], cause), 8) AS rank
    FROM causes GROUP BY ALL
),
explained AS (
    SELECT business_date, location_id, sku_id, count_id, arg_max(cause, (units, -rank)) AS root_cause,
        sum(units) FILTER (rank <= 2) AS document_units, arg_max(fact, (units, -rank)) FILTER (rank <= 2) AS document
    FROM by_cause GROUP BY ALL
),
before AS (
    SELECT location_id, sku_id, source_id AS count_id, about_date AS business_date, variance_units AS variance
    FROM carried WHERE kind = 'count'
    UNION ALL
    SELECT location_id, sku_id, count_id, business_date, variance FROM seen WHERE NOT is_posted AND variance <> 0
),
confirmed AS (
    SELECT DISTINCT s.business_date, s.location_id, s.sku_id, s.count_id
    FROM seen AS s JOIN before AS b ON s.location_id = b.location_id AND s.sku_id = b.sku_id
    WHERE b.count_id <> s.count_id AND b.business_date BETWEEN s.business_date - $recount_days::INTEGER AND s.business_date
        AND abs(b.variance - s.variance) <= s.count_tolerance_units
)
SELECT s.*, coalesce(e.root_cause, 'unexplained') AS root_cause, coalesce(e.document_units, 0) AS document_units,
    e.document, c.count_id IS NOT NULL AS is_confirmed, l.role AS approver_role
FROM seen AS s
LEFT JOIN explained AS e USING (business_date, location_id, sku_id, count_id)
LEFT JOIN confirmed AS c USING (business_date, location_id, sku_id, count_id)
JOIN limits AS l ON s.value > l.above AND s.value <= l.up_to
QUALIFY row_number() OVER (PARTITION BY s.location_id, s.sku_id, s.count_id ORDER BY s.business_date DESC) = 1
ORDER BY location_id, sku_id, count_id
"""

#: What policy proposes for each of them, whether it is proposed or not.
_PROPOSABLE = """
SELECT location_id, sku_id, count_id AS source_id, 'count' AS kind, business_date AS about_date, book_units,
    counted_units, variance AS variance_units, variance_value::DECIMAL(18, 6) AS variance_value, root_cause,
    CASE
        WHEN is_posted OR is_auto THEN 'post'
        WHEN 2 * document_units >= abs(variance) AND document_units > 0 THEN 'investigate'
        WHEN is_confirmed OR value < $recount_value::DOUBLE THEN 'post'
        ELSE 'recount'
    END AS action,
    CASE WHEN is_auto THEN 'auto' ELSE 'pending' END AS approval_status,
    CASE WHEN NOT is_auto THEN approver_role END AS approver_role,
    (CASE WHEN is_auto THEN 0 WHEN value >= $four_eyes_value::DOUBLE THEN 2 ELSE 1 END)::INTEGER AS approvals_needed,
    counter_id AS proposed_by,
    CASE
        WHEN is_posted AND is_auto THEN 'within what policy posts by itself'
        WHEN is_auto THEN 'within what policy posts by itself; the system of record posts'
        WHEN 2 * document_units >= abs(variance) AND document_units > 0
            THEN document_units || ' of ' || abs(variance) || ' units: mend ' || document
        WHEN is_confirmed THEN 'beyond tolerance; a second count found the same'
        WHEN value < $recount_value::DOUBLE THEN 'beyond tolerance and what posts by itself'
        ELSE 'worth too much to post on one count: count again'
    END AS reason,
    is_posted, posted_by, posted_on, is_auto, is_newest, is_within_tolerance, counted_at
FROM counted ORDER BY location_id, sku_id, source_id
"""

#: What was open yesterday, as it stands today.
_CARRIED = """
WITH decided AS (
    SELECT location_id, sku_id, source_id,
        max(outcome) FILTER (outcome IN ('approved', 'rejected')) AS decision,
        count(*) FILTER (outcome IN ('approved', 'counted')) AS approvals,
        string_agg(trim(decided_by), ',' ORDER BY decided_at, approval_id) FILTER (outcome IN ('approved', 'counted'))
            AS people,
        max(trim(decided_by)) FILTER (outcome = 'rejected') AS rejected_by
    FROM outcomes WHERE outcome IN ('approved', 'rejected', 'counted') AND kind <> 'order' GROUP BY ALL
),
newest AS (SELECT * FROM proposable WHERE is_newest),
joined AS (
    SELECT c.* EXCLUDE (approval_status, approvals_given, approved_by),
        CASE d.decision WHEN 'approved' THEN 'approved' WHEN 'rejected' THEN 'rejected' ELSE c.approval_status END
            AS approval_status,
        c.approvals_given + coalesce(d.approvals, 0) AS approvals_given,
        nullif(concat_ws(',', c.approved_by, d.people), '') AS approved_by,
        v AS today, v.source_id IS NOT NULL AS is_seen,
        coalesce(v.variance_units <> c.variance_units OR v.book_units <> c.book_units, false) AS is_restated,
        coalesce(v.about_date, c.about_date) < $day::DATE - $late_days::INTEGER AS is_too_old,
        coalesce(v.is_posted, false) OR a.count_id IS NOT NULL AS is_posted, d.rejected_by,
        CASE WHEN n.source_id <> c.source_id AND n.about_date >= coalesce(v.about_date, c.about_date)
            THEN n.source_id END AS newer_count
    FROM carried AS c
    LEFT JOIN decided AS d USING (location_id, sku_id, source_id)
    LEFT JOIN proposable AS v ON c.kind = 'count' AND c.location_id = v.location_id AND c.sku_id = v.sku_id
        AND c.source_id = v.source_id
    LEFT JOIN newest AS n ON c.kind = 'count' AND c.location_id = n.location_id AND c.sku_id = n.sku_id
    LEFT JOIN named AS a ON c.kind = 'count' AND c.location_id = a.location_id AND c.sku_id = a.sku_id
        AND c.source_id = a.count_id
),
ended AS (
    SELECT *, CASE
        WHEN approval_status = 'rejected' THEN 'rejected'
        WHEN kind = 'disposition' THEN if(approval_status = 'approved', 'approved', NULL)
        WHEN is_posted AND approval_status = 'approved' THEN 'approved'
        WHEN is_seen AND today.variance_units = 0 THEN 'vanished'
        WHEN is_posted AND (approval_status = 'auto' OR today.posted_by = 'count_correction') THEN 'auto'
        WHEN is_posted THEN 'by_source'
        WHEN is_seen AND today.is_within_tolerance THEN 'tolerated'
        WHEN newer_count IS NOT NULL THEN 'superseded'
        WHEN is_too_old THEN 'too_old'
    END AS ending,
    -- What was decided is judged anew only where it is about another number by now.
    ending IS NULL AND is_seen AND (is_restated OR approval_status = 'pending') AS is_judged_anew,
    CASE
        WHEN ending IN ('approved', 'auto') AND kind = 'count' THEN 'post'
        WHEN ending IS NOT NULL OR NOT is_seen THEN action
        -- Confirmed once is confirmed: the count that confirmed it may be closed by now.
        WHEN action = 'post' AND today.action = 'recount' AND NOT is_restated THEN action
        ELSE today.action
    END AS next_action
    FROM joined
)
SELECT location_id, sku_id, source_id, row_key, kind,
    if(is_seen, today.about_date, about_date) AS about_date, proposed_on,
    if(is_seen, today.book_units, book_units) AS book_units,
    if(is_seen, today.counted_units, counted_units) AS counted_units,
    if(is_seen, today.variance_units, variance_units) AS variance_units,
    if(is_seen, today.variance_value, variance_value) AS variance_value,
    CASE WHEN ending = 'vanished' THEN 'late_pos' WHEN is_seen THEN today.root_cause ELSE root_cause END AS root_cause,
    next_action AS action,
    CASE
        WHEN ending IS NULL THEN if(is_judged_anew, today.approval_status, approval_status)
        WHEN ending IN ('approved', 'rejected', 'auto') THEN ending
        ELSE 'withdrawn'
    END AS approval_status,
    if(is_judged_anew, today.approver_role, approver_role) AS approver_role,
    if(is_judged_anew, today.approvals_needed, approvals_needed) AS approvals_needed,
    if(ending IS NULL AND is_restated, 0, approvals_given)::INTEGER AS approvals_given,
    if(ending IS NULL AND is_restated, NULL, approved_by) AS approved_by,
    proposed_by, disposition, expected_recovery, due_on,
    if(ending IS NOT NULL, $day::DATE, NULL) AS closed_on,
    CASE ending
        WHEN 'rejected' THEN 'rejected by ' || rejected_by
        WHEN 'approved' THEN 'approved by ' || approved_by
        WHEN 'vanished' THEN 'facts that came late account for it'
        WHEN 'auto' THEN 'within what policy posts by itself'
        WHEN 'by_source' THEN 'the system of record posted it without an approval here'
        WHEN 'tolerated' THEN 'within tolerance by now'
        WHEN 'superseded' THEN 'superseded by count ' || newer_count
        WHEN 'too_old' THEN 'further back than feeds.late_days: count again'
        ELSE if(is_restated OR next_action <> action, today.reason, reason)
    END AS reason,
    if(ending IS NULL AND is_restated, $policy_version, policy_version) AS policy_version
FROM ended ORDER BY location_id, sku_id, source_id
"""

_PROPOSALS = """
WITH rejected AS (SELECT DISTINCT location_id, sku_id, source_id FROM earlier WHERE outcome = 'rejected' AND kind <> 'order'),
fresh AS (
    SELECT p.* EXCLUDE (is_posted, posted_by, posted_on, is_auto, is_newest, is_within_tolerance, counted_at),
        if(p.is_posted, $day::DATE, NULL) AS closed_on
    FROM proposable AS p
    ANTI JOIN carried AS c USING (location_id, sku_id, source_id)
    ANTI JOIN rejected AS r USING (location_id, sku_id, source_id)
    LEFT JOIN named AS a ON p.location_id = a.location_id AND p.sku_id = a.sku_id AND p.source_id = a.count_id
    WHERE p.variance_units <> 0 AND p.about_date >= $day::DATE - $late_days::INTEGER AND (
        p.is_posted AND p.posted_by = 'count_correction' AND p.posted_on = $day::DATE AND p.is_auto
        OR NOT p.is_posted AND a.count_id IS NULL AND p.is_newest AND NOT p.is_within_tolerance
    )
),
disposed AS (
    SELECT d.location_id, d.sku_id, d.source_id, 'disposition' AS kind, d.about_date, d.units AS book_units,
        -d.units AS variance_units, -d.value AS variance_value, 'dispose' AS action,
        if(d.value < $auto_value::DOUBLE, 'auto', 'pending') AS approval_status,
        if(d.value < $auto_value::DOUBLE, NULL, l.role) AS approver_role,
        (CASE WHEN d.value < $auto_value::DOUBLE THEN 0 WHEN d.value >= $four_eyes_value::DOUBLE THEN 2 ELSE 1 END)::INTEGER
            AS approvals_needed,
        d.disposition, d.expected_recovery, if(d.value < $auto_value::DOUBLE, $day::DATE, NULL) AS closed_on,
        d.condition || ' goods: ' || d.disposition || ' brings the most' AS reason
    FROM dispositions AS d
    ANTI JOIN carried AS c USING (location_id, sku_id, source_id)
    JOIN limits AS l ON d.value > l.above AND d.value <= l.up_to
),
opened AS (
    SELECT *, $day::DATE AS proposed_on, concat_ws('|', $day::DATE, location_id, sku_id, source_id) AS row_key,
        0::INTEGER AS approvals_given, if(closed_on IS NULL, $day::DATE + $approval_days::INTEGER, NULL) AS due_on,
        $policy_version AS policy_version
    FROM (FROM fresh UNION ALL BY NAME FROM disposed)
),
today AS (FROM opened UNION ALL BY NAME FROM carried)
SELECT $day::DATE AS business_date, location_id, sku_id, source_id, row_key, kind, about_date, proposed_on,
    book_units, counted_units, variance_units, variance_value::DECIMAL(18, 6) AS variance_value, root_cause, action,
    approval_status, approver_role, approvals_needed, approvals_given, approved_by, proposed_by, disposition,
    expected_recovery::DECIMAL(18, 6) AS expected_recovery, due_on, closed_on, reason, policy_version
FROM today ORDER BY location_id, sku_id, source_id
"""


@dataclass(frozen=True)
class DayFacts:
    """What the proposals of a date are made of.

    carried: the open rows of the date before's proposals. variances: `int_variances`; causes: `variance_causes` of the
    run. outcomes: approval outcomes of the date; earlier: those of dates before. dispositions: `disposition.dispose`.
    named: (count_id, location_id, sku_id) of counts that an adjustment taken in by now names.
    """

    carried: pa.Table
    variances: pa.Table
    causes: pa.Table
    outcomes: pa.Table
    earlier: pa.Table
    dispositions: pa.Table
    named: pa.Table


def propose(facts: DayFacts, policy: Mapping[str, Any], policy_version: str, run_date: date) -> pa.Table:
    """Proposals open or closed on the date, in the columns of `decisions/adjustments_proposed`."""
    limits = limits_table(parse_limits(policy["reconciliation.approval_limits"]))
    day = {"day": run_date}
    late = {"late_days": policy["feeds.late_days"]}
    four_eyes = {"four_eyes_value": policy["reconciliation.four_eyes_value"]}
    version = {"policy_version": policy_version}
    counted = run_query(
        _COUNTED,
        {"variances": facts.variances, "causes": facts.causes, "carried": facts.carried, "limits": limits},
        day | {"recount_days": policy["reconciliation.recount_days"]},
    )
    proposable = run_query(
        _PROPOSABLE, {"counted": counted}, four_eyes | {"recount_value": policy["reconciliation.recount_value"]}
    )
    shared = {"proposable": proposable, "named": facts.named}
    carried = run_query(
        _CARRIED, shared | {"carried": facts.carried, "outcomes": facts.outcomes}, day | late | version
    )
    tables = {"carried": carried, "earlier": facts.earlier, "dispositions": facts.dispositions, "limits": limits}
    more = {
        "auto_value": policy["disposition.auto_value"],
        "approval_days": policy["reconciliation.approval_days"],
    }
    return run_query(_PROPOSALS, shared | tables, day | late | four_eyes | version | more)
