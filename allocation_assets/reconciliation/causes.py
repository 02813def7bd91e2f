"""Causes of count variances: facts in order of strength take what they can carry, the rest is `unexplained`.

A row of evidence says that one fact could explain so many units of one variance. Rows are served by priority (1 = the
strongest fact), counts that are near in time before those that are far, then oldest count first; each takes no more than is left of the variance and than is left of the fact:

- a fact has as many units as it could explain at most anywhere, less what posted counts of earlier runs took of it, and
  they are used once, whichever variances it could explain;
- a fact that is another count (a mis-pick, an unposted transfer, a count error) pairs one to one: a count stands in one
  pair, and both sides of a pair that explain each other are explained by the same units;
- a count that was not posted and that a newer count of the pair repeats comes after those that stand for themselves;
- `late_pos` says what a variance was and no longer is: it is stated where the variance is now 0 and takes nothing else.

So the units of the causes of a variance that is not 0 sum to it exactly, all with its sign.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from allocation_assets.reconciliation._attribution import attribute
from allocation_assets.reconciliation.frames import run_query
from allocation_assets.tables import integers

_VARIANCES = """
SELECT row_number() OVER (ORDER BY business_date, location_id, sku_id, count_id) - 1 AS v,
    business_date, location_id, sku_id, count_id, variance,
    concat_ws('|', count_id, location_id, sku_id) AS own_key,
    NOT is_posted AND lead(count_id) OVER (
        PARTITION BY location_id, sku_id ORDER BY business_date, counted_at, count_id
    ) IS NOT NULL AS is_repeated
FROM variances WHERE variance <> 0 ORDER BY v
"""

#: One row per usable piece of evidence, in order of service.
_ROWS = """
WITH usable AS (
    SELECT c.v, c.business_date, c.location_id, c.sku_id, c.count_id, c.own_key, c.is_repeated, e.cause, e.priority,
        abs(e.units) AS units, e.evidence_feed, e.evidence_key,
        e.evidence_feed = 'cycle_counts' AND e.evidence_key <> c.own_key AS is_pair,
        CASE WHEN e.evidence_feed = 'cycle_counts' THEN e.evidence_key
            ELSE concat_ws('|', e.evidence_feed, e.evidence_key, c.location_id, c.sku_id) END AS fact_key
    FROM counted AS c JOIN evidence AS e USING (business_date, location_id, sku_id, count_id)
    WHERE e.cause <> 'late_pos' AND sign(e.units) = sign(c.variance)
),
paired_before AS (
    SELECT unnest([own_key, evidence_key]) AS one, unnest([evidence_key, own_key]) AS other
    FROM earlier WHERE evidence_feed = 'cycle_counts' AND own_key <> evidence_key
),
free AS (
    SELECT u.* FROM usable AS u
    ANTI JOIN paired_before AS p ON u.is_pair AND p.one = u.evidence_key AND p.other <> u.own_key
),
others AS (
    SELECT u.v, u.cause, u.evidence_key, arg_min(o.v, (abs(o.business_date - u.business_date), o.v)) AS other,
        min(abs(o.business_date - u.business_date)) AS apart
    FROM free AS u JOIN counted AS o ON u.evidence_key = o.own_key
    WHERE u.is_pair GROUP BY ALL
),
placed AS (
    SELECT u.*, o.other, coalesce(o.apart, 0) AS apart, count(*) OVER (PARTITION BY u.cause, least(u.v, o.other), greatest(u.v, o.other)) > 1
        AND o.other IS NOT NULL AS is_mutual
    FROM free AS u LEFT JOIN others AS o USING (v, cause, evidence_key)
),
numbered AS (
    SELECT *, dense_rank() OVER (ORDER BY fact_key) - 1 AS fact, row_number() OVER (
        ORDER BY priority, is_repeated, is_pair AND NOT is_mutual, apart, business_date, location_id, sku_id, count_id,
            cause, evidence_feed, evidence_key
    ) - 1 AS r
    FROM placed
)
SELECT n.r, n.v, n.units, n.fact, n.is_pair, coalesce(n.other, -1) AS other, coalesce(m.r, -1) AS mirror, n.cause,
    n.evidence_feed, n.evidence_key, n.fact_key
FROM numbered AS n
LEFT JOIN (SELECT v, other, cause, min(r) AS r FROM numbered WHERE is_pair GROUP BY ALL) AS m
    ON n.is_pair AND m.v = n.other AND m.other = n.v AND m.cause = n.cause
ORDER BY n.r
"""

_ROOM = """
WITH used AS (
    SELECT CASE WHEN evidence_feed = 'cycle_counts' THEN evidence_key
            ELSE concat_ws('|', evidence_feed, evidence_key, location_id, sku_id) END AS fact_key,
        sum(abs(units)) AS units
    FROM earlier WHERE is_posted AND evidence_feed IS NOT NULL GROUP BY ALL
)
SELECT r.fact, greatest(max(r.units) - coalesce(max(u.units), 0), 0)::BIGINT AS room
FROM rows AS r LEFT JOIN used AS u USING (fact_key) GROUP BY r.fact ORDER BY r.fact
"""

_CAUSES = """
WITH explained AS (
    SELECT r.v, r.cause, t.taken, r.evidence_feed, r.evidence_key
    FROM rows AS r JOIN taken AS t USING (r) WHERE t.taken > 0
    UNION ALL
    SELECT v, 'unexplained', "left", NULL, NULL FROM remainder WHERE "left" > 0
)
SELECT $day::DATE AS business_date, c.business_date AS counted_on, c.location_id, c.sku_id, c.count_id, e.cause,
    (sign(c.variance) * e.taken)::BIGINT AS units, e.evidence_feed, e.evidence_key
FROM explained AS e JOIN counted AS c USING (v)
UNION ALL
SELECT $day::DATE, business_date, location_id, sku_id, count_id, e.cause, e.units, e.evidence_feed, e.evidence_key
FROM variances AS c JOIN evidence AS e USING (business_date, location_id, sku_id, count_id)
WHERE c.variance = 0 AND e.cause = 'late_pos'
ORDER BY counted_on, location_id, sku_id, count_id, cause, evidence_feed, evidence_key
"""


def attribute_causes(variances: pa.Table, evidence: pa.Table, earlier: pa.Table, run_date: date) -> pa.Table:
    """Causes of every variance, in the columns of `decisions/variance_causes`.

    variances, evidence: `int_variances` and `int_variance_evidence` of the state range. earlier: what earlier runs
    attributed to counts outside that range: (own_key = count|location|sku, location_id, sku_id, evidence_feed,
    evidence_key, units, is_posted).
    """
    counted = run_query(_VARIANCES, {"variances": variances})
    rows = run_query(_ROWS, {"counted": counted, "evidence": evidence, "earlier": earlier})
    room = run_query(_ROOM, {"rows": rows, "earlier": earlier})
    left = np.abs(integers(counted, "variance"))
    taken = attribute(
        integers(rows, "v"),
        integers(rows, "units"),
        integers(rows, "fact"),
        integers(rows, "is_pair").astype(bool),
        integers(rows, "other"),
        integers(rows, "mirror"),
        left,
        integers(room, "room").copy(),
    )
    tables = {
        "variances": variances,
        "evidence": evidence,
        "counted": counted,
        "rows": rows,
        "taken": pa.table({"r": rows["r"], "taken": taken}),
        "remainder": pa.table({"v": counted["v"], "left": left}),
    }
    return run_query(_CAUSES, tables, {"day": run_date})
