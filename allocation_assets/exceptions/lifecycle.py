"""What becomes of a found cause from one date to the next: opened, kept, escalated, resolved, opened anew.

State is the predecessor's rows alone (semantics 6). Set work in DuckDB over relations of the caller's connection; no
files, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from allocation_assets.exceptions.kinds import Kind

#: Key of the one exception that stands for those of its kind that are not listed one by one.
REST = "*"
REST_ACTION = "Work the listed ones first, or raise exceptions.max_per_kind to list more."

_FOUND = """
SELECT kind, cause_key, sku_id, location_id, value_at_risk, evidence, detail, owner_role
FROM (
    SELECT NULL::VARCHAR AS kind, NULL::VARCHAR AS cause_key, NULL::VARCHAR AS sku_id, NULL::VARCHAR AS location_id,
        NULL::DECIMAL(18, 6) AS value_at_risk, NULL::VARCHAR AS evidence, NULL::VARCHAR AS detail,
        NULL::VARCHAR AS owner_role
    WHERE false
    {kinds}
)
"""

# Most valuable first; a cause that is already open stays listed while it is found, or it would look resolved.
_LISTED = """
SELECT f.*, k.recommended_action, k.days_until_due, coalesce(f.owner_role, k.owner_role) AS role,
    o.opened_on AS was_opened_on, o.due_on AS was_due_on,
    row_number() OVER (PARTITION BY f.kind ORDER BY f.value_at_risk DESC, f.cause_key) <= $max_per_kind
        OR o.exception_id IS NOT NULL AS is_listed
FROM found AS f
JOIN kinds AS k ON k.kind = f.kind
LEFT JOIN still_open AS o ON o.kind = f.kind AND o.cause_key = f.cause_key
"""

# The rest of each kind as one row, so that a limit is never silent.
_CURRENT = """
SELECT kind, cause_key, sku_id, location_id, value_at_risk, evidence, detail, role, recommended_action, days_until_due,
    was_opened_on, was_due_on
FROM listed WHERE is_listed
UNION ALL
SELECT r.kind, $rest, NULL, NULL, r.value_at_risk, r.evidence, r.detail, k.owner_role, $rest_action, k.days_until_due,
    o.opened_on, o.due_on
FROM (
    SELECT kind, sum(value_at_risk)::DECIMAL(18, 6) AS value_at_risk,
        concat('exceptions.max_per_kind:', $max_per_kind) AS evidence,
        format('{} more of this kind, {:.2f} at risk together, are not listed one by one; the largest of them is {:.2f}.',
            count(*), sum(value_at_risk)::DOUBLE, max(value_at_risk)::DOUBLE) AS detail
    FROM listed WHERE NOT is_listed GROUP BY kind
) AS r
JOIN kinds AS k ON k.kind = r.kind
LEFT JOIN still_open AS o ON o.kind = r.kind AND o.cause_key = $rest
"""

_DECIDED = """
WITH dated AS (
    SELECT *, coalesce(was_opened_on, $run_date::DATE) AS opened_on,
        coalesce(was_due_on, $run_date::DATE + days_until_due) AS due_on
    FROM current
),
open_rows AS (
    SELECT $run_date::DATE AS business_date,
        substr(sha256(concat_ws(chr(31), kind, cause_key, strftime(opened_on, '%Y-%m-%d'))), 1, 16) AS exception_id,
        kind, cause_key,
        CASE WHEN value_at_risk >= $critical_value THEN 'critical' WHEN value_at_risk >= $high_value THEN 'high'
            WHEN value_at_risk >= $medium_value THEN 'medium' ELSE 'low' END AS severity,
        sku_id, location_id, value_at_risk, role AS owner_role, opened_on, due_on, NULL::DATE AS resolved_on,
        CASE WHEN due_on < $run_date::DATE
            THEN ($run_date::DATE - due_on + $escalation_days - 1) // $escalation_days ELSE 0 END::INTEGER
            AS escalation_level,
        'open' AS status, evidence, detail, recommended_action
    FROM dated
),
resolved_rows AS (
    SELECT $run_date::DATE AS business_date, exception_id, kind, cause_key, severity, sku_id, location_id, value_at_risk,
        owner_role, opened_on, due_on, $run_date::DATE AS resolved_on, escalation_level, 'resolved' AS status, evidence,
        detail, recommended_action
    FROM still_open AS o
    WHERE NOT EXISTS (SELECT 1 FROM current AS c WHERE c.kind = o.kind AND c.cause_key = o.cause_key)
)
SELECT * FROM (SELECT * FROM open_rows UNION ALL SELECT * FROM resolved_rows) ORDER BY exception_id
"""


@dataclass(frozen=True)
class ExceptionSettings:
    """Thresholds of severity (money), days per escalation level, and how many of a kind are listed one by one."""

    critical_value: float
    high_value: float
    medium_value: float
    escalation_days: int
    max_per_kind: int

    @classmethod
    def of(cls, policy: Mapping[str, Any]) -> ExceptionSettings:
        """From the deployment's policy."""
        return cls(**{name: policy[f"exceptions.{name}"] for name in cls.__dataclass_fields__})


def find(connection: duckdb.DuckDBPyConnection, kinds: Sequence[Kind]) -> None:
    """Create the temporary tables `found` (a row per kind and cause) and `kinds` from the kinds' queries.

    Raises ValueError naming a kind whose query returned the same cause twice.
    """
    parts = "".join(f"\nUNION ALL BY NAME SELECT '{kind.name}' AS kind, * FROM ({kind.found})" for kind in kinds)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE found AS {_FOUND.format(kinds=parts)}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE kinds (kind VARCHAR, owner_role VARCHAR, days_until_due INTEGER,"
        " recommended_action VARCHAR)"
    )
    rows = [[kind.name, kind.owner_role, kind.days_until_due, kind.recommended_action] for kind in kinds]
    connection.executemany("INSERT INTO kinds VALUES (?, ?, ?, ?)", rows)
    twice = connection.execute(
        "SELECT kind, cause_key FROM found GROUP BY ALL HAVING count(*) > 1 OR cause_key IS NULL ORDER BY ALL LIMIT 1"
    ).fetchone()
    if twice:
        raise ValueError(
            f"exceptions: kind {twice[0]} found cause {twice[1]} more than once: its query must group by it"
        )


def settle(connection: duckdb.DuckDBPyConnection, run_date: date, settings: ExceptionSettings) -> None:
    """Create the temporary table `decided`: the exceptions open or resolved on the date, ordered by id.

    Reads `found` and `kinds` (see `find`) and `previous`, the exceptions of the date before (columns of the published
    dataset). Exactly one open row per found cause, or per kind for what is beyond `max_per_kind`.
    """
    limits = {"max_per_kind": settings.max_per_kind}
    connection.execute("CREATE OR REPLACE TEMP TABLE still_open AS SELECT * FROM previous WHERE status = 'open'")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE listed AS {_LISTED}", limits)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE current AS {_CURRENT}", limits | {"rest": REST, "rest_action": REST_ACTION}
    )
    graded = {
        "run_date": run_date,
        "critical_value": settings.critical_value,
        "high_value": settings.high_value,
        "medium_value": settings.medium_value,
        "escalation_days": settings.escalation_days,
    }
    connection.execute(f"CREATE OR REPLACE TEMP TABLE decided AS {_DECIDED}", graded)
